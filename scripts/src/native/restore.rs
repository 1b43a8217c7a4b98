//! Foreign bytes as a state: checked, and in the one form that equal states have.

use crate::{
    axis::AxisHandle,
    layout::{Field, SYMBOL_CAPACITY, Shape, symbol},
};
use sensai_model::{FaultCode, value::canonical};

/// Why bytes are no state of this layout.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Damage {
    pub code: FaultCode,
    /// Path below `this`, built from the inside out.
    path: String,
    text: String,
}

impl Damage {
    pub fn new(text: impl Into<String>) -> Self {
        Self { code: FaultCode::StateShape, path: String::new(), text: text.into() }
    }

    fn no(what: &str) -> Self {
        Self::new(format!("the stored bytes are no {what}"))
    }

    fn below(mut self, segment: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{segment}{dot}{}", self.path);
        self
    }

    /// `this.path: text`.
    pub fn sentence(&self) -> String {
        match self.path.as_str() {
            "" => format!("`this`: {}", self.text),
            path => format!("`this.{path}`: {}", self.text),
        }
    }
}

/// Write what `from` holds into `to`, which is zero before.
pub(super) fn fields(fields: &[Field], text_len: usize, from: &[u8], to: &mut [u8]) -> Result<(), Damage> {
    for field in fields {
        let (start, size) = (field.offset as usize, field.shape.size() as usize);
        part(&field.shape, text_len, (start, size), from, to).map_err(|damage| damage.below(&field.name))?;
    }
    Ok(())
}

fn part(
    part: &Shape,
    text_len: usize,
    (start, size): (usize, usize),
    from: &[u8],
    to: &mut [u8],
) -> Result<(), Damage> {
    let from = from.get(start..).and_then(|from| from.get(..size));
    let to = to.get_mut(start..).and_then(|to| to.get_mut(..size));
    match (from, to) {
        (Some(from), Some(to)) => shape(part, text_len, from, to),
        _ => Err(Damage::new("lies outside of the state")),
    }
}

fn shape(shape: &Shape, text_len: usize, from: &[u8], to: &mut [u8]) -> Result<(), Damage> {
    match shape {
        Shape::Bool => match from {
            [0 | 1] => to.copy_from_slice(from),
            _ => return Err(Damage::no("bool")),
        },
        Shape::I64 => to.copy_from_slice(from),
        Shape::F64 => {
            let bits = from.try_into().map(u64::from_le_bytes).map_err(|_| Damage::no("number"))?;
            to.copy_from_slice(&canonical(f64::from_bits(bits)).to_bits().to_le_bytes());
        }
        Shape::Symbol => {
            let text = symbol(from).ok_or_else(|| Damage::no("text"))?;
            let most = text_len.min(SYMBOL_CAPACITY);
            if text.len() > most {
                let text =
                    format!("a text of {} bytes, at most {most} are kept; use a shorter name", text.len());
                return Err(Damage { code: FaultCode::TooLarge, ..Damage::new(text) });
            }
            to.copy_from_slice(from);
        }
        Shape::Array { element, len } => {
            let size = element.size() as usize;
            for index in 0..*len as usize {
                part(element, text_len, (index * size, size), from, to)
                    .map_err(|damage| damage.below(&format!("[{index}]")))?;
            }
        }
        Shape::Record { fields: inner } => fields(inner, text_len, from, to)?,
        Shape::Block(_) => to.copy_from_slice(from),
        Shape::Axis => match AxisHandle::from_bytes(from) {
            Some(_) => to.copy_from_slice(from),
            None => return Err(Damage::no("Axis")),
        },
    }
    Ok(())
}
