//! From one velocity and acceleration to another velocity at acceleration 0, as fast as the limits allow.
//!
//! With a bounded jerk the acceleration is a trapezoid over time: up to a peak, held, down to 0. Mirrored so that the
//! change is upwards, everything has a closed form. `v + a·|a| / 2j` is the velocity at which the acceleration would be
//! 0 if it were taken back at once; on which side of it the wanted velocity lies decides the direction.

use super::Limits;

/// A stretch of constant jerk.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Phase {
    /// In seconds.
    pub duration: f64,
    /// At the beginning.
    pub acceleration: f64,
    pub jerk: f64,
}

/// The phases of one or two velocity changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Phases {
    phases: [Phase; Self::MAX],
    len: usize,
}

impl Phases {
    /// Down to rest and up again: back inside the limit, to the peak, held, to 0, each once.
    pub const MAX: usize = 8;

    const fn new() -> Self {
        Self { phases: [Phase { duration: 0.0, acceleration: 0.0, jerk: 0.0 }; Self::MAX], len: 0 }
    }

    pub fn as_slice(&self) -> &[Phase] {
        self.phases.get(..self.len).unwrap_or(&[])
    }

    fn push(&mut self, duration: f64, acceleration: f64, jerk: f64) {
        // Rounding may leave a duration a little below 0.
        if duration > 0.0
            && let Some(phase) = self.phases.get_mut(self.len)
        {
            *phase = Phase { duration, acceleration, jerk };
            self.len += 1;
        }
    }

    /// The way travelled from velocity `v`.
    pub fn distance(&self, mut v: f64) -> f64 {
        let mut distance = 0.0;
        for &Phase { duration: t, acceleration: a, jerk: j } in self.as_slice() {
            distance += t * (v + t * (a / 2.0 + t * (j / 6.0)));
            v += t * (a + t * (j / 2.0));
        }
        distance
    }
}

/// From velocity `v` and acceleration `a` to velocity `to`.
pub(super) fn change(limits: &Limits, v: f64, a: f64, to: f64) -> Phases {
    let mut phases = Phases::new();
    if limits.jerk.is_finite() {
        jerk_limited(limits, v, a, to, &mut phases);
    } else {
        trapezoid(limits, v, to, &mut phases);
    }
    phases
}

/// The velocity at which the acceleration is 0 when it is taken back at once.
pub(super) fn settling_velocity(limits: &Limits, v: f64, a: f64) -> f64 {
    if limits.jerk.is_finite() { v + a * a.abs() / (2.0 * limits.jerk) } else { v }
}

fn trapezoid(limits: &Limits, v: f64, to: f64, phases: &mut Phases) {
    let ramp = |phases: &mut Phases, from: f64, to: f64| {
        let rate = if to.abs() > from.abs() { limits.acceleration } else { limits.deceleration };
        phases.push((to - from).abs() / rate, rate.copysign(to - from), 0.0);
    };
    if v * to < 0.0 {
        ramp(phases, v, 0.0);
        ramp(phases, 0.0, to);
    } else {
        ramp(phases, v, to);
    }
}

fn jerk_limited(limits: &Limits, v: f64, a: f64, to: f64, phases: &mut Phases) {
    let settling = settling_velocity(limits, v, a);
    let up = if to >= settling { 1.0 } else { -1.0 };
    if let Some(bound) = bound(limits, v * up, settling * up, to * up) {
        upwards(bound, limits.jerk, Mirrored { v: v * up, a: a * up, to: to * up, up }, phases);
    } else {
        // The two bounds differ, and the acceleration cannot be had in one piece: through rest.
        let braking = if settling < 0.0 { 1.0 } else { -1.0 };
        let stop = Mirrored { v: v * braking, a: a * braking, to: 0.0, up: braking };
        upwards(limits.deceleration, limits.jerk, stop, phases);
        let start = Mirrored { v: 0.0, a: 0.0, to: to.abs(), up: 1.0f64.copysign(to) };
        upwards(limits.acceleration, limits.jerk, start, phases);
    }
}

/// The bound of the acceleration upwards, which is an acceleration above 0 and a deceleration below; `None` where both
/// would be needed.
fn bound(limits: &Limits, v: f64, settling: f64, to: f64) -> Option<f64> {
    let (acceleration, deceleration) = (limits.acceleration, limits.deceleration);
    if v >= 0.0 && settling >= 0.0 {
        Some(acceleration)
    } else if to <= 0.0 {
        Some(deceleration)
    } else if acceleration == deceleration {
        Some(acceleration)
    } else if settling >= 0.0 {
        // It accelerates out of the braking already; too late to rest in between.
        Some(acceleration.min(deceleration))
    } else {
        None
    }
}

struct Mirrored {
    v: f64,
    a: f64,
    to: f64,
    up: f64,
}

fn upwards(bound: f64, jerk: f64, change: Mirrored, phases: &mut Phases) {
    let Mirrored { mut v, mut a, to, up } = change;
    if a > bound {
        let duration = (a - bound) / jerk;
        phases.push(duration, a * up, -jerk * up);
        v += duration * (a + bound) / 2.0;
        a = bound;
    }
    let unbounded = (jerk * (to - v) + a * a / 2.0).max(0.0).sqrt();
    let peak = unbounded.min(bound);
    phases.push((peak - a) / jerk, a * up, jerk * up);
    if unbounded > bound {
        let ramps = (2.0 * peak * peak - a * a) / (2.0 * jerk);
        phases.push((to - v - ramps) / peak, peak * up, 0.0);
    }
    phases.push(peak / jerk, peak * up, -jerk * up);
}
