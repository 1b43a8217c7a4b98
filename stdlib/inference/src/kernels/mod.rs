//! What a plan is made of: kernels that run on slices of one memory, in units of fixed work.

pub(crate) mod conv;
pub(crate) mod dense;
pub(crate) mod elementwise;
pub(crate) mod movement;
pub(crate) mod normalise;
pub(crate) mod pool;
pub(crate) mod recurrent;
pub(crate) mod reduction;
pub(crate) mod trees;
pub(crate) mod unary;

use std::{fmt::Debug, ops::Range};
use unary::Unary;

/// Where an operand lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Among the constants.
    Constant { start: usize, len: usize },
    /// In the arena, before everything that the kernel writes.
    Arena { start: usize, len: usize },
}

impl Operand {
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Constant { len, .. } | Self::Arena { len, .. } => len,
        }
    }

    /// A part of it.
    pub(crate) fn part(self, offset: usize, part: usize) -> Self {
        assert!(offset + part <= self.len(), "{part} values at {offset} of {self:?}");
        match self {
            Self::Constant { start, .. } => Self::Constant { start: start + offset, len: part },
            Self::Arena { start, .. } => Self::Arena { start: start + offset, len: part },
        }
    }
}

/// What a kernel reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory<'a> {
    pub constants: &'a [f32],
    /// The arena up to where the kernel writes.
    pub arena: &'a [f32],
}

impl<'a> Memory<'a> {
    #[inline]
    pub(crate) fn get(&self, operand: Operand) -> &'a [f32] {
        match operand {
            Operand::Constant { start, len } => &self.constants[start..start + len],
            Operand::Arena { start, len } => &self.arena[start..start + len],
        }
    }
}

/// Units of a kernel and what one costs, in operations: see [`weights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    pub units: usize,
    pub unit_operations: u64,
}

/// Operations that one execution counts for: 1 is a multiplication with addition in a dense layer.
///
/// They are ratios of measured times, rounded up; the calibration of a host gives the time of one.
pub(crate) mod weights {
    /// Beginning a step or a unit of it: the call, the slices.
    pub(crate) const UNIT: u64 = 32;
    /// A value added, compared, copied, several at a time.
    pub(crate) const SIMPLE: u64 = 2;
    /// An addition to a sum in lanes, or a multiplication in a convolution.
    pub(crate) const SUM: u64 = 1;
    /// A value found by its own index.
    pub(crate) const INDEXED: u64 = 12;
    /// A division or square root.
    pub(crate) const DIVISION: u64 = 8;
    /// An exponential function of [`crate::math`].
    pub(crate) const EXPONENTIAL: u64 = 24;
    /// Rounding with a function of `libm`.
    pub(crate) const ROUNDING: u64 = 32;
    /// Another function of `libm`.
    pub(crate) const LIBM: u64 = 160;
    /// The power of `libm`.
    pub(crate) const POWER: u64 = 320;
    /// A node of a decision tree.
    pub(crate) const TREE_NODE: u64 = 18;
}

/// A computation of fixed size. Its units run in ascending order, each once; between any two of them the run may
/// pause, and the memory may be saved and come back elsewhere.
pub(crate) trait Kernel: Debug + Send + Sync {
    /// Never changes.
    fn work(&self) -> Work;

    /// `write` holds the outputs, one behind the other, and then what the kernel keeps for itself between units.
    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>);

    /// Apply this to every value at the end, too; `false` if it cannot.
    fn fuse_unary(&mut self, _unary: Unary) -> bool {
        false
    }

    /// Add one constant for each output channel; `false` if it cannot.
    fn fuse_bias(&mut self, _bias: Operand) -> bool {
        false
    }
}
