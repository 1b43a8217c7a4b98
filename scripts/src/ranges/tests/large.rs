//! A program of ten thousand lines is looked at in the time of a keystroke or two.

use super::{Cell, hir};
use crate::ranges::{examine, prove};

/// Stations that each have a sequence of steps, a few sums and a loop.
fn large(lines: usize) -> String {
    let stations = lines / 24;
    let fields: Vec<String> = (0..stations)
        .map(|n| {
            format!("s{n}: #{{ step: \"idle\", n: 0, x: 0.0, a: [0, 0, 0, 0, 0, 0, 0, 0], wait: TON() }}")
        })
        .collect();
    let mut text =
        String::from("fn limit(v, low, high) { if v < low { low } else if v > high { high } else { v } }\n");
    text.push_str(&format!("fn init() {{\n    #{{\n        {}\n    }}\n}}\n", fields.join(",\n        ")));
    let calls: Vec<String> = (0..stations).map(|n| format!("    this.s{n}.run{n}();")).collect();
    text.push_str(&format!("fn cycle() {{\n{}\n}}\n", calls.join("\n")));
    for n in 0..stations {
        text.push_str(&format!(
            "fn run{n}() {{
    this.wait.run(this.step == \"wait\", {}.5);
    switch this.step {{
        \"idle\" => if io.start {{ this.step = \"fill\"; this.n = 0; }}
        \"fill\" => {{
            for i in 0..this.a.len {{
                this.a[i] = limit(this.a[i] + io.byte, 0, {n} + 100);
                this.x += to_float(this.a[i]) * 0.5;
            }}
            this.n += 1;
            if this.n > {n} {{ this.step = \"wait\"; }}
        }}
        \"wait\" => if this.wait.Q {{ this.step = \"done\"; }}
        \"done\" => {{
            let sum = 0;
            for v in this.a {{ sum += v; }}
            if sum > 0 {{ io.limited = 1000 / sum; }}
            this.x = clamp(this.x, -1000.0, 1000.0);
            this.step = \"idle\";
        }}
    }}
}}
",
            n % 7
        ));
    }
    text
}

#[test]
fn a_large_program_takes_no_more_steps_than_a_few_for_each_expression() {
    let cell = Cell::new();
    let text = large(10_000);
    let environment = crate::ScriptEnvironment {
        limits: sensai_model::cell::Limits { record_len: 1000, ..super::LIMITS },
        ..cell.environment()
    };
    let hir = hir(&text, &environment);
    let exprs: usize = hir.functions.iter().map(|function| function.exprs.len()).sum();
    let (proven, examined) = (prove(&hir, &environment), examine(&hir, &environment));
    assert!(text.lines().count() > 9_000 && exprs > 25_000, "{exprs}");
    let steps = (proven.steps() / exprs as u64, examined.steps() / exprs as u64);
    assert!(steps.0 < 10 && steps.1 < 60, "{steps:?}");
}

#[test]
fn deep_programs_fit_on_a_small_stack() {
    let cell = Cell::new();
    let (open, close) = ("(1 + ".repeat(9), ")".repeat(9));
    let mut text = String::from("fn f0(v) { v }\n");
    for n in 1..15 {
        text.push_str(&format!("fn f{n}(v) {{ {open}f{}(v % 9){close} }}\n", n - 1));
    }
    text.push_str("fn init() { #{ n: 0 } }\nfn cycle() { this.n = f14(this.n) % 7; }\n");
    let environment = cell.environment();
    let hir = hir(&text, &environment);
    let small = std::thread::Builder::new().stack_size(512 << 10);
    std::thread::scope(|scope| {
        let run = || (prove(&hir, &environment).steps(), examine(&hir, &environment).steps());
        let (proof, advice) = small.spawn_scoped(scope, run).unwrap().join().unwrap();
        assert!(proof > 150 && advice > 150, "{proof} {advice}");
    });
}
