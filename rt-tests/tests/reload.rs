//! Programs reloaded again and again, as compiled code and through a real log: every state is that of an independent migration
//! over names, types and values; every faulty program is undone, with program and state as before; the cyclic thread asks
//! nothing of the heap; and the log replays through all of it, from the start and from anywhere.

use rt_tests::{
    alloc_guard::counting,
    harness::{count, soak},
    seeded::Random,
};
use sensai::{
    control::{
        peer::Peer,
        protocol::{Code, Failure},
    },
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
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

const CELL: &str = r#"
[cell]
name = "reloaded"
[tasks.main]
interval = "1ms"
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

const NAMES: [&str; 2] = ["main", "slow"];

/// Part of a state: its type, as the program writes it, and what `init` gives.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    /// Type, first value, and what the program does with it in every cycle (`X` is its path).
    Leaf(&'static str, &'static str, Option<&'static str>),
    Array(usize, Box<Field>),
    Record(BTreeMap<&'static str, Field>),
}

use Field::{Array, Leaf, Record};

/// Type, first values, use.
const LEAVES: &[(&str, [&str; 2], &str)] = &[
    ("bool", ["true", "false"], "X = !X;"),
    ("i64", ["1", "7"], "X = (X * 3 + 1) % 1000;"),
    ("f64", ["0.5", "2.25"], "X = X * 0.5 + 1.0;"),
    ("text", ["\"idle\"", "\"up\""], "X = if this.n % 2 == 0 { \"even\" } else { \"odd\" };"),
    ("TON()", ["TON()", "TON()"], "X.run(this.n % 7 < 5, 0.003);"),
    ("CTU()", ["CTU()", "CTU()"], "X.run(this.n % 3 == 0, false, 10);"),
    ("LAG1(0.1)", ["LAG1(0.1)", "LAG1(0.1)"], "X.run(1.0);"),
    ("LAG1(0.5)", ["LAG1(0.5)", "LAG1(0.5)"], "X.run(1.0);"),
    ("MOVING(4)", ["MOVING(4)", "MOVING(4)"], "X.run(to_float(this.n % 5));"),
];

impl Field {
    fn leaf(random: &mut Random) -> Self {
        let (kind, first, used) = *random.pick(LEAVES);
        let used = random.one_in(2).then_some(used);
        Leaf(kind, random.pick::<&str>(&first), used)
    }

    fn any(random: &mut Random, depth: u64) -> Self {
        match random.within(0..if depth == 0 { 4 } else { 7 }) {
            4 => Array(1 + random.within(0..3) as usize, Box::new(Self::any(random, depth - 1).unused())),
            5 | 6 => Record(fields(random, depth - 1)),
            _ => Self::leaf(random),
        }
    }

    /// Elements of arrays are only kept.
    fn unused(self) -> Self {
        match self {
            Leaf(kind, first, _) => Leaf(kind, first, None),
            Array(len, element) => Array(len, Box::new(element.unused())),
            Record(fields) => {
                Record(fields.into_iter().map(|(name, field)| (name, field.unused())).collect())
            }
        }
    }

    fn init(&self) -> String {
        match self {
            Leaf(_, first, _) => (*first).into(),
            Array(len, element) => format!("array({len}, {})", element.init()),
            Record(fields) => init(fields),
        }
    }

    /// Mostly the same.
    fn edited(&self, random: &mut Random) -> Self {
        match self {
            _ if random.one_in(15) => Self::any(random, 1),
            Leaf(kind, _, used) => {
                let (_, first, of) = LEAVES.iter().find(|(of, ..)| of == kind).unwrap();
                let used = if random.one_in(4) { Some(*of).filter(|_| used.is_none()) } else { *used };
                Leaf(kind, random.pick::<&str>(first), used)
            }
            Array(len, element) => {
                let len = if random.one_in(12) { 1 + random.within(0..3) as usize } else { *len };
                Array(len, Box::new(element.edited(random).unused()))
            }
            Record(fields) => Record(edited(fields, random)),
        }
    }

    /// Every leaf with its path, type, and whether the program changes it.
    fn leaves(&self, path: String, out: &mut Vec<(String, &'static str, bool)>) {
        match self {
            Leaf(kind, _, used) => out.push((path, kind, used.is_some())),
            Array(len, element) => (0..*len).for_each(|i| element.leaves(format!("{path}[{i}]"), out)),
            Record(fields) => {
                fields.iter().for_each(|(name, field)| field.leaves(format!("{path}.{name}"), out))
            }
        }
    }

    fn uses(&self, path: &str, out: &mut String) {
        match self {
            Leaf(.., Some(used)) => {
                let _ = writeln!(out, "    {}", used.replace('X', path));
            }
            Record(fields) => {
                fields.iter().for_each(|(name, field)| field.uses(&format!("{path}.{name}"), out));
            }
            Leaf(..) | Array(..) => {}
        }
    }
}

const FIELDS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "z"];

fn fields(random: &mut Random, depth: u64) -> BTreeMap<&'static str, Field> {
    let count = 1 + random.within(0..4);
    (0..count).map(|_| (*random.pick(&FIELDS), Field::any(random, depth))).collect()
}

fn edited(of: &BTreeMap<&'static str, Field>, random: &mut Random) -> BTreeMap<&'static str, Field> {
    let mut next = BTreeMap::new();
    for (name, field) in of {
        match random.within(0..14) {
            0 => {}
            1 => drop(next.insert(*random.pick(&FIELDS), field.clone())),
            _ => drop(next.insert(*name, field.edited(random))),
        }
    }
    if random.one_in(3) || next.is_empty() {
        let name = *random.pick(&FIELDS);
        next.entry(name).or_insert_with(|| Field::any(random, 1));
    }
    next
}

fn init(fields: &BTreeMap<&'static str, Field>) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, field)| format!("{name}: {}", field.init())).collect();
    format!("#{{ {} }}", fields.join(", "))
}

/// A version of a program.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    fields: BTreeMap<&'static str, Field>,
    retained: BTreeMap<&'static str, Field>,
    step: u64,
    /// What it does when it is told to be bad.
    fault: Option<&'static str>,
}

const FAULTS: [&str; 3] =
    ["fault(\"bad\");", "io.NAME.count = 9223372036854775807 + this.n;", "io.NAME.count = 7 / (this.n * 0);"];

impl Version {
    fn first() -> Self {
        let field = Leaf("i64", "1", None);
        let (fields, retained) = ([("a", field.clone())].into(), [("a", field)].into());
        Self { fields, retained, step: 1, fault: None }
    }

    fn next(&self, random: &mut Random) -> Self {
        Self {
            fields: edited(&self.fields, random),
            retained: edited(&self.retained, random),
            step: 1 + random.within(0..5),
            fault: random.one_in(10).then(|| *random.pick(&FAULTS)),
        }
    }

    /// All of it: `n` and `retain` are there in every version.
    fn state(&self) -> Field {
        let mut fields = self.fields.clone();
        let mut retained = self.retained.clone();
        retained.insert("m", Leaf("i64", "0", Some("")));
        fields.insert("n", Leaf("i64", "0", Some("")));
        fields.insert("retain", Record(retained));
        Record(fields)
    }

    fn text(&self, name: &str) -> String {
        let Record(fields) = self.state() else { unreachable!("a state is a record") };
        let mut uses = String::new();
        Record(self.fields.clone()).uses("this", &mut uses);
        Record(self.retained.clone()).uses("this.retain", &mut uses);
        let fault = self.fault.map_or(String::new(), |fault| format!("    if io.{name}.bad {{ {fault} }}\n"));
        let text = format!(
            "fn init() {{\n    {}\n}}\nfn cycle() {{\n    this.n += {};\n    this.retain.m += 1;\n{uses}{fault}    io.NAME.count = this.n % \
             1000;\n}}\n",
            init(&fields),
            self.step
        );
        text.replace("NAME", name)
    }

    /// Paths of all leaves with their types, below `this`.
    fn leaves(&self) -> Vec<(String, &'static str, bool)> {
        let mut leaves = Vec::new();
        self.state().leaves("this".into(), &mut leaves);
        leaves
    }
}

/// Where the value of each new leaf comes from, or everything that is refused: the reference.
fn reference(
    old: &Field,
    new: &Field,
    path: String,
    kept: &mut BTreeSet<String>,
    refused: &mut BTreeSet<String>,
) {
    match (old, new) {
        (Leaf(was, ..), Leaf(is, ..)) if was == is => drop(kept.insert(path)),
        (Array(was, old), Array(is, new)) if was == is => {
            for index in 0..*is {
                reference(old, new, format!("{path}[{index}]"), kept, refused);
            }
        }
        (Record(old), Record(new)) => {
            for (name, new) in new {
                if let Some(old) = old.get(name) {
                    reference(old, new, format!("{path}.{name}"), kept, refused);
                }
            }
        }
        _ => drop(refused.insert(path)),
    }
}

/// `this.a[3].b` is `a[].b`.
fn general(path: &str) -> String {
    path.trim_start_matches("this.").chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

type Values = BTreeMap<String, Vec<u8>>;

struct Wires(u8);

impl Bus for Wires {
    fn exchange(&mut self, _outputs: &[u8], inputs: &mut [u8], _deadline_ns: u64) -> Exchange {
        if let Some(first) = inputs.first_mut() {
            *first = self.0;
        }
        Exchange { valid: u32::MAX, lost: false, ..Exchange::NONE }
    }
    fn acyclic(&mut self, _until_ns: u64) {}
}

struct Next(u64);

impl Pace for Next {
    fn wake(&mut self) -> (CycleTime, Wake) {
        self.0 += 1;
        (CycleTime { index: self.0, skipped: 0, first: self.0 == 1 }, Wake::default())
    }
    fn next_ns(&self) -> u64 {
        u64::MAX
    }
}

/// A run without a bus: the machine, its log, and who reloads.
struct Rig {
    folder: tempfile::TempDir,
    machine: Machine,
    recorder: Recorder,
    port: Port,
    inbox: Inbox,
    /// Into the inbox.
    commands: Box<dyn FnMut(InboxEntry) -> bool>,
    wires: Wires,
    pace: Next,
    times: StepTimes,
    session: Option<LogSession>,
    desk: Option<Desk>,
    facts: SharedFacts,
    told: mpsc::Receiver<String>,
    status: Arc<Status>,
    cell: Arc<Cell>,
}

impl Rig {
    fn new(versions: &[Version; 2]) -> Self {
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
            pace: Next(0),
            times: StepTimes::default(),
            session: Some(session),
            desk: Some(desk.unwrap()),
            facts,
            told,
            status,
            cell,
        };
        rig.command(InboxKind::Startup);
        rig.command(InboxKind::Start);
        rig.cycles(8);
        rig
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("a.snlog")
    }

    fn command(&mut self, kind: InboxKind) {
        assert!((self.commands)(entry(kind, InboxSource::TERMINAL, [0; 3])));
    }

    fn cycle(&mut self) {
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
            // The log's writer has to follow.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn cycles(&mut self, cycles: u64) {
        (0..cycles).for_each(|_| self.cycle());
    }

    /// Ask for a reload, and run cycles until there is an answer. Returns the states before the swap, too.
    fn reload(&mut self, texts: &[String; 2], probation: u64) -> (Result<Applied, Failure>, [Values; 2]) {
        for (text, name) in texts.iter().zip(NAMES) {
            fs::write(self.folder.path().join(format!("programs/{name}.rhai")), text).unwrap();
        }
        let (reply, answer) = mpsc::channel();
        let why = String::new();
        let request = Request { program: None, probation, why, who: Peer::own(), reply };
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
    fn values(&self) -> [Values; 2] {
        [0, 1].map(|index| {
            let program = &self.machine.programs()[index];
            let leaves = program.layout().leaves().into_iter();
            let bytes = |at: usize, len: usize| program.state()[at..at + len].to_vec();
            leaves
                .map(|leaf| (format!("this.{}", leaf.path), bytes(leaf.offset, leaf.shape.size() as usize)))
                .collect()
        })
    }

    /// End the run, and replay all of it.
    fn finish(mut self, random: &mut Random) -> u64 {
        drop(self.desk.take());
        self.session.take().unwrap().close(&self.cell).unwrap();
        let reader = LogReader::open_file(&self.log()).unwrap();
        let report = reader.verify().unwrap();
        assert_eq!((report.bad, report.gaps.len()), (None, 0));
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
        report.epochs
    }
}

/// Every leaf that is kept has its old value, every other one that of `init`; but not those in `changing`.
fn check(
    now: &Values,
    before: &Values,
    fresh: &Values,
    kept: &BTreeSet<String>,
    of: &Version,
    changing: &BTreeSet<String>,
) {
    for (path, kind, _) in of.leaves() {
        if changing.contains(&path) {
            continue;
        }
        let expected = if kept.contains(&path) { &before[&path] } else { &fresh[&path] };
        assert_eq!(&now[&path], expected, "{path}: {kind}");
    }
    assert_eq!(now.len(), of.leaves().len());
}

/// Paths of what a program changes.
fn used(of: &Version) -> BTreeSet<String> {
    of.leaves().into_iter().filter(|(.., used)| *used).map(|(path, ..)| path).collect()
}

/// What `init` of a program gives.
fn fresh(cell: &Cell, index: usize, text: &str) -> Values {
    let mut cell = cell.clone();
    let place = if index == 0 { &mut cell.task.programs[0] } else { &mut cell.slow_tasks[0].programs[0] };
    place.text = text.into();
    let programs = compile(&cell).unwrap();
    let program = &programs[index];
    let leaves = program.layout().leaves().into_iter();
    leaves
        .map(|leaf| {
            let bytes = &program.state()[leaf.offset..leaf.offset + leaf.shape.size() as usize];
            (format!("this.{}", leaf.path), bytes.to_vec())
        })
        .collect()
}

#[derive(Debug, Default)]
struct Seen {
    applied: u64,
    refused: u64,
    undone: u64,
    kept: u64,
}

#[test]
fn every_state_is_the_reference_s_and_every_faulty_program_is_undone() {
    let mut random = Random::printed("reloads");
    let mut versions = [Version::first(), Version::first()];
    let mut rig = Rig::new(&versions);
    let (mut seen, wanted) = (Seen::default(), count(1000, 20_000));
    while seen.applied < wanted {
        let next = [0, 1].map(|index| match random.within(0..3) {
            0 => versions[index].next(&mut random),
            _ if index == 1 => versions[index].clone(),
            _ => versions[index].next(&mut random),
        });
        let changed =
            [0, 1].map(|index| next[index].text(NAMES[index]) != versions[index].text(NAMES[index]));
        // In Stop nothing runs behind the swap, so that all of the new state can be seen.
        let stopped = random.one_in(2);
        if stopped {
            rig.command(InboxKind::Stop);
            // The slow task's run that has begun still takes effect.
            rig.cycles(6);
        }
        let faulty = (0..2).find(|index| changed[*index] && next[*index].fault.is_some());
        let faulty = faulty.filter(|_| random.within(0..10) > 0);
        // Good runs may come before the bad one.
        let probation = random.within(1..60) + if faulty.is_some() { 5 } else { 0 };
        let texts = [next[0].text("main"), next[1].text("slow")];
        let edition = rig.machine.edition();
        let (result, before) = rig.reload(&texts, probation);
        let (mut kept, mut refused) = ([BTreeSet::new(), BTreeSet::new()], BTreeSet::new());
        for index in (0..2).filter(|index| changed[*index]) {
            let mut of_this = BTreeSet::new();
            let (old, new) = (versions[index].state(), next[index].state());
            reference(&old, &new, "this".into(), &mut kept[index], &mut of_this);
            let name = |path: &String| format!("programs/{}.rhai: `{}`", NAMES[index], general(path));
            refused.extend(of_this.iter().map(name));
        }
        let applied = match result {
            Ok(applied) => applied,
            Err(failure) => {
                assert_eq!((failure.code, rig.machine.edition()), (Code::Refused, edition), "{failure}");
                let told: BTreeSet<String> = failure
                    .reasons
                    .iter()
                    .map(|reason| reason.split_inclusive('`').take(2).collect::<String>())
                    .collect();
                assert_eq!(told, refused, "{failure}\n{texts:?}");
                assert_eq!(
                    failure.message.starts_with("nothing to reload"),
                    !changed.contains(&true),
                    "{failure}"
                );
                seen.refused += 1;
                if stopped {
                    rig.command(InboxKind::Start);
                    rig.cycles(1);
                }
                continue;
            }
        };
        assert!(refused.is_empty(), "taken in spite of {refused:?}\n{texts:?}");
        seen.applied += 1;
        let now = rig.values();
        for index in (0..2).filter(|index| changed[*index]) {
            let fresh = fresh(&rig.cell, index, &texts[index]);
            let mut changing = used(&next[index]);
            // What a slow task's last run made of the state came in before the swap.
            changing.extend(used(&versions[index]).into_iter().filter(|_| index == 1));
            let none = BTreeSet::new();
            let changing = if stopped { &none } else { &changing };
            check(&now[index], &before[index], &fresh, &kept[index], &next[index], changing);
        }
        if stopped {
            rig.command(InboxKind::Start);
        }
        match faulty {
            Some(index) => {
                rig.wires.0 = 1 << index;
                fail(&mut rig, applied.number);
                // Nothing has run since: both programs and their states are as before.
                assert_eq!(rig.machine.edition(), edition_after_undo(applied.number));
                let back = rig.values();
                for index in (0..2).filter(|index| changed[*index]) {
                    let changing = if index == 1 && !stopped { used(&versions[1]) } else { BTreeSet::new() };
                    assert_eq!(back[index].len(), before[index].len(), "{}", NAMES[index]);
                    for (path, value) in back[index].iter().filter(|(path, _)| !changing.contains(*path)) {
                        assert_eq!(value, &before[index][path], "{}: {path}", NAMES[index]);
                    }
                }
                rig.wires.0 = 0;
                seen.undone += 1;
                rig.command(InboxKind::Start);
                rig.cycles(1);
            }
            None => {
                rig.cycles(random.within(1..40));
                versions = next;
                let facts = rig.facts.lock().unwrap().clone();
                seen.kept += u64::from(facts.state == "kept");
            }
        }
        assert_eq!(rig.machine.mode(), Mode::Run);
    }
    assert!(
        seen.undone >= wanted / 20 && seen.kept >= wanted / 20 && seen.refused >= wanted / 20,
        "{seen:?}"
    );
    println!("{seen:?} in {} cycles", rig.pace.0);
    let epochs = rig.finish(&mut random);
    assert_eq!(epochs, 1 + seen.applied + seen.undone);
}

const fn edition_after_undo(number: u32) -> u32 {
    2 * number
}

/// Run until the bad program has failed; stop in the cycle of the undo, so that nothing runs behind it.
fn fail(rig: &mut Rig, number: u32) {
    for _ in 0..20 {
        rig.cycle();
        assert_eq!(rig.machine.mode(), Mode::Run, "a fault on probation does not stop the machine");
        // A failed run of the slow task shows at its next release, that of the base task at once.
        if rig.machine.undo_is_due() {
            rig.command(InboxKind::Stop);
            rig.cycle();
            assert_eq!(rig.machine.mode(), Mode::Stop);
            for _ in 0..2000 {
                let facts = rig.facts.lock().unwrap().clone();
                if facts.state == "undone" {
                    assert_eq!((facts.number, facts.undone), (number, rig.pace.0));
                    assert!(facts.why_undone.starts_with("F3"), "{facts:?}");
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            panic!("nobody says that reload {number} was undone");
        }
    }
    panic!("reload {number} was not undone");
}

/// Resident memory of this process, bytes.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn memory_stays_flat() {
    let rounds = if soak() { 10_000 } else { 300 };
    let mut random = Random::printed("memory");
    let mut long = Version::first();
    for name in FIELDS {
        long.fields.insert(name, Leaf("i64", "1", None));
    }
    let short = Version::first();
    let mut rig = Rig::new(&[short.clone(), short.clone()]);
    let (mut early, mut undone) = (0, 0);
    for round in 0..rounds {
        let version =
            Version { step: 1 + round % 3, ..if round % 2 == 0 { long.clone() } else { short.clone() } };
        let bad = Version { fault: Some(FAULTS[0]), ..version.clone() };
        let version = if round % 10 == 9 { bad } else { version };
        let (result, _) = rig.reload(&[version.text("main"), version.text("slow")], 5);
        let applied = result.unwrap();
        if version.fault.is_some() {
            rig.wires.0 = 1;
            fail(&mut rig, applied.number);
            rig.wires.0 = 0;
            rig.command(InboxKind::Start);
            undone += 1;
        }
        rig.cycles(12);
        if round == rounds / 4 {
            early = resident();
        }
    }
    let grown = resident().saturating_sub(early);
    println!("{rounds} reloads, {undone} undone: {grown} bytes more than after a quarter of them");
    assert!(grown < 4 << 20, "{grown} bytes more");
    rig.told.try_iter().for_each(drop);
    rig.finish(&mut random);
}

#[test]
fn what_does_not_pass_the_check_is_refused_with_its_findings() {
    let first = [Version::first(), Version::first()];
    let mut rig = Rig::new(&first);
    let texts = [
        "fn init() { #{ n: 0 } }\nfn cycle() { this.n += nothing; this.m = 1; }\n".into(),
        first[1].text("slow"),
    ];
    let (result, _) = rig.reload(&texts, 10);
    let failure = result.unwrap_err();
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (Code::Refused, "the new programs do not pass the check")
    );
    assert!(failure.reasons.iter().any(|reason| reason.starts_with("programs/main.rhai:2:")), "{failure}");
    // Two tasks that write one tag are found across programs, too.
    let texts = [first[0].text("main"), first[1].text("slow").replace("io.slow.count", "io.main.count")];
    let failure = rig.reload(&texts, 10).0.unwrap_err();
    assert!(failure.reasons.iter().any(|reason| reason.contains("R110")), "{failure}");
    let mut random = Random::printed("refused");
    assert_eq!(rig.finish(&mut random), 1);
}
