//! What an SII image says, read once more and differently: straight from the tables of ETG.2010 at fixed offsets, for
//! images that are known to be sound. The product's own decoder is judged by this one, so nothing is shared.

/// An entry of a PDO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Object index; 0 is a gap.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// From the strings category; empty for none.
    pub name: String,
    /// Bits.
    pub bits: u8,
}

/// A PDO of category 50 or 51.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdo {
    /// Object index.
    pub index: u16,
    /// Assigned SyncManager; 0xff is none.
    pub sync_manager: u8,
    /// From the strings category.
    pub name: String,
    /// In mapping order.
    pub entries: Vec<Entry>,
}

impl Pdo {
    /// Bits of all entries.
    pub fn bits(&self) -> u32 {
        self.entries.iter().map(|entry| u32::from(entry.bits)).sum()
    }
}

/// A SyncManager of category 41.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncManager {
    /// Physical start address.
    pub start: u16,
    /// Default length.
    pub len: u16,
    /// Control register.
    pub control: u8,
    /// 1, 2 mailbox out and in; 3, 4 process data out and in; 0 unused.
    pub kind: u8,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eeprom {
    /// Vendor id, product code, revision, serial number.
    pub identity: [u32; 4],
    /// Standard receive and send mailbox: offset and size of each.
    pub mailbox: [u16; 4],
    /// From category 30.
    pub name: String,
    /// From category 30.
    pub order: String,
    /// Category 41.
    pub sync_managers: Vec<SyncManager>,
    /// Category 50: what the MainDevice reads.
    pub tx: Vec<Pdo>,
    /// Category 51: what the MainDevice writes.
    pub rx: Vec<Pdo>,
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn double(bytes: &[u8], at: usize) -> u32 {
    u32::from(word(bytes, at)) | u32::from(word(bytes, at + 2)) << 16
}

impl Eeprom {
    /// Read a binary image.
    ///
    /// # Panics
    /// It is not sound; this is no parser for foreign bytes.
    pub fn decode(image: &[u8]) -> Self {
        let categories = categories(image);
        let find = |kind| categories.iter().filter(move |(found, _)| *found == kind).map(|(_, data)| *data);
        let strings = find(10).next().map(strings).unwrap_or_default();
        let text = |number: u8| {
            usize::from(number).checked_sub(1).and_then(|at| strings.get(at)).cloned().unwrap_or_default()
        };
        let general = find(30).next().unwrap_or(&[0; 4]);
        let managers = |data: &[u8]| {
            let manager =
                |m: &[u8]| SyncManager { start: word(m, 0), len: word(m, 2), control: m[4], kind: m[7] };
            data.chunks_exact(8).map(manager).collect::<Vec<_>>()
        };
        Self {
            identity: [0x10, 0x14, 0x18, 0x1c].map(|at| double(image, at)),
            mailbox: [0x30, 0x32, 0x34, 0x36].map(|at| word(image, at)),
            name: text(general[3]),
            order: text(general[2]),
            sync_managers: find(41).flat_map(managers).collect(),
            tx: find(50).flat_map(|data| pdos(data, &text)).collect(),
            rx: find(51).flat_map(|data| pdos(data, &text)).collect(),
        }
    }

    /// Bytes of the process data that lie behind SyncManagers of `kind`, each rounded up to whole bytes.
    pub fn bytes(&self, kind: u8) -> u32 {
        let pdos = if kind == 3 { &self.rx } else { &self.tx };
        let managers = self.sync_managers.iter().enumerate().filter(|(_, manager)| manager.kind == kind);
        let bits = |number: usize| -> u32 {
            pdos.iter().filter(|pdo| usize::from(pdo.sync_manager) == number).map(Pdo::bits).sum()
        };
        managers.map(|(number, _)| bits(number).div_ceil(8)).sum()
    }
}

/// Kind and data of each category, from byte 0x80 to the end mark.
fn categories(image: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    let mut at = 0x80;
    while at + 4 <= image.len() && word(image, at) != 0xffff {
        let len = 2 * usize::from(word(image, at + 2));
        found.push((word(image, at), &image[at + 4..at + 4 + len]));
        at += 4 + len;
    }
    found
}

fn strings(data: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = &data[1..];
    for _ in 0..data[0] {
        let (text, after) = rest[1..].split_at(rest[0].into());
        found.push(text.iter().map(|byte| char::from(*byte)).collect());
        rest = after;
    }
    found
}

fn pdos(data: &[u8], text: &impl Fn(u8) -> String) -> Vec<Pdo> {
    let mut found = Vec::new();
    let mut rest = data;
    // The category is padded to a whole word.
    while rest.len() >= 8 {
        let (head, after) = rest.split_at(8);
        let (entries, after) = after.split_at(8 * usize::from(head[2]));
        let entry = |entry: &[u8]| Entry {
            index: word(entry, 0),
            subindex: entry[2],
            name: text(entry[3]),
            bits: entry[5],
        };
        found.push(Pdo {
            index: word(head, 0),
            sync_manager: head[3],
            name: text(head[5]),
            entries: entries.chunks_exact(8).map(entry).collect(),
        });
        rest = after;
    }
    found
}

#[test]
fn an_image_written_by_hand_is_read() {
    let mut image = vec![0; 0x80];
    image[0x10..0x18].copy_from_slice(&[2, 0, 0, 0, 0x52, 0x30, 0xd4, 0x07]);
    image[0x18] = 0x10;
    image[0x32] = 0x80;
    let mut category = |kind: u8, data: &[u8]| {
        image.extend([kind, 0, (data.len() / 2) as u8, 0]);
        image.extend(data);
    };
    category(10, b"\x02\x01A\x04Name");
    category(30, &[0, 0, 1, 2]);
    category(41, &[0, 0x0f, 1, 0, 0x44, 0, 9, 3]);
    category(51, &[0x00, 0x16, 1, 0, 0, 2, 0, 0, 0x00, 0x70, 1, 1, 1, 1, 0, 0]);
    image.extend([0xff; 2]);
    let eeprom = Eeprom::decode(&image);
    assert_eq!(eeprom.identity, [2, 0x07d4_3052, 0x10, 0]);
    assert_eq!(eeprom.mailbox, [0, 0x80, 0, 0]);
    assert_eq!((eeprom.order.as_str(), eeprom.name.as_str()), ("A", "Name"));
    assert_eq!(eeprom.sync_managers, [SyncManager { start: 0x0f00, len: 1, control: 0x44, kind: 3 }]);
    let entry = Entry { index: 0x7000, subindex: 1, name: "A".into(), bits: 1 };
    assert_eq!(
        eeprom.rx,
        [Pdo { index: 0x1600, sync_manager: 0, name: "Name".into(), entries: vec![entry] }]
    );
    assert_eq!((eeprom.bytes(3), eeprom.bytes(4)), (1, 0));
}
