//! The messages of an ONNX file, as far as the engine reads them, and the limits on what is decoded at all.
//!
//! Field numbers are those of `onnx.proto` (ONNX IR version 3 and later). Fields that are not listed are skipped:
//! subgraphs, training information, functions. A node that needs them is refused by its operator.

use prost::Message;

/// Bytes of a file. A model of the size an interval has time for is a thousandth of it.
pub const MAX_FILE_BYTES: usize = 64 << 20;
/// Messages and strings in a file. Decoded, the smallest of them takes a hundred times its bytes.
pub const MAX_ITEMS: usize = 2_000_000;

/// The file.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the format.
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    /// Which program wrote it.
    #[prost(string, optional, tag = "2")]
    pub producer_name: Option<String>,
    /// What it computes.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// Which versions of which operators.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
}

/// A set of operators.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetIdProto {
    /// Empty for the standard's own, or `ai.onnx.ml`.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// Its version.
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// The graph.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// In topological order, says the standard; it is not relied upon.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Its name.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    /// Constants.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Inputs; before IR version 4 also the initializers.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// Outputs.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Types of values in between.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
    /// Sparse constants, kept only to be refused.
    #[prost(bytes = "vec", repeated, tag = "15")]
    pub sparse_initializer: Vec<Vec<u8>>,
}

/// One operator.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of its inputs; empty for one left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of its outputs; empty for one not wanted.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its own name, often empty.
    #[prost(string, optional, tag = "3")]
    pub name: Option<String>,
    /// The operator.
    #[prost(string, optional, tag = "4")]
    pub op_type: Option<String>,
    /// Its attributes.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// The operator's set.
    #[prost(string, optional, tag = "7")]
    pub domain: Option<String>,
}

/// An attribute: one of the values is set.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// A float.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// An integer.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// A text.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// Floats.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Integers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Texts.
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// Which of them, `AttributeType`.
    #[prost(int32, optional, tag = "20")]
    pub r#type: Option<i32>,
}

/// A constant tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Its shape.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// `DataType`, see [`crate::Element::from_onnx`].
    #[prost(int32, optional, tag = "2")]
    pub data_type: Option<i32>,
    /// Values of `float`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Values of every integer up to 32 bits and of `bool`.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Values of `int64`.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Its name.
    #[prost(string, optional, tag = "8")]
    pub name: Option<String>,
    /// Values of any type, little endian.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    /// Values of `double`.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// 1 where the values are in another file.
    #[prost(int32, optional, tag = "14")]
    pub data_location: Option<i32>,
}

/// A named value and its type.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

/// A type; only tensors are read.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// A tensor; absent for sequences, maps and optionals.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// A tensor's type.
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeProto {
    /// `DataType`.
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// Its shape; absent if even the rank is open.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// Outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// One extent: a number, a name, or neither.
#[derive(Clone, PartialEq, Message)]
pub struct DimensionProto {
    /// The number.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// The name.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}

/// Decode a file, after a look at how much it would unfold to.
///
/// # Errors
/// A text that says what is wrong.
pub fn decode(bytes: &[u8]) -> Result<ModelProto, String> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(format!("the file has {} bytes, the limit is {MAX_FILE_BYTES}", bytes.len()));
    }
    let mut items = 0;
    count_items(bytes, Kind::Model, &mut items)?;
    ModelProto::decode(bytes).map_err(|error| format!("not an ONNX file: {error}"))
}

/// Messages that hold others.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Value,
    Type,
    TensorType,
    Shape,
    Leaf,
}

impl Kind {
    fn of_field(self, field: u64) -> Self {
        match (self, field) {
            (Self::Model, 7) => Self::Graph,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 11..=13) => Self::Value,
            (Self::Node, 5) => Self::Attribute,
            (Self::Value, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            _ => Self::Leaf,
        }
    }
}

fn count_items(mut bytes: &[u8], kind: Kind, items: &mut usize) -> Result<(), String> {
    let broken = || "not an ONNX file: a field is cut off".to_owned();
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok_or_else(broken)?;
        let skip = match key & 7 {
            0 => {
                varint(&mut bytes).ok_or_else(broken)?;
                0
            }
            1 => 8,
            2 => {
                let length = varint(&mut bytes).and_then(|length| usize::try_from(length).ok());
                let inner = length.and_then(|length| bytes.get(..length)).ok_or_else(broken)?;
                *items += 1;
                if *items > MAX_ITEMS {
                    return Err(format!("the file has more than {MAX_ITEMS} messages and strings"));
                }
                match kind.of_field(key >> 3) {
                    Kind::Leaf => {}
                    kind => count_items(inner, kind, items)?,
                }
                inner.len()
            }
            5 => 4,
            _ => return Err("not an ONNX file: a field of a kind that ONNX does not use".to_owned()),
        };
        bytes = bytes.get(skip..).ok_or_else(broken)?;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for index in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let node = NodeProto {
            input: vec!["x".to_owned(), String::new()],
            attribute: vec![AttributeProto { ints: vec![1, -1], floats: vec![0.5], ..Default::default() }],
            ..Default::default()
        };
        let graph = GraphProto { node: vec![node], ..Default::default() };
        let model = ModelProto { graph: Some(graph), ..Default::default() };
        assert_eq!(decode(&model.encode_to_vec()), Ok(model));
    }

    #[test]
    fn every_cut_is_refused_or_a_smaller_model() {
        let tensor = TensorProto { raw_data: Some(vec![1; 20]), ..Default::default() };
        let graph = GraphProto { initializer: vec![tensor], ..Default::default() };
        let bytes = ModelProto { graph: Some(graph), ..Default::default() }.encode_to_vec();
        for length in 1..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_file_that_unfolds_is_refused() {
        // Two bytes a node: decoded, each takes more than a hundred.
        let graph: Vec<u8> = [0x0A, 0x00].repeat(MAX_ITEMS + 1);
        let mut bytes = vec![0x3A];
        prost::encoding::encode_varint(graph.len() as u64, &mut bytes);
        bytes.extend(graph);
        assert_eq!(decode(&bytes), Err(format!("the file has more than {MAX_ITEMS} messages and strings")));
        let long = decode(&vec![0; MAX_FILE_BYTES + 1]).expect_err("too long");
        assert_eq!(long, "the file has 67108865 bytes, the limit is 67108864");
    }
}
