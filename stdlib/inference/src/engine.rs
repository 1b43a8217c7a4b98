//! What every engine that runs a model looks like from outside.

/// The element type of a tensor, with the numbers of ONNX `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Element {
    /// `float`, 1.
    F32,
    /// `uint8`, 2.
    U8,
    /// `int8`, 3.
    I8,
    /// `int32`, 6.
    I32,
    /// `int64`, 7.
    I64,
    /// `bool`, 9.
    Bool,
    /// `double`, 11.
    F64,
}

impl Element {
    /// From the number in a model file; `None` for a type that no engine here takes.
    pub const fn from_onnx(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            11 => Self::F64,
            _ => return None,
        })
    }

    /// The name ONNX gives it in the type strings of its operators, as in `tensor(float)`.
    pub const fn onnx_name(self) -> &'static str {
        match self {
            Self::F32 => "float",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::Bool => "bool",
            Self::F64 => "double",
        }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.onnx_name())
    }
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the graph.
    pub name: String,
    /// Its extent in every dimension, outermost first; empty for a scalar. A batch dimension without a number is 1.
    pub shape: Vec<usize>,
    /// Its element type in the model. At [`Engine::run`] all values are `f32`.
    pub element: Element,
}

impl TensorInfo {
    /// Values in it: the product of the shape, 1 for a scalar. Both engines refuse shapes whose product overflows.
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |product, extent| product.saturating_mul(*extent))
    }

    /// Whether it holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why a run did not take place or gave nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Another number of inputs or outputs than the model has.
    #[error("{actual} {what}, the model has {expected}")]
    Count {
        /// `inputs` or `outputs`.
        what: &'static str,
        /// Of the model.
        expected: usize,
        /// Given.
        actual: usize,
    },
    /// A slice of another length than the tensor.
    #[error("{what} {index}: {actual} values, expected {expected}")]
    Length {
        /// `input` or `output`.
        what: &'static str,
        /// Which one, in the order of the model.
        index: usize,
        /// Values of the tensor.
        expected: usize,
        /// Values given.
        actual: usize,
    },
    /// An input that the model's own type cannot hold, as 0.5 for an integer. Integers go to ±2²⁴; a float may be
    /// anything, NaN and ±inf included.
    #[error("input {index}, value {position}: {value} is no {element}")]
    Value {
        /// Which input.
        index: usize,
        /// Which of its values.
        position: usize,
        /// What stands there.
        value: f32,
        /// What the model wants.
        element: Element,
    },
    /// A slice was asked for before a run was begun, or outputs before it was done.
    #[error("{0}")]
    Phase(&'static str),
    /// A foreign engine's own words. Never from the inline engine: making the text allocates.
    #[error("{0}")]
    Foreign(Box<str>),
}

/// A loaded model that can be run, whichever code runs it.
///
/// Inputs and outputs are always `f32`, row by row, in the order of the model. Integers (labels) are given as the
/// nearest `f32`, which is exact up to 2²⁴; a bool is 0 or 1.
pub trait Engine: Send {
    /// `inline` or `ort`.
    fn name(&self) -> &'static str;

    /// Of the model, without its initializers.
    fn inputs(&self) -> &[TensorInfo];

    /// Of the model.
    fn outputs(&self) -> &[TensorInfo];

    /// One whole run. The inline engine allocates nothing; a foreign one may, and must not be called in the cycle.
    ///
    /// # Errors
    /// Counts or lengths that are not the model's (nothing is written then), or a foreign engine's failure.
    fn run(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<(), RunError>;
}

/// The checks every engine makes before a run.
///
/// # Errors
/// [`RunError::Count`] or [`RunError::Length`], the first that does not fit.
pub fn check_run(
    expected: (&[TensorInfo], &[TensorInfo]),
    inputs: &[&[f32]],
    outputs: &[&mut [f32]],
) -> Result<(), RunError> {
    check_slices("inputs", "input", expected.0, inputs.iter().map(|slice| slice.len()))?;
    check_slices("outputs", "output", expected.1, outputs.iter().map(|slice| slice.len()))
}

/// Whether a value is one of the type: see [`RunError::Value`].
pub fn holds(element: Element, value: f32) -> bool {
    let integer = |low: f32, high: f32| value >= low && value <= high && libm::truncf(value) == value;
    match element {
        Element::F32 | Element::F64 => true,
        Element::U8 => integer(0.0, 255.0),
        Element::I8 => integer(-128.0, 127.0),
        Element::Bool => integer(0.0, 1.0),
        Element::I32 | Element::I64 => integer(-16_777_216.0, 16_777_216.0),
    }
}

pub(crate) fn check_slices(
    all: &'static str,
    one: &'static str,
    expected: &[TensorInfo],
    lengths: impl ExactSizeIterator<Item = usize>,
) -> Result<(), RunError> {
    if lengths.len() != expected.len() {
        return Err(RunError::Count { what: all, expected: expected.len(), actual: lengths.len() });
    }
    for (index, (tensor, actual)) in expected.iter().zip(lengths).enumerate() {
        if tensor.len() != actual {
            return Err(RunError::Length { what: one, index, expected: tensor.len(), actual });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let tensor = |shape: &[usize]| TensorInfo {
            name: "x".to_owned(),
            shape: shape.to_vec(),
            element: Element::F32,
        };
        let model = ([tensor(&[1, 3]), tensor(&[])], [tensor(&[2])]);
        let check = |inputs: &[&[f32]], outputs: &mut [&mut [f32]]| {
            check_run((&model.0, &model.1), inputs, outputs).map_err(|error| error.to_string())
        };
        let (mut two, mut three) = ([0.0; 2], [0.0; 3]);
        assert_eq!(check(&[&[0.0; 3], &[0.0]], &mut [&mut two]), Ok(()));
        assert_eq!(check(&[&[0.0; 3]], &mut [&mut two]), Err("1 inputs, the model has 2".to_owned()));
        let short = check(&[&[0.0; 3], &[]], &mut [&mut two]);
        assert_eq!(short, Err("input 1: 0 values, expected 1".to_owned()));
        let long = check(&[&[0.0; 3], &[0.0]], &mut [&mut three]);
        assert_eq!(long, Err("output 0: 3 values, expected 2".to_owned()));
    }

    #[test]
    fn the_numbers_are_those_of_onnx() {
        let names: Vec<_> =
            (0..20).filter_map(|number| Some((number, Element::from_onnx(number)?.onnx_name()))).collect();
        let expected = [
            (1, "float"),
            (2, "uint8"),
            (3, "int8"),
            (6, "int32"),
            (7, "int64"),
            (9, "bool"),
            (11, "double"),
        ];
        assert_eq!(names, expected);
    }
}
