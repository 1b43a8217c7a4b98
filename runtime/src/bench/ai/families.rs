//! The four kinds of models that judge parts, made here: the same bytes on every computer.
//!
//! Sizes are those of a quality check in a 1 kHz cycle. Weights are random; what is measured does not depend on them.

use super::onnx_file::{File, floats, input, int, ints, node, output, tensor, text};
use crate::bench::random::Random;
use sensai_inference::onnx::NodeProto;

/// A model with what is asked of it.
pub struct Family {
    /// For tables.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// The file.
    pub model: Vec<u8>,
    /// Values of its one input.
    pub input_len: usize,
    /// The score: the mean squared difference of input and output, or else the first value of the output.
    pub reconstruction: bool,
    /// Median of the inline engine over that of ONNX Runtime, at most.
    pub aim: f64,
}

/// All of them.
pub fn all() -> Vec<Family> {
    vec![dense(), trees(), cnn(), gru()]
}

impl Family {
    /// An input. Each number has its own, for ever.
    pub fn sample(&self, number: u64, values: &mut [f32]) {
        let mut random = Random::new(number.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ self.input_len as u64);
        // A smooth curve with noise on it, as a sensor gives: neither constant nor white.
        let (height, bend) = (random.uniform(), random.uniform());
        let last = values.len().max(2) as f32 - 1.0;
        for (place, value) in values.iter_mut().enumerate() {
            let at = place as f32 / last;
            *value = height * at + bend * at * at + 0.3 * random.uniform();
        }
    }

    /// What a part is judged by.
    pub fn score(&self, input: &[f32], output: &[f32]) -> f32 {
        if !self.reconstruction {
            return output.first().copied().unwrap_or(f32::NAN);
        }
        let squares = input.iter().zip(output).map(|(input, output)| (input - output) * (input - output));
        squares.fold(0.0, |sum, square| sum + square) / input.len() as f32
    }
}

/// 64-32-8-32-64, rectified.
fn dense() -> Family {
    let mut file = File::new("dense", Random::new(1));
    let widths = [64_usize, 32, 8, 32, 64];
    let mut value = "x".to_owned();
    for (layer, pair) in widths.windows(2).enumerate() {
        let (from, to, last) = (pair[0], pair[1], layer + 2 == widths.len());
        let (weights, bias) = (format!("w{layer}"), format!("b{layer}"));
        file.weights(&weights, &[from, to], from);
        file.weights(&bias, &[to], from);
        let sum = if last { "y".to_owned() } else { format!("sum{layer}") };
        file.node(node("Gemm", &[&value, &weights, &bias], &[&sum], vec![]));
        if !last {
            value = format!("h{layer}");
            file.node(node("Relu", &[&sum], &[&value], vec![]));
        }
    }
    let model = file.finish(input("x", &[1, 64]), output("y", &[1, 64]));
    Family {
        name: "dense",
        title: "dense autoencoder 64-32-8-32-64",
        model,
        input_len: 64,
        reconstruction: true,
        aim: 0.2,
    }
}

const TREES: i64 = 60;
const DEPTH: u32 = 6;
const FEATURES: usize = 16;

/// 60 whole trees of depth 6 on 16 features, as gradient boosting makes them.
fn trees() -> Family {
    let mut random = Random::new(2);
    let (mut tree_ids, mut node_ids, mut features, mut values) = (vec![], vec![], vec![], vec![]);
    let (mut modes, mut yes, mut no) = (vec![], vec![], vec![]);
    let (mut target_trees, mut target_nodes, mut weights) = (vec![], vec![], vec![]);
    let inner = (1_i64 << DEPTH) - 1;
    for tree in 0..TREES {
        for place in 0..2 * inner + 1 {
            let leaf = place >= inner;
            tree_ids.push(tree);
            node_ids.push(place);
            features.push(if leaf { 0 } else { random.below(FEATURES) as i64 });
            values.push(if leaf { 0.0 } else { random.uniform() });
            modes.push(if leaf { "LEAF" } else { "BRANCH_LEQ" });
            yes.push(if leaf { 0 } else { 2 * place + 1 });
            no.push(if leaf { 0 } else { 2 * place + 2 });
            if leaf {
                target_trees.push(tree);
                target_nodes.push(place);
                weights.push(0.1 * random.uniform());
            }
        }
    }
    let leaves = weights.len();
    let attributes = vec![
        int("n_targets", 1),
        ints("nodes_treeids", tree_ids),
        ints("nodes_nodeids", node_ids),
        ints("nodes_featureids", features),
        floats("nodes_values", values),
        text("nodes_modes", modes),
        ints("nodes_truenodeids", yes),
        ints("nodes_falsenodeids", no),
        ints("target_treeids", target_trees),
        ints("target_nodeids", target_nodes),
        ints("target_ids", vec![0; leaves]),
        floats("target_weights", weights),
    ];
    let mut file = File::new("trees", random);
    let ensemble = node("TreeEnsembleRegressor", &["x"], &["y"], attributes);
    file.node(NodeProto { domain: Some("ai.onnx.ml".into()), ..ensemble });
    Family {
        name: "trees",
        title: "60 gradient-boosted trees, depth 6, 16 features",
        model: file.finish(input("x", &[1, FEATURES as i64]), output("y", &[1, 1])),
        input_len: FEATURES,
        reconstruction: false,
        aim: 0.3,
    }
}

/// Three convolutions over a curve of 128 values, halved twice, then averaged.
fn cnn() -> Family {
    let mut file = File::new("cnn", Random::new(3));
    let mut value = "x".to_owned();
    for (layer, (from, to, width)) in
        [(1_usize, 8_usize, 5_usize), (8, 16, 5), (16, 16, 3)].into_iter().enumerate()
    {
        let (weights, bias) = (format!("w{layer}"), format!("b{layer}"));
        file.weights(&weights, &[to, from, width], from * width);
        file.weights(&bias, &[to], from * width);
        let (sum, rectified) = (format!("sum{layer}"), format!("h{layer}"));
        let pads = width as i64 / 2;
        let attributes = vec![ints("kernel_shape", vec![width as i64]), ints("pads", vec![pads, pads])];
        file.node(node("Conv", &[&value, &weights, &bias], &[&sum], attributes));
        file.node(node("Relu", &[&sum], &[&rectified], vec![]));
        value = rectified;
        if layer < 2 {
            let pooled = format!("p{layer}");
            let attributes = vec![ints("kernel_shape", vec![2]), ints("strides", vec![2])];
            file.node(node("MaxPool", &[&value], &[&pooled], attributes));
            value = pooled;
        }
    }
    file.node(node("GlobalAveragePool", &[&value], &["mean"], vec![]));
    file.node(node("Flatten", &["mean"], &["flat"], vec![]));
    file.weights("w", &[16, 2], 16);
    file.weights("b", &[2], 16);
    file.node(node("Gemm", &["flat", "w", "b"], &["logits"], vec![]));
    file.node(node("Softmax", &["logits"], &["y"], vec![]));
    Family {
        name: "cnn",
        title: "1-D CNN, 128 values, 8-16-16 channels",
        model: file.finish(input("x", &[1, 1, 128]), output("y", &[1, 2])),
        input_len: 128,
        reconstruction: false,
        aim: 0.8,
    }
}

/// 32 units over 32 steps of 8 features; one score from the last state.
fn gru() -> Family {
    const UNITS: usize = 32;
    let mut file = File::new("gru", Random::new(4));
    file.weights("w", &[1, 3 * UNITS, 8], UNITS);
    file.weights("r", &[1, 3 * UNITS, UNITS], UNITS);
    file.weights("b", &[1, 6 * UNITS], UNITS);
    let attributes = vec![int("hidden_size", UNITS as i64), int("linear_before_reset", 1)];
    file.node(node("GRU", &["x", "w", "r", "b"], &["", "last"], attributes));
    file.constant(tensor("shape", &[2], vec![1, UNITS as i64]));
    file.node(node("Reshape", &["last", "shape"], &["flat"], vec![]));
    file.weights("wo", &[UNITS, 1], UNITS);
    file.weights("bo", &[1], UNITS);
    file.node(node("Gemm", &["flat", "wo", "bo"], &["logit"], vec![]));
    file.node(node("Sigmoid", &["logit"], &["y"], vec![]));
    Family {
        name: "gru",
        title: "GRU, 32 units, 32 steps of 8 features",
        model: file.finish(input("x", &[32, 1, 8]), output("y", &[1, 1])),
        input_len: 32 * 8,
        reconstruction: false,
        aim: 0.6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sensai_inference::{Engine, Plan};

    #[test]
    fn the_inline_engine_covers_every_family_and_its_scores_tell_parts_apart() {
        for family in all() {
            let mut plan =
                Plan::load(&family.model).unwrap_or_else(|errors| panic!("{}: {errors:?}", family.name));
            assert_eq!(
                plan.inputs().iter().map(|tensor| tensor.len()).collect::<Vec<_>>(),
                [family.input_len]
            );
            let mut input = vec![0.0; family.input_len];
            let mut output = vec![0.0; plan.outputs()[0].len()];
            let mut scores: Vec<f32> = (0..200)
                .map(|number| {
                    family.sample(number, &mut input);
                    plan.run(&[&input], &mut [&mut output]).unwrap();
                    family.score(&input, &output)
                })
                .collect();
            scores.sort_unstable_by(f32::total_cmp);
            assert!(scores.iter().all(|score| score.is_finite()), "{}", family.name);
            assert!(scores[180] - scores[20] > 1e-4, "{}: {} to {}", family.name, scores[20], scores[180]);
        }
    }
}
