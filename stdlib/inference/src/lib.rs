//! Kernels of the inline inference engine: the same bits on every machine, without allocation.
//!
//! Floating-point addition is not associative, so the order of every sum is part of a kernel's definition: [`LANES`]
//! partial sums, combined in one fixed tree (see [`reduce`]), whatever registers the processor has. No fused
//! multiply-add, transcendental functions from the pinned `libm`, NaN canonical in every result.
//!
//! Pure: slices in, slices out. Shapes are checked when a layer is made, and once more when it runs.
//!
//! Not here yet: reading ONNX, the plan with its operation count, convolution, pooling, recurrent layers, tree
//! ensembles, quantised layers. Nothing in this crate runs a model file by itself.

mod activation;
mod dense;
pub mod engine;
pub mod reduce;
mod scaler;

pub use activation::Activation;
pub use dense::Dense;
pub use engine::{Element, Engine, RunError, TensorInfo};
pub use reduce::LANES;
pub use scaler::Scaler;

/// Shapes or constants that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A slice of another length than the shape says.
    #[error("{what}: {actual} values, expected {expected}")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Values the shape asks for.
        expected: usize,
        /// Values given.
        actual: usize,
    },
    /// A layer without inputs or outputs, or one whose size overflows.
    #[error("{outputs} outputs of {inputs} inputs: no such layer")]
    Shape {
        /// Inputs.
        inputs: usize,
        /// Outputs.
        outputs: usize,
    },
    /// A constant that the kernel cannot work with.
    #[error("{what}[{index}] is {value}, expected {expected}")]
    Constant {
        /// Which list of constants.
        what: &'static str,
        /// Position in it.
        index: usize,
        /// What stands there.
        value: f32,
        /// What may stand there.
        expected: &'static str,
    },
}

const fn check_len(what: &'static str, actual: usize, expected: usize) -> Result<(), Error> {
    if actual == expected { Ok(()) } else { Err(Error::Length { what, expected, actual }) }
}

fn check_constants(
    what: &'static str,
    values: &[f32],
    expected: &'static str,
    allowed: impl Fn(f32) -> bool,
) -> Result<(), Error> {
    match values.iter().enumerate().find(|(_, value)| !allowed(**value)) {
        Some((index, value)) => Err(Error::Constant { what, index, value: *value, expected }),
        None => Ok(()),
    }
}

/// One bit pattern for NaN: which one an operation gives differs between processors.
const fn canonical(value: f32) -> f32 {
    if value.is_nan() { f32::NAN } else { value }
}

#[cfg(test)]
mod profile;
