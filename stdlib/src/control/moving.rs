//! Statistics of the last samples.
//!
//! Mean and σ come from running sums of x and x² in double-double arithmetic (106 bits), which is exact enough to take
//! the difference of large sums. So that rounding cannot add up over weeks, a second pair of sums starts at zero with every
//! turn of the ring and replaces the first at the end of the turn: no sum is ever older than two windows, at a constant
//! cost per call. Minimum and maximum are the fronts of two monotone queues.

use crate::{
    Flag,
    number::{Double, limit},
    registry::block,
};
use bytemuck::{Pod, Zeroable};

/// Most samples. Places in the ring are `u8`, so that no byte of the state can point outside.
const CAPACITY: usize = 256;

/// Largest magnitude of a sample: squared, summed and split for a product it is still finite.
const MAGNITUDE_MAX: f64 = 1e140;

/// Σx and Σx².
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Sums {
    first: Double,
    second: Double,
}

impl Sums {
    fn add(&mut self, sample: f64) {
        self.first = self.first + sample.into();
        self.second = self.second + Double::product(sample, sample);
    }

    fn remove(&mut self, sample: f64) {
        self.first = self.first + (-sample).into();
        self.second = self.second + -Double::product(sample, sample);
    }
}

/// Places of samples, oldest first, whose values only rise (or only fall): the front is the extreme of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Extremes {
    places: [u8; CAPACITY],
    count: u16,
    head: u8,
    _pad: u8,
}

impl Extremes {
    fn front(&self) -> u8 {
        self.places[usize::from(self.head)]
    }

    fn back(&self) -> u8 {
        self.places[usize::from(self.head.wrapping_add(self.count as u8).wrapping_sub(1))]
    }

    /// The sample at `place` is about to be overwritten.
    fn expire(&mut self, place: u8) {
        if self.count > 0 && self.front() == place {
            self.head = self.head.wrapping_add(1);
            self.count -= 1;
        }
    }

    /// A new sample at `place`; `beaten` says of an older one that it can never be the extreme again.
    fn push(&mut self, place: u8, beaten: impl Fn(u8) -> bool) {
        while self.count > 0 && beaten(self.back()) {
            self.count -= 1;
        }
        // One place per sample of the ring: a sound queue always has room.
        self.count = self.count.min(CAPACITY as u16 - 1) + 1;
        self.places[usize::from(self.head.wrapping_add(self.count as u8).wrapping_sub(1))] = place;
    }
}

/// Mean, minimum, maximum and standard deviation over the last samples.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Moving {
    samples: [f64; CAPACITY],
    sums: Sums,
    /// Sums of this turn of the ring only.
    turn: Sums,
    mean: f64,
    sigma: f64,
    lowest: Extremes,
    highest: Extremes,
    size: u16,
    count: u16,
    next: u8,
    err: Flag,
    _pad: [u8; 2],
}

impl Moving {
    /// Over the last `size` samples, at most `CAPACITY`.
    pub fn new(size: usize) -> Self {
        Self { size: size.clamp(1, CAPACITY) as u16, ..Self::zeroed() }
    }

    /// Take a sample. Returns the mean.
    pub fn run(&mut self, input: f64) -> f64 {
        let fine = input.abs() <= MAGNITUDE_MAX;
        self.err.set(!fine);
        if fine {
            self.take(input);
            self.evaluate();
        }
        self.mean
    }

    fn take(&mut self, sample: f64) {
        let place = self.next;
        if self.count >= self.size {
            self.sums.remove(self.samples[usize::from(place)]);
            self.lowest.expire(place);
            self.highest.expire(place);
        } else {
            self.count += 1;
        }
        self.samples[usize::from(place)] = sample;
        self.sums.add(sample);
        self.turn.add(sample);
        let samples = &self.samples;
        self.lowest.push(place, |older| samples[usize::from(older)] >= sample);
        self.highest.push(place, |older| samples[usize::from(older)] <= sample);
        if u16::from(place) + 1 >= self.size {
            self.next = 0;
            self.sums = self.turn;
            self.turn = Sums::zeroed();
        } else {
            self.next = place.wrapping_add(1);
        }
    }

    fn evaluate(&mut self) {
        let number = f64::from(self.count);
        // Rounding may carry the quotient past an extreme; a constant window shall have that constant as its mean.
        self.mean = limit(self.sums.first.value() / number, self.min(), self.max());
        let spread = Double::from(number) * self.sums.second + -(self.sums.first * self.sums.first);
        let variance = spread.value() / (number * (number - 1.0));
        self.sigma = if variance > 0.0 && self.min() < self.max() { libm::sqrt(variance) } else { 0.0 };
    }

    /// Mean; 0 before the first sample.
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation with `count − 1` degrees of freedom; 0 with fewer than two samples.
    pub const fn sigma(&self) -> f64 {
        self.sigma
    }

    /// Smallest sample; 0 before the first.
    pub fn min(&self) -> f64 {
        self.samples[usize::from(self.lowest.front())]
    }

    /// Largest sample; 0 before the first.
    pub fn max(&self) -> f64 {
        self.samples[usize::from(self.highest.front())]
    }

    /// Forget all samples.
    pub fn reset(&mut self) {
        *self = Self::new(usize::from(self.size));
    }
}

block! {
    /// Mean, minimum, maximum and standard deviation of the last N samples, at a cost that does not depend on N.
    ///
    /// Until N samples have come, over those there are. The sums do not drift, however long the block runs. If `IN` is not finite
    /// or beyond ±1e140, the outputs are held, the sample is left out and `ERR` is true.
    MOVING: Moving;
    pins {
        /// Mean.
        output MEAN: f64 = |block| block.mean();
        /// Smallest sample.
        output MIN: f64 = |block| block.min();
        /// Largest sample.
        output MAX: f64 = |block| block.max();
        /// Standard deviation (N − 1 degrees of freedom); 0 with fewer than two samples.
        output SIGMA: f64 = |block| block.sigma();
        /// Samples in the window.
        output COUNT: i64 = |block| i64::from(block.count);
        /// The window is full.
        output FULL: bool = |block| block.count >= block.size;
        /// `IN` is not finite or too large.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Samples in the window.
        N: i64 in 1..=256,
    ) = |_| Ok(Moving::new(usize::try_from(N).unwrap_or(CAPACITY)));
    methods {
        /// Take a sample; returns `MEAN`.
        every_cycle run(
            /// Sample.
            IN: f64,
        ) -> f64 = |block, _| block.run(IN);
        /// Forget all samples.
        command reset() = |block, _| block.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Samples are multiples of this, so that the model can count in integers.
    const GRAIN: f64 = 1.0 / (1 << 20) as f64;

    /// Mean and σ of a window kept as a list of grains, from sums without any rounding.
    fn from_scratch(window: &[i128]) -> (f64, f64) {
        let number = window.len() as i128;
        let first: i128 = window.iter().sum();
        let second: i128 = window.iter().map(|x| x * x).sum();
        let spread = number * second - first * first;
        let sigma = if number > 1 { (spread as f64 / (number * (number - 1)) as f64).sqrt() } else { 0.0 };
        (first as f64 / number as f64 * GRAIN, sigma * GRAIN)
    }

    fn check(size: usize, inputs: impl Iterator<Item = f64>) -> Result<(), TestCaseError> {
        let mut block = Moving::new(size);
        let mut window: Vec<i128> = vec![];
        for (step, input) in inputs.enumerate() {
            let grains = (input / GRAIN).round_ties_even();
            block.run(grains * GRAIN);
            window.push(grains as i128);
            if window.len() > size {
                window.remove(0);
            }
            let (mean, sigma) = from_scratch(&window);
            prop_assert!(near(block.mean(), mean, 1e-15), "step {}: {} not {}", step, block.mean(), mean);
            prop_assert!(near(block.sigma(), sigma, 1e-12), "step {}: {} not {}", step, block.sigma(), sigma);
            let extremes =
                [window.iter().min(), window.iter().max()].map(|grains| *grains.unwrap() as f64 * GRAIN);
            prop_assert_eq!([block.min(), block.max()], extremes, "step {}", step);
            prop_assert_eq!(usize::from(block.count), window.len());
        }
        Ok(())
    }

    fn near(value: f64, expected: f64, share: f64) -> bool {
        (value - expected).abs() <= share * expected.abs()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// 40 × 1000 samples: fine noise on a large offset, with spikes and plateaus.
        #[test]
        fn exact_sums_over_the_window_agree(
            size in 1_usize..257, offset in -1e6..1e6,
            calls in prop::collection::vec((-1e-3..1e-3, 0_u8..50), 1000),
        ) {
            let mut last = 0.0;
            check(size, calls.into_iter().map(|(noise, event)| {
                last = match event {
                    0 => 1e9 * noise,
                    1..15 => last,
                    _ => offset + noise,
                };
                last
            }))?;
        }
    }

    #[test]
    fn the_smallest_and_the_largest_windows_work() {
        for size in [1, 2, 255, 256] {
            let inputs = (0..2000).map(|step| libm::sin(f64::from(step) * 0.37) * 100.0);
            check(size, inputs).unwrap();
            // Monotone series fill one queue and keep the other at one place.
            check(size, (0..1000).map(f64::from)).unwrap();
            check(size, (0..1000).map(|step| -f64::from(step))).unwrap();
        }
    }

    #[test]
    fn sums_do_not_drift() {
        let mut noise = crate::twin::Noise::new(3);
        let mut block = Moving::new(200);
        for _ in 0..300_000 {
            block.run(noise.uniform(-1e9, 1e9));
        }
        for _ in 0..400 {
            block.run(0.1);
        }
        assert_eq!((block.mean(), block.sigma(), block.min(), block.max()), (0.1, 0.0, 0.1, 0.1));
        // The running sums now are those of one window exactly: 200 times 0.1, and its square.
        let (mut first, mut second) = (Double::from(0.0), Double::from(0.0));
        for _ in 0..200 {
            first = first + 0.1.into();
            second = second + Double::product(0.1, 0.1);
        }
        assert_eq!(block.sums, Sums { first, second });
    }

    #[test]
    fn bad_samples_are_left_out() {
        let mut block = Moving::new(3);
        assert_eq!(block.run(f64::NAN), 0.0);
        assert_eq!((block.min(), block.max(), block.sigma(), block.count), (0.0, 0.0, 0.0, 0));
        for (input, mean) in
            [(1.0, 1.0), (3.0, 2.0), (f64::INFINITY, 2.0), (1e141, 2.0), (5.0, 3.0), (7.0, 5.0)]
        {
            assert_eq!(block.run(input), mean);
            assert_eq!(block.err.get(), input.abs() > 1e140);
        }
        block.reset();
        assert_eq!((block.run(4.0), block.count), (4.0, 1));
    }

    #[test]
    fn the_largest_samples_stay_finite() {
        let mut block = Moving::new(256);
        for step in 0..1000 {
            block.run(if step % 2 == 0 { 1e140 } else { -1e140 });
            assert!(!block.err.get() && block.sigma().is_finite() && block.mean().is_finite(), "step {step}");
        }
        assert!((block.sigma() / 1e140 - 1.0).abs() < 0.01);
    }
}
