//! The process watchdog: a thread above the cyclic one, on another core, mostly asleep. If the cyclic thread does
//! not answer, it closes the bus socket, so that the devices' own SyncManager watchdogs take over, and aborts.
//!
//! Its place in the order of watchdogs: fuel < bus deadline < process watchdog < SyncManager watchdog.
//!
//! A process that hangs cannot be trusted to end in an orderly way; the next start comes up faulted.

use crate::{rt, status::Status};
use sensai_fieldbus::clock;
use sensai_model::Cell;
use std::{
    io::Write,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// Looks per watchdog time. The thread sleeps in between.
const LOOKS: u64 = 5;

/// On the embedded segment nothing can move, and a laptop that stalls for a moment should not end the run.
const EMBEDDED_NS: u64 = 5_000_000_000;

/// How long the cyclic thread may be silent: three quarters of the SyncManager watchdog, so that with the time between two
/// looks it acts before the devices do. The check of the cell keeps that watchdog at two intervals or more.
pub fn timeout_ns(cell: &Cell, real_bus: bool) -> u64 {
    match (real_bus, cell.bus.watchdog_ns) {
        (false, _) | (true, 0) => EMBEDDED_NS,
        (true, watchdog) => watchdog / 4 * 3,
    }
}

/// What one look says. Pure, so that the rule can be tested without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judge {
    timeout_ns: u64,
    /// Silence counts from here at the earliest.
    since: u64,
}

impl Judge {
    /// Starts as if the cyclic thread had just answered.
    pub const fn new(timeout_ns: u64, now: u64) -> Self {
        Self { timeout_ns, since: now }
    }

    /// True if the last heartbeat, at `beat` on the same clock, is longer ago than the timeout.
    pub fn hung(&mut self, beat: u64, armed: bool, now: u64) -> bool {
        if !armed {
            self.since = now;
        }
        now.saturating_sub(beat.max(self.since)) > self.timeout_ns
    }
}

/// Watch until the cyclic thread has finished. Never returns if it hangs: not while it is warming up either, nor on its way
/// out, where slowness is no danger but silence for ever would be.
pub fn watch(status: &Arc<Status>, timeout_ns: u64, hung: impl Fn() -> std::convert::Infallible) {
    let mut judge = Judge::new(timeout_ns, clock::monotonic_ns());
    let mut patient = Judge::new(timeout_ns.max(EMBEDDED_NS), clock::monotonic_ns());
    while !status.finished.load(Relaxed) {
        let asked = clock::monotonic_ns() + timeout_ns / LOOKS;
        rt::sleep_until(asked);
        let now = clock::monotonic_ns();
        // If this thread itself was kept from running, the whole machine was: that says nothing about the cycle.
        let starved = now.saturating_sub(asked) > timeout_ns / LOOKS;
        let beat = status.heartbeat.load(Relaxed);
        let armed = status.armed.load(Relaxed) && !starved;
        let begun = beat > 0 && !starved;
        if judge.hung(beat, armed, now) || patient.hung(beat, begun, now) {
            hung();
        }
    }
}

/// The action: close the bus socket, say so, abort. Nobody may keep it from that: a text that nobody reads ends with the
/// process a second later.
pub fn abort(status: &Status) -> std::convert::Infallible {
    let socket = status.socket.load(Relaxed);
    if socket > 0 {
        rt::close_raw(socket);
    }
    rt::end_in_a_second();
    // A closed standard error is no reason to stop here.
    let _ = writeln!(
        std::io::stderr(),
        "F202: the cyclic thread did not answer its watchdog after cycle {}; the bus socket is closed, the devices' \
         own watchdogs take over; the next start comes up faulted",
        status.index.load(Relaxed)
    );
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_heartbeat_is_noticed_after_the_timeout_and_not_before() {
        let mut judge = Judge::new(100, 0);
        assert!(!judge.hung(50, true, 60));
        assert!(!judge.hung(50, true, 150));
        assert!(judge.hung(50, true, 151));
        assert!(!judge.hung(140, true, 151));
    }

    #[test]
    fn it_acts_between_one_interval_and_the_devices() {
        let source = crate::source::Source::from_directory(&crate::test_cell());
        let mut cell = (*source.cell.expect("the example is valid")).clone();
        for interval in [100_000, 1_000_000, 20_000_000] {
            for intervals in [2, 3, 10, 1000] {
                cell.task.interval_ns = interval;
                cell.bus.watchdog_ns = interval * intervals;
                let timeout = timeout_ns(&cell, true);
                assert!(timeout > interval, "{timeout}");
                // Silence that began right behind a look is seen one look late.
                assert!(timeout + timeout.div_ceil(LOOKS) < cell.bus.watchdog_ns, "{timeout}");
            }
        }
        assert_eq!(timeout_ns(&cell, false), EMBEDDED_NS);
    }

    #[test]
    fn an_unarmed_watchdog_never_acts_and_starts_afresh() {
        let mut judge = Judge::new(100, 0);
        assert!(!judge.hung(0, false, 10_000));
        assert!(!judge.hung(0, true, 10_100));
        assert!(judge.hung(0, true, 10_101));
    }
}
