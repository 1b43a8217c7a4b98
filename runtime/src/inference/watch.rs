//! Looks after the engines' threads from outside the cycle: a run that never ends is told, and ended if it can be.
//!
//! The cycle does not need it: it counts a miss at the model's deadline, whatever its engine does.

use super::ort_engine::Terminator;
use sensai_fieldbus::clock;
use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Relaxed},
        },
    },
    thread::JoinHandle,
    time::Duration,
};

/// A run that is longer than this many deadlines hangs; but see [`HANGS_NS_MIN`].
const HANGS_DEADLINES: u64 = 20;

/// No run is said to hang before this.
const HANGS_NS_MIN: u64 = 1_000_000_000;

/// In virtual time everybody waits for a run, and a computer may be slow.
const HANGS_VIRTUAL_NS: u64 = 30_000_000_000;

/// What a run that was told to end may still take. Behind it the engine is given up.
const ENDS_NS: u64 = 5_000_000_000;

/// What one engine's thread shows of itself.
#[derive(Debug, Default)]
pub struct Pulse {
    /// When it was given the run that it is in, on the monotonic clock; 0 while there is none.
    pub began_ns: AtomicU64,
    /// It heeds nothing any more, and nobody waits for it.
    pub given_up: AtomicBool,
    /// It is to end.
    pub ended: AtomicBool,
    /// Runs that failed.
    pub failures: AtomicU64,
}

/// What is known of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    /// Told to end a run that began then; it was told at the second time.
    Told(u64, u64),
    GivenUp,
}

/// One engine.
pub(super) struct Watched {
    pub(super) model: String,
    pub(super) pulse: Arc<Pulse>,
    pub(super) terminator: Option<Terminator>,
    pub(super) thread: JoinHandle<()>,
    pub(super) hangs_ns: u64,
    health: Health,
    failures: u64,
}

impl Watched {
    pub(super) fn new(
        model: String,
        pulse: Arc<Pulse>,
        terminator: Option<Terminator>,
        thread: JoinHandle<()>,
        hangs_ns: u64,
    ) -> Self {
        Self { model, pulse, terminator, thread, hangs_ns, health: Health::Well, failures: 0 }
    }

    /// What is new about it at `now`.
    fn look(&mut self, now: u64) -> Option<String> {
        let began = self.pulse.began_ns.load(Acquire);
        let hangs = began != 0 && now.saturating_sub(began) > self.hangs_ns;
        match self.health {
            Health::Well if hangs => {
                if let Some(terminator) = &self.terminator {
                    terminator.terminate();
                }
                self.health = Health::Told(began, now);
                let seconds = now.saturating_sub(began) as f64 / 1e9;
                Some(format!(
                    "model `{}`: a run has not ended for {seconds:.1} s; its result is missed, and ONNX Runtime was told \
                     to end it",
                    self.model
                ))
            }
            Health::Told(of, _) if began != of => {
                self.health = Health::Well;
                self.failures = self.pulse.failures.load(Relaxed);
                Some(format!("model `{}`: the run has ended, it takes requests again", self.model))
            }
            Health::Told(_, told) if now.saturating_sub(told) > ENDS_NS => {
                self.health = Health::GivenUp;
                self.pulse.given_up.store(true, Relaxed);
                Some(format!(
                    "model `{}`: its engine does not come back, and all its requests are missed until sensai is started \
                     again",
                    self.model
                ))
            }
            _ => self.look_at_failures(),
        }
    }

    fn look_at_failures(&mut self) -> Option<String> {
        let failures = self.pulse.failures.load(Relaxed);
        let first = self.failures == 0 && failures > 0;
        self.failures = failures;
        first.then(|| {
            format!("model `{}`: ONNX Runtime failed a run; failed runs count as misses", self.model)
        })
    }
}

/// How long a run may take until it is said to hang.
pub(super) fn hangs_ns(deadline_ns: u64, virtual_time: bool) -> u64 {
    if virtual_time {
        return HANGS_VIRTUAL_NS;
    }
    deadline_ns.saturating_mul(HANGS_DEADLINES).max(HANGS_NS_MIN)
}

/// All engines beside.
#[derive(Default)]
pub struct Watch {
    pub(super) engines: Vec<Watched>,
}

impl Watch {
    /// What is new, a text for each; to be asked for a few times a second.
    pub fn look(&mut self) -> Vec<String> {
        let now = clock::monotonic_ns();
        self.engines.iter_mut().filter_map(|engine| engine.look(now)).collect()
    }

    /// Let the threads end. One that is in a run is told to end it, and waited for, but not for ever.
    pub fn finish(self) {
        self.engines.iter().for_each(|engine| engine.pulse.ended.store(true, Relaxed));
        let until = clock::monotonic_ns() + ENDS_NS;
        for engine in self.engines {
            while !engine.thread.is_finished() && clock::monotonic_ns() < until {
                if let Some(terminator) = &engine.terminator {
                    terminator.terminate();
                }
                engine.thread.thread().unpark();
                std::thread::sleep(Duration::from_millis(1));
            }
            if engine.thread.is_finished() {
                // It panics nowhere: `worker` contains what a run does.
                let _ = engine.thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(hangs_ns: u64) -> Watched {
        let thread = std::thread::spawn(|| ());
        Watched::new("stroke".into(), Arc::default(), None, thread, hangs_ns)
    }

    #[test]
    fn a_run_that_hangs_is_told_once_and_ends_or_is_given_up() {
        let mut engine = watched(1000);
        assert_eq!(engine.look(500), None);
        engine.pulse.began_ns.store(1_000, Relaxed);
        assert_eq!(engine.look(2_000), None);
        assert!(engine.look(2_001).unwrap().contains("`stroke`: a run has not ended"));
        assert_eq!(engine.look(2_002), None);
        engine.pulse.began_ns.store(0, Relaxed);
        assert!(engine.look(3_000).unwrap().contains("takes requests again"));
        engine.pulse.began_ns.store(4_000, Relaxed);
        assert!(
            engine.look(9_000).is_some()
                && engine.look(9_001 + ENDS_NS).unwrap().contains("does not come back")
        );
        assert!(engine.pulse.given_up.load(Relaxed));
        assert_eq!(engine.look(u64::MAX), None);
    }

    #[test]
    fn a_failed_run_is_told_once() {
        let mut engine = watched(1000);
        engine.pulse.failures.store(3, Relaxed);
        assert!(engine.look(1).unwrap().contains("failed a run"));
        engine.pulse.failures.store(9, Relaxed);
        assert_eq!(engine.look(2), None);
    }

    #[test]
    fn a_deadline_is_long_passed_before_a_run_is_said_to_hang() {
        assert_eq!(hangs_ns(20_000_000, false), HANGS_NS_MIN);
        assert_eq!(hangs_ns(500_000_000, false), 10_000_000_000);
        assert_eq!(hangs_ns(1, true), HANGS_VIRTUAL_NS);
    }
}
