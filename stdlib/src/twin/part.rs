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
