//! What other threads may know about the cycle while it runs: plain atomics, written once a cycle.

use crate::machine::{Machine, Mode};
use sensai_fieldbus::Exchange;
use sensai_model::Fault;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering::Relaxed};

/// Written by the cyclic thread, read by everybody. Values may be of neighbouring cycles.
#[derive(Debug, Default)]
pub struct Status {
    /// Cycles done.
    pub cycles: AtomicU64,
    /// Index of the last cycle.
    pub index: AtomicU64,
    /// [`Mode`] as a number.
    pub mode: AtomicU8,
    /// Fault code id, 0 for none.
    pub fault: AtomicU64,
    /// Cycles without a complete reply.
    pub lost: AtomicU64,
    /// Cycles in which some sync unit was invalid.
    pub invalid: AtomicU64,
    /// Replies that came after their cycle.
    pub late: AtomicU64,
    /// Frames nobody waited for.
    pub stray: AtomicU64,
    /// Overruns.
    pub overruns: AtomicU64,
    /// Cycles passed over.
    pub skipped: AtomicU64,
    /// Longest execution since the last look, ns.
    pub execution_max: AtomicU64,
    /// Largest start error since the last look, ns.
    pub start_error_max: AtomicU64,
    /// Output elements saturated.
    pub saturated: AtomicU64,
    /// Elements of tags that are forced.
    pub forced: AtomicU64,
    /// Records the log's ring had no room for.
    pub dropped: AtomicU64,
    /// When the cyclic thread ended a cycle last, on `CLOCK_MONOTONIC`; watched by the watchdog once `armed`.
    pub heartbeat: AtomicU64,
    /// The watchdog may act.
    pub armed: AtomicBool,
    /// Raw descriptor of the bus socket for the watchdog; 0 or less for none.
    pub socket: AtomicI32,
    /// The cyclic thread has left its loop.
    pub finished: AtomicBool,
}

impl Status {
    /// Take over one cycle.
    pub fn update(&self, machine: &Machine, index: u64, exchange: &Exchange, all_units: u32) {
        self.cycles.fetch_add(1, Relaxed);
        self.index.store(index, Relaxed);
        self.mode.store(machine.mode() as u8, Relaxed);
        self.fault.store(machine.fault().map_or(0, |fault: Fault| u64::from(fault.code.id())), Relaxed);
        self.lost.fetch_add(u64::from(exchange.lost), Relaxed);
        self.invalid.fetch_add(u64::from(exchange.valid & all_units != all_units), Relaxed);
        self.late.fetch_add(exchange.late.into(), Relaxed);
        self.stray.fetch_add(exchange.stray.into(), Relaxed);
        self.forced.store(machine.forces().all().len() as u64, Relaxed);
        self.saturated.fetch_add(machine.saturated().into(), Relaxed);
    }

    /// The mode as last seen.
    pub fn mode(&self) -> Mode {
        Mode::from_number(self.mode.load(Relaxed))
    }
}
