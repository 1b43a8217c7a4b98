//! Texts that nobody writes: without an end, and deeper than any stack.

use sensai_scripts::syntax::{Parse, parse};

/// A tree that covers the text, also where the stack is small.
fn parse_on_small_stack(text: String) -> Parse {
    let run = move || {
        let parse = parse(&text);
        assert_eq!(parse.syntax().text(), text.as_str());
        parse
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap()
}

#[test]
fn what_is_nested_without_end_is_one_error() {
    let openings = [
        "(",
        "[",
        "{",
        "#{ a: ",
        "f(",
        "a.b(",
        "a[",
        "- ",
        "!",
        "|x| ",
        "|| ",
        "if a {",
        "if (",
        "while a {",
        "loop {",
        "do {",
        "for a in b {",
        "try {",
        "switch a { 1 => ",
        "switch a { 1 if ",
        "a + (",
        "a ** ",
        "a ?? ",
        "`${",
        "x = { ",
        "let a = { ",
        "return { ",
        "try { } catch { ",
        "if a { } else { ",
    ];
    for opening in openings {
        let parse = parse_on_small_stack(format!("fn f() {{ {} }}\n", opening.repeat(50_000)));
        let errors: Vec<&str> = parse.errors().iter().map(|error| error.message.as_str()).collect();
        let deep = errors.iter().filter(|message| message.starts_with("nested too deeply")).count();
        assert_eq!(deep, 1, "{opening:?}: {:?}", errors.iter().take(5).collect::<Vec<_>>());
        assert!(errors.len() <= 4, "{opening:?}: {errors:?}");
    }
}

#[test]
fn chains_without_end_are_one_error() {
    for (start, link) in [
        ("a", " + a"),
        ("a", ".b"),
        ("a", "[0]"),
        ("a", ".b(1)"),
        ("a", " && a"),
        ("if a { }", " else if a { }"),
    ] {
        let parse =
            parse_on_small_stack(format!("fn f() {{ {start}{} }}\nfn g() {{ }}\n", link.repeat(50_000)));
        let errors: Vec<&str> = parse.errors().iter().map(|error| error.message.as_str()).collect();
        assert!(errors.len() == 1 && errors[0].starts_with("nested too deeply"), "{link:?}: {errors:?}");
        // The function behind it is there.
        assert_eq!(parse.root().functions().count(), 2, "{link:?}");
    }
}

#[test]
fn chains_of_sixty_are_fine() {
    for (start, link) in [("a", " + a"), ("a", ".b"), ("a", "[0]"), ("if a { }", " else if a { }")] {
        let parse = parse(&format!("fn f() {{ {start}{} }}\n", link.repeat(60)));
        assert!(parse.is_ok(), "{link:?}: {:?}", parse.errors());
    }
}

#[test]
fn any_bytes_make_a_tree() {
    for first in 0..=255_u8 {
        for second in
            [0, b'"', b'`', b'\'', b'\\', b'#', b'/', b'*', b'$', b'{', b'}', b'\n', b'\r', b'0', b'e', 0xe2]
        {
            let bytes = [first, second, first, second, second];
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(parse(&text).syntax().text(), &*text, "{text:?}");
        }
    }
}
