//! Sums in the profile's order.

/// Partial sums of every reduction, on every processor.
pub const LANES: usize = 8;

/// Σ `a[i] · b[i]`: product `i` is added to lane `i mod LANES` in ascending order, then the lanes are added as
/// `((0+4) + (2+6)) + ((1+5) + (3+7))`.
///
/// Over the shorter of the two; 0 where one is empty.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (a.split_at(length).0, b.split_at(length).0);
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in a_whole.iter().zip(b_whole) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += a * b;
    }
    tree(lanes)
}

/// Σ `values[i]`, in the same order.
pub fn sum(values: &[f32]) -> f32 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for chunk in whole {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    tree(lanes)
}

/// Halving: the order in which vector registers of four and of eight lanes fold.
const fn tree([a, b, c, d, e, f, g, h]: [f32; LANES]) -> f32 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, one value at a time.
    pub fn dot_by_definition(a: &[f32], b: &[f32]) -> f32 {
        let mut lanes = [0.0_f32; LANES];
        let mut index = 0;
        while index < a.len() && index < b.len() {
            lanes[index % LANES] += a[index] * b[index];
            index += 1;
        }
        let half = [lanes[0] + lanes[4], lanes[1] + lanes[5], lanes[2] + lanes[6], lanes[3] + lanes[7]];
        (half[0] + half[2]) + (half[1] + half[3])
    }

    fn naive(a: &[f32], b: &[f32]) -> (f64, f64) {
        let products = || a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        (products().sum(), products().map(f64::abs).sum())
    }

    proptest! {
        #[test]
        fn the_unrolled_dot_is_the_definition_bit_for_bit(
            pairs in prop::collection::vec((any::<f32>(), any::<f32>()), 0..70),
            longer in 0_usize..3,
        ) {
            let (mut a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            a.extend(std::iter::repeat_n(1.0, longer));
            let (unrolled, defined) = (dot(&a, &b), dot_by_definition(&a, &b));
            prop_assert_eq!(crate::canonical(unrolled).to_bits(), crate::canonical(defined).to_bits());
            prop_assert_eq!(dot(&b, &a).is_nan(), unrolled.is_nan());
        }

        /// Higham, "Accuracy and Stability of Numerical Algorithms", 3.1: |error| ≤ n·u·Σ|aᵢbᵢ| for any order, u = ε/2.
        #[test]
        fn dot_is_as_exact_as_any_order_can_be(
            pairs in prop::collection::vec((-1e3_f32..1e3, -1e3_f32..1e3), 0..300),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let (expected, magnitude) = naive(&a, &b);
            let bound = (a.len() + 1) as f64 * f64::from(f32::EPSILON) / 2.0 * magnitude + 1e-30;
            let error = (f64::from(dot(&a, &b)) - expected).abs();
            prop_assert!(error <= bound, "error {error:e}, bound {bound:e}");
        }

        #[test]
        fn a_sum_is_a_dot_with_ones(values in prop::collection::vec(-1e30_f32..1e30, 0..70)) {
            let ones = vec![1.0; values.len()];
            prop_assert_eq!(sum(&values).to_bits(), dot_by_definition(&values, &ones).to_bits());
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
        assert_eq!(dot(&[], &values), 0.0);
    }
}
