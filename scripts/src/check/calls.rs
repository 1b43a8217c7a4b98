//! Who calls whom: recursion, the depth of the stack, what runs in `init` and what in `cycle`.

use super::{Sink, walk::Function};
use crate::finding::code;
use rhai::Position;

/// Levels of nested expressions, statements and calls, all functions on a path together. Bounds the native stack.
pub(crate) const DEPTH_MAX: usize = 192;

/// A call of one function of the program from another.
pub(crate) struct Call {
    pub from: usize,
    pub to: usize,
    pub position: Position,
    /// Nesting at the place of the call.
    pub depth: usize,
}

/// Functions, by index, that run when `entry` does.
pub(crate) fn reachable(functions: &[Function], calls: &[Call], entry: &str) -> Vec<bool> {
    let mut reached = vec![false; functions.len()];
    let start =
        functions.iter().position(|function| function.name == entry && function.parameters.is_empty());
    let mut open: Vec<usize> = start.into_iter().collect();
    while let Some(index) = open.pop() {
        if std::mem::replace(&mut reached[index], true) {
            continue;
        }
        open.extend(calls.iter().filter(|call| call.from == index).map(|call| call.to));
    }
    reached
}

/// Find recursion and nesting across calls; true if there is no recursion. `depths`: the deepest nesting in each
/// function.
pub(crate) fn check(functions: &[Function], calls: &[Call], depths: &[usize], sink: &mut Sink<'_>) -> bool {
    let totals = vec![None; functions.len()];
    let mut search = Search { functions, calls, totals, path: Vec::new(), depths, recursive: false };
    for (index, function) in functions.iter().enumerate() {
        let total = search.total(index, sink);
        if total > DEPTH_MAX && !calls.iter().any(|call| call.to == index) {
            sink.error(
                code::TOO_LARGE,
                function.position,
                1,
                format!(
                    "`{}` and what it calls are nested {total} levels deep, at most {DEPTH_MAX} are possible",
                    function.name
                ),
                "nest calls, blocks and expressions less deeply",
            );
        }
    }
    !search.recursive
}

/// Functions of a chain that a finding names before it leaves some out.
const NAMED_MAX: usize = 4;

/// Find calls nested deeper than the limit. There must be no recursion.
pub(crate) fn check_depth(functions: &[Function], calls: &[Call], limit: usize, sink: &mut Sink<'_>) {
    let mut deepest = vec![None; functions.len()];
    for entry in ["init", "cycle"] {
        let is_entry = |function: &Function| function.name == entry && function.parameters.is_empty();
        let Some(start) = functions.iter().position(is_entry) else { continue };
        let depth = depth_below(start, calls, &mut deepest).0;
        if depth <= limit {
            continue;
        }
        let mut names = vec![functions[start].name.as_str()];
        let mut next = deepest[start].and_then(|(_, call)| call);
        let mut too_deep = None;
        while let Some(call) = next.and_then(|index: usize| calls.get(index)) {
            if names.len() == limit {
                too_deep = Some(call);
            }
            names.push(functions[call.to].name.as_str());
            next = deepest[call.to].and_then(|(_, call)| call);
        }
        let Some(call) = too_deep else { continue };
        let dots = if names.len() > NAMED_MAX { " → …" } else { "" };
        let chain = names[..names.len().min(NAMED_MAX)].join(" → ");
        let name = functions[call.to].name.as_str();
        sink.error(
            code::CALL_DEPTH,
            call.position,
            name.chars().count(),
            format!(
                "calls are nested {depth} deep, expected at most {limit}: {chain}{dots}; this one is too deep"
            ),
            format!("call fewer functions from functions, or raise [limits] call_depth to {depth}"),
        );
    }
}

/// Functions on the longest chain of calls from this one on, itself included, and the first call of that chain.
fn depth_below(
    index: usize,
    calls: &[Call],
    deepest: &mut [Option<(usize, Option<usize>)>],
) -> (usize, Option<usize>) {
    if let Some(known) = deepest[index] {
        return known;
    }
    let mut found = (1, None);
    for (number, call) in calls.iter().enumerate().filter(|(_, call)| call.from == index) {
        let depth = 1 + depth_below(call.to, calls, deepest).0;
        if depth > found.0 {
            found = (depth, Some(number));
        }
    }
    deepest[index] = Some(found);
    found
}

struct Search<'a> {
    functions: &'a [Function],
    calls: &'a [Call],
    depths: &'a [usize],
    totals: Vec<Option<usize>>,
    path: Vec<usize>,
    recursive: bool,
}

impl Search<'_> {
    /// Levels from the start of a function to the deepest end. There are at most as many levels as functions.
    fn total(&mut self, index: usize, sink: &mut Sink<'_>) -> usize {
        if let Some(total) = self.totals[index] {
            return total;
        }
        self.path.push(index);
        let mut total = self.depths[index];
        for call in self.calls.iter().filter(|call| call.from == index) {
            if let Some(start) = self.path.iter().position(|on_path| *on_path == call.to) {
                self.recursive = true;
                self.report(call, start, sink);
                continue;
            }
            total = total.max(call.depth + 1 + self.total(call.to, sink));
        }
        self.path.pop();
        self.totals[index] = Some(total);
        total
    }

    fn report(&self, call: &Call, start: usize, sink: &mut Sink<'_>) {
        let mut names: Vec<&str> =
            self.path[start..].iter().map(|index| self.functions[*index].name.as_str()).collect();
        names.push(&self.functions[call.to].name);
        let name = &self.functions[call.to].name;
        let message = if names.len() == 2 {
            format!("`{name}` calls itself")
        } else {
            format!("`{name}` calls itself: {}", names.join(" → "))
        };
        sink.error(
            code::RECURSION,
            call.position,
            name.chars().count(),
            message,
            "use a loop, or one step in each cycle",
        );
    }
}
