//! What a name means in the whole cell, and all places where it stands.

use super::{
    Location, Place, Snapshot, Unit,
    snapshot::{CELL_FILE, range},
    tags,
};
use sensai_model::{TagKind, cell::Cell};
use sensai_scripts::{
    hir::{FileId, Span, Type},
    uses::{Entity, Use},
};
use std::collections::BTreeSet;

/// Something with a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Symbol {
    /// A variable, function, constant or import, by the place of its declaration.
    Declared(Location),
    /// A field of records, by all places where it stands.
    Field(BTreeSet<Location>),
    /// A file: a program or library, or the description of a model.
    File(String),
    /// A tag, or a group of tags: dotted name without `io`.
    Tag(String),
    /// A parameter, or a group of parameters.
    Parameter(String),
    /// A parameter of the twin.
    TwinParameter(String),
    /// An entry of a table of `cell.toml`: name of the table and its own.
    Named(Table, String),
    /// Something that the language or its library brings along.
    Known(Entity),
}

/// Tables of named things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `[axes]`
    Axes,
    /// `[models]`
    Models,
    /// `[alarms]`
    Alarms,
    /// `[jidoka]`
    Jidoka,
    /// `[units]`
    Units,
    /// `[devices]`
    Devices,
    /// `[tasks]`
    Tasks,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Axes, Self::Models, Self::Alarms, Self::Jidoka, Self::Units, Self::Devices, Self::Tasks];

    /// Its key in `cell.toml`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Axes => "axes",
            Self::Models => "models",
            Self::Alarms => "alarms",
            Self::Jidoka => "jidoka",
            Self::Units => "units",
            Self::Devices => "devices",
            Self::Tasks => "tasks",
        }
    }
}

/// A place where a symbol stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// The name.
    pub at: Location,
    /// It is declared there.
    pub is_definition: bool,
}

/// The symbol at a place, and where it stands there.
pub fn at(snapshot: &Snapshot, place: &Place) -> Option<(Symbol, Location)> {
    if place.path == CELL_FILE {
        return tags::at(snapshot, place.at);
    }
    let (unit, file) = snapshot.unit(&place.path)?;
    let mut found: Vec<&Use> = unit.analysed.uses.at(file, place.at as u32).collect();
    // Between two names the one that begins there is meant.
    found.sort_by_key(|found| found.span.end as usize == place.at);
    let found = found.into_iter().find(|found| !matches!(found.entity, Entity::Unknown(_)))?;
    let symbol = of(snapshot, unit, file, found)?;
    let written = unit.slice(file, found.span);
    let quotes = usize::from(written.starts_with('"'));
    let span = range(found.span);
    Some((symbol, Location::new(&place.path, span.start + quotes..span.end - quotes)))
}

/// The symbol that a name means.
pub fn of(snapshot: &Snapshot, unit: &Unit, file: FileId, found: &Use) -> Option<Symbol> {
    let declared = |file: FileId, span: Span| Symbol::Declared(Location::new(unit.path(file), range(span)));
    let (cell, reach) = (&unit.cell, unit.environment().reach);
    Some(match &found.entity {
        Entity::Local(span) | Entity::Import(span) => declared(file, *span),
        Entity::Function(file, span) | Entity::Constant(file, span) => declared(*file, *span),
        Entity::Field { .. } => Symbol::Field(field(snapshot, unit, file, found.span)),
        Entity::Library(library) => Symbol::File(unit.path(*library).to_owned()),
        Entity::TagGroup { path, shafts: false } => Symbol::Tag(path.clone()),
        Entity::TagGroup { path, shafts: true } if is_axis(cell, path) => {
            Symbol::Named(Table::Axes, path.clone())
        }
        Entity::Tag(index) => {
            let environment = unit.environment();
            match environment.tags.get(*index as usize) {
                Some(tag) if tag.kind == TagKind::Model => return None,
                Some(tag) => Symbol::Tag(tag.name.clone()),
                None => Symbol::Known(found.entity.clone()),
            }
        }
        Entity::ParameterGroup(path) => Symbol::Parameter(path.clone()),
        Entity::Parameter(index) => {
            let name = unit.environment().parameters.get(*index as usize)?.name.clone();
            if unit.subject.is_twin() { Symbol::TwinParameter(name) } else { Symbol::Parameter(name) }
        }
        Entity::Model(index) => {
            Symbol::Named(Table::Models, reach.models.get(usize::from(*index))?.name.clone())
        }
        Entity::Axis(index) => Symbol::Named(Table::Axes, reach.axes.get(usize::from(*index))?.name.clone()),
        Entity::Alarm(index) => {
            Symbol::Named(Table::Alarms, reach.alarms.get(usize::from(*index))?.name.clone())
        }
        Entity::Jidoka(index) => {
            Symbol::Named(Table::Jidoka, reach.jidoka.get(usize::from(*index))?.name.clone())
        }
        Entity::Unknown(_) => return None,
        known => Symbol::Known(known.clone()),
    })
}

fn is_axis(cell: &Cell, name: &str) -> bool {
    cell.axes.iter().any(|axis| axis.name == name)
}

/// A field of a type of records, in one program.
type FieldKey<'a> = (usize, &'a Type, &'a str);

/// All places of the field that stands at one: those of the same field of the same types, and of all types that a place
/// has, for a function may be called with several.
fn field(snapshot: &Snapshot, unit: &Unit, file: FileId, span: Span) -> BTreeSet<Location> {
    let mut all: Vec<(FieldKey<'_>, Location)> = Vec::new();
    for (number, unit) in snapshot.units.iter().enumerate() {
        for found in &unit.analysed.uses.uses {
            if let Entity::Field { record, name } = &found.entity {
                let at = Location::new(unit.path(found.file), range(found.span));
                all.push(((number, record, name), at));
            }
        }
    }
    let mut places = BTreeSet::from([Location::new(unit.path(file), range(span))]);
    let mut keys: Vec<FieldKey<'_>> = Vec::new();
    loop {
        let before = (places.len(), keys.len());
        for (key, at) in &all {
            if places.contains(at) && !keys.contains(key) {
                keys.push(*key);
            }
        }
        let more = all.iter().filter(|(key, _)| keys.contains(key)).map(|(_, at)| at.clone());
        places.extend(more);
        if (places.len(), keys.len()) == before {
            return places;
        }
    }
}

/// Every place where a symbol stands, in the whole cell, in order.
pub fn occurrences(snapshot: &Snapshot, symbol: &Symbol) -> Vec<Occurrence> {
    let mut found: BTreeSet<Occurrence> = BTreeSet::new();
    for unit in &snapshot.units {
        for name in &unit.analysed.uses.uses {
            if means(snapshot, unit, name, symbol) {
                let written = unit.slice(name.file, name.span);
                let quotes = usize::from(written.starts_with('"'));
                let span = range(name.span);
                let at = Location::new(unit.path(name.file), span.start + quotes..span.end - quotes);
                found.insert(Occurrence { at, is_definition: name.is_definition });
            }
        }
    }
    found.extend(tags::occurrences(snapshot, symbol));
    found.into_iter().collect()
}

/// True if a name means a symbol: [`of`] without looking for all places of a field.
fn means(snapshot: &Snapshot, unit: &Unit, name: &Use, symbol: &Symbol) -> bool {
    match (&name.entity, symbol) {
        (Entity::Field { .. }, Symbol::Field(places)) => {
            places.contains(&Location::new(unit.path(name.file), range(name.span)))
        }
        (Entity::Field { .. }, _) => false,
        _ => of(snapshot, unit, name.file, name).as_ref() == Some(symbol),
    }
}
