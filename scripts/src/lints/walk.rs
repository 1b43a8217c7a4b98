//! Every part of a function, in the order in which it is evaluated as far as that matters to a lint.

use crate::hir::{
    AxisCall, AxisDirection, AxisName, Block, Expr, ExprId, ExprKind, FaultName, Function, Items, Place,
    Root, Span, Statement, StatementKind, Step, Switch, TagPlace,
};

/// What is done with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Its value is taken, whole.
    Read,
    /// It is assigned to.
    Write,
    /// Its old value and another one make the new one: `+=`.
    Update,
    /// A function is called on it.
    Call,
    /// A method of the block there is called.
    Method,
    /// A pin of the block there is read.
    Pin,
    /// The axis of the handle there is commanded.
    Command,
    /// A property of the axis is read.
    Property,
    /// The number of its elements is taken.
    Len,
}

/// What a lint looks at.
pub(super) trait Visitor {
    /// Before what is in it.
    fn statement(&mut self, _: &Statement) {}
    /// Before what is in it.
    fn expr(&mut self, _: ExprId, _: &Expr) {}
    /// Before its indices.
    fn place(&mut self, _: &Place, _: Access) {}
    /// Of a tag that is assigned to.
    fn written(&mut self, _: &TagPlace, _: &Statement) {}
}

/// Show all of a function to a visitor.
pub(super) fn walk(function: &Function, visitor: &mut impl Visitor) {
    Walk { function, visitor }.block(&function.body);
}

/// Show a block of a function to a visitor.
pub(super) fn walk_block(function: &Function, block: &Block, visitor: &mut impl Visitor) {
    Walk { function, visitor }.block(block);
}

/// Show an expression of a function to a visitor.
pub(super) fn walk_expr(function: &Function, id: ExprId, visitor: &mut impl Visitor) {
    Walk { function, visitor }.expr(id);
}

struct Walk<'a, V> {
    function: &'a Function,
    visitor: &'a mut V,
}

impl<V: Visitor> Walk<'_, V> {
    fn block(&mut self, block: &Block) {
        for statement in &block.statements {
            self.statement(statement);
        }
        self.maybe(block.value);
    }

    fn statement(&mut self, statement: &Statement) {
        self.visitor.statement(statement);
        match &statement.kind {
            StatementKind::Let { value, .. } | StatementKind::Expr(value) => self.expr(*value),
            StatementKind::Assign { place, operator, value } => {
                self.expr(*value);
                let access = if operator.is_some() { Access::Update } else { Access::Write };
                self.place(place, access);
            }
            StatementKind::AssignTag { tag, value, .. } => {
                self.expr(*value);
                self.visitor.written(tag, statement);
                self.maybe(tag.index);
            }
            StatementKind::While { condition, body, .. } => {
                self.maybe(*condition);
                self.block(body);
            }
            StatementKind::For { items, body, .. } => {
                match items {
                    Items::Range { start, end, .. } => self.all(&[*start, *end]),
                    Items::Array(array) => self.expr(*array),
                    Items::Tag(_) => {}
                }
                self.block(body);
            }
            StatementKind::Break | StatementKind::Continue => {}
            StatementKind::Return(value) => self.maybe(*value),
        }
    }

    fn maybe(&mut self, id: Option<ExprId>) {
        if let Some(id) = id {
            self.expr(id);
        }
    }

    fn all(&mut self, ids: &[ExprId]) {
        for id in ids {
            self.expr(*id);
        }
    }

    fn expr(&mut self, id: ExprId) {
        let function = self.function;
        let expr = function.expr(id);
        self.visitor.expr(id, expr);
        match &expr.kind {
            ExprKind::Literal(_)
            | ExprKind::Symbol(_)
            | ExprKind::Parameter(_)
            | ExprKind::Sys(_)
            | ExprKind::Fresh(_)
            | ExprKind::Request(_) => {}
            ExprKind::Read(place) => self.place(place, Access::Read),
            ExprKind::Len(place) => self.place(place, Access::Len),
            ExprKind::Tag { tag, .. } => self.maybe(tag.index),
            ExprKind::Unary(_, operand) => self.expr(*operand),
            ExprKind::Binary(_, left, right) | ExprKind::Logic { left, right, .. } => {
                self.all(&[*left, *right]);
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(*condition);
                self.block(then);
                if let Some(otherwise) = otherwise {
                    self.block(otherwise);
                }
            }
            ExprKind::Switch(Switch { value, arms, default }) => {
                self.expr(*value);
                for arm in arms {
                    self.maybe(arm.guard);
                    self.expr(arm.body);
                }
                self.maybe(*default);
            }
            ExprKind::Block(block) => self.block(block),
            ExprKind::Library(_, arguments)
            | ExprKind::Array(arguments)
            | ExprKind::MakeBlock { arguments, .. } => self.all(arguments),
            ExprKind::Call { receiver, arguments, .. } => {
                self.all(arguments);
                if let Some(receiver) = receiver {
                    self.place(receiver, Access::Call);
                }
            }
            ExprKind::Method { block, arguments, .. } => {
                self.all(arguments);
                self.place(block, Access::Method);
            }
            ExprKind::Pin { block, .. } => self.place(block, Access::Pin),
            ExprKind::AxisCommand { handle, command } => {
                self.all(&arguments(command));
                self.place(handle, Access::Command);
            }
            ExprKind::AxisProperty { handle, .. } => self.place(handle, Access::Property),
            ExprKind::RequestNamed(_, name)
            | ExprKind::Fault(FaultName::Value(name))
            | ExprKind::MakeAxis(AxisName::Text(name)) => self.expr(*name),
            ExprKind::Fault(FaultName::Text(_)) | ExprKind::MakeAxis(AxisName::Known(_)) => {}
            ExprKind::Fill { value, .. } => self.expr(*value),
            ExprKind::Record(fields) => {
                for (_, value) in fields {
                    self.expr(*value);
                }
            }
        }
    }

    fn place(&mut self, place: &Place, access: Access) {
        self.visitor.place(place, access);
        if let Root::Value(value) = place.root {
            self.expr(value);
        }
        for step in &place.path {
            if let Step::Index { index, .. } = step {
                self.expr(*index);
            }
        }
    }
}

/// The arguments of a command, in the order of the text.
pub(super) fn arguments(command: &AxisCall) -> Vec<ExprId> {
    match command {
        AxisCall::Power(on) => vec![*on],
        AxisCall::MoveAbsolute { position, velocity, direction: AxisDirection::Text(text) } => {
            vec![*position, *velocity, *text]
        }
        AxisCall::MoveAbsolute { position, velocity, .. } => vec![*position, *velocity],
        AxisCall::MoveRelative { distance, velocity } => vec![*distance, *velocity],
        AxisCall::MoveVelocity(velocity) => vec![*velocity],
        AxisCall::Torque { torque, ramp } => vec![*torque, *ramp],
        AxisCall::Reset | AxisCall::Home | AxisCall::Halt | AxisCall::Stop | AxisCall::ReleaseStop => {
            Vec::new()
        }
    }
}

/// The name in a call.
pub(super) fn named(call: &Expr, name: &str) -> Span {
    Span::new(call.at, call.at.saturating_add(name.len() as u32))
}
