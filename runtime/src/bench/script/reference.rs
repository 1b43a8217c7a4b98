//! The programs in Rust. They lie beside their other forms in `rt-tests/benches/script`.

use super::{
    pins::{Pins, checksum, pins},
    subject::{Form, Work},
};
use anyhow::Context;
use std::hint::black_box;

#[rustfmt::skip]
#[path = "../../../../rt-tests/benches/script/logic.rs"]
pub mod logic;
#[path = "../../../../rt-tests/benches/script/numeric.rs"]
pub mod numeric;
#[path = "../../../../rt-tests/benches/script/press.rs"]
pub mod press;

/// Interval of all streams, ns.
pub const INTERVAL_NS: i64 = 1_000_000;

/// A program in Rust.
pub trait Reference {
    /// What goes in.
    type Inputs: Pins;
    /// What comes out.
    type Outputs: Pins;

    /// In its first state.
    fn new() -> Self;

    /// One cycle.
    ///
    /// # Errors
    /// If the program faults.
    fn cycle(&mut self, inputs: &Self::Inputs, outputs: &mut Self::Outputs) -> anyhow::Result<()>;
}

impl Reference for press::Program {
    type Inputs = press::Inputs;
    type Outputs = press::Outputs;

    fn new() -> Self {
        Self::default()
    }

    #[inline(never)]
    fn cycle(&mut self, inputs: &press::Inputs, outputs: &mut press::Outputs) -> anyhow::Result<()> {
        self.cycle(inputs, outputs, INTERVAL_NS).ok().context("the stroke takes too long")
    }
}

impl Reference for logic::Program {
    type Inputs = logic::Inputs;
    type Outputs = logic::Outputs;

    fn new() -> Self {
        Self::default()
    }

    #[inline(never)]
    fn cycle(&mut self, inputs: &logic::Inputs, outputs: &mut logic::Outputs) -> anyhow::Result<()> {
        self.cycle(inputs, outputs);
        Ok(())
    }
}

impl Reference for numeric::Program {
    type Inputs = numeric::Inputs;
    type Outputs = numeric::Outputs;

    fn new() -> Self {
        Self::new(sensai_stdlib::time::step_seconds(INTERVAL_NS))
    }

    #[inline(never)]
    fn cycle(&mut self, inputs: &numeric::Inputs, outputs: &mut numeric::Outputs) -> anyhow::Result<()> {
        self.cycle(inputs, outputs, INTERVAL_NS);
        Ok(())
    }
}

/// A program in Rust over a stream.
pub struct RustForm<R: Reference> {
    program: R,
    inputs: Vec<R::Inputs>,
    output: R::Outputs,
    outputs: Vec<R::Outputs>,
}

impl<R: Reference> RustForm<R> {
    /// Over a stream of words.
    pub fn new(stream: &[u64]) -> Self {
        let inputs: Vec<R::Inputs> =
            stream.chunks(R::Inputs::NAMES.len().max(1)).map(R::Inputs::from_words).collect();
        Self {
            program: R::new(),
            output: R::Outputs::default(),
            outputs: vec![R::Outputs::default(); inputs.len()],
            inputs,
        }
    }
}

impl<R: Reference> Form for RustForm<R> {
    fn reset(&mut self) {
        self.program = R::new();
        self.output = R::Outputs::default();
    }

    fn pass(&mut self, work: Work) -> anyhow::Result<()> {
        for (inputs, place) in self.inputs.iter().zip(&mut self.outputs) {
            let image = black_box(*inputs);
            if work == Work::Whole {
                self.program.cycle(&image, &mut self.output)?;
            }
            *place = black_box(self.output);
        }
        Ok(())
    }

    fn checksum(&self) -> u64 {
        let mut words = vec![0; R::Outputs::NAMES.len()];
        checksum(self.outputs.iter().flat_map(|outputs| {
            outputs.to_words(&mut words);
            words.clone()
        }))
    }
}
