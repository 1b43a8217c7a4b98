//! Where values are kept: paths below `this`, variables, constants, and names behind roots.

use super::{Generator, Phase, Scope, Variable};
use crate::ast::{Expr, Reach, Ty, Words};
use sensai_model::ScalarType;
use sensai_stdlib::registry::{self, AXIS, handle::Kind};
use std::rc::Rc;

/// A step down.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Of a record.
    Field(String),
    /// Of a block or handle: read only.
    Pin(&'static str),
    /// Of an array of this length.
    Index(u32),
    /// Length of an array: read only.
    Len,
}

/// A way down to a part, and the part's type.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub steps: Vec<Step>,
    pub ty: Ty,
}

/// What a place is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Its value.
    Read,
    /// To assign to it.
    Write,
    /// To call something on it that may change it.
    Call,
}

/// All parts of a type, itself included.
pub(super) fn paths(ty: &Ty) -> Rc<[Path]> {
    let mut all = Vec::new();
    collect(ty, &mut Vec::new(), &mut all);
    all.into()
}

fn collect(ty: &Ty, steps: &mut Vec<Step>, all: &mut Vec<Path>) {
    let mut below = |step: Step, ty: &Ty, all: &mut Vec<Path>| {
        steps.push(step);
        collect(ty, steps, all);
        steps.pop();
    };
    match ty {
        Ty::Array(element, len) => {
            below(Step::Len, &Ty::INT, all);
            below(Step::Index(*len), element, all);
        }
        Ty::Record(fields) => {
            for (name, ty) in fields.iter() {
                below(Step::Field(name.clone()), ty, all);
            }
        }
        Ty::Block(name, _) => {
            for pin in registry::find(name).into_iter().flat_map(|block| block.pins) {
                below(Step::Pin(pin.name), &wild(pin.scalar), all);
            }
        }
        Ty::Axis => {
            for property in AXIS.properties {
                let ty = match property.kind {
                    Kind::Bool => Ty::Bool,
                    Kind::I64 => Ty::INT,
                    Kind::F64 => Ty::FLOAT,
                    Kind::Text => Ty::Text(Words::AxisState),
                };
                below(Step::Pin(property.name), &ty, all);
            }
        }
        _ => {}
    }
    all.push(Path { steps: steps.clone(), ty: ty.clone() });
}

/// Of blocks nothing is known.
pub(super) const fn wild(scalar: ScalarType) -> Ty {
    match scalar {
        ScalarType::Bool => Ty::Bool,
        ScalarType::I64 => Ty::I64(Reach::Wild),
        ScalarType::F64 => Ty::F64(Reach::Wild),
    }
}

impl Path {
    fn suits(&self, want: Want, accepts: &dyn Fn(&Ty) -> bool) -> bool {
        let read_only = self.steps.iter().any(|step| matches!(step, Step::Pin(_) | Step::Len));
        match want {
            Want::Read => !self.ty.holds_block() && accepts(&self.ty),
            Want::Write => !read_only && !self.ty.holds_block() && accepts(&self.ty),
            Want::Call => !read_only && accepts(&self.ty),
        }
    }
}

impl Generator<'_> {
    /// A part of `this` or of a variable, or what a root or constant leads to.
    pub(super) fn place(
        &mut self,
        scope: &mut Scope,
        want: Want,
        accepts: &dyn Fn(&Ty) -> bool,
    ) -> Option<Expr> {
        let first = self.chance.below(10);
        for turn in 0..4 {
            let found = match (first + turn * 3) % 10 {
                0..4 => self.below_this(scope, want, accepts),
                4..7 => self.below_variable(scope, want, accepts),
                _ if want != Want::Read => None,
                7 | 8 => self.behind_root(scope, accepts),
                _ => self.below_constant(scope, accepts),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn below_this(&mut self, scope: &mut Scope, want: Want, accepts: &dyn Fn(&Ty) -> bool) -> Option<Expr> {
        let (ty, paths) = scope.this.clone()?;
        let suiting = |path: &&Path| !path.steps.is_empty() && path.suits(want, accepts);
        let path = self.choose(&paths, &suiting)?;
        if want != Want::Read {
            scope.changes = true;
        }
        if path.steps.iter().any(|step| matches!(step, Step::Pin(_))) {
            // A handle's properties are there in `cycle` only.
            scope.reads_cycle = true;
        }
        let this = Expr::atom(ty, "this");
        Some(self.follow(scope, this, &path))
    }

    fn below_variable(
        &mut self,
        scope: &mut Scope,
        want: Want,
        accepts: &dyn Fn(&Ty) -> bool,
    ) -> Option<Expr> {
        let mut start = self.chance.index(scope.variables.len().max(1));
        for _ in 0..scope.variables.len() {
            start = (start + 1) % scope.variables.len();
            let variable = scope.variables[start].clone();
            let hidden = scope.variables[start + 1..].iter().any(|later| later.name == variable.name);
            if hidden {
                continue;
            }
            let allowed = |path: &&Path| {
                let whole = path.steps.is_empty();
                let writable = if whole { variable.assignable } else { variable.parts };
                (want == Want::Read || writable) && path.suits(want, accepts)
            };
            if let Some(path) = self.choose(&variable.paths, &allowed) {
                let base = Expr::atom(variable.ty.clone(), variable.name.clone());
                return Some(self.follow(scope, base, &path));
            }
        }
        None
    }

    fn below_constant(&mut self, scope: &mut Scope, accepts: &dyn Fn(&Ty) -> bool) -> Option<Expr> {
        if self.constants.is_empty() {
            return None;
        }
        let (name, ty, paths) = self.chance.pick(&self.constants).clone();
        let path = self.choose(&paths, &|path: &&Path| path.suits(Want::Read, accepts))?;
        Some(self.follow(scope, Expr::atom(ty, name), &path))
    }

    fn behind_root(&mut self, scope: &mut Scope, accepts: &dyn Fn(&Ty) -> bool) -> Option<Expr> {
        if scope.phase == Phase::Constant {
            return None;
        }
        let start = self.chance.index(self.readable.len());
        for offset in 0..self.readable.len() {
            let named = self.readable[(start + offset) % self.readable.len()].clone();
            let there = scope.phase == Phase::Cycle || named.in_init;
            // Of quality, now and then.
            let quality = named.quality && self.chance.percent(25) && accepts(&Ty::Bool);
            if !there || !(quality || accepts(&named.ty)) {
                continue;
            }
            if !named.in_init {
                scope.reads_cycle = true;
            }
            scope.pay(2);
            let whole = named.len.is_some() && quality && self.chance.percent(30);
            let place = match named.len {
                Some(len) if !whole => {
                    let index = self.index(scope, len);
                    Expr::index(named.ty.clone(), named.expr(), index)
                }
                _ => named.expr(),
            };
            return Some(if quality { Expr::field(Ty::Bool, place, "valid") } else { place });
        }
        None
    }

    /// Length of a tag that is an array.
    pub(super) fn tag_len(&mut self, scope: &mut Scope) -> Option<Expr> {
        if scope.phase != Phase::Cycle {
            return None;
        }
        let arrays: Vec<String> = self
            .readable
            .iter()
            .filter(|named| named.len.is_some())
            .map(|named| named.text.clone())
            .collect();
        if arrays.is_empty() {
            return None;
        }
        scope.reads_cycle = true;
        let tag = Expr::atom(Ty::Unit, self.chance.pick(&arrays).clone());
        Some(match self.chance.below(2) {
            0 => Expr::field(Ty::INT, tag, "len"),
            _ => Expr::method(Ty::INT, tag, "len", Vec::new()),
        })
    }

    fn choose(&mut self, paths: &Rc<[Path]>, suits: &dyn Fn(&&Path) -> bool) -> Option<Path> {
        let suiting: Vec<&Path> = paths.iter().filter(suits).collect();
        if suiting.is_empty() { None } else { Some((*self.chance.pick(&suiting)).clone()) }
    }

    fn follow(&mut self, scope: &mut Scope, base: Expr, path: &Path) -> Expr {
        let mut place = base;
        for step in &path.steps {
            scope.pay(1);
            place = match (step, &place.ty) {
                (Step::Field(name), Ty::Record(fields)) => {
                    let field = fields.iter().find(|(field, _)| field == name);
                    let ty = field.map_or(Ty::Unit, |(_, ty)| ty.clone());
                    Expr::field(ty, place, name.clone())
                }
                (Step::Field(name), _) => Expr::field(Ty::Unit, place, name.clone()),
                (Step::Pin(name), _) => Expr::field(path.ty.clone(), place, *name),
                (Step::Len, _) => match self.chance.below(4) {
                    0 if !place.ty.holds_block() => Expr::call(Ty::INT, "len", vec![place]),
                    1 => Expr::method(Ty::INT, place, "len", Vec::new()),
                    _ => Expr::field(Ty::INT, place, "len"),
                },
                (Step::Index(len), Ty::Array(element, _)) => {
                    let element = (**element).clone();
                    let index = self.index(scope, *len);
                    Expr::index(element, place, index)
                }
                (Step::Index(len), _) => {
                    let index = self.index(scope, *len);
                    Expr::index(Ty::Unit, place, index)
                }
            };
        }
        place
    }

    /// An index of an array of this length; now and then one from the end, and at a risk one that is not there.
    pub(super) fn index(&mut self, scope: &mut Scope, len: u32) -> Expr {
        scope.pay(1);
        if self.risky() && scope.phase == Phase::Cycle {
            // Not a literal, which the check would find.
            scope.reads_cycle = true;
            let cycle = Expr::atom(Ty::INT, "sys.cycle");
            let wrap = Expr::binary(Ty::INT, "%", cycle, Expr::int(i64::from(len) + 2));
            return Expr::binary(Ty::INT, "-", wrap, Expr::int(self.chance.within(0, 2)));
        }
        let bounded: Vec<String> = visible(&scope.variables)
            .filter(|variable| variable.below.is_some_and(|below| below <= len))
            .map(|variable| variable.name.clone())
            .collect();
        if !bounded.is_empty() && self.chance.percent(70) {
            return Expr::atom(Ty::INT, self.chance.pick(&bounded).clone());
        }
        let deeper = scope.affords(6) && scope.phase == Phase::Cycle && scope.indices < 2;
        scope.indices += 1;
        let index = self.computed_index(scope, len, deeper);
        scope.indices -= 1;
        index
    }

    fn computed_index(&mut self, scope: &mut Scope, len: u32, deeper: bool) -> Expr {
        let (low, high) = (-i64::from(len), i64::from(len) - 1);
        let length = Expr::int(i64::from(len));
        match self.chance.below(if deeper { 11 } else { 5 }) {
            0..4 => Expr::int(self.chance.within(0, high)),
            4 => Expr::int(self.chance.within(low, high)),
            5 | 6 => {
                let number = self.integer(scope, 20, 1);
                Expr::binary(Ty::INT, "%", number, length)
            }
            7 => {
                let number = self.integer(scope, 63, 1);
                Expr::call(Ty::INT, "clamp", vec![number, Expr::int(low), Expr::int(high)])
            }
            9 => {
                // A mask that leaves the sign alone; below −len it does not get.
                let number = self.integer(scope, 20, 1);
                let rest = Expr::binary(Ty::INT, "%", number, length);
                Expr::binary(Ty::INT, "&", rest, Expr::int(-2))
            }
            8 => {
                let mask = (len + 1).next_power_of_two() / 2 - 1;
                let number = self.integer(scope, 63, 1);
                Expr::binary(Ty::INT, "&", number, Expr::int(mask.into()))
            }
            _ => {
                let number = self.integer(scope, 20, 1);
                let size = Expr::call(Ty::INT, "abs", vec![number]);
                Expr::binary(Ty::INT, "%", size, length)
            }
        }
    }
}

/// Variables that are not hidden by later ones of the same name.
pub(super) fn visible(variables: &[Variable]) -> impl Iterator<Item = &Variable> {
    variables.iter().enumerate().filter_map(|(place, variable)| {
        let hidden = variables[place + 1..].iter().any(|later| later.name == variable.name);
        (!hidden).then_some(variable)
    })
}
