//! The cyclic thread's side: says what is new about events. No allocation, no lock, no wait.

use crate::machine::{
    Machine,
    jidoka::{EVENTS_MAX, Event},
};
use sensai_model::Value;

/// Notices that go to and fro. While all are on their way, what is new waits.
const NOTICES: usize = 8;

/// An event that is new, or was judged, and the parameters at that moment.
#[derive(Clone, Debug)]
pub struct Notice {
    pub(super) event: Event,
    pub(super) parameters: Box<[Value]>,
}

/// See the module.
pub struct Tap {
    free: rtrb::Consumer<Box<Notice>>,
    full: rtrb::Producer<Box<Notice>>,
    /// As they were told last.
    told: [Event; EVENTS_MAX],
}

/// The other end.
pub(super) struct Notices {
    pub(super) full: rtrb::Consumer<Box<Notice>>,
    pub(super) free: rtrb::Producer<Box<Notice>>,
}

/// Both ends, for a cell with this many parameters.
pub(super) fn channel(parameters: usize) -> (Tap, Notices) {
    let (mut free_in, free) = rtrb::RingBuffer::new(NOTICES);
    let (full, full_out) = rtrb::RingBuffer::new(NOTICES);
    let notice = Notice { event: Event::NONE, parameters: vec![Value::Bool(false); parameters].into() };
    for _ in 0..NOTICES {
        // There is a place for each.
        let _ = free_in.push(Box::new(notice.clone()));
    }
    (Tap { free, full, told: [Event::NONE; EVENTS_MAX] }, Notices { full: full_out, free: free_in })
}

impl Tap {
    /// Behind every cycle.
    pub fn cycle(&mut self, machine: &Machine) {
        for event in machine.jidoka().events() {
            let Some(told) = self.told.get_mut((event.number % EVENTS_MAX as u64) as usize) else { continue };
            if told == event {
                continue;
            }
            let Ok(mut notice) = self.free.pop() else { return };
            notice.event = *event;
            for (to, from) in notice.parameters.iter_mut().zip(machine.parameters()) {
                *to = *from;
            }
            // As many notices as places.
            let _ = self.full.push(notice);
            *told = *event;
        }
    }
}
