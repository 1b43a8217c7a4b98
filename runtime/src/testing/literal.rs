//! Values as a test writes them, against values as the cell has them. As in programs, nothing is converted: 5 is no f64.

use super::{name::Reading, session::Problem};
use rhai::Dynamic;
use sensai_model::{ScalarType, Value};

/// What a test wrote.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A scalar.
    One(Value),
    /// A text.
    Text(String),
    /// An array of scalars.
    Many(Vec<Value>),
}

impl Literal {
    /// From a value of the test's language.
    ///
    /// # Errors
    /// If no tag, parameter or field can have it.
    pub fn of(value: &Dynamic) -> Result<Self, Problem> {
        if let Some(value) = scalar(value) {
            return Ok(Self::One(value));
        }
        if let Ok(text) = value.as_immutable_string_ref() {
            return Ok(Self::Text(text.to_string()));
        }
        let array = value.as_array_ref().ok();
        let many = array.and_then(|array| array.iter().map(scalar).collect::<Option<Vec<Value>>>());
        many.map(Self::Many).ok_or_else(|| {
            let message = format!("a {} is no value here", plain(value));
            Problem::misuse(message, "write a bool, a number, a text, or an array of bools or numbers")
        })
    }

    /// As a test writes it.
    pub fn show(&self) -> String {
        match self {
            Self::One(value) => show(*value),
            Self::Text(text) => format!("{text:?}"),
            Self::Many(values) => show_many(values),
        }
    }
}

impl Reading {
    /// As a test writes it.
    pub fn show(&self) -> String {
        match self {
            Self::One(value) => show(*value),
            Self::Text(text) => format!("{text:?}"),
            Self::Many(values) => show_many(values),
        }
    }

    /// As a value of the test's language.
    pub fn to_dynamic(&self) -> Dynamic {
        let one = |value: &Value| match *value {
            Value::Bool(bit) => Dynamic::from_bool(bit),
            Value::I64(number) => Dynamic::from_int(number),
            Value::F64(number) => Dynamic::from_float(number),
        };
        match self {
            Self::One(value) => one(value),
            Self::Text(text) => text.clone().into(),
            Self::Many(values) => Dynamic::from_array(values.iter().map(one).collect()),
        }
    }

    /// Whether it is what a test wrote.
    ///
    /// # Errors
    /// If it never can be.
    pub fn is(&self, name: &str, wanted: &Literal) -> Result<bool, Problem> {
        match (self, wanted) {
            (Self::One(got), Literal::One(wanted)) => {
                typed(name, *wanted, got.scalar_type()).map(|wanted| same(*got, wanted))
            }
            (Self::Text(got), Literal::Text(wanted)) => Ok(got == wanted),
            (Self::Many(got), Literal::Many(wanted)) => {
                let scalar = got.first().map_or(ScalarType::Bool, |value| value.scalar_type());
                let wanted = wanted.iter().map(|value| typed(name, *value, scalar));
                let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
                let pairs = got.iter().zip(&wanted);
                Ok(got.len() == wanted.len() && pairs.into_iter().all(|(got, wanted)| same(*got, *wanted)))
            }
            (got, wanted) => {
                let message = format!("`{name}` is {}, which {} can never be", got.describe(), wanted.show());
                Err(Problem::misuse(message, format!("compare it with a value such as {}", got.show())))
            }
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::One(value) => value.scalar_type().name().to_owned(),
            Self::Text(_) => "a text".to_owned(),
            Self::Many(values) => format!("an array of {}", values.len()),
        }
    }
}

/// A scalar where a tag, parameter or field of this type is meant.
///
/// # Errors
/// If it has another type.
pub fn typed(name: &str, value: Value, scalar: ScalarType) -> Result<Value, Problem> {
    if value.scalar_type() == scalar {
        return Ok(value);
    }
    let help = match (value, scalar) {
        (Value::I64(number), ScalarType::F64) => format!("write {number}.0"),
        _ => format!("write a value such as {}", show(scalar.zero())),
    };
    let message = format!("`{name}` is {}, got {}", scalar.name(), show(value));
    Err(Problem::misuse(message, help))
}

/// Equal as a test means it: a NaN is a NaN.
fn same(a: Value, b: Value) -> bool {
    match (a, b) {
        (Value::F64(a), Value::F64(b)) => a == b || a.is_nan() && b.is_nan(),
        (a, b) => a == b,
    }
}

fn scalar(value: &Dynamic) -> Option<Value> {
    let bit = || value.as_bool().ok().map(Value::Bool);
    let integer = || value.as_int().ok().map(Value::I64);
    bit().or_else(integer).or_else(|| value.as_float().ok().map(Value::F64))
}

/// The type of a value, as a person says it.
pub fn plain(value: &Dynamic) -> &'static str {
    match value.type_name() {
        "map" | "rhai::Map" => "record",
        "()" => "nothing",
        "Fn" => "function",
        "array" => "nested array",
        _ => "value of this type",
    }
}

/// As a program writes it.
pub fn show(value: Value) -> String {
    match value {
        Value::F64(number) => format!("{number:?}"),
        other => other.to_string(),
    }
}

fn show_many(values: &[Value]) -> String {
    let shown: Vec<String> = values.iter().map(|value| show(*value)).collect();
    format!("[{}]", shown.join(", "))
}
