//! Statements, and what they store.

use super::{Flow, places::Found};
use crate::{
    hir::{BinaryOperator, Block, ExprId, LocalId, Place, Statement, StatementKind, TagPlace},
    ranges::{
        Where,
        facts::Site,
        int::Checked,
        paths::{Base, Path},
        value::{Known, Shape},
    },
};

impl Flow<'_, '_> {
    /// Run a block; what it gives is its value.
    pub(super) fn block(&mut self, block: &Block) -> Shape {
        for statement in &block.statements {
            if !self.alive {
                return Shape::Any;
            }
            self.statement(statement);
        }
        let value = block.value.map_or(Shape::Any, |value| self.expr(value));
        let declared = block.statements.iter().filter_map(|statement| match statement.kind {
            StatementKind::Let { local, .. } => Some(local),
            _ => None,
        });
        self.state.end(&declared.collect::<Vec<LocalId>>(), &self.analysis.paths);
        value
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let { local, value } => {
                let shape = self.expr(*value);
                if self.alive {
                    self.set_local(*local, &shape);
                }
            }
            StatementKind::Assign { place, operator, value } => self.assign(place, *operator, *value),
            StatementKind::AssignTag { tag, operator, value } => self.assign_tag(tag, *operator, *value),
            StatementKind::Expr(value) => {
                self.expr(*value);
            }
            StatementKind::While { condition, body_first, until, body } => {
                self.repeat_while(statement.span.start, *condition, *body_first, *until, body);
            }
            StatementKind::For { variable, counter, items, body } => {
                self.repeat_for(statement.span.start, *variable, *counter, items, body);
            }
            StatementKind::Break => {
                if let (true, Some(around)) = (self.alive, self.loops.last_mut()) {
                    super::gather(&mut around.breaks, std::mem::take(&mut self.state));
                }
                self.die();
            }
            StatementKind::Continue => {
                if let (true, Some(around)) = (self.alive, self.loops.last_mut()) {
                    super::gather(&mut around.continues, std::mem::take(&mut self.state));
                }
                self.die();
            }
            StatementKind::Return(value) => {
                let shape = value.map_or(Shape::Any, |value| self.expr(value));
                if self.alive {
                    self.leave(shape);
                }
            }
        }
    }

    /// A variable gets a value.
    pub(super) fn set_local(&mut self, local: LocalId, shape: &Shape) {
        self.state.forget_elements_by(local, &self.analysis.paths);
        self.write(&Path::base(Base::Local(local)), shape);
    }

    fn assign(&mut self, place: &Place, operator: Option<BinaryOperator>, value: ExprId) {
        let given = self.expr(value);
        let found = self.place(place);
        let Found::Path(path) = found else { return };
        if !self.alive {
            return;
        }
        let mut shape = given;
        if let Some(operator) = operator {
            let (Some(old), Some(given)) =
                (self.known(&path, &place.ty), shape.scalar(&self.function.expr(value).ty))
            else {
                return;
            };
            let Some(result) =
                self.check(value, Site::Assignment, super::exprs::binary(operator, &old, &given))
            else {
                return;
            };
            shape = Shape::Scalar(result);
        }
        if let (Some(facts), Some(known)) = (self.facts(), shape.clone().scalar(&place.ty)) {
            facts.store(value, &known);
        }
        if let (Base::Local(local), true) = (path.base, path.parts.is_empty()) {
            self.state.forget_elements_by(local, &self.analysis.paths);
        }
        self.write(&path, &shape);
        self.store_in_state(&path, &shape);
    }

    /// For what a field can be between cycles: it was given this.
    fn store_in_state(&mut self, path: &Path, shape: &Shape) {
        if !self.recording || path.base != Base::This {
            return;
        }
        match (self.this, self.in_state(path)) {
            (_, Some(path)) => self.analysis.store_in_state(&path, shape),
            (Where::Unknown, _) => self.analysis.store_anywhere(),
            _ => {}
        }
    }

    fn assign_tag(&mut self, tag: &TagPlace, operator: Option<BinaryOperator>, value: ExprId) {
        let mut given = self.scalar(value);
        let path = self.tag(tag);
        if !self.alive {
            return;
        }
        let ty = self.function.expr(value).ty.clone();
        if let Some(operator) = operator {
            let Some(old) = self.known(&path, &ty) else { return };
            let checked = super::exprs::binary(operator, &old, &given);
            let Some(result) = self.check(value, Site::Assignment, checked) else { return };
            given = result;
        }
        if let Some(facts) = self.facts() {
            facts.store(value, &given);
        }
        let Some(limit) = self.analysis.outside.limit(tag.tag) else { return };
        let (stored, saturates) = (limit.stored.clone(), limit.saturates);
        let Some(stored) = self.check(value, Site::Store, stored_in(&given, &stored, saturates)) else {
            return;
        };
        if operator.is_none() && !saturates {
            self.learn(value, &stored);
        }
        self.write(&path, &Shape::Scalar(stored));
    }
}

/// What a tag has that is given a value: refused if it is not finite, or outside of a range that does not saturate. It holds
/// if the value is stored as it is: one that saturates has to be looked at, too.
fn stored_in(given: &Known, limit: &Known, saturates: bool) -> Checked<Known> {
    match (given, limit) {
        (Known::Float(of), Known::Float(range)) if saturates => {
            let finite = of.meet(crate::ranges::float::FloatRange::FINITE);
            Checked {
                value: finite.map(|finite| Known::Float(finite.max(low(*range)).min(high(*range)))),
                holds: limit.includes(given),
            }
        }
        (Known::Int(given), Known::Int(range)) if saturates => {
            let (low, high) = (range.low(), range.high());
            let of = crate::ranges::int::IntRange::of;
            let stored = given.max(of(low)).min(of(high));
            Checked { value: Some(Known::Int(stored)), holds: *given == stored }
        }
        _ => Checked { holds: limit.includes(given), value: given.meet(limit) },
    }
}

fn low(range: crate::ranges::float::FloatRange) -> crate::ranges::float::FloatRange {
    crate::ranges::float::FloatRange::of(range.low())
}

fn high(range: crate::ranges::float::FloatRange) -> crate::ranges::float::FloatRange {
    crate::ranges::float::FloatRange::of(range.high())
}
