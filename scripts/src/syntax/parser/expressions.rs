//! Operators and what they bind.

use super::{K, Parser, SyntaxKind};

/// What an operand is to the operators behind it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Operand {
    /// There is none.
    #[default]
    Missing,
    /// A name, also in parentheses: it may be called.
    Name,
    /// A name in a namespace: it may be called, but not with `!`.
    Path,
    /// Anything else.
    Value,
}

impl Parser<'_> {
    /// An expression; `false` if there is none, which is noted.
    pub fn expression(&mut self) -> bool {
        self.value() != Operand::Missing
    }

    pub fn value(&mut self) -> Operand {
        self.deeper(|p| p.operators(0))
    }

    /// Operands with operators between them that bind at least so tightly.
    fn operators(&mut self, tightness: u8) -> Operand {
        let start = self.checkpoint();
        // The start of a range may be left out.
        let open_range = tightness == 0 && matches!(self.current(), K::DotDot | K::DotDotEq);
        let mut operand = if open_range { Operand::Value } else { self.prefixed() };
        if operand == Operand::Missing {
            return operand;
        }
        let depth = self.depth;
        while let Some(precedence) = self.current().precedence() {
            // Behind a `;`, which may be the body of a closure, a sign belongs to what follows.
            let sign = matches!(self.current(), K::Plus | K::Minus) && self.last() == Some(K::Semicolon);
            if precedence < tightness || (self.at(K::Pipe) && !self.context.pipes) || sign {
                break;
            }
            if self.depth >= super::NESTING_MAX {
                self.too_deep();
                break;
            }
            // A chain makes the tree as deep as it is long.
            self.depth += 1;
            let kind = self.operator(precedence);
            self.wrap(start, kind);
            operand = Operand::Value;
        }
        self.depth = depth;
        operand
    }

    /// An operator and what is right of it.
    fn operator(&mut self, precedence: u8) -> SyntaxKind {
        let operator = self.current();
        self.bump();
        match operator {
            K::DotDot | K::DotDotEq => {
                if !self.at_end_of_range() {
                    self.operators(precedence + 1);
                }
                return K::RangeExpr;
            }
            K::DoubleQuestion
                if matches!(self.current(), K::BreakKw | K::ContinueKw | K::ReturnKw | K::ThrowKw) =>
            {
                self.inline_statement();
                if self.current().precedence().is_some_and(|behind| behind > precedence) {
                    self.expected("the end of the expression", "put parentheses around what is before this");
                }
            }
            // The only one that binds its right side first.
            K::StarStar => {
                self.operators(precedence);
            }
            _ => {
                self.operators(precedence + 1);
            }
        }
        K::BinaryExpr
    }

    /// Behind `..`, these leave its end open.
    fn at_end_of_range(&self) -> bool {
        matches!(self.current(), K::RBracket | K::RParen | K::RBrace | K::Comma | K::Semicolon | K::Arrow)
    }

    /// `-a`, `+a`, `!a`, or an operand.
    fn prefixed(&mut self) -> Operand {
        if !matches!(self.current(), K::Minus | K::Plus | K::Bang) {
            return self.operand();
        }
        let start = self.checkpoint();
        self.bump();
        self.deeper(Self::prefixed);
        self.wrap(start, K::PrefixExpr);
        Operand::Value
    }
}
