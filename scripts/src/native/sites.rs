//! Places at which a compiled program can fail, and what is said of them.

use super::context::OPERANDS;
use crate::{
    arithmetic,
    fault::{Raised, in_library, out_of_bounds, refused},
    hir::{BinaryOperator, NamedRequest, UnaryOperator},
    interpreter::fuel_text,
    layout::{SYMBOL_SIZE, literal, symbol},
    names::suggest,
    ports::{COMMANDS_MAX, REQUESTS_MAX},
    program::{Explain, Failure},
};
use sensai_model::{FaultCode, ScalarType, Value};
use sensai_stdlib::registry::{self, handle::DIRECTIONS};
use std::{fmt, sync::Arc};

/// One place.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub line: u32,
    pub column: u16,
    /// Path of the library that it is in; the program itself has none.
    pub library: Option<Arc<str>>,
    pub kind: SiteKind,
    /// Calls of functions that were compiled in place, the innermost first.
    pub calls: Box<[Call]>,
}

/// A call of a function of the program.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub function: Arc<str>,
    pub line: u32,
}

/// What goes wrong there, and what the operands are.
#[derive(Clone, Debug)]
pub(super) enum SiteKind {
    /// Both operands.
    Binary(BinaryOperator, FaultCode),
    /// The operand.
    Negate,
    /// The index.
    Index { len: u32 },
    /// The index.
    TagIndex { name: Arc<str>, len: u32 },
    /// The number.
    TagNotFinite { name: Arc<str> },
    /// The value.
    TagRange { tag: Arc<TagRange> },
    /// None.
    Fuel,
    /// None.
    Raised(Arc<str>),
    /// The text, in all words.
    RaisedText,
    /// Arguments.
    Library(&'static registry::Function),
    /// Offset of the block's bytes in the state, then arguments.
    Method(&'static registry::BlockType, &'static registry::Method),
    /// The number.
    AxisNotFinite { method: &'static str, argument: &'static str },
    /// The text, in all words.
    AxisDirection,
    /// None.
    AxisFull,
    /// None.
    RequestsFull,
    /// The text, in all words.
    RequestUnknown(NamedRequest),
    /// No fault: a call on the way to one.
    Call(Call),
}

/// A tag with a range.
#[derive(Clone, Debug)]
pub(super) struct TagRange {
    pub name: String,
    pub unit: String,
    pub scalar: ScalarType,
    pub low: Value,
    pub high: Value,
    /// Of a twin, whose tags do not saturate.
    pub twin: bool,
}

impl Site {
    /// Code of the fault; `None`: whoever refused the arguments says it.
    pub fn code(&self) -> Option<FaultCode> {
        Some(match self.kind {
            SiteKind::Binary(_, code) => code,
            SiteKind::Negate => FaultCode::Overflow,
            SiteKind::TagRange { .. } => FaultCode::OutOfRange,
            SiteKind::Index { .. } | SiteKind::TagIndex { .. } => FaultCode::IndexOutOfBounds,
            SiteKind::TagNotFinite { .. } | SiteKind::AxisNotFinite { .. } => FaultCode::NotFinite,
            SiteKind::Fuel => FaultCode::FuelExhausted,
            SiteKind::Raised(_) | SiteKind::RaisedText => FaultCode::Raised,
            SiteKind::AxisDirection | SiteKind::RequestUnknown(_) => FaultCode::UnknownName,
            SiteKind::AxisFull | SiteKind::RequestsFull => FaultCode::TooLarge,
            SiteKind::Library(_) | SiteKind::Method(..) | SiteKind::Call(_) => return None,
        })
    }
}

/// Everything that is said of a program's failures.
#[derive(Debug)]
pub(super) struct Sites {
    pub all: Box<[Site]>,
    /// Work units that a run may use.
    pub operations: u64,
    /// Names of the cell, ascending.
    pub alarms: Box<[Arc<str>]>,
    pub jidoka: Box<[Arc<str>]>,
}

impl Sites {
    pub fn get(&self, site: u32) -> Option<&Site> {
        self.all.get(site as usize)
    }

    fn what(&self, kind: &SiteKind, failure: &Failure, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operand = |place: usize| failure.values.get(place).copied().unwrap_or(0);
        let integer = |place: usize| operand(place).cast_signed();
        match kind {
            SiteKind::Binary(operator, _) => {
                let (left, right) = (Value::I64(integer(0)), Value::I64(integer(1)));
                said(arithmetic::binary(*operator, left, right), f)
            }
            SiteKind::Negate => said(arithmetic::unary(UnaryOperator::Negate, Value::I64(integer(0))), f),
            SiteKind::Index { len } => f.write_str(&out_of_bounds(integer(0), *len as usize)),
            SiteKind::TagIndex { name, len } => {
                write!(f, "`{name}`: {}", out_of_bounds(integer(0), *len as usize))
            }
            SiteKind::TagNotFinite { name } => {
                let number = f64::from_bits(operand(0));
                write!(f, "`{name}` cannot be {number}; check the calculation with is_finite()")
            }
            SiteKind::TagRange { tag } => out_of_range(tag, operand(0), f),
            SiteKind::Fuel => f.write_str(&fuel_text(self.operations, 1)),
            SiteKind::Raised(name) => write!(f, "the program raised the fault `{name}`"),
            SiteKind::RaisedText => {
                write!(f, "the program raised the fault `{}`", Text::new(failure).get())
            }
            SiteKind::AxisNotFinite { method, argument } => {
                let number = f64::from_bits(operand(0));
                write!(
                    f,
                    "Axis.{method}: argument {argument} cannot be {number}; check the calculation with is_finite()"
                )
            }
            SiteKind::AxisDirection => {
                let text = Text::new(failure);
                let word = text.get();
                let help = suggest(word, DIRECTIONS, "directions");
                write!(f, "Axis.move_absolute: `{word}` is no direction; {help}")
            }
            SiteKind::AxisFull => write!(
                f,
                "more than {COMMANDS_MAX} axis commands in one run; begin fewer in one cycle, or command what moves alike \
                 by one axis"
            ),
            SiteKind::RequestsFull => write!(
                f,
                "more than {REQUESTS_MAX} calls such as hold(), jidoka() or alarm() in one run; make each only when it is \
                 needed"
            ),
            SiteKind::RequestUnknown(request) => {
                let text = Text::new(failure);
                let (one, several, names) = match request {
                    NamedRequest::Jidoka => ("jidoka rule", "jidoka rules", &self.jidoka),
                    NamedRequest::Alarm => ("alarm", "alarms", &self.alarms),
                };
                let names: Vec<&str> = names.iter().map(|name| &**name).collect();
                write!(f, "there is no {one} `{}`; {}", text.get(), suggest(text.get(), &names, several))
            }
            SiteKind::Library(_) | SiteKind::Method(..) => match failure.refused {
                Some(error) => f.write_str(&refused(error).text),
                None => f.write_str("a block or function of the library refused its arguments"),
            },
            SiteKind::Call(call) => write!(f, "`{}` failed", call.function),
        }
    }
}

/// What an operation says when it is done once more.
fn said(result: Option<Result<Value, Raised>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match result {
        Some(Err(raised)) => f.write_str(&raised.text),
        _ => f.write_str("an operation failed"),
    }
}

/// A text that a failure left in its words.
struct Text([u8; SYMBOL_SIZE as usize]);

impl Text {
    fn new(failure: &Failure) -> Self {
        let mut bytes = [0; SYMBOL_SIZE as usize];
        for (part, word) in bytes.chunks_exact_mut(8).zip(failure.values) {
            part.copy_from_slice(&word.to_le_bytes());
        }
        Self(bytes)
    }

    fn get(&self) -> &str {
        symbol(&self.0).unwrap_or("?")
    }
}

fn out_of_range(tag: &TagRange, bits: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let unit = if tag.unit.is_empty() { String::new() } else { format!(" {}", tag.unit) };
    let help = match tag.twin {
        true => "limit it with clamp()",
        false => "limit it with clamp(), or give the tag overflow = \"saturate\"",
    };
    write!(
        f,
        "`{}` = {}{unit} is outside its range {} to {}{unit}; {help}",
        tag.name,
        literal(Value::from_bits(tag.scalar, bits)),
        literal(tag.low),
        literal(tag.high)
    )
}

impl Explain for Sites {
    fn explain(&self, failure: &Failure, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(site) = self.get(failure.site) else { return f.write_str("the program failed") };
        if let Some(library) = &site.library {
            f.write_str(&in_library(library))?;
        }
        self.what(&site.kind, failure, f)?;
        let outer = failure.calls().iter().filter_map(|call| self.get(*call));
        for site in std::iter::once(site).chain(outer) {
            if let SiteKind::Call(call) = &site.kind {
                write!(f, " (in `{}`, called in line {})", call.function, call.line)?;
            }
            for call in &site.calls {
                write!(f, " (in `{}`, called in line {})", call.function, call.line)?;
            }
        }
        Ok(())
    }
}

/// Arguments from their bits.
pub(super) fn arguments(types: impl Iterator<Item = ScalarType>, bits: &[u64]) -> ([Value; OPERANDS], usize) {
    let mut values = [Value::Bool(false); OPERANDS];
    let mut count = 0;
    for ((value, scalar), bits) in values.iter_mut().zip(types).zip(bits) {
        *value = Value::from_bits(scalar, *bits);
        count += 1;
    }
    (values, count)
}
