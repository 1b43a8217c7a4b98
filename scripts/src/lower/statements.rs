//! Blocks and statements.

use super::{
    body::{Body, Want, drop_value, expression},
    items, span, span_of, token_span,
};
use crate::{
    finding::code,
    hir::{
        Block, ExprId, ExprKind, Items, Span, Statement, StatementKind, Type,
        walk::{self, Part},
    },
    sink::Found,
    syntax::{
        SyntaxNode,
        ast::{self, AstNode},
    },
};
use sensai_model::Value;

impl Body<'_, '_, '_> {
    /// Statements with a scope of their own, and the type of their value.
    pub fn block(&mut self, node: &ast::Block, want: Want) -> (Block, Type) {
        let scope = self.scope.len();
        let statements: Vec<ast::Stmt> = node.statements().collect();
        let result = self.sequence(&statements, want);
        self.scope.truncate(scope);
        result
    }

    pub fn sequence(&mut self, nodes: &[ast::Stmt], want: Want) -> (Block, Type) {
        let last = nodes.iter().rposition(|node| !matches!(node, ast::Stmt::Empty(_)));
        let mut block = Block::default();
        let mut ends = false;
        for (index, node) in nodes.iter().enumerate() {
            if let (ast::Stmt::Expr(statement), true) = (node, Some(index) == last) {
                let Some(expr) = statement.expr() else { continue };
                let value = self.any(&expr, want);
                let ty = self.ty(value);
                ends |= matches!(ty, Type::Never);
                if matches!(ty, Type::Unit | Type::Never) {
                    block.statements.push(expression(value, &self.exprs));
                    return (block, if ends { Type::Never } else { ty });
                }
                block.value = Some(value);
                if ends || want == Want::Drop {
                    drop_value(&mut block, &self.exprs);
                    return (block, if ends { Type::Never } else { Type::Unit });
                }
                return (block, ty);
            }
            if let Some(statement) = self.statement(node) {
                ends |= self.never_ends(&statement);
                block.statements.push(statement);
            }
        }
        (block, if ends { Type::Never } else { Type::Unit })
    }

    /// Control does not come behind the statement.
    fn never_ends(&self, statement: &Statement) -> bool {
        match &statement.kind {
            StatementKind::Return(_) | StatementKind::Break | StatementKind::Continue => true,
            StatementKind::Expr(value) | StatementKind::Let { value, .. } => {
                matches!(self.ty(*value), Type::Never)
            }
            StatementKind::While { condition: None, body, .. } => !leaves(body, &self.exprs),
            _ => false,
        }
    }

    /// An expression or a loop; a loop has no value.
    fn any(&mut self, node: &ast::Expr, want: Want) -> ExprId {
        if want == Want::Value || !is_loop(node) {
            return self.expression(node, want);
        }
        let at = span(node);
        let statements: Vec<Statement> = self.loop_statement(node).into_iter().collect();
        let ends = statements.last().is_some_and(|last| self.never_ends(last));
        let ty = if ends { Type::Never } else { Type::Unit };
        self.expr(ExprKind::Block(Block { statements, value: None }), ty, at, at.start)
    }

    fn statement(&mut self, node: &ast::Stmt) -> Option<Statement> {
        let all = span_of(node.syntax());
        let statement = |kind, at| Some(Statement { kind, span: all, at });
        match node {
            ast::Stmt::Let(node) => {
                let kind = self.variable(node.name(), node.value(), node.syntax(), false)?;
                statement(kind, all.start)
            }
            ast::Stmt::Const(node) => {
                let kind = self.variable(node.name(), node.value(), node.syntax(), true)?;
                statement(kind, all.start)
            }
            ast::Stmt::Assign(node) => self.assignment(node),
            ast::Stmt::Expr(node) => {
                let expr = node.expr()?;
                if is_loop(&expr) {
                    return self.loop_statement(&expr);
                }
                let value = self.expression(&expr, Want::Drop);
                Some(expression(value, &self.exprs))
            }
            ast::Stmt::Empty(_) => None,
            ast::Stmt::Break(node) => {
                if let Some(value) = node.value() {
                    let at = span(&value);
                    self.refuse(
                        at,
                        "`break` with a value",
                        "assign it to a variable before the loop is left",
                    );
                    self.value(&value);
                }
                statement(StatementKind::Break, all.start)
            }
            ast::Stmt::Continue(_) => statement(StatementKind::Continue, all.start),
            ast::Stmt::Return(node) => {
                let value = node.value().map(|expr| (self.value(&expr), span(&expr)));
                match value {
                    Some((id, at)) => {
                        let ty = self.ty(id);
                        if !matches!(ty, Type::Never) {
                            self.gives(ty, at, true);
                        }
                    }
                    None => self.gives(Type::Unit, all, true),
                }
                statement(StatementKind::Return(value.map(|(id, _)| id)), all.start)
            }
            ast::Stmt::Throw(node) => {
                self.refuse(word(all, 5), "`throw`", "raise a fault with `fault(\"name\")`");
                if let Some(value) = node.value() {
                    self.value(&value);
                }
                let wrong = self.wrong(all);
                statement(StatementKind::Expr(wrong), all.start)
            }
            ast::Stmt::Try(node) => {
                let help = "a fault stops the program and undoes its cycle; test before you calculate";
                self.refuse(word(all, 3), "`try`", help);
                let block = node.body().map(|body| self.block(&body, Want::Drop).0).unwrap_or_default();
                let scope = self.scope.len();
                if let Some(name) = node.name() {
                    self.declare(&name, Type::Unknown);
                }
                if let Some(handler) = node.handler() {
                    self.block(&handler, Want::Drop);
                }
                self.scope.truncate(scope);
                let value = self.expr(ExprKind::Block(block), Type::Unknown, all, all.start);
                statement(StatementKind::Expr(value), all.start)
            }
            ast::Stmt::Import(_) | ast::Stmt::Export(_) => {
                let message = "`import` and `export` do not stand in functions";
                self.error(code::REFUSED, word(all, 6), message, "move it to the top level");
                None
            }
        }
    }

    /// `let x = value;` and `const X = value;`.
    fn variable(
        &mut self,
        name: Option<crate::syntax::SyntaxToken>,
        value: Option<ast::Expr>,
        node: &SyntaxNode,
        constant: bool,
    ) -> Option<StatementKind> {
        let Some(value) = value else {
            let name = name?;
            if !items::assigns(node) {
                let keyword = if constant { "const" } else { "let" };
                let message = format!("`{keyword} {}` has no value", name.text());
                let at = span_of(node);
                let at = Span::new(at.start, token_span(&name).end);
                self.error(code::REFUSED, at, message, "give it one; its type follows from it");
            }
            self.declare(&name, Type::Unknown);
            return None;
        };
        let id = self.value(&value);
        let ty = self.ty(id);
        if ty.holds_block() {
            self.facts.in_variables.push((span(&value), called(&ty)));
        }
        let name = name?;
        let ty = if ty.holds_block() { Type::Unknown } else { ty };
        let local = self.declare(&name, ty);
        if constant {
            let known = self.known_value(id);
            if let Some(slot) = self.known.get_mut(local.index()) {
                *slot = known;
            }
            if let Some(slot) = self.constant.get_mut(local.index()) {
                *slot = true;
            }
        }
        Some(StatementKind::Let { local, value: id })
    }

    pub fn loop_statement(&mut self, node: &ast::Expr) -> Option<Statement> {
        let all = span(node);
        let kind = match node {
            ast::Expr::While(node) => {
                let condition = node.condition().map(|condition| self.condition(&condition));
                let endless = condition.is_some_and(|condition| {
                    matches!(self.kind(condition), Some(ExprKind::Literal(Value::Bool(true))))
                });
                let body = self.repeated(node.body());
                if endless && !leaves(&body, &self.exprs) {
                    self.endless(all);
                }
                let wrong = || node.condition().is_none();
                let condition = if wrong() { Some(self.wrong(all)) } else { condition };
                StatementKind::While { condition, body_first: false, until: false, body }
            }
            ast::Expr::Loop(node) => {
                let body = self.repeated(node.body());
                if !leaves(&body, &self.exprs) {
                    self.endless(all);
                }
                StatementKind::While { condition: None, body_first: false, until: false, body }
            }
            ast::Expr::Do(node) => {
                let body = self.repeated(node.body());
                let condition = node.condition().map(|condition| self.condition(&condition));
                let condition = condition.or_else(|| Some(self.wrong(all)));
                StatementKind::While { condition, body_first: true, until: node.is_until(), body }
            }
            ast::Expr::For(node) => return self.for_statement(node, all),
            _ => return None,
        };
        Some(Statement { kind, span: all, at: all.start })
    }

    fn repeated(&mut self, body: Option<ast::Block>) -> Block {
        self.loops += 1;
        let block = body.map(|body| self.block(&body, Want::Drop).0).unwrap_or_default();
        self.loops -= 1;
        block
    }

    fn endless(&mut self, at: Span) {
        let help = "the operations of a cycle are limited, and the program would fault; use `for`, or one step in each cycle";
        let found = Found::warning(code::UNBOUNDED_LOOP, self.file, word(at, 4), "this loop never ends");
        self.report(found.help(help));
    }

    fn for_statement(&mut self, node: &ast::ForExpr, all: Span) -> Option<Statement> {
        let (items, ty) = match node.iterable() {
            Some(iterable) => self.items(&iterable),
            None => (Items::Array(self.wrong(all)), Type::Unknown),
        };
        let scope = self.scope.len();
        let counter = node.counter().map(|name| self.declare(&name, Type::I64));
        let variable = match node.name() {
            Some(name) => self.declare(&name, ty),
            None => self.local("", ty, all),
        };
        let body = self.repeated(node.body());
        self.scope.truncate(scope);
        Some(Statement {
            kind: StatementKind::For { variable, counter, items, body },
            span: all,
            at: all.start,
        })
    }

    /// What a `for` runs through, and the type of one of it.
    fn items(&mut self, node: &ast::Expr) -> (Items, Type) {
        if let ast::Expr::Range(range) = node.clone().plain() {
            let at = span(node);
            let start = match range.start() {
                Some(start) => self.bound(&start),
                None => self.expr(ExprKind::Literal(Value::I64(0)), Type::I64, at, at.start),
            };
            let end = match range.end() {
                Some(end) => self.bound(&end),
                None => {
                    let help = "write both ends, as in `0..n`";
                    self.error(code::REFUSED, at, "cell programs have no ranges without an end", help);
                    self.wrong(at)
                }
            };
            return (Items::Range { start, end, inclusive: range.is_inclusive() }, Type::I64);
        }
        self.elements(node)
    }

    fn bound(&mut self, node: &ast::Expr) -> ExprId {
        let value = self.value(node);
        let actual = self.ty(value);
        if !super::conversion::fits(&actual, &Type::I64) {
            let message = format!("a range runs from i64 to i64, this is {actual}");
            let found = self.found(code::TYPE, span(node), message);
            let found = match actual {
                Type::F64 => {
                    let at = span(node);
                    let edits = vec![
                        super::conversion::insert(at.start, "to_int("),
                        super::conversion::insert(at.end, ")"),
                    ];
                    found.help("convert it with to_int()").fix("convert it with `to_int()`", edits)
                }
                _ => found.help("types are never converted"),
            };
            self.report(found);
        }
        value
    }

    /// A condition: a bool.
    pub fn condition(&mut self, node: &ast::Expr) -> ExprId {
        let value = self.value(node);
        self.fits(value, node, &Type::Bool, "a condition");
        value
    }
}

/// A loop, which is an expression in Rhai and gives nothing.
pub(super) fn is_loop(node: &ast::Expr) -> bool {
    matches!(node, ast::Expr::While(_) | ast::Expr::Loop(_) | ast::Expr::Do(_) | ast::Expr::For(_))
}

/// The first characters of a place.
pub(super) fn word(at: Span, len: u32) -> Span {
    Span::new(at.start, at.end.min(at.start + len))
}

/// A type that holds blocks, in words.
pub(super) fn called(ty: &Type) -> String {
    match ty {
        Type::Block(block) => format!("{}()", block.name),
        Type::Axis => "Axis".to_owned(),
        other => other.to_string(),
    }
}

/// True if a `break` of this loop, a `return` or a fault is somewhere in its body, operands included.
fn leaves(body: &Block, exprs: &[crate::hir::Expr]) -> bool {
    fn block(body: &Block, exprs: &[crate::hir::Expr], inner: bool) -> bool {
        let statement = |statement: &Statement| match &statement.kind {
            StatementKind::Return(_) => true,
            StatementKind::Break => !inner,
            StatementKind::While { condition, body, .. } => {
                condition.is_some_and(|condition| expr(condition, exprs, inner)) || block(body, exprs, true)
            }
            StatementKind::For { items, body, .. } => {
                let mut found = block(body, exprs, true);
                walk::item_parts(items, &mut |of| found = found || part(of, exprs, inner));
                found
            }
            kind => {
                let mut found = false;
                walk::statement_parts(kind, &mut |of| found = found || part(of, exprs, inner));
                found
            }
        };
        body.statements.iter().any(statement) || body.value.is_some_and(|value| expr(value, exprs, inner))
    }
    fn part(of: Part<'_>, exprs: &[crate::hir::Expr], inner: bool) -> bool {
        match of {
            Part::Expr(id) => expr(id, exprs, inner),
            Part::Block(body) => block(body, exprs, inner),
        }
    }
    fn expr(id: ExprId, exprs: &[crate::hir::Expr], inner: bool) -> bool {
        let Some(of) = exprs.get(id.index()) else { return false };
        let mut found = match of.kind {
            ExprKind::Fault(_) => true,
            ExprKind::If { .. } | ExprKind::Switch(_) | ExprKind::Block(_) => false,
            _ => matches!(of.ty, Type::Never),
        };
        walk::expr_parts(&of.kind, &mut |of| found = found || part(of, exprs, inner));
        found
    }
    block(body, exprs, false)
}
