//! Programs that mean harm, or look like it: refused by the check, or stopped in bounded work without a trace.

use crate::support::{Bench, LIMITS, findings};
use sensai_model::FaultCode;
use sensai_scripts::{Program, Severity};

/// Stopped at this line, and afterwards as good as new.
#[track_caller]
fn stopped(body: &str, code: FaultCode, line: u32) -> String {
    let text = format!(
        "fn init() {{ #{{ n: 0, harmless: true }} }}\nfn cycle() {{\nif io.inp.b {{\n{body}\n}}\nthis.n += 1;\n}}\n"
    );
    let mut bench = Bench::new(&text);
    bench.run_ok();
    bench.set("inp.b", sensai_model::Value::Bool(true));
    let error = bench.run_fault();
    assert_eq!(error.fault.code, code, "{}", error.text);
    assert_eq!(error.fault.line, line, "{}", error.text);
    assert!(
        bench.program.operations() <= LIMITS.operations + LIMITS.array_len as u64 + 100,
        "{} operations",
        bench.program.operations()
    );
    bench.program.reset();
    bench.set("inp.b", sensai_model::Value::Bool(false));
    bench.run_ok();
    error.text.to_string()
}

#[track_caller]
fn refused(text: &str, code: &str) {
    let found = findings(text);
    let errors: Vec<_> = found.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.iter().any(|finding| finding.code == code), "{text}: {found:?}");
    assert!(errors.iter().all(|finding| finding.line > 0), "{found:?}");
}

#[track_caller]
fn refused_body(body: &str, code: &str) {
    refused(&format!("fn init() {{ #{{ n: 0 }} }} fn cycle() {{ {body} }}"), code);
}

#[test]
fn endless_loops_run_out_of_operations_where_they_stand() {
    let text = stopped("let x = 0;\nloop { x += 0; }", FaultCode::FuelExhausted, 5);
    assert_eq!(
        text,
        "more than 20000 operations in one cycle; spread the work over cycles, or raise [limits] operations"
    );
    stopped("\n\nloop { }", FaultCode::FuelExhausted, 6);
    stopped("\nloop {\nthis.n = 2;\n}", FaultCode::FuelExhausted, 5);
    stopped("while true { }", FaultCode::FuelExhausted, 4);
    stopped("\ndo { } while true;", FaultCode::FuelExhausted, 5);
    stopped("let x = 0;\nwhile x == 0 {\nx = 0;\n}", FaultCode::FuelExhausted, 5);
    stopped("for i in 0..9223372036854775807 { }", FaultCode::FuelExhausted, 4);
    stopped("for i in 0..=9223372036854775807 {\nlet x = i;\n}", FaultCode::FuelExhausted, 4);
    stopped("for i in 0..100000 {\nfor j in 0..100000 {\nlet x = i + j;\n} }", FaultCode::FuelExhausted, 6);
    let nested = format!("{}let x = i * i;{}", "for i in 0..9 { ".repeat(12), "}".repeat(12));
    stopped(&nested, FaultCode::FuelExhausted, 4);
}

#[test]
fn recursion_is_refused() {
    refused("fn init() { #{} } fn cycle() { f(1) } fn f(n) { f(n + 1) }", "S208");
    refused(
        "fn init() { #{} } fn cycle() { a(1) } fn a(n) { b(n) } fn b(n) { c(n) } fn c(n) { a(n) }",
        "S208",
    );
    refused("fn init() { #{} } fn cycle() { this.cycle() }", "S208");
    refused("fn init() { #{} } fn cycle() { cycle() }", "S208");
}

#[test]
fn deep_calls_are_refused() {
    let program = |functions: usize, this: &str| {
        let mut text = format!("fn init() {{ #{{ n: 0 }} }}\nfn cycle() {{ {this}f1(1); }}\n");
        for i in 1..functions - 1 {
            // The shorter way down is not the one that counts.
            text.push_str(&format!("fn f{i}(n) {{ {this}f{}(n); {this}f{}(n) }}\n", functions - 1, i + 1));
        }
        text.push_str(&format!("fn f{}(n) {{ n }}\n", functions - 1));
        text
    };
    for this in ["", "this."] {
        Bench::new(&program(LIMITS.call_depth, this)).run_ok();
        for functions in [LIMITS.call_depth + 1, 30] {
            let found = findings(&program(functions, this));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((found[0].code, found[0].severity), ("S219", Severity::Error));
            assert_eq!(found[0].line, LIMITS.call_depth as u32 + 1, "the call that is one too deep");
        }
    }
    let init = program(20, "").replace("n: 0", "n: f1(1)").replace("cycle() { f1(1); }", "cycle() { }");
    refused(&init, "S219");
    let unused = program(20, "").replace("cycle() { f1(1); }", "cycle() { f5(1); }");
    assert!(findings(&unused).is_empty(), "what is not called is not too deep");
}

/// What a cycle makes and looks at costs that cycle; the others are as cheap as ever.
#[test]
fn large_values_are_paid_for_where_they_are_made_and_used() {
    const ROWS: &str = "let rows = array(16, array(1000, 0));";
    let text = |body: &str| {
        format!(
            "fn init() {{ #{{ n: 0, many: array(1000, 1.5) }} }}\nfn cycle() {{\nif io.inp.b {{ this.hostile(); }}\n\
             this.n += 1;\n}}\nfn hostile() {{\n{body}\n}}\nfn part() {{\nloop {{ let copy = this.row; }}\n}}\n"
        )
    };
    let idle = |text: &str| {
        let mut bench = Bench::new(text);
        bench.run_ok();
        bench.program.operations()
    };
    let small = idle(&text(""));
    assert!(small < 200, "{small}");
    for (body, line) in [
        (format!("{ROWS}\nlet more = array(1000, 0);\nlet more = rows;"), 9),
        (format!("{ROWS}\nlet size = 0;\nloop {{ size += rows.len; }}"), 9),
        (format!("{ROWS}\nfor i in 0..9 {{\nlet copy = rows;\n}}"), 9),
        (format!("{ROWS}\nlet n = \nsecond(0, rows);\n}}\nfn second(a, b) {{ b.len"), 11),
        ("let row = array(1000, 0);\nlet r = #{ row: row };\nr.part();".to_owned(), 12),
        ("for i in 0..20 {\nlet row = array(1000, 0);\n}".to_owned(), 8),
    ] {
        let text = text(&body);
        assert_eq!(idle(&text), small, "{body}");
        let mut bench = Bench::new(&text);
        bench.set("inp.b", sensai_model::Value::Bool(true));
        let error = bench.run_fault();
        let place = (error.fault.code, error.fault.line);
        assert_eq!(place, (FaultCode::FuelExhausted, line), "{body}: {}", error.text);
        assert!(error.fault.column > 0, "{body}");
        assert!(bench.program.operations() <= LIMITS.operations + 200, "{body}");
    }
}

#[test]
fn values_nest_only_so_deep() {
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("fn init() {{ #{{ a: {open}0{close} }} }}\nfn cycle() {{ }}\n")
    };
    assert!(findings(&deep(15)).is_empty());
    let found = findings(&deep(16));
    assert_eq!(found[0].code, "S303", "{found:?}");
    assert!(found[0].message.contains("nested deeper than 16"), "{found:?}");
}

/// The place that Rhai forgot, and the function it is in.
#[test]
fn a_program_without_fuel_names_its_function() {
    let text = "fn init() { #{ n: 0, b: false } }\nfn cycle() {\nthis.work();\n}\nfn work() {\nlet x = 1;\n\
                loop {\nx += 0;\n}\n}\n";
    let error = Bench::new(text).run_fault();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::FuelExhausted, 8));
    assert_eq!(
        error.text,
        "more than 20000 operations in one cycle; spread the work over cycles, or raise [limits] operations \
         (in `work`)"
    );
    // Nothing of this notes where it is: at least the program's entry is named.
    let silent = "this.b = true; ".repeat(8000);
    let text = format!("fn init() {{ #{{ b: false }} }}\nfn cycle() {{\n{silent}\n}}\n");
    let error = Bench::new(&text).run_fault();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::FuelExhausted, 2));
}

#[test]
fn nothing_grows() {
    stopped("let a = 1;\nloop { a += a; }", FaultCode::Overflow, 5);
    for (body, code) in [
        ("let a = \"aaaaaaaa\"; loop { a += a; }", "S224"),
        ("let a = \"aaaaaaaa\"; for i in 0..64 { a = a + a; }", "S224"),
        ("let a = [1]; loop { a += a; }", "S224"),
        ("let a = [1, 2]; for i in 0..64 { a = [a, a]; }", "S216"),
        ("let a = #{ x: 1 }; for i in 0..64 { a = #{ x: a, y: a }; }", "S216"),
        ("let a = array(1000, 0); let b = array(1000, a);", "S102"),
        ("let n = 9223372036854775807; let a = array(n, 0);", "S226"),
        ("let a = array(-1, 0);", "S102"),
    ] {
        refused_body(body, code);
    }
    refused_body("let a = array(9223372036854775807, 0);", "S102");
    stopped("for i in 0..1000 { let a = array(1000, 0.0); }", FaultCode::FuelExhausted, 4);
    for body in [
        "let a = [1]; a.push(1);",
        "let a = [1]; a.pad(1000000000, 0);",
        "let a = \"a\"; a.pad(9, \"b\");",
        "let s = `${1}`;",
    ] {
        refused_body(body, "S203");
    }
    refused_body("let s = \"a\" * 1000; let t = \"abc\"; t[0..0] = t;", "S203");
}

#[test]
fn nothing_waits_or_reaches_outside() {
    for body in [
        "sleep(10);",
        "let t = timestamp();",
        "print(\"x\");",
        "debug(1);",
        "eval(\"loop {}\");",
        "let f = Fn(\"cycle\"); ",
        "let f = |x| x;",
        "exit();",
        "this.n = rand();",
        "try { } catch { }",
        "throw 1;",
        "let x = type_of(1);",
        "let x = ();",
        "let x = this?.n;",
        "let x = this.n ?? 1;",
        "let c = 'c';",
        "import \"os\" as os;",
        "let f = init; ",
        "let f = cycle.call();",
        "let r = 0..5;",
    ] {
        refused_body(body, "S203");
    }
    refused("import \"files\" as f; fn init() { #{} } fn cycle() { }", "S229");
}

#[test]
fn deep_nesting_is_refused() {
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("-", "1", ""),
        ("!", "true", ""),
        ("#{ a: ", "1", "}"),
        ("1 + (", "1", ")"),
        ("max(1, ", "1", ")"),
        ("if true { ", "1", "} else { 1 }"),
        ("{ ", "1", "}"),
        ("this.a[", "0", "]"),
        ("switch 1 { 1 => ", "1", "}"),
    ] {
        for depth in [100, 20_000] {
            let body = format!("let x = {}{inner}{};", open.repeat(depth), close.repeat(depth));
            let found = findings(&format!("fn init() {{ #{{ a: [0] }} }} fn cycle() {{ {body} }}"));
            assert!(found.iter().any(|finding| finding.severity == Severity::Error), "{open} × {depth}");
        }
    }
    for link in [" + 1", " && true", ".a", "[0]", ".f()", " == 1", " ** 2"] {
        let body = format!("let x = 1{};", link.repeat(20_000));
        let found = findings(&format!("fn init() {{ #{{ a: [0] }} }} fn cycle() {{ {body} }}"));
        assert!(!found.is_empty() || link == " && true", "{link}");
    }
    let ladder = "if io.b { } else ".repeat(20_000) + "{ }";
    refused_body(&ladder, "S102");
    let comment = "/*".repeat(100_000);
    assert!(!findings(&comment).is_empty());
}

/// What the check lets through must fit the stack of any thread: the deepest programs, on a small one.
#[test]
fn the_deepest_programs_fit_a_stack_of_two_megabytes() {
    const NESTS: [(&str, &str); 8] = [
        ("1 + (", ")"),
        ("max(1, ", ")"),
        ("if true { ", " } else { 1 }"),
        ("{ ", " }"),
        ("{ for i in 0..1 { this.n = ", "; } 1 }"),
        ("switch 1 { 1 => ", ", _ => 0 }"),
        ("#{ a: ", " }.a"),
        ("this.a[", " - 1]"),
    ];
    fn deepest((open, close): (&str, &str), functions: usize, nesting: usize) -> String {
        let mut text = String::from("fn init() { #{ n: 0, a: [1] } }\nfn cycle() { this.n = this.f0(1); }\n");
        for i in 0..functions {
            let call = if i + 1 == functions { "n".to_owned() } else { format!("this.f{}(n)", i + 1) };
            let (open, close) = (open.repeat(nesting), close.repeat(nesting));
            text.push_str(&format!("fn f{i}(n) {{ {open}{call}{close} }}\n"));
        }
        text
    }
    let run = || {
        let mut ran = 0;
        for nest in NESTS {
            for functions in [1, 3, 8, 15] {
                let fits = |nesting: &usize| {
                    let found = findings(&deepest(nest, functions, *nesting));
                    found.iter().all(|finding| finding.severity != Severity::Error)
                };
                let Some(nesting) = (1..60).rev().find(fits) else { continue };
                let _ = Bench::new(&deepest(nest, functions, nesting)).run();
                ran += 1;
            }
        }
        ran
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap();
    assert!(thread.join().unwrap() >= 28);
}

#[test]
fn large_texts_are_refused() {
    assert_eq!(findings(&"//\n".repeat(60_001))[0].code, "S102");
    assert_eq!(findings(&" ".repeat(2 << 20))[0].code, "S102");
    let long = "x".repeat(5000);
    assert!(!findings(&format!("fn init() {{ #{{ {long}: \"{long}\" }} }} fn cycle() {{ }}")).is_empty());
}

/// Whatever the text, there is an answer and no panic.
#[test]
fn mutated_programs_are_checked_without_panic() {
    let text = include_str!("../../../examples/pneumatic-press/programs/press.rhai");
    let pieces = [
        "this", "io", "{", "}", "(", ")", "[", "]", "=>", "fn ", "let ", "0", "1.5", "\"", ".", "..", "=",
        "TON()", "loop", "#{", "|", "'", "\u{0}", "é",
    ];
    let mut seed = 42_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for _ in 0..400 {
        let mut mutated = text.to_owned();
        for _ in 0..1 + next() % 3 {
            let at = (0..mutated.len())
                .cycle()
                .skip(next() % mutated.len())
                .find(|i| mutated.is_char_boundary(*i))
                .unwrap();
            match next() % 2 {
                0 => mutated.insert_str(at, pieces[next() % pieces.len()]),
                _ => mutated.truncate(at.max(1)),
            }
        }
        let _ = findings(&mutated);
    }
}
