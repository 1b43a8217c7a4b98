//! Motion: the part of a drive that is the same for every axis.
//!
//! Pure: statusword and time go in, controlword comes out; nothing here allocates, blocks or asks a clock.
//!
//! Here today: the CiA 402 power drive state machine, [`cia402`].
//!
//! Not here yet: trajectory profiles, axis logic (homing, limits, following error, stop categories, brake), the modes
//! of operation (`Csp`, `Csv`, `Cst`) and their set-points. Nothing in this crate moves an axis by itself.

pub mod axis;
pub mod cia402;
#[cfg(test)]
mod laws;
pub mod profile;

pub use axis::{
    Axis, AxisCommand, AxisError, AxisFacts, AxisRequest, AxisSettings, AxisState, BrakeSettings, Commanded,
    Direction, DriveInputs, DriveMode, DriveOutputs, Homing, MotionLimits, Outcome, SettingsError,
    StopCategory, StopRequest,
};
pub use cia402::{Cia402, Command, Controlword, Goal, PowerDrive, Progress, Statusword, Timeouts};
