//! A snapshot as people and their tools see it: names instead of numbers, in sections.
//!
//! The same types are read back by the clients. No member is ever null: what is not there is left out, as merge
//! patches want it.

use crate::{
    control::{
        describe::{float, json},
        force, state,
    },
    machine::{
        Mode,
        alarms::AlarmState,
        forces::Force,
        jidoka::{Event, Verdict},
    },
    reload::ReloadFacts,
    snapshot::{Durations, Snapshot, TaskFacts},
    states::ProgramFacts,
    summary::FaultText,
};
use sensai_fieldbus::ethercat::{AlState, al_status_text};
use sensai_log::LogStatistics;
use sensai_model::{Cell, Tag, TagKind, Value, cell::Model};
use sensai_motion::AxisFacts;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{collections::BTreeMap, sync::Arc};

/// Parts of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// The runtime's own state.
    Runtime,
    /// The bus.
    Bus,
    /// Tasks and their statistics.
    Tasks,
    /// Devices.
    Devices,
    /// Axes.
    Axes,
    /// PackML units.
    Units,
    /// Alarms.
    Alarms,
    /// Models.
    Models,
    /// Jidoka events.
    Jidoka,
    /// Parameters.
    Parameters,
    /// Tags.
    Tags,
    /// Programs and their states.
    Programs,
    /// Tags that are forced.
    Forced,
    /// The cycle log.
    Log,
    /// The last reload of programs.
    Reload,
}

impl Section {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Runtime,
        Self::Bus,
        Self::Tasks,
        Self::Devices,
        Self::Axes,
        Self::Units,
        Self::Alarms,
        Self::Models,
        Self::Jidoka,
        Self::Parameters,
        Self::Tags,
        Self::Programs,
        Self::Forced,
        Self::Log,
        Self::Reload,
    ];
}

/// A machine after one cycle, or those sections of it that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// Which cycle; 0 before the first one.
    pub cycle: u64,
    /// Its nominal time, ns.
    pub time_ns: i64,
    /// [`Section::Runtime`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeView>,
    /// [`Section::Bus`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bus: Option<BusView>,
    /// [`Section::Tasks`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, TaskView>,
    /// [`Section::Devices`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<String, DeviceView>,
    /// [`Section::Axes`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub axes: BTreeMap<String, AxisView>,
    /// [`Section::Units`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, UnitView>,
    /// [`Section::Alarms`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub alarms: BTreeMap<String, AlarmView>,
    /// [`Section::Models`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ModelView>,
    /// [`Section::Jidoka`]: the last events by their number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub jidoka: BTreeMap<u64, EventView>,
    /// [`Section::Parameters`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Json>,
    /// [`Section::Tags`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, TagView>,
    /// [`Section::Programs`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, ProgramView>,
    /// [`Section::Forced`]: elements of tags by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub forced: BTreeMap<String, ForcedView>,
    /// [`Section::Log`]: nothing if the run is not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogView>,
    /// [`Section::Reload`]: nothing before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload: Option<ReloadFacts>,
}

/// The runtime's own state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuntimeView {
    /// `starting`, `stop`, `run` or `fault`.
    pub state: String,
    /// The latched fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultView>,
    /// The shutdown sequence is in progress.
    #[serde(default)]
    pub shutting_down: bool,
    /// Cycles since this start.
    #[serde(default)]
    pub cycles: u64,
    /// Seconds since the process started.
    #[serde(default)]
    pub uptime_s: f64,
    /// No new cycle was seen for a second: the cyclic thread hangs, or is being watched by a debugger.
    #[serde(default)]
    pub stalled: bool,
}

/// A fault with its text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultView {
    /// Such as `F301`.
    pub id: String,
    /// What happened.
    pub text: String,
    /// Where: program, line and column, or the tag, unit, axis or alarm; empty if it has no place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
}

/// The bus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BusView {
    /// Interface, or `sim`.
    pub interface: String,
    /// AL states of all devices in the last cycle: `OP` if all of them are there, else those that were seen.
    pub states: String,
    /// Devices that answered in the last cycle.
    pub answering: u16,
    /// Devices that should.
    pub expected: u16,
    /// Cycles without a complete reply.
    pub lost: u64,
    /// Cycles in which some sync unit was invalid.
    pub invalid: u64,
    /// Replies that came after their cycle.
    pub late: u64,
    /// Frames nobody waited for.
    pub stray: u64,
    /// Sync units by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sync_units: BTreeMap<String, SyncUnitView>,
}

/// A sync unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncUnitView {
    /// Its data is of the last cycle.
    pub valid: bool,
    /// Its working counter in the last cycle.
    pub working_counter: u16,
}

/// A task since its statistics were last cleared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    /// Runs counted.
    pub runs: u64,
    /// Execution time.
    pub execution: DurationsView,
    /// From the target to the start.
    pub start_error: DurationsView,
    /// Times it was not done when the next one was due.
    pub overruns: u64,
    /// Targets passed over.
    pub skipped: u64,
    /// Work units of the last run.
    pub operations: u64,
    /// Cycles since the run was released whose results are visible; nothing before there are any, and for the
    /// base task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_cycles: Option<u64>,
}

/// A distribution of durations, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurationsView {
    /// The last one.
    pub last: u32,
    /// Half of them are not longer; at most a sixteenth too large.
    pub p50: u32,
    /// 99 of 100 are not longer; at most a sixteenth too large.
    pub p99: u32,
    /// The longest.
    pub max: u32,
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceView {
    /// AL state, such as `OP`.
    pub state: String,
    /// What it complains about; empty if all is well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// Errors its ports have counted.
    #[serde(default)]
    pub port_errors: u32,
    /// Links its ports have lost.
    #[serde(default)]
    pub lost_links: u32,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AxisView {
    /// PLCopen state, such as `standstill`.
    pub state: String,
    /// What led to the error stop.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// Units.
    pub position: f64,
    /// Units/s.
    pub velocity: f64,
    /// Set position, units.
    pub set_position: f64,
    /// Units.
    pub following_error: f64,
    /// Percent of the rated torque.
    pub torque: f64,
    /// Under power, brake open.
    pub powered: bool,
    /// Its position is known.
    pub homed: bool,
    /// At rest at its target.
    pub in_position: bool,
}

/// A PackML unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitView {
    /// Mode.
    pub mode: String,
    /// State.
    pub state: String,
    /// Commands that lead somewhere from here.
    #[serde(default)]
    pub legal: Vec<String>,
    /// A jidoka event waits for a verdict.
    #[serde(default)]
    pub awaits_verdict: bool,
}

/// An alarm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlarmView {
    /// ISA-18.2 state: `normal`, `unacknowledged`, `acknowledged`, `returned` or `shelved`.
    pub state: String,
    /// It came first in its group.
    #[serde(default)]
    pub first_out: bool,
    /// Cycle in which it came last; 0 for never.
    #[serde(default)]
    pub since: u64,
    /// How often it came.
    #[serde(default)]
    pub count: u64,
    /// Cycles it stays shelved.
    #[serde(default)]
    pub shelved_cycles: u64,
}

/// A model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    /// Its score; a text if it is no number.
    pub score: Json,
    /// The score can be used.
    pub valid: bool,
    /// Cycles since its result came.
    pub age: i64,
    /// Results that did not come in time.
    pub misses: i64,
    /// Results so far.
    pub sequence: i64,
}

/// A jidoka event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventView {
    /// The rule.
    pub rule: String,
    /// Its cycle.
    pub cycle: u64,
    /// The model's score.
    pub score: Json,
    /// `open`, `good` or `bad`.
    pub verdict: String,
}

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TagView {
    /// Its value; a list for an array, a text for what is no number.
    pub value: Json,
    /// All of it is good.
    pub valid: bool,
    /// It is forced, or an element of it is.
    #[serde(default, skip_serializing_if = "is_false")]
    pub forced: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A program that runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProgramView {
    /// Path of its text in the cell.
    pub path: String,
    /// SHA-256 of the text that runs.
    pub sha256: String,
    /// The same of the libraries that it imports, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub libraries: BTreeMap<String, String>,
    /// The fields of `this` after that cycle.
    pub state: Json,
    /// The state is longer than what is shown of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
}

/// An element of a tag that is forced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForcedView {
    /// What it is forced to.
    pub value: Json,
    /// What the wire says of an input, or programs say of an output; nothing for memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unforced: Option<Json>,
}

/// The cycle log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogView {
    /// The file.
    pub path: String,
    /// Records in it.
    pub records: u64,
    /// Records that were lost.
    pub dropped: u64,
    /// Last cycle that would survive a power failure now.
    pub durable_cycle: u64,
    /// The last error of the storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is known outside the cycle.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Interface, or `sim`.
    pub interface: String,
    /// Cycles since this start.
    pub cycles: u64,
    /// Seconds since the process started.
    pub uptime_s: f64,
    /// See [`RuntimeView::stalled`].
    pub stalled: bool,
    /// The cycle log's file and what its writer says.
    pub log: Option<(String, LogStatistics)>,
    /// The last reload; number 0 before the first one.
    pub reload: ReloadFacts,
    /// The programs whose states the snapshot has, if it has any.
    pub programs: Option<Arc<[ProgramFacts]>>,
}

impl View {
    /// The asked sections of a snapshot, tags only those whose name begins with `prefix`. Without a snapshot: what can
    /// be said while the bus is coming up.
    pub fn of(
        cell: &Cell,
        snapshot: Option<&Snapshot>,
        around: &Surroundings,
        sections: &[Section],
        prefix: &str,
    ) -> Self {
        let has = |section| sections.contains(&section);
        let mut view = Self::default();
        if has(Section::Runtime) {
            view.runtime = Some(RuntimeView::of(cell, snapshot, around));
        }
        if has(Section::Log) {
            view.log = around.log.as_ref().map(|(path, statistics)| LogView::of(path, statistics));
        }
        if has(Section::Reload) && around.reload.number > 0 {
            let probation = snapshot.map_or_else(Default::default, |of| of.probation);
            let left = if probation.number == around.reload.number { probation.left } else { 0 };
            view.reload = Some(ReloadFacts { left, ..around.reload.clone() });
        }
        let Some(of) = snapshot else { return view };
        (view.cycle, view.time_ns) = (of.index, of.time_ns);
        if has(Section::Bus) {
            view.bus = Some(BusView::of(cell, of, around));
        }
        if has(Section::Tasks) {
            let tasks = cell.tasks().zip(&of.tasks);
            view.tasks = tasks.map(|(task, facts)| (task.name.clone(), TaskView::of(facts))).collect();
        }
        if has(Section::Devices) {
            let devices = cell.devices.iter().zip(&of.devices);
            view.devices =
                devices.map(|(device, health)| (device.name.clone(), DeviceView::of(health))).collect();
        }
        if has(Section::Axes) {
            let axes = cell.axes.iter().zip(&of.axes);
            view.axes = axes.map(|(axis, facts)| (axis.name.clone(), AxisView::of(facts))).collect();
        }
        if has(Section::Units) {
            let units = cell.units.iter().zip(&of.units);
            view.units = units.map(|(unit, state)| (unit.name.clone(), UnitView::of(state))).collect();
        }
        if has(Section::Alarms) {
            let alarms = cell.alarms.iter().zip(&of.alarms);
            view.alarms = alarms.map(|(alarm, facts)| (alarm.name.clone(), AlarmView::of(facts))).collect();
        }
        if has(Section::Models) {
            let models = cell.models.iter();
            view.models = models.map(|model| (model.name.clone(), ModelView::of(model, of))).collect();
        }
        if has(Section::Jidoka) {
            let events = of.events.iter().filter(|event| event.number > 0);
            view.jidoka = events.map(|event| (event.number, EventView::of(cell, event))).collect();
        }
        if has(Section::Parameters) {
            let parameters = cell.parameters.iter().zip(&of.parameters);
            view.parameters = parameters.map(|(of, value)| (of.name.clone(), json(*value))).collect();
        }
        if has(Section::Tags) {
            let tags = cell.tags.iter().filter(|tag| tag.name.starts_with(prefix));
            view.tags = tags.map(|tag| (tag.name.clone(), TagView::of(tag, of))).collect();
        }
        if has(Section::Programs) && of.states.cycle > 0 {
            let programs = around.programs.iter().flat_map(|programs| programs.iter()).enumerate();
            view.programs = programs
                .map(|(index, program)| {
                    (program.name.clone(), ProgramView::of(cell, program, of.states.program(index)))
                })
                .collect();
        }
        if has(Section::Forced) {
            let forces = of.forces.all().iter();
            view.forced = forces.filter_map(|force| ForcedView::of(cell, of, force)).collect();
        }
        view
    }
}

impl RuntimeView {
    fn of(cell: &Cell, snapshot: Option<&Snapshot>, around: &Surroundings) -> Self {
        Self {
            state: snapshot.map_or("starting", |of| of.mode.name()).into(),
            fault: snapshot.and_then(|of| of.fault).map(|fault| {
                let FaultText { id, text, place } = FaultText::new(fault, cell);
                FaultView { id, text: text.into(), place }
            }),
            shutting_down: snapshot.is_some_and(|of| of.shutting_down),
            cycles: around.cycles,
            uptime_s: around.uptime_s,
            stalled: around.stalled,
        }
    }

    /// The state as a mode; `None` while starting.
    pub fn mode(&self) -> Option<Mode> {
        [Mode::Stop, Mode::Run, Mode::Fault].into_iter().find(|mode| mode.name() == self.state)
    }
}

impl BusView {
    fn of(cell: &Cell, of: &Snapshot, around: &Surroundings) -> Self {
        let exchange = &of.exchange;
        let units = cell.sync_units.iter().enumerate().map(|(index, unit)| {
            let counter = exchange.working_counters.get(index).copied().unwrap_or(0);
            let view = SyncUnitView { valid: exchange.valid >> index & 1 == 1, working_counter: counter };
            (unit.name.clone(), view)
        });
        Self {
            interface: around.interface.clone(),
            states: al_states(exchange.al_states),
            answering: exchange.devices,
            expected: cell.devices.len() as u16,
            lost: of.bus.lost,
            invalid: of.bus.invalid,
            late: of.bus.late,
            stray: of.bus.stray,
            sync_units: units.collect(),
        }
    }
}

/// ORed AL states: more than one bit, and some devices are elsewhere than the others.
fn al_states(states: u8) -> String {
    let names = [(1, "INIT"), (2, "PRE-OP"), (4, "SAFE-OP"), (8, "OP")];
    let mut seen: Vec<&str> = match states & 0x0f {
        // INIT and PRE-OP together are also BOOT; without the devices' own word nobody can tell.
        0 => vec!["none"],
        _ => names.iter().filter(|(bit, _)| states & bit != 0).map(|(_, name)| *name).collect(),
    };
    if states & 0x10 != 0 {
        seen.push("error");
    }
    seen.join("+")
}

impl TaskView {
    fn of(facts: &TaskFacts) -> Self {
        Self {
            runs: facts.runs,
            execution: DurationsView::of(&facts.execution),
            start_error: DurationsView::of(&facts.start_error),
            overruns: facts.overruns,
            skipped: facts.skipped,
            operations: facts.operations,
            age_cycles: facts.age,
        }
    }
}

impl DurationsView {
    fn of(durations: &Durations) -> Self {
        Self {
            last: durations.last,
            p50: durations.quantile(0.5),
            p99: durations.quantile(0.99),
            max: durations.max,
        }
    }
}

impl DeviceView {
    fn of(health: &sensai_fieldbus::ethercat::DeviceHealth) -> Self {
        let sum = |of: fn(&sensai_fieldbus::ethercat::PortHealth) -> u8| -> u32 {
            health.ports.iter().map(|port| u32::from(of(port))).sum()
        };
        let error = match (health.state, health.status_code) {
            (AlState::Op, 0) | (_, 0) => String::new(),
            (_, code) => format!("{code:#06x} {}", al_status_text(code)),
        };
        Self {
            state: health.state.to_string(),
            error,
            port_errors: sum(|port| port.invalid_frames) + sum(|port| port.rx_errors),
            lost_links: sum(|port| port.lost_links),
        }
    }
}

impl AxisView {
    fn of(facts: &AxisFacts) -> Self {
        use sensai_motion::AxisState;
        let state = match facts.state {
            AxisState::Disabled => "disabled",
            AxisState::Standstill => "standstill",
            AxisState::DiscreteMotion => "discrete motion",
            AxisState::ContinuousMotion => "continuous motion",
            AxisState::Homing => "homing",
            AxisState::Stopping => "stopping",
            AxisState::ErrorStop => "error stop",
            AxisState::SynchronizedMotion => "synchronized motion",
        };
        // An axis computes with finite numbers only; should one be none, zero keeps the document readable.
        let finite = |number: f64| if number.is_finite() { number } else { 0.0 };
        Self {
            state: state.into(),
            error: axis_error(facts),
            position: finite(facts.position),
            velocity: finite(facts.velocity),
            set_position: finite(facts.set_position),
            following_error: finite(facts.following_error),
            torque: finite(facts.torque),
            powered: facts.powered,
            homed: facts.homed,
            in_position: facts.in_position,
        }
    }
}

impl UnitView {
    fn of(unit: &crate::machine::units::UnitState) -> Self {
        use sensai_model::packml::Command;
        let legal =
            unit.state.legal().filter(|command| !(unit.awaits_verdict && *command == Command::Unhold));
        Self {
            mode: unit.mode.name().into(),
            state: unit.state.name().into(),
            legal: legal.map(|command| command.name().into()).collect(),
            awaits_verdict: unit.awaits_verdict,
        }
    }
}

impl AlarmView {
    fn of(facts: &crate::machine::alarms::AlarmFacts) -> Self {
        let state = match facts.state() {
            AlarmState::Normal => "normal",
            AlarmState::Unacknowledged => "unacknowledged",
            AlarmState::Acknowledged => "acknowledged",
            AlarmState::ReturnedUnacknowledged => "returned",
            AlarmState::Shelved => "shelved",
        };
        Self {
            state: state.into(),
            first_out: facts.first_out,
            since: facts.since,
            count: facts.count,
            shelved_cycles: facts.shelved,
        }
    }
}

impl ModelView {
    /// Its results are tags: score, age, valid, misses, sequence number, in this order.
    fn of(model: &Model, of: &Snapshot) -> Self {
        let value = |place: u32| of.values.get((model.slot + place) as usize).copied();
        let integer = |place: u32| match value(place) {
            Some(Value::I64(number)) => number,
            _ => 0,
        };
        Self {
            score: value(0).map_or_else(|| float(0.0), json),
            age: integer(1),
            valid: value(2) == Some(Value::Bool(true)),
            misses: integer(3),
            sequence: integer(4),
        }
    }
}

impl EventView {
    fn of(cell: &Cell, event: &Event) -> Self {
        let verdict = match event.verdict {
            Verdict::Open => "open",
            Verdict::Good => "good",
            Verdict::Bad => "bad",
        };
        Self {
            rule: cell.jidoka.get(usize::from(event.rule)).map_or(String::new(), |rule| rule.name.clone()),
            cycle: event.cycle,
            score: float(event.score),
            verdict: verdict.into(),
        }
    }
}

impl TagView {
    /// A tag in a snapshot of its cell.
    pub fn of(tag: &Tag, snapshot: &Snapshot) -> Self {
        let slots = tag.slot as usize..(tag.slot + tag.len()) as usize;
        let valid = snapshot.valid.get(slots.clone()).unwrap_or_default().iter().all(|valid| *valid);
        let values = snapshot.values.get(slots.clone()).unwrap_or_default();
        // A forced output is what goes to the wire, whatever programs say.
        let force = |slot: usize| snapshot.forces.of(slot as u32);
        let mut shown =
            slots.clone().zip(values).map(|(slot, value)| force(slot).map_or(*value, |of| of.value));
        let value = match tag.array_len {
            None => shown.next().map_or(Json::Null, json),
            Some(_) => shown.map(json).collect(),
        };
        let forced = slots.clone().any(|slot| force(slot).is_some());
        Self { value, valid, forced }
    }
}

impl ProgramView {
    fn of(cell: &Cell, program: &ProgramFacts, bytes: &[u8]) -> Self {
        Self {
            path: program.path.clone(),
            sha256: program.sha256.clone(),
            libraries: program.libraries.clone(),
            state: state::fields(&program.layout, cell, bytes),
            cut: bytes.len() < program.layout.size(),
        }
    }
}

impl ForcedView {
    fn of(cell: &Cell, snapshot: &Snapshot, force: &Force) -> Option<(String, Self)> {
        let tag = cell.tags.get(usize::from(force.tag))?;
        let unforced = match force.kind {
            TagKind::Input => Some(force.free),
            TagKind::Output => snapshot.values.get(force.slot as usize).copied(),
            TagKind::Memory | TagKind::Model => None,
        };
        let view = Self { value: json(force.value), unforced: unforced.map(json) };
        Some((force::name(tag, force.element), view))
    }
}

impl LogView {
    fn of(path: &str, statistics: &LogStatistics) -> Self {
        Self {
            path: path.into(),
            records: statistics.records,
            dropped: statistics.dropped,
            durable_cycle: statistics.durable_cycle,
            error: statistics.last_error.clone(),
        }
    }
}

/// Why an axis is in its error stop, or else why its last command failed: nothing moves then, and nobody would know why.
fn axis_error(facts: &AxisFacts) -> String {
    let failed = facts.failed_error.filter(|_| facts.failed > facts.done && facts.active == 0);
    match (facts.error, failed) {
        (Some(error), _) => error.to_string(),
        (None, Some(error)) => format!("last command refused: {error}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn al_states_are_named() {
        assert_eq!(al_states(8), "OP");
        assert_eq!(al_states(0x1c), "SAFE-OP+OP+error");
        assert_eq!(al_states(0), "none");
    }

    #[test]
    fn a_view_comes_back_from_json_as_it_was() {
        let cell =
            crate::source::Source::from_directory(&crate::test_cell()).cell.expect("the example is valid");
        let snapshot = Snapshot::of(&cell);
        let view = View::of(&cell, Some(&snapshot), &Surroundings::default(), Section::ALL, "");
        assert_eq!(view.tags.len(), cell.tags.len());
        assert_eq!(
            view.parameters["force_min"],
            cell.parameters.iter().find(|of| of.name == "force_min").map(|of| json(of.default)).unwrap()
        );
        let json = serde_json::to_value(&view).unwrap();
        assert!(!json.to_string().contains("null"), "a patch could not carry it: {json}");
        assert_eq!(serde_json::from_value::<View>(json).unwrap(), view);
    }
}
