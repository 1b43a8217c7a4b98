//! From text to syntax tree.

use super::Sink;
use crate::{
    finding::code,
    interpreter::{NESTING_MAX, TEXT_MAX},
};
use rhai::Position;
use rhai::{AST, Engine, LexError, ParseError, ParseErrorType as Kind};

/// Lines of a program; Rhai counts them in 16 bits.
const LINES_MAX: usize = 60_000;

/// True, and a finding, if the text is too long to be a program.
pub(crate) fn too_large(text: &str, sink: &mut Sink<'_>) -> bool {
    let lines = text.lines().count();
    if text.len() <= TEXT_MAX && lines <= LINES_MAX {
        return false;
    }
    sink.error(
        code::TOO_LARGE,
        Position::NONE,
        0,
        format!(
            "the program has {} bytes in {lines} lines, at most {TEXT_MAX} in {LINES_MAX} are possible",
            text.len()
        ),
        "divide it into several programs",
    );
    true
}

/// Parse; the first syntax error is the only one Rhai gives.
pub(crate) fn parse(engine: &Engine, text: &str, sink: &mut Sink<'_>) -> Option<AST> {
    match engine.compile(text) {
        Ok(ast) => Some(ast),
        Err(error) => {
            report(&error, sink);
            None
        }
    }
}

fn report(error: &ParseError, sink: &mut Sink<'_>) {
    let position = error.position();
    let (code, message, help) = match error.err_type() {
        Kind::UnexpectedEOF => {
            (code::SYNTAX, "the program ends in the middle of something".to_owned(), "close what is open")
        }
        Kind::MissingToken(token, place) => (code::SYNTAX, format!("expected `{token}` {place}"), ""),
        Kind::MissingSymbol(text) if text.is_empty() => {
            (code::SYNTAX, "a symbol is missing here".to_owned(), "")
        }
        Kind::BadInput(LexError::UnterminatedString) => {
            (code::SYNTAX, "the text is not closed".to_owned(), "close it with \" on the same line")
        }
        Kind::BadInput(LexError::MalformedNumber(number)) => {
            (code::SYNTAX, format!("`{number}` is no number"), "an i64 goes up to 9223372036854775807")
        }
        Kind::BadInput(LexError::ImproperSymbol(symbol, hint)) if !hint.is_empty() => {
            (code::SYNTAX, format!("`{symbol}` does not belong here: {}", lower(hint)), "")
        }
        Kind::BadInput(error) => (code::SYNTAX, lower(&error.to_string()), ""),
        Kind::Reserved(word) => (code::SYNTAX, format!("`{word}` is a reserved word"), "choose another name"),
        Kind::FnDuplicatedDefinition(name, count) => (
            code::SYNTAX,
            format!("there are two functions `{name}` with {count} parameters"),
            "functions differ in name or number of parameters",
        ),
        Kind::AssignmentToConstant(name) => {
            (code::READ_ONLY, format!("`{name}` is a constant"), "keep what changes in the state")
        }
        Kind::WrongFnDefinition => {
            (code::TOP_LEVEL, "a function inside of another".to_owned(), "move it to the top level")
        }
        Kind::ExprTooDeep => (
            code::TOO_LARGE,
            format!("expressions and blocks are nested deeper than {NESTING_MAX}"),
            "divide it with `let` or into functions",
        ),
        Kind::TooManyFunctions => (code::TOO_LARGE, "too many functions".to_owned(), "divide the program"),
        Kind::LiteralTooLarge(what, limit) => {
            (code::TOO_LARGE, format!("{} is longer than {limit}", lower(what)), "make it shorter")
        }
        Kind::LoopBreak => (code::SYNTAX, "`break` and `continue` belong into a loop".to_owned(), ""),
        other => (code::SYNTAX, lower(&other.to_string()), ""),
    };
    let help =
        if code == code::SYNTAX && help.is_empty() { "only the first syntax error is shown" } else { help };
    sink.error(code, position, 1, message, help);
}

/// Rhai's sentences begin with a capital letter.
fn lower(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !text.chars().nth(1).is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}
