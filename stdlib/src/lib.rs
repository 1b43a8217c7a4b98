//! Function blocks and library functions for cell programs: IEC 61131-3, closed-loop control, and the small plant
//! models of a twin.
//!
//! A block is a `#[repr(C)]` plain struct without padding: its bytes are its state, and equal histories give equal
//! bytes on every machine. Read [`registry`] first: it describes every block (constructor, methods, pins) and calls it
//! on a slice of bytes, which is how both script tiers use it.
//!
//! All blocks follow three rules, and the tests hold them to it:
//! - *Time is an argument.* `dt_ns` is the nominal time since the last call in integer nanoseconds; a cycle that stands
//!   for skipped ones gives a multiple of the interval. A negative `dt_ns` counts as zero.
//! - *What is not finite does not enter the state.* An input that is NaN or infinite, or so large that the result
//!   would be, leaves the outputs as they are and sets `ERR` for as long as it lasts; each block says so itself.
//! - *No panic*, whatever the arguments and whatever the bytes of the state.
//!
//! Deliberately absent: clocks, allocation, threads, files.

pub mod bistable;
pub mod control;
pub mod counters;
pub mod edges;
pub mod error;
pub mod flag;
mod number;
pub mod registry;
#[cfg(test)]
mod testing;
pub mod time;
pub mod timers;
pub mod twin;

pub use error::BlockError;
pub use flag::Flag;
