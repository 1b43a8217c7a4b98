//! The set-point generator: a goal that may change at any time, one set-point an interval.

use super::{Limits, Plan, Setpoint};

/// Below this share of the commanded speed the override is a feed hold.
const LEAST_FACTOR: f64 = 1e-4;

/// Where a motion shall go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// To rest, wherever that is.
    Rest,
    /// To rest at a position.
    Position {
        /// In units.
        position: f64,
        /// Greatest speed on the way, unit/s; the override scales it.
        velocity: f64,
    },
    /// To a signed velocity, unit/s; the override scales it.
    Velocity(f64),
}

/// Generates set-points. The velocity is continuous always, the acceleration wherever the jerk is bounded; neither
/// exceeds its bound, except that what lies beyond a bound when the bound is lowered returns as fast as jerk and
/// acceleration allow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Generator {
    pub(crate) current: Setpoint,
    pub(crate) goal: Goal,
    pub(crate) limits: Limits,
    /// Factor on the goal's speed, 0 to 2.
    pub(crate) factor: f64,
    /// Positions that a motion at a velocity keeps within.
    pub(crate) bounds: Option<(f64, f64)>,
    pub(crate) plan: Plan,
    /// Since the plan began.
    pub(crate) elapsed_ns: u64,
    /// The plan was made without a bound of the jerk: its acceleration may end at once.
    pub(crate) free: bool,
    /// Goal, limits, factor or bounds changed since the plan was made.
    pub(crate) stale: bool,
}

impl Generator {
    /// At rest.
    pub const fn new(position: f64, limits: Limits) -> Self {
        Self {
            current: Setpoint::at(position),
            goal: Goal::Rest,
            limits,
            factor: 1.0,
            bounds: None,
            plan: Plan::rest(position),
            elapsed_ns: 0,
            free: false,
            stale: false,
        }
    }

    /// The set-point of this interval.
    pub const fn current(&self) -> Setpoint {
        self.current
    }

    /// Where it goes.
    pub const fn goal(&self) -> Goal {
        self.goal
    }

    /// Rest at a position, at once: for a drive that is not following, whose position the set-point takes over.
    pub fn reset(&mut self, position: f64) {
        *self = Self { factor: self.factor, bounds: self.bounds, ..Self::new(position, self.limits) };
    }

    /// Another goal, from the present set-point on, within these limits.
    pub fn retarget(&mut self, goal: Goal, limits: Limits) {
        if self.goal != goal || self.limits != limits {
            (self.goal, self.limits, self.stale) = (goal, limits, true);
        }
    }

    /// Another factor on the goal's speed; clamped to 0 to 2, and 0 where it is not a number.
    pub fn set_override(&mut self, factor: f64) {
        // The comparison is false for NaN as well.
        let factor = if factor >= LEAST_FACTOR { factor.min(2.0) } else { 0.0 };
        if self.factor != factor {
            self.factor = factor;
            self.stale |= self.goal != Goal::Rest;
        }
    }

    /// Positions that a motion at a velocity keeps within: it ends at rest at the one it meets.
    pub fn set_bounds(&mut self, bounds: Option<(f64, f64)>) {
        if self.bounds != bounds {
            self.bounds = bounds;
            self.stale |= matches!(self.goal, Goal::Velocity(_));
        }
    }

    /// The next set-point.
    pub fn advance(&mut self, interval_ns: u64) -> Setpoint {
        if self.stale {
            self.plan = self.plan_from(self.start());
            (self.elapsed_ns, self.stale) = (0, false);
            self.free = !self.limits.jerk.is_finite();
        }
        self.elapsed_ns = self.elapsed_ns.saturating_add(interval_ns);
        self.current = self.plan.at(self.elapsed_ns as f64 * 1e-9);
        self.current
    }

    /// The goal is reached: at rest, at the position, or at the velocity. Never under a feed hold on the way.
    pub fn is_at_goal(&self) -> bool {
        let settled = self.elapsed_ns as f64 * 1e-9 >= self.plan.duration();
        let there = match self.goal {
            Goal::Rest => settled,
            Goal::Position { position, .. } => settled && self.current.position == position,
            Goal::Velocity(0.0) => settled,
            Goal::Velocity(velocity) => {
                self.factor > 0.0 && self.current.velocity == self.speed().copysign(velocity)
            }
        };
        !self.stale && self.current.acceleration == 0.0 && there
    }

    /// At rest at one of the bounds, by a goal that leads beyond it.
    pub fn is_at_bound(&self) -> bool {
        self.bound_ahead().is_some_and(|bound| self.current == Setpoint::at(bound))
    }

    /// Where it would come to rest if it were told to now.
    pub fn stopping_position(&self) -> f64 {
        Plan::to_velocity(self.start(), 0.0, &self.limits).end().position
    }

    /// Where the next plan begins.
    fn start(&self) -> Setpoint {
        if self.free { Setpoint { acceleration: 0.0, ..self.current } } else { self.current }
    }

    fn speed(&self) -> f64 {
        match self.goal {
            Goal::Rest => 0.0,
            Goal::Position { velocity, .. } | Goal::Velocity(velocity) => {
                (velocity.abs() * self.factor).min(self.limits.velocity)
            }
        }
    }

    fn bound_ahead(&self) -> Option<f64> {
        let (least, greatest) = self.bounds?;
        match self.goal {
            Goal::Velocity(velocity) if velocity > 0.0 => Some(greatest),
            Goal::Velocity(velocity) if velocity < 0.0 => Some(least),
            _ => None,
        }
    }

    fn plan_from(&self, from: Setpoint) -> Plan {
        let speed = self.speed();
        let limits = Limits { velocity: speed, ..self.limits };
        match self.goal {
            Goal::Position { position, .. } if speed > 0.0 => Plan::to_position(from, position, &limits),
            Goal::Velocity(velocity) if speed > 0.0 => match self.bound_ahead() {
                Some(bound) => Plan::to_position(from, bound, &limits),
                None => Plan::to_velocity(from, speed.copysign(velocity), &limits),
            },
            _ => Plan::to_velocity(from, 0.0, &limits),
        }
    }
}
