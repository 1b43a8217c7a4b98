//! Tags in a cycle: read, checked, staged.

use super::{Datum, Evaluated, Evaluator, Frame, Raised};
use crate::{
    fault::out_of_bounds,
    hir::{BinaryOperator, ExprId, TagPlace},
    layout::literal,
};
use sensai_model::{FaultCode, Tag, TagKind, Value, tag::Overflow};

impl<'a> Evaluator<'a> {
    /// Tags of the environment, then shafts.
    fn tag_of(&self, index: u32) -> Option<(&'a Tag, bool)> {
        let (tags, shafts) = (self.environment.tags, self.environment.role.shafts());
        let index = index as usize;
        let shaft = || Some((shafts.get(index.checked_sub(tags.len())?)?, true));
        tags.get(index).map(|tag| (tag, false)).or_else(shaft)
    }

    fn tag_name(tag: &Tag, shaft: bool) -> String {
        match (tag.kind, shaft) {
            (TagKind::Model, _) => tag.name.clone(),
            (_, true) => format!("axis.{}", tag.name),
            (_, false) => format!("io.{}", tag.name),
        }
    }

    /// The tag, and the slot of the element.
    fn element(&mut self, frame: &Frame<'_>, at: u32, place: &TagPlace) -> Evaluated<(&'a Tag, bool, u32)> {
        let Some((tag, shaft)) = self.tag_of(place.tag) else { return self.stuck(frame, at) };
        let Some(index) = place.index else { return Ok((tag, shaft, tag.slot)) };
        let index = self.number(frame, index)?;
        let from_start = if index < 0 { index.saturating_add(tag.len().into()) } else { index };
        match u32::try_from(from_start).ok().filter(|position| *position < tag.len()) {
            Some(position) => Ok((tag, shaft, tag.slot + position)),
            None => {
                let text =
                    format!("`{}`: {}", Self::tag_name(tag, shaft), out_of_bounds(index, tag.len() as usize));
                self.fault(frame, place.at, Raised::new(FaultCode::IndexOutOfBounds, text))
            }
        }
    }

    pub(super) fn tag(
        &mut self,
        frame: &Frame<'_>,
        at: u32,
        place: &TagPlace,
        quality: bool,
    ) -> Evaluated<Datum> {
        let (tag, _, slot) = self.element(frame, at, place)?;
        let store = &*self.world(frame, at)?.tags;
        let value = match (quality, place.index) {
            (false, _) => store.value(slot),
            (true, Some(_)) => Value::Bool(store.valid(slot)),
            (true, None) => Value::Bool((slot..slot + tag.len()).all(|slot| store.valid(slot))),
        };
        Ok(Datum::Scalar(value))
    }

    /// Elements of a tag, as they are now.
    pub(super) fn elements(&mut self, frame: &Frame<'_>, at: u32, tag: u32) -> Evaluated<Vec<Datum>> {
        let Some((tag, _)) = self.tag_of(tag) else { return self.stuck(frame, at) };
        let store = &*self.world(frame, at)?.tags;
        Ok((tag.slot..tag.slot + tag.len()).map(|slot| Datum::Scalar(store.value(slot))).collect())
    }

    pub(super) fn assign_tag(
        &mut self,
        frame: &Frame<'_>,
        at: u32,
        place: &TagPlace,
        operator: Option<BinaryOperator>,
        value: ExprId,
    ) -> Evaluated<()> {
        let value = self.expr(frame, value)?;
        let (tag, shaft, slot) = self.element(frame, at, place)?;
        let value = match operator {
            None => value,
            Some(operator) => {
                let old = Datum::Scalar(self.world(frame, at)?.tags.value(slot));
                self.binary(frame, at, operator, &old, &value)?
            }
        };
        let Some(value) = value.scalar() else { return self.stuck(frame, at) };
        match self.confined(tag, shaft, value) {
            Ok(value) => {
                self.world(frame, at)?.tags.write(slot, value);
                Ok(())
            }
            Err(raised) => self.fault(frame, at, raised),
        }
    }

    /// The value to be stored: finite, and in the tag's range.
    fn confined(&self, tag: &Tag, shaft: bool, value: Value) -> Result<Value, Raised> {
        let name = || Self::tag_name(tag, shaft);
        if let Value::F64(number) = value
            && !number.is_finite()
        {
            let text = format!("`{}` cannot be {number}; check the calculation with is_finite()", name());
            return Err(Raised::new(FaultCode::NotFinite, text));
        }
        let Some((low, high)) = tag.range else { return Ok(value) };
        let nearest = match (value, low, high) {
            (Value::I64(value), Value::I64(low), Value::I64(high)) => Value::I64(value.max(low).min(high)),
            (Value::F64(value), Value::F64(low), Value::F64(_)) if value < low => Value::F64(low),
            (Value::F64(value), Value::F64(_), Value::F64(high)) if value > high => Value::F64(high),
            (value, ..) => value,
        };
        if nearest == value || tag.overflow == Overflow::Saturate {
            return Ok(nearest);
        }
        let unit = tag.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
        let help = match self.environment.role.is_twin() {
            true => "limit it with clamp()",
            false => "limit it with clamp(), or give the tag overflow = \"saturate\"",
        };
        let (value, low, high) = (literal(value), literal(low), literal(high));
        let text = format!("`{}` = {value}{unit} is outside its range {low} to {high}{unit}; {help}", name());
        Err(Raised::new(FaultCode::OutOfRange, text))
    }
}
