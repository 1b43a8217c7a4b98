//! A part that is pressed.

use crate::{Flag, number::all_finite, registry::block};
use bytemuck::{Pod, Zeroable};

/// Elastic up to its yield force, then plastic with linear hardening; keeps its set until a new part comes.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct SpringPart {
    stiffness: f64,
    yield_force: f64,
    hardening: f64,
    /// How much stiffer and stronger this part is than the nominal one.
    factor: f64,
    /// Plastic deformation, mm.
    set_mm: f64,
    force_n: f64,
    err: Flag,
    _pad: [u8; 7],
}

impl SpringPart {
    /// Stiffness in N/mm, yield force in N, hardening in N/mm of plastic deformation.
    pub fn new(stiffness: f64, yield_force: f64, hardening: f64) -> Self {
        Self { stiffness, yield_force, hardening, factor: 1.0, ..Self::zeroed() }
    }

    /// Once a cycle. `depth_mm`: how far the tool is beyond the surface of a fresh part; negative above it.
    /// Returns the contact force in N, never negative.
    pub fn run(&mut self, depth_mm: f64) -> f64 {
        let (stiffness, hardening) = (self.stiffness * self.factor, self.hardening * self.factor);
        let trial = stiffness * (depth_mm - self.set_mm);
        let excess = trial - self.yield_force * self.factor - hardening * self.set_mm;
        // Beyond the yield surface the set grows until the force lies on it (return mapping in one dimension).
        let set_mm = if excess > 0.0 { self.set_mm + excess / (stiffness + hardening) } else { self.set_mm };
        let force = stiffness * (depth_mm - set_mm);
        let fine = all_finite(&[depth_mm, set_mm, force]);
        self.err.set(!fine);
        if fine {
            self.set_mm = set_mm;
            self.force_n = if force > 0.0 { force } else { 0.0 };
        }
        self.force_n
    }

    /// A fresh part; `factor` times as stiff and strong as the nominal one.
    pub fn renew(&mut self, factor: f64) {
        self.factor = factor;
        self.set_mm = 0.0;
        self.force_n = 0.0;
    }

    /// Contact force in N.
    pub const fn force_n(&self) -> f64 {
        self.force_n
    }

    /// Plastic deformation in mm.
    pub const fn set_mm(&self) -> f64 {
        self.set_mm
    }
}

block! {
    /// Twin of a part that is pressed: elastic, then plastic with linear hardening.
    ///
    /// ```text
    /// FORCE      yield ___---- hardening
    ///                 /     /
    ///                /     /  elastic on the way back
    ///               /     /
    ///        ______/_____/________ DEPTH
    ///              |set |
    /// ```
    ///
    /// No force when the tool is above the part. If `DEPTH` is not finite, the force is held and `ERR` true.
    SPRING_PART: SpringPart;
    pins {
        /// Contact force.
        output FORCE: f64 ["N"] = |block| block.force_n();
        /// Plastic deformation.
        output SET: f64 ["mm"] = |block| block.set_mm();
        /// `DEPTH` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Elastic stiffness.
        STIFFNESS: f64 ["N/mm"] in 1e-6..=1e9,
        /// Force at which it yields.
        YIELD: f64 ["N"] in 0.0..=1e9,
        /// Further force per plastic deformation.
        HARDENING: f64 ["N/mm"] in 0.0..=1e9 = 0.0,
    ) = |_| Ok(SpringPart::new(STIFFNESS, YIELD, HARDENING));
    methods {
        /// Press; returns `FORCE`.
        every_cycle run(
            /// How far the tool is beyond the surface of a fresh part.
            DEPTH: f64 ["mm"],
        ) -> f64 = |block, _| block.run(DEPTH);
        /// Put in a fresh part.
        command renew(
            /// How many times as stiff and strong as the nominal one.
            FACTOR: f64 in 0.001..=1000.0,
        ) = |block, _| block.renew(FACTOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn load_yield_unload_and_load_again() {
        // Elastic 100 N/mm, yields at 200 N, hardening 25 N/mm of set: the plastic slope is 100·25/125 = 20 N/mm.
        let mut part = SpringPart::new(100.0, 200.0, 25.0);
        for (depth, force, set) in [
            (-5.0, 0.0, 0.0),
            (1.0, 100.0, 0.0),
            (2.0, 200.0, 0.0),
            (4.5, 250.0, 2.0),
            (3.0, 100.0, 2.0),
            (1.5, 0.0, 2.0),
            (4.5, 250.0, 2.0),
            (7.0, 300.0, 4.0),
        ] {
            assert!((part.run(depth) - force).abs() < 1e-9, "depth {depth}: {}", part.force_n());
            assert!((part.set_mm() - set).abs() < 1e-9, "depth {depth}");
        }
        assert_eq!(part.run(f64::NAN), part.force_n());
        assert!(part.err.get());
        part.renew(2.0);
        assert_eq!((part.run(1.0), part.set_mm()), (200.0, 0.0));
        assert!((part.run(3.0) - 440.0).abs() < 1e-9);
    }

    proptest! {
        /// The set never shrinks, the force never leaves the yield surface, and pressing costs work.
        #[test]
        fn plasticity_only_ever_takes_energy(depths in prop::collection::vec(-2.0..10.0, 300)) {
            let mut part = SpringPart::new(100.0, 200.0, 25.0);
            let (mut set, mut depth, mut work) = (0.0, 0.0, 0.0);
            for target in depths {
                let from = depth;
                for step in 1..=20 {
                    let next = from + (target - from) * f64::from(step) / 20.0;
                    let before = part.force_n();
                    let force = part.run(next);
                    work += (force + before) / 2.0 * (next - depth);
                    prop_assert!(part.set_mm() >= set && force >= 0.0);
                    prop_assert!(force <= 200.0 + 25.0 * part.set_mm() + 1e-9);
                    (set, depth) = (part.set_mm(), next);
                }
            }
            // The trapezoids are coarse where the force turns; what they can be wrong by is small.
            prop_assert!(work > -60.0, "{}", work);
        }
    }
}
