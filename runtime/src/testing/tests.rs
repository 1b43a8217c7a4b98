use super::{CALLS, CODES, Options, Report, junit, list, run};
use crate::programs::Tier;
use crate::source::Source;
use quick_xml::{Reader, events::Event};
use sensai_model::{Cell, config::Style};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

mod axes;

/// An example's cell, and a directory with these tests and nothing else.
struct Bench {
    cell: Arc<Cell>,
    directory: tempfile::TempDir,
}

fn example(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples")).join(name)
}

impl Bench {
    fn of(name: &str, files: &[(&str, &str)]) -> Self {
        let source = Source::from_directory(&example(name));
        let cell = source.cell.expect("the example is a cell");
        let directory = tempfile::tempdir().expect("a directory");
        let tests = directory.path().join("tests");
        fs::create_dir(&tests).expect("a directory in it");
        for (name, text) in files {
            fs::write(tests.join(name), text).expect("a file in it");
        }
        Self { cell, directory }
    }

    fn run(&self, options: &Options) -> Report {
        run(self.directory.path(), &self.cell, options).expect("the tests can be read")
    }

    fn text(&self) -> String {
        self.run(&Options::default()).text(Style::Plain)
    }
}

/// Compare with what is kept; `SENSAI_KEEP=1` keeps what is there now.
fn check(name: &str, text: &str) {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/tests")).join(name);
    if std::env::var_os("SENSAI_KEEP").is_some() {
        fs::write(&file, text).expect("the file can be written");
    }
    let kept = fs::read_to_string(&file).expect("the file is there");
    assert!(kept == text, "{name} is no longer so; with SENSAI_KEEP=1 it is kept anew:\n{text}");
}

const FAILURES: &str = include_str!("tests/press_failures.rhai");
const MISTAKES: &str = include_str!("tests/press_mistakes.rhai");

#[test]
fn failures_say_what_was_expected_and_what_led_there() {
    let bench = Bench::of("pneumatic-press", &[("press_failures.rhai", FAILURES)]);
    for tier in [Tier::Native, Tier::Interpreter] {
        let report = bench.run(&Options { tier: Some(tier), ..Options::default() });
        check("press_failures.txt", &report.text(Style::Plain));
    }
}

#[test]
fn mistakes_of_a_test_have_a_place_and_help() {
    let bench = Bench::of("pneumatic-press", &[("press_mistakes.rhai", MISTAKES)]);
    let report = bench.run(&Options::default());
    for test in &report.tests {
        assert!(!test.passed, "{}", test.name);
        assert_eq!(test.findings[0].line, test.line.max(1), "{}: the line of the mistake", test.name);
    }
    check("press_mistakes.txt", &report.text(Style::Plain));
}

#[test]
fn twenty_failures_are_enough() {
    let text = "fn test_on_and_on(t) { loop { t.expect(\"io.lamp\", true); } }\n";
    let report = Bench::of("pneumatic-press", &[("press.rhai", text)]).run(&Options::default());
    assert_eq!(report.tests[0].findings.len(), 20);
}

#[test]
fn files_that_are_no_tests_say_why() {
    let files = [
        ("press_arity.rhai", "fn test_without() { }\nfn test_with(t, u) { }\nfn test_good(t) { }\n"),
        ("press_syntax.rhai", "fn test_a(t) {\n    t.expect(\"io.lamp\", true\n}\n"),
        ("press_until.rhai", "fn test_a(t) {\n    t.until(\"io.lamp\", true, 1.0);\n}\n"),
        ("press_top.rhai", "const A = 1 / 0;\n"),
        ("press_eval.rhai", "fn test_a(t) { eval(\"1\"); }\n"),
        ("pres.rhai", "fn test_a(t) { }\n"),
        ("program.rhai", "const PROGRAM = \"presss\";\nfn test_a(t) { }\n"),
        ("program_number.rhai", "const PROGRAM = 7;\nfn test_a(t) { }\n"),
        (
            "other_name.rhai",
            "const PROGRAM = \"press\";\nfn test_a(t) { t.expect(\"this.step\", \"idle\"); }\n",
        ),
        ("notes.txt", "no tests"),
    ];
    let bench = Bench::of("pneumatic-press", &files);
    let report = bench.run(&Options::default());
    assert!(!report.is_good());
    assert_eq!(report.tests.iter().filter(|test| test.passed).count(), 2, "{:?}", report.tests);
    check("files.txt", &report.text(Style::Plain));
}

#[test]
fn nothing_to_run_is_no_success() {
    let none = Bench::of("pneumatic-press", &[]);
    assert!(!none.run(&Options::default()).is_good());
    assert_eq!(none.text(), "pneumatic-press: there are no tests; write one in tests/NAME.rhai\n");

    let bench = Bench::of("pneumatic-press", &[("press.rhai", "fn test_a(t) { }\nfn test_b(t) { }\n")]);
    let filtered =
        |filter: &str| bench.run(&Options { filter: vec![filter.to_owned()], ..Options::default() });
    assert_eq!(
        filtered("test_c").text(Style::Plain),
        "pneumatic-press: none of the 2 tests has such a name\n"
    );
    let one = filtered("press::test_b");
    assert!(one.is_good() && one.tests.len() == 1 && one.tests[0].name == "test_b");
}

#[test]
fn a_listing_names_the_tests_that_would_run_and_the_files_that_are_none() {
    let text =
        "// a file\nfn test_one(t) { t.check(false, \"never run\"); }\nfn helper(t) {}\nfn test_two(t) {}\n";
    let bench = Bench::of("pneumatic-press", &[("press.rhai", text), ("stranger.rhai", text)]);
    let listing = |filter: Vec<String>| {
        let options = Options { filter, ..Options::default() };
        list(bench.directory.path(), &bench.cell, &options).expect("the tests can be read")
    };
    let all = listing(Vec::new());
    let shown: Vec<_> =
        all.tests.iter().map(|test| (test.suite.as_str(), test.name.as_str(), test.line)).collect();
    assert_eq!(shown, [("press", "test_one", 2), ("press", "test_two", 4)]);
    assert_eq!(all.tests[0].file, "tests/press.rhai");
    assert_eq!((all.findings.len(), all.findings[0].code), (1, "T103"));
    assert!(!all.is_good());
    let text = all.text(Style::Plain);
    assert!(text.starts_with("press::test_one\npress::test_two\n\nerror[T103]"), "{text}");
    assert_eq!(listing(vec!["press::test_two".into()]).tests.len(), 1);
}

#[test]
fn how_many_run_at_a_time_makes_no_difference() {
    let own = fs::read_to_string(example("press-cell/tests/press.rhai")).expect("the example has tests");
    let bench = Bench::of("press-cell", &[("press.rhai", &own), ("press_again.rhai", &own)]);
    let outcome = |jobs: usize| {
        let mut report = bench.run(&Options { jobs, ..Options::default() });
        report.tests.iter_mut().for_each(|test| test.wall_s = 0.0);
        serde_json::to_string(&report).expect("JSON")
    };
    let one = outcome(1);
    assert_eq!(one, outcome(1));
    assert_eq!(one, outcome(5));
}

#[test]
fn the_examples_tests_pass() {
    for name in ["pneumatic-press", "press-cell"] {
        let cell = Source::from_directory(&example(name)).cell.expect("the example is a cell");
        for tier in [None, Some(Tier::Native), Some(Tier::Interpreter)] {
            let options = Options { tier, ..Options::default() };
            let report = run(&example(name), &cell, &options).expect("its tests can be read");
            assert!(report.is_good(), "{tier:?}: {}", report.text(Style::Plain));
        }
    }
}

/// Elements of a document with their attributes, by name.
fn elements(document: &[u8]) -> Vec<(String, Vec<(String, String)>)> {
    let mut reader = Reader::from_reader(document);
    reader.config_mut().check_end_names = true;
    let (mut found, mut depth) = (Vec::new(), 0);
    loop {
        let event = reader.read_event().expect("well-formed");
        match &event {
            Event::Start(start) | Event::Empty(start) => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
                let attributes = start.attributes().map(|attribute| {
                    let attribute = attribute.expect("an attribute");
                    let value =
                        quick_xml::escape::unescape(&text(&attribute.value)).expect("escaped").into_owned();
                    (text(attribute.key.as_ref()), value)
                });
                found.push((text(start.name().as_ref()), attributes.collect()));
                depth += i32::from(matches!(event, Event::Start(_)));
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    found
}

#[test]
fn junit_counts_what_there_is() {
    let files = [
        ("press_failures.rhai", FAILURES),
        (
            "press_odd.rhai",
            "fn test_odd(t) { print(\"\\x07 <&> ]]> \\u2603\"); t.check(false, \"\\\"<&>'\"); }\n",
        ),
        ("press_broken.rhai", "fn test_broken(t) {\n"),
    ];
    let report = Bench::of("pneumatic-press", &files).run(&Options::default());
    let document = junit::document(&report).expect("a document");
    let elements = elements(&document);
    let count = |name: &str| elements.iter().filter(|(element, _)| element == name).count();
    let attribute = |at: usize, name: &str| {
        let (_, attributes) = &elements[at];
        attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(elements[0].0, "testsuites");
    assert_eq!(attribute(0, "tests"), Some(count("testcase").to_string().as_str()));
    assert_eq!(attribute(0, "failures"), Some(count("failure").to_string().as_str()));
    assert_eq!(attribute(0, "errors"), Some(count("error").to_string().as_str()));
    assert_eq!((count("testsuite"), count("error"), count("failure")), (3, 1, report.failed()));
    for (at, (element, _)) in elements.iter().enumerate() {
        match element.as_str() {
            "testsuite" => {
                let cases = elements[at + 1..].iter().take_while(|(next, _)| next != "testsuite");
                let cases = cases.filter(|(next, _)| next == "testcase").count();
                assert_eq!(attribute(at, "tests"), Some(cases.to_string().as_str()));
            }
            "testcase" => {
                for name in ["classname", "name", "time", "file", "line"] {
                    assert!(attribute(at, name).is_some(), "{name}");
                }
            }
            "failure" | "error" => assert!(attribute(at, "message").is_some_and(|text| !text.is_empty())),
            _ => {}
        }
    }
    let text = String::from_utf8(document).expect("UTF-8");
    assert!(text.contains('\u{2603}') && !text.contains('\u{7}'));
    let odd = elements.iter().position(|(_, all)| all.iter().any(|(_, value)| value.contains("\"<&>'")));
    assert!(odd.is_some_and(|at| elements[at].0 == "failure"), "the message comes back as it was");
}

/// The page tells of every call and every code, and of nothing else.
#[test]
fn the_page_has_every_call_and_code() {
    let page = include_str!("../../../docs/testing-programs.md");
    for (_, call, what) in CALLS {
        assert!(page.contains(&format!("| `{call}` | {what}")), "`{call}` | {what}");
    }
    for (code, rule) in CODES {
        assert!(page.contains(&format!("| {code} | {rule} |")), "| {code} | {rule} |");
    }
    let told = page.lines().filter(|line| line.starts_with("| `t.")).count();
    assert_eq!(told, CALLS.len());
}
