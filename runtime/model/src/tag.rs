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
    /// Number of elements; 1 for a scalar.
    pub fn len(&self) -> u32 {
        self.array_len.unwrap_or(1)
    }

    /// Never true: a tag has at least one element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
                        let rounded = raw.round_ties_even();
                        // `as` saturates; NaN cannot get here, storing it into a tag is a fault.
                        let integer = (rounded as i64).clamp(low, high);
                        (integer.cast_unsigned(), rounded < low as f64 || rounded > high as f64)
                    }
                }
            }
        };
        field.write_bits(image, bits);
        saturated
    }
}
