//! How much a part of a program does at most, in units of about one simple operation: what fuel is charged by.
//!
//! A program whose every run is known to stay within its limit carries no counter at all. In any other, whatever has a
//! bound is charged as a whole before it runs, and a loop without one by the turn.

use super::effects::in_memory;
use crate::{
    hir::{
        Block, Expr, ExprId, ExprKind, Function, FunctionId, Hir, Items, Place, Statement, StatementKind,
        Step, Type,
    },
    proofs::Proofs,
};
use sensai_model::Value;

/// Bytes that are copied in one unit.
const BYTES_PER_UNIT: u64 = 64;
/// Of a call into the runtime: a block, an axis, a request.
const CALL: u64 = 4;

/// Units at most; `None`: it depends on what it finds.
pub(super) type Bound = Option<u64>;

/// What costs are computed from.
pub(super) struct Costs<'a> {
    hir: &'a Hir,
    proofs: &'a dyn Proofs,
    /// Elements of each tag.
    tag_lens: Vec<u32>,
    functions: Vec<Bound>,
}

impl<'a> Costs<'a> {
    pub fn new(hir: &'a Hir, proofs: &'a dyn Proofs, tag_lens: Vec<u32>) -> Self {
        let mut costs = Self { hir, proofs, tag_lens, functions: Vec::with_capacity(hir.functions.len()) };
        for (index, function) in hir.functions.iter().enumerate() {
            let bound = costs.block(FunctionId(index as u32), function, &function.body);
            costs.functions.push(bound);
        }
        costs
    }

    /// Of a call of the function.
    pub fn function(&self, id: FunctionId) -> Bound {
        self.functions.get(id.index()).copied().flatten()
    }

    pub fn block(&self, id: FunctionId, function: &Function, block: &Block) -> Bound {
        let mut sum = 0_u64;
        for statement in &block.statements {
            sum = sum.saturating_add(self.statement(id, function, statement)?);
        }
        Some(sum.saturating_add(self.optional(id, function, block.value)?))
    }

    pub fn statement(&self, id: FunctionId, function: &Function, statement: &Statement) -> Bound {
        let own = match &statement.kind {
            StatementKind::Let { local, value } => {
                moved(&function.local(*local).ty).checked_add(self.expr(id, function, *value)?)?
            }
            StatementKind::Assign { place, value, .. } => moved(&place.ty)
                .saturating_add(self.expr(id, function, *value)?)
                .saturating_add(self.place(id, function, place)?),
            StatementKind::AssignTag { tag, value, .. } => {
                self.expr(id, function, *value)?.saturating_add(self.optional(id, function, tag.index)?)
            }
            StatementKind::Expr(value) => return self.expr(id, function, *value),
            StatementKind::While { .. } => return None,
            StatementKind::For { variable, items, body, .. } => {
                let turns = self.turns(id, function, items)?;
                let turn =
                    self.block(id, function, body)?.saturating_add(1 + moved(&function.local(*variable).ty));
                self.items(id, function, items)?.saturating_add(turns.saturating_mul(turn))
            }
            StatementKind::Break | StatementKind::Continue => 0,
            StatementKind::Return(value) => self.optional(id, function, *value)?,
        };
        Some(own.saturating_add(1))
    }

    /// How often a `for` runs at most.
    pub fn turns(&self, id: FunctionId, function: &Function, items: &Items) -> Bound {
        match items {
            Items::Range { start, end, inclusive } => {
                let (low, _) = self.integers(id, function, *start)?;
                let (_, high) = self.integers(id, function, *end)?;
                let turns = i128::from(high) - i128::from(low) + i128::from(*inclusive);
                u64::try_from(turns.max(0)).ok()
            }
            Items::Array(array) => match &function.expr(*array).ty {
                Type::Array(array) => Some(array.len.into()),
                _ => None,
            },
            Items::Tag(tag) => Some(self.tag_lens.get(*tag as usize).copied().unwrap_or(1).into()),
        }
    }

    /// What `for` runs through.
    pub fn items(&self, id: FunctionId, function: &Function, items: &Items) -> Bound {
        match items {
            Items::Range { start, end, .. } => {
                Some(self.expr(id, function, *start)?.saturating_add(self.expr(id, function, *end)?))
            }
            Items::Array(array) => {
                Some(self.expr(id, function, *array)?.saturating_add(moved(&function.expr(*array).ty)))
            }
            Items::Tag(tag) => Some(u64::from(self.tag_lens.get(*tag as usize).copied().unwrap_or(1)) / 8),
        }
    }

    fn integers(&self, id: FunctionId, function: &Function, expr: ExprId) -> Option<(i64, i64)> {
        match function.expr(expr).kind {
            ExprKind::Literal(Value::I64(value)) => Some((value, value)),
            _ => self.proofs.integers(id, expr),
        }
    }

    pub fn expr(&self, id: FunctionId, function: &Function, expr: ExprId) -> Bound {
        let Expr { kind, ty, .. } = function.expr(expr);
        let one = |id_of: ExprId| self.expr(id, function, id_of);
        let parts = match kind {
            ExprKind::Literal(_) | ExprKind::Symbol(_) => return Some(0),
            ExprKind::Read(place) | ExprKind::Len(place) => return self.place(id, function, place),
            ExprKind::Tag { tag, .. } => self.optional(id, function, tag.index)?,
            ExprKind::Parameter(_) | ExprKind::Sys(_) => 0,
            ExprKind::Unary(_, operand) => one(*operand)?,
            ExprKind::Binary(_, left, right) | ExprKind::Logic { left, right, .. } => {
                one(*left)?.saturating_add(one(*right)?)
            }
            ExprKind::If { condition, then, otherwise } => {
                let then = self.block(id, function, then)?;
                let otherwise = match otherwise {
                    Some(otherwise) => self.block(id, function, otherwise)?,
                    None => 0,
                };
                one(*condition)?.saturating_add(then.max(otherwise))
            }
            ExprKind::Switch(switch) => {
                let (mut asked, mut dearest) =
                    (one(switch.value)?, self.optional(id, function, switch.default)?);
                for arm in &switch.arms {
                    asked = asked.saturating_add(self.optional(id, function, arm.guard)?).saturating_add(1);
                    dearest = dearest.max(one(arm.body)?);
                }
                asked.saturating_add(dearest)
            }
            ExprKind::Block(block) => return self.block(id, function, block),
            ExprKind::Library(_, arguments) => self.all(id, function, arguments)?.saturating_add(1),
            ExprKind::Call { function: callee, receiver, arguments } => {
                let place = match receiver {
                    Some(place) => self.place(id, function, place)?,
                    None => 0,
                };
                let arguments = self.arguments(id, function, arguments)?;
                self.function(*callee)?.saturating_add(place).saturating_add(arguments)
            }
            ExprKind::Method { block, arguments, .. } => CALL
                .saturating_add(self.all(id, function, arguments)?)
                .saturating_add(self.place(id, function, block)?),
            ExprKind::Pin { block: place, .. } => self.place(id, function, place)?,
            ExprKind::AxisCommand { handle: place, .. } | ExprKind::AxisProperty { handle: place, .. } => {
                CALL.saturating_add(self.place(id, function, place)?)
            }
            ExprKind::RequestNamed(_, name) => CALL.saturating_add(one(*name)?),
            ExprKind::Fresh(_) | ExprKind::Request(_) | ExprKind::Fault(_) => CALL,
            ExprKind::Array(elements) => self.all(id, function, elements)?.saturating_add(moved(ty)),
            ExprKind::Fill { value, .. } => one(*value)?.saturating_add(moved(ty)),
            ExprKind::Record(fields) => {
                let mut sum = moved(ty);
                for (_, field) in fields {
                    sum = sum.saturating_add(one(*field)?);
                }
                sum
            }
            ExprKind::MakeBlock { arguments, .. } => CALL.saturating_add(self.all(id, function, arguments)?),
            ExprKind::MakeAxis(_) => CALL,
        };
        Some(parts.saturating_add(1))
    }

    /// Arguments of a function of the program; arrays and records may have to be copied.
    pub fn arguments(&self, id: FunctionId, function: &Function, arguments: &[ExprId]) -> Bound {
        let copied: u64 = arguments.iter().map(|argument| moved(&function.expr(*argument).ty)).sum();
        Some(copied.saturating_add(self.all(id, function, arguments)?))
    }

    fn place(&self, id: FunctionId, function: &Function, place: &Place) -> Bound {
        let mut sum = match place.root {
            crate::hir::Root::Value(value) => self.expr(id, function, value)?,
            _ => 0,
        };
        for step in &place.path {
            if let Step::Index { index, .. } = step {
                sum = sum.saturating_add(self.expr(id, function, *index)?).saturating_add(1);
            }
        }
        Some(sum)
    }

    fn all(&self, id: FunctionId, function: &Function, exprs: &[ExprId]) -> Bound {
        let mut sum = 0_u64;
        for expr in exprs {
            sum = sum.saturating_add(self.expr(id, function, *expr)?);
        }
        Some(sum)
    }

    fn optional(&self, id: FunctionId, function: &Function, expr: Option<ExprId>) -> Bound {
        expr.map_or(Some(0), |expr| self.expr(id, function, expr))
    }

    /// Weight of a function for inlining: expressions and statements.
    pub fn weight(&self, id: FunctionId) -> usize {
        let function = self.hir.function(id);
        let mut nodes = 0;
        crate::hir::walk::block(function, &function.body, &mut |_| nodes += 1);
        nodes
    }
}

/// Units of moving a value: scalars are free.
pub(super) fn moved(ty: &Type) -> u64 {
    if in_memory(ty) { u64::from(ty.size()) / BYTES_PER_UNIT + 1 } else { 0 }
}
