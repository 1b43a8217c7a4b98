//! A value of another type than what is asked for: what to write instead.

use super::{body::Body, span, token_span};
use crate::{
    finding::{Edit, code},
    hir::{ExprId, Span, Type},
    syntax::{
        Number,
        ast::{self, AstNode},
    },
};

/// What there is to say where nothing can be written instead.
const NEVER: &str = "types are never converted";

impl Body<'_, '_, '_> {
    /// A finding if a value is not of a type; `subject` is what it is for, such as "`io.x`" or "the field".
    /// False: there was one.
    pub fn fits(&mut self, value: ExprId, node: &ast::Expr, expected: &Type, subject: &str) -> bool {
        let actual = self.ty(value);
        if fits(&actual, expected) {
            return true;
        }
        let message = format!("{subject} is {expected}, the value is {actual}");
        let (mut help, edits) = self.instead(node, &actual, expected);
        if subject == "the field" && help == NEVER {
            "a field keeps the type that `init` gave it".clone_into(&mut help);
        }
        let mut found = self.found(code::TYPE, span(node), message).help(help.clone());
        if let Some(edits) = edits {
            found = found.fix(help, edits);
        }
        self.report(found);
        false
    }

    /// What to write instead of a value, and the change that does it.
    fn instead(&self, node: &ast::Expr, actual: &Type, expected: &Type) -> (String, Option<Vec<Edit>>) {
        match (expected, actual) {
            (Type::F64, Type::I64) => {
                let edits = self.to_floats(&[node]);
                let help = match (node.number(), edits.as_deref()) {
                    (Some(Number::Int(number)), _) => format!("write `{number}.0`"),
                    (_, Some([open, _])) if open.text == "to_float(" => {
                        let text = self.shown(span(node), "the value");
                        format!("types are never converted, write `to_float({})`", text.trim_matches('`'))
                    }
                    (_, Some(edits)) if !edits.is_empty() => {
                        "types are never converted, write all its numbers with a point".to_owned()
                    }
                    _ => NEVER.to_owned(),
                };
                (help, edits)
            }
            (Type::I64, Type::F64) => {
                let at = span(node);
                match node.number() {
                    Some(Number::Float(number)) if libm::fabs(number) < 9.2e18 => {
                        let text = format!("{}", libm::trunc(number) as i64);
                        (format!("write `{text}`"), Some(vec![edit(at, text)]))
                    }
                    _ => {
                        let text = self.shown(at, "the value");
                        let help = format!(
                            "types are never converted, write `to_int({})`, which rounds towards zero",
                            text.trim_matches('`')
                        );
                        (help, Some(vec![insert(at.start, "to_int("), insert(at.end, ")")]))
                    }
                }
            }
            (Type::Bool, _) if node.number().is_some() => ("write `true` or `false`".to_owned(), None),
            (Type::Bool, Type::I64 | Type::F64) => ("compare it with something".to_owned(), None),
            _ => (NEVER.to_owned(), None),
        }
    }

    /// The changes that make whole numbers floats: a point where one is written, `to_float()` around what is computed.
    pub fn to_floats(&self, nodes: &[&ast::Expr]) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        for node in nodes {
            self.to_float(node, &mut edits)?;
        }
        edits.sort_by_key(|edit| (edit.start, edit.end));
        Some(edits)
    }

    fn to_float(&self, node: &ast::Expr, edits: &mut Vec<Edit>) -> Option<()> {
        let at = span(node);
        match node {
            ast::Expr::Paren(paren) => return self.to_float(&paren.expr()?, edits),
            ast::Expr::Literal(literal) => {
                let token = literal.token()?;
                let text = token.text();
                if text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b'-' || byte == b'+')
                {
                    edits.push(insert(token_span(&token).end, ".0"));
                } else if let Some(Number::Int(number)) = node.number() {
                    edits.push(edit(at, format!("{number}.0")));
                } else {
                    return None;
                }
            }
            ast::Expr::Prefix(prefix) if node.number().is_some() => {
                return self.to_float(&prefix.operand()?, edits);
            }
            ast::Expr::If(branch) => {
                self.block_to_float(&branch.then()?, edits)?;
                match branch.otherwise()? {
                    ast::Else::Block(block) => self.block_to_float(&block, edits)?,
                    ast::Else::If(chained) => self.to_float(&ast::Expr::If(chained), edits)?,
                }
            }
            ast::Expr::Block(block) => self.block_to_float(block, edits)?,
            ast::Expr::Switch(switch) => {
                for case in switch.cases() {
                    match case.body()? {
                        ast::Stmt::Expr(body) => self.to_float(&body.expr()?, edits)?,
                        _ => return None,
                    }
                }
            }
            _ => {
                edits.push(insert(at.start, "to_float("));
                edits.push(insert(at.end, ")"));
            }
        }
        Some(())
    }

    fn block_to_float(&self, block: &ast::Block, edits: &mut Vec<Edit>) -> Option<()> {
        let last = block.statements().filter(|statement| !matches!(statement, ast::Stmt::Empty(_))).last()?;
        match last {
            ast::Stmt::Expr(last) => self.to_float(&last.expr()?, edits),
            // What leaves the block gives no value.
            ast::Stmt::Return(_) | ast::Stmt::Break(_) | ast::Stmt::Continue(_) => Some(()),
            other => {
                let _ = other.syntax();
                None
            }
        }
    }
}

/// True if a value of one type can be where the other is asked for. Unknown parts fit.
pub(super) fn fits(actual: &Type, expected: &Type) -> bool {
    super::joins::join(actual, expected).is_some()
}

pub(super) fn insert(at: u32, text: impl Into<String>) -> Edit {
    Edit { start: at, end: at, text: text.into() }
}

pub(super) fn edit(at: Span, text: impl Into<String>) -> Edit {
    Edit { start: at.start, end: at.end, text: text.into() }
}
