//! Forces: values that people put in the place of what the wire says of an input, or what programs say of anything else.
//!
//! - A forced *input* shows its value to programs, alarms and everything else that reads tags, and is valid. What the wire
//!   says goes on underneath: a device that is lost, or an input that faults when it is invalid, does so all the same.
//! - A forced *output* is staged with its value. Programs, alarms and rules go on with what programs have written. Where
//!   fault values are staged, in Stop and Fault, they are staged: a force is no way around them.
//! - A forced *memory* tag has its value whenever a run begins; what a run writes lasts until its end.
//!
//! When a force goes, an input shows the wire again, and an output what programs say; a memory tag keeps the value until
//! something is written to it.
//!
//! A force is a command: it comes through the inbox, is recorded, and stands in keyframes with what is underneath.

use super::KeyframeError;
use crate::keyframe::{Reader, Writer};
use sensai_model::{BitField, Cell, Tag, TagKind, TagStore, Value};

/// Elements of tags that may be forced at a time.
pub const FORCES_MAX: usize = 64;

/// Why a tag cannot be forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// It is a model's result: what judges parts is not to be talked into something.
    Model,
    /// It is an operator's button: a force would take it away from whoever stands at the machine.
    Operator,
    /// It is bound to the drive of the axis with this index, whose set-points and states are the axis's own.
    Drive(usize),
}

/// What keeps a tag from being forced, if anything does.
pub fn barred(cell: &Cell, tag: &Tag) -> Option<Barred> {
    if tag.kind == TagKind::Model {
        return Some(Barred::Model);
    }
    let operator = [cell.operator.start, cell.operator.reset, cell.operator.stop];
    if operator.into_iter().flatten().any(|slot| (tag.slot..tag.slot + tag.len()).contains(&slot)) {
        return Some(Barred::Operator);
    }
    let lies_in = |field: &BitField, axis: &sensai_model::cell::Axis| {
        let byte = field.bit_offset as usize / 8;
        cell.devices.get(usize::from(axis.device)).is_some_and(|device| match tag.kind {
            TagKind::Input => device.inputs.contains(&byte),
            _ => device.outputs.contains(&byte),
        })
    };
    let axis = cell.axes.iter().position(|axis| tag.fields.iter().any(|field| lies_in(field, axis)));
    axis.map(Barred::Drive)
}

/// An element of a tag that is forced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Force {
    /// Index of the tag.
    pub tag: u16,
    /// Which element; 0 for a scalar.
    pub element: u32,
    /// Its slot among the tags' values.
    pub slot: u32,
    /// The tag's kind.
    pub kind: TagKind,
    /// What it is forced to.
    pub value: Value,
    /// Of an input: what it would be.
    pub free: Value,
    /// Of an input: whether that would be valid.
    pub free_valid: bool,
}

impl Force {
    /// An empty place.
    pub const NONE: Self = Self {
        tag: 0,
        element: 0,
        slot: 0,
        kind: TagKind::Memory,
        value: Value::Bool(false),
        free: Value::Bool(false),
        free_valid: false,
    };
}

/// Bytes of a force in a keyframe: slot, value, what is underneath, and whether that is valid.
const SAVED_LEN: usize = 8 + 8 + 8 + 1;

/// All forces of a cell, by slot.
#[derive(Clone, Debug)]
pub struct Forces {
    places: Box<[Force]>,
    len: usize,
    /// By the cell's order of tags.
    may_be: Box<[bool]>,
}

impl Forces {
    /// None, and room for as many as there may be.
    pub fn new(cell: &Cell) -> Self {
        let may_be: Box<[bool]> = cell.tags.iter().map(|tag| barred(cell, tag).is_none()).collect();
        let elements = cell.tags.iter().zip(&may_be).filter(|(_, may_be)| **may_be);
        let elements = elements.fold(0_usize, |sum, (tag, _)| sum.saturating_add(tag.len() as usize));
        Self { places: vec![Force::NONE; elements.min(FORCES_MAX)].into(), len: 0, may_be }
    }

    /// What is forced, by slot.
    pub fn all(&self) -> &[Force] {
        self.places.get(..self.len).unwrap_or_default()
    }

    /// The force on a slot.
    pub fn of(&self, slot: u32) -> Option<&Force> {
        let all = self.all();
        all.get(all.binary_search_by_key(&slot, |force| force.slot).ok()?)
    }

    /// Take over those of another cycle of the same cell.
    pub fn copy_from(&mut self, other: &Self) {
        for (place, force) in self.places.iter_mut().zip(other.all()) {
            *place = *force;
        }
        self.len = other.len.min(self.places.len());
    }

    /// An entry `Force`. False if there is no such element, it may not be forced, its value cannot be, or there is no room.
    pub(super) fn force(&mut self, tags: &[Tag], store: &TagStore, [tag, bits, element]: [i64; 3]) -> bool {
        let (Ok(index), Ok(element)) = (u16::try_from(tag), u32::try_from(element)) else { return false };
        let may_be = self.may_be.get(usize::from(index)).copied().unwrap_or(false);
        let Some(tag) = tags.get(usize::from(index)).filter(|_| may_be) else { return false };
        let value = Value::from_bits(tag.scalar, bits.cast_unsigned());
        if !tag.admits(element, value) {
            return false;
        }
        let slot = tag.slot + element;
        let (free, free_valid) = (store.committed(slot), store.valid(slot));
        let place = self.all().binary_search_by_key(&slot, |force| force.slot);
        match place {
            Ok(place) => {
                if let Some(force) = self.places.get_mut(place) {
                    force.value = value;
                }
                true
            }
            Err(_) if self.len >= self.places.len() => false,
            Err(place) => {
                let force = Force { tag: index, element, slot, kind: tag.kind, value, free, free_valid };
                self.len += 1;
                if let Some(moved) = self.places.get_mut(place..self.len) {
                    moved.rotate_right(1);
                    if let Some(free) = moved.first_mut() {
                        *free = force;
                    }
                }
                true
            }
        }
    }

    /// An entry `Unforce`. False if nothing of that was forced; all forces may be none.
    pub(super) fn unforce(&mut self, store: &mut TagStore, [tag, element, _]: [i64; 3]) -> bool {
        let before = self.len;
        let mut kept = 0;
        for place in 0..before {
            let Some(force) = self.places.get(place).copied() else { break };
            let is_meant = tag < 0
                || i64::from(force.tag) == tag && (element < 0 || i64::from(force.element) == element);
            if is_meant {
                if force.kind == TagKind::Input {
                    store.restore(force.slot, force.free, force.free_valid);
                }
            } else if let Some(free) = self.places.get_mut(kept) {
                *free = force;
                kept += 1;
            }
        }
        self.len = kept;
        tag < 0 || kept < before
    }

    /// Before inputs are read: those that are forced are what they would be, so that what holds its last value holds that.
    pub(super) fn lift(&self, store: &mut TagStore) {
        for force in self.all().iter().filter(|force| force.kind == TagKind::Input) {
            store.restore(force.slot, force.free, force.free_valid);
        }
    }

    /// Behind it: keep what they would be, and show what they are forced to.
    pub(super) fn press(&mut self, store: &mut TagStore) {
        let len = self.len;
        for force in self.places.iter_mut().take(len).filter(|force| force.kind == TagKind::Input) {
            (force.free, force.free_valid) = (store.committed(force.slot), store.valid(force.slot));
            store.restore(force.slot, force.value, true);
        }
        self.keep(store);
    }

    /// Whenever writes have taken effect: memory has the value that it is forced to.
    pub(super) fn keep(&self, store: &mut TagStore) {
        for force in self.all().iter().filter(|force| force.kind == TagKind::Memory) {
            store.restore(force.slot, force.value, true);
        }
    }

    /// Over what programs have said of outputs. The values fit: they were admitted.
    pub(super) fn stage(&self, tags: &[Tag], image: &mut [u8]) {
        for force in self.all().iter().filter(|force| force.kind == TagKind::Output) {
            let tag = tags.get(usize::from(force.tag));
            if let Some((tag, field)) =
                tag.and_then(|tag| Some((tag, tag.fields.get(force.element as usize)?)))
            {
                tag.encode(field, force.value, image);
            }
        }
    }

    /// Bytes in a keyframe.
    pub(super) fn saved_len(&self) -> usize {
        8 + self.places.len() * SAVED_LEN
    }

    pub(super) fn save(&self, out: &mut Writer<'_>) {
        out.u64(self.len as u64);
        out.fill(self.places.len() * SAVED_LEN, |bytes| {
            bytes.fill(0);
            for (place, force) in bytes.chunks_exact_mut(SAVED_LEN).zip(self.all()) {
                let mut place = Writer::into(place);
                place.u64(force.slot.into());
                place.u64(force.value.to_bits());
                place.u64(force.free.to_bits());
                place.bytes(&[u8::from(force.free_valid)]);
            }
        });
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>, tags: &[Tag]) -> Result<(), KeyframeError> {
        let len = from.u64()?;
        self.len = 0;
        let is_room = usize::try_from(len).is_ok_and(|len| len <= self.places.len());
        if !is_room {
            return Err(KeyframeError::Number("number of forces", len));
        }
        for index in 0..self.places.len() {
            let (slot, value, free) = (from.u64()?, from.u64()?, from.u64()?);
            let [free_valid] = from.array::<1>()?;
            if index as u64 >= len {
                continue;
            }
            let force = self.read(tags, slot, value, free, free_valid != 0);
            let force = force.ok_or(KeyframeError::Number("forced element of a tag", slot))?;
            if let Some(place) = self.places.get_mut(index) {
                *place = force;
            }
            self.len = index + 1;
        }
        Ok(())
    }

    /// A force that was saved, if it can be the next one.
    fn read(&self, tags: &[Tag], slot: u64, value: u64, free: u64, free_valid: bool) -> Option<Force> {
        let slot = u32::try_from(slot).ok()?;
        let holds = |tag: &Tag| (tag.slot..tag.slot.saturating_add(tag.len())).contains(&slot);
        let index = tags.iter().position(holds).filter(|index| self.may_be.get(*index) == Some(&true))?;
        let tag = tags.get(index)?;
        let element = slot - tag.slot;
        let value = Value::from_bits(tag.scalar, value);
        let is_next = self.all().last().is_none_or(|last| last.slot < slot);
        let free = Value::from_bits(tag.scalar, free);
        (is_next && tag.admits(element, value)).then_some(Force {
            tag: u16::try_from(index).ok()?,
            element,
            slot,
            kind: tag.kind,
            value,
            free,
            free_valid,
        })
    }
}
