//! Operators of `ai.onnx.ml`: tree ensembles, and what stands before them.

use super::{Builder, Inputs, Lowered, Value};
use crate::{
    Element,
    error::{Refusal, broken, unsupported},
    graph::Node,
    kernels::{
        elementwise::Binary,
        normalise::{Normalisation, Normalise},
        trees::{Aggregate, Ending, Forest, PostTransform, TreeNode, Trees},
    },
    tensor::{MAX_EXACT_INTEGER, Values},
};
use std::collections::{BTreeMap, BTreeSet};

/// Levels of a tree: deeper ones are lists.
const MAX_DEPTH: usize = 256;

/// Any number becomes a float, as these operators ask for.
fn float(value: &Value) -> Value {
    value.as_element(Element::F32)
}

/// (x - offset) · scale.
pub(super) fn scaler(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = float(inputs.need(0)?);
    let width = value.shape.last().copied().unwrap_or(1);
    let constants = |name: &str| match node.floats(name) {
        Some(values) if values.len() == width || values.len() == 1 => Ok(values.to_vec()),
        Some(values) => Err(broken(format!("{name} has {} values for {width} features", values.len()))),
        None => Err(broken(format!("{name} is missing"))),
    };
    let mut result = value;
    for (binary, values) in [(Binary::Sub, constants("offset")?), (Binary::Mul, constants("scale")?)] {
        let shape = vec![values.len()];
        let operand = builder.known(Element::F32, shape, Values::Float(values))?;
        result = super::elementwise::combine(binary, Element::F32, &result, &operand, builder)?;
    }
    Ok(vec![result])
}

pub(super) fn normalizer(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = float(inputs.need(0)?);
    let normalisation = match node.text("norm", "MAX") {
        "MAX" => Normalisation::Max,
        "L1" => Normalisation::L1,
        "L2" => Normalisation::L2,
        other => return Err(broken(format!("norm = {other}, expected MAX, L1 or L2"))),
    };
    let axes = [value.rank().checked_sub(1).ok_or_else(|| broken("a scalar"))?];
    builder.charge(value.len())?;
    let operand = builder.operand(&value)?;
    let kernel = Normalise::new(operand, normalisation, super::reduction::groups(&value.shape, &axes)?);
    Ok(vec![builder.emit_one(kernel, &value.shape)?])
}

fn post_transform(node: &Node) -> Result<PostTransform, Refusal> {
    match node.text("post_transform", "NONE") {
        "NONE" => Ok(PostTransform::None),
        "LOGISTIC" => Ok(PostTransform::Logistic),
        "SOFTMAX" => Ok(PostTransform::Softmax),
        "SOFTMAX_ZERO" => Ok(PostTransform::SoftmaxZero),
        other => Err(unsupported(format!(
            "post_transform = {other}; supported are NONE, LOGISTIC, SOFTMAX and SOFTMAX_ZERO"
        ))),
    }
}

/// Rows and features.
fn table(value: &Value) -> Result<[usize; 2], Refusal> {
    match value.shape.as_slice() {
        [rows, features] if *rows > 0 && *features > 0 => Ok([*rows, *features]),
        [features] if *features > 0 => Ok([1, *features]),
        other => Err(broken(format!("an input of shape {other:?}, expected rows and features"))),
    }
}

pub(super) fn regressor(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = float(inputs.need(0)?);
    let [rows, features] = table(&value)?;
    let targets = usize::try_from(node.int("n_targets", 1)).unwrap_or(0);
    if !(1..=65_536).contains(&targets) {
        return Err(broken(format!("n_targets = {}", node.int("n_targets", 1))));
    }
    let aggregate = match node.text("aggregate_function", "SUM") {
        "SUM" => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        other => {
            return Err(broken(format!("aggregate_function = {other}, expected SUM, AVERAGE, MIN or MAX")));
        }
    };
    let base = base_values(node, targets)?.unwrap_or_else(|| vec![0.0; targets]);
    let forest = forest(node, "target", features, base, builder)?;
    let operand = builder.operand(&value)?;
    let kernel = Trees::new(operand, forest, aggregate, Ending::Regression, post_transform(node)?);
    let scratch = kernel.scratch();
    builder.emit(kernel, &[(Element::F32, vec![rows, targets])], scratch)
}

pub(super) fn classifier(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = float(inputs.need(0)?);
    let [rows, features] = table(&value)?;
    if node.has("classlabels_strings") && !node.texts("classlabels_strings").is_empty() {
        return Err(unsupported("labels are texts; export the model with integer labels"));
    }
    let labels = node.ints("classlabels_int64s").unwrap_or_default();
    if labels.len() < 2 || labels.len() > 65_536 {
        return Err(unsupported(format!("{} labels; supported are 2 to 65536", labels.len())));
    }
    if let Some(label) = labels.iter().find(|label| label.unsigned_abs() > MAX_EXACT_INTEGER.unsigned_abs()) {
        return Err(unsupported(format!("label {label}; supported are labels up to 2^24")));
    }
    let names: Vec<f32> = labels.iter().map(|label| *label as f32).collect();
    let post = post_transform(node)?;
    let ids: BTreeSet<i64> = node.ints("class_ids").unwrap_or_default().iter().copied().collect();
    let is_binary = names.len() == 2 && ids.len() == 1;
    if names.len() == 2 && !is_binary {
        return Err(unsupported(
            "two labels, and leaves that set both scores: the standard's reference implementation gives the label of \
             the larger score, ONNX Runtime the second one whenever its score is above 0; export the model with one \
             score (class_ids all the same)",
        ));
    }
    let (base, ending) = match (is_binary, names.as_slice()) {
        (true, [no, yes]) => {
            let positive =
                node.floats("class_weights").unwrap_or_default().iter().all(|weight| *weight >= 0.0);
            // Votes of a forest lie between 0 and 1, scores of boosted trees on both sides of 0. One base value for
            // each label has always been the same one twice.
            let base = node.floats("base_values").and_then(|base| base.last().copied()).unwrap_or(0.0);
            let threshold = if positive { 0.5 } else { 0.0 };
            (vec![base], Ending::Binary { labels: [*no, *yes], threshold, complement: positive })
        }
        _ => {
            let base = base_values(node, names.len())?.unwrap_or_else(|| vec![0.0; names.len()]);
            (base, Ending::Classes { labels: names.clone() })
        }
    };
    if is_binary && !matches!(post, PostTransform::None | PostTransform::Logistic) {
        return Err(unsupported("SOFTMAX of a single score; supported are NONE and LOGISTIC"));
    }
    let forest = forest(node, "class", features, base, builder)?;
    let operand = builder.operand(&value)?;
    let kernel = Trees::new(operand, forest, Aggregate::Sum, ending, post);
    let scratch = kernel.scratch();
    let outputs = [(Element::I64, vec![rows]), (Element::F32, vec![rows, names.len()])];
    builder.emit(kernel, &outputs, scratch)
}

fn base_values(node: &Node, count: usize) -> Result<Option<Vec<f32>>, Refusal> {
    match node.floats("base_values") {
        None | Some([]) => Ok(None),
        Some(values) if values.len() == count => Ok(Some(values.to_vec())),
        Some(values) => Err(broken(format!("{} base_values, expected {count}", values.len()))),
    }
}

/// The attributes of the nodes, by position.
struct Table<'a> {
    ids: Vec<(i64, i64)>,
    features: &'a [i64],
    thresholds: &'a [f32],
    modes: Vec<&'a str>,
    successors: [&'a [i64]; 2],
    nan_true: &'a [i64],
}

impl<'a> Table<'a> {
    fn read(node: &'a Node) -> Result<Self, Refusal> {
        let ints = |name: &str| node.ints(name).unwrap_or_default();
        let (trees, nodes) = (ints("nodes_treeids"), ints("nodes_nodeids"));
        let table = Self {
            ids: trees.iter().copied().zip(nodes.iter().copied()).collect(),
            features: ints("nodes_featureids"),
            thresholds: node.floats("nodes_values").unwrap_or_default(),
            modes: node.texts("nodes_modes"),
            successors: [ints("nodes_truenodeids"), ints("nodes_falsenodeids")],
            nan_true: ints("nodes_missing_value_tracks_true"),
        };
        let _ = node.floats("nodes_hitrates");
        let count = trees.len();
        let lengths = [
            ("nodes_nodeids", nodes.len()),
            ("nodes_featureids", table.features.len()),
            ("nodes_values", table.thresholds.len()),
            ("nodes_modes", table.modes.len()),
            ("nodes_truenodeids", table.successors[0].len()),
            ("nodes_falsenodeids", table.successors[1].len()),
        ];
        if let Some((name, length)) = lengths.iter().find(|(_, length)| *length != count) {
            return Err(broken(format!("{name} has {length} values, nodes_treeids has {count}")));
        }
        if !table.nan_true.is_empty() && table.nan_true.len() != count {
            let length = table.nan_true.len();
            return Err(broken(format!(
                "nodes_missing_value_tracks_true has {length} values, expected {count}"
            )));
        }
        if count == 0 { Err(broken("there are no trees")) } else { Ok(table) }
    }

    /// The node as the kernel compares: up to the threshold goes first.
    fn comparison(&self, index: usize) -> Result<Comparison, Refusal> {
        let threshold = self.thresholds[index];
        if threshold.is_nan() {
            return Err(broken("a threshold that is NaN"));
        }
        // x < t where x ≤ the float before t; x ≥ t where not that.
        let (threshold, swap) = match self.modes[index] {
            "BRANCH_LEQ" => (threshold, false),
            "BRANCH_GT" => (threshold, true),
            mode @ ("BRANCH_LT" | "BRANCH_GTE") if threshold > f32::NEG_INFINITY => {
                // Of the two zeros neither is below the other.
                let below = if threshold == 0.0 { -f32::from_bits(1) } else { threshold.next_down() };
                (below, mode == "BRANCH_GTE")
            }
            mode => {
                return Err(unsupported(format!(
                    "mode {mode}; supported are BRANCH_LEQ, BRANCH_LT, BRANCH_GTE, BRANCH_GT and LEAF"
                )));
            }
        };
        let nan_true = self.nan_true.get(index).is_some_and(|value| *value != 0);
        let feature = u32::try_from(self.features[index]).unwrap_or(u32::MAX);
        Ok(Comparison { node: TreeNode { threshold, feature, next: 0 }, nan_first: nan_true != swap, swap })
    }
}

/// A node of the file in the form of the kernel.
struct Comparison {
    node: TreeNode,
    /// NaN takes the successor that comes first now.
    nan_first: bool,
    /// The two successors have changed places.
    swap: bool,
}

/// The trees, their nodes put so that successors are neighbours.
fn forest(
    node: &Node,
    leaf: &str,
    features: usize,
    base: Vec<f32>,
    builder: &mut Builder,
) -> Result<Forest, Refusal> {
    let table = Table::read(node)?;
    builder.charge(table.ids.len())?;
    let mut index_of = BTreeMap::new();
    let mut roots = Vec::new();
    let mut is_successor = BTreeSet::new();
    for (index, id) in table.ids.iter().enumerate() {
        if index_of.insert(*id, index).is_some() {
            return Err(broken(format!("tree {} has two nodes {}", id.0, id.1)));
        }
        if table.modes[index] != "LEAF" {
            is_successor.extend(table.successors.map(|ids| (id.0, ids[index])));
        }
    }
    for (index, id) in table.ids.iter().enumerate() {
        if !is_successor.contains(id) {
            roots.push(index);
        }
    }
    let tree_count = table.ids.iter().map(|(tree, _)| tree).collect::<BTreeSet<_>>().len();
    if roots.len() != tree_count {
        return Err(broken(format!("{} roots in {tree_count} trees", roots.len())));
    }
    let values = leaf_values(node, leaf, base.len(), &index_of)?;
    let mut forest = Forest {
        nodes: Vec::new(),
        roots: Vec::new(),
        depth: 0,
        leaves: Vec::new(),
        values: Vec::new(),
        single: None,
        base,
        features,
    };
    let mut visited = vec![false; table.ids.len()];
    for root in roots {
        let place = forest.nodes.len();
        forest.roots.push(place as u32);
        forest.grow(1);
        // Breadth first: (node of the file, its place, its level).
        let mut queue = std::collections::VecDeque::from([(root, place, 0)]);
        while let Some((index, place, level)) = queue.pop_front() {
            if std::mem::replace(&mut visited[index], true) {
                return Err(broken(format!(
                    "node {} of tree {} is reached twice",
                    table.ids[index].1, table.ids[index].0
                )));
            }
            forest.depth = forest.depth.max(level);
            if table.modes[index] == "LEAF" {
                let start = forest.values.len() as u32;
                forest.values.extend(values.get(&index).into_iter().flatten());
                forest.leaves[place] = (start, forest.values.len() as u32);
                // Behind the features there are those without NaN.
                forest.nodes[place] = TreeNode { next: place as u32, feature: features as u32, ..LEAF };
                continue;
            }
            let Comparison { node: mut tree_node, nan_first, swap } = table.comparison(index)?;
            if tree_node.feature as usize >= features {
                return Err(broken(format!("feature {} of {features}", table.features[index])));
            }
            if nan_first {
                tree_node.feature += features as u32;
            }
            if level >= MAX_DEPTH {
                return Err(unsupported(format!("a tree of more than {MAX_DEPTH} levels")));
            }
            let first = forest.nodes.len();
            tree_node.next = first as u32;
            forest.nodes[place] = tree_node;
            forest.grow(2);
            let tree = table.ids[index].0;
            for (position, ids) in table.successors.iter().enumerate() {
                let successor = index_of.get(&(tree, ids[index])).copied();
                let successor =
                    successor.ok_or_else(|| broken(format!("tree {tree} has no node {}", ids[index])))?;
                queue.push_back((successor, first + (position ^ usize::from(swap)), level + 1));
            }
        }
    }
    Ok(forest)
}

/// Whatever the value but NaN, it leads to itself.
const LEAF: TreeNode = TreeNode { threshold: f32::INFINITY, feature: 0, next: 0 };

impl Forest {
    fn grow(&mut self, count: usize) {
        self.nodes.extend(std::iter::repeat_n(LEAF, count));
        self.leaves.extend(std::iter::repeat_n((0, 0), count));
    }
}

/// For each leaf, by its position: which scores it adds what to.
fn leaf_values(
    node: &Node,
    prefix: &str,
    scores: usize,
    index_of: &BTreeMap<(i64, i64), usize>,
) -> Result<BTreeMap<usize, Vec<(u32, f32)>>, Refusal> {
    let ints = |suffix: &str| node.ints(&format!("{prefix}_{suffix}")).unwrap_or_default();
    let (trees, nodes, ids) = (ints("treeids"), ints("nodeids"), ints("ids"));
    let weights = node.floats(&format!("{prefix}_weights")).unwrap_or_default();
    if [nodes.len(), ids.len(), weights.len()] != [trees.len(); 3] {
        return Err(broken(format!("{prefix}_treeids, _nodeids, _ids and _weights of different lengths")));
    }
    let mut values = BTreeMap::<usize, Vec<(u32, f32)>>::new();
    for (position, tree) in trees.iter().enumerate() {
        let leaf = index_of.get(&(*tree, nodes[position])).copied();
        let leaf = leaf.ok_or_else(|| broken(format!("tree {tree} has no node {}", nodes[position])))?;
        // With a single score there is nothing to choose.
        let score = if scores == 1 { 0 } else { ids[position] };
        let score = u32::try_from(score).ok().filter(|score| (*score as usize) < scores);
        let score = score.ok_or_else(|| broken(format!("{prefix}_ids {} of {scores}", ids[position])))?;
        values.entry(leaf).or_default().push((score, weights[position]));
    }
    Ok(values)
}
