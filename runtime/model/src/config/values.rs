//! Values, types, ranges and units of tags and parameters.

use super::{fields::Item, finding::Rule, sink::Sink, tree::NodeValue, ucum};
use crate::{ScalarType, Value};

/// Inclusive.
pub(crate) type Range = (Value, Value);

/// A value of type `scalar`. An integer literal may stand for a float: nothing is lost and nothing else can be meant.
pub(crate) fn value(sink: &mut Sink<'_>, item: &Item<'_>, scalar: ScalarType) -> Option<Value> {
    match scalar {
        ScalarType::Bool => item.boolean(sink).map(Value::Bool),
        ScalarType::I64 => item.integer(sink, i64::MIN..=i64::MAX).map(Value::I64),
        ScalarType::F64 => item.number(sink).map(Value::F64),
    }
}

/// `[low, high]`, low below high.
pub(crate) fn range(sink: &mut Sink<'_>, item: &Item<'_>, scalar: ScalarType) -> Option<Range> {
    if scalar == ScalarType::Bool {
        item.find(sink, Rule::Conflict, "a bool has no range").help("remove `range`");
        return None;
    }
    let ends = item.elements(sink, "two numbers, such as [0.0, 100.0]")?;
    let [low, high] = ends.as_slice() else {
        let message = format!("expected an array of two numbers, got {}", ends.len());
        item.find(sink, Rule::WrongType, message)
            .help("write the lowest and the highest value: [0.0, 100.0]");
        return None;
    };
    let (low, high) = (value(sink, low, scalar), value(sink, high, scalar));
    let (low, high) = (low?, high?);
    if !less(low, high) {
        item.find(
            sink,
            Rule::OutOfRange,
            format!("the range's low end {low} is not below its high end {high}"),
        )
        .help("write the lower number first");
        return None;
    }
    Some((low, high))
}

/// True if `value` lies in `range`; both are of one type.
pub(crate) fn within(value: Value, range: Option<Range>) -> bool {
    range.is_none_or(|(low, high)| !less(value, low) && !less(high, value))
}

/// The value of `range` that is nearest to the type's zero.
pub(crate) fn nearest_to_zero(scalar: ScalarType, range: Option<Range>) -> Value {
    match range {
        Some((low, _)) if less(scalar.zero(), low) => low,
        Some((_, high)) if less(high, scalar.zero()) => high,
        _ => scalar.zero(),
    }
}

fn less(a: Value, b: Value) -> bool {
    match (a, b) {
        (Value::I64(a), Value::I64(b)) => a < b,
        (Value::F64(a), Value::F64(b)) => a < b,
        _ => false,
    }
}

/// A value of type `scalar` in `range`, with a finding if it lies outside.
pub(crate) fn value_within(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    scalar: ScalarType,
    range: Option<Range>,
) -> Option<Value> {
    let value = value(sink, item, scalar)?;
    if let Some((low, high)) = range
        && !within(value, range)
    {
        let message = format!("{value} lies outside the range {low} to {high}");
        item.find(sink, Rule::ValueOutside, message);
        return None;
    }
    Some(value)
}

/// A value for a message, without the last digits that only binary fractions have.
pub(crate) fn rounded(value: Value) -> Value {
    let short = |number: f64| format!("{number:.11e}").parse().unwrap_or(number);
    if let Value::F64(number) = value { Value::F64(short(number)) } else { value }
}

/// The three types of the script language, by name.
pub(crate) const SCALARS: &[(&str, ScalarType)] =
    &[("bool", ScalarType::Bool), ("i64", ScalarType::I64), ("f64", ScalarType::F64)];

/// The type a literal has.
pub(crate) fn scalar_of(value: &NodeValue) -> Option<ScalarType> {
    match value {
        NodeValue::Bool(_) => Some(ScalarType::Bool),
        NodeValue::Integer(_) => Some(ScalarType::I64),
        NodeValue::Float(_) => Some(ScalarType::F64),
        _ => None,
    }
}

/// A unit as scripts see it.
pub(crate) fn unit(sink: &mut Sink<'_>, item: &Item<'_>, scalar: Option<ScalarType>) -> Option<String> {
    let text = item.text(sink)?;
    checked_unit(sink, item, text, scalar)
}

/// The same for a unit that is a part of what `item` says.
pub(crate) fn checked_unit(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    text: &str,
    scalar: Option<ScalarType>,
) -> Option<String> {
    if let Err(bad) = ucum::check(text) {
        item.find(sink, Rule::BadText, bad.message).maybe_help(bad.help);
        return None;
    }
    if scalar == Some(ScalarType::Bool) {
        item.find(sink, Rule::Conflict, "a bool has no unit").help("remove `unit`");
        return None;
    }
    Some(text.to_owned())
}
