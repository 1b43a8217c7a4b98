//! Every block and every expression of a program, in the order of its text.

use crate::ast::{Block, Expr, Items, Kind, Program, StatementKind};

/// What is met on the way. What a visitor changes is walked through as it is afterwards.
pub trait Visitor {
    /// A block.
    fn block(&mut self, _: &mut Block) {}
    /// An expression, before its parts.
    fn expr(&mut self, _: &mut Expr) {}
}

/// Walk through all of a program.
pub fn walk(program: &mut Program, visitor: &mut dyn Visitor) {
    for (_, value) in &mut program.constants {
        walk_expr(value, visitor);
    }
    for function in &mut program.functions {
        walk_block(&mut function.body, visitor);
    }
}

/// Walk through a block.
pub fn walk_block(block: &mut Block, visitor: &mut dyn Visitor) {
    visitor.block(block);
    for statement in &mut block.statements {
        match &mut statement.kind {
            StatementKind::Let(_, value) | StatementKind::Expr(value) => walk_expr(value, visitor),
            StatementKind::Assign(place, _, value) => {
                walk_expr(place, visitor);
                walk_expr(value, visitor);
            }
            StatementKind::While(condition, body) | StatementKind::Do(body, _, condition) => {
                walk_expr(condition, visitor);
                walk_block(body, visitor);
            }
            StatementKind::Loop(body) => walk_block(body, visitor),
            StatementKind::For(repeated) => {
                match &mut repeated.items {
                    Items::Range(start, _, end) => {
                        walk_expr(start, visitor);
                        walk_expr(end, visitor);
                    }
                    Items::Array(array) => walk_expr(array, visitor),
                    Items::Tag(_) => {}
                }
                walk_block(&mut repeated.body, visitor);
            }
            StatementKind::Return(Some(value)) => walk_expr(value, visitor),
            StatementKind::Break | StatementKind::Continue | StatementKind::Return(None) => {}
        }
    }
    if let Some(value) = &mut block.value {
        walk_expr(value, visitor);
    }
}

/// Walk through an expression.
pub fn walk_expr(expr: &mut Expr, visitor: &mut dyn Visitor) {
    visitor.expr(expr);
    match &mut expr.kind {
        Kind::Atom(_) => {}
        Kind::Field(base, _) | Kind::Unary(_, base) => walk_expr(base, visitor),
        Kind::Index(left, right) | Kind::Binary(_, left, right) => {
            walk_expr(left, visitor);
            walk_expr(right, visitor);
        }
        Kind::Call(_, arguments) | Kind::Array(arguments) => {
            arguments.iter_mut().for_each(|argument| walk_expr(argument, visitor));
        }
        Kind::Method(base, _, arguments) => {
            walk_expr(base, visitor);
            arguments.iter_mut().for_each(|argument| walk_expr(argument, visitor));
        }
        Kind::Record(fields) => fields.iter_mut().for_each(|(_, value)| walk_expr(value, visitor)),
        Kind::If(condition, then, otherwise) => {
            walk_expr(condition, visitor);
            walk_block(then, visitor);
            if let Some(otherwise) = otherwise {
                walk_block(otherwise, visitor);
            }
        }
        Kind::Switch(switch) => {
            walk_expr(&mut switch.value, visitor);
            for arm in &mut switch.arms {
                if let Some(guard) = &mut arm.guard {
                    walk_expr(guard, visitor);
                }
                walk_expr(&mut arm.body, visitor);
            }
            if let Some(default) = &mut switch.default {
                walk_expr(default, visitor);
            }
        }
        Kind::Block(block) => walk_block(block, visitor),
    }
}
