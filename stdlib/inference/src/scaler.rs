//! Standardising inputs: every model is trained on values with mean 0 and standard deviation 1.

use crate::{Error, canonical, check_constants, check_len};

/// `y = (x - mean) / σ`, each input with its own constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaler<'a> {
    mean: &'a [f32],
    sigma: &'a [f32],
}

impl<'a> Scaler<'a> {
    /// One mean and one standard deviation for each input.
    ///
    /// # Errors
    /// Other counts, a mean that is not finite, a deviation that is not finite and positive.
    pub fn new(mean: &'a [f32], sigma: &'a [f32]) -> Result<Self, Error> {
        check_len("sigma", sigma.len(), mean.len())?;
        check_constants("mean", mean, "a finite number", f32::is_finite)?;
        check_constants("sigma", sigma, "a finite number above 0", |sigma| sigma.is_finite() && sigma > 0.0)?;
        Ok(Self { mean, sigma })
    }

    /// In place. A true division: multiplying with the reciprocal gives other bits.
    ///
    /// # Errors
    /// Another count of values; nothing is changed then.
    pub fn run(&self, values: &mut [f32]) -> Result<(), Error> {
        check_len("values", values.len(), self.mean.len())?;
        for ((value, mean), sigma) in values.iter_mut().zip(self.mean).zip(self.sigma) {
            *value = canonical((*value - mean) / sigma);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bad_constants_are_named() {
        let text = |mean: &[f32], sigma: &[f32]| Scaler::new(mean, sigma).expect_err("refused").to_string();
        assert_eq!(text(&[0.0; 3], &[1.0; 2]), "sigma: 2 values, expected 3");
        assert_eq!(text(&[0.0; 2], &[1.0, 0.0]), "sigma[1] is 0, expected a finite number above 0");
        assert_eq!(text(&[0.0], &[-1.0]), "sigma[0] is -1, expected a finite number above 0");
        assert_eq!(text(&[0.0], &[f32::NAN]), "sigma[0] is NaN, expected a finite number above 0");
        assert_eq!(text(&[f32::INFINITY], &[1.0]), "mean[0] is inf, expected a finite number");
    }

    #[test]
    fn another_count_changes_nothing() {
        let scaler = Scaler::new(&[1.0, 2.0], &[2.0, 4.0]).expect("it fits");
        let mut values = [5.0];
        assert_eq!(scaler.run(&mut values), Err(Error::Length { what: "values", expected: 2, actual: 1 }));
        assert_eq!(values, [5.0]);
        let mut values = [5.0, 0.0];
        assert_eq!((scaler.run(&mut values), values), (Ok(()), [2.0, -0.5]));
    }

    proptest! {
        #[test]
        fn close_to_f64(value in -1e6_f32..1e6, mean in -1e6_f32..1e6, sigma in 1e-3_f32..1e3) {
            let mut values = [value];
            let (means, sigmas) = ([mean], [sigma]);
            Scaler::new(&means, &sigmas).and_then(|scaler| scaler.run(&mut values)).expect("it fits");
            let expected = (f64::from(value) - f64::from(mean)) / f64::from(sigma);
            prop_assert!((f64::from(values[0]) - expected).abs() <= 1.3e-7 * expected.abs() + 1e-37);
        }
    }
}
