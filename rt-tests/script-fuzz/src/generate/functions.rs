//! The program's own functions: helpers, constructors of the user's blocks, and what is called on them.

use super::{Callable, Generator, Phase, Scope, Variable, places::paths};
use crate::ast::{Block, Expr, Function, StatementKind, Ty};

impl Generator<'_> {
    /// A function without `this`, or one that is called on a part of the state or on a record.
    pub(super) fn helper(&mut self, this: Option<Ty>, in_init: bool, limit: u64) -> Function {
        let phase = if in_init { Phase::Init } else { Phase::Cycle };
        let mut scope = Scope::new(phase, limit);
        scope.this = this.clone().map(|ty| {
            let paths = paths(&ty);
            (ty, paths)
        });
        let name = self.fresh(if this.is_some() { "m" } else { "f" });
        let parameters = self.parameters(&mut scope);
        scope.result = match self.chance.below(20) {
            0..5 => Ty::Unit,
            5 | 6 => Ty::TEXT,
            7 | 8 => {
                let field = self.some_type(0);
                Ty::record(vec![("n".to_owned(), Ty::INT), ("x".to_owned(), field)])
            }
            9 => Ty::Array(self.some_type(0).into(), 2),
            _ => self.some_type(1),
        };
        let trap = match phase == Phase::Cycle && self.chance.percent(30) {
            true => self.trap(&mut scope),
            false => None,
        };
        scope.changes |= trap.is_some();
        let mut body = self.function_body(&mut scope);
        body.statements.splice(0..0, trap);
        self.functions.push(Callable {
            name: name.clone(),
            this,
            parameters: parameters.iter().map(|(_, ty)| ty.clone()).collect(),
            result: scope.result.clone(),
            cost: scope.cost,
            pure_: !scope.changes,
            in_init: in_init && !scope.reads_cycle,
            makes_blocks: false,
        });
        Function { name, parameters: parameters.into_iter().map(|(name, _)| name).collect(), body }
    }

    fn parameters(&mut self, scope: &mut Scope) -> Vec<(String, Ty)> {
        let mut parameters = Vec::new();
        for name in ["p", "q", "x"].into_iter().take(self.chance.below(4) as usize) {
            let ty = self.some_type(1);
            let paths = paths(&ty);
            scope.variables.push(Variable {
                name: name.to_owned(),
                ty: ty.clone(),
                paths,
                // Arrays and records are only read in the callee.
                assignable: ty.is_scalar(),
                parts: false,
                below: None,
            });
            parameters.push((name.to_owned(), ty));
        }
        parameters
    }

    fn function_body(&mut self, scope: &mut Scope) -> Block {
        let count = self.chance.within(0, 4) as usize;
        let mut body = Block::of(self.statements(scope, count));
        if scope.result != Ty::Unit {
            let ty = scope.result.clone();
            scope.effects = self.chance.percent(40);
            let value = self.value(scope, &ty, 3);
            if self.chance.percent(20) {
                body.statements.push(StatementKind::Return(Some(value)).into());
            } else {
                body.value = Some(Box::new(value));
            }
        }
        body
    }

    /// One body for arguments of several types: an instance for each.
    pub(super) fn generic(&mut self) -> Vec<Function> {
        let pick = self.chance.below(3);
        let name = self.fresh("g");
        let (parameters, body): (&[&str], Expr) = match pick {
            0 => {
                let condition = Expr::atom(Ty::Bool, "c");
                let then = Block::value(Expr::atom(Ty::Unit, "p"));
                let otherwise = Block::value(Expr::atom(Ty::Unit, "q"));
                let kind = crate::ast::Kind::If(Box::new(condition), then, Some(otherwise));
                (&["c", "p", "q"], Expr::new(Ty::Unit, kind))
            }
            1 => {
                let less = Expr::binary(Ty::Bool, "<", Expr::atom(Ty::Unit, "p"), Expr::atom(Ty::Unit, "q"));
                let then = Block::value(Expr::atom(Ty::Unit, "p"));
                let otherwise = Block::value(Expr::atom(Ty::Unit, "q"));
                let kind = crate::ast::Kind::If(Box::new(less), then, Some(otherwise));
                (&["p", "q"], Expr::new(Ty::Unit, kind))
            }
            _ => {
                let p = || Expr::atom(Ty::Unit, "p");
                let call = Expr::call(Ty::Unit, "max", vec![p(), Expr::atom(Ty::Unit, "q")]);
                (&["p", "q"], Expr::call(Ty::Unit, "min", vec![call, p()]))
            }
        };
        let candidates: Vec<Ty> = match pick {
            0 => (0..3).map(|_| self.some_type(2)).collect(),
            _ => vec![Ty::INT, Ty::FLOAT, Ty::I64(crate::ast::Reach::Wild)],
        };
        for ty in candidates {
            let mut types = vec![ty.clone(), ty.clone()];
            if pick == 0 {
                types.insert(0, Ty::Bool);
            }
            self.functions.push(Callable {
                name: name.clone(),
                this: None,
                parameters: types,
                result: ty,
                cost: 6,
                pure_: true,
                in_init: true,
                makes_blocks: false,
            });
        }
        let parameters = parameters.iter().map(|name| (*name).to_owned()).collect();
        vec![Function { name, parameters, body: Block::value(body) }]
    }

    /// A function that `init` calls for a record with blocks: the user's own block. Its type, and how it is called.
    pub(super) fn constructor_function(&mut self, ty: &Ty) -> (Function, String) {
        let mut scope = Scope::new(Phase::Init, 200);
        let name = self.fresh("make");
        let value = self.value(&mut scope, ty, 1);
        let function = Function { name: name.clone(), parameters: Vec::new(), body: Block::value(value) };
        (function, name)
    }
}
