//! The CiA 402 objects of a drive in its device's process data.
//!
//! Read first: IEC 61800-7-201 (CiA 402), and ETG.6010 on several axes in one device: the objects of axis *n* lie 0x800
//! above those of axis *n* − 1.

use super::{binding, fields::Item, finding::Rule, names, sink::Sink};
use crate::{
    BitField, RawType,
    cell::{Device, DriveEntries, DriveMode},
};
use sensai_devices::Direction;

/// From the objects of one axis of a device to those of the next.
const AXIS_STEP: u16 = 0x800;
/// Axes a device can have: 0x6000 to 0x9fff.
pub(crate) const CHANNELS_MAX: u16 = 8;

/// An object of the profile.
#[derive(Clone, Copy)]
struct Object {
    index: u16,
    subindex: u8,
    direction: Direction,
    bits: u8,
    raw: RawType,
    name: &'static str,
}

const fn object(index: u16, direction: Direction, bits: u8, raw: RawType, name: &'static str) -> Object {
    Object { index, subindex: 0, direction, bits, raw, name }
}

use Direction::{Input, Output};
use RawType::{Signed, Unsigned};
const CONTROLWORD: Object = object(0x6040, Output, 16, Unsigned, "controlword");
const STATUSWORD: Object = object(0x6041, Input, 16, Unsigned, "statusword");
const POSITION_ACTUAL: Object = object(0x6064, Input, 32, Signed, "position actual value");
const TARGET_POSITION: Object = object(0x607a, Output, 32, Signed, "target position");
const TARGET_VELOCITY: Object = object(0x60ff, Output, 32, Signed, "target velocity");
const TARGET_TORQUE: Object = object(0x6071, Output, 16, Signed, "target torque");
const MODE: Object = object(0x6060, Output, 8, Signed, "modes of operation");
const MODE_DISPLAY: Object = object(0x6061, Input, 8, Signed, "modes of operation display");
const VELOCITY_ACTUAL: Object = object(0x606c, Input, 32, Signed, "velocity actual value");
const TORQUE_ACTUAL: Object = object(0x6077, Input, 16, Signed, "torque actual value");
const ERROR_CODE: Object = object(0x603f, Input, 16, Unsigned, "error code");
const DIGITAL_INPUTS: Object = object(0x60fd, Input, 32, Unsigned, "digital inputs");
const DIGITAL_OUTPUTS: Object =
    Object { subindex: 1, ..object(0x60fe, Output, 32, Unsigned, "physical outputs") };

impl Object {
    /// Its address for an axis of the device, counted from 1.
    fn of_channel(self, channel: u16) -> Self {
        Self { index: self.index + AXIS_STEP * (channel - 1), ..self }
    }

    /// `0x6040:00 (controlword)`.
    fn shown(&self) -> String {
        format!("0x{:04x}:{:02x} ({})", self.index, self.subindex, self.name)
    }
}

/// What a drive must be told in a mode of operation.
const fn target_of(mode: DriveMode) -> Object {
    match mode {
        DriveMode::Csp => TARGET_POSITION,
        DriveMode::Csv => TARGET_VELOCITY,
        DriveMode::Cst => TARGET_TORQUE,
    }
}

/// Object 6060 of a mode of operation.
const fn number_of(mode: DriveMode) -> u8 {
    match mode {
        DriveMode::Csp => 8,
        DriveMode::Csv => 9,
        DriveMode::Cst => 10,
    }
}

const fn word_of(mode: DriveMode) -> &'static str {
    match mode {
        DriveMode::Csp => "csp",
        DriveMode::Csv => "csv",
        DriveMode::Cst => "cst",
    }
}

/// The entry of `object` in the process data of `device`, as a field of the cell's image. `Ok(None)`: not mapped;
/// `Err`: mapped, but not as the profile has it, and there is a finding.
fn find(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    device: &Device,
    object: &Object,
) -> Result<Option<BitField>, ()> {
    let entries = device.description.entries(object.direction);
    let matches =
        |place: &sensai_devices::EntryPlace| (place.index, place.subindex) == (object.index, object.subindex);
    let Some(entry) = entries.iter().find(|entry| matches(&entry.place)) else { return Ok(None) };
    let span = &item.node.span;
    let field = binding::field_of(sink, device, entry, span, &item.key).ok_or(())?;
    if field.bit_len != object.bits {
        let message = format!(
            "`{}` ({}) maps {} with {} bits, CiA 402 has {}",
            device.name,
            device.description.name,
            object.shown(),
            field.bit_len,
            object.bits
        );
        item.find(sink, Rule::NotADrive, message)
            .help("name a device whose description follows the drive profile");
        return Err(());
    }
    Ok(Some(BitField { raw: object.raw, ..field }))
}

/// The entries of axis `channel` of `device`, which `item` names. `None`: a finding says what is missing.
pub(crate) fn entries(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    device: &Device,
    channel: u16,
) -> Option<DriveEntries> {
    let mut bad = false;
    let mut get = |object: Object| {
        find(sink, item, device, &object.of_channel(channel)).unwrap_or_else(|()| {
            bad = true;
            None
        })
    };
    let (controlword, statusword, position_actual) =
        (get(CONTROLWORD), get(STATUSWORD), get(POSITION_ACTUAL));
    let optional = DriveEntries {
        controlword: BitField { bit_offset: 0, bit_len: 16, raw: Unsigned },
        statusword: BitField { bit_offset: 0, bit_len: 16, raw: Unsigned },
        position_actual: BitField { bit_offset: 0, bit_len: 32, raw: Signed },
        target_position: get(TARGET_POSITION),
        target_velocity: get(TARGET_VELOCITY),
        target_torque: get(TARGET_TORQUE),
        mode: get(MODE),
        mode_display: get(MODE_DISPLAY),
        velocity_actual: get(VELOCITY_ACTUAL),
        torque_actual: get(TORQUE_ACTUAL),
        error_code: get(ERROR_CODE),
        digital_inputs: get(DIGITAL_INPUTS),
        digital_outputs: get(DIGITAL_OUTPUTS),
    };
    if bad {
        return None;
    }
    if let (Some(controlword), Some(statusword), Some(position_actual)) =
        (controlword, statusword, position_actual)
    {
        return Some(DriveEntries { controlword, statusword, position_actual, ..optional });
    }
    let missing = [(controlword, CONTROLWORD), (statusword, STATUSWORD), (position_actual, POSITION_ACTUAL)]
        .iter()
        .filter(|(found, _)| found.is_none())
        .map(|(_, object)| object.of_channel(channel).shown())
        .collect::<Vec<_>>();
    not_a_drive(sink, item, device, channel, &missing);
    None
}

fn not_a_drive(sink: &mut Sink<'_>, item: &Item<'_>, device: &Device, channel: u16, missing: &[String]) {
    let all = missing.join(", ");
    let kind = &device.description.name;
    let has_statusword = |channel: u16| {
        let wanted = STATUSWORD.of_channel(channel).index;
        device.description.entries(Input).iter().any(|entry| entry.place.index == wanted)
    };
    let channels: Vec<String> = (1..=CHANNELS_MAX)
        .filter(|channel| has_statusword(*channel))
        .map(|channel| channel.to_string())
        .collect();
    let message = match channel {
        1 => format!("the process data of `{}` ({kind}) lacks {all}", device.name),
        n => format!("the process data of axis {n} of `{}` ({kind}) lacks {all}", device.name),
    };
    let help = if channels.is_empty() {
        format!("{kind} is no CiA 402 drive: name one that is")
    } else if has_statusword(channel) {
        "an axis needs controlword, statusword and actual position in the device's assigned PDOs".to_owned()
    } else {
        match channels.as_slice() {
            [one] => format!("{kind} has axis {one} only: write channel = {one}"),
            several => format!("{kind} has the axes {}: write one of them as `channel`", several.join(", ")),
        }
    };
    item.find(sink, Rule::NotADrive, message).help(help);
}

/// The target that `mode` commands is mapped, and somebody tells the drive its mode.
pub(crate) fn check_mode(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    device: &Device,
    channel: u16,
    mode: DriveMode,
    entries: &DriveEntries,
) {
    let (name, word) = (&device.name, word_of(mode));
    let all =
        [("csp", entries.target_position), ("csv", entries.target_velocity), ("cst", entries.target_torque)];
    if !all.iter().any(|(offered, field)| *offered == word && field.is_some()) {
        let target = target_of(mode).of_channel(channel).shown();
        let message = format!("mode `{word}` commands {target}, which the process data of `{name}` lacks");
        let possible: Vec<&str> =
            all.iter().filter(|(_, field)| field.is_some()).map(|(offered, _)| *offered).collect();
        item.find(sink, Rule::DriveMode, message).help(match possible.as_slice() {
            [] => "use a device whose process data has a target".to_owned(),
            possible => format!("as it is, the drive can be commanded in {}", names::list(possible)),
        });
        return;
    }
    if entries.mode.is_some() {
        return;
    }
    let object = MODE.of_channel(channel);
    let number = number_of(mode);
    let written = device.startup.iter().rev().find(|sdo| (sdo.index, sdo.subindex) == (object.index, 0));
    let default = || {
        let objects = device.description.objects.iter().find(|known| known.index == object.index);
        objects
            .and_then(|known| known.entries.iter().find(|entry| entry.subindex == 0))
            .map(|entry| &entry.value)
    };
    let told = written.map(|sdo| &sdo.data).or_else(default);
    if told.is_none_or(|told| *told != [number]) {
        let message =
            format!("nothing tells `{name}` to work in mode `{word}`: {} is not mapped", object.shown());
        item.find(sink, Rule::DriveMode, message).help(format!(
            "write it at start-up: startup = [{{ object = \"0x{:04x}:00\", type = \"i8\", value = {number} }}]",
            object.index
        ));
    }
}

/// The fields that an axis writes, with their addresses.
pub(crate) fn written(entries: &DriveEntries, channel: u16) -> Vec<(BitField, String)> {
    let address = |object: Object| {
        let object = object.of_channel(channel);
        format!("0x{:04x}:{:02x}", object.index, object.subindex)
    };
    [
        (Some(entries.controlword), CONTROLWORD),
        (entries.target_position, TARGET_POSITION),
        (entries.target_velocity, TARGET_VELOCITY),
        (entries.target_torque, TARGET_TORQUE),
        (entries.mode, MODE),
        (entries.digital_outputs, DIGITAL_OUTPUTS),
    ]
    .into_iter()
    .filter_map(|(field, object)| field.map(|field| (field, address(object))))
    .collect()
}
