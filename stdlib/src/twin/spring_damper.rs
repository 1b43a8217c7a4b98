//! A spring with a damper beside it.

use crate::{Flag, number::all_finite, registry::block};
use bytemuck::{Pod, Zeroable};

/// Kelvin–Voigt element: force from a displacement and its speed; as a contact it can only push.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct SpringDamper {
    stiffness: f64,
    damping: f64,
    force_n: f64,
    energy_mj: f64,
    contact: Flag,
    err: Flag,
    _pad: [u8; 6],
}

impl SpringDamper {
    /// Stiffness in N/mm, damping in N·s/mm. `contact`: no force for a negative displacement, and never a pull.
    pub fn new(stiffness: f64, damping: f64, contact: Flag) -> Self {
        Self { stiffness, damping, contact, ..Self::zeroed() }
    }

    /// Once a cycle. Returns the force against the displacement, N.
    pub fn run(&mut self, displacement_mm: f64, velocity_mm_s: f64) -> f64 {
        let apart = self.contact.get() && displacement_mm <= 0.0;
        let compressed = if apart { 0.0 } else { displacement_mm };
        let spring = self.stiffness * compressed;
        let both = if apart { 0.0 } else { spring + self.damping * velocity_mm_s };
        let force = if self.contact.get() && both < 0.0 { 0.0 } else { both };
        let energy = spring * compressed / 2.0;
        let fine = all_finite(&[displacement_mm, velocity_mm_s, force, energy]);
        self.err.set(!fine);
        if fine {
            (self.force_n, self.energy_mj) = (force, energy);
        }
        self.force_n
    }

    /// Force in N.
    pub const fn force_n(&self) -> f64 {
        self.force_n
    }
}

block! {
    /// Twin of a spring with a damper beside it: `FORCE` = STIFFNESS · `X` + DAMPING · `V`.
    ///
    /// As a CONTACT (a buffer, a bed, a tool on a hard stop) it acts for positive `X` only, and never pulls. If `X` or `V` is not
    /// finite, the force is held and `ERR` true.
    SPRING_DAMPER: SpringDamper;
    pins {
        /// Force against the displacement.
        output FORCE: f64 ["N"] = |block| block.force_n();
        /// Energy in the spring.
        output ENERGY: f64 ["mJ"] = |block| block.energy_mj;
        /// `X` or `V` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Stiffness.
        STIFFNESS: f64 ["N/mm"] in 0.0..=1e9,
        /// Damping.
        DAMPING: f64 ["N.s/mm"] in 0.0..=1e9 = 0.0,
        /// It can only push.
        CONTACT: bool = false,
    ) = |_| Ok(SpringDamper::new(STIFFNESS, DAMPING, CONTACT.into()));
    methods {
        /// One step; returns `FORCE`.
        every_cycle run(
            /// Displacement from where it is relaxed.
            X: f64 ["mm"],
            /// How fast the displacement grows.
            V: f64 ["mm/s"],
        ) -> f64 = |block, _| block.run(X, V);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::{Mass, MassSettings};
    use proptest::prelude::*;

    #[test]
    fn it_pushes_and_pulls_and_a_contact_only_pushes() {
        let mut both = SpringDamper::new(10.0, 2.0, false.into());
        let mut contact = SpringDamper::new(10.0, 2.0, true.into());
        for (x, v, force, push) in [
            (1.0, 0.0, 10.0, 10.0),
            (1.0, 3.0, 16.0, 16.0),
            (1.0, -7.0, -4.0, 0.0),
            (-2.0, 0.0, -20.0, 0.0),
            (-2.0, 50.0, 80.0, 0.0),
        ] {
            assert_eq!((both.run(x, v), contact.run(x, v)), (force, push), "x {x}, v {v}");
        }
        both.run(2.0, 0.0);
        assert_eq!(both.energy_mj, 20.0);
        assert_eq!((both.run(f64::NAN, 0.0), both.err.get()), (20.0, true));
    }

    proptest! {
        /// A mass on a damped spring, let go: the oscillation dies out, and never swings further than it was let go.
        #[test]
        fn a_mass_on_it_comes_to_rest(start in -50.0..50.0, damping in 0.02..0.5) {
            let settings = MassSettings { mass_kg: 1.0, friction_n: 0.0, viscous: 0.0, low_mm: -1e3, high_mm: 1e3 };
            let mut mass = Mass::new(settings).unwrap();
            mass.place(start);
            let mut spring = SpringDamper::new(1.0, damping, false.into());
            for _ in 0..20_000 {
                let force = spring.run(mass.position_mm(), mass.velocity_mm_s());
                mass.run(-force, 1_000_000);
                prop_assert!(mass.position_mm().abs() <= start.abs() * 1.02 + 1e-9);
            }
            // The time constant is 2m/c, at most 0.1 s.
            prop_assert!(mass.position_mm().abs() <= 1e-6 * (1.0 + start.abs()), "{}", mass.position_mm());
        }
    }
}
