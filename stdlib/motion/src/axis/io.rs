//! What the axis and its drive tell each other, and what the runtime asks of the axis.

use super::settings::StopCategory;

/// What the drive's process data says in this interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriveInputs {
    /// The values below were received in this interval. When false they are ignored.
    pub valid: bool,
    /// Object 0x6041:00.
    pub statusword: u16,
    /// Object 0x6064:00, position actual value, in counts. Only the low 32 bits count: the axis follows overflows.
    pub position: i64,
    /// Object 0x606C:00, velocity actual value, in counts/s.
    pub velocity: Option<i64>,
    /// Object 0x6077:00, torque actual value, in 0.1 % of the rated torque.
    pub torque: Option<i64>,
    /// Object 0x6061:00, modes of operation display.
    pub mode_display: Option<i8>,
    /// Object 0x603F:00.
    pub error_code: Option<u16>,
    /// Object 0x60FD:00: bit 0 negative limit switch, bit 1 positive limit switch, bit 2 home switch.
    pub digital_inputs: Option<u32>,
}

/// What the drive is told in this interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriveOutputs {
    /// Object 0x6040:00.
    pub controlword: u16,
    /// Object 0x607A:00, in counts; wraps as the drive's own position does.
    pub target_position: i32,
    /// Object 0x60FF:00, in counts/s.
    pub target_velocity: i32,
    /// Object 0x6071:00, in 0.1 % of the rated torque.
    pub target_torque: i16,
    /// Object 0x6060:00.
    pub mode: i8,
    /// Object 0x60B1:00, in counts/s: the set-point's velocity, as a feed-forward in [`super::DriveMode::Csp`].
    pub velocity_offset: i32,
    /// Object 0x60B2:00, in 0.1 % of the rated torque.
    pub torque_offset: i16,
    /// The holding brake is commanded open.
    pub brake: bool,
}

/// A stop that the runtime asks for: a script's fault, runtime Stop, shutdown, emergency. It stands as long as it is
/// asked for; afterwards a stop of category 0 or 1 needs a new [`super::AxisCommand::Power`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopRequest {
    /// As the axis's settings say.
    Configured,
    /// In this category, whatever the settings say.
    Category(StopCategory),
}

/// What the runtime asks of an axis in this interval, beside commands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisRequest {
    /// Factor on the commanded velocity, 0 to 2; 0 is a feed hold. Never lifts the axis's own limit. Not a number
    /// counts as 0, everything else is clamped.
    pub override_factor: f64,
    /// The runtime's own stop.
    pub stop: Option<StopRequest>,
    /// Power is allowed. When it is withdrawn, the axis stops as its category says, and power is removed.
    pub enable: bool,
}

impl Default for AxisRequest {
    /// Full speed, no stop, power allowed.
    fn default() -> Self {
        Self { override_factor: 1.0, stop: None, enable: true }
    }
}
