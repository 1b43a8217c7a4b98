//! The inline inference engine: an ONNX file becomes a plan that runs in the cycle, with the same bits on every
//! machine, a fixed amount of work, and no allocation.
//!
//! [`Plan::load`] decodes the file ([`onnx`]), checks its graph, and turns every node into steps. A step is a kernel
//! with its place in one memory, done in units of fixed work; so a run can be spread over several cycles
//! ([`Plan::run_slice`]), and its state in between can be saved and restored. What the engine does not cover is
//! refused with all findings at once, and is left to another [`Engine`].
//!
//! # Numbers
//!
//! Floating-point addition is not associative, so the order of every sum is part of a kernel's definition: dense and
//! recurrent layers and convolutions add products in ascending order, several outputs side by side; reductions and
//! normalisations use [`reduce::LANES`] partial sums, combined in one fixed tree. No fused multiply-add; exponential
//! functions of [`math`], others from the pinned `libm`; NaN canonical in every result.
//!
//! Where a processor has AVX2, kernels use it; a compiler's vectors change no sum, and the bits are the same without.
//!
//! All values are `f32`, also where the model has integers: they are exact up to 2²⁴, and arithmetic on integers other
//! than at load is refused. `QuantizeLinear` and `DequantizeLinear` are computed as the standard defines them, and the
//! layers between them run in `f32` on the dequantised values: the quantised weights are dequantised at load.

pub mod engine;
mod error;
mod graph;
mod kernels;
mod lower;
pub mod math;
pub mod onnx;
mod plan;
pub mod reduce;
mod tensor;
mod wide;

pub use engine::{Element, Engine, RunError, TensorInfo};
pub use error::{LoadError, Remedy};
pub use lower::operators;
pub use plan::{Plan, Progress, StateError, StepInfo};

/// One bit pattern for NaN: which one an operation gives differs between processors.
const fn canonical(value: f32) -> f32 {
    if value.is_nan() { f32::NAN } else { value }
}
