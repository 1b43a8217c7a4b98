//! Model blocks: when they run, what they see, what becomes of a result that is late, old or missing.
//!
//! A model of the inline engine runs here, whole or in slices. One that runs beside gets its inputs from
//! [`Models::job`], and its result comes back through the inbox: for a replay both are the same.

mod capture;
#[cfg(test)]
mod tests;

use super::KeyframeError;
use crate::keyframe::{Reader, Writer};
use capture::Capture;
use sensai_inference::{Engine, Plan, Progress, TensorInfo};
use sensai_model::{
    Cell, TagStore, Value,
    cell::{Model, ModelEngine, ModelScore, ModelTrigger},
};

/// Result tags of a model, as places behind its first slot.
mod fact {
    pub const SCORE: u32 = 0;
    pub const AGE: u32 = 1;
    pub const VALID: u32 = 2;
    pub const MISSES: u32 = 3;
    pub const SEQUENCE: u32 = 4;
    pub const OUTPUT: u32 = 5;
}

/// A run that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Request {
    number: u64,
    /// Cycle of the trigger.
    cycle: u64,
}

/// One model.
struct Block {
    of: Model,
    /// `None`: it runs beside, or could not be loaded.
    plan: Option<Plan>,
    captures: Vec<Vec<Capture>>,
    inputs: Vec<Box<[f32]>>,
    /// Of the last good result.
    outputs: Vec<Box<[f32]>>,
    /// Of the run under way: from beside they come over several cycles, and a run may still fail or be too late.
    arriving: Vec<Box<[f32]>>,
    request: Option<Request>,
    /// Requests so far; a request's number.
    requests: u64,
    /// The last request that was given to an engine beside. No part of the state: a replay gives none.
    given: u64,
    /// Cycle of the trigger of the last good result.
    result_cycle: Option<u64>,
    score: f64,
    sequence: i64,
    misses: i64,
}

/// All models of the cell.
pub struct Models {
    blocks: Vec<Block>,
}

/// Why a model cannot be run, for people; one sentence each.
pub fn check(model: &Model) -> Vec<String> {
    if model.engine == ModelEngine::Ort {
        return Vec::new();
    }
    let mut plan = match Plan::load(&model.bytes) {
        Ok(plan) => plan,
        Err(errors) => return errors.iter().map(ToString::to_string).collect(),
    };
    let mut found = check_shapes(model, plan.inputs(), plan.outputs());
    if found.is_empty() {
        found.extend(check_golden(model, &mut plan));
    }
    found
}

/// What does not fit between a description and the model's own inputs and outputs.
pub fn check_shapes(model: &Model, inputs: &[TensorInfo], outputs: &[TensorInfo]) -> Vec<String> {
    let mut found = Vec::new();
    let len = |groups: &Vec<sensai_model::cell::ModelInput>| {
        groups.iter().map(|group| Capture::new(group).len()).sum::<usize>()
    };
    if model.inputs.len() != inputs.len() {
        found.push(format!("it has {} inputs, `inputs` gives {}", inputs.len(), model.inputs.len()));
    }
    for (given, tensor) in model.inputs.iter().zip(inputs) {
        let given = len(given);
        if given != tensor.len() {
            found.push(format!(
                "its input `{}` has {} values, shape {:?}; `inputs` gives {given}",
                tensor.name,
                tensor.len(),
                tensor.shape
            ));
        }
    }
    if model.output_lens.len() != outputs.len() {
        found.push(format!(
            "it has {} outputs, the description gives {}",
            outputs.len(),
            model.output_lens.len()
        ));
    }
    for (given, tensor) in model.output_lens.iter().zip(outputs) {
        if *given as usize != tensor.len() {
            found.push(format!(
                "its output `{}` has {} values, shape {:?}; the description gives {given}",
                tensor.name,
                tensor.len(),
                tensor.shape
            ));
        }
    }
    match model.score {
        ModelScore::Output { output, element } => {
            let there = outputs.get(usize::from(output)).map_or(0, TensorInfo::len);
            if usize::from(element) >= there {
                found.push(format!(
                    "`score` is element {element} of output {output}, which has {there} values"
                ));
            }
        }
        ModelScore::ReconstructionError => {
            let [input, output] = [inputs, outputs].map(|of| of.first().map_or(0, TensorInfo::len));
            if input != output {
                found.push(format!(
                    "`score` is the reconstruction error, but the first input has {input} values and the first output {output}"
                ));
            }
        }
    }
    found
}

/// Run the golden vector through an engine.
pub fn check_golden(model: &Model, engine: &mut dyn Engine) -> Option<String> {
    let golden = model.golden.as_ref()?;
    let expected: usize = engine.inputs().iter().map(TensorInfo::len).sum();
    if golden.inputs.len() != expected {
        return Some(format!(
            "the golden vector has {} input values, the model {expected}",
            golden.inputs.len()
        ));
    }
    let mut inputs = Vec::new();
    let mut rest = golden.inputs.as_slice();
    for tensor in engine.inputs() {
        let (this, after) = rest.split_at(tensor.len());
        inputs.push(this);
        rest = after;
    }
    let mut outputs: Vec<Vec<f32>> = engine.outputs().iter().map(|tensor| vec![0.0; tensor.len()]).collect();
    let mut places: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    if let Err(error) = engine.run(&inputs, &mut places) {
        return Some(format!("the golden vector cannot be run: {error}"));
    }
    let got: Vec<f32> = outputs.concat();
    if got.len() != golden.outputs.len() {
        return Some(format!(
            "the golden vector has {} output values, the model {}",
            golden.outputs.len(),
            got.len()
        ));
    }
    let differences = got.iter().zip(&golden.outputs).map(|(got, expected)| (got - expected).abs());
    let worst = differences.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    let (at, difference) =
        worst.filter(|(_, difference)| *difference > golden.tolerance || difference.is_nan())?;
    Some(format!(
        "output value {at} of the golden vector is {}, expected {} ± {}; it differs by {difference}",
        got[at], golden.outputs[at], golden.tolerance
    ))
}

impl Models {
    /// Nothing captured, no result. A model that [`check`] refuses never gives a valid one.
    pub fn new(cell: &Cell) -> Self {
        Self { blocks: cell.models.iter().map(Block::new).collect() }
    }

    /// No models.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Before the programs: results grow older, deadlines pass, sliced runs go on, periodic ones begin. A run that was due
    /// in one of the `skipped` cycles before this one begins in this one.
    pub fn periodic(&mut self, store: &mut TagStore, cycle: u64, skipped: u64) {
        let last = cycle.checked_sub(skipped.saturating_add(1));
        for block in &mut self.blocks {
            block.advance(cycle);
            let is_due = |every: u32| {
                let every = u64::from(every.max(1));
                last.is_none_or(|last| cycle / every > last / every)
            };
            if let ModelTrigger::Periodic { every } = block.of.trigger
                && is_due(every)
            {
                block.begin(store, cycle);
                block.go_on();
            }
            block.publish(store, cycle);
        }
    }

    /// Behind everything that is staged: this cycle's samples, then the runs that programs asked for.
    pub fn requested(&mut self, store: &TagStore, asked: impl Fn(usize) -> bool, cycle: u64) {
        for (index, block) in self.blocks.iter_mut().enumerate() {
            block.captures.iter_mut().flatten().for_each(|capture| capture.sample(store));
            if asked(index) {
                block.begin(store, cycle);
                block.go_on();
            }
        }
    }

    /// The request of a model that an engine beside has to be given: number, inputs. Each is given once.
    pub fn job(&mut self, model: usize) -> Option<(u64, &[Box<[f32]>])> {
        let block = self.blocks.get_mut(model).filter(|block| block.of.engine == ModelEngine::Ort)?;
        let request = block.request.filter(|request| request.number > block.given)?;
        block.given = request.number;
        Some((request.number, &block.inputs))
    }

    /// Whether a result of this request would still change anything.
    pub fn waits_for(&self, model: usize, number: u64) -> bool {
        let request = self.blocks.get(model).and_then(|block| block.request);
        request.is_some_and(|request| request.number == number)
    }

    /// Up to four output values from beside, before their result.
    pub fn output(&mut self, argument: [i64; 3]) {
        let place = argument[0].cast_unsigned();
        let (model, first) = ((place >> 32) as usize, (place & 0xffff_ffff) as usize);
        let Some(block) = self.blocks.get_mut(model).filter(|block| block.plan.is_none()) else { return };
        let words = [argument[1].cast_unsigned(), argument[2].cast_unsigned()];
        let values =
            words.into_iter().flat_map(|word| [word as u32, (word >> 32) as u32]).map(f32::from_bits);
        for (value, place) in
            values.zip(block.arriving.iter_mut().flat_map(|output| output.iter_mut()).skip(first))
        {
            *place = if value.is_nan() { f32::NAN } else { value };
        }
    }

    /// A result from beside; one that nobody waits for any more changes nothing.
    pub fn result(&mut self, model: i64, number: i64, good: bool) {
        let block = usize::try_from(model).ok().and_then(|model| self.blocks.get_mut(model));
        let Some(block) = block.filter(|block| block.plan.is_none()) else { return };
        if block.request.is_some_and(|request| request.number == number.cast_unsigned()) {
            if good { block.done() } else { block.miss() }
        }
    }

    /// For a test stand: a result that no engine has made, for the run under way or as one of this cycle.
    pub(super) fn answer(&mut self, model: usize, score: f64, outputs: &[f32], cycle: u64) {
        let Some(block) = self.blocks.get_mut(model) else { return };
        let request = block.request.take();
        block.result_cycle = Some(request.map_or(cycle, |request| request.cycle));
        block.score = score;
        block.sequence = block.sequence.saturating_add(1);
        let places = block.outputs.iter_mut().flat_map(|output| output.iter_mut());
        places.zip(outputs).for_each(|(place, value)| *place = *value);
    }

    /// For a test stand: the run under way ends without a result. False if there is none.
    pub(super) fn miss_run(&mut self, model: usize) -> bool {
        let block = self.blocks.get_mut(model).filter(|block| block.request.is_some());
        block.map(Block::miss).is_some()
    }

    /// For a test stand: a run is under way.
    pub(super) fn is_asked(&self, model: usize) -> bool {
        self.blocks.get(model).is_some_and(|block| block.request.is_some())
    }

    /// Into a keyframe.
    pub fn save(&self, out: &mut Writer<'_>) {
        self.blocks.iter().for_each(|block| block.save(out));
    }

    /// Out of a keyframe.
    ///
    /// # Errors
    /// If it is too short, or holds no state of these models.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        self.blocks.iter_mut().try_for_each(|block| block.load(from))
    }
}

impl Block {
    fn new(of: &Model) -> Self {
        let inline = of.engine == ModelEngine::Inline;
        let good = inline && check(of).is_empty();
        let plan = if good { Plan::load(&of.bytes).ok() } else { None };
        let captures: Vec<Vec<Capture>> =
            of.inputs.iter().map(|groups| groups.iter().map(Capture::new).collect()).collect();
        let inputs = captures
            .iter()
            .map(|groups| vec![0.0; groups.iter().map(Capture::len).sum()].into_boxed_slice())
            .collect();
        let outputs: Vec<Box<[f32]>> = match &plan {
            Some(plan) => plan.outputs().iter().map(|tensor| vec![0.0; tensor.len()].into()).collect(),
            None => of.output_lens.iter().map(|len| vec![0.0; *len as usize].into()).collect(),
        };
        Self {
            of: of.clone(),
            plan,
            captures,
            inputs,
            arriving: outputs.clone(),
            outputs,
            request: None,
            requests: 0,
            given: 0,
            result_cycle: None,
            score: of.substitute,
            sequence: 0,
            misses: 0,
        }
    }

    /// A cycle has begun: the deadline may have passed, a slice is due.
    fn advance(&mut self, cycle: u64) {
        self.go_on();
        if let Some(request) = self.request
            && cycle.saturating_sub(request.cycle) >= u64::from(self.of.deadline_cycles.max(1))
        {
            self.miss();
        }
    }

    /// A trigger: captured inputs become the model's. One that comes while a run is under way is a miss of its own.
    fn begin(&mut self, store: &TagStore, cycle: u64) {
        if self.request.is_some() {
            self.misses = self.misses.saturating_add(1);
            return;
        }
        let Self { captures, inputs, of, .. } = self;
        let mut normalisation = of.normalisation.iter();
        for (groups, input) in captures.iter().zip(inputs.iter_mut()) {
            let mut places = input.iter_mut();
            for group in groups {
                group.read(store, |value| {
                    let (mean, scale) = normalisation.next().copied().unwrap_or((0.0, 1.0));
                    if let Some(place) = places.next() {
                        *place = ((value - mean) / scale) as f32;
                    }
                });
            }
        }
        self.requests += 1;
        self.request = Some(Request { number: self.requests, cycle });
        if let Some(plan) = &mut self.plan {
            // One slice a model input, on the stack: a model has few.
            let mut slices: [&[f32]; INPUTS_MAX] = [&[]; INPUTS_MAX];
            let count = self.inputs.len().min(INPUTS_MAX);
            for (slice, input) in slices.iter_mut().zip(&self.inputs) {
                *slice = input;
            }
            if plan.begin(&slices[..count]).is_err() {
                self.miss();
            }
        } else if self.of.engine == ModelEngine::Inline {
            self.miss();
        }
    }

    /// One slice of a run of the inline engine.
    fn go_on(&mut self) {
        let (Some(plan), true) = (&mut self.plan, self.request.is_some()) else { return };
        let budget = if self.of.slice_operations == 0 { u64::MAX } else { self.of.slice_operations };
        if plan.run_slice(budget) == Progress::Done {
            let read =
                self.arriving.iter_mut().enumerate().try_for_each(|(index, to)| plan.read_output(index, to));
            if read.is_ok() { self.done() } else { self.miss() }
        }
    }

    /// The outputs are there. A result with a value that is not finite is none: nothing of it becomes visible.
    fn done(&mut self) {
        let Some(request) = self.request.take() else { return };
        let finite = self.arriving.iter().flat_map(|output| output.iter()).all(|value| value.is_finite());
        match self.arrived_score().filter(|score| finite && score.is_finite()) {
            Some(score) => {
                self.score = f64::from(score);
                self.result_cycle = Some(request.cycle);
                self.sequence = self.sequence.saturating_add(1);
                for (output, arrived) in self.outputs.iter_mut().zip(&self.arriving) {
                    output.copy_from_slice(arrived);
                }
            }
            None => self.misses = self.misses.saturating_add(1),
        }
    }

    fn arrived_score(&self) -> Option<f32> {
        match self.of.score {
            ModelScore::Output { output, element } => {
                self.arriving.get(usize::from(output))?.get(usize::from(element)).copied()
            }
            ModelScore::ReconstructionError => self.reconstruction_error(),
        }
    }

    /// Mean square difference, summed up in the order of the values.
    fn reconstruction_error(&self) -> Option<f32> {
        let (input, output) = (self.inputs.first()?, self.arriving.first()?);
        let squares =
            input.iter().zip(output.iter()).map(|(input, output)| (input - output) * (input - output));
        let sum = squares.fold(0.0_f32, |sum, square| sum + square);
        Some(sum / input.len().max(1) as f32)
    }

    fn miss(&mut self) {
        self.request = None;
        self.misses = self.misses.saturating_add(1);
    }

    /// What programs see, from the state.
    fn publish(&self, store: &mut TagStore, cycle: u64) {
        let age = self.result_cycle.map(|of| cycle.saturating_sub(of));
        let valid = age.is_some_and(|age| age <= self.of.age_max_cycles.into());
        let age = age.map_or(i64::MAX, |age| i64::try_from(age).unwrap_or(i64::MAX));
        let slot = self.of.slot;
        let mut put = |place: u32, value: Value| store.restore(slot + place, value, true);
        put(fact::SCORE, Value::F64(if valid { self.score } else { self.of.substitute }));
        put(fact::AGE, Value::I64(age));
        put(fact::VALID, Value::Bool(valid));
        put(fact::MISSES, Value::I64(self.misses));
        put(fact::SEQUENCE, Value::I64(self.sequence));
        let values = self.outputs.iter().flat_map(|output| output.iter());
        for (place, value) in (fact::OUTPUT..).zip(values).take(self.of.output_len as usize) {
            put(place, Value::F64(sensai_model::value::canonical(f64::from(*value))));
        }
    }

    /// A run of the inline engine may be under way between two cycles.
    fn is_sliced(&self) -> bool {
        self.plan.is_some() && self.of.slice_operations > 0
    }

    fn save(&self, out: &mut Writer<'_>) {
        let (number, cycle, marks) =
            self.request.map_or((0, 0, 0), |request| (request.number, request.cycle, 1));
        let (result, has_result) = (self.result_cycle.unwrap_or(0), u64::from(self.result_cycle.is_some()));
        let [sequence, misses] = [self.sequence, self.misses].map(i64::cast_unsigned);
        for word in
            [number, cycle, marks, self.requests, result, has_result, self.score.to_bits(), sequence, misses]
        {
            out.u64(word);
        }
        self.captures.iter().flatten().for_each(|capture| capture.save(out));
        let kept = self.inputs.iter().chain(&self.outputs).chain(&self.arriving);
        for value in kept.flat_map(|values| values.iter()) {
            out.bytes(&value.to_bits().to_le_bytes());
        }
        if let Some(plan) = self.plan.as_ref().filter(|_| self.is_sliced()) {
            out.fill(plan.state_len(), |bytes| {
                // It is as long as the plan said.
                let saved = plan.save(bytes);
                debug_assert!(saved.is_ok(), "{saved:?}");
            });
        }
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        let [number, cycle, marks, requests, result, has_result, score, sequence, misses] = [
            from.u64()?,
            from.u64()?,
            from.u64()?,
            from.u64()?,
            from.u64()?,
            from.u64()?,
            from.u64()?,
            from.u64()?,
            from.u64()?,
        ];
        self.request = (marks & 1 != 0).then_some(Request { number, cycle });
        self.requests = requests;
        self.result_cycle = (has_result != 0).then_some(result);
        self.score = f64::from_bits(score);
        (self.sequence, self.misses) = (sequence.cast_signed(), misses.cast_signed());
        self.captures.iter_mut().flatten().try_for_each(|capture| capture.load(from))?;
        let kept = self.inputs.iter_mut().chain(&mut self.outputs).chain(&mut self.arriving);
        for value in kept.flat_map(|values| values.iter_mut()) {
            *value = f32::from_bits(u32::from_le_bytes(from.array()?));
        }
        let sliced = self.is_sliced();
        if let Some(plan) = self.plan.as_mut().filter(|_| sliced) {
            let state = from.take(plan.state_len())?;
            plan.restore(state).map_err(|error| KeyframeError::Program(error.to_string()))?;
        }
        Ok(())
    }
}

/// Inputs a model may have.
pub const INPUTS_MAX: usize = 16;
