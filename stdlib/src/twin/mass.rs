//! A mass that forces move along a line.

use crate::{
    BlockError, Flag,
    number::{all_finite, limit},
    registry::block,
    time::step_seconds,
};
use bytemuck::{Pod, Zeroable};

/// Millimetres in a metre: 1 N accelerates 1 kg by 1 m/s².
const MM_PER_M: f64 = 1000.0;

/// What a mass is like.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct MassSettings {
    /// Mass in kg.
    pub mass_kg: f64,
    /// Coulomb friction in N: opposes any motion, and holds at rest what is not stronger.
    pub friction_n: f64,
    /// Viscous friction in N·s/mm.
    pub viscous: f64,
    /// Lower end stop, mm.
    pub low_mm: f64,
    /// Upper end stop, mm.
    pub high_mm: f64,
}

/// A mass on a guide with friction, between two end stops that do not bounce.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Mass {
    settings: MassSettings,
    position_mm: f64,
    velocity_mm_s: f64,
    force_n: f64,
    err: Flag,
    _pad: [u8; 7],
}

impl Mass {
    /// At rest at 0, or at the end stop next to it.
    ///
    /// # Errors
    /// If the end stops are in the wrong order.
    pub fn new(settings: MassSettings) -> Result<Self, BlockError> {
        if settings.low_mm > settings.high_mm {
            return Err(BlockError::Crossed { callee: "MASS", low: "LO", high: "HI" });
        }
        let position_mm = limit(0.0, settings.low_mm, settings.high_mm);
        Ok(Self { settings, position_mm, ..Self::zeroed() })
    }

    /// Once a cycle. Returns the position in mm.
    ///
    /// Semi-implicit Euler, friction implicit: the kinetic energy never grows by more than `force` × way.
    pub fn run(&mut self, force_n: f64, dt_ns: i64) -> f64 {
        self.err.set(!force_n.is_finite());
        if force_n.is_finite() {
            self.force_n = force_n;
        }
        let dt = step_seconds(dt_ns);
        let MassSettings { mass_kg, friction_n, viscous, low_mm, high_mm } = self.settings;
        let per_newton = MM_PER_M * dt / mass_kg;
        let driven = self.velocity_mm_s + per_newton * self.force_n;
        // Coulomb friction takes what speed it can, and never turns it round.
        let grip = per_newton * friction_n;
        let slowed = if driven > grip {
            driven - grip
        } else if driven < -grip {
            driven + grip
        } else {
            0.0
        };
        let velocity = slowed / (1.0 + per_newton * viscous);
        let position = self.position_mm + velocity * dt;
        if all_finite(&[velocity, position]) {
            self.position_mm = limit(position, low_mm, high_mm);
            self.velocity_mm_s = if self.position_mm == position { velocity } else { 0.0 };
        } else {
            self.err.set(true);
        }
        self.position_mm
    }

    /// Put it somewhere, at rest.
    pub fn place(&mut self, position_mm: f64) {
        self.position_mm = limit(position_mm, self.settings.low_mm, self.settings.high_mm);
        self.velocity_mm_s = 0.0;
    }

    /// Position in mm.
    pub const fn position_mm(&self) -> f64 {
        self.position_mm
    }

    /// Velocity in mm/s.
    pub const fn velocity_mm_s(&self) -> f64 {
        self.velocity_mm_s
    }
}

block! {
    /// Twin of a mass that a force moves along a line: friction, and two end stops that do not bounce.
    ///
    /// Coulomb friction FRICTION opposes any motion and holds at rest what is not stronger; VISCOUS grows with the speed. The mass
    /// never gains more kinetic energy than `FORCE` does work. With a spring beside it choose the cycle shorter than √(M / stiffness),
    /// or use a drive's shaft, whose model takes the stiffness into account by itself. A `FORCE` that is not finite counts as the last one
    /// that was, and `ERR` is true.
    MASS: Mass;
    pins {
        /// Position.
        output POS: f64 ["mm"] = |block| block.position_mm();
        /// Velocity.
        output VEL: f64 ["mm/s"] = |block| block.velocity_mm_s();
        /// At the lower end stop.
        output AT_LO: bool = |block| block.position_mm <= block.settings.low_mm;
        /// At the upper end stop.
        output AT_HI: bool = |block| block.position_mm >= block.settings.high_mm;
        /// `FORCE` is not finite, or the numbers have left what can be computed with.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Mass.
        M: f64 ["kg"] in 1e-6..=1e6,
        /// Coulomb friction.
        FRICTION: f64 ["N"] in 0.0..=1e9 = 0.0,
        /// Viscous friction.
        VISCOUS: f64 ["N.s/mm"] in 0.0..=1e9 = 0.0,
        /// Lower end stop.
        LO: f64 ["mm"] in -1e6..=1e6 = -1e6,
        /// Upper end stop.
        HI: f64 ["mm"] in -1e6..=1e6 = 1e6,
    ) = |_| Mass::new(MassSettings { mass_kg: M, friction_n: FRICTION, viscous: VISCOUS, low_mm: LO, high_mm: HI });
    methods {
        /// One step; returns `POS`.
        every_cycle run(
            /// Sum of all forces but friction, positive towards HI.
            FORCE: f64 ["N"],
        ) -> f64 = |block, dt_ns| block.run(FORCE, dt_ns);
        /// Put it somewhere, at rest.
        command place(
            /// Where.
            POS: f64 ["mm"] in -1e6..=1e6,
        ) = |block, _| block.place(POS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    fn mass(mass_kg: f64, friction_n: f64, viscous: f64) -> Mass {
        Mass::new(MassSettings { mass_kg, friction_n, viscous, low_mm: -100.0, high_mm: 100.0 }).unwrap()
    }

    #[test]
    fn a_constant_force_accelerates_as_newton_says() {
        let mut block = mass(2.0, 4.0, 0.0);
        for _ in 0..100 {
            block.run(10.0, MS);
        }
        // (10 − 4) N / 2 kg = 3 m/s²: 300 mm/s and 15 mm after 0.1 s, the way within one step's.
        assert!((block.velocity_mm_s() - 300.0).abs() < 1e-9);
        assert!((block.position_mm() - 15.0).abs() < 0.3 * 0.6, "{}", block.position_mm());
        for _ in 0..1000 {
            block.run(0.0, MS);
        }
        // Friction alone: v²/2a = 0.09 / 4 m = 22.5 mm further, then it stands.
        assert_eq!(block.velocity_mm_s(), 0.0);
        assert!((block.position_mm() - 37.5).abs() < 0.4, "{}", block.position_mm());
        block.run(3.9, MS);
        assert_eq!(block.velocity_mm_s(), 0.0, "a force below the friction moves nothing");
    }

    #[test]
    fn viscous_friction_sets_the_speed_and_the_stops_hold() {
        let mut block = mass(1.0, 0.0, 0.5);
        for _ in 0..200 {
            block.run(100.0, MS);
        }
        assert!((block.velocity_mm_s() - 200.0).abs() < 1e-6, "{}", block.velocity_mm_s());
        for _ in 0..1000 {
            block.run(100.0, MS);
        }
        assert_eq!((block.position_mm(), block.velocity_mm_s()), (100.0, 0.0));
        block.run(f64::NAN, MS);
        assert!(block.err.get() && block.position_mm() == 100.0);
        block.place(-500.0);
        assert_eq!(block.position_mm(), -100.0);
        let wrong = MassSettings { low_mm: 1.0, high_mm: 0.0, ..block.settings };
        assert_eq!(Mass::new(wrong).unwrap_err().to_string(), "MASS: LO is above HI");
    }

    proptest! {
        /// In every step, against the stops too: what it gains in kinetic energy, the force has given.
        #[test]
        fn it_never_gains_more_than_the_forces_work(
            mass_kg in 0.01..100.0, friction in 0.0..50.0, viscous in 0.0..2.0,
            steps in prop::collection::vec((-500.0..500.0, 0_i64..5_000_000), 300),
        ) {
            let mut block = mass(mass_kg, friction, viscous);
            for (force, dt) in steps {
                let (x, v) = (block.position_mm(), block.velocity_mm_s());
                block.run(force, dt);
                // kg·mm²/s² are thousandths of N·mm.
                let energy = |v: f64| mass_kg * v * v / 2.0 / MM_PER_M;
                let gained = energy(block.velocity_mm_s()) - energy(v);
                let work = force * (block.position_mm() - x);
                prop_assert!(gained <= work + 1e-9 * (1.0 + energy(v)), "{} from {}", gained, work);
                prop_assert!((-100.0..=100.0).contains(&block.position_mm()));
            }
        }
    }
}
