//! What is not written, beside what is: types of the state, units of tags and parameters.

use super::{Snapshot, symbol, symbol::Symbol};
use sensai_model::TagKind;
use sensai_scripts::{
    hir::Type,
    uses::{Entity, Use},
};
use std::ops::Range;

/// A word in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Byte.
    pub at: usize,
    /// What is shown.
    pub label: String,
    /// It says a type; else a unit.
    pub is_type: bool,
}

/// The hints of a part of a file.
pub fn hints(snapshot: &Snapshot, path: &str, within: Range<usize>) -> Vec<Hint> {
    let Some((unit, file)) = snapshot.unit(path) else { return Vec::new() };
    let mut hints: Vec<Hint> = Vec::new();
    for found in &unit.analysed.uses.uses {
        let end = found.span.end as usize;
        if found.file != file || !within.contains(&end) {
            continue;
        }
        let hint = match &found.entity {
            Entity::Field { record: Type::Record(record), name } if found.is_definition => {
                record.field(name).and_then(|(_, field)| type_hint(&field.ty)).map(|label| (label, true))
            }
            Entity::Tag(_) | Entity::Parameter(_) => {
                unit_of(snapshot, unit, found).map(|unit| (format!(" {unit}"), false))
            }
            _ => None,
        };
        if let Some((label, is_type)) = hint {
            let hint = Hint { at: end, label, is_type };
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
    }
    hints
}

/// Of blocks and records there is nothing to say that is not written beside.
fn type_hint(ty: &Type) -> Option<String> {
    match ty {
        Type::Bool | Type::I64 | Type::F64 | Type::Symbol => Some(format!(": {ty}")),
        Type::Array(array) if !array.element.is_composite() => Some(format!(": {ty}")),
        _ => None,
    }
}

fn unit_of(snapshot: &Snapshot, unit: &super::Unit, found: &Use) -> Option<String> {
    let environment = unit.environment();
    match (&found.entity, symbol::of(snapshot, unit, found.file, found)?) {
        (Entity::Tag(index), Symbol::Tag(_)) => {
            let tag = environment.tags.get(*index as usize).filter(|tag| tag.kind != TagKind::Model)?;
            tag.unit.clone()
        }
        (Entity::Parameter(index), _) => environment.parameters.get(*index as usize)?.unit.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    #[test]
    fn state_has_types_and_tags_have_units() {
        let text = "fn init() { #{ x: 0.0, t: TON(), step: \"a\" } }\nfn cycle() { io.force = this.x; this.x = param.depth; }\n";
        let fixture = Fixture::new(text);
        let shown = |within| {
            let mut shown = text.to_owned();
            for hint in hints(&fixture.snapshot, "programs/main.rhai", within).iter().rev() {
                shown.insert_str(hint.at, &format!("‹{}›", hint.label));
            }
            shown
        };
        assert_eq!(
            shown(0..text.len()),
            "fn init() { #{ x‹: f64›: 0.0, t: TON(), step‹: text›: \"a\" } }\nfn cycle() { io.force‹ N› = this.x; this.x = param.depth‹ mm›; }\n"
        );
        assert_eq!(shown(0..10), text);
    }
}
