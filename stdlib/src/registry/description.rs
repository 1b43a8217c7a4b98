//! What a block is, in data.

use super::Arguments;
use crate::BlockError;
use sensai_model::{ScalarType, Value};

/// A block: its state's size, and everything that can be done with it.
#[derive(Debug)]
pub struct BlockType {
    /// As scripts write it; IEC 61131-3's letters where it is a standard block.
    pub name: &'static str,
    /// Markdown; the first paragraph is a summary.
    pub doc: &'static str,
    /// Bytes of its state.
    pub size: usize,
    /// Alignment the state should have. Other slices work too, at the cost of a copy.
    pub align: usize,
    /// How an instance is made.
    pub constructor: Constructor,
    /// What can be called on an instance.
    pub methods: &'static [Method],
    /// What can be read from an instance.
    pub pins: &'static [Pin],
}

/// How an instance is made: arguments, some with defaults, then perhaps a repeated group.
#[derive(Debug)]
pub struct Constructor {
    /// In order; those with a default come last and may be left out, unless there is a repeated group.
    pub arguments: &'static [Argument],
    /// A group that follows, given several times.
    pub repeated: Option<Repeated>,
    pub(crate) build: fn(&mut [u8], Arguments<'_>) -> Result<(), BlockError>,
}

/// Arguments given `min` to `max` times in turn, such as the points of a table.
#[derive(Debug)]
pub struct Repeated {
    /// One group.
    pub arguments: &'static [Argument],
    /// Fewest groups.
    pub min: usize,
    /// Most groups.
    pub max: usize,
}

/// An argument of a constructor or method.
#[derive(Debug)]
pub struct Argument {
    /// Name; in capitals like a pin.
    pub name: &'static str,
    /// Type; never converted.
    pub scalar: ScalarType,
    /// UCUM unit; empty if it has none, or the one of the signal.
    pub unit: &'static str,
    /// Inclusive; a value outside is an error.
    pub range: Option<(Value, Value)>,
    /// Taken when the argument is left out.
    pub default: Option<Value>,
    /// Markdown.
    pub doc: &'static str,
}

/// Runs a method on a state, with checked arguments and the time since the cycle before in nanoseconds.
pub(crate) type Invoke = fn(&mut [u8], Arguments<'_>, i64) -> Result<Option<Value>, BlockError>;

/// When a method has to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// Once in every cycle: time passes in it.
    EveryCycle,
    /// When there is something to be done.
    Command,
}

/// Something that can be called on an instance.
#[derive(Debug)]
pub struct Method {
    /// Name.
    pub name: &'static str,
    /// `BLOCK.name`, for messages.
    pub path: &'static str,
    /// When to call it.
    pub kind: MethodKind,
    /// In order, all required.
    pub arguments: &'static [Argument],
    /// Type of what it returns, if anything.
    pub result: Option<ScalarType>,
    /// Markdown.
    pub doc: &'static str,
    pub(crate) invoke: Invoke,
    /// Address of the method for compiled programs: `extern "C" fn(&mut State, …, dt_ns: i64, result: &mut u64) -> u32`
    /// with an argument of its own type for each described one. 0: done, and the result, if there is one, is in
    /// `result` (a bool as 0 or 1, the canonical NaN). Else nothing was changed, and [`Method::call`] says why.
    pub native: fn() -> usize,
}

/// Which way a pin goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Shows what the block was last given.
    Input,
    /// What the block says.
    Output,
}

/// Something that can be read from an instance.
#[derive(Debug)]
pub struct Pin {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub scalar: ScalarType,
    /// UCUM unit; empty if it has none, or the one of the signal.
    pub unit: &'static str,
    /// Which way.
    pub direction: Direction,
    /// Markdown.
    pub doc: &'static str,
    pub(crate) read: fn(&[u8]) -> Option<Value>,
    /// Address of the pin for compiled programs: `extern "C" fn(&State) -> u64` (a bool as 0 or 1, the canonical NaN).
    pub native: fn() -> usize,
}

impl BlockType {
    /// Make an instance in `state`, whatever was there.
    ///
    /// # Errors
    /// If the slice has another size, or the arguments another number, type or range than described. `state` is then
    /// as before.
    pub fn construct(&self, state: &mut [u8], arguments: &[Value]) -> Result<(), BlockError> {
        if state.len() != self.size {
            return Err(BlockError::StateSize { block: self.name, expected: self.size, actual: state.len() });
        }
        self.constructor.check(self.name, arguments)?;
        (self.constructor.build)(state, Arguments::new(self.name, self.constructor.arguments, arguments))
    }

    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// The pin of this name.
    pub fn pin(&self, name: &str) -> Option<&'static Pin> {
        self.pins.iter().find(|pin| pin.name == name)
    }
}

impl Constructor {
    /// How many arguments it takes: each legal number, ascending.
    pub fn counts(&self) -> impl Iterator<Item = usize> {
        let (min, max, step) = self.count_range();
        (min..=max).step_by(step)
    }

    /// What the argument at `index` is, in a call with as many as that.
    pub fn argument(&self, index: usize) -> Option<&'static Argument> {
        let repeated = || {
            let group = self.repeated.as_ref()?.arguments;
            group.get((index - self.arguments.len()) % group.len())
        };
        self.arguments.get(index).or_else(repeated)
    }

    fn count_range(&self) -> (usize, usize, usize) {
        let fixed = self.arguments.len();
        match &self.repeated {
            Some(group) => {
                let step = group.arguments.len();
                (fixed + group.min * step, fixed + group.max * step, step)
            }
            None => (self.arguments.iter().filter(|argument| argument.default.is_none()).count(), fixed, 1),
        }
    }

    fn check(&self, callee: &'static str, values: &[Value]) -> Result<(), BlockError> {
        let (min, max, step) = self.count_range();
        let actual = values.len();
        if actual < min || actual > max || !(actual - min).is_multiple_of(step) {
            return Err(BlockError::ArgumentCount { callee, min, max, step, actual });
        }
        for (index, value) in values.iter().enumerate() {
            if let Some(argument) = self.argument(index) {
                argument.check(callee, *value)?;
                argument.check_finite(callee, *value)?;
            }
        }
        Ok(())
    }
}

impl Argument {
    fn check(&self, callee: &'static str, actual: Value) -> Result<(), BlockError> {
        let argument = self.name;
        if actual.scalar_type() != self.scalar {
            let (expected, actual) = (self.scalar, actual.scalar_type());
            return Err(BlockError::ArgumentType { callee, argument, expected, actual });
        }
        match self.range {
            Some((low, high)) if !in_range(actual, low, high) => {
                Err(BlockError::ArgumentRange { callee, argument, low, high, actual })
            }
            _ => Ok(()),
        }
    }

    fn check_finite(&self, callee: &'static str, actual: Value) -> Result<(), BlockError> {
        match actual {
            Value::F64(number) if !number.is_finite() => {
                Err(BlockError::NotFinite { callee, argument: self.name, actual })
            }
            _ => Ok(()),
        }
    }
}

/// NaN is in no range.
fn in_range(value: Value, low: Value, high: Value) -> bool {
    match (value, low, high) {
        (Value::I64(value), Value::I64(low), Value::I64(high)) => (low..=high).contains(&value),
        (Value::F64(value), Value::F64(low), Value::F64(high)) => (low..=high).contains(&value),
        _ => true,
    }
}

impl Method {
    /// Call it on an instance. `dt_ns` is the nominal time since the cycle before, in nanoseconds.
    ///
    /// # Errors
    /// If the slice has another size, or the arguments another number, type or range than described. `state` is then
    /// as before.
    pub fn call(
        &self,
        state: &mut [u8],
        arguments: &[Value],
        dt_ns: i64,
    ) -> Result<Option<Value>, BlockError> {
        let (expected, actual) = (self.arguments.len(), arguments.len());
        if actual != expected {
            let callee = self.path;
            return Err(BlockError::ArgumentCount { callee, min: expected, max: expected, step: 1, actual });
        }
        for (argument, value) in self.arguments.iter().zip(arguments) {
            argument.check(self.path, *value)?;
        }
        (self.invoke)(state, Arguments::new(self.path, self.arguments, arguments), dt_ns)
    }
}

impl Pin {
    /// Its value. A slice that is not of the block's size is a programming error and reads as zero.
    pub fn get(&self, state: &[u8]) -> Value {
        let value = (self.read)(state);
        debug_assert!(value.is_some(), "pin {}: state of {} bytes", self.name, state.len());
        value.unwrap_or(self.scalar.zero())
    }
}
