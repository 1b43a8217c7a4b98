//! Incremental encoder terminal.

use super::analogue::MODULAR_DEVICE_PROFILE;
use super::{BECKHOFF_VENDOR, blank, entry, padding, with_coe};
use crate::description::{DataType, DeviceDescription, Object, Pdo};
use crate::dictionary::{Dictionary, record, setting};

const INPUTS: u16 = 0x6010;
const OUTPUTS: u16 = 0x7010;

pub(super) fn el5101() -> DeviceDescription {
    let title = "incremental encoder, RS422, 32 bit counter";
    let mut device = blank("EL5101", title, BECKHOFF_VENDOR, 0x13ed_3052, 0x0400_0000);
    device.dc = true;
    device.rx_pdos = vec![control()];
    device.tx_pdos = vec![status(), value(0x1a06, 0x11, "Counter"), value(0x1a07, 0x12, "Latch")];
    let mut device = with_coe(device);
    device.objects = Dictionary::of(&device)
        .device_type(MODULAR_DEVICE_PROFILE)
        .software_version("15")
        .object(settings())
        .build();
    device
}

fn control() -> Pdo {
    let bit = |subindex, name| entry(OUTPUTS, subindex, name, DataType::Bool);
    Pdo {
        index: 0x1603,
        sync_manager: Some(2),
        name: "Control".to_owned(),
        entries: vec![
            bit(0x01, "Enable latch C"),
            bit(0x02, "Enable latch extern on positive edge"),
            bit(0x03, "Set counter"),
            bit(0x04, "Enable latch extern on negative edge"),
            padding(12),
            entry(OUTPUTS, 0x11, "Set counter value", DataType::I32),
        ],
    }
}

fn status() -> Pdo {
    let bit = |subindex, name| entry(INPUTS, subindex, name, DataType::Bool);
    Pdo {
        index: 0x1a04,
        sync_manager: Some(3),
        name: "Status".to_owned(),
        entries: vec![
            bit(0x01, "Latch C valid"),
            bit(0x02, "Latch extern valid"),
            bit(0x03, "Set counter done"),
            bit(0x04, "Counter underflow"),
            bit(0x05, "Counter overflow"),
            bit(0x06, "Status of input status"),
            bit(0x07, "Open circuit"),
            bit(0x08, "Extrapolation stall"),
            bit(0x09, "Status of input A"),
            bit(0x0a, "Status of input B"),
            bit(0x0b, "Status of input C"),
            bit(0x0c, "Status of input gate"),
            bit(0x0d, "Status of extern latch"),
            bit(0x0e, "Sync error"),
            bit(0x0f, "TxPDO State"),
            bit(0x10, "TxPDO Toggle"),
        ],
    }
}

/// Counter and latch are signed here, unlike in Beckhoff's own description, where they are UDINT of the same 32 bits: an
/// axis has positions on both sides of its zero.
fn value(pdo_index: u16, subindex: u8, name: &str) -> Pdo {
    Pdo {
        index: pdo_index,
        sync_manager: Some(3),
        name: name.to_owned(),
        entries: vec![entry(INPUTS, subindex, "Value", DataType::I32)],
    }
}

fn settings() -> Object {
    let flag = |subindex, name| setting(subindex, name, DataType::Bool, &[0]);
    record(
        0x8010,
        "Encoder settings",
        vec![
            flag(0x01, "Enable C reset"),
            flag(0x02, "Enable extern reset"),
            flag(0x03, "Enable up/down counter"),
            setting(0x04, "Gate polarity", DataType::Bits(2), &[1]),
            flag(0x08, "Disable filter"),
            flag(0x0a, "Enable micro increments"),
            flag(0x0e, "Reversion of rotation"),
        ],
    )
}
