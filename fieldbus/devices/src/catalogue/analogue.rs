//! Analogue input terminal.

use super::{BECKHOFF_VENDOR, blank, entry, padding, with_coe};
use crate::description::{DataType, DeviceDescription, Object, Pdo};
use crate::dictionary::{Dictionary, record, setting};

/// ETG.5001.1, modular device profile.
pub(super) const MODULAR_DEVICE_PROFILE: u32 = 5001;

pub(super) fn el3104() -> DeviceDescription {
    let title = "4 analogue inputs, -10 .. +10 V, differential, 16 bit";
    let mut device = blank("EL3104", title, BECKHOFF_VENDOR, 0x0c20_3052, 0x0016_0000);
    device.dc = true;
    device.tx_pdos = (0..4).map(channel).collect();
    let mut device = with_coe(device);
    let dictionary = Dictionary::of(&device).device_type(MODULAR_DEVICE_PROFILE).software_version("06");
    device.objects = (0..4).fold(dictionary, |dictionary, n| dictionary.object(settings(n))).build();
    device
}

/// The terminal's standard mapping: a status word, then the value, -32768 .. 32767 for -10 .. +10 V.
fn channel(n: u16) -> Pdo {
    let object = 0x6000 + 0x10 * n;
    let bit = |subindex, name| entry(object, subindex, name, DataType::Bool);
    let two_bits = |subindex, name| entry(object, subindex, name, DataType::Bits(2));
    Pdo {
        // Between the standard mappings lie the compact ones (value only).
        index: 0x1a00 + 2 * n,
        sync_manager: Some(3),
        name: format!("Channel {}", n + 1),
        entries: vec![
            bit(0x01, "Underrange"),
            bit(0x02, "Overrange"),
            // 0 not active, 1 value below, 2 value above, 3 equal.
            two_bits(0x03, "Limit 1"),
            two_bits(0x05, "Limit 2"),
            bit(0x07, "Error"),
            padding(7),
            bit(0x0f, "TxPDO State"),
            bit(0x10, "TxPDO Toggle"),
            entry(object, 0x11, "Value", DataType::I16),
        ],
    }
}

fn settings(n: u16) -> Object {
    let word = |subindex, name, default: i16| setting(subindex, name, DataType::I16, &default.to_le_bytes());
    let flag = |subindex, name, default: bool| setting(subindex, name, DataType::Bool, &[u8::from(default)]);
    // 65536 is a gain of 1.
    let unity_gain = 0x0001_0000_i32;
    let entries = vec![
        flag(0x01, "Enable user scale", false),
        setting(0x02, "Presentation", DataType::Bits(3), &[0]),
        flag(0x05, "Siemens bits", false),
        flag(0x06, "Enable filter", true),
        flag(0x07, "Enable limit 1", false),
        flag(0x08, "Enable limit 2", false),
        flag(0x0a, "Enable user calibration", false),
        flag(0x0b, "Enable vendor calibration", true),
        word(0x11, "User scale offset", 0),
        setting(0x12, "User scale gain", DataType::I32, &unity_gain.to_le_bytes()),
        word(0x13, "Limit 1", 0),
        word(0x14, "Limit 2", 0),
        // 0 is the 50 Hz FIR filter.
        setting(0x15, "Filter settings", DataType::U16, &[0, 0]),
        word(0x17, "User calibration offset", 0),
        word(0x18, "User calibration gain", 0x4000),
    ];
    record(0x8000 + 0x10 * n, &format!("Channel {} settings", n + 1), entries)
}
