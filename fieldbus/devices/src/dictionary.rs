//! The object dictionary of a CoE device, derived from what its description says already.
//!
//! Read first: ETG.1000.6 section 5.6.7 (communication area) and ETG.5001.1 (the modular device profile's index ranges).
//! Identity, SyncManagers and process-data objects stand in the description once; this module spells out the objects
//! that repeat them, so that the two cannot disagree. Only settings (0x8000 ..) and texts are added by hand.

use std::collections::BTreeMap;

use crate::description::{
    DataType, DeviceDescription, Direction, Object, ObjectAccess, ObjectEntry, Pdo, SyncManagerKind,
};

/// CoE details bit 2: the device lets its PDO assignment be written.
const COE_PDO_ASSIGN: u8 = 1 << 2;
/// CoE details bit 3: the device lets its PDO mapping be written.
const COE_PDO_CONFIGURATION: u8 = 1 << 3;
/// Mailbox protocol bit 2.
const PROTOCOL_COE: u16 = 1 << 2;

/// Builds the dictionary of one device.
///
/// ```
/// use sensai_devices::{catalogue, dictionary::Dictionary};
/// let gauge = catalogue::find("SN7001").unwrap();
/// let objects = Dictionary::of(&gauge).software_version("02").build();
/// assert!(objects.iter().any(|object| object.index == 0x1c13));
/// ```
#[derive(Clone, Debug)]
pub struct Dictionary<'a> {
    description: &'a DeviceDescription,
    device_type: u32,
    hardware_version: &'a str,
    software_version: &'a str,
    settings: Vec<Object>,
}

impl<'a> Dictionary<'a> {
    /// A dictionary for this device, to be completed and then [built](Self::build). The description's own `objects` are not
    /// looked at: it may come from an SII, which has none.
    pub fn of(description: &'a DeviceDescription) -> Self {
        Self {
            description,
            device_type: 0,
            hardware_version: "00",
            software_version: "01",
            settings: Vec::new(),
        }
    }

    /// Object 0x1000: profile number in the low word, 0 for none; 5001 is the modular device profile.
    pub fn device_type(mut self, device_type: u32) -> Self {
        self.device_type = device_type;
        self
    }

    /// Object 0x1009.
    pub fn hardware_version(mut self, version: &'a str) -> Self {
        self.hardware_version = version;
        self
    }

    /// Object 0x100A.
    pub fn software_version(mut self, version: &'a str) -> Self {
        self.software_version = version;
        self
    }

    /// Adds an object that cannot be derived. It replaces a derived one of the same index.
    pub fn object(mut self, object: Object) -> Self {
        self.settings.push(object);
        self
    }

    /// All objects by ascending index; none for a device without CoE.
    pub fn build(self) -> Vec<Object> {
        let description = self.description;
        if description.mailbox.is_none_or(|mailbox| mailbox.protocols & PROTOCOL_COE == 0) {
            return Vec::new();
        }
        let mut objects = BTreeMap::new();
        let mut add = |object: Object| objects.insert(object.index, object);
        for object in process_data(description) {
            add(object);
        }
        for pdo in description.rx_pdos.iter().chain(&description.tx_pdos) {
            add(mapping(description, pdo));
        }
        for object in assignments(description) {
            add(object);
        }
        add(variable(0x1000, "Device type", DataType::U32, &self.device_type.to_le_bytes()));
        add(text(0x1008, "Device name", &description.name));
        add(text(0x1009, "Hardware version", self.hardware_version));
        add(text(0x100a, "Software version", self.software_version));
        add(identity(description));
        add(sync_manager_types(description));
        for object in self.settings {
            add(object);
        }
        objects.into_values().collect()
    }
}

/// A RECORD: subindex 0 counts up to the highest of `entries`, which must come by ascending subindex.
pub fn record(index: u16, name: &str, entries: Vec<ObjectEntry>) -> Object {
    let count = entries.last().map_or(0, |entry| entry.subindex);
    with_count(index, name, count, ObjectAccess::Read, entries)
}

/// One setting: readable, writable, with its default.
pub fn setting(subindex: u8, name: &str, data_type: DataType, default: &[u8]) -> ObjectEntry {
    entry(subindex, name, data_type, ObjectAccess::ReadWrite, default)
}

fn entry(subindex: u8, name: &str, data_type: DataType, access: ObjectAccess, value: &[u8]) -> ObjectEntry {
    ObjectEntry { subindex, name: name.to_owned(), data_type, access, value: value.to_vec() }
}

fn variable(index: u16, name: &str, data_type: DataType, value: &[u8]) -> Object {
    Object {
        index,
        name: name.to_owned(),
        entries: vec![entry(0, name, data_type, ObjectAccess::Read, value)],
    }
}

fn text(index: u16, name: &str, value: &str) -> Object {
    variable(index, name, DataType::Text, value.as_bytes())
}

fn with_count(index: u16, name: &str, count: u8, access: ObjectAccess, entries: Vec<ObjectEntry>) -> Object {
    let mut all = vec![entry(0, "Number of entries", DataType::U8, access, &[count])];
    all.extend(entries);
    Object { index, name: name.to_owned(), entries: all }
}

/// An ARRAY with subindices 1 .. n of one type. Subindex 0 is writable where the elements are.
fn array<const SIZE: usize>(
    index: u16,
    name: &str,
    data_type: DataType,
    access: ObjectAccess,
    values: impl Iterator<Item = [u8; SIZE]>,
) -> Object {
    let entries: Vec<ObjectEntry> = (1..=u8::MAX)
        .zip(values)
        .map(|(subindex, value)| {
            entry(subindex, &format!("SubIndex {subindex:03}"), data_type, access, &value)
        })
        .collect();
    let count = entries.last().map_or(0, |entry| entry.subindex);
    with_count(index, name, count, access, entries)
}

fn identity(description: &DeviceDescription) -> Object {
    let identity = description.identity;
    let fields = [
        ("Vendor ID", identity.vendor),
        ("Product code", identity.product),
        ("Revision", identity.revision),
        ("Serial number", identity.serial),
    ];
    let entries = (1..)
        .zip(fields)
        .map(|(subindex, (name, value))| {
            entry(subindex, name, DataType::U32, ObjectAccess::Read, &value.to_le_bytes())
        })
        .collect();
    record(0x1018, "Identity", entries)
}

/// Object 0x1C00, ETG.1000.6 table 67: what each SyncManager is for.
fn sync_manager_types(description: &DeviceDescription) -> Object {
    let types = description.sync_managers.iter().map(|sync_manager| {
        [match sync_manager.kind {
            SyncManagerKind::Unused => 0,
            SyncManagerKind::MailboxOut => 1,
            SyncManagerKind::MailboxIn => 2,
            SyncManagerKind::Outputs => 3,
            SyncManagerKind::Inputs => 4,
        }]
    });
    array(0x1c00, "Sync manager type", DataType::U8, ObjectAccess::Read, types)
}

/// Objects 0x1C10 + SyncManager, one for each that carries process data, also where nothing is assigned to it.
fn assignments(description: &DeviceDescription) -> Vec<Object> {
    let access = configurable(description, COE_PDO_ASSIGN);
    // The index range has room for 32 SyncManagers (ETG.1000.6 table 65); no ESC has more than 16.
    (0_u8..32)
        .zip(&description.sync_managers)
        .filter_map(|(number, sync_manager)| {
            let (name, pdos) = match sync_manager.kind {
                SyncManagerKind::Outputs => ("RxPDO assign", &description.rx_pdos),
                SyncManagerKind::Inputs => ("TxPDO assign", &description.tx_pdos),
                _ => return None,
            };
            let assigned =
                pdos.iter().filter(|pdo| pdo.sync_manager == Some(number)).map(|pdo| pdo.index.to_le_bytes());
            Some(array(0x1c10 + u16::from(number), name, DataType::U16, access, assigned))
        })
        .collect()
}

/// Objects 0x16xx and 0x1Axx, ETG.1000.6 table 74: index, subindex and size in bits of each entry.
fn mapping(description: &DeviceDescription, pdo: &Pdo) -> Object {
    let access = configurable(description, COE_PDO_CONFIGURATION);
    let entries = pdo.entries.iter().map(|entry| {
        let bit_len = u8::try_from(entry.bit_len).unwrap_or(u8::MAX);
        let [index_low, index_high] = entry.index.to_le_bytes();
        [bit_len, entry.subindex, index_low, index_high]
    });
    array(pdo.index, &pdo.name, DataType::U32, access, entries)
}

fn configurable(description: &DeviceDescription, coe_detail: u8) -> ObjectAccess {
    match description.mailbox {
        Some(mailbox) if mailbox.coe_details & coe_detail != 0 => ObjectAccess::ReadWrite,
        _ => ObjectAccess::Read,
    }
}

/// The objects that are mapped: each entry once, whatever number of PDOs it is in.
fn process_data(description: &DeviceDescription) -> Vec<Object> {
    let mut objects: BTreeMap<u16, (String, BTreeMap<u8, ObjectEntry>)> = BTreeMap::new();
    for (direction, pdos) in
        [(Direction::Output, &description.rx_pdos), (Direction::Input, &description.tx_pdos)]
    {
        let access = match direction {
            Direction::Output => ObjectAccess::ReadWrite,
            Direction::Input => ObjectAccess::Read,
        };
        for pdo in pdos {
            for mapped in pdo.entries.iter().filter(|mapped| mapped.index != 0) {
                let zero = vec![0; usize::from(mapped.bit_len.div_ceil(8))];
                let (_, entries) =
                    objects.entry(mapped.index).or_insert_with(|| (pdo.name.clone(), BTreeMap::new()));
                entries
                    .entry(mapped.subindex)
                    .or_insert_with(|| entry(mapped.subindex, &mapped.name, mapped.data_type, access, &zero));
            }
        }
    }
    objects
        .into_iter()
        .map(|(index, (name, entries))| {
            let entries: Vec<ObjectEntry> = entries.into_values().collect();
            // An object mapped as subindex 0 is a plain variable (CiA 402's 0x6041 and the like): it has no count.
            if entries.first().is_some_and(|entry| entry.subindex == 0) {
                let name = entries.first().map_or(name, |entry| entry.name.clone());
                Object { index, name, entries }
            } else {
                record(index, &name, entries)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::sii;

    fn object(objects: &[Object], index: u16) -> &Object {
        objects
            .iter()
            .find(|object| object.index == index)
            .unwrap_or_else(|| panic!("no object {index:#06x}"))
    }

    fn values(object: &Object) -> Vec<&[u8]> {
        object.entries.iter().map(|entry| &*entry.value).collect()
    }

    #[test]
    fn nothing_without_coe() {
        let el1008 = catalogue::find("EL1008").expect("is in the catalogue");
        assert_eq!(Dictionary::of(&el1008).build(), []);
    }

    /// A device known by its EEPROM only gets the same standard objects as one of the catalogue.
    #[test]
    fn an_sii_is_enough() {
        let el3104 = catalogue::find("EL3104").expect("is in the catalogue");
        let from_sii = sii::parse(&sii::encode(&el3104)).expect("is right");
        assert_eq!(from_sii.objects, []);
        let derived = Dictionary::of(&from_sii).device_type(5001).software_version("06").build();
        let expected: Vec<Object> =
            el3104.objects.iter().filter(|object| object.index < 0x8000).cloned().collect();
        assert_eq!(derived, expected);
    }

    #[test]
    fn assignment_and_mapping() {
        let objects = &catalogue::find("EL5101").expect("is in the catalogue").objects;
        assert_eq!(values(object(objects, 0x1c12)), [&[1][..], &[0x03, 0x16]]);
        assert_eq!(values(object(objects, 0x1c13)), [&[3][..], &[0x04, 0x1a], &[0x06, 0x1a], &[0x07, 0x1a]]);
        // Bits, subindex, index, as the double word lies in memory; the padding entry counts.
        let control = values(object(objects, 0x1603));
        assert_eq!(control[..2], [&[6][..], &[1, 0x01, 0x10, 0x70]]);
        assert_eq!(control[5..], [&[12, 0, 0, 0][..], &[32, 0x11, 0x10, 0x70]]);
        // One object from three PDOs.
        let inputs = object(objects, 0x6010);
        assert_eq!(inputs.entries.last().map(|entry| (entry.subindex, &*entry.name)), Some((0x12, "Value")));
        assert_eq!(inputs.entries.len(), 1 + 16 + 2);
    }

    #[test]
    fn an_sm_without_process_data_has_an_empty_assignment() {
        let objects = &catalogue::find("SN7001").expect("is in the catalogue").objects;
        assert_eq!(values(object(objects, 0x1c12)), [&[0][..]]);
    }

    #[test]
    fn access_follows_the_coe_details() {
        let mut device = (*catalogue::find("EL5101").expect("is in the catalogue")).clone();
        let accesses = |device: &DeviceDescription| {
            let objects = Dictionary::of(device).build();
            [0x1c13, 0x1a04].map(|index| {
                object(&objects, index).entries.iter().all(|entry| entry.access == ObjectAccess::ReadWrite)
            })
        };
        for (details, expected) in [
            (0, [false, false]),
            (COE_PDO_ASSIGN, [true, false]),
            (COE_PDO_CONFIGURATION, [false, true]),
            (COE_PDO_ASSIGN | COE_PDO_CONFIGURATION, [true, true]),
        ] {
            let mailbox = device.mailbox.as_mut().expect("has a mailbox");
            mailbox.coe_details = details;
            assert_eq!(accesses(&device), expected, "coe details {details:#04x}");
        }
    }

    /// CiA 402 maps whole variables: subindex 0 is the value, not a count.
    #[test]
    fn a_mapped_variable_has_no_count() {
        let mut device = (*catalogue::find("SN7001").expect("is in the catalogue")).clone();
        let statusword = crate::PdoEntry {
            index: 0x6041,
            subindex: 0,
            bit_len: 16,
            data_type: DataType::U16,
            name: "Statusword".to_owned(),
        };
        device.tx_pdos[0].entries.push(statusword);
        let objects = Dictionary::of(&device).build();
        assert_eq!(values(object(&objects, 0x6041)), [&[0, 0][..]]);
    }

    #[test]
    fn an_added_object_replaces_a_derived_one() {
        let gauge = catalogue::find("SN7001").expect("is in the catalogue");
        let own = record(0x1018, "Own identity", Vec::new());
        let objects = Dictionary::of(&gauge).object(own.clone()).build();
        assert_eq!(object(&objects, 0x1018), &own);
        assert_eq!(objects.iter().filter(|object| object.index == 0x1018).count(), 1);
    }
}
