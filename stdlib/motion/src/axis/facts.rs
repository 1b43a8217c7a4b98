//! What an axis says of itself.

use super::error::AxisError;

/// States of an axis, PLCopen Motion Control part 1, figure "FB State Diagram".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AxisState {
    /// No power, no error.
    #[default]
    Disabled,
    /// Powered, at rest, no command in execution.
    Standstill,
    /// Moving to a target or to rest.
    DiscreteMotion,
    /// Moving at a velocity or with a torque.
    ContinuousMotion,
    /// Finding its position.
    Homing,
    /// Coming to rest, or held at rest, by a stop; motion commands are refused.
    Stopping,
    /// An error; only a reset leads out.
    ErrorStop,
    /// Moving with another axis. Reserved.
    SynchronizedMotion,
}

/// How a command stands, as PLCopen's outputs show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// The axis has not seen it yet.
    #[default]
    Pending,
    /// In execution.
    Busy,
    /// Done. A velocity or torque command is done when it reaches its value, and stays in execution.
    Done,
    /// Another command or a stop took over.
    CommandAborted,
    /// Refused, or ended by an error.
    Error(AxisError),
}

/// A command that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its number; 0 for none.
    pub id: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// What is known of an axis after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisFacts {
    /// Its state.
    pub state: AxisState,
    /// Set-point of this interval, in units; on a modulo axis within one turn.
    pub set_position: f64,
    /// Set-point's velocity, unit/s.
    pub set_velocity: f64,
    /// Set-point's acceleration, unit/s².
    pub set_acceleration: f64,
    /// Actual position, in units; on a modulo axis within one turn. Held while the inputs are invalid.
    pub position: f64,
    /// Actual velocity, unit/s: the drive's value, or else the difference of positions.
    pub velocity: f64,
    /// Actual torque, in percent of the rated torque; 0 where the drive does not tell.
    pub torque: f64,
    /// Set position minus actual position, in units. The set-point is the one of two intervals ago: what is staged in
    /// one interval reaches the drive at the beginning of the next, and the drive's answer comes with the one after.
    pub following_error: f64,
    /// The drive is in `OperationEnabled`, and the brake is open.
    pub powered: bool,
    /// The position is known. Not any more where a drive that was lost comes back at another place than it could have
    /// gone to: it may have been restarted.
    pub homed: bool,
    /// At rest, and the actual position is within the window around the set-point.
    pub in_position: bool,
    /// The error that led to `ErrorStop`.
    pub error: Option<AxisError>,
    /// Motion command in execution; 0 for none.
    pub active: u64,
    /// Power command in execution; 0 for none.
    pub powering: u64,
    /// Reset in execution; 0 for none.
    pub resetting: u64,
    /// The last command that was done.
    pub done: u64,
    /// The last command that was aborted.
    pub aborted: u64,
    /// The last command that failed.
    pub failed: u64,
    /// Why the last one failed.
    pub failed_error: Option<AxisError>,
    /// The greatest command number seen.
    pub seen: u64,
    /// The last commands that ended, newest first.
    pub recent: [Ended; AxisFacts::RECENT],
}

impl AxisFacts {
    /// How many ended commands are remembered.
    pub const RECENT: usize = 8;

    pub(super) const fn new() -> Self {
        Self {
            state: AxisState::Disabled,
            set_position: 0.0,
            set_velocity: 0.0,
            set_acceleration: 0.0,
            position: 0.0,
            velocity: 0.0,
            torque: 0.0,
            following_error: 0.0,
            powered: false,
            homed: false,
            in_position: false,
            error: None,
            active: 0,
            powering: 0,
            resetting: 0,
            done: 0,
            aborted: 0,
            failed: 0,
            failed_error: None,
            seen: 0,
            recent: [Ended { id: 0, outcome: Outcome::Pending }; Self::RECENT],
        }
    }

    /// How a command stands. One that ended so long ago that it is forgotten counts as aborted.
    pub fn outcome(&self, id: u64) -> Outcome {
        if id > self.seen || id == 0 {
            return Outcome::Pending;
        }
        if let Some(ended) = self.recent.iter().find(|ended| ended.id == id) {
            return ended.outcome;
        }
        let busy = [self.active, self.powering, self.resetting].contains(&id);
        if busy { Outcome::Busy } else { Outcome::CommandAborted }
    }
}

impl Default for AxisFacts {
    /// Before the first step.
    fn default() -> Self {
        Self::new()
    }
}
