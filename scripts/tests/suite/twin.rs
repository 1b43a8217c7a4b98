//! Programs on the other side of the wires: directions turned round, shafts, the seed.

use crate::support::{LIMITS, native, parameter, source, tag};
use sensai_model::{ScalarType, Tag, TagKind, TagStore, Value, cell::Tier, tag::Overflow};
use sensai_scripts::{
    InterpretedProgram, Ports, Program, ProgramError, Role, RunContext, ScriptEnvironment, ScriptFinding,
    SysFacts, compile, native::NativeProgram,
};

/// What the cell writes is an input here, and the other way round; then a shaft.
fn tags() -> (Vec<Tag>, Vec<Tag>) {
    let mut tags = Vec::new();
    tag(&mut tags, "valve.down", TagKind::Input, ScalarType::Bool);
    tag(&mut tags, "force.ram", TagKind::Output, ScalarType::F64);
    tag(&mut tags, "temps", TagKind::Output, ScalarType::F64).array_len = Some(3);
    tag(&mut tags, "parts", TagKind::Memory, ScalarType::I64);
    let count = tags.len();
    tag(&mut tags, "ram.position", TagKind::Input, ScalarType::F64);
    tag(&mut tags, "ram.load", TagKind::Output, ScalarType::F64);
    let stiffness = tag(&mut tags, "ram.stiffness", TagKind::Output, ScalarType::F64);
    stiffness.range = Some((Value::F64(0.0), Value::F64(1e12)));
    stiffness.overflow = Overflow::Fault;
    let shafts = tags.split_off(count);
    (tags, shafts)
}

fn with<R>(use_it: impl FnOnce(&ScriptEnvironment<'_>) -> R) -> R {
    let (tags, shafts) = tags();
    let parameters = [parameter("rate", Value::F64(0.25))];
    let role = Role::Twin { seed: 41, shafts: &shafts };
    use_it(&ScriptEnvironment {
        tags: &tags,
        parameters: &parameters,
        limits: LIMITS,
        program_index: 0,
        role,
        reach: sensai_scripts::Reach::default(),
    })
}

fn findings(text: &str) -> Vec<ScriptFinding> {
    with(|environment| sensai_scripts::check(&source(text), environment, Tier::Interpreter).findings)
}

/// Shown as `code line:column message`.
#[track_caller]
fn refused(body: &str, expected: &str) {
    let text = format!("fn init() {{ #{{ x: 0.0 }} }}\nfn cycle() {{\n{body}\n}}\n");
    let shown: Vec<String> = findings(&text)
        .iter()
        .map(|found| format!("{} {}:{} {}", found.code, found.line, found.column, found.message))
        .collect();
    assert_eq!(shown.join("\n"), expected);
}

fn store() -> TagStore {
    let (mut all, shafts) = tags();
    all.extend(shafts);
    TagStore::new(&all)
}

/// A program in both tiers.
struct Both {
    interpreted: InterpretedProgram,
    /// None: its types are refused, which only the compiler finds before it runs.
    native: Option<NativeProgram>,
}

fn both(text: &str) -> Both {
    with(|environment| Both {
        interpreted: compile(&source(text), environment).unwrap(),
        native: native(&source(text), environment),
    })
}

fn run(both: &mut Both, store: &mut TagStore) -> Result<(), ProgramError> {
    let mut beside = store.clone();
    let result = run_one(&mut both.interpreted, store);
    let Some(native) = &mut both.native else { return result };
    assert_eq!(run_one(native, &mut beside), result);
    if result.is_ok() {
        assert_eq!(native.state(), both.interpreted.state());
        for slot in 0..store.len() as u32 {
            assert_eq!(beside.value(slot).to_bits(), store.value(slot).to_bits(), "slot {slot}");
        }
    }
    result
}

fn run_one(program: &mut dyn Program, store: &mut TagStore) -> Result<(), ProgramError> {
    let sys = SysFacts { cycle: 3, time_ns: 3_000_000, dt_ns: 1_000_000, first_cycle: false };
    let mut context =
        RunContext { sys, tags: store, parameters: &[Value::F64(0.25)], ports: &mut Ports::none() };
    program.cycle(&mut context)
}

#[test]
fn it_reads_outputs_and_writes_inputs_and_shafts() {
    let text = "
fn init() { #{ noise: NOISE(sys.seed, 1), seed: sys.seed } }
fn cycle() {
    if io.valve.down { io.force.ram = 100.0 * param.rate + axis.ram.position; }
    axis.ram.load = io.force.ram;
    axis.ram.stiffness += 2.5;
    io.temps[1] = to_float(sys.seed + this.seed);
    io.temps[2] = sys.dt;
}
";
    let mut program = both(text);
    let assigned: Vec<(u32, u32)> =
        program.interpreted.assigned_tags().iter().map(|tag| (tag.tag, tag.line)).collect();
    assert_eq!(assigned, [(1, 4), (2, 7), (5, 5), (6, 6)], "the indices of tags, then of shafts");
    let mut store = store();
    let slot = |name: &str| {
        let (mut all, shafts) = tags();
        all.extend(shafts);
        all.iter().find(|tag| tag.name == name).unwrap().slot
    };
    store.set_input(slot("valve.down"), Value::Bool(true), true);
    store.set_input(slot("ram.position"), Value::F64(7.5), true);
    run(&mut program, &mut store).unwrap();
    run(&mut program, &mut store).unwrap();
    assert_eq!(store.value(slot("force.ram")), Value::F64(32.5));
    assert_eq!(store.value(slot("ram.load")), Value::F64(32.5));
    assert_eq!(store.value(slot("ram.stiffness")), Value::F64(5.0));
    assert_eq!(store.value(slot("temps") + 1), Value::F64(82.0));
    assert_eq!(store.value(slot("temps") + 2), Value::F64(0.001));
}

#[test]
fn what_a_twin_may_not_is_found_before_it_runs() {
    refused(
        "    io.valve.down = true;",
        "S207 3:5 `io.valve.down` is an output of the cell and cannot be written: the controller drives it",
    );
    refused(
        "    axis.ram.position = 1.0;",
        "S207 3:5 `axis.ram.position` cannot be written: the simulated drive moves the shaft",
    );
    refused(
        "    this.x = to_float(io.parts);",
        "S205 3:23 `io.parts` is a tag in the controller's memory, which no machine can see",
    );
    refused("    io.force.rum = 1.0;", "S205 3:14 `io.force.rum` does not exist");
    refused("    axis.rom.load = 1.0;", "S205 3:10 `axis.rom` does not exist");
    refused("    axis.ram.load = 1;", "S216 3:21 `axis.ram.load` is f64, the value is i64");
    refused("    param.rate = 1.0;", "S207 3:5 `param.rate` cannot be written; only `--sim-param` sets it");
    refused("    let axis = 1;", "S210 3:9 a variable `axis` would hide the root `axis`");
    refused("    this.x = axis;", "S211 3:14 `axis` alone is no value");
    let shown = findings(
        "const S = sys.seed;\nfn init() { #{ t: sys.time, s: sys.seed, l: axis.ram.load } }\nfn cycle() {}\n",
    );
    let shown: Vec<(&str, u32)> = shown.iter().map(|found| (found.code, found.line)).collect();
    assert_eq!(shown, [("S214", 1), ("S214", 2), ("S214", 2)], "only the seed, and only in `init`");
}

#[test]
fn faults_name_the_shaft_and_its_range() {
    for (body, text) in [
        (
            "axis.ram.stiffness = -1.0;",
            "`axis.ram.stiffness` = -1.0 is outside its range 0.0 to 1000000000000.0; limit it with clamp()",
        ),
        (
            "axis.ram.load = this.x / 0.0 * 0.0;",
            "`axis.ram.load` cannot be NaN; check the calculation with is_finite()",
        ),
    ] {
        let text_of = format!("fn init() {{ #{{ x: 0.0 }} }}\nfn cycle() {{\n    {body}\n}}\n");
        let mut program = both(&text_of);
        let error = run(&mut program, &mut store()).unwrap_err();
        assert_eq!((error.fault.line, error.text.to_string().as_str()), (3, text), "{body}");
    }
}

/// The controller has neither root nor fact: `axis` is a name like any other there.
#[test]
fn the_controller_has_no_shafts_and_no_seed() {
    let found = crate::support::findings(
        "fn init() { #{ x: 0 } }\nfn cycle() { let axis = 1; this.x = axis + sys.seed; }\n",
    );
    let shown: Vec<String> = found.iter().map(|found| format!("{} {}", found.code, found.message)).collect();
    assert_eq!(shown, ["S206 `sys.seed` does not exist"]);
}
