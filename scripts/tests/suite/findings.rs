//! What the check finds, word for word.

use crate::support::findings;
use sensai_scripts::Severity;

/// Findings of a program whose `cycle` is `body`, in line 3 and below.
fn of_body(body: &str) -> Vec<String> {
    let text = format!(
        "const K = 2.0;\nfn init() {{ #{{ f: 0.0, i: 0, b: false, s: \"idle\", t: TON(), ts: [TON()], r: #{{ x: 1.0 }}, a: [1, 2] }} }}\nfn cycle() {{\n{body}\n}}\n"
    );
    of(&text)
}

fn of(text: &str) -> Vec<String> {
    findings(text).iter().map(|finding| finding.to_string().replace("programs/test.rhai:", "")).collect()
}

#[test]
fn the_language_in_its_natural_form_has_no_findings() {
    let bodies = [
        "let x = 1; x += 2; this.i = x;",
        "if io.b { this.f = K * io.inp.x; } else if !io.b { this.f = -K; } else { }",
        "switch this.s { \"idle\" => this.s = \"run\", \"run\" | \"stop\" => { this.s = \"idle\"; } _ => () }",
        "switch this.i { 1 => this.i = 2, 2..5 => this.i = 3, _ => this.i = 9 }",
        "for i in 0..this.a.len { this.a[i] += i; }",
        "for (x, i) in this.a { this.i += x * i; }",
        "for i in 1..=3 { if i == 2 { continue; } this.i = i; break; }",
        "while this.i < 10 { this.i += 1; }",
        "let n = 0; loop { n += 1; if n > 3 { break; } }",
        "this.t.run(io.b, K); io.b = this.t.Q; this.f = this.t.ET;",
        "this.ts[0].run(true, 0.1); io.b = this.ts[-1].Q && io.inp.x.valid;",
        "this.f = max(this.f, io.inp.x); this.f = abs(this.f); this.f = clamp(this.f, 0.0, 1.0);",
        "let r = #{ x: 1.0 }; this.r.x = r.x; let a = [1, 2]; this.a = a;",
        "let valid = true; this.b = valid; let v = #{ valid: true }; this.b = v.valid;",
        "const LOCAL = 3; this.i = LOCAL;",
        "let x = if io.b { 1.0 } else { 2.0 }; this.f = x;",
        "return;",
    ];
    for body in bodies {
        assert_eq!(of_body(body), Vec::<String>::new(), "{body}");
    }
}

#[test]
fn what_is_wrong_and_what_to_do() {
    let mut wrong = Vec::new();
    for (body, finding) in [
        (
            "io.valve.dwn = true;",
            "error[S205]: 4:10: `io.valve.dwn` does not exist; did you mean `valve.down`?",
        ),
        (
            "io.b = io.valve;",
            "error[S205]: 4:8: `io.valve` is a group of names; write one of the names in it",
        ),
        ("let x = io;", "error[S211]: 4:9: `io` alone is no value; write one of the names in it"),
        ("this.f = param.gian;", "error[S206]: 4:16: `param.gian` does not exist; did you mean `gain`?"),
        (
            "this.f = sys.delta;",
            "error[S206]: 4:14: `sys.delta` does not exist; facts: `cycle`, `dt`, `first_cycle`, `mode`, `state`, `time`",
        ),
        (
            "io.inp.b = true;",
            "error[S207]: 4:1: `io.inp.b` is an input and cannot be written; use an output or a memory tag",
        ),
        (
            "param.gain = 1.0;",
            "error[S207]: 4:1: `param.gain` cannot be written; only an operator sets it; keep a value of your own in the state",
        ),
        (
            "sys.dt = 1.0;",
            "error[S207]: 4:1: `sys.dt` cannot be written; keep a value of your own in the state",
        ),
        ("io.x = 7;", "error[S216]: 4:8: `io.x` is f64, the value is i64; write `7.0`"),
        ("io.n = -7.5;", "error[S216]: 4:8: `io.n` is i64, the value is f64; write `-7`"),
        ("io.b = 1;", "error[S216]: 4:8: `io.b` is bool, the value is i64; write `true` or `false`"),
        (
            "io.sets = 1;",
            "error[S216]: 4:1: `io.sets` is an array of tags; write its elements, as in `io.sets[0]`",
        ),
        (
            "io.sets[3] = 1;",
            "error[S205]: 4:9: `io.sets` has elements 0 to 2, not 3; use an index that exists",
        ),
        (
            "io.n = io.inp.n.vald;",
            "error[S212]: 4:17: `io.inp.n` has no `vald`; behind a tag there can be `.valid`, its quality",
        ),
        (
            "this.b = (io.inp.x + 1.0).valid;",
            "error[S212]: 4:27: `.valid` is the quality of a tag, not of a value; write it directly behind the tag, as in `io.force.valid`",
        ),
        ("this.f = 7;", "error[S216]: 4:10: the field is f64, the value is i64; write `7.0`"),
        ("this.r.x = 7;", "error[S216]: 4:12: the field is f64, the value is i64; write `7.0`"),
        (
            "this.s = 7;",
            "error[S216]: 4:10: the field is text, the value is i64; a field keeps the type that `init` gave it",
        ),
        (
            "this.pek = 7.0;",
            "error[S218]: 4:6: `this` has no field `pek`; `init` gives the fields; fields: `a`, `b`, `f`, `i`, `r`, `s`, `t`, `ts`",
        ),
        (
            "this.r.y = 7.0;",
            "error[S218]: 4:8: `this.r` has no field `y`; `init` gives the fields; did you mean `x`?",
        ),
        ("this.b = this.t.q;", "error[S218]: 4:17: `this.t` is a TON without pin `q`; did you mean `Q`?"),
        (
            "this.t.run(true);",
            "error[S218]: 4:8: `TON.run` takes 2 arguments, not 1; write `this.t.run(IN, PT)`",
        ),
        (
            "this.t.rnu(true, 1.0);",
            "error[S204]: 4:8: there is no method or function `rnu`; did you mean `run`?",
        ),
        (
            "this.t.Q = true;",
            "error[S207]: 4:1: a pin cannot be written; give it as an argument of the block's method",
        ),
        (
            "let t = this.t;",
            "error[S213]: 4:9: TON() cannot be copied, passed or iterated: it would have a second memory; use it where it stands, as in `for i in 0..this.timers.len { this.timers[i].run(...); }`",
        ),
        (
            "let s = this;",
            "error[S213]: 4:9: `this` cannot be copied or passed; call the function as a method, as in `this.f()`",
        ),
        (
            "this.t = this.t;",
            "error[S213]: 4:1: TON() cannot be assigned: blocks stay where `init` made them; assign fields that are no blocks",
        ),
        (
            "let t = TON();",
            "error[S213]: 4:9: `TON()` makes a new block, which only `init` may; put it into the record that `init` returns, and use it as `this.name`",
        ),
        ("this.f = mx(1.0, 2.0);", "error[S204]: 4:10: there is no function `mx`; did you mean `max`?"),
        ("this.f = maxx;", "error[S211]: 4:10: `maxx` is not known here; declare it with `let` or `const`"),
        ("this.f = k;", "error[S211]: 4:10: `k` is not known here; did you mean `K`?"),
        ("let K = 1;", "error[S210]: 4:5: a variable `K` would hide the constant `K`; choose another name"),
        (
            "for io in 0..2 { }",
            "error[S210]: 4:5: a variable `io` would hide the root `io`; choose another name",
        ),
        ("this.f = recipe.depth;", "error[S211]: 4:10: `recipe` is not there yet; use parameters and tags"),
        (
            "loop { this.i += 1; }",
            "warning[S217]: 4:1: this loop never ends; the operations of a cycle are limited, and the program would fault; use `for`, or one step in each cycle",
        ),
        (
            "this.b = 1 in [1];",
            "error[S203]: 4:12: cell programs have no `in`; compare with `==`, or write a loop",
        ),
        (
            "this.b = this.a[2] == 1;",
            "error[S218]: 4:17: `this.a` has elements 0 to 1, not 2; use an index that exists",
        ),
        ("fault();", "error[S204]: 4:1: `fault` with 0 arguments; write `fault(\"name\")`"),
        ("let x;", "error[S203]: 4:1: `let x` has no value; give it one; its type follows from it"),
        ("this.f = 1.0", ""),
        ("this.f = ;", "error[S101]: 4:10: expected an expression, found `;`"),
    ] {
        let found = of_body(body);
        match finding {
            "" => assert_eq!(found, Vec::<String>::new(), "{body}"),
            finding if found.len() == 1 && found[0].starts_with(finding) => {}
            finding => wrong.push(format!("{body}\nexpected {finding}\nfound    {found:#?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_shape_of_a_program() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        (
            "",
            vec![
                "error[S202]: 0:0: there is no function `init()`; write `fn init() { ... }`, which returns the state",
                "error[S202]: 0:0: there is no function `cycle()`; write `fn cycle() { ... }`, which runs in every cycle",
            ],
        ),
        (
            "fn init(x) { #{} } fn cycle() { }",
            vec![
                "error[S202]: 1:4: `init` has parameters; write `fn init() { ... }`, which returns the state",
            ],
        ),
        (
            "let x = 1; fn init() { #{} } fn cycle() { }",
            vec![
                "error[S201]: 1:1: `let x` at the top level; write `const`, or put the variable into the record that `init` returns",
            ],
        ),
        (
            "fault(\"x\"); fn init() { #{} } fn cycle() { }",
            vec![
                "error[S201]: 1:1: a statement at the top level; only `const`, `import` and `fn` stand there; move it into `init` or `cycle`",
            ],
        ),
        (
            "fn init() { #{} } fn cycle() { } fn max(a, b) { a }",
            vec![
                "error[S209]: 1:37: `max` with 2 parameters would hide a library function of that name; choose another name",
            ],
        ),
        (
            "fn init() { #{} } fn cycle() { } fn run(a, b) { a }",
            vec![
                "error[S209]: 1:37: `run` with 2 parameters would hide a method of blocks of that name; choose another name",
            ],
        ),
        (
            "fn init() { #{ n: 1 } } fn cycle() { f(); } fn f() { this.n = 2; }",
            vec![
                "error[S215]: 1:38: `f` uses `this`, which it does not get when called like that; write `this.f(...)`",
            ],
        ),
        (
            "fn init() { #{ n: 1 } } fn cycle() { f([1]); } fn f(a) { a[0] = 2; }",
            vec![
                "error[S207]: 1:58: `a` is a parameter; its elements and fields cannot be written; the caller would not see it; return the value, or make the function a method of the record",
            ],
        ),
        (
            "fn init() { #{ n: 1 } } fn cycle() { a(); } fn a() { b(); } fn b() { a(); }",
            vec!["error[S208]: 1:70: `a` calls itself: a → b → a; use a loop, or one step in each cycle"],
        ),
        (
            "const A = io.n; fn init() { #{} } fn cycle() { }",
            vec!["error[S214]: 1:11: a constant cannot depend on `io`; read it in `init` or `cycle`"],
        ),
        (
            "const A = f(); fn init() { #{} } fn cycle() { } fn f() { 1 }",
            vec![
                "error[S203]: 1:11: cell programs have no calls of functions in constants; write a number, or compute it in `init`",
            ],
        ),
        (
            "const A = 1 / 0; fn init() { #{} } fn cycle() { }",
            vec![
                "error[S301]: 1:13: 1 / 0: division by zero; test the divisor before; write a value that can be computed",
            ],
        ),
        (
            "fn init() { #{} } fn cycle() {",
            vec!["error[S101]: 1:31: expected `}`, found the end of the text"],
        ),
        (
            "fn init() { #{} } fn cycle() { let x = \"abc; }",
            vec![
                "error[S101]: 1:40: this text is not closed; end it with `\"`; a text over several lines stands in back-ticks",
                "error[S101]: 1:47: expected `}`, found the end of the text",
            ],
        ),
        (
            "fn init() { #{} } fn cycle() { let x = 99999999999999999999; }",
            vec![
                "error[S101]: 1:40: `99999999999999999999` is too large for an i64; write `.0` behind it for an f64; an i64 goes up to 9223372036854775807",
            ],
        ),
        (
            "const A = 1; fn init() { #{} } fn cycle() { A = 2; }",
            vec!["error[S207]: 1:45: `A` is a constant; keep what changes in the state"],
        ),
    ] {
        let found = of(text);
        if found != expected {
            wrong.push(format!("{text}\nexpected {expected:#?}\nfound    {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_no_cycle_can_do_is_found_with_its_numbers() {
    let chain: String = (1..20).map(|i| format!("fn f{i}() {{ f{}(); }}\n", i + 1)).collect();
    let long = "this.n += 1;\n".repeat(40);
    for (text, expected) in [
        (
            format!("fn init() {{ #{{ n: 0 }} }}\nfn cycle() {{ f1(); }}\n{chain}fn f20() {{ }}\n"),
            "error[S219]: 17:12: calls are nested 21 deep, expected at most 16: cycle → f1 → f2 → f3 → …; this one is too deep; call fewer functions from functions, or raise [limits] call_depth to 21",
        ),
        (
            format!(
                "fn init() {{\n#{{\nn: 0,\ntable: array(60, array(1000, 0)) }} }}\nfn cycle() {{\n{long}}}\n"
            ),
            "error[S304]: 4:8: the state has 60062 values, most of them in `table`, so each operation counts as 470; the shortest cycle has 161 of them and counts 75670, expected at most 20000; make it smaller, divide the program, or raise [limits] operations well above 75670",
        ),
        (
            format!(
                "fn init() {{ #{{ n: 0, table: array(16, array(1000, 0)) }} }}\nfn cycle() {{\nif io.b {{\nlet copy = this.table; }}\n{long}}}\n"
            ),
            "error[S304]: 4:12: 16017 values can be copied at once here, so each operation counts as 2128; the shortest cycle has 164 of them and counts 348992, expected at most 20000; copy less, as in `this.table[i]`, or raise [limits] operations well above 348992",
        ),
        (
            "fn init() { #{ n: 0 } }\nfn cycle() {\nif io.b { let a = array(30, array(1000, 0)); }\n}\n"
                .to_owned(),
            "error[S102]: 3:19: 30030 values made at once, expected at most 20000 in a cycle; each costs an operation; make fewer, keep them in the state, or raise [limits] operations",
        ),
    ] {
        assert_eq!(of(&text), [expected], "{text}");
    }
}

#[test]
fn all_findings_at_once_in_the_order_of_the_text() {
    let found =
        findings("fn init() { #{} }\nfn cycle() {\nio.nothing = 1;\nmx(1);\nlet io = 2;\nsleep(1);\n}");
    let codes: Vec<(&str, u32)> = found.iter().map(|finding| (finding.code, finding.line)).collect();
    assert_eq!(codes, [("S205", 3), ("S204", 4), ("S210", 5), ("S203", 6)]);
}

#[test]
fn findings_are_data() {
    let found = findings("fn init() { #{} } fn cycle() { io.clmp = true; }");
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json[0]["code"], "S205");
    assert_eq!(json[0]["severity"], "error");
    assert_eq!(
        (json[0]["line"].as_u64(), json[0]["column"].as_u64(), json[0]["len"].as_u64()),
        (Some(1), Some(35), Some(4))
    );
    assert_eq!(json[0]["path"], "programs/test.rhai");
}

/// The check runs on any thread, several at once.
#[test]
fn the_check_runs_on_any_thread() {
    let threads: Vec<_> = (0..3)
        .map(|_| std::thread::spawn(|| findings("fn init() { #{ n: 0 } } fn cycle() { this.n += 1; }")))
        .collect();
    for thread in threads {
        let found = thread.join().unwrap();
        assert!(found.iter().all(|finding| finding.severity == Severity::Warning), "{found:?}");
    }
}
