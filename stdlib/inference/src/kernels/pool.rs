//! Pooling over one or two spatial axes, the input padded beforehand.

use super::{Kernel, Memory, Operand, Work, conv::Window, weights};
use std::ops::Range;

/// What becomes of the values under the window.
#[derive(Debug)]
pub(crate) enum Pooling {
    /// The largest. NaN wins.
    Max,
    /// Their sum, row by row, divided by how many of them count at this position.
    Average {
        /// For each row of the output.
        rows: Vec<f32>,
        /// For each column.
        columns: Vec<f32>,
    },
}

#[derive(Debug)]
pub(crate) struct Pool {
    input: Operand,
    planes: usize,
    window: Window,
    pooling: Pooling,
}

impl Pool {
    pub(crate) fn new(input: Operand, planes: usize, window: Window, pooling: Pooling) -> Self {
        assert!(window.fits(), "{window:?}");
        assert_eq!(input.len(), planes * window.input[0] * window.input[1], "input");
        if let Pooling::Average { rows, columns } = &pooling {
            assert_eq!([rows.len(), columns.len()], window.output, "divisors");
        }
        Self { input, planes, window, pooling }
    }
}

impl Window {
    /// The values under each position of a row, folded row by row of the window.
    #[inline(always)]
    fn fold(&self, input: &[f32], output: &mut [f32], start: f32, function: impl Fn(f32, f32) -> f32) {
        output.fill(start);
        for (row, tap) in (0..self.kernel[0]).flat_map(|row| (0..self.kernel[1]).map(move |tap| (row, tap))) {
            let values = &input[row * self.dilation[0] * self.input[1] + tap * self.dilation[1]..];
            // The two usual strides as straight loops.
            let done = match self.stride[1] {
                1 => {
                    output
                        .iter_mut()
                        .zip(values)
                        .for_each(|(folded, value)| *folded = function(*folded, *value));
                    output.len()
                }
                2 => {
                    let pairs = values.as_chunks::<2>().0;
                    output
                        .iter_mut()
                        .zip(pairs)
                        .for_each(|(folded, [value, _])| *folded = function(*folded, *value));
                    pairs.len().min(output.len())
                }
                _ => 0,
            };
            for (column, folded) in output.iter_mut().enumerate().skip(done) {
                *folded = function(*folded, values[column * self.stride[1]]);
            }
        }
    }
}

/// The larger of the two, and NaN if one is.
#[inline(always)]
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

/// The smaller of the two, and NaN if one is.
#[inline(always)]
pub(crate) fn smaller(a: f32, b: f32) -> f32 {
    if b < a || b.is_nan() { b } else { a }
}

impl Kernel for Pool {
    /// A unit is a row of one plane.
    fn work(&self) -> Work {
        let taps = (self.window.kernel[0] * self.window.kernel[1]) as u64;
        let of_tap = if self.window.stride[1] <= 2 { 2 * weights::SIMPLE } else { weights::INDEXED };
        let of_value = taps * of_tap + weights::DIVISION;
        Work {
            units: self.planes * self.window.output[0],
            unit_operations: weights::UNIT + self.window.output[1] as u64 * of_value,
        }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let Window { input: [height, width], output: [rows, columns], stride, .. } = self.window;
        let input = memory.get(self.input);
        for unit in units {
            let (plane, row) = (unit / rows, unit % rows);
            let input = &input[plane * height * width + row * stride[0] * width..];
            let output = &mut write[unit * columns..][..columns];
            match self.pooling {
                Pooling::Max => self.window.fold(input, output, f32::NEG_INFINITY, larger),
                Pooling::Average { .. } => self.window.fold(input, output, 0.0, |sum, value| sum + value),
            }
            if let Pooling::Average { rows, columns } = &self.pooling {
                for (sum, column) in output.iter_mut().zip(columns) {
                    *sum /= rows[row] * column;
                }
            }
        }
    }
}
