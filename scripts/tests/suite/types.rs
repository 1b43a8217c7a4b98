//! Types, as the check tells what does not fit, word for word; and that the changes it proposes mend what they are for.

use crate::support::findings;
use sensai_scripts::ScriptFinding;

/// A program whose `cycle` is `body`, in line 3 and below.
fn program(body: &str) -> String {
    format!(
        "const K = 2.0;\nfn init() {{ #{{ f: 0.0, i: 0, b: false, s: \"idle\", t: TON(), c: CTU(), ts: [TON()], r: #{{ x: 1.0 }}, a: [1, 2] }} }}\nfn cycle() {{\n{body}\n}}\n"
    )
}

fn shown(found: &[ScriptFinding]) -> Vec<String> {
    found.iter().map(|finding| finding.to_string().replace("programs/test.rhai:", "")).collect()
}

const MISTAKES: &[(&str, &str)] = &[
    // Stores and arguments never convert.
    ("io.x = 7;", "error[S216]: 4:8: `io.x` is f64, the value is i64; write `7.0`"),
    ("io.x = -7;", "error[S216]: 4:8: `io.x` is f64, the value is i64; write `-7.0`"),
    ("io.x = 0x10;", "error[S216]: 4:8: `io.x` is f64, the value is i64; write `16.0`"),
    (
        "io.x = if io.b { 1 } else { 2 };",
        "error[S216]: 4:8: `io.x` is f64, the value is i64; types are never converted, write all its numbers with a point",
    ),
    (
        "io.x = switch this.s { \"a\" => 1, \"b\" | \"c\" => { 2 } _ => 3 };",
        "error[S216]: 4:8: `io.x` is f64, the value is i64; types are never converted, write all its numbers with a point",
    ),
    (
        "io.n = io.inp.x;",
        "error[S216]: 4:8: `io.n` is i64, the value is f64; types are never converted, write `to_int(io.inp.x)`, which rounds towards zero",
    ),
    ("io.b = io.n;", "error[S216]: 4:8: `io.b` is bool, the value is i64; compare it with something"),
    ("io.n = this.s;", "error[S216]: 4:8: `io.n` is i64, the value is text; types are never converted"),
    ("let x = 1; x = 2.5;", "error[S216]: 4:16: `x` is i64, the value is f64; write `2`"),
    (
        "io.sets[1] = this.f;",
        "error[S216]: 4:14: `io.sets` is i64, the value is f64; types are never converted, write `to_int(this.f)`, which rounds towards zero",
    ),
    (
        "this.i += 0.5;",
        "error[S216]: 4:11: the field is i64, the result is f64; types are never converted, write `to_int(...)`, which rounds towards zero",
    ),
    (
        "let n = 1; this.t.run(true, n);",
        "error[S216]: 4:29: argument PT of `TON.run` is f64, the value is i64; types are never converted, write `to_float(n)`",
    ),
    (
        "this.t.run(this.s, 1.0);",
        "error[S216]: 4:12: argument IN of `TON.run` is bool, the value is text; types are never converted",
    ),
    (
        "this.c.run(true, false, 3.0);",
        "error[S216]: 4:25: argument PV of `CTU.run` is i64, the value is f64; write `3`",
    ),
    ("this.f = sqrt(4);", "error[S216]: 4:15: argument x of `sqrt` is f64, the value is i64; write `4.0`"),
    (
        "this.f = max(this.i, 2.0);",
        "error[S216]: 4:10: `max` takes (i64, i64) or (f64, f64), not (i64, f64); there is no conversion, write `7.0` instead of `7`, or to_float()",
    ),
    (
        "fault(this.i);",
        "error[S216]: 4:7: `fault` takes the fault's name as a text, not i64; write `fault(\"name\")`",
    ),
    ("if this.i { }", "error[S216]: 4:4: a condition is bool, the value is i64; compare it with something"),
    (
        "while this.i { this.i -= 1; }",
        "error[S216]: 4:7: a condition is bool, the value is i64; compare it with something",
    ),
    (
        "this.b = this.i && true;",
        "error[S216]: 4:10: a side of `&&` is bool, the value is i64; compare it with something",
    ),
    (
        "for i in 0..this.f { }",
        "error[S216]: 4:13: a range runs from i64 to i64, this is f64; convert it with to_int()",
    ),
    (
        "for x in this.f { }",
        "error[S216]: 4:10: `for` runs over a range or an array, not f64; write `for i in 0..n` or `for x in this.array`",
    ),
    ("this.i = this.a[0.5];", "error[S216]: 4:17: an index is i64, the value is f64; write `0`"),
    ("let a = []; this.i = 1;", "error[S216]: 4:9: an empty array has no type; write array(n, value)"),
    // Joins.
    (
        "this.f = if io.b { 1 } else { 2.5 };",
        "error[S223]: 4:31: this branch gives f64, the one before i64; types are never converted; all of them give the same type",
    ),
    (
        "let x = switch this.i { 1 => \"a\", _ => true };",
        "error[S223]: 4:40: this case gives bool, the one before text; types are never converted; all of them give the same type",
    ),
    (
        "let a = [1, 2.5, 3];",
        "error[S223]: 4:13: this is f64, the elements before it are i64; all elements have one type",
    ),
    (
        "let x = this.two();\n}\nfn two() {\nif this.b { return 1; }\n2.5",
        "error[S223]: 8:1: `two` gives f64 here, i64 elsewhere, and its result is used; let all its ways give one type",
    ),
    (
        "this.two();\n}\nfn two() {\nif this.b { return 1; }\nreturn true;",
        "error[S223]: 8:8: this returns bool, another `return` i64; a function returns one type; types are never converted",
    ),
    // Operators.
    (
        "this.b = this.s > 1;",
        "error[S224]: 4:17: `>` does not take text and i64; both sides must be of the same type, or numbers",
    ),
    (
        "this.b = this.s + this.s == \"a\";",
        "error[S224]: 4:17: `+` does not take text and text; texts are names and do not grow",
    ),
    (
        "this.b = this.b == 1;",
        "error[S224]: 4:17: `==` does not take bool and i64; both sides must be of the same type, or numbers",
    ),
    (
        "this.i = this.f & 1;",
        "error[S224]: 4:17: `&` does not take f64 and i64; bits are those of i64; convert with to_int()",
    ),
    (
        "this.b = this.a == this.a;",
        "error[S224]: 4:17: `==` does not take array and array; compare their fields or elements",
    ),
    (
        "let b = true; b += 1;",
        "error[S224]: 4:17: `+` does not take bool and i64; both sides must be of the same type, or numbers",
    ),
    ("this.b = !this.i;", "error[S224]: 4:10: `!` takes a bool, not i64; types are never converted"),
    ("this.i = -this.b;", "error[S224]: 4:10: `-` takes a number, not bool; types are never converted"),
    // What is there and what is not.
    (
        "hold_on();\n}\nfn hold_on() {\nthis.i = 1;",
        "error[S215]: 4:1: `hold_on` uses `this`, which it does not get when called like that; write `this.hold_on(...)`",
    ),
    (
        "let x = this.work();\n}\nfn work() {\nthis.i = 1;",
        "error[S225]: 4:9: `this.work()` gives no value; let the function end with a value, or call it alone",
    ),
    (
        "this.f = if io.b { 1.0 };",
        "error[S225]: 4:10: `if` without `else` gives no value; write `else`, so that there is a value in any case",
    ),
    (
        "this.i = switch this.s { \"a\" => 1 };",
        "error[S225]: 4:10: `switch` without `_` gives no value; write `_ => ...`, so that there is a value in any case",
    ),
    (
        "let x = this.t.run(true, 1.0);",
        "error[S225]: 4:9: `this.t.run(true, 1.0)` gives no value; write something that has a value",
    ),
    (
        "let n = 2; let a = array(n, 0);",
        "error[S226]: 4:26: the length of an array has to be known before the program runs; write a number, a `const`, or what is computed of them",
    ),
    (
        "switch this.f { 1.0 => { } _ => { } }",
        "error[S227]: 4:8: `switch` takes bool, i64 or text, not f64; floats are hardly ever equal; use `if` with `<` and `>`, or to_int()",
    ),
    (
        "switch this.s { 1 => { } _ => { } }",
        "error[S227]: 4:17: a case is i64, the value is text; a case of another type never fits",
    ),
    (
        "switch this.i { 3 | 1..4 if this.f > 0.0 => { } _ => { } }",
        "error[S227]: 4:21: a value fits this case twice, and its condition would be asked twice; write each value once",
    ),
    ("let r = #{ a: 1, a: 2 };", "error[S228]: 4:18: there are two fields `a`; choose another name"),
    // Parts of values.
    ("let r = #{ a: 1 }; this.i = r.b;", "error[S218]: 4:31: `r` has no field `b`; did you mean `a`?"),
    ("let n = 1; this.i = n.foo;", "error[S218]: 4:23: `n` is i64 and has no `foo`; leave it away"),
    (
        "let n = 1; this.i = n[0];",
        "error[S218]: 4:23: `n` is i64 and cannot be indexed; only arrays can; leave the index away",
    ),
    (
        "let x = 5; x.run(true, 1.0);",
        "error[S218]: 4:14: `x` is i64 and has no `run`; there is `TON.run(IN, PT)`",
    ),
    ("this.t.feed(1);", "error[S218]: 4:8: `this.t` is a TON without method `feed`; methods: `run`"),
    // Composites.
    (
        "let t = this.ts[0];",
        "error[S213]: 4:9: TON() cannot be copied, passed or iterated: it would have a second memory",
    ),
    (
        "this.b = check(this.t);\n}\nfn check(t) {\nt.Q",
        "error[S213]: 4:16: TON() cannot be copied, passed or iterated: it would have a second memory",
    ),
    (
        "for t in this.ts { }",
        "error[S213]: 4:10: array of 1 TON cannot be copied, passed or iterated: it would have a second memory",
    ),
    (
        "fill(this.a);\n}\nfn fill(a) {\na[0] = 1;",
        "error[S207]: 7:1: `a` is a parameter; its elements and fields cannot be written; the caller would not see it",
    ),
    (
        "let a = [1]; set(a);\n}\nfn set(a) { a.put(); }\nfn put() {\nthis[0] = 1;",
        "error[S207]: 6:13: `a` is a parameter; its elements and fields cannot be changed; the caller would not see it",
    ),
    ("K = 1.0;", "error[S207]: 4:1: `K` is a constant; keep what changes in the state"),
    ("const L = 1; L = 2;", "error[S207]: 4:14: `L` is a constant; declare it with `let`"),
];

#[test]
fn every_mistake_is_found_once_where_it_is() {
    let mut wrong = Vec::new();
    for (body, expected) in MISTAKES {
        let found = shown(&findings(&program(body)));
        if found.len() != 1 || !found[0].starts_with(expected) {
            wrong.push(format!("{body}\nexpected {expected}\nfound    {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is found, without places: those behind a change move.
fn texts(found: &[ScriptFinding]) -> Vec<(&'static str, String)> {
    found.iter().map(|finding| (finding.code, finding.message.clone())).collect()
}

/// A finding is gone after its change, and nothing new is there.
#[track_caller]
fn mended(text: &str) -> usize {
    let found = findings(text);
    let mut changed = 0;
    for (index, finding) in found.iter().enumerate() {
        let Some(fix) = &finding.fix else { continue };
        changed += 1;
        let after = fix.apply(text);
        assert_ne!(after, text, "{finding}: {fix:?}");
        let mut rest = texts(&found);
        rest.remove(index);
        let left = texts(&findings(&after));
        assert!(
            left.len() < found.len() && left.iter().all(|left| rest.contains(left)),
            "{finding}\n{fix:?}\n{after}\nleft: {left:#?}"
        );
    }
    changed
}

#[test]
fn a_change_mends_what_it_is_for() {
    let mut changed = 0;
    for (body, _) in MISTAKES {
        changed += mended(&program(body));
    }
    for body in [
        "io.valve.dwn = true;",
        "this.f = param.gian;",
        "this.i = sys.tim;",
        "this.b = this.t.q;",
        "this.t.rnu(true, 1.0);",
        "this.f = mx(1.0, 2.0);",
        "this.f = k;",
        "this.b = io.inp.x.vald;",
        "this.i = this?.i;",
        "this.i = this[\"i\"];",
        "let c = 'c'; this.s = \"x\";",
        "this.i = 99999999999999999999;",
        "if sys.state == \"execut\" { }",
        "this.i = this.a.size;",
        "io.sets.x = 1;",
        "if io.n.x { }",
        "work();\n}\nfn work() { this.i = 1;",
    ] {
        changed += mended(&program(body));
    }
    for text in [
        "let A = 1; fn init() { #{ n: A } } fn cycle() { }",
        "fn init(x) { #{ n: 0 } } fn cycle() { }",
        "fn init() { #{ n: 0 } } fn cycle() { 5.half(); } fn int.half() { 1 }",
    ] {
        changed += mended(text);
    }
    assert!(changed >= 38, "{changed}");
}

#[test]
fn ten_mistakes_are_ten_findings() {
    let text = "\
const LIMIT = 10.0;
const TWICE = LIMTI * 2.0;

fn init() {
    #{ step: \"idle\", peak: 0.0, wait: TON(), count: 0, list: [1, 2.5] }
}

fn cycle() {
    this.wait.run(io.inp.b, 1);
    io.valve.dwn = true;
    this.peek = io.inp.x;
    if this.count > \"3\" { fault(\"count\"); }
    io.inp.b = false;
    this.peak = max(this.peak, io.inp.n);
    let copy = this.wait;
    this.nothing_there();
}

fn unused(x) {
    io.n = x + y;
}
";
    let found = shown(&findings(text));
    let places: Vec<&str> =
        found.iter().map(|text| text.split(':').nth(1).unwrap_or_default().trim()).collect();
    let lines: Vec<u32> = places.iter().map(|line| line.parse().unwrap_or(0)).collect();
    assert_eq!(lines, [2, 5, 9, 10, 11, 12, 13, 14, 15, 16, 20], "{found:#?}");
}

/// Broken statements hide nothing around them, and say nothing twice.
#[test]
fn syntax_errors_and_others_stand_beside_each_other() {
    let text = "\
fn init() {
    #{ n: 0, x: 0.0 }
}
fn cycle() {
    this.n = ;
    this.x = 7;
    let y = (1 + );
    io.clmp = true;
}
";
    let found = findings(text);
    let lines: Vec<(&str, u32)> = found.iter().map(|finding| (finding.code, finding.line)).collect();
    assert_eq!(lines, [("S101", 5), ("S216", 6), ("S101", 7), ("S205", 8)], "{found:#?}");
}

#[test]
fn functions_that_nobody_calls_are_looked_at() {
    let text = "\
fn init() { #{ n: 0 } }
fn cycle() { this.n = 1; }
/// @param force f64 [N]
/// @param count i64
fn documented(force, count, other) {
    io.n = force;
    io.x = count;
    io.b = other;
    this.whatever.goes = other + 1;
}
";
    let found = findings(text);
    let lines: Vec<(&str, u32)> = found.iter().map(|finding| (finding.code, finding.line)).collect();
    assert_eq!(lines, [("S216", 6), ("S216", 7)], "{found:#?}");
}

#[test]
fn ten_thousand_lines_are_looked_at_at_once() {
    let line = "    this.x = clamp(this.x + io.inp.x * 2.0, -1.0, 1.0); if this.n > 3 { this.n = 0; }\n";
    let functions: String = (0..100).map(|i| format!("fn f{i}() {{\n{}}}\n", line.repeat(100))).collect();
    let calls: String = (0..100).map(|i| format!("    this.f{i}();\n")).collect();
    let text = format!("fn init() {{ #{{ x: 0.0, n: 0 }} }}\nfn cycle() {{\n{calls}}}\n{functions}");
    assert!(text.lines().count() > 10_000);
    assert!(findings(&text).iter().all(|finding| finding.code == "S304"), "{:?}", findings(&text).first());
}
