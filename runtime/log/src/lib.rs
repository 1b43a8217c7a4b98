//! The cycle log: how every cycle gets from the cyclic thread into one file that can be read, verified and run again.
//!
//! Read first: `docs/cycle-log-format.md`. The way of a record: [`ring`] (shared memory, survives the process) →
//! [`writer`] (its own thread) → blocks in one file (survives the machine) → [`reader`].
//!
//! Deliberately absent: what a record means to a machine, replay, and every clock. The writer is given one.

pub mod append;
pub mod block;
pub mod change;
pub mod csv;
pub mod cut;
mod cycle_log;
mod drain;
pub mod epoch;
pub mod error;
pub mod keyframe;
pub mod patch;
pub mod payload;
pub mod reader;
mod recorder;
pub mod ring;
pub mod storage;
mod tail;
pub mod verify;
pub mod writer;

pub use append::Recovery;
pub use change::{EpochChange, EpochMark};
pub use cycle_log::{CycleLog, LogOptions};
pub use epoch::{Epoch, EpochSpec};
pub use error::LogError;
pub use keyframe::{Keyframe, KeyframeSlicer};
pub use reader::{LogReader, LogRecord, Start};
pub use recorder::Recorder;
pub use ring::Producer;
pub use verify::VerifyReport;
pub use writer::{LogStatistics, LogThread};
