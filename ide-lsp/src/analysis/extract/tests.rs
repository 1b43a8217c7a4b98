use super::*;
use crate::analysis::testing::Fixture;

/// The text after the part between two `$0` has become a function, or why it has not.
fn extracted(text: &str) -> Result<String, String> {
    let (first, last) = (text.find("$0").unwrap(), text.rfind("$0").unwrap() - 2);
    let fixture = Fixture::new(&text.replace("$0", ""));
    let path = "programs/main.rhai";
    match extract(&fixture.snapshot, path, first..last) {
        None => Err("nothing".to_owned()),
        Some(found) => found.map(|found| apply(fixture.snapshot.text(path).unwrap(), &found.edits)),
    }
}

/// The same of a body of `cycle`: what it is then, and the function.
fn of(body: &str) -> Result<(String, String), String> {
    let head = "fn init() { #{ x: 0.0, n: 0, on: false, t: TON(), r: #{ a: 0.0 } } }\nfn cycle() {\n";
    let tail = "\n    io.force = this.x + this.r.a;\n    io.count = this.n;\n    io.lamp.red = this.on;\n    this.t.run(io.start, 0.5);\n    io.lamp.green = this.t.Q;\n}\nfn f(a, b) { a + b }\nfn bump() { this.a += 1.0; }\n";
    let text = extracted(&format!("{head}{body}{tail}"))?;
    let (before, behind) = (text.strip_prefix(head).unwrap(), tail.split_once('}').unwrap().0);
    let (cycle, rest) = before.split_once(behind).unwrap();
    let function = rest.strip_prefix("}\n\n").unwrap().split_once("\nfn f(").unwrap().0;
    Ok((cycle.trim().to_owned(), function.to_owned()))
}

fn is(body: &str, cycle: &str, function: &str) {
    assert_eq!(of(body), Ok((cycle.to_owned(), function.to_owned())), "{body}");
}

#[test]
fn statements_take_what_they_read() {
    is(
        "    let a = 1.0;\n    $0this.x = a;$0\n",
        "let a = 1.0;\n    this.extracted(a);",
        "fn extracted(a) {\n    this.x = a;\n}",
    );
    is(
        "    let a = 1.0; let b = 2.0;\n    $0// sum\n    let c = f(b, a);\n    let d = f(c, c);$0\n    this.x = d;",
        "let a = 1.0; let b = 2.0;\n    let d = extracted(b, a);\n    this.x = d;",
        "fn extracted(b, a) {\n    // sum\n    let c = f(b, a);\n    let d = f(c, c);\n    d\n}",
    );
    is(
        "    let a = 1.0;\n    $0a += 2.0;  // more$0\n    this.x = a;",
        "let a = 1.0;\n    a = extracted(a);\n    this.x = a;",
        "fn extracted(a) {\n    a += 2.0;  // more\n    a\n}",
    );
}

#[test]
fn a_block_has_its_value() {
    is(
        "    let a = 1.0;\n    this.x = if io.start { $0f(a, 2.0)$0 } else { 0.0 };",
        "let a = 1.0;\n    this.x = if io.start { extracted(a) } else { 0.0 };",
        "fn extracted(a) {\n    f(a, 2.0)\n}",
    );
    is(
        "    $0if io.start { this.n += 1; }$0\n",
        "this.extracted();",
        "fn extracted() {\n    if io.start { this.n += 1; }\n}",
    );
    is(
        "    switch this.n { 1 => $0this.x = 1.0$0, _ => this.x = 2.0 }",
        "switch this.n { 1 => this.extracted(), _ => this.x = 2.0 }",
        "fn extracted() {\n    this.x = 1.0\n}",
    );
}

#[test]
fn a_variable_lives_on_in_the_next_turn() {
    is(
        "    let a = 0.0;\n    for i in 0..3 { $0a += 1.0;$0 }\n    this.n = 3;\n",
        "let a = 0.0;\n    for i in 0..3 { a = extracted(a); }\n    this.n = 3;",
        "fn extracted(a) {\n    a += 1.0;\n    a\n}",
    );
    is(
        "    for i in 0..3 { let a = 0.0; $0a += 1.0; this.x = a;$0 }\n",
        "for i in 0..3 { let a = 0.0; this.extracted(a); }",
        "fn extracted(a) {\n    a += 1.0; this.x = a;\n}",
    );
}

#[test]
fn a_record_is_copied_and_given_back() {
    is(
        "    let r = #{ a: 0.0 };\n    $0r.a = 1.0;$0\n    this.x = r.a;",
        "let r = #{ a: 0.0 };\n    r = extracted(r);\n    this.x = r.a;",
        "fn extracted(r) {\n    let r = r;\n    r.a = 1.0;\n    r\n}",
    );
    is(
        "    let r = #{ a: 0.0 };\n    $0r.bump();$0\n    this.x = r.a;",
        "let r = #{ a: 0.0 };\n    r = extracted(r);\n    this.x = r.a;",
        "fn extracted(r) {\n    let r = r;\n    r.bump();\n    r\n}",
    );
}

#[test]
fn expressions_are_their_value() {
    is(
        "    let a = 1.0;\n    this.x = f(1.0, $0a + this.r.a$0) * 2.0;",
        "let a = 1.0;\n    this.x = f(1.0, this.extracted(a)) * 2.0;",
        "fn extracted(a) {\n    a + this.r.a\n}",
    );
    is("    this.x = $0this.r$0.a;", "this.x = this.extracted().a;", "fn extracted() {\n    this.r\n}");
}

#[test]
fn what_cannot_be_moved_is_refused() {
    let why = |body: &str| of(body).err().unwrap_or_default();
    let starts = |body: &str, expected: &str| {
        let why = why(body);
        assert!(why.starts_with(expected), "{body}: {why}");
    };
    starts("    $0if io.start { return; }$0\n", "`return` would");
    starts("    for i in 0..3 { $0if io.start { break; }$0 }\n", "`break` is of a loop");
    starts("    while this.n < 3 { this.n += 1; $0continue;$0 }\n", "`continue` is of a loop");
    starts("    $0let a = 1.0; let b = 2.0;$0 this.x = a + b;", "`a` and `b` are both used");
    starts("    $0this.x$0 = 1.0;", "it is a place");
    starts("    $0this.r$0.bump();", "it is a place");
    starts("    $0this.t$0.run(io.start, 1.0);", "it is a place");
    starts("    this.x = $0f$0(1.0, 2.0);", "the name of a function");
    starts("    for i in $00..3$0 { this.n += i; }", "a range");
    starts("    if io.start $0{ this.n += 1; }$0", "select what stands between");
    starts("    this.n = 1; this$0.x = 1.0; this.n$0 = 2;", "select whole statements");
    starts(
        "    let a = 1.0; this.x = if io.start { $0a = 2.0; 3.0$0 } else { 1.0 }; this.x += a;",
        "it has a value",
    );
    starts("    this.n = $0tru$0;", "there are errors");
    starts("    this.on = $0io.lamp$0.green;", "the check would find");
    assert_eq!(why("    $0  $0"), "nothing");
    assert_eq!(
        extracted("const A = $01$0 + 2;\nfn init() { #{ } }\nfn cycle() { }\n"),
        Err("nothing".to_owned())
    );
}

#[test]
fn a_loop_that_is_selected_whole_keeps_its_breaks() {
    is(
        "    $0for i in 0..3 { if io.start { break; } this.n += 1; }$0\n",
        "this.extracted();",
        "fn extracted() {\n    for i in 0..3 { if io.start { break; } this.n += 1; }\n}",
    );
}

#[test]
fn a_library_keeps_it_to_itself() {
    let main =
        "import \"tools\" as tools;\nfn init() { #{ x: 0 } }\nfn cycle() { this.x = tools::twice(2); }\n";
    let library = "/// @param x i64\nfn twice(x) { x * 2 }\n";
    let fixture = Fixture::new(&format!("{main}//- lib/tools.rhai\n{library}"));
    let at = library.find("x * 2").unwrap();
    let found = extract(&fixture.snapshot, "lib/tools.rhai", at..at + 5).unwrap().unwrap();
    assert_eq!(
        apply(library, &found.edits),
        "/// @param x i64\nfn twice(x) { extracted(x) }\n\nprivate fn extracted(x) {\n    x * 2\n}\n"
    );
}

#[test]
fn a_library_s_part_of_the_state_goes_along() {
    let main = "import \"tools\" as tools;\nfn init() { #{ r: tools::part() } }\nfn cycle() { this.r.bump(); io.force = this.r.a; }\n";
    let library = "fn part() { #{ a: 0.0 } }\nfn bump() { if this.a < 9.0 { this.a += 1.0; } }\n";
    let fixture = Fixture::new(&format!("{main}//- lib/tools.rhai\n{library}"));
    let at = library.find("this.a +=").unwrap();
    let found =
        extract(&fixture.snapshot, "lib/tools.rhai", at..at + "this.a += 1.0;".len()).unwrap().unwrap();
    let after = apply(library, &found.edits);
    assert!(
        after.contains("{ this.extracted(); } }\n\nprivate fn extracted() {\n    this.a += 1.0;\n}\n"),
        "{after}"
    );
}

#[test]
fn names_and_ends_of_lines_are_those_of_the_text() {
    let text = extracted("fn init() { #{ x: 0 } }\r\nfn extracted() { 1 }\r\nfn cycle() {\r\n    this.x = $02$0 + extracted();\r\n}\r\n").unwrap();
    assert!(
        text.contains(
            "    this.x = extracted_2() + extracted();\r\n}\r\n\r\nfn extracted_2() {\r\n    2\r\n}\r\n"
        ),
        "{text:?}"
    );
}

proptest::proptest! {
    #[test]
    fn any_selection_of_any_text_is_answered(
        body in "[a-c;{}()=+. 0-9\"\n]{0,40}", first in 0_usize..120, len in 0_usize..60,
    ) {
        let text = format!("fn init() {{ #{{ x: 0 }} }}\nfn cycle() {{ let a = 1; {body}\n this.x = a; }}\n");
        let fixture = Fixture::new(&text);
        if let Some(Ok(found)) = extract(&fixture.snapshot, "programs/main.rhai", first..first + len) {
            let after = Fixture::new(&apply(&text, &found.edits));
            proptest::prop_assert!(!after.snapshot.units[0].analysed.has_errors());
        }
    }
}
