//! Forces against a plain model of them, with keyframes in between; and what no force is a way around.

use super::*;
use crate::{
    machine::forces::{Barred, FORCES_MAX, barred},
    source::Source,
};
use std::collections::BTreeMap;

const PROGRAM: &str = "fn init() { #{ n: 0 } }
fn cycle() {
    this.n += 1;
    io.held = this.n % 100;
    io.fallen = io.level;
    if this.n % 3 == 0 { io.memory = io.memory + 1; }
}
";

fn forced() -> Machine {
    scripted(cell(), &[PROGRAM])
}

const LEVEL: i64 = 0;
const HELD: i64 = 1;
const FALLEN: i64 = 2;
const MEMORY: i64 = 3;

#[derive(Clone, Debug)]
enum Command {
    Force(i64, i64),
    Unforce(i64),
    UnforceAll,
    Start,
    Stop,
}

#[derive(Clone, Debug)]
struct Turn {
    commands: Vec<Command>,
    input: u8,
    valid: bool,
    /// Go on in another machine, from a keyframe.
    moved: bool,
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => (0..5_i64, prop_oneof![0..256_i64, -3..300_i64]).prop_map(|(tag, value)| Command::Force(tag, value)),
        3 => (0..5_i64).prop_map(Command::Unforce),
        1 => Just(Command::UnforceAll),
        3 => Just(Command::Start),
        1 => Just(Command::Stop),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    let commands = prop::collection::vec(command(), 0..3);
    (commands, any::<u8>(), prop::bool::weighted(0.8), prop::bool::weighted(0.1))
        .prop_map(|(commands, input, valid, moved)| Turn { commands, input, valid, moved })
}

/// What is said of forces, in a few lines.
struct Model {
    forces: BTreeMap<i64, i64>,
    runs: bool,
    n: i64,
    wire: i64,
    wrote: [i64; 2],
    memory: i64,
    image: [i64; 2],
}

impl Model {
    fn take(&mut self, command: &Command) -> bool {
        match *command {
            Command::Force(tag, value) => {
                let fits = tag == MEMORY || (0..=2).contains(&tag) && (0..256).contains(&value);
                if fits {
                    self.forces.insert(tag, value);
                }
                fits
            }
            Command::Unforce(tag) => self.forces.remove(&tag).is_some(),
            Command::UnforceAll => {
                self.forces.clear();
                true
            }
            Command::Start => !std::mem::replace(&mut self.runs, true),
            Command::Stop => std::mem::replace(&mut self.runs, false),
        }
    }

    fn of(&self, tag: i64, free: i64) -> i64 {
        self.forces.get(&tag).copied().unwrap_or(free)
    }

    fn cycle(&mut self, input: Option<u8>) {
        self.wire = input.map_or(self.wire, i64::from);
        self.memory = self.of(MEMORY, self.memory);
        if self.runs {
            self.n += 1;
            self.wrote = [self.n % 100, self.of(LEVEL, self.wire)];
            let counted = self.memory + i64::from(self.n % 3 == 0);
            self.memory = self.of(MEMORY, counted);
            self.image = [self.of(HELD, self.wrote[0]), self.of(FALLEN, self.wrote[1])];
        } else {
            self.image[1] = 99;
        }
    }
}

fn saved(machine: &Machine) -> Vec<u8> {
    let mut bytes = vec![0; machine.state_len().0];
    machine.save(&mut bytes);
    bytes
}

fn entry_of(command: &Command) -> InboxEntry {
    let (kind, argument) = match *command {
        Command::Force(tag, value) => (InboxKind::Force, [tag, value, 0]),
        Command::Unforce(tag) => (InboxKind::Unforce, [tag, -1, 0]),
        Command::UnforceAll => (InboxKind::Unforce, [-1, -1, 0]),
        Command::Start => (InboxKind::Start, [0; 3]),
        Command::Stop => (InboxKind::Stop, [0; 3]),
    };
    entry(kind, InboxSource::CONTROL, argument)
}

proptest! {
    #[test]
    fn forces_are_what_they_are_said_to_be(turns in prop::collection::vec(turn(), 1..60)) {
        let mut machine = forced();
        let mut model = Model {
            forces: BTreeMap::new(), runs: false, n: 0, wire: 0, wrote: [0; 2], memory: 0, image: [0, 99],
        };
        let mut was_valid = false;
        for turn in turns {
            if turn.moved {
                let state = saved(&machine);
                machine = forced();
                machine.load(&state).expect("it was saved");
                prop_assert_eq!(saved(&machine), state);
            }
            for command in &turn.commands {
                prop_assert_eq!(machine.apply(&entry_of(command)), model.take(command), "{:?}", command);
            }
            // Never more than one loss in a row: that would be a fault.
            let valid = turn.valid || !was_valid;
            was_valid = valid;
            step(&mut machine, turn.input, if valid { &GOOD } else { &Exchange::NONE }, &[]);
            model.cycle(valid.then_some(turn.input));
            let store = machine.store();
            let level = (store.value(0), store.valid(0));
            let expected = Value::I64(model.of(LEVEL, model.wire));
            prop_assert_eq!(level, (expected, valid || model.forces.contains_key(&LEVEL)));
            prop_assert_eq!([1, 2].map(|slot| store.committed(slot)), model.wrote.map(Value::I64));
            prop_assert_eq!(store.committed(3), Value::I64(model.memory));
            let image: Vec<i64> = machine.outputs().iter().map(|byte| i64::from(*byte)).collect();
            prop_assert_eq!(image, model.image.to_vec());
            let all: Vec<_> = machine.forces().all().iter().map(|of| (i64::from(of.tag), of.value)).collect();
            let expected: Vec<_> = model.forces.iter().map(|(tag, value)| (*tag, Value::I64(*value))).collect();
            prop_assert_eq!(all, expected);
            let free = machine.forces().of(0).map_or(Value::I64(model.wire), |force| force.free);
            prop_assert_eq!(free, Value::I64(model.wire), "what the wire says goes on underneath");
        }
    }

    /// Whatever bytes a keyframe has where forces stand, a machine takes them or says what is wrong.
    #[test]
    fn no_keyframe_makes_a_force_that_cannot_be(at in 0..200_usize, byte: u8) {
        let mut machine = forced();
        machine.apply(&entry(InboxKind::Force, InboxSource::CONTROL, [HELD, 7, 0]));
        let mut state = saved(&machine);
        let place = state.len() - 1 - at.min(state.len() - 1);
        state[place] = byte;
        let mut other = forced();
        if other.load(&state).is_ok() {
            for force in other.forces().all() {
                let tag = &other.cell().tags[usize::from(force.tag)];
                prop_assert!(tag.admits(force.element, force.value));
            }
            step(&mut other, 1, &GOOD, &[InboxKind::Start]);
        }
    }
}

#[test]
fn a_force_is_no_way_around_a_fault() {
    let mut cell = cell();
    cell.tags[0].on_invalid = OnInvalid::Fault;
    let mut machine = scripted(cell, &[PROGRAM]);
    for (tag, value) in [(LEVEL, 1), (HELD, 200), (FALLEN, 201)] {
        assert!(machine.apply(&entry(InboxKind::Force, InboxSource::CONTROL, [tag, value, 0])));
    }
    step(&mut machine, 5, &GOOD, &[]);
    assert_eq!((machine.mode(), machine.outputs()), (Mode::Stop, &[0, 99][..]), "fault values in Stop");
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    assert_eq!((machine.mode(), machine.outputs()), (Mode::Run, &[200, 201][..]));
    // The forced input is invalid on the wire, and must not be.
    step(&mut machine, 5, &Exchange::NONE, &[]);
    assert_eq!(machine.fault().map(|fault| fault.code), Some(FaultCode::InvalidInput));
    assert_eq!(machine.outputs(), [200, 99], "`hold` holds what was sent, the other has its fault value");
    assert!(machine.apply(&entry(InboxKind::Unforce, InboxSource::CONTROL, [-1, -1, 0])));
    step(&mut machine, 5, &GOOD, &[]);
    assert_eq!(machine.outputs(), [200, 99], "nothing moves in a fault because a force goes");
}

#[test]
fn what_cannot_be_forced_is_refused() {
    let files = [
        (
            "cell.toml",
            r#"[cell]
name = "barred"
[tasks.main]
interval = "1ms"
programs = ["programs/main.rhai"]
[devices]
inputs = { type = "EL1008" }
valves = { type = "EL2008" }
servo = { type = "SN4020" }
[axes.ram]
drive = "servo"
feed = "10 mm"
encoder = 1_048_576
homing = "absolute"
limits = { velocity = 200.0 }
[tags]
start = { input = "inputs.channel_1" }
sensor = { input = "inputs.channel_2" }
turned = { input = "servo.drive.position" }
weights = { type = "f64", array = 100, range = [0.0, 1.0] }
[operator]
start = "start"
"#,
        ),
        (
            "programs/main.rhai",
            "fn init() { #{ ram: Axis(\"ram\") } }\nfn cycle() { this.ram.power(io.sensor); }\n",
        ),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
    let source = Source::from_files(&files);
    let cell = source.cell.clone().unwrap_or_else(|| panic!("{}", source.render(false)));
    let named = |name: &str| cell.tags.iter().position(|tag| tag.name == name).expect("a tag") as i64;
    let why = |name: &str| barred(&cell, cell.tag(name).expect("a tag"));
    assert_eq!(why("start"), Some(Barred::Operator));
    assert_eq!(why("turned"), Some(Barred::Drive(0)));
    assert_eq!((why("sensor"), why("weights")), (None, None));
    let mut machine = Machine::new(Arc::clone(&cell), crate::programs::compile(&cell).unwrap());
    let mut force = |tag: i64, value: Value, element: i64| {
        let argument = [tag, value.to_bits().cast_signed(), element];
        machine.apply(&entry(InboxKind::Force, InboxSource::CONTROL, argument))
    };
    assert!(!force(named("start"), Value::Bool(true), 0));
    assert!(!force(named("turned"), Value::I64(1), 0));
    assert!(force(named("sensor"), Value::Bool(true), 0));
    let weights = named("weights");
    for (value, element) in
        [(1.5, 0), (f64::NAN, 0), (f64::INFINITY, 0), (0.5, 100), (0.5, -1), (0.5, 1 << 40)]
    {
        assert!(!force(weights, Value::F64(value), element), "{value} {element}");
    }
    assert!(!force(-1, Value::Bool(true), 0) && !force(1 << 20, Value::Bool(true), 0));
    let taken = (0..100).filter(|element| force(weights, Value::F64(0.5), 99 - element)).count();
    assert_eq!(taken + 1, FORCES_MAX, "there is room for so many");
    assert!(force(weights, Value::F64(0.25), 99), "one that is there is changed");
    assert!(!machine.apply(&entry(InboxKind::Unforce, InboxSource::CONTROL, [weights, 0, 0])));
    assert!(machine.apply(&entry(InboxKind::Unforce, InboxSource::CONTROL, [weights, -1, 0])));
    assert_eq!(machine.forces().all().len(), 1);
}
