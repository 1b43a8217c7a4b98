//! How much a program does at most: work units, as the native tier charges them, without running it.
//!
//! A unit is about one simple operation. What counts how many:
//!
//! | what | units |
//! | --- | --- |
//! | a literal; reading a variable or a field | 0 |
//! | an operator, a condition, a tag, a parameter, a fact of the cycle, a call | 1 |
//! | an index on the way to a place | 1 |
//! | a statement; every turn of a loop | 1 |
//! | every arm of a `switch`, as far as it is asked | 1 |
//! | a function of the library | 2 |
//! | a method of a block, a command or property of an axis, a request, a fault | 5 |
//! | an array, record or text that is copied or made | 1 for every 64 bytes, and 1 |
//!
//! Of branches the dearest counts, of a loop as many turns as it can have; one of which that is not known has no bound.

mod report;

pub use report::{CostReport, FunctionCost, LineCost, OpenEnd};

use crate::{
    hir::{
        Block, Expr, ExprId, ExprKind, Function, FunctionId, Hir, Items, Place, Span, Statement,
        StatementKind, Step, Type,
        walk::{self, Part},
    },
    proofs::Proofs,
};
use sensai_model::Value;
use std::cell::Cell;

/// Bytes that are copied in one unit.
const BYTES_PER_UNIT: u64 = 64;

/// Of a call into the runtime: a block, an axis, a request.
const CALL: u64 = 4;

/// Units at most, or the loop for which they are not known.
pub type Bound = Result<u64, Unbounded>;

/// A loop of which nobody knows how often it turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbounded {
    /// Where it is.
    pub function: FunctionId,
    /// Its statement.
    pub span: Span,
    /// Why not.
    pub why: Why,
}

/// A loop that may turn so often has no bound: no `[limits] operations` allows it.
const TURNS_MAX: u64 = 1 << 40;

/// Why it is not known how often a loop turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// `loop`: it has no condition.
    Endless,
    /// Nothing in its condition is known to come nearer to its end in every turn.
    Condition,
    /// The ends of the numbers it runs through are not known.
    Numbers,
}

/// What costs are computed from.
pub(crate) struct Costs<'a> {
    hir: &'a Hir,
    proofs: &'a dyn Proofs,
    /// Elements of each tag.
    tag_lens: Vec<u32>,
    functions: Vec<Bound>,
    /// Of every expression, as far as it was asked for.
    exprs: Vec<Vec<Cell<Option<Bound>>>>,
}

impl<'a> Costs<'a> {
    pub fn new(hir: &'a Hir, proofs: &'a dyn Proofs, tag_lens: Vec<u32>) -> Self {
        let exprs = hir.functions.iter().map(|function| vec![Cell::new(None); function.exprs.len()]);
        let functions = Vec::with_capacity(hir.functions.len());
        let mut costs = Self { hir, proofs, tag_lens, functions, exprs: exprs.collect() };
        for (index, function) in hir.functions.iter().enumerate() {
            let bound = costs.block(FunctionId(index as u32), function, &function.body);
            costs.functions.push(bound);
        }
        costs
    }

    /// Of a call of the function.
    pub fn function(&self, id: FunctionId) -> Bound {
        // Callees come before their callers.
        self.functions.get(id.index()).copied().unwrap_or(Ok(0))
    }

    pub fn block(&self, id: FunctionId, function: &Function, block: &Block) -> Bound {
        let mut sum = 0_u64;
        for statement in &block.statements {
            sum = sum.saturating_add(self.statement(id, function, statement)?);
        }
        match block.value {
            Some(value) => Ok(sum.saturating_add(self.expr(id, function, value)?)),
            None => Ok(sum),
        }
    }

    pub fn statement(&self, id: FunctionId, function: &Function, statement: &Statement) -> Bound {
        let own = own_statement(function, statement, &self.tag_lens);
        let (turn, body) = match &statement.kind {
            StatementKind::While { body, condition, .. } => {
                let condition = condition.map_or(Ok(0), |condition| self.expr(id, function, condition))?;
                (condition.saturating_add(1), body)
            }
            StatementKind::For { variable, body, .. } => {
                (1_u64.saturating_add(moved(&function.local(*variable).ty)), body)
            }
            kind => {
                let mut sum = Ok(own);
                walk::statement_parts(kind, &mut |part| sum = add(sum, self.part(id, function, part)));
                return sum;
            }
        };
        let turns = self.turns(id, function, statement)?;
        let turn = turn.saturating_add(self.block(id, function, body)?);
        let mut sum = Ok(own.saturating_add(turns.saturating_mul(turn)));
        match &statement.kind {
            StatementKind::For { items, .. } => {
                walk::item_parts(items, &mut |part| sum = add(sum, self.part(id, function, part)));
            }
            // Asked once more than the loop turns.
            StatementKind::While { condition: Some(condition), .. } => {
                sum = add(sum, self.expr(id, function, *condition));
            }
            _ => {}
        }
        sum
    }

    /// How often a loop turns at most.
    pub fn turns(&self, id: FunctionId, function: &Function, statement: &Statement) -> Bound {
        let proven = self.proofs.turns(id, statement.span.start);
        let open = |why| Unbounded { function: id, span: statement.span, why };
        match &statement.kind {
            StatementKind::For { items: Items::Range { start, end, inclusive }, .. } => {
                let ends = self.integers(id, function, *start).zip(self.integers(id, function, *end));
                let turns = ends.map(|((low, _), (_, high))| {
                    let turns = i128::from(high) - i128::from(low) + i128::from(*inclusive);
                    u64::try_from(turns.max(0)).unwrap_or(u64::MAX)
                });
                let least = turns.into_iter().chain(proven).min().filter(|turns| *turns < TURNS_MAX);
                least.ok_or(open(Why::Numbers))
            }
            StatementKind::For { items: Items::Array(array), .. } => match &function.expr(*array).ty {
                Type::Array(array) => Ok(array.len.into()),
                _ => Err(open(Why::Numbers)),
            },
            StatementKind::For { items: Items::Tag(tag), .. } => Ok(tag_len(&self.tag_lens, *tag)),
            StatementKind::While { condition, .. } => {
                proven.ok_or(open(if condition.is_some() { Why::Condition } else { Why::Endless }))
            }
            _ => Ok(0),
        }
    }

    fn integers(&self, id: FunctionId, function: &Function, expr: ExprId) -> Option<(i64, i64)> {
        match function.expr(expr).kind {
            ExprKind::Literal(Value::I64(value)) => Some((value, value)),
            // An end that is not known at all is no bound.
            _ => self.proofs.integers(id, expr).filter(|(low, high)| *low > i64::MIN && *high < i64::MAX),
        }
    }

    pub fn expr(&self, id: FunctionId, function: &Function, expr: ExprId) -> Bound {
        let memo = self.exprs.get(id.index()).and_then(|exprs| exprs.get(expr.index()));
        if let Some(bound) = memo.and_then(Cell::get) {
            return bound;
        }
        let bound = self.computed(id, function, function.expr(expr));
        if let Some(memo) = memo {
            memo.set(Some(bound));
        }
        bound
    }

    fn computed(&self, id: FunctionId, function: &Function, expr: &Expr) -> Bound {
        let own = own_expr(function, expr);
        let one = |part| self.expr(id, function, part);
        match &expr.kind {
            ExprKind::If { condition, then, otherwise } => {
                let then = self.block(id, function, then)?;
                let otherwise = otherwise.as_ref().map_or(Ok(0), |block| self.block(id, function, block))?;
                Ok(own.saturating_add(one(*condition)?).saturating_add(then.max(otherwise)))
            }
            ExprKind::Switch(switch) => {
                let mut asked = own.saturating_add(one(switch.value)?);
                let mut dearest = switch.default.map_or(Ok(0), one)?;
                for arm in &switch.arms {
                    asked = asked.saturating_add(arm.guard.map_or(Ok(0), one)?);
                    dearest = dearest.max(one(arm.body)?);
                }
                Ok(asked.saturating_add(dearest))
            }
            kind => {
                let mut sum = Ok(own);
                if let ExprKind::Call { function: callee, .. } = kind {
                    sum = add(sum, self.function(*callee));
                }
                walk::expr_parts(kind, &mut |part| sum = add(sum, self.part(id, function, part)));
                sum
            }
        }
    }

    fn part(&self, id: FunctionId, function: &Function, part: Part<'_>) -> Bound {
        match part {
            Part::Expr(expr) => self.expr(id, function, expr),
            Part::Block(block) => self.block(id, function, block),
        }
    }

    /// Weight of a function for inlining: expressions and statements.
    pub fn weight(&self, id: FunctionId) -> usize {
        let function = self.hir.function(id);
        let mut nodes = 0;
        walk::block(function, &function.body, &mut |_| nodes += 1);
        nodes
    }
}

fn add(sum: Bound, part: Bound) -> Bound {
    Ok(sum?.saturating_add(part?))
}

fn tag_len(lens: &[u32], tag: u32) -> u64 {
    lens.get(tag as usize).copied().unwrap_or(1).into()
}

/// Units of a statement itself, without what it consists of; of a loop, before its first turn.
fn own_statement(function: &Function, statement: &Statement, tag_lens: &[u32]) -> u64 {
    let more = match &statement.kind {
        StatementKind::Let { local, .. } => moved(&function.local(*local).ty),
        StatementKind::Assign { place, .. } => moved(&place.ty).saturating_add(indices(place)),
        StatementKind::For { items: Items::Array(array), .. } => moved(&function.expr(*array).ty),
        StatementKind::For { items: Items::Tag(tag), .. } => tag_len(tag_lens, *tag) / 8,
        StatementKind::Expr(_) => return 0,
        _ => 0,
    };
    more.saturating_add(1)
}

/// Units of an expression itself, without what it consists of and without what it calls.
fn own_expr(function: &Function, expr: &Expr) -> u64 {
    let more = match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Symbol(_) | ExprKind::Block(_) => return 0,
        ExprKind::Read(place) | ExprKind::Len(place) => return indices(place),
        ExprKind::Tag { .. }
        | ExprKind::Parameter(_)
        | ExprKind::Sys(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Logic { .. }
        | ExprKind::If { .. } => 0,
        ExprKind::Switch(switch) => switch.arms.len() as u64,
        ExprKind::Library(..) => 1,
        ExprKind::Call { receiver, arguments, .. } => {
            let copied: u64 = arguments.iter().map(|argument| moved(&function.expr(*argument).ty)).sum();
            copied.saturating_add(receiver.as_ref().map_or(0, indices))
        }
        ExprKind::Pin { block, .. } => indices(block),
        ExprKind::Method { block: place, .. }
        | ExprKind::AxisCommand { handle: place, .. }
        | ExprKind::AxisProperty { handle: place, .. } => CALL.saturating_add(indices(place)),
        ExprKind::RequestNamed(..)
        | ExprKind::Fresh(_)
        | ExprKind::Request(_)
        | ExprKind::Fault(_)
        | ExprKind::MakeBlock { .. }
        | ExprKind::MakeAxis(_) => CALL,
        ExprKind::Array(_) | ExprKind::Fill { .. } | ExprKind::Record(_) => moved(&expr.ty),
    };
    more.saturating_add(1)
}

/// Indices on the way to a place.
fn indices(place: &Place) -> u64 {
    place.path.iter().filter(|step| matches!(step, Step::Index { .. })).count() as u64
}

/// Units of moving a value: scalars are free.
fn moved(ty: &Type) -> u64 {
    match ty {
        Type::Symbol | Type::Array(_) | Type::Record(_) | Type::Block(_) | Type::Axis => {
            u64::from(ty.size()) / BYTES_PER_UNIT + 1
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
