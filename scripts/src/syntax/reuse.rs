//! Parsing a text again of which most is as it was: functions in which nothing is wrong are taken from the tree before.
//!
//! A function that was read to its `}` without an error is read the same way wherever it stands at the top level: nothing before
//! it and nothing behind it takes part. So its text is all there is to compare.

use super::{SyntaxError, SyntaxKind, kind::Language};
use rowan::{GreenNode, Language as _, NodeOrToken, TextRange, TextSize};
use rustc_hash::FxHashMap;

/// A function at the top level in which nothing is wrong, and nothing that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    pub green: GreenNode,
    /// With its documentation.
    pub range: TextRange,
    /// Where it begins without it.
    pub head: TextSize,
    /// Nodes in it, itself included.
    pub nodes: u32,
}

/// A function at the top level that was read without an error of the grammar.
#[derive(Clone, Copy)]
pub(super) struct Read {
    pub range: TextRange,
    pub head: TextSize,
    pub nodes: u32,
    /// It was taken from the tree before: there is nothing to be refused in it.
    pub taken: bool,
}

/// What of a tree can be taken.
pub(super) struct Reuse<'b> {
    text: &'b str,
    sound: &'b [Sound],
    /// By the line that a function begins with.
    by_line: FxHashMap<&'b str, Vec<usize>>,
}

/// Functions with one beginning that are compared.
const SAME_MAX: usize = 4;

impl<'b> Reuse<'b> {
    pub fn new(text: &'b str, sound: &'b [Sound]) -> Self {
        let mut by_line: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (index, function) in sound.iter().enumerate() {
            if let Some(rest) = text.get(usize::from(function.head)..) {
                by_line.entry(first_line(rest)).or_default().push(index);
            }
        }
        Self { text, sound, by_line }
    }

    /// The function that stands at `start` of a text, without its documentation at `head`.
    pub fn find(&self, text: &str, start: u32, head: u32) -> Option<&'b Sound> {
        let rest = text.get(start as usize..)?;
        let same = self.by_line.get(first_line(text.get(head as usize..)?))?;
        let candidates = same.iter().take(SAME_MAX).filter_map(|index| self.sound.get(*index));
        let mut candidates = candidates.filter(|function| {
            let whole = self.text.get(std::ops::Range::<usize>::from(function.range));
            u32::from(function.head - function.range.start()) == head - start
                && whole.is_some_and(|whole| rest.starts_with(whole))
        });
        candidates.next()
    }
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or(text)
}

/// Those of the functions of a tree in which nothing is wrong at all. `refused`: where those begin in which something is refused,
/// ascending.
pub(super) fn sound(
    green: &GreenNode,
    read: &[Read],
    lexer: &[SyntaxError],
    refused: &[TextSize],
) -> Vec<Sound> {
    let mut read = read.iter().peekable();
    let mut offset = TextSize::new(0);
    let mut sound = Vec::new();
    for child in green.children() {
        let start = offset;
        offset += match child {
            NodeOrToken::Node(node) => node.text_len(),
            NodeOrToken::Token(token) => token.text_len(),
        };
        while read.next_if(|function| function.range.start() < start).is_some() {}
        let (NodeOrToken::Node(node), Some(function)) = (child, read.peek()) else { continue };
        let range = TextRange::new(start, offset);
        if function.range != range || Language::kind_from_raw(node.kind()) != SyntaxKind::Fn {
            continue;
        }
        let is_refused = refused.binary_search(&start).is_ok();
        let touches = |error: &SyntaxError| {
            range.contains_inclusive(error.at)
                || !range.intersect(error.range).is_none_or(TextRange::is_empty)
        };
        if !is_refused && !lexer.iter().any(touches) {
            let Read { head, nodes, .. } = **function;
            sound.push(Sound { green: node.to_owned(), range, head, nodes });
        }
    }
    sound
}

#[cfg(test)]
mod tests {
    use crate::syntax::{Parse, parse, reparse};
    use rowan::NodeOrToken;

    /// Functions of a tree that are the very ones of another.
    fn shared(one: &Parse, other: &Parse) -> usize {
        let nodes = |parse: &Parse| -> Vec<*const rowan::GreenNodeData> {
            let nodes = parse.green().children().filter_map(NodeOrToken::into_node);
            nodes.map(std::ptr::from_ref).collect()
        };
        let other = nodes(other);
        nodes(one).iter().filter(|node| other.contains(node)).count()
    }

    #[test]
    fn functions_without_errors_are_taken() {
        let functions: String =
            (0..20).map(|number| format!("/// Doc.\nfn f{number}(a) {{\n    a + {number}\n}}\n\n")).collect();
        let before = parse(&functions);
        assert_eq!(before.sound.len(), 20);
        for (changed, taken) in [
            (functions.replace("a + 7\n", "a + \n"), 19),
            (functions.replace("fn f7", "fn g"), 19),
            (format!("const A = 1;\n{functions}"), 20),
            (functions.replace("/// Doc.\nfn f3", "fn f3"), 19),
            (functions.replace("fn f3(a) {", "fn f3(a) { `${"), 3),
            (functions.clone(), 20),
        ] {
            let after = reparse(&changed, &functions, &before);
            assert_eq!(after, parse(&changed));
            assert_eq!(shared(&after, &before), taken, "{changed}");
        }
    }

    #[test]
    fn what_is_refused_or_depends_on_errors_before_is_not_taken() {
        for text in [
            "fn f() { switch a { b => 1 } }",
            "fn f() { \"\\q\" }",
            "fn f() { a + }",
            "} fn f() { break; }",
            "fn f() { a /* b",
        ] {
            assert!(parse(text).sound.is_empty(), "{text}");
        }
        // Two of one name: each is right in itself.
        assert_eq!(parse("fn f() { 1 } fn f() { 2 }").sound.len(), 2);
    }
}
