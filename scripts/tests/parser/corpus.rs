//! Programs that people wrote.

use std::path::{Path, PathBuf};

/// A file and its text.
pub struct Program {
    pub path: PathBuf,
    pub text: String,
}

/// All programs of the examples, in the order of their paths.
pub fn examples() -> Vec<Program> {
    let mut paths = Vec::new();
    find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples"), &mut paths);
    paths.sort();
    assert!(paths.len() >= 4, "{paths:?}");
    let read = |path: PathBuf| Program { text: std::fs::read_to_string(&path).unwrap(), path };
    paths.into_iter().map(read).collect()
}

/// Those of the examples, and some that have all of the language in them.
pub fn programs() -> Vec<Program> {
    let mut programs = examples();
    let texts = [LANGUAGE, STATEMENTS, EXPRESSIONS];
    programs.extend(texts.map(|text| Program { path: "corpus.rs".into(), text: text.to_owned() }));
    programs
}

/// The top level.
const LANGUAGE: &str = r###"
/// A constant.
const LIMIT = 0x_ff + 1_000; // counts
import "units" as units;
export const EXPORTED = units::MM;
let state = #{ a: 1, "b c": [1, 2.5, 'x'], `d`: (), };
export state as public_state;

/** Two
    lines. */
private fn helper(a, b,) { a + b }

/// @param x f64 [mm]
fn int.doubled() { this * 2 }
fn "My Type".name() { this.name }
fn empty() {}

if state.a == 1 { print("one") } else if state.a in 2..=3 { debug("two") } else { }
helper(1, 2)
"###;

/// Statements in functions.
const STATEMENTS: &str = r###"
fn cycle() {
    let x; const Y = -1;
    this.a.b[x].c += 2; x = Y; this = x; x **= 2; x <<= 1;
    switch this.step {
        "one" | "two" if x > 1 => this.next(),
        0..5 | 7..=9 => { x -= 1; }
        'c' | true | () => return,
        [1, 2] | #{ a: 1 } | Fn("helper") => let z = 1,
        _ => if x { break_it() } else { go_on() }
    }
    while x < 10 { x += 1; if x == 5 { continue; } }
    loop { break x; }
    do { x -= 1 } until x < 0;
    do { x += 1 } while x < 10;
    for value in [1, 2, 3] { this.sum += value; }
    for (value, index) in 0..10 { { { ; } } this.at[index] = value }
    try { throw "wrong"; } catch (error) { print(error) }
    try { this.run() } catch { throw }
    import "other";
    x
}
"###;

/// Expressions in functions.
const EXPRESSIONS: &str = r###"
fn expressions(a, b) {
    let all = a + b - 1 * 2 / 3 % 4 ** 5 ** 6 << 7 >> 8 & 9 | 10 ^ 11;
    let logic = !a && b || a == b != (a < b) && a <= b || a > b && a >= b;
    let member = a in b || a !in [b] && (a ?? b ?? return 1);
    let chain = a?.b.c(1, 2)?.d[3].e!(5).f + a.b?[4] + math::pi() + math::consts::E;
    let closures = [|x| x + 1, || 2, |x, y,| { x * y }, |x| let y = x];
    let text = `one ${a} two ${ `nested ${b + { 1 }}` }
        three \${a} ``four`` $`;
    let raw = #"no \escape"# + ##"a "# b"##;
    let value = if a { b } else { switch b { 1 => 2, _ => loop { break 3 } } };
    let numbers = [0, 1., 1.5e-3, -1.abs(), - 1.abs(), 0b11, 0o17, 9223372036854775808, -9223372036854775808];
    let escapes = "a\n\t\\\"\x41\u20ac\U0001F600 \
        more ""quoted""" + 'a' + '\'' + '\n';
    helper!(a); (helper)(b); type_of(a); a.type_of(); [..]; [a..]; (..b); (a..=b)
}
"###;

fn find(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rhai") {
            found.push(path);
        }
    }
}
