//! Where values are kept while a program runs.

use super::{Datum, Evaluated, Evaluator, Frame};
use crate::{
    fault::{Raised, out_of_bounds},
    hir::{LocalId, Place, Root, Step},
};
use sensai_model::FaultCode;

/// A slot, and the way down in it.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(super) slot: usize,
    pub(super) path: Vec<usize>,
}

impl Reference {
    /// What is there.
    pub fn find<'d>(&self, slots: &'d [Datum]) -> Option<&'d Datum> {
        self.path.iter().try_fold(slots.get(self.slot)?, |datum, step| datum.part(*step))
    }
}

impl Evaluator<'_> {
    pub(super) fn set_local(&mut self, frame: &Frame<'_>, local: LocalId, value: Datum) {
        if let Some(slot) = self.slots.get_mut(frame.base + local.index()) {
            *slot = value;
        }
    }

    pub(super) fn get(&self, reference: &Reference) -> Option<&Datum> {
        reference.find(&self.slots)
    }

    pub(super) fn get_mut(&mut self, reference: &Reference) -> Option<&mut Datum> {
        let slot = self.slots.get_mut(reference.slot)?;
        reference.path.iter().try_fold(slot, |datum, step| datum.part_mut(*step))
    }

    /// Values of the indices of a path.
    pub(super) fn indices(&mut self, frame: &Frame<'_>, place: &Place) -> Evaluated<Vec<i64>> {
        let indices = place.path.iter().filter_map(|step| match step {
            Step::Index { index, .. } => Some(*index),
            Step::Field { .. } => None,
        });
        indices.map(|index| self.number(frame, index)).collect()
    }

    pub(super) fn reference(&mut self, frame: &Frame<'_>, place: &Place) -> Evaluated<Reference> {
        let indices = self.indices(frame, place)?;
        self.checked(frame, place, &indices)
    }

    /// The place, with indices that were evaluated before. What is no variable gets a slot of its own, until the call
    /// ends.
    pub(super) fn checked(
        &mut self,
        frame: &Frame<'_>,
        place: &Place,
        indices: &[i64],
    ) -> Evaluated<Reference> {
        let mut reference = match &place.root {
            Root::This => match &frame.this {
                Some(this) => this.clone(),
                None => return self.stuck(frame, place.span.start),
            },
            Root::Local(local) => Reference { slot: frame.base + local.index(), path: Vec::new() },
            Root::Constant(constant) => {
                let Some(value) = self.constants.get(constant.index()) else {
                    return self.stuck(frame, place.span.start);
                };
                let value = self.copy(frame, place.span.start, value)?;
                self.temporary(value)
            }
            Root::Value(value) => {
                let value = self.expr(frame, *value)?;
                self.temporary(value)
            }
        };
        let mut indices = indices.iter();
        for step in &place.path {
            let position = match step {
                Step::Field { index, .. } => *index as usize,
                Step::Index { len, at, .. } => {
                    let Some(index) = indices.next() else { return self.stuck(frame, *at) };
                    let len = *len as usize;
                    let from_start = if *index < 0 { index.saturating_add(len as i64) } else { *index };
                    match usize::try_from(from_start).ok().filter(|position| *position < len) {
                        Some(position) => position,
                        None => {
                            let text = out_of_bounds(*index, len);
                            return self.fault(frame, *at, Raised::new(FaultCode::IndexOutOfBounds, text));
                        }
                    }
                }
            };
            reference.path.push(position);
        }
        Ok(reference)
    }

    fn temporary(&mut self, value: Datum) -> Reference {
        self.slots.push(value);
        Reference { slot: self.slots.len() - 1, path: Vec::new() }
    }
}
