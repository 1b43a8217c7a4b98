//! The thread that takes requests for reloads, one after the other.

use super::{
    Back, Delivery, Dock, ReloadFacts, SharedFacts, Told,
    plan::{Outlook, Planned, Running, Unfit, plan},
};
use crate::{
    control::{
        audit::{self, Audit, Entry},
        peer::Peer,
        protocol::{Code, Failure, unknown},
    },
    libraries,
    machine::reload::{Fate, Refused},
    programs::Workshop,
    recorder::LogPart,
    retained::Announcer,
    rt,
    states::Editions,
    status::Status,
    summary::FaultText,
};
use sensai_fieldbus::clock;
use sensai_log::{EpochChange, writer::EpochWriter};
use sensai_model::{Cell, Fault, cell::Task, config};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed, Ordering::Release},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// How often it looks while nothing is asked for.
const LOOK: Duration = Duration::from_millis(10);
/// How often it looks for the answer of a cycle.
const SOON: Duration = Duration::from_millis(1);
/// How long a reload waits for its edge, beside what slow tasks need for theirs.
const EDGE_NS: u64 = 2_000_000_000;
/// Longest time that slow tasks may need for a common edge.
const COMMON_EDGE_NS: u64 = 60_000_000_000;
/// Plans made anew because an undo came in between.
const PLANS_MAX: u32 = 3;

/// A request: reload what has changed.
pub struct Request {
    /// Only this program, by name.
    pub program: Option<String>,
    /// Runs for which it may be undone.
    pub probation: u64,
    /// The reason given.
    pub why: String,
    /// Who asks.
    pub who: Peer,
    /// Puts the answer into words for people, who are told before whatever becomes of the reload later.
    pub words: Option<fn(&Answer) -> String>,
    /// Gets the answer.
    pub reply: mpsc::Sender<Answer>,
}

/// What was taken, or why nothing was.
pub type Answer = Result<Applied, Failure>;

/// A reload that was taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Applied {
    /// Its number, from 1.
    pub number: u32,
    /// Cycle that took it.
    pub cycle: u64,
    /// Its number among the recorded inbox entries of the run.
    pub sequence: u32,
    /// Names of its programs.
    pub programs: Vec<String>,
    /// Runs for which it may be undone.
    pub probation: u64,
    /// What people should know, one sentence each.
    pub notes: Vec<String>,
}

/// Reads a file of a cell; the error is a sentence.
pub type ReadFile = Box<dyn Fn(&str) -> Result<Vec<u8>, String> + Send>;

/// What the desk is connected with.
pub struct Wiring {
    /// The cell, as the run began.
    pub cell: Arc<Cell>,
    /// A file of the cell as it is now.
    pub read: ReadFile,
    /// `cell.toml` as the run began with it.
    pub configuration: Vec<u8>,
    /// Makes programs.
    pub shop: Box<dyn Workshop>,
    /// To the cyclic thread and back.
    pub dock: Dock,
    /// To the log, if there is one; and what the bytes of its keyframes are in the first edition.
    pub epochs: Option<(EpochWriter, Vec<(String, usize)>)>,
    /// To what is retained, if anything is.
    pub retained: Option<Announcer>,
    /// Who changed what.
    pub audit: Option<Arc<Audit>>,
    /// For people, and for the log's texts.
    pub tell: mpsc::Sender<String>,
    /// The last reload, for whoever looks.
    pub facts: SharedFacts,
    /// What runs in each edition, for whoever looks.
    pub editions: Editions,
    /// Live counters.
    pub status: Arc<Status>,
    /// Core of the cyclic thread, which this one keeps off.
    pub cyclic_core: Option<usize>,
}

/// The thread. Dropping it ends it.
pub struct Desk {
    requests: mpsc::Sender<Request>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Start it.
    ///
    /// # Errors
    /// If no thread can be made.
    pub fn start(wiring: Wiring) -> std::io::Result<Self> {
        let (requests, incoming) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("reload".into()).spawn(move || {
            rt::block_signals();
            let other = rt::cores().into_iter().find(|core| Some(*core) != wiring.cyclic_core);
            // Off the cyclic core, where there is another one.
            let _ = other.map(rt::pin);
            Work { wiring, incoming, running: None, before: None, waiting: None, number: 0 }.run(&ended);
        })?;
        Ok(Self { requests, stop, thread: Some(thread) })
    }

    /// Where requests go.
    pub fn requests(&self) -> mpsc::Sender<Request> {
        self.requests.clone()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.store(true, Release);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Work {
    wiring: Wiring,
    incoming: mpsc::Receiver<Request>,
    /// Made when it is asked for first.
    running: Option<Running>,
    /// What an undo would bring back.
    before: Option<(u32, Running)>,
    waiting: Option<Waiting>,
    /// Of the last reload that was planned.
    number: u32,
}

/// A reload that is with the machine.
struct Waiting {
    request: Request,
    outlook: Outlook,
    plans: u32,
    deadline_ns: u64,
    /// Nobody waits for the answer any more.
    answered: bool,
}

impl Work {
    fn run(&mut self, ended: &AtomicBool) {
        while !ended.load(Acquire) {
            self.look();
            if self.waiting.is_some() {
                std::thread::sleep(SOON);
                continue;
            }
            match self.incoming.recv_timeout(LOOK) {
                Ok(request) => {
                    // An undo before it is known by now.
                    self.look();
                    self.take(request, 0);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, request: Request, plans: u32) {
        match self.deliver(&request) {
            Ok(outlook) => {
                let deadline_ns = clock::monotonic_ns() + EDGE_NS + self.common_edge_ns(&outlook.programs);
                self.waiting = Some(Waiting { request, outlook, plans, deadline_ns, answered: false });
            }
            Err(failure) => {
                self.write_down(&request, "refused", None);
                self.answer(&request, Err(failure));
            }
        }
    }

    /// Plan it, describe it, and send it on its way.
    fn deliver(&mut self, request: &Request) -> Result<Outlook, Failure> {
        let status = &self.wiring.status;
        if status.finished.load(Relaxed) {
            return Err(Failure::new(Code::Refused, "the run has ended"));
        }
        if status.cycles.load(Relaxed) == 0 {
            let failure = Failure::new(Code::Starting, "the bus is coming up, there are no cycles yet");
            return Err(failure.help("try again in a moment"));
        }
        let running = match self.running.take() {
            Some(running) => running,
            None => Running::of(&*self.wiring.shop, &self.wiring.cell, 0)
                .map_err(|error| Failure::new(Code::Refused, format!("{error:#}")))?,
        };
        let planned = self.plan(request, &running);
        self.running = Some(running);
        let Planned { reload, outlook, changes, lens, .. } = planned?;
        let log = self.describe(changes, lens)?;
        let announce = |edition: u32, of: &Running| {
            self.wiring.editions.announce(edition, &of.cell, of.layouts().map(|(_, layout)| layout));
        };
        announce(outlook.running.edition, &outlook.running);
        if let Some(running) = &self.running {
            announce(outlook.running.edition + 1, running);
        }
        if let Some(retained) = &self.wiring.retained {
            let layouts =
                |of: &Running| of.layouts().map(|(name, layout)| (name.to_owned(), layout.clone())).collect();
            let edition = outlook.running.edition;
            retained.announce(edition, layouts(&outlook.running));
            if let Some(running) = &self.running {
                retained.announce(edition + 1, layouts(running));
            }
        }
        if self.wiring.dock.deliveries.push(Delivery { reload, log }).is_err() {
            return Err(Failure::new(Code::Busy, "the machine takes no reload now").help("try again"));
        }
        Ok(outlook)
    }

    fn plan(&mut self, request: &Request, running: &Running) -> Result<Planned, Failure> {
        let texts = self.texts(request)?;
        self.number += 1;
        let parts = self.wiring.epochs.as_ref().map_or(&[][..], |(_, parts)| parts);
        let first = (&*self.wiring.cell, parts);
        let planned = plan(&*self.wiring.shop, running, first, (self.number, request.probation), &texts);
        let mut planned = planned.map_err(failure)?;
        planned.outlook.notes.extend(planned.findings.iter().map(line));
        if (self.wiring.read)(config::FILE_NAME).is_ok_and(|now| now != self.wiring.configuration) {
            let text =
                format!("{} has changed since the start: a reload takes programs only", config::FILE_NAME);
            planned.outlook.notes.push(text);
        }
        Ok(planned)
    }

    /// What stands in the files now, by path.
    fn texts(&self, request: &Request) -> Result<BTreeMap<String, Arc<str>>, Failure> {
        let programs: Vec<_> = self.wiring.cell.programs().map(|(_, program)| program).collect();
        let is_meant = |name: &str| request.program.as_deref().is_none_or(|meant| meant == name);
        if let Some(name) =
            request.program.as_deref().filter(|_| !programs.iter().any(|of| is_meant(&of.name)))
        {
            return Err(unknown("program", name, programs.iter().map(|program| program.name.as_str())));
        }
        let mut texts = BTreeMap::new();
        for program in programs.iter().filter(|program| is_meant(&program.name)) {
            let cannot =
                |why: String| Failure::new(Code::Refused, format!("cannot read {}: {why}", program.path));
            let bytes = (self.wiring.read)(&program.path).map_err(cannot)?;
            let text = String::from_utf8(bytes).map_err(|_| cannot("it is no UTF-8".into()))?;
            // Whatever library cannot be read, the check of the program misses.
            for path in sensai_scripts::imports(&text).iter().filter_map(|name| libraries::path_of(name)) {
                let library = (self.wiring.read)(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                texts.extend(library.map(|library| (path, Arc::from(library))));
            }
            texts.insert(program.path.clone(), Arc::from(text));
        }
        Ok(texts)
    }

    /// Tell the log what both outcomes would be; durable when this returns.
    fn describe(
        &self,
        [taken, back]: [EpochChange; 2],
        (effects, keyframe): (usize, usize),
    ) -> Result<Option<Box<LogPart>>, Failure> {
        let Some((epochs, _)) = &self.wiring.epochs else { return Ok(None) };
        let mark = |change: EpochChange| {
            let edition = change.edition;
            let mark = epochs.prepare(change);
            let failed = |error| Failure::new(Code::Refused, format!("the log cannot take it: {error}"));
            Ok((edition, mark.map_err(failed)?))
        };
        let marks = [mark(taken)?, mark(back)?];
        Ok(Some(Box::new(LogPart {
            marks,
            effects: vec![0; effects].into(),
            keyframe: vec![0; keyframe].into(),
        })))
    }

    /// Slow tasks are released together once in their intervals' product at the latest.
    fn common_edge_ns(&self, names: &[String]) -> u64 {
        let cell = &self.wiring.cell;
        let is_in = |task: &&Task| task.programs.iter().any(|program| names.contains(&program.name));
        let mut multiples: Vec<u64> = cell.tasks().filter(is_in).map(|task| task.multiple.max(1)).collect();
        multiples.sort_unstable();
        multiples.dedup();
        let product = multiples.into_iter().fold(1_u64, u64::saturating_mul);
        product.saturating_mul(2 * cell.task.interval_ns).min(COMMON_EDGE_NS)
    }

    /// What came back, and what was told.
    fn look(&mut self) {
        while let Ok(back) = self.wiring.dock.back.pop() {
            // Code, states and buffers are freed here.
            match back {
                Back::Machine(returned) => drop(returned),
                Back::Log(part) => drop(part),
            }
        }
        while let Ok(told) = self.wiring.dock.news.pop() {
            self.hear(told);
        }
        let finished = self.wiring.status.finished.load(Relaxed);
        let is_late = |waiting: &Waiting| {
            !waiting.answered && (finished || clock::monotonic_ns() >= waiting.deadline_ns)
        };
        if let Some(mut waiting) = self.waiting.take_if(|waiting| is_late(waiting)) {
            let text = "no edge of a cycle took the reload in time; it may still be taken";
            let failure = Failure::new(Code::Timeout, text).help("look at `status` before you ask again");
            self.answer(&waiting.request, Err(failure));
            waiting.answered = true;
            self.waiting = Some(waiting);
        }
    }

    fn hear(&mut self, Told { news, cycle }: Told) {
        match news.what {
            Fate::Applied(sequence) => self.applied(news.number, cycle, sequence),
            Fate::Refused(why) => self.refused(news.number, why),
            Fate::Kept => {
                self.close(news.number, "kept");
                self.say(format!(
                    "cycle {cycle}: reload {} ({}) is kept",
                    news.number,
                    self.names(news.number)
                ));
                self.before = None;
            }
            Fate::Superseded => self.close(news.number, "kept"),
            Fate::Undone(cause) => self.undone(news.number, cycle, cause.fault),
        }
    }

    fn applied(&mut self, number: u32, cycle: u64, sequence: u32) {
        let Some(waiting) = self.waiting.take_if(|waiting| waiting.outlook.number == number) else { return };
        let Waiting { request, outlook: Outlook { running, programs, notes, .. }, .. } = waiting;
        self.before = self.running.replace(running).map(|running| (number, running));
        let facts = ReloadFacts {
            number,
            state: "probation".into(),
            programs: programs.clone(),
            cycle,
            probation: request.probation,
            ..ReloadFacts::default()
        };
        *self.facts() = facts;
        let why = if request.why.is_empty() { String::new() } else { format!(": {}", request.why) };
        let (names, who) = (programs.join(", "), &request.who);
        self.say(format!("cycle {cycle}: reload {number} ({names}) by {who}{why}"));
        self.write_down(&request, "applied", Some((cycle, sequence)));
        let applied = Applied { number, cycle, sequence, programs, probation: request.probation, notes };
        self.answer(&request, Ok(applied));
    }

    fn refused(&mut self, number: u32, why: Refused) {
        let Some(waiting) = self.waiting.take_if(|waiting| waiting.outlook.number == number) else { return };
        let path = |program: u16| {
            let program = self.wiring.cell.programs().nth(usize::from(program));
            program.map_or_else(String::new, |(_, program)| program.path.clone())
        };
        let text = match why {
            // It was undone in between, and what runs is something else.
            Refused::Edition if waiting.plans < PLANS_MAX && !waiting.answered => {
                return self.take(waiting.request, waiting.plans + 1);
            }
            Refused::Edition => "the programs changed while it was planned".into(),
            Refused::Bound(program) => {
                format!(
                    "{} runs in the interpreter, which is bound to the thread that runs it",
                    path(program)
                )
            }
            Refused::Migration(fault) => {
                let text = FaultText::new(fault, &waiting.outlook.running.cell);
                format!("the state could not be migrated: {}: {}: {}", text.place, text.id, text.text)
            }
            Refused::Shutdown => "the run is shutting down".into(),
        };
        self.write_down(&waiting.request, "refused", None);
        self.answer(&waiting.request, Err(Failure::new(Code::Refused, text)));
    }

    fn undone(&mut self, number: u32, cycle: u64, fault: Fault) {
        let names = self.names(number);
        // The lines are those of the text that failed.
        let failed = self.running.as_ref().map_or(&self.wiring.cell, |running| &running.cell);
        let FaultText { id, text, place } = FaultText::new(fault, failed);
        let place = if place.is_empty() { place } else { format!(" at {place}") };
        let why = format!("{id}, {text}{place}");
        if let Some((_, before)) = self.before.take_if(|(of, _)| *of == number) {
            self.running = Some(before.undone(number));
        }
        {
            let mut facts = self.facts();
            (facts.undone, facts.why_undone) = (cycle, why.clone());
        }
        self.close(number, "undone");
        self.say(format!(
            "cycle {cycle}: reload {number} ({names}) is undone: {why}; the programs before it run again, with their states of \
             the swap"
        ));
        if let Some(audit) = &self.wiring.audit {
            audit.put(Entry {
                utc: audit::utc_now(),
                cycle: Some(cycle),
                sequence: None,
                who: Peer::own(),
                what: "reload-undone".into(),
                params: json!({ "number": number }),
                why,
                result: "applied",
            });
        }
    }

    /// The reload has this state now.
    fn close(&self, number: u32, state: &str) {
        let mut facts = self.facts();
        if facts.number == number {
            facts.state = state.into();
        }
    }

    fn names(&self, number: u32) -> String {
        let facts = self.facts();
        if facts.number == number { facts.programs.join(", ") } else { "?".into() }
    }

    fn facts(&self) -> std::sync::MutexGuard<'_, ReloadFacts> {
        self.wiring.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request, answer: Answer) {
        if let Some(words) = request.words {
            self.say(words(&answer));
        }
        let _ = request.reply.send(answer);
    }

    fn say(&self, text: String) {
        let _ = self.wiring.tell.send(text);
    }

    fn write_down(&self, request: &Request, result: &'static str, taken: Option<(u64, u32)>) {
        let Some(audit) = &self.wiring.audit else { return };
        let mut params = json!({ "probation": request.probation });
        if let Some(program) = &request.program {
            params["program"] = program.as_str().into();
        }
        if taken.is_some() {
            let facts = self.facts();
            params["number"] = facts.number.into();
            params["programs"] = facts.programs.clone().into();
        }
        audit.put(Entry {
            utc: audit::utc_now(),
            cycle: taken.map(|(cycle, _)| cycle),
            sequence: taken.map(|(_, sequence)| sequence),
            who: request.who.clone(),
            what: "reload".into(),
            params,
            why: request.why.clone(),
            result,
        });
    }
}

fn failure(unfit: Unfit) -> Failure {
    let mut failure = Failure::new(Code::Refused, unfit.message);
    failure.reasons = unfit.reasons;
    failure.reasons.extend(unfit.findings.iter().map(line));
    if unfit.help.is_empty() { failure } else { failure.help(unfit.help) }
}

/// A finding in a line.
fn line(finding: &config::Finding) -> String {
    let config::Finding { path, line, column, code, message, help, .. } = finding;
    let help = help.as_ref().map_or(String::new(), |help| format!("; {help}"));
    format!("{path}:{line}:{column}: {code}: {message}{help}")
}
