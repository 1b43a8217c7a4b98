//! Where Rhai's parser says that an expression is.

use crate::syntax::{
    SyntaxKind as K, TextRange, TextSize,
    ast::{AstNode, Expr},
};

/// The part of an expression that stands for it: the operator or the name that is called.
pub(super) fn range_of(expr: &Expr) -> TextRange {
    let token = match expr {
        Expr::Binary(inner) => inner.op_token(),
        Expr::Prefix(inner) if expr.number().is_none() => inner.op_token(),
        Expr::Range(inner) => inner.op_token(),
        Expr::Call(inner) => inner.path().and_then(|path| path.segments().last()),
        _ => None,
    };
    token.map_or_else(|| expr.syntax().text_range(), |token| token.text_range())
}

/// Where an expression starts for Rhai: chains and logical operators at their first operand, others where they stand.
pub(super) fn start_of(expr: &Expr) -> TextSize {
    let mut expr = expr.clone().plain();
    loop {
        let first = match &expr {
            Expr::Field(inner) => inner.base(),
            Expr::Index(inner) => inner.base(),
            Expr::MethodCall(inner) => inner.base(),
            // Left out of numbers.
            Expr::Prefix(inner) if inner.op() == Some(K::Plus) && expr.number().is_some() => inner.operand(),
            Expr::Binary(inner)
                if matches!(inner.op(), Some(K::AmpAmp | K::PipePipe | K::DoubleQuestion)) =>
            {
                inner.lhs()
            }
            _ => None,
        };
        match first {
            Some(first) => expr = first.plain(),
            None => return range_of(&expr).start(),
        }
    }
}
