//! A description made from an SII image. Any bytes may come in: what does not fit is reported with its offset.

use super::image::{Category, CategoryKind, SiiImage, double_word_at, word_at};
use super::{CHECKSUM_IGNORED, DC_UNITS, HEADER_LEN, at, checksum, data_type, record};
use crate::description::{DeviceDescription, Identity, Mailbox, Pdo, PdoEntry, SyncManager, SyncManagerKind};

/// One thing wrong with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sii offset {offset:#06x}: {kind}")]
pub struct SiiError {
    /// Byte offset in the image.
    pub offset: usize,
    /// What is wrong there.
    pub kind: SiiErrorKind,
}

/// What can be wrong with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiiErrorKind {
    /// Shorter than a header.
    #[error("the image ends after {actual} bytes, expected a header of 128")]
    NoHeader {
        /// Its length.
        actual: usize,
    },
    /// Nothing but 0xff in the header.
    #[error("the header is all 0xff, expected an identity: the eeprom is blank and has to be written first")]
    Blank,
    /// The header's CRC-8 is wrong.
    #[error("header checksum {actual:#04x}, expected {expected:#04x}")]
    Checksum {
        /// Over the header's words.
        expected: u8,
        /// In the image.
        actual: u8,
    },
    /// A category goes on beyond the end of the image.
    #[error("{category} category of {expected} bytes, but the image ends after {actual} of them")]
    CategoryCut {
        /// Which.
        category: CategoryKind,
        /// Its declared length.
        expected: usize,
        /// What is there of it.
        actual: usize,
    },
    /// No end marker.
    #[error("the image ends without the end category 0xffff")]
    NoEnd,
    /// A category that may be there once is there again.
    #[error("second {category} category, expected one only: the first is at {first:#06x}")]
    Repeated {
        /// Which.
        category: CategoryKind,
        /// Byte offset of the contents of the first.
        first: usize,
    },
    /// A record does not fit into what is left of its category.
    #[error("{category} category: {actual} bytes left, expected a record of {expected}")]
    RecordCut {
        /// Which category.
        category: CategoryKind,
        /// Bytes of the record.
        expected: usize,
        /// Bytes left.
        actual: usize,
    },
    /// A process-data object counts more entries than its category holds.
    #[error("pdo {pdo:#06x} of {expected} entries, but the category ends after {actual} of them")]
    EntriesMissing {
        /// The object's index.
        pdo: u16,
        /// The count.
        expected: usize,
        /// What is there.
        actual: usize,
    },
    /// A string goes on beyond the end of the Strings category.
    #[error("string {index} of {expected} bytes, but the category ends after {actual} of them")]
    StringCut {
        /// Number of the string, from 1.
        index: usize,
        /// Its declared length.
        expected: usize,
        /// What is there of it.
        actual: usize,
    },
    /// The Strings category counts more strings than it holds.
    #[error("string {index} is missing, expected {expected} strings in the category")]
    StringMissing {
        /// Number of the string, from 1.
        index: usize,
        /// The count.
        expected: usize,
    },
    /// A reference to a string that is not there.
    #[error("string number {actual}, expected at most {count}")]
    StringIndex {
        /// The reference.
        actual: u8,
        /// How many strings there are.
        count: usize,
    },
    /// A SyncManager type that is not defined.
    #[error("sync manager {number}: type {actual:#04x}, expected 0x00 to 0x04")]
    SyncManagerType {
        /// Which SyncManager.
        number: usize,
        /// The type byte.
        actual: u8,
    },
}

/// Makes a description of an image.
///
/// Whatever the image is, this returns: with all that is wrong, by offset, if anything is. The
/// object dictionary is empty: an SII has none. Bytes that a description does not hold are not looked at.
pub fn parse(bytes: &[u8]) -> Result<DeviceDescription, Vec<SiiError>> {
    let mut parser = Parser { errors: Vec::new(), strings: Vec::new() };
    let description = parser.description(bytes);
    match description {
        Some(description) if parser.errors.is_empty() => Ok(description),
        _ => {
            parser.errors.sort_by_key(|error| error.offset);
            Err(parser.errors)
        }
    }
}

struct Parser {
    errors: Vec<SiiError>,
    strings: Vec<String>,
}

impl Parser {
    fn error(&mut self, offset: usize, kind: SiiErrorKind) {
        self.errors.push(SiiError { offset, kind });
    }

    /// `None` only together with an error.
    fn description(&mut self, bytes: &[u8]) -> Option<DeviceDescription> {
        let Some(header) = bytes.first_chunk::<HEADER_LEN>() else {
            self.error(bytes.len(), SiiErrorKind::NoHeader { actual: bytes.len() });
            return None;
        };
        if header.iter().all(|byte| *byte == 0xff) {
            self.error(0, SiiErrorKind::Blank);
            return None;
        }
        self.check_checksum(header);
        let categories = self.categories(bytes);
        let find = |kind| categories.iter().find(|category: &&Category<'_>| category.kind == kind);

        // First, whatever its place: everything after it refers to it.
        if let Some(category) = find(CategoryKind::Strings) {
            self.strings(category);
        }
        let general = find(CategoryKind::General).map(|category| self.general(category)).unwrap_or_default();
        let dc_modes = find(CategoryKind::Dc).is_some_and(|category| self.has_dc_modes(category));
        Some(DeviceDescription {
            name: general.name,
            title: general.title,
            identity: identity(header)?,
            fmmus: find(CategoryKind::Fmmu).map(fmmus).unwrap_or_default(),
            sync_managers: find(CategoryKind::SyncManager)
                .map(|category| self.sync_managers(category))
                .unwrap_or_default(),
            rx_pdos: find(CategoryKind::RxPdo).map(|category| self.pdos(category)).unwrap_or_default(),
            tx_pdos: find(CategoryKind::TxPdo).map(|category| self.pdos(category)).unwrap_or_default(),
            mailbox: mailbox(header, general.coe_details)?,
            objects: Vec::new(),
            // Couplers have the units but no operation modes; drives behind a bus interface the reverse.
            dc: dc_modes || word_at(header, at::PDI_CONTROL)? & DC_UNITS != 0,
            no_lrw: general.not_lrw,
        })
    }

    fn check_checksum(&mut self, header: &[u8; HEADER_LEN]) {
        let expected = checksum(&header[..at::CHECKSUM]);
        // The high byte is reserved.
        let actual = header[at::CHECKSUM];
        if actual != expected && word_at(header, at::CHECKSUM) != Some(CHECKSUM_IGNORED) {
            self.error(at::CHECKSUM, SiiErrorKind::Checksum { expected, actual });
        }
    }

    /// All categories, of which those that a description is made from are there once.
    fn categories<'a>(&mut self, bytes: &'a [u8]) -> Vec<Category<'a>> {
        let image = SiiImage::new(bytes);
        let mut categories: Vec<Category<'a>> = Vec::new();
        let mut cut = false;
        for category in image.categories() {
            if !category.is_whole() {
                cut = true;
                self.error(
                    category.offset,
                    SiiErrorKind::CategoryCut {
                        category: category.kind,
                        expected: category.declared_len,
                        actual: category.contents.len(),
                    },
                );
            }
            if !is_decoded(category.kind) {
                continue;
            }
            match categories.iter().find(|known| known.kind == category.kind) {
                Some(Category { offset: first, .. }) => self.error(
                    category.offset - 4,
                    SiiErrorKind::Repeated { category: category.kind, first: *first },
                ),
                None => categories.push(category),
            }
        }
        if image.end().is_none() && !cut {
            self.error(bytes.len(), SiiErrorKind::NoEnd);
        }
        categories
    }

    /// A count, then each string with its length before it, in latin-1.
    fn strings(&mut self, category: &Category<'_>) {
        let Some((count, mut rest)) = category.contents.split_first() else {
            return;
        };
        let expected = usize::from(*count);
        for index in 1..=expected {
            let offset = category.offset + category.contents.len() - rest.len();
            let Some((len, after)) = rest.split_first() else {
                self.error(offset, SiiErrorKind::StringMissing { index, expected });
                return;
            };
            let Some((text, after)) = after.split_at_checked(usize::from(*len)) else {
                let expected = usize::from(*len);
                self.error(offset, SiiErrorKind::StringCut { index, expected, actual: after.len() });
                return;
            };
            let text: String = text.iter().copied().map(char::from).collect();
            // Some tools pad strings with zeros.
            self.strings.push(text.trim_end_matches('\0').to_owned());
            rest = after;
        }
    }

    fn string(&mut self, offset: usize, index: u8) -> String {
        let Some(place) = usize::from(index).checked_sub(1) else {
            return String::new();
        };
        if let Some(text) = self.strings.get(place) {
            return text.clone();
        }
        self.error(offset, SiiErrorKind::StringIndex { actual: index, count: self.strings.len() });
        String::new()
    }

    fn general(&mut self, category: &Category<'_>) -> General {
        const NOT_LRW: u8 = 1 << 1;
        let Some(&[_group, _image, order, name, _reserved, coe_details, _foe, _eoe, _, _, _, flags]) =
            category.contents.first_chunk::<{ record::GENERAL_LEAST }>()
        else {
            self.record_cut(category, category.contents.len(), record::GENERAL_LEAST);
            return General::default();
        };
        General {
            name: self.string(category.offset + 2, order),
            title: self.string(category.offset + 3, name),
            coe_details,
            not_lrw: flags & NOT_LRW != 0,
        }
    }

    fn sync_managers(&mut self, category: &Category<'_>) -> Vec<SyncManager> {
        const ENABLE: u8 = 1 << 0;
        let (records, rest) = category.contents.as_chunks::<{ record::SYNC_MANAGER }>();
        if !rest.is_empty() {
            self.record_cut(category, rest.len(), record::SYNC_MANAGER);
        }
        let mut sync_managers = Vec::with_capacity(records.len());
        for (number, record) in records.iter().enumerate() {
            let [start_low, start_high, length_low, length_high, control, _status, enable, kind] = *record;
            let enable = enable & ENABLE != 0;
            let Some(kind) = sync_manager_kind(kind, control, enable) else {
                let offset = category.offset + number * record.len() + 7;
                self.error(offset, SiiErrorKind::SyncManagerType { number, actual: kind });
                continue;
            };
            sync_managers.push(SyncManager {
                start: u16::from_le_bytes([start_low, start_high]),
                length: u16::from_le_bytes([length_low, length_high]),
                control,
                enable,
                kind,
            });
        }
        sync_managers
    }

    /// Objects and their entries are records of the same size, one row: each object is followed by its entries.
    fn pdos(&mut self, category: &Category<'_>) -> Vec<Pdo> {
        let (records, rest) = category.contents.as_chunks::<{ record::PDO }>();
        if !rest.is_empty() {
            self.record_cut(category, rest.len(), record::PDO);
        }
        let mut pdos = Vec::new();
        let mut records = records.iter().zip((category.offset..).step_by(record::PDO));
        while let Some((record, offset)) = records.next() {
            let [index_low, index_high, entry_count, sync_manager, _dc_sync, name, _flags_low, _flags_high] =
                *record;
            let index = u16::from_le_bytes([index_low, index_high]);
            let name = self.string(offset + 5, name);
            let expected = usize::from(entry_count);
            let entries: Vec<PdoEntry> = records
                .by_ref()
                .take(expected)
                .map(|(record, offset)| self.pdo_entry(offset, *record))
                .collect();
            if entries.len() < expected {
                let actual = entries.len();
                self.error(offset + 2, SiiErrorKind::EntriesMissing { pdo: index, expected, actual });
            }
            let sync_manager = (sync_manager != 0xff).then_some(sync_manager);
            pdos.push(Pdo { index, sync_manager, name, entries });
        }
        pdos
    }

    fn pdo_entry(&mut self, offset: usize, record: [u8; record::PDO_ENTRY]) -> PdoEntry {
        let [index_low, index_high, subindex, name, type_code, bit_len, _flags_low, _flags_high] = record;
        let index = u16::from_le_bytes([index_low, index_high]);
        PdoEntry {
            index,
            subindex,
            bit_len: u16::from(bit_len),
            data_type: data_type::decode(type_code, bit_len, index),
            name: self.string(offset + 3, name),
        }
    }

    fn has_dc_modes(&mut self, category: &Category<'_>) -> bool {
        let (modes, rest) = category.contents.as_chunks::<{ record::DC }>();
        if !rest.is_empty() {
            self.record_cut(category, rest.len(), record::DC);
        }
        !modes.is_empty()
    }

    fn record_cut(&mut self, category: &Category<'_>, actual: usize, expected: usize) {
        let offset = category.offset + category.contents.len() - actual;
        self.error(offset, SiiErrorKind::RecordCut { category: category.kind, expected, actual });
    }
}

/// What a description takes from the General category.
#[derive(Default)]
struct General {
    name: String,
    title: String,
    coe_details: u8,
    not_lrw: bool,
}

fn is_decoded(kind: CategoryKind) -> bool {
    match kind {
        CategoryKind::Strings
        | CategoryKind::General
        | CategoryKind::Fmmu
        | CategoryKind::SyncManager
        | CategoryKind::TxPdo
        | CategoryKind::RxPdo
        | CategoryKind::Dc => true,
        CategoryKind::Nop
        | CategoryKind::DataTypes
        | CategoryKind::FmmuEx
        | CategoryKind::SyncUnit
        | CategoryKind::Other(_) => false,
    }
}

fn identity(header: &[u8; HEADER_LEN]) -> Option<Identity> {
    Some(Identity {
        vendor: double_word_at(header, at::IDENTITY)?,
        product: double_word_at(header, at::IDENTITY + 4)?,
        revision: double_word_at(header, at::IDENTITY + 8)?,
        serial: double_word_at(header, at::IDENTITY + 12)?,
    })
}

/// Inner `None`: all words are zero, the device has no mailbox.
fn mailbox(header: &[u8; HEADER_LEN], coe_details: u8) -> Option<Option<Mailbox>> {
    let word = |n: usize| word_at(header, at::MAILBOX + 2 * n);
    let mailbox = Mailbox {
        receive: (word(0)?, word(1)?),
        send: (word(2)?, word(3)?),
        protocols: word(4)?,
        coe_details,
    };
    let none = Mailbox { coe_details, ..Mailbox::default() };
    Some((mailbox != none).then_some(mailbox))
}

/// One byte each; 0xff at the end fills up the last word.
fn fmmus(category: &Category<'_>) -> Vec<u8> {
    let mut usage = category.contents.to_vec();
    while usage.last() == Some(&0xff) {
        usage.pop();
    }
    usage
}

/// The use of a SyncManager from its type byte. Where that is 0, as in images older than the byte, an enabled one is used
/// for what its control byte says (ETG.1000.4 table 59): bits 0 and 1 mailbox or buffers, bits 2 and 3 the direction.
fn sync_manager_kind(type_code: u8, control: u8, enable: bool) -> Option<SyncManagerKind> {
    const MODE: u8 = 0b0000_0011;
    const MODE_MAILBOX: u8 = 0b10;
    const DIRECTION: u8 = 0b0000_1100;
    let mailbox = control & MODE == MODE_MAILBOX;
    let written_by_main_device = control & DIRECTION != 0;
    Some(match (type_code, mailbox, written_by_main_device) {
        (0, _, _) if !enable => SyncManagerKind::Unused,
        (1, _, _) | (0, true, true) => SyncManagerKind::MailboxOut,
        (2, _, _) | (0, true, false) => SyncManagerKind::MailboxIn,
        (3, _, _) | (0, false, true) => SyncManagerKind::Outputs,
        (4, _, _) | (0, false, false) => SyncManagerKind::Inputs,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sii::encode;
    use crate::{catalogue, description::DataType};

    fn el1008() -> Vec<u8> {
        encode(&catalogue::find("EL1008").expect("is in the catalogue"))
    }

    /// An image with a valid header and these categories, end marker included.
    fn image_with(categories: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        bytes[at::CHECKSUM] = checksum(&bytes[..at::CHECKSUM]);
        bytes.extend(categories);
        bytes.extend([0xff, 0xff]);
        bytes
    }

    #[track_caller]
    fn check_errors(bytes: &[u8], expected: &[&str]) {
        let errors = parse(bytes).expect_err("is wrong");
        let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn no_header_no_description() {
        check_errors(&[], &["sii offset 0x0000: the image ends after 0 bytes, expected a header of 128"]);
        check_errors(
            &[0; 127],
            &["sii offset 0x007f: the image ends after 127 bytes, expected a header of 128"],
        );
        check_errors(
            &[0xff; 2048],
            &[
                "sii offset 0x0000: the header is all 0xff, expected an identity: the eeprom is blank and has to be written first",
            ],
        );
    }

    #[test]
    fn a_flipped_bit_in_the_guarded_words_is_noticed() {
        for bit in 0..8 * 15 {
            let mut bytes = el1008();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let errors = parse(&bytes).expect_err("the checksum is wrong");
            assert!(
                matches!(errors[..], [SiiError { offset: 0x0e, kind: SiiErrorKind::Checksum { .. } }]),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn the_checksum_can_be_switched_off() {
        let mut bytes = el1008();
        bytes[0x0e..0x10].copy_from_slice(&CHECKSUM_IGNORED.to_le_bytes());
        assert!(parse(&bytes).is_ok());
    }

    #[test]
    fn all_findings_at_once() {
        let mut bytes = image_with(&[
            30, 0, 6, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, // general: strings 1 and 2
            10, 0, 2, 0, 1, 2, b'E', b'K', // strings: one
            41, 0, 5, 0, 0, 0x10, 1, 0, 0, 0, 1, 9, 0xaa,
            0xaa, // sync manager: type 9, two bytes left over
            50, 0, 4, 0, 0, 0x1a, 2, 0, 0, 3, 0, 0, // tx pdo 0x1a00: two entries, none there; string 3
            10, 0, 0, 0, // strings again
        ]);
        bytes[0x0e] ^= 0xff;
        check_errors(
            &bytes,
            &[
                "sii offset 0x000e: header checksum 0xcf, expected 0x30",
                "sii offset 0x0087: string number 2, expected at most 1",
                "sii offset 0x00a3: sync manager 0: type 0x09, expected 0x00 to 0x04",
                "sii offset 0x00a4: sync manager category: 2 bytes left, expected a record of 8",
                "sii offset 0x00ac: pdo 0x1a00 of 2 entries, but the category ends after 0 of them",
                "sii offset 0x00af: string number 3, expected at most 1",
                "sii offset 0x00b2: second strings category, expected one only: the first is at 0x0094",
            ],
        );
    }

    #[test]
    fn strings_that_are_not_there() {
        check_errors(
            &image_with(&[10, 0, 2, 0, 2, 1, b'A', 7]),
            &["sii offset 0x0087: string 2 of 7 bytes, but the category ends after 0 of them"],
        );
        check_errors(
            &image_with(&[10, 0, 1, 0, 3, 0]),
            &["sii offset 0x0086: string 2 is missing, expected 3 strings in the category"],
        );
    }

    #[test]
    fn an_image_that_stops_anywhere_is_refused() {
        let whole = el1008();
        let end = SiiImage::new(&whole).end().expect("has an end");
        for len in 0..end + 2 {
            assert!(parse(&whole[..len]).is_err(), "{len} bytes");
        }
        assert!(parse(&whole[..end + 2]).is_ok());
    }

    #[test]
    fn latin1_and_padding_zeros() {
        let strings = [10, 0, 4, 0, 2, 3, b'A', b'B', 0, 2, 0xb5, b's'];
        let general = [30, 0, 6, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0];
        let description = parse(&image_with(&[&strings[..], &general[..]].concat())).expect("is right");
        assert_eq!((&*description.name, &*description.title), ("AB", "µs"));
    }

    #[test]
    fn sync_manager_without_a_type() {
        for (type_code, control, enable, expected) in [
            (0, 0x26, true, Some(SyncManagerKind::MailboxOut)),
            (0, 0x22, true, Some(SyncManagerKind::MailboxIn)),
            (0, 0x64, true, Some(SyncManagerKind::Outputs)),
            (0, 0x20, true, Some(SyncManagerKind::Inputs)),
            (0, 0x64, false, Some(SyncManagerKind::Unused)),
            // The type byte wins over the control byte, and counts where the SyncManager is off, too.
            (4, 0x64, true, Some(SyncManagerKind::Inputs)),
            (3, 0x00, false, Some(SyncManagerKind::Outputs)),
            (5, 0x64, true, None),
        ] {
            assert_eq!(
                sync_manager_kind(type_code, control, enable),
                expected,
                "{type_code} {control:#04x} {enable}"
            );
        }
    }

    #[test]
    fn categories_it_does_not_know_are_stepped_over() {
        let description = parse(&image_with(&[
            0, 8, 1, 0, 0xde, 0xad, // vendor specific
            0, 0, 0, 0, // filler, twice
            0, 0, 0, 0, //
            51, 0, 8, 0, // rx pdo
            0, 0x16, 1, 0xff, 0, 0, 0x11, 0, //
            0, 0x70, 1, 0, 1, 1, 0, 0,
        ]))
        .expect("is right");
        assert_eq!(
            description.rx_pdos,
            [Pdo {
                index: 0x1600,
                sync_manager: None,
                name: String::new(),
                entries: vec![PdoEntry {
                    index: 0x7000,
                    subindex: 1,
                    bit_len: 1,
                    data_type: DataType::Bool,
                    name: String::new()
                }],
            }]
        );
    }
}
