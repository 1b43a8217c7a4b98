//! Values of different units added, compared, stored and passed.
//!
//! Units come from tags, parameters, axes, blocks and the comments of functions, and are followed through variables,
//! fields and results. A literal has whatever unit is wanted, and so has what was scaled by one: that is how a program
//! says that it converts. What has no unit anywhere is not judged.

mod doc;
mod measure;
mod report;
mod table;

use super::{
    Program,
    paths::{self, Key, Space},
    walk::arguments,
};
use crate::{
    finding::code,
    hir::{
        AxisCall, AxisName, BinaryOperator, Block, ExprId, ExprKind, FaultName, Function, FunctionId, Items,
        Place, Root, Span, Statement, StatementKind, Step, SysFact, UnaryOperator,
    },
    sink::{Found, Sink},
};
use doc::Doc;
use measure::{Measure, Units};
use report::{Mismatch, report};
use sensai_model::{Unit, Value, unit::Relation};
use sensai_stdlib::registry;
use std::collections::BTreeMap;
use table::Table;

/// Rounds after which what is still not known stays so: one for each level of calls at least.
const ROUNDS_MAX: usize = 24;

pub(super) fn lint(program: &Program<'_>, sink: &mut Sink) {
    let docs: Vec<Doc> =
        program.hir.functions.iter().map(|function| doc::doc(program.hir, function)).collect();
    for (id, function) in program.functions() {
        for (span, message, help) in docs.get(id.index()).map(|doc| &doc.wrong[..]).unwrap_or_default() {
            sink.add(Found::warning(code::BAD_UNIT, function.file, *span, message).help(help));
        }
    }
    let mut units =
        Check { program, docs: &docs, table: Table::default(), stores: BTreeMap::new(), sink: None };
    units.table.store(&Key::new(Space::State), &Units::Copy(vec![Key::new(Space::Result(program.hir.init))]));
    if let Some(migrate) = program.hir.migrate {
        units.table.store(&Key::new(Space::State), &Units::Copy(vec![Key::new(Space::Result(migrate))]));
    }
    for _ in 0..ROUNDS_MAX {
        units.table.changed = false;
        units.all();
        if !units.table.changed {
            break;
        }
    }
    units.sink = Some(sink);
    units.all();
    units.places();
}

/// A number with a unit is stored.
struct Store {
    unit: Unit,
    function: FunctionId,
    value: ExprId,
}

struct Check<'a, 'b> {
    program: &'a Program<'a>,
    docs: &'a [Doc],
    table: Table,
    /// By place, in the order of the functions: what a field or a variable is given.
    stores: BTreeMap<Key, Vec<Store>>,
    /// In the last round.
    sink: Option<&'b mut Sink>,
}

impl<'a> Check<'a, '_> {
    /// Callers first: they say what units their callees work with.
    fn all(&mut self) {
        let functions: Vec<(FunctionId, &'a Function)> = self.program.functions().collect();
        for (id, function) in functions.into_iter().rev() {
            for (index, unit) in self.docs.get(id.index()).map(|doc| &doc.parameters[..]).unwrap_or_default()
            {
                let key = Key::new(Space::Local(id, crate::hir::LocalId(*index)));
                self.table.store(&key, &Units::Number(Measure::Of(unit.clone())));
            }
            let mut walk = Walk { check: self, id, function };
            let result = walk.block(&function.body);
            if let Some(value) = function.body.value {
                walk.returns(value, result);
            }
        }
    }

    /// A field or variable that is given values of several units.
    fn places(&mut self) {
        let Some(sink) = self.sink.take() else { return };
        let hir = self.program.hir;
        for (key, stores) in std::mem::take(&mut self.stores) {
            let place = |store: &Store| {
                let function = hir.function(store.function);
                (function.file, function.expr(store.value).span)
            };
            let Some(first) = stores.iter().min_by_key(|store| place(store)) else { continue };
            let name = match key.space {
                Space::Local(function, local) => hir.function(function).local(local).name.clone(),
                _ => paths::name(&hir.state, &key.path),
            };
            for store in &stores {
                let relation = store.unit.to(&first.unit);
                if relation == Relation::Same {
                    continue;
                }
                let (file, span) = place(first);
                let mismatch = Mismatch {
                    function: hir.function(store.function),
                    value: store.value,
                    span: place(store).1,
                    found: &store.unit,
                    wanted: &first.unit,
                    message: format!(
                        "`{name}` is in {} elsewhere, this value is in {}",
                        first.unit, store.unit
                    ),
                };
                let found = report(hir, &mismatch);
                sink.add(found.related(file, span, format!("it is given a value in {} here", first.unit)));
            }
        }
        self.sink = Some(sink);
    }
}

struct Walk<'a, 'b, 'c> {
    check: &'b mut Check<'a, 'c>,
    id: FunctionId,
    function: &'a Function,
}

impl Walk<'_, '_, '_> {
    fn block(&mut self, block: &Block) -> Units {
        for statement in &block.statements {
            self.statement(statement);
        }
        block.value.map_or(Units::UNCLEAR, |value| self.expr(value))
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let { local, value } => {
                let units = self.expr(*value);
                let key = Key::new(Space::Local(self.id, *local));
                self.store(vec![key], units, Some(*value));
            }
            StatementKind::Assign { place, operator, value } => {
                let units = self.expr(*value);
                let old = self.place(place);
                let measure = self.check.table.number(&units);
                match operator {
                    None => {
                        let keys = self.check.program.paths.keys(self.id, place);
                        let known = !paths::has_index(place) && keys.len() == 1;
                        self.store(keys, units, known.then_some(*value));
                    }
                    Some(operator) => {
                        let old = self.check.table.number(&old);
                        self.binary(*operator, (old, None), (measure, *value), statement.span);
                    }
                }
            }
            StatementKind::AssignTag { tag, operator, value } => {
                let units = self.expr(*value);
                tag.index.map(|index| self.expr(index));
                let found = self.check.table.number(&units);
                let of = self.check.program.tag(tag.tag);
                let wanted = Measure::parse(of.and_then(|tag| tag.unit.as_deref()));
                match operator {
                    None => {
                        let name = of.map_or("", |tag| &tag.name);
                        let root = if tag.tag as usize >= self.check.program.environment.tags.len() {
                            "axis"
                        } else {
                            "io"
                        };
                        self.wanted(&wanted, &found, *value, |wanted, found| {
                            format!("`{root}.{name}` is in {wanted}, this value is in {found}")
                        });
                    }
                    Some(operator) => {
                        self.binary(*operator, (wanted, None), (found, *value), statement.span);
                    }
                }
            }
            StatementKind::Expr(value) => {
                self.expr(*value);
            }
            StatementKind::While { condition, body, .. } => {
                condition.map(|condition| self.expr(condition));
                self.block(body);
            }
            StatementKind::For { variable, counter, items, body } => {
                let units = match items {
                    Items::Range { start, end, .. } => {
                        let ends = [self.number(*start), self.number(*end)];
                        let [start, end] = ends;
                        Units::Number(start.join(end))
                    }
                    Items::Array(array) => self.expr(*array),
                    Items::Tag(tag) => Units::Number(self.tag(*tag)),
                };
                self.store(vec![Key::new(Space::Local(self.id, *variable))], units, None);
                if let Some(counter) = counter {
                    self.store(vec![Key::new(Space::Local(self.id, *counter))], Units::ANY, None);
                }
                self.block(body);
            }
            StatementKind::Break | StatementKind::Continue => {}
            StatementKind::Return(value) => {
                if let Some(value) = value {
                    let units = self.expr(*value);
                    self.returns(*value, units);
                }
            }
        }
    }

    fn returns(&mut self, value: ExprId, units: Units) {
        let declared = self.check.docs.get(self.id.index()).and_then(|doc| doc.result.clone());
        if let Some(unit) = declared {
            let (wanted, found) = (Measure::Of(unit), self.check.table.number(&units));
            let name = self.function.name.clone();
            self.wanted(&wanted, &found, value, |wanted, found| {
                format!("the result of `{name}` is in {wanted}, this value is in {found}")
            });
            return self.check.table.store(&Key::new(Space::Result(self.id)), &Units::Number(wanted));
        }
        self.check.table.store(&Key::new(Space::Result(self.id)), &units);
    }

    /// With the value, if one place is meant and nothing else.
    fn store(&mut self, keys: Vec<Key>, units: Units, value: Option<ExprId>) {
        for key in &keys {
            self.check.table.store(key, &units);
        }
        let (Some(value), Some(key), true) = (value, keys.into_iter().next(), self.check.sink.is_some())
        else {
            return;
        };
        if let Measure::Of(unit) = self.check.table.number(&units) {
            let store = Store { unit, function: self.id, value };
            self.check.stores.entry(key).or_default().push(store);
        }
    }

    fn number(&mut self, id: ExprId) -> Measure {
        let units = self.expr(id);
        self.check.table.number(&units)
    }

    fn numbers(&mut self, ids: &[ExprId]) -> Vec<(Measure, ExprId)> {
        ids.iter().map(|id| (self.number(*id), *id)).collect()
    }

    fn place(&mut self, place: &Place) -> Units {
        let path = paths::fields(place);
        for step in &place.path {
            if let Step::Index { index, .. } = step {
                self.expr(*index);
            }
        }
        match place.root {
            Root::Value(value) => self.expr(value).below(&path),
            _ => match self.check.program.paths.keys(self.id, place) {
                keys if keys.is_empty() => Units::UNCLEAR,
                keys => Units::Copy(keys),
            },
        }
    }

    /// What is there now: a later change does not change it.
    fn read(&mut self, place: &Place) -> Units {
        let units = self.place(place);
        match place.ty.is_number() {
            true => Units::Number(self.check.table.number(&units)),
            false => units,
        }
    }

    fn tag(&self, number: u32) -> Measure {
        Measure::parse(self.check.program.tag(number).and_then(|tag| tag.unit.as_deref()))
    }

    fn expr(&mut self, id: ExprId) -> Units {
        let expr = self.function.expr(id);
        let measure = match &expr.kind {
            ExprKind::Literal(Value::Bool(_)) | ExprKind::Symbol(_) => Measure::Unclear,
            ExprKind::Literal(_) => Measure::Any,
            ExprKind::Read(place) => return self.read(place),
            ExprKind::Len(place) => {
                self.place(place);
                Measure::Any
            }
            ExprKind::Tag { tag, quality } => {
                tag.index.map(|index| self.expr(index));
                if *quality { Measure::Unclear } else { self.tag(tag.tag) }
            }
            ExprKind::Parameter(index) => {
                let parameter = self.check.program.environment.parameters.get(*index as usize);
                Measure::parse(parameter.and_then(|parameter| parameter.unit.as_deref()))
            }
            ExprKind::Sys(SysFact::Time) => Measure::parse(Some("ns")),
            ExprKind::Sys(SysFact::Dt) => Measure::parse(Some("s")),
            ExprKind::Sys(_) | ExprKind::Fresh(_) | ExprKind::Request(_) => Measure::Unclear,
            ExprKind::Unary(operator, operand) => match (operator, self.number(*operand)) {
                (UnaryOperator::Negate | UnaryOperator::Plus, measure) => measure,
                (UnaryOperator::Not, _) => Measure::Unclear,
            },
            ExprKind::Binary(operator, left, right) => {
                let (one, other) = (self.number(*left), self.number(*right));
                self.binary(*operator, (one, Some(*left)), (other, *right), expr.span)
            }
            ExprKind::Logic { left, right, .. } => {
                self.expr(*left);
                self.expr(*right);
                Measure::Unclear
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(*condition);
                let mut all = vec![self.block(then)];
                all.extend(otherwise.as_ref().map(|otherwise| self.block(otherwise)));
                return Units::OneOf(all);
            }
            ExprKind::Switch(switch) => {
                self.expr(switch.value);
                let mut all = Vec::new();
                for arm in &switch.arms {
                    arm.guard.map(|guard| self.expr(guard));
                    all.push(self.expr(arm.body));
                }
                all.extend(switch.default.map(|default| self.expr(default)));
                return Units::OneOf(all);
            }
            ExprKind::Block(block) => return self.block(block),
            ExprKind::Library(function, arguments) => {
                let arguments = self.numbers(arguments);
                self.library(function, &arguments, expr.span)
            }
            ExprKind::Call { function, receiver, arguments } => {
                if let Some(receiver) = receiver {
                    self.place(receiver);
                }
                for (index, argument) in arguments.iter().enumerate() {
                    self.parameter(*function, index as u32, *argument);
                }
                let result = Key::new(Space::Result(*function));
                match expr.ty.is_number() {
                    true => self.check.table.get(&result),
                    false => return Units::Copy(vec![result]),
                }
            }
            ExprKind::Method { block, method, arguments, .. } => {
                self.place(block);
                for (described, argument) in method.arguments.iter().zip(arguments) {
                    self.argument(method.path, described, *argument);
                }
                Measure::Unclear
            }
            ExprKind::MakeBlock { of, arguments } => {
                for (index, argument) in arguments.iter().enumerate() {
                    match of.constructor.argument(index) {
                        Some(described) => self.argument(of.name, described, *argument),
                        None => {
                            self.expr(*argument);
                        }
                    }
                }
                Measure::Unclear
            }
            ExprKind::Pin { block, pin, .. } => {
                self.place(block);
                of_block(pin.unit)
            }
            ExprKind::MakeAxis(AxisName::Known(axis)) => {
                let axis = self.check.program.environment.reach.axes.get(usize::from(*axis));
                Measure::parse(axis.map(|axis| axis.unit.as_str()))
            }
            ExprKind::MakeAxis(AxisName::Text(name))
            | ExprKind::RequestNamed(_, name)
            | ExprKind::Fault(FaultName::Value(name)) => {
                self.expr(*name);
                Measure::Unclear
            }
            ExprKind::Fault(FaultName::Text(_)) => Measure::Unclear,
            ExprKind::AxisCommand { handle, command } => {
                let axis = self.place(handle);
                self.command(&axis, command);
                Measure::Unclear
            }
            ExprKind::AxisProperty { handle, property } => {
                let axis = self.place(handle);
                self.of_axis(&axis, property.unit)
            }
            ExprKind::Array(values) => {
                return Units::OneOf(values.iter().map(|value| self.expr(*value)).collect());
            }
            ExprKind::Fill { value, .. } => return self.expr(*value),
            ExprKind::Record(fields) => {
                return Units::Record(
                    fields.iter().map(|(index, value)| (*index, self.expr(*value))).collect(),
                );
            }
        };
        Units::Number(measure)
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        (left, of_left): (Measure, Option<ExprId>),
        (right, of_right): (Measure, ExprId),
        span: Span,
    ) -> Measure {
        use BinaryOperator as Op;
        match operator {
            Op::Multiply => left.times(right),
            Op::Divide => left.per(right),
            Op::Power => match (left, &self.function.expr(of_right).kind) {
                (Measure::Of(unit), ExprKind::Literal(Value::I64(exponent))) => {
                    let exponent = i8::try_from(*exponent).ok();
                    exponent.and_then(|exponent| unit.power(exponent)).map_or(Measure::Unclear, Measure::Of)
                }
                (Measure::Of(_), _) => Measure::Unclear,
                (other, _) => other,
            },
            Op::ShiftLeft | Op::ShiftRight | Op::And | Op::Or | Op::Xor => Measure::Unclear,
            Op::Add | Op::Subtract | Op::Remainder => {
                if let (Some(one), Some(other)) = (left.unit(), right.unit()) {
                    if one.has_steps_of(other) && operator != Op::Remainder {
                        return left;
                    }
                    if other.has_steps_of(one) && operator == Op::Add {
                        return right;
                    }
                }
                self.alike(&left, of_left, &right, of_right, span);
                let steps =
                    left.unit().is_some_and(Unit::is_special) || right.unit().is_some_and(Unit::is_special);
                if steps && left.unit().is_some() && right.unit().is_some() {
                    return Measure::Unclear;
                }
                left.same(right)
            }
            _ => {
                self.alike(&left, of_left, &right, of_right, span);
                Measure::Unclear
            }
        }
    }

    /// Both have to be of one unit.
    fn alike(
        &mut self,
        left: &Measure,
        of_left: Option<ExprId>,
        right: &Measure,
        of_right: ExprId,
        span: Span,
    ) {
        let (Some(wanted), Some(found)) = (left.unit(), right.unit()) else { return };
        if found.to(wanted) == Relation::Same {
            return;
        }
        let left = of_left.map_or("the left side".to_owned(), |left| self.named(left, "the left side"));
        let right = self.named(of_right, "the right side");
        let message = format!("{left} is in {wanted}, {right} in {found}");
        self.mismatch(of_right, span, found, wanted, message);
    }

    /// A value that has to be of a unit.
    fn wanted(
        &mut self,
        wanted: &Measure,
        found: &Measure,
        value: ExprId,
        message: impl FnOnce(&Unit, &Unit) -> String,
    ) {
        let (Some(wanted), Some(found)) = (wanted.unit(), found.unit()) else { return };
        if found.to(wanted) != Relation::Same {
            self.mismatch(value, self.function.expr(value).span, found, wanted, message(wanted, found));
        }
    }

    fn mismatch(&mut self, value: ExprId, span: Span, found: &Unit, wanted: &Unit, message: String) {
        if let Some(sink) = &mut self.check.sink {
            let mismatch = Mismatch { function: self.function, value, span, found, wanted, message };
            sink.add(report(self.check.program.hir, &mismatch));
        }
    }

    /// The text of an expression, if it is short.
    fn named(&self, id: ExprId, otherwise: &str) -> String {
        let text = self.check.program.text(self.function.file, self.function.expr(id).span);
        match text.len() {
            1..=40 if !text.contains('\n') => format!("`{text}`"),
            _ => otherwise.to_owned(),
        }
    }

    fn parameter(&mut self, function: FunctionId, index: u32, argument: ExprId) {
        let units = self.expr(argument);
        let doc = self.check.docs.get(function.index());
        let declared = doc.and_then(|doc| doc.parameters.iter().find(|(of, _)| *of == index));
        let Some((_, unit)) = declared else {
            let key = Key::new(Space::Local(function, crate::hir::LocalId(index)));
            return self.check.table.store(&key, &units);
        };
        let (wanted, found) = (Measure::Of(unit.clone()), self.check.table.number(&units));
        let callee = self.check.program.hir.function(function);
        let name = callee.locals.get(index as usize).map_or("", |local| &local.name);
        let message = |wanted: &Unit, found: &Unit| {
            format!("argument {name} of `{}` is in {wanted}, this value is in {found}", callee.name)
        };
        self.wanted(&wanted, &found, argument, message);
    }

    fn argument(&mut self, callee: &str, described: &registry::Argument, argument: ExprId) {
        let found = self.number(argument);
        let name = described.name;
        self.wanted(&of_block(described.unit), &found, argument, |wanted, found| {
            format!("argument {name} of `{callee}` is in {wanted}, this value is in {found}")
        });
    }

    fn command(&mut self, axis: &Units, command: &AxisCall) {
        let name = match command {
            AxisCall::MoveAbsolute { .. } => "move_absolute",
            AxisCall::MoveRelative { .. } => "move_relative",
            AxisCall::MoveVelocity(_) => "move_velocity",
            AxisCall::Torque { .. } => "torque",
            _ => "",
        };
        let described = registry::AXIS.method(name).map(|method| method.arguments).unwrap_or_default();
        for (index, argument) in arguments(command).into_iter().enumerate() {
            let found = self.number(argument);
            let Some(described) = described.get(index) else { continue };
            let wanted = self.of_axis(axis, described.unit);
            self.wanted(&wanted, &found, argument, |wanted, found| {
                format!(
                    "argument {} of `Axis.{name}` is in {wanted}, this value is in {found}",
                    described.name
                )
            });
        }
    }

    /// A unit in which `axis's` stands for that of the axis.
    fn of_axis(&self, axis: &Units, unit: &str) -> Measure {
        let Some(behind) = unit.strip_prefix("axis's") else { return of_block(unit) };
        let Measure::Of(axis) = self.check.table.number(axis) else { return Measure::Unclear };
        match behind {
            "" => Measure::Of(axis),
            behind => Measure::Of(axis).times(Measure::parse(Some(behind))),
        }
    }

    fn library(
        &mut self,
        function: &registry::Function,
        arguments: &[(Measure, ExprId)],
        span: Span,
    ) -> Measure {
        let at = |index: usize| arguments.get(index).cloned().unwrap_or((Measure::Unclear, ExprId(0)));
        let angle = |unit: &str| Measure::parse(Some(unit));
        match function.name {
            "min" | "max" | "hypot" | "deadband" => self.together(&[at(0), at(1)], span),
            "clamp" => self.together(&[at(0), at(1), at(2)], span),
            "lerp" => self.together(&[at(0), at(1)], span),
            "abs" | "floor" | "ceil" | "round" | "round_even" | "trunc" | "to_int" | "to_float" => at(0).0,
            "sqrt" => match at(0).0 {
                Measure::Of(unit) => unit.root().map_or(Measure::Unclear, Measure::Of),
                other => other,
            },
            "sin" | "cos" | "tan" => {
                self.angle(function.name, "rad", &at(0));
                Measure::Any
            }
            "to_degrees" => {
                self.angle(function.name, "rad", &at(0));
                angle("deg")
            }
            "to_radians" => {
                self.angle(function.name, "deg", &at(0));
                angle("rad")
            }
            "asin" | "acos" | "atan" => angle("rad"),
            "atan2" => {
                self.together(&[at(0), at(1)], span);
                angle("rad")
            }
            "scale" => {
                self.together(&[at(0), at(1), at(2)], span);
                self.together(&[at(3), at(4)], span)
            }
            _ => Measure::Unclear,
        }
    }

    fn angle(&mut self, name: &str, wanted: &str, (found, value): &(Measure, ExprId)) {
        let wanted = Measure::parse(Some(wanted));
        self.wanted(&wanted, found, *value, |wanted, found| {
            format!("`{name}` takes an angle in {wanted}, this value is in {found}")
        });
    }

    /// All of one unit, the one of the result.
    fn together(&mut self, arguments: &[(Measure, ExprId)], span: Span) -> Measure {
        let mut all = arguments.iter().cloned();
        let Some((mut measure, mut of)) = all.next() else { return Measure::Unclear };
        for (next, id) in all {
            self.alike(&measure, Some(of), &next, id, span);
            if measure.unit().is_none() {
                of = id;
            }
            measure = measure.same(next);
        }
        measure
    }
}

/// A unit in the description of a block; none: that of the signal, as in `/s`.
fn of_block(unit: &str) -> Measure {
    if unit.is_empty() || unit.starts_with('/') { Measure::Unclear } else { Measure::parse(Some(unit)) }
}
