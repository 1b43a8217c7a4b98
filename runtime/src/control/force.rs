//! `force` and `unforce`: from a tag's name and a value to what the inbox takes.

use crate::{
    control::{
        describe,
        protocol::{Code, Failure, shown, unknown},
        view::View,
    },
    machine::forces::{Barred, FORCES_MAX, barred},
};
use sensai_model::{Cell, ScalarType, Tag, Value};
use serde_json::Value as Json;

/// A tag, and which of its elements is meant.
struct Meant<'a> {
    index: usize,
    tag: &'a Tag,
    /// Of an array, if one is named.
    element: Option<u32>,
}

/// The arguments of an entry `Force`.
///
/// # Errors
/// If there is no such element, it may not be forced, or the value is of another type or out of range.
pub fn force(cell: &Cell, name: &str, value: &Json) -> Result<[i64; 3], Failure> {
    let Meant { index, tag, element } = meant(cell, name)?;
    if let Some(why) = barred(cell, tag) {
        return Err(refused(cell, tag, why));
    }
    let element = match (tag.array_len, element) {
        (Some(len), None) => {
            let text = format!("`{}` is an array of {len}", tag.name);
            let help = format!("name an element, `{0}[0]` to `{0}[{1}]`", tag.name, len - 1);
            return Err(Failure::new(Code::BadParams, text).help(help));
        }
        (_, element) => element.unwrap_or(0),
    };
    let typed = match tag.scalar {
        ScalarType::Bool => value.as_bool().map(Value::Bool),
        ScalarType::I64 => value.as_i64().map(Value::I64),
        ScalarType::F64 => value.as_f64().map(Value::F64),
    };
    match typed.filter(|typed| tag.admits(element, *typed)) {
        Some(typed) => Ok([index as i64, typed.to_bits().cast_signed(), element.into()]),
        None => Err(wrong(tag, element, value, typed.is_some())),
    }
}

/// The arguments of an entry `Unforce`.
///
/// # Errors
/// If there is no such element.
pub fn unforce(cell: &Cell, name: &str) -> Result<[i64; 3], Failure> {
    let Meant { index, element, .. } = meant(cell, name)?;
    Ok([index as i64, element.map_or(-1, i64::from), 0])
}

/// Why the machine has forced nothing, or let nothing go.
pub fn not_done(cell: &Cell, view: &View, method: &str, index: i64) -> Failure {
    let names: Vec<&str> = view.forced.keys().map(String::as_str).collect();
    if method == "force" {
        let text =
            format!("{} elements of tags are forced already, which is all there is room for", names.len());
        return Failure::new(Code::Refused, text).help(format!(
            "at most {FORCES_MAX} can be forced at a time; let one go with `unforce`, or all with `unforce-all`"
        ));
    }
    let tag = usize::try_from(index).ok().and_then(|index| cell.tags.get(index));
    let failure =
        Failure::new(Code::Refused, format!("`{}` is not forced", tag.map_or("?", |tag| &tag.name)));
    match names.as_slice() {
        [] => failure.help("nothing is forced"),
        names => failure.help(format!("forced now: {}", names.join(", "))),
    }
}

fn meant<'a>(cell: &'a Cell, name: &str) -> Result<Meant<'a>, Failure> {
    let bare = name.strip_prefix("io.").unwrap_or(name);
    let (of, index) = match bare.strip_suffix(']').and_then(|of| of.split_once('[')) {
        Some((of, index)) => (of, Some(index)),
        None => (bare, None),
    };
    let position = |name: &str| {
        let found = cell.tag(name)?;
        cell.tags.iter().position(|tag| tag.slot == found.slot)
    };
    let found = position(of).or_else(|| position(name));
    let Some((at, tag)) = found.and_then(|at| Some((at, cell.tags.get(at)?))) else {
        return Err(unknown("tag", of, cell.tags.iter().map(|tag| tag.name.as_str())));
    };
    let element = match index {
        None => None,
        Some(index) => {
            let element = index.trim().parse::<u32>().ok().filter(|element| *element < tag.len());
            let Some(element) = element.filter(|_| tag.array_len.is_some()) else {
                let what = match tag.array_len {
                    Some(len) => format!("an array of {len}, with elements 0 to {}", len - 1),
                    None => "no array".to_owned(),
                };
                let text = format!("`{}` is {what}, got `{}`", tag.name, shown(name));
                return Err(Failure::new(Code::UnknownName, text));
            };
            Some(element)
        }
    };
    Ok(Meant { index: at, tag, element })
}

fn refused(cell: &Cell, tag: &Tag, why: Barred) -> Failure {
    let name = &tag.name;
    match why {
        Barred::Model => {
            Failure::new(Code::Refused, format!("`{name}` is a model's result, which cannot be forced"))
        }
        Barred::Operator => {
            let text = format!("`{name}` is an operator's button, which cannot be forced");
            Failure::new(Code::Refused, text).help("use `start`, `stop` and `reset`")
        }
        Barred::Drive(axis) => {
            let axis = cell.axes.get(axis).map_or("?", |axis| axis.name.as_str());
            let text = format!("`{name}` is bound to the drive of axis {axis}, which cannot be forced");
            Failure::new(Code::Refused, text).help("move the axis with `jog`, in manual mode of its unit")
        }
    }
}

fn wrong(tag: &Tag, element: u32, got: &Json, typed: bool) -> Failure {
    let range = match (tag.range, tag.fields.get(element as usize)) {
        (Some((low, high)), _) => format!(" in {} to {}", describe::json(low), describe::json(high)),
        (None, Some(field)) if typed => format!(" that fits the {} bits of the process data", field.bit_len),
        (None, None) if typed => " that is finite".to_owned(),
        (None, _) => String::new(),
    };
    let unit = tag.unit.as_deref().map_or(String::new(), |unit| format!(" {unit}"));
    let got = shown(&got.to_string());
    let text = format!("`{}` is {}{range}{unit}, got {got}", tag.name, tag.scalar.name());
    Failure::new(Code::OutOfRange, text)
}

/// An element as it is named.
pub fn name(tag: &Tag, element: u32) -> String {
    match tag.array_len {
        Some(_) => format!("{}[{element}]", tag.name),
        None => tag.name.clone(),
    }
}
