//! Expressions.

use super::{
    AstNode, Block, K, Language, ParamList, Stmt, SyntaxKind, SyntaxNode, SyntaxToken, child_after,
    child_before, choices, first_token, name_of, nodes, nth_child, support, text, token_of, tokens_of,
};
use crate::syntax::literal::{self, Number};
use rowan::ast::AstChildren;

nodes! {
    /// A number, text, character or truth value, or `()`.
    Literal
    /// A text with `${ … }`.
    InterpolatedText
    /// A name, possibly in a namespace: `a`, `a::b`.
    PathExpr
    /// `this`
    ThisExpr
    /// `(a)`
    ParenExpr
    /// `-a`, `+a`, `!a`
    PrefixExpr
    /// `a + b`, `a in b`, `a ?? b`
    BinaryExpr
    /// `a..b`, `a..=b`, `a..`, `..b`
    RangeExpr
    /// `name(…)`, `name!(…)`
    CallExpr
    /// `a.name(…)`, `a?.name(…)`
    MethodCallExpr
    /// The arguments of a call.
    ArgList
    /// `a.name`, `a?.name`
    FieldExpr
    /// `a[b]`, `a?[b]`
    IndexExpr
    /// `[a, b]`
    ArrayExpr
    /// `#{ a: 1 }`
    MapExpr
    /// `a: 1` of a map.
    MapEntry
    /// `|a, b| body`
    ClosureExpr
    /// `if a { … } else { … }`
    IfExpr
    /// `switch a { … }`
    SwitchExpr
    /// `1 | 2 if a => body`
    SwitchCase
    /// The values of a case.
    CaseValues
    /// `if a` of a case.
    Guard
    /// `while a { … }`
    WhileExpr
    /// `loop { … }`
    LoopExpr
    /// `do { … } while a`, `do { … } until a`
    DoExpr
    /// `for a in b { … }`
    ForExpr
}

choices! {
    /// An expression.
    Expr {
        /// A number, text, character or truth value, or `()`.
        Literal(Literal)
        /// A text with `${ … }`.
        Interpolated(InterpolatedText)
        /// A name.
        Path(PathExpr)
        /// `this`
        This(ThisExpr)
        /// `(a)`
        Paren(ParenExpr)
        /// `-a`, `+a`, `!a`
        Prefix(PrefixExpr)
        /// `a + b`
        Binary(BinaryExpr)
        /// `a..b`
        Range(RangeExpr)
        /// `name(…)`
        Call(CallExpr)
        /// `a.name(…)`
        MethodCall(MethodCallExpr)
        /// `a.name`
        Field(FieldExpr)
        /// `a[b]`
        Index(IndexExpr)
        /// `[a, b]`
        Array(ArrayExpr)
        /// `#{ a: 1 }`
        Map(MapExpr)
        /// `|a, b| body`
        Closure(ClosureExpr)
        /// `{ … }`
        Block(Block)
        /// `if a { … }`
        If(IfExpr)
        /// `switch a { … }`
        Switch(SwitchExpr)
        /// `while a { … }`
        While(WhileExpr)
        /// `loop { … }`
        Loop(LoopExpr)
        /// `do { … } while a`
        Do(DoExpr)
        /// `for a in b { … }`
        For(ForExpr)
    }
}

impl Expr {
    /// Without parentheses around it.
    pub fn plain(self) -> Self {
        let mut expr = self;
        while let Self::Paren(paren) = &expr {
            let Some(inner) = paren.expr() else { break };
            expr = inner;
        }
        expr
    }

    /// The number that it is: with signs before it, and in parentheses. Rhai takes the sign of a number into it.
    pub fn number(&self) -> Option<Number> {
        match self.clone().plain() {
            Self::Literal(literal) => literal.number(),
            Self::Prefix(prefix) => {
                let number = prefix.operand()?.number()?;
                match prefix.op()? {
                    K::Minus => Some(number.negated()),
                    K::Plus => Some(number),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// What a literal is worth.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `()`
    Unit,
    /// `true`, `false`
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A character.
    Char(char),
    /// A text.
    Text(String),
}

impl Literal {
    /// Its only token.
    pub fn token(&self) -> Option<SyntaxToken> {
        first_token(self.syntax())
    }

    /// What it is worth; `None` if it is malformed, which the parse has as an error.
    pub fn value(&self) -> Option<Value> {
        let token = self.token()?;
        Some(match token.kind() {
            K::Unit => Value::Unit,
            K::TrueKw => Value::Bool(true),
            K::FalseKw => Value::Bool(false),
            K::Char => Value::Char(literal::character(token.text())?),
            K::Int | K::Float => match literal::number(token.text())? {
                Number::Int(value) => Value::Int(value),
                Number::Float(value) => Value::Float(value),
            },
            _ => Value::Text(text::text(&token)?),
        })
    }

    fn number(&self) -> Option<Number> {
        let token = self.token().filter(|token| matches!(token.kind(), K::Int | K::Float))?;
        literal::number(token.text())
    }
}

/// A part of a text with interpolations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// What stands there, which may be empty.
    Text(String),
    /// `{ … }` behind a `$`.
    Block(Block),
}

impl InterpolatedText {
    /// Its parts, in their order.
    pub fn parts(&self) -> impl Iterator<Item = TextPart> + use<> {
        self.syntax().children_with_tokens().filter_map(|element| match element {
            rowan::NodeOrToken::Node(node) => Block::cast(node).map(TextPart::Block),
            rowan::NodeOrToken::Token(token) => text::text(&token).map(TextPart::Text),
        })
    }
}

impl PathExpr {
    /// The names: those of modules, then the last one. Also a reserved word that is called, such as `print`.
    pub fn segments(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        let segments: Vec<_> = tokens_of(self.syntax(), &[K::Ident, K::ReservedWord]).collect();
        segments.into_iter()
    }

    /// The name, if there is no namespace before it.
    pub fn name(&self) -> Option<SyntaxToken> {
        let mut segments = self.segments();
        segments.next().filter(|_| segments.next().is_none())
    }
}

impl ParenExpr {
    /// What is in the parentheses.
    pub fn expr(&self) -> Option<Expr> {
        support::child(self.syntax())
    }
}

impl PrefixExpr {
    /// `-`, `+` or `!`.
    pub fn op_token(&self) -> Option<SyntaxToken> {
        first_token(self.syntax())
    }

    /// Its kind.
    pub fn op(&self) -> Option<SyntaxKind> {
        Some(self.op_token()?.kind())
    }

    /// What it is applied to.
    pub fn operand(&self) -> Option<Expr> {
        support::child(self.syntax())
    }
}

impl BinaryExpr {
    /// What is left of the operator.
    pub fn lhs(&self) -> Option<Expr> {
        nth_child(self.syntax(), 0)
    }

    /// The operator.
    pub fn op_token(&self) -> Option<SyntaxToken> {
        first_token(self.syntax())
    }

    /// Its kind.
    pub fn op(&self) -> Option<SyntaxKind> {
        Some(self.op_token()?.kind())
    }

    /// What is right of the operator.
    pub fn rhs(&self) -> Option<Expr> {
        nth_child(self.syntax(), 1)
    }

    /// What is right of the operator as a statement: `a ?? return b`.
    pub fn rhs_stmt(&self) -> Option<Stmt> {
        support::child(self.syntax())
    }
}

const RANGES: &[SyntaxKind] = &[K::DotDot, K::DotDotEq];

impl RangeExpr {
    /// `..` or `..=`.
    pub fn op_token(&self) -> Option<SyntaxToken> {
        token_of(self.syntax(), RANGES)
    }

    /// Does the end belong to it?
    pub fn is_inclusive(&self) -> bool {
        self.op_token().is_some_and(|token| token.kind() == K::DotDotEq)
    }

    /// Where it starts; 0 if that is left out.
    pub fn start(&self) -> Option<Expr> {
        child_before(self.syntax(), RANGES)
    }

    /// Where it ends; open if that is left out.
    pub fn end(&self) -> Option<Expr> {
        child_after(self.syntax(), RANGES)
    }
}

impl CallExpr {
    /// What is called: a path, also in parentheses.
    pub fn callee(&self) -> Option<Expr> {
        support::child(self.syntax())
    }

    /// The name that is called.
    pub fn path(&self) -> Option<PathExpr> {
        match self.callee()?.plain() {
            Expr::Path(path) => Some(path),
            _ => None,
        }
    }

    /// `name!(…)`: the function sees the caller's variables.
    pub fn captures(&self) -> bool {
        support::token(self.syntax(), K::Bang).is_some()
    }

    /// The arguments, with their parentheses.
    pub fn arg_list(&self) -> Option<ArgList> {
        support::child(self.syntax())
    }

    /// The arguments.
    pub fn args(&self) -> impl Iterator<Item = Expr> + use<> {
        self.arg_list().into_iter().flat_map(|list| list.args())
    }
}

impl MethodCallExpr {
    /// What the method is called on.
    pub fn base(&self) -> Option<Expr> {
        support::child(self.syntax())
    }

    /// Its name, which may be a reserved word such as `call`.
    pub fn name(&self) -> Option<SyntaxToken> {
        token_of(self.syntax(), &[K::Ident, K::ReservedWord])
    }

    /// `a.name!(…)`, which Rhai refuses unless the chain goes on.
    pub fn captures(&self) -> bool {
        support::token(self.syntax(), K::Bang).is_some()
    }

    /// `?.`: nothing happens if the base is `()`.
    pub fn is_optional(&self) -> bool {
        support::token(self.syntax(), K::QuestionDot).is_some()
    }

    /// The arguments, with their parentheses.
    pub fn arg_list(&self) -> Option<ArgList> {
        support::child(self.syntax())
    }

    /// The arguments.
    pub fn args(&self) -> impl Iterator<Item = Expr> + use<> {
        self.arg_list().into_iter().flat_map(|list| list.args())
    }
}

impl ArgList {
    /// The arguments.
    pub fn args(&self) -> AstChildren<Expr> {
        support::children(self.syntax())
    }
}

impl FieldExpr {
    /// What has the field.
    pub fn base(&self) -> Option<Expr> {
        support::child(self.syntax())
    }

    /// Its name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }

    /// `?.`: the value is `()` if the base is.
    pub fn is_optional(&self) -> bool {
        support::token(self.syntax(), K::QuestionDot).is_some()
    }
}

impl IndexExpr {
    /// What is indexed.
    pub fn base(&self) -> Option<Expr> {
        child_before(self.syntax(), &[K::LBracket, K::QuestionBracket])
    }

    /// What stands in the brackets.
    pub fn index(&self) -> Option<Expr> {
        child_after(self.syntax(), &[K::LBracket, K::QuestionBracket])
    }

    /// `?[`: the value is `()` if the base is.
    pub fn is_optional(&self) -> bool {
        support::token(self.syntax(), K::QuestionBracket).is_some()
    }
}

impl ArrayExpr {
    /// The elements.
    pub fn elements(&self) -> AstChildren<Expr> {
        support::children(self.syntax())
    }
}

impl MapExpr {
    /// The entries, in their order.
    pub fn entries(&self) -> AstChildren<MapEntry> {
        support::children(self.syntax())
    }
}

impl MapEntry {
    /// The token that is the name: an identifier or a text.
    pub fn name(&self) -> Option<SyntaxToken> {
        token_of(self.syntax(), &[K::Ident, K::String, K::RawString, K::Text])
    }

    /// The name itself, without quotes.
    pub fn key(&self) -> Option<String> {
        let name = self.name()?;
        if name.kind() == K::Ident { Some(name.text().to_owned()) } else { text::text(&name) }
    }

    /// The value.
    pub fn value(&self) -> Option<Expr> {
        support::child(self.syntax())
    }
}

impl ClosureExpr {
    /// The parameters; none if there are none between the bars.
    pub fn param_list(&self) -> Option<ParamList> {
        support::child(self.syntax())
    }

    /// The body: any statement, often an expression.
    pub fn body(&self) -> Option<Stmt> {
        support::child(self.syntax())
    }
}

/// What is done if a condition does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Else {
    /// `else { … }`
    Block(Block),
    /// `else if a { … }`
    If(IfExpr),
}

impl IfExpr {
    /// The condition.
    pub fn condition(&self) -> Option<Expr> {
        // A block cannot be a condition without parentheses: then the condition is missing.
        nth_child(self.syntax(), 0).filter(|expr| !matches!(expr, Expr::Block(_)))
    }

    /// What is done if it holds.
    pub fn then(&self) -> Option<Block> {
        support::child(self.syntax())
    }

    /// What is done otherwise.
    pub fn otherwise(&self) -> Option<Else> {
        match child_after(self.syntax(), &[K::ElseKw])? {
            Expr::Block(block) => Some(Else::Block(block)),
            Expr::If(chained) => Some(Else::If(chained)),
            _ => None,
        }
    }
}

impl SwitchExpr {
    /// What is looked at.
    pub fn value(&self) -> Option<Expr> {
        support::child(self.syntax())
    }

    /// The cases, in their order.
    pub fn cases(&self) -> AstChildren<SwitchCase> {
        support::children(self.syntax())
    }
}

impl SwitchCase {
    /// The node with the values.
    pub fn case_values(&self) -> Option<CaseValues> {
        support::child(self.syntax())
    }

    /// The values or ranges; none of the default.
    pub fn values(&self) -> impl Iterator<Item = Expr> + use<> {
        self.case_values().into_iter().flat_map(|values| support::children(values.syntax()))
    }

    /// `_`
    pub fn is_default(&self) -> bool {
        self.case_values().is_some_and(|values| support::token(values.syntax(), K::Underscore).is_some())
    }

    /// The condition behind `if`.
    pub fn guard(&self) -> Option<Expr> {
        let guard: Guard = support::child(self.syntax())?;
        support::child(guard.syntax())
    }

    /// What is done: any statement, often an expression or block.
    pub fn body(&self) -> Option<Stmt> {
        support::child(self.syntax())
    }
}

impl WhileExpr {
    /// The condition.
    pub fn condition(&self) -> Option<Expr> {
        nth_child(self.syntax(), 0).filter(|expr| !matches!(expr, Expr::Block(_)))
    }

    /// What is repeated.
    pub fn body(&self) -> Option<Block> {
        support::child(self.syntax())
    }
}

impl LoopExpr {
    /// What is repeated.
    pub fn body(&self) -> Option<Block> {
        support::child(self.syntax())
    }
}

const CONDITIONS: &[SyntaxKind] = &[K::WhileKw, K::UntilKw];

impl DoExpr {
    /// What is repeated.
    pub fn body(&self) -> Option<Block> {
        support::child(self.syntax())
    }

    /// Does the loop end when the condition holds?
    pub fn is_until(&self) -> bool {
        support::token(self.syntax(), K::UntilKw).is_some()
    }

    /// The condition, looked at after each round.
    pub fn condition(&self) -> Option<Expr> {
        child_after(self.syntax(), CONDITIONS)
    }
}

impl ForExpr {
    /// The variable.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }

    /// The variable that counts, from 0.
    pub fn counter(&self) -> Option<SyntaxToken> {
        tokens_of(self.syntax(), &[K::Ident]).nth(1)
    }

    /// What the variable goes through.
    pub fn iterable(&self) -> Option<Expr> {
        child_after(self.syntax(), &[K::InKw]).filter(|expr| !matches!(expr, Expr::Block(_)))
    }

    /// What is repeated.
    pub fn body(&self) -> Option<Block> {
        support::child(self.syntax())
    }
}
