//! Random numbers that are the same on every machine.

use crate::registry::block;
use bytemuck::{Pod, Zeroable};

/// PCG-XSH-RR 64/32 (O'Neill 2014): 64 bits of state, 32 bits a draw.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Noise {
    state: u64,
    out: f64,
}

const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

impl Noise {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        let mut noise = Self { state: seed.wrapping_add(INCREMENT), out: 0.0 };
        noise.next_u32();
        noise
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        let old = self.state;
        self.state = old.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        ((((old >> 18) ^ old) >> 27) as u32).rotate_right((old >> 59) as u32)
    }

    /// Evenly from 0 (included) to 1 (excluded), in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (u64::from(self.next_u32() >> 5), u64::from(self.next_u32() >> 6));
        ((high << 26) + low) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly from `low` to `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let share = self.unit();
        self.give(crate::number::lerp(low, high, share))
    }

    /// Normal distribution (Box and Muller), never more than 8.6 σ from the mean.
    pub fn gauss(&mut self, mean: f64, sigma: f64) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        let angle = std::f64::consts::TAU * self.unit();
        self.give(mean + sigma * radius * libm::cos(angle))
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number that is not finite comes from arguments that are not; the last one stands.
    fn give(&mut self, number: f64) -> f64 {
        if number.is_finite() {
            self.out = number;
        }
        self.out
    }
}

block! {
    /// Random numbers for a twin, from a seed: the same on every machine and in every replay. Not for secrets.
    ///
    /// Every call draws anew, and always the same number of times, whatever the arguments. If those are not finite, the last number
    /// is returned.
    NOISE: Noise;
    pins {
        /// The last number drawn.
        output OUT: f64 = |block| block.out;
    }
    new(
        /// Seed.
        SEED: i64,
    ) = |_| Ok(Noise::new(SEED.cast_unsigned()));
    methods {
        /// Evenly between two numbers.
        command uniform(
            /// Smallest.
            LO: f64,
            /// Largest.
            HI: f64,
        ) -> f64 = |block, _| block.uniform(LO, HI);
        /// Normal distribution.
        command gauss(
            /// Mean.
            MEAN: f64,
            /// Standard deviation.
            SIGMA: f64,
        ) -> f64 = |block, _| block.gauss(MEAN, SIGMA);
        /// True with this probability.
        command chance(
            /// Probability, 0 to 1.
            P: f64,
        ) -> bool = |block, _| block.chance(P);
    }
}
