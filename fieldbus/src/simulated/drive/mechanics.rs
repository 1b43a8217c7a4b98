//! The turning parts: rotor, what the machine adds, friction, brake.

use crate::Shaft;
use std::f64::consts::TAU;

/// Longest step of the integration; the control loop's tick is two of them.
const STEP_S: f64 = 62.5e-6;
/// A motor that turns faster has burst: keeps all numbers finite, whatever the machine does.
const VELOCITY_MAX: f64 = 1.0e4;
/// The same for what a plant may put on the shaft.
const TORQUE_MAX: f64 = 1.0e6;

/// Dry and viscous friction of motor and brake, seen at the shaft.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Friction {
    /// N·m per revolution a second.
    pub viscous: f64,
    /// N·m in motion.
    pub kinetic: f64,
    /// N·m at rest, at least `kinetic`.
    pub breakaway: f64,
}

/// Where the rotor is: true values, which no encoder falsifies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rotor {
    /// Revolutions.
    pub position: f64,
    /// Revolutions per second.
    pub velocity: f64,
}

/// What acts on the rotor during some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Acting {
    /// N·m of the motor.
    pub motor: f64,
    /// kg·m² in all, above 0.
    pub inertia: f64,
    /// Friction of motor, brake and machine.
    pub friction: Friction,
    /// N·m against positive motion at `origin`.
    pub load: f64,
    /// N·m per revolution.
    pub stiffness: f64,
    /// Where the load was given.
    pub origin: f64,
}

impl Acting {
    /// Motor and machine together. Numbers of the machine that are none count as 0.
    pub fn on(shaft: &Shaft, motor: f64, rotor_inertia: f64, own: Friction, origin: f64) -> Self {
        let machine = finite(shaft.friction).clamp(0.0, TORQUE_MAX);
        Self {
            motor,
            inertia: rotor_inertia.max(1.0e-9) + machine_inertia(shaft),
            friction: Friction {
                viscous: own.viscous,
                kinetic: own.kinetic + machine,
                breakaway: own.breakaway.max(own.kinetic) + machine,
            },
            load: finite(shaft.load).clamp(-TORQUE_MAX, TORQUE_MAX),
            stiffness: finite(shaft.stiffness).clamp(0.0, TORQUE_MAX),
            origin,
        }
    }
}

/// What the machine adds to the rotor, in kg·m².
pub fn machine_inertia(shaft: &Shaft) -> f64 {
    finite(shaft.inertia).clamp(0.0, TORQUE_MAX)
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

impl Rotor {
    /// Let `seconds` pass, in equal steps of at most [`STEP_S`].
    pub fn advance(&mut self, seconds: f64, acting: &Acting) {
        let mut rest = seconds;
        while rest > 0.0 {
            let step = if rest > 1.5 * STEP_S { STEP_S } else { rest };
            self.step(step, acting);
            rest -= step;
        }
    }

    /// One step of the implicit Euler method: stable for any stiffness and any friction.
    fn step(&mut self, seconds: f64, acting: &Acting) {
        let per_torque = seconds / (TAU * acting.inertia);
        let load = acting.load + acting.stiffness * (self.position - acting.origin);
        let resistance = 1.0 + per_torque * (acting.friction.viscous + acting.stiffness * seconds);
        let free = (self.velocity + per_torque * (acting.motor - load)) / resistance;
        let at_rest = self.velocity == 0.0;
        let dry = if at_rest { acting.friction.breakaway } else { acting.friction.kinetic };
        // Dry friction takes speed away but never turns it round: what it cannot take, it holds.
        self.velocity = if free.abs() <= dry * per_torque / resistance {
            0.0
        } else {
            let slowed = free.abs() - acting.friction.kinetic * per_torque / resistance;
            slowed.copysign(free).clamp(-VELOCITY_MAX, VELOCITY_MAX)
        };
        self.position += self.velocity * seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acting(motor: f64) -> Acting {
        Acting { motor, inertia: 1.0e-4, ..Acting::default() }
    }

    #[test]
    fn constant_torque_gives_constant_acceleration() {
        let mut rotor = Rotor::default();
        rotor.advance(0.1, &acting(0.1));
        let expected = 0.1 / (TAU * 1.0e-4) * 0.1;
        assert!((rotor.velocity - expected).abs() < 1.0e-9, "{}", rotor.velocity);
        assert!((rotor.position - expected * 0.05).abs() < 1.0e-2, "{}", rotor.position);
    }

    #[test]
    fn friction_holds_up_to_breakaway_and_brings_to_rest() {
        let friction = Friction { viscous: 1.0e-3, kinetic: 0.03, breakaway: 0.05 };
        let mut rotor = Rotor::default();
        rotor.advance(1.0, &Acting { friction, ..acting(0.0499) });
        assert_eq!(rotor, Rotor::default(), "held");
        rotor.advance(0.1, &Acting { friction, ..acting(0.0501) });
        assert!(rotor.velocity > 1.0, "broken away: {}", rotor.velocity);
        rotor.advance(0.1, &Acting { friction, ..acting(0.04) });
        assert!(rotor.velocity > 1.0, "kinetic friction is smaller");
        rotor.advance(5.0, &Acting { friction, ..acting(0.0) });
        assert_eq!(rotor.velocity, 0.0, "exactly at rest");
    }

    /// A part as stiff as concrete, told once: no oscillation grows, energy only goes down.
    #[test]
    fn any_stiffness_is_stable() {
        for stiffness in [1.0, 1.0e2, 1.0e4, 1.0e6] {
            let mut rotor = Rotor { position: 0.0, velocity: 10.0 };
            let acting = Acting { stiffness, ..acting(0.0) };
            // In joule: a revolution is 2π of a radian, and stiffness counts per revolution.
            let energy = |rotor: &Rotor| {
                0.5 * acting.inertia * (TAU * rotor.velocity) * (TAU * rotor.velocity)
                    + 0.5 * stiffness * TAU * rotor.position * rotor.position
            };
            let mut last = energy(&rotor);
            for _ in 0..10_000 {
                rotor.advance(125.0e-6, &acting);
                // Far below that of one increment, rounding has the last word.
                assert!(energy(&rotor) <= last * (1.0 + 1.0e-12) + 1.0e-15, "stiffness {stiffness}");
                last = energy(&rotor);
            }
            assert!(rotor.velocity.abs() < 10.0);
        }
    }

    #[test]
    fn nothing_a_plant_says_makes_a_number_that_is_none() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1.0];
        for load in odd {
            for inertia in odd {
                let shaft = Shaft { load, inertia, stiffness: load, friction: inertia, ..Shaft::default() };
                let mut rotor = Rotor::default();
                for _ in 0..100 {
                    let acting = Acting::on(&shaft, 1.0, 1.0e-4, Friction::default(), 0.0);
                    rotor.advance(125.0e-6, &acting);
                }
                assert!(rotor.velocity.is_finite() && rotor.position.is_finite(), "{load} {inertia}");
            }
        }
    }
}
