//! The house rules. Each is a function over texts that names everything that breaks it; `tests/tidy.rs` runs them over
//! the tracked files.

use crate::rust_text::{code_only, without_tests};
use std::collections::{BTreeMap, BTreeSet};

/// Files of the project: path from the top, with `/`, and text.
pub type Tree = BTreeMap<String, String>;

/// A rule: one line for each place that breaks it.
pub type Rule = fn(&Tree) -> Vec<String>;

/// Every rule by its name.
pub const RULES: &[(&str, Rule)] = &[
    ("only clock.rs reads a clock", clocks),
    ("the cyclic path does not allocate, lock, format or panic", cyclic_path),
    ("unsafe code has an address", unsafe_addresses),
    ("unsafe code says why it is sound", unsafe_reasons),
    ("nothing is left undone", leftovers),
    ("files stay readable", file_lengths),
    ("every crate takes the workspace's lints", workspace_lints),
    ("dependencies point one way", dependency_directions),
    ("the core does no I/O", core_without_io),
    ("no machine's paths", machine_paths),
    ("no registry's hosts", registry_hosts),
    ("links between documents resolve", links),
];

/// Where unsafe code may be, and why it has to be there.
pub const UNSAFE_FILES: &[(&str, &str)] = &[
    (
        "runtime/src/rt.rs",
        "scheduler, affinity, memory locking, absolute sleep: system calls without a wrapper",
    ),
    ("runtime/log/src/ring.rs", "records are filled in place in memory shared with the writer"),
    ("runtime/src/inference/library.rs", "ONNX Runtime is kept silent by a variable of the environment"),
    ("runtime/src/inference/ort_engine.rs", "runs of ONNX Runtime go through its C interface"),
    ("stdlib/inference/src/wide.rs", "code for a feature that the processor was asked about"),
    ("runtime/alloc-count/src/rust.rs", "a global allocator is an unsafe trait"),
    ("runtime/alloc-count/src/c_malloc.rs", "defines the C allocator's entry points"),
    ("runtime/alloc-count/tests/counting.rs", "calls C functions that allocate"),
    ("fieldbus/src/wire/raw_socket.rs", "packet sockets: system calls without a wrapper"),
    ("fieldbus/src/clock.rs", "clock_gettime without a wrapper that could allocate"),
    ("scripts/src/native/shims.rs", "compiled programs are entered by address, and call back with pointers"),
    ("scripts/src/native/pages.rs", "instructions that make caches see new code"),
];

/// Crate → crates of the workspace it may depend on, outside of its tests. Pure crates are those in [`PURE`].
const DEPENDENCIES: &[(&str, &[&str])] = &[
    ("sensai-devices", &[]),
    ("sensai-model", &["sensai-devices"]),
    ("sensai-motion", &["sensai-model"]),
    ("sensai-inference", &["sensai-model"]),
    ("sensai-alloc-count", &[]),
    ("sensai-log", &["sensai-model"]),
    ("sensai-stdlib", &["sensai-model", "sensai-devices", "sensai-motion", "sensai-inference"]),
    (
        "sensai-scripts",
        &["sensai-stdlib", "sensai-model", "sensai-devices", "sensai-motion", "sensai-inference"],
    ),
    ("sensai-fieldbus", &["sensai-model", "sensai-devices"]),
    ("sensai-lsp", &["sensai-scripts", "sensai-stdlib", "sensai-model", "sensai-devices"]),
    (
        "sensai",
        &[
            "sensai-alloc-count",
            "sensai-devices",
            "sensai-fieldbus",
            "sensai-inference",
            "sensai-log",
            "sensai-lsp",
            "sensai-model",
            "sensai-motion",
            "sensai-scripts",
            "sensai-stdlib",
        ],
    ),
    (
        "rt-tests",
        &[
            "sensai",
            "sensai-alloc-count",
            "sensai-devices",
            "sensai-fieldbus",
            "sensai-inference",
            "sensai-log",
            "sensai-lsp",
            "sensai-model",
            "sensai-motion",
            "sensai-scripts",
            "sensai-stdlib",
        ],
    ),
    ("script-fuzz", &["sensai-model", "sensai-motion", "sensai-scripts", "sensai-stdlib"]),
    ("xtask", &[]),
];

/// Crates that know no files, sockets, threads or clocks, and the folder of each.
const PURE: &[(&str, &str)] = &[
    ("sensai-devices", "fieldbus/devices/src/"),
    ("sensai-model", "runtime/model/src/"),
    ("sensai-motion", "stdlib/motion/src/"),
    ("sensai-inference", "stdlib/inference/src/"),
    ("sensai-stdlib", "stdlib/src/"),
    ("sensai-scripts", "scripts/src/"),
];

/// Crates from outside that do what a pure crate must not.
const IMPURE_CRATES: &[&str] = &[
    "core_affinity",
    "crossbeam",
    "embassy-time-driver",
    "ethercrab",
    "libc",
    "memmap2",
    "ort",
    "seccompiler",
    "signal-hook",
    "tempfile",
];

/// What a pure crate may use of them all the same: memory without a file, for compiled programs to run in.
const IMPURE_NEEDS: &[(&str, &str)] = &[("sensai-scripts", "memmap2")];

/// Lines with a word of `words`, in the code of the files that `wanted` selects.
fn words_in_code(
    tree: &Tree,
    wanted: impl Fn(&str) -> bool,
    words: &[&str],
    code: fn(&str) -> String,
) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".rs") && wanted(path)) {
        for (number, line) in code(text).lines().enumerate() {
            for word in words.iter().filter(|word| has_word(line, word)) {
                found.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    found
}

/// Whether `word` occurs and is not the end or the beginning of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let opens = word.starts_with(name) && before.is_some_and(name);
        let closes = word.ends_with(name) && after.is_some_and(name);
        !opens && !closes
    })
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Time is an argument; clippy sees calls, this also sees names that are only imported. Programs that only measure are
/// no part of what runs.
pub fn clocks(tree: &Tree) -> Vec<String> {
    let measures = |path: &str| path.contains("/benches/") || path.contains("/examples/");
    let wanted = |path: &str| file_name(path) != "clock.rs" && !measures(path);
    words_in_code(tree, wanted, &["Instant::now", "SystemTime"], code_only)
}

/// Files that run inside the cycle, without their tests.
pub fn cyclic_path(tree: &Tree) -> Vec<String> {
    const WORDS: &[&str] = &[
        "Mutex",
        "RwLock",
        "RefCell",
        "HashMap",
        "BTreeMap",
        "format!",
        "print!",
        "println!",
        "eprint!",
        "eprintln!",
        "vec!",
        "Vec::new",
        "Vec::with_capacity",
        "Box::new",
        "Arc::new",
        "Rc::new",
        "String::",
        ".to_string()",
        ".to_owned()",
        ".to_vec()",
        ".collect()",
        ".collect::<",
        ".unwrap()",
        ".expect(",
        "panic!",
        "unreachable!",
    ];
    let cyclic = |path: &str| {
        (path.ends_with("cycle.rs") || path.ends_with("exchange.rs"))
            && !path.starts_with("rt-tests/")
            && !path.contains("/tests/")
            && !path.contains("/benches/")
            // The commands that measure the cycle stand beside it and print.
            && !path.contains("/bench/")
    };
    words_in_code(tree, cyclic, WORDS, |text| without_tests(&code_only(text)))
}

/// Numbers of the lines with unsafe code; an `unsafe fn` only passes the duty on to its callers.
fn unsafe_lines(text: &str) -> Vec<usize> {
    let code = code_only(text);
    let lines = code.lines().enumerate();
    lines
        .filter(|(_, line)| {
            line.match_indices("unsafe").any(|(at, word)| {
                let after = line.get(at + word.len()..).unwrap_or_default();
                has_word(line, word) && !after.trim_start().starts_with("fn ") && !after.starts_with("_code")
            })
        })
        .map(|(index, _)| index)
        .collect()
}

/// Unsafe code only in the files of [`UNSAFE_FILES`], and no row of that table without need.
pub fn unsafe_addresses(tree: &Tree) -> Vec<String> {
    let allowed = |path: &str| UNSAFE_FILES.iter().any(|(file, _)| *file == path);
    let mut found = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".rs") && !allowed(path)) {
        let lines = unsafe_lines(text);
        found.extend(
            lines.iter().map(|index| format!("{path}:{}: not among the files with unsafe code", index + 1)),
        );
    }
    for (path, _) in UNSAFE_FILES {
        if tree.get(*path).is_some_and(|text| unsafe_lines(text).is_empty()) {
            found.push(format!("{path}: has no unsafe code any more, strike it from the table"));
        }
    }
    found
}

/// A `SAFETY:` comment on the line or ending within the three lines above.
pub fn unsafe_reasons(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".rs")) {
        let lines: Vec<&str> = text.lines().collect();
        for index in unsafe_lines(text) {
            if !has_reason(&lines, index) {
                found.push(format!("{path}:{}: no SAFETY: line above", index + 1));
            }
        }
    }
    found
}

fn has_reason(lines: &[&str], index: usize) -> bool {
    let comment = |index: usize| lines.get(index).is_some_and(|line| line.trim_start().starts_with("//"));
    let mut first = index.saturating_sub(3);
    // A comment counts as a whole, however long it is.
    while first > 0 && comment(first) && comment(first - 1) {
        first -= 1;
    }
    lines.get(first..=index).is_some_and(|above| above.iter().any(|line| line.contains("SAFETY:")))
}

/// Stubs, switched-off tests and notes to oneself.
pub fn leftovers(tree: &Tree) -> Vec<String> {
    let mut found = words_in_code(tree, |_| true, &["todo!", "unimplemented!", "#[ignore"], code_only);
    // In parts, or this file would find itself.
    let notes = [concat!("FIX", "ME"), concat!("XX", "X")];
    for (path, text) in tree.iter().filter(|(path, _)| !is_licence(path)) {
        for (number, line) in text.lines().enumerate() {
            let note = notes.iter().find(|note| has_word(line, note));
            found.extend(note.map(|note| format!("{path}:{}: {note}", number + 1)));
        }
    }
    found
}

fn is_licence(path: &str) -> bool {
    file_name(path).starts_with("LICENSE")
}

/// A file is one concept.
pub fn file_lengths(tree: &Tree) -> Vec<String> {
    const LINES_MAX: usize = 900;
    let source =
        |path: &str| [".rs", ".rhai", ".py", ".ts", ".mjs", ".sh"].iter().any(|end| path.ends_with(end));
    tree.iter()
        .filter(|(path, _)| source(path))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines >= LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines, expected fewer than {LINES_MAX}"))
        .collect()
}

/// The workspace's crates: manifest path, name, manifest. A crate that is a workspace of its own (fuzz targets) keeps its
/// own rules.
fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, String, toml::Table)> {
    tree.iter().filter(|(path, _)| file_name(path) == "Cargo.toml").filter_map(|(path, text)| {
        let manifest: toml::Table = text.parse().ok()?;
        if path.contains('/') && manifest.contains_key("workspace") {
            return None;
        }
        let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
        Some((path.as_str(), name, manifest))
    })
}

/// The lints are written once, at the top.
pub fn workspace_lints(tree: &Tree) -> Vec<String> {
    manifests(tree)
        .filter(|(.., manifest)| {
            let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace"));
            inherits.and_then(toml::Value::as_bool) != Some(true)
        })
        .map(|(path, ..)| format!("{path}: no `[lints] workspace = true`"))
        .collect()
}

/// What a crate depends on when it is built, tests apart.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let tables = std::iter::once(manifest).chain(targets.filter_map(|(_, target)| target.as_table()));
    tables
        .flat_map(|table| [table.get("dependencies"), table.get("build-dependencies")])
        .flatten()
        .filter_map(toml::Value::as_table)
        .flat_map(|dependencies| dependencies.iter())
        .map(|(key, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned())
        .collect()
}

/// DESIGN.md, "Crates": pure crates at the bottom, and the language server without the bus.
pub fn dependency_directions(tree: &Tree) -> Vec<String> {
    let graph: BTreeMap<String, BTreeSet<String>> =
        manifests(tree).map(|(_, name, manifest)| (name, dependencies(&manifest))).collect();
    let mut found = Vec::new();
    for (name, needs) in &graph {
        let Some((_, allowed)) = DEPENDENCIES.iter().find(|(known, _)| known == name) else {
            found.push(format!("{name}: a new crate, say in tidy.rs what it may depend on"));
            continue;
        };
        let pure = PURE.iter().any(|(known, _)| known == name);
        for need in needs {
            let inside = DEPENDENCIES.iter().any(|(known, _)| known == need);
            if inside && !allowed.contains(&need.as_str()) {
                found.push(format!("{name}: must not depend on {need}"));
            }
            let excused = IMPURE_NEEDS.contains(&(name.as_str(), need.as_str()));
            if pure && !excused && IMPURE_CRATES.contains(&need.as_str()) {
                found.push(format!("{name}: is pure, must not depend on {need}"));
            }
        }
    }
    for unwanted in ["sensai-fieldbus", "ethercrab"] {
        if reachable(&graph, "sensai-lsp").contains(unwanted) {
            found.push(format!("sensai-lsp: links {unwanted}"));
        }
    }
    found
}

fn reachable(graph: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(name) = next.pop() {
        for need in graph.get(&name).into_iter().flatten() {
            if seen.insert(need.clone()) {
                next.push(need.clone());
            }
        }
    }
    seen
}

/// Modules of `std` that reach the operating system.
const STD_IO: &[&str] = &["env", "fs", "net", "os", "process", "thread"];

/// Pure crates name nothing of the operating system.
pub fn core_without_io(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let pure = |path: &str| {
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
        path.ends_with(".rs") && !is_test && PURE.iter().any(|(_, folder)| path.starts_with(folder))
    };
    for (path, text) in tree.iter().filter(|(path, _)| pure(path)) {
        let code = without_tests(&code_only(text));
        for (at, root) in code.match_indices("std::") {
            let inside = code.get(at + root.len()..).unwrap_or_default();
            let line = code.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
            let modules = names_at_the_top(inside).into_iter().filter(|name| STD_IO.contains(name));
            found.extend(modules.map(|module| format!("{path}:{line}: std::{module}")));
        }
    }
    found
}

/// The first names of a path or of a group of paths: `fs::File` gives `fs`, `{fmt, fs::{self, File}}` gives both.
fn names_at_the_top(path: &str) -> Vec<&str> {
    let name = |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let Some(group) = path.strip_prefix('{') else { return path.get(..name(path)).into_iter().collect() };
    let mut depth = 0_usize;
    let mut names = Vec::new();
    let mut fresh = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && !c.is_whitespace() => {
                let rest = group.get(at..).unwrap_or_default();
                names.extend(rest.get(..name(rest)));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// Paths that are true on one machine only.
pub fn machine_paths(tree: &Tree) -> Vec<String> {
    let roots = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    texts_found(tree, &roots)
}

/// Where packages come from is the business of each machine's settings.
pub fn registry_hosts(tree: &Tree) -> Vec<String> {
    let hosts = [
        concat!("pypi", ".org"),
        concat!("pythonhosted", ".org"),
        concat!("registry.npmjs", ".org"),
        concat!("static.crates", ".io"),
        concat!("index.crates", ".io"),
        concat!("deb.debian", ".org"),
        concat!("security.debian", ".org"),
        concat!("proxy.golang", ".org"),
        concat!("artif", "actory"),
    ];
    texts_found(tree, &hosts)
}

fn texts_found(tree: &Tree, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| !is_licence(path)) {
        for (number, line) in text.lines().enumerate() {
            let hit = texts.iter().find(|text| line.contains(**text));
            found.extend(hit.map(|hit| format!("{path}:{}: {hit}", number + 1)));
        }
    }
    found
}

/// Relative links of Markdown files lead to tracked files or folders, and their anchors to headings.
pub fn links(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".md")) {
        for (number, target) in link_targets(text) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let resolved = if file.is_empty() { Some(path.clone()) } else { resolve(path, file) };
            let folder =
                |at: &str| at.is_empty() || tree.keys().any(|file| file.starts_with(&format!("{at}/")));
            match resolved {
                Some(at) if tree.get(&at).is_some_and(|text| has_anchor(text, anchor)) => {}
                Some(at) if anchor.is_empty() && folder(&at) => {}
                _ => found.push(format!("{path}:{number}: {target} leads nowhere")),
            }
        }
    }
    found
}

/// Line number and target of each relative link outside of code.
fn link_targets(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut targets = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            // Every second part between backticks is code.
            for part in line.split('`').step_by(2) {
                let links = part.split("](").skip(1).filter_map(|rest| rest.split(')').next());
                let links = links.filter_map(|link| link.split_whitespace().next());
                let relative = links.filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
                targets.extend(relative.map(|link| (index + 1, link)));
            }
        }
    }
    targets
}

/// `link` as seen from the file `from`; `None` outside of the tree.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a heading makes this anchor, as GitHub derives them.
fn has_anchor(text: &str, anchor: &str) -> bool {
    let slug = |heading: &str| -> String {
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
    };
    let headings = text.lines().filter(|line| line.starts_with('#'));
    anchor.is_empty() || headings.map(|line| slug(line.trim_start_matches('#'))).any(|found| found == anchor)
}
