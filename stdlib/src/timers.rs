//! Timers, IEC 61131-3 §2.5.2.3.4, tables 37 and 38. Integer nanoseconds inside.
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

/// Where compiled programs find what the three timers keep, in bytes from the start of a state.
pub mod fields {
    use super::Time;
    use std::mem::offset_of;

    /// Preset time as last known, `i64` ns.
    pub const PT_NS: u32 = offset_of!(Time, pt_ns) as u32;
    /// Elapsed time, `i64` ns.
    pub const ET_NS: u32 = offset_of!(Time, et_ns) as u32;
    /// The input as last given.
    pub const INPUT: u32 = offset_of!(Time, input) as u32;
    /// The time was started and has not elapsed.
    pub const RUNNING: u32 = offset_of!(Time, running) as u32;
    /// The preset time has been a number once.
    pub const KNOWN: u32 = offset_of!(Time, known) as u32;
    /// The preset time is no number now.
    pub const ERR: u32 = offset_of!(Time, err) as u32;
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::wave;
    use proptest::prelude::*;

    const STEP_NS: i64 = 10_000_000;

    /// `PT` of so many steps, in seconds.
    fn steps(count: i64) -> f64 {
        seconds_from_ns(count * STEP_NS)
    }

    /// One call of a timer: (IN, PT, dt) to (Q, ET).
    type Call = Box<dyn FnMut(bool, f64, i64) -> (bool, i64)>;

    macro_rules! call {
        ($type:ty) => {{
            let mut block = <$type>::zeroed();
            Box::new(move |input: bool, pt_s: f64, dt_ns: i64| {
                block.run(input, pt_s, dt_ns);
                (block.q(), block.et_ns())
            }) as Call
        }};
    }

    /// Run with `PT` = 3 steps against a written-out diagram; `et` in steps.
    fn check(mut call: Call, input: &str, q: &str, et: &str) {
        let et: Vec<i64> = et.split_whitespace().map(|text| text.parse().unwrap()).collect();
        assert_eq!(wave(input).count(), et.len());
        assert_eq!(wave(q).count(), et.len());
        for (step, (input, expected)) in wave(input).zip(wave(q).zip(et)).enumerate() {
            let (q, et_ns) = call(input, steps(3), STEP_NS);
            assert_eq!((q, et_ns), (expected.0, expected.1 * STEP_NS), "step {step}");
        }
    }

    #[test]
    fn ton_follows_the_timing_diagram() {
        check(
            call!(Ton),
            "0 1 1 1 1 1 0 0 1 1 1 0 1 1 1 1 0",
            "0 0 0 0 1 1 0 0 0 0 0 0 0 0 0 1 0",
            "0 0 1 2 3 3 0 0 0 1 2 0 0 1 2 3 0",
        );
    }

    #[test]
    fn tof_follows_the_timing_diagram() {
        check(
            call!(Tof),
            "0 0 1 1 0 0 0 0 0 1 0 0 1 0 0 0 0 0",
            "0 0 1 1 1 1 1 0 0 1 1 1 1 1 1 1 0 0",
            "0 0 0 0 0 1 2 3 3 0 0 1 0 0 1 2 3 3",
        );
    }

    #[test]
    fn tp_follows_the_timing_diagram() {
        check(
            call!(Tp),
            "0 1 1 1 1 1 0 0 1 0 1 0 0 1 0 0 0 0",
            "0 1 1 1 0 0 0 0 1 1 1 0 0 1 1 1 0 0",
            "0 0 1 2 3 3 0 0 0 1 2 0 0 0 1 2 0 0",
        );
    }

    #[test]
    fn tp_starts_again_in_the_call_that_ends_a_pulse() {
        check(call!(Tp), "1 0 0 1 0 0 0", "1 1 1 1 1 1 0", "0 1 2 0 1 2 0");
    }

    #[test]
    fn an_input_that_is_true_from_the_start_is_an_edge() {
        assert_eq!(call!(Ton)(true, steps(1), STEP_NS), (false, 0));
        assert_eq!(call!(Tof)(true, steps(1), STEP_NS), (true, 0));
        assert_eq!(call!(Tp)(true, steps(1), STEP_NS), (true, 0));
        // An input that was never true has not fallen.
        assert_eq!(call!(Tof)(false, steps(1), STEP_NS), (false, 0));
    }

    #[test]
    fn no_preset_time_elapses_at_once() {
        for pt in [0.0, -0.0, -1.0, f64::NEG_INFINITY, 0.3e-9] {
            let (mut ton, mut tof, mut tp) = (call!(Ton), call!(Tof), call!(Tp));
            for input in [false, true, true, false, false, true] {
                assert_eq!(ton(input, pt, STEP_NS), (input, 0));
                assert_eq!(tof(input, pt, STEP_NS), (input, 0));
                assert_eq!(tp(input, pt, STEP_NS), (false, 0));
            }
        }
    }

    #[test]
    fn a_changed_preset_time_acts_on_a_running_time_only() {
        let mut ton = call!(Ton);
        ton(true, steps(3), STEP_NS);
        assert_eq!(ton(true, steps(3), STEP_NS), (false, STEP_NS));
        // Longer: goes on. Shorter than what has passed: elapses, and shows no more than PT.
        assert_eq!(ton(true, steps(9), STEP_NS), (false, 2 * STEP_NS));
        assert_eq!(ton(true, steps(1), STEP_NS), (true, STEP_NS));
        // Elapsed: stays elapsed, whatever PT does.
        assert_eq!(ton(true, steps(50), STEP_NS), (true, STEP_NS));
        assert_eq!(ton(true, 0.0, STEP_NS), (true, 0));

        let mut tof = call!(Tof);
        tof(true, steps(3), STEP_NS);
        assert_eq!(tof(false, steps(3), STEP_NS), (true, 0));
        assert_eq!(tof(false, steps(2), STEP_NS), (true, STEP_NS));
        assert_eq!(tof(false, steps(2), STEP_NS), (false, 2 * STEP_NS));
        assert_eq!(tof(false, steps(9), STEP_NS), (false, 2 * STEP_NS));

        let mut tp = call!(Tp);
        assert_eq!(tp(true, steps(2), STEP_NS), (true, 0));
        assert_eq!(tp(true, steps(4), STEP_NS), (true, STEP_NS));
        assert_eq!(tp(true, steps(1), STEP_NS), (false, STEP_NS));
        assert_eq!(tp(true, steps(9), STEP_NS), (false, STEP_NS));
    }

    #[test]
    fn a_preset_time_that_is_no_number_keeps_the_last_one() {
        let mut ton = Ton::zeroed();
        for _ in 0..1000 {
            ton.run(true, f64::NAN, STEP_NS);
            assert!(!ton.q() && ton.time.err.get());
        }
        // The first number counts from the edge on.
        ton.run(true, steps(5), STEP_NS);
        assert!(ton.q() && !ton.time.err.get());
        ton.run(false, steps(5), STEP_NS);
        ton.run(true, f64::NAN, STEP_NS);
        ton.run(true, f64::NAN, 4 * STEP_NS);
        assert!(!ton.q() && ton.time.err.get());
        ton.run(true, f64::NAN, STEP_NS);
        assert!(ton.q());
    }

    #[test]
    fn time_saturates() {
        let mut ton = call!(Ton);
        ton(true, f64::INFINITY, STEP_NS);
        assert_eq!(ton(true, f64::INFINITY, i64::MAX - 1), (false, i64::MAX - 1));
        assert_eq!(ton(true, f64::INFINITY, i64::MAX), (true, i64::MAX));
        assert_eq!(ton(true, f64::INFINITY, i64::MAX), (true, i64::MAX));
        // Time never runs backwards.
        let mut tof = call!(Tof);
        tof(true, steps(3), STEP_NS);
        tof(false, steps(3), STEP_NS);
        tof(false, steps(3), STEP_NS);
        assert_eq!(tof(false, steps(3), i64::MIN), (true, STEP_NS));
    }

    #[test]
    fn skipped_cycles_count_in_full() {
        let mut ton = call!(Ton);
        ton(true, steps(3), STEP_NS);
        assert_eq!(ton(true, steps(3), 2 * STEP_NS), (false, 2 * STEP_NS));
        assert_eq!(ton(true, steps(3), 5 * STEP_NS), (true, 3 * STEP_NS));
    }

    /// The standard's sentences, told over a whole history: when each call was, and its input.
    struct History<'a>(&'a [(i64, bool)]);

    impl History<'_> {
        /// The time at which the input took the value it has at `now`, if it ever had another.
        fn since(&self, now: usize) -> Option<i64> {
            let input = self.0[now].1;
            let first = (0..=now).rev().take_while(|call| self.0[*call].1 == input).last().unwrap();
            (first > 0 || input).then_some(self.0[first].0)
        }

        fn ton(&self, now: usize, pt: i64) -> (bool, i64) {
            let passed = self.since(now).map_or(0, |since| self.0[now].0 - since);
            if self.0[now].1 { (passed >= pt, passed.min(pt)) } else { (false, 0) }
        }

        fn tof(&self, now: usize, pt: i64) -> (bool, i64) {
            match self.since(now) {
                _ if self.0[now].1 => (true, 0),
                Some(since) => (self.0[now].0 - since < pt, (self.0[now].0 - since).min(pt)),
                None => (false, 0),
            }
        }

        /// The last pulse begun at or before `now`: edges that fall into a pulse are no beginning.
        fn tp(&self, now: usize, pt: i64) -> (bool, i64) {
            let mut begun: Option<i64> = None;
            for call in 0..=now {
                let edge = self.0[call].1 && (call == 0 || !self.0[call - 1].1);
                if edge && begun.is_none_or(|begun| self.0[call].0 - begun >= pt) {
                    begun = Some(self.0[call].0);
                }
            }
            match begun.map(|begun| self.0[now].0 - begun) {
                Some(passed) if passed < pt => (true, passed),
                // Over: the time stands until the input falls, and then is zero until the next pulse.
                Some(_) if self.0[now].1 => (false, pt),
                _ => (false, 0),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// 64 × 200 calls of irregular length against the standard's sentences.
        #[test]
        fn timers_keep_the_standards_sentences(
            inputs in prop::collection::vec((any::<bool>(), 0_u8..4, 0_i64..30), 200),
            pt in 1_i64..80,
        ) {
            let mut now = 0;
            let mut level = false;
            let history: Vec<(i64, bool)> = inputs.iter().map(|(turn, rarely, dt)| {
                now += dt;
                level ^= *turn && *rarely == 0;
                (now, level)
            }).collect();
            let model = History(&history);
            let (mut ton, mut tof, mut tp) = (call!(Ton), call!(Tof), call!(Tp));
            for (call, (_, _, dt)) in inputs.iter().enumerate() {
                let (input, pt_s) = (history[call].1, seconds_from_ns(pt));
                prop_assert_eq!(ton(input, pt_s, *dt), model.ton(call, pt), "TON, call {}", call);
                prop_assert_eq!(tof(input, pt_s, *dt), model.tof(call, pt), "TOF, call {}", call);
                prop_assert_eq!(tp(input, pt_s, *dt), model.tp(call, pt), "TP, call {}", call);
            }
        }
    }
}
