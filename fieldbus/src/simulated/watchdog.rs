//! The SyncManager watchdog, ETG.1000.4 section 6.3.

use super::registers::{WATCHDOG_DIVIDER, WATCHDOG_TIME};

/// Starts with the first complete write of an output SyncManager that has its watchdog bit set.
#[derive(Clone, Debug, Default)]
pub struct Watchdog {
    /// Last sign of life; `None` before the first.
    triggered_ns: Option<u64>,
    /// It has expired and nothing was written since.
    pub expired: bool,
    /// Expirations, up to 255.
    pub expirations: u8,
}

impl Watchdog {
    /// A sign of life.
    pub fn trigger(&mut self, now_ns: u64) {
        self.triggered_ns = Some(now_ns);
        self.expired = false;
    }

    /// Nothing to watch any more, until the next write.
    pub fn rest(&mut self) {
        self.triggered_ns = None;
        self.expired = false;
    }

    /// If its time ran out up to `now_ns`: when.
    pub fn expires(&mut self, memory: &[u8], now_ns: u64) -> Option<u64> {
        let limit = timeout_ns(memory);
        let at = self.triggered_ns?.saturating_add(limit);
        if self.expired || limit == 0 || now_ns < at {
            return None;
        }
        self.expired = true;
        self.expirations = self.expirations.saturating_add(1);
        Some(at)
    }
}

/// The time set in the registers; 0 is off.
pub fn timeout_ns(memory: &[u8]) -> u64 {
    let word = |at: usize| {
        let bytes = memory.get(at..).and_then(|rest| rest.first_chunk::<2>());
        bytes.map_or(0, |bytes| u64::from(u16::from_le_bytes(*bytes)))
    };
    (word(WATCHDOG_DIVIDER) + 2) * 40 * word(WATCHDOG_TIME)
}
