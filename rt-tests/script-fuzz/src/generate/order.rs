//! What Rhai reads in an order of its own, and the front end therefore refuses, is written so that it is neither.
//!
//! A bare variable with which a call or an operator begins is read after all that stands behind it. If that changes the
//! variable, it is put into a block of its own, which is evaluated where it stands.

use crate::{
    ast::{Block, Expr, Kind, Program, StatementKind},
    walk::{Visitor, walk, walk_expr},
};

/// Make the order of evaluation the same for everybody.
pub(super) fn settle(program: &mut Program) {
    struct Settle;
    impl Visitor for Settle {
        fn expr(&mut self, expr: &mut Expr) {
            let (first, behind): (&mut Expr, Vec<&mut Expr>) = match &mut expr.kind {
                Kind::Binary(operator, left, right) if !matches!(*operator, "&&" | "||") => {
                    (&mut **left, vec![&mut **right])
                }
                Kind::Call(_, arguments) | Kind::Method(_, _, arguments) => match arguments.split_first_mut()
                {
                    Some((first, behind)) => (first, behind.iter_mut().collect()),
                    None => return,
                },
                _ => return,
            };
            let Kind::Atom(name) = &first.kind else { return };
            if !name.starts_with(|first: char| first.is_alphabetic() || first == '_') {
                return;
            }
            let name = name.clone();
            if behind.into_iter().any(|behind| changes(behind, &name)) {
                let inner = first.clone();
                *first = Expr::new(inner.ty.clone(), Kind::Block(Block::value(inner)));
            }
        }
    }
    walk(program, &mut Settle);
}

/// A variable of this name, or a part of it, is assigned to, or something is called on it.
fn changes(expr: &mut Expr, name: &str) -> bool {
    struct Changes<'a>(&'a str, bool);
    impl Visitor for Changes<'_> {
        fn block(&mut self, block: &mut Block) {
            for statement in &block.statements {
                if let StatementKind::Assign(place, ..) = &statement.kind {
                    self.1 |= root(place) == Some(self.0);
                }
            }
        }
        fn expr(&mut self, expr: &mut Expr) {
            if let Kind::Method(base, ..) = &expr.kind {
                self.1 |= root(base) == Some(self.0);
            }
        }
    }
    let mut found = Changes(name, false);
    walk_expr(expr, &mut found);
    found.1
}

/// Where a path begins.
fn root(place: &Expr) -> Option<&str> {
    match &place.kind {
        Kind::Atom(name) => Some(name),
        Kind::Field(base, _) | Kind::Index(base, _) => root(base),
        _ => None,
    }
}
