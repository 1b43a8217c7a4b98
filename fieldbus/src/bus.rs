//! The seam between a cycle and whatever answers it: a real segment, a simulated one, or a cycle log.

use sensai_model::cell::SYNC_UNITS_MAX;

/// What one exchange brought. `Copy`: it goes into the cycle record as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Bit *n*: the inputs of sync unit *n* are of this cycle and its working counter is as expected.
    pub valid: u32,
    /// Working counter of each sync unit (sum over its datagrams); 0 where no reply came.
    pub working_counters: [u16; SYNC_UNITS_MAX],
    /// No complete reply before the bus deadline.
    pub lost: bool,
    /// The frame could not be sent at all (link down).
    pub send_failed: bool,
    /// Replies to earlier cycles that came in this one, and were dropped.
    pub late: u16,
    /// Frames nobody waits for: duplicated, damaged, foreign.
    pub stray: u16,
    /// AL states of all devices, ORed (register 0x0130 by BRD), 0 when lost.
    pub al_states: u8,
    /// Devices that answered that BRD.
    pub devices: u16,
}

impl Exchange {
    /// Nothing came back.
    pub const NONE: Self = Self {
        valid: 0,
        working_counters: [0; SYNC_UNITS_MAX],
        lost: true,
        send_failed: false,
        late: 0,
        stray: 0,
        al_states: 0,
        devices: 0,
    };
}

/// Something to exchange process data with, once a cycle.
pub trait Bus {
    /// Send `outputs` (the cell's output image), wait at most until `deadline_ns` on this thread's clock, and
    /// write the inputs of every valid sync unit into `inputs`; those of invalid units are left untouched.
    /// Never allocates, locks or formats; the only system calls are send, receive and poll.
    fn exchange(&mut self, outputs: &[u8], inputs: &mut [u8], deadline_ns: u64) -> Exchange;

    /// Use the time until `until_ns` for acyclic frames (one bounded slot a cycle, after the cyclic exchange).
    fn acyclic(&mut self, until_ns: u64);
}
