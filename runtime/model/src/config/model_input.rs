//! `inputs` of a model: which values of the cell fill which input.

use super::{
    fields::{Fields, Item},
    finding::Rule,
    model_file::{self, Description, Port},
    schema,
    sink::Sink,
    tags::{Reference, Tags},
    tree::NodeValue,
    when,
};
use crate::{ScalarType, Tag, cell::ModelInput};
use std::ops::{Range, RangeInclusive};

/// Values of one window or curve.
const LEN: RangeInclusive<i64> = 1..=65_536;

/// A group of values and where it is written.
struct Group {
    input: ModelInput,
    len: u32,
    /// Unit of the tag it takes.
    unit: Option<String>,
    tag: String,
    span: Range<usize>,
}

/// Read `inputs` against what the description says, which is `None` if that could not be read.
pub(crate) fn read(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    tags: &Tags,
    description: Option<&Description>,
) -> Option<Vec<Vec<ModelInput>>> {
    let items = item.elements(sink, "tags, windows and curves")?;
    let nested = items.iter().any(|item| matches!(item.node.value, NodeValue::Array(_)));
    let mut complete = true;
    let mut read_all = |sink: &mut Sink<'_>, items: Vec<Item<'_>>| {
        let len = items.len();
        let groups: Vec<_> = items.into_iter().filter_map(|item| read_group(sink, &item, tags)).collect();
        complete &= groups.len() == len;
        groups
    };
    let one_input = description.is_none_or(|description| description.inputs.len() == 1);
    let mut inputs = Vec::new();
    if nested {
        for item in items {
            let groups = item.elements(sink, "tags, windows and curves")?;
            inputs.push((item.node.span.clone(), read_all(sink, groups)));
        }
    } else if one_input {
        inputs.push((item.node.span.clone(), read_all(sink, items)));
    } else {
        for item in items {
            inputs.push((item.node.span.clone(), read_all(sink, vec![item])));
        }
    }
    if !complete {
        return None;
    }
    if let Some(description) = description {
        check(sink, item, &inputs, description)?;
    }
    Some(
        inputs.into_iter().map(|(_, groups)| groups.into_iter().map(|group| group.input).collect()).collect(),
    )
}

/// The groups of one input, and where they are written.
type Spanned = (Range<usize>, Vec<Group>);

fn check(sink: &mut Sink<'_>, item: &Item<'_>, inputs: &[Spanned], description: &Description) -> Option<()> {
    if inputs.len() != description.inputs.len() {
        let message = format!(
            "the model has {} inputs ({}), {} are given",
            description.inputs.len(),
            model_file::port_names(&description.inputs),
            inputs.len()
        );
        item.find(sink, Rule::ModelInput, message)
            .help("write one array for each, in the model's order: inputs = [[\"a\", \"b\"], [\"c\"]]");
        return None;
    }
    let mut good = true;
    for ((span, groups), port) in inputs.iter().zip(&description.inputs) {
        good &= check_len(sink, item, span, groups, port);
        good &= check_units(sink, item, groups, port);
    }
    good.then_some(())
}

fn check_len(
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    span: &Range<usize>,
    groups: &[Group],
    port: &Port,
) -> bool {
    let len: u64 = groups.iter().map(|group| u64::from(group.len)).sum();
    if len == u64::from(port.len) {
        return true;
    }
    let message = format!(
        "the model's input `{}` takes {} values ({}), {len} are given",
        port.name,
        port.len,
        model_file::shown(&port.shape)
    );
    sink.push(Rule::ModelInput, span, &item.key, message)
        .help("a tag gives as many values as it has elements, a window and a curve their `len`");
    false
}

/// A model that was trained in N and is fed with kN judges nonsense.
fn check_units(sink: &mut Sink<'_>, item: &Item<'_>, groups: &[Group], port: &Port) -> bool {
    let Some(unit) = &port.unit else { return true };
    let mut good = true;
    for group in groups.iter().filter(|group| group.unit.as_ref() != Some(unit)) {
        good = false;
        let message = match &group.unit {
            Some(other) => {
                format!("the model's input `{}` is in `{unit}`, `{}` in `{other}`", port.name, group.tag)
            }
            None => format!("the model's input `{}` is in `{unit}`, `{}` has no unit", port.name, group.tag),
        };
        sink.push(Rule::ModelInput, &group.span, &item.key, message)
            .help(format!("scale the tag to `{unit}` and write unit = \"{unit}\" there"));
    }
    good
}

fn read_group(sink: &mut Sink<'_>, item: &Item<'_>, tags: &Tags) -> Option<Group> {
    match &item.node.value {
        NodeValue::Text(text) => {
            // A whole array, or one value.
            let whole = tags.find(text).filter(|tag| tag.array_len.is_some());
            let (tag, slot, len) = match whole {
                Some(tag) => (tag, tag.slot, tag.len()),
                None => {
                    let (tag, slot) = refer(sink, item, tags)?;
                    (tag, slot, 1)
                }
            };
            let input = ModelInput::Slots { tag: tag.name.clone(), slot, len };
            let (unit, tag) = (tag.unit.clone(), tag.name.clone());
            Some(Group { input, len, unit, tag, span: item.node.span.clone() })
        }
        NodeValue::Table(entries) if entries.iter().any(|entry| entry.key == "curve") => {
            read_curve(sink, item, tags)
        }
        NodeValue::Table(_) => read_window(sink, item, tags),
        _ => {
            let message = format!("expected a tag, a window or a curve, got {}", item.node.kind());
            item.find(sink, Rule::WrongType, message)
                .help("write \"force.ram\", { window = \"force.ram\", len = 64 }, or { curve = \"force.ram\", over = \"ram.position\", from = 0.0, to = 40.0, len = 64 }");
            None
        }
    }
}

/// The tag that `item` names, or an element of one, and its slot.
fn refer<'a>(sink: &mut Sink<'_>, item: &Item<'_>, tags: &'a Tags) -> Option<(&'a Tag, u32)> {
    let text = item.text(sink)?;
    let named = match when::element(text) {
        Ok(named) => named,
        Err(bad) => {
            let span = item.part(sink, text, bad.range);
            sink.push(Rule::UnknownTag, &span, &item.key, bad.message)
                .help("write the name of a tag: \"force.ram\"");
            return None;
        }
    };
    let span = item.part(sink, text, named.tag_range.clone());
    let reference = Reference { name: named.tag, span, element: named.element };
    tags.refer_element(sink, &reference, &item.key, Rule::ModelInput)
}

/// The same for a number.
fn refer_number<'a>(sink: &mut Sink<'_>, item: &Item<'_>, tags: &'a Tags) -> Option<(&'a Tag, u32)> {
    let (tag, slot) = refer(sink, item, tags)?;
    if tag.scalar == ScalarType::Bool {
        item.find(sink, Rule::ModelInput, format!("`{}` is a bool, expected a number", tag.name));
        return None;
    }
    Some((tag, slot))
}

/// `while`: the gate's slot. `Some(None)`: there is none.
fn read_gate(sink: &mut Sink<'_>, fields: &Fields<'_>, tags: &Tags) -> Option<Option<u32>> {
    let Some(item) = fields.get("while") else { return Some(None) };
    let (tag, slot) = refer(sink, &item, tags)?;
    if tag.scalar != ScalarType::Bool {
        let message = format!("`{}` is {}, expected a bool", tag.name, tag.scalar.name());
        item.find(sink, Rule::ModelInput, message)
            .help("let a program set a bool tag while values are to be taken");
        return None;
    }
    Some(Some(slot))
}

fn read_len(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<u32> {
    let item = fields.required(sink, "len", "write how many values it has: len = 64")?;
    u32::try_from(item.integer(sink, LEN)?).ok()
}

fn read_window(sink: &mut Sink<'_>, item: &Item<'_>, tags: &Tags) -> Option<Group> {
    let fields = Fields::open(sink, item, schema::WINDOW)?;
    let tag = fields
        .required(sink, "window", "name the tag: { window = \"force.ram\", len = 64 }")
        .and_then(|item| refer_number(sink, &item, tags));
    let len = read_len(sink, &fields);
    let every = match fields.get("every") {
        Some(item) => item.integer(sink, 1..=1_000_000).and_then(|every| u32::try_from(every).ok()),
        None => Some(1),
    };
    let gate = read_gate(sink, &fields, tags);
    let ((tag, slot), len) = (tag?, len?);
    let input = ModelInput::Window { tag: tag.name.clone(), slot, len, every: every?, gate: gate? };
    Some(Group { input, len, unit: tag.unit.clone(), tag: tag.name.clone(), span: item.node.span.clone() })
}

fn read_curve(sink: &mut Sink<'_>, item: &Item<'_>, tags: &Tags) -> Option<Group> {
    let fields = Fields::open(sink, item, schema::CURVE)?;
    let mut number_of = |name: &str, help: &str| {
        fields.required(sink, name, help).and_then(|item| refer_number(sink, &item, tags))
    };
    let tag = number_of("curve", "name the value's tag: curve = \"force.ram\"");
    let over = number_of("over", "name the tag that the curve is drawn over: over = \"ram.position\"");
    let mut end = |name: &str| {
        let item =
            fields.required(sink, name, "write where the curve begins and ends, in the unit of `over`")?;
        item.number(sink).map(|number| (number, item))
    };
    let (from, to) = (end("from"), end("to"));
    let len = read_len(sink, &fields);
    let gate = read_gate(sink, &fields, tags);
    if let (Some((from, _)), Some((to, item))) = (&from, &to)
        && from == to
    {
        item.find(sink, Rule::OutOfRange, "the curve ends where it begins")
            .help("write two different places");
        return None;
    }
    let ((tag, slot), (_, over), len) = (tag?, over?, len?);
    let input =
        ModelInput::Curve { tag: tag.name.clone(), slot, over, from: from?.0, to: to?.0, len, gate: gate? };
    Some(Group { input, len, unit: tag.unit.clone(), tag: tag.name.clone(), span: item.node.span.clone() })
}
