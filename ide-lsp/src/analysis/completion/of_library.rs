//! What the language and its library have.

use super::{
    Insert, Kind,
    candidates::{Candidate, call, candidate},
    context::Context,
};
use sensai_scripts::{hir::Type, syntax::SyntaxKind, uses::Entity};
use sensai_stdlib::registry::{self, AXIS};

/// How functions of the library are marked.
const LIBRARY: &str = "library";

pub fn library(context: &Context<'_>, all: &mut Vec<Candidate>) {
    let twin = context.unit.subject.is_twin();
    for block in registry::blocks() {
        let mut found = candidate(block.name, Kind::Block);
        found.counts = block.constructor.counts().collect();
        found.is_library = true;
        let entity = Entity::Block(block.name);
        found.uses = context.uses(|other| *other == entity);
        found.item.doc = context.doc(entity);
        let required = block.constructor.arguments.iter().filter(|argument| argument.default.is_none());
        let names: Vec<String> = required.map(|argument| argument.name.to_owned()).collect();
        found.ty = Some(Type::Block(block));
        call(context, &mut found, &names);
        all.push(found);
    }
    let mut last = "";
    for function in registry::functions() {
        if function.name != last {
            last = function.name;
            let mut found = candidate(function.name, Kind::Function);
            let overloads = registry::functions().iter().filter(|other| other.name == function.name);
            found.counts = overloads.map(|function| function.arguments.len()).collect();
            let entity = Entity::LibraryFunction(function.name);
            found.uses = context.uses(|other| *other == entity);
            found.item.doc = context.doc(entity);
            found.item.detail = LIBRARY.into();
            found.is_library = true;
            let wanted = registry::functions().iter().filter(|other| other.name == function.name);
            let mut results = wanted.map(|function| Type::scalar(function.result));
            let first = results.next();
            found.ty = results.find(|ty| context.ty.as_ref() == Some(ty)).or(first);
            let names: Vec<String> = function.argument_names.iter().map(|name| (*name).to_owned()).collect();
            call(context, &mut found, &names);
            all.push(found);
        }
    }
    let built_in: [(&'static str, &[&str], bool); 12] = [
        ("array", &["n", "value"], true),
        ("len", &["array"], true),
        ("fault", &["\"name\""], true),
        ("jidoka", &["\"name\""], !twin),
        ("alarm", &["\"name\""], !twin),
        ("state_complete", &[], !twin),
        ("hold", &[], !twin),
        ("suspend", &[], !twin),
        ("unsuspend", &[], !twin),
        ("stop", &[], !twin),
        ("abort", &[], !twin),
        ("complete", &[], !twin),
    ];
    for (name, arguments, there) in built_in {
        if there {
            let mut found = candidate(name, Kind::Function);
            found.counts = vec![arguments.len()];
            let entity = Entity::BuiltIn(name);
            found.uses = context.uses(|other| *other == entity);
            found.item.doc = context.doc(entity);
            found.item.detail = LIBRARY.into();
            found.is_library = true;
            let names: Vec<String> = arguments.iter().map(|name| (*name).to_owned()).collect();
            call(context, &mut found, &names);
            all.push(found);
        }
    }
    if !twin {
        let mut axis = candidate(AXIS.name, Kind::Block);
        axis.counts = vec![1];
        axis.ty = Some(Type::Axis);
        axis.is_library = true;
        axis.item.doc = context.doc(Entity::AxisHandle);
        axis.uses = context.uses(|other| *other == Entity::AxisHandle);
        call(context, &mut axis, &["\"name\"".to_owned()]);
        all.push(axis);
    }
}

pub fn words(context: &Context<'_>, all: &mut Vec<Candidate>) {
    const WORDS: [SyntaxKind; 16] = [
        SyntaxKind::BreakKw,
        SyntaxKind::ConstKw,
        SyntaxKind::ContinueKw,
        SyntaxKind::DoKw,
        SyntaxKind::ElseKw,
        SyntaxKind::FalseKw,
        SyntaxKind::FnKw,
        SyntaxKind::ForKw,
        SyntaxKind::IfKw,
        SyntaxKind::ImportKw,
        SyntaxKind::InKw,
        SyntaxKind::LetKw,
        SyntaxKind::ReturnKw,
        SyntaxKind::SwitchKw,
        SyntaxKind::TrueKw,
        SyntaxKind::WhileKw,
    ];
    for word in WORDS.iter().filter_map(|kind| kind.spelling()) {
        let mut found = candidate(word, Kind::Keyword);
        if matches!(word, "true" | "false") {
            found.ty = Some(Type::Bool);
        }
        all.push(found);
    }
    if context.arguments.is_some() || context.member.is_some() || context.ty.is_some() {
        return;
    }
    let snippets = [
        (
            "steps",
            "a sequence of steps",
            "switch this.${1:step} {\n    \"${2:idle}\" => {\n        $0\n    }\n}",
        ),
        ("timer", "a timer that is called in every cycle", "this.${1:timer}.run(${2:io.start}, ${3:0.5});"),
        (
            "edge",
            "something on a rising edge",
            "this.${1:edge}.run(${2:io.start});\nif this.${1:edge}.Q {\n    $0\n}",
        ),
    ];
    for (name, detail, text) in snippets {
        let mut found = candidate(name, Kind::Snippet);
        found.item.detail = detail.into();
        found.item.insert = Insert::Snippet(text.into());
        all.push(found);
    }
}
