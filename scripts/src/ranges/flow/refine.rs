//! What a condition that holds, or a check that did not fault, says about the places that went into it.
//!
//! Only of expressions without effects: there, nothing was changed since its operands were read.

use super::Flow;
use crate::{
    hir::{BinaryOperator, ExprId, ExprKind, Place, Root, Step, Type, UnaryOperator},
    ranges::{
        float::{Comparison, FloatRange},
        int::IntRange,
        paths::{Base, Path},
        value::Known,
    },
};

/// How far down operands are asked.
const DEPTH_MAX: u32 = 8;

/// Whole numbers up to here are the same as `i64` and as `f64`.
const EXACT: i64 = 1 << 53;

impl Flow<'_, '_> {
    /// Evaluating it changes nothing.
    pub(super) fn is_pure(&mut self, id: ExprId) -> bool {
        let known =
            self.analysis.pure.get(self.id.index()).and_then(|pure| pure.get(id.index()).copied().flatten());
        if let Some(pure) = known {
            return pure;
        }
        let function = self.function;
        let pure = match &function.expr(id).kind {
            ExprKind::Literal(_)
            | ExprKind::Symbol(_)
            | ExprKind::Parameter(_)
            | ExprKind::Sys(_)
            | ExprKind::Fresh(_) => true,
            ExprKind::Read(place) | ExprKind::Len(place) | ExprKind::Pin { block: place, .. } => {
                self.is_pure_place(place)
            }
            ExprKind::Tag { tag, .. } => tag.index.is_none_or(|index| self.is_pure(index)),
            ExprKind::Unary(_, operand) => self.is_pure(*operand),
            ExprKind::Binary(_, left, right) | ExprKind::Logic { left, right, .. } => {
                self.is_pure(*left) && self.is_pure(*right)
            }
            ExprKind::Library(_, arguments) => arguments.iter().all(|argument| self.is_pure(*argument)),
            _ => false,
        };
        let memo = self.analysis.pure.get_mut(self.id.index()).and_then(|all| all.get_mut(id.index()));
        if let Some(memo) = memo {
            *memo = Some(pure);
        }
        pure
    }

    fn is_pure_place(&mut self, place: &Place) -> bool {
        let steps = place.path.iter().all(|step| match step {
            Step::Field { .. } => true,
            Step::Index { index, .. } => self.is_pure(*index),
        });
        steps && !matches!(place.root, Root::Value(_))
    }

    /// A condition that was evaluated just before is true, or is false.
    pub(super) fn assume(&mut self, condition: ExprId, holds: bool) {
        if !self.alive {
            return;
        }
        if self.value(condition).and_then(Known::single_bool) == Some(!holds) {
            self.die();
            return;
        }
        if self.is_pure(condition) {
            self.suppose(condition, holds, DEPTH_MAX);
        }
    }

    fn suppose(&mut self, condition: ExprId, holds: bool, depth: u32) {
        // Without a value it was not evaluated: the other side decided.
        if !self.alive || depth == 0 || self.value(condition).is_none() {
            return;
        }
        let function = self.function;
        match &function.expr(condition).kind {
            ExprKind::Unary(UnaryOperator::Not, operand) => self.suppose(*operand, !holds, depth - 1),
            ExprKind::Logic { and, left, right } if *and == holds => {
                self.suppose(*left, holds, depth - 1);
                self.suppose(*right, holds, depth - 1);
            }
            ExprKind::Logic { left, right, .. } => {
                let mark = self.mark();
                self.suppose(*left, holds, depth - 1);
                let decided = if self.alive { Some(self.learnt_since(&mark)) } else { None };
                self.take_back(mark);
                let mark = self.mark();
                self.suppose(*left, !holds, depth - 1);
                // If the left side cannot let it through, the right one was never asked.
                if self.value(*left).and_then(Known::single_bool) == Some(holds) {
                    self.die();
                }
                self.suppose(*right, holds, depth - 1);
                self.join_learnt(mark, decided);
            }
            ExprKind::Binary(operator, left, right) => {
                if let Some(comparison) = Comparison::of(*operator) {
                    self.compare(comparison, *left, *right, holds, depth);
                }
            }
            ExprKind::Library(called, arguments) => match (called.name, arguments.as_slice()) {
                ("is_finite", [argument]) if holds => {
                    self.narrow(*argument, &Known::Float(FloatRange::FINITE), depth - 1);
                }
                ("is_nan", [argument]) => {
                    let numbers =
                        FloatRange::new(f64::NEG_INFINITY, f64::INFINITY).unwrap_or(FloatRange::ALL);
                    let range = if holds { FloatRange::NAN } else { numbers };
                    self.narrow(*argument, &Known::Float(range), depth - 1);
                }
                _ => {}
            },
            _ => self.narrow(condition, &Known::truth(holds), depth - 1),
        }
    }

    fn compare(&mut self, comparison: Comparison, left: ExprId, right: ExprId, holds: bool, depth: u32) {
        let (Some(a), Some(b)) = (self.value(left).cloned(), self.value(right).cloned()) else { return };
        for (expr, mine, other, comparison) in
            [(left, &a, &b, comparison), (right, &b, &a, comparison.swapped())]
        {
            match compared(mine, comparison, other, holds) {
                Some(known) => self.narrow(expr, &known, depth - 1),
                None => self.die(),
            }
        }
    }

    /// The value of an expression, as it was evaluated just before, is in `known`.
    pub(super) fn learn(&mut self, id: ExprId, known: &Known) {
        if self.is_pure(id) {
            self.narrow(id, known, DEPTH_MAX);
        }
    }

    /// A division was possible.
    pub(super) fn learn_divisor(&mut self, operator: BinaryOperator, left: ExprId, right: ExprId) {
        if !matches!(operator, BinaryOperator::Divide | BinaryOperator::Remainder)
            || !self.is_pure(left)
            || !self.is_pure(right)
        {
            return;
        }
        if let Some(rest) = self.value(right).and_then(Known::int).and_then(|divisor| divisor.without(0)) {
            self.narrow(right, &Known::Int(rest), DEPTH_MAX);
        }
    }

    fn narrow(&mut self, id: ExprId, known: &Known, depth: u32) {
        if !self.alive || depth == 0 {
            return;
        }
        let function = self.function;
        let expr = function.expr(id);
        match &expr.kind {
            ExprKind::Read(place) => {
                if let Some(path) = self.named(place) {
                    self.narrow_path(&path, &expr.ty, known);
                }
            }
            ExprKind::Tag { tag, quality: false } => {
                let path = self.tag_path(tag);
                self.narrow_path(&path, &expr.ty, known);
            }
            ExprKind::Parameter(parameter) => {
                self.narrow_path(&Path::base(Base::Parameter(*parameter)), &expr.ty, known);
            }
            ExprKind::Unary(UnaryOperator::Plus, operand) => self.narrow(*operand, known, depth - 1),
            ExprKind::Unary(UnaryOperator::Negate, operand) => match known {
                Known::Int(range) => match range.negate().value {
                    Some(range) => self.narrow(*operand, &Known::Int(range), depth - 1),
                    None => self.die(),
                },
                Known::Float(range) => self.narrow(*operand, &Known::Float(range.negate()), depth - 1),
                _ => {}
            },
            ExprKind::Unary(UnaryOperator::Not, operand) => {
                if let Some(holds) = known.single_bool() {
                    self.suppose(*operand, !holds, depth - 1);
                }
            }
            ExprKind::Binary(operator, left, right) => {
                if let Known::Int(range) = known {
                    self.narrow_operands(*operator, *left, *right, *range, depth);
                }
            }
            ExprKind::Library(called, arguments) => {
                self.narrow_arguments(called.name, arguments, known, depth)
            }
            _ => {}
        }
    }

    /// Of integers: what came out did so without a fault.
    fn narrow_operands(
        &mut self,
        operator: BinaryOperator,
        left: ExprId,
        right: ExprId,
        range: IntRange,
        depth: u32,
    ) {
        let int = |id| {
            self.value(id).and_then(|known| if let Known::Int(range) = known { Some(*range) } else { None })
        };
        let (Some(a), Some(b)) = (int(left), int(right)) else { return };
        let (from_left, from_right) = match operator {
            BinaryOperator::Add => (
                range.operate(BinaryOperator::Subtract, b).value,
                range.operate(BinaryOperator::Subtract, a).value,
            ),
            BinaryOperator::Subtract => (
                range.operate(BinaryOperator::Add, b).value,
                a.operate(BinaryOperator::Subtract, range).value,
            ),
            BinaryOperator::Multiply => {
                let by = |factor: IntRange| match factor.single() {
                    Some(factor) => range.divided_by(factor),
                    None => Some(IntRange::ALL),
                };
                (by(b), by(a))
            }
            _ => return,
        };
        for (id, narrowed) in [(left, from_left), (right, from_right)] {
            match narrowed {
                Some(range) => self.narrow(id, &Known::Int(range), depth - 1),
                None => self.die(),
            }
        }
    }

    fn narrow_arguments(&mut self, name: &str, arguments: &[ExprId], known: &Known, depth: u32) {
        match (name, arguments, known) {
            ("abs", [x], Known::Int(range)) => {
                let most = range.high().max(0);
                self.narrow(*x, &Known::Int(IntRange::between(-most, most)), depth - 1);
            }
            ("abs", [x], Known::Float(range)) => {
                if let Some(both) = FloatRange::new(-range.high(), range.high()) {
                    let both = both.with_nan(range.may_be_nan());
                    self.narrow(*x, &Known::Float(both), depth - 1);
                }
            }
            ("min" | "max", [_, _], Known::Int(range)) => {
                let (low, high) =
                    if name == "min" { (range.low(), i64::MAX) } else { (i64::MIN, range.high()) };
                for argument in arguments {
                    self.narrow(*argument, &Known::Int(IntRange::between(low, high)), depth - 1);
                }
            }
            ("min" | "max", [_, _], Known::Float(range)) if !range.may_be_nan() => {
                let (low, high) = if name == "min" {
                    (range.low(), f64::INFINITY)
                } else {
                    (f64::NEG_INFINITY, range.high())
                };
                if let Some(range) = FloatRange::new(low, high) {
                    for argument in arguments {
                        self.narrow(*argument, &Known::Float(range), depth - 1);
                    }
                }
            }
            ("to_float", [x], Known::Float(range)) => {
                if let Some(range) = whole(*range) {
                    self.narrow(*x, &Known::Int(range), depth - 1);
                }
            }
            ("to_int", [x], Known::Int(range)) => {
                // Whatever is cut off is less than one.
                let exact =
                    |value: i64| (value.unsigned_abs() < EXACT.unsigned_abs()).then_some(value as f64);
                let low = if range.low() > 0 {
                    exact(range.low())
                } else {
                    exact(range.low()).map(|low| (low - 1.0).next_up())
                };
                let high = if range.high() < 0 {
                    exact(range.high())
                } else {
                    exact(range.high()).map(|high| (high + 1.0).next_down())
                };
                let (low, high) = (low.unwrap_or(f64::MIN), high.unwrap_or(f64::MAX));
                if let Some(range) = FloatRange::new(low, high) {
                    self.narrow(*x, &Known::Float(range), depth - 1);
                }
            }
            _ => {}
        }
    }

    fn narrow_path(&mut self, path: &Path, ty: &Type, known: &Known) {
        let Some(before) = self.known(path, ty) else { return };
        match before.meet(known) {
            None => self.die(),
            Some(now) if now != before && path.is_exact() => {
                let id = self.analysis.paths.number(path);
                self.know(id, Some(now));
            }
            Some(_) => {}
        }
    }
}

/// What one side of a comparison can be. `None`: it never comes out like that.
fn compared(mine: &Known, comparison: Comparison, other: &Known, holds: bool) -> Option<Known> {
    let really = if holds { comparison } else { comparison.negated() };
    match (mine, other) {
        (Known::Int(a), Known::Int(b)) => a.compared(really, *b).map(Known::Int),
        (Known::Float(a), Known::Float(_) | Known::Int(_)) => {
            let b = other.float()?;
            let range = if holds { a.compared(comparison, b) } else { a.not_compared(comparison, b) };
            range.map(Known::Float)
        }
        (Known::Int(a), Known::Float(b)) => {
            let converted = FloatRange::from_int(*a);
            let range = if holds {
                converted.compared(comparison, *b)
            } else {
                converted.not_compared(comparison, *b)
            };
            match whole(range?) {
                Some(range) => a.meet(range).map(Known::Int),
                None => Some(mine.clone()),
            }
        }
        _ if really == Comparison::Equal => mine.meet(other),
        _ if really == Comparison::NotEqual => mine.without(other),
        _ => Some(mine.clone()),
    }
}

/// The whole numbers that are in a range as floats. `None`: there are none, or nothing is known.
fn whole(range: FloatRange) -> Option<IntRange> {
    let numbers = range.numbers()?;
    let exact = EXACT as f64;
    // What is beyond the exact ones is rounded, either way; but never to the other side of them.
    let low = if numbers.low() > -exact { libm::ceil(numbers.low().min(exact)) as i64 } else { i64::MIN };
    let high = if numbers.high() < exact { libm::floor(numbers.high().max(-exact)) as i64 } else { i64::MAX };
    IntRange::new(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranges::testing;
    use proptest::prelude::*;

    proptest! {
        /// Also of numbers that no float is.
        #[test]
        fn a_number_that_is_in_a_range_as_a_float_is_among_its_whole_ones(
            (a, b) in (testing::float(), testing::float()),
            number in testing::int(),
            itself in any::<bool>(),
        ) {
            let (a, b) = if itself { (number as f64, number as f64) } else { (a, b) };
            prop_assume!(!a.is_nan() && !b.is_nan());
            let range = FloatRange::new(a.min(b), a.max(b)).expect("no end is no number");
            let float = number as f64;
            if range.low() <= float && float <= range.high() {
                let whole = whole(range).expect("there is one");
                prop_assert!(whole.low() <= number && number <= whole.high(), "{whole:?}");
            }
        }
    }
}
