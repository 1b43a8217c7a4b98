//! Expressions of all other types, and those that any type can be made by: `if`, `switch`, blocks, calls.

use super::{Generator, NESTING, Phase, Scope, floats::is_simple, places::Want};
use crate::ast::{Arm, Block, Expr, Kind, Reach, Statement, StatementKind, Switch, Ty, Words};
use sensai_model::packml::{Mode, State};
use sensai_stdlib::registry::handle::AXIS_STATES;
use std::rc::Rc;

impl Generator<'_> {
    pub(super) fn boolean(&mut self, scope: &mut Scope, depth: u8) -> Expr {
        if depth == 0 || !scope.affords(6) {
            return self.plain_boolean(scope);
        }
        if self.chance.percent(10)
            && let Some(compound) = self.compound(scope, &Ty::Bool, depth)
        {
            return compound;
        }
        let depth = depth - 1;
        match self.chance.below(16) {
            0..5 => self.comparison(scope, depth),
            5..8 => {
                let operator = *self.chance.pick(&["&&", "||"]);
                let left = self.value(scope, &Ty::Bool, depth);
                let right = self.value(scope, &Ty::Bool, depth);
                Expr::binary(Ty::Bool, operator, left, right)
            }
            8 | 9 => {
                let operator = *self.chance.pick(&["&", "|", "^", "==", "!="]);
                let left = self.value(scope, &Ty::Bool, depth);
                let right = self.value(scope, &Ty::Bool, depth);
                Expr::binary(Ty::Bool, operator, left, right)
            }
            10 | 11 => {
                let operand = self.value(scope, &Ty::Bool, depth);
                Expr::unary(Ty::Bool, "!", operand)
            }
            12 | 13 => self.text_comparison(scope, depth),
            14 => {
                let name = *self.chance.pick(&["is_finite", "is_nan"]);
                let number = self.value(scope, &Ty::F64(Reach::Wild), depth);
                self.called(Ty::Bool, name, vec![number])
            }
            _ => self.plain_boolean(scope),
        }
    }

    fn plain_boolean(&mut self, scope: &mut Scope) -> Expr {
        let found =
            if self.chance.percent(85) { self.place(scope, Want::Read, &|ty| *ty == Ty::Bool) } else { None };
        found.unwrap_or_else(|| Expr::bool(self.chance.percent(50)))
    }

    /// Of two numbers, which may be of different types.
    fn comparison(&mut self, scope: &mut Scope, depth: u8) -> Expr {
        let operator = *self.chance.pick(&["==", "!=", "<", "<=", ">", ">="]);
        let numbers = [Ty::INT, Ty::I64(Reach::Wild), Ty::FLOAT, Ty::F64(Reach::Wild)];
        let left = self.chance.pick(&numbers).clone();
        let right = if self.chance.percent(60) { left.clone() } else { self.chance.pick(&numbers).clone() };
        let left = self.value(scope, &left, depth);
        let right = self.value(scope, &right, depth);
        Expr::binary(Ty::Bool, operator, left, right)
    }

    fn text_comparison(&mut self, scope: &mut Scope, depth: u8) -> Expr {
        let operator = *self.chance.pick(&["==", "!="]);
        let found = self.place(scope, Want::Read, &|ty| matches!(ty, Ty::Text(_)));
        let left = found.unwrap_or_else(|| self.word(Words::Own));
        let words = if let Ty::Text(words) = left.ty { words } else { Words::Own };
        let right = match words {
            Words::Own => self.value(scope, &Ty::TEXT, depth),
            words => self.word(words),
        };
        // Of some texts it is known what they can be, and the check knows it.
        let left = match right.ty {
            Ty::Text(words @ (Words::Mode | Words::State | Words::AxisState)) if left.ty == Ty::TEXT => {
                self.word(words)
            }
            _ => left,
        };
        if self.chance.percent(25) {
            return Expr::binary(Ty::Bool, operator, right, left);
        }
        Expr::binary(Ty::Bool, operator, left, right)
    }

    /// A literal that such a text can be.
    pub(super) fn word(&mut self, words: Words) -> Expr {
        let text = match words {
            Words::Own if self.texts.is_empty() => "idle",
            Words::Own => self.chance.pick(&self.texts),
            Words::Mode => self.chance.pick(Mode::ALL).name(),
            Words::State => self.chance.pick(State::ALL).name(),
            Words::AxisState => self.chance.pick(AXIS_STATES),
        };
        Expr { ty: Ty::Text(words), ..Expr::text(text) }
    }

    pub(super) fn text(&mut self, scope: &mut Scope, words: Words, depth: u8) -> Expr {
        if depth > 0
            && scope.affords(6)
            && self.chance.percent(20)
            && let Some(compound) = self.compound(scope, &Ty::Text(words), depth)
        {
            return compound;
        }
        let accepts = |ty: &Ty| ty.fits(&Ty::Text(words));
        let found = if self.chance.percent(50) { self.place(scope, Want::Read, &accepts) } else { None };
        found.unwrap_or_else(|| self.word(words))
    }

    pub(super) fn array(&mut self, scope: &mut Scope, element: &Rc<Ty>, len: u32, depth: u8) -> Expr {
        let ty = Ty::Array(Rc::clone(element), len);
        if !ty.holds_block() {
            if self.chance.percent(40)
                && let Some(place) = self.place(scope, Want::Read, &|other| *other == ty)
            {
                return place;
            }
            if depth > 0
                && self.chance.percent(20)
                && let Some(compound) = self.compound(scope, &ty, depth)
            {
                return compound;
            }
        }
        let fill = self.chance.percent(50) || len > 4;
        if fill {
            scope.pay(u64::from(len));
            let value = self.value(scope, element, depth.saturating_sub(1));
            let len = Expr::int(i64::from(len));
            return Expr::call(ty, "array", vec![len, value]);
        }
        let elements = (0..len).map(|_| self.value(scope, element, depth.saturating_sub(1))).collect();
        Expr::new(ty, Kind::Array(elements))
    }

    pub(super) fn record(&mut self, scope: &mut Scope, fields: &Rc<Vec<(String, Ty)>>, depth: u8) -> Expr {
        let ty = Ty::Record(Rc::clone(fields));
        if !ty.holds_block() {
            if self.chance.percent(40)
                && let Some(place) = self.place(scope, Want::Read, &|other| *other == ty)
            {
                return place;
            }
            if depth > 0
                && self.chance.percent(20)
                && let Some(compound) = self.compound(scope, &ty, depth)
            {
                return compound;
            }
        }
        let mut order: Vec<&(String, Ty)> = fields.iter().collect();
        for place in (1..order.len()).rev() {
            order.swap(place, self.chance.index(place + 1));
        }
        let values = order
            .into_iter()
            .map(|(name, ty)| (name.clone(), self.value(scope, ty, depth.saturating_sub(1))))
            .collect();
        Expr::new(ty, Kind::Record(values))
    }

    pub(super) fn handle(&mut self) -> Expr {
        let name = self.chance.pick(&self.world.axes).name.clone();
        Expr::call(Ty::Axis, "Axis", vec![Expr::text(&name)])
    }

    /// A value by way of `if`, `switch`, a block or a call.
    pub(super) fn compound(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Option<Expr> {
        if !scope.affords(12) || scope.phase == Phase::Constant || scope.nesting >= NESTING {
            return None;
        }
        let depth = depth.saturating_sub(1);
        let mut made = match self.chance.below(11) {
            10 => self.part_of_value(scope, ty, depth),
            0..3 => self.choice(scope, ty, depth),
            3 | 4 => self.switch(scope, ty, depth),
            5 => self.block_of(scope, ty, depth),
            _ => self.call(scope, ty, depth)?,
        };
        self.style(&mut made);
        Some(made)
    }

    fn choice(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Expr {
        let condition = self.value(scope, &Ty::Bool, depth);
        let then = self.branch(scope, ty, depth);
        let otherwise = self.branch(scope, ty, depth);
        Expr::new(ty.clone(), Kind::If(Box::new(condition), then, Some(otherwise)))
    }

    /// A value, or now and then a way out of here.
    fn branch(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Block {
        let hides = scope.variables.len();
        scope.nesting += 1;
        let mut statements = Vec::new();
        if scope.effects && self.chance.percent(20) {
            statements = self.inside(scope);
        }
        if self.chance.percent(3) && scope.loops > 0 {
            let kind = if self.chance.percent(50) { StatementKind::Break } else { StatementKind::Continue };
            statements.push(kind.into());
            scope.nesting -= 1;
            scope.variables.truncate(hides);
            return Block::of(statements);
        }
        let value = self.value(scope, ty, depth);
        scope.nesting -= 1;
        scope.variables.truncate(hides);
        Block { statements, value: Some(Box::new(value)) }
    }

    /// A statement inside of an expression.
    fn inside(&mut self, scope: &mut Scope) -> Vec<Statement> {
        if scope.inside > 1 {
            return Vec::new();
        }
        let effects = scope.effects;
        scope.inside += 1;
        let statements = self.statements(scope, 1);
        scope.inside -= 1;
        scope.effects = effects;
        statements
    }

    fn block_of(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Expr {
        let hides = scope.variables.len();
        scope.nesting += 1;
        let kind = self.let_statement(scope, depth);
        let mut statements: Vec<Statement> = vec![kind.into()];
        if scope.effects && self.chance.percent(40) {
            statements.extend(self.inside(scope));
        }
        let value = self.value(scope, ty, depth);
        scope.nesting -= 1;
        scope.variables.truncate(hides);
        Expr::new(ty.clone(), Kind::Block(Block { statements, value: Some(Box::new(value)) }))
    }

    /// A `switch` with a value: every way through it has one.
    fn switch(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Expr {
        let (value, patterns) = self.switched(scope, depth);
        let mut arms = Vec::new();
        for patterns in patterns {
            let guard = self.guard(scope, &value, &patterns);
            let body = self.arm_value(scope, ty, depth, is_known(&value));
            arms.push(Arm { patterns, guard, body });
        }
        let default = Some(self.arm_value(scope, ty, depth, is_known(&value)));
        Expr::new(ty.clone(), Kind::Switch(Box::new(Switch { value, arms, default })))
    }

    fn arm_value(&mut self, scope: &mut Scope, ty: &Ty, depth: u8, braces: bool) -> Expr {
        if braces || self.chance.percent(30) {
            let block = self.branch(scope, ty, depth);
            return Expr::new(ty.clone(), Kind::Block(block));
        }
        self.value(scope, ty, depth)
    }

    pub(super) fn guard(&mut self, scope: &mut Scope, switched: &Expr, patterns: &[String]) -> Option<Expr> {
        let allowed = !is_known(switched) && !overlap(patterns);
        (allowed && self.chance.percent(35)).then(|| self.value(scope, &Ty::Bool, 1))
    }

    /// What a `switch` looks at, and patterns for its arms.
    pub(super) fn switched(&mut self, scope: &mut Scope, depth: u8) -> (Expr, Vec<Vec<String>>) {
        match self.chance.below(5) {
            0 => {
                let value = self.value(scope, &Ty::Bool, depth);
                let first = self.chance.percent(50);
                let mut arms = vec![vec![first.to_string()]];
                if self.chance.percent(60) {
                    arms.push(vec![(!first).to_string()]);
                }
                (value, arms)
            }
            1 | 2 => {
                let found = self.place(scope, Want::Read, &|ty| matches!(ty, Ty::Text(_)));
                let value = found.unwrap_or_else(|| self.word(Words::Own));
                let words = if let Ty::Text(words) = value.ty { words } else { Words::Own };
                let arms = self.distinct(|this| match this.word(words).kind {
                    Kind::Atom(text) => text,
                    _ => String::new(),
                });
                (value, arms)
            }
            _ => {
                let number = self.value(scope, &Ty::INT, depth);
                let value = match self.chance.below(3) {
                    0 => number,
                    1 => Expr::binary(Ty::INT, "%", number, Expr::int(6)),
                    _ => Expr::binary(Ty::INT, "&", number, Expr::int(7)),
                };
                let mut arms = self.distinct(|this| this.chance.within(-4, 7).to_string());
                if self.chance.percent(45) {
                    self.ranges(&mut arms);
                }
                (value, arms)
            }
        }
    }

    /// One to three arms with one or two patterns each; a pattern comes twice now and then, as guards make it useful.
    fn distinct(&mut self, mut pattern: impl FnMut(&mut Self) -> String) -> Vec<Vec<String>> {
        let arms = self.chance.within(1, 3);
        let mut all: Vec<Vec<String>> = Vec::new();
        for _ in 0..arms {
            let mut patterns: Vec<String> = Vec::new();
            for _ in 0..self.chance.within(1, 2) {
                let text = pattern(self);
                let known = patterns.contains(&text)
                    || all.iter().any(|other| other.contains(&text)) && self.chance.percent(40);
                if !known {
                    patterns.push(text);
                }
            }
            if !patterns.is_empty() {
                all.push(patterns);
            }
        }
        all
    }

    /// Ranges behind the numbers, over them and empty ones, too.
    fn ranges(&mut self, arms: &mut Vec<Vec<String>>) {
        for _ in 0..self.chance.within(1, 3) {
            let start = self.chance.within(-5, 6);
            let end = start + self.chance.within(-1, 6);
            let dots = *self.chance.pick(&["..", "..="]);
            let range = format!("{start}{dots}{end}");
            match arms.last_mut() {
                Some(last) if self.chance.percent(25) => last.push(range),
                _ => arms.push(vec![range]),
            }
        }
    }

    /// A place that is read twice must be the same one both times.
    pub(super) fn simple_place(
        &mut self,
        scope: &mut Scope,
        want: Want,
        accepts: &dyn Fn(&Ty) -> bool,
    ) -> Option<Expr> {
        self.place(scope, want, accepts).filter(is_simple)
    }
}

/// A number fits two of the patterns; texts and bools are not repeated in an arm.
fn overlap(patterns: &[String]) -> bool {
    let bounds = |pattern: &String| {
        let (low, high) = pattern.split_once("..").unwrap_or((pattern, pattern));
        let low: i64 = low.parse().ok()?;
        let high = match high.strip_prefix('=') {
            None if pattern.contains("..") => high.parse::<i64>().ok()? - 1,
            high => high.map_or(Some(low), |high| high.parse().ok())?,
        };
        Some((low, high))
    };
    let all: Vec<(i64, i64)> = patterns.iter().filter_map(bounds).collect();
    all.iter().enumerate().any(|(place, (low, high))| {
        let before = all.iter().take(place);
        before.into_iter().any(|(start, end)| low.max(start) <= high.min(end))
    })
}

/// A text of a known set: the check takes all texts outside of braces for cases of it.
const fn is_known(switched: &Expr) -> bool {
    matches!(switched.ty, Ty::Text(Words::Mode | Words::State | Words::AxisState))
}
