//! Everything a cycle computes with, and nothing else: given the same inputs, the same inbox and the same start,
//! two machines go through the same states, bit for bit. Replay is this type fed from a log.
//!
//! Deliberately absent: clocks, sockets, threads, texts.

pub mod alarms;
pub mod axes;
pub mod jidoka;
pub mod job;
pub mod models;
mod routes;
mod shutdown;
pub mod tasks;
pub mod units;

use crate::keyframe::{Reader, Writer};
use alarms::Alarms;
use axes::{Axes, Wanted};
use jidoka::Jidoka;
use job::Executor;
use models::Models;
use sensai_alloc_count::excuse;
use sensai_fieldbus::Exchange;
use sensai_model::{
    Cell, Fault, FaultCode, Tag, TagKind, TagStore, Value,
    cell::{AlarmReaction, OnOverrun, SYNC_UNITS_MAX},
    packml,
    record::{InboxEntry, InboxKind},
    tag::OnFault,
};
use sensai_scripts::{Ports, Program, ProgramError, RunContext, SysFacts, ports::Request};
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
    programs: Vec<Box<dyn Program>>,
    /// How many of them the base task runs.
    base_programs: usize,
    /// Each program's state at the start of the cycle, to go back to: the task succeeds or fails as a whole.
    states_before: Vec<Box<[u8]>>,
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
    error: Option<Box<ProgramError>>,
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
    /// The operator acknowledged a fault in this cycle: drives are to be reset too.
    reset_axes: bool,
    /// Validity of the sync units in the last exchange, for the routes.
    valid_units: u32,
}

impl Machine {
    /// A cold machine in `Stop`. Slow tasks run in the cycle that wants their results, until
    /// [`Machine::run_tasks_on`].
    ///
    /// # Panics
    /// If an axis of the cell cannot be, which no checked cell has.
    pub fn new(cell: Arc<Cell>, mut programs: Vec<Box<dyn Program>>) -> Self {
        let slow_programs: usize = cell.slow_tasks.iter().map(|task| task.programs.len()).sum();
        let base_programs = programs.len().saturating_sub(slow_programs);
        let runners = job::divide(&mut programs, tasks::ranges(&cell, base_programs));
        let axes = Axes::new(&cell).unwrap_or_else(|(name, errors)| panic!("axis {name}: {errors:?}"));
        let store = TagStore::new(&cell.tags);
        let parameters = cell.parameters.iter().map(|parameter| parameter.default).collect();
        let states_before = programs.iter().map(|program| program.state().into()).collect();
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
            reset_axes: false,
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

    /// Apply one inbox entry; false if it was ignored. Commands that do not fit the mode are: the record shows both.
    pub fn apply(&mut self, entry: &InboxEntry) -> bool {
        match entry.kind {
            InboxKind::Startup if entry.argument[0] == UNCLEAN => {
                self.raise(Fault::new(FaultCode::UncleanRestart));
                true
            }
            InboxKind::Start => self.start(),
            InboxKind::Stop => self.stop(),
            InboxKind::Reset => self.reset(entry.argument[0]),
            InboxKind::Parameter => self.set_parameter(entry),
            InboxKind::Overrun if self.cell.task.on_overrun == OnOverrun::Stop && self.mode == Mode::Run => {
                self.raise(Fault::new(FaultCode::Overrun));
                true
            }
            InboxKind::TaskOverrun => {
                let stopping = self.tasks.overrun(entry.argument[0].cast_unsigned());
                if let Some(source) = stopping.filter(|_| self.mode == Mode::Run) {
                    self.raise(Fault { source, ..Fault::new(FaultCode::Overrun) });
                }
                true
            }
            InboxKind::UnitCommand => {
                let number = u8::try_from(entry.argument[1]).unwrap_or(0);
                let command = packml::Command::from_number(number).filter(|_| self.mode == Mode::Run);
                command.is_some_and(|command| {
                    self.units.command(entry.argument[0], command, entry.argument[2] == 1)
                })
            }
            InboxKind::UnitMode => {
                let number = u8::try_from(entry.argument[1]).unwrap_or(0);
                let mode = packml::Mode::from_number(number);
                mode.is_some_and(|mode| self.units.set_mode(entry.argument[0], mode))
            }
            InboxKind::Jog => self.jog(entry),
            InboxKind::Override => {
                self.axes.set_override(entry.argument[0], f64::from_bits(entry.argument[1].cast_unsigned()))
            }
            InboxKind::Acknowledge => self.alarms.acknowledge(entry.argument[0]),
            InboxKind::Shelve => self.alarms.shelve(entry.argument[0], entry.argument[1]),
            InboxKind::Verdict => {
                let [number, good, why] = entry.argument;
                let judged =
                    self.jidoka.judge(u64::try_from(number).unwrap_or(0), good == 1, why.cast_unsigned());
                if !self.jidoka.is_open() {
                    self.units.judged();
                }
                judged
            }
            InboxKind::ModelOutput => {
                self.models.output(entry.argument);
                true
            }
            InboxKind::ModelResult => {
                let [model, number, good] = entry.argument;
                self.models.result(model, number, good == 1);
                true
            }
            InboxKind::Shutdown => {
                self.shutdown.begin(self.mode == Mode::Run);
                self.stop();
                true
            }
            _ => false,
        }
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
        self.valid_units = exchange.valid;
        self.axes.read(&self.inputs, exchange.valid);
        for (place, facts) in self.ports.axes.iter_mut().zip(self.axes.facts()) {
            *place = *facts;
        }
        for (index, place) in self.ports.units.iter_mut().enumerate() {
            *place = self.units.facts(index);
        }
        self.ports.begin(time.index);
        let invalid = self.load_inputs(exchange.valid);
        self.operator_edges();
        // Behind the edges: a reset whose cause is still there must not let the programs run, not even once.
        self.supervise(exchange);
        if let Some(tag) = invalid.filter(|_| self.mode == Mode::Run) {
            self.raise(Fault { source: tag, ..Fault::new(FaultCode::InvalidInput) });
        }
        if !self.models.is_empty() {
            self.models.periodic(&mut self.store, time.index);
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
                self.committed = true;
                self.see_models();
            }
            Some(error) => {
                self.store.roll_back();
                self.ports.roll_back();
                self.raise(error.fault);
                self.error = Some(error);
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
        let mut around = Surroundings {
            store: &mut self.store,
            parameters: &self.parameters,
            ports: &mut self.ports,
            programs: &mut self.programs,
            axes: &self.axes,
            units: &self.units,
            models: &self.cell.models,
            interval_ns: self.cell.task.interval_ns,
        };
        let error = self.tasks.step(&mut around, time, running);
        self.operations = self.tasks.operations();
        if let Some(error) = error {
            self.raise(error.fault);
            if let Some(untold) = self.error.replace(error) {
                excuse(|| drop(untold));
            }
        }
    }

    /// Run the base task's programs, or, if one of them fails, none: those that ran before it get their state back.
    fn run_programs(&mut self, sys: SysFacts) -> Option<Box<ProgramError>> {
        let Self { programs, base_programs, states_before, store, parameters, operations, ports, .. } = self;
        let programs = &mut programs[..*base_programs];
        for (before, program) in states_before.iter_mut().zip(programs.iter()) {
            before.copy_from_slice(program.state());
        }
        let failed = programs.iter_mut().enumerate().find_map(|(index, program)| {
            // The interpreter tier allocates by its nature; what it takes is counted apart.
            let result = excuse(|| program.cycle(&mut RunContext { sys, tags: store, parameters, ports }));
            *operations = operations.saturating_add(program.operations());
            result.err().map(|error| (index, error))
        });
        let (index, error) = failed?;
        for (program, before) in programs[..index].iter_mut().zip(states_before) {
            // It is a state that this program had.
            let restored = excuse(|| program.restore(before));
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
                AlarmReaction::Hold(unit) => {
                    units.command(unit_argument(unit), packml::Command::Hold, false);
                }
                AlarmReaction::Stop(unit) => {
                    units.command(unit_argument(unit), packml::Command::Stop, false);
                }
                AlarmReaction::Abort(unit) => {
                    units.command(unit_argument(unit), packml::Command::Abort, false);
                }
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
        self.axes.step(self.tasks.commands(), reset, wanted, time.index, now_ns);
        let errors = || self.axes.facts().position(|facts| facts.error.is_some());
        if self.mode == Mode::Run
            && let Some(axis) = errors()
        {
            self.raise(Fault { source: axis as u16, ..Fault::new(FaultCode::Axis) });
        }
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

    /// In manual mode of a unit that names the axis.
    fn jog(&mut self, entry: &InboxEntry) -> bool {
        let [axis, velocity, cycles] = entry.argument;
        let Ok(axis) = usize::try_from(axis) else { return false };
        let manual = |(unit, state): (&sensai_model::cell::Unit, &units::UnitState)| {
            state.mode == packml::Mode::Manual && unit.jog.iter().any(|jog| usize::from(*jog) == axis)
        };
        let cycles = u64::try_from(cycles).unwrap_or(0);
        self.mode == Mode::Run
            && self.cell.units.iter().zip(self.units.states()).any(manual)
            && self.axes.jog(axis, f64::from_bits(velocity.cast_unsigned()), cycles)
    }

    fn supervise(&mut self, exchange: &Exchange) {
        let limit = self.cell.bus.lost_frames_max;
        self.lost_in_row = if exchange.lost { self.lost_in_row.saturating_add(1) } else { 0 };
        if self.lost_in_row >= limit {
            self.raise(Fault::new(FaultCode::LostFrames));
        }
        for unit in 0..self.cell.sync_units.len() {
            let valid = exchange.valid >> unit & 1 == 1;
            let count = if valid { 0 } else { self.invalid_in_row[unit].saturating_add(1) };
            self.invalid_in_row[unit] = count;
            // Without outputs a unit's loss shows in its tags' quality, and the programs decide.
            if count >= limit && !exchange.lost && self.drives_outputs(unit) {
                self.raise(Fault { source: unit as u16, ..Fault::new(FaultCode::DeviceState) });
            }
        }
    }

    fn drives_outputs(&self, unit: usize) -> bool {
        let devices = &self.cell.sync_units[unit].devices;
        devices.iter().any(|device| !self.cell.devices[usize::from(*device)].outputs.is_empty())
    }

    /// The index of the first tag that is invalid although it must not be.
    fn load_inputs(&mut self, valid: u32) -> Option<u16> {
        let mut invalid = None;
        for (index, tag) in self.cell.tags.iter().enumerate().filter(|(_, tag)| tag.kind == TagKind::Input) {
            if !self.store.load_input(tag, &self.inputs, valid) && invalid.is_none() {
                invalid = Some(index as u16);
            }
        }
        invalid
    }

    fn operator_edges(&mut self) {
        let operator = self.cell.operator;
        let [reset, stop, start] = self.operator_levels;
        // A button that is held while frames are lost has not been pressed again when they come back.
        let level = |slot: Option<u32>, last: bool| {
            slot.is_some_and(|slot| match self.store.valid(slot) {
                true => self.store.value(slot) == Value::Bool(true),
                false => last,
            })
        };
        let levels = [level(operator.reset, reset), level(operator.stop, stop), level(operator.start, start)];
        let rising = |i: usize| levels[i] && !self.operator_levels[i];
        let (reset, stop, start) = (rising(0), rising(1), rising(2));
        self.operator_levels = levels;
        if reset {
            self.reset(0);
        }
        if stop {
            self.stop();
        }
        if start {
            self.start();
        }
    }

    fn start(&mut self) -> bool {
        let fits = self.mode == Mode::Stop && !self.shutdown.has_begun();
        if fits {
            self.mode = Mode::Run;
            self.first_run = true;
            self.tasks.start();
        }
        fits
    }

    fn stop(&mut self) -> bool {
        let fits = self.mode == Mode::Run;
        if fits {
            self.mode = Mode::Stop;
            self.units.runtime_left_run(false);
        }
        fits
    }

    /// Acknowledge the fault. The counters of the supervision stay: if its cause is still there, it rises again at once.
    ///
    /// `restart`: 0 is warm; 1 (cold) also lets go of what programs retain, 2 (origin) of the parameters too. These two
    /// are possible in Stop as well.
    fn reset(&mut self, restart: i64) -> bool {
        let deep = matches!(restart, 1 | 2);
        let fits = self.mode == Mode::Fault || deep && self.mode == Mode::Stop;
        if fits {
            self.mode = Mode::Stop;
            self.fault = None;
            self.reset_axes = true;
            if restart == 2 {
                for (value, parameter) in self.parameters.iter_mut().zip(&self.cell.parameters) {
                    *value = parameter.default;
                }
            }
            if deep { self.restart_cold() } else { self.restart_warm() }
        }
        fits
    }

    /// Every program back to what `init` gave.
    fn restart_cold(&mut self) {
        for program in &mut self.programs {
            excuse(|| program.reset());
        }
    }

    /// Every program back to what `init` gave, except what its record `retain` holds.
    fn restart_warm(&mut self) {
        for (program, warm) in self.programs.iter_mut().zip(&mut self.states_before) {
            let retained = program.layout().retained();
            if let Some(range) = &retained {
                warm[range.clone()].copy_from_slice(&program.state()[range.clone()]);
            }
            // Building the script's values anew is the interpreter's own work, as running it is.
            excuse(|| program.reset());
            if let Some(range) = retained {
                warm[..range.start].copy_from_slice(&program.state()[..range.start]);
                warm[range.end..].copy_from_slice(&program.state()[range.end..]);
                // Both parts are of states that this program had.
                let restored = excuse(|| program.restore(warm));
                debug_assert!(restored.is_ok(), "{restored:?}");
            }
        }
    }

    fn set_parameter(&mut self, entry: &InboxEntry) -> bool {
        let Ok(index) = usize::try_from(entry.argument[0]) else { return false };
        let Some(parameter) = self.cell.parameters.get(index) else { return false };
        let value = Value::from_bits(parameter.scalar, entry.argument[1].cast_unsigned());
        let fits = parameter.admits(value);
        if fits {
            self.parameters[index] = value;
        }
        fits
    }

    fn raise(&mut self, fault: Fault) {
        if self.mode != Mode::Fault {
            self.mode = Mode::Fault;
            self.fault = Some(fault);
            self.units.runtime_left_run(true);
            self.tasks.give_up();
        }
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
            Some(program) => program.restore(state).map_err(|error| error.text),
            None => Err(format!("there is no program {index}")),
        }
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
    pub fn programs(&self) -> &[Box<dyn Program>] {
        &self.programs
    }

    /// The text of the last program error, once.
    pub fn take_error(&mut self) -> Option<Box<ProgramError>> {
        self.error.take()
    }

    /// Bytes of [`Machine::save`]: all of them, and how many of them, from the front, are hashed.
    pub fn state_len(&self) -> (usize, usize) {
        let mut writer = Writer::measure();
        self.write_effects(&mut writer);
        let hashed = writer.len();
        self.write_held(&mut writer);
        (writer.len(), hashed)
    }

    /// Write the whole state that later cycles depend on into `buffer`, which must be as long as
    /// [`Machine::state_len`] says. These bytes are the keyframes.
    ///
    /// The first part is hashed into every record: what the machine has made of its inputs. The rest is the inputs
    /// themselves, as they would be held: an input bit that nothing reads must not make two runs look different.
    pub fn save(&self, buffer: &mut [u8]) {
        let mut writer = Writer::into(buffer);
        self.write_effects(&mut writer);
        self.write_held(&mut writer);
    }

    /// The first part of [`Machine::save`] alone: what is hashed into every record. `buffer` is as long as that.
    pub fn save_effects(&self, buffer: &mut [u8]) {
        self.write_effects(&mut Writer::into(buffer));
    }

    /// Names and lengths of the parts of a saved state, in order.
    pub fn state_parts(&self) -> Vec<(String, usize)> {
        let (len, hashed) = self.state_len();
        let programs: usize = self.programs.iter().map(|program| program.state().len()).sum();
        let outputs = self.outputs.len();
        let mut parts = vec![("machine".into(), hashed - programs - outputs), ("outputs".into(), outputs)];
        parts.extend(
            self.programs
                .iter()
                .map(|program| (format!("program:{}", program.name()), program.state().len())),
        );
        let releases = self.cell.slow_tasks.iter().zip(self.tasks.snapshot_lens());
        let held = len - hashed - self.tasks.snapshot_lens().sum::<usize>();
        parts.push(("held inputs".into(), held));
        parts.extend(releases.map(|(task, len)| (format!("release:{}", task.name), len)));
        parts
    }

    fn write_effects(&self, out: &mut Writer<'_>) {
        out.bytes(&[self.mode as u8, self.shutdown.byte(), u8::from(self.first_run)]);
        out.bytes(&self.operator_levels.map(u8::from));
        let fault = self.fault.map_or([0; 5], |fault| {
            [1, u64::from(fault.code.id()), fault.source.into(), fault.line.into(), fault.column.into()]
        });
        for number in fault {
            out.u64(number);
        }
        out.u64(self.lost_in_row.into());
        for count in &self.invalid_in_row[..self.cell.sync_units.len()] {
            out.u64((*count).into());
        }
        for value in &self.parameters {
            out.u64(value.to_bits());
        }
        for slot in self.slots(false) {
            out.u64(self.store.committed(slot).to_bits());
        }
        out.bytes(&[u8::from(self.reset_axes)]);
        for seen in &self.ports.seen {
            out.u64(seen.cast_unsigned());
        }
        self.axes.save(out);
        self.units.save(out);
        self.alarms.save(out);
        self.jidoka.save(out);
        self.models.save(out);
        self.shutdown.save(out);
        self.tasks.save(out);
        out.bytes(&self.outputs);
        for program in &self.programs {
            out.bytes(program.state());
        }
    }

    fn write_held(&self, out: &mut Writer<'_>) {
        out.bytes(&self.inputs);
        for slot in self.slots(true) {
            out.u64(self.store.committed(slot).to_bits());
            out.bytes(&[u8::from(self.store.valid(slot))]);
        }
        self.tasks.save_snapshots(out);
    }

    /// Slots of all input tags, or of all others.
    fn slots(&self, inputs: bool) -> impl Iterator<Item = u32> {
        let tags = self.cell.tags.iter().filter(move |tag| (tag.kind == TagKind::Input) == inputs);
        tags.flat_map(|tag| tag.slot..tag.slot + tag.len())
    }

    /// Take over a state that [`Machine::save`] wrote for the same cell.
    ///
    /// # Errors
    /// If the bytes are too few, too many, or hold a value that cannot be.
    pub fn load(&mut self, state: &[u8]) -> Result<(), KeyframeError> {
        let mut from = Reader::new(state);
        let [mode, shutdown, first_run] = from.array::<3>()?;
        self.mode = Mode::from_number(mode);
        self.shutdown.set_byte(shutdown);
        self.first_run = first_run != 0;
        self.operator_levels = from.array::<3>()?.map(|level| level != 0);
        let [present, code, source, line, column] =
            [from.u64()?, from.u64()?, from.u64()?, from.u64()?, from.u64()?];
        self.fault = match present {
            0 => None,
            _ => Some(Fault {
                code: FaultCode::from_id(code as u16).ok_or(KeyframeError::UnknownFault(code as u16))?,
                source: source as u16,
                line: line as u32,
                column: column as u16,
            }),
        };
        self.lost_in_row = from.u64()? as u32;
        for unit in 0..self.cell.sync_units.len() {
            self.invalid_in_row[unit] = from.u64()? as u32;
        }
        for (value, parameter) in self.parameters.iter_mut().zip(&self.cell.parameters) {
            *value = Value::from_bits(parameter.scalar, from.u64()?);
        }
        let (others, held): (Vec<u32>, Vec<u32>) = (self.slots(false).collect(), self.slots(true).collect());
        for slot in others {
            let value = Value::from_bits(self.store.value(slot).scalar_type(), from.u64()?);
            self.store.restore(slot, value, true);
        }
        let [reset_axes] = from.array::<1>()?;
        self.reset_axes = reset_axes != 0;
        for seen in &mut self.ports.seen {
            *seen = from.u64()?.cast_signed();
        }
        self.axes.load(&mut from)?;
        self.units.load(&mut from)?;
        self.alarms.load(&mut from)?;
        self.jidoka.load(&mut from)?;
        self.models.load(&mut from)?;
        self.shutdown.load(&mut from)?;
        self.tasks.load(&mut from, self.cell.task.interval_ns)?;
        from.fill(&mut self.outputs)?;
        for program in &mut self.programs {
            let state = from.take(program.state().len())?;
            program.restore(state).map_err(|error| KeyframeError::Program(error.text))?;
        }
        from.fill(&mut self.inputs)?;
        for slot in held {
            let value = Value::from_bits(self.store.value(slot).scalar_type(), from.u64()?);
            let [valid] = from.array::<1>()?;
            self.store.restore(slot, value, valid != 0);
        }
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
        self.tasks.load_snapshots(&mut from, &around)?;
        from.end()
    }
}

/// A unit as commands name it: `u16::MAX` stands for all, which is -1 there.
fn unit_argument(unit: u16) -> i64 {
    if unit == u16::MAX { -1 } else { i64::from(unit) }
}

/// Encode every element of an output tag; the number that had to be saturated.
fn encode_output(tag: &Tag, image: &mut [u8], value: impl Fn(u32) -> Value) -> u16 {
    let mut saturated = 0;
    for (i, field) in tag.fields.iter().enumerate() {
        saturated = u16::saturating_add(saturated, tag.encode(field, value(i as u32), image).into());
    }
    saturated
}

/// Why a keyframe does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KeyframeError {
    /// Length differs.
    #[error("the state is {actual} bytes long, at least {expected} were expected")]
    Short {
        /// Bytes needed so far.
        expected: usize,
        /// Bytes there.
        actual: usize,
    },
    /// Something is left over.
    #[error("{0} bytes are left over behind the state")]
    Long(usize),
    /// A fault id of another version.
    #[error("fault id {0} is unknown to this version")]
    UnknownFault(u16),
    /// A program refused its part.
    #[error("{0}")]
    Program(String),
    /// A number that stands for nothing.
    #[error("{1} is no {0}")]
    Number(&'static str, u64),
    /// An axis refused its part.
    #[error("axis {axis}: word {word} of its state holds a value that no axis has")]
    Axis {
        /// Index of the axis.
        axis: usize,
        /// Index of the word.
        word: usize,
    },
}

#[cfg(test)]
mod tests;
