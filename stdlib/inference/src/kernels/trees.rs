//! Ensembles of decision trees.
//!
//! Every tree is walked for as many levels as the deepest one has, a leaf leading to itself, eight trees at a time. So
//! a run does the same work whatever the input is, and no branch has to be guessed.

use super::{Kernel, Memory, Operand, Work, weights};
use crate::math;
use std::ops::Range;

/// Trees walked side by side.
pub(crate) const SIDE_BY_SIDE: usize = 8;

/// A node; its two successors are neighbours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TreeNode {
    /// Up to here, the first successor is taken.
    pub threshold: f32,
    /// Which value is looked at: behind the features as they are, they stand once more with -inf in place of NaN, for
    /// the nodes where NaN takes the first successor.
    pub feature: u32,
    /// The first successor; a leaf leads to itself.
    pub next: u32,
}

/// How the leaves' values come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// What is done with the finished scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostTransform {
    None,
    Logistic,
    Softmax,
    SoftmaxZero,
}

/// What the outputs are.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// The scores.
    Regression,
    /// The label of the largest score, then the scores.
    Classes { labels: Vec<f32> },
    /// One score decides between two labels: the second above the threshold. Then two scores, of which the first is
    /// the complement to 1, or the opposite.
    Binary { labels: [f32; 2], threshold: f32, complement: bool },
}

/// All trees, flat. Made by the lowering, which has checked every index.
#[derive(Debug)]
pub(crate) struct Forest {
    pub nodes: Vec<TreeNode>,
    pub roots: Vec<u32>,
    /// Levels of the deepest tree.
    pub depth: usize,
    /// For each node: its range of `values`, empty for one that is no leaf.
    pub leaves: Vec<(u32, u32)>,
    /// Score index and weight.
    pub values: Vec<(u32, f32)>,
    /// For each node its value, where every leaf has one, and they are summed to a single score.
    pub single: Option<Vec<f32>>,
    /// Of one score each.
    pub base: Vec<f32>,
    pub features: usize,
}

#[derive(Debug)]
pub(crate) struct Trees {
    input: Operand,
    rows: usize,
    forest: Forest,
    aggregate: Aggregate,
    ending: Ending,
    post: PostTransform,
}

impl Trees {
    pub(crate) fn new(
        input: Operand,
        forest: Forest,
        aggregate: Aggregate,
        ending: Ending,
        post: PostTransform,
    ) -> Self {
        let nodes = forest.nodes.len();
        assert!(forest.features > 0 && input.len().is_multiple_of(forest.features), "rows of features");
        assert!(forest.roots.iter().all(|root| (*root as usize) < nodes), "roots");
        assert!(forest.nodes.iter().all(|node| (node.feature as usize) < 2 * forest.features), "features");
        assert_eq!(forest.leaves.len(), nodes, "a range for each node");
        assert!(forest.leaves.iter().all(|(_, end)| *end as usize <= forest.values.len()), "leaves");
        assert!(forest.values.iter().all(|(score, _)| (*score as usize) < forest.base.len()), "scores");
        let mut forest = forest;
        let is_single = forest.base.len() == 1
            && matches!(aggregate, Aggregate::Sum | Aggregate::Average)
            && forest.leaves.iter().all(|(start, end)| end - start <= 1);
        if is_single {
            let value = |(start, end): &(u32, u32)| {
                let value = forest.values.get(*start as usize).filter(|_| start < end);
                value.map_or(0.0, |(_, weight)| *weight)
            };
            forest.single = Some(forest.leaves.iter().map(value).collect());
        }
        Self { input, rows: input.len() / forest.features, forest, aggregate, ending, post }
    }

    /// Values behind the outputs: the features twice, and for each score its sum and whether a leaf has set it.
    pub(crate) const fn scratch(&self) -> usize {
        2 * self.forest.features + 2 * self.forest.base.len()
    }

    const fn blocks(&self) -> usize {
        self.forest.roots.len().div_ceil(SIDE_BY_SIDE)
    }

    /// The leaves of up to eight trees.
    #[inline(always)]
    fn walk(&self, row: &[f32], roots: &[u32]) -> [u32; SIDE_BY_SIDE] {
        let mut places = [roots[0]; SIDE_BY_SIDE];
        places.iter_mut().zip(roots).for_each(|(place, root)| *place = *root);
        for _ in 0..self.forest.depth {
            for place in &mut places {
                let node = self.forest.nodes[*place as usize];
                let is_first = row[node.feature as usize] <= node.threshold;
                *place = node.next + u32::from(!is_first);
            }
        }
        places
    }

    fn add(&self, scores: &mut [f32], seen: &mut [f32], leaf: u32) {
        let (start, end) = self.forest.leaves[leaf as usize];
        for (score, weight) in &self.forest.values[start as usize..end as usize] {
            let (sum, seen) = (&mut scores[*score as usize], &mut seen[*score as usize]);
            let first = *seen == 0.0;
            *seen = 1.0;
            match self.aggregate {
                Aggregate::Sum | Aggregate::Average => *sum += weight,
                Aggregate::Min if first || *weight < *sum => *sum = *weight,
                Aggregate::Max if first || *weight > *sum => *sum = *weight,
                Aggregate::Min | Aggregate::Max => {}
            }
        }
    }

    fn end(&self, scores: &mut [f32], write: &mut [f32], row: usize) {
        for (score, base) in scores.iter_mut().zip(&self.forest.base) {
            if self.aggregate == Aggregate::Average {
                *score /= self.forest.roots.len() as f32;
            }
            *score += base;
        }
        match &self.ending {
            Ending::Regression => {
                let output = &mut write[row * scores.len()..][..scores.len()];
                output.copy_from_slice(scores);
                self.post.apply(output);
            }
            Ending::Classes { labels } => {
                let mut best = 0;
                for (index, score) in scores.iter().enumerate() {
                    if *score > scores[best] {
                        best = index;
                    }
                }
                write[row] = labels[best];
                let output = &mut write[self.rows + row * scores.len()..][..scores.len()];
                output.copy_from_slice(scores);
                self.post.apply(output);
            }
            Ending::Binary { labels, threshold, complement } => {
                let score = scores[0];
                write[row] = labels[usize::from(score > *threshold)];
                let output = &mut write[self.rows + row * 2..][..2];
                let pair = match (complement, self.post) {
                    (true, _) => [1.0 - score, score],
                    (false, PostTransform::Logistic) => [math::sigmoid(-score), math::sigmoid(score)],
                    (false, _) => [-score, score],
                };
                output.copy_from_slice(&pair);
            }
        }
    }
}

impl PostTransform {
    fn apply(self, scores: &mut [f32]) {
        let max = scores.iter().fold(f32::NEG_INFINITY, |max, score| if *score > max { *score } else { max });
        let is_zero = |score: f32| score.abs() <= 1e-7;
        match self {
            Self::None => {}
            Self::Logistic => scores.iter_mut().for_each(|score| *score = math::sigmoid(*score)),
            Self::Softmax => {
                scores.iter_mut().for_each(|score| *score = math::exp(*score - max));
                let sum = scores.iter().fold(0.0, |sum, score| sum + score);
                scores.iter_mut().for_each(|score| *score /= sum);
            }
            Self::SoftmaxZero => {
                let mut sum = 0.0;
                for score in scores.iter_mut() {
                    if is_zero(*score) {
                        *score *= math::exp(-max);
                    } else {
                        *score = math::exp(*score - max);
                        sum += *score;
                    }
                }
                if sum != 0.0 {
                    scores.iter_mut().for_each(|score| *score /= sum);
                }
            }
        }
    }
}

impl Kernel for Trees {
    /// A unit is eight trees for one row.
    fn work(&self) -> Work {
        let scores = self.forest.base.len() as u64;
        let leaf = self.forest.leaves.iter().map(|(start, end)| u64::from(end - start)).max().unwrap_or(0);
        let trees =
            (SIDE_BY_SIDE as u64) * (self.forest.depth as u64 * weights::TREE_NODE + leaf * weights::SIMPLE);
        let ends = (scores * weights::EXPONENTIAL).div_ceil(self.blocks().max(1) as u64);
        Work { units: self.rows * self.blocks(), unit_operations: weights::UNIT + trees + ends }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let input = memory.get(self.input);
        let scores = self.forest.base.len();
        let (output, scratch) = write.split_at_mut(write.len() - self.scratch());
        let (row_twice, scratch) = scratch.split_at_mut(2 * self.forest.features);
        let (sums, seen) = scratch.split_at_mut(scores);
        for unit in units {
            let (row, block) = (unit / self.blocks(), unit % self.blocks());
            if block == 0 {
                sums.fill(0.0);
                seen.fill(0.0);
                let features = &input[row * self.forest.features..][..self.forest.features];
                let (plain, without_nan) = row_twice.split_at_mut(self.forest.features);
                plain.copy_from_slice(features);
                for (value, feature) in without_nan.iter_mut().zip(features) {
                    *value = if feature.is_nan() { f32::NEG_INFINITY } else { *feature };
                }
            }
            let first = block * SIDE_BY_SIDE;
            let roots = &self.forest.roots[first..(first + SIDE_BY_SIDE).min(self.forest.roots.len())];
            let leaves = self.walk(row_twice, roots);
            match (&self.forest.single, &mut *sums) {
                (Some(values), [sum]) => {
                    leaves.iter().take(roots.len()).for_each(|leaf| *sum += values[*leaf as usize]);
                }
                (_, sums) => {
                    leaves.iter().take(roots.len()).for_each(|leaf| self.add(sums, seen, *leaf));
                }
            }
            if block + 1 == self.blocks() {
                self.end(sums, output, row);
            }
        }
    }
}
