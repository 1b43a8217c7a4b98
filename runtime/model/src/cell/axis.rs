//! `[axes.<name>]`: an axis and the drive behind it.

use crate::BitField;

/// Mode of operation in which the drive is cyclically commanded (CiA 402, object 6060).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveMode {
    /// Cyclic synchronous position, 8.
    Csp,
    /// Cyclic synchronous velocity, 9.
    Csv,
    /// Cyclic synchronous torque, 10.
    Cst,
}

/// What an axis does when the runtime has to stop it (IEC 60204-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCategory {
    /// Power off at once.
    Zero,
    /// Ramp to rest, then power off.
    One,
    /// Ramp to rest, and hold with power.
    Two,
}

/// How an axis finds its zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Homing {
    /// The encoder is absolute: nothing to do, the offset in units is added.
    Absolute {
        /// Axis position where the drive shows zero, units.
        offset: f64,
    },
    /// Where it stands becomes this position, units.
    CurrentPosition {
        /// Position after homing, units.
        position: f64,
    },
    /// The drive does it, in mode of operation 6.
    Drive {
        /// Object 6098.
        method: i8,
        /// Position after homing, units.
        position: f64,
        /// Longest time it may take, ns.
        timeout_ns: u64,
    },
}

/// Entries of the drive's process data, as fields of the cell's images. What is `None` the drive does not map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriveEntries {
    /// 6040, output image.
    pub controlword: BitField,
    /// 6041, input image.
    pub statusword: BitField,
    /// 6064, input image, counts.
    pub position_actual: BitField,
    /// 607A, output image, counts. Always there in CSP.
    pub target_position: Option<BitField>,
    /// 60FF, output image, counts/s. Always there in CSV.
    pub target_velocity: Option<BitField>,
    /// 6071, output image, 0.1 % of the rated torque. Always there in CST.
    pub target_torque: Option<BitField>,
    /// 6060, output image. Always there if the drive does the homing.
    pub mode: Option<BitField>,
    /// 6061, input image.
    pub mode_display: Option<BitField>,
    /// 606C, input image, counts/s.
    pub velocity_actual: Option<BitField>,
    /// 6077, input image, 0.1 % of the rated torque.
    pub torque_actual: Option<BitField>,
    /// 603F, input image.
    pub error_code: Option<BitField>,
    /// 60FD, input image: bit 0 negative limit switch, bit 1 positive, bit 2 home switch.
    pub digital_inputs: Option<BitField>,
    /// 60FE:01, output image: bit 0 applies the brake.
    pub digital_outputs: Option<BitField>,
}

/// A holding brake that the runtime works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// From "released" until the axis may move, ns.
    pub release_ns: u64,
    /// From "applied" until the power may go, ns.
    pub apply_ns: u64,
}

/// An axis: a runtime object that owns a drive.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// `[axes.<name>]`.
    pub name: String,
    /// Index into [`super::Cell::devices`].
    pub device: u16,
    /// Which axis of the device, from 1: its objects lie 0x800 × (channel − 1) higher.
    pub channel: u16,
    /// Where the drive's process data lies.
    pub entries: DriveEntries,
    /// UCUM unit of a position: `mm` or `deg`.
    pub unit: String,
    /// Counts of the drive's encoder for one unit; negative turns the direction round. Never 0.
    pub counts_per_unit: f64,
    /// Units of one revolution of the motor, for the simulated shaft; positive.
    pub feed: f64,
    /// Length of one turn of a modulo axis, units.
    pub modulo: Option<f64>,
    /// Software limits, units.
    pub software_limits: Option<(f64, f64)>,
    /// Units/s.
    pub velocity_max: f64,
    /// Units/s².
    pub acceleration: f64,
    /// Units/s².
    pub deceleration: f64,
    /// Units/s³; `None`: trapezoid.
    pub jerk: Option<f64>,
    /// Units/s², for stops by the runtime.
    pub stop_deceleration: f64,
    /// Units/s³, for stops by the runtime.
    pub stop_jerk: Option<f64>,
    /// Largest following error, units.
    pub following_window: f64,
    /// How long it may be larger, ns.
    pub following_time_ns: u64,
    /// Largest distance from the target that counts as there, units.
    pub in_position_window: f64,
    /// How it is commanded.
    pub mode: DriveMode,
    /// Position gain of the loop that the runtime closes in CSV, 1/s.
    pub position_gain: f64,
    /// How it finds its zero.
    pub homing: Homing,
    /// What a stop by the runtime does.
    pub stop_category: StopCategory,
    /// Force pulls at it when it has no power: category 0 is refused, the brake must be there.
    pub vertical: bool,
    /// Its brake.
    pub brake: Option<Brake>,
}
