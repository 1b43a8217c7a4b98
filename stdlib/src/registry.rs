//! Every block and library function, described and callable without knowing its Rust type.
//!
//! A tier asks [`blocks`] and [`functions()`], registers what it finds, and calls through the descriptions: state is a
//! slice of bytes of [`BlockType::size`], arguments and results are [`Value`](sensai_model::Value)s. Types are strict: an `i64` is never
//! taken for an `f64`. The functions behind the descriptions are the same for every tier.

mod description;
pub mod functions;
pub mod handle;
mod macros;
pub mod markdown;
mod scalar;

pub use description::{Argument, BlockType, Constructor, Direction, Method, MethodKind, Pin, Repeated};
pub use functions::{Function, functions};
pub use handle::AXIS;

pub(crate) use macros::{arguments, bind, block, native, scalar_type, value};
pub(crate) use scalar::{Arguments, Outcome, Scalar, finish, inspect, operate};

use crate::{bistable, control, counters, edges, timers, twin};

/// Every block, by group.
static BLOCKS: &[BlockType] = &[
    timers::TON,
    timers::TOF,
    timers::TP,
    counters::CTU,
    counters::CTD,
    counters::CTUD,
    edges::R_TRIG,
    edges::F_TRIG,
    bistable::SR,
    bistable::RS,
    control::PID,
    control::RAMP,
    control::HYSTERESIS,
    control::LAG1,
    control::LOWPASS,
    control::HIGHPASS,
    control::NOTCH,
    control::KALMAN,
    control::LINFIT,
    control::MOVING,
    control::TABLE,
    twin::CYLINDER,
    twin::SPRING_PART,
    twin::ELASTIC_PLASTIC,
    twin::MASS,
    twin::SPRING_DAMPER,
    twin::CONVEYOR,
    twin::VALVE,
    twin::THERMAL_MASS,
    twin::SENSOR,
    twin::NOISE,
];

/// Every block, by group: timers, counters, edges, bistables, control, twin.
pub fn blocks() -> &'static [BlockType] {
    BLOCKS
}

/// The block of this name, as scripts write it.
pub fn find(name: &str) -> Option<&'static BlockType> {
    BLOCKS.iter().find(|block| block.name == name)
}
