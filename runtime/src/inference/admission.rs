//! What a model costs in the cycle: operations are counted, and how long one takes is measured on models that are known.
//!
//! Never on the model itself: the longest of a few hundred runs says little about the longest of a year. A count does
//! not depend on luck, and the margin is for what a measurement cannot see.

use crate::bench::ai::families;
use sensai_fieldbus::clock;
use sensai_inference::{Engine, Plan};

/// What a run may take is what it should take, times this: cold caches, another load on the memory.
pub const MARGIN: f64 = 2.0;

/// Share of the interval that models may take.
pub const SHARE: f64 = 0.5;

/// Runs of each known model.
const RUNS: usize = 40;

/// Read between two runs, so that a model's weights are where they are after a cycle of other work: not in the caches of
/// its core.
const OTHER_WORK_BYTES: usize = 4 << 20;

/// What an operation takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Nanoseconds, of the known model that is dearest for its operations.
    pub ns_per_operation: f64,
}

/// What one model means for the cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// In one cycle.
    pub operations: u64,
    /// What they should take, ns.
    pub estimate_ns: f64,
    /// What they may take, ns.
    pub bound_ns: f64,
    /// Of the interval, by the bound.
    pub share: f64,
    /// The `slice` that keeps it within its share; `None` if its largest step alone is too long.
    pub slice: Option<u64>,
}

impl Cost {
    /// Measure it here: some ten milliseconds.
    pub fn calibrate() -> Self {
        let other = vec![1_u8; OTHER_WORK_BYTES];
        let costs = families::all().into_iter().filter_map(|family| of_family(&family.model, &other));
        Self { ns_per_operation: costs.fold(0.05, f64::max) }
    }
}

/// Nanoseconds an operation: the 90th percentile, so that an interrupt is not taken for the model's cost.
fn of_family(model: &[u8], other: &[u8]) -> Option<f64> {
    let mut plan = Plan::load(model).ok()?;
    let inputs: Vec<Vec<f32>> = plan.inputs().iter().map(|tensor| vec![0.5; tensor.len()]).collect();
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let mut times: Vec<u64> = (0..RUNS)
        .map(|_| {
            std::hint::black_box(other.iter().step_by(64).fold(0_u8, |sum, byte| sum ^ byte));
            let before = clock::monotonic_ns();
            // A failed run would make the model look cheap, and shows in the tests of the families.
            let begun = plan.begin(&slices);
            debug_assert!(begun.is_ok(), "{begun:?}");
            plan.run_slice(u64::MAX);
            clock::monotonic_ns() - before
        })
        .collect();
    times.sort_unstable();
    Some(times[RUNS * 9 / 10] as f64 / plan.operations().max(1) as f64)
}

impl Verdict {
    /// Of a plan that runs `slice` operations a cycle (0: all), at an interval.
    pub fn of(plan: &Plan, slice: u64, cost: Cost, interval_ns: u64) -> Self {
        let whole = plan.operations();
        let operations = if slice == 0 { whole } else { whole.min(slice.max(plan.largest_unit())) };
        let estimate_ns = operations as f64 * cost.ns_per_operation;
        let bound_ns = estimate_ns * MARGIN;
        let share = bound_ns / interval_ns.max(1) as f64;
        // A quarter of what is allowed: the slice leaves room for other models and for the programs.
        let fitting = SHARE / 2.0 * interval_ns as f64 / (MARGIN * cost.ns_per_operation);
        let slice = round_down(fitting as u64);
        Self {
            operations,
            estimate_ns,
            bound_ns,
            share,
            slice: (slice >= plan.largest_unit().max(1)).then_some(slice),
        }
    }

    /// It leaves enough of the interval.
    pub fn is_admitted(&self) -> bool {
        self.share <= SHARE
    }
}

/// To two digits: what people write.
fn round_down(number: u64) -> u64 {
    let step = number.checked_ilog10().map_or(1, |digits| 10_u64.pow(digits.saturating_sub(1)));
    number / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_admitted_by_its_count_and_gets_a_slice_that_fits() {
        let family = families::all().into_iter().find(|family| family.name == "gru").expect("it is there");
        let plan = Plan::load(&family.model).unwrap();
        let cost = Cost { ns_per_operation: 1.0 };
        let whole = plan.operations();
        // Exactly half of the interval with the margin.
        let interval = 4 * whole;
        let verdict = Verdict::of(&plan, 0, cost, interval);
        assert!(verdict.is_admitted() && verdict.operations == whole, "{verdict:?}");
        let verdict = Verdict::of(&plan, 0, cost, interval - 4);
        assert!(!verdict.is_admitted(), "{verdict:?}");
        let slice = verdict.slice.expect("it can be divided");
        let sliced = Verdict::of(&plan, slice, cost, interval - 4);
        assert!(sliced.is_admitted() && sliced.operations <= slice, "{sliced:?}");
        // The interval is shorter than the largest step.
        assert_eq!(Verdict::of(&plan, 0, cost, plan.largest_unit()).slice, None);
    }

    #[test]
    fn what_is_written_is_round() {
        assert_eq!([0, 7, 42, 128, 99_999].map(round_down), [0, 7, 42, 120, 99_000]);
    }

    #[test]
    fn this_computer_has_a_cost() {
        let cost = Cost::calibrate().ns_per_operation;
        assert!((0.01..1000.0).contains(&cost), "{cost} ns an operation");
    }
}
