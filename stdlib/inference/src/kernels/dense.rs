//! Fully connected layers and matrix products.
//!
//! The products of an output are added in ascending order of the inputs, then the bias; several outputs are computed
//! side by side. So the order of every sum is the same however wide the processor's registers are.

use super::{Kernel, Memory, Operand, Work, unary::Unary, weights};
use crate::wide;
use std::ops::Range;

/// Outputs side by side, where there are more than [`NARROW`].
pub(crate) const WIDE: usize = 16;
/// Outputs side by side at the end.
pub(crate) const NARROW: usize = 8;
/// Rows that share a load of the weights.
const ROWS: usize = 2;

/// The widths of the blocks in which `outputs` columns are stored.
pub(crate) fn blocks(outputs: usize) -> impl Iterator<Item = usize> {
    let mut left = outputs;
    std::iter::from_fn(move || {
        let width = if left == 0 {
            return None;
        } else if left <= NARROW {
            NARROW
        } else {
            WIDE
        };
        left = left.saturating_sub(width);
        Some(width)
    })
}

/// Weights in the order in which they are used: block by block, and in each input by input. Missing columns are 0.
///
/// `weight(input, output)` gives the matrix.
pub(crate) fn pack(inputs: usize, outputs: usize, weight: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let mut packed = Vec::with_capacity(inputs * outputs.next_multiple_of(NARROW));
    let mut first = 0;
    for width in blocks(outputs) {
        for input in 0..inputs {
            packed.extend(
                (first..first + width)
                    .map(|output| if output < outputs { weight(input, output) } else { 0.0 }),
            );
        }
        first += width;
    }
    packed
}

/// Sums of one block for several rows.
#[inline(always)]
fn tile<const R: usize, const B: usize>(rows: [&[f32]; R], packed: &[f32]) -> [[f32; B]; R] {
    let weights = packed.as_chunks::<B>().0;
    let rows = rows.map(|row| &row[..weights.len()]);
    let mut sums = [[0.0; B]; R];
    for (index, weights) in weights.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let value = row[index];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
    sums
}

/// Sums of two neighbouring wide blocks for one row: enough sums in flight to hide the time of an addition.
#[inline(always)]
fn pair(input: &[f32], packed: &[f32]) -> [[f32; WIDE]; 2] {
    let (left, right) = packed.split_at(packed.len() / 2);
    let weights = left.as_chunks::<WIDE>().0.iter().zip(right.as_chunks::<WIDE>().0);
    let mut sums = [[0.0; WIDE]; 2];
    for (value, (left, right)) in input.iter().zip(weights) {
        for (sum, weight) in sums[0].iter_mut().zip(left) {
            *sum += value * weight;
        }
        for (sum, weight) in sums[1].iter_mut().zip(right) {
            *sum += value * weight;
        }
    }
    sums
}

/// One row times a packed matrix, plus a bias if there is one; `output` is as long as the matrix is wide.
#[inline]
pub(crate) fn row_times(input: &[f32], packed: &[f32], bias: Option<&[f32]>, output: &mut [f32]) {
    wide::run(RowTimes { input, packed, bias, output });
}

struct RowTimes<'a> {
    input: &'a [f32],
    packed: &'a [f32],
    bias: Option<&'a [f32]>,
    output: &'a mut [f32],
}

impl wide::Work for RowTimes<'_> {
    #[inline(always)]
    fn run(self) {
        row_times_inlined(self.input, self.packed, self.bias, self.output);
    }
}

#[inline(always)]
fn row_times_inlined(input: &[f32], packed: &[f32], bias: Option<&[f32]>, output: &mut [f32]) {
    let depth = input.len();
    let (mut packed, mut first) = (packed, 0);
    while first < output.len() {
        let left = output.len() - first;
        if left > WIDE + NARROW {
            let (blocks, rest) = packed.split_at(depth * 2 * WIDE);
            let [a, b] = pair(input, blocks);
            store(&a, bias, first, &mut output[first..]);
            store(&b, bias, first + WIDE, &mut output[first + WIDE..]);
            (packed, first) = (rest, first + 2 * WIDE);
        } else if left > NARROW {
            let (block, rest) = packed.split_at(depth * WIDE);
            store(&tile::<1, WIDE>([input], block)[0], bias, first, &mut output[first..]);
            (packed, first) = (rest, first + WIDE);
        } else {
            let (block, rest) = packed.split_at(depth * NARROW);
            store(&tile::<1, NARROW>([input], block)[0], bias, first, &mut output[first..]);
            (packed, first) = (rest, first + NARROW);
        }
    }
}

#[inline(always)]
fn store<const B: usize>(sums: &[f32; B], bias: Option<&[f32]>, first: usize, output: &mut [f32]) {
    match bias {
        Some(bias) => {
            for ((output, sum), bias) in output.iter_mut().zip(sums).zip(&bias[first..]) {
                *output = sum + bias;
            }
        }
        None => output.iter_mut().zip(sums).for_each(|(output, sum)| *output = *sum),
    }
}

/// `activation(alpha · rows · matrix + bias)`, the matrix constant.
#[derive(Debug)]
pub(crate) struct Dense {
    input: Operand,
    packed: Operand,
    bias: Option<Operand>,
    alpha: f32,
    unary: Option<Unary>,
    rows: usize,
    depth: usize,
    width: usize,
}

impl Dense {
    /// `packed` comes from [`pack`], and `input` holds `rows` rows of `depth` values.
    pub(crate) fn new(
        input: Operand,
        packed: Operand,
        (rows, depth, width): (usize, usize, usize),
        alpha: f32,
        bias: Option<Operand>,
    ) -> Self {
        assert_eq!(input.len(), rows * depth, "rows of inputs");
        assert_eq!(packed.len(), blocks(width).sum::<usize>() * depth, "packed weights");
        assert!(bias.is_none_or(|bias| bias.len() == width), "one bias for each output");
        Self { input, packed, bias, alpha, unary: None, rows, depth, width }
    }

    /// Columns of block `index`, and where its weights are.
    fn block(&self, index: usize) -> (usize, usize) {
        let first = index * WIDE;
        let width = if self.width - first > NARROW { WIDE } else { NARROW };
        (first, width)
    }

    #[inline(always)]
    fn run_tile<const R: usize, const B: usize>(
        &self,
        memory: Memory<'_>,
        write: &mut [f32],
        row: usize,
        first: usize,
    ) {
        let input = memory.get(self.input);
        let packed = &memory.get(self.packed)[first * self.depth..][..B * self.depth];
        let rows = std::array::from_fn(|index| &input[(row + index) * self.depth..][..self.depth]);
        let sums = tile::<R, B>(rows, packed);
        for (index, sums) in sums.into_iter().enumerate() {
            self.end(memory, write, (row + index, first), sums);
        }
    }

    /// What follows the sums of a block.
    #[inline(always)]
    fn end<const B: usize>(
        &self,
        memory: Memory<'_>,
        write: &mut [f32],
        (row, first): (usize, usize),
        mut sums: [f32; B],
    ) {
        if self.alpha != 1.0 {
            sums.iter_mut().for_each(|sum| *sum *= self.alpha);
        }
        let last = (first + B).min(self.width);
        let output = &mut write[row * self.width..][first..last];
        store(&sums, self.bias.map(|bias| memory.get(bias)), first, output);
        if let Some(unary) = self.unary {
            unary.apply(output);
        }
    }

    /// Two wide blocks of a single row.
    #[inline(always)]
    fn run_pair(&self, memory: Memory<'_>, write: &mut [f32], unit: usize) {
        let first = unit * WIDE;
        let packed = &memory.get(self.packed)[first * self.depth..][..2 * WIDE * self.depth];
        let [a, b] = pair(memory.get(self.input), packed);
        self.end(memory, write, (0, first), a);
        self.end(memory, write, (0, first + WIDE), b);
    }

    #[inline(always)]
    fn run_unit(&self, memory: Memory<'_>, write: &mut [f32], unit: usize) {
        let blocks = self.width.div_ceil(WIDE);
        let row = unit / blocks * ROWS;
        let (first, width) = self.block(unit % blocks);
        match (self.rows - row >= ROWS, width == WIDE) {
            (true, true) => self.run_tile::<ROWS, WIDE>(memory, write, row, first),
            (true, false) => self.run_tile::<ROWS, NARROW>(memory, write, row, first),
            (false, true) => self.run_tile::<1, WIDE>(memory, write, row, first),
            (false, false) => self.run_tile::<1, NARROW>(memory, write, row, first),
        }
    }
}

/// Some units of a layer.
struct Units<'a> {
    of: &'a Dense,
    memory: Memory<'a>,
    write: &'a mut [f32],
    units: Range<usize>,
}

impl wide::Work for Units<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { of, memory, write, units } = self;
        let mut unit = units.start;
        while unit < units.end {
            let both_wide = of.rows == 1 && of.width > (unit + 1) * WIDE + NARROW;
            if both_wide && unit + 1 < units.end {
                of.run_pair(memory, write, unit);
                unit += 2;
            } else {
                of.run_unit(memory, write, unit);
                unit += 1;
            }
        }
    }
}

impl Kernel for Dense {
    fn work(&self) -> Work {
        let rows = self.rows.min(ROWS) as u64;
        let width = self.width.min(WIDE) as u64;
        let of_value = weights::SIMPLE + self.unary.map_or(0, Unary::operations);
        Work {
            units: self.rows.div_ceil(ROWS) * self.width.div_ceil(WIDE),
            unit_operations: weights::UNIT
                + rows * width.next_multiple_of(8) * (self.depth as u64 + of_value),
        }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        wide::run(Units { of: self, memory, write, units });
    }

    fn fuse_unary(&mut self, unary: Unary) -> bool {
        let free = self.unary.is_none();
        self.unary.get_or_insert(unary);
        free
    }

    fn fuse_bias(&mut self, bias: Operand) -> bool {
        let free = self.unary.is_none() && self.bias.is_none() && bias.len() == self.width;
        if free {
            self.bias = Some(bias);
        }
        free
    }
}

/// A product of two matrices that both change, in the order of [`Dense`]: one row of the result is a unit.
#[derive(Debug)]
pub(crate) struct Product {
    left: Operand,
    right: Operand,
    depth: usize,
    width: usize,
    /// For each row of the result: where its row of the left begins, and its matrix of the right.
    rows: Vec<(u32, u32)>,
}

impl Product {
    pub(crate) fn new(
        left: Operand,
        right: Operand,
        depth: usize,
        width: usize,
        rows: Vec<(u32, u32)>,
    ) -> Self {
        for (row, matrix) in &rows {
            assert!(*row as usize + depth <= left.len(), "row of the left");
            assert!(*matrix as usize + depth * width <= right.len(), "matrix of the right");
        }
        Self { left, right, depth, width, rows }
    }
}

impl Kernel for Product {
    fn work(&self) -> Work {
        let operations = self.depth as u64 * self.width as u64;
        Work { units: self.rows.len(), unit_operations: weights::UNIT + 2 * operations + self.width as u64 }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let (left, right) = (memory.get(self.left), memory.get(self.right));
        for unit in units {
            let (row, matrix) = self.rows[unit];
            let row = &left[row as usize..][..self.depth];
            let matrix = &right[matrix as usize..][..self.depth * self.width];
            let output = &mut write[unit * self.width..][..self.width];
            output.fill(0.0);
            for (value, weights) in row.iter().zip(matrix.chunks_exact(self.width)) {
                for (sum, weight) in output.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The definition, one product at a time, for every shape of block and tile.
        #[test]
        fn bits_are_those_of_the_definition(
            (rows, depth, width) in (1_usize..5, 1_usize..20, 1_usize..50),
            values in prop::collection::vec(-10.0_f32..10.0, 2000),
        ) {
            let (input, rest) = values.split_at(rows * depth);
            let (matrix, bias) = rest.split_at(depth * width);
            let bias = &bias[..width];
            let mut constants = pack(depth, width, |input, output| matrix[input * width + output]);
            let packed = Operand::Constant { start: 0, len: constants.len() };
            let bias_place = Operand::Constant { start: constants.len(), len: width };
            constants.extend(bias);
            let arena = Operand::Arena { start: 0, len: input.len() };
            let mut dense = Dense::new(arena, packed, (rows, depth, width), 1.0, None);
            prop_assert!(dense.fuse_bias(bias_place) && !dense.fuse_bias(bias_place));
            let memory = Memory { constants: &constants, arena: input };
            let mut output = vec![f32::NAN; rows * width];
            dense.run(memory, &mut output, 0..dense.work().units);
            let mut alone = vec![f32::NAN; width];
            row_times(&input[..depth], &constants, Some(bias), &mut alone);
            prop_assert_eq!(&alone[..], &output[..width]);
            let product_rows = (0..rows).map(|row| ((row * depth) as u32, 0)).collect();
            let right = Operand::Constant { start: 0, len: matrix.len() };
            let product = Product::new(arena, right, depth, width, product_rows);
            let mut unbiased = vec![f32::NAN; rows * width];
            product.run(Memory { constants: matrix, arena: input }, &mut unbiased, 0..rows);
            for (index, got) in output.iter().enumerate() {
                let (row, column) = (index / width, index % width);
                let mut sum = 0.0_f32;
                for step in 0..depth {
                    sum += input[row * depth + step] * matrix[step * width + column];
                }
                prop_assert_eq!(unbiased[index].to_bits(), sum.to_bits());
                prop_assert_eq!(got.to_bits(), (sum + bias[column]).to_bits());
            }
        }
    }
}
