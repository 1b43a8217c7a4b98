//! What there is, and which of it fits best.

use super::{
    Completion, Insert, Kind,
    context::{Context, Wanted},
    of_cell::{below, of_group, roots},
    of_library::{library, words},
};
use crate::analysis::{hover, outline};
use sensai_scripts::{
    hir::{FileId, Type},
    syntax::{
        SyntaxKind,
        ast::{self, AstNode},
    },
    uses::{Before, Entity, Missing},
};
use sensai_stdlib::registry::{self, AXIS};
use std::collections::BTreeMap;

/// Something that could be written, with what its place in the list depends on.
pub struct Candidate {
    pub item: Completion,
    /// None: it has none, or nobody knows it.
    pub ty: Option<Type>,
    /// Numbers of arguments that it takes; empty: it is not called.
    pub counts: Vec<usize>,
    /// It can be written to.
    pub writable: bool,
    /// Names behind it, if it is a group.
    pub members: Vec<String>,
    /// Where it is used.
    pub uses: Vec<u32>,
    /// It belongs to the language or its library.
    pub is_library: bool,
    /// It only shows what was given.
    pub is_input: bool,
}

/// Everything that could be written, the best first.
pub fn ordered(context: &Context<'_>) -> Vec<Completion> {
    let mut groups: BTreeMap<(u8, u8), Vec<Candidate>> = BTreeMap::new();
    for candidate in all(context) {
        groups.entry(fit(context, &candidate)).or_default().push(candidate);
    }
    let mut items: Vec<Completion> = Vec::new();
    for group in groups.into_values() {
        for candidate in in_turn(context, group) {
            let same =
                |item: &Completion| item.label == candidate.item.label && item.kind == candidate.item.kind;
            if !items.iter().take(SEEN).any(same) {
                items.push(candidate.item);
            }
        }
    }
    items
}

/// Items among which an item is looked for, so that it is offered once.
const SEEN: usize = 600;

/// How well something fits, and how special it is: the smaller, the better.
fn fit(context: &Context<'_>, candidate: &Candidate) -> (u8, u8) {
    let calls = match context.arguments {
        Some(count) => u8::from(!candidate.counts.contains(&count)) * 2,
        None => u8::from(candidate.counts.is_empty() == context.is_statement),
    };
    let follows = match &context.member {
        None => 0,
        Some((name, count)) => u8::from(!has(context, candidate, name, *count)) * 3,
    };
    let fits = match (&context.ty, &candidate.ty) {
        _ if context.member.is_some() => 0,
        (Some(wanted), Some(ty)) if wanted == ty => 0,
        (Some(_), None) => 1,
        (Some(_), Some(_)) => 2,
        // What gives a value and does nothing is no statement.
        (None, Some(_)) if context.is_statement && candidate.is_library && !candidate.counts.is_empty() => 1,
        (None, _) => 0,
    };
    let writes = u8::from(context.is_written && !candidate.writable) * 2;
    let general = match candidate.item.kind {
        Kind::Keyword | Kind::Snippet => 2,
        Kind::Block => 1,
        Kind::Function if candidate.is_library => 1,
        _ => u8::from(candidate.is_input),
    };
    (follows + calls + fits + writes, general)
}

/// What fits equally: of the library first what was used nearby, then what is used often; of the program and the cell what
/// nobody uses yet, which is probably meant, and what was used nearby, in turn.
fn in_turn(context: &Context<'_>, group: Vec<Candidate>) -> Vec<Candidate> {
    let here = context.at.start;
    let nearest = |candidate: &Candidate| candidate.uses.iter().map(|at| at.abs_diff(here)).min();
    let common = |candidate: &Candidate| {
        let label = &candidate.item.label;
        COMMON.iter().position(|name| name == label).unwrap_or(COMMON.len())
    };
    let (mut used, mut unused): (Vec<Candidate>, Vec<Candidate>) =
        group.into_iter().partition(|candidate| nearest(candidate).is_some());
    used.sort_by_cached_key(|candidate| (nearest(candidate), candidate.item.label.clone()));
    unused.sort_by_cached_key(|candidate| (common(candidate), candidate.item.label.clone()));
    let is_library = unused.iter().chain(&used).any(|candidate| candidate.is_library);
    if is_library {
        used.extend(unused);
        return used;
    }
    let mut turns = Vec::with_capacity(used.len() + unused.len());
    let (mut used, mut unused) = (used.into_iter(), unused.into_iter());
    loop {
        let (first, second) = (unused.next(), used.next());
        if first.is_none() && second.is_none() {
            return turns;
        }
        turns.extend(first);
        turns.extend(second);
    }
}

/// Functions that the runtime calls.
const ENTRIES: [&str; 2] = ["init", "cycle"];

/// What is wanted most of what the library has.
const COMMON: &[&str] = &[
    "done",
    "powered",
    "error",
    "busy",
    "standstill",
    "homed",
    "position",
    "Q",
    "ET",
    "CV",
    "OUT",
    "move_absolute",
    "power",
    "halt",
    "reset",
    "Axis",
    "TON",
    "R_TRIG",
    "TOF",
    "TP",
    "CTU",
    "F_TRIG",
    "min",
    "max",
    "clamp",
    "abs",
    "suspend",
    "complete",
    "hold",
    "fault",
    "jidoka",
    "alarm",
    "array",
];

/// True if something has a part of a name.
fn has(context: &Context<'_>, candidate: &Candidate, name: &str, count: Option<usize>) -> bool {
    if candidate.members.iter().any(|member| member == name) {
        return true;
    }
    let method = |item: &outline::Node| item.name == name;
    let own = || {
        let text = context.unit.path(context.file);
        count.is_some() && outline::outline(context.snapshot, text).iter().any(method)
    };
    match &candidate.ty {
        Some(Type::Record(record)) => record.field(name).is_some() || own(),
        Some(Type::Block(block)) => match count {
            Some(_) => block.method(name).is_some(),
            None => block.pin(name).is_some(),
        },
        Some(Type::Axis) => match count {
            Some(_) => AXIS.method(name).is_some(),
            None => AXIS.property(name).is_some(),
        },
        Some(Type::Array(_)) => name == "len",
        _ => name == "valid" && candidate.item.kind == Kind::Field && candidate.members.is_empty(),
    }
}

pub fn candidate(label: impl Into<String>, kind: Kind) -> Candidate {
    let item = Completion {
        label: label.into(),
        kind,
        detail: String::new(),
        doc: String::new(),
        insert: Insert::Label,
    };
    Candidate {
        item,
        ty: None,
        counts: Vec::new(),
        writable: false,
        members: Vec::new(),
        uses: Vec::new(),
        is_library: false,
        is_input: false,
    }
}

fn all(context: &Context<'_>) -> Vec<Candidate> {
    match &context.wanted {
        Wanted::Behind(before) => behind(context, before),
        Wanted::OfLibrary(alias) => of_library(context, alias),
        Wanted::Declaration(kinds) => {
            let kind = |missing: &[Missing]| match missing {
                [Missing::Function] => Kind::Function,
                [Missing::Variable] => Kind::Variable,
                _ => Kind::Field,
            };
            let entries =
                ENTRIES.into_iter().filter(|_| matches!(kinds, [Missing::Function])).map(str::to_owned);
            let declared = outline::outline(context.snapshot, context.unit.path(context.file));
            let entries = entries.filter(|name| !declared.iter().any(|node| node.name == *name));
            let names = context.missing(kinds).into_iter().chain(entries);
            names.map(|name| candidate(name, kind(kinds))).collect()
        }
        Wanted::Value(scope) => {
            let mut all = Vec::new();
            for (name, ty) in &scope.locals {
                let mut local = candidate(name, Kind::Variable);
                local.item.detail = ty.to_string();
                local.writable = true;
                let declared = |entity: &Entity| match entity {
                    Entity::Local(span) => context.unit.slice(context.file, *span) == name,
                    _ => false,
                };
                local.uses = context.uses(declared);
                local.ty = Some(ty.clone());
                all.push(local);
            }
            if scope.this.is_some() {
                let mut this = candidate("this", Kind::Keyword);
                this.ty = scope.this.clone();
                all.push(this);
            }
            roots(context, &mut all);
            constants(context, &mut all);
            functions(context, context.file, &mut all);
            imports(context, &mut all);
            library(context, &mut all);
            words(context, &mut all);
            for name in context.missing(&[Missing::Variable, Missing::Function]) {
                let mut missing = candidate(name, Kind::Variable);
                missing.uses = vec![0];
                missing.item.detail = "not declared".into();
                all.push(missing);
            }
            all
        }
    }
}

fn behind(context: &Context<'_>, before: &Before) -> Vec<Candidate> {
    let environment = context.unit.environment();
    match before {
        Before::Value(ty) => of_type(context, ty),
        Before::Tags { path, shafts } => {
            let behind_axis = match &context.unit.subject.side {
                crate::host::Side::Twin(side) => side.shafts.as_slice(),
                crate::host::Side::Controller { .. } => &[],
            };
            let (tags, first) = match shafts {
                true => (behind_axis, environment.tags.len()),
                false => (environment.tags, 0),
            };
            of_group(context, tags, first, path, *shafts)
        }
        Before::Tag(index) => {
            let is_array = environment.tags.get(*index as usize).is_some_and(|tag| tag.array_len.is_some());
            let mut all = vec![known(context, "valid", Type::Bool, Entity::Quality)];
            if is_array {
                all.push(known(context, "len", Type::I64, Entity::Len));
            }
            all
        }
        Before::Element(_) => vec![known(context, "valid", Type::Bool, Entity::Quality)],
        Before::Parameters(path) => {
            let mut all: Vec<Candidate> = Vec::new();
            for (index, parameter) in environment.parameters.iter().enumerate() {
                let Some((segment, rest)) = below(&parameter.name, path) else { continue };
                if rest {
                    all.push(candidate(segment, Kind::Group));
                    continue;
                }
                let entity = Entity::Parameter(index as u32);
                let ty = Type::scalar(parameter.scalar);
                all.push(known(context, segment, ty, entity));
            }
            all
        }
        Before::Sys => {
            let twin = context.unit.subject.is_twin();
            let facts: &[(&str, Type)] = &[
                ("cycle", Type::I64),
                ("time", Type::I64),
                ("dt", Type::F64),
                ("first_cycle", Type::Bool),
                ("mode", Type::Symbol),
                ("state", Type::Symbol),
                ("seed", Type::I64),
            ];
            let there = facts.iter().filter(|(name, _)| match *name {
                "mode" | "state" => !twin,
                "seed" => twin,
                _ => true,
            });
            there.map(|(name, ty)| known(context, name, ty.clone(), Entity::Fact(name))).collect()
        }
        Before::Ai => {
            let models = environment.reach.models.iter().enumerate();
            models
                .map(|(index, model)| {
                    let mut group = candidate(&model.name, Kind::Group);
                    group.uses = context.uses(|entity| *entity == Entity::Model(index as u16));
                    group.members = MODEL_FACTS.iter().map(|(name, _)| (*name).to_owned()).collect();
                    group.members.push("request".into());
                    group
                })
                .collect()
        }
        Before::Model(index) => {
            let facts = MODEL_FACTS.iter();
            let mut all: Vec<Candidate> = facts
                .map(|(name, ty)| {
                    known(context, name, ty.clone(), Entity::ModelFact(*index, (*name).to_owned()))
                })
                .collect();
            let mut request = candidate("request", Kind::Method);
            request.counts = vec![0];
            call(context, &mut request, &[]);
            all.push(request);
            all
        }
    }
}

const MODEL_FACTS: [(&str, Type); 7] = [
    ("score", Type::F64),
    ("age", Type::I64),
    ("valid", Type::Bool),
    ("misses", Type::I64),
    ("sequence", Type::I64),
    ("output", Type::F64),
    ("fresh", Type::Bool),
];

/// A value with a type.
fn known(context: &Context<'_>, name: &str, ty: Type, entity: Entity) -> Candidate {
    let mut found = candidate(name, Kind::Field);
    found.item.detail = ty.to_string();
    found.uses = context.uses(|other| *other == entity);
    found.is_library = !matches!(entity, Entity::Tag(_) | Entity::Parameter(_));
    found.item.doc = context.doc(entity);
    found.ty = Some(ty);
    found
}

/// Write a call with its arguments to be filled in, unless they stand there already.
pub fn call(context: &Context<'_>, found: &mut Candidate, arguments: &[String]) {
    if context.arguments.is_some() {
        return;
    }
    let name = &found.item.label;
    let filled = arguments.iter().enumerate();
    let filled: Vec<String> = filled.map(|(index, name)| format!("${{{}:{name}}}", index + 1)).collect();
    found.item.insert = match filled.as_slice() {
        [] => Insert::Text(format!("{name}()")),
        filled => Insert::Snippet(format!("{name}({})", filled.join(", "))),
    };
}

fn of_type(context: &Context<'_>, ty: &Type) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    match ty {
        Type::Record(record) => {
            for field in record.fields() {
                let mut found = candidate(&field.name, Kind::Field);
                found.item.detail = field.ty.to_string();
                found.writable = true;
                found.uses = context.uses(|entity| {
                    matches!(entity, Entity::Field { record, name } if *name == field.name && record == ty)
                });
                found.ty = Some(field.ty.clone());
                all.push(found);
            }
            if context.arguments.is_some() {
                functions(context, context.file, &mut all);
            }
        }
        Type::Block(block) => {
            for method in block.methods {
                let mut found = candidate(method.name, Kind::Method);
                found.counts = vec![method.arguments.len()];
                found.is_library = true;
                found.item.doc = context.doc(Entity::Method(block.name, method.name));
                found.ty = method.result.map(Type::scalar);
                let names: Vec<String> =
                    method.arguments.iter().map(|argument| argument.name.to_owned()).collect();
                call(context, &mut found, &names);
                all.push(found);
            }
            for pin in block.pins {
                let entity = Entity::Pin(block.name, pin.name);
                let mut found = known(context, pin.name, Type::scalar(pin.scalar), entity);
                found.is_input = pin.direction == registry::Direction::Input;
                all.push(found);
            }
        }
        Type::Axis => {
            for method in AXIS.methods {
                let mut found = candidate(method.name, Kind::Method);
                found.counts = method.counts().collect();
                found.is_library = true;
                let entity = Entity::Command(method.name);
                found.uses = context.uses(|other| *other == entity);
                found.item.doc = context.doc(entity);
                let required = method.arguments.iter().filter(|argument| !argument.optional);
                let names: Vec<String> = required.map(|argument| argument.name.to_owned()).collect();
                call(context, &mut found, &names);
                all.push(found);
            }
            for property in AXIS.properties {
                use registry::handle::Kind as Of;
                let ty = match property.kind {
                    Of::Bool => Type::Bool,
                    Of::I64 => Type::I64,
                    Of::F64 => Type::F64,
                    Of::Text => Type::Symbol,
                };
                all.push(known(context, property.name, ty, Entity::Property(property.name)));
            }
        }
        Type::Array(_) => all.push(known(context, "len", Type::I64, Entity::Len)),
        _ => {}
    }
    all
}

fn of_library(context: &Context<'_>, alias: &str) -> Vec<Candidate> {
    let mut all = Vec::new();
    let mut files = context.unit.analysed.trees.iter().enumerate().skip(1);
    let import = context.unit.analysed.trees.first().and_then(|tree| {
        tree.root().items().find_map(|item| match item {
            ast::Item::Import(import) if import.alias().is_some_and(|name| name.text() == alias) => {
                match import.path()?.plain() {
                    ast::Expr::Literal(literal) => match literal.value()? {
                        ast::Value::Text(name) => Some(name),
                        _ => None,
                    },
                    _ => None,
                }
            }
            _ => None,
        })
    });
    let libraries = &context.unit.source.libraries;
    let file = files.find(|(index, _)| {
        let library = libraries.get(index - 1).map(|library| library.name.as_str());
        library.is_some() && library == import.as_deref()
    });
    if let Some((index, _)) = file {
        functions(context, FileId(index as u32), &mut all);
    }
    all
}

/// Functions that are declared in a file.
fn functions(context: &Context<'_>, file: FileId, all: &mut Vec<Candidate>) {
    let Some(tree) = context.unit.analysed.trees.get(file.index()) else { return };
    for function in tree.root().functions() {
        let Some(name) = function.name() else { continue };
        // What uses `this` is only called on something.
        let bound = !matches!(context.wanted, Wanted::Behind(_)) && uses_this(&function);
        let foreign = bound || file != context.file && function.is_private();
        let entry = matches!(name.text(), "init" | "cycle" | "migrate") && file == FileId(0);
        if foreign || entry {
            continue;
        }
        let names: Vec<String> =
            function.params().filter_map(|param| param.name()).map(|name| name.text().to_owned()).collect();
        let start = u32::from(name.text_range().start());
        let mut found = candidate(name.text(), Kind::Function);
        found.item.detail = format!("fn({})", names.join(", "));
        found.counts = vec![names.len()];
        found.uses = context.uses(
            |entity| matches!(entity, Entity::Function(of, span) if *of == file && span.start == start),
        );
        found.ty = hover::functions(&context.unit)
            .find(|of| of.file == file && of.span.start == start)
            .map(|of| of.result.clone())
            .filter(|ty| !ty.is_unknown());
        call(context, &mut found, &names);
        all.push(found);
    }
}

fn uses_this(function: &ast::Fn) -> bool {
    let body = function.body();
    body.is_some_and(|body| body.syntax().descendants().any(|node| node.kind() == SyntaxKind::ThisExpr))
}

fn constants(context: &Context<'_>, all: &mut Vec<Candidate>) {
    let Some(tree) = context.unit.analysed.trees.get(context.file.index()) else { return };
    for item in tree.root().items() {
        let ast::Item::Const(constant) = item else { continue };
        let Some(name) = constant.name() else { continue };
        let start = u32::from(name.text_range().start());
        let mut found = candidate(name.text(), Kind::Constant);
        found.uses =
            context.uses(|entity| matches!(entity, Entity::Constant(_, span) if span.start == start));
        found.ty = constant.value().and_then(|value| match value.number() {
            Some(sensai_scripts::syntax::Number::Int(_)) => Some(Type::I64),
            Some(sensai_scripts::syntax::Number::Float(_)) => Some(Type::F64),
            None => None,
        });
        found.item.detail = found.ty.as_ref().map(ToString::to_string).unwrap_or_default();
        all.push(found);
    }
}

fn imports(context: &Context<'_>, all: &mut Vec<Candidate>) {
    let Some(tree) = context.unit.analysed.trees.get(context.file.index()) else { return };
    for item in tree.root().items() {
        if let ast::Item::Import(import) = item
            && let Some(alias) = import.alias()
        {
            all.push(candidate(alias.text(), Kind::Group));
        }
    }
}
