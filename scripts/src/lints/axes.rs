//! Axes that are told to go somewhere, and nobody asks how it went.

use super::{
    Program, paths,
    walk::{Access, Visitor, named, walk},
};
use crate::{
    finding::code,
    hir::{AxisCall, Expr, ExprId, ExprKind, FileId, FunctionId, Place, Span},
    sink::{Found, Sink},
};
use std::collections::{BTreeMap, BTreeSet};

/// A command may be refused, aborted or fail, and then the axis is not where the program thinks.
pub(super) fn lint(program: &Program<'_>, sink: &mut Sink) {
    let mut uses =
        Uses { program, function: program.hir.cycle, moved: BTreeMap::new(), asked: BTreeSet::new() };
    for (id, function) in program.functions() {
        if program.paths.is_cyclic(id) {
            uses.function = id;
            walk(function, &mut uses);
        }
    }
    for (path, (file, span, command)) in uses.moved {
        if !uses.asked.contains(&path) {
            let name = paths::name(&program.hir.state, &path);
            let message = format!("whether `{name}` does what `{command}` told it is never asked");
            let help = format!("go on when `{name}.done` is true, and react to `{name}.error`");
            sink.add(Found::warning(code::OUTCOME, file, span, message).help(help));
        }
    }
}

struct Uses<'a> {
    program: &'a Program<'a>,
    function: FunctionId,
    /// By handle: its first command that may fail.
    moved: BTreeMap<paths::Fields, (FileId, Span, &'static str)>,
    asked: BTreeSet<paths::Fields>,
}

impl Visitor for Uses<'_> {
    fn expr(&mut self, _: ExprId, expr: &Expr) {
        let ExprKind::AxisCommand { handle, command } = &expr.kind else { return };
        let name = match command {
            AxisCall::Home => "home",
            AxisCall::MoveAbsolute { .. } => "move_absolute",
            AxisCall::MoveRelative { .. } => "move_relative",
            AxisCall::MoveVelocity(_) => "move_velocity",
            AxisCall::Torque { .. } => "torque",
            AxisCall::Power(_)
            | AxisCall::Reset
            | AxisCall::Halt
            | AxisCall::Stop
            | AxisCall::ReleaseStop => return,
        };
        let (file, span) = (self.program.hir.function(self.function).file, named(expr, name));
        for path in self.program.paths.state(self.function, handle) {
            let first = self.moved.entry(path).or_insert((file, span, name));
            if (file, span) < (first.0, first.1) {
                *first = (file, span, name);
            }
        }
    }

    /// Whatever is asked of the axis tells something of its command, if only where it is.
    fn place(&mut self, place: &Place, access: Access) {
        if access == Access::Property {
            self.asked.extend(self.program.paths.state(self.function, place));
        }
    }
}
