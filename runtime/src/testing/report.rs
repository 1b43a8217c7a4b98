//! What came of the tests, for people and for programs.

use super::changes::Change;
use sensai_model::{
    Cell,
    config::{self, Finding, Severity, Sources, Style},
};
use serde::Serialize;
use std::fmt::Write;

/// What came of one test.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// File stem.
    pub suite: String,
    /// Name of its function.
    pub name: String,
    /// Path relative to the cell's directory.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Nothing is wrong.
    pub passed: bool,
    /// Cycles that it ran.
    pub cycles: u64,
    /// Virtual time that it took.
    pub seconds: f64,
    /// Time that it really took.
    pub wall_s: f64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What changed last, if something is wrong.
    pub changes: Vec<Change>,
    /// What it printed.
    pub printed: Vec<String>,
}

/// What came of all of them.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the cell.
    pub cell: String,
    /// In the order of files and lines.
    pub tests: Vec<Tested>,
    /// What is wrong with whole files.
    pub findings: Vec<Finding>,
    /// Tests there are, whether they ran or not.
    pub found: usize,
    #[serde(skip)]
    sources: Sources,
}

impl Tested {
    /// As `--filter` sees it.
    pub fn full_name(&self) -> String {
        full_name(&self.suite, &self.name)
    }
}

/// A test by the file that it stands in.
pub(super) fn full_name(suite: &str, name: &str) -> String {
    format!("{suite}::{name}")
}

/// A test that there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// File stem.
    pub suite: String,
    /// Name of its function.
    pub name: String,
    /// Path relative to the cell's directory.
    pub file: String,
    /// Line from 1.
    pub line: u32,
}

/// The tests of a cell, without what would come of them.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// Name of the cell.
    pub cell: String,
    /// In the order of files and lines.
    pub tests: Vec<Listed>,
    /// What is wrong with whole files.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    sources: Sources,
}

impl Listing {
    pub(super) fn new(cell: &Cell, tests: Vec<Listed>, findings: Vec<Finding>, sources: Sources) -> Self {
        Self { cell: cell.name.clone(), tests, findings, sources }
    }

    /// No file has an error.
    pub fn is_good(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// As people read it: a line for each test, as `--filter` takes it.
    pub fn text(&self, style: Style) -> String {
        let mut out = String::new();
        for test in &self.tests {
            let _ = writeln!(out, "{}", full_name(&test.suite, &test.name));
        }
        if !self.findings.is_empty() {
            let rendered = config::render_each(&self.findings, &self.sources, style);
            let _ = writeln!(out, "\n{}", rendered.trim_end());
        }
        out
    }
}

impl Report {
    /// Nothing has run.
    pub(super) fn new(cell: &Cell, sources: Sources) -> Self {
        Self { cell: cell.name.clone(), tests: Vec::new(), findings: Vec::new(), found: 0, sources }
    }

    /// Tests that failed.
    pub fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.passed).count()
    }

    /// There were tests, and nothing is wrong.
    pub fn is_good(&self) -> bool {
        let errors = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        !self.tests.is_empty() && self.failed() == 0 && !errors
    }

    /// As people read it. The same for the same cell and tests, on every machine.
    pub fn text(&self, style: Style) -> String {
        let mut out = String::new();
        let width = self.tests.iter().map(|test| test.full_name().chars().count()).max().unwrap_or(0);
        for test in &self.tests {
            let verdict = if test.passed { "ok" } else { "FAILED" };
            let _ = writeln!(out, "{:<width$}  {verdict:<6}  {:>9.3} s", test.full_name(), test.seconds);
        }
        for test in self.tests.iter().filter(|test| !test.passed) {
            let _ = write!(out, "\n{} in {}, line {}\n\n", test.full_name(), test.file, test.line);
            out.push_str(&self.details(test, style));
        }
        if !self.findings.is_empty() {
            let rendered = config::render_each(&self.findings, &self.sources, style);
            let _ = writeln!(out, "\n{}", rendered.trim_end());
        }
        if !self.findings.is_empty() || self.failed() > 0 {
            out.push('\n');
        }
        out.push_str(&self.summary());
        out
    }

    /// What is wrong with one test, and what led there.
    pub(super) fn details(&self, test: &Tested, style: Style) -> String {
        let rendered = config::render_each(&test.findings, &self.sources, style);
        let mut out = format!("{}\n", rendered.trim_end());
        if !test.changes.is_empty() {
            let name = |change: &Change| change.name.chars().count();
            let width = test.changes.iter().map(name).max().unwrap_or(0);
            out.push_str("\nwhat changed last:\n");
            for Change { seconds, name, before, after } in &test.changes {
                let _ = writeln!(out, "  {seconds:>9.3} s  {name:<width$}  {before} -> {after}");
            }
        }
        if !test.printed.is_empty() {
            out.push_str("\nprinted:\n");
            for line in &test.printed {
                let _ = writeln!(out, "  {line}");
            }
        }
        out
    }

    fn summary(&self) -> String {
        let (failed, all) = (self.failed(), self.tests.len());
        let seconds = self.tests.iter().fold(0.0, |sum, test| sum + test.seconds);
        let files = match self.findings.len() {
            0 => String::new(),
            1 => ", 1 error in files".to_owned(),
            many => format!(", {many} errors in files"),
        };
        match (self.found, all) {
            (0, _) if self.findings.is_empty() => {
                format!("{}: there are no tests; write one in {}/NAME.rhai\n", self.cell, super::DIRECTORY)
            }
            (found, 0) if found > 0 => format!("{}: none of the {found} tests has such a name\n", self.cell),
            _ => format!(
                "{}: {} passed, {failed} failed{files}; {seconds:.3} s of virtual time\n",
                self.cell,
                all - failed
            ),
        }
    }
}
