//! Loops that wait for something which does not change in a cycle.

use super::{
    Program,
    walk::{Access, Visitor, walk, walk_block, walk_expr},
};
use crate::{
    finding::code,
    hir::{
        Block, Expr, ExprId, ExprKind, Function, Hir, LocalId, Place, Root, Span, Statement, StatementKind,
        Switch, TagPlace, Type,
    },
    sink::{Found, Sink},
};
use std::collections::BTreeSet;

/// Inputs, parameters and facts stay what they are during a run. A loop that ends by those only ends at once or never.
pub(super) fn lint(program: &Program<'_>, sink: &mut Sink) {
    for (_, function) in program.functions() {
        let mut loops = Loops { hir: program.hir, function, found: Vec::new() };
        walk(function, &mut loops);
        for span in loops.found {
            let message = "nothing in this loop changes what ends it: once begun, it never ends";
            let help = "in a cycle nothing is waited for; ask again in the next one";
            sink.add(Found::warning(code::UNBOUNDED_LOOP, function.file, span, message).help(help));
        }
    }
}

struct Loops<'a> {
    hir: &'a Hir,
    function: &'a Function,
    found: Vec<Span>,
}

impl Visitor for Loops<'_> {
    fn statement(&mut self, statement: &Statement) {
        let StatementKind::While { condition, body_first, body, .. } = &statement.kind else { return };
        let mut exits = Exits { hir: self.hir, function: self.function, asked: Vec::new(), at_once: false };
        exits.block(body, &mut Vec::new(), true);
        exits.asked.extend(*condition);
        if exits.at_once || exits.asked.is_empty() {
            return;
        }
        let mut changes = Changes::default();
        walk_block(self.function, body, &mut changes);
        if let Some(condition) = condition {
            walk_expr(self.function, *condition, &mut changes);
        }
        if !exits.asked.iter().any(|asked| changes.may_change(self.function, *asked)) {
            let word = match (condition, body_first) {
                (None, _) => "loop",
                (Some(_), false) => "while",
                (Some(_), true) => "do",
            };
            let start = statement.span.start;
            self.found.push(Span::new(start, start + word.len() as u32));
        }
    }
}

/// What decides whether a loop is left.
struct Exits<'a> {
    hir: &'a Hir,
    function: &'a Function,
    asked: Vec<ExprId>,
    /// It is left in the first turn, whatever is asked.
    at_once: bool,
}

impl Exits<'_> {
    /// `own`: a `break` here leaves the loop that is looked at.
    fn block(&mut self, block: &Block, guards: &mut Vec<ExprId>, own: bool) {
        for statement in &block.statements {
            match &statement.kind {
                StatementKind::Break if own => self.exit(guards),
                StatementKind::Return(_) => self.exit(guards),
                StatementKind::While { condition, body, .. } => {
                    let outer = guards.len();
                    guards.extend(*condition);
                    self.block(body, guards, false);
                    guards.truncate(outer);
                }
                // How often it turns is known, and so is what its variable comes to.
                StatementKind::For { body, .. } => self.block(body, guards, false),
                StatementKind::Let { value, .. }
                | StatementKind::Expr(value)
                | StatementKind::Assign { value, .. }
                | StatementKind::AssignTag { value, .. } => self.expr(*value, guards, own),
                StatementKind::Break | StatementKind::Continue => {}
            }
        }
        if let Some(value) = block.value {
            self.expr(value, guards, own);
        }
    }

    fn exit(&mut self, guards: &[ExprId]) {
        self.at_once |= guards.is_empty();
        self.asked.extend_from_slice(guards);
    }

    fn expr(&mut self, id: ExprId, guards: &mut Vec<ExprId>, own: bool) {
        let outer = guards.len();
        match &self.function.expr(id).kind {
            ExprKind::If { condition, then, otherwise } => {
                guards.push(*condition);
                self.block(then, guards, own);
                if let Some(otherwise) = otherwise {
                    self.block(otherwise, guards, own);
                }
            }
            ExprKind::Switch(Switch { value, arms, default }) => {
                guards.push(*value);
                guards.extend(arms.iter().filter_map(|arm| arm.guard));
                for body in arms.iter().map(|arm| arm.body).chain(*default) {
                    self.expr(body, guards, own);
                }
            }
            ExprKind::Logic { left, right, .. } => {
                self.expr(*left, guards, own);
                guards.push(*left);
                self.expr(*right, guards, own);
            }
            ExprKind::Block(block) => self.block(block, guards, own),
            ExprKind::Fault(_) => self.exit(guards),
            ExprKind::Call { function, .. } if self.hir.function(*function).result == Type::Never => {
                self.exit(guards);
            }
            // What else may leave the loop stands in no part of an expression that people write.
            _ => {}
        }
        guards.truncate(outer);
    }
}

/// What may change in a turn of a loop.
#[derive(Default)]
struct Changes {
    locals: BTreeSet<LocalId>,
    tags: BTreeSet<u32>,
    state: bool,
    blocks: bool,
    /// A function is called, which may change everything but variables.
    called: bool,
}

impl Visitor for Changes {
    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let { local, .. } => {
                self.locals.insert(*local);
            }
            StatementKind::For { variable, counter, .. } => {
                self.locals.insert(*variable);
                self.locals.extend(*counter);
            }
            _ => {}
        }
    }

    fn expr(&mut self, _: ExprId, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call { .. } => self.called = true,
            ExprKind::Method { .. } | ExprKind::AxisCommand { .. } => self.blocks = true,
            _ => {}
        }
    }

    fn place(&mut self, place: &Place, access: Access) {
        if !matches!(access, Access::Write | Access::Update | Access::Call) {
            return;
        }
        match place.root {
            Root::Local(local) => {
                self.locals.insert(local);
            }
            Root::This => self.state = true,
            Root::Constant(_) | Root::Value(_) => {}
        }
    }

    fn written(&mut self, tag: &TagPlace, _: &Statement) {
        self.tags.insert(tag.tag);
    }
}

impl Changes {
    fn may_change(&self, function: &Function, id: ExprId) -> bool {
        let mut asked = Asked { changes: self, changed: false };
        walk_expr(function, id, &mut asked);
        asked.changed
    }
}

struct Asked<'a> {
    changes: &'a Changes,
    changed: bool,
}

impl Visitor for Asked<'_> {
    fn expr(&mut self, _: ExprId, expr: &Expr) {
        let changes = self.changes;
        self.changed |= match &expr.kind {
            ExprKind::Call { .. } | ExprKind::Method { .. } => true,
            ExprKind::Pin { .. } | ExprKind::AxisProperty { .. } => changes.blocks || changes.called,
            ExprKind::Tag { tag, .. } => changes.tags.contains(&tag.tag) || changes.called,
            _ => false,
        };
    }

    fn place(&mut self, place: &Place, access: Access) {
        let changes = self.changes;
        self.changed |= match place.root {
            Root::Local(local) => changes.locals.contains(&local),
            Root::This => access == Access::Read && (changes.state || changes.called),
            Root::Constant(_) | Root::Value(_) => false,
        };
    }
}
