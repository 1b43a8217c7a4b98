//! Programs on which the tiers once differed. Each is as small as it could be made.

use script_fuzz::{
    drive::{self, Case, Verdict},
    tiers::{TIERS, compiled},
    world::World,
};
use sensai_model::cell::ProgramSource;

/// What it is about, the fields of the state, the body of `cycle`, more functions.
const PROGRAMS: &[(&str, &str, &str, &str)] = &[
    (
        "`continue` in a `do` whose condition is false",
        "n: 0, m: 0",
        "this.n = 7; let k = 0; do { k += 1; if k <= 1 { continue; } this.n = io.inp.n & 3; } while false; this.m = 1 + this.n;",
        "",
    ),
    (
        "a number that is made of what never comes",
        "f: 0.0",
        "for i in 0..3 { this.f += 1.0; this.f += -to_float((if io.inp.b { continue; } else { continue; }) | 0); }",
        "",
    ),
    (
        "a comparison of a float with a whole number that no float is",
        "n: 0",
        "let n = 8; for i in 0..3 { if io.inp.b { break; } n = 9223372036854775807; if 0.0 < 1714016698193502610 { } } this.n = n + 3;",
        "",
    ),
    ("values that nobody uses", "n: 0", "if io.inp.b { 0; } else { 0; } this.n += 1;", ""),
    ("a condition behind them", "n: 0", "do { if io.inp.b { 0; } else { 1; } } until true;", ""),
    (
        "an index over several lines is reported at its operator",
        "a: array(5, 1.5)",
        "[this.a[(switch io.inp.n {\n_ => 0,\n}) + -6]];",
        "",
    ),
    (
        "ranges behind a number whose guard does not hold",
        "n: 0, f: 0.0",
        "switch this.n % 10 {\n3 if false => { }\n3..=6 | 8..9 if true => { this.f += 1.0; }\n_ => { }\n} this.n += 1;",
        "",
    ),
    (
        "a guard that changes what it asks",
        "n: 0, f: 0.0",
        "switch this.n % 4 {\n1 if this.next() > 20 => { this.f = 1.0; }\n1..=2 if this.next() % 2 == 0 => { this.f += 2.0; }\n_ => { this.n += 1; }\n}",
        "fn next() { this.n += 1; this.n }",
    ),
    (
        "what a loop over constants gives can be changed",
        "n: 0",
        "for x in [this.n, C] { x += 1; this.n += x; }",
        "const C = 7;",
    ),
    (
        "a loop that is left in the middle of an operation",
        "n: 0",
        "loop { let next = 1 + { if this.n % 7 == 6 { break; } this.n }; this.n = next; } this.n += 10;",
        "",
    ),
    (
        "what never faults is limited still",
        "n: 0, x: 0.5",
        "io.saturated = 150; io.n = io.saturated; this.n -= 1; io.saturated = this.n % 9; io.saturated += 200;",
        "",
    ),
    (
        "a tag of floats and a whole number",
        "n: 1",
        "io.x = 3.0; io.x *= this.n; io.x += io.inp.n; this.n += 1;",
        "",
    ),
    (
        "what one of several paths made is still there in the next statement",
        "n: 0.0, x: 0.0",
        "let a = switch io.inp.n % 3 { 0 => #{ at: 1.0, n: this.n, kind: 4 }, _ => #{ at: 2.0, n: 3.5, kind: 5 } };\nfor v in [7, { io.n = 1; 8 }, 9] { this.x += to_float(v); }\nthis.n = a.n + 1.0;",
        "",
    ),
    (
        "an element of a value that nothing keeps is still there in the next statement",
        "n: 0, x: 0",
        "let a = [[1, this.n], [this.n, 4]][io.inp.n & 1];\nfor v in [[7, { io.n = 1; 8 }], [9, this.n]] { this.x = v[0]; }\nthis.n = (a[0] + a[1]) % 1000;",
        "",
    ),
    (
        "many elements that are parts of a value that nothing keeps",
        "n: 0",
        "let all = array(4, [array(22, 0.0), array(22, 1.0)][this.n % 2]); this.n += all.len;",
        "",
    ),
];

/// Ways to nest.
const NESTS: &[(&str, &str)] = &[
    ("1 + (", ")"),
    ("max(1, ", ")"),
    ("if io.inp.b { ", " } else { 1 }"),
    ("{ ", " }"),
    ("{ for i in 0..1 { this.n = ", "; } 1 }"),
    ("switch this.n { 1 => ", ", _ => 0 }"),
    ("#{ a: ", " }.a"),
    ("this.a[", " & 1]"),
];

/// Programs that no tier takes: Rhai would read the variable after what changes it.
const REFUSED: &[&str] = &[
    "let row = 0; this.n = row - { row = 1; 0 };",
    "let row = 0; this.n = min(row, { row = 1; 1 });",
    "let r = #{ n: 1 }; this.n = sum(r, r.next());",
];

fn text(fields: &str, cycle: &str, more: &str) -> String {
    format!("{more}\nfn init() {{ #{{ {fields} }} }}\nfn cycle() {{\n{cycle}\n}}\n")
}

#[test]
fn both_tiers_say_the_same() {
    let world = World::fixed();
    for (about, fields, cycle, more) in PROGRAMS {
        let text = text(fields, cycle, more);
        for seed in 0..8 {
            let case = Case { world: &world, text: &text, probes: 0, cycles: 40, seed, trace: false };
            let run = drive::run(&case, TIERS);
            assert_eq!(run.verdict, Verdict::Equal, "{about}, seed {seed}:\n{text}");
        }
    }
}

/// How deep is too deep, our front end says alone: Rhai counts levels in another way.
#[test]
fn what_is_nested_as_deeply_as_it_may_be_runs_in_both() {
    let world = World::fixed();
    for (open, close) in NESTS {
        let nested = |times: usize| {
            let cycle = format!("this.n = {}1{};", open.repeat(times), close.repeat(times));
            text("n: 0, a: array(2, 1)", &cycle, "")
        };
        let taken = |times: &usize| {
            let source = ProgramSource::new("case", "programs/case.rhai", nested(*times).as_str());
            compiled(&source, &world.environment(&world.tags)).is_ok()
        };
        let times = (1..70).rev().find(taken).expect("some nesting is possible");
        assert!(times >= 10, "{open}: {times}");
        let case = Case { world: &world, text: &nested(times), probes: 0, cycles: 5, seed: 0, trace: false };
        assert_eq!(drive::run(&case, TIERS).verdict, Verdict::Equal, "{open} {times} times");
    }
}

#[test]
fn what_rhai_reads_too_late_is_refused() {
    let world = World::fixed();
    let more = "fn sum(r, n) { r.n + n } fn next() { this.n += 1; this.n }";
    for cycle in REFUSED {
        let text = text("n: 0", cycle, more);
        let path = "programs/case.rhai".to_owned();
        let source = ProgramSource::new("case", path, text.as_str());
        let refused = compiled(&source, &world.environment(&world.tags)).err().unwrap_or_default();
        assert!(refused.contains("is changed by what stands behind it"), "{refused}\n{text}");
    }
}
