//! The pages about findings that need a whole cell hold what they say.

#[path = "../../scripts/tests/suite/page.rs"]
#[allow(dead_code, reason = "the tests of the scripts use the rest of it")]
mod page;

use page::{Example, Kind, Mark, cell_text, examples, read};
use sensai::source::Source;
use sensai_model::config::{FILE_NAME, Finding};
use sensai_scripts::pages;

/// Codes of the runtime that no computer has to be asked for.
const CODES: [&str; 7] = ["R101", "R102", "R103", "R104", "R110", "R111", "R112"];

fn check(group: &[&Example]) -> Vec<Finding> {
    let programs: Vec<&Example> = group.iter().copied().filter(|example| !example.is_cell).collect();
    let tables: Vec<&str> =
        group.iter().filter(|example| example.is_cell).map(|example| example.text.as_str()).collect();
    Source::read(|path| read(&programs, &tables, path)).findings
}

/// Code and line of each finding; the line within the example.
fn places(group: &[&Example], found: &[Finding]) -> Vec<(String, u32, u32)> {
    let tables: Vec<&str> =
        group.iter().filter(|example| example.is_cell).map(|example| example.text.as_str()).collect();
    let before = tables.first().map_or(0, |table| {
        let text = cell_text(&[], &tables);
        text[..text.find(table).unwrap()].lines().count() as u32
    });
    let line =
        |finding: &Finding| if finding.path == FILE_NAME { finding.line - before } else { finding.line };
    found.iter().map(|finding| (finding.code.to_owned(), line(finding), finding.column)).collect()
}

fn show(found: &[Finding]) -> String {
    found.iter().map(|finding| format!("{finding}\n")).collect()
}

#[test]
fn a_wrong_example_has_the_page_s_finding_where_it_is_marked_and_no_other() {
    for code in CODES {
        let examples = examples(pages::page(code).unwrap());
        let group: Vec<&Example> = examples.iter().filter(|example| example.kind == Kind::Wrong).collect();
        let found = check(&group);
        let marks = group.iter().flat_map(|example| example.marks.iter());
        let expected: Vec<(String, u32, u32)> =
            marks.map(|Mark { line, column, .. }| (code.to_owned(), *line, *column)).collect();
        assert!(!expected.is_empty(), "{code} marks nothing");
        assert_eq!(places(&group, &found), expected, "{code}:\n{}", show(&found));
    }
}

#[test]
fn a_right_example_has_no_findings() {
    for code in pages::codes().filter(|code| code.starts_with('R')) {
        let examples = examples(pages::page(code).unwrap());
        let group: Vec<&Example> = examples.iter().filter(|example| example.kind == Kind::Right).collect();
        assert!(!group.is_empty(), "{code} shows nothing right");
        let found = check(&group);
        assert!(found.is_empty(), "{code}:\n{}", show(&found));
    }
}
