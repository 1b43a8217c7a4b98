//! `sensai check`: all findings at once, and what programs cost.

use super::retained;
use crate::{
    cli::Check,
    cost::{self, ProgramCost},
    programs::{self, Tier},
    source::Source,
};
use sensai_model::config::Severity;
use sensai_scripts::cost::{FunctionCost, LineCost, OpenEnd};
use serde::Serialize;
use std::{fmt::Write, io::IsTerminal, process::ExitCode};

/// Lines of each program that are shown; in JSON there are all.
const DEAREST_LINES: usize = 8;

/// What programs cost, as JSON.
#[derive(Serialize)]
struct Costs<'a, T: Serialize> {
    findings: &'a [T],
    /// Measured on this computer; none: there is no code generator for it.
    ns_per_unit: Option<f64>,
    costs: &'a [ProgramCost],
}

/// Exit code 1 if there is an error; warnings alone are fine.
pub fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let mut source = Source::from_directory(&arguments.cell);
    source.check_host();
    if let (Some(directory), Some(cell)) = (&arguments.retain, &source.cell)
        && let Some(kept) = retained::read(directory)?
    {
        let found = programs::check_retained(cell, &kept);
        source.findings.extend(found);
    }
    let ns_per_unit = if arguments.cost { cost::calibrate() } else { None };
    let costs = source.cell.as_deref().filter(|_| arguments.cost).map(|cell| cost::of(cell, ns_per_unit));
    if arguments.json {
        match &costs {
            Some(costs) => {
                let all = Costs { findings: &source.findings, ns_per_unit, costs };
                println!("{}", serde_json::to_string_pretty(&all)?);
            }
            None => println!("{}", serde_json::to_string_pretty(&source.findings)?),
        }
    } else {
        eprint!("{}", source.render(std::io::stderr().is_terminal()));
        let count = |severity| source.findings.iter().filter(|finding| finding.severity == severity).count();
        let warnings = count(Severity::Warning);
        match &source.cell {
            Some(cell) => println!(
                "{}: {}, {}, {}; no errors, {}",
                cell.name,
                counted(cell.devices.len(), "device"),
                counted(cell.tags.len(), "tag"),
                counted(cell.programs().count(), "program"),
                counted(warnings, "warning")
            ),
            None => {
                let (errors, warnings) = (counted(source.errors(), "error"), counted(warnings, "warning"));
                eprintln!("{}: {errors}, {warnings}", arguments.cell.display());
            }
        }
        if let Some(first) = source.findings.first() {
            eprintln!("`sensai explain {}` says why, with examples", first.code);
        }
        for cost in costs.iter().flatten() {
            super::say(&table(cost, ns_per_unit)?);
        }
        if let Some(ns) = ns_per_unit.filter(|_| costs.is_some()) {
            super::say(&format!("\na work unit takes about {ns:.2} ns here\n"));
        }
    }
    Ok(if source.cell.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `1 tag`, `2 tags`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn table(cost: &ProgramCost, ns_per_unit: Option<f64>) -> Result<String, std::fmt::Error> {
    let ProgramCost { path, task, interval_ns, limit, report, .. } = cost;
    let mut text = String::new();
    writeln!(text, "\n{path}, task {task}, every {} µs", *interval_ns as f64 / 1000.0)?;
    match (report.units, &report.open) {
        (Some(units), _) => {
            write!(text, "  at most {units} work units in a cycle, {limit} are allowed")?;
            if let (Some(ns), Some(share)) = (cost.ns, cost.share) {
                write!(text, ": about {:.2} µs, {:.3} % of the interval", ns / 1000.0, share * 100.0)?;
            }
            writeln!(text)?;
        }
        (None, Some(OpenEnd { path, line, why })) => {
            writeln!(text, "  no bound: {path}, line {line}: {why}")?;
        }
        (None, None) => writeln!(text, "  no bound is known")?,
    }
    let checks = report.checks.all();
    writeln!(text, "  {} checks, of which {} cannot fail", checks.made, checks.proven)?;
    if cost.tier == Tier::Interpreter {
        writeln!(
            text,
            "  it is interpreted, and the interpreter counts in its own way; these are the units of machine code"
        )?;
    }
    let time = |units: Option<u64>| match (units, ns_per_unit) {
        (Some(units), Some(ns)) => format!("{:.0}", units as f64 * ns),
        _ => "-".to_owned(),
    };
    writeln!(text, "  {:>9} {:>9} {:>6}  function", "units", "ns", "line")?;
    for FunctionCost { name, line, units, .. } in &report.functions {
        let shown = units.map_or("-".to_owned(), |units| units.to_string());
        writeln!(text, "  {shown:>9} {:>9} {line:>6}  {name}", time(*units))?;
    }
    let mut lines: Vec<(&FunctionCost, LineCost)> = report
        .functions
        .iter()
        .flat_map(|function| function.lines.iter().map(move |line| (function, *line)))
        .collect();
    lines.sort_by_key(|(_, line)| std::cmp::Reverse((line.per_turn, line.units)));
    writeln!(text, "  {:>9} {:>9} {:>6}  dearest lines, in a call of their function", "units", "ns", "line")?;
    for (function, LineCost { line, units, per_turn }) in lines.into_iter().take(DEAREST_LINES) {
        let more = if per_turn { "+" } else { "" };
        let name = function.name.split('(').next().unwrap_or_default();
        writeln!(
            text,
            "  {:>9} {:>9} {line:>6}  {name}",
            format!("{units}{more}"),
            format!("{}{more}", time(Some(units)))
        )?;
    }
    Ok(text)
}
