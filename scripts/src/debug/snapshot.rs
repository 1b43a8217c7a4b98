//! All that a program has at one place of a run.

use super::{Expression, Kind, Shown, Stop, Subject};
use crate::{
    Ports, SysFacts,
    evaluate::{Active, Arrival, Datum, Evaluator, Reference, World},
    hir::{Function, FunctionId, Span},
    layout::literal,
};
use sensai_model::{Tag, TagKind, TagStore, Value};
use sensai_stdlib::time::seconds_from_ns;
use std::collections::BTreeMap;

/// Variables, state, tags and everything else, as the program sees it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    calls: Vec<Active>,
    slots: Vec<Datum>,
    tags: TagStore,
    ports: Ports,
    parameters: Vec<Value>,
    sys: SysFacts,
}

/// A call that has not returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Name of the function.
    pub function: String,
    /// What runs next in it, or what it waits for.
    pub stop: Stop,
}

impl Snapshot {
    pub(super) fn of(arrival: &Arrival<'_>) -> Self {
        let world = arrival.world;
        Self {
            calls: arrival.calls.to_vec(),
            slots: arrival.slots.to_vec(),
            tags: world.tags.clone(),
            ports: world.ports.clone(),
            parameters: world.parameters.to_vec(),
            sys: world.sys,
        }
    }

    /// Facts of the cycle.
    pub fn sys(&self) -> SysFacts {
        self.sys
    }

    /// Tags as the program sees them, its own writes included.
    pub fn tags(&self) -> &TagStore {
        &self.tags
    }

    /// Calls, the innermost first.
    pub fn calls(&self, subject: &Subject) -> Vec<Call> {
        let call = |active: &Active| Call {
            function: subject_function(subject, active).map_or("?", |function| &function.name).to_owned(),
            stop: Stop { file: active.file, span: active.span, kind: active.kind },
        };
        self.calls.iter().rev().map(call).collect()
    }

    /// By the order of [`Snapshot::calls`].
    fn active(&self, call: usize) -> Option<&Active> {
        self.calls.iter().rev().nth(call)
    }

    /// Variables of a call that have been declared.
    pub fn variables(&self, subject: &Subject, call: usize) -> Vec<Shown> {
        let Some(active) = self.active(call) else { return Vec::new() };
        let Some(function) = subject_function(subject, active) else { return Vec::new() };
        // A later variable of the same name hides the one before.
        let mut shown: BTreeMap<&str, (usize, Shown)> = BTreeMap::new();
        for (place, local) in function.locals.iter().enumerate() {
            let is_parameter = place < function.parameters as usize;
            let declared = is_parameter || local.span.start < active.span.start || inside(local.span, active);
            let value = self.slots.get(active.base + place).filter(|value| **value != Datum::Unit);
            if let Some(value) = value.filter(|_| declared) {
                let of = Shown::of(&local.name, value, &local.ty, &self.ports);
                shown.insert(&local.name, (place, of));
            }
        }
        let mut shown: Vec<_> = shown.into_values().collect();
        shown.sort_by_key(|(place, _)| *place);
        shown.into_iter().map(|(_, shown)| shown).collect()
    }

    /// What `this` is in a call.
    pub fn this(&self, subject: &Subject, call: usize) -> Option<Shown> {
        let active = self.active(call)?;
        let ty = subject_function(subject, active)?.this.as_ref()?;
        Some(Shown::of("this", self.datum(active.this.as_ref()?)?, ty, &self.ports))
    }

    fn datum(&self, reference: &Reference) -> Option<&Datum> {
        reference.find(&self.slots)
    }

    /// Tags of some kinds, as the program sees them.
    pub fn shown_tags(&self, subject: &Subject, kinds: &[TagKind]) -> Vec<Shown> {
        let tags = subject.outside.tags.iter().filter(|tag| kinds.contains(&tag.kind));
        tags.map(|tag| shown_tag(tag, &self.tags)).collect()
    }

    /// Parameters.
    pub fn shown_parameters(&self, subject: &Subject) -> Vec<Shown> {
        let pairs = subject.outside.parameters.iter().zip(&self.parameters);
        pairs.map(|(parameter, value)| Shown::scalar(&parameter.name, *value)).collect()
    }

    /// What is behind `sys.`.
    pub fn shown_facts(&self, subject: &Subject) -> Vec<Shown> {
        let unit = self.ports.unit(subject.outside.program_index);
        let text = |name: &str, text: &str| Shown::leaf(name, format!("{text:?}"), "text");
        vec![
            Shown::leaf("cycle", self.sys.cycle.to_string(), "i64"),
            Shown::scalar("time", Value::I64(self.sys.time_ns)),
            Shown::scalar("dt", Value::F64(seconds_from_ns(self.sys.dt_ns))),
            Shown::scalar("first_cycle", Value::Bool(self.sys.first_cycle)),
            text("mode", unit.mode.name()),
            text("state", unit.state.name()),
        ]
    }

    /// The value of an expression. What it would change is changed in a copy.
    ///
    /// # Errors
    /// What it fails at, as a text.
    pub fn evaluate(&self, subject: &Subject, expression: &Expression) -> Result<Shown, String> {
        let datum = self.datum_of(subject, expression)?;
        Ok(Shown::of(expression.text(), &datum, expression.ty(), &self.ports))
    }

    /// The value of a condition.
    ///
    /// # Errors
    /// What it fails at, or that it is no condition.
    pub fn holds(&self, subject: &Subject, expression: &Expression) -> Result<bool, String> {
        match self.datum_of(subject, expression)? {
            Datum::Scalar(Value::Bool(holds)) => Ok(holds),
            _ => Err(format!(
                "`{}` is no condition: expected bool, got {}",
                expression.text(),
                expression.ty()
            )),
        }
    }

    fn datum_of(&self, subject: &Subject, expression: &Expression) -> Result<Datum, String> {
        let active = self.active(expression.call()).ok_or("there is no such call")?;
        let (function, value) = expression.place().ok_or("the expression has no place")?;
        let locals = |place: &Option<usize>| {
            let value = place.and_then(|place| self.slots.get(active.base + place));
            value.cloned().unwrap_or(Datum::Unit)
        };
        let locals: Vec<Datum> = expression.locals().iter().map(locals).collect();
        let (mut tags, mut ports) = (self.tags.clone(), self.ports.clone());
        let world = World { tags: &mut tags, parameters: &self.parameters, ports: &mut ports, sys: self.sys };
        let environment = subject.outside.get();
        let (hir, constants) = expression.program();
        let limit = crate::evaluate::STEPS_MAX;
        let evaluator = Evaluator::of_cycle(hir, constants, &environment, world, limit);
        let given = (locals, active.this.clone());
        evaluator.value(function, value, self.slots.clone(), given).map_err(|failed| failed.raised.text)
    }

    /// Where a call is.
    pub(super) fn place(&self, call: usize) -> Option<(FunctionId, Stop)> {
        let active = self.active(call)?;
        let stop = Stop { file: active.file, span: active.span, kind: active.kind };
        Some((active.function?, stop))
    }
}

/// The variable of a loop that another turn of is at hand.
fn inside(span: Span, active: &Active) -> bool {
    active.kind == Kind::Turn && active.span.start <= span.start && span.end <= active.span.end
}

fn subject_function<'s>(subject: &'s Subject, active: &Active) -> Option<&'s Function> {
    subject.function(active.function?)
}

fn shown_tag(tag: &Tag, store: &TagStore) -> Shown {
    let name = tag.name.clone();
    let kind = match &tag.unit {
        Some(unit) => format!("{} {unit}", tag.scalar.name()),
        None => tag.scalar.name().to_owned(),
    };
    let value = |slot: u32| match store.valid(slot) {
        true => literal(store.value(slot)),
        false => format!("{} (invalid)", literal(store.value(slot))),
    };
    match tag.array_len {
        None => Shown::leaf(name, value(tag.slot), kind),
        Some(len) => {
            let part = |index: u32| Shown::leaf(format!("[{index}]"), value(tag.slot + index), kind.clone());
            Shown {
                parts: (0..len).map(part).collect(),
                ..Shown::leaf(name, format!("{len} elements"), kind.clone())
            }
        }
    }
}
