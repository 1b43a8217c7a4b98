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

/// A part of an expression or a statement.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    Expr(ExprId),
    Block(&'a Block),
}

/// Everything in a block.
pub(crate) fn block<'a>(function: &'a Function, block: &'a Block, visit: &mut dyn FnMut(Node<'a>)) {
    for statement in &block.statements {
        visit(Node::Statement(statement));
        statement_parts(&statement.kind, &mut |part| inside(function, part, visit));
    }
    if let Some(value) = block.value {
        expr(function, value, visit);
    }
}

/// An expression and everything in it.
pub(crate) fn expr<'a>(function: &'a Function, id: ExprId, visit: &mut dyn FnMut(Node<'a>)) {
    let found = function.expr(id);
    visit(Node::Expr(found));
    expr_parts(&found.kind, &mut |part| inside(function, part, visit));
}

fn inside<'a>(function: &'a Function, part: Part<'a>, visit: &mut dyn FnMut(Node<'a>)) {
    match part {
        Part::Expr(id) => expr(function, id, visit),
        Part::Block(inner) => block(function, inner, visit),
    }
}

/// What an expression directly consists of.
pub(crate) fn expr_parts<'a>(kind: &'a ExprKind, visit: &mut dyn FnMut(Part<'a>)) {
    match kind {
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
        | ExprKind::AxisProperty { handle: place, .. } => place_parts(place, visit),
        ExprKind::Tag { tag, .. } => all(tag.index.as_slice(), visit),
        ExprKind::Unary(_, operand)
        | ExprKind::Fill { value: operand, .. }
        | ExprKind::Fault(FaultName::Value(operand))
        | ExprKind::MakeAxis(AxisName::Text(operand))
        | ExprKind::RequestNamed(_, operand) => visit(Part::Expr(*operand)),
        ExprKind::Binary(_, left, right) | ExprKind::Logic { left, right, .. } => {
            all(&[*left, *right], visit)
        }
        ExprKind::If { condition, then, otherwise } => {
            visit(Part::Expr(*condition));
            visit(Part::Block(then));
            if let Some(otherwise) = otherwise {
                visit(Part::Block(otherwise));
            }
        }
        ExprKind::Switch(switch) => {
            visit(Part::Expr(switch.value));
            for arm in &switch.arms {
                all(arm.guard.as_slice(), visit);
                visit(Part::Expr(arm.body));
            }
            all(switch.default.as_slice(), visit);
        }
        ExprKind::Block(inner) => visit(Part::Block(inner)),
        ExprKind::Library(_, arguments)
        | ExprKind::MakeBlock { arguments, .. }
        | ExprKind::Array(arguments) => all(arguments, visit),
        ExprKind::Call { receiver, arguments, .. } => {
            all(arguments, visit);
            if let Some(place) = receiver {
                place_parts(place, visit);
            }
        }
        ExprKind::Method { block, arguments, .. } => {
            all(arguments, visit);
            place_parts(block, visit);
        }
        ExprKind::AxisCommand { handle, command } => {
            command_parts(command, visit);
            place_parts(handle, visit);
        }
        ExprKind::Record(fields) => {
            for (_, field) in fields {
                visit(Part::Expr(*field));
            }
        }
    }
}

/// What a statement directly consists of.
pub(crate) fn statement_parts<'a>(kind: &'a StatementKind, visit: &mut dyn FnMut(Part<'a>)) {
    match kind {
        StatementKind::Let { value, .. } | StatementKind::Expr(value) => visit(Part::Expr(*value)),
        StatementKind::Assign { place, value, .. } => {
            visit(Part::Expr(*value));
            place_parts(place, visit);
        }
        StatementKind::AssignTag { tag, value, .. } => {
            visit(Part::Expr(*value));
            all(tag.index.as_slice(), visit);
        }
        StatementKind::While { condition, body, .. } => {
            all(condition.as_slice(), visit);
            visit(Part::Block(body));
        }
        StatementKind::For { items, body, .. } => {
            item_parts(items, visit);
            visit(Part::Block(body));
        }
        StatementKind::Break | StatementKind::Continue => {}
        StatementKind::Return(value) => all(value.as_slice(), visit),
    }
}

/// What is evaluated before a `for`.
pub(crate) fn item_parts<'a>(items: &'a Items, visit: &mut dyn FnMut(Part<'a>)) {
    match items {
        Items::Range { start, end, .. } => all(&[*start, *end], visit),
        Items::Array(array) => visit(Part::Expr(*array)),
        Items::Tag(_) => {}
    }
}

/// What is evaluated on the way to a place.
pub(crate) fn place_parts<'a>(place: &'a Place, visit: &mut dyn FnMut(Part<'a>)) {
    for step in &place.path {
        if let Step::Index { index, .. } = step {
            visit(Part::Expr(*index));
        }
    }
    if let Root::Value(value) = place.root {
        visit(Part::Expr(value));
    }
}

fn command_parts<'a>(command: &'a AxisCall, visit: &mut dyn FnMut(Part<'a>)) {
    match command {
        AxisCall::Reset | AxisCall::Home | AxisCall::Halt | AxisCall::Stop | AxisCall::ReleaseStop => {}
        AxisCall::Power(argument) | AxisCall::MoveVelocity(argument) => visit(Part::Expr(*argument)),
        AxisCall::MoveAbsolute { position, velocity, direction } => {
            all(&[*position, *velocity], visit);
            if let AxisDirection::Text(text) = direction {
                visit(Part::Expr(*text));
            }
        }
        AxisCall::MoveRelative { distance: first, velocity: second }
        | AxisCall::Torque { torque: first, ramp: second } => all(&[*first, *second], visit),
    }
}

fn all<'a>(ids: &[ExprId], visit: &mut dyn FnMut(Part<'a>)) {
    for id in ids {
        visit(Part::Expr(*id));
    }
}
