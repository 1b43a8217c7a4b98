//! `[models]`: a model, its description, what feeds it, and when its result is due.

use super::{
    Loader,
    fields::{Fields, Item},
    finding::Rule,
    model_file::{self, Description},
    model_input, names, quantity, schema,
    sink::Sink,
    table::Table,
    tags::Tags,
    task::cycles,
    tree::NodeValue,
};
use crate::cell::{Model, ModelEngine, ModelScore, ModelTrigger};
use sha2::{Digest, Sha256};
use std::{ops::Range, sync::Arc};

/// Models of a cell.
const MODELS_MAX: usize = 32;
/// Bytes of an `.onnx` file.
const MODEL_BYTES_MAX: usize = 64 << 20;
/// Bytes of a description.
const DESCRIPTION_BYTES_MAX: usize = 4 << 20;
/// Times in cycles.
const CYCLES: std::ops::RangeInclusive<i64> = 1..=1_000_000_000;
/// Until the result of a request is due, where the file does not say.
const DEADLINE_NS: u64 = 20_000_000;
/// How long the result of a request is valid.
const AGE_MAX_NS: u64 = 1_000_000_000;

/// Read `[models]`, and add the tags of their results.
pub(crate) fn read(
    loader: &mut Loader<'_, '_>,
    root: &Fields<'_>,
    tags: &mut Tags,
    interval_ns: Option<u64>,
) -> Table<Model> {
    let mut models = Table::new("model", Rule::UnknownModel);
    let Some(table) = root.get("models") else { return models };
    let items = table.items(&mut loader.sink);
    if items.len() > MODELS_MAX {
        let message = format!("the cell has {} models, at most {MODELS_MAX} are possible", items.len());
        loader.sink.push(Rule::TooMany, &table.key_span, "models", message).help("join some of them");
    }
    let mut named: Vec<(String, Range<usize>)> = Vec::new();
    for (name, item) in items.into_iter().take(MODELS_MAX) {
        let good_name = names::check(&mut loader.sink, name, &item.key_span, &item.key);
        let model = read_model(loader, name, &item, tags, interval_ns);
        models.push(name, model.filter(|_| good_name));
        named.push((name.to_owned(), item.key_span.clone()));
    }
    tags.add_models(&mut loader.sink, &mut models.list, &named);
    models
}

fn read_model(
    loader: &mut Loader<'_, '_>,
    name: &str,
    item: &Item<'_>,
    tags: &Tags,
    interval_ns: Option<u64>,
) -> Option<Model> {
    let fields = Fields::open(&mut loader.sink, item, schema::MODEL)?;
    let file = read_file(loader, &fields);
    let description = file.as_ref().and_then(|file| file.description.as_ref());
    let sink = &mut loader.sink;
    let help = "name what fills it: inputs = [\"force.ram\"], or a window or a curve of a tag";
    let inputs = fields
        .required(sink, "inputs", help)
        .and_then(|item| model_input::read(sink, &item, tags, description));
    let engines = [("inline", ModelEngine::Inline), ("ort", ModelEngine::Ort)];
    let engine = fields.get("engine").map_or(Some(ModelEngine::Inline), |item| item.choice(sink, &engines));
    let slice = read_slice(sink, &fields, engine);
    let timing = read_timing(sink, &fields, interval_ns);
    let substitute = fields.get("substitute").map_or(Some(0.0), |item| item.number(sink));
    let score = read_own_score(sink, &fields, description);
    let (file, timing) = (file?, timing?);
    let description = file.description?;
    Some(Model {
        name: name.to_owned(),
        path: file.path,
        bytes: file.bytes?,
        sha256: description.sha256.clone(),
        engine: engine?,
        inputs: inputs?,
        trigger: timing.trigger,
        deadline_cycles: timing.deadline,
        age_max_cycles: timing.age_max,
        substitute: substitute?,
        score: score.or(description.score).unwrap_or(ModelScore::Output { output: 0, element: 0 }),
        output_lens: description.output_lens(),
        output_len: description.output_len(),
        slice_operations: slice?,
        threshold: description.threshold,
        normalisation: description.normalisation,
        golden: description.golden,
        // Given when all models are known.
        slot: 0,
    })
}

/// The two files of a model.
struct File {
    path: String,
    bytes: Option<Arc<[u8]>>,
    description: Option<Description>,
}

/// Read the `.onnx` file and the description beside it.
fn read_file(loader: &mut Loader<'_, '_>, fields: &Fields<'_>) -> Option<File> {
    let help =
        "write the path: file = \"models/stroke.onnx\"; its description stands beside it, models/stroke.toml";
    let item = fields.required(&mut loader.sink, "file", help)?;
    let path = item.text(&mut loader.sink)?;
    let Some(stem) = path.strip_suffix(".onnx").filter(|stem| !stem.is_empty() && !stem.ends_with('/'))
    else {
        item.find(&mut loader.sink, Rule::BadName, format!("`{path}` is not the name of a model"))
            .help("models are files that end with `.onnx`");
        return None;
    };
    let bytes = loader.read_bounded(&item, path, MODEL_BYTES_MAX);
    let sha256 = bytes.as_ref().map(|bytes| hex(&Sha256::digest(bytes)));
    let description_path = format!("{stem}.toml");
    let text = read_description(loader, &item, &description_path);
    let description = text.and_then(|text| {
        let (description, findings) =
            model_file::read(loader.read, &description_path, &text, sha256.as_deref());
        loader.sink.absorb(findings);
        description
    });
    Some(File { path: path.to_owned(), bytes: bytes.map(Arc::from), description })
}

/// The text of a description; a path that leaves the directory has its finding by the model's own.
fn read_description(loader: &mut Loader<'_, '_>, item: &Item<'_>, path: &str) -> Option<Arc<str>> {
    if !super::stays_inside(path) {
        return None;
    }
    if let Err(error) = (loader.read)(path) {
        let message = format!("the model's description `{path}` cannot be read: {error}");
        item.find(&mut loader.sink, Rule::Unreadable, message)
            .help("beside every model stands a file of its name that says what goes in, what comes out, and its sha256");
        return None;
    }
    loader.read_text(item, path, DESCRIPTION_BYTES_MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_slice(sink: &mut Sink<'_>, fields: &Fields<'_>, engine: Option<ModelEngine>) -> Option<u64> {
    let Some(item) = fields.get("slice") else { return Some(0) };
    if engine == Some(ModelEngine::Ort) {
        let message = "`slice` means nothing for engine = \"ort\", which runs beside the cycle";
        sink.push(Rule::Conflict, &item.key_span, &item.key, message).help("remove it");
    }
    item.integer(sink, 1..=1_000_000_000_000).map(i64::cast_unsigned)
}

/// `score` in `cell.toml`, which the description may give as well.
fn read_own_score(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    description: Option<&Description>,
) -> Option<ModelScore> {
    let item = fields.get("score")?;
    let score = model_file::read_score(sink, &item)?;
    if let Some((message, help)) = description.and_then(|description| description.score_problem(score)) {
        item.find(sink, Rule::ModelFile, message).help(help);
    }
    Some(score)
}

struct Timing {
    trigger: ModelTrigger,
    deadline: u32,
    age_max: u32,
}

fn read_timing(sink: &mut Sink<'_>, fields: &Fields<'_>, interval_ns: Option<u64>) -> Option<Timing> {
    let trigger = read_trigger(sink, fields, interval_ns);
    let mut time = |name: &str| fields.get(name).map(|item| read_cycles(sink, &item, interval_ns));
    let (deadline, age_max) = (time("deadline"), time("age_max"));
    let trigger = trigger?;
    let in_cycles = |ns: u64| u32::try_from(cycles(ns, interval_ns.unwrap_or(1_000_000))).unwrap_or(u32::MAX);
    let every = match trigger {
        ModelTrigger::Periodic { every } => Some(every),
        ModelTrigger::Request => None,
    };
    let deadline = match deadline {
        Some(deadline) => deadline?,
        None => in_cycles(DEADLINE_NS).min(every.unwrap_or(u32::MAX)),
    };
    let age_max = match age_max {
        Some(age_max) => age_max?,
        None => every.map_or(in_cycles(AGE_MAX_NS).max(deadline), |every| {
            every.saturating_mul(2).saturating_add(deadline)
        }),
    };
    if let (Some(every), Some(item)) = (every, fields.get("deadline"))
        && deadline > every
    {
        let message = format!(
            "the result is due {deadline} cycles after its trigger, but the next one comes after {every}"
        );
        item.find(sink, Rule::ModelTiming, message)
            .help("shorten the deadline, or let the model run less often");
    }
    if let (Some(every), Some(item)) = (every, fields.get("age_max"))
        && age_max < every
    {
        let message =
            format!("a result is too old after {age_max} cycles, but a new one comes every {every}");
        item.find(sink, Rule::ModelTiming, message)
            .help(format!("write at least {} cycles, or leave it out", every.saturating_add(deadline)));
    }
    Some(Timing { trigger, deadline, age_max })
}

/// `"request"` or `{ every = 10 }`.
fn read_trigger(sink: &mut Sink<'_>, fields: &Fields<'_>, interval_ns: Option<u64>) -> Option<ModelTrigger> {
    let Some(item) = fields.get("trigger") else { return Some(ModelTrigger::Request) };
    if !item.node.is_table() {
        let help = "write trigger = \"request\", or { every = 10 } for every tenth cycle";
        let NodeValue::Text(_) = &item.node.value else {
            let message = format!("expected \"request\" or a table, got {}", item.node.kind());
            item.find(sink, Rule::WrongType, message).help(help);
            return None;
        };
        return item.choice(sink, &[("request", ModelTrigger::Request)]);
    }
    let fields = Fields::open(sink, &item, schema::TRIGGER)?;
    let every = fields.required(sink, "every", "write a number of cycles or a duration: { every = 10 }")?;
    Some(ModelTrigger::Periodic { every: read_cycles(sink, &every, interval_ns)? })
}

/// A number of cycles, or a duration, rounded up to cycles.
fn read_cycles(sink: &mut Sink<'_>, item: &Item<'_>, interval_ns: Option<u64>) -> Option<u32> {
    let cycles = match &item.node.value {
        NodeValue::Integer(_) => item.integer(sink, CYCLES)?.cast_unsigned(),
        NodeValue::Text(text) => {
            let ns = item.duration(sink, 1..=86_400_000_000_000)?;
            let interval = interval_ns?;
            if ns < interval {
                let message = format!("`{text}` is less than a cycle of {}", quantity::show_ns(interval));
                item.find(sink, Rule::OutOfRange, message).help("write a number of cycles, or a longer time");
                return None;
            }
            cycles(ns, interval)
        }
        _ => {
            let message = format!("expected a number of cycles or a duration, got {}", item.node.kind());
            item.find(sink, Rule::WrongType, message);
            return None;
        }
    };
    u32::try_from(cycles).ok()
}
