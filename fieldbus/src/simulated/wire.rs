//! The cable between a MainDevice and the segment, and its faults. Two ways to use it: [`InProcess`] is a
//! [`Wire`] with the segment at its end, [`serve`] answers frames that come in from another [`Wire`].

use super::{frame::FRAME_MAX, segment::Segment};
use crate::{Wire, clock};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{
    collections::VecDeque,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Frames that can be under way at once; more are lost.
const IN_FLIGHT_MAX: usize = 64;
/// How often devices see time pass when no frame comes.
const TICK_NS: u64 = 500_000;

/// What can happen to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFault {
    /// It is lost on its way out: no device sees it.
    LoseRequest,
    /// It is lost on its way back: all devices have seen it.
    LoseReply,
    /// The reply comes this many ns late.
    Delay(u64),
    /// The reply comes twice.
    Duplicate,
    /// The reply comes after that of the next frame.
    Reorder,
    /// Up to three bits of the reply flip, and no check sequence catches it.
    Corrupt,
    /// The reply loses its end.
    Truncate,
    /// It is damaged on the wire that leads to this device: devices count it, and it does not come back.
    Damage(usize),
}

/// How often faults happen by chance, each in frames per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireRates {
    /// [`WireFault::LoseRequest`].
    pub lose_request: u32,
    /// [`WireFault::LoseReply`].
    pub lose_reply: u32,
    /// [`WireFault::Delay`], up to `delay_ns_max`.
    pub delay: u32,
    /// Longest delay by chance.
    pub delay_ns_max: u64,
    /// [`WireFault::Duplicate`].
    pub duplicate: u32,
    /// [`WireFault::Reorder`].
    pub reorder: u32,
    /// [`WireFault::Corrupt`].
    pub corrupt: u32,
    /// [`WireFault::Truncate`].
    pub truncate: u32,
    /// [`WireFault::Damage`], on any wire.
    pub damage: u32,
}

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounters {
    /// Frames sent into the segment's direction.
    pub sent: u64,
    /// Frames that came back, duplicates included.
    pub received: u64,
    /// Frames a wire fault happened to.
    pub faults: u64,
    /// Frames that found no room.
    pub overflows: u64,
}

struct Reply {
    due_ns: u64,
    len: usize,
    bytes: [u8; FRAME_MAX],
}

/// A cable with a segment at its end.
pub struct Line {
    segment: Segment,
    /// Ordered by `due_ns`.
    replies: VecDeque<Box<Reply>>,
    #[expect(clippy::vec_box, reason = "replies move between the queues without being copied")]
    spare: Vec<Box<Reply>>,
    /// Waits for the next frame, to come after it.
    held: Option<Box<Reply>>,
    latency_ns: u64,
    rates: WireRates,
    random: ChaCha8Rng,
    /// The next so many frames get this fault.
    ordered: Option<(WireFault, u32)>,
    /// When frames are lost by chance, and how many of a million.
    losses: Vec<(Range<u64>, u32)>,
    counters: WireCounters,
}

impl Line {
    /// A perfect cable without delay.
    pub fn new(segment: Segment) -> Self {
        let empty = || Box::new(Reply { due_ns: 0, len: 0, bytes: [0; FRAME_MAX] });
        Self {
            segment,
            replies: VecDeque::with_capacity(IN_FLIGHT_MAX),
            spare: (0..IN_FLIGHT_MAX).map(|_| empty()).collect(),
            held: None,
            latency_ns: 0,
            rates: WireRates::default(),
            random: ChaCha8Rng::seed_from_u64(0),
            ordered: None,
            losses: Vec::new(),
            counters: WireCounters::default(),
        }
    }

    /// The segment.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The segment, to be changed.
    pub fn segment_mut(&mut self) -> &mut Segment {
        &mut self.segment
    }

    /// How long a frame is under way, out and back.
    pub fn set_latency(&mut self, ns: u64) {
        self.latency_ns = ns;
    }

    /// Let faults happen by chance. The same seed and frames give the same faults.
    pub fn set_rates(&mut self, rates: WireRates, seed: u64) {
        self.rates = rates;
        self.random = ChaCha8Rng::seed_from_u64(seed);
    }

    /// Let `fault` happen to the next `count` frames.
    pub fn order(&mut self, fault: WireFault, count: u32) {
        self.ordered = (count > 0).then_some((fault, count));
    }

    /// Let so many of a million frames be lost while the time of their sending is in `span_ns`, half of them on their
    /// way out, half on their way back. Of spans that overlap the first one counts. Beside [`Line::set_rates`].
    pub fn schedule_loss(&mut self, span_ns: Range<u64>, per_million: u32) {
        self.losses.push((span_ns, per_million));
    }

    /// What became of the frames so far.
    pub fn counters(&self) -> WireCounters {
        self.counters
    }

    /// A frame goes out at `now_ns`. False if it is too long for any wire.
    pub fn transmit(&mut self, frame: &[u8], now_ns: u64) -> bool {
        if frame.len() > FRAME_MAX {
            return false;
        }
        self.counters.sent += 1;
        let fault = self.next_fault(now_ns);
        self.counters.faults += u64::from(fault.is_some());
        if fault == Some(WireFault::LoseRequest) {
            return true;
        }
        let Some(mut reply) = self.spare.pop() else {
            self.counters.overflows += 1;
            return true;
        };
        let bytes = &mut reply.bytes[..frame.len()];
        bytes.copy_from_slice(frame);
        if let Some(WireFault::Damage(wire)) = fault {
            self.segment.process_damaged(bytes, wire, now_ns);
            self.spare.push(reply);
            return true;
        }
        if !self.segment.process(bytes, now_ns) || fault == Some(WireFault::LoseReply) {
            self.spare.push(reply);
            return true;
        }
        reply.len = frame.len();
        reply.due_ns = now_ns.saturating_add(self.latency_ns);
        self.bring_back(reply, fault);
        true
    }

    fn bring_back(&mut self, mut reply: Box<Reply>, fault: Option<WireFault>) {
        match fault {
            Some(WireFault::Delay(ns)) => reply.due_ns = reply.due_ns.saturating_add(ns),
            Some(WireFault::Corrupt) => {
                for _ in 0..1 + self.below(3) {
                    let bit = self.below(8 * reply.len as u64) as usize;
                    reply.bytes[bit / 8] ^= 1 << (bit % 8);
                }
            }
            Some(WireFault::Truncate) => reply.len = 1 + self.below(reply.len as u64 - 1) as usize,
            Some(WireFault::Duplicate) => {
                if let Some(mut second) = self.spare.pop() {
                    second.clone_from(&reply);
                    self.queue(second);
                }
            }
            Some(WireFault::Reorder) => {
                let earlier = self.held.replace(reply);
                if let Some(earlier) = earlier {
                    self.queue(earlier);
                }
                return;
            }
            _ => {}
        }
        let due_ns = reply.due_ns;
        self.queue(reply);
        if let Some(mut held) = self.held.take() {
            held.due_ns = held.due_ns.max(due_ns);
            self.queue(held);
        }
    }

    fn queue(&mut self, reply: Box<Reply>) {
        let place = self.replies.partition_point(|other| other.due_ns <= reply.due_ns);
        self.replies.insert(place, reply);
    }

    /// A reply that is there at `now_ns`.
    pub fn receive(&mut self, buffer: &mut [u8], now_ns: u64) -> Option<usize> {
        if self.replies.front()?.due_ns > now_ns {
            return None;
        }
        let reply = self.replies.pop_front()?;
        let len = reply.len.min(buffer.len());
        buffer[..len].copy_from_slice(&reply.bytes[..len]);
        self.spare.push(reply);
        self.counters.received += 1;
        Some(len)
    }

    /// When the next reply is there.
    pub fn next_due_ns(&self) -> Option<u64> {
        self.replies.front().map(|reply| reply.due_ns)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random.next_u64() % limit.max(1)
    }

    fn next_fault(&mut self, now_ns: u64) -> Option<WireFault> {
        if let Some((fault, count)) = self.ordered {
            self.order(fault, count - 1);
            return Some(fault);
        }
        let loss = self.losses.iter().find(|(span, _)| span.contains(&now_ns)).map(|(_, rate)| *rate);
        if let Some(rate) = loss
            && self.below(1_000_000) < u64::from(rate)
        {
            return Some(if self.below(2) == 0 { WireFault::LoseRequest } else { WireFault::LoseReply });
        }
        if self.rates == WireRates::default() {
            return None;
        }
        let wires = self.segment.devices().len() as u64;
        let (delay_ns, wire) = (self.below(self.rates.delay_ns_max), self.below(wires) as usize);
        let mut left = self.below(1_000_000);
        let rates = self.rates;
        [
            (rates.lose_request, WireFault::LoseRequest),
            (rates.lose_reply, WireFault::LoseReply),
            (rates.delay, WireFault::Delay(delay_ns)),
            (rates.duplicate, WireFault::Duplicate),
            (rates.reorder, WireFault::Reorder),
            (rates.corrupt, WireFault::Corrupt),
            (rates.truncate, WireFault::Truncate),
            (rates.damage, WireFault::Damage(wire)),
        ]
        .into_iter()
        .find_map(|(rate, fault)| match left.checked_sub(u64::from(rate)) {
            Some(rest) => {
                left = rest;
                None
            }
            None => Some(fault),
        })
    }
}

impl Clone for Reply {
    fn clone(&self) -> Self {
        Self { due_ns: self.due_ns, len: self.len, bytes: self.bytes }
    }
}

/// A segment inside this process, on this thread's clock, be it real or virtual.
pub struct InProcess {
    line: Line,
}

impl InProcess {
    /// At the end of a perfect cable.
    pub fn new(segment: Segment) -> Self {
        Self { line: Line::new(segment) }
    }

    /// The cable.
    pub fn line_mut(&mut self) -> &mut Line {
        &mut self.line
    }

    /// The segment.
    pub fn segment(&self) -> &Segment {
        self.line.segment()
    }

    /// The segment, to be changed.
    pub fn segment_mut(&mut self) -> &mut Segment {
        self.line.segment_mut()
    }
}

impl Wire for InProcess {
    fn send(&mut self, frame: &[u8]) -> bool {
        self.line.transmit(frame, clock::now_ns())
    }

    fn recv(&mut self, buf: &mut [u8]) -> Option<usize> {
        self.line.receive(buf, clock::now_ns())
    }

    /// Until a reply is due. Virtual time passes only here.
    fn wait(&mut self, until_ns: u64) {
        let until_ns = self.line.next_due_ns().map_or(until_ns, |due_ns| due_ns.min(until_ns));
        if clock::is_virtual() {
            clock::advance_to(until_ns);
        } else {
            let left_ns = until_ns.saturating_sub(clock::now_ns());
            if left_ns > 0 {
                std::thread::sleep(Duration::from_nanos(left_ns));
            }
        }
    }
}

/// Answer the frames that come in on `wire` until `stop` is set, on this thread's clock. Between frames time
/// passes too: watchdogs expire, the plant moves.
pub fn serve(wire: &mut impl Wire, line: &mut Line, stop: &AtomicBool) {
    let mut buffer = [0; FRAME_MAX];
    while !stop.load(Ordering::Relaxed) {
        let now_ns = clock::now_ns();
        while let Some(len) = wire.recv(&mut buffer) {
            line.transmit(&buffer[..len.min(FRAME_MAX)], clock::now_ns());
            answer(wire, line, &mut buffer);
        }
        answer(wire, line, &mut buffer);
        line.segment_mut().tick(clock::now_ns());
        let until_ns = now_ns.saturating_add(TICK_NS);
        wire.wait(line.next_due_ns().map_or(until_ns, |due_ns| due_ns.min(until_ns)));
    }
}

/// Send the replies that are due. One that cannot be sent is lost, as on a real wire.
fn answer(wire: &mut impl Wire, line: &mut Line, buffer: &mut [u8; FRAME_MAX]) {
    while let Some(len) = line.receive(buffer, clock::now_ns()) {
        wire.send(&buffer[..len]);
    }
}
