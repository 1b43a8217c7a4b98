//! Writes ONNX files, as far as measurements and tests need it.

use crate::bench::random::Random;
use prost::Message;
use sensai_inference::onnx::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// A graph that grows.
pub struct File {
    graph: GraphProto,
    random: Random,
}

impl File {
    pub(super) fn new(name: &str, random: Random) -> Self {
        Self { graph: GraphProto { name: Some(name.to_owned()), ..Default::default() }, random }
    }

    /// Nodes go in order.
    pub fn node(&mut self, node: NodeProto) {
        self.graph.node.push(node);
    }

    /// A constant.
    pub fn constant(&mut self, tensor: TensorProto) {
        self.graph.initializer.push(tensor);
    }

    /// Random weights, such that a sum of `fan_in` of them times ones keeps its size.
    pub(super) fn weights(&mut self, name: &str, shape: &[usize], fan_in: usize) {
        let scale = (3.0 / fan_in.max(1) as f32).sqrt();
        let values = (0..shape.iter().product()).map(|_| scale * self.random.uniform()).collect();
        self.graph.initializer.push(TensorProto {
            dims: shape.iter().map(|extent| *extent as i64).collect(),
            data_type: Some(1),
            float_data: values,
            name: Some(name.to_owned()),
            ..Default::default()
        });
    }

    /// The file's bytes, for a graph of one input and one output.
    pub fn finish(mut self, input: ValueInfoProto, output: ValueInfoProto) -> Vec<u8> {
        self.graph.input.push(input);
        self.graph.output.push(output);
        model(self.graph)
    }
}

/// A file of this graph, of the versions that the inline engine and ONNX Runtime both know.
pub fn model(graph: GraphProto) -> Vec<u8> {
    let set = |domain: &str, version| OperatorSetIdProto {
        domain: Some(domain.to_owned()),
        version: Some(version),
    };
    ModelProto {
        ir_version: Some(8),
        producer_name: Some("sensai".to_owned()),
        graph: Some(graph),
        opset_import: vec![set("", 17), set("ai.onnx.ml", 3)],
    }
    .encode_to_vec()
}

/// An operator; an empty name stands for an input or output that is left out.
pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    NodeProto {
        input: names(inputs),
        output: names(outputs),
        op_type: Some(operator.to_owned()),
        attribute: attributes,
        ..Default::default()
    }
}

/// An integer.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), i: Some(value), r#type: Some(2), ..Default::default() }
}

/// Integers.
pub fn ints(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), ints: values, r#type: Some(7), ..Default::default() }
}

/// Floats.
pub fn floats(name: &str, values: Vec<f32>) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), floats: values, r#type: Some(6), ..Default::default() }
}

/// Texts.
pub fn text(name: &str, values: Vec<&str>) -> AttributeProto {
    let strings = values.into_iter().map(|value| value.as_bytes().to_vec()).collect();
    AttributeProto { name: Some(name.to_owned()), strings, r#type: Some(8), ..Default::default() }
}

/// A constant of integers.
pub fn tensor(name: &str, dims: &[i64], values: Vec<i64>) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(7),
        int64_data: values,
        name: Some(name.to_owned()),
        ..Default::default()
    }
}

/// An input of `f32`.
pub fn input(name: &str, shape: &[i64]) -> ValueInfoProto {
    let dim = |extent: &i64| DimensionProto { dim_value: Some(*extent), dim_param: None };
    let shape = TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor_type = Some(TensorTypeProto { elem_type: Some(1), shape: Some(shape) });
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type }) }
}

/// An output of `f32`.
pub fn output(name: &str, shape: &[i64]) -> ValueInfoProto {
    input(name, shape)
}
