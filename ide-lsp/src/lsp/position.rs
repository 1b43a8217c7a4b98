//! Lines and columns as the editor counts them, and bytes.

use lsp_types::{Position, Range};
use std::{borrow::Cow, ops};

/// In what columns are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// What is not said.
    #[default]
    Utf16,
}

/// Where the lines of a text start. Lines end in `\n`, `\r\n` or `\r`.
#[derive(Clone, Debug)]
pub struct Lines<'t> {
    text: Cow<'t, str>,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    /// Of a text.
    pub fn new(text: impl Into<Cow<'t, str>>, encoding: Encoding) -> Self {
        let text = text.into();
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts, encoding }
    }

    /// The line's text without its end.
    fn line(&self, line: usize) -> Option<(usize, &str)> {
        let start = *self.starts.get(line)?;
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        Some((start, self.text.get(start..end)?.trim_end_matches(['\n', '\r'])))
    }

    /// Line and column of a byte. One inside a character counts as its start, one beyond the text as its end.
    pub fn position(&self, byte: usize) -> Position {
        let byte = self.text.floor_char_boundary(byte.min(self.text.len()));
        let line = self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let (start, text) = self.line(line).unwrap_or((0, ""));
        // Between the two bytes of a line end is still the end of the line.
        let before = text.get(..(byte - start).min(text.len())).unwrap_or(text);
        let column = match self.encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        Position::new(number(line), number(column))
    }

    /// The byte of a line and column; the end of the line, or of the text, if that is shorter.
    pub fn byte(&self, position: Position) -> usize {
        let Some((start, line)) = self.line(position.line as usize) else { return self.text.len() };
        let wanted = position.character as usize;
        let within = match self.encoding {
            Encoding::Utf8 => line.floor_char_boundary(wanted.min(line.len())),
            Encoding::Utf16 => {
                let mut units = 0;
                let at = line.char_indices().find(|(_, c)| {
                    units += c.len_utf16();
                    units > wanted
                });
                at.map_or(line.len(), |(at, _)| at)
            }
        };
        start + within
    }

    /// A range of bytes.
    pub fn range(&self, range: ops::Range<usize>) -> Range {
        Range::new(self.position(range.start), self.position(range.end.max(range.start)))
    }

    /// Bytes of a range.
    pub fn bytes(&self, range: Range) -> ops::Range<usize> {
        let (start, end) = (self.byte(range.start), self.byte(range.end));
        start.min(end)..start.max(end)
    }

    /// Columns between two bytes of a line.
    pub fn width(&self, range: ops::Range<usize>) -> u32 {
        let text = self.text.get(range).unwrap_or_default();
        number(match self.encoding {
            Encoding::Utf8 => text.len(),
            Encoding::Utf16 => text.encode_utf16().count(),
        })
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str, byte: usize) -> (u32, u32) {
        let position = Lines::new(text, Encoding::Utf16).position(byte);
        (position.line, position.character)
    }

    #[test]
    fn columns_count_utf16_units() {
        let text = "aé😀b\nzwei";
        let expected =
            [(0, 0), (0, 1), (0, 1), (0, 2), (0, 2), (0, 2), (0, 2), (0, 4), (0, 5), (1, 0), (1, 1)];
        for (byte, expected) in expected.into_iter().enumerate() {
            assert_eq!(at(text, byte), expected, "byte {byte}");
        }
        assert_eq!(at(text, 1000), (1, 4));
        assert_eq!(at("", 0), (0, 0));
        assert_eq!(Lines::new(text, Encoding::Utf8).position(7), Position::new(0, 7));
    }

    #[test]
    fn all_three_line_ends() {
        let text = "a\r\nb\rc\nd";
        let expected = [(0, 0), (0, 1), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)];
        for (byte, expected) in expected.into_iter().enumerate() {
            assert_eq!(at(text, byte), expected, "byte {byte}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(text in "[ab\u{e9}\u{1f600}\n\r]{0,40}", byte in 0_usize..120) {
            for encoding in [Encoding::Utf8, Encoding::Utf16] {
                let lines = Lines::new(&text, encoding);
                let position = lines.position(byte);
                let back = lines.byte(position);
                prop_assert!(text.is_char_boundary(back));
                prop_assert_eq!(lines.position(back), position);
            }
        }

        #[test]
        fn any_position_is_somewhere(text in "[a\u{1f600}\n]{0,20}", line in 0_u32..30, column in 0_u32..30) {
            for encoding in [Encoding::Utf8, Encoding::Utf16] {
                let byte = Lines::new(&text, encoding).byte(Position::new(line, column));
                prop_assert!(text.is_char_boundary(byte));
            }
        }
    }
}
