//! Names, types and offsets of a program's state.
//!
//! The state is one flat byte arena, little endian, laid out like this:
//!
//! - The fields of a record stand in ascending order of their names (compared byte by byte), each at the next
//!   multiple of its alignment. A record's size is rounded up to its alignment.
//! - `bool` is one byte (0 or 1), `i64` and `f64` are eight bytes aligned to eight; a NaN is the canonical one.
//! - A symbol is [`SYMBOL_SIZE`] bytes: its length, its text in UTF-8, zeros.
//! - An array is its elements one after the other.
//! - A block is its `#[repr(C)]` struct, see `sensai_stdlib::registry`; the handle of an axis is [`AxisHandle`].
//! - All padding is zero, so equal states are equal bytes.

use crate::axis::AxisHandle;
use sensai_model::{ScalarType, Value};
use sensai_stdlib::registry;
use serde::{Deserialize, Serialize};
use std::{fmt::Write, ops::Range};

/// Bytes of the longest symbol.
pub const SYMBOL_CAPACITY: usize = 63;

/// Bytes a symbol takes in the arena.
pub const SYMBOL_SIZE: u32 = SYMBOL_CAPACITY as u32 + 1;

/// Name of the top-level record whose values outlive a cold start.
pub const RETAIN: &str = "retain";

/// The shape of a program's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    fields: Vec<Field>,
    size: u32,
}

/// A named part of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Name as the program writes it.
    pub name: String,
    /// Bytes from the start of the record.
    pub offset: u32,
    /// True for the top-level record [`RETAIN`]: its values outlive a cold start.
    pub retained: bool,
    /// Type.
    pub shape: Shape,
}

/// Type of a part of the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// One byte.
    Bool,
    /// Eight bytes.
    I64,
    /// Eight bytes.
    F64,
    /// A text of at most [`SYMBOL_CAPACITY`] bytes.
    Symbol,
    /// `len` elements of one shape.
    Array {
        /// Shape of every element.
        element: Box<Shape>,
        /// Number of elements, at least 1.
        len: u32,
    },
    /// Named fields, ascending by name.
    Record {
        /// The fields.
        fields: Vec<Field>,
    },
    /// A function block.
    Block(BlockShape),
    /// The handle of an axis. Which one is part of the state, so that an array can hold handles of several.
    Axis,
}

/// Type of a function block instance; the constructor's arguments are part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockShape {
    /// Name of the block, such as `TON`.
    pub block: String,
    /// What the constructor was called with.
    pub arguments: Vec<Value>,
    /// Bytes.
    pub size: u32,
    /// Alignment in bytes.
    pub align: u32,
}

/// Where a part of the state lies.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Bytes from the start of the arena: of the part itself, or of the block whose pin is meant.
    pub offset: usize,
    /// Type of what lies there.
    pub shape: &'a Shape,
    /// The pin that is meant, if `shape` is a block or a handle and the path goes on.
    pub pin: Option<Pin>,
}

/// Part of a block or handle.
#[derive(Clone, Copy, Debug)]
pub enum Pin {
    /// Of a block.
    Block(&'static registry::Pin),
    /// Of the handle of an axis; only what the handle itself keeps.
    Axis(&'static str),
}

/// What a part of the state holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A scalar, or a pin.
    Scalar(Value),
    /// A symbol.
    Symbol(String),
}

/// A scalar, a symbol or a block of the state, with its full path.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf<'a> {
    /// Path below `this`, such as `stations[2].settle`.
    pub path: String,
    /// Bytes from the start of the arena.
    pub offset: usize,
    /// Its type: neither an array nor a record.
    pub shape: &'a Shape,
}

impl Layout {
    /// Lay out a record of these named shapes.
    pub fn new(fields: Vec<(String, Shape)>) -> Self {
        let mut fields = place(fields);
        for field in &mut fields {
            field.retained = field.name == RETAIN && matches!(field.shape, Shape::Record { .. });
        }
        let size = record_size(&fields);
        Self { fields, size }
    }

    /// Bytes of the arena.
    pub fn size(&self) -> usize {
        self.size as usize
    }

    /// Top-level fields, ascending by name.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The bytes that outlive a cold start, if the program has a record [`RETAIN`].
    pub fn retained(&self) -> Option<Range<usize>> {
        let field = self.fields.iter().find(|field| field.retained)?;
        let start = field.offset as usize;
        Some(start..start + field.shape.size() as usize)
    }

    /// The layout as one line of text: names, types, block arguments, offsets. Equal layouts have equal texts.
    pub fn signature(&self) -> String {
        let mut text = String::new();
        sign_fields(&self.fields, &mut text);
        text
    }

    /// XXH3-64 of the [`Layout::signature`].
    pub fn hash(&self) -> u64 {
        twox_hash::XxHash3_64::oneshot(self.signature().as_bytes())
    }

    /// Where the field of a path such as `this.stations[2].settle.Q` lies, and its type; `this.` may be left out.
    /// `None`: there is no such field.
    pub fn lookup(&self, path: &str) -> Option<Place<'_>> {
        let path = path.strip_prefix("this.").unwrap_or(path);
        let mut steps = steps(path)?.into_iter();
        let Some(Step::Name(first)) = steps.next() else { return None };
        let field = find(&self.fields, first)?;
        let mut offset = field.offset as usize;
        let mut shape = &field.shape;
        while let Some(step) = steps.next() {
            match (step, shape) {
                (Step::Name(name), Shape::Record { fields }) => {
                    let field = find(fields, name)?;
                    offset += field.offset as usize;
                    shape = &field.shape;
                }
                (Step::Index(index), Shape::Array { element, len }) => {
                    if index >= *len as usize {
                        return None;
                    }
                    offset += index * element.size() as usize;
                    shape = element;
                }
                (Step::Name(name), Shape::Block(block)) => {
                    let pin = Pin::Block(registry::find(&block.block)?.pin(name)?);
                    return steps.next().is_none().then_some(Place { offset, shape, pin: Some(pin) });
                }
                (Step::Name(name), Shape::Axis) => {
                    let name = registry::AXIS.property(name)?.name;
                    AxisHandle::new(0).stored(name)?;
                    let pin = Pin::Axis(name);
                    return steps.next().is_none().then_some(Place { offset, shape, pin: Some(pin) });
                }
                _ => return None,
            }
        }
        Some(Place { offset, shape, pin: None })
    }

    /// The value of a scalar, a symbol or a pin in an arena of this layout.
    /// `None`: no such path, or it leads to an array, a record or a whole block.
    pub fn read(&self, arena: &[u8], path: &str) -> Option<Reading> {
        let place = self.lookup(path)?;
        let bytes = arena.get(place.offset..)?.get(..place.shape.size() as usize)?;
        match place.pin {
            Some(Pin::Block(pin)) => return Some(Reading::Scalar(pin.get(bytes))),
            Some(Pin::Axis(name)) => {
                return Some(Reading::Scalar(AxisHandle::from_bytes(bytes)?.stored(name)?));
            }
            None => {}
        }
        place.shape.read(bytes)
    }

    /// Every scalar, symbol and block, in the order of the arena.
    pub fn leaves(&self) -> Vec<Leaf<'_>> {
        let mut leaves = Vec::new();
        for field in &self.fields {
            collect(&field.shape, field.name.clone(), field.offset as usize, &mut leaves);
        }
        leaves
    }

    /// What differs from `self` to `new`, one sentence a field; empty if nothing does.
    pub fn diff(&self, new: &Self) -> Vec<String> {
        let mut words = Vec::new();
        diff_fields(&self.fields, &new.fields, "", &mut words);
        words
    }

    /// Number of values in the state: the measure of what copying or checking it costs.
    pub fn values(&self) -> u64 {
        self.fields.iter().map(|field| field.shape.values()).sum()
    }
}

impl Shape {
    /// A record of these named shapes.
    pub fn record(fields: Vec<(String, Self)>) -> Self {
        Self::Record { fields: place(fields) }
    }

    /// The shape of a scalar.
    pub const fn scalar(scalar: ScalarType) -> Self {
        match scalar {
            ScalarType::Bool => Self::Bool,
            ScalarType::I64 => Self::I64,
            ScalarType::F64 => Self::F64,
        }
    }

    /// The value of a scalar or a symbol that these bytes hold. `None`: they hold none, or the shape is another one.
    pub fn read(&self, bytes: &[u8]) -> Option<Reading> {
        Some(match self {
            Self::Bool => Reading::Scalar(Value::Bool(*bytes.first()? != 0)),
            Self::I64 => Reading::Scalar(Value::I64(i64::from_le_bytes(bytes.try_into().ok()?))),
            Self::F64 => Reading::Scalar(Value::F64(f64::from_le_bytes(bytes.try_into().ok()?))),
            Self::Symbol => Reading::Symbol(symbol(bytes)?.to_owned()),
            Self::Array { .. } | Self::Record { .. } | Self::Block(_) | Self::Axis => return None,
        })
    }

    /// Bytes in the arena.
    pub fn size(&self) -> u32 {
        match self {
            Self::Bool => 1,
            Self::I64 | Self::F64 => 8,
            Self::Symbol => SYMBOL_SIZE,
            Self::Array { element, len } => element.size().saturating_mul(*len),
            Self::Record { fields } => record_size(fields),
            Self::Block(block) => block.size,
            Self::Axis => AxisHandle::SIZE,
        }
    }

    /// Alignment in bytes.
    pub fn align(&self) -> u32 {
        match self {
            Self::Bool | Self::Symbol => 1,
            Self::I64 | Self::F64 => 8,
            Self::Array { element, .. } => element.align(),
            Self::Record { fields } => record_align(fields),
            Self::Block(block) => block.align.max(1),
            Self::Axis => AxisHandle::ALIGN,
        }
    }

    /// The type in words: `f64`, `array of 4 TON()`, `record {good, bad}`.
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::I64 => "i64".to_owned(),
            Self::F64 => "f64".to_owned(),
            Self::Symbol => "text".to_owned(),
            Self::Array { element, len } => format!("array of {len} {}", element.describe()),
            Self::Record { fields } => {
                let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                format!("record {{{}}}", names.join(", "))
            }
            Self::Block(block) => block.describe(),
            Self::Axis => registry::AXIS.name.to_owned(),
        }
    }

    /// True if a block or a handle is in there.
    pub fn holds_block(&self) -> bool {
        match self {
            Self::Block(_) | Self::Axis => true,
            Self::Array { element, .. } => element.holds_block(),
            Self::Record { fields } => fields.iter().any(|field| field.shape.holds_block()),
            _ => false,
        }
    }

    /// Number of values in it: 1 for a scalar, a symbol, a block or a handle.
    pub fn values(&self) -> u64 {
        match self {
            Self::Array { element, len } => 1 + element.values().saturating_mul(u64::from(*len)),
            Self::Record { fields } => 1 + fields.iter().map(|field| field.shape.values()).sum::<u64>(),
            _ => 1,
        }
    }
}

impl BlockShape {
    /// As a program constructs it: `TON()`, `PID(1.2, 0.4)`.
    pub fn describe(&self) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(|value| literal(*value)).collect();
        format!("{}({})", self.block, arguments.join(", "))
    }
}

/// A value as a program writes it; an `f64` always shows that it is one.
pub(crate) fn literal(value: Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::F64(value) => format!("{value:?}"),
    }
}

/// The text of a symbol's [`SYMBOL_SIZE`] bytes; `None` if they hold none.
pub(crate) fn symbol(bytes: &[u8]) -> Option<&str> {
    let (len, rest) = bytes.split_first()?;
    let (text, padding) = rest.split_at_checked(usize::from(*len))?;
    if padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    str::from_utf8(text).ok()
}

/// A text into the bytes of a symbol; what does not fit is cut off.
pub(crate) fn write_symbol(text: &str, bytes: &mut [u8]) {
    bytes.fill(0);
    if let Some((len, rest)) = bytes.split_first_mut() {
        let used = text.len().min(rest.len());
        *len = used as u8;
        rest[..used].copy_from_slice(&text.as_bytes()[..used]);
    }
}

fn place(mut named: Vec<(String, Shape)>) -> Vec<Field> {
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let mut end = 0_u32;
    named
        .into_iter()
        .map(|(name, shape)| {
            let offset = end.checked_next_multiple_of(shape.align()).unwrap_or(u32::MAX);
            end = offset.saturating_add(shape.size());
            Field { name, offset, retained: false, shape }
        })
        .collect()
}

fn record_align(fields: &[Field]) -> u32 {
    fields.iter().map(|field| field.shape.align()).max().unwrap_or(1)
}

fn record_size(fields: &[Field]) -> u32 {
    let end = fields.last().map_or(0, |field| field.offset.saturating_add(field.shape.size()));
    end.checked_next_multiple_of(record_align(fields)).unwrap_or(u32::MAX)
}

fn find<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field.name == name)
}

fn sign_fields(fields: &[Field], text: &mut String) {
    text.push('{');
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            text.push(' ');
        }
        let _ = write!(text, "{}@{}:", field.name, field.offset);
        sign(&field.shape, text);
    }
    text.push('}');
}

fn sign(shape: &Shape, text: &mut String) {
    match shape {
        Shape::Array { element, len } => {
            let _ = write!(text, "[{len}*");
            sign(element, text);
            text.push(']');
        }
        Shape::Record { fields } => sign_fields(fields, text),
        Shape::Block(block) => {
            let _ = write!(text, "{}/{}/{}", block.describe(), block.size, block.align);
        }
        Shape::Axis => {
            let _ = write!(text, "{}/{}/{}", shape.describe(), shape.size(), shape.align());
        }
        scalar => text.push_str(&scalar.describe()),
    }
}

enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut rest = part.split('[');
        let name = rest.next().filter(|name| !name.is_empty())?;
        steps.push(Step::Name(name));
        for index in rest {
            steps.push(Step::Index(index.strip_suffix(']')?.parse().ok()?));
        }
    }
    Some(steps)
}

fn collect<'a>(shape: &'a Shape, path: String, offset: usize, leaves: &mut Vec<Leaf<'a>>) {
    match shape {
        Shape::Array { element, len } => {
            for i in 0..*len as usize {
                collect(element, format!("{path}[{i}]"), offset + i * element.size() as usize, leaves);
            }
        }
        Shape::Record { fields } => {
            for field in fields {
                let path = format!("{path}.{}", field.name);
                collect(&field.shape, path, offset + field.offset as usize, leaves);
            }
        }
        shape => leaves.push(Leaf { path, offset, shape }),
    }
}

fn diff_fields(old: &[Field], new: &[Field], prefix: &str, words: &mut Vec<String>) {
    for field in old {
        let path = format!("{prefix}{}", field.name);
        match find(new, &field.name) {
            None => words.push(format!("`{path}` ({}) is gone", field.shape.describe())),
            Some(other) => diff_shapes(&field.shape, &other.shape, &path, words),
        }
    }
    for field in new.iter().filter(|field| find(old, &field.name).is_none()) {
        words.push(format!("`{prefix}{}` ({}) is new", field.name, field.shape.describe()));
    }
}

fn diff_shapes(old: &Shape, new: &Shape, path: &str, words: &mut Vec<String>) {
    match (old, new) {
        (Shape::Record { fields: old }, Shape::Record { fields: new }) => {
            diff_fields(old, new, &format!("{path}."), words);
        }
        (Shape::Array { element: a, len: n }, Shape::Array { element: b, len: m }) => {
            if n != m {
                words.push(format!("`{path}` had {n} elements and has {m}"));
            }
            diff_shapes(a, b, &format!("{path}[]"), words);
        }
        (old, new) if old != new => {
            words.push(format!("`{path}` was {} and is {}", old.describe(), new.describe()));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, shape: Shape) -> (String, Shape) {
        (name.to_owned(), shape)
    }

    fn sample() -> Layout {
        Layout::new(vec![
            field("step", Shape::Symbol),
            field("peak", Shape::F64),
            field("armed", Shape::Bool),
            field("retain", Shape::record(vec![field("good", Shape::I64), field("bad", Shape::I64)])),
            field("temps", Shape::Array { element: Box::new(Shape::F64), len: 3 }),
        ])
    }

    #[test]
    fn fields_are_sorted_and_aligned() {
        assert_eq!(
            sample().signature(),
            "{armed@0:bool peak@8:f64 retain@16:{bad@0:i64 good@8:i64} step@32:text temps@96:[3*f64]}"
        );
        assert_eq!(sample().size(), 120);
        assert_eq!(sample().retained(), Some(16..32));
    }

    #[test]
    fn paths_lead_to_offsets() {
        let layout = sample();
        let lookup = |path| layout.lookup(path).map(|place| (place.offset, place.shape.describe()));
        assert_eq!(lookup("this.retain.good"), Some((24, "i64".to_owned())));
        assert_eq!(lookup("temps[2]"), Some((112, "f64".to_owned())));
        assert_eq!(lookup("temps"), Some((96, "array of 3 f64".to_owned())));
        for wrong in ["temps[3]", "temps[-1]", "temps[", "", "retain.", "peak.Q", "this", "nothing"] {
            assert!(lookup(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_leaf_is_found_again_by_its_path() {
        let layout = sample();
        let leaves = layout.leaves();
        assert_eq!(leaves.len(), 8);
        for leaf in leaves {
            let place = layout.lookup(&leaf.path).unwrap();
            assert_eq!((place.offset, place.shape), (leaf.offset, leaf.shape), "{}", leaf.path);
        }
    }

    #[test]
    fn the_hash_follows_the_signature() {
        let other = Layout::new(vec![field("step", Shape::Symbol), field("peak", Shape::I64)]);
        assert_eq!(sample().hash(), sample().hash());
        assert_ne!(sample().hash(), other.hash());
    }

    #[test]
    fn differences_in_words() {
        let new = Layout::new(vec![
            field("armed", Shape::Bool),
            field("peak", Shape::I64),
            field("retain", Shape::record(vec![field("good", Shape::I64), field("scrap", Shape::I64)])),
            field("temps", Shape::Array { element: Box::new(Shape::F64), len: 4 }),
        ]);
        assert_eq!(sample().diff(&sample()), Vec::<String>::new());
        assert_eq!(
            sample().diff(&new),
            [
                "`peak` was f64 and is i64",
                "`retain.bad` (i64) is gone",
                "`retain.scrap` (i64) is new",
                "`step` (text) is gone",
                "`temps` had 3 elements and has 4",
            ]
        );
    }

    #[test]
    fn a_layout_survives_json() {
        let text = serde_json::to_string(&sample()).unwrap();
        assert_eq!(serde_json::from_str::<Layout>(&text).unwrap(), sample());
    }
}
