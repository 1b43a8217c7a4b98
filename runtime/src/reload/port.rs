//! The cyclic thread's side of reloads: two rings in, two out. No allocation, no lock, no wait.

use crate::{
    machine::{
        Machine,
        reload::{News, Reload, Returned},
    },
    recorder::{LogPart, Recorder},
};

/// A reload on its way to the machine.
pub struct Delivery {
    /// For the machine.
    pub reload: Box<Reload>,
    /// For the log, if there is one.
    pub log: Option<Box<LogPart>>,
}

/// What is not needed any more, to be freed elsewhere.
pub enum Back {
    /// From the machine.
    Machine(Returned),
    /// From the log.
    Log(Box<LogPart>),
}

/// Something became of a reload, in this cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub news: News,
    /// Its cycle.
    pub cycle: u64,
}

/// Deliveries on their way; whoever sends them sends one at a time.
const DELIVERIES: usize = 2;
/// What may wait to be told.
const NEWS: usize = 64;

/// The cyclic thread's end.
pub struct Port {
    deliveries: rtrb::Consumer<Delivery>,
    back: rtrb::Producer<Back>,
    news: rtrb::Producer<Told>,
}

/// The other end.
pub struct Dock {
    /// To the machine.
    pub deliveries: rtrb::Producer<Delivery>,
    /// What comes back.
    pub back: rtrb::Consumer<Back>,
    /// What became of it.
    pub news: rtrb::Consumer<Told>,
}

/// Both ends, for a cell with this many programs.
pub fn channel(programs: usize) -> (Port, Dock) {
    let (deliveries, deliveries_out) = rtrb::RingBuffer::new(DELIVERIES);
    // A reload and its log's part for each delivery, the ones before them, and every program of a slow task.
    let (back, back_out) = rtrb::RingBuffer::new(4 * DELIVERIES + 2 * programs);
    let (news, news_out) = rtrb::RingBuffer::new(NEWS);
    let port = Port { deliveries: deliveries_out, back, news };
    (port, Dock { deliveries, back: back_out, news: news_out })
}

impl Port {
    /// Before a cycle: hand over what came.
    pub fn before_cycle(&mut self, machine: &mut Machine, recorder: &mut Recorder) {
        if self.back.slots() < 2 {
            return;
        }
        let Ok(Delivery { reload, log }) = self.deliveries.pop() else { return };
        if let Some(unused) = log.and_then(|part| recorder.prepare(part)) {
            self.give_back(Back::Log(unused));
        }
        if let Err(refused) = machine.offer_reload(reload) {
            self.give_back(Back::Machine(Returned::Reload(refused)));
        }
    }

    /// Behind a cycle: what became of it, and what is left of it.
    pub fn after_cycle(&mut self, machine: &mut Machine, recorder: &mut Recorder, cycle: u64) {
        if self.back.slots() > 0
            && let Some(unused) = recorder.unused()
        {
            self.give_back(Back::Log(unused));
        }
        while self.news.slots() > 0
            && let Some(news) = machine.next_news()
        {
            let _ = self.news.push(Told { news, cycle });
        }
        while self.back.slots() > 0
            && let Some(returned) = machine.next_returned()
        {
            self.give_back(Back::Machine(returned));
        }
    }

    /// There is room, as the callers have asked; what finds none must not be freed here.
    fn give_back(&mut self, back: Back) {
        if let Err(rtrb::PushError::Full(back)) = self.back.push(back) {
            std::mem::forget(back);
        }
    }
}
