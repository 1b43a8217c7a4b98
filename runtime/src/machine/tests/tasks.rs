//! Slow tasks: against a model of logical execution time that knows nothing of jobs, and whoever runs the jobs.

use super::*;
use crate::{
    machine::tasks::TaskFacts,
    tasks::{Settings, Threads, late::Late},
};
use sensai_model::cell::{Alarm, AlarmCondition, AlarmPriority, Unit};
use sensai_motion::AxisCommand;

/// Writes `a` from the input, and an output from what the others wrote.
const BASE: &str = "
    fn init() { #{ } }
    fn cycle() {
        io.a = (io.a * 5 + io.level + 1) % 1000;
        io.held = (io.b + io.c) % 256;
    }";
/// The result depends on all three, on its own past, on time and on `first_cycle`.
const FOUR: &str = "
    fn init() { #{ n: 0 } }
    fn cycle() {
        if sys.first_cycle { this.n += 100; }
        this.n += to_int(sys.dt * 1000.0 + 0.5);
        if io.level == 13 { fault(\"thirteen\"); }
        io.b = (io.a * 3 + io.c + this.n + sys.cycle) % 1000;
    }";
const TWENTY: &str = "
    fn init() { #{ sum: 0 } }
    fn cycle() {
        this.sum = (this.sum + io.b) % 100000;
        io.c = (this.sum + io.a + io.level) % 1000;
    }";

/// Base intervals of the slow tasks.
const MULTIPLES: [u64; 2] = [4, 20];
/// Slots of the memory tags.
const A: u32 = 3;
const B: u32 = 4;
const C: u32 = 5;

fn source(name: &str, text: &str) -> ProgramSource {
    let path = format!("programs/{name}.rhai");
    ProgramSource::new(name, path, text)
}

fn three_tasks() -> Cell {
    let mut cell = cell();
    let zero = OnFault::Value(Value::I64(0));
    cell.tags[3].name = "a".into();
    cell.tags.push(tag("b", TagKind::Memory, B, 0, zero));
    cell.tags.push(tag("c", TagKind::Memory, C, 0, zero));
    let limits = Limits { operations: 10_000, ..cell.task.limits };
    cell.task.limits = limits;
    cell.task.programs = vec![source("base", BASE)];
    let slow = |name: &str, multiple: u64, text| Task {
        name: name.into(),
        interval_ns: multiple * 1_000_000,
        multiple,
        on_overrun: OnOverrun::Skip,
        tier: Default::default(),
        programs: vec![source(name, text)],
        ..cell.task.clone()
    };
    let slow_tasks = vec![slow("four", MULTIPLES[0], FOUR), slow("twenty", MULTIPLES[1], TWENTY)];
    Cell { slow_tasks, ..cell }
}

fn build(cell: &Arc<Cell>) -> Machine {
    Machine::new(Arc::clone(cell), crate::programs::compile(cell).expect("the texts compile"))
}

/// One cycle of a test.
#[derive(Clone, Debug)]
struct Step {
    input: u8,
    skipped: u64,
    kind: Option<InboxKind>,
}

fn steps(faults: bool) -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        60 => Just(None),
        2 => Just(Some(InboxKind::Stop)),
        4 => Just(Some(InboxKind::Start)),
        2 => Just(Some(InboxKind::Reset)),
    ];
    let skipped = prop_oneof![20 => Just(0_u64), 2 => 1..4_u64, 1 => 5..50_u64];
    let input = if faults { 0..14_u8 } else { 0..13_u8 };
    let step = (input, skipped, kind).prop_map(|(input, skipped, kind)| Step { input, skipped, kind });
    proptest::collection::vec(step, 1..160)
}

/// What entered a cycle, for a run that decides nothing itself.
type Entries = Vec<InboxEntry>;

/// One cycle as [`crate::cycle`] has it. Entries that are given are applied as they are.
fn turn(machine: &mut Machine, index: u64, step: &Step, given: Option<&Entries>) -> (Entries, Vec<u8>) {
    machine.images().1[0] = step.input;
    let time = CycleTime { index, skipped: step.skipped, first: false };
    let mut entries = Vec::new();
    match given {
        Some(given) => entries.clone_from(given),
        None => {
            let late = machine.unfinished_tasks(time).cast_signed();
            if late != 0 {
                entries.push(entry(InboxKind::TaskOverrun, InboxSource::RUNTIME, [late, 0, 0]));
            }
            entries.extend(step.kind.map(|kind| entry(kind, InboxSource::TERMINAL, [0; 3])));
        }
    }
    for entry in &entries {
        machine.apply(entry);
    }
    machine.run_task(&GOOD, time);
    machine.step_axes(time);
    machine.stage();
    machine.take_error();
    (entries, saved(machine))
}

fn saved(machine: &Machine) -> Vec<u8> {
    let mut state = vec![0; machine.state_len().0];
    machine.save(&mut state);
    state
}

/// Indices of the cycles, the first one is 1.
fn indices(steps: &[Step]) -> Vec<u64> {
    let next = |last: &mut u64, step: &Step| {
        *last += 1 + step.skipped;
        Some(*last)
    };
    steps.iter().scan(0, next).collect()
}

/// All cycles: what entered, and the state behind each.
fn run(machine: &mut Machine, steps: &[Step]) -> Vec<(Entries, Vec<u8>)> {
    let start = entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]);
    machine.apply(&start);
    steps.iter().zip(indices(steps)).map(|(step, index)| turn(machine, index, step, None)).collect()
}

/// Logical execution time in integers: a run reads at its release, is computed there and then, and shows at the next.
#[derive(Debug, Default)]
struct Model {
    running: bool,
    faulted: bool,
    level: i64,
    a: i64,
    b: i64,
    c: i64,
    held: i64,
    n: i64,
    sum: i64,
    tasks: [ModelTask; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct ModelTask {
    pending: Option<Pending>,
    /// Cycles that its runs still ask for at their releases, before they are done.
    last: u64,
    fresh: bool,
    late: u64,
}

#[derive(Clone, Copy, Debug)]
enum Pending {
    /// The tag it writes, and its state.
    Result(i64, i64),
    Fault,
}

impl Model {
    fn start(&mut self) {
        if !self.running && !self.faulted {
            self.running = true;
            self.tasks.iter_mut().for_each(|task| task.fresh = true);
        }
    }

    fn raise(&mut self) {
        (self.running, self.faulted) = (false, true);
        self.tasks.iter_mut().for_each(|task| task.pending = None);
    }

    fn turn(&mut self, index: u64, step: &Step, late: i64) {
        self.level = step.input.into();
        match step.kind {
            Some(InboxKind::Start) => self.start(),
            Some(InboxKind::Stop) => self.running = false,
            Some(InboxKind::Reset) if self.faulted => {
                self.faulted = false;
                (self.n, self.sum) = (0, 0);
            }
            _ => {}
        }
        let before = index as i64 - 1 - step.skipped as i64;
        let is_late = |number: usize| late >> (number + 1) & 1 == 1;
        let due = |number: usize| {
            let multiple = MULTIPLES[number] as i64;
            index as i64 / multiple > before.div_euclid(multiple) && !is_late(number)
        };
        let mut fault = false;
        for number in 0..2 {
            self.tasks[number].late += u64::from(is_late(number));
            if due(number) {
                match (self.tasks[number].pending.take(), number) {
                    (Some(Pending::Result(tag, state)), 0) => (self.b, self.n) = (tag, state),
                    (Some(Pending::Result(tag, state)), _) => (self.c, self.sum) = (tag, state),
                    (Some(Pending::Fault), _) => fault = true,
                    (None, _) => {}
                }
            }
        }
        if fault {
            self.raise();
        }
        for number in 0..2 {
            if self.running && due(number) {
                self.release(number, index);
            }
        }
        if self.running {
            let a = (self.a * 5 + self.level + 1) % 1000;
            (self.a, self.held) = (a, (self.b + self.c) % 256);
        }
    }

    fn release(&mut self, number: usize, index: u64) {
        let first = std::mem::take(&mut self.tasks[number].fresh);
        let dt = if first { MULTIPLES[number] } else { index - self.tasks[number].last };
        self.tasks[number].last = index;
        self.tasks[number].pending = Some(if number == 0 {
            let n = self.n + if first { 100 } else { 0 } + dt as i64;
            match self.level {
                13 => Pending::Fault,
                _ => Pending::Result((self.a * 3 + self.c + n + index as i64) % 1000, n),
            }
        } else {
            let sum = (self.sum + self.b) % 100_000;
            Pending::Result((sum + self.a + self.level) % 1000, sum)
        });
    }
}

fn values(machine: &Machine) -> [i64; 4] {
    [A, B, C, 1].map(|slot| match machine.store().committed(slot) {
        Value::I64(value) => value,
        other => panic!("{other:?}"),
    })
}

proptest! {
    /// Whatever is skipped, late, stopped or faulted: what is visible is what the model says, and nothing else.
    #[test]
    fn what_is_visible_is_logical_execution_time(
        steps in steps(true),
        looks in proptest::collection::vec(prop_oneof![6 => Just(0_u64), 1 => 1..4_u64], 0..40),
    ) {
        let cell = Arc::new(three_tasks());
        let mut machine = build(&cell);
        machine.run_tasks_on(Box::new(Late::new(&cell, &looks)));
        let mut model = Model::default();
        machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
        model.start();
        for (step, index) in steps.iter().zip(indices(&steps)) {
            let (entries, _) = turn(&mut machine, index, step, None);
            let late = entries.iter().find(|entry| entry.kind == InboxKind::TaskOverrun);
            model.turn(index, step, late.map_or(0, |entry| entry.argument[0]));
            prop_assert_eq!(values(&machine), [model.a, model.b, model.c, model.held], "cycle {}", index);
            prop_assert_eq!(machine.mode() == Mode::Run, model.running, "cycle {}", index);
            prop_assert_eq!(machine.mode() == Mode::Fault, model.faulted, "cycle {}", index);
            for (facts, task) in machine.task_facts(index).zip(&model.tasks) {
                prop_assert_eq!(facts.overruns, task.late);
            }
        }
    }

    /// A run that decided what is late, and one that is told, begun behind any cycle of the first, runs in flight or not.
    #[test]
    fn a_machine_that_takes_over_and_is_told_what_was_late_goes_on_the_same(
        steps in steps(true),
        looks in proptest::collection::vec(0..4_u64, 0..40),
        from in any::<proptest::sample::Index>(),
    ) {
        let cell = Arc::new(three_tasks());
        let mut first = build(&cell);
        first.run_tasks_on(Box::new(Late::new(&cell, &looks)));
        let all = run(&mut first, &steps);
        let from = from.index(all.len());
        let mut second = build(&cell);
        // It has been somewhere else before.
        run(&mut second, &steps[..from / 2]);
        second.load(&all[from].1).expect("the state of the same cell");
        prop_assert_eq!(&saved(&second), &all[from].1);
        let numbers = indices(&steps);
        for at in from + 1..all.len() {
            let (_, state) = turn(&mut second, numbers[at], &steps[at], Some(&all[at].0));
            prop_assert!(state == all[at].1, "cycle {}, taken over behind {}", numbers[at], numbers[from]);
        }
    }
}

/// Without faults and late runs, so that all has to come out the same.
fn quiet_steps(cycles: u64, seed: u64) -> Vec<Step> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..cycles)
        .map(|_| Step {
            input: (next() % 13) as u8,
            skipped: if next() % 50 == 0 { next() % 30 } else { 0 },
            kind: None,
        })
        .collect()
}

#[test]
fn threads_under_load_come_to_the_same_as_the_cycle_itself() {
    let cell = Arc::new(three_tasks());
    let steps = quiet_steps(3000, 7);
    let mut inline = build(&cell);
    let expected = run(&mut inline, &steps);
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let busy = |over: Arc<std::sync::atomic::AtomicBool>| {
        std::thread::spawn(move || {
            let mut number = 1_u64;
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                for _ in 0..(number >> 7) % 20_000 {
                    number =
                        std::hint::black_box(number.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3));
                }
                std::thread::yield_now();
            }
        })
    };
    let load: Vec<_> = (0..4).map(|_| busy(Arc::clone(&over))).collect();
    let (threads, _) =
        Threads::start(&cell, Settings { virtual_time: true, core: None }).expect("they start");
    let mut threaded = build(&cell);
    threaded.run_tasks_on(Box::new(threads));
    let came_out = run(&mut threaded, &steps);
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    load.into_iter().for_each(|thread| thread.join().expect("it only counts"));
    for (at, (expected, came_out)) in expected.iter().zip(&came_out).enumerate() {
        assert!(expected == came_out, "cycle {at}");
    }
    let facts: Vec<TaskFacts> = threaded.task_facts(3000).collect();
    assert!(facts.iter().all(|facts| facts.overruns == 0 && facts.releases > 100), "{facts:?}");
    assert!(facts.iter().all(|facts| facts.execution_ns > 0), "{facts:?}");
}

#[test]
fn a_late_task_leaves_its_old_results_which_grow_older() {
    let cell = Arc::new(three_tasks());
    let mut machine = build(&cell);
    // The second run of the four is not done at two releases.
    machine.run_tasks_on(Box::new(Late::new(&cell, &[0, 2])));
    let steps = vec![Step { input: 1, skipped: 0, kind: None }; 24];
    machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
    let mut seen = Vec::new();
    for (step, index) in steps.iter().zip(1..) {
        let (entries, _) = turn(&mut machine, index, step, None);
        let facts = machine.task_facts(index).next().expect("the four");
        let late: Vec<i64> = entries.iter().map(|entry| entry.argument[0]).collect();
        if index % 4 == 0 {
            seen.push((index, late, facts.age, facts.released, facts.overruns));
        }
    }
    let expected = [
        (4, vec![], None, Some(4), 0),
        (8, vec![], Some(4), Some(8), 0),
        (12, vec![2], Some(8), Some(8), 1),
        (16, vec![2], Some(12), Some(8), 2),
        (20, vec![], Some(12), Some(20), 2),
        (24, vec![], Some(4), Some(24), 2),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_late_task_stops_the_machine_where_its_rule_says_so() {
    let mut cell = three_tasks();
    cell.slow_tasks[1].on_overrun = OnOverrun::Stop;
    let cell = Arc::new(cell);
    let mut machine = build(&cell);
    let late = |bits| entry(InboxKind::TaskOverrun, InboxSource::RUNTIME, [bits, 0, 0]);
    step(&mut machine, 1, &GOOD, &[InboxKind::Start]);
    machine.apply(&late(0b010));
    assert_eq!(machine.mode(), Mode::Run, "the four may skip");
    machine.apply(&late(0b110));
    let fault = machine.fault().expect("a fault");
    assert_eq!((fault.code, fault.source), (FaultCode::Overrun, 2));
}

#[test]
fn a_fault_in_a_slow_task_shows_at_its_next_release_and_nothing_of_the_run_with_it() {
    let cell = Arc::new(three_tasks());
    let mut machine = build(&cell);
    machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
    for index in 1..=11 {
        // The run released in cycle 8 faults.
        let input = if index == 8 { 13 } else { 2 };
        turn(&mut machine, index, &Step { input, skipped: 0, kind: None }, None);
        assert_eq!(machine.mode(), Mode::Run, "cycle {index}");
    }
    let before = (values(&machine), machine.programs()[1].state().to_vec());
    machine.images().1[0] = 2;
    let time = CycleTime { index: 12, skipped: 0, first: false };
    machine.run_task(&GOOD, time);
    let fault = machine.fault().expect("a fault");
    assert_eq!((fault.code, fault.source, fault.line), (FaultCode::Raised, 1, 6));
    assert!(!machine.committed(), "the base task does not run any more");
    assert_eq!((values(&machine), machine.programs()[1].state().to_vec()), before);
    assert!(machine.take_error().is_some_and(|error| error.text.to_string().contains("thirteen")));
    // After the reset it starts anew, with the tags as they are.
    machine.apply(&entry(InboxKind::Reset, InboxSource::TERMINAL, [0; 3]));
    assert_eq!(machine.programs()[1].state(), [0; 8]);
    machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
    for index in 13..=20 {
        turn(&mut machine, index, &Step { input: 2, skipped: 0, kind: None }, None);
    }
    assert_eq!(machine.programs()[1].state(), 104_i64.to_le_bytes());
}

#[test]
fn a_stop_lets_a_run_that_has_begun_take_effect() {
    let cell = Arc::new(three_tasks());
    let mut machine = build(&cell);
    machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
    let mut results = Vec::new();
    for index in 1..=12 {
        let kind = (index == 6).then_some(InboxKind::Stop);
        turn(&mut machine, index, &Step { input: 1, skipped: 0, kind }, None);
        results.push(values(&machine)[1]);
    }
    assert_eq!(machine.mode(), Mode::Stop);
    assert_eq!(results[..7], [0; 7]);
    assert_ne!(results[7], 0, "the run of cycle 4");
    assert_eq!(results[7..], [results[7]; 5], "no further run");
    assert_eq!(machine.task_facts(12).map(|facts| facts.releases).collect::<Vec<_>>(), [1, 0]);
}

/// Raises what it is told to in every run, and counts its runs in its state.
struct Asking {
    layout: Layout,
    state: [u8; 8],
    request: Request,
    program: u16,
}

impl Program for Asking {
    fn name(&self) -> &str {
        "asking"
    }
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn state(&self) -> &[u8] {
        &self.state
    }
    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        self.state = state.try_into().expect("eight bytes");
        Ok(())
    }
    fn reset(&mut self) {
        self.state = [0; 8];
    }
    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        let count = i64::from_le_bytes(self.state) + 1;
        self.state = count.to_le_bytes();
        if count % 2 == 1 {
            context.ports.request(self.program, self.request).expect("there is room");
            context.ports.command(0, AxisCommand::Halt).expect("there is room");
        }
        Ok(())
    }
    fn operations(&self) -> u64 {
        3
    }
}

/// The cell with one slow task of four intervals that asks for something in every other run.
fn asking(mut cell: Cell, request: Request) -> Machine {
    cell.slow_tasks.truncate(1);
    let program = |request, program| {
        let layout = Layout::new(Vec::new());
        Loaded::Here(Box::new(Asking { layout, state: [0; 8], request, program }))
    };
    let base = crate::programs::compile_task(&cell, 0).expect("the base compiles");
    Machine::new(Arc::new(cell), base.into_iter().chain([program(request, 1)]).collect())
}

#[test]
fn an_alarm_of_a_slow_task_stands_until_its_next_results() {
    let mut cell = three_tasks();
    cell.alarms = vec![Alarm {
        name: "hot".into(),
        id: 1000,
        condition: AlarmCondition::Program,
        on_delay_ns: 0,
        off_delay_ns: 0,
        priority: AlarmPriority::Low,
        reaction: AlarmReaction::None,
        latched: false,
        text_en: String::new(),
        text_ja: String::new(),
        help: (String::new(), String::new()),
        group: 0,
    }];
    let mut machine = asking(cell, Request::Alarm(0));
    machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
    let active: Vec<bool> = (1..=20)
        .map(|index| {
            turn(&mut machine, index, &Step { input: 1, skipped: 0, kind: None }, None);
            machine.alarms().facts()[0].active
        })
        .collect();
    // The run of cycle 4 finds it, that of cycle 8 does not, that of cycle 12 does.
    let expected: Vec<bool> = (1..=20).map(|index: u64| matches!(index, 8..12 | 16..20)).collect();
    assert_eq!(active, expected);
}

#[test]
fn what_a_slow_task_says_of_a_state_is_not_taken_for_another_one() {
    let mut cell = three_tasks();
    cell.units = vec![Unit {
        name: "station".into(),
        modes: vec![packml::Mode::Production],
        programs: vec![1],
        immediate: 0,
        jog: Vec::new(),
    }];
    let mut machine = asking(cell, Request::StateComplete);
    machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
    let states: Vec<packml::State> = (1..=18)
        .map(|index| {
            if index == 6 {
                let reset = packml::Command::Reset as i64;
                machine.apply(&entry(InboxKind::UnitCommand, InboxSource::TERMINAL, [0, reset, 0]));
            }
            turn(&mut machine, index, &Step { input: 1, skipped: 0, kind: None }, None);
            machine.units().states()[0].state
        })
        .collect();
    // The run of cycle 4 saw Stopped, that of cycle 8 says nothing, that of cycle 12 saw Resetting.
    let expected: Vec<packml::State> = (1..=18)
        .map(|index: u64| match index {
            0..6 => packml::State::Stopped,
            6..16 => packml::State::Resetting,
            _ => packml::State::Idle,
        })
        .collect();
    assert_eq!(states, expected);
}

#[test]
fn commands_of_a_slow_task_go_to_the_axes_with_its_results_and_once() {
    let mut machine = asking(three_tasks(), Request::Jidoka(0));
    machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
    let mut given = Vec::new();
    for index in 1..=20 {
        turn(&mut machine, index, &Step { input: 1, skipped: 0, kind: None }, None);
        given.extend(machine.tasks.commands().iter().map(|directed| (index, directed.commanded.id)));
    }
    // Ids grow with the cycle in which the axes see them.
    let id = |cycle: u64| cycle * sensai_scripts::ports::IDS_PER_CYCLE + 1;
    assert_eq!(given, [(8, id(8)), (16, id(16))]);
}

#[test]
fn an_operator_who_takes_time_delays_nothing_but_the_first_release() {
    let cell = Arc::new(three_tasks());
    let mut machine = build(&cell);
    let step = Step { input: 1, skipped: 0, kind: None };
    for index in 1..=9 {
        turn(&mut machine, index, &step, None);
    }
    assert_eq!(machine.task_facts(9).next().map(|facts| facts.released), Some(None));
    turn(&mut machine, 10, &Step { kind: Some(InboxKind::Start), ..step.clone() }, None);
    turn(&mut machine, 11, &step, None);
    assert_eq!(machine.task_facts(11).next().map(|facts| facts.releases), Some(0));
    turn(&mut machine, 12, &step, None);
    assert_eq!(machine.task_facts(12).next().map(|facts| facts.released), Some(Some(12)));
}

proptest! {
    /// Most of a good state, with runs in flight, so that all of it is read.
    #[test]
    fn no_altered_state_with_runs_in_flight_makes_it_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let cell = Arc::new(three_tasks());
        let mut machine = build(&cell);
        run(&mut machine, &quiet_steps(30, 1));
        let mut state = saved(&machine);
        for (at, value) in changes {
            let at = at.index(state.len());
            state[at] = value;
        }
        if let Some(cut) = cut {
            state.truncate(cut.index(state.len()));
        }
        if machine.load(&state).is_ok() {
            let kept = saved(&machine);
            machine.load(&kept).expect("its own state");
            prop_assert_eq!(saved(&machine), kept);
        }
        for index in 31..60 {
            turn(&mut machine, index, &Step { input: 1, skipped: 0, kind: None }, None);
        }
    }
}
