//! Values before the first cycle, and the state that is made of them.

use crate::{
    axis::AxisHandle,
    hir::{FileId, Span, Type},
    layout::{BlockShape, Field, Layout, SYMBOL_SIZE, Shape, symbol, write_symbol},
};
use sensai_model::{Value, value::canonical};
use sensai_stdlib::{BlockError, registry::BlockType};
use std::sync::Arc;

/// Where a block or handle was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Origin {
    pub file: FileId,
    pub span: Span,
}

impl Origin {
    /// Of what is not made by a program's text at hand.
    pub const NONE: Self = Self { file: FileId(0), span: Span::new(0, 0) };
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum {
    /// None.
    Unit,
    Scalar(Value),
    Symbol(Arc<str>),
    Array(Vec<Self>),
    /// In the order of the type's fields.
    Record(Vec<Self>),
    Block(Box<Block>),
    /// A handle of an axis.
    Axis(Box<AxisHandle>, Origin),
}

/// A block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub of: &'static BlockType,
    pub arguments: Arc<[Value]>,
    pub bytes: Box<[u8]>,
    pub origin: Origin,
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.of.name == other.of.name && self.arguments == other.arguments && self.bytes == other.bytes
    }
}

impl Block {
    pub fn new(of: &'static BlockType, arguments: &[Value], origin: Origin) -> Result<Self, BlockError> {
        let mut bytes = vec![0; of.size].into_boxed_slice();
        of.construct(&mut bytes, arguments)?;
        Ok(Self { of, arguments: arguments.into(), bytes, origin })
    }

    /// As a program constructs it.
    pub fn describe(&self) -> String {
        self.shape().describe()
    }

    fn shape(&self) -> BlockShape {
        BlockShape {
            block: self.of.name.to_owned(),
            arguments: self.arguments.to_vec(),
            size: self.of.size as u32,
            align: self.of.align as u32,
        }
    }
}

impl Datum {
    /// The scalar it is, if it is one.
    pub fn scalar(&self) -> Option<Value> {
        match self {
            Self::Scalar(value) => Some(*value),
            _ => None,
        }
    }

    /// Values in it, itself included.
    pub fn values(&self) -> u64 {
        match self {
            Self::Array(parts) | Self::Record(parts) => 1 + parts.iter().map(Self::values).sum::<u64>(),
            _ => 1,
        }
    }

    pub fn part(&self, index: usize) -> Option<&Self> {
        match self {
            Self::Array(parts) | Self::Record(parts) => parts.get(index),
            _ => None,
        }
    }

    pub fn part_mut(&mut self, index: usize) -> Option<&mut Self> {
        match self {
            Self::Array(parts) | Self::Record(parts) => parts.get_mut(index),
            _ => None,
        }
    }

    /// What [`Datum::write`] wrote. What blocks were constructed with is not in the bytes. `None`: they hold no such value.
    pub fn read(ty: &Type, bytes: &[u8]) -> Option<Self> {
        let word = || Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?));
        Some(match ty {
            Type::Bool => Self::Scalar(Value::Bool(*bytes.first()? != 0)),
            Type::I64 => Self::Scalar(Value::I64(word()?.cast_signed())),
            Type::F64 => Self::Scalar(Value::F64(f64::from_bits(word()?))),
            Type::Symbol => Self::Symbol(symbol(bytes.get(..SYMBOL_SIZE as usize)?)?.into()),
            Type::Array(array) => {
                let size = array.element.size() as usize;
                let part = |index: usize| Self::read(&array.element, bytes.get(index * size..)?);
                Self::Array((0..array.len as usize).map(part).collect::<Option<_>>()?)
            }
            Type::Record(record) => {
                let part = |field: &crate::hir::RecordField| {
                    Self::read(&field.ty, bytes.get(field.offset as usize..)?)
                };
                Self::Record(record.fields().iter().map(part).collect::<Option<_>>()?)
            }
            Type::Block(of) => {
                let bytes = bytes.get(..of.size)?.into();
                Self::Block(Box::new(Block { of, arguments: Arc::default(), bytes, origin: Origin::NONE }))
            }
            Type::Axis => {
                let handle = AxisHandle::from_bytes(bytes.get(..AxisHandle::SIZE as usize)?)?;
                Self::Axis(Box::new(handle), Origin::NONE)
            }
            Type::Unknown | Type::Never | Type::Unit => return None,
        })
    }

    /// Every handle in it.
    pub fn handles(&mut self, visit: &mut impl FnMut(&mut AxisHandle)) {
        match self {
            Self::Array(parts) | Self::Record(parts) => {
                for part in parts {
                    part.handles(visit);
                }
            }
            Self::Axis(handle, _) => visit(handle),
            Self::Unit | Self::Scalar(_) | Self::Symbol(_) | Self::Block(_) => {}
        }
    }

    /// Every block and handle in it, in the order of the layout.
    pub fn origins(&self, visit: &mut impl FnMut(&Self, Origin)) {
        match self {
            Self::Array(parts) | Self::Record(parts) => {
                for part in parts {
                    part.origins(visit);
                }
            }
            Self::Block(block) => visit(self, block.origin),
            Self::Axis(_, origin) => visit(self, *origin),
            Self::Unit | Self::Scalar(_) | Self::Symbol(_) => {}
        }
    }

    /// Write it where its type says; all other bytes are zero already.
    pub fn write(&self, ty: &Type, bytes: &mut [u8]) {
        match (self, ty) {
            (Self::Scalar(Value::Bool(value)), _) => {
                if let Some(byte) = bytes.first_mut() {
                    *byte = u8::from(*value);
                }
            }
            (Self::Scalar(Value::I64(value)), _) => put(bytes, &value.to_le_bytes()),
            (Self::Scalar(Value::F64(value)), _) => put(bytes, &canonical(*value).to_bits().to_le_bytes()),
            (Self::Symbol(text), _) => write_symbol(text, bytes),
            (Self::Array(parts), Type::Array(array)) => {
                let size = (array.element.size() as usize).max(1);
                for (part, bytes) in parts.iter().zip(bytes.chunks_mut(size)) {
                    part.write(&array.element, bytes);
                }
            }
            (Self::Record(parts), Type::Record(record)) => {
                for (part, field) in parts.iter().zip(record.fields()) {
                    let start = field.offset as usize;
                    if let Some(bytes) = bytes.get_mut(start..start + field.ty.size() as usize) {
                        part.write(&field.ty, bytes);
                    }
                }
            }
            (Self::Block(block), _) => put(bytes, &block.bytes),
            (Self::Axis(handle, _), _) => put(bytes, handle.bytes()),
            (Self::Unit | Self::Array(_) | Self::Record(_), _) => {}
        }
    }
}

fn put(bytes: &mut [u8], value: &[u8]) {
    if let Some(bytes) = bytes.get_mut(..value.len()) {
        bytes.copy_from_slice(value);
    }
}

/// The bytes of a first state.
pub(crate) fn first_arena(state: &Datum, ty: &Type, layout: &Layout) -> Box<[u8]> {
    let mut arena = vec![0; layout.size()].into_boxed_slice();
    state.write(ty, &mut arena);
    arena
}

/// The shape of a value of a type; `None` if it cannot be part of a state.
///
/// Elements of an array have the shape of the first: see [`different`].
pub(crate) fn shape(value: &Datum, ty: &Type) -> Option<Shape> {
    Some(match (value, ty) {
        (_, Type::Bool) => Shape::Bool,
        (_, Type::I64) => Shape::I64,
        (_, Type::F64) => Shape::F64,
        (_, Type::Symbol) => Shape::Symbol,
        (_, Type::Axis) => Shape::Axis,
        (Datum::Block(block), Type::Block(_)) => Shape::Block(block.shape()),
        (Datum::Array(parts), Type::Array(array)) => {
            let element = Box::new(shape(parts.first()?, &array.element)?);
            Shape::Array { element, len: array.len }
        }
        (Datum::Record(_), Type::Record(_)) => Shape::Record { fields: fields(value, ty)? },
        _ => return None,
    })
}

fn fields(value: &Datum, ty: &Type) -> Option<Vec<Field>> {
    let (Datum::Record(parts), Type::Record(record)) = (value, ty) else { return None };
    let field = |(part, field): (&Datum, &crate::hir::RecordField)| {
        let shape = shape(part, &field.ty)?;
        Some(Field { name: field.name.clone(), offset: field.offset, retained: false, shape })
    };
    parts.iter().zip(record.fields()).map(field).collect()
}

/// A block in an array that was made with other arguments than its counterpart in the first element: both.
pub(crate) fn different(value: &Datum) -> Option<(&Block, &Block)> {
    fn differ<'d>(first: &'d Datum, other: &'d Datum) -> Option<(&'d Block, &'d Block)> {
        match (first, other) {
            (Datum::Block(first), Datum::Block(other)) => {
                (first.arguments != other.arguments).then_some((&**first, &**other))
            }
            (Datum::Array(first), Datum::Array(other)) | (Datum::Record(first), Datum::Record(other)) => {
                first.iter().zip(other).find_map(|(first, other)| differ(first, other))
            }
            _ => None,
        }
    }
    let parts = match value {
        Datum::Array(parts) | Datum::Record(parts) => parts,
        _ => return None,
    };
    if let Some(found) = parts.iter().find_map(different) {
        return Some(found);
    }
    match (value, parts.split_first()) {
        (Datum::Array(_), Some((first, rest))) => rest.iter().find_map(|other| differ(first, other)),
        _ => None,
    }
}
