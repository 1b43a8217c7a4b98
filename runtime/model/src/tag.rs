//! Tags: named, typed values with unit and quality, bound to process data or to memory.

use crate::{BitField, RawType, ScalarType, Value, value::canonical};
use serde::{Deserialize, Serialize};

/// Where a tag's value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TagKind {
    /// Read from the input image (TxPDO).
    Input,
    /// Written to the output image (RxPDO).
    Output,
    /// Neither: kept by the runtime from cycle to cycle.
    Memory,
    /// A model's result, named `ai.<model>.<fact>`: set by the runtime at a cycle's edge, only read by programs, and not
    /// reached through `io.`.
    Model,
}

/// What an input shows while its sync unit is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnInvalid {
    /// The last valid value.
    Hold,
    /// A substitute value.
    Value(Value),
    /// The task faults.
    Fault,
}

/// What an output does while its task is faulted or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFault {
    /// Keep the last committed value.
    Hold,
    /// Take this value (`stop` in `cell.toml` is the type's zero).
    Value(Value),
}

/// What a write outside the range does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overflow {
    /// A fault at the line that wrote it.
    Fault,
    /// The nearest value in range, and a flag.
    Saturate,
}

/// `value = raw × factor + offset`, in the tag's unit. Scaled tags are `f64`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Units per digit; finite, not zero.
    pub factor: f64,
    /// Value at raw 0; finite.
    pub offset: f64,
}

/// A validated tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tag {
    /// Dotted name, as scripts write it behind `io.`.
    pub name: String,
    /// Earlier names, under which old logs bind.
    pub aliases: Vec<String>,
    /// Where it lives.
    pub kind: TagKind,
    /// Type of one element.
    pub scalar: ScalarType,
    /// `Some(n)`: an array of `n` elements.
    pub array_len: Option<u32>,
    /// Index of the first element in the [`crate::TagStore`].
    pub slot: u32,
    /// One field per element, in the image of its direction; empty for memory.
    pub fields: Vec<BitField>,
    /// Sync unit of each field (index into [`crate::Cell::sync_units`]); empty for memory.
    pub sync_units: Vec<u8>,
    /// `device.entry` of each element as written, for messages; empty for memory.
    pub bindings: Vec<String>,
    /// UCUM unit.
    pub unit: Option<String>,
    /// Scaling.
    pub scale: Option<Scale>,
    /// Smallest and largest legal value, inclusive, of the tag's type.
    pub range: Option<(Value, Value)>,
    /// Inputs only.
    pub on_invalid: OnInvalid,
    /// Outputs only.
    pub on_fault: OnFault,
    /// Outputs and memory.
    pub overflow: Overflow,
    /// Value before the first exchange, or of memory after a cold start.
    pub initial: Value,
    /// Free text.
    pub description: String,
}

impl Tag {
    /// A scalar that is bound to nothing: without unit, scaling and range, it begins with zero and has it in a fault.
    pub fn unbound(name: impl Into<String>, kind: TagKind, scalar: ScalarType, slot: u32) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            kind,
            scalar,
            array_len: None,
            slot,
            fields: Vec::new(),
            sync_units: Vec::new(),
            bindings: Vec::new(),
            unit: None,
            scale: None,
            range: None,
            on_invalid: OnInvalid::Hold,
            on_fault: OnFault::Value(scalar.zero()),
            overflow: Overflow::Fault,
            initial: scalar.zero(),
            description: String::new(),
        }
    }

    /// Number of elements; 1 for a scalar.
    pub fn len(&self) -> u32 {
        self.array_len.unwrap_or(1)
    }

    /// Never true: a tag has at least one element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if `value` is of the tag's type, finite, in its range, and fits what the element is bound to.
    pub fn admits(&self, element: u32, value: Value) -> bool {
        let fits = |field: &BitField| {
            // A field has at most 64 bits.
            let alone = BitField { bit_offset: 0, ..*field };
            !self.encode(&alone, value, &mut [0; 9])
        };
        element < self.len()
            && value.is_within(self.scalar, self.range)
            && self.fields.get(element as usize).is_none_or(fits)
    }

    /// Raw field to value. `None`: NaN or ±inf on the wire, which is invalid.
    pub fn decode(&self, field: &BitField, image: &[u8]) -> Option<Value> {
        let number = match field.raw {
            RawType::F32 => f64::from(f32::from_bits(field.read_bits(image) as u32)),
            RawType::F64 => f64::from_bits(field.read_bits(image)),
            _ if self.scalar == ScalarType::F64 => field.read_integer(image) as f64,
            _ if self.scalar == ScalarType::Bool => return Some(Value::Bool(field.read_bits(image) != 0)),
            _ => return Some(Value::I64(field.read_integer(image))),
        };
        let value = self.scale.map_or(number, |scale| number * scale.factor + scale.offset);
        value.is_finite().then_some(Value::F64(value))
    }

    /// Value to raw field: rounds half to even, saturates. True if it had to saturate.
    pub fn encode(&self, field: &BitField, value: Value, image: &mut [u8]) -> bool {
        let (bits, saturated) = match value {
            Value::Bool(value) => (u64::from(value), false),
            Value::I64(value) => {
                let (low, high) = field.integer_range();
                (value.clamp(low, high).cast_unsigned(), !(low..=high).contains(&value))
            }
            Value::F64(value) => {
                let raw = self.scale.map_or(value, |scale| (value - scale.offset) / scale.factor);
                match field.raw {
                    RawType::F64 => (canonical(raw).to_bits(), false),
                    RawType::F32 => {
                        let narrow = (raw as f32).clamp(f32::MIN, f32::MAX);
                        (u64::from(narrow.to_bits()), raw.is_finite() && (raw as f32).is_infinite())
                    }
                    _ => {
                        let (low, high) = field.integer_range();
                        // `as` saturates; NaN cannot get here, storing it into a tag is a fault. 128 bits, because
                        // as a float `i64::MAX` is one too large to be compared with.
                        let wide = raw.round_ties_even() as i128;
                        let held = wide.clamp(i128::from(low), i128::from(high));
                        (held as u64, held != wide)
                    }
                }
            }
        };
        field.write_bits(image, bits);
        saturated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(scalar: ScalarType, scale: Option<Scale>) -> Tag {
        Tag {
            name: "t".to_owned(),
            aliases: Vec::new(),
            kind: TagKind::Output,
            scalar,
            array_len: None,
            slot: 0,
            fields: Vec::new(),
            sync_units: Vec::new(),
            bindings: Vec::new(),
            unit: None,
            scale,
            range: None,
            on_invalid: OnInvalid::Hold,
            on_fault: OnFault::Hold,
            overflow: Overflow::Fault,
            initial: scalar.zero(),
            description: String::new(),
        }
    }

    fn field(raw: RawType, bit_len: u8) -> BitField {
        BitField { bit_offset: 3, bit_len, raw }
    }

    /// Raw value after encoding, and whether it was saturated.
    fn encoded(scalar: ScalarType, scale: Option<Scale>, field: BitField, value: Value) -> (i64, bool) {
        let mut image = [0; 12];
        let saturated = tag(scalar, scale).encode(&field, value, &mut image);
        (field.read_integer(&image), saturated)
    }

    fn integer_field() -> impl Strategy<Value = BitField> {
        (1..=64_u8, prop::bool::ANY)
            .prop_map(|(bits, signed)| field(if signed { RawType::Signed } else { RawType::Unsigned }, bits))
    }

    proptest! {
        /// Numbers of 256ths are exact in binary, so integer arithmetic says what half-to-even is.
        #[test]
        fn rounds_half_to_even_and_saturates(parts in -(1_i64 << 52)..(1_i64 << 52), field in integer_field()) {
            let (whole, rest) = (parts.div_euclid(256), parts.rem_euclid(256));
            let up = rest > 128 || (rest == 128 && whole % 2 != 0);
            let nearest = whole + i64::from(up);
            let (low, high) = field.integer_range();
            let expected = (nearest.clamp(low, high), !(low..=high).contains(&nearest));
            let value = Value::F64(parts as f64 / 256.0);
            prop_assert_eq!(encoded(ScalarType::F64, None, field, value), expected);
        }

        #[test]
        fn only_what_fits_is_admitted(value in prop_oneof![any::<i64>(), -300..300_i64], field in integer_field()) {
            let mut tag = Tag { fields: vec![field], ..tag(ScalarType::I64, None) };
            let (low, high) = field.integer_range();
            let fits = (low..=high).contains(&value);
            prop_assert_eq!(tag.admits(0, Value::I64(value)), fits);
            prop_assert!(!tag.admits(1, Value::I64(0)), "a scalar has one element");
            prop_assert!(!tag.admits(0, Value::Bool(true)) && !tag.admits(0, Value::F64(0.0)));
            tag.range = Some((Value::I64(-5), Value::I64(5)));
            prop_assert_eq!(tag.admits(0, Value::I64(value)), fits && (-5..=5).contains(&value));
        }

        #[test]
        fn integers_saturate(value: i64, field in integer_field()) {
            let (low, high) = field.integer_range();
            let expected = (value.clamp(low, high), !(low..=high).contains(&value));
            prop_assert_eq!(encoded(ScalarType::I64, None, field, Value::I64(value)), expected);
        }

        #[test]
        fn decode_undoes_encode(value in -30_000.0..30_000.0, factor in 1e-3..1e3, offset in -1e3..1e3) {
            let tag = tag(ScalarType::F64, Some(Scale { factor, offset }));
            let field = field(RawType::Signed, 48);
            let mut image = [0; 12];
            prop_assert!(!tag.encode(&field, Value::F64(value), &mut image));
            let Some(Value::F64(back)) = tag.decode(&field, &image) else { panic!("a scaled tag is f64") };
            prop_assert!((back - value).abs() <= factor * 0.5 + 1e-6, "{} {}", back, value);
            // What came from the wire goes back as it was: reading and writing does not creep.
            let mut again = [0; 12];
            tag.encode(&field, Value::F64(back), &mut again);
            prop_assert_eq!(image, again);
        }

        #[test]
        fn floats_keep_their_bits(value in prop::num::f64::NORMAL | prop::num::f64::ZERO) {
            let tag = tag(ScalarType::F64, None);
            let mut image = [0; 12];
            prop_assert!(!tag.encode(&field(RawType::F64, 64), Value::F64(value), &mut image));
            prop_assert_eq!(tag.decode(&field(RawType::F64, 64), &image), Some(Value::F64(value)));
        }

        #[test]
        fn singles_saturate_at_their_largest(value in prop::num::f64::NORMAL) {
            let tag = tag(ScalarType::F64, None);
            let mut image = [0; 12];
            let saturated = tag.encode(&field(RawType::F32, 32), Value::F64(value), &mut image);
            prop_assert_eq!(saturated, (value as f32).is_infinite());
            let Some(Value::F64(back)) = tag.decode(&field(RawType::F32, 32), &image) else { panic!("finite") };
            prop_assert_eq!(back, f64::from((value as f32).clamp(f32::MIN, f32::MAX)));
        }
    }

    #[test]
    fn ties_go_to_the_even_side() {
        let field = field(RawType::Signed, 16);
        for (value, expected) in
            [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (-2.5, -2), (3.4999, 3)]
        {
            assert_eq!(
                encoded(ScalarType::F64, None, field, Value::F64(value)),
                (expected, false),
                "{value}"
            );
        }
    }

    #[test]
    fn the_edge_of_64_bits_saturates() {
        let signed = field(RawType::Signed, 64);
        let edge = 9_223_372_036_854_775_808.0;
        assert_eq!(encoded(ScalarType::F64, None, signed, Value::F64(edge)), (i64::MAX, true));
        assert_eq!(encoded(ScalarType::F64, None, signed, Value::F64(-edge)), (i64::MIN, false));
        assert_eq!(encoded(ScalarType::F64, None, signed, Value::F64(f64::INFINITY)), (i64::MAX, true));
    }

    #[test]
    fn what_is_not_finite_on_the_wire_is_invalid() {
        let tag = tag(ScalarType::F64, None);
        for bits in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(f32::to_bits) {
            let mut image = [0; 12];
            field(RawType::F32, 32).write_bits(&mut image, u64::from(bits));
            assert_eq!(tag.decode(&field(RawType::F32, 32), &image), None);
        }
    }

    #[test]
    fn what_is_not_finite_is_not_admitted() {
        let tag = tag(ScalarType::F64, None);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!tag.admits(0, Value::F64(value)), "{value}");
        }
        assert!(tag.admits(0, Value::F64(-1e300)));
    }

    #[test]
    fn bools_are_any_bit_set() {
        let tag = tag(ScalarType::Bool, None);
        let field = field(RawType::Bool, 8);
        let mut image = [0; 12];
        assert_eq!(tag.decode(&field, &image), Some(Value::Bool(false)));
        field.write_bits(&mut image, 0x80);
        assert_eq!(tag.decode(&field, &image), Some(Value::Bool(true)));
        tag.encode(&field, Value::Bool(true), &mut image);
        assert_eq!(field.read_bits(&image), 1);
    }
}
