//! Programs with something changed.

use crate::random::Random;
use sensai_scripts::syntax::parse;

/// What is put into programs: all that the language is made of.
const PIECES: [&str; 118] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "()",
    "( )",
    "#{",
    "# {",
    ";",
    ",",
    ":",
    "::",
    "=>",
    "_",
    ".",
    "?.",
    "?[",
    "??",
    "..",
    "..=",
    "...",
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "<<",
    ">>",
    "&",
    "&&",
    "|",
    "||",
    "^",
    "!",
    "==",
    "!=",
    "===",
    "<",
    "<=",
    ">",
    ">=",
    "=",
    "+=",
    "-=",
    "**=",
    "|=",
    "!in",
    "in",
    "as",
    "break",
    "catch",
    "const",
    "continue",
    "do",
    "else",
    "export",
    "false",
    "fn",
    "for",
    "if",
    "import",
    "let",
    "loop",
    "private",
    "return",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "until",
    "while",
    "print",
    "call",
    "var",
    "Fn",
    "a",
    "b",
    "x1",
    "__",
    "_1",
    "0",
    "1",
    "-1",
    "1.5",
    "1.",
    "0x",
    "0xff",
    "-0x1",
    "1e",
    "1e+",
    "99999999999999999999",
    "\"t\"",
    "\"",
    "\"\\q\"",
    "\"\\\n\"",
    "'a'",
    "'",
    "'ab'",
    "`t`",
    "`",
    "`a${b}c`",
    "${",
    "#\"r\"#",
    "#\"",
    "##",
    "#!",
    "/*",
    "*/",
    "//",
    "///",
    "++",
    "->",
    "@",
    "ä",
];

/// One to three changes.
pub fn mutant(random: &mut Random, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(3) {
        text = change(random, &text);
    }
    text
}

fn change(random: &mut Random, text: &str) -> String {
    let tokens = tokens(text);
    if tokens.is_empty() {
        return PIECES[random.below(PIECES.len())].to_owned();
    }
    let (start, end) = tokens[random.below(tokens.len())];
    let piece = PIECES[random.below(PIECES.len())];
    let blank = random.of(&["", " ", "\n"]);
    match random.below(9) {
        0 | 1 => format!("{}{}", &text[..start], &text[end..]),
        2 => format!("{}{piece}{}", &text[..start], &text[end..]),
        3 => format!("{}{blank}{piece}{blank}{}", &text[..start], &text[start..]),
        4 => format!("{}{blank}{}", &text[..end], &text[start..]),
        5 => {
            // Two tokens change places.
            let (other_start, other_end) = tokens[random.below(tokens.len())];
            let (first, second) = if start <= other_start {
                ((start, end), (other_start, other_end))
            } else {
                ((other_start, other_end), (start, end))
            };
            if first.1 > second.0 {
                return text.to_owned();
            }
            format!(
                "{}{}{}{}{}",
                &text[..first.0],
                &text[second.0..second.1],
                &text[first.1..second.0],
                &text[first.0..first.1],
                &text[second.1..]
            )
        }
        6 => text[..place(random, text)].to_owned(),
        7 => {
            // One character.
            let place = place(random, text);
            let next = text[place..].chars().next().map_or(0, char::len_utf8);
            let character = random
                .of(&["", "\"", "`", "{", "}", "(", ".", "0", "e", "\n", "/", "*", "\\", "$", "'", "#"]);
            format!("{}{character}{}", &text[..place], &text[place + next..])
        }
        _ => format!("{}{}", &text[..start], &text[place(random, text).max(start)..]),
    }
}

/// Between two characters.
fn place(random: &mut Random, text: &str) -> usize {
    let mut place = random.below(text.len() + 1);
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

/// Where the tokens stand.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let tokens = parse(text).syntax().descendants_with_tokens().filter_map(|element| element.into_token());
    tokens
        .filter(|token| !token.kind().is_trivia())
        .map(|token| (token.text_range().start().into(), token.text_range().end().into()))
        .collect()
}
