//! What holds of any text that is said to be a program. The tests and the fuzz target share it.

use crate::{
    station::{Cell, end, obey},
    support::{LIMITS, PROGRAM, native, parameter, source, tag},
};
use sensai_model::{
    FaultCode, ScalarType, Tag, TagKind, TagStore, Value,
    cell::{Parameter, Tier},
};
use sensai_motion::{AxisError, AxisState, Outcome};
use sensai_scripts::{
    InterpretedProgram, Ports, Program, ProgramError, Role, RunContext, ScriptEnvironment, Severity,
    SysFacts, check, compile, native::NativeProgram,
};
use std::sync::LazyLock;

const PRESS: &str = include_str!("../../../examples/pneumatic-press/programs/press.rhai");

/// The press, every sort of statement in one program, and all that a program reaches beside tags.
const TEXTS: [&str; 4] = [
    PRESS,
    "const LEN = 3;\nfn init() { #{ n: 0, x: 0.5, s: \"a\", a: array(LEN, 0), r: #{ b: true, t: TON() } } }\n\
     fn cycle() {\n  for i in 0..LEN { this.a[i] += i; }\n  while this.n < 3 { this.n += 1; if io.inp.b { break; } }\n\
     this.x = this.f(io.inp.x) / 2.0;\n  this.r.t.run(io.inp.b, 0.01);\n  this.s = switch this.n { 1 => \"b\", _ => \"c\" };\n\
     io.limited = clamp(this.x, -1.0, 1.0);\n  io.sets[this.n % 3] = io.inp.n & 7;\n  io.n = this.a[0] << 1;\n}\n\
     fn f(x) { let y = sqrt(abs(x)) * param.gain; max(y, io.temps[1]) }\n",
    "fn init() { #{ n: 0 } }\nfn cycle() {\n}\n",
    "fn init() { #{ ram: Axis(\"ram\"), a: array(2, Axis(\"table\")), s: \"x\", n: 0, retain: #{ f: 0.0 } } }\n\
     fn cycle() {\n  this.ram.power(sys.mode == \"production\");\n  this.ram.move_absolute(param.gain, 5.0, \"shortest\");\n\
     for i in 0..this.a.len { if this.a[i].done { this.a[i].move_relative(1.0, 2.0); } else { this.a[i].torque(1.0, 2.0); } }\n\
     if io.inp.b { this.ram.reset(); this.a[0].home(); this.a[1].move_velocity(io.inp.x); }\n\
     if ai.stroke.fresh { this.retain.f = ai.stroke.score + ai.stroke.output[1]; ai.stroke.request(); this.n = ai.wear.age; }\n\
     this.s = this.ram.state;\n  switch sys.state { \"execute\" => hold(), \"held\" => state_complete(), _ => alarm(\"oil_low\") }\n\
     if this.ram.error && this.ram.error_id > 3 { jidoka(\"stroke\"); this.a[1].halt(); this.a[0].stop(); }\n\
     io.x = this.ram.position + this.a[1].following_error;\n}\n",
];

/// Words that a program is made of.
const WORDS: [&str; 84] = [
    "this",
    "this.n",
    "io.inp.x",
    "io.inp.n",
    "io.inp.b",
    "io.n",
    "io.b",
    "io.x",
    "io.temps",
    "io.sets",
    "param.gain",
    "sys.time",
    "sys.first_cycle",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "=>",
    " = ",
    ";\n",
    ", ",
    ": ",
    "fn f(x) {",
    "let v = ",
    "v",
    "const C = ",
    "C",
    "0",
    "1",
    "-1",
    "1.5",
    "9223372036854775807",
    "1e308",
    "\"a\"",
    "true",
    "if ",
    " else ",
    "for i in 0..9 ",
    "while ",
    "loop ",
    "do ",
    "switch ",
    "break;",
    "continue;",
    "return ",
    "#{ a: 1 }",
    "array(9, 0)",
    "TON()",
    "R_TRIG()",
    "CTU()",
    "PID(",
    ".run(",
    ".Q",
    ".valid",
    " + ",
    " / ",
    " % ",
    " << ",
    " == ",
    " && ",
    "!",
    "é",
    "this.ram",
    "this.a[0]",
    "Axis(\"ram\")",
    "Axis(",
    ".done",
    ".busy",
    ".error_id",
    ".power(true);",
    ".move_absolute(1.0, 2.0);",
    ".halt();",
    ".state",
    "sys.state",
    "\"execute\"",
    "ai.stroke",
    ".score",
    ".output",
    ".request();",
    "hold();",
    "jidoka(\"stroke\");",
    "alarm(",
];

static CELL: LazyLock<Cell> = LazyLock::new(Cell::new);

static TAGS: LazyLock<Vec<Tag>> = LazyLock::new(|| {
    use ScalarType::{Bool, F64, I64};
    let mut tags = CELL.tags.clone();
    for name in ["start", "stop", "ram.up", "ram.down", "nest.present", "reset"] {
        tag(&mut tags, name, TagKind::Input, Bool);
    }
    for name in ["clamp", "lamp"] {
        tag(&mut tags, name, TagKind::Output, Bool);
    }
    for name in ["force.ram", "ram.position"] {
        tag(&mut tags, name, TagKind::Input, F64);
    }
    for name in ["parts.good", "parts.bad"] {
        tag(&mut tags, name, TagKind::Memory, I64);
    }
    tag(&mut tags, "peak_force", TagKind::Memory, F64);
    tags
});

fn parameters() -> Vec<Parameter> {
    let mut parameters = crate::support::parameters();
    for (name, value) in [("force_min", 800.0), ("force_max", 1500.0), ("timeout", 0.02)] {
        parameters.push(parameter(name, Value::F64(value)));
    }
    parameters
}

/// One of the texts with the changes that `script` asks for.
pub fn mutated(script: &[u8]) -> String {
    let Some((which, mut rest)) = script.split_first() else { return PRESS.to_owned() };
    let mut text = TEXTS[usize::from(*which) % TEXTS.len()].to_owned();
    while let [what, low, high, word, after @ ..] = rest {
        rest = after;
        let at = text.floor_char_boundary(usize::from(u16::from_le_bytes([*low, *high])) % (text.len() + 1));
        let end = text.ceil_char_boundary((at + usize::from(*word)).min(text.len()));
        match what % 4 {
            0 | 1 => text.insert_str(at, WORDS[usize::from(*word) % WORDS.len()]),
            2 => drop(text.drain(at..end)),
            _ => {
                let piece = text[at..end].to_owned();
                text.insert_str(usize::from(what >> 2).min(1) * at, &piece);
            }
        }
    }
    text
}

/// The check returns and agrees with the compiler; a program that is accepted runs within its bounds, leaves nothing
/// behind when it fails, and does the same again. Returns whether it was accepted.
pub fn check_program(text: &str, inputs: &[u8]) -> bool {
    let (source, parameters) = (source(text), parameters());
    let environment = ScriptEnvironment {
        tags: &TAGS,
        parameters: &parameters,
        limits: LIMITS,
        program_index: PROGRAM,
        role: Role::Controller,
        reach: CELL.reach(),
    };
    let findings = check(&source, &environment, Tier::Interpreter).findings;
    let lines = text.split('\n').count() as u32;
    assert!(findings.iter().all(|finding| finding.line <= lines), "{findings:?}");
    let refused = findings.iter().any(|finding| finding.severity == Severity::Error);
    match compile(&source, &environment) {
        Ok(program) => {
            assert!(!refused, "compiled in spite of {findings:?}");
            let again = compile(&source, &environment).expect("it was just compiled");
            let native = native(&source, &environment);
            run_all(program, again, native, &parameters, inputs);
        }
        Err(_) => assert!(refused, "not compiled, and nobody says why"),
    }
    !refused
}

fn run_all(
    mut program: InterpretedProgram,
    mut again: InterpretedProgram,
    mut native: Option<NativeProgram>,
    parameters: &[Parameter],
    inputs: &[u8],
) {
    let values: Vec<Value> = parameters.iter().map(|parameter| parameter.default).collect();
    let len = program.layout().size();
    let (mut store, mut other) = (TagStore::new(&TAGS), TagStore::new(&TAGS));
    let ports = Ports::new(CELL.axes.len(), usize::from(PROGRAM) + 1, CELL.models.len());
    let (mut ports, mut others) = (ports.clone(), ports);
    let (mut beside, mut own) = (store.clone(), ports.clone());
    for cycle in 0..50 {
        for (store, ports) in [(&mut store, &mut ports), (&mut other, &mut others), (&mut beside, &mut own)] {
            set_inputs(store, inputs, cycle);
            set_axes(ports, inputs, cycle);
        }
        let before = (program.state().to_vec(), bits(&store));
        let error = run(&mut program, (&mut store, &mut ports), &values, cycle);
        let failed = error.is_some();
        assert_eq!(program.state().len(), len, "the state's length changed");
        assert!(
            program.operations() <= LIMITS.operations + LIMITS.array_len as u64 + 100,
            "{} operations",
            program.operations()
        );
        if failed {
            assert_eq!(
                (program.state().to_vec(), bits(&store)),
                before,
                "a failed cycle left something behind"
            );
        }
        // The other one gets its state from outside every cycle, as a replay from a keyframe would.
        let state = again.state().to_vec();
        again.restore(&state).expect("its own state");
        assert_eq!(again.state(), state, "restoring changed the state");
        assert_eq!(run(&mut again, (&mut other, &mut others), &values, cycle), error, "cycle {cycle}");
        assert_eq!((program.state(), bits(&store)), (again.state(), bits(&other)), "cycle {cycle}");
        assert_eq!(ports.commands(), others.commands(), "cycle {cycle}");
        assert_eq!(ports.requests(), others.requests(), "cycle {cycle}");
        // What is left of the fuel, and how deep calls may be, each tier counts by itself.
        let code = error.as_ref().map(|error| error.fault.code);
        if code.is_some_and(|code| [FaultCode::FuelExhausted, FaultCode::CallDepth].contains(&code)) {
            native = None;
        }
        if let Some(native) = &mut native {
            let compiled = run(native, (&mut beside, &mut own), &values, cycle);
            assert_eq!(compiled, error, "cycle {cycle}, compiled");
            assert_eq!((native.state(), bits(&beside)), (program.state(), bits(&store)), "cycle {cycle}");
            assert_eq!(own.commands(), ports.commands(), "cycle {cycle}");
            assert_eq!(own.requests(), ports.requests(), "cycle {cycle}");
        }
    }
}

/// Why it failed.
fn run(
    program: &mut dyn Program,
    (store, ports): (&mut TagStore, &mut Ports),
    values: &[Value],
    cycle: u64,
) -> Option<ProgramError> {
    ports.begin(cycle);
    let sys =
        SysFacts { cycle, time_ns: cycle as i64 * 1_000_000, dt_ns: 1_000_000, first_cycle: cycle == 0 };
    let result = program.cycle(&mut RunContext { sys, tags: store, parameters: values, ports: &mut *ports });
    if result.is_err() {
        store.roll_back();
        ports.roll_back();
    } else {
        store.commit();
        ports.see(|model| (cycle as i64 + model as i64) / 3);
        obey(ports);
    }
    result.err()
}

fn bits(store: &TagStore) -> Vec<u64> {
    (0..store.len() as u32).map(|slot| store.value(slot).to_bits()).collect()
}

/// Axes that end what they do, or fail, as the bytes say.
fn set_axes(ports: &mut Ports, inputs: &[u8], cycle: u64) {
    for axis in 0..ports.axes.len() {
        let at = (cycle as usize * 7 + axis) % inputs.len().max(1);
        let byte = inputs.get(at).copied().unwrap_or_default();
        let facts = &mut ports.axes[axis];
        facts.position = f64::from(byte);
        facts.state = match byte % 5 {
            0 => AxisState::Disabled,
            1 => AxisState::ErrorStop,
            _ => AxisState::Standstill,
        };
        match byte % 4 {
            0 => end(ports, axis, Outcome::Done),
            1 => end(ports, axis, Outcome::Error(AxisError::BadArgument)),
            _ => {}
        }
    }
}

/// Inputs from the bytes, over and over; now and then a large one, or an invalid one.
fn set_inputs(store: &mut TagStore, inputs: &[u8], cycle: u64) {
    let slots = TAGS.iter().filter(|tag| matches!(tag.kind, TagKind::Input | TagKind::Model));
    for (n, slot) in slots.flat_map(|tag| tag.slot..tag.slot + tag.len()).enumerate() {
        let at = (cycle as usize * 13 + n) % inputs.len().max(1);
        let byte = inputs.get(at).copied().unwrap_or_default();
        let value = match store.value(slot).scalar_type() {
            ScalarType::Bool => Value::Bool(byte & 1 == 1),
            ScalarType::I64 => Value::I64(match byte {
                0xff => i64::MAX,
                0xfe => i64::MIN,
                _ => i64::from(byte) - 100,
            }),
            ScalarType::F64 => Value::F64(match byte {
                0xff => f64::INFINITY,
                0xfe => f64::NAN,
                0xfd => -0.0,
                _ => f64::from(byte) * 10.0 - 900.0,
            }),
        };
        store.set_input(slot, value, byte & 0x70 != 0x70);
    }
}
