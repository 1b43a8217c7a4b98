//! Every operator of the language, registered: Rhai's built-in ones compare floats with a tolerance, grow texts, and
//! differ between its modes.
//!
//! Two numbers of different types promote to `f64`; nothing else does. Floats follow IEEE 754. Each operator is
//! registered for the pairs of types that it takes, and once more for any pair, so that nothing is left to built-ins.

use super::{
    fault::{Raised, type_name},
    host::Host,
};
use rhai::{Dynamic, Engine, ImmutableString};
use sensai_model::FaultCode;
use std::{
    any::TypeId,
    ops::{Range, RangeInclusive},
    rc::Rc,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Xor,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Operator, its symbol, and the symbol of its assignment.
const OPERATORS: [(Operator, &str, Option<&str>); 17] = [
    (Operator::Add, "+", Some("+=")),
    (Operator::Subtract, "-", Some("-=")),
    (Operator::Multiply, "*", Some("*=")),
    (Operator::Divide, "/", Some("/=")),
    (Operator::Remainder, "%", Some("%=")),
    (Operator::Power, "**", Some("**=")),
    (Operator::ShiftLeft, "<<", Some("<<=")),
    (Operator::ShiftRight, ">>", Some(">>=")),
    (Operator::And, "&", Some("&=")),
    (Operator::Or, "|", Some("|=")),
    (Operator::Xor, "^", Some("^=")),
    (Operator::Equal, "==", None),
    (Operator::NotEqual, "!=", None),
    (Operator::Less, "<", None),
    (Operator::LessOrEqual, "<=", None),
    (Operator::Greater, ">", None),
    (Operator::GreaterOrEqual, ">=", None),
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
                binary(operator, symbol, left, right).map_err(Into::into)
            });
            let Some(assignment) = assignment else { continue };
            let at = Rc::clone(host);
            engine.register_raw_fn(assignment, types, move |context, arguments| {
                at.reached(context.call_position());
                let [left, right] = arguments else { return Err(not_binary(symbol).into()) };
                **left = binary(operator, symbol, left, right)?;
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
    for symbol in ["-", "+", "!"] {
        for operand in
            [TypeId::of::<i64>(), TypeId::of::<f64>(), TypeId::of::<bool>(), TypeId::of::<Dynamic>()]
        {
            let at = Rc::clone(host);
            engine.register_raw_fn(symbol, [operand], move |context, arguments| {
                at.reached(context.call_position());
                let [operand] = arguments else { return Err(not_binary(symbol).into()) };
                unary(symbol, operand).map_err(Into::into)
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

fn unary(symbol: &str, operand: &Dynamic) -> Result<Dynamic, Raised> {
    match (symbol, operand.as_int(), operand.as_float(), operand.as_bool()) {
        ("-", Ok(value), ..) => {
            value.checked_neg().map(Dynamic::from).ok_or_else(|| overflow(format!("-({value})")))
        }
        ("-", _, Ok(value), _) => Ok(Dynamic::from(-value)),
        ("+", Ok(value), ..) => Ok(Dynamic::from(value)),
        ("+", _, Ok(value), _) => Ok(Dynamic::from(value)),
        ("!", _, _, Ok(value)) => Ok(Dynamic::from(!value)),
        _ => Err(Raised::new(
            FaultCode::TypeMismatch,
            format!(
                "`{symbol}` takes {}, not {}",
                if symbol == "!" { "a bool" } else { "a number" },
                type_name(operand)
            ),
        )),
    }
}

fn binary(operator: Operator, symbol: &str, left: &Dynamic, right: &Dynamic) -> Result<Dynamic, Raised> {
    if let Ok(a) = left.as_int() {
        if let Ok(b) = right.as_int() {
            return integers(operator, symbol, a, b);
        }
        if let Ok(b) = right.as_float() {
            return floats(operator, a as f64, b).ok_or_else(|| refuse(operator, symbol, left, right));
        }
    } else if let Ok(a) = left.as_float() {
        if let Ok(b) = right.as_float() {
            return floats(operator, a, b).ok_or_else(|| refuse(operator, symbol, left, right));
        }
        if let Ok(b) = right.as_int() {
            return floats(operator, a, b as f64).ok_or_else(|| refuse(operator, symbol, left, right));
        }
    } else if let (Ok(a), Ok(b)) = (left.as_bool(), right.as_bool()) {
        return booleans(operator, a, b).ok_or_else(|| refuse(operator, symbol, left, right));
    } else if let (Ok(a), Ok(b)) = (left.as_immutable_string_ref(), right.as_immutable_string_ref()) {
        match operator {
            Operator::Equal => return Ok(Dynamic::from(*a == *b)),
            Operator::NotEqual => return Ok(Dynamic::from(*a != *b)),
            _ => {}
        }
    }
    Err(refuse(operator, symbol, left, right))
}

fn booleans(operator: Operator, a: bool, b: bool) -> Option<Dynamic> {
    Some(Dynamic::from(match operator {
        Operator::And => a & b,
        Operator::Or => a | b,
        Operator::Xor => a ^ b,
        Operator::Equal => a == b,
        Operator::NotEqual => a != b,
        _ => return None,
    }))
}

fn floats(operator: Operator, a: f64, b: f64) -> Option<Dynamic> {
    Some(match operator {
        Operator::Add => Dynamic::from(a + b),
        Operator::Subtract => Dynamic::from(a - b),
        Operator::Multiply => Dynamic::from(a * b),
        Operator::Divide => Dynamic::from(a / b),
        Operator::Remainder => Dynamic::from(libm::fmod(a, b)),
        Operator::Power => Dynamic::from(libm::pow(a, b)),
        Operator::Equal => Dynamic::from(a == b),
        Operator::NotEqual => Dynamic::from(a != b),
        Operator::Less => Dynamic::from(a < b),
        Operator::LessOrEqual => Dynamic::from(a <= b),
        Operator::Greater => Dynamic::from(a > b),
        Operator::GreaterOrEqual => Dynamic::from(a >= b),
        Operator::ShiftLeft | Operator::ShiftRight | Operator::And | Operator::Or | Operator::Xor => {
            return None;
        }
    })
}

fn integers(operator: Operator, symbol: &str, a: i64, b: i64) -> Result<Dynamic, Raised> {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide | Operator::Remainder if b == 0 => {
            let text = format!("{a} {symbol} 0: division by zero; test the divisor before");
            return Err(Raised::new(FaultCode::DivisionByZero, text));
        }
        Operator::Divide => a.checked_div(b),
        Operator::Remainder => a.checked_rem(b),
        Operator::Power if b < 0 => {
            let text =
                format!("{a} ** {b}: an i64 has no negative powers; calculate in f64, as in 2.0 ** {b}");
            return Err(Raised::new(FaultCode::OutOfRange, text));
        }
        Operator::Power => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        Operator::ShiftLeft => Some(shift_left(a, b)),
        Operator::ShiftRight => Some(shift_right(a, b)),
        Operator::And => Some(a & b),
        Operator::Or => Some(a | b),
        Operator::Xor => Some(a ^ b),
        Operator::Equal => return Ok(Dynamic::from(a == b)),
        Operator::NotEqual => return Ok(Dynamic::from(a != b)),
        Operator::Less => return Ok(Dynamic::from(a < b)),
        Operator::LessOrEqual => return Ok(Dynamic::from(a <= b)),
        Operator::Greater => return Ok(Dynamic::from(a > b)),
        Operator::GreaterOrEqual => return Ok(Dynamic::from(a >= b)),
    };
    result.map(Dynamic::from).ok_or_else(|| overflow(format!("{a} {symbol} {b}")))
}

/// Shifting by 64 and more shifts everything out; by a negative number, the other way.
fn shift_left(a: i64, by: i64) -> i64 {
    if by < 0 {
        return shift_right(a, by.checked_abs().unwrap_or(i64::MAX));
    }
    u32::try_from(by).ok().and_then(|by| a.checked_shl(by)).unwrap_or(0)
}

/// Keeps the sign. As in Rhai 1.27, a shift by 64 and more shifts by 63 bits.
fn shift_right(a: i64, by: i64) -> i64 {
    if by < 0 {
        return shift_left(a, by.checked_abs().unwrap_or(i64::MAX));
    }
    u32::try_from(by).ok().and_then(|by| a.checked_shr(by)).unwrap_or_else(|| a.wrapping_shr(u32::MAX))
}

fn overflow(expression: String) -> Raised {
    let text = format!("{expression} overflows an i64; keep the numbers smaller or calculate in f64");
    Raised::new(FaultCode::Overflow, text)
}

#[cold]
fn refuse(operator: Operator, symbol: &str, left: &Dynamic, right: &Dynamic) -> Raised {
    let (a, b) = (type_name(left), type_name(right));
    let help = match operator {
        Operator::Add if a == "text" || b == "text" => "texts are names and do not grow",
        _ if a == "text" && b == "text" => "texts can only be equal or not",
        _ if a == "bool" && b == "bool" => "bools take `== != & | ^ && || !`",
        Operator::Equal | Operator::NotEqual if a == b => "compare their fields or elements",
        _ if a == b => "calculate with their fields or elements",
        Operator::ShiftLeft | Operator::ShiftRight | Operator::And | Operator::Or | Operator::Xor => {
            "bits are those of i64; convert with to_int()"
        }
        _ => "both sides must be of the same type, or numbers",
    };
    Raised::new(FaultCode::TypeMismatch, format!("`{symbol}` does not take {a} and {b}; {help}"))
}
