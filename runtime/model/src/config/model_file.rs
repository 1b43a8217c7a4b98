//! The description beside a model's `.onnx` file: what goes in, what comes out, how it was made, which file it means.

use super::{
    fields::{Fields, Item},
    finding::{Finding, Rule},
    golden, names, schema,
    sink::Sink,
    tree::{self, NodeValue},
    values,
};
use crate::cell::{Golden, ModelScore};

/// Values of one input or output.
const ELEMENTS_MAX: u64 = 65_536;
/// Inputs or outputs of a model.
const PORTS_MAX: usize = 16;

/// What a description says.
#[derive(Default)]
pub(crate) struct Description {
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    pub(crate) score: Option<ModelScore>,
    pub(crate) threshold: Option<f64>,
    /// (mean, scale) of every input element; empty: none is given.
    pub(crate) normalisation: Vec<(f64, f64)>,
    pub(crate) golden: Option<Golden>,
    pub(crate) sha256: String,
}

/// An input or an output.
pub(crate) struct Port {
    pub(crate) name: String,
    /// As written, for messages.
    pub(crate) shape: Vec<u32>,
    /// Product of the shape.
    pub(crate) len: u32,
    pub(crate) unit: Option<String>,
    /// (mean, scale) of every element; empty: none is given.
    normalisation: Vec<(f64, f64)>,
}

impl Port {
    /// (mean, scale) of every element, also where none is given.
    fn normalised(&self) -> Vec<(f64, f64)> {
        let mut all = self.normalisation.clone();
        all.resize(self.len as usize, (0.0, 1.0));
        all
    }
}

impl Description {
    /// Values of each output.
    pub(crate) fn output_lens(&self) -> Vec<u32> {
        self.outputs.iter().map(|port| port.len).collect()
    }

    /// Values of all outputs together.
    pub(crate) fn output_len(&self) -> u32 {
        self.outputs.iter().map(|port| port.len).sum()
    }

    fn input_len(&self) -> u32 {
        self.inputs.iter().map(|port| port.len).sum()
    }

    /// Why `score` cannot be had of these outputs.
    pub(crate) fn score_problem(&self, score: ModelScore) -> Option<(String, String)> {
        match score {
            ModelScore::ReconstructionError => {
                let (input, output) = (self.inputs.first()?, self.outputs.first()?);
                (input.len != output.len).then(|| {
                    (
                        format!(
                            "the reconstruction error is that of the first output, but `{}` has {} values and `{}` has {}",
                            input.name, input.len, output.name, output.len
                        ),
                        "take an element of an output instead: score = { output = 0, element = 0 }".to_owned(),
                    )
                })
            }
            ModelScore::Output { output, element } => match self.outputs.get(usize::from(output)) {
                None => Some((
                    format!("the model has no output {output}"),
                    format!("its outputs are counted from 0 to {}", self.outputs.len().saturating_sub(1)),
                )),
                Some(port) if u32::from(element) >= port.len => Some((
                    format!("output `{}` has no element {element}", port.name),
                    format!("its elements are counted from 0 to {}", port.len - 1),
                )),
                Some(_) => None,
            },
        }
    }
}

/// A description, if it could be read, and all that is wrong with it. `path` is where `text` stands, `sha256` that of the
/// `.onnx` file, if it could be read.
pub(crate) fn read(
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    path: &str,
    text: &str,
    sha256: Option<&str>,
) -> (Option<Description>, Vec<Finding>) {
    let mut sink = Sink::new(path, text);
    let entries = tree::parse(text, &mut sink);
    let root = Fields::root(&mut sink, &entries, schema::MODEL_FILE);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let description = read_root(read, &mut sink, &root, folder, sha256);
    let description = Some(description).filter(|_| !sink.has_errors());
    (description, sink.finish())
}

fn read_root(
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    sink: &mut Sink<'_>,
    root: &Fields<'_>,
    folder: &str,
    sha256: Option<&str>,
) -> Description {
    let mut description = Description::default();
    let _ = root.get("title").and_then(|item| item.text(sink));
    let _ = root.get("provenance").and_then(|item| item.table(sink));
    description.sha256 = read_sha256(sink, root, sha256).unwrap_or_default();
    let help = "describe it: [[inputs]] name = \"curve\" shape = [1, 64]";
    for item in read_ports(sink, root, "inputs", help) {
        description.inputs.extend(read_input(sink, &item));
    }
    if description.inputs.iter().any(|port| !port.normalisation.is_empty()) {
        description.normalisation = description.inputs.iter().flat_map(Port::normalised).collect();
    }
    let help = "describe it: [[outputs]] name = \"score\" shape = [1, 1]";
    for item in read_ports(sink, root, "outputs", help) {
        let Some(fields) = Fields::open(sink, &item, schema::MODEL_FILE_OUTPUT) else { continue };
        description.outputs.extend(read_port(sink, &fields));
    }
    description.threshold = root.get("threshold").and_then(|item| item.number(sink));
    let score = root.get("score");
    description.score = score.as_ref().and_then(|item| read_score(sink, item));
    // What follows compares parts that are all there.
    let whole = !sink.has_errors();
    if let (Some(item), Some(score)) = (score.filter(|_| whole), description.score)
        && let Some((message, help)) = description.score_problem(score)
    {
        item.find(sink, Rule::ModelFile, message).help(help);
    }
    read_golden(read, sink, root, folder, &mut description);
    description
}

fn read_golden(
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    sink: &mut Sink<'_>,
    root: &Fields<'_>,
    folder: &str,
    description: &mut Description,
) {
    let Some(item) = root.get("golden") else {
        if !sink.has_errors() {
            sink.push(Rule::NoGolden, &(0..0), "golden", "the description has no golden vector: nothing shows that the model computes what it was trained to")
                .help("let the training write one: golden = \"stroke.golden.json\"");
        }
        return;
    };
    let whole = !sink.has_errors();
    let Some(golden) = golden::read(read, sink, &item, folder) else { return };
    for (what, got, expected) in [
        ("inputs", golden.inputs.len(), description.input_len()),
        ("outputs", golden.outputs.len(), description.output_len()),
    ] {
        if whole && got != expected as usize {
            let message = format!("the golden vector has {got} values of {what}, the model has {expected}");
            item.find(sink, Rule::ModelFile, message).help("write those of all, one after the other");
        }
    }
    description.golden = Some(golden);
}

fn read_sha256(sink: &mut Sink<'_>, root: &Fields<'_>, actual: Option<&str>) -> Option<String> {
    let help = match actual {
        Some(actual) => format!("if the file is the one meant, write sha256 = \"{actual}\""),
        None => "write the SHA-256 of the .onnx file in hex".to_owned(),
    };
    let item = root.required(sink, "sha256", &help)?;
    let text = item.text(sink)?.to_ascii_lowercase();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        item.find(sink, Rule::BadText, "expected a SHA-256: 64 digits in hex").help(help);
        return None;
    }
    if actual.is_some_and(|actual| actual != text) {
        item.find(
            sink,
            Rule::ModelHash,
            "the .onnx file is not the one described here: its SHA-256 is another",
        )
        .help(format!("put the file back, or describe the new one anew; {help}"));
        return None;
    }
    Some(text)
}

fn read_ports<'t>(sink: &mut Sink<'_>, root: &Fields<'t>, name: &str, help: &str) -> Vec<Item<'t>> {
    let Some(item) = root.required(sink, name, help) else { return Vec::new() };
    let items = item.elements(sink, "tables").unwrap_or_default();
    if item.node.is_empty_array() {
        item.find(sink, Rule::OutOfRange, format!("a model has at least one of its `{name}`")).help(help);
    }
    if items.len() > PORTS_MAX {
        let message = format!("the model has {} `{name}`, at most {PORTS_MAX} are possible", items.len());
        item.find(sink, Rule::TooMany, message).help("join them into fewer, longer ones");
        return Vec::new();
    }
    items
}

fn read_port(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<Port> {
    let name =
        fields.required(sink, "name", "write its name in the ONNX graph").and_then(|item| item.text(sink));
    let help = "write its shape with numbers only, the batch first and 1: shape = [1, 64]";
    let item = fields.required(sink, "shape", help)?;
    let mut shape = Vec::new();
    for item in item.elements(sink, "integers")? {
        shape.push(u32::try_from(item.integer(sink, 1..=i64::try_from(ELEMENTS_MAX).ok()?)?).ok()?);
    }
    let len = shape.iter().try_fold(1_u64, |len, of| len.checked_mul(u64::from(*of)));
    let Some(len) = len.filter(|len| *len <= ELEMENTS_MAX).and_then(|len| u32::try_from(len).ok()) else {
        item.find(sink, Rule::OutOfRange, format!("expected at most {ELEMENTS_MAX} values"));
        return None;
    };
    Some(Port { name: name?.to_owned(), shape, len, unit: None, normalisation: Vec::new() })
}

/// An input: as an output, and what is done to it before.
fn read_input(sink: &mut Sink<'_>, item: &Item<'_>) -> Option<Port> {
    let fields = Fields::open(sink, item, schema::MODEL_FILE_INPUT)?;
    let unit = fields.get("unit").and_then(|item| values::unit(sink, &item, None));
    let port = read_port(sink, &fields)?;
    let mut factor = |name: &str| fields.get(name).map(|item| read_per_element(sink, &item, port.len));
    let (mean, scale) = (factor("mean"), factor("scale"));
    if let (Some(item), Some(Some(scale))) = (fields.get("scale"), &scale)
        && scale.iter().any(|scale| !scale.is_normal())
    {
        item.find(sink, Rule::OutOfRange, "a scale is not zero: values are divided by it")
            .help("write the standard deviation, or 1 for an element that never changes");
        return None;
    }
    let mut normalisation = Vec::new();
    if mean.is_some() || scale.is_some() {
        let mean = mean.flatten().unwrap_or_else(|| vec![0.0; port.len as usize]);
        let scale = scale.flatten().unwrap_or_else(|| vec![1.0; port.len as usize]);
        normalisation = mean.into_iter().zip(scale).collect();
    }
    Some(Port { unit, normalisation, ..port })
}

/// A number for all elements, or one for each.
fn read_per_element(sink: &mut Sink<'_>, item: &Item<'_>, len: u32) -> Option<Vec<f64>> {
    if !matches!(item.node.value, NodeValue::Array(_)) {
        return item.number(sink).map(|number| vec![number; len as usize]);
    }
    let items = item.elements(sink, "numbers")?;
    if items.len() != len as usize {
        let message = format!("expected one number, or {len} numbers, got {}", items.len());
        item.find(sink, Rule::ModelFile, message);
        return None;
    }
    items.iter().map(|item| item.number(sink)).collect()
}

/// `"reconstruction_error"` or `{ output = 0, element = 0 }`.
pub(crate) fn read_score(sink: &mut Sink<'_>, item: &Item<'_>) -> Option<ModelScore> {
    if !item.node.is_table() {
        return item.choice(sink, &[("reconstruction_error", ModelScore::ReconstructionError)]);
    }
    let fields = Fields::open(sink, item, schema::SCORE)?;
    let mut index = |name: &str| match fields.get(name) {
        Some(item) => u16::try_from(item.integer(sink, 0..=i64::from(u16::MAX))?).ok(),
        None => Some(0),
    };
    let (output, element) = (index("output"), index("element"));
    Some(ModelScore::Output { output: output?, element: element? })
}

/// `[1, 64]`.
pub(crate) fn shown(shape: &[u32]) -> String {
    let numbers: Vec<String> = shape.iter().map(u32::to_string).collect();
    format!("[{}]", numbers.join(", "))
}

/// For findings that name all inputs.
pub(crate) fn port_names(ports: &[Port]) -> String {
    let all: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
    names::list(&all)
}
