//! One text, parsed by both.

use crate::{
    differences::{self, Counts, Difference},
    rhai_tree,
};
use rhai::{AST, Engine, OptimizationLevel, ParseError};
use sensai_scripts::syntax::{
    Parse, SyntaxError, SyntaxKind, TextSize,
    ast::{AstNode, Expr},
    parse, sexpr_with,
};
use std::{
    cell::RefCell,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Rhai's parser without limits, and what was asked of it before.
pub struct Oracle {
    engine: Engine,
    case_hashes: RefCell<HashMap<String, String>>,
    pub counts: Counts,
}

impl Oracle {
    pub fn new() -> Self {
        let mut engine = Engine::new_raw();
        engine
            .set_optimization_level(OptimizationLevel::None)
            .set_max_expr_depths(0, 0)
            .set_max_functions(usize::MAX)
            .set_max_string_size(0)
            .set_max_array_size(0)
            .set_max_map_size(0);
        Self { engine, case_hashes: RefCell::default(), counts: Counts::default() }
    }

    /// Parses a text with both. What differs without a name is described.
    pub fn check(&mut self, text: &str) -> Result<(), String> {
        let ours = parse(text);
        if ours.syntax().text() != text {
            return Err(format!("the tree does not cover the text\n{text}"));
        }
        if let Some(empty) = ours.syntax().descendants().skip(1).find(|node| node.text_range().is_empty()) {
            return Err(format!("an empty node {empty:?}\n{text}"));
        }
        // Rhai has no limit here, but a stack.
        if ours.errors().iter().any(|error| error.message.starts_with("nested too deeply")) {
            self.counts.add(false, Some(Difference::Nesting));
            return Ok(());
        }
        let theirs = catch_unwind(AssertUnwindSafe(|| self.engine.compile(text)))
            .map_err(|_| format!("Rhai's parser panics\n{text}"))?;
        let result = match (theirs, ours.errors().first()) {
            (Ok(theirs), None) => self.compare(text, &ours, &theirs),
            (Ok(_), Some(error)) => match differences::of_ours(text, error) {
                Some(difference) => Ok(Some(difference)),
                None => Err(format!("only Rhai accepts this: {error:?}")),
            },
            (Err(error), None) => match differences::of_theirs(text, &error) {
                Some(difference) => Ok(Some(difference)),
                None => Err(format!("only we accept this: {error}")),
            },
            (Err(theirs), Some(error)) => rejected(text, &ours, &theirs, error),
        };
        let difference = result.map_err(|problem| format!("{problem}\n{text}"))?;
        self.counts.add(ours.is_ok(), difference);
        Ok(())
    }

    fn compare(&self, text: &str, ours: &Parse, theirs: &AST) -> Result<Option<Difference>, String> {
        let ours = sexpr_with(&ours.root(), &|value| self.case_hash(text, value));
        let theirs = rhai_tree::sexpr(theirs);
        if ours == theirs {
            return Ok(None);
        }
        if ours.replace("(?[] ", "([] ") == theirs.replace("(?[] ", "([] ") {
            return Ok(Some(Difference::OptionalIndex));
        }
        let same = ours.chars().zip(theirs.chars()).take_while(|(ours, theirs)| ours == theirs).count();
        let near = |tree: &str| tree.chars().skip(same.saturating_sub(60)).take(120).collect::<String>();
        Err(format!("the trees differ\nours:   … {}\ntheirs: … {}", near(&ours), near(&theirs)))
    }

    /// Rhai keeps of the value of a case only a hash.
    fn case_hash(&self, text: &str, value: &Expr) -> String {
        let range = value.syntax().text_range();
        let written = &text[usize::from(range.start())..usize::from(range.end())];
        // A text that goes on behind a `\` depends on its column.
        let line = text[..usize::from(range.start())].rsplit('\n').next().filter(|_| written.contains('\n'));
        let column = line.map_or(0, |line| line.chars().count());
        let switch = format!("switch 0 {{\n{}{written} => 0 }}", " ".repeat(column));
        if let Some(hash) = self.case_hashes.borrow().get(&switch) {
            return hash.clone();
        }
        let ast = self.engine.compile(&switch);
        let hash = ast.map(|ast| rhai_tree::case_hashes(&ast).join(" ")).unwrap_or_default();
        self.case_hashes.borrow_mut().insert(switch, hash.clone());
        hash
    }
}

/// The first errors are on the same line, or there is a reason.
fn rejected(
    text: &str,
    parse: &Parse,
    theirs: &ParseError,
    ours: &SyntaxError,
) -> Result<Option<Difference>, String> {
    let line = rhai_line(parse, ours.at);
    let Some(their_line) = theirs.position().line().filter(|their_line| *their_line != line) else {
        return Ok(None);
    };
    let difference = differences::of_ours(text, ours).or_else(|| differences::of_theirs(text, theirs));
    match difference {
        Some(difference) => Ok(Some(difference)),
        None => Err(format!(
            "errors on different lines: ours on {line}: {ours:?}, theirs on {their_line}: {theirs}"
        )),
    }
}

/// The line of a place as Rhai counts it: a `\r` ends a line too behind `//` and at the start of a text in back-ticks,
/// and an end of a line behind a `"` in a raw text does not count.
fn rhai_line(parse: &Parse, place: TextSize) -> usize {
    let mut line = 1;
    let mut in_comment = false;
    for token in parse.syntax().descendants_with_tokens().filter_map(|element| element.into_token()) {
        let range = token.text_range();
        if range.start() >= place {
            break;
        }
        let text = &token.text()[..usize::from(range.end().min(place) - range.start())];
        line += text.matches('\n').count();
        let returned = |text: &str| usize::from(text.starts_with('\r') && !text.starts_with("\r\n"));
        match token.kind() {
            SyntaxKind::Whitespace if in_comment => line += returned(text),
            SyntaxKind::Text | SyntaxKind::TextStart => line += returned(&text[1..]),
            SyntaxKind::RawString => {
                let hashes = text.len() - text.trim_start_matches('#').len();
                let behind = text[hashes..].split('"').skip(2);
                line -= behind.filter(|rest| rest.trim_start_matches('#').starts_with('\n')).count();
            }
            _ => {}
        }
        in_comment = token.text().starts_with("//");
    }
    line
}
