//! The devices that are built in, so that a cell runs before anybody has found an ESI file.
//!
//! Beckhoff terminals by their public identities, with the process data of their standard use; names follow one scheme
//! (`channel_1.value`) rather than each terminal's own. `SN7001` is fictitious: a measuring amplifier of the micrometre
//! class that exists in simulation only.

mod analogue;
mod digital;
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

const NAMES: [&str; 6] = ["EK1100", "EL1008", "EL2008", "EL3104", "EL5101", "SN7001"];

static DEVICES: LazyLock<[Arc<DeviceDescription>; 6]> = LazyLock::new(|| {
    [
        digital::ek1100(),
        digital::el1008(),
        digital::el2008(),
        analogue::el3104(),
        encoder::el5101(),
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
