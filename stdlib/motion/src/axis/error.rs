//! Errors of an axis and of its commands: stable numbers, small values.

use std::fmt;

/// Why an axis is in `ErrorStop`, or why a command was refused. The numbers are part of logs and scripts: they are
/// never given to another error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AxisError {
    /// 1: the following error exceeded its window for longer than allowed.
    FollowingError,
    /// 2: the drive is in `Fault`.
    DriveFault {
        /// Object 0x603F:00; 0 where the drive does not tell.
        code: u16,
    },
    /// 3: the drive's inputs were invalid for too long.
    DriveLost,
    /// 4: the target lies beyond a software limit, or the axis was stopped at one.
    SoftwareLimit,
    /// 5: a limit switch is active in the direction of motion.
    LimitSwitch {
        /// The one at the end of growing positions.
        positive: bool,
    },
    /// 6: the drive dropped to `SwitchOnDisabled` by itself: STO opened, or mains went.
    Sto,
    /// 7: the drive reported a homing error, or took too long.
    HomingFailed,
    /// 8: the command needs a homed axis.
    NotHomed,
    /// 9: the command needs a powered axis.
    NotPowered,
    /// 10: a number in the command is out of range.
    BadArgument,
    /// 11: the axis is stopping; motion commands are refused until the stop is released.
    Stopping,
    /// 12: the axis is in `ErrorStop`; it needs a reset.
    InErrorStop,
    /// 13: the command does not exist in this drive mode.
    WrongDriveMode,
    /// 14: the drive did not follow a command of its power state machine in time.
    DriveTimeout,
    /// 15: the drive does not show the mode of operation it was given.
    ModeNotTaken,
    /// 16: the actual speed exceeded the axis's limit while a torque was commanded.
    Overspeed,
    /// 17: the command needs an axis at standstill.
    NotStandstill,
    /// 18: the runtime does not allow power.
    NotEnabled,
    /// 19: the drive left `OperationEnabled` by itself, to a state with power.
    DriveDropped,
}

impl AxisError {
    /// The stable number.
    pub const fn id(self) -> u16 {
        match self {
            Self::FollowingError => 1,
            Self::DriveFault { .. } => 2,
            Self::DriveLost => 3,
            Self::SoftwareLimit => 4,
            Self::LimitSwitch { .. } => 5,
            Self::Sto => 6,
            Self::HomingFailed => 7,
            Self::NotHomed => 8,
            Self::NotPowered => 9,
            Self::BadArgument => 10,
            Self::Stopping => 11,
            Self::InErrorStop => 12,
            Self::WrongDriveMode => 13,
            Self::DriveTimeout => 14,
            Self::ModeNotTaken => 15,
            Self::Overspeed => 16,
            Self::NotStandstill => 17,
            Self::NotEnabled => 18,
            Self::DriveDropped => 19,
        }
    }

    /// What the number does not tell: the drive's error code, or 1 for the positive limit switch; else 0.
    pub const fn detail(self) -> u16 {
        match self {
            Self::DriveFault { code } => code,
            Self::LimitSwitch { positive } => positive as u16,
            _ => 0,
        }
    }

    /// From its number and detail.
    pub const fn from_id(id: u16, detail: u16) -> Option<Self> {
        Some(match id {
            1 => Self::FollowingError,
            2 => Self::DriveFault { code: detail },
            3 => Self::DriveLost,
            4 => Self::SoftwareLimit,
            5 => Self::LimitSwitch { positive: detail != 0 },
            6 => Self::Sto,
            7 => Self::HomingFailed,
            8 => Self::NotHomed,
            9 => Self::NotPowered,
            10 => Self::BadArgument,
            11 => Self::Stopping,
            12 => Self::InErrorStop,
            13 => Self::WrongDriveMode,
            14 => Self::DriveTimeout,
            15 => Self::ModeNotTaken,
            16 => Self::Overspeed,
            17 => Self::NotStandstill,
            18 => Self::NotEnabled,
            19 => Self::DriveDropped,
            _ => return None,
        })
    }
}

impl fmt::Display for AxisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FollowingError => f.write_str("following error beyond its window"),
            Self::DriveFault { code } => write!(f, "drive fault, error code {code:#06x}"),
            Self::DriveLost => f.write_str("drive lost: its inputs are invalid"),
            Self::SoftwareLimit => f.write_str("beyond a software limit"),
            Self::LimitSwitch { positive: true } => f.write_str("positive limit switch active"),
            Self::LimitSwitch { positive: false } => f.write_str("negative limit switch active"),
            Self::Sto => f.write_str("drive switched off by itself: STO open, or no mains"),
            Self::HomingFailed => f.write_str("homing failed or took too long"),
            Self::NotHomed => f.write_str("axis is not homed"),
            Self::NotPowered => f.write_str("axis is not powered"),
            Self::BadArgument => f.write_str("a number of the command is out of range"),
            Self::Stopping => f.write_str("axis is stopping"),
            Self::InErrorStop => f.write_str("axis is in an error stop: reset it first"),
            Self::WrongDriveMode => f.write_str("no such command in this drive mode"),
            Self::DriveTimeout => f.write_str("drive did not change its state in time"),
            Self::ModeNotTaken => f.write_str("drive does not show the mode of operation it was given"),
            Self::Overspeed => f.write_str("speed beyond the limit under torque control"),
            Self::NotStandstill => f.write_str("axis is not at standstill"),
            Self::NotEnabled => f.write_str("the runtime does not allow power"),
            Self::DriveDropped => f.write_str("drive left operation enabled by itself"),
        }
    }
}

impl std::error::Error for AxisError {}
