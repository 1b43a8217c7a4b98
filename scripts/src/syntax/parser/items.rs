//! The top level, and functions.

use super::{Context, K, Language, Parser, Read, Reuse, SyntaxKind, range};
use rowan::{Checkpoint, GreenNode, Language as _, NodeOrToken};

impl Parser<'_> {
    pub fn source_file(&mut self, reuse: Option<&Reuse<'_>>) -> GreenNode {
        // The root covers the trivia before the first token too.
        self.begin_top();
        while !self.at(K::Eof) {
            self.item_indent = self.lines.indent(self.start());
            self.dedent = None;
            self.is_too_deep = false;
            let position = self.position;
            if matches!(self.current(), K::FnKw | K::PrivateKw) {
                self.top_function(reuse);
            } else {
                self.statement();
            }
            if self.position == position {
                self.expected("a statement or function", "");
                self.bump_error();
            }
        }
        self.trivia();
        self.finished += 1;
        self.end_top();
        GreenNode::new(Language::kind_to_raw(K::SourceFile), std::mem::take(&mut self.top))
    }

    fn begin_top(&mut self) {
        self.builder.start_node(Language::kind_to_raw(K::SourceFile));
    }

    /// What was read comes behind what is at the top level already.
    fn end_top(&mut self) {
        self.builder.finish_node();
        let read = std::mem::take(&mut self.builder).finish();
        self.top.extend(read.children().map(|child| child.to_owned()));
    }

    /// A function at the top level; if it stood in the text before, as it was there.
    fn top_function(&mut self, reuse: Option<&Reuse<'_>>) {
        self.trivia_before_docs();
        let (start, head) = (self.next_emitted(), self.start());
        if let Some(known) = reuse.and_then(|reuse| reuse.find(self.text, start, head)) {
            self.end_top();
            self.top.push(NodeOrToken::Node(known.green.clone()));
            self.begin_top();
            self.finished += known.nodes;
            let end = start + u32::from(known.range.len());
            self.emitted = self.tokens.partition_point(|token| token.start < end);
            let emitted = self.emitted as u32;
            self.position = self.significant.partition_point(|token| *token < emitted);
            self.read.push(Read {
                range: range(start, end),
                head: head.into(),
                nodes: known.nodes,
                taken: true,
            });
            return;
        }
        let (errors, finished) = (self.errors.len(), self.finished);
        self.is_forgiven = false;
        self.function();
        if self.errors.len() == errors && !self.is_forgiven {
            let (range, nodes) = (range(start, self.end_of_last()), self.finished - finished);
            self.read.push(Read { range, head: head.into(), nodes, taken: false });
        }
    }

    /// Where the first token begins that is not in the tree yet.
    fn next_emitted(&self) -> u32 {
        self.tokens.get(self.emitted).map_or(self.text.len() as u32, |token| token.start)
    }

    /// A place before the documentation of the next token, if there is any on the lines before it.
    pub fn checkpoint_with_docs(&mut self) -> Checkpoint {
        self.trivia_before_docs();
        self.builder.checkpoint()
    }

    fn trivia_before_docs(&mut self) {
        let next = self.significant.get(self.position).map_or(self.tokens.len(), |&next| next as usize);
        let mut first = next;
        for index in (self.emitted..next).rev() {
            let Some(token) = self.tokens.get(index) else { break };
            let end = self.tokens.get(index + 1).map_or(self.text.len() as u32, |next| next.start);
            match token.kind {
                K::DocComment => first = index,
                K::Whitespace if self.slice(token.start, end).matches('\n').count() > 1 => break,
                _ => {}
            }
        }
        while self.emitted < first {
            self.emit();
        }
    }

    /// `[private] fn [type.]name(a, b) { … }`
    pub fn function(&mut self) {
        let start = self.checkpoint_with_docs();
        self.eat(K::PrivateKw);
        if !self.eat(K::FnKw) {
            self.missing("`fn`", "only functions can be private");
            if !(self.at(K::Ident) && matches!(self.nth(1), K::LParen | K::Unit)) {
                self.wrap(start, K::Error);
                return;
            }
        }
        self.receiver();
        self.function_name();
        if matches!(self.current(), K::LParen | K::Unit) || self.parameters_follow() {
            self.open(K::ParamList);
            if !self.eat(K::Unit) {
                if !self.eat(K::LParen) {
                    self.missing("`(`", "a function is `fn name(a, b) { … }`");
                }
                self.parameters(K::RParen, "`)`");
            }
            self.close();
        } else {
            self.missing("the parameters of the function", "a function is `fn name(a, b) { … }`");
        }
        self.within(Context::FUNCTION, Self::block);
        self.wrap(start, K::Fn);
    }

    fn receiver(&mut self) {
        let text = matches!(self.current(), K::String | K::RawString | K::Text);
        if self.nth(1) == K::Dot && (text || self.at(K::Ident)) {
            self.open(K::ReceiverType);
            self.bump();
            self.bump();
            self.close();
        } else if text {
            self.open(K::ReceiverType);
            self.bump();
            self.missing("`.`", "a function for one type is `fn \"type\".name() { … }`");
            self.close();
        }
    }

    fn function_name(&mut self) {
        if self.eat(K::Ident) {
            return;
        }
        if self.at(K::ReservedWord) || self.current().is_keyword() {
            let message = format!("`{}` is a reserved word", self.current_text());
            let range = range(self.start(), self.end_of(0));
            self.error_about(range, message, "take another name for the function");
            if matches!(self.nth(1), K::LParen | K::Unit) {
                self.bump_error();
            }
            return;
        }
        self.missing("the name of the function", "a function is `fn name(a, b) { … }`");
        self.skip_to_opening(&[K::LParen, K::Unit, K::LBrace]);
    }

    /// Are there parameters whose `(` is missing?
    fn parameters_follow(&self) -> bool {
        !self.on_new_line()
            && (self.at(K::RParen) || (self.at(K::Ident) && matches!(self.nth(1), K::Comma | K::RParen)))
    }

    /// `a, b)` of a function, or `a, b|` of a closure.
    pub fn parameters(&mut self, closing: SyntaxKind, name: &str) {
        while !self.eat(closing) {
            match self.current() {
                K::Ident => self.parameter(),
                // A missing `)`.
                K::LBrace | K::Eof => {
                    self.missing(name, "");
                    return;
                }
                K::Comma => self.missing("a parameter", ""),
                _ => {
                    self.missing(&format!("a parameter or {name}"), "");
                    self.skip_until(|p| {
                        p.on_new_line()
                            || p.at(closing)
                            || matches!(p.current(), K::Comma | K::LBrace | K::Semicolon)
                    });
                    if !self.at(closing) && !self.at(K::Comma) {
                        return;
                    }
                }
            }
            if !self.at(closing) && !self.eat(K::Comma) {
                self.missing(&format!("`,` or {name}"), "");
                if !self.at(K::Ident) || self.on_new_line() {
                    return;
                }
            }
        }
    }

    fn parameter(&mut self) {
        self.open(K::Param);
        self.bump();
        self.close();
    }
}
