//! What becomes straight while one types: the statement that a `;` ends, the block that a `}` closes, the line that begins.
//!
//! In the one style, and in half a program only by its brackets. A line behind a documentation comment goes on with it.

use super::{
    TextEdit,
    format::{self, Token},
};
use sensai_scripts::syntax::{
    self, SyntaxKind as K,
    ast::{self, AstNode},
};

/// The changes after a character that ends at a byte.
pub fn typed(path: &str, text: &str, at: usize, character: &str) -> Vec<TextEdit> {
    let changes = match character {
        "\n" => line(path, text, at).into_iter().collect(),
        "}" | ";" => ended(path, text, at, character),
        _ => return Vec::new(),
    };
    let is_new = |edit: &TextEdit| text.get(edit.at.range()).is_some_and(|old| old != edit.text);
    changes.into_iter().filter(is_new).collect()
}

/// The line that begins at a byte, before which there are blanks at most.
fn line(path: &str, text: &str, at: usize) -> Option<TextEdit> {
    let start = format::line_start(text, at);
    let rest = text.get(start..)?.split('\n').next()?;
    let blanks = start..start + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
    if start == 0 || at > blanks.end {
        return None;
    }
    let tokens = format::tokens(&syntax::parse(text), text);
    let (behind, ahead) = tokens.split_at(tokens.partition_point(|token| token.range.start < start));
    let before = behind.last();
    if before.is_some_and(|before| before.range.end > start || before.fixed) {
        return None;
    }
    let is_empty = rest.trim().is_empty();
    if is_empty && let Some(comment) = before.and_then(|before| continued(text, before, start)) {
        return Some(TextEdit::new(path, blanks, comment));
    }
    let first = ahead.first().filter(|_| !is_empty);
    Some(TextEdit::new(path, blanks, format::indented(text, behind, first)?))
}

/// What the line at a byte begins with, if the one before it is a documentation comment that says something.
fn continued(text: &str, comment: &Token, start: usize) -> Option<String> {
    let written = comment.token.text();
    let mark = ["///", "//!"].into_iter().find(|mark| written.starts_with(mark))?;
    let said = written.strip_prefix(mark)?;
    let is_above = text.get(comment.range.end..start)?.matches('\n').count() == 1;
    let indent = text.get(format::line_start(text, comment.range.start)..comment.range.start)?;
    let is_alone = indent.trim().is_empty();
    (is_above && is_alone && !said.starts_with('/') && !said.trim().is_empty())
        .then(|| format!("{indent}{mark} "))
}

/// The statement or block that ends at a byte.
fn ended(path: &str, text: &str, at: usize, character: &str) -> Vec<TextEdit> {
    let parse = syntax::parse(text);
    let tokens = format::tokens(&parse, text);
    let index = tokens.partition_point(|token| token.range.end < at);
    let (behind, ahead) = tokens.split_at(index.min(tokens.len()));
    let kind = if character == ";" { K::Semicolon } else { K::RBrace };
    let Some(token) = ahead.first().filter(|token| token.range.end == at && token.kind() == kind) else {
        return Vec::new();
    };
    if !parse.is_ok() {
        let start = format::line_start(text, token.range.start);
        let is_first = text.get(start..token.range.start).is_some_and(|blanks| blanks.trim().is_empty());
        let blanks = Some(token).filter(|_| kind == K::RBrace && is_first && start > 0);
        let blanks = blanks.and_then(|token| format::indented(text, behind, Some(token)));
        return blanks
            .map(|blanks| TextEdit::new(path, start..token.range.start, blanks))
            .into_iter()
            .collect();
    }
    let mut around = token.token.parent_ancestors();
    let whole = around.find(|node| {
        ast::Stmt::cast(node.clone()).is_some()
            && node.parent().is_some_and(|parent| parent.kind() == K::Block)
            || ast::Item::cast(node.clone()).is_some()
    });
    let Some(whole) = whole else { return Vec::new() };
    let whole = usize::from(whole.text_range().start())..token.range.end;
    // What stands behind the cursor is not finished yet.
    let all = format::format(path, text, whole).unwrap_or_default();
    all.into_iter().filter(|edit| edit.at.end <= token.range.start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::apply;

    /// The text after the character before `$0`.
    fn after(marked: &str) -> String {
        let at = marked.find("$0").unwrap();
        let text = marked.replacen("$0", "", 1);
        let character = text[..at].trim_end_matches([' ', '\t']).chars().last().unwrap().to_string();
        apply(&text, &typed("p", &text, at, &character))
    }

    #[test]
    fn a_line_begins_where_its_brackets_say() {
        assert_eq!(after("fn f() {\n$0\n}\n"), "fn f() {\n    \n}\n");
        assert_eq!(after("fn f() {\n  $0\n}\n"), "fn f() {\n    \n}\n");
        assert_eq!(after("fn f() {\n    $0}\n"), "fn f() {\n}\n");
        assert_eq!(
            after("fn f() {\n    let a = b +\n$0c;\n}\n"),
            "fn f() {\n    let a = b +\n        c;\n}\n"
        );
        assert_eq!(after("fn f() {\n    if a {\n  $0b();\n}\n"), "fn f() {\n    if a {\n        b();\n}\n");
        assert_eq!(after("fn f() {\r\n$0\r\n}\r\n"), "fn f() {\r\n    \r\n}\r\n");
        assert_eq!(after("\n$0fn f() {}\n"), "\nfn f() {}\n");
    }

    #[test]
    fn documentation_goes_on() {
        assert_eq!(after("/// one\n$0\nfn f() {}\n"), "/// one\n/// \nfn f() {}\n");
        assert_eq!(after("//! one\n$0"), "//! one\n//! ");
        assert_eq!(after("fn f() {\n  /// one\n$0\n}\n"), "fn f() {\n  /// one\n  /// \n}\n");
        for same in [
            "/// \n$0\nfn f() {}\n",
            "// one\n$0\n",
            "//// one\n$0\n",
            "/// one\n\n$0\n",
            "/// one\n$0fn f() {}\n",
        ] {
            assert_eq!(after(same), same.replace("$0", ""));
        }
    }

    #[test]
    fn a_statement_that_ends_is_straight() {
        assert_eq!(
            after("fn f() {\n  a . b( 1 ,2 ) ;$0\n  c ;\n}\n"),
            "fn f() {\n    a.b(1, 2);\n  c ;\n}\n"
        );
        assert_eq!(after("fn f() { a ;$0b  ; }\n"), "fn f() { a;b  ; }\n");
        assert_eq!(
            after("fn f() {\n  if a {\n b( ) ;\n}$0\n  c ;\n}\n"),
            "fn f() {\n    if a {\n        b();\n    }\n  c ;\n}\n"
        );
        assert_eq!(after("fn  f( ) {\n  a ;\n   }$0\n"), "fn f() {\n    a;\n}\n");
    }

    #[test]
    fn half_a_program_goes_by_its_brackets() {
        assert_eq!(after("fn f() {\n  if a + {\n }$0\n"), "fn f() {\n  if a + {\n    }\n");
        for same in ["fn f() {\n  a( ;$0\n", "fn f() { \"};$0\" }\n", "fn f() { } // };$0\n", ";$0", "}$0"] {
            let text = same.replace("$0", "");
            assert_eq!(after(same), text);
        }
        assert_eq!(typed("p", "fn f() { `a\nb` }\n", 12, "\n"), [], "inside of a text");
        assert_eq!(typed("p", "fn f() { `${a\n}` }\n", 14, "\n"), [], "inside of a text");
        assert_eq!(typed("p", "/* a\nb */ fn f() { }\n", 5, "\n"), [], "inside of a comment");
        assert_eq!(typed("p", "", 0, "\n"), []);
        assert_eq!(typed("p", "a", 7, "}"), []);
        assert_eq!(typed("p", "a", 1, "x"), []);
    }
}
