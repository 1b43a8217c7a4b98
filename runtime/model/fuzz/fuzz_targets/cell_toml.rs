//! Any bytes as `cell.toml`: `load` and `render` return, and every finding points into the file.
//!
//! `cargo xtask fuzz cell_toml`, or `cargo +nightly fuzz run cell_toml` in `runtime/model`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensai_model::config::{self, Severity, Style};

fuzz_target!(|bytes: &[u8]| {
    let report = config::load(|path: &str| match path {
        "cell.toml" => Ok(bytes.to_vec()),
        // A cell may name any file; what it finds there is no more to be trusted than itself.
        _ => Ok(bytes.iter().rev().copied().collect()),
    });
    let errors = report.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(report.cell.is_none(), errors);
    for finding in &report.findings {
        let text = report.sources.text(&finding.path).unwrap_or_default();
        assert!(text.get(finding.span.clone()).is_some());
    }
    let _ = report.render(Style::Plain);
});
