//! A simulated segment: real frames in, real frames out, and faults on request.
//!
//! [`Segment::process`] is all there is to it: a frame passes every [`SimulatedDevice`] in bus order and comes
//! back. Around it are two shells, [`InProcess`] and [`serve`].
//!
//! Deliberately absent: any clock (time is an argument of `process`), and knowledge of tags or scripts.
//! Read first: ETG.1000.4 and ETG.1000.6; the ESC data sheet for what registers do when they are touched.

mod coe;
mod dc;
mod device;
mod dictionary;
pub mod drive;
mod eeprom;
mod faults;
mod frame;
mod logical;
mod mailbox;
mod memory;
mod process_data;
pub mod registers;
mod sdo_info;
mod segment;
mod state;
mod trace;
mod watchdog;
mod wire;

#[cfg(test)]
mod tests;

pub use coe::Emergency;
pub use device::SimulatedDevice;
pub use drive::{Drive, DriveFault, power::PowerState};
pub use eeprom::Eeprom;
pub use faults::{Fault, random_faults};
pub use segment::{DevicePlace, PlantTiming, Segment};
pub use state::{AlState, code};
pub use trace::{Trace, TraceEvent, TraceKind};
pub use wire::{InProcess, Line, WireCounters, WireFault, WireRates, serve};
