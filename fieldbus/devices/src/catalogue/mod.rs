//! The devices that are built in, so that a cell runs before anybody has found an ESI file.
//!
//! Beckhoff terminals by their public identities, with the process data of their standard use; names follow one scheme
//! (`channel_1.value`) rather than each terminal's own. `SN4020` and `SN7001` are fictitious, a servo drive and a measuring
//! amplifier of the micrometre class that exist in simulation only.

mod analogue;
mod digital;
mod drive;
mod encoder;
mod gauge;

use std::sync::{Arc, LazyLock};

use crate::description::{
    DataType, DeviceDescription, Identity, Mailbox, PdoEntry, SyncManager, SyncManagerKind,
};

/// Vendor id of the devices made up for Sensai. The ETG gives out ids from 1 upward, and secondary ids with 0xE in the top
/// four bits; nothing is given out with 0xF there, so that no real device can be mistaken for one of these.
pub const SENSAI_VENDOR: u32 = 0xf053_4e53;

/// Vendor id of Beckhoff Automation.
pub const BECKHOFF_VENDOR: u32 = 0x0000_0002;

const NAMES: [&str; 7] = ["EK1100", "EL1008", "EL2008", "EL3104", "EL5101", "SN4020", "SN7001"];

static DEVICES: LazyLock<[Arc<DeviceDescription>; 7]> = LazyLock::new(|| {
    [
        digital::ek1100(),
        digital::el1008(),
        digital::el2008(),
        analogue::el3104(),
        encoder::el5101(),
        drive::sn4020(),
        gauge::sn7001(),
    ]
    .map(Arc::new)
});

/// The device of this order name, spelled exactly as in [`names`].
pub fn find(type_name: &str) -> Option<Arc<DeviceDescription>> {
    DEVICES.iter().find(|device| device.name == type_name).cloned()
}

/// All order names, sorted.
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// A device with nothing but a name and an identity.
fn blank(name: &str, title: &str, vendor: u32, product: u32, revision: u32) -> DeviceDescription {
    DeviceDescription {
        name: name.to_owned(),
        title: title.to_owned(),
        identity: Identity { vendor, product, revision, serial: 0 },
        fmmus: Vec::new(),
        sync_managers: Vec::new(),
        rx_pdos: Vec::new(),
        tx_pdos: Vec::new(),
        mailbox: None,
        objects: Vec::new(),
        dc: false,
        no_lrw: false,
    }
}

fn entry(index: u16, subindex: u8, name: &str, data_type: DataType) -> PdoEntry {
    PdoEntry { index, subindex, bit_len: bit_len(data_type), data_type, name: name.to_owned() }
}

fn padding(bits: u8) -> PdoEntry {
    PdoEntry {
        index: 0,
        subindex: 0,
        bit_len: u16::from(bits),
        data_type: DataType::Bits(bits),
        name: String::new(),
    }
}

/// Size of the types that occur in the catalogue's process data.
fn bit_len(data_type: DataType) -> u16 {
    match data_type {
        DataType::Bool => 1,
        DataType::Bits(bits) => u16::from(bits),
        DataType::I8 | DataType::U8 => 8,
        DataType::I16 | DataType::U16 => 16,
        DataType::I32 | DataType::U32 | DataType::F32 => 32,
        DataType::I64 | DataType::U64 | DataType::F64 => 64,
        DataType::Text | DataType::Octets => 0,
    }
}

/// Gives a device with firmware what all of its kind share: mailbox with CoE, four SyncManagers, three FMMUs. Call it when
/// the process-data objects are in place: the SyncManagers' lengths follow from them.
fn with_coe(mut device: DeviceDescription) -> DeviceDescription {
    use crate::description::Direction;
    const PROTOCOL_COE: u16 = 1 << 2;
    const SDO: u8 = 1 << 0;
    const SDO_INFORMATION: u8 = 1 << 1;
    const COMPLETE_ACCESS: u8 = 1 << 5;
    // Memory as in Beckhoff's terminals of this class. Control bytes, ETG.1000.4 table 59: bit 1 mailbox, bits 2 and 3
    // direction, bit 5 interrupt to the PDI, bit 6 watchdog trigger.
    const MAILBOX_OUT: u16 = 0x1000;
    const MAILBOX_IN: u16 = 0x1080;
    const MAILBOX_LEN: u16 = 128;
    let outputs_len = sync_manager_length(&device, Direction::Output);
    let inputs_len = sync_manager_length(&device, Direction::Input);
    device.mailbox = Some(Mailbox {
        receive: (MAILBOX_OUT, MAILBOX_LEN),
        send: (MAILBOX_IN, MAILBOX_LEN),
        protocols: PROTOCOL_COE,
        coe_details: SDO | SDO_INFORMATION | COMPLETE_ACCESS,
    });
    let sync_manager =
        |start, length, control, kind| SyncManager { start, length, control, enable: length > 0, kind };
    device.sync_managers = vec![
        sync_manager(MAILBOX_OUT, MAILBOX_LEN, 0x26, SyncManagerKind::MailboxOut),
        sync_manager(MAILBOX_IN, MAILBOX_LEN, 0x22, SyncManagerKind::MailboxIn),
        sync_manager(
            0x1100,
            outputs_len,
            if outputs_len > 0 { 0x64 } else { 0x24 },
            SyncManagerKind::Outputs,
        ),
        sync_manager(0x1180, inputs_len, 0x20, SyncManagerKind::Inputs),
    ];
    device.fmmus = vec![1, 2, 3];
    device
}

fn sync_manager_length(device: &DeviceDescription, direction: crate::description::Direction) -> u16 {
    u16::try_from(device.byte_len(direction)).expect("the catalogue's process data is a few bytes")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::description::{Direction, Object, ObjectAccess, Pdo};
    use crate::sii;

    fn all() -> impl Iterator<Item = Arc<DeviceDescription>> {
        names().iter().map(|name| find(name).expect("names() lists what find() finds"))
    }

    fn pdos(device: &DeviceDescription) -> impl Iterator<Item = (Direction, &Pdo)> {
        let outputs = device.rx_pdos.iter().map(|pdo| (Direction::Output, pdo));
        outputs.chain(device.tx_pdos.iter().map(|pdo| (Direction::Input, pdo)))
    }

    fn paths(type_name: &str, direction: Direction) -> Vec<String> {
        let device = find(type_name).expect("is in the catalogue");
        device.entries(direction).into_iter().map(|entry| entry.path).collect()
    }

    #[test]
    fn names_are_sorted_and_found() {
        assert!(names().is_sorted());
        assert_eq!(all().map(|device| device.name.clone()).collect::<Vec<_>>(), names());
        assert_eq!(find("el1008"), None);
        assert_eq!(find("EL1009"), None);
    }

    #[test]
    fn identities_are_unique() {
        let identities: BTreeSet<_> = all().map(|d| (d.identity.vendor, d.identity.product)).collect();
        assert_eq!(identities.len(), names().len());
        // No real device has an id of ours: they are small numbers, or begin with 0xE.
        assert_eq!(SENSAI_VENDOR >> 28, 0xf);
    }

    #[test]
    fn entry_paths_are_unique() {
        for device in all() {
            let mut seen = BTreeSet::new();
            for direction in [Direction::Input, Direction::Output] {
                for entry in device.entries(direction) {
                    assert!(!entry.path.starts_with('.') && !entry.path.ends_with('.'), "{}", entry.path);
                    assert!(seen.insert(entry.path.clone()), "{}: {} twice", device.name, entry.path);
                    if let Some(short) = entry.short {
                        assert!(seen.insert(short.clone()), "{}: {short} twice", device.name);
                    }
                }
            }
        }
    }

    #[test]
    fn sync_managers_are_as_long_as_their_process_data() {
        for device in all() {
            for (direction, kind) in
                [(Direction::Input, SyncManagerKind::Inputs), (Direction::Output, SyncManagerKind::Outputs)]
            {
                let lengths =
                    device.sync_managers.iter().filter(|sm| sm.kind == kind).map(|sm| usize::from(sm.length));
                assert_eq!(
                    lengths.sum::<usize>(),
                    device.byte_len(direction),
                    "{}: {direction:?}",
                    device.name
                );
            }
            for (direction, pdo) in pdos(&device) {
                let number = pdo.sync_manager.map(usize::from).expect("all are assigned");
                let expected = match direction {
                    Direction::Input => SyncManagerKind::Inputs,
                    Direction::Output => SyncManagerKind::Outputs,
                };
                assert_eq!(device.sync_managers[number].kind, expected, "{} {:#06x}", device.name, pdo.index);
            }
        }
    }

    /// Three buffers each for process data, one for a mailbox; none in the registers, none in another's.
    #[test]
    fn memory_does_not_overlap() {
        for device in all() {
            let mut areas: Vec<(u32, u32)> = device
                .sync_managers
                .iter()
                .filter(|sm| sm.length > 0)
                .map(|sm| {
                    let mailbox = matches!(sm.kind, SyncManagerKind::MailboxIn | SyncManagerKind::MailboxOut);
                    // Digital I/O at 0x0f00 is a register of the ESC, without buffers.
                    let buffers = if mailbox || sm.start < 0x1000 { 1 } else { 3 };
                    (u32::from(sm.start), u32::from(sm.start) + buffers * u32::from(sm.length))
                })
                .collect();
            areas.sort_unstable();
            assert!(areas.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{}: {areas:x?}", device.name);
            if let Some(mailbox) = device.mailbox {
                let sm = &device.sync_managers;
                assert_eq!(
                    (mailbox.receive, mailbox.send),
                    ((sm[0].start, sm[0].length), (sm[1].start, sm[1].length))
                );
            }
        }
    }

    /// Types have the sizes they must have, and a field that is not a bit lies where a CPU reads it in one piece.
    #[test]
    fn entries_are_sized_and_aligned() {
        for device in all() {
            for direction in [Direction::Input, Direction::Output] {
                for entry in device.entries(direction) {
                    let place = entry.place;
                    assert_eq!(bit_len(place.data_type), place.bit_len, "{}: {}", device.name, entry.path);
                    if place.bit_len >= 8 {
                        assert_eq!(place.bit_offset % 16, 0, "{}: {}", device.name, entry.path);
                    }
                }
            }
        }
    }

    #[test]
    fn sii_round_trip() {
        for device in all() {
            assert_eq!(sii::losses(&device), Vec::<String>::new(), "{}", device.name);
            let image = sii::encode(&device);
            assert_eq!(image.len(), 2048, "{}", device.name);
            let mut expected = (*device).clone();
            expected.objects.clear();
            assert_eq!(sii::parse(&image), Ok(expected));
        }
    }

    #[test]
    fn paths_that_cells_bind() {
        assert_eq!(paths("EL1008", Direction::Input)[7], "channel_8.input");
        assert_eq!(paths("EL2008", Direction::Output)[0], "channel_1.output");
        assert_eq!(
            find("EL1008").expect("is there").entries(Direction::Input)[0].short.as_deref(),
            Some("channel_1")
        );
        assert_eq!(
            paths("EL3104", Direction::Input)[..9],
            [
                "channel_1.underrange",
                "channel_1.overrange",
                "channel_1.limit_1",
                "channel_1.limit_2",
                "channel_1.error",
                "channel_1.txpdo_state",
                "channel_1.txpdo_toggle",
                "channel_1.value",
                "channel_2.underrange",
            ]
        );
        let scale = find("EL5101").expect("is there").entries(Direction::Input);
        let counter = scale.iter().find(|entry| entry.path == "counter.value").expect("has a counter");
        assert_eq!((counter.place.bit_offset, counter.place.data_type), (16, DataType::I32));
        assert_eq!(counter.short.as_deref(), Some("counter"));
        assert!(paths("EL5101", Direction::Output).contains(&"control.set_counter".to_owned()));
        assert!(paths("EL5101", Direction::Output).contains(&"control.set_counter_value".to_owned()));
        let gauge = find("SN7001").expect("is there").entries(Direction::Input);
        let second = gauge.iter().find(|entry| entry.path == "channel_2.value").expect("has two channels");
        assert_eq!((second.place.bit_offset, second.place.bit_len), (64, 32));
        let drive = find("SN4020").expect("is there");
        let place = |direction, index| {
            let entries = drive.entries(direction);
            let found = entries.into_iter().find(|entry| entry.place.index == index).expect("is mapped");
            (found.path, found.place.bit_offset, found.place.data_type)
        };
        let named = |name: &str, offset, data_type| (name.to_owned(), offset, data_type);
        for (index, expected) in [
            (0x6040, named("drive.controlword", 0, DataType::U16)),
            (0x6060, named("drive.mode", 16, DataType::I8)),
            (0x607a, named("drive.target_position", 32, DataType::I32)),
            (0x60ff, named("drive.target_velocity", 64, DataType::I32)),
            (0x60b1, named("drive.velocity_offset", 96, DataType::I32)),
            (0x6071, named("drive.target_torque", 128, DataType::I16)),
            (0x60b2, named("drive.torque_offset", 144, DataType::I16)),
            (0x60fe, named("drive.digital_outputs", 160, DataType::U32)),
        ] {
            assert_eq!(place(Direction::Output, index), expected);
        }
        for (index, expected) in [
            (0x6041, named("drive.statusword", 0, DataType::U16)),
            (0x6061, named("drive.mode_display", 16, DataType::I8)),
            (0x6064, named("drive.position", 32, DataType::I32)),
            (0x606c, named("drive.velocity", 64, DataType::I32)),
            (0x60f4, named("drive.following_error", 96, DataType::I32)),
            (0x6077, named("drive.torque", 128, DataType::I16)),
            (0x603f, named("drive.error_code", 144, DataType::U16)),
            (0x60fd, named("drive.digital_inputs", 160, DataType::U32)),
        ] {
            assert_eq!(place(Direction::Input, index), expected);
        }
    }

    /// ETG.6010: the objects of a drive that masters rely on, with the sizes they rely on.
    #[test]
    fn the_drive_has_the_profile_s_objects() {
        let drive = find("SN4020").expect("is there");
        let objects: BTreeMap<u16, &Object> =
            drive.objects.iter().map(|object| (object.index, object)).collect();
        assert_eq!(value(&objects, 0x1000, 0), 0x0002_0192_u32.to_le_bytes());
        assert_eq!(value(&objects, 0x6502, 0), 0x0000_03a0_u32.to_le_bytes());
        for (index, subindex, len) in [
            (0x1001, 0, 1),
            (0x10f1, 2, 2),
            (0x6007, 0, 2),
            (0x605a, 0, 2),
            (0x605e, 0, 2),
            (0x6065, 0, 4),
            (0x6066, 0, 2),
            (0x6072, 0, 2),
            (0x6075, 0, 4),
            (0x6076, 0, 4),
            (0x607c, 0, 4),
            (0x607d, 1, 4),
            (0x6085, 0, 4),
            (0x608f, 1, 4),
            (0x6091, 2, 4),
            (0x6092, 1, 4),
            (0x6098, 0, 1),
            (0x6099, 2, 4),
            (0x609a, 0, 4),
            (0x60c2, 1, 1),
            (0x60c2, 2, 1),
            (0x60fe, 2, 4),
        ] {
            assert_eq!(value(&objects, index, subindex).len(), len, "{index:#06x}:{subindex:02x}");
        }
        assert_eq!(objects[&0x6041].name, "Statusword", "a variable has its own name, not the PDO's");
    }

    fn value(objects: &BTreeMap<u16, &Object>, index: u16, subindex: u8) -> Vec<u8> {
        let object = objects.get(&index).unwrap_or_else(|| panic!("no object {index:#06x}"));
        let entry = object.entries.iter().find(|entry| entry.subindex == subindex);
        entry.unwrap_or_else(|| panic!("no entry {index:#06x}:{subindex:02x}")).value.clone()
    }

    /// What a MainDevice reads over CoE is what it reads from the SII.
    #[test]
    fn dictionaries_are_complete() {
        for device in all() {
            let objects: BTreeMap<u16, &Object> =
                device.objects.iter().map(|object| (object.index, object)).collect();
            assert_eq!(objects.len(), device.objects.len(), "{}: an index twice", device.name);
            assert!(device.objects.is_sorted_by_key(|object| object.index));
            if device.mailbox.is_none() {
                assert!(objects.is_empty());
                continue;
            }
            assert_eq!(value(&objects, 0x1000, 0).len(), 4);
            assert_eq!(value(&objects, 0x1008, 0), device.name.as_bytes());
            assert!(!value(&objects, 0x1009, 0).is_empty() && !value(&objects, 0x100a, 0).is_empty());
            assert_eq!(value(&objects, 0x1018, 2), device.identity.product.to_le_bytes());
            assert_eq!(value(&objects, 0x1c00, 0), [4]);
            assert_eq!((1..=4).flat_map(|n| value(&objects, 0x1c00, n)).collect::<Vec<_>>(), [1, 2, 3, 4]);
            for (direction, index) in [(Direction::Output, 0x1c12), (Direction::Input, 0x1c13)] {
                assert_eq!(
                    mapped_bits(&objects, index).div_ceil(8),
                    device.byte_len(direction),
                    "{}",
                    device.name
                );
            }
            for (_, pdo) in pdos(&device) {
                for entry in pdo.entries.iter().filter(|entry| entry.index != 0) {
                    let len = value(&objects, entry.index, entry.subindex).len();
                    assert_eq!(len, usize::from(entry.bit_len.div_ceil(8)));
                }
            }
            // Of the modular device profile, and of a drive.
            let settings = if objects.contains_key(&0x6041) { 0x6065..0x6066 } else { 0x8000..0x9000 };
            assert!(objects.keys().any(|index| settings.contains(index)), "{}: no settings", device.name);
        }
    }

    /// Walks assignment and mappings as a MainDevice does.
    fn mapped_bits(objects: &BTreeMap<u16, &Object>, assignment: u16) -> usize {
        let mut bits = 0;
        for n in 1..=value(objects, assignment, 0)[0] {
            let [low, high] = value(objects, assignment, n)[..] else { panic!("not 16 bit") };
            let mapping = u16::from_le_bytes([low, high]);
            for m in 1..=value(objects, mapping, 0)[0] {
                bits += usize::from(value(objects, mapping, m)[0]);
            }
        }
        bits
    }

    /// Subindex 0 counts, subindices ascend, values have their types' sizes, outputs and settings can be written. A drive
    /// has both all over the profile's range.
    #[test]
    fn dictionaries_are_well_formed() {
        for device in all() {
            for object in &device.objects {
                let name = format!("{} {:#06x}", device.name, object.index);
                assert!(!object.name.is_empty(), "{name}");
                assert!(object.entries.is_sorted_by(|a, b| a.subindex < b.subindex), "{name}");
                let (first, rest) = object.entries.split_first().expect("has an entry");
                assert_eq!(first.subindex, 0, "{name}");
                if let Some(last) = rest.last() {
                    assert_eq!(first.value, [last.subindex], "{name}");
                }
                let writable = rest.iter().filter(|entry| entry.access == ObjectAccess::ReadWrite).count();
                match object.index {
                    0x7000..0x9000 => assert_eq!(writable, rest.len(), "{name}"),
                    0x2000..0x3000 | 0x6000..0x6800 | 0x10f1 if device.identity.product == 0x4020 => {
                        assert!(writable == rest.len() || writable == 0, "{name}");
                    }
                    _ => assert_eq!(writable, 0, "{name}"),
                }
                for entry in &object.entries {
                    let bits = bit_len(entry.data_type);
                    if bits > 0 {
                        assert_eq!(
                            entry.value.len(),
                            usize::from(bits.div_ceil(8)),
                            "{name}:{:02x}",
                            entry.subindex
                        );
                    }
                }
            }
        }
    }
}
