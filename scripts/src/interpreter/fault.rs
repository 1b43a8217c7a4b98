//! From Rhai's errors to faults with a place and a plain sentence.

use crate::fault::in_library;
pub(crate) use crate::fault::{Raised, out_of_bounds, refused};
use rhai::{Dynamic, EvalAltResult, Position};
use sensai_model::FaultCode;

/// A fault raised by our own functions travels through Rhai as the value of a runtime error.
impl From<Raised> for Box<EvalAltResult> {
    fn from(raised: Raised) -> Self {
        EvalAltResult::ErrorRuntime(Dynamic::from(raised), Position::NONE).into()
    }
}

/// What came of an error: everything [`crate::ProgramError`] needs but the program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Explained {
    pub code: FaultCode,
    /// [`Position::NONE`] if Rhai does not know it.
    pub position: Position,
    pub text: String,
}

/// Limits as the texts name them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub operations: u64,
    /// What one operation counts.
    pub weight: u64,
    pub call_depth: usize,
    pub variables: usize,
}

/// Explain `error`. The text ends with the calls that led there.
pub(crate) fn explain(error: &EvalAltResult, bounds: Bounds) -> Explained {
    let mut calls = Vec::new();
    let mut innermost = error;
    let mut outer = Position::NONE;
    let mut library = "";
    while let EvalAltResult::ErrorInFunctionCall(name, source, inner, position) = innermost {
        library = source;
        if !position.is_none() {
            calls.push((name.as_str(), *position));
            outer = *position;
        }
        innermost = inner;
    }
    let (code, mut text) = explain_one(innermost, bounds);
    if !library.is_empty() {
        text.insert_str(0, &in_library(library));
    }
    for (name, position) in calls.iter().rev() {
        text.push_str(&format!(" (in `{name}`, called in line {})", position.line().unwrap_or(0)));
    }
    Explained { code, position: innermost.position().or_else(outer), text }
}

fn explain_one(error: &EvalAltResult, bounds: Bounds) -> (FaultCode, String) {
    use EvalAltResult as E;
    match error {
        E::ErrorRuntime(value, _) => match value.read_lock::<Raised>() {
            Some(raised) => (raised.code, raised.text.clone()),
            None => (
                FaultCode::Script,
                "the program threw an error; raise a fault with fault(\"name\")".to_owned(),
            ),
        },
        E::ErrorVariableNotFound(name, _) => {
            (FaultCode::UnknownName, format!("`{name}` is not known here; declare it with `let` or `const`"))
        }
        E::ErrorPropertyNotFound(name, _) => (
            FaultCode::UnknownName,
            format!(
                "the record has no field `{name}`; the fields of the state are those that `init` returns"
            ),
        ),
        E::ErrorIndexNotFound(index, _) => {
            (FaultCode::UnknownName, format!("there is nothing at index {index}; use a field that exists"))
        }
        E::ErrorFunctionNotFound(signature, _) => unknown_function(signature),
        E::ErrorDotExpr(text, _) => unknown_property(text),
        E::ErrorIndexingType(types, _) => (
            FaultCode::TypeMismatch,
            format!("{} cannot be indexed; only arrays can", plain_signature(types)),
        ),
        E::ErrorUnboundThis(_) => (
            FaultCode::Script,
            "`this` is the state only in functions called as a method; call it as `this.name()`".to_owned(),
        ),
        E::ErrorMismatchDataType(expected, actual, _) | E::ErrorMismatchOutputType(expected, actual, _) => (
            FaultCode::TypeMismatch,
            format!("expected {}, got {}; types are never converted", plain(expected), plain(actual)),
        ),
        E::ErrorArrayBounds(len, index, _) => (FaultCode::IndexOutOfBounds, out_of_bounds(*index, *len)),
        E::ErrorStringBounds(..) => {
            (FaultCode::IndexOutOfBounds, "a text has no parts; compare it as a whole".to_owned())
        }
        E::ErrorBitFieldBounds(bits, index, _) => (
            FaultCode::IndexOutOfBounds,
            format!("bit {index} of an i64 does not exist; it has bits 0 to {}", bits - 1),
        ),
        E::ErrorFor(_) => (
            FaultCode::TypeMismatch,
            "`for` runs over a range or an array; write `for i in 0..n` or `for x in this.array`".to_owned(),
        ),
        E::ErrorNonPureMethodCallOnConstant(name, _) | E::ErrorAssignmentToConstant(name, _) => {
            let name = name.trim_start_matches("set$").trim_start_matches("get$");
            (FaultCode::ReadOnly, format!("`{name}` cannot be changed; it is a constant or a root"))
        }
        E::ErrorArithmetic(..) => (
            FaultCode::Overflow,
            "an integer left the range of i64; keep the numbers smaller or calculate in f64".to_owned(),
        ),
        E::ErrorTooManyOperations(_) | E::ErrorTerminated(..) => {
            (FaultCode::FuelExhausted, fuel(bounds.operations, bounds.weight))
        }
        E::ErrorStackOverflow(_) => (
            FaultCode::CallDepth,
            format!(
                "calls are nested deeper than {}; call fewer functions from functions, or raise [limits] call_depth",
                bounds.call_depth
            ),
        ),
        E::ErrorTooManyVariables(_) => {
            (FaultCode::TooLarge, format!("more than {} variables at once; use an array", bounds.variables))
        }
        E::ErrorDataTooLarge(what, _) => {
            let (what, limit) = if what.contains("string") {
                ("a text", "text_len")
            } else if what.contains("map") {
                ("a record", "record_len")
            } else {
                ("an array", "array_len")
            };
            (
                FaultCode::TooLarge,
                format!("{what} grew beyond its limit; keep it smaller, or raise [limits] {limit}"),
            )
        }
        _ => (FaultCode::Script, "the program could not go on here; simplify the statement".to_owned()),
    }
}

/// What stopped a program that does too much in one cycle.
pub(crate) fn fuel(operations: u64, weight: u64) -> String {
    let counted = if weight > 1 {
        format!(", each counted as {weight} for the size of the data; make the data smaller,")
    } else {
        ";".to_owned()
    };
    format!(
        "more than {operations} operations in one cycle{counted} spread the work over cycles, or raise [limits] operations"
    )
}

/// `run (i64, f64)` is what Rhai gives for a call that fits no function.
fn unknown_function(signature: &str) -> (FaultCode, String) {
    let (name, types) = signature.split_once(" (").unwrap_or((signature, ""));
    let types = plain_list(types.trim_end_matches(')'));
    match name {
        "index$get$" | "index$set$" => (FaultCode::TypeMismatch, "only arrays can be indexed".to_owned()),
        _ if types.is_empty() => {
            (FaultCode::UnknownName, format!("there is no function `{name}()`; check the name"))
        }
        _ => (
            FaultCode::TypeMismatch,
            format!("there is no `{name}` for ({types}); check its arguments, types are never converted"),
        ),
    }
}

/// `Unknown property 'x' - a getter is not registered for type 'i64'`.
fn unknown_property(text: &str) -> (FaultCode, String) {
    let mut quoted = text.split('\'').skip(1).step_by(2);
    let property = quoted.next().unwrap_or("?");
    let owner = quoted.next().map_or("this value", plain);
    if text.contains("setter") {
        return (FaultCode::ReadOnly, format!("`{property}` of {owner} cannot be written"));
    }
    (FaultCode::UnknownName, format!("{owner} has no property `{property}`; check the name"))
}

fn plain_signature(types: &str) -> String {
    plain(types.split(" [").next().unwrap_or(types)).to_owned()
}

fn plain_list(types: &str) -> String {
    types
        .replace("&str | ImmutableString | String", "text")
        .split(", ")
        .map(plain)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A type as the cell language calls it.
pub(crate) fn plain(name: &str) -> &str {
    match name {
        "string" | "&str" | "ImmutableString" | "alloc::string::String" => "text",
        "char" => "character",
        "map" => "record",
        "()" => "nothing",
        "alloc::vec::Vec<rhai::types::dynamic::Dynamic>" => "array",
        name if name.contains("Range") || name.contains("range") => "range",
        name if name.ends_with("Block") => "block",
        name if name.ends_with("axis::Handle") => "Axis",
        name if name.ends_with("ParameterGroup") => "group of parameters",
        name if name.ends_with("Group") => "group of tags",
        name if name.ends_with("TagArray") => "array of tags",
        name if name.ends_with("Facts") => "`sys`",
        name if name.ends_with("ImmutableString") => "text",
        name => name,
    }
}

/// The type of a value as the cell language calls it.
pub(crate) fn type_name(value: &Dynamic) -> String {
    if let Some(block) = value.read_lock::<super::block::Block>() {
        return block.kind().name.to_owned();
    }
    plain(value.type_name()).to_owned()
}
