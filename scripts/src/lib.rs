//! Cell programs: how they are checked, what their state looks like, and the tiers that run them.
//!
//! Deliberately absent: files, sockets, clocks, threads. Tags come in as a [`TagStore`], time as [`SysFacts`].

pub mod layout;
pub mod program;

pub use layout::Layout;
pub use program::{Program, ProgramError, RunContext, SysFacts};
