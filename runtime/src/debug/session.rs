//! A debugger's way through a log: over statements within a cycle, over cycles, and back.
//!
//! The machine always stands behind a whole cycle. Where the debugger is in that cycle is the number of a place in it, and what
//! the program had there, which was captured when the cycle ran by. Every way, also the one back, is: go to the state before a
//! cycle, and run it with something to look for.

use super::{
    point::{Hit, Target},
    probe::{Capture, Found, Probe, Seek, Want},
    programs::{SharedProbe, lock},
    travel::{MARK_EVERY, Moved, Travel},
};
use crate::machine::{Machine, Mode};
use sensai_log::storage::ReadAt;
use sensai_model::Fault;
use std::sync::MutexGuard;

/// Cycles run in one go before somebody may say something else.
const SLICE: u64 = 256;

/// Where a motion leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// To the next place.
    In,
    /// To the next place that is not inside of a call.
    Over,
    /// To the next place outside of the function.
    Out,
    /// To the next breakpoint.
    Run,
    /// To the place before, not into calls.
    Back,
    /// To the breakpoint before.
    RunBack,
}

/// Why it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is not: go on.
    NotYet,
    /// At the place that was asked for.
    Step,
    /// At a breakpoint, a change, a fault.
    Hit(Hit),
    /// The machine came into a fault.
    Fault(Fault),
    /// The machine does something else than what was recorded.
    Differs(String),
    /// Records are missing.
    Gap(String),
    /// At the log's end.
    End,
    /// At its start.
    Start,
}

/// A motion that was begun.
#[derive(Clone, Copy, Debug)]
struct Going {
    motion: Motion,
    want: Want,
    /// The cycle at hand was searched.
    begun: bool,
    /// Back: all cycles from this one on were searched.
    reached: u64,
}

/// A debugger over one log.
pub struct Session<'l, R> {
    travel: Travel<'l, R>,
    probe: SharedProbe,
    capture: Option<Capture>,
    /// Places in the cycle at hand.
    count: u32,
    edition: Option<(sensai_log::epoch::Id, u32)>,
    going: Option<Going>,
    /// The fault of this cycle was told where the program failed.
    told: Option<u64>,
}

impl<'l, R: ReadAt> Session<'l, R> {
    /// At the first cycle of a log. The programs of `travel` are watched by `probe`.
    ///
    /// # Errors
    /// If there is no cycle in it, or it cannot be rebuilt.
    pub fn new(travel: Travel<'l, R>, probe: SharedProbe) -> anyhow::Result<Self> {
        let mut new = Self { travel, probe, capture: None, count: 0, edition: None, going: None, told: None };
        let first = new.travel.at_or_after(0)?;
        let first = first.ok_or_else(|| anyhow::anyhow!("there is no cycle in the log"))?;
        new.go_to(first)?;
        Ok(new)
    }

    /// The cycle that it is in, or behind.
    pub fn cycle(&self) -> u64 {
        self.travel.cycle().unwrap_or(0)
    }

    /// Where in the cycle; `None`: behind it.
    pub fn capture(&self) -> Option<&Capture> {
        self.capture.as_ref()
    }

    /// The machine behind the cycle.
    pub fn machine(&self) -> Option<&Machine> {
        self.travel.machine()
    }

    /// Hash of its state, as it stands in the record.
    pub fn hash(&self) -> Option<u64> {
        self.travel.hash()
    }

    /// What failed in the cycle at hand, in words.
    pub fn error(&self) -> Option<String> {
        self.travel.error().map(|error| error.text.to_string())
    }

    /// Breakpoints and the like.
    pub fn probe(&self) -> MutexGuard<'_, Probe> {
        lock(&self.probe)
    }

    /// Look for changes of these values from now on.
    pub fn set_targets(&mut self, targets: Vec<Target>) {
        self.probe().targets = targets;
    }

    /// To the first place of a cycle, or behind it if no program runs in it.
    ///
    /// # Errors
    /// If the cycle is not in the log, or cannot be rebuilt.
    pub fn go_to(&mut self, cycle: u64) -> anyhow::Result<()> {
        self.going = None;
        let known = self.travel.at_or_after(cycle)? == Some(cycle);
        anyhow::ensure!(known, "cycle {cycle} is not in the log");
        self.show(cycle, 0)
    }

    /// Begin a motion; [`Session::go_on`] makes it.
    pub fn begin(&mut self, motion: Motion) {
        let at = self.capture.as_ref().map(|capture| (capture.program, capture.depth));
        let want = match (motion, at) {
            (Motion::Run | Motion::RunBack, _) => Want::Points,
            (Motion::In, _) | (_, None) => Want::Any,
            (Motion::Over | Motion::Back, Some((program, depth))) => Want::AtMost { program, depth },
            (Motion::Out, Some((program, depth))) => Want::AtMost { program, depth: depth.saturating_sub(1) },
        };
        self.going = Some(Going { motion, want, begun: false, reached: self.cycle() });
    }

    /// Whoever goes stays where the search has come to.
    ///
    /// # Errors
    /// If the cycle cannot be rebuilt.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        if let Some(going) = self.going.take() {
            let cycle = if going.motion == Motion::RunBack { going.reached } else { self.cycle() };
            self.show(cycle, 0)?;
        }
        Ok(())
    }

    /// Go on with a motion for some cycles.
    ///
    /// # Errors
    /// If the log is damaged, or a cycle cannot be rebuilt.
    pub fn go_on(&mut self) -> anyhow::Result<Ended> {
        let Some(going) = self.going else { return Ok(Ended::Step) };
        let ended = match going.motion {
            Motion::Back | Motion::RunBack => self.backward(going)?,
            _ => self.forward(going)?,
        };
        if ended != Ended::NotYet {
            self.going = None;
        }
        Ok(ended)
    }

    /// Run the next record, looking for something.
    fn run(&mut self, seek: Seek, speaks: bool) -> anyhow::Result<(Moved, Option<Found>, u32)> {
        {
            let mut probe = lock(&self.probe);
            probe.arm(seek);
            probe.speaks = speaks;
            if let Some(machine) = self.travel.machine() {
                probe.begin(machine);
            }
        }
        let moved = self.travel.forward();
        let (found, count) = lock(&self.probe).disarm();
        self.meet();
        Ok((moved?, found, count))
    }

    /// Other programs run than before: what was set is looked up in them.
    fn meet(&mut self) {
        let edition = self.travel.edition();
        if edition == self.edition {
            return;
        }
        self.edition = edition;
        let Some(machine) = self.travel.machine() else { return };
        let mut probe = lock(&self.probe);
        probe.of_cell(machine.cell());
        for target in &mut probe.targets {
            if let Some(again) = target.again(machine) {
                *target = again;
            }
        }
        probe.begin(machine);
    }

    /// To a place of a cycle; behind the cycle if it has no such place.
    fn show(&mut self, cycle: u64, number: u32) -> anyhow::Result<()> {
        self.travel.go_before(cycle)?;
        let (moved, _, count) = self.run(Seek::Number(number), false)?;
        let there = self.travel.cycle() == Some(cycle);
        anyhow::ensure!(there, "cycle {cycle} cannot be rebuilt: {moved:?}");
        self.count = count;
        self.capture = lock(&self.probe).take_capture();
        Ok(())
    }

    fn forward(&mut self, mut going: Going) -> anyhow::Result<Ended> {
        if !std::mem::replace(&mut going.begun, true) {
            self.going = Some(going);
            // The rest of the cycle at hand.
            if let Some(number) = self.capture.take().map(|capture| capture.number) {
                let cycle = self.cycle();
                self.travel.go_before(cycle)?;
                let before = self.fault();
                let (_, found, count) = self.run(Seek::First(Some(number), going.want), true)?;
                self.count = count;
                if let Some(ended) = self.settle(cycle, found, before, going.want)? {
                    return Ok(ended);
                }
            }
        }
        for _ in 0..SLICE {
            let before = self.fault();
            let (moved, found, count) = self.run(Seek::First(None, going.want), true)?;
            match moved {
                Moved::End => {
                    self.capture = None;
                    return Ok(Ended::End);
                }
                Moved::Differs(difference) => {
                    self.capture = None;
                    return Ok(Ended::Differs(format!(
                        "cycle {} does not come out as it was recorded: hash {} was recorded, {} came out",
                        difference.cycle, difference.hash.0, difference.hash.1
                    )));
                }
                Moved::Over { from, to, why } => {
                    self.capture = None;
                    return Ok(Ended::Gap(format!("cycles {from} to {to} cannot be rebuilt: {why}")));
                }
                Moved::To(cycle) => {
                    self.count = count;
                    if let Some(ended) = self.settle(cycle, found, before, going.want)? {
                        return Ok(ended);
                    }
                }
            }
        }
        Ok(Ended::NotYet)
    }

    fn fault(&self) -> Option<Fault> {
        self.travel.machine().and_then(Machine::fault)
    }

    /// A cycle was run: is that what was looked for? In a cycle without places there is no step, unless something happened.
    fn settle(
        &mut self,
        cycle: u64,
        found: Option<Found>,
        before: Option<Fault>,
        want: Want,
    ) -> anyhow::Result<Option<Ended>> {
        let Some(machine) = self.travel.machine() else { return Ok(None) };
        let changed = lock(&self.probe).changed_behind(machine);
        let risen = self.fault().filter(|fault| before != Some(*fault) && lock(&self.probe).faults);
        let risen = risen.filter(|_| self.told != Some(cycle));
        if let Some(found) = found {
            self.told = matches!(found.hit, Some(Hit::Fault(_))).then_some(cycle);
            self.show(cycle, found.number)?;
            return Ok(Some(found.hit.map_or(Ended::Step, Ended::Hit)));
        }
        if want != Want::Points && risen.is_none() {
            return Ok(None);
        }
        let ended = risen.map(Ended::Fault).or(changed.map(Ended::Hit));
        if ended.is_some() {
            self.capture = None;
        }
        Ok(ended)
    }

    fn backward(&mut self, mut going: Going) -> anyhow::Result<Ended> {
        if !std::mem::replace(&mut going.begun, true) {
            // What is before the place in the cycle at hand; all of it, if the debugger is behind the cycle.
            let (cycle, number) = (self.cycle(), self.capture.take().map(|capture| capture.number));
            going.reached = cycle;
            self.going = Some(going);
            if number != Some(0) {
                self.travel.go_before(cycle)?;
                let (_, found, count) = self.run(Seek::Last(number, going.want), false)?;
                self.count = count;
                if let Some(found) = found {
                    self.show(cycle, found.number)?;
                    return Ok(found.hit.map_or(Ended::Step, Ended::Hit));
                }
            }
        }
        let Some(last) = self.travel.before(going.reached)? else {
            let first = going.reached;
            self.show(first, 0)?;
            return Ok(Ended::Start);
        };
        // From where a state is kept.
        let kept = (last.saturating_sub(1) / MARK_EVERY).saturating_mul(MARK_EVERY).saturating_add(1);
        let first = if going.motion == Motion::Back { last } else { kept };
        let first = self.travel.at_or_after(first)?.unwrap_or(last).min(last);
        if let Err(why) = self.travel.go_before(first) {
            self.show(going.reached, 0)?;
            return Ok(Ended::Gap(format!("{why:#}")));
        }
        let mut best: Option<(u64, Option<Found>, Option<Ended>)> = None;
        loop {
            let before = self.fault();
            let (moved, found, _) = self.run(Seek::Last(None, going.want), false)?;
            let Moved::To(cycle) = moved else {
                if matches!(moved, Moved::Over { .. }) {
                    continue;
                }
                break;
            };
            let Some(machine) = self.travel.machine() else { break };
            let changed = lock(&self.probe).changed_behind(machine);
            let risen = self.fault().filter(|fault| before != Some(*fault) && lock(&self.probe).faults);
            let behind = risen.map(Ended::Fault).or(changed.map(Ended::Hit));
            match (behind.filter(|_| going.want == Want::Points), found) {
                (None, None) => {}
                // What a failing program did has its place.
                (Some(Ended::Fault(_)), Some(found)) if matches!(found.hit, Some(Hit::Fault(_))) => {
                    best = Some((cycle, Some(found), None));
                }
                (Some(behind), _) => best = Some((cycle, None, Some(behind))),
                (None, Some(found)) => best = Some((cycle, Some(found), None)),
            }
            if cycle >= last {
                break;
            }
        }
        going.reached = first;
        self.going = Some(going);
        match best {
            None => Ok(Ended::NotYet),
            Some((cycle, Some(found), _)) => {
                self.show(cycle, found.number)?;
                Ok(found.hit.map_or(Ended::Step, Ended::Hit))
            }
            Some((cycle, None, ended)) => {
                self.travel.go_to(cycle)?;
                self.capture = None;
                Ok(ended.unwrap_or(Ended::Step))
            }
        }
    }

    /// Where the debugger is, in words.
    pub fn describe(&self) -> String {
        let mode = self.machine().map_or(Mode::Stop, Machine::mode).name();
        match &self.capture {
            Some(capture) => {
                format!("cycle {}, place {} of {}", self.cycle(), capture.number + 1, self.count)
            }
            None => format!("behind cycle {} ({mode})", self.cycle()),
        }
    }

    /// Places in the cycle at hand.
    pub fn places(&self) -> u32 {
        self.count
    }
}
