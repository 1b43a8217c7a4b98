//! The digital twin: programs that are the machine, behind the [`Plant`] trait.
//!
//! A twin is written in the language of the cell's programs, on the other side of the wires: it reads what the outputs
//! drive, and writes what the sensors show and what the machine does to the shafts of the simulated drives. It belongs
//! to the simulated segment and to nothing else: a real bus has none, and a replay never runs it.
//!
//! [`check`] finds what is wrong with it, [`connect`] makes a plant of it on the thread that runs it, [`Failure`] is how
//! its end is told.

mod host;
mod shaft;
mod side;
#[cfg(test)]
mod tests;

pub use host::Twin;

use crate::{perf_map, plant, programs};
use sensai_fieldbus::Plant;
use sensai_model::{
    Cell, TagKind,
    cell::ProgramSource,
    config::{Finding, Severity},
};
use sensai_scripts::{
    Analysed, ProgramError,
    tier::{Loaded, Tiered},
};
use side::Side;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// Why a twin stopped, and the flag that says that it did. Shared between the thread that runs the twin and the one
/// that tells people.
#[derive(Debug, Default)]
pub struct Failure {
    error: OnceLock<ProgramError>,
    stop: Arc<AtomicBool>,
}

impl Failure {
    /// True once the twin has stopped. The inputs stay as they were then.
    pub fn happened(&self) -> bool {
        self.error.get().is_some()
    }

    /// A flag that is set when the twin stops; others may set it too.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Program, line, column and what happened; `None` while all is well.
    pub fn text(&self, cell: &Cell) -> Option<String> {
        let error = self.error.get()?;
        let fault = error.fault;
        let path = cell.simulation.twin.get(usize::from(fault.source)).map_or("?", |program| &program.path);
        Some(format!("{path}:{}:{}: F{}: {}", fault.line, fault.column, fault.code.id(), error.text))
    }

    fn set(&self, error: ProgramError) {
        // The first error stands: the twin does not run again.
        let _ = self.error.set(error);
        self.stop.store(true, Relaxed);
    }
}

/// The machine that the cell asks for: its twin, its built-in plant, or nothing. To be called on the thread that runs the
/// segment.
///
/// # Errors
/// What [`check`] and [`plant::for_cell`] find, as text.
pub fn connect(cell: &Cell) -> anyhow::Result<(Box<dyn Plant>, Arc<Failure>)> {
    let failure = Arc::new(Failure::default());
    let plant: Box<dyn Plant> = if cell.simulation.twin.is_empty() {
        plant::for_cell(cell)?
    } else {
        Box::new(Twin::new(cell, compile(cell)?, Arc::clone(&failure)))
    };
    Ok((plant, failure))
}

/// The twin's programs, in calling order; in the tier of the base task.
fn compile(cell: &Cell) -> anyhow::Result<Vec<Loaded>> {
    let side = Side::new(cell);
    let compile = |(index, program): (usize, &ProgramSource)| {
        let loaded = sensai_scripts::load(program, &side.environment(index), cell.task.tier)
            .map_err(|error| anyhow::anyhow!("{} does not compile:\n{error}", program.path))?;
        if let Tiered::Native(program) = &loaded.program {
            perf_map::add(program);
        }
        Ok(loaded)
    };
    cell.simulation.twin.iter().enumerate().map(compile).collect()
}

/// All findings about the twin's programs.
pub fn check(cell: &Cell) -> Vec<Finding> {
    let side = Side::new(cell);
    let programs = cell.simulation.twin.iter().enumerate();
    let analyse = |(index, program)| {
        (program, sensai_scripts::check(program, &side.environment(index), cell.task.tier))
    };
    let analysed: Vec<(&ProgramSource, Analysed)> = programs.map(analyse).collect();
    let all = analysed.iter().flat_map(|(_, analysed)| analysed.findings.iter().cloned());
    let mut findings: Vec<Finding> = all.map(programs::convert).collect();
    let members: Vec<(&ProgramSource, &Analysed)> = analysed.iter().map(|(of, known)| (*of, known)).collect();
    findings.extend(between(cell, &members));
    findings
}

/// What the editor's server needs to look at the programs of a twin as [`check`] does.
pub(crate) fn side(cell: &Cell) -> sensai_lsp::TwinSide {
    let side = Side::new(cell);
    let limits = side.environment(0).limits;
    let seed = cell.simulation.seed.cast_signed();
    sensai_lsp::TwinSide { tags: side.tags, shafts: side.shafts, parameters: side.parameters, limits, seed }
}

/// What is wrong between the programs of a twin, in calling order.
pub(crate) fn between(cell: &Cell, programs: &[(&ProgramSource, &Analysed)]) -> Vec<Finding> {
    let side = Side::new(cell);
    let mut findings = Vec::new();
    // Who writes each tag: program and place.
    let mut writers: Vec<(u32, usize)> = Vec::new();
    for (index, (program, analysed)) in programs.iter().enumerate() {
        if analysed.has_errors() {
            continue;
        }
        for assigned in &analysed.assigned {
            let Some(name) = side.name(assigned.tag) else { continue };
            let length = name.chars().count() as u32;
            let at = (assigned.line, assigned.column, length);
            if let Some(drive) = side.drive_of(cell, assigned.tag) {
                let message = format!("`{name}` comes from the drive `{drive}`, which shows its own values");
                let help = "move the shaft by `.load`, or bind the input to a device that is no drive";
                findings.push(finding(
                    program,
                    "R102",
                    "the inputs of a simulated drive are its own",
                    at,
                    message,
                    help,
                ));
            }
            match writers.iter().find(|(tag, _)| *tag == assigned.tag) {
                None => writers.push((assigned.tag, index)),
                Some((_, other)) => {
                    let other = &cell.simulation.twin[*other].path;
                    let message = format!("`{name}` is written by {other} too");
                    let help = "let one program write it";
                    findings.push(finding(
                        program,
                        "R103",
                        "an input has one writer in the twin",
                        at,
                        message,
                        help,
                    ));
                }
            }
        }
    }
    findings
}

fn finding(
    program: &sensai_model::cell::ProgramSource,
    code: &'static str,
    rule: &'static str,
    (line, column, length): (u32, u32, u32),
    message: String,
    help: &str,
) -> Finding {
    Finding {
        severity: Severity::Error,
        code,
        rule,
        span: programs::span(&program.text, line, column, length),
        path: program.path.clone(),
        line: line.max(1),
        column: column.max(1),
        key: String::new(),
        message,
        got: None,
        help: Some(help.to_owned()),
        related: Vec::new(),
    }
}

/// Give the twin's parameters other values, as the command line says.
///
/// # Errors
/// Names that the twin does not have, values that are no finite numbers: all of them.
pub fn set_parameters(cell: &mut Cell, values: &[(String, f64)]) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for (name, value) in values {
        let known: Vec<&str> = cell.simulation.parameters.iter().map(|(name, _)| name.as_str()).collect();
        let there = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        match cell.simulation.parameters.iter_mut().find(|(known, _)| known == name) {
            None => wrong.push(format!(
                "[simulation] has no parameter `{name}`; it has {there}: add {name} = {value} to its `parameters`"
            )),
            Some(_) if !value.is_finite() => wrong.push(format!("`{name}` = {value}: expected a finite number")),
            Some((_, old)) => *old = *value,
        }
    }
    anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Seed and parameters of a simulated run, for its log.
pub fn provenance(cell: &Cell) -> Option<String> {
    if cell.simulation.twin.is_empty() {
        return None;
    }
    let mut text = format!("simulated by a twin, seed {}", cell.simulation.seed);
    for (name, value) in &cell.simulation.parameters {
        text.push_str(&format!(", {name} = {value}"));
    }
    Some(text)
}

/// True for tags that a machine can see.
const fn is_on_the_wires(kind: TagKind) -> bool {
    matches!(kind, TagKind::Input | TagKind::Output)
}
