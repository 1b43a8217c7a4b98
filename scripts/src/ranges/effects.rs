//! What running a part of a program may change, whatever it finds: for what is not followed step by step.

use super::paths::{Base, Part, Parts, Path};
use crate::hir::{
    Block, ExprId, ExprKind, Function, Hir, Place, Root, StatementKind, Step,
    walk::{self, Node},
};
use std::collections::BTreeSet;

/// Places that may change. What lies in them may change, too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// Below `this` and in variables, with [`Part::Each`] for every element.
    pub places: BTreeSet<(Base, Parts)>,
    /// Tags.
    pub tags: BTreeSet<u32>,
}

/// Places of one function that are kept apart; with more, all of `this` may change.
const PLACES_MAX: usize = 128;

impl Effects {
    /// Of every function, seen from its callers: below its `this`.
    pub fn of_functions(hir: &Hir) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::with_capacity(hir.functions.len());
        for function in &hir.functions {
            let mut effects = Self::of_block(function, &function.body, &all);
            effects.places.retain(|(base, _)| *base == Base::This);
            if effects.places.len() > PLACES_MAX {
                effects.places = BTreeSet::from([(Base::This, Parts::new())]);
            }
            all.push(effects);
        }
        all
    }

    /// Of a block, seen from the function that it is in.
    pub fn of_block(function: &Function, block: &Block, callees: &[Self]) -> Self {
        let mut effects = Self::default();
        walk::block(function, block, &mut |node| effects.add(&node, callees));
        effects
    }

    /// Of an expression, seen from the function that it is in.
    pub fn add_expr(&mut self, function: &Function, expr: ExprId, callees: &[Self]) {
        walk::expr(function, expr, &mut |node| self.add(&node, callees));
    }

    fn add(&mut self, node: &Node<'_>, callees: &[Self]) {
        match node {
            Node::Statement(statement) => match &statement.kind {
                StatementKind::Let { local, .. } => self.place(Base::Local(*local), Parts::new()),
                StatementKind::For { variable, counter, .. } => {
                    self.place(Base::Local(*variable), Parts::new());
                    if let Some(counter) = counter {
                        self.place(Base::Local(*counter), Parts::new());
                    }
                }
                StatementKind::Assign { place, .. } => {
                    if let Some(path) = general(place) {
                        self.place(path.base, path.parts);
                    }
                }
                StatementKind::AssignTag { tag, .. } => {
                    self.tags.insert(tag.tag);
                }
                _ => {}
            },
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Call { function: callee, receiver, .. } => {
                    let Some(callee) = callees.get(callee.index()) else { return };
                    self.tags.extend(&callee.tags);
                    if let Some(path) = receiver.as_ref().and_then(general) {
                        for (_, parts) in &callee.places {
                            let path = path.join(parts);
                            self.place(path.base, path.parts);
                        }
                    }
                }
                ExprKind::Method { block: place, .. } => {
                    if let Some(path) = general(place) {
                        self.place(path.base, path.parts);
                    }
                }
                _ => {}
            },
        }
    }

    fn place(&mut self, base: Base, parts: Parts) {
        self.places.insert((base, parts));
    }

    /// All that may change, as names.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        let places = self.places.iter().map(|(base, parts)| Path { base: *base, parts: parts.clone() });
        places.chain(self.tags.iter().map(|tag| Path::base(Base::Tag(*tag))))
    }
}

/// The name of a place, with [`Part::Each`] for every element. `None`: of a value that nobody else sees.
pub(crate) fn general(place: &Place) -> Option<Path> {
    let base = match place.root {
        Root::This => Base::This,
        Root::Local(local) => Base::Local(local),
        Root::Constant(_) | Root::Value(_) => return None,
    };
    let part = |step: &Step| match step {
        Step::Field { index, .. } => Part::Field(*index),
        Step::Index { .. } => Part::Each,
    };
    Some(Path { base, parts: place.path.iter().map(part).collect() })
}
