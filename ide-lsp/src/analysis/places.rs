//! What is done with a place: with a variable, a tag, a field, or a part of one.

use sensai_scripts::syntax::{
    SyntaxKind as K, SyntaxNode, SyntaxToken,
    ast::{self, AstNode},
};

/// What is done with a place.
#[derive(Debug, Default)]
pub struct Done {
    /// Only with a part of it.
    pub in_part: bool,
    /// What is called on it.
    pub called: Option<SyntaxToken>,
    /// It is what this assigns to.
    pub assigned: Option<ast::AssignStmt>,
}

/// What is done with the place that an expression is the beginning of, or all of.
pub fn done_with(expression: &SyntaxNode) -> Done {
    let mut done = Done::default();
    let mut place = expression.clone();
    while let Some(parent) = place.parent() {
        let is_first = parent.first_child().as_ref() == Some(&place);
        match parent.kind() {
            K::FieldExpr | K::IndexExpr if is_first => done.in_part = true,
            K::ParenExpr => {}
            K::MethodCallExpr if is_first => {
                done.called = ast::MethodCallExpr::cast(parent).and_then(|call| call.name());
                return done;
            }
            _ => {
                let assign = ast::AssignStmt::cast(parent);
                done.assigned = assign
                    .filter(|assign| assign.place().is_some_and(|assigned| *assigned.syntax() == place));
                return done;
            }
        }
        place = parent;
    }
    done
}
