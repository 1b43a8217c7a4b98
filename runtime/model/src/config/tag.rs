//! One tag: its keys to a [`Tag`].

pub(crate) use super::binding::Bound;
use super::{
    binding,
    devices::Devices,
    fields::{Fields, Item},
    finding::Rule,
    names,
    sink::Sink,
    tree::NodeValue,
    values,
};
use crate::{
    BitField, RawType, ScalarType, Tag, TagKind, Value,
    tag::{OnFault, OnInvalid, Overflow, Scale},
};
use sensai_devices::Direction;

/// Elements an array tag in memory may have.
const ARRAY_LEN_MAX: i64 = 4096;

/// A tag and where its bindings stand, for rules over all tags.
pub(crate) struct Read {
    pub(crate) tag: Tag,
    pub(crate) bound: Vec<Bound>,
    /// Where its name and its aliases stand.
    pub(crate) aliases: Vec<(String, std::ops::Range<usize>)>,
}

/// Read the tag `name`. `None`: its type is not known, so nothing more can be said about it.
pub(crate) fn read(sink: &mut Sink<'_>, fields: &Fields<'_>, name: &str, devices: &Devices) -> Option<Read> {
    let aliases = read_aliases(sink, fields);
    let description =
        fields.get("description").and_then(|item| item.text(sink)).unwrap_or_default().to_owned();
    let kind = kind_of(sink, fields)?;
    refuse_foreign_keys(sink, fields, kind);
    let mut tag = Tag {
        name: name.to_owned(),
        aliases: aliases.iter().map(|(alias, _)| alias.clone()).collect(),
        kind,
        scalar: ScalarType::Bool,
        array_len: None,
        slot: 0,
        fields: Vec::new(),
        sync_units: Vec::new(),
        bindings: Vec::new(),
        unit: None,
        scale: None,
        range: None,
        on_invalid: OnInvalid::Hold,
        on_fault: OnFault::Hold,
        overflow: Overflow::Fault,
        initial: Value::Bool(false),
        description,
    };
    let bound = match kind {
        TagKind::Memory => read_memory(sink, fields, &mut tag),
        _ => read_bound(sink, fields, &mut tag, devices),
    };
    let Some(bound) = bound else {
        // The type is not known; the unit can be judged all the same.
        fields.get("unit").map(|item| values::unit(sink, &item, None));
        return None;
    };
    tag.unit = fields.get("unit").and_then(|item| values::unit(sink, &item, Some(tag.scalar)));
    read_range(sink, fields, &mut tag, &bound);
    read_values(sink, fields, &mut tag, &bound);
    Some(Read { tag, bound, aliases })
}

fn read_aliases(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Vec<(String, std::ops::Range<usize>)> {
    let Some(items) = fields.get("aliases").and_then(|item| item.elements(sink, "texts")) else {
        return Vec::new();
    };
    let alias = |item: &Item<'_>, sink: &mut Sink<'_>| {
        let text = item.text(sink)?;
        let good = names::check_dotted(sink, text, &item.node.span, &item.key);
        good.then(|| (text.to_owned(), item.node.span.clone()))
    };
    items.iter().filter_map(|item| alias(item, sink)).collect()
}

fn kind_of(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<TagKind> {
    match (fields.get("input"), fields.get("output")) {
        (Some(_), None) => Some(TagKind::Input),
        (None, Some(_)) => Some(TagKind::Output),
        (Some(_), Some(output)) => {
            sink.push(
                Rule::Conflict,
                &output.key_span,
                &output.key,
                "`input` and `output` exclude each other",
            )
            .help("an output's stored value can be read by scripts as it is; remove one of the two");
            None
        }
        (None, None) if fields.get("type").is_some() => Some(TagKind::Memory),
        (None, None) => {
            let help = "write input = \"device.entry\", output = \"device.entry\", or type = \"i64\" for a tag in memory";
            fields.required(sink, "input", help);
            None
        }
    }
}

/// Keys that mean nothing for a tag of this kind.
fn refuse_foreign_keys(sink: &mut Sink<'_>, fields: &Fields<'_>, kind: TagKind) {
    let (what, foreign): (&str, &[&str]) = match kind {
        TagKind::Input => ("an input", &["array", "on_fault", "fault_value", "overflow"]),
        TagKind::Output => ("an output", &["array", "on_invalid", "invalid_value"]),
        TagKind::Memory | TagKind::Model => (
            "a tag in memory",
            &["bit", "scale", "offset", "on_invalid", "invalid_value", "on_fault", "fault_value"],
        ),
    };
    for name in foreign {
        let Some(item) = fields.get(name) else { continue };
        let help = match (*name, kind) {
            ("array", _) => "give a list of bindings instead, its length is the array's".to_owned(),
            ("overflow", _) => "scripts do not write inputs; remove `overflow`".to_owned(),
            _ => format!("remove `{name}`"),
        };
        sink.push(Rule::Conflict, &item.key_span, &item.key, format!("`{name}` means nothing for {what}"))
            .help(help);
    }
}

fn read_memory(sink: &mut Sink<'_>, fields: &Fields<'_>, tag: &mut Tag) -> Option<Vec<Bound>> {
    tag.array_len = fields
        .get("array")
        .and_then(|item| item.integer(sink, 1..=ARRAY_LEN_MAX))
        .and_then(|len| u32::try_from(len).ok());
    tag.scalar = fields.get("type")?.choice(sink, values::SCALARS)?;
    Some(Vec::new())
}

fn read_bound(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    tag: &mut Tag,
    devices: &Devices,
) -> Option<Vec<Bound>> {
    let (key, direction) = match tag.kind {
        TagKind::Input => ("input", Direction::Input),
        _ => ("output", Direction::Output),
    };
    let item = fields.get(key)?;
    let items = match &item.node.value {
        NodeValue::Array(_) => {
            let items = item.elements(sink, "bindings")?;
            if items.is_empty() {
                item.find(sink, Rule::OutOfRange, "an array has at least one element")
                    .help("write its bindings");
                return None;
            }
            tag.array_len = u32::try_from(items.len()).ok();
            items
        }
        _ => vec![item.clone()],
    };
    let mut bound: Vec<Bound> =
        items.iter().filter_map(|item| binding::resolve(sink, item, devices, direction)).collect();
    tag.scale = read_scale(sink, fields);
    if bound.len() < items.len() {
        return None;
    }
    if let Some(item) = fields.get("bit") {
        take_bit(sink, &item, &mut bound)?;
    }
    tag.scalar = scalar_of(sink, fields, &item, tag.scale.is_some(), &bound)?;
    tag.fields = bound.iter().map(|bound| bound.field).collect();
    tag.sync_units = bound.iter().map(|bound| bound.sync_unit).collect();
    tag.bindings = bound.iter().map(|bound| bound.text.clone()).collect();
    Some(bound)
}

fn read_scale(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<Scale> {
    let (scale, offset) = (fields.get("scale"), fields.get("offset"));
    if scale.is_none() && offset.is_none() {
        return None;
    }
    let factor = scale.as_ref().map_or(Some(1.0), |item| {
        let factor = item.number(sink)?;
        if factor == 0.0 || !factor.is_normal() {
            item.find(sink, Rule::OutOfRange, "a scale is not zero")
                .help("write the unit's worth of one digit");
            return None;
        }
        Some(factor)
    });
    let offset = offset.map_or(Some(0.0), |item| item.number(sink));
    // A scale that cannot be read is still one: the tag is `f64`, whatever the factor would have been.
    Some(Scale { factor: factor.unwrap_or(1.0), offset: offset.unwrap_or(0.0) })
}

/// Narrow every field to one of its bits.
fn take_bit(sink: &mut Sink<'_>, item: &Item<'_>, bound: &mut [Bound]) -> Option<()> {
    let bit = item.integer(sink, 0..=63)?;
    let bit = u8::try_from(bit).ok()?;
    for bound in bound {
        let field = bound.field;
        if matches!(field.raw, RawType::F32 | RawType::F64) {
            let message = format!("{} is a float and has no bits", bound.shown);
            item.find(sink, Rule::EntryType, message).help("remove `bit`");
            return None;
        }
        if bit >= field.bit_len {
            let message = format!("bit {bit} lies outside {}", bound.shown);
            item.find(sink, Rule::BitOutside, message).help(match field.bit_len {
                1 => "the entry is one bit already; remove `bit`".to_owned(),
                len => format!("bits are counted from 0 to {}", len - 1),
            });
            return None;
        }
        bound.field =
            BitField { bit_offset: field.bit_offset + u32::from(bit), bit_len: 1, raw: RawType::Bool };
    }
    Some(())
}

/// What a declared type says about an entry.
#[derive(Clone, Copy)]
enum Declared {
    /// What scripts see.
    Scalar(ScalarType),
    /// What is on the wire.
    Wire(RawType, u8),
}

const DECLARED: &[(&str, Declared)] = &[
    ("bool", Declared::Scalar(ScalarType::Bool)),
    ("i64", Declared::Scalar(ScalarType::I64)),
    ("f64", Declared::Scalar(ScalarType::F64)),
    ("u8", Declared::Wire(RawType::Unsigned, 8)),
    ("i8", Declared::Wire(RawType::Signed, 8)),
    ("u16", Declared::Wire(RawType::Unsigned, 16)),
    ("i16", Declared::Wire(RawType::Signed, 16)),
    ("u32", Declared::Wire(RawType::Unsigned, 32)),
    ("i32", Declared::Wire(RawType::Signed, 32)),
    ("u64", Declared::Wire(RawType::Unsigned, 64)),
    ("f32", Declared::Wire(RawType::F32, 32)),
];

/// The type scripts see: `f64` if scaled, else what `type` says, else what suits the entry.
fn scalar_of(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    binding: &Item<'_>,
    scaled: bool,
    bound: &[Bound],
) -> Option<ScalarType> {
    let natural = natural_scalar(sink, binding, bound)?;
    let mut scalar = natural;
    if let Some(item) = fields.get("type") {
        let declared = item.choice(sink, DECLARED)?;
        scalar = check_declared(sink, &item, declared, natural, bound)?;
    }
    if !scaled {
        return Some(scalar);
    }
    let item = fields.get("scale").or_else(|| fields.get("offset"))?;
    if natural == ScalarType::Bool {
        sink.push(Rule::Conflict, &item.key_span, &item.key, "a bool is not scaled")
            .help("remove `scale` and `offset`");
        return None;
    }
    if let Some(declared) = fields.get("type")
        && declared.node.is_text("i64")
    {
        declared
            .find(sink, Rule::Conflict, "a scaled tag is f64")
            .help("remove `type`, or `scale` and `offset`");
        return None;
    }
    Some(ScalarType::F64)
}

fn natural_scalar(sink: &mut Sink<'_>, binding: &Item<'_>, bound: &[Bound]) -> Option<ScalarType> {
    let natural = |bound: &Bound| match bound.field.raw {
        RawType::Bool => ScalarType::Bool,
        RawType::Signed | RawType::Unsigned => ScalarType::I64,
        RawType::F32 | RawType::F64 => ScalarType::F64,
    };
    let first = bound.first()?;
    if let Some(other) = bound.iter().find(|other| natural(other) != natural(first)) {
        let message = format!(
            "all elements of an array are of one type, but {} and {} differ",
            first.shown, other.shown
        );
        binding.find(sink, Rule::EntryType, message).help("make two tags of it");
        return None;
    }
    Some(natural(first))
}

fn check_declared(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    declared: Declared,
    natural: ScalarType,
    bound: &[Bound],
) -> Option<ScalarType> {
    let written = item.text(sink)?;
    let first = bound.first()?;
    match declared {
        // An integer entry may be seen as a float; every other conversion would lose something.
        Declared::Scalar(scalar)
            if scalar == natural || (scalar, natural) == (ScalarType::F64, ScalarType::I64) =>
        {
            Some(scalar)
        }
        Declared::Scalar(scalar) => {
            let message = format!("type `{written}` does not suit {}", first.shown);
            let help = match (scalar, natural) {
                (ScalarType::Bool, ScalarType::I64) => {
                    "take one of its bits with `bit`, or remove `type`".to_owned()
                }
                _ => format!("remove `type`: the entry makes it {}", natural.name()),
            };
            item.find(sink, Rule::EntryType, message).help(help);
            None
        }
        Declared::Wire(raw, bits) => {
            let other = bound.iter().find(|b| b.field.raw != raw || b.field.bit_len != bits);
            if let Some(other) = other {
                let message = format!("expected an entry of type {written}, got {}", other.shown);
                item.find(sink, Rule::EntryType, message).help("bind the entry meant, or remove `type`");
                return None;
            }
            Some(natural)
        }
    }
}

/// What the fields can hold, as values of the tag; `None`: no limit but the type's own.
fn span_of(tag: &Tag) -> Option<values::Range> {
    let one = |field: &BitField| -> Option<values::Range> {
        let (low, high) = field.integer_range();
        let scaled = |raw: f64| tag.scale.map_or(raw, |scale| raw * scale.factor + scale.offset);
        let ends = match (field.raw, tag.scalar) {
            (RawType::F64, _) | (_, ScalarType::Bool) => return None,
            (_, ScalarType::I64) => return Some((Value::I64(low), Value::I64(high))),
            (RawType::F32, _) => (scaled(f64::from(f32::MIN)), scaled(f64::from(f32::MAX))),
            _ => (scaled(low as f64), scaled(high as f64)),
        };
        let finite = ends.0.is_finite() && ends.1.is_finite();
        finite.then(|| (Value::F64(ends.0.min(ends.1)), Value::F64(ends.0.max(ends.1))))
    };
    tag.fields.iter().filter_map(one).reduce(|a, b| match (a, b) {
        ((Value::I64(al), Value::I64(ah)), (Value::I64(bl), Value::I64(bh))) => {
            (Value::I64(al.max(bl)), Value::I64(ah.min(bh)))
        }
        ((Value::F64(al), Value::F64(ah)), (Value::F64(bl), Value::F64(bh))) => {
            (Value::F64(al.max(bl)), Value::F64(ah.min(bh)))
        }
        _ => a,
    })
}

/// `range`, which for outputs is by default all that the entry can hold.
fn read_range(sink: &mut Sink<'_>, fields: &Fields<'_>, tag: &mut Tag, bound: &[Bound]) {
    let span = span_of(tag);
    let Some(item) = fields.get("range") else {
        tag.range = span.filter(|_| tag.kind == TagKind::Output);
        return;
    };
    tag.range = values::range(sink, &item, tag.scalar);
    let (Some((low, high)), Some((least, most)), Some(bound)) = (tag.range, span, bound.first()) else {
        return;
    };
    if !reaches(least, low, tag.scale) || !reaches(high, most, tag.scale) {
        let message = format!("the range {low} to {high} is more than {} can hold", bound.shown);
        let help =
            format!("as it is scaled it holds {} to {}", values::rounded(least), values::rounded(most));
        item.find(sink, Rule::RangeUnreachable, message).help(help);
        tag.range = None;
    }
}

/// `inner ≤ outer`, where a quarter of a digit is rounding and not a mistake.
fn reaches(inner: Value, outer: Value, scale: Option<Scale>) -> bool {
    let slack = scale.map_or(0.0, |scale| scale.factor.abs() / 4.0);
    match (inner, outer) {
        (Value::I64(inner), Value::I64(outer)) => inner <= outer,
        (Value::F64(inner), Value::F64(outer)) => inner <= outer + slack,
        _ => true,
    }
}

fn read_values(sink: &mut Sink<'_>, fields: &Fields<'_>, tag: &mut Tag, bound: &[Bound]) {
    let get = |sink: &mut Sink<'_>, name: &str| {
        fields.get(name).map(|item| values::value_within(sink, &item, tag.scalar, tag.range))
    };
    let initial = get(sink, "initial").flatten();
    let invalid_value = get(sink, "invalid_value");
    let fault_value = get(sink, "fault_value");
    tag.initial = initial.unwrap_or_else(|| values::nearest_to_zero(tag.scalar, tag.range));
    match tag.kind {
        TagKind::Input => tag.on_invalid = read_on_invalid(sink, fields, invalid_value),
        TagKind::Output => {
            tag.on_fault = read_on_fault(sink, fields, tag, fault_value, bound);
            tag.overflow = read_overflow(sink, fields);
        }
        TagKind::Memory | TagKind::Model => tag.overflow = read_overflow(sink, fields),
    }
}

fn read_overflow(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Overflow {
    let choices = [("fault", Overflow::Fault), ("saturate", Overflow::Saturate)];
    fields.get("overflow").and_then(|item| item.choice(sink, &choices)).unwrap_or(Overflow::Fault)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reaction {
    Hold,
    Value,
    Stop,
    Fault,
}

/// `given`: the substitute value, `Some(None)` if there is a finding about it.
fn read_on_invalid(sink: &mut Sink<'_>, fields: &Fields<'_>, given: Option<Option<Value>>) -> OnInvalid {
    let choices = [("hold", Reaction::Hold), ("value", Reaction::Value), ("fault", Reaction::Fault)];
    let item = fields.get("on_invalid");
    let reaction = match &item {
        Some(item) => match item.choice(sink, &choices) {
            Some(reaction) => reaction,
            None => return OnInvalid::Hold,
        },
        None if given.is_some() => Reaction::Value,
        None => Reaction::Hold,
    };
    if reaction != Reaction::Value
        && let Some(value) = fields.get("invalid_value")
    {
        let message = "`invalid_value` is only used with on_invalid = \"value\"";
        sink.push(Rule::Conflict, &value.key_span, &value.key, message).help("remove one of the two");
    }
    match (reaction, given) {
        (Reaction::Fault, _) => OnInvalid::Fault,
        (Reaction::Value, Some(Some(value))) => OnInvalid::Value(value),
        (Reaction::Value, None) => {
            fields.required(
                sink,
                "invalid_value",
                "write the value the tag shows while its input is invalid",
            );
            OnInvalid::Hold
        }
        _ => OnInvalid::Hold,
    }
}

fn read_on_fault(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    tag: &Tag,
    given: Option<Option<Value>>,
    bound: &[Bound],
) -> OnFault {
    let choices = [("hold", Reaction::Hold), ("value", Reaction::Value), ("stop", Reaction::Stop)];
    let item = fields.get("on_fault");
    let reaction = match &item {
        Some(item) => match item.choice(sink, &choices) {
            Some(reaction) => reaction,
            None => return OnFault::Hold,
        },
        None => Reaction::Value,
    };
    if let Some(item) = item.as_ref().filter(|_| reaction == Reaction::Hold)
        && let Some(bound) = bound.iter().find(|bound| is_motion_setpoint(bound.object))
    {
        let message =
            format!("{} is a velocity or torque setpoint, which is never held on a fault", bound.shown);
        item.find(sink, Rule::HoldRefused, message).help("write on_fault = \"stop\" or give a `fault_value`");
    }
    if reaction != Reaction::Value
        && let Some(value) = fields.get("fault_value")
    {
        let message = "`fault_value` is only used with on_fault = \"value\"";
        sink.push(Rule::Conflict, &value.key_span, &value.key, message).help("remove one of the two");
    }
    match (reaction, given) {
        (Reaction::Hold, _) => OnFault::Hold,
        (Reaction::Value, Some(value)) => value.map_or(OnFault::Hold, OnFault::Value),
        (Reaction::Stop, _) | (_, None) => zero_on_fault(sink, fields, tag),
        (Reaction::Fault, _) => OnFault::Hold,
    }
}

/// The type's zero, if the tag may take it.
fn zero_on_fault(sink: &mut Sink<'_>, fields: &Fields<'_>, tag: &Tag) -> OnFault {
    let zero = tag.scalar.zero();
    if let Some((low, high)) = tag.range
        && !values::within(zero, tag.range)
    {
        let message = format!("zero, the value on a fault, lies outside the range {low} to {high}");
        sink.push(Rule::ValueOutside, &fields.span, &fields.key, message)
            .help("write `fault_value`, the value this output takes on a fault");
    }
    OnFault::Value(zero)
}

/// CiA 402 target velocity, target torque and their offsets, of any of the eight axes of a device.
fn is_motion_setpoint((index, subindex): (u16, u8)) -> bool {
    let axis_relative = index & 0x07ff;
    (0x6000..0xa000).contains(&index)
        && subindex == 0
        && matches!(axis_relative, 0x071 | 0x0b1 | 0x0b2 | 0x0ff)
}
