//! Counters, IEC 61131-3 §2.5.2.3.3, table 36. They count rising edges and saturate at the ends of `i64`.

use crate::{edges::RTrig, registry::block};
use bytemuck::{Pod, Zeroable};

/// Where compiled programs find what the counters keep, in bytes from the start of a state.
pub mod fields {
    use super::{Ctd, Ctu, Ctud};
    use std::mem::offset_of;

    /// Current value, `i64`.
    pub const CV: u32 = offset_of!(Ctu, cv) as u32;
    /// Preset value, `i64`.
    pub const PV: u32 = offset_of!(Ctu, pv) as u32;
    /// Edge detector of the input that counts up, or of the only one.
    pub const UP: u32 = offset_of!(Ctu, up) as u32;
    /// Edge detector of the input of CTUD that counts down.
    pub const DOWN: u32 = offset_of!(Ctud, down) as u32;

    const _: () = assert!(CV == offset_of!(Ctd, cv) as u32 && CV == offset_of!(Ctud, cv) as u32);
    const _: () = assert!(PV == offset_of!(Ctd, pv) as u32 && PV == offset_of!(Ctud, pv) as u32);
    const _: () = assert!(UP == offset_of!(Ctd, down) as u32 && UP == offset_of!(Ctud, up) as u32);
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::wave;
    use proptest::prelude::*;

    fn numbers(text: &str) -> impl Iterator<Item = i64> {
        text.split_whitespace().map(|number| number.parse().unwrap())
    }

    #[test]
    fn ctu_follows_the_table() {
        let mut block = Ctu::zeroed();
        let cu = wave("1 0 1 1 0 1 0 1 0 1 1 0 1");
        let r = wave(" 0 0 0 0 0 0 0 0 0 1 0 0 0");
        let q = wave(" 0 0 0 0 0 1 1 1 1 0 0 0 0");
        let cv = numbers("1 1 2 2 2 3 3 4 4 0 0 0 1");
        for (step, ((cu, r), (q, cv))) in cu.zip(r).zip(q.zip(cv)).enumerate() {
            block.run(cu, r, 3);
            assert_eq!((block.q(), block.cv()), (q, cv), "step {step}");
        }
    }

    #[test]
    fn ctd_follows_the_table() {
        let mut block = Ctd::zeroed();
        let cd = wave("0 1 0 1 0 1 0 1 1 0 1");
        let ld = wave("1 0 0 0 0 0 0 0 1 0 0");
        let q = wave(" 0 0 0 0 0 1 1 1 0 0 0");
        let cv = numbers("3 2 2 1 1 0 0 -1 3 3 2");
        for (step, ((cd, ld), (q, cv))) in cd.zip(ld).zip(q.zip(cv)).enumerate() {
            block.run(cd, ld, 3);
            assert_eq!((block.q(), block.cv()), (q, cv), "step {step}");
        }
    }

    #[test]
    fn ctud_follows_the_table() {
        let mut block = Ctud::zeroed();
        let cu = wave("1 0 1 0 1 0 0 0 0 0 0");
        let cd = wave("0 0 0 0 1 0 1 0 0 1 0");
        let r = wave(" 0 0 0 0 0 0 0 1 0 0 1");
        let ld = wave("0 0 0 0 0 0 0 0 1 0 1");
        let cv = numbers("1 1 2 2 2 2 1 0 2 1 0");
        let qu = wave("0 0 1 1 1 1 0 0 1 0 0");
        let qd = wave("0 0 0 0 0 0 0 1 0 0 1");
        let inputs = cu.zip(cd).zip(r.zip(ld));
        for (step, (((cu, cd), (r, ld)), (cv, (qu, qd)))) in inputs.zip(cv.zip(qu.zip(qd))).enumerate() {
            block.run(cu, cd, r, ld, 2);
            assert_eq!((block.cv(), block.qu(), block.qd()), (cv, qu, qd), "step {step}");
        }
    }

    #[test]
    fn counting_saturates() {
        let mut up = Ctu { cv: i64::MAX - 1, ..Ctu::zeroed() };
        let mut down = Ctd { cv: i64::MIN + 1, ..Ctd::zeroed() };
        let mut both = Ctud { cv: i64::MAX - 1, ..Ctud::zeroed() };
        for clock in [true, false, true, false, true] {
            up.run(clock, false, 5);
            down.run(clock, false, 5);
            both.run(clock, false, false, false, 5);
        }
        assert_eq!((up.cv(), down.cv(), both.cv()), (i64::MAX, i64::MIN, i64::MAX));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        /// 50 × 250 calls: the value is what a count over the whole history says.
        #[test]
        fn counters_count_the_edges_of_the_history(
            calls in prop::collection::vec((any::<bool>(), any::<bool>(), 0_u8..40, -4_i64..5), 250),
        ) {
            let (mut up, mut down, mut both) = (Ctu::zeroed(), Ctd::zeroed(), Ctud::zeroed());
            for (now, (cu, cd, rare, pv)) in calls.iter().enumerate() {
                up.run(*cu, *rare == 0, *pv);
                down.run(*cd, *rare == 1, *pv);
                both.run(*cu, *cd, *rare == 0, *rare == 1, *pv);

                let edges = |from: usize, input: fn(&(bool, bool, u8, i64)) -> bool| {
                    (from..=now).filter(|i| input(&calls[*i]) && (*i == 0 || !input(&calls[i - 1]))).count() as i64
                };
                let last = |code: u8| (0..=now).rev().find(|i| calls[*i].2 == code);
                let reset = last(0).map_or(0, |i| i + 1);
                prop_assert_eq!(up.cv(), edges(reset, |call| call.0));
                let (load, start) = last(1).map_or((0, 0), |i| (i + 1, calls[i].3));
                prop_assert_eq!(down.cv(), start - edges(load, |call| call.1));
                let (from, start) = if reset >= load { (reset, 0) } else { (load, start) };
                prop_assert_eq!(both.cv(), start + edges(from, |call| call.0) - edges(from, |call| call.1));
                prop_assert_eq!((both.qu(), both.qd()), (both.cv() >= *pv, both.cv() <= 0));
            }
        }
    }
}
