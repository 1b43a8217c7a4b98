//! What the program did that ends its run, in words. The same for every tier that computes with values.

use sensai_model::FaultCode;
use sensai_stdlib::BlockError;

/// A fault without a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raised {
    pub code: FaultCode,
    pub text: String,
}

impl Raised {
    pub fn new(code: FaultCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// What the text of a fault begins with that is in a library: its line is there.
pub(crate) fn in_library(path: &str) -> String {
    format!("in {path}: ")
}

/// An index that is not there.
pub(crate) fn out_of_bounds(index: i64, len: usize) -> String {
    match len {
        0 => format!("index {index} is out of bounds: the array is empty"),
        len => format!("index {index} is out of bounds: the array has {len} elements, 0 to {}", len - 1),
    }
}

/// A fault for what the library refused.
pub(crate) fn refused(error: BlockError) -> Raised {
    let help = match error {
        BlockError::ArgumentType {
            expected: sensai_model::ScalarType::F64,
            actual: sensai_model::ScalarType::I64,
            ..
        } => "; there is no conversion, write `7.0` instead of `7`, or to_float()",
        BlockError::ArgumentType {
            expected: sensai_model::ScalarType::I64,
            actual: sensai_model::ScalarType::F64,
            ..
        } => "; there is no conversion, use to_int()",
        _ => "",
    };
    Raised::new(error.fault_code(), format!("{error}{help}"))
}
