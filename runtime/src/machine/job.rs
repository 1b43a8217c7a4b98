//! One run of a slow task: what it is given, what it gives back, and who runs it.
//!
//! A job is complete in itself. Wherever and whenever it runs, on a thread of its own or in the cycle that wants its
//! result, it comes to the same result.

use super::{Loaded, room::Room};
use sensai_alloc_count::excuse;
use sensai_model::{Cell, Fault, FaultCode, TagStore, Value};
use sensai_scripts::{Layout, Ports, Program, ProgramError, RunContext, SysFacts};
use std::ops::Range;

/// A run that was released. Made once for each task, then filled again and again.
pub struct Job {
    /// Facts of the release.
    pub(super) sys: SysFacts,
    /// Tags as they were at the release; what the programs write stays in here until it is collected.
    pub(super) store: TagStore,
    pub(super) parameters: Box<[Value]>,
    pub(super) ports: Ports,
    /// Each program's state: before the run as it was committed last, afterwards what a successful run made of it.
    pub(super) states: Box<[Room]>,
    /// Programs that replace those of the runner, before the run; afterwards those that they replaced.
    pub(super) changes: Box<[Change]>,
    pub(super) error: Option<ProgramError>,
    pub(super) operations: u64,
    /// When it was submitted, on the clock of whoever needs to know; nothing is computed from it.
    pub submitted_ns: u64,
    /// How long the run took, where somebody measured it; for people only.
    pub execution_ns: u64,
}

/// A program on its way to the runner, or from it.
#[derive(Default)]
pub(super) struct Change {
    pub program: Option<Box<dyn Program + Send>>,
    /// It was replaced.
    pub is_done: bool,
}

impl Job {
    pub(super) fn new(cell: &Cell, states: Box<[Room]>) -> Self {
        Self {
            sys: SysFacts { cycle: 0, time_ns: 0, dt_ns: 0, first_cycle: false },
            store: TagStore::new(&cell.tags),
            parameters: cell.parameters.iter().map(|parameter| parameter.default).collect(),
            ports: Ports::new(cell.axes.len(), cell.programs().count(), cell.models.len()),
            changes: states.iter().map(|_| Change::default()).collect(),
            states,
            error: None,
            operations: 0,
            submitted_ns: 0,
            execution_ns: 0,
        }
    }

    /// The run did not come to its end.
    pub fn fail(&mut self, fault: Fault, text: &str) {
        self.store.roll_back();
        self.ports.roll_back();
        self.error = Some(ProgramError { fault, text: text.into() });
    }
}

/// Run a program. What the interpreter tier allocates is counted apart, as it does so by its nature; a compiled program
/// has no such excuse.
pub(crate) fn cycle(program: &mut dyn Program, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
    if program.allocates() { excuse(|| program.cycle(context)) } else { program.cycle(context) }
}

/// Give a program another state; see [`cycle`].
pub(super) fn restore(program: &mut dyn Program, state: &[u8]) -> Result<(), ProgramError> {
    if program.allocates() { excuse(|| program.restore(state)) } else { program.restore(state) }
}

/// Back to what `init` gave; see [`cycle`].
pub(super) fn reset(program: &mut dyn Program) {
    if program.allocates() { excuse(|| program.reset()) } else { program.reset() }
}

/// The programs of one slow task, on the thread that runs them.
pub struct Runner {
    programs: Vec<Loaded>,
}

impl Runner {
    /// Of these programs, in calling order.
    pub fn new(programs: Vec<Loaded>) -> Self {
        Self { programs }
    }

    /// Run all programs, or, if one of them fails, none: then the job holds the error, and all else is as it was.
    pub fn run(&mut self, job: &mut Job) {
        self.replace(job);
        job.operations = 0;
        job.error = self.run_all(job).err();
        if job.error.is_some() {
            job.store.roll_back();
            job.ports.roll_back();
            return;
        }
        for (program, state) in self.programs.iter().zip(&mut job.states) {
            state.put(program.state());
        }
    }

    /// Take the programs that came with the job, and leave those they replace in it.
    fn replace(&mut self, job: &mut Job) {
        for (program, change) in self.programs.iter_mut().zip(&mut job.changes) {
            if let (Loaded::Anywhere(old), Some(new), false) = (program, &mut change.program, change.is_done)
            {
                std::mem::swap(old, new);
                change.is_done = true;
            }
        }
    }

    fn run_all(&mut self, job: &mut Job) -> Result<(), ProgramError> {
        let Job { sys, store, parameters, ports, states, operations, .. } = job;
        for (program, state) in self.programs.iter_mut().zip(states.iter()) {
            // Another one than the last run left: after a reset, a run that failed or was given up, a keyframe.
            if program.state() != &**state {
                restore(&mut **program, state)?;
            }
            let context = &mut RunContext { sys: *sys, tags: store, parameters, ports };
            let result = cycle(&mut **program, context);
            *operations = operations.saturating_add(program.operations());
            result?;
        }
        Ok(())
    }
}

/// Who runs the jobs of the slow tasks. Tasks are counted from 0 for the first slow one.
///
/// A job that was submitted belongs to the executor until it is taken back; there is one job for each task.
pub trait Executor {
    /// Run a job. Never allocates, locks or waits.
    fn submit(&mut self, task: usize, job: Box<Job>);

    /// Its job can be taken back. What is decided by that has to be recorded.
    fn is_done(&mut self, task: usize) -> bool;

    /// Take the job back, run. `None` if [`Executor::is_done`] is false, or if it was never submitted.
    fn take(&mut self, task: usize) -> Option<Box<Job>>;

    /// Take the job back whether it was run or not. May wait: not for the cycle.
    fn recall(&mut self, task: usize) -> Option<Box<Job>> {
        self.take(task)
    }
}

/// Runs a job when its result is wanted, on the thread that wants it: for replays, and wherever nothing is to run beside.
pub struct Inline {
    tasks: Vec<(Runner, Option<Box<Job>>)>,
}

impl Inline {
    /// With the programs of each slow task.
    pub fn new(tasks: impl Iterator<Item = Runner>) -> Self {
        Self { tasks: tasks.map(|runner| (runner, None)).collect() }
    }
}

impl Executor for Inline {
    fn submit(&mut self, task: usize, job: Box<Job>) {
        if let Some((_, place)) = self.tasks.get_mut(task) {
            *place = Some(job);
        }
    }

    fn is_done(&mut self, _task: usize) -> bool {
        true
    }

    fn take(&mut self, task: usize) -> Option<Box<Job>> {
        let (runner, place) = self.tasks.get_mut(task)?;
        let mut job = place.take()?;
        runner.run(&mut job);
        Some(job)
    }

    fn recall(&mut self, task: usize) -> Option<Box<Job>> {
        self.tasks.get_mut(task)?.1.take()
    }
}

/// The committed state of a program that runs in a slow task: the program itself is with the executor.
pub(super) struct Committed {
    name: String,
    layout: Layout,
    initial: Box<[u8]>,
    state: Box<[u8]>,
}

impl Committed {
    /// Of a program as it is now, which is how `init` left it.
    pub fn of(program: &dyn Program) -> Self {
        let state: Box<[u8]> = program.state().into();
        Self {
            name: program.name().to_owned(),
            layout: program.layout().clone(),
            initial: state.clone(),
            state,
        }
    }
}

impl Program for Committed {
    fn name(&self) -> &str {
        &self.name
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn state(&self) -> &[u8] {
        &self.state
    }

    /// Values that cannot be are found by the program itself, before its next run.
    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        if state.len() != self.state.len() {
            let text = format!("a state of {} bytes, expected {}", state.len(), self.state.len());
            return Err(ProgramError { fault: Fault::new(FaultCode::StateShape), text: text.into() });
        }
        self.state.copy_from_slice(state);
        Ok(())
    }

    fn reset(&mut self) {
        self.state.copy_from_slice(&self.initial);
    }

    fn cycle(&mut self, _context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        let text = format!("`{}` runs in a slow task, not in the base task", self.name);
        Err(ProgramError { fault: Fault::new(FaultCode::Script), text: text.into() })
    }

    fn operations(&self) -> u64 {
        0
    }
}

/// Take the slow tasks' programs out of all programs of a cell, and leave their committed states in place.
pub(super) fn divide(programs: &mut [Loaded], tasks: impl Iterator<Item = Range<usize>>) -> Vec<Runner> {
    let take = |program: &mut Loaded| {
        let committed = Box::new(Committed::of(&**program));
        // What stands for a program that cannot be moved cannot be, either.
        let committed = match program {
            Loaded::Here(_) => Loaded::Here(committed),
            Loaded::Anywhere(_) => Loaded::Anywhere(committed),
        };
        std::mem::replace(program, committed)
    };
    tasks
        .map(|range| Runner::new(programs.get_mut(range).unwrap_or_default().iter_mut().map(take).collect()))
        .collect()
}
