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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POINTS: [(f64, f64); 4] = [(-1.0, 10.0), (0.0, 20.0), (2.0, 0.0), (10.0, 0.3)];

    fn table(extrapolate: bool) -> Table {
        Table::new(extrapolate, POINTS.into_iter()).unwrap()
    }

    #[test]
    fn points_come_out_exactly_and_lines_lie_between() {
        for extrapolate in [false, true] {
            let mut block = table(extrapolate);
            for (x, y) in POINTS {
                assert_eq!((block.run(x), block.outside.get()), (y, false), "x = {x}");
            }
            assert_eq!([-0.5, 0.5, 1.0, 6.0].map(|x| block.run(x)), [15.0, 15.0, 10.0, 0.15]);
        }
    }

    #[test]
    fn beyond_the_ends_it_stays_or_goes_on() {
        let (mut stays, mut goes_on) = (table(false), table(true));
        assert_eq!((stays.run(-3.0), stays.outside.get()), (10.0, true));
        assert_eq!((stays.run(1e300), stays.outside.get()), (0.3, true));
        assert_eq!((goes_on.run(-3.0), goes_on.outside.get()), (-10.0, true));
        assert!((goes_on.run(18.0) - 0.6).abs() < 1e-12);
        assert!(goes_on.outside.get());
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!((stays.run(bad), stays.err.get()), (0.3, true));
        }
        assert_eq!((stays.run(0.0), stays.err.get(), stays.outside.get()), (20.0, false, false));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let refuse =
            |points: &[(f64, f64)]| Table::new(false, points.iter().copied()).unwrap_err().to_string();
        assert_eq!(refuse(&[(0.0, 1.0)]), "TABLE: 3 arguments, expected 5 to 65 in steps of 2");
        assert_eq!(refuse(&[(0.0, 1.0), (0.0, 2.0)]), "TABLE: x of point 2 is 0, expected more than 0");
        assert_eq!(
            refuse(&[(0.0, 1.0), (2.0, 2.0), (1.0, 0.0)]),
            "TABLE: x of point 3 is 1, expected more than 2"
        );
        assert_eq!(
            refuse(&[(0.0, 1.0), (1.0, f64::NAN)]),
            "TABLE: argument Y is NaN, expected a finite number"
        );
        let long: Vec<_> = (0..33).map(|i| (f64::from(i), 0.0)).collect();
        assert_eq!(refuse(&long), "TABLE: 67 arguments, expected 5 to 65 in steps of 2");
        assert!(Table::new(false, long[..32].iter().copied()).is_ok());
    }

    proptest! {
        /// A search from the left over the written-down points, and the two-point form of the line.
        #[test]
        fn a_linear_search_agrees(
            steps in prop::collection::vec((0.01..5.0, -100.0..100.0), 2..33),
            inputs in prop::collection::vec(-10.0..170.0, 100),
        ) {
            let mut x = -5.0;
            let points: Vec<(f64, f64)> = steps.into_iter().map(|(step, y)| { x += step; (x, y) }).collect();
            let mut block = Table::new(false, points.iter().copied()).unwrap();
            for input in inputs {
                let expected = match points.windows(2).find(|pair| (pair[0].0..=pair[1].0).contains(&input)) {
                    Some(pair) => {
                        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
                        y0 + (y1 - y0) * (input - x0) / (x1 - x0)
                    }
                    None if input < points[0].0 => points[0].1,
                    None => points[points.len() - 1].1,
                };
                prop_assert!((block.run(input) - expected).abs() < 1e-9);
            }
        }
    }
}
