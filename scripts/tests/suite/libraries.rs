//! Libraries: functions for several programs, called by name and on parts of the state.

use crate::support::{Bench, LIMITS, parameters, source, tags};
use sensai_model::{
    FaultCode, ScalarType, Value,
    cell::{Library, ProgramSource, Tier},
};
use sensai_scripts::{Program, Reach, Role, ScriptEnvironment, check, imports, layout::Reading};

/// A ramp as a user's own function block, and functions with and without `this`.
const MOTION: &str = "\
const STEP = 0.5;
const TABLE = [1.0, 10.0, 100.0];

fn new_ramp(start) { #{ at: start, done: TON() } }

fn towards(target) {
    if this.at < target { this.at = min(this.at + STEP, target); }
    this.done.run(this.at == target, 0.002);
    this.at
}

fn scaled(x, power) { twice(x) * TABLE[power] / 2.0 }

private fn twice(x) { x * 2.0 }

fn part(a, b) { a / b }
";

fn library(name: &str, text: &str) -> Library {
    Library { name: name.to_owned(), path: format!("lib/{name}.rhai"), text: text.into() }
}

fn program(text: &str, libraries: &[Library]) -> ProgramSource {
    ProgramSource { libraries: libraries.into(), ..source(text) }
}

fn bench(text: &str) -> Bench {
    Bench::with(program(text, &[library("motion", MOTION)]), tags(), parameters(), LIMITS)
}

fn found(text: &str, libraries: &[Library]) -> Vec<String> {
    let (tags, parameters) = (tags(), parameters());
    let environment = ScriptEnvironment {
        tags: &tags,
        parameters: &parameters,
        limits: LIMITS,
        program_index: 0,
        role: Role::Controller,
        reach: Reach::default(),
    };
    let analysed = check(&program(text, libraries), &environment, Tier::Interpreter);
    analysed.findings.iter().map(ToString::to_string).collect()
}

fn read(bench: &Bench, path: &str) -> Reading {
    bench.program.layout().read(bench.program.state(), path).unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn functions_are_called_by_name_and_on_parts_of_the_state() {
    let mut bench = bench(
        "import \"motion\" as m;
         const STEP = 7;
         fn init() { #{ left: m::new_ramp(0.0), right: m::new_ramp(1.0), x: 0.0, n: STEP } }
         fn cycle() {
             this.left.towards(1.0);
             this.x = this.right.towards(2.0) + m::scaled(3.0, 1);
             this.n += STEP;
             io.b = this.right.done.Q;
         }",
    );
    for (left, x, n) in [(0.5, 31.5, 14), (1.0, 32.0, 21), (1.0, 32.0, 28), (1.0, 32.0, 35)] {
        bench.run_ok();
        assert_eq!(read(&bench, "left.at"), Reading::Scalar(Value::F64(left)));
        assert_eq!(read(&bench, "x"), Reading::Scalar(Value::F64(x)));
        assert_eq!(read(&bench, "n"), Reading::Scalar(Value::I64(n)), "each text has its own constants");
    }
    assert_eq!(bench.get("b"), Value::Bool(true));
    assert_eq!(bench.get("b").scalar_type(), ScalarType::Bool);
}

#[test]
fn a_fault_in_a_library_says_where_it_is() {
    let mut bench = bench(
        "import \"motion\" as motion;
         fn init() { #{ n: 0 } }
         fn cycle() {
             this.n = motion::part(1, this.n);
         }",
    );
    let error = bench.run_fault();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::DivisionByZero, 16));
    assert_eq!(
        error.text.to_string(),
        "in lib/motion.rhai: 1 / 0: division by zero; test the divisor before (in `part`, called in line 4)"
    );
}

#[test]
fn findings_word_for_word() {
    let motion = [library("motion", MOTION)];
    let with = |body: &str| {
        format!("import \"motion\" as m;\nfn init() {{ #{{ x: 0.0 }} }}\nfn cycle() {{\n{body}\n}}\n")
    };
    let mut wrong = Vec::new();
    for (text, expected) in [
        (
            with("this.x = m::scald(1.0, 2);"),
            "error[S204]: programs/test.rhai:4:13: library `m` has no function `scald`; did you mean `scaled`?",
        ),
        (
            with("this.x = m::scaled(1.0);"),
            "error[S204]: programs/test.rhai:4:13: `m::scaled` with 1 argument; write `m::scaled(x, power)`",
        ),
        (
            with("this.x = n::scaled(1.0, 2);"),
            "error[S229]: programs/test.rhai:4:10: no library is imported as `n`; did you mean `m`?",
        ),
        (
            with("this.x = scaled(1.0, 2);"),
            "error[S204]: programs/test.rhai:4:10: `scaled` is a function of library `m`; write `m::scaled(...)`",
        ),
        (
            with("this.x = m::twice(1.0);"),
            "error[S204]: programs/test.rhai:4:13: library `m` has no function `twice`",
        ),
        (
            with("this.x = m::STEP;"),
            "error[S203]: programs/test.rhai:4:10: cell programs have no `::`; only functions of a library are called so; let one of them give the value",
        ),
        (
            with("this.x = m::towards(1.0);"),
            "error[S215]: programs/test.rhai:4:13: `towards` uses `this`, which it does not get when called like that",
        ),
        (
            with("let m = 1.0; this.x = m;"),
            "error[S210]: programs/test.rhai:4:5: a variable `m` would hide the import `m`; choose another name",
        ),
        (
            with("this.x = m::part(1.0, \"a\");"),
            "error[S224]: lib/motion.rhai:16:19: `/` does not take f64 and text; both sides must be of the same type, or numbers",
        ),
        (
            with("this.x = part(1.0, 2.0);\n}\nfn part(a, b) {\na * b"),
            "error[S209]: programs/test.rhai:6:4: `part` with 2 parameters would hide a function of library `motion`; choose another name",
        ),
        (
            "import \"moton\" as m; fn init() { #{ x: 0.0 } } fn cycle() { }".to_owned(),
            "error[S229]: programs/test.rhai:1:8: there is no library `moton`; its text would be in `lib/moton.rhai` of the cell",
        ),
        (
            "import \"motion\"; fn init() { #{ x: 0.0 } } fn cycle() { }".to_owned(),
            "error[S229]: programs/test.rhai:1:1: library `motion` has no name here; write `import \"motion\" as motion;`",
        ),
        (
            "import \"motion\" as a; import \"motion\" as b; fn init() { #{ x: 0.0 } } fn cycle() { }"
                .to_owned(),
            "error[S228]: programs/test.rhai:1:42: library `motion` is imported twice; remove one of them",
        ),
        (
            "import \"motion\" as io; fn init() { #{ x: 0.0 } } fn cycle() { }".to_owned(),
            "error[S210]: programs/test.rhai:1:20: a variable `io` would hide the root `io`; choose another name",
        ),
    ] {
        let found = found(&text, &motion);
        if found.len() != 1 || !found[0].starts_with(expected) {
            wrong.push(format!("{text}\nexpected {expected}\nfound    {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn libraries_are_looked_at_like_programs() {
    let text = "import \"a\" as a;\nimport \"b\" as b;\nfn init() { #{ n: 0 } }\nfn cycle() { this.n = a::one(); }\n";
    let good = library("a", "fn one() { 1 }\n");
    for (other, expected) in [
        ("fn two() { nothing }\n", "error[S211]: lib/b.rhai:1:12: `nothing` is not known here"),
        ("fn two() {", "error[S101]: lib/b.rhai:1:11: expected `}`"),
        ("import \"a\" as a;\n", "error[S229]: lib/b.rhai:1:1: a library imports no other library"),
        ("let x = 1;\n", "error[S201]: lib/b.rhai:1:1: `let x` at the top level"),
        (
            "fn one() { 2 }\n",
            "error[S209]: programs/test.rhai:2:1: libraries `a` and `b` both have a function `one` with 0 parameters",
        ),
        (
            "fn max(a, b) { a }\n",
            "error[S209]: lib/b.rhai:1:4: `max` with 2 parameters would hide a library function",
        ),
    ] {
        let found = found(text, &[good.clone(), library("b", other)]);
        assert_eq!(found.len(), 1, "{other}: {found:#?}");
        assert!(found[0].starts_with(expected), "{other}: {found:#?}");
    }
    assert_eq!(found(text, &[good, library("b", "private fn one() { 2 }\n")]), Vec::<String>::new());
}

#[test]
fn the_imports_of_a_text_are_known_without_its_libraries() {
    assert_eq!(
        imports("import \"a\" as x;\nimport \"b\" as y; import \"a\" as z;\nfn f() { }\n"),
        ["a", "b"]
    );
    assert_eq!(imports("// import \"a\" as x;\nfn f() { }\n"), Vec::<String>::new());
    assert_eq!(imports("import x as y; import `a${1}` as z; import"), Vec::<String>::new());
}
