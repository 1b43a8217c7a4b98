//! The thread of one slow task.

use super::{HEAP_BYTES, Settings};
use crate::{
    machine::job::{Job, Runner},
    programs,
    rt::{self, Missing},
};
use sensai_fieldbus::clock;
use sensai_model::{Cell, Fault, FaultCode, cell::Task};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, Thread},
};

/// How the thread learns of a job.
pub(super) enum Pacing {
    /// The cyclic thread says so, and is told when it is done.
    Virtual(Thread),
    /// It looks.
    Real {
        /// Of the base task, ns.
        interval_ns: u64,
        /// Of this task, ns.
        period_ns: u64,
    },
}

/// Looks in a row without a job until it is assumed that none comes soon: the machine does not run.
const LOOKS: u32 = 8;

/// Between two looks while the machine does not run, ns; never more than half of the task's interval.
const IDLE_NS: u64 = 1_000_000;

pub(super) struct Worker {
    pub(super) jobs: rtrb::Consumer<Box<Job>>,
    pub(super) results: rtrb::Producer<Box<Job>>,
    pub(super) ended: Arc<AtomicBool>,
    pub(super) pacing: Pacing,
}

impl Worker {
    /// The thread's main function. `number` is the index of the task, counted with the base task.
    pub(super) fn run(
        mut self,
        cell: &Cell,
        number: usize,
        settings: Settings,
        ready: &mpsc::Sender<anyhow::Result<Vec<Missing>>>,
    ) {
        rt::block_signals();
        let programs = match programs::compile_task(cell, number) {
            Ok(programs) => programs,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let task = cell.tasks().nth(number).unwrap_or(&cell.task);
        let missing = if settings.virtual_time { Vec::new() } else { become_real_time(task, settings.core) };
        if ready.send(Ok(missing)).is_err() {
            return;
        }
        self.work(&mut Runner::new(programs));
    }

    fn work(&mut self, runner: &mut Runner) {
        let mut empty_looks = 0;
        while !self.ended.load(Relaxed) {
            let Ok(mut job) = self.jobs.pop() else {
                empty_looks += 1;
                self.wait(empty_looks);
                continue;
            };
            empty_looks = 0;
            let begun = clock::monotonic_ns();
            // A machine whose slow task just stops answering would be worse off than one that is told.
            if catch_unwind(AssertUnwindSafe(|| runner.run(&mut job))).is_err() {
                job.fail(
                    Fault::new(FaultCode::Script),
                    "the thread of a slow task panicked; this is a bug in sensai",
                );
            }
            job.execution_ns = clock::monotonic_ns() - begun;
            let submitted = job.submitted_ns;
            // There is one job, and a place for it.
            let _ = self.results.push(job);
            match &self.pacing {
                Pacing::Virtual(cyclic) => cyclic.unpark(),
                Pacing::Real { interval_ns, period_ns } => {
                    rt::sleep_until(first_look(submitted, clock::monotonic_ns(), *interval_ns, *period_ns));
                }
            }
        }
    }

    fn wait(&self, looks: u32) {
        match self.pacing {
            Pacing::Virtual(_) => thread::park(),
            Pacing::Real { interval_ns, period_ns } => {
                rt::sleep_until(clock::monotonic_ns() + pause(interval_ns, period_ns, looks));
            }
        }
    }
}

/// When a thread that got a job at `submitted` looks for the next one: shortly behind a release, so that on the same core
/// it does not wake in the middle of the base task's cycle.
fn first_look(submitted: u64, now: u64, interval_ns: u64, period_ns: u64) -> u64 {
    let late = now.saturating_sub(submitted) / period_ns.max(1);
    submitted + (late + 1) * period_ns + interval_ns / 16
}

/// Between two looks. The first run after a start may begin so much later, once.
fn pause(interval_ns: u64, period_ns: u64, looks: u32) -> u64 {
    if looks < LOOKS { interval_ns / 8 } else { interval_ns.max(IDLE_NS).min(period_ns / 2) }
}

/// Ask for everything a real-time thread wants; what is refused is told at the end.
fn become_real_time(task: &Task, base_core: Option<usize>) -> Vec<Missing> {
    let mut missing = Vec::new();
    missing.extend(task.core.or(base_core).and_then(|core| rt::pin(core).err()));
    missing.extend(rt::fifo(task.priority).err());
    missing.extend(rt::prefault(HEAP_BYTES).err());
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_behind_the_first_release_that_is_ahead() {
        // Released at 100 050 with a period of 4000: next at 104 050.
        assert_eq!(first_look(100_050, 101_000, 1000, 4000), 104_112);
        // An overrun: the release at 104 050 found it busy, the one at 108 050 will not.
        assert_eq!(first_look(100_050, 105_000, 1000, 4000), 108_112);
        assert!(first_look(100, 100, 1000, 2000) > 100);
    }

    #[test]
    fn while_nothing_is_released_it_looks_less_often() {
        assert_eq!(pause(1_000_000, 4_000_000, 1), 125_000);
        assert_eq!(pause(1_000_000, 4_000_000, LOOKS), 1_000_000);
        assert_eq!(pause(100_000, 20_000_000, LOOKS), 1_000_000);
        assert_eq!(pause(100_000, 200_000, LOOKS), 100_000);
    }
}
