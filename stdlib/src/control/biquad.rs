//! Second-order filters: low-pass, high-pass, notch.
//!
//! The analogue prototype as a state variable filter, discretised by the trapezoidal rule with the frequency prewarped:
//! the transfer function is that of the bilinear transform. The two states are those of the integrators, so that the
//! filter goes on smoothly when a cycle is longer than usual.

use crate::{Flag, number::all_finite, registry::block, time::step_seconds};
use bytemuck::{Pod, Zeroable};
use nalgebra::{Matrix2, RowVector2, Vector2};

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BiquadKind {
    /// What is below the corner frequency.
    LowPass,
    /// What is above the corner frequency.
    HighPass,
    /// All but the notch frequency.
    Notch,
}

/// x' = A·x + B·u, y = C·x + D·u.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct StateSpace {
    /// Column by column.
    a: [f64; 4],
    b: [f64; 2],
    c: [f64; 2],
    d: f64,
}

/// A second-order filter.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Biquad {
    frequency_hz: f64,
    quality: f64,
    /// The cycle for which `matrices` are right; 0 before the first call.
    dt_ns: i64,
    matrices: StateSpace,
    x: [f64; 2],
    out: f64,
    kind: u8,
    primed: Flag,
    /// The frequency is too high for the cycle.
    capped: Flag,
    err: Flag,
    _pad: [u8; 4],
}

/// Highest frequency as a share of the sampling frequency. At a half the prewarping diverges.
const SHARE_MAX: f64 = 0.45;

impl StateSpace {
    /// `share`: frequency times cycle.
    fn design(kind: BiquadKind, share: f64, quality: f64) -> Self {
        let g = libm::tan(std::f64::consts::PI * share);
        let damping = 1.0 / quality;
        let a1 = 1.0 / (1.0 + g * (g + damping));
        let (a2, a3) = (g * a1, g * g * a1);
        // The band-pass output is a1·x0 − a2·x1 + a2·u, the low-pass output a2·x0 + (1 − a3)·x1 + a3·u.
        let (band, low) = ([a1, -a2, a2], [a2, 1.0 - a3, a3]);
        let [c0, c1, d] = match kind {
            BiquadKind::LowPass => low,
            BiquadKind::HighPass => {
                [-damping * band[0] - low[0], -damping * band[1] - low[1], 1.0 - damping * band[2] - low[2]]
            }
            BiquadKind::Notch => [-damping * band[0], -damping * band[1], 1.0 - damping * band[2]],
        };
        Self {
            a: [2.0 * a1 - 1.0, 2.0 * a2, -2.0 * a2, 1.0 - 2.0 * a3],
            b: [2.0 * a2, 2.0 * a3],
            c: [c0, c1],
            d,
        }
    }

    /// Next state and output.
    fn step(&self, x: [f64; 2], u: f64) -> ([f64; 2], f64) {
        let state = Vector2::from(x);
        let next = Matrix2::from_column_slice(&self.a) * state + Vector2::from(self.b) * u;
        let out = (RowVector2::from(self.c) * state).x + self.d * u;
        (next.into(), out)
    }
}

impl Biquad {
    /// With this corner or notch frequency in Hz and this quality.
    pub fn new(kind: BiquadKind, frequency_hz: f64, quality: f64) -> Self {
        let kind = match kind {
            BiquadKind::LowPass => 0,
            BiquadKind::HighPass => 1,
            BiquadKind::Notch => 2,
        };
        Self { frequency_hz, quality, kind, ..Self::zeroed() }
    }

    /// Once a cycle. Returns the output. The first call assumes that the input has always been so.
    pub fn run(&mut self, input: f64, dt_ns: i64) -> f64 {
        if dt_ns > 0 && dt_ns != self.dt_ns {
            self.design(dt_ns);
        }
        // In the steady state the band-pass integrator is at zero and the low-pass one at the input.
        let x = if self.primed.get() { self.x } else { [0.0, input] };
        let (next, out) = if dt_ns > 0 { self.matrices.step(x, input) } else { (x, self.still(x, input)) };
        let fine = all_finite(&[next[0], next[1], out]);
        self.err.set(!fine || self.capped.get());
        if fine {
            (self.x, self.out) = (next, out);
            self.primed.set(true);
        }
        self.out
    }

    /// Start from the next input again.
    pub fn reset(&mut self) {
        self.primed.set(false);
    }

    /// The output when no time has passed: as it is, or that of the steady state.
    fn still(&self, x: [f64; 2], input: f64) -> f64 {
        match (self.primed.get(), self.kind()) {
            (true, _) => self.out + 0.0 * input,
            (false, BiquadKind::HighPass) => 0.0 * input,
            (false, _) => x[1],
        }
    }

    fn design(&mut self, dt_ns: i64) {
        let share = self.frequency_hz * step_seconds(dt_ns);
        self.capped.set(share > SHARE_MAX);
        let share = if share > SHARE_MAX { SHARE_MAX } else { share };
        self.matrices = StateSpace::design(self.kind(), share, self.quality);
        self.dt_ns = dt_ns;
    }

    fn kind(&self) -> BiquadKind {
        match self.kind {
            0 => BiquadKind::LowPass,
            1 => BiquadKind::HighPass,
            _ => BiquadKind::Notch,
        }
    }
}

block! {
    /// Second-order low-pass filter with corner frequency F and quality Q (0.7071: Butterworth).
    ///
    /// Falls by 40 dB a decade above F. Bilinear transform, prewarped at F. The first call sets `OUT` to `IN`. F is capped at
    /// 0.45 of the sampling frequency, with `ERR` true. If `IN` is not finite, `OUT` is held and `ERR` true.
    LOWPASS: Biquad;
    pins {
        /// Output.
        output OUT: f64 = |block| block.out;
        /// `IN` is not finite, or F too high for the cycle.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Corner frequency.
        F: f64 ["Hz"] in 1e-6..=1e6,
        /// Quality.
        Q: f64 in 0.01..=1000.0 = std::f64::consts::FRAC_1_SQRT_2,
    ) = |_| Ok(Biquad::new(BiquadKind::LowPass, F, Q));
    methods {
        /// One step; returns `OUT`.
        every_cycle run(
            /// Input.
            IN: f64,
        ) -> f64 = |block, dt_ns| block.run(IN, dt_ns);
        /// Start from the next input again.
        command reset() = |block, _| block.reset();
    }
}

block! {
    /// Second-order high-pass filter with corner frequency F and quality Q (0.7071: Butterworth).
    ///
    /// Falls by 40 dB a decade below F. Bilinear transform, prewarped at F. The first call sets `OUT` to 0, as if `IN` had always
    /// been so. F is capped at 0.45 of the sampling frequency, with `ERR` true. If `IN` is not finite, `OUT` is held and
    /// `ERR` true.
    HIGHPASS: Biquad;
    pins {
        /// Output.
        output OUT: f64 = |block| block.out;
        /// `IN` is not finite, or F too high for the cycle.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Corner frequency.
        F: f64 ["Hz"] in 1e-6..=1e6,
        /// Quality.
        Q: f64 in 0.01..=1000.0 = std::f64::consts::FRAC_1_SQRT_2,
    ) = |_| Ok(Biquad::new(BiquadKind::HighPass, F, Q));
    methods {
        /// One step; returns `OUT`.
        every_cycle run(
            /// Input.
            IN: f64,
        ) -> f64 = |block, dt_ns| block.run(IN, dt_ns);
        /// Start from the next input again.
        command reset() = |block, _| block.reset();
    }
}

block! {
    /// Notch filter: removes the frequency F; its −3 dB width is F/Q. For mechanical resonances and mains hum.
    ///
    /// Bilinear transform, prewarped at F. The first call sets `OUT` to `IN`. F is capped at 0.45 of the sampling frequency, with
    /// `ERR` true. If `IN` is not finite, `OUT` is held and `ERR` true.
    NOTCH: Biquad;
    pins {
        /// Output.
        output OUT: f64 = |block| block.out;
        /// `IN` is not finite, or F too high for the cycle.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Frequency to remove.
        F: f64 ["Hz"] in 1e-6..=1e6,
        /// Quality: F over the −3 dB width.
        Q: f64 in 0.01..=1000.0 = 5.0,
    ) = |_| Ok(Biquad::new(BiquadKind::Notch, F, Q));
    methods {
        /// One step; returns `OUT`.
        every_cycle run(
            /// Input.
            IN: f64,
        ) -> f64 = |block, dt_ns| block.run(IN, dt_ns);
        /// Start from the next input again.
        command reset() = |block, _| block.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Complex, Normed};
    use proptest::prelude::*;
    use std::f64::consts::{PI, TAU};

    const KINDS: [BiquadKind; 3] = [BiquadKind::LowPass, BiquadKind::HighPass, BiquadKind::Notch];
    const STEP_NS: i64 = 1_000_000;
    const STEP_S: f64 = 0.001;

    /// The analogue transfer function at the frequency onto which the bilinear transform maps `frequency_hz`.
    fn analytic(kind: BiquadKind, corner_hz: f64, quality: f64, frequency_hz: f64) -> Complex<f64> {
        let s = Complex::new(0.0, libm::tan(PI * frequency_hz * STEP_S) / libm::tan(PI * corner_hz * STEP_S));
        let denominator = s * s + s / quality + 1.0;
        match kind {
            BiquadKind::LowPass => Complex::from(1.0) / denominator,
            BiquadKind::HighPass => s * s / denominator,
            BiquadKind::Notch => (s * s + 1.0) / denominator,
        }
    }

    /// Amplitude and phase of the settled answer to a sine, by correlation over whole periods (one second).
    fn measured(kind: BiquadKind, corner_hz: f64, quality: f64, frequency_hz: f64) -> Complex<f64> {
        let mut filter = Biquad::new(kind, corner_hz, quality);
        let mut sum = Complex::from(0.0);
        for step in 0..6000 {
            let angle = TAU * frequency_hz * f64::from(step) * STEP_S;
            let out = filter.run(libm::sin(angle), STEP_NS);
            if step >= 5000 {
                sum += Complex::new(libm::sin(angle), libm::cos(angle)) * out;
            }
        }
        sum * 2.0 / 1000.0
    }

    #[test]
    fn the_frequency_response_is_the_analytic_one() {
        for kind in KINDS {
            for (corner_hz, quality) in [(20.0, 0.7), (50.0, 5.0), (130.0, 0.5), (400.0, 2.0)] {
                for frequency_hz in [1.0, 7.0, 20.0, 49.0, 50.0, 51.0, 130.0, 250.0, 400.0, 480.0] {
                    let measured = measured(kind, corner_hz, quality, frequency_hz);
                    let analytic = analytic(kind, corner_hz, quality, frequency_hz);
                    assert!(
                        (measured - analytic).norm() < 1e-6,
                        "{kind:?} {corner_hz} Hz, Q {quality}, at {frequency_hz} Hz: {measured} instead of {analytic}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_notch_removes_its_frequency_and_butterworth_halves_the_power_at_the_corner() {
        assert!(measured(BiquadKind::Notch, 50.0, 5.0, 50.0).norm() < 1e-6);
        let root = libm::sqrt(0.5);
        assert!((measured(BiquadKind::LowPass, 50.0, root, 50.0).norm() - root).abs() < 1e-6);
        assert!((measured(BiquadKind::HighPass, 50.0, root, 50.0).norm() - root).abs() < 1e-6);
    }

    #[test]
    fn it_starts_in_the_steady_state_and_stays_there_for_every_cycle() {
        for (kind, expected) in KINDS.into_iter().zip([7.0, 0.0, 7.0]) {
            let mut filter = Biquad::new(kind, 50.0, 0.8);
            for dt_ns in [STEP_NS, STEP_NS, 5 * STEP_NS, STEP_NS, 0, -5, 3 * STEP_NS, STEP_NS] {
                assert!((filter.run(7.0, dt_ns) - expected).abs() < 1e-12, "{kind:?}");
                assert!(!filter.err.get());
            }
        }
    }

    #[test]
    fn bad_inputs_are_left_out_and_too_high_a_frequency_is_said() {
        let mut filter = Biquad::new(BiquadKind::LowPass, 50.0, 0.8);
        filter.run(1.0, STEP_NS);
        let held = filter.run(3.0, STEP_NS);
        let state = filter.x;
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(filter.run(bad, STEP_NS), held);
            assert_eq!((filter.err.get(), filter.x), (true, state));
        }
        filter.run(3.0, STEP_NS);
        assert!(!filter.err.get());
        // 50 Hz at 40 Hz: capped, still settled on its input.
        filter.run(3.0, 25_000_000);
        assert!(filter.err.get());
        filter.reset();
        assert_eq!(filter.run(-4.0, STEP_NS), -4.0);
    }

    /// The Audio EQ Cookbook's coefficients in direct form I.
    fn cookbook(kind: BiquadKind, corner_hz: f64, quality: f64, inputs: &[f64]) -> Vec<f64> {
        let angle = TAU * corner_hz * STEP_S;
        let (cos, alpha) = (libm::cos(angle), libm::sin(angle) / (2.0 * quality));
        let b = match kind {
            BiquadKind::LowPass => [(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0],
            BiquadKind::HighPass => [(1.0 + cos) / 2.0, -1.0 - cos, (1.0 + cos) / 2.0],
            BiquadKind::Notch => [1.0, -2.0 * cos, 1.0],
        };
        let (a0, a1, a2) = (1.0 + alpha, -2.0 * cos, 1.0 - alpha);
        let mut outputs: Vec<f64> = vec![];
        for now in 0..inputs.len() {
            let x = |back: usize| now.checked_sub(back).map_or(0.0, |i| inputs[i]);
            let y = |back: usize| now.checked_sub(back).map_or(0.0, |i| outputs[i]);
            outputs.push((b[0] * x(0) + b[1] * x(1) + b[2] * x(2) - a1 * y(1) - a2 * y(2)) / a0);
        }
        outputs
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]

        /// 30 × 400 samples for each kind.
        #[test]
        fn the_cookbook_agrees(
            corner_hz in 5.0..440.0, quality in 0.3..10.0,
            mut inputs in prop::collection::vec(-10.0..10.0, 400),
        ) {
            inputs[0] = 0.0; // both start at rest
            for kind in KINDS {
                let mut filter = Biquad::new(kind, corner_hz, quality);
                for (step, expected) in cookbook(kind, corner_hz, quality, &inputs).into_iter().enumerate() {
                    let out = filter.run(inputs[step], STEP_NS);
                    prop_assert!((out - expected).abs() < 1e-8, "{:?}, step {}: {} instead of {}", kind, step, out, expected);
                }
            }
        }
    }
}
