//! From the graph to a plan: each node becomes steps, or a constant, or another view of values that are there.

mod builder;
mod classical;
mod conv;
mod elementwise;
mod linear;
mod normalise;
mod quantise;
mod recurrent;
mod reduction;
mod shape;

pub(crate) use builder::{Builder, Value};

use crate::{
    Plan, TensorInfo,
    error::{LoadError, Refusal, unsupported},
    graph::{Graph, Node},
    kernels::Operand,
    onnx,
    tensor::Values,
};
use std::{collections::BTreeMap, rc::Rc};

/// What a node's outputs are, in order; fewer than the node has is an error only if one of the others is used.
type Lowered = Result<Vec<Value>, Refusal>;
type Lower = fn(&Node, &[Option<Value>], &mut Builder) -> Lowered;

/// The operators, in alphabetical order.
const OPERATORS: &[(&str, Lower)] = &[
    ("Abs", elementwise::unary),
    ("Add", elementwise::binary),
    ("And", elementwise::binary),
    ("ArgMax", reduction::position),
    ("ArgMin", reduction::position),
    ("AveragePool", conv::pool),
    ("BatchNormalization", normalise::batch),
    ("Cast", elementwise::cast),
    ("Ceil", elementwise::unary),
    ("Celu", elementwise::unary),
    ("Clip", elementwise::clip),
    ("Concat", shape::concat),
    ("Constant", shape::constant),
    ("ConstantOfShape", shape::constant_of_shape),
    ("Conv", conv::conv),
    ("DequantizeLinear", quantise::dequantise),
    ("Div", elementwise::binary),
    ("Dropout", elementwise::dropout),
    ("Elu", elementwise::unary),
    ("Equal", elementwise::binary),
    ("Erf", elementwise::unary),
    ("Exp", elementwise::unary),
    ("Expand", shape::expand),
    ("Flatten", shape::flatten),
    ("Floor", elementwise::unary),
    ("GRU", recurrent::recurrent),
    ("Gather", shape::gather),
    ("Gelu", elementwise::unary),
    ("Gemm", linear::gemm),
    ("GlobalAveragePool", conv::global_pool),
    ("GlobalMaxPool", conv::global_pool),
    ("Greater", elementwise::binary),
    ("GreaterOrEqual", elementwise::binary),
    ("HardSigmoid", elementwise::unary),
    ("HardSwish", elementwise::unary),
    ("Identity", shape::identity),
    ("InstanceNormalization", normalise::instance),
    ("LSTM", recurrent::recurrent),
    ("LayerNormalization", normalise::layer),
    ("LeakyRelu", elementwise::unary),
    ("Less", elementwise::binary),
    ("LessOrEqual", elementwise::binary),
    ("Log", elementwise::unary),
    ("LogSoftmax", normalise::softmax),
    ("LpNormalization", normalise::lp),
    ("MatMul", linear::matmul),
    ("Max", elementwise::variadic),
    ("MaxPool", conv::pool),
    ("Mean", elementwise::variadic),
    ("Min", elementwise::variadic),
    ("Mish", elementwise::unary),
    ("Mul", elementwise::binary),
    ("Neg", elementwise::unary),
    ("Not", elementwise::unary),
    ("Or", elementwise::binary),
    ("PRelu", elementwise::binary),
    ("Pad", shape::pad),
    ("Pow", elementwise::binary),
    ("QuantizeLinear", quantise::quantise),
    ("RMSNormalization", normalise::root_mean_square),
    ("RNN", recurrent::recurrent),
    ("Reciprocal", elementwise::unary),
    ("ReduceL1", reduction::reduce),
    ("ReduceL2", reduction::reduce),
    ("ReduceLogSum", reduction::reduce),
    ("ReduceLogSumExp", reduction::reduce),
    ("ReduceMax", reduction::reduce),
    ("ReduceMean", reduction::reduce),
    ("ReduceMin", reduction::reduce),
    ("ReduceProd", reduction::reduce),
    ("ReduceSum", reduction::reduce),
    ("ReduceSumSquare", reduction::reduce),
    ("Relu", elementwise::unary),
    ("Reshape", shape::reshape),
    ("Round", elementwise::unary),
    ("Selu", elementwise::unary),
    ("Shape", shape::shape),
    ("Sigmoid", elementwise::unary),
    ("Sign", elementwise::unary),
    ("Size", shape::shape),
    ("Slice", shape::slice),
    ("Softmax", normalise::softmax),
    ("Softplus", elementwise::unary),
    ("Softsign", elementwise::unary),
    ("Split", shape::split),
    ("Sqrt", elementwise::unary),
    ("Squeeze", shape::squeeze),
    ("Sub", elementwise::binary),
    ("Sum", elementwise::variadic),
    ("Swish", elementwise::unary),
    ("Tanh", elementwise::unary),
    ("ThresholdedRelu", elementwise::unary),
    ("Tile", shape::tile),
    ("Transpose", shape::transpose),
    ("Unsqueeze", shape::unsqueeze),
    ("Where", elementwise::select),
    ("Xor", elementwise::binary),
];

/// Those of `ai.onnx.ml`.
const ML_OPERATORS: &[(&str, Lower)] = &[
    ("Normalizer", classical::normalizer),
    ("Scaler", classical::scaler),
    ("TreeEnsembleClassifier", classical::classifier),
    ("TreeEnsembleRegressor", classical::regressor),
];

/// The operators that the inline engine runs, by name; for each, whether it is one of `ai.onnx.ml`.
pub fn operators() -> impl Iterator<Item = (&'static str, bool)> {
    let names = |operators: &'static [(&'static str, Lower)], ml: bool| {
        operators.iter().map(move |(name, _)| (*name, ml))
    };
    names(OPERATORS, false).chain(names(ML_OPERATORS, true))
}

fn operator(node: &Node) -> Result<Lower, Refusal> {
    let table = if node.ml { ML_OPERATORS } else { OPERATORS };
    let found = table.binary_search_by(|(name, _)| (*name).cmp(node.operator.as_str()));
    found.map(|index| table[index].1).map_err(|_| {
        let domain = if node.ml { "ai.onnx.ml" } else { "standard" };
        let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        unsupported(format!(
            "the {domain} operator {} is not supported by the inline engine; it has {}",
            node.operator,
            names.join(", ")
        ))
    })
}

/// A plan from the bytes of a file.
pub(crate) fn load(bytes: &[u8]) -> Result<Plan, Vec<LoadError>> {
    let model = onnx::decode(bytes).map_err(|text| vec![crate::error::broken(text).at(None)])?;
    let graph = Graph::read(model)?;
    Lowering::new(&graph).finish()
}

struct Lowering<'g> {
    graph: &'g Graph,
    builder: Builder,
    values: BTreeMap<&'g str, Value>,
    findings: Vec<LoadError>,
}

impl<'g> Lowering<'g> {
    fn new(graph: &'g Graph) -> Self {
        let mut lowering =
            Self { graph, builder: Builder::new(graph.opset), values: BTreeMap::new(), findings: Vec::new() };
        for (name, constant) in &graph.constants {
            lowering.values.insert(name, Value::constant(constant.clone()));
        }
        for input in &graph.inputs {
            match lowering.builder.input(input) {
                Ok(value) => {
                    lowering.values.insert(&input.name, value);
                }
                Err(refusal) => {
                    lowering.findings.push(refusal.at(Some(format!("input `{}`", input.name))));
                }
            }
        }
        lowering
    }

    fn finish(mut self) -> Result<Plan, Vec<LoadError>> {
        let mut uses = BTreeMap::<&str, usize>::new();
        let used = self.graph.nodes.iter().flat_map(|node| &node.inputs).chain(&self.graph.outputs);
        for name in used.chain(&self.graph.outputs) {
            *uses.entry(name).or_default() += 1;
        }
        let graph = self.graph;
        for node in &graph.nodes {
            self.node(node, &uses);
        }
        let outputs = self.outputs();
        if !self.findings.is_empty() {
            return Err(self.findings);
        }
        let inputs = self.graph.inputs.clone();
        let (infos, places): (Vec<TensorInfo>, Vec<Operand>) = outputs.into_iter().unzip();
        Ok(self.builder.finish(inputs, (infos, places)))
    }

    fn node(&mut self, node: &'g Node, uses: &BTreeMap<&str, usize>) {
        let place = || Some(node.place.clone());
        let lower = match operator(node) {
            Ok(lower) => lower,
            Err(refusal) => {
                self.findings.push(refusal.at(place()));
                return self.go_on_behind(node);
            }
        };
        let mut inputs = Vec::new();
        for name in &node.inputs {
            match self.values.get(name.as_str()) {
                Some(value) => inputs.push(Some(value.clone())),
                None if name.is_empty() => inputs.push(None),
                // What makes it was refused, and the finding stands there.
                None => return self.go_on_behind(node),
            }
        }
        let result = self.builder.lower(node, &inputs, lower);
        let checked = result.and_then(|values| {
            node.check_all_used()?;
            for (index, name) in node.outputs.iter().enumerate().skip(values.len()) {
                if !name.is_empty() && uses.contains_key(name.as_str()) {
                    return Err(unsupported(format!("its output {index} (`{name}`)")));
                }
            }
            Ok(values)
        });
        match checked {
            Ok(values) => {
                for (name, value) in node.outputs.iter().zip(values).filter(|(name, _)| !name.is_empty()) {
                    if uses.get(name.as_str()).is_some_and(|count| *count > 1) {
                        self.builder.share(&value);
                    }
                    self.values.insert(name, value);
                }
            }
            Err(refusal) => {
                self.findings.push(refusal.at(place()));
                self.go_on_behind(node);
            }
        }
    }

    /// Where the file itself says what a refused node makes, the nodes behind it can be checked, too.
    fn go_on_behind(&mut self, node: &'g Node) {
        for name in &node.outputs {
            if let Some((element, shape)) = self.graph.declared.get(name)
                && let Ok(value) = self.builder.stand_in(*element, shape)
            {
                self.values.insert(name, value);
            }
        }
    }

    fn outputs(&mut self) -> Vec<(TensorInfo, Operand)> {
        let mut outputs = Vec::new();
        for name in &self.graph.outputs {
            let place = || Some(format!("output `{name}`"));
            let Some(value) = self.values.get(name.as_str()).cloned() else {
                if self.findings.is_empty() {
                    self.findings.push(crate::error::broken("it is made by nothing").at(place()));
                }
                continue;
            };
            match self.builder.operand(&value) {
                Ok(operand) => {
                    let info =
                        TensorInfo { name: name.clone(), shape: value.shape.clone(), element: value.element };
                    outputs.push((info, operand));
                }
                Err(refusal) => self.findings.push(refusal.at(place())),
            }
        }
        outputs
    }
}

/// Inputs of a node, as its operator asks for them.
pub(crate) trait Inputs {
    /// One that must be there.
    fn need(&self, index: usize) -> Result<&Value, Refusal>;
    /// One that may be left out.
    fn may(&self, index: usize) -> Option<&Value>;
    /// One whose values must be known at load, if it is there.
    fn known(&self, index: usize, what: &str) -> Result<Option<Rc<Values>>, Refusal> {
        self.may(index).map(|value| value.known(what)).transpose()
    }
    /// Integers known at load.
    fn integers(&self, index: usize, what: &str) -> Result<Option<Vec<i64>>, Refusal> {
        match self.known(index, what)? {
            None => Ok(None),
            Some(values) => match &*values {
                Values::Integer(integers) => Ok(Some(integers.clone())),
                Values::Float(_) => {
                    Err(crate::error::broken(format!("{what} are floats, expected integers")))
                }
            },
        }
    }
    /// Floats known at load.
    fn floats(&self, index: usize, what: &str) -> Result<Option<Vec<f32>>, Refusal> {
        self.known(index, what)?.map(|values| values.to_floats()).transpose()
    }
}

impl Inputs for [Option<Value>] {
    fn need(&self, index: usize) -> Result<&Value, Refusal> {
        self.may(index).ok_or_else(|| crate::error::broken(format!("input {index} is missing")))
    }

    fn may(&self, index: usize) -> Option<&Value> {
        self.get(index).and_then(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_can_be_searched() {
        assert!(
            OPERATORS.is_sorted_by_key(|(name, _)| *name) && ML_OPERATORS.is_sorted_by_key(|(name, _)| *name)
        );
        assert_eq!(operators().count(), OPERATORS.len() + ML_OPERATORS.len());
    }
}
