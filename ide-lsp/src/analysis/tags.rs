//! What stands in `cell.toml`, and what it refers to.

use super::{
    Location, Snapshot, configuration,
    snapshot::CELL_FILE,
    symbol::{Occurrence, Symbol, Table},
    written::{Key, Value, Written},
};
use sensai_model::{
    Cell, TagKind,
    config::vocabulary::{self, Document, Takes},
};
use std::ops::Range;

/// The symbol at a byte of `cell.toml`, and where it stands there.
pub fn at(snapshot: &Snapshot, at: usize) -> Option<(Symbol, Location)> {
    let written = &snapshot.written;
    if let Some(key) = written.key_at(at) {
        return declared(key).map(|symbol| (symbol, Location::new(CELL_FILE, key.span.clone())));
    }
    let value = written.value_at(at)?;
    let found = referred(snapshot, value).into_iter().find(|(_, span)| span.start <= at && at <= span.end)?;
    Some((found.0, Location::new(CELL_FILE, found.1)))
}

/// What a part of a key declares.
pub fn declared(key: &Key) -> Option<Symbol> {
    let parts: Vec<&str> = key.path.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["tags", name @ ..] if !name.is_empty() && !is_property(name) => Some(Symbol::Tag(name.join("."))),
        ["parameters", name @ ..] if !name.is_empty() && !is_property(name) => {
            Some(Symbol::Parameter(name.join(".")))
        }
        ["simulation", "parameters", name] => Some(Symbol::TwinParameter((*name).to_owned())),
        [table, name] => {
            let table = Table::ALL.into_iter().find(|known| known.key() == *table)?;
            Some(Symbol::Named(table, (*name).to_owned()))
        }
        _ => None,
    }
}

/// True for the keys of a tag or parameter itself.
fn is_property(name: &[&str]) -> bool {
    use sensai_model::config::schema::{PARAMETER, TAG};
    name.len() > 1 && name.last().is_some_and(|last| TAG.keys.contains(last) || PARAMETER.keys.contains(last))
}

/// What a value refers to, and where: a text may name several tags, and each part of a dotted name a group.
pub fn referred(snapshot: &Snapshot, value: &Value) -> Vec<(Symbol, Range<usize>)> {
    let Some(span) = value.text.clone() else { return Vec::new() };
    let Some(text) = snapshot.text(CELL_FILE).and_then(|text| text.get(span.clone())) else {
        return Vec::new();
    };
    let whole = |symbol: Symbol| vec![(symbol, span.clone())];
    let named = |table: Table| whole(Symbol::Named(table, text.to_owned()));
    let path: Vec<&str> = value.path.iter().map(String::as_str).collect();
    match vocabulary::takes(Document::Cell, &path) {
        Some(Takes::Tag | Takes::Condition) => names(text, span.start, snapshot.cell().map(AsRef::as_ref)),
        Some(Takes::Unit) => named(Table::Units),
        Some(Takes::Model) => named(Table::Models),
        Some(Takes::Axis) => named(Table::Axes),
        Some(Takes::Device) => named(Table::Devices),
        Some(Takes::InputEntry | Takes::OutputEntry) => {
            let name = text.split('.').next().unwrap_or_default();
            let device = Symbol::Named(Table::Devices, name.to_owned());
            vec![(device, span.start..span.start + name.len())]
        }
        Some(Takes::ProgramFile) => whole(Symbol::File(text.to_owned())),
        Some(Takes::ModelFile) => whole(Symbol::File(configuration::description_of(text))),
        Some(Takes::Program) => {
            let program = snapshot.loaded.programs.iter().find(|of| of.source.name == text && !of.is_twin());
            program.map(|of| whole(Symbol::File(of.source.path.clone()))).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// The dotted names in a text that are names of tags, each part as the group or tag that it ends. A result of a model is the
/// model's.
fn names(text: &str, start: usize, cell: Option<&Cell>) -> Vec<(Symbol, Range<usize>)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(begin) = rest.find(is_part) else { break };
        let name = rest.get(begin..).unwrap_or_default();
        let name = name.get(..name.find(|c| !is_part(c)).unwrap_or(name.len())).unwrap_or_default();
        let offset = at + begin;
        let tag = cell.and_then(|cell| cell.tags.iter().find(|tag| tag.name == name));
        let mut end = 0;
        for (index, part) in name.split('.').enumerate().filter(|_| tag.is_some()) {
            let from = end + usize::from(end > 0);
            end = from + part.len();
            let span = start + offset + from..start + offset + end;
            match tag.map(|tag| tag.kind) {
                Some(TagKind::Model) if index == 1 => {
                    found.push((Symbol::Named(Table::Models, part.to_owned()), span));
                }
                Some(TagKind::Model) => {}
                _ => found.push((Symbol::Tag(name.get(..end).unwrap_or_default().to_owned()), span)),
            }
        }
        at = offset + name.len();
    }
    found
}

/// Every place of `cell.toml` where a symbol stands.
pub fn occurrences(snapshot: &Snapshot, symbol: &Symbol) -> Vec<Occurrence> {
    if matches!(symbol, Symbol::Declared(_) | Symbol::Field(_) | Symbol::Known(_)) {
        return Vec::new();
    }
    let written: &Written = &snapshot.written;
    let declared = written
        .keys
        .iter()
        .filter(|key| declared(key).as_ref() == Some(symbol))
        .map(|key| Occurrence { at: Location::new(CELL_FILE, key.span.clone()), is_definition: true });
    let referred = written
        .values
        .iter()
        .flat_map(|value| referred(snapshot, value))
        .filter(|(found, _)| found == symbol)
        .map(|(_, span)| Occurrence { at: Location::new(CELL_FILE, span), is_definition: false });
    declared.chain(referred).collect()
}
