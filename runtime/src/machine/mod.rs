//! Everything a cycle computes with, and nothing else: given the same inputs, the same inbox and the same start,
//! two machines go through the same states, bit for bit. Replay is this type fed from a log.
//!
//! Deliberately absent: clocks, sockets, threads, texts.

pub mod alarms;
mod apply;
pub mod axes;
pub mod forces;
pub mod jidoka;
pub mod job;
mod loaded;
pub mod models;
pub mod reload;
mod room;
mod routes;
mod save;
mod shutdown;
mod stand;
mod supervise;
pub mod tasks;
pub mod units;

pub use loaded::Loaded;
pub use save::KeyframeError;

use alarms::Alarms;
use axes::{Axes, Wanted};
use forces::Forces;
use jidoka::Jidoka;
use job::Executor;
use models::Models;
use reload::Reloads;
use room::Room;
use sensai_alloc_count::excuse;
use sensai_fieldbus::Exchange;
use sensai_model::{
    Cell, Fault, FaultCode, Tag, TagKind, TagStore, Value,
    cell::{AlarmReaction, SYNC_UNITS_MAX},
    packml,
    tag::OnFault,
};
use sensai_scripts::{Ports, ProgramError, RunContext, SysFacts, ports::Request};
use shutdown::Shutdown;
use std::sync::Arc;
use tasks::{Surroundings, TaskFacts, Tasks};
use units::Units;

/// The runtime's own state machine. `Config` is before the first cycle and has no value here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Bus cycles, programs do not run, outputs at their fault values. A start edge leaves it.
    Stop = 0,
    /// Programs run.
    Run = 1,
    /// As `Stop`, with a latched fault: a reset edge leads to `Stop`.
    Fault = 2,
}

impl Mode {
    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Run => "run",
            Self::Fault => "fault",
        }
    }

    /// The mode with this number; `Fault` for one that does not exist.
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Stop,
            1 => Self::Run,
            _ => Self::Fault,
        }
    }
}

/// Which cycle this is, and how far it is from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleTime {
    /// Cycle index; strictly increasing, also over restarts that go on with the same log.
    pub index: u64,
    /// Targets passed over since the last cycle.
    pub skipped: u64,
    /// The first cycle of this start.
    pub first: bool,
}

/// Argument of a `Startup` entry after a run that did not end in an orderly way.
pub const UNCLEAN: i64 = 2;

/// The state of the cell between two cycles.
pub struct Machine {
    cell: Arc<Cell>,
    /// By global index: the base task's, then the committed states of the slow tasks'.
    programs: Vec<Loaded>,
    /// How many of them the base task runs.
    base_programs: usize,
    /// Each program's state at the start of the cycle, to go back to: the task succeeds or fails as a whole.
    states_before: Vec<Room>,
    store: TagStore,
    parameters: Box<[Value]>,
    inputs: Box<[u8]>,
    outputs: Box<[u8]>,
    mode: Mode,
    /// First-out: the fault that led to `Mode::Fault`, kept until reset.
    fault: Option<Fault>,
    lost_in_row: u32,
    invalid_in_row: [u32; SYNC_UNITS_MAX],
    /// Last levels of the operator's tags: reset, stop, start.
    operator_levels: [bool; 3],
    shutdown: Shutdown,
    /// The next run of the programs is the first one since Stop.
    first_run: bool,
    /// Output elements that had to be saturated on their way to the wire, in this cycle.
    saturated: u16,
    /// Text of the last program error, until somebody takes it.
    error: Option<ProgramError>,
    operations: u64,
    /// The programs ran in this cycle, and their writes took effect.
    committed: bool,
    /// What the base task's programs reach beside tags.
    ports: Ports,
    tasks: Tasks,
    axes: Axes,
    units: Units,
    alarms: Alarms,
    jidoka: Jidoka,
    models: Models,
    /// What people have put in the place of what the wire or a program says.
    forces: Forces,
    /// The operator acknowledged a fault in this cycle: drives are to be reset too.
    reset_axes: bool,
    reloads: Reloads,
    /// Validity of the sync units in the last exchange, for the routes.
    valid_units: u32,
}

impl Machine {
    /// A cold machine in `Stop`. Slow tasks run in the cycle that wants their results, until
    /// [`Machine::run_tasks_on`].
    ///
    /// # Panics
    /// If an axis of the cell cannot be, which no checked cell has.
    pub fn new(cell: Arc<Cell>, mut programs: Vec<Loaded>) -> Self {
        let slow_programs: usize = cell.slow_tasks.iter().map(|task| task.programs.len()).sum();
        let base_programs = programs.len().saturating_sub(slow_programs);
        let runners = job::divide(&mut programs, tasks::ranges(&cell, base_programs));
        let axes = Axes::new(&cell).unwrap_or_else(|(name, errors)| panic!("axis {name}: {errors:?}"));
        let store = TagStore::new(&cell.tags);
        let parameters = cell.parameters.iter().map(|parameter| parameter.default).collect();
        let states_before = programs.iter().map(|program| Room::of(program.state())).collect();
        let mut machine = Self {
            states_before,
            store,
            parameters,
            inputs: vec![0; cell.image.inputs].into_boxed_slice(),
            outputs: vec![0; cell.image.outputs].into_boxed_slice(),
            mode: Mode::Stop,
            fault: None,
            lost_in_row: 0,
            invalid_in_row: [0; SYNC_UNITS_MAX],
            operator_levels: [true; 3],
            shutdown: Shutdown::new(&cell),
            first_run: true,
            saturated: 0,
            error: None,
            operations: 0,
            committed: false,
            ports: Ports::new(cell.axes.len(), cell.programs().count(), cell.models.len()),
            tasks: Tasks::new(&cell, &programs, base_programs, runners, &axes),
            axes,
            units: Units::new(&cell.units, cell.programs().count()),
            alarms: Alarms::new(&cell.alarms, cell.task.interval_ns),
            jidoka: Jidoka::new(&cell),
            models: Models::new(&cell),
            forces: Forces::new(&cell),
            reset_axes: false,
            reloads: Reloads::new(cell.tasks().count(), slow_programs),
            valid_units: 0,
            programs,
            base_programs,
            cell,
        };
        // Before the first exchange no output was ever committed: `hold` starts from the initial value.
        for tag in &machine.cell.tags {
            if tag.kind == TagKind::Output {
                encode_output(tag, &mut machine.outputs, |_| tag.initial);
            }
        }
        machine.stage();
        machine
    }

    /// The images the exchange works on: outputs to send, inputs to fill.
    pub fn images(&mut self) -> (&[u8], &mut [u8]) {
        (&self.outputs, &mut self.inputs)
    }

    /// Run the slow tasks' jobs somewhere else from now on. For set-up.
    pub fn run_tasks_on(&mut self, executor: Box<dyn Executor>) {
        self.tasks.run_on(executor);
    }

    /// Slow tasks that this cycle releases, and whose last run is not done: a bit for each, by the index of the task. A
    /// question of time: its answer is a verdict that comes back through the inbox.
    pub fn unfinished_tasks(&mut self, time: CycleTime) -> u64 {
        self.tasks.unfinished(time)
    }

    /// Inputs to tags, supervision, the operator's edges, release edges of slow tasks, then the programs: the base task's
    /// one run.
    pub fn run_task(&mut self, exchange: &Exchange, time: CycleTime) {
        self.operations = 0;
        self.committed = false;
        self.tasks.begin();
        self.reloads.begin();
        self.valid_units = exchange.valid;
        self.axes.read(&self.inputs, exchange.valid);
        for (place, facts) in self.ports.axes.iter_mut().zip(self.axes.facts()) {
            *place = *facts;
        }
        self.units.begin();
        for (index, place) in self.ports.units.iter_mut().enumerate() {
            *place = self.units.facts(index);
        }
        self.ports.begin(time.index);
        self.forces.lift(&mut self.store);
        let invalid = self.load_inputs(exchange.valid);
        self.forces.press(&mut self.store);
        self.operator_edges();
        // Behind the edges: a reset whose cause is still there must not let the programs run, not even once.
        self.supervise(exchange);
        if let Some(tag) = invalid.filter(|_| self.mode == Mode::Run) {
            self.raise(Fault { source: tag, ..Fault::new(FaultCode::InvalidInput) });
        }
        if let Some(source) = self.alarms.faulting().filter(|_| self.mode == Mode::Run) {
            self.raise(Fault { source, ..Fault::new(FaultCode::Alarm) });
        }
        if !self.models.is_empty() {
            self.models.periodic(&mut self.store, time.index, time.skipped);
        }
        self.step_tasks(time);
        if self.mode != Mode::Run {
            return;
        }
        let interval = self.cell.task.interval_ns.cast_signed();
        let intervals = i64::try_from(time.skipped).unwrap_or(i64::MAX).saturating_add(1);
        let sys = SysFacts {
            cycle: time.index,
            time_ns: self.time_ns(time.index),
            dt_ns: interval.saturating_mul(intervals),
            first_cycle: std::mem::take(&mut self.first_run),
        };
        match self.run_programs(sys) {
            None => {
                self.store.commit();
                self.forces.keep(&mut self.store);
                self.committed = true;
                self.see_models();
                self.reloads.ran(0);
            }
            Some(error) => {
                self.store.roll_back();
                self.ports.roll_back();
                if self.reloads.covers(0) {
                    // The old programs begin where this run should have.
                    self.first_run = sys.first_cycle;
                    self.reloads.fail(0, error.fault);
                } else {
                    self.raise(error.fault);
                }
                self.tell(error);
            }
        }
    }

    /// Every program of the base task has now seen the models' present results. What slow tasks have seen comes with their
    /// own results.
    fn see_models(&mut self) {
        let models = &self.cell.models;
        let rows = self.ports.seen.chunks_exact_mut(models.len().max(1)).take(self.base_programs);
        for row in rows {
            for (seen, model) in row.iter_mut().zip(models) {
                if let Value::I64(sequence) = self.store.committed(model.slot + 4) {
                    *seen = sequence;
                }
            }
        }
    }

    /// Take in what slow tasks have to give in this cycle, and release them anew.
    fn step_tasks(&mut self, time: CycleTime) {
        let running = self.mode == Mode::Run;
        let failed = {
            let (tasks, mut around, reloads) = self.slow();
            tasks.collect(&mut around, reloads, time)
        };
        self.forces.keep(&mut self.store);
        self.swap();
        if running && failed.error.is_none() {
            let (tasks, mut around, _) = self.slow();
            tasks.release(&mut around, time);
        }
        self.operations = self.tasks.operations();
        if let Some(error) = &failed.error {
            self.raise(error.fault);
        }
        [failed.error, failed.undone].into_iter().flatten().for_each(|error| self.tell(error));
    }

    /// The slow tasks, and what they work on.
    fn slow(&mut self) -> (&mut Tasks, Surroundings<'_>, &mut Reloads) {
        let around = Surroundings {
            store: &mut self.store,
            parameters: &self.parameters,
            ports: &mut self.ports,
            programs: &mut self.programs,
            axes: &self.axes,
            units: &self.units,
            models: &self.cell.models,
            interval_ns: self.cell.task.interval_ns,
        };
        (&mut self.tasks, around, &mut self.reloads)
    }

    /// Keep an error for whoever shows it; an older one that nobody fetched is lost.
    fn tell(&mut self, error: ProgramError) {
        if let Some(untold) = self.error.replace(error) {
            excuse(|| drop(untold));
        }
    }

    /// Run the base task's programs, or, if one of them fails, none: those that ran before it get their state back.
    fn run_programs(&mut self, sys: SysFacts) -> Option<ProgramError> {
        let Self { programs, base_programs, states_before, store, parameters, operations, ports, .. } = self;
        let programs = &mut programs[..*base_programs];
        for (before, program) in states_before.iter_mut().zip(programs.iter()) {
            before.put(program.state());
        }
        let failed = programs.iter_mut().enumerate().find_map(|(index, program)| {
            let context = &mut RunContext { sys, tags: store, parameters, ports };
            let result = job::cycle(&mut **program, context);
            *operations = operations.saturating_add(program.operations());
            result.err().map(|error| (index, error))
        });
        let (index, error) = failed?;
        for (program, before) in programs[..index].iter_mut().zip(states_before) {
            // It is a state that this program had.
            let restored = job::restore(&mut **program, before);
            debug_assert!(restored.is_ok(), "{restored:?}");
        }
        Some(error)
    }

    /// Behind the programs, in every mode: alarms, jidoka, units, then the axes.
    pub fn step_axes(&mut self, time: CycleTime) {
        self.tasks.close(&self.ports);
        let (tasks, running, cycles) = (&self.tasks, self.mode == Mode::Run, time.skipped.saturating_add(1));
        let raised = |wanted: Request| tasks.requests().iter().any(|requested| requested.request == wanted);
        let (units, mut fault) = (&mut self.units, None);
        self.alarms.step(
            &self.store,
            |index| raised(Request::Alarm(index as u16)) || running && tasks.holds_alarm(index),
            time.index,
            cycles,
            |index, reaction| match reaction {
                AlarmReaction::None => {}
                AlarmReaction::Hold(unit) => units.react(unit, packml::Command::Hold),
                AlarmReaction::Stop(unit) => units.react(unit, packml::Command::Stop),
                AlarmReaction::Abort(unit) => units.react(unit, packml::Command::Abort),
                AlarmReaction::Fault => fault = fault.or(Some(index as u16)),
            },
        );
        self.jidoka.step(
            &self.store,
            |index| raised(Request::Jidoka(index as u16)),
            time.index,
            |unit| units.hold_for_verdict(unit),
        );
        self.units.step(self.tasks.requests(), self.committed);
        if let Some(source) = fault.filter(|_| self.mode == Mode::Run) {
            self.raise(Fault { source, ..Fault::new(FaultCode::Alarm) });
        }
        self.shutdown.step(cycles, self.axes.at_rest(), self.axes.unpowered());
        let wanted = match self.mode {
            _ if !self.shutdown.allows_power() => Wanted::PowerOff,
            Mode::Run => Wanted::Run,
            _ => Wanted::Stop,
        };
        let reset = std::mem::take(&mut self.reset_axes);
        let now_ns = u64::try_from(self.time_ns(time.index)).unwrap_or(0);
        let (units, states) = (&self.cell.units, self.units.states());
        self.axes.limit_jogs(|axis| apply::may_jog(units, states, axis));
        self.axes.step(self.tasks.commands(), reset, wanted, time.index, now_ns);
        self.supervise_axes();
    }

    /// Committed values, or fault values, into the output image that the next exchange sends.
    pub fn stage(&mut self) {
        self.saturated = 0;
        let running = self.mode == Mode::Run || self.mode == Mode::Stop && self.shutdown.holds_outputs();
        for tag in self.cell.tags.iter().filter(|tag| tag.kind == TagKind::Output) {
            let saturated = match (running, tag.on_fault) {
                (true, _) => {
                    let store = &self.store;
                    encode_output(tag, &mut self.outputs, |i| store.committed(tag.slot + i))
                }
                (false, OnFault::Value(value)) => encode_output(tag, &mut self.outputs, |_| value),
                (false, OnFault::Hold) => 0,
            };
            self.saturated = self.saturated.saturating_add(saturated);
        }
        if running {
            self.forces.stage(&self.cell.tags, &mut self.outputs);
        }
        self.axes.stage(&mut self.outputs);
        routes::copy(&self.cell.routes, self.valid_units, &self.inputs, &mut self.outputs);
    }

    /// Behind everything that is staged: the models that programs asked for in this cycle.
    pub fn requested_models(&mut self, time: CycleTime) {
        if self.models.is_empty() {
            return;
        }
        let tasks = &self.tasks;
        let asked = |index: usize| {
            let wanted = Request::Model(index as u16);
            tasks.requests().iter().any(|requested| requested.request == wanted)
        };
        self.models.requested(&self.store, asked, time.index);
    }

    /// The models, for an engine that runs beside.
    pub fn models_mut(&mut self) -> &mut Models {
        &mut self.models
    }

    /// The axes.
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// The PackML units.
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// The alarms.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// The jidoka events.
    pub fn jidoka(&self) -> &Jidoka {
        &self.jidoka
    }

    /// A parameter's value from an earlier run; the caller has asked whether it admits it.
    pub fn restore_parameter(&mut self, index: usize, value: Value) {
        if let Some(place) = self.parameters.get_mut(index) {
            *place = value;
        }
    }

    /// A program's state (index as in [`Machine::programs`]), such as one with values from an earlier run.
    ///
    /// # Errors
    /// If the state does not fit its layout, as text.
    pub fn restore_program(&mut self, index: usize, state: &[u8]) -> Result<(), String> {
        match self.programs.get_mut(index) {
            Some(program) => program.restore(state).map_err(|error| error.text.to_string()),
            None => Err(format!("there is no program {index}")),
        }
    }

    /// What is forced.
    pub fn forces(&self) -> &Forces {
        &self.forces
    }

    /// The parameters, in the cell's order.
    pub fn parameters(&self) -> &[Value] {
        &self.parameters
    }

    /// The cell it runs.
    pub fn cell(&self) -> &Arc<Cell> {
        &self.cell
    }

    /// Nominal time of a cycle, ns.
    pub fn time_ns(&self, index: u64) -> i64 {
        self.cell.task.interval_ns.cast_signed().saturating_mul(index.cast_signed())
    }

    /// The runtime's state.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The latched fault.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The tag values after the last cycle.
    pub fn store(&self) -> &TagStore {
        &self.store
    }

    /// Raw inputs as the last exchange left them.
    pub fn inputs(&self) -> &[u8] {
        &self.inputs
    }

    /// Raw outputs as staged for the next exchange.
    pub fn outputs(&self) -> &[u8] {
        &self.outputs
    }

    /// Raw inputs, for a bus that is a log.
    pub fn inputs_mut(&mut self) -> &mut [u8] {
        &mut self.inputs
    }

    /// A shutdown was asked for.
    pub fn shutting_down(&self) -> bool {
        self.shutdown.has_begun()
    }

    /// The axes are at rest and without power, or their time is over; outputs are at their fault values.
    pub fn shutdown_done(&self) -> bool {
        self.shutdown.is_done()
    }

    /// The slow tasks as of cycle `index`, by the cell's order.
    pub fn task_facts(&self, index: u64) -> impl Iterator<Item = TaskFacts> {
        self.tasks.facts(index)
    }

    /// Output elements saturated while staging this cycle.
    pub fn saturated(&self) -> u16 {
        self.saturated
    }

    /// Work units the programs used in this cycle.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// The programs ran in this cycle, and their writes took effect.
    pub fn committed(&self) -> bool {
        self.committed
    }

    /// The programs, in calling order.
    pub fn programs(&self) -> &[Loaded] {
        &self.programs
    }

    /// The text of the last program error, once.
    pub fn take_error(&mut self) -> Option<ProgramError> {
        self.error.take()
    }
}

/// Encode every element of an output tag; the number that had to be saturated.
fn encode_output(tag: &Tag, image: &mut [u8], value: impl Fn(u32) -> Value) -> u16 {
    let mut saturated = 0;
    for (i, field) in tag.fields.iter().enumerate() {
        saturated = u16::saturating_add(saturated, tag.encode(field, value(i as u32), image).into());
    }
    saturated
}

#[cfg(test)]
mod tests;
