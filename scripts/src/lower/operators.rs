//! Operators: what they take and what they give.

use super::{body::Body, span, token_span};
use crate::{
    arithmetic,
    finding::code,
    hir::{BinaryOperator, ExprId, ExprKind, Span, Type, UnaryOperator},
    syntax::{SyntaxKind as K, ast},
};

/// The operator that a sign stands for, if it takes two values.
pub(super) fn binary_operator(kind: K) -> Option<BinaryOperator> {
    use BinaryOperator as B;
    Some(match kind {
        K::Plus => B::Add,
        K::Minus => B::Subtract,
        K::Star => B::Multiply,
        K::Slash => B::Divide,
        K::Percent => B::Remainder,
        K::StarStar => B::Power,
        K::Shl => B::ShiftLeft,
        K::Shr => B::ShiftRight,
        K::Amp => B::And,
        K::Pipe => B::Or,
        K::Caret => B::Xor,
        K::EqEq => B::Equal,
        K::NotEq => B::NotEqual,
        K::Less => B::Less,
        K::LessEq => B::LessOrEqual,
        K::Greater => B::Greater,
        K::GreaterEq => B::GreaterOrEqual,
        _ => return None,
    })
}

/// The type that an operator gives for two types; `None`: it does not take them.
pub(super) fn result(operator: BinaryOperator, left: &Type, right: &Type) -> Option<Type> {
    use BinaryOperator as B;
    let unknown = |ty: &Type| matches!(ty, Type::Unknown | Type::Never);
    let numbers =
        matches!(operator, B::Add | B::Subtract | B::Multiply | B::Divide | B::Remainder | B::Power);
    let bits = matches!(operator, B::And | B::Or | B::Xor);
    let equality = matches!(operator, B::Equal | B::NotEqual);
    let takes = |ty: &Type| match ty {
        Type::I64 => true,
        Type::F64 => !bits && !matches!(operator, B::ShiftLeft | B::ShiftRight),
        Type::Bool => bits || equality,
        Type::Symbol => equality,
        Type::Unknown | Type::Never => true,
        _ => false,
    };
    if !takes(left) || !takes(right) {
        return None;
    }
    let both_numbers = left.is_number() && right.is_number();
    if !(unknown(left) || unknown(right) || left == right || both_numbers) {
        return None;
    }
    Some(if operator.compares() {
        Type::Bool
    } else if unknown(left) || unknown(right) {
        // With a float beside it, any number gives a float.
        if numbers && (matches!(left, Type::F64) || matches!(right, Type::F64)) {
            Type::F64
        } else if matches!(left, Type::Unknown) || matches!(right, Type::Unknown) {
            Type::Unknown
        } else {
            // One side never comes, and so the whole does not.
            Type::Never
        }
    } else if matches!(left, Type::F64) || matches!(right, Type::F64) {
        Type::F64
    } else {
        left.clone()
    })
}

impl Body<'_, '_, '_> {
    pub(super) fn prefix(&mut self, node: &ast::PrefixExpr, at: Span) -> ExprId {
        let (Some(op), Some(operand)) = (node.op_token(), node.operand()) else { return self.wrong(at) };
        let value = self.value(&operand);
        let ty = self.ty(value);
        let (operator, fits) = match op.kind() {
            K::Minus => (UnaryOperator::Negate, ty.is_number()),
            K::Plus => (UnaryOperator::Plus, ty.is_number()),
            _ => (UnaryOperator::Not, matches!(ty, Type::Bool)),
        };
        let op_span = token_span(&op);
        if !fits && !matches!(ty, Type::Unknown | Type::Never) {
            let takes = if operator == UnaryOperator::Not { "a bool" } else { "a number" };
            let message = format!("`{}` takes {takes}, not {ty}", op.text());
            self.error(code::OPERATOR, op_span, message, "types are never converted");
            return match operator {
                UnaryOperator::Not => self.unknown(Type::Bool, at),
                _ => self.wrong(at),
            };
        }
        let ty = match (operator, ty) {
            (UnaryOperator::Not, _) => Type::Bool,
            (_, ty) => ty,
        };
        self.expr(ExprKind::Unary(operator, value), ty, at, op_span.start)
    }

    pub(super) fn binary(&mut self, node: &ast::BinaryExpr, at: Span) -> ExprId {
        let Some(op) = node.op_token() else { return self.wrong(at) };
        let op_span = token_span(&op);
        match op.kind() {
            K::AmpAmp | K::PipePipe => return self.logic(node, op.kind() == K::AmpAmp, at, op_span),
            K::DoubleQuestion => {
                self.refuse(op_span, "`??`", "every value is there; use `if`");
                for side in [node.lhs(), node.rhs()].into_iter().flatten() {
                    self.value(&side);
                }
                return self.wrong(at);
            }
            K::InKw | K::NotIn => {
                self.refuse(op_span, "`in`", "compare with `==`, or write a loop");
                return self.unknown(Type::Bool, at);
            }
            _ => {}
        }
        let left = node.lhs().map(|side| self.value(&side));
        let mark = self.changed.len();
        let right = node.rhs().map(|side| self.value(&side));
        self.unchanged_behind(left, mark);
        let operator = binary_operator(op.kind());
        let (Some(left), Some(right), Some(operator)) = (left, right, operator) else {
            return self.wrong(at);
        };
        let (left_ty, right_ty) = (self.ty(left), self.ty(right));
        let Some(ty) = result(operator, &left_ty, &right_ty) else {
            self.operands(operator, op_span, (node.lhs(), &left_ty), (node.rhs(), &right_ty));
            return if operator.compares() { self.unknown(Type::Bool, at) } else { self.wrong(at) };
        };
        if matches!(operator, BinaryOperator::Equal | BinaryOperator::NotEqual) {
            self.compared(left, right);
        }
        self.expr(ExprKind::Binary(operator, left, right), ty, at, op_span.start)
    }

    /// A finding about operands that an operator does not take.
    fn operands(
        &mut self,
        operator: BinaryOperator,
        at: Span,
        (left, left_ty): (Option<ast::Expr>, &Type),
        (right, right_ty): (Option<ast::Expr>, &Type),
    ) {
        let (a, b) = (described(left_ty), described(right_ty));
        let advice = arithmetic::advice(operator, &a, &b);
        let message = format!("`{}` does not take {a} and {b}", operator.symbol());
        let mut found = self.found(code::OPERATOR, at, message).help(advice);
        let int_bits = |ty: &Type| matches!(ty, Type::I64 | Type::F64);
        if advice.ends_with("convert with to_int()") && int_bits(left_ty) && int_bits(right_ty) {
            let sides = [(left, left_ty), (right, right_ty)];
            let edits =
                sides.into_iter().filter(|(_, ty)| matches!(ty, Type::F64)).filter_map(|(side, _)| {
                    let at = span(&side?);
                    Some([
                        super::conversion::insert(at.start, "to_int("),
                        super::conversion::insert(at.end, ")"),
                    ])
                });
            found = found.fix("convert it with `to_int()`", edits.flatten().collect());
        }
        self.report(found);
    }

    fn logic(&mut self, node: &ast::BinaryExpr, and: bool, at: Span, op: Span) -> ExprId {
        let side = |body: &mut Self, node: Option<ast::Expr>| {
            let node = node?;
            let value = body.value(&node);
            let subject = if and { "a side of `&&`" } else { "a side of `||`" };
            body.fits(value, &node, &Type::Bool, subject);
            Some(value)
        };
        let left = side(self, node.lhs());
        let right = side(self, node.rhs());
        match (left, right) {
            (Some(left), Some(right)) => {
                self.expr(ExprKind::Logic { and, left, right }, Type::Bool, at, op.start)
            }
            _ => self.unknown(Type::Bool, at),
        }
    }

    /// The type after `place op= value`: it has to be the place's.
    pub(super) fn operate(
        &mut self,
        operator: BinaryOperator,
        op: Span,
        (place, place_ty): (&ast::Expr, &Type),
        (node, value): (&ast::Expr, ExprId),
        subject: &str,
    ) -> bool {
        let value_ty = self.ty(value);
        let Some(ty) = result(operator, place_ty, &value_ty) else {
            self.operands(operator, op, (Some(place.clone()), place_ty), (Some(node.clone()), &value_ty));
            return false;
        };
        if super::conversion::fits(&ty, place_ty) {
            return true;
        }
        let message = format!("{subject} is {place_ty}, the result is {ty}");
        let mut found = self.found(code::TYPE, span(node), message);
        if matches!((place_ty, &ty), (Type::I64, Type::F64)) {
            let at = span(node);
            let help = "types are never converted, write `to_int(...)`, which rounds towards zero";
            let edits =
                vec![super::conversion::insert(at.start, "to_int("), super::conversion::insert(at.end, ")")];
            found = found.help(help).fix("convert it with `to_int()`", edits);
        } else {
            found = found.help("types are never converted");
        }
        self.report(found);
        false
    }
}

/// A type as an operand: arrays and records without what is in them.
fn described(ty: &Type) -> String {
    match ty {
        Type::Array(_) => "array".to_owned(),
        Type::Record(_) => "record".to_owned(),
        ty => ty.to_string(),
    }
}
