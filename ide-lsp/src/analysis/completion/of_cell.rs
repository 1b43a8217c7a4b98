//! What the cell has: roots, groups, tags.

use super::{
    Kind,
    candidates::{Candidate, candidate},
    context::Context,
};
use sensai_model::{Tag, TagKind};
use sensai_scripts::{hir::Type, uses::Entity};
use std::collections::{BTreeMap, BTreeSet};

/// Tags of a cell up to which each brings its documentation along.
const DOCUMENTED_MAX: usize = 500;

pub fn roots(context: &Context<'_>, all: &mut Vec<Candidate>) {
    let environment = context.unit.environment();
    let twin = context.unit.subject.is_twin();
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let mut push = |name: &'static str, members: Vec<String>, writable: bool| {
        let mut root = candidate(name, Kind::Group);
        root.uses = context.uses(|entity| *entity == Entity::Root(name));
        root.item.doc = context.doc(Entity::Root(name));
        (root.members, root.writable) = (members, writable);
        all.push(root);
    };
    push("io", environment.tags.iter().map(|tag| first(&tag.name)).collect(), true);
    push("param", environment.parameters.iter().map(|of| first(&of.name)).collect(), false);
    let facts = ["cycle", "time", "dt", "first_cycle", "mode", "state", "seed"];
    push("sys", facts.iter().map(|fact| (*fact).to_owned()).collect(), false);
    push("ai", environment.reach.models.iter().map(|model| model.name.clone()).collect(), false);
    if twin {
        push("axis", context.unit.cell.axes.iter().map(|axis| axis.name.clone()).collect(), true);
    }
}

/// The part of a dotted name that comes behind a group, and whether there is more.
pub fn below<'n>(name: &'n str, group: &str) -> Option<(&'n str, bool)> {
    let rest = match group {
        "" => name,
        group => name.strip_prefix(group)?.strip_prefix('.')?,
    };
    Some(rest.split_once('.').map_or((rest, false), |(segment, _)| (segment, true)))
}

pub fn of_group(
    context: &Context<'_>,
    tags: &[Tag],
    first: usize,
    group: &str,
    shafts: bool,
) -> Vec<Candidate> {
    let (here, elsewhere) = (used_here(context), used_elsewhere(context));
    let documented = tags.len() <= DOCUMENTED_MAX;
    let mut all: Vec<Candidate> = Vec::new();
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (index, tag) in tags.iter().enumerate().filter(|(_, tag)| tag.kind != TagKind::Model) {
        let Some((segment, more)) = below(&tag.name, group) else { continue };
        if more {
            let path = if group.is_empty() { segment.to_owned() } else { format!("{group}.{segment}") };
            let member = below(&tag.name, &path).map(|(member, _)| member.to_owned());
            groups.entry(segment).or_default().extend(member);
            continue;
        }
        let number = (first + index) as u32;
        let mut found = candidate(segment, Kind::Field);
        found.item.detail = Type::scalar(tag.scalar).to_string();
        found.ty = Some(Type::scalar(tag.scalar));
        found.uses = here.get(&number).cloned().unwrap_or_default();
        if documented {
            found.item.doc = context.doc(Entity::Tag(number));
        }
        found.writable = matches!(tag.kind, TagKind::Output | TagKind::Memory);
        if found.uses.is_empty() && elsewhere.contains(&number) {
            found.uses.push(u32::MAX);
        }
        if let Some(unit) = &tag.unit {
            found.item.detail = format!("{} [{unit}]", found.item.detail);
        }
        if tag.array_len.is_some() {
            found.members.push("len".into());
        }
        all.push(found);
    }
    for (segment, members) in groups {
        let path = if group.is_empty() { segment.to_owned() } else { format!("{group}.{segment}") };
        let mut found = candidate(segment, Kind::Group);
        found.uses = context.uses(|entity| matches!(entity, Entity::TagGroup { path: of, shafts: behind } if *of == path && *behind == shafts));
        found.members = members;
        found.writable = true;
        all.push(found);
    }
    all
}

/// Tags that other programs on this side of the wires use.
fn used_elsewhere(context: &Context<'_>) -> BTreeSet<u32> {
    let path = &context.unit.source.path;
    let twin = context.unit.subject.is_twin();
    let others = context.snapshot.units.iter();
    let others = others.filter(|unit| unit.source.path != *path && unit.subject.is_twin() == twin);
    let uses = others.flat_map(|unit| &unit.analysed.uses.uses);
    let tag = |entity: &Entity| match entity {
        Entity::Tag(tag) => Some(*tag),
        _ => None,
    };
    uses.filter_map(|found| tag(&found.entity)).collect()
}

/// Where each tag is used in the file.
fn used_here(context: &Context<'_>) -> BTreeMap<u32, Vec<u32>> {
    let mut used: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for found in context.unit.analysed.uses.uses.iter().filter(|found| found.file == context.file) {
        if let Entity::Tag(tag) = found.entity {
            used.entry(tag).or_default().push(found.span.start);
        }
    }
    used
}
