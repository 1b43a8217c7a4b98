//! The registry describes what is there, and the page in `docs` says the same.

use sensai_model::{ScalarType, Value};
use sensai_stdlib::{
    BlockError,
    registry::{Argument, MethodKind, blocks, find, functions, markdown},
};
use std::collections::HashSet;

#[test]
fn the_page_in_docs_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/blocks.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let page = markdown::page();
    let differs = written.lines().zip(page.lines()).position(|(a, b)| a != b);
    assert!(
        written == page,
        "docs/blocks.md is out of date from line {}; run `cargo run -p sensai-stdlib --example blocks -- --write`",
        differs.map_or(written.lines().count().min(page.lines().count()), |line| line) + 1,
    );
}

#[test]
fn names_are_unique_and_everything_has_a_text() {
    let mut names = HashSet::new();
    for block in blocks() {
        assert!(names.insert(block.name), "{}: twice", block.name);
        assert!(block.doc.trim().ends_with(['.', '`']), "{}: no text", block.name);
        assert_eq!(find(block.name).map(|found| found.name), Some(block.name));
        assert!(block.size > 0 && block.size.is_multiple_of(block.align), "{}", block.name);
        let mut members = HashSet::new();
        for method in block.methods {
            assert!(members.insert(method.name), "{}: twice", method.path);
            assert!(!method.doc.trim().is_empty(), "{}: no text", method.path);
            assert_eq!(method.path, format!("{}.{}", block.name, method.name));
            check_arguments(method.path, method.arguments);
            assert!(method.arguments.iter().all(|argument| argument.default.is_none()), "{}", method.path);
        }
        for pin in block.pins {
            assert!(members.insert(pin.name), "{}.{}: twice", block.name, pin.name);
            assert!(!pin.doc.trim().is_empty(), "{}.{}: no text", block.name, pin.name);
        }
        check_arguments(block.name, block.constructor.arguments);
        let required = block.constructor.arguments.iter().rposition(|argument| argument.default.is_none());
        let optional = block.constructor.arguments.iter().position(|argument| argument.default.is_some());
        assert!(
            optional.is_none() || required < optional,
            "{}: a default before a required argument",
            block.name
        );
    }
    assert!(find("ton").is_none() && find("").is_none());
}

fn check_arguments(callee: &str, arguments: &[Argument]) {
    let mut names = HashSet::new();
    for argument in arguments {
        assert!(names.insert(argument.name), "{callee}: {} twice", argument.name);
        assert!(!argument.doc.trim().is_empty(), "{callee}: {}: no text", argument.name);
        let types = argument.range.map_or(vec![], |(low, high)| vec![low, high]);
        for value in types.into_iter().chain(argument.default) {
            assert_eq!(value.scalar_type(), argument.scalar, "{callee}: {}", argument.name);
        }
    }
}

#[test]
fn the_standards_blocks_have_the_standards_pins() {
    for (name, arguments, outputs) in [
        ("TON", "IN PT", "Q ET"),
        ("TOF", "IN PT", "Q ET"),
        ("TP", "IN PT", "Q ET"),
        ("CTU", "CU R PV", "Q CV"),
        ("CTD", "CD LD PV", "Q CV"),
        ("CTUD", "CU CD R LD PV", "QU QD CV"),
        ("R_TRIG", "CLK", "Q"),
        ("F_TRIG", "CLK", "Q"),
        ("SR", "S1 R", "Q1"),
        ("RS", "S R1", "Q1"),
    ] {
        let block = find(name).unwrap();
        let run = block.method("run").unwrap();
        assert_eq!(run.kind, MethodKind::EveryCycle);
        let given: Vec<_> = run.arguments.iter().map(|argument| argument.name).collect();
        assert_eq!(given.join(" "), arguments, "{name}");
        for output in outputs.split(' ') {
            assert!(block.pin(output).is_some(), "{name}.{output}");
        }
    }
}

#[test]
fn wrong_calls_are_refused_and_change_nothing() {
    let ton = find("TON").unwrap();
    let run = ton.method("run").unwrap();
    let mut state = vec![0; ton.size];
    ton.construct(&mut state, &[]).unwrap();
    run.call(&mut state, &[Value::Bool(true), Value::F64(1.0)], 5).unwrap();
    let before = state.clone();

    let error = run.call(&mut state, &[Value::Bool(true), Value::I64(1)], 5).unwrap_err();
    assert_eq!(error.to_string(), "TON.run: argument PT is i64, expected f64");
    let error = run.call(&mut state, &[Value::Bool(true)], 5).unwrap_err();
    assert_eq!(error.to_string(), "TON.run: 1 arguments, expected 2");
    let error = run.call(&mut state[1..], &[Value::Bool(true), Value::F64(1.0)], 5).unwrap_err();
    assert_eq!(error, BlockError::StateSize { block: "TON", expected: ton.size, actual: ton.size - 1 });
    let error = ton.construct(&mut state, &[Value::F64(1.0)]).unwrap_err();
    assert_eq!(error.to_string(), "TON: 1 arguments, expected 0");
    let error = ton.construct(&mut [], &[]).unwrap_err();
    assert_eq!(error, BlockError::StateSize { block: "TON", expected: ton.size, actual: 0 });
    assert_eq!(state, before);
}

#[test]
fn wrong_constructions_say_what_is_wrong() {
    use Value::{Bool, F64, I64};
    for (name, arguments, expected) in [
        ("MOVING", vec![I64(0)], "MOVING: argument N is 0, expected 1 to 256"),
        ("MOVING", vec![I64(257)], "MOVING: argument N is 257, expected 1 to 256"),
        ("MOVING", vec![F64(5.0)], "MOVING: argument N is f64, expected i64"),
        ("MOVING", vec![], "MOVING: 0 arguments, expected 1"),
        ("LAG1", vec![F64(f64::NAN)], "LAG1: argument T is NaN, expected 0 to 1000000000"),
        (
            "HYSTERESIS",
            vec![F64(1.0), F64(f64::INFINITY)],
            "HYSTERESIS: argument HI is inf, expected a finite number",
        ),
        ("HYSTERESIS", vec![F64(2.0), F64(1.0)], "HYSTERESIS: LO is above HI"),
        ("PID", vec![F64(1.0); 4], "PID: 4 arguments, expected 5 to 8"),
        ("PID", [1.0, 1.0, 0.0, 5.0, 4.0].map(F64).to_vec(), "PID: LO is above HI"),
        ("TABLE", vec![Bool(true), F64(0.0), F64(1.0)], "TABLE: 3 arguments, expected 5 to 65 in steps of 2"),
        (
            "TABLE",
            [vec![Bool(true)], vec![F64(0.0); 5]].concat(),
            "TABLE: 6 arguments, expected 5 to 65 in steps of 2",
        ),
        (
            "TABLE",
            vec![Bool(true), F64(0.0), F64(1.0), F64(0.0), F64(1.0)],
            "TABLE: x of point 2 is 0, expected more than 0",
        ),
        (
            "TABLE",
            vec![Bool(true), F64(0.0), F64(1.0), F64(1.0), I64(1)],
            "TABLE: argument Y is i64, expected f64",
        ),
    ] {
        let block = find(name).unwrap();
        let mut state = vec![0xa5; block.size];
        let error = block.construct(&mut state, &arguments).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(state.iter().all(|byte| *byte == 0xa5), "{name}: a refused construction changed the state");
    }
}

#[test]
fn legal_argument_counts_are_listed() {
    let counts = |name| find(name).unwrap().constructor.counts().collect::<Vec<_>>();
    assert_eq!(counts("TON"), [0]);
    assert_eq!(counts("PID"), [5, 6, 7, 8]);
    let table = counts("TABLE");
    assert_eq!((table.len(), table[0], table[30]), (31, 5, 65));
    let constructor = &find("TABLE").unwrap().constructor;
    let names: Vec<_> = (0..5).map(|index| constructor.argument(index).unwrap().name).collect();
    assert_eq!(names, ["EXTRAPOLATE", "X", "Y", "X", "Y"]);
    assert!(find("TON").unwrap().constructor.argument(0).is_none());
}

#[test]
fn defaults_are_what_is_taken_when_left_out() {
    let pid = find("PID").unwrap();
    let required = [2.0, 1.0, 0.5, 0.0, 100.0].map(Value::F64);
    let defaults = pid.constructor.arguments.iter().filter_map(|argument| argument.default);
    let full: Vec<_> = required.into_iter().chain(defaults).collect();
    assert_eq!(full.len(), 8);
    let (mut short, mut long) = (vec![0; pid.size], vec![0; pid.size]);
    pid.construct(&mut short, &required).unwrap();
    pid.construct(&mut long, &full).unwrap();
    assert_eq!(short, long);
}

#[test]
fn functions_are_unique_by_name_and_types() {
    let mut seen = HashSet::new();
    for function in functions() {
        assert!(seen.insert((function.name, function.arguments)), "{}: twice", function.name);
        assert_eq!(function.arguments.len(), function.argument_names.len(), "{}", function.name);
        assert!(!function.doc.trim().is_empty(), "{}: no text", function.name);
        assert!(find(function.name).is_none(), "{} is a block too", function.name);
        let zeros: Vec<Value> = function.arguments.iter().map(|scalar| scalar.zero()).collect();
        if let Ok(value) = function.call(&zeros) {
            assert_eq!(value.scalar_type(), function.result, "{}", function.name);
        }
    }
    let max = functions().iter().find(|f| f.name == "max" && f.result == ScalarType::F64).unwrap();
    let error = max.call(&[Value::I64(1), Value::F64(2.0)]).unwrap_err();
    assert_eq!(error.to_string(), "max: argument a is i64, expected f64");
    let error = max.call(&[Value::F64(1.0)]).unwrap_err();
    assert_eq!(error.to_string(), "max: 1 arguments, expected 2");
}
