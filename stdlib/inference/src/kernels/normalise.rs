//! Values set in relation to others: softmax, and the normalisations.

use super::{Kernel, Memory, Operand, Work, pool::larger, reduction::Places, weights};
use crate::{math, reduce};
use std::ops::Range;

/// How the values of a group are normalised.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Normalisation {
    /// e^(x - max) / Σ e^(x - max).
    Softmax,
    /// x - max - ln Σ e^(x - max).
    LogSoftmax,
    /// (x - mean) / √(variance + epsilon), then · scale + bias of the value. Behind the values, the mean of each
    /// group is written, and then 1 / √(variance + epsilon) of each.
    Layer { epsilon: f32, scale: Option<Operand>, bias: Option<Operand> },
    /// The same with a scale and a bias for each group, which repeat.
    Instance { epsilon: f32, scale: Operand, bias: Operand },
    /// x / √(mean of squares + epsilon), then · scale of the value.
    RootMeanSquare { epsilon: f32, scale: Operand },
    /// x / max |x|.
    Max,
    /// x / Σ |x|.
    L1,
    /// x / √Σ x².
    L2,
}

/// A group of values is a unit.
#[derive(Debug)]
pub(crate) struct Normalise {
    input: Operand,
    normalisation: Normalisation,
    places: Places,
}

impl Normalise {
    pub(crate) fn new(input: Operand, normalisation: Normalisation, places: Places) -> Self {
        match normalisation {
            Normalisation::Layer { scale, bias, .. } => {
                let fits =
                    |operand: Option<Operand>| operand.is_none_or(|operand| operand.len() == places.values());
                assert!(fits(scale) && fits(bias), "one scale and bias for each value");
            }
            Normalisation::Instance { scale, bias, .. } => {
                let channels = scale.len();
                assert!(channels == bias.len() && channels > 0, "one scale and bias for each channel");
            }
            Normalisation::RootMeanSquare { scale, .. } => assert_eq!(scale.len(), places.values(), "scales"),
            _ => {}
        }
        Self { input, normalisation, places }
    }

    #[inline(always)]
    fn sum(&self, input: &[f32], unit: usize, function: impl Fn(f32) -> f32) -> f32 {
        match self.places.slice(unit, input) {
            Some(values) => reduce::sum_by(values.len(), |index| function(values[index])),
            None => {
                reduce::sum_by(self.places.values(), |index| function(input[self.places.index(unit, index)]))
            }
        }
    }

    #[inline(always)]
    fn max(&self, input: &[f32], unit: usize, function: impl Fn(f32) -> f32) -> f32 {
        match self.places.slice(unit, input) {
            Some(values) => {
                reduce::fold_by(values.len(), f32::NEG_INFINITY, |index| function(values[index]), larger)
            }
            None => {
                let at = |index| function(input[self.places.index(unit, index)]);
                reduce::fold_by(self.places.values(), f32::NEG_INFINITY, at, larger)
            }
        }
    }

    #[inline(always)]
    fn put(&self, input: &[f32], write: &mut [f32], unit: usize, function: impl Fn(usize, f32) -> f32) {
        if let Some(values) = self.places.slice(unit, input) {
            let output = self.places.slice_mut(unit, write);
            for (index, (output, value)) in output.iter_mut().zip(values).enumerate() {
                *output = function(index, *value);
            }
            return;
        }
        for value in 0..self.places.values() {
            let index = self.places.index(unit, value);
            write[index] = function(value, input[index]);
        }
    }

    /// Mean, and 1 / √(variance + epsilon).
    fn moments(&self, input: &[f32], unit: usize, epsilon: f32) -> (f32, f32) {
        let count = self.places.values() as f32;
        let mean = self.sum(input, unit, |x| x) / count;
        let variance = self.sum(input, unit, |x| (x - mean) * (x - mean)) / count;
        (mean, 1.0 / (variance + epsilon).sqrt())
    }

    fn run_unit(&self, memory: Memory<'_>, write: &mut [f32], unit: usize) {
        let input = memory.get(self.input);
        match self.normalisation {
            Normalisation::Softmax => {
                let max = self.max(input, unit, |x| x);
                self.put(input, write, unit, |_, x| math::exp(x - max));
                let sum = self.sum(write, unit, |x| x);
                if self.places.slice(unit, input).is_some() {
                    self.places.slice_mut(unit, write).iter_mut().for_each(|value| *value /= sum);
                } else {
                    (0..self.places.values()).for_each(|value| write[self.places.index(unit, value)] /= sum);
                }
            }
            Normalisation::LogSoftmax => {
                let max = self.max(input, unit, |x| x);
                let log = libm::logf(self.sum(input, unit, |x| math::exp(x - max)));
                self.put(input, write, unit, |_, x| (x - max) - log);
            }
            Normalisation::Layer { epsilon, scale, bias } => {
                let (mean, factor) = self.moments(input, unit, epsilon);
                let (mean_place, factor_place) =
                    (input.len() + unit, input.len() + self.places.results() + unit);
                (write[mean_place], write[factor_place]) = (mean, factor);
                let (scale, bias) = (scale.map(|o| memory.get(o)), bias.map(|o| memory.get(o)));
                self.put(input, write, unit, |value, x| {
                    let normal = (x - mean) * factor;
                    let scaled = scale.map_or(normal, |scale| normal * scale[value]);
                    bias.map_or(scaled, |bias| scaled + bias[value])
                });
            }
            Normalisation::Instance { epsilon, scale, bias } => {
                let (mean, factor) = self.moments(input, unit, epsilon);
                let channel = unit % scale.len();
                let (scale, bias) = (memory.get(scale)[channel], memory.get(bias)[channel]);
                self.put(input, write, unit, |_, x| (x - mean) * factor * scale + bias);
            }
            Normalisation::RootMeanSquare { epsilon, scale } => {
                let mean = self.sum(input, unit, |x| x * x) / self.places.values() as f32;
                let factor = 1.0 / (mean + epsilon).sqrt();
                let scale = memory.get(scale);
                self.put(input, write, unit, |value, x| x * factor * scale[value]);
            }
            Normalisation::Max => {
                let max = self.max(input, unit, f32::abs);
                self.divide(input, write, unit, max);
            }
            Normalisation::L1 => {
                let sum = self.sum(input, unit, f32::abs);
                self.divide(input, write, unit, sum);
            }
            Normalisation::L2 => {
                let norm = self.sum(input, unit, |x| x * x).sqrt();
                self.divide(input, write, unit, norm);
            }
        }
    }

    /// Where everything is 0, it stays.
    fn divide(&self, input: &[f32], write: &mut [f32], unit: usize, norm: f32) {
        let divisor = if norm == 0.0 { 1.0 } else { norm };
        self.put(input, write, unit, |_, x| x / divisor);
    }
}

impl Kernel for Normalise {
    fn work(&self) -> Work {
        let of_value = match self.normalisation {
            Normalisation::Softmax | Normalisation::LogSoftmax => {
                2 * weights::EXPONENTIAL + weights::DIVISION
            }
            _ => 5 * weights::SIMPLE + weights::DIVISION,
        };
        let of_place = if self.places.are_neighbours() { 0 } else { 3 * weights::INDEXED };
        let values = self.places.values() as u64;
        Work {
            units: self.places.results(),
            unit_operations: weights::UNIT + weights::LIBM + values * (of_value + of_place),
        }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        for unit in units {
            self.run_unit(memory, write, unit);
        }
    }
}

/// (x - mean) · factor + bias with constants for each channel: ONNX `BatchNormalization`.
#[derive(Debug)]
pub(crate) struct Channels {
    input: Operand,
    /// Means, factors, biases, one behind the other.
    constants: Operand,
    channels: usize,
    /// Values of a channel that are neighbours.
    plane: usize,
}

impl Channels {
    pub(crate) fn new(input: Operand, constants: Operand, channels: usize, plane: usize) -> Self {
        assert_eq!(constants.len(), 3 * channels, "constants of the channels");
        assert_eq!(input.len() % (channels * plane), 0, "whole channels");
        Self { input, constants, channels, plane }
    }
}

impl Kernel for Channels {
    /// A unit is a channel of one image.
    fn work(&self) -> Work {
        let unit_operations = weights::UNIT + self.plane as u64 * 2 * weights::SIMPLE;
        Work { units: self.input.len() / self.plane, unit_operations }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let (input, constants) = (memory.get(self.input), memory.get(self.constants));
        for unit in units {
            let channel = unit % self.channels;
            let [mean, factor, bias] = [0, 1, 2].map(|index| constants[index * self.channels + channel]);
            let values = &input[unit * self.plane..][..self.plane];
            for (output, x) in write[unit * self.plane..].iter_mut().zip(values) {
                *output = (x - mean) * factor + bias;
            }
        }
    }
}
