//! Runs the typed tree value by value, slowly, and tells of every value and every check.

use crate::{
    arithmetic,
    hir::{
        AxisCall, BinaryOperator, Block, ExprId, ExprKind, FaultName, Function, FunctionId, Hir, Items,
        Pattern, Place, Root, Statement, StatementKind, Step, Switch, SysFact, TagPlace, Type,
    },
    layout::symbol,
    ranges::facts::Site,
};
use sensai_model::{ScalarType, Tag, Value};
use sensai_stdlib::registry::BlockType;
use std::sync::Arc;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
    Unit,
    Scalar(Value),
    Text(Arc<str>),
    Array(Vec<Self>),
    Record(Vec<Self>),
    Block(&'static str, Vec<u8>),
    Axis,
}

/// What is told of.
pub(super) trait Watch {
    /// An expression gave this.
    fn value(&mut self, function: FunctionId, expr: ExprId, value: &Datum);
    /// A check was made.
    fn check(&mut self, function: FunctionId, expr: ExprId, site: Site, holds: bool);
    /// The assignment with this right side stores this.
    fn stored(&mut self, function: FunctionId, expr: ExprId, value: &Datum);
    /// A loop ran so often.
    fn turns(&mut self, function: FunctionId, start: u32, turns: u64, to_its_end: bool);
}

/// What a program runs on.
pub(super) struct World<'a> {
    pub tags: &'a [Tag],
    pub values: Vec<Value>,
    pub parameters: Vec<Value>,
    pub cycle: u64,
    pub time_ns: i64,
    pub dt_ns: i64,
    pub first_cycle: bool,
    pub seed: i64,
    /// For everything that a program asks of others: axes, qualities, models.
    pub chance: u64,
}

/// Why it does not go on.
pub(super) enum Exit {
    Fault,
    Break,
    Continue,
    Return(Datum),
}

type Done<T> = Result<T, Exit>;

/// A run.
pub(super) struct Run<'a, 'w> {
    pub hir: &'a Hir,
    pub world: &'a mut World<'w>,
    pub watch: &'a mut dyn Watch,
    /// Variables and temporary values of all calls.
    slots: Vec<Datum>,
    steps: u64,
}

#[derive(Clone, Debug)]
struct Reference {
    slot: usize,
    path: Vec<usize>,
}

#[derive(Clone)]
struct Frame<'f> {
    id: FunctionId,
    function: &'f Function,
    base: usize,
    this: Option<Reference>,
}

const STEPS_MAX: u64 = 200_000;

impl World<'_> {
    fn random(&mut self) -> u64 {
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.chance >> 20
    }

    fn flag(&mut self) -> Value {
        Value::Bool(self.random().is_multiple_of(2))
    }
}

impl<'a, 'w> Run<'a, 'w> {
    pub fn new(hir: &'a Hir, world: &'a mut World<'w>, watch: &'a mut dyn Watch) -> Self {
        Self { hir, world, watch, slots: Vec::new(), steps: 0 }
    }

    /// Run `init`.
    pub fn init(mut self) -> Option<Datum> {
        self.call(self.hir.init, None, Vec::new()).ok()
    }

    /// Run a cycle. `None`: it faulted.
    pub fn cycle(mut self, state: Datum) -> Option<Datum> {
        self.slots.push(state);
        let this = Reference { slot: 0, path: Vec::new() };
        self.call(self.hir.cycle, Some(this), Vec::new()).ok()?;
        self.slots.into_iter().next()
    }

    fn call(&mut self, id: FunctionId, this: Option<Reference>, arguments: Vec<Datum>) -> Done<Datum> {
        let hir = self.hir;
        let function = hir.function(id);
        let base = self.slots.len();
        self.slots.extend(arguments);
        self.slots.resize(base + function.locals.len(), Datum::Unit);
        let result = self.block(&Frame { id, function, base, this }, &function.body);
        self.slots.truncate(base);
        match result {
            Err(Exit::Return(value)) => Ok(value),
            result => result,
        }
    }

    fn spend(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > STEPS_MAX { Err(Exit::Fault) } else { Ok(()) }
    }

    fn check(&mut self, frame: &Frame<'_>, expr: ExprId, site: Site, holds: bool) -> Done<()> {
        self.watch.check(frame.id, expr, site, holds);
        if holds { Ok(()) } else { Err(Exit::Fault) }
    }

    fn block(&mut self, frame: &Frame<'_>, block: &Block) -> Done<Datum> {
        for statement in &block.statements {
            self.statement(frame, statement)?;
        }
        block.value.map_or(Ok(Datum::Unit), |value| self.expr(frame, value))
    }

    fn statement(&mut self, frame: &Frame<'_>, statement: &Statement) -> Done<()> {
        self.spend()?;
        match &statement.kind {
            StatementKind::Let { local, value } => {
                let value = self.expr(frame, *value)?;
                self.slots[frame.base + local.index()] = value;
            }
            StatementKind::Assign { place, operator, value: id } => {
                let mut value = self.expr(frame, *id)?;
                let reference = self.place(frame, place)?;
                if let Some(operator) = operator {
                    let old = self.get(&reference).clone();
                    let result = operate(*operator, &old, &value);
                    self.check(frame, *id, Site::Assignment, result.is_some())?;
                    value = result.unwrap();
                }
                self.watch.stored(frame.id, *id, &value);
                *self.get_mut(&reference) = value;
            }
            StatementKind::AssignTag { tag, operator, value } => {
                self.assign_tag(frame, tag, *operator, *value)?
            }
            StatementKind::Expr(value) => drop(self.expr(frame, *value)?),
            StatementKind::While { condition, body_first, until, body } => {
                let mut skip = *body_first;
                let mut turns = 0;
                loop {
                    self.spend()?;
                    if let Some(condition) = condition.filter(|_| !std::mem::replace(&mut skip, false))
                        && self.flag(frame, condition)? == *until
                    {
                        self.watch.turns(frame.id, statement.span.start, turns, true);
                        return Ok(());
                    }
                    turns += 1;
                    match self.block(frame, body) {
                        Err(Exit::Break) => break,
                        Err(Exit::Continue) => skip = *body_first,
                        Ok(_) => {}
                        Err(exit) => return Err(exit),
                    }
                }
                self.watch.turns(frame.id, statement.span.start, turns, false);
            }
            StatementKind::For { variable, counter, items, body } => {
                let mut turns = 0;
                for (number, item) in self.items(frame, items)?.enumerate() {
                    self.spend()?;
                    turns += 1;
                    self.slots[frame.base + variable.index()] = item;
                    if let Some(counter) = counter {
                        self.slots[frame.base + counter.index()] = Datum::Scalar(Value::I64(number as i64));
                    }
                    match self.block(frame, body) {
                        Err(Exit::Break) => {
                            self.watch.turns(frame.id, statement.span.start, turns, false);
                            return Ok(());
                        }
                        Ok(_) | Err(Exit::Continue) => {}
                        Err(exit) => return Err(exit),
                    }
                }
                self.watch.turns(frame.id, statement.span.start, turns, true);
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

    fn items(&mut self, frame: &Frame<'_>, items: &Items) -> Done<Box<dyn Iterator<Item = Datum>>> {
        let number = |number| Datum::Scalar(Value::I64(number));
        Ok(match items {
            Items::Range { start, end, inclusive } => {
                let (start, end) = (self.int(frame, *start)?, self.int(frame, *end)?);
                if *inclusive {
                    Box::new((start..=end).map(number))
                } else {
                    Box::new((start..end).map(number))
                }
            }
            Items::Array(array) => match self.expr(frame, *array)? {
                Datum::Array(elements) => Box::new(elements.into_iter()),
                other => panic!("{other:?} is no array"),
            },
            Items::Tag(tag) => {
                let tag = &self.world.tags[*tag as usize];
                let slots = tag.slot as usize..(tag.slot + tag.len()) as usize;
                let values: Vec<Datum> =
                    self.world.values[slots].iter().copied().map(Datum::Scalar).collect();
                Box::new(values.into_iter())
            }
        })
    }

    fn assign_tag(
        &mut self,
        frame: &Frame<'_>,
        place: &TagPlace,
        operator: Option<BinaryOperator>,
        id: ExprId,
    ) -> Done<()> {
        let mut value = self.expr(frame, id)?;
        let slot = self.tag(frame, place)?;
        if let Some(operator) = operator {
            let result = operate(operator, &Datum::Scalar(self.world.values[slot]), &value);
            self.check(frame, id, Site::Assignment, result.is_some())?;
            value = result.unwrap();
        }
        self.watch.stored(frame.id, id, &value);
        let tag = &self.world.tags[place.tag as usize];
        let Datum::Scalar(value) = value else { panic!("{value:?} in a tag") };
        let finite = !matches!(value, Value::F64(number) if !number.is_finite());
        let nearest = match (value, tag.range) {
            (Value::I64(value), Some((Value::I64(low), Value::I64(high)))) => {
                Value::I64(value.max(low).min(high))
            }
            (Value::F64(value), Some((Value::F64(low), Value::F64(high)))) => {
                Value::F64(value.max(low).min(high))
            }
            (value, _) => value,
        };
        let fits = nearest == value || tag.overflow == sensai_model::tag::Overflow::Saturate;
        self.check(frame, id, Site::Store, finite && fits)?;
        self.world.values[slot] = nearest;
        Ok(())
    }

    fn tag(&mut self, frame: &Frame<'_>, place: &TagPlace) -> Done<usize> {
        let tag = &self.world.tags[place.tag as usize];
        let (slot, len) = (tag.slot as usize, tag.len());
        match place.index {
            None => Ok(slot),
            Some(index) => {
                let at = self.int(frame, index)?;
                let position = position(at, len);
                self.check(frame, index, Site::Index, position.is_some())?;
                Ok(slot + position.unwrap())
            }
        }
    }

    fn get(&self, reference: &Reference) -> &Datum {
        reference.path.iter().fold(&self.slots[reference.slot], |datum, step| match datum {
            Datum::Array(parts) | Datum::Record(parts) => &parts[*step],
            other => panic!("{other:?} has no parts"),
        })
    }

    fn get_mut(&mut self, reference: &Reference) -> &mut Datum {
        reference.path.iter().fold(&mut self.slots[reference.slot], |datum, step| match datum {
            Datum::Array(parts) | Datum::Record(parts) => &mut parts[*step],
            other => panic!("{other:?} has no parts"),
        })
    }

    fn indices(&mut self, frame: &Frame<'_>, place: &Place) -> Done<Vec<i64>> {
        let steps = place.path.iter();
        let ids =
            steps.filter_map(|step| if let Step::Index { index, .. } = step { Some(*index) } else { None });
        ids.map(|id| self.int(frame, id)).collect()
    }

    fn place(&mut self, frame: &Frame<'_>, place: &Place) -> Done<Reference> {
        let indices = self.indices(frame, place)?;
        self.found(frame, place, &indices)
    }

    /// A place whose indices were evaluated.
    fn found(&mut self, frame: &Frame<'_>, place: &Place, indices: &[i64]) -> Done<Reference> {
        let mut reference = match &place.root {
            Root::This => frame.this.clone().unwrap(),
            Root::Local(local) => Reference { slot: frame.base + local.index(), path: Vec::new() },
            Root::Constant(constant) => {
                let constant = &self.hir.constants[constant.index()];
                let value = from_bytes(&constant.bytes, &constant.ty);
                self.temporary(value)
            }
            Root::Value(value) => {
                let value = self.expr(frame, *value)?;
                self.temporary(value)
            }
        };
        let mut indices = indices.iter();
        for step in &place.path {
            reference.path.push(match step {
                Step::Field { index, .. } => *index as usize,
                Step::Index { index, len, .. } => {
                    let position = position(*indices.next().unwrap(), *len);
                    self.check(frame, *index, Site::Index, position.is_some())?;
                    position.unwrap()
                }
            });
        }
        Ok(reference)
    }

    fn temporary(&mut self, value: Datum) -> Reference {
        self.slots.push(value);
        Reference { slot: self.slots.len() - 1, path: Vec::new() }
    }

    fn expr(&mut self, frame: &Frame<'_>, id: ExprId) -> Done<Datum> {
        self.spend()?;
        let value = self.kind(frame, id)?;
        self.watch.value(frame.id, id, &value);
        Ok(value)
    }

    fn kind(&mut self, frame: &Frame<'_>, id: ExprId) -> Done<Datum> {
        let expr = frame.function.expr(id);
        Ok(match &expr.kind {
            ExprKind::Literal(value) => Datum::Scalar(*value),
            ExprKind::Symbol(symbol) => Datum::Text(Arc::clone(&self.hir.symbols[symbol.index()])),
            ExprKind::Read(place) => {
                let reference = self.place(frame, place)?;
                self.get(&reference).clone()
            }
            ExprKind::Len(place) => {
                let reference = self.place(frame, place)?;
                match self.get(&reference) {
                    Datum::Array(elements) => Datum::Scalar(Value::I64(elements.len() as i64)),
                    other => panic!("{other:?} has no length"),
                }
            }
            ExprKind::Tag { tag, quality } => {
                let slot = self.tag(frame, tag)?;
                Datum::Scalar(if *quality { self.world.flag() } else { self.world.values[slot] })
            }
            ExprKind::Parameter(index) => Datum::Scalar(self.world.parameters[*index as usize]),
            ExprKind::Sys(fact) => self.sys(*fact),
            ExprKind::Unary(operator, operand) => {
                let operand = self.scalar(frame, *operand)?;
                let result = arithmetic::unary(*operator, operand).unwrap().ok();
                self.check(frame, id, Site::Operation, result.is_some())?;
                Datum::Scalar(result.unwrap())
            }
            ExprKind::Binary(operator, left, right) => {
                let (left, right) = (self.expr(frame, *left)?, self.expr(frame, *right)?);
                let result = operate(*operator, &left, &right);
                self.check(frame, id, Site::Operation, result.is_some())?;
                result.unwrap()
            }
            ExprKind::Logic { and, left, right } => {
                let left = self.flag(frame, *left)?;
                Datum::Scalar(Value::Bool(if left == *and { self.flag(frame, *right)? } else { left }))
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
                let result = function.call(&arguments).ok();
                self.check(frame, id, Site::Operation, result.is_some())?;
                Datum::Scalar(result.unwrap())
            }
            ExprKind::Call { function, receiver, arguments } => {
                let indices = receiver.as_ref().map(|place| self.indices(frame, place)).transpose()?;
                let given = self.all(frame, arguments)?;
                let before = self.slots.len();
                let this = match (receiver, indices) {
                    (Some(place), Some(indices)) => Some(self.found(frame, place, &indices)?),
                    _ => None,
                };
                let result = self.call(*function, this, given);
                self.slots.truncate(before);
                result?
            }
            ExprKind::Method { block, method, arguments, .. } => {
                let indices = self.indices(frame, block)?;
                let given = self.scalars(frame, arguments)?;
                let reference = self.found(frame, block, &indices)?;
                let dt_ns = self.world.dt_ns;
                let Datum::Block(_, bytes) = self.get_mut(&reference) else { panic!("no block") };
                let result = method.call(bytes, &given, dt_ns).ok();
                self.check(frame, id, Site::Operation, result.is_some())?;
                result.unwrap().map_or(Datum::Unit, Datum::Scalar)
            }
            ExprKind::Pin { block, pin, .. } => {
                let reference = self.place(frame, block)?;
                let Datum::Block(_, bytes) = self.get(&reference) else { panic!("no block") };
                Datum::Scalar(pin.get(bytes))
            }
            ExprKind::AxisCommand { handle, command } => self.command(frame, handle, command)?,
            ExprKind::AxisProperty { handle, property } => {
                self.place(frame, handle)?;
                self.property(property)
            }
            ExprKind::Fresh(_) => Datum::Scalar(self.world.flag()),
            ExprKind::Request(_) => Datum::Unit,
            ExprKind::RequestNamed(_, name) => {
                self.expr(frame, *name)?;
                Datum::Unit
            }
            ExprKind::Fault(name) => {
                if let FaultName::Value(name) = name {
                    self.expr(frame, *name)?;
                }
                return Err(Exit::Fault);
            }
            ExprKind::Array(elements) => Datum::Array(self.all(frame, elements)?),
            ExprKind::Fill { len, value } => Datum::Array(vec![self.expr(frame, *value)?; *len as usize]),
            ExprKind::Record(fields) => {
                let mut values = vec![Datum::Unit; fields.len()];
                for (index, field) in fields {
                    values[*index as usize] = self.expr(frame, *field)?;
                }
                Datum::Record(values)
            }
            ExprKind::MakeBlock { of, arguments } => {
                let of: &'static BlockType = of;
                let arguments = self.scalars(frame, arguments)?;
                let mut bytes = vec![0; of.size];
                of.construct(&mut bytes, &arguments).map_err(|_| Exit::Fault)?;
                Datum::Block(of.name, bytes)
            }
            ExprKind::MakeAxis(_) => Datum::Axis,
        })
    }

    fn sys(&mut self, fact: SysFact) -> Datum {
        let text = |text: &str| Datum::Text(Arc::from(text));
        match fact {
            SysFact::Cycle => Datum::Scalar(Value::I64(i64::try_from(self.world.cycle).unwrap_or(i64::MAX))),
            SysFact::Time => Datum::Scalar(Value::I64(self.world.time_ns)),
            SysFact::Dt => Datum::Scalar(Value::F64(sensai_stdlib::time::seconds_from_ns(self.world.dt_ns))),
            SysFact::FirstCycle => Datum::Scalar(Value::Bool(self.world.first_cycle)),
            SysFact::Mode => text("production"),
            SysFact::State => {
                let states = sensai_model::packml::State::ALL;
                text(states[self.world.random() as usize % states.len()].name())
            }
            SysFact::Seed => Datum::Scalar(Value::I64(self.world.seed)),
        }
    }

    fn property(&mut self, property: &sensai_stdlib::registry::handle::Property) -> Datum {
        use sensai_stdlib::registry::handle::Kind;
        match property.kind {
            Kind::Bool => Datum::Scalar(self.world.flag()),
            Kind::I64 => Datum::Scalar(Value::I64(self.world.random() as i64 % 100)),
            Kind::F64 => Datum::Scalar(Value::F64(self.world.random() as f64 / 1e6)),
            Kind::Text => {
                Datum::Text(Arc::from(property.words[self.world.random() as usize % property.words.len()]))
            }
        }
    }

    fn command(&mut self, frame: &Frame<'_>, handle: &Place, command: &AxisCall) -> Done<Datum> {
        let indices = self.indices(frame, handle)?;
        let numbers: Vec<ExprId> = match command {
            AxisCall::Power(on) => vec![*on],
            AxisCall::MoveVelocity(velocity) => vec![*velocity],
            AxisCall::MoveAbsolute { position, velocity, .. } => vec![*position, *velocity],
            AxisCall::MoveRelative { distance, velocity } => vec![*distance, *velocity],
            AxisCall::Torque { torque, ramp } => vec![*torque, *ramp],
            _ => Vec::new(),
        };
        let given = self.scalars(frame, &numbers)?;
        self.found(frame, handle, &indices)?;
        match given.iter().all(|value| !matches!(value, Value::F64(number) if !number.is_finite())) {
            true => Ok(Datum::Unit),
            false => Err(Exit::Fault),
        }
    }

    fn switch(&mut self, frame: &Frame<'_>, switch: &Switch) -> Done<Datum> {
        let value = self.expr(frame, switch.value)?;
        for ranges in [false, true] {
            for arm in &switch.arms {
                let fits = |pattern: &Pattern| match (pattern, &value) {
                    (Pattern::Scalar(pattern), Datum::Scalar(value)) => !ranges && pattern == value,
                    (Pattern::Symbol(symbol), Datum::Text(text)) => {
                        !ranges && self.hir.symbols[symbol.index()] == *text
                    }
                    (Pattern::Range(low, high), Datum::Scalar(Value::I64(value))) => {
                        ranges && (low..=high).contains(&value)
                    }
                    _ => false,
                };
                if arm.patterns.iter().any(fits)
                    && arm.guard.map_or(Ok(true), |guard| self.flag(frame, guard))?
                {
                    return self.expr(frame, arm.body);
                }
            }
        }
        switch.default.map_or(Ok(Datum::Unit), |default| self.expr(frame, default))
    }

    fn all(&mut self, frame: &Frame<'_>, ids: &[ExprId]) -> Done<Vec<Datum>> {
        ids.iter().map(|id| self.expr(frame, *id)).collect()
    }

    fn scalars(&mut self, frame: &Frame<'_>, ids: &[ExprId]) -> Done<Vec<Value>> {
        ids.iter().map(|id| self.scalar(frame, *id)).collect()
    }

    fn scalar(&mut self, frame: &Frame<'_>, id: ExprId) -> Done<Value> {
        match self.expr(frame, id)? {
            Datum::Scalar(value) => Ok(value),
            other => panic!("{other:?} is no scalar"),
        }
    }

    fn flag(&mut self, frame: &Frame<'_>, id: ExprId) -> Done<bool> {
        match self.scalar(frame, id)? {
            Value::Bool(flag) => Ok(flag),
            other => panic!("{other:?} is no bool"),
        }
    }

    fn int(&mut self, frame: &Frame<'_>, id: ExprId) -> Done<i64> {
        match self.scalar(frame, id)? {
            Value::I64(number) => Ok(number),
            other => panic!("{other:?} is no i64"),
        }
    }
}

fn position(index: i64, len: u32) -> Option<usize> {
    let from_start = if index < 0 { index.saturating_add(len.into()) } else { index };
    usize::try_from(from_start).ok().filter(|position| *position < len as usize)
}

fn operate(operator: BinaryOperator, left: &Datum, right: &Datum) -> Option<Datum> {
    match (left, right) {
        (Datum::Text(left), Datum::Text(right)) => {
            Some(Datum::Scalar(Value::Bool((left == right) == (operator == BinaryOperator::Equal))))
        }
        (Datum::Scalar(left), Datum::Scalar(right)) => {
            arithmetic::binary(operator, *left, *right).unwrap().ok().map(Datum::Scalar)
        }
        _ => panic!("{left:?} {} {right:?}", operator.symbol()),
    }
}

fn from_bytes(bytes: &[u8], ty: &Type) -> Datum {
    let word = || u64::from_le_bytes(bytes[..8].try_into().unwrap());
    match ty {
        Type::Bool => Datum::Scalar(Value::Bool(bytes[0] != 0)),
        Type::I64 => Datum::Scalar(Value::from_bits(ScalarType::I64, word())),
        Type::F64 => Datum::Scalar(Value::from_bits(ScalarType::F64, word())),
        Type::Symbol => Datum::Text(Arc::from(symbol(bytes).unwrap())),
        Type::Array(array) => {
            let size = array.element.size() as usize;
            Datum::Array(bytes.chunks(size).map(|bytes| from_bytes(bytes, &array.element)).collect())
        }
        Type::Record(record) => {
            let fields = record.fields().iter();
            Datum::Record(
                fields.map(|field| from_bytes(&bytes[field.offset as usize..], &field.ty)).collect(),
            )
        }
        other => panic!("{other} in a constant"),
    }
}

/// A value of a type that can be restored.
pub(super) fn arbitrary(world: &mut World<'_>, value: &Datum, symbols: &[Arc<str>]) -> Datum {
    let ints = [0, 1, -1, 2, 3, 7, 8, 100, i64::MIN, i64::MAX];
    let floats = [0.0, -0.0, 1.0, -1.5, 100.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324];
    let chance = world.random() as usize;
    match value {
        // Most of it as it is: only then do programs come far.
        value if !chance.is_multiple_of(4) && !matches!(value, Datum::Array(_) | Datum::Record(_)) => {
            value.clone()
        }
        Datum::Scalar(Value::Bool(_)) => Datum::Scalar(Value::Bool(chance.is_multiple_of(8))),
        Datum::Scalar(Value::I64(_)) => Datum::Scalar(Value::I64(ints[chance / 4 % ints.len()])),
        Datum::Scalar(Value::F64(_)) => Datum::Scalar(Value::F64(floats[chance / 4 % floats.len()])),
        Datum::Text(_) => match symbols.get(chance / 4 % (symbols.len() + 1)) {
            Some(text) => Datum::Text(Arc::clone(text)),
            None => Datum::Text(Arc::from("another text")),
        },
        Datum::Array(parts) => {
            Datum::Array(parts.iter().map(|part| arbitrary(world, part, symbols)).collect())
        }
        Datum::Record(parts) => {
            Datum::Record(parts.iter().map(|part| arbitrary(world, part, symbols)).collect())
        }
        other => other.clone(),
    }
}
