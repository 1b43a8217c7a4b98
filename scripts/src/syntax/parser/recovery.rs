//! Going on after an error.

use super::{K, Parser, SyntaxKind};

/// Where the lines of a text start, and how far they are indented.
pub(super) struct Lines(Vec<(u32, u32)>);

impl Lines {
    pub fn new(text: &str) -> Self {
        let mut start = 0;
        let lines = text.split_inclusive('\n').map(|line| {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            let this = (start, indent as u32);
            start += line.len() as u32;
            this
        });
        Self(lines.collect())
    }

    /// The indentation of the line of this place.
    pub fn indent(&self, place: u32) -> u32 {
        let line = self.0.partition_point(|&(start, _)| start <= place);
        line.checked_sub(1).and_then(|line| self.0.get(line)).map_or(0, |&(_, indent)| indent)
    }
}

impl Parser<'_> {
    /// Passes over tokens into an error node until one where `stop` holds, and in any case before a brace that closes
    /// something around, and before a function at the start of a line. What stands in brackets is passed over as a
    /// whole, but not a `;` in brackets that are not braces.
    pub fn skip_until(&mut self, stop: impl Fn(&Self) -> bool) {
        let mut open = Vec::new();
        let mut braces = 0_u32;
        let start = self.checkpoint();
        let position = self.position;
        loop {
            let kind = self.current();
            let over = match kind {
                K::Eof => true,
                K::RBrace => braces == 0,
                K::Semicolon if braces == 0 && !open.is_empty() => true,
                _ => (open.is_empty() && stop(self)) || (self.at_function() && self.on_new_line()),
            };
            if over {
                break;
            }
            match kind {
                K::LBrace | K::MapStart => {
                    open.push(K::RBrace);
                    braces += 1;
                }
                K::LParen => open.push(K::RParen),
                K::LBracket | K::QuestionBracket => open.push(K::RBracket),
                K::RBrace => {
                    while open.pop().is_some_and(|closing| closing != K::RBrace) {}
                    braces -= 1;
                }
                _ if open.last() == Some(&kind) => {
                    open.pop();
                }
                _ => {}
            }
            self.bump();
        }
        if self.position > position {
            self.wrap(start, K::Error);
        }
    }

    /// Passes over the rest of a statement that was given up, with its `;`.
    pub fn skip_statement(&mut self) {
        self.skip_until(|p| p.at(K::Semicolon) || (p.on_new_line() && p.starts_statement()));
        self.eat(K::Semicolon);
    }

    /// Passes over what does not belong in a list, up to the next item or the end of the list if they are on this line.
    pub fn skip_item(&mut self, closing: SyntaxKind) {
        self.skip_until(|p| {
            p.at(closing)
                || p.on_new_line()
                || matches!(p.current(), K::Comma | K::Semicolon)
                || p.waits_for(p.current())
                || starts_keyword_statement(p.current())
        });
    }

    /// Passes over what stands before a closing bracket, if that is on this line.
    pub fn skip_to_closing(&mut self, closing: SyntaxKind) {
        let mut open = 0_u32;
        let mut found = false;
        for kind in self.rest_of_line() {
            match kind {
                _ if kind == closing && open == 0 => {
                    found = true;
                    break;
                }
                K::LParen | K::LBracket | K::QuestionBracket => open += 1,
                K::RParen | K::RBracket if open > 0 => open -= 1,
                K::LBrace | K::RBrace | K::MapStart | K::Semicolon | K::RParen | K::RBracket => break,
                _ => {}
            }
        }
        if found {
            self.skip_until(|p| p.at(closing));
        }
    }

    /// Does a list or bracket around, in the same block, end with this?
    fn waits_for(&self, closer: SyntaxKind) -> bool {
        self.closers.iter().rev().take_while(|&&kind| kind != K::LBrace).any(|&kind| kind == closer)
    }

    /// Passes over what stands before a `{` or `(` on this line, if there is one.
    pub fn skip_to_opening(&mut self, kinds: &[SyntaxKind]) {
        let goes_on = |kind: &SyntaxKind| !matches!(kind, K::Semicolon | K::RBrace);
        let line_has_one = self.rest_of_line().take_while(goes_on).any(|kind| kinds.contains(&kind));
        if line_has_one {
            self.skip_until(|p| kinds.contains(&p.current()));
        }
    }

    /// The indentation of the line that the last token stands on.
    pub fn indent_of_last(&self) -> u32 {
        self.lines.indent(self.end_of_last().saturating_sub(1))
    }

    /// Notes where a `}` is probably missing: before the first line in braces that is indented no more than the line
    /// that opens them, or before a `}` that is indented less.
    pub fn note_dedent(&mut self, indent: u32) {
        if self.dedent.is_some() || !self.on_new_line() {
            return;
        }
        let here = self.lines.indent(self.start());
        if here < indent || (here == indent && !self.at(K::RBrace)) {
            self.dedent = Some(self.end_of_last());
        }
    }

    /// Reports a `}` that is missing, where the indentation says so.
    pub fn missing_brace(&mut self, help: &str) {
        match self.dedent {
            Some(place) => {
                let message = format!("expected `}}`, found {}", self.found());
                self.error_about(super::range(place, place), message, help);
            }
            None => self.missing("`}`", help),
        }
    }

    /// Takes one token that does not fit.
    pub fn bump_error(&mut self) {
        self.node_if_any(K::Error, Self::bump);
    }

    /// Reports that the nesting is too deep and passes over the rest of it.
    pub fn too_deep(&mut self) {
        if !self.is_too_deep {
            let message = format!("nested too deeply: more than {} levels", super::NESTING_MAX);
            let at = super::range(self.start(), self.end_of(0));
            self.error_about(at, message, "give parts names with `let`, or move them into functions");
            self.is_too_deep = true;
        }
        self.skip_until(|p| matches!(p.current(), K::Semicolon | K::RParen | K::RBracket));
    }

    /// Is a block that lacks its `{` there nevertheless: on this line, or indented more than it?
    pub fn block_follows(&self) -> bool {
        if matches!(self.current(), K::Eof | K::RBrace | K::RParen | K::RBracket | K::Semicolon)
            || self.at_function()
        {
            return false;
        }
        !self.on_new_line() || self.lines.indent(self.start()) > self.indent_of_last()
    }

    /// Is the next token the beginning of a function?
    pub fn at_function(&self) -> bool {
        self.at(K::FnKw) || (self.at(K::PrivateKw) && self.nth(1) == K::FnKw)
    }

    /// Does the next token begin a function that is not in the block around, but behind it?
    pub fn function_ends_block(&self) -> bool {
        self.at_function() && self.on_new_line() && self.lines.indent(self.start()) <= self.item_indent
    }

    /// The next token and some behind it, as long as they are on one line.
    pub fn line(&self) -> impl Iterator<Item = SyntaxKind> {
        (0..64).map_while(|n| {
            let same = n == 0 || !self.slice(self.token(n - 1).start, self.token(n).start).contains('\n');
            let kind = self.nth(n);
            (same && kind != K::Eof).then_some(kind)
        })
    }

    /// Those of them that are on the line of the last token.
    fn rest_of_line(&self) -> impl Iterator<Item = SyntaxKind> {
        self.line().take(if self.on_new_line() { 0 } else { usize::MAX })
    }

    /// May the next token begin a statement?
    pub fn starts_statement(&self) -> bool {
        let kind = self.current();
        starts_keyword_statement(kind) || self.starts_operand()
    }

    /// May the next token begin an expression?
    pub fn starts_operand(&self) -> bool {
        match self.current() {
            K::Int
            | K::Float
            | K::Char
            | K::String
            | K::RawString
            | K::Text
            | K::TextStart
            | K::TrueKw
            | K::FalseKw
            | K::Unit
            | K::LParen
            | K::LBracket
            | K::LBrace
            | K::MapStart
            | K::Ident
            | K::ReservedWord
            | K::ThisKw
            | K::IfKw
            | K::SwitchKw
            | K::WhileKw
            | K::LoopKw
            | K::DoKw
            | K::ForKw
            | K::PipePipe
            | K::DotDot
            | K::DotDotEq
            | K::Plus
            | K::Minus
            | K::Bang
            | K::ErrorToken
            | K::ReservedSymbol => true,
            K::Pipe => self.context.pipes,
            _ => false,
        }
    }
}

/// Does this keyword begin a statement?
pub(super) fn starts_keyword_statement(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        K::LetKw
            | K::ConstKw
            | K::FnKw
            | K::PrivateKw
            | K::ImportKw
            | K::ExportKw
            | K::IfKw
            | K::SwitchKw
            | K::WhileKw
            | K::LoopKw
            | K::DoKw
            | K::ForKw
            | K::TryKw
            | K::ReturnKw
            | K::ThrowKw
            | K::BreakKw
            | K::ContinueKw
    )
}
