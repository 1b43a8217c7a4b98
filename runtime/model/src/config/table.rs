//! Tables of named things that other tables refer to: axes, units, models.

use super::{fields::Item, finding::Rule, names, sink::Sink};

/// What a table gave, by name.
pub(crate) struct Table<T> {
    /// In the order of the file; without those that could not be read.
    pub(crate) list: Vec<T>,
    /// Every name in the table, with its index in `list` unless there is a finding about it.
    names: Vec<(String, Option<u16>)>,
    /// What one of them is called in messages, such as `axis`.
    kind: &'static str,
    /// The rule that a reference to an unknown one breaks.
    unknown: Rule,
}

impl<T> Table<T> {
    /// An empty one.
    pub(crate) fn new(kind: &'static str, unknown: Rule) -> Self {
        Self { list: Vec::new(), names: Vec::new(), kind, unknown }
    }

    /// Add what was read under `name`; `None`: it has a finding.
    pub(crate) fn push(&mut self, name: &str, value: Option<T>) {
        let index = value.and_then(|value| {
            self.list.push(value);
            u16::try_from(self.list.len() - 1).ok()
        });
        self.names.push((name.to_owned(), index));
    }

    /// Names in the table, also of those with a finding.
    pub(crate) fn named_len(&self) -> usize {
        self.names.len()
    }

    /// The index of the one that `item` names. `None` with a finding if there is none, without one if that has its own.
    pub(crate) fn refer(&self, sink: &mut Sink<'_>, item: &Item<'_>) -> Option<u16> {
        let name = item.text(sink)?;
        if let Some((_, index)) = self.names.iter().find(|(known, _)| known == name) {
            return *index;
        }
        let known: Vec<&str> = self.names.iter().map(|(name, _)| name.as_str()).collect();
        let help =
            names::hint(name, &known).unwrap_or_else(|| format!("the cell has no {} at all", self.kind));
        item.find(sink, self.unknown, format!("there is no {} `{name}`", self.kind)).help(help);
        None
    }
}
