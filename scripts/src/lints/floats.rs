//! Floats compared for being exactly equal.

use super::{
    Program,
    walk::{Visitor, walk},
};
use crate::{
    finding::code,
    hir::{BinaryOperator, Expr, ExprId, ExprKind, Function, Type},
    sink::{Found, Sink},
};
use sensai_model::{TagKind, Value};

/// What was measured or computed hardly ever is a number exactly. A whole number that a program put there itself is.
pub(super) fn lint(program: &Program<'_>, sink: &mut Sink) {
    for (_, function) in program.functions() {
        let mut floats = Floats { program, function, found: Vec::new() };
        walk(function, &mut floats);
        floats.found.into_iter().for_each(|found| sink.add(found));
    }
}

struct Floats<'a> {
    program: &'a Program<'a>,
    function: &'a Function,
    found: Vec<Found>,
}

impl Visitor for Floats<'_> {
    fn expr(&mut self, _: ExprId, expr: &Expr) {
        let ExprKind::Binary(operator @ (BinaryOperator::Equal | BinaryOperator::NotEqual), left, right) =
            expr.kind
        else {
            return;
        };
        let (left, right) = (self.function.expr(left), self.function.expr(right));
        let known = [left, right].iter().all(|side| matches!(side.kind, ExprKind::Literal(_)));
        if known || (left.ty != Type::F64 && right.ty != Type::F64) {
            return;
        }
        if [(left, right), (right, left)].iter().any(|(one, other)| is_whole(one) && !self.is_measured(other))
        {
            return;
        }
        let (not, compare) = match operator {
            BinaryOperator::Equal => ("hardly ever", "<="),
            _ => ("nearly always", ">"),
        };
        let message = format!(
            "two floats are {not} {} to the last bit",
            match operator {
                BinaryOperator::Equal => "equal",
                _ => "different",
            }
        );
        let help = format!("compare the distance, as in `abs(a - b) {compare} 0.01`");
        self.found.push(Found::hint(code::FLOAT_EQUALITY, self.function.file, expr.span, message).help(help));
    }
}

impl Floats<'_> {
    /// It comes from outside.
    fn is_measured(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Tag { tag, .. } => {
                let tag = self.program.tag(tag.tag);
                tag.is_some_and(|tag| matches!(tag.kind, TagKind::Input | TagKind::Model))
            }
            ExprKind::Pin { .. } | ExprKind::AxisProperty { .. } => true,
            _ => false,
        }
    }
}

fn is_whole(expr: &Expr) -> bool {
    match expr.kind {
        ExprKind::Literal(Value::F64(value)) => value == libm::trunc(value),
        ExprKind::Literal(Value::I64(_)) => true,
        _ => false,
    }
}
