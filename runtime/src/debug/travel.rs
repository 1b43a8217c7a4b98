//! To cycle N of a log, forward and back.
//!
//! A state is found from the nearest one before it: the present one, one that was kept on the way, or a keyframe of the log.
//! From there the cycles are run, so that every state is reached as the cell reached it.

use crate::{
    machine::Machine,
    programs::Workshop,
    replay::{Difference, Mark, Playback, Played},
};
use anyhow::Context;
use sensai_log::{LogReader, storage::ReadAt};
use sensai_model::record::RecordFlags;
use sensai_scripts::ProgramError;
use std::collections::BTreeMap;

/// Cycles between two states that are kept on the way.
pub(super) const MARK_EVERY: u64 = 64;

/// Bytes of all states that are kept.
const MARKS_MAX: usize = 64 << 20;

/// A step over one record.
#[derive(Debug)]
pub enum Moved {
    /// To the cycle of the next record.
    To(u64),
    /// There, and the machine does something else than what was recorded.
    Differs(Box<Difference>),
    /// Over cycles that cannot be rebuilt: records are missing.
    Over {
        /// The first of them.
        from: u64,
        /// The last one.
        to: u64,
        /// Why.
        why: String,
    },
    /// There is no other record.
    End,
}

/// A replay that goes to any cycle.
pub struct Travel<'l, R> {
    log: &'l LogReader<R>,
    playback: Playback<'l, R>,
    marks: BTreeMap<u64, Mark>,
    bytes: usize,
}

impl<'l, R: ReadAt> Travel<'l, R> {
    /// Before the first cycle of a log.
    ///
    /// # Errors
    /// If the log is damaged, or its cell cannot be built again.
    pub fn new(log: &'l LogReader<R>, shop: &'l dyn Workshop) -> anyhow::Result<Self> {
        let playback = Playback::of_whole(log, shop)?;
        Ok(Self { log, playback, marks: BTreeMap::new(), bytes: 0 })
    }

    /// The cycle behind which the machine stands; `None` before the first one.
    pub fn cycle(&self) -> Option<u64> {
        self.playback.cycle()
    }

    /// The machine; `None` before the first cycle.
    pub fn machine(&self) -> Option<&Machine> {
        self.playback.machine()
    }

    /// Hash of its state, as it stands in the records.
    pub fn hash(&self) -> Option<u64> {
        self.playback.hash()
    }

    /// What failed in the last cycle that was run.
    pub fn error(&self) -> Option<&ProgramError> {
        self.playback.error()
    }

    /// Number that changes where other programs begin: with a run, a reload, an undo.
    pub fn edition(&self) -> Option<(sensai_log::epoch::Id, u32)> {
        self.playback.epoch().map(|epoch| (epoch.session, epoch.edition))
    }

    /// Run the next record.
    ///
    /// # Errors
    /// If the log is damaged there, or its cell cannot be built again.
    pub fn forward(&mut self) -> anyhow::Result<Moved> {
        let Some(record) = self.playback.next_record()? else { return Ok(Moved::End) };
        let (cycle, flags) = (record.view().cycle(), record.view().flags());
        Ok(match self.playback.play(&record)? {
            Played::Lost(lost) => Moved::Over { from: lost.from, to: lost.to, why: lost.why },
            Played::Different(difference) => Moved::Differs(Box::new(difference)),
            Played::Equal => {
                // To come back to a run's first cycle without it is to build the machine.
                if cycle.is_multiple_of(MARK_EVERY) || flags.contains(RecordFlags::FIRST_CYCLE) {
                    self.keep(cycle);
                }
                Moved::To(cycle)
            }
        })
    }

    /// The recorded cycle before another one.
    ///
    /// # Errors
    /// If the log is damaged there.
    pub fn before(&self, cycle: u64) -> anyhow::Result<Option<u64>> {
        let mut width = 4;
        loop {
            let from = cycle.saturating_sub(width);
            let mut found = None;
            for record in self.log.records(from) {
                match record?.view().cycle() {
                    at if at < cycle => found = Some(at),
                    _ => break,
                }
            }
            if found.is_some() || from == 0 {
                return Ok(found);
            }
            width = width.saturating_mul(16);
        }
    }

    /// The first recorded cycle that is not before `cycle`.
    ///
    /// # Errors
    /// If the log is damaged there.
    pub fn at_or_after(&self, cycle: u64) -> anyhow::Result<Option<u64>> {
        Ok(self.log.records(cycle).next().transpose()?.map(|record| record.view().cycle()))
    }

    /// To the state behind a cycle. Where it cannot be run, behind missing records, the log may still hold its state.
    ///
    /// # Errors
    /// If it was not recorded, or cannot be rebuilt.
    pub fn go_to(&mut self, cycle: u64) -> anyhow::Result<()> {
        let recorded = self.at_or_after(cycle)? == Some(cycle);
        anyhow::ensure!(recorded, "cycle {cycle} is not in the log");
        match self.run_to(cycle) {
            Err(_) if self.playback.take_over(cycle)? => Ok(()),
            ran => ran,
        }
    }

    fn run_to(&mut self, cycle: u64) -> anyhow::Result<()> {
        self.approach(cycle)?;
        let mut as_recorded = true;
        while self.cycle() != Some(cycle) {
            let moved = self.forward()?;
            as_recorded &= !matches!(moved, Moved::Differs(_));
            match moved {
                Moved::Over { from, to, why } if to >= cycle => {
                    anyhow::bail!("cycles {from} to {to} cannot be rebuilt: {why}")
                }
                Moved::End => anyhow::bail!("the log ends before cycle {cycle}"),
                _ => {}
            }
            let passed = self.cycle().is_some_and(|at| at > cycle);
            anyhow::ensure!(!passed, "cycle {cycle} cannot be rebuilt: records before it are missing");
        }
        // Whoever came here looks around, and comes here again.
        if as_recorded {
            self.keep(cycle);
        }
        Ok(())
    }

    /// To the state before a cycle, with that cycle as the next one.
    ///
    /// # Errors
    /// As [`Travel::go_to`].
    pub fn go_before(&mut self, cycle: u64) -> anyhow::Result<()> {
        match self.before(cycle)? {
            // What cannot be rebuilt is before it: its own run may begin with it all the same.
            Some(before) => self.go_to(before).or_else(|_| self.restart(cycle)),
            None => self.restart(cycle),
        }
    }

    fn restart(&mut self, cycle: u64) -> anyhow::Result<()> {
        self.playback.restart(cycle)?;
        loop {
            let next = self.at_or_after(self.cycle().map_or(0, |at| at.saturating_add(1)))?;
            if self.cycle().is_none() || next == Some(cycle) {
                return Ok(());
            }
            let moved = self.forward()?;
            let good = matches!(moved, Moved::To(at) if at < cycle);
            anyhow::ensure!(good, "the state before cycle {cycle} cannot be rebuilt");
        }
    }

    /// To the nearest known state that is not behind `cycle`.
    fn approach(&mut self, cycle: u64) -> anyhow::Result<()> {
        let here = self.cycle().filter(|at| *at <= cycle);
        let kept = self.marks.range(..=cycle).next_back().map(|(at, _)| *at);
        // A run's first cycle needs no state before it; one that is farther away does.
        let start = self.log.start_for(cycle).with_context(|| format!("cycle {cycle}"))?;
        let logged = start.keyframe.as_ref().map_or(Some(start.first), |keyframe| Some(keyframe.cycle));
        if here.is_some() && here >= kept && here.map(|at| at.saturating_add(1)) >= logged {
            return Ok(());
        }
        match kept.filter(|at| Some(at.saturating_add(1)) >= logged).and_then(|at| self.marks.get(&at)) {
            Some(mark) => self.playback.come_back(mark),
            None => self.playback.restart(cycle),
        }
    }

    fn keep(&mut self, cycle: u64) {
        if self.marks.contains_key(&cycle) {
            return;
        }
        let Some(mark) = self.playback.mark() else { return };
        self.bytes = self.bytes.saturating_add(mark.len());
        self.marks.insert(cycle, mark);
        while self.bytes > MARKS_MAX && self.marks.len() > 1 {
            // What is farthest away is needed last.
            let (first, last) = (self.marks.keys().next().copied(), self.marks.keys().next_back().copied());
            let (Some(first), Some(last)) = (first, last) else { return };
            let farthest = if cycle.abs_diff(first) >= cycle.abs_diff(last) { first } else { last };
            if let Some(gone) = self.marks.remove(&farthest) {
                self.bytes = self.bytes.saturating_sub(gone.len());
            }
        }
    }
}
