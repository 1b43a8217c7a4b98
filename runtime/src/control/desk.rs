//! Where requests meet the machine: looks at it are answered from snapshots, commands go into the inbox and come back as
//! receipts.

use crate::{
    control::{
        audit::{self, Audit, Entry},
        describe::{self, Description, ParameterInfo},
        method::{Call, Command, METHODS, Reload},
        peer::Peer,
        protocol::{Code, Failure, VERSION},
        refusal,
        remote::token::Right,
        tail,
        view::{Section, Surroundings, TagView, View},
    },
    evidence::Reason,
    reload::{self, Applied, SharedFacts},
    snapshot::{Receipt, Snapshot, Snapshots},
    states::Editions,
    status::Status,
};
use sensai_fieldbus::clock;
use sensai_log::LogStatistics;
use sensai_model::{
    Cell,
    record::{InboxEntry, InboxKind},
};
use serde_json::{Value as Json, json};
use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

/// How long a command waits for a cycle to take it.
const TAKEN_NS: u64 = 2_000_000_000;
/// How long an answer waits for a snapshot that is new enough.
pub const SHOWN_NS: u64 = 250_000_000;
/// Without a new cycle for so long, the cyclic thread is said to hang.
const STALLED_NS: u64 = 1_000_000_000;

/// The cycle log's file and what its writer said last; nothing if the run is not recorded.
pub type LogFacts = Arc<Mutex<Option<(String, LogStatistics)>>>;

/// What a control socket is connected with.
pub struct Wiring {
    /// The cell.
    pub cell: Arc<Cell>,
    /// SHA-256 over its files, see [`crate::control::server::files_hash`].
    pub hash: String,
    /// Interface; `None` for the embedded segment.
    pub interface: Option<String>,
    /// Live counters.
    pub status: Arc<Status>,
    /// What the cyclic thread publishes.
    pub snapshots: Snapshots,
    /// Into the inbox.
    pub commands: rtrb::Producer<InboxEntry>,
    /// Who gave which command.
    pub audit: Option<Arc<Audit>>,
    /// One text for each command that was applied, for the cycle log's events.
    pub texts: Sender<String>,
    /// The texts of verdicts, for what is kept of their events.
    pub reasons: Option<Sender<Reason>>,
    /// What the log's writer says.
    pub log: LogFacts,
    /// Who reloads programs, if anybody does.
    pub reloads: Option<Sender<reload::Request>>,
    /// What became of the last reload.
    pub reload: SharedFacts,
    /// What runs in each edition of the programs.
    pub editions: Editions,
    /// When the process started, on the monotonic clock.
    pub started_ns: u64,
}

struct Pending {
    ticket: u64,
    command: Command,
    who: Peer,
    deadline_ns: u64,
    receipt: Option<Receipt>,
}

/// A command that has its answer.
pub struct Finished {
    /// As [`Desk::submit`] gave it.
    pub ticket: u64,
    /// The answer.
    pub result: Result<Json, Failure>,
}

pub struct Desk {
    wiring: Wiring,
    description: Json,
    tickets: u64,
    pending: VecDeque<Pending>,
    /// Cuts the log; one at a time.
    tail: Option<JoinHandle<()>>,
}

impl Desk {
    pub fn new(wiring: Wiring) -> Self {
        let description = Description::of(&wiring.cell, &wiring.hash, wiring.interface.as_deref());
        // It has text keys and finite numbers only.
        let description = serde_json::to_value(description).unwrap_or_default();
        Self { wiring, description, tickets: 0, pending: VecDeque::new(), tail: None }
    }

    pub fn cell(&self) -> &Cell {
        &self.wiring.cell
    }

    /// The cycle that an answer to a request that comes now must not be older than.
    pub fn present(&self) -> u64 {
        self.wiring.status.index.load(Relaxed)
    }

    /// There is a snapshot of this cycle or a later one, or there never will be.
    pub fn is_fresh(&self, cycle: u64) -> bool {
        let status = &self.wiring.status;
        let idle = status.cycles.load(Relaxed) == 0 || status.finished.load(Relaxed);
        idle || self.snapshot().is_some_and(|snapshot| snapshot.index >= cycle)
    }

    /// The same, with the states of programs where they are asked for.
    pub fn is_fresh_for(&self, call: &Call, cycle: u64) -> bool {
        let has_states = self.snapshot().is_some_and(|snapshot| snapshot.states.cycle >= cycle.max(1));
        let idle = self.wiring.status.cycles.load(Relaxed) == 0 || self.wiring.status.finished.load(Relaxed);
        self.is_fresh(cycle) && (!call.wants_states() || has_states || idle)
    }

    /// Have the states of programs copied from now on, or no more.
    pub fn want_states(&self, wanted: bool) {
        self.wiring.snapshots.want_states(wanted);
    }

    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    fn snapshot(&self) -> Option<&Snapshot> {
        self.wiring.snapshots.newest()
    }

    fn around(&self) -> Surroundings {
        let (status, now) = (&self.wiring.status, clock::monotonic_ns());
        let (cycles, heartbeat) = (status.cycles.load(Relaxed), status.heartbeat.load(Relaxed));
        let log = self.wiring.log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Surroundings {
            interface: self.wiring.interface.clone().unwrap_or_else(|| "sim".into()),
            cycles,
            uptime_s: (now.saturating_sub(self.wiring.started_ns) / 100_000_000) as f64 / 10.0,
            stalled: cycles > 0 && now.saturating_sub(heartbeat) > STALLED_NS,
            log,
            reload: self.wiring.reload.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            programs: self.snapshot().and_then(|snapshot| self.wiring.editions.of(snapshot.states.edition)),
        }
    }

    pub fn view(&self, sections: &[Section], prefix: &str) -> View {
        View::of(self.cell(), self.snapshot(), &self.around(), sections, prefix)
    }

    /// Answer what only looks.
    pub fn look(&self, call: &Call, who: &Peer, right: Right) -> Json {
        match call {
            Call::Hello => self.hello(who, right),
            Call::Describe => self.description.clone(),
            Call::Status(sections) => document(&self.view(sections, "")),
            Call::Tags(prefix) => document(&self.view(&[Section::Tags], prefix)),
            Call::GetTag(index) => self.tag(*index),
            Call::GetParameter(index) => self.parameter(*index),
            Call::Params => {
                json!({ "parameters": (0..self.cell().parameters.len()).map(|index| self.parameter(index)).collect::<Vec<_>>() })
            }
            Call::ClearStatistics => {
                self.wiring.snapshots.clear_statistics();
                json!({ "cleared": true })
            }
            Call::Subscribe(_)
            | Call::Unsubscribe
            | Call::Command(_)
            | Call::Reload(_)
            | Call::LogTail(_) => Json::Null,
        }
    }

    fn hello(&self, who: &Peer, right: Right) -> Json {
        json!({
            "protocol": VERSION,
            "version": env!("CARGO_PKG_VERSION"),
            "cell": self.cell().name,
            "hash": self.wiring.hash,
            "process": std::process::id(),
            "you": who,
            "right": right,
            "audit": self.wiring.audit.as_ref().map_or(json!({}), |audit| json!({
                "path": audit.path().display().to_string(),
                "lost": audit.lost(),
            })),
            "methods": METHODS.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        })
    }

    fn tag(&self, index: usize) -> Json {
        let (Some(tag), Some(snapshot)) = (self.cell().tags.get(index), self.snapshot()) else {
            return json!({ "cycle": 0 });
        };
        let mut shown = document(&TagView::of(tag, snapshot));
        shown["name"] = tag.name.as_str().into();
        shown["cycle"] = snapshot.index.into();
        if let Some(unit) = &tag.unit {
            shown["unit"] = unit.as_str().into();
        }
        shown
    }

    fn parameter(&self, index: usize) -> Json {
        let Some(parameter) = self.cell().parameters.get(index) else { return json!({}) };
        let mut shown = document(&ParameterInfo::of(parameter));
        let present = self.snapshot().and_then(|snapshot| snapshot.parameters.get(index));
        shown["value"] = describe::json(present.copied().unwrap_or(parameter.default));
        shown
    }

    /// Give a command to the cycle. It comes back from [`Desk::finished`] under the returned number.
    pub fn submit(&mut self, command: Command, who: &Peer) -> Result<u64, Failure> {
        let status = &self.wiring.status;
        if status.finished.load(Relaxed) {
            return Err(Failure::new(Code::Refused, "the run has ended"));
        }
        if status.cycles.load(Relaxed) == 0 {
            let failure = Failure::new(Code::Starting, "the bus is coming up, there are no cycles yet");
            return Err(failure.help("try again in a moment"));
        }
        if self.wiring.commands.push(command.entry).is_err() {
            return Err(Failure::new(Code::Busy, "too many commands at once").help("try again"));
        }
        let ticket = self.tickets;
        self.tickets += 1;
        let deadline_ns = clock::monotonic_ns() + TAKEN_NS;
        self.pending.push_back(Pending { ticket, command, who: who.clone(), deadline_ns, receipt: None });
        Ok(ticket)
    }

    /// Ask for a reload; the answer comes through what is returned.
    ///
    /// # Errors
    /// If nobody reloads.
    pub fn reload(&self, of: &Reload, who: &Peer) -> Result<Receiver<Result<Applied, Failure>>, Failure> {
        let (reply, answer) = channel();
        let Reload { program, probation, why } = of.clone();
        let request = reload::Request { program, probation, why, who: who.clone(), words: None, reply };
        let sent = self.wiring.reloads.as_ref().is_some_and(|reloads| reloads.send(request).is_ok());
        if sent { Ok(answer) } else { Err(Failure::new(Code::Refused, "this run does not reload programs")) }
    }

    /// Cut the last cycles out of the log, on a thread of its own; the answer comes through what is returned.
    ///
    /// # Errors
    /// If there is no log, or somebody else has just asked.
    pub fn log_tail(&mut self, cycles: u64) -> Result<Receiver<Result<Json, Failure>>, Failure> {
        let log = self.wiring.log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((path, _)) = log else {
            let failure = Failure::new(Code::Refused, "this run is not recorded");
            return Err(failure.help("start it with `sensai run --log LOG`"));
        };
        if self.tail.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Err(Failure::new(Code::Busy, "the log is being cut already").help("try again"));
        }
        let (reply, answer) = channel();
        let work = move || {
            // Nobody wants it any more if this fails.
            let _ = reply.send(tail::tail(Path::new(&path), cycles));
        };
        let thread = std::thread::Builder::new().name("log-tail".into()).spawn(work);
        let failed = |error| Failure::new(Code::Busy, format!("no thread can be made: {error}"));
        self.tail = Some(thread.map_err(failed)?);
        Ok(answer)
    }

    /// Write down what became of a connection over a network, or of a request that its token does not allow.
    pub fn note(&self, who: &Peer, what: &str, params: Json, why: String, result: &'static str) {
        let Some(audit) = &self.wiring.audit else { return };
        let (utc, who, what) = (audit::utc_now(), who.clone(), what.to_owned());
        audit.put(Entry { utc, cycle: None, sequence: None, who, what, params, why, result });
    }

    /// Have a text among the events of the log.
    pub fn say(&self, text: String) {
        let _ = self.wiring.texts.send(text);
    }

    /// Take in what the cyclic thread has published.
    pub fn refresh(&mut self) {
        self.wiring.snapshots.refresh();
        let now = clock::monotonic_ns();
        while let Some(receipt) = self.wiring.snapshots.receipt() {
            if let Some(pending) = self.pending.iter_mut().find(|pending| pending.ticket == receipt.ticket) {
                pending.receipt = Some(receipt);
                pending.deadline_ns = now + SHOWN_NS;
            }
        }
    }

    /// The next command that has its answer, in the order in which they were given.
    pub fn finished(&mut self) -> Option<Finished> {
        let first = self.pending.front()?;
        let late = clock::monotonic_ns() >= first.deadline_ns || self.wiring.status.finished.load(Relaxed);
        let shown = first.receipt.is_some_and(|receipt| self.is_fresh(receipt.index));
        if !shown && !late {
            return None;
        }
        let pending = self.pending.pop_front()?;
        let result = self.result(&pending);
        self.write_down(&pending, &result);
        Some(Finished { ticket: pending.ticket, result })
    }

    fn result(&self, pending: &Pending) -> Result<Json, Failure> {
        let Some(receipt) = pending.receipt else {
            let text = format!("no cycle took `{}` in time; it may still be taken", pending.command.method);
            return Err(Failure::new(Code::Timeout, text).help("look at `status` before you give it again"));
        };
        if receipt.accepted {
            let state = self.view(affected(pending.command.entry.kind), "");
            let state = document(&state);
            return Ok(json!({
                "applied": true, "cycle": receipt.index, "sequence": receipt.sequence, "state": state
            }));
        }
        let sections = [Section::Runtime, Section::Units, Section::Jidoka, Section::Forced];
        Err(refusal::explain(self.cell(), &self.view(&sections, ""), &pending.command))
    }

    fn write_down(&self, pending: &Pending, result: &Result<Json, Failure>) {
        let Pending { command, who, receipt, .. } = pending;
        let outcome = match (receipt, result) {
            (None, _) => "unanswered",
            (_, Ok(_)) => "applied",
            (_, Err(_)) => "refused",
        };
        if let (Some(receipt), "applied") = (receipt, outcome) {
            // A reason that was given stays with the machine's own record, too.
            let why = if command.why.is_empty() { String::new() } else { format!(": {}", command.why) };
            let _ = self.wiring.texts.send(format!(
                "cycle {}: {} {} by {who}{why}",
                receipt.index, command.method, command.params
            ));
            if let (InboxKind::Verdict, Some(reasons)) = (command.entry.kind, &self.wiring.reasons) {
                let _ = reasons.send(Reason {
                    hash: command.entry.argument[2].cast_unsigned(),
                    why: command.why.clone(),
                    who: who.name().to_owned(),
                    utc: audit::utc_now(),
                    cycle: receipt.index,
                });
            }
        }
        if let Some(audit) = &self.wiring.audit {
            audit.put(Entry {
                utc: audit::utc_now(),
                cycle: receipt.map(|receipt| receipt.index),
                sequence: receipt.map(|receipt| receipt.sequence),
                who: who.clone(),
                what: command.method.into(),
                params: command.params.clone(),
                why: command.why.clone(),
                result: outcome,
            });
        }
    }
}

/// What a command of this kind changes, as far as people want to see at once.
const fn affected(kind: InboxKind) -> &'static [Section] {
    match kind {
        InboxKind::Parameter => &[Section::Runtime, Section::Parameters],
        InboxKind::Force | InboxKind::Unforce => &[Section::Runtime, Section::Forced],
        InboxKind::Acknowledge | InboxKind::Shelve => &[Section::Runtime, Section::Alarms],
        InboxKind::Verdict => &[Section::Runtime, Section::Units, Section::Jidoka],
        InboxKind::Jog | InboxKind::Override => &[Section::Runtime, Section::Units, Section::Axes],
        _ => &[Section::Runtime, Section::Units],
    }
}

/// As JSON. The types of this module have text keys and finite numbers only, so that it cannot fail.
pub fn document(of: &impl serde::Serialize) -> Json {
    serde_json::to_value(of).unwrap_or_default()
}
