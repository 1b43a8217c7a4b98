//! Functions and constants of the program that nothing uses. Libraries may have more than one program needs.

use super::{Program, Subject};
use crate::{
    finding::code,
    hir::{FileId, Span},
    sink::{Found, Sink},
    syntax::{
        Parse, SyntaxToken,
        ast::{AstNode, Item, PathExpr},
    },
};
use std::collections::BTreeSet;

/// The program's own file.
const PROGRAM: FileId = FileId(0);

pub(super) fn lint(subject: &Subject<'_>, program: &Program<'_>, sink: &mut Sink) {
    let Some(root) = subject.trees.first().map(Parse::root) else { return };
    let run: BTreeSet<(FileId, Span)> =
        program.functions().map(|(_, function)| (function.file, function.span)).collect();
    let named: BTreeSet<String> = root
        .syntax()
        .descendants()
        .filter_map(PathExpr::cast)
        .filter_map(|path| path.name())
        .map(|name| name.text().to_owned())
        .collect();
    for item in root.items() {
        match item {
            Item::Fn(function) => {
                let Some(name) = function.name() else { continue };
                if !run.contains(&(PROGRAM, span(&name))) && !is_meant(&name) {
                    let message = format!("nothing calls `{}`", name.text());
                    let found = Found::warning(code::UNUSED_FUNCTION, PROGRAM, span(&name), message);
                    sink.add(found.help(help(&name)));
                }
            }
            Item::Const(constant) => {
                let Some(name) = constant.name() else { continue };
                if !named.contains(name.text()) && !is_meant(&name) {
                    let message = format!("nothing uses the constant `{}`", name.text());
                    let found = Found::warning(code::UNUSED_CONSTANT, PROGRAM, span(&name), message);
                    sink.add(found.help(help(&name)));
                }
            }
            _ => {}
        }
    }
}

fn is_meant(name: &SyntaxToken) -> bool {
    name.text().starts_with('_')
}

fn help(name: &SyntaxToken) -> String {
    let name = name.text();
    format!("leave it away, or name it `_{name}` to say that it is meant so")
}

fn span(token: &SyntaxToken) -> Span {
    let range = token.text_range();
    Span::new(range.start().into(), range.end().into())
}
