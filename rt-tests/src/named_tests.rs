//! Tests that documents name, as `` `path/of/file.rs::name` ``.

use crate::harness::workspace;
use std::fs;

/// Of the rows of a table, their cells. Rows are told by what they begin with.
pub fn rows(document: &str, begin: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(workspace().join(document)).expect("the document is there");
    let cells = |line: &str| {
        let line = line.trim().trim_start_matches('|').trim_end_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    text.lines().filter(|line| line.starts_with(begin)).map(cells).collect()
}

/// What stands between backticks and names a test: file and function.
pub fn tests_of(cell: &str) -> Vec<(String, String)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|name| name.split_once(".rs::"))
        .map(|(file, test)| (format!("{file}.rs"), test.to_owned()))
        .collect()
}

/// What is wrong with the tests that a cell names; nothing if they exist.
pub fn mistakes_of(cell: &str) -> Vec<String> {
    tests_of(cell)
        .into_iter()
        .filter_map(|(file, test)| match fs::read_to_string(workspace().join(&file)) {
            Ok(text) if has_test(&text, &test) => None,
            Ok(_) => Some(format!("{file} has no test `{test}`")),
            Err(error) => Some(format!("{file}: {error}")),
        })
        .collect()
}

/// The file has a function of this name directly below `#[test]`, other attributes and `proptest!` syntax allowed.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let function = format!("fn {name}(");
    lines.iter().enumerate().any(|(number, line)| {
        let above = || {
            lines[..number].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"))
        };
        line.starts_with(&function) && above().any(|line| *line == "#[test]")
    })
}

#[test]
fn tests_are_functions_below_their_attribute() {
    let text = "#[test]\n// why\nfn one() {}\n\nfn two() {}\n";
    assert!(has_test(text, "one") && !has_test(text, "two"));
    assert_eq!(tests_of("`a/b.rs::c` and `d`"), [("a/b.rs".to_owned(), "c".to_owned())]);
}
