//! Whatever `cell.toml` holds, `load` returns: a cell, or findings that point into the file.

mod common;

use common::{files, press_cell_text};
use proptest::prelude::*;
use sensai_model::config::{self, Severity, Style, schema};

/// What must hold for any bytes.
fn check(bytes: &[u8]) {
    check_report(&config::load(files(bytes)));
}

fn check_report(report: &config::Report) {
    let errors = report.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(report.cell.is_none(), errors);
    for finding in &report.findings {
        let text = report.sources.text(&finding.path).unwrap_or_default();
        assert!(text.get(finding.span.clone()).is_some(), "{finding:?}");
        assert!(finding.line >= 1 && finding.column >= 1, "{finding:?}");
        assert!(!finding.message.contains(|c: char| c.is_control()), "{finding:?}");
    }
    assert_eq!(report.render(Style::Plain).is_empty(), report.findings.is_empty());
}

/// A key, a value or a piece of notation, as a slip of the pen would put it anywhere.
fn token() -> impl Strategy<Value = String> {
    let keys: Vec<&str> = schema::SECTIONS.iter().flat_map(|section| section.keys).copied().collect();
    prop_oneof![
        prop::sample::select(keys).prop_map(str::to_owned),
        prop::sample::select(vec![
            "= ",
            "{",
            "}",
            "[",
            "]",
            "[[",
            "]]",
            ",",
            ".",
            "\"",
            "'''",
            "\n",
            "#",
            "\"inputs.channel_1\"",
            "\"0x6000:01\"",
            "\"1ms\"",
            "\"9999999999h\"",
            "1e400",
            "nan",
            "-inf",
            "0x7fffffffffffffff",
            "99999999999999999999",
            "true",
            "1979-05-27",
            "\"\\u0007\"",
            "\"µm\"",
            "\\",
            "[tags.start]\n",
            "[tags]\n",
            "[devices.x]\n",
            "\u{feff}",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn any_tokens(tokens in prop::collection::vec(token(), 0..60)) {
        check(tokens.concat().as_bytes());
    }

    /// The example with pieces cut out and put in.
    #[test]
    fn the_example_mutated(edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, token()), 1..8)) {
        let mut text: Vec<char> = press_cell_text().chars().collect();
        for (at, cut, put) in edits {
            let start = at.index(text.len());
            let end = (start + cut).min(text.len());
            text.splice(start..end, put.chars());
        }
        check(text.into_iter().collect::<String>().as_bytes());
    }

    /// Bits flipped in the file: mostly no text any more, sometimes another one.
    #[test]
    fn the_example_with_flipped_bits(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..5)) {
        let mut bytes = press_cell_text().into_bytes();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        check(&bytes);
    }
}

/// A cell with all that an axis, a unit, an alarm or a model can have.
const PARTS: &str = r#"[cell]
name = "press"
[tasks.fast]
interval = "1ms"
programs = ["programs/press.rhai"]
[tasks.slow]
interval = "4ms"
priority = 40
programs = ["programs/slow.rhai"]
[devices]
inputs = { type = "EL1008" }
valves = { type = "EL2008" }
force = { type = "EL3104" }
servo = { sii = "esi/two_axes.bin" }
[tags]
door = { input = "inputs.channel_1" }
pressing = { type = "bool" }
force.ram = { input = "force.channel_1.value", scale = 0.1, unit = "N" }
[axes.ram]
drive = "servo"
channel = 2
unit = "mm"
feed = "10 mm"
encoder = 1_048_576
gear = [5, 2]
mode = "csv"
homing = { method = "drive", number = 19, position = 1.5, timeout = "30s" }
limits = { position = [0.0, 50.0], velocity = 200.0, acceleration = 2000.0, jerk = 1e5 }
vertical = true
brake = { release = "60ms", apply = "40ms" }
[units.press]
modes = ["manual", "production"]
programs = ["press"]
acting = ["holding"]
jog = ["ram"]
[[route]]
from = "inputs.channel_2"
to = "valves.channel_2"
[alarms.overload]
id = 1001
when = "force.ram > 1500.0"
hysteresis = 50
delay = "20ms"
reaction = "hold"
unit = "press"
text = { en = "too high", ja = "高すぎます" }
[models.stroke]
file = "models/good.onnx"
inputs = [{ window = "force.ram", len = 2, every = 2, while = "pressing" }, { curve = "force.ram", over = "force.ram", from = 0, to = 4.0, len = 2 }]
trigger = { every = "10ms" }
deadline = 5
score = { output = 0, element = 1 }
[jidoka.stroke]
model = "stroke"
limit = 0.5
"#;

#[test]
fn the_parts_are_clean_before_they_are_mutated() {
    assert_eq!(config::load(files(PARTS.as_bytes())).render(Style::Plain), "");
}

fn mutated(text: &str, edits: Vec<(prop::sample::Index, usize, String)>) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (at, cut, put) in edits {
        let start = at.index(text.len().max(1)).min(text.len());
        let end = (start + cut).min(text.len());
        text.splice(start..end, put.chars());
    }
    text.into_iter().collect()
}

/// Numbers, words and marks where the parts have theirs.
fn piece() -> impl Strategy<Value = String> {
    let words = vec![
        "0",
        "-1",
        "1e300",
        "1e-300",
        "9223372036854775807",
        "true",
        "\"drive\"",
        "\"!door\"",
        "\"ai.stroke.score > 1\"",
        "\"force.ram[3] < -1\"",
        "[]",
        "{}",
        "[[1, 2], [3]]",
        "\"0.1us\"",
        "\"1ms\"",
        "\"csp\"",
        "\"models/two.onnx\"",
        "\"models/golden_of_text.onnx\"",
        "\"models/huge.onnx\"",
        "servo",
        "1000000 mm",
        "\"servo.axis_1\"",
        "\"servo.0x1a10\"",
        "[tasks.x]\ninterval = \"3ms\"\n",
        "[models.y]\nfile = \"models/two.onnx\"\n",
    ];
    prop_oneof![prop::sample::select(words).prop_map(str::to_owned), token()]
}

proptest! {
    #[test]
    fn the_parts_mutated(edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, piece()), 1..6)) {
        check(mutated(PARTS, edits).as_bytes());
    }

    /// A value of the parts, whole, by another.
    #[test]
    fn the_parts_with_other_values(at in any::<prop::sample::Index>(), put in piece()) {
        let lines: Vec<&str> = PARTS.lines().collect();
        let at = at.index(lines.len());
        let changed = lines[at].split_once(" = ").map_or(put.clone(), |(key, _)| format!("{key} = {put}"));
        let text: Vec<&str> = lines.iter().enumerate().map(|(i, line)| if i == at { changed.as_str() } else { line }).collect();
        check(text.join("\n").as_bytes());
    }

    /// A model's description is no more to be trusted than the cell.
    #[test]
    fn descriptions_mutated(edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, piece()), 1..6)) {
        let description = mutated(&common::models::good(), edits).into_bytes();
        let parts = files(PARTS.as_bytes());
        check_report(&config::load(|path: &str| match path {
            "models/good.toml" => Ok(description.clone()),
            path => parts(path),
        }));
    }
}

/// Nesting is bounded by the parser, lengths and counts by the limits: nothing here may take long or end the process.
#[test]
fn extremes() {
    let deep = format!("[tags]\na = {}1{}", "{ b = ".repeat(5_000), " }".repeat(5_000));
    let brackets = "[".repeat(100_000);
    let dotted = format!("[{}]\n", vec!["a"; 20_000].join("."));
    let long_name = format!("[tags]\n{} = {{ type = \"i64\" }}\n", "a".repeat(100_000));
    let long_device = format!("[tags]\na = {{ input = \"{}.x\" }}\n[devices]\n", "b".repeat(100_000));
    let escape = "[tags]\na = { type = \"\\u001b[31m\" }\n".to_owned();
    let many_keys: String = (0..5_000).map(|i| format!("k{i} = {i}\n")).collect();
    for text in [deep, brackets, dotted, long_name, long_device, escape, many_keys] {
        check(text.as_bytes());
    }
}
