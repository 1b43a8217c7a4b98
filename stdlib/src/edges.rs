//! Edge detection, IEC 61131-3 §2.5.2.3.2, table 35.

use crate::{Flag, registry::block};
use bytemuck::{Pod, Zeroable};

/// Where compiled programs find what the edge detectors keep, in bytes from the start of a state.
pub mod fields {
    use super::{FTrig, RTrig};
    use std::mem::offset_of;

    /// The input as last given.
    pub const CLK: u32 = offset_of!(RTrig, clk) as u32;
    /// The edge.
    pub const Q: u32 = offset_of!(RTrig, q) as u32;

    const _: () = assert!(CLK == offset_of!(FTrig, clk) as u32 && Q == offset_of!(FTrig, q) as u32);
}

/// Rising edge detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RTrig {
    clk: Flag,
    q: Flag,
}

impl RTrig {
    /// Once a cycle.
    pub fn run(&mut self, clk: bool) {
        self.q.set(clk && !self.clk.get());
        self.clk.set(clk);
    }

    /// True in the cycle in which the input rose.
    pub const fn q(&self) -> bool {
        self.q.get()
    }
}

block! {
    /// Rising edge: `Q` is true for the one call in which `CLK` turned from false to true.
    ///
    /// An input that is true at the first call after a cold start counts as an edge, as IEC 61131-3 says.
    ///
    /// ```text
    ///        ┌───────┐   ┌───
    /// CLK ───┘       └───┘
    ///        ┌─┐         ┌─┐
    /// Q   ───┘ └─────────┘ └─
    /// ```
    R_TRIG: RTrig;
    pins {
        /// As last given.
        input CLK: bool = |block| block.clk.get();
        /// The edge.
        output Q: bool = |block| block.q();
    }
    new() = |_| Ok(RTrig::zeroed());
    methods {
        /// Look for an edge.
        every_cycle run(
            /// The signal.
            CLK: bool,
        ) = |block, _| block.run(CLK);
    }
}

/// Falling edge detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct FTrig {
    clk: Flag,
    q: Flag,
}

impl FTrig {
    /// Once a cycle.
    pub fn run(&mut self, clk: bool) {
        self.q.set(!clk && self.clk.get());
        self.clk.set(clk);
    }

    /// True in the cycle in which the input fell.
    pub const fn q(&self) -> bool {
        self.q.get()
    }
}

block! {
    /// Falling edge: `Q` is true for the one call in which `CLK` turned from true to false.
    ///
    /// An input that is false at the first call is no edge: nothing fell. This is the standard's second edition, whose
    /// memory `M` starts true; the third starts it false and so reports an edge that never was.
    ///
    /// ```text
    ///        ┌───────┐   ┌───
    /// CLK ───┘       └───┘
    ///                ┌─┐
    /// Q   ───────────┘ └─────
    /// ```
    F_TRIG: FTrig;
    pins {
        /// As last given.
        input CLK: bool = |block| block.clk.get();
        /// The edge.
        output Q: bool = |block| block.q();
    }
    new() = |_| Ok(FTrig::zeroed());
    methods {
        /// Look for an edge.
        every_cycle run(
            /// The signal.
            CLK: bool,
        ) = |block, _| block.run(CLK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::wave;

    #[test]
    fn r_trig_follows_the_table() {
        let mut block = RTrig::zeroed();
        let clk = wave("1 1 0 1 0 0 1 1 1 0");
        let q = wave("  1 0 0 1 0 0 1 0 0 0");
        for (step, (clk, q)) in clk.zip(q).enumerate() {
            block.run(clk);
            assert_eq!(block.q(), q, "step {step}");
        }
    }

    #[test]
    fn f_trig_follows_the_table() {
        let mut block = FTrig::zeroed();
        let clk = wave("0 0 1 1 0 0 1 0 1 1");
        let q = wave("  0 0 0 0 1 0 0 1 0 0");
        for (step, (clk, q)) in clk.zip(q).enumerate() {
            block.run(clk);
            assert_eq!(block.q(), q, "step {step}");
        }
    }
}
