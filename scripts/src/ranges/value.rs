//! Sets of values of one type: what is known of an expression or a variable.

use super::{float::FloatRange, int::IntRange};
use crate::hir::{SymbolId, Type};
use sensai_model::Value;
use std::sync::Arc;

/// The values that a scalar or a text can have. Never empty: what has no value is not reached.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// A bool; at least one of the two.
    Bool {
        /// It can be false.
        no: bool,
        /// It can be true.
        yes: bool,
    },
    /// An `i64`.
    Int(IntRange),
    /// An `f64`.
    Float(FloatRange),
    /// A text.
    Symbol(Symbols),
}

/// A set of texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbols {
    /// Texts of the program, ascending.
    texts: Arc<[SymbolId]>,
    /// Texts that do not stand in the program, too.
    others: bool,
    /// Every text of the program as well.
    all: bool,
}

/// What is known of a value of any type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Nothing: everything of the type is possible.
    Any,
    /// A scalar or a text.
    Scalar(Known),
    /// Each element of an array.
    Array(Box<Shape>),
    /// The fields of a record, in the order of the type.
    Record(Vec<Shape>),
}

/// Texts that a set names one by one; more become any.
const SYMBOLS_MAX: usize = 256;

/// Ends that growing ranges stop at, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Thresholds {
    ints: Vec<i64>,
    floats: Vec<f64>,
}

impl Symbols {
    /// Every text.
    pub fn any() -> Self {
        Self { texts: Arc::from([]), others: true, all: true }
    }

    /// One text of the program.
    pub fn of(symbol: SymbolId) -> Self {
        Self { texts: Arc::from([symbol]), others: false, all: false }
    }

    /// These texts of the program, and perhaps others that it does not name.
    pub fn set(mut texts: Vec<SymbolId>, others: bool) -> Self {
        texts.sort_unstable();
        texts.dedup();
        Self { texts: texts.into(), others, all: false }
    }

    /// The texts one by one; none if it can be any, or one that does not stand in the program.
    pub fn named(&self) -> Option<&[SymbolId]> {
        (!self.all && !self.others).then_some(&self.texts)
    }

    /// True if it can be this text of the program.
    pub fn contains(&self, symbol: SymbolId) -> bool {
        self.all || self.texts.binary_search(&symbol).is_ok()
    }

    /// It can be a text that does not stand in the program.
    pub fn has_others(&self) -> bool {
        self.others
    }

    /// True if all of `other` is in it.
    pub fn includes(&self, other: &Self) -> bool {
        (self.others || !other.others)
            && (self.all || (!other.all && other.texts.iter().all(|text| self.contains(*text))))
    }

    fn join(&self, other: &Self) -> Self {
        if self.includes(other) {
            return self.clone();
        }
        if other.includes(self) {
            return other.clone();
        }
        let others = self.others || other.others;
        let texts: Vec<SymbolId> = self.texts.iter().chain(other.texts.iter()).copied().collect();
        let joined = Self::set(texts, others);
        if self.all || other.all || joined.texts.len() > SYMBOLS_MAX {
            Self { others, ..Self::any() }
        } else {
            joined
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        let others = self.others && other.others;
        let both = match (self.all, other.all) {
            (true, true) => return Some(Self { others, ..Self::any() }),
            (true, false) => Self { others, ..other.clone() },
            (false, true) => Self { others, ..self.clone() },
            (false, false) => {
                let texts = self.texts.iter().copied().filter(|text| other.contains(*text));
                Self { texts: texts.collect(), others, all: false }
            }
        };
        (both.others || !both.texts.is_empty()).then_some(both)
    }

    /// Without one text.
    fn without(&self, symbol: SymbolId) -> Option<Self> {
        if self.all {
            return Some(self.clone());
        }
        let texts: Arc<[SymbolId]> = self.texts.iter().copied().filter(|text| *text != symbol).collect();
        (self.others || !texts.is_empty()).then_some(Self { texts, ..*self })
    }

    /// The text, if it is only one.
    fn single(&self) -> Option<SymbolId> {
        match self.named() {
            Some([text]) => Some(*text),
            _ => None,
        }
    }
}

impl Known {
    /// Either.
    pub const BOOL: Self = Self::Bool { no: true, yes: true };

    /// Everything of a type; none if it is neither a scalar nor a text.
    pub fn any(ty: &Type) -> Option<Self> {
        Some(match ty {
            Type::Bool => Self::BOOL,
            Type::I64 => Self::Int(IntRange::ALL),
            Type::F64 => Self::Float(FloatRange::ALL),
            Type::Symbol => Self::Symbol(Symbols::any()),
            _ => return None,
        })
    }

    /// One value.
    pub fn of(value: Value) -> Self {
        match value {
            Value::Bool(value) => Self::truth(value),
            Value::I64(value) => Self::Int(IntRange::of(value)),
            Value::F64(value) => Self::Float(FloatRange::of(value)),
        }
    }

    /// One bool.
    pub const fn truth(value: bool) -> Self {
        Self::Bool { no: !value, yes: value }
    }

    /// A bool that can be false, true, or both. `None`: neither.
    pub const fn bools(no: bool, yes: bool) -> Option<Self> {
        if no || yes { Some(Self::Bool { no, yes }) } else { None }
    }

    /// True if a value is in it.
    pub fn contains(&self, value: Value) -> bool {
        match (self, value) {
            (Self::Bool { no, yes }, Value::Bool(value)) => {
                if value {
                    *yes
                } else {
                    *no
                }
            }
            (Self::Int(range), Value::I64(value)) => range.contains(value),
            (Self::Float(range), Value::F64(value)) => range.contains(value),
            _ => false,
        }
    }

    /// The bool, if it is only one.
    pub fn single_bool(&self) -> Option<bool> {
        match self {
            Self::Bool { no: false, yes: true } => Some(true),
            Self::Bool { no: true, yes: false } => Some(false),
            _ => None,
        }
    }

    /// The range of an `i64`.
    pub fn int(&self) -> Option<IntRange> {
        if let Self::Int(range) = self { Some(*range) } else { None }
    }

    /// The range of a number as an `f64`.
    pub fn float(&self) -> Option<FloatRange> {
        match self {
            Self::Float(range) => Some(*range),
            Self::Int(range) => Some(FloatRange::from_int(*range)),
            _ => None,
        }
    }

    /// True if all of `other` is in it.
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool { no, yes }, Self::Bool { no: also_no, yes: also_yes }) => {
                (*no || !also_no) && (*yes || !also_yes)
            }
            (Self::Int(a), Self::Int(b)) => a.includes(*b),
            (Self::Float(a), Self::Float(b)) => a.includes(*b),
            (Self::Symbol(a), Self::Symbol(b)) => a.includes(b),
            _ => false,
        }
    }

    /// In one or the other. `None`: they are of two types.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Bool { no, yes }, Self::Bool { no: also_no, yes: also_yes }) => {
                Self::Bool { no: *no || *also_no, yes: *yes || *also_yes }
            }
            (Self::Int(a), Self::Int(b)) => Self::Int(a.join(*b)),
            (Self::Float(a), Self::Float(b)) => Self::Float(a.join(*b)),
            (Self::Symbol(a), Self::Symbol(b)) => Self::Symbol(a.join(b)),
            _ => return None,
        })
    }

    /// In both. `None`: in neither.
    pub(crate) fn meet(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Bool { no, yes }, Self::Bool { no: also_no, yes: also_yes }) => {
                return Self::bools(*no && *also_no, *yes && *also_yes);
            }
            (Self::Int(a), Self::Int(b)) => Self::Int(a.meet(*b)?),
            (Self::Float(a), Self::Float(b)) => Self::Float(a.meet(*b)?),
            (Self::Symbol(a), Self::Symbol(b)) => Self::Symbol(a.meet(b)?),
            // Of two types: nothing is said about the first by the second.
            _ => self.clone(),
        })
    }

    /// What it can be, if it is not equal to the only value of `other`.
    pub(crate) fn without(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Bool { no, yes }, _) => match other.single_bool() {
                Some(true) => Self::bools(*no, false),
                Some(false) => Self::bools(false, *yes),
                None => Some(self.clone()),
            },
            (Self::Symbol(a), Self::Symbol(b)) => match b.single() {
                Some(symbol) => a.without(symbol).map(Self::Symbol),
                None => Some(self.clone()),
            },
            (Self::Int(a), Self::Int(b)) => match b.single() {
                Some(value) => a.without(value).map(Self::Int),
                None => Some(self.clone()),
            },
            _ => Some(self.clone()),
        }
    }

    /// A set that `next` grows into in few steps.
    pub(crate) fn widen(&self, next: &Self, thresholds: &Thresholds) -> Option<Self> {
        Some(match (self, next) {
            (Self::Int(a), Self::Int(b)) => Self::Int(a.widen(*b, &thresholds.ints)),
            (Self::Float(a), Self::Float(b)) => Self::Float(a.widen(*b, &thresholds.floats)),
            (Self::Symbol(a), Self::Symbol(b)) if a.includes(b) => Self::Symbol(a.clone()),
            (Self::Symbol(_), Self::Symbol(_)) => Self::Symbol(Symbols::any()),
            _ => return self.join(next),
        })
    }
}

impl Thresholds {
    /// From the numbers that stand in a program: what a counter runs up to is mostly one of them, or next to it.
    pub fn new(values: impl Iterator<Item = Value>) -> Self {
        let (mut ints, mut floats) = (vec![0], vec![f64::MIN, 0.0, f64::MAX]);
        for value in values {
            match value {
                Value::I64(value) => ints.extend([value.saturating_sub(1), value, value.saturating_add(1)]),
                Value::F64(value) if !value.is_nan() => floats.push(value),
                _ => {}
            }
        }
        ints.sort_unstable();
        ints.dedup();
        floats.sort_unstable_by(f64::total_cmp);
        floats.dedup();
        Self { ints, floats }
    }
}

impl Shape {
    /// The scalar or text; what is not known of it is everything of the type.
    pub fn scalar(self, ty: &Type) -> Option<Known> {
        match self {
            Self::Scalar(known) => Some(known),
            _ => Known::any(ty),
        }
    }

    /// In one or the other.
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Scalar(a), Self::Scalar(b)) => a.join(&b).map_or(Self::Any, Self::Scalar),
            (Self::Array(a), Self::Array(b)) => Self::Array(Box::new(a.join(*b))),
            (Self::Record(a), Self::Record(b)) if a.len() == b.len() => {
                Self::Record(a.into_iter().zip(b).map(|(a, b)| a.join(b)).collect())
            }
            _ => Self::Any,
        }
    }
}
