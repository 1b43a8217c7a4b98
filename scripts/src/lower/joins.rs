//! Where several ways lead to one value: branches, elements, returns.

use super::{body::Body, span};
use crate::{
    finding::code,
    hir::{Span, Type},
    syntax::ast,
};

/// The type of what is one or the other; `None` if that is no type. Unknown parts give way to known ones.
pub(super) fn join(first: &Type, second: &Type) -> Option<Type> {
    Some(match (first, second) {
        (Type::Never | Type::Unknown, other) => other.clone(),
        (other, Type::Never | Type::Unknown) => other.clone(),
        (Type::Array(a), Type::Array(b)) if a.len == b.len => {
            Type::array(join(&a.element, &b.element)?, a.len)
        }
        (Type::Record(a), Type::Record(b)) if a == b => first.clone(),
        (Type::Record(a), Type::Record(b)) => {
            let same_names = a.fields().len() == b.fields().len();
            if !same_names {
                return None;
            }
            let fields = a.fields().iter().zip(b.fields()).map(|(a, b)| {
                let ty = (a.name == b.name).then(|| join(&a.ty, &b.ty)).flatten()?;
                Some((a.name.clone(), ty))
            });
            Type::record(fields.collect::<Option<Vec<_>>>()?)
        }
        (a, b) if a == b => a.clone(),
        _ => return None,
    })
}

/// One of several values that must have one type.
pub(super) struct Part {
    pub ty: Type,
    pub span: Span,
    /// What gives it, if that is an expression.
    pub expr: Option<ast::Expr>,
}

impl Body<'_, '_, '_> {
    /// The type of all parts. If they differ, that is found: `what` is one of them in words, `others` the ones before.
    pub fn join_all(&mut self, parts: &[Part], what: &str, others: &str, rule: &str) -> Type {
        let mut joined = Type::Never;
        for part in parts {
            if let Some(ty) = join(&joined, &part.ty) {
                joined = ty;
                continue;
            }
            let before = parts.iter().find(|before| !matches!(before.ty, Type::Never | Type::Unknown));
            let message = format!("{what} {}, {others} {joined}", part.ty);
            let mut found = self.found(code::JOIN, part.span, message).help(rule);
            if let Some(before) = before {
                found = found.related(self.file, before.span, format!("{joined} here"));
            }
            let numbers = parts.iter().all(|part| part.ty.is_number() || part.ty.is_unknown());
            if numbers {
                let whole = parts.iter().filter(|part| matches!(part.ty, Type::I64));
                let exprs: Option<Vec<&ast::Expr>> = whole.map(|part| part.expr.as_ref()).collect();
                if let Some(edits) = exprs.and_then(|exprs| self.to_floats(&exprs)) {
                    found = found.fix("make all of them f64", edits);
                }
            }
            self.report(found);
            return Type::Unknown;
        }
        joined
    }
}

/// Where the value of an expression stands, for a part.
pub(super) fn part(ty: Type, expr: &ast::Expr) -> Part {
    Part { ty, span: span(expr), expr: Some(expr.clone()) }
}
