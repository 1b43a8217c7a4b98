//! What can be done about it: fixes of findings, a tag that is declared, a state that is retained.

use super::{
    CELL_FILE, Location, Place, Snapshot, TextEdit, bytes,
    diagnostics::{Diagnostic, Fix},
    snapshot::range,
};
use sensai_scripts::{
    hir::Type,
    syntax::{
        SyntaxKind as K, SyntaxNode,
        ast::{self, AstNode},
    },
    uses::{Entity, Missing},
};
use std::ops::Range;

/// A change that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub title: String,
    /// All of it.
    pub edits: Vec<TextEdit>,
    /// The finding that is gone after it.
    pub mends: Option<Diagnostic>,
}

/// What can be done in a part of a file; `found`: the findings of the file.
pub fn actions(snapshot: &Snapshot, path: &str, within: Range<usize>, found: &[Diagnostic]) -> Vec<Action> {
    let touches = |at: &Location| at.start <= within.end && within.start <= at.end;
    let mut actions: Vec<Action> = Vec::new();
    for finding in found.iter().filter(|finding| touches(&finding.at)) {
        if let Some(Fix { title, edits }) = &finding.fix {
            let (title, edits) = (title.clone(), edits.clone());
            actions.push(Action { title, edits, mends: Some(finding.clone()) });
        }
        if finding.code == "S205"
            && let Some(mut action) = declare_tag(snapshot, &finding.at)
        {
            action.mends = Some(finding.clone());
            actions.push(action);
        }
    }
    actions.extend(retain(snapshot, &Place { path: path.to_owned(), at: within.start }));
    actions
}

/// Put an entry for a tag in memory into `[tags]`, of the type that it is used as.
fn declare_tag(snapshot: &Snapshot, at: &Location) -> Option<Action> {
    let (unit, file) = snapshot.unit(&at.path)?;
    let here = u32::try_from(at.start).ok()?;
    let unknown = |found: &&sensai_scripts::uses::Use| found.entity == Entity::Unknown(Missing::Tag);
    let name_at = unit.analysed.uses.at(file, here).find(unknown)?.span;
    let tree = unit.analysed.trees.get(file.index())?.syntax();
    let token = tree.token_at_offset(name_at.start.into()).right_biased()?;
    // The whole path, from `io` on, also what stands behind the part that is unknown.
    let mut node = token.parent()?;
    while let Some(parent) = node.parent().filter(|parent| parent.kind() == K::FieldExpr) {
        node = parent;
    }
    let mut parts = path_of(&node)?;
    if parts.first().map(String::as_str) != Some("io") {
        return None;
    }
    parts.remove(0);
    if parts.last().map(String::as_str) == Some("valid") {
        parts.pop();
    }
    let ty = type_of(&node).unwrap_or("f64");
    let name = parts.join(".");
    let text = snapshot.text(CELL_FILE)?;
    let line = format!("{name} = {{ type = \"{ty}\" }}\n");
    let edit = match snapshot.written.tables.iter().find(|(path, _)| path.len() == 1 && path[0] == "tags") {
        Some((_, table)) => {
            let body = text.get(table.clone())?.trim_end();
            let end = table.start + body.len();
            // Behind the last line of the table, also where that has no end.
            TextEdit::new(CELL_FILE, end..end, format!("\n{}", line.trim_end()))
        }
        None => TextEdit::new(CELL_FILE, text.len()..text.len(), format!("\n[tags]\n{line}")),
    };
    Some(Action { title: format!("declare tag `{name}` in memory"), edits: vec![edit], mends: None })
}

/// The names of a path.
fn path_of(node: &SyntaxNode) -> Option<Vec<String>> {
    match ast::Expr::cast(node.clone())? {
        ast::Expr::Field(field) => {
            let mut parts = path_of(field.base()?.syntax())?;
            parts.push(field.name()?.text().to_owned());
            Some(parts)
        }
        ast::Expr::Path(path) => Some(vec![path.name()?.text().to_owned()]),
        _ => None,
    }
}

/// The type that a place in a text has to have.
fn type_of(node: &SyntaxNode) -> Option<&'static str> {
    let parent = node.parent()?;
    let literal = |expr: &ast::Expr| match (expr.number(), expr.clone().plain()) {
        (Some(sensai_scripts::syntax::Number::Int(_)), _) => Some("i64"),
        (Some(sensai_scripts::syntax::Number::Float(_)), _) => Some("f64"),
        (None, ast::Expr::Literal(literal)) => match literal.value() {
            Some(ast::Value::Bool(_)) => Some("bool"),
            _ => None,
        },
        (None, ast::Expr::Prefix(prefix)) if prefix.op() == Some(K::Bang) => Some("bool"),
        (None, ast::Expr::Binary(binary)) => match binary.op()? {
            K::EqEq
            | K::NotEq
            | K::Less
            | K::LessEq
            | K::Greater
            | K::GreaterEq
            | K::AmpAmp
            | K::PipePipe => Some("bool"),
            _ => None,
        },
        _ => None,
    };
    if let Some(assignment) = ast::AssignStmt::cast(parent.clone()) {
        return assignment.value().as_ref().and_then(literal);
    }
    if let Some(binary) = ast::BinaryExpr::cast(parent.clone()) {
        return match binary.op()? {
            K::AmpAmp | K::PipePipe => Some("bool"),
            _ => [binary.lhs(), binary.rhs()].iter().flatten().find_map(literal),
        };
    }
    let condition = matches!(parent.kind(), K::IfExpr | K::WhileExpr | K::DoExpr);
    (condition || parent.kind() == K::PrefixExpr).then_some("bool")
}

/// Move a field of the state into the record `retain`, which outlives a restart, and its uses with it.
fn retain(snapshot: &Snapshot, place: &Place) -> Option<Action> {
    let (unit, file) = snapshot.unit(&place.path)?;
    if file.0 != 0 || unit.analysed.has_errors() {
        return None;
    }
    let here = u32::try_from(place.at).ok()?;
    let field = unit.analysed.uses.at(file, here).find(|found| match &found.entity {
        Entity::Field { record, .. } => *record == unit.analysed.state,
        _ => false,
    })?;
    let Entity::Field { record: Type::Record(state), name } = &field.entity else { return None };
    let (_, of) = state.field(name)?;
    let scalar = matches!(of.ty, Type::Bool | Type::I64 | Type::F64 | Type::Symbol | Type::Array(_));
    if !scalar || of.ty.holds_block() || name == "retain" {
        return None;
    }
    let text = snapshot.text(&place.path)?;
    let tree = unit.analysed.trees.get(file.index())?;
    let mut functions = tree.root().functions();
    let init = functions.find(|function| function.name().is_some_and(|name| name.text() == "init"))?;
    let last = init.body()?.statements().last()?;
    let ast::Stmt::Expr(last) = last else { return None };
    let Some(ast::Expr::Map(map)) = last.expr().map(ast::Expr::plain) else { return None };
    let entry = map.entries().find(|entry| entry.key().as_deref() == Some(name))?;
    let span = |node: &SyntaxNode| bytes(node.text_range());
    let written = text.get(span(entry.syntax()))?.to_owned();
    let mut edits = Vec::new();
    let existing = map.entries().find(|entry| entry.key().as_deref() == Some("retain"));
    match existing.and_then(|entry| entry.value()).map(ast::Expr::plain) {
        Some(ast::Expr::Map(retain)) => {
            let opening = span(retain.syntax()).start + 2;
            let comma = if retain.entries().next().is_some() { "," } else { "" };
            edits.push(TextEdit::new(&place.path, opening..opening, format!(" {written}{comma}")));
            edits.push(TextEdit::new(&place.path, with_comma(text, span(entry.syntax())), ""));
        }
        Some(_) => return None,
        None => {
            let at = span(entry.syntax());
            edits.push(TextEdit::new(&place.path, at, format!("retain: #{{ {written} }}")));
        }
    }
    let mut seen: Vec<u32> = Vec::new();
    for found in &unit.analysed.uses.uses {
        let Entity::Field { record, name: other } = &found.entity else { continue };
        let same = *record == unit.analysed.state && other == name;
        if !same || found.is_definition || seen.contains(&found.span.start) {
            continue;
        }
        if found.file != file {
            return None;
        }
        seen.push(found.span.start);
        let at = range(found.span).start;
        edits.push(TextEdit::new(&place.path, at..at, "retain."));
    }
    edits.sort();
    Some(Action { title: format!("make `{name}` retained: it outlives a restart"), edits, mends: None })
}

/// An entry with the comma behind it and the blanks up to the next one.
fn with_comma(text: &str, entry: Range<usize>) -> Range<usize> {
    let rest = text.get(entry.end..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    match rest.trim_start().strip_prefix(',') {
        Some(behind) => {
            let more = behind.len() - behind.trim_start().len();
            entry.start..entry.end + blanks + 1 + more
        }
        None => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{
        apply, diagnostics,
        testing::{CELL, Fixture, Rules},
    };

    fn done(text: &str, title: &str) -> Option<(String, String)> {
        let (fixture, place) = Fixture::with_cursor(text);
        let found = diagnostics::diagnostics(&fixture.snapshot, &Rules);
        let found = found.get(&place.path).cloned().unwrap_or_default();
        let all = actions(&fixture.snapshot, &place.path, place.at..place.at, &found);
        let action = all.into_iter().find(|action| action.title.contains(title))?;
        let path = action.edits.first()?.at.path.clone();
        let text = apply(fixture.snapshot.text(&path)?, &action.edits);
        let files = fixture.snapshot.texts.iter();
        let files = files
            .map(|(name, old)| (name.clone(), if *name == path { text.clone() } else { old.to_string() }));
        let after = Fixture::of(files.collect());
        let after = diagnostics::diagnostics(&after.snapshot, &Rules);
        assert!(after.is_empty(), "{after:?}\n{text}");
        Some((path, text))
    }

    #[test]
    fn fixes_of_findings_are_offered() {
        let (_, text) =
            done("fn init() { #{ x: 0.0 } }\nfn cycle() { this.x = $07; io.force = this.x; }\n", "7.0")
                .unwrap();
        assert_eq!(text, "fn init() { #{ x: 0.0 } }\nfn cycle() { this.x = 7.0; io.force = this.x; }\n");
    }

    #[test]
    fn a_tag_is_declared() {
        let program = "fn init() { #{ x: false } }\nfn cycle() { io.pump.$0on = io.start; this.x = io.pump.on; io.lamp.red = this.x; }\n";
        let (fixture, place) = Fixture::with_cursor(program);
        let found = diagnostics::diagnostics(&fixture.snapshot, &Rules);
        assert!(found.contains_key(&place.path));
        let program =
            "fn init() { #{ x: 0 } }\nfn cycle() { if io.$0pump.on { this.x += 1; } io.count = this.x; }\n";
        let (path, text) = done(program, "declare tag `pump.on`").unwrap();
        assert_eq!(path, CELL_FILE);
        let expected = CELL.replace(
            "unit = \"mm\" }\n\n[parameters]",
            "unit = \"mm\" }\npump.on = { type = \"bool\" }\n\n[parameters]",
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_state_is_retained() {
        let (_, text) = done(
            "fn init() { #{ $0n: 0, m: 1 } }\nfn cycle() { this.n += this.m; io.count = this.n; }\n",
            "`n` retained",
        )
        .unwrap();
        assert_eq!(
            text,
            "fn init() { #{ retain: #{ n: 0 }, m: 1 } }\nfn cycle() { this.retain.n += this.m; io.count = this.retain.n; }\n"
        );
        let (_, text) = done(
            "fn init() { #{ n: 0, m: 1, retain: #{ a: 0 } } }\nfn cycle() { this.retain.a += this.n; this.$0m = this.n; io.count = this.retain.a + this.m; }\n",
            "`m` retained",
        )
        .unwrap();
        assert!(text.starts_with("fn init() { #{ n: 0, retain: #{ m: 1, a: 0 } } }\n"), "{text}");
        assert_eq!(
            done(
                "fn init() { #{ $0t: TON() } }\nfn cycle() { this.t.run(io.start, 1.0); io.lamp.red = this.t.Q; }\n",
                "retained"
            ),
            None
        );
    }
}
