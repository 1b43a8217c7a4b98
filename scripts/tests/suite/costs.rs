//! What handles, models and requests cost: the check counts no more than a run does.

use crate::{
    station::Cell,
    support::{LIMITS, PROGRAM, not_a_lint, parameters, source},
};
use sensai_model::cell::{Limits, Tier};
use sensai_scripts::{Program, Role, ScriptEnvironment, check};

/// A program with so much data that each operation counts more than one.
fn text(body: &str) -> String {
    format!(
        "fn init() {{ #{{ ram: Axis(\"ram\"), many: array(500, Axis(\"table\")), f: 0.0, s: \"\" }} }}\n\
         fn cycle() {{\n{body}\n}}\n"
    )
}

#[test]
fn a_cycle_that_fits_is_never_called_too_long() {
    let cell = Cell::new();
    for body in [
        "this.ram.power(true); this.ram.move_absolute(1.0, 2.0 + this.f, \"positive\");",
        "if this.ram.done && !this.ram.busy { this.ram.halt(); } this.f = this.ram.position;",
        "for i in 0..3 { this.many[i].move_relative(1.0, 2.0); if this.many[i].error { return; } }",
        "switch sys.state { \"execute\" => hold(), _ => stop() } this.s = sys.mode; jidoka(\"stroke\");",
        "if ai.stroke.valid { this.f = ai.stroke.output[1] + ai.stroke.score; } ai.stroke.request();",
    ] {
        let text = text(body);
        let mut bench = cell.bench(&text);
        bench.run_ok();
        let operations = bench.program.operations();
        let plain = bench.program.layout().values();
        assert!(plain > 500, "a handle is a value: {plain}");
        let (parameters, role) = (parameters(), Role::Controller);
        let found = |operations| {
            let limits = Limits { operations, ..LIMITS };
            let environment = ScriptEnvironment {
                tags: &cell.tags,
                parameters: &parameters,
                limits,
                program_index: PROGRAM,
                role,
                reach: cell.reach(),
            };
            let found = check(&source(&text), &environment, Tier::Interpreter).findings;
            found.into_iter().filter(not_a_lint).collect::<Vec<_>>()
        };
        assert!(found(operations).is_empty(), "{body}: {operations}\n{:?}", found(operations));
        assert_eq!(found(5)[0].code, "S304", "{body}: five operations are too few for any cycle");
    }
}
