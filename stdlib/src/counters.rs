//! Counters, IEC 61131-3 §2.5.2.3.3, table 36. They count rising edges and saturate at the ends of `i64`.

use crate::{edges::RTrig, registry::block};
use bytemuck::{Pod, Zeroable};

/// Up counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Ctu {
    cv: i64,
    pv: i64,
    up: RTrig,
    _pad: [u8; 6],
}

impl Ctu {
    /// Once a cycle. An edge while `r` is true is seen and not counted.
    pub fn run(&mut self, cu: bool, r: bool, pv: i64) {
        self.up.run(cu);
        self.pv = pv;
        if r {
            self.cv = 0;
        } else if self.up.q() {
            self.cv = self.cv.saturating_add(1);
        }
    }

    /// `CV` has reached `PV`.
    pub const fn q(&self) -> bool {
        self.cv >= self.pv
    }

    /// Edges counted.
    pub const fn cv(&self) -> i64 {
        self.cv
    }
}

block! {
    /// Up counter: counts the rising edges of `CU`; `Q` is true while `CV` ≥ `PV`.
    ///
    /// `R` sets `CV` to zero and wins over counting. `CV` saturates at the largest `i64`.
    ///
    /// ```text
    ///        ┌─┐ ┌─┐ ┌─┐ ┌─┐
    /// CU ────┘ └─┘ └─┘ └─┘ └────────
    ///                           ┌─┐
    /// R  ───────────────────────┘ └─
    /// CV  0  1   2   3   4      0
    ///                ┌──────────┐
    /// Q  ────────────┘          └───     PV = 3
    /// ```
    CTU: Ctu;
    pins {
        /// Preset value as last given.
        input PV: i64 = |block| block.pv;
        /// Count reached: `CV` ≥ `PV`. Before the first call `PV` is 0, hence true.
        output Q: bool = |block| block.q();
        /// Current value.
        output CV: i64 = |block| block.cv();
    }
    new() = |_| Ok(Ctu::zeroed());
    methods {
        /// Count an edge.
        every_cycle run(
            /// Count up at the rising edge.
            CU: bool,
            /// Reset to 0; wins.
            R: bool,
            /// Preset value.
            PV: i64,
        ) = |block, _| block.run(CU, R, PV);
    }
}

/// Down counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Ctd {
    cv: i64,
    pv: i64,
    down: RTrig,
    _pad: [u8; 6],
}

impl Ctd {
    /// Once a cycle. An edge while `ld` is true is seen and not counted.
    pub fn run(&mut self, cd: bool, ld: bool, pv: i64) {
        self.down.run(cd);
        self.pv = pv;
        if ld {
            self.cv = pv;
        } else if self.down.q() {
            self.cv = self.cv.saturating_sub(1);
        }
    }

    /// `CV` has come down to zero.
    pub const fn q(&self) -> bool {
        self.cv <= 0
    }

    /// Edges left.
    pub const fn cv(&self) -> i64 {
        self.cv
    }
}

block! {
    /// Down counter: `LD` loads `PV`, rising edges of `CD` count down; `Q` is true while `CV` ≤ 0.
    ///
    /// Loading wins over counting. `CV` goes on below zero and saturates at the smallest `i64`.
    CTD: Ctd;
    pins {
        /// Preset value as last given.
        input PV: i64 = |block| block.pv;
        /// Counted down: `CV` ≤ 0.
        output Q: bool = |block| block.q();
        /// Current value.
        output CV: i64 = |block| block.cv();
    }
    new() = |_| Ok(Ctd::zeroed());
    methods {
        /// Count an edge.
        every_cycle run(
            /// Count down at the rising edge.
            CD: bool,
            /// Load `PV`; wins.
            LD: bool,
            /// Preset value.
            PV: i64,
        ) = |block, _| block.run(CD, LD, PV);
    }
}

/// Up and down counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Ctud {
    cv: i64,
    pv: i64,
    up: RTrig,
    down: RTrig,
    _pad: [u8; 4],
}

impl Ctud {
    /// Once a cycle. Edges on both inputs in one call cancel.
    pub fn run(&mut self, cu: bool, cd: bool, r: bool, ld: bool, pv: i64) {
        self.up.run(cu);
        self.down.run(cd);
        self.pv = pv;
        self.cv = match (r, ld, self.up.q(), self.down.q()) {
            (true, ..) => 0,
            (false, true, ..) => pv,
            (false, false, true, false) => self.cv.saturating_add(1),
            (false, false, false, true) => self.cv.saturating_sub(1),
            (false, false, ..) => self.cv,
        };
    }

    /// `CV` has reached `PV`.
    pub const fn qu(&self) -> bool {
        self.cv >= self.pv
    }

    /// `CV` has come down to zero.
    pub const fn qd(&self) -> bool {
        self.cv <= 0
    }

    /// Edges up less edges down.
    pub const fn cv(&self) -> i64 {
        self.cv
    }
}

block! {
    /// Up and down counter: `CU` counts up, `CD` down; `QU` is true while `CV` ≥ `PV`, `QD` while `CV` ≤ 0.
    ///
    /// `R` wins over `LD`, and both over counting. Edges on `CU` and `CD` in the same call cancel. `CV` saturates at
    /// both ends of `i64`.
    CTUD: Ctud;
    pins {
        /// Preset value as last given.
        input PV: i64 = |block| block.pv;
        /// Counted up: `CV` ≥ `PV`. Before the first call `PV` is 0, hence true.
        output QU: bool = |block| block.qu();
        /// Counted down: `CV` ≤ 0.
        output QD: bool = |block| block.qd();
        /// Current value.
        output CV: i64 = |block| block.cv();
    }
    new() = |_| Ok(Ctud::zeroed());
    methods {
        /// Count edges.
        every_cycle run(
            /// Count up at the rising edge.
            CU: bool,
            /// Count down at the rising edge.
            CD: bool,
            /// Reset to 0; wins over `LD`.
            R: bool,
            /// Load `PV`.
            LD: bool,
            /// Preset value.
            PV: i64,
        ) = |block, _| block.run(CU, CD, R, LD, PV);
    }
}
