//! Sets of `i64` between two bounds, and what operators make of them.
//!
//! An operation that overflows does not come out: its result holds only what the operands give without a fault, and
//! [`Checked`] says whether all of them do.

use super::float::Comparison;
use crate::hir::BinaryOperator;

/// All numbers from `low` to `high`; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntRange {
    low: i64,
    high: i64,
}

/// What an operation that can fault gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checked<T> {
    /// Where it does not fault; none: it always does.
    pub value: Option<T>,
    /// It never faults.
    pub holds: bool,
}

impl<T> Checked<T> {
    /// It never faults.
    pub fn sure(value: T) -> Self {
        Self { value: Some(value), holds: true }
    }

    /// It always faults.
    pub fn never() -> Self {
        Self { value: None, holds: false }
    }
}

impl IntRange {
    /// Every number.
    pub const ALL: Self = Self { low: i64::MIN, high: i64::MAX };

    /// From `low` to `high`; none if that is empty.
    pub const fn new(low: i64, high: i64) -> Option<Self> {
        if low <= high { Some(Self { low, high }) } else { None }
    }

    /// One number.
    pub const fn of(value: i64) -> Self {
        Self { low: value, high: value }
    }

    /// Between two numbers, in whichever order.
    pub fn between(a: i64, b: i64) -> Self {
        Self { low: a.min(b), high: a.max(b) }
    }

    /// Smallest.
    pub const fn low(self) -> i64 {
        self.low
    }

    /// Largest.
    pub const fn high(self) -> i64 {
        self.high
    }

    /// The number, if it is only one.
    pub fn single(self) -> Option<i64> {
        (self.low == self.high).then_some(self.low)
    }

    /// True if `value` is in it.
    pub fn contains(self, value: i64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// True if all of `other` is in it.
    pub fn includes(self, other: Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// In one or the other, and what is between.
    pub fn join(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// In both.
    pub fn meet(self, other: Self) -> Option<Self> {
        Self::new(self.low.max(other.low), self.high.min(other.high))
    }

    /// Without one number: smaller only if it is an end.
    pub fn without(self, value: i64) -> Option<Self> {
        match (self.low == value, self.high == value) {
            (true, true) => None,
            (true, false) => Some(Self { low: self.low + 1, ..self }),
            (false, true) => Some(Self { high: self.high - 1, ..self }),
            (false, false) => Some(self),
        }
    }

    /// A range that `next` grows into in few steps: an end that moves goes to the next of `thresholds` (ascending), or all
    /// the way.
    pub fn widen(self, next: Self, thresholds: &[i64]) -> Self {
        let low = if next.low < self.low {
            let below = thresholds.partition_point(|threshold| *threshold <= next.low);
            below.checked_sub(1).and_then(|at| thresholds.get(at)).copied().unwrap_or(i64::MIN)
        } else {
            self.low
        };
        let high = if next.high > self.high {
            let above = thresholds.partition_point(|threshold| *threshold < next.high);
            thresholds.get(above).copied().unwrap_or(i64::MAX)
        } else {
            self.high
        };
        Self { low, high }
    }

    fn wide(low: i128, high: i128) -> Checked<Self> {
        let clamp = |value: i128| value.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        let fits = |value: i128| i64::try_from(value).is_ok();
        if low > i64::MAX.into() || high < i64::MIN.into() {
            return Checked::never();
        }
        Checked { value: Self::new(clamp(low), clamp(high)), holds: fits(low) && fits(high) }
    }

    fn corners(self, other: Self, of: impl Fn(i128, i128) -> i128) -> (i128, i128) {
        let all =
            [(self.low, other.low), (self.low, other.high), (self.high, other.low), (self.high, other.high)]
                .map(|(a, b)| of(a.into(), b.into()));
        (all.into_iter().fold(i128::MAX, i128::min), all.into_iter().fold(i128::MIN, i128::max))
    }

    /// `-x`.
    pub fn negate(self) -> Checked<Self> {
        Self::wide(-i128::from(self.high), -i128::from(self.low))
    }

    /// `abs(x)`.
    pub fn abs(self) -> Checked<Self> {
        if self.low >= 0 {
            return Checked::sure(self);
        }
        let negated = self.negate();
        if self.high <= 0 {
            return negated;
        }
        let most = negated.value.map_or(self.high, |negated| negated.high.max(self.high));
        Checked { value: Self::new(0, most), holds: negated.holds }
    }

    /// `sign(x)`.
    pub fn sign(self) -> Self {
        Self { low: self.low.signum(), high: self.high.signum() }
    }

    /// The smaller of two.
    pub fn min(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.min(other.high) }
    }

    /// The larger of two.
    pub fn max(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.max(other.high) }
    }

    /// What it can be if it compares so with some number of `other`. `None`: it never does.
    pub fn compared(self, comparison: Comparison, other: Self) -> Option<Self> {
        match comparison {
            Comparison::Equal => self.meet(other),
            Comparison::NotEqual => match other.single() {
                Some(value) => self.without(value),
                None => Some(self),
            },
            Comparison::Less => self.meet(Self::new(i64::MIN, other.high.checked_sub(1)?)?),
            Comparison::LessOrEqual => self.meet(Self { low: i64::MIN, high: other.high }),
            Comparison::Greater => self.meet(Self::new(other.low.checked_add(1)?, i64::MAX)?),
            Comparison::GreaterOrEqual => self.meet(Self { low: other.low, high: i64::MAX }),
        }
    }

    /// What `x` can be, if `x` times `factor` is in it. `None`: there is no such `x`.
    pub fn divided_by(self, factor: i64) -> Option<Self> {
        if factor == 0 {
            return self.contains(0).then_some(Self::ALL);
        }
        let (low, high, factor) = match factor < 0 {
            false => (i128::from(self.low), i128::from(self.high), i128::from(factor)),
            true => (-i128::from(self.high), -i128::from(self.low), -i128::from(factor)),
        };
        let ceil = -((-low).div_euclid(factor));
        Self::wide(ceil, high.div_euclid(factor)).value
    }

    /// An operator that gives an `i64`, on two; comparisons give everything.
    pub fn operate(self, operator: BinaryOperator, other: Self) -> Checked<Self> {
        use BinaryOperator as Op;
        match operator {
            Op::Add => Self::wide(
                i128::from(self.low) + i128::from(other.low),
                i128::from(self.high) + i128::from(other.high),
            ),
            Op::Subtract => Self::wide(
                i128::from(self.low) - i128::from(other.high),
                i128::from(self.high) - i128::from(other.low),
            ),
            Op::Multiply => {
                let (low, high) = self.corners(other, |a, b| a * b);
                Self::wide(low, high)
            }
            Op::Divide => self.divide(other),
            Op::Remainder => self.remainder(other),
            Op::Power => self.power(other),
            Op::ShiftLeft => Checked::sure(self.shift(other)),
            Op::ShiftRight => {
                let end = |by: i64| by.saturating_neg();
                Checked::sure(self.shift(Self { low: end(other.high), high: end(other.low) }))
            }
            Op::And => Checked::sure(self.and(other)),
            Op::Or => Checked::sure(self.complement().and(other.complement()).complement()),
            Op::Xor => Checked::sure(self.xor(other)),
            _ => Checked { value: Some(Self::ALL), holds: false },
        }
    }

    /// The parts of a divisor below and above zero.
    fn halves(self) -> [Option<Self>; 2] {
        [Self::new(self.low, self.high.min(-1)), Self::new(self.low.max(1), self.high)]
    }

    fn divide(self, divisor: Self) -> Checked<Self> {
        // Towards zero, the quotient is monotone in both operands where their signs do not change.
        let quotients = divisor.halves().into_iter().flatten().map(|half| {
            let (low, high) = self.corners(half, |a, b| a / b);
            if self.contains(0) { (low.min(0), high.max(0)) } else { (low, high) }
        });
        let Some((low, high)) = quotients.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
            return Checked::never();
        };
        let checked = Self::wide(low, high);
        Checked { holds: checked.holds && !divisor.contains(0), ..checked }
    }

    fn remainder(self, divisor: Self) -> Checked<Self> {
        if let (Some(a), Some(b)) = (self.single(), divisor.single()) {
            return a.checked_rem(b).map_or(Checked::never(), |rest| Checked::sure(Self::of(rest)));
        }
        let overflows = self.contains(i64::MIN) && divisor.contains(-1);
        let halves = divisor.halves();
        let most = halves
            .into_iter()
            .flatten()
            .map(|half| half.low.unsigned_abs().max(half.high.unsigned_abs()))
            .max();
        let Some(most) = most else { return Checked::never() };
        let holds = !divisor.contains(0) && !overflows;
        let least = halves
            .into_iter()
            .flatten()
            .map(|half| half.low.unsigned_abs().min(half.high.unsigned_abs()))
            .min();
        // Smaller than every divisor: it stays as it is.
        if let Some(least) = least
            && self.low.unsigned_abs().max(self.high.unsigned_abs()) < least
        {
            return Checked { value: Some(self), holds };
        }
        // Of the dividend's sign, and not more than it.
        let bound = i64::try_from(most - 1).unwrap_or(i64::MAX);
        let low = if self.low < 0 { self.low.max(-bound) } else { 0 };
        let high = if self.high > 0 { self.high.min(bound) } else { 0 };
        Checked { value: Self::new(low, high), holds }
    }

    fn power(self, exponent: Self) -> Checked<Self> {
        let Some(positive) = exponent.meet(Self { low: 0, high: i64::MAX }) else { return Checked::never() };
        let all_positive = positive == exponent;
        // In the operators, an exponent beyond 32 bits does not fit, whatever the base.
        let Some(fitting) = positive.meet(Self { low: 0, high: u32::MAX.into() }) else {
            return Checked::never();
        };
        let all_fit = fitting == positive;
        // For a base of one sign and exponents of one parity it is monotone; these are the ends of all such pieces.
        let exponents = [
            fitting.low,
            (fitting.low + 1).min(fitting.high),
            (fitting.high - 1).max(fitting.low),
            fitting.high,
        ];
        let bases = [self.low, self.high, 0, 1, -1].into_iter().filter(|base| self.contains(*base));
        let (mut low, mut high) = (i128::MAX, i128::MIN);
        for base in bases {
            for exponent in exponents {
                let result = power(base, exponent);
                (low, high) = (low.min(result), high.max(result));
            }
        }
        let checked = Self::wide(low, high);
        Checked { holds: checked.holds && all_positive && all_fit, ..checked }
    }

    fn complement(self) -> Self {
        Self { low: !self.high, high: !self.low }
    }

    fn and(self, other: Self) -> Self {
        if let (Some(a), Some(b)) = (self.single(), other.single()) {
            return Self::of(a & b);
        }
        match (self.low >= 0, other.low >= 0) {
            (true, true) => Self { low: 0, high: self.high.min(other.high) },
            (true, false) => Self { low: 0, high: self.high },
            (false, true) => Self { low: 0, high: other.high },
            (false, false) => {
                let low = power_below(self.low.min(other.low));
                let high = match self.high < 0 && other.high < 0 {
                    true => self.high.min(other.high),
                    false => self.high.max(other.high),
                };
                Self { low, high }
            }
        }
    }

    fn xor(self, other: Self) -> Self {
        if let (Some(a), Some(b)) = (self.single(), other.single()) {
            return Self::of(a ^ b);
        }
        if self.low >= 0 && other.low >= 0 {
            return Self { low: 0, high: mask(self.high | other.high) };
        }
        let all = [self.low, self.high, other.low, other.high].map(|end| if end < 0 { !end } else { end });
        let mask = mask(all.into_iter().fold(0, |all, end| all | end));
        let signs = |range: Self| (range.low < 0, range.high >= 0);
        let ((negative, positive), (also_negative, also_positive)) = (signs(self), signs(other));
        let differ = (negative && also_positive) || (positive && also_negative);
        let agree = (negative && also_negative) || (positive && also_positive);
        Self { low: if differ { !mask } else { 0 }, high: if agree { mask } else { -1 } }
    }

    /// To the left by a positive number of bits, to the right by a negative one.
    fn shift(self, by: Self) -> Self {
        // Beyond 64 bits nothing changes any more.
        let end = |by: i64| by.clamp(-64, 64);
        let all = (end(by.low)..=end(by.high)).map(|by| match by {
            64 => Self::of(0),
            0..64 if self.low == self.high => Self::of(self.low << by),
            0..64 if (self.low << by) >> by == self.low && (self.high << by) >> by == self.high => {
                Self { low: self.low << by, high: self.high << by }
            }
            // Bits are lost at the top.
            0..64 => Self::ALL,
            by => Self { low: self.low >> (-by).min(63), high: self.high >> (-by).min(63) },
        });
        all.reduce(Self::join).unwrap_or(Self::ALL)
    }
}

/// `base` to the power `exponent`, which is not negative; beyond 64 bits only the sign and that it is beyond.
fn power(base: i64, exponent: i64) -> i128 {
    const BEYOND: u128 = 1 << 100;
    let negative = base < 0 && exponent % 2 == 1;
    let size = match base.unsigned_abs() {
        0 if exponent == 0 => 1,
        size @ (0 | 1) => size.into(),
        size => {
            let exponent = u32::try_from(exponent).ok();
            exponent
                .and_then(|exponent| u128::from(size).checked_pow(exponent))
                .map_or(BEYOND, |size| size.min(BEYOND))
        }
    };
    if negative { -(size as i128) } else { size as i128 }
}

/// The next power of two away from zero, of a negative number.
fn power_below(value: i64) -> i64 {
    value.unsigned_abs().checked_next_power_of_two().map_or(i64::MIN, |power| (power as i64).wrapping_neg())
}

/// All bits up to the highest one of a number that is not negative.
fn mask(value: i64) -> i64 {
    match value.leading_zeros() {
        64 => 0,
        zeros => (u64::MAX >> zeros) as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};
    use crate::{arithmetic, hir::UnaryOperator};
    use proptest::prelude::*;
    use sensai_model::Value;

    /// What is computed is in the range, and only what may fault does.
    fn check(checked: Checked<IntRange>, computed: Option<i64>, what: &str) -> Result<(), TestCaseError> {
        match computed {
            Some(value) => {
                prop_assert!(
                    checked.value.is_some_and(|range| range.contains(value)),
                    "{what} = {value}, not in {checked:?}"
                );
            }
            None => prop_assert!(!checked.holds, "{what} faults"),
        }
        Ok(())
    }

    fn compute(operator: BinaryOperator, a: i64, b: i64) -> Option<i64> {
        match arithmetic::binary(operator, Value::I64(a), Value::I64(b)) {
            Some(Ok(Value::I64(value))) => Some(value),
            _ => None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn operators_stay_in_their_ranges((a, x) in int_in_range(), (b, y) in int_in_range()) {
            for operator in BinaryOperator::ALL.into_iter().filter(|operator| !operator.compares()) {
                let what = format!("{x} {} {y} of {a:?} and {b:?}", operator.symbol());
                check(a.operate(operator, b), compute(operator, x, y), &what)?;
                // Of one number each, it is exact.
                let exact = IntRange::of(x).operate(operator, IntRange::of(y));
                check(exact, compute(operator, x, y), &what)?;
                prop_assert_eq!(exact.value.is_none() || exact.value.is_some_and(|range| range.single().is_some()), true, "{}: {:?}", what, exact);
                prop_assert_eq!(exact.holds, compute(operator, x, y).is_some(), "{}", what);
            }
            for operator in BinaryOperator::ALL.into_iter().filter(|operator| operator.compares()) {
                let Some(comparison) = Comparison::of(operator) else { panic!("{operator:?}") };
                let Some(Ok(Value::Bool(holds))) = arithmetic::binary(operator, Value::I64(x), Value::I64(y)) else {
                    panic!("{operator:?} compares");
                };
                let really = if holds { comparison } else { comparison.negated() };
                prop_assert!(a.compared(really, b).is_some_and(|range| range.contains(x)), "{x} {really:?} {y}");
                prop_assert!(b.compared(really.swapped(), a).is_some_and(|range| range.contains(y)), "{x} {really:?} {y}");
            }
            prop_assert!(a.join(b).contains(x) && a.join(b).contains(y));
            prop_assert!(a.min(b).contains(x.min(y)) && a.max(b).contains(x.max(y)));
            prop_assert_eq!(a.meet(b).is_some_and(|both| both.contains(x)), b.contains(x));
            if x != y {
                prop_assert!(a.without(y).is_some_and(|rest| rest.contains(x)));
            }
            if let (Some(product), Some(factor)) = (compute(BinaryOperator::Multiply, x, y), b.single())
                && let Some(products) = a.operate(BinaryOperator::Multiply, b).value
            {
                prop_assert!(products.contains(product));
                prop_assert!(products.divided_by(factor).is_some_and(|range| range.contains(x)), "{x} × {factor}");
            }
        }

        #[test]
        fn functions_of_one_stay_in_their_ranges((a, x) in int_in_range()) {
            check(a.negate(), x.checked_neg(), "negated")?;
            check(a.abs(), x.checked_abs(), "without sign")?;
            prop_assert!(a.sign().contains(x.signum()));
            let negated = arithmetic::unary(UnaryOperator::Negate, Value::I64(x));
            prop_assert_eq!(matches!(negated, Some(Ok(_))), x.checked_neg().is_some());
        }

        #[test]
        fn widening_holds_both((a, x) in int_in_range(), (b, y) in int_in_range(), ends in prop::collection::vec(int(), 0..5)) {
            let mut ends = ends;
            ends.sort_unstable();
            let widened = a.widen(a.join(b), &ends);
            prop_assert!(widened.contains(x) && widened.contains(y), "{widened:?}");
        }
    }

    #[test]
    fn ranges_are_as_small_as_they_can_be() {
        let range = IntRange::between;
        for (a, operator, b, low, high, holds) in [
            (range(0, 7), BinaryOperator::Add, range(1, 1), 1, 8, true),
            (range(-3, 5), BinaryOperator::Multiply, range(-2, 4), -12, 20, true),
            (range(i64::MIN, i64::MAX), BinaryOperator::Remainder, range(8, 8), -7, 7, true),
            (range(0, i64::MAX), BinaryOperator::Remainder, range(8, 8), 0, 7, true),
            (range(3, 5), BinaryOperator::Remainder, range(8, 9), 3, 5, true),
            (range(-10, 10), BinaryOperator::Divide, range(-2, 5), -10, 10, false),
            (range(10, 20), BinaryOperator::Divide, range(2, 5), 2, 10, true),
            (range(i64::MIN, 0), BinaryOperator::Divide, range(-1, -1), 0, i64::MAX, false),
            (range(0, 255), BinaryOperator::And, range(i64::MIN, i64::MAX), 0, 255, true),
            (range(0, 12), BinaryOperator::Or, range(0, 3), 0, 15, true),
            (range(0, 12), BinaryOperator::Xor, range(0, 3), 0, 15, true),
            (range(1, 1), BinaryOperator::ShiftLeft, range(0, 5), 1, 32, true),
            (range(-256, 255), BinaryOperator::ShiftRight, range(4, 4), -16, 15, true),
            (range(-2, 3), BinaryOperator::Power, range(2, 3), -8, 27, true),
        ] {
            let checked = a.operate(operator, b);
            let expected = Checked { value: IntRange::new(low, high), holds };
            assert_eq!(checked, expected, "{a:?} {} {b:?}", operator.symbol());
        }
        assert_eq!(range(1, 1).operate(BinaryOperator::Divide, range(0, 0)), Checked::never());
        assert_eq!(range(5, 11).divided_by(2), Some(range(3, 5)));
        assert_eq!(range(5, 5).divided_by(2), None);
    }
}
