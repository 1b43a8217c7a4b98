//! ethercrab's MainDevice and its frame storage, lent to one bus at a time.
//!
//! ethercrab ties all its types to the lifetime of the storage they send from. A bus that lives as long as the runtime
//! and a mailbox worker that may be on another thread both need it, so the storage is leaked: once for each bus that
//! is open at the same time, because what a bus gives back is used again by the next. A runtime that tries to start a
//! dead bus every second for a year leaks one storage.

use ethercrab::{MainDevice, MainDeviceConfig, PduRx, PduStorage, PduTx, RetryBehaviour, Timeouts};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Most devices on a segment.
pub(crate) const DEVICES_MAX: usize = 64;
/// Most bytes of process data on a segment.
pub(crate) const PROCESS_DATA_MAX: usize = 4096;
/// Frames ethercrab may have in flight; one for each concurrent request.
pub(crate) const FRAMES: usize = 16;
/// Data of the largest datagram, so that a frame is at most 1514 bytes long.
const DATAGRAM_MAX: usize = super::frame::DATA_MAX;

type Storage = PduStorage<FRAMES, { PduStorage::element_size(DATAGRAM_MAX) }>;

/// How long ethercrab waits for one frame, and how often it sends it again.
pub(crate) const PDU_TIMEOUT_NS: u64 = 50_000_000;
/// A lost frame must not lose a start-up that takes thousands of frames.
pub(crate) const PDU_RETRIES: usize = 3;

fn timeouts() -> Timeouts {
    Timeouts {
        // ETG.1020: PRE-OP within 3 s.
        state_transition: Duration::from_secs(5),
        pdu: Duration::from_nanos(PDU_TIMEOUT_NS),
        // ethercrab's own 10 ms fail on a loaded host; slow EEPROMs take several ms by themselves.
        eeprom: Duration::from_millis(300),
        wait_loop_delay: Duration::from_micros(200),
        mailbox_echo: Duration::from_millis(100),
        mailbox_response: Duration::from_secs(1),
    }
}

fn config() -> MainDeviceConfig {
    // Drift is compensated cyclically once distributed clocks are in use; the default of 10,000 frames only delays OP.
    MainDeviceConfig { dc_static_sync_iterations: 100, retry_behaviour: RetryBehaviour::Count(PDU_RETRIES) }
}

/// The sending and the receiving half, which the cyclic thread owns.
pub(crate) struct Halves {
    pub tx: PduTx<'static>,
    pub rx: PduRx<'static>,
}

struct Idle {
    main: &'static MainDevice<'static>,
    halves: Halves,
}

/// What is not lent out. A lock, but only ever taken while a bus starts or ends.
static IDLE: Mutex<Vec<Idle>> = Mutex::new(Vec::new());

/// A MainDevice in use. It goes back when the last user has dropped it, and the halves have been given back.
pub(crate) struct Lease {
    main: &'static MainDevice<'static>,
    returned: Mutex<Option<Halves>>,
}

impl Lease {
    pub fn take() -> (Arc<Self>, Halves) {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Idle { main, halves } = idle.unwrap_or_else(create);
        (Arc::new(Self { main, returned: Mutex::new(None) }), halves)
    }

    pub fn main(&self) -> &'static MainDevice<'static> {
        self.main
    }

    pub fn give_back(&self, halves: Halves) {
        *self.returned.lock().unwrap_or_else(PoisonError::into_inner) = Some(halves);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(halves) = self.returned.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let idle = Idle { main: self.main, halves };
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        }
    }
}

fn create() -> Idle {
    let storage: &'static Storage = Box::leak(Box::new(Storage::new()));
    let (tx, rx, pdu_loop) = storage.try_split().expect("a new storage is not split yet");
    let main = Box::leak(Box::new(MainDevice::new(pdu_loop, timeouts(), config())));
    Idle { main, halves: Halves { tx, rx } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_device_is_lent_again_only_after_its_last_user_is_gone() {
        let (lease, halves) = Lease::take();
        let main = std::ptr::from_ref(lease.main());
        let worker = Arc::clone(&lease);
        lease.give_back(halves);
        drop(lease);
        let in_use = || IDLE.lock().unwrap().iter().all(|idle| !std::ptr::eq(idle.main, main));
        assert!(in_use());
        drop(worker);
        // Other tests may have taken it in the meantime; but it is not lost while nobody has.
        let (again, halves) = Lease::take();
        again.give_back(halves);
    }
}
