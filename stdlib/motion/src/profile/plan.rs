//! A motion as stretches of constant jerk, and how it is found.

use super::change::{Phases, change, settling_velocity};
use super::{Limits, Setpoint};

/// How often the peak velocity may be tried. Every second trial halves the bracket at least, so this is never reached.
const MAX_TRIALS: usize = 128;

/// A stretch of constant jerk; positions count from the plan's origin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Segment {
    /// Seconds after the plan's beginning.
    pub start: f64,
    pub position: f64,
    pub velocity: f64,
    pub acceleration: f64,
    pub jerk: f64,
}

/// A motion over time, from a set-point to rest at a position or to a constant velocity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    pub(crate) segments: [Segment; Self::MAX_SEGMENTS],
    pub(crate) len: usize,
    pub(crate) origin: f64,
    /// In seconds.
    pub(crate) duration: f64,
    /// What rounding left of the distance, given out evenly over the duration.
    pub(crate) correction: f64,
    /// Where it ends; the velocity stands from there on.
    pub(crate) end: Setpoint,
}

impl Plan {
    /// Velocity changes to the peak, the stretch at it, and the stop.
    pub(crate) const MAX_SEGMENTS: usize = Phases::MAX + 1 + 3;

    /// Rest at a position.
    pub const fn rest(position: f64) -> Self {
        const NONE: Segment =
            Segment { start: 0.0, position: 0.0, velocity: 0.0, acceleration: 0.0, jerk: 0.0 };
        Self {
            segments: [NONE; Self::MAX_SEGMENTS],
            len: 0,
            origin: position,
            duration: 0.0,
            correction: 0.0,
            end: Setpoint::at(position),
        }
    }

    /// To a velocity, as fast as the limits allow.
    pub fn to_velocity(from: Setpoint, velocity: f64, limits: &Limits) -> Self {
        let mut plan = Self::rest(from.position);
        let mut builder = Builder { plan: &mut plan, distance: 0.0, up: 1.0 };
        builder.add(&change(limits, from.velocity, from.acceleration, velocity), from.velocity);
        let distance = builder.distance;
        plan.end = Setpoint { position: from.position + distance, velocity, acceleration: 0.0 };
        plan
    }

    /// To rest at a position: directly where that can be, and else after a stop beyond it. Overshoots only where the
    /// present velocity leaves no other way.
    pub fn to_position(from: Setpoint, position: f64, limits: &Limits) -> Self {
        let distance = position - from.position;
        let stop = change(limits, from.velocity, from.acceleration, 0.0);
        let beyond_stop = distance - stop.distance(from.velocity);
        let up = if beyond_stop >= 0.0 { 1.0 } else { -1.0 };
        let search = Search {
            limits,
            v: from.velocity * up,
            a: from.acceleration * up,
            distance: distance * up,
            rounding: ROUNDING * (from.position.abs() + position.abs() + (distance - beyond_stop).abs()),
        };
        let peak = search.peak(beyond_stop.abs());
        let mut plan = Self::rest(from.position);
        let mut builder = Builder { plan: &mut plan, distance: 0.0, up };
        builder.add(&change(limits, search.v, search.a, peak.velocity), search.v);
        builder.push(peak.cruise, peak.velocity, 0.0, 0.0);
        builder.add(&change(limits, peak.velocity, 0.0, 0.0), peak.velocity);
        let travelled = builder.distance;
        plan.correction = (search.distance - travelled) * up;
        plan.end = Setpoint::at(position);
        plan
    }

    /// In seconds.
    pub const fn duration(&self) -> f64 {
        self.duration
    }

    /// Where it ends.
    pub const fn end(&self) -> Setpoint {
        self.end
    }

    /// The set-point at a time, in seconds after the beginning.
    pub fn at(&self, time: f64) -> Setpoint {
        if time >= self.duration {
            let beyond = time - self.duration;
            return Setpoint { position: self.end.position + self.end.velocity * beyond, ..self.end };
        }
        let begun = |segment: &&Segment| segment.start <= time;
        let Some(segment) = self.segments.iter().take(self.len).rev().find(begun) else {
            return self.end;
        };
        let t = time - segment.start;
        let Segment { position, velocity, acceleration, jerk, .. } = *segment;
        let way = position + t * (velocity + t * (acceleration / 2.0 + t * (jerk / 6.0)));
        Setpoint {
            position: self.origin + (way + self.correction * (time / self.duration)),
            velocity: velocity + t * (acceleration + t * (jerk / 2.0)),
            acceleration: acceleration + t * jerk,
        }
    }
}

/// Differences of positions are rounded to about this share of the positions.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// Builds in the mirrored world of the search: the same numbers, or its result would not fit to the last bit. The way
/// is so steep a function of the velocity near the settling velocity that a bit would be seen.
struct Builder<'a> {
    plan: &'a mut Plan,
    /// So far, mirrored.
    distance: f64,
    up: f64,
}

impl Builder<'_> {
    fn add(&mut self, phases: &Phases, mut velocity: f64) {
        for phase in phases.as_slice() {
            velocity = self.push(phase.duration, velocity, phase.acceleration, phase.jerk);
        }
    }

    /// Appends a stretch and tells the velocity at its end.
    fn push(&mut self, duration: f64, velocity: f64, acceleration: f64, jerk: f64) -> f64 {
        let Some(segment) = self.plan.segments.get_mut(self.plan.len).filter(|_| duration > 0.0) else {
            return velocity;
        };
        let start = self.plan.duration;
        *segment = Segment {
            start,
            position: self.distance * self.up,
            velocity: velocity * self.up,
            acceleration: acceleration * self.up,
            jerk: jerk * self.up,
        };
        self.plan.len += 1;
        self.plan.duration += duration;
        self.distance += duration * (velocity + duration * (acceleration / 2.0 + duration * (jerk / 6.0)));
        velocity + duration * (acceleration + duration * (jerk / 2.0))
    }
}

/// The search for the peak velocity, mirrored so that the target lies beyond the stop.
struct Search<'a> {
    limits: &'a Limits,
    v: f64,
    a: f64,
    distance: f64,
    rounding: f64,
}

struct Peak {
    velocity: f64,
    /// Seconds at the peak.
    cruise: f64,
}

impl Search<'_> {
    /// How far the motion with this peak falls short of the target.
    fn short(&self, peak: f64) -> f64 {
        let up = change(self.limits, self.v, self.a, peak).distance(self.v);
        let down = change(self.limits, peak, 0.0, 0.0).distance(peak);
        self.distance - up - down
    }

    fn peak(&self, beyond_stop: f64) -> Peak {
        let top = self.limits.velocity;
        let short_at_top = self.short(top);
        if beyond_stop <= self.rounding {
            return Peak { velocity: 0.0, cruise: 0.0 };
        }
        if short_at_top >= 0.0 {
            return Peak { velocity: top, cruise: short_at_top / top };
        }
        let mut bracket =
            Bracket { low: 0.0, short: beyond_stop, high: top, over: short_at_top, moved: None };
        // Above the velocity at which the present acceleration ends the way grows with the peak, and the motion is
        // the fastest. Below it the motion brakes twice, which is only needed where the target is too near.
        let settling = settling_velocity(self.limits, self.v, self.a);
        if settling > 0.0 && settling < top {
            bracket.narrow(settling, self.short(settling));
        }
        self.bisect(bracket)
    }

    /// Regula falsi in the Illinois variant, with a bisection after each step that did not halve the bracket.
    fn bisect(&self, mut bracket: Bracket) -> Peak {
        let mut slow = false;
        for _ in 0..MAX_TRIALS {
            let width = bracket.width();
            let middle = bracket.low + width / 2.0;
            if middle <= bracket.low || middle >= bracket.high {
                break;
            }
            let guess = if slow { middle } else { bracket.secant().unwrap_or(middle) };
            let short = self.short(guess);
            if short.abs() <= self.rounding {
                return Peak { velocity: guess, cruise: 0.0 };
            }
            bracket.narrow(guess, short);
            slow = bracket.width() > width / 2.0;
        }
        // No velocity in between; the stretch at the peak covers what is left.
        let velocity = bracket.low;
        let cruise = if velocity > 0.0 { self.short(velocity) / velocity } else { 0.0 };
        Peak { velocity, cruise }
    }
}

/// Peak velocities around the right one, and how far each falls short of the target.
struct Bracket {
    low: f64,
    /// Positive. The weight of this end for the secant: halved when the other end moves twice in a row.
    short: f64,
    high: f64,
    /// Negative; likewise.
    over: f64,
    moved: Option<End>,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Low,
    High,
}

impl Bracket {
    const fn width(&self) -> f64 {
        self.high - self.low
    }

    fn secant(&self) -> Option<f64> {
        let guess = self.low + self.width() * (self.short / (self.short - self.over));
        (guess > self.low && guess < self.high).then_some(guess)
    }

    fn narrow(&mut self, guess: f64, short: f64) {
        let end = if short >= 0.0 { End::Low } else { End::High };
        match end {
            End::Low => (self.low, self.short) = (guess, short),
            End::High => (self.high, self.over) = (guess, short),
        }
        if self.moved == Some(end) {
            match end {
                End::Low => self.over /= 2.0,
                End::High => self.short /= 2.0,
            }
        }
        self.moved = Some(end);
    }
}
