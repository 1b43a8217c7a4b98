//! How sure a ratio is: rounds are drawn again with replacement, many times, from a fixed seed.

use super::random::Random;
use serde::Serialize;

/// A ratio of medians over paired rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// Median of ours over median of the peer's.
    pub ratio: f64,
    /// 2.5 % of the resamples lie below.
    pub low: f64,
    /// 2.5 % lie above.
    pub high: f64,
}

const RESAMPLES: usize = 2000;

/// Ratio of the medians of `ours` and `peer`, rounds paired, with a 95 % bootstrap interval. `None` without rounds.
pub fn ratio(ours: &[f64], peer: &[f64]) -> Option<Ratio> {
    let rounds = ours.len().min(peer.len());
    if rounds == 0 {
        return None;
    }
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn: Vec<usize> = (0..rounds).map(|_| random.below(rounds)).collect();
            of_medians(drawn.iter().map(|i| ours[*i]), drawn.iter().map(|i| peer[*i]))
        })
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    Some(Ratio {
        ratio: of_medians(ours[..rounds].iter().copied(), peer[..rounds].iter().copied()),
        low: ratios[RESAMPLES * 25 / 1000],
        high: ratios[RESAMPLES * 975 / 1000],
    })
}

fn of_medians(ours: impl Iterator<Item = f64>, peer: impl Iterator<Item = f64>) -> f64 {
    median(ours.collect()) / median(peer.collect()).max(f64::MIN_POSITIVE)
}

/// Median; 0 of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => 0.0,
        (n, half) if n % 2 == 1 => values[half],
        (_, half) => f64::midpoint(values[half - 1], values[half]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_ratio_has_no_width() {
        let peer: Vec<f64> = (1..=10).map(f64::from).collect();
        let ours: Vec<f64> = peer.iter().map(|x| x * 0.5).collect();
        let found = ratio(&ours, &peer).unwrap();
        assert!((found.ratio - 0.5).abs() < 1e-12 && (found.low - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_interval_holds_the_ratio_and_noise_widens_it() {
        let peer = [10.0, 12.0, 9.0, 11.0, 10.0, 13.0, 8.0, 10.0, 11.0, 9.0];
        let ours = [5.0, 20.0, 4.0, 6.0, 5.0, 30.0, 4.0, 5.0, 6.0, 5.0];
        let found = ratio(&ours, &peer).unwrap();
        assert!(found.low <= found.ratio && found.ratio < found.high, "{found:?}");
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(ratio(&[], &[1.0]), None);
    }
}
