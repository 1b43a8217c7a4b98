//! What is found suspicious in small programs.

use super::{Cell, hir, program};
use crate::ranges::{RangeFindingKind, examine};

/// Findings, each with the text it is about.
fn found(text: &str) -> Vec<(String, RangeFindingKind)> {
    let cell = Cell::new();
    let hir = hir(text, &cell.environment());
    let examined = examine(&hir, &cell.environment());
    let written =
        |start: u32, end: u32| text.get(start as usize..end as usize).unwrap_or_default().to_owned();
    examined
        .findings
        .into_iter()
        .map(|finding| (written(finding.span.start, finding.span.end), finding.kind))
        .collect()
}

fn check(state: &str, body: &str, expected: &[&str]) {
    let found = found(&program(state, body));
    let said: Vec<String> =
        found.iter().map(|(written, kind)| format!("{written}: {}", brief(kind))).collect();
    assert_eq!(said, expected, "{body}");
}

fn brief(kind: &RangeFindingKind) -> String {
    match kind {
        RangeFindingKind::Always(value) => format!("always {value}"),
        RangeFindingKind::NeverThisText { pattern, .. } => format!("never this text {pattern:?}"),
        RangeFindingKind::NeverFits { arm, pattern } => format!("never fits {arm} {pattern}"),
        RangeFindingKind::DividesByZero { surely, divisor } => {
            format!("divides by zero {surely} {}..{}", divisor.low(), divisor.high())
        }
        RangeFindingKind::IndexOutside { surely, index, len } => {
            format!("index outside {surely} {}..{} of {len}", index.low(), index.high())
        }
        RangeFindingKind::OutsideTag { surely, saturates, .. } => format!("outside {surely} {saturates}"),
        RangeFindingKind::Fails => "fails".to_owned(),
    }
}

#[test]
fn a_text_that_is_never_given() {
    let state = "step: \"idle\", n: 0";
    check(
        state,
        "if io.start { this.step = \"run\"; } if this.step == \"rum\" { this.n = 1; }",
        &["this.step == \"rum\": never this text None"],
    );
    check(
        state,
        "switch this.step { \"idle\" => { this.step = \"run\"; } \"stop\" => { this.n = 2; } \"run\" => {} }",
        &["this.step: never this text Some((1, 0))"],
    );
    check(
        state,
        "this.step = if io.start { \"run\" } else { \"idle\" }; io.lamp = this.step != \"run\";",
        &[],
    );
}

#[test]
fn a_condition_that_is_always_the_same() {
    check("n: 0", "if param.batch >= 0 { this.n = 1; }", &["param.batch >= 0: always true"]);
    check("n: 0", "io.lamp = param.batch > 7 || io.start;", &["param.batch > 7: always false"]);
    check("n: 0, verbose: false", "if this.verbose { this.n = 1; }", &["this.verbose: always false"]);
    check("n: 0, verbose: false", "if this.verbose { this.n = 1; } this.verbose = io.start;", &[]);
    check(
        "n: 0",
        "if this.n < 3 { this.n += 1; } else { this.n = 0; } io.lamp = this.n == 5;",
        &["this.n == 5: always false"],
    );
    check("n: 0", "while true { this.n = 1; break; } if 3 > 2 { this.n = 2; }", &[]);
}

#[test]
fn a_divisor_that_can_be_zero() {
    check("n: 0", "this.n = 1000 / param.batch;", &["1000 / param.batch: divides by zero false 0..7"]);
    check("n: 0", "if param.batch > 0 { this.n = 1000 / param.batch; }", &[]);
    check("n: 0", "this.n = 1000 / param.any;", &[]);
    check("n: 4", "let zero = this.n - this.n; this.n %= 0;", &["this.n %= 0;: divides by zero true 0..0"]);
}

#[test]
fn a_value_outside_of_its_tag() {
    check("n: 0", "io.valve = if io.start { 12.0 } else { 0.0 };", &["12.0: outside true false"]);
    check("n: 0", "io.count = io.byte;", &["io.byte: outside false false"]);
    check("n: 0", "io.count = min(io.byte, 100);", &[]);
    check("n: 0", "io.limited = 7;", &["7: outside true true"]);
}

#[test]
fn an_index_that_is_outside() {
    check("a: [1, 2, 3]", "for i in 0..=3 { this.a[i] = 0; }", &["i: index outside false 0..3 of 3"]);
    check("a: [1, 2, 3]", "let i = 3; this.a[i] = 0;", &["i: index outside true 3..3 of 3"]);
    check("a: [1, 2, 3], n: 0", "this.a[this.n] = 0; this.n = param.any;", &[]);
}

#[test]
fn what_always_faults() {
    check("x: 0.0", "let n = to_int(1e300); io.count = n;", &["to_int(1e300): fails"]);
}

#[test]
fn one_instance_in_which_all_is_well_is_enough() {
    let text = "fn init() { #{ n: 0, x: 0.0 } }
        fn low(v) { v < 3 }
        fn cycle() { io.lamp = low(1); io.lamp = low(1.0); if low(param.gain * 10.0) { this.n = 0; } this.x = 0.0; }";
    assert_eq!(found(text), []);
}
