//! A run from outside the cycle: threads, signals, status, the end.
//!
//! The cyclic thread is set up and driven in [`crate::cyclic`]; this side owns everything that may block.

use crate::{
    cyclic::{self, Outcome, Plan},
    inbox::{Inbox, entry},
    machine::UNCLEAN,
    recorder::LogSession,
    rt,
    source::Files,
    status::Status,
    summary::Summary,
    watchdog,
};
use sensai_model::{
    Cell,
    record::{InboxKind, InboxSource},
};
use sensai_scripts::ProgramError;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
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
    /// No live status.
    pub quiet: bool,
    /// Never spin.
    pub no_spin: bool,
    /// Seccomp filter after warm-up.
    pub guard: bool,
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
    let stop = Arc::new(AtomicBool::new(false));
    let edge = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second signal of the kind ends the process at once: the shutdown itself may hang on a dead bus.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    signal_hook::flag::register(SIGUSR1, Arc::clone(&edge))?;

    let (session, log) = LogSession::open(cell, options)?;
    for text in session.recovered() {
        eprintln!("{text}");
    }
    let unclean = session.unclean();
    let (mut commands, inbox) = Inbox::new();
    let mut command = |kind, source, argument| {
        // Full only if the cyclic thread has not taken anything for a long time; then nothing helps anyway.
        let _ = commands.push(entry(kind, source, [argument, 0, 0]));
    };
    command(InboxKind::Startup, InboxSource::RUNTIME, if unclean { UNCLEAN } else { 0 });
    let auto_start = interface.is_none() && cell.simulation.auto_start;
    if options.start || auto_start {
        let source = if options.start { InboxSource::TERMINAL } else { InboxSource::AUTO_START };
        command(InboxKind::Reset, source, 0);
        command(InboxKind::Start, source, 0);
    }

    let status = Arc::new(Status::default());
    let outcome = Arc::new(Mutex::new(None));
    let (errors, mut texts) = rtrb::RingBuffer::new(16);
    let plan = Plan {
        cell: Arc::clone(cell),
        interface: interface.clone(),
        cycles: options.cycles.or_else(|| if interface.is_none() { stop_after(cell) } else { None }),
        virtual_time: options.virtual_time,
        no_spin: options.no_spin,
        guard: options.guard,
        first_index: session.first_cycle(),
        core: cell.task.core.or_else(|| rt::cores().last().copied()),
    };
    let cyclic = {
        let (status, outcome) = (Arc::clone(&status), Arc::clone(&outcome));
        std::thread::Builder::new().name("cyclic".into()).stack_size(4 << 20).spawn(move || {
            cyclic::run(&plan, inbox, log, errors, &status, &outcome);
        })?
    };
    let watchdog_ns = process_watchdog_ns(cell, interface.is_some());
    if !options.virtual_time {
        let status = Arc::clone(&status);
        let priority = cell.task.priority + 1;
        let core = rt::cores().first().copied();
        std::thread::Builder::new().name("watchdog".into()).spawn(move || {
            // Without the privilege it watches all the same; the cyclic side reports what is missing.
            let _ = core.map(rt::pin);
            let _ = rt::fifo(priority);
            watchdog::watch(&status, watchdog_ns, || watchdog::abort(&status));
        })?;
    }

    let mut display = Display::new(options.quiet);
    let mut stopping = false;
    while !status.finished.load(Relaxed) && !cyclic.is_finished() {
        std::thread::sleep(LOOK);
        if stop.load(Relaxed) && !stopping {
            stopping = true;
            command(InboxKind::Shutdown, InboxSource::SIGNAL, 0);
        }
        if edge.swap(false, Relaxed) {
            command(InboxKind::Reset, InboxSource::SIGNAL, 0);
            command(InboxKind::Start, InboxSource::SIGNAL, 0);
        }
        display.tell(&mut texts, cell, &session);
        display.show(&status);
    }
    let finished = wait_for(&outcome, &cyclic);
    display.tell(&mut texts, cell, &session);
    display.clear();
    let log = session.close(cell)?;
    match finished {
        Some(Ok(mut outcome)) => {
            let (thread, before) = outcome.thread;
            if let (true, Some(now)) = (outcome.guarded, rt::page_faults_of(thread)) {
                outcome.page_faults = (now.0 - before.0, now.1 - before.1);
            }
            Ok(Summary::new(cell, options, interface, outcome, &status, log))
        }
        Some(Err(error)) => Err(error),
        None => anyhow::bail!("the cyclic thread ended without a result; this is a bug in sensai"),
    }
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

/// Below the SyncManager watchdog, above the task's deadline. On the embedded segment nothing can move, and a
/// laptop that stalls for a moment should not end the run.
fn process_watchdog_ns(cell: &Cell, real_bus: bool) -> u64 {
    const EMBEDDED_NS: u64 = 5_000_000_000;
    match (real_bus, cell.bus.watchdog_ns) {
        (false, _) | (true, 0) => EMBEDDED_NS,
        (true, watchdog) => (watchdog / 5 * 4).max(2 * cell.task.interval_ns),
    }
}

/// Live status on a terminal, texts of faults everywhere.
struct Display {
    live: bool,
    shown: bool,
    lines: u32,
}

/// Program errors printed at most; a program that faults and is reset in a loop must not fill the disk.
const TEXTS_MAX: u32 = 100;

impl Display {
    fn new(quiet: bool) -> Self {
        Self { live: !quiet && std::io::stderr().is_terminal(), shown: false, lines: 0 }
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
        eprint!(
            "\r\x1b[2K{}{fault}  cycle {}  longest {:.0} µs  start error {:.0} µs  lost {}  invalid {}  overruns {}  \
             (Ctrl-C ends)",
            status.mode().name(),
            status.index.load(Relaxed),
            us(&status.execution_max),
            us(&status.start_error_max),
            status.lost.load(Relaxed),
            status.invalid.load(Relaxed),
            status.overruns.load(Relaxed),
        );
        let _ = std::io::stderr().flush();
        self.shown = true;
    }

    fn tell(&mut self, texts: &mut rtrb::Consumer<Box<ProgramError>>, cell: &Cell, session: &LogSession) {
        while let Ok(error) = texts.pop() {
            self.clear();
            self.lines += 1;
            if self.lines > TEXTS_MAX {
                continue;
            }
            let fault = error.fault;
            let program = cell.task.programs.get(usize::from(fault.source));
            let path = program.map_or("?", |program| &program.path);
            let text =
                format!("{path}:{}:{}: F{}: {}", fault.line, fault.column, fault.code.id(), error.text);
            session.event(&text);
            eprintln!("{text}");
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[2K");
        }
    }
}
