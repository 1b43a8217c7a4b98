//! A model as a list of steps of fixed size on one memory.

use crate::{
    Engine, RunError, TensorInfo, canonical,
    engine::{check_run, check_slices},
    error::LoadError,
    kernels::{Kernel, Memory, Operand, Work},
    lower,
};
use std::ops::Range;

/// A model that the inline engine runs.
///
/// Everything is made at load: nothing here allocates, waits, or depends on the values. A run begins with
/// [`begin`](Self::begin) and is done in slices; whatever the slices, the result has the same bits.
#[derive(Debug)]
pub struct Plan {
    pub(crate) inputs: Vec<TensorInfo>,
    pub(crate) outputs: Vec<TensorInfo>,
    pub(crate) input_places: Vec<Range<usize>>,
    pub(crate) output_places: Vec<Operand>,
    pub(crate) constants: Vec<f32>,
    pub(crate) arena: Vec<f32>,
    pub(crate) steps: Vec<Step>,
    operations: u64,
    largest_unit: u64,
    phase: Phase,
}

/// One kernel with its place in the memory.
#[derive(Debug)]
pub(crate) struct Step {
    pub label: String,
    pub kernel: Box<dyn Kernel>,
    pub write: Range<usize>,
    pub work: Work,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No run was begun.
    Idle,
    /// Before this unit of this step.
    Running { step: usize, unit: usize },
    /// The outputs are there.
    Done,
}

/// What a slice has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// No run was begun.
    Idle,
    /// There is more to do.
    Running {
        /// Operations still to be done.
        operations_left: u64,
    },
    /// The outputs can be read.
    Done,
}

/// A step of a plan, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepInfo<'a> {
    /// The node it comes from.
    pub label: &'a str,
    /// What all of it counts for.
    pub operations: u64,
    /// The parts it can be done in.
    pub units: u64,
}

/// A saved state that does not belong to this plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Another length.
    #[error("the saved state of the model has {actual} bytes, expected {expected}")]
    Length {
        /// Of this plan.
        expected: usize,
        /// Given.
        actual: usize,
    },
    /// A position that the plan does not have.
    #[error("the saved state of the model stands at step {step}, unit {unit}, which the plan does not have")]
    Position {
        /// Which step.
        step: u64,
        /// Which unit of it.
        unit: u64,
    },
}

/// Bytes before the arena in a saved state: step and unit.
const HEAD: usize = 16;
const STEP_IDLE: u64 = u64::MAX;
const STEP_DONE: u64 = u64::MAX - 1;

impl Plan {
    /// From the bytes of a model file.
    ///
    /// # Errors
    /// Every finding: what stands at which node, and what to do about it.
    pub fn load(bytes: &[u8]) -> Result<Self, Vec<LoadError>> {
        lower::load(bytes)
    }

    pub(crate) fn new(
        (inputs, outputs): (Vec<TensorInfo>, Vec<TensorInfo>),
        (input_places, output_places): (Vec<Range<usize>>, Vec<Operand>),
        constants: Vec<f32>,
        arena_len: usize,
        steps: Vec<Step>,
    ) -> Self {
        for step in &steps {
            assert!(step.write.end <= arena_len && step.work.units > 0, "{}", step.label);
        }
        let of_step = |step: &Step| step.work.unit_operations.saturating_mul(step.work.units as u64);
        Self {
            operations: steps.iter().map(of_step).fold(0, u64::saturating_add),
            largest_unit: steps.iter().map(|step| step.work.unit_operations).max().unwrap_or(0),
            inputs,
            outputs,
            input_places,
            output_places,
            constants,
            arena: vec![0.0; arena_len],
            steps,
            phase: Phase::Idle,
        }
    }

    /// What a whole run counts for. One operation is a multiplication with addition of a dense layer; everything else
    /// counts by its measured ratio. The same for every input.
    pub const fn operations(&self) -> u64 {
        self.operations
    }

    /// The part of a run that cannot be divided: no slice can be kept below it.
    pub const fn largest_unit(&self) -> u64 {
        self.largest_unit
    }

    /// Bytes of memory that a run uses, beside the constants.
    pub const fn arena_bytes(&self) -> usize {
        self.arena.len() * 4
    }

    /// The steps, in the order in which they run.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = StepInfo<'_>> {
        self.steps.iter().map(|step| StepInfo {
            label: &step.label,
            operations: step.work.unit_operations.saturating_mul(step.work.units as u64),
            units: step.work.units as u64,
        })
    }

    /// Take over the inputs of a new run; one that is under way is given up.
    ///
    /// # Errors
    /// Another count or length than the model's, or a value that is none of the input's type. The state is untouched.
    pub fn begin(&mut self, inputs: &[&[f32]]) -> Result<(), RunError> {
        check_slices("inputs", "input", &self.inputs, inputs.iter().map(|input| input.len()))?;
        for (index, (info, values)) in self.inputs.iter().zip(inputs).enumerate() {
            if let Some(position) =
                values.iter().position(|value| !crate::engine::holds(info.element, *value))
            {
                let value = values[position];
                return Err(RunError::Value { index, position, value, element: info.element });
            }
        }
        for (place, values) in self.input_places.iter().zip(inputs) {
            for (cell, value) in self.arena[place.clone()].iter_mut().zip(*values) {
                *cell = canonical(*value);
            }
        }
        self.phase = Phase::Running { step: 0, unit: 0 };
        self.finish_if_done();
        Ok(())
    }

    /// Where the run stands.
    pub fn progress(&self) -> Progress {
        match self.phase {
            Phase::Idle => Progress::Idle,
            Phase::Done => Progress::Done,
            Phase::Running { step, unit } => {
                let of = |step: &Step, unit: usize| {
                    step.work.unit_operations.saturating_mul((step.work.units - unit) as u64)
                };
                let first = self.steps.get(step).map_or(0, |step| of(step, unit));
                let later = self.steps.iter().skip(step + 1).map(|step| of(step, 0));
                Progress::Running { operations_left: later.fold(first, u64::saturating_add) }
            }
        }
    }

    /// Go on with the run: as many units as fit in the budget, but at least one, so that every run comes to an end.
    ///
    /// The work is then at most the larger of the budget and [`largest_unit`](Self::largest_unit).
    pub fn run_slice(&mut self, budget_ops: u64) -> Progress {
        let mut left = budget_ops;
        let mut must_move = true;
        while let Phase::Running { step: index, unit } = self.phase {
            let Some(step) = self.steps.get(index) else { break };
            let fitting = match left.checked_div(step.work.unit_operations) {
                Some(units) => usize::try_from(units).unwrap_or(usize::MAX),
                None => usize::MAX,
            };
            let units = fitting.max(usize::from(must_move)).min(step.work.units - unit);
            if units == 0 {
                break;
            }
            must_move = false;
            left = left.saturating_sub(step.work.unit_operations.saturating_mul(units as u64));
            let (arena, rest) = self.arena.split_at_mut(step.write.start);
            let write = &mut rest[..step.write.end - step.write.start];
            step.kernel.run(Memory { constants: &self.constants, arena }, write, unit..unit + units);
            self.phase = if unit + units == step.work.units {
                Phase::Running { step: index + 1, unit: 0 }
            } else {
                Phase::Running { step: index, unit: unit + units }
            };
            self.finish_if_done();
        }
        self.progress()
    }

    fn finish_if_done(&mut self) {
        if matches!(self.phase, Phase::Running { step, .. } if step == self.steps.len()) {
            self.phase = Phase::Done;
        }
    }

    /// An output of the finished run; `None` while there is none, or for an index the model does not have.
    ///
    /// A NaN in it has whatever bits the processor made: [`read_output`](Self::read_output) gives the canonical ones.
    pub fn output(&self, index: usize) -> Option<&[f32]> {
        let memory = Memory { constants: &self.constants, arena: &self.arena };
        let place = self.output_places.get(index).filter(|_| self.phase == Phase::Done)?;
        Some(memory.get(*place))
    }

    /// Copy an output of the finished run, NaN in its canonical form.
    ///
    /// # Errors
    /// No finished run, an index that the model does not have, or a slice of another length.
    pub fn read_output(&self, index: usize, values: &mut [f32]) -> Result<(), RunError> {
        let count = self.outputs.len();
        if index >= count {
            return Err(RunError::Count { what: "outputs", expected: count, actual: index + 1 });
        }
        let output = self.output(index).ok_or(RunError::Phase("the run of the model is not done"))?;
        if output.len() != values.len() {
            let (expected, actual) = (output.len(), values.len());
            return Err(RunError::Length { what: "output", index, expected, actual });
        }
        values.iter_mut().zip(output).for_each(|(to, from)| *to = canonical(*from));
        Ok(())
    }

    /// Bytes of a saved state: always the same for one plan.
    pub const fn state_len(&self) -> usize {
        HEAD + 4 * self.arena.len()
    }

    /// Save the state of a run in flight, little endian, NaN in its canonical form.
    ///
    /// # Errors
    /// A slice that is not [`state_len`](Self::state_len) long.
    pub fn save(&self, bytes: &mut [u8]) -> Result<(), StateError> {
        self.check_state_len(bytes.len())?;
        let (step, unit) = match self.phase {
            Phase::Idle => (STEP_IDLE, 0),
            Phase::Done => (STEP_DONE, 0),
            Phase::Running { step, unit } => (step as u64, unit as u64),
        };
        let (head, arena) = bytes.split_at_mut(HEAD);
        head[..8].copy_from_slice(&step.to_le_bytes());
        head[8..].copy_from_slice(&unit.to_le_bytes());
        for (bytes, value) in arena.as_chunks_mut::<4>().0.iter_mut().zip(&self.arena) {
            *bytes = canonical(*value).to_le_bytes();
        }
        Ok(())
    }

    /// Go on from a saved state of the same model.
    ///
    /// # Errors
    /// Bytes that are not a state of this plan; the plan's own state is untouched then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.check_state_len(bytes.len())?;
        let (head, arena) = bytes.split_at(HEAD);
        let word =
            |index: usize| head.as_chunks::<8>().0.get(index).map_or(0, |word| u64::from_le_bytes(*word));
        let (step, unit) = (word(0), word(1));
        let error = StateError::Position { step, unit };
        self.phase = match step {
            STEP_IDLE if unit == 0 => Phase::Idle,
            STEP_DONE if unit == 0 => Phase::Done,
            _ => {
                let index = usize::try_from(step).map_err(|_| error)?;
                let units = self.steps.get(index).ok_or(error)?.work.units;
                let unit = usize::try_from(unit).ok().filter(|unit| *unit < units).ok_or(error)?;
                Phase::Running { step: index, unit }
            }
        };
        for (value, bytes) in self.arena.iter_mut().zip(arena.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    const fn check_state_len(&self, actual: usize) -> Result<(), StateError> {
        let expected = self.state_len();
        if actual == expected { Ok(()) } else { Err(StateError::Length { expected, actual }) }
    }
}

impl Engine for Plan {
    fn name(&self) -> &'static str {
        "inline"
    }

    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<(), RunError> {
        check_run((&self.inputs, &self.outputs), inputs, outputs)?;
        self.begin(inputs)?;
        self.run_slice(u64::MAX);
        for (index, output) in outputs.iter_mut().enumerate() {
            self.read_output(index, output)?;
        }
        Ok(())
    }
}
