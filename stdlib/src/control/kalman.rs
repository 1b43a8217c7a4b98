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
