//! A model file as a checked graph: nodes in an order in which they can run, constants, inputs, outputs.

use crate::{
    Element, TensorInfo,
    error::{LoadError, Refusal, Remedy, broken, unsupported},
    onnx::{AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto},
    tensor::{Constant, count},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

/// Operators of one model.
const MAX_NODES: usize = 100_000;
/// Versions of the standard's operator set that are understood.
const OPSETS: std::ops::RangeInclusive<i64> = 6..=26;
/// Versions of the operators for classical machine learning.
const ML_OPSETS: std::ops::RangeInclusive<i64> = 1..=5;

/// What a file says, checked as far as that goes without knowing the operators.
#[derive(Debug)]
pub(crate) struct Graph {
    pub opset: i64,
    pub nodes: Vec<Node>,
    pub constants: BTreeMap<String, Constant>,
    pub inputs: Vec<TensorInfo>,
    pub outputs: Vec<String>,
    /// Types the file gives for values in between: used only to go on behind a node that is refused.
    pub declared: BTreeMap<String, (Element, Vec<usize>)>,
}

/// One operator.
#[derive(Debug)]
pub(crate) struct Node {
    /// For messages.
    pub place: String,
    pub operator: String,
    /// Whether it is one of `ai.onnx.ml`.
    pub ml: bool,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    attributes: Vec<(AttributeProto, Cell<bool>)>,
}

impl Node {
    fn read(index: usize, node: NodeProto) -> Self {
        let operator = node.op_type.unwrap_or_default();
        let place = match node.name.filter(|name| !name.is_empty()) {
            Some(name) => format!("node `{name}` ({operator})"),
            None => format!("node {index} ({operator})"),
        };
        Self {
            place,
            operator,
            ml: node.domain.as_deref() == Some("ai.onnx.ml"),
            inputs: node.input,
            outputs: node.output,
            attributes: node.attribute.into_iter().map(|attribute| (attribute, Cell::new(false))).collect(),
        }
    }

    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        let (attribute, used) = self.attributes.iter().find(|(a, _)| a.name.as_deref() == Some(name))?;
        used.set(true);
        Some(attribute)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(default)
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).and_then(|attribute| attribute.f).unwrap_or(default)
    }

    pub(crate) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    pub(crate) fn floats(&self, name: &str) -> Option<&[f32]> {
        self.attribute(name).map(|attribute| attribute.floats.as_slice())
    }

    pub(crate) fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        let text = self.attribute(name).and_then(|attribute| attribute.s.as_deref());
        text.map_or(default, |bytes| std::str::from_utf8(bytes).unwrap_or("(not UTF-8)"))
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        let texts = self.attribute(name).map(|attribute| attribute.strings.as_slice()).unwrap_or_default();
        texts.iter().map(|bytes| std::str::from_utf8(bytes).unwrap_or("(not UTF-8)")).collect()
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<Result<Constant, Refusal>> {
        self.attribute(name).and_then(|attribute| attribute.t.as_ref()).map(Constant::read)
    }

    /// An attribute nothing asked for would change the meaning unseen.
    pub(crate) fn check_all_used(&self) -> Result<(), Refusal> {
        let unused: Vec<_> = self
            .attributes
            .iter()
            .filter(|(_, used)| !used.get())
            .map(|(attribute, _)| attribute.name.as_deref().unwrap_or("(without a name)"))
            .collect();
        if unused.is_empty() {
            Ok(())
        } else {
            Err(unsupported(format!("the inline engine does not know attribute {}", unused.join(", "))))
        }
    }

    /// Whether this output is named and so perhaps used.
    pub(crate) fn wants(&self, output: usize) -> bool {
        self.outputs.get(output).is_some_and(|name| !name.is_empty())
    }
}

impl Graph {
    /// From a decoded file.
    pub(crate) fn read(model: ModelProto) -> Result<Self, Vec<LoadError>> {
        let mut findings = Vec::new();
        let opset = opset(&model, &mut findings);
        let Some(mut graph) = model.graph else {
            findings.push(broken("the file has no graph").at(None));
            return Err(findings);
        };
        if graph.node.len() > MAX_NODES {
            let text = format!("{} nodes, the limit is {MAX_NODES}", graph.node.len());
            return Err(vec![unsupported(text).at(None)]);
        }
        if !graph.sparse_initializer.is_empty() {
            findings.push(unsupported("sparse initializers").at(None));
        }
        let constants = constants(&graph, &mut findings);
        let inputs = inputs(&graph, &constants, &mut findings);
        let outputs: Vec<String> =
            graph.output.iter().map(|output| output.name.clone().unwrap_or_default()).collect();
        if outputs.is_empty() {
            findings.push(broken("the graph has no outputs").at(None));
        }
        let declared = declared(&graph);
        let nodes = std::mem::take(&mut graph.node);
        let nodes = nodes.into_iter().enumerate().map(|(index, node)| Node::read(index, node)).collect();
        let given = graph.input.iter().map(|input| input.name.clone().unwrap_or_default());
        let initializers = graph.initializer.iter().map(|tensor| tensor.name.clone().unwrap_or_default());
        let known = initializers.chain(given).collect();
        match sorted(nodes, known) {
            Ok(nodes) if findings.is_empty() => {
                Ok(Self { opset, nodes, constants, inputs, outputs, declared })
            }
            Ok(_) => Err(findings),
            Err(more) => {
                findings.extend(more);
                Err(findings)
            }
        }
    }
}

fn opset(model: &ModelProto, findings: &mut Vec<LoadError>) -> i64 {
    let mut standard = 0;
    for set in &model.opset_import {
        let version = set.version.unwrap_or(0);
        match set.domain.as_deref().unwrap_or("") {
            "" | "ai.onnx" => standard = version,
            "ai.onnx.ml" if !ML_OPSETS.contains(&version) => {
                let text = format!("ai.onnx.ml operators of version {version}, supported are 1 to 5");
                findings.push(unsupported(text).at(None));
            }
            // A set that no node uses does no harm, and one that is used shows at the node.
            _ => {}
        }
    }
    let only_ml = standard == 0 && !model.opset_import.is_empty();
    if !only_ml && !OPSETS.contains(&standard) {
        let text =
            format!("operators of version {standard}, supported are {} to {}", OPSETS.start(), OPSETS.end());
        findings.push(unsupported(text).at(None));
    }
    standard
}

fn constants(graph: &GraphProto, findings: &mut Vec<LoadError>) -> BTreeMap<String, Constant> {
    let mut constants = BTreeMap::new();
    let mut total = 0_usize;
    for tensor in &graph.initializer {
        let name = tensor.name.clone().unwrap_or_default();
        match Constant::read(tensor) {
            Ok(constant) => {
                total += constant.values.len();
                constants.insert(name, constant);
            }
            Err(refusal) => findings.push(refusal.at(Some(format!("initializer `{name}`")))),
        }
    }
    if total > crate::tensor::MAX_ELEMENTS {
        findings.push(
            unsupported(format!("{total} constants, the limit is {}", crate::tensor::MAX_ELEMENTS)).at(None),
        );
    }
    constants
}

fn inputs(
    graph: &GraphProto,
    constants: &BTreeMap<String, Constant>,
    findings: &mut Vec<LoadError>,
) -> Vec<TensorInfo> {
    let mut inputs = Vec::new();
    // Before IR version 4 every initializer is listed as an input, too: a default that nobody can override here.
    let open =
        graph.input.iter().filter(|input| !constants.contains_key(input.name.as_deref().unwrap_or("")));
    for input in open {
        match input_info(input) {
            Ok(info) => inputs.push(info),
            Err(refusal) => {
                let name = input.name.as_deref().unwrap_or("");
                findings.push(refusal.at(Some(format!("input `{name}`"))));
            }
        }
    }
    inputs
}

fn input_info(input: &ValueInfoProto) -> Result<TensorInfo, Refusal> {
    let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| unsupported("not a tensor"))?;
    let number = tensor.elem_type.unwrap_or(0);
    let element = Element::from_onnx(number)
        .filter(|element| *element != Element::F64)
        .ok_or_else(|| unsupported(format!("element type {number}; export the model with float inputs")))?;
    let shape =
        tensor.shape.as_ref().ok_or_else(|| unsupported("without a shape; export it with fixed extents"))?;
    let mut extents = Vec::new();
    for (index, dimension) in shape.dim.iter().enumerate() {
        let name = dimension.dim_param.as_deref().unwrap_or("");
        let is_batch = index == 0 || name == "N" || name.to_ascii_lowercase().contains("batch");
        match dimension.dim_value {
            Some(value) if value > 0 => extents.push(value as usize),
            None | Some(0 | -1) if is_batch => extents.push(1),
            Some(0) => return Err(unsupported("a tensor without values")),
            Some(value) => return Err(broken(format!("an extent of {value} in dimension {index}"))),
            None => {
                return Err(unsupported(format!(
                    "dimension {index} (`{name}`) has no number, only a batch dimension may have none; export it with fixed extents"
                )));
            }
        }
    }
    count(&extents)?;
    Ok(TensorInfo { name: input.name.clone().unwrap_or_default(), shape: extents, element })
}

fn declared(graph: &GraphProto) -> BTreeMap<String, (Element, Vec<usize>)> {
    let infos = graph.value_info.iter().filter_map(|info| input_info(info).ok());
    infos.map(|info| (info.name, (info.element, info.shape))).collect()
}

/// In an order in which every input is there before it is used: the file's own, wherever that is such an order.
fn sorted(nodes: Vec<Node>, mut known: BTreeSet<String>) -> Result<Vec<Node>, Vec<LoadError>> {
    let mut findings = Vec::new();
    let mut producer = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if known.contains(output) || producer.insert(output.clone(), index).is_some() {
                findings.push(broken(format!("`{output}` is made twice")).at(Some(node.place.clone())));
            }
        }
    }
    let mut waiting = vec![0_usize; nodes.len()];
    let mut consumers = BTreeMap::<usize, Vec<usize>>::new();
    for (index, node) in nodes.iter().enumerate() {
        for input in node.inputs.iter().filter(|input| !input.is_empty()) {
            if known.contains(input) {
                continue;
            }
            if let Some(source) = producer.get(input) {
                waiting[index] += 1;
                consumers.entry(*source).or_default().push(index);
            } else {
                let text = format!("input `{input}` is made by nothing");
                findings.push(LoadError {
                    place: Some(node.place.clone()),
                    finding: text,
                    remedy: Remedy::FixTheFile,
                });
                known.insert(input.clone());
            }
        }
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|index| waiting[*index] == 0).collect();
    let mut order = Vec::new();
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for consumer in consumers.remove(&index).unwrap_or_default() {
            waiting[consumer] -= 1;
            if waiting[consumer] == 0 {
                ready.insert(consumer);
            }
        }
    }
    if order.len() < nodes.len() {
        findings.push(broken("its nodes wait for one another in a circle").at(None));
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let mut nodes: Vec<_> = nodes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| nodes[index].take()).collect())
}
