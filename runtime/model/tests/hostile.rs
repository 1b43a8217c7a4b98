//! Whatever `cell.toml` holds, `load` returns: a cell, or findings that point into the file.

mod common;

use common::{files, press_cell_text};
use proptest::prelude::*;
use sensai_model::config::{self, Severity, Style, schema};

/// What must hold for any bytes.
fn check(bytes: &[u8]) {
    let report = config::load(files(bytes));
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
