//! One value in, or two, and one out.

use super::{
    Kernel, Memory, Operand, Work,
    pool::{larger, smaller},
    unary::{Unary, quantize},
    weights,
};
use std::ops::Range;

/// Values of a unit.
const CHUNK: usize = 64;

fn chunk_range(units: &Range<usize>, len: usize) -> Range<usize> {
    units.start * CHUNK..(units.end * CHUNK).min(len)
}

fn work(len: usize, of_value: u64) -> Work {
    Work { units: len.div_ceil(CHUNK), unit_operations: weights::UNIT + CHUNK.min(len) as u64 * of_value }
}

/// A function of each value.
#[derive(Debug)]
pub(crate) struct Map {
    input: Operand,
    unary: Unary,
}

impl Map {
    pub(crate) const fn new(input: Operand, unary: Unary) -> Self {
        Self { input, unary }
    }
}

impl Kernel for Map {
    fn work(&self) -> Work {
        work(self.input.len(), weights::SIMPLE + self.unary.operations())
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let range = chunk_range(&units, self.input.len());
        let output = &mut write[range.clone()];
        output.copy_from_slice(&memory.get(self.input)[range]);
        self.unary.apply(output);
    }
}

/// A function of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    /// NaN wins.
    Min,
    /// NaN wins.
    Max,
    /// `x` where positive, else slope · x.
    PRelu,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Xor,
}

impl Binary {
    #[inline(always)]
    fn each(self, a: impl Iterator<Item = f32>, b: impl Iterator<Item = f32>, output: &mut [f32]) {
        #[inline(always)]
        fn put(
            pairs: impl Iterator<Item = (f32, f32)>,
            output: &mut [f32],
            function: impl Fn(f32, f32) -> f32,
        ) {
            output.iter_mut().zip(pairs).for_each(|(output, (a, b))| *output = function(a, b));
        }
        let pairs = a.zip(b);
        let truth = |value: bool| f32::from(u8::from(value));
        match self {
            Self::Add => put(pairs, output, |a, b| a + b),
            Self::Sub => put(pairs, output, |a, b| a - b),
            Self::Mul => put(pairs, output, |a, b| a * b),
            Self::Div => put(pairs, output, |a, b| a / b),
            Self::Pow => put(pairs, output, |a, b| if b == 2.0 { a * a } else { libm::powf(a, b) }),
            Self::Min => put(pairs, output, smaller),
            Self::Max => put(pairs, output, larger),
            Self::PRelu => put(pairs, output, |a, b| if a < 0.0 { a * b } else { a }),
            Self::Equal => put(pairs, output, |a, b| truth(a == b)),
            Self::Less => put(pairs, output, |a, b| truth(a < b)),
            Self::LessOrEqual => put(pairs, output, |a, b| truth(a <= b)),
            Self::Greater => put(pairs, output, |a, b| truth(a > b)),
            Self::GreaterOrEqual => put(pairs, output, |a, b| truth(a >= b)),
            Self::And => put(pairs, output, |a, b| truth(a != 0.0 && b != 0.0)),
            Self::Or => put(pairs, output, |a, b| truth(a != 0.0 || b != 0.0)),
            Self::Xor => put(pairs, output, |a, b| truth((a != 0.0) != (b != 0.0))),
        }
    }

    const fn operations(self) -> u64 {
        match self {
            Self::Div => weights::DIVISION,
            Self::Pow => weights::POWER,
            _ => weights::SIMPLE,
        }
    }
}

/// How an operand is spread over the output.
#[derive(Debug)]
pub(crate) enum Spread {
    /// Value for value.
    Same,
    /// One value everywhere.
    Scalar,
    /// By a table.
    Table(Vec<u32>),
}

impl Spread {
    fn check(&self, operand: Operand, len: usize) {
        let fits = match self {
            Self::Same => operand.len() == len,
            Self::Scalar => operand.len() == 1,
            Self::Table(table) => {
                table.len() == len && table.iter().all(|index| (*index as usize) < operand.len())
            }
        };
        assert!(fits, "{operand:?} spread over {len} values");
    }
}

/// A function of two values for each value of the output.
#[derive(Debug)]
pub(crate) struct Combine {
    binary: Binary,
    left: (Operand, Spread),
    right: (Operand, Spread),
    len: usize,
}

impl Combine {
    pub(crate) fn new(binary: Binary, left: (Operand, Spread), right: (Operand, Spread), len: usize) -> Self {
        left.1.check(left.0, len);
        right.1.check(right.0, len);
        Self { binary, left, right, len }
    }
}

impl Kernel for Combine {
    fn work(&self) -> Work {
        let tables =
            [&self.left.1, &self.right.1].map(|spread| u64::from(matches!(spread, Spread::Table(_))));
        let indexed = (tables[0] + tables[1]) * 2 * weights::INDEXED;
        work(self.len, self.binary.operations() + weights::SIMPLE + indexed)
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let range = chunk_range(&units, self.len);
        let output = &mut write[range.clone()];
        let (a, b) = (memory.get(self.left.0), memory.get(self.right.0));
        let table = |table: &[u32], values: &[f32], index: usize| values[table[index] as usize];
        let all = range.clone();
        match (&self.left.1, &self.right.1) {
            (Spread::Same, Spread::Same) => {
                self.binary.each(a[range.clone()].iter().copied(), b[range].iter().copied(), output);
            }
            (Spread::Same, Spread::Scalar) => {
                self.binary.each(a[range].iter().copied(), std::iter::repeat(b[0]), output);
            }
            (Spread::Scalar, Spread::Same) => {
                self.binary.each(std::iter::repeat(a[0]), b[range].iter().copied(), output);
            }
            (left, right) => {
                let pick = |spread: &Spread, values: &[f32], index: usize| match spread {
                    Spread::Same => values[index],
                    Spread::Scalar => values[0],
                    Spread::Table(indices) => table(indices, values, index),
                };
                let lefts = all.clone().map(|index| pick(left, a, index));
                self.binary.each(lefts, all.map(|index| pick(right, b, index)), output);
            }
        }
    }
}

/// ONNX `Where`, all three as long as the output.
#[derive(Debug)]
pub(crate) struct Select {
    operands: [(Operand, Spread); 3],
    len: usize,
}

impl Select {
    pub(crate) fn new(operands: [(Operand, Spread); 3], len: usize) -> Self {
        operands.iter().for_each(|(operand, spread)| spread.check(*operand, len));
        Self { operands, len }
    }
}

impl Kernel for Select {
    fn work(&self) -> Work {
        work(self.len, 6 * weights::INDEXED)
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let range = chunk_range(&units, self.len);
        let values = [0, 1, 2].map(|operand: usize| memory.get(self.operands[operand].0));
        let pick = |operand: usize, index: usize| match &self.operands[operand].1 {
            Spread::Same => values[operand][index],
            Spread::Scalar => values[operand][0],
            Spread::Table(table) => values[operand][table[index] as usize],
        };
        for index in range {
            write[index] = if pick(0, index) != 0.0 { pick(1, index) } else { pick(2, index) };
        }
    }
}

/// ONNX `QuantizeLinear` and `DequantizeLinear` with a scale for each place along an axis.
#[derive(Debug)]
pub(crate) struct Requantise {
    pub input: Operand,
    /// As long as the input.
    pub scales: Operand,
    /// As long as the input.
    pub zeros: Operand,
    /// Bounds of the integer; `None` for the way back.
    pub bounds: Option<[f32; 2]>,
}

impl Kernel for Requantise {
    fn work(&self) -> Work {
        work(self.input.len(), weights::ROUNDING + 2 * weights::DIVISION)
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        let range = chunk_range(&units, self.input.len());
        let [values, scales, zeros] =
            [self.input, self.scales, self.zeros].map(|operand| &memory.get(operand)[range.clone()]);
        let inputs = values.iter().zip(scales).zip(zeros);
        for (output, ((x, scale), zero)) in write[range].iter_mut().zip(inputs) {
            *output = match self.bounds {
                Some([low, high]) => quantize(*x, *scale, *zero, low, high),
                None => (x - zero) * scale,
            };
        }
    }
}
