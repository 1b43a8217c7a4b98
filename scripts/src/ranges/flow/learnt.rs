//! What is learnt of operands and taken back a moment later, without a copy of all that is known.
//!
//! Conditions are made of many parts, and what one part says holds only where the next one is asked. Between a mark and its end
//! nothing is evaluated but expressions without effects: all that changes is what is known of single places.

use super::Flow;
use crate::ranges::{paths::PathId, value::Known};

/// What was known of places before something was learnt of them, the latest last.
#[derive(Default)]
pub(super) struct Learnt {
    before: Vec<(PathId, Option<Known>)>,
    /// Marks that are not at their end.
    marks: usize,
}

/// A point to come back to.
pub(super) struct Mark(usize);

impl Flow<'_, '_> {
    /// Remember this point, until [`Flow::take_back`] or [`Flow::join_learnt`].
    pub(super) fn mark(&mut self) -> Mark {
        self.learnt.marks += 1;
        Mark(self.learnt.before.len())
    }

    /// Know this of a place, or nothing.
    pub(super) fn know(&mut self, id: PathId, known: Option<Known>) {
        if self.learnt.marks > 0 {
            self.learnt.before.push((id, self.state.get(id).cloned()));
        }
        self.put(id, known);
    }

    fn put(&mut self, id: PathId, known: Option<Known>) {
        match known {
            Some(known) => self.state.set(id, known),
            None => self.state.remove(id),
        }
    }

    /// Be back at a point, which was reached.
    pub(super) fn take_back(&mut self, mark: Mark) {
        while self.learnt.before.len() > mark.0
            && let Some((id, before)) = self.learnt.before.pop()
        {
            self.put(id, before);
        }
        self.learnt.marks -= 1;
        self.alive = true;
    }

    /// What is known of the places that something was learnt of since a point, each once.
    pub(super) fn learnt_since(&self, mark: &Mark) -> Vec<(PathId, Option<Known>)> {
        let ids = self.before_since(mark).into_iter().map(|(id, _)| id);
        ids.map(|id| (id, self.state.get(id).cloned())).collect()
    }

    /// Places that something was learnt of since a point, each once by ascending number, and what was known of them there.
    fn before_since(&self, mark: &Mark) -> Vec<(PathId, Option<Known>)> {
        let mut before = self.learnt.before.get(mark.0..).unwrap_or_default().to_vec();
        // The sort keeps the order of what is of one place: the first is what was known at the point.
        before.sort_by_key(|(id, _)| *id);
        before.dedup_by_key(|(id, _)| *id);
        before
    }

    /// Go on from here, and from where the same point led to with `other` learnt; none: nowhere.
    pub(super) fn join_learnt(&mut self, mark: Mark, other: Option<Vec<(PathId, Option<Known>)>>) {
        match other {
            Some(other) if self.alive => {
                let before = self.before_since(&mark);
                let at_point = |id: PathId| {
                    let found = before.binary_search_by_key(&id, |(id, _)| *id).ok()?;
                    before.get(found).map(|(_, known)| known.clone())
                };
                let there = |id: PathId| {
                    let found = other.binary_search_by_key(&id, |(id, _)| *id).ok()?;
                    other.get(found).map(|(_, known)| known.clone())
                };
                let mut ids: Vec<PathId> = before.iter().chain(&other).map(|(id, _)| *id).collect();
                ids.sort_unstable();
                ids.dedup();
                for id in ids {
                    let here = self.state.get(id).cloned();
                    // Of a place that nothing was learnt of there, the same is known there as at the point.
                    let there = there(id).or_else(|| at_point(id)).flatten();
                    let both = here.zip(there).and_then(|(here, there)| here.join(&there));
                    self.know(id, both);
                }
            }
            Some(other) => {
                let marks = self.learnt.marks;
                self.take_back(mark);
                self.learnt.marks = marks;
                for (id, known) in other {
                    self.know(id, known);
                }
            }
            None => {}
        }
        self.learnt.marks -= 1;
        if self.learnt.marks == 0 {
            self.learnt.before.clear();
        }
    }
}
