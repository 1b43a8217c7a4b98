//! The TOML document with spans, its tables in the order in which they were written.

use super::{finding::Rule, sink::Sink};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: NodeValue,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum NodeValue {
    Bool(bool),
    /// `None`: does not fit 64 bits signed.
    Integer(Option<i64>),
    Float(f64),
    Text(String),
    Datetime,
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

impl Node {
    /// What it is, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            NodeValue::Bool(_) => "a boolean",
            NodeValue::Integer(_) => "an integer",
            NodeValue::Float(_) => "a float",
            NodeValue::Text(_) => "a text",
            NodeValue::Datetime => "a date",
            NodeValue::Array(_) => "an array",
            NodeValue::Table(_) => "a table",
        }
    }

    /// True if it is just this text.
    pub(crate) fn is_text(&self, text: &str) -> bool {
        matches!(&self.value, NodeValue::Text(value) if value == text)
    }

    pub(crate) fn is_empty_array(&self) -> bool {
        matches!(&self.value, NodeValue::Array(nodes) if nodes.is_empty())
    }

    pub(crate) fn is_table(&self) -> bool {
        matches!(self.value, NodeValue::Table(_))
    }
}

/// Parse `text`; every syntax error becomes a finding, and what could be read is returned.
pub(crate) fn parse(text: &str, sink: &mut Sink<'_>) -> Vec<Entry> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = visible(text, error.span().unwrap_or(text.len()..text.len()));
        let (rule, help) = match error.message() {
            "duplicate key" => (Rule::DuplicateKey, "remove one of the two"),
            _ => (Rule::Syntax, "the notation is described at https://toml.io/en/v1.1.0"),
        };
        let message = match rule {
            Rule::DuplicateKey => format!("`{}` is given twice", sink.written(&span)),
            _ => error.message().to_owned(),
        };
        sink.push(rule, &span, "", message).help(help);
    }
    entries(table.get_ref())
}

/// Something that is missing has no extent: show the character before it.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    let before = text.get(..span.start).unwrap_or_default().trim_end();
    match before.chars().next_back() {
        Some(last) if span.is_empty() => before.len() - last.len_utf8()..before.len(),
        _ => span,
    }
}

fn entries(table: &DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: key.span(),
            node: Node { span: value.span(), value: node_value(value.get_ref()) },
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn node_value(value: &DeValue<'_>) -> NodeValue {
    match value {
        DeValue::Boolean(value) => NodeValue::Bool(*value),
        DeValue::Integer(value) => {
            NodeValue::Integer(i64::from_str_radix(value.as_str(), value.radix()).ok())
        }
        // What the parser took for a float is one; NaN stands for the rest and is refused wherever a number is.
        DeValue::Float(value) => NodeValue::Float(value.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::String(value) => NodeValue::Text(value.to_string()),
        DeValue::Datetime(_) => NodeValue::Datetime,
        DeValue::Array(values) => NodeValue::Array(
            values.iter().map(|item| Node { span: item.span(), value: node_value(item.get_ref()) }).collect(),
        ),
        DeValue::Table(table) => NodeValue::Table(entries(table)),
    }
}
