//! The cell's programs: checked on any thread, compiled on the thread that runs them.

use sensai_model::{Cell, cell::ProgramSource, config};
use sensai_scripts::{Program, Role, ScriptEnvironment, ScriptFinding, Severity};

fn environment(cell: &Cell, index: usize) -> ScriptEnvironment<'_> {
    ScriptEnvironment {
        tags: &cell.tags,
        parameters: &cell.parameters,
        limits: cell.task.limits,
        program_index: index as u16,
        role: Role::Controller,
    }
}

/// All findings about all programs, in the form of the configuration's.
pub fn check(cell: &Cell) -> Vec<config::Finding> {
    let mut findings = Vec::new();
    for (index, program) in cell.task.programs.iter().enumerate() {
        let found = sensai_scripts::check(program, &environment(cell, index));
        findings.extend(found.into_iter().map(|finding| convert(program, finding)));
    }
    findings
}

/// Programs ready to run, in calling order.
///
/// # Errors
/// The findings, as text. [`check`] gives the same ones beforehand.
pub fn compile(cell: &Cell) -> anyhow::Result<Vec<Box<dyn Program>>> {
    let compile = |(index, program): (usize, &ProgramSource)| {
        let compiled = sensai_scripts::compile(program, &environment(cell, index)).map_err(|findings| {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("{} does not compile:\n{}", program.path, lines.join("\n"))
        })?;
        Ok(Box::new(compiled) as Box<dyn Program>)
    };
    cell.task.programs.iter().enumerate().map(compile).collect()
}

/// A finding about a program in the form of the configuration's.
pub(crate) fn convert(program: &ProgramSource, finding: ScriptFinding) -> config::Finding {
    config::Finding {
        severity: match finding.severity {
            Severity::Error => config::Severity::Error,
            Severity::Warning => config::Severity::Warning,
        },
        code: finding.code,
        rule: "the rules of cell programs",
        span: span(&program.text, finding.line, finding.column, finding.len),
        path: finding.path,
        line: finding.line.max(1),
        column: finding.column.max(1),
        key: String::new(),
        message: finding.message,
        got: None,
        help: finding.help,
        related: Vec::new(),
    }
}

/// Bytes of `len` characters from a line and a column, both from 1; empty at the start if there is no such place.
pub(crate) fn span(text: &str, line: u32, column: u32, len: u32) -> std::ops::Range<usize> {
    let Some(line_index) = line.checked_sub(1) else { return 0..0 };
    let start: usize = text.split_inclusive('\n').take(line_index as usize).map(str::len).sum();
    let rest = &text[start.min(text.len())..];
    let offset = |chars: usize| rest.char_indices().nth(chars).map_or(rest.len(), |(at, _)| at);
    let first = column.saturating_sub(1) as usize;
    start + offset(first)..start + offset(first + len as usize)
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn places_become_bytes() {
        let text = "fn init() {}\nlet ä = ö;\n";
        assert_eq!(&text[span(text, 2, 5, 1)], "ä");
        assert_eq!(&text[span(text, 2, 9, 1)], "ö");
        assert_eq!(span(text, 0, 0, 0), 0..0);
        assert_eq!(span(text, 99, 4, 3), text.len()..text.len());
    }
}
