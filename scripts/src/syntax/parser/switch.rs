//! `switch`

use super::{Context, K, Parser, SyntaxKind};

impl Parser<'_> {
    /// `switch value { cases }`
    pub fn switch_rest(&mut self) {
        self.bump();
        self.expression();
        if !self.at(K::LBrace) {
            self.missing("`{`", "a choice is `switch value { 1 => …, _ => … }`");
            self.skip_to_opening(&[K::LBrace]);
        }
        let opened = self.eat(K::LBrace);
        if opened || self.block_follows() {
            self.cases();
        }
    }

    /// `1 => …, _ => … }`
    pub fn cases(&mut self) {
        let indent = self.indent_of_last();
        loop {
            self.note_dedent(indent);
            if self.eat(K::RBrace) {
                return;
            }
            if self.at(K::Eof) || self.function_ends_block() || self.statement_ends_cases(indent) {
                self.missing_brace("");
                return;
            }
            let position = self.position;
            self.case();
            if self.position == position {
                self.expected("a case", "a case is `value => …,`");
                self.bump_error();
            }
        }
    }

    /// Does a case begin here, whose line begins with it?
    pub fn at_case(&self) -> bool {
        let value = |kind: &SyntaxKind| {
            matches!(
                kind,
                K::Int
                    | K::Float
                    | K::Char
                    | K::String
                    | K::RawString
                    | K::Text
                    | K::TrueKw
                    | K::FalseKw
                    | K::Underscore
                    | K::Minus
                    | K::DotDot
                    | K::DotDotEq
                    | K::Pipe
            )
        };
        let values: Vec<SyntaxKind> = self.line().take_while(value).collect();
        let ended = match self.nth(values.len()) {
            K::Arrow => true,
            // Not `- if a { … }`.
            K::IfKw => !values.last().is_some_and(|last| last.is_operator()),
            _ => false,
        };
        !values.is_empty() && ended && self.on_new_line() && self.line().nth(values.len()).is_some()
    }

    /// Is it no case that stands here, but a statement that is indented no more than the `switch`?
    fn statement_ends_cases(&self, indent: u32) -> bool {
        if !self.on_new_line() || self.lines.indent(self.start()) > indent {
            return false;
        }
        match self.current() {
            K::LetKw | K::ConstKw | K::ReturnKw | K::ThrowKw | K::TryKw | K::ImportKw => true,
            K::Ident | K::ThisKw => {
                let inside = |kind: &SyntaxKind| {
                    !matches!(kind, K::Arrow | K::Comma | K::LBrace | K::RBrace | K::MapStart)
                };
                self.line().take_while(inside).any(|kind| kind.is_assignment() || kind == K::Semicolon)
            }
            _ => false,
        }
    }

    fn case(&mut self) {
        self.node_if_any(K::SwitchCase, Self::case_parts);
    }

    fn case_parts(&mut self) {
        self.node_if_any(K::CaseValues, Self::case_values);
        if self.at(K::IfKw) {
            self.open(K::Guard);
            self.bump();
            self.condition();
            self.close();
        }
        if !self.at(K::Arrow) {
            self.missing("`=>`", "a case is `value => …,`");
            // A value without its operator, say.
            let arrow_on_line = (0..16).map(|n| self.nth(n)).take_while(|&kind| {
                !matches!(kind, K::Comma | K::LBrace | K::RBrace | K::Semicolon | K::Eof)
            });
            if arrow_on_line.into_iter().any(|kind| kind == K::Arrow) {
                self.skip_until(|p| p.at(K::Arrow));
            }
        }
        self.eat(K::Arrow);
        let context = Context { global: false, case: true, ..self.context };
        let line_ends = self.on_new_line();
        let needs_comma = self.within(context, Self::inline_statement);
        if needs_comma && self.at(K::Semicolon) {
            self.missing("`,` or `}`", "several statements stand in a block: `value => { … }`");
            self.bump();
            // A block without its `{`.
            let goes_on = !self.on_new_line() && !self.at(K::RBrace) && !self.at_case();
            if line_ends || goes_on {
                self.within(context, Self::statements);
            }
        } else if !self.eat(K::Comma) && !self.at(K::RBrace) && needs_comma {
            self.missing("`,` or `}`", "cases are separated by `,`");
            self.after_case();
        }
    }

    /// Finds the next case where the comma is missing.
    fn after_case(&mut self) {
        if (self.starts_operand() && self.on_new_line()) || self.at(K::Underscore) {
            return;
        }
        if self.starts_operand() && matches!(self.nth(1), K::Arrow | K::Pipe | K::IfKw) {
            return;
        }
        self.skip_until(|p| matches!(p.current(), K::Comma | K::Semicolon) || p.on_new_line());
        if !self.eat(K::Comma) {
            self.eat(K::Semicolon);
        }
    }

    fn case_values(&mut self) {
        if self.eat(K::Underscore) {
            if self.at(K::IfKw) {
                self.expected("`=>`", "the default case has no condition: it is taken if no other one is");
            }
        } else if !self.starts_operand() && !self.current().is_operator() {
            self.expected("the value of a case", "a case is `value => …,`");
        } else {
            let context = Context { pipes: false, ..self.context };
            loop {
                self.within(context, Self::expression);
                if !self.eat(K::Pipe) {
                    break;
                }
            }
        }
    }
}
