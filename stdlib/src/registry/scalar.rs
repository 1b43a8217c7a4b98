//! Between values and Rust types, between bytes and states.

use super::Argument;
use crate::BlockError;
use bytemuck::Pod;
use sensai_model::{ScalarType, Value, value::canonical};

/// A Rust type that a script value can have.
pub(crate) trait Scalar: Copy {
    const TYPE: ScalarType;
    fn of(value: Value) -> Option<Self>;
    fn value(self) -> Value;
}

macro_rules! scalar {
    ($type:ty, $variant:ident, $canonical:expr) => {
        impl Scalar for $type {
            const TYPE: ScalarType = ScalarType::$variant;

            fn of(value: Value) -> Option<Self> {
                if let Value::$variant(value) = value { Some(value) } else { None }
            }

            fn value(self) -> Value {
                Value::$variant($canonical(self))
            }
        }
    };
}

scalar!(bool, Bool, std::convert::identity);
scalar!(i64, I64, std::convert::identity);
scalar!(f64, F64, canonical);

/// What a method's body may come to: nothing or a scalar, perhaps an error.
pub(crate) trait Outcome {
    fn outcome(self) -> Result<Option<Value>, BlockError>;
}

impl Outcome for () {
    fn outcome(self) -> Result<Option<Value>, BlockError> {
        Ok(None)
    }
}

impl<T: Scalar> Outcome for T {
    fn outcome(self) -> Result<Option<Value>, BlockError> {
        Ok(Some(self.value()))
    }
}

impl Outcome for Result<(), BlockError> {
    fn outcome(self) -> Result<Option<Value>, BlockError> {
        self.map(|()| None)
    }
}

/// The end of a call by a compiled program: 0, or that it failed.
pub(crate) fn finish(outcome: Result<Option<Value>, BlockError>, result: &mut u64) -> u32 {
    match outcome {
        Ok(value) => {
            *result = value.map_or(0, Value::to_bits);
            0
        }
        Err(_) => 1,
    }
}

/// Checked arguments, taken one after the other; what was left out has its default.
pub(crate) struct Arguments<'a> {
    callee: &'static str,
    described: &'static [Argument],
    values: &'a [Value],
    next: usize,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(callee: &'static str, described: &'static [Argument], values: &'a [Value]) -> Self {
        Self { callee, described, values, next: 0 }
    }

    /// The next one. An error only if the arguments were not checked before.
    pub(crate) fn next<T: Scalar>(&mut self) -> Result<T, BlockError> {
        let described = self.described.get(self.next);
        let value = self.values.get(self.next).copied().or(described.and_then(|argument| argument.default));
        self.next += 1;
        value.and_then(T::of).ok_or(BlockError::ArgumentType {
            callee: self.callee,
            argument: described.map_or("", |argument| argument.name),
            expected: T::TYPE,
            actual: value.map_or(T::TYPE, Value::scalar_type),
        })
    }

    /// Those of the repeated group.
    pub(crate) fn repeated(&self) -> &'a [Value] {
        self.values.get(self.described.len()..).unwrap_or_default()
    }
}

/// Let `work` change the state in `bytes`. What lies at an odd address is worked on in a copy: the result does not
/// depend on where the bytes lie.
pub(crate) fn operate<T: Pod, R>(
    block: &'static str,
    bytes: &mut [u8],
    work: impl FnOnce(&mut T) -> Result<R, BlockError>,
) -> Result<R, BlockError> {
    if bytes.len() != size_of::<T>() {
        return Err(BlockError::StateSize { block, expected: size_of::<T>(), actual: bytes.len() });
    }
    if let Ok(state) = bytemuck::try_from_bytes_mut(bytes) {
        return work(state);
    }
    let mut state: T = bytemuck::pod_read_unaligned(bytes);
    let result = work(&mut state);
    bytes.copy_from_slice(bytemuck::bytes_of(&state));
    result
}

/// Let `look` read the state in `bytes`; `None` if they are too few or too many.
pub(crate) fn inspect<T: Pod, R: Scalar>(bytes: &[u8], look: impl FnOnce(&T) -> R) -> Option<Value> {
    if bytes.len() != size_of::<T>() {
        return None;
    }
    let value = match bytemuck::try_from_bytes(bytes) {
        Ok(state) => look(state),
        Err(_) => look(&bytemuck::pod_read_unaligned(bytes)),
    };
    Some(value.value())
}
