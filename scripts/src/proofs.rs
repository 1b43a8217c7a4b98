//! What is known of a program's values without running it, so that checks need not be made while it runs.
//!
//! A tier asks; whoever analyses the program answers. Saying nothing is always right: then the check is made.

use crate::hir::{ExprId, FunctionId};

/// Something that can fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The operation of an expression: overflow, division by zero, a library function that refuses its arguments.
    Operation(ExprId),
    /// The index that this expression gives is within the array or tag that it is for.
    Index(ExprId),
    /// The operator of the statement with this right side, as in `x += value`.
    Assignment(ExprId),
    /// The value that the statement with this right side stores into a tag is finite, and in the tag's range unless the tag
    /// saturates: then it is limited.
    Store(ExprId),
}

/// What an analysis knows. Everything holds for every call of the function and for every run.
pub trait Proofs {
    /// True if it never faults.
    fn holds(&self, _function: FunctionId, _check: Check) -> bool {
        false
    }

    /// Smallest and largest value of an expression of type `i64`.
    fn integers(&self, _function: FunctionId, _expr: ExprId) -> Option<(i64, i64)> {
        None
    }

    /// How often the loop turns at most whose statement begins at this byte of the function's text.
    fn turns(&self, _function: FunctionId, _start: u32) -> Option<u64> {
        None
    }

    /// True for an expression of type `f64` that is never NaN and never infinite.
    fn finite(&self, _function: FunctionId, _expr: ExprId) -> bool {
        false
    }
}

/// Knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProofs;

impl Proofs for NoProofs {}
