//! Calls of the program's own functions, of blocks and of axes.

use super::{Callable, Generator, Phase, Scope, places::Want};
use crate::ast::{Expr, Kind, Reach, Ty};
use sensai_model::{ScalarType, Value};
use sensai_stdlib::registry::{self, AXIS, Argument, handle::DIRECTIONS};

impl Generator<'_> {
    /// A call of a function of the program that gives this type.
    pub(super) fn call(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Option<Expr> {
        if self.chance.percent(25)
            && let Some(call) = self.block_value(scope, ty, depth)
        {
            return Some(call);
        }
        let suits = |callable: &&Callable| callable.result.fits(ty) && may_call(scope, callable);
        let suiting: Vec<Callable> = self.functions.iter().filter(suits).cloned().collect();
        if suiting.is_empty() {
            return None;
        }
        let callable = self.chance.pick(&suiting).clone();
        self.call_of(scope, &callable, depth)
    }

    /// A call for its effect.
    pub(super) fn call_statement(&mut self, scope: &mut Scope, depth: u8) -> Option<Expr> {
        let suiting: Vec<Callable> =
            self.functions.iter().filter(|callable| may_call(scope, callable)).cloned().collect();
        if suiting.is_empty() {
            return None;
        }
        let callable = self.chance.pick(&suiting).clone();
        self.call_of(scope, &callable, depth)
    }

    fn call_of(&mut self, scope: &mut Scope, callable: &Callable, depth: u8) -> Option<Expr> {
        // The place first: an argument may take what is left of the budget.
        let receiver = match &callable.this {
            None => None,
            Some(this) => Some(self.receiver(scope, this, callable.pure_)?),
        };
        scope.pay(callable.cost + 2);
        scope.changes |= !callable.pure_;
        scope.reads_cycle |= !callable.in_init;
        let arguments: Vec<Expr> =
            callable.parameters.iter().map(|ty| self.value(scope, ty, depth.min(2))).collect();
        let ty = callable.result.clone();
        Some(match receiver {
            None => Expr::call(ty, callable.name.clone(), arguments),
            Some(receiver) => Expr::method(ty, receiver, callable.name.clone(), arguments),
        })
    }

    /// Where something of this type is, to call a function on it.
    fn receiver(&mut self, scope: &mut Scope, this: &Ty, pure_: bool) -> Option<Expr> {
        let whole = scope.this.as_ref().is_some_and(|(ty, _)| ty == this);
        if whole && (self.chance.percent(70) || this.holds_block()) {
            return Some(Expr::atom(this.clone(), "this"));
        }
        let changes = scope.changes;
        let found = self.place(scope, Want::Call, &|ty| ty == this);
        if pure_ {
            scope.changes = changes;
        }
        if found.is_none() && whole {
            return Some(Expr::atom(this.clone(), "this"));
        }
        if found.is_none() && !this.holds_block() {
            // What an expression gives is a place, too, if only for the call.
            return self.temporary(scope, this);
        }
        found
    }

    pub(super) fn temporary(&mut self, scope: &mut Scope, this: &Ty) -> Option<Expr> {
        let suits = |callable: &&Callable| {
            callable.result == *this && callable.this.is_none() && may_call(scope, callable)
        };
        let suiting: Vec<Callable> = self.functions.iter().filter(suits).cloned().collect();
        if suiting.is_empty() {
            return None;
        }
        let callable = self.chance.pick(&suiting).clone();
        self.call_of(scope, &callable, 1)
    }

    /// A method of a block that gives this type.
    fn block_value(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Option<Expr> {
        let scalar = scalar_of(ty)?;
        if !scope.effects || matches!(ty, Ty::I64(Reach::Tame) | Ty::F64(Reach::Tame)) {
            return None;
        }
        let gives = |ty: &Ty| match ty {
            Ty::Block(name, _) => registry::find(name)
                .is_some_and(|block| block.methods.iter().any(|method| method.result == Some(scalar))),
            _ => false,
        };
        self.block_call(scope, &gives, Some(scalar), depth)
    }

    /// A call of a block for its effect.
    pub(super) fn block_statement(&mut self, scope: &mut Scope, depth: u8) -> Option<Expr> {
        self.block_call(scope, &|ty| matches!(ty, Ty::Block(..)), None, depth)
    }

    fn block_call(
        &mut self,
        scope: &mut Scope,
        accepts: &dyn Fn(&Ty) -> bool,
        result: Option<ScalarType>,
        depth: u8,
    ) -> Option<Expr> {
        if scope.phase != Phase::Cycle || !scope.affords(8) {
            return None;
        }
        let place = self.place(scope, Want::Call, accepts)?;
        let Ty::Block(name, _) = &place.ty else { return None };
        let block = registry::find(name)?;
        let suits = |method: &&registry::Method| result.is_none() || method.result == result;
        let methods: Vec<&registry::Method> = block.methods.iter().filter(suits).collect();
        if methods.is_empty() {
            return None;
        }
        let method = *self.chance.pick(&methods);
        scope.pay(4);
        scope.changes = true;
        let arguments =
            method.arguments.iter().map(|argument| self.argument(scope, argument, depth)).collect();
        let ty = method.result.map_or(Ty::Unit, super::places::wild);
        let mut call = Expr::method(ty, place, method.name, arguments);
        self.style(&mut call);
        Some(call)
    }

    /// What a method is given: of the described type, in its range unless at a risk.
    fn argument(&mut self, scope: &mut Scope, argument: &Argument, depth: u8) -> Expr {
        let in_range = argument.range.is_some() && !self.risky();
        match (argument.scalar, argument.range) {
            (ScalarType::Bool, _) => self.value(scope, &Ty::Bool, depth),
            (ScalarType::I64, Some((Value::I64(low), Value::I64(high)))) if in_range => {
                let number = self.integer(scope, 63, depth.min(1));
                Expr::call(Ty::INT, "clamp", vec![number, Expr::int(low), Expr::int(high)])
            }
            (ScalarType::F64, Some((Value::F64(low), Value::F64(high)))) if in_range => {
                let number = self.float(scope, Some(20), depth.min(1));
                Expr::call(Ty::FLOAT, "clamp", vec![number, Expr::float(low), Expr::float(high)])
            }
            (ScalarType::I64, _) => {
                let reach = self.chance.weighted(&[(3, Reach::Tame), (1, Reach::Wild)]);
                self.value(scope, &Ty::I64(reach), depth)
            }
            (ScalarType::F64, _) if argument.unit == "s" => self.duration(scope, depth),
            (ScalarType::F64, _) => {
                let reach = self.chance.weighted(&[(4, Reach::Tame), (1, Reach::Wild)]);
                self.value(scope, &Ty::F64(reach), depth)
            }
        }
    }

    /// Seconds: mostly of the order of some cycles, so that something happens.
    fn duration(&mut self, scope: &mut Scope, depth: u8) -> Expr {
        match self.chance.below(8) {
            0 => self.value(scope, &Ty::F64(Reach::Wild), depth),
            1 => Expr::float(*self.chance.pick(&[0.0, -1.0, 1e-9, 9.3e9, 1e18, 1e300])),
            2 => self.value(scope, &Ty::FLOAT, depth),
            _ => Expr::float(*self.chance.pick(&[0.001, 0.002, 0.005, 0.0035, 0.01])),
        }
    }

    /// A command of an axis.
    pub(super) fn axis_command(&mut self, scope: &mut Scope, depth: u8) -> Option<Expr> {
        if scope.phase != Phase::Cycle || !scope.affords(6) {
            return None;
        }
        let handle = self.place(scope, Want::Call, &|ty| *ty == Ty::Axis)?;
        let method = self.chance.pick(AXIS.methods);
        let count = self.chance.within(*method.counts().start() as i64, *method.counts().end() as i64);
        scope.pay(4);
        scope.changes = true;
        scope.reads_cycle = true;
        let mut arguments = Vec::new();
        for argument in method.arguments.iter().take(count as usize) {
            use registry::handle::Kind;
            arguments.push(match argument.kind {
                Kind::Bool => self.value(scope, &Ty::Bool, depth.min(1)),
                Kind::Text => self.direction(scope),
                _ if self.risky() => self.value(scope, &Ty::F64(Reach::Wild), depth),
                _ => self.value(scope, &Ty::FLOAT, depth.min(2)),
            });
        }
        let mut call = Expr::method(Ty::Unit, handle, method.name, arguments);
        self.style(&mut call);
        Some(call)
    }

    fn direction(&mut self, scope: &mut Scope) -> Expr {
        let word = |this: &mut Self| Expr::text(this.chance.pick::<&str>(DIRECTIONS));
        match self.chance.below(4) {
            0 => {
                let condition = self.value(scope, &Ty::Bool, 1);
                let then = crate::ast::Block::value(word(self));
                let otherwise = crate::ast::Block::value(word(self));
                Expr::new(Ty::TEXT, Kind::If(Box::new(condition), then, Some(otherwise)))
            }
            _ => word(self),
        }
    }
}

pub(super) fn may_call(scope: &Scope, callable: &Callable) -> bool {
    let phase = match scope.phase {
        Phase::Constant => false,
        Phase::Init => callable.in_init,
        Phase::Cycle => !callable.makes_blocks,
    };
    // Without effects, only what changes nothing is called in expressions; statements are asked for effects.
    phase && (callable.pure_ || scope.effects) && scope.affords(callable.cost + 8)
}

pub(super) const fn scalar_of(ty: &Ty) -> Option<ScalarType> {
    match ty {
        Ty::Bool => Some(ScalarType::Bool),
        Ty::I64(_) => Some(ScalarType::I64),
        Ty::F64(_) => Some(ScalarType::F64),
        _ => None,
    }
}
