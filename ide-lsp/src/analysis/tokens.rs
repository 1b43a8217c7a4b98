//! What colour each name has: what only the check knows of it.

use super::{Snapshot, Unit};
use sensai_model::TagKind;
use sensai_scripts::{
    hir::{FileId, Span},
    syntax::{SyntaxKind as K, SyntaxToken},
    uses::{Entity, Use},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// A coloured part of a text; none reaches over the end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// It is declared here.
    pub is_declaration: bool,
    /// It cannot be written.
    pub is_readonly: bool,
    /// It belongs to the language or its library.
    pub is_library: bool,
}

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `io`, `param`, `sys`, `ai`, groups of tags, libraries.
    Namespace,
    /// Blocks and `Axis`.
    Type,
    /// A parameter of a function.
    Parameter,
    /// A variable or constant.
    Variable,
    /// A field, tag, pin, or property.
    Property,
    /// A function.
    Function,
    /// What is called on something.
    Method,
    /// A word of the language.
    Keyword,
    /// A comment.
    Comment,
    /// A text.
    String,
    /// A number.
    Number,
    /// A sign.
    Operator,
}

impl Kind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Namespace,
        Self::Type,
        Self::Parameter,
        Self::Variable,
        Self::Property,
        Self::Function,
        Self::Method,
        Self::Keyword,
        Self::Comment,
        Self::String,
        Self::Number,
        Self::Operator,
    ];

    /// As the protocol calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Type => "type",
            Self::Parameter => "parameter",
            Self::Variable => "variable",
            Self::Property => "property",
            Self::Function => "function",
            Self::Method => "method",
            Self::Keyword => "keyword",
            Self::Comment => "comment",
            Self::String => "string",
            Self::Number => "number",
            Self::Operator => "operator",
        }
    }
}

/// The tokens of a program or library, in order.
pub fn tokens(snapshot: &Snapshot, path: &str) -> Vec<Token> {
    let Some(tree) = snapshot.tree(path) else { return Vec::new() };
    let unit = snapshot.unit(path);
    let parameters = unit.map(|(unit, _)| parameters(unit)).unwrap_or_default();
    let mut named: BTreeMap<u32, &Use> = BTreeMap::new();
    if let Some((unit, file)) = unit {
        for found in unit.analysed.uses.uses.iter().filter(|found| found.file == file) {
            named.entry(found.span.start).or_insert(found);
        }
    }
    let mut tokens = Vec::new();
    let all = tree.syntax().descendants_with_tokens().filter_map(|element| element.into_token());
    for token in all.filter(|token| token.kind() != K::Whitespace) {
        let range = token.text_range();
        let start = u32::from(range.start());
        let found = named.get(&start).filter(|found| found.span.end == u32::from(range.end()));
        let understood = unit.zip(found).and_then(|((unit, _), found)| of_use(unit, &parameters, found));
        let Some(like) = understood.or_else(|| of_token(&token)) else { continue };
        // Comments and texts may have several lines.
        let mut at = start as usize;
        for line in token.text().split_inclusive('\n') {
            let part = line.trim_end_matches(['\n', '\r']);
            if !part.is_empty() {
                tokens.push(Token { range: at..at + part.len(), ..like.clone() });
            }
            at += line.len();
        }
    }
    tokens
}

fn plain(kind: Kind) -> Token {
    Token { range: 0..0, kind, is_declaration: false, is_readonly: false, is_library: false }
}

fn of_use(unit: &Unit, parameters: &BTreeSet<(FileId, Span)>, found: &Use) -> Option<Token> {
    let token = |kind| Some(Token { is_declaration: found.is_definition, ..plain(kind) });
    let library = |kind| Some(Token { is_library: true, ..plain(kind) });
    let readonly =
        |kind| Some(Token { is_readonly: true, is_declaration: found.is_definition, ..plain(kind) });
    match &found.entity {
        Entity::Local(declared) if parameters.contains(&(found.file, *declared)) => token(Kind::Parameter),
        Entity::Local(_) => token(Kind::Variable),
        Entity::Function(..) => token(Kind::Function),
        Entity::Constant(..) => readonly(Kind::Variable),
        Entity::Field { .. } => token(Kind::Property),
        Entity::Import(_) | Entity::TagGroup { .. } | Entity::ParameterGroup(_) | Entity::Model(_) => {
            token(Kind::Namespace)
        }
        Entity::Root(_) => library(Kind::Namespace),
        Entity::Tag(index) => {
            let environment = unit.environment();
            let tag = environment.tags.get(*index as usize);
            match tag.is_some_and(|tag| matches!(tag.kind, TagKind::Input | TagKind::Model)) {
                true => readonly(Kind::Property),
                false => token(Kind::Property),
            }
        }
        Entity::Parameter(_) | Entity::Fact(_) | Entity::ModelFact(..) | Entity::Quality | Entity::Len => {
            readonly(Kind::Property)
        }
        Entity::Pin(..) | Entity::Property(_) => {
            Some(Token { is_readonly: true, is_library: true, ..plain(Kind::Property) })
        }
        Entity::Method(..) | Entity::Command(_) | Entity::ModelRequest(_) => library(Kind::Method),
        Entity::Block(_) | Entity::AxisHandle => library(Kind::Type),
        Entity::LibraryFunction(_) | Entity::BuiltIn(_) => library(Kind::Function),
        Entity::Axis(_) | Entity::Alarm(_) | Entity::Jidoka(_) | Entity::Library(_) => None,
        Entity::Unknown(_) => None,
    }
}

/// Where parameters of functions are declared.
fn parameters(unit: &Unit) -> BTreeSet<(FileId, Span)> {
    let functions = super::hover::functions(unit);
    let all = functions.flat_map(|function| {
        let locals = function.locals.iter().take(function.parameters as usize);
        locals.map(|local| (function.file, local.span))
    });
    all.collect()
}

fn of_token(token: &SyntaxToken) -> Option<Token> {
    Some(plain(match token.kind() {
        K::Comment | K::DocComment => Kind::Comment,
        K::Int | K::Float => Kind::Number,
        K::Char | K::String | K::RawString | K::Text | K::TextStart | K::TextMiddle | K::TextEnd => {
            Kind::String
        }
        kind if kind.is_keyword() => Kind::Keyword,
        kind if kind.precedence().is_some() || kind.is_assignment() || kind == K::Bang => Kind::Operator,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    #[test]
    fn names_have_the_colour_of_what_they_mean() {
        let text = "const A = 1; // one\nfn init() { #{ t: TON() } }\nfn cycle() { this.t.run(io.start, 0.5); io.lamp.green = this.t.Q; let b = f(A); }\nfn f(x) { x }\n";
        let fixture = Fixture::new(text);
        let all = tokens(&fixture.snapshot, "programs/main.rhai");
        let kind = |word: &str| {
            let token = all.iter().find(|token| &text[token.range.clone()] == word);
            token.map(|token| (token.kind, token.is_readonly, token.is_library, token.is_declaration))
        };
        assert_eq!(kind("A"), Some((Kind::Variable, true, false, true)));
        assert_eq!(kind("// one"), Some((Kind::Comment, false, false, false)));
        assert_eq!(kind("TON"), Some((Kind::Type, false, true, false)));
        assert_eq!(kind("run"), Some((Kind::Method, false, true, false)));
        assert_eq!(kind("io"), Some((Kind::Namespace, false, true, false)));
        assert_eq!(kind("lamp"), Some((Kind::Namespace, false, false, false)));
        assert_eq!(kind("start"), Some((Kind::Property, true, false, false)));
        assert_eq!(kind("Q"), Some((Kind::Property, true, true, false)));
        assert_eq!(kind("x"), Some((Kind::Parameter, false, false, true)));
        assert_eq!(kind("0.5"), Some((Kind::Number, false, false, false)));
        assert!(all.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
    }

    #[test]
    fn no_token_reaches_over_a_line() {
        let text = "/* a\n   b */ fn init() { #{ x: 0 } }\nfn cycle() { }\n";
        let fixture = Fixture::new(text);
        let all = tokens(&fixture.snapshot, "programs/main.rhai");
        assert!(all.iter().all(|token| !text[token.range.clone()].contains('\n')));
        assert_eq!(all.iter().filter(|token| token.kind == Kind::Comment).count(), 2);
    }
}
