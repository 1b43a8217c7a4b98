//! Motion: all that is pure about axes.
//!
//! - [`cia402`]: the power drive state machine of a drive.
//! - [`profile`]: set-points with bounded velocity, acceleration and jerk, towards goals that may change at any time.
//! - [`axis`]: an axis as PLCopen Motion Control has it: commands, stops, homing, supervision, power and brake.
//!
//! Pure: what the drive says, commands and time go in, what the drive is told and facts come out. Nothing here blocks or
//! asks a clock, and nothing allocates once an axis is set up.
//!
//! Deliberately absent: several axes moving as one (gearing, cams, interpolation), tuning of drives, and the objects of a
//! drive that are written once before operation.

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

/// Whether the tests shall take their time.
#[cfg(test)]
mod soak {
    pub fn is_asked_for() -> bool {
        std::env::var_os("SENSAI_SOAK").is_some()
    }
}
