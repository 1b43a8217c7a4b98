//! What to select next: from the word outwards.

use super::{Snapshot, bytes, configuration};
use std::ops::Range;

/// Growing ranges around a byte, the smallest first; the last one is the whole text.
pub fn ranges(snapshot: &Snapshot, path: &str, at: usize) -> Vec<Range<usize>> {
    let Some(text) = snapshot.text(path) else { return Vec::new() };
    let mut found: Vec<Range<usize>> = Vec::new();
    if let Some(written) = configuration::written(snapshot, path) {
        let values = written
            .values
            .iter()
            .flat_map(|value| value.text.clone().into_iter().chain([value.span.clone()]));
        let keys = written.keys.iter().flat_map(|key| [key.span.clone(), key.item.clone()]);
        let tables = written.tables.iter().map(|(_, range)| range.clone());
        found.extend(values.chain(keys).chain(tables).filter(|range| range.start <= at && at <= range.end));
        found.sort_by_key(|range| range.len());
    } else if let Some(tree) = snapshot.tree(path) {
        let root = tree.syntax();
        let offset = u32::try_from(at.min(text.len())).unwrap_or(u32::MAX);
        let tokens = root.token_at_offset(offset.into());
        // Of two tokens the one that is a word is meant.
        let is_word = |token: &sensai_scripts::syntax::SyntaxToken| {
            token.text().starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"')
        };
        let token = tokens.clone().find(is_word).or_else(|| tokens.right_biased());
        if let Some(token) = token {
            found.push(bytes(token.text_range()));
            found.extend(token.parent_ancestors().map(|node| bytes(node.text_range())));
        }
    }
    found.push(0..text.len());
    let mut growing: Vec<Range<usize>> = Vec::new();
    for range in found {
        let grows =
            |last: &Range<usize>| range.start <= last.start && last.end <= range.end && range != *last;
        if growing.last().is_none_or(grows) {
            growing.push(range);
        }
    }
    growing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    #[test]
    fn selections_grow() {
        let (fixture, place) =
            Fixture::with_cursor("fn init() { #{ x: 0 } }\nfn cycle() { this.x = 1 + max($02, 3); }\n");
        let text = fixture.snapshot.text(&place.path).unwrap_or_default();
        let all = ranges(&fixture.snapshot, &place.path, place.at);
        let shown: Vec<&str> = all.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(shown[..5], ["2", "(2, 3)", "max(2, 3)", "1 + max(2, 3)", "this.x = 1 + max(2, 3);"]);
        assert_eq!(shown.last(), Some(&text));
    }
}
