//! When the next cycle starts: real time, simulated time at real pace, or as fast as it goes.
//!
//! The decision (which targets were missed) is a pure function of two times, so that it can be tested without
//! waiting; the waiting is around it.

use crate::machine::CycleTime;
use sensai_fieldbus::clock;

/// How a wake came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// Targets passed over since the last cycle.
    pub skipped: u64,
    /// The cycle before this one was not done when this one was due.
    pub overrun: bool,
    /// How late the kernel woke us, from the instant asked for.
    pub wake_latency_ns: u64,
    /// How late the cycle starts, from its target.
    pub start_error_ns: u64,
}

/// Starts cycles.
pub trait Pace {
    /// Wait for the next cycle.
    fn wake(&mut self) -> (CycleTime, Wake);

    /// When this thread has to be back to wait for the next cycle, on its own clock ([`clock::now_ns`]).
    fn next_ns(&self) -> u64;
}

/// Which target comes next, when `now` is on the same clock as `target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// The target to wait for; later than `now`.
    pub target: u64,
    /// Targets passed over.
    pub skipped: u64,
}

/// The first target of the grid that is still ahead. Phase is kept: targets are never moved, only passed over.
pub fn next_target(target: u64, interval: u64, now: u64) -> Next {
    if now < target {
        return Next { target, skipped: 0 };
    }
    let skipped = (now - target) / interval + 1;
    Next { target: target + skipped * interval, skipped }
}

/// On a real bus: `clock_nanosleep` to the target minus the spin window, then spin.
#[derive(Debug)]
pub struct RealTime {
    /// Next target on `CLOCK_MONOTONIC`.
    target: u64,
    interval: u64,
    spin: u64,
    index: u64,
    first: bool,
}

impl RealTime {
    /// Targets at `start + n × interval`; the first cycle has index `index`.
    pub fn new(start: u64, interval: u64, spin: u64, index: u64) -> Self {
        Self { target: start, interval, spin, index, first: true }
    }
}

impl Pace for RealTime {
    fn wake(&mut self) -> (CycleTime, Wake) {
        let entered = clock::monotonic_ns();
        let before = next_target(self.target, self.interval, entered);
        let asked = before.target.saturating_sub(self.spin);
        let woken = if entered < asked {
            crate::rt::sleep_until(asked);
            clock::monotonic_ns()
        } else {
            entered
        };
        let mut now = woken;
        while now < before.target {
            std::hint::spin_loop();
            now = clock::monotonic_ns();
        }
        // A wake so late that further targets have passed: this is the cycle of the latest of them.
        let missed = (now - before.target) / self.interval;
        let target = before.target + missed * self.interval;
        let skipped = if self.first { 0 } else { before.skipped + missed };
        self.index += skipped;
        let time = CycleTime { index: self.index, skipped, first: self.first };
        let wake = Wake {
            skipped,
            overrun: before.skipped > 0 && !self.first,
            wake_latency_ns: if entered < asked { woken - asked } else { 0 },
            start_error_ns: now - target,
        };
        self.index += 1;
        self.target = target + self.interval;
        self.first = false;
        (time, wake)
    }

    fn next_ns(&self) -> u64 {
        self.target.saturating_sub(self.spin)
    }
}

/// On the embedded segment: the devices' time is the cycle's nominal time, so no load on the host can trip a
/// simulated watchdog. Real pace if asked for; a late cycle moves the grid instead of skipping.
#[derive(Debug)]
pub struct Lockstep {
    index: u64,
    interval: u64,
    /// Virtual time of the next cycle.
    time: u64,
    /// Next target on `CLOCK_MONOTONIC`; `None` runs as fast as it goes.
    target: Option<u64>,
    spin: u64,
    first: bool,
}

impl Lockstep {
    /// Goes on from this thread's virtual time, with cycle `index`. `start`: the first target on
    /// `CLOCK_MONOTONIC`, or `None` for as fast as it goes.
    pub fn new(start: Option<u64>, interval: u64, spin: u64, index: u64) -> Self {
        Self { index, interval, time: clock::now_ns() + interval, target: start, spin, first: true }
    }
}

impl Pace for Lockstep {
    fn wake(&mut self) -> (CycleTime, Wake) {
        let mut wake = Wake::default();
        if let Some(target) = self.target {
            let mut real =
                RealTime { target, interval: self.interval, spin: self.spin, index: 0, first: self.first };
            (_, wake) = real.wake();
            wake.skipped = 0;
            self.target = Some(real.target);
        }
        clock::advance_to(self.time);
        let time = CycleTime { index: self.index, skipped: 0, first: self.first };
        self.time += self.interval;
        self.index += 1;
        self.first = false;
        (time, wake)
    }

    fn next_ns(&self) -> u64 {
        self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn targets_ahead_are_kept() {
        assert_eq!(next_target(1000, 100, 999), Next { target: 1000, skipped: 0 });
    }

    #[test]
    fn a_target_that_has_come_is_missed() {
        assert_eq!(next_target(1000, 100, 1000), Next { target: 1100, skipped: 1 });
        assert_eq!(next_target(1000, 100, 1099), Next { target: 1100, skipped: 1 });
        assert_eq!(next_target(1000, 100, 1250), Next { target: 1300, skipped: 3 });
    }

    proptest! {
        #[test]
        fn the_grid_never_moves(target in 0_u64..1 << 40, interval in 1_u64..1 << 30, now in 0_u64..1 << 41) {
            let next = next_target(target, interval, now);
            prop_assert!(next.target > now || next.skipped == 0);
            prop_assert_eq!(next.target, target + next.skipped * interval);
            // No target ahead of `now` was passed over.
            prop_assert!(next.skipped == 0 || next.target - interval <= now);
        }
    }

    #[test]
    fn lockstep_time_is_the_nominal_time() {
        clock::start_virtual(5_000);
        let mut pace = Lockstep::new(None, 1_000, 0, 42);
        for k in 0..100 {
            let (time, wake) = pace.wake();
            assert_eq!(time, CycleTime { index: 42 + k, skipped: 0, first: k == 0 });
            assert_eq!(wake, Wake::default());
            assert_eq!(clock::now_ns(), 5_000 + (k + 1) * 1_000);
            assert_eq!(pace.next_ns(), 5_000 + (k + 2) * 1_000);
        }
    }
}
