//! The state as a script value and as bytes, and back.
//!
//! While a cycle runs, the state is a Rhai record. After it, the record is checked against the layout that `init`
//! gave, and written into the arena; after a fault, it is built anew from the arena.

use super::{
    axis::Handle,
    block::{Block, scalar},
    fault::{plain, type_name},
};
use crate::{
    Ports,
    environment::{DEPTH_MAX, SIZE_MAX, VALUES_MAX},
    layout::{BlockShape, Field, Layout, SYMBOL_CAPACITY, Shape, literal, symbol, write_symbol},
};
use rhai::{Array, Dynamic, ImmutableString, Map};
use sensai_model::{FaultCode, cell::Limits, value::canonical};
use sensai_stdlib::registry::AXIS;

/// Why a value is no state, or not the state that `init` gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mismatch {
    pub code: FaultCode,
    /// Path below `this`, built from the inside out.
    pub path: String,
    pub text: String,
}

impl Mismatch {
    pub fn new(text: impl Into<String>) -> Self {
        Self { code: FaultCode::StateShape, path: String::new(), text: text.into() }
    }

    fn expected(shape: &Shape, actual: &Dynamic) -> Self {
        let (expected, actual) = (shape.describe(), describe(actual));
        let help = match (shape, actual.as_str()) {
            (Shape::F64, "i64") => "; types are never converted, write `7.0` instead of `7`, or to_float()",
            (Shape::I64, "f64") => "; types are never converted, use to_int()",
            _ => "; a field keeps the type that `init` gave it",
        };
        Self::new(format!("expected {expected}, got {actual}{help}"))
    }

    fn below(mut self, segment: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{segment}{dot}{}", self.path);
        self
    }

    /// `this.path: text`.
    pub fn sentence(&self) -> String {
        if self.path.is_empty() {
            format!("`this`: {}", self.text)
        } else {
            format!("`this.{}`: {}", self.path, self.text)
        }
    }
}

fn describe(value: &Dynamic) -> String {
    if let Some(array) = value.read_lock::<Array>() {
        return match array.first() {
            Some(first) => format!("array of {} {}", array.len(), describe(first)),
            None => "array of 0".to_owned(),
        };
    }
    if let Some(map) = value.read_lock::<Map>() {
        let names: Vec<&str> = map.keys().map(|name| name.as_str()).collect();
        return format!("record {{{}}}", names.join(", "));
    }
    type_name(value)
}

/// The layout of what `init` returned.
pub(crate) fn layout_of(value: &Dynamic, limits: &Limits) -> Result<Layout, Mismatch> {
    let Some(map) = value.read_lock::<Map>() else {
        let text =
            format!("`init` returned {}, expected a record, as in `#{{ step: \"idle\" }}`", describe(value));
        return Err(Mismatch::new(text));
    };
    let layout = Layout::new(fields_of(&map, limits, 0)?);
    if layout.values() > VALUES_MAX || layout.size() > SIZE_MAX as usize {
        return Err(Mismatch::new(format!(
            "the state has {} values in {} bytes, at most {VALUES_MAX} in {SIZE_MAX} are possible",
            layout.values(),
            layout.size()
        )));
    }
    Ok(layout)
}

fn fields_of(map: &Map, limits: &Limits, depth: usize) -> Result<Vec<(String, Shape)>, Mismatch> {
    if map.len() > limits.record_len {
        let text = format!("{} fields, [limits] record_len allows {}", map.len(), limits.record_len);
        return Err(Mismatch::new(text));
    }
    if depth >= DEPTH_MAX {
        return Err(Mismatch::new(format!("records and arrays are nested deeper than {DEPTH_MAX}")));
    }
    let mut fields = Vec::with_capacity(map.len());
    for (name, value) in map {
        let shape = shape_of(value, limits, depth + 1).map_err(|mismatch| mismatch.below(name))?;
        fields.push((name.to_string(), shape));
    }
    Ok(fields)
}

fn shape_of(value: &Dynamic, limits: &Limits, depth: usize) -> Result<Shape, Mismatch> {
    if depth > DEPTH_MAX {
        return Err(Mismatch::new(format!("records and arrays are nested deeper than {DEPTH_MAX}")));
    }
    if value.is_bool() {
        return Ok(Shape::Bool);
    }
    if value.is_int() {
        return Ok(Shape::I64);
    }
    if value.is_float() {
        return Ok(Shape::F64);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return match check_text(&text, limits.text_len) {
            Ok(()) => Ok(Shape::Symbol),
            Err(mismatch) => Err(mismatch),
        };
    }
    if let Some(block) = value.read_lock::<Block>() {
        return block_shape(&block);
    }
    if let Some(handle) = value.read_lock::<Handle>() {
        let copy = || Mismatch::new("is a copy of an Axis; construct it here, as in `Axis(\"name\")`");
        return if handle.copied() { Err(copy()) } else { Ok(Shape::Axis) };
    }
    if let Some(map) = value.read_lock::<Map>() {
        return Ok(Shape::record(fields_of(&map, limits, depth)?));
    }
    if let Some(array) = value.read_lock::<Array>() {
        return array_shape(&array, limits, depth);
    }
    Err(Mismatch::new(format!(
        "{} cannot be kept in the state; bool, i64, f64, text, arrays, records, blocks and axes can",
        plain(value.type_name())
    )))
}

fn block_shape(block: &Block) -> Result<Shape, Mismatch> {
    if block.copied() {
        return Err(Mismatch::new(format!(
            "is a copy of a {0}; construct it here, as in `{0}()`",
            block.kind().name
        )));
    }
    Ok(Shape::Block(BlockShape {
        block: block.kind().name.to_owned(),
        arguments: block.arguments().to_vec(),
        size: block.kind().size as u32,
        align: block.kind().align as u32,
    }))
}

fn array_shape(array: &Array, limits: &Limits, depth: usize) -> Result<Shape, Mismatch> {
    if array.len() > limits.array_len {
        let text = format!("{} elements, [limits] array_len allows {}", array.len(), limits.array_len);
        return Err(Mismatch::new(text));
    }
    let mut elements = array.iter().enumerate();
    let Some((_, first)) = elements.next() else {
        return Err(Mismatch::new("an empty array has no type; write array(n, value)"));
    };
    let element = shape_of(first, limits, depth + 1).map_err(|mismatch| mismatch.below("[0]"))?;
    for (index, value) in elements {
        let shape =
            shape_of(value, limits, depth + 1).map_err(|mismatch| mismatch.below(&format!("[{index}]")))?;
        if shape != element {
            let text = format!(
                "is {}, the elements before it are {}; all elements have one type",
                shape.describe(),
                element.describe()
            );
            return Err(Mismatch::new(text).below(&format!("[{index}]")));
        }
    }
    Ok(Shape::Array { element: Box::new(element), len: array.len() as u32 })
}

fn check_text(text: &str, limit: usize) -> Result<(), Mismatch> {
    let limit = limit.min(SYMBOL_CAPACITY);
    if text.len() <= limit {
        return Ok(());
    }
    let mut mismatch = Mismatch::new(format!(
        "a text of {} bytes, at most {limit} are kept; use a shorter name",
        text.len()
    ));
    mismatch.code = FaultCode::TooLarge;
    Err(mismatch)
}

/// Check `value` against `layout` and write it into `arena`, which has the layout's size and zeros in its padding.
/// On an error the arena holds a mixture. `settle`: a run is over, with these ports; and whether it was the first one.
pub(crate) fn write(
    value: &Dynamic,
    layout: &Layout,
    limits: &Limits,
    settle: Option<(&Ports, bool)>,
    arena: &mut [u8],
) -> Result<(), Mismatch> {
    let Some(map) = value.read_lock::<Map>() else {
        return Err(Mismatch::new(format!("expected the record that `init` gave, got {}", describe(value))));
    };
    let mut writer = Writer { text_len: limits.text_len, blocks: 0, first: false, settle };
    writer.record(&map, layout.fields(), arena)
}

/// [`write`] for what `init` returned: its blocks have no numbers yet.
pub(crate) fn write_first(
    value: &Dynamic,
    layout: &Layout,
    limits: &Limits,
    arena: &mut [u8],
) -> Result<(), Mismatch> {
    let Some(map) = value.read_lock::<Map>() else { return Err(Mismatch::new("no record")) };
    let mut writer = Writer { text_len: limits.text_len, blocks: 0, first: true, settle: None };
    writer.record(&map, layout.fields(), arena)
}

/// A state as text, for people.
pub(crate) fn render(value: &Dynamic) -> String {
    if let Some(map) = value.read_lock::<Map>() {
        let fields: Vec<String> =
            map.iter().map(|(name, value)| format!("{name}: {}", render(value))).collect();
        return format!("#{{ {} }}", fields.join(", "));
    }
    if let Some(array) = value.read_lock::<Array>() {
        return format!("[{}]", array.iter().map(render).collect::<Vec<_>>().join(", "));
    }
    if let Some(block) = value.read_lock::<Block>() {
        let pins: Vec<String> = block
            .kind()
            .pins
            .iter()
            .map(|pin| format!("{}: {}", pin.name, literal(pin.get(block.bytes()))))
            .collect();
        return format!("{} {{ {} }}", block.kind().name, pins.join(", "));
    }
    if let Some(handle) = value.read_lock::<Handle>() {
        let state = handle.state().get();
        let part = |name: &str| state.stored(name).map(|value| format!("{name}: {}", literal(value)));
        let parts: Vec<String> = AXIS.properties.iter().filter_map(|property| part(property.name)).collect();
        return format!("Axis {{ {} }}", parts.join(", "));
    }
    match scalar(value) {
        Some(value) => literal(value),
        None => value
            .as_immutable_string_ref()
            .map_or_else(|_| type_name(value), |text| format!("{:?}", text.as_str())),
    }
}

struct Writer<'a> {
    text_len: usize,
    /// Blocks and handles seen so far; they are numbered in the order of the layout.
    blocks: u32,
    first: bool,
    settle: Option<(&'a Ports, bool)>,
}

impl Writer<'_> {
    fn record(&mut self, map: &Map, fields: &[Field], bytes: &mut [u8]) -> Result<(), Mismatch> {
        let mut values = map.iter();
        for field in fields {
            let Some((name, value)) = values.next().filter(|(name, _)| name.as_str() == field.name) else {
                return Err(wrong_names(map, fields));
            };
            let part = part(bytes, field.offset, &field.shape).map_err(|mismatch| mismatch.below(name))?;
            self.value(value, &field.shape, part).map_err(|mismatch| mismatch.below(&field.name))?;
        }
        if values.next().is_some() { Err(wrong_names(map, fields)) } else { Ok(()) }
    }

    fn value(&mut self, value: &Dynamic, shape: &Shape, bytes: &mut [u8]) -> Result<(), Mismatch> {
        match shape {
            Shape::Bool => match (value.as_bool(), bytes.first_mut()) {
                (Ok(value), Some(byte)) => *byte = u8::from(value),
                _ => return Err(Mismatch::expected(shape, value)),
            },
            Shape::I64 => {
                let number = value.as_int().map_err(|_| Mismatch::expected(shape, value))?;
                bytes.copy_from_slice(&number.to_le_bytes());
            }
            Shape::F64 => {
                let number = value.as_float().map_err(|_| Mismatch::expected(shape, value))?;
                bytes.copy_from_slice(&canonical(number).to_bits().to_le_bytes());
            }
            Shape::Symbol => {
                let text = value.as_immutable_string_ref().map_err(|_| Mismatch::expected(shape, value))?;
                check_text(&text, self.text_len)?;
                write_symbol(&text, bytes);
            }
            Shape::Array { element, len } => {
                let array = value.read_lock::<Array>().filter(|array| array.len() == *len as usize);
                let Some(array) = array else { return Err(Mismatch::expected(shape, value)) };
                let size = element.size();
                for (index, value) in (0_u32..).zip(array.iter()) {
                    let part = part(bytes, index * size, element)?;
                    self.value(value, element, part)
                        .map_err(|mismatch| mismatch.below(&format!("[{index}]")))?;
                }
            }
            Shape::Record { fields } => {
                let Some(map) = value.read_lock::<Map>() else {
                    return Err(Mismatch::expected(shape, value));
                };
                self.record(&map, fields, bytes)?;
            }
            Shape::Block(_) => {
                self.blocks += 1;
                let Some(block) = value.read_lock::<Block>() else {
                    return Err(Mismatch::expected(shape, value));
                };
                if block.copied() || !self.first && block.identity() != self.blocks {
                    return Err(Mismatch::new(format!(
                        "the block that `init` made was replaced by {}; blocks stay where they are, assign their \
                         results instead",
                        if block.copied() { "a copy of another" } else { "a new one" }
                    )));
                }
                bytes.copy_from_slice(block.bytes());
            }
            Shape::Axis => {
                self.blocks += 1;
                let Some(handle) = value.read_lock::<Handle>() else {
                    return Err(Mismatch::expected(shape, value));
                };
                if handle.copied() || !self.first && handle.identity() != self.blocks {
                    return Err(Mismatch::new(
                        "the handle that `init` made was replaced by another; handles stay where they are",
                    ));
                }
                let mut state = handle.state().get();
                if let Some((ports, first)) = self.settle {
                    state.settle(ports, first);
                    handle.state().set(state);
                }
                bytes.copy_from_slice(state.bytes());
            }
        }
        Ok(())
    }
}

fn wrong_names(map: &Map, fields: &[Field]) -> Mismatch {
    if let Some(name) = map.keys().find(|name| fields.iter().all(|field| field.name != name.as_str())) {
        return Mismatch::new("is no field that `init` gave; add it there").below(name);
    }
    match fields.iter().find(|field| !map.contains_key(field.name.as_str())) {
        Some(field) => Mismatch::new("is missing; `init` gave it").below(&field.name),
        None => Mismatch::new("has other fields than `init` gave"),
    }
}

/// The bytes of a part. An error only if the layout does not fit its arena.
fn part<'a>(bytes: &'a mut [u8], offset: u32, shape: &Shape) -> Result<&'a mut [u8], Mismatch> {
    bytes
        .get_mut(offset as usize..)
        .and_then(|bytes| bytes.get_mut(..shape.size() as usize))
        .ok_or_else(|| Mismatch::new("lies outside of the state"))
}

/// The script value of an arena.
///
/// # Errors
/// If the arena is not of the layout's size, or holds a value that cannot be.
pub(crate) fn read(layout: &Layout, limits: &Limits, arena: &[u8]) -> Result<Dynamic, Mismatch> {
    if arena.len() != layout.size() {
        return Err(Mismatch::new(format!("{} bytes, the layout has {}", arena.len(), layout.size())));
    }
    let mut reader = Reader { text_len: limits.text_len, blocks: 0 };
    reader.record(layout.fields(), arena)
}

struct Reader {
    text_len: usize,
    blocks: u32,
}

impl Reader {
    fn record(&mut self, fields: &[Field], bytes: &[u8]) -> Result<Dynamic, Mismatch> {
        let mut map = Map::new();
        for field in fields {
            let part =
                bytes.get(field.offset as usize..).and_then(|bytes| bytes.get(..field.shape.size() as usize));
            let value = part
                .ok_or_else(|| Mismatch::new("lies outside of the state"))
                .and_then(|part| self.value(&field.shape, part))
                .map_err(|mismatch| mismatch.below(&field.name))?;
            map.insert(field.name.as_str().into(), value);
        }
        Ok(Dynamic::from_map(map))
    }

    fn value(&mut self, shape: &Shape, bytes: &[u8]) -> Result<Dynamic, Mismatch> {
        let damaged = |what: &str| Mismatch::new(format!("the stored bytes are no {what}"));
        let word = || bytes.try_into().map(u64::from_le_bytes).map_err(|_| damaged("number"));
        Ok(match shape {
            Shape::Bool => match bytes {
                [0] => Dynamic::from(false),
                [1] => Dynamic::from(true),
                _ => return Err(damaged("bool")),
            },
            Shape::I64 => Dynamic::from(word()?.cast_signed()),
            Shape::F64 => Dynamic::from(canonical(f64::from_bits(word()?))),
            Shape::Symbol => {
                let text = symbol(bytes).ok_or_else(|| damaged("text"))?;
                check_text(text, self.text_len)?;
                Dynamic::from(ImmutableString::from(text))
            }
            Shape::Array { element, .. } => {
                let size = (element.size() as usize).max(1);
                let elements = bytes.chunks_exact(size).enumerate().map(|(index, bytes)| {
                    self.value(element, bytes).map_err(|mismatch| mismatch.below(&format!("[{index}]")))
                });
                Dynamic::from_array(elements.collect::<Result<Array, _>>()?)
            }
            Shape::Record { fields } => self.record(fields, bytes)?,
            Shape::Block(block) => {
                self.blocks += 1;
                let restored = Block::restored(&block.block, &block.arguments, bytes, self.blocks);
                Dynamic::from(restored.ok_or_else(|| damaged(&block.block))?)
            }
            Shape::Axis => {
                self.blocks += 1;
                Dynamic::from(Handle::restored(bytes, self.blocks).ok_or_else(|| damaged("Axis"))?)
            }
        })
    }
}
