//! Programs that are watched while they run.
//!
//! What counts is what the program's own tier does: a watched program runs there, in every cycle, and nobody can change what
//! comes out. Beside it, and only where somebody looks, the same cycle is run statement by statement on copies.

use super::probe::Probe;
use crate::{
    machine::Loaded,
    programs::{self, Compiler, Made, Workshop},
};
use sensai_model::{Cell, FaultCode, TagStore, config};
use sensai_scripts::{Layout, Program, ProgramError, RunContext, debug::Subject};
use std::{
    ops::DerefMut,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The probe that all programs of a machine share.
pub type SharedProbe = Arc<Mutex<Probe>>;

/// The probe, also behind a panic: what it holds is for people.
pub fn lock(probe: &SharedProbe) -> MutexGuard<'_, Probe> {
    probe.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program, and what tells of its statements.
struct Observed<P> {
    truth: P,
    subject: Arc<Subject>,
    /// Index among all programs of the cell.
    index: usize,
    probe: SharedProbe,
}

impl<P: DerefMut<Target: Program>> Program for Observed<P> {
    fn name(&self) -> &str {
        self.truth.name()
    }

    fn layout(&self) -> &Layout {
        self.truth.layout()
    }

    fn state(&self) -> &[u8] {
        self.truth.state()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        self.truth.restore(state)
    }

    fn reset(&mut self) {
        self.truth.reset();
    }

    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        let mut probe = lock(&self.probe);
        if !probe.is_armed() {
            drop(probe);
            return self.truth.cycle(context);
        }
        let (mut tags, mut ports) = (context.tags.clone(), context.ports.clone());
        let copies = &mut RunContext {
            sys: context.sys,
            tags: &mut tags,
            parameters: context.parameters,
            ports: &mut ports,
        };
        let shown = probe.watch(self.index, &self.subject, self.truth.state(), copies);
        let result = self.truth.cycle(context);
        let difference = match (&shown, &result) {
            (Ok(state), Ok(())) if **state != *self.truth.state() => Some("the state".to_owned()),
            (Ok(_), Ok(())) => {
                differing_tag(&tags, context.tags).map(|slot| format!("the tag in slot {slot}"))
            }
            (Err(one), Err(other))
                if one.fault.code == other.fault.code && one.fault.line == other.fault.line =>
            {
                None
            }
            // Tiers count work in different units.
            (Err(error), _) | (_, Err(error)) if error.fault.code == FaultCode::FuelExhausted => None,
            (Err(one), Err(other)) => Some(format!("the fault ({} and {})", one.text, other.text)),
            (Err(error), Ok(())) | (Ok(_), Err(error)) => Some(format!("the end ({})", error.text)),
        };
        probe.ended(self.index, context.sys.cycle, &result, difference);
        result
    }

    fn operations(&self) -> u64 {
        self.truth.operations()
    }

    fn allocates(&self) -> bool {
        true
    }
}

fn differing_tag(one: &TagStore, other: &TagStore) -> Option<u32> {
    let same = |slot: u32| {
        one.value(slot).to_bits() == other.value(slot).to_bits() && one.written(slot) == other.written(slot)
    };
    (0..one.len().min(other.len()) as u32).find(|slot| !same(*slot))
}

/// Makes programs that are watched.
pub struct Watching(pub SharedProbe);

impl Watching {
    fn subject(&self, cell: &Cell, index: usize) -> anyhow::Result<Arc<Subject>> {
        let subject = Arc::new(programs::subject(cell, index)?);
        lock(&self.0).know(index, &subject);
        Ok(subject)
    }
}

impl Workshop for Watching {
    fn check(&self, cell: &Cell) -> Vec<config::Finding> {
        Compiler.check(cell)
    }

    fn make(&self, cell: &Cell, index: usize, old: Option<&Layout>) -> anyhow::Result<Made> {
        let Made { program: truth, migrate } = Compiler.make(cell, index, old)?;
        let subject = Arc::new(programs::subject(cell, index)?);
        let program = Box::new(Observed { truth, subject, index, probe: Arc::clone(&self.0) });
        Ok(Made { program, migrate })
    }

    fn all(&self, cell: &Cell) -> anyhow::Result<Vec<Loaded>> {
        let watched = |(index, truth): (usize, Loaded)| -> anyhow::Result<Loaded> {
            let (subject, probe) = (self.subject(cell, index)?, Arc::clone(&self.0));
            Ok(match truth {
                Loaded::Here(truth) => Loaded::Here(Box::new(Observed { truth, subject, index, probe })),
                Loaded::Anywhere(truth) => {
                    Loaded::Anywhere(Box::new(Observed { truth, subject, index, probe }))
                }
            })
        };
        Compiler.all(cell)?.into_iter().enumerate().map(watched).collect()
    }
}
