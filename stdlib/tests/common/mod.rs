//! Random histories of blocks.

use sensai_model::{ScalarType, Value};
use sensai_stdlib::registry::{Argument, BlockType};

/// SplitMix64: a history depends on its seed and on nothing else.
pub struct Random(pub u64);

impl Random {
    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn unit(&mut self) -> f64 {
        self.below(1 << 53) as f64 / (1_u64 << 53) as f64
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Mostly ordinary, sometimes everything that a float can be.
    pub fn float(&mut self) -> f64 {
        match self.below(12) {
            0 => f64::from_bits(self.next()),
            1 => self.pick(&[
                f64::NAN,
                -f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::MAX,
                f64::MIN,
                f64::MIN_POSITIVE,
                5e-324,
                0.0,
                -0.0,
                1e155,
                -1e155,
            ]),
            2 => (self.unit() - 0.5) * 1e6,
            _ => (self.unit() - 0.5) * 20.0,
        }
    }

    /// Mostly small.
    pub fn integer(&mut self) -> i64 {
        match self.below(4) {
            0 => self.next().cast_signed(),
            1 => self.pick(&[i64::MIN, i64::MAX, 0, -1, 1]),
            _ => self.below(10).cast_signed() - 3,
        }
    }

    fn dt_ns(&mut self) -> i64 {
        match self.below(20) {
            0 => self.pick(&[0, -1, 1, i64::MIN, i64::MAX, 86_400_000_000_000]),
            1 => self.below(50).cast_signed() * 1_000_000,
            _ => 1_000_000,
        }
    }

    /// Any value of the argument's type within its range, NaN and infinities included where the range allows.
    pub fn argument(&mut self, argument: &Argument, finite: bool) -> Value {
        match (argument.scalar, argument.range) {
            (ScalarType::Bool, _) => Value::Bool(self.below(3) == 0),
            (ScalarType::I64, Some((Value::I64(low), Value::I64(high)))) => {
                Value::I64(low + self.below((high - low + 1).cast_unsigned()).cast_signed())
            }
            (ScalarType::I64, _) => Value::I64(self.integer()),
            (ScalarType::F64, range) => loop {
                let (low, high) = match range {
                    Some((Value::F64(low), Value::F64(high))) => (low, high),
                    _ => (f64::NEG_INFINITY, f64::INFINITY),
                };
                let number = match self.below(8) {
                    0 => low,
                    1 => high,
                    2 | 3 => self.float(),
                    _ => self.unit() * 100.0,
                };
                let allowed = if range.is_some() || finite { number.is_finite() } else { true };
                if allowed && (range.is_none() || (low..=high).contains(&number)) {
                    break Value::F64(number);
                }
            },
        }
    }

    /// Arguments that the constructor takes.
    pub fn construct(&mut self, block: &BlockType, state: &mut [u8]) -> Vec<Value> {
        loop {
            let counts: Vec<usize> = block.constructor.counts().collect();
            let count = self.pick(&counts);
            let mut arguments: Vec<Value> = (0..count)
                .map(|index| self.argument(block.constructor.argument(index).unwrap(), true))
                .collect();
            if block.name == "TABLE" {
                let mut x = -10.0;
                for argument in arguments[1..].iter_mut().step_by(2) {
                    x += 0.001 + self.unit() * 3.0;
                    *argument = Value::F64(x);
                }
            }
            if block.construct(state, &arguments).is_ok() {
                return arguments;
            }
        }
    }

    /// A method with arguments; `run` most of the time.
    pub fn call(&mut self, block: &'static BlockType) -> Call {
        let method = if self.below(30) == 0 { self.below(block.methods.len() as u64) as usize } else { 0 };
        let arguments = block.methods[method].arguments;
        Call {
            method,
            arguments: arguments.iter().map(|argument| self.argument(argument, false)).collect(),
            dt_ns: self.dt_ns(),
        }
    }
}

/// One call of a method.
pub struct Call {
    pub method: usize,
    pub arguments: Vec<Value>,
    pub dt_ns: i64,
}

impl Call {
    /// The result's bits, or the error's text.
    pub fn make(&self, block: &BlockType, state: &mut [u8]) -> Result<Option<u64>, String> {
        let result = block.methods[self.method].call(state, &self.arguments, self.dt_ns);
        result.map(|value| value.map(Value::to_bits)).map_err(|error| error.to_string())
    }
}
