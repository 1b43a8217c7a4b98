//! What outlived the last run, and does not fit any more.

use super::paths::{self, element};
use crate::{
    Layout,
    finding::code,
    hir::{Hir, Type},
    layout::Shape,
    sink::{Found, Sink},
};
use std::collections::BTreeMap;

/// The retained part of a layout: paths below `this`, and what is there, in words.
pub fn retained_types(layout: &Layout) -> BTreeMap<String, String> {
    let inside = layout.retained().unwrap_or_default();
    let leaves = layout.leaves().into_iter().filter(|leaf| inside.contains(&leaf.offset));
    let kept = leaves.filter(|leaf| *leaf.shape != Shape::Axis);
    kept.map(|leaf| (leaf.path, leaf.shape.describe())).collect()
}

/// Hold what was retained, as [`retained_types`] gives it, against what the program retains now.
pub fn retained(hir: &Hir, layout: &Layout, old: &BTreeMap<String, String>, sink: &mut Sink) {
    let new = retained_types(layout);
    for (path, was) in old {
        let (message, help) = match new.get(path) {
            Some(is) if is == was => continue,
            Some(is) => (
                format!("`this.{path}` was {was} and is {is} now: what it holds is lost"),
                "give what is of another type another name, or take the old value over in `migrate`",
            ),
            None => (
                format!("`this.{path}` was {was} and is not there any more: what it holds is lost"),
                "keep the field, or take its value over in `migrate`",
            ),
        };
        let (file, span) = paths::origin(hir, &known(&hir.state, path));
        sink.add(Found::warning(code::RETAINED, file, span, message).help(help));
    }
}

/// The fields of a path such as `retain.seen[2].share`, as far as they are there.
fn known(state: &Type, path: &str) -> Vec<u32> {
    let mut indices = Vec::new();
    let mut ty = state;
    for name in path.split('.') {
        let name = name.split('[').next().unwrap_or(name);
        let Type::Record(record) = element(ty) else { break };
        let Some((index, field)) = record.field(name) else { break };
        indices.push(index);
        ty = &field.ty;
    }
    indices
}
