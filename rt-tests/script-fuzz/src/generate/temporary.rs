//! Parts of values that are nowhere, and variables that are made to call something on them or on their elements.

use super::{Callable, Generator, Scope, Variable, calls::may_call, places::paths};
use crate::ast::{Expr, Kind, StatementKind, Ty};

impl Generator<'_> {
    /// An element or a field of a value that nothing keeps: of what a function gives, or of one that stands here.
    pub(super) fn part_of_value(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Expr {
        if *ty == Ty::INT && self.chance.percent(30) {
            return self.len_of_value(scope, depth);
        }
        let whole = match self.chance.below(3) {
            0 => Ty::Array(ty.clone().into(), self.chance.within(1, 3) as u32),
            1 => Ty::record(vec![("part".to_owned(), ty.clone()), ("n".to_owned(), Ty::INT)]),
            _ => {
                let parts = |callable: &&Callable| callable.this.is_none() && has_part(&callable.result, ty);
                let suits = |callable: &&Callable| parts(callable) && may_call(scope, callable);
                let suiting: Vec<Ty> =
                    self.functions.iter().filter(suits).map(|callable| callable.result.clone()).collect();
                match suiting.is_empty() {
                    true => Ty::Array(ty.clone().into(), 2),
                    false => self.chance.pick(&suiting).clone(),
                }
            }
        };
        let base = self.nowhere(scope, &whole, depth);
        match &whole {
            Ty::Array(_, len) => {
                let index = self.index(scope, *len);
                Expr::index(ty.clone(), base, index)
            }
            Ty::Record(fields) => {
                let fitting: Vec<String> =
                    fields.iter().filter(|(_, field)| field == ty).map(|(name, _)| name.clone()).collect();
                Expr::field(ty.clone(), base, self.chance.pick(&fitting).clone())
            }
            _ => base,
        }
    }

    fn len_of_value(&mut self, scope: &mut Scope, depth: u8) -> Expr {
        let array = Ty::Array(self.some_type(0).into(), self.chance.within(1, 3) as u32);
        let place = match self.chance.percent(50) {
            true => self.nowhere(scope, &array, depth),
            false => {
                let base = self.nowhere(scope, &Ty::Array(array.clone().into(), 2), depth);
                let index = self.index(scope, 2);
                Expr::index(array, base, index)
            }
        };
        Expr::field(Ty::INT, place, "len")
    }

    /// A value that is no place.
    fn nowhere(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Expr {
        if self.chance.percent(60)
            && let Some(call) = self.temporary(scope, ty)
        {
            return call;
        }
        let [then, otherwise] = [(); 2].map(|()| match ty {
            Ty::Array(element, len) => {
                let elements = (0..*len).map(|_| self.value(scope, element, depth.min(1))).collect();
                Expr::new(ty.clone(), Kind::Array(elements))
            }
            Ty::Record(fields) => {
                let value = |(name, ty): &(String, Ty)| (name.clone(), self.value(scope, ty, depth.min(1)));
                Expr::new(ty.clone(), Kind::Record(fields.iter().map(value).collect()))
            }
            _ => self.value(scope, ty, depth.min(1)),
        });
        if self.chance.percent(50) {
            return then;
        }
        let condition = self.value(scope, &Ty::Bool, 1);
        let [then, otherwise] = [then, otherwise].map(crate::ast::Block::value);
        let choice = Expr::new(ty.clone(), Kind::If(Box::new(condition), then, Some(otherwise)));
        Expr { parentheses: true, ..choice }
    }

    /// A new variable of a type that functions are called on, or several in an array; one of them is called.
    pub(super) fn called_on_variable(&mut self, scope: &mut Scope, depth: u8) -> Option<Vec<StatementKind>> {
        scope.effects = true;
        let suits = |callable: &&Callable| {
            let small = |ty: &Ty| !ty.holds_block() && ty.leaves() <= 20;
            callable.this.as_ref().is_some_and(small) && may_call(scope, callable)
        };
        let suiting: Vec<Callable> = self.functions.iter().filter(suits).cloned().collect();
        if suiting.is_empty() {
            return None;
        }
        let callable = self.chance.pick(&suiting).clone();
        let this = callable.this.clone()?;
        let len = self.chance.percent(50).then(|| self.chance.within(1, 3) as u32);
        let ty = len.map_or(this.clone(), |len| Ty::Array(this.clone().into(), len));
        let (name, made) = self.kept_in_variable(scope, &ty, depth);
        let whole = Expr::atom(ty, name);
        let receiver = match len {
            None => whole,
            Some(len) => {
                let index = self.index(scope, len);
                Expr::index(this, whole, index)
            }
        };
        scope.pay(callable.cost + 2);
        scope.changes |= !callable.pure_;
        scope.reads_cycle |= !callable.in_init;
        let arguments = callable.parameters.iter().map(|ty| self.value(scope, ty, depth.min(2))).collect();
        let call = Expr::method(callable.result.clone(), receiver, callable.name.clone(), arguments);
        let used = match callable.result {
            Ty::Unit => StatementKind::Expr(call),
            _ => StatementKind::Let(self.fresh("v"), call),
        };
        Some(vec![made, used])
    }

    /// An array of arrays or records in a variable, and one of its elements.
    pub(super) fn element_of_variable(&mut self, scope: &mut Scope, depth: u8) -> Vec<StatementKind> {
        let element = match self.some_type(1) {
            ty @ (Ty::Array(..) | Ty::Record(_)) => ty,
            ty => Ty::record(vec![("n".to_owned(), Ty::INT), ("x".to_owned(), ty)]),
        };
        let len = self.chance.within(1, 4) as u32;
        let ty = Ty::Array(element.clone().into(), len);
        let (name, made) = self.kept_in_variable(scope, &ty, depth);
        let index = self.index(scope, len);
        let value = Expr::index(element.clone(), Expr::atom(ty, name), index);
        let (_, copied) = self.named(scope, &element, value);
        vec![made, copied]
    }

    /// An array or record among the constants, or an element of it, in a variable.
    pub(super) fn whole_constant(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let compound = |(_, ty, _): &&(String, Ty, _)| matches!(ty, Ty::Array(..) | Ty::Record(_));
        let all: Vec<(String, Ty)> =
            self.constants.iter().filter(compound).map(|(name, ty, _)| (name.clone(), ty.clone())).collect();
        if all.is_empty() {
            return None;
        }
        let (name, ty) = self.chance.pick(&all).clone();
        let whole = Expr::atom(ty.clone(), name);
        let value = match ty {
            Ty::Array(element, len) if self.chance.percent(60) => {
                let index = self.index(scope, len);
                Expr::index((*element).clone(), whole, index)
            }
            _ => whole,
        };
        Some(vec![StatementKind::Let(self.fresh("r"), value)])
    }

    /// A function called on an element of the state.
    pub(super) fn called_on_element(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        scope.effects = true;
        for _ in 0..8 {
            let suits = |callable: &&Callable| callable.this.is_some() && may_call(scope, callable);
            let suiting: Vec<Callable> = self.functions.iter().filter(suits).cloned().collect();
            if suiting.is_empty() {
                return None;
            }
            let callable = self.chance.pick(&suiting).clone();
            let this = callable.this.clone()?;
            let Some(receiver) = self.place(scope, super::places::Want::Call, &|ty| *ty == this) else {
                continue;
            };
            if !is_indexed(&receiver) {
                continue;
            }
            scope.pay(callable.cost + 2);
            let arguments = callable.parameters.iter().map(|ty| self.value(scope, ty, 1)).collect();
            let call = Expr::method(callable.result.clone(), receiver, callable.name.clone(), arguments);
            return Some(vec![match callable.result {
                Ty::Unit => StatementKind::Expr(call),
                _ => StatementKind::Let(self.fresh("v"), call),
            }]);
        }
        None
    }

    fn kept_in_variable(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> (String, StatementKind) {
        let value = self.value(scope, ty, depth.min(2));
        self.named(scope, ty, value)
    }

    fn named(&mut self, scope: &mut Scope, ty: &Ty, value: Expr) -> (String, StatementKind) {
        let name = self.fresh("r");
        scope.variables.push(Variable {
            name: name.clone(),
            ty: ty.clone(),
            paths: paths(ty),
            assignable: true,
            parts: true,
            below: None,
        });
        (name.clone(), StatementKind::Let(name, value))
    }
}

/// A field or an element of it is of this type.
fn has_part(whole: &Ty, ty: &Ty) -> bool {
    match whole {
        Ty::Array(element, _) => **element == *ty,
        Ty::Record(fields) => fields.iter().any(|(_, field)| field == ty),
        _ => false,
    }
}

/// There is an index in the path.
fn is_indexed(place: &Expr) -> bool {
    match &place.kind {
        Kind::Index(..) => true,
        Kind::Field(base, _) => is_indexed(base),
        _ => false,
    }
}
