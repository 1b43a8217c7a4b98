//! Statements that nothing leads to.

use super::{Program, instances::Instances, walk::arguments};
use crate::{
    finding::code,
    hir::{
        AxisName, Block, ExprId, ExprKind, FaultName, Function, Hir, Items, Place, Root, Span, Statement,
        StatementKind, Step, Switch, Type,
    },
    sink::{Found, Sink},
};
use sensai_model::Value;

/// What stands behind `return`, `break`, `continue`, `fault("…")`, or behind a loop or function without an end.
pub(super) fn lint(program: &Program<'_>, sink: &mut Sink) {
    let mut dead = Instances::new();
    for (_, function) in program.functions() {
        let mut ends = Ends { hir: program.hir, function, found: Vec::new(), breaks: Vec::new() };
        ends.block(&function.body);
        dead.add(function, ends.found);
    }
    for (file, span, (cause, why)) in dead.in_all() {
        let found = Found::warning(code::DEAD_CODE, file, span, "this never runs");
        let found = found.help("leave it away, or make what is before it depend on a condition");
        sink.add(found.related(file, cause, why));
    }
}

/// Where, and why.
type Cause = (Span, &'static str);

const BRANCHES: &str = "none of the branches goes on from here";

struct Ends<'a> {
    hir: &'a Hir,
    function: &'a Function,
    found: Vec<(Span, Cause)>,
    /// By loop, the innermost last: it is left by `break` somewhere that can be reached.
    breaks: Vec<bool>,
}

impl Ends<'_> {
    /// Why control does not come to the end of it; `None`: it may.
    fn block(&mut self, block: &Block) -> Option<Cause> {
        let value = block.value.map(|value| self.function.expr(value).span);
        let end =
            value.or(block.statements.last().map(|statement| statement.span)).map_or(0, |span| span.end);
        for (index, statement) in block.statements.iter().enumerate() {
            let Some(cause) = self.statement(statement) else { continue };
            let next = block.statements.get(index + 1).map(|statement| statement.span).or(value);
            // What the front end puts in by itself has no text.
            if let Some(next) = next.filter(|next| next.start < end) {
                self.found.push((Span::new(next.start, end), cause));
            }
            return Some(cause);
        }
        block.value.and_then(|value| self.expr(value))
    }

    fn statement(&mut self, statement: &Statement) -> Option<Cause> {
        let because = |why| Some((statement.span, why));
        match &statement.kind {
            StatementKind::Let { value, .. } | StatementKind::Expr(value) => self.expr(*value),
            StatementKind::Assign { place, value, .. } => self.expr(*value).or_else(|| self.place(place)),
            StatementKind::AssignTag { tag, value, .. } => self.any(&[Some(*value), tag.index]),
            StatementKind::While { condition, body, body_first, until } => {
                let cause = condition.filter(|_| !body_first).and_then(|condition| self.expr(condition));
                self.breaks.push(false);
                let body = self.block(body);
                let left = self.breaks.pop().unwrap_or(false);
                let goes_on = condition.is_none_or(|condition| {
                    matches!(self.function.expr(condition).kind, ExprKind::Literal(Value::Bool(goes)) if goes != *until)
                });
                let never_back = body.filter(|_| *body_first && !left && condition.is_some());
                cause
                    .or(never_back)
                    .or_else(|| if goes_on && !left { because("this loop is never left") } else { None })
            }
            StatementKind::For { items, body, .. } => {
                let cause = match items {
                    Items::Range { start, end, .. } => self.any(&[Some(*start), Some(*end)]),
                    Items::Array(array) => self.expr(*array),
                    Items::Tag(_) => None,
                };
                self.breaks.push(false);
                self.block(body);
                self.breaks.pop();
                cause
            }
            StatementKind::Break => {
                if let Some(left) = self.breaks.last_mut() {
                    *left = true;
                }
                because("`break` leaves the loop here")
            }
            StatementKind::Continue => because("`continue` goes on with the loop here"),
            StatementKind::Return(value) => {
                value.and_then(|value| self.expr(value)).or(because("the function is left here"))
            }
        }
    }

    fn any(&mut self, ids: &[Option<ExprId>]) -> Option<Cause> {
        let causes: Vec<Cause> = ids.iter().copied().flatten().filter_map(|id| self.expr(id)).collect();
        causes.first().copied()
    }

    fn all(&mut self, ids: &[ExprId]) -> Option<Cause> {
        let causes: Vec<Cause> = ids.iter().filter_map(|id| self.expr(*id)).collect();
        causes.first().copied()
    }

    fn expr(&mut self, id: ExprId) -> Option<Cause> {
        let expr = self.function.expr(id);
        match &expr.kind {
            ExprKind::Literal(_)
            | ExprKind::Symbol(_)
            | ExprKind::Parameter(_)
            | ExprKind::Sys(_)
            | ExprKind::Fresh(_)
            | ExprKind::Request(_)
            | ExprKind::MakeAxis(AxisName::Known(_)) => None,
            ExprKind::Read(place)
            | ExprKind::Len(place)
            | ExprKind::Pin { block: place, .. }
            | ExprKind::AxisProperty { handle: place, .. } => self.place(place),
            ExprKind::Tag { tag, .. } => self.any(&[tag.index]),
            ExprKind::Unary(_, operand) => self.expr(*operand),
            ExprKind::Binary(_, left, right) => self.all(&[*left, *right]),
            ExprKind::Logic { left, right, .. } => {
                let cause = self.expr(*left);
                self.expr(*right);
                cause
            }
            ExprKind::If { condition, then, otherwise } => {
                let cause = self.expr(*condition);
                let then = self.block(then);
                let otherwise = otherwise.as_ref().and_then(|block| self.block(block));
                cause.or_else(|| then.and(otherwise).map(|_| (expr.span, BRANCHES)))
            }
            ExprKind::Switch(switch) => self.switch(switch, expr.span),
            ExprKind::Block(block) => self.block(block),
            ExprKind::Library(_, arguments)
            | ExprKind::Array(arguments)
            | ExprKind::MakeBlock { arguments, .. } => self.all(arguments),
            ExprKind::Call { function, receiver, arguments } => {
                let cause = receiver.as_ref().and_then(|receiver| self.place(receiver));
                let cause = cause.or_else(|| self.all(arguments));
                let never = self.hir.function(*function).result == Type::Never;
                cause.or_else(|| never.then_some((expr.span, "this function never comes back")))
            }
            ExprKind::Method { block, arguments, .. } => self.place(block).or_else(|| self.all(arguments)),
            ExprKind::AxisCommand { handle, command } => {
                self.place(handle).or_else(|| self.all(&arguments(command)))
            }
            ExprKind::RequestNamed(_, name) | ExprKind::MakeAxis(AxisName::Text(name)) => self.expr(*name),
            ExprKind::Fault(name) => {
                if let FaultName::Value(name) = name {
                    self.expr(*name);
                }
                Some((expr.span, "`fault` ends the run here"))
            }
            ExprKind::Fill { value, .. } => self.expr(*value),
            ExprKind::Record(fields) => {
                let values: Vec<ExprId> = fields.iter().map(|(_, value)| *value).collect();
                self.all(&values)
            }
        }
    }

    fn switch(&mut self, switch: &Switch, span: Span) -> Option<Cause> {
        let cause = self.expr(switch.value);
        let arms: Vec<Option<Cause>> = switch
            .arms
            .iter()
            .map(|arm| {
                let guard = arm.guard.and_then(|guard| self.expr(guard));
                self.expr(arm.body).or(guard)
            })
            .collect();
        let default = switch.default.and_then(|default| self.expr(default));
        let all = arms.iter().all(Option::is_some);
        cause.or_else(|| default.filter(|_| all).map(|_| (span, BRANCHES)))
    }

    fn place(&mut self, place: &Place) -> Option<Cause> {
        let root = match place.root {
            Root::Value(value) => self.expr(value),
            _ => None,
        };
        let index = |step: &Step| match step {
            Step::Index { index, .. } => Some(*index),
            Step::Field { .. } => None,
        };
        let indices: Vec<ExprId> = place.path.iter().filter_map(index).collect();
        root.or_else(|| self.all(&indices))
    }
}
