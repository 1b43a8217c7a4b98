//! Cell programs: how they are checked, what their state looks like, and the tiers that run them.
//!
//! Deliberately absent: files, sockets, clocks, threads. Tags come in as a [`sensai_model::TagStore`], time as
//! [`SysFacts`].
//!
//! [`check()`] finds what is wrong with a program's text; [`compile`] makes an [`InterpretedProgram`] of it, which is a
//! [`Program`] over a [`Layout`].

pub mod check;
pub mod finding;
pub mod interpreter;
pub mod layout;
mod names;
pub mod program;
mod tree;

pub use check::check;
pub use finding::{ScriptFinding, Severity};
pub use interpreter::{InterpretedProgram, ScriptEnvironment, compile};
pub use layout::Layout;
pub use program::{Program, ProgramError, RunContext, SysFacts};
