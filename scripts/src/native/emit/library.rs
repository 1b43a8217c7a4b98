//! Functions of the library that are a few instructions. Each gives the bits that its Rust version gives; tests compare
//! the two.

use super::Emitter;
use crate::{
    hir::ExprId,
    native::{shims::Shim, sites::SiteKind},
    proofs::Check,
};
use cranelift_codegen::ir::{
    InstBuilder, Value as Ssa,
    condcodes::{FloatCC, IntCC},
    types,
};
use sensai_model::ScalarType;
use sensai_stdlib::registry::Function;

/// True if a function has arguments that it refuses.
pub(super) fn can_refuse(function: &Function) -> bool {
    let integers = function.arguments.first() == Some(&ScalarType::I64);
    match function.name {
        "clamp" | "to_int" | "scale" => true,
        "abs" | "pow" => integers,
        "sign" => !integers,
        _ => false,
    }
}

impl Emitter<'_, '_> {
    /// `None`: it is to be called.
    pub(super) fn library_in_place(
        &mut self,
        id: ExprId,
        function: &'static Function,
        arguments: &[ExprId],
        values: &[Ssa],
    ) -> Option<Ssa> {
        let integers = function.arguments.first() == Some(&ScalarType::I64);
        let refuse = |emitter: &mut Self, bad: Ssa| {
            if !emitter.proven(Check::Operation(id)) {
                let at = emitter.expr_of(id).at;
                emitter.check(bad, at, SiteKind::Library(function), values);
            }
        };
        let result = match (function.name, values) {
            ("min", [a, b]) if integers => self.b.ins().smin(*a, *b),
            ("max", [a, b]) if integers => self.b.ins().smax(*a, *b),
            // IEEE 754-2019 `minimum` and `maximum`, as the instructions are defined.
            ("min", [a, b]) => self.b.ins().fmin(*a, *b),
            ("max", [a, b]) => self.b.ins().fmax(*a, *b),
            ("clamp", [x, low, high]) if integers => {
                if !self.in_order(arguments.get(1), arguments.get(2)) {
                    let crossed = self.b.ins().icmp(IntCC::SignedGreaterThan, *low, *high);
                    refuse(self, crossed);
                }
                let raised = self.b.ins().smax(*x, *low);
                self.b.ins().smin(raised, *high)
            }
            ("clamp", [x, low, high]) => {
                if !self.in_order(arguments.get(1), arguments.get(2)) {
                    let ordered = self.b.ins().fcmp(FloatCC::LessThanOrEqual, *low, *high);
                    let crossed = self.b.ins().bxor_imm(ordered, 1);
                    refuse(self, crossed);
                }
                let above = self.b.ins().fcmp(FloatCC::GreaterThan, *x, *high);
                let below = self.b.ins().fcmp(FloatCC::LessThan, *x, *low);
                let result = self.b.ins().select(above, *high, *x);
                self.b.ins().select(below, *low, result)
            }
            ("abs", [x]) if integers => {
                let smallest = self.b.ins().icmp_imm(IntCC::Equal, *x, i64::MIN);
                refuse(self, smallest);
                self.b.ins().iabs(*x)
            }
            ("abs", [x]) => self.b.ins().fabs(*x),
            ("sign", [x]) if integers => {
                let above = self.b.ins().icmp_imm(IntCC::SignedGreaterThan, *x, 0);
                let below = self.b.ins().icmp_imm(IntCC::SignedLessThan, *x, 0);
                self.difference(above, below)
            }
            ("sign", [x]) => {
                let odd = self.b.ins().fcmp(FloatCC::Unordered, *x, *x);
                refuse(self, odd);
                let zero = self.b.ins().f64const(0.0);
                let above = self.b.ins().fcmp(FloatCC::GreaterThan, *x, zero);
                let below = self.b.ins().fcmp(FloatCC::LessThan, *x, zero);
                self.difference(above, below)
            }
            ("sqrt", [x]) => self.b.ins().sqrt(*x),
            ("floor", [x]) if self.unit.rounds => self.b.ins().floor(*x),
            ("ceil", [x]) if self.unit.rounds => self.b.ins().ceil(*x),
            ("trunc", [x]) if self.unit.rounds => self.b.ins().trunc(*x),
            ("round_even", [x]) if self.unit.rounds => self.b.ins().nearest(*x),
            ("floor", [x]) => self.float_shim(Shim::Floor, &[*x]),
            ("ceil", [x]) => self.float_shim(Shim::Ceil, &[*x]),
            ("trunc", [x]) => self.float_shim(Shim::Trunc, &[*x]),
            ("round_even", [x]) => self.float_shim(Shim::Nearest, &[*x]),
            ("to_int", [x]) => {
                // 2⁶³ and its negative, the first of which does not fit; NaN is neither above nor below.
                let end = 9_223_372_036_854_775_808.0;
                let (low, high) = (self.b.ins().f64const(-end), self.b.ins().f64const(end));
                let from = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, *x, low);
                let to = self.b.ins().fcmp(FloatCC::LessThan, *x, high);
                let good = self.b.ins().band(from, to);
                let bad = self.b.ins().bxor_imm(good, 1);
                refuse(self, bad);
                self.b.ins().fcvt_to_sint_sat(types::I64, *x)
            }
            ("to_float", [x]) => {
                let float = self.b.ins().fcvt_from_sint(types::F64, *x);
                self.canonical.insert(float);
                float
            }
            ("to_radians", [x]) => self.times(*x, std::f64::consts::PI / 180.0),
            ("to_degrees", [x]) => self.times(*x, 180.0 / std::f64::consts::PI),
            ("deadband", [x, width]) => self.deadband(*x, *width),
            ("lerp", [a, b, t]) => self.lerp(*a, *b, *t),
            ("scale", [x, in_low, in_high, out_low, out_high]) => {
                let same = self.b.ins().fcmp(FloatCC::Equal, *in_low, *in_high);
                refuse(self, same);
                let (above, span) = (self.b.ins().fsub(*x, *in_low), self.b.ins().fsub(*in_high, *in_low));
                let t = self.b.ins().fdiv(above, span);
                self.lerp(*out_low, *out_high, t)
            }
            ("is_finite", [x]) => {
                let size = self.b.ins().fabs(*x);
                let end = self.b.ins().f64const(f64::INFINITY);
                self.b.ins().fcmp(FloatCC::LessThan, size, end)
            }
            ("is_nan", [x]) => self.b.ins().fcmp(FloatCC::Unordered, *x, *x),
            _ => return None,
        };
        Some(result)
    }

    /// True if two limits are known and in order.
    fn in_order(&self, low: Option<&ExprId>, high: Option<&ExprId>) -> bool {
        use crate::hir::ExprKind::Literal;
        use sensai_model::Value::{F64, I64};
        let (Some(low), Some(high)) = (low, high) else { return false };
        match (&self.expr_of(*low).kind, &self.expr_of(*high).kind) {
            (Literal(I64(low)), Literal(I64(high))) => low <= high,
            (Literal(F64(low)), Literal(F64(high))) => low <= high,
            _ => false,
        }
    }

    /// One bool less another, as an integer.
    fn difference(&mut self, a: Ssa, b: Ssa) -> Ssa {
        let (a, b) = (self.b.ins().uextend(types::I64, a), self.b.ins().uextend(types::I64, b));
        self.b.ins().isub(a, b)
    }

    fn times(&mut self, x: Ssa, factor: f64) -> Ssa {
        let factor = self.b.ins().f64const(factor);
        self.b.ins().fmul(x, factor)
    }

    fn deadband(&mut self, x: Ssa, width: Ssa) -> Ssa {
        let zero = self.b.ins().f64const(0.0);
        let positive = self.b.ins().fcmp(FloatCC::GreaterThan, width, zero);
        let width = self.b.ins().select(positive, width, zero);
        let below = self.b.ins().fneg(width);
        let less = self.b.ins().fsub(x, width);
        let more = self.b.ins().fadd(x, width);
        let odd = self.b.ins().fcmp(FloatCC::Unordered, x, x);
        let inside = self.b.ins().select(odd, x, zero);
        let under = self.b.ins().fcmp(FloatCC::LessThan, x, below);
        let result = self.b.ins().select(under, more, inside);
        let over = self.b.ins().fcmp(FloatCC::GreaterThan, x, width);
        self.b.ins().select(over, less, result)
    }

    fn lerp(&mut self, a: Ssa, b: Ssa, t: Ssa) -> Ssa {
        let one = self.b.ins().f64const(1.0);
        let rest = self.b.ins().fsub(one, t);
        let (from_a, from_b) = (self.b.ins().fmul(a, rest), self.b.ins().fmul(b, t));
        self.b.ins().fadd(from_a, from_b)
    }

    /// Seconds to the nearest nanosecond, ties to even; 0 for NaN, and whether it is one.
    pub(super) fn nanoseconds(&mut self, seconds: Ssa) -> (Ssa, Ssa) {
        let odd = self.b.ins().fcmp(FloatCC::Unordered, seconds, seconds);
        let ns = self.times(seconds, 1e9);
        let whole = match self.unit.rounds {
            true => self.b.ins().nearest(ns),
            false => self.float_shim(Shim::Nearest, &[ns]),
        };
        (self.b.ins().fcvt_to_sint_sat(types::I64, whole), odd)
    }

    /// Nanoseconds as seconds.
    pub(super) fn seconds(&mut self, ns: Ssa) -> Ssa {
        let ns = self.b.ins().fcvt_from_sint(types::F64, ns);
        let second = self.b.ins().f64const(1e9);
        let seconds = self.b.ins().fdiv(ns, second);
        self.canonical.insert(seconds);
        seconds
    }
}
