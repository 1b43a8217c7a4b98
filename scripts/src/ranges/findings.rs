//! What is suspicious about the values of a program, as data: the texts are the lints'.
//!
//! For advice, more is taken for granted than for proofs: a cell that runs from its start on, with what `init` gives, and tags
//! within what the cell says of them. What is found holds for all calls of a function, and for all its instances.

use super::{
    Analysis,
    facts::{Facts, Site},
    float::Comparison,
    int::IntRange,
    outside::Trust,
    value::{Known, Symbols},
};
use crate::{
    ScriptEnvironment,
    hir::{
        BinaryOperator, Block, Expr, ExprId, ExprKind, FileId, Function, FunctionId, Hir, Pattern, Place,
        Span, Statement, StatementKind, Step, Switch, SymbolId, TagPlace, Type,
        walk::{self, Node},
    },
};
use std::collections::BTreeMap;

/// What is known of a program's values for advice.
#[derive(Debug)]
pub struct Examined {
    /// What is suspicious, in the order of the texts.
    pub findings: Vec<RangeFinding>,
    functions: Vec<Facts>,
    #[cfg(test)]
    steps: u64,
}

/// Something suspicious.
#[derive(Clone, Debug)]
pub struct RangeFinding {
    /// Where it is written.
    pub file: FileId,
    /// The expression or statement.
    pub span: Span,
    /// An instance of the function that it is in.
    pub function: FunctionId,
    /// The expression that it is about.
    pub expr: ExprId,
    /// What it is.
    pub kind: RangeFindingKind,
}

/// What is suspicious.
#[derive(Clone, Debug, PartialEq)]
pub enum RangeFindingKind {
    /// A condition or comparison that is always true, or never. Not of literals alone, which are meant so.
    Always(bool),
    /// A text that is compared with something that never is that text.
    NeverThisText {
        /// The text.
        symbol: SymbolId,
        /// What the other side can be.
        values: Symbols,
        /// The pattern of a `switch` arm, by the index of both; the finding's expression is then the `switch`' value.
        pattern: Option<(usize, usize)>,
    },
    /// A pattern of a `switch` arm that its value never fits, by the index of the arm and the pattern.
    NeverFits {
        /// Of the arm.
        arm: usize,
        /// Of its pattern.
        pattern: usize,
    },
    /// An integer is divided by zero.
    DividesByZero {
        /// Always; else perhaps, as far as is known.
        surely: bool,
        /// What is known of the divisor: not nothing.
        divisor: IntRange,
    },
    /// An index out of bounds.
    IndexOutside {
        /// Always; else perhaps, as far as is known.
        surely: bool,
        /// What is known of the index: a bound on both sides.
        index: IntRange,
        /// Number of elements.
        len: u32,
    },
    /// A value is stored into a tag that is not in its range, or not finite.
    OutsideTag {
        /// Index into the environment's tags.
        tag: u32,
        /// Always; else perhaps, as far as is known.
        surely: bool,
        /// What is stored.
        value: Known,
        /// What the tag takes.
        range: Known,
        /// The nearest value in the range is stored instead; else it is a fault.
        saturates: bool,
    },
    /// An operation that always faults: an overflow, a function or block that refuses its arguments.
    Fails,
}

/// Find what is suspicious about a program's values.
pub fn examine(hir: &Hir, environment: &ScriptEnvironment<'_>) -> Examined {
    let mut analysis = Analysis::new(hir, environment, Trust::Declared);
    analysis.record_with_fields();
    let mut found = Collected::default();
    let mut instances: BTreeMap<(FileId, u32), usize> = BTreeMap::new();
    let place = |function: &Function| (function.file, function.span.start);
    for function in &hir.functions {
        *instances.entry(place(function)).or_default() += 1;
    }
    for (index, facts) in analysis.facts.iter().enumerate() {
        let id = FunctionId(index as u32);
        let function = hir.function(id);
        let only = instances.get(&place(function)) == Some(&1);
        Look { analysis: &analysis, id, function, only, facts, found: &mut found }.body();
    }
    Examined {
        #[cfg(test)]
        steps: analysis.steps + analysis.steps_before,
        findings: found.finish(),
        functions: analysis.facts,
    }
}

impl Examined {
    #[cfg(test)]
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    #[cfg(test)]
    pub(super) fn facts(&self, function: FunctionId) -> Option<&Facts> {
        self.functions.get(function.index())
    }

    /// What an expression can be; none: it is no scalar or text, or never evaluated to its end.
    pub fn known(&self, function: FunctionId, expr: ExprId) -> Option<&Known> {
        self.functions.get(function.index())?.known(expr)
    }

    /// False for an expression that is never evaluated.
    pub fn is_reached(&self, function: FunctionId, expr: ExprId) -> bool {
        self.functions.get(function.index()).is_some_and(|facts| facts.is_reached(expr))
    }
}

/// Sort of a finding, and which of several at one place.
type Sort = (u8, usize, usize);

/// Findings by place and sort; none: an instance does not have it.
#[derive(Default)]
struct Collected {
    all: BTreeMap<(FileId, Span, Sort), Option<RangeFinding>>,
}

impl Collected {
    fn finish(self) -> Vec<RangeFinding> {
        self.all.into_values().flatten().collect()
    }
}

/// Looks at one instance.
struct Look<'a> {
    analysis: &'a Analysis<'a>,
    id: FunctionId,
    function: &'a Function,
    /// There is no other one of the same function.
    only: bool,
    facts: &'a Facts,
    found: &'a mut Collected,
}

impl<'a> Look<'a> {
    fn body(&mut self) {
        let function = self.function;
        for (index, expr) in (0..).zip(&function.exprs) {
            self.expr(ExprId(index), expr);
        }
        walk::block(function, &function.body, &mut |node| {
            if let Node::Statement(statement) = node {
                self.statement(statement);
            }
        });
    }

    /// Note what is found at a place, or that nothing is: one instance in which all is well is enough.
    fn note(&mut self, span: Span, expr: ExprId, sort: Sort, kind: Option<RangeFindingKind>) {
        if self.only && kind.is_none() {
            return;
        }
        let key = (self.function.file, span, sort);
        let finding =
            kind.map(|kind| RangeFinding { file: self.function.file, span, function: self.id, expr, kind });
        let entry = self.found.all.entry(key).or_insert_with(|| finding.clone());
        if finding.is_none() {
            *entry = None;
        }
    }

    fn known(&self, id: ExprId) -> Option<&'a Known> {
        self.facts.known(id)
    }

    fn span(&self, id: ExprId) -> Span {
        self.function.expr(id).span
    }

    fn expr(&mut self, id: ExprId, expr: &'a Expr) {
        if self.facts.is_reached(id) {
            let fails = self.facts.fails_always(id, Site::Operation) && !self.is_by_zero(expr);
            self.note(expr.span, id, (6, 0, 0), fails.then_some(RangeFindingKind::Fails));
        }
        match &expr.kind {
            ExprKind::Binary(operator, left, right) => self.binary(id, expr, *operator, *left, *right),
            ExprKind::If { condition, .. } => self.condition(*condition),
            ExprKind::Switch(switch) => self.switch(switch),
            ExprKind::Read(place) | ExprKind::Len(place) => self.place(place),
            ExprKind::Tag { tag, .. } => self.tag_index(tag),
            ExprKind::Pin { block, .. } => self.place(block),
            ExprKind::AxisCommand { handle, .. } | ExprKind::AxisProperty { handle, .. } => {
                self.place(handle)
            }
            ExprKind::Method { block, .. } => self.place(block),
            ExprKind::Call { receiver: Some(receiver), .. } => self.place(receiver),
            _ => {}
        }
    }

    fn statement(&mut self, statement: &'a Statement) {
        match &statement.kind {
            // What is asked after the first turn only may be meant so.
            StatementKind::While { condition: Some(condition), body_first: false, .. } => {
                self.condition(*condition);
            }
            StatementKind::Assign { place, operator, value } => {
                self.place(place);
                if let Some(BinaryOperator::Divide | BinaryOperator::Remainder) = operator
                    && place.ty == Type::I64
                {
                    self.divisor(statement.span, *value);
                }
            }
            StatementKind::AssignTag { tag, operator, value } => {
                self.tag_index(tag);
                self.store(tag, operator.is_some(), *value);
            }
            _ => {}
        }
    }

    fn binary(&mut self, id: ExprId, expr: &'a Expr, operator: BinaryOperator, left: ExprId, right: ExprId) {
        let (Some(a), Some(b)) = (self.known(left), self.known(right)) else { return };
        if matches!(operator, BinaryOperator::Divide | BinaryOperator::Remainder) && expr.ty == Type::I64 {
            self.divisor(expr.span, right);
        }
        let Some(comparison) = Comparison::of(operator) else { return };
        if let (Known::Symbol(a), Known::Symbol(b)) = (a, b) {
            let literal = |id| {
                if let ExprKind::Symbol(symbol) = self.function.expr(id).kind { Some(symbol) } else { None }
            };
            let never = match (literal(left), literal(right)) {
                (None, Some(symbol)) if !a.contains(symbol) => Some((right, symbol, a)),
                (Some(symbol), None) if !b.contains(symbol) => Some((left, symbol, b)),
                _ => None,
            };
            let kind = never.map(|(_, symbol, values)| RangeFindingKind::NeverThisText {
                symbol,
                values: values.clone(),
                pattern: None,
            });
            let at = never.map_or(right, |(at, ..)| at);
            self.note(expr.span, at, (1, 0, 0), kind.clone());
            if kind.is_some() {
                return;
            }
        }
        let always = super::flow::compare(comparison, a, b).and_then(|known| known.single_bool());
        let meant = self.is_of_literals(left) && self.is_of_literals(right);
        self.note(expr.span, id, (0, 0, 0), always.filter(|_| !meant).map(RangeFindingKind::Always));
    }

    /// A division, of which more is said elsewhere.
    fn is_by_zero(&self, expr: &Expr) -> bool {
        match expr.kind {
            ExprKind::Binary(BinaryOperator::Divide | BinaryOperator::Remainder, _, divisor) => {
                self.known(divisor).and_then(Known::int).is_some_and(|divisor| divisor.contains(0))
            }
            _ => false,
        }
    }

    /// Only numbers and texts as they are written: whoever wrote it knows what it gives.
    fn is_of_literals(&self, id: ExprId) -> bool {
        let mut literal = true;
        walk::expr(self.function, id, &mut |node| {
            literal &= match node {
                Node::Expr(expr) => matches!(
                    expr.kind,
                    ExprKind::Literal(_)
                        | ExprKind::Symbol(_)
                        | ExprKind::Unary(..)
                        | ExprKind::Binary(..)
                        | ExprKind::Logic { .. }
                ),
                Node::Statement(_) => false,
            };
        });
        literal
    }

    /// What decides whether something runs. Comparisons in it speak for themselves.
    fn condition(&mut self, id: ExprId) {
        let Some(known) = self.known(id) else { return };
        let always = known.single_bool();
        let mut explained = self.is_of_literals(id);
        let function = self.function;
        walk::expr(function, id, &mut |node| {
            if let Node::Expr(Expr { kind: ExprKind::Binary(operator, ..), .. }) = node {
                explained |= operator.compares();
            }
        });
        if !explained {
            self.note(self.span(id), id, (0, 0, 0), always.map(RangeFindingKind::Always));
        }
    }

    fn divisor(&mut self, span: Span, id: ExprId) {
        let Some(Known::Int(divisor)) = self.known(id) else { return };
        let surely = divisor.single() == Some(0);
        let suspicious = divisor.contains(0) && *divisor != IntRange::ALL;
        let kind = suspicious.then_some(RangeFindingKind::DividesByZero { surely, divisor: *divisor });
        self.note(span, id, (2, 0, 0), kind);
    }

    fn place(&mut self, place: &Place) {
        for step in &place.path {
            if let Step::Index { index, len, .. } = step {
                self.index(*index, *len);
            }
        }
    }

    fn tag_index(&mut self, tag: &TagPlace) {
        if let Some(index) = tag.index {
            self.index(index, self.analysis.outside.len(tag.tag));
        }
    }

    fn index(&mut self, id: ExprId, len: u32) {
        let Some(Known::Int(index)) = self.known(id) else { return };
        let surely = self.facts.fails_always(id, Site::Index);
        let bounded = index.low() > i64::MIN && index.high() < i64::MAX;
        let outside = surely || (bounded && self.facts.may_fail(id, Site::Index));
        let kind = outside.then_some(RangeFindingKind::IndexOutside { surely, index: *index, len });
        self.note(self.span(id), id, (3, 0, 0), kind);
    }

    /// Of a value that is chosen, the choice that does not fit is named.
    fn store(&mut self, tag: &TagPlace, operated: bool, value: ExprId) {
        let Some(limit) = self.analysis.outside.limit(tag.tag) else { return };
        let mut ids = Vec::new();
        if operated {
            ids.push(value)
        } else {
            self.choices(value, &mut ids)
        }
        for id in ids {
            let known = if operated { self.facts.stored(id) } else { self.known(id) };
            let Some(known) = known else { continue };
            let surely = known.meet(&limit.stored).is_none();
            let possibly = is_bounded(known) && !limit.stored.includes(known);
            let kind = (surely || possibly).then(|| RangeFindingKind::OutsideTag {
                tag: tag.tag,
                surely,
                value: known.clone(),
                range: limit.stored.clone(),
                saturates: limit.saturates,
            });
            self.note(self.span(id), id, (4, 0, 0), kind);
        }
    }

    /// The expressions of which one gives the value.
    fn choices(&self, id: ExprId, all: &mut Vec<ExprId>) {
        let of_block = |block: &Block, all: &mut Vec<ExprId>| {
            if let Some(value) = block.value {
                self.choices(value, all);
            }
        };
        match &self.function.expr(id).kind {
            ExprKind::If { then, otherwise: Some(otherwise), .. } => {
                of_block(then, all);
                of_block(otherwise, all);
            }
            ExprKind::Block(block) => of_block(block, all),
            ExprKind::Switch(switch) => {
                for body in switch.arms.iter().map(|arm| arm.body).chain(switch.default) {
                    self.choices(body, all);
                }
            }
            _ => all.push(id),
        }
    }

    fn switch(&mut self, switch: &'a Switch) {
        let Some(value) = self.known(switch.value) else { return };
        let span = self.span(switch.value);
        let meant = self.is_of_literals(switch.value);
        for (arm, of) in switch.arms.iter().enumerate() {
            for (pattern, wanted) in of.patterns.iter().enumerate() {
                let (sort, kind) = match (wanted, value) {
                    (Pattern::Symbol(symbol), Known::Symbol(values)) => {
                        let never = RangeFindingKind::NeverThisText {
                            symbol: *symbol,
                            values: values.clone(),
                            pattern: Some((arm, pattern)),
                        };
                        (1, (!values.contains(*symbol)).then_some(never))
                    }
                    (Pattern::Scalar(wanted), _) => (
                        5,
                        (!value.contains(*wanted)).then_some(RangeFindingKind::NeverFits { arm, pattern }),
                    ),
                    (Pattern::Range(low, high), Known::Int(value)) => {
                        let meets =
                            IntRange::new(*low, *high).is_some_and(|range| value.meet(range).is_some());
                        (5, (!meets).then_some(RangeFindingKind::NeverFits { arm, pattern }))
                    }
                    _ => continue,
                };
                self.note(span, switch.value, (sort, arm, pattern), kind.filter(|_| !meant));
            }
        }
    }
}

/// Something is known on both sides.
fn is_bounded(known: &Known) -> bool {
    match known {
        Known::Int(range) => range.low() > i64::MIN && range.high() < i64::MAX,
        Known::Float(range) => !range.may_be_nan() && range.low() > f64::MIN && range.high() < f64::MAX,
        Known::Bool { .. } | Known::Symbol(_) => true,
    }
}
