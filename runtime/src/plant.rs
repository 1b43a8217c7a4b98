//! The built-in plants: what the embedded segment and `sensai sim` connect the devices to.
//!
//! A plant sees tags by pin name; the cell says which tag is which pin.

use sensai_fieldbus::{NoPlant, Plant, Shaft};
use sensai_model::{Cell, ScalarType, Tag, TagKind, Value, cell};
use sensai_stdlib::twin::{Cylinder, CylinderSettings, Noise, SpringPart};

/// What does not fit between a cell and its plant; all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[simulation] plant: {}", .0.join("; "))]
pub struct PlantError(pub Vec<String>);

/// A pin of a built-in plant.
struct Pin {
    name: &'static str,
    kind: TagKind,
    scalar: ScalarType,
}

const fn pin(name: &'static str, kind: TagKind, scalar: ScalarType) -> Pin {
    Pin { name, kind, scalar }
}

const PRESS: &str = "pneumatic_press";

/// Outputs of the cell drive the plant; inputs of the cell show it.
const PRESS_PINS: [Pin; 10] = [
    pin("valve_down", TagKind::Output, ScalarType::Bool),
    pin("valve_up", TagKind::Output, ScalarType::Bool),
    pin("clamp", TagKind::Output, ScalarType::Bool),
    pin("start", TagKind::Input, ScalarType::Bool),
    pin("up", TagKind::Input, ScalarType::Bool),
    pin("down", TagKind::Input, ScalarType::Bool),
    pin("present", TagKind::Input, ScalarType::Bool),
    pin("force", TagKind::Input, ScalarType::F64),
    pin("position", TagKind::Input, ScalarType::F64),
    pin("height", TagKind::Input, ScalarType::F64),
];

/// Constants with their defaults: share of cracked parts, spread of good ones, noise of the force sensor in N.
const PRESS_CONSTANTS: [(&str, f64); 3] = [("bad_share", 0.05), ("spread", 0.03), ("force_noise", 2.0)];

/// The plant the cell asks for.
///
/// # Errors
/// An unknown kind, pins without a tag of the right kind, unknown constants: all of them.
pub fn for_cell(cell: &Cell) -> Result<Box<dyn Plant>, PlantError> {
    let Some(plant) = &cell.simulation.plant else { return Ok(Box::new(NoPlant)) };
    if plant.kind != PRESS {
        return Err(PlantError(vec![format!("unknown kind `{}`; there is `{PRESS}`", plant.kind)]));
    }
    let mut problems = Vec::new();
    let tags: Vec<Tag> = PRESS_PINS.iter().filter_map(|pin| bind(cell, plant, pin, &mut problems)).collect();
    let known = |name: &str| PRESS_PINS.iter().any(|pin| pin.name == name);
    for name in plant.tags.keys().filter(|name| !known(name)) {
        let names: Vec<&str> = PRESS_PINS.iter().map(|pin| pin.name).collect();
        problems.push(format!("`{PRESS}` has no pin `{name}`; it has {}", names.join(", ")));
    }
    for name in plant.constants.keys().filter(|name| !PRESS_CONSTANTS.iter().any(|(known, _)| known == *name))
    {
        problems.push(format!("`{PRESS}` has no constant `{name}`; it has bad_share, spread, force_noise"));
    }
    let constants =
        PRESS_CONSTANTS.map(|(name, default)| plant.constants.get(name).copied().unwrap_or(default));
    match <[Tag; 10]>::try_from(tags) {
        Ok(tags) if problems.is_empty() => Ok(Box::new(Press::new(tags, constants, cell.simulation.seed))),
        _ => Err(PlantError(problems)),
    }
}

/// The tag behind a pin, or a problem.
fn bind(cell: &Cell, plant: &cell::Plant, pin: &Pin, problems: &mut Vec<String>) -> Option<Tag> {
    let Some(name) = plant.tags.get(pin.name) else {
        problems
            .push(format!("pin `{}` is not connected: add `{} = \"<tag>\"` to its tags", pin.name, pin.name));
        return None;
    };
    let tag = cell.tag(name);
    let fits = |tag: &&Tag| tag.kind == pin.kind && tag.scalar == pin.scalar && tag.array_len.is_none();
    let found = tag.filter(fits).cloned();
    if found.is_none() {
        let direction = if pin.kind == TagKind::Input { "input" } else { "output" };
        let expected = format!("expected an {direction} of type {}", pin.scalar.name());
        let got = tag.map_or("there is no such tag".into(), |tag| {
            format!("it is {:?} of type {}", tag.kind, tag.scalar.name()).to_lowercase()
        });
        problems.push(format!("pin `{}` is connected to `{name}`: {expected}, {got}", pin.name));
    }
    found
}

/// Where the tool meets a fresh part, mm of stroke.
const CONTACT_MM: f64 = 40.0;
/// Nominal height of a part, mm.
const HEIGHT_MM: f64 = 12.5;

/// What the person at the press does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    /// Takes the next part.
    Loading,
    /// The part lies in the nest; waits a moment, then presses the button.
    Reaching,
    /// Holds the button.
    Pressing,
    /// Watches the stroke until the clamp opens.
    Watching,
    /// Takes the part out.
    Unloading,
}

/// A cylinder, a part, three sensors, and somebody who puts parts in.
struct Press {
    tags: [Tag; 10],
    cylinder: Cylinder,
    part: SpringPart,
    noise: Noise,
    operator: Operator,
    /// When the operator's state began, ns.
    since_ns: u64,
    time_ns: Option<u64>,
    present: bool,
    height_mm: f64,
    bad_share: f64,
    spread: f64,
    force_noise: f64,
}

impl Press {
    fn new(tags: [Tag; 10], [bad_share, spread, force_noise]: [f64; 3], seed: u64) -> Self {
        Self {
            tags,
            cylinder: Cylinder::new(CylinderSettings {
                stroke_mm: 50.0,
                extend_mm_s: 250.0,
                retract_mm_s: 300.0,
                force_n: 3000.0,
                lag_s: 0.02,
                switch_mm: 0.5,
            }),
            part: SpringPart::new(200.0, 1000.0, 20.0),
            noise: Noise::new(seed),
            operator: Operator::Loading,
            since_ns: 0,
            time_ns: None,
            present: false,
            height_mm: HEIGHT_MM,
            bad_share,
            spread,
            force_noise,
        }
    }

    fn output(&self, pin: usize, outputs: &[u8]) -> bool {
        let tag = &self.tags[pin];
        tag.fields.iter().all(|field| tag.decode(field, outputs) == Some(Value::Bool(true)))
    }

    fn show(&self, pin: usize, value: Value, inputs: &mut [u8]) {
        let tag = &self.tags[pin];
        for field in &tag.fields {
            tag.encode(field, value, inputs);
        }
    }

    /// One step of the person: `clamped` and the switches are what there is to see.
    fn operate(&mut self, now: u64, clamped: bool) {
        let waited_ms = (now - self.since_ns) / 1_000_000;
        let up = self.cylinder.retracted();
        let next = match self.operator {
            Operator::Loading if waited_ms >= 250 && up && !clamped => {
                self.fresh_part();
                Operator::Reaching
            }
            Operator::Reaching if waited_ms >= 150 => Operator::Pressing,
            Operator::Pressing if waited_ms >= 120 => Operator::Watching,
            // Nothing happened: the press was not ready. Try again.
            Operator::Watching if waited_ms >= 3000 && !clamped => Operator::Reaching,
            Operator::Watching if waited_ms >= 100 && !clamped && up && self.part.set_mm() > 0.0 => {
                Operator::Unloading
            }
            Operator::Unloading if waited_ms >= 100 => {
                self.present = false;
                Operator::Loading
            }
            same => same,
        };
        if next != self.operator {
            self.operator = next;
            self.since_ns = now;
        }
    }

    fn fresh_part(&mut self) {
        let factor = self.noise.gauss(1.0, self.spread);
        let cracked = self.noise.chance(self.bad_share);
        self.part.renew(if cracked { factor * 0.5 } else { factor });
        self.height_mm = self.noise.gauss(HEIGHT_MM, 0.005);
        self.present = true;
    }
}

impl Plant for Press {
    fn step(&mut self, time_ns: u64, outputs: &[u8], inputs: &mut [u8], _shafts: &mut [Shaft]) {
        if self.time_ns.is_none() {
            self.since_ns = time_ns;
        }
        let last = self.time_ns.replace(time_ns).unwrap_or(time_ns);
        let dt_ns = time_ns.saturating_sub(last).cast_signed();
        let (down, up, clamp) = (self.output(0, outputs), self.output(1, outputs), self.output(2, outputs));
        self.operate(time_ns, clamp);

        let depth = if self.present { self.cylinder.position_mm() - CONTACT_MM } else { -1.0 };
        let force = self.part.run(depth);
        self.cylinder.run(down, up, force, dt_ns);
        let shown_force = force + self.noise.gauss(0.0, self.force_noise);
        let height = if self.present { self.height_mm - self.part.set_mm() } else { 0.0 };

        self.show(3, Value::Bool(self.operator == Operator::Pressing), inputs);
        self.show(4, Value::Bool(self.cylinder.retracted()), inputs);
        self.show(5, Value::Bool(self.cylinder.extended()), inputs);
        self.show(6, Value::Bool(self.present), inputs);
        self.show(7, Value::F64(shown_force), inputs);
        self.show(8, Value::F64(self.cylinder.position_mm()), inputs);
        self.show(9, Value::F64(height), inputs);
    }
}
