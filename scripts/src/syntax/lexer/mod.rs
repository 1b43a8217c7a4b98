//! From text to tokens. All of the text is in some token: what means nothing becomes a token of its own.
//!
//! Two things depend on what was before. A sign belongs to the number behind it where no operand stands before it, so
//! that `-1.abs()` is a method of -1. And a text in back-ticks goes on behind the `}` of an interpolation.

mod number;
mod text;
mod words;

pub(super) use words::{is_callable, is_method, is_mistaken, is_name};

use super::{SyntaxError, SyntaxKind, SyntaxKind as K};
use rowan::{TextRange, TextSize};

/// What is said of a comment that is not closed.
pub(super) const UNCLOSED_COMMENT: &str = "this comment is not closed";

/// A token, which goes to the start of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: SyntaxKind,
    pub start: u32,
}

/// The tokens of a text, the last one `Eof`, and what is wrong with them.
pub(super) struct Lexed {
    pub tokens: Vec<Token>,
    pub errors: Vec<SyntaxError>,
}

/// The text must be shorter than 4 GiB.
pub(super) fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer {
        text,
        position: 0,
        sign_is_operator: false,
        interpolations: Vec::new(),
        resume: false,
        errors: Vec::new(),
    };
    let mut tokens = Vec::with_capacity(text.len() / 3 + 1);
    while lexer.position < text.len() {
        let start = lexer.position;
        let errors = lexer.errors.len();
        let kind = lexer.token();
        tokens.push(Token { kind, start: start as u32 });
        if !kind.is_trivia() {
            lexer.sign_is_operator = lexer.errors.len() == errors && !before_operand(kind);
        }
    }
    tokens.push(Token { kind: K::Eof, start: text.len() as u32 });
    Lexed { tokens, errors: lexer.errors }
}

struct Lexer<'t> {
    text: &'t str,
    position: usize,
    /// The last token may end an operand: a sign behind it is an operator.
    sign_is_operator: bool,
    /// For each text in back-ticks that an interpolation interrupts, how many braces are open in it.
    interpolations: Vec<u32>,
    /// The last token closed an interpolation.
    resume: bool,
    errors: Vec<SyntaxError>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, spelling: &str) -> bool {
        let found = self.rest().starts_with(spelling);
        if found {
            self.position += spelling.len();
        }
        found
    }

    fn eat_while(&mut self, matches: impl Fn(char) -> bool) {
        let rest = self.rest();
        let len = rest.find(|c| !matches(c)).unwrap_or(rest.len());
        self.position += len;
    }

    /// Reports what is wrong from a place up to the current position; the parser of Rhai stops at that place.
    fn error(&mut self, start: usize, message: impl Into<String>, help: impl Into<String>) {
        let range = TextRange::new(size(start), size(self.position));
        self.errors.push(SyntaxError::new(range, range.start(), message, help));
    }

    fn token(&mut self) -> SyntaxKind {
        let start = self.position;
        if std::mem::take(&mut self.resume) {
            return self.after_interpolation();
        }
        let Some(first) = self.bump() else { return K::Eof };
        match first {
            ' ' | '\t' | '\n' | '\r' | '\x0c' => {
                self.eat_while(|c| c.is_ascii_whitespace());
                K::Whitespace
            }
            '/' if self.eat("/") => self.line_comment(),
            '/' if self.eat("*") => self.block_comment(start),
            '0'..='9' => self.number(start),
            '-' if !self.sign_is_operator && self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                self.bump();
                self.number(start)
            }
            '"' => self.string(start),
            '\'' => self.character(start),
            '`' => self.back_ticks(start),
            '#' if matches!(self.peek(), Some('"' | '#')) => self.raw_string(start),
            'a'..='z' | 'A'..='Z' | '_' => self.word(start),
            _ => self.symbol(first, start),
        }
    }

    fn line_comment(&mut self) -> SyntaxKind {
        let doc = self.rest().starts_with('/') && !self.rest().starts_with("//");
        self.eat_while(|c| c != '\n' && c != '\r');
        if doc { K::DocComment } else { K::Comment }
    }

    fn block_comment(&mut self, start: usize) -> SyntaxKind {
        let doc =
            self.rest().starts_with('*') && !self.rest().starts_with("**") && !self.rest().starts_with("*/");
        let mut level = 1_u32;
        while level > 0 {
            match self.bump() {
                Some('/') if self.eat("*") => level += 1,
                Some('*') if self.eat("/") => level -= 1,
                Some(_) => {}
                None => {
                    // Rhai takes it for a comment up to the end, and goes on there.
                    let range = TextRange::new(size(start), size(start + 2));
                    let help = "end it with `*/`; comments nest";
                    self.errors.push(SyntaxError::new(range, size(self.position), UNCLOSED_COMMENT, help));
                    break;
                }
            }
        }
        if doc { K::DocComment } else { K::Comment }
    }

    fn symbol(&mut self, first: char, start: usize) -> SyntaxKind {
        if let Some((spelling, help)) = words::reserved_symbol(&self.text[start..]) {
            self.position = start + spelling.len();
            self.error(start, format!("there is no `{}`", spelling.trim_end()), help);
            // A line of dashes is one mistake.
            while let Some((more, _)) = words::reserved_symbol(self.rest()).filter(|more| more.0 == spelling)
            {
                self.position += more.len();
            }
            return K::ReservedSymbol;
        }
        let Some(kind) = words::symbol(&self.text[start..]) else {
            self.error(start, format!("unexpected character {first:?}"), "texts stand in quotes: \"…\"");
            return K::ErrorToken;
        };
        self.position = start + kind.spelling().map_or(1, str::len);
        match (kind, self.interpolations.last_mut()) {
            (K::LBrace | K::MapStart, Some(open)) => *open += 1,
            (K::RBrace, Some(open @ 2..)) => *open -= 1,
            (K::RBrace, Some(_)) => {
                self.interpolations.pop();
                self.resume = true;
            }
            _ => {}
        }
        kind
    }
}

fn size(position: usize) -> TextSize {
    TextSize::new(position as u32)
}

/// Behind these, a sign belongs to the operand that follows. That is Rhai's own list: not in it are `=>`, `else`, `do`
/// and `loop`, behind which `-1.abs()` is the negated absolute value.
fn before_operand(kind: SyntaxKind) -> bool {
    kind.is_assignment()
        || matches!(
            kind,
            K::Semicolon
                | K::Colon
                | K::Comma
                | K::DoubleQuestion
                | K::DotDot
                | K::DotDotEq
                | K::LBrace
                | K::LParen
                | K::LBracket
                | K::QuestionBracket
                | K::Plus
                | K::Minus
                | K::Star
                | K::Slash
                | K::Percent
                | K::StarStar
                | K::Shl
                | K::Shr
                | K::EqEq
                | K::NotEq
                | K::Less
                | K::LessEq
                | K::Greater
                | K::GreaterEq
                | K::Bang
                | K::Pipe
                | K::PipePipe
                | K::Amp
                | K::AmpAmp
                | K::Caret
                | K::IfKw
                | K::WhileKw
                | K::UntilKw
                | K::InKw
                | K::NotIn
                | K::ReturnKw
                | K::ThrowKw
        )
}
