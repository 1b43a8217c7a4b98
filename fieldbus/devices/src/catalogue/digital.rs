//! Coupler and digital terminals: no firmware, no mailbox, process data fixed in the ESC.

use super::{BECKHOFF_VENDOR, blank, entry};
use crate::description::{DataType, DeviceDescription, Pdo, SyncManager, SyncManagerKind};

pub(super) fn ek1100() -> DeviceDescription {
    let title = "EtherCAT coupler with E-bus supply";
    let mut device = blank("EK1100", title, BECKHOFF_VENDOR, 0x044c_2c52, 0x0012_0000);
    // The usual reference clock of a rack.
    device.dc = true;
    device
}

pub(super) fn el1008() -> DeviceDescription {
    let title = "8 digital inputs, 24 V DC, filter 3 ms";
    let mut device = blank("EL1008", title, BECKHOFF_VENDOR, 0x03f0_3052, 0x0012_0000);
    device.fmmus = vec![2];
    device.sync_managers = vec![SyncManager {
        start: 0x1000,
        length: 1,
        control: 0x00,
        enable: true,
        kind: SyncManagerKind::Inputs,
    }];
    device.tx_pdos = channels(0x1a00, 0x6000, "Input");
    device
}

pub(super) fn el2008() -> DeviceDescription {
    let title = "8 digital outputs, 24 V DC, 0.5 A";
    let mut device = blank("EL2008", title, BECKHOFF_VENDOR, 0x07d8_3052, 0x0012_0000);
    device.fmmus = vec![1];
    // Control: written by the MainDevice, watchdog trigger.
    device.sync_managers = vec![SyncManager {
        start: 0x0f00,
        length: 1,
        control: 0x44,
        enable: true,
        kind: SyncManagerKind::Outputs,
    }];
    device.rx_pdos = channels(0x1600, 0x7000, "Output");
    device
}

/// Eight process-data objects of one bit, each channel with an object of its own 16 indices on.
fn channels(pdo_index: u16, object_index: u16, entry_name: &str) -> Vec<Pdo> {
    (0..8)
        .map(|channel| Pdo {
            index: pdo_index + channel,
            sync_manager: Some(0),
            name: format!("Channel {}", channel + 1),
            entries: vec![entry(object_index + 0x10 * channel, 1, entry_name, DataType::Bool)],
        })
        .collect()
}
