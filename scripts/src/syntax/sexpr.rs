//! The meaning of a tree as text: two texts with the same one are the same program.
//!
//! Left out is what means nothing: blanks, comments, parentheses, empty statements, the order of functions. Written as
//! Rhai's own tree has it: `a in b` as a call of `contains`, chains of `&&`, `||` and `??` flat, signs taken into
//! numbers, `else if` as a block.

use super::{
    Number, SyntaxKind as K, SyntaxToken,
    ast::{
        AssignStmt, BinaryExpr, Block, ClosureExpr, Else, Expr, Fn, IfExpr, Item, Literal, SourceFile, Stmt,
        SwitchCase, SwitchExpr, TextPart, Value,
    },
};
use std::fmt::Write;

/// The statements of a file, then its functions in the order of their texts, each on a line.
pub fn sexpr(file: &SourceFile) -> String {
    sexpr_with(file, &|value| write_expr(value, None))
}

/// The same, with the values of cases as `case_value` has them.
pub fn sexpr_with(file: &SourceFile, case_value: &dyn std::ops::Fn(&Expr) -> String) -> String {
    let mut functions = Vec::new();
    let mut lines = Vec::new();
    for item in file.items() {
        let mut writer = Writer { out: String::new(), case_value: Some(case_value) };
        if let Item::Fn(function) = item {
            writer.function(&function);
            functions.push(writer.out);
        } else if let Some(statement) = item.stmt().filter(|statement| !matches!(statement, Stmt::Empty(_))) {
            writer.statement(&statement);
            lines.push(writer.out);
        }
    }
    functions.sort();
    lines.append(&mut functions);
    lines.join("\n")
}

fn write_expr(expr: &Expr, case_value: Option<&dyn std::ops::Fn(&Expr) -> String>) -> String {
    let mut writer = Writer { out: String::new(), case_value };
    writer.expr(Some(expr));
    writer.out
}

struct Writer<'w> {
    out: String,
    case_value: Option<&'w dyn std::ops::Fn(&Expr) -> String>,
}

impl Writer<'_> {
    /// `(head …)`
    fn list(&mut self, head: &str, rest: impl FnOnce(&mut Self)) {
        self.out.push('(');
        self.out.push_str(head);
        rest(self);
        self.out.push(')');
    }

    fn word(&mut self, word: impl std::fmt::Display) {
        let _ = write!(self.out, " {word}");
    }

    fn token(&mut self, token: Option<SyntaxToken>) {
        match token {
            Some(token) => self.word(token.text()),
            None => self.word("_"),
        }
    }

    fn operand(&mut self, expr: Option<Expr>) {
        self.out.push(' ');
        self.expr(expr.as_ref());
    }

    fn function(&mut self, function: &Fn) {
        let head = if function.is_private() { "private-fn" } else { "fn" };
        self.list(head, |w| {
            if let Some(receiver) = function.receiver_type() {
                // Rhai's own names of the numeric types.
                let receiver = match receiver.as_str() {
                    "int" => "i64",
                    "float" => "f64",
                    other => other,
                };
                w.word(format_args!("{receiver:?}"));
            }
            w.token(function.name());
            w.out.push(' ');
            w.list("", |w| w.names(function.params().filter_map(|param| param.name())));
            w.statements(function.body());
        });
    }

    fn names(&mut self, names: impl Iterator<Item = SyntaxToken>) {
        let names: Vec<String> = names.map(|name| name.text().to_owned()).collect();
        self.out.push_str(&names.join(" "));
    }

    /// The statements of a block, each after a blank.
    fn statements(&mut self, block: Option<Block>) {
        for statement in block.into_iter().flat_map(|block| block.statements()) {
            self.nested(&statement);
        }
    }

    fn nested(&mut self, statement: &Stmt) {
        if !matches!(statement, Stmt::Empty(_)) {
            self.out.push(' ');
            self.statement(statement);
        }
    }

    fn block(&mut self, head: &str, block: Option<Block>) {
        self.list(head, |w| w.statements(block));
    }

    /// A statement in a case or closure, which is a block of its own.
    fn inline(&mut self, statement: Option<Stmt>) {
        match statement {
            Some(Stmt::Expr(inner)) if matches!(inner.expr(), Some(Expr::Block(_))) => {
                if let Some(Expr::Block(block)) = inner.expr() {
                    self.statements(Some(block));
                }
            }
            Some(statement) => self.nested(&statement),
            None => {}
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Let(inner) => self.variable("let", inner.name(), inner.value()),
            Stmt::Const(inner) => self.variable("const", inner.name(), inner.value()),
            Stmt::Assign(inner) => self.assignment(inner),
            Stmt::Expr(inner) => match inner.expr() {
                Some(expr) => self.compound(&expr),
                None => self.out.push_str("()"),
            },
            Stmt::Empty(_) => {}
            Stmt::Break(inner) => self.leave("break", inner.value()),
            Stmt::Continue(_) => self.out.push_str("(continue)"),
            Stmt::Return(inner) => self.leave("return", inner.value()),
            Stmt::Throw(inner) => self.leave("throw", inner.value()),
            Stmt::Try(inner) => self.list("try", |w| {
                w.token(inner.name());
                w.out.push(' ');
                w.block("do", inner.body());
                w.out.push(' ');
                w.block("catch", inner.handler());
            }),
            Stmt::Import(inner) => self.list("import", |w| {
                w.operand(inner.path());
                w.token(inner.alias());
            }),
            Stmt::Export(inner) => match inner.definition() {
                Some(Stmt::Let(inner)) => self.variable("export-let", inner.name(), inner.value()),
                Some(Stmt::Const(inner)) => self.variable("export-const", inner.name(), inner.value()),
                _ => self.list("export", |w| {
                    w.token(inner.name());
                    w.token(inner.alias());
                }),
            },
        }
    }

    fn variable(&mut self, head: &str, name: Option<SyntaxToken>, value: Option<Expr>) {
        self.list(head, |w| {
            w.token(name);
            match value {
                Some(value) => w.operand(Some(value)),
                None => w.word("()"),
            }
        });
    }

    fn assignment(&mut self, statement: &AssignStmt) {
        let op = statement.op_token().map_or_else(|| "=".into(), |token| token.text().to_owned());
        self.list(&op, |w| {
            w.operand(statement.place());
            w.operand(statement.value());
        });
    }

    fn leave(&mut self, head: &str, value: Option<Expr>) {
        self.list(head, |w| {
            if value.is_some() {
                w.operand(value);
            }
        });
    }

    /// An expression where a statement stands: without a block around `if` and the like.
    fn compound(&mut self, expr: &Expr) {
        match expr {
            Expr::If(inner) => self.conditional(inner),
            Expr::Switch(inner) => self.switch(inner),
            Expr::While(inner) => self.list("while", |w| {
                w.operand(inner.condition());
                w.statements(inner.body());
            }),
            Expr::Loop(inner) => self.block("loop", inner.body()),
            Expr::Do(inner) => self.list(if inner.is_until() { "do-until" } else { "do-while" }, |w| {
                w.operand(inner.condition());
                w.statements(inner.body());
            }),
            Expr::For(inner) => self.list("for", |w| {
                w.token(inner.name());
                w.token(inner.counter());
                w.operand(inner.iterable());
                w.statements(inner.body());
            }),
            other => self.expr(Some(other)),
        }
    }

    fn conditional(&mut self, inner: &IfExpr) {
        self.list("if", |w| {
            w.operand(inner.condition());
            w.out.push(' ');
            w.block("then", inner.then());
            w.out.push(' ');
            match inner.otherwise() {
                Some(Else::If(chained)) => w.list("else", |w| {
                    w.out.push(' ');
                    w.conditional(&chained);
                }),
                Some(Else::Block(block)) => w.block("else", Some(block)),
                None => w.block("else", None),
            }
        });
    }

    fn switch(&mut self, inner: &SwitchExpr) {
        self.list("switch", |w| {
            w.operand(inner.value());
            for case in inner.cases() {
                w.out.push(' ');
                w.case(&case);
            }
        });
    }

    fn case(&mut self, case: &SwitchCase) {
        self.list("case ", |w| {
            if case.is_default() {
                w.out.push('_');
            } else {
                let value = |value: Expr| match w.case_value {
                    Some(written) => written(&value),
                    None => write_expr(&value, None),
                };
                // Their order means nothing.
                let mut values: Vec<String> = case.values().map(value).collect();
                values.sort();
                w.list("", |w| w.out.push_str(&values.join(" ")));
            }
            match case.guard() {
                Some(guard) => w.operand(Some(guard)),
                None => w.word("true"),
            }
            w.inline(case.body());
        });
    }

    fn expr(&mut self, expr: Option<&Expr>) {
        let Some(expr) = expr.cloned().map(Expr::plain) else {
            self.out.push('?');
            return;
        };
        match expr.number() {
            Some(Number::Int(value)) => {
                let _ = write!(self.out, "{value}");
                return;
            }
            Some(Number::Float(value)) => {
                let _ = write!(self.out, "{value:?}");
                return;
            }
            None => {}
        }
        match expr {
            Expr::Literal(literal) => self.literal(&literal),
            Expr::Interpolated(text) => self.list("text", |w| {
                for part in text.parts() {
                    match part {
                        TextPart::Text(text) if text.is_empty() => {}
                        TextPart::Text(text) => w.word(format_args!("{text:?}")),
                        TextPart::Block(block) => {
                            w.out.push(' ');
                            w.block("block", Some(block));
                        }
                    }
                }
            }),
            Expr::Path(path) => {
                let names: Vec<String> = path.segments().map(|name| name.text().to_owned()).collect();
                self.out.push_str(&names.join("::"));
            }
            Expr::This(_) => self.out.push_str("(this)"),
            Expr::Paren(_) => self.out.push('?'),
            Expr::Prefix(inner) => {
                let op = inner.op().and_then(K::spelling).unwrap_or("?");
                self.list(op, |w| w.operand(inner.operand()));
            }
            Expr::Binary(inner) => self.binary(&inner),
            Expr::Range(inner) => self.list(if inner.is_inclusive() { "..=" } else { ".." }, |w| {
                match inner.start() {
                    Some(start) => w.operand(Some(start)),
                    None => w.word("0"),
                }
                match inner.end() {
                    Some(end) => w.operand(Some(end)),
                    None => w.word("()"),
                }
            }),
            Expr::Call(inner) => self.list(if inner.captures() { "call!" } else { "call" }, |w| {
                w.operand(inner.callee());
                inner.args().for_each(|argument| w.operand(Some(argument)));
            }),
            Expr::MethodCall(inner) => {
                let head = if inner.is_optional() { "?.()" } else { ".()" };
                self.list(head, |w| {
                    w.operand(inner.base());
                    w.token(inner.name());
                    if inner.captures() {
                        w.out.push('!');
                    }
                    inner.args().for_each(|argument| w.operand(Some(argument)));
                });
            }
            Expr::Field(inner) => self.list(if inner.is_optional() { "?." } else { "." }, |w| {
                w.operand(inner.base());
                w.token(inner.name());
            }),
            Expr::Index(inner) => self.list(if inner.is_optional() { "?[]" } else { "[]" }, |w| {
                w.operand(inner.base());
                w.operand(inner.index());
            }),
            Expr::Array(inner) => {
                self.list("array", |w| inner.elements().for_each(|element| w.operand(Some(element))));
            }
            Expr::Map(inner) => self.list("map", |w| {
                for entry in inner.entries() {
                    w.word(format_args!("{:?}", entry.key().unwrap_or_default()));
                    w.operand(entry.value());
                }
            }),
            Expr::Closure(inner) => self.closure(&inner),
            Expr::Block(block) => self.block("block", Some(block)),
            other @ (Expr::If(_)
            | Expr::Switch(_)
            | Expr::While(_)
            | Expr::Loop(_)
            | Expr::Do(_)
            | Expr::For(_)) => {
                self.list("block ", |w| w.compound(&other));
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        let _ = match literal.value() {
            Some(Value::Unit) => write!(self.out, "()"),
            Some(Value::Bool(value)) => write!(self.out, "{value}"),
            Some(Value::Int(value)) => write!(self.out, "{value}"),
            Some(Value::Float(value)) => write!(self.out, "{value:?}"),
            Some(Value::Char(value)) => write!(self.out, "{value:?}"),
            Some(Value::Text(value)) => write!(self.out, "{value:?}"),
            None => write!(self.out, "?"),
        };
    }

    fn binary(&mut self, inner: &BinaryExpr) {
        match inner.op() {
            Some(K::InKw) => self.contains(inner),
            Some(K::NotIn) => self.list("! ", |w| w.contains(inner)),
            Some(op @ (K::AmpAmp | K::PipePipe | K::DoubleQuestion)) => {
                self.list(op.spelling().unwrap_or_default(), |w| w.flat(inner, op));
            }
            op => self.list(op.and_then(K::spelling).unwrap_or("?"), |w| {
                w.operand(inner.lhs());
                w.operand(inner.rhs());
            }),
        }
    }

    fn contains(&mut self, inner: &BinaryExpr) {
        self.list("call contains", |w| {
            w.operand(inner.rhs());
            w.operand(inner.lhs());
        });
    }

    /// The operands of a chain of one operator, with parentheses or without.
    fn flat(&mut self, inner: &BinaryExpr, op: K) {
        self.flat_operand(inner.lhs(), op);
        match inner.rhs_stmt() {
            Some(statement) => {
                self.out.push(' ');
                self.list("block", |w| w.nested(&statement));
            }
            None => self.flat_operand(inner.rhs(), op),
        }
    }

    fn flat_operand(&mut self, operand: Option<Expr>, op: K) {
        match operand.map(Expr::plain) {
            Some(Expr::Binary(chained)) if chained.op() == Some(op) => self.flat(&chained, op),
            other => self.operand(other),
        }
    }

    fn closure(&mut self, inner: &ClosureExpr) {
        self.list("closure ", |w| {
            let params = inner.param_list().into_iter().flat_map(|list| list.params());
            w.list("", |w| w.names(params.filter_map(|param| param.name())));
            w.inline(inner.body());
        });
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_means_nothing_is_left_out() {
        let one = "// a\nfn b(x, y) { -(1) + x * (y ** 2) ** 3; }\nfn a() { if this.n in 1..3 { 1 } else if x { } };";
        let other = "fn a(){if ((this.n)) in (1..3) {1;;} else {if x{}}} fn b(x,y,){-1+(x*((y**2)**3))}";
        let sexpr = |text: &str| super::sexpr(&crate::syntax::parse(text).root());
        assert_eq!(sexpr(one), sexpr(other));
        assert_eq!(
            sexpr(one),
            "(fn a () (if (call contains (.. 1 3) (. (this) n)) (then 1) (else (if x (then) (else)))))\n\
             (fn b (x y) (+ -1 (* x (** (** y 2) 3))))"
        );
    }
}
