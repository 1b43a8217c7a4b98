//! What is known of a cell, and what an editor shows of it. Texts in, values out: no files, no protocol.
//!
//! [`Snapshot`] is the state of a cell at one moment. Each feature is a file of its own, and a function of a snapshot and a
//! place in it.

pub mod actions;
pub mod calls;
pub mod completion;
pub mod configuration;
pub mod definition;
pub mod diagnostics;
pub mod extract;
pub mod folding;
pub mod format;
pub mod hints;
pub mod hover;
pub mod lens;
pub mod live;
pub mod outline;
mod places;
pub mod rename;
pub mod selection;
pub mod signature;
mod snapshot;
pub mod symbol;
mod tags;
pub mod tokens;
pub mod typing;
pub mod written;

#[cfg(test)]
mod laws;
#[cfg(test)]
pub mod testing;

pub use snapshot::{CELL_FILE, Place, Snapshot, Unit};

use sensai_scripts::syntax::TextRange;
use std::{collections::BTreeMap, ops::Range};

/// Part of a file of the cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Path relative to the cell's directory.
    pub path: String,
    /// Bytes, start.
    pub start: usize,
    /// Bytes, end.
    pub end: usize,
}

impl Location {
    /// A part of a file.
    pub fn new(path: impl Into<String>, range: Range<usize>) -> Self {
        Self { path: path.into(), start: range.start, end: range.end }
    }

    /// As a range.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A change of a file of the cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextEdit {
    /// What is replaced; empty: something is put in.
    pub at: Location,
    /// What stands there then.
    pub text: String,
}

impl TextEdit {
    /// A change.
    pub fn new(path: impl Into<String>, range: Range<usize>, text: impl Into<String>) -> Self {
        Self { at: Location::new(path, range), text: text.into() }
    }
}

/// A range of a tree, in bytes.
fn bytes(range: TextRange) -> Range<usize> {
    range.start().into()..range.end().into()
}

/// True if the letters of `wanted` are in a name, in their order, in whatever case.
fn has_letters(name: &str, wanted: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    wanted.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|letter| letter == wanted))
}

/// Edits by the file that they are of.
pub fn by_file(edits: &[TextEdit]) -> BTreeMap<&str, Vec<TextEdit>> {
    let mut by_file: BTreeMap<&str, Vec<TextEdit>> = BTreeMap::new();
    for edit in edits {
        by_file.entry(&edit.at.path).or_default().push(edit.clone());
    }
    by_file
}

/// The text after edits that are all of one file and do not overlap; as it was if one does not fit.
pub fn apply(text: &str, edits: &[TextEdit]) -> String {
    let mut sorted: Vec<&TextEdit> = edits.iter().collect();
    sorted.sort();
    let mut changed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in sorted {
        let Some(before) = text.get(at..edit.at.start) else { return text.to_owned() };
        changed.push_str(before);
        changed.push_str(&edit.text);
        at = edit.at.end;
    }
    match text.get(at..) {
        Some(rest) => changed + rest,
        None => text.to_owned(),
    }
}
