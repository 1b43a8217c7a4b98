//! Values that are looked at where they lie, while something changes what lies there: texts, arrays, records and tags as
//! operands, arguments, and what a loop runs through. Changed in place, or by a function that is called.

use super::{Callable, Generator, Phase, Scope, Variable, floats::is_simple, places::Want, places::paths};
use crate::ast::{Block, Expr, For, Function, Items, Kind, Statement, StatementKind, Ty};
use crate::world::Writable;

/// A function that changes one thing.
#[derive(Clone, Debug)]
pub(super) struct Setter {
    name: String,
    /// As it is written outside.
    place: String,
    ty: Ty,
}

/// A function that writes a tag, or an element of one.
#[derive(Clone, Debug)]
pub(super) struct TagSetter {
    name: String,
    tag: Writable,
    index: Option<i64>,
}

impl Generator<'_> {
    /// Functions that change a field of the state, or an element of a tag, and give what they are given.
    pub(super) fn make_setters(&mut self, state: &Ty) -> Vec<Function> {
        let Ty::Record(fields) = state else { return Vec::new() };
        let lasting: Vec<(String, Ty)> = fields.iter().filter(|(_, ty)| is_lasting(ty)).cloned().collect();
        let mut functions = Vec::new();
        for (field, ty) in lasting.into_iter().take(2) {
            let name = self.fresh("set");
            let place = format!("this.{field}");
            let set = StatementKind::Assign(Expr::atom(ty.clone(), place.clone()), None, value_of(&ty));
            let body = Block { statements: vec![set.into()], value: Some(Box::new(value_of(&ty))) };
            functions.push(Function { name: name.clone(), parameters: vec!["x".to_owned()], body });
            self.callable(&name, Some(state), &[&ty], ty.clone());
            self.setters.push(Setter { name, place: place.clone(), ty: ty.clone() });
            // What it is given first it gives back, after the change.
            let name = self.fresh("take");
            let given = Expr::atom(ty.clone(), "y");
            let set = StatementKind::Assign(Expr::atom(ty.clone(), place.clone()), None, given);
            let mut statements = vec![set.into()];
            if self.chance.percent(50) {
                statements.push(self.weight().into());
            }
            let body = Block { statements, value: Some(Box::new(value_of(&ty))) };
            let parameters = ["x", "y"].map(str::to_owned).to_vec();
            functions.push(Function { name: name.clone(), parameters, body });
            self.callable(&name, Some(state), &[&ty, &ty], ty.clone());
            self.takers.push(Setter { name, place: place.clone(), ty: ty.clone() });
            // And this changes nothing, but what it is given second may.
            let name = self.fresh("first");
            let body = Block::value(value_of(&ty));
            let parameters = ["x", "y"].map(str::to_owned).to_vec();
            functions.push(Function { name: name.clone(), parameters, body });
            self.callable(&name, None, &[&ty, &ty], ty.clone());
            self.firsts.push(Setter { name, place, ty });
        }
        let tags: Vec<Writable> = self.writable_and_readable();
        let arrays: Vec<Writable> = tags.iter().filter(|tag| tag.len.is_some()).cloned().collect();
        for choice in [arrays, tags] {
            if choice.is_empty() {
                continue;
            }
            let tag = self.chance.pick(&choice).clone();
            let name = self.fresh("put");
            let index = tag.len.map(|len| self.chance.within(0, i64::from(len) - 1));
            let place = tag_place(&tag, index);
            let mut statements = vec![StatementKind::Assign(place, None, value_of(&tag.ty)).into()];
            if self.chance.percent(50) {
                statements.push(self.weight().into());
            }
            let body = Block::of(statements);
            functions.push(Function { name: name.clone(), parameters: vec!["x".to_owned()], body });
            self.callable(&name, None, &[&tag.ty], Ty::Unit);
            self.setters.push(Setter { name: name.clone(), place: tag.text.clone(), ty: tag.ty.clone() });
            self.tag_setters.push(TagSetter { name, tag, index });
        }
        functions
    }

    /// So much to do that a function with it is worth its own code.
    fn weight(&mut self) -> StatementKind {
        let numbers: Vec<Expr> = (0..48).map(|_| Expr::int(self.chance.within(0, 9))).collect();
        let ty = Ty::Array(Ty::INT.into(), numbers.len() as u32);
        StatementKind::Let(self.fresh("weight"), Expr::new(ty, Kind::Array(numbers)))
    }

    fn callable(&mut self, name: &str, this: Option<&Ty>, given: &[&Ty], result: Ty) {
        self.functions.push(Callable {
            name: name.to_owned(),
            this: this.cloned(),
            parameters: given.iter().map(|ty| (*ty).clone()).collect(),
            result,
            cost: 6,
            pure_: false,
            in_init: false,
            makes_blocks: false,
        });
    }

    /// Tags that can be written and read, and take any tame value.
    fn writable_and_readable(&self) -> Vec<Writable> {
        let free = |tag: &&Writable| tag.range.is_none() || tag.saturates;
        let readable = |tag: &&Writable| self.readable.iter().any(|named| named.text == tag.text);
        self.writable.iter().filter(free).filter(readable).cloned().collect()
    }

    /// What is looked at, and what changes it while that lasts.
    pub(super) fn changed_meanwhile(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        if scope.phase != Phase::Cycle || !scope.affords(60) {
            return None;
        }
        scope.effects = true;
        if self.chance.percent(25) {
            return self.changed_tag(scope);
        }
        let place = self.place(scope, Want::Write, &is_lasting).filter(is_simple)?;
        let ty = place.ty.clone();
        let change = self.change(scope, &place);
        scope.pay(10);
        if self.chance.percent(15) {
            // The value is there before the index is, and what finds the index changes where the value was.
            let rows = self.fresh("rows");
            let all = Ty::Array(ty.clone().into(), 2);
            let begin = Expr::new(all.clone(), Kind::Array(vec![place.clone(), place.clone()]));
            let number = self.chance.within(0, 1);
            let index = Block { statements: vec![change.into()], value: Some(Box::new(Expr::int(number))) };
            let row = |index| Expr::index(ty.clone(), Expr::atom(all.clone(), rows.clone()), index);
            let changing = row(Expr::new(Ty::INT, Kind::Block(index)));
            return Some(vec![
                StatementKind::Let(rows.clone(), begin),
                StatementKind::Assign(changing, None, place.clone()),
                StatementKind::Assign(place, None, row(Expr::int(number))),
            ]);
        }
        if self.chance.percent(15)
            && let Some(first) = self.firsts.iter().find(|first| first.ty == ty).cloned()
        {
            let value = self.value(scope, &ty, 1);
            let then = Block { statements: vec![change.into()], value: Some(Box::new(value)) };
            let then = Expr::new(ty.clone(), Kind::Block(then));
            let looked_at = self.looked_at(scope, &place);
            let given = Expr::call(ty, first.name, vec![looked_at, then]);
            return Some(vec![StatementKind::Assign(place, None, given)]);
        }
        if self.chance.percent(30)
            && let Some(taker) = self.setter_of(scope, &self.takers, &place)
        {
            // Twice: what is called from one place only has no code of its own.
            let mut all = Vec::new();
            for _ in 0..2 {
                let looked_at = self.looked_at(scope, &place);
                let mut value = self.value(scope, &ty, 1);
                if self.chance.percent(40) {
                    // The second argument changes what the first one is.
                    let change = self.change(scope, &place);
                    let block = Block { statements: vec![change.into()], value: Some(Box::new(value)) };
                    value = Expr::new(ty.clone(), Kind::Block(block));
                }
                let this = Expr::atom(Ty::Unit, "this");
                let taken = Expr::method(ty.clone(), this, taker.name.clone(), vec![looked_at, value]);
                all.push(StatementKind::Assign(place.clone(), None, taken));
            }
            return Some(all);
        }
        if let Ty::Array(element, len) = &ty
            && self.chance.percent(50)
        {
            let element = (**element).clone();
            return self.changing_loop(scope, Items::Array(place), element, (*len).into(), vec![change]);
        }
        if matches!(ty, Ty::Text(_)) && self.chance.percent(50) {
            let target = self.place(scope, Want::Write, &|ty| *ty == Ty::Bool)?;
            let then = Block { statements: vec![change.into()], value: Some(Box::new(place.clone())) };
            let then = Expr::new(ty, Kind::Block(then));
            let operator = *self.chance.pick(&["==", "!="]);
            let same = Expr::binary(Ty::Bool, operator, self.looked_at(scope, &place), then);
            return Some(vec![StatementKind::Assign(target, None, same)]);
        }
        // What was there first is put back.
        let then = Block { statements: vec![change.into()], value: Some(Box::new(place.clone())) };
        let both = vec![self.looked_at(scope, &place), Expr::new(ty.clone(), Kind::Block(then))];
        let both = Expr::new(Ty::Array(ty.clone().into(), 2), Kind::Array(both));
        let name = self.fresh("both");
        let kept = Expr::index(ty, Expr::atom(both.ty.clone(), name.clone()), Expr::int(0));
        Some(vec![StatementKind::Let(name, both), StatementKind::Assign(place, None, kept)])
    }

    /// The place, or a choice that gives it.
    fn looked_at(&mut self, scope: &mut Scope, place: &Expr) -> Expr {
        if self.chance.percent(60) {
            return place.clone();
        }
        let condition = self.value(scope, &Ty::Bool, 1);
        let then = Block::value(place.clone());
        let otherwise = Block::value(if self.chance.percent(50) {
            place.clone()
        } else {
            self.value(scope, &place.ty, 1)
        });
        let choice = Kind::If(Box::new(condition), then, Some(otherwise));
        Expr { parentheses: true, ..Expr::new(place.ty.clone(), choice) }
    }

    /// Change a place: as a whole, in a part, or by a function.
    fn change(&mut self, scope: &mut Scope, place: &Expr) -> StatementKind {
        scope.changes = true;
        if self.chance.percent(50)
            && let Some(setter) = self.setter_of(scope, &self.setters, place)
        {
            let value = self.value(scope, &setter.ty, 1);
            let this = Expr::atom(Ty::Unit, "this");
            return StatementKind::Expr(Expr::method(setter.ty, this, setter.name, vec![value]));
        }
        match &place.ty {
            Ty::Array(element, len) => {
                let index = Expr::int(self.chance.within(0, i64::from(*len) - 1));
                let part = Expr::index((**element).clone(), place.clone(), index);
                let value = self.value(scope, element, 1);
                StatementKind::Assign(part, None, value)
            }
            ty => {
                let value = self.value(scope, ty, 1);
                StatementKind::Assign(place.clone(), None, value)
            }
        }
    }

    fn setter_of(&self, scope: &Scope, setters: &[Setter], place: &Expr) -> Option<Setter> {
        let Kind::Field(base, field) = &place.kind else { return None };
        let Kind::Atom(root) = &base.kind else { return None };
        let (this, _) = scope.this.as_ref()?;
        let text = format!("{root}.{field}");
        let setter = setters.iter().find(|setter| setter.place == text)?;
        let callable = self.functions.iter().find(|callable| callable.name == setter.name)?;
        (callable.this.as_ref() == Some(this)).then(|| setter.clone())
    }

    /// A tag that is known, then written by a function, then read.
    fn written_by_function(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        if self.tag_setters.is_empty() {
            return None;
        }
        let setter = self.chance.pick(&self.tag_setters).clone();
        let ty = setter.tag.ty.clone();
        (scope.changes, scope.reads_cycle) = (true, true);
        scope.pay(20);
        let place = tag_place(&setter.tag, setter.index);
        let target = self.place(scope, Want::Write, &|other| *other == ty).filter(is_simple)?;
        let mut all = Vec::new();
        for _ in 0..2 {
            let [first, then] = [(), ()].map(|()| self.value(scope, &tame(&ty), 1));
            let call = Expr::call(Ty::Unit, setter.name.clone(), vec![then]);
            all.extend([
                StatementKind::Assign(place.clone(), None, first),
                StatementKind::Expr(call),
                StatementKind::Assign(target.clone(), None, place.clone()),
            ]);
        }
        Some(all)
    }

    fn changed_tag(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        if self.chance.percent(40) {
            return self.written_by_function(scope);
        }
        let arrays: Vec<Writable> =
            self.writable_and_readable().into_iter().filter(|tag| tag.len.is_some()).collect();
        if arrays.is_empty() {
            return None;
        }
        let tag = self.chance.pick(&arrays).clone();
        let len = tag.len?;
        (scope.changes, scope.reads_cycle) = (true, true);
        let value = self.value(scope, &tame(&tag.ty), 1);
        let setter = self.setters.iter().find(|setter| setter.place == tag.text).cloned();
        let change = match setter.filter(|_| self.chance.percent(60)) {
            Some(setter) => StatementKind::Expr(Expr::call(Ty::Unit, setter.name, vec![value])),
            None => {
                let index = Expr::int(self.chance.within(0, i64::from(len) - 1));
                let place = Expr::atom(tag.ty.clone(), tag.text.clone());
                StatementKind::Assign(Expr::index(tag.ty.clone(), place, index), None, value)
            }
        };
        self.changing_loop(scope, Items::Tag(tag.text.clone()), tag.ty, len.into(), vec![change])
    }

    /// A loop that changes what it runs through, and keeps what it saw last.
    fn changing_loop(
        &mut self,
        scope: &mut Scope,
        items: Items,
        element: Ty,
        times: u64,
        changes: Vec<StatementKind>,
    ) -> Option<Vec<StatementKind>> {
        let variable = self.fresh("i");
        let seen = Expr::atom(element.clone(), variable.clone());
        let kept = self.fresh("seen");
        let all = Ty::Array(element.clone().into(), times as u32 + 1);
        let name = |ty: &Ty, name: &String| Expr::atom(ty.clone(), name.clone());
        let first = self.value(scope, &element, 1);
        let begin = Expr::call(all.clone(), "array", vec![Expr::int(times as i64 + 1), first]);
        let counter = self.fresh("c");
        let slot = Expr::index(element.clone(), name(&all, &kept), name(&Ty::INT, &counter));
        let mut statements: Vec<Statement> = changes.into_iter().map(Statement::from).collect();
        statements.push(StatementKind::Assign(slot, None, seen).into());
        scope.pay(8 * times);
        let body = Block::of(statements);
        let run = StatementKind::For(For { variable, counter: Some(counter), items, body });
        let mut made = vec![StatementKind::Let(kept.clone(), begin), run];
        // Where somebody sees it.
        let index = Expr::int(self.chance.within(0, times as i64 - 1));
        let value = Expr::index(element.clone(), name(&all, &kept), index);
        if let Some(target) = self.place(scope, Want::Write, &|ty| *ty == element) {
            made.push(StatementKind::Assign(target, None, value));
        }
        scope.variables.push(Variable {
            name: kept,
            paths: paths(&all),
            ty: all,
            assignable: true,
            parts: true,
            below: None,
        });
        Some(made)
    }

    /// Two names for one value; one of them changes, by a function or by an assignment.
    pub(super) fn second_name(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        scope.effects = true;
        let mut all = self.called_on_variable(scope, 0)?;
        let Some(StatementKind::Let(first, _)) = all.first() else { return None };
        let (first, ty) =
            (first.clone(), scope.variables.iter().find(|known| known.name == *first)?.ty.clone());
        let second = self.fresh("r");
        let copy = StatementKind::Let(second.clone(), Expr::atom(ty.clone(), first));
        all.insert(1, copy);
        let variable = Variable {
            name: second.clone(),
            paths: paths(&ty),
            ty: ty.clone(),
            assignable: true,
            parts: true,
            below: None,
        };
        scope.variables.push(variable);
        if let Some(target) = self.place(scope, Want::Write, &|other| *other == ty) {
            all.push(StatementKind::Assign(target, None, Expr::atom(ty, second)));
        }
        Some(all)
    }
}

/// What a function is given, under its name.
fn value_of(ty: &Ty) -> Expr {
    Expr::atom(ty.clone(), "x")
}

fn tag_place(tag: &Writable, index: Option<i64>) -> Expr {
    let whole = Expr::atom(tag.ty.clone(), tag.text.clone());
    match index {
        Some(index) => Expr::index(tag.ty.clone(), whole, Expr::int(index)),
        None => whole,
    }
}

/// What tags of this type take.
fn tame(ty: &Ty) -> Ty {
    match ty {
        Ty::I64(_) => Ty::INT,
        Ty::F64(_) => Ty::FLOAT,
        ty => ty.clone(),
    }
}

/// A value that may be used where it lies.
fn is_lasting(ty: &Ty) -> bool {
    let compound = matches!(ty, Ty::Array(..) | Ty::Record(_)) && ty.leaves() < 20;
    *ty == Ty::TEXT || compound && !ty.holds_block()
}
