//! What running a part of a program may change. A value that is used where it lies must be copied before that.

use crate::hir::{
    ExprId, ExprKind, Function, Hir, Root, StatementKind, Type,
    walk::{self, Node},
};

/// What may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Values kept in memory: below `this`, and variables that are arrays, records or texts. For a function as a whole:
    /// below its `this`.
    pub memory: bool,
    /// Blocks and handles of axes below `this`.
    pub blocks: bool,
    /// Tags.
    pub tags: bool,
}

impl Effects {
    fn add(&mut self, other: Self) {
        self.memory |= other.memory;
        self.blocks |= other.blocks;
        self.tags |= other.tags;
    }
}

/// Of every function, seen from its callers.
pub(super) fn of_functions(hir: &Hir) -> Vec<Effects> {
    let mut all: Vec<Effects> = Vec::with_capacity(hir.functions.len());
    for function in &hir.functions {
        let mut effects = Effects::default();
        walk::block(function, &function.body, &mut |node| effects.add(of_node(&all, &node, true)));
        all.push(effects);
    }
    all
}

/// Of an expression, seen from what is evaluated before or after it in the same function.
pub(super) fn of_expr(function: &Function, all: &[Effects], id: ExprId) -> Effects {
    let mut effects = Effects::default();
    walk::expr(function, id, &mut |node| effects.add(of_node(all, &node, false)));
    effects
}

/// Of a block.
pub(super) fn of_block(function: &Function, all: &[Effects], block: &crate::hir::Block) -> Effects {
    let mut effects = Effects::default();
    walk::block(function, block, &mut |node| effects.add(of_node(all, &node, false)));
    effects
}

fn of_node(all: &[Effects], node: &Node<'_>, outside: bool) -> Effects {
    let mut effects = Effects::default();
    let seen = |root: &Root| !outside || *root == Root::This;
    match node {
        Node::Statement(statement) => match &statement.kind {
            StatementKind::Assign { place, .. } => effects.memory = seen(&place.root),
            StatementKind::AssignTag { .. } => effects.tags = true,
            _ => {}
        },
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Call { function: callee, receiver, .. } => {
                let callee = all.get(callee.index()).copied().unwrap_or_default();
                effects.tags = callee.tags;
                if let Some(place) = receiver {
                    effects.memory = callee.memory && seen(&place.root);
                    effects.blocks = callee.blocks && seen(&place.root);
                }
            }
            ExprKind::Method { block: place, .. }
            | ExprKind::AxisCommand { handle: place, .. }
            | ExprKind::AxisProperty { handle: place, .. } => effects.blocks = seen(&place.root),
            _ => {}
        },
    }
    effects
}

/// True for a type whose values are used by their address.
pub(super) fn in_memory(ty: &Type) -> bool {
    matches!(ty, Type::Symbol | Type::Array(_) | Type::Record(_) | Type::Block(_) | Type::Axis)
}
