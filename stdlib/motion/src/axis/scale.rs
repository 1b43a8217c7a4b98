//! Counts of the drive and units of the axis.

/// Where the drive is, in counts that do not overflow, and what they mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scale {
    /// Actual position, all turns of the 32-bit counter included.
    pub counts: i64,
    /// The counts at the reference position.
    pub reference_counts: i64,
    /// In units.
    pub reference_position: f64,
}

impl Scale {
    /// Follows the drive's counter over its overflow: between two intervals it cannot move by half its range.
    pub fn follow(&mut self, raw: i64) {
        let moved = (raw as i32).wrapping_sub(self.counts as i32);
        self.counts = self.counts.wrapping_add(i64::from(moved));
    }

    /// Takes the drive's counter as it is, after it was set to something else.
    pub fn take(&mut self, raw: i64) {
        self.counts = i64::from(raw as i32);
    }

    /// From now on these counts are called this position.
    pub fn refer(&mut self, counts: i64, position: f64) {
        self.reference_counts = counts;
        self.reference_position = position;
    }

    /// Actual position, in units.
    pub fn position(&self, counts_per_unit: f64) -> f64 {
        let counts = self.counts.wrapping_sub(self.reference_counts);
        counts as f64 / counts_per_unit + self.reference_position
    }

    /// Counts at a position, rounded half to even.
    pub fn counts_at(&self, position: f64, counts_per_unit: f64) -> i64 {
        let counts = libm::rint((position - self.reference_position) * counts_per_unit);
        self.reference_counts.wrapping_add(counts as i64)
    }
}

/// Rounded half to even, and saturated.
pub(super) fn to_i32(value: f64) -> i32 {
    libm::rint(value) as i32
}

/// Rounded half to even, and saturated.
pub(super) fn to_i16(value: f64) -> i16 {
    libm::rint(value) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_counter_is_followed_over_its_overflow(
            start in any::<i32>(), steps in prop::collection::vec(-1_000_000_000i64..1_000_000_000, 1..50),
        ) {
            let mut scale = Scale::default();
            scale.take(i64::from(start));
            let mut expected = i64::from(start);
            for step in steps {
                expected += step;
                scale.follow(i64::from(expected as i32));
                prop_assert_eq!(scale.counts, expected);
            }
        }

        #[test]
        fn a_position_leads_back_to_its_counts(
            counts in -1_000_000_000_000i64..1_000_000_000_000, reference in -1_000_000i64..1_000_000,
            position in -1e4..1e4f64, counts_per_unit in prop_oneof![1e-2..1e5f64, -1e5..-1e-2f64],
        ) {
            let mut scale = Scale { counts, ..Scale::default() };
            scale.refer(reference, position);
            // Within 2^52 of what the rounding of the reference leaves.
            prop_assume!((position * counts_per_unit).abs() < 1e9);
            prop_assert_eq!(scale.counts_at(scale.position(counts_per_unit), counts_per_unit), counts);
        }
    }

    #[test]
    fn numbers_out_of_range_saturate() {
        assert_eq!((to_i32(1e300), to_i32(-1e300), to_i32(f64::NAN)), (i32::MAX, i32::MIN, 0));
        assert_eq!((to_i32(2.5), to_i32(3.5), to_i16(-0.5), to_i16(4e4)), (2, 4, 0, i16::MAX));
    }
}
