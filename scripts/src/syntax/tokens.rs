//! The tokens of a text, for whoever needs no tree.

use super::{SyntaxKind, lexer};

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub kind: SyntaxKind,
    /// Its first byte.
    pub start: u32,
    /// Behind its last byte.
    pub end: u32,
}

/// All of a text of less than 4 GiB, blanks and comments too.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let lexed = lexer::lex(text).tokens;
    let ends = lexed.iter().skip(1).map(|next| next.start);
    lexed.iter().zip(ends).map(|(token, end)| Token { kind: token.kind, start: token.start, end }).collect()
}

impl Token {
    /// How it is written.
    pub fn text(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    #[test]
    fn they_are_those_of_the_tree() {
        for text in [
            "",
            "fn f(a) { `x ${a + 1} y` } // end",
            "let ä = \"\u{0}",
            "/* a /* b",
            "fn f( {\n\tlet x = -1.5e;\n",
        ] {
            let tree: Vec<(SyntaxKind, String)> = parse(text)
                .syntax()
                .descendants_with_tokens()
                .filter_map(|element| element.into_token())
                .map(|token| (token.kind(), token.text().to_owned()))
                .collect();
            let found: Vec<_> =
                tokens(text).iter().map(|token| (token.kind, token.text(text).to_owned())).collect();
            assert_eq!(found, tree, "{text:?}");
        }
    }
}
