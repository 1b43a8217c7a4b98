//! Every operator of the language, registered: Rhai's built-in ones compare floats with a tolerance, grow texts, and
//! differ between its modes.
//!
//! Two numbers of different types promote to `f64`; nothing else does. Floats follow IEEE 754. Each operator is
//! registered for the pairs of types that it takes, and once more for any pair, so that nothing is left to built-ins.

use super::{
    block::{dynamic, scalar},
    fault::{Raised, type_name},
    host::Host,
};
use crate::{
    arithmetic,
    hir::{BinaryOperator as Binary, UnaryOperator as Unary},
};
use rhai::{Dynamic, Engine, ImmutableString};
use sensai_model::FaultCode;
use std::{
    any::TypeId,
    ops::{Range, RangeInclusive},
    rc::Rc,
};

/// Operator, its symbol, and the symbol of its assignment.
const OPERATORS: [(Binary, &str, Option<&str>); 17] = [
    (Binary::Add, "+", Some("+=")),
    (Binary::Subtract, "-", Some("-=")),
    (Binary::Multiply, "*", Some("*=")),
    (Binary::Divide, "/", Some("/=")),
    (Binary::Remainder, "%", Some("%=")),
    (Binary::Power, "**", Some("**=")),
    (Binary::ShiftLeft, "<<", Some("<<=")),
    (Binary::ShiftRight, ">>", Some(">>=")),
    (Binary::And, "&", Some("&=")),
    (Binary::Or, "|", Some("|=")),
    (Binary::Xor, "^", Some("^=")),
    (Binary::Equal, "==", None),
    (Binary::NotEqual, "!=", None),
    (Binary::Less, "<", None),
    (Binary::LessOrEqual, "<=", None),
    (Binary::Greater, ">", None),
    (Binary::GreaterOrEqual, ">=", None),
];

/// Register all operators.
pub(crate) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let (bool, int, float) = (TypeId::of::<bool>(), TypeId::of::<i64>(), TypeId::of::<f64>());
    let (text, any) = (TypeId::of::<ImmutableString>(), TypeId::of::<Dynamic>());
    let pairs =
        [[int, int], [float, float], [float, int], [int, float], [bool, bool], [text, text], [any, any]];
    for (operator, symbol, assignment) in OPERATORS {
        for types in pairs {
            let at = Rc::clone(host);
            engine.register_raw_fn(symbol, types, move |context, arguments| {
                at.reached(context.call_position());
                let [left, right] = arguments else { return Err(not_binary(symbol).into()) };
                binary(operator, left, right).map_err(Into::into)
            });
            let Some(assignment) = assignment else { continue };
            let at = Rc::clone(host);
            engine.register_raw_fn(assignment, types, move |context, arguments| {
                at.reached(context.call_position());
                let [left, right] = arguments else { return Err(not_binary(symbol).into()) };
                **left = binary(operator, left, right)?;
                Ok(())
            });
        }
    }
    register_unary(engine, host);
    register_ranges(engine, host);
}

fn not_binary(symbol: &str) -> Raised {
    Raised::new(FaultCode::Script, format!("`{symbol}` takes two operands"))
}

fn register_unary(engine: &mut Engine, host: &Rc<Host>) {
    for (operator, symbol) in [(Unary::Negate, "-"), (Unary::Plus, "+"), (Unary::Not, "!")] {
        for operand in
            [TypeId::of::<i64>(), TypeId::of::<f64>(), TypeId::of::<bool>(), TypeId::of::<Dynamic>()]
        {
            let at = Rc::clone(host);
            engine.register_raw_fn(symbol, [operand], move |context, arguments| {
                at.reached(context.call_position());
                let [operand] = arguments else { return Err(not_binary(symbol).into()) };
                unary(operator, symbol, operand).map_err(Into::into)
            });
        }
    }
}

fn register_ranges(engine: &mut Engine, host: &Rc<Host>) {
    let (int, any) = (TypeId::of::<i64>(), TypeId::of::<Dynamic>());
    for types in [[int, int], [any, any]] {
        for symbol in ["..", "..="] {
            let at = Rc::clone(host);
            engine.register_raw_fn(symbol, types, move |context, arguments| {
                at.reached(context.call_position());
                let [start, end] = arguments else { return Err(not_binary(symbol).into()) };
                match (start.as_int(), end.as_int()) {
                    (Ok(start), Ok(end)) if symbol == ".." => Ok(Dynamic::from(start..end)),
                    (Ok(start), Ok(end)) => Ok(Dynamic::from(start..=end)),
                    _ => Err(Raised::new(
                        FaultCode::TypeMismatch,
                        format!(
                            "a range runs from i64 to i64, not from {} to {}; convert with to_int()",
                            type_name(start),
                            type_name(end)
                        ),
                    )
                    .into()),
                }
            });
        }
    }
    engine.register_iterator::<Range<i64>>();
    engine.register_iterator::<RangeInclusive<i64>>();
}

fn unary(operator: Unary, symbol: &str, operand: &Dynamic) -> Result<Dynamic, Raised> {
    if let Some(result) = scalar(operand).and_then(|operand| arithmetic::unary(operator, operand)) {
        return result.map(dynamic);
    }
    Err(Raised::new(
        FaultCode::TypeMismatch,
        format!(
            "`{symbol}` takes {}, not {}",
            if operator == Unary::Not { "a bool" } else { "a number" },
            type_name(operand)
        ),
    ))
}

fn binary(operator: Binary, left: &Dynamic, right: &Dynamic) -> Result<Dynamic, Raised> {
    if let (Some(a), Some(b)) = (scalar(left), scalar(right)) {
        if let Some(result) = arithmetic::binary(operator, a, b) {
            return result.map(dynamic);
        }
    } else if let (Ok(a), Ok(b)) = (left.as_immutable_string_ref(), right.as_immutable_string_ref()) {
        match operator {
            Binary::Equal => return Ok(Dynamic::from(*a == *b)),
            Binary::NotEqual => return Ok(Dynamic::from(*a != *b)),
            _ => {}
        }
    }
    Err(refuse(operator, left, right))
}

#[cold]
fn refuse(operator: Binary, left: &Dynamic, right: &Dynamic) -> Raised {
    let (a, b) = (type_name(left), type_name(right));
    let (symbol, help) = (operator.symbol(), arithmetic::advice(operator, &a, &b));
    Raised::new(FaultCode::TypeMismatch, format!("`{symbol}` does not take {a} and {b}; {help}"))
}
