//! One pure check of a program's text, the same for the runtime, the command line and the editor.
//!
//! It goes in three steps, each only if the one before found no error: the text is parsed; the rules of the language
//! that need no types are checked; constants and `init` are computed, and what uses the state is held against its
//! layout. What needs types of local variables is found when the program runs.

mod ai;
mod callees;
mod calls;
mod made;
mod named;

mod roots;
mod rules;
mod state;
mod symbols;
mod text;
pub(crate) mod walk;
mod weight;

pub(crate) use rules::{Facts, rules};
pub(crate) use state::{Copied, state};
pub(crate) use text::{parse, too_large};
pub(crate) use weight::weight;

use crate::{ScriptEnvironment, ScriptFinding, Severity, interpreter::prepare};
use rhai::Position;
use sensai_model::cell::ProgramSource;

/// Everything that is wrong with a program, in the order of its text. No error means that it compiles.
pub fn check(program: &ProgramSource, environment: &ScriptEnvironment<'_>) -> Vec<ScriptFinding> {
    match prepare(program, environment) {
        Ok((_, findings)) | Err(findings) => findings,
    }
}

/// Collects findings about one program.
pub(crate) struct Sink<'a> {
    program: &'a ProgramSource,
    findings: Vec<ScriptFinding>,
}

impl<'a> Sink<'a> {
    pub fn new(program: &'a ProgramSource) -> Self {
        Self { program, findings: Vec::new() }
    }

    pub fn error(
        &mut self,
        code: &'static str,
        position: Position,
        len: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.add(Severity::Error, code, position, len, message.into(), help.into());
    }

    pub fn warning(
        &mut self,
        code: &'static str,
        position: Position,
        len: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, position, len, message.into(), help.into());
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        position: Position,
        len: usize,
        message: String,
        help: String,
    ) {
        let finding = ScriptFinding {
            code,
            severity,
            program: self.program.name.clone(),
            path: self.program.path.clone(),
            line: position.line().unwrap_or(0) as u32,
            column: position.position().unwrap_or(0) as u32,
            len: len as u32,
            start: 0,
            end: 0,
            message,
            help: (!help.is_empty()).then_some(help),
            related: Vec::new(),
            fix: None,
        };
        // A chain and its parts may be looked at twice.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// The text of the program.
    pub fn text(&self) -> &'a str {
        &self.program.text
    }

    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// In the order of the text.
    pub fn finish(mut self) -> Vec<ScriptFinding> {
        self.findings.sort_by_key(|finding| (finding.line, finding.column));
        self.findings
    }
}
