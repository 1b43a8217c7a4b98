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
