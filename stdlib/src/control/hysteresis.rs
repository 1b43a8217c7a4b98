//! Two-point switch.

use crate::{BlockError, Flag, registry::block};
use bytemuck::{Pod, Zeroable};

/// Where compiled programs find what it keeps, in bytes from the start of a state.
pub mod fields {
    use super::Hysteresis;
    use std::mem::offset_of;

    /// Lower threshold, `f64`.
    pub const LOW: u32 = offset_of!(Hysteresis, low) as u32;
    /// Upper threshold, `f64`.
    pub const HIGH: u32 = offset_of!(Hysteresis, high) as u32;
    /// Output.
    pub const Q: u32 = offset_of!(Hysteresis, q) as u32;
    /// The input is no number now.
    pub const ERR: u32 = offset_of!(Hysteresis, err) as u32;
}

/// On above one threshold, off below another.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Hysteresis {
    low: f64,
    high: f64,
    q: Flag,
    err: Flag,
    _pad: [u8; 6],
}

impl Hysteresis {
    /// Off at first.
    ///
    /// # Errors
    /// If `low` is above `high`.
    pub fn new(low: f64, high: f64) -> Result<Self, BlockError> {
        if low > high {
            return Err(BlockError::Crossed { callee: "HYSTERESIS", low: "LO", high: "HI" });
        }
        Ok(Self { low, high, ..Self::zeroed() })
    }

    /// Once a cycle. Returns the output.
    pub fn run(&mut self, input: f64) -> bool {
        // An infinite measurement is a broken sensor, not a very high value.
        self.err.set(!input.is_finite());
        if input.is_finite() {
            self.q.set(input > self.high || input >= self.low && self.q.get());
        }
        self.q.get()
    }
}

block! {
    /// Two-point switch: `Q` turns true above `HI` and false below `LO`; in between, ends included, it stays.
    ///
    /// ```text
    /// Q
    /// 1        ┌──────◄─────┬─────
    ///          ▼            ▲
    /// 0  ──────┴─────►──────┘
    ///          LO           HI     IN
    /// ```
    ///
    /// If `IN` is not finite, `Q` is held and `ERR` true.
    HYSTERESIS: Hysteresis;
    pins {
        /// Output.
        output Q: bool = |block| block.q.get();
        /// `IN` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Off below.
        LO: f64,
        /// On above; at least `LO`.
        HI: f64,
    ) = |_| Hysteresis::new(LO, HI);
    methods {
        /// Compare; returns `Q`.
        every_cycle run(
            /// Measurement.
            IN: f64,
        ) -> bool = |block, _| block.run(IN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_table() {
        let mut block = Hysteresis::new(1.0, 2.0).unwrap();
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        for (step, (input, q, err)) in [
            (1.5, false, false),
            (2.0, false, false),
            (2.1, true, false),
            (1.0, true, false),
            (nan, true, true),
            (-inf, true, true),
            (0.9, false, false),
            (inf, false, true),
            (1.9, false, false),
            (3.0, true, false),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!((block.run(input), block.err.get()), (q, err), "step {step}");
        }
    }

    #[test]
    fn equal_thresholds_are_one_switching_point() {
        let mut block = Hysteresis::new(1.0, 1.0).unwrap();
        assert!([0.9, 1.0, 1.1, 1.0, 0.9].map(|input| block.run(input)) == [false, false, true, true, false]);
    }
}
