//! Giving something another name, everywhere.

use super::{
    CELL_FILE, Location, Place, Snapshot, TextEdit, apply, by_file, definition,
    symbol::{self, Symbol},
};
use sensai_scripts::{Severity, syntax::SyntaxKind};
use std::{collections::BTreeMap, sync::Arc};

/// The name that can be changed at a place.
///
/// # Errors
/// Why it cannot.
pub fn prepare(snapshot: &Snapshot, place: &Place) -> Result<Location, String> {
    let Some((symbol, at)) = symbol::at(snapshot, place) else {
        return Err("there is nothing here that has a name of its own".to_owned());
    };
    match symbol {
        Symbol::Known(_) => Err("this name belongs to the language or its library".to_owned()),
        Symbol::File(_) => Err("this is the name of a file: rename the file".to_owned()),
        Symbol::Named(..) | Symbol::Tag(_) | Symbol::Parameter(_) | Symbol::TwinParameter(_)
            if snapshot.cell().is_none() =>
        {
            Err("there are errors in cell.toml: mend them first".to_owned())
        }
        Symbol::Declared(declared) if is_entry(snapshot, &declared) => {
            Err("the runtime calls this function by its name".to_owned())
        }
        _ => Ok(at),
    }
}

/// `init`, `cycle` and `migrate` of a program.
fn is_entry(snapshot: &Snapshot, declared: &Location) -> bool {
    let is_program = snapshot.units.iter().any(|unit| unit.source.path == declared.path);
    let name = snapshot.text(&declared.path).and_then(|text| text.get(declared.range()));
    let function = snapshot.text(&declared.path).and_then(|text| text.get(..declared.start));
    is_program
        && matches!(name, Some("init" | "cycle" | "migrate"))
        && function.is_some_and(|before| before.trim_end().ends_with("fn"))
}

/// All changes for a new name.
///
/// # Errors
/// If the name is none, or if with it something would mean something else.
pub fn rename(snapshot: &Snapshot, place: &Place, name: &str) -> Result<Vec<TextEdit>, String> {
    prepare(snapshot, place)?;
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !starts || !plain || SyntaxKind::keyword(name).is_some() {
        return Err(format!("`{name}` is no name: use letters, digits and `_`, and no word of the language"));
    }
    let before = definition::references(snapshot, place);
    let mut edits: Vec<TextEdit> = Vec::new();
    for occurrence in &before {
        let edit = TextEdit { at: occurrence.at.clone(), text: name.to_owned() };
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    verify(snapshot, place, &edits)?;
    Ok(edits)
}

/// In the programs nothing else may be meant, and no error may be new. What follows in `cell.toml`, the check says.
fn verify(snapshot: &Snapshot, place: &Place, edits: &[TextEdit]) -> Result<(), String> {
    let by_file = by_file(edits);
    if by_file.contains_key(CELL_FILE) {
        return Ok(());
    }
    let changed: BTreeMap<String, Arc<str>> = by_file
        .iter()
        .filter_map(|(path, edits)| Some(((*path).to_owned(), Arc::from(apply(snapshot.text(path)?, edits)))))
        .collect();
    let mut after = snapshot.clone();
    for (path, text) in &changed {
        after.texts.insert(path.clone(), Arc::clone(text));
    }
    for unit in &mut after.units {
        if !changed.keys().any(|path| unit.has(path)) {
            continue;
        }
        let renamed = unit.with_texts(|path| changed.get(path).cloned());
        let errors = |unit: &super::Unit| {
            let all = unit.analysed.findings.iter();
            all.filter(|finding| finding.severity == Severity::Error).count()
        };
        if errors(&renamed) > errors(unit) {
            let known: Vec<&str> =
                unit.analysed.findings.iter().map(|finding| finding.message.as_str()).collect();
            let mut new = renamed.analysed.findings.iter();
            let new = new.find(|finding| !known.contains(&finding.message.as_str()));
            let why = new.map_or(String::new(), |finding| format!(": {}", finding.message));
            return Err(format!("that would be an error{why}"));
        }
        *unit = Arc::new(renamed);
    }
    let here = Place { path: place.path.clone(), at: moved(place.at, &place.path, edits) };
    let places = |all: Vec<symbol::Occurrence>| -> Vec<(String, usize)> {
        all.into_iter().map(|occurrence| (occurrence.at.path, occurrence.at.start)).collect()
    };
    let mut expected: Vec<(String, usize)> =
        edits.iter().map(|edit| (edit.at.path.clone(), moved(edit.at.start, &edit.at.path, edits))).collect();
    expected.sort();
    let mut got = places(definition::references(&after, &here));
    got.sort();
    got.dedup();
    if got == expected {
        Ok(())
    } else {
        Err("something else has that name here, and would be meant instead".to_owned())
    }
}

/// Where a byte is after the edits.
fn moved(at: usize, path: &str, edits: &[TextEdit]) -> usize {
    let before = edits.iter().filter(|edit| edit.at.path == path && edit.at.end <= at);
    let (grown, shrunk) = before
        .fold((0, 0), |(grown, shrunk), edit| (grown + edit.text.len(), shrunk + edit.at.range().len()));
    let inside = edits.iter().find(|edit| edit.at.path == path && edit.at.start <= at && at < edit.at.end);
    inside.map_or(at, |edit| edit.at.start) + grown - shrunk
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::{CELL, Fixture};

    fn renamed(text: &str, name: &str) -> Result<Vec<(String, String)>, String> {
        let (fixture, place) = Fixture::with_cursor(text);
        let edits = rename(&fixture.snapshot, &place, name)?;
        let mut files: Vec<String> = edits.iter().map(|edit| edit.at.path.clone()).collect();
        files.sort();
        files.dedup();
        let text = |path: &String| {
            let own: Vec<TextEdit> = edits.iter().filter(|edit| edit.at.path == *path).cloned().collect();
            (path.clone(), apply(fixture.snapshot.text(path).unwrap_or_default(), &own))
        };
        Ok(files.iter().map(text).collect())
    }

    #[test]
    fn a_tag_is_renamed_in_the_cell_and_in_programs() {
        let files =
            renamed("fn init() { #{ x: false } }\nfn cycle() { this.x = io.$0start; }\n", "go").unwrap();
        assert_eq!(files[0].0, CELL_FILE);
        let expected =
            CELL.replace("start = { input", "go = { input").replace("start = \"start\"", "start = \"go\"");
        assert_eq!(files[0].1, expected);
        assert_eq!(files[1].1, "fn init() { #{ x: false } }\nfn cycle() { this.x = io.go; }\n");
        let files =
            renamed("fn init() { #{ x: false } }\nfn cycle() { io.$0lamp.red = true; }\n", "light").unwrap();
        assert_eq!(files[0].1, CELL.replace("lamp.", "light."));
        assert_eq!(files[1].1, "fn init() { #{ x: false } }\nfn cycle() { io.light.red = true; }\n");
    }

    #[test]
    fn a_tag_is_renamed_where_models_and_alarms_name_it() {
        let (fixture, place) = Fixture::with_model(
            "//- more\n[alarms.b]\nwhen = \"!ai.m.valid\"\n[alarms.c]\nwhen = \"for$0ce > 1\"\n",
        );
        let edits = rename(&fixture.snapshot, &place, "press").unwrap();
        let text = apply(fixture.snapshot.text(CELL_FILE).unwrap(), &edits);
        for part in ["\npress = { type = ", "inputs = [\"press\"]", "when = \"press > 1\""] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("force"), "{text}");
    }

    #[test]
    fn a_field_is_renamed_where_it_is_meant() {
        let text = "fn init() { #{ n: 0, m: 0, p: #{ n: 1.0 } } }\nfn cycle() { this.$0n += 1; this.p.n += 1.0; this.count(); this.m = this.n; }\nfn count() { this.n += 1; }\n";
        let expected = "fn init() { #{ k: 0, m: 0, p: #{ n: 1.0 } } }\nfn cycle() { this.k += 1; this.p.n += 1.0; this.count(); this.m = this.k; }\nfn count() { this.k += 1; }\n";
        assert_eq!(renamed(text, "k").unwrap()[0].1, expected);
        assert!(renamed(text, "m").unwrap_err().contains("two fields `m`"));
    }

    #[test]
    fn what_would_mean_something_else_is_refused() {
        let text = "fn init() { #{ x: 0 } }\nfn cycle() { let $0a = 1; { let b = 2; this.x = a + b; } }\n";
        assert_eq!(
            renamed(text, "b"),
            Err("something else has that name here, and would be meant instead".into())
        );
        assert!(renamed(text, "c").is_ok());
        assert!(renamed(text, "io").unwrap_err().starts_with("that would be an error: "));
        for bad in ["", "2x", "a b", "while", "é"] {
            assert!(renamed(text, bad).is_err(), "{bad}");
        }
        let text = "fn init() { #{ x: 0 } }\nfn $0cycle() { this.x = max(1, 2); }\n";
        assert!(renamed(text, "c").unwrap_err().contains("the runtime calls"));
        let text = "fn init() { #{ x: 0 } }\nfn cycle() { this.x = $0max(1, 2); }\n";
        assert!(renamed(text, "c").unwrap_err().contains("library"));
    }
}
