//! `[tags]`: groups, names, slots, and the rules that concern several tags at once.

use super::{
    devices::Devices,
    fields::{Fields, Item, join},
    finding::Rule,
    names, schema,
    sink::Sink,
    tag::{self, Read},
    tree::{Entry, NodeValue},
    writers::{self, Kind, Writer},
};
use crate::{ScalarType, Tag, TagKind, Value, cell::Model, tag::OnFault};
use std::{collections::BTreeMap, ops::Range};

/// Elements of all tags together; what the store and a cycle record are dimensioned for.
const SLOTS_MAX: u64 = 65_536;

/// What `[tags]` gave.
#[derive(Default)]
pub(crate) struct Tags {
    /// In the order of the file; without those that could not be read.
    pub(crate) list: Vec<Tag>,
    /// Every name and alias in the file, also of tags with a finding.
    names: BTreeMap<String, Range<usize>>,
    /// What they write, for the rule that every output bit has one writer.
    pub(crate) writers: Vec<Writer>,
}

impl Tags {
    /// The tag of this name or alias.
    pub(crate) fn find(&self, name: &str) -> Option<&Tag> {
        self.list.iter().find(|tag| tag.name == name || tag.aliases.iter().any(|alias| alias == name))
    }

    /// A reference to a tag. `None` with a finding if there is no such tag, without one if that tag has its own.
    pub(crate) fn refer(&self, sink: &mut Sink<'_>, item: &Item<'_>) -> Option<&Tag> {
        let name = item.text(sink)?;
        self.refer_name(sink, name, &item.node.span, &item.key)
    }

    /// The same for a name that stands at `span`.
    pub(crate) fn refer_name(
        &self,
        sink: &mut Sink<'_>,
        name: &str,
        span: &Range<usize>,
        key: &str,
    ) -> Option<&Tag> {
        if !self.names.contains_key(name) {
            let known: Vec<&str> = self.names.keys().map(String::as_str).collect();
            sink.push(Rule::UnknownTag, span, key, format!("there is no tag `{name}`"))
                .maybe_help(names::hint(name, &known));
        }
        self.find(name)
    }
}

/// A tag or an element of one, as a condition or an input names it.
pub(crate) struct Reference<'t> {
    pub(crate) name: &'t str,
    /// Where the name stands.
    pub(crate) span: Range<usize>,
    pub(crate) element: Option<u32>,
}

impl Tags {
    /// The single value that `reference` names, and its slot. `rule` is what a reference breaks that names no single value.
    pub(crate) fn refer_element(
        &self,
        sink: &mut Sink<'_>,
        reference: &Reference<'_>,
        key: &str,
        rule: Rule,
    ) -> Option<(&Tag, u32)> {
        let tag = self.refer_name(sink, reference.name, &reference.span, key)?;
        let name = &tag.name;
        let (message, help) = match (tag.array_len, reference.element) {
            (None, Some(_)) => (format!("`{name}` is no array"), format!("write `{name}` alone")),
            (Some(_), None) => {
                (format!("`{name}` is an array"), format!("name one of its elements: `{name}[0]`"))
            }
            (Some(len), Some(element)) if element >= len => (
                format!("`{name}` has no element {element}"),
                format!("its elements are counted from 0 to {}", len - 1),
            ),
            _ => return Some((tag, tag.slot + reference.element.unwrap_or(0))),
        };
        sink.push(rule, &reference.span, key, message).help(help);
        None
    }

    /// Add the results of models, behind all other slots. `named`: every model in the file with the place of its name, also
    /// those with a finding, so that who refers to their results is not reported for that.
    pub(crate) fn add_models(
        &mut self,
        sink: &mut Sink<'_>,
        models: &mut [Model],
        named: &[(String, Range<usize>)],
    ) {
        for (model, span) in named {
            let group = format!("ai.{model}");
            let taken = self.names.iter().find(|(name, _)| {
                name.strip_prefix(group.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            if let Some((name, place)) = taken {
                let place = sink.place(place, format!("`{name}` is a tag here"));
                sink.push(
                    Rule::NameTaken,
                    span,
                    "models",
                    format!("`{group}` is where this model's results are"),
                )
                .help("rename the tag or the model")
                .related(place);
            }
        }
        for (model, span) in named {
            for (fact, _) in FACTS {
                self.names.insert(format!("ai.{model}.{fact}"), span.clone());
            }
        }
        let mut next = self.list.iter().map(|tag| tag.slot + tag.len()).max().unwrap_or(0);
        for model in models {
            model.slot = next;
            for (fact, scalar) in FACTS {
                let tag = result_tag(model, fact, *scalar, next);
                next = next.saturating_add(tag.len());
                self.list.push(tag);
            }
        }
        if u64::from(next) > SLOTS_MAX
            && let Some((_, span)) = named.first()
        {
            let message =
                format!("tags and models have {next} elements together, at most {SLOTS_MAX} are possible");
            sink.push(Rule::TooManyTags, span, "models", message).help("make arrays or models smaller");
        }
    }
}

/// What a model's results are, in the order of their slots.
const FACTS: &[(&str, ScalarType)] = &[
    ("score", ScalarType::F64),
    ("age", ScalarType::I64),
    ("valid", ScalarType::Bool),
    ("misses", ScalarType::I64),
    ("sequence", ScalarType::I64),
    ("output", ScalarType::F64),
];

fn result_tag(model: &Model, fact: &str, scalar: ScalarType, slot: u32) -> Tag {
    let (initial, description) = match fact {
        "score" => {
            (Value::F64(model.substitute), "score of the last result; the substitute while none is valid")
        }
        "age" => (scalar.zero(), "cycles since the last result"),
        "valid" => (scalar.zero(), "the last result is there and not too old"),
        "misses" => (scalar.zero(), "results that were not there by their deadline"),
        "sequence" => (scalar.zero(), "number of the last result"),
        _ => (scalar.zero(), "all outputs of the last result"),
    };
    Tag {
        array_len: (fact == "output").then_some(model.output_len),
        on_fault: OnFault::Hold,
        initial,
        description: description.to_owned(),
        ..Tag::unbound(format!("ai.{}.{fact}", model.name), TagKind::Model, scalar, slot)
    }
}

/// A table in `[tags]` that is a tag.
struct Leaf<'t> {
    name: String,
    item: Item<'t>,
}

/// Read `[tags]`.
pub(crate) fn read(sink: &mut Sink<'_>, root: &Fields<'_>, devices: &Devices) -> Tags {
    let Some(table) = root.get("tags") else { return Tags::default() };
    let mut leaves = Vec::new();
    for (name, item) in table.items(sink) {
        collect(sink, name, item, &mut leaves);
    }
    leaves.sort_by_key(|leaf| leaf.item.key_span.start);
    let mut tags = Tags::default();
    let mut read = Vec::new();
    for leaf in &leaves {
        tags.names.insert(leaf.name.clone(), leaf.item.key_span.clone());
        let is_subtag =
            |entry: &Entry| entry.node.is_table() && !schema::TAG.keys.contains(&entry.key.as_str());
        let Some(fields) = Fields::open_except(sink, &leaf.item, schema::TAG, &is_subtag) else { continue };
        read.extend(tag::read(sink, &fields, &leaf.name, devices));
    }
    check_aliases(sink, &mut tags.names, &read, &leaves);
    check_devices_present(sink, &read, &leaves, devices);
    tags.writers = writers_of(&read);
    tags.list = read.into_iter().map(|read| read.tag).collect();
    give_slots(sink, &mut tags.list, &table.key_span);
    tags
}

/// A table is a group if it holds nothing but tables, else it is a tag: no key of a tag takes a table.
fn collect<'t>(sink: &mut Sink<'_>, name: &str, item: Item<'t>, leaves: &mut Vec<Leaf<'t>>) {
    let segment = name.rsplit('.').next().unwrap_or(name);
    let segment_ok = names::check(sink, segment, &item.key_span, &item.key);
    if !segment_ok || !names::check_len(sink, name, &item.key_span, &item.key) {
        return;
    }
    let NodeValue::Table(entries) = &item.node.value else {
        let message = format!("expected a table, got {}", item.node.kind());
        item.find(sink, Rule::WrongType, message)
            .help(format!("write {segment} = {{ input = \"device.entry\" }} or {{ type = \"i64\" }}"));
        return;
    };
    let is_group = !entries.is_empty() && entries.iter().all(|entry| entry.node.is_table());
    for entry in entries.iter().filter(|entry| entry.node.is_table()) {
        if !is_group && schema::TAG.keys.contains(&entry.key.as_str()) {
            // A table where a tag's key wants something else: reported with that key.
            continue;
        }
        let child =
            Item { key: join(&item.key, &entry.key), key_span: entry.key_span.clone(), node: &entry.node };
        if !is_group {
            let message = format!("`{name}` is a tag and cannot be a group with `{}` in it", entry.key);
            let place = sink.place(&item.key_span, format!("`{name}` is a tag here"));
            sink.push(Rule::NameTaken, &child.key_span, &child.key, message)
                .help(format!("rename one of the two, such as `{name}.value`"))
                .related(place);
            continue;
        }
        collect(sink, &join(name, &entry.key), child, leaves);
    }
    if !is_group {
        leaves.push(Leaf { name: name.to_owned(), item });
    }
}

/// Aliases are names too: unique, and no group.
fn check_aliases(
    sink: &mut Sink<'_>,
    all: &mut BTreeMap<String, Range<usize>>,
    read: &[Read],
    leaves: &[Leaf<'_>],
) {
    for (alias, span) in read.iter().flat_map(|read| &read.aliases) {
        let key = "tags";
        if let Some(other) = all.get(alias) {
            let place = sink.place(other, "taken here");
            sink.push(Rule::NameTaken, span, key, format!("the name `{alias}` is taken"))
                .help("an alias is an earlier name that nothing else has now")
                .related(place);
            continue;
        }
        let inside =
            |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        if let Some(leaf) = leaves.iter().find(|leaf| inside(alias, &leaf.name) || inside(&leaf.name, alias))
        {
            let place = sink.place(&leaf.item.key_span, format!("`{}` is a tag here", leaf.name));
            let message =
                format!("`{alias}` and `{}` cannot both be tags: one would be a group too", leaf.name);
            sink.push(Rule::NameTaken, span, key, message).help("choose another alias").related(place);
            continue;
        }
        all.insert(alias.clone(), span.clone());
    }
}

/// Bindings without any `[devices]` are one mistake, not one for each tag.
fn check_devices_present(sink: &mut Sink<'_>, read: &[Read], leaves: &[Leaf<'_>], devices: &Devices) {
    let bindings = leaves.len() > read.len();
    if devices.present || !bindings {
        return;
    }
    let bound = |leaf: &&Leaf<'_>| {
        matches!(&leaf.item.node.value, NodeValue::Table(entries)
            if entries.iter().any(|entry| entry.key == "input" || entry.key == "output"))
    };
    if let Some(leaf) = leaves.iter().find(bound) {
        let message = format!("`{}` binds process data, but the cell has no `[devices]`", leaf.name);
        sink.push(Rule::MissingKey, &leaf.item.key_span, "devices", message)
            .help("list the devices in bus order: [devices] coupler = { type = \"EK1100\" }");
    }
}

/// What the tags write to the output image.
fn writers_of(read: &[Read]) -> Vec<Writer> {
    let outputs = read.iter().filter(|read| read.tag.kind == TagKind::Output);
    outputs
        .flat_map(|read| read.bound.iter().map(move |bound| (&read.tag.name, bound)))
        .map(|(name, bound)| Writer {
            kind: Kind::Tag,
            bits: writers::bits(&bound.field),
            what: bound.text.clone(),
            name: name.clone(),
            span: bound.span.clone(),
            key: format!("tags.{name}.output"),
        })
        .collect()
}

/// Inputs first, then outputs, then memory, each in the order of the file.
fn give_slots(sink: &mut Sink<'_>, tags: &mut [Tag], span: &Range<usize>) {
    let total: u64 = tags.iter().map(|tag| u64::from(tag.len())).sum();
    if total > SLOTS_MAX {
        let message = format!("the tags have {total} elements together, at most {SLOTS_MAX} are possible");
        sink.push(Rule::TooManyTags, span, "tags", message).help("make arrays shorter");
        return;
    }
    let mut next = 0_u32;
    for kind in [TagKind::Input, TagKind::Output, TagKind::Memory] {
        for tag in tags.iter_mut().filter(|tag| tag.kind == kind) {
            tag.slot = next;
            next += tag.len();
        }
    }
}
