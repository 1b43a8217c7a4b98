//! A run from outside the cycle: threads, signals, status, the end.
//!
//! The cyclic thread is set up and driven in [`crate::cyclic`]; this side owns everything that may block.

use crate::{
    control::session::{Claim, Control, Listen, Ways},
    cyclic::{self, Doors, Outcome, Panicked, Plan},
    evidence::{Evidence, Keeper, Shelf},
    inbox::{Inbox, entry},
    inference,
    machine::{Machine, UNCLEAN, reload::PROBATION},
    programs,
    recorder::LogSession,
    reload::{self, SharedFacts},
    retained::{self, Restart},
    rt, signals,
    sim_faults::{self, SimFault},
    source::Files,
    status::Status,
    summary::Summary,
    twin, watchdog,
};
use anyhow::Context;
use sensai_fieldbus::wire::RawSocket;
use sensai_model::{
    Cell,
    cell::ProgramSource,
    config, packml,
    record::{InboxKind, InboxSource},
};
use sensai_scripts::ProgramError;
use signal_hook::consts::SIGUSR1;
use std::{
    fmt,
    io::{IsTerminal, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    time::Duration,
};

/// What the command line asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Overrides `[bus] interface`.
    pub interface: Option<String>,
    /// Stop after this many cycles.
    pub cycles: Option<u64>,
    /// As fast as it goes.
    pub virtual_time: bool,
    /// Record into this file.
    pub log: Option<PathBuf>,
    /// The cell's files, for the log.
    pub files: Files,
    /// Start edge at once, also on a real bus.
    pub start: bool,
    /// What is to go wrong on the embedded segment.
    pub sim_faults: Vec<SimFault>,
    /// No live status.
    pub quiet: bool,
    /// Never spin.
    pub no_spin: bool,
    /// Seccomp filter after warm-up.
    pub guard: bool,
    /// Directory of the retained data; `None` keeps nothing.
    pub retain: Option<PathBuf>,
    /// How much of it this start takes over.
    pub restart: Restart,
    /// Where people and tools may look, and give commands.
    pub control: Control,
    /// Group that may open the control socket, beside its owner.
    pub control_group: Option<String>,
    /// A way in from a network.
    pub listen: Option<Listen>,
    /// The cell's directory, to reload programs from; `None`: they cannot be.
    pub directory: Option<PathBuf>,
    /// Reload programs whenever their files change.
    pub watch: bool,
    /// Runs for which a watched reload may be undone; 0 for the usual number.
    pub probation: u64,
}

/// How often the outside looks at the cycle.
const LOOK: Duration = Duration::from_millis(100);

/// A bound on everything the end of a run may take: shutdown of the bus, last blocks of the log.
const END_LOOKS_MAX: u32 = 100;

/// Run `cell` until somebody or something ends it.
///
/// # Errors
/// Whatever kept it from coming up, or the log from being written: a text for one screen.
pub fn run(cell: &Arc<Cell>, options: &Options) -> anyhow::Result<Summary> {
    let interface = interface(cell, options);
    let sim_faults = sim_faults::resolve(cell, &options.sim_faults).context("--sim-fault")?;
    if let (Some(name), false) = (&interface, sim_faults.is_empty()) {
        anyhow::bail!(
            "--sim-fault is for the embedded segment, and this run is on {name}: give --fault to `sensai sim` there, \
             or --virtual here"
        );
    }
    let stop = Arc::new(AtomicBool::new(false));
    let edge = Arc::new(AtomicBool::new(false));
    // The second signal of the kind ends the process at once: the shutdown itself may hang on a dead bus.
    signals::end_by_flag(&stop, true)?;
    signal_hook::flag::register(SIGUSR1, Arc::clone(&edge))?;

    // Before the log: an interface, a place or a model that cannot be used leaves no trace in it.
    let socket = interface.as_deref().map(RawSocket::open).transpose()?;
    let core = cell.task.core.or_else(|| rt::cores().last().copied());
    let claim = Claim::new(cell, options, interface.as_deref())?;
    // On this thread, which is no real-time one: the library's threads would inherit its policy.
    let settings = inference::Settings { virtual_time: options.virtual_time, cyclic_core: core };
    let (beside, mut watch) = inference::start(cell, settings)?.unzip();
    let kept =
        options.retain.as_deref().map(|directory| keep(cell, directory, options.restart)).transpose()?;
    let start = kept.as_ref().and_then(|kept| kept.start.clone());
    let mut recorded = options.clone();
    if let Some(start) = &start {
        recorded.files.insert(retained::CONTENT.into(), start.clone());
    }
    let (session, log) = LogSession::open(cell, &recorded)?;
    for text in session.recovered() {
        say(format_args!("{text}\n"));
    }
    let unclean = session.unclean();
    if let Some(text) = twin::provenance(cell).filter(|_| interface.is_none()) {
        session.event(&text);
    }
    for fault in &options.sim_faults {
        session.event(&format!("ordered for the simulated segment: {fault}"));
    }
    let (mut commands, mut inbox) = Inbox::new();
    if let Some(beside) = beside {
        inbox.open_results(beside);
    }
    // False if there is no room: while the bus comes up, nobody takes anything.
    let mut command = |kind, source, argument: [i64; 3]| commands.push(entry(kind, source, argument)).is_ok();
    command(InboxKind::Startup, InboxSource::RUNTIME, [if unclean { UNCLEAN } else { 0 }, 0, 0]);
    let auto_start = interface.is_none() && cell.simulation.auto_start;
    if auto_start {
        command(InboxKind::Reset, InboxSource::AUTO_START, [0; 3]);
        command(InboxKind::Start, InboxSource::AUTO_START, [0; 3]);
        if !cell.units.is_empty() {
            // All units, with all commands that lead to Execute.
            let start = packml::Command::Start as i64;
            command(InboxKind::UnitCommand, InboxSource::AUTO_START, [-1, start, 1]);
        }
    } else if options.start {
        // No reset: a service that is restarted after a crash must not acknowledge the crash by itself.
        command(InboxKind::Start, InboxSource::TERMINAL, [0; 3]);
    }

    let status = Arc::new(Status::default());
    let (mut evidence, evidence_tap, reasons) = match keep_events(cell, options, &status)? {
        Some(kept) => (Some(kept.keeper), Some(kept.tap), Some(kept.reasons)),
        None => (None, None, None),
    };
    let (mut reloading, port) =
        reload(cell, options, &session, &status, core, &claim, kept.as_ref())?.unzip();
    let ways = Ways {
        reasons,
        reloads: reloading.as_ref().map(|of| of.desk.requests()),
        reload: reloading.as_ref().map_or_else(SharedFacts::default, |of| Arc::clone(&of.facts)),
    };
    let mut control = claim.serve(cell, options, &status, core, &mut inbox, ways)?;
    if !control.told().is_empty() {
        say(format_args!("{}\n", control.told()));
    }
    let outcome = Arc::new(Mutex::new(None));
    let (errors, mut texts) = rtrb::RingBuffer::new(16);
    let plan = Plan {
        cell: Arc::clone(cell),
        cycles: options.cycles.or_else(|| if interface.is_none() { stop_after(cell) } else { None }),
        virtual_time: options.virtual_time,
        no_spin: options.no_spin,
        guard: options.guard,
        first_index: session.first_cycle(),
        core,
        retained: start,
        sim_faults,
    };
    let (keeper, tap) = kept.map_or((None, None), |kept| (Some(kept.keeper), Some(kept.tap)));
    // The watchdog first: no machine may run without one because a thread could not be made.
    if !options.virtual_time {
        let status = Arc::clone(&status);
        let priority = cell.task.priority.saturating_add(1);
        let core = watchdog_core(&rt::cores(), plan.core);
        let timeout_ns = watchdog::timeout_ns(cell, interface.is_some());
        std::thread::Builder::new().name("watchdog".into()).spawn(move || {
            rt::block_signals();
            // Without the privilege it watches all the same; the cyclic side reports what is missing.
            let _ = core.map(rt::pin);
            let _ = rt::fifo(priority);
            watchdog::watch(&status, timeout_ns, || watchdog::abort(&status));
        })?;
    }
    let doors = Doors {
        inbox,
        log,
        publisher: control.publisher(),
        retained: tap,
        evidence: evidence_tap,
        reload: port,
    };
    let cyclic = {
        let (status, outcome) = (Arc::clone(&status), Arc::clone(&outcome));
        std::thread::Builder::new().name("cyclic".into()).stack_size(4 << 20).spawn(move || {
            cyclic::run(&plan, socket, doors, errors, &status, &outcome);
        })?
    };

    let mut display = Display::new(options.quiet);
    let mut stopping = false;
    while !status.finished.load(Relaxed) && !cyclic.is_finished() {
        std::thread::sleep(LOOK);
        if stop.load(Relaxed) && !stopping {
            stopping = command(InboxKind::Shutdown, InboxSource::SIGNAL, [0; 3]);
        }
        if status.cycles.load(Relaxed) > 0 && edge.swap(false, Relaxed) {
            command(InboxKind::Reset, InboxSource::SIGNAL, [0; 3]);
            command(InboxKind::Start, InboxSource::SIGNAL, [0; 3]);
        }
        display.tell(&mut texts, cell, &session);
        control.look_after(&session);
        for text in evidence.iter().flat_map(Keeper::told) {
            display.clear();
            session.event(&text);
            say(format_args!("{text}\n"));
        }
        for text in reloading.iter().flat_map(|of| of.told.try_iter()) {
            display.clear();
            session.event(&text);
            say(format_args!("{text}\n"));
        }
        for text in watch.iter_mut().flat_map(inference::Watch::look) {
            display.clear();
            session.event(&text);
            say(format_args!("{text}\n"));
        }
        display.show(&status);
    }
    let finished = wait_for(&outcome, &cyclic);
    display.tell(&mut texts, cell, &session);
    display.clear();
    control.close(&session);
    for text in reloading.take().into_iter().flat_map(Reloading::finish) {
        session.event(&text);
        say(format_args!("{text}\n"));
    }
    if let Some(watch) = watch {
        watch.finish();
    }
    if let Some(trouble) = keeper.and_then(retained::Keeper::finish) {
        say(format_args!("retained data: {trouble}\n"));
    }
    match finished {
        Some(Ok(mut outcome)) => {
            if let Some(text) = &outcome.twin {
                session.event(&format!("the twin stopped: {text}"));
            }
            let log = session.close(cell);
            finish_events(&mut evidence);
            let (thread, before) = outcome.thread;
            if let (true, Some(now)) = (outcome.guarded, rt::page_faults_of(thread)) {
                outcome.page_faults = (now.0 - before.0, now.1 - before.1);
            }
            Ok(Summary::new(cell, options, interface, outcome, &status, log))
        }
        Some(Err(error)) => {
            if unclean || error.is::<Panicked>() {
                // Not acknowledged yet: the next start comes up faulted as this one did, or should have.
                session.event(&format!("{error:#}"));
                session.abandon();
            } else if let Err(log) = session.close(cell) {
                say(format_args!("{log:#}\n"));
            }
            finish_events(&mut evidence);
            Err(error)
        }
        None => {
            session.abandon();
            finish_events(&mut evidence);
            anyhow::bail!("the cyclic thread ended without a result; this is a bug in sensai")
        }
    }
}

/// The retained data of the cell, and what there is to say about it.
fn keep(
    cell: &Arc<Cell>,
    directory: &std::path::Path,
    restart: Restart,
) -> anyhow::Result<retained::Session> {
    let mut machine = Machine::new(Arc::clone(cell), programs::compile(cell)?);
    let session = retained::begin(&mut machine, directory, restart)?;
    for text in &session.told {
        say(format_args!("retained data: {text}\n"));
    }
    Ok(session)
}

/// What reloads programs in a run.
struct Reloading {
    /// Before the desk: it asks there.
    watch: Option<reload::Watch>,
    desk: reload::Desk,
    facts: SharedFacts,
    /// For people and the log, one text each.
    told: mpsc::Receiver<String>,
}

impl Reloading {
    /// What was told last.
    fn finish(self) -> Vec<String> {
        let Self { watch, desk, told, .. } = self;
        // The watch may wait for an answer of the desk, which gives none any more.
        drop(desk);
        drop(watch);
        told.try_iter().collect()
    }
}

/// Have somebody who reloads programs, if the cell has a directory to read them from.
fn reload(
    cell: &Arc<Cell>,
    options: &Options,
    session: &LogSession,
    status: &Arc<Status>,
    core: Option<usize>,
    claim: &Claim,
    kept: Option<&retained::Session>,
) -> anyhow::Result<Option<(Reloading, reload::Port)>> {
    let Some(directory) = options.directory.clone() else { return Ok(None) };
    let (port, dock) = reload::channel(cell.programs().count());
    let (tell, told) = mpsc::channel();
    let facts = SharedFacts::default();
    let root = directory.clone();
    let desk = reload::Desk::start(reload::Wiring {
        cell: Arc::clone(cell),
        read: Box::new(move |path| std::fs::read(root.join(path)).map_err(|error| error.to_string())),
        configuration: options.files.get(config::FILE_NAME).cloned().unwrap_or_default(),
        shop: Box::new(programs::Compiler),
        dock,
        epochs: session.epochs(),
        retained: kept.map(|kept| kept.keeper.announcer()),
        audit: claim.audit(),
        tell,
        facts: Arc::clone(&facts),
        editions: claim.editions(),
        status: Arc::clone(status),
        cyclic_core: core,
    });
    let desk = desk.context("cannot make a thread")?;
    let watched = || {
        let of = |(_, program): (usize, &ProgramSource)| {
            let libraries = program.libraries.iter().map(|library| library.path.clone());
            libraries.chain([program.path.clone()]).collect::<Vec<_>>()
        };
        let files = cell
            .programs()
            .flat_map(of)
            .filter_map(|path| options.files.get_key_value(&path))
            .map(|(path, bytes)| (path.clone(), bytes.clone()));
        let probation = if options.probation == 0 { PROBATION } else { options.probation };
        reload::Watch::start(&directory, files.collect(), probation, desk.requests())
    };
    let watch = options.watch.then(watched).transpose().context("cannot make a thread")?;
    Ok(Some((Reloading { watch, desk, facts, told }, port)))
}

/// Keep what is recorded around jidoka events, if anything is recorded and there are rules.
fn keep_events(
    cell: &Arc<Cell>,
    options: &Options,
    status: &Arc<Status>,
) -> anyhow::Result<Option<Evidence>> {
    let Some(log) = options.log.as_ref().filter(|_| !cell.jidoka.is_empty()) else { return Ok(None) };
    let kept = Keeper::start(cell, log, Shelf::beside(log), status).context("cannot make a thread")?;
    Ok(Some(kept))
}

/// The log is complete: keep what is still wanted of it.
fn finish_events(keeper: &mut Option<Keeper>) {
    for text in keeper.take().into_iter().flat_map(Keeper::finish) {
        say(format_args!("{text}\n"));
    }
}

/// Another core than the cyclic thread's, if there is one.
fn watchdog_core(cores: &[usize], cyclic: Option<usize>) -> Option<usize> {
    cores.iter().copied().find(|core| Some(*core) != cyclic).or(cyclic)
}

/// To standard error, which may be closed or full of what nobody reads: that must not end a run.
fn say(text: fmt::Arguments<'_>) {
    let _ = std::io::stderr().write_fmt(text);
}

/// `None` is the embedded segment; `sim` says so explicitly, and virtual time is possible nowhere else.
fn interface(cell: &Cell, options: &Options) -> Option<String> {
    let asked = options.interface.clone().or_else(|| cell.bus.interface.clone());
    asked.filter(|name| name != "sim" && !options.virtual_time)
}

/// Cycles until the simulation's own end.
fn stop_after(cell: &Cell) -> Option<u64> {
    cell.simulation.stop_after_ns.map(|ns| (ns / cell.task.interval_ns).max(1))
}

/// The outcome, once the cyclic thread has left it. Under the guard that thread never ends: it may not.
fn wait_for(
    outcome: &Mutex<Option<anyhow::Result<Outcome>>>,
    cyclic: &std::thread::JoinHandle<()>,
) -> Option<anyhow::Result<Outcome>> {
    for _ in 0..END_LOOKS_MAX {
        let ended = cyclic.is_finished();
        if let Some(found) = outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            return Some(found);
        }
        if ended {
            break;
        }
        std::thread::sleep(LOOK);
    }
    None
}

/// Live status on a terminal, texts of faults everywhere.
struct Display {
    live: bool,
    shown: bool,
    lines: u32,
    /// What was last said about the log.
    trouble: Option<String>,
}

/// Program errors printed at most; a program that faults and is reset in a loop must not fill the disk.
const TEXTS_MAX: u32 = 100;

impl Display {
    fn new(quiet: bool) -> Self {
        Self { live: !quiet && std::io::stderr().is_terminal(), shown: false, lines: 0, trouble: None }
    }

    fn show(&mut self, status: &Status) {
        if !self.live || status.cycles.load(Relaxed) == 0 {
            return;
        }
        let us = |cell: &std::sync::atomic::AtomicU64| cell.swap(0, Relaxed) as f64 / 1000.0;
        let fault = match status.fault.load(Relaxed) {
            0 => String::new(),
            id => format!(" F{id}"),
        };
        let forced = match status.forced.load(Relaxed) {
            0 => String::new(),
            count => format!("  FORCED {count}"),
        };
        say(format_args!(
            "\r\x1b[2K{}{fault}{forced}  cycle {}  longest {:.0} µs  start error {:.0} µs  lost {}  invalid {}  overruns {}  \
             (Ctrl-C ends)",
            status.mode().name(),
            status.index.load(Relaxed),
            us(&status.execution_max),
            us(&status.start_error_max),
            status.lost.load(Relaxed),
            status.invalid.load(Relaxed),
            status.overruns.load(Relaxed),
        ));
        let _ = std::io::stderr().flush();
        self.shown = true;
    }

    fn tell(&mut self, texts: &mut rtrb::Consumer<ProgramError>, cell: &Cell, session: &LogSession) {
        while let Ok(error) = texts.pop() {
            self.clear();
            self.lines += 1;
            if self.lines > TEXTS_MAX {
                continue;
            }
            let fault = error.fault;
            let program = cell.programs().nth(usize::from(fault.source));
            let path = program.map_or("?", |(_, program)| &program.path);
            let text =
                format!("{path}:{}:{}: F{}: {}", fault.line, fault.column, fault.code.id(), error.text);
            session.event(&text);
            say(format_args!("{text}\n"));
        }
        self.tell_of_log(session);
    }

    /// A log that fails is told once, and again when it fails in another way.
    fn tell_of_log(&mut self, session: &LogSession) {
        let trouble = session.trouble();
        if trouble != self.trouble {
            if let Some(text) = &trouble {
                self.clear();
                say(format_args!("log: {text}\n"));
            }
            self.trouble = trouble;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            say(format_args!("\r\x1b[2K"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_keeps_off_the_cyclic_core() {
        assert_eq!(watchdog_core(&[0, 1], Some(1)), Some(0));
        assert_eq!(watchdog_core(&[0, 1], Some(0)), Some(1));
        assert_eq!(watchdog_core(&[3], Some(3)), Some(3));
        assert_eq!(watchdog_core(&[], None), None);
    }

    #[test]
    fn only_an_orderly_end_acknowledges_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let source = crate::source::Source::from_directory(&crate::test_cell());
        let cell = source.cell.expect("the example is valid");
        let options = Options {
            log: Some(directory.path().join("a.snlog")),
            files: source.files,
            ..Options::default()
        };
        let open = || {
            let (session, producer) = LogSession::open(&cell, &options).unwrap();
            drop(producer);
            session
        };
        let session = open();
        assert!(!session.unclean() && session.trouble().is_none());
        session.abandon();
        let session = open();
        assert!(session.unclean());
        session.abandon();
        let session = open();
        assert!(session.unclean(), "a start that came to nothing has acknowledged nothing");
        session.close(&cell).unwrap();
        assert!(!open().unclean());
    }
}
