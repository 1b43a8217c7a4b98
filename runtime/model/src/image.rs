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
            DataType::U8 | DataType::U16 | DataType::U32 | DataType::U64 | DataType::Bits(_) => Self::Unsigned,
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

    /// Sign-extended value of a signed field; the plain bits of any other.
    pub fn read_integer(&self, image: &[u8]) -> i64 {
        let bits = self.read_bits(image);
        if self.raw == RawType::Signed {
            let unused = 64 - u32::from(self.bit_len);
            (bits << unused).cast_signed() >> unused
        } else {
            bits.cast_signed()
        }
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
