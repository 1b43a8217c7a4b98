//! What stands between operators.

use super::{
    super::lexer::{is_callable, is_method},
    Context, K, Parser, SyntaxKind,
    expressions::Operand,
};

impl Parser<'_> {
    /// An operand with all that is behind it: calls, fields, indices.
    pub fn operand(&mut self) -> Operand {
        let start = self.checkpoint();
        let mut operand = self.primary();
        let depth = self.depth;
        while operand != Operand::Missing {
            let callable = matches!(operand, Operand::Name | Operand::Path);
            if !self.at_postfix(callable) {
                break;
            }
            if self.depth >= super::NESTING_MAX {
                self.too_deep();
                break;
            }
            self.depth += 1;
            let kind = match self.current() {
                K::Dot | K::QuestionDot => self.member(),
                K::LBracket | K::QuestionBracket => self.index(),
                _ => self.call(operand),
            };
            self.wrap(start, kind);
            operand = Operand::Value;
        }
        self.depth = depth;
        operand
    }

    fn at_postfix(&self, callable: bool) -> bool {
        match self.current() {
            K::Dot | K::QuestionDot | K::LBracket | K::QuestionBracket => true,
            K::LParen | K::Unit | K::Bang => callable,
            _ => false,
        }
    }

    fn primary(&mut self) -> Operand {
        match self.current() {
            K::Int
            | K::Float
            | K::Char
            | K::String
            | K::RawString
            | K::Text
            | K::TrueKw
            | K::FalseKw
            | K::Unit => self.node(K::Literal, Self::bump),
            K::TextStart => self.node(K::InterpolatedText, Self::interpolated),
            K::LParen => self.parenthesised(),
            K::LBracket => {
                self.node(K::ArrayExpr, |p| p.list(K::RBracket, "`]`", Self::element, Self::at_element))
            }
            K::MapStart => {
                self.node(K::MapExpr, |p| p.list(K::RBrace, "`}`", Self::map_entry, Self::at_map_entry))
            }
            K::LBrace => {
                self.block();
                Operand::Value
            }
            K::IfKw => self.node(K::IfExpr, Self::if_rest),
            K::SwitchKw => self.node(K::SwitchExpr, Self::switch_rest),
            K::WhileKw => self.node(K::WhileExpr, Self::while_rest),
            K::LoopKw => self.node(K::LoopExpr, Self::loop_rest),
            K::DoKw => self.node(K::DoExpr, Self::do_rest),
            K::ForKw => self.node(K::ForExpr, Self::for_rest),
            K::PipePipe => self.node(K::ClosureExpr, Self::closure),
            K::Pipe if self.context.pipes => self.node(K::ClosureExpr, Self::closure),
            K::Ident => self.path(),
            K::ReservedWord => self.reserved_word(),
            K::ThisKw => {
                // After an error, a function may only seem to be over.
                if !self.context.function && self.errors.is_empty() {
                    self.expected("a value", "`this` is there only in functions");
                }
                self.node(K::ThisExpr, Self::bump)
            }
            _ => self.no_operand(),
        }
    }

    /// A node that one rule makes.
    fn node(&mut self, kind: SyntaxKind, rule: impl FnOnce(&mut Self)) -> Operand {
        self.open(kind);
        rule(self);
        self.close();
        Operand::Value
    }

    /// Notes that there is no operand. An operator without its left side is passed over.
    fn no_operand(&mut self) -> Operand {
        // Behind a statement, the line begins with what does not fit; otherwise the one before lacks something.
        if matches!(self.last(), Some(K::Semicolon | K::LBrace | K::RBrace)) {
            self.expected("an expression", "");
        } else {
            let unequal = self.at(K::Greater) && self.last() == Some(K::Less);
            self.missing("an expression", if unequal { "unequal is `a != b`" } else { "" });
        }
        let operator = self.current().precedence().is_some()
            || self.current().is_assignment()
            || matches!(self.current(), K::Dot | K::QuestionDot | K::DoubleColon | K::Colon);
        let broken = matches!(self.current(), K::ErrorToken | K::ReservedSymbol);
        if !operator && !broken {
            return Operand::Missing;
        }
        self.bump_error();
        if broken || self.on_new_line() || !self.starts_operand() {
            return Operand::Value;
        }
        self.deeper(Self::operand)
    }

    fn path(&mut self) -> Operand {
        self.open(K::PathExpr);
        self.bump();
        let mut operand = Operand::Name;
        while self.eat(K::DoubleColon) {
            operand = Operand::Path;
            if !self.eat(K::Ident) {
                self.missing("a name", "a path is `module::name`");
                break;
            }
        }
        self.close();
        operand
    }

    /// A word that may be called, but is no name otherwise.
    fn reserved_word(&mut self) -> Operand {
        let word = self.current_text();
        let called = matches!(self.nth(1), K::LParen | K::Unit | K::Bang);
        if !(called && is_callable(word)) {
            let message = format!("`{word}` is a reserved word");
            let range = super::range(self.start(), self.end_of(0));
            self.error_about(range, message, "take another name");
        }
        self.open(K::PathExpr);
        self.bump();
        self.close();
        Operand::Name
    }

    fn parenthesised(&mut self) -> Operand {
        self.open(K::ParenExpr);
        self.bump();
        let operand = self.until(K::RParen, Self::value);
        self.closing(K::RParen, "`)`");
        self.close();
        if operand == Operand::Missing { Operand::Value } else { operand }
    }

    /// The parts of a text with interpolations.
    fn interpolated(&mut self) {
        self.bump();
        loop {
            self.block();
            if !self.eat(K::TextMiddle) {
                break;
            }
        }
        if !self.eat(K::TextEnd) {
            self.missing("the rest of the text", "an interpolation is `${value}`");
        }
    }

    /// `.name` or `.name(…)`
    fn member(&mut self) -> SyntaxKind {
        self.bump();
        let word = self.current_text();
        let called = matches!(self.nth(1), K::LParen | K::Unit | K::Bang);
        match self.current() {
            K::Ident => self.bump(),
            K::ReservedWord if called && is_method(word) => self.bump(),
            // A keyword on this line was meant as a name; on the next one, a statement begins.
            kind if (kind == K::ReservedWord || kind.is_keyword()) && !self.on_new_line() => {
                let message = format!("`{word}` is a reserved word");
                let range = super::range(self.start(), self.end_of(0));
                self.error_about(range, message, "take another name");
                self.bump_error();
            }
            _ => self.missing("the name of a field or method", ""),
        }
        if self.at(K::DoubleColon) {
            self.expected("the end of the name", "only a name that stands alone has a module before it");
        }
        let captures = self.eat(K::Bang);
        if matches!(self.current(), K::LParen | K::Unit) {
            self.arguments();
            return K::MethodCallExpr;
        }
        if captures {
            self.missing("`(`", "a method is called as `a.name(…)`");
        }
        K::FieldExpr
    }

    fn index(&mut self) -> SyntaxKind {
        self.bump();
        self.until(K::RBracket, Self::expression);
        self.closing(K::RBracket, "`]`");
        K::IndexExpr
    }

    /// The closing bracket behind a single value.
    fn closing(&mut self, kind: SyntaxKind, name: &str) {
        if !self.at(kind) {
            self.missing(name, "");
            self.skip_to_closing(kind);
        }
        self.eat(kind);
    }

    /// `(…)` or `!(…)` behind a name.
    fn call(&mut self, callee: Operand) -> SyntaxKind {
        if self.at(K::Bang) {
            if callee == Operand::Path {
                self.expected("the arguments of a call", "functions of modules cannot be called with `!`");
            }
            self.bump();
        }
        if matches!(self.current(), K::LParen | K::Unit) {
            self.arguments();
        } else {
            self.missing("`(`", "`name!(…)` is a call that sees the caller's variables");
        }
        K::CallExpr
    }

    fn arguments(&mut self) {
        self.open(K::ArgList);
        if !self.eat(K::Unit) {
            self.list(K::RParen, "`)`", Self::element, Self::at_element);
        }
        self.close();
    }

    fn element(&mut self) -> bool {
        self.expression()
    }

    /// `name: value`; `false` if the line was given up.
    pub fn map_entry(&mut self) -> bool {
        let mut complete = false;
        self.node_if_any(K::MapEntry, |p| complete = p.map_entry_parts());
        if !complete {
            self.skip_until(|p| p.at(K::RBrace) || p.on_new_line() || p.at(K::Semicolon) || p.at_map_entry());
        }
        complete
    }

    fn map_entry_parts(&mut self) -> bool {
        match self.current() {
            K::Ident | K::String | K::RawString | K::Text => self.bump(),
            kind if kind == K::ReservedWord || kind.is_keyword() => {
                let message = format!("`{}` is a reserved word", self.current_text());
                let range = super::range(self.start(), self.end_of(0));
                self.error_about(range, message, "put the name in quotes");
                self.bump_error();
            }
            _ => {
                self.missing("the name of a field", "a record is `#{ name: value }`");
                if !self.at(K::Colon) {
                    return false;
                }
            }
        }
        let colon = self.eat(K::Colon);
        if !colon {
            self.missing("`:`", "a record is `#{ name: value }`");
        }
        let value = colon || (self.starts_operand() && !self.on_new_line());
        value && self.expression()
    }

    /// Items between commas, behind an opening bracket that is the next token, up to a closing one.
    fn list(
        &mut self,
        closing: SyntaxKind,
        name: &str,
        item: impl Fn(&mut Self) -> bool,
        at_item: impl Fn(&Self) -> bool,
    ) {
        self.bump();
        self.items(closing, name, item, at_item);
    }

    /// Items between commas, up to a closing bracket. `item` says whether there was one, `at_item` where a comma is
    /// probably only missing.
    pub fn items(
        &mut self,
        closing: SyntaxKind,
        name: &str,
        item: impl Fn(&mut Self) -> bool,
        at_item: impl Fn(&Self) -> bool,
    ) {
        let indent = self.indent_of_last();
        self.until(closing, |p| {
            while !p.at(closing) {
                let field =
                    closing != K::RBrace && p.on_new_line() && p.at_map_entry() && p.line().nth(1).is_some();
                if p.at(K::Eof) || p.function_ends_block() || field {
                    p.missing(name, "");
                    return;
                }
                let position = p.position;
                let complete = item(p);
                if p.at(closing) || p.eat(K::Comma) {
                    continue;
                }
                if closing != K::RBrace && p.at(K::Colon) {
                    p.missing(&format!("`,` or {name}"), "a record begins with `#{`");
                    p.fields_without_start();
                    continue;
                }
                if complete || p.position == position {
                    p.missing(&format!("`,` or {name}"), "");
                }
                if p.position > position && at_item(p) {
                    continue;
                }
                p.skip_item(closing);
                if !p.at(closing) && !p.eat(K::Comma) {
                    return;
                }
            }
            if closing == K::RBrace {
                p.note_dedent(indent);
            }
            p.bump();
        });
    }

    /// The fields of a record whose `#{` is missing, from the `:` of the first one.
    pub fn fields_without_start(&mut self) {
        self.open(K::Error);
        self.bump();
        self.expression();
        if self.eat(K::Comma) || self.at(K::RBrace) {
            self.items(K::RBrace, "`}`", Self::map_entry, Self::at_map_entry);
        }
        self.close();
    }

    /// Does the next token look like another element whose comma is missing?
    fn at_element(&self) -> bool {
        let statement = super::recovery::starts_keyword_statement(self.current())
            || (self.on_new_line() && self.nth(1).is_assignment());
        let fits =
            self.starts_operand() && !matches!(self.current(), K::LBrace | K::ErrorToken | K::ReservedSymbol);
        fits && !statement
    }

    /// Does a field of a record begin here?
    pub fn at_map_entry(&self) -> bool {
        matches!(self.current(), K::Ident | K::String | K::RawString | K::Text) && self.nth(1) == K::Colon
    }

    /// `|a, b| body`
    fn closure(&mut self) {
        if !self.eat(K::PipePipe) {
            self.open(K::ParamList);
            self.bump();
            self.parameters(K::Pipe, "`|`");
            self.close();
        }
        if self.at(K::Eof) {
            self.missing("the body of a function", "a function without a name is `|a, b| a + b`");
            return;
        }
        self.deeper(|p| {
            p.within(Context::FUNCTION, Self::inline_statement);
        });
    }
}
