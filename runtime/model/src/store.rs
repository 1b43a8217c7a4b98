//! The values of all tags in this cycle. Flat, sized once, no allocation afterwards.

use crate::{Tag, TagKind, Value, tag::OnInvalid};

/// One slot per tag element: value, quality, and the staged value of this run.
#[derive(Clone, Debug)]
pub struct TagStore {
    /// What scripts read. Outputs and memory: the last committed value, or this run's own write.
    values: Box<[Value]>,
    /// What was committed at the end of the last successful run.
    committed: Box<[Value]>,
    valid: Box<[bool]>,
    /// Slots of inputs come first, see [`TagStore::new`].
    kinds: Box<[TagKind]>,
}

impl TagStore {
    /// All tags at their initial values, inputs invalid.
    pub fn new(tags: &[Tag]) -> Self {
        let slots = tags.iter().map(|tag| tag.slot + tag.len()).max().unwrap_or(0) as usize;
        let mut values = vec![Value::Bool(false); slots].into_boxed_slice();
        let mut kinds = vec![TagKind::Memory; slots].into_boxed_slice();
        for tag in tags {
            let range = tag.slot as usize..(tag.slot + tag.len()) as usize;
            values[range.clone()].fill(tag.initial);
            kinds[range].fill(tag.kind);
        }
        let valid = kinds.iter().map(|kind| *kind != TagKind::Input).collect();
        Self { committed: values.clone(), values, valid, kinds }
    }

    /// The value scripts see.
    pub fn value(&self, slot: u32) -> Value {
        self.values[slot as usize]
    }

    /// True if the value is good.
    pub fn valid(&self, slot: u32) -> bool {
        self.valid[slot as usize]
    }

    /// Set an input; called by the exchange only.
    pub fn set_input(&mut self, slot: u32, value: Value, valid: bool) {
        debug_assert!(self.kinds[slot as usize] == TagKind::Input);
        self.values[slot as usize] = value;
        self.committed[slot as usize] = value;
        self.valid[slot as usize] = valid;
    }

    /// Stage a write to an output or memory tag. The caller has checked type, range and direction.
    pub fn write(&mut self, slot: u32, value: Value) {
        debug_assert!(self.kinds[slot as usize] != TagKind::Input);
        debug_assert!(self.values[slot as usize].scalar_type() == value.scalar_type());
        self.values[slot as usize] = match value {
            Value::F64(number) => Value::F64(crate::value::canonical(number)),
            other => other,
        };
    }

    /// The run succeeded: its writes take effect.
    pub fn commit(&mut self) {
        self.committed.copy_from_slice(&self.values);
    }

    /// The run failed: its writes are undone.
    pub fn roll_back(&mut self) {
        self.values.copy_from_slice(&self.committed);
    }

    /// What takes effect outside.
    pub fn committed(&self, slot: u32) -> Value {
        self.committed[slot as usize]
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True if there are no tags at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Put a committed value back, from a keyframe.
    pub fn restore(&mut self, slot: u32, value: Value, valid: bool) {
        self.values[slot as usize] = value;
        self.committed[slot as usize] = value;
        self.valid[slot as usize] = valid;
    }

    /// Decode every element of `tag`; `unit_valid` says whether a sync unit's data is good.
    /// Returns false if an element is invalid and the tag says that this is a fault.
    pub fn load_input(&mut self, tag: &Tag, image: &[u8], unit_valid: u32) -> bool {
        let mut good = true;
        for (i, field) in tag.fields.iter().enumerate() {
            let slot = tag.slot + i as u32;
            let fresh = if unit_valid >> tag.sync_units[i] & 1 == 1 { tag.decode(field, image) } else { None };
            match (fresh, tag.on_invalid) {
                (Some(value), _) => self.set_input(slot, value, true),
                (None, OnInvalid::Hold) => self.set_input(slot, self.value(slot), false),
                (None, OnInvalid::Value(value)) => self.set_input(slot, value, false),
                (None, OnInvalid::Fault) => {
                    self.set_input(slot, self.value(slot), false);
                    good = false;
                }
            }
        }
        good
    }
}
