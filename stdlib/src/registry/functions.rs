//! Library functions of the script language, as typed overloads.
//!
//! Arguments are never converted: `max(1, 2.0)` is no function. Floats go through the pinned `libm`, so that results
//! have the same bits everywhere; a NaN that comes out is the canonical one. NaN and infinity are legal results, as in
//! IEEE 754; it is storing them into a tag that faults.

use super::{Scalar, scalar_type};
use crate::{
    BlockError,
    number::{lerp, limit, minimum},
};
use sensai_model::{ScalarType, Value};

/// One overload of a function.
#[derive(Debug)]
pub struct Function {
    /// Name.
    pub name: &'static str,
    /// Types of its arguments; together with the name they are unique.
    pub arguments: &'static [ScalarType],
    /// Their names, for messages and signature help.
    pub argument_names: &'static [&'static str],
    /// Type of the result.
    pub result: ScalarType,
    /// Markdown.
    pub doc: &'static str,
    evaluate: fn(&[Value]) -> Result<Value, BlockError>,
    /// Address of the function for compiled programs: `extern "C" fn(…, result: &mut u64) -> u32` with an argument of its
    /// own type for each described one. 0: done, and the result is in `result` (a bool as 0 or 1, the canonical NaN).
    /// Else [`Function::call`] says why not.
    pub native: fn() -> usize,
}

impl Function {
    /// Evaluate it.
    ///
    /// # Errors
    /// If the arguments are of another number or type, or the function says so in its doc.
    pub fn call(&self, arguments: &[Value]) -> Result<Value, BlockError> {
        let (callee, expected) = (self.name, self.arguments.len());
        if arguments.len() != expected {
            let actual = arguments.len();
            return Err(BlockError::ArgumentCount { callee, min: expected, max: expected, step: 1, actual });
        }
        for ((expected, argument), actual) in self.arguments.iter().zip(self.argument_names).zip(arguments) {
            let (expected, actual) = (*expected, actual.scalar_type());
            if expected != actual {
                return Err(BlockError::ArgumentType { callee, argument, expected, actual });
            }
        }
        (self.evaluate)(arguments)
    }
}

/// Every overload; those of one name stand together.
pub fn functions() -> &'static [Function] {
    FUNCTIONS
}

macro_rules! functions {
    ($($(#[doc = $doc:literal])* $name:ident($($argument:ident: $type:ident),*) -> $result:ident = $body:expr;)*) => {
        &[$(Function {
            name: stringify!($name),
            arguments: &[$(scalar_type!($type)),*],
            argument_names: &[$(stringify!($argument)),*],
            result: scalar_type!($result),
            doc: concat!($($doc, "\n"),*),
            evaluate: |values| {
                let mut values = values.iter();
                $(let $argument: $type = next(stringify!($name), stringify!($argument), &mut values)?;)*
                let result: Result<$result, Flaw> = Answer::answer($body);
                result.map(Scalar::value).map_err(|flaw| flaw.of(stringify!($name)))
            },
            native: || {
                extern "C" fn function($($argument: $type,)* result: &mut u64) -> u32 {
                    let answer: Result<$result, Flaw> = Answer::answer($body);
                    match answer {
                        Ok(value) => {
                            *result = value.value().to_bits();
                            0
                        }
                        Err(_) => 1,
                    }
                }
                function as *const () as usize
            },
        }),*]
    };
}

/// The next argument; an error only if the arguments were not checked before.
fn next<T: Scalar>(
    callee: &'static str,
    argument: &'static str,
    values: &mut std::slice::Iter<'_, Value>,
) -> Result<T, BlockError> {
    let value = values.next().copied();
    value.and_then(T::of).ok_or(BlockError::ArgumentType {
        callee,
        argument,
        expected: T::TYPE,
        actual: value.map_or(T::TYPE, Value::scalar_type),
    })
}

/// What a function can object to, before it knows its name.
#[derive(Clone, Copy)]
enum Flaw {
    Overflow,
    NotANumber,
    Crossed(&'static str, &'static str),
    NoSpan(&'static str, &'static str),
}

impl Flaw {
    const fn of(self, callee: &'static str) -> BlockError {
        match self {
            Self::Overflow => BlockError::Overflow { callee },
            Self::NotANumber => BlockError::NotANumber { callee },
            Self::Crossed(low, high) => BlockError::Crossed { callee, low, high },
            Self::NoSpan(low, high) => BlockError::DivisionByZero { callee, low, high },
        }
    }
}

/// A body gives its result, with or without the possibility of a flaw.
trait Answer<T> {
    fn answer(self) -> Result<T, Flaw>;
}

impl<T: Scalar> Answer<T> for T {
    fn answer(self) -> Result<T, Flaw> {
        Ok(self)
    }
}

impl<T: Scalar> Answer<T> for Result<T, Flaw> {
    fn answer(self) -> Self {
        self
    }
}

impl<T: Scalar> Answer<T> for Option<T> {
    fn answer(self) -> Result<T, Flaw> {
        self.ok_or(Flaw::Overflow)
    }
}

static FUNCTIONS: &[Function] = functions! {
    /// The smaller one.
    min(a: i64, b: i64) -> i64 = a.min(b);
    /// The smaller one; NaN if one is NaN; −0 is below +0 (IEEE 754-2019 `minimum`).
    min(a: f64, b: f64) -> f64 = minimum(a, b);
    /// The larger one.
    max(a: i64, b: i64) -> i64 = a.max(b);
    /// The larger one; NaN if one is NaN; +0 is above −0 (IEEE 754-2019 `maximum`).
    max(a: f64, b: f64) -> f64 = -minimum(-a, -b);
    /// `x`, but at least `low` and at most `high`. An error if `low` is above `high`.
    clamp(x: i64, low: i64, high: i64) -> i64
        = if low > high { Err(Flaw::Crossed("low", "high")) } else { Ok(x.clamp(low, high)) };
    /// `x`, but at least `low` and at most `high`; NaN stays NaN. An error if `low` is above `high` or one is NaN.
    clamp(x: f64, low: f64, high: f64) -> f64
        = if low <= high { Ok(limit(x, low, high)) } else { Err(Flaw::Crossed("low", "high")) };
    /// Absolute value. The smallest `i64` has none: an error.
    abs(x: i64) -> i64 = x.checked_abs();
    /// Absolute value.
    abs(x: f64) -> f64 = x.abs();
    /// −1, 0 or 1.
    sign(x: i64) -> i64 = x.signum();
    /// −1, 0 or 1. An error for NaN.
    sign(x: f64) -> i64 = sign(x);
    /// Square root; NaN below zero.
    sqrt(x: f64) -> f64 = libm::sqrt(x);
    /// Sine of an angle in radians.
    sin(x: f64) -> f64 = libm::sin(x);
    /// Cosine of an angle in radians.
    cos(x: f64) -> f64 = libm::cos(x);
    /// Tangent of an angle in radians.
    tan(x: f64) -> f64 = libm::tan(x);
    /// Arc sine in radians, −π/2 to π/2; NaN outside −1 to 1.
    asin(x: f64) -> f64 = libm::asin(x);
    /// Arc cosine in radians, 0 to π; NaN outside −1 to 1.
    acos(x: f64) -> f64 = libm::acos(x);
    /// Arc tangent in radians, −π/2 to π/2.
    atan(x: f64) -> f64 = libm::atan(x);
    /// Angle of the point (`x`, `y`) in radians, −π to π. Note the order: `y` first.
    atan2(y: f64, x: f64) -> f64 = libm::atan2(y, x);
    /// √(x² + y²) without overflow on the way.
    hypot(x: f64, y: f64) -> f64 = libm::hypot(x, y);
    /// e to the power `x`.
    exp(x: f64) -> f64 = libm::exp(x);
    /// Natural logarithm; −inf at zero, NaN below.
    ln(x: f64) -> f64 = libm::log(x);
    /// Logarithm to base 10; −inf at zero, NaN below.
    log10(x: f64) -> f64 = libm::log10(x);
    /// `x` to the power `y`.
    pow(x: f64, y: f64) -> f64 = libm::pow(x, y);
    /// `x` to the power `y`. An error if the result does not fit or `y` is negative.
    pow(x: i64, y: i64) -> i64 = u32::try_from(y).ok().and_then(|y| x.checked_pow(y)).or(unit_power(x, y));
    /// The largest whole number that is not above `x`.
    floor(x: f64) -> f64 = libm::floor(x);
    /// The smallest whole number that is not below `x`.
    ceil(x: f64) -> f64 = libm::ceil(x);
    /// The nearest whole number; halves go away from zero, as in Rhai: 2.5 gives 3. (Conversion to a tag rounds halves
    /// to even, as IEC 61131-3 does: see `round_even`.)
    round(x: f64) -> f64 = libm::round(x);
    /// The nearest whole number; halves go to the even one: 2.5 gives 2.
    round_even(x: f64) -> f64 = libm::rint(x);
    /// The whole part: rounds towards zero.
    trunc(x: f64) -> f64 = libm::trunc(x);
    /// The whole part as an integer: rounds towards zero, as in Rhai. An error for NaN and for what does not fit.
    to_int(x: f64) -> i64 = to_int(x);
    /// The nearest `f64`; exact up to 2⁵³.
    to_float(x: i64) -> f64 = x as f64;
    /// An angle in radians, from degrees.
    to_radians(x: f64) -> f64 = x * (std::f64::consts::PI / 180.0);
    /// An angle in degrees, from radians.
    to_degrees(x: f64) -> f64 = x * (180.0 / std::f64::consts::PI);
    /// 0 within ±`width`, outside `x` less the width, so that there is no step. A negative `width` counts as 0.
    deadband(x: f64, width: f64) -> f64 = deadband(x, width);
    /// `a` at `t` = 0, `b` at `t` = 1, a straight line through both (also beyond).
    lerp(a: f64, b: f64, t: f64) -> f64 = lerp(a, b, t);
    /// The straight line that maps `in_lo` to `out_lo` and `in_hi` to `out_hi`; not clamped. An error if `in_lo` equals
    /// `in_hi`.
    scale(x: f64, in_lo: f64, in_hi: f64, out_lo: f64, out_hi: f64) -> f64
        = if in_lo == in_hi { Err(Flaw::NoSpan("in_lo", "in_hi")) }
          else { Ok(lerp(out_lo, out_hi, (x - in_lo) / (in_hi - in_lo))) };
    /// True if `x` is neither NaN nor infinite.
    is_finite(x: f64) -> bool = x.is_finite();
    /// True if `x` is not a number.
    is_nan(x: f64) -> bool = x.is_nan();
};

fn sign(x: f64) -> Result<i64, Flaw> {
    if x.is_nan() { Err(Flaw::NotANumber) } else { Ok(i64::from(x > 0.0) - i64::from(x < 0.0)) }
}

/// ±1 and 0 have every power, also those that `checked_pow` takes no exponent for.
fn unit_power(x: i64, y: i64) -> Option<i64> {
    match x {
        0 if y > 0 => Some(0),
        1 => Some(1),
        -1 => Some(if y % 2 == 0 { 1 } else { -1 }),
        _ => None,
    }
}

fn to_int(x: f64) -> Result<i64, Flaw> {
    // 2⁶³: the first whole number that does not fit; its negative is the last that does.
    const END: f64 = 9_223_372_036_854_775_808.0;
    if x.is_nan() {
        Err(Flaw::NotANumber)
    } else if (-END..END).contains(&x) {
        Ok(x as i64)
    } else {
        Err(Flaw::Overflow)
    }
}

fn deadband(x: f64, width: f64) -> f64 {
    let width = if width > 0.0 { width } else { 0.0 };
    if x > width {
        x - width
    } else if x < -width {
        x + width
    } else if x.is_nan() {
        x
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The overload that takes these values.
    fn call(name: &str, values: &[Value]) -> Result<Value, BlockError> {
        let types: Vec<ScalarType> = values.iter().map(|value| value.scalar_type()).collect();
        let found = functions().iter().find(|function| function.name == name && function.arguments == types);
        found.unwrap_or_else(|| panic!("no {name}({types:?})")).call(values)
    }

    fn floats(name: &str, values: &[f64]) -> f64 {
        match call(name, &values.iter().map(|value| Value::F64(*value)).collect::<Vec<_>>()) {
            Ok(Value::F64(result)) => result,
            other => panic!("{name}{values:?} gave {other:?}"),
        }
    }

    #[test]
    fn float_functions_follow_the_table() {
        let nan = f64::NAN;
        let inf = f64::INFINITY;
        for (name, values, expected) in [
            ("min", &[1.0, 2.0][..], 1.0),
            ("min", &[0.0, -0.0], -0.0),
            ("min", &[nan, 2.0], nan),
            ("max", &[1.0, 2.0], 2.0),
            ("max", &[-0.0, 0.0], 0.0),
            ("max", &[0.0, -0.0], 0.0),
            ("max", &[2.0, nan], nan),
            ("clamp", &[5.0, 0.0, 3.0], 3.0),
            ("clamp", &[-5.0, 0.0, 3.0], 0.0),
            ("clamp", &[1.5, 0.0, 3.0], 1.5),
            ("clamp", &[nan, 0.0, 3.0], nan),
            ("abs", &[-0.0], 0.0),
            ("abs", &[-inf], inf),
            ("sqrt", &[2.25], 1.5),
            ("sqrt", &[-1.0], nan),
            ("atan2", &[1.0, -1.0], 0.75 * std::f64::consts::PI),
            ("atan2", &[-0.0, -1.0], -std::f64::consts::PI),
            ("hypot", &[3e300, 4e300], 5e300),
            ("ln", &[0.0], -inf),
            ("ln", &[-1.0], nan),
            ("log10", &[1000.0], 3.0),
            ("exp", &[0.0], 1.0),
            ("pow", &[2.0, 0.5], std::f64::consts::SQRT_2),
            ("pow", &[nan, 0.0], 1.0),
            ("floor", &[-1.5], -2.0),
            ("ceil", &[-1.5], -1.0),
            ("round", &[2.5], 3.0),
            ("round", &[-2.5], -3.0),
            ("round", &[0.499_999_999_999_999_94], 0.0),
            ("round_even", &[2.5], 2.0),
            ("round_even", &[3.5], 4.0),
            ("trunc", &[-1.9], -1.0),
            ("deadband", &[0.5, 1.0], 0.0),
            ("deadband", &[-0.5, 1.0], 0.0),
            ("deadband", &[3.0, 1.0], 2.0),
            ("deadband", &[-3.0, 1.0], -2.0),
            ("deadband", &[3.0, -1.0], 3.0),
            ("deadband", &[nan, 1.0], nan),
            ("lerp", &[1.0, 3.0, 0.25], 1.5),
            ("lerp", &[0.1, 0.7, 1.0], 0.7),
            ("scale", &[12.0, 4.0, 20.0, 0.0, 100.0], 50.0),
            ("scale", &[22.4, 4.0, 20.0, 0.0, 100.0], 114.999_999_999_999_99),
            ("scale", &[4.0, 4.0, 20.0, -7.3, 100.0], -7.3),
            ("scale", &[20.0, 4.0, 20.0, -7.3, 0.1], 0.1),
            ("to_degrees", &[std::f64::consts::PI], 180.0),
            ("to_radians", &[90.0], std::f64::consts::FRAC_PI_2),
        ] {
            let result = floats(name, values);
            let same = result.to_bits() == sensai_model::value::canonical(expected).to_bits();
            let near = (result - expected).abs() <= 4.0 * f64::EPSILON * expected.abs() && expected != 0.0;
            assert!(same || near, "{name}{values:?} = {result}, expected {expected}");
        }
    }

    #[test]
    fn circular_functions_invert_each_other() {
        for step in -150..=150 {
            let x = f64::from(step) / 100.0;
            let (sin, cos) = (floats("sin", &[x]), floats("cos", &[x]));
            assert!((sin * sin + cos * cos - 1.0).abs() < 1e-15);
            assert!((floats("tan", &[x]) - sin / cos).abs() < 1e-12 * (1.0 + (sin / cos).abs()));
            assert!((floats("asin", &[sin]) - x).abs() < 1e-7);
            assert!((floats("acos", &[cos]) - x.abs()).abs() < 1e-7);
            assert!((floats("atan", &[sin / cos]) - x).abs() < 1e-12);
        }
    }

    #[test]
    fn integer_functions_follow_the_table() {
        use Value::{F64, I64};
        let overflow = |callee| Err(BlockError::Overflow { callee });
        for (name, values, expected) in [
            ("min", vec![I64(3), I64(-4)], Ok(I64(-4))),
            ("max", vec![I64(3), I64(-4)], Ok(I64(3))),
            ("clamp", vec![I64(9), I64(0), I64(5)], Ok(I64(5))),
            (
                "clamp",
                vec![I64(9), I64(5), I64(0)],
                Err(BlockError::Crossed { callee: "clamp", low: "low", high: "high" }),
            ),
            (
                "clamp",
                vec![F64(9.0), F64(f64::NAN), F64(0.0)],
                Err(BlockError::Crossed { callee: "clamp", low: "low", high: "high" }),
            ),
            ("abs", vec![I64(-7)], Ok(I64(7))),
            ("abs", vec![I64(i64::MIN)], overflow("abs")),
            ("sign", vec![I64(-7)], Ok(I64(-1))),
            ("sign", vec![F64(-0.0)], Ok(I64(0))),
            ("sign", vec![F64(f64::INFINITY)], Ok(I64(1))),
            ("sign", vec![F64(f64::NAN)], Err(BlockError::NotANumber { callee: "sign" })),
            ("pow", vec![I64(-3), I64(3)], Ok(I64(-27))),
            ("pow", vec![I64(2), I64(62)], Ok(I64(1 << 62))),
            ("pow", vec![I64(2), I64(63)], overflow("pow")),
            ("pow", vec![I64(-2), I64(63)], Ok(I64(i64::MIN))),
            ("pow", vec![I64(2), I64(-1)], overflow("pow")),
            ("pow", vec![I64(-1), I64(i64::MAX)], Ok(I64(-1))),
            ("pow", vec![I64(0), I64(0)], Ok(I64(1))),
            ("to_int", vec![F64(-2.9)], Ok(I64(-2))),
            ("to_int", vec![F64(f64::NAN)], Err(BlockError::NotANumber { callee: "to_int" })),
            ("to_int", vec![F64(9_223_372_036_854_775_808.0)], overflow("to_int")),
            ("to_int", vec![F64(-9_223_372_036_854_775_808.0)], Ok(I64(i64::MIN))),
            ("to_int", vec![F64(f64::NEG_INFINITY)], overflow("to_int")),
            ("to_float", vec![I64(-5)], Ok(F64(-5.0))),
            ("is_nan", vec![F64(f64::NAN)], Ok(Value::Bool(true))),
            ("is_finite", vec![F64(f64::INFINITY)], Ok(Value::Bool(false))),
        ] {
            assert_eq!(call(name, &values), expected, "{name}{values:?}");
        }
        let error = call("scale", &[1.0, 5.0, 5.0, 0.0, 1.0].map(F64)).unwrap_err();
        assert_eq!(error.to_string(), "scale: in_lo equals in_hi");
    }

    proptest! {
        /// Every NaN that comes out is the canonical one, and no argument makes a function panic.
        #[test]
        fn results_are_canonical(bits in prop::array::uniform5(any::<u64>()), special in any::<u64>()) {
            let specials = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, 5e-324, 1.0];
            for function in functions() {
                let values: Vec<Value> = function.arguments.iter().zip(bits).enumerate().map(|(i, (scalar, bits))| {
                    let chosen = special >> (6 * i);
                    match scalar {
                        ScalarType::F64 if chosen & 1 == 0 => Value::F64(specials[chosen as usize >> 1 & 7]),
                        ScalarType::F64 => Value::F64(f64::from_bits(bits)),
                        other => Value::from_bits(*other, bits),
                    }
                }).collect();
                if let Ok(result) = function.call(&values) {
                    prop_assert_eq!(result.scalar_type(), function.result);
                    if let Value::F64(number) = result {
                        prop_assert_eq!(number.to_bits(), sensai_model::value::canonical(number).to_bits(), "{}{:?}", function.name, values);
                    }
                }
            }
        }
    }
}
