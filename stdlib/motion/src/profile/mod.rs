//! Set-points with bounded velocity, acceleration and jerk, from any state, to a position or a velocity.
//!
//! Read first: Kröger and Wahl, "Online Trajectory Generation: Basic Concepts for Instantaneous Reactions to Unforeseen
//! Events" (IEEE Transactions on Robotics 26, 2010), for the problem; the way here is simpler, because all motions end
//! at rest or at a constant velocity. A motion to a position is a change to a peak velocity, a stretch at it, and a
//! change to 0. The way travelled is a continuous function of the peak velocity, so bisection finds the peak; the work
//! is bounded. `change` has the velocity changes, `plan` the peak, `generator` what the axis calls.

mod change;
mod generator;
mod plan;

pub use generator::{Generator, Goal};
pub use plan::Plan;
pub(crate) use plan::Segment;

/// Bounds of a motion, all positive, in units of the axis and seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Greatest speed.
    pub velocity: f64,
    /// Greatest acceleration while the speed grows.
    pub acceleration: f64,
    /// Greatest acceleration while the speed falls.
    pub deceleration: f64,
    /// Greatest jerk; infinite for none.
    pub jerk: f64,
}

/// A point of a motion.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Setpoint {
    /// In units.
    pub position: f64,
    /// In unit/s.
    pub velocity: f64,
    /// In unit/s².
    pub acceleration: f64,
}

impl Setpoint {
    /// At rest.
    pub const fn at(position: f64) -> Self {
        Self { position, velocity: 0.0, acceleration: 0.0 }
    }

    /// Neither moving nor about to.
    pub fn is_at_rest(&self) -> bool {
        self.velocity == 0.0 && self.acceleration == 0.0
    }
}

#[cfg(test)]
mod tests;
