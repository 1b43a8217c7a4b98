//! A program in one of its forms, as it is measured: a stream of inputs in, its outputs out.

use anyhow::Context;
use sensai_alloc_count::thread_counts;
use sensai_fieldbus::clock;

/// What one order to a subject gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// Time of all passes over the stream, ns.
    pub ns: u64,
    /// Checksum of the outputs of the last pass.
    pub checksum: u64,
    /// Allocations on the heap, of all passes.
    pub allocations: u64,
}

/// What a pass over the stream does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Inputs in, the program, outputs out.
    Whole,
    /// The same without the program.
    Copies,
}

/// A program in one of its forms.
pub trait Subject {
    /// Run `passes` times over the stream, each time from the program's first state, and once before that does not count.
    ///
    /// # Errors
    /// If the program fails.
    fn run(&mut self, work: Work, passes: u32) -> anyhow::Result<Pass>;
}

/// A form that runs in this process.
pub trait Form {
    /// Back to the first state.
    fn reset(&mut self);
    /// One pass over the stream: [`Work::Whole`] or [`Work::Copies`].
    ///
    /// # Errors
    /// If the program fails.
    fn pass(&mut self, work: Work) -> anyhow::Result<()>;
    /// Checksum of what the last pass gave.
    fn checksum(&self) -> u64;
}

impl<F: Form> Subject for F {
    fn run(&mut self, work: Work, passes: u32) -> anyhow::Result<Pass> {
        self.reset();
        self.pass(work)?;
        let (mut ns, mut allocations) = (0, 0);
        for _ in 0..passes {
            self.reset();
            let (before, begun) = (thread_counts(), clock::monotonic_ns());
            self.pass(work)?;
            ns += clock::monotonic_ns().saturating_sub(begun);
            let counts = thread_counts() - before;
            allocations += counts.rust + counts.c;
        }
        Ok(Pass { ns, checksum: self.checksum(), allocations })
    }
}

/// How many passes make a measurement long enough for the clock, and for a cache that is cold at its start.
///
/// # Errors
/// If the program fails.
pub fn passes_for(subject: &mut dyn Subject, at_least_ns: u64) -> anyhow::Result<u32> {
    let one = subject.run(Work::Whole, 1)?.ns.max(1);
    u32::try_from(at_least_ns.div_ceil(one).max(1)).context("the clock stands still")
}
