//! `switch`.

use super::{
    body::{Body, Want, drop_value},
    joins::Part,
    span, span_of,
};
use crate::{
    finding::code,
    hir::{self, Arm, Block, ExprId, ExprKind, Pattern, Span, Type},
    syntax::{
        Number,
        ast::{self, AstNode},
    },
};
use sensai_model::Value;

impl Body<'_, '_, '_> {
    pub(super) fn switch(&mut self, node: &ast::SwitchExpr, at: Span, want: Want) -> ExprId {
        let value = match node.value() {
            Some(value) => self.value(&value),
            None => self.wrong(at),
        };
        let ty = self.ty(value);
        let ty = match ty {
            Type::Bool | Type::I64 | Type::Symbol | Type::Unknown => ty,
            Type::Never => Type::Unknown,
            other => {
                let help = match other {
                    Type::F64 => "floats are hardly ever equal; use `if` with `<` and `>`, or to_int()",
                    _ => "look at one of its parts",
                };
                let at = node.value().map_or(at, |value| span(&value));
                self.error(code::SWITCH, at, format!("`switch` takes bool, i64 or text, not {other}"), help);
                Type::Unknown
            }
        };
        let cases: Vec<ast::SwitchCase> = node.cases().collect();
        let has_default = cases.iter().any(ast::SwitchCase::is_default);
        let inner = if has_default { want } else { Want::Drop };
        if !has_default && want == Want::Value {
            let help = "write `_ => ...`, so that there is a value in any case";
            let keyword = Span::new(at.start, at.start + 6);
            self.error(code::NO_VALUE, keyword, "`switch` without `_` gives no value", help);
        }
        let (mut arms, mut default, mut parts) = (Vec::new(), None, Vec::new());
        for case in &cases {
            let mut patterns = Vec::new();
            for node in case.values() {
                let Some(pattern) = self.pattern(&node, &ty, value) else { continue };
                if case.guard().is_some() && patterns.iter().any(|other| overlap(&pattern, other)) {
                    let help = "write each value once";
                    let message = "a value fits this case twice, and its condition would be asked twice";
                    self.error(code::SWITCH, span(&node), message, help);
                }
                patterns.push(pattern);
            }
            let guard = case.guard().map(|guard| self.condition(&guard));
            let Some((body, part)) = self.case_body(case, inner) else { continue };
            parts.push(part);
            if case.is_default() {
                default = Some(body);
            } else {
                arms.push(Arm { patterns, guard, body });
            }
        }
        let bodies: Vec<ExprId> = arms.iter().map(|arm| arm.body).chain(default).collect();
        let ty = match (has_default, want) {
            (true, want) => self.joined(&parts, want, "case", |_| {}),
            (false, Want::Value) => Type::Unknown,
            (false, _) => Type::Unit,
        };
        if matches!(ty, Type::Unit) {
            for body in bodies {
                self.drop_body(body);
            }
        }
        let switch = hir::Switch { value, arms, default };
        self.expr(ExprKind::Switch(switch), ty, at, at.start)
    }

    /// What a case does, as an expression.
    fn case_body(&mut self, case: &ast::SwitchCase, want: Want) -> Option<(ExprId, Part)> {
        let body = case.body()?;
        let at = span_of(body.syntax());
        if let ast::Stmt::Expr(statement) = &body {
            let expr = statement.expr()?;
            if does_nothing(&expr) {
                let id = self.expr(ExprKind::Block(Block::default()), Type::Unit, at, at.start);
                return Some((id, Part { ty: Type::Unit, span: at, expr: None }));
            }
            if !super::statements::is_loop(&expr) {
                let id = self.expression(&expr, want);
                return Some((id, super::joins::part(self.ty(id), &expr)));
            }
        }
        let scope = self.scope.len();
        let (block, ty) = self.sequence(std::slice::from_ref(&body), want);
        self.scope.truncate(scope);
        let id = self.expr(ExprKind::Block(block), ty.clone(), at, at.start);
        Some((id, Part { ty, span: at, expr: None }))
    }

    /// The value of a body is not used: it becomes a block without one.
    fn drop_body(&mut self, body: ExprId) {
        let ty = self.ty(body);
        if matches!(ty, Type::Unit | Type::Never) {
            return;
        }
        let Some(expr) = self.exprs.get(body.index()).cloned() else { return };
        let inner = self.expr(expr.kind, expr.ty, expr.span, expr.at);
        let mut block = Block { statements: Vec::new(), value: Some(inner) };
        drop_value(&mut block, &self.exprs);
        if let Some(expr) = self.exprs.get_mut(body.index()) {
            expr.kind = ExprKind::Block(block);
            expr.ty = Type::Unit;
        }
    }

    fn pattern(&mut self, node: &ast::Expr, ty: &Type, value: ExprId) -> Option<Pattern> {
        let at = span(node);
        let (pattern, found) = match (node.number(), node.clone().plain()) {
            (Some(Number::Int(number)), _) => (Pattern::Scalar(Value::I64(number)), Type::I64),
            // Of a value that is a float itself, it was said.
            (Some(Number::Float(_)), _) if ty.is_unknown() => return None,
            (Some(Number::Float(_)), _) => {
                let help = "floats are hardly ever equal; use `if` with `<` and `>`";
                self.error(code::SWITCH, at, "a case cannot be f64", help);
                return None;
            }
            (None, ast::Expr::Literal(literal)) => match literal.value()? {
                ast::Value::Bool(flag) => (Pattern::Scalar(Value::Bool(flag)), Type::Bool),
                ast::Value::Text(text) => {
                    let symbol = self.symbol(&text, at);
                    let Some(ExprKind::Symbol(symbol)) = self.kind(symbol) else { return None };
                    let symbol = *symbol;
                    if let Some(set) = self.set_of(value) {
                        self.word(set, symbol, at);
                    }
                    (Pattern::Symbol(symbol), Type::Symbol)
                }
                _ => {
                    self.literal_only(at);
                    return None;
                }
            },
            (None, ast::Expr::Range(range)) => {
                let bound = |expr: Option<ast::Expr>| expr.map(|expr| expr.number());
                let start = bound(range.start()).unwrap_or(Some(Number::Int(0)));
                let end = bound(range.end()).flatten();
                let (Some(Number::Int(start)), Some(Number::Int(end))) = (start, end) else {
                    let help = "write whole numbers, as in `1..5` or `1..=4`";
                    self.error(code::SWITCH, at, "a range of a case runs from i64 to i64", help);
                    return None;
                };
                let pattern = match (range.is_inclusive(), end.checked_sub(1)) {
                    (true, _) => Pattern::Range(start, end),
                    (false, Some(last)) => Pattern::Range(start, last),
                    (false, None) => Pattern::Range(1, 0),
                };
                (pattern, Type::I64)
            }
            _ => {
                self.literal_only(at);
                return None;
            }
        };
        if !super::conversion::fits(&found, ty) {
            let message = format!("a case is {found}, the value is {ty}");
            self.error(code::SWITCH, at, message, "a case of another type never fits");
            return None;
        }
        Some(pattern)
    }

    fn literal_only(&mut self, at: Span) {
        let help = "write the number, text or bool itself; what is computed is for `if`";
        self.error(code::SWITCH, at, "a case is a literal", help);
    }
}

/// Does a value fit both?
fn overlap(one: &Pattern, other: &Pattern) -> bool {
    let bounds = |pattern: &Pattern| match *pattern {
        Pattern::Range(low, high) => Some((low, high)),
        Pattern::Scalar(Value::I64(number)) => Some((number, number)),
        _ => None,
    };
    match (bounds(one), bounds(other)) {
        (Some((from, to)), Some((start, end))) => from.max(start) <= to.min(end),
        _ => one == other,
    }
}

/// A case such as `_ => ()`.
fn does_nothing(node: &ast::Expr) -> bool {
    matches!(node.clone().plain(), ast::Expr::Literal(literal) if literal.value() == Some(ast::Value::Unit))
}
