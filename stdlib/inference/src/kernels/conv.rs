//! Convolution over one or two spatial axes, the input padded beforehand.
//!
//! The products of an output are added in ascending order of (input channel, row, column) of the kernel, then the
//! bias: several output channels, and several positions, side by side.

use super::{
    Kernel, Memory, Operand, Work,
    dense::{NARROW, WIDE},
    unary::Unary,
    weights,
};
use crate::wide;
use std::ops::Range;

/// A window that moves over two axes; for one axis, the first is 1 everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Rows and columns of the padded input.
    pub input: [usize; 2],
    /// Of the output.
    pub output: [usize; 2],
    /// Taps of the window.
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// Distance of neighbouring taps.
    pub dilation: [usize; 2],
}

impl Window {
    /// Whether the last tap at the last position is within the input.
    pub(crate) fn fits(&self) -> bool {
        (0..2).all(|axis| {
            let last = self.output[axis].checked_sub(1).and_then(|last| last.checked_mul(self.stride[axis]));
            let reach = self.kernel[axis].checked_sub(1).and_then(|reach| reach.checked_mul(self.dilation[axis]));
            matches!((last, reach), (Some(last), Some(reach)) if last.saturating_add(reach) < self.input[axis])
        })
    }
}

/// Columns of the output in a unit.
const COLUMNS: usize = 32;

#[derive(Debug)]
pub(crate) struct Conv {
    input: Operand,
    /// For each group the matrix (channel, row, column) × outputs, packed as for a dense layer.
    packed: Operand,
    bias: Option<Operand>,
    unary: Option<Unary>,
    batch: usize,
    groups: usize,
    /// Input channels of one group.
    channels: usize,
    /// Output channels of one group.
    outputs: usize,
    window: Window,
}

/// Numbers of images, groups, and of input and output channels in one group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extents {
    pub batch: usize,
    pub groups: usize,
    pub channels: usize,
    pub outputs: usize,
}

impl Conv {
    pub(crate) fn new(
        input: Operand,
        packed: Operand,
        bias: Option<Operand>,
        extents: Extents,
        window: Window,
    ) -> Self {
        let Extents { batch, groups, channels, outputs } = extents;
        assert!(window.fits(), "{window:?}");
        assert_eq!(input.len(), batch * groups * channels * window.input[0] * window.input[1], "input");
        assert!(bias.is_none_or(|bias| bias.len() == groups * outputs), "one bias for each channel");
        let conv = Self { input, packed, bias, unary: None, batch, groups, channels, outputs, window };
        assert_eq!(packed.len(), groups * conv.group_weights(), "packed weights");
        conv
    }

    const fn taps(&self) -> usize {
        self.channels * self.window.kernel[0] * self.window.kernel[1]
    }

    const fn group_weights(&self) -> usize {
        self.taps() * self.outputs.next_multiple_of(NARROW)
    }

    const fn blocks(&self) -> usize {
        self.outputs.div_ceil(WIDE)
    }

    /// Units of a row.
    const fn parts(&self) -> usize {
        self.window.output[1].div_ceil(COLUMNS)
    }

    /// `R` neighbouring positions of one row of the output, from `column`, for one block of channels.
    #[inline(always)]
    fn tile<const R: usize, const B: usize>(
        &self,
        input: &[f32],
        packed: &[f32],
        column: usize,
    ) -> [[f32; B]; R] {
        let Window { input: [height, width], kernel, stride, dilation, .. } = self.window;
        let span = (R - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1;
        let mut sums = [[0.0; B]; R];
        let mut taps = packed.as_chunks::<B>().0.chunks_exact(kernel[1]);
        for channel in 0..self.channels {
            let plane = &input[channel * height * width..];
            for row in 0..kernel[0] {
                let values = &plane[row * dilation[0] * width + column * stride[1]..][..span];
                let Some(taps) = taps.next() else { return sums };
                for (tap, weights) in taps.iter().enumerate() {
                    for (position, sums) in sums.iter_mut().enumerate() {
                        let value = values[position * stride[1] + tap * dilation[1]];
                        for (sum, weight) in sums.iter_mut().zip(weights) {
                            *sum += value * weight;
                        }
                    }
                }
            }
        }
        sums
    }

    /// Eight neighbouring positions for four channels of a block, from `channel` of it: the same sums as in
    /// [`tile`](Self::tile), other ones side by side. For a stride of 1.
    #[inline(always)]
    fn across<const B: usize>(
        &self,
        place: Place<'_>,
        packed: &[f32],
        column: usize,
        channel: usize,
    ) -> [[f32; 8]; 4] {
        let Window { input: [height, width], kernel, dilation, .. } = self.window;
        let span = (kernel[1] - 1) * dilation[1] + 8;
        let mut sums = [[0.0; 8]; 4];
        let mut taps = packed.as_chunks::<B>().0.chunks_exact(kernel[1]);
        for plane in 0..self.channels {
            let plane = &place.input[plane * height * width..];
            for row in 0..kernel[0] {
                let values = &plane[row * dilation[0] * width + column..][..span];
                let Some(taps) = taps.next() else { return sums };
                for (tap, weights) in taps.iter().enumerate() {
                    let values = &values[tap * dilation[1]..][..8];
                    let weights = &weights[channel..channel + 4];
                    for (sums, weight) in sums.iter_mut().zip(weights) {
                        for (sum, value) in sums.iter_mut().zip(values) {
                            *sum += value * weight;
                        }
                    }
                }
            }
        }
        sums
    }

    /// The beginning of the columns, as far as it can be done eight positions at a time; how far that is.
    #[inline(always)]
    fn run_across<const B: usize>(&self, place: Place<'_>, first: usize, output: &mut [f32]) -> usize {
        let Window { output: [rows, columns], stride, .. } = self.window;
        if stride[1] != 1 {
            return place.begin;
        }
        let packed = &place.packed[first * self.taps()..][..B * self.taps()];
        let count = self.outputs.saturating_sub(first).min(B);
        let whole = place.end - (place.end - place.begin) % 8;
        for channel in (0..count).step_by(4) {
            for column in (place.begin..whole).step_by(8) {
                let sums = self.across::<B>(place, packed, column, channel);
                for (index, sums) in sums.iter().enumerate().take(count - channel) {
                    let bias = place.bias.map(|bias| bias[first + channel + index]);
                    let output = &mut output[(channel + index) * rows * columns + column..][..8];
                    for (output, sum) in output.iter_mut().zip(sums) {
                        *output = bias.map_or(*sum, |bias| sum + bias);
                    }
                }
            }
        }
        whole
    }

    /// The columns of one row for one block of channels, from channel `first` of its group.
    #[inline(always)]
    fn run_row<const R: usize, const B: usize>(&self, place: Place<'_>, first: usize, output: &mut [f32]) {
        let Window { output: [rows, columns], .. } = self.window;
        let packed = &place.packed[first * self.taps()..][..B * self.taps()];
        let count = self.outputs.saturating_sub(first).min(B);
        let mut column = self.run_across::<B>(place, first, output);
        let mut put = |column: usize, sums: &[f32; B]| {
            for (channel, sum) in sums.iter().take(count).enumerate() {
                let bias = place.bias.map_or(*sum, |bias| sum + bias[first + channel]);
                output[channel * rows * columns + column] = bias;
            }
        };
        while column + R <= place.end {
            let sums = self.tile::<R, B>(place.input, packed, column);
            for (index, sums) in sums.iter().enumerate() {
                put(column + index, sums);
            }
            column += R;
        }
        while column < place.end {
            put(column, &self.tile::<1, B>(place.input, packed, column)[0]);
            column += 1;
        }
        if let Some(unary) = self.unary {
            for channel in 0..count {
                unary.apply(&mut output[channel * rows * columns..][place.begin..place.end]);
            }
        }
    }
}

/// What a unit of a convolution reads.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// From the first input row under the window, of the group's first channel.
    input: &'a [f32],
    /// Of the group.
    packed: &'a [f32],
    bias: Option<&'a [f32]>,
    /// The columns of the output.
    begin: usize,
    end: usize,
}

impl Kernel for Conv {
    /// A unit is some columns of a row of the output, for a block of channels.
    fn work(&self) -> Work {
        let columns = self.window.output[1].min(COLUMNS) as u64;
        let width = self.outputs.min(WIDE).next_multiple_of(NARROW) as u64;
        let of_value = 2 * weights::SIMPLE + self.unary.map_or(0, Unary::operations);
        Work {
            units: self.batch * self.groups * self.blocks() * self.window.output[0] * self.parts(),
            unit_operations: weights::UNIT + columns * width * (self.taps() as u64 * weights::SUM + of_value),
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
}

/// Some units of a convolution.
struct Units<'a> {
    of: &'a Conv,
    memory: Memory<'a>,
    write: &'a mut [f32],
    units: Range<usize>,
}

impl wide::Work for Units<'_> {
    #[inline(always)]
    fn run(self) {
        self.of.run_units(self.memory, self.write, self.units);
    }
}

impl Conv {
    #[inline(always)]
    fn run_units(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let Window { input: [height, width], output: [rows, columns], stride, .. } = self.window;
        let (input, packed) = (memory.get(self.input), memory.get(self.packed));
        let bias = self.bias.map(|bias| memory.get(bias));
        for unit in units {
            let (part, unit) = (unit % self.parts(), unit / self.parts());
            let (row, unit) = (unit % rows, unit / rows);
            let (block, unit) = (unit % self.blocks(), unit / self.blocks());
            let group = unit % self.groups;
            let first = block * WIDE;
            let place = Place {
                input: &input[unit * self.channels * height * width + row * stride[0] * width..],
                packed: &packed[group * self.group_weights()..][..self.group_weights()],
                bias: bias.map(|bias| &bias[group * self.outputs..]),
                begin: part * COLUMNS,
                end: (part * COLUMNS + COLUMNS).min(columns),
            };
            let output = &mut write[((unit * self.outputs + first) * rows + row) * columns..];
            if self.outputs - first > NARROW {
                self.run_row::<2, WIDE>(place, first, output);
            } else {
                self.run_row::<4, NARROW>(place, first, output);
            }
        }
    }
}
