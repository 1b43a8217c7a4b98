//! How many checks a program has, and how many of them cannot fail.

use super::{
    facts::{Facts, Site},
    proof::Proven,
};
use crate::{
    ScriptEnvironment,
    hir::{
        BinaryOperator, ExprId, ExprKind, FunctionId, Hir, StatementKind, Type, UnaryOperator,
        walk::{self, Node},
    },
};
use sensai_model::ScalarType;
use serde::Serialize;

/// Checks of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// In code that can be reached.
    pub made: u32,
    /// Of these, those that cannot fail.
    pub proven: u32,
}

/// Checks of a program by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckCounts {
    /// Integers that overflow.
    pub overflow: Checks,
    /// Integers divided by zero.
    pub division: Checks,
    /// Indices out of bounds.
    pub index: Checks,
    /// Functions of the library that refuse their arguments.
    pub library: Checks,
    /// Values that a tag does not take.
    pub store: Checks,
}

impl Checks {
    fn note(&mut self, proven: bool) {
        self.made += 1;
        self.proven += u32::from(proven);
    }
}

impl CheckCounts {
    /// Of all kinds.
    pub fn all(&self) -> Checks {
        let Self { overflow, division, index, library, store } = *self;
        [overflow, division, index, library, store].into_iter().fold(Checks::default(), |all, of| Checks {
            made: all.made + of.made,
            proven: all.proven + of.proven,
        })
    }

    fn of_operator(&mut self, operator: BinaryOperator) -> Option<&mut Checks> {
        use BinaryOperator as Op;
        match operator {
            Op::Add | Op::Subtract | Op::Multiply | Op::Power => Some(&mut self.overflow),
            Op::Divide | Op::Remainder => Some(&mut self.division),
            _ => None,
        }
    }
}

/// Functions of the library that can refuse arguments of their types.
const REFUSING: [(&str, ScalarType); 7] = [
    ("clamp", ScalarType::I64),
    ("clamp", ScalarType::F64),
    ("abs", ScalarType::I64),
    ("sign", ScalarType::F64),
    ("pow", ScalarType::I64),
    ("to_int", ScalarType::F64),
    ("scale", ScalarType::F64),
];

impl Proven {
    /// How many checks there are in what can be reached.
    pub fn checks(&self, hir: &Hir, environment: &ScriptEnvironment<'_>) -> CheckCounts {
        let mut counts = CheckCounts::default();
        for index in 0..hir.functions.len() {
            let id = FunctionId(index as u32);
            if let Some(facts) = self.facts(id) {
                count(hir, id, facts, environment, &mut counts);
            }
        }
        counts
    }
}

fn count(
    hir: &Hir,
    id: FunctionId,
    facts: &Facts,
    environment: &ScriptEnvironment<'_>,
    counts: &mut CheckCounts,
) {
    let function = hir.function(id);
    let made = |expr, site| facts.holds(expr, site) || facts.may_fail(expr, site);
    for (id, expr) in (0..).map(ExprId).zip(&function.exprs) {
        if made(id, Site::Index) {
            counts.index.note(facts.holds(id, Site::Index));
        }
        if !made(id, Site::Operation) {
            continue;
        }
        let of = match &expr.kind {
            ExprKind::Unary(UnaryOperator::Negate, _) if expr.ty == Type::I64 => Some(&mut counts.overflow),
            ExprKind::Binary(operator, ..) if expr.ty == Type::I64 => counts.of_operator(*operator),
            ExprKind::Library(called, _) => {
                let first = called.arguments.first();
                let refuses =
                    REFUSING.iter().any(|(name, scalar)| *name == called.name && first == Some(scalar));
                refuses.then_some(&mut counts.library)
            }
            _ => None,
        };
        if let Some(of) = of {
            of.note(facts.holds(id, Site::Operation));
        }
    }
    walk::block(function, &function.body, &mut |node| {
        let Node::Statement(statement) = node else { return };
        match &statement.kind {
            StatementKind::Assign { place, operator: Some(operator), value } if place.ty == Type::I64 => {
                if let Some(of) = counts.of_operator(*operator).filter(|_| made(*value, Site::Assignment)) {
                    of.note(facts.holds(*value, Site::Assignment));
                }
            }
            StatementKind::AssignTag { tag, operator, value } => {
                let tags = environment.tags.iter().chain(environment.role.shafts());
                let Some(tag) = tags.into_iter().nth(tag.tag as usize) else { return };
                let operator = operator.filter(|_| tag.scalar == ScalarType::I64);
                let of = operator.and_then(|operator| counts.of_operator(operator));
                if let Some(of) = of.filter(|_| made(*value, Site::Assignment)) {
                    of.note(facts.holds(*value, Site::Assignment));
                }
                let limited = tag.range.is_some() && tag.overflow == sensai_model::tag::Overflow::Fault;
                if (limited || tag.scalar == ScalarType::F64) && made(*value, Site::Store) {
                    counts.store.note(facts.holds(*value, Site::Store));
                }
            }
            _ => {}
        }
    });
}
