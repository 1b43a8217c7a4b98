//! The editor says what the check says.

#[path = "../../../ide-lsp/tests/common/examples.rs"]
mod examples;

use super::Editor;
use crate::source::Source;
use examples::{Files, examples};
use sensai_lsp::analysis::{CELL_FILE, Snapshot, diagnostics};

fn snapshot(files: &Files) -> Snapshot {
    Snapshot::of_files(&Editor::default(), files)
}

/// What `sensai check` says: path, code, place and text of each, in order.
fn checked(files: &Files) -> Vec<(String, usize, usize, String, String)> {
    let read = |path: &str| files.get(path).cloned().ok_or_else(|| "it is not there".to_owned());
    let found = Source::read(read).findings.into_iter();
    let mut all: Vec<_> = found
        .map(|found| (found.path, found.span.start, found.span.end, found.code.to_owned(), found.message))
        .collect();
    all.sort();
    all.dedup();
    all
}

fn shown(files: &Files) -> Vec<(String, usize, usize, String, String)> {
    let found = diagnostics::diagnostics(&snapshot(files), &Editor::default());
    let mut all: Vec<_> = found
        .into_values()
        .flatten()
        .map(|found| (found.at.path, found.at.start, found.at.end, found.code.to_owned(), found.message))
        .collect();
    all.sort();
    all
}

#[test]
fn the_editor_shows_what_the_check_finds() {
    for (name, files) in examples() {
        assert_eq!(shown(&files), checked(&files), "{name}");
        let mut wrong = 0;
        // Each line left out once, of the cell and of its programs.
        for (path, bytes) in &files {
            let Ok(text) = std::str::from_utf8(bytes) else { continue };
            if !(path.ends_with(".rhai") || path == CELL_FILE) {
                continue;
            }
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            for left_out in (0..lines.len()).step_by(3) {
                let kept = lines.iter().enumerate().filter(|(index, _)| *index != left_out);
                let changed: String = kept.map(|(_, line)| *line).collect();
                let mut files = files.clone();
                files.insert(path.clone(), changed.into_bytes());
                let expected = checked(&files);
                wrong += usize::from(!expected.is_empty());
                assert_eq!(shown(&files), expected, "{name}: {path} without line {}", left_out + 1);
            }
        }
        assert!(wrong > 10, "{name}: {wrong}");
    }
}
