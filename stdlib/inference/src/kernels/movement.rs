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
    Work { units: len.div_ceil(CHUNK), unit_operations: weights::UNIT + unit * weights::SIMPLE }
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
        Self { runs, len, longest, fill }
    }
}

impl Kernel for Copy {
    /// Filling is the first unit, every run is one.
    fn work(&self) -> Work {
        let fill = if self.fill.is_some() { self.len } else { 0 };
        let unit = (self.longest.max(fill) as u64 * weights::SIMPLE).div_ceil(4);
        Work { units: self.runs.len() + 1, unit_operations: weights::UNIT / 4 + unit }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        for unit in units {
            match unit.checked_sub(1) {
                None => {
                    if let Some(fill) = self.fill {
                        write[..self.len].fill(fill);
                    }
                }
                Some(index) => {
                    let Run { source, to } = self.runs[index];
                    write[to..to + source.len()].copy_from_slice(memory.get(source));
                }
            }
        }
    }
}
