//! An image as it is: words and categories at their offsets, nothing interpreted, nothing refused.

use std::fmt;

use super::{HEADER_LEN, at, category};

/// A view of an image of any length and content, for inspection. [`parse`](super::parse()) says what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub struct SiiImage<'a> {
    bytes: &'a [u8],
}

/// What a category holds, ETG.1000.6 table 19 and ETG.2010 table 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CategoryKind {
    /// 0: filler.
    Nop,
    /// 10: the texts that the other categories refer to by number.
    Strings,
    /// 20: reserved for data types.
    DataTypes,
    /// 30: names, CoE details, flags, ports.
    General,
    /// 40: what each FMMU is used for.
    Fmmu,
    /// 41: the SyncManagers' defaults.
    SyncManager,
    /// 42: extended FMMU and SyncManager assignment.
    FmmuEx,
    /// 43: sync units.
    SyncUnit,
    /// 50: TxPDOs, inputs.
    TxPdo,
    /// 51: RxPDOs, outputs.
    RxPdo,
    /// 60: operation modes of the distributed clock.
    Dc,
    /// Device or vendor specific.
    Other(u16),
}

/// One category where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Category<'a> {
    /// What it holds.
    pub kind: CategoryKind,
    /// Byte offset of the contents; type and length stand in the four bytes before.
    pub offset: usize,
    /// Length in bytes as the image declares it.
    pub declared_len: usize,
    /// The contents: `declared_len` bytes, or fewer where the image ends before.
    pub contents: &'a [u8],
}

impl<'a> SiiImage<'a> {
    /// Looks at these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// All of it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The word at a word address, as MainDevices count; `None` beyond the end.
    pub fn word(&self, address: usize) -> Option<u16> {
        word_at(self.bytes, address.checked_mul(2)?)
    }

    /// All words in order; an odd byte at the end is none.
    pub fn words(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// Size of the EEPROM in bytes as the header's size word declares it.
    pub fn declared_len(&self) -> Option<usize> {
        word_at(self.bytes, at::SIZE).map(|kilobits_less_one| (usize::from(kilobits_less_one) + 1) * 128)
    }

    /// The categories up to the end marker or, without one, as far as the image goes. A category that is cut off is the
    /// last one.
    pub fn categories(&self) -> impl Iterator<Item = Category<'a>> + use<'a> {
        let bytes = self.bytes;
        let mut next = HEADER_LEN;
        std::iter::from_fn(move || {
            let category = category_at(bytes, next)?;
            next = category.offset.saturating_add(category.declared_len);
            Some(category)
        })
    }

    /// Byte offset of the end marker 0xFFFF; `None` where the image ends without one.
    pub fn end(&self) -> Option<usize> {
        let after = self.categories().last().map_or(HEADER_LEN, |last| last.offset + last.declared_len);
        (word_at(self.bytes, after) == Some(category::END)).then_some(after)
    }
}

impl Category<'_> {
    /// Whether the image holds all of it.
    pub fn is_whole(&self) -> bool {
        self.contents.len() == self.declared_len
    }
}

fn category_at(bytes: &[u8], offset: usize) -> Option<Category<'_>> {
    let number = word_at(bytes, offset).filter(|number| *number != category::END)?;
    let words = word_at(bytes, offset.checked_add(2)?)?;
    let offset = offset + 4;
    let declared_len = 2 * usize::from(words);
    let rest = bytes.get(offset..)?;
    let contents = rest.get(..declared_len).unwrap_or(rest);
    Some(Category { kind: CategoryKind::from(number), offset, declared_len, contents })
}

pub(super) fn word_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|word| u16::from_le_bytes(*word))
}

pub(super) fn double_word_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

impl From<u16> for CategoryKind {
    fn from(number: u16) -> Self {
        match number {
            category::NOP => Self::Nop,
            category::STRINGS => Self::Strings,
            category::DATA_TYPES => Self::DataTypes,
            category::GENERAL => Self::General,
            category::FMMU => Self::Fmmu,
            category::SYNC_MANAGER => Self::SyncManager,
            category::FMMU_EX => Self::FmmuEx,
            category::SYNC_UNIT => Self::SyncUnit,
            category::TX_PDO => Self::TxPdo,
            category::RX_PDO => Self::RxPdo,
            category::DC => Self::Dc,
            other => Self::Other(other),
        }
    }
}

impl CategoryKind {
    /// The category's number in the image.
    pub fn number(self) -> u16 {
        match self {
            Self::Nop => category::NOP,
            Self::Strings => category::STRINGS,
            Self::DataTypes => category::DATA_TYPES,
            Self::General => category::GENERAL,
            Self::Fmmu => category::FMMU,
            Self::SyncManager => category::SYNC_MANAGER,
            Self::FmmuEx => category::FMMU_EX,
            Self::SyncUnit => category::SYNC_UNIT,
            Self::TxPdo => category::TX_PDO,
            Self::RxPdo => category::RX_PDO,
            Self::Dc => category::DC,
            Self::Other(number) => number,
        }
    }
}

impl fmt::Display for CategoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nop => f.write_str("nop"),
            Self::Strings => f.write_str("strings"),
            Self::DataTypes => f.write_str("data types"),
            Self::General => f.write_str("general"),
            Self::Fmmu => f.write_str("fmmu"),
            Self::SyncManager => f.write_str("sync manager"),
            Self::FmmuEx => f.write_str("fmmu extension"),
            Self::SyncUnit => f.write_str("sync unit"),
            Self::TxPdo => f.write_str("tx pdo"),
            Self::RxPdo => f.write_str("rx pdo"),
            Self::Dc => f.write_str("distributed clock"),
            Self::Other(number) => write!(f, "{number:#06x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_with(categories: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        bytes.extend(categories);
        bytes
    }

    #[test]
    fn categories_lie_at_their_offsets() {
        let bytes = image_with(&[40, 0, 1, 0, 2, 0xff, 0, 8, 0, 0, 10, 0, 2, 0, 1, 2, 3, 4, 0xff, 0xff]);
        let image = SiiImage::new(&bytes);
        let found: Vec<_> = image.categories().collect();
        fn category(kind: CategoryKind, offset: usize, contents: &[u8]) -> Category<'_> {
            Category { kind, offset, declared_len: contents.len(), contents }
        }
        assert_eq!(
            found,
            [
                category(CategoryKind::Fmmu, 0x84, &[2, 0xff]),
                category(CategoryKind::Other(0x0800), 0x8a, &[]),
                category(CategoryKind::Strings, 0x8e, &[1, 2, 3, 4]),
            ]
        );
        assert_eq!(image.end(), Some(0x92));
    }

    #[test]
    fn a_category_that_is_cut_off_is_the_last_one() {
        let bytes = image_with(&[50, 0, 9, 0, 1, 2, 3]);
        let image = SiiImage::new(&bytes);
        let found: Vec<_> = image.categories().collect();
        assert_eq!(found.len(), 1);
        assert!(!found[0].is_whole());
        assert_eq!((found[0].declared_len, found[0].contents), (18, &[1, 2, 3][..]));
        assert_eq!(image.end(), None);
    }

    #[test]
    fn numbers_and_kinds_agree() {
        for number in 0..0xffff {
            assert_eq!(CategoryKind::from(number).number(), number);
        }
    }

    #[test]
    fn words_and_size() {
        let mut bytes = image_with(&[0xff, 0xff, 0xee]);
        bytes[0x7c] = 15;
        bytes[4] = 0x34;
        bytes[5] = 0x12;
        let image = SiiImage::new(&bytes);
        assert_eq!(image.word(2), Some(0x1234));
        assert_eq!(image.words().count(), 65);
        assert_eq!(image.word(65), None);
        assert_eq!(image.word(usize::MAX), None);
        assert_eq!(image.declared_len(), Some(2048));
    }
}
