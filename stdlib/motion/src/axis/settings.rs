//! What an axis is: fixed when the cell is set up, checked once, then trusted.

use std::fmt;

/// Bounds of every set-point, in units of the axis (mm or degrees) and seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotionLimits {
    /// Largest speed, unit/s.
    pub velocity: f64,
    /// Largest acceleration while the speed grows, unit/s².
    pub acceleration: f64,
    /// Largest acceleration while the speed falls, unit/s².
    pub deceleration: f64,
    /// Largest jerk, unit/s³; `None` lets the acceleration step (trapezoidal velocity).
    pub jerk: Option<f64>,
}

/// What the drive is given every interval: a cyclic synchronous mode of CiA 402.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DriveMode {
    /// Cyclic synchronous position, mode of operation 8. The drive closes the position loop.
    Csp,
    /// Cyclic synchronous velocity, mode of operation 9. The axis closes the position loop.
    Csv,
    /// Cyclic synchronous torque, mode of operation 10. Nothing is known of positions to reach.
    Cst,
}

impl DriveMode {
    /// Value of object 0x6060:00.
    pub const fn mode_of_operation(self) -> i8 {
        match self {
            Self::Csp => 8,
            Self::Csv => 9,
            Self::Cst => 10,
        }
    }
}

/// How the axis learns where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Homing {
    /// Where the axis stands when it is homed is called `position` (CiA 402 homing method 37, done by the axis).
    CurrentPosition {
        /// Position, in units.
        position: f64,
    },
    /// The encoder is absolute: the axis is homed from the first valid input on.
    Absolute {
        /// Position, in units, where the drive shows 0 counts.
        offset: f64,
    },
    /// The drive homes itself in its own homing mode (mode of operation 6).
    Drive {
        /// Object 0x6098:00. Written before operation by whoever sets the drive up.
        method: i8,
        /// Position, in units, where the drive shows 0 counts after homing.
        offset: f64,
        /// Object 0x6099, unit/s. Written before operation by whoever sets the drive up.
        velocity: f64,
        /// How long it may take, in nanoseconds.
        timeout_ns: u64,
    },
}

/// Stop categories of IEC 60204-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopCategory {
    /// Power is removed at once; the axis coasts or its brake holds it.
    Category0,
    /// The axis comes to rest on its stop ramp, then power is removed.
    Category1,
    /// The axis comes to rest on its stop ramp and is held there under power.
    Category2,
}

impl StopCategory {
    /// From its number.
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Category0),
            1 => Some(Self::Category1),
            2 => Some(Self::Category2),
            _ => None,
        }
    }
}

/// A holding brake that the axis itself commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrakeSettings {
    /// From the command to release until the brake is open: no motion before it has passed.
    pub release_ns: u64,
    /// From the command to apply until the brake holds: the drive stays powered until it has passed.
    pub apply_ns: u64,
}

/// Everything that is fixed about an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisSettings {
    /// Counts of the drive per unit of the axis; negative where the drive counts the other way.
    pub counts_per_unit: f64,
    /// Length of one turn, in units, for an axis that turns endlessly.
    pub modulo: Option<f64>,
    /// Bounds of every set-point.
    pub limits: MotionLimits,
    /// Least and greatest position, in units; in force while the axis is homed. Not with `modulo`.
    pub software_limits: Option<(f64, f64)>,
    /// Largest following error, in units. Compared with the set-point that the drive had when it measured, see
    /// [`crate::axis::AxisFacts::following_error`].
    pub following_window: f64,
    /// How long the following error may exceed its window.
    pub following_time_ns: u64,
    /// Largest distance between target and actual position, in units, for a move to be done.
    pub in_position_window: f64,
    /// Which set-point the drive takes.
    pub drive_mode: DriveMode,
    /// How the axis learns where it is.
    pub homing: Homing,
    /// What a stop and an error do; see [`StopCategory`].
    pub stop_category: StopCategory,
    /// Deceleration of stops and errors, unit/s²; at least `limits.deceleration`.
    pub stop_deceleration: f64,
    /// Jerk of stops and errors, unit/s³; at least `limits.jerk`, `None` for no bound.
    pub stop_jerk: Option<f64>,
    /// The holding brake, where the drive does not command it itself.
    pub brake: Option<BrakeSettings>,
    /// Position loop of [`DriveMode::Csv`]: velocity per position error, 1/s.
    pub velocity_gain: f64,
    /// Largest torque of [`DriveMode::Cst`], in percent of the rated torque, at most 3276.
    pub torque_limit: f64,
    /// How long the drive's inputs may be invalid before it counts as lost; the set-points run on meanwhile.
    pub lost_after_ns: u64,
    /// The cycle's interval: one set-point each.
    pub interval_ns: u64,
}

/// One rule that the settings break.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SettingsError {
    /// Field of [`AxisSettings`].
    pub field: &'static str,
    /// What was expected.
    pub expected: &'static str,
    /// What was there.
    pub actual: f64,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.field, self.expected, self.actual)
    }
}

impl std::error::Error for SettingsError {}

impl AxisSettings {
    /// The interval in seconds.
    pub fn interval_s(&self) -> f64 {
        self.interval_ns as f64 * 1e-9
    }

    /// Every rule that is broken.
    ///
    /// # Errors
    ///
    /// All findings at once, in the order of the fields.
    pub fn check(&self) -> Result<(), Vec<SettingsError>> {
        let mut found = Vec::new();
        let mut rule = |holds: bool, field, expected, actual| {
            if !holds {
                found.push(SettingsError { field, expected, actual });
            }
        };
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let none = f64::INFINITY;
        let counts = self.counts_per_unit;
        rule(counts.is_finite() && counts != 0.0, "counts_per_unit", "a finite number other than 0", counts);
        if let Some(modulo) = self.modulo {
            rule(positive(modulo), "modulo", "a positive number of units", modulo);
        }
        let limits = self.limits;
        rule(positive(limits.velocity), "limits.velocity", "a positive speed", limits.velocity);
        rule(
            positive(limits.acceleration),
            "limits.acceleration",
            "a positive acceleration",
            limits.acceleration,
        );
        rule(
            positive(limits.deceleration),
            "limits.deceleration",
            "a positive deceleration",
            limits.deceleration,
        );
        let jerk = limits.jerk.unwrap_or(none);
        rule(limits.jerk.is_none_or(positive), "limits.jerk", "a positive jerk", jerk);
        if let Some((least, greatest)) = self.software_limits {
            let ordered = least.is_finite() && greatest.is_finite() && least < greatest;
            rule(ordered, "software_limits", "two finite positions, the lower one first", greatest - least);
            rule(
                self.modulo.is_none(),
                "software_limits",
                "none on a modulo axis",
                self.modulo.unwrap_or_default(),
            );
        }
        rule(
            positive(self.following_window),
            "following_window",
            "a positive distance",
            self.following_window,
        );
        rule(
            positive(self.in_position_window),
            "in_position_window",
            "a positive distance",
            self.in_position_window,
        );
        let reference = match self.homing {
            Homing::CurrentPosition { position } => position,
            Homing::Absolute { offset } | Homing::Drive { offset, .. } => offset,
        };
        rule(reference.is_finite(), "homing", "a finite position", reference);
        if let Homing::Drive { velocity, timeout_ns, .. } = self.homing {
            rule(positive(velocity), "homing.velocity", "a positive speed", velocity);
            rule(timeout_ns > 0, "homing.timeout_ns", "a positive time", 0.0);
        }
        rule(
            positive(self.stop_deceleration) && self.stop_deceleration >= limits.deceleration,
            "stop_deceleration",
            "at least limits.deceleration: a weaker stop would leave the software limits",
            self.stop_deceleration,
        );
        let stop_jerk = self.stop_jerk.unwrap_or(none);
        rule(
            self.stop_jerk.is_none_or(positive) && stop_jerk >= jerk,
            "stop_jerk",
            "at least limits.jerk: a weaker stop would leave the software limits",
            stop_jerk,
        );
        if self.drive_mode == DriveMode::Csv {
            let gain = self.velocity_gain;
            rule(gain.is_finite() && gain >= 0.0, "velocity_gain", "0 or a positive number", gain);
        }
        if self.drive_mode == DriveMode::Cst {
            let limit = self.torque_limit;
            rule(
                positive(limit) && limit <= 3276.0,
                "torque_limit",
                "a positive percentage, at most 3276",
                limit,
            );
        }
        let interval = self.interval_ns;
        rule((1_000..=1_000_000_000).contains(&interval), "interval_ns", "1 µs to 1 s", interval as f64);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}
