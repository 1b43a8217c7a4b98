//! Interpolation table.

use crate::{
    BlockError, Flag,
    number::{all_finite, lerp},
    registry::block,
};
use bytemuck::{Pod, Zeroable};
use sensai_model::Value;

/// Most points.
const CAPACITY: usize = 32;

/// Straight lines between points.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Table {
    x: [f64; CAPACITY],
    y: [f64; CAPACITY],
    out: f64,
    count: u16,
    extrapolate: Flag,
    outside: Flag,
    err: Flag,
    _pad: [u8; 3],
}

impl Table {
    /// Through these points, 2 to 32; beyond the ends it goes straight on, or stays.
    ///
    /// # Errors
    /// If there are too few or too many points, one is not finite, or x does not rise from each point to the next.
    pub fn new(extrapolate: bool, points: impl Iterator<Item = (f64, f64)>) -> Result<Self, BlockError> {
        let callee = "TABLE";
        let mut table = Self { extrapolate: extrapolate.into(), ..Self::zeroed() };
        let mut count = 0_usize;
        for (x, y) in points {
            for (argument, number) in [("X", x), ("Y", y)] {
                if !number.is_finite() {
                    return Err(BlockError::NotFinite { callee, argument, actual: Value::F64(number) });
                }
            }
            if let Some(previous) = count.checked_sub(1).and_then(|last| table.x.get(last).copied())
                && x <= previous
            {
                return Err(BlockError::NotIncreasing { callee, point: count + 1, previous, actual: x });
            }
            if let (Some(to_x), Some(to_y)) = (table.x.get_mut(count), table.y.get_mut(count)) {
                (*to_x, *to_y) = (x, y);
            }
            count += 1;
        }
        if !(2..=CAPACITY).contains(&count) {
            let (min, max) = (1 + 2 * 2, 1 + 2 * CAPACITY);
            return Err(BlockError::ArgumentCount { callee, min, max, step: 2, actual: 1 + 2 * count });
        }
        table.count = count as u16;
        Ok(table)
    }

    /// The curve at `input`.
    pub fn run(&mut self, input: f64) -> f64 {
        let (out, outside) = self.look_up(input);
        let fine = all_finite(&[input, out]);
        self.err.set(!fine);
        if fine {
            self.out = out;
            self.outside.set(outside);
        }
        self.out
    }

    fn look_up(&self, input: f64) -> (f64, bool) {
        let count = usize::from(self.count).clamp(2, CAPACITY);
        let (x, y) = (&self.x[..count], &self.y[..count]);
        let outside = input < x[0] || input > x[count - 1];
        if outside && !self.extrapolate.get() {
            return (if input < x[0] { y[0] } else { y[count - 1] }, true);
        }
        // The piece that ends at the first point beyond the input; the first or last one outside.
        let end = x.partition_point(|x| *x <= input).clamp(1, count - 1);
        let share = (input - x[end - 1]) / (x[end] - x[end - 1]);
        (lerp(y[end - 1], y[end], share), outside)
    }
}

/// Values in pairs; the registry has checked that they are floats.
fn pairs(values: &[Value]) -> impl Iterator<Item = (f64, f64)> {
    let number = |value: &Value| if let Value::F64(number) = value { *number } else { f64::NAN };
    values.chunks_exact(2).map(move |pair| (number(&pair[0]), number(&pair[1])))
}

block! {
    /// Interpolation table: straight lines between up to 32 points, for calibration curves and cams.
    ///
    /// `TABLE(false, 0.0, 4.0, 10.0, 20.0)` maps 0 to 10 onto 4 to 20 and stays at 4 and 20 beyond. x has to rise from each point
    /// to the next; the points come out exactly. If `IN` is not finite, `OUT` is held and `ERR` true.
    TABLE: Table;
    pins {
        /// Curve at `IN`.
        output OUT: f64 = |block| block.out;
        /// `IN` is below the first or above the last point.
        output OUTSIDE: bool = |block| block.outside.get();
        /// `IN` is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Beyond the ends: go straight on, instead of staying at the end's value.
        EXTRAPOLATE: bool,
    ) repeated(2..=32;
        /// x of a point; more than that of the point before.
        X: f64,
        /// y of the point.
        Y: f64,
    ) = |values| Table::new(EXTRAPOLATE, pairs(values.repeated()));
    methods {
        /// Look up; returns `OUT`.
        every_cycle run(
            /// Where on the curve.
            IN: f64,
        ) -> f64 = |block, _| block.run(IN);
    }
}
