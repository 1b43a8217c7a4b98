//! The Rhai engine: nothing in it but what is registered here.

use super::{ai, axis, block, fault, functions, host, host::Host, operators, unit};
use crate::environment::{FUNCTIONS_MAX, TEXT_MAX, VALUES_MAX, VARIABLES_MAX};
use rhai::{Dynamic, Engine, OptimizationLevel};
use sensai_model::cell::Limits;
use std::rc::Rc;

/// An engine that can parse programs, but not run them: for checks of the text.
pub(crate) fn parser() -> Engine {
    let mut engine = Engine::new_raw();
    engine
        .set_optimization_level(OptimizationLevel::None)
        .set_fast_operators(false)
        // The front end has refused what is nested too deeply; Rhai counts levels by rules of its own.
        .set_max_expr_depths(0, 0)
        .set_max_functions(FUNCTIONS_MAX)
        .set_max_variables(VARIABLES_MAX)
        .set_max_modules(0)
        .set_max_string_size(TEXT_MAX)
        .set_max_array_size(VALUES_MAX as usize)
        .set_max_map_size(VALUES_MAX as usize)
        .set_fail_on_invalid_map_property(true);
    engine
}

/// An engine for one program, in a cell with these models.
pub(crate) fn engine(host: &Rc<Host>, limits: &Limits, models: &[&str]) -> Engine {
    let mut engine = parser();
    // `max_operations` of Rhai counts operations, we count work; the callback stops both.
    let progress = Rc::clone(host);
    engine
        .set_max_operations(0)
        .set_max_call_levels(limits.call_depth)
        .on_progress(move |operations| progress.progress(operations).then_some(Dynamic::UNIT));
    operators::register(&mut engine, host);
    functions::register(&mut engine, host);
    block::register(&mut engine, host);
    axis::register(&mut engine, host);
    ai::register(&mut engine, host, models);
    unit::register(&mut engine, host);
    host::register(&mut engine, host);
    // With fast operators, Rhai would use its own comparisons instead of the registered ones.
    assert!(!engine.fast_operators());
    engine
}

/// The limits as error texts name them.
pub(crate) fn bounds(limits: &Limits) -> fault::Bounds {
    fault::Bounds {
        operations: limits.operations,
        weight: 1,
        call_depth: limits.call_depth,
        variables: VARIABLES_MAX,
    }
}
