//! The test stand: the machine of a cell with one of its programs, in virtual time, with a person's hand on everything
//! around it.
//!
//! It is the [`Machine`] that runs a cell, so units, axes, alarms, jidoka, faults and restarts are the real ones. What
//! differs is what surrounds it: inputs keep the values that the test gave them, drives are ideal, models answer when
//! they are told to, and all other programs do nothing.

use super::{changes::Changes, drive::Drive, idle::Idle};
use crate::{
    inbox::entry,
    machine::{CycleTime, Loaded, Machine, Mode},
    programs::{self, Tier},
};
use sensai_fieldbus::Exchange;
use sensai_model::{
    BitField, Cell, Fault, FaultCode, Tag, TagKind, Value,
    cell::{Axis, DriveEntries, Homing, Model, ModelEngine, ModelTrigger, Task},
    packml,
    record::{InboxKind, InboxSource},
    tag::OnInvalid,
};
use std::{collections::BTreeSet, sync::Arc};

/// A fault that took the machine out of Run.
#[derive(Clone, Debug)]
pub struct SeenFault {
    /// What the record would show.
    pub fault: Fault,
    /// What the program's tier says about it.
    pub text: Option<String>,
    /// Cycle in which it came.
    pub cycle: u64,
    /// The test asked for it.
    pub expected: bool,
}

/// See the module.
pub struct Stand {
    machine: Machine,
    /// The cell as it is configured: bindings of tags are gone in the machine's.
    cell: Arc<Cell>,
    /// Global index of the program under test.
    program: usize,
    /// Index of the next cycle.
    cycle: u64,
    drives: Vec<Drive>,
    /// Invalid inputs whose tag says that this is a fault, by index of the tag.
    faulting: BTreeSet<usize>,
    fault: Option<SeenFault>,
    changes: Changes,
}

impl Stand {
    /// The stand of one program (global index), before its first cycle. The caller has checked the cell.
    ///
    /// # Errors
    /// If the program does not compile, as text.
    pub fn new(cell: &Arc<Cell>, program: usize, tier: Option<Tier>) -> anyhow::Result<Self> {
        let stand_cell = Arc::new(cell_of_stand(cell, program));
        let sources = &stand_cell.task.programs;
        let tier = tier.unwrap_or_else(|| stand_cell.task.tier.into());
        let mut programs: Vec<Loaded> = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            programs.push(if index == program {
                programs::compile_one(&stand_cell, &stand_cell.task, index, source, tier)?
            } else {
                Loaded::Here(Box::new(Idle::new(&source.name)))
            });
        }
        let drive = |axis: &Axis| Drive::new(axis.entries, axis.mode, counts(axis, 0.0));
        let drives = stand_cell.axes.iter().map(drive).collect();
        let mut machine = Machine::new(Arc::clone(&stand_cell), programs);
        for tag in stand_cell.tags.iter().filter(|tag| tag.kind == TagKind::Input) {
            for slot in tag.slot..tag.slot + tag.len() {
                machine.store_mut().restore(slot, tag.initial, true);
            }
        }
        machine.apply(&entry(InboxKind::Start, InboxSource::RUNTIME, [0; 3]));
        let mut stand = Self {
            changes: Changes::default(),
            machine,
            cell: Arc::clone(cell),
            program,
            cycle: 0,
            drives,
            faulting: BTreeSet::new(),
            fault: None,
        };
        stand.changes.look(&stand.machine, stand.program, 0.0);
        Ok(stand)
    }

    /// The machine, to look at.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The cell as it is configured.
    pub fn cell(&self) -> &Cell {
        &self.cell
    }

    /// The program under test, by global index.
    pub fn program(&self) -> usize {
        self.program
    }

    /// Cycles so far.
    pub fn cycles(&self) -> u64 {
        self.cycle
    }

    /// Interval of the program's task, ns.
    pub fn interval_ns(&self) -> u64 {
        self.machine.cell().task.interval_ns
    }

    /// Virtual time so far, s.
    pub fn seconds(&self) -> f64 {
        self.machine.time_ns(self.cycle) as f64 / 1e9
    }

    /// The fault that the machine is in, or the last one that nobody has asked for.
    pub fn fault(&self) -> Option<&SeenFault> {
        self.fault.as_ref()
    }

    /// The test has asked for the fault.
    pub fn expect_fault(&mut self) {
        if let Some(fault) = &mut self.fault {
            fault.expected = true;
        }
    }

    /// What changed last.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// One cycle of the program's task.
    pub fn run_cycle(&mut self) {
        let interval_ns = self.interval_ns();
        let (outputs, inputs) = self.machine.images();
        for drive in &mut self.drives {
            drive.step(outputs, inputs, interval_ns);
        }
        if self.machine.mode() == Mode::Run
            && let Some(tag) = self.faulting.first()
        {
            self.machine.raise_fault(Fault { source: *tag as u16, ..Fault::new(FaultCode::InvalidInput) });
        }
        let exchange = Exchange { valid: u32::MAX, lost: false, ..Exchange::NONE };
        let time = CycleTime { index: self.cycle, skipped: 0, first: self.cycle == 0 };
        self.machine.run_task(&exchange, time);
        self.machine.step_axes(time);
        self.machine.stage();
        self.machine.requested_models(time);
        self.note_fault();
        self.cycle += 1;
        self.changes.look(&self.machine, self.program, self.seconds());
    }

    fn note_fault(&mut self) {
        let text = self.machine.take_error().map(|error| error.text.to_string());
        let latched = self.machine.fault();
        if let Some(fault) = latched.filter(|_| self.fault.is_none()) {
            self.fault = Some(SeenFault { fault, text, cycle: self.cycle, expected: false });
        }
    }

    /// An operator's reset, then a start. The fault that was there, if it was one.
    pub fn reset(&mut self, cold: bool) -> Option<SeenFault> {
        if cold && self.machine.mode() == Mode::Run {
            self.machine.apply(&entry(InboxKind::Stop, InboxSource::OPERATOR, [0; 3]));
        }
        self.machine.apply(&entry(InboxKind::Reset, InboxSource::OPERATOR, [cold.into(), 0, 0]));
        self.machine.apply(&entry(InboxKind::Start, InboxSource::OPERATOR, [0; 3]));
        self.fault.take()
    }

    /// Give elements of an input or memory tag (index in the cell) these values; an input is valid again.
    pub fn put(&mut self, tag: usize, first: u32, values: &[Value]) {
        let Some(of) = self.machine.cell().tags.get(tag).cloned() else { return };
        self.faulting.remove(&tag);
        for (element, value) in (first..).zip(values) {
            match of.fields.get(element as usize) {
                // Limit switches of a drive, which the axis reads out of the image.
                Some(field) => {
                    of.encode(field, *value, self.machine.inputs_mut());
                }
                None => self.machine.store_mut().restore(of.slot + element, *value, true),
            }
        }
    }

    /// Say of an input whether it is valid. Invalid ones show what their tag says.
    pub fn put_quality(&mut self, tag: usize, valid: bool) {
        let Some(of) = self.machine.cell().tags.get(tag) else { return };
        let (slots, on_invalid) = (of.slot..of.slot + of.len(), of.on_invalid);
        self.faulting.remove(&tag);
        let store = self.machine.store_mut();
        for slot in slots {
            let value = match on_invalid {
                OnInvalid::Value(value) if !valid => value,
                _ => store.value(slot),
            };
            store.restore(slot, value, valid);
        }
        if !valid && on_invalid == OnInvalid::Fault {
            self.faulting.insert(tag);
        }
    }

    /// A parameter's value, which the caller has asked whether it admits it.
    pub fn put_parameter(&mut self, index: usize, value: Value) {
        self.machine.restore_parameter(index, value);
    }

    /// The program's state.
    ///
    /// # Errors
    /// If the program cannot have it, as text.
    pub fn put_state(&mut self, state: &[u8]) -> Result<(), String> {
        self.machine.restore_program(self.program, state)
    }

    /// The unit of the program under test, by index.
    pub fn unit(&self) -> Option<usize> {
        self.cell
            .units
            .iter()
            .position(|unit| unit.programs.iter().any(|of| usize::from(*of) == self.program))
    }

    /// Put the program's unit into a mode and a state.
    pub fn place_unit(&mut self, mode: Option<packml::Mode>, state: Option<packml::State>) {
        if let Some(unit) = self.unit() {
            self.machine.place_unit(unit, mode, state);
        }
    }

    /// An operator's command to the program's unit; false if it does not fit.
    pub fn command_unit(&mut self, command: packml::Command) -> bool {
        let Some(unit) = self.unit() else { return false };
        let argument = [unit as i64, i64::from(command as u8), 0];
        self.machine.apply(&entry(InboxKind::UnitCommand, InboxSource::OPERATOR, argument))
    }

    /// A result of a model that no engine has made.
    pub fn answer(&mut self, model: usize, score: f64, outputs: &[f32]) {
        self.machine.answer_model(model, score, outputs, self.cycle);
    }

    /// The run of a model ends without a result; false if there is none.
    pub fn miss(&mut self, model: usize) -> bool {
        self.machine.miss_model(model)
    }

    /// Turn the shaft of an axis to where the axis is at `position`.
    pub fn turn(&mut self, axis: usize, position: f64) {
        let (Some(of), Some(drive)) = (self.cell.axes.get(axis), self.drives.get_mut(axis)) else { return };
        match self.machine.axes().facts().nth(axis).filter(|_| self.cycle > 0) {
            Some(facts) => {
                drive.turn(((position - facts.position) * of.counts_per_unit).round_ties_even() as i64);
            }
            // The axis has not read its drive yet.
            None => drive.stand_at(counts(of, position)),
        }
    }

    /// The drive of an axis finds something wrong.
    pub fn trip(&mut self, axis: usize, error_code: u16) {
        if let Some(drive) = self.drives.get_mut(axis) {
            drive.trip(error_code);
        }
    }

    /// The shaft of an axis does not turn, or does again.
    pub fn jam(&mut self, axis: usize, jammed: bool) {
        if let Some(drive) = self.drives.get_mut(axis) {
            drive.jammed = jammed;
        }
    }

    /// The axis whose drive shows what this input is bound to.
    pub fn axis_behind(&self, tag: &Tag) -> Option<usize> {
        let shows = |entries: &DriveEntries| {
            tag.fields.iter().any(|field| shown(entries).any(|of| of.overlaps(field)))
        };
        self.cell.axes.iter().position(|axis| tag.kind == TagKind::Input && shows(&axis.entries))
    }
}

/// What the drive of an axis shows at this position, before a homing that moves its zero.
fn counts(axis: &Axis, position: f64) -> i64 {
    let offset = if let Homing::Absolute { offset } = axis.homing { offset } else { 0.0 };
    ((position - offset) * axis.counts_per_unit).round_ties_even() as i64
}

/// What an ideal drive writes.
fn shown(entries: &DriveEntries) -> impl Iterator<Item = BitField> {
    let optional = [entries.velocity_actual, entries.torque_actual, entries.mode_display, entries.error_code];
    [entries.statusword, entries.position_actual].into_iter().chain(optional.into_iter().flatten())
}

/// The cell as the stand runs it: one task with all programs in their order, so that indices stay what they are; inputs
/// without a binding keep what the test gives them; no engine runs a model.
fn cell_of_stand(cell: &Cell, program: usize) -> Cell {
    let number = cell.programs().nth(program).map_or(0, |(task, _)| task);
    let task = cell.tasks().nth(number).unwrap_or(&cell.task);
    let sources = cell.programs().map(|(_, source)| source.clone()).collect();
    let multiple = task.multiple.max(1);
    let bound: Vec<DriveEntries> = cell.axes.iter().map(|axis| axis.entries).collect();
    let tag = |tag: &Tag| {
        let from_drive = tag.fields.iter().any(|field| {
            let of_drive = |entries: &DriveEntries| {
                shown(entries).chain(entries.digital_inputs).any(|of| of.overlaps(field))
            };
            bound.iter().any(of_drive)
        });
        let mut tag = tag.clone();
        if tag.kind == TagKind::Input && !from_drive {
            tag.fields.clear();
        }
        tag
    };
    // Their times count base cycles.
    let cycles = |count: u32| u64::from(count).div_ceil(multiple).max(1) as u32;
    let model = |model: &Model| Model {
        engine: ModelEngine::Ort,
        bytes: Arc::from([]),
        deadline_cycles: cycles(model.deadline_cycles),
        age_max_cycles: cycles(model.age_max_cycles),
        trigger: match model.trigger {
            ModelTrigger::Periodic { every } => ModelTrigger::Periodic { every: cycles(every) },
            ModelTrigger::Request => ModelTrigger::Request,
        },
        ..model.clone()
    };
    Cell {
        tags: cell.tags.iter().map(tag).collect(),
        models: cell.models.iter().map(model).collect(),
        task: Task { programs: sources, multiple: 1, ..task.clone() },
        slow_tasks: Vec::new(),
        ..cell.clone()
    }
}
