//! What was meant by a name that nothing has: somebody left out where it comes from, or knows it from another language.

use super::{Lowering, body::Body};
use crate::{hir::Type, sink::Found, tree::Tree};

impl Body<'_, '_, '_> {
    /// What to do about a name that is not known, if it is known elsewhere; with the text that is meant.
    pub(super) fn meant(&self, name: &str) -> Option<(String, Option<String>)> {
        if let Some(Type::Record(record)) = &self.this
            && record.field(name).is_some()
        {
            let meant = format!("this.{name}");
            return Some((format!("a field of the state is `{meant}`"), Some(meant)));
        }
        self.lowering.elsewhere(name).or_else(|| foreign(name))
    }
}

impl Lowering<'_, '_> {
    /// A name of the cell without its root, or a text without its quotes.
    fn elsewhere(&self, name: &str) -> Option<(String, Option<String>)> {
        let (help, meant) = if self.tags.child(Tree::ROOT, name).is_some() {
            (format!("a tag is `io.{name}`"), format!("io.{name}"))
        } else if self.parameters.child(Tree::ROOT, name).is_some() {
            (format!("a parameter is `param.{name}`"), format!("param.{name}"))
        } else if self.is_text(name) {
            (format!("a text stands in quotes: `\"{name}\"`"), format!("\"{name}\""))
        } else {
            return None;
        };
        Some((help, Some(meant)))
    }
}

/// What stands here for a word of Structured Text, C or Python.
fn foreign(name: &str) -> Option<(String, Option<String>)> {
    let upper = name.to_ascii_uppercase();
    let word = match upper.as_str() {
        "TRUE" => "true",
        "FALSE" => "false",
        "EXIT" => "break",
        "CONTINUE" => "continue",
        "RETURN" => "return",
        "END" => return Some(("blocks end with `}`".to_owned(), None)),
        _ if upper.starts_with("END_") => return Some(("blocks end with `}`".to_owned(), None)),
        _ => return None,
    };
    Some((format!("write `{word}`"), Some(word.to_owned())))
}

/// A finding with this advice.
pub(super) fn advise(found: Found, at: crate::hir::Span, (help, meant): (String, Option<String>)) -> Found {
    let found = found.help(help);
    match meant {
        Some(meant) => found.replace(at, meant),
        None => found,
    }
}
