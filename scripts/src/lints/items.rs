//! Functions and constants of the program that nothing uses. Libraries may have more than one program needs.

use super::{Program, Subject};
use crate::{
    finding::code,
    hir::{FileId, Span},
    migrator::MIGRATE,
    sink::{Found, Sink},
    syntax::{
        Parse, SyntaxKind, SyntaxToken,
        ast::{self, AstNode, Item, PathExpr, SourceFile},
    },
};
use std::collections::BTreeSet;

/// The program's own file.
const PROGRAM: FileId = FileId(0);

pub(super) fn lint(subject: &Subject<'_>, program: &Program<'_>, sink: &mut Sink) {
    let Some(root) = subject.trees.first().map(Parse::root) else { return };
    let run: BTreeSet<(FileId, Span)> =
        program.functions().map(|(_, function)| (function.file, function.span)).collect();
    let has_constants = root.items().any(|item| matches!(item, Item::Const(_)));
    let named = if has_constants { named(&root) } else { BTreeSet::new() };
    let migration = of_migration(&root);
    for item in root.items() {
        match item {
            Item::Fn(function) => {
                let Some(name) = function.name() else { continue };
                let runs = run.contains(&(PROGRAM, span(&name))) || migration.contains(name.text());
                if !runs && !is_meant(&name) {
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

/// What is named in expressions.
fn named(root: &SourceFile) -> BTreeSet<String> {
    let paths = root.syntax().descendants().filter_map(PathExpr::cast);
    paths.filter_map(|path| path.name()).map(|name| name.text().to_owned()).collect()
}

/// Names of functions that a reload calls: `migrate(old)`, and what it calls, which without a reload has no types.
fn of_migration(root: &SourceFile) -> BTreeSet<String> {
    let functions: Vec<ast::Fn> = root
        .items()
        .filter_map(|item| match item {
            Item::Fn(function) => Some(function),
            _ => None,
        })
        .collect();
    let is_entry =
        |of: &&ast::Fn| of.name().is_some_and(|name| name.text() == MIGRATE) && of.params().count() == 1;
    let mut waiting: Vec<&ast::Fn> = functions.iter().filter(is_entry).collect();
    let mut called: BTreeSet<String> = waiting.iter().map(|_| MIGRATE.to_owned()).collect();
    while let Some(function) = waiting.pop() {
        let tokens = function.syntax().descendants_with_tokens().filter_map(|element| element.into_token());
        for word in tokens.filter(|token| token.kind() == SyntaxKind::Ident) {
            let named = |of: &&ast::Fn| of.name().is_some_and(|name| name.text() == word.text());
            if let Some(callee) = functions.iter().find(named)
                && called.insert(word.text().to_owned())
            {
                waiting.push(callee);
            }
        }
    }
    called
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
