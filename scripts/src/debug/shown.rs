//! Values for people to look at.

use crate::{Ports, axis::Property, evaluate::Datum, hir::Type, layout::literal};
use sensai_model::Value;
use sensai_stdlib::registry::AXIS;

/// A value with its name and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Name, or index in brackets.
    pub name: String,
    /// As programs write it; a summary if it has parts.
    pub value: String,
    /// Its type.
    pub kind: String,
    /// Fields, elements, pins.
    pub parts: Vec<Shown>,
}

impl Shown {
    /// A value without parts.
    pub fn leaf(name: impl Into<String>, value: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), kind: kind.into(), parts: Vec::new() }
    }

    /// A scalar.
    pub fn scalar(name: impl Into<String>, value: Value) -> Self {
        Self::leaf(name, literal(value), value.scalar_type().name())
    }

    /// Named parts of something that has no value itself.
    pub fn group(name: impl Into<String>, value: impl Into<String>, parts: Vec<Self>) -> Self {
        Self { parts, ..Self::leaf(name, value, "") }
    }

    /// A value of a type.
    pub(super) fn of(name: impl Into<String>, datum: &Datum, ty: &Type, ports: &Ports) -> Self {
        let name = name.into();
        let kind = ty.to_string();
        match (datum, ty) {
            (Datum::Scalar(value), _) => Self::scalar(name, *value),
            (Datum::Symbol(text), _) => Self::leaf(name, format!("{text:?}"), kind),
            (Datum::Array(elements), Type::Array(of)) => {
                let part = |(index, datum)| Self::of(format!("[{index}]"), datum, &of.element, ports);
                let parts: Vec<Self> = elements.iter().enumerate().map(part).collect();
                let value = format!("{} elements", parts.len());
                Self { name, value, kind, parts }
            }
            (Datum::Record(fields), Type::Record(of)) => {
                let pairs = fields.iter().zip(of.fields());
                let parts = pairs.map(|(datum, field)| Self::of(&field.name, datum, &field.ty, ports));
                Self { name, value: "#{ … }".into(), kind: "record".into(), parts: parts.collect() }
            }
            (Datum::Block(block), _) => {
                let pins = block.of.pins.iter();
                let parts: Vec<Self> =
                    pins.map(|pin| Self::scalar(pin.name, pin.get(&block.bytes))).collect();
                Self { name, value: summary(&parts), kind, parts }
            }
            (Datum::Axis(handle, _), _) => {
                let properties = AXIS.properties.iter();
                let part = |property: &sensai_stdlib::registry::handle::Property| {
                    Some(match handle.property(property.name, ports)? {
                        Property::Scalar(value) => Self::scalar(property.name, value),
                        Property::Symbol(text) => Self::leaf(property.name, format!("{text:?}"), "text"),
                    })
                };
                let parts: Vec<Self> = properties.filter_map(part).collect();
                Self { name, value: summary(&parts), kind, parts }
            }
            (Datum::Unit | Datum::Array(_) | Datum::Record(_), _) => Self::leaf(name, "nothing", kind),
        }
    }
}

/// The first parts on one line.
fn summary(parts: &[Shown]) -> String {
    let shown = parts.iter().take(4).map(|part| format!("{} = {}", part.name, part.value));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if parts.len() > 4 {
        text.push_str(", …");
    }
    text
}
