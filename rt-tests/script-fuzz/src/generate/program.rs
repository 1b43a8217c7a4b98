//! A program as a whole: constants, the state and `init`, functions, `cycle`.

use super::{Generated, Generator, Phase, Scope, places::paths};
use crate::ast::{Block, Expr, Function, Kind, Program, Reach, Statement, Ty};
use std::rc::Rc;

/// Nodes that a cycle may run through.
const CYCLE: u64 = 700;

/// And a function called from it.
const FUNCTION: u64 = 90;

const TEXTS: [&str; 14] = [
    "idle",
    "press",
    "lift",
    "a",
    "b",
    "é",
    "",
    "shortest",
    "position a",
    "position b",
    "sideways",
    "two words",
    "Press",
    "sixty-three bytes are the most that a text of the state may hold",
];

const FIELDS: [&str; 16] = [
    "n", "m", "x", "y", "on", "done", "step", "mode", "list", "grid", "part", "parts", "Upper", "_low", "z9",
    "peak",
];

const BLOCK_FIELDS: [&str; 8] = ["t", "u", "timers", "ctrl", "edge", "filter", "blocks", "unit"];

impl Generator<'_> {
    pub(super) fn program(mut self) -> Generated {
        let first = self.chance.index(TEXTS.len() - 4);
        // The last one is a byte too long for a text.
        self.texts = TEXTS[..TEXTS.len() - 1][first..first + 4].to_vec();
        let mut program = Program::default();
        // Constants and `init` run before anything can be reported with a cycle.
        let risk = std::mem::take(&mut self.risk);
        self.constants(&mut program);
        let mut functions = Vec::new();
        if self.chance.percent(40) {
            functions.extend(self.generic());
        }
        for _ in 0..self.chance.below(3) {
            functions.push(self.helper(None, true, FUNCTION / 2));
        }
        let (state, init) = self.state(&mut functions);
        self.risk = risk;
        for _ in 0..self.chance.below(2) {
            functions.push(self.helper(None, false, FUNCTION));
        }
        functions.extend(self.make_setters(&state));
        functions.push(self.make_enlarger(&state));
        let mut records = Vec::new();
        records_in(&state, &mut records);
        for _ in 0..self.chance.within(1, 4) {
            let this = match records.is_empty() || self.chance.percent(35) {
                true => state.clone(),
                false => self.chance.pick(&records).clone(),
            };
            functions.push(self.helper(Some(this), false, FUNCTION));
        }
        functions.push(init);
        let (cycle, cost) = self.cycle(&state);
        functions.push(cycle);
        for place in (1..functions.len()).rev() {
            functions.swap(place, self.chance.index(place + 1));
        }
        program.functions = functions;
        super::order::settle(&mut program);
        Generated { program, cost }
    }

    fn constants(&mut self, program: &mut Program) {
        for _ in 0..self.chance.below(5) {
            let ty = if self.chance.percent(12) {
                let field = self.some_type(0);
                let record = Ty::record(vec![("n".to_owned(), Ty::INT), ("x".to_owned(), field)]);
                let inner = Ty::Array(self.some_type(0).into(), self.chance.within(1, 3) as u32);
                match self.chance.below(4) {
                    0 => record,
                    1 => Ty::Array(inner.into(), self.chance.within(1, 3) as u32),
                    _ => Ty::Array(record.into(), self.chance.within(1, 3) as u32),
                }
            } else if self.chance.percent(65) {
                self.chance
                    .pick(&[
                        Ty::INT,
                        Ty::FLOAT,
                        Ty::Bool,
                        Ty::TEXT,
                        Ty::F64(Reach::Wild),
                        Ty::I64(Reach::Wild),
                    ])
                    .clone()
            } else {
                self.some_type(2)
            };
            let name = self.fresh("C");
            let mut scope = Scope::new(Phase::Constant, 60);
            let value = self.value(&mut scope, &ty, 2);
            self.constants.push((name.clone(), ty.clone(), paths(&ty)));
            program.constants.push((name, value));
        }
    }

    /// The state's type, and `init` with a value for it.
    fn state(&mut self, functions: &mut Vec<Function>) -> (Ty, Function) {
        let mut scope = Scope::new(Phase::Init, 400);
        let mut fields: Vec<(String, Ty)> = Vec::new();
        let mut values: Vec<(String, Expr)> = Vec::new();
        // What assignments of every type need.
        let basic =
            [("i0", Ty::INT), ("w0", Ty::I64(Reach::Wild)), ("f0", Ty::FLOAT), ("g0", Ty::F64(Reach::Wild))];
        for (name, ty) in basic {
            fields.push((name.to_owned(), ty));
        }
        fields.push((super::stale::LIST.to_owned(), super::stale::list_type()));
        let mut names: Vec<&str> = FIELDS.to_vec();
        for _ in 0..self.chance.within(2, 7) {
            let name = names.swap_remove(self.chance.index(names.len()));
            let ty = self.some_type(3);
            if ty.leaves() < 40 {
                fields.push((name.to_owned(), ty));
            }
        }
        let mut names: Vec<&str> = BLOCK_FIELDS.to_vec();
        for _ in 0..self.chance.below(4) {
            let name = names.swap_remove(self.chance.index(names.len()));
            let ty = self.with_blocks();
            fields.push((name.to_owned(), ty));
        }
        if !self.world.axes.is_empty() {
            for name in ["ram", "axes"].into_iter().take(self.chance.within(1, 2) as usize) {
                let ty = if name == "axes" { Ty::Array(Ty::Axis.into(), 2) } else { Ty::Axis };
                fields.push((name.to_owned(), ty));
            }
        }
        if self.chance.percent(40) {
            let retained = vec![
                ("good".to_owned(), Ty::INT),
                ("last".to_owned(), self.some_type(1)),
                ("sum".to_owned(), Ty::FLOAT),
            ];
            fields.push(("retain".to_owned(), Ty::record(retained)));
        }
        for (name, ty) in &fields {
            let value = match ty {
                Ty::Record(_) if ty.holds_block() && self.chance.percent(70) => {
                    let (function, made) = self.constructor_function(ty);
                    functions.push(function);
                    Expr::call(ty.clone(), made, Vec::new())
                }
                Ty::Array(element, len) if ty.holds_block() => {
                    self.blocks(&mut scope, functions, element, *len)
                }
                ty => self.value(&mut scope, ty, 2),
            };
            values.push((name.clone(), value));
        }
        for place in (1..values.len()).rev() {
            values.swap(place, self.chance.index(place + 1));
        }
        let state = Ty::record(fields);
        let value = Expr { broken: true, ..Expr::new(state.clone(), Kind::Record(values)) };
        let body = Block::value(value);
        (state, Function { name: "init".to_owned(), parameters: Vec::new(), body })
    }

    /// An array of blocks, or of records with blocks.
    fn blocks(
        &mut self,
        scope: &mut Scope,
        functions: &mut Vec<Function>,
        element: &Rc<Ty>,
        len: u32,
    ) -> Expr {
        let ty = Ty::Array(Rc::clone(element), len);
        let mut one = |this: &mut Self, functions: &mut Vec<Function>| match **element {
            Ty::Record(_) => {
                let (function, made) = this.constructor_function(element);
                functions.push(function);
                Expr::call((**element).clone(), made, Vec::new())
            }
            _ => this.value(scope, element, 1),
        };
        if self.chance.percent(60) {
            let value = one(self, functions);
            return Expr::call(ty, "array", vec![Expr::int(i64::from(len)), value]);
        }
        let elements = (0..len).map(|_| one(self, functions)).collect();
        Expr::new(ty, Kind::Array(elements))
    }

    /// A block, several of one kind, or a record with some.
    fn with_blocks(&mut self) -> Ty {
        match self.chance.below(5) {
            0 | 1 => self.some_block(),
            2 => Ty::Array(self.some_block().into(), self.chance.within(1, 4) as u32),
            _ => {
                let mut fields = vec![("t".to_owned(), self.some_block()), ("n".to_owned(), Ty::INT)];
                if self.chance.percent(50) {
                    fields.push(("x".to_owned(), self.some_type(1)));
                }
                if self.chance.percent(30) {
                    fields.push(("e".to_owned(), Ty::Array(self.some_block().into(), 2)));
                }
                let record = Ty::record(fields);
                if self.chance.percent(40) {
                    Ty::Array(record.into(), self.chance.within(1, 3) as u32)
                } else {
                    record
                }
            }
        }
    }

    fn cycle(&mut self, state: &Ty) -> (Function, u64) {
        let mut scope = Scope::new(Phase::Cycle, CYCLE);
        scope.this = Some((state.clone(), paths(state)));
        let count = self.chance.within(6, 14) as usize;
        let mut statements = self.statements(&mut scope, count);
        scope.limit += 200;
        statements.extend(self.pin(&mut scope).map(Statement::from));
        for _ in 0..2 {
            statements.extend(self.driven_block(&mut scope).map(Statement::from));
        }
        for (percent, which) in [(70, 0), (40, 0), (40, 1), (40, 2), (60, 3)] {
            if self.chance.percent(percent) {
                let made = match which {
                    0 => self.changed_meanwhile(&mut scope),
                    1 => self.second_name(&mut scope),
                    2 => self.whole_constant(&mut scope),
                    _ => self.called_on_element(&mut scope),
                };
                statements.extend(made.into_iter().flatten().map(Statement::from));
            }
        }
        scope.limit -= 200;
        let traps = self.chance.weighted(&[(55, 0), (35, 1), (10, 2)]);
        scope.limit += 400;
        for _ in 0..traps {
            if let Some(trap) = self.trap(&mut scope) {
                statements.push(trap);
            }
        }
        if self.chance.percent(70)
            && let Some(edge) = self.at_the_edge(&mut scope)
        {
            statements.push(self.now_and_then(&mut scope, edge));
        }
        if self.chance.percent(60)
            && let Some(stale) = self.stale(&mut scope)
        {
            statements.push(self.now_and_then(&mut scope, stale));
        }
        if self.chance.percent(50)
            && let Some(order) = self.order(&mut scope)
        {
            statements.extend(order);
        }
        if self.world.endless {
            statements.extend(self.endless(&mut scope));
        }
        let function =
            Function { name: "cycle".to_owned(), parameters: Vec::new(), body: Block::of(statements) };
        (function, scope.cost)
    }
}

/// Types of records below, that functions can be called on.
fn records_in(ty: &Ty, all: &mut Vec<Ty>) {
    match ty {
        Ty::Record(fields) => {
            for (_, ty) in fields.iter() {
                if matches!(ty, Ty::Record(_)) && !all.contains(ty) {
                    all.push(ty.clone());
                }
                records_in(ty, all);
            }
        }
        Ty::Array(element, _) => {
            if matches!(**element, Ty::Record(_)) && !all.contains(element) {
                all.push((**element).clone());
            }
            records_in(element, all);
        }
        _ => {}
    }
}
