use super::*;
use crate::{
    Ports, Program, Reach, Role, RunContext, ScriptEnvironment, SysFacts, analyse,
    native::{self, Options, Source},
    ranges::prove,
};
use sensai_model::{
    TagStore,
    cell::{Limits, ProgramSource},
};

fn environment(operations: u64) -> ScriptEnvironment<'static> {
    let limits = Limits { operations, call_depth: 16, text_len: 63, array_len: 1024, record_len: 256 };
    ScriptEnvironment {
        tags: &[],
        parameters: &[],
        limits,
        program_index: 0,
        role: Role::Controller,
        reach: Reach::default(),
    }
}

fn source(text: &str) -> ProgramSource {
    ProgramSource::new("t", "t.rhai", text)
}

fn report(text: &str) -> CostReport {
    let analysed = analyse(&source(text), &environment(100_000));
    let hir = analysed.hir.unwrap_or_else(|| panic!("{:?}\n{text}", analysed.findings));
    CostReport::of(&hir, &environment(100_000))
}

fn units(body: &str) -> Option<u64> {
    report(&format!("fn init() {{ #{{ n: 0, x: 0.0, a: [1, 2, 3, 4], t: TON() }} }} fn cycle() {{ {body} }}"))
        .units
}

#[test]
fn the_table_is_what_is_counted() {
    for (body, expected) in [
        ("this.n = 1;", 1),
        ("this.n = this.n + 1;", 2),
        ("this.n += 1;", 1),
        ("let y = -this.n * 2; this.n = y;", 4),
        ("this.a[this.n] = 2;", 2),
        ("this.n = this.a[0] + this.a[1];", 4),
        ("if this.n > 0 { this.n = 1; }", 3),
        ("if this.n > 0 { this.n = 1; } else { this.n = 1; this.n = 2; }", 4),
        ("this.x = sin(this.x);", 3),
        ("this.t.run(this.n == 1, 0.5);", 6),
        ("for i in 0..4 { this.n += i; }", 9),
        ("for v in this.a { this.n = v; }", 10),
        ("let i = 0; while i < 3 { i += 1; }", 1 + 1 + 3 * (1 + 1 + 1) + 1),
        ("switch this.n { 1 => { this.n = 2; } 2 => {} _ => { this.n = 3; this.x = 1.0; } }", 1 + 2 + 2),
        ("for i in 0..4 { for j in 0..=i { this.n += j; } }", 1 + 4 * (1 + 1 + 4 * (1 + 1))),
    ] {
        assert_eq!(units(body), Some(expected), "{body}");
    }
}

#[test]
fn a_loop_without_a_bound_is_named() {
    for (body, line, why) in [
        ("loop {\n if this.n > 3 { break; } this.n += 1; }", 2, Why::Endless),
        ("this.n = 1;\nwhile this.n < 100 { if this.x > 0.5 { continue; } this.n += 1; }", 3, Why::Condition),
        ("\n\nfor i in 0..this.n { this.x += 1.0; }", 4, Why::Numbers),
    ] {
        let report = report(&format!("fn init() {{ #{{ n: 0, x: 0.0 }} }} fn cycle() {{\n{body} }}"));
        let open = report.open.unwrap_or_else(|| panic!("{body}"));
        assert_eq!((report.units, open.line, open.why), (None, line, why.to_string()), "{body}");
    }
    assert_eq!(units("for i in min(this.n, 0)..10 { this.x += 1.0; }"), None, "it may begin far below");
    assert!(units("for i in 0..clamp(this.n, 0, 10) { this.x += 1.0; }").is_some());
}

#[test]
fn lines_add_up_to_their_function() {
    let text = "fn init() { #{ n: 0, x: 0.0, a: [1, 2, 3, 4] } }
fn half(v) { v / 2 }
fn cycle() {
    for i in 0..4 {
        this.a[i] = half(this.a[i]);
        this.n += this.a[i];
    }
    this.x = to_float(this.n) * 0.5;
}";
    let report = report(text);
    let whole: u64 =
        report.functions.iter().find(|function| function.name == "cycle()").unwrap().units.unwrap();
    let lines =
        |name: &str| report.functions.iter().find(|function| function.name == name).unwrap().lines.clone();
    let cycle = lines("cycle()");
    assert_eq!(cycle.iter().map(|line| line.units).sum::<u64>(), whole);
    let units: Vec<(u32, u64)> = cycle.iter().map(|line| (line.line, line.units)).collect();
    assert_eq!(units, [(4, 5), (5, 4 * 5), (6, 4 * 2), (8, 4)]);
    assert_eq!(lines("half(v: i64)"), [LineCost { line: 2, units: 1, per_turn: false }]);
}

#[test]
fn a_run_does_not_do_more_than_its_bound() {
    let bodies = [
        "for i in 0..9 { if i % 3 == 0 { continue; } this.n += i; if this.n > 1000 { this.n = 0; break; } }",
        "let i = 0; while i < 12 { i += 1 + clamp(this.a[i % 4], 0, 3); } this.n = i;",
        "switch this.n % 3 { 0 => { for i in 0..200 { this.x += 0.5; } } 2 => { for i in 0..99 { this.x += 1.0; } } _ => {} } this.n += 1;",
        "this.t.run(this.n > 2, 0.01); if this.t.Q { for i in 0..90 { this.x += 1.0; } } else { this.n += 1; for i in 0..80 { this.x += 1.0; } } let b = this.a; this.a = b;",
    ];
    for body in bodies {
        let text = format!(
            "fn init() {{ #{{ n: 1, x: 0.0, a: [1, 2, 3, 4], t: TON() }} }}\nfn cycle() {{ {body} }}"
        );
        let program = source(&text);
        let bound = report(&text).units.unwrap_or_else(|| panic!("{body}"));
        // With less than the bound allowed, a program counts what it does.
        let environment = environment(bound - 1);
        let analysed = analyse(&program, &environment);
        let unit = Source::of("t", &analysed, &environment).unwrap();
        let proven = prove(unit.hir, &environment);
        let mut compiled =
            native::compile(&unit, &Options { proofs: &proven, ..Options::default() }).unwrap();
        let (mut tags, mut ports) = (TagStore::new(&[]), Ports::none());
        let mut most = 0;
        for cycle in 0..50 {
            let sys = SysFacts { cycle, time_ns: 0, dt_ns: 1_000_000, first_cycle: cycle == 0 };
            ports.begin(cycle + 1);
            let mut context = RunContext { sys, tags: &mut tags, parameters: &[], ports: &mut ports };
            if compiled.cycle(&mut context).is_ok() {
                most = most.max(compiled.operations());
            }
        }
        assert!(most > bound / 8 && most <= bound, "{body}: {most} of {bound}");
    }
}
