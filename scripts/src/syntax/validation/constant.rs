//! Literals: what they are, and which may be the values of cases.

use crate::syntax::{
    Number,
    ast::{CallExpr, Expr, RangeExpr, Value},
    lexer,
};

/// What a literal is; no literal is `Other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Unit,
    Bool,
    Int,
    Float,
    Char,
    Text,
    Array,
    Map,
    Other,
}

impl Class {
    pub fn words(self) -> &'static str {
        match self {
            Self::Unit => "`()`",
            Self::Bool => "a truth value",
            Self::Int => "an integer",
            Self::Float => "a float",
            Self::Char => "a character",
            Self::Text => "a text",
            Self::Array => "an array",
            Self::Map => "a record",
            Self::Other => "a value",
        }
    }
}

pub(super) fn class(expr: &Expr) -> Class {
    match expr.number() {
        Some(Number::Int(_)) => return Class::Int,
        Some(Number::Float(_)) => return Class::Float,
        None => {}
    }
    match expr.clone().plain() {
        Expr::Literal(literal) => match literal.value() {
            Some(Value::Unit) => Class::Unit,
            Some(Value::Bool(_)) => Class::Bool,
            Some(Value::Char(_)) => Class::Char,
            Some(Value::Text(_)) => Class::Text,
            Some(Value::Int(_) | Value::Float(_)) | None => Class::Other,
        },
        Expr::Interpolated(_) => Class::Text,
        Expr::Array(_) => Class::Array,
        Expr::Map(_) => Class::Map,
        _ => Class::Other,
    }
}

/// Is all of it literals?
pub(super) fn is_constant(expr: &Expr) -> bool {
    match expr.clone().plain() {
        Expr::Array(array) => array.elements().all(|element| is_constant(&element)),
        Expr::Map(map) => map.entries().all(|entry| entry.value().is_some_and(|value| is_constant(&value))),
        Expr::Interpolated(_) => false,
        plain => class(&plain) != Class::Other,
    }
}

/// A value that a case may have.
pub(super) enum Constant {
    /// An integer or float.
    Number,
    /// A range of integers.
    Range {
        /// Nothing is in it.
        empty: bool,
    },
    /// Anything else.
    Value,
}

pub(super) fn constant(expr: &Expr) -> Option<Constant> {
    match expr.clone().plain() {
        Expr::Range(range) => self::range(&range),
        Expr::Call(call) => is_function_pointer(&call).then_some(Constant::Value),
        plain if expr.number().is_some() => is_constant(&plain).then_some(Constant::Number),
        plain => is_constant(&plain).then_some(Constant::Value),
    }
}

fn range(range: &RangeExpr) -> Option<Constant> {
    let bound = |expr: Option<Expr>, otherwise| match expr {
        None => Some(otherwise),
        Some(expr) if class(&expr) == Class::Unit => Some(otherwise),
        Some(expr) => match expr.number()? {
            Number::Int(value) => Some(value),
            Number::Float(_) => None,
        },
    };
    let open = |expr: Option<Expr>| expr.is_some_and(|expr| class(&expr) == Class::Unit);
    // One end at least has to be a number; a start that is left out is one, `()` is none.
    if open(range.start()) && range.end().is_none_or(|end| class(&end) == Class::Unit) {
        return None;
    }
    let (start, end) = (bound(range.start(), 0)?, bound(range.end(), i64::MAX)?);
    Some(Constant::Range { empty: if range.is_inclusive() { start > end } else { start >= end } })
}

/// `Fn("name")`
fn is_function_pointer(call: &CallExpr) -> bool {
    let mut arguments = call.args();
    let (Some(name), None) = (arguments.next(), arguments.next()) else { return false };
    let Expr::Literal(literal) = name.plain() else { return false };
    let Some(Value::Text(name)) = literal.value() else { return false };
    let callee = call.path().and_then(|path| path.name());
    callee.is_some_and(|callee| callee.text() == "Fn") && lexer::is_name(&name)
}
