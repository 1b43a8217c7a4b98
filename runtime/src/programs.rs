//! The cell's programs: checked on any thread, compiled on the thread that runs them.

use crate::{machine::Loaded, perf_map, retained::Retained};
use anyhow::Context;
use sensai_model::{
    Cell,
    cell::{self, ProgramSource, Task},
    config,
};
use sensai_scripts::{
    Analysed, Layout, Program, Reach, Role, ScriptEnvironment, ScriptFinding, Severity, Sink,
    cost::CostReport,
    debug::Subject,
    lints::{Member, across, retained},
    migrate::Migrate,
    tier::Tiered,
};

/// What runs a program, as the command line says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Machine code.
    #[default]
    Native,
    /// Rhai's own interpreter, fenced in.
    Interpreter,
}

impl From<Tier> for cell::Tier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Native => Self::Native,
            Tier::Interpreter => Self::Interpreter,
        }
    }
}

impl From<cell::Tier> for Tier {
    fn from(tier: cell::Tier) -> Self {
        match tier {
            cell::Tier::Native => Self::Native,
            cell::Tier::Interpreter => Self::Interpreter,
        }
    }
}

fn environment<'a>(cell: &'a Cell, task: &Task, index: usize) -> ScriptEnvironment<'a> {
    ScriptEnvironment {
        tags: &cell.tags,
        parameters: &cell.parameters,
        limits: task.limits,
        program_index: index as u16,
        role: Role::Controller,
        reach: Reach::of(cell, index as u16),
    }
}

/// All programs with their tasks, by global index.
pub(crate) fn all(cell: &Cell) -> impl Iterator<Item = (usize, usize, &Task, &ProgramSource)> {
    let tasks = cell.tasks().enumerate();
    let programs = tasks.flat_map(|(task, of)| of.programs.iter().map(move |program| (task, of, program)));
    programs.enumerate().map(|(index, (task, of, program))| (index, task, of, program))
}

/// All findings about all programs, in the form of the configuration's.
pub fn check(cell: &Cell) -> Vec<config::Finding> {
    let analysed = analyse(cell);
    let members: Vec<(usize, &Analysed)> = analysed.iter().map(|(task, of)| (*task, of)).collect();
    let mut findings: Vec<ScriptFinding> = Vec::new();
    for finding in analysed.iter().flat_map(|(_, analysed)| &analysed.findings) {
        // What is wrong with a library is found with every program that imports it.
        if !findings.contains(finding) {
            findings.push(finding.clone());
        }
    }
    let mut findings: Vec<config::Finding> = findings.into_iter().map(convert).collect();
    findings.extend(between(cell, &members));
    findings
}

/// What is wrong between the programs of a cell, each with the number of its task; nothing, while one has errors.
pub(crate) fn between(cell: &Cell, programs: &[(usize, &Analysed)]) -> Vec<config::Finding> {
    let names: Vec<&str> = cell.tasks().map(|task| task.name.as_str()).collect();
    let understood: Option<Vec<(usize, &sensai_scripts::hir::Hir)>> =
        programs.iter().map(|(task, analysed)| Some((*task, analysed.hir.as_ref()?))).collect();
    let Some(understood) = understood else { return Vec::new() };
    let members: Vec<Member<'_>> = understood
        .into_iter()
        .map(|(task, hir)| Member { hir, task, task_name: names.get(task).copied().unwrap_or_default() })
        .collect();
    across(&members, &cell.tags, &cell.axes).into_iter().map(convert).collect()
}

/// What of the retained data does not fit the programs any more.
pub fn check_retained(cell: &Cell, kept: &Retained) -> Vec<config::Finding> {
    let mut findings = Vec::new();
    for ((_, analysed), (_, program)) in analyse(cell).iter().zip(cell.programs()) {
        let (Some(hir), Some(layout)) = (&analysed.hir, &analysed.layout) else { continue };
        let Some(values) = kept.programs.get(&program.name) else { continue };
        let old = values.iter().map(|(path, kept)| (path.clone(), kept.kind.clone())).collect();
        let mut sink = Sink::new(hir.files.clone());
        retained(hir, layout, &old, &mut sink);
        findings.extend(sink.finish().into_iter().map(convert));
    }
    findings
}

/// All programs, understood, with the numbers of their tasks.
fn analyse(cell: &Cell) -> Vec<(usize, Analysed)> {
    let analyse = |(index, number, task, program)| {
        (number, sensai_scripts::check(program, &environment(cell, task, index), task.tier))
    };
    all(cell).map(analyse).collect()
}

/// Costs of all programs without errors, each with its task.
pub fn reports(cell: &Cell) -> impl Iterator<Item = (&Task, &ProgramSource, CostReport)> {
    all(cell).filter_map(move |(index, _, task, program)| {
        let environment = environment(cell, task, index);
        let analysed = sensai_scripts::analyse(program, &environment);
        analysed.hir.as_ref().map(|hir| (task, program, CostReport::of(hir, &environment)))
    })
}

/// Programs ready to run, by global index: the base task's come first.
///
/// # Errors
/// The findings, as text. [`check`] gives the same ones beforehand.
pub fn compile(cell: &Cell) -> anyhow::Result<Vec<Loaded>> {
    all(cell)
        .map(|(index, _, task, program)| compile_one(cell, task, index, program, task.tier.into()))
        .collect()
}

/// Programs of one task (0 for the base task) in calling order, on the thread that is to run them.
///
/// # Errors
/// As [`compile`].
pub fn compile_task(cell: &Cell, number: usize) -> anyhow::Result<Vec<Loaded>> {
    let of = all(cell).filter(|(_, task, ..)| *task == number);
    of.map(|(index, _, task, program)| compile_one(cell, task, index, program, task.tier.into())).collect()
}

/// One program of a task, on the thread that is to run it.
///
/// # Errors
/// As [`compile`], and if there is no code generator for this processor.
pub fn compile_one(
    cell: &Cell,
    task: &Task,
    index: usize,
    program: &ProgramSource,
    tier: Tier,
) -> anyhow::Result<Loaded> {
    let loaded = sensai_scripts::load(program, &environment(cell, task, index), tier.into())
        .map_err(|error| anyhow::anyhow!("{} does not compile:\n{error}", program.path))?;
    Ok(match loaded.program {
        Tiered::Native(program) => {
            perf_map::add(&program);
            Loaded::Anywhere(program)
        }
        Tiered::Interpreted(program) => Loaded::Here(program),
    })
}

/// The program with this global index, for its debugger.
///
/// # Errors
/// If it is wrong, or not there.
pub fn subject(cell: &Cell, index: usize) -> anyhow::Result<Subject> {
    let (_, _, task, source) =
        all(cell).nth(index).with_context(|| format!("there is no program {index}"))?;
    let wrong = |error| anyhow::anyhow!("{} does not compile:\n{error}", source.path);
    Subject::new(source, &environment(cell, task, index)).map_err(wrong)
}

/// Makes programs that another thread than the one that made them may run.
pub trait Workshop: Send {
    /// All findings about the programs of a cell.
    fn check(&self, cell: &Cell) -> Vec<config::Finding>;

    /// The program with this global index. `old`: the state of the program that it is to replace, which is the type of what its
    /// own `migrate` is given; without one, that is not wanted.
    ///
    /// # Errors
    /// If it does not compile, or is bound to the thread that compiles it.
    fn make(&self, cell: &Cell, index: usize, old: Option<&Layout>) -> anyhow::Result<Made>;

    /// All programs of a cell, for a machine.
    ///
    /// # Errors
    /// If one does not compile.
    fn all(&self, cell: &Cell) -> anyhow::Result<Vec<Loaded>> {
        compile(cell)
    }
}

/// A program, as its `init` left it.
pub struct Made {
    /// The program.
    pub program: Box<dyn Program + Send>,
    /// What it says of the state of the one that it replaces.
    pub migrate: Option<Box<dyn Migrate>>,
}

/// The compiler.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compiler;

impl Workshop for Compiler {
    fn check(&self, cell: &Cell) -> Vec<config::Finding> {
        check(cell)
    }

    fn make(&self, cell: &Cell, index: usize, old: Option<&Layout>) -> anyhow::Result<Made> {
        let (_, _, task, source) =
            all(cell).nth(index).with_context(|| format!("there is no program {index}"))?;
        let path = &source.path;
        anyhow::ensure!(
            task.tier == cell::Tier::Native,
            "{path} runs in the interpreter, which is bound to the thread that runs it: stop and start the cell to change it"
        );
        let environment = environment(cell, task, index);
        let wrong = |error| anyhow::anyhow!("{path} does not compile:\n{error}");
        let Some(old) = old else {
            let program = sensai_scripts::load_native(source, &environment).map_err(wrong)?;
            perf_map::add(&program);
            return Ok(Made { program: Box::new(program), migrate: None });
        };
        let (program, migrator) = sensai_scripts::load_replacing(source, &environment, old).map_err(wrong)?;
        perf_map::add(&program);
        let migrate = migrator.map(|migrator| Box::new(migrator) as Box<dyn Migrate>);
        Ok(Made { program: Box::new(program), migrate })
    }
}

/// A finding about a program in the form of the configuration's.
pub(crate) fn convert(finding: ScriptFinding) -> config::Finding {
    let related = finding.related.into_iter().map(|related| config::Related {
        path: related.path,
        span: related.start as usize..related.end as usize,
        line: related.line,
        column: related.column,
        message: related.message,
    });
    config::Finding {
        severity: match finding.severity {
            Severity::Error => config::Severity::Error,
            Severity::Warning => config::Severity::Warning,
            Severity::Hint => config::Severity::Hint,
        },
        code: finding.code,
        rule: "the rules of cell programs",
        span: finding.start as usize..finding.end as usize,
        path: finding.path,
        line: finding.line.max(1),
        column: finding.column.max(1),
        key: String::new(),
        message: finding.message,
        got: None,
        help: finding.help,
        related: related.collect(),
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
    use super::{check, span};
    use crate::source::Source;
    use std::{path::Path, sync::Arc};

    /// The second task reaches for the axis that the first one moves.
    #[test]
    fn an_axis_of_two_tasks_is_refused_with_both_places() {
        let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/press-cell"));
        let source = Source::from_directory(directory);
        let mut cell = (*source.cell.expect("the example is a cell")).clone();
        assert!(check(&cell).is_empty(), "as it stands there is nothing to find");
        let program = &mut cell.slow_tasks[0].programs[0];
        let text = "fn init() {\n    #{ ram: Axis(\"ram\") }\n}\nfn cycle() { this.ram.halt(); }\n";
        program.text = Arc::from(text);
        let findings = check(&cell);
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        assert_eq!((finding.code, finding.line, finding.column), ("R111", 2, 13));
        assert_eq!(&program_text(&cell)[finding.span.clone()], "Axis");
        let expected =
            "axis `ram` is commanded by task `count` here and by task `main` in programs/press.rhai, line 12";
        assert_eq!(finding.message, expected);
    }

    fn program_text(cell: &sensai_model::Cell) -> &str {
        &cell.slow_tasks[0].programs[0].text
    }

    #[test]
    fn places_become_bytes() {
        let text = "fn init() {}\nlet ä = ö;\n";
        assert_eq!(&text[span(text, 2, 5, 1)], "ä");
        assert_eq!(&text[span(text, 2, 9, 1)], "ö");
        assert_eq!(span(text, 0, 0, 0), 0..0);
        assert_eq!(span(text, 99, 4, 3), text.len()..text.len());
    }
}
