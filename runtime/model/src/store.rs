//! The values of all tags in this cycle. Flat, sized once, no allocation afterwards.

use crate::{ScalarType, Tag, TagKind, Value, tag::OnInvalid};

/// One slot per tag element: value, quality, and the staged value of this run.
///
/// Values are kept as words ([`Value::to_bits`]), so that compiled programs reach them as the memory that they are.
#[derive(Clone, Debug)]
pub struct TagStore {
    /// What scripts read. Outputs and memory: the last committed value, or this run's own write.
    values: Box<[u64]>,
    /// What was committed at the end of the last successful run.
    committed: Box<[u64]>,
    types: Box<[ScalarType]>,
    valid: Box<[bool]>,
    /// Slots of inputs come first, see [`TagStore::new`].
    kinds: Box<[TagKind]>,
    /// Written in this run.
    written: Box<[bool]>,
}

/// Where a compiled program finds the tags: three arrays of [`RawTags::len`] elements, by slot.
///
/// Whoever writes through this keeps what [`TagStore::write`] promises: outputs and memory only, the slot's type, the
/// canonical NaN, and a mark for every slot that was written.
#[derive(Clone, Copy, Debug)]
pub struct RawTags {
    /// What scripts read, and what this run has written: a bool as 0 or 1, an `i64`, or the bits of an `f64`.
    pub values: *mut u64,
    /// Quality.
    pub valid: *const bool,
    /// Written in this run.
    pub written: *mut bool,
    /// Number of slots.
    pub len: usize,
}

impl TagStore {
    /// All tags at their initial values, inputs invalid.
    pub fn new(tags: &[Tag]) -> Self {
        let slots = tags.iter().map(|tag| tag.slot + tag.len()).max().unwrap_or(0) as usize;
        let mut values = vec![0; slots].into_boxed_slice();
        let mut types = vec![ScalarType::Bool; slots].into_boxed_slice();
        let mut kinds = vec![TagKind::Memory; slots].into_boxed_slice();
        for tag in tags {
            let range = tag.slot as usize..(tag.slot + tag.len()) as usize;
            values[range.clone()].fill(tag.initial.to_bits());
            types[range.clone()].fill(tag.initial.scalar_type());
            kinds[range].fill(tag.kind);
        }
        let valid = kinds.iter().map(|kind| *kind != TagKind::Input).collect();
        let written = vec![false; slots].into_boxed_slice();
        Self { committed: values.clone(), values, types, valid, kinds, written }
    }

    /// The value scripts see.
    pub fn value(&self, slot: u32) -> Value {
        Value::from_bits(self.types[slot as usize], self.values[slot as usize])
    }

    /// True if the value is good.
    pub fn valid(&self, slot: u32) -> bool {
        self.valid[slot as usize]
    }

    /// Set an input or a model's result, which no program writes; called by the exchange and where a result enters.
    pub fn set_input(&mut self, slot: u32, value: Value, valid: bool) {
        debug_assert!(matches!(self.kinds[slot as usize], TagKind::Input | TagKind::Model));
        self.restore(slot, value, valid);
    }

    /// Stage a write to an output or memory tag. The caller has checked type, range and direction.
    pub fn write(&mut self, slot: u32, value: Value) {
        debug_assert!(matches!(self.kinds[slot as usize], TagKind::Output | TagKind::Memory));
        debug_assert!(self.types[slot as usize] == value.scalar_type());
        self.values[slot as usize] = value.to_bits();
        self.written[slot as usize] = true;
    }

    /// Something was written to the slot in this run, if only the value it had.
    pub fn written(&self, slot: u32) -> bool {
        self.written[slot as usize]
    }

    /// The memory behind the tags, for a compiled program; good until the store moves or is changed otherwise.
    pub fn raw(&mut self) -> RawTags {
        RawTags {
            values: self.values.as_mut_ptr(),
            valid: self.valid.as_ptr(),
            written: self.written.as_mut_ptr(),
            len: self.values.len(),
        }
    }

    /// Take over what has taken effect in another store of the same tags; this run begins.
    pub fn begin_as(&mut self, other: &Self) {
        self.values.copy_from_slice(&other.committed);
        self.committed.copy_from_slice(&other.committed);
        self.valid.copy_from_slice(&other.valid);
        self.written.fill(false);
    }

    /// The run succeeded: its writes take effect.
    pub fn commit(&mut self) {
        self.committed.copy_from_slice(&self.values);
        self.written.fill(false);
    }

    /// The run failed: its writes are undone.
    pub fn roll_back(&mut self) {
        self.values.copy_from_slice(&self.committed);
        self.written.fill(false);
    }

    /// What takes effect outside.
    pub fn committed(&self, slot: u32) -> Value {
        Value::from_bits(self.types[slot as usize], self.committed[slot as usize])
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True if there are no tags at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Put a committed value in: from a keyframe, or from a run that wrote it into a store of its own.
    pub fn restore(&mut self, slot: u32, value: Value, valid: bool) {
        debug_assert!(self.types[slot as usize] == value.scalar_type());
        self.values[slot as usize] = value.to_bits();
        self.committed[slot as usize] = value.to_bits();
        self.valid[slot as usize] = valid;
    }

    /// Decode every element of `tag`; `unit_valid` says whether a sync unit's data is good.
    /// Returns false if an element is invalid and the tag says that this is a fault.
    pub fn load_input(&mut self, tag: &Tag, image: &[u8], unit_valid: u32) -> bool {
        let mut good = true;
        for (i, field) in tag.fields.iter().enumerate() {
            let slot = tag.slot + i as u32;
            let fresh =
                if unit_valid >> tag.sync_units[i] & 1 == 1 { tag.decode(field, image) } else { None };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BitField, RawType, ScalarType,
        tag::{OnFault, Overflow},
    };
    use proptest::prelude::*;

    fn tag(kind: TagKind, slot: u32, len: u32, initial: Value, on_invalid: OnInvalid) -> Tag {
        let fields = match kind {
            TagKind::Memory => Vec::new(),
            _ => {
                (0..len).map(|n| BitField { bit_offset: n * 16, bit_len: 16, raw: RawType::Signed }).collect()
            }
        };
        Tag {
            name: format!("t{slot}"),
            aliases: Vec::new(),
            kind,
            scalar: initial.scalar_type(),
            array_len: (len > 1).then_some(len),
            slot,
            sync_units: (0..fields.len()).map(|n| n as u8).collect(),
            bindings: vec![String::new(); fields.len()],
            fields,
            unit: None,
            scale: None,
            range: None,
            on_invalid,
            on_fault: OnFault::Hold,
            overflow: Overflow::Fault,
            initial,
            description: String::new(),
        }
    }

    fn tags() -> Vec<Tag> {
        vec![
            tag(TagKind::Input, 0, 2, Value::I64(7), OnInvalid::Hold),
            tag(TagKind::Output, 2, 1, Value::I64(1), OnInvalid::Hold),
            tag(TagKind::Memory, 3, 3, Value::F64(0.5), OnInvalid::Hold),
        ]
    }

    #[test]
    fn starts_at_initial_values_with_invalid_inputs() {
        let store = TagStore::new(&tags());
        assert_eq!(store.len(), 6);
        let values: Vec<Value> = (0..6).map(|slot| store.value(slot)).collect();
        let (i, f) = (Value::I64, Value::F64);
        assert_eq!(values, [i(7), i(7), i(1), f(0.5), f(0.5), f(0.5)]);
        assert_eq!(
            (0..6).map(|slot| store.valid(slot)).collect::<Vec<_>>(),
            [false, false, true, true, true, true]
        );
        assert!(TagStore::new(&[]).is_empty());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Write(u32, i64),
        Input(u32, i64),
        Commit,
        RollBack,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (2..6_u32, any::<i64>()).prop_map(|(slot, value)| Step::Write(slot, value)),
            2 => (0..2_u32, any::<i64>()).prop_map(|(slot, value)| Step::Input(slot, value)),
            1 => Just(Step::Commit),
            1 => Just(Step::RollBack),
        ]
    }

    proptest! {
        /// Against two plain lists: what is staged, and what has taken effect.
        #[test]
        fn writes_take_effect_at_commit_or_never(steps in prop::collection::vec(step(), 0..40)) {
            let mut store = TagStore::new(&tags());
            let mut staged: Vec<Value> = (0..6).map(|slot| store.value(slot)).collect();
            let mut effective = staged.clone();
            for step in steps {
                match step {
                    Step::Write(slot, value) => {
                        let value = if slot == 2 { Value::I64(value) } else { Value::F64(value as f64) };
                        store.write(slot, value);
                        staged[slot as usize] = value;
                    }
                    Step::Input(slot, value) => {
                        store.set_input(slot, Value::I64(value), true);
                        staged[slot as usize] = Value::I64(value);
                        effective[slot as usize] = Value::I64(value);
                    }
                    Step::Commit => {
                        store.commit();
                        effective.clone_from(&staged);
                    }
                    Step::RollBack => {
                        store.roll_back();
                        staged.clone_from(&effective);
                    }
                }
                for slot in 0..6 {
                    prop_assert_eq!(store.value(slot), staged[slot as usize]);
                    prop_assert_eq!(store.committed(slot), effective[slot as usize]);
                }
            }
        }
    }

    #[test]
    fn nan_is_stored_in_one_form_only() {
        let mut store = TagStore::new(&tags());
        store.write(3, Value::F64(f64::from_bits(0xfff8_0000_0000_1234)));
        let Value::F64(stored) = store.value(3) else { panic!("f64 stays f64") };
        assert_eq!(stored.to_bits(), crate::value::CANONICAL_NAN.to_bits());
    }

    #[test]
    fn invalid_inputs_do_what_their_tag_says() {
        let image = [5, 0, 6, 0];
        let load = |on_invalid, unit_valid| {
            let tag = tag(TagKind::Input, 0, 2, Value::I64(7), on_invalid);
            assert_eq!(tag.scalar, ScalarType::I64);
            let mut store = TagStore::new(std::slice::from_ref(&tag));
            let good = store.load_input(&tag, &image, unit_valid);
            let element = |slot| (store.value(slot), store.valid(slot));
            (good, element(0), element(1))
        };
        let i = Value::I64;
        // Element n belongs to sync unit n, so that a mask says which of the two are of this cycle.
        assert_eq!(load(OnInvalid::Hold, 0b11), (true, (i(5), true), (i(6), true)));
        assert_eq!(load(OnInvalid::Hold, 0b01), (true, (i(5), true), (i(7), false)));
        assert_eq!(load(OnInvalid::Value(i(9)), 0b10), (true, (i(9), false), (i(6), true)));
        assert_eq!(load(OnInvalid::Fault, 0b10), (false, (i(7), false), (i(6), true)));
        assert_eq!(load(OnInvalid::Fault, 0b11), (true, (i(5), true), (i(6), true)));
    }
}
