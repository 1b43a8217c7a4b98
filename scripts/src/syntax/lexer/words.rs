//! Words and signs: what there is, and what is reserved.

use super::{Lexer, SyntaxKind, SyntaxKind as K};

/// Words that no name may be. Those in [`CALLABLE`] may be called.
const RESERVED: [&str; 36] = [
    "Fn",
    "async",
    "await",
    "call",
    "case",
    "curry",
    "debug",
    "default",
    "eval",
    "go",
    "goto",
    "is",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "match",
    "module",
    "new",
    "nil",
    "null",
    "package",
    "print",
    "protected",
    "public",
    "shared",
    "spawn",
    "static",
    "super",
    "sync",
    "thread",
    "type_of",
    "use",
    "var",
    "void",
    "with",
    "yield",
];

/// Reserved words that may be called as a function.
const CALLABLE: [&str; 10] =
    ["Fn", "call", "curry", "debug", "eval", "is_def_fn", "is_def_var", "is_shared", "print", "type_of"];

/// Reserved words that may be called as a method.
const METHODS: [&str; 4] = ["call", "curry", "is_shared", "type_of"];

/// May this reserved word be called as a function?
pub(in crate::syntax) fn is_callable(word: &str) -> bool {
    CALLABLE.contains(&word)
}

/// May this reserved word be called as a method?
pub(in crate::syntax) fn is_method(word: &str) -> bool {
    METHODS.contains(&word)
}

/// Is a reserved sign one that Rhai takes for a slip, and for no operator?
pub(in crate::syntax) fn is_mistaken(symbol: &str) -> bool {
    matches!(symbol, "===" | "!==" | "->" | "<-" | ":=" | ":;" | "::<" | "(*" | "*)" | "# {")
}

/// Is it a name that a function could have?
pub(in crate::syntax) fn is_name(word: &str) -> bool {
    let mut letters = word.chars().skip_while(|&c| c == '_');
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && SyntaxKind::keyword(word).is_none()
        && !RESERVED.contains(&word)
}

/// A reserved sign that the text begins with, as long as it is, and what to write instead.
pub(super) fn reserved_symbol(text: &str) -> Option<(&'static str, &'static str)> {
    const SYMBOLS: [(&str, &str); 23] = [
        ("===", "compare with `==`"),
        ("!==", "compare with `!=`"),
        ("...", "a range is `a..b`, or `a..=b` with its end"),
        ("::<", "functions have no type arguments"),
        ("# {", "a record begins with `#{`, without a blank between"),
        ("# ", "a record begins with `#{`"),
        ("#!", "a program begins with its first statement or function"),
        ("++", "write `+= 1`, or put a blank between two signs"),
        ("--", "write `-= 1`, or put a blank between two signs"),
        ("->", "a function says no type for its result; a case of a `switch` has `=>`"),
        ("<-", "compare with `<=`, or put a blank between `<` and the sign"),
        (":=", "assign with `=`"),
        (":;", "the parts of a path are joined with `::`"),
        ("(*", "comments are `// …` and `/* … */`"),
        ("*)", "comments are `// …` and `/* … */`"),
        ("<|", "call functions as `name(argument)`"),
        ("|>", "call functions as `name(argument)`"),
        ("!.", "take the `!` away"),
        ("#", "a record begins with `#{`"),
        ("~", "the bits of `a` are inverted by `a ^ -1`"),
        ("@", "take it away"),
        ("$", "in a text in back-ticks, `${a}` puts in a value"),
        ("?", "write `if a { b } else { c }` for a choice"),
    ];
    // `?` and `#` begin other signs too.
    if text.starts_with("??") || text.starts_with("?.") || text.starts_with("?[") || text.starts_with("#{") {
        return None;
    }
    SYMBOLS.into_iter().find(|(spelling, _)| text.starts_with(spelling))
}

/// The longest sign that the text begins with.
pub(super) fn symbol(text: &str) -> Option<SyntaxKind> {
    let longest = text.char_indices().nth(3).map_or(text.len(), |(end, _)| end);
    (1..=longest)
        .rev()
        .find_map(|len| SyntaxKind::symbol(text.get(..len)?))
        // `!in` is a sign only as a whole word: `!input` negates.
        .map(|kind| match kind {
            K::NotIn if text[3..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') => K::Bang,
            kind => kind,
        })
}

impl Lexer<'_> {
    /// A keyword, a reserved word or a name, whose first character is read.
    pub(super) fn word(&mut self, start: usize) -> SyntaxKind {
        self.eat_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let word = &self.text[start..self.position];
        if word == "_" {
            return K::Underscore;
        }
        if let Some(keyword) = SyntaxKind::keyword(word) {
            return keyword;
        }
        if RESERVED.contains(&word) {
            return K::ReservedWord;
        }
        if !word.trim_start_matches('_').starts_with(|c: char| c.is_ascii_alphabetic()) {
            let message = format!("`{word}` is no name");
            self.error(start, message, "a name has a letter before its first digit: `a`, `_a1`");
            return K::ErrorToken;
        }
        K::Ident
    }
}
