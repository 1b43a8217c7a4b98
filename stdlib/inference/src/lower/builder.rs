//! The plan while it is being made.

use super::{Lower, Lowered};
use crate::{
    Element, Plan, TensorInfo,
    error::{Refusal, unsupported},
    graph::Node,
    kernels::{Kernel, Memory, Operand, unary::Unary},
    plan::Step,
    tensor::{Constant, MAX_ELEMENTS, Values, count},
};
use std::{collections::BTreeSet, ops::Range, rc::Rc};

/// Values begin at multiples of this: a cache line.
const ALIGN: usize = 16;
/// Values made while loading: bounds the time a hostile file can take.
const MAX_WORK: usize = 4 * MAX_ELEMENTS;
/// Operations done at load for constants.
const MAX_FOLD_OPERATIONS: u64 = 200_000_000;
/// Steps and runs of a plan.
const MAX_STEPS: usize = 200_000;

/// A tensor of the graph while its plan is made.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub element: Element,
    pub shape: Vec<usize>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// Known at load.
    Known(Rc<Values>),
    /// Made by a run.
    Made(Operand),
}

impl Value {
    pub(crate) fn constant(constant: Constant) -> Self {
        Self { element: constant.element, shape: constant.shape, source: Source::Known(constant.values) }
    }

    pub(crate) fn integers(values: Vec<i64>) -> Self {
        let shape = vec![values.len()];
        Self { element: Element::I64, shape, source: Source::Known(Rc::new(Values::Integer(values))) }
    }

    /// The values, which have to be known at load.
    pub(crate) fn known(&self, what: &str) -> Result<Rc<Values>, Refusal> {
        match &self.source {
            Source::Known(values) => Ok(Rc::clone(values)),
            Source::Made(_) => Err(unsupported(format!("{what} must be constant, but a run computes them"))),
        }
    }

    pub(crate) fn if_known(&self) -> Option<&Values> {
        match &self.source {
            Source::Known(values) => Some(values),
            Source::Made(_) => None,
        }
    }

    /// The same values seen with another shape of the same size.
    pub(crate) fn reshaped(&self, shape: Vec<usize>) -> Self {
        debug_assert_eq!(count(&shape), count(&self.shape));
        Self { shape, ..self.clone() }
    }

    /// The same values as another type that holds them.
    pub(crate) fn as_element(&self, element: Element) -> Self {
        let source = match &self.source {
            Source::Known(values) => Source::Known(Rc::new(match (&**values, element) {
                (Values::Integer(integers), Element::F32 | Element::F64) => {
                    Values::Float(integers.iter().map(|value| *value as f32).collect())
                }
                (values, _) => values.clone(),
            })),
            Source::Made(operand) => Source::Made(*operand),
        };
        Self { element, shape: self.shape.clone(), source }
    }

    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) const fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Floats, as almost every operator wants them.
    pub(crate) fn float(&self) -> Result<&Self, Refusal> {
        if self.element == Element::F32 || (self.element == Element::F64 && self.if_known().is_some()) {
            Ok(self)
        } else {
            Err(unsupported(format!("it computes with {} here, supported is float", self.element)))
        }
    }
}

/// Collects steps, constants and places.
#[derive(Debug)]
pub(crate) struct Builder {
    pub opset: i64,
    constants: Vec<f32>,
    arena_len: usize,
    inputs: Vec<Range<usize>>,
    steps: Vec<Step>,
    label: String,
    work: usize,
    /// Where values begin that more than one node reads.
    shared: BTreeSet<usize>,
}

impl Builder {
    pub(crate) const fn new(opset: i64) -> Self {
        Self {
            opset,
            constants: Vec::new(),
            arena_len: 0,
            inputs: Vec::new(),
            steps: Vec::new(),
            label: String::new(),
            work: 0,
            shared: BTreeSet::new(),
        }
    }

    /// More than one node reads this value, so nothing may be fused into what makes it.
    pub(crate) fn share(&mut self, value: &Value) {
        if let Source::Made(Operand::Arena { start, .. }) = value.source {
            self.shared.insert(start);
        }
    }

    /// Count values that are made or looked at while loading.
    pub(crate) fn charge(&mut self, values: usize) -> Result<(), Refusal> {
        self.work = self.work.saturating_add(values);
        if self.work > MAX_WORK {
            return Err(unsupported(format!(
                "the model makes more than {MAX_WORK} values while it is loaded"
            )));
        }
        Ok(())
    }

    fn reserve(&mut self, len: usize) -> Result<Range<usize>, Refusal> {
        self.charge(len)?;
        let start = self.arena_len;
        let end = start.saturating_add(len);
        if end > MAX_ELEMENTS {
            return Err(unsupported(format!("a run needs more than {MAX_ELEMENTS} values of memory")));
        }
        self.arena_len = end.next_multiple_of(ALIGN);
        Ok(start..end)
    }

    pub(crate) fn input(&mut self, info: &TensorInfo) -> Result<Value, Refusal> {
        let range = self.reserve(count(&info.shape)?)?;
        let operand = Operand::Arena { start: range.start, len: range.len() };
        self.inputs.push(range);
        Ok(Value { element: info.element, shape: info.shape.clone(), source: Source::Made(operand) })
    }

    /// A place for a value that a refused node should have made: the plan is never run.
    pub(crate) fn stand_in(&mut self, element: Element, shape: &[usize]) -> Result<Value, Refusal> {
        let range = self.reserve(count(shape)?)?;
        let operand = Operand::Arena { start: range.start, len: range.len() };
        Ok(Value { element, shape: shape.to_vec(), source: Source::Made(operand) })
    }

    /// A value known at load.
    pub(crate) fn known(
        &mut self,
        element: Element,
        shape: Vec<usize>,
        values: Values,
    ) -> Result<Value, Refusal> {
        self.charge(values.len())?;
        debug_assert_eq!(count(&shape), Ok(values.len()));
        Ok(Value { element, shape, source: Source::Known(Rc::new(values)) })
    }

    /// Where a kernel finds the value.
    pub(crate) fn operand(&mut self, value: &Value) -> Result<Operand, Refusal> {
        if value.len() == 0 {
            return Err(unsupported(format!("a tensor without values, of shape {:?}", value.shape)));
        }
        match &value.source {
            Source::Made(operand) => Ok(*operand),
            Source::Known(values) => {
                let floats = values.to_floats()?;
                self.constant(floats)
            }
        }
    }

    /// Constants of a kernel's own.
    pub(crate) fn constant(&mut self, values: Vec<f32>) -> Result<Operand, Refusal> {
        self.charge(values.len())?;
        let start = self.constants.len().next_multiple_of(ALIGN);
        if start + values.len() > MAX_ELEMENTS {
            return Err(unsupported(format!("more than {MAX_ELEMENTS} constants")));
        }
        self.constants.resize(start, 0.0);
        self.constants.extend(&values);
        Ok(Operand::Constant { start, len: values.len() })
    }

    /// Add a step. Its outputs come first in what it writes, then `scratch` values of its own.
    pub(crate) fn emit(
        &mut self,
        kernel: impl Kernel + 'static,
        outputs: &[(Element, Vec<usize>)],
        scratch: usize,
    ) -> Lowered {
        let mut len = 0_usize;
        for (_, shape) in outputs {
            let count = count(shape)?;
            if count == 0 {
                return Err(unsupported(format!("a tensor without values, of shape {shape:?}")));
            }
            len += count;
        }
        let write = self.reserve(len + scratch)?;
        if self.steps.len() >= MAX_STEPS {
            return Err(unsupported(format!("more than {MAX_STEPS} steps")));
        }
        let mut start = write.start;
        let mut values = Vec::new();
        for (element, shape) in outputs {
            let len = count(shape)?;
            let source = Source::Made(Operand::Arena { start, len });
            values.push(Value { element: *element, shape: shape.clone(), source });
            start += len;
        }
        let work = kernel.work();
        self.steps.push(Step { label: self.label.clone(), kernel: Box::new(kernel), write, work });
        Ok(values)
    }

    /// A step with one float output.
    pub(crate) fn emit_one(
        &mut self,
        kernel: impl Kernel + 'static,
        shape: &[usize],
    ) -> Result<Value, Refusal> {
        let values = self.emit(kernel, &[(Element::F32, shape.to_vec())], 0)?;
        values.into_iter().next().ok_or_else(|| unsupported("no output"))
    }

    /// Let the step that has just made this value apply a function to it, too.
    pub(crate) fn fuse_unary(&mut self, value: &Value, unary: Unary) -> bool {
        self.fuse(value, |kernel| kernel.fuse_unary(unary))
    }

    /// Let the step that has just made this value add a bias, too.
    pub(crate) fn fuse_bias(&mut self, value: &Value, bias: Vec<f32>) -> Result<bool, Refusal> {
        let mark = self.constants.len();
        let bias = self.constant(bias)?;
        let fused = self.fuse(value, |kernel| kernel.fuse_bias(bias));
        if !fused {
            self.constants.truncate(mark);
        }
        Ok(fused)
    }

    fn fuse(&mut self, value: &Value, apply: impl Fn(&mut dyn Kernel) -> bool) -> bool {
        let Source::Made(Operand::Arena { start, len }) = value.source else { return false };
        let label = self.label.clone();
        let is_free = !self.shared.contains(&start);
        let Some(step) = self.steps.last_mut() else { return false };
        // A view of a part must not change the rest.
        if !is_free || step.write != (start..start + len) || !apply(step.kernel.as_mut()) {
            return false;
        }
        step.work = step.kernel.work();
        step.label = format!("{} + {label}", step.label);
        true
    }

    /// Lower one node; where all its inputs are known, its outputs are known, too.
    pub(crate) fn lower(&mut self, node: &Node, inputs: &[Option<Value>], lower: Lower) -> Lowered {
        self.label.clone_from(&node.place);
        let all_known = inputs.iter().flatten().all(|value| value.if_known().is_some());
        let (steps, arena_len, constants) = (self.steps.len(), self.arena_len, self.constants.len());
        let values = lower(node, inputs, self)?;
        if !all_known || self.steps.len() == steps {
            return Ok(values);
        }
        let operations = |step: &Step| step.work.unit_operations.saturating_mul(step.work.units as u64);
        let total = self.steps[steps..].iter().map(operations).fold(0, u64::saturating_add);
        if total > MAX_FOLD_OPERATIONS {
            return Ok(values);
        }
        let folded = self.fold(&values, steps)?;
        self.steps.truncate(steps);
        self.arena_len = arena_len;
        self.constants.truncate(constants);
        Ok(folded)
    }

    /// Run the steps from `first` on, all of whose inputs are constants.
    fn fold(&mut self, values: &[Value], first: usize) -> Lowered {
        let Some(base) = self.steps[first..].iter().map(|step| step.write.start).min() else {
            return Ok(Vec::new());
        };
        self.charge(self.arena_len)?;
        let mut arena = vec![0.0; self.arena_len];
        debug_assert!(base <= arena.len());
        for step in &self.steps[first..] {
            let (read, rest) = arena.split_at_mut(step.write.start);
            let memory = Memory { constants: &self.constants, arena: read };
            step.kernel.run(memory, &mut rest[..step.write.len()], 0..step.work.units);
        }
        let memory = Memory { constants: &self.constants, arena: &arena };
        let known = |value: &Value| {
            let source = match &value.source {
                Source::Known(values) => Rc::clone(values),
                Source::Made(operand) => {
                    let floats = memory.get(*operand);
                    Rc::new(if value.element == Element::F32 {
                        Values::Float(floats.iter().map(|value| crate::canonical(*value)).collect())
                    } else {
                        Values::Integer(floats.iter().map(|value| *value as i64).collect())
                    })
                }
            };
            Value { source: Source::Known(source), ..value.clone() }
        };
        Ok(values.iter().map(known).collect())
    }

    /// Put the plan together.
    pub(crate) fn finish(self, inputs: Vec<TensorInfo>, outputs: (Vec<TensorInfo>, Vec<Operand>)) -> Plan {
        let (infos, places) = outputs;
        let places = (self.inputs, places);
        Plan::new((inputs, infos), places, self.constants, self.arena_len.max(1), self.steps)
    }
}
