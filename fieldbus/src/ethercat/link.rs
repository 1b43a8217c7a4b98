//! One thread, one wire, three users: ethercrab (start-up, mailboxes), our cyclic frames, our single datagrams.

use super::frame::{Address, DATA_MAX, DATAGRAM_OVERHEAD, OwnFrame, Reply, Slot, is_well_formed, own_number};
use super::health::DeviceHealth;
use super::main_device::{DEVICES_MAX, Halves, Lease};
use super::registers::{AL_STATUS, AlState, station_address};
use crate::{clock, wire::Wire};
use ethercrab::{MainDevice, error::Error};
use std::{
    cell::Cell,
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::pin,
    sync::{Arc, Once},
    task::{Context, Poll, Waker},
};

/// Frame number of single datagrams.
const SERVICE: u8 = 0xf0;
/// How long to wait for a single datagram, and how often to send it.
const SERVICE_TIMEOUT_NS: u64 = 50_000_000;
const SERVICE_TRIES: usize = 4;
/// ethercrab's delays and timeouts are noticed only when polled.
const POLL_INTERVAL_NS: u64 = 200_000;
/// Frames taken from the wire before the deadline is looked at again.
const BURST: usize = 64;
/// Larger than any frame, so that one that is too long is seen as such.
const BUFFER: usize = 2048;

/// Why a future of ethercrab's did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Its deadline passed.
    Timeout,
    /// It panicked, with this message.
    Panicked(String),
}

/// No answer to a single datagram, after all tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer;

/// The wire and everybody who uses it. The only sender.
pub(crate) struct Link<W: Wire> {
    pub wire: W,
    /// Frames of ours that are sent again and again; the index is the frame's number.
    pub own: Vec<OwnFrame>,
    service: OwnFrame,
    lease: Arc<Lease>,
    /// `None` only while being dropped.
    halves: Option<Halves>,
    buffer: Box<[u8; BUFFER]>,
    /// Replies to earlier sendings of own frames; dropped.
    pub late: u16,
    /// Frames nobody was waiting for; dropped.
    pub stray: u16,
    /// Replies that ethercrab took.
    pub acyclic_replies: u32,
}

impl<W: Wire> Link<W> {
    pub fn new(wire: W) -> Self {
        let (lease, halves) = Lease::take();
        Self {
            wire,
            own: Vec::new(),
            service: OwnFrame::new(SERVICE),
            lease,
            halves: Some(halves),
            buffer: Box::new([0; BUFFER]),
            late: 0,
            stray: 0,
            acyclic_replies: 0,
        }
    }

    /// ethercrab's MainDevice on this link.
    pub fn main(&self) -> &'static MainDevice<'static> {
        self.lease.main()
    }

    pub fn lease(&self) -> Arc<Lease> {
        Arc::clone(&self.lease)
    }

    /// Send own frame `number` under the next index. False if it cannot be sent now.
    pub fn send_own(&mut self, number: usize) -> bool {
        match self.own.get_mut(number) {
            Some(frame) => self.wire.send(frame.arm()),
            None => false,
        }
    }

    /// Hand every frame that has arrived to its owner; [`BURST`] at most.
    pub fn receive(&mut self) {
        for _ in 0..BURST {
            let Some(len) = self.wire.recv(&mut self.buffer[..]) else { return };
            let frame = self.buffer.get(..len).unwrap_or_default();
            let reply = match own_number(frame) {
                Some(SERVICE) => self.service.accept(frame),
                Some(number) => {
                    self.own.get_mut(usize::from(number)).map_or(Reply::Stray, |own| own.accept(frame))
                }
                None => Self::receive_acyclic(self.halves.as_mut(), frame, &mut self.acyclic_replies),
            };
            match reply {
                Reply::Fresh => {}
                Reply::Late => self.late = self.late.saturating_add(1),
                Reply::Stray => self.stray = self.stray.saturating_add(1),
            }
        }
    }

    /// Every error ethercrab reports here means: count it and go on.
    fn receive_acyclic(halves: Option<&mut Halves>, frame: &[u8], replies: &mut u32) -> Reply {
        let taken = is_well_formed(frame)
            && halves.is_some_and(|halves| {
                matches!(halves.rx.receive_frame(frame), Ok(ethercrab::ReceiveAction::Processed))
            });
        *replies = replies.wrapping_add(u32::from(taken));
        if taken { Reply::Fresh } else { Reply::Stray }
    }

    /// Wait for frames until the deadline at most, and hand them to their owners. False if the deadline has passed.
    pub fn wait_until(&mut self, deadline_ns: u64) -> bool {
        let early = clock::now_ns() < deadline_ns;
        if early {
            self.wire.wait(deadline_ns);
        }
        self.receive();
        early
    }

    /// Send what ethercrab has queued while `bytes` last; a longer frame only if it is the `first` of its cycle.
    /// Returns how many frames were sent and how many bytes are left.
    pub fn send_acyclic(&mut self, bytes: usize, first: bool) -> (u32, usize) {
        let Some(halves) = self.halves.as_mut() else { return (0, bytes) };
        let (wire, mut frames, mut left) = (&mut self.wire, 0, bytes);
        while let Some(frame) = halves.tx.next_sendable_frame() {
            let len = frame.len();
            let fits = len <= left || first && frames == 0;
            let send =
                |bytes: &[u8]| (fits && wire.send(bytes)).then_some(bytes.len()).ok_or(Error::SendFrame);
            if frame.send_blocking(send).is_err() {
                break; // It stays queued; going on would spin here until the link is back.
            }
            frames += 1;
            left = left.saturating_sub(len);
        }
        (frames, left)
    }

    /// Drive a future of ethercrab's until it is done or the deadline is there. For everything but the cyclic path.
    pub fn run<F: Future>(&mut self, deadline_ns: u64, future: F) -> Result<F::Output, Stopped> {
        let mut future = pin!(future);
        loop {
            let poll = contained(|| future.as_mut().poll(&mut Context::from_waker(Waker::noop())))
                .map_err(Stopped::Panicked)?;
            if let Poll::Ready(output) = poll {
                return Ok(output);
            }
            let now = clock::now_ns();
            if now >= deadline_ns {
                return Err(Stopped::Timeout);
            }
            self.send_acyclic(usize::MAX, true);
            self.wait_until(deadline_ns.min(now + POLL_INTERVAL_NS));
        }
    }

    /// Send one datagram and wait for it to come back: `data` is what is sent and what was read. Repeated when lost,
    /// so only for what may be done twice. Returns the working counter.
    pub fn datagram(&mut self, address: Address, data: &mut [u8]) -> Result<u16, NoAnswer> {
        self.service.clear();
        let slot = self.service.push(address, data.len());
        self.service.outputs(slot).copy_from_slice(data);
        self.exchange_service(u64::MAX)?;
        data.copy_from_slice(self.service.inputs(slot));
        Ok(self.service.working_counter(slot))
    }

    /// State and AL status code of each device, all from one frame; [`AlState::NoAnswer`] if it is lost.
    pub fn states(&mut self, devices: usize, deadline_ns: u64) -> Vec<(AlState, u16)> {
        const { assert!(DEVICES_MAX * (6 + DATAGRAM_OVERHEAD) <= DATA_MAX) };
        self.service.clear();
        let address = |position| Address::fprd(station_address(position as u16), AL_STATUS);
        let slots: Vec<_> = (0..devices.min(DEVICES_MAX)).map(|n| self.service.push(address(n), 6)).collect();
        let answered = self.exchange_service(deadline_ns).is_ok();
        let state = |slot: &Slot| {
            let mut health = DeviceHealth::UNKNOWN;
            health.update_state(
                answered && self.service.working_counter(*slot) == 1,
                self.service.inputs(*slot),
            );
            (health.state, health.status_code)
        };
        slots.iter().map(state).collect()
    }

    fn exchange_service(&mut self, deadline_ns: u64) -> Result<(), NoAnswer> {
        for _ in 0..SERVICE_TRIES {
            let deadline = deadline_ns.min(clock::now_ns() + SERVICE_TIMEOUT_NS);
            if self.wire.send(self.service.arm()) {
                while !self.service.is_fresh() && self.wait_until(deadline) {}
            } else {
                self.idle_until(deadline);
            }
            if self.service.is_fresh() {
                return Ok(());
            }
        }
        Err(NoAnswer)
    }

    /// Read `N` bytes of one device's registers; `None` if that device does not answer.
    pub fn read<const N: usize>(&mut self, address: Address) -> Option<[u8; N]> {
        let mut data = [0; N];
        (self.datagram(address, &mut data) == Ok(1)).then_some(data)
    }

    /// Write one device's registers; false if that device does not answer.
    pub fn write(&mut self, address: Address, data: &[u8]) -> bool {
        let mut data = data.to_vec();
        self.datagram(address, &mut data) == Ok(1)
    }

    /// Nothing to do but receive until then.
    pub fn idle_until(&mut self, until_ns: u64) {
        while self.wait_until(until_ns) {}
    }
}

impl<W: Wire> Drop for Link<W> {
    fn drop(&mut self) {
        if let Some(halves) = self.halves.take() {
            self.lease.give_back(halves);
        }
    }
}

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Run `f`; a panic in it is an error with the panic's message, and says nothing on the terminal.
///
/// ethercrab asserts where a device misbehaves (a CoE emergency while an answer is pending, for one).
pub(crate) fn contained<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                previous(info);
            }
        }));
    });
    let outer = CONTAINED.replace(true);
    // What a panicking future leaves behind is never used again: its caller drops it and builds another.
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    CONTAINED.set(outer);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "unknown panic".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody answers; virtual time passes while waiting.
    struct Silence;

    impl Wire for Silence {
        fn send(&mut self, _frame: &[u8]) -> bool {
            true
        }
        fn recv(&mut self, _buf: &mut [u8]) -> Option<usize> {
            None
        }
        fn wait(&mut self, until_ns: u64) {
            clock::advance_to(until_ns);
        }
    }

    /// With ethercrab's `std` feature its timers would run on the wall clock, and this test would take 200 ms of it
    /// at another virtual time.
    #[test]
    fn ethercrab_runs_on_our_clock() {
        use crate::ethercat::main_device::{PDU_RETRIES, PDU_TIMEOUT_NS};
        clock::start_virtual(1_000);
        let mut link = Link::new(Silence);
        let wall = clock::monotonic_ns();
        let main = link.main();
        let lost = link.run(u64::MAX, ethercrab::Command::brd(0x0000).receive::<u8>(main));
        assert_eq!(lost, Ok(Err(Error::Timeout(ethercrab::error::TimeoutError::Pdu))));
        assert_eq!(clock::now_ns(), 1_000 + (1 + PDU_RETRIES as u64) * PDU_TIMEOUT_NS);
        assert!(clock::monotonic_ns() - wall < PDU_TIMEOUT_NS, "real time passed");
    }

    #[test]
    fn an_unanswered_datagram_is_given_up_after_its_tries() {
        clock::start_virtual(0);
        let mut link = Link::new(Silence);
        assert_eq!(link.datagram(Address::brd(0), &mut [0]), Err(NoAnswer));
        assert_eq!(clock::now_ns(), SERVICE_TRIES as u64 * SERVICE_TIMEOUT_NS);
    }

    #[test]
    fn a_panic_becomes_a_value() {
        clock::start_virtual(0);
        let mut link = Link::new(Silence);
        let stopped = link.run(1, async { panic!("assertion failed: {}", 1) });
        assert_eq!(stopped, Err::<(), _>(Stopped::Panicked("assertion failed: 1".to_owned())));
        assert!(!CONTAINED.get());
    }
}
