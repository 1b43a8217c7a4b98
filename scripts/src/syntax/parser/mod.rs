//! From tokens to a tree: recursive descent for statements, operator precedence for expressions.
//!
//! Each rule eats what belongs to it and never fails: where something is missing, that is noted, and the rule goes on as
//! if it were there, or leaves the rest to the rule around it. At one token only the first error is kept.

mod expressions;
mod habits;
mod items;
mod operands;
mod recovery;
mod statements;
mod switch;

use recovery::Lines;

use super::{
    NESTING_MAX, SyntaxError, SyntaxKind, SyntaxKind as K,
    kind::Language,
    lexer::Token,
    reuse::{Read, Reuse},
};
use rowan::{
    Checkpoint, GreenNode, GreenNodeBuilder, GreenToken, Language as _, NodeOrToken, TextRange, TextSize,
};

/// A tree, the errors in it, and how many nodes were finished when each was noticed: those in front of it in the order
/// in which children come before their parents.
pub(super) struct Parsed {
    pub green: GreenNode,
    pub errors: Vec<SyntaxError>,
    pub finished_at_errors: Vec<u32>,
    /// Functions at the top level without an error, in their order.
    pub read: Vec<Read>,
}

/// Parses; functions that stand in `reuse` are taken from there.
pub(super) fn parse(text: &str, tokens: &[Token], reuse: Option<&Reuse<'_>>) -> Parsed {
    let mut parser = Parser::new(text, tokens);
    let green = parser.source_file(reuse);
    Parsed { green, errors: parser.errors, finished_at_errors: parser.finished_at_errors, read: parser.read }
}

/// What is allowed where the parser is.
#[derive(Clone, Copy)]
struct Context {
    /// In a function or closure: `this` means something.
    function: bool,
    /// In a loop of this function: it can be left.
    breakable: bool,
    /// Not in a block: functions and exports may stand here.
    global: bool,
    /// Not in the values of a case: `|` is an operator.
    pipes: bool,
    /// In a case of a `switch`.
    case: bool,
}

impl Context {
    /// At the top level.
    const FILE: Self = Self { function: false, breakable: false, global: true, pipes: true, case: false };
    /// In a function or closure.
    const FUNCTION: Self = Self { function: true, global: false, ..Self::FILE };
}

struct Parser<'t> {
    text: &'t str,
    tokens: &'t [Token],
    /// The tokens that are not trivia, and the end.
    significant: Vec<u32>,
    /// The next one of those.
    position: usize,
    /// The next token that is not in the tree yet.
    emitted: usize,
    /// Of what is at hand at the top level.
    builder: GreenNodeBuilder<'static>,
    /// The top level before that.
    top: Vec<NodeOrToken<GreenNode, GreenToken>>,
    read: Vec<Read>,
    errors: Vec<SyntaxError>,
    /// How many nodes were finished when each error was noticed.
    finished_at_errors: Vec<u32>,
    finished: u32,
    context: Context,
    depth: usize,
    /// That is already said of the function or statement at the top level.
    is_too_deep: bool,
    /// Something in the function at the top level is an error or none, as there was one before it.
    is_forgiven: bool,
    /// What was done: tokens and characters that were looked at.
    #[cfg(test)]
    steps: std::cell::Cell<usize>,
    /// The closing brackets that are waited for; a `{` for a block, in which those around it do not count.
    closers: Vec<SyntaxKind>,
    /// Where in the function or statement at the top level a `}` is missing, as far as the indentation tells.
    dedent: Option<u32>,
    lines: Lines,
    /// The indentation of the function or statement at the top level that the parser is in.
    item_indent: u32,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, tokens: &'t [Token]) -> Self {
        let significant =
            (0..).zip(tokens).filter(|(_, token)| !token.kind.is_trivia()).map(|(index, _)| index);
        Self {
            text,
            tokens,
            significant: significant.collect(),
            position: 0,
            emitted: 0,
            builder: GreenNodeBuilder::new(),
            top: Vec::new(),
            read: Vec::new(),
            errors: Vec::new(),
            finished_at_errors: Vec::new(),
            finished: 0,
            context: Context::FILE,
            depth: 0,
            is_too_deep: false,
            is_forgiven: false,
            #[cfg(test)]
            steps: std::cell::Cell::new(0),
            closers: Vec::new(),
            dedent: None,
            lines: Lines::new(text),
            item_indent: 0,
        }
    }

    /// The token that is `n` behind the next one.
    fn token(&self, n: usize) -> Token {
        #[cfg(test)]
        self.steps.set(self.steps.get() + 1);
        let end = Token { kind: K::Eof, start: self.text.len() as u32 };
        let index = self.significant.get(self.position + n);
        index.and_then(|&index| self.tokens.get(index as usize)).copied().unwrap_or(end)
    }

    fn nth(&self, n: usize) -> SyntaxKind {
        self.token(n).kind
    }

    fn current(&self) -> SyntaxKind {
        self.nth(0)
    }

    fn at(&self, kind: SyntaxKind) -> bool {
        self.current() == kind
    }

    /// Where the next token starts.
    fn start(&self) -> u32 {
        self.token(0).start
    }

    /// Where the token `n` behind the next one ends.
    fn end_of(&self, n: usize) -> u32 {
        let index = self.significant.get(self.position + n).map_or(usize::MAX, |&index| index as usize);
        self.tokens.get(index.saturating_add(1)).map_or(self.text.len() as u32, |token| token.start)
    }

    /// Where the last token that was eaten ends.
    fn end_of_last(&self) -> u32 {
        let last = self.position.checked_sub(1).and_then(|last| self.significant.get(last));
        last.and_then(|&index| self.tokens.get(index as usize + 1)).map_or(0, |token| token.start)
    }

    /// The last token that was eaten.
    fn last(&self) -> Option<SyntaxKind> {
        let last = self.position.checked_sub(1).and_then(|last| self.significant.get(last));
        last.and_then(|&index| self.tokens.get(index as usize)).map(|token| token.kind)
    }

    fn slice(&self, start: u32, end: u32) -> &'t str {
        #[cfg(test)]
        self.steps.set(self.steps.get() + end.saturating_sub(start) as usize);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The text of the next token.
    fn current_text(&self) -> &'t str {
        self.slice(self.start(), self.end_of(0))
    }

    /// Does the next token begin a line, seen from the last one?
    fn on_new_line(&self) -> bool {
        self.slice(self.end_of_last(), self.start()).contains('\n')
    }

    /// Takes the next token into the tree, with the trivia before it.
    fn bump(&mut self) {
        self.trivia();
        if self.current() != K::Eof {
            self.emit();
            self.position += 1;
        }
    }

    /// Takes a token if it is the next one.
    fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    /// Takes the trivia before the next token into the tree.
    fn trivia(&mut self) {
        let next = self.significant.get(self.position).map_or(self.tokens.len(), |&next| next as usize);
        while self.emitted < next.min(self.tokens.len()) {
            self.emit();
        }
    }

    fn emit(&mut self) {
        let Some(token) = self.tokens.get(self.emitted) else { return };
        let end = self.tokens.get(self.emitted + 1).map_or(self.text.len() as u32, |next| next.start);
        if token.kind != K::Eof {
            self.builder.token(Language::kind_to_raw(token.kind), self.slice(token.start, end));
        }
        self.emitted += 1;
    }

    /// A place where a node may be begun later.
    fn checkpoint(&mut self) -> Checkpoint {
        self.trivia();
        self.builder.checkpoint()
    }

    /// Begins a node here.
    fn open(&mut self, kind: SyntaxKind) {
        self.trivia();
        self.builder.start_node(Language::kind_to_raw(kind));
    }

    /// Ends the node that was begun last.
    fn close(&mut self) {
        self.builder.finish_node();
        self.finished += 1;
    }

    /// Makes all since a place a node.
    fn wrap(&mut self, checkpoint: Checkpoint, kind: SyntaxKind) {
        self.builder.start_node_at(checkpoint, Language::kind_to_raw(kind));
        self.close();
    }

    /// Makes what a rule eats a node, if that is anything: no node is empty.
    fn node_if_any(&mut self, kind: SyntaxKind, rule: impl FnOnce(&mut Self)) {
        let start = self.checkpoint();
        let position = self.position;
        rule(self);
        if self.position > position {
            self.wrap(start, kind);
        }
    }

    /// Runs a rule one level deeper, unless that is too deep.
    fn deeper<T: Default>(&mut self, rule: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= NESTING_MAX {
            self.too_deep();
            return T::default();
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// Runs a rule in another context.
    fn within<T>(&mut self, context: Context, rule: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.context, context);
        let result = rule(self);
        self.context = outer;
        result
    }

    /// Runs a rule that ends at a closing bracket.
    fn until<T>(&mut self, closer: SyntaxKind, rule: impl FnOnce(&mut Self) -> T) -> T {
        self.closers.push(closer);
        let result = rule(self);
        self.closers.pop();
        result
    }

    /// Notes an error about a range, noticed at the next token.
    fn error_about(&mut self, range: TextRange, message: String, help: &str) {
        let at = TextSize::new(self.start());
        if self.errors.last().is_none_or(|last| last.at < at) {
            self.errors.push(SyntaxError::new(range, at, message, help));
            self.finished_at_errors.push(self.finished);
        }
    }

    /// Notes that something else was expected than the next token.
    fn expected(&mut self, what: &str, help: &str) {
        let message = format!("expected {what}, found {}", self.found());
        let range = range(self.start(), self.end_of(0));
        self.error_about(range, message, help);
    }

    /// Notes that something is missing before the next token, which may be on a later line.
    fn missing(&mut self, what: &str, help: &str) {
        let help = self.foreign_operator().unwrap_or(help);
        let message = format!("expected {what}, found {}", self.found());
        let end = self.end_of_last();
        let range = if self.at(K::Eof) || self.on_new_line() {
            range(end, end)
        } else {
            range(self.start(), self.end_of(0))
        };
        self.error_about(range, message, help);
    }

    /// What the next token is, in words.
    fn found(&self) -> String {
        match self.current() {
            K::Eof => "the end of the text".into(),
            K::String | K::RawString | K::Text | K::TextStart => "a text".into(),
            K::Char => "a character".into(),
            _ => {
                let text = self.current_text();
                let short = text.char_indices().nth(24).map_or(text, |(end, _)| &text[..end]);
                format!("`{short}`")
            }
        }
    }
}

fn range(start: u32, end: u32) -> TextRange {
    TextRange::new(TextSize::new(start), TextSize::new(end.max(start)))
}

#[cfg(test)]
mod tests {
    use super::{super::lexer, Parser};

    fn steps(text: &str) -> usize {
        let lexed = lexer::lex(text);
        let mut parser = Parser::new(text, &lexed.tokens);
        parser.source_file(None);
        parser.steps.get()
    }

    /// Good texts and bad ones: what is done for one of twice the length is twice as much.
    #[test]
    fn the_work_grows_with_the_length() {
        let parts = [
            "const A = 1;\n",
            "fn f(a, b) { if a { b.c(1, 2) } else { [1, #{ a: 2 }] } }\n",
            "/// text\n// more\n",
            "fn f() {\n",
            "{ ",
            "}",
            "( ",
            ") ",
            "[ ",
            "] ",
            "#{ a: ",
            "`${ ",
            "switch a { 1 => ",
            "switch a { 1 ",
            "if a ",
            "else if a { } ",
            "a + ",
            "a ** ",
            "a.b",
            "a. ",
            "a[",
            "f(",
            "f(a ",
            "f(a b, ",
            "- ",
            "!",
            "|x| ",
            "|x, ",
            "let ",
            "let a ",
            "let = ",
            "x = ",
            "x: 1, ",
            "#{ a b, ",
            "1 => 2, ",
            "a b ",
            "a; ",
            "; ",
            ", ",
            ". ",
            "~ ",
            "ä ",
            "else ",
            "=> ",
            "for a ",
            "do { ",
            "try { ",
            "return ",
            "break ",
            "private ",
            "fn ",
            "fn f",
            "fn f(a b",
            "\"a\" ",
            "\"",
            "'",
            "` ",
            "/* ",
            "*/ ",
            "# ",
            "\n",
            "    \n",
            "0x ",
            "1 ",
            "\n  }\n",
            "a\n",
            "a {\n",
            "a ?? return ",
            "x.f() = 1; ",
            "switch a {\n x = 1;\n",
            "a(\n b: 1\n",
            "a, \n",
        ];
        for part in parts {
            let (once, twice) = (steps(&part.repeat(2_000)), steps(&part.repeat(4_000)));
            assert!(twice <= once * 2 + once / 20 + 2_000, "{part:?}: {once} steps, then {twice}");
            assert!(once <= 2_000 * 1_000, "{part:?}: {once} steps");
        }
    }
}
