//! The thread that keeps: waits until the cycles behind an event are in the log, cuts them out, and completes the small
//! file as verdicts come. A slow disk keeps nothing waiting but this.

use super::{
    Document, LogFacts, Reason, Shelf, Tap,
    tap::{self, Notice, Notices},
};
use crate::{
    control::audit,
    machine::jidoka::{Event, Verdict},
    rt,
    status::Status,
};
use anyhow::Context;
use sensai_log::{LogReader, cut::cut};
use sensai_model::Cell;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed, Ordering::Release},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);
/// Events that may still be completed; an older one stays as it is.
const OPEN_MAX: usize = 64;
/// Reasons whose verdict has not come out of the cycle yet.
const REASONS_MAX: usize = 64;

/// What a run keeps of its jidoka events, seen from outside.
pub struct Keeper {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    told: mpsc::Receiver<String>,
}

/// A keeper and what is connected to it.
pub struct Evidence {
    /// To be looked after, and finished at the end.
    pub keeper: Keeper,
    /// For the cyclic thread.
    pub tap: Tap,
    /// For who takes verdicts from people.
    pub reasons: mpsc::Sender<Reason>,
}

impl Keeper {
    /// Keep the events of a run of `cell` that is recorded into `log`, on `shelf`.
    ///
    /// # Errors
    /// If no thread can be made.
    pub fn start(
        cell: &Arc<Cell>,
        log: &Path,
        shelf: Shelf,
        status: &Arc<Status>,
    ) -> std::io::Result<Evidence> {
        let (tap, notices) = tap::channel(cell.parameters.len());
        let (reasons, reasons_out) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = Work {
            cell: Arc::clone(cell),
            log: log.into(),
            shelf,
            status: Arc::clone(status),
            notices,
            reasons_in: reasons_out,
            reasons: Vec::new(),
            open: Vec::new(),
            tell,
        };
        let thread = {
            let stop = Arc::clone(&stop);
            std::thread::Builder::new().name("jidoka".into()).spawn(move || {
                rt::block_signals();
                work.shelf.tidy();
                loop {
                    let ending = stop.load(Acquire);
                    work.look(ending);
                    if ending {
                        return;
                    }
                    std::thread::sleep(LOOK);
                }
            })?
        };
        Ok(Evidence { keeper: Self { stop, thread, told }, tap, reasons })
    }

    /// What people should know since the last look, one sentence each.
    pub fn told(&self) -> impl Iterator<Item = String> {
        self.told.try_iter()
    }

    /// Keep what is still open, as far as the log goes, and end. To be called when the log is complete. What there is to
    /// tell, one sentence each.
    pub fn finish(self) -> Vec<String> {
        self.stop.store(true, Release);
        let panicked = self.thread.join().is_err();
        let bug = "the thread that keeps jidoka events panicked; this is a bug in sensai".to_owned();
        self.told.try_iter().chain(panicked.then_some(bug)).collect()
    }
}

/// An event that is not complete.
struct Open {
    event: Event,
    document: Document,
    /// Last cycle that is wanted; `None` once the cycles have been cut out.
    until: Option<u64>,
}

struct Work {
    cell: Arc<Cell>,
    log: PathBuf,
    shelf: Shelf,
    status: Arc<Status>,
    notices: Notices,
    reasons_in: mpsc::Receiver<Reason>,
    reasons: Vec<Reason>,
    open: Vec<Open>,
    tell: mpsc::Sender<String>,
}

impl Work {
    fn look(&mut self, ending: bool) {
        for reason in self.reasons_in.try_iter() {
            if self.reasons.len() == REASONS_MAX {
                self.reasons.remove(0);
            }
            self.reasons.push(reason);
        }
        while let Ok(notice) = self.notices.full.pop() {
            self.notice(&notice);
            // As many notices as places.
            let _ = self.notices.free.push(notice);
        }
        self.judge();
        for index in 0..self.open.len() {
            self.keep(index, ending);
        }
    }

    fn notice(&mut self, Notice { event, parameters }: &Notice) {
        if let Some(open) = self.open.iter_mut().find(|open| open.event.number == event.number) {
            open.event = *event;
            return;
        }
        let document = Document::new(&self.cell, event, parameters, audit::utc_now());
        let interval = self.cell.task.interval_ns.max(1);
        let after = self.cell.jidoka.get(usize::from(event.rule)).map_or(0, |rule| rule.after_ns / interval);
        // Now, so that there is a trace of it whatever happens to the process.
        self.write(&document);
        if self.open.len() == OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push(Open { event: *event, document, until: Some(event.cycle.saturating_add(after)) });
    }

    /// Verdicts into the small files; the reason may come before or after the cycle's own word.
    fn judge(&mut self) {
        for index in 0..self.open.len() {
            let Some(open) = self.open.get_mut(index) else { continue };
            let before = open.document.verdict.clone();
            if open.event.verdict == Verdict::Open
                || before.as_ref().is_some_and(|verdict| verdict.cycle != 0)
            {
                continue;
            }
            // Each is said once: the same words about another event are another reason.
            let said = self.reasons.iter().position(|reason| reason.hash == open.event.why);
            let reason = said.map(|said| self.reasons.remove(said));
            open.document.judge(&open.event, reason.as_ref());
            if open.document.verdict != before {
                let document = open.document.clone();
                self.write(&document);
            }
        }
    }

    /// Cut out the cycles of an event, once they are there.
    fn keep(&mut self, index: usize, ending: bool) {
        let Some(open) = self.open.get_mut(index) else { return };
        let Some(until) = open.until.filter(|until| ending || self.status.index.load(Relaxed) >= *until)
        else {
            return;
        };
        let interval = self.cell.task.interval_ns.max(1);
        let rule = self.cell.jidoka.get(usize::from(open.event.rule));
        let before = rule.map_or(0, |rule| rule.before_ns / interval);
        let cycle = open.event.cycle;
        let cut_out = || -> anyhow::Result<Option<LogFacts>> {
            let log = LogReader::open_file(&self.log)
                .with_context(|| format!("cannot read {}", self.log.display()))?;
            if log.last_cycle() < until && !ending {
                return Ok(None);
            }
            let range = cycle.saturating_sub(before)..=until;
            let (file, sha256, cut) = self.shelf.put_log(&open.document.stem(), |file| {
                Ok(cut(&log, cycle, range, file).map(|(cut, _)| cut)?)
            })?;
            Ok(Some(LogFacts { file, sha256, first: cut.cycles.0, last: cut.cycles.1 }))
        };
        match cut_out() {
            // The writer of the log is behind.
            Ok(None) => return,
            Ok(found) => open.document.log = found,
            Err(error) => open.document.trouble = Some(format!("{error:#}")),
        }
        open.until = None;
        let document = open.document.clone();
        self.write(&document);
        self.shelf.tidy();
        let text = match (&document.log, &document.trouble) {
            (Some(log), _) => format!(
                "jidoka event {} ({}): cycles {} to {} are kept as {}",
                document.event,
                document.rule,
                log.first,
                log.last,
                self.shelf.directory().join(&log.file).display()
            ),
            (None, trouble) => format!(
                "jidoka event {} ({}): its cycles are not kept: {}",
                document.event,
                document.rule,
                trouble.as_deref().unwrap_or_default()
            ),
        };
        let _ = self.tell.send(text);
    }

    fn write(&self, document: &Document) {
        if let Err(error) = self.shelf.put(document) {
            let (event, rule) = (document.event, &document.rule);
            let _ = self.tell.send(format!("jidoka event {event} ({rule}): {error:#}"));
        }
    }
}
