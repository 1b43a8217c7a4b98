//! The seam between the cycle and a tier (interpreter now, native code next).

use crate::{Layout, Ports};
use sensai_model::{Fault, TagStore, Value};
use sensai_stdlib::BlockError;
use std::{fmt, sync::Arc};

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
    pub text: FailureText,
}

/// What happened and what to do. A compiled program fails without making a text: whoever shows the failure does, outside
/// of the cycle.
#[derive(Clone, Debug)]
pub enum FailureText {
    /// Already made.
    Made(String),
    /// To be made.
    Site(Arc<dyn Explain>, Failure),
}

/// How a compiled program failed, as far as it is known in the cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Failure {
    /// Number of the place.
    pub site: u32,
    /// What was found there, as far as it matters; what the words mean, the place says.
    pub values: [u64; Self::VALUES],
    /// Why a block or function of the library refused its arguments.
    pub refused: Option<BlockError>,
    /// Places of the calls that led there, the innermost first; see [`Failure::calls`].
    pub trace: [u32; Self::CALLS],
    /// How many there are of them.
    pub traced: u32,
}

/// Makes the texts of a compiled program's failures.
pub trait Explain: fmt::Debug + Send + Sync {
    /// What happened, and what to do.
    ///
    /// # Errors
    /// Of the formatter only.
    fn explain(&self, failure: &Failure, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Failure {
    /// Values that a place leaves.
    pub const VALUES: usize = 8;
    /// Calls that are noted.
    pub const CALLS: usize = 8;

    /// Places of the calls that led there, the innermost first.
    pub fn calls(&self) -> &[u32] {
        self.trace.get(..self.traced as usize).unwrap_or(&self.trace)
    }
}

impl fmt::Display for FailureText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(text) => f.write_str(text),
            Self::Site(explain, failure) => explain.explain(failure, f),
        }
    }
}

impl PartialEq for FailureText {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl PartialEq<&str> for FailureText {
    fn eq(&self, other: &&str) -> bool {
        let text = self.to_string();
        text == *other
    }
}

impl From<String> for FailureText {
    fn from(text: String) -> Self {
        Self::Made(text)
    }
}

impl From<&str> for FailureText {
    fn from(text: &str) -> Self {
        Self::Made(text.to_owned())
    }
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
    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError>;
    /// Work units used by the last run.
    fn operations(&self) -> u64;
    /// True for a tier that allocates by its nature: what it takes is counted apart from the cycle's own allocations.
    fn allocates(&self) -> bool {
        false
    }
}
