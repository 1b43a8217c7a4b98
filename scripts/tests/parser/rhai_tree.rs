//! Rhai's tree in the words of `syntax::sexpr`.

use rhai::{AST, ASTFlags, ASTNode, Expr, FnAccess, FnCallExpr, FnPtr, Module, Stmt, StmtBlock};
use std::{collections::HashMap, fmt::Write};

/// A function or closure.
struct Function {
    params: Vec<String>,
    /// It and nothing else.
    ast: AST,
}

struct Tree {
    functions: HashMap<String, Function>,
}

/// The statements of a file, then its functions in the order of their texts, each on a line.
pub fn sexpr(ast: &AST) -> String {
    let mut tree = Tree { functions: HashMap::new() };
    let mut heads = Vec::new();
    for definition in ast.iter_fn_def() {
        let params = definition.params.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut module = Module::new();
        module.set_script_fn(definition.clone());
        let function = Function { params, ast: AST::new_from_module(module) };
        if definition.name.starts_with("anon$") {
            tree.functions.insert(definition.name.to_string(), function);
            continue;
        }
        let private = if definition.access == FnAccess::Private { "private-" } else { "" };
        let receiver = definition.this_type.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
        heads.push((
            format!("({private}fn{receiver} {} ({})", definition.name, function.params.join(" ")),
            function,
        ));
    }
    let mut lines: Vec<String> = ast.statements().iter().map(|statement| tree.statement(statement)).collect();
    let mut functions: Vec<String> =
        heads.into_iter().map(|(head, function)| format!("{head}{})", tree.body(&function.ast))).collect();
    functions.sort();
    lines.append(&mut functions);
    lines.join("\n")
}

/// The hash of each value of the first case of the first `switch`.
pub fn case_hashes(ast: &AST) -> Vec<String> {
    match ast.statements() {
        [Stmt::Switch(parts, _)] => {
            let cases = parts.1.cases.iter().flat_map(|(hash, list)| {
                list.blocks.iter().filter(|index| **index == 0).map(|_| written(*hash))
            });
            cases.collect()
        }
        _ => Vec::new(),
    }
}

fn written(hash: u64) -> String {
    format!("#{hash:016x}")
}

impl Tree {
    /// The statements of the only function of a tree, each after a blank.
    fn body(&self, ast: &AST) -> String {
        let mut out = String::new();
        ast.walk(&mut |path| {
            if let [ASTNode::Stmt(statement)] = path {
                let _ = write!(out, " {}", self.statement(statement));
            }
            true
        });
        out
    }

    fn statements(&self, statements: &[Stmt]) -> String {
        statements.iter().map(|statement| format!(" {}", self.statement(statement))).collect()
    }

    fn block(&self, head: &str, block: &StmtBlock) -> String {
        format!("({head}{})", self.statements(block.statements()))
    }

    fn statement(&self, statement: &Stmt) -> String {
        match statement {
            Stmt::Noop(_) => panic!("an empty statement in a block"),
            Stmt::If(flow, _) => format!(
                "(if {} {} {})",
                self.expr(&flow.expr),
                self.block("then", &flow.body),
                self.block("else", &flow.branch)
            ),
            Stmt::Switch(parts, _) => self.switch(&parts.0, &parts.1),
            Stmt::While(flow, _) if flow.expr.is_unit() => self.block("loop", &flow.body),
            Stmt::While(flow, _) => {
                format!("(while {}{})", self.expr(&flow.expr), self.statements(flow.body.statements()))
            }
            Stmt::Do(flow, flags, _) => {
                let word = if flags.contains(ASTFlags::NEGATED) { "until" } else { "while" };
                format!("(do-{word} {}{})", self.expr(&flow.expr), self.statements(flow.body.statements()))
            }
            Stmt::For(parts, _) => {
                let (name, counter, flow) = &**parts;
                let counter = counter.as_ref().map_or("_", |counter| counter.name.as_str());
                format!(
                    "(for {} {counter} {}{})",
                    name.name,
                    self.expr(&flow.expr),
                    self.statements(flow.body.statements())
                )
            }
            Stmt::Var(parts, flags, _) => {
                let export = if flags.contains(ASTFlags::EXPORTED) { "export-" } else { "" };
                let word = if flags.contains(ASTFlags::CONSTANT) { "const" } else { "let" };
                format!("({export}{word} {} {})", parts.0.name, self.expr(&parts.1))
            }
            Stmt::Assignment(parts) => {
                let op = parts.0.get_op_assignment_info().map_or("=", |info| info.3);
                format!("({op} {} {})", self.expr(&parts.1.lhs), self.expr(&parts.1.rhs))
            }
            Stmt::FnCall(call, _) => self.call(call),
            Stmt::Block(block) => self.block("block", block),
            Stmt::TryCatch(flow, _) => {
                let name = match &flow.expr {
                    Expr::Variable(parts, ..) => parts.1.as_str(),
                    _ => "_",
                };
                format!("(try {name} {} {})", self.block("do", &flow.body), self.block("catch", &flow.branch))
            }
            Stmt::Expr(expr) => self.expr(expr),
            Stmt::BreakLoop(value, flags, _) => {
                let word = if flags.contains(ASTFlags::BREAK) { "break" } else { "continue" };
                self.leave(word, value.as_deref())
            }
            Stmt::Return(value, flags, _) => {
                let word = if flags.contains(ASTFlags::BREAK) { "throw" } else { "return" };
                self.leave(word, value.as_deref())
            }
            Stmt::Import(parts, _) => format!("(import {} {})", self.expr(&parts.0), or_blank(&parts.1.name)),
            Stmt::Export(parts, _) => format!("(export {} {})", parts.0.name, or_blank(&parts.1.name)),
            Stmt::Share(_) => panic!("variables are shared outside of a closure"),
            other => panic!("unknown statement {other:?}"),
        }
    }

    fn leave(&self, word: &str, value: Option<&Expr>) -> String {
        value.map_or_else(|| format!("({word})"), |value| format!("({word} {})", self.expr(value)))
    }

    fn switch(&self, value: &Expr, cases: &rhai::SwitchCasesCollection) -> String {
        let mut out = format!("(switch {}", self.expr(value));
        for (index, case) in cases.expressions.iter().enumerate() {
            let mut values = Vec::new();
            for (hash, list) in &cases.cases {
                values.extend(list.blocks.iter().filter(|block| **block == index).map(|_| written(*hash)));
            }
            values.sort();
            let values = if cases.def_case == Some(index) {
                "_".to_owned()
            } else {
                format!("({})", values.join(" "))
            };
            let Expr::Stmt(body) = &case.rhs else { panic!("a case without a block: {:?}", case.rhs) };
            let _ = write!(
                out,
                " (case {values} {}{})",
                self.expr(&case.lhs),
                self.statements(body.statements())
            );
        }
        out + ")"
    }

    fn expr(&self, expr: &Expr) -> String {
        match expr {
            Expr::DynamicConstant(value, _) => {
                let pointer = value.read_lock::<FnPtr>().expect("closures are the only such constants");
                self.closure(pointer.fn_name(), 0)
            }
            Expr::BoolConstant(value, _) => value.to_string(),
            Expr::IntegerConstant(value, _) => value.to_string(),
            Expr::FloatConstant(value, _) => format!("{:?}", **value),
            Expr::CharConstant(value, _) => format!("{value:?}"),
            Expr::StringConstant(value, _) => format!("{:?}", value.as_str()),
            Expr::InterpolatedString(parts, _) => self.list("text", parts),
            Expr::Array(elements, _) => self.list("array", elements),
            Expr::Map(parts, _) => {
                let entry = |(name, value): &(rhai::Ident, Expr)| {
                    format!(" {:?} {}", name.name.as_str(), self.expr(value))
                };
                format!("(map{})", parts.0.iter().map(entry).collect::<String>())
            }
            Expr::Unit(_) => "()".into(),
            Expr::Variable(parts, ..) => path(&parts.2, &parts.1),
            Expr::ThisPtr(_) => "(this)".into(),
            Expr::Stmt(block) => match block.statements() {
                [Stmt::Share(captured), Stmt::Expr(curry)] => match &**curry {
                    Expr::FnCall(call, _) => match call.args.first() {
                        Some(Expr::DynamicConstant(value, _)) => {
                            let pointer = value.read_lock::<FnPtr>().expect("a closure");
                            self.closure(pointer.fn_name(), captured.len())
                        }
                        other => panic!("no closure: {other:?}"),
                    },
                    other => panic!("no closure: {other:?}"),
                },
                _ => self.block("block", block),
            },
            Expr::FnCall(call, _) => self.call(call),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expr),
            Expr::And(operands, _) => self.list("&&", operands.iter()),
            Expr::Or(operands, _) => self.list("||", operands.iter()),
            Expr::Coalesce(operands, _) => self.list("??", operands.iter()),
            other => panic!("unknown expression {other:?}"),
        }
    }

    fn list<'a>(&self, head: &str, items: impl IntoIterator<Item = &'a Expr>) -> String {
        let items: String = items.into_iter().map(|item| format!(" {}", self.expr(item))).collect();
        format!("({head}{items})")
    }

    fn call(&self, call: &FnCallExpr) -> String {
        if call.op_token.is_some() && call.name != "contains" {
            return self.list(&call.name, &call.args);
        }
        let head = if call.capture_parent_scope { "call!" } else { "call" };
        self.list(&format!("{head} {}", path(&call.namespace, &call.name)), &call.args)
    }

    /// Rhai nests chains to the right, we to the left.
    fn chain(&self, expr: &Expr) -> String {
        let mut link = expr;
        let mut out = String::new();
        loop {
            let (parts, flags, dot) = match link {
                Expr::Dot(parts, flags, _) => (parts, flags, true),
                Expr::Index(parts, flags, _) => (parts, flags, false),
                other => panic!("no chain: {other:?}"),
            };
            if out.is_empty() {
                out = self.expr(&parts.lhs);
            }
            // What is behind the operator, and the rest of the chain behind that.
            let (this, rest) = match &parts.rhs {
                rest @ (Expr::Dot(inner, ..) | Expr::Index(inner, ..))
                    if !flags.contains(ASTFlags::BREAK) =>
                {
                    (&inner.lhs, Some(rest))
                }
                this => (this, None),
            };
            let optional = if flags.contains(ASTFlags::NEGATED) { "?" } else { "" };
            out = match this {
                Expr::Property(parts, _) if dot => format!("({optional}. {out} {})", parts.2),
                Expr::MethodCall(call, _) if dot => {
                    let bang = if call.capture_parent_scope { "!" } else { "" };
                    self.list(&format!("{optional}.() {out} {}{bang}", call.name), &call.args)
                }
                index if !dot => format!("({optional}[] {out} {})", self.expr(index)),
                other => panic!("no link: {other:?}"),
            };
            match rest {
                Some(rest) => link = rest,
                None => return out,
            }
        }
    }

    /// A closure, whose first parameters are the variables that it captures.
    fn closure(&self, name: &str, captured: usize) -> String {
        let function = self.functions.get(name).expect("the function of a closure");
        format!("(closure ({}){})", function.params[captured..].join(" "), self.body(&function.ast))
    }
}

fn path(namespace: &rhai::Namespace, name: &str) -> String {
    namespace.path.iter().map(|part| format!("{}::", part.name)).chain([name.to_owned()]).collect()
}

fn or_blank(name: &str) -> &str {
    if name.is_empty() { "_" } else { name }
}
