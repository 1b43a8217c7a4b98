//! `io`, `param`, `sys`.

use crate::support::{Bench, fault, findings};
use sensai_model::{FaultCode, Value};

#[test]
fn tags_are_read_and_written() {
    let mut bench = Bench::cycle_only(
        "io.x = io.inp.x * 2.0; io.n = io.inp.n + 1; io.b = !io.inp.b;
         io.valve.down = io.b; io.valve.up = !io.valve.down;
         io.sets[0] = 1; io.sets[1] += 5; io.sets[-1] = io.sets[0] + io.sets[1];
         this.f = io.temps[2] + io.temps[-1]; this.i = io.temps.len;
         for t in io.temps { this.f += t; }",
    );
    bench.set("inp.x", Value::F64(1.25));
    bench.set("inp.n", Value::I64(41));
    for (i, value) in [1.0, 2.0, 3.0, 4.0].into_iter().enumerate() {
        let slot = bench.slot("temps") + i as u32;
        bench.store.set_input(slot, Value::F64(value), true);
    }
    bench.run_ok();
    assert_eq!(bench.get("x"), Value::F64(2.5));
    assert_eq!(bench.get("n"), Value::I64(42));
    assert_eq!(bench.get("valve.down"), Value::Bool(true));
    assert_eq!(bench.get("valve.up"), Value::Bool(false), "reading an own output gives what was stored");
    let sets: Vec<Value> = (0..3).map(|i| bench.store.value(bench.slot("sets") + i)).collect();
    assert_eq!(sets, [Value::I64(1), Value::I64(5), Value::I64(6)]);
    bench.run_ok();
    assert_eq!(bench.store.value(bench.slot("sets") + 1), Value::I64(10), "memory is kept");
}

#[test]
fn quality_stands_directly_behind_a_tag() {
    let mut bench = Bench::cycle_only(
        "this.b = io.inp.x.valid && io.inp.n.valid && io.inp.b.valid && io.temps[1].valid && io.n.valid;
         io.b = io.temps.valid;
         if !io.inp.x.valid { this.i += 1; }",
    );
    bench.run_ok();
    assert_eq!(bench.get("b"), Value::Bool(true));
    for (name, offset) in [("inp.x", 0), ("inp.n", 0), ("inp.b", 0), ("temps", 1)] {
        let slot = bench.slot(name) + offset;
        let value = bench.store.value(slot);
        bench.store.set_input(slot, value, false);
        bench.run_ok();
        assert_eq!(bench.program_bool("b"), Value::Bool(false), "{name}");
        assert_eq!(bench.get("b"), Value::Bool(name != "temps"));
        bench.store.set_input(slot, value, true);
        bench.run_ok();
        assert_eq!(bench.program_bool("b"), Value::Bool(true), "{name}");
    }
}

impl Bench {
    fn program_bool(&self, path: &str) -> Value {
        use sensai_scripts::{Program, layout::Reading};
        match self.program.layout().read(self.program.state(), path) {
            Some(Reading::Scalar(value)) => value,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn nothing_else_has_a_quality() {
    for body in [
        "let x = io.inp.x; this.b = x.valid;",
        "let x = io.inp.x;\nlet y = 1.0; this.b = y.valid;",
        "this.b = this.f.valid;",
        "let x = io.inp.x; this.b = param.gain.valid;",
        "let x = io.inp.x; let y = x; this.b = y.valid;",
    ] {
        let text = format!("fn init() {{ #{{ f: 0.0, b: false }} }} fn cycle() {{ {body} }}");
        let found = findings(&text);
        assert_eq!(found.len(), 1, "{body}: {found:?}");
        assert_eq!(found[0].code, "S212", "{body}: {found:?}");
    }
}

#[test]
fn what_cannot_be_stored_in_a_tag() {
    for (body, code, text) in [
        (
            "let z = 0.0; io.x = z / z;",
            FaultCode::NotFinite,
            "`io.x` cannot be NaN; check the calculation with is_finite()",
        ),
        (
            "let z = 0.0; io.x = -1.0 / z;",
            FaultCode::NotFinite,
            "`io.x` cannot be -inf; check the calculation with is_finite()",
        ),
        (
            "io.limited = 10.5;",
            FaultCode::OutOfRange,
            "`io.limited` = 10.5 V is outside its range -10.0 to 10.0 V; limit it with clamp(), or give the tag overflow = \"saturate\"",
        ),
        (
            "let i = 3; io.sets[i] = 1;",
            FaultCode::IndexOutOfBounds,
            "`io.sets`: index 3 is out of bounds: the array has 3 elements, 0 to 2",
        ),
        (
            "let i = -5; this.f = io.temps[i];",
            FaultCode::IndexOutOfBounds,
            "`io.temps`: index -5 is out of bounds: the array has 4 elements, 0 to 3",
        ),
    ] {
        assert_eq!(fault(&format!("\n{body}")), (code, 4, text.to_owned()), "{body}");
    }
}

#[test]
fn saturating_tags_saturate() {
    let mut bench = Bench::cycle_only("io.saturated = io.inp.n;");
    for (given, stored) in [(50, 50), (101, 100), (-1, 0), (i64::MAX, 100), (i64::MIN, 0)] {
        bench.set("inp.n", Value::I64(given));
        bench.run_ok();
        assert_eq!(bench.get("saturated"), Value::I64(stored));
    }
}

#[test]
fn parameters_and_facts_of_the_cycle() {
    let mut bench = Bench::cycle_only(
        "io.x = param.gain; io.n = sys.cycle * 10 + param.count; io.b = sys.first_cycle;
         this.f = sys.dt; this.i = sys.time; io.sets[0] = if param.enabled { 1 } else { 0 };",
    );
    bench.run_ok();
    assert_eq!(
        (bench.get("x"), bench.get("n"), bench.get("b")),
        (Value::F64(2.5), Value::I64(3), Value::Bool(true))
    );
    bench.values[0] = Value::F64(-1.0);
    bench.run_ok();
    assert_eq!(
        (bench.get("x"), bench.get("n"), bench.get("b")),
        (Value::F64(-1.0), Value::I64(13), Value::Bool(false))
    );
    assert_eq!(
        (bench.program_bool("f"), bench.program_bool("i")),
        (Value::F64(0.001), Value::I64(1_000_000))
    );
}

#[test]
fn locals_go_before_constants() {
    // The constants of a program and its locals live in different places of Rhai, which once mixed them up.
    let mut bench = Bench::new(
        "const A = 1;\nfn init() { #{ n: 0 } }
         fn cycle() { let b = A + 1; for i in 0..3 { let c = b + i; io.n = c + A; } io.n += helper(5, b); }
         fn helper(a, b) { let c = a * b; c + A }",
    );
    bench.run_ok();
    assert_eq!(bench.get("n"), Value::I64(2 + 2 + 1 + 5 * 2 + 1));
}

#[test]
fn another_cell_than_the_program_was_compiled_for_is_refused() {
    let mut bench = Bench::cycle_only("io.n = 1;");
    bench.values.pop();
    let text = bench.run_fault().text;
    assert_eq!(text, "the cell has 17 tag values and 2 parameters, test was compiled for 17 and 3");
}
