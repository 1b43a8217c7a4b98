//! The one style of programs.
//!
//! Only blanks between tokens change: tokens and comments stay, and so does where lines end, but for what cannot be meant
//! (two empty lines, an empty line at the start of a block, `else` on a line of its own). Lines are indented by four blanks
//! for each bracket that is open, comments behind code on lines that follow each other stand below each other.

use super::{TextEdit, bytes};
use sensai_scripts::syntax::{self, SyntaxKind as K, SyntaxToken};
use std::ops::Range;

const INDENT: usize = 4;

/// The changes that bring a part of a text into the style. None: the text is no program, and stays as it is.
pub fn format(path: &str, text: &str, within: Range<usize>) -> Option<Vec<TextEdit>> {
    let changes = changes(text)?;
    let touches = |gap: &Range<usize>| gap.start <= within.end && within.start <= gap.end;
    let changes = changes.into_iter().filter(|(gap, _)| touches(gap));
    Some(changes.map(|(gap, blanks)| TextEdit::new(path, gap, blanks)).collect())
}

/// Blanks that change, in order.
fn changes(text: &str) -> Option<Vec<(Range<usize>, String)>> {
    let parse = syntax::parse(text);
    if !parse.is_ok() {
        return None;
    }
    let tokens = tokens(&parse, text);
    let mut gaps = gaps(text, &tokens);
    align(&tokens, &mut gaps);
    let changes: Vec<(Range<usize>, String)> = gaps
        .into_iter()
        .filter(|gap| text.get(gap.range.clone()).is_some_and(|old| old != gap.blanks))
        .map(|gap| (gap.range, gap.blanks))
        .collect();
    let mut changed = text.to_owned();
    for (range, blanks) in changes.iter().rev() {
        changed.replace_range(range.clone(), blanks);
    }
    same_tokens(&parse, &changed).then_some(changes)
}

/// Formatting never changes what is written: if it would, the text stays.
fn same_tokens(before: &syntax::Parse, changed: &str) -> bool {
    let after = syntax::parse(changed);
    let of = |parse: &syntax::Parse| {
        let mut tokens: Vec<String> = Vec::new();
        for token in parse.syntax().descendants_with_tokens().filter_map(|element| element.into_token()) {
            match token.kind() {
                K::Whitespace => {}
                // Two brackets without a blank between them are one token.
                K::Unit => tokens.extend(["(".to_owned(), ")".to_owned()]),
                _ => tokens.push(token.text().to_owned()),
            }
        }
        tokens
    };
    after.is_ok() && of(before) == of(&after)
}

/// A token that is no blank.
pub(super) struct Token {
    pub(super) token: SyntaxToken,
    pub(super) range: Range<usize>,
    parent: Option<K>,
    /// Inside of a text with `${ }`, or on a line where a text begins that goes on in the next: what stands around it stays.
    pub(super) fixed: bool,
}

impl Token {
    pub(super) fn kind(&self) -> K {
        self.token.kind()
    }

    fn is_comment(&self) -> bool {
        matches!(self.kind(), K::Comment | K::DocComment)
    }

    fn is_line_comment(&self) -> bool {
        self.is_comment() && self.token.text().starts_with("//")
    }

    fn opens(&self) -> bool {
        let pipes = self.kind() == K::Unit;
        !pipes
            && matches!(self.kind(), K::LBrace | K::MapStart | K::LParen | K::LBracket | K::QuestionBracket)
    }

    fn closes(&self) -> bool {
        matches!(self.kind(), K::RBrace | K::RParen | K::RBracket)
    }
}

/// All tokens but blanks, in order.
pub(super) fn tokens(parse: &syntax::Parse, text: &str) -> Vec<Token> {
    let all = parse.syntax().descendants_with_tokens().filter_map(|element| element.into_token());
    let mut tokens: Vec<Token> = all
        .filter(|token| token.kind() != K::Whitespace)
        .map(|token| {
            let inside = token.parent_ancestors().any(|node| node.kind() == K::InterpolatedText);
            Token {
                range: bytes(token.text_range()),
                parent: token.parent().map(|node| node.kind()),
                fixed: inside && !matches!(token.kind(), K::TextStart),
                token,
            }
        })
        .collect();
    // The value of a text over several lines depends on the column in which it begins.
    let lines: Vec<usize> = tokens
        .iter()
        .filter(|token| token.kind() == K::String && token.token.text().contains('\n'))
        .map(|token| line_start(text, token.range.start))
        .collect();
    for token in &mut tokens {
        token.fixed |= lines.contains(&line_start(text, token.range.start));
    }
    tokens
}

/// Where the line of a byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Blanks before a token; the last one is at the end of the text.
struct Gap {
    range: Range<usize>,
    blanks: String,
}

/// An open bracket.
struct Open {
    /// Levels of the line that it stands in.
    outer: usize,
    /// Levels of the lines in it.
    inner: usize,
    /// Number of its line.
    line: usize,
}

/// Brackets that are open, line by line.
#[derive(Default)]
struct Layout {
    open: Vec<Open>,
    /// Number of the line at hand.
    line: usize,
    /// Its levels.
    levels: usize,
}

impl Layout {
    /// A line begins with a token.
    fn break_line(&mut self, before: Option<&Token>, token: Option<&Token>) {
        self.line += 1;
        self.levels = indentation(&self.open, before, token);
    }

    /// A token has passed.
    fn pass(&mut self, token: &Token) {
        if token.closes() {
            self.open.pop();
        } else if token.opens() {
            // Brackets that open on one line indent what is in them once.
            let inner = match self.open.last() {
                Some(last) if last.line == self.line => last.inner,
                _ => self.levels + 1,
            };
            self.open.push(Open { outer: self.levels, inner, line: self.line });
        }
        self.line += token.token.text().matches('\n').count();
    }
}

/// True if a token that so many lines end before begins a line.
fn breaks(lines: usize, before: Option<&Token>, token: &Token) -> bool {
    match before {
        None => false,
        Some(before) if token.fixed => lines > 0 && !before.fixed,
        Some(before) => lines > 0 && !joins(before, token),
    }
}

/// Blanks that a line begins with behind the first tokens of a text; `token`: the first one of the line. None: those that
/// there are stay.
pub(super) fn indented(text: &str, behind: &[Token], token: Option<&Token>) -> Option<String> {
    let mut layout = Layout::default();
    let mut before: Option<&Token> = None;
    for token in behind {
        let blanks = text.get(before.map_or(0, |before| before.range.end)..token.range.start)?;
        if breaks(blanks.matches('\n').count(), before, token) {
            layout.break_line(before, Some(token));
        }
        layout.pass(token);
        before = Some(token);
    }
    if token.is_some_and(|token| token.fixed || !breaks(1, before, token)) {
        return None;
    }
    layout.break_line(before, token);
    Some(" ".repeat(layout.levels * INDENT))
}

fn gaps(text: &str, tokens: &[Token]) -> Vec<Gap> {
    let mut gaps = Vec::with_capacity(tokens.len() + 1);
    let mut layout = Layout::default();
    let mut at = 0;
    let mut before: Option<&Token> = None;
    for token in tokens {
        let range = at..token.range.start;
        let old = text.get(range.clone()).unwrap_or_default();
        let lines = old.matches('\n').count();
        let breaks = breaks(lines, before, token);
        if breaks {
            layout.break_line(before, Some(token));
        }
        let blanks = match before {
            None => String::new(),
            Some(_) if token.fixed => old.to_owned(),
            Some(before) if breaks => {
                let empty = lines > 1 && !before.opens() && !token.closes();
                let newlines = if empty { "\n\n" } else { "\n" };
                format!("{newlines}{}", " ".repeat(layout.levels * INDENT))
            }
            Some(before) if keeps(before, token) => old.to_owned(),
            Some(before) => if spaced(before, token) { " " } else { "" }.to_owned(),
        };
        gaps.push(Gap { range, blanks });
        layout.pass(token);
        at = token.range.end;
        before = Some(token);
    }
    let blanks = if tokens.is_empty() { String::new() } else { "\n".to_owned() };
    gaps.push(Gap { range: at..text.len(), blanks });
    gaps
}

/// A line break there is none: `}` and the `else` behind it belong together.
fn joins(before: &Token, token: &Token) -> bool {
    let of_loop = token.parent == Some(K::DoExpr) && matches!(token.kind(), K::WhileKw | K::UntilKw);
    before.kind() == K::RBrace && (of_loop || matches!(token.kind(), K::ElseKw | K::CatchKw))
}

fn indentation(open: &[Open], before: Option<&Token>, token: Option<&Token>) -> usize {
    if token.is_some_and(Token::closes) {
        return open.last().map_or(0, |open| open.outer);
    }
    let inner = open.last().map_or(0, |open| open.inner);
    let goes_on = match before {
        Some(before) if before.is_comment() => false,
        Some(before) => {
            is_operator(before) || matches!(before.kind(), K::Arrow | K::Eq) || before.kind().is_assignment()
        }
        None => false,
    };
    let continues =
        token.is_some_and(|token| is_operator(token) || matches!(token.kind(), K::Dot | K::QuestionDot));
    inner + usize::from(goes_on || continues)
}

/// An operator between two operands.
fn is_operator(token: &Token) -> bool {
    token.kind().precedence().is_some() && matches!(token.parent, Some(K::BinaryExpr | K::RangeExpr))
}

/// Where a blank more or less could make other tokens.
fn keeps(before: &Token, token: &Token) -> bool {
    let sign = |kind: K| matches!(kind, K::Minus | K::Plus | K::Bang);
    let range = |kind: K| matches!(kind, K::DotDot | K::DotDotEq);
    let number = |kind: K| matches!(kind, K::Int | K::Float);
    let signed = token.token.text().starts_with(['-', '+', '!']);
    let prefix = before.parent == Some(K::PrefixExpr) && sign(before.kind());
    let point = before.token.text().ends_with('.');
    (prefix && (signed || number(token.kind())))
        || (number(before.kind()) && (token.kind() == K::Dot || point && range(token.kind())))
        || (range(before.kind()) && (signed || token.token.text().starts_with('.')))
}

fn spaced(before: &Token, token: &Token) -> bool {
    let list = |token: &Token| matches!(token.parent, Some(K::ArgList | K::ParamList));
    let call = |token: &Token| matches!(token.parent, Some(K::CallExpr | K::MethodCallExpr));
    match (before.kind(), token.kind()) {
        _ if before.is_comment() || token.is_comment() => true,
        (_, K::Comma | K::Semicolon | K::RParen | K::RBracket) => false,
        (K::Dot | K::QuestionDot | K::DoubleColon, _) | (_, K::Dot | K::QuestionDot | K::DoubleColon) => {
            false
        }
        (K::LParen | K::LBracket | K::QuestionBracket, _) | (_, K::QuestionBracket) => false,
        (_, K::LBracket) if token.parent == Some(K::IndexExpr) => false,
        (_, K::LParen | K::Unit) if list(token) => false,
        (_, K::Bang) if call(token) => false,
        (K::Bang, _) if call(before) => false,
        (K::Bang | K::Minus | K::Plus, _) if before.parent == Some(K::PrefixExpr) => false,
        (K::DotDot | K::DotDotEq, _) | (_, K::DotDot | K::DotDotEq) => false,
        (_, K::Colon) => false,
        (K::LBrace | K::MapStart, K::RBrace) => false,
        // Of the two bars of a closure: none behind the first, none before the second.
        (K::Pipe, _) if before.parent == Some(K::ParamList) && is_first(before) => false,
        (_, K::Pipe) if token.parent == Some(K::ParamList) && !is_first(token) => false,
        _ => true,
    }
}

fn is_first(token: &Token) -> bool {
    token.token.parent().is_some_and(|node| node.first_token().as_ref() == Some(&token.token))
}

/// Comments behind code on lines that follow each other begin in one column.
fn align(tokens: &[Token], gaps: &mut [Gap]) {
    // Width of the code, and the number of the gap before its comment.
    let mut group: Vec<(usize, usize)> = Vec::new();
    let mut width = 0;
    for (index, token) in tokens.iter().enumerate() {
        let Some(gap) = gaps.get(index) else { break };
        let newlines = gap.blanks.matches('\n').count();
        let starts = index == 0 || newlines > 0;
        if starts {
            let last_is_comment = index > 0 && tokens.get(index - 1).is_some_and(Token::is_line_comment);
            let last_is_grouped = group.last().is_some_and(|(_, last)| *last + 1 == index);
            if newlines > 1 || !(last_is_comment && last_is_grouped) {
                flush(&mut group, gaps);
            }
            width = gaps.get(index).map_or(0, |gap| gap.blanks.len() - newlines.min(gap.blanks.len()));
        }
        let trailing = token.is_line_comment() && !starts;
        if trailing && !token.fixed {
            group.push((width, index));
            continue;
        }
        if !starts {
            width += gaps.get(index).map_or(0, |gap| gap.blanks.chars().count());
        }
        let text = token.token.text();
        width = match text.rfind('\n') {
            Some(newline) => text.get(newline + 1..).map_or(0, |last| last.chars().count()),
            None => width + text.chars().count(),
        };
    }
    flush(&mut group, gaps);
}

fn flush(group: &mut Vec<(usize, usize)>, gaps: &mut [Gap]) {
    let column = group.iter().map(|(width, _)| *width).max().unwrap_or(0) + 2;
    for (width, index) in group.drain(..) {
        if let Some(gap) = gaps.get_mut(index) {
            gap.blanks = " ".repeat(column - width);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::analysis::apply;

    /// A text in the style, or none if it is no program.
    pub fn formatted(text: &str) -> Option<String> {
        let edits = format("p", text, 0..text.len())?;
        let changed = apply(text, &edits);
        assert_eq!(changes(&changed), Some(Vec::new()), "formatting again changes nothing:\n{changed}");
        Some(changed)
    }

    #[test]
    fn blanks_are_as_they_are_meant() {
        let cases = [
            ("fn  f( a,b ){a+b*-c}", "fn f(a, b) { a + b * -c }\n"),
            ("fn f(){}", "fn f() {}\n"),
            ("fn f() { [1,2 , 3] [ 0 ] ; #{a:1,b : 2} }", "fn f() { [1, 2, 3][0]; #{ a: 1, b: 2 } }\n"),
            ("fn f() { if  !a{ b( ) }\n\n else{c} }", "fn f() { if !a { b() } else { c } }\n"),
            (
                "fn f() { for i in 0 .. 3{} for(a,i)in b{} }",
                "fn f() { for i in 0..3 {} for (a, i) in b {} }\n",
            ),
            ("fn f() { switch a{1|2=>b,_=>c} }", "fn f() { switch a { 1 | 2 => b, _ => c } }\n"),
            ("fn f() { this . a . run ( io.x,1.0 ) ;x=- 1 }", "fn f() { this.a.run(io.x, 1.0); x = - 1 }\n"),
            ("fn f() { `a${ b }c` }", "fn f() { `a${ b }c` }\n"),
            ("import  \"a\"as a ;", "import \"a\" as a;\n"),
            ("", ""),
            ("\n\n// a\n\n\n\n// b", "// a\n\n// b\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(formatted(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(formatted("fn f( {"), None, "what is no program stays as it is");
    }

    #[test]
    fn lines_are_indented_by_their_brackets() {
        let text = "fn init() {\n#{\nstep: \"a\",\n  t: TON(),\n}\n}\n\nfn f() {\n\n  this.g(a,\n b);\n  let x = a\n+ b;\n switch x {\n1 => {\n y();\n}\n2 =>\nz(),\n}\n  g(#{\n a: 1 })\n\n}\n";
        let expected = "fn init() {\n    #{\n        step: \"a\",\n        t: TON(),\n    }\n}\n\nfn f() {\n    this.g(a,\n        b);\n    let x = a\n        + b;\n    switch x {\n        1 => {\n            y();\n        }\n        2 =>\n            z(),\n    }\n    g(#{\n        a: 1 })\n}\n";
        assert_eq!(formatted(text).as_deref(), Some(expected));
    }

    #[test]
    fn comments_stay_and_stand_below_each_other() {
        let text = "const A = 1; // one\nconst LONG = 2;// two\n\nconst B = 3;     // three\nfn f() {\n// in it\n a(); /* here */ b();\n}\n// end";
        let expected = "const A = 1;     // one\nconst LONG = 2;  // two\n\nconst B = 3;  // three\nfn f() {\n    // in it\n    a(); /* here */ b();\n}\n// end\n";
        assert_eq!(formatted(text).as_deref(), Some(expected));
    }

    #[test]
    fn a_part_is_formatted_alone() {
        let text = "fn f(){a+b}\nfn g(){a+b}\n";
        let edits = format("p", text, 12..23).unwrap();
        assert_eq!(apply(text, &edits), "fn f(){a+b}\nfn g() { a + b }\n");
    }

    #[test]
    fn a_text_over_lines_keeps_its_column() {
        let text = "fn f() {\n  x = \"a \\\n     b\";\n  y = 1;\n}\n";
        assert_eq!(formatted(text).as_deref(), Some("fn f() {\n  x = \"a \\\n     b\";\n    y = 1;\n}\n"));
    }
}
