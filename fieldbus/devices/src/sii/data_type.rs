//! The one-byte data type codes of SII process-data entries (ETG.1020 base data types).

use crate::description::DataType;

/// The type of an entry of `bit_len` bits. A code that is 0, unknown to this crate, or of another size than the entry
/// says nothing, and the size decides; an entry of object 0 is padding whatever its code says.
pub(super) fn decode(code: u8, bit_len: u8, object_index: u16) -> DataType {
    if object_index == 0 {
        return DataType::Bits(bit_len);
    }
    match (code, bit_len) {
        (0x02, 8) => DataType::I8,
        (0x03, 16) => DataType::I16,
        (0x04, 32) => DataType::I32,
        (0x15, 64) => DataType::I64,
        (0x05, 8) => DataType::U8,
        (0x06, 16) => DataType::U16,
        (0x07, 32) => DataType::U32,
        (0x1b, 64) => DataType::U64,
        (0x08, 32) => DataType::F32,
        (0x11, 64) => DataType::F64,
        (0x09, _) => DataType::Text,
        (0x0a, _) => DataType::Octets,
        (_, 1) => DataType::Bool,
        (_, 2..=64) => DataType::Bits(bit_len),
        _ => DataType::Octets,
    }
}

/// The code of a type; 0 where ETG.1020 has none.
pub(super) fn encode(data_type: DataType) -> u8 {
    match data_type {
        DataType::Bool => 0x01,
        DataType::I8 => 0x02,
        DataType::I16 => 0x03,
        DataType::I32 => 0x04,
        DataType::I64 => 0x15,
        DataType::U8 => 0x05,
        DataType::U16 => 0x06,
        DataType::U32 => 0x07,
        DataType::U64 => 0x1b,
        DataType::F32 => 0x08,
        DataType::F64 => 0x11,
        // BIT1 to BIT16 are consecutive; of the longer fields only BITARR32 has a code.
        DataType::Bits(bits @ 1..=16) => 0x30 + (bits - 1),
        DataType::Bits(32) => 0x2f,
        DataType::Bits(_) => 0,
        DataType::Text => 0x09,
        DataType::Octets => 0x0a,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What real images hold: AKD's 0x6041 (code 6, 16 bit), 0x6063 (4, 32), EL2262's 0x7200:02 (5, 8) and its gaps (0, 3).
    #[test]
    fn codes_seen_in_real_images() {
        for (code, bits, index, expected) in [
            (0x06, 16, 0x6041, DataType::U16),
            (0x04, 32, 0x6063, DataType::I32),
            (0x05, 8, 0x7200, DataType::U8),
            (0x01, 1, 0x7000, DataType::Bool),
            (0x00, 3, 0x0000, DataType::Bits(3)),
        ] {
            assert_eq!(decode(code, bits, index), expected, "code {code:#04x}, {bits} bit");
        }
    }

    #[test]
    fn the_size_decides_where_the_code_does_not() {
        for (code, bits, expected) in [
            (0x00, 1, DataType::Bool),
            (0x00, 16, DataType::Bits(16)),
            (0xee, 24, DataType::Bits(24)),
            (0x03, 12, DataType::Bits(12)),
            (0x01, 8, DataType::Bits(8)),
            (0x00, 65, DataType::Octets),
            (0x00, 0, DataType::Octets),
        ] {
            assert_eq!(decode(code, bits, 0x6000), expected, "code {code:#04x}, {bits} bit");
        }
    }

    #[test]
    fn every_type_survives_its_code() {
        let sized = [
            (DataType::Bool, 1),
            (DataType::I8, 8),
            (DataType::I16, 16),
            (DataType::I32, 32),
            (DataType::I64, 64),
            (DataType::U8, 8),
            (DataType::U16, 16),
            (DataType::U32, 32),
            (DataType::U64, 64),
            (DataType::F32, 32),
            (DataType::F64, 64),
            (DataType::Text, 80),
            (DataType::Octets, 48),
        ];
        let bits = (2..=64).map(|bits| (DataType::Bits(bits), bits));
        for (data_type, bit_len) in sized.into_iter().chain(bits) {
            assert_eq!(decode(encode(data_type), bit_len, 0x6000), data_type);
        }
    }
}
