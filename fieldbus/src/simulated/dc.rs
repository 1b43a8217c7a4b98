//! The distributed clock of one device, ETG.1000.4 section 6.6.
//!
//! A free-running local clock with its own drift, started at power-on; the system time is that plus the offset
//! the MainDevice writes, plus what the control loop has steered so far.

use super::registers::{
    RECEIVE_TIME_UNIT, RECEIVE_TIMES, SYNC_ACTIVATION, SYNC_START_TIME, SYNC0_CYCLE, SYSTEM_TIME,
    SYSTEM_TIME_DELAY, SYSTEM_TIME_DIFFERENCE, SYSTEM_TIME_OFFSET,
};

/// What the control loop corrects at most with each system time it receives, in ns.
const STEER_MAX_NS: i64 = 1_000;

/// When a frame passes a device, on the segment's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passage {
    /// In at port 0.
    pub forward_ns: u64,
    /// Back in at port 1; `None` where port 1 is closed.
    pub back_ns: Option<u64>,
}

/// The clock.
#[derive(Clone, Debug)]
pub struct DeviceClock {
    /// Where `local_ns` and `segment_ns` belong together; rebased when the drift changes.
    base_segment_ns: u64,
    base_local_ns: u64,
    drift_ppb: i32,
    steered_ns: i64,
    /// Filtered difference, local copy minus received.
    difference_ns: i64,
}

impl DeviceClock {
    /// A clock that shows `local_ns` now.
    pub fn new(local_ns: u64) -> Self {
        Self { base_segment_ns: 0, base_local_ns: local_ns, drift_ppb: 0, steered_ns: 0, difference_ns: 0 }
    }

    /// Show `local_ns` now, and run `drift_ppb` parts in 10⁹ fast from here on.
    pub fn start(&mut self, now_ns: u64, local_ns: u64, drift_ppb: i32) {
        *self = Self { base_segment_ns: now_ns, drift_ppb, ..Self::new(local_ns) };
    }

    /// Start from zero, as at power-on.
    pub fn restart(&mut self, now_ns: u64) {
        *self = Self { base_segment_ns: now_ns, drift_ppb: self.drift_ppb, ..Self::new(0) };
    }

    /// Run `drift_ppb` parts in 10⁹ fast from `now_ns` on.
    pub fn set_drift(&mut self, now_ns: u64, drift_ppb: i32) {
        self.base_local_ns = self.local_ns(now_ns);
        self.base_segment_ns = now_ns;
        self.drift_ppb = drift_ppb;
    }

    /// Local time, without offset.
    pub fn local_ns(&self, now_ns: u64) -> u64 {
        let elapsed = now_ns.saturating_sub(self.base_segment_ns);
        let drift = i128::from(elapsed) * i128::from(self.drift_ppb) / 1_000_000_000;
        self.base_local_ns.wrapping_add(elapsed).wrapping_add(drift as u64)
    }

    /// System time: local time plus offset, as steered.
    pub fn system_ns(&self, memory: &[u8], now_ns: u64) -> u64 {
        let offset = field(memory, SYSTEM_TIME_OFFSET).map_or(0, u64::from_le_bytes);
        self.local_ns(now_ns).wrapping_add(offset).wrapping_add(self.steered_ns.cast_unsigned())
    }

    /// A write to 0x0900: note when the frame passes each port and the processing unit.
    pub fn latch(&self, memory: &mut [u8], passage: Passage) {
        let unit = self.local_ns(passage.forward_ns);
        let back = passage.back_ns.map_or(0, |ns| self.local_ns(ns) as u32);
        store(memory, RECEIVE_TIMES, &(unit as u32).to_le_bytes());
        store(memory, RECEIVE_TIMES + 4, &back.to_le_bytes());
        store(memory, RECEIVE_TIMES + 8, &[0; 8]);
        store(memory, RECEIVE_TIME_UNIT, &unit.to_le_bytes());
    }

    /// A write to 0x0910: compare with the local copy of the system time, and steer towards it.
    pub fn receive_system_time(&mut self, memory: &mut [u8], received: u32, now_ns: u64) {
        let delay = field(memory, SYSTEM_TIME_DELAY).map_or(0, u32::from_le_bytes);
        let local = self.system_ns(memory, now_ns) as u32;
        let difference = i64::from(local.wrapping_sub(received.wrapping_add(delay)).cast_signed());
        self.steered_ns -= difference.clamp(-STEER_MAX_NS, STEER_MAX_NS);
        self.difference_ns = (self.difference_ns * 3 + difference) / 4;
        let sign = if self.difference_ns < 0 { 1 << 31 } else { 0 };
        let shown = self.difference_ns.unsigned_abs().min(0x7fff_ffff) as u32 | sign;
        store(memory, SYSTEM_TIME_DIFFERENCE, &shown.to_le_bytes());
    }

    /// A write to 0x0920: the MainDevice sets the clock anew, what was steered so far is void.
    pub fn reset_steering(&mut self) {
        self.steered_ns = 0;
    }

    /// A write to 0x0930: the filters start again.
    pub fn reset_filter(&mut self, memory: &mut [u8]) {
        self.difference_ns = 0;
        store(memory, SYSTEM_TIME_DIFFERENCE, &[0; 4]);
    }

    /// Bring the registers that show time up to date before they are read.
    pub fn show(&self, memory: &mut [u8], now_ns: u64) {
        let system = self.system_ns(memory, now_ns);
        store(memory, SYSTEM_TIME, &system.to_le_bytes());
        let active = memory.get(SYNC_ACTIVATION).is_some_and(|bits| bits & 0b11 == 0b11);
        let cycle = u64::from(field(memory, SYNC0_CYCLE).map_or(0, u32::from_le_bytes));
        let start = field(memory, SYNC_START_TIME).map_or(0, u64::from_le_bytes);
        if active && cycle > 0 && start < system {
            let next = (system - start).checked_next_multiple_of(cycle).and_then(|n| start.checked_add(n));
            store(memory, SYNC_START_TIME, &next.unwrap_or(u64::MAX).to_le_bytes());
        }
    }
}

fn field<const N: usize>(memory: &[u8], at: usize) -> Option<[u8; N]> {
    memory.get(at..)?.first_chunk::<N>().copied()
}

fn store(memory: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = memory.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
