//! Position and velocity from noisy positions.

use crate::{Flag, number::all_finite, registry::block, time::step_seconds};
use bytemuck::{Pod, Zeroable};
use nalgebra::{Matrix2, RowVector2, Vector2};

/// Kalman filter with a constant-velocity model and a 2 × 2 covariance.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Kalman {
    /// Spectral density of the acceleration, unit²/s³.
    noise: f64,
    /// Variance of a measurement.
    variance: f64,
    /// Variance of the velocity before anything is known.
    velocity_variance: f64,
    /// Position and velocity.
    x: [f64; 2],
    /// Covariance, column by column.
    p: [f64; 4],
    innovation: f64,
    ready: Flag,
    err: Flag,
    _pad: [u8; 6],
}

/// What the filter believes.
#[derive(Clone, Copy)]
struct Belief {
    x: Vector2<f64>,
    p: Matrix2<f64>,
}

impl Belief {
    /// `dt` later. The noise is that of white acceleration in continuous time: two short steps equal a long one.
    fn predict(self, noise: f64, dt: f64) -> Self {
        let f = Matrix2::new(1.0, dt, 0.0, 1.0);
        let (dt2, dt3) = (dt * dt / 2.0, dt * dt * dt / 3.0);
        let q = Matrix2::new(dt3, dt2, dt2, dt) * noise;
        Self { x: f * self.x, p: f * self.p * f.transpose() + q }
    }

    /// After a measurement; also its innovation. Joseph's form keeps the covariance positive.
    fn correct(self, measured: f64, variance: f64) -> (Self, f64) {
        let h = RowVector2::new(1.0, 0.0);
        let innovation = measured - self.x.x;
        let gain = self.p * h.transpose() / (self.p.m11 + variance);
        let rest = Matrix2::identity() - gain * h;
        let p = rest * self.p * rest.transpose() + gain * gain.transpose() * variance;
        (Self { x: self.x + gain * innovation, p: (p + p.transpose()) * 0.5 }, innovation)
    }

    fn is_finite(&self) -> bool {
        all_finite(self.x.as_slice()) && all_finite(self.p.as_slice())
    }
}

impl Kalman {
    /// `noise`: spectral density of the acceleration in unit²/s³; `sigma`, `velocity_sigma`: standard deviations of a
    /// measurement and of the velocity at first.
    pub fn new(noise: f64, sigma: f64, velocity_sigma: f64) -> Self {
        Self {
            noise,
            variance: sigma * sigma,
            velocity_variance: velocity_sigma * velocity_sigma,
            ..Self::zeroed()
        }
    }

    /// Once a cycle. Returns the position. Without a valid measurement it coasts.
    pub fn run(&mut self, measured: f64, valid: bool, dt_ns: i64) -> f64 {
        let usable = valid && measured.is_finite();
        self.err.set(valid && !usable);
        let next = match (self.ready.get(), usable) {
            (false, false) => return self.x[0],
            (false, true) => {
                let p = Matrix2::new(self.variance, 0.0, 0.0, self.velocity_variance);
                (Belief { x: Vector2::new(measured, 0.0), p }, 0.0)
            }
            (true, false) => (self.predicted(dt_ns), 0.0),
            (true, true) => self.predicted(dt_ns).correct(measured, self.variance),
        };
        self.adopt(next);
        self.x[0]
    }

    fn predicted(&self, dt_ns: i64) -> Belief {
        Belief { x: self.x.into(), p: Matrix2::from_column_slice(&self.p) }
            .predict(self.noise, step_seconds(dt_ns))
    }

    fn adopt(&mut self, (belief, innovation): (Belief, f64)) {
        if belief.is_finite() && innovation.is_finite() {
            self.x = belief.x.into();
            self.p.copy_from_slice(belief.p.as_slice());
            self.innovation = innovation;
            self.ready.set(true);
        } else {
            self.err.set(true);
        }
    }

    /// Forget everything; the next valid measurement is the first.
    pub fn reset(&mut self) {
        self.ready.set(false);
        self.x = [0.0; 2];
        self.p = [0.0; 4];
        self.innovation = 0.0;
    }
}

block! {
    /// Position and velocity from noisy positions: a Kalman filter whose model is a constant velocity that white
    /// acceleration noise disturbs.
    ///
    /// - `Q` says how lively the motion is: spectral density of the acceleration, in unit²/s³. Larger follows faster.
    /// - `R` is the standard deviation of one measurement.
    ///
    /// With `VALID` false the filter coasts: the position moves on with the last velocity, and `SIGMA` grows. The first valid
    /// measurement sets the position. If `Z` is not finite although `VALID`, it coasts as well and `ERR` is true.
    KALMAN: Kalman;
    pins {
        /// Position.
        output POS: f64 = |block| block.x[0];
        /// Velocity per second.
        output VEL: f64 ["/s"] = |block| block.x[1];
        /// Standard deviation of the position.
        output SIGMA: f64 = |block| libm::sqrt(crate::number::limit(block.p[0], 0.0, f64::MAX));
        /// Measurement less prediction; 0 while coasting.
        output INNOVATION: f64 = |block| block.innovation;
        /// There has been a valid measurement.
        output READY: bool = |block| block.ready.get();
        /// `Z` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Spectral density of the acceleration, unit²/s³.
        Q: f64 in 0.0..=1e12,
        /// Standard deviation of a measurement.
        R: f64 in 1e-12..=1e12,
        /// Standard deviation of the velocity before anything is known.
        V0: f64 ["/s"] in 0.0..=1e12 = 1000.0,
    ) = |_| Ok(Kalman::new(Q, R, V0));
    methods {
        /// One step; returns `POS`.
        every_cycle run(
            /// Measured position.
            Z: f64,
            /// The measurement is good.
            VALID: bool,
        ) -> f64 = |block, dt_ns| block.run(Z, VALID, dt_ns);
        /// Forget everything.
        command reset() = |block, _| block.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};
    use proptest::prelude::*;

    const STEP_NS: i64 = 1_000_000;

    /// The textbook's equations on matrices of any size; the covariance update is the short form.
    struct Dynamic {
        x: DVector<f64>,
        p: DMatrix<f64>,
    }

    impl Dynamic {
        fn run(&mut self, measured: Option<f64>, q: f64, r: f64, dt: f64) {
            let f = DMatrix::from_row_slice(2, 2, &[1.0, dt, 0.0, 1.0]);
            let noise =
                DMatrix::from_row_slice(2, 2, &[dt * dt * dt / 3.0, dt * dt / 2.0, dt * dt / 2.0, dt]);
            self.x = &f * &self.x;
            self.p = &f * &self.p * f.transpose() + noise * q;
            let Some(measured) = measured else { return };
            let h = DMatrix::from_row_slice(1, 2, &[1.0, 0.0]);
            let s = &h * &self.p * h.transpose() + DMatrix::from_element(1, 1, r * r);
            let gain = &self.p * h.transpose() * s.try_inverse().unwrap();
            let innovation = DVector::from_element(1, measured) - &h * &self.x;
            self.x += &gain * innovation;
            self.p = (DMatrix::identity(2, 2) - &gain * &h) * &self.p;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// 24 × 500 calls, with gaps and irregular cycles.
        #[test]
        fn dynamic_matrices_agree(
            q in 1.0..1e4, r in 0.001..1.0,
            calls in prop::collection::vec((-1.0..1.0, 0_u8..6, 1_i64..5), 500),
        ) {
            let mut block = Kalman::new(q, r, 100.0);
            let first = 5.0;
            block.run(first, true, STEP_NS);
            let mut dynamic = Dynamic {
                x: DVector::from_row_slice(&[first, 0.0]),
                p: DMatrix::from_diagonal(&DVector::from_row_slice(&[r * r, 1e4])),
            };
            let mut position = first;
            for (step, (noise, gap, cycles)) in calls.into_iter().enumerate() {
                position += 0.02;
                let measured = (gap > 0).then_some(position + noise * r);
                block.run(measured.unwrap_or(f64::NAN), measured.is_some(), cycles * STEP_NS);
                dynamic.run(measured, q, r, cycles as f64 * 0.001);
                for (ours, theirs, scale) in [
                    (block.x[0], dynamic.x[0], 10.0),
                    (block.x[1], dynamic.x[1], 100.0),
                    (block.p[0], dynamic.p[(0, 0)], dynamic.p[(0, 0)]),
                    (block.p[1], dynamic.p[(1, 0)], dynamic.p[(1, 1)]),
                    (block.p[3], dynamic.p[(1, 1)], dynamic.p[(1, 1)]),
                ] {
                    prop_assert!((ours - theirs).abs() < 1e-7 * scale, "step {}: {} instead of {}", step, ours, theirs);
                }
                prop_assert!(block.p[0] > 0.0 && block.p[0] * block.p[3] > block.p[1] * block.p[2]);
                prop_assert_eq!(block.p[1], block.p[2]);
            }
        }

        #[test]
        fn two_short_predictions_equal_a_long_one(a in 1_i64..1 << 30, b in 1_i64..1 << 30, q in 0.0..100.0) {
            let mut start = Kalman::new(q, 0.1, 10.0);
            start.run(1.0, true, 0);
            start.run(1.5, true, 100_000_000);
            let (mut cut, mut whole) = (start, start);
            cut.run(0.0, false, a);
            cut.run(0.0, false, b);
            whole.run(0.0, false, a + b);
            for (cut, whole) in cut.x.iter().chain(&cut.p).zip(whole.x.iter().chain(&whole.p)) {
                prop_assert!((cut - whole).abs() <= 1e-9 * whole.abs().max(1.0), "{} {}", cut, whole);
            }
        }
    }

    #[test]
    fn a_straight_motion_is_found_under_noise_and_carried_on_without_measurements() {
        let mut noise = crate::twin::Noise::new(7);
        let mut block = Kalman::new(1.0, 0.05, 1000.0);
        for step in 0..2000 {
            block.run(3.0 + 0.08 * f64::from(step) + noise.gauss(0.0, 0.05), true, STEP_NS);
        }
        // 0.08 a millisecond.
        assert!((block.x[1] - 80.0).abs() < 1.0, "{}", block.x[1]);
        assert!((block.x[0] - (3.0 + 0.08 * 1999.0)).abs() < 0.05);
        let (position, sigma) = (block.x[0], block.p[0]);
        for _ in 0..100 {
            block.run(f64::NAN, false, STEP_NS);
            assert!(!block.err.get());
        }
        assert!((block.x[0] - position - 8.0).abs() < 0.1);
        assert!(block.p[0] > sigma);
    }

    #[test]
    fn it_waits_for_the_first_valid_measurement() {
        let mut block = Kalman::new(1.0, 0.05, 1000.0);
        assert_eq!(block.run(5.0, false, STEP_NS), 0.0);
        assert_eq!(block.run(f64::NAN, true, STEP_NS), 0.0);
        assert!(block.err.get() && !block.ready.get());
        assert_eq!(block.run(5.0, true, STEP_NS), 5.0);
        assert!(!block.err.get() && block.ready.get());
        block.reset();
        assert_eq!((block.run(9.0, true, STEP_NS), block.x[1]), (9.0, 0.0));
    }
}
