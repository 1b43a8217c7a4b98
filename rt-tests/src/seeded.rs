//! Chance that can be repeated: every random test prints its seed, and takes it from `SENSAI_TEST_SEED`.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    ops::Range,
};

/// SplitMix64, as in Vigna's public-domain reference: any seed is good.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A new seed, or that of `SENSAI_TEST_SEED`; printed, so that a failure can be repeated.
    ///
    /// # Panics
    /// The variable is no number.
    pub fn printed(what: &str) -> Self {
        let given = env::var("SENSAI_TEST_SEED").ok();
        let seed = given.map_or_else(
            || RandomState::new().hash_one(what),
            |text| text.parse().expect("SENSAI_TEST_SEED is a number"),
        );
        println!("{what}: SENSAI_TEST_SEED={seed}");
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, which must not be empty.
    pub const fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// True once in `n` times.
    pub const fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    /// One of them.
    ///
    /// # Panics
    /// There are none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let last = of.len() as u64;
        &of[self.within(0..last) as usize]
    }
}

#[test]
fn numbers_are_those_of_the_reference() {
    let mut random = Random::new(1_234_567);
    assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    assert!((0..1000).all(|_| (3..7).contains(&random.within(3..7))));
}
