//! What is known of the unit of a value.

use crate::lints::paths::Key;
use sensai_model::{Unit, unit::Relation};

/// The unit of a number, as far as it is known.
#[derive(Clone, Debug)]
pub(in crate::lints) enum Measure {
    /// Of whatever unit is wanted: a literal, a constant, and what was scaled by one.
    Any,
    /// This one.
    Of(Unit),
    /// Not known, or not always the same.
    Unclear,
}

impl Measure {
    /// Of a text in a cell or a description; `None` and what does not parse are unclear.
    pub fn parse(text: Option<&str>) -> Self {
        text.and_then(Unit::parse).map_or(Self::Unclear, Self::Of)
    }

    /// What it is, if it is one or the other.
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, other) | (other, Self::Any) => other,
            (Self::Of(one), Self::Of(other)) if one.to(&other) == Relation::Same => Self::Of(one),
            _ => Self::Unclear,
        }
    }

    /// What it is, if both are of one unit.
    pub fn same(self, other: Self) -> Self {
        match (self, other) {
            (Self::Of(one), _) | (_, Self::Of(one)) => Self::Of(one),
            (Self::Any, Self::Any) => Self::Any,
            _ => Self::Unclear,
        }
    }

    pub fn times(self, other: Self) -> Self {
        self.combine(other, Unit::times)
    }

    pub fn per(self, other: Self) -> Self {
        self.combine(other, Unit::per)
    }

    fn combine(self, other: Self, with: impl FnOnce(&Unit, &Unit) -> Option<Unit>) -> Self {
        match (self, other) {
            (Self::Of(one), Self::Of(other)) => with(&one, &other).map_or(Self::Unclear, Self::Of),
            (Self::Unclear, _) | (_, Self::Unclear) => Self::Unclear,
            _ => Self::Any,
        }
    }

    /// The same without what is known of [`Measure::Any`].
    pub const fn unit(&self) -> Option<&Unit> {
        match self {
            Self::Of(unit) => Some(unit),
            _ => None,
        }
    }

    /// Equal as far as a lint can tell.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, Self::Any) | (Self::Unclear, Self::Unclear) => true,
            (Self::Of(one), Self::Of(other)) => one.to(other) == Relation::Same,
            _ => false,
        }
    }
}

/// What is known of the units in a value.
#[derive(Clone, Debug)]
pub(in crate::lints) enum Units {
    /// It is a number.
    Number(Measure),
    /// It is a copy of what is at one of these places.
    Copy(Vec<Key>),
    /// Fields with their indices.
    Record(Vec<(u32, Units)>),
    /// One of these, or an array of them.
    OneOf(Vec<Units>),
}

impl Units {
    pub const UNCLEAR: Self = Self::Number(Measure::Unclear);
    pub const ANY: Self = Self::Number(Measure::Any);

    /// A part of it.
    pub fn below(self, path: &[u32]) -> Self {
        let Some((first, rest)) = path.split_first() else { return self };
        match self {
            Self::Number(_) => Self::UNCLEAR,
            Self::Copy(keys) => Self::Copy(keys.into_iter().map(|key| key.below(path)).collect()),
            Self::Record(fields) => match fields.into_iter().find(|(index, _)| index == first) {
                Some((_, units)) => units.below(rest),
                None => Self::UNCLEAR,
            },
            Self::OneOf(all) => Self::OneOf(all.into_iter().map(|units| units.below(path)).collect()),
        }
    }
}
