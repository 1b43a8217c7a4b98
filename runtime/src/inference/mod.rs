//! ONNX Runtime beside the cycle.
//!
//! A model with `engine = "ort"` runs on a thread of its own. The cyclic thread hands inputs over and takes results
//! back through rings, never waiting for them; a result enters a cycle through the inbox, where it is recorded. A
//! replay needs neither the library nor these threads.
//!
//! Read [`beside`] first: it is the part that the cycle touches. [`mod@start`] makes the threads, [`watch`] looks after
//! them from outside.
//!
//! Deliberately absent: what a model sees and what becomes of a late result ([`crate::machine::models`]), and the engine
//! that runs in the cycle (`sensai-inference`).

pub mod admission;
pub mod beside;
pub mod findings;
pub mod library;
pub mod ort_engine;
pub mod start;
#[cfg(test)]
mod tests;
pub mod watch;
mod worker;

pub use beside::Beside;
pub use ort_engine::OrtEngine;
pub use start::{Settings, start};
pub use watch::Watch;
