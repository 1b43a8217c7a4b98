//! The fully connected layer: ONNX `Gemm` with `transB = 1`, which is how frameworks export one.

use crate::{Activation, Error, canonical, check_constants, check_len, reduce::dot};

/// `y = activation(W·x + b)`, weights row by row: one row of `inputs` weights for each output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense<'a> {
    inputs: usize,
    weights: &'a [f32],
    bias: &'a [f32],
    activation: Activation,
}

impl<'a> Dense<'a> {
    /// Weights are outputs × inputs, row-major; as many outputs as there are biases.
    ///
    /// # Errors
    /// A shape that does not fit, or a weight or bias that is not finite.
    pub fn new(
        inputs: usize,
        weights: &'a [f32],
        bias: &'a [f32],
        activation: Activation,
    ) -> Result<Self, Error> {
        let outputs = bias.len();
        let size = inputs.checked_mul(outputs).filter(|size| *size > 0);
        check_len("weights", weights.len(), size.ok_or(Error::Shape { inputs, outputs })?)?;
        check_constants("weights", weights, "a finite number", f32::is_finite)?;
        check_constants("bias", bias, "a finite number", f32::is_finite)?;
        Ok(Self { inputs, weights, bias, activation })
    }

    /// Values in.
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values out.
    pub const fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Multiplications with addition in one run: what the admission of a model counts.
    pub const fn operations(&self) -> usize {
        self.weights.len()
    }

    /// One run. The bias is added to the finished sum.
    ///
    /// # Errors
    /// A slice of another length; nothing is written then.
    pub fn run(&self, input: &[f32], output: &mut [f32]) -> Result<(), Error> {
        check_len("input", input.len(), self.inputs)?;
        check_len("output", output.len(), self.outputs())?;
        let rows = self.weights.chunks_exact(self.inputs);
        for ((output, row), bias) in output.iter_mut().zip(rows).zip(self.bias) {
            *output = canonical(self.activation.of(dot(row, input) + bias));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reduce::tests::dot_by_definition;
    use proptest::prelude::*;

    #[derive(Debug)]
    struct Case {
        inputs: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
        input: Vec<f32>,
    }

    fn case() -> impl Strategy<Value = Case> {
        (1_usize..40, 1_usize..20).prop_flat_map(|(inputs, outputs)| {
            let values = |count| prop::collection::vec(-10.0_f32..10.0, count);
            (values(inputs * outputs), values(outputs), values(inputs))
                .prop_map(move |(weights, bias, input)| Case { inputs, weights, bias, input })
        })
    }

    proptest! {
        #[test]
        fn bits_are_those_of_the_definition(case in case()) {
            let layer = Dense::new(case.inputs, &case.weights, &case.bias, Activation::Identity).expect("it fits");
            let mut output = vec![f32::NAN; layer.outputs()];
            layer.run(&case.input, &mut output).expect("it fits");
            for (index, value) in output.iter().enumerate() {
                let row = &case.weights[index * case.inputs..][..case.inputs];
                let expected = dot_by_definition(row, &case.input) + case.bias[index];
                prop_assert_eq!(value.to_bits(), expected.to_bits());
            }
        }

        #[test]
        fn values_are_those_of_a_naive_f64_layer(case in case()) {
            for activation in [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid] {
                let layer = Dense::new(case.inputs, &case.weights, &case.bias, activation).expect("it fits");
                let mut output = vec![f32::NAN; layer.outputs()];
                layer.run(&case.input, &mut output).expect("it fits");
                for (index, value) in output.iter().enumerate() {
                    let row = &case.weights[index * case.inputs..][..case.inputs];
                    let products = || row.iter().zip(&case.input).map(|(w, x)| f64::from(*w) * f64::from(*x));
                    let bias = f64::from(case.bias[index]);
                    let sum = products().sum::<f64>() + bias;
                    let magnitude = products().map(f64::abs).sum::<f64>() + bias.abs();
                    let expected = match activation {
                        Activation::Identity => sum,
                        Activation::Relu => sum.max(0.0),
                        Activation::Tanh => libm::tanh(sum),
                        Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-sum)),
                    };
                    // No activation is steeper than 1: the sum's error bound holds behind it, plus the function's own.
                    let bound = (case.inputs + 2) as f64 * f64::from(f32::EPSILON) / 2.0 * magnitude + 1e-6;
                    prop_assert!((f64::from(*value) - expected).abs() <= bound, "{value} for {expected}");
                }
            }
        }
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        let identity = Activation::Identity;
        let wrong = Error::Length { what: "weights", expected: 6, actual: 5 };
        assert_eq!(Dense::new(3, &[1.0; 5], &[0.0; 2], identity), Err(wrong));
        assert_eq!(wrong.to_string(), "weights: 5 values, expected 6");
        assert_eq!(Dense::new(0, &[], &[0.0], identity), Err(Error::Shape { inputs: 0, outputs: 1 }));
        assert_eq!(Dense::new(2, &[], &[], identity), Err(Error::Shape { inputs: 2, outputs: 0 }));
        assert_eq!(
            Dense::new(usize::MAX, &[], &[0.0; 2], identity),
            Err(Error::Shape { inputs: usize::MAX, outputs: 2 })
        );
        let error = Dense::new(2, &[1.0, f32::INFINITY], &[0.0], identity).expect_err("not finite");
        assert_eq!(error.to_string(), "weights[1] is inf, expected a finite number");
    }

    #[test]
    fn a_slice_that_does_not_fit_leaves_the_output() {
        let layer = Dense::new(2, &[1.0, 2.0], &[3.0], Activation::Identity).expect("it fits");
        let mut output = [9.0];
        assert_eq!(
            layer.run(&[1.0], &mut output),
            Err(Error::Length { what: "input", expected: 2, actual: 1 })
        );
        assert_eq!(
            layer.run(&[1.0, 1.0], &mut []),
            Err(Error::Length { what: "output", expected: 1, actual: 0 })
        );
        assert_eq!(output, [9.0]);
        assert_eq!(layer.run(&[1.0, 1.0], &mut output), Ok(()));
        assert_eq!((output, layer.inputs(), layer.outputs(), layer.operations()), ([6.0], 2, 1, 2));
    }

    #[test]
    fn nan_has_one_pattern() {
        let layer = Dense::new(1, &[1.0], &[0.0], Activation::Identity).expect("it fits");
        for bits in [0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0x7FFF_FFFF] {
            let mut output = [0.0];
            layer.run(&[f32::from_bits(bits)], &mut output).expect("it fits");
            assert_eq!(output[0].to_bits(), 0x7FC0_0000);
        }
    }
}
