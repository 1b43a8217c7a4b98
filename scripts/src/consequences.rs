//! One mistake, one finding: what only follows from another mistake is left out.
//!
//! - Where the brackets of a function do not match, nothing is said of it but what the grammar says: all of it may stand in
//!   another place than it was meant to.
//! - A name is not called unknown if it stands in a text that could not be read: it may be declared there.
//! - A name that is missing is missing once; all other places are related ones.

use crate::{
    ScriptFinding,
    finding::{Related, code},
    syntax::{Parse, SyntaxKind as K, Token, tokens},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// Codes of names that are not there.
const UNKNOWN: [&str; 7] = [
    code::UNKNOWN_FUNCTION,
    code::UNKNOWN_TAG,
    code::UNKNOWN_FACT,
    code::UNKNOWN_VARIABLE,
    code::UNBOUND_THIS,
    code::UNKNOWN_FIELD,
    code::UNKNOWN_NAMED,
];

/// Stands between something and what it does not have.
const WRONG_TYPE: &str = " and has no ";

/// In the text about a name that is not called: often its declaration is missing.
const NOT_CALLED: &str = "functions as values";

/// Further places of a missing name that are listed.
const RELATED_MAX: usize = 16;

/// Leave out what follows from something else. The findings are those of one text, in its order.
pub(crate) fn leave_out(findings: Vec<ScriptFinding>, text: &str, tree: &Parse) -> Vec<ScriptFinding> {
    let broken = Broken::new(text, tree);
    let mut kept: Vec<ScriptFinding> = Vec::new();
    // Where the first finding of a missing name is.
    let mut firsts: BTreeMap<(&'static str, String, String), usize> = BTreeMap::new();
    for finding in findings {
        let of_grammar = matches!(finding.code, code::SYNTAX | code::TOO_LARGE);
        if !of_grammar && broken.covers(finding.start) {
            continue;
        }
        if is_about_a_name(&finding) {
            let name = text.get(finding.start as usize..finding.end as usize).unwrap_or_default();
            if broken.may_declare(name) {
                continue;
            }
            let same = (finding.code, finding.path.clone(), subject(&finding).to_owned());
            match firsts.get(&same).and_then(|first| kept.get_mut(*first)) {
                Some(first) => {
                    add_place(first, finding);
                    continue;
                }
                None => firsts.insert(same, kept.len()),
            };
        }
        kept.push(finding);
    }
    kept
}

fn is_about_a_name(finding: &ScriptFinding) -> bool {
    UNKNOWN.contains(&finding.code) || (finding.code == code::REFUSED && finding.message.contains(NOT_CALLED))
}

/// What a finding is about: something of a type that was not meant has none of what it is asked for, but once is enough.
fn subject(finding: &ScriptFinding) -> &str {
    finding.message.split_once(WRONG_TYPE).map_or(&finding.message, |(before, _)| before)
}

/// One more place of the same missing name; one fix for all of them.
fn add_place(first: &mut ScriptFinding, other: ScriptFinding) {
    if first.related.len() < RELATED_MAX {
        first.related.push(Related {
            path: other.path,
            line: other.line,
            column: other.column,
            len: other.len,
            start: other.start,
            end: other.end,
            message: "here, too".to_owned(),
        });
    }
    if let (Some(fix), Some(more)) = (&mut first.fix, other.fix) {
        let end = fix.edits.last().map_or(0, |edit| edit.end);
        fix.edits.extend(more.edits.into_iter().filter(|edit| edit.start >= end));
    }
}

/// What of a text could not be read.
struct Broken {
    /// Functions whose brackets do not match, from their `fn` to before the next one.
    functions: Vec<Range<u32>>,
    /// Names in there, and on the lines on which something is wrong.
    names: BTreeSet<String>,
}

impl Broken {
    fn new(text: &str, tree: &Parse) -> Self {
        let mut broken = Self { functions: Vec::new(), names: BTreeSet::new() };
        if tree.is_ok() {
            return broken;
        }
        // From the text again: to go through a large tree takes far longer.
        let tokens = tokens(text);
        let starts = tokens.iter().enumerate().filter(|(_, token)| token.kind == K::FnKw);
        let ends = starts.map(|(index, _)| index).chain([tokens.len()]);
        let mut start = 0;
        for end in ends {
            let function = tokens.get(start..end).unwrap_or_default();
            if !is_balanced(function) {
                broken.functions.extend(range(function));
                broken.note(text, function);
            }
            start = end;
        }
        let errors = tree.errors().iter();
        let mut places: Vec<u32> =
            errors.flat_map(|error| [error.range.start().into(), error.at.into()]).collect();
        places.sort_unstable();
        places.dedup();
        // A line with a thousand errors is looked at once.
        let mut done = 0;
        for at in places {
            if at >= done {
                let line = line(text, &tokens, at);
                broken.note(text, line);
                done = range(line).map_or(done, |range| range.end);
            }
        }
        broken
    }

    fn note(&mut self, text: &str, tokens: &[Token]) {
        let names = tokens.iter().filter(|token| token.kind == K::Ident);
        self.names.extend(names.map(|token| token.text(text).to_owned()));
    }

    fn covers(&self, at: u32) -> bool {
        let before = self.functions.partition_point(|function| function.start <= at);
        before.checked_sub(1).and_then(|last| self.functions.get(last)).is_some_and(|last| last.contains(&at))
    }

    fn may_declare(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

fn range(tokens: &[Token]) -> Option<Range<u32>> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    Some(first.start..last.end)
}

/// The tokens of the lines around a place, up to blanks with an end of line in them.
fn line<'t>(text: &str, tokens: &'t [Token], at: u32) -> &'t [Token] {
    let ends = |token: &Token| token.kind == K::Whitespace && token.text(text).contains('\n');
    let index = tokens.partition_point(|token| token.end <= at);
    let start =
        tokens.get(..index).and_then(|before| before.iter().rposition(ends)).map_or(0, |before| before + 1);
    let len = tokens.get(index..).and_then(|behind| behind.iter().position(ends));
    let end = len.map_or(tokens.len(), |len| index + len);
    tokens.get(start..end).unwrap_or_default()
}

/// Every bracket has its other one.
fn is_balanced(tokens: &[Token]) -> bool {
    let mut open = Vec::new();
    for token in tokens {
        let closed = match token.kind {
            K::LBrace | K::MapStart => {
                open.push(K::RBrace);
                continue;
            }
            K::LParen => {
                open.push(K::RParen);
                continue;
            }
            K::LBracket | K::QuestionBracket => {
                open.push(K::RBracket);
                continue;
            }
            // The brace behind an interpolation belongs to the text.
            K::TextMiddle | K::TextEnd => K::RBrace,
            kind @ (K::RBrace | K::RParen | K::RBracket) => kind,
            _ => continue,
        };
        if open.pop() != Some(closed) {
            return false;
        }
    }
    open.is_empty()
}
