//! Straight line through the last samples.

use crate::{Flag, number::all_finite, registry::block, time::seconds_from_ns};
use bytemuck::{Pod, Zeroable};

/// Most samples.
const CAPACITY: usize = 128;

/// Moving least squares over up to [`CAPACITY`] samples, anew in every call.
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
    /// Over the last `size` samples, at most [`CAPACITY`].
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
