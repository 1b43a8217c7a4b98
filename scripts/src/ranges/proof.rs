//! What is proven for the code generator: whatever state and tags are restored.

use super::{
    Analysis, Where,
    facts::{Facts, Site, Turns},
    outside::Trust,
    value::Known,
};
use crate::{
    ScriptEnvironment,
    hir::{ExprId, FunctionId, Hir, Statement},
    proofs::{Check, Proofs},
};

/// Proofs about one program.
#[derive(Clone, Debug)]
pub struct Proven {
    functions: Vec<Facts>,
    #[cfg(test)]
    steps: u64,
}

/// Find out which checks of a program never fail.
///
/// Nothing is taken for granted of the state that a cycle begins with, and of tags only their types: a log or a file may
/// bring any. What is taken for granted: parameters are finite and in their ranges, and calls come from
/// [`Hir::init`], [`Hir::cycle`] and [`Hir::migrate`].
pub fn prove(hir: &Hir, environment: &ScriptEnvironment<'_>) -> Proven {
    let mut analysis = Analysis::new(hir, environment, Trust::Checked);
    let entries = [Some(hir.init), Some(hir.cycle), hir.migrate];
    analysis.record(entries.into_iter().flatten().map(|entry| (entry, Where::Unknown)));
    Proven {
        #[cfg(test)]
        steps: analysis.steps,
        functions: analysis.facts,
    }
}

impl Proven {
    #[cfg(test)]
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn facts(&self, function: FunctionId) -> Option<&Facts> {
        self.functions.get(function.index())
    }

    /// How often a loop turns; none: it is never reached.
    pub fn loop_turns(&self, function: FunctionId, statement: &Statement) -> Option<Turns> {
        self.facts(function)?.loop_turns(statement.span.start)
    }

    /// What an expression can be; none: it is no scalar or text, or never evaluated to its end.
    pub fn known(&self, function: FunctionId, expr: ExprId) -> Option<&Known> {
        self.facts(function)?.known(expr)
    }
}

impl Proofs for Proven {
    fn holds(&self, function: FunctionId, check: Check) -> bool {
        let (expr, site) = match check {
            Check::Operation(expr) => (expr, Site::Operation),
            Check::Index(expr) => (expr, Site::Index),
            Check::Assignment(expr) => (expr, Site::Assignment),
            Check::Store(expr) => (expr, Site::Store),
        };
        self.facts(function).is_some_and(|facts| facts.holds(expr, site))
    }

    fn integers(&self, function: FunctionId, expr: ExprId) -> Option<(i64, i64)> {
        let range = self.known(function, expr)?.int()?;
        Some((range.low(), range.high()))
    }

    fn turns(&self, function: FunctionId, start: u32) -> Option<u64> {
        // A loop that is never reached does not turn.
        self.facts(function)?.loop_turns(start).map_or(Some(0), |turns| turns.most)
    }

    fn finite(&self, function: FunctionId, expr: ExprId) -> bool {
        matches!(self.known(function, expr), Some(Known::Float(range)) if range.is_finite())
    }
}
