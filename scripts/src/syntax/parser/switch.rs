//! `switch`

use super::{Context, K, Parser};

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
        while !self.eat(K::RBrace) {
            if self.at(K::Eof) || self.function_ends_block() {
                self.missing("`}`", "");
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

    fn case(&mut self) {
        self.open(K::SwitchCase);
        self.case_values();
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
        let context = Context { global: false, ..self.context };
        let needs_comma = self.within(context, Self::inline_statement);
        if !self.eat(K::Comma) && !self.at(K::RBrace) && needs_comma {
            self.missing("`,` or `}`", "cases are separated by `,`");
            self.after_case();
        }
        self.close();
    }

    /// Finds the next case where the comma is missing.
    fn after_case(&mut self) {
        if self.eat(K::Semicolon) || (self.starts_operand() && self.on_new_line()) || self.at(K::Underscore) {
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
        self.open(K::CaseValues);
        if self.eat(K::Underscore) {
            if self.at(K::IfKw) {
                self.expected("`=>`", "the default case has no condition: it is taken if no other one is");
            }
        } else {
            let context = Context { pipes: false, ..self.context };
            loop {
                self.within(context, Self::expression);
                if !self.eat(K::Pipe) {
                    break;
                }
            }
        }
        self.close();
    }
}
