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
