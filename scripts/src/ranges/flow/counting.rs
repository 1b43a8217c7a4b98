//! How often a loop turns, and how far what it adds up in every turn can come.

use super::Flow;
use crate::{
    hir::{
        BinaryOperator, Block, Expr, ExprId, ExprKind, Items, LocalId, Place, Span, Statement, StatementKind,
        Type,
        walk::{self, Node},
    },
    ranges::{
        effects::general,
        facts::Turns,
        float::{Comparison, FloatRange},
        int::IntRange,
        paths::{Base, Path},
        state::State,
        value::Known,
    },
};

/// Additions of floats that are followed one by one, for their rounding.
const ADDITIONS_MAX: u64 = 65_536;

/// What a loop is ended by.
#[derive(Clone, Copy)]
pub(super) enum Ended {
    /// After so many turns at most.
    Counted {
        /// None: not known.
        turns: Option<u64>,
        /// What gets a value at the start of each.
        variable: LocalId,
        /// This, too.
        counter: Option<LocalId>,
    },
    /// By a condition.
    Asked {
        /// Asked before every turn, or after.
        condition: Option<ExprId>,
        body_first: bool,
        /// The loop ends when it is true.
        until: bool,
    },
}

/// Everything that a body does to one number: it adds to it.
pub(super) struct Sum {
    path: Path,
    ty: Type,
    steps: Vec<Step>,
}

/// One addition.
pub(super) struct Step {
    value: ExprId,
    negative: bool,
    /// How often in one turn at most; none: not known.
    times: Option<u64>,
    /// In every turn.
    certain: bool,
}

impl Flow<'_, '_> {
    /// How often a settled loop turns at most.
    pub(super) fn turns_of(&self, ended: Ended, entry: &State, sums: &[Sum]) -> Option<u64> {
        match ended {
            Ended::Counted { turns, .. } => turns,
            Ended::Asked { condition, body_first, until } => {
                let turns = self.turns_while(condition?, until, entry, sums)?;
                turns.checked_add(u64::from(body_first))
            }
        }
    }

    /// A `continue` may lead past the condition, so that it says nothing of how often the loop turns.
    pub(super) fn goes_on_unasked(&self, ended: Ended, body: &Block) -> bool {
        let mut goes_on = false;
        if let Ended::Asked { condition: Some(_), body_first: true, .. } = ended {
            walk::block(self.function, body, &mut |node| {
                goes_on |= matches!(node, Node::Statement(Statement { kind: StatementKind::Continue, .. }));
            });
        }
        goes_on
    }

    /// Turns as long as a condition holds in which a counter is compared that only goes one way.
    fn turns_while(&self, condition: ExprId, until: bool, entry: &State, sums: &[Sum]) -> Option<u64> {
        match &self.function.expr(condition).kind {
            ExprKind::Logic { and, left, right } if *and != until => {
                let of = |side| self.turns_while(side, until, entry, sums);
                match (of(*left), of(*right)) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                }
            }
            ExprKind::Binary(operator, left, right) => {
                let comparison = Comparison::of(*operator)?;
                let comparison = if until { comparison.negated() } else { comparison };
                let of = |counter, end, comparison| self.turns_to(counter, end, comparison, entry, sums);
                of(*left, *right, comparison).or_else(|| of(*right, *left, comparison.swapped()))
            }
            _ => None,
        }
    }

    /// Turns until a counter comes to an end.
    fn turns_to(
        &self,
        counter: ExprId,
        end: ExprId,
        comparison: Comparison,
        entry: &State,
        sums: &[Sum],
    ) -> Option<u64> {
        let ExprKind::Read(place) = &self.function.expr(counter).kind else { return None };
        let path = general(place)?;
        let sum = sums.iter().find(|sum| sum.path == path)?;
        let id = self.analysis.paths.find(&path)?;
        let (Known::Int(first), Known::Int(end)) = (entry.get(id)?, self.value(end)?) else { return None };
        let up = match comparison {
            Comparison::Less | Comparison::LessOrEqual => true,
            Comparison::Greater | Comparison::GreaterOrEqual => false,
            Comparison::Equal | Comparison::NotEqual => return None,
        };
        let mut progress = 0_i128;
        for step in &sum.steps {
            let Known::Int(range) = self.value(step.value)? else { return None };
            let (low, high) = (i128::from(range.low()), i128::from(range.high()));
            let least = if up != step.negative { low } else { -high };
            if least < 0 {
                return None;
            }
            if step.certain {
                progress += least;
            }
        }
        let inclusive = matches!(comparison, Comparison::LessOrEqual | Comparison::GreaterOrEqual);
        let way = match up {
            true => i128::from(end.high()) - i128::from(first.low()),
            false => i128::from(first.high()) - i128::from(end.low()),
        } + i128::from(inclusive);
        (progress > 0).then(|| u64::try_from((way.max(0) + progress - 1) / progress).unwrap_or(u64::MAX))
    }

    /// Numbers that a body only adds to.
    pub(super) fn sums(&mut self, ended: Ended, body: &Block) -> Vec<Sum> {
        let local = |local| Path::base(Base::Local(local));
        let mut sums: Vec<Sum> = Vec::new();
        let mut others: Vec<Path> = match ended {
            Ended::Counted { variable, counter, .. } => {
                std::iter::once(variable).chain(counter).map(local).collect()
            }
            Ended::Asked { condition: Some(condition), .. } if !self.is_pure(condition) => return sums,
            Ended::Asked { .. } => Vec::new(),
        };
        let mut inner: Vec<(Span, Option<u64>)> = Vec::new();
        let mut goes_on = false;
        let function = self.function;
        walk::block(function, body, &mut |node| match node {
            Node::Statement(statement) => match &statement.kind {
                StatementKind::For { variable, counter, items, .. } => {
                    inner.push((statement.span, self.turns_for(items).most));
                    others.extend(std::iter::once(*variable).chain(*counter).map(local));
                }
                StatementKind::While { .. } => inner.push((statement.span, None)),
                // It may pass over what comes behind it.
                StatementKind::Continue => goes_on = true,
                StatementKind::Let { local: declared, .. } => others.push(local(*declared)),
                StatementKind::Assign { place, operator, value } => {
                    let Some(path) = general(place) else { return };
                    match added(function, place, &path, *operator, *value) {
                        Some((value, negative)) => {
                            let around = inner.iter().filter(|(span, _)| is_in(statement.span, *span));
                            let times = around
                                .into_iter()
                                .try_fold(1_u64, |times, (_, turns)| times.checked_mul((*turns)?));
                            let step = Step {
                                value,
                                negative,
                                times,
                                certain: is_direct(body, statement) && !goes_on,
                            };
                            match sums.iter_mut().find(|sum| sum.path == path) {
                                Some(sum) => sum.steps.push(step),
                                None => sums.push(Sum { path, ty: place.ty.clone(), steps: vec![step] }),
                            }
                        }
                        None => others.push(path),
                    }
                }
                _ => {}
            },
            Node::Expr(expr) => self.changed_by(expr, &mut others),
        });
        let paths: Vec<Path> = sums.iter().map(|sum| sum.path.clone()).collect();
        let alone = |sum: &Sum| {
            sum.path.is_exact()
                && !others.iter().any(|other| other.meets(&sum.path))
                && paths.iter().filter(|other| other.meets(&sum.path)).count() == 1
        };
        sums.into_iter().filter(alone).collect()
    }

    fn changed_by(&self, expr: &Expr, others: &mut Vec<Path>) {
        let ExprKind::Call { function, receiver: Some(receiver), .. } = &expr.kind else { return };
        let (Some(effects), Some(path)) = (self.analysis.effects.get(function.index()), general(receiver))
        else {
            return;
        };
        others.extend(effects.places.iter().map(|(_, parts)| path.join(parts)));
    }

    /// How often a `for` turns whose items were evaluated.
    fn turns_for(&self, items: &Items) -> Turns {
        let int = |id| self.value(id).and_then(Known::int).unwrap_or(IntRange::ALL);
        let len = match items {
            Items::Range { start, end, inclusive } => {
                return super::loops::counted(int(*start), int(*end), *inclusive).1;
            }
            Items::Array(array) => match &self.function.expr(*array).ty {
                Type::Array(array) => Some(u64::from(array.len)),
                _ => None,
            },
            Items::Tag(tag) => Some(u64::from(self.analysis.outside.len(*tag))),
        };
        Turns { least: len.unwrap_or(0), most: len }
    }

    /// What sums can be where a turn begins, if there are at most so many before.
    pub(super) fn limit_sums(&self, head: &mut State, entry: &State, sums: &[Sum], turns_before: u64) {
        for sum in sums {
            let Some(id) = self.analysis.paths.find(&sum.path) else { continue };
            let Some(first) = entry.get(id) else { continue };
            let limit = match (first, &sum.ty) {
                (Known::Int(first), Type::I64) => {
                    self.limit_of_ints(*first, &sum.steps, turns_before).map(Known::Int)
                }
                (Known::Float(first), Type::F64) => {
                    self.limit_of_floats(*first, &sum.steps, turns_before).map(Known::Float)
                }
                _ => None,
            };
            let Some(limit) = limit else { continue };
            let now = head.get(id).cloned().or_else(|| Known::any(&sum.ty));
            if let Some(now) = now.and_then(|now| now.meet(&limit)) {
                head.set(id, now);
            }
        }
    }

    fn limit_of_ints(&self, first: IntRange, steps: &[Step], turns: u64) -> Option<IntRange> {
        let (mut low, mut high) = (0_i128, 0_i128);
        for step in steps {
            let Known::Int(range) = self.value(step.value)? else { return None };
            let (least, most) = (i128::from(range.low()), i128::from(range.high()));
            let (least, most) = if step.negative { (-most, -least) } else { (least, most) };
            let times = i128::from(step.times?);
            low = low.checked_add(least.min(0).checked_mul(times)?)?;
            high = high.checked_add(most.max(0).checked_mul(times)?)?;
        }
        let turns = i128::from(turns);
        let low = i128::from(first.low()).checked_add(low.checked_mul(turns)?)?;
        let high = i128::from(first.high()).checked_add(high.checked_mul(turns)?)?;
        IntRange::new(i64::try_from(low).unwrap_or(i64::MIN), i64::try_from(high).unwrap_or(i64::MAX))
    }

    /// Rounding keeps the order: adding the largest addends in turn gives the largest sum.
    fn limit_of_floats(&self, first: FloatRange, steps: &[Step], turns: u64) -> Option<FloatRange> {
        if turns.saturating_mul(steps.len() as u64) > ADDITIONS_MAX || !first.is_finite() {
            return None;
        }
        let mut addends = Vec::with_capacity(steps.len());
        for step in steps {
            let range = self.value(step.value)?.float()?;
            if !range.is_finite() || step.times != Some(1) {
                return None;
            }
            addends.push(if step.negative { range.negate() } else { range });
        }
        let (mut low, mut high) = (first.low(), first.high());
        for _ in 0..turns {
            for addend in &addends {
                low += addend.low().min(0.0);
                high += addend.high().max(0.0);
            }
        }
        FloatRange::new(low, high)
    }
}

/// What an assignment adds to its place, and whether it takes it away instead.
fn added(
    function: &crate::hir::Function,
    place: &Place,
    path: &Path,
    operator: Option<BinaryOperator>,
    value: ExprId,
) -> Option<(ExprId, bool)> {
    if !matches!(place.ty, Type::I64 | Type::F64) {
        return None;
    }
    let same_type = |id: ExprId| function.expr(id).ty == place.ty;
    match operator {
        Some(BinaryOperator::Add) => Some((value, false)),
        Some(BinaryOperator::Subtract) => Some((value, true)),
        Some(_) => None,
        None => {
            let is_place = |id: ExprId| match &function.expr(id).kind {
                ExprKind::Read(read) => general(read).is_some_and(|read| read == *path),
                _ => false,
            };
            match &function.expr(value).kind {
                ExprKind::Binary(BinaryOperator::Add, left, right)
                    if is_place(*left) && same_type(*right) =>
                {
                    Some((*right, false))
                }
                ExprKind::Binary(BinaryOperator::Add, left, right)
                    if is_place(*right) && same_type(*left) =>
                {
                    Some((*left, false))
                }
                ExprKind::Binary(BinaryOperator::Subtract, left, right)
                    if is_place(*left) && same_type(*right) =>
                {
                    Some((*right, true))
                }
                _ => None,
            }
        }
    }
}

fn is_in(part: Span, whole: Span) -> bool {
    whole.start <= part.start && part.end <= whole.end
}

/// A statement of the block itself, not of one in it.
fn is_direct(body: &Block, statement: &Statement) -> bool {
    body.statements.iter().any(|direct| std::ptr::eq(direct, statement))
}
