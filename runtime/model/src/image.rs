//! Reading and writing bit fields of a process image. EtherCAT is little endian, bit 0 first.

use sensai_devices::DataType;
use serde::{Deserialize, Serialize};

/// How the bits of a field are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawType {
    /// One bit.
    Bool,
    /// Two's complement of the field's length.
    Signed,
    /// Unsigned of the field's length.
    Unsigned,
    /// IEEE 754 single, 32 bits.
    F32,
    /// IEEE 754 double, 64 bits.
    F64,
}

/// A field of an image: where it starts, how long it is, how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BitField {
    /// First bit, counted from the start of the image.
    pub bit_offset: u32,
    /// Size in bits, 1 to 64.
    pub bit_len: u8,
    /// How it is read.
    pub raw: RawType,
}

impl RawType {
    /// How values of an EtherCAT data type are read; `None` for texts.
    pub const fn of(data_type: DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Bool => Self::Bool,
            DataType::I8 | DataType::I16 | DataType::I32 | DataType::I64 => Self::Signed,
            DataType::U8 | DataType::U16 | DataType::U32 | DataType::U64 | DataType::Bits(_) => {
                Self::Unsigned
            }
            DataType::F32 => Self::F32,
            DataType::F64 => Self::F64,
            DataType::Text | DataType::Octets => return None,
        })
    }
}

impl BitField {
    /// The field's bits, right aligned. The field must lie inside `image`.
    pub fn read_bits(&self, image: &[u8]) -> u64 {
        let (first, shift) = (self.bit_offset as usize / 8, self.bit_offset % 8);
        let bytes = (shift as usize + self.bit_len as usize).div_ceil(8);
        let mut wide = 0_u128;
        for (i, byte) in image[first..first + bytes].iter().enumerate() {
            wide |= u128::from(*byte) << (8 * i);
        }
        (wide >> shift) as u64 & self.mask()
    }

    /// Set the field's bits and leave all others.
    pub fn write_bits(&self, image: &mut [u8], bits: u64) {
        let (first, shift) = (self.bit_offset as usize / 8, self.bit_offset % 8);
        let bytes = (shift as usize + self.bit_len as usize).div_ceil(8);
        let mask = u128::from(self.mask()) << shift;
        let wide = u128::from(bits & self.mask()) << shift;
        for (i, byte) in image[first..first + bytes].iter_mut().enumerate() {
            *byte = *byte & !((mask >> (8 * i)) as u8) | (wide >> (8 * i)) as u8;
        }
    }

    /// Sign-extended value of a signed field; the plain bits of any other, which end at `i64::MAX`.
    pub fn read_integer(&self, image: &[u8]) -> i64 {
        let bits = self.read_bits(image);
        if self.raw == RawType::Signed {
            let unused = 64 - u32::from(self.bit_len);
            (bits << unused).cast_signed() >> unused
        } else {
            i64::try_from(bits).unwrap_or(i64::MAX)
        }
    }

    /// True if the two fields of one image have a bit in common.
    pub const fn overlaps(&self, other: &Self) -> bool {
        let (end, other_end) =
            (self.bit_offset + self.bit_len as u32, other.bit_offset + other.bit_len as u32);
        self.bit_offset < other_end && other.bit_offset < end
    }

    /// Smallest and largest integer the field can hold. Unsigned 64 bit fields are limited to `i64::MAX`.
    pub const fn integer_range(&self) -> (i64, i64) {
        match self.raw {
            RawType::Bool => (0, 1),
            RawType::Signed if self.bit_len >= 64 => (i64::MIN, i64::MAX),
            RawType::Signed => (-(1 << (self.bit_len - 1)), (1 << (self.bit_len - 1)) - 1),
            _ if self.bit_len >= 63 => (0, i64::MAX),
            _ => (0, (1 << self.bit_len) - 1),
        }
    }

    /// One past the last byte the field touches.
    pub const fn end_byte(&self) -> usize {
        (self.bit_offset as usize + self.bit_len as usize).div_ceil(8)
    }

    const fn mask(&self) -> u64 {
        if self.bit_len >= 64 { u64::MAX } else { (1 << self.bit_len) - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IMAGE_BYTES: u32 = 24;

    /// Any field that lies inside an image of [`IMAGE_BYTES`].
    fn field() -> impl Strategy<Value = BitField> {
        let raw = prop_oneof![Just(RawType::Signed), Just(RawType::Unsigned), Just(RawType::Bool)];
        (1..=64_u8, raw).prop_flat_map(|(bit_len, raw)| {
            (0..=IMAGE_BYTES * 8 - u32::from(bit_len)).prop_map(move |bit_offset| BitField {
                bit_offset,
                bit_len,
                raw,
            })
        })
    }

    fn bit(image: &[u8], at: u32) -> bool {
        image[at as usize / 8] >> (at % 8) & 1 == 1
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(field in field(), bits: u64) {
            let mut image = [0; IMAGE_BYTES as usize];
            field.write_bits(&mut image, bits);
            prop_assert_eq!(field.read_bits(&image), bits & field.mask());
        }

        /// Against a model that looks at one bit at a time.
        #[test]
        fn only_its_own_bits_change(field in field(), bits: u64, before: [u8; IMAGE_BYTES as usize]) {
            let mut image = before;
            field.write_bits(&mut image, bits);
            for at in 0..IMAGE_BYTES * 8 {
                let own = at.checked_sub(field.bit_offset).filter(|n| *n < u32::from(field.bit_len));
                let expected = own.map_or(bit(&before, at), |n| bits >> n & 1 == 1);
                prop_assert_eq!(bit(&image, at), expected, "bit {}", at);
            }
            prop_assert!(field.end_byte() <= IMAGE_BYTES as usize);
        }

        #[test]
        fn integers_in_range_survive(field in field(), value: i64) {
            let (low, high) = field.integer_range();
            let bool_len = if field.raw == RawType::Bool { 1 } else { field.bit_len };
            let field = BitField { bit_len: bool_len, ..field };
            let value = value.clamp(low, high);
            let mut image = [0xa5; IMAGE_BYTES as usize];
            field.write_bits(&mut image, value.cast_unsigned());
            prop_assert_eq!(field.read_integer(&image), value);
        }

        #[test]
        fn any_bits_read_as_an_integer_in_range(field in field(), image: [u8; IMAGE_BYTES as usize]) {
            prop_assume!(field.raw != RawType::Bool || field.bit_len == 1);
            let (low, high) = field.integer_range();
            prop_assert!((low..=high).contains(&field.read_integer(&image)));
        }
    }

    #[test]
    fn little_endian_bit_0_first() {
        let image = [0x34, 0x12, 0xff, 0x80];
        let read = |bit_offset, bit_len, raw| BitField { bit_offset, bit_len, raw }.read_integer(&image);
        assert_eq!(read(0, 16, RawType::Unsigned), 0x1234);
        assert_eq!(read(4, 8, RawType::Unsigned), 0x23);
        assert_eq!(read(16, 8, RawType::Signed), -1);
        assert_eq!(read(16, 16, RawType::Signed), 0x80ff - 0x1_0000);
        assert_eq!(read(31, 1, RawType::Bool), 1);
    }

    #[test]
    fn large_unsigned_values_end_at_the_largest_integer() {
        let field = BitField { bit_offset: 0, bit_len: 64, raw: RawType::Unsigned };
        assert_eq!(field.read_integer(&[0xff; 8]), i64::MAX);
    }
}
