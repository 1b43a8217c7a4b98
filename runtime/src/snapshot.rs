//! What people see of a running machine: whole cycles, copied out now and then, never waited for.
//!
//! Three snapshots are made at the start and go to and fro through two rings: the cyclic thread fills one that came back
//! empty ([`crate::publish`]), the reader hands back what it has seen. A reader that does not look costs nothing: without
//! an empty snapshot none is published. A snapshot is always of one cycle, never a mixture of two.

use crate::{
    machine::{
        Mode,
        alarms::{AlarmFacts, Alarms},
        forces::Forces,
        jidoka::{EVENTS_MAX, Event},
        reload::Probation,
        units::{UnitState, Units},
    },
    publish::{Publisher, RECEIPTS_MAX, Wishes},
    states::{Editions, States},
};
use sensai_fieldbus::{
    Exchange,
    ethercat::{AlState, DeviceHealth, PortHealth},
};
use sensai_model::{Cell, Fault, TagStore, Value};
use sensai_motion::AxisFacts;
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// Snapshots that go to and fro: one with the reader, one in a ring, one being filled.
const SNAPSHOTS: usize = 3;

/// How often the cyclic thread publishes, in nominal time.
pub const PUBLISH_INTERVAL_NS: u64 = 20_000_000;

/// Counters of the bus since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusCounters {
    /// Cycles without a complete reply.
    pub lost: u64,
    /// Cycles in which some sync unit was invalid.
    pub invalid: u64,
    /// Replies that came after their cycle.
    pub late: u64,
    /// Frames nobody waited for.
    pub stray: u64,
}

/// Statistics of a task since they were last cleared.
#[derive(Clone, Copy, Debug)]
pub struct TaskFacts {
    /// Cycles, or releases, counted.
    pub runs: u64,
    /// Execution time, ns.
    pub execution: Durations,
    /// From the target to the start, ns.
    pub start_error: Durations,
    /// Times it was not done when the next one was due.
    pub overruns: u64,
    /// Targets passed over.
    pub skipped: u64,
    /// Work units of the last run.
    pub operations: u64,
    /// Cycles since the run was released whose results are visible; `None` before there are any, and for the
    /// base task.
    pub age: Option<u64>,
}

impl TaskFacts {
    /// Nothing counted.
    pub const NONE: Self = Self {
        runs: 0,
        execution: Durations::EMPTY,
        start_error: Durations::EMPTY,
        overruns: 0,
        skipped: 0,
        operations: 0,
        age: None,
    };
}

/// A small histogram of durations in nanoseconds: sixteen steps for each power of two, so that a quantile is at most a
/// sixteenth too large. Fixed size; counting is a few instructions.
#[derive(Clone, Copy)]
pub struct Durations {
    counts: [u64; Self::PLACES],
    /// The last one.
    pub last: u32,
    /// The longest.
    pub max: u32,
}

impl Durations {
    const PLACES: usize = 464;
    /// Nothing counted.
    pub const EMPTY: Self = Self { counts: [0; Self::PLACES], last: 0, max: 0 };

    const fn place(ns: u32) -> usize {
        if ns < 16 {
            return ns as usize;
        }
        let top = ns.ilog2();
        (top as usize - 3) * 16 + (ns >> (top - 4) & 15) as usize
    }

    /// The longest duration that is counted in this place.
    const fn longest(place: usize) -> u32 {
        if place < 16 {
            return place as u32;
        }
        let (top, step) = (place as u64 / 16 + 3, place as u64 % 16);
        (((16 + step + 1) << (top - 4)) - 1) as u32
    }

    /// Count one.
    pub fn add(&mut self, ns: u32) {
        self.last = ns;
        self.max = self.max.max(ns);
        if let Some(count) = self.counts.get_mut(Self::place(ns)) {
            *count = count.saturating_add(1);
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// No more than this share (0 to 1) of all durations is longer than the returned one; 0 if there are none.
    pub fn quantile(&self, share: f64) -> u32 {
        let total = self.count();
        let wanted = ((total as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0_u64;
        for (place, count) in self.counts.iter().enumerate() {
            seen = seen.saturating_add(*count);
            if seen >= wanted {
                return Self::longest(place).min(self.max);
            }
        }
        self.max
    }
}

impl std::fmt::Debug for Durations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} durations, the longest {} ns", self.count(), self.max)
    }
}

/// The machine after one cycle.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which cycle.
    pub index: u64,
    /// Its nominal time, ns.
    pub time_ns: i64,
    /// The runtime's state.
    pub mode: Mode,
    /// The latched fault.
    pub fault: Option<Fault>,
    /// The shutdown sequence is in progress.
    pub shutting_down: bool,
    /// The reload that may be undone.
    pub probation: Probation,
    /// Committed value of every slot.
    pub values: Box<[Value]>,
    /// Validity of every slot.
    pub valid: Box<[bool]>,
    /// What is forced.
    pub forces: Forces,
    /// The states of programs, of this cycle or an earlier one.
    pub states: States,
    /// By the cell's order.
    pub parameters: Box<[Value]>,
    /// The base task's come first.
    pub tasks: Box<[TaskFacts]>,
    /// By the cell's order.
    pub axes: Box<[AxisFacts]>,
    /// By the cell's order.
    pub units: Box<[UnitState]>,
    /// By the cell's order.
    pub alarms: Box<[AlarmFacts]>,
    /// The last jidoka events, newest first; number 0 is an empty place.
    pub events: [Event; EVENTS_MAX],
    /// What each device said about itself last, in bus order.
    pub devices: Box<[DeviceHealth]>,
    /// Counters of the bus.
    pub bus: BusCounters,
    /// The last exchange.
    pub exchange: Exchange,
}

/// What a device is taken for before it was asked.
const UNKNOWN: DeviceHealth = DeviceHealth {
    state: AlState::NoAnswer,
    status_code: 0,
    links: 0,
    ports: [PortHealth { invalid_frames: 0, rx_errors: 0, forwarded_errors: 0, lost_links: 0 }; 4],
    processing_unit_errors: 0,
    pdi_errors: 0,
};

impl Snapshot {
    /// A place for snapshots of machines of `cell`, with what one shows before its first cycle.
    pub fn of(cell: &Cell) -> Self {
        let store = TagStore::new(&cell.tags);
        let slots = 0..store.len() as u32;
        Self {
            index: 0,
            time_ns: 0,
            mode: Mode::Stop,
            fault: None,
            shutting_down: false,
            probation: Probation::default(),
            values: slots.clone().map(|slot| store.committed(slot)).collect(),
            valid: slots.map(|slot| store.valid(slot)).collect(),
            forces: Forces::new(cell),
            states: States::of(cell.programs().count()),
            parameters: cell.parameters.iter().map(|parameter| parameter.default).collect(),
            tasks: vec![TaskFacts::NONE; cell.tasks().count()].into(),
            axes: vec![AxisFacts::default(); cell.axes.len()].into(),
            units: Units::new(&cell.units, 0).states().into(),
            alarms: Alarms::new(&cell.alarms, cell.task.interval_ns).facts().into(),
            events: [Event::NONE; EVENTS_MAX],
            devices: vec![UNKNOWN; cell.devices.len()].into(),
            bus: BusCounters::default(),
            exchange: Exchange::NONE,
        }
    }
}

/// How a command from the control socket came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Counts the commands of the control socket, from 0.
    pub ticket: u64,
    /// Cycle that took it.
    pub index: u64,
    /// Its number among all recorded inbox entries of the run.
    pub sequence: u32,
    /// It did something; false if it did not fit the machine's state.
    pub accepted: bool,
}

/// The other threads' end.
pub struct Snapshots {
    full: rtrb::Consumer<Box<Snapshot>>,
    free: rtrb::Producer<Box<Snapshot>>,
    receipts: rtrb::Consumer<Receipt>,
    newest: Option<Box<Snapshot>>,
    wishes: Arc<Wishes>,
}

/// Both ends for a machine of `cell`, which says in `editions` what it runs.
pub fn channel(cell: &Cell, editions: Editions) -> (Publisher, Snapshots) {
    let empty = Snapshot::of(cell);
    let (full, full_consumer) = rtrb::RingBuffer::new(SNAPSHOTS);
    let (mut free_producer, free) = rtrb::RingBuffer::new(SNAPSHOTS);
    for _ in 0..SNAPSHOTS {
        // There are exactly as many places.
        let _ = free_producer.push(Box::new(empty.clone()));
    }
    let (receipts, receipts_consumer) = rtrb::RingBuffer::new(RECEIPTS_MAX);
    let wishes = Arc::new(Wishes::default());
    let every = (PUBLISH_INTERVAL_NS / cell.task.interval_ns.max(1)).max(1);
    let tasks = cell.tasks().count();
    let publisher = Publisher::new((full, free), receipts, every, tasks, Arc::clone(&wishes), editions);
    let snapshots = Snapshots {
        full: full_consumer,
        free: free_producer,
        receipts: receipts_consumer,
        newest: None,
        wishes,
    };
    (publisher, snapshots)
}

impl Snapshots {
    /// Take what was published; the newest snapshot, if there ever was one.
    pub fn refresh(&mut self) -> Option<&Snapshot> {
        while let Ok(mut snapshot) = self.full.pop() {
            // States are copied less often: until there are newer ones, those that are there stay.
            if let Some(seen) = self.newest.as_mut().filter(|_| snapshot.states.cycle == 0) {
                std::mem::swap(&mut snapshot.states, &mut seen.states);
            }
            if let Some(seen) = self.newest.replace(snapshot) {
                // There is a place for every snapshot.
                let _ = self.free.push(seen);
            }
        }
        self.newest()
    }

    /// The newest snapshot as of the last [`Snapshots::refresh`].
    pub fn newest(&self) -> Option<&Snapshot> {
        self.newest.as_deref()
    }

    /// The next receipt, in the order of the commands.
    pub fn receipt(&mut self) -> Option<Receipt> {
        self.receipts.pop().ok()
    }

    /// Begin all statistics anew with one of the next cycles.
    pub fn clear_statistics(&self) {
        self.wishes.clear.store(true, Relaxed);
    }

    /// Have the states of programs copied from now on, or no more.
    pub fn want_states(&self, wanted: bool) {
        self.wishes.states.store(wanted, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_duration_is_counted_where_it_belongs(ns: u32) {
            let place = Durations::place(ns);
            prop_assert!(place < Durations::PLACES);
            let (below, longest) = (place.checked_sub(1).map(Durations::longest), Durations::longest(place));
            prop_assert!(ns <= longest && below.is_none_or(|below| below < ns));
            prop_assert!(u64::from(longest) <= u64::from(ns) + u64::from(ns) / 16);
        }

        #[test]
        fn quantiles_are_at_most_a_sixteenth_too_large(
            mut all in proptest::collection::vec(0..2_000_000_u32, 1..200), share in 0.0..=1.0_f64,
        ) {
            let mut durations = Durations::EMPTY;
            for ns in &all {
                durations.add(*ns);
            }
            all.sort_unstable();
            let rank = ((all.len() as f64 * share).ceil() as usize).clamp(1, all.len());
            let (exact, found) = (all[rank - 1], durations.quantile(share));
            prop_assert!(exact <= found && found <= exact + exact / 16, "{} {}", exact, found);
            prop_assert_eq!(durations.quantile(1.0), *all.last().unwrap());
        }
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert_eq!(Durations::EMPTY.quantile(0.99), 0);
        assert_eq!(Durations::EMPTY.count(), 0);
    }
}
