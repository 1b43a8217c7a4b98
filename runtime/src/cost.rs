//! What the programs of a cell cost, in work units and, on this computer, in time.
//!
//! Units are bounds that are known without running. What a unit takes is measured on a program of our own whose units are
//! those of every run, so that it can be no more than an estimate for another one.

use crate::programs::{self, Tier};
use sensai_fieldbus::clock;
use sensai_model::{
    Cell, TagStore,
    cell::{Limits, ProgramSource},
};
use sensai_scripts::{
    Ports, Program, Reach, Role, RunContext, ScriptEnvironment, SysFacts, cost::CostReport, load_native,
};
use serde::Serialize;

/// A program with some of everything: branches, sums, blocks, arrays, texts.
const KNOWN: &str = include_str!("cost/known.rhai");

/// Batches of runs that are measured, and runs in each.
const BATCHES: usize = 101;
const RUNS: u64 = 50;

/// A program of the cell, and what it costs.
#[derive(Debug, Serialize)]
pub struct ProgramCost {
    /// File stem.
    pub program: String,
    /// Path relative to the cell's directory.
    pub path: String,
    /// Task that runs it.
    pub task: String,
    /// Interval of the task, ns.
    pub interval_ns: u64,
    /// Units that a run may use: `[limits] operations`.
    pub limit: u64,
    /// What runs it.
    pub tier: Tier,
    /// Estimate for a run that does all that it can, ns; none: there is no bound, or the interpreter runs it.
    pub ns: Option<f64>,
    /// The same as a share of the interval.
    pub share: Option<f64>,
    /// Units.
    #[serde(flatten)]
    pub report: CostReport,
}

/// Every program of the cell that has no errors. `ns_per_unit`: see [`calibrate`].
pub fn of(cell: &Cell, ns_per_unit: Option<f64>) -> Vec<ProgramCost> {
    programs::reports(cell)
        .map(|(task, program, report)| {
            let tier = Tier::from(task.tier);
            let units = report.units.filter(|_| tier == Tier::Native);
            let ns = units.zip(ns_per_unit).map(|(units, ns)| units as f64 * ns);
            ProgramCost {
                program: program.name.clone(),
                path: program.path.clone(),
                task: task.name.clone(),
                interval_ns: task.interval_ns,
                limit: task.limits.operations,
                tier,
                ns,
                share: ns.map(|ns| ns / task.interval_ns as f64),
                report,
            }
        })
        .collect()
}

/// Nanoseconds that a unit takes on this computer; some ten milliseconds. `None`: there is no code generator for it.
pub fn calibrate() -> Option<f64> {
    let source = ProgramSource::new("known", "known.rhai", KNOWN);
    let limits =
        Limits { operations: 1_000_000, call_depth: 16, text_len: 63, array_len: 1024, record_len: 256 };
    let environment = ScriptEnvironment {
        tags: &[],
        parameters: &[],
        limits,
        program_index: 0,
        role: Role::Controller,
        reach: Reach::default(),
    };
    let loaded = load_native(&source, &environment);
    debug_assert!(loaded.is_ok(), "{:?}", loaded.err());
    let mut program = loaded.ok()?;
    let (mut tags, mut ports) = (TagStore::new(&[]), Ports::none());
    let mut cycle = 0;
    let mut batch = || {
        let before = clock::monotonic_ns();
        for _ in 0..RUNS {
            let sys = SysFacts {
                cycle,
                time_ns: cycle.cast_signed().saturating_mul(1_000_000),
                dt_ns: 1_000_000,
                first_cycle: cycle == 0,
            };
            cycle += 1;
            ports.begin(cycle);
            let mut context = RunContext { sys, tags: &mut tags, parameters: &[], ports: &mut ports };
            let ended = program.cycle(&mut context);
            debug_assert!(ended.is_ok(), "{ended:?}");
        }
        let units = program.operations().max(1) * RUNS;
        clock::monotonic_ns().saturating_sub(before) as f64 / units as f64
    };
    let mut times: Vec<f64> = (0..BATCHES).map(|_| batch()).collect();
    times.sort_unstable_by(f64::total_cmp);
    times.get(BATCHES / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_program_does_in_every_run_what_is_known_of_it() {
        let ns = calibrate().expect("there is a code generator for this computer");
        assert!(ns > 0.0 && ns < 1_000.0, "{ns}");
    }
}
