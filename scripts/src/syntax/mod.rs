//! The text of a program as a tree.
//!
//! [`parse`] takes any text and gives a tree that covers all of it, blanks and comments too, and what is wrong with it.
//! It accepts what Rhai 1.27 accepts, also what cell programs may not contain: that is refused later, with a reason.
//! Where it differs from Rhai on purpose, `tests/parser/differences.rs` has a name for it. [`ast`] gives the nodes their
//! meaning.
//!
//! Deliberately absent: names, types, and anything that needs more than one file.

pub mod ast;
mod errors;
mod kind;
mod lexer;
mod literal;
mod parser;
mod reuse;
mod sexpr;
mod tokens;
mod validation;

pub use kind::{Language, SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};
pub use literal::Number;
pub use rowan::{TextRange, TextSize, TokenAtOffset, WalkEvent};
pub use sexpr::{sexpr, sexpr_with};
pub(crate) use tokens::{Token, tokens};

use reuse::{Reuse, Sound};
use rowan::{GreenNode, ast::AstNode};
use validation::Validated;

/// How deeply statements and expressions may stand in each other in a function, and how long a chain of operators may be.
pub const NESTING_MAX: usize = 64;

/// Something that is wrong with the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What it is about; empty behind a token if something is missing there.
    pub range: TextRange,
    /// Where it was noticed: what is missing at the end of a line is noticed at the next token.
    pub at: TextSize,
    /// What was expected and what was found: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The grammar allows it, and the tree is as it is meant; Rhai refuses it nevertheless.
    pub is_rule: bool,
}

impl SyntaxError {
    fn new(range: TextRange, at: TextSize, message: impl Into<String>, help: impl Into<String>) -> Self {
        let help: String = help.into();
        let help = (!help.is_empty()).then_some(help);
        Self { range, at, message: message.into(), help, is_rule: false }
    }
}

/// The tree of a text and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse {
    green: GreenNode,
    errors: Vec<SyntaxError>,
    /// What another parse of nearly the same text can take from it.
    sound: Vec<Sound>,
}

impl Parse {
    /// The root of the tree.
    pub fn syntax(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }

    /// The root of the tree as what it means.
    pub fn root(&self) -> ast::SourceFile {
        ast::SourceFile::cast(self.syntax()).unwrap_or_else(ast::SourceFile::empty)
    }

    /// The tree itself, which may be sent to other threads.
    pub fn green(&self) -> &GreenNode {
        &self.green
    }

    /// What is wrong, in the order in which Rhai would meet it, which is nearly that of the text. If it is nothing, Rhai
    /// accepts the text too.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }

    /// Is nothing wrong?
    pub fn is_ok(&self) -> bool {
        self.errors.is_empty()
    }
}

/// Parses a text of less than 4 GiB.
pub fn parse(text: &str) -> Parse {
    parse_with(text, None)
}

/// [`parse`] for a text that another one was changed into: the same result, sooner.
pub fn reparse(text: &str, before: &str, parse: &Parse) -> Parse {
    if text == before {
        return parse.clone();
    }
    parse_with(text, Some(&Reuse::new(before, &parse.sound)))
}

fn parse_with(text: &str, reuse: Option<&Reuse<'_>>) -> Parse {
    let lexed = lexer::lex(text);
    let parsed = parser::parse(text, &lexed.tokens, reuse);
    let root = SyntaxNode::new_root(parsed.green.clone());
    let taken: Vec<TextSize> =
        parsed.read.iter().filter(|function| function.taken).map(|function| function.range.start()).collect();
    let known = |start: TextSize| taken.binary_search(&start).is_ok();
    let Validated { noticed, refused } = ast::SourceFile::cast(root.clone())
        .map(|file| validation::validate(&file, &known))
        .unwrap_or_default();
    let sound = reuse::sound(&parsed.green, &parsed.read, &lexed.errors, &refused);
    let errors = errors::ordered(&root, lexed.errors, parsed.errors, &parsed.finished_at_errors, noticed);
    Parse { green: parsed.green, errors, sound }
}
