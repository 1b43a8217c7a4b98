//! The cyclic end of [`crate::snapshot`]: copies, and nothing else. No allocation, no lock, no wait, no formatting.

use crate::{
    cycle::{Done, Record},
    machine::{Machine, jidoka::Event},
    pace::Wake,
    recorder::Recorder,
    snapshot::{BusCounters, Receipt, Snapshot, TaskFacts},
    states::Editions,
    timing::StepTimes,
};
use sensai_fieldbus::{Exchange, ethercat::DeviceHealth};
use sensai_model::record::InboxSource;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// Receipts that may wait for their reader; more are lost, and their commands count as unanswered.
pub const RECEIPTS_MAX: usize = 256;

/// What the readers of snapshots ask the cyclic thread for.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Begin all statistics anew; taken back when that is done.
    pub clear: AtomicBool,
    /// Copy the states of programs.
    pub states: AtomicBool,
}

/// Publishes every n-th cycle, and every cycle that took a command.
pub struct Publisher {
    full: rtrb::Producer<Box<Snapshot>>,
    free: rtrb::Consumer<Box<Snapshot>>,
    receipts: rtrb::Producer<Receipt>,
    every: u64,
    left: u64,
    /// Commands of the control socket so far.
    tickets: u64,
    /// A command was taken: publish what it led to.
    due: bool,
    bus: BusCounters,
    tasks: Box<[TaskFacts]>,
    /// Overruns of each slow task that are counted already.
    seen_overruns: Box<[u64]>,
    /// Cycles until states may be copied again.
    states_left: u64,
    wishes: Arc<Wishes>,
    editions: Editions,
}

impl Publisher {
    pub(crate) fn new(
        (full, free): (rtrb::Producer<Box<Snapshot>>, rtrb::Consumer<Box<Snapshot>>),
        receipts: rtrb::Producer<Receipt>,
        every: u64,
        tasks: usize,
        wishes: Arc<Wishes>,
        editions: Editions,
    ) -> Self {
        let tasks = vec![TaskFacts::NONE; tasks].into_boxed_slice();
        let seen_overruns = vec![0; tasks.len().saturating_sub(1)].into_boxed_slice();
        let bus = BusCounters::default();
        let (left, tickets, due, states_left) = (0, 0, false, 0);
        Self {
            full,
            free,
            receipts,
            every,
            left,
            tickets,
            due,
            bus,
            tasks,
            seen_overruns,
            states_left,
            wishes,
            editions,
        }
    }

    /// Say what the machine runs. For set-up.
    pub fn begin(&self, machine: &Machine) {
        let layouts = machine.programs().iter().map(|program| program.layout());
        self.editions.announce(machine.edition(), machine.cell(), layouts);
    }

    /// Answer the commands that this cycle took.
    fn answer(&mut self, done: &Done<'_>) {
        for (place, entry) in done.entries.iter().enumerate() {
            if entry.source != InboxSource::CONTROL {
                continue;
            }
            let accepted = done.accepted >> place & 1 == 1;
            let (ticket, sequence) = (self.tickets, entry.sequence);
            self.tickets += 1;
            self.due = true;
            // A full ring means that nobody reads; the entry itself is in the record.
            let _ = self.receipts.push(Receipt { ticket, index: done.time.index, sequence, accepted });
        }
    }

    /// Behind every cycle: count, and publish if it is time and the reader has left room.
    pub fn after_cycle(
        &mut self,
        machine: &Machine,
        index: u64,
        wake: &Wake,
        exchange: &Exchange,
        times: &StepTimes,
        devices: &[DeviceHealth],
    ) {
        self.count_base(machine, wake, exchange, times);
        self.count_slow(machine, index);
        self.left = self.left.saturating_sub(1);
        self.states_left = self.states_left.saturating_sub(1);
        if self.left > 0 && !self.due {
            return;
        }
        // A receipt that nobody could be shown the effect of keeps the publication due.
        let Ok(mut snapshot) = self.free.pop() else { return };
        self.fill(&mut snapshot, machine, index, exchange, devices);
        // There is a place for every snapshot.
        let _ = self.full.push(snapshot);
        (self.left, self.due) = (self.every, false);
    }

    fn count_base(&mut self, machine: &Machine, wake: &Wake, exchange: &Exchange, times: &StepTimes) {
        if self.wishes.clear.load(Relaxed) {
            self.wishes.clear.store(false, Relaxed);
            self.tasks.fill(TaskFacts::NONE);
        }
        if let Some(base) = self.tasks.first_mut() {
            base.runs = base.runs.saturating_add(1);
            base.execution.add(times.execution);
            base.start_error.add(times.start_error);
            base.overruns += u64::from(wake.overrun);
            base.skipped = base.skipped.saturating_add(wake.skipped);
            base.operations = machine.operations();
        }
        let all = u32::MAX.checked_shr(32 - machine.cell().sync_units.len().min(32) as u32).unwrap_or(0);
        self.bus.lost += u64::from(exchange.lost);
        self.bus.invalid += u64::from(exchange.valid & all != all);
        self.bus.late += u64::from(exchange.late);
        self.bus.stray += u64::from(exchange.stray);
    }

    /// A slow task counts in the cycle that takes in its results; how late it started nobody measures.
    fn count_slow(&mut self, machine: &Machine, index: u64) {
        let slow = self.tasks.iter_mut().skip(1).zip(&mut self.seen_overruns);
        for ((counted, seen), facts) in slow.zip(machine.task_facts(index)) {
            counted.age = facts.age;
            counted.overruns += facts.overruns.saturating_sub(*seen);
            *seen = facts.overruns;
            if facts.collected {
                counted.runs = counted.runs.saturating_add(1);
                counted.operations = facts.operations;
                counted.execution.add(u32::try_from(facts.execution_ns).unwrap_or(u32::MAX));
            }
        }
    }

    fn fill(
        &mut self,
        snapshot: &mut Snapshot,
        machine: &Machine,
        index: u64,
        exchange: &Exchange,
        devices: &[DeviceHealth],
    ) {
        snapshot.index = index;
        snapshot.time_ns = machine.time_ns(index);
        snapshot.mode = machine.mode();
        snapshot.fault = machine.fault();
        snapshot.shutting_down = machine.shutting_down();
        snapshot.probation = machine.probation();
        let store = machine.store();
        for (slot, (value, valid)) in snapshot.values.iter_mut().zip(&mut snapshot.valid).enumerate() {
            *value = store.committed(slot as u32);
            *valid = store.valid(slot as u32);
        }
        snapshot.forces.copy_from(machine.forces());
        snapshot.states.cycle = 0;
        // Also while commands have a snapshot published every cycle.
        if self.states_left == 0 && self.wishes.states.load(Relaxed) {
            snapshot.states.copy(machine, index);
            self.states_left = self.every;
        }
        copy(&mut snapshot.parameters, machine.parameters().iter());
        copy(&mut snapshot.tasks, self.tasks.iter());
        copy(&mut snapshot.axes, machine.axes().facts());
        copy(&mut snapshot.units, machine.units().states().iter());
        copy(&mut snapshot.alarms, machine.alarms().facts().iter());
        snapshot.events.fill(Event::NONE);
        copy(&mut snapshot.events, machine.jidoka().events());
        copy(&mut snapshot.devices, devices.iter());
        snapshot.bus = self.bus;
        snapshot.exchange = *exchange;
    }
}

/// As many as there are on both sides: of one cell, that is all of them.
fn copy<'a, T: Copy + 'a>(to: &mut [T], from: impl Iterator<Item = &'a T>) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Where the cycles of a run go: into the log, and to whoever asked for something in them.
pub struct Outlets {
    /// The log.
    pub recorder: Recorder,
    /// Everybody else, if there is anybody.
    pub publisher: Option<Publisher>,
}

impl Record for Outlets {
    fn record(&mut self, machine: &Machine, done: &Done<'_>) {
        self.recorder.record(machine, done);
        if let Some(publisher) = &mut self.publisher {
            publisher.answer(done);
        }
    }
}
