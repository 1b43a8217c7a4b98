//! SII EEPROM images: what a SubDevice says about itself before anybody has talked to its firmware.
//!
//! Read first: ETG.1000.6 section 5.4 and ETG.2010. An image is a row of little-endian 16 bit words: 64 words of header
//! (identity, mailbox, size; the first seven guarded by a CRC-8), then categories of type, length and contents up to the
//! type 0xFFFF.
//!
//! [`SiiImage`] looks at an image as it is, [`parse`] makes a description of it, [`encode`] makes an image of a
//! description, [`read_image`] accepts the file formats in which images are passed around.

mod data_type;
mod encode;
mod file;
mod image;
mod parse;

pub use encode::{encode, losses};
pub use file::{ImageFileError, read_image};
pub use image::{Category, CategoryKind, SiiImage};
pub use parse::{SiiError, SiiErrorKind, parse};

/// Bytes before the first category.
pub const HEADER_LEN: usize = 0x80;

/// Written in place of the checksum, it switches the check off; for development only, says ETG.1000.6.
pub const CHECKSUM_IGNORED: u16 = 0x88a4;

/// CRC-8 over the header's first 14 bytes: polynomial x^8 + x^2 + x + 1, initial value 0xff (ETG.1000.6 table 16).
pub fn checksum(words_0_to_6: &[u8]) -> u8 {
    words_0_to_6.iter().fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { (crc << 1) ^ 0x07 })
    })
}

/// Byte offsets of the header's words.
mod at {
    pub const PDI_CONTROL: usize = 0x00;
    pub const CHECKSUM: usize = 0x0e;
    pub const IDENTITY: usize = 0x10;
    pub const MAILBOX: usize = 0x30;
    pub const SIZE: usize = 0x7c;
    pub const VERSION: usize = 0x7e;
}

/// Bits of word 0's high byte (ESC register 0x0141): the SYNC and the LATCH unit of the distributed clock are powered.
const DC_UNITS: u16 = 0x0c00;

/// Category numbers, ETG.1000.6 table 19.
mod category {
    pub const NOP: u16 = 0;
    pub const STRINGS: u16 = 10;
    pub const DATA_TYPES: u16 = 20;
    pub const GENERAL: u16 = 30;
    pub const FMMU: u16 = 40;
    pub const SYNC_MANAGER: u16 = 41;
    pub const FMMU_EX: u16 = 42;
    pub const SYNC_UNIT: u16 = 43;
    pub const TX_PDO: u16 = 50;
    pub const RX_PDO: u16 = 51;
    pub const DC: u16 = 60;
    pub const END: u16 = 0xffff;
}

/// Sizes in bytes of the categories' records.
mod record {
    /// The standard's General category; everything this crate reads lies in its first 12 bytes.
    pub const GENERAL: usize = 32;
    pub const GENERAL_LEAST: usize = 12;
    pub const SYNC_MANAGER: usize = 8;
    pub const PDO: usize = 8;
    pub const PDO_ENTRY: usize = 8;
    pub const DC: usize = 24;
}
