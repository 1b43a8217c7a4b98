//! A program's state as people see it: its fields by name.

use crate::control::describe::json;
use sensai_model::Cell;
use sensai_scripts::{
    axis::AxisHandle,
    layout::{Field, Layout, Reading, Shape},
};
use sensai_stdlib::registry;
use serde_json::{Map, Value as Json};

/// The fields of `this`: scalars, texts, lists, records, and blocks with their pins. What `bytes` do not reach is left out.
pub fn fields(layout: &Layout, cell: &Cell, bytes: &[u8]) -> Json {
    record(layout.fields(), cell, bytes)
}

fn record(fields: &[Field], cell: &Cell, bytes: &[u8]) -> Json {
    let shown = |field: &Field| {
        let bytes = bytes.get(field.offset as usize..)?;
        Some((field.name.clone(), value(&field.shape, cell, bytes)?))
    };
    Json::Object(fields.iter().filter_map(shown).collect())
}

fn value(shape: &Shape, cell: &Cell, bytes: &[u8]) -> Option<Json> {
    let own = bytes.get(..shape.size() as usize)?;
    match shape {
        Shape::Bool | Shape::I64 | Shape::F64 | Shape::Symbol => Some(match shape.read(own)? {
            Reading::Scalar(value) => json(value),
            Reading::Symbol(text) => text.into(),
        }),
        Shape::Array { element, .. } => {
            let parts = own.chunks_exact(element.size().max(1) as usize);
            parts.map(|part| value(element, cell, part)).collect::<Option<Vec<_>>>().map(Json::Array)
        }
        Shape::Record { fields } => Some(record(fields, cell, own)),
        Shape::Block(block) => {
            let pins = registry::find(&block.block)?.pins.iter();
            Some(Json::Object(pins.map(|pin| (pin.name.to_owned(), json(pin.get(own)))).collect()))
        }
        Shape::Axis => {
            let handle = AxisHandle::from_bytes(own)?;
            let stored = registry::AXIS
                .properties
                .iter()
                .filter_map(|property| Some((property.name.to_owned(), json(handle.stored(property.name)?))));
            let mut shown: Map<String, Json> = stored.collect();
            if let Some(axis) = cell.axes.get(usize::from(handle.axis())) {
                shown.insert("axis".into(), axis.name.as_str().into());
            }
            Some(Json::Object(shown))
        }
    }
}
