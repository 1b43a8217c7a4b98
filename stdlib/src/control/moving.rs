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

/// Largest magnitude of a sample: its square, summed, is still finite.
const MAGNITUDE_MAX: f64 = 1e150;

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
    /// Over the last `size` samples, at most [`CAPACITY`].
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
    /// or beyond ±1e150, the outputs are held, the sample is left out and `ERR` is true.
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
