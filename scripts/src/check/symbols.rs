//! Texts that are compared with what has a known set of texts: `sys.state`, `sys.mode`, the state of an axis.

use super::Sink;
use crate::{finding::code, names::suggest};
use rhai::{Expr, FnCallExpr, Position};
use sensai_model::packml::{Mode, State};
use sensai_stdlib::registry::handle::AXIS_STATES;

/// A set of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// `sys.state`.
    UnitState,
    /// `sys.mode`.
    UnitMode,
    /// `state` of an axis.
    AxisState,
}

impl Set {
    fn words(self) -> Vec<&'static str> {
        match self {
            Self::UnitState => State::ALL.iter().map(|state| state.name()).collect(),
            Self::UnitMode => Mode::ALL.iter().map(|mode| mode.name()).collect(),
            Self::AxisState => AXIS_STATES.to_vec(),
        }
    }

    fn what(self) -> (&'static str, &'static str) {
        match self {
            Self::UnitState => ("`sys.state`", "states"),
            Self::UnitMode => ("`sys.mode`", "modes"),
            Self::AxisState => ("the state of an axis", "states"),
        }
    }

    /// A finding if `text` is none of the set; true if it is one.
    pub fn check(self, text: &str, position: Position, sink: &mut Sink<'_>) -> bool {
        let words = self.words();
        if words.contains(&text) {
            return true;
        }
        let (what, several) = self.what();
        let len = text.chars().count() + 2;
        let message = format!("{what} is never \"{text}\"");
        sink.error(code::UNKNOWN_SYMBOL, position, len, message, suggest(text, &words, several));
        false
    }
}

/// The two sides of a comparison for equality.
pub(crate) fn compared(call: &FnCallExpr) -> Option<[&Expr; 2]> {
    let equality = call.is_operator_call() && matches!(call.name.as_str(), "==" | "!=");
    match &call.args[..] {
        [left, right] if equality => Some([left, right]),
        _ => None,
    }
}

/// The texts of the cases of a `switch`, with their places. The syntax tree keeps only their hashes.
pub(crate) fn cases(text: &str, switch: Position) -> Vec<(String, Position)> {
    let mut scanner = Scanner::at(text, switch);
    let (mut cases, mut depth) = (Vec::new(), 0_usize);
    while let Some(character) = scanner.bump() {
        match character {
            '/' => scanner.comment(),
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && character == '}' {
                    break;
                }
            }
            '"' => {
                let position = scanner.before;
                let word = scanner.string();
                if depth == 1 && scanner.ends_a_case() {
                    cases.push((word, position));
                }
            }
            _ => {}
        }
    }
    cases
}

struct Scanner<'a> {
    rest: &'a str,
    line: u16,
    column: u16,
    /// Place of the character read last.
    before: Position,
}

impl<'a> Scanner<'a> {
    fn at(text: &'a str, position: Position) -> Self {
        let (line, column) = (position.line().unwrap_or(1), position.position().unwrap_or(1));
        let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let rest = text.get(start..).unwrap_or_default();
        let skipped: usize = rest.chars().take(column - 1).map(char::len_utf8).sum();
        let (line, column) = (line as u16, column as u16);
        Self { rest: rest.get(skipped..).unwrap_or_default(), line, column, before: position }
    }

    fn bump(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.before = Position::new(self.line, self.column);
        self.rest = &self.rest[character.len_utf8()..];
        if character == '\n' {
            (self.line, self.column) = (self.line.saturating_add(1), 1);
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(character)
    }

    /// The rest of a text, of which the opening quote was read.
    fn string(&mut self) -> String {
        let mut word = String::new();
        while let Some(character) = self.bump() {
            match character {
                '"' => break,
                '\\' => word.extend(self.bump()),
                character => word.push(character),
            }
        }
        word
    }

    /// The rest of a comment, if the slash that was read begins one.
    fn comment(&mut self) {
        if self.rest.starts_with('/') {
            while self.bump().is_some_and(|character| character != '\n') {}
        } else if self.rest.starts_with('*') {
            self.bump();
            let mut open = 1_usize;
            while open > 0 && !self.rest.is_empty() {
                if self.rest.starts_with("*/") {
                    open -= 1;
                    self.bump();
                } else if self.rest.starts_with("/*") {
                    open += 1;
                    self.bump();
                }
                self.bump();
            }
        }
    }

    /// What follows a text belongs to the head of a case: `=>`, `|` or a condition.
    fn ends_a_case(&self) -> bool {
        let rest = self.rest.trim_start();
        let condition = rest
            .strip_prefix("if")
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        rest.starts_with("=>") || (rest.starts_with('|') && !rest.starts_with("||")) || condition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_found_with_their_places() {
        let text = "x;\n  switch s { // \"no\" => 1\n \"a\" | \"b\" => { f(\"c\"); switch t { \"d\" => 1 } }\n \
                    \"é\\\"x\" if y => z = \"e\",\n /* \"f\" => /* */ */ \"g\" => if \"h\" == s { } \"i\" => 2, _ => \"j\" }\n \"k\" => 3";
        let found: Vec<String> = cases(text, Position::new(2, 3))
            .into_iter()
            .map(|(word, at)| format!("{word} {}:{}", at.line().unwrap(), at.position().unwrap()))
            .collect();
        assert_eq!(found, ["a 3:2", "b 3:8", "é\"x 4:2", "g 5:21", "i 5:44"]);
    }

    #[test]
    fn any_text_comes_to_an_end() {
        for text in ["", "switch", "switch \"", "switch /*", "switch { \"\\", "switch { /", "}}}"] {
            assert!(cases(text, Position::new(1, 1)).is_empty(), "{text}");
            assert!(cases(text, Position::new(9, 9)).is_empty(), "{text}");
        }
    }
}
