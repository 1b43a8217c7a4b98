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

/// Find recursion and nesting across calls. `depths`: the deepest nesting in each function.
pub(crate) fn check(functions: &[Function], calls: &[Call], depths: &[usize], sink: &mut Sink<'_>) {
    let mut search =
        Search { functions, calls, totals: vec![None; functions.len()], path: Vec::new(), depths };
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
}

struct Search<'a> {
    functions: &'a [Function],
    calls: &'a [Call],
    depths: &'a [usize],
    totals: Vec<Option<usize>>,
    path: Vec<usize>,
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
