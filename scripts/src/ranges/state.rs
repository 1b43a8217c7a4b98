//! What is known at one point of a function: of each place of which more is known than what always holds.

use super::{
    paths::{Base, Part, Path, PathId, Paths},
    value::{Known, Shape, Thresholds},
};
use crate::hir::LocalId;

/// Ascending by number. A place that is not in it can have every value that it ever has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    entries: Vec<(PathId, Known)>,
}

/// Scalars of one array or record that are kept apart; of larger ones, nothing is known.
const LEAVES_MAX: usize = 64;

impl State {
    /// What is known of a place by this name.
    pub fn get(&self, id: PathId) -> Option<&Known> {
        let at = self.entries.binary_search_by_key(&id, |entry| entry.0).ok()?;
        self.entries.get(at).map(|entry| &entry.1)
    }

    /// Know this of a place. For a place that changed, [`State::write`] is right.
    pub fn set(&mut self, id: PathId, known: Known) {
        match self.entries.binary_search_by_key(&id, |entry| entry.0) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.1 = known;
                }
            }
            Err(at) => self.entries.insert(at, (id, known)),
        }
    }

    /// Know nothing of a place any more.
    pub fn remove(&mut self, id: PathId) {
        if let Ok(at) = self.entries.binary_search_by_key(&id, |entry| entry.0) {
            self.entries.remove(at);
        }
    }

    /// All, ascending by number.
    pub fn entries(&self) -> impl Iterator<Item = (PathId, &Known)> {
        self.entries.iter().map(|(id, known)| (*id, known))
    }

    /// Forget what is not wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(PathId) -> bool) {
        self.entries.retain(|entry| wanted(entry.0));
    }

    /// Forget what may be in this place.
    pub fn forget(&mut self, path: &Path, paths: &Paths) {
        self.retain(|id| !paths.meet(id, path));
    }

    /// A variable gets another value: elements that it names are others now.
    pub fn forget_elements_by(&mut self, local: LocalId, paths: &Paths) {
        self.retain(|id| !paths.is_by_variable(id) || !paths.path(id).is_by(local));
    }

    /// Variables are out of scope: nothing is known of them any more, and no element is named by them.
    pub fn end(&mut self, locals: &[LocalId], paths: &Paths) {
        if locals.is_empty() {
            return;
        }
        self.retain(|id| {
            let path = paths.path(id);
            let ended = |part: &Part| matches!(part, Part::By(local) if locals.contains(local));
            !matches!(path.base, Base::Local(local) if locals.contains(&local))
                && !path.parts.iter().any(ended)
        });
    }

    /// A value is stored. Places that may be the same have the old value or this one.
    pub fn write(&mut self, path: &Path, shape: &Shape, paths: &mut Paths) {
        let exact = path.is_exact();
        self.entries.retain_mut(|(id, known)| {
            if !paths.meet(*id, path) {
                return true;
            }
            let other = paths.path(*id);
            let Some(behind) = other.parts.get(path.parts.len()..) else { return false };
            let Some(new) = part_of(shape, behind) else { return false };
            if exact && other.parts.starts_with(&path.parts) {
                *known = new.clone();
                return true;
            }
            match known.join(new) {
                Some(joined) => {
                    *known = joined;
                    true
                }
                None => false,
            }
        });
        if exact {
            let mut leaves = 0;
            self.write_leaves(path, shape, paths, &mut leaves);
        }
    }

    fn write_leaves(&mut self, path: &Path, shape: &Shape, paths: &mut Paths, leaves: &mut usize) {
        match shape {
            Shape::Any => {}
            Shape::Scalar(known) => {
                *leaves += 1;
                if *leaves <= LEAVES_MAX {
                    let id = paths.number(path);
                    self.set(id, known.clone());
                }
            }
            Shape::Array(element) => self.write_leaves(&path.with(Part::Each), element, paths, leaves),
            Shape::Record(fields) => {
                for (index, field) in (0..).zip(fields) {
                    if *leaves > LEAVES_MAX {
                        return;
                    }
                    self.write_leaves(&path.with(Part::Field(index)), field, paths, leaves);
                }
            }
        }
    }

    /// What holds in both.
    pub fn join(&mut self, other: &Self) {
        self.merge(other, |known, other| known.join(other));
    }

    /// What holds in both, and in whatever comes after.
    pub fn widen(&mut self, next: &Self, thresholds: &Thresholds) {
        self.merge(next, |known, next| known.widen(next, thresholds));
    }

    fn merge(&mut self, other: &Self, of: impl Fn(&Known, &Known) -> Option<Known>) {
        let mut others = other.entries.iter().peekable();
        self.entries.retain_mut(|(id, known)| {
            while others.next_if(|other| other.0 < *id).is_some() {}
            let Some((_, other)) = others.next_if(|other| other.0 == *id) else { return false };
            match of(known, other) {
                Some(merged) => {
                    *known = merged;
                    true
                }
                None => false,
            }
        });
    }

    /// True if whatever `other` describes, this describes too.
    pub fn includes(&self, other: &Self) -> bool {
        let mut others = other.entries.iter().peekable();
        self.entries.iter().all(|(id, known)| {
            while others.next_if(|other| other.0 < *id).is_some() {}
            others.next_if(|other| other.0 == *id).is_some_and(|(_, other)| known.includes(other))
        })
    }
}

/// What is known of a part of a value. `None`: nothing.
pub(crate) fn part_of<'a>(shape: &'a Shape, parts: &[Part]) -> Option<&'a Known> {
    let found = parts.iter().try_fold(shape, |shape, part| match (shape, part) {
        (Shape::Record(fields), Part::Field(index)) => fields.get(*index as usize),
        (Shape::Array(element), Part::At(_) | Part::By(_) | Part::Each) => Some(&**element),
        _ => None,
    });
    if let Some(Shape::Scalar(known)) = found { Some(known) } else { None }
}
