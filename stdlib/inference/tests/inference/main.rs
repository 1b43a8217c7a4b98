//! The engine as its users see it: files in, values out.

mod onnx_node;
mod own_cases;
mod plan;
mod refusals;
mod support;
