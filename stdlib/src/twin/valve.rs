//! A valve that takes its time.

use crate::{
    Flag,
    number::limit,
    registry::block,
    time::{ns_from_seconds, seconds_from_ns},
};
use bytemuck::{Pod, Zeroable};

/// Opens and closes with a delay and a stroke time.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Valve {
    open_s: f64,
    close_s: f64,
    delay_ns: i64,
    /// 0 closed, 1 open.
    opening: f64,
    /// How long the command has been as it is.
    since_ns: i64,
    command: Flag,
    /// Where it is moving to: the last command that lasted longer than the delay.
    target: Flag,
    _pad: [u8; 6],
}

impl Valve {
    /// Closed. Times in seconds: from closed to open, from open to closed, from a command to the first motion.
    pub fn new(open_s: f64, close_s: f64, delay_s: f64) -> Self {
        let delay_ns = ns_from_seconds(delay_s).unwrap_or(0);
        Self { open_s, close_s, delay_ns, ..Self::zeroed() }
    }

    /// Once a cycle. Returns the opening, 0 to 1.
    pub fn run(&mut self, on: bool, dt_ns: i64) -> f64 {
        let dt_ns = dt_ns.max(0);
        if on != self.command.get() {
            // The command came now: the step that ends now still belongs to the one before.
            self.travel(self.target.get(), dt_ns);
            self.command.set(on);
            self.since_ns = 0;
        } else {
            let after = self.since_ns.saturating_add(dt_ns);
            let obeying = after.saturating_sub(self.delay_ns.max(0)).clamp(0, dt_ns);
            self.travel(self.target.get(), dt_ns - obeying);
            if obeying > 0 || after >= self.delay_ns {
                self.target = self.command;
            }
            self.travel(self.target.get(), obeying);
            self.since_ns = after;
        }
        self.opening
    }

    fn travel(&mut self, open: bool, ns: i64) {
        let (full_s, sign) = if open { (self.open_s, 1.0) } else { (self.close_s, -1.0) };
        let share = if full_s > 0.0 { seconds_from_ns(ns) / full_s } else { f64::from(u8::from(ns > 0)) };
        self.opening = limit(self.opening + sign * share, 0.0, 1.0);
    }

    /// Share of the full opening.
    pub const fn opening(&self) -> f64 {
        self.opening
    }
}

block! {
    /// Twin of a valve: follows its coil after DELAY, and takes a time to open and to close.
    ///
    /// A pulse shorter than DELAY moves nothing. `OPENING` goes in a straight line.
    ///
    /// ```text
    ///          ┌─────────────┐
    /// ON   ────┘             └──────────────
    ///               ┌────────────┐
    /// OPENING      /              \          DELAY, then OPEN or CLOSE
    ///      ───────┘                └────────
    /// ```
    VALVE: Valve;
    pins {
        /// Share of the full opening.
        output OPENING: f64 ["1"] = |block| block.opening();
        /// Fully open.
        output IS_OPEN: bool = |block| block.opening >= 1.0;
        /// Fully closed.
        output IS_CLOSED: bool = |block| block.opening <= 0.0;
    }
    new(
        /// Time from closed to open.
        OPEN: f64 ["s"] in 0.0..=1e4,
        /// Time from open to closed.
        CLOSE: f64 ["s"] in 0.0..=1e4,
        /// Time from the command to the first motion.
        DELAY: f64 ["s"] in 0.0..=1e4 = 0.0,
    ) = |_| Ok(Valve::new(OPEN, CLOSE, DELAY));
    methods {
        /// One step; returns `OPENING`.
        every_cycle run(
            /// Coil.
            ON: bool,
        ) -> f64 = |block, dt_ns| block.run(ON, dt_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn it_follows_the_coil_with_its_times() {
        // 5 ms delay, 10 ms to open, 20 ms to close.
        let mut valve = Valve::new(0.010, 0.020, 0.005);
        let openings: Vec<f64> = (0..20).map(|_| valve.run(true, MS)).collect();
        assert_eq!(openings[..6], [0.0; 6], "the command comes with the first call, the delay is behind it");
        for (step, opening) in openings.iter().enumerate().skip(5) {
            let expected = (step as f64 - 5.0) / 10.0;
            assert!((opening - expected.min(1.0)).abs() < 1e-9, "step {step}: {opening}");
        }
        let closings: Vec<f64> = (0..30).map(|_| valve.run(false, MS)).collect();
        assert!(
            closings[5] == 1.0 && (closings[15] - 0.5).abs() < 1e-9 && closings[26] == 0.0,
            "{closings:?}"
        );
    }

    #[test]
    fn a_short_pulse_moves_nothing_and_a_reversal_goes_on_until_it_is_obeyed() {
        let mut valve = Valve::new(0.010, 0.010, 0.005);
        for step in 0..40 {
            assert_eq!(valve.run(step % 5 < 4, MS), 0.0, "step {step}");
        }
        let mut valve = Valve::new(0.010, 0.010, 0.005);
        for _ in 0..8 {
            valve.run(true, MS);
        }
        let before = valve.opening();
        valve.run(false, MS);
        assert!(valve.opening() > before, "still opening in the delay");
        let mut quick = Valve::new(0.0, 0.0, 0.0);
        assert_eq!(
            (quick.run(true, MS), quick.run(true, MS), quick.run(false, MS), quick.run(false, MS)),
            (0.0, 1.0, 1.0, 0.0)
        );
    }

    proptest! {
        /// However the time is cut, a command that lasts leads to the same place.
        #[test]
        fn the_cut_of_time_does_not_matter(
            open in 0.001..0.1, delay in 0.0..0.05, cuts in prop::collection::vec(1_i64..5_000_000, 1..60),
        ) {
            let (mut fine, mut coarse) = (Valve::new(open, 0.1, delay), Valve::new(open, 0.1, delay));
            fine.run(true, 0);
            coarse.run(true, 0);
            for cut in &cuts {
                fine.run(true, *cut);
            }
            coarse.run(true, cuts.iter().sum());
            prop_assert!((fine.opening() - coarse.opening()).abs() < 1e-9);
        }
    }
}
