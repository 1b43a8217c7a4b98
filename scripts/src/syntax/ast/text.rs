//! The values of tokens that are literals.

use super::{K, SyntaxToken};
use crate::syntax::literal;

/// The text of a literal that is one; `None` if an escape in it is wrong.
pub(super) fn text(token: &SyntaxToken) -> Option<String> {
    let written = token.text();
    match token.kind() {
        // Only a text over several lines depends on where it stands.
        K::String if written.contains('\n') => literal::unescape(written, column(token), true).ok(),
        K::String => literal::unescape(written, 0, true).ok(),
        K::RawString => Some(literal::raw(written)),
        K::Text | K::TextStart => Some(literal::back_ticks(written, true)),
        K::TextMiddle | K::TextEnd => Some(literal::back_ticks(written, false)),
        _ => None,
    }
}

/// The characters before a token on its line.
fn column(token: &SyntaxToken) -> usize {
    let mut column = 0;
    for before in std::iter::successors(token.prev_token(), SyntaxToken::prev_token) {
        let text = before.text();
        if let Some(end) = text.rfind('\n') {
            return column + text[end + 1..].chars().count();
        }
        column += text.chars().count();
    }
    column
}
