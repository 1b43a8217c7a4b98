//! What can be folded.

use super::{Snapshot, bytes, configuration};
use sensai_scripts::syntax::{SyntaxKind as K, SyntaxNode};
use std::ops::Range;

/// Part of a text that can be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Bytes.
    pub range: Range<usize>,
    /// It is a comment.
    pub is_comment: bool,
}

/// The folds of a file, of several lines each.
pub fn folds(snapshot: &Snapshot, path: &str) -> Vec<Fold> {
    let Some(text) = snapshot.text(path) else { return Vec::new() };
    let mut folds = Vec::new();
    if let Some(written) = configuration::written(snapshot, path) {
        for (_, range) in &written.tables {
            let table = text.get(range.clone()).unwrap_or_default();
            folds.push(Fold { range: range.start..range.start + table.trim_end().len(), is_comment: false });
        }
    } else if let Some(tree) = snapshot.tree(path) {
        of_tree(&tree.syntax(), &mut folds);
    }
    folds.retain(|fold| text.get(fold.range.clone()).is_some_and(|part| part.contains('\n')));
    folds
}

fn of_tree(root: &SyntaxNode, folds: &mut Vec<Fold>) {
    let foldable = [K::Block, K::MapExpr, K::ArrayExpr, K::SwitchExpr, K::ArgList, K::ParamList];
    for node in root.descendants().filter(|node| foldable.contains(&node.kind())) {
        folds.push(Fold { range: bytes(node.text_range()), is_comment: false });
    }
    // Comments that follow each other without an empty line are one.
    let mut open: Option<Range<usize>> = None;
    for token in root.descendants_with_tokens().filter_map(|element| element.into_token()) {
        let at = bytes(token.text_range());
        match token.kind() {
            K::Comment | K::DocComment => {
                let start = open.take().map_or(at.start, |open| open.start);
                open = Some(start..at.end);
            }
            K::Whitespace if token.text().matches('\n').count() < 2 => {}
            _ => folds.extend(open.take().map(|range| Fold { range, is_comment: true })),
        }
    }
    folds.extend(open.map(|range| Fold { range, is_comment: true }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{CELL_FILE, testing::Fixture};

    #[test]
    fn blocks_and_comments_fold() {
        let text =
            "// one\n// two\n\n// three\nfn init() {\n    #{\n        x: 0,\n    }\n}\nfn cycle() { }\n";
        let fixture = Fixture::new(text);
        let found: Vec<(&str, bool)> = folds(&fixture.snapshot, "programs/main.rhai")
            .into_iter()
            .map(|fold| (text[fold.range].lines().next().unwrap_or_default(), fold.is_comment))
            .collect();
        assert_eq!(found, [("{", false), ("#{", false), ("// one", true)]);
        let tables = folds(&fixture.snapshot, CELL_FILE);
        assert_eq!(tables.len(), 6);
    }
}
