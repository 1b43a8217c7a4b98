//! For tests: the laws that set-points obey, judged by differences of the sampled positions alone.
//!
//! The first, second and third difference quotient of a function is an average of its first, second and third derivative
//! over the samples' span. So where the derivative keeps its bound, the quotient does: exactly, not only for small
//! intervals. What remains is the rounding of the positions: an error of at most `rounding` in each makes at most
//! `2 rounding / dt`, `4 rounding / dt²` and `8 rounding / dt³`.

use crate::profile::Limits;

/// Bounds that hold in one interval. What was beyond a bound when it was lowered has to come back at the jerk allowed.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    velocity: f64,
    growing: f64,
    falling: f64,
    jerk: f64,
}

/// Judges one axis's positions.
#[derive(Clone, Debug)]
pub struct Watch {
    dt: f64,
    rounding: f64,
    /// Newest first.
    positions: [f64; 4],
    bounds: [Bounds; 3],
    limits: Limits,
    /// What the acceleration may still be from before, while the speed grows and while it falls.
    growing: f64,
    falling: f64,
    velocity_carried: f64,
    carried_s: f64,
}

impl Watch {
    /// An axis that has been at rest.
    pub fn new(position: f64, limits: Limits, dt: f64) -> Self {
        let bounds = Bounds {
            velocity: limits.velocity,
            growing: limits.acceleration,
            falling: limits.deceleration,
            jerk: limits.jerk,
        };
        Self {
            dt,
            rounding: 0.0,
            positions: [position; 4],
            bounds: [bounds; 3],
            limits,
            growing: limits.acceleration,
            falling: limits.deceleration,
            velocity_carried: 0.0,
            carried_s: 0.0,
        }
    }

    /// Largest error of a position.
    pub fn allow(&mut self, rounding: f64) {
        self.rounding = self.rounding.max(rounding);
    }

    /// A jump that is meant: the history begins again.
    pub fn restart(&mut self, position: f64) {
        *self = Self { rounding: self.rounding, ..Self::new(position, self.limits, self.dt) };
    }

    /// Limits change at a velocity and acceleration. Until the speed can have come back inside, the one stands that is
    /// reached when the acceleration is taken back at once.
    pub fn change_limits(&mut self, limits: Limits, velocity: f64, acceleration: f64) {
        let settling = velocity + acceleration * acceleration.abs() / (2.0 * limits.jerk);
        let carried = velocity.abs().max(settling.abs());
        if carried > limits.velocity {
            let steepest = limits.deceleration.max(limits.acceleration).max(acceleration.abs()) / limits.jerk;
            self.velocity_carried = carried;
            self.carried_s = carried / limits.deceleration + 4.0 * steepest + 2.0 * self.dt;
        }
        if self.limits != (Limits { velocity: self.limits.velocity, ..limits }) {
            // With less jerk than before, the velocity may change its sign before the braking has ended.
            let greatest = self.growing.max(self.falling);
            (self.growing, self.falling) = (greatest, greatest);
        }
        self.limits = limits;
    }

    /// The next position, `None` or what is wrong with it.
    pub fn next(&mut self, position: f64) -> Result<(), String> {
        let Self { dt, limits, .. } = *self;
        self.carried_s -= dt;
        let decay = limits.jerk * dt;
        let carried = if self.carried_s > 0.0 { self.velocity_carried } else { 0.0 };
        let bounds = Bounds {
            velocity: limits.velocity.max(carried),
            // Of the interval's beginning: what was beyond is there still, and shrinks in its course.
            growing: limits.acceleration.max(self.growing),
            falling: limits.deceleration.max(self.falling),
            jerk: limits.jerk,
        };
        self.growing = limits.acceleration.max(self.growing - decay);
        self.falling = limits.deceleration.max(self.falling - decay);
        self.bounds = [bounds, self.bounds[0], self.bounds[1]];
        let [x1, x2, x3, _] = self.positions;
        self.positions = [position, x1, x2, x3];
        let most = |of: fn(&Bounds) -> f64, intervals: usize| {
            self.bounds.iter().take(intervals).map(of).fold(0.0, f64::max)
        };
        let (v, v1) = ((position - x1) / dt, (x1 - x2) / dt);
        let a = ((position - x1) - (x1 - x2)) / dt / dt;
        let j = ((position - x1) - 2.0 * (x1 - x2) + (x2 - x3)) / dt / dt / dt;
        let noise = self.rounding + f64::EPSILON * 4.0 * position.abs();
        // Which of the two bounds holds is only sure where the velocity did not change its sign.
        let (growing, falling) = (most(|b| b.growing, 2), most(|b| b.falling, 2));
        let still = 2.0 * noise / dt + growing.max(falling) * dt;
        let a_bound = match (v.min(v1) > still, v.max(v1) < -still) {
            (true, _) => {
                if a > 0.0 {
                    growing
                } else {
                    falling
                }
            }
            (_, true) => {
                if a < 0.0 {
                    growing
                } else {
                    falling
                }
            }
            _ => growing.max(falling),
        };
        let judge = |name: &str, value: f64, bound: f64, noise: f64| {
            let allowed = bound * (1.0 + 1e-9) + noise;
            if value.abs() <= allowed {
                return Ok(());
            }
            Err(format!("{name} {value:e} at {position}, bound {bound:e}, rounding {noise:e}"))
        };
        judge("velocity", v, most(|b| b.velocity, 1), 2.0 * noise / dt)?;
        judge("acceleration", a, a_bound, 4.0 * noise / dt / dt)?;
        judge("jerk", j, most(|b| b.jerk, 3), 8.0 * noise / dt / dt / dt)
    }
}
