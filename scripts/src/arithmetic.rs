//! What operators do with values: of the interpreter tier, of constants and of `init`.
//!
//! Two numbers of different types promote to `f64`; nothing else does. Floats follow IEEE 754.

use crate::{
    fault::Raised,
    hir::{BinaryOperator as Binary, UnaryOperator as Unary},
};
use sensai_model::{FaultCode, Value};

/// An operator on one value. `None`: it does not take values of this type.
pub(crate) fn unary(operator: Unary, operand: Value) -> Option<Result<Value, Raised>> {
    Some(Ok(match (operator, operand) {
        (Unary::Negate, Value::I64(value)) => match value.checked_neg() {
            Some(value) => Value::I64(value),
            None => return Some(Err(overflow(&format!("-({value})")))),
        },
        (Unary::Negate, Value::F64(value)) => Value::F64(-value),
        (Unary::Plus, value @ (Value::I64(_) | Value::F64(_))) => value,
        (Unary::Not, Value::Bool(value)) => Value::Bool(!value),
        _ => return None,
    }))
}

/// An operator on two values. `None`: it does not take values of these types.
pub(crate) fn binary(operator: Binary, left: Value, right: Value) -> Option<Result<Value, Raised>> {
    match (left, right) {
        (Value::I64(a), Value::I64(b)) => Some(integers(operator, a, b)),
        (Value::F64(a), Value::F64(b)) => floats(operator, a, b).map(Ok),
        (Value::I64(a), Value::F64(b)) => floats(operator, a as f64, b).map(Ok),
        (Value::F64(a), Value::I64(b)) => floats(operator, a, b as f64).map(Ok),
        (Value::Bool(a), Value::Bool(b)) => booleans(operator, a, b).map(Ok),
        _ => None,
    }
}

fn booleans(operator: Binary, a: bool, b: bool) -> Option<Value> {
    Some(Value::Bool(match operator {
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::Equal => a == b,
        Binary::NotEqual => a != b,
        _ => return None,
    }))
}

fn floats(operator: Binary, a: f64, b: f64) -> Option<Value> {
    Some(match operator {
        Binary::Add => Value::F64(a + b),
        Binary::Subtract => Value::F64(a - b),
        Binary::Multiply => Value::F64(a * b),
        Binary::Divide => Value::F64(a / b),
        Binary::Remainder => Value::F64(libm::fmod(a, b)),
        Binary::Power => Value::F64(libm::pow(a, b)),
        Binary::Equal => Value::Bool(a == b),
        Binary::NotEqual => Value::Bool(a != b),
        Binary::Less => Value::Bool(a < b),
        Binary::LessOrEqual => Value::Bool(a <= b),
        Binary::Greater => Value::Bool(a > b),
        Binary::GreaterOrEqual => Value::Bool(a >= b),
        Binary::ShiftLeft | Binary::ShiftRight | Binary::And | Binary::Or | Binary::Xor => return None,
    })
}

fn integers(operator: Binary, a: i64, b: i64) -> Result<Value, Raised> {
    let symbol = operator.symbol();
    let result = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide | Binary::Remainder if b == 0 => {
            let text = format!("{a} {symbol} 0: division by zero; test the divisor before");
            return Err(Raised::new(FaultCode::DivisionByZero, text));
        }
        Binary::Divide => a.checked_div(b),
        Binary::Remainder => a.checked_rem(b),
        Binary::Power if b < 0 => {
            let text =
                format!("{a} ** {b}: an i64 has no negative powers; calculate in f64, as in 2.0 ** {b}");
            return Err(Raised::new(FaultCode::OutOfRange, text));
        }
        Binary::Power => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        Binary::ShiftLeft => Some(shift_left(a, b)),
        Binary::ShiftRight => Some(shift_right(a, b)),
        Binary::And => Some(a & b),
        Binary::Or => Some(a | b),
        Binary::Xor => Some(a ^ b),
        Binary::Equal => return Ok(Value::Bool(a == b)),
        Binary::NotEqual => return Ok(Value::Bool(a != b)),
        Binary::Less => return Ok(Value::Bool(a < b)),
        Binary::LessOrEqual => return Ok(Value::Bool(a <= b)),
        Binary::Greater => return Ok(Value::Bool(a > b)),
        Binary::GreaterOrEqual => return Ok(Value::Bool(a >= b)),
    };
    result.map(Value::I64).ok_or_else(|| overflow(&format!("{a} {symbol} {b}")))
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

fn overflow(expression: &str) -> Raised {
    let text = format!("{expression} overflows an i64; keep the numbers smaller or calculate in f64");
    Raised::new(FaultCode::Overflow, text)
}

/// What to write instead, where `left operator right` does not exist for these types.
pub(crate) fn advice(operator: Binary, left: &str, right: &str) -> &'static str {
    match operator {
        Binary::Add if left == "text" || right == "text" => "texts are names and do not grow",
        _ if left == "text" && right == "text" => "texts can only be equal or not",
        _ if left == "bool" && right == "bool" => "bools take `== != & | ^ && || !`",
        Binary::Equal | Binary::NotEqual if left == right => "compare their fields or elements",
        _ if left == right => "calculate with their fields or elements",
        Binary::ShiftLeft | Binary::ShiftRight | Binary::And | Binary::Or | Binary::Xor => {
            "bits are those of i64; convert with to_int()"
        }
        _ => "both sides must be of the same type, or numbers",
    }
}
