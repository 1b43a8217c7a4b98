//! The program's unit, alarms and jidoka rules: what it sees, what it asks for, what the check says.

use crate::{
    station::Cell,
    support::{Bench, PROGRAM},
};
use sensai_model::{
    FaultCode, Value,
    packml::{Command, Mode, State},
};
use sensai_scripts::{
    Reach,
    ports::{Request, UnitFacts},
};

fn bench(body: &str) -> Bench {
    Cell::new().bench(&format!("fn init() {{ #{{ n: 0, s: \"hot\" }} }}\nfn cycle() {{\n{body}\n}}\n"))
}

fn requests(bench: &Bench) -> Vec<Request> {
    let requests = bench.ports.requests();
    assert!(requests.iter().all(|requested| requested.program == PROGRAM));
    requests.iter().map(|requested| requested.request).collect()
}

#[test]
fn a_program_sees_mode_and_state_of_its_unit() {
    let mut bench = bench("this.s = sys.state; io.b = sys.mode == \"manual\" && sys.state != \"idle\";");
    for mode in Mode::ALL {
        for state in State::ALL {
            bench.ports.units[usize::from(PROGRAM)] = UnitFacts { mode: *mode, state: *state };
            bench.run_ok();
            let expected = *mode == Mode::Manual && *state != State::Idle;
            assert_eq!(bench.get("b"), Value::Bool(expected), "{mode:?} {state:?}");
            let (layout, arena) = (sensai_scripts::Program::layout(&bench.program), bench.program_state());
            let read = layout.read(arena, "s").unwrap();
            assert_eq!(read, sensai_scripts::layout::Reading::Symbol(state.name().to_owned()));
        }
    }
}

#[test]
fn every_call_asks_for_what_it_says() {
    for (call, request) in [
        ("state_complete()", Request::StateComplete),
        ("hold()", Request::Command(Command::Hold)),
        ("suspend()", Request::Command(Command::Suspend)),
        ("unsuspend()", Request::Command(Command::Unsuspend)),
        ("stop()", Request::Command(Command::Stop)),
        ("abort()", Request::Command(Command::Abort)),
        ("complete()", Request::Command(Command::Complete)),
        ("jidoka(\"timeout\")", Request::Jidoka(1)),
        ("alarm(\"oil_low\")", Request::Alarm(0)),
        ("let name = \"stroke\"; jidoka(name)", Request::Jidoka(0)),
    ] {
        let mut bench = bench(&format!("{call};"));
        for cycle in 0..2 {
            bench.run_ok();
            assert_eq!(requests(&bench), [request], "{call} in cycle {cycle}");
        }
    }
}

#[test]
fn a_fault_takes_requests_back() {
    let mut bench = bench("hold();\nalarm(\"oil_low\");\nif io.inp.b { fault(\"x\"); }");
    bench.run_ok();
    assert_eq!(requests(&bench).len(), 2);
    bench.set("inp.b", Value::Bool(true));
    assert_eq!(bench.run_fault().fault.code, FaultCode::Raised);
}

#[test]
fn what_cannot_be_asked_for_is_a_fault_with_its_line() {
    for (body, code, text) in [
        (
            "let name = \"strok\";\njidoka(name);",
            FaultCode::UnknownName,
            "there is no jidoka rule `strok`; did you mean `stroke`?",
        ),
        (
            "let name = \"oil\";\nalarm(name);",
            FaultCode::UnknownName,
            "there is no alarm `oil`; alarms: `hot`, `oil_low`",
        ),
        (
            "for i in 0..99 {\nhold(); }",
            FaultCode::TooLarge,
            "more than 64 calls such as hold(), jidoka() or alarm() in one run; make each only when it is needed",
        ),
    ] {
        let error = bench(body).run_fault();
        assert_eq!((error.fault.code, error.fault.line), (code, 4), "{}", error.text);
        assert_eq!(error.text, text);
    }
}

fn program(body: &str) -> String {
    format!(
        "fn init() {{ #{{ ram: Axis(\"ram\"), axes: [Axis(\"ram\")], s: \"\" }} }}\nfn cycle() {{\n{body}\n}}\n"
    )
}

#[test]
fn findings_word_for_word() {
    let (cell, mut wrong) = (Cell::new(), Vec::new());
    for (body, finding) in [
        (
            "if sys.state == \"execut\" { }",
            "error[S221]: 3:17: `sys.state` is never \"execut\"; did you mean `execute`?",
        ),
        (
            "if \"Held\" != sys.state { }",
            "error[S221]: 3:4: `sys.state` is never \"Held\"; did you mean `held`?",
        ),
        (
            "if sys.mode == \"auto\" { }",
            "error[S221]: 3:16: `sys.mode` is never \"auto\"; modes: `maintenance`, `manual`, `production`",
        ),
        (
            "if sys.mode == \"maintenance\" { }",
            "warning[S221]: 3:16: unit `press` is never in mode \"maintenance\"; its modes: `production`, `manual`",
        ),
        (
            "switch sys.state {\n\"idle\" => {}\n\"execute\" | \"hold\" => hold(),\n_ => {} }",
            "error[S221]: 5:13: `sys.state` is never \"hold\"; did you mean `held`?",
        ),
        (
            "if this.ram.state == \"stand_still\" { }",
            "error[S221]: 3:22: the state of an axis is never \"stand_still\"; did you mean `standstill`?",
        ),
        (
            "switch this.axes[0].state { \"moving\" => {} }",
            "error[S221]: 3:29: the state of an axis is never \"moving\"; did you mean `homing`?",
        ),
        ("jidoka(\"strok\");", "error[S220]: 3:8: there is no jidoka rule `strok`; did you mean `stroke`?"),
        ("alarm(\"oil_lo\");", "error[S220]: 3:7: there is no alarm `oil_lo`; did you mean `oil_low`?"),
        (
            "alarm(\"hot\");",
            "error[S220]: 3:7: `hot` watches a tag by itself; no program raises it; leave the call away, or give the alarm no condition in the cell",
        ),
        (
            "alarm(7);",
            "error[S216]: 3:7: `alarm` takes the name of the alarm as a text, not i64; write `alarm(\"name\")`",
        ),
        (
            "let name = 7; alarm(name);",
            "error[S216]: 3:21: `alarm` takes the name of the alarm as a text, not i64; write `alarm(\"name\")`",
        ),
        ("hold(1);", "error[S204]: 3:1: `hold` with 1 argument; write `hold()`"),
        ("unhold();", "error[S204]: 3:1: there is no function `unhold`; did you mean `hold`?"),
        ("this.s = sys.sate;", "error[S206]: 3:14: `sys.sate` does not exist; did you mean `state`?"),
        (
            "sys.state = \"idle\";",
            "error[S207]: 3:1: `sys.state` cannot be written; keep a value of your own in the state",
        ),
        ("this.s = recipe.depth;", "error[S211]: 3:10: `recipe` is not there yet; use parameters and tags"),
    ] {
        let found = cell.findings(&program(body));
        if !found.iter().any(|found| found.starts_with(finding)) {
            wrong.push(format!("{body}\nexpected {finding}\nfound    {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn natural_programs_have_no_findings() {
    let cell = Cell::new();
    for body in [
        "switch sys.state { \"execute\" => hold(), \"idle\" | \"held\" if io.inp.b => stop(), _ => {} }",
        "this.s = sys.state; if this.s == \"whatever\" { this.s = \"none\"; }",
        "if sys.mode == \"manual\" && this.ram.state == \"standstill\" { complete(); }",
        "for i in 0..this.axes.len { switch this.axes[i].state { \"error_stop\" => this.axes[i].reset(), _ => {} } }",
        "if sys.state == \"resetting\" { this.ram.home(); if this.ram.done { state_complete(); } }",
    ] {
        assert_eq!(cell.findings(&program(body)), Vec::<String>::new(), "{body}");
    }
}

#[test]
fn a_program_without_a_unit_commands_none() {
    let cell = Cell::new();
    let reach = Reach { unit: None, ..cell.reach() };
    let found = cell.findings_reaching(&program("hold(); jidoka(\"stroke\"); alarm(\"oil_low\");"), reach);
    assert_eq!(
        found,
        [
            "error[S222]: 3:1: `hold()` is for the program's unit, and it belongs to none; name the program in `programs` of a unit of the cell"
        ]
    );
}

#[test]
fn init_and_constants_ask_for_nothing() {
    let cell = Cell::new();
    let found =
        cell.findings("const A = hold();\nfn init() { abort(); #{ s: sys.state } }\nfn cycle() { }\n");
    assert_eq!(
        found,
        [
            "error[S214]: 1:11: a constant cannot depend on `hold()`; read it in `init` or `cycle`",
            "error[S214]: 2:13: `init` runs before the first cycle and cannot use `abort()`; call it in `cycle`",
            "error[S214]: 2:28: `init` runs before the first cycle and cannot use `sys`; read it in `cycle`",
        ]
    );
}
