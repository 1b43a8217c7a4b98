//! The measuring amplifier: fictitious, of the class of inductive-probe amplifiers.
//!
//! Two probes, 32 bit signed, one digit is 0.01 µm, so that ±10 mm are ±1 000 000 digits.

use super::analogue::MODULAR_DEVICE_PROFILE;
use super::{SENSAI_VENDOR, blank, entry, padding, with_coe};
use crate::description::{DataType, DeviceDescription, Object, Pdo};
use crate::dictionary::{Dictionary, record, setting};

pub(super) fn sn7001() -> DeviceDescription {
    let title = "measuring amplifier, 2 probes, 0.01 um a digit";
    let mut device = blank("SN7001", title, SENSAI_VENDOR, 0x0000_7001, 0x0001_0000);
    device.dc = true;
    device.tx_pdos = (0..2).map(channel).collect();
    let mut device = with_coe(device);
    let dictionary = Dictionary::of(&device).device_type(MODULAR_DEVICE_PROFILE);
    device.objects = (0..2).fold(dictionary, |dictionary, n| dictionary.object(settings(n))).build();
    device
}

fn channel(n: u16) -> Pdo {
    let object = 0x6000 + 0x10 * n;
    let bit = |subindex, name| entry(object, subindex, name, DataType::Bool);
    Pdo {
        index: 0x1a00 + n,
        sync_manager: Some(3),
        name: format!("Channel {}", n + 1),
        entries: vec![
            bit(0x01, "Underrange"),
            bit(0x02, "Overrange"),
            bit(0x03, "Below limit"),
            bit(0x04, "Above limit"),
            // The filter has not seen a whole window since the last change of a setting.
            bit(0x05, "Settling"),
            bit(0x06, "Probe missing"),
            bit(0x07, "Error"),
            padding(7),
            bit(0x0f, "TxPDO State"),
            bit(0x10, "TxPDO Toggle"),
            entry(object, 0x11, "Value", DataType::I32),
        ],
    }
}

fn settings(n: u16) -> Object {
    let digits =
        |subindex, name, default: i32| setting(subindex, name, DataType::I32, &default.to_le_bytes());
    let number =
        |subindex, name, default: u16| setting(subindex, name, DataType::U16, &default.to_le_bytes());
    record(
        0x8000 + 0x10 * n,
        &format!("Channel {} settings", n + 1),
        vec![
            // 0: ±0.1 mm, 1: ±1 mm, 2: ±10 mm. The digit stays the same.
            number(0x01, "Range", 2),
            // Cut-off frequency of the low-pass in Hz, 1 .. 2000; 0 switches it off.
            number(0x02, "Filter", 500),
            setting(0x03, "Reverse", DataType::Bool, &[0]),
            digits(0x11, "Zero offset", 0),
            digits(0x12, "Lower limit", -1_000_000),
            digits(0x13, "Upper limit", 1_000_000),
        ],
    )
}
