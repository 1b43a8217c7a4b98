//! The segment in this process: frames go straight into it.

use super::{frame::FRAME_MAX, segment::Segment};
use crate::{Wire, clock};
use std::{collections::VecDeque, time::Duration};

/// Frames that can be under way at once.
const IN_FLIGHT_MAX: usize = 64;

struct Reply {
    due_ns: u64,
    len: usize,
    bytes: [u8; FRAME_MAX],
}

/// A wire with a simulated segment at its end.
pub struct InProcess {
    segment: Segment,
    replies: VecDeque<Box<Reply>>,
    spare: Vec<Box<Reply>>,
    latency_ns: u64,
}

impl InProcess {
    /// Replies come at once.
    pub fn new(segment: Segment) -> Self {
        let empty = || Box::new(Reply { due_ns: 0, len: 0, bytes: [0; FRAME_MAX] });
        Self {
            segment,
            replies: VecDeque::with_capacity(IN_FLIGHT_MAX),
            spare: (0..IN_FLIGHT_MAX).map(|_| empty()).collect(),
            latency_ns: 0,
        }
    }
    pub fn segment(&self) -> &Segment {
        &self.segment
    }
    pub fn segment_mut(&mut self) -> &mut Segment {
        &mut self.segment
    }
}

impl Wire for InProcess {
    fn send(&mut self, frame: &[u8]) -> bool {
        let now_ns = clock::now_ns();
        let Some(mut reply) = self.spare.pop() else { return false };
        let Some(place) = reply.bytes.get_mut(..frame.len()) else {
            self.spare.push(reply);
            return false;
        };
        place.copy_from_slice(frame);
        if self.segment.process(place, now_ns) {
            reply.len = frame.len();
            reply.due_ns = now_ns + self.latency_ns;
            self.replies.push_back(reply);
        } else {
            self.spare.push(reply);
        }
        true
    }

    fn recv(&mut self, buf: &mut [u8]) -> Option<usize> {
        if self.replies.front()?.due_ns > clock::now_ns() {
            return None;
        }
        let reply = self.replies.pop_front()?;
        let len = reply.len.min(buf.len());
        buf[..len].copy_from_slice(&reply.bytes[..len]);
        self.spare.push(reply);
        Some(len)
    }

    fn wait(&mut self, until_ns: u64) {
        let until_ns = self.replies.front().map_or(until_ns, |reply| reply.due_ns.min(until_ns));
        if clock::is_virtual() {
            clock::advance_to(until_ns);
        } else {
            std::thread::sleep(Duration::from_nanos(until_ns.saturating_sub(clock::now_ns())));
        }
    }
}
