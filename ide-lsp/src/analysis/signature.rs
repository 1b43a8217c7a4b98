//! The arguments of the call that is being written.

use super::{Place, Snapshot, hover};
use sensai_scripts::{
    hir::{Function, Type},
    syntax::{
        SyntaxKind as K, SyntaxNode,
        ast::{self, AstNode},
    },
    uses::Entity,
};
use sensai_stdlib::registry::{self, Argument};
use std::ops::Range;

/// How something is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// All of it.
    pub label: String,
    /// Its arguments, as parts of the label.
    pub arguments: Vec<Range<usize>>,
    /// Markdown.
    pub doc: String,
}

/// Ways to call what is called at a place, the one that fits, and the argument at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// At least one.
    pub signatures: Vec<Signature>,
    /// Index of the one that takes as many arguments as there are.
    pub active: usize,
    /// The argument that is being written.
    pub argument: usize,
}

/// The call around a place.
pub fn signature(snapshot: &Snapshot, place: &Place) -> Option<Call> {
    let (unit, file) = snapshot.unit(&place.path)?;
    let tree = unit.analysed.trees.get(file.index())?;
    let offset = u32::try_from(place.at).ok()?;
    let root = tree.syntax();
    if offset > u32::from(root.text_range().end()) {
        return None;
    }
    let token = root.token_at_offset(offset.into()).left_biased()?;
    let list = token.parent_ancestors().find(|node| node.kind() == K::ArgList && is_inside(node, offset))?;
    let commas = list.children_with_tokens().filter_map(|element| element.into_token());
    let commas = commas.filter(|token| token.kind() == K::Comma);
    let argument = commas.filter(|comma| u32::from(comma.text_range().end()) <= offset).count();
    let call = list.parent()?;
    let name = match (ast::CallExpr::cast(call.clone()), ast::MethodCallExpr::cast(call)) {
        (Some(call), _) => call.path()?.segments().last()?,
        (None, Some(call)) => call.name()?,
        _ => return None,
    };
    let start = u32::from(name.text_range().start());
    let found = unit.analysed.uses.at(file, start).find(|found| found.span.start == start);
    let signatures = match found.map(|found| &found.entity) {
        Some(Entity::Function(of, declared)) => {
            let functions = hover::functions(unit);
            let mut all: Vec<Signature> = Vec::new();
            for function in functions.filter(|function| function.file == *of && function.span == *declared) {
                let signature = of_function(function);
                if !all.contains(&signature) {
                    all.push(signature);
                }
            }
            all
        }
        Some(Entity::Unknown(_)) | None => {
            let named = hover::functions(unit).filter(|function| function.name == name.text());
            named.map(of_function).collect()
        }
        Some(entity) => of_known(entity),
    };
    let active = signatures.iter().position(|signature| signature.arguments.len() > argument).unwrap_or(0);
    (!signatures.is_empty()).then_some(Call { signatures, active, argument })
}

fn is_inside(list: &SyntaxNode, at: u32) -> bool {
    let range = list.text_range();
    let closed = list.last_token().is_some_and(|token| token.kind() == K::RParen);
    u32::from(range.start()) < at && (at < u32::from(range.end()) || !closed)
}

/// A label made of its arguments.
fn build(name: &str, arguments: impl IntoIterator<Item = String>, behind: &str, doc: &str) -> Signature {
    let mut label = format!("{name}(");
    let mut ranges = Vec::new();
    for argument in arguments {
        if !ranges.is_empty() {
            label.push_str(", ");
        }
        ranges.push(label.len()..label.len() + argument.len());
        label.push_str(&argument);
    }
    label.push(')');
    label.push_str(behind);
    Signature { label, arguments: ranges, doc: doc.trim().to_owned() }
}

fn of_function(function: &Function) -> Signature {
    let parameters = function.locals.iter().take(function.parameters as usize);
    let parameters = parameters.map(|local| match local.ty {
        Type::Unknown => local.name.clone(),
        _ => format!("{}: {}", local.name, local.ty),
    });
    let result = match &function.result {
        Type::Unit | Type::Never | Type::Unknown => String::new(),
        ty => format!(" -> {ty}"),
    };
    build(&function.name, parameters, &result, "")
}

fn of_known(entity: &Entity) -> Vec<Signature> {
    let documented = |arguments: &[Argument], doc: &str| {
        let lines =
            arguments.iter().map(|argument| format!("- `{}`: {}\n", argument.name, argument.doc.trim()));
        format!("{}\n\n{}", doc.trim(), lines.collect::<String>())
    };
    match entity {
        Entity::Block(_) => {
            let Some(block) = entity.block() else { return Vec::new() };
            let of = |count: usize| {
                let arguments = (0..count).filter_map(|index| block.constructor.argument(index));
                let doc = block.doc.split("\n\n").next().unwrap_or_default();
                build(block.name, arguments.map(hover::argument), "", doc)
            };
            // A repeated group would give dozens.
            block.constructor.counts().take(8).map(of).collect()
        }
        Entity::Method(..) => {
            let Some(method) = entity.method() else { return Vec::new() };
            let result = method.result.map_or(String::new(), |result| format!(" -> {}", result.name()));
            let doc = documented(method.arguments, method.doc);
            vec![build(method.path, method.arguments.iter().map(hover::argument), &result, &doc)]
        }
        Entity::Command(_) => {
            let Some(command) = entity.command() else { return Vec::new() };
            let name = format!("Axis.{}", command.name);
            vec![build(&name, command.arguments.iter().map(hover::handle_argument), "", command.doc)]
        }
        Entity::AxisHandle => {
            let arguments = registry::AXIS.constructor.iter().map(hover::handle_argument);
            vec![build(registry::AXIS.name, arguments, "", "Handle of an axis of the cell.")]
        }
        Entity::LibraryFunction(name) => registry::functions()
            .iter()
            .filter(|function| function.name == *name)
            .map(|function| {
                let arguments = function.argument_names.iter().zip(function.arguments);
                let arguments = arguments.map(|(name, scalar)| format!("{name}: {}", scalar.name()));
                build(function.name, arguments, &format!(" -> {}", function.result.name()), function.doc)
            })
            .collect(),
        Entity::BuiltIn(name) => {
            let arguments: &[&str] = match *name {
                "array" => &["n", "value"],
                "len" => &["array"],
                "fault" | "jidoka" | "alarm" => &["name"],
                _ => &[],
            };
            vec![build(name, arguments.iter().map(|name| (*name).to_owned()), "", "")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    fn shown(text: &str) -> Option<(String, usize, usize)> {
        let (fixture, place) = Fixture::with_cursor(text);
        let call = signature(&fixture.snapshot, &place)?;
        Some((call.signatures[call.active].label.clone(), call.signatures.len(), call.argument))
    }

    #[test]
    fn the_call_at_hand_is_shown() {
        let body = |call: &str| {
            format!(
                "fn init() {{ #{{ t: TON(), x: 0.0 }} }}\nfn cycle() {{ {call} }}\nfn f(a, b) {{ a + b }}\n"
            )
        };
        let of = |call: &str| shown(&body(call));
        assert_eq!(of("this.t.run(io.start, $00.5);"), Some(("TON.run(IN: bool, PT: f64 [s])".into(), 1, 1)));
        assert_eq!(
            of("this.x = f(1.0, max($02.0, 1.0));"),
            Some(("max(a: i64, b: i64) -> i64".into(), 2, 0))
        );
        assert_eq!(of("this.x = f(1.0, $0max(2.0, 1.0));"), Some(("f(a: f64, b: f64) -> f64".into(), 1, 1)));
        assert!(of("this.x = f(1.0, $0").is_some());
        assert_eq!(of("$0this.x = 1.0;"), None);
        assert_eq!(of("fault($0);"), Some(("fault(name)".into(), 1, 0)));
    }
}
