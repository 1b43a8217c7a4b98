//! The threads of the models that run beside: made, loaded, checked and warmed up before the first cycle.

use super::{
    beside::{Beside, Job, Place},
    ort_engine::{OrtEngine, Terminator},
    watch::{self, Pulse, Watch, Watched},
    worker::{Runs, Worker},
};
use crate::rt;
use anyhow::Context;
use sensai_inference::TensorInfo;
use sensai_model::{
    Cell,
    cell::{Model, ModelEngine},
};
use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// How the threads are run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Wait for each other: nothing is late, whatever the load.
    pub virtual_time: bool,
    /// The cyclic thread's core, to keep off.
    pub cyclic_core: Option<usize>,
}

/// Longest that loading, checking and warming up one model may take.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// Makes an engine on its own thread; what speaks against it is told in full.
pub(super) type Load = fn(&Model) -> Result<Box<dyn Runs>, Vec<String>>;

/// What a thread says of its model: shapes of inputs and outputs, and how to end a run.
struct Loaded {
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    terminator: Option<Terminator>,
}

/// Start the models of `cell` that run beside; `None` if it has none. Not to be called by a real-time thread, whose policy
/// all threads would inherit.
///
/// # Errors
/// No library, or a model that it refuses or that does not fit its description: all findings about all models.
pub fn start(cell: &Cell, settings: Settings) -> anyhow::Result<Option<(Beside, Watch)>> {
    start_with(cell, settings, load)
}

/// As [`start`], with engines of the caller's.
pub(super) fn start_with(
    cell: &Cell,
    settings: Settings,
    load: Load,
) -> anyhow::Result<Option<(Beside, Watch)>> {
    let models = cell.models.iter().enumerate().filter(|(_, model)| model.engine == ModelEngine::Ort);
    let mut beside = Beside { places: Vec::new(), virtual_time: settings.virtual_time };
    let mut watch = Watch::default();
    let mut findings = Vec::new();
    for (index, model) in models {
        match start_one(cell, index as u16, model, settings, load) {
            Ok(Ok((place, watched))) => {
                beside.places.push(place);
                watch.engines.push(watched);
            }
            Ok(Err(found)) => {
                findings.extend(found.into_iter().map(|text| format!("model `{}`: {text}", model.name)))
            }
            Err(error) => return Err(error.context(format!("model `{}`", model.name))),
        }
    }
    if !findings.is_empty() {
        drop(beside);
        watch.finish();
        findings.dedup();
        anyhow::bail!(findings.join("\n"));
    }
    Ok((!beside.places.is_empty()).then_some((beside, watch)))
}

fn start_one(
    cell: &Cell,
    index: u16,
    model: &Model,
    settings: Settings,
    load: Load,
) -> anyhow::Result<Result<(Place, Watched), Vec<String>>> {
    let (jobs, jobs_consumer) = rtrb::RingBuffer::new(1);
    let (results_producer, results) = rtrb::RingBuffer::new(1);
    let pulse = Arc::new(Pulse::default());
    let mut worker = Worker {
        jobs: jobs_consumer,
        results: results_producer,
        pulse: Arc::clone(&pulse),
        interval_ns: (!settings.virtual_time).then_some(cell.task.interval_ns),
    };
    let (ready, started) = mpsc::channel();
    let of = model.clone();
    let thread = thread::Builder::new()
        .name(format!("model {}", model.name))
        .spawn(move || {
            rt::block_signals();
            if !settings.virtual_time {
                // Without the privilege the scheduler finds a place for it.
                let _ = other_core(&rt::cores(), settings.cyclic_core).map(rt::pin);
            }
            let mut engine = match load(&of) {
                Ok(engine) => engine,
                Err(found) => {
                    let _ = ready.send(Err(found));
                    return;
                }
            };
            let (inputs, outputs) = (engine.inputs().to_vec(), engine.outputs().to_vec());
            let loaded = Loaded { inputs, outputs, terminator: engine.terminator() };
            if ready.send(Ok(loaded)).is_ok() {
                worker.work(&mut *engine);
            }
        })
        .context("cannot start its thread")?;
    let loaded = match started.recv_timeout(LOAD_LIMIT) {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(found)) => return Ok(Err(found)),
        Err(_) => {
            anyhow::bail!("ONNX Runtime did not load it and run it once within {} s", LOAD_LIMIT.as_secs())
        }
    };
    let values =
        |tensors: &[TensorInfo]| tensors.iter().map(|tensor| vec![0.0; tensor.len()].into()).collect();
    let job =
        Job { inputs: values(&loaded.inputs), outputs: values(&loaded.outputs), good: false, cyclic: None };
    let place =
        Place::new(index, (jobs, results), Box::new(job), thread.thread().clone(), Arc::clone(&pulse));
    let deadline_ns = cell.task.interval_ns.saturating_mul(model.deadline_cycles.into());
    let hangs_ns = watch::hangs_ns(deadline_ns, settings.virtual_time);
    Ok(Ok((place, Watched::new(model.name.clone(), pulse, loaded.terminator, thread, hangs_ns))))
}

/// On the engine's own thread: the session, what the description says, the golden vector, the warm-up.
fn load(model: &Model) -> Result<Box<dyn Runs>, Vec<String>> {
    let mut engine = OrtEngine::load(&model.bytes).map_err(|error| vec![error.to_string()])?;
    let found = super::findings::check_engine(model, &mut engine);
    if !found.is_empty() {
        return Err(found);
    }
    engine.warm_up().map_err(|error| vec![error.to_string()])?;
    Ok(Box::new(engine))
}

/// A core beside the cyclic thread's, if there is one.
fn other_core(cores: &[usize], cyclic: Option<usize>) -> Option<usize> {
    cores.iter().copied().find(|core| Some(*core) != cyclic)
}
