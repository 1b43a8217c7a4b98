//! Runs the typed tree: the values of constants and what `init` returns, before the first cycle; and cycles, for a debugger,
//! which wants to look at a program between two statements ([`observed`]).
//!
//! Bounded: every step is counted, and what a step copies is counted with it.

mod axis;
mod datum;
mod observed;
mod places;
mod tags;

pub use observed::Kind;
pub(crate) use observed::{Active, Arrival, Observer, World};

pub(crate) use datum::{Block, Datum, Origin, different, first_arena, shape};

use crate::{
    ScriptEnvironment, arithmetic,
    axis::AxisHandle,
    fault::{Raised, refused},
    hir::{
        self, AxisName, BinaryOperator, Expr, ExprId, ExprKind, FaultName, FileId, Function, Items, Pattern,
        Place, Statement, StatementKind, Switch,
    },
    names::suggest,
};
pub(crate) use places::Reference;
use sensai_model::{FaultCode, Value};
use std::sync::Arc;

/// Steps of all constants, and of `init`; they run once, before the first cycle.
pub(crate) const STEPS_MAX: u64 = 2_000_000;

/// Values whose copying counts as a step.
const VALUES_PER_STEP: u64 = 8;

/// Why something could not be computed, and where.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub raised: Raised,
    pub file: FileId,
    pub at: u32,
    /// Calls that led there, the innermost first: where, and of what.
    pub calls: Vec<(FileId, u32, String)>,
}

/// What ends the evaluation of an expression before it has a value.
enum Exit {
    Fault(Box<Fault>),
    Break,
    Continue,
    Return(Datum),
}

type Evaluated<T> = Result<T, Exit>;

/// What is known before the first cycle.
pub(crate) struct Evaluator<'a> {
    pub functions: &'a [Function],
    pub constants: &'a [Datum],
    pub symbols: &'a [Arc<str>],
    pub environment: &'a ScriptEnvironment<'a>,
    /// Variables and temporary values of all calls.
    slots: Vec<Datum>,
    steps: u64,
    /// Of all steps.
    limit: u64,
    /// What there is in a cycle only.
    world: Option<World<'a>>,
    /// Is told where the program is.
    observer: Option<&'a mut dyn Observer>,
    /// Calls at hand, the outermost first.
    calls: Vec<Active>,
}

/// A call at hand.
#[derive(Clone)]
struct Frame<'f> {
    function: &'f Function,
    /// Slot of its first variable.
    base: usize,
    this: Option<Reference>,
}

impl<'a> Evaluator<'a> {
    pub fn new(
        functions: &'a [Function],
        constants: &'a [Datum],
        symbols: &'a [Arc<str>],
        environment: &'a ScriptEnvironment<'a>,
    ) -> Self {
        Self {
            functions,
            constants,
            symbols,
            environment,
            slots: Vec::new(),
            steps: 0,
            limit: STEPS_MAX,
            world: None,
            observer: None,
            calls: Vec::new(),
        }
    }

    /// What a function without parameters returns.
    pub fn run(&mut self, function: &Function) -> Result<Datum, Box<Fault>> {
        self.slots.clear();
        self.call(None, function, None, Vec::new()).map_err(|exit| match exit {
            Exit::Fault(fault) => fault,
            Exit::Break | Exit::Continue | Exit::Return(_) => Box::new(Fault {
                raised: not_before_the_first_cycle(),
                file: function.file,
                at: function.span.start,
                calls: Vec::new(),
            }),
        })
    }

    fn call(
        &mut self,
        id: Option<hir::FunctionId>,
        function: &Function,
        this: Option<Reference>,
        arguments: Vec<Datum>,
    ) -> Evaluated<Datum> {
        let base = self.slots.len();
        self.slots.extend(arguments);
        self.slots.resize(base + function.locals.len(), Datum::Unit);
        self.calls.push(Active::new(id, function, base, this.clone()));
        let frame = Frame { function, base, this };
        let result = self.block(&frame, &function.body);
        self.calls.pop();
        self.slots.truncate(base);
        match result {
            Err(Exit::Return(value)) => Ok(value),
            result => result,
        }
    }

    fn fault<T>(&self, frame: &Frame<'_>, at: u32, raised: Raised) -> Evaluated<T> {
        let file = frame.function.file;
        Err(Exit::Fault(Box::new(Fault { raised, file, at, calls: Vec::new() })))
    }

    fn spend(&mut self, frame: &Frame<'_>, at: u32, steps: u64) -> Evaluated<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limit {
            let text = match self.world {
                None => format!(
                    "more than {STEPS_MAX} operations before the first cycle; do less, or do it in `cycle`"
                ),
                Some(_) => format!("more than {} steps in one cycle; do less in it", self.limit),
            };
            return self.fault(frame, at, Raised::new(FaultCode::FuelExhausted, text));
        }
        Ok(())
    }

    /// A copy, which is paid for.
    fn copy(&mut self, frame: &Frame<'_>, at: u32, value: &Datum) -> Evaluated<Datum> {
        self.spend(frame, at, value.values() / VALUES_PER_STEP)?;
        Ok(value.clone())
    }

    fn block(&mut self, frame: &Frame<'_>, block: &hir::Block) -> Evaluated<Datum> {
        for statement in &block.statements {
            self.statement(frame, statement)?;
        }
        match block.value {
            Some(value) => self.last(frame, value),
            None => Ok(Datum::Unit),
        }
    }

    /// What stands for a block, or at its end.
    fn last(&mut self, frame: &Frame<'_>, value: ExprId) -> Evaluated<Datum> {
        if let Some(expr) = frame.function.exprs.get(value.index()) {
            self.arrive(Kind::Value, expr.span);
        }
        self.expr(frame, value)
    }

    fn statement(&mut self, frame: &Frame<'_>, statement: &Statement) -> Evaluated<()> {
        let at = statement.at;
        self.spend(frame, at, 1)?;
        self.arrive(Kind::Statement, statement.span);
        match &statement.kind {
            StatementKind::Let { local, value } => {
                let value = self.expr(frame, *value)?;
                self.set_local(frame, *local, value);
            }
            StatementKind::Assign { place, operator, value } => {
                let value = self.expr(frame, *value)?;
                let reference = self.reference(frame, place)?;
                let value = match operator {
                    None => value,
                    Some(operator) => {
                        let Some(old) = self.get(&reference).cloned() else { return self.stuck(frame, at) };
                        self.binary(frame, at, *operator, &old, &value)?
                    }
                };
                match self.get_mut(&reference) {
                    Some(target) => *target = value,
                    None => return self.stuck(frame, at),
                }
            }
            StatementKind::AssignTag { tag, operator, value } => {
                self.assign_tag(frame, at, tag, *operator, *value)?;
            }
            StatementKind::Expr(value) => drop(self.expr(frame, *value)?),
            StatementKind::While { condition, body_first, until, body } => {
                self.repeat(frame, statement, *condition, (*body_first, *until), body)?;
            }
            StatementKind::For { variable, counter, items, body } => {
                self.run_through(frame, statement, (*variable, *counter), items, body)?;
            }
            StatementKind::Break => return Err(Exit::Break),
            StatementKind::Continue => return Err(Exit::Continue),
            StatementKind::Return(value) => {
                let value = value.map_or(Ok(Datum::Unit), |value| self.expr(frame, value))?;
                return Err(Exit::Return(value));
            }
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        frame: &Frame<'_>,
        statement: &Statement,
        condition: Option<ExprId>,
        (body_first, until): (bool, bool),
        body: &hir::Block,
    ) -> Evaluated<()> {
        let mut skip = body_first;
        let mut turns = 0_u64;
        loop {
            self.spend(frame, statement.at, 1)?;
            if turns > 0 {
                self.arrive(Kind::Turn, statement.span);
            }
            turns += 1;
            if let Some(condition) = condition.filter(|_| !std::mem::replace(&mut skip, false))
                && self.flag(frame, condition)? == until
            {
                return Ok(());
            }
            match self.block(frame, body) {
                Err(Exit::Break) => return Ok(()),
                // As in Rhai 1.27: `continue` in a `do` goes on with its body, whatever the condition is.
                Err(Exit::Continue) => skip = body_first,
                Ok(_) => {}
                Err(exit) => return Err(exit),
            }
        }
    }

    fn run_through(
        &mut self,
        frame: &Frame<'_>,
        statement: &Statement,
        (variable, counter): (hir::LocalId, Option<hir::LocalId>),
        items: &Items,
        body: &hir::Block,
    ) -> Evaluated<()> {
        let at = statement.at;
        let items: Box<dyn Iterator<Item = Datum>> = match items {
            Items::Range { start, end, inclusive } => {
                let (start, end) = (self.number(frame, *start)?, self.number(frame, *end)?);
                let number = |number| Datum::Scalar(Value::I64(number));
                if *inclusive {
                    Box::new((start..=end).map(number))
                } else {
                    Box::new((start..end).map(number))
                }
            }
            Items::Array(array) => match self.expr(frame, *array)? {
                Datum::Array(elements) => Box::new(elements.into_iter()),
                _ => return self.stuck(frame, at),
            },
            Items::Tag(tag) => Box::new(self.elements(frame, at, *tag)?.into_iter()),
        };
        let mut count = 0_i64;
        for item in items {
            self.spend(frame, at, 1)?;
            if count > 0 {
                self.arrive(Kind::Turn, statement.span);
            }
            if let Some(counter) = counter {
                self.set_local(frame, counter, Datum::Scalar(Value::I64(count)));
            }
            self.set_local(frame, variable, item);
            match self.block(frame, body) {
                Err(Exit::Break) => return Ok(()),
                Ok(_) | Err(Exit::Continue) => {}
                Err(exit) => return Err(exit),
            }
            count = count.saturating_add(1);
        }
        Ok(())
    }

    fn expr(&mut self, frame: &Frame<'_>, id: ExprId) -> Evaluated<Datum> {
        let Some(expr) = frame.function.exprs.get(id.index()) else {
            return self.stuck(frame, frame.function.span.start);
        };
        let at = expr.at;
        self.spend(frame, at, 1)?;
        Ok(match &expr.kind {
            ExprKind::Literal(value) => Datum::Scalar(*value),
            ExprKind::Symbol(symbol) => match self.symbols.get(symbol.index()) {
                Some(text) => Datum::Symbol(Arc::clone(text)),
                None => return self.stuck(frame, at),
            },
            ExprKind::Read(place) => {
                let reference = self.reference(frame, place)?;
                let values = self.get(&reference).map_or(0, Datum::values);
                self.spend(frame, at, values / VALUES_PER_STEP)?;
                match self.get(&reference) {
                    Some(value) => value.clone(),
                    None => return self.stuck(frame, at),
                }
            }
            ExprKind::Len(place) => {
                let reference = self.reference(frame, place)?;
                match self.get(&reference) {
                    Some(Datum::Array(elements)) => Datum::Scalar(Value::I64(elements.len() as i64)),
                    _ => return self.stuck(frame, at),
                }
            }
            ExprKind::Parameter(index) => match self.parameter(*index) {
                Some(value) => Datum::Scalar(value),
                None => return self.stuck(frame, at),
            },
            ExprKind::Sys(fact) => match self.fact(*fact) {
                Some(value) => value,
                None => return self.stuck(frame, at),
            },
            ExprKind::Unary(operator, operand) => {
                let operand = self.expr(frame, *operand)?;
                let result = operand.scalar().and_then(|operand| arithmetic::unary(*operator, operand));
                self.computed(frame, at, result)?
            }
            ExprKind::Binary(operator, left, right) => {
                let (left, right) = (self.expr(frame, *left)?, self.expr(frame, *right)?);
                self.binary(frame, at, *operator, &left, &right)?
            }
            ExprKind::Logic { and, left, right } => {
                let left = self.flag(frame, *left)?;
                let value = if left == *and { self.flag(frame, *right)? } else { left };
                Datum::Scalar(Value::Bool(value))
            }
            ExprKind::If { condition, then, otherwise } => match (self.flag(frame, *condition)?, otherwise) {
                (true, _) => self.block(frame, then)?,
                (false, Some(otherwise)) => self.block(frame, otherwise)?,
                (false, None) => Datum::Unit,
            },
            ExprKind::Switch(switch) => self.switch(frame, switch)?,
            ExprKind::Block(block) => self.block(frame, block)?,
            ExprKind::Library(function, arguments) => {
                let arguments = self.scalars(frame, arguments)?;
                match function.call(&arguments) {
                    Ok(value) => Datum::Scalar(value),
                    Err(error) => return self.fault(frame, at, refused(error)),
                }
            }
            ExprKind::Call { function, receiver, arguments } => {
                self.call_own(frame, at, *function, receiver.as_ref(), arguments)?
            }
            ExprKind::Array(elements) => Datum::Array(self.all(frame, elements)?),
            ExprKind::Fill { len, value } => {
                let value = self.expr(frame, *value)?;
                self.spend(frame, at, u64::from(*len).saturating_mul(value.values()))?;
                Datum::Array(vec![value; *len as usize])
            }
            ExprKind::Record(fields) => {
                let mut values = vec![Datum::Unit; fields.len()];
                for (index, field) in fields {
                    let value = self.expr(frame, *field)?;
                    match values.get_mut(*index as usize) {
                        Some(slot) => *slot = value,
                        None => return self.stuck(frame, at),
                    }
                }
                Datum::Record(values)
            }
            _ => self.object(frame, expr)?,
        })
    }

    /// Blocks, handles of axes, faults; and what there is only in a cycle.
    fn object(&mut self, frame: &Frame<'_>, expr: &Expr) -> Evaluated<Datum> {
        let at = expr.at;
        let origin = Origin { file: frame.function.file, span: expr.span };
        match &expr.kind {
            ExprKind::MakeBlock { of, arguments } => {
                let arguments = self.scalars(frame, arguments)?;
                match Block::new(of, &arguments, origin) {
                    Ok(block) => Ok(Datum::Block(Box::new(block))),
                    Err(error) => self.fault(frame, at, refused(error)),
                }
            }
            ExprKind::MakeAxis(AxisName::Known(axis)) => {
                Ok(Datum::Axis(Box::new(AxisHandle::new(*axis)), origin))
            }
            ExprKind::MakeAxis(AxisName::Text(name)) => {
                let name = self.text(frame, *name)?;
                let axes = self.environment.reach.axes;
                match axes.iter().position(|axis| axis.name == *name) {
                    Some(axis) => Ok(Datum::Axis(Box::new(AxisHandle::new(axis as u16)), origin)),
                    None => {
                        let names: Vec<&str> = axes.iter().map(|axis| axis.name.as_str()).collect();
                        let text = format!("there is no axis `{name}`; {}", suggest(&name, &names, "axes"));
                        self.fault(frame, at, Raised::new(FaultCode::UnknownName, text))
                    }
                }
            }
            ExprKind::Pin { block, pin, .. } => {
                let reference = self.reference(frame, block)?;
                match self.get(&reference) {
                    Some(Datum::Block(block)) => Ok(Datum::Scalar(pin.get(&block.bytes))),
                    _ => self.stuck(frame, at),
                }
            }
            ExprKind::Tag { tag, quality } => self.tag(frame, at, tag, *quality),
            ExprKind::Method { block, method, arguments, .. } => {
                self.method(frame, at, block, method, arguments)
            }
            ExprKind::AxisCommand { handle, command } => self.axis_command(frame, at, handle, command),
            ExprKind::AxisProperty { handle, property } => self.axis_property(frame, at, handle, property),
            ExprKind::Fresh(model) => self.fresh(frame, at, *model),
            ExprKind::Request(request) => self.request(frame, at, *request),
            ExprKind::RequestNamed(request, name) => self.request_named(frame, at, *request, *name),
            ExprKind::Fault(name) => {
                let name = match name {
                    FaultName::Text(symbol) => self.symbols.get(symbol.index()).cloned().unwrap_or_default(),
                    FaultName::Value(name) => self.text(frame, *name)?,
                };
                let text = format!("the program raised the fault `{name}`");
                self.fault(frame, at, Raised::new(FaultCode::Raised, text))
            }
            _ => self.stuck(frame, at),
        }
    }

    fn call_own(
        &mut self,
        frame: &Frame<'_>,
        at: u32,
        function: hir::FunctionId,
        receiver: Option<&Place>,
        arguments: &[ExprId],
    ) -> Evaluated<Datum> {
        let functions = self.functions;
        let id = function;
        let Some(function) = functions.get(id.index()) else { return self.stuck(frame, at) };
        let indices = receiver.map(|place| self.indices(frame, place)).transpose()?;
        let arguments = self.all(frame, arguments)?;
        // A receiver that is a value of its own lives as long as the call.
        let before = self.slots.len();
        let this = match receiver.zip(indices) {
            Some((place, indices)) => Some(self.checked(frame, place, &indices)?),
            None => None,
        };
        let result = self.call(Some(id), function, this, arguments);
        self.slots.truncate(before);
        result.map_err(|exit| match exit {
            Exit::Fault(mut fault) => {
                fault.calls.push((frame.function.file, at, function.name.clone()));
                Exit::Fault(fault)
            }
            exit => exit,
        })
    }

    /// As in Rhai 1.27: ranges are asked only if no value fits, or none of those whose guard holds.
    fn switch(&mut self, frame: &Frame<'_>, switch: &Switch) -> Evaluated<Datum> {
        let value = self.expr(frame, switch.value)?;
        for ranges in [false, true] {
            for arm in &switch.arms {
                let fits = arm.patterns.iter().any(|pattern| {
                    matches!(pattern, Pattern::Range(..)) == ranges && self.fits(pattern, &value)
                });
                if !fits {
                    continue;
                }
                let holds = match arm.guard {
                    Some(guard) => self.flag(frame, guard)?,
                    None => true,
                };
                if holds {
                    return self.arm(frame, arm.body);
                }
            }
        }
        switch.default.map_or(Ok(Datum::Unit), |default| self.arm(frame, default))
    }

    /// What an arm does. Blocks say for themselves where they are.
    fn arm(&mut self, frame: &Frame<'_>, body: ExprId) -> Evaluated<Datum> {
        let block = |expr: &Expr| matches!(expr.kind, ExprKind::Block(_));
        match frame.function.exprs.get(body.index()) {
            Some(expr) if !block(expr) => self.last(frame, body),
            _ => self.expr(frame, body),
        }
    }

    fn fits(&self, pattern: &Pattern, value: &Datum) -> bool {
        match (pattern, value) {
            (Pattern::Scalar(pattern), Datum::Scalar(value)) => pattern == value,
            (Pattern::Symbol(symbol), Datum::Symbol(text)) => {
                self.symbols.get(symbol.index()).is_some_and(|symbol| symbol == text)
            }
            (Pattern::Range(start, end), Datum::Scalar(Value::I64(value))) => (start..=end).contains(&value),
            _ => false,
        }
    }

    fn binary(
        &self,
        frame: &Frame<'_>,
        at: u32,
        operator: BinaryOperator,
        left: &Datum,
        right: &Datum,
    ) -> Evaluated<Datum> {
        let result = match (left, right) {
            (Datum::Symbol(left), Datum::Symbol(right)) => {
                Some(Ok(Value::Bool((left == right) == (operator == BinaryOperator::Equal))))
            }
            (Datum::Scalar(left), Datum::Scalar(right)) => arithmetic::binary(operator, *left, *right),
            _ => None,
        };
        self.computed(frame, at, result)
    }

    fn computed(
        &self,
        frame: &Frame<'_>,
        at: u32,
        result: Option<Result<Value, Raised>>,
    ) -> Evaluated<Datum> {
        match result {
            Some(Ok(value)) => Ok(Datum::Scalar(value)),
            Some(Err(raised)) => self.fault(frame, at, raised),
            None => self.stuck(frame, at),
        }
    }

    fn all(&mut self, frame: &Frame<'_>, ids: &[ExprId]) -> Evaluated<Vec<Datum>> {
        ids.iter().map(|id| self.expr(frame, *id)).collect()
    }

    fn scalars(&mut self, frame: &Frame<'_>, ids: &[ExprId]) -> Evaluated<Vec<Value>> {
        ids.iter()
            .map(|id| match self.expr(frame, *id)? {
                Datum::Scalar(value) => Ok(value),
                _ => self.stuck(frame, frame.function.expr(*id).at),
            })
            .collect()
    }

    fn flag(&mut self, frame: &Frame<'_>, id: ExprId) -> Evaluated<bool> {
        match self.expr(frame, id)? {
            Datum::Scalar(Value::Bool(flag)) => Ok(flag),
            _ => self.stuck(frame, frame.function.expr(id).at),
        }
    }

    fn number(&mut self, frame: &Frame<'_>, id: ExprId) -> Evaluated<i64> {
        match self.expr(frame, id)? {
            Datum::Scalar(Value::I64(number)) => Ok(number),
            _ => self.stuck(frame, frame.function.expr(id).at),
        }
    }

    fn text(&mut self, frame: &Frame<'_>, id: ExprId) -> Evaluated<Arc<str>> {
        match self.expr(frame, id)? {
            Datum::Symbol(text) => Ok(text),
            _ => self.stuck(frame, frame.function.expr(id).at),
        }
    }

    /// For what a checked program does not contain.
    fn stuck<T>(&self, frame: &Frame<'_>, at: u32) -> Evaluated<T> {
        self.fault(frame, at, not_before_the_first_cycle())
    }
}

fn not_before_the_first_cycle() -> Raised {
    Raised::new(FaultCode::Script, "this cannot be computed before the first cycle")
}
