//! Random numbers that are the same on every machine.

use crate::registry::block;
use bytemuck::{Pod, Zeroable};

/// PCG-XSH-RR 64/32 (O'Neill 2014): 64 bits of state, 32 bits a draw.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Noise {
    state: u64,
    out: f64,
}

const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

/// One draw of the stream that `increment` names.
fn draw(state: &mut u64, increment: u64) -> u32 {
    let old = *state;
    *state = old.wrapping_mul(MULTIPLIER).wrapping_add(increment);
    ((((old >> 18) ^ old) >> 27) as u32).rotate_right((old >> 59) as u32)
}

impl Noise {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        let mut noise = Self { state: seed.wrapping_add(INCREMENT), out: 0.0 };
        noise.next_u32();
        noise
    }

    /// One of many unrelated streams of the same seed; stream 0 is [`Noise::new`].
    pub fn stream(seed: u64, stream: u64) -> Self {
        // SplitMix64's steps (Steele, Lea, Flood 2014): streams that are neighbours start far apart.
        let spread = stream.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (spread ^ (spread >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self::new(seed.wrapping_add(mixed ^ (mixed >> 31)))
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        draw(&mut self.state, INCREMENT)
    }

    /// Evenly from 0 (included) to 1 (excluded), in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (u64::from(self.next_u32() >> 5), u64::from(self.next_u32() >> 6));
        ((high << 26) + low) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly from `low` to `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let share = self.unit();
        self.give(crate::number::lerp(low, high, share))
    }

    /// Normal distribution (Box and Muller), never more than 8.6 σ from the mean.
    pub fn gauss(&mut self, mean: f64, sigma: f64) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        let angle = std::f64::consts::TAU * self.unit();
        self.give(mean + sigma * radius * libm::cos(angle))
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Evenly one of the integers from 0 to `count` − 1; 0 if there are none.
    pub fn pick(&mut self, count: i64) -> i64 {
        let count = count.max(1);
        ((self.unit() * count as f64) as i64).min(count - 1)
    }

    /// A number that is not finite comes from arguments that are not; the last one stands.
    fn give(&mut self, number: f64) -> f64 {
        if number.is_finite() {
            self.out = number;
        }
        self.out
    }
}

block! {
    /// Random numbers for a twin, from a seed: the same on every machine and in every replay. Not for secrets.
    ///
    /// In a twin, take the cell's seed, and another STREAM for every block: `NOISE(sys.seed, 1)`. Then `--seed` changes all of them, and
    /// none is like the other. Every call draws anew, and always the same number of times, whatever the arguments. If those are not
    /// finite, the last number is returned.
    NOISE: Noise;
    pins {
        /// The last number drawn.
        output OUT: f64 = |block| block.out;
    }
    new(
        /// Seed.
        SEED: i64,
        /// Which stream of the seed.
        STREAM: i64 = 0,
    ) = |_| Ok(Noise::stream(SEED.cast_unsigned(), STREAM.cast_unsigned()));
    methods {
        /// Evenly between two numbers.
        command uniform(
            /// Smallest.
            LO: f64,
            /// Largest.
            HI: f64,
        ) -> f64 = |block, _| block.uniform(LO, HI);
        /// Normal distribution.
        command gauss(
            /// Mean.
            MEAN: f64,
            /// Standard deviation.
            SIGMA: f64,
        ) -> f64 = |block, _| block.gauss(MEAN, SIGMA);
        /// True with this probability.
        command chance(
            /// Probability, 0 to 1.
            P: f64,
        ) -> bool = |block, _| block.chance(P);
        /// Evenly one of the integers from 0 to N − 1.
        command pick(
            /// How many there are.
            N: i64 in 1..=1_000_000,
        ) -> i64 = |block, _| block.pick(N);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // Seed 42, stream 54: the first line of the demonstration program of the PCG library.
        let increment = 54 << 1 | 1;
        let mut state = 0;
        draw(&mut state, increment);
        state = state.wrapping_add(42);
        draw(&mut state, increment);
        let numbers: Vec<u32> = (0..6).map(|_| draw(&mut state, increment)).collect();
        assert_eq!(numbers, [0xa15c_02b7, 0x7b47_f409, 0xba1d_3330, 0x83d2_f293, 0xbfa4_784b, 0xcbed_606e]);
    }

    #[test]
    fn the_distributions_have_their_moments() {
        let mut noise = Noise::new(1);
        let count = 200_000;
        let moments = |mut draw: Box<dyn FnMut() -> f64 + '_>| {
            let numbers: Vec<f64> = (0..count).map(|_| draw()).collect();
            let mean = numbers.iter().sum::<f64>() / f64::from(count);
            let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(count);
            let beyond = numbers.iter().filter(|x| (*x - mean).abs() > 2.0 * variance.sqrt()).count();
            (mean, variance, beyond as f64 / f64::from(count))
        };
        let (mean, variance, _) = moments(Box::new(|| noise.uniform(2.0, 8.0)));
        assert!((mean - 5.0).abs() < 0.02 && (variance - 3.0).abs() < 0.03, "{mean} {variance}");
        let (mean, variance, beyond) = moments(Box::new(|| noise.gauss(-3.0, 2.0)));
        assert!((mean + 3.0).abs() < 0.02 && (variance - 4.0).abs() < 0.06, "{mean} {variance}");
        assert!((beyond - 0.0455).abs() < 0.003, "{beyond}");
        let (share, _, _) = moments(Box::new(|| f64::from(u8::from(noise.chance(0.05)))));
        assert!((share - 0.05).abs() < 0.002, "{share}");
    }

    #[test]
    fn streams_are_unrelated_and_the_first_is_the_plain_one() {
        assert_eq!(Noise::stream(7, 0), Noise::new(7));
        let draw = |mut noise: Noise| (0..20_000).map(|_| noise.unit() - 0.5).collect::<Vec<f64>>();
        let streams: Vec<Vec<f64>> = (0..6).map(|stream| draw(Noise::stream(7, stream))).collect();
        for (i, one) in streams.iter().enumerate() {
            for other in &streams[i + 1..] {
                let product: f64 = one.iter().zip(other).map(|(a, b)| a * b).sum();
                // The variance of an even distribution is 1/12.
                assert!((product / 20_000.0 * 12.0).abs() < 0.03);
            }
        }
    }

    #[test]
    fn each_choice_is_picked_as_often() {
        let mut noise = Noise::new(3);
        let mut counts = [0_u32; 5];
        for _ in 0..50_000 {
            counts[noise.pick(5) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_700..10_300).contains(count)), "{counts:?}");
        assert_eq!((noise.pick(1), noise.pick(0), noise.pick(i64::MIN)), (0, 0, 0));
    }

    #[test]
    fn seeds_differ_and_bad_arguments_give_the_last_number() {
        let (mut one, mut two) = (Noise::new(1), Noise::new(2));
        assert!((0..10).any(|_| one.next_u32() != two.next_u32()));
        let last = one.uniform(5.0, 6.0);
        assert_eq!(one.uniform(f64::NAN, 1.0), last);
        assert_eq!(one.gauss(0.0, f64::INFINITY), last);
        assert!(!one.chance(0.0) && one.chance(1.0) && !one.chance(f64::NAN));
    }
}
