//! The life of the cyclic thread: set-up, bus start-up, warm-up, cycles, shutdown. All that may fail or block is
//! before the first cycle or behind the last one; the cycle itself is in [`crate::cycle`].

use crate::{
    control,
    cycle::cycle,
    inbox::Inbox,
    machine::{Machine, Mode, forces::Force},
    pace::{Lockstep, Pace, RealTime},
    phase, programs,
    publish::{Outlets, Publisher},
    recorder::{LogProducer, Recorder},
    rt::{self, Missing},
    sim_faults::Ordered,
    status::Status,
    tasks::{self, Runs},
    timing::{Histograms, StepTimes},
    twin,
};
use sensai_alloc_count::{Counts, thread_counts};
use sensai_fieldbus::{
    Bus, Wire, clock,
    ethercat::{self, DeviceHealth, EtherCatBus},
    simulated::{InProcess, Segment},
    wire::RawSocket,
};
use sensai_model::{Cell, Fault, cell::ModelEngine};
use sensai_motion::AxisError;
use sensai_scripts::ProgramError;
use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::Ordering::{Relaxed, Release},
    },
};

/// Where the time of the embedded segment begins.
const SEGMENT_START_NS: u64 = 1_000_000_000;

/// What the cyclic thread is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cell.
    pub cell: Arc<Cell>,
    /// End after this many cycles.
    pub cycles: Option<u64>,
    /// As fast as it goes.
    pub virtual_time: bool,
    /// Never spin.
    pub no_spin: bool,
    /// Seccomp filter after warm-up.
    pub guard: bool,
    /// Index of the first cycle.
    pub first_index: u64,
    /// Core to pin to.
    pub core: Option<usize>,
    /// Retained data of earlier runs.
    pub retained: Option<Vec<u8>>,
    /// What is to go wrong on the embedded segment.
    pub sim_faults: Vec<Ordered>,
}

/// What the run was, as the cyclic thread saw it.
#[derive(Debug)]
pub struct Outcome {
    /// Cycles after warm-up; the histograms are over these.
    pub measured: u64,
    /// All cycles.
    pub cycles: u64,
    /// Distributions.
    pub histograms: Histograms,
    /// Allocations after warm-up.
    pub allocations: Counts,
    /// Page faults after warm-up: minor, major. Under the guard they are for the outside to find, see `thread`.
    pub page_faults: (u64, u64),
    /// The cyclic thread's id, and its page faults when the counters were armed.
    pub thread: (i32, (u64, u64)),
    /// Privileges that were missing.
    pub missing: Vec<Missing>,
    /// Start phase on the interval's grid, ns.
    pub phase_ns: u64,
    /// Spin window, ns.
    pub spin_ns: u64,
    /// Mode at the end, before the shutdown.
    pub mode: Mode,
    /// The fault at the end.
    pub fault: Option<Fault>,
    /// Axes in an error stop at the end, and why.
    pub axis_errors: Vec<(usize, AxisError)>,
    /// Memory tags at the end: name, value.
    pub memory: Vec<(String, String)>,
    /// Elements of tags that were forced at the end: name, value.
    pub forced: Vec<(String, String)>,
    /// How long the bus took from INIT to OP, ns on the bus's clock.
    pub startup_ns: u64,
    /// Operations the programs used, summed over the measured cycles.
    pub operations: u64,
    /// What the slow tasks did, by the cell's order.
    pub tasks: Box<[Runs]>,
    /// The guard was armed.
    pub guarded: bool,
    /// What each device said about itself last, in bus order.
    pub health: Vec<DeviceHealth>,
    /// What the shutdown of the bus could not do.
    pub shutdown: Option<String>,
    /// Where and why the twin stopped, and the run with it.
    pub twin: Option<String>,
}

/// Cycles before the counters are armed.
const WARM_UP: u64 = 200;

/// Cycles with fault values, and with axes at rest and without power, before the bus is taken down.
const SHUTDOWN_CYCLES: u64 = 3;

/// Bound on taking the bus down to SAFE-OP and INIT.
const SHUTDOWN_NS: u64 = 1_000_000_000;

/// Heap the interpreter tier may grow into without asking the kernel.
const HEAP_BYTES: usize = 24 << 20;

/// Acyclic frames are done with this long before the next cycle, or an eighth of the interval if that is shorter.
const ACYCLIC_GUARD_NS: u64 = 200_000;

/// What goes into the cycles and what comes out of them, beside the bus.
pub struct Doors {
    /// Commands.
    pub inbox: Inbox,
    /// The log, if there is one.
    pub log: Option<LogProducer>,
    /// Snapshots, if somebody may look.
    pub publisher: Option<Publisher>,
    /// What outlives this run.
    pub retained: Option<crate::retained::Tap>,
    /// What is kept of jidoka events.
    pub evidence: Option<crate::evidence::Tap>,
    /// Programs that take the place of others.
    pub reload: Option<crate::reload::Port>,
}

/// Shared with the rest of the process.
struct Links<'a> {
    inbox: Inbox,
    log: Option<LogProducer>,
    publisher: Option<Publisher>,
    retained: Option<crate::retained::Tap>,
    evidence: Option<crate::evidence::Tap>,
    reload: Option<crate::reload::Port>,
    errors: rtrb::Producer<ProgramError>,
    status: &'a Status,
    /// On the embedded segment.
    twin: Option<Arc<twin::Failure>>,
}

/// The cyclic thread panicked. A bug, whatever led to it.
#[derive(Debug, thiserror::Error)]
#[error(
    "the cyclic thread panicked: {0}; this is a bug in sensai; the bus socket is closed, the devices' own watchdogs take \
     over; the next start comes up faulted"
)]
pub struct Panicked(String);

/// The cyclic thread's main function, on `socket` or on the embedded segment. Leaves its result in `outcome` and sets
/// `status.finished`.
pub fn run(
    plan: &Plan,
    socket: Option<RawSocket>,
    doors: Doors,
    errors: rtrb::Producer<ProgramError>,
    status: &Status,
    outcome: &Mutex<Option<anyhow::Result<Outcome>>>,
) {
    rt::block_signals();
    let Doors { inbox, log, publisher, retained, evidence, reload } = doors;
    let links = Links { inbox, log, publisher, retained, evidence, reload, errors, status, twin: None };
    let result = contain(|| bring_up_and_drive(plan, socket, links));
    let guarded = plan.guard && result.is_ok();
    status.armed.store(false, Relaxed);
    *outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(result);
    status.finished.store(true, Release);
    if guarded {
        // Ending a thread takes system calls that the filter forbids: wait for the process to end.
        loop {
            rt::sleep_until(clock::monotonic_ns() + 1_000_000_000);
        }
    }
}

/// A panic is an error like another: unwinding has closed the bus by then, no frame is sent any more, and nobody waits
/// for an answer that never comes.
fn contain<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Err(Panicked(text.unwrap_or("without a message").to_owned()).into())
    })
}

fn bring_up_and_drive(
    plan: &Plan,
    socket: Option<RawSocket>,
    mut links: Links<'_>,
) -> anyhow::Result<Outcome> {
    match socket {
        None => {
            clock::start_virtual(SEGMENT_START_NS);
            let (plant, twin) = twin::connect(&plan.cell)?;
            let segment = Segment::for_cell(&plan.cell, plant);
            links.twin = Some(twin);
            let arm = |wire: &mut InProcess, now_ns| {
                plan.sim_faults.iter().for_each(|fault| fault.arm(wire.line_mut(), now_ns));
            };
            drive(plan, links, InProcess::new(segment), arm, |plan, spin, start| {
                let start = (!plan.virtual_time).then_some(start);
                clock::advance_to(met_by_the_twin(clock::now_ns(), plan.cell.task.interval_ns));
                Lockstep::new(start, plan.cell.task.interval_ns, spin, plan.first_index)
            })
        }
        Some(socket) => {
            links.status.socket.store(socket.descriptor(), Relaxed);
            drive(
                plan,
                links,
                socket,
                |_, _| (),
                |plan, spin, start| RealTime::new(start, plan.cell.task.interval_ns, spin, plan.first_index),
            )
        }
    }
}

/// The first time from `now_ns` on at which a cycle meets the simulated machine in the same place of its step as in every
/// run. The machine steps on a grid from the segment's first frame on; start-up takes as long as the devices' settings
/// take, and one more of them must not make the samples of a cycle others.
fn met_by_the_twin(now_ns: u64, interval_ns: u64) -> u64 {
    let interval_ns = interval_ns.max(1);
    let place_ns = SEGMENT_START_NS + interval_ns / 5 * 4;
    let behind_ns = now_ns.saturating_sub(place_ns);
    place_ns.saturating_add(behind_ns.div_ceil(interval_ns).saturating_mul(interval_ns))
}

fn drive<W: Wire, P: Pace>(
    plan: &Plan,
    mut links: Links<'_>,
    wire: W,
    arm: impl FnOnce(&mut W, u64),
    pace: impl FnOnce(&Plan, u64, u64) -> P,
) -> anyhow::Result<Outcome> {
    let cell = &plan.cell;
    let (mut missing, no_deep_sleep) = become_real_time(plan);
    let thread = rt::thread_id();
    let programs = programs::compile(cell)?;
    let mut machine = Machine::new(Arc::clone(cell), programs);
    if let Some(start) = &plan.retained {
        crate::retained::restore(&mut machine, start);
    }
    if let Some(publisher) = &links.publisher {
        publisher.begin(&machine);
    }
    let recorder = Recorder::new(links.log.take(), &machine, plan.virtual_time);
    let mut outlets = Outlets { recorder, publisher: links.publisher.take() };

    let interval = cell.task.interval_ns;
    let timing = if plan.virtual_time { phase::Timing::default() } else { phase::calibrate(interval) };
    let spin_ns = match (plan.no_spin || plan.virtual_time, cell.task.spin_ns) {
        (true, _) => 0,
        (false, Some(spin)) => spin,
        (false, None) => timing.spin_ns,
    };
    missing.extend(rt::prefault(HEAP_BYTES).err());
    if !cell.slow_tasks.is_empty() {
        let settings = tasks::Settings { virtual_time: plan.virtual_time, core: plan.core };
        let (threads, refused) = tasks::Threads::start(cell, settings)?;
        machine.run_tasks_on(Box::new(threads));
        let news: Vec<Missing> = refused.into_iter().filter(|refused| !missing.contains(refused)).collect();
        missing.extend(news);
    }

    // From OP on the devices' watchdogs run: nothing slow may come between start-up and the first cycle.
    let before = clock::now_ns();
    let mut bus = ethercat::start(cell, wire, machine.outputs(), &mut |_| ())?;
    let startup_ns = clock::now_ns() - before;
    let start = phase::next_start(clock::monotonic_ns(), interval, timing.phase_ns);
    let mut pace = pace(plan, spin_ns, start);
    // The first cycle is one interval from here.
    arm(bus.wire_mut(), clock::now_ns() + interval);
    let mut run = Loop::new(plan, interval);
    run.cycles(&mut machine, &mut bus, &mut pace, &mut links, &mut outlets);
    // Before the shutdown: afterwards no device is in OP.
    let health = bus.health().to_vec();
    let errors = machine.axes().facts().enumerate();
    let axis_errors = errors.filter_map(|(axis, facts)| Some((axis, facts.error?))).collect();
    let status = links.status;
    status.armed.store(false, Relaxed);
    // What it could not do is not worth losing the summary: the devices' own watchdogs act in any case.
    let shutdown = bus.shutdown(clock::now_ns() + SHUTDOWN_NS).err().map(|error| error.to_string());
    if let Some(tap) = &mut links.retained {
        tap.offer_last(&machine);
    }
    status.dropped.store(outlets.recorder.dropped(), Relaxed);
    let outcome = Outcome {
        measured: run.measured,
        cycles: run.done,
        histograms: run.histograms,
        allocations: run.allocations,
        page_faults: run.faults,
        thread: (thread, run.faults_before),
        missing,
        phase_ns: timing.phase_ns,
        spin_ns,
        mode: run.mode,
        fault: machine.fault(),
        axis_errors,
        memory: memory_tags(&machine),
        forced: forced(&machine),
        startup_ns,
        operations: run.operations,
        tasks: run.tasks,
        guarded: run.guarded,
        shutdown,
        twin: links.twin.and_then(|twin| twin.text(cell)),
        health,
    };
    if run.guarded {
        // Closing and unmapping are system calls too; the process ends soon, and takes all of it along.
        std::mem::forget((bus, machine, outlets, no_deep_sleep));
    }
    Ok(outcome)
}

/// Ask for everything a real-time thread wants; what is refused is told at the end, and the run goes on.
fn become_real_time(plan: &Plan) -> (Vec<Missing>, Option<std::fs::File>) {
    if plan.virtual_time {
        return (Vec::new(), None);
    }
    let mut missing = Vec::new();
    missing.extend(plan.core.and_then(|core| rt::pin(core).err()));
    missing.extend(rt::fifo(plan.cell.task.priority).err());
    missing.extend(rt::lock_memory().err());
    let file = rt::no_deep_sleep().map_err(|refused| missing.push(refused)).ok();
    (missing, file)
}

/// Counters around the cycles.
struct Loop {
    histograms: Histograms,
    done: u64,
    measured: u64,
    operations: u64,
    tasks: Box<[Runs]>,
    /// Cycles still to go once a shutdown was seen.
    left: Option<u64>,
    limit: Option<u64>,
    warm_up: u64,
    interval: u64,
    guard: bool,
    guarded: bool,
    allocations: Counts,
    faults_before: (u64, u64),
    faults: (u64, u64),
    mode: Mode,
    all_units: u32,
    virtual_time: bool,
    models_beside: bool,
}

impl Loop {
    fn new(plan: &Plan, interval: u64) -> Self {
        let units = plan.cell.sync_units.len() as u32;
        Self {
            histograms: Histograms::new(),
            done: 0,
            measured: 0,
            operations: 0,
            tasks: Runs::of(plan.cell.slow_tasks.len()),
            left: None,
            limit: plan.cycles,
            warm_up: WARM_UP.min(plan.cycles.unwrap_or(u64::MAX) / 2),
            interval,
            guard: plan.guard,
            guarded: false,
            allocations: thread_counts(),
            faults_before: (0, 0),
            faults: (0, 0),
            mode: Mode::Stop,
            all_units: u32::MAX.checked_shr(32 - units).unwrap_or(0),
            virtual_time: plan.virtual_time,
            models_beside: plan.cell.models.iter().any(|model| model.engine == ModelEngine::Ort),
        }
    }

    fn cycles<W: Wire, P: Pace>(
        &mut self,
        machine: &mut Machine,
        bus: &mut EtherCatBus<W>,
        pace: &mut P,
        links: &mut Links<'_>,
        outlets: &mut Outlets,
    ) {
        let mut times = StepTimes::default();
        self.arm_if_warm(links.status);
        while self.left != Some(0) {
            if let Some(port) = &mut links.reload {
                port.before_cycle(machine, &mut outlets.recorder);
            }
            let (time, wake, exchange) = cycle(machine, bus, pace, &mut links.inbox, outlets, &mut times);
            if let Some(port) = &mut links.reload {
                port.after_cycle(machine, &mut outlets.recorder, time.index);
            }
            let status = links.status;
            status.update(machine, time.index, &exchange, self.all_units);
            status.overruns.fetch_add(u64::from(wake.overrun), Relaxed);
            status.skipped.fetch_add(wake.skipped, Relaxed);
            status.execution_max.fetch_max(times.execution.into(), Relaxed);
            status.start_error_max.fetch_max(times.start_error.into(), Relaxed);
            if let Some(publisher) = &mut outlets.publisher {
                publisher.after_cycle(machine, time.index, &wake, &exchange, &times, bus.health());
            }
            status.heartbeat.store(clock::monotonic_ns(), Relaxed);
            if let Some(error) = machine.take_error() {
                // A full ring means that nobody reads the texts; the fault itself is in the record.
                if let Err(rtrb::PushError::Full(error)) = links.errors.push(error) {
                    sensai_alloc_count::excuse(|| drop(error));
                }
            }
            if let Some(tap) = &mut links.retained {
                tap.cycle(machine);
            }
            if let Some(tap) = &mut links.evidence {
                tap.cycle(machine);
            }
            if let Some(beside) = links.inbox.beside() {
                beside.after_cycle(machine.models_mut());
            }
            self.count(machine, time.index, &times);
            // Without a machine there is nothing to be controlled any more.
            let over = links.twin.as_ref().is_some_and(|twin| twin.happened());
            self.end_of_cycle(machine, &mut links.inbox, over);
            self.arm_if_warm(links.status);
            if self.virtual_time {
                outlets.recorder.wait_for_room();
            }
            if !self.virtual_time || self.done.is_multiple_of(64) {
                bus.acyclic(self.acyclic_until(clock::now_ns(), pace.next_ns()));
            }
        }
        self.allocations = thread_counts() - self.allocations;
        // Under the filter this thread may not even ask; the outside reads it from the thread's statistics.
        if !self.guarded {
            let now = rt::page_faults();
            self.faults = (now.0 - self.faults_before.0, now.1 - self.faults_before.1);
        }
    }

    /// A quarter of the interval at most, and not up to the next cycle. A cycle that was long leaves nothing.
    fn acyclic_until(&self, now: u64, next: u64) -> u64 {
        let guard = ACYCLIC_GUARD_NS.min(self.interval / 8);
        (now + self.interval / 4).min(next.saturating_sub(guard))
    }

    fn count(&mut self, machine: &Machine, index: u64, times: &StepTimes) {
        self.done += 1;
        Runs::count(&mut self.tasks, machine, index);
        if self.done > self.warm_up {
            self.measured += 1;
            self.operations += machine.operations();
            self.histograms.add(times);
        }
    }

    fn end_of_cycle(&mut self, machine: &Machine, inbox: &mut Inbox, over: bool) {
        if let Some(left) = &mut self.left {
            *left -= 1;
            return;
        }
        if machine.shutdown_done() {
            self.left = Some(SHUTDOWN_CYCLES);
        } else if !machine.shutting_down() {
            self.mode = machine.mode();
            if over || self.limit.is_some_and(|limit| self.done >= limit) {
                inbox.request_shutdown();
            }
        }
    }

    /// Behind the warm-up: counters from here on, and the filter if asked for.
    fn arm_if_warm(&mut self, status: &Status) {
        if self.done == self.warm_up && self.measured == 0 {
            status.armed.store(!self.virtual_time, Relaxed);
            self.faults_before = rt::page_faults();
            if self.guard && !self.guarded {
                let waits = self.virtual_time && (self.models_beside || !self.tasks.is_empty());
                self.guarded = crate::guard::arm(waits);
            }
            self.allocations = thread_counts();
        }
    }
}

fn memory_tags(machine: &Machine) -> Vec<(String, String)> {
    let tags = machine.cell().tags.iter().filter(|tag| tag.kind == sensai_model::TagKind::Memory);
    tags.map(|tag| {
        let values: Vec<String> =
            (0..tag.len()).map(|i| machine.store().committed(tag.slot + i).to_string()).collect();
        (tag.name.clone(), values.join(" "))
    })
    .collect()
}

fn forced(machine: &Machine) -> Vec<(String, String)> {
    let named = |force: &Force| {
        let tag = machine.cell().tags.get(usize::from(force.tag))?;
        Some((control::force::name(tag, force.element), force.value.to_string()))
    };
    machine.forces().all().iter().filter_map(named).collect()
}

/// The cell as it runs on the embedded segment, whatever interface it names.
pub fn without_interface(cell: &Arc<Cell>) -> Arc<Cell> {
    let mut cell = Cell::clone(cell);
    cell.bus.interface = None;
    Arc::new(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_panic_closes_the_bus_and_is_told() {
        struct Bus<'a>(&'a AtomicBool);
        impl Drop for Bus<'_> {
            fn drop(&mut self) {
                self.0.store(true, Relaxed);
            }
        }
        let closed = AtomicBool::new(false);
        let result: anyhow::Result<()> = contain(|| {
            let _bus = Bus(&closed);
            panic!("index {} of {}", 7, 3)
        });
        let error = result.unwrap_err();
        assert!(closed.load(Relaxed) && error.is::<Panicked>());
        assert!(error.to_string().contains("index 7 of 3"), "{error}");
        assert_eq!(contain(|| Ok(5)).unwrap(), 5);
    }

    #[test]
    fn cycles_meet_the_twin_in_the_same_place_whatever_start_up_took() {
        for (now_ns, expected_ns) in [
            (SEGMENT_START_NS, SEGMENT_START_NS + 800_000),
            (SEGMENT_START_NS + 119_800_000, SEGMENT_START_NS + 119_800_000),
            (SEGMENT_START_NS + 119_800_001, SEGMENT_START_NS + 120_800_000),
            (SEGMENT_START_NS + 120_200_000, SEGMENT_START_NS + 120_800_000),
        ] {
            assert_eq!(met_by_the_twin(now_ns, 1_000_000), expected_ns);
        }
        assert!(met_by_the_twin(u64::MAX - 5, 1_000_000) > 0);
    }

    #[test]
    fn acyclic_frames_never_reach_into_the_next_cycle() {
        let source = crate::source::Source::from_directory(&crate::test_cell());
        let plan = Plan {
            cell: source.cell.expect("the example is valid"),
            cycles: None,
            virtual_time: false,
            no_spin: false,
            guard: false,
            first_index: 1,
            core: None,
            retained: None,
            sim_faults: Vec::new(),
        };
        let until = |interval, now, next| Loop::new(&plan, interval).acyclic_until(now, next);
        // A short cycle: a quarter. A long one: up to the guard. A very long one: nothing, now is behind it.
        assert_eq!(until(1_000_000, 10_100_000, 11_000_000), 10_350_000);
        assert_eq!(until(1_000_000, 10_800_000, 11_000_000), 10_875_000);
        assert!(until(1_000_000, 10_950_000, 11_000_000) < 10_950_000);
        assert_eq!(until(8_000_000, 9_700_000, 11_000_000), 10_800_000);
    }
}
