//! An SII image made from a description.

use super::{DC_UNITS, HEADER_LEN, at, category, checksum, data_type, record};
use crate::description::{DeviceDescription, Mailbox, Pdo, PdoEntry, SyncManager, SyncManagerKind};

/// EEPROMs come in powers of two; the smallest that EtherCAT devices carry has 16 kbit.
const EEPROM_LEN_LEAST: usize = 2048;
/// A category's length is a 16 bit count of words.
const CATEGORY_LEN_MAX: usize = 2 * 0xffff;

/// The EEPROM contents of a device of this description: header with checksum and size, all categories, filled up with
/// 0xff to the size of an EEPROM.
///
/// Never fails. What an SII cannot hold goes in as nearly as it can: see [`losses`]. The object dictionary is no part of it.
pub fn encode(description: &DeviceDescription) -> Vec<u8> {
    let mut strings = Strings::default();
    let general = general(description, &mut strings);
    let tx_pdos = pdos(&description.tx_pdos, &mut strings);
    let rx_pdos = pdos(&description.rx_pdos, &mut strings);
    let dc = dc(description, &mut strings);

    let mut image = header(description);
    // Strings come first, as in the images of real devices: readers that look up names walk past nothing else.
    push_category(&mut image, category::STRINGS, strings.into_bytes());
    push_category(&mut image, category::GENERAL, general);
    push_category(&mut image, category::FMMU, fmmus(&description.fmmus));
    push_category(&mut image, category::SYNC_MANAGER, sync_managers(&description.sync_managers));
    push_category(&mut image, category::TX_PDO, tx_pdos);
    push_category(&mut image, category::RX_PDO, rx_pdos);
    push_category(&mut image, category::DC, dc);
    image.extend(category::END.to_le_bytes());

    let len = image.len().next_power_of_two().max(EEPROM_LEN_LEAST);
    image.resize(len, 0xff);
    let kilobits_less_one = u16::try_from(len / 128 - 1).unwrap_or(u16::MAX);
    put(&mut image, at::SIZE, kilobits_less_one);
    image
}

fn header(description: &DeviceDescription) -> Vec<u8> {
    let mut header = vec![0; HEADER_LEN];
    put(&mut header, at::PDI_CONTROL, pdi_control(description));
    let crc = checksum(&header[..at::CHECKSUM]);
    put(&mut header, at::CHECKSUM, u16::from(crc));
    let identity = description.identity;
    let identity_words = [identity.vendor, identity.product, identity.revision, identity.serial];
    for (n, value) in identity_words.into_iter().enumerate() {
        header[at::IDENTITY + 4 * n..][..4].copy_from_slice(&value.to_le_bytes());
    }
    if let Some(Mailbox { receive, send, protocols, .. }) = description.mailbox {
        let mailbox_words = [receive.0, receive.1, send.0, send.1, protocols];
        for (n, word) in mailbox_words.into_iter().enumerate() {
            put(&mut header, at::MAILBOX + 2 * n, word);
        }
    }
    put(&mut header, at::VERSION, 1);
    header
}

/// ESC registers 0x0140 and 0x0141. A device with firmware sits behind SPI; one without is plain digital I/O, or nothing at
/// all in a coupler, and has its AL state emulated by the ESC.
fn pdi_control(description: &DeviceDescription) -> u16 {
    const SPI: u16 = 0x05;
    const DIGITAL_IO: u16 = 0x04;
    const DEVICE_EMULATION: u16 = 0x0100;
    let has_process_data = !(description.rx_pdos.is_empty() && description.tx_pdos.is_empty());
    let interface = match (description.mailbox, has_process_data) {
        (Some(_), _) => SPI,
        (None, true) => DEVICE_EMULATION | DIGITAL_IO,
        (None, false) => DEVICE_EMULATION,
    };
    if description.dc { interface | DC_UNITS } else { interface }
}

/// ETG.1000.6 table 21.
fn general(description: &DeviceDescription, strings: &mut Strings) -> Vec<u8> {
    const PROTOCOL_EOE: u16 = 1 << 1;
    const PROTOCOL_FOE: u16 = 1 << 3;
    const FLAG_NOT_LRW: u8 = 1 << 1;
    const TWO_EBUS_PORTS: u8 = 0x33;
    let mut bytes = vec![0; record::GENERAL];
    bytes[2] = strings.index_of(&description.name);
    bytes[3] = strings.index_of(&description.title);
    if let Some(mailbox) = description.mailbox {
        bytes[5] = mailbox.coe_details;
        bytes[6] = u8::from(mailbox.protocols & PROTOCOL_FOE != 0);
        bytes[7] = u8::from(mailbox.protocols & PROTOCOL_EOE != 0);
    }
    bytes[11] = if description.no_lrw { FLAG_NOT_LRW } else { 0 };
    bytes[16] = TWO_EBUS_PORTS;
    bytes
}

fn fmmus(usage: &[u8]) -> Vec<u8> {
    let mut bytes = usage.to_vec();
    bytes.truncate(CATEGORY_LEN_MAX);
    bytes
}

/// ETG.1000.6 table 24.
fn sync_managers(sync_managers: &[SyncManager]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(sync_managers.len() * record::SYNC_MANAGER);
    for sync_manager in sync_managers.iter().take(CATEGORY_LEN_MAX / record::SYNC_MANAGER) {
        bytes.extend(sync_manager.start.to_le_bytes());
        bytes.extend(sync_manager.length.to_le_bytes());
        let status = 0;
        bytes.extend([
            sync_manager.control,
            status,
            u8::from(sync_manager.enable),
            kind_code(sync_manager.kind),
        ]);
    }
    bytes
}

fn kind_code(kind: SyncManagerKind) -> u8 {
    match kind {
        SyncManagerKind::Unused => 0,
        SyncManagerKind::MailboxOut => 1,
        SyncManagerKind::MailboxIn => 2,
        SyncManagerKind::Outputs => 3,
        SyncManagerKind::Inputs => 4,
    }
}

/// ETG.1000.6 tables 25 and 26.
fn pdos(pdos: &[Pdo], strings: &mut Strings) -> Vec<u8> {
    const MANDATORY: u16 = 0x0001;
    const FIXED_CONTENT: u16 = 0x0010;
    let mut bytes = Vec::new();
    for pdo in pdos {
        let entries = &pdo.entries[..pdo.entries.len().min(0xff)];
        if bytes.len() + record::PDO + entries.len() * record::PDO_ENTRY > CATEGORY_LEN_MAX {
            break;
        }
        let flags = if pdo.sync_manager.is_some() { MANDATORY | FIXED_CONTENT } else { FIXED_CONTENT };
        bytes.extend(pdo.index.to_le_bytes());
        bytes.extend([u8::try_from(entries.len()).unwrap_or(u8::MAX), pdo.sync_manager.unwrap_or(0xff)]);
        let dc_sync = 0;
        bytes.extend([dc_sync, strings.index_of(&pdo.name)]);
        bytes.extend(flags.to_le_bytes());
        for entry in entries {
            bytes.extend(entry.index.to_le_bytes());
            bytes.extend([entry.subindex, strings.index_of(&entry.name)]);
            bytes.extend([data_type::encode(entry.data_type), held_bit_len(entry), 0, 0]);
        }
    }
    bytes
}

fn held_bit_len(entry: &PdoEntry) -> u8 {
    u8::try_from(entry.bit_len).unwrap_or(u8::MAX)
}

/// ETG.2010 table 16: one operation mode, SYNC0 once a cycle. A device without process data has nothing to synchronise.
fn dc(description: &DeviceDescription, strings: &mut Strings) -> Vec<u8> {
    const ASSIGN_ACTIVATE_SYNC0: u16 = 0x0300;
    if !description.dc || (description.rx_pdos.is_empty() && description.tx_pdos.is_empty()) {
        return Vec::new();
    }
    let mut bytes = vec![0; record::DC];
    put(&mut bytes, 14, ASSIGN_ACTIVATE_SYNC0);
    let sync0_cycle_factor = 1;
    put(&mut bytes, 16, sync0_cycle_factor);
    bytes[18] = strings.index_of("DcSync");
    bytes
}

/// Appends a category, padded to words; an empty one is left out.
fn push_category(image: &mut Vec<u8>, number: u16, mut contents: Vec<u8>) {
    if contents.is_empty() {
        return;
    }
    if contents.len() % 2 == 1 {
        contents.push(0xff);
    }
    let words = u16::try_from(contents.len() / 2).expect("every category is built within CATEGORY_LEN_MAX");
    image.extend(number.to_le_bytes());
    image.extend(words.to_le_bytes());
    image.extend(contents);
}

fn put(bytes: &mut [u8], offset: usize, word: u16) {
    bytes[offset..offset + 2].copy_from_slice(&word.to_le_bytes());
}

/// The Strings category in the making. Index 0 means *no string*; equal strings are held once.
#[derive(Default)]
struct Strings {
    texts: Vec<Vec<u8>>,
}

impl Strings {
    /// The index of a text, which is entered unless it is there; 0 for an empty one and when all 255 are taken.
    fn index_of(&mut self, text: &str) -> u8 {
        if text.is_empty() {
            return 0;
        }
        let latin1: Vec<u8> = text.chars().take(0xff).map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        let place = match self.texts.iter().position(|known| *known == latin1) {
            Some(place) => place,
            None if self.texts.len() == 0xff => return 0,
            None => {
                self.texts.push(latin1);
                self.texts.len() - 1
            }
        };
        u8::try_from(place + 1).unwrap_or(0)
    }

    fn into_bytes(self) -> Vec<u8> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        let count = u8::try_from(self.texts.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![count];
        for text in self.texts {
            bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            bytes.extend(text);
        }
        bytes
    }
}

/// What [`encode`] cannot carry over, one line each: `rx pdo 0x1600, entry 0x7000:01: 300 bits, an sii holds 255`.
/// Empty for whatever [`parse`](super::parse()) made, so that `parse(&encode(&d)) == Ok(d)` wherever this is empty. The object
/// dictionary is never part of an SII and not mentioned.
pub fn losses(description: &DeviceDescription) -> Vec<String> {
    let mut found = Vec::new();
    let mut strings = Strings::default();
    check_text("name", &description.name, &mut strings, &mut found);
    check_text("title", &description.title, &mut strings, &mut found);
    check_fmmus(&description.fmmus, &mut found);
    check_sync_managers(&description.sync_managers, &mut found);
    if let Some(Mailbox { receive: (0, 0), send: (0, 0), protocols: 0, .. }) = description.mailbox {
        found.push("mailbox: all zero, in an sii this means that there is none".to_owned());
    }
    check_pdos("tx pdo", &description.tx_pdos, &mut strings, &mut found);
    check_pdos("rx pdo", &description.rx_pdos, &mut strings, &mut found);
    found
}

fn check_text(item: &str, text: &str, strings: &mut Strings, found: &mut Vec<String>) {
    let len = text.chars().count();
    if len > 0xff {
        found.push(format!("{item}: {len} characters, an sii holds 255"));
    }
    if let Some(c) = text.chars().find(|c| u8::try_from(*c).is_err()) {
        found.push(format!("{item}: {c:?} is not latin-1, an sii holds nothing else"));
    }
    if text.ends_with('\0') {
        found.push(format!("{item}: ends with a zero character, in an sii this is padding"));
    }
    if !text.is_empty() && strings.index_of(text) == 0 {
        found.push(format!("{item}: an sii holds 255 different strings, all taken"));
    }
}

fn check_fmmus(fmmus: &[u8], found: &mut Vec<String>) {
    if fmmus.len() > CATEGORY_LEN_MAX {
        found.push(format!("fmmus: {}, an sii holds {CATEGORY_LEN_MAX}", fmmus.len()));
    }
    if fmmus.last() == Some(&0xff) {
        found.push("fmmus: the last one is 0xff, in an sii this is padding".to_owned());
    }
}

fn check_sync_managers(sync_managers: &[SyncManager], found: &mut Vec<String>) {
    let len_max = CATEGORY_LEN_MAX / record::SYNC_MANAGER;
    if sync_managers.len() > len_max {
        found.push(format!("sync managers: {}, an sii holds {len_max}", sync_managers.len()));
    }
    for (number, sync_manager) in sync_managers.iter().enumerate() {
        if sync_manager.kind == SyncManagerKind::Unused && sync_manager.enable {
            found.push(format!("sync manager {number}: unused but enabled, an sii reader infers a use"));
        }
    }
}

fn check_pdos(kind: &str, pdos: &[Pdo], strings: &mut Strings, found: &mut Vec<String>) {
    let mut len = 0;
    for pdo in pdos {
        let item = format!("{kind} {:#06x}", pdo.index);
        check_text(&item, &pdo.name, strings, found);
        if pdo.entries.len() > 0xff {
            found.push(format!("{item}: {} entries, an sii holds 255", pdo.entries.len()));
        }
        if pdo.sync_manager == Some(0xff) {
            found.push(format!("{item}: sync manager 255, in an sii this means not assigned"));
        }
        len += record::PDO + pdo.entries.len() * record::PDO_ENTRY;
        if len > CATEGORY_LEN_MAX {
            found.push(format!("{item}: an sii holds {CATEGORY_LEN_MAX} bytes of {kind}s, all taken"));
            break;
        }
        for entry in &pdo.entries {
            let item = format!("{item}, entry {:#06x}:{:02x}", entry.index, entry.subindex);
            check_entry(&item, entry, strings, found);
        }
    }
}

fn check_entry(item: &str, entry: &PdoEntry, strings: &mut Strings, found: &mut Vec<String>) {
    check_text(item, &entry.name, strings, found);
    if entry.bit_len > 0xff {
        found.push(format!("{item}: {} bits, an sii holds 255", entry.bit_len));
        return;
    }
    let read_back = data_type::decode(data_type::encode(entry.data_type), held_bit_len(entry), entry.index);
    if read_back != entry.data_type {
        found.push(format!(
            "{item}: {:?} of {} bits reads back as {read_back:?}",
            entry.data_type, entry.bit_len
        ));
    }
}
