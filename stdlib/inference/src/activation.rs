//! Activation functions.

use crate::canonical;

/// Applied to each value by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The value itself.
    Identity,
    /// ONNX `Relu`: 0 below 0; NaN stays NaN.
    Relu,
    /// ONNX `Tanh`.
    Tanh,
    /// ONNX `Sigmoid`: 1 / (1 + e⁻ˣ).
    Sigmoid,
}

impl Activation {
    /// Of one value.
    pub fn of(self, value: f32) -> f32 {
        let result = match self {
            Self::Identity => value,
            // Not `max`: that would turn NaN into 0 and hide it.
            Self::Relu if value <= 0.0 => 0.0,
            Self::Relu => value,
            Self::Tanh => libm::tanhf(value),
            // Below -88 the exponential is infinite and the quotient 0, which is the limit.
            Self::Sigmoid => 1.0 / (1.0 + libm::expf(-value)),
        };
        canonical(result)
    }

    /// Of each value, in place.
    pub fn apply(self, values: &mut [f32]) {
        for value in values {
            *value = self.of(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_the_edges() {
        let inputs = [f32::NEG_INFINITY, -0.0, 0.0, f32::INFINITY];
        for (activation, expected) in [
            (Activation::Identity, inputs),
            (Activation::Relu, [0.0, 0.0, 0.0, f32::INFINITY]),
            (Activation::Tanh, [-1.0, -0.0, 0.0, 1.0]),
            (Activation::Sigmoid, [0.0, 0.5, 0.5, 1.0]),
        ] {
            let mut values = inputs;
            activation.apply(&mut values);
            assert_eq!(values.map(f32::to_bits), expected.map(f32::to_bits), "{activation:?}");
            assert_eq!(activation.of(-f32::NAN).to_bits(), f32::NAN.to_bits(), "{activation:?}");
        }
    }

    proptest! {
        #[test]
        fn close_to_f64(value in -100.0_f32..100.0) {
            let wide = f64::from(value);
            let near = |got: f32, expected: f64| (f64::from(got) - expected).abs() <= 4e-7 * expected.abs() + 1e-37;
            prop_assert!(near(Activation::Tanh.of(value), libm::tanh(wide)));
            prop_assert!(near(Activation::Sigmoid.of(value), 1.0 / (1.0 + libm::exp(-wide))));
            prop_assert_eq!(Activation::Relu.of(value), if value > 0.0 { value } else { 0.0 });
        }
    }
}
