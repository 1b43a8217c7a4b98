//! Which variables go into a selection, and which one comes out of it.

use super::{LOOPS, selection::Selected, span};
use crate::analysis::{Snapshot, Unit, hover, places, snapshot::range};
use sensai_scripts::{
    hir::{FileId, Span, Type},
    syntax::{SyntaxKind as K, SyntaxNode, ast::AstNode},
    uses::Entity,
};
use std::{collections::BTreeMap, ops::Range};

/// What goes in and out.
pub struct Flow {
    /// In the order in which they are named first.
    pub parameters: Vec<Parameter>,
    /// What comes out, beside a value.
    pub result: Option<Outcome>,
    /// `this` is in it.
    pub uses_this: bool,
}

/// A variable of the outside that is named in the selection.
pub struct Parameter {
    /// Name.
    pub name: String,
    /// An array or a record that is written to.
    pub is_copied: bool,
}

/// A variable that is used behind the selection with the value that it has there.
pub struct Outcome {
    /// Name.
    pub name: String,
    /// It is declared in the selection.
    pub is_new: bool,
}

/// A place where a variable stands.
#[derive(Clone, Copy, Debug)]
struct Mention {
    at: Span,
    /// Its value matters.
    reads: bool,
    /// It has another value afterwards.
    writes: bool,
}

impl Flow {
    /// Of a selection in a function.
    pub fn of(
        snapshot: &Snapshot,
        path: &str,
        function: &SyntaxNode,
        selected: &Selected,
    ) -> Result<Self, String> {
        let Some((unit, file)) = snapshot.unit(path) else { return Err("this is no program".to_owned()) };
        let all = selected.range();
        let inside = |at: Span| all.start <= at.start as usize && (at.end as usize) <= all.end;
        let mut parameters: Vec<(u32, Parameter)> = Vec::new();
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (declared, mentions) in mentions(unit, file, function) {
            let name = unit.slice(file, declared).to_owned();
            let within: Vec<&Mention> = mentions.iter().filter(|mention| inside(mention.at)).collect();
            if inside(declared) {
                if mentions.iter().any(|mention| mention.at.start as usize >= all.end) {
                    outcomes.push(Outcome { name, is_new: true });
                }
                continue;
            }
            let Some(first) = within.first() else { continue };
            let is_written = within.iter().any(|mention| mention.writes);
            let is_copied = is_written && is_composite(unit, file, declared);
            parameters.push((first.at.start, Parameter { name: name.clone(), is_copied }));
            if is_written && is_used_after(declared, &mentions, selected) {
                outcomes.push(Outcome { name, is_new: false });
            }
        }
        parameters.sort_by_key(|(first, _)| *first);
        if let [one, other, ..] = outcomes.as_slice() {
            let (one, other) = (&one.name, &other.name);
            return Err(format!(
                "`{one}` and `{other}` are both used behind it, and a function gives one result"
            ));
        }
        let result = outcomes.pop();
        if let Some(result) = &result
            && gives_value(unit, file, selected)
        {
            let name = &result.name;
            return Err(format!(
                "it has a value, and `{name}` is used behind it: a function gives one result"
            ));
        }
        let mut below = selected.nodes().iter().flat_map(SyntaxNode::descendants);
        let uses_this = below.any(|node| node.kind() == K::ThisExpr);
        Ok(Self { parameters: parameters.into_iter().map(|(_, of)| of).collect(), result, uses_this })
    }
}

/// Where the variables of a function stand, each place once, by declaration.
fn mentions(unit: &Unit, file: FileId, function: &SyntaxNode) -> BTreeMap<Span, Vec<Mention>> {
    let all = span(function);
    let mut mentions: BTreeMap<Span, Vec<Mention>> = BTreeMap::new();
    for found in unit.analysed.uses.uses.iter().filter(|found| found.file == file) {
        let Entity::Local(declared) = found.entity else { continue };
        if !all.contains(&range(found.span).start) || found.is_definition {
            continue;
        }
        let of = mentions.entry(declared).or_default();
        if of.last().is_none_or(|last| last.at != found.span) {
            of.push(mention(unit, file, function, found.span));
        }
    }
    mentions
}

fn mention(unit: &Unit, file: FileId, function: &SyntaxNode, at: Span) -> Mention {
    let token = function.token_at_offset(at.start.into()).right_biased();
    let node = token.and_then(|token| token.parent());
    let done = node.as_ref().map(places::done_with).unwrap_or_default();
    if let Some(assign) = &done.assigned {
        return Mention { at, reads: assign.op().is_some() || done.in_part, writes: true };
    }
    // A function of the program may write to its `this`; blocks cannot be in variables.
    let called = done.called.map(|name| u32::from(name.text_range().start()));
    let called =
        called.and_then(|start| unit.analysed.uses.at(file, start).find(|found| found.span.start == start));
    let writes = matches!(called.map(|found| &found.entity), Some(Entity::Function(..)));
    Mention { at, reads: true, writes }
}

fn is_composite(unit: &Unit, file: FileId, declared: Span) -> bool {
    let functions = hover::functions(unit).filter(|function| function.file == file);
    let mut locals = functions.flat_map(|function| &function.locals);
    locals.any(|local| local.span == declared && matches!(local.ty, Type::Array(_) | Type::Record(_)))
}

/// True if a variable of the outside may be read with the value that the selection gave it: behind it, or in the next turn of
/// a loop that the variable outlives.
fn is_used_after(declared: Span, mentions: &[Mention], selected: &Selected) -> bool {
    let all = selected.range();
    let is_in = |range: &Range<usize>, at: Span| range.contains(&(at.start as usize));
    if mentions.iter().any(|mention| mention.at.start as usize >= all.end) {
        return true;
    }
    let around = selected.nodes().first().into_iter().flat_map(SyntaxNode::ancestors);
    let loops = around.filter(|node| LOOPS.contains(&node.kind())).map(|node| span(&node));
    let mut loops = loops.filter(|turns| turns.start <= all.start && all.end <= turns.end && *turns != all);
    loops.any(|turns| {
        !is_in(&turns, declared)
            && mentions
                .iter()
                .any(|mention| is_in(&turns, mention.at) && (mention.reads || !is_in(&all, mention.at)))
    })
}

/// True if the selection is used for its value.
fn gives_value(unit: &Unit, file: FileId, selected: &Selected) -> bool {
    let tail = match selected {
        Selected::Expression(_) => return true,
        Selected::Statements { .. } => selected.tail(),
    };
    let Some(tail) = tail else { return false };
    let at = span(tail.syntax());
    let start = u32::try_from(at.start).unwrap_or(u32::MAX);
    let exprs = hover::function_at(unit, file, start).flat_map(|function| &function.exprs);
    let mut types = exprs.filter(|expr| range(expr.span) == at).map(|expr| &expr.ty);
    types.any(|ty| !matches!(ty, Type::Unit | Type::Never))
}
