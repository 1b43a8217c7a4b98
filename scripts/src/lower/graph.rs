//! Who calls whom, by the text: recursion, the depth of the stack, nesting over all calls.

use super::{Lowering, imports::PROGRAM, token_span};
use crate::{
    finding::code,
    hir::Span,
    sink::Found,
    syntax::{
        SyntaxKind as K, SyntaxNode, SyntaxToken,
        ast::{self, AstNode},
    },
};

/// Levels of nested expressions, statements and calls, all functions on a path together. Bounds the native stack.
pub(super) const DEPTH_MAX: usize = 192;

/// Functions of a chain that a finding names before it leaves some out.
const NAMED_MAX: usize = 4;

/// A call of one function of the program from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub from: usize,
    pub to: usize,
    pub span: Span,
    /// Nesting at the place of the call.
    depth: usize,
}

impl Lowering<'_, '_> {
    /// Find recursion and what is nested too deeply over calls. False: there is such a thing.
    pub fn check_calls(&mut self) -> bool {
        let mut calls = Vec::new();
        for from in 0..self.items.len() {
            let Some(body) = self.items.get(from).and_then(|item| item.body.clone()) else { continue };
            let mut measure = Measure { lowering: self, from, calls: &mut calls, deepest: 0 };
            measure.node(body.syntax(), 0);
            let deepest = measure.deepest;
            if let Some(item) = self.items.get_mut(from) {
                item.depth = deepest;
            }
        }
        let before = self.sink.errors();
        let count = self.items.len();
        let mut search = Search {
            lowering: self,
            calls: &calls,
            totals: vec![None; count],
            path: Vec::new(),
            recursive: false,
        };
        for index in 0..count {
            search.from(index);
        }
        if !search.recursive {
            self.check_depth(&calls);
        }
        self.calls = calls.iter().map(|call| (call.from, call.to)).collect();
        self.sink.errors() == before
    }

    fn check_depth(&mut self, calls: &[Call]) {
        let limit = self.environment.limits.call_depth;
        let mut deepest = vec![None; self.items.len()];
        for entry in ["init", "cycle"] {
            let Some(start) = self.find(PROGRAM, entry, 0) else { continue };
            let depth = depth_below(start, calls, &mut deepest).0;
            if depth <= limit {
                continue;
            }
            let name = |index: usize| self.items.get(index).map_or("", |item| item.name.as_str());
            let mut names = vec![name(start)];
            let mut next = deepest.get(start).copied().flatten().and_then(|(_, call)| call);
            let mut too_deep = None;
            while let Some(call) = next.and_then(|index: usize| calls.get(index)) {
                if names.len() == limit {
                    too_deep = Some(call);
                }
                names.push(name(call.to));
                next = deepest.get(call.to).copied().flatten().and_then(|(_, call)| call);
            }
            let Some(call) = too_deep else { continue };
            let dots = if names.len() > NAMED_MAX { " → …" } else { "" };
            let chain = names.get(..names.len().min(NAMED_MAX)).unwrap_or_default().join(" → ");
            let message = format!(
                "calls are nested {depth} deep, expected at most {limit}: {chain}{dots}; this one is too deep"
            );
            let help =
                format!("call fewer functions from functions, or raise [limits] call_depth to {depth}");
            let Some(file) = self.items.get(call.from).map(|item| item.file) else { continue };
            self.sink.add(Found::error(code::CALL_DEPTH, file, call.span, message).help(help));
        }
    }
}

/// Functions on the longest chain of calls from this one on, itself included, and the first call of that chain.
fn depth_below(
    index: usize,
    calls: &[Call],
    deepest: &mut [Option<(usize, Option<usize>)>],
) -> (usize, Option<usize>) {
    if let Some(known) = deepest.get(index).copied().flatten() {
        return known;
    }
    let mut found = (1, None);
    for (number, call) in calls.iter().enumerate().filter(|(_, call)| call.from == index) {
        let depth = 1 + depth_below(call.to, calls, deepest).0;
        if depth > found.0 {
            found = (depth, Some(number));
        }
    }
    if let Some(slot) = deepest.get_mut(index) {
        *slot = Some(found);
    }
    found
}

/// Measures how deeply the tree of a body is nested, and finds the calls in it.
struct Measure<'m, 'a, 's> {
    lowering: &'m Lowering<'a, 's>,
    from: usize,
    calls: &'m mut Vec<Call>,
    deepest: usize,
}

impl Measure<'_, '_, '_> {
    /// The function of the program or a library that is called here, and its name.
    fn called(&self, node: &SyntaxNode) -> Option<(SyntaxToken, usize)> {
        let file = self.lowering.items.get(self.from)?.file;
        if let Some(call) = ast::MethodCallExpr::cast(node.clone()) {
            let (name, count) = (call.name()?, call.args().count());
            let to = self.lowering.find_method(file, name.text(), count)?;
            return Some((name, to));
        }
        let call = ast::CallExpr::cast(node.clone())?;
        let segments: Vec<SyntaxToken> = call.path()?.segments().collect();
        let (name, of) = match &segments[..] {
            [name] => (name, file),
            [alias, name] => (name, self.lowering.imported(file, alias.text())?),
            _ => return None,
        };
        let to = self.lowering.find(of, name.text(), call.args().count())?;
        Some((name.clone(), to))
    }

    fn node(&mut self, node: &SyntaxNode, depth: usize) {
        let depth = depth + levels(node);
        self.deepest = self.deepest.max(depth);
        if let Some((name, to)) = self.called(node) {
            self.calls.push(Call { from: self.from, to, span: token_span(&name), depth });
        }
        for child in node.children() {
            self.node(&child, depth);
        }
    }
}

/// How many levels a node adds: the parts of a path stand beside each other.
fn levels(node: &SyntaxNode) -> usize {
    let parent = node.parent().map(|parent| parent.kind());
    match node.kind() {
        K::FieldExpr | K::IndexExpr | K::MethodCallExpr => {
            let continued = matches!(parent, Some(K::FieldExpr | K::IndexExpr | K::MethodCallExpr))
                && node.prev_sibling().is_none();
            usize::from(!continued)
        }
        K::Block => usize::from(!matches!(
            parent,
            Some(K::Fn | K::IfExpr | K::WhileExpr | K::LoopExpr | K::DoExpr | K::ForExpr | K::TryStmt)
        )),
        K::IfExpr | K::SwitchExpr | K::WhileExpr | K::LoopExpr | K::DoExpr | K::ForExpr => {
            if parent == Some(K::ExprStmt) { 1 } else { 2 }
        }
        K::ExprStmt => usize::from(node.first_child().is_none_or(|child| !is_flow(child.kind()))),
        K::ParenExpr
        | K::ArgList
        | K::ParamList
        | K::Param
        | K::MapEntry
        | K::CaseValues
        | K::Guard
        | K::EmptyStmt
        | K::Error
        | K::ReceiverType => 0,
        _ => 1,
    }
}

fn is_flow(kind: K) -> bool {
    matches!(kind, K::IfExpr | K::SwitchExpr | K::WhileExpr | K::LoopExpr | K::DoExpr | K::ForExpr | K::Block)
}

struct Search<'m, 'a, 's> {
    lowering: &'m mut Lowering<'a, 's>,
    calls: &'m [Call],
    totals: Vec<Option<usize>>,
    path: Vec<usize>,
    recursive: bool,
}

impl Search<'_, '_, '_> {
    fn from(&mut self, index: usize) {
        let total = self.total(index);
        let Some(item) = self.lowering.items.get(index) else { return };
        if total > DEPTH_MAX && !self.calls.iter().any(|call| call.to == index) {
            let message = format!(
                "`{}` and what it calls are nested {total} levels deep, at most {DEPTH_MAX} are possible",
                item.name
            );
            let found = Found::error(code::TOO_LARGE, item.file, item.span, message)
                .help("nest calls, blocks and expressions less deeply");
            self.lowering.sink.add(found);
        }
    }

    /// Levels from the start of a function to the deepest end. There are at most as many levels as functions.
    fn total(&mut self, index: usize) -> usize {
        if let Some(total) = self.totals.get(index).copied().flatten() {
            return total;
        }
        self.path.push(index);
        let mut total = self.lowering.items.get(index).map_or(0, |item| item.depth);
        let calls = self.calls;
        for call in calls.iter().filter(|call| call.from == index) {
            if let Some(start) = self.path.iter().position(|on_path| *on_path == call.to) {
                self.recursive = true;
                self.report(call, start);
                continue;
            }
            total = total.max(call.depth + 1 + self.total(call.to));
        }
        self.path.pop();
        if let Some(slot) = self.totals.get_mut(index) {
            *slot = Some(total);
        }
        total
    }

    fn report(&mut self, call: &Call, start: usize) {
        let items = &self.lowering.items;
        let name = |index: &usize| items.get(*index).map_or("", |item| item.name.as_str());
        let mut names: Vec<&str> = self.path.get(start..).unwrap_or_default().iter().map(name).collect();
        names.push(name(&call.to));
        let callee = name(&call.to);
        let message = if names.len() == 2 {
            format!("`{callee}` calls itself")
        } else {
            format!("`{callee}` calls itself: {}", names.join(" → "))
        };
        let Some(file) = items.get(call.from).map(|item| item.file) else { return };
        let found = Found::error(code::RECURSION, file, call.span, message)
            .help("use a loop, or one step in each cycle");
        self.lowering.sink.add(found);
    }
}
