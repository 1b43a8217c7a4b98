//! The tool of `numeric.rhai` as one would write it in Rust.

use super::pins;
use sensai_stdlib::control::{Biquad, BiquadKind, Lag1, Moving, Pid, PidSettings};

pins! {
    /// What the sensors and the operator say.
    pub struct Inputs {
        temperature: f64,
        pressure: f64,
        setpoint: f64,
        automatic: bool,
        manual: f64,
        place_x: f64,
        place_y: f64,
        height: f64,
    }
}

pins! {
    /// What comes of it.
    pub struct Outputs {
        smooth: f64,
        notched: f64,
        lagged: f64,
        mean: f64,
        sigma: f64,
        largest: f64,
        heat: f64,
        x: f64,
        vx: f64,
        y: f64,
        vy: f64,
        trace: f64,
        tool_x: f64,
        tool_y: f64,
        tool_z: f64,
    }
}

const ACCELERATION: f64 = 0.01;
const SENSOR: f64 = 0.25;

/// 3-4-5: a rotation without a sine.
const TURN: [[f64; 3]; 3] = [[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];

type Matrix = [[f64; 4]; 4];

/// The tool.
pub struct Program {
    low: Biquad,
    notch: Biquad,
    lag: Lag1,
    window: Moving,
    heater: Pid,
    x: [f64; 4],
    p: Matrix,
    a: Matrix,
}

impl Program {
    /// At the first cycle, with cycles of this length.
    pub fn new(dt_s: f64) -> Self {
        let settings = PidSettings {
            kp: 2.0,
            ti_s: 0.5,
            td_s: 0.05,
            low: 0.0,
            high: 100.0,
            n: 8.0,
            b: 1.0,
            direct: false.into(),
            _pad: [0; 7],
        };
        let diagonal = |value: f64| {
            let mut matrix = [[0.0; 4]; 4];
            for (i, row) in matrix.iter_mut().enumerate() {
                row[i] = value;
            }
            matrix
        };
        let mut a = diagonal(1.0);
        a[0][1] = dt_s;
        a[2][3] = dt_s;
        Self {
            low: Biquad::new(BiquadKind::LowPass, 40.0, std::f64::consts::FRAC_1_SQRT_2),
            notch: Biquad::new(BiquadKind::Notch, 100.0, 5.0),
            lag: Lag1::new(0.020),
            window: Moving::new(32),
            // Its limits do not cross.
            heater: Pid::new(settings).unwrap_or_else(|_| bytemuck::Zeroable::zeroed()),
            x: [0.0; 4],
            p: diagonal(100.0),
            a,
        }
    }

    /// One cycle.
    pub fn cycle(&mut self, io: &Inputs, out: &mut Outputs, dt_ns: i64) {
        let temperature = self.low.run(io.temperature, dt_ns);
        let pressure = self.notch.run(io.pressure, dt_ns);
        out.smooth = temperature;
        out.notched = pressure;
        out.lagged = self.lag.run(pressure, dt_ns);
        out.mean = self.window.run(io.pressure);
        out.sigma = self.window.sigma();
        out.largest = self.window.max();
        out.heat = self.heater.run(io.setpoint, temperature, io.automatic, io.manual, dt_ns);
        self.predict();
        self.measure(0, io.place_x);
        self.measure(2, io.place_y);
        [out.x, out.vx, out.y, out.vy] = self.x;
        out.trace = (0..4).fold(0.0, |sum, i| sum + self.p[i][i]);
        [out.tool_x, out.tool_y, out.tool_z] =
            TURN.map(|row| row[0] * self.x[0] + row[1] * self.x[2] + row[2] * io.height);
    }

    /// x := A·x, P := A·P·Aᵀ + Q
    fn predict(&mut self) {
        let (a, p, x) = (&self.a, &self.p, &self.x);
        let x = std::array::from_fn(|i| dot(&a[i], x));
        let ap: Matrix = std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..4).fold(0.0, |sum, k| sum + a[i][k] * p[k][j]))
        });
        let mut p: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| dot(&ap[i], &a[j])));
        for (i, row) in p.iter_mut().enumerate() {
            row[i] += ACCELERATION;
        }
        (self.x, self.p) = (x, p);
    }

    /// One position: row m of the state.
    fn measure(&mut self, m: usize, z: f64) {
        let innovation = z - self.x[m];
        let share = 1.0 / (self.p[m][m] + SENSOR);
        let gain = self.p.map(|row| row[m] * share);
        let row = self.p[m];
        for (i, gain) in gain.into_iter().enumerate() {
            self.x[i] += gain * innovation;
            for (p, value) in self.p[i].iter_mut().zip(row) {
                *p -= gain * value;
            }
        }
    }
}

fn dot(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}
