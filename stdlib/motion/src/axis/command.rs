//! Commands: what a program or an operator asks of an axis.

/// Which way a modulo axis turns to an absolute position. Counted from where it could stop, so that none of them makes
/// an axis turn back that is moving the right way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The shorter way; the positive one of two that are equal.
    #[default]
    Shortest,
    /// Towards growing positions.
    Positive,
    /// Towards falling positions.
    Negative,
}

/// One command, with acceleration, deceleration and jerk from the axis's limits. Names and meaning: PLCopen Motion
/// Control part 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AxisCommand {
    /// Power on, or stop and power off.
    Power(bool),
    /// Out of `ErrorStop`: acknowledges the error, and the drive's fault.
    Reset,
    /// Finds the position, as the settings say.
    Home,
    /// To a position.
    MoveAbsolute {
        /// Target, in units; on a modulo axis within a turn or beyond it.
        position: f64,
        /// Speed, unit/s, greater than 0; more than the axis's limit means the limit.
        velocity: f64,
        /// On a modulo axis: which way.
        direction: Direction,
    },
    /// By a distance, from the set position in this interval.
    MoveRelative {
        /// Distance, in units.
        distance: f64,
        /// Speed, unit/s, greater than 0; more than the axis's limit means the limit.
        velocity: f64,
    },
    /// At a velocity until something else is asked; ends at rest at a software limit.
    MoveVelocity {
        /// Signed velocity, unit/s; more than the axis's limit means the limit.
        velocity: f64,
    },
    /// A torque; only in [`super::DriveMode::Cst`].
    Torque {
        /// In percent of the rated torque, within `torque_limit`.
        torque: f64,
        /// Percent per second, greater than 0.
        ramp: f64,
    },
    /// To rest on the axis's limits; any motion command may take over.
    Halt,
    /// To rest on the stop ramp. Motion commands are refused until [`AxisCommand::ReleaseStop`].
    Stop,
    /// Ends the `Stopping` that [`AxisCommand::Stop`] began, once the axis is at rest.
    ReleaseStop,
}

/// A command with its number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Commanded {
    /// Greater than 0, and growing with each command of the axis. A number that was seen before is ignored.
    pub id: u64,
    /// What to do.
    pub command: AxisCommand,
}
