//! Operators on numbers and bools.
//!
//! What they give, and when they fault, is what the interpreter's `operators` say.

use super::{Emitter, Operand};
use crate::{
    hir::{BinaryOperator, ExprId, ExprKind, Place, Root, Type, UnaryOperator},
    native::{shims::Shim, sites::SiteKind},
    proofs::Check,
};
use cranelift_codegen::ir::{
    InstBuilder, Value as Ssa,
    condcodes::{FloatCC, IntCC},
    types,
};
use sensai_model::{FaultCode, Value};

impl Emitter<'_, '_> {
    pub(super) fn unary(&mut self, id: ExprId, operator: UnaryOperator, operand: ExprId) -> Option<Ssa> {
        let at = self.expr_of(id).at;
        let value = self.scalar(operand)?;
        Some(match (operator, self.type_of(operand)) {
            (UnaryOperator::Negate, Type::F64) => self.b.ins().fneg(value),
            (UnaryOperator::Negate, _) => {
                let can = self.integers(operand).is_none_or(|(low, _)| low == i64::MIN);
                if can && !self.proven(Check::Operation(id)) {
                    let smallest = self.b.ins().icmp_imm(IntCC::Equal, value, i64::MIN);
                    self.check(smallest, at, SiteKind::Negate, &[value]);
                }
                self.b.ins().ineg(value)
            }
            (UnaryOperator::Plus, _) => value,
            (UnaryOperator::Not, _) => self.b.ins().bxor_imm(value, 1),
        })
    }

    pub(super) fn binary(
        &mut self,
        id: ExprId,
        operator: BinaryOperator,
        left: ExprId,
        right: ExprId,
    ) -> Option<Ssa> {
        let (left_type, right_type) = (self.type_of(left), self.type_of(right));
        if matches!(left_type, Type::Symbol) {
            let first = self.expr(left)?;
            let first = self.keep(first, left_type, self.effects_of(right));
            let second = self.expr(right)?;
            let same = self.symbols_equal(first, second);
            return Some(match operator {
                BinaryOperator::NotEqual => self.b.ins().bxor_imm(same, 1),
                _ => same,
            });
        }
        let first = self.scalar(left)?;
        let second = self.scalar(right)?;
        let expr = self.expr_of(id);
        self.locate(expr.at);
        let operation = Operation {
            operator,
            at: expr.at,
            proven: self.proven(Check::Operation(id)),
            left: self.integers(left),
            right: self.integers(right),
        };
        Some(self.operate(operation, (first, left_type), (second, right_type)))
    }

    /// An operator on two scalars.
    pub(super) fn operate(&mut self, operation: Operation, left: (Ssa, &Type), right: (Ssa, &Type)) -> Ssa {
        match (left.1, right.1) {
            (Type::I64, Type::I64) => self.integer(operation, left.0, right.0),
            (Type::Bool, _) => self.boolean(operation.operator, left.0, right.0),
            _ => {
                let (left, right) = (self.float(left), self.float(right));
                self.floats(operation.operator, left, right)
            }
        }
    }

    fn float(&mut self, (value, ty): (Ssa, &Type)) -> Ssa {
        match ty {
            Type::I64 => {
                let float = self.b.ins().fcvt_from_sint(types::F64, value);
                self.canonical.insert(float);
                float
            }
            _ => value,
        }
    }

    fn boolean(&mut self, operator: BinaryOperator, left: Ssa, right: Ssa) -> Ssa {
        match operator {
            BinaryOperator::And => self.b.ins().band(left, right),
            BinaryOperator::Or => self.b.ins().bor(left, right),
            BinaryOperator::Equal => self.b.ins().icmp(IntCC::Equal, left, right),
            _ => self.b.ins().bxor(left, right),
        }
    }

    fn floats(&mut self, operator: BinaryOperator, left: Ssa, right: Ssa) -> Ssa {
        let compare = |emitter: &mut Self, how| emitter.b.ins().fcmp(how, left, right);
        match operator {
            BinaryOperator::Add => self.b.ins().fadd(left, right),
            BinaryOperator::Subtract => self.b.ins().fsub(left, right),
            BinaryOperator::Multiply => self.b.ins().fmul(left, right),
            BinaryOperator::Divide => self.b.ins().fdiv(left, right),
            BinaryOperator::Remainder => self.float_shim(Shim::Remainder, &[left, right]),
            BinaryOperator::Power => self.float_shim(Shim::Power, &[left, right]),
            BinaryOperator::Equal => compare(self, FloatCC::Equal),
            BinaryOperator::NotEqual => compare(self, FloatCC::NotEqual),
            BinaryOperator::Less => compare(self, FloatCC::LessThan),
            BinaryOperator::LessOrEqual => compare(self, FloatCC::LessThanOrEqual),
            BinaryOperator::Greater => compare(self, FloatCC::GreaterThan),
            // Bits of floats are refused where types are checked.
            _ => compare(self, FloatCC::GreaterThanOrEqual),
        }
    }

    /// Call a function on floats.
    pub(super) fn float_shim(&mut self, shim: Shim, arguments: &[Ssa]) -> Ssa {
        let result = self.call_shim(shim, arguments, Some(types::F64));
        result.unwrap_or_else(|| self.b.ins().f64const(0.0))
    }

    fn integer(&mut self, operation: Operation, left: Ssa, right: Ssa) -> Ssa {
        let compare = |emitter: &mut Self, how| emitter.b.ins().icmp(how, left, right);
        match operation.operator {
            BinaryOperator::Add => self.add(operation, left, right),
            BinaryOperator::Subtract => self.subtract(operation, left, right),
            BinaryOperator::Multiply => self.multiply(operation, left, right),
            BinaryOperator::Divide | BinaryOperator::Remainder => self.divide(operation, left, right),
            BinaryOperator::Power => self.power(operation, left, right),
            BinaryOperator::ShiftLeft => self.shift(operation, left, right, true),
            BinaryOperator::ShiftRight => self.shift(operation, left, right, false),
            BinaryOperator::And => self.b.ins().band(left, right),
            BinaryOperator::Or => self.b.ins().bor(left, right),
            BinaryOperator::Xor => self.b.ins().bxor(left, right),
            BinaryOperator::Equal => compare(self, IntCC::Equal),
            BinaryOperator::NotEqual => compare(self, IntCC::NotEqual),
            BinaryOperator::Less => compare(self, IntCC::SignedLessThan),
            BinaryOperator::LessOrEqual => compare(self, IntCC::SignedLessThanOrEqual),
            BinaryOperator::Greater => compare(self, IntCC::SignedGreaterThan),
            BinaryOperator::GreaterOrEqual => compare(self, IntCC::SignedGreaterThanOrEqual),
        }
    }

    fn overflows(&mut self, operation: Operation, bad: Ssa, left: Ssa, right: Ssa) {
        let kind = SiteKind::Binary(operation.operator, FaultCode::Overflow);
        self.check(bad, operation.at, kind, &[left, right]);
    }

    fn add(&mut self, operation: Operation, left: Ssa, right: Ssa) -> Ssa {
        if !self.unit.checks || operation.proven || operation.fits(|a, b| a + b) {
            return self.b.ins().iadd(left, right);
        }
        // Against a number that is known, the comparison of the sum with the other one says it.
        for (known, other) in [(operation.right, left), (operation.left, right)] {
            if let Some(number) = known.and_then(Operation::single) {
                let sum = self.b.ins().iadd_imm(other, number);
                let how = if number < 0 { IntCC::SignedGreaterThan } else { IntCC::SignedLessThan };
                let bad = self.b.ins().icmp(how, sum, other);
                self.overflows(operation, bad, left, right);
                return sum;
            }
        }
        let (sum, bad) = self.b.ins().sadd_overflow(left, right);
        self.overflows(operation, bad, left, right);
        sum
    }

    fn subtract(&mut self, operation: Operation, left: Ssa, right: Ssa) -> Ssa {
        if !self.unit.checks || operation.proven || operation.fits(|a, b| a - b) {
            return self.b.ins().isub(left, right);
        }
        if let Some(number) = operation.right.and_then(Operation::single) {
            let difference = self.b.ins().isub(left, right);
            let how = if number < 0 { IntCC::SignedLessThan } else { IntCC::SignedGreaterThan };
            let bad = self.b.ins().icmp(how, difference, left);
            self.overflows(operation, bad, left, right);
            return difference;
        }
        let (difference, bad) = self.b.ins().ssub_overflow(left, right);
        self.overflows(operation, bad, left, right);
        difference
    }

    fn multiply(&mut self, operation: Operation, left: Ssa, right: Ssa) -> Ssa {
        if !self.unit.checks || operation.proven || operation.fits(|a, b| a * b) {
            return self.b.ins().imul(left, right);
        }
        let (product, bad) = self.b.ins().smul_overflow(left, right);
        self.overflows(operation, bad, left, right);
        product
    }

    fn divide(&mut self, operation: Operation, left: Ssa, right: Ssa) -> Ssa {
        let remainder = operation.operator == BinaryOperator::Remainder;
        let apply = |emitter: &mut Self, divisor| match remainder {
            true => emitter.b.ins().srem(left, divisor),
            false => emitter.b.ins().sdiv(left, divisor),
        };
        let harmless = operation.right.is_some_and(|(low, high)| low > 0 || high < -1);
        if !self.unit.checks || harmless {
            return apply(self, right);
        }
        // Both divisors that can fault are told by one comparison.
        let (odd, normal, on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        self.b.append_block_param(on, types::I64);
        let raised = self.b.ins().iadd_imm(right, 1);
        let special = self.b.ins().icmp_imm(IntCC::UnsignedLessThanOrEqual, raised, 1);
        self.b.ins().brif(special, odd, &[], normal, &[]);
        self.b.seal_block(odd);
        self.b.seal_block(normal);
        self.b.switch_to_block(odd);
        if !operation.proven {
            let zero = self.b.ins().icmp_imm(IntCC::Equal, right, 0);
            let kind = SiteKind::Binary(operation.operator, FaultCode::DivisionByZero);
            self.check(zero, operation.at, kind, &[left, right]);
            let smallest = self.b.ins().icmp_imm(IntCC::Equal, left, i64::MIN);
            self.overflows(operation, smallest, left, right);
        }
        let negated = match remainder {
            true => self.b.ins().iconst(types::I64, 0),
            false => self.b.ins().ineg(left),
        };
        self.b.ins().jump(on, &[negated.into()]);
        self.b.switch_to_block(normal);
        let result = apply(self, right);
        self.b.ins().jump(on, &[result.into()]);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        self.b.block_params(on).first().copied().unwrap_or(result)
    }

    fn power(&mut self, operation: Operation, base: Ssa, exponent: Ssa) -> Ssa {
        match operation.right.and_then(Operation::single) {
            Some(0) => return self.b.ins().iconst(types::I64, 1),
            Some(1) => return base,
            Some(times @ (2 | 3)) if self.unit.checks && !operation.proven => {
                let mut product = base;
                for _ in 1..times {
                    let (next, bad) = self.b.ins().smul_overflow(product, base);
                    self.overflows(operation, bad, base, exponent);
                    product = next;
                }
                return product;
            }
            _ => {}
        }
        if operation.right.is_none_or(|(low, _)| low < 0) {
            let negative = self.b.ins().icmp_imm(IntCC::SignedLessThan, exponent, 0);
            let kind = SiteKind::Binary(BinaryOperator::Power, FaultCode::OutOfRange);
            self.check(negative, operation.at, kind, &[base, exponent]);
        }
        let word = self.word();
        let result = self.b.ins().stack_addr(types::I64, word, 0);
        let bad = self.call_shim(Shim::PowerInt, &[base, exponent, result], Some(types::I32));
        if let Some(bad) = bad {
            self.overflows(operation, bad, base, exponent);
        }
        self.b.ins().stack_load(types::I64, word, 0)
    }

    /// As in Rhai 1.27: by a negative number shifts the other way; by 64 and more shifts everything out to the left, and
    /// by 63 to the right.
    fn shift(&mut self, operation: Operation, value: Ssa, by: Ssa, left: bool) -> Ssa {
        if let Some((low, high)) = operation.right
            && (0..64).contains(&low)
            && high < 64
        {
            return if left { self.b.ins().ishl(value, by) } else { self.b.ins().sshr(value, by) };
        }
        let zero = self.b.ins().iconst(types::I64, 0);
        let negative = self.b.ins().icmp_imm(IntCC::SignedLessThan, by, 0);
        // The smallest number stays itself, and is as large as an unsigned one.
        let negated = self.b.ins().ineg(by);
        let distance = self.b.ins().select(negative, negated, by);
        let far = self.b.ins().icmp_imm(IntCC::UnsignedGreaterThanOrEqual, distance, 64);
        let up = self.b.ins().ishl(value, distance);
        let up = self.b.ins().select(far, zero, up);
        let most = self.b.ins().iconst(types::I64, 63);
        let capped = self.b.ins().select(far, most, distance);
        let down = self.b.ins().sshr(value, capped);
        match left {
            true => self.b.ins().select(negative, down, up),
            false => self.b.ins().select(negative, up, down),
        }
    }

    /// Smallest and largest value of an expression, as far as that is plain or proven.
    pub(super) fn integers(&self, id: ExprId) -> Option<(i64, i64)> {
        let expr = self.expr_of(id);
        if !matches!(expr.ty, Type::I64) {
            return None;
        }
        let plain = match &expr.kind {
            ExprKind::Literal(Value::I64(value)) => Some((*value, *value)),
            ExprKind::Read(Place { root: Root::Local(local), path, .. }) if path.is_empty() => {
                self.frame.ranges.get(local).copied()
            }
            ExprKind::Binary(operator, left, right) => self.integers_of(*operator, *left, *right),
            ExprKind::Unary(UnaryOperator::Negate, operand) => {
                let (low, high) = self.integers(*operand)?;
                Some((high.checked_neg()?, low.checked_neg()?))
            }
            _ => None,
        };
        match (plain, self.unit.proofs.integers(self.frame.id, id)) {
            (Some((a, b)), Some((c, d))) => Some((a.max(c), b.min(d))),
            (one, other) => one.or(other),
        }
    }

    fn integers_of(&self, operator: BinaryOperator, left: ExprId, right: ExprId) -> Option<(i64, i64)> {
        let operation = Operation {
            operator,
            at: 0,
            proven: false,
            left: self.integers(left),
            right: self.integers(right),
        };
        match operator {
            BinaryOperator::Add => operation.range(|a, b| a + b),
            BinaryOperator::Subtract => operation.range(|a, b| a - b),
            BinaryOperator::Multiply => operation.range(|a, b| a * b),
            BinaryOperator::Remainder => {
                let most = operation.right.and_then(Operation::single).filter(|most| *most > 0)? - 1;
                let negative = operation.left.is_none_or(|(low, _)| low < 0);
                Some((if negative { -most } else { 0 }, most))
            }
            BinaryOperator::And => {
                let mask = operation.right.and_then(Operation::single).filter(|mask| *mask >= 0)?;
                Some((0, mask))
            }
            _ => None,
        }
    }

    /// Left side of `&&` and `||`, and the right one if that does not decide.
    pub(super) fn logic(&mut self, and: bool, left: ExprId, right: ExprId) -> Option<Ssa> {
        let first = self.scalar(left)?;
        if self.is_cheap(right, 6).is_some() {
            let second = self.scalar(right)?;
            return Some(match and {
                true => self.b.ins().band(first, second),
                false => self.b.ins().bor(first, second),
            });
        }
        self.flush();
        let (more, done) = (self.b.create_block(), self.b.create_block());
        self.b.append_block_param(done, types::I8);
        match and {
            true => self.b.ins().brif(first, more, &[], done, &[first.into()]),
            false => self.b.ins().brif(first, done, &[first.into()], more, &[]),
        };
        self.b.seal_block(more);
        self.b.switch_to_block(more);
        let known = self.known.clone();
        if let Some(second) = self.scalar(right) {
            self.flush();
            self.b.ins().jump(done, &[second.into()]);
        }
        self.known.meet(&known);
        self.b.seal_block(done);
        self.b.switch_to_block(done);
        self.b.block_params(done).first().copied()
    }

    /// Steps left if an expression can be evaluated although nobody may need it: it is short, and cannot fault.
    pub(super) fn is_cheap(&self, id: ExprId, steps: u32) -> Option<u32> {
        let steps = steps.checked_sub(1)?;
        match &self.expr_of(id).kind {
            ExprKind::Literal(_) | ExprKind::Symbol(_) | ExprKind::Parameter(_) | ExprKind::Sys(_) => {
                Some(steps)
            }
            ExprKind::Read(place) => {
                let plain = place.path.iter().all(|step| matches!(step, crate::hir::Step::Field { .. }));
                (plain && !matches!(place.root, Root::Value(_))).then_some(steps)
            }
            ExprKind::Tag { tag, quality } => {
                let array = self.unit.tags.get(tag.tag as usize).is_some_and(|tag| tag.array_len.is_some());
                (tag.index.is_none() && !(array && *quality)).then_some(steps)
            }
            ExprKind::Unary(UnaryOperator::Not, operand) => self.is_cheap(*operand, steps),
            ExprKind::Binary(operator, left, right)
                if operator.compares() || matches!(self.type_of(*left), Type::Bool) =>
            {
                self.is_cheap(*right, self.is_cheap(*left, steps)?)
            }
            ExprKind::Logic { left, right, .. } => self.is_cheap(*right, self.is_cheap(*left, steps)?),
            ExprKind::Pin { block, of, pin } => {
                let plain = block.path.iter().all(|step| matches!(step, crate::hir::Step::Field { .. }));
                (plain && !matches!(block.root, Root::Value(_)) && super::blocks::pin_is_plain(of, pin))
                    .then_some(steps)
            }
            _ => None,
        }
    }

    /// The operator of `place op= value`.
    pub(super) fn combine(
        &mut self,
        operator: BinaryOperator,
        at: u32,
        (old, old_type): (Ssa, &Type),
        value: (Operand, ExprId),
    ) -> Ssa {
        let (operand, right) = value;
        let Operand::Scalar(new) = operand else { return old };
        let operation = Operation {
            operator,
            at,
            proven: self.proven(Check::Assignment(right)),
            left: None,
            right: self.integers(right),
        };
        self.locate(at);
        self.operate(operation, (old, old_type), (new, self.type_of(right)))
    }
}

/// An operator and what is known of its operands.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    pub operator: BinaryOperator,
    /// Where a fault is reported.
    pub at: u32,
    /// It cannot fault.
    pub proven: bool,
    pub left: Option<(i64, i64)>,
    pub right: Option<(i64, i64)>,
}

impl Operation {
    fn single((low, high): (i64, i64)) -> Option<i64> {
        (low == high).then_some(low)
    }

    /// What the operation can give, if it fits.
    fn range(self, apply: impl Fn(i128, i128) -> i128) -> Option<(i64, i64)> {
        let ((a, b), (c, d)) = (self.left?, self.right?);
        let ends = [(a, c), (a, d), (b, c), (b, d)].map(|(x, y)| apply(x.into(), y.into()));
        let low = ends.iter().min().and_then(|low| i64::try_from(*low).ok())?;
        let high = ends.iter().max().and_then(|high| i64::try_from(*high).ok())?;
        Some((low, high))
    }

    fn fits(self, apply: impl Fn(i128, i128) -> i128) -> bool {
        self.range(apply).is_some()
    }
}
