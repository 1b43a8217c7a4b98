//! Statements that fault on purpose, in few cycles; and those that show in which order things happen.

use super::{Generator, Phase, Scope, floats::is_simple, places::Want};
use crate::ast::{Block, Expr, For, Items, Kind, Reach, Statement, StatementKind, Ty};
use sensai_stdlib::registry;

impl Generator<'_> {
    /// A statement that faults, behind a condition that seldom holds.
    pub(super) fn trap(&mut self, scope: &mut Scope) -> Option<Statement> {
        if scope.phase != Phase::Cycle {
            return None;
        }
        let faulting = self.faulting(scope)?;
        Some(self.now_and_then(scope, faulting))
    }

    /// Statements behind a condition that seldom holds.
    pub(super) fn now_and_then(&mut self, scope: &mut Scope, statements: Vec<StatementKind>) -> Statement {
        let condition = self.seldom(scope);
        let then = Block::of(statements.into_iter().map(Statement::from).collect());
        let kind = Kind::If(Box::new(condition), then, None);
        scope.reads_cycle = true;
        StatementKind::Expr(Expr::new(Ty::Unit, kind)).into()
    }

    /// A loop that only the end of the fuel ends, behind a condition that seldom holds.
    pub(super) fn endless(&mut self, scope: &mut Scope) -> Option<Statement> {
        let place = self.simple_place(scope, Want::Write, &|ty| *ty == Ty::I64(Reach::Wild))?;
        let more = Expr::binary(place.ty.clone(), "^", place.clone(), Expr::int(self.chance.within(1, 9)));
        let body = Block::of(vec![StatementKind::Assign(place.clone(), None, more).into()]);
        // Not a literal: the check would find that nothing ends it.
        let always = Expr::binary(Ty::Bool, "==", place.clone(), place);
        let kind = match self.chance.below(5) {
            0 => StatementKind::Loop(body),
            1 => StatementKind::While(always, body),
            2 => StatementKind::Do(body, "while", always),
            3 => StatementKind::Do(body, "until", Expr::unary(Ty::Bool, "!", always)),
            _ => {
                let items = Items::Range(Expr::int(0), "..", Expr::int(i64::MAX));
                StatementKind::For(For { variable: self.fresh("i"), counter: None, items, body })
            }
        };
        let condition = self.seldom(scope);
        let kind = Kind::If(Box::new(condition), Block::of(vec![kind.into()]), None);
        Some(StatementKind::Expr(Expr::new(Ty::Unit, kind)).into())
    }

    fn seldom(&mut self, scope: &mut Scope) -> Expr {
        let every = self.chance.within(5, 17);
        let cycle = Expr::atom(Ty::INT, "sys.cycle");
        let turn = Expr::binary(Ty::INT, "%", cycle, Expr::int(every));
        let at = Expr::int(self.chance.within(0, every - 1));
        let now = Expr::binary(Ty::Bool, "==", turn, at);
        if self.chance.percent(50) {
            return now;
        }
        let too = self.value(scope, &Ty::Bool, 2);
        Expr::binary(Ty::Bool, "&&", now, too)
    }

    fn faulting(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let wild = Ty::I64(Reach::Wild);
        let expr = match self.chance.below(20) {
            17..20 => return self.at_the_edge(scope),
            0 => {
                // An overflow by each operator that can.
                let number = self.value(scope, &Ty::INT, 2);
                let most = Expr::int(i64::MAX);
                if self.chance.percent(40) {
                    return self.overflow_of_variables(scope);
                }
                let sum = match self.chance.below(5) {
                    0 => Expr::binary(wild.clone(), "+", most, number),
                    1 => {
                        let below = Expr::binary(wild.clone(), "-", Expr::int(-5), most);
                        Expr::binary(wild.clone(), "-", below, number)
                    }
                    2 => Expr::binary(wild.clone(), "*", number, most),
                    3 => Expr::unary(wild.clone(), "-", Expr::int(i64::MIN)),
                    _ => {
                        let exponent = Expr::int(self.chance.within(20, 70));
                        Expr::binary(wild.clone(), "**", number, exponent)
                    }
                };
                self.kept(scope, sum)
            }
            1 => {
                let name = *self.chance.pick(&["abs", "to_int", "pow"]);
                let call = match name {
                    "abs" => Expr::call(wild, name, vec![Expr::int(i64::MIN)]),
                    "to_int" => {
                        let number = *self.chance.pick(&[1e300, 9.223_372_036_854_776e18, f64::INFINITY]);
                        Expr::call(wild, name, vec![Expr::float(number)])
                    }
                    _ => Expr::call(wild, name, vec![Expr::int(3), Expr::int(self.chance.within(39, 99))]),
                };
                self.kept(scope, call)
            }
            2 => {
                let operator = *self.chance.pick(&["/", "%"]);
                let left = self.value(scope, &Ty::INT, 2);
                let right = match self.chance.below(3) {
                    0 => Expr::int(0),
                    _ => {
                        let number = self.value(scope, &Ty::INT, 1);
                        Expr::binary(Ty::INT, "&", number, Expr::int(1))
                    }
                };
                let quotient = Expr::binary(Ty::INT, operator, left, right);
                self.kept(scope, quotient)
            }
            3 => {
                let operator = *self.chance.pick(&["/", "%"]);
                let quotient = Expr::binary(wild, operator, Expr::int(i64::MIN), Expr::int(-1));
                self.kept(scope, quotient)
            }
            4 => {
                let number = self.value(scope, &Ty::FLOAT, 2);
                let ends = self.value(scope, &Ty::FLOAT, 1);
                let zero = Expr::float(0.0);
                let arguments = vec![number, ends.clone(), ends, zero, Expr::float(1.0)];
                let call = Expr::call(Ty::F64(Reach::Wild), "scale", arguments);
                self.kept(scope, call)
            }
            5 | 6 => return self.out_of_bounds(scope),
            7 => {
                let name = *self.chance.pick(&["to_int", "sign"]);
                let nan = Expr::float(f64::NAN);
                let call = Expr::call(wild, name, vec![nan]);
                self.kept(scope, call)
            }
            8 => {
                let low = self.value(scope, &Ty::INT, 1);
                let above = Expr::binary(Ty::INT, "+", low.clone(), Expr::int(-1));
                let number = self.value(scope, &Ty::INT, 1);
                let call = match self.chance.below(3) {
                    0 => Expr::call(Ty::INT, "clamp", vec![number, low, above]),
                    1 => {
                        let nan = Expr::float(f64::NAN);
                        Expr::call(Ty::FLOAT, "clamp", vec![Expr::float(1.0), nan, Expr::float(2.0)])
                    }
                    _ => Expr::binary(Ty::INT, "**", number, Expr::int(-self.chance.within(1, 4))),
                };
                self.kept(scope, call)
            }
            9 | 10 => return self.refused_by_tag(scope),
            11 => {
                let name = match self.chance.below(3) {
                    0 => self.value(scope, &Ty::TEXT, 2),
                    _ => self.word(crate::ast::Words::Own),
                };
                Expr::call(Ty::Unit, "fault", vec![name])
            }
            12 => return self.wrong_axis_argument(scope),
            13 | 14 => return self.too_many(scope),
            15 => return self.unknown_name(scope),
            _ => return self.refused_by_block(scope),
        };
        Some(vec![StatementKind::Expr(expr)])
    }

    /// Numbers at which operators overflow, and beside them, of which nothing is known before.
    pub(super) fn at_the_edge(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        const EDGES: [i64; 13] =
            [i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, -64, -1, 0, 1, 2, 3, 62, 63, 64];
        let wild = Ty::I64(Reach::Wild);
        let target = self.place(scope, Want::Write, &|ty| *ty == Ty::I64(Reach::Wild))?;
        let value = match self.chance.below(12) {
            0 => Expr::unary(wild, "-", self.hidden(scope, i64::MIN)),
            1 => {
                let edge = *self.chance.pick(&EDGES);
                Expr::call(wild, "abs", vec![self.hidden(scope, edge)])
            }
            _ => {
                let operator = *self.chance.pick(&["+", "-", "*", "/", "%", "**", "<<", ">>", "+", "-"]);
                let left = *self.chance.pick(&EDGES);
                let right = match operator {
                    "**" | "<<" | ">>" => *self.chance.pick(&[-1, 0, 1, 2, 3, 62, 63, 64]),
                    _ => *self.chance.pick(&EDGES),
                };
                let left = self.hidden(scope, left);
                // What can be known to be wrong, the check finds.
                let right = match operator {
                    "+" | "-" | "*" if self.chance.percent(30) => Expr::int(right),
                    _ => self.hidden(scope, right),
                };
                Expr::binary(wild, operator, left, right)
            }
        };
        scope.pay(12);
        Some(vec![StatementKind::Assign(target, None, value)])
    }

    /// As a statement, or as the value of something larger.
    fn kept(&mut self, scope: &mut Scope, value: Expr) -> Expr {
        let ty = value.ty.clone();
        match self.chance.below(3) {
            0 => {
                let more = self.value(scope, &ty, 2);
                let operator = if matches!(ty, Ty::F64(_)) { "-" } else { "&" };
                let mut sum = Expr::binary(ty, operator, more, value);
                self.style(&mut sum);
                sum
            }
            1 => {
                let kind = Kind::Array(vec![self.value(scope, &ty, 1), value]);
                Expr::new(Ty::Array(ty.into(), 2), kind)
            }
            _ => value,
        }
    }

    fn out_of_bounds(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let beyond = |this: &mut Self, scope: &mut Scope, len: u32| {
            let len = i64::from(len);
            let number = this.value(scope, &Ty::INT, 1);
            let zero = Expr::binary(Ty::INT, "*", number, Expr::int(0));
            let at = match this.chance.below(4) {
                0 => -len - 1,
                1 => i64::MIN,
                2 => i64::MAX,
                _ => len,
            };
            // Not a literal, which the check would find.
            Expr::binary(Ty::INT, "+", zero, Expr::int(at))
        };
        if self.chance.percent(40) {
            let arrays: Vec<(String, Ty, u32)> = self
                .readable
                .iter()
                .filter_map(|named| Some((named.text.clone(), named.ty.clone(), named.len?)))
                .collect();
            if !arrays.is_empty() {
                let (text, ty, len) = self.chance.pick(&arrays).clone();
                let index = beyond(self, scope, len);
                let element = Expr::index(ty.clone(), Expr::atom(ty, text), index);
                return Some(vec![StatementKind::Expr(self.used(element))]);
            }
        }
        let array = self.place(scope, Want::Read, &|ty| matches!(ty, Ty::Array(..)))?;
        let Ty::Array(element, len) = array.ty.clone() else { return None };
        let index = beyond(self, scope, len);
        let place = Expr::index((*element).clone(), array, index);
        if element.is_scalar()
            && self.chance.percent(50)
            && let Some(name) = self.copied(scope, &place)
        {
            return Some(name);
        }
        Some(vec![StatementKind::Expr(self.used(place))])
    }

    /// A write behind the end of a copy.
    fn copied(&mut self, scope: &mut Scope, place: &Expr) -> Option<Vec<StatementKind>> {
        let Kind::Index(array, index) = &place.kind else { return None };
        let name = self.fresh("copy");
        let target =
            Expr::index(place.ty.clone(), Expr::atom(array.ty.clone(), name.clone()), (**index).clone());
        let value = self.value(scope, &place.ty, 1);
        let operator = match place.ty {
            Ty::I64(_) if self.chance.percent(50) => Some("|"),
            _ => None,
        };
        Some(vec![
            StatementKind::Let(name, (**array).clone()),
            StatementKind::Assign(target, operator, value),
        ])
    }

    /// A value in an expression statement is used for something, or it would be no statement in every front end.
    fn used(&mut self, value: Expr) -> Expr {
        let ty = value.ty.clone();
        Expr::new(Ty::Array(ty.into(), 1), Kind::Array(vec![value]))
    }

    fn refused_by_tag(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        use sensai_model::Value;
        let tags: Vec<crate::world::Writable> =
            self.writable.iter().filter(|tag| tag.ty != Ty::Bool).cloned().collect();
        if tags.is_empty() {
            return None;
        }
        let tag = self.chance.pick(&tags).clone();
        let place = Expr::atom(tag.ty.clone(), tag.text.clone());
        let place = match tag.len {
            Some(len) => {
                let index = self.index(scope, len);
                Expr::index(tag.ty.clone(), place, index)
            }
            None => place,
        };
        let value = match (&tag.ty, tag.range) {
            (Ty::I64(_), Some((_, Value::I64(high)))) if !tag.saturates && high < i64::MAX => {
                Expr::int(high + 1)
            }
            (Ty::I64(_), _) => return None,
            (_, Some((Value::F64(low), _))) if !tag.saturates && self.chance.percent(50) => {
                Expr::float(low - 1.0)
            }
            _ => Expr::float(*self.chance.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY])),
        };
        if is_simple(&place) && matches!(tag.ty, Ty::F64(_)) && self.chance.percent(25) {
            return Some(vec![StatementKind::Assign(place, Some("+"), Expr::float(f64::INFINITY))]);
        }
        Some(vec![StatementKind::Assign(place, None, value)])
    }

    fn wrong_axis_argument(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let handle = self.place(scope, Want::Call, &|ty| *ty == Ty::Axis)?;
        let number = self.value(scope, &Ty::FLOAT, 1);
        let call = match self.chance.below(4) {
            0 => {
                // No literal and no constant, which the check would find.
                let word = self.place(scope, Want::Write, &|ty| *ty == Ty::TEXT)?;
                Expr::method(Ty::Unit, handle, "move_absolute", vec![number, Expr::float(1.0), word])
            }
            1 => Expr::method(Ty::Unit, handle, "move_relative", vec![number, Expr::float(f64::NAN)]),
            2 => Expr::method(Ty::Unit, handle, "move_velocity", vec![Expr::float(f64::INFINITY)]),
            _ => {
                let infinite = Expr::float(f64::NEG_INFINITY);
                Expr::method(Ty::Unit, handle, "torque", vec![infinite, number])
            }
        };
        Some(vec![StatementKind::Expr(call)])
    }

    /// Of numbers that are in the state, so that none is known.
    fn overflow_of_variables(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let place = self.simple_place(scope, Want::Write, &|ty| *ty == Ty::I64(Reach::Wild))?;
        let edge = *self.chance.pick(&[i64::MAX, i64::MIN]);
        let number = self.value(scope, &Ty::INT, 1);
        let near = Expr::binary(place.ty.clone(), "^", Expr::int(edge), number);
        let set = StatementKind::Assign(place.clone(), None, near);
        let wild = place.ty.clone();
        let other = self.place(scope, Want::Read, &|ty| matches!(ty, Ty::I64(_)))?;
        if self.chance.percent(30) {
            // What is added is no overflow of its own.
            let small = self.integer(scope, 10, 1);
            let more = Expr::binary(Ty::INT, "+", small, Expr::int(1));
            let operator = *self.chance.pick(&["+", "-", "*"]);
            return Some(vec![set, StatementKind::Assign(place, Some(operator), more)]);
        }
        let value = match self.chance.below(5) {
            0 => Expr::binary(wild, "+", place.clone(), place.clone()),
            1 => Expr::binary(wild, "-", other, place.clone()),
            2 => Expr::binary(wild, "*", place.clone(), other),
            3 => Expr::binary(wild, "+", other, place.clone()),
            _ => Expr::unary(wild, "-", place.clone()),
        };
        Some(vec![set, StatementKind::Assign(place, None, value)])
    }

    /// A computed name that the cell does not have.
    fn unknown_name(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        if self.world.alarms.is_empty() {
            return None;
        }
        // No constant, which the check would find.
        let name = self.place(scope, Want::Write, &|ty| *ty == Ty::TEXT)?;
        let function = *self.chance.pick(&["alarm", "jidoka"]);
        Some(vec![StatementKind::Expr(Expr::call(Ty::Unit, function, vec![name]))])
    }

    /// More commands or requests than one run may have.
    fn too_many(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        if !scope.affords(400) {
            return None;
        }
        let counter = self.fresh("i");
        let index = Expr::atom(Ty::INT, counter.clone());
        let call = match self.place(scope, Want::Call, &|ty| *ty == Ty::Axis) {
            Some(handle) if self.chance.percent(50) => {
                let distance = Expr::call(Ty::FLOAT, "to_float", vec![index]);
                Expr::method(Ty::Unit, handle, "move_relative", vec![distance, Expr::float(1.0)])
            }
            _ => match self.world.jidoka.first() {
                Some(jidoka) => Expr::atom(Ty::Unit, format!("jidoka(\"{}\")", jidoka.name)),
                None => return None,
            },
        };
        scope.pay(300);
        let body = Block::of(vec![StatementKind::Expr(call).into()]);
        let times = Expr::int(self.chance.within(62, 70));
        let items = Items::Range(Expr::int(0), "..", times);
        Some(vec![StatementKind::For(For { variable: counter, counter: None, items, body })])
    }

    /// An argument outside of its range.
    fn refused_by_block(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        use sensai_model::Value;
        let picky = |ty: &Ty| match ty {
            Ty::Block(name, _) => registry::find(name).is_some_and(|block| {
                block
                    .methods
                    .iter()
                    .any(|method| method.arguments.iter().any(|argument| argument.range.is_some()))
            }),
            _ => false,
        };
        let place = self.place(scope, Want::Call, &picky)?;
        let Ty::Block(name, _) = &place.ty else { return None };
        let block = registry::find(name)?;
        let method = block
            .methods
            .iter()
            .find(|method| method.arguments.iter().any(|argument| argument.range.is_some()))?;
        let arguments = method
            .arguments
            .iter()
            .map(|argument| match argument.range {
                Some((Value::I64(low), _)) => Expr::int(low - 1),
                Some((_, Value::F64(high))) => Expr::float(high * 2.0 + 1.0),
                _ => self.value(scope, &super::places::wild(argument.scalar), 1),
            })
            .collect();
        let ty = method.result.map_or(Ty::Unit, super::places::wild);
        Some(vec![StatementKind::Expr(Expr::method(ty, place, method.name, arguments))])
    }

    /// Operands that change what their neighbours read.
    pub(super) fn order(&mut self, scope: &mut Scope) -> Option<Vec<Statement>> {
        let place = self.simple_place(scope, Want::Write, &|ty| *ty == Ty::INT)?;
        let change = |value: i64, place: &Expr| {
            let wrapped = Expr::binary(Ty::INT, "%", place.clone(), Expr::int(997));
            let next = Expr::binary(Ty::INT, "+", wrapped, Expr::int(value));
            let set = StatementKind::Assign(place.clone(), None, next);
            let block = Block { statements: vec![set.into()], value: Some(Box::new(place.clone())) };
            Expr::new(Ty::INT, Kind::Block(block))
        };
        scope.pay(12);
        let changed = change(self.chance.within(1, 9), &place);
        let again = change(self.chance.within(1, 9), &place);
        let read = place.clone();
        let ty = Ty::I64(Reach::Wild);
        let value = match self.chance.below(7) {
            0 => Expr::binary(ty, "-", read, changed),
            1 => Expr::binary(ty, "-", changed, read),
            2 => Expr::call(Ty::INT, "min", vec![read, changed]),
            3 => Expr::call(Ty::INT, "clamp", vec![changed, Expr::int(-1000), again]),
            4 => {
                let array =
                    Expr::new(Ty::Array(Ty::INT.into(), 3), Kind::Array(vec![read.clone(), changed, read]));
                let name = self.fresh("o");
                let paths = super::places::paths(&array.ty);
                scope.variables.push(super::Variable {
                    name: name.clone(),
                    ty: array.ty.clone(),
                    paths,
                    assignable: true,
                    parts: true,
                    below: None,
                });
                return Some(vec![StatementKind::Let(name, array).into()]);
            }
            5 => {
                let less = Expr::binary(Ty::Bool, "<", changed, again);
                let then = Block::value(read);
                let otherwise = Block::value(Expr::int(0));
                Expr::new(Ty::INT, Kind::If(Box::new(less), then, Some(otherwise)))
            }
            _ => Expr::binary(ty, "*", changed, again),
        };
        let target = self.place(scope, Want::Write, &|ty| *ty == Ty::I64(Reach::Wild))?;
        Some(vec![StatementKind::Assign(target, None, value).into()])
    }
}
