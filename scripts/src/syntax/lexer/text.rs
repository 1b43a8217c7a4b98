//! Texts and characters.

use super::{super::literal, Lexer, SyntaxKind, SyntaxKind as K};

impl Lexer<'_> {
    /// A text in quotes. It ends at a quote that no other follows, or at the end of the line without a `\` there.
    pub(super) fn string(&mut self, start: usize) -> SyntaxKind {
        loop {
            match self.peek() {
                Some('"') => {
                    self.bump();
                    if !self.eat("\"") {
                        break;
                    }
                }
                Some('\\') => {
                    self.bump();
                    self.eat("\r");
                    self.bump();
                }
                None | Some('\n') => {
                    let errors = self.errors.len();
                    self.check_escapes(start, true);
                    if self.errors.len() == errors {
                        self.unclosed_quote(start);
                    }
                    return K::String;
                }
                Some(_) => {
                    self.bump();
                }
            }
        }
        self.check_escapes(start, true);
        K::String
    }

    pub(super) fn character(&mut self, start: usize) -> SyntaxKind {
        if self.eat("'") {
            self.error(start, "there is no character between the quotes", "write as `'a'`");
            return K::Char;
        }
        loop {
            match self.peek() {
                Some('\'') => {
                    self.bump();
                    if !self.eat("'") {
                        break;
                    }
                }
                Some('\\') => {
                    self.bump();
                    if self.peek() != Some('\n') {
                        self.bump();
                    }
                }
                None | Some('\n') => {
                    let end = std::mem::replace(&mut self.position, start + 1);
                    self.error(start, "this character is not closed", "end it with `'`");
                    self.position = end;
                    return K::Char;
                }
                Some(_) => {
                    self.bump();
                }
            }
        }
        let errors = self.errors.len();
        self.check_escapes(start, false);
        if self.errors.len() == errors && literal::character(&self.text[start..self.position]).is_none() {
            self.error(start, "there is more than one character between the quotes", "a text stands in `\"`");
        }
        K::Char
    }

    /// `#"…"#`, whose first `#` is read.
    pub(super) fn raw_string(&mut self, start: usize) -> SyntaxKind {
        self.eat_while(|c| c == '#');
        let hashes = self.position - start;
        if !self.eat("\"") {
            self.error(start, "expected a `\"` after the `#`", "a text as it is stands in `#\"` and `\"#`");
            return K::ErrorToken;
        }
        let end = format!("\"{}", "#".repeat(hashes));
        match self.rest().find(&end) {
            Some(at) => self.position += at + end.len(),
            None => {
                self.error(start, "this text is not closed", format!("end it with `{end}`"));
                self.position = self.text.len();
            }
        }
        K::RawString
    }

    /// A text whose first back-tick is read.
    pub(super) fn back_ticks(&mut self, start: usize) -> SyntaxKind {
        match self.back_ticks_part(start) {
            K::TextMiddle => K::TextStart,
            _ => K::Text,
        }
    }

    /// Goes on with a text behind the `}` of an interpolation.
    pub(super) fn after_interpolation(&mut self) -> SyntaxKind {
        let start = self.position;
        self.back_ticks_part(start)
    }

    /// Up to a `$` before a brace or to the end of the text.
    fn back_ticks_part(&mut self, start: usize) -> SyntaxKind {
        loop {
            match self.bump() {
                Some('`') if !self.eat("`") => return K::TextEnd,
                Some('$') if self.peek() == Some('{') => {
                    self.interpolations.push(0);
                    return K::TextMiddle;
                }
                Some('\\') if self.rest().starts_with("${") => {
                    self.eat("${");
                }
                Some(_) => {}
                None => {
                    let first = self.text[start..].chars().next().map_or(0, char::len_utf8);
                    let end = std::mem::replace(&mut self.position, start + first);
                    self.error(start, "this text is not closed", "end it with a back-tick");
                    self.position = end;
                    return K::TextEnd;
                }
            }
        }
    }

    fn unclosed_quote(&mut self, start: usize) {
        let end = std::mem::replace(&mut self.position, start + 1);
        self.error(
            start,
            "this text is not closed",
            "end it with `\"`; a text over several lines stands in back-ticks",
        );
        self.position = end;
    }

    fn check_escapes(&mut self, start: usize, continued: bool) {
        let Err(fault) = literal::unescape(&self.text[start..self.position], 0, continued) else { return };
        let end = std::mem::replace(&mut self.position, start + fault.end);
        let escape = &self.text[start + fault.start..start + fault.end];
        self.error(
            start + fault.start,
            format!("there is no escape `{}`", escape.escape_debug()),
            "escapes are `\\n \\r \\t \\\\ \\\" \\x41 \\u20ac \\U0001f600`",
        );
        self.position = end;
    }
}
