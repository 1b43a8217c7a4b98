//! Blocks and functions of the library, against their Rust versions: all bytes of a state, all bits of a result.

use super::{Bench, Cell, build::Builder, tags::tag};
use crate::{Program, hir::Type, native::Options};
use proptest::prelude::*;
use sensai_model::{ScalarType, Value, value::canonical};
use sensai_stdlib::registry::{self, BlockType, Method};

/// Numbers at which something changes.
const FLOATS: [f64; 20] = [
    0.0,
    -0.0,
    0.005,
    0.01,
    0.025,
    0.5,
    1.0,
    -1.0,
    2.5,
    -2.5,
    3.5,
    1e9,
    -1e9,
    1e19,
    4.6e18,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    5e-324,
];
const INTEGERS: [i64; 9] = [0, 1, -1, 2, 3, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1];

fn value(scalar: ScalarType, choice: u64, bits: u64) -> Value {
    match scalar {
        ScalarType::Bool => Value::Bool(choice & 1 == 1),
        ScalarType::I64 if choice & 3 == 0 => Value::I64(bits.cast_signed()),
        ScalarType::I64 => Value::I64(INTEGERS[choice as usize % INTEGERS.len()]),
        ScalarType::F64 if choice & 7 == 0 => Value::F64(canonical(f64::from_bits(bits))),
        ScalarType::F64 => Value::F64(canonical(FLOATS[choice as usize % FLOATS.len()])),
    }
}

/// A first state of a block, from arguments that it takes.
fn made(of: &BlockType) -> Option<Vec<u8>> {
    let mut bytes = vec![0; of.size];
    // Limits that rise, and limits that fall.
    for (scale, offset) in [(1.0, 0.0), (0.1, 0.0), (0.01, 0.0), (-1.0, 9.0), (-0.01, 0.1)] {
        for count in of.constructor.counts().take(4) {
            let arguments: Vec<Value> = (0..count)
                .filter_map(|place| {
                    let argument = of.constructor.argument(place)?;
                    Some(argument.default.unwrap_or(match argument.scalar {
                        ScalarType::Bool => Value::Bool(true),
                        ScalarType::I64 => Value::I64(3),
                        ScalarType::F64 => Value::F64(offset + (place + 1) as f64 * scale),
                    }))
                })
                .collect();
            if of.construct(&mut bytes, &arguments).is_ok() {
                return Some(bytes);
            }
        }
    }
    None
}

/// A program that calls a method with the values of tags; and reads all pins.
struct Called {
    bench: Bench,
    of: &'static BlockType,
    method: &'static Method,
    at: usize,
}

fn called(of: &'static BlockType, method: &'static Method, constant: Option<f64>) -> Called {
    let tags = method
        .arguments
        .iter()
        .zip(0..)
        .map(|(argument, slot)| tag(&format!("t{slot}"), slot, None, argument.scalar, None));
    let cell = Cell { tags: tags.collect(), ..Cell::default() };
    let pins: Vec<String> = (0..of.pins.len()).map(|pin| format!("p{pin}")).collect();
    let mut fields = vec![("block", Type::Block(of))];
    fields.extend(pins.iter().zip(of.pins).map(|(name, pin)| (name.as_str(), Type::scalar(pin.scalar))));
    if let Some(scalar) = method.result {
        fields.push(("result", Type::scalar(scalar)));
    }
    let builder = Builder::new(&fields).cycle(|_, body| {
        let arguments: Vec<_> = (0..)
            .zip(method.arguments)
            .map(|(slot, argument)| match constant {
                Some(number) if argument.scalar == ScalarType::F64 => body.float(number),
                _ => body.tag(slot, None, Type::scalar(argument.scalar)),
            })
            .collect();
        body.on_line(9);
        let block = body.this("block");
        let call = body.method(block, method.name, &arguments);
        match method.result {
            Some(_) => body.set_this("result", call),
            None => body.run(call),
        }
        for (name, pin) in pins.iter().zip(of.pins) {
            let block = body.this("block");
            let pin = body.pin(block, pin.name);
            body.set_this(name, pin);
        }
    });
    let bench = Bench::of(builder, &cell);
    let at = bench.program.layout().lookup("block").unwrap().offset;
    Called { bench, of, method, at }
}

impl Called {
    fn block(&self) -> &[u8] {
        &self.bench.program.state()[self.at..self.at + self.of.size]
    }

    fn put(&mut self, bytes: &[u8]) {
        let mut state = self.bench.program.state().to_vec();
        state[self.at..self.at + self.of.size].copy_from_slice(bytes);
        self.bench.program.restore(&state).unwrap();
    }

    /// One call of both.
    fn check(&mut self, oracle: &mut [u8], values: &[Value], dt_ns: i64) {
        for (value, slot) in values.iter().zip(0..) {
            self.bench.store.restore(slot, *value, true);
        }
        self.bench.dt_ns = dt_ns;
        let expected = self.method.call(oracle, values, dt_ns);
        let case = format!("{} {values:?} {dt_ns}", self.method.path);
        match (self.bench.run(), expected) {
            (Ok(()), Ok(result)) => {
                assert_eq!(self.block(), oracle, "{case}");
                if let Some(result) = result {
                    let got = match result.scalar_type() {
                        ScalarType::Bool => Value::Bool(self.bench.bool("result")),
                        ScalarType::I64 => Value::I64(self.bench.i64("result")),
                        ScalarType::F64 => Value::F64(self.bench.f64("result")),
                    };
                    assert_eq!(got.to_bits(), result.to_bits(), "{case}");
                }
                for (pin, number) in self.of.pins.iter().zip(0..) {
                    let path = format!("p{number}");
                    let got = match pin.scalar {
                        ScalarType::Bool => Value::Bool(self.bench.bool(&path)),
                        ScalarType::I64 => Value::I64(self.bench.i64(&path)),
                        ScalarType::F64 => Value::F64(self.bench.f64(&path)),
                    };
                    assert_eq!(got.to_bits(), pin.get(oracle).to_bits(), "{case}: {}", pin.name);
                }
            }
            (Err(error), Err(refused)) => {
                assert_eq!((error.fault.code, error.fault.line), (refused.fault_code(), 9), "{case}");
                assert_eq!(error.text, crate::fault::refused(refused).text.as_str(), "{case}");
                assert_eq!(self.block(), oracle, "{case}");
            }
            (got, expected) => panic!("{case}: {got:?}, expected {expected:?}"),
        }
    }
}

/// Steps of a history: choices and bits for the arguments, and the time that passes.
type Steps = Vec<([(u64, u64); 6], u64)>;

fn steps() -> impl Strategy<Value = Steps> {
    let argument = (any::<u64>(), any::<u64>());
    prop::collection::vec((prop::array::uniform6(argument), any::<u64>()), 120)
}

fn interval(choice: u64) -> i64 {
    match choice % 16 {
        0 => 0,
        1 => -1,
        2 => i64::MAX,
        3 => i64::MIN,
        4 => choice.cast_signed(),
        _ => 10_000_000,
    }
}

/// A history of calls, from a state that a constructor made or from any bytes.
fn history(of: &'static BlockType, method: &'static Method, constant: Option<f64>, steps: &Steps, any: bool) {
    let Some(mut oracle) = made(of) else { panic!("{}: no arguments", of.name) };
    let mut called = called(of, method, constant);
    called.put(&oracle);
    for (step, (arguments, time)) in steps.iter().enumerate() {
        if any && step % 10 == 0 {
            for (byte, (_, bits)) in oracle.iter_mut().zip(arguments.iter().cycle()) {
                *byte = (bits >> (step % 56)) as u8;
            }
            called.put(&oracle);
        }
        let values: Vec<Value> = method
            .arguments
            .iter()
            .zip(arguments)
            .map(|(argument, (choice, bits))| match constant {
                Some(number) if argument.scalar == ScalarType::F64 => Value::F64(number),
                _ => value(argument.scalar, *choice, *bits),
            })
            .collect();
        called.check(&mut oracle, &values, interval(*time));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn every_block_does_what_its_rust_version_does(steps in steps()) {
        for of in registry::blocks() {
            for method in of.methods {
                history(of, method, None, &steps, false);
            }
        }
    }

    /// Also from bytes that no history leads to: blocks written out as instructions are the same there, too.
    #[test]
    fn blocks_written_out_are_the_same_whatever_their_bytes_are(steps in steps()) {
        for name in ["TON", "TOF", "TP", "CTU", "CTD", "CTUD", "R_TRIG", "F_TRIG", "SR", "RS"] {
            let of = registry::find(name).unwrap();
            history(of, of.method("run").unwrap(), None, &steps, true);
        }
    }

    #[test]
    fn times_that_are_known_are_the_same(steps in steps(), choice in 0..FLOATS.len()) {
        for name in ["TON", "TOF", "TP"] {
            let of = registry::find(name).unwrap();
            history(of, of.method("run").unwrap(), Some(FLOATS[choice]), &steps, true);
        }
    }

    #[test]
    fn every_function_gives_what_its_rust_version_gives(
        calls in prop::collection::vec(prop::array::uniform6((any::<u64>(), any::<u64>())), 60),
    ) {
        for function in registry::functions() {
            let tags = function.arguments.iter().zip(0..);
            let tags = tags.map(|(scalar, slot)| tag(&format!("t{slot}"), slot, None, *scalar, None)).collect();
            let cell = Cell { tags, ..Cell::default() };
            let builder = Builder::new(&[("r", Type::scalar(function.result))]).cycle(|_, body| {
                let arguments: Vec<_> = function
                    .arguments
                    .iter()
                    .zip(0..)
                    .map(|(scalar, slot)| body.tag(slot, None, Type::scalar(*scalar)))
                    .collect();
                body.on_line(9);
                let r = body.library(function.name, &arguments);
                body.set_this("r", r);
            });
            let mut bench = Bench::of(builder, &cell);
            for call in &calls {
                let values: Vec<Value> =
                    function.arguments.iter().zip(call).map(|(scalar, (a, b))| value(*scalar, *a, *b)).collect();
                for (value, slot) in values.iter().zip(0..) {
                    bench.store.restore(slot, *value, true);
                }
                let case = format!("{}{values:?}", function.name);
                match (bench.run(), function.call(&values)) {
                    (Ok(()), Ok(expected)) => {
                        let got = match expected {
                            Value::Bool(_) => Value::Bool(bench.bool("r")),
                            Value::I64(_) => Value::I64(bench.i64("r")),
                            Value::F64(_) => Value::F64(bench.f64("r")),
                        };
                        prop_assert_eq!(got.to_bits(), expected.to_bits(), "{}", case);
                    }
                    (Err(error), Err(refused)) => {
                        prop_assert_eq!((error.fault.code, error.fault.line), (refused.fault_code(), 9), "{}", case);
                        prop_assert_eq!(error.text.to_string(), refused.to_string());
                    }
                    (got, expected) => panic!("{case}: {got:?}, expected {expected:?}"),
                }
            }
        }
    }
}

/// Options other than those for this machine are compiled only.
#[test]
fn blocks_and_functions_compile_for_every_target() {
    for target in [crate::native::Target::Aarch64, crate::native::Target::X8664] {
        for of in registry::blocks() {
            for method in of.methods {
                let hir = Builder::new(&[("block", Type::Block(of))])
                    .cycle(|_, body| {
                        let arguments: Vec<_> = method
                            .arguments
                            .iter()
                            .map(|argument| match argument.scalar {
                                ScalarType::Bool => body.bool(true),
                                ScalarType::I64 => body.int(2),
                                ScalarType::F64 => body.float(0.5),
                            })
                            .collect();
                        let block = body.this("block");
                        let call = body.method(block, method.name, &arguments);
                        body.run(call);
                    })
                    .finish();
                let layout = super::layout(&hir.state);
                let initial = vec![0; layout.size()];
                let cell = Cell::default();
                let environment = cell.environment();
                let source = crate::native::Source {
                    name: "test",
                    hir: &hir,
                    layout: &layout,
                    initial: &initial,
                    environment: &environment,
                };
                let code = crate::native::code(&source, &Options { target, ..Options::default() }).unwrap();
                assert!(code.len() > 16, "{} for {target:?}", method.path);
            }
        }
    }
}
