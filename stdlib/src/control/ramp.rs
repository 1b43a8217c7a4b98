//! Rate limiter.

use crate::{Flag, registry::block, time::step_seconds};
use bytemuck::{Pod, Zeroable};

/// Where compiled programs find what it keeps, in bytes from the start of a state.
pub mod fields {
    use super::Ramp;
    use std::mem::offset_of;

    /// Rates, `f64` in 1/s.
    pub const UP: u32 = offset_of!(Ramp, up) as u32;
    /// See [`UP`].
    pub const DOWN: u32 = offset_of!(Ramp, down) as u32;
    /// Output, `f64`.
    pub const OUT: u32 = offset_of!(Ramp, out) as u32;
    /// The output has reached the input.
    pub const DONE: u32 = offset_of!(Ramp, done) as u32;
    /// The input is no number now.
    pub const ERR: u32 = offset_of!(Ramp, err) as u32;
}

/// Follows its input at limited rates.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Ramp {
    up: f64,
    down: f64,
    out: f64,
    done: Flag,
    err: Flag,
    _pad: [u8; 6],
}

impl Ramp {
    /// Rates per second, not negative; `start` is the first output.
    pub fn new(up: f64, down: f64, start: f64) -> Self {
        Self { up, down, out: start, ..Self::zeroed() }
    }

    /// Once a cycle. Returns the output.
    pub fn run(&mut self, input: f64, dt_ns: i64) -> f64 {
        self.err.set(!input.is_finite());
        if input.is_finite() {
            let dt = step_seconds(dt_ns);
            let (lowest, highest) = (self.out - self.down * dt, self.out + self.up * dt);
            self.out = crate::number::limit(input, lowest, highest);
            self.done.set(self.out == input);
        }
        self.out
    }

    /// Jump to a value.
    pub fn preset(&mut self, out: f64) {
        self.out = out;
        self.done.set(false);
    }
}

block! {
    /// Rate limiter: `OUT` follows `IN`, at most `UP` a second upwards and `DOWN` a second downwards, and ends exactly on it.
    ///
    /// ```text
    ///          ┌─────────┐
    /// IN   ────┘         └──────────
    ///             _______
    /// OUT       _/       \
    ///      ____/          \_________
    /// ```
    ///
    /// If `IN` is not finite, `OUT` is held and `ERR` true.
    RAMP: Ramp;
    pins {
        /// Output.
        output OUT: f64 = |block| block.out;
        /// `OUT` has reached `IN`.
        output DONE: bool = |block| block.done.get();
        /// `IN` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Fastest rise per second.
        UP: f64 ["/s"] in 0.0..=1e12,
        /// Fastest fall per second.
        DOWN: f64 ["/s"] in 0.0..=1e12,
        /// First output.
        START: f64 in -1e300..=1e300 = 0.0,
    ) = |_| Ok(Ramp::new(UP, DOWN, START));
    methods {
        /// One step; returns `OUT`.
        every_cycle run(
            /// Target.
            IN: f64,
        ) -> f64 = |block, dt_ns| block.run(IN, dt_ns);
        /// Jump.
        command preset(
            /// Next output to start from.
            OUT: f64 in -1e300..=1e300,
        ) = |block, _| block.preset(OUT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_follows_the_table() {
        // 2 a second up, 4 a second down, in steps of 0.25 s.
        let mut ramp = Ramp::new(2.0, 4.0, 1.0);
        let inputs = [3.0, 3.0, 3.0, 3.0, 3.0, -0.5, -0.5, -0.5, -0.5, f64::NAN, -0.4];
        let outputs = [1.5, 2.0, 2.5, 3.0, 3.0, 2.0, 1.0, 0.0, -0.5, -0.5, -0.4];
        for (step, (input, output)) in inputs.into_iter().zip(outputs).enumerate() {
            assert_eq!(ramp.run(input, 250_000_000), output, "step {step}");
            assert_eq!(ramp.err.get(), input.is_nan(), "step {step}");
            assert_eq!(ramp.done.get(), output == input || input.is_nan(), "step {step}");
        }
        ramp.preset(10.0);
        assert_eq!(ramp.run(0.0, 250_000_000), 9.0);
    }

    proptest! {
        #[test]
        fn it_never_moves_faster_nor_beyond_its_target(
            up in 0.0..100.0, down in 0.0..100.0,
            calls in prop::collection::vec((-50.0..50.0, 0_i64..20_000_000), 200),
        ) {
            let mut ramp = Ramp::new(up, down, 0.0);
            let mut before = 0.0;
            for (target, dt_ns) in calls {
                let out = ramp.run(target, dt_ns);
                let dt = dt_ns as f64 / 1e9;
                prop_assert!(out - before <= up * dt + 1e-12 && before - out <= down * dt + 1e-12);
                let way = if target >= before { before..=target } else { target..=before };
                prop_assert!(way.contains(&out));
                before = out;
            }
        }
    }
}
