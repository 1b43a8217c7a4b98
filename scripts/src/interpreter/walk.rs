//! Rhai's syntax tree as the rules see it: functions with their bodies, access paths as flat chains, one traversal.

use rhai::{AST, ASTFlags, ASTNode, Expr, FnCallExpr, Position, Stmt};

/// A function of the program.
pub(crate) struct Function {
    pub name: String,
    pub parameters: Vec<String>,
    pub body: Vec<Stmt>,
    /// Of the opening brace.
    pub position: Position,
}

/// The functions.
pub(crate) fn functions(ast: &AST) -> Vec<Function> {
    let mut functions = Vec::new();
    let mut ends = Vec::new();
    for metadata in ast.iter_functions() {
        let Some(definition) = ast.shared_lib().get_script_fn(metadata.name, metadata.params.len()) else {
            continue;
        };
        ends.push(definition.body.end_position());
        functions.push(Function {
            name: metadata.name.to_owned(),
            parameters: metadata.params.iter().map(|name| (*name).to_owned()).collect(),
            body: Vec::new(),
            position: definition.body.start_position(),
        });
    }
    ast.walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            let at = statement.position();
            let owner =
                functions.iter().zip(&ends).position(|(function, end)| function.position <= at && at <= *end);
            if let Some(function) = owner.and_then(|index| functions.get_mut(index)) {
                function.body.push((*statement).clone());
            }
        }
        true
    });
    functions.sort_by_key(|function| function.position);
    functions
}

/// One step of an access path.
#[derive(Clone, Copy)]
pub(crate) enum Link<'a> {
    Property(&'a str, Position),
    Method(&'a FnCallExpr, Position),
    Index(&'a Expr, Position),
}

impl Link<'_> {
    pub fn position(&self) -> Position {
        match self {
            Self::Property(_, position) | Self::Method(_, position) | Self::Index(_, position) => *position,
        }
    }
}

/// `root.a.b[c].d(e)`, flat.
pub(crate) struct Chain<'a> {
    pub root: &'a Expr,
    pub links: Vec<Link<'a>>,
}

/// The chain of an access path; `None` for other expressions.
pub(crate) fn chain(expression: &Expr) -> Option<Chain<'_>> {
    let (Expr::Dot(first, ..) | Expr::Index(first, ..)) = expression else { return None };
    let mut chain = Chain { root: &first.lhs, links: Vec::new() };
    let mut current = expression;
    loop {
        let (pair, flags, indexing) = match current {
            Expr::Dot(pair, flags, _) => (pair, flags, false),
            Expr::Index(pair, flags, _) => (pair, flags, true),
            _ => return Some(chain),
        };
        let goes_on = match &pair.rhs {
            Expr::Dot(rest, ..) | Expr::Index(rest, ..) if !(indexing && flags.contains(ASTFlags::BREAK)) => {
                Some(&rest.lhs)
            }
            _ => None,
        };
        let step = goes_on.unwrap_or(&pair.rhs);
        chain.links.push(match step {
            step if indexing => Link::Index(step, step.start_position()),
            Expr::Property(property, position) => Link::Property(&property.2, *position),
            Expr::MethodCall(call, position) => Link::Method(call, *position),
            step => Link::Index(step, step.start_position()),
        });
        if goes_on.is_none() {
            return Some(chain);
        }
        current = &pair.rhs;
    }
}

/// What an expression is there for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Its value is used, or something is called on it or read from it.
    Value,
    /// It is assigned to.
    Target,
}

/// What is told about a body.
pub(crate) trait Visitor {
    /// Before the parts of a statement.
    fn statement(&mut self, _: &Stmt) {}
    /// Before the parts of an expression. Links of a chain are no expressions, only what they contain.
    fn expression(&mut self, expression: &Expr, used: Use);
}

/// Visit statements and all they contain, in the order of the text.
pub(crate) fn walk(statements: &[Stmt], visitor: &mut dyn Visitor) {
    for statement in statements {
        walk_statement(statement, visitor);
    }
}

fn walk_statement(statement: &Stmt, visitor: &mut dyn Visitor) {
    visitor.statement(statement);
    match statement {
        Stmt::If(flow, _) | Stmt::TryCatch(flow, _) => {
            // Behind `catch` stands no expression, but a name.
            if matches!(statement, Stmt::If(..)) {
                walk_expression(&flow.expr, Use::Value, visitor);
            }
            walk(flow.body.statements(), visitor);
            walk(flow.branch.statements(), visitor);
        }
        Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
            // `loop` is a `while` without a condition.
            if !matches!(flow.expr, Expr::Unit(_)) {
                walk_expression(&flow.expr, Use::Value, visitor);
            }
            walk(flow.body.statements(), visitor);
        }
        Stmt::Switch(switch, _) => {
            let (value, cases) = &**switch;
            walk_expression(value, Use::Value, visitor);
            for case in &cases.expressions {
                if !matches!(case.lhs, Expr::BoolConstant(true, _) | Expr::Unit(_)) {
                    walk_expression(&case.lhs, Use::Value, visitor);
                }
                if !does_nothing(&case.rhs) {
                    walk_expression(&case.rhs, Use::Value, visitor);
                }
            }
        }
        Stmt::For(parts, _) => {
            walk_expression(&parts.2.expr, Use::Value, visitor);
            walk(parts.2.body.statements(), visitor);
        }
        Stmt::Var(parts, ..) => walk_expression(&parts.1, Use::Value, visitor),
        Stmt::Assignment(parts) => {
            let sides = &parts.1;
            walk_expression(&sides.rhs, Use::Value, visitor);
            walk_expression(&sides.lhs, Use::Target, visitor);
        }
        Stmt::FnCall(call, _) => walk_arguments(call, visitor),
        Stmt::Block(block) => walk(block.statements(), visitor),
        Stmt::Expr(expression) => walk_expression(expression, Use::Value, visitor),
        Stmt::BreakLoop(Some(value), ..) | Stmt::Return(Some(value), ..) => {
            walk_expression(value, Use::Value, visitor);
        }
        _ => {}
    }
}

/// A case such as `_ => ()`.
fn does_nothing(case: &Expr) -> bool {
    let Expr::Stmt(block) = case else { return false };
    matches!(block.statements(), [Stmt::Expr(only)] if matches!(**only, Expr::Unit(_)))
}

/// Visit an expression and all it contains.
fn walk_expression(expression: &Expr, used: Use, visitor: &mut dyn Visitor) {
    visitor.expression(expression, used);
    match expression {
        Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => {
            for part in parts {
                walk_expression(part, Use::Value, visitor);
            }
        }
        Expr::Map(parts, _) => {
            for (_, part) in &parts.0 {
                walk_expression(part, Use::Value, visitor);
            }
        }
        Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
            for part in parts.iter() {
                walk_expression(part, Use::Value, visitor);
            }
        }
        Expr::Stmt(block) => walk(block.statements(), visitor),
        Expr::FnCall(call, _) => walk_arguments(call, visitor),
        Expr::Dot(..) | Expr::Index(..) => {
            let Some(chain) = chain(expression) else { return };
            walk_expression(chain.root, Use::Value, visitor);
            for link in chain.links {
                match link {
                    Link::Index(index, _) => walk_expression(index, Use::Value, visitor),
                    Link::Method(call, _) => walk_arguments(call, visitor),
                    Link::Property(..) => {}
                }
            }
        }
        _ => {}
    }
}

fn walk_arguments(call: &FnCallExpr, visitor: &mut dyn Visitor) {
    for argument in &call.args {
        walk_expression(argument, Use::Value, visitor);
    }
}

/// True for a variable that the function declares itself.
pub(crate) fn is_local(expression: &Expr) -> bool {
    matches!(expression, Expr::Variable(variable, short, _) if short.is_some() || variable.0.is_some())
}

/// The name of a variable that the function does not declare: a root, a constant, or a mistake.
pub(crate) fn outer_name(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Variable(variable, ..) if !is_local(expression) => Some(&variable.1),
        _ => None,
    }
}
