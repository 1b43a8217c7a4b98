//! Reading one table: typed access to its keys, with a finding for everything that is not as it should be.

use super::{
    finding::Rule,
    names, quantity,
    schema::Section,
    sink::Sink,
    tree::{Entry, Node, NodeValue},
};
use std::ops::{Range, RangeInclusive};

/// A table whose known keys are read one by one.
#[derive(Clone)]
pub(crate) struct Fields<'t> {
    /// Dotted key of the table.
    pub(crate) key: String,
    /// Where the table is named, for what is missing in it.
    pub(crate) span: Range<usize>,
    entries: &'t [Entry],
    section: Section,
}

/// A value under its dotted key.
#[derive(Clone)]
pub(crate) struct Item<'t> {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: &'t Node,
}

/// Dotted key of `name` in the table `parent`.
pub(crate) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

impl<'t> Fields<'t> {
    /// The document itself.
    pub(crate) fn root(sink: &mut Sink<'_>, entries: &'t [Entry], section: Section) -> Self {
        let fields = Self { key: String::new(), span: 0..0, entries, section };
        fields.refuse_unknown(sink, &|_| false);
        fields
    }

    /// The table under `item`; a finding for each unknown key in it.
    pub(crate) fn open(sink: &mut Sink<'_>, item: &Item<'t>, section: Section) -> Option<Self> {
        Self::open_except(sink, item, section, &|_| false)
    }

    /// The same, where `skip` says which entries are none of this table's business.
    pub(crate) fn open_except(
        sink: &mut Sink<'_>,
        item: &Item<'t>,
        section: Section,
        skip: &dyn Fn(&Entry) -> bool,
    ) -> Option<Self> {
        let entries = item.table(sink)?;
        let fields = Self { key: item.key.clone(), span: item.key_span.clone(), entries, section };
        fields.refuse_unknown(sink, skip);
        Some(fields)
    }

    fn refuse_unknown(&self, sink: &mut Sink<'_>, skip: &dyn Fn(&Entry) -> bool) {
        let unknown = |entry: &&Entry| !self.section.keys.contains(&entry.key.as_str()) && !skip(entry);
        for entry in self.entries.iter().filter(unknown) {
            let place = if self.key.is_empty() { String::new() } else { format!(" in `{}`", self.key) };
            let hint = match names::nearest(&entry.key, self.section.keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys of {} are {}", self.section.name, names::list(self.section.keys)),
            };
            let key = join(&self.key, &entry.key);
            sink.push(Rule::UnknownKey, &entry.key_span, &key, format!("unknown key `{}`{place}", entry.key))
                .help(hint);
        }
    }

    /// The value of `name`, if it is given.
    pub(crate) fn get(&self, name: &str) -> Option<Item<'t>> {
        debug_assert!(self.section.keys.contains(&name), "{name} is missing in the schema");
        self.entries.iter().find(|entry| entry.key == name).map(|entry| Item {
            key: join(&self.key, name),
            key_span: entry.key_span.clone(),
            node: &entry.node,
        })
    }

    /// The value of `name`, or a finding with what to write.
    pub(crate) fn required(&self, sink: &mut Sink<'_>, name: &str, help: &str) -> Option<Item<'t>> {
        let item = self.get(name);
        if item.is_none() {
            let place = if self.key.is_empty() { String::new() } else { format!(" in `{}`", self.key) };
            // A misspelt key is reported as such; saying that it is missing too would be the same mistake twice.
            let misspelt = self.entries.iter().any(|entry| {
                !self.section.keys.contains(&entry.key.as_str())
                    && names::nearest(&entry.key, self.section.keys.iter().copied()) == Some(name)
            });
            if !misspelt {
                sink.push(
                    Rule::MissingKey,
                    &self.span,
                    &join(&self.key, name),
                    format!("`{name}` is missing{place}"),
                )
                .help(help);
            }
        }
        item
    }
}

impl<'t> Item<'t> {
    /// A finding about this value.
    pub(crate) fn find<'s>(
        &self,
        sink: &'s mut Sink<'_>,
        rule: Rule,
        message: impl Into<String>,
    ) -> &'s mut super::finding::Finding {
        sink.push(rule, &self.node.span, &self.key, message)
    }

    fn wrong_type(&self, sink: &mut Sink<'_>, expected: &str) {
        let message = format!("expected {expected}, got {}", self.node.kind());
        self.find(sink, Rule::WrongType, message);
    }

    /// The bytes `part` of this text, as a span in the file. The whole value where it was written with escapes.
    pub(crate) fn part(&self, sink: &Sink<'_>, text: &str, part: Range<usize>) -> Range<usize> {
        let written = sink.written(&self.node.span);
        match written.get(1..written.len().saturating_sub(1)) {
            Some(inside) if inside == text => {
                self.node.span.start + 1 + part.start..self.node.span.start + 1 + part.end
            }
            _ => self.node.span.clone(),
        }
    }

    /// The entries of a table.
    pub(crate) fn table(&self, sink: &mut Sink<'_>) -> Option<&'t [Entry]> {
        if let NodeValue::Table(entries) = &self.node.value {
            return Some(entries);
        }
        self.wrong_type(sink, "a table");
        None
    }

    /// The entries of a table as items.
    pub(crate) fn items(&self, sink: &mut Sink<'_>) -> Vec<(&'t str, Item<'t>)> {
        let entries = self.table(sink).unwrap_or_default();
        entries
            .iter()
            .map(|entry| {
                let key = join(&self.key, &entry.key);
                (entry.key.as_str(), Item { key, key_span: entry.key_span.clone(), node: &entry.node })
            })
            .collect()
    }

    /// The elements of an array.
    pub(crate) fn elements(&self, sink: &mut Sink<'_>, of: &str) -> Option<Vec<Item<'t>>> {
        let NodeValue::Array(nodes) = &self.node.value else {
            self.wrong_type(sink, &format!("an array of {of}"));
            return None;
        };
        let item = |(i, node): (usize, &'t Node)| Item {
            key: format!("{}[{i}]", self.key),
            key_span: node.span.clone(),
            node,
        };
        Some(nodes.iter().enumerate().map(item).collect())
    }

    /// A text.
    pub(crate) fn text(&self, sink: &mut Sink<'_>) -> Option<&'t str> {
        if let NodeValue::Text(text) = &self.node.value {
            return Some(text);
        }
        self.wrong_type(sink, "a text");
        None
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, sink: &mut Sink<'_>) -> Option<bool> {
        if let NodeValue::Bool(value) = self.node.value {
            return Some(value);
        }
        self.wrong_type(sink, "`true` or `false`");
        None
    }

    /// An integer in `range`.
    pub(crate) fn integer(&self, sink: &mut Sink<'_>, range: RangeInclusive<i64>) -> Option<i64> {
        let NodeValue::Integer(value) = self.node.value else {
            self.wrong_type(sink, "an integer");
            return None;
        };
        if let Some(value) = value.filter(|value| range.contains(value)) {
            return Some(value);
        }
        let written = sink.written(&self.node.span);
        let message = format!("expected an integer from {} to {}, got {written}", range.start(), range.end());
        self.find(sink, Rule::OutOfRange, message);
        None
    }

    /// A finite number; integers count as numbers where nothing else could be meant.
    pub(crate) fn number(&self, sink: &mut Sink<'_>) -> Option<f64> {
        let value = match self.node.value {
            NodeValue::Float(value) => Some(value),
            NodeValue::Integer(value) => value.map(|value| value as f64),
            _ => {
                self.wrong_type(sink, "a number");
                return None;
            }
        };
        let finite = value.filter(|value| value.is_finite());
        if finite.is_none() {
            self.find(sink, Rule::OutOfRange, "expected a finite number");
        }
        finite
    }

    /// A number above zero that a machine could have.
    pub(crate) fn positive(&self, sink: &mut Sink<'_>) -> Option<f64> {
        const RANGE: RangeInclusive<f64> = 1e-9..=1e12;
        let value = self.number(sink)?;
        if RANGE.contains(&value) {
            return Some(value);
        }
        let message = match value > 0.0 {
            true => format!("expected a number from 1e-9 to 1e12, got {value:e}"),
            false => format!("expected a number above 0, got {value}"),
        };
        self.find(sink, Rule::OutOfRange, message);
        None
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, sink: &mut Sink<'_>, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(sink)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let help = names::nearest(text, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let message = format!("expected {}, got `{text}`", or_list(&words));
        self.find(sink, Rule::NotAChoice, message).maybe_help(help);
        None
    }

    /// A duration in `range`, in nanoseconds.
    pub(crate) fn duration(&self, sink: &mut Sink<'_>, range: RangeInclusive<u64>) -> Option<u64> {
        let NodeValue::Text(text) = &self.node.value else {
            self.wrong_type(sink, "a duration in quotes, such as \"1ms\"");
            return None;
        };
        let Some(ns) = quantity::duration_ns(text) else {
            self.find(sink, Rule::BadText, format!("`{text}` is not a duration"))
                .help("write a number and one of ns, us, ms, s, min, h, such as \"250us\" or \"1.5ms\"");
            return None;
        };
        self.duration_within(sink, ns, range)
    }

    /// `ns` if it lies in `range`.
    pub(crate) fn duration_within(
        &self,
        sink: &mut Sink<'_>,
        ns: u64,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        if range.contains(&ns) {
            return Some(ns);
        }
        let (low, high) = (quantity::show_ns(*range.start()), quantity::show_ns(*range.end()));
        let message = format!("expected {low} to {high}, got {}", quantity::show_ns(ns));
        self.find(sink, Rule::OutOfRange, message);
        None
    }

    /// A size in `range`, in bytes: an integer, or a text such as `4KiB`.
    pub(crate) fn size(&self, sink: &mut Sink<'_>, range: RangeInclusive<u64>) -> Option<u64> {
        let bytes = match &self.node.value {
            NodeValue::Integer(value) => value.and_then(|value| u64::try_from(value).ok()),
            NodeValue::Text(text) => {
                let size = quantity::size_bytes(text);
                if size.is_none() {
                    self.find(sink, Rule::BadText, format!("`{text}` is not a size"))
                        .help("write a number of bytes, or a number and one of B, kB, KiB, MB, MiB");
                    return None;
                }
                size
            }
            _ => {
                self.wrong_type(sink, "a size: a number of bytes, or a text such as \"4KiB\"");
                return None;
            }
        };
        if let Some(bytes) = bytes.filter(|bytes| range.contains(bytes)) {
            return Some(bytes);
        }
        let message = format!("expected {} to {} bytes", range.start(), range.end());
        self.find(sink, Rule::OutOfRange, message);
        None
    }

    /// A 32 bit number: an integer, or a text in decimal or hex.
    pub(crate) fn u32(&self, sink: &mut Sink<'_>) -> Option<u32> {
        let value = match &self.node.value {
            NodeValue::Integer(value) => value.and_then(|value| u32::try_from(value).ok()),
            NodeValue::Text(text) => quantity::number_u32(text),
            _ => {
                self.wrong_type(sink, "a 32 bit number, such as 0x1234");
                return None;
            }
        };
        if value.is_none() {
            self.find(sink, Rule::OutOfRange, "expected a number from 0 to 0xffffffff");
        }
        value
    }
}

/// `` `a`, `b` or `c` ``.
fn or_list(words: &[&str]) -> String {
    match words {
        [all @ .., last] if !all.is_empty() => {
            let all: Vec<String> = all.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", all.join(", "))
        }
        words => names::list(words),
    }
}
