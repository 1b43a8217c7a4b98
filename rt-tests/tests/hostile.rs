//! Programs that would hang, crash or starve a controller are refused by `sensai check`, or stopped in the cycle in
//! which they go wrong: fault named with program and line, outputs at their fault values, everything else goes on.

use rt_tests::{
    cells::{PROGRAM, PressCell, Run},
    harness::{Profile, RUN_LIMIT, count, exclusive, output_of, sensai_command},
    table::Table,
};
use serde_json::Value;
use std::ops::RangeInclusive;

/// The program of every case: all outputs at the opposite of their fault values, and from cycle [`HOSTILE_FROM`] on the
/// hostile part. `@` are the case's own functions, `#` its statements.
const FRAME: &str = "\
fn init() {
    #{ list: array(64, 0), number: 1, float: 1.5, text: \"a\", timer: TON(), zero: 0, many: array(1000, 1.5) }
}

fn cycle() {
    io.valve.down = true;
    io.valve.up = false;
    io.clamp = true;
    io.lamp = true;
    io.peak_force = to_float(sys.cycle);
    if sys.cycle >= 500 { this.hostile(); }
}
@
fn hostile() {
#
}
";

const HOSTILE_FROM: i64 = 500;

/// What must become of a program.
enum Expected {
    /// By `check` and by `run`, with this code.
    Refused(&'static str),
    /// In the first hostile cycle, with this fault.
    Stopped(&'static str),
}
use Expected::{Refused, Stopped};

struct Case {
    name: &'static str,
    functions: &'static str,
    statements: &'static str,
    expected: Expected,
}

const fn case(
    name: &'static str,
    functions: &'static str,
    statements: &'static str,
    expected: Expected,
) -> Case {
    Case { name, functions, statements, expected }
}

const CASES: &[Case] = &[
    // Loops.
    case("empty endless loop", "", "loop { }", Stopped("F309")),
    case("endless loop", "", "loop { this.number = 2; }", Stopped("F309")),
    case("endless while", "", "while true { this.number = 2; }", Stopped("F309")),
    case("while on state", "", "while this.float > 0.0 { this.float = 1.0; }", Stopped("F309")),
    case("do while", "", "do { } while this.number == 1;", Stopped("F309")),
    case("do until", "", "do { this.number = 1; } until this.number == 2;", Stopped("F309")),
    case("continue for ever", "", "while this.number == 1 { continue; }", Stopped("F309")),
    case("nested loops", "", "for i in 0..1000000 { for j in 0..1000000 { } }", Stopped("F309")),
    case(
        "loops five deep",
        "",
        "for a in 0..99 { for b in 0..99 { for c in 0..99 { for d in 0..99 { for e in 0..99 { this.number = 2; } } } } }",
        Stopped("F309"),
    ),
    case("huge range", "", "for i in 0..9223372036854775807 { }", Stopped("F309")),
    case(
        "huge inclusive range",
        "",
        "for i in -9223372036854775807..=9223372036854775807 { }",
        Stopped("F309"),
    ),
    case(
        "loop over a state's number",
        "",
        "for i in 0..this.number * 1000000000000 { this.zero = 0; }",
        Stopped("F309"),
    ),
    // Calls.
    case("direct recursion", "fn down(n) { down(n + 1) }", "down(0);", Refused("S208")),
    case("mutual recursion", "fn ping(n) { pong(n) }\nfn pong(n) { ping(n) }", "ping(0);", Refused("S208")),
    case("recursion through a method", "fn again() { this.again(); }", "this.again();", Refused("S208")),
    case(
        "calls that double",
        "fn f0(n) { n + 1 }\nfn f1(n) { f0(f0(f0(f0(n)))) }\nfn f2(n) { f1(f1(f1(f1(n)))) }\nfn f3(n) { f2(f2(f2(f2(n)))) }\n\
         fn f4(n) { f3(f3(f3(f3(n)))) }\nfn f5(n) { f4(f4(f4(f4(n)))) }\nfn f6(n) { f5(f5(f5(f5(n)))) }\nfn f7(n) { f6(f6(f6(f6(n)))) }\n\
         fn f8(n) { f7(f7(f7(f7(n)))) }\nfn f9(n) { f8(f8(f8(f8(n)))) }\nfn g0(n) { f9(f9(f9(f9(n)))) }\nfn g1(n) { g0(g0(g0(g0(n)))) }\n\
         fn g2(n) { g1(g1(g1(g1(n)))) }",
        "this.number = g2(0);",
        Stopped("F309"),
    ),
    // Memory.
    case("array doubling", "", "let a = array(4, 0); for i in 0..100 { a += a; }", Refused("S224")),
    case("array doubling by +", "", "let a = [1, 2]; loop { a = a + a; }", Refused("S224")),
    case("array of arrays doubling", "", "let a = [1]; for i in 0..100 { a = [a, a]; }", Refused("S216")),
    case(
        "record doubling",
        "",
        "let a = #{ x: 1 }; for i in 0..100 { a = #{ x: a, y: a }; }",
        Refused("S216"),
    ),
    case("string doubling", "", "let s = \"aaaa\"; for i in 0..100 { s += s; }", Refused("S224")),
    case(
        "string in the state",
        "",
        "for i in 0..100 { this.text += \"aaaaaaaaaaaaaaaa\"; }",
        Refused("S224"),
    ),
    case("huge array", "", "let a = array(1000000000000, 0); this.number = a.len;", Refused("S102")),
    case("computed huge array", "", "let a = array(this.number * 1000000000000, 0);", Refused("S226")),
    case("array growth", "", "let a = [1]; loop { a.push(1); }", Refused("S203")),
    case("map growth", "", "let m = #{ a: 1 }; for i in 0..1000000 { m[\"k\"] = i; }", Refused("S203")),
    case("field growth", "", "this.another = 1;", Refused("S218")),
    case(
        "copies of a large array",
        "",
        "for i in 0..1000000 { let copy = this.many; this.zero = 0; }",
        Stopped("F309"),
    ),
    case(
        "comparisons of a large array",
        "",
        "while this.many == this.many { this.zero = 0; }",
        Refused("S224"),
    ),
    // Numbers.
    case("endless shifts", "", "loop { this.number = this.number << 1 >> 1; }", Stopped("F309")),
    case("growing shifts", "", "for i in 0..1000000000 { this.number = 1 << i; }", Stopped("F309")),
    case("endless powers", "", "loop { this.float = this.float ** 0.5; }", Stopped("F309")),
    case("huge power", "", "this.number = 10 ** 1000000;", Stopped("F301")),
    case("integer overflow", "", "this.number = 9223372036854775807 + this.number;", Stopped("F301")),
    case("least integer by minus one", "", "this.number = (-9223372036854775807 - 1) / -1;", Stopped("F301")),
    case("division by zero", "", "this.number = 1 / this.zero;", Stopped("F302")),
    case("remainder by zero", "", "this.number = 1 % this.zero;", Stopped("F302")),
    case("index outside", "", "this.number = this.list[64];", Refused("S218")),
    case("computed index outside", "", "this.number = this.list[this.zero + 64];", Stopped("F303")),
    case("index far below", "", "this.number = this.list[-9223372036854775807];", Refused("S218")),
    case("NaN into a tag", "", "io.peak_force = sqrt(-1.0);", Stopped("F308")),
    case("infinity to integer", "", "this.number = to_int(1e300 * 1e300);", Stopped("F301")),
    case("another type into the state", "", "this.number = this.float;", Refused("S216")),
    // Words of Rhai that a cell has no use for.
    case("sleep", "", "sleep(10);", Refused("S203")),
    case("sleep in seconds", "", "sleep(10.0);", Refused("S203")),
    case("timestamp", "", "let t = timestamp();", Refused("S203")),
    case("elapsed", "", "let t = timestamp().elapsed;", Refused("S203")),
    case("eval", "", "eval(\"loop { }\");", Refused("S203")),
    case("print", "", "print(\"hello\");", Refused("S203")),
    case("closure", "", "let f = |x| x + 1; this.number = f.call(1);", Refused("S203")),
    case("function pointer", "fn one() { 1 }", "let f = Fn(\"one\"); f.call();", Refused("S203")),
    case("catching the fault", "", "try { loop { } } catch { }", Refused("S203")),
    case("throw", "", "throw 1;", Refused("S203")),
    case("exit", "", "exit();", Refused("S203")),
    case("import", "", "import \"/etc/passwd\" as p;", Refused("S203")),
    case("the state as a whole", "", "this = #{ };", Refused("S213")),
];

impl Case {
    /// The whole program, and the lines that are the case's own.
    fn program(&self) -> (String, RangeInclusive<u64>) {
        let text = FRAME.replace('@', self.functions).replace("\n#\n", &format!("\n{}\n", self.statements));
        let line = |part: &str| text.find(part).map_or(0, |at| text[..at].matches('\n').count() + 1);
        let last = line("fn hostile") + 1 + self.statements.matches('\n').count();
        let first = if self.functions.is_empty() { line("fn hostile") + 1 } else { line(self.functions) };
        (text, first as u64..=last as u64)
    }

    fn cell(&self) -> (PressCell, RangeInclusive<u64>) {
        let (text, lines) = self.program();
        (PressCell::new().with_program(&text), lines)
    }
}

/// `sensai check --json`: exit code and findings.
fn check(cell: &PressCell) -> (Option<i32>, Vec<Value>) {
    let output = output_of(
        sensai_command(Profile::Release).arg("check").arg(cell.directory()).arg("--json"),
        RUN_LIMIT,
    );
    let findings = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.code, findings)
}

/// What is wrong with how `check` refuses the case; nothing if all is well.
fn judge_refusal(case: &Case, code: &str) -> Vec<String> {
    let (cell, lines) = case.cell();
    let (exit, findings) = check(&cell);
    let mut wrong = Vec::new();
    if exit != Some(1) {
        wrong.push(format!("check ended with {exit:?}, expected to refuse it: {findings:?}"));
    }
    let named = findings.iter().any(|finding| {
        finding["code"] == code
            && finding["severity"] == "error"
            && finding["path"] == PROGRAM
            && finding["line"].as_u64().is_some_and(|line| lines.contains(&line))
            && finding["column"].as_u64().is_some_and(|column| column > 0)
            && finding["message"].as_str().is_some_and(|message| !message.is_empty())
    });
    if !named {
        wrong.push(format!("no error {code} in lines {lines:?} of {PROGRAM}: {findings:#?}"));
    }
    let run = Run::embedded(&cell.directory(), &["--virtual", "--cycles", "10"]);
    if run.output.code != Some(1) || !run.summary.is_null() || !run.output.stderr.contains(code) {
        wrong.push(format!("run does not refuse it with {code}: {:?}", run.output));
    }
    wrong
}

/// What is wrong with how a run stops the case.
fn judge_stop(case: &Case, fault: &str) -> Vec<String> {
    let (cell, lines) = case.cell();
    let log = cell.beside("log.snlog");
    let log_text = log.display().to_string();
    let cycles = 1500;
    let run =
        Run::embedded(&cell.directory(), &["--virtual", "--cycles", &cycles.to_string(), "--log", &log_text]);
    if run.summary.is_null() {
        return vec![format!("no run: {:?}", run.output)];
    }
    let mut wrong = named_fault(&run, fault, &lines);
    if run.number("/cycles") < cycles || run.text("/mode") != "fault" {
        wrong.push(format!("{} cycles, ended in {}", run.number("/cycles"), run.text("/mode")));
    }
    // What the faulted run wrote before it went wrong is gone.
    let peak = run.memory("peak_force");
    if peak != (HOSTILE_FROM - 1) as f64 {
        wrong.push(format!("peak_force is {peak} at the end, expected that of cycle {}", HOSTILE_FROM - 1));
    }
    wrong.extend(judge_log(&Table::export(&log, &[]), cycles));
    wrong
}

/// The exit code is 1, and summary and standard error name fault, program and line.
fn named_fault(run: &Run, fault: &str, lines: &RangeInclusive<u64>) -> Vec<String> {
    let mut wrong = Vec::new();
    if run.output.code != Some(1) {
        wrong.push(format!("exit code {:?}, expected 1: {}", run.output.code, run.output.stderr));
    }
    let named = run.fault();
    let mut place = named.trim_start_matches(&format!("{fault} at {PROGRAM}:")).split(':');
    let mut number = || place.next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let (line, column) = (number(), number());
    if !named.starts_with(fault) || !lines.contains(&line) || column == 0 {
        wrong.push(format!("`{named}`, expected {fault} in lines {lines:?} of {PROGRAM}"));
    }
    let told: Vec<_> = run.output.stderr.lines().filter(|text| text.contains(fault)).collect();
    if !told.iter().any(|text| text.contains(&format!("{PROGRAM}:{line}:{column}"))) {
        wrong.push(format!(
            "standard error does not say {fault} at {PROGRAM}:{line}:{column}: {:?}",
            run.output.stderr
        ));
    }
    if run.output.stderr.contains("panicked") || run.output.stderr.lines().count() > 40 {
        wrong.push(format!("more than a text for one screen:\n{}", run.output.stderr));
    }
    wrong
}

/// Before the hostile cycle the program's outputs, from it on the fault values; no cycle is missing.
fn judge_log(log: &Table, cycles: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let index = log.numbers("cycle");
    if index.windows(2).any(|pair| pair[1] != pair[0] + 1) || (index.len() as u64) < cycles {
        wrong.push(format!(
            "cycles are missing: {} from {:?} to {:?}",
            index.len(),
            index.first(),
            index.last()
        ));
    }
    let truth =
        |name: &str| log.column(name).iter().map(|text| matches!(*text, "true" | "1")).collect::<Vec<_>>();
    let names = ["valve.down", "valve.up", "clamp", "lamp"];
    let [down, up, clamp, lamp] = names.map(truth);
    // The start edge takes effect in one of the first cycles.
    for row in 5..index.len() {
        let outputs = [down[row], up[row], clamp[row], lamp[row]];
        let expected =
            if index[row] < HOSTILE_FROM { [true, false, true, true] } else { [false, true, true, false] };
        if outputs != expected {
            wrong.push(format!("cycle {}: {names:?} are {outputs:?}, expected {expected:?}", index[row]));
            break;
        }
    }
    wrong
}

#[test]
fn hostile_programs_are_refused_or_stopped() {
    let mut broken = String::new();
    for case in CASES {
        let wrong = match case.expected {
            Refused(code) => judge_refusal(case, code),
            Stopped(fault) => judge_stop(case, fault),
        };
        if !wrong.is_empty() {
            broken += &format!("\n{}: `{}`\n    {}\n", case.name, case.statements, wrong.join("\n    "));
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

/// Nesting cannot be written down in a table.
#[test]
fn hostile_nesting_is_refused() {
    let deep = |open: &str, middle: &str, close: &str, levels: usize| {
        format!("this.number = {}{middle}{};", open.repeat(levels), close.repeat(levels))
    };
    let blocks = |levels: usize| {
        format!("{}this.number = 1;{}", "if this.zero == 0 { ".repeat(levels), " }".repeat(levels))
    };
    let programs = [
        ("parentheses", deep("(", "1", ")", 100_000)),
        ("parentheses within the parser's limit", deep("(1 + ", "1", ")", 300)),
        ("signs", deep("-", "1", "", 100_000)),
        ("arrays", deep("[", "1", "]", 100_000)),
        ("calls", deep("abs(", "1", ")", 10_000)),
        ("a chain of operators", format!("this.number = 1{};", " + 1".repeat(100_000))),
        ("blocks", blocks(10_000)),
        ("blocks within the parser's limit", blocks(300)),
    ];
    for (name, statements) in programs {
        let cell = PressCell::new()
            .with_program(&FRAME.replace('@', "").replace("\n#\n", &format!("\n{statements}\n")));
        let (exit, findings) = check(&cell);
        assert_eq!(exit, Some(1), "{name}: {findings:?}");
        let named = findings.iter().any(|finding| {
            finding["path"] == PROGRAM
                && finding["line"].as_u64().is_some_and(|line| line > 0)
                && finding["severity"] == "error"
        });
        assert!(named, "{name}: {findings:?}");
        let run = Run::embedded(&cell.directory(), &["--virtual", "--cycles", "10"]);
        assert_eq!(run.output.code, Some(1), "{name}: {:?}", run.output);
        assert!(run.output.stderr.lines().count() <= 40, "{name}:\n{}", run.output.stderr);
    }
}

/// At real pace: a program that eats up its operations is stopped, and the cycles after it come when they are due.
#[test]
fn hostile_programs_do_not_stop_the_clock() {
    let _machine = exclusive();
    let cycles = count(1_500, 10_000);
    for name in ["endless loop", "endless shifts", "calls that double", "copies of a large array"] {
        let case = CASES.iter().find(|case| case.name == name).expect("it is in the table");
        let (cell, lines) = case.cell();
        let log = cell.beside("log.snlog");
        let log_text = log.display().to_string();
        let run = Run::embedded(&cell.directory(), &["--cycles", &cycles.to_string(), "--log", &log_text]);
        let fault =
            if let Stopped(fault) = case.expected { fault } else { unreachable!("{name} is stopped") };
        assert_eq!(named_fault(&run, fault, &lines), [""; 0], "{name}");
        let table = Table::export(&log, &["--timings"]);
        assert_eq!(judge_log(&table, cycles), [""; 0], "{name}");
        let at =
            table.numbers("cycle").iter().position(|cycle| *cycle == HOSTILE_FROM).expect("it was recorded");
        let scripts = table.numbers("scripts_ns");
        let late = table.numbers("start_error_ns");
        println!(
            "{name}: scripts took {} ns in the faulting cycle, {} ns before; the next cycle started {} ns late; {} overruns",
            scripts[at],
            scripts[at - 1],
            late[at + 1],
            run.number("/overruns")
        );
        // The program does not run any more: as a rule; a computer may take the core away in any cycle.
        let mut after = scripts[at + 1..].to_vec();
        after.sort_unstable();
        assert!(after[after.len() / 2] < scripts[at].max(1), "{name}: it ran again");
    }
}
