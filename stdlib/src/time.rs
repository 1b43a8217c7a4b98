//! Seconds, as scripts write them, and nanoseconds, as blocks count them.

/// Nanoseconds in a second.
const NS_PER_S: f64 = 1e9;

/// Seconds to the nearest nanosecond (ties to even); saturates at ±292 years. `None` for NaN.
pub fn ns_from_seconds(seconds: f64) -> Option<i64> {
    // `as` saturates, which is what ±inf and very long times shall do.
    (!seconds.is_nan()).then(|| (seconds * NS_PER_S).round_ties_even() as i64)
}

/// Nanoseconds as seconds: the nearest `f64`, so that 50 ms reads as the literal `0.050`.
pub fn seconds_from_ns(ns: i64) -> f64 {
    ns as f64 / NS_PER_S
}

/// The time step of a block in seconds; a negative one counts as zero.
pub fn step_seconds(dt_ns: i64) -> f64 {
    seconds_from_ns(dt_ns.max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_saturate_and_round() {
        for (seconds, ns) in [
            (0.050, Some(50_000_000)),
            (1e-9, Some(1)),
            (0.4e-9, Some(0)),
            (1.5e-9, Some(2)),
            (2.5e-9, Some(2)),
            (-0.001, Some(-1_000_000)),
            (f64::INFINITY, Some(i64::MAX)),
            (f64::NEG_INFINITY, Some(i64::MIN)),
            (1e300, Some(i64::MAX)),
            (f64::NAN, None),
        ] {
            assert_eq!(ns_from_seconds(seconds), ns, "{seconds} s");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_time_in_milliseconds_reads_back_as_its_literal(ms in 0_i64..4_000_000_000) {
            let literal: f64 = format!("{}.{:03}", ms / 1000, ms % 1000).parse().unwrap();
            proptest::prop_assert_eq!(ns_from_seconds(literal), Some(ms * 1_000_000));
            proptest::prop_assert_eq!(seconds_from_ns(ms * 1_000_000).to_bits(), literal.to_bits());
        }
    }
}
