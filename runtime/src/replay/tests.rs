//! Real logs, in memory: the machine, the ring, the writer and the reader, with a writer that may be kept from its work.

use super::player::{LogBus, skipped};
use super::*;
use crate::{
    cycle::{Done, Record, cycle},
    debug::Travel,
    inbox::{Inbox, entry},
    machine::{CycleTime, Machine},
    pace::{Pace, Wake},
    programs,
    recorder::{epoch_spec, fill, layout, state_hash},
    run,
    source::{Files, Source},
    tasks::late::Late,
    timing::StepTimes,
};
use proptest::prelude::*;
use sensai_fieldbus::Exchange;
use sensai_log::{
    KeyframeSlicer,
    append::Appender,
    patch::{Edit, patch},
    ring::{self, Geometry, Producer, RingIdentity, SlotKind},
    writer::WriterCore,
};
use sensai_model::{
    Fault, ScalarType, Value,
    record::{InboxEntry, InboxKind, InboxSource, RecordMut},
};
use std::{
    cell::Cell as Shared,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

const CELL: &str = r#"
[cell]
name = "rig"

[bus]
lost_frames_max = 3

[tasks.main]
interval = "1ms"
programs = ["programs/count.rhai"]
on_overrun = "skip"

[tasks.slow]
interval = "4ms"
programs = ["programs/slow.rhai"]
on_overrun = "skip"

[tasks.slower]
interval = "20ms"
programs = ["programs/slower.rhai"]
on_overrun = "stop"

[devices]
coupler = { type = "EK1100" }
inputs = { type = "EL1008" }
outputs = { type = "EL2008" }

[tags]
level = { input = "inputs.channel_1" }
odd = { output = "outputs.channel_1" }
many = { output = "outputs.channel_2", on_fault = "hold" }
count = { type = "i64" }
half = { type = "i64" }
sum = { type = "i64" }

[parameters]
limit = { default = 30.0, range = [5.0, 100.0] }

[log]
keyframe_interval = "40ms"
"#;

const PROGRAM: &str = r#"
fn init() { #{ n: 0, slow: TON(), retain: #{ total: 0 } } }
fn cycle() {
    if sys.first_cycle { this.n = 0; }
    this.slow.run(io.level, 0.004);
    if io.level { this.n += 1; this.retain.total += 1; }
    if this.n >= param.limit { fault("enough"); }
    io.odd = (this.n + io.half) % 2 == 1;
    io.many = this.slow.Q;
    io.count = this.retain.total;
}
"#;

const SLOW: &str = r#"
fn init() { #{ runs: 0, edge: TON() } }
fn cycle() {
    if sys.first_cycle { this.runs += 1000; }
    this.edge.run(io.level, 0.009);
    this.runs += 1;
    if io.count % 97 == 96 && io.level { fault("slow"); }
    io.half = (io.count + io.sum + this.runs) / 2 + if this.edge.Q { 1 } else { 0 };
}
"#;

const SLOWER: &str = r#"
fn init() { #{ time: 0.0, retain: #{ seen: 0 } } }
fn cycle() {
    this.time += sys.dt;
    this.retain.seen += 1;
    io.sum = (io.sum + io.half + to_int(this.time * 1000.0) + this.retain.seen) % 100000;
}
"#;

fn files() -> Files {
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    Files::from([
        file("cell.toml", CELL),
        file("programs/count.rhai", PROGRAM),
        file("programs/slow.rhai", SLOW),
        file("programs/slower.rhai", SLOWER),
    ])
}

/// What one cycle of the rig is given.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) input: u8,
    exchange: u8,
    pub(crate) command: u8,
    skipped: u8,
    /// The writer empties the ring behind this cycle.
    written: bool,
}

fn step() -> impl Strategy<Value = Step> {
    (any::<u8>(), 0_u8..20, 0_u8..60, 0_u8..40, prop::bool::weighted(0.02)).prop_map(
        |(input, exchange, command, skipped, written)| Step { input, exchange, command, skipped, written },
    )
}

/// Changes a record into one that is not true.
pub(crate) type Lie = fn(&mut RecordMut<'_>);

/// One start of the process: its cycles, and how it ends.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) steps: Vec<Step>,
    /// The ring is full before the first cycle.
    pub(crate) late_writer: bool,
    pub(crate) orderly: bool,
    /// Something untrue about a cycle.
    pub(crate) lie: Option<(u64, Lie)>,
}

fn start() -> impl Strategy<Value = Start> {
    (prop::collection::vec(step(), 1..400), prop::bool::weighted(0.2), any::<bool>())
        .prop_map(|(steps, late_writer, orderly)| Start { steps, late_writer, orderly, lie: None })
}

/// Records as the runtime does, into a ring that this test empties or does not.
struct Rig {
    producer: Producer,
    slicer: KeyframeSlicer,
    state: Vec<u8>,
    hashed: usize,
    fault: Option<Fault>,
    lie: Option<(u64, Lie)>,
}

impl Record for Rig {
    fn record(&mut self, machine: &Machine, done: &Done<'_>) {
        machine.save(&mut self.state);
        let risen = machine.fault().filter(|fault| self.fault != Some(*fault));
        self.fault = machine.fault();
        let layout = layout(machine.cell()).unwrap();
        let gap = self.producer.gap_before();
        if let Some(mut slot) = self.producer.claim() {
            let mut record = slot.record(&layout).unwrap();
            fill(&mut record, machine, done, state_hash(&self.state[..self.hashed]), risen);
            record.add_flags(RecordFlags::default().with(RecordFlags::GAP_BEFORE, gap));
            if let Some((_, tell)) = self.lie.filter(|(cycle, _)| *cycle == done.time.index) {
                tell(&mut record);
            }
            slot.commit(SlotKind::Record, layout.len());
        }
        if self.slicer.due(done.time.index, &self.producer) {
            let state = &self.state;
            self.slicer.capture(done.time.index, &self.producer, |buffer| buffer.copy_from_slice(state));
        }
        self.slicer.step(&mut self.producer);
    }
}

/// Wakes as a real clock would have it: now and then late, with cycles skipped.
struct RigPace {
    time: CycleTime,
    wake: Wake,
}

impl Pace for RigPace {
    fn wake(&mut self) -> (CycleTime, Wake) {
        (self.time, self.wake)
    }

    fn next_ns(&self) -> u64 {
        0
    }
}

/// Append one start to a log.
pub(crate) fn record(log: Vec<u8>, start: &Start) -> Vec<u8> {
    record_as(log, start, files())
}

/// The same, with these files as the cell's in the log.
fn record_as(log: Vec<u8>, start: &Start, told: Files) -> Vec<u8> {
    let mut appender = match log.is_empty() {
        true => Appender::create(log, [7; 16]),
        false => Appender::open(log).expect("a good log").0,
    };
    let source = Source::from_files(&files());
    let cell = source.cell.clone().unwrap_or_else(|| panic!("{}", source.render(false)));
    let mut machine = Machine::new(Arc::clone(&cell), programs::compile(&cell).unwrap());
    // Now and then a run is not done at the next one, two or three releases.
    let late = |step: &Step| if step.input < 40 { u64::from(step.input % 4) } else { 0 };
    machine.run_tasks_on(Box::new(Late::new(&cell, &start.steps.iter().map(late).collect::<Vec<_>>())));
    let options = run::Options { files: told, ..run::Options::default() };
    let unclean = appender.last_cycle() > 0;
    let first = appender.last_cycle() + 1;
    let spec = epoch_spec(&cell, &options, &machine, first).unwrap();
    let session = [(appender.blocks() + 1) as u8; 16];
    let before = appender.written_len();
    let epoch = appender.begin_epoch(&spec, session).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let identity = RingIdentity { session, layout_hash: ring::layout_hash(&epoch.record), pid: 1 };
    let geometry = Geometry::new(&epoch.record, 32);
    let (mut producer, consumer) =
        ring::create(&directory.path().join("r.ring"), geometry, identity).unwrap();
    let mut writer = WriterCore::new(appender, consumer, 1, before);
    let time = Rc::new(Shared::new(0_u64));
    let write = {
        let time = Rc::clone(&time);
        move |writer: &mut WriterCore<Vec<u8>>| {
            for _ in 0..2 {
                time.set(time.get() + 10);
                writer.poll(|| time.get());
            }
        }
    };
    if start.late_writer {
        while let Some(mut slot) = producer.claim() {
            slot.payload()[..10].fill(0);
            slot.commit(SlotKind::Event, 10);
        }
    }
    let (len, hashed) = machine.state_len();
    let slicer = KeyframeSlicer::new(len, cell.log.keyframe_interval);
    let mut rig = Rig { producer, slicer, state: vec![0; len], hashed, fault: None, lie: start.lie };
    let (mut commands, mut inbox) = Inbox::new();
    let mut command = |kind, argument: i64, value: f64| {
        let argument = [argument, value.to_bits().cast_signed(), 0];
        commands.push(InboxEntry { argument, ..entry(kind, InboxSource::TERMINAL, [0; 3]) }).unwrap();
    };
    command(InboxKind::Startup, if unclean { crate::machine::UNCLEAN } else { 0 }, 0.0);
    command(InboxKind::Reset, 0, 0.0);
    command(InboxKind::Start, 0, 0.0);
    let mut bus = LogBus { exchange: Exchange::NONE, inputs: vec![0; cell.image.inputs] };
    let mut pace =
        RigPace { time: CycleTime { index: first - 1, skipped: 0, first: true }, wake: Wake::default() };
    let mut times = StepTimes::default();
    for (n, step) in start.steps.iter().enumerate() {
        let is_first = n == 0;
        let skipped = if is_first || step.skipped > 2 { 0 } else { 1 + u64::from(step.skipped) };
        pace.time = CycleTime { index: pace.time.index + 1 + skipped, skipped, first: is_first };
        pace.wake = Wake { skipped, overrun: step.skipped % 5 == 0 && !is_first, ..Wake::default() };
        match step.command {
            0 => command(InboxKind::Stop, 0, 0.0),
            1..4 => command(InboxKind::Start, 0, 0.0),
            4..8 => command(InboxKind::Reset, 0, 0.0),
            8 => command(InboxKind::Parameter, 0, f64::from(step.input)),
            9..13 => {
                let tag = usize::from(step.input) % cell.tags.len();
                let value = match cell.tags[tag].scalar {
                    ScalarType::Bool => Value::Bool(step.input > 127),
                    _ => Value::I64(step.input.into()),
                };
                command(InboxKind::Force, tag as i64, f64::from_bits(value.to_bits()));
            }
            13 => command(InboxKind::Unforce, i64::from(step.input) % 8 - 1, f64::from_bits(u64::MAX)),
            _ => {}
        }
        bus.exchange = match step.exchange {
            0 | 1 => Exchange::NONE,
            2 => Exchange { valid: 0, lost: false, devices: 2, ..Exchange::NONE },
            _ => Exchange { valid: 1, lost: false, devices: 3, al_states: 8, ..Exchange::NONE },
        };
        if bus.exchange.valid == 1 {
            bus.inputs.fill(step.input);
        }
        cycle(&mut machine, &mut bus, &mut pace, &mut inbox, &mut rig, &mut times);
        machine.take_error();
        if step.written {
            write(&mut writer);
        }
    }
    if start.orderly {
        writer.finish(true).unwrap();
    }
    writer.into_parts().0.into_storage()
}

pub(crate) fn reader(log: &[u8]) -> LogReader<Vec<u8>> {
    LogReader::open(log.to_vec()).expect("a log")
}

fn run_again(log: &[u8], options: &Options) -> Report {
    replay(&reader(log), options, &mut |_| ()).expect("a good log")
}

/// Every recorded cycle, and those of them that no replay can reach without a keyframe behind them.
fn recorded(log: &[u8]) -> Vec<(u64, bool)> {
    let mut last = None;
    let mut cut = false;
    let mut epoch = None;
    reader(log)
        .records(0)
        .map(|record| {
            let record = record.expect("a good record");
            let view = record.view();
            if epoch.replace(record.epoch.first_cycle) != Some(record.epoch.first_cycle) {
                (last, cut) = (None, !view.flags().contains(RecordFlags::FIRST_CYCLE));
            }
            let follows = last.is_none_or(|last| view.cycle() == last + 1 + skipped(&view));
            cut |= view.flags().contains(RecordFlags::GAP_BEFORE) || !follows;
            last = Some(view.cycle());
            (view.cycle(), cut)
        })
        .collect()
}

fn expand(log: &[(u64, bool)], ranges: &[(u64, u64)]) -> BTreeSet<u64> {
    let inside = |cycle: u64| ranges.iter().any(|(from, to)| (*from..=*to).contains(&cycle));
    log.iter().map(|(cycle, _)| *cycle).filter(|cycle| inside(*cycle)).collect()
}

/// A report says of every recorded cycle either that it was proven or that it was not, and of none that is missing that it
/// was proven.
fn assert_honest(log: &[u8], report: &Report) {
    assert!(report.difference.is_none(), "{report}");
    let cycles = recorded(log);
    let proven = expand(&cycles, &report.verified);
    assert_eq!(proven.len() as u64, report.cycles, "{report}");
    let gaps: Vec<(u64, u64)> = report.unverified.iter().map(|gap| (gap.from, gap.to)).collect();
    let unproven = expand(&cycles, &gaps);
    assert!(proven.is_disjoint(&unproven), "{report}");
    assert_eq!(proven.len() + unproven.len(), cycles.len(), "{report}");
    // Without a gap before it in its run, a cycle is always reached.
    for (cycle, cut) in &cycles {
        assert!(*cut || proven.contains(cycle), "cycle {cycle}: {report}");
    }
    // Cycles that are missing without having been skipped are in no verified range.
    let all: BTreeSet<u64> = cycles.iter().map(|(cycle, _)| *cycle).collect();
    let passed: BTreeSet<u64> = reader(log)
        .records(0)
        .flat_map(|record| {
            let record = record.unwrap();
            let view = record.view();
            view.cycle() - skipped(&view)..view.cycle()
        })
        .collect();
    for (from, to) in &report.verified {
        for cycle in *from..=*to {
            assert!(all.contains(&cycle) || passed.contains(&cycle), "cycle {cycle} is nowhere: {report}");
        }
    }
}

pub(crate) fn steps(count: usize, written: impl Fn(usize) -> bool) -> Vec<Step> {
    let step = |n: usize| Step {
        input: (n / 7) as u8,
        exchange: 9,
        command: match n % 50 {
            0 => 2,
            49 => 4,
            _ => 59,
        },
        skipped: 9,
        written: written(n),
    };
    (0..count).map(step).collect()
}

#[test]
fn a_gap_is_never_inside_a_verified_stretch() {
    // The writer sleeps from cycle 100 to 200: the ring of 32 slots is full soon.
    let start = Start {
        steps: steps(600, |n| n % 5 == 0 && !(100..200).contains(&n)),
        late_writer: false,
        orderly: true,
        lie: None,
    };
    let log = record(Vec::new(), &start);
    let report = run_again(&log, &Options::default());
    assert_honest(&log, &report);
    let [(1, end), (again, 600)] = report.verified[..] else { panic!("{report}") };
    assert!((100..135).contains(&end) && (200..240).contains(&again), "{report}");
    assert!(!report.is_proof());
    assert_eq!((report.unverified[0].from, report.unverified[0].to), (end + 1, again - 1), "{report}");
    // Only what was asked for is reported.
    let to = run_again(&log, &Options { to: Some(150), ..Options::default() });
    assert_eq!(to.verified, [(1, end)], "{to}");
    // From behind the gap nothing is missing.
    let from = run_again(&log, &Options { from: Some(400), ..Options::default() });
    assert!(from.is_proof() && from.verified[0].0 > 300, "{from}");
    // From inside it: what was recorded before it leads up to it.
    let from = run_again(&log, &Options { from: Some(160), ..Options::default() });
    assert_eq!(from.verified.last(), Some(&(again, 600)), "{from}");
}

#[test]
fn every_start_is_an_epoch_of_its_own() {
    let whole = |orderly| Start {
        steps: steps(90, |n| n % 5 == 0 || n == 89),
        late_writer: false,
        orderly,
        lie: None,
    };
    let mut log = record(Vec::new(), &whole(true));
    for orderly in [false, true] {
        log = record(log, &whole(orderly));
    }
    let report = run_again(&log, &Options::default());
    assert_honest(&log, &report);
    assert_eq!(report.verified, [(1, 90), (91, 180), (181, 270)], "{report}");
    assert!(report.is_proof());
}

#[test]
fn a_run_whose_first_records_are_missing_begins_at_its_first_keyframe() {
    let good =
        Start { steps: steps(90, |n| n % 5 == 0 || n == 89), late_writer: false, orderly: true, lie: None };
    let late =
        Start { steps: steps(200, |n| n > 60 && n % 5 == 0), late_writer: true, orderly: true, lie: None };
    let log = record(record(record(Vec::new(), &good), &late), &good);
    let report = run_again(&log, &Options::default());
    assert_honest(&log, &report);
    let [(1, 90), (late, 290), (291, 380)] = report.verified[..] else { panic!("{report}") };
    assert_eq!((report.unverified[0].from, report.unverified[0].to), (91, late - 1), "{report}");
    // And one that is too short for a keyframe is passed over.
    let short = Start { steps: steps(12, |n| n > 9), late_writer: true, orderly: true, lie: None };
    let log = record(record(record(Vec::new(), &good), &short), &good);
    let report = run_again(&log, &Options::default());
    assert_honest(&log, &report);
    assert_eq!(report.verified.len(), 2, "{report}");
}

#[test]
fn a_keyframe_in_the_last_block_is_found() {
    let steps = steps(155, |n| n <= 90 && n % 5 == 0 || n == 130 || n == 154);
    let log = record(Vec::new(), &Start { steps, late_writer: false, orderly: false, lie: None });
    let report = run_again(&log, &Options::default());
    assert_honest(&log, &report);
    let [(1, _), (130..140, 155)] = report.verified[..] else { panic!("{report}") };
}

#[test]
fn a_cell_that_makes_other_images_now_is_refused() {
    let start = Start { steps: steps(9, |n| n == 8), late_writer: false, orderly: true, lie: None };
    let mut told = files();
    let more = CELL.replace("outputs = {", "more = { type = \"EL2008\" }\noutputs = {");
    told.insert("cell.toml".into(), more.into_bytes());
    let log = record_as(Vec::new(), &start, told);
    let error = replay(&reader(&log), &Options::default(), &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("1 of outputs") && error.contains("replay them with the version"), "{error}");
}

#[test]
fn a_start_that_was_skipped_is_no_reason_to_fail() {
    let mut steps = steps(30, |n| n == 29);
    steps[1].skipped = 2;
    let log = record(Vec::new(), &Start { steps, late_writer: false, orderly: true, lie: None });
    // Cycles 2 to 4 were passed over: from there means from the cycle after them, and no keyframe is before it.
    let report = run_again(&log, &Options { from: Some(2), ..Options::default() });
    assert!(report.is_proof(), "{report}");
    let beyond = replay(&reader(&log), &Options { from: Some(99), ..Options::default() }, &mut |_| ());
    assert!(beyond.unwrap_err().to_string().contains("99"));
}

#[test]
fn what_a_record_says_of_the_machine_is_compared() {
    let lies: [(&str, Lie); 4] = [
        ("flags", |record| record.add_flags(RecordFlags::SHUTDOWN)),
        ("flags", |record| record.add_flags(RecordFlags::FAULTED)),
        ("nominal time, ns", |record| record.set_time_ns(7)),
        ("fault", |record| record.set_fault(Some(Fault::new(sensai_model::FaultCode::Overflow)))),
    ];
    for (what, lie) in lies {
        let steps = steps(60, |n| n % 5 == 0 || n == 59);
        let start = Start { steps, late_writer: false, orderly: true, lie: Some((33, lie)) };
        let report = run_again(&record(Vec::new(), &start), &Options::default());
        let difference = report.difference.as_ref().unwrap_or_else(|| panic!("{what}: {report}"));
        let told = difference.fields.iter().any(|field| field.field == what) || difference.fault.is_some();
        assert!(difference.cycle == 33 && told, "{what}: {report}");
        assert!(!report.to_string().contains("the state behind them"), "{report}");
    }
}

#[test]
fn forces_are_replayed_whole_and_from_the_middle() {
    let mut steps = steps(400, |n| n % 5 == 0 || n == 399);
    // `level` on, `many` on, `count` at 3 from here; `level` goes at 160, all else at 320. It runs then.
    for (at, command, input) in [(60, 9, 252), (61, 9, 254), (62, 9, 3), (160, 13, 1), (320, 13, 0)] {
        steps[at].command = command;
        steps[at].input = input;
    }
    let log = record(Vec::new(), &Start { steps, late_writer: false, orderly: true, lie: None });
    let entries: Vec<(u64, InboxKind)> = reader(&log)
        .records(0)
        .flat_map(|record| {
            let record = record.unwrap();
            let cycle = record.view().cycle();
            record.view().inbox().map(|entry| (cycle, entry.kind)).collect::<Vec<_>>()
        })
        .filter(|(_, kind)| matches!(kind, InboxKind::Force | InboxKind::Unforce))
        .collect();
    let kinds: Vec<InboxKind> = entries.iter().map(|(_, kind)| *kind).collect();
    use InboxKind::{Force, Unforce};
    assert_eq!(kinds, [Force, Force, Force, Unforce, Unforce], "{entries:?}");
    let whole = run_again(&log, &Options::default());
    assert!(whole.is_proof(), "{whole}");
    for from in [70, 100, 149, 161, 200, 300, 340] {
        let part = run_again(&log, &Options { from: Some(from), ..Options::default() });
        assert!(part.is_proof() && part.last_hash == whole.last_hash, "from {from}: {part}");
    }
    let many = |cycle: u64| reader(&log).record(cycle).unwrap().view().outputs()[0] & 2;
    assert_eq!([105, 319, 326].map(many), [2, 2, 0], "`many` is held on, and let go");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Faults, resets, parameters, lost frames, skipped cycles, kills, full rings, in any order.
    #[test]
    fn a_replay_is_honest_about_any_log(
        starts in prop::collection::vec(start(), 1..4),
        from in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
    ) {
        let log = starts.iter().fold(Vec::new(), record);
        let cycles = recorded(&log);
        if cycles.is_empty() {
            return Ok(());
        }
        let report = run_again(&log, &Options::default());
        assert_honest(&log, &report);

        // From anywhere, it comes to the same.
        let from = 1 + from.index(cycles[cycles.len() - 1].0 as usize) as u64;
        let part = run_again(&log, &Options { from: Some(from), ..Options::default() });
        prop_assert!(part.difference.is_none(), "{}", part);
        prop_assert!(part.cycles <= report.cycles);
        let same_end = part.cycles == 0 || part.last_hash == report.last_hash;
        prop_assert!(same_end, "from {}:\n{}\nwhole:\n{}", from, part, report);

        // And nothing that was proven can be changed without being noticed in its very cycle.
        let proven: Vec<u64> = expand(&cycles, &report.verified).into_iter().collect();
        if !proven.is_empty() {
            let cycle = proven[changed.index(proven.len())];
            for edit in [Edit::SetStateHash(1), Edit::FlipOutput { bit: 0 }] {
                let mut altered = Vec::new();
                patch(&reader(&log), &[(cycle, edit)], &mut altered).unwrap();
                let found = run_again(&altered, &Options::default()).difference.map(|difference| difference.cycle);
                prop_assert_eq!(found, Some(cycle), "{:?}", edit);
            }
        }
    }
}

/// State hashes as they were recorded.
fn hashes(log: &[u8]) -> BTreeMap<u64, u64> {
    let records = reader(log);
    let hash = |record: Result<sensai_log::LogRecord, _>| {
        let record = record.expect("a good record");
        (record.view().cycle(), record.view().state_hash())
    };
    records.records(0).map(hash).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Over runs, faults, resets, kills and missing records, forward and back: a cycle that a replay proves, or whose state the log
    /// holds, is gone to, and its state is the recorded one; the others are refused, whatever was gone to before.
    #[test]
    fn every_way_to_a_cycle_leads_to_its_state(
        starts in prop::collection::vec(start(), 1..4),
        ways in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..40), 30),
    ) {
        let log = starts.iter().fold(Vec::new(), record);
        let cycles = recorded(&log);
        if cycles.is_empty() {
            return Ok(());
        }
        let proven = expand(&cycles, &run_again(&log, &Options::default()).verified);
        // A whole replay may pass over a keyframe behind a gap; a shorter one begins there.
        let from_keyframe = |cycle| {
            let to_it = run_again(&log, &Options { from: Some(cycle), to: Some(cycle), hashes: None });
            to_it.verified.iter().any(|(_, to)| *to == cycle)
        };
        let (hashes, opened) = (hashes(&log), reader(&log));
        let mut travel = Travel::new(&opened, &Compiler).unwrap();
        for (to, steps) in ways {
            let cycle = cycles[to.index(cycles.len())].0;
            let there = travel.go_to(cycle);
            let held = opened.keyframe_at_or_before(cycle).unwrap();
            let is_held = held.is_some_and(|keyframe| keyframe.cycle == cycle);
            let provable = proven.contains(&cycle) || from_keyframe(cycle) || is_held;
            prop_assert_eq!(there.is_ok(), provable, "cycle {}: {:?}", cycle, there);
            if there.is_err() {
                continue;
            }
            prop_assert_eq!(travel.hash(), hashes.get(&cycle).copied());
            // So many back, and the same forward again.
            let mut back = Vec::new();
            while let Some(before) = travel.before(travel.cycle().unwrap()).unwrap() {
                if back.len() == usize::from(steps) || !proven.contains(&before) {
                    break;
                }
                back.push(travel.cycle().unwrap());
                travel.go_to(before).unwrap();
                prop_assert_eq!(travel.hash(), hashes.get(&before).copied());
            }
            while let Some(next) = back.pop() {
                travel.forward().unwrap();
                prop_assert_eq!(travel.cycle(), Some(next));
            }
            prop_assert_eq!((travel.cycle(), travel.hash()), (Some(cycle), hashes.get(&cycle).copied()));
        }
    }
}
