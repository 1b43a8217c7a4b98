//! The power drive state machine of CiA 402.
//!
//! Read first: IEC 61800-7-201, "Power drive system finite state automaton" (state diagram with transitions 0 to 16, the
//! command table of object 0x6040 and the state table of object 0x6041). `words` holds those tables, `drive` walks
//! through them.

mod drive;
mod words;

pub use drive::{Goal, PowerDrive, Progress, Step, Timeouts};
pub use words::{Cia402, Command, Controlword, Statusword, Transition};
