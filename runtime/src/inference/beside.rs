//! The cyclic thread's end of the engines beside: hands out requests, brings results to the inbox.
//!
//! A job is a box that goes to and fro through two rings that hold one: nothing is allocated, locked or waited for, and
//! nobody is woken, which would be a system call. In virtual time both sides wait for each other instead, so that the same
//! cycles see the same results whatever the load.

use super::watch::Pulse;
use crate::{inbox::entry, machine::models::Models};
use sensai_fieldbus::clock;
use sensai_model::record::{InboxEntry, InboxKind, InboxSource};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::{self, Thread},
    time::Duration,
};

/// Output values in one inbox entry.
pub const VALUES_PER_ENTRY: usize = 4;

/// Entries that a result takes in the inbox: its values, then the result itself.
pub const fn entries(output_len: usize) -> usize {
    output_len.div_ceil(VALUES_PER_ENTRY) + 1
}

/// Longest that a look after a thread that has ended may take, in virtual time.
const LOOK: Duration = Duration::from_millis(20);

/// One run, there and back.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) inputs: Vec<Box<[f32]>>,
    pub(super) outputs: Vec<Box<[f32]>>,
    /// The run came to its end; the outputs are its own.
    pub(super) good: bool,
    /// Who waits for it, in virtual time.
    pub(super) cyclic: Option<Thread>,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The job is here, and nothing is asked.
    Idle,
    /// The engine has it.
    Away,
    /// It came back; `next` is the first value that has not entered yet.
    Entering { next: usize },
}

/// One model.
pub(super) struct Place {
    pub(super) model: u16,
    pub(super) jobs: rtrb::Producer<Box<Job>>,
    pub(super) results: rtrb::Consumer<Box<Job>>,
    /// `None` while it is away, and for ever if its thread was given up.
    pub(super) job: Option<Box<Job>>,
    pub(super) output_len: usize,
    pub(super) thread: Thread,
    pub(super) pulse: Arc<Pulse>,
    phase: Phase,
    /// The last request that was handed out.
    number: u64,
    /// A result of it would still be of use.
    wanted: bool,
}

impl Place {
    pub(super) fn new(
        model: u16,
        (jobs, results): (rtrb::Producer<Box<Job>>, rtrb::Consumer<Box<Job>>),
        job: Box<Job>,
        thread: Thread,
        pulse: Arc<Pulse>,
    ) -> Self {
        let output_len = job.outputs.iter().map(|output| output.len()).sum();
        let job = Some(job);
        let (phase, number, wanted) = (Phase::Idle, 0, false);
        Self { model, jobs, results, job, output_len, thread, pulse, phase, number, wanted }
    }

    /// Take the job back, if the engine is done with it.
    fn collect(&mut self) {
        if self.phase == Phase::Away
            && let Ok(job) = self.results.pop()
        {
            self.job = Some(job);
            self.phase = Phase::Entering { next: 0 };
        }
        if !self.wanted && matches!(self.phase, Phase::Entering { .. }) {
            self.phase = Phase::Idle;
        }
    }

    /// Give the engine what the machine asks for. A request that finds it at work is not handed out before it is done.
    fn hand_out(&mut self, models: &mut Models, cyclic: Option<&Thread>) {
        if self.phase != Phase::Idle || self.job.is_none() {
            return;
        }
        let Some((number, inputs)) = models.job(usize::from(self.model)) else { return };
        let Some(mut job) = self.job.take() else { return };
        for (to, from) in job.inputs.iter_mut().zip(inputs) {
            to.iter_mut().zip(from.iter()).for_each(|(to, from)| *to = *from);
        }
        job.good = false;
        if let (None, Some(cyclic)) = (&job.cyclic, cyclic) {
            job.cyclic = Some(cyclic.clone());
        }
        self.pulse.began_ns.store(clock::monotonic_ns(), Relaxed);
        match self.jobs.push(job) {
            Ok(()) => {
                (self.phase, self.number, self.wanted) = (Phase::Away, number, true);
                if cyclic.is_some() {
                    self.thread.unpark();
                }
            }
            // There is one job, and a place for it.
            Err(rtrb::PushError::Full(job)) => self.job = Some(job),
        }
    }

    /// Wait for the job; a thread that has ended, or was given up, fails the run.
    fn wait(&mut self) {
        while self.phase == Phase::Away {
            self.collect();
            if self.phase != Phase::Away {
                return;
            }
            if self.results.is_abandoned() || self.pulse.given_up.load(Relaxed) {
                self.phase = Phase::Entering { next: 0 };
                return;
            }
            thread::park_timeout(LOOK);
        }
    }

    /// The next entry of a result.
    fn entry(&mut self) -> Option<InboxEntry> {
        let Phase::Entering { next } = self.phase else { return None };
        let good = self.job.as_ref().is_some_and(|job| job.good);
        if good && next < self.output_len {
            self.phase = Phase::Entering { next: next + VALUES_PER_ENTRY };
            let place = u64::from(self.model) << 32 | next as u64;
            let argument = [place, self.word(next), self.word(next + 2)].map(u64::cast_signed);
            return Some(entry(InboxKind::ModelOutput, InboxSource::MODEL, argument));
        }
        self.phase = Phase::Idle;
        let argument = [i64::from(self.model), self.number.cast_signed(), i64::from(good)];
        Some(entry(InboxKind::ModelResult, InboxSource::MODEL, argument))
    }

    /// Two output values from `first` on, the low word first; 0 behind the last one.
    fn word(&self, first: usize) -> u64 {
        let outputs = self.job.iter().flat_map(|job| job.outputs.iter().flat_map(|output| output.iter()));
        let mut values = outputs.skip(first).map(|value| u64::from(value.to_bits()));
        values.next().unwrap_or(0) | values.next().unwrap_or(0) << 32
    }
}

/// All models that run beside.
pub struct Beside {
    pub(super) places: Vec<Place>,
    pub(super) virtual_time: bool,
}

impl Beside {
    /// Behind every cycle: take back what is done, hand out what the machine asks for.
    pub fn after_cycle(&mut self, models: &mut Models) {
        let cyclic = self.virtual_time.then(thread::current);
        for place in &mut self.places {
            place.wanted = models.waits_for(usize::from(place.model), place.number);
            place.collect();
            place.hand_out(models, cyclic.as_ref());
        }
        if self.virtual_time {
            self.places.iter_mut().for_each(Place::wait);
        }
    }

    /// The next entry for the inbox of this cycle; results of one model never mix with each other.
    pub fn next_entry(&mut self) -> Option<InboxEntry> {
        self.places.iter_mut().find_map(|place| {
            place.collect();
            place.entry()
        })
    }
}

impl Drop for Beside {
    /// Nobody is waited for here: see [`super::Watch::finish`].
    fn drop(&mut self) {
        for place in &self.places {
            place.pulse.ended.store(true, Relaxed);
            // In real time nobody sleeps longer than a look; and under the guard waking somebody is a forbidden call.
            if self.virtual_time {
                place.thread.unpark();
            }
        }
    }
}
