//! Slow tasks on threads of their own: each has one, with the task's priority, and on its core.
//!
//! Jobs go to and fro as boxes through rings that hold one: nothing is allocated, locked or waited for in the cycle. Nor
//! does the cycle wake anybody, which would be a system call: in real time a task's thread knows when its next release is,
//! and looks shortly after it. In virtual time there is nothing to look at a clock for. There both sides wait for each
//! other, so that no load can make a task late.

#[cfg(test)]
pub(crate) mod late;
mod runs;
mod worker;

pub use runs::Runs;

use crate::{
    machine::job::{Executor, Job},
    rt::Missing,
};
use anyhow::Context;
use sensai_fieldbus::clock;
use sensai_model::Cell;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, Thread},
    time::Duration,
};
use worker::{Pacing, Worker};

/// How the threads are run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Wait for each other: nothing is late, whatever the load.
    pub virtual_time: bool,
    /// The cyclic thread's core, for tasks that name none.
    pub core: Option<usize>,
}

/// Heap each interpreter may grow into without asking the kernel.
const HEAP_BYTES: usize = 8 << 20;

/// Longest that a look for a job of a thread that has ended may take, in virtual time.
const LOOK: Duration = Duration::from_millis(100);

/// The cyclic thread's ends.
struct Place {
    jobs: rtrb::Producer<Box<Job>>,
    results: rtrb::Consumer<Box<Job>>,
    /// The executor has the job.
    away: bool,
    thread: Thread,
}

/// One thread for each slow task.
pub struct Threads {
    places: Vec<Place>,
    virtual_time: bool,
    ended: Arc<AtomicBool>,
}

impl Threads {
    /// Start them, and wait until their programs are compiled. To be called by the thread that will submit. The second
    /// value is what the system refused them.
    ///
    /// # Errors
    /// If a program does not compile, or a thread cannot be made.
    pub fn start(cell: &Arc<Cell>, settings: Settings) -> anyhow::Result<(Self, Vec<Missing>)> {
        let mut threads =
            Self { places: Vec::new(), virtual_time: settings.virtual_time, ended: Arc::default() };
        let mut refused = Vec::new();
        for (index, task) in cell.slow_tasks.iter().enumerate() {
            let (jobs, jobs_consumer) = rtrb::RingBuffer::new(1);
            let (results_producer, results) = rtrb::RingBuffer::new(1);
            let (ready, started) = mpsc::channel();
            let worker = Worker {
                jobs: jobs_consumer,
                results: results_producer,
                ended: Arc::clone(&threads.ended),
                pacing: if settings.virtual_time {
                    Pacing::Virtual(thread::current())
                } else {
                    Pacing::Real { interval_ns: cell.task.interval_ns, period_ns: task.interval_ns }
                },
            };
            let cell = Arc::clone(cell);
            let builder = thread::Builder::new().name(format!("task {}", task.name)).stack_size(4 << 20);
            let handle = builder
                .spawn(move || worker.run(&cell, index + 1, settings, &ready))
                .with_context(|| format!("cannot start a thread for task `{}`", task.name))?;
            let thread = handle.thread().clone();
            threads.places.push(Place { jobs, results, away: false, thread });
            let missing = started
                .recv()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("its thread ended before it began")))
                .with_context(|| format!("task `{}`", task.name))?;
            refused.extend(missing);
        }
        refused.dedup();
        Ok((threads, refused))
    }
}

impl Executor for Threads {
    fn submit(&mut self, task: usize, mut job: Box<Job>) {
        let Some(place) = self.places.get_mut(task) else { return };
        job.submitted_ns = clock::monotonic_ns();
        // There is one job for one place; it is there, or it is here.
        let submitted = place.jobs.push(job);
        debug_assert!(submitted.is_ok(), "slow task {task} has two jobs");
        place.away = submitted.is_ok();
        if self.virtual_time {
            place.thread.unpark();
        }
    }

    fn is_done(&mut self, task: usize) -> bool {
        // In virtual time nobody has to be quick: whoever takes the job waits for it.
        let Some(place) = self.places.get(task) else { return false };
        place.away && (self.virtual_time || place.results.slots() > 0)
    }

    fn take(&mut self, task: usize) -> Option<Box<Job>> {
        let place = self.places.get_mut(task).filter(|place| place.away)?;
        loop {
            if let Ok(job) = place.results.pop() {
                place.away = false;
                return Some(job);
            }
            if !self.virtual_time {
                return None;
            }
            // It ends with this value only, or by a defect that would keep us waiting for ever.
            let ended = place.results.is_abandoned() && place.results.slots() == 0;
            assert!(!ended, "the thread of slow task {task} ended");
            thread::park_timeout(LOOK);
        }
    }

    fn recall(&mut self, task: usize) -> Option<Box<Job>> {
        while self.places.get(task)?.away {
            if let Some(job) = self.take(task) {
                return Some(job);
            }
            thread::sleep(LOOK);
        }
        None
    }
}

impl Drop for Threads {
    /// Nobody is waited for: a thread in the middle of a run ends behind it, or with the process.
    fn drop(&mut self) {
        self.ended.store(true, Relaxed);
        for place in &self.places {
            place.thread.unpark();
        }
    }
}
