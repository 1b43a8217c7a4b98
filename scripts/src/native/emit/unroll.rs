//! Short loops that are written out, one turn after the other: the variable is then a known number in each of them, so that
//! indices need no check and places are at known offsets.

use super::Emitter;
use crate::hir::{
    Block, ExprId, ExprKind, Items, LocalId, StatementKind,
    walk::{self, Node, Part},
};
use crate::native::effects::in_memory;

/// Turns at most.
const TURNS_MAX: i64 = 8;
/// Nodes of one loop that is written out, with all of its turns.
const NODES_MAX: usize = 192;
/// Nodes of all such loops in a function: what makes code longer makes compiling longer.
const ALL_NODES_MAX: usize = 1024;

impl Emitter<'_, '_> {
    /// The numbers that the variable of a short loop runs through, if the loop is to be written out: from, to (exclusive).
    pub(super) fn short(&mut self, variable: LocalId, items: &Items, body: &Block) -> Option<(i64, i64)> {
        let (first, end) = self.numbers(variable, items)?;
        if !self.is_straight(body) {
            return None;
        }
        let turns = usize::try_from(end.saturating_sub(first)).ok()?;
        let nodes = turns.saturating_mul(self.nodes(Part::Block(body)));
        if nodes > NODES_MAX || self.written_out.saturating_add(nodes) > ALL_NODES_MAX {
            return None;
        }
        // Loops in this one are counted when they are met.
        self.written_out = self.written_out.saturating_add(nodes);
        Some((first, end))
    }

    /// The numbers of a loop with few turns.
    fn numbers(&self, variable: LocalId, items: &Items) -> Option<(i64, i64)> {
        let Items::Range { start, end, inclusive } = items else { return None };
        if self.is_mutable(variable) {
            return None;
        }
        let first = self.single(*start)?;
        let end = self.single(*end)?.checked_add(i64::from(*inclusive))?;
        (1..=TURNS_MAX).contains(&end.checked_sub(first)?).then_some((first, end))
    }

    fn single(&self, id: ExprId) -> Option<i64> {
        self.integers(id).filter(|(low, high)| low == high).map(|(low, _)| low)
    }

    /// True if a body is run through from its beginning to its end, and wants no memory in every turn.
    fn is_straight(&self, body: &Block) -> bool {
        let function = self.frame.function;
        let mut straight = true;
        walk::block(function, body, &mut |node| {
            if let Node::Statement(statement) = node {
                straight &= match &statement.kind {
                    StatementKind::Break | StatementKind::Continue => false,
                    StatementKind::Let { local, .. } => !in_memory(&function.local(*local).ty),
                    _ => true,
                };
            }
        });
        straight
    }

    /// How much is written for a part, loops that are written out and functions that are compiled in it included.
    fn nodes(&self, part: Part<'_>) -> usize {
        let function = self.frame.function;
        let mut nodes = 0_usize;
        match part {
            Part::Expr(id) => {
                let expr = function.expr(id);
                nodes = 1;
                if let ExprKind::Call { function: callee, .. } = &expr.kind
                    && self.unit.inlined.get(callee.index()).copied().unwrap_or(false)
                {
                    nodes = nodes.saturating_add(self.unit.costs.weight(*callee));
                }
                walk::expr_parts(&expr.kind, &mut |part| nodes = nodes.saturating_add(self.nodes(part)));
            }
            Part::Block(block) => {
                for statement in &block.statements {
                    let turns = match &statement.kind {
                        StatementKind::For { variable, items, .. } => self.numbers(*variable, items),
                        _ => None,
                    };
                    let turns = turns.map_or(1, |(first, end)| end.saturating_sub(first).unsigned_abs());
                    let mut one = 0_usize;
                    walk::statement_parts(&statement.kind, &mut |part| {
                        one = one.saturating_add(self.nodes(part));
                    });
                    nodes = nodes.saturating_add(1).saturating_add(one.saturating_mul(turns as usize));
                }
                if let Some(value) = block.value {
                    nodes = nodes.saturating_add(self.nodes(Part::Expr(value)));
                }
            }
        }
        nodes
    }
}
