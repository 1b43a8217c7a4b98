//! Rate limiter.

use crate::{Flag, registry::block, time::step_seconds};
use bytemuck::{Pod, Zeroable};

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
