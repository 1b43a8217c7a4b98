//! The house rules hold for every tracked file, and each rule catches what it is there for.

use rt_tests::{
    harness::workspace,
    skip,
    tidy::{self, RULES, Rule, Tree},
};
use std::process::Command;

/// The tracked files with their text, which is empty for those that are none, such as pictures; `None` outside of a git
/// checkout.
fn tracked_files() -> Option<Tree> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(workspace()).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let names = String::from_utf8(output.stdout).ok()?;
    let names = names.split('\0').filter(|name| !name.is_empty());
    let text = |name: &str| match std::fs::read_to_string(workspace().join(name)) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Some(String::new()),
        read => read.ok(),
    };
    Some(names.filter_map(|name| Some((name.into(), text(name)?))).collect())
}

#[test]
fn the_project_keeps_its_rules() {
    let Some(tree) = tracked_files() else { skip!("this is no git checkout") };
    assert!(tree.len() > 30, "only {} files found", tree.len());
    let mut broken = String::new();
    for (name, rule) in RULES {
        let places = rule(&tree);
        if !places.is_empty() {
            broken += &format!("\n{name}:\n  {}\n", places.join("\n  "));
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

fn tree(files: &[(&str, &str)]) -> Tree {
    files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect()
}

#[track_caller]
fn catches(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(rule(&tree(files)), expected);
}

#[track_caller]
fn allows(rule: Rule, files: &[(&str, &str)]) {
    catches(rule, files, &[]);
}

#[test]
fn clocks() {
    catches(
        tidy::clocks,
        &[("a/b.rs", "fn f() {\n let t = std::time::Instant::now();\n}\nuse std::time::SystemTime;")],
        &["a/b.rs:2: Instant::now", "a/b.rs:4: SystemTime"],
    );
    allows(
        tidy::clocks,
        &[
            ("a/clock.rs", "Instant::now()"),
            ("a/b.rs", "// Instant::now\n\"SystemTime\""),
            ("a/benches/b.rs", "Instant::now()"),
        ],
    );
}

#[test]
fn cyclic_path() {
    catches(
        tidy::cyclic_path,
        &[("runtime/src/cycle.rs", "x.unwrap();\nlet v = Vec::new();\nformat!(\"\");\nmutex: Mutex<u8>")],
        &[
            "runtime/src/cycle.rs:1: .unwrap()",
            "runtime/src/cycle.rs:2: Vec::new",
            "runtime/src/cycle.rs:3: format!",
            "runtime/src/cycle.rs:4: Mutex",
        ],
    );
    for word in ["RwLock", "println!", "HashMap", "Box::new", ".to_string()", ".expect(", "panic!"] {
        let found =
            tidy::cyclic_path(&tree(&[("fieldbus/src/ethercat/exchange.rs", &format!("a {word} b"))]));
        assert_eq!(found, [format!("fieldbus/src/ethercat/exchange.rs:1: {word}")]);
    }
    allows(
        tidy::cyclic_path,
        &[
            (
                "runtime/src/cycle.rs",
                "// Vec::new\n#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }\nx.unwrap_or(1)",
            ),
            ("runtime/src/setup.rs", "Vec::new()"),
            ("runtime/src/bench/cycle.rs", "println!()"),
            ("rt-tests/tests/cycle.rs", "x.unwrap()"),
        ],
    );
}

#[test]
fn unsafe_addresses() {
    catches(
        tidy::unsafe_addresses,
        &[("a/b.rs", "let x = unsafe { f() };\nunsafe impl Send for X {}\n#[unsafe(no_mangle)]")],
        &[
            "a/b.rs:1: not among the files with unsafe code",
            "a/b.rs:2: not among the files with unsafe code",
            "a/b.rs:3: not among the files with unsafe code",
        ],
    );
    let (listed, _) = tidy::UNSAFE_FILES[0];
    let stale = format!("{listed}: has no unsafe code any more, strike it from the table");
    catches(tidy::unsafe_addresses, &[(listed, "fn safe() {}")], &[&stale]);
    allows(
        tidy::unsafe_addresses,
        &[(listed, "unsafe { f() }"), ("a.rs", "#![deny(unsafe_code)] // unsafe { }")],
    );
}

#[test]
fn unsafe_reasons() {
    catches(
        tidy::unsafe_reasons,
        &[("a.rs", "// SAFETY: too far away\n\n\n\nunsafe { f() }\n")],
        &["a.rs:5: no SAFETY: line above"],
    );
    allows(
        tidy::unsafe_reasons,
        &[
            ("a.rs", "// SAFETY: it is\nlet x =\n    call(unsafe { f() });"),
            ("b.rs", "// SAFETY: a long\n// story\n// in many\n// lines\n// indeed\nunsafe { f() }"),
            ("c.rs", "unsafe fn f() {}\nlet text = \"unsafe { }\";"),
        ],
    );
}

#[test]
fn leftovers() {
    let note = format!("// {}: later", concat!("FIX", "ME"));
    let expected = format!("b.md:1: {}", concat!("FIX", "ME"));
    catches(
        tidy::leftovers,
        &[("a.rs", "todo!()\n#[ignore = \"slow\"]\nunimplemented!()"), ("b.md", &note)],
        &["a.rs:1: todo!", "a.rs:2: #[ignore", "a.rs:3: unimplemented!", &expected],
    );
    allows(tidy::leftovers, &[("a.rs", "// todo! is refused\nlet ignored = 1;")]);
}

#[test]
fn file_lengths() {
    let long = "x\n".repeat(900);
    catches(tidy::file_lengths, &[("a.rs", &long)], &["a.rs: 900 lines, expected fewer than 900"]);
    allows(tidy::file_lengths, &[("a.rs", "x\n".repeat(899).as_str()), ("a.svg", &long)]);
}

#[test]
fn workspace_lints() {
    catches(
        tidy::workspace_lints,
        &[
            ("a/Cargo.toml", "[package]\nname = \"a\""),
            ("b/Cargo.toml", "[package]\nname = \"b\"\n[lints]\nworkspace = false"),
        ],
        &["a/Cargo.toml: no `[lints] workspace = true`", "b/Cargo.toml: no `[lints] workspace = true`"],
    );
    allows(
        tidy::workspace_lints,
        &[
            ("Cargo.toml", "[workspace]"),
            ("a/Cargo.toml", "[package]\nname = \"a\"\n[lints]\nworkspace = true"),
        ],
    );
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!("[package]\nname = \"{name}\"\n{dependencies}")
}

#[test]
fn dependency_directions() {
    let model = manifest("sensai-model", "[dependencies]\nsensai-fieldbus.workspace = true\nlibc = \"0.2\"");
    let odd = manifest("odd", "");
    catches(
        tidy::dependency_directions,
        &[("a/Cargo.toml", &model), ("b/Cargo.toml", &odd)],
        &[
            "odd: a new crate, say in tidy.rs what it may depend on",
            "sensai-model: is pure, must not depend on libc",
            "sensai-model: must not depend on sensai-fieldbus",
        ],
    );
    // Hidden behind another name, and behind another crate.
    let scripts =
        manifest("sensai-scripts", "[target.'cfg(unix)'.dependencies]\nbus = { package = \"ethercrab\" }");
    let lsp = manifest("sensai-lsp", "[dependencies]\nsensai-scripts.workspace = true");
    catches(
        tidy::dependency_directions,
        &[("a/Cargo.toml", &scripts), ("b/Cargo.toml", &lsp)],
        &["sensai-scripts: is pure, must not depend on ethercrab", "sensai-lsp: links ethercrab"],
    );
    let stdlib =
        manifest("sensai-stdlib", "[dependencies]\nsensai-motion = {}\n[dev-dependencies]\nsensai = {}");
    allows(tidy::dependency_directions, &[("a/Cargo.toml", &stdlib)]);
}

#[test]
fn core_without_io() {
    catches(
        tidy::core_without_io,
        &[
            ("stdlib/src/timers.rs", "std::fs::read(x);\nstd::thread::sleep(x)"),
            (
                "stdlib/src/units.rs",
                "\nuse std::{\n    fmt::{self, net},\n    fs::{self, File},\n    net,\n};",
            ),
        ],
        &[
            "stdlib/src/timers.rs:1: std::fs",
            "stdlib/src/timers.rs:2: std::thread",
            "stdlib/src/units.rs:2: std::fs",
            "stdlib/src/units.rs:2: std::net",
        ],
    );
    allows(
        tidy::core_without_io,
        &[
            ("runtime/src/main.rs", "std::fs::read(x)"),
            ("scripts/src/a.rs", "#[cfg(test)]\nmod tests { use std::fs; }\nuse std::{fmt, sync::Arc};"),
        ],
    );
}

#[test]
fn machine_paths() {
    let path = concat!("/ho", "me/");
    let expected = format!("a.toml:2: {path}");
    catches(tidy::machine_paths, &[("a.toml", &format!("x = 1\ny = \"{path}me/x\""))], &[&expected]);
    allows(tidy::machine_paths, &[("a.toml", "y = \"../shared\"\nz = \"$HOME/.cache\"")]);
}

#[test]
fn registry_hosts() {
    let host = concat!("pypi", ".org");
    let expected = format!(".ci/run:1: {host}");
    catches(
        tidy::registry_hosts,
        &[(".ci/run", &format!("pip install -i https://{host}/simple x"))],
        &[&expected],
    );
    allows(tidy::registry_hosts, &[("needs.rs", "pip install pysoem==1.1.13")]);
}

#[test]
fn links() {
    catches(
        tidy::links,
        &[
            ("docs/a.md", "[x](b.md) [y](../gone.md)\n[z](#no-such-heading)\n[out](../../x.md)"),
            ("docs/b.md", "# B\n[a](a.md#a)"),
        ],
        &[
            "docs/a.md:1: ../gone.md leads nowhere",
            "docs/a.md:2: #no-such-heading leads nowhere",
            "docs/a.md:3: ../../x.md leads nowhere",
            "docs/b.md:2: a.md#a leads nowhere",
        ],
    );
    allows(
        tidy::links,
        &[
            (
                "a.md",
                "[b](docs/b.md#the-b-of-it) [web](https://example.test/x) [folder](docs/)\n```\n[c](d)\n```\n`[e](f)`",
            ),
            ("docs/b.md", "## The `B` of it\n[up](../a.md \"title\")"),
        ],
    );
}
