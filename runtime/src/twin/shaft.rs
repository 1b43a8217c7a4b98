//! `axis.<name>`: the shaft of a simulated drive in the units of its axis.

use sensai_devices::Direction;
use sensai_fieldbus::{Shaft, simulated::Drive};
use sensai_model::{
    Cell, ScalarType, Tag, TagKind, TagStore, Value,
    cell::{Axis, Device, Homing},
    tag::{OnFault, OnInvalid, Overflow},
};
use std::f64::consts::TAU;

/// Magnitude up to which the machine may do something to a shaft, in the axis' units.
const LIMIT: f64 = 1e12;

/// One shaft: where it is, and how its units follow from the motor's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ShaftPort {
    /// Index among the segment's shafts.
    index: usize,
    /// Slot of the first of its tags.
    slot: u32,
    /// Axis units of one revolution; negative where the axis counts against the motor.
    per_revolution: f64,
    /// Axis position where the motor has made no revolution.
    offset: f64,
    /// N·m at the motor for one N, or for one N·m, at the axis; of the sign of `per_revolution`.
    lever: f64,
    /// Load and stiffness as written in the last run, at the motor, and the revolution at which they were.
    load: f64,
    stiffness: f64,
    at: f64,
}

/// What a twin finds behind `axis.<name>.`: name, type, written by the machine, description.
const FACTS: [(&str, ScalarType, bool, &str); 12] = [
    ("position", ScalarType::F64, false, "true position"),
    ("velocity", ScalarType::F64, false, "true velocity"),
    ("torque", ScalarType::F64, false, "N·m that the motor makes, in the axis' direction"),
    ("brake_released", ScalarType::Bool, false, "the drive opens the holding brake"),
    ("load", ScalarType::F64, true, "force or torque against positive motion"),
    ("stiffness", ScalarType::F64, true, "how much `load` grows with the position"),
    ("friction", ScalarType::F64, true, "dry friction"),
    ("inertia", ScalarType::F64, true, "mass or inertia that the machine adds"),
    ("sto", ScalarType::Bool, true, "safe torque off is requested"),
    ("limit_positive", ScalarType::Bool, true, "the switch at the positive end is hit"),
    ("limit_negative", ScalarType::Bool, true, "the switch at the negative end is hit"),
    ("home_switch", ScalarType::Bool, true, "the homing switch is active"),
];

/// Facts that cannot be negative.
const NOT_NEGATIVE: [&str; 3] = ["stiffness", "friction", "inertia"];

/// The axes of a device, ascending: where the controlword of each lies in the output image, in bits. One shaft for each.
fn channels(device: &Device) -> Vec<u32> {
    let entries = device.description.entries(Direction::Output);
    let place = |base: u16| {
        let controlword = entries.iter().find(|entry| entry.place.index == 0x6040 + base);
        device.outputs.start as u32 * 8 + controlword.map_or(0, |entry| entry.place.bit_offset)
    };
    Drive::axes_of(&device.description).into_iter().map(place).collect()
}

/// The segment turns a shaft for it.
pub(super) fn is_drive(device: &Device) -> bool {
    !channels(device).is_empty()
}

impl ShaftPort {
    /// The shafts of a cell, and their tags in slots from `slot` on. A drive without an axis goes by its own name, in
    /// revolutions and N·m; further axes of its device have their number behind it.
    pub fn all(cell: &Cell, mut slot: u32) -> (Vec<Self>, Vec<Tag>) {
        let (mut ports, mut tags): (Vec<Self>, Vec<Tag>) = (Vec::new(), Vec::new());
        let each = cell.devices.iter().enumerate().flat_map(|(position, device)| {
            let channels = channels(device).into_iter().enumerate();
            channels.map(move |(channel, controlword)| (position, device, channel, controlword))
        });
        for (index, (position, device, channel, controlword)) in each.enumerate() {
            let axis = cell.axes.iter().find(|axis| {
                usize::from(axis.device) == position && axis.entries.controlword.bit_offset == controlword
            });
            let own = match channel {
                0 => device.name.clone(),
                more => format!("{}_{}", device.name, more + 1),
            };
            let name = axis.map_or(own, |axis| axis.name.clone());
            if axis.is_none() && cell.axes.iter().any(|axis| axis.name == name) {
                continue;
            }
            ports.push(Self::new(index, slot, axis));
            let unit = axis.map_or("{rev}", |axis| &axis.unit);
            for (fact, scalar, written, description) in FACTS {
                tags.push(fact_tag(format!("{name}.{fact}"), scalar, written, slot, unit, description));
                slot += 1;
            }
        }
        (ports, tags)
    }

    fn new(index: usize, slot: u32, axis: Option<&Axis>) -> Self {
        let sign = axis.map_or(1.0, |axis| if axis.counts_per_unit < 0.0 { -1.0 } else { 1.0 });
        let per_revolution = sign * axis.map_or(1.0, |axis| axis.feed);
        // Work is the same on both sides: torque × 2π = force × way of one revolution.
        let si = axis.map_or(TAU, |axis| si_of(&axis.unit));
        let offset = match axis.map(|axis| axis.homing) {
            Some(Homing::Absolute { offset }) => offset,
            Some(Homing::CurrentPosition { position }) => position,
            Some(Homing::Drive { .. }) | None => 0.0,
        };
        let lever = per_revolution * si / TAU;
        Self { index, slot, per_revolution, offset, lever, load: 0.0, stiffness: 0.0, at: 0.0 }
    }

    /// Before a run: show the shaft.
    pub fn show(&self, shafts: &[Shaft], store: &mut TagStore) {
        let Some(shaft) = shafts.get(self.index) else { return };
        let sign = self.per_revolution.signum();
        let numbers = [
            self.offset + shaft.position * self.per_revolution,
            shaft.velocity * self.per_revolution,
            shaft.torque * sign,
        ];
        for (slot, number) in (self.slot..).zip(numbers) {
            // What is not finite the drive has refused to move; the last position stands.
            let fine = number.is_finite();
            let value = if fine { Value::F64(number) } else { store.value(slot) };
            store.set_input(slot, value, fine);
        }
        store.set_input(self.slot + 3, Value::Bool(shaft.brake_released), true);
    }

    /// After a run: let the machine act on the shaft.
    pub fn act(&mut self, store: &TagStore, shafts: &mut [Shaft]) {
        let Some(shaft) = shafts.get_mut(self.index) else { return };
        let number = |place: u32| match store.value(self.slot + place) {
            Value::F64(number) => number,
            _ => 0.0,
        };
        let flag = |place: u32| store.value(self.slot + place) == Value::Bool(true);
        self.load = number(4) * self.lever;
        self.stiffness = number(5) * self.lever * self.per_revolution;
        self.at = shaft.position;
        (shaft.load, shaft.stiffness) = (self.load, self.stiffness);
        shaft.friction = number(6) * self.lever.abs();
        shaft.inertia = number(7) * self.lever * self.lever;
        shaft.sto = flag(8);
        let (positive, negative) = (flag(9), flag(10));
        let turned = self.per_revolution < 0.0;
        (shaft.limit_positive, shaft.limit_negative) =
            if turned { (negative, positive) } else { (positive, negative) };
        shaft.home_switch = flag(11);
    }

    /// Between two runs: the load that the machine would have said at the shaft's present position.
    pub fn follow(&self, shafts: &mut [Shaft]) {
        let Some(shaft) = shafts.get_mut(self.index) else { return };
        shaft.load = self.load + self.stiffness * (shaft.position - self.at);
    }
}

/// Metres or radians in one unit of a position.
fn si_of(unit: &str) -> f64 {
    match unit {
        "deg" => TAU / 360.0,
        "gon" => TAU / 400.0,
        "'" => TAU / 21_600.0,
        "''" => TAU / 1_296_000.0,
        "rad" => 1.0,
        "mrad" => 1e-3,
        "m" => 1.0,
        "dm" => 1e-1,
        "cm" => 1e-2,
        "um" => 1e-6,
        "nm" => 1e-9,
        "[in_i]" => 0.0254,
        "[ft_i]" => 0.3048,
        "{rev}" | "1" => TAU,
        // `mm`, and whatever else somebody counts a way in.
        _ => 1e-3,
    }
}

fn fact_tag(
    name: String,
    scalar: ScalarType,
    written: bool,
    slot: u32,
    unit: &str,
    description: &str,
) -> Tag {
    let least = if NOT_NEGATIVE.iter().any(|fact| name.ends_with(fact)) { 0.0 } else { -LIMIT };
    Tag {
        aliases: Vec::new(),
        kind: if written { TagKind::Output } else { TagKind::Input },
        scalar,
        array_len: None,
        slot,
        fields: Vec::new(),
        sync_units: Vec::new(),
        bindings: Vec::new(),
        unit: name.ends_with(".position").then(|| unit.to_owned()),
        scale: None,
        range: (scalar == ScalarType::F64 && written).then_some((Value::F64(least), Value::F64(LIMIT))),
        on_invalid: OnInvalid::Hold,
        on_fault: OnFault::Hold,
        overflow: Overflow::Fault,
        initial: scalar.zero(),
        description: description.to_owned(),
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sensai_fieldbus::simulated::Segment;

    /// The segment and the twin count shafts alike, also of devices with two axes.
    #[test]
    fn every_shaft_of_the_segment_has_its_name() {
        let twin = "fn init() { #{} }\nfn cycle() {}\n";
        let mut cell = super::super::tests::cell(twin);
        let mut pair = cell.devices[5].clone();
        assert_eq!(pair.description.name, "SN4020");
        let mut description = (*pair.description).clone();
        for pdos in [&mut description.rx_pdos, &mut description.tx_pdos] {
            for pdo in pdos.clone() {
                let moved = pdo.entries.into_iter().map(|mut entry| {
                    entry.index += if entry.index == 0 { 0 } else { 0x800 };
                    entry
                });
                let entries = moved.collect();
                pdos.push(sensai_devices::Pdo { entries, index: pdo.index + 0x10, ..pdo });
            }
        }
        pair.description = std::sync::Arc::new(description);
        pair.name = "pair".to_owned();
        cell.devices.insert(5, pair);
        cell.axes[0].device = 6;
        let (ports, tags) = ShaftPort::all(&cell, 10);
        let names: Vec<&str> = tags.iter().filter_map(|tag| tag.name.strip_suffix(".load")).collect();
        assert_eq!(names, ["pair", "pair_2", "press", "table"]);
        assert_eq!(ports.iter().map(|port| port.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let slots: Vec<u32> = tags.iter().map(|tag| tag.slot).collect();
        assert_eq!(slots, (10..10 + tags.len() as u32).collect::<Vec<_>>());
        let segment = Segment::for_cell(&cell, Box::new(sensai_fieldbus::NoPlant));
        assert_eq!(segment.shafts().len(), ports.len());
    }

    fn port(per_revolution: f64, unit: &str) -> ShaftPort {
        let lever = per_revolution * si_of(unit) / TAU;
        ShaftPort {
            index: 0,
            slot: 0,
            per_revolution,
            offset: 1.0,
            lever,
            load: 0.0,
            stiffness: 0.0,
            at: 0.0,
        }
    }

    /// Through the port: what the axis shows, and what becomes of load, stiffness, friction and inertia.
    fn through(port: &mut ShaftPort, revolutions: f64, written: [f64; 4]) -> ([f64; 3], Shaft) {
        let tags: Vec<Tag> = (0..)
            .zip(FACTS)
            .map(|(slot, (name, scalar, written, _))| {
                fact_tag(name.to_owned(), scalar, written, slot, "mm", "")
            })
            .collect();
        let mut store = TagStore::new(&tags);
        let mut shafts = [Shaft { position: revolutions, velocity: 2.0, torque: 3.0, ..Shaft::default() }];
        for (slot, number) in (4..).zip(written) {
            store.write(slot, Value::F64(number));
        }
        store.write(9, Value::Bool(true));
        port.show(&shafts, &mut store);
        port.act(&store, &mut shafts);
        let shown = [0, 1, 2].map(|slot| match store.value(slot) {
            Value::F64(number) => number,
            other => panic!("{other:?}"),
        });
        (shown, shafts[0])
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{a}, not {b}");
    }

    #[test]
    fn a_screw_turns_force_into_torque() {
        // 10 mm a revolution: 1000 N need 1000 × 0.01 / 2π N·m; 1 kg is felt as (0.01 / 2π)² kg·m².
        let lever = 0.01 / TAU;
        let (shown, shaft) = through(&mut port(10.0, "mm"), 2.5, [1000.0, 400.0, 20.0, 50.0]);
        assert_eq!(shown, [26.0, 20.0, 3.0]);
        near(shaft.load, 1000.0 * lever);
        // 400 N/mm are 4000 N a revolution.
        near(shaft.stiffness, 4000.0 * lever);
        near(shaft.friction, 20.0 * lever);
        near(shaft.inertia, 50.0 * lever * lever);
        assert!(shaft.limit_positive && !shaft.limit_negative);
    }

    #[test]
    fn an_axis_that_counts_backwards_feels_the_same_machine() {
        let (forward, ahead) = through(&mut port(10.0, "mm"), 2.0, [1000.0, 400.0, 20.0, 50.0]);
        let (backward, back) = through(&mut port(-10.0, "mm"), -2.0, [1000.0, 400.0, 20.0, 50.0]);
        assert_eq!(forward[0], backward[0]);
        assert_eq!((backward[1], backward[2]), (-20.0, -3.0));
        assert_eq!((back.load, back.stiffness), (-ahead.load, ahead.stiffness));
        assert_eq!((back.friction, back.inertia), (ahead.friction, ahead.inertia));
        assert!(!back.limit_positive && back.limit_negative);
    }

    #[test]
    fn a_gear_and_a_bare_drive() {
        // 36° a revolution is a gear of 10: a tenth of the torque, a hundredth of the inertia.
        let (_, shaft) = through(&mut port(36.0, "deg"), 0.0, [50.0, 0.0, 0.0, 2.0]);
        near(shaft.load, 5.0);
        near(shaft.inertia, 0.02);
        let (_, bare) = through(&mut port(1.0, "{rev}"), 0.0, [50.0, 7.0, 0.0, 2.0]);
        near(bare.load, 50.0);
        near(bare.stiffness, 7.0);
        near(bare.inertia, 2.0);
    }

    #[test]
    fn between_two_runs_the_load_follows_the_position() {
        let mut port = port(10.0, "mm");
        let (_, shaft) = through(&mut port, 2.0, [1000.0, 400.0, 0.0, 0.0]);
        let mut shafts = [Shaft { position: 2.01, ..shaft }];
        port.follow(&mut shafts);
        // A hundredth of a revolution is 0.1 mm further: 40 N more.
        near(shafts[0].load, 1040.0 * 0.01 / TAU);
        near(shafts[0].stiffness, shaft.stiffness);
    }
}
