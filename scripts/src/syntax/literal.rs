//! What literals are worth.

/// A number as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// It fits into 64 bits.
    Int(i64),
    /// With a point or an exponent, or larger than an integer.
    Float(f64),
}

impl Number {
    /// Its negative; that of the smallest integer is no integer.
    pub fn negated(self) -> Self {
        match self {
            Self::Int(value) => value.checked_neg().map_or(Self::Float(-(value as f64)), Self::Int),
            Self::Float(value) => Self::Float(-value),
        }
    }
}

/// The value of a number, with or without a sign directly before it. `None` if it has none: no digits where there must
/// be some, more than 64 bits, or a sign before `0x…`.
pub fn number(text: &str) -> Option<Number> {
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    let prefixed = |lower, upper| digits.strip_prefix(lower).or_else(|| digits.strip_prefix(upper));
    for (lower, upper, radix) in [("0x", "0X", 16), ("0o", "0O", 8), ("0b", "0B", 2)] {
        if let Some(digits) = prefixed(lower, upper) {
            // All 64 bits may be given, the highest one is the sign.
            return u64::from_str_radix(digits, radix).ok().map(|bits| Number::Int(bits as i64));
        }
    }
    digits.parse().map(Number::Int).or_else(|_| digits.parse().map(Number::Float)).ok()
}

/// Where an escape in a literal is wrong, in bytes of the literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EscapeFault {
    pub start: usize,
    pub end: usize,
}

/// The text of a literal in quotes, which stands in this column, counted from 0. On a line that continues one with `\`
/// at its end, blanks up to and with that column do not belong to the text, which is possible where `continued`.
pub(super) fn unescape(literal: &str, column: usize, continued: bool) -> Result<String, EscapeFault> {
    let mut value = String::with_capacity(literal.len());
    let mut characters = Characters { text: literal.char_indices().peekable(), column: 0 };
    let Some((_, quote)) = characters.next() else { return Ok(value) };
    let mut skip_blanks = false;
    while let Some((start, character)) = characters.next() {
        match character {
            // Doubled, or the end.
            _ if character == quote => {
                if characters.next().is_some() {
                    value.push(quote);
                }
            }
            '\r' if characters.at('\n') => {}
            '\\' => match characters.escape(start, quote)? {
                Escape::Character(escaped) => value.push(escaped),
                Escape::Continuation if continued => {
                    characters.column = 0;
                    skip_blanks = true;
                }
                Escape::Continuation => return Err(EscapeFault { start, end: start + 1 }),
            },
            // The column is that of the next character.
            _ if skip_blanks && character.is_whitespace() && characters.column <= column + 1 => {}
            _ => {
                value.push(character);
                skip_blanks = false;
            }
        }
    }
    Ok(value)
}

/// What stands behind a `\`.
enum Escape {
    Character(char),
    /// The end of the line.
    Continuation,
}

/// The characters of a literal, and how many of its last line are read.
struct Characters<'t> {
    text: std::iter::Peekable<std::str::CharIndices<'t>>,
    column: usize,
}

impl Characters<'_> {
    fn next(&mut self) -> Option<(usize, char)> {
        self.column += 1;
        self.text.next()
    }

    fn at(&mut self, character: char) -> bool {
        self.text.peek().is_some_and(|&(_, next)| next == character)
    }

    /// Reads an escape whose `\` stood at `start`.
    fn escape(&mut self, start: usize, quote: char) -> Result<Escape, EscapeFault> {
        let Some((mut at, mut escaped)) = self.next() else {
            return Err(EscapeFault { start, end: start + 1 });
        };
        if escaped == '\r'
            && self.at('\n')
            && let Some(next) = self.next()
        {
            (at, escaped) = next;
        }
        let fault = EscapeFault { start, end: at + escaped.len_utf8() };
        Ok(Escape::Character(match escaped {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' => '\\',
            'x' => self.hexadecimal(2, fault)?,
            'u' => self.hexadecimal(4, fault)?,
            'U' => self.hexadecimal(8, fault)?,
            '\n' => return Ok(Escape::Continuation),
            _ if escaped == quote => quote,
            _ => return Err(fault),
        }))
    }

    fn hexadecimal(&mut self, len: usize, mut fault: EscapeFault) -> Result<char, EscapeFault> {
        let mut code = 0_u32;
        for _ in 0..len {
            let (at, digit) = self.next().ok_or(fault)?;
            fault.end = at + digit.len_utf8();
            code = (code << 4) | digit.to_digit(16).ok_or(fault)?;
        }
        char::from_u32(code).ok_or(fault)
    }
}

/// The character of a literal in quotes; `None` if it is none or not one.
pub(super) fn character(literal: &str) -> Option<char> {
    let value = unescape(literal, 0, false).ok()?;
    let mut characters = value.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// The text of a raw literal: all between `#"` and `"#`.
pub(super) fn raw(literal: &str) -> String {
    let hashes = literal.len() - literal.trim_start_matches('#').len();
    literal.get(hashes + 1..literal.len().saturating_sub(hashes + 1)).unwrap_or_default().to_owned()
}

/// The text of a part of a literal in back-ticks: with the back-tick or without, up to one or to the `$` of `${`.
pub(super) fn back_ticks(part: &str, first: bool) -> String {
    let mut part = part;
    if first {
        part = part.strip_prefix('`').unwrap_or(part);
        // The text begins on the next line if nothing stands behind the back-tick.
        part = part.strip_prefix("\r\n").or_else(|| part.strip_prefix(['\r', '\n'])).unwrap_or(part);
    }
    part = part.strip_suffix(['`', '$']).unwrap_or(part);
    part.replace("``", "`").replace("\\${", "${").replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_values() {
        let int = |text| match number(text) {
            Some(Number::Int(value)) => value,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(int("1_000"), 1000);
        assert_eq!(int("-7"), -7);
        assert_eq!(int("0xff_ff_ff_ff_ff_ff_ff_ff"), -1);
        assert_eq!(int("0b1010"), 10);
        assert_eq!(int("-9223372036854775808"), i64::MIN);
        assert_eq!(number("9223372036854775808"), Some(Number::Float(9_223_372_036_854_775_808.0)));
        assert_eq!(number("1."), Some(Number::Float(1.0)));
        assert_eq!(number("1e-3"), Some(Number::Float(0.001)));
        for text in ["-0x10", "0x", "0x1_0000_0000_0000_0000", "1e+"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn texts_have_their_values() {
        let text = |literal| unescape(literal, 0, true).unwrap();
        assert_eq!(text(r#""a\tb\x41\u20ac\U0001F600\"\\""#), "a\tbA€😀\"\\");
        assert_eq!(text(r#""say ""yes""""#), "say \"yes\"");
        assert_eq!(unescape("\"a \\\n     b\"", 2, true).unwrap(), "a   b");
        assert_eq!(unescape(r#""a\qb""#, 0, true), Err(EscapeFault { start: 2, end: 4 }));
        assert_eq!(unescape(r#""\ud800""#, 0, true), Err(EscapeFault { start: 1, end: 7 }));
        assert_eq!(character(r"'\''"), Some('\''));
        assert_eq!(character("'ab'"), None);
        assert_eq!(raw("##\"a\"#b\"##"), "a\"#b");
        assert_eq!(back_ticks("`\n a``b\\${c}\n`", true), " a`b${c}\n");
        assert_eq!(back_ticks("`a $", true), "a ");
    }
}
