//! The cascade: position P, velocity PI, torque limit; and the generator of ramps.

use super::parameters::{Loops, Parameters};
use std::f64::consts::TAU;

/// Above this the sampled velocity loop would oscillate, whatever it is set to.
const BANDWIDTH_MAX: f64 = 0.3 / super::TICK_S;

/// What the loops are asked for in a tick; revolutions, seconds, N·m.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Aim {
    /// Demanded position; `None`: the velocity alone is controlled.
    pub position: Option<f64>,
    /// Demanded velocity, or its feed-forward.
    pub velocity: f64,
    /// Acceleration to feed forward.
    pub acceleration: f64,
    /// Torque to add.
    pub torque: f64,
}

/// What the loops made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effort {
    /// N·m.
    pub torque: f64,
    /// rev/s that were asked of the velocity loop.
    pub velocity: f64,
    /// Torque or velocity is at its limit.
    pub is_limited: bool,
}

/// What the loops see of the motor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// Revolutions by the encoder.
    pub position: f64,
    /// rev/s.
    pub velocity: f64,
    /// kg·m² in all.
    pub inertia: f64,
}

/// The loops' memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cascade {
    /// N·m of the velocity loop's integral part.
    integral: f64,
}

impl Cascade {
    /// Begin anew.
    pub fn reset(&mut self) {
        self.integral = 0.0;
    }

    /// One tick under position or velocity control.
    pub fn control(&mut self, aim: &Aim, seen: &Seen, parameters: &Parameters) -> Effort {
        let loops = &parameters.loops;
        let inertia = TAU * loops.inertia.unwrap_or(seen.inertia);
        let bandwidth = loops.bandwidth.min(BANDWIDTH_MAX);
        let gain = bandwidth * inertia;
        let wanted = aim.velocity + correction(aim, seen, loops, bandwidth);
        let velocity = wanted.clamp(-parameters.velocity_max, parameters.velocity_max);
        let error = velocity - seen.velocity;
        let forward = loops.acceleration_feed_forward * inertia * aim.acceleration + aim.torque;
        let asked = gain * error + self.integral + forward;
        let [down, up] = parameters.torque_limits;
        let torque = asked.clamp(-down, up);
        // The integral part stops where it would only press harder against a limit.
        let winds_up = asked != torque && (asked > torque) == (error > 0.0);
        if !winds_up && loops.integral_time > 0.0 {
            let step = gain / loops.integral_time * error * super::TICK_S;
            self.integral = (self.integral + step).clamp(-down, up);
        }
        Effort { torque, velocity, is_limited: torque != asked || velocity != wanted }
    }

    /// One tick under torque control, with the velocity held below its limit.
    pub fn direct(&mut self, torque: f64, seen: &Seen, parameters: &Parameters) -> Effort {
        self.integral = 0.0;
        let gain = parameters.loops.bandwidth.min(BANDWIDTH_MAX) * TAU * seen.inertia;
        let [down, up] = parameters.torque_limits;
        let top = gain * (parameters.velocity_max - seen.velocity);
        let bottom = gain * (-parameters.velocity_max - seen.velocity);
        let limited = torque.min(top).max(bottom).clamp(-down, up);
        Effort { torque: limited, velocity: seen.velocity, is_limited: limited != torque }
    }
}

fn correction(aim: &Aim, seen: &Seen, loops: &Loops, bandwidth: f64) -> f64 {
    let gain = loops.position_gain.min(0.5 * bandwidth);
    aim.position.map_or(0.0, |position| gain * (position - seen.position))
}

/// A demand that the drive makes itself: a velocity that is approached on a ramp.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ramp {
    /// Revolutions.
    pub position: f64,
    /// rev/s.
    pub velocity: f64,
}

impl Ramp {
    /// At rest at this position.
    pub fn at(position: f64) -> Self {
        Self { position, velocity: 0.0 }
    }

    /// One tick towards `velocity` with at most `acceleration` rev/s², or at once.
    pub fn approach(&mut self, velocity: f64, acceleration: Option<f64>) -> Aim {
        let before = self.velocity;
        let step = acceleration.map_or(f64::MAX, |acceleration| acceleration * super::TICK_S);
        self.velocity += (velocity - before).clamp(-step, step);
        self.position += 0.5 * (before + self.velocity) * super::TICK_S;
        let slope = if acceleration.is_some() { (self.velocity - before) / super::TICK_S } else { 0.0 };
        Aim { position: Some(self.position), velocity: self.velocity, acceleration: slope, torque: 0.0 }
    }
}
