//! Double-acting pneumatic cylinder.

use crate::{
    Flag,
    number::{all_finite, limit},
    registry::block,
    time::step_seconds,
};
use bytemuck::{Pod, Zeroable};

/// What a cylinder is like.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct CylinderSettings {
    /// Length of the stroke in mm.
    pub stroke_mm: f64,
    /// Speed without load when extending, mm/s, as set at the throttle.
    pub extend_mm_s: f64,
    /// Speed when retracting, mm/s.
    pub retract_mm_s: f64,
    /// Force at which the piston stands still, N: supply pressure times piston area.
    pub force_n: f64,
    /// Time constant of the speed, s: filling the chamber.
    pub lag_s: f64,
    /// How far from its end an end switch closes, mm.
    pub switch_mm: f64,
}

/// A cylinder with a 5/3 valve, closed centre: without a command, or with both, it comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Cylinder {
    settings: CylinderSettings,
    position_mm: f64,
    speed_mm_s: f64,
    load_n: f64,
    err: Flag,
    _pad: [u8; 7],
}

impl Cylinder {
    /// Retracted, at rest.
    pub fn new(settings: CylinderSettings) -> Self {
        Self { settings, ..Self::zeroed() }
    }

    /// Once a cycle. `load_n` opposes extending. Returns the position in mm.
    pub fn run(&mut self, extend: bool, retract: bool, load_n: f64, dt_ns: i64) -> f64 {
        self.err.set(!load_n.is_finite());
        if load_n.is_finite() {
            self.load_n = load_n;
        }
        let dt = step_seconds(dt_ns);
        let CylinderSettings { stroke_mm, .. } = self.settings;
        let speed = self.speed(extend, retract, dt);
        let position = self.position_mm + speed * dt;
        if all_finite(&[speed, position]) {
            self.position_mm = limit(position, 0.0, stroke_mm);
            // Against an end the piston stands.
            self.speed_mm_s = if self.position_mm == position { speed } else { 0.0 };
        }
        self.position_mm
    }

    /// Speeds up with the chamber's lag; a load slows it down at once, and pushes back when it is too strong.
    fn speed(&self, extend: bool, retract: bool, dt: f64) -> f64 {
        let CylinderSettings { extend_mm_s, retract_mm_s, force_n, lag_s, .. } = self.settings;
        let wanted = match (extend, retract) {
            (true, false) => extend_mm_s,
            (false, true) => -retract_mm_s,
            _ => 0.0,
        };
        let share = if lag_s > 0.0 { -libm::expm1(-dt / lag_s) } else { 1.0 };
        let speed = self.speed_mm_s + share * (wanted - self.speed_mm_s);
        if extend && !retract {
            let bearable = extend_mm_s * (1.0 - self.load_n / force_n);
            limit(speed, -retract_mm_s, limit(bearable, -retract_mm_s, extend_mm_s))
        } else {
            speed
        }
    }

    /// Position in mm, 0 to the stroke.
    pub const fn position_mm(&self) -> f64 {
        self.position_mm
    }

    /// Speed in mm/s, positive when extending.
    pub const fn speed_mm_s(&self) -> f64 {
        self.speed_mm_s
    }

    /// The end switch of the retracted position.
    pub fn retracted(&self) -> bool {
        self.position_mm <= self.settings.switch_mm
    }

    /// The end switch of the extended position.
    pub fn extended(&self) -> bool {
        self.position_mm >= self.settings.stroke_mm - self.settings.switch_mm
    }
}

block! {
    /// Twin of a double-acting pneumatic cylinder on a 5/3 valve with closed centre, with two end switches.
    ///
    /// The speed approaches the throttle's with the time constant LAG. While extending, it falls in proportion to `LOAD`, to zero at
    /// FORCE. Without a command, or with both, the piston comes to rest. A `LOAD` that is not finite counts as the last one that was,
    /// and `ERR` is true. With a stiff load choose the cycle shorter than FORCE / (stiffness · EXTEND), or it will chatter.
    CYLINDER: Cylinder;
    pins {
        /// Position, 0 to the stroke.
        output POS: f64 ["mm"] = |block| block.position_mm();
        /// Speed, positive when extending.
        output VEL: f64 ["mm/s"] = |block| block.speed_mm_s();
        /// End switch of the retracted position.
        output RETRACTED: bool = |block| block.retracted();
        /// End switch of the extended position.
        output EXTENDED: bool = |block| block.extended();
        /// `LOAD` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Stroke.
        STROKE: f64 ["mm"] in 0.001..=1e5,
        /// Speed when extending without load.
        EXTEND: f64 ["mm/s"] in 0.0..=1e5,
        /// Speed when retracting.
        RETRACT: f64 ["mm/s"] in 0.0..=1e5,
        /// Force at which the piston stands still.
        FORCE: f64 ["N"] in 0.001..=1e9,
        /// Time constant of the speed.
        LAG: f64 ["s"] in 0.0..=1e3 = 0.02,
        /// How far from its end an end switch closes.
        SWITCH: f64 ["mm"] in 0.0..=1e5 = 0.5,
    ) = |_| Ok(Cylinder::new(CylinderSettings {
        stroke_mm: STROKE, extend_mm_s: EXTEND, retract_mm_s: RETRACT, force_n: FORCE, lag_s: LAG, switch_mm: SWITCH,
    }));
    methods {
        /// One step; returns `POS`.
        every_cycle run(
            /// Valve coil that extends.
            EXTEND: bool,
            /// Valve coil that retracts.
            RETRACT: bool,
            /// Force against extending.
            LOAD: f64 ["N"],
        ) -> f64 = |block, dt_ns| block.run(EXTEND, RETRACT, LOAD, dt_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::SpringPart;

    const STEP_NS: i64 = 1_000_000;

    fn cylinder() -> Cylinder {
        Cylinder::new(CylinderSettings {
            stroke_mm: 50.0,
            extend_mm_s: 200.0,
            retract_mm_s: 300.0,
            force_n: 2000.0,
            lag_s: 0.02,
            switch_mm: 0.5,
        })
    }

    #[test]
    fn a_free_stroke_takes_its_time_and_ends_at_the_switches() {
        let mut block = cylinder();
        assert!(block.retracted() && !block.extended());
        let mut steps = 0;
        while !block.extended() {
            block.run(true, false, 0.0, STEP_NS);
            steps += 1;
            // The analytic path of a lagged speed, v·(t − τ·(1 − e^(−t/τ))), within one step of travel.
            let time = f64::from(steps) * 0.001;
            let path = 200.0 * (time - 0.02 * (1.0 - libm::exp(-time / 0.02)));
            assert!(
                (block.position_mm() - path).abs() < 0.2,
                "step {steps}: {} not {path}",
                block.position_mm()
            );
        }
        // (50 − 0.5) mm / 200 mm/s + the lag.
        assert!((265..=270).contains(&steps), "{steps} ms");
        for _ in 0..100 {
            block.run(true, false, 0.0, STEP_NS);
        }
        assert_eq!((block.position_mm(), block.speed_mm_s()), (50.0, 0.0));
        for _ in 0..250 {
            block.run(false, true, 0.0, STEP_NS);
        }
        assert!(block.retracted());
        assert_eq!((block.position_mm(), block.speed_mm_s()), (0.0, 0.0));
    }

    #[test]
    fn without_one_clear_command_it_comes_to_rest() {
        for (extend, retract) in [(false, false), (true, true)] {
            let mut block = cylinder();
            for _ in 0..100 {
                block.run(true, false, 0.0, STEP_NS);
            }
            for _ in 0..500 {
                block.run(extend, retract, 0.0, STEP_NS);
            }
            assert!(block.speed_mm_s().abs() < 1e-6);
            assert!(block.position_mm() > 10.0 && block.position_mm() < 30.0);
        }
    }

    #[test]
    fn against_a_part_it_stands_at_its_force() {
        let (mut block, mut part) = (cylinder(), SpringPart::new(800.0, 1200.0, 300.0));
        let mut peak = 0.0;
        for _ in 0..2000 {
            let position = block.run(true, false, part.force_n(), STEP_NS);
            let force = part.run(position - 40.0);
            peak = if force > peak { force } else { peak };
        }
        assert!((part.force_n() - 2000.0).abs() < 1.0, "{}", part.force_n());
        assert!(peak < 2100.0, "overshoot to {peak} N");
        assert!(!block.extended());
    }

    #[test]
    fn a_load_that_is_too_strong_pushes_back_at_most_at_the_retracting_speed() {
        let mut block = cylinder();
        for _ in 0..100 {
            block.run(true, false, 0.0, STEP_NS);
        }
        let reached = block.position_mm();
        // 1.5 times the force: half the extending speed backwards.
        block.run(true, false, 3000.0, STEP_NS);
        assert!((block.position_mm() - (reached - 0.1)).abs() < 1e-12);
        block.run(true, false, 1e6, STEP_NS);
        assert!((block.position_mm() - (reached - 0.1 - 0.3)).abs() < 1e-12);
    }

    #[test]
    fn a_bad_load_counts_as_the_last_good_one() {
        let (mut good, mut bad) = (cylinder(), cylinder());
        for step in 0..100 {
            good.run(true, false, 500.0, STEP_NS);
            bad.run(true, false, if step == 0 { 500.0 } else { f64::NAN }, STEP_NS);
            assert_eq!(good.position_mm(), bad.position_mm());
        }
        assert!(bad.err.get() && !good.err.get());
    }
}
