//! The seam between the cycle and a tier (interpreter now, native code next).

use crate::{Layout, Ports};
use sensai_model::{Fault, TagStore, Value};

/// `sys.` as a program sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SysFacts {
    /// Cycle index.
    pub cycle: u64,
    /// Nominal time in nanoseconds: cycle × interval.
    pub time_ns: i64,
    /// Interval in nanoseconds (skipped cycles make it a multiple).
    pub dt_ns: i64,
    /// The first cycle after a start.
    pub first_cycle: bool,
}

/// What a run of a program may touch.
pub struct RunContext<'a> {
    /// Facts of this cycle.
    pub sys: SysFacts,
    /// Tags; writes are staged and take effect when the task commits.
    pub tags: &'a mut TagStore,
    /// Parameters, in the order of the cell.
    pub parameters: &'a [Value],
    /// Axes, requests, unit; staged like writes.
    pub ports: &'a mut Ports,
}

/// Why a run failed: the fault for the record, and a text for people.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramError {
    /// Code, program, line, column.
    pub fault: Fault,
    /// What happened and what to do.
    pub text: String,
}

/// A program ready to run. Its state is one flat byte arena, described by a [`Layout`].
pub trait Program {
    /// File stem.
    fn name(&self) -> &str;
    /// Shape of the state.
    fn layout(&self) -> &Layout;
    /// The state after the last successful run.
    fn state(&self) -> &[u8];
    /// Replace the state (keyframe, warm restart).
    ///
    /// # Errors
    /// If `state` is not as long as the layout says, or holds a value that cannot be (a text longer than its field).
    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError>;
    /// Back to what `init` gave.
    fn reset(&mut self);
    /// Run one cycle. On an error the state is what it was before; the caller rolls the tags back.
    ///
    /// # Errors
    /// Any script fault, with its line.
    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), Box<ProgramError>>;
    /// Work units used by the last run.
    fn operations(&self) -> u64;
}
