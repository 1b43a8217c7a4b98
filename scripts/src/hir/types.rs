//! Types of values, and how they lie in memory.
//!
//! The rules are those of [`crate::layout`]: a state laid out from its type is the state laid out from its value.

use sensai_model::{ScalarType, Value};
use sensai_stdlib::registry::BlockType;
use std::{fmt, sync::Arc};

/// Type of an expression.
#[derive(Clone, Debug)]
pub enum Type {
    /// Something is wrong with it, and that was said: it fits everything, so that nothing is said twice.
    Unknown,
    /// Control does not come back: `return`, `break`, `fault("…")`.
    Never,
    /// No value: a statement, or a function without a result.
    Unit,
    /// One byte, 0 or 1.
    Bool,
    /// Eight bytes.
    I64,
    /// Eight bytes.
    F64,
    /// A text of at most [`crate::layout::SYMBOL_CAPACITY`] bytes: length, text, zeros.
    Symbol,
    /// Elements of one type.
    Array(Arc<ArrayType>),
    /// Named fields.
    Record(Arc<RecordType>),
    /// A function block; what its constructor was given is known when `init` was evaluated.
    Block(&'static BlockType),
    /// A handle of an axis.
    Axis,
}

/// Elements one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayType {
    /// Type of every element.
    pub element: Type,
    /// Number of elements, at least 1.
    pub len: u32,
}

/// Fields in ascending order of their names, each at the next multiple of its alignment.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordType {
    fields: Vec<RecordField>,
    size: u32,
    align: u32,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordField {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: Type,
    /// Bytes from the start of the record.
    pub offset: u32,
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown, Self::Unknown)
            | (Self::Never, Self::Never)
            | (Self::Unit, Self::Unit)
            | (Self::Bool, Self::Bool)
            | (Self::I64, Self::I64)
            | (Self::F64, Self::F64)
            | (Self::Symbol, Self::Symbol)
            | (Self::Axis, Self::Axis) => true,
            (Self::Array(a), Self::Array(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Record(a), Self::Record(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Block(a), Self::Block(b)) => a.name == b.name,
            _ => false,
        }
    }
}

impl Type {
    /// Of a scalar.
    pub const fn scalar(scalar: ScalarType) -> Self {
        match scalar {
            ScalarType::Bool => Self::Bool,
            ScalarType::I64 => Self::I64,
            ScalarType::F64 => Self::F64,
        }
    }

    /// Of a value.
    pub const fn of(value: Value) -> Self {
        Self::scalar(value.scalar_type())
    }

    /// An array of `len` elements.
    pub fn array(element: Self, len: u32) -> Self {
        Self::Array(Arc::new(ArrayType { element, len }))
    }

    /// A record of these fields, in any order; names are distinct.
    pub fn record(fields: Vec<(String, Self)>) -> Self {
        Self::Record(Arc::new(RecordType::new(fields)))
    }

    /// The scalar it is, if it is one.
    pub const fn as_scalar(&self) -> Option<ScalarType> {
        match self {
            Self::Bool => Some(ScalarType::Bool),
            Self::I64 => Some(ScalarType::I64),
            Self::F64 => Some(ScalarType::F64),
            _ => None,
        }
    }

    /// True for `i64` and `f64`.
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::I64 | Self::F64)
    }

    /// True for what is kept by address: arrays, records, blocks, handles.
    pub const fn is_composite(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Record(_) | Self::Block(_) | Self::Axis)
    }

    /// True for [`Type::Unknown`], and for what contains it.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Array(array) => array.element.is_unknown(),
            Self::Record(record) => record.fields.iter().any(|field| field.ty.is_unknown()),
            _ => false,
        }
    }

    /// True for blocks and handles, and for what contains one: it stays where `init` made it.
    pub fn holds_block(&self) -> bool {
        match self {
            Self::Block(_) | Self::Axis => true,
            Self::Array(array) => array.element.holds_block(),
            Self::Record(record) => record.fields.iter().any(|field| field.ty.holds_block()),
            _ => false,
        }
    }

    /// Bytes in memory; 0 for what has no value.
    pub fn size(&self) -> u32 {
        match self {
            Self::Unknown | Self::Never | Self::Unit => 0,
            Self::Bool => 1,
            Self::I64 | Self::F64 => 8,
            Self::Symbol => crate::layout::SYMBOL_SIZE,
            Self::Array(array) => array.element.size().saturating_mul(array.len),
            Self::Record(record) => record.size,
            Self::Block(block) => block.size as u32,
            Self::Axis => crate::axis::AxisHandle::SIZE,
        }
    }

    /// Alignment in bytes.
    pub fn align(&self) -> u32 {
        match self {
            Self::Unknown | Self::Never | Self::Unit | Self::Bool | Self::Symbol => 1,
            Self::I64 | Self::F64 => 8,
            Self::Array(array) => array.element.align(),
            Self::Record(record) => record.align,
            Self::Block(block) => block.align as u32,
            Self::Axis => crate::axis::AxisHandle::ALIGN,
        }
    }

    /// Values in it: scalars, symbols, blocks and handles, arrays and records themselves.
    pub fn values(&self) -> u64 {
        match self {
            Self::Array(array) => 1 + array.element.values().saturating_mul(array.len.into()),
            Self::Record(record) => 1 + record.fields.iter().map(|field| field.ty.values()).sum::<u64>(),
            _ => 1,
        }
    }
}

impl RecordType {
    /// Lay out fields given in any order.
    pub fn new(mut fields: Vec<(String, Type)>) -> Self {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut end, mut align) = (0_u32, 1_u32);
        let fields = fields
            .into_iter()
            .map(|(name, ty)| {
                let offset = end.next_multiple_of(ty.align().max(1));
                end = offset.saturating_add(ty.size());
                align = align.max(ty.align());
                RecordField { name, ty, offset }
            })
            .collect();
        Self { fields, size: end.next_multiple_of(align), align }
    }

    /// Fields, ascending by name.
    pub fn fields(&self) -> &[RecordField] {
        &self.fields
    }

    /// The field of this name and its index.
    pub fn field(&self, name: &str) -> Option<(u32, &RecordField)> {
        let index = self.fields.binary_search_by(|field| field.name.as_str().cmp(name)).ok()?;
        Some((index as u32, self.fields.get(index)?))
    }
}

/// As the cell language calls it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Never | Self::Unit => f.write_str("nothing"),
            Self::Bool => f.write_str("bool"),
            Self::I64 => f.write_str("i64"),
            Self::F64 => f.write_str("f64"),
            Self::Symbol => f.write_str("text"),
            Self::Array(array) => write!(f, "array of {} {}", array.len, array.element),
            Self::Record(record) => {
                f.write_str("#{ ")?;
                for (index, field) in record.fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {}", field.name, field.ty)?;
                }
                f.write_str(" }")
            }
            Self::Block(block) => f.write_str(block.name),
            Self::Axis => f.write_str("Axis"),
        }
    }
}
