//! Reloads: programs of any layout, any of them faulty, in the base task and in slow ones, whoever is late; against a model
//! over names, types and values that knows nothing of plans, arenas and boxes; then the same entries again, as a replay has
//! them, from the start and from any cycle.

use super::*;
use crate::{
    cycle::{Done, Record, cycle},
    inbox::Inbox,
    machine::{
        job::Runner,
        reload::{Cause, Fate, Reload, Replacement, Returned, edition},
    },
    pace::{Pace, Wake},
    tasks::late::Late,
    timing::StepTimes,
};
use sensai_fieldbus::Bus;
use sensai_scripts::{
    layout::Shape,
    migrate::{Side, plan},
};
use std::collections::BTreeMap;

/// Programs by task: two in the base task, two in the one of four intervals, one in the one of ten.
const TASK_OF: [usize; 5] = [0, 0, 1, 1, 2];
const MULTIPLES: [u64; 2] = [4, 10];
/// Slot of the tag that program 0 writes; the others follow.
const FIRST_SLOT: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    I64,
    F64,
}

/// A version of a program: fields beside `n` and `retain.m`, which it counts in, and what it does.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    /// Type, and what `init` gives.
    fields: BTreeMap<&'static str, (Kind, i64)>,
    start: i64,
    step: i64,
    /// It faults on this input.
    fault_on: u8,
}

const NEVER: u8 = 255;

impl Version {
    fn first() -> Self {
        Self { fields: BTreeMap::new(), start: 0, step: 1, fault_on: NEVER }
    }

    fn layout(&self) -> Layout {
        let shape = |kind| match kind {
            Kind::Bool => Shape::Bool,
            Kind::I64 => Shape::I64,
            Kind::F64 => Shape::F64,
        };
        let own = self.fields.iter().map(|(name, (kind, _))| ((*name).to_owned(), shape(*kind)));
        let counts = [
            ("n".to_owned(), Shape::I64),
            ("retain".to_owned(), Shape::record(vec![("m".to_owned(), Shape::I64)])),
        ];
        Layout::new(own.chain(counts).collect())
    }

    /// What `init` gives, by path.
    fn values(&self) -> Values {
        let own = self.fields.iter().map(|(name, (kind, value))| ((*name).to_owned(), (*kind, *value)));
        let counts =
            [("n", self.start), ("retain.m", 0)].map(|(path, value)| (path.to_owned(), (Kind::I64, value)));
        own.chain(counts).collect()
    }
}

type Values = BTreeMap<String, (Kind, i64)>;

fn bytes_of((kind, value): (Kind, i64)) -> Vec<u8> {
    match kind {
        Kind::Bool => vec![u8::from(value & 1 == 1)],
        Kind::I64 => value.to_le_bytes().to_vec(),
        Kind::F64 => (value as f64).to_le_bytes().to_vec(),
    }
}

fn arena(layout: &Layout, values: &Values) -> Vec<u8> {
    let mut bytes = vec![0; layout.size()];
    for (path, value) in values {
        let at = layout.lookup(path).expect("it is there").offset;
        let value = bytes_of(*value);
        bytes[at..at + value.len()].copy_from_slice(&value);
    }
    bytes
}

/// Counts in `n` by its step and in `retain.m` by one, and writes `n`.
struct Counting {
    program: usize,
    version: Version,
    layout: Layout,
    initial: Vec<u8>,
    state: Vec<u8>,
}

impl Counting {
    fn new(program: usize, version: &Version) -> Box<Self> {
        let layout = version.layout();
        let initial = arena(&layout, &version.values());
        Box::new(Self { program, version: version.clone(), layout, state: initial.clone(), initial })
    }

    fn add(&mut self, path: &str, step: i64) -> i64 {
        let at = self.layout.lookup(path).expect("it is there").offset;
        let place = &mut self.state[at..at + 8];
        let value = i64::from_le_bytes((&*place).try_into().unwrap()) + step;
        place.copy_from_slice(&value.to_le_bytes());
        value
    }
}

impl Program for Counting {
    fn name(&self) -> &str {
        "counting"
    }
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn state(&self) -> &[u8] {
        &self.state
    }
    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        assert_eq!(state.len(), self.state.len());
        self.state.copy_from_slice(state);
        Ok(())
    }
    fn reset(&mut self) {
        self.state.clone_from(&self.initial);
    }
    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        if context.tags.value(0) == Value::I64(self.version.fault_on.into()) {
            let fault = Fault { source: self.program as u16, line: 7, ..Fault::new(FaultCode::Raised) };
            return Err(ProgramError { fault, text: "as it was told".into() });
        }
        self.add("retain.m", 1);
        let n = self.add("n", self.version.step);
        context.tags.write(FIRST_SLOT + self.program as u32, Value::I64(n));
        Ok(())
    }
    fn operations(&self) -> u64 {
        1
    }
}

fn cell_of_three() -> Arc<Cell> {
    let mut cell = cell();
    let zero = OnFault::Value(Value::I64(0));
    cell.tags.truncate(3);
    for program in 0..TASK_OF.len() as u32 {
        cell.tags.push(tag(&format!("t{program}"), TagKind::Memory, FIRST_SLOT + program, 0, zero));
    }
    let source = |index: usize| ProgramSource {
        name: format!("p{index}"),
        path: format!("programs/p{index}.rhai"),
        text: "".into(),
        libraries: Default::default(),
    };
    let of = |task: usize| (0..TASK_OF.len()).filter(|index| TASK_OF[*index] == task).map(source).collect();
    cell.task.programs = of(0);
    cell.slow_tasks = (0..2)
        .map(|slow| Task {
            name: format!("slow{slow}"),
            interval_ns: MULTIPLES[slow] * 1_000_000,
            multiple: MULTIPLES[slow],
            on_overrun: if slow == 0 { OnOverrun::Stop } else { OnOverrun::Skip },
            programs: of(slow + 1),
            ..cell.task.clone()
        })
        .collect();
    Arc::new(cell)
}

fn machine_of(cell: &Arc<Cell>, versions: &[Version]) -> Machine {
    let program = |(index, version): (usize, &Version)| Loaded::Anywhere(Counting::new(index, version));
    Machine::new(Arc::clone(cell), versions.iter().enumerate().map(program).collect())
}

fn runners(versions: &[Version]) -> impl Iterator<Item = Runner> {
    (1..3).map(|task| {
        let of = versions.iter().enumerate().filter(move |(index, _)| TASK_OF[*index] == task);
        Runner::new(of.map(|(index, version)| Loaded::Anywhere(Counting::new(index, version))).collect())
    })
}

/// A reload that was offered: old and new version of each program.
#[derive(Clone, Debug)]
struct Offered {
    number: u32,
    expects: u32,
    probation: u64,
    changes: Vec<(usize, Version, Version)>,
}

impl Offered {
    /// `None`: it would be refused.
    fn reload(&self) -> Option<Box<Reload>> {
        let replacement = |(program, old, new): &(usize, Version, Version)| {
            let (old_layout, new_layout) = (old.layout(), new.layout());
            let old_side = Side { layout: &old_layout, initial: &arena(&old_layout, &old.values()) };
            let new_side = Side { layout: &new_layout, initial: &arena(&new_layout, &new.values()) };
            let migration = plan(old_side, new_side, &[]);
            let fits = old
                .fields
                .iter()
                .all(|(name, (kind, _))| new.fields.get(name).is_none_or(|(other, _)| other == kind));
            assert_eq!(migration.fits(), fits);
            let place = (TASK_OF[*program], *program);
            let new = Counting::new(*program, new);
            fits.then(|| Replacement::new(place, new, old_layout.size(), migration, None))
        };
        let replacements: Option<Vec<Replacement>> = self.changes.iter().map(replacement).collect();
        Some(Box::new(Reload::new(self.number, self.expects, self.probation, replacements?)))
    }

    /// As it is behind the swap, with the old programs.
    fn replaced(&self) -> Box<Reload> {
        let one = |(program, old, new): &(usize, Version, Version)| {
            Replacement::replaced(
                (TASK_OF[*program], *program),
                Counting::new(*program, old),
                new.layout().size(),
            )
        };
        Box::new(Reload::new(
            self.number,
            self.expects,
            self.probation,
            self.changes.iter().map(one).collect(),
        ))
    }
}

struct TestBus(u8);

impl Bus for TestBus {
    fn exchange(&mut self, _outputs: &[u8], inputs: &mut [u8], _deadline_ns: u64) -> Exchange {
        inputs[0] = self.0;
        GOOD
    }
    fn acyclic(&mut self, _until_ns: u64) {}
}

struct TestPace(CycleTime, Wake);

impl Pace for TestPace {
    fn wake(&mut self) -> (CycleTime, Wake) {
        (self.0, self.1)
    }
    fn next_ns(&self) -> u64 {
        u64::MAX
    }
}

/// Everything about a cycle that a test may ask for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Taken {
    entries: Vec<InboxEntry>,
    accepted: Vec<bool>,
    state: Vec<u8>,
}

impl Record for Taken {
    fn record(&mut self, machine: &Machine, done: &Done<'_>) {
        self.entries = done.entries.to_vec();
        self.accepted = (0..done.entries.len()).map(|place| done.accepted >> place & 1 == 1).collect();
        self.state = vec![0; machine.state_len().0];
        machine.save(&mut self.state);
    }
}

/// A cycle as it comes from outside.
#[derive(Clone, Debug)]
struct Step {
    input: u8,
    late: bool,
    kind: Option<InboxKind>,
    /// Programs to be reloaded, a bit for each, the entropy of their new versions, and the probation.
    offer: Option<(u8, Vec<u8>, u64)>,
}

fn turn(machine: &mut Machine, inbox: &mut Inbox, index: u64, step: &Step) -> Taken {
    let (mut bus, mut times, mut taken) = (TestBus(step.input), StepTimes::default(), Taken::default());
    let time = CycleTime { index, skipped: 0, first: index == 1 };
    let mut pace = TestPace(time, Wake { overrun: step.late, ..Wake::default() });
    cycle(machine, &mut bus, &mut pace, inbox, &mut taken, &mut times);
    machine.take_error();
    taken
}

/// What a run in flight comes to: values of its programs; `None`: it fails.
type Results = Option<Vec<(usize, Values)>>;

/// What is known of the machine without looking into it.
#[derive(Clone, Debug)]
struct Model {
    versions: Vec<Version>,
    values: Vec<Values>,
    edition: u32,
    /// The reload on probation, the old values, and the runs left of each task.
    active: Option<(Offered, Vec<Values>, [u64; 3])>,
    /// Results of the runs in flight; `None`: the run fails.
    pending: [Option<Results>; 2],
    releases: [u64; 2],
    /// The next cycle has to undo.
    wanted: bool,
    /// The cycle before swapped: if it was late, that is the reload's.
    just_swapped: bool,
    kept_len: usize,
}

fn migrated(old: &Values, new: &Version) -> Values {
    let mut values = new.values();
    for (path, value) in &mut values {
        if let Some(was) = old.get(path).filter(|was| was.0 == value.0) {
            *value = *was;
        }
    }
    values
}

fn after_run(values: &Values, step: i64) -> Values {
    let mut values = values.clone();
    values.get_mut("n").unwrap().1 += step;
    values.get_mut("retain.m").unwrap().1 += 1;
    values
}

fn after_reset(values: &Values, version: &Version) -> Values {
    let mut fresh = version.values();
    fresh.insert("retain.m".into(), values["retain.m"]);
    fresh
}

impl Model {
    fn new() -> Self {
        let versions = vec![Version::first(); TASK_OF.len()];
        Self {
            values: versions.iter().map(Version::values).collect(),
            versions,
            edition: 0,
            active: None,
            pending: [const { None }; 2],
            releases: [0; 2],
            wanted: false,
            just_swapped: false,
            kept_len: 0,
        }
    }

    fn covers(&self, task: usize) -> bool {
        self.active.as_ref().is_some_and(|(of, ..)| of.changes.iter().any(|change| TASK_OF[change.0] == task))
    }

    fn undo(&mut self) {
        let (of, kept, _) = self.active.take().expect("an undo without a reload");
        for ((program, old, _), values) in of.changes.into_iter().zip(kept) {
            if TASK_OF[program] > 0 {
                self.pending[TASK_OF[program] - 1] = None;
            }
            (self.versions[program], self.values[program]) = (old, values);
        }
        self.edition = edition(of.number) + 1;
        (self.wanted, self.kept_len) = (false, 0);
    }

    fn swap(&mut self, of: &Offered) {
        let mut kept = Vec::new();
        for (program, old, new) in &of.changes {
            assert_eq!(&self.versions[*program], old, "planned for what runs");
            kept.push(self.values[*program].clone());
            self.values[*program] = migrated(&self.values[*program], new);
            self.versions[*program] = new.clone();
        }
        let of_task = |task| of.changes.iter().any(|change| TASK_OF[change.0] == task);
        let left = [0, 1, 2].map(|task| if of_task(task) { of.probation } else { 0 });
        self.kept_len = of.changes.iter().map(|(_, old, _)| old.layout().size()).sum();
        self.active = Some((of.clone(), kept, left));
        (self.edition, self.wanted, self.just_swapped) = (edition(of.number), false, true);
    }

    fn reset(&mut self) {
        for (values, version) in self.values.iter_mut().zip(&self.versions) {
            *values = after_reset(values, version);
        }
        if let Some((of, kept, _)) = &mut self.active {
            for (values, (_, old, _)) in kept.iter_mut().zip(&of.changes) {
                *values = after_reset(values, old);
            }
        }
        self.pending = [const { None }; 2];
    }

    /// A run took effect; the reload that is over by that.
    fn ran(&mut self, task: usize) -> Option<u32> {
        let (of, _, left) = self.active.as_mut()?;
        left[task] = left[task].saturating_sub(1);
        let number = of.number;
        let over = left.iter().all(|left| *left == 0) && !self.wanted;
        self.active.take_if(|_| over).map(|_| number)
    }

    /// One cycle; what there has to be news of.
    fn turn(
        &mut self,
        machine: &Machine,
        index: u64,
        step: &Step,
        taken: &Taken,
        offered: &BTreeMap<u32, Offered>,
    ) -> Vec<(u32, &'static str)> {
        let mut news = Vec::new();
        let answers = self.covers(0) || self.just_swapped && self.active.is_some();
        let must_undo = self.wanted || step.late && answers;
        self.just_swapped = false;
        let undone = taken.entries.iter().any(|entry| entry.kind == InboxKind::Undo);
        assert!(undone || !must_undo, "cycle {index}: nothing was undone");
        let mut swaps = None;
        for (entry, accepted) in taken.entries.iter().zip(&taken.accepted).filter(|(_, accepted)| **accepted)
        {
            match entry.kind {
                InboxKind::Undo => {
                    news.push((self.active.as_ref().unwrap().0.number, "undone"));
                    self.undo();
                }
                InboxKind::Reset => self.reset(),
                InboxKind::Reload => swaps = Some(&offered[&(entry.argument[0] as u32)]),
                _ => assert!(accepted),
            }
        }
        let facts: Vec<_> = machine.task_facts(index).collect();
        for (slow, facts) in facts.iter().enumerate().take(2) {
            if !facts.collected {
                continue;
            }
            match self.pending[slow].take().expect("nothing was in flight") {
                Some(results) => {
                    results.into_iter().for_each(|(program, values)| self.values[program] = values);
                    news.extend(self.ran(slow + 1).map(|number| (number, "kept")));
                }
                None => self.wanted |= self.covers(slow + 1),
            }
        }
        if let Some(of) = swaps {
            news.extend(self.active.as_ref().map(|(before, ..)| (before.number, "superseded")));
            news.push((of.number, "applied"));
            self.swap(of);
        }
        for (slow, facts) in facts.iter().enumerate().take(2) {
            if facts.releases > self.releases[slow] {
                self.releases[slow] = facts.releases;
                let of = || (0..TASK_OF.len()).filter(|program| TASK_OF[*program] == slow + 1);
                let fails = of().any(|program| self.versions[program].fault_on == step.input);
                let run =
                    |program: usize| (program, after_run(&self.values[program], self.versions[program].step));
                self.pending[slow] = Some((!fails).then(|| of().map(run).collect()));
            }
        }
        if machine.committed() {
            for program in (0..TASK_OF.len()).filter(|program| TASK_OF[*program] == 0) {
                self.values[program] = after_run(&self.values[program], self.versions[program].step);
            }
            news.extend(self.ran(0).map(|number| (number, "kept")));
        } else if machine.mode() == Mode::Run {
            assert!(self.covers(0), "cycle {index}: a run was lost without a reload on probation");
            self.wanted = true;
        }
        if machine.mode() == Mode::Fault {
            self.pending = [const { None }; 2];
        }
        news
    }

    fn check(&self, machine: &Machine, index: u64) {
        assert_eq!(machine.edition(), self.edition, "cycle {index}");
        for (program, (values, version)) in
            machine.programs().iter().zip(self.values.iter().zip(&self.versions))
        {
            assert_eq!(program.layout(), &version.layout(), "cycle {index}");
            assert_eq!(program.state(), arena(program.layout(), values), "cycle {index}");
        }
    }
}

fn next_version(of: &Version, entropy: &mut Vec<u8>) -> Version {
    let mut next = || usize::from(entropy.pop().unwrap_or(0));
    let mut version = of.clone();
    for name in ["a", "b", "c", "z"] {
        match next() % 8 {
            0 => drop(version.fields.remove(name)),
            1 | 2 if !version.fields.contains_key(name) => {
                let kind = [Kind::Bool, Kind::I64, Kind::F64][next() % 3];
                version.fields.insert(name, (kind, (next() % 2) as i64));
            }
            3 => drop(version.fields.insert(name, (Kind::I64, 1))),
            _ => {}
        }
    }
    version.start = next() as i64;
    version.step = 1 + (next() % 9) as i64;
    // A fifth of them fault on an input that comes soon.
    version.fault_on = if next() % 5 == 0 { (next() % 6) as u8 } else { NEVER };
    version
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    applied: u32,
    refused: u32,
    undone: u32,
    kept: u32,
    superseded: u32,
    from_keyframes: u32,
}

/// What a replay is given, and where it may begin.
struct Recorded {
    step: Step,
    taken: Taken,
    /// What the machine is behind the cycle.
    model: Model,
}

/// Run the steps, and hold every cycle against the model.
fn live(
    cell: &Arc<Cell>,
    steps: &[Step],
    looks: &[u64],
    seen: &mut Seen,
) -> (Vec<Recorded>, BTreeMap<u32, Offered>) {
    let mut model = Model::new();
    let mut machine = machine_of(cell, &model.versions);
    machine.run_tasks_on(Box::new(Late::of(runners(&model.versions), looks)));
    let (mut commands, mut inbox) = Inbox::new();
    let mut recorded = Vec::new();
    let mut offered: BTreeMap<u32, Offered> = BTreeMap::new();
    let start = |kind| entry(kind, InboxSource::TERMINAL, [0; 3]);
    commands.push(start(InboxKind::Start)).unwrap();
    for (index, step) in (1..).zip(steps) {
        if let Some(kind) = step.kind {
            commands.push(start(kind)).unwrap();
        }
        if let Some((programs, entropy, probation)) = &step.offer {
            let mut entropy = entropy.clone();
            let change = |program: usize| {
                let old = &model.versions[program];
                (program, old.clone(), next_version(old, &mut entropy))
            };
            let chosen = (0..TASK_OF.len()).filter(|program| programs >> program & 1 == 1);
            let offer = Offered {
                number: offered.len() as u32 + 1,
                expects: machine.edition(),
                probation: *probation,
                changes: chosen.map(change).collect(),
            };
            if let Some(reload) = offer.reload().filter(|_| !offer.changes.is_empty())
                && machine.offer_reload(reload).is_ok()
            {
                offered.insert(offer.number, offer);
            }
        }
        let taken = turn(&mut machine, &mut inbox, index, step);
        let expected = model.turn(&machine, index, step, &taken, &offered);
        let mut news = Vec::new();
        while let Some(of) = machine.next_news() {
            match of.what {
                Fate::Refused(_) => seen.refused += 1,
                Fate::Applied(_) => news.push((of.number, "applied")),
                Fate::Kept => news.push((of.number, "kept")),
                Fate::Superseded => news.push((of.number, "superseded")),
                Fate::Undone(Cause { tasks, .. }) => {
                    assert_ne!(tasks, 0);
                    news.push((of.number, "undone"));
                }
            }
        }
        assert_eq!(news, expected, "cycle {index}");
        for (_, what) in &news {
            match *what {
                "applied" => seen.applied += 1,
                "kept" => seen.kept += 1,
                "undone" => seen.undone += 1,
                _ => seen.superseded += 1,
            }
        }
        while machine.next_returned().is_some() {}
        model.check(&machine, index);
        recorded.push(Recorded { step: step.clone(), taken, model: model.clone() });
    }
    (recorded, offered)
}

/// Run the recorded cycles from number `from` on, and compare every state.
fn replay(cell: &Arc<Cell>, recorded: &[Recorded], offered: &BTreeMap<u32, Offered>, from: usize) {
    let mut machine = match from.checked_sub(1) {
        None => machine_of(cell, &Model::new().versions),
        Some(before) => {
            let Recorded { taken, model, .. } = &recorded[before];
            let mut machine = machine_of(cell, &model.versions);
            let last = offered.values().find(|of| edition(of.number) == model.edition);
            let replaced = model.active.as_ref().map(|(of, ..)| of.replaced());
            assert!(replaced.is_none() || last.is_some());
            machine.begin_edition(model.edition, replaced, model.kept_len);
            machine.load(&taken.state).unwrap();
            machine
        }
    };
    let mut inbox = Inbox::replayed();
    for (number, Recorded { step, taken, .. }) in recorded.iter().enumerate().skip(from) {
        for (entry, accepted) in taken.entries.iter().zip(&taken.accepted) {
            if entry.kind == InboxKind::Reload && *accepted {
                let reload = offered[&(entry.argument[0] as u32)].reload().unwrap();
                assert!(machine.offer_reload(reload).is_ok());
            }
        }
        inbox.put_recorded(taken.entries.iter().copied());
        // Whether it was late is not for a replay to know.
        let again = turn(&mut machine, &mut inbox, number as u64 + 1, &Step { late: false, ..step.clone() });
        assert!(again == *taken, "cycle {} from {from} comes out differently", number + 1);
        while machine.next_returned().is_some() {}
        while machine.next_news().is_some() {}
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        60 => Just(None),
        1 => Just(Some(InboxKind::Stop)),
        3 => Just(Some(InboxKind::Start)),
        3 => Just(Some(InboxKind::Reset)),
    ];
    let offer =
        proptest::option::weighted(0.06, (1..32_u8, proptest::collection::vec(any::<u8>(), 60), 1..25_u64));
    let late = proptest::bool::weighted(0.01);
    let step = (0..13_u8, late, kind, offer).prop_map(|(input, late, kind, offer)| Step {
        input,
        late,
        kind,
        offer,
    });
    proptest::collection::vec(step, 50..400)
}

#[test]
fn every_reload_is_the_model_s_and_every_replay_is_equal() {
    let cases = if std::env::var_os("SENSAI_SOAK").is_some() { 4_000 } else { 150 };
    let cell = cell_of_three();
    let seen = std::cell::Cell::new(Seen::default());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    });
    let looks = proptest::collection::vec(prop_oneof![20 => Just(0_u64), 1 => 1..4_u64], 0..200);
    let strategy = (steps(), looks, any::<proptest::sample::Index>());
    runner
        .run(&strategy, |(steps, looks, from)| {
            let mut count = seen.get();
            let (recorded, offered) = live(&cell, &steps, &looks, &mut count);
            replay(&cell, &recorded, &offered, 0);
            let from = from.index(recorded.len());
            count.from_keyframes += u32::from(from > 0 && recorded[from - 1].model.active.is_some());
            replay(&cell, &recorded, &offered, from);
            seen.set(count);
            Ok(())
        })
        .unwrap();
    let seen = seen.get();
    let least =
        [seen.applied, seen.undone, seen.kept, seen.superseded, seen.from_keyframes].into_iter().min();
    assert!(seen.applied >= 5 * cases && least >= Some(cases / 10), "{seen:?} in {cases}");
}

/// A machine in Run with a program of the base task on probation.
fn on_probation(fault_on: u8, probation: u64) -> (Machine, Inbox, u64) {
    let (machine, inbox) = swapped_in(2, 0, fault_on, probation);
    (machine, inbox, 3)
}

/// A machine in Run that has swapped this program in this cycle, as its last one.
fn swapped_in(cycle: u64, program: usize, fault_on: u8, probation: u64) -> (Machine, Inbox) {
    let mut machine = machine_of(&cell_of_three(), &Model::new().versions);
    let (mut commands, mut inbox) = Inbox::new();
    commands.push(entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3])).unwrap();
    let quiet = Step { input: 0, late: false, kind: None, offer: None };
    for before in 1..cycle {
        turn(&mut machine, &mut inbox, before, &quiet);
    }
    let new = Version { step: 100, fault_on, ..Version::first() };
    let offer = Offered { number: 1, expects: 0, probation, changes: vec![(program, Version::first(), new)] };
    assert!(machine.offer_reload(offer.reload().unwrap()).is_ok());
    turn(&mut machine, &mut inbox, cycle, &quiet);
    assert_eq!(machine.next_news().map(|news| news.number), Some(1));
    (machine, inbox)
}

#[test]
fn a_fault_on_probation_brings_program_and_state_back_and_the_machine_runs_on() {
    let (mut machine, mut inbox, next) = on_probation(5, 10);
    let with = |input| Step { input, late: false, kind: None, offer: None };
    let tag = |machine: &Machine, program: u32| machine.store().committed(FIRST_SLOT + program);
    assert_eq!((tag(&machine, 0), tag(&machine, 1)), (Value::I64(101), Value::I64(2)));
    turn(&mut machine, &mut inbox, next, &with(5));
    // The run that failed had no effect, on nobody; what the new program wrote before stays.
    assert_eq!((machine.mode(), machine.committed(), machine.fault()), (Mode::Run, false, None));
    assert_eq!((tag(&machine, 0), tag(&machine, 1)), (Value::I64(101), Value::I64(2)));
    let taken = turn(&mut machine, &mut inbox, next + 1, &with(5));
    let fault = FaultCode::Raised.id() as i64 | 7 << 32;
    assert_eq!(taken.entries[0].kind, InboxKind::Undo);
    assert_eq!(taken.entries[0].argument, [1, fault, 1]);
    assert_eq!((machine.mode(), machine.committed(), machine.edition()), (Mode::Run, true, 2));
    // As if there had been no reload: one before the swap, one now.
    assert_eq!((tag(&machine, 0), tag(&machine, 1)), (Value::I64(2), Value::I64(3)));
    let Some(Returned::Reload(back)) = machine.next_returned() else { panic!("nothing came back") };
    assert_eq!((back.number(), machine.next_returned().is_none()), (1, true));
}

#[test]
fn a_fault_behind_the_probation_is_the_machine_s() {
    let (mut machine, mut inbox, next) = on_probation(5, 2);
    let with = |input| Step { input, late: false, kind: None, offer: None };
    assert_eq!(machine.probation().left, 1);
    turn(&mut machine, &mut inbox, next, &with(1));
    assert_eq!(machine.next_news().map(|news| news.what), Some(Fate::Kept));
    turn(&mut machine, &mut inbox, next + 1, &with(5));
    assert_eq!((machine.mode(), machine.edition()), (Mode::Fault, 1));
}

#[test]
fn an_overrun_on_probation_is_an_undo_and_no_fault() {
    let (mut machine, mut inbox, next) = on_probation(NEVER, 10);
    let late = Step { input: 0, late: true, kind: None, offer: None };
    let taken = turn(&mut machine, &mut inbox, next, &late);
    let kinds: Vec<_> = taken.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [InboxKind::Undo, InboxKind::Overrun]);
    assert_eq!((machine.mode(), machine.edition()), (Mode::Run, 2));
    turn(&mut machine, &mut inbox, next + 1, &late);
    assert_eq!(machine.mode(), Mode::Fault, "the next overrun is the old program's own");
}

/// What the swap takes, the base task pays for, also where only a slow task's program is replaced.
#[test]
fn a_late_swap_of_a_slow_program_is_undone_and_no_fault() {
    let late = Step { input: 0, late: true, kind: None, offer: None };
    let quiet = Step { late: false, ..late.clone() };
    let (mut machine, mut inbox) = swapped_in(MULTIPLES[0], 2, NEVER, 10);
    assert_eq!(machine.edition(), 1);
    let taken = turn(&mut machine, &mut inbox, MULTIPLES[0] + 1, &late);
    let kinds: Vec<_> = taken.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [InboxKind::Undo, InboxKind::Overrun]);
    let [number, fault, tasks] = taken.entries[0].argument;
    assert_eq!([number, fault & 0xFFFF, tasks], [1, FaultCode::Overrun.id().into(), 1]);
    assert_eq!((machine.mode(), machine.edition()), (Mode::Run, 2));
    // Any later cycle is the base task's own.
    let (mut machine, mut inbox) = swapped_in(MULTIPLES[0], 2, NEVER, 10);
    turn(&mut machine, &mut inbox, MULTIPLES[0] + 1, &quiet);
    let taken = turn(&mut machine, &mut inbox, MULTIPLES[0] + 2, &late);
    assert!(taken.entries.iter().all(|entry| entry.kind != InboxKind::Undo));
    assert_eq!((machine.mode(), machine.edition()), (Mode::Fault, 1));
}

#[test]
fn a_program_that_cannot_be_moved_is_not_replaced() {
    let cell = cell_of_three();
    let program = |index| Loaded::Here(Counting::new(index, &Version::first()));
    let mut machine = Machine::new(cell, (0..TASK_OF.len()).map(program).collect());
    let mut inbox = Inbox::new().1;
    let quiet = Step { input: 0, late: false, kind: None, offer: None };
    let changes = vec![(3, Version::first(), Version::first())];
    let offer = Offered { number: 1, expects: 0, probation: 1, changes };
    assert!(machine.offer_reload(offer.reload().unwrap()).is_ok());
    let taken = turn(&mut machine, &mut inbox, 1, &quiet);
    assert!(taken.entries.is_empty());
    let refused = Fate::Refused(crate::machine::reload::Refused::Bound(3));
    assert_eq!(machine.next_news().map(|news| news.what), Some(refused));
    assert!(matches!(machine.next_returned(), Some(Returned::Reload(_))));
}
