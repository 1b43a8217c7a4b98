//! What is wrong with a cell, as `sensai check` finds it.

use super::{Location, Snapshot, TextEdit};
use crate::host::Host;
use sensai_model::config;
use sensai_scripts::{ScriptFinding, Severity};
use std::collections::BTreeMap;

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Where.
    pub at: Location,
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `S216`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<(Location, String)>,
    /// Nothing would change without what it is about.
    pub is_unnecessary: bool,
    /// A change after which it is gone.
    pub fix: Option<Fix>,
}

/// A change of a file after which a finding is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fix {
    /// What it does.
    pub title: String,
    /// All of them together.
    pub edits: Vec<TextEdit>,
}

/// Codes of what never runs or is never used.
const UNNECESSARY: [&str; 5] = ["S404", "S406", "S407", "S408", "S409"];

/// All findings of a cell by file, each once.
pub fn diagnostics(snapshot: &Snapshot, host: &dyn Host) -> BTreeMap<String, Vec<Diagnostic>> {
    let loaded = &snapshot.loaded;
    let mut found: Vec<Diagnostic> = loaded.findings.iter().map(of_configuration).collect();
    for unit in &snapshot.units {
        found.extend(unit.analysed.findings.iter().map(of_program));
    }
    if let Some(cell) = &loaded.cell {
        let units = snapshot.units.iter();
        let members: Vec<_> = units.map(|unit| (&*unit.subject, &unit.analysed)).collect();
        found.extend(host.across(cell, &members).iter().map(of_configuration));
    }
    let mut by_file: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for diagnostic in found {
        by_file.entry(diagnostic.at.path.clone()).or_default().push(diagnostic);
    }
    for list in by_file.values_mut() {
        // What is wrong with a library is found with every program that imports it.
        list.sort();
        list.dedup();
    }
    by_file
}

fn of_configuration(finding: &config::Finding) -> Diagnostic {
    let related = finding
        .related
        .iter()
        .map(|related| (Location::new(related.path.clone(), related.span.clone()), related.message.clone()));
    Diagnostic {
        at: Location::new(finding.path.clone(), finding.span.clone()),
        severity: match finding.severity {
            config::Severity::Error => Severity::Error,
            config::Severity::Warning => Severity::Warning,
            config::Severity::Hint => Severity::Hint,
        },
        code: finding.code,
        message: finding.message.clone(),
        help: finding.help.clone(),
        related: related.collect(),
        is_unnecessary: false,
        fix: None,
    }
}

fn of_program(finding: &ScriptFinding) -> Diagnostic {
    let path = &finding.path;
    let fix = finding.fix.as_ref().map(|fix| Fix {
        title: fix.title.clone(),
        edits: fix
            .edits
            .iter()
            .map(|edit| TextEdit::new(path, edit.start as usize..edit.end as usize, &edit.text))
            .collect(),
    });
    let related = finding.related.iter().map(|related| {
        let range = related.start as usize..related.end as usize;
        (Location::new(related.path.clone(), range), related.message.clone())
    });
    Diagnostic {
        at: Location::new(path, finding.start as usize..finding.end as usize),
        severity: finding.severity,
        code: finding.code,
        message: finding.message.clone(),
        help: finding.help.clone(),
        related: related.collect(),
        is_unnecessary: UNNECESSARY.contains(&finding.code),
        fix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::{Fixture, Rules};

    #[test]
    fn programs_and_the_cell_speak_together() {
        let fixture =
            Fixture::new("fn init() { #{ x: 0.0 } }\nfn cycle() { this.x = 7; io.lamp.green = io.strat; }\n");
        let all = diagnostics(&fixture.snapshot, &Rules);
        let of: Vec<(&str, &str, bool)> = all["programs/main.rhai"]
            .iter()
            .map(|found| {
                let text = fixture.snapshot.text(&found.at.path).unwrap_or_default();
                (found.code, &text[found.at.range()], found.fix.is_some())
            })
            .collect();
        assert_eq!(of, [("S216", "7", true), ("S205", "strat", true)]);
        assert_eq!(all.len(), 1);
    }

    #[test]
    fn a_description_is_found_wrong_where_it_is() {
        let (fixture, _) = Fixture::with_model("//- models/m.toml\ntreshold$0 = 0.5\n");
        let all = diagnostics(&fixture.snapshot, &Rules);
        let of = |path: &str| -> Vec<String> {
            let found = all.get(path).map(Vec::as_slice).unwrap_or_default();
            found.iter().map(|found| format!("{} {}", found.code, fixture.show(&found.at))).collect()
        };
        let unknown = "C101 models/m.toml:1:1 treshold".to_owned();
        assert!(of("models/m.toml").contains(&unknown), "{all:?}");
        let (fixture, _) = Fixture::with_model("//- more\n$0\n");
        let all = diagnostics(&fixture.snapshot, &Rules);
        let codes: Vec<&str> = all.values().flatten().map(|found| found.code).collect();
        assert_eq!(codes, ["C805"], "a warning: it has no golden vector");
    }
}
