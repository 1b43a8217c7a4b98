//! A run without a bus: the machine, its log, and who reloads.

use crate::versions::{NAMES, Version};
use rt_tests::{
    alloc_guard::counting,
    clock::wait_for,
    harness::{count, exclusive},
    seeded::Random,
};
use sensai::{
    control::{peer::Peer, protocol::Failure},
    cycle::cycle,
    inbox::{Inbox, entry},
    machine::{CycleTime, Machine, Mode},
    pace::{Pace, Wake},
    programs::{Compiler, compile},
    recorder::{LogSession, Recorder},
    reload::{self, Applied, Desk, Port, Request, SharedFacts, Wiring},
    replay,
    run::Options,
    source::Source,
    states::Editions,
    status::Status,
    timing::StepTimes,
};
use sensai_fieldbus::{Bus, Exchange};
use sensai_log::LogReader;
use sensai_model::{
    Cell,
    record::{InboxEntry, InboxKind, InboxSource},
};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, MutexGuard, mpsc},
    time::Duration,
};

const CELL: &str = r#"
[cell]
name = "reloaded"
[tasks.main]
interval = "1ms"
on_overrun = "stop"
programs = ["programs/main.rhai"]
[tasks.slow]
interval = "4ms"
programs = ["programs/slow.rhai"]
[devices]
coupler = { type = "EK1100" }
inputs = { type = "EL1008" }
[tags]
main.bad = { input = "inputs.channel_1" }
slow.bad = { input = "inputs.channel_2" }
main.count = { type = "i64" }
slow.count = { type = "i64" }
[log]
keyframe_interval = "200ms"
"#;

pub type Values = BTreeMap<String, Vec<u8>>;

pub struct Wires(pub u8);

impl Bus for Wires {
    fn exchange(&mut self, _outputs: &[u8], inputs: &mut [u8], _deadline_ns: u64) -> Exchange {
        if let Some(first) = inputs.first_mut() {
            *first = self.0;
        }
        Exchange { valid: u32::MAX, lost: false, ..Exchange::NONE }
    }
    fn acyclic(&mut self, _until_ns: u64) {}
}

/// The last cycle, and whether the next one finds that it was late.
pub struct Next(pub u64, pub bool);

impl Pace for Next {
    fn wake(&mut self) -> (CycleTime, Wake) {
        self.0 += 1;
        (
            CycleTime { index: self.0, skipped: 0, first: self.0 == 1 },
            Wake { overrun: std::mem::take(&mut self.1), ..Wake::default() },
        )
    }
    fn next_ns(&self) -> u64 {
        u64::MAX
    }
}

/// A run without a bus: the machine, its log, and who reloads.
pub struct Rig {
    folder: tempfile::TempDir,
    pub machine: Machine,
    recorder: Recorder,
    port: Port,
    inbox: Inbox,
    /// Into the inbox.
    commands: Box<dyn FnMut(InboxEntry) -> bool>,
    pub wires: Wires,
    pub pace: Next,
    times: StepTimes,
    session: Option<LogSession>,
    desk: Option<Desk>,
    pub facts: SharedFacts,
    pub told: mpsc::Receiver<String>,
    status: Arc<Status>,
    pub cell: Arc<Cell>,
    /// Memory is the whole process's: one run after the other.
    _alone: MutexGuard<'static, ()>,
}

impl Rig {
    pub fn new(versions: &[Version; 2]) -> Self {
        let alone = exclusive();
        let folder = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(folder.path().join("programs")).unwrap();
        fs::write(folder.path().join("cell.toml"), CELL).unwrap();
        for (version, name) in versions.iter().zip(NAMES) {
            fs::write(folder.path().join(format!("programs/{name}.rhai")), version.text(name)).unwrap();
        }
        let source = Source::from_directory(folder.path());
        let cell = source.cell.clone().unwrap_or_else(|| panic!("{}", source.render(false)));
        let log = Some(folder.path().join("a.snlog"));
        let options = Options { log, files: source.files.clone(), ..Options::default() };
        let (session, producer) = LogSession::open(&cell, &options).unwrap();
        let machine = Machine::new(Arc::clone(&cell), compile(&cell).unwrap());
        let recorder = Recorder::new(producer, &machine, true);
        let (port, dock) = reload::channel(2);
        let (tell, told) = mpsc::channel();
        let (facts, status) = (SharedFacts::default(), Arc::new(Status::default()));
        let root = folder.path().to_path_buf();
        let desk = Desk::start(Wiring {
            cell: Arc::clone(&cell),
            read: Box::new(move |path| fs::read(root.join(path)).map_err(|error| error.to_string())),
            configuration: CELL.into(),
            shop: Box::new(Compiler),
            dock,
            epochs: session.epochs(),
            retained: None,
            audit: None,
            tell,
            editions: Editions::default(),
            facts: Arc::clone(&facts),
            status: Arc::clone(&status),
            cyclic_core: None,
        });
        let (mut commands, inbox) = Inbox::new();
        let mut rig = Self {
            folder,
            machine,
            recorder,
            port,
            inbox,
            commands: Box::new(move |entry| commands.push(entry).is_ok()),
            wires: Wires(0),
            pace: Next(0, false),
            times: StepTimes::default(),
            session: Some(session),
            desk: Some(desk.unwrap()),
            facts,
            told,
            status,
            cell,
            _alone: alone,
        };
        rig.command(InboxKind::Startup);
        rig.command(InboxKind::Start);
        rig.cycles(8);
        rig
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("a.snlog")
    }

    pub fn command(&mut self, kind: InboxKind) {
        assert!((self.commands)(entry(kind, InboxSource::TERMINAL, [0; 3])));
    }

    pub fn cycle(&mut self) {
        let Self { machine, recorder, port, inbox, wires, pace, times, .. } = self;
        let (exchange, counts) = counting(|| {
            port.before_cycle(machine, recorder);
            let (time, _, exchange) = cycle(machine, wires, pace, inbox, recorder, times);
            port.after_cycle(machine, recorder, time.index);
            exchange
        });
        // What is made on first use, such as this thread's own storage, is made by then.
        assert!(self.pace.0 < 4 || counts.is_quiet(), "cycle {} used the heap: {counts:?}", self.pace.0);
        self.machine.take_error();
        self.status.update(&self.machine, self.pace.0, &exchange, 1);
        if self.pace.0.is_multiple_of(64) {
            self.let_the_log_follow();
        }
    }

    /// Cycles come faster here than those of a machine, and than the disk of a busy computer takes their records.
    fn let_the_log_follow(&self) {
        let statistics = || self.session.as_ref().and_then(LogSession::statistics);
        let follows = || statistics().is_none_or(|(_, of)| of.records + 256 >= self.pace.0).then_some(());
        assert!(wait_for(Duration::from_secs(60), follows).is_some(), "{:?}", statistics());
    }

    pub fn cycles(&mut self, cycles: u64) {
        (0..cycles).for_each(|_| self.cycle());
    }

    /// Ask for a reload, and run cycles until there is an answer. Returns the states before the swap, too.
    pub fn reload(&mut self, texts: &[String; 2], probation: u64) -> (Result<Applied, Failure>, [Values; 2]) {
        for (text, name) in texts.iter().zip(NAMES) {
            fs::write(self.folder.path().join(format!("programs/{name}.rhai")), text).unwrap();
        }
        let (reply, answer) = mpsc::channel();
        let why = String::new();
        let request = Request { program: None, probation, why, who: Peer::own(), words: None, reply };
        self.desk.as_ref().unwrap().requests().send(request).unwrap();
        loop {
            let (edition, before) = (self.machine.edition(), self.values());
            self.cycle();
            if self.machine.edition() != edition {
                return (answer.recv().unwrap(), before);
            }
            match answer.try_recv() {
                Ok(result) => return (result, before),
                Err(_) => std::thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    /// The bytes of every leaf of both programs.
    pub fn values(&self) -> [Values; 2] {
        [0, 1].map(|index| {
            let program = &self.machine.programs()[index];
            let leaves = program.layout().leaves().into_iter();
            let bytes = |at: usize, len: usize| program.state()[at..at + len].to_vec();
            leaves
                .map(|leaf| (format!("this.{}", leaf.path), bytes(leaf.offset, leaf.shape.size() as usize)))
                .collect()
        })
    }

    /// Reset and start behind a fault that stopped the machine.
    pub fn recover(&mut self) {
        self.command(InboxKind::Reset);
        self.command(InboxKind::Start);
        self.cycles(2);
        assert_eq!((self.machine.mode(), self.machine.fault()), (Mode::Run, None));
    }

    /// End the run: its log, and what people were told.
    pub fn end(&mut self) -> (LogReader<fs::File>, Vec<String>) {
        drop(self.desk.take());
        let told = self.told.try_iter().collect();
        self.session.take().unwrap().close(&self.cell).unwrap();
        (LogReader::open_file(&self.log()).unwrap(), told)
    }

    /// End the run, and replay all of it. The epochs of its log, and what people were told.
    pub fn finish(mut self, random: &mut Random) -> (u64, Vec<String>) {
        let (reader, told) = self.end();
        let report = reader.verify().unwrap();
        println!(
            "{} epochs, {} keyframes and {} incomplete ones, {} bytes",
            report.epochs, report.keyframes, report.keyframes_incomplete, report.file_len
        );
        assert_eq!((&report.bad, report.gaps.len()), (&None, 0));
        // Each epoch begins with one; it is complete unless another epoch follows within a few cycles.
        let keyframes = report.keyframes + report.keyframes_incomplete;
        assert!(keyframes >= report.epochs && report.keyframes > report.epochs * 2 / 3, "{report:?}");
        let last = self.pace.0;
        let whole = replay::replay(&reader, &replay::Options::default(), &mut |_| ()).unwrap();
        assert!(whole.is_proof(), "{whole}");
        assert_eq!(whole.verified, [(1, last)], "{whole}");
        for _ in 0..count(25, 500) {
            let from = 1 + random.within(0..last);
            let to = Some((from + 300).min(last));
            let options = replay::Options { from: Some(from), to, hashes: None };
            let part = replay::replay(&reader, &options, &mut |_| ()).unwrap();
            assert!(part.is_proof(), "from {from}: {part}");
        }
        (report.epochs, told)
    }
}
