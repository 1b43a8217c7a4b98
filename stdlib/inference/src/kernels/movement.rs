//! Values moved to other places: transposing, slicing, concatenating, padding.

use super::{Kernel, Memory, Operand, Work, weights};
use std::ops::Range;

/// Values that a unit moves.
const CHUNK: usize = 256;

/// `output[i] = sources[…]` by a table.
#[derive(Debug)]
pub(crate) struct Gather {
    source: Operand,
    indices: Vec<u32>,
}

impl Gather {
    pub(crate) fn new(source: Operand, indices: Vec<u32>) -> Self {
        assert!(indices.iter().all(|index| (*index as usize) < source.len()), "indices of {source:?}");
        Self { source, indices }
    }
}

impl Kernel for Gather {
    fn work(&self) -> Work {
        chunks(self.indices.len())
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let source = memory.get(self.source);
        let range = units.start * CHUNK..(units.end * CHUNK).min(self.indices.len());
        for (output, index) in write[range.clone()].iter_mut().zip(&self.indices[range]) {
            *output = source[*index as usize];
        }
    }
}

fn chunks(len: usize) -> Work {
    let unit = CHUNK.min(len) as u64;
    Work { units: len.div_ceil(CHUNK), unit_operations: weights::UNIT + unit * weights::INDEXED }
}

/// Runs of neighbours, copied; what no run covers is filled with one value.
#[derive(Debug)]
pub(crate) struct Copy {
    runs: Vec<Run>,
    len: usize,
    /// The longest run.
    longest: usize,
    fill: Option<f32>,
}

/// Neighbouring values and where they go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub source: Operand,
    pub to: usize,
}

impl Copy {
    pub(crate) fn new(runs: Vec<Run>, len: usize, fill: Option<f32>) -> Self {
        assert!(runs.iter().all(|run| run.to + run.source.len() <= len), "runs within {len} values");
        let longest = runs.iter().map(|run| run.source.len()).max().unwrap_or(0);
        assert!(longest > 0, "something to copy");
        Self { runs, len, longest, fill }
    }
}

impl Copy {
    /// Filling takes the first units, as many values in each as the longest run has.
    const fn fill_units(&self) -> usize {
        if self.fill.is_some() { self.len.div_ceil(self.longest) } else { 0 }
    }
}

impl Kernel for Copy {
    /// Then every run is a unit.
    fn work(&self) -> Work {
        Work {
            units: self.fill_units() + self.runs.len(),
            unit_operations: 3 * weights::UNIT + (self.longest as u64 * weights::SIMPLE).div_ceil(4),
        }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        for unit in units {
            match (unit.checked_sub(self.fill_units()), self.fill) {
                (Some(index), _) => {
                    let Run { source, to } = self.runs[index];
                    write[to..to + source.len()].copy_from_slice(memory.get(source));
                }
                (None, fill) => {
                    let first = unit * self.longest;
                    write[first..(first + self.longest).min(self.len)].fill(fill.unwrap_or(0.0));
                }
            }
        }
    }
}
