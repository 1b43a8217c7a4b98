//! What fields of the state can be between cycles: what `init` gives them, and whatever is ever stored in them.
//!
//! Of a cell that runs from its start on. A state that is restored or migrated can hold other values.

use super::{
    Analysis, Where,
    flow::Flow,
    paths::{Base, Part, Path, PathId},
    state::{State, part_of},
    value::{Known, Shape},
};
use crate::hir::Type;
use std::collections::BTreeMap;

/// What each scalar and text of the state can be, by its name in `cycle`; none: everything.
pub(super) type Fields = BTreeMap<PathId, Option<Known>>;

/// Rounds in which fields may simply grow; then they are widened.
const PLAIN_ROUNDS: usize = 2;
/// Rounds in which they stop at numbers of the program.
const THRESHOLD_ROUNDS: usize = 3;
/// Rounds after which fields that still grow are given up.
const ROUNDS_MAX: usize = 8;

impl Analysis<'_> {
    /// Find out what fields can be, and note what every function comes to with that.
    pub(super) fn record_with_fields(&mut self) {
        let hir = self.hir;
        let root = self.paths.number(&Path::base(Base::This));
        let made = Flow::run(self, hir.init, Where::Outside, State::default(), true);
        let mut fields = self.fields_of(&made.result);
        if let Some(migrate) = hir.migrate {
            let migrated = Flow::run(self, migrate, Where::Outside, State::default(), true);
            let migrated = self.fields_of(&migrated.result);
            grow(&mut fields, &migrated, |known, other| known.join(other));
        }
        for round in 0.. {
            self.begin_round(fields.clone());
            let mut entries = vec![(hir.init, Where::Outside), (hir.cycle, Where::State(root))];
            entries.extend(hir.migrate.map(|migrate| (migrate, Where::Outside)));
            self.record(entries);
            if self.stored_anywhere || (round >= ROUNDS_MAX && !is_stable(&fields, &self.stored)) {
                fields.values_mut().for_each(|field| *field = None);
                self.begin_round(fields);
                self.record([(hir.init, Where::Outside), (hir.cycle, Where::State(root))]);
                self.record(hir.migrate.map(|migrate| (migrate, Where::Outside)));
                return;
            }
            if is_stable(&fields, &self.stored) {
                return;
            }
            let plain = round < PLAIN_ROUNDS;
            let thresholds =
                if round < PLAIN_ROUNDS + THRESHOLD_ROUNDS { &self.thresholds } else { &self.ends };
            grow(&mut fields, &self.stored, |known, stored| {
                let joined = known.join(stored)?;
                // Texts are those of the program: their sets do not grow for ever.
                if plain || matches!(known, Known::Symbol(_)) {
                    Some(joined)
                } else {
                    known.widen(&joined, thresholds)
                }
            });
        }
    }

    fn begin_round(&mut self, fields: Fields) {
        self.stored.clear();
        self.stored_anywhere = false;
        self.fields = Some(fields);
        self.forget_contexts();
    }

    fn fields_of(&mut self, shape: &Shape) -> Fields {
        let mut fields = Fields::new();
        let hir = self.hir;
        self.add_fields(&mut fields, &Path::base(Base::This), &hir.state, shape);
        fields
    }

    fn add_fields(&mut self, fields: &mut Fields, path: &Path, ty: &Type, shape: &Shape) {
        match ty {
            Type::Array(array) => {
                let element = if let Shape::Array(element) = shape { element } else { &Shape::Any };
                self.add_fields(fields, &path.with(Part::Each), &array.element, element);
            }
            Type::Record(record) => {
                for (index, field) in (0..).zip(record.fields()) {
                    let part = match shape {
                        Shape::Record(parts) => parts.get(index as usize).unwrap_or(&Shape::Any),
                        _ => &Shape::Any,
                    };
                    self.add_fields(fields, &path.with(Part::Field(index)), &field.ty, part);
                }
            }
            ty => {
                if Known::any(ty).is_some() {
                    let known = if let Shape::Scalar(known) = shape { Some(known.clone()) } else { None };
                    fields.insert(self.paths.number(path), known);
                }
            }
        }
    }

    /// Something is stored at a place of the state.
    pub(super) fn store_in_state(&mut self, path: &Path, shape: &Shape) {
        let Some(fields) = &self.fields else { return };
        if let Shape::Scalar(known) = shape {
            if let Some(id) = self.paths.find(path) {
                store(&mut self.stored, id, Some(known));
            }
            return;
        }
        for id in fields.keys() {
            if let Some(behind) = self.paths.path(*id).behind(path) {
                store(&mut self.stored, *id, part_of(shape, behind));
            }
        }
    }

    /// Something is stored, and nobody knows where.
    pub(super) fn store_anywhere(&mut self) {
        self.stored_anywhere = self.fields.is_some();
    }
}

fn store(stored: &mut Fields, id: PathId, known: Option<&Known>) {
    let before = stored.get(&id).cloned();
    let now = match (before, known) {
        (None, known) => known.cloned(),
        (Some(Some(before)), Some(known)) => before.join(known),
        _ => None,
    };
    stored.insert(id, now);
}

fn grow(fields: &mut Fields, more: &Fields, of: impl Fn(&Known, &Known) -> Option<Known>) {
    for (id, field) in fields.iter_mut() {
        match (more.get(id), &*field) {
            (None, _) => {}
            (Some(Some(more)), Some(known)) => *field = of(known, more),
            _ => *field = None,
        }
    }
}

fn is_stable(fields: &Fields, stored: &Fields) -> bool {
    stored.iter().all(|(id, stored)| match (fields.get(id), stored) {
        (Some(Some(field)), Some(stored)) => field.includes(stored),
        // Nothing is said of it.
        (Some(None) | None, _) => true,
        (Some(Some(_)), None) => false,
    })
}
