//! A part that is pressed: elastic, plastic, and perhaps cracked.

use crate::{BlockError, Flag, number::all_finite, registry::block};
use bytemuck::{Pod, Zeroable};

/// The curve of a nominal part.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Curve {
    /// Elastic slope in N/mm.
    pub stiffness: f64,
    /// Force at which it yields, N.
    pub yield_force: f64,
    /// Slope behind that, N/mm; below the stiffness.
    pub hardening: f64,
    /// Share of force and stiffness that is left behind a crack, 0 to 1.
    pub cracked_share: f64,
}

/// Force over depth of one part: elastic, then plastic with linear hardening, unloading on the elastic slope.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct ElasticPlastic {
    curve: Curve,
    /// Of this part, against the nominal one.
    stiffness_factor: f64,
    strength_factor: f64,
    /// Depth at which this part cracks, mm; 0: it does not.
    crack_at_mm: f64,
    set_mm: f64,
    force_n: f64,
    slope: f64,
    energy_mj: f64,
    cracked: Flag,
    err: Flag,
    _pad: [u8; 6],
}

impl ElasticPlastic {
    /// A fresh nominal part.
    ///
    /// # Errors
    /// If the slope behind the yield point is not below the elastic one.
    pub fn new(curve: Curve) -> Result<Self, BlockError> {
        if curve.hardening >= curve.stiffness {
            let callee = "ELASTIC_PLASTIC";
            return Err(BlockError::Crossed { callee, low: "HARDENING", high: "STIFFNESS" });
        }
        Ok(Self { curve, stiffness_factor: 1.0, strength_factor: 1.0, ..Self::zeroed() })
    }

    /// Once a cycle. `depth_mm`: how far the tool is beyond the surface of the fresh part; negative above it.
    /// Returns the contact force in N, never negative.
    pub fn run(&mut self, depth_mm: f64) -> f64 {
        let cracked = self.cracked.get() || (self.crack_at_mm > 0.0 && depth_mm >= self.crack_at_mm);
        let share = if cracked { self.curve.cracked_share } else { 1.0 };
        let elastic = self.curve.stiffness * self.stiffness_factor * share;
        let yields = self.curve.yield_force * self.strength_factor * share;
        // Force per set that makes the slope of both together the given one.
        let tangent = self.curve.hardening * self.stiffness_factor * share;
        let per_set = if tangent > 0.0 { elastic * tangent / (elastic - tangent) } else { 0.0 };

        let excess = elastic * (depth_mm - self.set_mm) - yields - per_set * self.set_mm;
        // Beyond the yield surface the set grows until the force lies on it (return mapping in one dimension). What
        // has no stiffness left has no set either.
        let flows = excess > 0.0 && elastic > 0.0;
        let set_mm = if flows { self.set_mm + excess / (elastic + per_set) } else { self.set_mm };
        let pressed = if depth_mm > set_mm { depth_mm - set_mm } else { 0.0 };
        let force = elastic * pressed;
        let energy = force * pressed / 2.0;
        let fine = all_finite(&[depth_mm, set_mm, force, energy, per_set]);
        self.err.set(!fine);
        if fine {
            self.cracked.set(cracked);
            (self.set_mm, self.force_n, self.energy_mj) = (set_mm, force, energy);
            self.slope = if flows {
                tangent
            } else if pressed > 0.0 {
                elastic
            } else {
                0.0
            };
        }
        self.force_n
    }

    /// A fresh part, so many times as stiff and as strong as the nominal one, that cracks at a depth; 0: never.
    pub fn renew(&mut self, stiffness_factor: f64, strength_factor: f64, crack_at_mm: f64) {
        let fresh =
            Self { curve: self.curve, stiffness_factor, strength_factor, crack_at_mm, ..Self::zeroed() };
        *self = fresh;
    }

    /// Contact force in N.
    pub const fn force_n(&self) -> f64 {
        self.force_n
    }

    /// Permanent set in mm.
    pub const fn set_mm(&self) -> f64 {
        self.set_mm
    }
}

block! {
    /// Twin of a part that is pressed: force over depth, elastic, then plastic with hardening, with a permanent set, and with a crack
    /// if it has one.
    ///
    /// ```text
    /// FORCE      yield ___----| crack: the force drops to the share CRACKED,
    ///                 /       |        and so do stiffness and strength
    ///                /     /‾‾‾
    ///               /     /  elastic on the way back
    ///        ______/_____/________ DEPTH
    ///              |set |
    /// ```
    ///
    /// No force when the tool is above the part. A part gives back less than was put into it, whatever is done to it. Of two parts on top
    /// of each other, each gives way: renew with half the stiffness, and let the contact begin one part's height earlier. If `DEPTH`
    /// is not finite, the force is held and `ERR` true.
    ELASTIC_PLASTIC: ElasticPlastic;
    pins {
        /// Contact force.
        output FORCE: f64 ["N"] = |block| block.force_n();
        /// Permanent set.
        output SET: f64 ["mm"] = |block| block.set_mm();
        /// Slope of the curve where the part is now: what `axis.<name>.stiffness` wants to know. 0 without contact.
        output SLOPE: f64 ["N/mm"] = |block| block.slope;
        /// Elastic energy in the part.
        output ENERGY: f64 ["mJ"] = |block| block.energy_mj;
        /// It has cracked.
        output CRACKED: bool = |block| block.cracked.get();
        /// `DEPTH` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Elastic slope.
        STIFFNESS: f64 ["N/mm"] in 1e-6..=1e9,
        /// Force at which it yields.
        YIELD: f64 ["N"] in 0.0..=1e9,
        /// Slope of the curve behind that; below STIFFNESS.
        HARDENING: f64 ["N/mm"] in 0.0..=1e9 = 0.0,
        /// Share of force, stiffness and strength that a crack leaves.
        CRACKED: f64 in 0.0..=1.0 = 0.4,
    ) = |_| ElasticPlastic::new(Curve {
        stiffness: STIFFNESS, yield_force: YIELD, hardening: HARDENING, cracked_share: CRACKED,
    });
    methods {
        /// Press; returns `FORCE`.
        every_cycle run(
            /// How far the tool is beyond the surface of the fresh part.
            DEPTH: f64 ["mm"],
        ) -> f64 = |block, _| block.run(DEPTH);
        /// Put in a fresh part.
        command renew(
            /// How many times as stiff as the nominal one.
            STIFFER: f64 in 0.001..=1000.0,
            /// How many times the force at which the nominal one yields.
            STRONGER: f64 in 0.001..=1000.0,
            /// Depth at which it cracks; 0: never.
            CRACK_AT: f64 ["mm"] in 0.0..=1e6,
        ) = |block, _| block.renew(STIFFER, STRONGER, CRACK_AT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part() -> ElasticPlastic {
        let curve = Curve { stiffness: 100.0, yield_force: 200.0, hardening: 20.0, cracked_share: 0.5 };
        ElasticPlastic::new(curve).unwrap()
    }

    #[test]
    fn the_curve_has_the_slopes_it_was_given() {
        let mut block = part();
        for (depth, force, set, slope) in [
            (-5.0, 0.0, 0.0, 0.0),
            (1.0, 100.0, 0.0, 100.0),
            (2.0, 200.0, 0.0, 100.0),
            (4.5, 250.0, 2.0, 20.0),
            (3.0, 100.0, 2.0, 100.0),
            (1.5, 0.0, 2.0, 0.0),
            (4.5, 250.0, 2.0, 100.0),
            (7.0, 300.0, 4.0, 20.0),
        ] {
            assert!((block.run(depth) - force).abs() < 1e-9, "depth {depth}: {}", block.force_n());
            assert!((block.set_mm() - set).abs() < 1e-9, "depth {depth}");
            assert_eq!(block.slope, slope, "depth {depth}");
        }
        assert_eq!(block.run(f64::NAN), block.force_n());
        assert!(block.err.get());
        let steep = Curve { hardening: 100.0, ..block.curve };
        let error = ElasticPlastic::new(steep).unwrap_err();
        assert_eq!(error.to_string(), "ELASTIC_PLASTIC: HARDENING is above STIFFNESS");
    }

    #[test]
    fn other_parts_are_other_curves() {
        let mut block = part();
        // A double part: half the slope, both of them. A softer material: yields at half the force.
        block.renew(0.5, 1.0, 0.0);
        assert_eq!((block.run(2.0), block.run(4.0)), (100.0, 200.0));
        assert!((block.run(9.0) - 250.0).abs() < 1e-9);
        block.renew(1.0, 0.5, 0.0);
        assert!((block.run(3.0) - 140.0).abs() < 1e-9 && !block.cracked.get());
    }

    #[test]
    fn a_crack_drops_the_force_and_stays() {
        let mut block = part();
        block.renew(1.0, 1.0, 1.5);
        assert_eq!((block.run(1.4), block.cracked.get()), (140.0, false));
        assert_eq!((block.run(1.6), block.cracked.get()), (80.0, true));
        assert_eq!(block.run(1.0), 50.0, "softer on the way back, too");
        // It yields at half the force, with half the hardening: 100 N at 2 mm, then 10 N/mm.
        assert!((block.run(4.0) - 120.0).abs() < 1e-9, "{}", block.force_n());
        block.renew(1.0, 1.0, 0.0);
        assert_eq!((block.run(1.6), block.cracked.get()), (160.0, false));
        // A part that breaks completely carries nothing.
        let mut glass = ElasticPlastic::new(Curve { cracked_share: 0.0, ..part().curve }).unwrap();
        glass.renew(1.0, 1.0, 1.0);
        assert_eq!((glass.run(0.9), glass.run(1.1), glass.run(0.5)), (90.0, 0.0, 0.0));
    }

    proptest! {
        /// Work put in so far is never less than the elastic energy in the part, at any step of any path with any step
        /// width, through yield, separation and crack. (Backward Euler on a convex potential: exact, no tolerance but
        /// rounding.) So no cycle gives back more than it took.
        #[test]
        fn no_path_creates_energy(
            stiffer in 0.2..5.0, stronger in 0.2..5.0, crack_at in prop_oneof![Just(0.0), 0.5..8.0],
            depths in prop::collection::vec(-2.0..10.0, 300),
        ) {
            let mut block = part();
            block.renew(stiffer, stronger, crack_at);
            let (mut depth, mut deepest, mut work, mut set, mut cracked) = (0.0, 0.0, 0.0, 0.0, false);
            for target in depths {
                let force = block.run(target);
                work += force * (target - depth);
                prop_assert!(work >= block.energy_mj - 1e-9 * (1.0 + work.abs()), "{} {}", work, block.energy_mj);
                prop_assert!(force >= 0.0 && block.set_mm() >= set);
                prop_assert!(block.cracked.get() >= cracked);
                if target <= block.set_mm() {
                    prop_assert_eq!(force, 0.0);
                }
                deepest = if target > deepest { target } else { deepest };
                (depth, set, cracked) = (target, block.set_mm(), block.cracked.get());
            }
            prop_assert_eq!(cracked, crack_at > 0.0 && deepest >= crack_at);
        }
    }
}
