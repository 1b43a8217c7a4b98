//! What an analysis found out about one function: what holds in all its calls together.

use super::value::Known;
use crate::hir::ExprId;
use std::collections::BTreeMap;

/// Which check of an expression, and how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// Of the operation that the expression is.
    Operation,
    /// Of the index that it gives.
    Index,
    /// Of the operator of the assignment that it is the right side of.
    Assignment,
    /// Of the tag that it is stored into.
    Store,
}

/// How often a loop runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// At least, if it is not left before.
    pub least: u64,
    /// At most; none: not known.
    pub most: Option<u64>,
}

/// About one function.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Of scalars and texts; none: never evaluated to the end.
    values: Vec<Option<Known>>,
    /// Bits of [`Site`]s, and [`Facts::REACHED`].
    bits: Vec<u16>,
    /// What assignments store, by their right side.
    stored: BTreeMap<ExprId, Known>,
    /// Loops, by where their statement begins.
    turns: BTreeMap<u32, Turns>,
}

impl Turns {
    fn join(self, other: Self) -> Self {
        let most = self.most.zip(other.most).map(|(a, b)| a.max(b));
        Self { least: self.least.min(other.least), most }
    }
}

impl Facts {
    const REACHED: u16 = 1 << 8;

    pub fn new(exprs: usize) -> Self {
        Self {
            values: vec![None; exprs],
            bits: vec![0; exprs],
            stored: BTreeMap::new(),
            turns: BTreeMap::new(),
        }
    }

    const fn fails(site: Site) -> u16 {
        1 << (site as u16 * 2)
    }

    const fn works(site: Site) -> u16 {
        1 << (site as u16 * 2 + 1)
    }

    fn bit(&self, expr: ExprId, bit: u16) -> bool {
        self.bits.get(expr.index()).is_some_and(|bits| bits & bit != 0)
    }

    fn mark(&mut self, expr: ExprId, bit: u16) {
        if let Some(bits) = self.bits.get_mut(expr.index()) {
            *bits |= bit;
        }
    }

    /// Its evaluation begins.
    pub fn reach(&mut self, expr: ExprId) {
        self.mark(expr, Self::REACHED);
    }

    /// A check is made: it may fail, it may hold, or either.
    pub fn check(&mut self, expr: ExprId, site: Site, fails: bool, works: bool) {
        let bits = if fails { Self::fails(site) } else { 0 } | if works { Self::works(site) } else { 0 };
        self.mark(expr, bits);
    }

    /// It has this value.
    pub fn value(&mut self, expr: ExprId, known: &Known) {
        if let Some(value) = self.values.get_mut(expr.index()) {
            *value = match value.take() {
                Some(before) => before.join(known),
                None => Some(known.clone()),
            };
        }
    }

    /// The assignment with this right side stores this.
    pub fn store(&mut self, expr: ExprId, known: &Known) {
        let joined =
            self.stored.get(&expr).and_then(|before| before.join(known)).unwrap_or_else(|| known.clone());
        self.stored.insert(expr, joined);
    }

    /// The loop that begins here runs so often.
    pub fn turns(&mut self, start: u32, turns: Turns) {
        let joined = self.turns.get(&start).map_or(turns, |before| before.join(turns));
        self.turns.insert(start, joined);
    }

    /// It is evaluated in some call.
    pub fn is_reached(&self, expr: ExprId) -> bool {
        self.bit(expr, Self::REACHED)
    }

    /// A check that is made, and never fails.
    pub fn holds(&self, expr: ExprId, site: Site) -> bool {
        self.bit(expr, Self::works(site)) && !self.bit(expr, Self::fails(site))
    }

    /// A check that is made, and may fail.
    pub fn may_fail(&self, expr: ExprId, site: Site) -> bool {
        self.bit(expr, Self::fails(site))
    }

    /// A check that is made, and always fails.
    pub fn fails_always(&self, expr: ExprId, site: Site) -> bool {
        self.bit(expr, Self::fails(site)) && !self.bit(expr, Self::works(site))
    }

    /// What it can be.
    pub fn known(&self, expr: ExprId) -> Option<&Known> {
        self.values.get(expr.index())?.as_ref()
    }

    /// What the assignment with this right side stores.
    pub fn stored(&self, expr: ExprId) -> Option<&Known> {
        self.stored.get(&expr)
    }

    /// How often the loop that begins here runs; none: it is never reached.
    pub fn loop_turns(&self, start: u32) -> Option<Turns> {
        self.turns.get(&start).copied()
    }
}
