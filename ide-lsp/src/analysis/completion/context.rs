//! What the check says of the place where something is to be written.

use super::{Range, word};
use crate::analysis::{Place, Snapshot, Unit, hover};
use sensai_scripts::{
    hir::{FileId, Span, Type},
    syntax::{
        SyntaxKind as K, SyntaxNode, SyntaxToken,
        ast::{self, AstNode},
    },
    uses::{Before, CURSOR, Entity, Missing, Scope},
};
use std::sync::Arc;

/// A place in a program with a name that means nothing.
pub struct Context<'s> {
    pub snapshot: &'s Snapshot,
    /// The program with that name in it.
    pub unit: Unit,
    pub file: FileId,
    /// The word that is replaced, in the text as it is.
    pub word: Range<usize>,
    /// Where the name stands.
    pub at: Span,
    /// What is to be written there.
    pub wanted: Wanted,
    /// The type that it should have.
    pub ty: Option<Type>,
    /// It is written to.
    pub is_written: bool,
    /// It is a statement of its own.
    pub is_statement: bool,
    /// Number of arguments that stand behind it.
    pub arguments: Option<usize>,
    /// Name behind a point behind it, and whether it is called.
    pub member: Option<(String, Option<usize>)>,
}

/// What is to be written.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Something behind a point.
    Behind(Before),
    /// A function of a library.
    OfLibrary(String),
    /// A name that is not declared yet.
    Declaration(&'static [Missing]),
    /// A value or a statement.
    Value(Scope),
}

impl<'s> Context<'s> {
    pub fn new(snapshot: &'s Snapshot, place: &Place) -> Option<Self> {
        let (unit, file) = snapshot.unit(&place.path)?;
        let text = unit.text(file);
        let word = word(text, place.at);
        let before = text.get(..word.start)?;
        if text.get(word.clone())?.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let changed: Arc<str> = format!("{before}{CURSOR}{}", text.get(word.end..)?).into();
        let path = place.path.as_str();
        let unit = unit.with_texts(|of| (of == path).then(|| Arc::clone(&changed)));
        let start = u32::try_from(word.start).ok()?;
        let at = Span::new(start, start + CURSOR.len() as u32);
        let tree = unit.analysed.trees.get(file.index())?.syntax();
        let token = tree.token_at_offset(at.start.into()).right_biased()?;
        if token.kind() != K::Ident {
            return None;
        }
        let (wanted, node) = wanted(&unit, file, at, &token)?;
        let mut context = Self {
            snapshot,
            file,
            word,
            at,
            wanted,
            ty: None,
            is_written: false,
            is_statement: false,
            arguments: None,
            member: None,
            unit,
        };
        context.look_around(&node);
        Some(context)
    }

    /// What stands around the expression that the name belongs to.
    fn look_around(&mut self, node: &SyntaxNode) {
        let mut node = node.clone();
        let count = |list: Option<ast::ArgList>| list.map(|list| list.args().count());
        if let Some(call) = ast::MethodCallExpr::cast(node.clone()) {
            self.arguments = count(call.arg_list());
        } else if let Some(parent) = node.parent()
            && let Some(call) = ast::CallExpr::cast(parent.clone())
            && call.callee().is_some_and(|callee| *callee.syntax() == node)
        {
            self.arguments = count(call.arg_list());
            node = parent;
        }
        // What hangs on it wants it to have something, and has a type of its own.
        while let Some(parent) = node.parent() {
            let first = parent.first_child().as_ref() == Some(&node);
            match parent.kind() {
                K::ParenExpr => {}
                K::FieldExpr if first => {
                    let name = ast::FieldExpr::cast(parent).and_then(|field| field.name());
                    self.member = name.map(|name| (name.text().to_owned(), None));
                    return;
                }
                K::MethodCallExpr if first => {
                    let call = ast::MethodCallExpr::cast(parent);
                    self.member = call
                        .and_then(|call| Some((call.name()?.text().to_owned(), Some(call.args().count()))));
                    return;
                }
                _ => break,
            }
            node = parent;
        }
        if let Some(parent) = node.parent() {
            self.is_statement = is_statement(&parent);
            self.ty = self.expected(&node, &parent);
        }
    }

    fn expected(&mut self, node: &SyntaxNode, parent: &SyntaxNode) -> Option<Type> {
        if let Some(assignment) = ast::AssignStmt::cast(parent.clone()) {
            let (place, value) = (assignment.place()?, assignment.value()?);
            self.is_written = place.syntax() == node;
            return self.type_of(if self.is_written { value.syntax() } else { place.syntax() });
        }
        if let Some(binary) = ast::BinaryExpr::cast(parent.clone()) {
            if matches!(binary.op()?, K::AmpAmp | K::PipePipe) {
                return Some(Type::Bool);
            }
            let (left, right) = (binary.lhs()?, binary.rhs()?);
            return self.type_of(if left.syntax() == node { right.syntax() } else { left.syntax() });
        }
        match parent.kind() {
            K::IfExpr | K::WhileExpr | K::DoExpr | K::Guard if !is_body(node) => Some(Type::Bool),
            K::PrefixExpr => {
                let bang = ast::PrefixExpr::cast(parent.clone())?.op()? == K::Bang;
                bang.then_some(Type::Bool)
            }
            K::IndexExpr | K::RangeExpr => Some(Type::I64),
            K::SwitchExpr => {
                let switch = ast::SwitchExpr::cast(parent.clone())?;
                let first = switch.cases().find_map(|case| case.values().next())?;
                matches!(first, ast::Expr::Literal(_)).then(|| match first.number() {
                    Some(_) => Type::I64,
                    None => Type::Symbol,
                })
            }
            K::ArgList => self.expected_argument(node, parent),
            _ => None,
        }
    }

    fn expected_argument(&self, node: &SyntaxNode, list: &SyntaxNode) -> Option<Type> {
        let index =
            ast::ArgList::cast(list.clone())?.args().position(|argument| argument.syntax() == node)?;
        let call = list.parent()?;
        let name = match (ast::CallExpr::cast(call.clone()), ast::MethodCallExpr::cast(call)) {
            (Some(call), _) => call.path()?.segments().last()?,
            (None, Some(call)) => call.name()?,
            _ => return None,
        };
        let start = u32::from(name.text_range().start());
        let mut uses = self.unit.analysed.uses.at(self.file, start);
        let entity = uses.find(|found| found.span.start == start).map(|found| found.entity.clone())?;
        if let Some(method) = entity.method() {
            return Some(Type::scalar(method.arguments.get(index)?.scalar));
        }
        if let Some(command) = entity.command() {
            use sensai_stdlib::registry::handle::Kind;
            return Some(match command.arguments.get(index)?.kind {
                Kind::Bool => Type::Bool,
                Kind::I64 => Type::I64,
                Kind::F64 => Type::F64,
                Kind::Text => Type::Symbol,
            });
        }
        match entity {
            Entity::Block(_) => Some(Type::scalar(entity.block()?.constructor.argument(index)?.scalar)),
            Entity::LibraryFunction(_) => {
                // Overloads take one type for all: that of the others.
                let others = list.children().filter(|other| other != node);
                others.filter_map(|other| self.type_of(&other)).next()
            }
            Entity::Function(file, declared) => {
                let mut functions = hover::functions(&self.unit)
                    .filter(|function| function.file == file && function.span == declared);
                functions.find_map(|function| {
                    let local = function.locals.get(index)?;
                    (!local.ty.is_unknown()).then(|| local.ty.clone())
                })
            }
            _ => None,
        }
    }

    /// The type of an expression, as the check sees it.
    pub fn type_of(&self, node: &SyntaxNode) -> Option<Type> {
        let range = node.text_range();
        let span = Span::new(range.start().into(), range.end().into());
        let of_place = || {
            let last = node.last_token()?;
            let start = u32::from(last.text_range().start());
            let found =
                self.unit.analysed.uses.at(self.file, start).find(|found| found.span.start == start)?;
            self.type_of_entity(&found.entity)
        };
        let mut functions = hover::function_at(&self.unit, self.file, span.start);
        let known = functions.find_map(|function| {
            let found = function.exprs.iter().find(|expr| expr.span == span && !expr.ty.is_unknown());
            found.map(|expr| expr.ty.clone())
        });
        known.or_else(of_place)
    }

    /// The type of what a name means.
    fn type_of_entity(&self, entity: &Entity) -> Option<Type> {
        let environment = self.unit.environment();
        match entity {
            Entity::Field { record: Type::Record(record), name } => {
                record.field(name).map(|(_, field)| field.ty.clone())
            }
            Entity::Tag(index) => environment.tags.get(*index as usize).map(|tag| Type::scalar(tag.scalar)),
            Entity::Parameter(index) => {
                environment.parameters.get(*index as usize).map(|parameter| Type::scalar(parameter.scalar))
            }
            Entity::Local(declared) => {
                let mut functions = hover::function_at(&self.unit, self.file, declared.start);
                functions.find_map(|function| {
                    let local = function.locals.iter().find(|local| local.span == *declared)?;
                    Some(local.ty.clone())
                })
            }
            _ => None,
        }
    }

    /// Where a symbol is used in the file, as it is without the name.
    pub fn uses(&self, is_it: impl Fn(&Entity) -> bool) -> Vec<u32> {
        let all = self.unit.analysed.uses.uses.iter();
        all.filter(|found| found.file == self.file && !found.is_definition && is_it(&found.entity))
            .map(|found| found.span.start)
            .collect()
    }

    /// Names that are used and mean nothing, each once, in the order of the text.
    pub fn missing(&self, kinds: &[Missing]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for found in &self.unit.analysed.uses.uses {
            if let Entity::Unknown(missing) = found.entity
                && kinds.contains(&missing)
            {
                let name = self.unit.slice(found.file, found.span).to_owned();
                if !name.starts_with(CURSOR) && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The symbol that a name means, for its documentation.
    pub fn doc(&self, entity: Entity) -> String {
        let found =
            sensai_scripts::uses::Use { file: self.file, span: self.at, entity, is_definition: false };
        hover::of_entity(self.snapshot, &self.unit, self.file, &found).unwrap_or_default()
    }
}

/// A statement whose value is dropped: what a block ends with is its value.
fn is_statement(node: &SyntaxNode) -> bool {
    let Some(statement) = ast::ExprStmt::cast(node.clone()) else { return false };
    statement.semicolon().is_some() || node.next_sibling().is_some()
}

fn is_body(node: &SyntaxNode) -> bool {
    node.kind() == K::Block
}

/// What a name that means nothing stands for, and the expression that it belongs to.
fn wanted(unit: &Unit, file: FileId, at: Span, token: &SyntaxToken) -> Option<(Wanted, SyntaxNode)> {
    let uses = &unit.analysed.uses;
    let node = token.parent()?;
    let behind = uses.receivers.iter().filter(|found| found.file == file && found.span == at);
    // Of several types that a function is called with, one that is known.
    let unknown = |before: &Before| matches!(before, Before::Value(ty) if ty.is_unknown());
    let mut behind: Vec<&Before> = behind.map(|found| &found.before).collect();
    behind.sort_by_key(|before| unknown(before));
    if let Some(before) = behind.first() {
        return Some((Wanted::Behind((*before).clone()), node));
    }
    let declared = |missing| Some((Wanted::Declaration(missing), node.clone()));
    match node.kind() {
        K::Fn => declared(&[Missing::Function]),
        K::LetStmt | K::ConstStmt | K::Param | K::ForExpr => declared(&[Missing::Variable]),
        K::ImportStmt => declared(&[Missing::Import]),
        K::MapEntry => declared(&[Missing::Field, Missing::Function]),
        K::PathExpr => {
            let segments: Vec<SyntaxToken> = ast::PathExpr::cast(node.clone())?.segments().collect();
            if let [alias, name] = segments.as_slice()
                && name == token
            {
                return Some((Wanted::OfLibrary(alias.text().to_owned()), node));
            }
            let scope = uses.scopes.iter().find(|scope| scope.file == file && scope.span == at);
            let empty = Scope { file, span: at, locals: Vec::new(), this: None };
            Some((Wanted::Value(scope.cloned().unwrap_or(empty)), node))
        }
        _ => None,
    }
}
