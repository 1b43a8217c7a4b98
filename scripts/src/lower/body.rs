//! An instance of a function while it is looked at.

use super::{
    Lowering,
    instances::{Conflict, Facts},
    span_of, token_span,
};
use crate::{
    environment::VARIABLES_MAX,
    finding::code,
    hir::{
        Block, Expr, ExprId, ExprKind, FileId, Function, FunctionId, Local, LocalId, Span, Statement,
        StatementKind, Type,
    },
    sink::Found,
    syntax::{
        SyntaxToken,
        ast::{self, AstNode},
    },
    uses::{CURSOR, Entity, Scope},
};
use sensai_model::Value;

/// What becomes of the value of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// It is used.
    Value,
    /// It is dropped.
    Drop,
    /// It is the result of the function, which nobody may use.
    Tail,
}

/// What a function gives, as far as it was looked at.
#[derive(Clone, Debug)]
struct Given {
    ty: Type,
    span: Span,
    /// By `return` with a value.
    explicit: bool,
}

pub(super) struct Body<'b, 'a, 's> {
    pub lowering: &'b mut Lowering<'a, 's>,
    pub file: FileId,
    /// None: the value of a constant.
    pub item: Option<usize>,
    pub this: Option<Type>,
    pub exprs: Vec<Expr>,
    pub locals: Vec<Local>,
    /// Values of the locals that are constants.
    pub known: Vec<Option<Value>>,
    /// True for locals that are constants.
    pub constant: Vec<bool>,
    /// Variables that can be named, the innermost last.
    pub scope: Vec<(String, LocalId)>,
    /// Variables that were changed, in the order of the text.
    pub changed: Vec<LocalId>,
    /// Loops around.
    pub loops: usize,
    pub facts: Facts,
    parameters: u32,
    given: Option<Given>,
    conflict: Option<Conflict>,
    tail: Option<Span>,
    body: Block,
    name: (String, Span),
}

impl<'b, 'a, 's> Body<'b, 'a, 's> {
    pub fn new(
        lowering: &'b mut Lowering<'a, 's>,
        item: usize,
        this: Option<Type>,
        arguments: &[Type],
    ) -> Option<Self> {
        let of = lowering.items.get(item)?;
        let (file, name, parameters) = (of.file, (of.name.clone(), of.span), of.parameters.clone());
        let mut body = Self::empty(lowering, file, name);
        body.item = Some(item);
        body.this = this;
        for ((name, span), ty) in parameters.into_iter().zip(arguments) {
            let local = body.local(&name, ty.clone(), span);
            body.lowering.uses.define(file, span, Entity::Local(span));
            body.scope.push((name, local));
        }
        body.parameters = body.locals.len() as u32;
        Some(body)
    }

    /// For the value of a constant.
    pub fn empty(lowering: &'b mut Lowering<'a, 's>, file: FileId, name: (String, Span)) -> Self {
        Self {
            lowering,
            file,
            item: None,
            this: None,
            exprs: Vec::new(),
            locals: Vec::new(),
            known: Vec::new(),
            constant: Vec::new(),
            scope: Vec::new(),
            changed: Vec::new(),
            loops: 0,
            facts: Facts::default(),
            parameters: 0,
            given: None,
            conflict: None,
            tail: None,
            body: Block::default(),
            name,
        }
    }

    /// Look at the whole function.
    pub fn run(&mut self) {
        let item = self.item.and_then(|item| self.lowering.items.get(item));
        let Some(body) = item.and_then(|item| item.body.clone()) else { return };
        let (block, ty) = self.block(&body, Want::Tail);
        let last = body.statements().filter(|statement| !matches!(statement, ast::Stmt::Empty(_))).last();
        let span = last.as_ref().map_or(span_of(body.syntax()), |last| {
            let span = span_of(last.syntax());
            match last {
                ast::Stmt::Expr(last) => last.expr().map_or(span, |expr| super::span(&expr)),
                _ => span,
            }
        });
        self.tail = Some(span);
        if !matches!(ty, Type::Never) {
            self.gives(ty, span, false);
        }
        self.body = block;
    }

    /// The finished instance.
    pub fn finish(self) -> (Function, Facts, Option<Span>, Option<Conflict>) {
        let result = match (&self.conflict, &self.given) {
            (Some(_), _) => Type::Unit,
            (None, Some(given)) => given.ty.clone(),
            (None, None) if self.item.is_some_and(|item| self.is_empty(item)) => Type::Unit,
            (None, None) => Type::Never,
        };
        let mut function = Function {
            name: self.name.0,
            file: self.file,
            span: self.name.1,
            this: self.this,
            parameters: self.parameters,
            locals: self.locals,
            result,
            exprs: self.exprs,
            body: self.body,
        };
        if matches!(function.result, Type::Unit | Type::Never) {
            without_result(&mut function);
        }
        (function, self.facts, self.tail, self.conflict)
    }

    fn is_empty(&self, item: usize) -> bool {
        self.lowering.items.get(item).is_none_or(|item| item.body.is_none())
    }

    /// What the function gives here, too.
    pub fn gives(&mut self, ty: Type, span: Span, explicit: bool) {
        let new = Given { ty, span, explicit };
        let Some(old) = self.given.clone() else {
            self.given = Some(new);
            return;
        };
        match super::joins::join(&old.ty, &new.ty) {
            Some(ty) => self.given = Some(Given { ty, ..old }),
            None if old.explicit && new.explicit => self.returns_differ(&old, &new),
            None => {
                let conflict = Conflict { first: (old.ty, old.span), second: (new.ty, new.span) };
                self.conflict.get_or_insert(conflict);
            }
        }
    }

    fn returns_differ(&mut self, old: &Given, new: &Given) {
        let message = format!("this returns {}, another `return` {}", new.ty, old.ty);
        let found = Found::error(code::JOIN, self.file, new.span, message)
            .help("a function returns one type; types are never converted")
            .related(self.file, old.span, format!("{} here", old.ty));
        self.lowering.sink.add(found);
        self.given = Some(Given { ty: Type::Unknown, ..old.clone() });
    }

    /// The branches of the function's last statement differ: that matters where somebody uses its result.
    pub fn conflicts(&mut self, first: (Type, Span), second: (Type, Span)) {
        self.conflict.get_or_insert(Conflict { first, second });
    }

    /// A new variable, which is not in scope yet.
    pub fn local(&mut self, name: &str, ty: Type, span: Span) -> LocalId {
        let id = LocalId(self.locals.len() as u32);
        let ty = if matches!(ty, Type::Never) { Type::Unit } else { ty };
        self.locals.push(Local { name: name.to_owned(), ty, span, mutable: false });
        self.known.push(None);
        self.constant.push(false);
        id
    }

    /// Declare a variable: from here on its name means it.
    pub fn declare(&mut self, name: &SyntaxToken, ty: Type) -> LocalId {
        let (text, span) = (name.text().to_owned(), token_span(name));
        self.lowering.uses.define(self.file, span, Entity::Local(span));
        self.lowering.declares(self.file, &text, span);
        let local = self.local(&text, ty, span);
        self.scope.push((text, local));
        if self.scope.len() == VARIABLES_MAX {
            let message = format!("more than {VARIABLES_MAX} variables at once");
            self.lowering
                .sink
                .add(Found::error(code::TOO_LARGE, self.file, span, message).help("use an array"));
        }
        local
    }

    pub fn find(&self, name: &str) -> Option<LocalId> {
        self.scope.iter().rev().find(|(known, _)| known == name).map(|(_, local)| *local)
    }

    /// Note what a name means.
    pub fn means(&mut self, span: Span, entity: Entity) {
        self.lowering.uses.add(self.file, span, entity);
    }

    /// Note that a name means a function.
    pub fn means_item(&mut self, span: Span, item: usize) {
        if let Some(item) = self.lowering.items.get(item) {
            self.lowering.uses.add(self.file, span, Entity::Function(item.file, item.span));
        }
    }

    /// Note what can be named where somebody is about to write a name.
    pub fn is_asked(&mut self, name: &str, span: Span) {
        if !name.starts_with(CURSOR) {
            return;
        }
        let mut locals: Vec<(String, Type)> = Vec::new();
        for (name, local) in self.scope.iter().rev() {
            if !locals.iter().any(|(known, _)| known == name) {
                let ty = self.locals.get(local.index()).map_or(Type::Unknown, |local| local.ty.clone());
                locals.push((name.clone(), ty));
            }
        }
        self.lowering.uses.scopes.push(Scope { file: self.file, span, locals, this: self.this.clone() });
    }

    pub fn is_parameter(&self, local: LocalId) -> bool {
        local.0 < self.parameters
    }

    pub fn expr(&mut self, kind: ExprKind, ty: Type, span: Span, at: u32) -> ExprId {
        let id = ExprId(self.exprs.len() as u32);
        self.exprs.push(Expr { kind, ty, span, at });
        id
    }

    /// In place of what is wrong.
    pub fn wrong(&mut self, span: Span) -> ExprId {
        self.expr(ExprKind::Literal(Value::Bool(false)), Type::Unknown, span, span.start)
    }

    pub fn ty(&self, id: ExprId) -> Type {
        self.exprs.get(id.index()).map_or(Type::Unknown, |expr| expr.ty.clone())
    }

    pub fn kind(&self, id: ExprId) -> Option<&ExprKind> {
        self.exprs.get(id.index()).map(|expr| &expr.kind)
    }

    pub fn span_of(&self, id: ExprId) -> Span {
        self.exprs.get(id.index()).map_or(Span::new(0, 0), |expr| expr.span)
    }

    /// Text as it is written.
    pub fn text(&self, span: Span) -> &str {
        self.lowering.sink.text(self.file, span)
    }

    /// Text as it is written, if it is short enough to be shown; else `otherwise`.
    pub fn shown(&self, span: Span, otherwise: &str) -> String {
        let text = self.text(span);
        if text.is_empty() || text.len() > 48 || text.contains('\n') {
            otherwise.to_owned()
        } else {
            format!("`{text}`")
        }
    }

    /// Report an error in this file.
    pub fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Found::error(code, self.file, span, message).help(help));
    }

    pub fn report(&mut self, found: Found) {
        self.lowering.sink.add(found);
    }

    pub fn found(&self, code: &'static str, span: Span, message: impl Into<String>) -> Found {
        Found::error(code, self.file, span, message)
    }

    /// Note that a function of the program is called.
    pub fn calls(&mut self, function: FunctionId) {
        if !self.facts.calls.contains(&function) {
            self.facts.calls.push(function);
        }
    }

    /// Note that something of the cycle is used; not for constants, which have nothing of the cell.
    pub fn uses_root(&mut self, name: &str, span: Span) {
        if self.item.is_some() {
            self.facts.roots.push((span, name.to_owned()));
            return;
        }
        let message = format!("a constant cannot depend on `{name}`");
        self.error(code::INIT, span, message, "read it in `init` or `cycle`");
    }
}

/// Nobody gets a value from a function without a result: what looks like one is dropped.
fn without_result(function: &mut Function) {
    let mut body = std::mem::take(&mut function.body);
    drop_returns(&mut body, &function.exprs);
    drop_value(&mut body, &function.exprs);
    function.body = body;
    let mut exprs = std::mem::take(&mut function.exprs);
    for index in 0..exprs.len() {
        let Some(mut kind) = exprs
            .get_mut(index)
            .map(|expr| std::mem::replace(&mut expr.kind, ExprKind::Literal(Value::Bool(false))))
        else {
            continue;
        };
        match &mut kind {
            ExprKind::If { then, otherwise, .. } => {
                drop_returns(then, &exprs);
                if let Some(otherwise) = otherwise {
                    drop_returns(otherwise, &exprs);
                }
            }
            ExprKind::Block(block) => drop_returns(block, &exprs),
            _ => {}
        }
        if let Some(expr) = exprs.get_mut(index) {
            expr.kind = kind;
        }
    }
    function.exprs = exprs;
}

fn drop_returns(block: &mut Block, exprs: &[Expr]) {
    let mut statements = Vec::with_capacity(block.statements.len());
    for mut statement in std::mem::take(&mut block.statements) {
        match &mut statement.kind {
            StatementKind::While { body, .. } | StatementKind::For { body, .. } => drop_returns(body, exprs),
            StatementKind::Return(value) => {
                if let Some(value) = value.take() {
                    statements.push(expression(value, exprs));
                }
            }
            _ => {}
        }
        statements.push(statement);
    }
    block.statements = statements;
}

/// The value of a block becomes its last statement.
pub(super) fn drop_value(block: &mut Block, exprs: &[Expr]) {
    if let Some(value) = block.value.take() {
        block.statements.push(expression(value, exprs));
    }
}

/// An expression as a statement.
pub(super) fn expression(value: ExprId, exprs: &[Expr]) -> Statement {
    let (span, at) = exprs.get(value.index()).map_or((Span::new(0, 0), 0), |expr| (expr.span, expr.at));
    Statement { kind: StatementKind::Expr(value), span, at }
}
