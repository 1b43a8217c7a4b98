//! What could stand between quotes: names of the cell, and the texts that a value can be.

use super::{Completion, Completions, Insert, Kind};
use crate::analysis::{Place, Snapshot, Unit, bytes};
use sensai_model::packml::{Mode, State};
use sensai_scripts::{
    hir::FileId,
    syntax::{
        SyntaxKind as K, SyntaxNode, SyntaxToken,
        ast::{self, AstNode},
    },
    uses::Entity,
};
use sensai_stdlib::registry::handle::AXIS_STATES;

/// The texts at a place between quotes; none: it is not there.
pub fn completions(snapshot: &Snapshot, place: &Place) -> Option<Completions> {
    let (unit, file) = snapshot.unit(&place.path)?;
    let tree = unit.analysed.trees.get(file.index())?.syntax();
    let offset = u32::try_from(place.at).ok()?;
    if offset > u32::from(tree.text_range().end()) {
        return None;
    }
    let token = tree.token_at_offset(offset.into()).find(|token| token.kind() == K::String)?;
    let range = bytes(token.text_range());
    let closed = token.text().len() >= 2 && token.text().ends_with('"');
    let inner = range.start + 1..range.end - usize::from(closed);
    if !(inner.start <= place.at && place.at <= inner.end) {
        return None;
    }
    let mut words = words(unit, file, &token);
    words.sort();
    words.dedup();
    let items = words.into_iter().map(|word| Completion {
        label: word,
        kind: Kind::Text,
        detail: String::new(),
        doc: String::new(),
        insert: Insert::Label,
    });
    Some(Completions { replaces: inner, items: items.collect(), is_incomplete: false })
}

fn words(unit: &Unit, file: FileId, token: &SyntaxToken) -> Vec<String> {
    let Some(literal) = token.parent() else { return Vec::new() };
    let Some(parent) = literal.parent() else { return Vec::new() };
    let reach = unit.environment().reach;
    if let Some(list) = ast::ArgList::cast(parent.clone()) {
        let call = parent.parent();
        let name = call.clone().and_then(ast::CallExpr::cast).and_then(|call| call.path()?.name());
        let names = match name.as_ref().map(|name| name.text()) {
            Some("Axis") => reach.axes.iter().map(|axis| axis.name.clone()).collect(),
            Some("jidoka") => reach.jidoka.iter().map(|rule| rule.name.clone()).collect(),
            Some("alarm") => reach.alarms.iter().map(|alarm| alarm.name.clone()).collect(),
            _ => Vec::new(),
        };
        let command = call.and_then(ast::MethodCallExpr::cast).and_then(|call| {
            let command = sensai_stdlib::registry::AXIS.method(call.name()?.text())?;
            let index = list.args().position(|argument| *argument.syntax() == literal)?;
            Some(command.arguments.get(index)?.words)
        });
        let command = command.unwrap_or_default().iter().map(|word| (*word).to_owned());
        return names.into_iter().chain(command).collect();
    }
    let Some(subject) = subject(&literal, &parent) else { return Vec::new() };
    let Some(entity) = entity(unit, file, &subject) else { return Vec::new() };
    match &entity {
        Entity::Fact("state") => State::ALL.iter().map(|state| state.name().to_owned()).collect(),
        Entity::Fact("mode") => Mode::ALL.iter().map(|mode| mode.name().to_owned()).collect(),
        Entity::Property("state") => AXIS_STATES.iter().map(|state| (*state).to_owned()).collect(),
        _ => texts_of(unit, &entity, token),
    }
}

/// What a literal is compared with, stored in, or a case of.
fn subject(literal: &SyntaxNode, parent: &SyntaxNode) -> Option<SyntaxNode> {
    if let Some(binary) = ast::BinaryExpr::cast(parent.clone()) {
        let sides = [binary.lhs()?, binary.rhs()?];
        return sides.into_iter().map(|side| side.syntax().clone()).find(|side| side != literal);
    }
    if let Some(assignment) = ast::AssignStmt::cast(parent.clone()) {
        return assignment.place().map(|place| place.syntax().clone());
    }
    if let Some(entry) = ast::MapEntry::cast(parent.clone()) {
        return Some(entry.syntax().clone());
    }
    if parent.kind() == K::CaseValues {
        let switch = parent.ancestors().find_map(ast::SwitchExpr::cast)?;
        return switch.value().map(|value| value.syntax().clone());
    }
    None
}

/// What the last name of an expression means.
fn entity(unit: &Unit, file: FileId, node: &SyntaxNode) -> Option<Entity> {
    let token = match ast::MapEntry::cast(node.clone()) {
        Some(entry) => entry.name()?,
        None => node.last_token()?,
    };
    let start = u32::from(token.text_range().start());
    let found = unit.analysed.uses.at(file, start).find(|found| found.span.start == start)?;
    Some(found.entity.clone())
}

/// Every text that something is given, compared with, or a case of; but for the one that is being written.
fn texts_of(unit: &Unit, wanted: &Entity, but: &SyntaxToken) -> Vec<String> {
    let mut texts = Vec::new();
    for (file, tree) in (0_u32..).map(FileId).zip(&unit.analysed.trees) {
        let all = tree.syntax().descendants_with_tokens().filter_map(|element| element.into_token());
        for token in all.filter(|token| token.kind() == K::String && token != but) {
            let found = token.parent().and_then(|literal| {
                let parent = literal.parent()?;
                entity(unit, file, &subject(&literal, &parent)?)
            });
            if found.as_ref() == Some(wanted) {
                texts.push(token.text().trim_matches('"').to_owned());
            }
        }
    }
    texts
}
