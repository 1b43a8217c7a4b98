//! How a mismatch of units is reported, and how it is put right.

use crate::{
    finding::{Edit, code},
    hir::{BinaryOperator, Expr, ExprId, ExprKind, Function, Hir, Span, Type},
    sink::Found,
};
use sensai_model::{Unit, unit::Relation};

/// A value in another unit than is wanted.
pub(super) struct Mismatch<'a> {
    pub function: &'a Function,
    pub value: ExprId,
    /// What the finding is about.
    pub span: Span,
    pub found: &'a Unit,
    pub wanted: &'a Unit,
    pub message: String,
}

/// Nothing is ever scaled by itself; where a factor is all that is missing, the fix writes it.
pub(super) fn report(hir: &Hir, mismatch: &Mismatch<'_>) -> Found {
    let Mismatch { function, value, span, found, wanted, message } = mismatch;
    let finding = Found::warning(code::UNIT, function.file, *span, message);
    let Relation::Scaled(factor) = found.to(wanted) else {
        return finding.help("only values of one unit are added, compared and stored in each other's place");
    };
    let expr = function.expr(*value);
    let file = hir.files.get(function.file.index());
    let text = file.and_then(|file| file.text.get(expr.span.start as usize..expr.span.end as usize));
    let scaled = text.and_then(|text| scaled(expr, text, found, wanted, factor));
    let Some(scaled) = scaled else {
        return finding.help(format!("multiply it by {}", number(factor)));
    };
    let edit = Edit { start: expr.span.start, end: expr.span.end, text: scaled.clone() };
    match scaled.len() <= 80 && !scaled.contains('\n') {
        true => finding.help(format!("write `{scaled}`")).fix(format!("write `{scaled}`"), vec![edit]),
        false => finding.help(format!("multiply it by {}", number(factor))).fix("scale it", vec![edit]),
    }
}

fn scaled(expr: &Expr, text: &str, found: &Unit, wanted: &Unit, factor: f64) -> Option<String> {
    let is = |unit: &Unit, name: &str| unit.to_string() == name;
    if expr.ty == Type::F64 && is(found, "deg") && is(wanted, "rad") {
        return Some(format!("to_radians({text})"));
    }
    if expr.ty == Type::F64 && is(found, "rad") && is(wanted, "deg") {
        return Some(format!("to_degrees({text})"));
    }
    let text = match &expr.kind {
        ExprKind::If { .. } | ExprKind::Switch(_) | ExprKind::Block(_) => return None,
        ExprKind::Binary(BinaryOperator::Multiply | BinaryOperator::Divide, ..) => text.to_owned(),
        ExprKind::Binary(..) | ExprKind::Logic { .. } | ExprKind::Unary(..) => format!("({text})"),
        _ => text.to_owned(),
    };
    let rounded = number(factor);
    match (&expr.ty, factor >= 1.0) {
        (Type::F64, true) => Some(format!("{text} * {rounded}")),
        (Type::F64, false) => Some(format!("{text} / {}", number(1.0 / factor))),
        (Type::I64, true) if factor < 1e15 => Some(format!("{text} * {}", rounded.strip_suffix(".0")?)),
        _ => None,
    }
}

/// As a program writes it, without the dust of the last digits.
fn number(factor: f64) -> String {
    let rounded: f64 = format!("{factor:.12e}").parse().unwrap_or(factor);
    format!("{rounded:?}")
}
