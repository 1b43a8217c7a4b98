//! What is true of every instance of a function is true of the function as it is written.

use crate::hir::{FileId, Function, Span};
use std::collections::BTreeMap;

/// Counts by place: how many instances of a function have something there, of how many there are.
pub(super) struct Instances<T> {
    total: BTreeMap<(FileId, Span), u32>,
    at: BTreeMap<(FileId, Span), (Span, u32, T)>,
}

impl<T> Instances<T> {
    pub const fn new() -> Self {
        Self { total: BTreeMap::new(), at: BTreeMap::new() }
    }

    /// An instance, and what it has where; each place once.
    pub fn add(&mut self, function: &Function, found: impl IntoIterator<Item = (Span, T)>) {
        *self.total.entry((function.file, function.span)).or_insert(0) += 1;
        for (span, what) in found {
            let entry = self.at.entry((function.file, span)).or_insert((function.span, 0, what));
            entry.1 += 1;
        }
    }

    /// What all instances have, in the order of the text.
    pub fn in_all(self) -> impl Iterator<Item = (FileId, Span, T)> {
        let total = self.total;
        self.at.into_iter().filter_map(move |((file, span), (function, count, what))| {
            (total.get(&(file, function)) == Some(&count)).then_some((file, span, what))
        })
    }
}
