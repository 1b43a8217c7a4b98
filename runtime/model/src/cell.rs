//! A validated cell: no `Option` that a run would have to ask about, nothing that can be wrong.

mod alarm;
mod axis;
mod model;
mod unit;

pub use alarm::{Alarm, AlarmCondition, AlarmPriority, AlarmReaction, can_be_limited};
pub use axis::{Axis, Brake, DriveEntries, DriveMode, Homing, StopCategory};
pub use model::{Golden, Jidoka, Model, ModelEngine, ModelInput, ModelScore, ModelTrigger};
pub use unit::{Route, Unit};

use crate::{ScalarType, Tag, Value};
use sensai_devices::DeviceDescription;
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// Sync units a cell may have; validity is a bit map of this many bits.
pub const SYNC_UNITS_MAX: usize = 32;

/// One IPC's machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// `[cell] name`.
    pub name: String,
    /// `[bus]`.
    pub bus: Bus,
    /// In bus order; `position` equals the index.
    pub devices: Vec<Device>,
    /// At least one if there are devices with process data, at most [`SYNC_UNITS_MAX`].
    pub sync_units: Vec<SyncUnit>,
    /// In the order of the file.
    pub tags: Vec<Tag>,
    /// The base task: the fastest one, the only one that exchanges.
    pub task: Task,
    /// All others, by ascending interval, each a multiple of the base task's.
    pub slow_tasks: Vec<Task>,
    /// In the order of the file.
    pub axes: Vec<Axis>,
    /// PackML units, in the order of the file.
    pub units: Vec<Unit>,
    /// In the order of the file.
    pub routes: Vec<Route>,
    /// In the order of the file.
    pub alarms: Vec<Alarm>,
    /// In the order of the file.
    pub models: Vec<Model>,
    /// In the order of the file.
    pub jidoka: Vec<Jidoka>,
    /// In the order of the file.
    pub parameters: Vec<Parameter>,
    /// Sizes of the two images in bytes.
    pub image: ImageSize,
    /// `[log]`.
    pub log: Log,
    /// `[retain]`: nanoseconds between two writes of what outlives a restart; nothing is written that has not changed.
    pub retain_interval_ns: u64,
    /// `[operator]`.
    pub operator: Operator,
    /// `[simulation]`.
    pub simulation: Simulation,
}

/// How the bus is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Bus {
    /// Network interface; `None` is the embedded simulated segment.
    pub interface: Option<String>,
    /// From the start of the exchange; after it the cycle goes on with held inputs.
    pub deadline_ns: u64,
    /// Lost exchanges in a row that raise the fault.
    pub lost_frames_max: u32,
    /// SyncManager watchdog written to every device with outputs; 0 switches it off.
    pub watchdog_ns: u64,
    /// Bytes of acyclic frames that may travel after the cyclic ones in one cycle.
    pub acyclic_bytes_max: u32,
}

/// One SubDevice as configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// `[devices.<name>]`.
    pub name: String,
    /// Position on the bus, from 0.
    pub position: u16,
    /// Its type.
    pub description: Arc<DeviceDescription>,
    /// Index into [`Cell::sync_units`].
    pub sync_unit: u8,
    /// Its bytes in the input image.
    pub inputs: Range<usize>,
    /// Its bytes in the output image.
    pub outputs: Range<usize>,
    /// Refuse a device with another serial number.
    pub serial: Option<u32>,
    /// SDOs written in PRE-OP, in this order.
    pub startup: Vec<StartupSdo>,
}

/// An SDO download at start-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartupSdo {
    /// Object index.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// Little endian.
    pub data: Vec<u8>,
}

/// Devices whose process data is valid or invalid together: one datagram, one expected working counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncUnit {
    /// Name; `main` where the file names none.
    pub name: String,
    /// Indices into [`Cell::devices`], ascending; only devices with process data.
    pub devices: Vec<u16>,
}

/// What the task does when a cycle is not done in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOverrun {
    /// Skip the missed cycles, count them, go on.
    Skip,
    /// Raise the overrun fault.
    Stop,
}

/// The cyclic task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// `[tasks.<name>]`.
    pub name: String,
    /// Cycle time.
    pub interval_ns: u64,
    /// `SCHED_FIFO` priority, 1 to 98.
    pub priority: u8,
    /// CPU to pin to; `None`: the last one.
    pub core: Option<usize>,
    /// How long before the wake target the thread stops sleeping and spins; `None`: calibrated at start.
    pub spin_ns: Option<u64>,
    /// Base intervals between two releases; 1 for the base task.
    pub multiple: u64,
    /// Overrun rule.
    pub on_overrun: OnOverrun,
    /// How they are run.
    pub tier: Tier,
    /// Programs in calling order.
    pub programs: Vec<ProgramSource>,
    /// Script limits.
    pub limits: Limits,
}

/// How programs are run. Both ways give the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// Compiled to machine code.
    #[default]
    Native,
    /// Interpreted: hundreds of times slower, with allocations in every cycle; where there is no code generator.
    Interpreter,
}

/// A program's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSource {
    /// File stem.
    pub name: String,
    /// Path relative to the cell's directory, with `/`.
    pub path: String,
    /// The text.
    pub text: Arc<str>,
    /// Libraries that it imports, each once; those that are there.
    pub libraries: Arc<[Library]>,
}

impl ProgramSource {
    /// A program that imports nothing.
    pub fn new(name: impl Into<String>, path: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), path: path.into(), text: text.into(), libraries: Arc::default() }
    }
}

/// Functions for several programs: a file below `lib/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// File stem, by which it is imported.
    pub name: String,
    /// Path relative to the cell's directory, with `/`.
    pub path: String,
    /// The text.
    pub text: Arc<str>,
}

/// What one run of one program may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Operations per cycle (fuel).
    pub operations: u64,
    /// Call depth.
    pub call_depth: usize,
    /// Bytes of the longest text.
    pub text_len: usize,
    /// Elements of the longest array.
    pub array_len: usize,
    /// Fields of the largest record.
    pub record_len: usize,
}

/// `param.<name>`: set by an operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Type.
    pub scalar: ScalarType,
    /// Value until somebody sets another.
    pub default: Value,
    /// Inclusive.
    pub range: Option<(Value, Value)>,
    /// UCUM unit.
    pub unit: Option<String>,
    /// Free text.
    pub description: String,
}

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageSize {
    /// Input image.
    pub inputs: usize,
    /// Output image.
    pub outputs: usize,
}

/// How the cycle log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Most a power loss may cost.
    pub sync_interval_ns: u64,
    /// Cycles between keyframes.
    pub keyframe_interval: u64,
    /// Time the ring holds when the writer stalls.
    pub ring_ns: u64,
}

/// Tags whose rising edge stands for an operator's command (store slots of `bool` tags).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// Leave Stop for Run.
    pub start: Option<u32>,
    /// Acknowledge a latched fault.
    pub reset: Option<u32>,
    /// Leave Run for Stop.
    pub stop: Option<u32>,
}

/// How the cell runs without hardware.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simulation {
    /// The built-in plant that answers the outputs. Not together with a twin.
    pub plant: Option<Plant>,
    /// The machine as programs, in calling order; none: no twin.
    pub twin: Vec<ProgramSource>,
    /// Time from one run of the twin to the next, a multiple of the base task's interval.
    pub twin_interval_ns: u64,
    /// `param.` of the twin, by name, in the order of the file.
    pub parameters: Vec<(String, f64)>,
    /// Seed of all noise and injected faults.
    pub seed: u64,
    /// Give reset and start by itself.
    pub auto_start: bool,
    /// End the run after this much nominal time.
    pub stop_after_ns: Option<u64>,
}

/// A built-in plant: its kind, which tags it touches, its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Plant {
    /// Kind, such as `pneumatic_press`.
    pub kind: String,
    /// Plant pin → tag name.
    pub tags: BTreeMap<String, String>,
    /// Plant constant → value, in the unit the plant documents.
    pub constants: BTreeMap<String, f64>,
}

impl Parameter {
    /// True if `value` is of the parameter's type, finite, and in its range.
    pub fn admits(&self, value: Value) -> bool {
        value.is_within(self.scalar, self.range)
    }
}

impl Cell {
    /// All tasks, the base task first.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        std::iter::once(&self.task).chain(&self.slow_tasks)
    }

    /// All programs with the index of their task, by their global index: the base task's come first.
    pub fn programs(&self) -> impl Iterator<Item = (usize, &ProgramSource)> {
        self.tasks().enumerate().flat_map(|(task, of)| of.programs.iter().map(move |program| (task, program)))
    }

    /// The tag of this name or alias.
    pub fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags
            .iter()
            .find(|tag| tag.name == name)
            .or_else(|| self.tags.iter().find(|tag| tag.aliases.iter().any(|alias| alias == name)))
    }
}
