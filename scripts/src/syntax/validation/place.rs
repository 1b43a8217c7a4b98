//! What can be assigned to.

use super::{
    constant::is_constant,
    position::{range_of, start_of},
    scope::Scope,
};
use crate::syntax::{
    SyntaxError, SyntaxKind as K, TextRange,
    ast::{AssignStmt, AstNode, Expr},
};

/// Why a place cannot be assigned to.
pub(super) fn refused(place: Expr, statement: &AssignStmt, scope: &Scope) -> Option<SyntaxError> {
    let error = |range: TextRange, message: String, help: &str| {
        Some(SyntaxError::new(range, range.start(), message, help))
    };
    match place.clone().plain() {
        Expr::This(_) => None,
        Expr::Path(path) => {
            let name = path.name().filter(|name| scope.is_constant(name.text()))?;
            let message = format!("`{}` is a constant", name.text());
            error(name.text_range(), message, "what changes is a variable or in the state")
        }
        plain @ (Expr::Field(_) | Expr::Index(_) | Expr::MethodCall(_)) => {
            let (root, method) = root_of(plain);
            if let Some(method) = method {
                let message = "expected a place to assign to, found the result of a method".to_owned();
                return error(method, message, "assign to a field or element");
            }
            if matches!(root, Expr::Path(_) | Expr::This(_)) {
                return None;
            }
            error(
                range_of(&root),
                "expected a place to assign to, found a value".to_owned(),
                "assign to a variable",
            )
        }
        plain if is_constant(&plain) => {
            let range = place.syntax().text_range();
            Some(SyntaxError::new(range, start_of(&plain), "a literal cannot be assigned to", ""))
        }
        Expr::Binary(inner)
            if statement.op().is_none()
                && matches!(inner.op(), Some(K::AmpAmp | K::PipePipe | K::DoubleQuestion)) =>
        {
            let range = statement.op_token()?.text_range();
            error(range, "an assignment has no value".to_owned(), "values are compared with `==`")
        }
        plain => error(
            range_of(&plain),
            "expected a place to assign to, found a value".to_owned(),
            "assign to a variable",
        ),
    }
}

/// Where a chain of fields and elements starts, and the name of the first method in it.
fn root_of(chain: Expr) -> (Expr, Option<TextRange>) {
    let (mut root, mut method) = (chain, None);
    loop {
        let base = match &root {
            Expr::Field(inner) => inner.base(),
            Expr::Index(inner) => inner.base(),
            Expr::MethodCall(inner) => {
                method = inner.name().map(|name| name.text_range());
                inner.base()
            }
            _ => None,
        };
        match base {
            Some(base) => root = base.plain(),
            None => return (root, method),
        }
    }
}
