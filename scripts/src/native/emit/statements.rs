//! Statements, loops apart.

use super::{Emitter, Operand, Slot};
use crate::{
    hir::{BinaryOperator, ExprId, LocalId, Place, Statement, StatementKind},
    native::effects::in_memory,
};
use cranelift_codegen::ir::InstBuilder;

impl Emitter<'_, '_> {
    pub(super) fn statement(&mut self, statement: &Statement) -> Option<()> {
        self.locate(statement.at);
        let mark = self.mark();
        let bound = match self.paid {
            true => None,
            false => self.unit.costs.statement(self.frame.id, self.frame.function, statement).ok(),
        };
        let done = self.charged(bound, |emitter| {
            if !emitter.paid {
                emitter.pending = emitter.pending.saturating_add(1);
            }
            emitter.kind(statement)
        });
        self.release(mark);
        done
    }

    fn kind(&mut self, statement: &Statement) -> Option<()> {
        match &statement.kind {
            StatementKind::Let { local, value } => self.declare(*local, *value),
            StatementKind::Assign { place, operator, value } => {
                self.assign(place, *operator, *value, statement.at)
            }
            StatementKind::AssignTag { tag, operator, value } => {
                self.assign_tag(tag, *operator, *value, statement.at)
            }
            StatementKind::Expr(value) => self.expr(*value).map(|_| ()),
            StatementKind::While { condition, body_first, until, body } => {
                self.repeat(statement.at, *condition, *body_first, *until, body)
            }
            StatementKind::For { variable, counter, items, body } => {
                self.each(statement.at, *variable, *counter, items, body)
            }
            StatementKind::Break => self.jump_out(|targets| targets.out),
            StatementKind::Continue => self.jump_out(|targets| targets.again),
            StatementKind::Return(value) => self.give_back(*value),
        }
    }

    fn declare(&mut self, local: LocalId, value: ExprId) -> Option<()> {
        let declared = self.frame.function.local(local);
        if !in_memory(&declared.ty) {
            let operand = self.expr(value)?;
            if !self.is_mutable(local)
                && let Some(range) = self.integers(value)
            {
                self.frame.ranges.insert(local, range);
            }
            self.bind(local, operand);
            return Some(());
        }
        if self.makes_new(value) {
            // Made in the variable's own room, which nothing knows of before.
            let address = self.own_room(local);
            self.expr_into(value, address)?;
            let memory = super::Memory { address, stable: !self.is_mutable(local) };
            if let Some(slot) = self.frame.locals.get_mut(local.index()) {
                *slot = Slot::Memory(memory);
            }
            return Some(());
        }
        let operand = self.expr(value)?;
        self.bind(local, operand);
        Some(())
    }

    /// True if the value of an expression in memory is made by it.
    fn makes_new(&self, value: ExprId) -> bool {
        use crate::hir::ExprKind::{Array, Call, Fill, Record};
        matches!(self.expr_of(value).kind, Array(_) | Fill { .. } | Record(_) | Call { .. })
    }

    fn assign(
        &mut self,
        place: &Place,
        operator: Option<BinaryOperator>,
        value: ExprId,
        at: u32,
    ) -> Option<()> {
        let plain = !place.path.iter().any(|step| matches!(step, crate::hir::Step::Index { .. }));
        if in_memory(&place.ty) && plain && operator.is_none() {
            let to = self.place(place)?.address;
            if self.expr_over(value, to)? {
                return Some(());
            }
        }
        let operand = self.expr(value)?;
        if let Some(variable) = self.variable(place) {
            let new = match (operator, operand) {
                (Some(operator), operand) => {
                    let old = self.b.use_var(variable);
                    self.combine(operator, at, (old, &place.ty), (operand, value))
                }
                (None, Operand::Scalar(new)) => new,
                (None, _) => return Some(()),
            };
            self.b.def_var(variable, new);
            return Some(());
        }
        let effects = self.path_effects(place);
        let operand = self.keep(operand, &place.ty, effects);
        let to = self.place(place)?.address;
        let operand = match operator {
            Some(operator) => {
                let old = self.load(&place.ty, to);
                Operand::Scalar(self.combine(operator, at, (old, &place.ty), (operand, value)))
            }
            None => operand,
        };
        self.store_at(operand, &place.ty, to);
        Some(())
    }

    fn give_back(&mut self, value: Option<ExprId>) -> Option<()> {
        let operand = match (value, self.frame.result) {
            (Some(value), Some(to)) => {
                self.expr_into(value, to)?;
                Operand::Unit
            }
            (Some(value), None) => self.expr(value)?,
            (None, _) => Operand::Unit,
        };
        self.flush();
        self.leave(operand);
        None
    }

    fn jump_out(
        &mut self,
        target: impl Fn(super::LoopTargets) -> cranelift_codegen::ir::Block,
    ) -> Option<()> {
        self.flush();
        if let Some(targets) = self.frame.loops.last().copied() {
            self.b.ins().jump(target(targets), &[]);
        }
        None
    }
}
