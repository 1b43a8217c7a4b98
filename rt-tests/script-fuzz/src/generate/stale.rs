//! What was known of a number, and is not so any more: a small one that a call, a loop, a branch or an assignment through
//! an index made large, and a sum that overflows then. Who believes what was known before leaves out a check.

use super::{Generator, Scope, floats::is_simple, places::Want};
use crate::ast::{Block, Expr, For, Function, Items, Kind, Reach, StatementKind, Ty};
use sensai_model::{ScalarType, Value};

const WILD: Ty = Ty::I64(Reach::Wild);

/// The field of every state that is a list of any numbers.
pub(super) const LIST: &str = "a0";
pub(super) const LIST_LEN: u32 = 3;

/// Type of the list.
pub(super) fn list_type() -> Ty {
    Ty::Array(WILD.into(), LIST_LEN)
}

impl Generator<'_> {
    /// A function that makes an element of the list what it is given.
    pub(super) fn make_enlarger(&mut self, state: &Ty) -> Function {
        let name = self.fresh("grow");
        let list = Expr::field(list_type(), Expr::atom(state.clone(), "this"), LIST);
        let element = Expr::index(WILD, list, Expr::atom(Ty::INT, "at"));
        let set = StatementKind::Assign(element, None, Expr::atom(WILD, "x"));
        let body = Block::of(vec![set.into()]);
        self.enlarger = Some((name.clone(), state.clone()));
        Function { name, parameters: ["at", "x"].map(str::to_owned).to_vec(), body }
    }

    /// A small number, what changes it, and a sum with it.
    pub(super) fn stale(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        scope.pay(40);
        scope.changes = true;
        let target = self.place(scope, Want::Write, &|ty| *ty == WILD).filter(is_simple)?;
        let small = Expr::int(self.chance.within(1, 9));
        let large = self.hidden(scope, i64::MAX);
        let more = Expr::int(self.chance.within(1, 9));
        let sum = |place: &Expr| Expr::binary(WILD, "+", place.clone(), more.clone());
        let set = |place: &Expr, value: Expr| StatementKind::Assign(place.clone(), None, value);
        match self.chance.below(7) {
            0 => {
                let (name, state) = self.enlarger.clone()?;
                let (this, _) = scope.this.as_ref().filter(|(ty, _)| *ty == state)?;
                let this = Expr::atom(this.clone(), "this");
                let list = Expr::field(list_type(), this.clone(), LIST);
                let at = self.chance.within(0, i64::from(LIST_LEN) - 1);
                let place = Expr::index(WILD, list, Expr::int(at));
                let grow = Expr::method(Ty::Unit, this, name, vec![self.hidden(scope, at), large]);
                Some(vec![set(&place, small), StatementKind::Expr(grow), set(&target, sum(&place))])
            }
            1 => {
                // The sum comes first: it takes some turns until the number is large.
                let names: Vec<String> = (0..self.chance.within(1, 6)).map(|_| self.fresh("n")).collect();
                let places: Vec<Expr> = names.iter().map(|name| Expr::atom(WILD, name.clone())).collect();
                let mut body = vec![set(&target, sum(places.first()?)).into()];
                let values = places.iter().skip(1).cloned().chain([large]);
                body.extend(places.iter().zip(values).map(|(place, value)| set(place, value).into()));
                let items = Items::Range(Expr::int(0), "..", Expr::int(self.chance.within(2, 8)));
                let body = Block::of(body);
                let run = For { variable: self.fresh("i"), counter: None, items, body };
                let mut all: Vec<StatementKind> =
                    names.into_iter().map(|name| StatementKind::Let(name, small.clone())).collect();
                all.push(StatementKind::For(run));
                Some(all)
            }
            2 => {
                let condition = self.value(scope, &Ty::Bool, 2);
                let then = Block::of(vec![set(&target, large).into()]);
                let otherwise = Block::of(vec![set(&target, Expr::int(2)).into()]);
                let otherwise = self.chance.percent(50).then_some(otherwise);
                let branch = Expr::new(Ty::Unit, Kind::If(Box::new(condition), then, otherwise));
                Some(vec![set(&target, small), StatementKind::Expr(branch), set(&target, sum(&target))])
            }
            3 => {
                // Out of a loop by one of two ways.
                let name = self.fresh("n");
                let place = Expr::atom(WILD, name.clone());
                let leave = |kind: StatementKind, condition: Expr| {
                    let then = Block::of(vec![kind.into()]);
                    let branch = Kind::If(Box::new(condition), then, None);
                    StatementKind::Expr(Expr::new(Ty::Unit, branch))
                };
                let [first, second] = [(), ()].map(|()| self.value(scope, &Ty::Bool, 1));
                let kind = |this: &mut Self| match this.chance.percent(50) {
                    true => StatementKind::Break,
                    false => StatementKind::Continue,
                };
                let (one, other) = (kind(self), kind(self));
                let body = Block::of(vec![
                    leave(one, first).into(),
                    set(&place, large).into(),
                    leave(other, second).into(),
                    set(&place, small.clone()).into(),
                ]);
                let items = Items::Range(Expr::int(0), "..", Expr::int(self.chance.within(1, 3)));
                let run = For { variable: self.fresh("i"), counter: None, items, body };
                Some(vec![
                    StatementKind::Let(name, small),
                    StatementKind::For(run),
                    set(&target, sum(&place)),
                ])
            }
            4 => {
                let len = self.chance.within(2, 4);
                let ty = Ty::Array(WILD.into(), len as u32);
                let name = self.fresh("list");
                let list = Expr::atom(ty.clone(), name.clone());
                let number = self.chance.within(0, len - 1);
                let element = |index: Expr| Expr::index(WILD, list.clone(), index);
                let begin = Expr::call(ty, "array", vec![Expr::int(len), small]);
                let index = self.hidden(scope, number);
                let change = set(&element(index), large);
                let seen = if self.chance.percent(60) { number } else { self.chance.within(0, len - 1) };
                let seen = element(Expr::int(seen));
                let before = set(&seen, Expr::int(self.chance.within(1, 9)));
                Some(vec![StatementKind::Let(name, begin), before, change, set(&target, sum(&seen))])
            }
            5 => {
                // An element by a variable, which then names another one.
                let ty = Ty::Array(WILD.into(), 2);
                let [name, at] = ["list", "at"].map(|name| self.fresh(name));
                let begin = Expr::new(ty.clone(), Kind::Array(vec![large.clone(), large]));
                let index = Expr::atom(WILD, at.clone());
                let element = Expr::index(WILD, Expr::atom(ty, name.clone()), index.clone());
                let [first, then] = [(), ()].map(|()| {
                    let number = self.chance.within(0, 1);
                    self.hidden(scope, number)
                });
                Some(vec![
                    StatementKind::Let(name, begin),
                    StatementKind::Let(at, first),
                    set(&element, small),
                    set(&index, then),
                    set(&target, sum(&element)),
                ])
            }
            _ => {
                // An input may be anything, whatever the cell says of it.
                let said: Vec<(String, i64)> = self
                    .readable
                    .iter()
                    .filter(|named| named.len.is_none())
                    .filter_map(|named| Some((named.text.clone(), self.said_most(&named.text)?)))
                    .collect();
                if said.is_empty() {
                    return None;
                }
                let (text, most) = self.chance.pick(&said).clone();
                scope.reads_cycle = true;
                let rest = Expr::int(i64::MAX.saturating_sub(most));
                Some(vec![set(&target, Expr::binary(WILD, "+", Expr::atom(Ty::INT, text), rest))])
            }
        }
    }

    /// The upper end of the range that the cell gives an input.
    fn said_most(&self, text: &str) -> Option<i64> {
        let name = text.strip_prefix("io.")?;
        let tag = self.world.tags.iter().find(|tag| tag.name == name)?;
        match (tag.scalar, tag.kind, tag.range) {
            (ScalarType::I64, sensai_model::TagKind::Input, Some((_, Value::I64(most)))) => Some(most),
            _ => None,
        }
    }
}
