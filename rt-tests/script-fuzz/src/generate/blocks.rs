//! Blocks of the library with constructors that take what they are given.

use super::Generator;
use crate::ast::Ty;
use sensai_model::{ScalarType, Value};
use sensai_stdlib::registry::{self, Argument, BlockType};

impl Generator<'_> {
    /// Any block of the registry.
    pub(super) fn some_block(&mut self) -> Ty {
        loop {
            let block = self.chance.pick(registry::blocks());
            // Relations between arguments are the constructor's business; somewhen they hold.
            for _ in 0..30 {
                if let Some(arguments) = self.constructor(block) {
                    return Ty::Block(block.name, arguments.into());
                }
            }
        }
    }

    fn constructor(&mut self, block: &'static BlockType) -> Option<String> {
        let counts: Vec<usize> = block.constructor.counts().take(8).collect();
        let count = *self.chance.pick(&counts);
        let mut values = Vec::with_capacity(count);
        for index in 0..count {
            let argument = block.constructor.argument(index)?;
            values.push(self.constructor_argument(argument, index));
        }
        let mut state = vec![0; block.size];
        block.construct(&mut state, &values).ok()?;
        let texts: Vec<String> = values
            .iter()
            .map(|value| match value {
                Value::F64(number) => format!("{number:?}"),
                other => other.to_string(),
            })
            .collect();
        // The smallest `i64` has no literal.
        (!texts.iter().any(|text| text == "-9223372036854775808")).then(|| texts.join(", "))
    }

    fn constructor_argument(&mut self, argument: &Argument, index: usize) -> Value {
        if let Some(default) = argument.default
            && self.chance.percent(30)
        {
            return default;
        }
        match (argument.scalar, argument.range) {
            (ScalarType::Bool, _) => Value::Bool(self.chance.percent(50)),
            (ScalarType::I64, Some((Value::I64(low), Value::I64(high)))) => {
                let high = high.min(low.saturating_add(20));
                Value::I64(self.chance.within(low, high))
            }
            (ScalarType::I64, _) => Value::I64(self.chance.within(-9, 99)),
            (_, Some((Value::F64(low), Value::F64(high)))) => {
                let candidates = [low, high, 0.001, 0.01, 0.5, 1.0, 2.5, 10.0, 100.0, 1000.0];
                let fitting: Vec<f64> =
                    candidates.into_iter().filter(|value| (low..=high).contains(value)).collect();
                Value::F64(*self.chance.pick(&fitting))
            }
            // Points of a table rise.
            _ => Value::F64(index as f64 * 2.5 + self.chance.within(-4, 4) as f64 / 4.0),
        }
    }
}
