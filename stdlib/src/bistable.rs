//! Bistables, IEC 61131-3 §2.5.2.3.1, table 34.

use crate::{Flag, registry::block};
use bytemuck::{Pod, Zeroable};

/// Set-dominant bistable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Sr {
    q1: Flag,
}

impl Sr {
    /// Once a cycle.
    pub fn run(&mut self, s1: bool, r: bool) {
        self.q1.set(s1 || !r && self.q1.get());
    }

    /// The stored bit.
    pub const fn q1(&self) -> bool {
        self.q1.get()
    }
}

block! {
    /// Bistable, set dominant: `Q1 := S1 OR (NOT R AND Q1)`.
    SR: Sr;
    pins {
        /// The stored bit.
        output Q1: bool = |block| block.q1();
    }
    new() = |_| Ok(Sr::zeroed());
    methods {
        /// Set, reset or keep.
        every_cycle run(
            /// Set; wins.
            S1: bool,
            /// Reset.
            R: bool,
        ) = |block, _| block.run(S1, R);
    }
}

/// Reset-dominant bistable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Rs {
    q1: Flag,
}

impl Rs {
    /// Once a cycle.
    pub fn run(&mut self, s: bool, r1: bool) {
        self.q1.set(!r1 && (s || self.q1.get()));
    }

    /// The stored bit.
    pub const fn q1(&self) -> bool {
        self.q1.get()
    }
}

block! {
    /// Bistable, reset dominant: `Q1 := NOT R1 AND (S OR Q1)`.
    RS: Rs;
    pins {
        /// The stored bit.
        output Q1: bool = |block| block.q1();
    }
    new() = |_| Ok(Rs::zeroed());
    methods {
        /// Set, reset or keep.
        every_cycle run(
            /// Set.
            S: bool,
            /// Reset; wins.
            R1: bool,
        ) = |block, _| block.run(S, R1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set, reset, and what the set-dominant and the reset-dominant one then hold.
    const TABLE: [(bool, bool, bool, bool); 8] = [
        (false, false, false, false),
        (true, false, true, true),
        (false, false, true, true),
        (false, true, false, false),
        (true, true, true, false),
        (false, false, true, false),
        (true, true, true, false),
        (false, true, false, false),
    ];

    #[test]
    fn both_follow_the_table() {
        let (mut sr, mut rs) = (Sr::zeroed(), Rs::zeroed());
        for (step, (set, reset, set_dominant, reset_dominant)) in TABLE.into_iter().enumerate() {
            sr.run(set, reset);
            rs.run(set, reset);
            assert_eq!((sr.q1(), rs.q1()), (set_dominant, reset_dominant), "step {step}");
        }
    }
}
