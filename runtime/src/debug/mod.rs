//! Debugging and time travel over a log: the machine of a replay, taken to any cycle and back, and looked at in the middle of
//! cycles.
//!
//! Read `travel` first, then `session`. A debugger never stops a cycle in its middle: it runs cycles as a whole, and looks at what
//! happens in them. Going back is going to a state before and running forward again.
//!
//! - `travel`: to the state behind any cycle.
//! - `programs`, `probe`, `point`: programs that tell of their statements, and what is looked for in them.
//! - `session`: steps, breakpoints, the way back.
//! - `adapter`: the same for an editor, behind the protocol in `sensai-lsp`; `placing`: which statement its breakpoints mean.
//! - `live`: a machine that runs is never halted; its log is followed, for logpoints.

mod adapter;
mod live;
mod placing;
mod point;
mod probe;
mod programs;
mod session;
mod travel;

pub use adapter::{Logged, serve};
pub use live::{NEVER, serve_live};
pub use point::{Breakpoint, Count, Hit, Part, Target, message};
pub use probe::{Capture, Probe};
pub use programs::{SharedProbe, Watching};
pub use session::{Ended, Motion, Session};
pub use travel::{Moved, Travel};

#[cfg(test)]
mod tests;
