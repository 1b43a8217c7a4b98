//! Slow tasks by logical execution time: what is released, what is visible, what is late.
//!
//! A slow task's run is released in the cycle in which its interval begins, works on the values of that instant, and its
//! result becomes visible at its next release: never before, however fast it was. So what a program sees depends on the
//! nominal time alone, and not on speed, load or the number of cores. A run that is not done at its next release is an
//! overrun: a verdict about time, which enters through the inbox; the old results stay visible, and grow older.
//!
//! Results of all tasks that are due in a cycle are taken in before any of them is released, and both before the base
//! task's programs run.

use super::{
    KeyframeError, Loaded,
    axes::Axes,
    job::{Change, Executor, Inline, Job, Runner},
    reload::Reloads,
    room::Room,
    units::Units,
};
use crate::{
    keyframe::{Reader, Writer},
    machine::CycleTime,
};
use sensai_alloc_count::excuse;
use sensai_model::{
    Cell, TagStore, Value,
    cell::{Model, OnOverrun, Task},
    packml,
};
use sensai_scripts::{
    Ports, Program, ProgramError, SysFacts,
    ports::{COMMANDS_MAX, Directed, REQUESTS_MAX, Request, Requested, UnitFacts},
};
use std::ops::Range;

/// A slow task as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFacts {
    /// Its interval, ns.
    pub interval_ns: u64,
    /// Cycle of the last release; `None` before the first one.
    pub released: Option<u64>,
    /// Age of the visible results in cycles: how long ago the run that made them was released. `None` without results.
    pub age: Option<u64>,
    /// Runs released so far.
    pub releases: u64,
    /// Releases at which the run before was not done.
    pub overruns: u64,
    /// Work units of the last run whose results were taken in.
    pub operations: u64,
    /// How long that run took, ns; 0 where nobody measured it.
    pub execution_ns: u64,
    /// Its results were taken in in this very cycle.
    pub collected: bool,
}

/// What a slow task is given and gives back to: the machine without its tasks.
pub(super) struct Surroundings<'a> {
    pub(super) store: &'a mut TagStore,
    pub(super) parameters: &'a [Value],
    pub(super) ports: &'a mut Ports,
    pub(super) programs: &'a mut [Loaded],
    pub(super) axes: &'a Axes,
    pub(super) units: &'a Units,
    pub(super) models: &'a [Model],
    /// Nominal interval of the base task, ns.
    pub(super) interval_ns: u64,
}

struct SlowTask {
    interval_ns: u64,
    /// Base intervals between two releases.
    multiple: u64,
    stops_on_overrun: bool,
    /// Its programs, by global index.
    programs: Range<usize>,
    /// The job, while the executor does not have it.
    job: Option<Box<Job>>,
    /// A run was released, and its results are wanted.
    in_flight: bool,
    /// The next run is the first one since Stop.
    first_run: bool,
    /// The verdict of this cycle: what was released is not done.
    late: bool,
    /// Its run failed, and its programs are to be replaced before the next one: no release in this cycle.
    held: bool,
    /// What is between the programs' replacement and the job that takes them along.
    seats: Box<[Seat]>,
    /// Facts of the last release.
    release: SysFacts,
    releases: u64,
    overruns: u64,
    /// Cycle of the release that the visible results are of.
    visible: Option<u64>,
    /// Alarms whose condition the visible run found, a bit for each: it stands until the next results.
    alarms: Box<[u64]>,
    /// What the run in flight was given, as it stands in keyframes.
    snapshot: Box<[u8]>,
    operations: u64,
    execution_ns: u64,
    collected: bool,
}

/// A program's place with the executor, from here.
#[derive(Default)]
struct Seat {
    /// Goes there with the next job.
    deliver: Option<Box<dyn Program + Send>>,
    /// What comes back with the job that is away goes there again with the next one.
    back: bool,
}

/// What failed among the results of a cycle.
#[derive(Default)]
pub(super) struct Collected {
    /// The first failure that is the machine's.
    pub error: Option<ProgramError>,
    /// The first one that leads to an undo instead.
    pub undone: Option<ProgramError>,
}

/// All slow tasks of a cell.
pub(super) struct Tasks {
    tasks: Box<[SlowTask]>,
    executor: Box<dyn Executor>,
    /// Of this cycle: what the slow tasks' results hold, then what the base task gave.
    commands: Vec<Directed>,
    requests: Vec<Requested>,
}

impl Tasks {
    /// Nothing released. `first` is the global index of the first slow program; jobs are run by `runners` in the cycle
    /// until [`Tasks::run_on`].
    pub(super) fn new(
        cell: &Cell,
        programs: &[Loaded],
        first: usize,
        runners: Vec<Runner>,
        axes: &Axes,
    ) -> Self {
        let ranges = ranges(cell, first);
        let slow = cell.slow_tasks.iter().zip(ranges);
        let tasks: Box<[SlowTask]> =
            slow.map(|(task, range)| SlowTask::new(cell, task, range, programs, axes)).collect();
        let places = tasks.len() + 1;
        Self {
            commands: Vec::with_capacity(places * COMMANDS_MAX),
            requests: Vec::with_capacity(places * REQUESTS_MAX),
            tasks,
            executor: Box::new(Inline::new(runners.into_iter())),
        }
    }

    /// Give the jobs to somebody else from now on. For set-up.
    pub(super) fn run_on(&mut self, executor: Box<dyn Executor>) {
        for (index, task) in self.tasks.iter_mut().enumerate() {
            task.job = task.job.take().or_else(|| self.executor.recall(index));
        }
        self.executor = executor;
        for (index, task) in self.tasks.iter_mut().enumerate().filter(|(_, task)| task.in_flight) {
            if let Some(job) = task.job.take() {
                self.executor.submit(index, job);
            }
        }
    }

    /// Slow tasks that are to be released in this cycle and whose last run is not done: a bit for each, by the index of
    /// the task, where the base task has bit 0. This is the one question whose answer depends on time.
    pub(super) fn unfinished(&mut self, time: CycleTime) -> u64 {
        let mut late = 0;
        for (index, task) in self.tasks.iter().enumerate() {
            if task.is_due(time) && task.job.is_none() && !self.executor.is_done(index) {
                late |= 2 << index;
            }
        }
        late
    }

    /// The verdict of this cycle. The first task in it that is to stop the machine; those in `undone` are not.
    pub(super) fn overrun(&mut self, late: u64, undone: u64) -> Option<u16> {
        let mut stopping = None;
        for (index, task) in self.tasks.iter_mut().enumerate().filter(|(index, _)| late >> index & 2 == 2) {
            task.late = true;
            task.overruns = task.overruns.saturating_add(1);
            if task.stops_on_overrun && undone >> index & 2 == 0 && stopping.is_none() {
                stopping = Some(index as u16 + 1);
            }
        }
        stopping
    }

    /// Release edges, first half: take in the results of what is due.
    pub(super) fn collect(
        &mut self,
        around: &mut Surroundings<'_>,
        reloads: &mut Reloads,
        time: CycleTime,
    ) -> Collected {
        let Self { tasks, executor, commands, requests } = self;
        let mut failed = Collected::default();
        for (index, task) in tasks.iter_mut().enumerate() {
            if task.late || !task.is_due(time) {
                continue;
            }
            task.job = task.job.take().or_else(|| executor.take(index));
            // Only an executor that goes back on its word leaves no job here.
            debug_assert!(task.job.is_some(), "the job of slow task {index} is lost");
            task.unload(reloads);
            if let Some(job) = task.job.as_mut().filter(|_| std::mem::take(&mut task.in_flight)) {
                let (commands, requests) = (&mut *commands, &mut *requests);
                task.operations = job.operations;
                task.execution_ns = job.execution_ns;
                task.collected = true;
                let Some(error) = job.error.take() else {
                    collect(task, around, commands, requests);
                    reloads.ran(index + 1);
                    continue;
                };
                let place = if reloads.covers(index + 1) {
                    task.held = true;
                    reloads.fail(index + 1, error.fault);
                    &mut failed.undone
                } else {
                    &mut failed.error
                };
                match place {
                    Some(_) => excuse(|| drop(error)),
                    None => *place = Some(error),
                }
            }
        }
        failed
    }

    /// Release edges, second half: begin the next runs of what is due.
    pub(super) fn release(&mut self, around: &mut Surroundings<'_>, time: CycleTime) {
        for (index, task) in self.tasks.iter_mut().enumerate() {
            if !task.late
                && !task.held
                && task.is_due(time)
                && let Some(job) = task.release(around, time)
            {
                self.executor.submit(index, job);
            }
        }
    }

    /// The job of a slow task is here.
    pub(super) fn is_home(&self, task: usize) -> bool {
        self.tasks.get(task).is_some_and(|task| task.job.is_some())
    }

    /// The programs of a slow task can be replaced in this cycle: its job is here, or comes. `late` as in
    /// [`Tasks::unfinished`].
    pub(super) fn is_at_edge(&self, task: usize, time: CycleTime, late: u64) -> bool {
        let comes = |of: &SlowTask| of.is_due(time) && late >> task & 2 == 0;
        self.tasks.get(task).is_some_and(|of| of.job.is_some() || comes(of))
    }

    /// Let `new` run in the place of a program of a slow task from its next run on, with room for both states. Returns the old
    /// one if it is here; true: it comes back with a later job.
    pub(super) fn exchange(
        &mut self,
        task: usize,
        program: usize,
        new: Option<Box<dyn Program + Send>>,
        room: &mut Box<[u8]>,
    ) -> (Option<Box<dyn Program + Send>>, bool) {
        self.make_room(task, program, room);
        match (self.seat(task, program), new) {
            (Some(seat), Some(new)) => {
                let old = seat.deliver.replace(new);
                let awaits = old.is_none();
                (old, awaits)
            }
            (_, new) => (new, false),
        }
    }

    /// Undo [`Tasks::exchange`]: `old` is the replaced program, if it came back already. What was under way counts as never
    /// released. Returns the new program, if it is here.
    pub(super) fn bring_back(
        &mut self,
        task: usize,
        program: usize,
        old: Option<Box<dyn Program + Send>>,
    ) -> Option<Box<dyn Program + Send>> {
        if let Some(task) = self.tasks.get_mut(task) {
            task.in_flight = false;
        }
        let seat = self.seat(task, program)?;
        let new = seat.deliver.take();
        match old {
            Some(old) => seat.deliver = Some(old),
            // Either the new one never left, or the old one is on its way here.
            None => seat.back = new.is_none(),
        }
        new
    }

    /// Room for longer states of a program, in the job that is here.
    pub(super) fn make_room(&mut self, task: usize, program: usize, room: &mut Box<[u8]>) {
        let Some(task) = self.tasks.get_mut(task) else { return };
        let place = program.checked_sub(task.programs.start);
        let state = task.job.as_mut().zip(place).and_then(|(job, place)| job.states.get_mut(place));
        if let Some(state) = state {
            state.exchange(room);
        }
    }

    fn seat(&mut self, task: usize, program: usize) -> Option<&mut Seat> {
        let task = self.tasks.get_mut(task)?;
        task.seats.get_mut(program.checked_sub(task.programs.start)?)
    }

    /// The cycle begins: nothing was collected, no verdict applies beyond its cycle.
    pub(super) fn begin(&mut self) {
        self.commands.clear();
        self.requests.clear();
        for task in &mut self.tasks {
            (task.collected, task.held) = (false, false);
        }
    }

    /// Put what the base task gave behind what the slow tasks did, and forget the verdicts.
    pub(super) fn close(&mut self, base: &Ports) {
        // There is room for as many as every task may give.
        self.commands.extend(base.commands());
        self.requests.extend(base.requests());
        for task in &mut self.tasks {
            task.late = false;
        }
    }

    /// Axis commands of this cycle.
    pub(super) fn commands(&self) -> &[Directed] {
        &self.commands
    }

    /// Requests of this cycle.
    pub(super) fn requests(&self) -> &[Requested] {
        &self.requests
    }

    /// A slow task's visible run found the condition of this alarm.
    pub(super) fn holds_alarm(&self, alarm: usize) -> bool {
        let bit =
            |task: &SlowTask| task.alarms.get(alarm / 64).is_some_and(|word| word >> (alarm % 64) & 1 == 1);
        self.tasks.iter().any(bit)
    }

    /// Work units of the runs whose results were taken in in this cycle.
    pub(super) fn operations(&self) -> u64 {
        let collected = self.tasks.iter().filter(|task| task.collected);
        collected.fold(0, |sum, task| sum.saturating_add(task.operations))
    }

    /// Programs start to run: the next run of every task is its first one.
    pub(super) fn start(&mut self) {
        for task in &mut self.tasks {
            task.first_run = true;
            task.alarms.fill(0);
        }
    }

    /// A fault: what is in flight counts as never released.
    pub(super) fn give_up(&mut self) {
        for task in &mut self.tasks {
            task.in_flight = false;
        }
    }

    /// What there is to see, by the cell's order of slow tasks, as of cycle `index`.
    pub(super) fn facts(&self, index: u64) -> impl Iterator<Item = TaskFacts> {
        self.tasks.iter().map(move |task| TaskFacts {
            interval_ns: task.interval_ns,
            released: (task.releases > 0).then_some(task.release.cycle),
            age: task.visible.map(|release| index.saturating_sub(release)),
            releases: task.releases,
            overruns: task.overruns,
            operations: task.operations,
            execution_ns: task.execution_ns,
            collected: task.collected,
        })
    }

    /// What is hashed with every record.
    pub(super) fn save(&self, out: &mut Writer<'_>) {
        for task in &self.tasks {
            let flags = [task.in_flight, task.first_run, task.release.first_cycle, task.visible.is_some()];
            out.bytes(&flags.map(u8::from));
            for number in [
                task.release.cycle,
                task.release.dt_ns.cast_unsigned(),
                task.releases,
                task.overruns,
                task.visible.unwrap_or(0),
            ] {
                out.u64(number);
            }
            for word in &task.alarms {
                out.u64(*word);
            }
        }
    }

    /// What the runs in flight were given. Not hashed: what a program reads of it shows in its results.
    pub(super) fn save_snapshots(&self, out: &mut Writer<'_>) {
        for task in &self.tasks {
            out.bytes(&task.snapshot);
        }
    }

    /// Bytes of each task's part of [`Tasks::save_snapshots`].
    pub(super) fn snapshot_lens(&self) -> impl Iterator<Item = usize> {
        self.tasks.iter().map(|task| task.snapshot.len())
    }

    /// What [`Tasks::save`] wrote.
    pub(super) fn load(&mut self, from: &mut Reader<'_>, interval_ns: u64) -> Result<(), KeyframeError> {
        for task in &mut self.tasks {
            let [in_flight, first_run, first_cycle, is_visible] = from.array::<4>()?.map(|flag| flag != 0);
            task.in_flight = in_flight;
            task.first_run = first_run;
            let (cycle, dt_ns) = (from.u64()?, from.u64()?.cast_signed());
            task.release = SysFacts { cycle, time_ns: time_ns(cycle, interval_ns), dt_ns, first_cycle };
            task.releases = from.u64()?;
            task.overruns = from.u64()?;
            let visible = from.u64()?;
            task.visible = is_visible.then_some(visible);
            for word in &mut task.alarms {
                *word = from.u64()?;
            }
            (task.late, task.held, task.collected) = (false, false, false);
        }
        Ok(())
    }

    /// What [`Tasks::save_snapshots`] wrote; runs in flight are submitted again. The rest of the machine is loaded.
    pub(super) fn load_snapshots(
        &mut self,
        from: &mut Reader<'_>,
        around: &Surroundings<'_>,
        reloads: &mut Reloads,
    ) -> Result<(), KeyframeError> {
        for (index, task) in self.tasks.iter_mut().enumerate() {
            from.fill(&mut task.snapshot)?;
            task.job = task.job.take().or_else(|| self.executor.recall(index));
            task.unload(reloads);
            let Some(mut job) = task.job.take() else { continue };
            if !task.in_flight {
                task.job = Some(job);
                continue;
            }
            let read = task.read_snapshot(&mut job, around);
            task.prepare(&mut job, around);
            match read {
                Ok(()) => self.executor.submit(index, job),
                Err(error) => {
                    (task.in_flight, task.job) = (false, Some(job));
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// The programs of each slow task, by global index.
pub(super) fn ranges(cell: &Cell, first: usize) -> impl Iterator<Item = Range<usize>> {
    cell.slow_tasks.iter().scan(first, |next, task| {
        let start = *next;
        *next += task.programs.len();
        Some(start..*next)
    })
}

/// Nominal time of a cycle.
fn time_ns(cycle: u64, interval_ns: u64) -> i64 {
    interval_ns.cast_signed().saturating_mul(cycle.cast_signed())
}

/// A successful run takes effect.
fn collect(
    task: &mut SlowTask,
    around: &mut Surroundings<'_>,
    commands: &mut Vec<Directed>,
    requests: &mut Vec<Requested>,
) {
    let Some(job) = &task.job else { return };
    // Only what it wrote: everything else may have changed since the release.
    for slot in (0..job.store.len() as u32).filter(|slot| job.store.written(*slot)) {
        around.store.restore(slot, job.store.value(slot), true);
    }
    let programs = around.programs.get_mut(task.programs.clone()).unwrap_or_default();
    for (program, state) in programs.iter_mut().zip(&job.states) {
        // The same program's, so it is as long.
        let restored = program.restore(state);
        debug_assert!(restored.is_ok(), "{restored:?}");
    }
    let models = around.models.len();
    for program in task.programs.clone() {
        for (model, of) in around.models.iter().enumerate() {
            if let (Some(place), Value::I64(sequence)) =
                (around.ports.seen.get_mut(program * models + model), job.store.value(of.slot + 4))
            {
                *place = sequence;
            }
        }
    }
    commands.extend(job.ports.commands());
    task.alarms.fill(0);
    for requested in job.ports.requests() {
        let program = usize::from(requested.program);
        match requested.request {
            Request::Alarm(alarm) => {
                let alarm = usize::from(alarm);
                if let Some(word) = task.alarms.get_mut(alarm / 64) {
                    *word |= 1 << (alarm % 64);
                }
            }
            // It was said of the state at the release. Another state is not done by that.
            Request::StateComplete
                if job.ports.unit(requested.program).state != around.units.facts(program).state => {}
            _ => requests.push(*requested),
        }
    }
    task.visible = Some(task.release.cycle);
}

impl SlowTask {
    fn new(cell: &Cell, task: &Task, range: Range<usize>, programs: &[Loaded], axes: &Axes) -> Self {
        let programs = programs.get(range.clone()).unwrap_or_default();
        let states = programs.iter().map(|program| Room::of(program.state())).collect();
        let mut new = Self {
            interval_ns: task.interval_ns,
            multiple: task.multiple.max(1),
            stops_on_overrun: task.on_overrun == OnOverrun::Stop,
            programs: range.start..range.start + programs.len(),
            job: Some(Box::new(Job::new(cell, states))),
            in_flight: false,
            first_run: true,
            late: false,
            held: false,
            seats: programs.iter().map(|_| Seat::default()).collect(),
            release: SysFacts { cycle: 0, time_ns: 0, dt_ns: 0, first_cycle: false },
            releases: 0,
            overruns: 0,
            visible: None,
            alarms: vec![0; cell.alarms.len().div_ceil(64)].into(),
            snapshot: Box::default(),
            operations: 0,
            execution_ns: 0,
            collected: false,
        };
        let mut len = Writer::measure();
        if let Some(job) = &new.job {
            new.write_snapshot(job, axes, &mut len);
        }
        new.snapshot = vec![0; len.len()].into();
        new
    }

    /// An interval of the task begins with this cycle, or began in one that was skipped before it.
    fn is_due(&self, time: CycleTime) -> bool {
        let last = time.index.checked_sub(time.skipped.saturating_add(1));
        last.is_none_or(|last| time.index / self.multiple > last / self.multiple)
    }

    /// The job of a run that begins now.
    fn release(&mut self, around: &Surroundings<'_>, time: CycleTime) -> Option<Box<Job>> {
        let mut job = self.job.take()?;
        let first_cycle = std::mem::take(&mut self.first_run);
        // From release to release, also where one was passed over.
        let cycles = if first_cycle { self.multiple } else { time.index.saturating_sub(self.release.cycle) };
        self.release = SysFacts {
            cycle: time.index,
            time_ns: time_ns(time.index, around.interval_ns),
            dt_ns: time_ns(cycles, around.interval_ns),
            first_cycle,
        };
        self.releases = self.releases.saturating_add(1);
        self.in_flight = true;
        for (change, seat) in job.changes.iter_mut().zip(&mut self.seats) {
            *change = Change { program: seat.deliver.take(), is_done: false };
        }
        job.store.begin_as(around.store);
        job.parameters.copy_from_slice(around.parameters);
        job.ports.axes.copy_from_slice(&around.ports.axes);
        job.ports.units.copy_from_slice(&around.ports.units);
        self.prepare(&mut job, around);
        let mut snapshot = std::mem::take(&mut self.snapshot);
        self.write_snapshot(&job, around.axes, &mut Writer::into(&mut snapshot));
        self.snapshot = snapshot;
        Some(job)
    }

    /// All that a job is given beside its snapshot.
    fn prepare(&self, job: &mut Job, around: &Surroundings<'_>) {
        job.sys = self.release;
        job.error = None;
        job.ports.seen.copy_from_slice(&around.ports.seen);
        // Ids of commands grow from task to task and from run to run by the cycle in which the axes see them.
        job.ports.begin((self.release.cycle / self.multiple).saturating_add(1).saturating_mul(self.multiple));
        let programs = around.programs.get(self.programs.clone()).unwrap_or_default();
        for (state, program) in job.states.iter_mut().zip(programs) {
            state.put(program.state());
        }
    }

    /// Take the programs that came back with the job, or that nobody took.
    fn unload(&mut self, reloads: &mut Reloads) {
        let Some(job) = &mut self.job else { return };
        for (place, (change, seat)) in job.changes.iter_mut().zip(&mut self.seats).enumerate() {
            let Some(program) = change.program.take() else { continue };
            match (change.is_done, std::mem::take(&mut seat.back)) {
                (true, true) | (false, false) => seat.deliver = Some(program),
                (true, false) | (false, true) => reloads.came_back(self.programs.start + place, program),
            }
        }
    }

    fn write_snapshot(&self, job: &Job, axes: &Axes, out: &mut Writer<'_>) {
        for slot in 0..job.store.len() as u32 {
            out.u64(job.store.value(slot).to_bits());
            out.bytes(&[u8::from(job.store.valid(slot))]);
        }
        for value in &job.parameters {
            out.u64(value.to_bits());
        }
        for unit in &job.ports.units {
            out.bytes(&[unit.mode as u8, unit.state as u8]);
        }
        axes.save_facts(out);
    }

    fn read_snapshot(&self, job: &mut Job, around: &Surroundings<'_>) -> Result<(), KeyframeError> {
        let mut from = Reader::new(&self.snapshot);
        for slot in 0..job.store.len() as u32 {
            let value = Value::from_bits(job.store.value(slot).scalar_type(), from.u64()?);
            let [valid] = from.array::<1>()?;
            job.store.restore(slot, value, valid != 0);
        }
        for value in &mut job.parameters {
            *value = Value::from_bits(value.scalar_type(), from.u64()?);
        }
        for unit in &mut job.ports.units {
            let [mode, state] = from.array::<2>()?;
            *unit = UnitFacts {
                mode: packml::Mode::from_number(mode)
                    .ok_or(KeyframeError::Number("unit mode", mode.into()))?,
                state: packml::State::from_number(state)
                    .ok_or(KeyframeError::Number("unit state", state.into()))?,
            };
        }
        around.axes.load_facts(&mut from, &mut job.ports.axes)?;
        from.end()
    }
}
