//! `[axes]`: an axis, its drive, and the rules between the two.

use super::{
    axis_limits::{self, Limits, Scaling},
    devices::{Devices, Named},
    drive,
    fields::{Fields, Item},
    finding::Rule,
    names, schema,
    sink::Sink,
    table::Table,
    task::Tasks,
    tree::NodeValue,
    writers::{self, Kind, Writer},
};
use crate::cell::{Axis, Brake, Device, DriveEntries, DriveMode, Homing, StartupSdo, StopCategory};
use std::ops::Range;

/// Axes of a cell.
const AXES_MAX: usize = 64;
const MS: u64 = 1_000_000;
/// How long the following error may be larger than its window.
const FOLLOWING_TIME_NS: u64 = 20 * MS;
/// Gain of the position loop in CSV, 1/s.
const POSITION_GAIN: f64 = 20.0;
/// Gain × interval above which a sampled position loop swings.
const GAIN_INTERVALS_MAX: f64 = 0.5;
/// Longest time a drive may take for homing.
const HOMING_TIMEOUT_NS: u64 = 60_000 * MS;
/// What a holding brake takes, where the file does not say.
const BRAKE_NS: u64 = 100 * MS;

/// A drive and which of its axes are taken, by which axis of the cell.
type Taken = Vec<((u16, u16), String, Range<usize>)>;

/// Read `[axes]`; what they write goes to `writers`.
pub(crate) fn read(
    sink: &mut Sink<'_>,
    root: &Fields<'_>,
    devices: &Devices,
    tasks: &Tasks,
    writers: &mut Vec<Writer>,
) -> Table<Axis> {
    let mut axes = Table::new("axis", Rule::UnknownAxis);
    let Some(table) = root.get("axes") else { return axes };
    let mut taken = Taken::new();
    for (name, item) in table.items(sink) {
        let good_name = names::check(sink, name, &item.key_span, &item.key);
        let axis = read_axis(sink, name, &item, devices, tasks, &mut taken, writers);
        axes.push(name, axis.filter(|_| good_name));
    }
    if axes.named_len() > AXES_MAX {
        let message = format!("the cell has {} axes, at most {AXES_MAX} are possible", axes.named_len());
        sink.push(Rule::TooMany, &table.key_span, "axes", message).help("divide the machine into two cells");
    }
    axes
}

/// What the drives have to be told before operation: how they home, and that the brake is ours. What the cell's own `startup`
/// writes has been thought about.
pub(crate) fn tell_drives(axes: &[Axis], devices: &mut [Device]) {
    for axis in axes {
        let Some(device) = devices.get_mut(usize::from(axis.device)) else { continue };
        let offset = 0x800 * axis.channel.saturating_sub(1);
        let mut told = Vec::new();
        if let Homing::Drive { method, .. } = axis.homing {
            told.push(StartupSdo { index: 0x6098 + offset, subindex: 0, data: vec![method.cast_unsigned()] });
        }
        let mask = (0x60fe + offset, 2);
        let known = device.description.objects.iter().any(|object| object.index == mask.0);
        if axis.brake.is_some() && known {
            told.push(StartupSdo { index: mask.0, subindex: mask.1, data: vec![1, 0, 0, 0] });
        }
        for sdo in told {
            if !device.startup.iter().any(|of| (of.index, of.subindex) == (sdo.index, sdo.subindex)) {
                device.startup.push(sdo);
            }
        }
    }
}

/// Everything is read before anything is missing, so that all findings come at once.
fn read_axis(
    sink: &mut Sink<'_>,
    name: &str,
    item: &Item<'_>,
    devices: &Devices,
    tasks: &Tasks,
    taken: &mut Taken,
    writers: &mut Vec<Writer>,
) -> Option<Axis> {
    let fields = Fields::open(sink, item, schema::AXIS)?;
    let scaling = axis_limits::read_scaling(sink, &fields);
    let limits = axis_limits::read_limits(sink, &fields, scaling.as_ref());
    let modulo = fields.get("modulo").map(|item| item.positive(sink));
    if let Some(item) = fields.get("modulo")
        && limits.as_ref().is_some_and(|limits| limits.position.is_some())
    {
        sink.push(Rule::Conflict, &item.key_span, &item.key, "an axis that turns for ever has no ends")
            .help("remove `modulo`, or `position` in `limits`");
    }
    let mode = read_mode(sink, &fields);
    let position_gain = read_gain(sink, &fields, mode, tasks.interval_ns);
    let following_time = fields.get("following_time").and_then(|item| item.duration(sink, 0..=10_000 * MS));
    let stop_category = read_stop_category(sink, &fields);
    let vertical = fields.get("vertical").and_then(|item| item.boolean(sink)).unwrap_or_default();
    let brake = read_brake(sink, &fields);
    check_vertical(sink, &fields, vertical, stop_category);
    let homing = read_homing(sink, &fields);
    let found = find_drive(sink, &fields, name, devices, taken);
    let (device, channel, mut entries) = found?;
    let drive = fields.get("drive")?;
    let mode = mode?;
    drive::check_mode(
        sink,
        &fields.get("mode").unwrap_or_else(|| drive.clone()),
        device,
        channel,
        mode,
        &entries,
    );
    check_homing(sink, &fields, homing, device, &entries);
    let brake = brake?;
    take_brake_output(sink, &fields, brake, device, &mut entries);
    for (field, address) in drive::written(&entries, channel) {
        writers.push(Writer {
            kind: Kind::Axis,
            bits: writers::bits(&field),
            what: format!("{}.{address}", device.name),
            name: name.to_owned(),
            span: drive.node.span.clone(),
            key: drive.key.clone(),
        });
    }
    let (scaling, limits) = (scaling?, limits?);
    check_ranges(sink, &fields, &scaling, &limits, &entries, tasks.interval_ns);
    Some(Axis {
        name: name.to_owned(),
        device: device.position,
        channel,
        entries,
        unit: scaling.unit,
        counts_per_unit: scaling.counts_per_unit,
        feed: scaling.feed,
        modulo: modulo.flatten(),
        software_limits: limits.position,
        velocity_max: limits.velocity,
        acceleration: limits.acceleration,
        deceleration: limits.deceleration,
        jerk: limits.jerk,
        stop_deceleration: limits.stop_deceleration,
        stop_jerk: limits.stop_jerk,
        following_window: limits.following_window,
        following_time_ns: following_time.unwrap_or(FOLLOWING_TIME_NS),
        in_position_window: limits.in_position_window,
        mode,
        position_gain,
        homing: homing?,
        stop_category: stop_category?,
        vertical,
        brake: brake.worked(),
    })
}

/// The device that `drive` names, which of its axes, and where its objects lie.
fn find_drive<'d>(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    name: &str,
    devices: &'d Devices,
    taken: &mut Taken,
) -> Option<(&'d Device, u16, DriveEntries)> {
    let channel = match fields.get("channel") {
        Some(item) => u16::try_from(item.integer(sink, 1..=i64::from(drive::CHANNELS_MAX))?).ok()?,
        None => 1,
    };
    let item = fields.required(sink, "drive", "name the device: drive = \"servo\"")?;
    let text = item.text(sink)?;
    let device = match devices.named(text) {
        Named::Device(device) => device,
        Named::Broken => return None,
        Named::Unknown => {
            let help = match devices.names().as_slice() {
                [] => "list the devices in bus order: [devices] servo = { type = \"SN4020\" }".to_owned(),
                known => names::hint(text, known).unwrap_or_default(),
            };
            item.find(sink, Rule::UnknownDevice, format!("there is no device `{text}`")).help(help);
            return None;
        }
    };
    let entries = drive::entries(sink, &item, device, channel)?;
    if let Some((_, other, span)) = taken.iter().find(|(of, ..)| *of == (device.position, channel)) {
        let place = sink.place(span, format!("axis `{other}` has it"));
        item.find(sink, Rule::OneAxis, format!("`{text}` is the drive of axis `{other}` already"))
            .help("name another device, or another `channel` of a device with several axes")
            .related(place);
        return None;
    }
    taken.push(((device.position, channel), name.to_owned(), item.node.span.clone()));
    Some((device, channel, entries))
}

fn read_mode(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<DriveMode> {
    let modes = [("csp", DriveMode::Csp), ("csv", DriveMode::Csv), ("cst", DriveMode::Cst)];
    fields.get("mode").map_or(Some(DriveMode::Csp), |item| item.choice(sink, &modes))
}

fn read_gain(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    mode: Option<DriveMode>,
    interval_ns: Option<u64>,
) -> f64 {
    let interval_s = interval_ns.map(|ns| ns as f64 / 1e9);
    let most = interval_s.map(|seconds| GAIN_INTERVALS_MAX / seconds);
    let Some(item) = fields.get("position_gain") else {
        return most.map_or(POSITION_GAIN, |most| POSITION_GAIN.min(most));
    };
    let gain = item.positive(sink);
    if mode.is_some_and(|mode| mode != DriveMode::Csv) {
        let message = "`position_gain` is only used with mode = \"csv\": there the runtime closes the loop";
        sink.push(Rule::Conflict, &item.key_span, &item.key, message).help("remove it");
    }
    if let (Some(gain), Some(most)) = (gain, most)
        && gain > most
    {
        let message = format!("expected a gain up to {most:.0}/s, got {gain}: the loop would swing");
        item.find(sink, Rule::OutOfRange, message)
            .help("gain times interval stays below one half; a shorter interval allows a higher gain");
    }
    gain.unwrap_or(POSITION_GAIN)
}

fn read_stop_category(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<StopCategory> {
    let Some(item) = fields.get("stop_category") else { return Some(StopCategory::One) };
    Some(match item.integer(sink, 0..=2)? {
        0 => StopCategory::Zero,
        1 => StopCategory::One,
        _ => StopCategory::Two,
    })
}

/// Who works the brake, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BrakeBy {
    None,
    Drive,
    Runtime(Brake),
}

impl BrakeBy {
    const fn worked(self) -> Option<Brake> {
        match self {
            Self::Runtime(brake) => Some(brake),
            Self::None | Self::Drive => None,
        }
    }
}

fn read_brake(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<BrakeBy> {
    let Some(item) = fields.get("brake") else { return Some(BrakeBy::None) };
    if let NodeValue::Text(_) = &item.node.value {
        return item.choice(sink, &[("drive", BrakeBy::Drive)]);
    }
    if !item.node.is_table() {
        let message = format!("expected a table or \"drive\", got {}", item.node.kind());
        item.find(sink, Rule::WrongType, message)
            .help("write brake = { release = \"60ms\", apply = \"40ms\" }, or \"drive\" if the drive works it by itself");
        return None;
    }
    let fields = Fields::open(sink, &item, schema::BRAKE)?;
    let mut time = |name: &str| match fields.get(name) {
        Some(item) => item.duration(sink, 0..=5_000 * MS),
        None => Some(BRAKE_NS),
    };
    let (release_ns, apply_ns) = (time("release"), time("apply"));
    Some(BrakeBy::Runtime(Brake { release_ns: release_ns?, apply_ns: apply_ns? }))
}

fn check_vertical(sink: &mut Sink<'_>, fields: &Fields<'_>, vertical: bool, category: Option<StopCategory>) {
    let Some(item) = fields.get("vertical").filter(|_| vertical) else { return };
    let place = sink.place(&item.node.span, "it is vertical");
    if let Some(category_item) = fields.get("stop_category").filter(|_| category == Some(StopCategory::Zero))
    {
        category_item
            .find(sink, Rule::VerticalAxis, "a vertical axis without power falls until its brake has closed")
            .help("write stop_category = 1 (ramp to rest, brake, power off) or 2 (hold with power)")
            .related(place);
    }
    if fields.get("brake").is_none() {
        item.find(sink, Rule::VerticalAxis, "nothing holds this vertical axis when its power goes").help(
            "write brake = { release = \"60ms\", apply = \"40ms\" }, or brake = \"drive\" if the drive works it by itself",
        );
    }
}

/// The brake has bit 0 of the drive's digital outputs; the others are free for tags. An axis without one writes none.
fn take_brake_output(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    brake: BrakeBy,
    device: &Device,
    entries: &mut DriveEntries,
) {
    let output = entries.digital_outputs.take();
    if !matches!(brake, BrakeBy::Runtime(_)) {
        return;
    }
    let first_bit = |field| crate::BitField { bit_len: 1, raw: crate::RawType::Bool, ..field };
    entries.digital_outputs = output.map(first_bit);
    if let Some(item) = fields.get("brake").filter(|_| output.is_none()) {
        let message =
            format!("`{}` has no output for the brake (0x60fe:01) in its process data", device.name);
        sink.push(Rule::BrakeOutput, &item.key_span, &item.key, message).help(
            "write brake = \"drive\" if the drive works it by itself, else name a drive that maps the object",
        );
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Absolute,
    CurrentPosition,
    Drive,
}

const METHODS: &[(&str, Method)] = &[
    ("absolute", Method::Absolute),
    ("current_position", Method::CurrentPosition),
    ("drive", Method::Drive),
];

fn read_homing(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<Homing> {
    let help = "write homing = \"absolute\" for an absolute encoder, \"current_position\", or { method = \"drive\", number = 19 }";
    let item = fields.required(sink, "homing", help)?;
    let table = match &item.node.value {
        NodeValue::Table(_) => Some(Fields::open(sink, &item, schema::HOMING)?),
        _ => None,
    };
    let method = match &table {
        Some(table) => table.required(sink, "method", help)?.choice(sink, METHODS)?,
        None => item.choice(sink, METHODS)?,
    };
    let get = |name: &str| table.as_ref().and_then(|table| table.get(name));
    for foreign in ["number", "timeout"].iter().filter(|_| method != Method::Drive) {
        if let Some(item) = get(foreign) {
            let message = format!("`{foreign}` is only used with method = \"drive\"");
            sink.push(Rule::Conflict, &item.key_span, &item.key, message).help("remove it");
        }
    }
    let position = get("position").map_or(Some(0.0), |item| item.number(sink));
    match method {
        Method::Absolute => Some(Homing::Absolute { offset: position? }),
        Method::CurrentPosition => Some(Homing::CurrentPosition { position: position? }),
        Method::Drive => {
            let timeout = get("timeout")
                .map_or(Some(HOMING_TIMEOUT_NS), |item| item.duration(sink, 100 * MS..=3_600_000 * MS));
            let help = "write the drive's homing method (object 0x6098): { method = \"drive\", number = 19 }";
            let Some(number) = get("number") else {
                match &table {
                    Some(table) => table.required(sink, "number", help),
                    None => {
                        item.find(sink, Rule::MissingKey, "homing by the drive needs its method's number")
                            .help(help);
                        None
                    }
                };
                return None;
            };
            let number = number.integer(sink, -128..=127)?;
            Some(Homing::Drive {
                method: i8::try_from(number).ok()?,
                position: position?,
                timeout_ns: timeout?,
            })
        }
    }
}

/// Homing by the drive is its mode of operation 6, which somebody has to command.
fn check_homing(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    homing: Option<Homing>,
    device: &Device,
    entries: &DriveEntries,
) {
    if !matches!(homing, Some(Homing::Drive { .. })) || entries.mode.is_some() {
        return;
    }
    let Some(item) = fields.get("homing") else { return };
    let message = format!(
        "`{}` cannot be switched to homing: modes of operation (0x6060:00) is not in its process data",
        device.name
    );
    sink.push(Rule::DriveMode, &item.key_span, &item.key, message)
        .help("use homing = \"absolute\" or \"current_position\", or a drive that maps the object");
}

/// What the axis can be asked for fits into the drive's 32 bits.
fn check_ranges(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    scaling: &Scaling,
    limits: &Limits,
    entries: &DriveEntries,
    interval_ns: Option<u64>,
) {
    const MOST: f64 = i32::MAX as f64;
    // Its unknown keys were found when the limits were read.
    let open = |item| Fields::open_except(sink, &item, schema::AXIS_LIMITS, &|_| true);
    let Some(table) = fields.get("limits").and_then(open) else { return };
    let counts = |units: f64| units * scaling.counts_per_unit.abs();
    let largest = MOST / scaling.counts_per_unit.abs();
    let unit = &scaling.unit;
    if let (Some(item), Some((low, high))) = (table.get("position"), limits.position)
        && (counts(low.abs()) > MOST || counts(high.abs()) > MOST)
    {
        let message = format!("positions from {low} to {high} {unit} are more than 32 bits of counts");
        item.find(sink, Rule::DriveRange, message)
            .help(format!("as it is scaled, the drive counts up to ±{largest:.6} {unit}"));
    }
    let Some(item) = table.get("velocity") else { return };
    let as_counts = entries.target_velocity.is_some() || entries.velocity_actual.is_some();
    let per_cycle = interval_ns.map_or(0.0, |ns| counts(limits.velocity) * (ns as f64 / 1e9));
    if (as_counts && counts(limits.velocity) > MOST) || per_cycle > MOST {
        let message = format!(
            "{} {unit}/s are {:.3e} counts/s, more than the 32 bits of the drive's objects",
            limits.velocity,
            counts(limits.velocity)
        );
        item.find(sink, Rule::DriveRange, message).help(format!(
            "as it is scaled, the drive can do {largest:.6} {unit}/s; check `encoder` and `feed`"
        ));
    }
}
