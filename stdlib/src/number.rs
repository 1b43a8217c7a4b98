//! Small arithmetic that must not depend on the machine or panic.

/// `x` within `low..=high`; NaN stays NaN. Unlike `f64::clamp` it has no opinion about the limits, and cannot panic.
pub(crate) fn limit(x: f64, low: f64, high: f64) -> f64 {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

/// The smaller one; NaN if one is NaN; −0 is below +0. Written out, because `f64::min` may return either zero.
pub(crate) fn minimum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a < b || (a == b && a.is_sign_negative()) {
        a
    } else {
        b
    }
}

/// `a` at `t` = 0, `b` at `t` = 1. In this form both ends come out exactly.
pub(crate) fn lerp(a: f64, b: f64, t: f64) -> f64 {
    a * (1.0 - t) + b * t
}

/// True if all are finite: what a block asks before it lets new numbers into its state.
pub(crate) fn all_finite(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| number.is_finite())
}

/// A sum of two `f64` that do not overlap: about 106 bits. After Dekker (1971).
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Double {
    high: f64,
    low: f64,
}

impl Double {
    /// `a + b` without error.
    pub(crate) fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        Self { high, low: (a - (high - part)) + (b - part) }
    }

    /// `a × b` without error, for factors below 1e290 and a product between 1e-280 and 1e300.
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        let ((a1, a2), (b1, b2)) = (split(a), split(b));
        Self { high, low: ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2 }
    }

    /// Nearest `f64`.
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }
}

impl std::ops::Add for Double {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (high, low) = (Self::sum(self.high, other.high), Self::sum(self.low, other.low));
        let carried = Self::sum(high.high, high.low + low.high);
        Self::sum(carried.high, carried.low + low.low)
    }
}

impl std::ops::Neg for Double {
    type Output = Self;

    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl std::ops::Mul for Double {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        Self::sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }
}

impl From<f64> for Double {
    fn from(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }
}

/// Two halves of at most 26 bits each.
fn split(a: f64) -> (f64, f64) {
    const FACTOR: f64 = 134_217_729.0; // 2²⁷ + 1
    let scaled = FACTOR * a;
    let high = scaled - (scaled - a);
    (high, a - high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_that_cross_or_are_no_numbers_do_no_harm() {
        assert_eq!(limit(5.0, 0.0, 3.0), 3.0);
        assert_eq!(limit(-5.0, 0.0, 3.0), 0.0);
        assert_eq!(limit(5.0, f64::NAN, f64::NAN), 5.0);
        assert_eq!(limit(5.0, 7.0, 3.0), 7.0);
        assert!(limit(f64::NAN, 0.0, 1.0).is_nan());
    }

    #[test]
    fn zeros_are_ordered() {
        assert!(minimum(0.0, -0.0).is_sign_negative() && minimum(-0.0, 0.0).is_sign_negative());
        assert!(minimum(1.0, f64::NAN).is_nan() && minimum(f64::NAN, 1.0).is_nan());
    }

    proptest! {
        /// Against integers wide enough to be exact.
        #[test]
        fn double_arithmetic_is_exact_on_integers(a in -(1_i64 << 52)..1 << 52, b in -(1_i64 << 52)..1 << 52, c in -(1_i64 << 40)..1 << 40) {
            let product = Double::product(a as f64, b as f64);
            prop_assert_eq!(exact(product), i128::from(a) * i128::from(b));
            let sum = product + Double::from(c as f64);
            prop_assert_eq!(exact(sum), i128::from(a) * i128::from(b) + i128::from(c));
            prop_assert_eq!(exact(sum + -product), i128::from(c));
            let narrow = Double::from((c >> 20) as f64);
            prop_assert_eq!(exact(narrow * Double::product(c as f64, 3.0)), i128::from(c >> 20) * i128::from(c) * 3);
        }
    }

    fn exact(double: Double) -> i128 {
        double.high as i128 + double.low as i128
    }
}
