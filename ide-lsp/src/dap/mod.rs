//! The debug adapter: the Debug Adapter Protocol on one side, something that can be looked at on the other.
//!
//! It knows neither logs nor programs. Who serves it gives a [`Debuggee`], as the language server is given its check. Read
//! `server` first; `wire` is the framing, `message` what the few requests carry that need more than a look into their JSON.

mod message;
mod server;
mod wire;

#[cfg(test)]
mod tests;

pub use message::{Frame, Placed, Progress, Scope, Source, Stopped, Variable, Wanted};
pub use server::{Begun, Connection, serve};
pub use wire::WireError;

/// How to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// `continue`.
    Run,
    /// `reverseContinue`.
    RunBack,
    /// `next`.
    Over,
    /// `stepIn`.
    In,
    /// `stepOut`.
    Out,
    /// `stepBack`.
    Back,
}

/// What can be looked at.
///
/// Errors are texts for the person in front of the editor.
pub trait Debuggee {
    /// Breakpoints of one file, all at once; one answer for each.
    fn set_breakpoints(&mut self, source: &Source, wanted: &[Wanted]) -> Vec<Placed>;
    /// Stop where a program fails, or the machine comes into a fault.
    fn stop_at_faults(&mut self, stop: bool);
    /// Name under which changes of a variable can be looked for: the variable, and where it was shown (0: nowhere).
    fn data(&mut self, name: &str, reference: i64) -> Result<String, String>;
    /// Look for changes of these, all at once; one answer for each.
    fn set_data(&mut self, names: &[String]) -> Vec<Result<(), String>>;
    /// Lines of a file at which a breakpoint can be.
    fn lines(&mut self, source: &Source, from: u32, to: u32) -> Vec<u32>;
    /// Number and name of what runs by itself.
    fn threads(&mut self) -> Vec<(i64, String)>;
    /// Calls, the innermost first.
    fn frames(&mut self, thread: i64) -> Vec<Frame>;
    /// What there is to see in a call.
    fn scopes(&mut self, frame: i64) -> Vec<Scope>;
    /// Parts of something that was shown.
    fn variables(&mut self, reference: i64) -> Result<Vec<Variable>, String>;
    /// The value of an expression in a call; 0: the innermost.
    fn evaluate(&mut self, expression: &str, frame: i64) -> Result<Variable, String>;
    /// The text of a file that the editor does not have.
    fn text(&mut self, reference: i64) -> Option<String>;
    /// To a cycle.
    fn go_to_cycle(&mut self, cycle: u64) -> Result<Stopped, String>;
    /// Where it is now.
    fn here(&mut self) -> Stopped;
    /// Begin to go on.
    fn begin(&mut self, motion: Motion) -> Result<(), String>;
    /// Go on, not for long.
    fn go_on(&mut self) -> Progress;
    /// Stay where the way has come to.
    fn pause(&mut self) -> Stopped;
    /// What there is to say, once.
    fn said(&mut self) -> Vec<String>;
    /// Why there is no stopping; `None`: there is.
    fn never_stops(&self) -> Option<String>;
}
