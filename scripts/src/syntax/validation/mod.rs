//! What Rhai's parser refuses although the grammar allows it: names given twice, literals that can never be what is
//! asked for, places that cannot be assigned to.
//!
//! It goes through the tree in the order of Rhai's parser and notes when that would have noticed. So the first error of
//! a text is the one that Rhai gives.

mod constant;
mod place;
mod position;
mod scope;

use super::{
    SyntaxError, SyntaxKind as K, SyntaxNode, SyntaxToken, TextSize,
    ast::{
        AssignStmt, AstNode, BinaryExpr, Block, ClosureExpr, Else, Expr, Fn, ForExpr, IfExpr, Item, MapExpr,
        MethodCallExpr, ParamList, SourceFile, Stmt, SwitchCase, SwitchExpr, TextPart, TryStmt,
    },
};
use constant::{Class, Constant, class, constant};
use position::start_of;
use scope::Scope;
use std::collections::HashSet;

/// An error, and where Rhai's parser is when it notices it.
pub(super) struct Noticed {
    pub error: SyntaxError,
    pub when: TextSize,
    /// What it is at the end of.
    pub node: Option<SyntaxNode>,
    /// The rule for expressions is over then: it has looked at the next token.
    pub in_expression: bool,
}

/// What is refused in a file.
#[derive(Default)]
pub(super) struct Validated {
    /// In the order in which it is noticed.
    pub noticed: Vec<Noticed>,
    /// Where functions begin in which something is refused, ascending.
    pub refused: Vec<TextSize>,
}

/// Find what is refused in a file. `known`: in a function that begins there, nothing is.
pub(super) fn validate(file: &SourceFile, known: &dyn std::ops::Fn(TextSize) -> bool) -> Validated {
    let mut validation = Validation { noticed: Vec::new(), scope: Scope::default() };
    let (mut functions, mut refused) = (HashSet::new(), Vec::new());
    for item in file.items() {
        if let Item::Fn(function) = item {
            let start = function.syntax().text_range().start();
            if !known(start) {
                let before = validation.noticed.len();
                validation.function(&function);
                refused.extend((validation.noticed.len() > before).then_some(start));
            }
            validation.duplicate_function(&function, &mut functions);
        } else if let Some(statement) = item.stmt() {
            validation.statement(&statement);
        }
    }
    Validated { noticed: validation.noticed, refused }
}

struct Validation {
    noticed: Vec<Noticed>,
    scope: Scope,
}

impl Validation {
    /// Notes an error that is noticed at the end of an expression.
    fn refuse(&mut self, node: &SyntaxNode, error: SyntaxError) {
        let when = node.text_range().end();
        self.noticed.push(Noticed { error, when, node: Some(node.clone()), in_expression: true });
    }

    /// Notes an error that is noticed behind a node that is no expression.
    fn refuse_behind(&mut self, node: &SyntaxNode, when: TextSize, error: SyntaxError) {
        self.noticed.push(Noticed { error, when, node: Some(node.clone()), in_expression: false });
    }

    /// Notes an error that is noticed at a token.
    fn refuse_at(&mut self, when: TextSize, error: SyntaxError) {
        self.noticed.push(Noticed { error, when, node: None, in_expression: false });
    }

    fn duplicate_function(
        &mut self,
        function: &Fn,
        functions: &mut HashSet<(Option<String>, String, usize)>,
    ) {
        let Some(name) = function.name() else { return };
        // Rhai's own names of the numeric types.
        let receiver = function.receiver_type().map(|receiver| match receiver.as_str() {
            "int" => "i64".to_owned(),
            "float" => "f64".to_owned(),
            _ => receiver,
        });
        let count = function.params().count();
        if functions.insert((receiver, name.text().to_owned(), count)) {
            return;
        }
        let keyword = super::ast::token_of(function.syntax(), &[K::FnKw]).unwrap_or_else(|| name.clone());
        let message = format!("there are two functions `{}` with {count} parameters", name.text());
        let help = "functions differ in their names or in how many parameters they have";
        let error = SyntaxError::new(name.text_range(), keyword.text_range().start(), message, help);
        self.refuse_behind(function.syntax(), function.syntax().text_range().end(), error);
    }

    fn function(&mut self, function: &Fn) {
        let outer = std::mem::take(&mut self.scope);
        self.parameters(function.param_list());
        self.block(function.body());
        self.scope = outer;
    }

    fn parameters(&mut self, list: Option<ParamList>) {
        let mut names = HashSet::new();
        for name in list.into_iter().flat_map(|list| list.params()).filter_map(|param| param.name()) {
            if !names.insert(name.text().to_owned()) {
                self.twice(&name, "parameter");
            }
            self.scope.push(name.text());
        }
    }

    /// Notes that a name is given twice.
    fn twice(&mut self, name: &SyntaxToken, what: &str) {
        let range = name.text_range();
        let message = format!("there are two {what}s {}", quoted(name.text()));
        let error = SyntaxError::new(range, range.start(), message, "give one of them another name");
        self.refuse_at(range.start(), error);
    }

    fn block(&mut self, block: Option<Block>) {
        let frame = self.scope.enter();
        for statement in block.into_iter().flat_map(|block| block.statements()) {
            self.statement(&statement);
        }
        self.scope.leave(frame);
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Let(inner) => {
                self.expr(inner.value());
                self.define(inner.name(), false);
            }
            Stmt::Const(inner) => {
                self.expr(inner.value());
                self.define(inner.name(), true);
            }
            Stmt::Assign(inner) => self.assignment(inner),
            Stmt::Expr(inner) => self.expr(inner.expr()),
            Stmt::Break(inner) => self.expr(inner.value()),
            Stmt::Return(inner) => self.expr(inner.value()),
            Stmt::Throw(inner) => self.expr(inner.value()),
            Stmt::Try(inner) => self.try_catch(inner),
            Stmt::Import(inner) => self.expr(inner.path()),
            Stmt::Export(inner) => {
                if let Some(definition) = inner.definition() {
                    self.statement(&definition);
                }
            }
            Stmt::Empty(_) | Stmt::Continue(_) => {}
        }
    }

    fn define(&mut self, name: Option<SyntaxToken>, constant: bool) {
        if let Some(name) = name {
            self.scope.define(name.text(), constant);
        }
    }

    fn assignment(&mut self, statement: &AssignStmt) {
        self.expr(statement.place());
        // Seen as it is before the value, which may define variables.
        let error = statement.place().and_then(|place| place::refused(place, statement, &self.scope));
        self.expr(statement.value());
        if let (Some(error), Some(value)) = (error, statement.value()) {
            self.refuse(value.syntax(), error);
        }
    }

    fn try_catch(&mut self, statement: &TryStmt) {
        self.block(statement.body());
        let length = self.scope.len();
        if let Some(name) = statement.name() {
            self.scope.push(name.text());
        }
        self.block(statement.handler());
        self.scope.truncate(length);
    }

    fn expr(&mut self, expr: Option<Expr>) {
        let Some(expr) = expr else { return };
        match expr {
            Expr::Literal(_) | Expr::Path(_) | Expr::This(_) => {}
            Expr::Interpolated(text) => {
                for part in text.parts() {
                    if let TextPart::Block(block) = part {
                        self.block(Some(block));
                    }
                }
            }
            Expr::Paren(inner) => self.expr(inner.expr()),
            Expr::Prefix(inner) => self.expr(inner.operand()),
            Expr::Binary(inner) => self.binary(&inner),
            Expr::Range(inner) => {
                self.expr(inner.start());
                self.expr(inner.end());
            }
            Expr::Call(inner) => inner.args().for_each(|argument| self.expr(Some(argument))),
            Expr::MethodCall(inner) => {
                self.expr(inner.base());
                inner.args().for_each(|argument| self.expr(Some(argument)));
                self.capture(&inner);
            }
            Expr::Field(inner) => self.expr(inner.base()),
            Expr::Index(inner) => {
                self.expr(inner.base());
                self.expr(inner.index());
                if let (Some(base), Some(index)) = (inner.base(), inner.index()) {
                    self.index(&base, &index);
                }
            }
            Expr::Array(inner) => inner.elements().for_each(|element| self.expr(Some(element))),
            Expr::Map(inner) => self.map(&inner),
            Expr::Closure(inner) => self.closure(&inner),
            Expr::Block(inner) => self.block(Some(inner)),
            Expr::If(inner) => self.conditional(&inner),
            Expr::Switch(inner) => self.switch(&inner),
            Expr::While(inner) => {
                self.condition(inner.condition());
                self.block(inner.body());
            }
            Expr::Loop(inner) => self.block(inner.body()),
            Expr::Do(inner) => {
                self.block(inner.body());
                self.condition(inner.condition());
            }
            Expr::For(inner) => self.for_loop(&inner),
        }
    }

    fn binary(&mut self, inner: &BinaryExpr) {
        self.expr(inner.lhs());
        match inner.rhs_stmt() {
            Some(statement) => self.statement(&statement),
            None => self.expr(inner.rhs()),
        }
        if matches!(inner.op(), Some(K::AmpAmp | K::PipePipe)) {
            for operand in [inner.lhs(), inner.rhs()].into_iter().flatten() {
                self.boolean(&operand, inner.syntax());
            }
        }
    }

    fn condition(&mut self, condition: Option<Expr>) {
        self.expr(condition.clone());
        if let Some(condition) = condition {
            self.boolean(&condition, condition.syntax());
        }
    }

    /// Refuses a literal that is no truth value, at the end of a node.
    fn boolean(&mut self, expr: &Expr, node: &SyntaxNode) {
        let class = class(expr);
        if !matches!(class, Class::Bool | Class::Other) {
            let message = format!("expected a condition, found {}", class.words());
            self.refuse(node, about(expr, message, "a condition is `true` or `false`"));
        }
    }

    /// Refuses a literal that cannot be gone through.
    fn iterable(&mut self, expr: &Expr) {
        let class = class(expr);
        if !matches!(class, Class::Text | Class::Array | Class::Other) {
            let message = format!("expected a range or array, found {}", class.words());
            self.refuse(expr.syntax(), about(expr, message, "a range is `0..9`"));
        }
    }

    /// Refuses an index of a literal that it can never have.
    fn index(&mut self, base: &Expr, index: &Expr) {
        let text = match class(base) {
            Class::Map => true,
            Class::Int | Class::Array | Class::Text => false,
            _ => return,
        };
        // What compares is true or false too, but only these two are looked at.
        let logical = matches!(
            index.clone().plain(),
            Expr::Binary(inner) if matches!(inner.op(), Some(K::AmpAmp | K::PipePipe))
        );
        let found = match class(index) {
            _ if logical => Class::Bool,
            Class::Text if text => return,
            Class::Int if !text => return,
            Class::Array | Class::Map | Class::Other => return,
            found => found,
        };
        let wanted = if text { "the name of a field" } else { "an integer" };
        let message = format!("expected {wanted} as an index, found {}", found.words());
        self.refuse(index.syntax(), about(index, message, ""));
    }

    /// Refuses `a.name!(…)`, unless the chain goes on: there Rhai does not look.
    fn capture(&mut self, call: &MethodCallExpr) {
        let goes_on = call.syntax().parent().is_some_and(|parent| {
            matches!(parent.kind(), K::FieldExpr | K::IndexExpr | K::MethodCallExpr)
                && parent.first_child().as_ref() == Some(call.syntax())
        });
        if !call.captures() || goes_on {
            return;
        }
        if let (Some(name), Some(bang)) = (call.name(), super::ast::token_of(call.syntax(), &[K::Bang])) {
            let message = "a method cannot be called with `!`";
            let help = "only functions can see the variables of their caller";
            let error = SyntaxError::new(bang.text_range(), name.text_range().start(), message, help);
            self.refuse(call.syntax(), error);
        }
    }

    fn map(&mut self, inner: &MapExpr) {
        let mut keys = HashSet::new();
        for entry in inner.entries() {
            if let (Some(name), Some(key)) = (entry.name(), entry.key())
                && !keys.insert(key)
            {
                self.twice(&name, "field");
            }
            self.expr(entry.value());
        }
    }

    fn closure(&mut self, inner: &ClosureExpr) {
        // Variables from around are captured later, and are no constants here.
        let outer = std::mem::take(&mut self.scope);
        self.parameters(inner.param_list());
        if let Some(body) = inner.body() {
            self.statement(&body);
        }
        self.scope = outer;
    }

    fn conditional(&mut self, inner: &IfExpr) {
        self.condition(inner.condition());
        self.block(inner.then());
        match inner.otherwise() {
            Some(Else::If(chained)) => self.conditional(&chained),
            Some(Else::Block(block)) => self.block(Some(block)),
            None => {}
        }
    }

    fn for_loop(&mut self, inner: &ForExpr) {
        let (name, counter) = (inner.name(), inner.counter());
        if let (Some(name), Some(counter)) = (&name, &counter)
            && name.text() == counter.text()
        {
            self.twice(counter, "variable");
        }
        self.expr(inner.iterable());
        if let Some(iterable) = inner.iterable() {
            self.iterable(&iterable);
        }
        let length = self.scope.len();
        for variable in [counter, name].into_iter().flatten() {
            self.scope.push(variable.text());
        }
        self.block(inner.body());
        self.scope.truncate(length);
    }

    fn switch(&mut self, inner: &SwitchExpr) {
        self.expr(inner.value());
        let mut default: Option<SwitchCase> = None;
        let mut ranges = false;
        for case in inner.cases() {
            if let Some(default) = default.take() {
                self.default_before(&default, &case);
            }
            if case.is_default() {
                default = Some(case.clone());
            }
            case.values().for_each(|value| self.expr(Some(value)));
            self.condition(case.guard());
            if let Some(body) = case.body() {
                self.statement(&body);
            }
            for value in case.values() {
                self.case_value(&value, &case, &mut ranges);
            }
        }
    }

    fn default_before(&mut self, default: &SwitchCase, case: &SwitchCase) {
        let Some(values) = default.case_values() else { return };
        let range = values.syntax().text_range();
        let message = "the default case is not the last one";
        let error = SyntaxError::new(range, range.start(), message, "move it to the end");
        self.refuse_behind(default.syntax(), case.syntax().text_range().start(), error);
    }

    /// Refuses what is no literal as the value of a case, which is noticed at the end of its body.
    fn case_value(&mut self, value: &Expr, case: &SwitchCase, ranges: &mut bool) {
        let error = match constant(value) {
            None => about(
                value,
                "expected a literal, found another expression",
                "cases are numbers, texts, characters, truth values or ranges of integers; compare others after `if`",
            ),
            Some(Constant::Number) if *ranges => {
                about(value, "a number stands behind a range", "numbers come before ranges")
            }
            Some(Constant::Range { empty }) => {
                *ranges |= !empty;
                return;
            }
            Some(_) => return,
        };
        if let Some(body) = case.body() {
            self.refuse(body.syntax(), error);
        }
    }
}

/// An error about an expression, where Rhai gives its start.
fn about(expr: &Expr, message: impl Into<String>, help: &str) -> SyntaxError {
    SyntaxError::new(expr.syntax().text_range(), start_of(expr), message, help)
}

/// A name, which may be a text in quotes.
fn quoted(name: &str) -> String {
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        format!("`{name}`")
    } else {
        name.to_owned()
    }
}
