//! What is known of the values that come from outside of a program, without running it.

use super::{
    float::FloatRange,
    int::IntRange,
    value::{Known, Symbols},
};
use crate::{
    Role, ScriptEnvironment,
    hir::{Hir, SymbolId, SysFact},
};
use sensai_model::{
    BitField, RawType, ScalarType, Tag, TagKind, Value,
    cell::Parameter,
    packml::{Mode, State},
    tag::OnInvalid,
};

/// How much of what the cell says of its values is taken for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// What holds whatever is restored from a log or a file: for proofs.
    Checked,
    /// What holds in a cell that runs from its start on: for advice.
    Declared,
}

/// Values from outside.
pub(crate) struct Outside {
    tags: Vec<Known>,
    /// Range that a write must keep, and whether it saturates.
    limits: Vec<Limit>,
    lens: Vec<u32>,
    parameters: Vec<Known>,
    mode: Known,
    state: Known,
    seed: Known,
    trust: Trust,
}

/// What a write to a tag does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    /// What can be stored.
    pub stored: Known,
    /// A number outside is the nearest one inside.
    pub saturates: bool,
}

impl Outside {
    pub fn new(hir: &Hir, environment: &ScriptEnvironment<'_>, trust: Trust) -> Self {
        let tags = || environment.tags.iter().chain(environment.role.shafts());
        let words = |names: Vec<&str>| words(hir, &names);
        let seed = match environment.role {
            Role::Controller => Known::Int(IntRange::ALL),
            Role::Twin { seed, .. } => Known::of(Value::I64(seed)),
        };
        Self {
            tags: tags().map(|tag| read(tag, trust)).collect(),
            limits: tags().map(limit).collect(),
            lens: tags().map(Tag::len).collect(),
            parameters: environment.parameters.iter().map(parameter).collect(),
            mode: words(Mode::ALL.iter().map(|mode| mode.name()).collect()),
            state: words(State::ALL.iter().map(|state| state.name()).collect()),
            seed,
            trust,
        }
    }

    /// A tag's value, of each element; none if there is no such tag.
    pub fn tag(&self, tag: u32) -> Option<&Known> {
        self.tags.get(tag as usize)
    }

    /// What a write to a tag does.
    pub fn limit(&self, tag: u32) -> Option<&Limit> {
        self.limits.get(tag as usize)
    }

    /// Number of elements of a tag.
    pub fn len(&self, tag: u32) -> u32 {
        self.lens.get(tag as usize).copied().unwrap_or(1)
    }

    /// A parameter's value.
    pub fn parameter(&self, parameter: u32) -> Option<&Known> {
        self.parameters.get(parameter as usize)
    }

    /// A fact behind `sys.`.
    pub fn sys(&self, fact: SysFact) -> Known {
        let ints = |low| Known::Int(IntRange::between(low, i64::MAX));
        match (fact, self.trust) {
            (SysFact::Cycle, _) | (SysFact::Time, Trust::Declared) => ints(0),
            (SysFact::Time, Trust::Checked) => ints(i64::MIN),
            (SysFact::Dt, Trust::Declared) => number(1e-9, 9.3e9),
            (SysFact::Dt, Trust::Checked) => number(-9.3e9, 9.3e9),
            (SysFact::FirstCycle, _) => Known::BOOL,
            (SysFact::Mode, _) => self.mode.clone(),
            (SysFact::State, _) => self.state.clone(),
            (SysFact::Seed, _) => self.seed.clone(),
        }
    }
}

fn number(low: f64, high: f64) -> Known {
    Known::Float(FloatRange::new(low, high).unwrap_or(FloatRange::ALL))
}

/// One of these texts, which may or may not stand in the program.
pub(crate) fn words(hir: &Hir, words: &[&str]) -> Known {
    let place = |word: &&str| hir.symbols.iter().position(|symbol| **symbol == **word);
    let found: Vec<SymbolId> = words.iter().filter_map(place).map(|place| SymbolId(place as u32)).collect();
    let others = found.len() < words.len();
    Known::Symbol(Symbols::set(found, others))
}

fn any(scalar: ScalarType) -> Known {
    match scalar {
        ScalarType::Bool => Known::BOOL,
        ScalarType::I64 => Known::Int(IntRange::ALL),
        ScalarType::F64 => Known::Float(FloatRange::ALL),
    }
}

/// Between two values of one type.
fn between(low: Value, high: Value) -> Option<Known> {
    match (low, high) {
        (Value::I64(low), Value::I64(high)) => IntRange::new(low, high).map(Known::Int),
        (Value::F64(low), Value::F64(high)) => FloatRange::new(low, high).map(Known::Float),
        _ => None,
    }
}

/// Whoever runs a program refuses parameters that are not in their range.
fn parameter(parameter: &Parameter) -> Known {
    let range = parameter.range.and_then(|(low, high)| between(low, high));
    range.unwrap_or_else(|| match parameter.scalar {
        ScalarType::F64 => Known::Float(FloatRange::FINITE),
        scalar => any(scalar),
    })
}

fn limit(tag: &Tag) -> Limit {
    let range = tag.range.and_then(|(low, high)| between(low, high));
    let finite = |known: Known| match known {
        Known::Float(range) => Known::Float(range.meet(FloatRange::FINITE).unwrap_or(FloatRange::FINITE)),
        known => known,
    };
    let stored = finite(range.unwrap_or_else(|| any(tag.scalar)));
    Limit { stored, saturates: tag.overflow == sensai_model::tag::Overflow::Saturate }
}

fn read(tag: &Tag, trust: Trust) -> Known {
    let everything = any(tag.scalar);
    if trust == Trust::Checked {
        return everything;
    }
    let held = match tag.kind {
        TagKind::Output | TagKind::Memory => Some(limit(tag).stored),
        TagKind::Input => decoded(tag),
        TagKind::Model => None,
    };
    let Some(held) = held else { return everything };
    let held = held.join(&Known::of(tag.initial)).unwrap_or(everything);
    match tag.on_invalid {
        OnInvalid::Value(value) => held.join(&Known::of(value)).unwrap_or(held),
        OnInvalid::Hold | OnInvalid::Fault => held,
    }
}

/// What [`Tag::decode`] makes of everything that the raw fields can hold.
fn decoded(tag: &Tag) -> Option<Known> {
    let span = |field: &BitField| match field.raw {
        // Read as they are, whatever is in them.
        RawType::Bool if field.bit_len < 63 => (0, (1 << field.bit_len) - 1),
        RawType::Bool => (0, i64::MAX),
        _ => field.integer_range(),
    };
    let one = |field: &BitField| match (tag.scalar, field.raw) {
        (ScalarType::Bool, _) => Some(Known::BOOL),
        (ScalarType::F64, RawType::F32 | RawType::F64) => Some(Known::Float(FloatRange::FINITE)),
        (ScalarType::F64, _) => {
            let (low, high) = span(field);
            let scaled = |raw: i64| match tag.scale {
                Some(scale) => raw as f64 * scale.factor + scale.offset,
                None => raw as f64,
            };
            let (a, b) = (scaled(low), scaled(high));
            FloatRange::new(a.min(b), a.max(b))?.meet(FloatRange::FINITE).map(Known::Float)
        }
        (ScalarType::I64, _) => {
            let (low, high) = span(field);
            IntRange::new(low, high).map(Known::Int)
        }
    };
    let mut fields = tag.fields.iter().map(one);
    let first = fields.next()??;
    fields.try_fold(first, |all, field| all.join(&field?))
}
