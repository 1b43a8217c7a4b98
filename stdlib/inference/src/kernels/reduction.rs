//! Many values to one.

use super::{
    Kernel, Memory, Operand, Work,
    pool::{larger, smaller},
    weights,
};
use crate::reduce;
use std::ops::Range;

/// What becomes of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    /// NaN wins.
    Max,
    /// NaN wins.
    Min,
    Product,
    L1,
    L2,
    SumSquare,
    LogSum,
    /// ln Σ eˣ, from the largest down.
    LogSumExp,
    /// The position of the largest; the first of several.
    ArgMax,
    /// The position of the smallest; the first of several.
    ArgMin,
}

impl Reduction {
    /// Of `len` values, by index, in the order of [`reduce`].
    #[inline(always)]
    fn of(self, len: usize, at: impl Fn(usize) -> f32) -> f32 {
        let values = || (0..len).map(&at);
        let max = || reduce::fold_by(len, f32::NEG_INFINITY, &at, larger);
        match self {
            Self::Sum => reduce::sum_by(len, at),
            Self::Mean => reduce::sum_by(len, at) / len as f32,
            Self::Max => max(),
            Self::Min => reduce::fold_by(len, f32::INFINITY, &at, smaller),
            Self::Product => reduce::fold_by(len, 1.0, &at, |product, value| product * value),
            Self::L1 => reduce::sum_by(len, |index| at(index).abs()),
            Self::L2 => reduce::sum_by(len, |index| at(index) * at(index)).sqrt(),
            Self::SumSquare => reduce::sum_by(len, |index| at(index) * at(index)),
            Self::LogSum => libm::logf(reduce::sum_by(len, at)),
            Self::LogSumExp => {
                let max = max();
                let base = if max.is_finite() { max } else { 0.0 };
                libm::logf(reduce::sum_by(len, |index| libm::expf(at(index) - base))) + base
            }
            Self::ArgMax => position(values(), |value, best| value > best),
            Self::ArgMin => position(values(), |value, best| value < best),
        }
    }

    const fn operations(self) -> u64 {
        match self {
            Self::LogSumExp => weights::LIBM,
            Self::ArgMax | Self::ArgMin => weights::INDEXED,
            _ => 2 * weights::SIMPLE,
        }
    }
}

fn position(values: impl Iterator<Item = f32>, better: impl Fn(f32, f32) -> bool) -> f32 {
    let mut best: Option<(usize, f32)> = None;
    for (index, value) in values.enumerate() {
        if best.is_none_or(|(_, best)| better(value, best)) {
            best = Some((index, value));
        }
    }
    best.map_or(0.0, |(index, _)| index as f32)
}

/// One value of the output is a unit.
#[derive(Debug)]
pub(crate) struct Reduce {
    input: Operand,
    reduction: Reduction,
    places: Places,
}

/// Where the values of each result are: at a base of its own plus offsets common to all.
#[derive(Debug)]
pub(crate) struct Places {
    bases: Vec<u32>,
    offsets: Vec<u32>,
    /// The offsets are 0, 1, 2, …
    neighbours: bool,
}

impl Places {
    pub(crate) fn new(bases: Vec<u32>, offsets: Vec<u32>, input: usize) -> Self {
        let last = |indices: &[u32]| indices.iter().max().map_or(0, |last| *last as usize);
        let fits = bases.is_empty() || offsets.is_empty() || last(&bases) + last(&offsets) < input;
        assert!(fits, "places within {input} values");
        let neighbours = offsets.iter().enumerate().all(|(index, offset)| index == *offset as usize);
        Self { bases, offsets, neighbours }
    }

    pub(crate) const fn results(&self) -> usize {
        self.bases.len()
    }

    pub(crate) const fn values(&self) -> usize {
        self.offsets.len()
    }

    /// The values of one result if they are neighbours.
    pub(crate) fn slice<'a>(&self, result: usize, input: &'a [f32]) -> Option<&'a [f32]> {
        self.neighbours.then(|| &input[self.bases[result] as usize..][..self.offsets.len()])
    }

    /// The same to be changed; the caller has asked [`slice`](Self::slice) whether they are neighbours.
    pub(crate) fn slice_mut<'a>(&self, result: usize, output: &'a mut [f32]) -> &'a mut [f32] {
        &mut output[self.bases[result] as usize..][..self.offsets.len()]
    }

    pub(crate) const fn are_neighbours(&self) -> bool {
        self.neighbours
    }

    /// The index of one value of a result.
    pub(crate) fn index(&self, result: usize, value: usize) -> usize {
        (self.bases[result] + self.offsets[value]) as usize
    }
}

impl Reduce {
    pub(crate) const fn new(input: Operand, reduction: Reduction, places: Places) -> Self {
        Self { input, reduction, places }
    }
}

impl Kernel for Reduce {
    fn work(&self) -> Work {
        let values = self.places.values() as u64;
        Work {
            units: self.places.results(),
            unit_operations: weights::UNIT + values * self.reduction.operations(),
        }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let input = memory.get(self.input);
        for unit in units {
            write[unit] = match self.places.slice(unit, input) {
                Some(values) => self.reduction.of(values.len(), |index| values[index]),
                None => {
                    self.reduction.of(self.places.values(), |index| input[self.places.index(unit, index)])
                }
            };
        }
    }
}
