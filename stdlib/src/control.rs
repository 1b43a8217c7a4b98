//! Blocks for measured and controlled values: controllers, filters, estimators, statistics, curves.

mod biquad;
pub mod hysteresis;
mod kalman;
mod lag;
mod linfit;
mod moving;
mod pid;
pub mod ramp;
mod table;

pub use biquad::{Biquad, BiquadKind, HIGHPASS, LOWPASS, NOTCH};
pub use hysteresis::{HYSTERESIS, Hysteresis};
pub use kalman::{KALMAN, Kalman};
pub use lag::{LAG1, Lag1};
pub use linfit::{LINFIT, Linfit};
pub use moving::{MOVING, Moving};
pub use pid::{PID, Pid, PidSettings};
pub use ramp::{RAMP, Ramp};
pub use table::{TABLE, Table};
