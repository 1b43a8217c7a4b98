//! Straight line through the last samples.

use crate::{Flag, number::all_finite, registry::block, time::seconds_from_ns};
use bytemuck::{Pod, Zeroable};

/// Most samples.
const CAPACITY: usize = 128;

/// Moving least squares over up to `CAPACITY` samples, anew in every call.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Linfit {
    /// Time of the last call since the first.
    now_ns: i64,
    value: f64,
    slope: f64,
    sigma: f64,
    times_ns: [i64; CAPACITY],
    samples: [f64; CAPACITY],
    size: u16,
    count: u16,
    /// Where the next sample goes.
    next: u16,
    err: Flag,
    _pad: [u8; 1],
}

/// value at now, slope, σ.
type Line = [f64; 3];

impl Linfit {
    /// Over the last `size` samples, at most `CAPACITY`.
    pub fn new(size: usize) -> Self {
        Self { size: size.clamp(2, CAPACITY) as u16, ..Self::zeroed() }
    }

    /// Once a cycle. Returns the line's value now.
    pub fn run(&mut self, input: f64, dt_ns: i64) -> f64 {
        self.now_ns = self.now_ns.saturating_add(dt_ns.max(0));
        let before = (self.count, self.next);
        self.err.set(true);
        if input.is_finite() {
            let place = usize::from(self.next) % CAPACITY;
            let replaced = (self.times_ns[place], self.samples[place]);
            (self.times_ns[place], self.samples[place]) = (self.now_ns, input);
            self.count = (self.count + u16::from(self.count < self.size)).min(CAPACITY as u16);
            self.next = if usize::from(self.next) + 1 >= self.size() { 0 } else { self.next + 1 };
            let line = self.fit();
            if all_finite(&line) {
                [self.value, self.slope, self.sigma] = line;
                self.err.set(false);
            } else {
                (self.times_ns[place], self.samples[place]) = replaced;
                (self.count, self.next) = before;
            }
        }
        self.value
    }

    fn size(&self) -> usize {
        usize::from(self.size).min(CAPACITY)
    }

    /// Times count backwards from now and are centred, so that neither a long uptime nor a short window costs digits.
    fn fit(&self) -> Line {
        let count = usize::from(self.count).min(CAPACITY);
        let points = || {
            let times =
                self.times_ns[..count].iter().map(|ns| seconds_from_ns(ns.saturating_sub(self.now_ns)));
            times.zip(&self.samples[..count])
        };
        let number = count as f64;
        let (sum_t, sum_x) = points().fold((0.0, 0.0), |(t, x), point| (t + point.0, x + point.1));
        let (mean_t, mean_x) = (sum_t / number, sum_x / number);
        let (tt, tx) = points().fold((0.0, 0.0), |(tt, tx), (t, x)| {
            let (t, x) = (t - mean_t, x - mean_x);
            (tt + t * t, tx + t * x)
        });
        let slope = if tt > 0.0 { tx / tt } else { 0.0 };
        let residues = points().fold(0.0, |sum, (t, x)| {
            let residue = x - mean_x - slope * (t - mean_t);
            sum + residue * residue
        });
        let sigma = if count > 2 { libm::sqrt(residues / (number - 2.0)) } else { 0.0 };
        [mean_x - slope * mean_t, slope, sigma]
    }

    /// Forget all samples.
    pub fn reset(&mut self) {
        *self = Self::new(usize::from(self.size));
    }
}

block! {
    /// Straight line through the last N samples, by least squares: a smoothed value without lag on a ramp, and a slope that
    /// noise disturbs little.
    ///
    /// Samples keep their time, so that a longer cycle in between does no harm. With one sample the slope is 0. If `IN` is not
    /// finite, the outputs are held, the sample is left out and `ERR` is true. Costs time in proportion to N.
    LINFIT: Linfit;
    pins {
        /// The line's value now.
        output OUT: f64 = |block| block.value;
        /// The line's slope per second.
        output SLOPE: f64 ["/s"] = |block| block.slope;
        /// Standard deviation of the samples about the line (N − 2 degrees of freedom); 0 with fewer than 3 samples.
        output SIGMA: f64 = |block| block.sigma;
        /// Samples in the window.
        output COUNT: i64 = |block| i64::from(block.count);
        /// `IN` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Samples in the window.
        N: i64 in 2..=128,
    ) = |_| Ok(Linfit::new(usize::try_from(N).unwrap_or(CAPACITY)));
    methods {
        /// Take a sample; returns `OUT`.
        every_cycle run(
            /// Sample.
            IN: f64,
        ) -> f64 = |block, dt_ns| block.run(IN, dt_ns);
        /// Forget all samples.
        command reset() = |block, _| block.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};
    use proptest::prelude::*;

    const STEP_NS: i64 = 1_000_000;

    #[test]
    fn a_ramp_is_followed_without_lag() {
        let mut block = Linfit::new(10);
        for step in 0..50 {
            let input = 2.0 + 0.5 * f64::from(step);
            let out = block.run(input, STEP_NS);
            assert!((out - input).abs() < 1e-9, "step {step}");
            assert!(step == 0 || (block.slope - 500.0).abs() < 1e-6, "step {step}: {}", block.slope);
            assert!(block.sigma < 1e-9);
        }
        assert_eq!(block.count, 10);
        let held = (block.value, block.slope);
        assert_eq!(block.run(f64::NAN, STEP_NS), held.0);
        assert_eq!((block.slope, block.err.get(), block.count), (held.1, true, 10));
        block.reset();
        assert_eq!((block.run(4.0, STEP_NS), block.slope, block.err.get()), (4.0, 0.0, false));
    }

    #[test]
    fn samples_at_one_instant_give_their_mean() {
        let mut block = Linfit::new(4);
        for input in [1.0, 2.0, 6.0] {
            block.run(input, 0);
        }
        assert_eq!((block.value, block.slope), (3.0, 0.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// 32 × 320 calls against a singular value decomposition over the window, kept as a list.
        #[test]
        fn a_decomposition_of_the_window_agrees(
            size in 3_usize..129,
            calls in prop::collection::vec((-10.0..10.0, 1_i64..20, 0_u8..20), 320),
        ) {
            let mut block = Linfit::new(size);
            let mut window: Vec<(f64, f64)> = vec![];
            let mut now = 0;
            for (step, (input, cycles, lost)) in calls.into_iter().enumerate() {
                now += cycles;
                if lost == 0 {
                    block.run(f64::INFINITY, cycles * STEP_NS);
                    continue;
                }
                block.run(input, cycles * STEP_NS);
                window.push((now as f64 * 0.001, input));
                if window.len() > size { window.remove(0); }
                if window.len() < 2 { continue; }
                let here = now as f64 * 0.001;
                let design = DMatrix::from_fn(window.len(), 2, |row, column| if column == 0 { 1.0 } else { window[row].0 - here });
                let samples = DVector::from_iterator(window.len(), window.iter().map(|point| point.1));
                let line = design.clone().svd(true, true).solve(&samples, 1e-14).unwrap();
                let residues = (design * &line - samples).norm();
                prop_assert!((block.value - line[0]).abs() < 1e-7, "step {}: {} instead of {}", step, block.value, line[0]);
                prop_assert!((block.slope - line[1]).abs() < 1e-7 * line[1].abs().max(1e3), "step {}: {} instead of {}", step, block.slope, line[1]);
                if window.len() > 2 {
                    let sigma = residues / ((window.len() - 2) as f64).sqrt();
                    prop_assert!((block.sigma - sigma).abs() < 1e-7, "step {}: {} instead of {}", step, block.sigma, sigma);
                }
            }
        }
    }
}
