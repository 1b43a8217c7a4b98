//! Everything in a function, in the order of the text.

use super::{
    AxisCall, AxisDirection, AxisName, Block, Expr, ExprId, ExprKind, FaultName, Function, Items, Place,
    Root, Statement, StatementKind, Step,
};

/// What is come by.
pub(crate) enum Node<'a> {
    /// Before what is in it.
    Expr(&'a Expr),
    /// Before what is in it.
    Statement(&'a Statement),
}

/// Everything in a block.
pub(crate) fn block<'a>(function: &'a Function, block: &'a Block, visit: &mut dyn FnMut(Node<'a>)) {
    for statement in &block.statements {
        visit(Node::Statement(statement));
        parts(function, &statement.kind, visit);
    }
    optional(function, block.value, visit);
}

/// An expression and everything in it.
pub(crate) fn expr<'a>(function: &'a Function, id: ExprId, visit: &mut dyn FnMut(Node<'a>)) {
    let found = function.expr(id);
    visit(Node::Expr(found));
    match &found.kind {
        ExprKind::Literal(_)
        | ExprKind::Symbol(_)
        | ExprKind::Parameter(_)
        | ExprKind::Sys(_)
        | ExprKind::Fresh(_)
        | ExprKind::Request(_)
        | ExprKind::Fault(FaultName::Text(_))
        | ExprKind::MakeAxis(AxisName::Known(_)) => {}
        ExprKind::Read(place)
        | ExprKind::Len(place)
        | ExprKind::Pin { block: place, .. }
        | ExprKind::AxisProperty { handle: place, .. } => {
            path(function, place, visit);
        }
        ExprKind::Tag { tag, .. } => optional(function, tag.index, visit),
        ExprKind::Unary(_, operand) | ExprKind::Fill { value: operand, .. } => {
            expr(function, *operand, visit)
        }
        ExprKind::Fault(FaultName::Value(name))
        | ExprKind::MakeAxis(AxisName::Text(name))
        | ExprKind::RequestNamed(_, name) => expr(function, *name, visit),
        ExprKind::Binary(_, left, right) | ExprKind::Logic { left, right, .. } => {
            expr(function, *left, visit);
            expr(function, *right, visit);
        }
        ExprKind::If { condition, then, otherwise } => {
            expr(function, *condition, visit);
            block(function, then, visit);
            if let Some(otherwise) = otherwise {
                block(function, otherwise, visit);
            }
        }
        ExprKind::Switch(switch) => {
            expr(function, switch.value, visit);
            for arm in &switch.arms {
                optional(function, arm.guard, visit);
                expr(function, arm.body, visit);
            }
            optional(function, switch.default, visit);
        }
        ExprKind::Block(inner) => block(function, inner, visit),
        ExprKind::Library(_, arguments)
        | ExprKind::MakeBlock { arguments, .. }
        | ExprKind::Array(arguments) => {
            all(function, arguments, visit);
        }
        ExprKind::Call { receiver, arguments, .. } => {
            all(function, arguments, visit);
            if let Some(place) = receiver {
                path(function, place, visit);
            }
        }
        ExprKind::Method { block, arguments, .. } => {
            all(function, arguments, visit);
            path(function, block, visit);
        }
        ExprKind::AxisCommand { handle, command } => {
            command_parts(function, command, visit);
            path(function, handle, visit);
        }
        ExprKind::Record(fields) => {
            for (_, field) in fields {
                expr(function, *field, visit);
            }
        }
    }
}

fn command_parts<'a>(function: &'a Function, command: &AxisCall, visit: &mut dyn FnMut(Node<'a>)) {
    match command {
        AxisCall::Reset | AxisCall::Home | AxisCall::Halt | AxisCall::Stop | AxisCall::ReleaseStop => {}
        AxisCall::Power(argument) | AxisCall::MoveVelocity(argument) => expr(function, *argument, visit),
        AxisCall::MoveAbsolute { position, velocity, direction } => {
            all(function, &[*position, *velocity], visit);
            if let AxisDirection::Text(text) = direction {
                expr(function, *text, visit);
            }
        }
        AxisCall::MoveRelative { distance: first, velocity: second }
        | AxisCall::Torque { torque: first, ramp: second } => all(function, &[*first, *second], visit),
    }
}

fn parts<'a>(function: &'a Function, statement: &'a StatementKind, visit: &mut dyn FnMut(Node<'a>)) {
    match statement {
        StatementKind::Let { value, .. } | StatementKind::Expr(value) => expr(function, *value, visit),
        StatementKind::Assign { place, value, .. } => {
            expr(function, *value, visit);
            path(function, place, visit);
        }
        StatementKind::AssignTag { tag, value, .. } => {
            expr(function, *value, visit);
            optional(function, tag.index, visit);
        }
        StatementKind::While { condition, body, .. } => {
            optional(function, *condition, visit);
            block(function, body, visit);
        }
        StatementKind::For { items, body, .. } => {
            match items {
                Items::Range { start, end, .. } => all(function, &[*start, *end], visit),
                Items::Array(array) => expr(function, *array, visit),
                Items::Tag(_) => {}
            }
            block(function, body, visit);
        }
        StatementKind::Break | StatementKind::Continue => {}
        StatementKind::Return(value) => optional(function, *value, visit),
    }
}

fn path<'a>(function: &'a Function, place: &Place, visit: &mut dyn FnMut(Node<'a>)) {
    for step in &place.path {
        if let Step::Index { index, .. } = step {
            expr(function, *index, visit);
        }
    }
    if let Root::Value(value) = place.root {
        expr(function, value, visit);
    }
}

fn optional<'a>(function: &'a Function, id: Option<ExprId>, visit: &mut dyn FnMut(Node<'a>)) {
    if let Some(id) = id {
        expr(function, id, visit);
    }
}

fn all<'a>(function: &'a Function, ids: &[ExprId], visit: &mut dyn FnMut(Node<'a>)) {
    for id in ids {
        expr(function, *id, visit);
    }
}
