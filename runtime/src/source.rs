//! A cell as texts, from a directory or from a log, to a checked [`Cell`]. One check for every command and the editor.

use crate::{
    inference, libraries,
    machine::{axes, models},
    plant, programs, twin,
};
use sensai_model::{
    Cell,
    cell::Model,
    config::{self, Finding, Severity, Sources, Style},
};
use std::{cell::RefCell, collections::BTreeMap, fs, path::Path, sync::Arc};

/// What does not fit between the cell and its built-in plant.
fn plant_findings(cell: &Cell, sources: &Sources) -> Vec<Finding> {
    let Err(plant::PlantError(problems)) = plant::for_cell(cell) else { return Vec::new() };
    let text = sources.text(config::FILE_NAME).unwrap_or_default();
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    // `plant = { … }` or `[simulation.plant]`: the word at the start of its line, bracket and table name aside.
    let start = text
        .match_indices("plant")
        .map(|(at, _)| at)
        .find(|at| ["", "[simulation."].contains(&text[line_start(*at)..*at].trim()))
        .unwrap_or(0);
    let problem = |message: String| Finding {
        severity: Severity::Error,
        code: "R101",
        rule: "a built-in plant knows its pins and constants",
        path: config::FILE_NAME.into(),
        span: start..(start + "plant".len()).min(text.len()),
        line: 1 + text[..start].matches('\n').count() as u32,
        column: 1 + text[line_start(start)..start].chars().count() as u32,
        key: "simulation.plant".into(),
        message,
        got: None,
        help: None,
        related: Vec::new(),
    };
    problems.into_iter().map(problem).collect()
}

/// What the inline engine has to say about the cell's models.
fn model_findings(cell: &Cell, sources: &Sources) -> Vec<Finding> {
    let rule = "a model runs in its engine, and gives its golden vector";
    let of = |model| models::check(model).into_iter().map(move |text| (model, text));
    cell.models
        .iter()
        .flat_map(of)
        .map(|(model, text)| model_finding(model, sources, "R120", rule, text))
        .collect()
}

/// An error about a model, at its table in `cell.toml`.
pub(crate) fn model_finding(
    model: &Model,
    sources: &Sources,
    code: &'static str,
    rule: &'static str,
    message: String,
) -> Finding {
    table_finding(sources, format!("models.{}", model.name), code, rule, format!("{}: {message}", model.path))
}

/// What an axis' own rules say of what the configuration made of it. Without a finding, a machine can be built.
fn axis_findings(cell: &Cell, sources: &Sources) -> Vec<Finding> {
    let rule = "an axis can stop at least as hard as it moves";
    let of = |axis: &sensai_model::cell::Axis| {
        let settings = axes::settings(axis, cell.task.interval_ns, cell.bus.lost_frames_max);
        let errors = settings.check().err().unwrap_or_default();
        let finding = |error: sensai_motion::SettingsError| {
            let table = format!("axes.{}", axis.name);
            let help = match error.field {
                "stop_deceleration" | "stop_jerk" => Some(format!(
                    "write a larger `{}`, or leave it out: it is then the one of `limits`",
                    error.field
                )),
                _ => None,
            };
            Finding { help, ..table_finding(sources, table, "R104", rule, error.to_string()) }
        };
        errors.into_iter().map(finding).collect::<Vec<_>>()
    };
    cell.axes.iter().flat_map(of).collect()
}

/// An error about a table of `cell.toml`; at its header, where it has one of its own.
fn table_finding(
    sources: &Sources,
    key: String,
    code: &'static str,
    rule: &'static str,
    message: String,
) -> Finding {
    let text = sources.text(config::FILE_NAME).unwrap_or_default();
    let header = format!("[{key}]");
    let start = text.find(&header).unwrap_or(0);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    Finding {
        severity: Severity::Error,
        code,
        rule,
        path: config::FILE_NAME.into(),
        span: start..(start + header.len()).min(text.len()),
        line: 1 + text[..start].matches('\n').count() as u32,
        column: 1 + text[line_start..start].chars().count() as u32,
        key,
        message,
        got: None,
        help: None,
        related: Vec::new(),
    }
}

/// What is wrong with a cell beside its texts and its programs.
pub(crate) fn cell_findings(cell: &Cell, sources: &Sources) -> Vec<Finding> {
    let mut findings = plant_findings(cell, sources);
    findings.extend(model_findings(cell, sources));
    findings.extend(axis_findings(cell, sources));
    findings
}

/// A file of the cell: its path relative to the cell's directory, and what is in it.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Everything a check found out.
#[derive(Debug)]
pub struct Source {
    /// The cell, if no finding is an error.
    pub cell: Option<Arc<Cell>>,
    /// Configuration first, then programs in calling order.
    pub findings: Vec<Finding>,
    /// The texts findings point into.
    pub sources: Sources,
    /// Every file that was read.
    pub files: Files,
}

impl Source {
    /// Read and check the cell in `directory`.
    pub fn from_directory(directory: &Path) -> Self {
        Self::read(|path| fs::read(directory.join(path)).map_err(|error| error.to_string()))
    }

    /// Check a cell whose files are in memory, as a log holds them. Its twin is left aside: nobody runs it again, and what
    /// an older version took must not keep a log from being replayed.
    pub fn from_files(files: &Files) -> Self {
        Self::check(|path| files.get(path).cloned().ok_or_else(|| "it is not there".into()), |_| Vec::new())
    }

    /// Check a cell; `read` gives a file's bytes.
    pub fn read(read: impl Fn(&str) -> Result<Vec<u8>, String>) -> Self {
        Self::check(read, twin::check)
    }

    fn check(
        read: impl Fn(&str) -> Result<Vec<u8>, String>,
        twin: impl FnOnce(&Cell) -> Vec<Finding>,
    ) -> Self {
        let files = RefCell::new(Files::new());
        let read = |path: &str| {
            let bytes = read(path)?;
            files.borrow_mut().insert(path.to_owned(), bytes.clone());
            Ok(bytes)
        };
        let mut report = config::load(read);
        let mut findings = report.findings;
        let mut sources = report.sources;
        if let Some(cell) = &mut report.cell {
            libraries::attach(cell, |path| {
                let bytes = read(path).ok().filter(|bytes| bytes.len() <= libraries::BYTES_MAX)?;
                let text: Arc<str> = String::from_utf8(bytes).ok()?.into();
                sources.insert(path.to_owned(), Arc::clone(&text));
                Some(text)
            });
        }
        if let Some(cell) = &report.cell {
            for (_, program) in cell.programs() {
                sources.insert(program.path.clone(), Arc::clone(&program.text));
            }
            findings.extend(programs::check(cell));
            findings.extend(cell_findings(cell, &sources));
            findings.extend(twin(cell));
        }
        let good = !findings.iter().any(|finding| finding.severity == Severity::Error);
        Self {
            cell: report.cell.filter(|_| good).map(Arc::new),
            findings,
            sources,
            files: files.into_inner(),
        }
    }

    /// Ask also what only this computer can answer: are its engines here, is its interval long enough for the models.
    pub fn check_host(&mut self) {
        let Some(cell) = &self.cell else { return };
        self.findings.extend(inference::findings::of_host(cell, &self.sources));
        if self.errors() > 0 {
            self.cell = None;
        }
    }

    /// Findings as people read them; empty if there are none.
    pub fn render(&self, color: bool) -> String {
        let style = if color { Style::Colour } else { Style::Plain };
        config::render(&self.findings, &self.sources, style)
    }

    /// Number of errors.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every rule that an axis has is found by the check: a machine is built from what passed it, and must not fail.
    #[test]
    fn a_stop_weaker_than_a_motion_is_found_before_a_machine_is_built() {
        let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/press-cell"));
        let read = |from: &str, to: &str| {
            Source::read(|path| {
                let bytes = fs::read(directory.join(path)).map_err(|error| error.to_string())?;
                match path == config::FILE_NAME {
                    true => Ok(String::from_utf8_lossy(&bytes).replace(from, to).into_bytes()),
                    false => Ok(bytes),
                }
            })
        };
        assert!(read("", "").cell.is_some());
        let weak = [
            (
                "stop_deceleration = 8000.0",
                "stop_deceleration = 80.0",
                "stop_deceleration: expected at least",
            ),
            ("stop_jerk = 800_000.0", "stop_jerk = 800.0", "stop_jerk: expected at least"),
            (", jerk = 200_000.0", "", "stop_jerk: expected at least"),
        ];
        for (from, to, expected) in weak {
            let source = read(from, to);
            assert!(source.cell.is_none(), "{to}");
            let [finding] = &source.findings[..] else { panic!("{:?}", source.findings) };
            assert_eq!((finding.code, finding.key.as_str()), ("R104", "axes.ram"));
            assert!(finding.message.starts_with(expected), "{}", finding.message);
            let text = source.sources.text(config::FILE_NAME).unwrap();
            assert_eq!(&text[finding.span.clone()], "[axes.ram]");
        }
    }
}
