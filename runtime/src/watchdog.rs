//! The process watchdog: a thread above the cyclic one, on another core, mostly asleep. If the cyclic thread does
//! not answer, it closes the bus socket, so that the devices' own SyncManager watchdogs take over, and aborts.
//!
//! A process that hangs cannot be trusted to end in an orderly way; the next start comes up faulted.

use crate::{rt, status::Status};
use sensai_fieldbus::clock;
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// Looks per watchdog time. The thread sleeps in between.
const LOOKS: u64 = 4;

/// What one look says. Pure, so that the rule can be tested without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judge {
    timeout_ns: u64,
    last_beat: u64,
    last_change: u64,
}

impl Judge {
    /// Starts with a fresh heartbeat.
    pub const fn new(timeout_ns: u64, now: u64) -> Self {
        Self { timeout_ns, last_beat: 0, last_change: now }
    }

    /// True if the heartbeat has stood still for longer than the timeout.
    pub fn hung(&mut self, beat: u64, armed: bool, now: u64) -> bool {
        if beat != self.last_beat || !armed {
            self.last_beat = beat;
            self.last_change = now;
        }
        now.saturating_sub(self.last_change) > self.timeout_ns
    }
}

/// Watch until the cyclic thread has finished. Never returns if it hangs.
pub fn watch(status: &Arc<Status>, timeout_ns: u64, hung: impl Fn() -> std::convert::Infallible) {
    let mut judge = Judge::new(timeout_ns, clock::monotonic_ns());
    while !status.finished.load(Relaxed) {
        let asked = clock::monotonic_ns() + timeout_ns / LOOKS;
        rt::sleep_until(asked);
        let now = clock::monotonic_ns();
        // If this thread itself was kept from running, the whole machine was: that says nothing about the cycle.
        let starved = now.saturating_sub(asked) > timeout_ns / LOOKS;
        let armed = status.armed.load(Relaxed) && !starved;
        if judge.hung(status.heartbeat.load(Relaxed), armed, now) {
            hung();
        }
    }
}

/// The action: close the bus socket, say so, abort.
pub fn abort(status: &Status) -> std::convert::Infallible {
    let socket = status.socket.load(Relaxed);
    if socket > 0 {
        rt::close_raw(socket);
    }
    eprintln!(
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
        assert!(!judge.hung(1, true, 50));
        assert!(!judge.hung(1, true, 150));
        assert!(judge.hung(1, true, 151));
    }

    #[test]
    fn an_unarmed_watchdog_never_acts_and_starts_afresh() {
        let mut judge = Judge::new(100, 0);
        assert!(!judge.hung(0, false, 10_000));
        assert!(!judge.hung(0, true, 10_050));
        assert!(judge.hung(0, true, 10_101));
    }
}
