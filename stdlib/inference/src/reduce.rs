//! Sums in the profile's order.

/// Partial sums of every reduction, on every processor.
pub const LANES: usize = 8;

/// `at(i)` folded: value `i` into lane `i mod LANES` in ascending order, each lane beginning with `start`, then the lanes
/// as `((0,4), (2,6)), ((1,5), (3,7))`.
#[inline(always)]
pub fn fold_by(len: usize, start: f32, at: impl Fn(usize) -> f32, fold: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let whole = len - len % LANES;
    let mut first = 0;
    while first < whole {
        for (lane, folded) in lanes.iter_mut().enumerate() {
            *folded = fold(*folded, at(first + lane));
        }
        first += LANES;
    }
    for (folded, index) in lanes.iter_mut().zip(whole..len) {
        *folded = fold(*folded, at(index));
    }
    // Halving: the order in which vector registers of four and of eight lanes fold.
    let [a, b, c, d, e, f, g, h] = lanes;
    fold(fold(fold(a, e), fold(c, g)), fold(fold(b, f), fold(d, h)))
}

/// Σ `at(i)` in the order of [`fold_by`]; 0 for no values.
#[inline(always)]
pub fn sum_by(len: usize, at: impl Fn(usize) -> f32) -> f32 {
    fold_by(len, 0.0, at, |sum, value| sum + value)
}

/// Σ `values[i]`, in this order.
pub fn sum(values: &[f32]) -> f32 {
    sum_by(values.len(), |index| values[index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, one value at a time.
    fn sum_by_definition(values: &[f32]) -> f32 {
        let mut lanes = [0.0_f32; LANES];
        for (index, value) in values.iter().enumerate() {
            lanes[index % LANES] += value;
        }
        let half = [lanes[0] + lanes[4], lanes[1] + lanes[5], lanes[2] + lanes[6], lanes[3] + lanes[7]];
        (half[0] + half[2]) + (half[1] + half[3])
    }

    proptest! {
        #[test]
        fn the_unrolled_sum_is_the_definition_bit_for_bit(values in prop::collection::vec(any::<f32>(), 0..70)) {
            let (unrolled, defined) = (sum(&values), sum_by_definition(&values));
            prop_assert_eq!(crate::canonical(unrolled).to_bits(), crate::canonical(defined).to_bits());
        }

        /// Higham, "Accuracy and Stability of Numerical Algorithms", 4.2: |error| ≤ n·u·Σ|aᵢ| for any order, u = ε/2.
        #[test]
        fn a_sum_is_as_exact_as_any_order_can_be(values in prop::collection::vec(-1e3_f32..1e3, 0..300)) {
            let expected: f64 = values.iter().map(|value| f64::from(*value)).sum();
            let magnitude: f64 = values.iter().map(|value| f64::from(value.abs())).sum();
            let bound = values.len() as f64 * f64::from(f32::EPSILON) / 2.0 * magnitude + 1e-30;
            let error = (f64::from(sum(&values)) - expected).abs();
            prop_assert!(error <= bound, "error {error:e}, bound {bound:e}");
        }
    }

    #[test]
    fn the_order_can_be_seen() {
        // 2²⁴ + 1 rounds to 2²⁴: one after the other gives 2²⁴, in lanes the ones are added first.
        let mut values = [1.0_f32; 16];
        values[0] = 16_777_216.0;
        let one_after_the_other = values.iter().fold(0.0, |sum, value| sum + value);
        assert_eq!(one_after_the_other, 16_777_216.0);
        assert_eq!(sum(&values), 16_777_230.0);
        assert_eq!(sum(&[]), 0.0);
    }
}
