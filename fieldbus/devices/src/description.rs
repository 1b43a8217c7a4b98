//! A SubDevice as data, whatever it came from: the built-in catalogue, an SII image, or a vendor's ESI file.
//!
//! Read first: ETG.1000.6 (SII, section 5.4), ETG.1020 (base data types), ETG.2000 (ESI).

/// ETG.1020 base data types that occur in process data and object dictionaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// One bit.
    Bool,
    /// 8 bit signed (SINT).
    I8,
    /// 16 bit signed (INT).
    I16,
    /// 32 bit signed (DINT).
    I32,
    /// 64 bit signed (LINT).
    I64,
    /// 8 bit unsigned (USINT).
    U8,
    /// 16 bit unsigned (UINT).
    U16,
    /// 32 bit unsigned (UDINT).
    U32,
    /// 64 bit unsigned (ULINT).
    U64,
    /// IEEE 754 single (REAL).
    F32,
    /// IEEE 754 double (LREAL).
    F64,
    /// A field of 2 to 64 bits without an arithmetic meaning of its own (BIT2 .. BITARR32), read as unsigned.
    Bits(u8),
    /// VISIBLE_STRING; only in dictionaries.
    Text,
    /// OCTET_STRING or anything this crate does not interpret; only in dictionaries.
    Octets,
}

/// Seen from the MainDevice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// TxPDO: the device sends, we read.
    Input,
    /// RxPDO: we write, the device receives.
    Output,
}

/// Vendor, product, revision and serial number, object 0x1018.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// ETG vendor id.
    pub vendor: u32,
    /// The vendor's product code.
    pub product: u32,
    /// Revision number.
    pub revision: u32,
    /// Serial number; 0 where the device has none.
    pub serial: u32,
}

/// What a SyncManager carries, ETG.1000.6 table 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncManagerKind {
    /// Not used.
    Unused,
    /// Mailbox, MainDevice to SubDevice.
    MailboxOut,
    /// Mailbox, SubDevice to MainDevice.
    MailboxIn,
    /// Process data, MainDevice to SubDevice (RxPDO).
    Outputs,
    /// Process data, SubDevice to MainDevice (TxPDO).
    Inputs,
}

/// One SyncManager as the SII or ESI declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncManager {
    /// Physical start address.
    pub start: u16,
    /// Default length in bytes.
    pub length: u16,
    /// Control register value (0x0804).
    pub control: u8,
    /// Enabled by default.
    pub enable: bool,
    /// What it carries.
    pub kind: SyncManagerKind,
}

/// One entry of a process-data object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PdoEntry {
    /// Object index; 0 for padding.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// Size in bits.
    pub bit_len: u16,
    /// Data type; `Bits(n)` for padding.
    pub data_type: DataType,
    /// Name as the vendor writes it; empty where there is none.
    pub name: String,
}

/// One process-data object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdo {
    /// 0x1600.. for RxPDO, 0x1A00.. for TxPDO.
    pub index: u16,
    /// The SyncManager it is assigned to by default; `None`: optional, not assigned.
    pub sync_manager: Option<u8>,
    /// Name as the vendor writes it.
    pub name: String,
    /// The entries, in order.
    pub entries: Vec<PdoEntry>,
}

/// The standard mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// Write (MainDevice to SubDevice) mailbox: physical start, size in bytes.
    pub receive: (u16, u16),
    /// Read mailbox: physical start, size in bytes.
    pub send: (u16, u16),
    /// Supported protocols, ETG.1000.6 table 18: bit 2 CoE, bit 3 FoE, ...
    pub protocols: u16,
    /// CoE details byte of the General category: bit 0 SDO, 1 SDO info, 2 PDO assign, 3 PDO configuration,
    /// 4 upload at start-up, 5 SDO complete access.
    pub coe_details: u8,
}

/// Who may do what with an object entry, ETG.1000.6 object access bits 0 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectAccess {
    /// Constant or read only.
    Read,
    /// Read and write.
    ReadWrite,
    /// Write only.
    Write,
}

/// One subindex of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Subindex.
    pub subindex: u8,
    /// Name.
    pub name: String,
    /// Data type.
    pub data_type: DataType,
    /// Access.
    pub access: ObjectAccess,
    /// Default value, little endian; its length is the entry's size.
    pub value: Vec<u8>,
}

/// One object of the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Index.
    pub index: u16,
    /// Name.
    pub name: String,
    /// Entries by ascending subindex; a VAR has just subindex 0, ARRAY and RECORD have their count there.
    pub entries: Vec<ObjectEntry>,
}

/// A SubDevice's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceDescription {
    /// Order name, such as `EL1008`.
    pub name: String,
    /// What it is, in a few words.
    pub title: String,
    /// Identity; the serial number is 0 in a type.
    pub identity: Identity,
    /// FMMU usage, one byte each as in the SII's FMMU category (1 outputs, 2 inputs, 3 mailbox state).
    pub fmmus: Vec<u8>,
    /// SyncManagers, by number.
    pub sync_managers: Vec<SyncManager>,
    /// RxPDOs: what we write.
    pub rx_pdos: Vec<Pdo>,
    /// TxPDOs: what we read.
    pub tx_pdos: Vec<Pdo>,
    /// Mailbox, if it has one.
    pub mailbox: Option<Mailbox>,
    /// Object dictionary (CoE); empty without a mailbox.
    pub objects: Vec<Object>,
    /// Supports distributed clocks.
    pub dc: bool,
    /// Cannot LRW: needs LRD and LWR.
    pub no_lrw: bool,
}

/// Where an entry lies in the device's own process data of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryPlace {
    /// Direction.
    pub direction: Direction,
    /// Object index.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// First bit, counted from the start of the device's data of this direction.
    pub bit_offset: u32,
    /// Size in bits.
    pub bit_len: u16,
    /// Type.
    pub data_type: DataType,
}

/// An entry with the names under which a tag may bind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryMatch {
    /// Full name, `channel_1.value`: PDO name and entry name in snake case.
    pub path: String,
    /// `channel_1` where the PDO has this one entry only.
    pub short: Option<String>,
    /// Its place.
    pub place: EntryPlace,
}

impl DeviceDescription {
    /// All non-padding entries of the assigned PDOs, in the order in which they lie in the process data:
    /// by SyncManager number, then PDO order. Each SyncManager starts on a byte.
    pub fn entries(&self, direction: Direction) -> Vec<EntryMatch> {
        let mut found = Vec::new();
        let mut bit_offset = 0_u32;
        for pdos in self.assigned(direction) {
            for pdo in pdos {
                let data_entries = pdo.entries.iter().filter(|entry| entry.index != 0).count();
                for entry in &pdo.entries {
                    if entry.index != 0 {
                        let short = snake_case(&pdo.name);
                        found.push(EntryMatch {
                            path: format!("{short}.{}", snake_case(&entry.name)),
                            short: (data_entries == 1 && !short.is_empty()).then_some(short),
                            place: EntryPlace {
                                direction,
                                index: entry.index,
                                subindex: entry.subindex,
                                bit_offset,
                                bit_len: entry.bit_len,
                                data_type: entry.data_type,
                            },
                        });
                    }
                    bit_offset += u32::from(entry.bit_len);
                }
            }
            bit_offset = bit_offset.next_multiple_of(8);
        }
        found
    }

    /// Size in bytes of the device's process data of one direction, each SyncManager rounded up to bytes.
    pub fn byte_len(&self, direction: Direction) -> usize {
        self.assigned(direction)
            .iter()
            .map(|pdos| {
                let bits: u32 = pdos.iter().flat_map(|pdo| &pdo.entries).map(|e| u32::from(e.bit_len)).sum();
                bits.div_ceil(8) as usize
            })
            .sum()
    }

    /// The assigned PDOs, grouped by SyncManager in ascending order.
    fn assigned(&self, direction: Direction) -> Vec<Vec<&Pdo>> {
        let pdos = match direction {
            Direction::Input => &self.tx_pdos,
            Direction::Output => &self.rx_pdos,
        };
        let mut numbers: Vec<u8> = pdos.iter().filter_map(|pdo| pdo.sync_manager).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
            .iter()
            .map(|number| pdos.iter().filter(|pdo| pdo.sync_manager == Some(*number)).collect())
            .collect()
    }
}

/// `Channel 1` → `channel_1`: letters and digits kept in lower case, everything else one underscore.
pub fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}
