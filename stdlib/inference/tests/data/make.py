"""Makes the models in this folder, with what ONNX Runtime computes for them.

Needs the packages onnx==1.22.0, onnxruntime==1.24.4 and numpy. The files are committed; the tests need no Python.
"""

import pathlib
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(3)


def f32(*shape, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def case(name, nodes, inputs, outputs, constants=(), opset=17, ml=3):
    """`inputs`: (name, array); `outputs`: (name, type)."""
    kinds = {np.dtype(np.float32): T.FLOAT, np.dtype(np.int64): T.INT64, np.dtype(np.bool_): T.BOOL}
    graph = h.make_graph(
        nodes,
        name,
        [h.make_tensor_value_info(n, kinds[a.dtype], a.shape) for n, a in inputs],
        [h.make_tensor_value_info(n, t, None) for n, t in outputs],
        [nh.from_array(np.asarray(a), n) for n, a in constants],
    )
    sets = [h.make_opsetid("", opset), h.make_opsetid("ai.onnx.ml", ml)]
    model = h.make_model(graph, opset_imports=sets, ir_version=8, producer_name="")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    results = session.run(None, dict(inputs))
    data = HERE / name / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (HERE / name / "model.onnx").write_bytes(model.SerializeToString())
    for kind, arrays in (("input", [a for _, a in inputs]), ("output", results)):
        for index, array in enumerate(arrays):
            (data / f"{kind}_{index}.pb").write_bytes(nh.from_array(np.asarray(array)).SerializeToString())


def trees(count, depth, features, scores, modes, prefix, per_leaf=1, positive=False, single=None):
    """Attributes of random trees, some of whose branches end early."""
    a = {f"nodes_{k}": [] for k in (
        "treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids",
        "missing_value_tracks_true")}
    leaf = {f"{prefix}_{k}": [] for k in ("treeids", "nodeids", "ids", "weights")}
    for tree in range(count):
        ids = iter(range(1 << (depth + 2)))

        def grow(node, level):
            is_leaf = level == depth or (level > 0 and rng.random() < 0.2)
            a["nodes_treeids"].append(tree)
            a["nodes_nodeids"].append(node)
            a["nodes_featureids"].append(0 if is_leaf else int(rng.integers(features)))
            a["nodes_values"].append(0.0 if is_leaf else float(np.float32(round(rng.standard_normal(), 1))))
            a["nodes_modes"].append("LEAF" if is_leaf else str(rng.choice(modes)))
            a["nodes_missing_value_tracks_true"].append(int(rng.integers(2)))
            row = len(a["nodes_treeids"]) - 1
            a["nodes_truenodeids"].append(0)
            a["nodes_falsenodeids"].append(0)
            if is_leaf:
                for score in rng.permutation(scores)[:per_leaf]:
                    weight = rng.standard_normal() * 0.3
                    leaf[f"{prefix}_treeids"].append(tree)
                    leaf[f"{prefix}_nodeids"].append(node)
                    leaf[f"{prefix}_ids"].append(int(score) if single is None else single)
                    leaf[f"{prefix}_weights"].append(float(np.float32(abs(weight) / count if positive else weight)))
            else:
                yes, no = next(ids), next(ids)
                a["nodes_truenodeids"][row], a["nodes_falsenodeids"][row] = yes, no
                grow(yes, level + 1)
                grow(no, level + 1)

        grow(next(ids), 0)
    return a | leaf


def rows(count, features, with_nan=False):
    x = np.round(f32(count, features), 1)
    if with_nan:
        x[rng.random(x.shape) < 0.2] = np.nan
    return x.astype(np.float32)


ML = "ai.onnx.ml"
LEQ = ["BRANCH_LEQ"]
REG = [("y", T.FLOAT)]
CLASS = [("label", T.INT64), ("scores", T.FLOAT)]


def regressor(name, attributes, features, with_nan=False, **more):
    node = h.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain=ML, **(attributes | more))
    case(name, [node], [("x", rows(9, features, with_nan))], REG)


def classifier(name, attributes, features, labels, **more):
    node = h.make_node("TreeEnsembleClassifier", ["x"], ["label", "scores"], domain=ML,
                       classlabels_int64s=labels, **(attributes | more))
    case(name, [node], [("x", rows(9, features))], CLASS)


for mode in ("LEQ", "LT", "GTE", "GT"):
    regressor(f"tree_regressor_{mode.lower()}", trees(11, 4, 5, 1, [f"BRANCH_{mode}"], "target"), 5, True,
              n_targets=1, base_values=[0.25])
for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
    regressor(f"tree_regressor_{aggregate.lower()}", trees(7, 3, 4, 3, LEQ, "target", per_leaf=3), 4,
              n_targets=3, aggregate_function=aggregate, base_values=[0.5, -1.0, 0.0])
regressor("tree_regressor_stumps", trees(3, 1, 2, 1, LEQ, "target"), 2, n_targets=1)

for post in ("NONE", "LOGISTIC"):
    classifier(f"tree_classifier_boosted_{post.lower()}", trees(9, 3, 4, 1, LEQ, "class", single=0), 4, [3, 7],
               post_transform=post)
    classifier(f"tree_classifier_boosted_base_{post.lower()}", trees(9, 3, 4, 1, LEQ, "class", single=0), 4, [0, 1],
               post_transform=post, base_values=[0.125])
    classifier(f"tree_classifier_votes_{post.lower()}", trees(4, 3, 4, 1, LEQ, "class", single=0, positive=True), 4,
               [0, 1], post_transform=post)
for post in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
    classifier(f"tree_classifier_three_{post.lower()}", trees(9, 3, 4, 3, LEQ, "class", per_leaf=1), 4, [5, 1, 9],
               post_transform=post, base_values=[0.1, 0.2, -0.3])

# ONNX Runtime gives the second label whenever its score is above 0, the standard's reference the larger one.
classifier("refused_two_scores", trees(6, 2, 4, 2, LEQ, "class", per_leaf=2, positive=True), 4, [0, 1])

x = f32(3, 5)
case("scaler", [h.make_node("Scaler", ["x"], ["y"], domain=ML, offset=f32(5).tolist(), scale=f32(5).tolist())],
     [("x", x)], REG)
for norm in ("MAX", "L1", "L2"):
    case(f"normalizer_{norm.lower()}", [h.make_node("Normalizer", ["x"], ["y"], domain=ML, norm=norm)],
         [("x", np.abs(x))], REG)

case("not", [h.make_node("Not", ["x"], ["y"])], [("x", rng.random((3, 4)) < 0.5)], [("y", T.BOOL)])
case("reduce_log_sum_exp", [h.make_node("ReduceLogSumExp", ["x"], ["y"], axes=[1], keepdims=0)],
     [("x", f32(2, 11, 3, scale=30))], REG)


def recurrent(kind, name, directions=1, hidden=5, steps=6, batch=2, width=3, initial=False, **attributes):
    gates = {"GRU": 3, "LSTM": 4, "RNN": 1}[kind]
    constants = [("w", f32(directions, gates * hidden, width, scale=0.5)),
                 ("r", f32(directions, gates * hidden, hidden, scale=0.5)),
                 ("b", f32(directions, 2 * gates * hidden, scale=0.5))]
    names = ["x", "w", "r", "b"]
    inputs = [("x", f32(steps, batch, width))]
    outputs = ["y", "h"] + (["c"] if kind == "LSTM" else [])
    if initial:
        states = ["h0"] + (["c0"] if kind == "LSTM" else [])
        names += [""] + states
        inputs += [(s, f32(directions, batch, hidden)) for s in states]
    node = h.make_node(kind, names, outputs, hidden_size=hidden, **attributes)
    case(name, [node], inputs, [(o, T.FLOAT) for o in outputs], constants)


both = {"directions": 2, "direction": "bidirectional"}
recurrent("GRU", "gru_after_reset", linear_before_reset=0)
recurrent("GRU", "gru_before_reset", linear_before_reset=1)
recurrent("GRU", "gru_bidirectional", hidden=20, width=9, initial=True, linear_before_reset=1, **both)
recurrent("GRU", "gru_reverse", initial=True, direction="reverse", activations=["HardSigmoid", "Softsign"])
recurrent("LSTM", "lstm_bidirectional", hidden=17, initial=True, **both)
recurrent("LSTM", "lstm_reverse", direction="reverse", steps=1)
recurrent("RNN", "rnn_bidirectional", initial=True, activations=["Relu", "Tanh"], **both)


def conv(name, channels, outputs, kernel, spatial, group=1, bias=True, activation=None, **attributes):
    constants = [("w", f32(outputs, channels // group, *kernel, scale=0.3))] + ([("b", f32(outputs))] if bias else [])
    nodes = [h.make_node("Conv", ["x"] + [n for n, _ in constants], ["z"], group=group, **attributes)]
    nodes.append(h.make_node(activation or "Identity", ["z"], ["y"]))
    case(name, nodes, [("x", f32(2, channels, *spatial))], REG, constants)


conv("conv1d", 3, 16, [5], [23], activation="Relu")
conv("conv1d_stride", 4, 20, [3], [24], strides=[2], pads=[2, 1], activation="Tanh")
conv("conv1d_groups", 6, 10, [3], [17], group=2, dilations=[3], pads=[3, 2])
conv("conv1d_depthwise", 5, 5, [4], [9], group=5, bias=False, auto_pad="SAME_UPPER")
conv("conv1d_one", 1, 1, [1], [7])
conv("conv2d", 3, 9, [3, 2], [8, 9], strides=[2, 3], dilations=[1, 2], pads=[1, 0, 2, 1], activation="Sigmoid")
conv("conv2d_groups", 4, 34, [2, 2], [5, 6], group=2)

layers = [("w1", f32(9, 13)), ("b1", f32(13)), ("w2", f32(20, 13)), ("b2", f32(20)), ("w3", f32(20, 3)), ("b3", f32(3))]
case("mlp", [h.make_node("MatMul", ["x", "w1"], ["a"]), h.make_node("Add", ["b1", "a"], ["b"]),
             h.make_node("Relu", ["b"], ["c"]), h.make_node("Gemm", ["c", "w2", "b2"], ["d"], transB=1, alpha=0.5, beta=2.0),
             h.make_node("Sigmoid", ["d"], ["e"]), h.make_node("MatMul", ["e", "w3"], ["f"]),
             h.make_node("Add", ["f", "b3"], ["g"]), h.make_node("Softmax", ["g"], ["y"])],
     [("x", f32(5, 9))], REG, layers)
# What two nodes read must not be changed by one of them.
case("shared_views", [h.make_node("MatMul", ["x", "w1"], ["a"]), h.make_node("Identity", ["a"], ["v"]),
                      h.make_node("Relu", ["v"], ["r"]), h.make_node("Add", ["a", "r"], ["s"]),
                      h.make_node("Split", ["s"], ["s0", "s1"], axis=0), h.make_node("Neg", ["s0"], ["n"]),
                      h.make_node("Concat", ["n", "s1", "a"], ["y"], axis=0)],
     [("x", f32(4, 9))], REG, layers[:1])
# A state made from the shape of the input, as PyTorch exports it.
hidden = 4
case("state_from_shape", [
    h.make_node("Shape", ["x"], ["s"]), h.make_node("Gather", ["s", "one"], ["n"], axis=0),
    h.make_node("Unsqueeze", ["n", "zero1"], ["n1"]), h.make_node("Concat", ["one1", "n1", "hidden"], ["hs"], axis=0),
    h.make_node("ConstantOfShape", ["hs"], ["h0"]), h.make_node("GRU", ["x", "w", "r", "", "", "h0"], ["a", "b"], hidden_size=4),
    h.make_node("Squeeze", ["a", "one1"], ["q"]), h.make_node("Slice", ["q", "last", "end", "zero1"], ["l"]),
    h.make_node("Reshape", ["l", "flat"], ["y"])],
    [("x", f32(7, 2, 3))], REG,
    [("one", np.int64(1)), ("zero1", np.array([0])), ("one1", np.array([1])), ("hidden", np.array([hidden])),
     ("last", np.array([-1])), ("end", np.array([2**63 - 1])), ("flat", np.array([0, 2, -1])[1:]),
     ("w", f32(1, 12, 3)), ("r", f32(1, 12, 4))])


def q(name, source, scale, zero, **attributes):
    return [h.make_node("QuantizeLinear", [source, scale, zero], [name + "_q"], **attributes),
            h.make_node("DequantizeLinear", [name + "_q", scale, zero], [name], **attributes)]


quant = [("s", np.float32(0.03)), ("z", np.int8(3)), ("sy", np.float32(0.05)), ("zy", np.uint8(120)),
         ("w", rng.integers(-127, 128, (6, 8)).astype(np.int8)), ("sw", (rng.random(6) * 0.02 + 0.001).astype(np.float32)),
         ("zw", np.zeros(6, np.int8)), ("bq", rng.integers(-900, 900, 6).astype(np.int32)), ("sb", np.float32(0.001))]
case("qdq_gemm", q("xd", "x", "s", "z") + [
    h.make_node("DequantizeLinear", ["w", "sw", "zw"], ["wd"], axis=0),
    h.make_node("DequantizeLinear", ["bq", "sb"], ["bd"]),
    h.make_node("Gemm", ["xd", "wd", "bd"], ["g"], transB=1), h.make_node("Relu", ["g"], ["a"])] + q("y", "a", "sy", "zy"),
    [("x", f32(3, 8))], REG, quant)
quant = [("s", np.float32(0.03)), ("z", np.uint8(128)), ("w", rng.integers(-127, 128, (6, 3, 4)).astype(np.int8)),
         ("sw", (rng.random(6) * 0.02 + 0.001).astype(np.float32)), ("zw", np.zeros(6, np.int8)),
         ("sy", (rng.random(6) * 0.05 + 0.01).astype(np.float32)), ("zy", rng.integers(-9, 9, 6).astype(np.int8))]
case("qdq_conv", q("xd", "x", "s", "z") + [
    h.make_node("DequantizeLinear", ["w", "sw", "zw"], ["wd"], axis=0),
    h.make_node("Conv", ["xd", "wd"], ["c"])] + q("y", "c", "sy", "zy", axis=1),
    [("x", f32(1, 3, 12))], REG, quant)
