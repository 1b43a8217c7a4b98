//! What `sensai check` and `sensai run` say about models that only this computer can answer: is the library here, does
//! it take the model, is the interval long enough.
//!
//! A replay and the editor do not ask: neither runs a model beside the cycle.

use super::{
    admission::{Cost, SHARE, Verdict},
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
    let mut share = 0.0;
    for model in &cell.models {
        let put = |severity, (code, rule), message: String, help: Option<String>| Finding {
            severity,
            help,
            ..model_finding(model, sources, code, rule, message)
        };
        let (severity, found, help) = match model.engine {
            ModelEngine::Ort => of_ort(model),
            ModelEngine::Inline => {
                let Ok(plan) = Plan::load(&model.bytes) else { continue };
                let cost = *cost.get_or_insert_with(Cost::calibrate);
                let Some((found, help)) = admission(model, &plan, cost, cell.task.interval_ns, &mut share)
                else {
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

/// `others` is the share of the models before it, and this one's is added to it.
fn admission(
    model: &Model,
    plan: &Plan,
    cost: Cost,
    interval_ns: u64,
    others: &mut f64,
) -> Option<(String, String)> {
    let verdict = Verdict::of(plan, model.slice_operations, cost, interval_ns);
    let before = std::mem::replace(others, *others + verdict.share);
    if verdict.share + before <= SHARE {
        return None;
    }
    let together = if verdict.is_admitted() { "with the models before it " } else { "" };
    let message = format!(
        "{} operations in one cycle take up to {:.0} µs on this computer, {together}{:.0} % of the interval, of which models \
         may have {:.0} %",
        verdict.operations,
        verdict.bound_ns / 1000.0,
        (verdict.share + before) * 100.0,
        SHARE * 100.0
    );
    let help = match verdict.slice.filter(|slice| *slice < verdict.operations) {
        Some(slice) => {
            let cycles = plan.operations().div_ceil(slice.max(1));
            format!("set `slice = {slice}`: it then runs over {cycles} cycles")
        }
        None if verdict.is_admitted() => "give one of them a `slice`, or engine = \"ort\"".into(),
        None => {
            "none of its steps can be divided far enough: use engine = \"ort\", or a longer interval".into()
        }
    };
    Some((message, help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ai::families;

    #[test]
    fn models_share_half_of_the_interval_and_are_told_their_slice() {
        let cell = crate::inference::tests::cell(&["plain"]);
        let model = &cell.models[0];
        let family = families::all().into_iter().find(|family| family.name == "gru").expect("it is there");
        let plan = Plan::load(&family.model).unwrap();
        let (cost, whole) = (Cost { ns_per_operation: 1.0 }, plan.operations());
        let ask = |interval_ns, share: &mut f64| admission(model, &plan, cost, interval_ns, share);
        let mut share = 0.0;
        // A run may take a fifth of the interval: two are admitted, a third one is not.
        let interval = 10 * whole;
        assert_eq!((ask(interval, &mut share), ask(interval, &mut share)), (None, None));
        let (message, _) = ask(interval, &mut share).expect("three fifths");
        assert!(message.contains("with the models before it 60 % of the interval"), "{message}");
        let (message, help) = ask(2 * whole, &mut 0.0).expect("all of it");
        assert!(message.contains("in one cycle take up to") && message.contains("100 %"), "{message}");
        assert!(help.starts_with("set `slice = "), "{help}");
        let (_, help) = ask(plan.largest_unit(), &mut 0.0).expect("far too long");
        assert!(help.contains("engine = \"ort\""), "{help}");
    }
}
