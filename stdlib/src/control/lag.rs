//! First-order filter.

use crate::{Flag, registry::block, time::step_seconds};
use bytemuck::{Pod, Zeroable};

/// First-order lag, exact for an input that stands still between calls.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Lag1 {
    time_constant_s: f64,
    out: f64,
    primed: Flag,
    err: Flag,
    _pad: [u8; 6],
}

impl Lag1 {
    /// With this time constant in seconds; 0 hands the input through.
    pub fn new(time_constant_s: f64) -> Self {
        Self { time_constant_s, ..Self::zeroed() }
    }

    /// Once a cycle. Returns the output; the first one is the input.
    pub fn run(&mut self, input: f64, dt_ns: i64) -> f64 {
        let out = if self.primed.get() && self.time_constant_s > 0.0 {
            // 1 − e^(−dt/T), without cancellation where dt is much smaller than T.
            let share = -libm::expm1(-step_seconds(dt_ns) / self.time_constant_s);
            self.out + share * (input - self.out)
        } else {
            input
        };
        self.err.set(!out.is_finite());
        if out.is_finite() {
            self.out = out;
            self.primed.set(true);
        }
        self.out
    }

    /// Start from the next input again.
    pub fn reset(&mut self) {
        self.primed.set(false);
    }
}

block! {
    /// First-order lag: T·d(OUT)/dt + OUT = IN.
    ///
    /// After a step of `IN`, `OUT` has come 63.2 % of the way after T. Exact for every cycle time (an input that stands still
    /// between calls; 1 − e^(−dt/T)). The first call sets `OUT` to `IN`. If `IN` is not finite, `OUT` is held and `ERR` true.
    LAG1: Lag1;
    pins {
        /// Output.
        output OUT: f64 = |block| block.out;
        /// `IN` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Time constant; 0 hands the input through.
        T: f64 ["s"] in 0.0..=1e9,
    ) = |_| Ok(Lag1::new(T));
    methods {
        /// One step; returns `OUT`.
        every_cycle run(
            /// Input.
            IN: f64,
        ) -> f64 = |block, dt_ns| block.run(IN, dt_ns);
        /// Start from the next input again.
        command reset() = |block, _| block.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_gives_the_exponential() {
        let mut lag = Lag1::new(0.5);
        assert_eq!(lag.run(0.0, 1_000_000), 0.0);
        for step in 1..=2000 {
            let expected = 10.0 * (1.0 - libm::exp(-f64::from(step) * 0.001 / 0.5));
            let out = lag.run(10.0, 1_000_000);
            assert!((out - expected).abs() < 1e-11, "step {step}: {out} instead of {expected}");
        }
    }

    #[test]
    fn the_first_input_is_taken_over_and_bad_ones_are_not() {
        let mut lag = Lag1::new(0.5);
        assert_eq!(lag.run(f64::NAN, 1_000_000), 0.0);
        assert_eq!(lag.run(7.0, 1_000_000), 7.0);
        assert_eq!(lag.run(f64::INFINITY, 1_000_000), 7.0);
        assert!(lag.err.get());
        lag.reset();
        assert_eq!(lag.run(-3.0, 1_000_000), -3.0);
        assert!(!lag.err.get());
        let mut through = Lag1::new(0.0);
        assert_eq!([1.0, 5.0, -2.0].map(|input| through.run(input, 1_000_000)), [1.0, 5.0, -2.0]);
    }

    proptest! {
        /// Exact means: how the time is cut makes no difference.
        #[test]
        fn two_short_steps_equal_a_long_one(t in 0.001..10.0, x in -100.0..100.0, a in 0_i64..1 << 32, b in 0_i64..1 << 32) {
            let (mut cut, mut whole) = (Lag1::new(t), Lag1::new(t));
            cut.run(0.0, 0);
            whole.run(0.0, 0);
            cut.run(x, a);
            let (cut, whole) = (cut.run(x, b), whole.run(x, a + b));
            prop_assert!((cut - whole).abs() <= 1e-12 * x.abs(), "{} {}", cut, whole);
        }
    }
}
