//! The file, functions, blocks and statements.

use super::{
    AstNode, Expr, K, Language, SyntaxKind, SyntaxNode, SyntaxToken, child_after, child_before, choices,
    name_of, nodes, support, text, token_of, tokens_of,
};
use rowan::{GreenNodeBuilder, Language as _, ast::AstChildren};

nodes! {
    /// The whole text.
    SourceFile
    /// `[private] fn [type.]name(a, b) { … }`
    Fn
    /// The type before the name of a function.
    ReceiverType
    /// The parameters of a function or closure.
    ParamList
    /// One parameter.
    Param
    /// `{ … }`, also as an expression.
    Block
    /// `let name = value;`
    LetStmt
    /// `const NAME = value;`
    ConstStmt
    /// `place = value;`, `place += value;`
    AssignStmt
    /// An expression as a statement; so are `if`, `switch` and loops.
    ExprStmt
    /// `;`
    EmptyStmt
    /// `break value;`
    BreakStmt
    /// `continue;`
    ContinueStmt
    /// `return value;`
    ReturnStmt
    /// `throw value;`
    ThrowStmt
    /// `try { … } catch (name) { … }`
    TryStmt
    /// `import path as name;`
    ImportStmt
    /// `export name as alias;`, `export let name = value;`
    ExportStmt
}

choices! {
    /// A statement.
    Stmt {
        /// `let name = value;`
        Let(LetStmt)
        /// `const NAME = value;`
        Const(ConstStmt)
        /// `place = value;`
        Assign(AssignStmt)
        /// An expression.
        Expr(ExprStmt)
        /// `;`
        Empty(EmptyStmt)
        /// `break value;`
        Break(BreakStmt)
        /// `continue;`
        Continue(ContinueStmt)
        /// `return value;`
        Return(ReturnStmt)
        /// `throw value;`
        Throw(ThrowStmt)
        /// `try { … } catch { … }`
        Try(TryStmt)
        /// `import path as name;`
        Import(ImportStmt)
        /// `export name;`
        Export(ExportStmt)
    }
}

choices! {
    /// What may stand at the top level.
    Item {
        /// A function.
        Fn(Fn)
        /// `const NAME = value;`
        Const(ConstStmt)
        /// `import path as name;`
        Import(ImportStmt)
        /// `let name = value;`
        Let(LetStmt)
        /// `place = value;`
        Assign(AssignStmt)
        /// An expression.
        Expr(ExprStmt)
        /// `;`
        Empty(EmptyStmt)
        /// `break value;`
        Break(BreakStmt)
        /// `continue;`
        Continue(ContinueStmt)
        /// `return value;`
        Return(ReturnStmt)
        /// `throw value;`
        Throw(ThrowStmt)
        /// `try { … } catch { … }`
        Try(TryStmt)
        /// `export name;`
        Export(ExportStmt)
    }
}

impl Item {
    /// The statement that it is, if it is no function.
    pub fn stmt(&self) -> Option<Stmt> {
        Stmt::cast(self.syntax().clone())
    }
}

impl SourceFile {
    /// That of an empty text.
    pub(in crate::syntax) fn empty() -> Self {
        let mut builder = GreenNodeBuilder::new();
        builder.start_node(Language::kind_to_raw(K::SourceFile));
        builder.finish_node();
        Self(SyntaxNode::new_root(builder.finish()))
    }

    /// Functions and statements, in their order.
    pub fn items(&self) -> AstChildren<Item> {
        support::children(self.syntax())
    }

    /// The functions.
    pub fn functions(&self) -> AstChildren<Fn> {
        support::children(self.syntax())
    }

    /// All but the functions.
    pub fn statements(&self) -> AstChildren<Stmt> {
        support::children(self.syntax())
    }
}

impl Fn {
    /// The lines of its documentation, without the marks of a comment, with all blanks.
    pub fn docs(&self) -> impl Iterator<Item = String> + use<> {
        docs(self.syntax())
    }

    /// Is it seen only in this file?
    pub fn is_private(&self) -> bool {
        support::token(self.syntax(), K::PrivateKw).is_some()
    }

    /// The type that it is a method of: `fn type.name()`.
    pub fn receiver_type(&self) -> Option<String> {
        let receiver: ReceiverType = support::child(self.syntax())?;
        let token = super::first_token(receiver.syntax())?;
        if token.kind() == K::Ident { Some(token.text().to_owned()) } else { text::text(&token) }
    }

    /// Its name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }

    /// Its parameters, with their parentheses.
    pub fn param_list(&self) -> Option<ParamList> {
        support::child(self.syntax())
    }

    /// Its parameters.
    pub fn params(&self) -> impl Iterator<Item = Param> + use<> {
        self.param_list().into_iter().flat_map(|list| list.params())
    }

    /// Its body.
    pub fn body(&self) -> Option<Block> {
        support::child(self.syntax())
    }
}

impl ParamList {
    /// The parameters.
    pub fn params(&self) -> AstChildren<Param> {
        support::children(self.syntax())
    }
}

impl Param {
    /// Its name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }
}

impl Block {
    /// The statements in it. The value of the block is that of the last one that is not empty, with or without a `;`.
    pub fn statements(&self) -> AstChildren<Stmt> {
        support::children(self.syntax())
    }

    /// Its `{`.
    pub fn opening(&self) -> Option<SyntaxToken> {
        support::token(self.syntax(), K::LBrace)
    }

    /// Its `}`.
    pub fn closing(&self) -> Option<SyntaxToken> {
        support::token(self.syntax(), K::RBrace)
    }
}

impl LetStmt {
    /// The variable.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }

    /// Its first value; `()` if it is left out.
    pub fn value(&self) -> Option<Expr> {
        support::child(self.syntax())
    }
}

impl ConstStmt {
    /// The lines of its documentation, without the marks of a comment.
    pub fn docs(&self) -> impl Iterator<Item = String> + use<> {
        docs(self.syntax())
    }

    /// The constant.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }

    /// Its value; `()` if it is left out.
    pub fn value(&self) -> Option<Expr> {
        support::child(self.syntax())
    }
}

const ASSIGNMENTS: &[SyntaxKind] = &[
    K::Eq,
    K::PlusEq,
    K::MinusEq,
    K::StarEq,
    K::SlashEq,
    K::PercentEq,
    K::StarStarEq,
    K::ShlEq,
    K::ShrEq,
    K::AmpEq,
    K::PipeEq,
    K::CaretEq,
];

impl AssignStmt {
    /// What is assigned to.
    pub fn place(&self) -> Option<Expr> {
        child_before(self.syntax(), ASSIGNMENTS)
    }

    /// `=`, `+=` and so on.
    pub fn op_token(&self) -> Option<SyntaxToken> {
        token_of(self.syntax(), ASSIGNMENTS)
    }

    /// The operator that is applied before: `+` for `+=`, none for `=`.
    pub fn op(&self) -> Option<SyntaxKind> {
        Some(match self.op_token()?.kind() {
            K::PlusEq => K::Plus,
            K::MinusEq => K::Minus,
            K::StarEq => K::Star,
            K::SlashEq => K::Slash,
            K::PercentEq => K::Percent,
            K::StarStarEq => K::StarStar,
            K::ShlEq => K::Shl,
            K::ShrEq => K::Shr,
            K::AmpEq => K::Amp,
            K::PipeEq => K::Pipe,
            K::CaretEq => K::Caret,
            _ => return None,
        })
    }

    /// What is assigned.
    pub fn value(&self) -> Option<Expr> {
        child_after(self.syntax(), ASSIGNMENTS)
    }
}

impl ExprStmt {
    /// The expression.
    pub fn expr(&self) -> Option<Expr> {
        support::child(self.syntax())
    }

    /// The `;` behind it.
    pub fn semicolon(&self) -> Option<SyntaxToken> {
        support::token(self.syntax(), K::Semicolon)
    }
}

impl BreakStmt {
    /// The value that the loop gets.
    pub fn value(&self) -> Option<Expr> {
        support::child(self.syntax())
    }
}

impl ReturnStmt {
    /// The value that the caller gets.
    pub fn value(&self) -> Option<Expr> {
        support::child(self.syntax())
    }
}

impl ThrowStmt {
    /// The value that is thrown.
    pub fn value(&self) -> Option<Expr> {
        support::child(self.syntax())
    }
}

impl TryStmt {
    /// What is tried.
    pub fn body(&self) -> Option<Block> {
        support::child(self.syntax())
    }

    /// The variable for the error.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }

    /// What is done with the error.
    pub fn handler(&self) -> Option<Block> {
        child_after(self.syntax(), &[K::CatchKw])
    }
}

impl ImportStmt {
    /// What is imported.
    pub fn path(&self) -> Option<Expr> {
        support::child(self.syntax())
    }

    /// The name that it gets here.
    pub fn alias(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }
}

impl ExportStmt {
    /// The `let` or `const` that is exported as it is defined.
    pub fn definition(&self) -> Option<Stmt> {
        support::child(self.syntax())
    }

    /// The variable that is exported.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_of(self.syntax())
    }

    /// The name that others see.
    pub fn alias(&self) -> Option<SyntaxToken> {
        tokens_of(self.syntax(), &[K::Ident]).nth(1)
    }
}

/// The lines of the comments at the start of a node that are documentation.
fn docs(node: &SyntaxNode) -> impl Iterator<Item = String> + use<> {
    let tokens = node.children_with_tokens().map_while(|element| element.into_token());
    let comments =
        tokens.take_while(|token| token.kind().is_trivia()).filter(|token| token.kind() == K::DocComment);
    comments.flat_map(|comment| {
        let text = comment.text();
        let inner =
            text.strip_prefix("///").or_else(|| text.strip_prefix("/**")?.strip_suffix("*/")).unwrap_or(text);
        inner.lines().map(str::to_owned).collect::<Vec<_>>()
    })
}
