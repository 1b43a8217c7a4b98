//! The state keeps the shape and the types that `init` gave it; a fault leaves no trace in it.

use crate::support::{Bench, LIMITS, findings, findings_within};
use sensai_model::{FaultCode, Value, cell::Limits};
use sensai_scripts::{Program, layout::Reading};

fn bench(init: &str, cycle: &str) -> Bench {
    Bench::new(&format!("fn init() {{\n{init}\n}}\nfn cycle() {{\n{cycle}\n}}\n"))
}

fn read(bench: &Bench, path: &str) -> Reading {
    bench.program.layout().read(bench.program.state(), path).unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn a_field_keeps_its_type() {
    for (init, cycle, line, text) in [
        (
            "#{ f: 1.0 }",
            "let n = 7;\nthis.f = n;",
            6,
            "the field is f64, the value is i64; types are never converted, write `to_float(n)`",
        ),
        (
            "#{ i: 1 }",
            "let x = 0.5;\nthis.i = x;",
            6,
            "the field is i64, the value is f64; types are never converted, write `to_int(x)`, which rounds towards zero",
        ),
        (
            "#{ b: true }",
            "let n = 1; this.b = n;",
            5,
            "the field is bool, the value is i64; compare it with something",
        ),
        (
            "#{ s: \"a\" }",
            "let n = 1; this.s = n;",
            5,
            "the field is text, the value is i64; a field keeps the type that `init` gave it",
        ),
        (
            "#{ r: #{ a: 1 } }",
            "let r = #{ a: 1, b: 2 };\nthis.r = r;",
            6,
            "the field is #{ a: i64 }, the value is #{ a: i64, b: i64 }; a field keeps the type that `init` gave it",
        ),
        (
            "#{ a: array(3, 0.0) }",
            "let a = array(4, 0.0); this.a = a;",
            5,
            "the field is array of 3 f64, the value is array of 4 f64; a field keeps the type that `init` gave it",
        ),
        (
            "#{ a: array(3, 0.0) }",
            "let n = 2; this.a[1] = n;",
            5,
            "the field is f64, the value is i64; types are never converted, write `to_float(n)`",
        ),
        (
            "#{ a: [#{ x: 1.0 }, #{ x: 2.0 }] }",
            "let n = 2;\n\nthis.a[1].x = n;",
            7,
            "the field is f64, the value is i64; types are never converted, write `to_float(n)`",
        ),
    ] {
        let found = findings(&format!("fn init() {{\n{init}\n}}\nfn cycle() {{\n{cycle}\n}}\n"));
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 1, "{cycle}: {shown:?}");
        assert!(shown[0].starts_with(&format!("error[S216]: programs/test.rhai:{line}:")), "{}", shown[0]);
        assert!(shown[0].ends_with(text), "{}", shown[0]);
    }
}

#[test]
fn methods_of_records_are_found_too() {
    let found = findings(
        "fn station() { #{ n: 0, t: TON() } }
         fn init() { #{ a: station(), b: station() } }
         fn count(by) {
             this.n += by;
             this.t.run(true, 0.002);
         }
         fn cycle() { this.a.count(1); this.b.count(io.inp.x); }",
    );
    let [found] = &found[..] else { panic!("{found:?}") };
    assert_eq!((found.code, found.line), ("S216", 4));
    assert!(found.message.starts_with("the field is i64, the result is f64"), "{found}");
}

#[test]
fn a_text_that_is_too_long_is_too_large() {
    let limits = Limits { text_len: 8, ..LIMITS };
    let text = "fn init() { #{ s: \"12345678\" } } fn cycle() { this.s = \"123456789\"; }";
    assert_eq!(findings_within(text, limits)[0].code, "S102");
}

#[test]
fn no_detour_leads_to_a_copy_of_a_block() {
    for cycle in [
        "let k = \"r\"; let r = this[k];\nr.t.run(true, 1.0);",
        "let k = \"r\"; let r = this[k];\nthis.b = r.t.Q;",
        "let k = \"rs\"; for r in this[k] {\nr.t.run(true, 1.0);\n}",
        "let a = \"a\"; this[a] = this.r;",
    ] {
        let text = format!(
            "fn init() {{\n#{{ h: #{{ b: false, r: #{{ t: TON() }}, rs: [#{{ t: TON() }}] }} }}\n}}\nfn work() {{\n{cycle}\n}}\nfn cycle() {{ this.h.work(); }}\n"
        );
        let found = findings(&text);
        assert!(found.iter().any(|found| (found.code, found.line) == ("S203", 5)), "{cycle}: {found:?}");
    }
}

#[test]
fn blocks_keep_a_memory_each() {
    let mut bench = bench(
        "#{ ts: array(3, TON()), n: 0 }",
        "for i in 0..this.ts.len { this.ts[i].run(i != 1, 0.002); }
         this.n = 0;
         for i in 0..this.ts.len { if this.ts[i].Q { this.n += 1; } }",
    );
    for n in [0, 0, 2, 2] {
        bench.run_ok();
        assert_eq!(read(&bench, "n"), Reading::Scalar(Value::I64(n)));
    }
    assert_eq!(read(&bench, "ts[1].Q"), Reading::Scalar(Value::Bool(false)));
    assert_eq!(read(&bench, "ts[2].ET"), Reading::Scalar(Value::F64(0.002)));
}

#[test]
fn a_fault_undoes_the_whole_cycle() {
    let mut bench = bench(
        "#{ n: 0, t: TON(), a: [1, 2, 3], s: \"idle\", retain: #{ good: 5 } }",
        "this.n += 1; this.t.run(true, 1.0); this.a[2] = 9; this.s = \"press\"; this.retain.good += 1;
         io.n = this.n; io.valve.down = true; io.sets[1] = 4;
         if io.inp.b { fault(\"test\"); }",
    );
    bench.run_ok();
    bench.set("inp.b", Value::Bool(true));
    for _ in 0..3 {
        let error = bench.run_fault();
        assert_eq!((error.fault.code, error.fault.line), (FaultCode::Raised, 7));
    }
    let failed = bench.program.failed_state().expect("a failed state");
    assert!(failed.contains("n: 2") && failed.contains("good: 7"), "{failed}");
    bench.set("inp.b", Value::Bool(false));
    bench.run_ok();
    assert_eq!(bench.get("n"), Value::I64(2), "counted on from the last good cycle");
    assert_eq!(read(&bench, "retain.good"), Reading::Scalar(Value::I64(7)));
    assert_eq!(bench.program.layout().retained().map(|range| range.len()), Some(8));
    bench.program.reset();
    assert_eq!(read(&bench, "retain.good"), Reading::Scalar(Value::I64(5)));
    assert_eq!(bench.program.failed_state(), None);
}

#[test]
fn nan_is_stored_as_one_nan() {
    let mut bench = bench("#{ f: 0.0, n: 1 }", "this.f = -(0.0 / 0.0); this.n += 1;");
    bench.run_ok();
    let first = bench.program.state().to_vec();
    assert_eq!(first[..8], 0x7ff8_0000_0000_0000_u64.to_le_bytes());
}

#[test]
fn restore_takes_what_state_gives_and_nothing_else() {
    let mut bench =
        bench("#{ b: true, f: 1.5, s: \"idle\", t: TON() }", "this.t.run(true, 1.0); this.f += 1.0;");
    bench.run_ok();
    let good = bench.program.state().to_vec();
    let size = good.len();
    let at = |path: &str| bench.program.layout().lookup(path).unwrap().offset;
    let (b, s) = (at("b"), at("s"));
    let damage = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let cases = [
        (Vec::new(), "0 bytes, the layout has"),
        (damage(&|bytes| bytes.push(0)), "the layout has"),
        (damage(&|bytes| bytes[b] = 2), "`this.b`: the stored bytes are no bool"),
        (damage(&|bytes| bytes[s] = 64), "`this.s`: the stored bytes are no text"),
        (damage(&|bytes| bytes[s + 1] = 0xff), "`this.s`: the stored bytes are no text"),
        (damage(&|bytes| bytes[s + 60] = 1), "`this.s`: the stored bytes are no text"),
    ];
    for (bytes, text) in cases {
        let error = bench.program.restore(&bytes).expect_err(text);
        assert!(error.text.to_string().contains(text), "{}", error.text);
        assert_eq!(bench.program.state(), good, "a refused state changes nothing");
    }
    bench.run_ok();
    assert_ne!(bench.program.state(), good);
    bench.program.restore(&good).unwrap();
    assert_eq!((bench.program.state(), bench.program.state().len()), (&good[..], size));
}

#[test]
fn any_bytes_are_taken_or_refused_and_never_break_the_program() {
    let mut bench = bench(
        "#{ b: true, f: 1.5, s: \"idle\", t: TON(), c: CTU(), a: [1, 2] }",
        "this.t.run(true, 1.0); this.c.run(true, false, 3); if this.a[0] < 5 { this.a[0] += 1; }",
    );
    let mut seed = 1_u64;
    let size = bench.program.state().len();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..2000 {
        let mut bytes = bench.program.state().to_vec();
        for _ in 0..4 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes[(seed >> 33) as usize % size] = (seed >> 20) as u8;
        }
        match bench.program.restore(&bytes) {
            Ok(()) => taken += 1,
            Err(_) => refused += 1,
        }
        let _ = bench.run();
        if refused % 100 == 0 {
            bench.program.reset();
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}

#[test]
fn init_must_give_a_state() {
    for (init, code, text) in [
        ("7", "S303", "`this`: `init` returned i64, expected a record"),
        ("", "S303", "`this`: `init` returned nothing, expected a record"),
        ("#{ a: [] }", "S216", "an empty array has no type"),
        ("#{ a: [1, 2.0] }", "S223", "this is f64, the elements before it are i64"),
        (
            "#{ a: [#{ x: 1 }, #{ y: 1 }] }",
            "S223",
            "this is #{ y: i64 }, the elements before it are #{ x: i64 }",
        ),
        (
            "#{ a: [RAMP(1.0, 1.0), RAMP(2.0, 1.0)] }",
            "S303",
            "is RAMP(2.0, 1.0), the elements before it are RAMP(1.0, 1.0)",
        ),
        ("let t = TON(); #{ t: t }", "S213", "TON() cannot be in a variable"),
        ("let n = 2000; #{ a: array(n, 0) }", "S226", "the length of an array has to be known"),
        ("#{ a: array(2000, 0) }", "S102", "an array of 2000 elements, expected 1 to 1024"),
        ("#{ a: array(1000, array(1000, 0)) }", "S102", "the array has too many values"),
        ("#{ x: 1 / 0 }", "S302", "`init` failed: 1 / 0: division by zero"),
        ("#{ x: param.nothing }", "S206", "`param.nothing` does not exist"),
        ("#{ x: io.n }", "S214", "`init` runs before the first cycle and cannot use `io`"),
        (
            "let n = 0; while n >= 0 { n += 0; } #{ n: n }",
            "S302",
            "`init` failed: more than 2000000 operations",
        ),
    ] {
        let found = findings(&format!("fn init() {{ {init} }} fn cycle() {{ }}"));
        let first =
            found.iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("{init}: {found:?}"));
        assert!(first.message.starts_with(text), "{init}: {first}");
    }
}

#[test]
fn init_may_use_constants_and_parameters() {
    let mut bench = Bench::new(
        "const N = 2 + 1;\nconst TABLE = [1.0, 2.0];\nconst SCALE = TABLE[1] * 2.0;
         fn init() { #{ gain: param.gain, a: array(N, SCALE), n: param.count } }
         fn cycle() { io.x = this.gain * this.a[-1] + TABLE[0] * SCALE; }",
    );
    bench.run_ok();
    assert_eq!(bench.get("x"), Value::F64(2.5 * 4.0 + 4.0));
}

/// A value that was taken from a constant is a copy like any other, wherever it went in between.
#[test]
fn copies_of_constants_can_be_changed() {
    let mut bench = Bench::new(
        "const C = 7;
         const LIST = [1, 2];
         const RECORD = #{ x: 1 };
         fn init() { #{ sum: 0, n: 0, list: [0, 0], record: #{ x: 0 } } }
         fn changed(p) { p += 1; p }
         fn cycle() {
             for n in LIST { n += 1; this.sum += n; }
             for n in [this.n, C] { n += 1; this.sum += n; }
             for r in [RECORD, #{ x: C }] { r.x += 1; this.sum += r.x; }
             let list = [C, 2]; list[0] += 1;
             let record = #{ x: C }; record.x += 1;
             let copy = LIST; copy[1] += 1;
             this.sum += list[0] + record.x + copy[1] + changed(C);
             this.n = C; this.n += 1;
             this.list = LIST; this.list[0] += 1;
             this.list = [C, C]; this.list[0] += 1;
             this.record = RECORD; this.record.x += 1;
             this.record.x = C; this.record.x += 1;
         }",
    );
    bench.run_ok();
    assert_eq!(read(&bench, "sum"), Reading::Scalar(Value::I64(2 + 3 + 1 + 8 + 2 + 8 + 8 + 8 + 3 + 8)));
    assert_eq!(read(&bench, "list[0]"), Reading::Scalar(Value::I64(8)));
    assert_eq!(read(&bench, "record.x"), Reading::Scalar(Value::I64(8)));
}

/// As in Rhai 1.27: `continue` in a `do` goes on with its body, whatever the condition is. In `init` as in `cycle`.
#[test]
fn continue_in_a_do_loop_does_not_ask_its_condition() {
    let body = "let n = 0; do { n += 1; if n < 4 { continue; } } while n < 0;";
    let mut bench = Bench::new(&format!(
        "fn counted() {{ {body} n }}\nfn init() {{ #{{ first: counted(), n: 0 }} }}\nfn cycle() {{ this.n = counted(); }}\n"
    ));
    bench.run_ok();
    assert_eq!(read(&bench, "first"), Reading::Scalar(Value::I64(4)));
    assert_eq!(read(&bench, "n"), Reading::Scalar(Value::I64(4)));
}
