//! Why a block or function could not do what it was asked.

use sensai_model::{FaultCode, ScalarType, Value};

/// Small and `Copy`: it arises in the cycle. The text is made by whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum BlockError {
    /// The state slice is not of the block's size. A programming error of the caller.
    #[error("{block}: state of {actual} bytes, expected {expected}")]
    StateSize {
        /// Block.
        block: &'static str,
        /// Size of the block.
        expected: usize,
        /// Size of the slice.
        actual: usize,
    },
    /// Too few or too many arguments.
    #[error("{callee}: {actual} arguments, expected {}", Count(*min, *max, *step))]
    ArgumentCount {
        /// Block, method or function.
        callee: &'static str,
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
        /// Legal counts above the fewest differ by this much.
        step: usize,
        /// As given.
        actual: usize,
    },
    /// An argument of another type. There is no conversion: write `7.0` for an `f64`.
    #[error("{callee}: argument {argument} is {}, expected {}", actual.name(), expected.name())]
    ArgumentType {
        /// Block, method or function.
        callee: &'static str,
        /// Argument.
        argument: &'static str,
        /// Its type.
        expected: ScalarType,
        /// Type given.
        actual: ScalarType,
    },
    /// An argument outside its range; NaN is outside of every range.
    #[error("{callee}: argument {argument} is {actual}, expected {low} to {high}")]
    ArgumentRange {
        /// Block, method or function.
        callee: &'static str,
        /// Argument.
        argument: &'static str,
        /// Smallest.
        low: Value,
        /// Largest.
        high: Value,
        /// As given.
        actual: Value,
    },
    /// A constructor's argument is NaN or infinite.
    #[error("{callee}: argument {argument} is {actual}, expected a finite number")]
    NotFinite {
        /// Block.
        callee: &'static str,
        /// Argument.
        argument: &'static str,
        /// As given.
        actual: Value,
    },
    /// Two arguments in the wrong order.
    #[error("{callee}: {low} is above {high}")]
    Crossed {
        /// Block, method or function.
        callee: &'static str,
        /// The one that shall not be above.
        low: &'static str,
        /// The other.
        high: &'static str,
    },
    /// A table's x does not rise.
    #[error("{callee}: x of point {point} is {actual}, expected more than {previous}")]
    NotIncreasing {
        /// Block.
        callee: &'static str,
        /// Point, from 1.
        point: usize,
        /// x of the point before.
        previous: f64,
        /// x of this point.
        actual: f64,
    },
    /// An integer result that does not fit 64 bits, or a float that is no `i64`.
    #[error("{callee}: the result does not fit an i64")]
    Overflow {
        /// Function.
        callee: &'static str,
    },
    /// NaN where a number is needed.
    #[error("{callee}: the argument is not a number")]
    NotANumber {
        /// Function.
        callee: &'static str,
    },
    /// A span of zero.
    #[error("{callee}: {low} equals {high}")]
    DivisionByZero {
        /// Function.
        callee: &'static str,
        /// One end of the span.
        low: &'static str,
        /// The other.
        high: &'static str,
    },
}

impl BlockError {
    /// The fault a program gets.
    pub const fn fault_code(self) -> FaultCode {
        match self {
            Self::StateSize { .. } => FaultCode::StateShape,
            Self::ArgumentCount { .. } | Self::ArgumentType { .. } => FaultCode::TypeMismatch,
            Self::ArgumentRange { .. } | Self::Crossed { .. } | Self::NotIncreasing { .. } => {
                FaultCode::OutOfRange
            }
            Self::NotFinite { .. } | Self::NotANumber { .. } => FaultCode::NotFinite,
            Self::Overflow { .. } => FaultCode::Overflow,
            Self::DivisionByZero { .. } => FaultCode::DivisionByZero,
        }
    }
}

/// "2", "3 to 5", or "5 to 65 in steps of 2".
struct Count(usize, usize, usize);

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self(min, max, _) if min == max => write!(f, "{min}"),
            Self(min, max, 1) => write!(f, "{min} to {max}"),
            Self(min, max, step) => write!(f, "{min} to {max} in steps of {step}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_say_what_was_expected_and_what_was_got() {
        let count = |min, max, step| BlockError::ArgumentCount { callee: "TABLE", min, max, step, actual: 1 };
        assert_eq!(count(2, 2, 1).to_string(), "TABLE: 1 arguments, expected 2");
        assert_eq!(count(2, 4, 1).to_string(), "TABLE: 1 arguments, expected 2 to 4");
        assert_eq!(count(5, 65, 2).to_string(), "TABLE: 1 arguments, expected 5 to 65 in steps of 2");
        let error = BlockError::ArgumentType {
            callee: "TON.run",
            argument: "PT",
            expected: ScalarType::F64,
            actual: ScalarType::I64,
        };
        assert_eq!(error.to_string(), "TON.run: argument PT is i64, expected f64");
    }
}
