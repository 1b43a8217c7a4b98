//! What lies between a quantity and the number a sensor shows.

use super::noise::Noise;
use crate::{Flag, number::all_finite, registry::block, time::seconds_from_ns};
use bytemuck::{Pod, Zeroable};

/// Calls that the dead time can have.
const DEAD_MAX: usize = 64;

/// What a sensor is like.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct SensorSettings {
    /// Standard deviation of the noise, in the unit of the signal.
    pub sigma: f64,
    /// Smallest step of what is shown; 0: none.
    pub resolution: f64,
    /// How fast the zero point wanders, per second.
    pub drift_per_s: f64,
    /// Calls until a value is shown, 0 to 63.
    pub dead: u64,
}

/// Dead time, drift, noise and resolution, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Sensor {
    settings: SensorSettings,
    noise: Noise,
    /// Time since the zero point was right.
    since_ns: i64,
    out: f64,
    next: u64,
    started: Flag,
    err: Flag,
    _pad: [u8; 6],
    past: [f64; DEAD_MAX],
}

impl Sensor {
    /// Noise comes from a stream of the seed of its own.
    pub fn new(seed: u64, stream: u64, settings: SensorSettings) -> Self {
        let settings = SensorSettings { dead: settings.dead.min(DEAD_MAX as u64 - 1), ..settings };
        Self { settings, noise: Noise::stream(seed, stream), ..Self::zeroed() }
    }

    /// Once a cycle. Returns what the sensor shows.
    pub fn run(&mut self, value: f64, dt_ns: i64) -> f64 {
        let SensorSettings { sigma, resolution, drift_per_s, dead } = self.settings;
        // Always drawn, so that what comes later does not depend on what was measured.
        let noise = self.noise.gauss(0.0, sigma);
        self.since_ns = self.since_ns.saturating_add(dt_ns.max(0));
        let fine = value.is_finite();
        self.err.set(!fine);
        if fine {
            if !self.started.get() {
                // Before the first value there was nothing: it seems to have been there for ever.
                self.past = [value; DEAD_MAX];
                self.started.set(true);
            }
            let place = |calls_ago: u64| (self.next.wrapping_sub(calls_ago) % DEAD_MAX as u64) as usize;
            self.past[place(0)] = value;
            let seen = self.past[place(dead)];
            self.next = self.next.wrapping_add(1);
            let shown = seen + drift_per_s * seconds_from_ns(self.since_ns) + noise;
            let stepped =
                if resolution > 0.0 { (shown / resolution).round_ties_even() * resolution } else { shown };
            if all_finite(&[stepped]) {
                self.out = stepped;
            } else {
                self.err.set(true);
            }
        }
        self.out
    }

    /// Set the zero point right: the drift begins anew.
    pub fn tare(&mut self) {
        self.since_ns = 0;
    }
}

block! {
    /// Twin of a sensor: dead time, then drift, noise and resolution. What it returns goes to an input.
    ///
    /// The noise comes from a stream of its own: give every sensor the cell's seed and another STREAM, as in
    /// `SENSOR(sys.seed, 3, 2.0)`. Raw value and limits are the tag's: it rounds and saturates as its device does. A value that is
    /// not finite leaves what is shown, and `ERR` is true.
    SENSOR: Sensor;
    pins {
        /// What is shown.
        output OUT: f64 = |block| block.out;
        /// The value is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Seed, as a rule `sys.seed`.
        SEED: i64,
        /// Which stream of the seed; another one for every block.
        STREAM: i64,
        /// Standard deviation of the noise.
        SIGMA: f64 in 0.0..=1e12,
        /// Smallest step of what is shown; 0: none.
        RESOLUTION: f64 in 0.0..=1e12 = 0.0,
        /// How fast the zero point wanders, per second.
        DRIFT: f64 in -1e9..=1e9 = 0.0,
        /// Dead time in calls.
        DEAD: i64 in 0..=63 = 0,
    ) = |_| Ok(Sensor::new(SEED.cast_unsigned(), STREAM.cast_unsigned(), SensorSettings {
        sigma: SIGMA, resolution: RESOLUTION, drift_per_s: DRIFT, dead: DEAD.cast_unsigned(),
    }));
    methods {
        /// Measure; returns `OUT`.
        every_cycle run(
            /// The true value.
            VALUE: f64,
        ) -> f64 = |block, dt_ns| block.run(VALUE, dt_ns);
        /// Set the zero point right: the drift begins anew.
        command tare() = |block, _| block.tare();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn sensor(settings: SensorSettings) -> Sensor {
        Sensor::new(5, 1, settings)
    }

    const IDEAL: SensorSettings = SensorSettings { sigma: 0.0, resolution: 0.0, drift_per_s: 0.0, dead: 0 };

    #[test]
    fn an_ideal_one_shows_what_is_there() {
        let mut block = sensor(IDEAL);
        for value in [0.0, 3.25, -1e6] {
            assert_eq!(block.run(value, MS), value);
        }
        assert_eq!((block.run(f64::INFINITY, MS), block.err.get()), (-1e6, true));
    }

    #[test]
    fn resolution_drift_and_dead_time() {
        let mut coarse = sensor(SensorSettings { resolution: 0.25, ..IDEAL });
        assert_eq!([0.1, 0.13, 0.375, -0.9].map(|value| coarse.run(value, MS)), [0.0, 0.25, 0.5, -1.0]);
        let mut wandering = sensor(SensorSettings { drift_per_s: 0.5, ..IDEAL });
        for _ in 0..2_000 {
            wandering.run(7.0, MS);
        }
        assert!((wandering.out - 8.0).abs() < 1e-9);
        wandering.tare();
        assert!((wandering.run(7.0, MS) - 7.0005).abs() < 1e-9);
        for dead in [0_u16, 1, 5, 63] {
            let mut late = sensor(SensorSettings { dead: dead.into(), ..IDEAL });
            for step in 0..200_u16 {
                let expected = f64::from(step.saturating_sub(dead));
                assert_eq!(late.run(f64::from(step), MS), expected, "dead time {dead}, step {step}");
            }
        }
    }

    #[test]
    fn noise_has_its_sigma_and_its_stream() {
        let settings = SensorSettings { sigma: 3.0, ..IDEAL };
        let draw = |mut block: Sensor| (0..20_000).map(|_| block.run(100.0, MS)).collect::<Vec<f64>>();
        let one = draw(Sensor::new(5, 1, settings));
        let mean = one.iter().sum::<f64>() / 20_000.0;
        let variance = one.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 20_000.0;
        assert!((mean - 100.0).abs() < 0.1 && (variance - 9.0).abs() < 0.4, "{mean} {variance}");
        assert_eq!(one, draw(Sensor::new(5, 1, settings)));
        for (seed, stream) in [(5, 2), (6, 1), (6, 0)] {
            let other = draw(Sensor::new(seed, stream, settings));
            let products = one.iter().zip(&other).map(|(a, b)| (a - 100.0) * (b - 100.0));
            let correlation = products.sum::<f64>() / 20_000.0 / 9.0;
            assert!(correlation.abs() < 0.03, "seed {seed}, stream {stream}: {correlation}");
        }
    }
}
