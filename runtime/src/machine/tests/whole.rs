//! A machine that has everything, under whatever comes through its doors: commands and verdicts with any arguments, frames
//! that are lost, drives that follow, fail or talk nonsense.

use super::*;
use crate::{programs, source::Source};
use sensai_model::{cell::Axis, packml};
use std::path::Path;

const CELL: &str = r#"
[cell]
name = "whole"
[tasks.main]
interval = "1ms"
programs = ["programs/one.rhai", "programs/two.rhai"]
[tasks.slow]
interval = "4ms"
programs = ["programs/slow.rhai"]
[devices]
inputs = { type = "EL1008" }
outputs = { type = "EL2008" }
servo = { type = "SN4020" }
other = { type = "SN4020", sync_unit = "second" }
[axes.a]
drive = "servo"
feed = "10 mm"
encoder = 1_048_576
homing = "absolute"
limits = { position = [-50.0, 50.0], velocity = 200.0, jerk = 200_000.0 }
brake = { release = "3ms", apply = "3ms" }
[axes.b]
drive = "other"
feed = "360 deg"
encoder = 1_048_576
modulo = 360.0
homing = "current_position"
limits = { velocity = 720.0 }
stop_category = 2
[units.one]
acting = ["resetting", "holding"]
programs = ["one"]
jog = ["a"]
[units.two]
acting = []
programs = ["two", "slow"]
jog = ["b"]
[tags]
wanted = { input = "inputs.channel_1" }
bad = { input = "inputs.channel_2", on_invalid = "fault" }
lamp = { output = "outputs.channel_1" }
force = { type = "f64", unit = "N" }
way = { type = "f64" }
count = { type = "i64" }
[parameters]
speed = { default = 50.0, range = [1.0, 200.0] }
[models.stroke]
file = "models/stroke.onnx"
inputs = [{ curve = "force", over = "way", from = 0.0, to = 30.0, len = 64 }]
deadline = "9ms"
slice = 700
[models.watch]
file = "models/stroke.onnx"
inputs = [{ window = "force", len = 64 }]
trigger = { every = "5ms" }
[jidoka.stroke]
model = "stroke"
limit = 0.0
count = 1
unit = "one"
[jidoka.watch]
model = "watch"
limit = 0.0
[jidoka.seen]
unit = "two"
[alarms.held]
id = 1001
when = "wanted"
delay = "2ms"
reaction = "hold"
unit = "one"
text = { en = "a", ja = "b" }
[alarms.stopped]
id = 1002
when = "count > 6"
reaction = "stop"
text = { en = "a", ja = "b" }
[alarms.aborted]
id = 1003
when = "force > 28.0"
reaction = "abort"
unit = "two"
text = { en = "a", ja = "b" }
[alarms.faulted]
id = 1004
latched = true
reaction = "fault"
text = { en = "a", ja = "b" }
"#;

const ONE: &str = r#"
fn init() { #{ a: Axis("a"), n: 0, retain: #{ n: 0 } } }
fn cycle() {
    this.n = (this.n + 1) % 40;
    this.retain.n += 1;
    io.force = to_float(this.n) * 0.75;
    io.way = to_float(this.n);
    switch sys.state {
        "resetting" => { this.a.power(true); if this.a.powered { state_complete(); } }
        "execute" => {
            this.a.power(true);
            this.a.move_absolute(to_float(this.n), param.speed);
            if this.n == 39 { ai.stroke.request(); }
            if io.bad && this.n == 7 { fault("bad"); }
        }
        "holding" => if !this.a.busy || this.n == 3 { state_complete(); }
    }
    io.lamp = ai.stroke.fresh && ai.stroke.valid;
}
"#;
const TWO: &str = r#"
fn init() { #{ b: Axis("b") } }
fn cycle() {
    this.b.power(true);
    if sys.state == "execute" { this.b.move_velocity(param.speed); }
    if sys.state == "stopping" { this.b.halt(); }
    if io.wanted && io.bad { jidoka("seen"); }
    if io.count == 5 { alarm("faulted"); }
}
"#;
const SLOW: &str = r#"
fn init() { #{ n: 0 } }
fn cycle() {
    this.n += 1;
    io.count = (io.count + if io.wanted { 1 } else { 0 }) % 8;
    if this.n % 9 == 0 { hold(); }
    if ai.watch.fresh { this.n += 1; }
}
"#;

fn whole() -> Arc<Cell> {
    static CHECKED: std::sync::LazyLock<Arc<Cell>> = std::sync::LazyLock::new(checked);
    Arc::clone(&CHECKED)
}

fn checked() -> Arc<Cell> {
    let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/press-cell"));
    let source = Source::read(|path| {
        let text = match path {
            "cell.toml" => CELL,
            "programs/one.rhai" => ONE,
            "programs/two.rhai" => TWO,
            "programs/slow.rhai" => SLOW,
            _ => return std::fs::read(models.join(path)).map_err(|error| error.to_string()),
        };
        Ok(text.as_bytes().to_vec())
    });
    let text = source.render(false);
    source.cell.unwrap_or_else(|| panic!("{text}"))
}

fn build(cell: &Arc<Cell>) -> Machine {
    Machine::new(Arc::clone(cell), programs::compile(cell).expect("the texts compile"))
}

#[derive(Clone, Debug)]
struct Step {
    entries: Vec<(InboxKind, [i64; 3])>,
    digital: u8,
    /// Drives do as they are told.
    follow: bool,
    noise: Vec<(proptest::sample::Index, u8)>,
    valid: u32,
    skipped: u64,
}

fn argument() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => -1..4_i64,
        2 => 0..40_i64,
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(f64::NAN.to_bits().cast_signed())],
        3 => (-300.0..300.0_f64).prop_map(|number| number.to_bits().cast_signed()),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kinds: Vec<InboxKind> = InboxKind::ALL.iter().map(|(kind, ..)| *kind).collect();
    let any_kind = proptest::sample::select(kinds);
    let wanted = prop_oneof![
        Just((InboxKind::Start, [0; 3])),
        Just((InboxKind::Reset, [0; 3])),
        Just((InboxKind::UnitCommand, [-1, packml::Command::Start as i64, 1])),
        Just((InboxKind::UnitMode, [-1, packml::Mode::Manual as i64, 0])),
        Just((InboxKind::Jog, [1, 90.0_f64.to_bits().cast_signed(), 6])),
        Just((InboxKind::Verdict, [0, 1, 9])),
        Just((InboxKind::UnitCommand, [-1, packml::Command::Unhold as i64, 0])),
    ];
    let entry = prop_oneof![
        3 => (any_kind, [argument(), argument(), argument()]),
        5 => wanted,
    ];
    let entries = prop_oneof![3 => Just(Vec::new()), 2 => proptest::collection::vec(entry, 1..4)];
    let noise = prop_oneof![
        12 => Just(Vec::new()),
        1 => proptest::collection::vec(any::<(proptest::sample::Index, u8)>(), 1..4),
    ];
    let valid = prop_oneof![20 => Just(3_u32), 1 => 0..4_u32];
    let skipped = prop_oneof![20 => Just(0_u64), 1 => 1..7_u64];
    let digital = prop_oneof![6 => Just(0_u8), 1 => 0..4_u8];
    let step = (entries, digital, proptest::bool::weighted(0.95), noise, valid, skipped).prop_map(
        |(entries, digital, follow, noise, valid, skipped)| Step {
            entries,
            digital,
            follow,
            noise,
            valid,
            skipped,
        },
    );
    proptest::collection::vec(step, 1..120)
}

/// A drive that is at once where it is told to be.
fn follow(axis: &Axis, outputs: &[u8], inputs: &mut [u8]) {
    let at = &axis.entries;
    let controlword = at.controlword.read_bits(outputs) as u16;
    let statusword: u64 = match (controlword & 0x80 != 0, controlword & 0xf) {
        (true, _) => 0x250,
        // Bit 12: it follows set-points.
        (_, 0xf) => 0x1237,
        (_, 0x7) => 0x233,
        (_, 0x6) => 0x231,
        _ => 0x250,
    };
    at.statusword.write_bits(inputs, statusword);
    if let (Some(target), 0x1237) = (at.target_position, statusword) {
        at.position_actual.write_bits(inputs, target.read_bits(outputs));
    }
    if let (Some(to), Some(from)) = (at.mode_display, at.mode) {
        to.write_bits(inputs, from.read_bits(outputs));
    }
}

/// One cycle, without the clock and the bus.
fn turn(machine: &mut Machine, step: &Step, index: u64) -> Vec<u8> {
    let cell = Arc::clone(machine.cell());
    let (outputs, inputs) = machine.images();
    let outputs = outputs.to_vec();
    if let Some(byte) = inputs.first_mut() {
        *byte = step.digital;
    }
    if step.follow {
        cell.axes.iter().for_each(|axis| follow(axis, &outputs, inputs));
    }
    for (place, byte) in &step.noise {
        inputs[place.index(inputs.len())] ^= byte;
    }
    for (kind, argument) in &step.entries {
        machine.apply(&entry(*kind, InboxSource::TERMINAL, *argument));
    }
    let time = CycleTime { index, skipped: step.skipped, first: index == 1 };
    let exchange = Exchange { valid: step.valid, lost: step.valid == 0, ..Exchange::NONE };
    machine.run_task(&exchange, time);
    machine.step_axes(time);
    machine.stage();
    machine.requested_models(time);
    machine.take_error();
    let mut bytes = vec![0; machine.state_len().0];
    machine.save(&mut bytes);
    bytes
}

/// What holds between any two cycles.
fn assert_laws(machine: &Machine, index: u64) {
    for state in machine.units().states() {
        assert!(
            !(state.awaits_verdict && state.state == packml::State::Execute),
            "cycle {index}: executing without a verdict"
        );
        let stopped = matches!(state.state, packml::State::Execute | packml::State::Starting);
        assert!(machine.mode() == Mode::Run || !stopped, "cycle {index}: {state:?} outside of Run");
    }
    for facts in machine.axes().facts() {
        let excused = facts.resetting != 0 || machine.mode() == Mode::Fault || machine.shutting_down();
        assert!(facts.error.is_none() || excused, "cycle {index}: {:?} and no fault", facts.error);
    }
    let standing = machine.alarms().facts().last().is_some_and(|facts| facts.active && facts.shelved == 0);
    assert!(!(standing && machine.mode() == Mode::Run), "cycle {index}: in Run in spite of its alarm");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// Whatever comes in, nothing panics, two machines do the same, and so does a third that begins in the middle.
    #[test]
    fn everything_at_once_is_the_same_twice_and_from_the_middle(
        steps in steps(), cut in any::<proptest::sample::Index>(),
    ) {
        let cell = whole();
        let mut machines = [build(&cell), build(&cell)];
        let mut third: Option<Machine> = None;
        let (mut index, cut) = (0, cut.index(steps.len()));
        for (number, step) in steps.iter().enumerate() {
            index += 1 + step.skipped;
            let [first, second] = &mut machines;
            let state = turn(first, step, index);
            prop_assert!(state == turn(second, step, index), "cycle {}", index);
            assert_laws(first, index);
            if let Some(third) = &mut third {
                prop_assert!(state == turn(third, step, index), "cycle {}, from {}", index, cut);
            }
            if number == cut {
                let mut fresh = build(&cell);
                prop_assert_eq!(fresh.load(&state), Ok(()));
                let mut again = vec![0; state.len()];
                fresh.save(&mut again);
                prop_assert!(state == again, "what was loaded is saved");
                third = Some(fresh);
            }
        }
    }

    /// A keyframe that was tampered with is refused or run: it never panics.
    #[test]
    fn no_altered_state_of_everything_makes_it_panic(
        steps in steps(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let cell = whole();
        let (mut machine, mut index) = (build(&cell), 0);
        let mut state = Vec::new();
        for step in steps.iter().take(40) {
            index += 1 + step.skipped;
            state = turn(&mut machine, step, index);
        }
        for (place, byte) in &changes {
            let place = place.index(state.len());
            state[place] ^= byte;
        }
        let mut other = build(&cell);
        if other.load(&state).is_ok() {
            for step in steps.iter().take(20) {
                index += 1 + step.skipped;
                turn(&mut other, step, index);
            }
        }
    }
}

/// What a person does, and a drive that does as it is told.
struct Operator {
    machine: Machine,
    index: u64,
}

impl Operator {
    fn new() -> Self {
        Self { machine: build(&whole()), index: 0 }
    }

    fn turns(&mut self, cycles: u64, kind: InboxKind, argument: [i64; 3]) {
        for first in (0..cycles).map(|cycle| cycle == 0) {
            self.turn(if first { vec![(kind, argument)] } else { Vec::new() }, true);
        }
    }

    fn turn(&mut self, entries: Vec<(InboxKind, [i64; 3])>, follow: bool) {
        self.index += 1;
        let step = Step { entries, digital: 0, follow, noise: Vec::new(), valid: 3, skipped: 0 };
        turn(&mut self.machine, &step, self.index);
        assert_laws(&self.machine, self.index);
    }

    fn velocity(&self) -> f64 {
        self.machine.axes().facts().nth(1).map_or(f64::NAN, |facts| facts.set_velocity)
    }

    /// Axis `b` jogs, in manual mode.
    fn jogging() -> Self {
        let mut it = Self::new();
        it.turns(2, InboxKind::Start, [0; 3]);
        it.turns(2, InboxKind::UnitMode, [-1, packml::Mode::Manual as i64, 0]);
        it.turns(60, InboxKind::Jog, [1, 40.0_f64.to_bits().cast_signed(), 1_000]);
        assert_eq!((it.machine.mode(), it.velocity()), (Mode::Run, 40.0), "{:?}", it.machine.fault());
        it
    }
}

#[test]
fn a_jog_ends_when_it_is_let_go_in_whichever_way() {
    let production = packml::Mode::Production as i64;
    let ends: [(&str, InboxKind, [i64; 3]); 5] = [
        ("nothing more", InboxKind::Jog, [1, 40.0_f64.to_bits().cast_signed(), 5]),
        ("zero cycles", InboxKind::Jog, [1, 40.0_f64.to_bits().cast_signed(), 0]),
        ("less than none", InboxKind::Jog, [1, 40.0_f64.to_bits().cast_signed(), -7]),
        ("another mode", InboxKind::UnitMode, [1, production, 0]),
        ("a stop of the runtime", InboxKind::Stop, [0; 3]),
    ];
    for (how, kind, argument) in ends {
        let mut it = Operator::jogging();
        it.turns(60, kind, argument);
        assert_eq!(it.velocity(), 0.0, "{how}");
    }
    let mut it = Operator::jogging();
    it.turns(60, InboxKind::Jog, [1, f64::NAN.to_bits().cast_signed(), 5]);
    assert_eq!(it.velocity(), 40.0, "no number is no command: the one before lasts as long as it was to");
}

#[test]
fn no_jog_lasts_longer_than_the_longest() {
    let mut it = Operator::jogging();
    it.turns(1, InboxKind::Jog, [1, 40.0_f64.to_bits().cast_signed(), i64::MAX]);
    it.turns(axes::JOG_NS_MAX / 1_000_000 + 100, InboxKind::UtcOffset, [0; 3]);
    assert_eq!(it.velocity(), 0.0);
}

/// The drive of axis `b` trips, and comes back after some cycles of being told to reset.
#[test]
fn a_reset_takes_a_drive_some_cycles_and_one_that_does_not_help_is_told() {
    let mut it = Operator::jogging();
    let axis = it.machine.cell().axes[1].entries;
    let trip = |it: &mut Operator| {
        axis.statusword.write_bits(it.machine.images().1, 0x218);
        it.turn(Vec::new(), false);
    };
    trip(&mut it);
    assert_eq!(it.machine.fault().map(|fault| (fault.code, fault.source)), Some((FaultCode::Axis, 1)));
    it.turn(vec![(InboxKind::Reset, [0; 3]), (InboxKind::Start, [0; 3])], false);
    for _ in 0..5 {
        assert_eq!(it.machine.mode(), Mode::Run, "the reset is tried");
        it.turn(Vec::new(), false);
    }
    it.turns(20, InboxKind::UtcOffset, [0; 3]);
    let error = |it: &Operator| it.machine.axes().facts().nth(1).and_then(|facts| facts.error);
    assert_eq!((it.machine.mode(), error(&it)), (Mode::Run, None));

    // In Stop, and for good.
    it.turns(100, InboxKind::Stop, [0; 3]);
    trip(&mut it);
    assert_eq!(it.machine.mode(), Mode::Fault, "also in Stop");
    it.turn(vec![(InboxKind::Reset, [0; 3])], false);
    assert_eq!(it.machine.mode(), Mode::Stop);
    for _ in 0..5_100 {
        it.turn(Vec::new(), false);
    }
    assert_eq!(it.machine.fault().map(|fault| fault.code), Some(FaultCode::Axis), "the reset has failed");
}

#[test]
fn a_cold_restart_is_not_undone_by_a_run_that_was_under_way() {
    let mut it = Operator::new();
    it.turns(10, InboxKind::Start, [0; 3]);
    // Released in cycle 12, to be collected in cycle 16.
    it.turns(3, InboxKind::UtcOffset, [0; 3]);
    it.turns(1, InboxKind::Stop, [0; 3]);
    it.turns(1, InboxKind::Reset, [1, 0, 0]);
    let fresh = |machine: &Machine| machine.programs().last().map(|program| program.state().to_vec());
    it.turns(8, InboxKind::UtcOffset, [0; 3]);
    assert_eq!(fresh(&it.machine), fresh(&build(&whole())));
}

/// An alarm that faults and is still there does not let a start through, not even for one run of the programs.
#[test]
fn a_start_does_not_get_round_an_alarm_that_stands() {
    let mut cell = Cell::clone(&whole());
    let place = cell.alarms.iter().position(|alarm| alarm.name == "held").expect("it is there");
    cell.alarms[place].reaction = AlarmReaction::Fault;
    let mut machine = build(&Arc::new(cell));
    let step = |digital, entries: &[InboxKind]| Step {
        entries: entries.iter().map(|kind| (*kind, [0; 3])).collect(),
        digital,
        follow: true,
        noise: Vec::new(),
        valid: 3,
        skipped: 0,
    };
    let mut index = 0;
    let mut turn = |machine: &mut Machine, step: Step| {
        index += 1;
        turn(machine, &step, index);
    };
    for _ in 0..5 {
        turn(&mut machine, step(1, &[]));
    }
    assert_eq!(machine.mode(), Mode::Stop);
    for _ in 0..3 {
        turn(&mut machine, step(1, &[InboxKind::Reset, InboxKind::Start]));
        assert_eq!((machine.mode(), machine.committed()), (Mode::Fault, false));
        assert_eq!(machine.fault().map(|fault| fault.code), Some(FaultCode::Alarm));
    }
    turn(&mut machine, step(0, &[]));
    turn(&mut machine, step(0, &[InboxKind::Reset, InboxKind::Start]));
    assert_eq!(machine.mode(), Mode::Run);
}
