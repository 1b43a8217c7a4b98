//! Programs on which the tiers once differed. Each is as small as it could be made.

use script_fuzz::{
    drive::{self, Case, Verdict},
    tiers::{TIERS, compiled},
    world::World,
};
use sensai_model::cell::ProgramSource;

/// What it is about, the fields of the state, the body of `cycle`, more functions.
const PROGRAMS: &[(&str, &str, &str, &str)] = &[
    ("values that nobody uses", "n: 0", "if io.inp.b { 0; } else { 0; } this.n += 1;", ""),
    ("a condition behind them", "n: 0", "do { if io.inp.b { 0; } else { 1; } } until true;", ""),
    (
        "an index over several lines is reported at its operator",
        "a: array(5, 1.5)",
        "[this.a[(switch io.inp.n {\n_ => 0,\n}) + -6]];",
        "",
    ),
    (
        "two ranges of one arm with a guard",
        "f: 0.0",
        "switch -io.inp.n {\n3 if false => { }\n3..=9 | 6..9 if true => { this.f = 1.0; }\n_ => { }\n}",
        "",
    ),
    (
        "what a loop over constants gives can be changed",
        "n: 0",
        "for x in [this.n, C] { x += 1; this.n += x; }",
        "const C = 7;",
    ),
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
