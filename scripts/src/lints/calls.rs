//! Which blocks a function calls, and how often.

use super::{
    Program,
    effects::{Because, Effects, Element, Flow, Path, Site, either},
    walk::{arguments, named},
};
use crate::{
    hir::{
        AxisName, Block, ExprId, ExprKind, FaultName, Function, FunctionId, Items, LocalId, Pattern, Place,
        Root, Span, Statement, StatementKind, Step, Switch, Type,
    },
    ranges::value::Known,
};
use sensai_model::Value;
use sensai_stdlib::registry::MethodKind;
use std::{cell::Cell, ops::Range};

/// Calls that are looked at on all ways; what is found out about a program that has more of them is not true.
pub(super) const WORK_MAX: usize = 4_000_000;

const ONLY_IF: &str = "only when this says so";
const SOMETIMES_LEFT: &str = "the function may be left here before";
const REPEATED: &str = "this loop may end before";

/// What a function calls below its `this`. `callees` are those of the functions before it.
///
/// `work` grows with what it takes to find out.
pub(super) fn summary(program: &Program<'_>, id: FunctionId, callees: &[Flow], work: &Cell<usize>) -> Flow {
    let function = program.hir.function(id);
    let mut calls = Calls { program, id, function, callees, each: Vec::new(), work };
    let mut flow = calls.block(&function.body);
    let because = match flow.returned {
        Some((file, span)) => (file, span, SOMETIMES_LEFT),
        None => (function.file, function.span, SOMETIMES_LEFT),
    };
    let through = either(flow.through.take(), flow.returns.take(), because);
    Flow { through, ..Flow::default() }
}

struct Calls<'a> {
    program: &'a Program<'a>,
    id: FunctionId,
    function: &'a Function,
    callees: &'a [Flow],
    /// Variables of the loops around that go through a known range, and how long that is.
    each: Vec<(LocalId, Range<u32>)>,
    work: &'a Cell<usize>,
}

impl Calls<'_> {
    /// One after the other.
    fn then(&self, flow: &mut Flow, next: Flow, because: Because) {
        if self.work.get() <= WORK_MAX {
            self.work.set(self.work.get() + flow.then(next, because));
        }
    }

    fn because(&self, span: Span, why: &'static str) -> Because {
        (self.function.file, span, why)
    }

    fn block(&mut self, block: &Block) -> Flow {
        let mut flow = Flow::empty();
        for statement in &block.statements {
            let next = self.statement(statement);
            self.then(&mut flow, next, self.because(statement.span, SOMETIMES_LEFT));
        }
        if let Some(value) = block.value {
            let next = self.expr(value);
            self.then(&mut flow, next, self.because(self.function.expr(value).span, SOMETIMES_LEFT));
        }
        flow
    }

    fn statement(&mut self, statement: &Statement) -> Flow {
        match &statement.kind {
            StatementKind::Let { value, .. } | StatementKind::Expr(value) => self.expr(*value),
            StatementKind::Assign { place, value, .. } => {
                let mut flow = self.expr(*value);
                let next = self.place(place);
                self.then(&mut flow, next, self.because(statement.span, SOMETIMES_LEFT));
                flow
            }
            StatementKind::AssignTag { tag, value, .. } => {
                self.all([Some(*value), tag.index].into_iter().flatten())
            }
            StatementKind::While { condition, body_first, body, .. } => {
                self.repeat(statement.span, *condition, *body_first, body)
            }
            StatementKind::For { variable, counter, items, body } => {
                self.each_of(statement.span, *variable, *counter, items, body)
            }
            StatementKind::Break => Flow { breaks: Some(Effects::default()), ..Flow::default() },
            StatementKind::Continue => Flow { continues: Some(Effects::default()), ..Flow::default() },
            StatementKind::Return(value) => {
                let mut flow = self.all(*value);
                let returned = Flow {
                    returns: Some(Effects::default()),
                    returned: Some((self.function.file, statement.span)),
                    ..Flow::default()
                };
                self.then(&mut flow, returned, self.because(statement.span, SOMETIMES_LEFT));
                flow
            }
        }
    }

    /// `while`, `loop`, `do`.
    fn repeat(&mut self, span: Span, condition: Option<ExprId>, body_first: bool, body: &Block) -> Flow {
        let because = self.because(condition.map_or(span, |id| self.function.expr(id).span), REPEATED);
        let asked = condition.map_or_else(Flow::empty, |condition| self.expr(condition));
        let Flow { through, returns, breaks, continues, returned } = self.block(body);
        // Once around: back to where the condition is asked.
        let around = either(through, continues, because).map(|mut around| {
            around.add(asked.through.clone().unwrap_or_default());
            around
        });
        let again = around.clone().map(|around| around.times(2).sometimes(because)).unwrap_or_default();
        let first = match (body_first, around) {
            (true, around) => around,
            (false, _) => asked.through,
        };
        let ended = first.filter(|_| condition.is_some()).map(|mut first| {
            first.add(again.clone());
            first
        });
        let behind = |exit: Option<Effects>| {
            exit.map(|exit| {
                let mut all = again.clone();
                all.add(exit);
                all
            })
        };
        Flow {
            through: either(ended, behind(breaks), because),
            returns: behind(returns),
            returned,
            ..Flow::default()
        }
    }

    fn each_of(
        &mut self,
        span: Span,
        variable: LocalId,
        counter: Option<LocalId>,
        items: &Items,
        body: &Block,
    ) -> Flow {
        let because = self.because(span, REPEATED);
        let (mut flow, range, numbered) = match items {
            Items::Range { start, end, inclusive } => {
                let range = self.range(*start, *end, *inclusive);
                (self.all([*start, *end]), range, Some(variable))
            }
            Items::Array(array) => {
                let len = match &self.function.expr(*array).ty {
                    Type::Array(array) => Some(0..array.len),
                    _ => None,
                };
                (self.expr(*array), len, counter)
            }
            Items::Tag(tag) => {
                let len = self.program.tag(*tag).and_then(|tag| tag.array_len);
                (Flow::empty(), len.map(|len| 0..len), counter)
            }
        };
        let mut named: Vec<LocalId> = numbered.into_iter().collect();
        if range.as_ref().is_some_and(|range| range.start == 0) {
            named.extend(counter);
        }
        let outer = self.each.len();
        if let Some(range) = &range {
            let known = named.iter().filter(|local| !self.function.local(**local).mutable);
            let known: Vec<_> = known.map(|local| (*local, range.clone())).collect();
            self.each.extend(known);
        }
        let Flow { through, returns, breaks, continues, returned } = self.block(body);
        self.each.truncate(outer);
        let around = either(through, continues, because);
        let whole = match (&around, range.clone()) {
            (Some(around), Some(range)) => around.clone().each(&named, range),
            (Some(around), None) => around.clone().times(2).sometimes(because),
            (None, _) => Effects::default(),
        };
        let part = whole.clone().sometimes(because);
        let anywhere = |exit: Effects| match range.clone() {
            Some(range) => exit.each(&named, range).sometimes(because),
            None => exit,
        };
        let behind = |exit: Option<Effects>| {
            exit.map(|exit| {
                let mut all = part.clone();
                all.add(if named.is_empty() { exit } else { anywhere(exit) });
                all
            })
        };
        let ended = match around {
            None if range.as_ref().is_some_and(|range| !range.is_empty()) => None,
            _ => Some(whole),
        };
        let looped = Flow {
            through: either(ended, behind(breaks), because),
            returns: behind(returns),
            returned,
            ..Flow::default()
        };
        self.then(&mut flow, looped, because);
        flow
    }

    /// A range of numbers that the text gives.
    fn range(&self, start: ExprId, end: ExprId, inclusive: bool) -> Option<Range<u32>> {
        let number = |id: ExprId| match self.function.expr(id).kind {
            ExprKind::Literal(Value::I64(number)) => Some(number),
            _ => None,
        };
        let end = number(end)?.checked_add(i64::from(inclusive))?;
        let start = number(start)?;
        Some(u32::try_from(start).ok()?..u32::try_from(end.max(start)).ok()?)
    }

    fn all(&mut self, ids: impl IntoIterator<Item = ExprId>) -> Flow {
        let mut flow = Flow::empty();
        for id in ids {
            let next = self.expr(id);
            self.then(&mut flow, next, self.because(self.function.expr(id).span, SOMETIMES_LEFT));
        }
        flow
    }

    fn expr(&mut self, id: ExprId) -> Flow {
        let expr = self.function.expr(id);
        match &expr.kind {
            ExprKind::Literal(_)
            | ExprKind::Symbol(_)
            | ExprKind::Parameter(_)
            | ExprKind::Sys(_)
            | ExprKind::Fresh(_)
            | ExprKind::Request(_)
            | ExprKind::MakeAxis(AxisName::Known(_)) => Flow::empty(),
            ExprKind::Read(place)
            | ExprKind::Len(place)
            | ExprKind::Pin { block: place, .. }
            | ExprKind::AxisProperty { handle: place, .. } => self.place(place),
            ExprKind::Tag { tag, .. } => self.all(tag.index),
            ExprKind::Unary(_, operand) => self.expr(*operand),
            ExprKind::Binary(_, left, right) => self.all([*left, *right]),
            ExprKind::Logic { left, right, .. } => {
                let mut flow = self.expr(*left);
                let because = self.because(self.function.expr(*left).span, ONLY_IF);
                let right = self.expr(*right).or(Flow::empty(), because);
                self.then(&mut flow, right, because);
                flow
            }
            ExprKind::If { condition, then, otherwise } => {
                let mut flow = self.expr(*condition);
                let because = self.because(self.function.expr(*condition).span, ONLY_IF);
                let then = self.block(then);
                let otherwise = otherwise.as_ref().map_or_else(Flow::empty, |block| self.block(block));
                self.then(&mut flow, then.or(otherwise, because), because);
                flow
            }
            ExprKind::Switch(switch) => self.switch(switch),
            ExprKind::Block(block) => self.block(block),
            ExprKind::Library(_, arguments)
            | ExprKind::Array(arguments)
            | ExprKind::MakeBlock { arguments, .. } => self.all(arguments.iter().copied()),
            ExprKind::Call { function, receiver, arguments } => {
                let mut flow = self.all(arguments.iter().copied());
                let because = self.because(expr.span, SOMETIMES_LEFT);
                let callee = self.callees.get(function.index()).cloned().unwrap_or_else(Flow::empty);
                self.then(&mut flow, self.called(callee, receiver.as_ref()), because);
                flow
            }
            ExprKind::Method { block, method, arguments, .. } => {
                let mut flow = self.all(arguments.iter().copied());
                if method.kind == MethodKind::EveryCycle {
                    let because = self.because(expr.span, SOMETIMES_LEFT);
                    self.then(
                        &mut flow,
                        Flow::of(self.method(block, method.name, named(expr, method.name))),
                        because,
                    );
                }
                flow
            }
            ExprKind::AxisCommand { command, .. } => self.all(arguments(command)),
            ExprKind::RequestNamed(_, name) | ExprKind::MakeAxis(AxisName::Text(name)) => self.expr(*name),
            // The whole run is undone then: it is no way through the cycle.
            ExprKind::Fault(FaultName::Text(_) | FaultName::Value(_)) => Flow::default(),
            ExprKind::Fill { value, .. } => self.expr(*value),
            ExprKind::Record(fields) => self.all(fields.iter().map(|(_, value)| *value)),
        }
    }

    fn switch(&mut self, switch: &Switch) -> Flow {
        let mut flow = self.expr(switch.value);
        let because = self.because(self.function.expr(switch.value).span, ONLY_IF);
        let otherwise = match switch.default {
            Some(default) => self.expr(default),
            None if self.names_all(switch) => Flow::default(),
            None => Flow::empty(),
        };
        let arms = switch.arms.iter().map(|arm| arm.guard.into_iter().chain([arm.body]));
        let arms: Vec<Flow> = arms.map(|arm| self.all(arm)).collect();
        let any = arms.into_iter().fold(otherwise, |one, other| other.or(one, because));
        self.then(&mut flow, any, because);
        flow
    }

    /// All that the value can be has an arm without a guard.
    fn names_all(&self, switch: &Switch) -> bool {
        let Some(known) = self.program.examined.known(self.id, switch.value) else { return false };
        let open = || switch.arms.iter().filter(|arm| arm.guard.is_none()).flat_map(|arm| &arm.patterns);
        let has = |wanted: &Pattern| open().any(|pattern| pattern == wanted);
        match known {
            Known::Bool { no, yes } => {
                let fits = |value| has(&Pattern::Scalar(Value::Bool(value)));
                (!no || fits(false)) && (!yes || fits(true))
            }
            Known::Symbol(texts) => {
                texts.named().is_some_and(|texts| texts.iter().all(|text| has(&Pattern::Symbol(*text))))
            }
            Known::Int(range) => match range.high().checked_sub(range.low()) {
                Some(0..=64) => (range.low()..=range.high()).all(|value| {
                    open().any(|pattern| match pattern {
                        Pattern::Scalar(Value::I64(wanted)) => *wanted == value,
                        Pattern::Range(low, high) => (*low..=*high).contains(&value),
                        _ => false,
                    })
                }),
                _ => false,
            },
            Known::Float(_) => false,
        }
    }

    fn method(&self, block: &Place, method: &'static str, span: Span) -> Effects {
        match self.path(block) {
            Ok(path) => Effects::call(path, Site { file: self.function.file, span, method }),
            Err(Some(path)) => Effects::unclear(path),
            Err(None) => Effects::default(),
        }
    }

    fn called(&self, callee: Flow, receiver: Option<&Place>) -> Flow {
        let Some(effects) = callee.through else { return Flow::default() };
        let Some(receiver) = receiver.filter(|_| !effects.is_empty()) else { return Flow::empty() };
        Flow::of(match self.path(receiver) {
            Ok(path) => effects.below(&path),
            Err(Some(path)) => Effects::unclear(path),
            Err(None) => Effects::default(),
        })
    }

    /// Below `this`; `Err` with the part of the path that is known, if it is below `this` at all.
    fn path(&self, place: &Place) -> Result<Path, Option<Path>> {
        if place.root != Root::This {
            return Err(None);
        }
        let mut path = Path::new();
        for step in &place.path {
            match step {
                Step::Field { index, .. } => path.push(Element::Field(*index)),
                Step::Index { index, len, .. } => match self.element(*index, *len) {
                    Some(element) => path.push(element),
                    None => return Err(Some(path)),
                },
            }
        }
        Ok(path)
    }

    fn element(&self, index: ExprId, len: u32) -> Option<Element> {
        match &self.function.expr(index).kind {
            ExprKind::Literal(Value::I64(index)) => {
                let index = if *index < 0 { i64::from(len) + index } else { *index };
                u32::try_from(index).ok().map(Element::At)
            }
            ExprKind::Read(Place { root: Root::Local(local), path, .. }) if path.is_empty() => {
                let known = self.each.iter().any(|(each, range)| each == local && range.end <= len);
                known.then_some(Element::Each(*local))
            }
            _ => None,
        }
    }

    fn place(&mut self, place: &Place) -> Flow {
        let root = match place.root {
            Root::Value(value) => Some(value),
            _ => None,
        };
        let index = |step: &Step| match step {
            Step::Index { index, .. } => Some(*index),
            Step::Field { .. } => None,
        };
        self.all(place.path.iter().filter_map(index).chain(root))
    }
}
