//! The small tables: `[cell]`, `[parameters]`, `[operator]`, `[log]`.

use super::{
    fields::{Fields, Item},
    finding::Rule,
    names, schema,
    sink::Sink,
    tags::Tags,
    task::cycles,
    ucum, values,
};
use crate::{
    ScalarType, TagKind,
    cell::{Log, Operator, Parameter},
};

/// `[cell] name`.
pub(crate) fn read_name(sink: &mut Sink<'_>, root: &Fields<'_>) -> String {
    let help = "write [cell] name = \"press-cell\"";
    let name = root
        .required(sink, "cell", help)
        .and_then(|item| Fields::open(sink, &item, schema::CELL))
        .and_then(|fields| fields.required(sink, "name", help));
    let Some(item) = name else { return String::new() };
    let Some(text) = item.text(sink) else { return String::new() };
    let good = (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !good {
        item.find(sink, Rule::BadName, format!("`{text}` cannot be the name of a cell"))
            .help("use up to 64 letters, digits, `-`, `_` and `.`, a letter or digit first: files are named after it");
    }
    text.to_owned()
}

/// `[parameters]`, in the order of the file.
pub(crate) fn read_parameters(sink: &mut Sink<'_>, root: &Fields<'_>) -> Vec<Parameter> {
    let Some(table) = root.get("parameters") else { return Vec::new() };
    let items = table.items(sink);
    items.into_iter().filter_map(|(name, item)| read_parameter(sink, name, &item)).collect()
}

fn read_parameter(sink: &mut Sink<'_>, name: &str, item: &Item<'_>) -> Option<Parameter> {
    let name_ok = names::check(sink, name, &item.key_span, &item.key);
    let fields = Fields::open(sink, item, schema::PARAMETER)?;
    let description = fields.get("description").and_then(|item| item.text(sink)).unwrap_or_default();
    let default = fields.required(sink, "default", "write the value it has until somebody sets another");
    let scalar = match fields.get("type") {
        Some(item) => item.choice(sink, values::SCALARS),
        None => default.as_ref().and_then(|item| values::scalar_of(&item.node.value)),
    };
    let unit = fields.get("unit").and_then(|item| parameter_unit(sink, &item, scalar));
    let default = default?;
    let Some(scalar) = scalar else {
        if fields.get("type").is_none() {
            let message = format!("expected `true`, `false` or a number, got {}", default.node.kind());
            default.find(sink, Rule::WrongType, message);
        }
        return None;
    };
    let range = fields.get("range").and_then(|item| read_parameter_range(sink, &item, scalar, &default));
    let default = values::value_within(sink, &default, scalar, range)?;
    name_ok.then(|| Parameter {
        name: name.to_owned(),
        scalar,
        default,
        range,
        unit,
        description: description.to_owned(),
    })
}

/// Nothing scales a parameter: a script sees what the operator writes.
fn parameter_unit(sink: &mut Sink<'_>, item: &Item<'_>, scalar: Option<ScalarType>) -> Option<String> {
    let text = item.text(sink)?;
    match ucum::check(text) {
        Err(bad) if bad.help.as_ref().is_some_and(|help| help.contains("scale = ")) => {
            item.find(sink, Rule::BadText, bad.message).help("write unit = \"s\", and its values in seconds");
            None
        }
        _ => values::unit(sink, item, scalar),
    }
}

/// A range in floats around an integer default says that a float was meant.
fn read_parameter_range(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    scalar: ScalarType,
    default: &Item<'_>,
) -> Option<values::Range> {
    use super::tree::NodeValue;
    if let NodeValue::Array(ends) = &item.node.value
        && scalar == ScalarType::I64
        && ends.iter().any(|end| matches!(end.value, NodeValue::Float(_)))
    {
        let written = sink.written(&default.node.span).to_owned();
        let place = sink.place(&default.node.span, "an integer");
        item.find(sink, Rule::WrongType, "the range holds floats, the default is an integer")
            .help(format!("write default = {written}.0 if a float is meant"))
            .related(place);
        return None;
    }
    values::range(sink, item, scalar)
}

/// `[operator]`.
pub(crate) fn read_operator(sink: &mut Sink<'_>, root: &Fields<'_>, tags: &Tags) -> Operator {
    let mut operator = Operator::default();
    let Some(fields) = root.get("operator").and_then(|item| Fields::open(sink, &item, schema::OPERATOR))
    else {
        return operator;
    };
    let mut taken: Vec<(u32, Item<'_>)> = Vec::new();
    for (name, slot) in
        [("start", &mut operator.start), ("stop", &mut operator.stop), ("reset", &mut operator.reset)]
    {
        let Some(item) = fields.get(name) else { continue };
        let Some(tag) = tags.refer(sink, &item) else { continue };
        if tag.kind != TagKind::Input || tag.scalar != ScalarType::Bool || tag.array_len.is_some() {
            let what = match (tag.kind, tag.array_len) {
                (TagKind::Input, None) => format!("an input of type {}", tag.scalar.name()),
                (TagKind::Input, Some(_)) => "an array".to_owned(),
                (TagKind::Output, _) => "an output".to_owned(),
                (TagKind::Memory, _) => "a tag in memory".to_owned(),
                (TagKind::Model, _) => "a model's result".to_owned(),
            };
            let message = format!("expected a bool input, but `{}` is {what}", tag.name);
            item.find(sink, Rule::NotAnOperatorInput, message).help("name the input of the button");
            continue;
        }
        if let Some((_, other)) = taken.iter().find(|(slot, _)| *slot == tag.slot) {
            let place = sink.place(&other.node.span, "here");
            item.find(sink, Rule::Conflict, format!("`{}` gives two commands at once", tag.name))
                .help("use an input of its own for each command")
                .related(place);
            continue;
        }
        taken.push((tag.slot, item));
        *slot = Some(tag.slot);
    }
    operator
}

/// `[retain]`: nanoseconds between two writes of what outlives a restart.
pub(crate) fn read_retain(sink: &mut Sink<'_>, root: &Fields<'_>) -> u64 {
    const MS: u64 = 1_000_000;
    let fields = root.get("retain").and_then(|item| Fields::open(sink, &item, schema::RETAIN));
    let interval = fields.as_ref().and_then(|fields| fields.get("interval"));
    interval.and_then(|item| item.duration(sink, 100 * MS..=3_600_000 * MS)).unwrap_or(1_000 * MS)
}

/// `[log]`.
pub(crate) fn read_log(sink: &mut Sink<'_>, root: &Fields<'_>, interval_ns: Option<u64>) -> Log {
    const MS: u64 = 1_000_000;
    let fields = root.get("log").and_then(|item| Fields::open(sink, &item, schema::LOG));
    let get = |name: &str| fields.as_ref().and_then(|fields| fields.get(name));
    let sync = get("sync_interval").and_then(|item| item.duration(sink, MS..=60_000 * MS));
    let keyframe = get("keyframe_interval").and_then(|item| item.duration(sink, 10 * MS..=3_600_000 * MS));
    let ring_item = get("ring");
    let ring = ring_item.as_ref().and_then(|item| item.duration(sink, 100 * MS..=600_000 * MS));
    let sync_interval_ns = sync.unwrap_or(100 * MS);
    let ring_ns = ring.unwrap_or((sync_interval_ns * 4).max(2_000 * MS));
    if let Some(item) = ring_item.filter(|_| ring.is_some() && ring_ns < 2 * sync_interval_ns) {
        item.find(
            sink,
            Rule::Conflict,
            "the ring holds less than two sync intervals: it would overflow at every sync",
        )
        .help("write at least twice `sync_interval`, or leave it out");
    }
    let keyframe_interval = cycles(keyframe.unwrap_or(1_000 * MS), interval_ns.unwrap_or(MS));
    Log { sync_interval_ns, keyframe_interval, ring_ns }
}
