//! Numbers and ranges on which arithmetic is tested: ends, neighbours of ends, and what is between.

use super::{float::FloatRange, int::IntRange};
use proptest::prelude::*;

pub(crate) fn int() -> impl Strategy<Value = i64> + Clone {
    let edges = [
        i64::MIN,
        i64::MIN + 1,
        -65,
        -64,
        -63,
        -2,
        -1,
        0,
        1,
        2,
        3,
        62,
        63,
        64,
        65,
        1 << 32,
        1 << 53,
        i64::MAX - 1,
        i64::MAX,
    ];
    prop_oneof![
        3 => prop::sample::select(edges.to_vec()),
        3 => -10..10_i64,
        1 => any::<i64>(),
        1 => (0..63_u32, -2..3_i64).prop_map(|(bit, near)| (1_i64 << bit).wrapping_add(near)),
    ]
}

/// A range and a number in it.
pub(crate) fn int_in_range() -> impl Strategy<Value = (IntRange, i64)> {
    (int(), int(), int()).prop_map(|(a, b, c)| {
        let range = IntRange::between(a, b);
        (range, c.clamp(range.low(), range.high()))
    })
}

pub(crate) fn float() -> impl Strategy<Value = f64> + Clone {
    let edges = [
        f64::NEG_INFINITY,
        f64::MIN,
        -9_223_372_036_854_775_808.0,
        -1.5,
        -1.0,
        -f64::MIN_POSITIVE,
        -5e-324,
        -0.0,
        0.0,
        5e-324,
        f64::MIN_POSITIVE,
        0.5,
        1.0,
        2.0,
        2.5,
        std::f64::consts::PI,
        9_007_199_254_740_992.0,
        9_223_372_036_854_775_807.0,
        1e308,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ];
    prop_oneof![
        3 => prop::sample::select(edges.to_vec()),
        2 => -10.0..10.0,
        1 => (-10..10_i64).prop_map(|whole| whole as f64),
        1 => any::<f64>(),
    ]
}

/// A range and a value in it.
pub(crate) fn float_in_range() -> impl Strategy<Value = (FloatRange, f64)> {
    (float(), float(), float(), any::<bool>()).prop_map(|(a, b, c, nan)| {
        let range = FloatRange::of(a).join(FloatRange::of(b)).with_nan(nan);
        let value = match range.numbers() {
            Some(numbers) if !(c.is_nan() && range.may_be_nan()) => c.max(numbers.low()).min(numbers.high()),
            _ => f64::NAN,
        };
        (range, value)
    })
}
