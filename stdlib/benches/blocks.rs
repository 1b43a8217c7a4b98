//! Nanoseconds per call of each block, through the registry as a script tier calls it.
//!
//! `cargo bench -p sensai-stdlib`. Each figure is the median of 21 rounds of 20 000 calls.

use sensai_model::Value;
use sensai_stdlib::registry::{Argument, BlockType, blocks};
use std::hint::black_box;

const CALLS: usize = 20_000;
const ROUNDS: usize = 21;

fn main() {
    println!("{:<12} {:>6} {:>10}", "block", "bytes", "ns/call");
    for block in blocks() {
        println!("{:<12} {:>6} {:>10.1}", block.name, block.size, measure(block));
    }
}

/// Median time of the first method, in ns.
fn measure(block: &BlockType) -> f64 {
    let method = &block.methods[0];
    let mut state = vec![0; block.size];
    block.construct(&mut state, &constructor_arguments(block)).expect("arguments within their ranges");
    let calls: Vec<Vec<Value>> = (0..997)
        .map(|step| {
            method.arguments.iter().enumerate().map(|(i, argument)| input(argument, step, i)).collect()
        })
        .collect();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = now_ns();
            for call in calls.iter().cycle().take(CALLS) {
                let result = method.call(black_box(&mut state), black_box(call), 1_000_000);
                black_box(result.is_ok());
            }
            (now_ns() - start) as f64 / CALLS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// The largest window or table, ordinary numbers otherwise.
fn constructor_arguments(block: &BlockType) -> Vec<Value> {
    let count = block.constructor.counts().max().unwrap_or(0);
    let argument = |index| match (block.constructor.argument(index), index) {
        (Some(Argument { default: Some(default), .. }), _) => *default,
        (Some(Argument { range: Some((_, Value::I64(high))), .. }), _) => Value::I64(*high),
        (Some(argument), _) => match argument.scalar.zero() {
            Value::F64(_) => Value::F64(1.0 + index as f64),
            zero => zero,
        },
        (None, _) => Value::Bool(false),
    };
    (0..count).map(argument).collect()
}

/// A value that changes from call to call.
fn input(argument: &Argument, step: usize, place: usize) -> Value {
    match argument.scalar.zero() {
        Value::Bool(_) => Value::Bool((step >> (3 + place)).is_multiple_of(2)),
        Value::I64(_) => Value::I64(5),
        Value::F64(_) => Value::F64(libm::sin(step as f64 * 0.37) + 2.0),
    }
}

/// Measuring time is what this is for.
#[allow(clippy::disallowed_methods)]
fn now_ns() -> u128 {
    use std::{sync::OnceLock, time::Instant};
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos()
}
