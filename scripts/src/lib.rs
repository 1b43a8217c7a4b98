//! Cell programs: how they are checked, what their state looks like, and the tiers that run them.
//!
//! Deliberately absent: files, sockets, clocks, threads. Tags come in as a [`sensai_model::TagStore`], time as
//! [`SysFacts`].
//!
//! [`analyse()`] understands a program's text, [`check()`] as the tier does that runs it; [`load`] makes a [`Program`] over a
//! [`Layout`] of it.

pub mod analyse;
mod arithmetic;
pub mod axis;
mod consequences;
pub mod cost;
pub mod debug;
mod environment;
mod evaluate;
mod fault;
pub mod finding;
pub mod hir;
pub mod interpreter;
pub mod layout;
pub mod lints;
mod lower;
pub mod migrate;
pub mod migrator;
mod names;
pub mod native;
pub mod pages;
pub mod ports;
pub mod program;
pub mod proofs;
pub mod ranges;
mod reach;
mod role;
mod sink;
pub mod syntax;
pub mod tier;
mod tree;
pub mod uses;

pub use analyse::{Analysed, Before, analyse, analyse_again, imports};
pub use environment::ScriptEnvironment;
pub use finding::{ScriptFinding, Severity};
pub use interpreter::{InterpretedProgram, compile};
pub use layout::Layout;
pub use ports::Ports;
pub use program::{Explain, FailureText, Program, ProgramError, RunContext, SysFacts};
pub use reach::{Reach, UsedAxis};
pub use role::{AssignedTag, Role};
pub use sink::{Found, Sink};
pub use tier::{LoadError, check, check_again, load, load_native, load_replacing};
