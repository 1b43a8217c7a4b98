//! `sensai test` as people and build servers run it.

use rt_tests::{
    cells::Scratch,
    harness::{Output, Profile, RUN_LIMIT, example, output_of, run_sensai, sensai_command},
};
use serde_json::Value;
use std::{fs, process::Command};

#[test]
fn program_tests_of_the_examples_pass() {
    for (name, tests) in [("pneumatic-press", 5), ("press-cell", 11)] {
        let cell = example(name);
        let out = run_sensai(["test", &cell.to_string_lossy()]).expect_code(0);
        assert!(out.stdout.contains(&format!("{name}: {tests} passed, 0 failed")), "{}", out.stdout);
    }
}

#[test]
fn program_tests_of_a_new_cell_fail_when_its_program_does() {
    let scratch = Scratch::new();
    let sensai = |words: &[&str]| -> Output {
        let mut command = sensai_command(Profile::Release);
        output_of(command.current_dir(scratch.path("")).args(words), RUN_LIMIT)
    };
    let made = sensai(&["new", "mycell"]).expect_code(0);
    assert!(made.stdout.contains("sensai test mycell"), "{}", made.stdout);
    sensai(&["test", "mycell"]).expect_code(0);

    // The clamp opens too early.
    let program = scratch.path("mycell/programs/press.rhai");
    let text = fs::read_to_string(&program).expect("the program");
    let broken = text.replace("io.clamp = this.step != \"idle\"", "io.clamp = this.step == \"lift\"");
    assert_ne!(text, broken);
    fs::write(&program, broken).expect("a broken program");
    let words = ["test", "mycell", "--json", "--junit", "junit.xml", "--jobs", "2"];
    let failed = sensai(&words).expect_code(1);
    let report: Value = serde_json::from_str(&failed.stdout).expect("JSON");
    let tests = report["tests"].as_array().expect("a list of tests");
    let failures: Vec<&Value> = tests.iter().filter(|test| test["passed"] == false).collect();
    assert!(!failures.is_empty() && failures.len() < tests.len(), "{report:#}");
    let finding = &failures[0]["findings"][0];
    assert_eq!((&finding["code"], &finding["path"]), (&"T201".into(), &"tests/press.rhai".into()));
    let line = finding["line"].as_u64().expect("a line") as usize;
    let test = fs::read_to_string(scratch.path("mycell/tests/press.rhai")).expect("the tests");
    assert!(test.lines().nth(line - 1).is_some_and(|line| line.contains("io.clamp")), "line {line}");

    // An XML parser that is not ours agrees with what it says.
    let script = "import sys, xml.etree.ElementTree as tree; root = tree.parse(sys.argv[1]).getroot(); \
                  print(root.tag, root.get('tests'), len(list(root.iter('testcase'))), \
                  root.get('failures'), len(list(root.iter('failure'))))";
    let mut python = Command::new("python3");
    let parsed =
        output_of(python.args(["-c", script]).arg(scratch.path("junit.xml")), RUN_LIMIT).expect_code(0);
    let (all, bad) = (tests.len(), failures.len());
    assert_eq!(parsed.stdout.trim(), format!("testsuites {all} {all} {bad} {bad}"));

    let filtered = sensai(&["test", "mycell", "--filter", "limits"]).expect_code(1);
    assert!(filtered.stdout.contains("0 passed, 1 failed"), "{}", filtered.stdout);
    let none = sensai(&["test", "mycell", "--filter", "nothing"]).expect_code(1);
    assert!(none.stdout.contains("none of the"), "{}", none.stdout);
}
