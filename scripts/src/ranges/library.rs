//! What the functions of the library make of ranges.

use super::{
    float::FloatRange,
    int::{Checked, IntRange},
    value::Known,
};
use crate::hir::BinaryOperator;
use sensai_stdlib::registry::Function;
use std::f64::consts::PI;

/// A call with arguments of these ranges. Of a function that is not known here, everything is possible.
pub(crate) fn call(function: &Function, arguments: &[Known]) -> Checked<Known> {
    let ints = || {
        arguments.iter().map(|argument| if let Known::Int(range) = argument { Some(*range) } else { None })
    };
    let floats = || {
        arguments.iter().map(|argument| if let Known::Float(range) = argument { Some(*range) } else { None })
    };
    let known = match ints().collect::<Option<Vec<IntRange>>>() {
        Some(ints) => of_ints(function.name, &ints),
        None => {
            floats().collect::<Option<Vec<FloatRange>>>().and_then(|floats| of_floats(function.name, &floats))
        }
    };
    known.unwrap_or_else(|| {
        let everything = Known::any(&crate::hir::Type::scalar(function.result));
        Checked { value: Some(everything.unwrap_or(Known::BOOL)), holds: false }
    })
}

fn of_ints(name: &str, arguments: &[IntRange]) -> Option<Checked<Known>> {
    let int =
        |checked: Checked<IntRange>| Checked { value: checked.value.map(Known::Int), holds: checked.holds };
    Some(match (name, arguments) {
        ("min", [a, b]) => int(Checked::sure(a.min(*b))),
        ("max", [a, b]) => int(Checked::sure(a.max(*b))),
        ("clamp", [x, low, high]) => {
            let value = (low.low() <= high.high()).then(|| {
                let highest = x.high().max(low.high()).min(high.high());
                let lowest = x.low().min(high.low()).max(low.low());
                // Limits that cross are refused: what comes out is not beyond either.
                IntRange::between(lowest.min(highest), highest)
            });
            int(Checked { value, holds: low.high() <= high.low() })
        }
        ("abs", [x]) => int(x.abs()),
        ("sign", [x]) => int(Checked::sure(x.sign())),
        ("pow", [x, y]) => {
            let power = x.operate(BinaryOperator::Power, *y);
            // Other than the operator, the function knows all powers of 1, 0 and −1.
            let unit = IntRange::between(-1, 1);
            let value = match (power.value, x.meet(unit)) {
                (Some(value), Some(_)) => Some(value.join(unit)),
                (None, Some(_)) => Some(unit),
                (value, None) => value,
            };
            int(Checked { value, holds: power.holds })
        }
        ("to_float", [x]) => Checked::sure(Known::Float(FloatRange::from_int(*x))),
        _ => return None,
    })
}

fn of_floats(name: &str, arguments: &[FloatRange]) -> Option<Checked<Known>> {
    let sure = |range: FloatRange| Some(Checked::sure(Known::Float(range)));
    let within = |low: f64, high: f64, nan: bool| {
        let range = FloatRange::new(low, high).unwrap_or(FloatRange::ALL);
        Some(Checked::sure(Known::Float(range.loosened().with_nan(nan))))
    };
    match (name, arguments) {
        ("min", [a, b]) => sure(a.min(*b)),
        ("max", [a, b]) => sure(a.max(*b)),
        ("clamp", [x, low, high]) => clamp(*x, *low, *high),
        ("abs", [x]) => sure(x.abs()),
        ("sign", [x]) => Some(sign(*x)),
        ("sqrt", [x]) => sure(from_zero_on(*x, libm::sqrt)),
        ("sin" | "cos", [x]) => within(-1.0, 1.0, x.may_be_nan() || x.may_be_infinite()),
        ("tan", [x]) => sure(FloatRange::FINITE.with_nan(x.may_be_nan() || x.may_be_infinite())),
        ("asin", [x]) => within(-PI / 2.0, PI / 2.0, !inside(*x, -1.0, 1.0)),
        ("acos", [x]) => within(0.0, PI, !inside(*x, -1.0, 1.0)),
        ("atan", [x]) => match x.numbers() {
            Some(numbers) => sure(numbers.rising(libm::atan).loosened().with_nan(x.may_be_nan())),
            None => sure(FloatRange::NAN),
        },
        ("atan2", [y, x]) => within(-PI, PI, y.may_be_nan() || x.may_be_nan()),
        ("hypot", [x, y]) => hypot(*x, *y),
        ("exp", [x]) => sure(not_below_zero(x.rising(libm::exp).loosened())),
        ("ln", [x]) => sure(from_zero_on(*x, libm::log).loosened()),
        ("log10", [x]) => sure(from_zero_on(*x, libm::log10).loosened()),
        ("pow", [x, y]) => sure(x.power(*y)),
        ("floor", [x]) => sure(x.rising(libm::floor)),
        ("ceil", [x]) => sure(x.rising(libm::ceil)),
        ("round", [x]) => sure(x.rising(libm::round)),
        ("round_even", [x]) => sure(x.rising(libm::rint)),
        ("trunc", [x]) => sure(x.rising(libm::trunc)),
        ("to_int", [x]) => {
            let checked = x.to_int();
            Some(Checked { value: checked.value.map(Known::Int), holds: checked.holds })
        }
        ("to_radians", [x]) => sure(x.rising(|x| x * (PI / 180.0))),
        ("to_degrees", [x]) => sure(x.rising(|x| x * (180.0 / PI))),
        // Nearer to zero, or zero.
        ("deadband", [x, _]) => sure(x.join(FloatRange::of(0.0))),
        ("lerp", [a, b, t]) => sure(lerp(*a, *b, *t)),
        ("scale", [x, in_low, in_high, out_low, out_high]) => {
            use BinaryOperator::{Divide, Subtract};
            let span = in_high.operate(Subtract, *in_low);
            let t = x.operate(Subtract, *in_low).operate(Divide, span);
            let same = in_low.compared(super::float::Comparison::Equal, *in_high).is_some();
            let one = |range: &FloatRange| !range.may_be_nan() && range.low() == range.high();
            let never = same && one(in_low) && one(in_high);
            let value = (!never).then(|| Known::Float(lerp(*out_low, *out_high, t)));
            Some(Checked { value, holds: !same })
        }
        ("is_finite", [x]) => {
            let no = x.may_be_nan() || x.may_be_infinite();
            let yes = x.meet(FloatRange::FINITE).is_some();
            Some(Checked { value: Known::bools(no, yes), holds: true })
        }
        ("is_nan", [x]) => {
            Some(Checked { value: Known::bools(x.numbers().is_some(), x.may_be_nan()), holds: true })
        }
        _ => None,
    }
}

fn inside(x: FloatRange, low: f64, high: f64) -> bool {
    !x.may_be_nan() && low <= x.low() && x.high() <= high
}

/// A rising function that gives NaN below zero.
fn from_zero_on(x: FloatRange, of: impl Fn(f64) -> f64) -> FloatRange {
    let nan = x.may_be_nan() || x.low() < 0.0;
    let positive = x.numbers().and_then(|x| x.meet(FloatRange::new(0.0, f64::INFINITY)?));
    positive.map_or(FloatRange::NAN, |positive| positive.rising(of).with_nan(nan))
}

fn not_below_zero(range: FloatRange) -> FloatRange {
    range.max(FloatRange::of(0.0))
}

fn clamp(x: FloatRange, low: FloatRange, high: FloatRange) -> Option<Checked<Known>> {
    let holds = !low.may_be_nan() && !high.may_be_nan() && low.high() <= high.low();
    let (Some(lows), Some(highs)) = (low.numbers(), high.numbers()) else { return Some(Checked::never()) };
    if lows.low() > highs.high() {
        return Some(Checked::never());
    }
    let value = match x.numbers() {
        Some(numbers) => {
            let highest = numbers.high().max(lows.high()).min(highs.high());
            let lowest = numbers.low().min(highs.low()).max(lows.low());
            FloatRange::new(lowest.min(highest), highest).unwrap_or(FloatRange::ALL).with_nan(x.may_be_nan())
        }
        None => FloatRange::NAN,
    };
    Some(Checked { value: Some(Known::Float(value)), holds })
}

fn sign(x: FloatRange) -> Checked<Known> {
    let sign = |end: f64| i64::from(end > 0.0) - i64::from(end < 0.0);
    let value =
        x.numbers().map(|numbers| Known::Int(IntRange::between(sign(numbers.low()), sign(numbers.high()))));
    Checked { value, holds: !x.may_be_nan() }
}

fn hypot(x: FloatRange, y: FloatRange) -> Option<Checked<Known>> {
    // An infinity wins over NaN.
    let nan = x.may_be_nan() || y.may_be_nan();
    let (Some(x), Some(y)) = (x.numbers(), y.numbers()) else {
        return Some(Checked::sure(Known::Float(FloatRange::ALL)));
    };
    let (x, y) = (x.abs(), y.abs());
    let high = if nan { f64::INFINITY } else { libm::hypot(x.high(), y.high()) };
    let range = FloatRange::new(libm::hypot(x.low(), y.low()), high).unwrap_or(FloatRange::ALL);
    Some(Checked::sure(Known::Float(not_below_zero(range.loosened()).with_nan(nan))))
}

/// As the library computes it.
fn lerp(a: FloatRange, b: FloatRange, t: FloatRange) -> FloatRange {
    use BinaryOperator::{Add, Multiply, Subtract};
    let rest = FloatRange::of(1.0).operate(Subtract, t);
    a.operate(Multiply, rest).operate(Add, b.operate(Multiply, t))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};
    use proptest::prelude::*;
    use sensai_model::{ScalarType, Value};
    use sensai_stdlib::registry::functions;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// Every function, on values in ranges: what comes out is in the range, and what holds does not fail.
        #[test]
        fn functions_stay_in_their_ranges(
            ints in prop::collection::vec(int_in_range(), 5),
            floats in prop::collection::vec(float_in_range(), 5),
        ) {
            for function in functions() {
                let given = function.arguments.iter().enumerate().map(|(index, scalar)| match scalar {
                    ScalarType::I64 => (Known::Int(ints[index].0), Value::I64(ints[index].1)),
                    ScalarType::F64 => (Known::Float(floats[index].0), Value::F64(floats[index].1)),
                    ScalarType::Bool => (Known::BOOL, Value::Bool(true)),
                });
                let (ranges, values): (Vec<Known>, Vec<Value>) = given.unzip();
                let checked = call(function, &ranges);
                match function.call(&values) {
                    Ok(value) => prop_assert!(
                        checked.value.as_ref().is_some_and(|known| known.contains(value)),
                        "{}{values:?} = {value:?}, {ranges:?} → {checked:?}", function.name
                    ),
                    Err(error) => prop_assert!(!checked.holds, "{}{values:?}: {error}", function.name),
                }
            }
        }
    }

    #[test]
    fn every_function_is_known() {
        for function in functions() {
            let anything = |scalar: &ScalarType| match scalar {
                ScalarType::I64 => Known::Int(IntRange::between(1, 2)),
                ScalarType::F64 => Known::Float(FloatRange::new(0.25, 0.5).unwrap()),
                ScalarType::Bool => Known::BOOL,
            };
            let given: Vec<Known> = function.arguments.iter().map(anything).collect();
            let sure = !matches!(function.name, "clamp" | "scale" | "pow");
            assert!(call(function, &given).holds || !sure, "{}({given:?})", function.name);
        }
    }
}
