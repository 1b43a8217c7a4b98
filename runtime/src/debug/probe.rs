//! What is looked for while cycles run: breakpoints, values that change, or the place with a number.
//!
//! Places that a cycle comes by are counted from 0, over all programs that run in it; as a cycle is the same whenever it is
//! run, its number and the number of the place are enough to come back.

use super::point::{Breakpoint, Hit, Target};
use sensai_model::{Cell, Fault};
use sensai_scripts::{
    ProgramError, RunContext,
    debug::{Expression, Here, Snapshot, Stop, Subject, Watch},
};
use std::{collections::BTreeMap, sync::Arc};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// Nothing: places are only counted.
    Count,
    /// The place with this number.
    Number(u32),
    /// The first place behind this one (`None`: the first of all) that fits.
    First(Option<u32>, Want),
    /// The last place before this one (`None`: the last of all) that fits.
    Last(Option<u32>, Want),
}

/// What fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Any place.
    Any,
    /// One that is not deeper than so many calls, or of another program.
    AtMost {
        /// The program.
        program: usize,
        /// Calls.
        depth: usize,
    },
    /// Where a breakpoint is, a value has changed, or a program fails.
    Points,
}

/// A place that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number in the cycle.
    pub number: u32,
    /// Why; `None`: as a step.
    pub hit: Option<Hit>,
}

/// All that a program has at a place.
pub struct Capture {
    /// Index of the program.
    pub program: usize,
    /// The program itself.
    pub subject: Arc<Subject>,
    /// Number of the place in the cycle.
    pub number: u32,
    /// Calls at hand.
    pub depth: usize,
    /// What it has.
    pub snapshot: Snapshot,
}

/// An expression of a breakpoint: the program, the breakpoint, the function, and which part of its message it is (0: the condition).
type Asked = (u64, usize, u32, usize);

/// An expression, or what is wrong with it.
type Understood = Result<Arc<Expression>, String>;

/// Looks on while cycles run.
#[derive(Default)]
pub struct Probe {
    armed: Option<Seek>,
    /// Where programs are to be looked at.
    pub breakpoints: Vec<Breakpoint>,
    /// Values whose changes are looked for.
    pub targets: Vec<Target>,
    /// Look for programs that fail.
    pub faults: bool,
    /// Count hits, and say what logpoints say.
    pub speaks: bool,
    subjects: BTreeMap<usize, Arc<Subject>>,
    tasks: Vec<(usize, String)>,
    /// Places come by in this cycle.
    count: u32,
    found: Option<Found>,
    capture: Option<Capture>,
    failed: Option<(u32, Fault)>,
    said: Vec<String>,
    places: BTreeMap<(u64, usize), Option<Stop>>,
    expressions: BTreeMap<Asked, Understood>,
}

impl Probe {
    /// Somebody looks on.
    pub fn is_armed(&self) -> bool {
        self.armed.is_some()
    }

    /// Look on in the next cycle.
    pub fn arm(&mut self, seek: Seek) {
        self.armed = Some(seek);
        (self.count, self.found, self.capture, self.failed) = (0, None, None, None);
    }

    /// The cycle is over: what was found, and how many places there are in it.
    pub fn disarm(&mut self) -> (Option<Found>, u32) {
        let seek = self.armed.take();
        if let (Some((number, fault)), true) = (self.failed.take(), self.faults) {
            let fits = match seek {
                Some(Seek::First(after, Want::Points)) => after.is_none_or(|after| number > after),
                Some(Seek::Last(before, Want::Points)) => before.is_none_or(|before| number < before),
                _ => false,
            };
            let earlier = matches!(seek, Some(Seek::First(..))) && self.found.is_some();
            if fits && !earlier {
                self.found = Some(Found { number, hit: Some(Hit::Fault(fault)) });
            }
        }
        (self.found.take(), self.count)
    }

    /// What was captured at the place that was looked for.
    pub fn take_capture(&mut self) -> Option<Capture> {
        self.capture.take()
    }

    /// What there is to say, once.
    pub fn take_said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// Look at these places from now on.
    pub fn set_breakpoints(&mut self, breakpoints: Vec<Breakpoint>) {
        self.breakpoints = breakpoints;
        // What was understood of those before is not so any more.
        self.places.clear();
        self.expressions.clear();
    }

    /// The program with an index.
    pub(super) fn know(&mut self, index: usize, subject: &Arc<Subject>) {
        self.subjects.insert(index, Arc::clone(subject));
    }

    /// Programs, by index.
    pub fn subjects(&self) -> impl Iterator<Item = (usize, &Arc<Subject>)> {
        self.subjects.iter().map(|(index, subject)| (*index, subject))
    }

    /// Tasks of the programs.
    pub fn of_cell(&mut self, cell: &Cell) {
        let tasks = cell.tasks().enumerate();
        let names =
            tasks.flat_map(|(number, task)| task.programs.iter().map(move |_| (number, task.name.clone())));
        self.tasks = names.collect();
    }

    /// Number and name of a program's task.
    pub fn task(&self, program: usize) -> Option<&(usize, String)> {
        self.tasks.get(program)
    }

    pub(super) fn watch(
        &mut self,
        program: usize,
        subject: &Arc<Subject>,
        state: &[u8],
        context: &mut RunContext<'_>,
    ) -> Result<Box<[u8]>, ProgramError> {
        self.know(program, subject);
        subject.run(state, context, &mut Looking { probe: self, program, subject })
    }

    pub(super) fn ended(
        &mut self,
        program: usize,
        cycle: u64,
        result: &Result<(), ProgramError>,
        difference: Option<String>,
    ) {
        if let (Err(error), None) = (result, self.failed) {
            self.failed = Some((self.count.saturating_sub(1), error.fault));
        }
        if let Some(what) = difference {
            let name = self.subjects.get(&program).map_or("?", |subject| subject.name());
            self.said.push(format!(
                "cycle {cycle}: the debugger and {name} differ in {what}; what the program did counts; this is a defect of Sensai, \
                 please report the program"
            ));
        }
    }

    /// Values as they are behind the last cycle: changes count from here.
    pub fn begin(&mut self, machine: &crate::machine::Machine) {
        for target in &mut self.targets {
            target.last = target.behind(machine);
        }
    }

    /// The cycle is over: a value that has changed since the last place, or without any.
    pub fn changed_behind(&mut self, machine: &crate::machine::Machine) -> Option<Hit> {
        let mut hit = None;
        for target in &mut self.targets {
            let now = target.behind(machine);
            if now.is_some() && target.last.is_some() && now != target.last {
                hit = hit.or(Some(Hit::Changed(target.name.clone())));
            }
            target.last = now;
        }
        hit
    }

    fn arrive(&mut self, program: usize, subject: &Arc<Subject>, here: &Here<'_>) {
        let number = self.count;
        self.count = self.count.saturating_add(1);
        let Some(seek) = self.armed else { return };
        let changed = self.changed(program, subject, here);
        let (wanted, counts) = match seek {
            Seek::Count => return,
            Seek::Number(wanted) => {
                if number == wanted {
                    let (depth, snapshot) = (here.depth(), here.snapshot());
                    let subject = Arc::clone(subject);
                    self.capture = Some(Capture { program, subject, number, depth, snapshot });
                }
                return;
            }
            Seek::First(after, want) => {
                (want, self.found.is_none() && after.is_none_or(|after| number > after))
            }
            Seek::Last(before, want) => (want, before.is_none_or(|before| number < before)),
        };
        if !counts {
            return;
        }
        let hit = match wanted {
            Want::Any => None,
            Want::AtMost { program: of, depth } => {
                if of == program && here.depth() > depth {
                    // A breakpoint inside of what is stepped over is a breakpoint all the same.
                    let Some(hit) = self.breakpoint(program, subject, here) else { return };
                    Some(hit)
                } else {
                    None
                }
            }
            Want::Points => {
                let at = self.breakpoint(program, subject, here);
                let Some(hit) = at.or(changed.map(Hit::Changed)) else { return };
                Some(hit)
            }
        };
        self.found = Some(Found { number, hit });
    }

    /// A value that has changed since the last place.
    fn changed(&mut self, program: usize, subject: &Arc<Subject>, here: &Here<'_>) -> Option<String> {
        let mut changed = None;
        for target in &mut self.targets {
            let Some(now) = target.here(program, subject, here) else { continue };
            if target.last.as_ref().is_some_and(|last| *last != now) && changed.is_none() {
                changed = Some(target.name.clone());
            }
            target.last = Some(now);
        }
        changed
    }

    /// A breakpoint that is here, and whose conditions hold.
    fn breakpoint(&mut self, program: usize, subject: &Arc<Subject>, here: &Here<'_>) -> Option<Hit> {
        let stop = here.stop()?;
        let mut hit = None;
        for index in 0..self.breakpoints.len() {
            if self.stop_of(index, subject) != Some(stop) || !self.is_of_task(index, program) {
                continue;
            }
            let Some(breakpoint) = self.breakpoints.get(index) else { continue };
            let (condition, message) = (breakpoint.condition.clone(), breakpoint.message.clone());
            let mut snapshot = None;
            if let Some(condition) = condition {
                let snapshot = snapshot.get_or_insert_with(|| here.snapshot());
                match self
                    .ask(index, 0, subject, here, &condition)
                    .and_then(|of| snapshot.holds(subject, &of))
                {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(why) => {
                        self.complain(index, &why);
                        continue;
                    }
                }
            }
            let speaks = self.speaks;
            let Some(breakpoint) = self.breakpoints.get_mut(index) else { continue };
            if speaks {
                breakpoint.hits = breakpoint.hits.saturating_add(1);
            }
            // Backward there is no order in which hits could be counted.
            if speaks && breakpoint.count.is_some_and(|count| !count.admits(breakpoint.hits)) {
                continue;
            }
            let id = breakpoint.id;
            match message {
                None => hit = hit.or(Some(Hit::Breakpoint(id))),
                Some(parts) if speaks => {
                    let snapshot = snapshot.get_or_insert_with(|| here.snapshot());
                    let text = self.message(index, &parts, subject, here, snapshot);
                    self.said.push(format!("cycle {}: {text}", snapshot.sys().cycle));
                }
                Some(_) => {}
            }
        }
        hit
    }

    fn message(
        &mut self,
        index: usize,
        parts: &[super::point::Part],
        subject: &Arc<Subject>,
        here: &Here<'_>,
        snapshot: &Snapshot,
    ) -> String {
        let mut text = String::new();
        for (place, part) in parts.iter().enumerate() {
            match part {
                super::point::Part::Text(part) => text.push_str(part),
                super::point::Part::Expression(expression) => {
                    let value = self.ask(index, place + 1, subject, here, expression);
                    match value.and_then(|of| snapshot.evaluate(subject, &of)) {
                        Ok(shown) => text.push_str(&shown.value),
                        Err(why) => text.push_str(&format!("{{{why}}}")),
                    }
                }
            }
        }
        text
    }

    /// Said once, however often the breakpoint is come by.
    fn complain(&mut self, index: usize, why: &str) {
        if let Some(breakpoint) = self.breakpoints.get_mut(index)
            && !std::mem::replace(&mut breakpoint.complained, true)
        {
            let (path, line) = (&breakpoint.path, breakpoint.line);
            self.said.push(format!("{path}:{line}: the condition cannot be asked: {why}"));
        }
    }

    fn is_of_task(&self, index: usize, program: usize) -> bool {
        let wanted = self.breakpoints.get(index).and_then(|breakpoint| breakpoint.task.as_deref());
        wanted.is_none_or(|wanted| self.tasks.get(program).is_some_and(|(_, task)| task == wanted))
    }

    fn stop_of(&mut self, index: usize, subject: &Arc<Subject>) -> Option<Stop> {
        let key = (identity(subject), index);
        if let Some(known) = self.places.get(&key) {
            return *known;
        }
        let breakpoint = self.breakpoints.get(index)?;
        let found = subject.find(&breakpoint.path, breakpoint.line, breakpoint.column);
        self.places.insert(key, found);
        found
    }

    fn ask(
        &mut self,
        index: usize,
        part: usize,
        subject: &Arc<Subject>,
        here: &Here<'_>,
        text: &str,
    ) -> Understood {
        let (function, stop) = here.function().zip(here.stop()).ok_or("there is no such call")?;
        let key = (identity(subject), index, function.0, part);
        let understand = || subject.understand_at(function, stop, text).map(Arc::new);
        self.expressions.entry(key).or_insert_with(understand).clone()
    }
}

/// A number for a program, as long as it is there: the probe keeps those that it knows.
fn identity(subject: &Arc<Subject>) -> u64 {
    subject.id()
}

struct Looking<'p> {
    probe: &'p mut Probe,
    program: usize,
    subject: &'p Arc<Subject>,
}

impl Watch for Looking<'_> {
    fn arrive(&mut self, here: &Here<'_>) {
        self.probe.arrive(self.program, self.subject, here);
    }
}
