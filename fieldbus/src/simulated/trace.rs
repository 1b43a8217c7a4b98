//! A record of what the segment did, for tests that ask when something happened.

use super::state::AlState;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceKind {
    /// The AL status was set: state, and AL status code if the error indication is on.
    State(AlState, Option<u16>),
    /// The outputs drive something else now; a hash of all output bytes of the device (FNV-1a), 0 if all are zero.
    Outputs(u64),
    /// The SyncManager watchdog has expired.
    Watchdog,
    /// The device lost its power.
    PowerOff,
    /// The device got its power back.
    PowerOn,
}

/// When, where, what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// Segment time in ns.
    pub time_ns: u64,
    /// Bus position.
    pub device: u16,
    /// Time of the last frame before it, in ns; 0 if there was none.
    pub last_frame_ns: u64,
    /// What happened.
    pub kind: TraceKind,
}

/// The newest events, in memory allocated once; older ones are overwritten and counted.
#[derive(Debug, Default)]
pub struct Trace {
    events: Vec<TraceEvent>,
    capacity: usize,
    total: u64,
}

impl Trace {
    /// Keep the newest `capacity` events.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { events: Vec::with_capacity(capacity), capacity, total: 0 }
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &TraceEvent> {
        let start = if self.events.len() < self.capacity { 0 } else { self.oldest() };
        self.events[start..].iter().chain(&self.events[..start])
    }

    /// All that ever happened, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn push(&mut self, event: TraceEvent) {
        if self.events.len() < self.capacity {
            self.events.push(event);
        } else if let Some(index) = (self.capacity > 0).then(|| self.oldest())
            && let Some(place) = self.events.get_mut(index)
        {
            *place = event;
        }
        self.total += 1;
    }

    fn oldest(&self) -> usize {
        (self.total % self.capacity.max(1) as u64) as usize
    }
}

/// FNV-1a of `bytes`; 0 if all are zero, so that "everything off" is seen at a glance.
pub fn output_hash(bytes: &[u8]) -> u64 {
    if bytes.iter().all(|byte| *byte == 0) {
        return 0;
    }
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
