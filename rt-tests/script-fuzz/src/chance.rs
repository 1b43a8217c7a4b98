//! Chance from a seed: the same numbers on every machine, in every order of threads.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// One stream of numbers of a seed.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Streams of one seed are independent of each other: what one draws does not move the others.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut numbers = ChaCha8Rng::seed_from_u64(seed);
        numbers.set_stream(stream);
        Self(numbers)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 to before `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(end)) >> 64) as u64
    }

    /// An index of a list of this length.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// From `low` to `high`, both included.
    pub fn within(&mut self, low: i64, high: i64) -> i64 {
        low.wrapping_add(self.below(high.abs_diff(low).saturating_add(1)).cast_signed())
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True in so many of a thousand cases.
    pub fn per_mille(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.index(of.len());
        &of[index]
    }

    /// One of a list that is not empty, the heavier ones more often.
    pub fn weighted<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, item) in of {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *item,
            }
        }
        of[of.len() - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_stable_and_independent() {
        let first: Vec<u64> = (0..3).map(|stream| Chance::new(7, stream).number()).collect();
        let mut drained = Chance::new(7, 0);
        for _ in 0..1000 {
            drained.number();
        }
        assert_eq!(first, (0..3).map(|stream| Chance::new(7, stream).number()).collect::<Vec<_>>());
        assert!(first[0] != first[1] && first[1] != first[2]);
    }

    #[test]
    fn bounds_are_kept() {
        let mut chance = Chance::new(1, 0);
        assert!((0..1000).all(|_| (-3..=3).contains(&chance.within(-3, 3))));
        assert!((0..100).any(|_| chance.within(i64::MIN, i64::MAX) < -(1 << 62)));
        let heavy = (0..1000).filter(|_| chance.weighted(&[(9, true), (1, false)])).count();
        assert!((850..950).contains(&heavy), "{heavy}");
    }
}
