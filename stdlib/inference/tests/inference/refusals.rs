//! Files that are not taken: every finding, with its place and what to do.

use prost::Message;
use sensai_inference::{
    Plan, Remedy,
    onnx::{
        AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
        TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
    },
};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn info(name: &str, extents: &[i64]) -> ValueInfoProto {
    let dimension = |extent: &i64| match *extent {
        -1 => DimensionProto { dim_value: None, dim_param: some("length") },
        -2 => DimensionProto { dim_value: None, dim_param: some("batch_size") },
        extent => DimensionProto { dim_value: Some(extent), dim_param: None },
    };
    let shape = TensorShapeProto { dim: extents.iter().map(dimension).collect() };
    let tensor = TensorTypeProto { elem_type: Some(1), shape: Some(shape) };
    ValueInfoProto { name: some(name), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        op_type: some(operator),
        ..Default::default()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: some(name), i: Some(value), r#type: Some(2), ..Default::default() }
}

fn tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let (dims, float_data) = (dims.to_vec(), values.to_vec());
    TensorProto { dims, data_type: Some(1), float_data, name: some(name), ..Default::default() }
}

fn model(graph: GraphProto) -> ModelProto {
    let opset_import = vec![OperatorSetIdProto { domain: None, version: Some(17) }];
    ModelProto { ir_version: Some(8), opset_import, graph: Some(graph), ..Default::default() }
}

fn findings(model: &ModelProto) -> Vec<String> {
    let findings = Plan::load(&model.encode_to_vec()).expect_err("it is refused");
    for finding in &findings {
        let says_ort = finding.to_string().ends_with("; use engine = \"ort\" for this model");
        assert_eq!(says_ort, finding.remedy == Remedy::UseOrt, "{finding}");
    }
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn all_findings_come_at_once() {
    let mut convolution = node("Conv", &["x", "w"], "b");
    convolution.name = some("first");
    convolution.attribute = vec![int("group", 1), int("colour", 3)];
    let mut pool = node("MaxPool", &["known"], "d");
    pool.attribute = vec![AttributeProto { name: some("kernel_shape"), ints: vec![9], ..Default::default() }];
    let graph = GraphProto {
        node: vec![convolution, node("Einsum", &["b"], "known"), pool, node("Relu", &["d"], "y")],
        initializer: vec![tensor("w", &[1, 2, 1], &[0.5; 2])],
        input: vec![info("x", &[1, 2, 4])],
        output: vec![info("y", &[])],
        value_info: vec![info("known", &[1, 2, 4])],
        ..Default::default()
    };
    let texts = findings(&model(graph));
    assert_eq!(texts.len(), 3, "{texts:#?}");
    assert_eq!(
        texts[0],
        "node `first` (Conv): the inline engine does not know attribute colour; use engine = \"ort\" for this model"
    );
    assert!(texts[1].starts_with(
        "node 1 (Einsum): the standard operator Einsum is not supported by the inline engine; it has Abs, Add, "
    ));
    // Behind the unknown operator, the file's own words about its output allow to go on.
    assert_eq!(texts[2], "node 2 (MaxPool): a window of 9 over 4 values");
}

#[test]
fn a_file_that_is_none_is_refused() {
    let text = |bytes: &[u8]| Plan::load(bytes).expect_err("it is refused")[0].to_string();
    assert_eq!(
        text(b""),
        "operators of version 0, supported are 6 to 26; use engine = \"ort\" for this model"
    );
    assert_eq!(text(b"\xFFONNX"), "not an ONNX file: a field of a kind that ONNX does not use");
    assert_eq!(text(b"\x3A\x7F"), "not an ONNX file: a field is cut off");
}

#[test]
fn graphs_that_cannot_run_are_refused() {
    let input = vec![info("x", &[1, 2])];
    let output = vec![info("y", &[1, 2])];
    let graph = |node: Vec<NodeProto>| GraphProto {
        node,
        input: input.clone(),
        output: output.clone(),
        ..Default::default()
    };
    let circle = graph(vec![node("Add", &["x", "y"], "a"), node("Relu", &["a"], "y")]);
    assert_eq!(findings(&model(circle)), ["its nodes wait for one another in a circle"]);
    let missing = graph(vec![node("Add", &["x", "q"], "y")]);
    assert_eq!(findings(&model(missing)), ["node 0 (Add): input `q` is made by nothing"]);
    let twice = graph(vec![node("Relu", &["x"], "y"), node("Abs", &["x"], "y")]);
    assert_eq!(findings(&model(twice)), ["node 1 (Abs): `y` is made twice"]);
    let nothing = graph(vec![node("Relu", &["x"], "z")]);
    assert_eq!(findings(&model(nothing)), ["output `y`: it is made by nothing"]);
    let mut elsewhere = graph(vec![node("Add", &["x", "w"], "y")]);
    elsewhere.initializer = vec![TensorProto { data_location: Some(1), ..tensor("w", &[2], &[]) }];
    let text = &findings(&model(elsewhere))[0];
    assert!(text.starts_with("initializer `w`: its values are in another file"), "{text}");
}

#[test]
fn only_the_batch_may_be_open() {
    let graph = |extents: &[i64]| GraphProto {
        node: vec![node("Relu", &["x"], "y")],
        input: vec![info("x", extents)],
        output: vec![info("y", extents)],
        ..Default::default()
    };
    let open = findings(&model(graph(&[-1, 2, -1])));
    assert_eq!(
        open,
        [
            "input `x`: dimension 2 (`length`) has no number, only a batch dimension may have none; export it with \
          fixed extents; use engine = \"ort\" for this model"
        ]
    );
    for (extents, shape) in [([-1, 5], [1, 5]), ([4, -2], [4, 1])] {
        use sensai_inference::Engine;
        let plan = Plan::load(&model(graph(&extents)).encode_to_vec()).expect("it loads");
        assert_eq!(
            (plan.inputs()[0].shape.as_slice(), plan.outputs()[0].shape.as_slice()),
            (&shape[..], &shape[..])
        );
    }
}

/// Nodes in another order than they run in, which some exporters write.
#[test]
fn nodes_are_sorted() {
    use sensai_inference::Engine;
    let graph = GraphProto {
        node: vec![node("Neg", &["a"], "y"), node("Relu", &["x"], "a")],
        input: vec![info("x", &[3])],
        output: vec![info("y", &[3])],
        ..Default::default()
    };
    let mut plan = Plan::load(&model(graph).encode_to_vec()).expect("it loads");
    let mut output = [0.0; 3];
    plan.run(&[&[1.0, -2.0, 3.0]], &mut [&mut output]).expect("it runs");
    assert_eq!(output, [-1.0, -0.0, -3.0]);
}

/// Sizes that multiply to more than there is memory, before any is taken.
#[test]
fn sizes_are_checked_before_they_are_used() {
    let limit = "has more than 16777216 values";
    let graph = GraphProto {
        node: vec![node("Relu", &["x"], "y")],
        input: vec![info("x", &[1 << 40, 1 << 40])],
        output: vec![info("y", &[])],
        ..Default::default()
    };
    assert!(findings(&model(graph))[0].contains(limit));
    let shape = TensorProto {
        dims: vec![3],
        data_type: Some(7),
        int64_data: vec![1 << 20, 1 << 20, 1],
        ..tensor("s", &[], &[])
    };
    let graph = GraphProto {
        node: vec![node("Expand", &["x", "s"], "y")],
        input: vec![info("x", &[1])],
        output: vec![info("y", &[])],
        initializer: vec![TensorProto { float_data: Vec::new(), ..shape }],
        ..Default::default()
    };
    assert!(findings(&model(graph))[0].contains(limit));
}
