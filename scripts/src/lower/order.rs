//! The order in which the parts of a chain of calls are evaluated: as Rhai does it, all indices and arguments from left to
//! right, and only then the calls. Where that is another order than the tree's, what comes first gets a variable.

use super::body::{Body, expression};
use crate::hir::{Block, ExprId, ExprKind, Place, Root, Statement, StatementKind, Step, Type, UnaryOperator};

/// What the evaluation of an expression may do beside giving a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// The same at any time.
    Constant,
    /// Nothing, but the value may change.
    Reads,
    /// It may fault.
    Faults,
    /// It may change something.
    Acts,
}

impl Body<'_, '_, '_> {
    /// A call with a receiver and arguments, in the right order.
    pub fn ordered_call(
        &mut self,
        mut receiver: Option<Place>,
        arguments: Vec<ExprId>,
        ty: Type,
        span: crate::hir::Span,
        at: u32,
        kind: impl FnOnce(Option<Place>, Vec<ExprId>) -> ExprKind,
    ) -> ExprId {
        let mut first = Vec::new();
        if let Some(place) = &mut receiver
            && let Root::Value(value) = place.root
        {
            let mut later: Vec<ExprId> = indices(place).collect();
            later.extend(&arguments);
            let value = self.hoist(value, &later, &mut first);
            place.root = Root::Value(value);
        }
        let id = self.expr(kind(receiver, arguments), ty, span, at);
        self.after(first, id)
    }

    /// A copy of what is at a place.
    pub fn ordered_read(&mut self, mut place: Place) -> ExprId {
        let mut first = Vec::new();
        if let Root::Value(value) = place.root {
            let later: Vec<ExprId> = indices(&place).collect();
            place.root = Root::Value(self.hoist(value, &later, &mut first));
        }
        let (ty, span) = (place.ty.clone(), place.span);
        let id = self.expr(ExprKind::Read(place), ty, span, span.start);
        self.after(first, id)
    }

    /// A function of the library: its arguments are evaluated before what stands before the point.
    pub fn library(
        &mut self,
        function: &'static sensai_stdlib::registry::Function,
        mut ids: Vec<ExprId>,
        method: bool,
        span: crate::hir::Span,
        here: crate::hir::Span,
    ) -> ExprId {
        let mut first = Vec::new();
        if let (true, Some((receiver, rest))) = (method, ids.split_first_mut()) {
            *receiver = self.hoist(*receiver, rest, &mut first);
            let before = self.effect(*receiver);
            if rest.iter().any(|id| self.matters(before, *id)) {
                for id in rest {
                    *id = self.let_be(*id, &mut first);
                }
            }
        }
        let ty = Type::scalar(function.result);
        let id = self.expr(ExprKind::Library(function, ids), ty, span, here.start);
        self.after(first, id)
    }

    /// A value after statements.
    fn after(&mut self, statements: Vec<Statement>, value: ExprId) -> ExprId {
        if statements.is_empty() {
            return value;
        }
        let (ty, span) = (self.ty(value), self.span_of(value));
        let mut block = Block { statements, value: Some(value) };
        if matches!(ty, Type::Unit | Type::Never) {
            block.value = None;
            block.statements.push(expression(value, &self.exprs));
        }
        self.expr(ExprKind::Block(block), ty, span, span.start)
    }

    /// Arguments inside of a call that is evaluated after `later`, although they stand before it.
    fn hoist(&mut self, call: ExprId, later: &[ExprId], first: &mut Vec<Statement>) -> ExprId {
        if later.iter().all(|id| self.effect(*id) <= Effect::Reads) {
            return call;
        }
        let Some(kind) = self.kind(call).cloned() else { return call };
        let kind = match kind {
            // What was put in order before.
            ExprKind::Block(Block { statements, value: Some(value) })
                if statements.iter().all(|statement| matches!(statement.kind, StatementKind::Let { .. })) =>
            {
                first.extend(statements);
                return value;
            }
            ExprKind::Call { function, mut receiver, mut arguments } => {
                self.hoist_receiver(&mut receiver, later, first);
                self.hoist_all(&mut arguments, later, first);
                ExprKind::Call { function, receiver, arguments }
            }
            ExprKind::Method { block, of, method, mut arguments } => {
                let mut place = Some(block);
                self.hoist_receiver(&mut place, later, first);
                self.hoist_all(&mut arguments, later, first);
                let Some(block) = place else { return call };
                ExprKind::Method { block, of, method, arguments }
            }
            ExprKind::Library(function, mut arguments) => {
                self.hoist_all(&mut arguments, later, first);
                ExprKind::Library(function, arguments)
            }
            ExprKind::Read(place) => {
                let mut place = Some(place);
                self.hoist_receiver(&mut place, later, first);
                let Some(place) = place else { return call };
                ExprKind::Read(place)
            }
            _ => return call,
        };
        if let Some(expr) = self.exprs.get_mut(call.index()) {
            expr.kind = kind;
        }
        call
    }

    fn hoist_receiver(&mut self, receiver: &mut Option<Place>, later: &[ExprId], first: &mut Vec<Statement>) {
        let Some(place) = receiver else { return };
        if let Root::Value(value) = place.root {
            place.root = Root::Value(self.hoist(value, later, first));
        }
        for step in &mut place.path {
            if let Step::Index { index, .. } = step {
                *index = self.hoisted(*index, later, first);
            }
        }
    }

    fn hoist_all(&mut self, ids: &mut [ExprId], later: &[ExprId], first: &mut Vec<Statement>) {
        for id in ids {
            *id = self.hoisted(*id, later, first);
        }
    }

    fn hoisted(&mut self, id: ExprId, later: &[ExprId], first: &mut Vec<Statement>) -> ExprId {
        let effect = self.effect(id);
        if later.iter().any(|later| self.matters(effect, *later)) { self.let_be(id, first) } else { id }
    }

    /// True if it makes a difference which of two comes first.
    fn matters(&self, first: Effect, second: ExprId) -> bool {
        match (first, self.effect(second)) {
            (Effect::Constant, _) | (_, Effect::Constant) => false,
            (Effect::Reads, second) => second == Effect::Acts,
            (first, Effect::Reads) => first == Effect::Acts,
            _ => true,
        }
    }

    /// A variable with the value of an expression, read in its place.
    fn let_be(&mut self, id: ExprId, first: &mut Vec<Statement>) -> ExprId {
        let (ty, span) = (self.ty(id), self.span_of(id));
        let local = self.local("", ty.clone(), span);
        let kind = StatementKind::Let { local, value: id };
        first.push(Statement { kind, span, at: span.start });
        let place = Place { root: Root::Local(local), path: Vec::new(), ty: ty.clone(), span };
        self.expr(ExprKind::Read(place), ty, span, span.start)
    }

    fn effect(&self, id: ExprId) -> Effect {
        let Some(expr) = self.exprs.get(id.index()) else { return Effect::Acts };
        let all = |ids: &mut dyn Iterator<Item = ExprId>| {
            ids.map(|id| self.effect(id)).max().unwrap_or(Effect::Constant)
        };
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Symbol(_) | ExprKind::Parameter(_) | ExprKind::Sys(_) => {
                Effect::Constant
            }
            ExprKind::Read(place) | ExprKind::Len(place) => self.effect_of_place(place),
            ExprKind::Pin { block: place, .. } | ExprKind::AxisProperty { handle: place, .. } => {
                self.effect_of_place(place)
            }
            ExprKind::Tag { tag, .. } => {
                if tag.index.is_some() {
                    Effect::Faults.max(all(&mut tag.index.into_iter()))
                } else {
                    Effect::Reads
                }
            }
            ExprKind::Fresh(_) => Effect::Reads,
            ExprKind::Unary(UnaryOperator::Negate, operand) if matches!(expr.ty, Type::I64) => {
                Effect::Faults.max(self.effect(*operand))
            }
            ExprKind::Unary(_, operand) => self.effect(*operand),
            ExprKind::Binary(operator, left, right) => {
                let own = if matches!(expr.ty, Type::I64) && !operator.compares() {
                    Effect::Faults
                } else {
                    Effect::Constant
                };
                own.max(self.effect(*left)).max(self.effect(*right))
            }
            ExprKind::Logic { left, right, .. } => self.effect(*left).max(self.effect(*right)),
            ExprKind::Library(_, arguments) => Effect::Faults.max(all(&mut arguments.iter().copied())),
            ExprKind::Array(elements) => all(&mut elements.iter().copied()),
            ExprKind::Record(fields) => all(&mut fields.iter().map(|(_, id)| *id)),
            ExprKind::Fill { value, .. } => self.effect(*value),
            _ => Effect::Acts,
        }
    }

    fn effect_of_place(&self, place: &Place) -> Effect {
        let root = match place.root {
            Root::Constant(_) => Effect::Constant,
            Root::This | Root::Local(_) => Effect::Reads,
            Root::Value(value) => self.effect(value),
        };
        indices(place).fold(root, |effect, index| effect.max(Effect::Faults).max(self.effect(index)))
    }
}

fn indices(place: &Place) -> impl Iterator<Item = ExprId> {
    place.path.iter().filter_map(|step| match step {
        Step::Index { index, .. } => Some(*index),
        Step::Field { .. } => None,
    })
}
