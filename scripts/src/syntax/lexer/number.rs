//! Numbers.

use super::{super::literal, Lexer, SyntaxKind, SyntaxKind as K};

impl Lexer<'_> {
    /// A number whose sign and first digit are read.
    pub(super) fn number(&mut self, start: usize) -> SyntaxKind {
        let digits = &self.text[start..self.position];
        let zero = digits.ends_with('0');
        self.eat_while(|c| c == '_');
        if zero && let Some(radix) = self.peek().and_then(radix) {
            self.bump();
            self.eat_while(|c| c == '_' || c.is_digit(radix));
            return self.finished(start, K::Int);
        }
        self.digits();
        let mut float = self.fraction();
        float |= self.exponent();
        self.finished(start, if float { K::Float } else { K::Int })
    }

    fn digits(&mut self) {
        self.eat_while(|c| c == '_' || c.is_ascii_digit());
    }

    /// A point with digits behind it, or with nothing that could be the name of a property or a range.
    fn fraction(&mut self) -> bool {
        let mut next = self.rest().chars();
        if next.next() != Some('.') {
            return false;
        }
        let part = match next.next() {
            Some('_' | '.') | None => false,
            Some(c) => !c.is_ascii_alphabetic(),
        };
        if part {
            self.bump();
            if self.peek().is_some_and(|c| c.is_ascii_digit()) {
                self.digits();
            }
        }
        part
    }

    fn exponent(&mut self) -> bool {
        let mut next = self.rest().chars();
        let part =
            matches!(next.next(), Some('e' | 'E')) && matches!(next.next(), Some('0'..='9' | '+' | '-'));
        if part {
            self.bump();
            self.bump();
            self.digits();
        }
        part
    }

    /// Checks that the number has a value.
    fn finished(&mut self, start: usize, kind: SyntaxKind) -> SyntaxKind {
        let text = &self.text[start..self.position];
        match literal::number(text) {
            Some(literal::Number::Int(_)) => K::Int,
            Some(literal::Number::Float(_)) => K::Float,
            None => {
                let (message, help) = fault(text);
                self.error(start, message, help);
                kind
            }
        }
    }
}

fn radix(letter: char) -> Option<u32> {
    match letter {
        'x' | 'X' => Some(16),
        'o' | 'O' => Some(8),
        'b' | 'B' => Some(2),
        _ => None,
    }
}

/// Why a number has no value.
fn fault(text: &str) -> (String, String) {
    let prefixed = text.contains(['x', 'X', 'o', 'O', 'b', 'B']);
    if prefixed && let Some(digits) = text.strip_prefix('-') {
        return (format!("a sign cannot stand directly before `{digits}`"), format!("write `- {digits}`"));
    }
    if prefixed && text.len() <= 2 {
        return (format!("`{text}` has no digits"), "write as `0xff`, `0o17` or `0b1010`".into());
    }
    if prefixed {
        return (format!("`{text}` is larger than 64 bits"), "integers have 64 bits".into());
    }
    (format!("`{text}` has no digits in its exponent"), "write as `1e-3`".into())
}
