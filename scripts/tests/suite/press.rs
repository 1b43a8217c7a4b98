//! The press cell's program as it stands in the examples: determinism, restoring, and what a cycle costs.

use crate::support::{Bench, LIMITS, parameter, tag};
use sensai_model::{ScalarType, Tag, TagKind, Value, cell::ProgramSource};
use sensai_scripts::{Program, layout::Reading};

const TEXT: &str = include_str!("../../../examples/pneumatic-press/programs/press.rhai");

fn tags() -> Vec<Tag> {
    use ScalarType::{Bool, F64, I64};
    let mut tags = Vec::new();
    for name in ["start", "stop", "ram.up", "ram.down", "nest.present", "reset"] {
        tag(&mut tags, name, TagKind::Input, Bool);
    }
    for name in ["valve.down", "valve.up", "clamp", "lamp"] {
        tag(&mut tags, name, TagKind::Output, Bool);
    }
    for name in ["force.ram", "ram.position", "nest.height"] {
        tag(&mut tags, name, TagKind::Input, F64);
    }
    for name in ["parts.good", "parts.bad"] {
        tag(&mut tags, name, TagKind::Memory, I64);
    }
    tag(&mut tags, "peak_force", TagKind::Memory, F64);
    tags
}

fn press() -> Bench {
    let source = ProgramSource::new("press", "programs/press.rhai", TEXT);
    let parameters = vec![
        parameter("force_min", Value::F64(800.0)),
        parameter("force_max", Value::F64(1500.0)),
        parameter("timeout", Value::F64(2.0)),
    ];
    Bench::with(source, tags(), parameters, LIMITS)
}

fn step(bench: &Bench) -> String {
    match bench.program.layout().read(bench.program.state(), "step") {
        Some(Reading::Symbol(step)) => step,
        other => panic!("{other:?}"),
    }
}

/// Inputs that make the press go through its steps, now and then.
struct Stimulus(u64);

impl Stimulus {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn apply(&mut self, bench: &mut Bench) {
        let random = self.next();
        let pressing = bench.get("valve.down") == Value::Bool(true);
        let slow = |bits: u64, share: u64| (random >> bits) % 1000 < share;
        let present = match bench.get("nest.present") {
            Value::Bool(true) => !slow(0, 2),
            _ => slow(0, 100),
        };
        bench.set("nest.present", Value::Bool(present));
        bench.set("start", Value::Bool(slow(10, 100)));
        bench.set("ram.up", Value::Bool(!pressing && !slow(20, 5)));
        bench.set("ram.down", Value::Bool(pressing && !slow(20, 1)));
        let force = if slow(30, 3) { 1600.0 } else { (random >> 40) as f64 / 1.2e4 };
        bench.set("force.ram", Value::F64(force));
    }
}

fn bytes(bench: &Bench) -> (Vec<u8>, Vec<u64>) {
    let tags = (0..bench.store.len() as u32).map(|slot| bench.store.committed(slot).to_bits()).collect();
    (bench.program.state().to_vec(), tags)
}

#[test]
fn one_part() {
    let mut bench = press();
    assert_eq!(step(&bench), "idle");
    bench.set("ram.up", Value::Bool(true));
    bench.set("nest.present", Value::Bool(true));
    for _ in 0..60 {
        bench.run_ok();
    }
    assert_eq!(bench.get("lamp"), Value::Bool(true), "the part lies still");
    bench.set("start", Value::Bool(true));
    bench.run_ok();
    assert_eq!((step(&bench).as_str(), bench.get("valve.down")), ("press", Value::Bool(true)));
    bench.set("ram.up", Value::Bool(false));
    bench.set("force.ram", Value::F64(1000.0));
    bench.set("ram.down", Value::Bool(true));
    for _ in 0..102 {
        bench.run_ok();
    }
    assert_eq!((step(&bench).as_str(), bench.get("valve.up")), ("lift", Value::Bool(true)));
    bench.set("ram.down", Value::Bool(false));
    bench.set("ram.up", Value::Bool(true));
    bench.run_ok();
    assert_eq!(step(&bench), "idle");
    assert_eq!(bench.get("parts.good"), Value::I64(1));
    assert_eq!(bench.get("parts.bad"), Value::I64(0));
    assert_eq!(bench.get("peak_force"), Value::F64(1000.0));
}

#[test]
fn a_stroke_that_takes_too_long_raises_its_fault() {
    let mut bench = press();
    bench.set("ram.up", Value::Bool(true));
    bench.set("nest.present", Value::Bool(true));
    for _ in 0..60 {
        bench.run_ok();
    }
    bench.set("start", Value::Bool(true));
    bench.run_ok();
    bench.set("ram.up", Value::Bool(false));
    let error = (0..3000).find_map(|_| bench.run().err()).expect("a timeout");
    assert_eq!(error.text, "the program raised the fault `stroke_timeout`");
    assert_eq!((error.fault.line, error.fault.column), (25, 25));
    assert_eq!(bench.get("parts.good"), Value::I64(0));
}

/// Two programs on the same inputs, one of them restored from its own arena at random points: equal bytes throughout.
#[test]
fn restoring_changes_nothing_over_100_000_cycles() {
    let (mut straight, mut restored) = (press(), press());
    let (mut one, mut other) = (Stimulus(0x9e37_79b9_7f4a_7c15), Stimulus(0x9e37_79b9_7f4a_7c15));
    let mut dice = Stimulus(1);
    let (mut faults, mut restores, mut good, mut bad) = (0, 0, 0, 0);
    let mut counted = (Value::I64(0), Value::I64(0));
    // Hardly more than the dwell: every disturbance while pressing makes it a fault.
    straight.values[2] = Value::F64(0.15);
    restored.values[2] = Value::F64(0.15);
    for cycle in 0..100_000 {
        one.apply(&mut straight);
        other.apply(&mut restored);
        if dice.next().is_multiple_of(50) {
            let arena = restored.program.state().to_vec();
            restored.program.reset();
            restored.program.restore(&arena).unwrap();
            assert_eq!(restored.program.state(), arena);
            restores += 1;
        }
        let (a, b) = (straight.run(), restored.run());
        assert_eq!(a, b, "cycle {cycle}");
        if a.is_err() {
            faults += 1;
            straight.program.reset();
            restored.program.reset();
        }
        assert_eq!(bytes(&straight), bytes(&restored), "cycle {cycle}");
        good += i32::from(straight.get("parts.good") != counted.0);
        bad += i32::from(straight.get("parts.bad") != counted.1);
        counted = (straight.get("parts.good"), straight.get("parts.bad"));
        assert_eq!(straight.program.operations(), restored.program.operations(), "cycle {cycle}");
    }
    assert!(restores > 1000, "{restores} restores");
    assert!(faults > 0, "the stimulus should also reach the timeout");
    assert!(good > 20 && bad > 5, "{good} good and {bad} bad parts: the stimulus should press some");
}

#[test]
fn the_interpreter_says_when_it_runs_and_when_not() {
    use sensai_scripts::interpreter::IN_INTERPRETER;
    let mut bench = Bench::new("fn init() { #{ n: 1 } } fn cycle() { this.n = 1 / io.inp.n; }");
    assert!(!IN_INTERPRETER.get());
    bench.run_fault();
    assert!(!IN_INTERPRETER.get(), "not after a fault");
    bench.set("inp.n", Value::I64(1));
    bench.run_ok();
    assert!(!IN_INTERPRETER.get(), "not after a good cycle");
    IN_INTERPRETER.set(true);
    bench.run_ok();
    assert!(IN_INTERPRETER.replace(false), "what was set before is restored");
}

/// Run with `--nocapture` to see the figures: `cargo test -p sensai-scripts --release -- --nocapture cost`.
#[test]
fn cost_of_a_cycle() {
    let mut bench = press();
    let mut stimulus = Stimulus(7);
    for _ in 0..2000 {
        stimulus.apply(&mut bench);
        let _ = bench.run();
    }
    let mut most = 0;
    for _ in 0..2000 {
        stimulus.apply(&mut bench);
        if bench.run().is_err() {
            bench.program.reset();
        }
        most = most.max(bench.program.operations());
    }
    println!("press.rhai: at most {most} operations a cycle, {} bytes of state", bench.program.state().len());
    assert!(most < LIMITS.operations / 20, "{most} operations");
}
