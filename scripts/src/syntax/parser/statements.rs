//! Statements and blocks.

use super::{Context, K, Parser, SyntaxKind};

/// What ends a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Its own last token, such as the `}` of an `if`.
    Own,
    /// A `;`, or the end of the block; a `,` in a case.
    Separator,
}

impl Parser<'_> {
    /// A statement in a block or at the top level, with its `;`.
    pub fn statement(&mut self) {
        let start = if self.context.global { self.checkpoint_with_docs() } else { self.checkpoint() };
        let Some((kind, ending)) = self.deeper(Self::statement_parts) else { return };
        if ending == Ending::Separator {
            self.terminator(kind);
        }
        self.wrap(start, kind);
    }

    /// A statement in a case or closure. Does it need a separator behind it?
    pub fn inline_statement(&mut self) -> bool {
        let start = self.checkpoint();
        let Some((kind, ending)) = self.deeper(Self::statement_parts) else { return true };
        self.wrap(start, kind);
        // An empty statement has its `;`, and needs a `,` in a case nevertheless.
        ending == Ending::Separator || kind == K::EmptyStmt
    }

    /// All of a statement but its `;`.
    fn statement_parts(&mut self) -> Option<(SyntaxKind, Ending)> {
        let (own, separator) = (Ending::Own, Ending::Separator);
        Some(match self.current() {
            K::Semicolon => {
                self.bump();
                (K::EmptyStmt, own)
            }
            K::LBrace => {
                self.block();
                (K::ExprStmt, own)
            }
            K::IfKw => self.compound(K::IfExpr, Self::if_rest),
            K::SwitchKw => self.compound(K::SwitchExpr, Self::switch_rest),
            K::WhileKw => self.compound(K::WhileExpr, Self::while_rest),
            K::LoopKw => self.compound(K::LoopExpr, Self::loop_rest),
            K::ForKw => self.compound(K::ForExpr, Self::for_rest),
            // The only loop that ends with an expression.
            K::DoKw => (self.compound(K::DoExpr, Self::do_rest).0, separator),
            K::TryKw => {
                self.try_catch();
                (K::TryStmt, own)
            }
            K::LetKw => {
                self.variable();
                (K::LetStmt, separator)
            }
            K::ConstKw => {
                self.variable();
                (K::ConstStmt, separator)
            }
            K::ImportKw => {
                self.import();
                (K::ImportStmt, separator)
            }
            K::ExportKw => {
                self.export();
                (K::ExportStmt, separator)
            }
            K::ReturnKw => self.leave(K::ReturnStmt),
            K::ThrowKw => self.leave(K::ThrowStmt),
            K::BreakKw | K::ContinueKw => self.leave_loop(),
            K::FnKw | K::PrivateKw => {
                if self.at(K::FnKw) || self.nth(1) == K::FnKw {
                    self.expected("a statement", "functions stand at the top level, not in blocks");
                }
                self.function();
                return None;
            }
            _ => return self.expression_statement(),
        })
    }

    /// An `if`, `switch` or loop as a statement.
    fn compound(&mut self, kind: SyntaxKind, rule: impl FnOnce(&mut Self)) -> (SyntaxKind, Ending) {
        self.open(kind);
        rule(self);
        self.close();
        (K::ExprStmt, Ending::Own)
    }

    fn expression_statement(&mut self) -> Option<(SyntaxKind, Ending)> {
        if !self.starts_operand() && !self.current().is_operator() {
            self.no_statement();
            return None;
        }
        self.expression();
        if !self.current().is_assignment() {
            return Some((K::ExprStmt, Ending::Separator));
        }
        self.bump();
        self.expression();
        Some((K::AssignStmt, Ending::Separator))
    }

    /// Notes that no statement begins here, and passes over what does instead.
    fn no_statement(&mut self) {
        let help = match self.current() {
            K::ElseKw => "an `else` stands directly behind the `}` of its `if`",
            K::CatchKw => "a `catch` stands directly behind the `}` of its `try`",
            _ => "",
        };
        if self.at(K::ElseKw) && self.dedent.is_some() {
            self.missing_brace(help);
        }
        self.expected("a statement", help);
        match self.current() {
            // What is behind them is a statement.
            K::ElseKw | K::CatchKw | K::UntilKw | K::InKw | K::AsKw => self.bump_error(),
            // They belong to what is around.
            K::RBrace | K::Comma if !self.context.global => {}
            K::RBrace => self.bump_error(),
            _ => {
                self.bump_error();
                self.skip_statement();
            }
        }
    }

    /// The `;` behind a statement. If it is missing and the line goes on, the rest of the line does not count.
    fn terminator(&mut self, kind: SyntaxKind) {
        if self.eat(K::Semicolon) || matches!(self.current(), K::RBrace | K::Eof) {
            return;
        }
        if !self.context.global && self.function_ends_block() {
            self.missing_brace("");
            return;
        }
        let help = match (kind, self.current()) {
            (K::AssignStmt, K::Eq) => "an assignment has no value: write two statements",
            (K::ExprStmt, K::LBrace) if self.context.global => "a function is `fn name(a, b) { … }`",
            (_, K::Colon) => "a record begins with `#{`",
            (K::LetStmt | K::ConstStmt, _) => "a variable is `let name = value;`",
            _ => "statements end with `;`",
        };
        let help = self.foreign_statement().unwrap_or(help);
        self.missing("`;`", help);
        if self.on_new_line() && self.starts_statement() {
            return;
        }
        if self.at(K::Colon) {
            self.fields_without_start();
        } else if !self.at(K::LBrace) {
            self.skip_statement();
        } else if self.context.global {
            // A function without its `fn`.
            self.within(Context::FUNCTION, Self::block);
        } else if self.cases_follow() {
            // A `switch` without its word.
            self.open(K::Error);
            self.bump();
            self.cases();
            self.close();
        }
    }

    /// Does a `{` begin the cases of a `switch`?
    fn cases_follow(&self) -> bool {
        self.at(K::LBrace) && matches!(self.nth(2), K::Arrow | K::Pipe | K::IfKw)
    }

    /// `{ statements }`
    pub fn block(&mut self) {
        self.node_if_any(K::Block, |p| p.deeper(Self::block_parts));
    }

    fn block_parts(&mut self) {
        if !self.at(K::LBrace) {
            self.missing("`{`", "");
            self.skip_to_opening(&[K::LBrace]);
        }
        if self.eat(K::LBrace) || self.block_follows() {
            let context = Context { global: false, ..self.context };
            self.until(K::LBrace, |p| p.within(context, Self::statements));
        }
    }

    /// The statements of a block and its `}`.
    pub fn statements(&mut self) {
        let indent = self.indent_of_last();
        loop {
            self.note_dedent(indent);
            if self.eat(K::RBrace) {
                return;
            }
            if self.at(K::Eof) || self.function_ends_block() || (self.context.case && self.at_case()) {
                self.missing_brace("");
                return;
            }
            let position = self.position;
            self.statement();
            if self.position == position {
                self.expected("a statement", "");
                self.bump_error();
            }
        }
    }

    /// What `if` and the like ask for.
    pub fn condition(&mut self) {
        if self.at(K::LBrace) {
            self.missing("a condition", "");
            return;
        }
        self.expression();
        if self.at(K::Eq) {
            self.expected("a condition", "values are compared with `==`");
            self.bump_error();
            self.expression();
        }
    }

    /// `if a { … } else if b { … } else { … }`
    pub fn if_rest(&mut self) {
        self.bump();
        self.condition();
        self.block();
        if self.eat(K::ElseKw) {
            if self.at(K::IfKw) {
                self.open(K::IfExpr);
                self.deeper(Self::if_rest);
                self.close();
            } else {
                self.block();
            }
        }
    }

    pub fn while_rest(&mut self) {
        self.bump();
        self.condition();
        self.loop_body();
    }

    pub fn loop_rest(&mut self) {
        self.bump();
        self.loop_body();
    }

    pub fn do_rest(&mut self) {
        self.bump();
        self.loop_body();
        if !self.eat(K::WhileKw) && !self.eat(K::UntilKw) {
            self.missing("`while` or `until`", "this loop is `do { … } while condition;`");
            return;
        }
        self.condition();
    }

    pub fn for_rest(&mut self) {
        self.bump();
        if self.eat(K::LParen) {
            self.name("a variable");
            if !self.eat(K::Comma) {
                self.missing("`,`", "a loop that counts is `for (value, index) in values { … }`");
            }
            self.name("a variable for the index");
            if !self.eat(K::RParen) {
                self.missing("`)`", "a loop that counts is `for (value, index) in values { … }`");
            }
        } else {
            self.name("a variable");
        }
        if !self.eat(K::InKw) {
            self.missing("`in`", "a loop is `for name in 0..9 { … }`");
        }
        if self.at(K::LBrace) {
            self.missing("a range or array", "a loop is `for name in 0..9 { … }`");
        } else if self.starts_operand() || !self.on_new_line() {
            self.expression();
        }
        self.loop_body();
    }

    fn loop_body(&mut self) {
        let context = Context { breakable: true, ..self.context };
        self.within(context, Self::block);
    }

    fn try_catch(&mut self) {
        self.bump();
        self.block();
        if !self.eat(K::CatchKw) {
            self.missing("`catch`", "write `try { … } catch { … }`");
            return;
        }
        if self.eat(K::LParen) {
            self.name("a variable for the error");
            if !self.eat(K::RParen) {
                self.missing("`)`", "");
            }
        }
        self.block();
    }

    /// A name that is defined here.
    fn name(&mut self, what: &str) {
        if self.eat(K::Ident) {
            return;
        }
        if self.at(K::ReservedWord)
            || (self.current().is_keyword() && !self.on_new_line() && self.nth(1) == K::Eq)
        {
            let message = format!("`{}` is a reserved word", self.current_text());
            let range = super::range(self.start(), self.end_of(0));
            self.error_about(range, message, "take another name");
            self.bump_error();
            return;
        }
        self.missing(what, "");
        if matches!(self.current(), K::ErrorToken | K::Underscore) {
            self.bump_error();
        }
    }

    /// `let name = value`, `const name = value`
    fn variable(&mut self) {
        self.bump();
        self.name("a name");
        if self.eat(K::Eq) {
            self.expression();
        }
    }

    fn import(&mut self) {
        self.bump();
        self.expression();
        if self.eat(K::AsKw) {
            self.name("a name");
        }
    }

    fn export(&mut self) {
        if !self.context.global {
            self.expected("a statement", "exports stand at the top level");
        }
        self.bump();
        match self.current() {
            K::LetKw | K::ConstKw => {
                let kind = if self.at(K::LetKw) { K::LetStmt } else { K::ConstStmt };
                self.open(kind);
                self.variable();
                self.close();
            }
            _ => {
                self.name("a name");
                if self.eat(K::AsKw) {
                    self.name("a name");
                }
            }
        }
    }

    fn leave(&mut self, kind: SyntaxKind) -> (SyntaxKind, Ending) {
        self.bump();
        if self.starts_operand() {
            self.expression();
        }
        (kind, Ending::Separator)
    }

    fn leave_loop(&mut self) -> (SyntaxKind, Ending) {
        let kind = if self.at(K::BreakKw) { K::BreakStmt } else { K::ContinueStmt };
        if !self.context.breakable {
            // After an error, a loop may only seem to be none.
            if self.errors.is_empty() {
                self.expected("a statement", "`break` and `continue` stand in loops");
            }
            self.is_forgiven = true;
        }
        self.bump();
        if kind == K::BreakStmt && self.starts_operand() {
            self.expression();
        }
        (kind, Ending::Separator)
    }
}
