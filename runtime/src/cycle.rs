//! One cycle, top to bottom:
//!
//! wake → exchange → inbox → periodic models → scripts → axes → stage → requested models → record
//!
//! The same function runs on a real bus, on the embedded segment, and in a replay; what differs comes in through
//! [`Pace`], [`Bus`] and [`Inbox`], and goes out through [`Record`].

use crate::{
    inbox::Inbox,
    machine::{CycleTime, Machine},
    pace::{Pace, Wake},
    timing::{Step, StepTimes},
};
use sensai_fieldbus::{Bus, Exchange, clock};
use sensai_model::record::{INBOX_MAX, InboxEntry};

/// What one cycle was, for the record and the statistics.
#[derive(Debug)]
pub struct Done<'a> {
    /// Which cycle.
    pub time: CycleTime,
    /// How its start came out.
    pub wake: Wake,
    /// What the bus brought.
    pub exchange: Exchange,
    /// What the inbox brought.
    pub entries: &'a [InboxEntry],
    /// Bit *n*: entry *n* did something; the others did not fit the machine's state.
    pub accepted: u8,
    /// Where the time went. The record step is the previous cycle's.
    pub times: StepTimes,
}

const _: () = assert!(INBOX_MAX <= 8, "`Done::accepted` has a bit for each entry");

/// Where a finished cycle goes: the log, a comparison with a log, or nowhere.
pub trait Record {
    /// Take down one cycle. Never allocates, locks or waits.
    fn record(&mut self, machine: &Machine, done: &Done<'_>);
}

/// Run one cycle and say how it came out.
pub fn cycle(
    machine: &mut Machine,
    bus: &mut impl Bus,
    pace: &mut impl Pace,
    inbox: &mut Inbox,
    record: &mut impl Record,
    times: &mut StepTimes,
) -> (CycleTime, Wake, Exchange) {
    let deadline_ns = machine.cell().bus.deadline_ns;
    let (time, wake) = pace.wake();
    times.begin(&wake);

    let (outputs, inputs) = machine.images();
    let exchange = bus.exchange(outputs, inputs, clock::now_ns() + deadline_ns);
    times.lap(Step::Exchange);

    let unfinished = machine.unfinished_tasks(time);
    inbox.put_unfinished(unfinished);
    let late = unfinished | u64::from(wake.overrun || wake.skipped > 0);
    inbox.put_reload_verdicts(machine.reload_verdicts(time, late));
    let entries = inbox.take(&wake);
    let mut accepted = 0;
    for (place, entry) in entries.iter().enumerate() {
        accepted |= u8::from(machine.apply(entry)) << place;
    }
    times.lap(Step::Inbox);

    machine.run_task(&exchange, time);
    times.lap(Step::Scripts);

    machine.step_axes(time);
    machine.stage();
    times.lap(Step::Stage);

    // Nothing that a model does can void what is staged.
    machine.requested_models(time);

    record.record(machine, &Done { time, wake, exchange, entries, accepted, times: *times });
    times.end();
    (time, wake, exchange)
}
