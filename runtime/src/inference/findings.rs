//! What `sensai check` and `sensai run` say about models that only this computer can answer: is the library here, does
//! it take the model, is the interval long enough.
//!
//! A replay and the editor do not ask: neither runs a model beside the cycle.

use super::{
    admission::{Cost, Verdict},
    beside,
    library::LibraryError,
    ort_engine::{OrtEngine, OrtError},
};
use crate::{
    machine::models::{check_golden, check_shapes},
    source::model_finding,
};
use sensai_inference::{Engine, Plan};
use sensai_model::{
    Cell,
    cell::{Model, ModelEngine},
    config::{Finding, Severity, Sources},
    record::INBOX_MAX,
};

/// What does not fit between a description and an engine that has loaded the model.
pub fn check_engine(model: &Model, engine: &mut dyn Engine) -> Vec<String> {
    let mut found = check_shapes(model, engine.inputs(), engine.outputs());
    if found.is_empty() {
        found.extend(check_golden(model, engine));
    }
    found
}

/// Cycles until all of a result has entered through the inbox, if nothing else comes in.
pub const fn entering_cycles(output_len: usize) -> usize {
    beside::entries(output_len).div_ceil(INBOX_MAX)
}

/// All findings about all models. A missing library is a warning here: only a run needs it.
pub fn of_host(cell: &Cell, sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut cost = None;
    for model in &cell.models {
        let put = |severity, (code, rule), message: String, help: Option<String>| Finding {
            severity,
            help,
            ..model_finding(model, sources, code, rule, message)
        };
        let (severity, found, help) = match model.engine {
            ModelEngine::Ort => of_ort(model),
            ModelEngine::Inline => {
                let Ok(mut plan) = Plan::load(&model.bytes) else { continue };
                let cost = *cost.get_or_insert_with(Cost::calibrate);
                let Some((found, help)) = admission(model, &mut plan, cost, cell.task.interval_ns) else {
                    continue;
                };
                findings.push(put(Severity::Warning, ADMISSION, found, Some(help)));
                continue;
            }
        };
        findings.extend(found.into_iter().map(|message| put(severity, ENGINE, message, help.clone())));
        findings.extend(
            entering(model).map(|(message, help)| put(Severity::Error, ENTERING, message, Some(help))),
        );
    }
    findings
}

/// Code and rule.
const ENGINE: (&str, &str) = ("R120", "a model runs in its engine, and gives its golden vector");
const ENTERING: (&str, &str) = ("R121", "a result enters the cycle before its deadline");
const ADMISSION: (&str, &str) = ("R122", "a model leaves half of the interval to everything else");

fn of_ort(model: &Model) -> (Severity, Vec<String>, Option<String>) {
    match OrtEngine::load(&model.bytes) {
        Ok(mut engine) => (Severity::Error, check_engine(model, &mut engine), None),
        Err(OrtError::Library(error @ LibraryError::Missing { .. })) => {
            let help = "the cell can be checked and replayed without; to run it, the library has to be there";
            (Severity::Warning, vec![error.to_string()], Some(help.into()))
        }
        Err(error) => (Severity::Error, vec![error.to_string()], None),
    }
}

fn entering(model: &Model) -> Option<(String, String)> {
    let (len, deadline) = (model.output_len as usize, model.deadline_cycles as usize);
    let cycles = entering_cycles(len);
    (cycles > deadline).then(|| {
        (
            format!(
                "its {len} output values enter in {cycles} cycles ({} in each), but its deadline is {deadline}",
                INBOX_MAX * beside::VALUES_PER_ENTRY
            ),
            format!(
                "set `deadline` to more than {cycles} cycles, or let the model give fewer values: the score alone"
            ),
        )
    })
}

fn admission(model: &Model, plan: &mut Plan, cost: Cost, interval_ns: u64) -> Option<(String, String)> {
    let verdict = Verdict::of(plan, model.slice_operations, cost, interval_ns);
    if verdict.is_admitted() {
        return None;
    }
    let us = |ns: f64| ns / 1000.0;
    let message = format!(
        "{} operations in one cycle take up to {:.0} µs on this computer, more than half of the interval ({:.0} µs)",
        verdict.operations,
        us(verdict.bound_ns),
        us(interval_ns as f64)
    );
    let help = match verdict.slice {
        Some(slice) => format!(
            "set `slice = {slice}`: it then runs over {} cycles",
            plan.operations().div_ceil(slice.max(1))
        ),
        None => {
            "none of its steps can be divided far enough: use engine = \"ort\", or a longer interval".into()
        }
    };
    Some((message, help))
}
