//! Functions of one value.

use super::weights;
use crate::{math, wide};

/// Applied to each value by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unary {
    Relu,
    LeakyRelu(f32),
    ThresholdedRelu(f32),
    Elu(f32),
    Celu(f32),
    Selu {
        alpha: f32,
        gamma: f32,
    },
    Sigmoid,
    Tanh,
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    HardSwish,
    Swish(f32),
    Mish,
    Softplus,
    Softsign,
    Gelu,
    GeluTanh,
    Erf,
    Clip {
        low: f32,
        high: f32,
    },
    Abs,
    Neg,
    Square,
    Sqrt,
    Reciprocal,
    Exp,
    Log,
    Floor,
    Ceil,
    Round,
    Sign,
    /// To an integer: towards zero, within bounds; NaN becomes 0.
    Integer {
        low: f32,
        high: f32,
    },
    /// An integer to one of fewer bits: the upper bits go.
    Wrap {
        low: f32,
        span: f32,
    },
    /// To 0 or 1.
    Bool,
    Not,
    /// ONNX `QuantizeLinear` with one scale.
    Quantize {
        scale: f32,
        zero: f32,
        low: f32,
        high: f32,
    },
    /// ONNX `DequantizeLinear` with one scale.
    Dequantize {
        scale: f32,
        zero: f32,
    },
}

impl Unary {
    /// In place.
    #[inline]
    pub(crate) fn apply(self, values: &mut [f32]) {
        wide::run(Apply { unary: self, values });
    }

    /// The choice is made once, outside of the loop, so that the loops are straight.
    #[inline(always)]
    fn apply_inlined(self, values: &mut [f32]) {
        #[inline(always)]
        fn each(values: &mut [f32], function: impl Fn(f32) -> f32) {
            for value in values {
                *value = function(*value);
            }
        }
        match self {
            // Not `max`: that would turn NaN into 0 and hide it.
            Self::Relu => each(values, |x| if x <= 0.0 { 0.0 } else { x }),
            Self::LeakyRelu(alpha) => each(values, |x| if x < 0.0 { alpha * x } else { x }),
            Self::ThresholdedRelu(alpha) => each(values, |x| if x <= alpha { 0.0 } else { x }),
            Self::Elu(alpha) => each(values, |x| if x < 0.0 { alpha * libm::expm1f(x) } else { x }),
            Self::Celu(alpha) => each(values, |x| if x < 0.0 { alpha * libm::expm1f(x / alpha) } else { x }),
            Self::Selu { alpha, gamma } => {
                each(values, |x| gamma * if x <= 0.0 { alpha * libm::expm1f(x) } else { x });
            }
            Self::Sigmoid => each(values, math::sigmoid),
            Self::Tanh => each(values, math::tanh),
            Self::HardSigmoid { alpha, beta } => each(values, |x| clip(alpha * x + beta, 0.0, 1.0)),
            Self::HardSwish => each(values, |x| x * clip(x / 6.0 + 0.5, 0.0, 1.0)),
            Self::Swish(alpha) => each(values, |x| x * math::sigmoid(alpha * x)),
            Self::Mish => each(values, |x| x * math::tanh(softplus(x))),
            Self::Softplus => each(values, softplus),
            Self::Softsign => each(values, |x| x / (1.0 + x.abs())),
            Self::Gelu => {
                each(values, |x| 0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2)));
            }
            Self::GeluTanh => each(values, |x| {
                // √(2/π), as the standard has it.
                let inner = 0.797_884_6 * (x + 0.044_715 * (x * x * x));
                0.5 * x * (1.0 + math::tanh(inner))
            }),
            Self::Erf => each(values, libm::erff),
            Self::Clip { low, high } => each(values, |x| clip(x, low, high)),
            Self::Abs => each(values, f32::abs),
            Self::Neg => each(values, |x| -x),
            Self::Square => each(values, |x| x * x),
            Self::Sqrt => each(values, f32::sqrt),
            Self::Reciprocal => each(values, |x| 1.0 / x),
            Self::Exp => each(values, math::exp),
            Self::Log => each(values, libm::logf),
            Self::Floor => each(values, libm::floorf),
            Self::Ceil => each(values, libm::ceilf),
            Self::Round => each(values, libm::rintf),
            Self::Sign => each(values, |x| {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    x
                }
            }),
            Self::Integer { low, high } => {
                each(values, |x| if x.is_nan() { 0.0 } else { clip(libm::truncf(x), low, high) });
            }
            Self::Wrap { low, span } => each(values, |x| {
                let shifted = x - low;
                shifted - libm::floorf(shifted / span) * span + low
            }),
            Self::Bool => each(values, |x| if x == 0.0 { 0.0 } else { 1.0 }),
            Self::Not => each(values, |x| if x == 0.0 { 1.0 } else { 0.0 }),
            Self::Quantize { scale, zero, low, high } => {
                each(values, |x| quantize(x, scale, zero, low, high));
            }
            Self::Dequantize { scale, zero } => each(values, |x| (x - zero) * scale),
        }
    }

    /// Of one value.
    #[cfg(test)]
    pub(crate) fn of(self, value: f32) -> f32 {
        let mut values = [value];
        self.apply(&mut values);
        values[0]
    }

    /// What one value costs.
    pub(crate) const fn operations(self) -> u64 {
        match self {
            Self::Relu
            | Self::LeakyRelu(_)
            | Self::ThresholdedRelu(_)
            | Self::HardSigmoid { .. }
            | Self::Clip { .. }
            | Self::Abs
            | Self::Neg
            | Self::Square
            | Self::Sign
            | Self::Bool
            | Self::Not
            | Self::Dequantize { .. } => weights::SIMPLE,
            Self::HardSwish | Self::Softsign | Self::Sqrt | Self::Reciprocal => weights::DIVISION,
            Self::Floor | Self::Ceil | Self::Round | Self::Integer { .. } => weights::ROUNDING,
            Self::Wrap { .. } | Self::Quantize { .. } => weights::ROUNDING + weights::DIVISION,
            Self::Sigmoid | Self::Swish(_) | Self::Exp | Self::Tanh | Self::GeluTanh => weights::EXPONENTIAL,
            Self::Elu(_) | Self::Celu(_) | Self::Selu { .. } | Self::Gelu | Self::Erf | Self::Log => {
                weights::LIBM
            }
            Self::Mish | Self::Softplus => 3 * weights::LIBM,
        }
    }
}

struct Apply<'a> {
    unary: Unary,
    values: &'a mut [f32],
}

impl wide::Work for Apply<'_> {
    #[inline(always)]
    fn run(self) {
        self.unary.apply_inlined(self.values);
    }
}

/// Saturate(round-half-even(x / scale) + zero): ONNX `QuantizeLinear`.
#[inline(always)]
pub(crate) fn quantize(x: f32, scale: f32, zero: f32, low: f32, high: f32) -> f32 {
    // Behind the bounds of every integer type here nothing can change any more, and NaN has to become something.
    let quotient = clip(x / scale, -65_536.0, 65_536.0);
    let quotient = if quotient.is_nan() { 0.0 } else { quotient };
    clip(libm::rintf(quotient) + zero, low, high)
}

/// Where the bounds are crossed the upper one wins, says the standard; NaN stays.
#[inline(always)]
pub(crate) fn clip(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// ln(1 + eˣ), without overflow.
#[inline(always)]
fn softplus(x: f32) -> f32 {
    let tail = libm::log1pf(math::exp(-x.abs()));
    if x > 0.0 { x + tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_the_edges() {
        let infinity = f32::INFINITY;
        let check = |unary: Unary, expected: [f32; 4]| {
            let got = [-infinity, -0.0, 0.0, infinity].map(|value| unary.of(value));
            assert_eq!(got, expected, "{unary:?}");
            assert!(unary.of(f32::NAN).is_nan(), "{unary:?}");
        };
        check(Unary::Relu, [0.0, 0.0, 0.0, infinity]);
        check(Unary::Tanh, [-1.0, 0.0, 0.0, 1.0]);
        check(Unary::Sigmoid, [0.0, 0.5, 0.5, 1.0]);
        check(Unary::Elu(2.0), [-2.0, 0.0, 0.0, infinity]);
        check(Unary::Clip { low: -1.0, high: 3.0 }, [-1.0, 0.0, 0.0, 3.0]);
        check(Unary::Clip { low: 3.0, high: 1.0 }, [1.0; 4]);
        check(Unary::HardSigmoid { alpha: 0.2, beta: 0.5 }, [0.0, 0.5, 0.5, 1.0]);
        assert_eq!(Unary::Integer { low: -128.0, high: 127.0 }.of(f32::NAN), 0.0);
        assert_eq!(
            [300.0, -129.0, 127.0].map(|x| Unary::Wrap { low: -128.0, span: 256.0 }.of(x)),
            [44.0, 127.0, 127.0]
        );
        let quantize = Unary::Quantize { scale: 2.0, zero: 128.0, low: 0.0, high: 255.0 };
        assert_eq!(
            [1.0, 3.0, 1e9, -1e9, f32::NAN].map(|x| quantize.of(x)),
            [128.0, 130.0, 255.0, 0.0, 128.0]
        );
    }

    proptest! {
        /// A slice gives what single values give: no lane computes differently.
        #[test]
        fn vectors_and_single_values_have_the_same_bits(values in prop::collection::vec(any::<f32>(), 0..40)) {
            for unary in [Unary::Tanh, Unary::Sigmoid, Unary::Exp, Unary::Softplus, Unary::Gelu, Unary::Relu] {
                let mut together = values.clone();
                unary.apply(&mut together);
                for (value, got) in values.iter().zip(&together) {
                    prop_assert_eq!(crate::canonical(*got).to_bits(), crate::canonical(unary.of(*value)).to_bits());
                }
            }
        }

        #[test]
        fn close_to_f64(value in -30.0_f32..30.0) {
            let x = f64::from(value);
            let near = |unary: Unary, expected: f64| {
                let got = f64::from(unary.of(value));
                prop_assert!((got - expected).abs() <= 1e-6 * expected.abs() + 2e-7, "{unary:?}: {got} for {expected}");
                Ok(())
            };
            near(Unary::Softplus, libm::log1p(libm::exp(x)))?;
            near(Unary::Mish, x * libm::tanh(libm::log1p(libm::exp(x))))?;
            near(Unary::Swish(1.0), x / (1.0 + libm::exp(-x)))?;
            near(Unary::Elu(1.5), if x < 0.0 { 1.5 * libm::expm1(x) } else { x })?;
            near(Unary::Softsign, x / (1.0 + x.abs()))?;
        }
    }
}
