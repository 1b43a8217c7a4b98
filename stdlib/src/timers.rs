//! Timers, IEC 61131-3 §2.5.2.3.4, table 37 and figure 15. Integer nanoseconds inside.
//!
//! What the standard leaves open, for all three:
//! - Time passes in `run` only: each call adds the time since the call before. The call that sees the starting edge
//!   shows `ET` = 0.
//! - `PT` is read in every call. A change takes effect at once on a running time; a time that has elapsed stays elapsed.
//! - `PT` ≤ 0 elapses at once: TON and TOF hand the input through, TP gives no pulse.
//! - `PT` = NaN keeps the last `PT` and sets `ERR` for this call; if there was none, no time is long enough.
//! - `PT` = +inf, and anything beyond 292 years, never elapses.

use crate::{
    Flag,
    registry::block,
    time::{ns_from_seconds, seconds_from_ns},
};
use bytemuck::{Pod, Zeroable};

/// What the three timers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Time {
    /// Preset time, as last known; not negative.
    pt_ns: i64,
    /// Elapsed time; never above the preset time.
    et_ns: i64,
    input: Flag,
    /// The time was started and has not elapsed.
    running: Flag,
    /// The preset time has been a number once.
    known: Flag,
    err: Flag,
    _pad: [u8; 4],
}

impl Time {
    /// Take over the preset time of this call.
    fn preset(&mut self, pt_s: f64) {
        let preset = ns_from_seconds(pt_s);
        self.err.set(preset.is_none());
        if let Some(pt_ns) = preset {
            self.known.set(true);
            self.pt_ns = pt_ns.max(0);
        } else if !self.known.get() {
            self.pt_ns = i64::MAX;
        }
        self.et_ns = self.et_ns.min(self.pt_ns);
    }

    /// From zero; a preset time of zero has elapsed already.
    fn start(&mut self) {
        self.et_ns = 0;
        self.running.set(self.pt_ns > 0);
    }

    /// Let time pass, if it runs.
    fn pass(&mut self, dt_ns: i64) {
        if self.running.get() {
            self.et_ns = self.et_ns.saturating_add(dt_ns.max(0)).min(self.pt_ns);
            self.running.set(self.et_ns < self.pt_ns);
        }
    }

    /// Back to zero.
    fn stop(&mut self) {
        self.et_ns = 0;
        self.running.set(false);
    }

    /// Remember the input; true if it differs from the one before.
    fn turned(&mut self, input: bool) -> bool {
        let before = self.input.get();
        self.input.set(input);
        before != input
    }
}

/// On-delay timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Ton {
    time: Time,
}

impl Ton {
    /// Once a cycle.
    pub fn run(&mut self, input: bool, pt_s: f64, dt_ns: i64) {
        self.time.preset(pt_s);
        let turned = self.time.turned(input);
        match (input, turned) {
            (true, true) => self.time.start(),
            (true, false) => self.time.pass(dt_ns),
            (false, _) => self.time.stop(),
        }
    }

    /// The input has been true for at least the preset time.
    pub const fn q(&self) -> bool {
        self.time.input.get() && !self.time.running.get()
    }

    /// Elapsed time in nanoseconds, at most the preset time.
    pub const fn et_ns(&self) -> i64 {
        self.time.et_ns
    }
}

block! {
    /// On-delay timer: `Q` turns true when `IN` has been true for `PT`.
    ///
    /// ```text
    ///       ┌──────────┐      ┌──┐
    /// IN ───┘          └──────┘  └────
    ///            ┌─────┐
    /// Q  ────────┘     └──────────────
    ///            ______
    /// ET        /      |         /|
    ///    ______/       |________/ |___
    ///       |PT |
    /// ```
    ///
    /// A `PT` that changes while the time runs takes effect at once; a time that has elapsed stays elapsed. `PT` ≤ 0
    /// hands the input through. With `PT` = NaN the last `PT` goes on and `ERR` is true; if there was none, `Q` stays false.
    TON: Ton;
    pins {
        /// Input as last given.
        input IN: bool = |block| block.time.input.get();
        /// Preset time in effect.
        input PT: f64 ["s"] = |block| seconds_from_ns(block.time.pt_ns);
        /// `IN` has been true for `PT`.
        output Q: bool = |block| block.q();
        /// Elapsed time, at most `PT`.
        output ET: f64 ["s"] = |block| seconds_from_ns(block.et_ns());
        /// `PT` is not a number.
        output ERR: bool = |block| block.time.err.get();
    }
    new() = |_| Ok(Ton::zeroed());
    methods {
        /// Let time pass.
        every_cycle run(
            /// Starts the time when it turns true, clears it when false.
            IN: bool,
            /// Preset time.
            PT: f64 ["s"],
        ) = |block, dt_ns| block.run(IN, PT, dt_ns);
    }
}

/// Off-delay timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Tof {
    time: Time,
}

impl Tof {
    /// Once a cycle.
    pub fn run(&mut self, input: bool, pt_s: f64, dt_ns: i64) {
        self.time.preset(pt_s);
        let turned = self.time.turned(input);
        match (input, turned) {
            (true, _) => self.time.stop(),
            (false, true) => self.time.start(),
            (false, false) => self.time.pass(dt_ns),
        }
    }

    /// The input is true, or has been false for less than the preset time.
    pub const fn q(&self) -> bool {
        self.time.input.get() || self.time.running.get()
    }

    /// Elapsed time in nanoseconds, at most the preset time.
    pub const fn et_ns(&self) -> i64 {
        self.time.et_ns
    }
}

block! {
    /// Off-delay timer: `Q` turns true with `IN` and false when `IN` has been false for `PT`.
    ///
    /// ```text
    ///       ┌────────┐      ┌──┐  ┌────
    /// IN ───┘        └──────┘  └──┘
    ///       ┌────────────┐  ┌──────────
    /// Q  ───┘            └──┘
    ///                     __
    /// ET                 /  |     /|
    ///    _______________/   |____/ |___
    ///                |PT |
    /// ```
    ///
    /// A `PT` that changes while the time runs takes effect at once; a time that has elapsed stays elapsed. `PT` ≤ 0
    /// hands the input through. With `PT` = NaN the last `PT` goes on and `ERR` is true; if there was none, `Q` stays true.
    TOF: Tof;
    pins {
        /// Input as last given.
        input IN: bool = |block| block.time.input.get();
        /// Preset time in effect.
        input PT: f64 ["s"] = |block| seconds_from_ns(block.time.pt_ns);
        /// `IN` is true, or was less than `PT` ago.
        output Q: bool = |block| block.q();
        /// Time since `IN` fell, at most `PT`; 0 while `IN` is true.
        output ET: f64 ["s"] = |block| seconds_from_ns(block.et_ns());
        /// `PT` is not a number.
        output ERR: bool = |block| block.time.err.get();
    }
    new() = |_| Ok(Tof::zeroed());
    methods {
        /// Let time pass.
        every_cycle run(
            /// Starts the time when it turns false, clears it when true.
            IN: bool,
            /// Preset time.
            PT: f64 ["s"],
        ) = |block, dt_ns| block.run(IN, PT, dt_ns);
    }
}

/// Pulse timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Tp {
    time: Time,
}

impl Tp {
    /// Once a cycle.
    pub fn run(&mut self, input: bool, pt_s: f64, dt_ns: i64) {
        self.time.preset(pt_s);
        let turned = self.time.turned(input);
        self.time.pass(dt_ns);
        match (self.time.running.get(), input, turned) {
            (true, _, _) | (false, true, false) => {}
            (false, true, true) => self.time.start(),
            (false, false, _) => self.time.stop(),
        }
    }

    /// The pulse.
    pub const fn q(&self) -> bool {
        self.time.running.get()
    }

    /// Elapsed time in nanoseconds, at most the preset time.
    pub const fn et_ns(&self) -> i64 {
        self.time.et_ns
    }
}

block! {
    /// Pulse timer: a rising `IN` gives a pulse of length `PT` on `Q`, whatever `IN` does meanwhile.
    ///
    /// ```text
    ///       ┌────────┐   ┌─┐ ┌─┐  ┌─┐
    /// IN ───┘        └───┘ └─┘ └──┘ └──
    ///       ┌────┐       ┌────┐   ┌────┐
    /// Q  ───┘    └───────┘    └───┘    └
    ///            ____
    /// ET        /    |       /|       /|
    ///    ______/     |______/ |______/ |
    ///       |PT  |
    /// ```
    ///
    /// A rising edge in the very call in which a pulse ends starts the next one. A `PT` that changes while the pulse runs
    /// takes effect at once. `PT` ≤ 0 gives no pulse. With `PT` = NaN the last `PT` goes on and `ERR` is true; if there was
    /// none, the pulse lasts until there is one.
    TP: Tp;
    pins {
        /// Input as last given.
        input IN: bool = |block| block.time.input.get();
        /// Preset time in effect.
        input PT: f64 ["s"] = |block| seconds_from_ns(block.time.pt_ns);
        /// The pulse.
        output Q: bool = |block| block.q();
        /// Time since the pulse began, at most `PT`; back to 0 when the pulse is over and `IN` false.
        output ET: f64 ["s"] = |block| seconds_from_ns(block.et_ns());
        /// `PT` is not a number.
        output ERR: bool = |block| block.time.err.get();
    }
    new() = |_| Ok(Tp::zeroed());
    methods {
        /// Let time pass.
        every_cycle run(
            /// Starts the pulse when it turns true.
            IN: bool,
            /// Preset time: length of the pulse.
            PT: f64 ["s"],
        ) = |block, dt_ns| block.run(IN, PT, dt_ns);
    }
}
