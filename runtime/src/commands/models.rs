//! `sensai models`: what the models of a cell cost on this computer, and whether both engines agree on them.

use crate::{
    cli::Models,
    inference::{
        OrtEngine,
        admission::{Cost, SHARE, Verdict},
        findings::{check_engine, entering_cycles},
        ort_engine::OrtError,
    },
};
use sensai_inference::{Engine, Plan};
use sensai_model::{
    Cell,
    cell::{Model, ModelEngine},
};
use serde::Serialize;
use std::process::ExitCode;

/// One model.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    file: String,
    engine: &'static str,
    /// Of a whole run; `None` where the inline engine does not cover it.
    operations: Option<u64>,
    /// In one cycle.
    operations_per_cycle: Option<u64>,
    estimate_us: Option<f64>,
    bound_us: Option<f64>,
    share_of_interval: Option<f64>,
    admitted: Option<bool>,
    /// Cycles from the trigger until the last slice, or the last entry in the inbox.
    cycles: u64,
    deadline_cycles: u32,
    arena_bytes: Option<usize>,
    golden: Vec<Golden>,
}

/// What an engine makes of the description and its golden vector.
#[derive(Debug, Serialize)]
struct Golden {
    engine: &'static str,
    result: Outcome,
    text: String,
}

/// How it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Good,
    Bad,
    /// There is no golden vector, or this engine cannot be asked.
    Open,
}

/// Exit code 1 if the engine that a model asks for does not give its golden vector, or the engines disagree.
pub fn run(arguments: &Models) -> anyhow::Result<ExitCode> {
    let cell = super::load_cell(&arguments.cell)?;
    let cost = Cost::calibrate();
    let rows: Vec<Row> = cell.models.iter().map(|model| row(&cell, model, cost)).collect();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else if rows.is_empty() {
        println!("{} has no models", cell.name);
    } else {
        rows.iter().for_each(|row| print!("{}", text(row)));
        println!(
            "an operation takes up to {:.2} ns here; models may take {:.0} % of the interval ({} µs), at twice the estimate",
            cost.ns_per_operation,
            SHARE * 100.0,
            cell.task.interval_ns / 1000
        );
    }
    let bad = rows.iter().flat_map(|row| &row.golden).any(|golden| golden.result == Outcome::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn row(cell: &Cell, model: &Model, cost: Cost) -> Row {
    let inline = model.engine == ModelEngine::Inline;
    let mut plan = Plan::load(&model.bytes).ok();
    let verdict = plan.as_ref().filter(|_| inline);
    let verdict = verdict.map(|plan| Verdict::of(plan, model.slice_operations, cost, cell.task.interval_ns));
    let operations = plan.as_ref().map(Plan::operations);
    let cycles = match verdict {
        Some(verdict) => operations.unwrap_or(0).div_ceil(verdict.operations.max(1)),
        None => entering_cycles(model.output_len as usize) as u64,
    };
    Row {
        name: model.name.clone(),
        file: model.path.clone(),
        engine: if inline { "inline" } else { "ort" },
        operations,
        operations_per_cycle: verdict.map(|verdict| verdict.operations),
        estimate_us: verdict.map(|verdict| verdict.estimate_ns / 1000.0),
        bound_us: verdict.map(|verdict| verdict.bound_ns / 1000.0),
        share_of_interval: verdict.map(|verdict| verdict.share),
        admitted: verdict.map(|verdict| verdict.is_admitted()),
        cycles,
        deadline_cycles: model.deadline_cycles,
        arena_bytes: plan.as_ref().map(Plan::arena_bytes),
        golden: vec![of_inline(model, plan.as_mut()), of_ort(model)],
    }
}

fn of_inline(model: &Model, plan: Option<&mut Plan>) -> Golden {
    match plan {
        Some(plan) => judged(model, plan),
        None => open("inline", "the inline engine does not cover it"),
    }
}

fn of_ort(model: &Model) -> Golden {
    match OrtEngine::load(&model.bytes) {
        Ok(mut engine) => judged(model, &mut engine),
        Err(OrtError::Library(_)) => {
            open("ort", "ONNX Runtime is not installed (`sensai setup onnxruntime`)")
        }
        Err(error) => Golden { engine: "ort", result: Outcome::Bad, text: error.to_string() },
    }
}

fn judged(model: &Model, engine: &mut dyn Engine) -> Golden {
    let (name, found) = (engine.name(), check_engine(model, engine));
    if !found.is_empty() {
        return Golden { engine: name, result: Outcome::Bad, text: found.join("; ") };
    }
    match &model.golden {
        Some(golden) => {
            let text = format!("gives the golden vector within {}", golden.tolerance);
            Golden { engine: name, result: Outcome::Good, text }
        }
        None => open(name, "the description has no golden vector"),
    }
}

fn open(engine: &'static str, text: &str) -> Golden {
    Golden { engine, result: Outcome::Open, text: text.to_owned() }
}

fn text(row: &Row) -> String {
    let mut text = format!("{} ({}), engine {}\n", row.name, row.file, row.engine);
    if let (Some(operations), Some(per_cycle), Some(estimate), Some(bound), Some(share)) =
        (row.operations, row.operations_per_cycle, row.estimate_us, row.bound_us, row.share_of_interval)
    {
        let admitted = if row.admitted == Some(true) { "admitted" } else { "TOO LONG" };
        text += &format!(
            "  {operations} operations, {per_cycle} in one cycle: {estimate:.1} µs, at most {bound:.1} µs, {:.1} % of the \
             interval, {admitted}\n",
            share * 100.0
        );
    }
    let arena = row.arena_bytes.map(|bytes| format!(", {bytes} bytes of memory")).unwrap_or_default();
    let plural = if row.cycles == 1 { "" } else { "s" };
    text += &format!("  {} cycle{plural}, deadline {}{arena}\n", row.cycles, row.deadline_cycles);
    for golden in &row.golden {
        let mark = match golden.result {
            Outcome::Good => "ok  ",
            Outcome::Bad => "BAD ",
            Outcome::Open => "-   ",
        };
        text += &format!("  {mark}{}: {}\n", golden.engine, golden.text);
    }
    text
}
