//! Sets of `f64`: the numbers between two bounds, and perhaps NaN.
//!
//! Bounds need no rounding outwards where an operation rounds correctly: rounding keeps the order, so that the result of the
//! bounds bounds the results. Functions of the library are wrong by less than a unit in the last place, and get a few.
//! The two zeros count as one number.

use super::int::{Checked, IntRange};
use crate::hir::BinaryOperator;

/// Numbers from `low` to `high`, infinities included if they are bounds; and NaN if `nan`. Never empty.
#[derive(Clone, Copy, Debug)]
pub struct FloatRange {
    /// Above `high` if it can only be NaN.
    low: f64,
    high: f64,
    nan: bool,
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// Equal as sets of bits; zeros count as one.
impl PartialEq for FloatRange {
    fn eq(&self, other: &Self) -> bool {
        self.low == other.low && self.high == other.high && self.nan == other.nan
    }
}

impl Comparison {
    /// Of a comparing operator.
    pub const fn of(operator: BinaryOperator) -> Option<Self> {
        Some(match operator {
            BinaryOperator::Less => Self::Less,
            BinaryOperator::LessOrEqual => Self::LessOrEqual,
            BinaryOperator::Greater => Self::Greater,
            BinaryOperator::GreaterOrEqual => Self::GreaterOrEqual,
            BinaryOperator::Equal => Self::Equal,
            BinaryOperator::NotEqual => Self::NotEqual,
            _ => return None,
        })
    }

    /// With its sides exchanged.
    pub const fn swapped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    /// What holds if it does not, of numbers that are not NaN.
    pub const fn negated(self) -> Self {
        match self {
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
        }
    }
}

const INFINITY: f64 = f64::INFINITY;

impl FloatRange {
    /// Everything.
    pub const ALL: Self = Self { low: -INFINITY, high: INFINITY, nan: true };
    /// Every number that is neither infinite nor NaN.
    pub const FINITE: Self = Self { low: f64::MIN, high: f64::MAX, nan: false };
    /// NaN only.
    pub const NAN: Self = Self { low: INFINITY, high: -INFINITY, nan: true };

    /// From `low` to `high`, without NaN; none if that is empty or a bound is NaN.
    pub fn new(low: f64, high: f64) -> Option<Self> {
        (low <= high).then_some(Self { low, high, nan: false })
    }

    /// One value.
    pub fn of(value: f64) -> Self {
        if value.is_nan() { Self::NAN } else { Self { low: value, high: value, nan: false } }
    }

    /// The values of an `i64`, converted.
    pub fn from_int(range: IntRange) -> Self {
        Self { low: range.low() as f64, high: range.high() as f64, nan: false }
    }

    /// With NaN, or as it is.
    #[must_use]
    pub fn with_nan(self, nan: bool) -> Self {
        Self { nan: self.nan || nan, ..self }
    }

    /// Its numbers; none if it can only be NaN.
    pub fn numbers(self) -> Option<Self> {
        self.has_numbers().then_some(Self { nan: false, ..self })
    }

    fn has_numbers(self) -> bool {
        self.low <= self.high
    }

    /// Smallest number.
    pub fn low(self) -> f64 {
        self.low
    }

    /// Largest number.
    pub fn high(self) -> f64 {
        self.high
    }

    /// It can be NaN.
    pub fn may_be_nan(self) -> bool {
        self.nan
    }

    /// It can be infinite.
    pub fn may_be_infinite(self) -> bool {
        self.has_numbers() && (self.low == -INFINITY || self.high == INFINITY)
    }

    /// It is never NaN and never infinite.
    pub fn is_finite(self) -> bool {
        !self.nan && self.low > -INFINITY && self.high < INFINITY
    }

    /// True if `value` is in it.
    pub fn contains(self, value: f64) -> bool {
        if value.is_nan() { self.nan } else { self.low <= value && value <= self.high }
    }

    /// True if all of `other` is in it.
    pub fn includes(self, other: Self) -> bool {
        (self.nan || !other.nan)
            && (!other.has_numbers() || (self.low <= other.low && other.high <= self.high))
    }

    /// In one or the other, and what is between.
    pub fn join(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high), nan: self.nan || other.nan }
    }

    /// In both.
    pub fn meet(self, other: Self) -> Option<Self> {
        let both = Self {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
            nan: self.nan && other.nan,
        };
        if both.has_numbers() { Some(both) } else { both.nan.then_some(Self::NAN) }
    }

    /// A range that `next` grows into in few steps; see [`IntRange::widen`].
    pub fn widen(self, next: Self, thresholds: &[f64]) -> Self {
        let low = if next.low < self.low {
            let below = thresholds.partition_point(|threshold| *threshold <= next.low);
            below.checked_sub(1).and_then(|at| thresholds.get(at)).copied().unwrap_or(-INFINITY)
        } else {
            self.low
        };
        let high = if next.high > self.high {
            let above = thresholds.partition_point(|threshold| *threshold < next.high);
            thresholds.get(above).copied().unwrap_or(INFINITY)
        } else {
            self.high
        };
        Self { low, high, nan: self.nan || next.nan }
    }

    /// From what an operation gives for bounds: the least and the greatest, NaN if there is one.
    fn hull(ends: impl IntoIterator<Item = f64>, nan: bool) -> Self {
        let start = Self { low: INFINITY, high: -INFINITY, nan };
        ends.into_iter().fold(start, |all, end| all.join(Self::of(end)))
    }

    fn corners(self, other: Self, of: impl Fn(f64, f64) -> f64) -> [f64; 4] {
        [
            of(self.low, other.low),
            of(self.low, other.high),
            of(self.high, other.low),
            of(self.high, other.high),
        ]
    }

    fn contains_zero(self) -> bool {
        self.low <= 0.0 && 0.0 <= self.high
    }

    /// An operator that gives an `f64`, on two; comparisons give everything.
    pub fn operate(self, operator: BinaryOperator, other: Self) -> Self {
        use BinaryOperator as Op;
        let nan = self.nan || other.nan;
        if operator == Op::Power {
            return self.power(other);
        }
        if !self.has_numbers() || !other.has_numbers() {
            return Self::NAN;
        }
        let (infinite, also_infinite) = (self.may_be_infinite(), other.may_be_infinite());
        match operator {
            // Infinities of the two signs, wherever in the ranges they are, are at their ends.
            Op::Add => {
                let opposed = (self.low == -INFINITY && other.high == INFINITY)
                    || (self.high == INFINITY && other.low == -INFINITY);
                let (low, high) = (self.low + other.low, self.high + other.high);
                let low = if low.is_nan() { -INFINITY } else { low };
                let high = if high.is_nan() { INFINITY } else { high };
                Self { low, high, nan: nan || opposed }
            }
            Op::Subtract => self.operate(Op::Add, other.negate()),
            Op::Multiply => {
                let opposed = (infinite && other.contains_zero()) || (also_infinite && self.contains_zero());
                // 0 × ∞ at a corner: all finite numbers of the other side give 0.
                let product = |a: f64, b: f64| if a == 0.0 || b == 0.0 { 0.0 } else { a * b };
                Self::hull(self.corners(other, product), nan || opposed)
            }
            Op::Divide => {
                let nan =
                    nan || (infinite && also_infinite) || (self.contains_zero() && other.contains_zero());
                if other.contains_zero() {
                    // The sign of a zero decides about the sign of the infinity.
                    return Self { nan, ..Self::ALL };
                }
                let quotient = |a: f64, b: f64| match (a.is_infinite(), b.is_infinite()) {
                    (_, true) if a == 0.0 || !a.is_infinite() => 0.0,
                    // ∞ ÷ ∞ at a corner: next to it are all numbers from 0 to ∞.
                    (true, true) => a.signum() * b.signum() * INFINITY,
                    _ => a / b,
                };
                let ends = Self::hull(self.corners(other, quotient), nan);
                // Finite numbers by an infinity.
                if also_infinite { ends.join(Self { nan, ..Self::of(0.0) }) } else { ends }
            }
            Op::Remainder => self.remainder(other),
            _ => Self::ALL,
        }
    }

    fn remainder(self, divisor: Self) -> Self {
        let nan = self.nan || divisor.nan || self.may_be_infinite() || divisor.contains_zero();
        let most = divisor.low.abs().max(divisor.high.abs());
        // Of the dividend's sign, not more than it, and less than the divisor.
        let low = if self.low < 0.0 { self.low.max(-most) } else { 0.0 };
        let high = if self.high > 0.0 { self.high.min(most) } else { 0.0 };
        Self { low, high, nan }
    }

    /// `x ** y` and `pow(x, y)`.
    pub fn power(self, exponent: Self) -> Self {
        // 1 to the NaN and NaN to the 0 are 1.
        let nan = self.nan || exponent.nan;
        let everything = Self { nan: true, ..Self::ALL };
        let (Some(base), Some(numbers)) = (self.numbers(), exponent.numbers()) else { return everything };
        if base.low < 0.0 || nan {
            return match numbers.low == numbers.high && numbers.low.is_finite() && !nan {
                true => base.whole_power(numbers.low),
                false => everything,
            };
        }
        if base.low == 0.0 && numbers.low < 0.0 {
            // A power of either zero is the infinity of its sign.
            return Self { nan: false, ..Self::ALL };
        }
        // Of a base that is not negative it is monotone in each operand; which way, the other one decides.
        let ends = Self::hull(base.corners(numbers, libm::pow), false).loosened();
        Self { low: ends.low.max(0.0), ..ends }
    }

    /// Of any base, to one power.
    fn whole_power(self, exponent: f64) -> Self {
        let whole = libm::trunc(exponent) == exponent && exponent.abs() <= 1024.0;
        if !whole || exponent < 0.0 {
            return Self { nan: !whole, ..Self::ALL };
        }
        let even = libm::fmod(exponent, 2.0) == 0.0;
        let ends = [self.low, self.high].map(|end| libm::pow(end, exponent));
        let all = Self::hull(ends, false);
        let all = if even && self.contains_zero() { all.join(Self::of(0.0)) } else { all };
        let all = all.loosened();
        if even { Self { low: all.low.max(0.0), ..all } } else { all }
    }

    /// `-x`.
    pub fn negate(self) -> Self {
        Self { low: -self.high, high: -self.low, nan: self.nan }
    }

    /// `abs(x)`.
    pub fn abs(self) -> Self {
        if !self.has_numbers() || self.low >= 0.0 {
            return self;
        }
        let negated = self.negate();
        if self.high <= 0.0 {
            negated
        } else {
            Self { low: 0.0, high: negated.high.max(self.high), nan: self.nan }
        }
    }

    /// `min(a, b)` of the library: NaN if one is.
    pub fn min(self, other: Self) -> Self {
        if !self.has_numbers() || !other.has_numbers() {
            return Self::NAN;
        }
        Self { low: self.low.min(other.low), high: self.high.min(other.high), nan: self.nan || other.nan }
    }

    /// `max(a, b)` of the library: NaN if one is.
    pub fn max(self, other: Self) -> Self {
        self.negate().min(other.negate()).negate()
    }

    /// A function that keeps the order and comes out exactly rounded, NaN of NaN only.
    pub fn rising(self, of: impl Fn(f64) -> f64) -> Self {
        if !self.has_numbers() {
            return Self::NAN;
        }
        Self::hull([of(self.low), of(self.high)], self.nan)
    }

    /// With bounds some units in the last place further out.
    #[must_use]
    pub fn loosened(self) -> Self {
        let step = |end: f64, next: fn(f64) -> f64| (0..8).fold(end, |end, _| next(end));
        if !self.has_numbers() {
            return self;
        }
        Self { low: step(self.low, f64::next_down), high: step(self.high, f64::next_up), nan: self.nan }
    }

    /// `to_int(x)`.
    pub fn to_int(self) -> Checked<IntRange> {
        // 2⁶³, the first that does not fit; the number before it is the last that does.
        const END: f64 = 9_223_372_036_854_775_808.0;
        let Some(fitting) = self.meet(Self { low: -END, high: END.next_down(), nan: false }) else {
            return Checked::never();
        };
        let value = IntRange::new(fitting.low as i64, fitting.high as i64);
        Checked { value, holds: !self.nan && self.low >= -END && self.high < END }
    }

    /// What it can be if it compares so with some number of `other`. `None`: it never does.
    pub fn compared(self, comparison: Comparison, other: Self) -> Option<Self> {
        let numbers = other.numbers();
        let bounded = |low: f64, high: f64| self.meet(Self { low, high, nan: false });
        match (comparison, numbers) {
            // NaN differs from everything.
            (Comparison::NotEqual, None) => Some(self),
            (Comparison::NotEqual, Some(numbers)) => {
                let one = !other.nan && numbers.low == numbers.high;
                if one { self.without(numbers.low) } else { Some(self) }
            }
            (_, None) => None,
            (Comparison::Equal, Some(numbers)) => bounded(numbers.low, numbers.high),
            (Comparison::Less, Some(numbers)) => bounded(-INFINITY, before(numbers.high)?),
            (Comparison::LessOrEqual, Some(numbers)) => bounded(-INFINITY, numbers.high),
            (Comparison::Greater, Some(numbers)) => bounded(after(numbers.low)?, INFINITY),
            (Comparison::GreaterOrEqual, Some(numbers)) => bounded(numbers.low, INFINITY),
        }
    }

    /// What it can be if it does not compare so with some value of `other`. `None`: it always does.
    pub fn not_compared(self, comparison: Comparison, other: Self) -> Option<Self> {
        // What compares with NaN in any way but `!=`, does not.
        if other.nan && comparison != Comparison::NotEqual {
            return Some(self);
        }
        let numbers = self.numbers().and_then(|numbers| numbers.compared(comparison.negated(), other));
        let nan = self.nan && comparison != Comparison::NotEqual;
        match numbers {
            Some(numbers) => Some(numbers.with_nan(nan)),
            None => nan.then_some(Self::NAN),
        }
    }

    /// Without one number: smaller only if it is an end.
    pub fn without(self, value: f64) -> Option<Self> {
        let low = if self.low == value { value.next_up() } else { self.low };
        let high = if self.high == value { value.next_down() } else { self.high };
        let rest = Self { low, high, nan: self.nan };
        if rest.has_numbers() { Some(rest) } else { rest.nan.then_some(Self::NAN) }
    }
}

/// The largest number below; none below −∞.
fn before(value: f64) -> Option<f64> {
    (value > -INFINITY).then(|| value.next_down())
}

/// The smallest number above; none above ∞.
fn after(value: f64) -> Option<f64> {
    (value < INFINITY).then(|| value.next_up())
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};
    use crate::arithmetic;
    use proptest::prelude::*;
    use sensai_model::Value;

    const OPERATORS: [BinaryOperator; 6] = [
        BinaryOperator::Add,
        BinaryOperator::Subtract,
        BinaryOperator::Multiply,
        BinaryOperator::Divide,
        BinaryOperator::Remainder,
        BinaryOperator::Power,
    ];

    fn compute(operator: BinaryOperator, a: f64, b: f64) -> f64 {
        match arithmetic::binary(operator, Value::F64(a), Value::F64(b)) {
            Some(Ok(Value::F64(value))) => value,
            other => panic!("{operator:?} gave {other:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8192))]

        #[test]
        fn operators_stay_in_their_ranges((a, x) in float_in_range(), (b, y) in float_in_range()) {
            prop_assert!(a.contains(x) && b.contains(y));
            for operator in OPERATORS {
                let (range, value) = (a.operate(operator, b), compute(operator, x, y));
                prop_assert!(range.contains(value), "{x:?} {} {y:?} = {value:?}, {a:?} {b:?} → {range:?}", operator.symbol());
            }
            for operator in BinaryOperator::ALL.into_iter().filter(|operator| operator.compares()) {
                let Some(comparison) = Comparison::of(operator) else { panic!("{operator:?}") };
                let Some(Ok(Value::Bool(holds))) = arithmetic::binary(operator, Value::F64(x), Value::F64(y)) else {
                    panic!("{operator:?} compares");
                };
                let (left, right) = match holds {
                    true => (a.compared(comparison, b), b.compared(comparison.swapped(), a)),
                    false => (a.not_compared(comparison, b), b.not_compared(comparison.swapped(), a)),
                };
                prop_assert!(left.is_some_and(|range| range.contains(x)), "{x:?} {comparison:?} {y:?} is {holds}: {left:?}");
                prop_assert!(right.is_some_and(|range| range.contains(y)), "{x:?} {comparison:?} {y:?} is {holds}: {right:?}");
            }
            let both = a.join(b);
            prop_assert!(both.contains(x) && both.contains(y) && both.includes(a) && both.includes(b));
            prop_assert_eq!(a.meet(b).is_some_and(|both| both.contains(x)), b.contains(x));
            prop_assert!(a.negate().contains(-x) && a.abs().contains(x.abs()));
        }

        #[test]
        fn widening_holds_both((a, x) in float_in_range(), (b, y) in float_in_range(), ends in prop::collection::vec(-10.0..10.0, 0..5)) {
            let mut ends = ends;
            ends.sort_unstable_by(f64::total_cmp);
            let widened = a.widen(a.join(b), &ends);
            prop_assert!(widened.contains(x) && widened.contains(y), "{widened:?}");
        }

        #[test]
        fn integers_convert_within_their_range((a, x) in int_in_range()) {
            prop_assert!(FloatRange::from_int(a).contains(x as f64));
        }
    }

    #[test]
    fn ranges_are_as_small_as_they_can_be() {
        let range = |low, high| FloatRange::new(low, high).unwrap();
        assert_eq!(range(0.0, 4.0).operate(BinaryOperator::Multiply, range(-0.5, 2.0)), range(-2.0, 8.0));
        assert_eq!(range(1.0, 4.0).operate(BinaryOperator::Divide, range(2.0, 4.0)), range(0.25, 2.0));
        assert!(range(1.0, 4.0).operate(BinaryOperator::Divide, range(-1.0, 4.0)).may_be_infinite());
        assert!(!range(1.0, 4.0).operate(BinaryOperator::Divide, range(-1.0, 4.0)).may_be_nan());
        assert!(FloatRange::ALL.compared(Comparison::Greater, range(0.0, 0.0)).unwrap().low() > 0.0);
        assert!(!FloatRange::ALL.compared(Comparison::LessOrEqual, range(0.0, 5.0)).unwrap().may_be_nan());
        assert!(FloatRange::ALL.not_compared(Comparison::LessOrEqual, range(0.0, 5.0)).unwrap().may_be_nan());
        assert!(!FloatRange::FINITE.to_int().holds);
        assert_eq!(range(-2.9, 7.5).to_int(), Checked::sure(IntRange::between(-2, 7)));
    }
}
