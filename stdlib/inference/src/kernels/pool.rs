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
        let of_value = taps * weights::SIMPLE + weights::DIVISION;
        Work {
            units: self.planes * self.window.output[0],
            unit_operations: weights::UNIT + self.window.output[1] as u64 * of_value,
        }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let Window { input: [height, width], output: [rows, columns], kernel, stride, dilation } =
            self.window;
        let input = memory.get(self.input);
        for unit in units {
            let (plane, row) = (unit / rows, unit % rows);
            let input = &input[plane * height * width + row * stride[0] * width..];
            let output = &mut write[unit * columns..][..columns];
            let start = if matches!(self.pooling, Pooling::Max) { f32::NEG_INFINITY } else { 0.0 };
            output.fill(start);
            for tap in (0..kernel[0] * kernel[1]).map(|tap| [tap / kernel[1], tap % kernel[1]]) {
                let values = input[tap[0] * dilation[0] * width + tap[1] * dilation[1]..].iter();
                let values = values.step_by(stride[1]);
                match self.pooling {
                    Pooling::Max => {
                        output.iter_mut().zip(values).for_each(|(best, value)| *best = larger(*best, *value));
                    }
                    Pooling::Average { .. } => {
                        output.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                    }
                }
            }
            if let Pooling::Average { rows, columns } = &self.pooling {
                for (sum, column) in output.iter_mut().zip(columns) {
                    *sum /= rows[row] * column;
                }
            }
        }
    }
}
