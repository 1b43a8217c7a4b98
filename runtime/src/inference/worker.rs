//! The thread of one engine beside.

use super::{
    beside::Job,
    ort_engine::{OrtEngine, Terminator},
    watch::Pulse,
};
use crate::rt;
use sensai_fieldbus::clock;
use sensai_inference::Engine;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering::{Relaxed, Release},
    },
    thread,
};

/// Between two looks for a job in real time, at most.
const POLL_NS: u64 = 200_000;

/// What runs on the thread: an engine, and how to end its runs from elsewhere.
pub(super) trait Runs: Engine {
    /// `None` if nobody can.
    fn terminator(&self) -> Option<Terminator>;

    /// A run was ended from elsewhere; the next one is to be let through.
    fn rearm(&self);
}

impl Runs for OrtEngine {
    fn terminator(&self) -> Option<Terminator> {
        Some(Self::terminator(self))
    }

    fn rearm(&self) {
        Self::rearm(self);
    }
}

pub(super) struct Worker {
    pub(super) jobs: rtrb::Consumer<Box<Job>>,
    pub(super) results: rtrb::Producer<Box<Job>>,
    pub(super) pulse: Arc<Pulse>,
    /// `None` in virtual time: the cyclic thread says when there is a job.
    pub(super) interval_ns: Option<u64>,
}

impl Worker {
    /// Until it is to end.
    pub(super) fn work(&mut self, engine: &mut dyn Runs) {
        while !self.pulse.ended.load(Relaxed) {
            let Ok(mut job) = self.jobs.pop() else {
                match self.interval_ns {
                    None => thread::park(),
                    Some(interval) => rt::sleep_until(clock::monotonic_ns() + POLL_NS.min(interval / 4)),
                }
                continue;
            };
            // What ended the run before must not end this one.
            engine.rearm();
            job.good = run(engine, &mut job);
            self.pulse.failures.fetch_add(u64::from(!job.good), Relaxed);
            self.pulse.began_ns.store(0, Release);
            let cyclic = job.cyclic.clone();
            // There is one job, and a place for it.
            let _ = self.results.push(job);
            if let Some(cyclic) = cyclic {
                cyclic.unpark();
            }
        }
    }
}

/// One run; a panic in it is a run that failed.
fn run(engine: &mut dyn Runs, job: &mut Job) -> bool {
    let inputs: Vec<&[f32]> = job.inputs.iter().map(|input| &**input).collect();
    let mut outputs: Vec<&mut [f32]> = job.outputs.iter_mut().map(|output| &mut **output).collect();
    let result = catch_unwind(AssertUnwindSafe(|| engine.run(&inputs, &mut outputs)));
    matches!(result, Ok(Ok(())))
}
