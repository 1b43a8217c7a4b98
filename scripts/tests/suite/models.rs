//! `ai`: results of models, and requests for them.

use crate::{
    station::Cell,
    support::{Bench, PROGRAM},
};
use sensai_model::{FaultCode, Value};
use sensai_scripts::{Program, layout::Reading, ports::Request};

fn bench(body: &str) -> Bench {
    Cell::new().bench(&format!(
        "fn init() {{ #{{ f: 0.0, n: 0, m: 0, b: false, c: false }} }}\nfn cycle() {{\n{body}\n}}\n"
    ))
}

/// What the runtime does at a cycle's edge.
fn set(bench: &mut Bench, fact: &str, value: Value) {
    bench.set(&format!("ai.{fact}"), value);
}

#[test]
fn a_program_reads_every_fact_of_a_model() {
    let mut bench = bench(
        "this.f = ai.stroke.score + ai.stroke.output[2] * 100.0; this.n = ai.stroke.age + ai.stroke.misses * 10
             + ai.stroke.sequence * 100 + ai.stroke.output.len * 1000;
         this.b = ai.stroke.valid; for x in ai.stroke.output { this.f += x * 1000.0; } this.m = ai.wear.age;",
    );
    for (fact, value) in [
        ("stroke.score", Value::F64(0.5)),
        ("stroke.age", Value::I64(1)),
        ("stroke.valid", Value::Bool(true)),
        ("stroke.misses", Value::I64(2)),
        ("stroke.sequence", Value::I64(3)),
        ("wear.age", Value::I64(7)),
    ] {
        set(&mut bench, fact, value);
    }
    let slot = bench.slot("ai.stroke.output") + 2;
    bench.store.set_input(slot, Value::F64(2.0), true);
    bench.run_ok();
    for (path, value) in
        [("f", Value::F64(2200.5)), ("n", Value::I64(3321)), ("b", Value::Bool(true)), ("m", Value::I64(7))]
    {
        let read = bench.program.layout().read(bench.program.state(), path);
        assert_eq!(read, Some(Reading::Scalar(value)), "{path}");
    }
}

#[test]
fn a_result_is_fresh_until_a_run_saw_it() {
    let mut bench = bench(
        "this.b = ai.stroke.fresh; this.c = ai.wear.fresh; io.b = ai.stroke.fresh && ai.stroke.fresh;\nif io.inp.b { fault(\"x\"); }",
    );
    let fresh = |bench: &Bench| {
        let read = |path| bench.program.layout().read(bench.program.state(), path);
        [read("b"), read("c")].map(|read| read == Some(Reading::Scalar(Value::Bool(true))))
    };
    bench.run_ok();
    assert_eq!(fresh(&bench), [false, false], "before the first result");
    set(&mut bench, "stroke.sequence", Value::I64(1));
    bench.set("inp.b", Value::Bool(true));
    bench.run_fault();
    bench.set("inp.b", Value::Bool(false));
    bench.run_ok();
    assert_eq!(fresh(&bench), [true, false], "the run that saw it failed");
    assert_eq!(bench.get("b"), Value::Bool(true), "it is fresh for the whole run");
    bench.ports.see(|model| i64::from(model == 0));
    bench.run_ok();
    assert_eq!(fresh(&bench), [false, false]);
}

#[test]
fn a_request_is_staged() {
    let mut bench = bench("if io.inp.b { ai.stroke.request(); }");
    bench.run_ok();
    assert!(bench.ports.requests().is_empty());
    bench.set("inp.b", Value::Bool(true));
    bench.run_ok();
    let requests: Vec<_> = bench.ports.requests().iter().map(|of| (of.program, of.request)).collect();
    assert_eq!(requests, [(PROGRAM, Request::Model(0))]);
}

#[test]
fn an_index_that_is_not_there_is_a_fault() {
    let error = bench("let i = 3;\nthis.f = ai.stroke.output[i];").run_fault();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::IndexOutOfBounds, 4));
    assert_eq!(error.text, "`ai.stroke.output`: index 3 is out of bounds: the array has 3 elements, 0 to 2");
}

#[test]
fn findings_word_for_word() {
    let (cell, mut wrong) = (Cell::new(), Vec::new());
    for (body, finding) in [
        ("this.f = ai.strok.score;", "error[S220]: 3:13: there is no model `strok`; did you mean `stroke`?"),
        (
            "this.f = ai.stroke.scor;",
            "error[S206]: 3:20: `ai.stroke.scor` does not exist; did you mean `score`?",
        ),
        (
            "ai.stroke.score = 1.0;",
            "error[S207]: 3:1: `ai.stroke.score` cannot be written; models write their results themselves; keep a value of your own in the state",
        ),
        (
            "ai.stroke.output[1] = 1.0;",
            "error[S207]: 3:1: `ai.stroke.output` cannot be written; models write their results themselves; keep a value of your own in the state",
        ),
        (
            "ai.stroke = 1.0;",
            "error[S206]: 3:1: `ai.stroke` is a model; write one of its facts, as in `ai.stroke.score`",
        ),
        (
            "this.f = ai.stroke;",
            "error[S206]: 3:10: `ai.stroke` is a model; write one of its facts, as in `ai.stroke.score`",
        ),
        ("let x = ai;", "error[S211]: 3:9: `ai` alone is no value; write one of the names in it"),
        (
            "this.f = ai.stroke.output[3];",
            "error[S206]: 3:27: `ai.stroke.output` has elements 0 to 2, not 3; use an index that exists",
        ),
        (
            "this.b = ai.stroke.score.valid;",
            "error[S212]: 3:26: `ai.stroke.score` has no quality of its own; whether a result counts says `ai.stroke.valid`",
        ),
        (
            "this.f = ai.stroke.score.x;",
            "error[S206]: 3:26: there is nothing behind `ai.stroke.score`; leave it away",
        ),
        (
            "ai.stroke.requst();",
            "error[S204]: 3:11: there is no method or function `requst`; did you mean `request`?",
        ),
        (
            "ai.stroke.run(true, 1.0);",
            "error[S204]: 3:11: `ai.stroke` is a model, which has no `run` like that; write `ai.stroke.request()`",
        ),
        (
            "this.b = ai.stroke.request;",
            "error[S206]: 3:20: `ai.stroke.request` does not exist; it is called, as in `ai.stroke.request()`",
        ),
        (
            "ai.wear.request();",
            "error[S220]: 3:9: `wear` runs by itself, in every cycle that is a multiple of 5; leave the request away, or give the model trigger = \"request\"",
        ),
        (
            "this.f = io.ai.stroke.score;",
            "error[S205]: 3:13: `io.ai` does not exist; results of models stand behind `ai`, without `io`",
        ),
        ("let ai = 1;", "error[S210]: 3:5: a variable `ai` would hide the root `ai`; choose another name"),
    ] {
        let found =
            cell.findings(&format!("fn init() {{ #{{ f: 0.0, b: false }} }}\nfn cycle() {{\n{body}\n}}\n"));
        if !found.iter().any(|found| found.starts_with(finding)) {
            wrong.push(format!("{body}\nexpected {finding}\nfound    {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let found = cell.findings("const A = ai.stroke.score;\nfn init() { #{ f: ai.stroke.score } }\nfn cycle() { }\nfn request() { }\n");
    assert_eq!(
        found,
        [
            "error[S214]: 1:11: a constant cannot depend on `ai`; read it in `init` or `cycle`",
            "error[S214]: 2:19: `init` runs before the first cycle and cannot use `ai`; read it in `cycle`",
            "error[S209]: 4:4: `request` with 0 parameters would hide a method of models of that name; choose another name",
        ]
    );
}

/// Names that are computed lead nowhere.
#[test]
fn nothing_of_a_model_is_written_by_a_detour() {
    for (body, code, line) in [
        ("let fact = \"score\";\nai.stroke[fact] = 1.0;", "S206", 4),
        ("let model = \"stroke\";\nai[model] = 1.0;", "S211", 4),
        ("let output = ai.stroke.output;\noutput[0] = 1.0;", "S216", 3),
        ("let model = \"nothing\";\nthis.f = ai[model].score;", "S211", 4),
    ] {
        let text = format!("fn init() {{ #{{ f: 0.0 }} }}\nfn cycle() {{\n{body}\n}}\n");
        let found = Cell::new().findings(&text);
        assert_eq!(found.len(), 1, "{body}: {found:?}");
        assert!(found[0].starts_with(&format!("error[{code}]: {line}:")), "{body}: {found:?}");
    }
}
