//! Expressions.

use super::Flow;
use crate::{
    hir::{
        AxisCall, AxisDirection, AxisName, BinaryOperator, Block, ExprId, ExprKind, FaultName, Place, Switch,
        Type, UnaryOperator,
    },
    ranges::{
        facts::Site,
        float::{Comparison, FloatRange},
        int::{Checked, IntRange},
        library,
        outside::words,
        paths::{Base, Part, Path},
        value::{Known, Shape, Symbols},
    },
};
use sensai_stdlib::registry::{self, handle};

impl Flow<'_, '_> {
    /// Evaluate an expression.
    pub(super) fn expr(&mut self, id: ExprId) -> Shape {
        if !self.alive {
            return Shape::Any;
        }
        self.analysis.steps += 1;
        if let Some(facts) = self.facts() {
            facts.reach(id);
        }
        let function = self.function;
        let expr = function.expr(id);
        self.analysis.nesting += 1;
        let shape = self.kind(id, &expr.kind, &expr.ty);
        self.analysis.nesting -= 1;
        if !self.alive {
            return Shape::Any;
        }
        let known = match &shape {
            Shape::Scalar(known) => Some(known.clone()),
            _ => Known::any(&expr.ty),
        };
        if let (Some(facts), Some(known)) = (self.facts(), &known) {
            facts.value(id, known);
        }
        if let Some(value) = self.values.get_mut(id.index()) {
            *value = known;
        }
        shape
    }

    /// Evaluate a scalar or text.
    pub(super) fn scalar(&mut self, id: ExprId) -> Known {
        let shape = self.expr(id);
        shape.scalar(&self.function.expr(id).ty).unwrap_or(Known::BOOL)
    }

    pub(super) fn int(&mut self, id: ExprId) -> IntRange {
        self.scalar(id).int().unwrap_or(IntRange::ALL)
    }

    fn all(&mut self, ids: &[ExprId]) -> Vec<Known> {
        ids.iter().map(|id| self.scalar(*id)).collect()
    }

    /// What arguments were that are evaluated.
    pub(super) fn given(&self, ids: &[ExprId]) -> Vec<Known> {
        let any = |id: &ExprId| Known::any(&self.function.expr(*id).ty).unwrap_or(Known::BOOL);
        ids.iter().map(|id| self.value(*id).cloned().unwrap_or_else(|| any(id))).collect()
    }

    fn kind(&mut self, id: ExprId, kind: &ExprKind, ty: &Type) -> Shape {
        let known = match kind {
            ExprKind::Literal(value) => Some(Known::of(*value)),
            ExprKind::Symbol(symbol) => Some(Known::Symbol(Symbols::of(*symbol))),
            ExprKind::Read(place) => {
                return match self.place(place) {
                    super::places::Found::Path(path) if self.alive => self.read(&path, ty),
                    super::places::Found::Path(_) => Shape::Any,
                    super::places::Found::Value(shape) => shape,
                };
            }
            ExprKind::Tag { tag, quality } => {
                let path = self.tag(tag);
                if *quality { Some(Known::BOOL) } else { self.known(&path, ty) }
            }
            ExprKind::Parameter(parameter) => self.known(&Path::base(Base::Parameter(*parameter)), ty),
            ExprKind::Sys(fact) => Some(self.analysis.outside.sys(*fact)),
            ExprKind::Unary(operator, operand) => self.unary(id, *operator, *operand),
            ExprKind::Binary(operator, left, right) => {
                let (a, b) = (self.scalar(*left), self.scalar(*right));
                if !self.alive {
                    return Shape::Any;
                }
                let checked = binary(*operator, &a, &b);
                let holds = checked.holds;
                let result = self.check(id, Site::Operation, checked);
                if let (false, Some(result)) = (holds, &result) {
                    self.learn(id, result);
                    self.learn_divisor(*operator, *left, *right);
                }
                result
            }
            ExprKind::Logic { and, left, right } => self.logic(*and, *left, *right),
            ExprKind::If { condition, then, otherwise } => {
                return self.branch(*condition, then, otherwise.as_ref());
            }
            ExprKind::Switch(switch) => return self.switch(switch),
            ExprKind::Block(block) => return self.block(block),
            ExprKind::Library(function, arguments) => {
                let arguments = self.all(arguments);
                if !self.alive {
                    return Shape::Any;
                }
                let checked = library::call(function, &arguments);
                let holds = checked.holds;
                let result = self.check(id, Site::Operation, checked);
                if let (false, Some(result)) = (holds, &result) {
                    self.learn(id, result);
                }
                result
            }
            ExprKind::Call { function, receiver, arguments } => {
                return self.call(*function, receiver.as_ref(), arguments);
            }
            ExprKind::Method { block, method, arguments, .. } => {
                let place = self.place_for(block, arguments).0;
                if !self.alive {
                    return Shape::Any;
                }
                let given = self.given(arguments);
                self.method_arguments(id, method, &given);
                if let super::places::Found::Path(path) = place {
                    self.state.forget(&path, &self.analysis.paths);
                }
                method.result.and_then(|scalar| Known::any(&Type::scalar(scalar)))
            }
            ExprKind::Pin { block, of, pin } => {
                let place = self.place(block);
                let number = of.pins.iter().position(|other| other.name == pin.name);
                match (place, number) {
                    (super::places::Found::Path(path), Some(number)) => {
                        self.known(&path.with(Part::Pin(number as u32)), ty)
                    }
                    _ => None,
                }
            }
            ExprKind::AxisCommand { handle, command } => {
                self.command(handle, command);
                None
            }
            ExprKind::AxisProperty { handle, property } => {
                self.place(handle);
                match property.kind {
                    handle::Kind::Text => Some(words(self.analysis.hir, property.words)),
                    _ => None,
                }
            }
            ExprKind::Fresh(_) => Some(Known::BOOL),
            ExprKind::Request(_) => None,
            ExprKind::RequestNamed(_, name) | ExprKind::MakeAxis(AxisName::Text(name)) => {
                self.expr(*name);
                None
            }
            ExprKind::Len(place) => {
                self.place(place);
                match &place.ty {
                    Type::Array(array) => Some(Known::Int(IntRange::of(array.len.into()))),
                    _ => None,
                }
            }
            ExprKind::Fault(name) => {
                if let FaultName::Value(name) = name {
                    self.expr(*name);
                }
                self.die();
                None
            }
            ExprKind::Array(elements) => {
                let shapes: Vec<Shape> = elements.iter().map(|element| self.expr(*element)).collect();
                let element = shapes.into_iter().reduce(Shape::join);
                return element.map_or(Shape::Any, |element| Shape::Array(Box::new(element)));
            }
            ExprKind::Fill { value, .. } => return Shape::Array(Box::new(self.expr(*value))),
            ExprKind::Record(fields) => return self.record(ty, fields),
            ExprKind::MakeBlock { arguments, .. } => {
                self.all(arguments);
                None
            }
            ExprKind::MakeAxis(AxisName::Known(_)) => None,
        };
        known.map_or(Shape::Any, Shape::Scalar)
    }

    fn record(&mut self, ty: &Type, fields: &[(u32, ExprId)]) -> Shape {
        let Type::Record(record) = ty else { return Shape::Any };
        let mut shapes = vec![Shape::Any; record.fields().len()];
        for (index, value) in fields {
            let shape = self.expr(*value);
            if let Some(place) = shapes.get_mut(*index as usize) {
                *place = shape;
            }
        }
        Shape::Record(shapes)
    }

    fn unary(&mut self, id: ExprId, operator: UnaryOperator, operand: ExprId) -> Option<Known> {
        let given = self.scalar(operand);
        if !self.alive {
            return None;
        }
        match (operator, given) {
            (UnaryOperator::Negate, Known::Int(range)) => {
                let negated = range.negate();
                let checked = Checked { value: negated.value.map(Known::Int), holds: negated.holds };
                self.check(id, Site::Operation, checked)
            }
            (UnaryOperator::Negate, Known::Float(range)) => Some(Known::Float(range.negate())),
            (UnaryOperator::Not, Known::Bool { no, yes }) => Known::bools(yes, no),
            (_, given) => Some(given),
        }
    }

    fn logic(&mut self, and: bool, left: ExprId, right: ExprId) -> Option<Known> {
        let first = self.scalar(left);
        if !self.alive {
            return None;
        }
        let (decides, goes_on) = match first {
            Known::Bool { no, yes } if and => (no, yes),
            Known::Bool { no, yes } => (yes, no),
            _ => (true, true),
        };
        if let Some(value) = self.values.get_mut(right.index()) {
            *value = None;
        }
        if !goes_on {
            return Some(Known::truth(!and));
        }
        let decided = Known::truth(!and);
        let result = |second: Known, alive: bool| match (alive, decides) {
            (true, true) => second.join(&decided),
            (true, false) => Some(second),
            (false, _) => Some(decided.clone()),
        };
        if self.is_pure(right) {
            // Nothing is changed by it, and what is learnt of it holds only if it is asked.
            let mark = self.mark();
            self.assume(left, and);
            let second = self.scalar(right);
            let asked = self.alive;
            self.take_back(mark);
            if !asked && decides {
                self.assume(left, !and);
            } else if !asked {
                self.die();
            }
            return result(second, asked);
        }
        let before = if decides { self.point() } else { None };
        self.assume(left, and);
        let second = self.scalar(right);
        let result = result(second, self.alive);
        if decides {
            let after = self.point();
            self.resume(before);
            self.assume(left, !and);
            self.join(after);
        }
        result
    }

    fn branch(&mut self, condition: ExprId, then: &Block, otherwise: Option<&Block>) -> Shape {
        self.scalar(condition);
        let before = self.point();
        self.assume(condition, true);
        let mut result = self.alive.then_some(Shape::Any);
        if self.alive {
            let shape = self.block(then);
            result = self.alive.then_some(shape);
        }
        let after = self.point();
        self.resume(before);
        self.assume(condition, false);
        if let (true, Some(otherwise)) = (self.alive, otherwise) {
            let shape = self.block(otherwise);
            if self.alive {
                result = Some(match result {
                    Some(result) => result.join(shape),
                    None => shape,
                });
            }
        }
        self.join(after);
        result.unwrap_or(Shape::Any)
    }

    /// Arms that name values are asked before those with ranges; a value that is named is not asked again.
    fn switch(&mut self, switch: &Switch) -> Shape {
        let value = self.scalar(switch.value);
        let mut result: Option<Shape> = None;
        let mut after = None;
        // Whoever comes to the default, although an arm names the value: no guard held.
        let mut refused = None;
        let mut rest = Some(value.clone());
        // A guard that changes something may change what the value was read from.
        let mut steady = true;
        for ranges in [false, true] {
            for arm in &switch.arms {
                let patterns = arm.patterns.iter().filter(|pattern| is_range(pattern) == ranges);
                let patterns: Vec<Known> = patterns.filter_map(pattern_known).collect();
                let Some(wanted) = rest.as_ref().and_then(|rest| fitting(rest, &patterns)) else { continue };
                let Some(before) = self.point() else { continue };
                if steady {
                    self.learn(switch.value, &wanted);
                }
                let mut passed = None;
                if let (true, Some(guard)) = (self.alive, arm.guard) {
                    self.scalar(guard);
                    steady &= self.is_pure(guard);
                    let asked = self.point();
                    self.assume(guard, false);
                    passed = self.point();
                    self.resume(asked);
                    self.assume(guard, true);
                }
                if self.alive {
                    let shape = self.expr(arm.body);
                    if self.alive {
                        result = Some(result.map_or(shape.clone(), |result| result.join(shape)));
                        super::gather(&mut after, std::mem::take(&mut self.state));
                    }
                }
                // On with the values that the arm does not take, and with what its guard changed.
                self.resume(Some(before));
                if let Some(passed) = passed {
                    self.state.join(&passed);
                    super::gather(&mut refused, passed);
                } else if arm.guard.is_none() {
                    rest = rest.and_then(|rest| without(&rest, &patterns));
                }
            }
        }
        let left_over = match (&rest, self.alive) {
            (Some(rest), true) => {
                if steady {
                    self.learn(switch.value, rest);
                }
                self.point()
            }
            _ => None,
        };
        self.resume(left_over);
        self.join(refused);
        if let (true, Some(default)) = (self.alive, switch.default) {
            let shape = self.expr(default);
            if self.alive {
                result = Some(result.map_or(shape.clone(), |result| result.join(shape)));
            }
        }
        self.join(after);
        result.unwrap_or(Shape::Any)
    }

    /// Of a block: refused if one of them is not in its range.
    fn method_arguments(&mut self, id: ExprId, method: &registry::Method, given: &[Known]) {
        for (argument, given) in method.arguments.iter().zip(given) {
            let Some((low, high)) = argument.range else { continue };
            let range = Known::of(low).join(&Known::of(high));
            // NaN is in no range.
            if range.is_some_and(|range| given.meet(&range).is_none()) {
                self.check::<()>(id, Site::Operation, Checked::never());
                return;
            }
        }
        self.check(id, Site::Operation, Checked { value: Some(()), holds: false });
    }

    fn command(&mut self, handle: &Place, command: &AxisCall) {
        let numbers: &[ExprId] = match command {
            AxisCall::Reset
            | AxisCall::Home
            | AxisCall::Halt
            | AxisCall::Stop
            | AxisCall::ReleaseStop
            | AxisCall::Power(_) => &[],
            AxisCall::MoveVelocity(velocity) => &[*velocity],
            AxisCall::MoveAbsolute { position, velocity, .. } => &[*position, *velocity],
            AxisCall::MoveRelative { distance, velocity } => &[*distance, *velocity],
            AxisCall::Torque { torque, ramp } => &[*torque, *ramp],
        };
        let mut arguments = numbers.to_vec();
        match command {
            AxisCall::MoveAbsolute { direction: AxisDirection::Text(text), .. } => arguments.push(*text),
            AxisCall::Power(on) => arguments.push(*on),
            _ => {}
        }
        self.place_for(handle, &arguments);
        if arguments.iter().all(|argument| self.is_pure(*argument)) {
            for number in numbers {
                self.learn(*number, &Known::Float(FloatRange::FINITE));
            }
        }
    }
}

/// An operator on two values.
pub(super) fn binary(operator: BinaryOperator, a: &Known, b: &Known) -> Checked<Known> {
    if let Some(comparison) = Comparison::of(operator) {
        return Checked { value: compare(comparison, a, b), holds: true };
    }
    match (a, b) {
        (Known::Int(a), Known::Int(b)) => {
            let checked = a.operate(operator, *b);
            Checked { value: checked.value.map(Known::Int), holds: checked.holds }
        }
        (Known::Bool { no, yes }, Known::Bool { no: also_no, yes: also_yes }) => {
            let (no, yes) = match operator {
                BinaryOperator::And => (*no || *also_no, *yes && *also_yes),
                BinaryOperator::Or => (*no && *also_no, *yes || *also_yes),
                BinaryOperator::Xor => {
                    ((*no && *also_no) || (*yes && *also_yes), (*no && *also_yes) || (*yes && *also_no))
                }
                _ => (true, true),
            };
            Checked { value: Known::bools(no, yes), holds: true }
        }
        _ => match (a.float(), b.float()) {
            (Some(a), Some(b)) => Checked::sure(Known::Float(a.operate(operator, b))),
            _ => Checked { value: Some(a.clone()), holds: false },
        },
    }
}

/// How two values compare.
pub(in crate::ranges) fn compare(comparison: Comparison, a: &Known, b: &Known) -> Option<Known> {
    let (no, yes) = match (a, b) {
        (Known::Int(a), Known::Int(b)) => {
            (a.compared(comparison.negated(), *b).is_some(), a.compared(comparison, *b).is_some())
        }
        (Known::Bool { .. }, Known::Bool { .. }) | (Known::Symbol(_), Known::Symbol(_)) => {
            let same = a.meet(b).is_some();
            // Only what is one value on both sides cannot differ.
            let differ = a.without(b).is_some() || b.without(a).is_some();
            if comparison == Comparison::Equal { (differ, same) } else { (same, differ) }
        }
        _ => match (a.float(), b.float()) {
            (Some(a), Some(b)) => {
                (a.not_compared(comparison, b).is_some(), a.compared(comparison, b).is_some())
            }
            _ => (true, true),
        },
    };
    Known::bools(no, yes)
}

fn is_range(pattern: &crate::hir::Pattern) -> bool {
    matches!(pattern, crate::hir::Pattern::Range(..))
}

fn pattern_known(pattern: &crate::hir::Pattern) -> Option<Known> {
    match pattern {
        crate::hir::Pattern::Scalar(value) => Some(Known::of(*value)),
        crate::hir::Pattern::Symbol(symbol) => Some(Known::Symbol(Symbols::of(*symbol))),
        crate::hir::Pattern::Range(low, high) => IntRange::new(*low, *high).map(Known::Int),
    }
}

/// The values that one of the patterns fits.
fn fitting(value: &Known, patterns: &[Known]) -> Option<Known> {
    let parts = patterns.iter().filter_map(|pattern| value.meet(pattern));
    parts.reduce(|all, part| all.join(&part).unwrap_or(all))
}

/// The values that none of the patterns fits; more than that where they do not make one range.
fn without(value: &Known, patterns: &[Known]) -> Option<Known> {
    let mut rest = value.clone();
    // One pattern may lay bare the end that another one takes off.
    for _ in patterns {
        for pattern in patterns {
            rest = match (&rest, pattern) {
                (Known::Int(range), Known::Int(taken)) => Known::Int(beyond(*range, *taken)?),
                _ => rest.without(pattern)?,
            };
        }
        if patterns.len() > 64 {
            break;
        }
    }
    Some(rest)
}

/// Without what is taken, if that is at an end.
fn beyond(range: IntRange, taken: IntRange) -> Option<IntRange> {
    match (taken.low() <= range.low(), range.high() <= taken.high()) {
        (true, true) => None,
        (true, false) if taken.high() >= range.low() => IntRange::new(taken.high() + 1, range.high()),
        (false, true) if taken.low() <= range.high() => IntRange::new(range.low(), taken.low() - 1),
        _ => Some(range),
    }
}
