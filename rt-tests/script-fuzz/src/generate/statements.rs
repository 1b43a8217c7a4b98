//! Statements: every one leaves what is tame tame, and every loop ends soon.

use super::{Generator, NESTING, Phase, Scope, Variable, floats::is_simple, places::Want, places::paths};
use crate::ast::{
    Arm, Block, Expr, For, Items, Kind, Reach, Statement, StatementKind, Switch, TAME_BITS, Ty,
};
use sensai_model::Value;

const NAMES: [&str; 9] = ["a", "b", "v", "w", "x", "y", "tmp", "sum", "row"];

impl Generator<'_> {
    /// Some statements. Variables that they declare stay in scope.
    pub(super) fn statements(&mut self, scope: &mut Scope, count: usize) -> Vec<Statement> {
        let mut all = Vec::new();
        for _ in 0..count {
            if !scope.affords(12) {
                break;
            }
            for kind in self.statement(scope) {
                let joined = self.chance.percent(12);
                all.push(Statement { kind, joined });
            }
        }
        all
    }

    /// A block of its own.
    pub(super) fn body(&mut self, scope: &mut Scope, count: usize) -> Block {
        let hides = scope.variables.len();
        scope.nesting += 1;
        let mut statements = self.statements(scope, count);
        scope.nesting -= 1;
        if let [only] = &mut statements[..] {
            only.joined |= self.chance.percent(60);
        }
        scope.variables.truncate(hides);
        Block::of(statements)
    }

    /// One, or a few that belong together.
    fn statement(&mut self, scope: &mut Scope) -> Vec<StatementKind> {
        scope.effects = self.chance.percent(40);
        let depth = if scope.inside > 0 { 1 } else { self.chance.within(1, 4) as u8 };
        let writes = scope.phase == Phase::Cycle;
        let nests = scope.nesting < NESTING;
        let made = match self.chance.below(100) {
            0..14 => Some(vec![self.let_statement(scope, depth)]),
            14..36 => self.assignment(scope, depth),
            36..48 if writes => self.tag_assignment(scope, depth),
            48..58 if nests => Some(vec![self.if_statement(scope, depth)]),
            58..63 if nests => Some(vec![self.switch_statement(scope, depth)]),
            63..73 if nests => self.repeated(scope),
            73..80 if writes => self.effect(scope, |this, scope| this.block_statement(scope, depth)),
            80..84 if writes => self.effect(scope, |this, scope| this.axis_command(scope, depth)),
            84..87 if writes => Some(self.request(scope)),
            87 => self.called_on_variable(scope, depth),
            88 => Some(self.element_of_variable(scope, depth)),
            89 if writes => self.changed_meanwhile(scope),
            90 if writes => self.second_name(scope),
            91 if writes => self.driven_block(scope).map(|call| vec![call]),
            89..93 => self.effect(scope, |this, scope| this.call_statement(scope, depth)),
            93 if nests => {
                let count = self.chance.within(1, 3) as usize;
                let body = self.body(scope, count);
                Some(vec![StatementKind::Expr(Expr::new(Ty::Unit, Kind::Block(body)))])
            }
            94..96 => self.leaving(scope),
            96..98 => self.copied_and_changed(scope),
            _ => self.whole_assignment(scope, depth),
        };
        made.unwrap_or_else(|| vec![self.let_statement(scope, depth)])
    }

    fn effect(
        &mut self,
        scope: &mut Scope,
        make: impl FnOnce(&mut Self, &mut Scope) -> Option<Expr>,
    ) -> Option<Vec<StatementKind>> {
        scope.effects = true;
        make(self, scope).map(|call| vec![StatementKind::Expr(call)])
    }

    /// `let`: a new variable, that may hide another.
    pub(super) fn let_statement(&mut self, scope: &mut Scope, depth: u8) -> StatementKind {
        let ty = self.some_type(if depth > 1 { 2 } else { 0 });
        let mut value = self.value(scope, &ty, depth);
        if value.never_comes() {
            // A variable of nothing could not be used.
            value = self.value(scope, &ty, 0);
        }
        let name = match self.chance.percent(60) {
            true => (*self.chance.pick(&NAMES)).to_owned(),
            false => self.fresh("v"),
        };
        let fixed = |variable: &Variable| variable.below.is_some() && variable.name == name;
        // A counter that ends a loop stays visible.
        let name = if scope.variables.iter().any(fixed) { self.fresh("v") } else { name };
        let paths = paths(&ty);
        scope.variables.push(Variable {
            name: name.clone(),
            ty,
            paths,
            assignable: true,
            parts: true,
            below: None,
        });
        StatementKind::Let(name, value)
    }

    /// A type of values without blocks.
    pub(super) fn some_type(&mut self, depth: u8) -> Ty {
        match self.chance.below(if depth > 0 { 12 } else { 9 }) {
            0 | 1 => Ty::Bool,
            2..4 => Ty::INT,
            4 => Ty::I64(Reach::Wild),
            5 | 6 => Ty::FLOAT,
            7 => Ty::F64(Reach::Wild),
            8 => Ty::TEXT,
            9 | 10 => {
                let element = self.some_type(depth - 1);
                let most = if element.is_scalar() && self.chance.percent(8) { 20 } else { 1 };
                Ty::Array(element.into(), self.chance.within(most, most + 4) as u32)
            }
            _ => {
                let mut fields = Vec::new();
                for name in ["n", "x", "on", "kind", "at"] {
                    if fields.len() < 3 && self.chance.percent(50) {
                        fields.push((name.to_owned(), self.some_type(depth - 1)));
                    }
                }
                if fields.is_empty() {
                    fields.push(("n".to_owned(), Ty::INT));
                }
                Ty::record(fields)
            }
        }
    }

    /// To a scalar somewhere in the state or in a variable.
    fn assignment(&mut self, scope: &mut Scope, depth: u8) -> Option<Vec<StatementKind>> {
        let place = self.place(scope, Want::Write, &Ty::is_scalar)?;
        let ty = place.ty.clone();
        if self.chance.percent(45)
            && let Some(compound) = self.compound_assignment(scope, &place, depth)
        {
            return Some(compound);
        }
        let value = self.value(scope, &ty, depth);
        Some(vec![StatementKind::Assign(place, None, value)])
    }

    /// `op=`, and what brings a tame number back within its bounds.
    fn compound_assignment(
        &mut self,
        scope: &mut Scope,
        place: &Expr,
        depth: u8,
    ) -> Option<Vec<StatementKind>> {
        scope.pay(3);
        let again = is_simple(place);
        let assign = |operator, value| StatementKind::Assign(place.clone(), Some(operator), value);
        Some(match place.ty {
            Ty::Bool => {
                let operator = *self.chance.pick(&["&", "|", "^"]);
                vec![assign(operator, self.value(scope, &Ty::Bool, depth))]
            }
            Ty::I64(reach) => {
                let tame = reach == Reach::Tame;
                let bits = if tame { TAME_BITS } else { 63 };
                match self.chance.below(9) {
                    0..4 if tame && again => {
                        let operator = *self.chance.pick(&["+", "-", "+"]);
                        let value = self.integer(scope, bits, depth);
                        let wrap = Expr::int(*self.chance.pick(&[1000, 4096, 7, 1 << 20]));
                        vec![assign(operator, value), assign("%", wrap)]
                    }
                    4 if tame && again => {
                        let value = self.integer(scope, bits, depth);
                        vec![assign("*", value), assign("%", Expr::int(10_007))]
                    }
                    5 if tame && again => {
                        let count = Expr::int(self.chance.within(0, 30));
                        vec![assign("<<", count), assign("&", Expr::int(0xf_ffff))]
                    }
                    6 => {
                        let count = self.integer(scope, 5, 0);
                        let count = Expr::binary(Ty::INT, "&", count, Expr::int(31));
                        vec![assign(if tame { ">>" } else { "<<" }, count)]
                    }
                    7 => vec![assign("%", Expr::int(self.chance.within(1, 5000)))],
                    8 if tame && again => {
                        let divisor = Expr::int(self.chance.within(1, 9));
                        vec![assign("/", divisor), assign("**", Expr::int(2)), assign("%", Expr::int(999))]
                    }
                    _ => {
                        let operator = *self.chance.pick(&["&", "|", "^"]);
                        vec![assign(operator, self.integer(scope, bits, depth))]
                    }
                }
            }
            Ty::F64(Reach::Wild) => {
                let operator = *self.chance.pick(&["+", "-", "*", "/", "%", "**"]);
                vec![assign(operator, self.promoted(scope, None, depth))]
            }
            Ty::F64(Reach::Tame) if again => {
                let operator = *self.chance.pick(&["+", "-", "*"]);
                let value = self.promoted(scope, Some(20), depth);
                let limit = *self.chance.pick(&[1000.0, 1e6, 2.5]);
                let limited = Expr::call(
                    Ty::FLOAT,
                    "clamp",
                    vec![place.clone(), Expr::float(-limit), Expr::float(limit)],
                );
                vec![assign(operator, value), StatementKind::Assign(place.clone(), None, limited)]
            }
            Ty::F64(Reach::Tame) => {
                let divisor = Expr::float(*self.chance.pick(&[2.0, -4.0, 1.5, 1e9]));
                vec![assign("/", divisor)]
            }
            _ => return None,
        })
    }

    /// A float, or an integer that an operator promotes.
    fn promoted(&mut self, scope: &mut Scope, magnitude: Option<u8>, depth: u8) -> Expr {
        if self.chance.percent(30) {
            return self.integer(scope, magnitude.unwrap_or(63), depth);
        }
        self.float(scope, magnitude, depth)
    }

    /// To a tag: what it takes, unless at a risk.
    fn tag_assignment(&mut self, scope: &mut Scope, depth: u8) -> Option<Vec<StatementKind>> {
        if self.writable.is_empty() {
            return None;
        }
        let tag = self.chance.pick(&self.writable).clone();
        scope.pay(4);
        (scope.changes, scope.reads_cycle) = (true, true);
        let place = Expr::atom(tag.ty.clone(), tag.text.clone());
        let place = match tag.len {
            None => place,
            Some(len) => {
                let index = self.index(scope, len);
                Expr::index(tag.ty.clone(), place, index)
            }
        };
        let free = tag.range.is_none() || tag.saturates;
        if free && self.chance.percent(30) {
            return Some(self.tag_compound(scope, place, &tag.ty, depth));
        }
        let value = self.tag_value(scope, &tag, depth);
        Some(vec![StatementKind::Assign(place, None, value)])
    }

    /// `op=` for a tag that takes any finite number of its type.
    fn tag_compound(&mut self, scope: &mut Scope, place: Expr, ty: &Ty, depth: u8) -> Vec<StatementKind> {
        let assign = |operator, value| StatementKind::Assign(place.clone(), Some(operator), value);
        let again = is_simple(&place);
        match ty {
            Ty::Bool => {
                let operator = *self.chance.pick(&["&", "|", "^"]);
                vec![assign(operator, self.value(scope, ty, depth))]
            }
            Ty::I64(reach) => {
                let small = |this: &mut Self| assign("%", Expr::int(this.chance.within(1, 1000)));
                let (operator, value) = match self.chance.below(if again { 12 } else { 4 }) {
                    0 => return vec![small(self)],
                    1 => (">>", Expr::int(self.chance.within(0, 66))),
                    2 if *reach == Reach::Wild => ("<<", self.value(scope, ty, depth)),
                    2 | 3 => {
                        let operator = *self.chance.pick(&["&", "|", "^"]);
                        return vec![assign(operator, self.value(scope, ty, depth))];
                    }
                    4 | 5 => ("+", self.integer(scope, TAME_BITS, depth)),
                    6 | 7 => ("-", self.integer(scope, TAME_BITS, depth)),
                    8 => ("*", self.integer(scope, TAME_BITS, depth)),
                    9 => ("/", Expr::int(*self.chance.pick(&[-7, -1, 1, 2, 10]))),
                    10 => ("**", Expr::int(self.chance.within(0, 4))),
                    _ => ("<<", Expr::int(self.chance.within(0, 30))),
                };
                let bounded = assign("%", Expr::int(100_000));
                match operator {
                    ">>" => vec![assign(operator, value)],
                    "<<" if *reach == Reach::Wild => vec![assign(operator, value)],
                    _ => vec![small(self), assign(operator, value), bounded],
                }
            }
            _ => {
                let integer = self.chance.percent(35);
                let number = |value: i64| if integer { Expr::int(value) } else { Expr::float(value as f64) };
                let (operator, value) = match self.chance.below(if again { 9 } else { 2 }) {
                    0 => return vec![assign("%", number(self.chance.within(1, 99)))],
                    1 => return vec![assign("/", number(*self.chance.pick(&[-7, 2, 10, 1000])))],
                    2..8 => (*self.chance.pick(&["+", "-", "*"]), self.promoted(scope, Some(20), depth)),
                    _ => ("**", number(self.chance.within(0, 3))),
                };
                vec![assign("%", Expr::float(1000.5)), assign(operator, value)]
            }
        }
    }

    fn tag_value(&mut self, scope: &mut Scope, tag: &crate::world::Writable, depth: u8) -> Expr {
        let risky = self.risky();
        match (&tag.ty, tag.range) {
            (Ty::I64(_), Some((Value::I64(low), Value::I64(high)))) if self.chance.percent(20) => {
                // What is limited may lie beside its range.
                let beside = if tag.saturates { self.chance.within(0, 1) } else { 0 };
                let ends = [low.saturating_sub(beside), high.saturating_add(beside)];
                let number = *self.chance.pick(&ends);
                self.hidden(scope, number)
            }
            (Ty::F64(_), _) if risky => self.value(scope, &Ty::F64(Reach::Wild), depth),
            (Ty::I64(_), Some((Value::I64(low), Value::I64(high)))) if !tag.saturates && !risky => {
                let tame = tag.ty == Ty::INT;
                let most = if tame { 1 << TAME_BITS } else { i64::MAX };
                let number = self.integer(scope, 63, depth);
                let (low, high) = (low.max(-most), high.min(most - 1));
                Expr::call(tag.ty.clone(), "clamp", vec![number, Expr::int(low), Expr::int(high)])
            }
            (Ty::I64(_), Some(_)) => self.value(scope, &Ty::INT, depth),
            (Ty::F64(_), Some((Value::F64(low), Value::F64(high)))) if !tag.saturates => {
                let number = self.value(scope, &Ty::FLOAT, depth);
                self.called(Ty::FLOAT, "clamp", vec![number, Expr::float(low), Expr::float(high)])
            }
            (Ty::F64(_), Some((_, Value::F64(high)))) if self.chance.percent(25) => {
                // Finite for certain, and beside the range.
                let number = self.value(scope, &Ty::FLOAT, depth);
                let ends = vec![number, Expr::float(high + 1.0), Expr::float(high + 2.5)];
                self.called(Ty::FLOAT, "clamp", ends)
            }
            // Only what is finite may be stored.
            (Ty::F64(_), _) => self.value(scope, &Ty::FLOAT, depth),
            (ty, _) => self.value(scope, ty, depth),
        }
    }

    fn if_statement(&mut self, scope: &mut Scope, depth: u8) -> StatementKind {
        let condition = self.value(scope, &Ty::Bool, depth);
        let effects = scope.effects;
        let count = self.chance.within(1, 2) as usize;
        let then = self.body(scope, count);
        let otherwise = match self.chance.below(4) {
            0 | 1 => None,
            2 => Some(self.body(scope, count)),
            _ => {
                scope.effects = effects;
                match self.if_statement(scope, depth.min(2)) {
                    StatementKind::Expr(inner) => Some(Block::value(inner)),
                    _ => None,
                }
            }
        };
        StatementKind::Expr(Expr::new(Ty::Unit, Kind::If(Box::new(condition), then, otherwise)))
    }

    fn switch_statement(&mut self, scope: &mut Scope, depth: u8) -> StatementKind {
        let (value, patterns) = self.switched(scope, depth.min(2));
        let mut arms = Vec::new();
        for patterns in patterns {
            let guard = self.guard(scope, &value, &patterns);
            let body = Expr::new(Ty::Unit, Kind::Block(self.body(scope, 1)));
            arms.push(Arm { patterns, guard, body });
        }
        let default = self.chance.percent(50).then(|| self.body(scope, 1));
        let default = default.map(|block| Expr::new(Ty::Unit, Kind::Block(block)));
        StatementKind::Expr(Expr::new(Ty::Unit, Kind::Switch(Box::new(Switch { value, arms, default }))))
    }

    /// A loop; its body is paid for as often as it can run.
    fn repeated(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        if scope.loops > 2 || !scope.affords(60) {
            return None;
        }
        let hides = scope.variables.len();
        let made = match self.chance.below(10) {
            0..3 => self.for_range(scope),
            3..6 => self.for_array(scope),
            6 if scope.phase == Phase::Cycle => self.for_tag(scope),
            _ => self.counted(scope),
        };
        scope.variables.truncate(hides);
        made
    }

    fn loop_body(&mut self, scope: &mut Scope, times: u64) -> Block {
        let before = scope.times;
        scope.times *= times.max(1);
        scope.loops += 1;
        let count = self.chance.within(1, 3) as usize;
        let body = self.body(scope, count);
        scope.loops -= 1;
        scope.times = before;
        body
    }

    fn for_range(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let dots = *self.chance.pick(&["..", "..="]);
        let (start, end, times, below) = match self.chance.below(6) {
            0..3 => {
                let end = self.chance.within(1, 5);
                let below = if dots == ".." { end } else { end + 1 };
                (Expr::int(0), Expr::int(end), end + 1, Some(below as u32))
            }
            3 => {
                let start = self.chance.within(-4, 4);
                let end = start + self.chance.within(-2, 4);
                (Expr::int(start), Expr::int(end), 5, None)
            }
            4 => {
                // The last numbers there are: the next one would overflow.
                let start = i64::MAX - self.chance.within(0, 3);
                (Expr::int(start), Expr::int(i64::MAX), 4, None)
            }
            _ => {
                // No bound is ignored here: such a loop would have no end that anybody waits for.
                let risk = std::mem::take(&mut self.risk);
                let ends = (self.integer(scope, 2, 1), self.integer(scope, 2, 2), 9, None);
                self.risk = risk;
                ends
            }
        };
        let extreme = matches!(&start.ty, Ty::I64(Reach::Wild));
        let ty = if extreme { Ty::I64(Reach::Wild) } else { Ty::INT };
        self.for_items(scope, Items::Range(start, dots, end), ty, times as u64, below)
    }

    fn for_array(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let small = |ty: &Ty| matches!(ty, Ty::Array(_, len) if *len < 9) && !ty.holds_block();
        // Over the indices of an array, blocks or not.
        if self.chance.percent(40)
            && let Some(array) =
                self.simple_place(scope, Want::Call, &|ty| matches!(ty, Ty::Array(_, len) if *len < 9))
            && let Ty::Array(_, len) = array.ty
        {
            let end = Expr::field(Ty::INT, array, "len");
            let items = Items::Range(Expr::int(0), "..", end);
            return self.for_items(scope, items, Ty::INT, u64::from(len), Some(len));
        }
        let array = match self.place(scope, Want::Read, &small) {
            Some(array) => array,
            None => {
                let ty = Ty::Array(Ty::INT.into(), 3);
                self.value(scope, &ty, 2)
            }
        };
        let Ty::Array(element, len) = array.ty.clone() else { return None };
        self.for_items(scope, Items::Array(array), (*element).clone(), u64::from(len), None)
    }

    fn for_tag(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let arrays: Vec<crate::world::Named> =
            self.readable.iter().filter(|named| named.len.is_some()).cloned().collect();
        if arrays.is_empty() {
            return None;
        }
        let tag = self.chance.pick(&arrays).clone();
        scope.reads_cycle = true;
        let times = u64::from(tag.len.unwrap_or(1));
        self.for_items(scope, Items::Tag(tag.text.clone()), tag.ty, times, None)
    }

    fn for_items(
        &mut self,
        scope: &mut Scope,
        items: Items,
        ty: Ty,
        times: u64,
        below: Option<u32>,
    ) -> Option<Vec<StatementKind>> {
        let hides = scope.variables.len();
        let variable = if below.is_some() || self.chance.percent(50) {
            self.fresh("i")
        } else {
            (*self.chance.pick(&NAMES)).to_owned()
        };
        let paths_of = paths(&ty);
        scope.variables.push(Variable {
            name: variable.clone(),
            ty,
            paths: paths_of,
            assignable: below.is_none(),
            parts: true,
            below,
        });
        let counter = self.chance.percent(30).then(|| self.fresh("c"));
        if let Some(counter) = &counter {
            scope.variables.push(Variable {
                name: counter.clone(),
                ty: Ty::INT,
                paths: paths(&Ty::INT),
                assignable: false,
                parts: false,
                below: Some(times as u32),
            });
        }
        let body = self.loop_body(scope, times);
        scope.variables.truncate(hides);
        Some(vec![StatementKind::For(For { variable, counter, items, body })])
    }

    /// `while`, `loop` and `do` with a counter that ends them.
    fn counted(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let counter = self.fresh("k");
        let times = self.chance.within(1, 5);
        let name = || Expr::atom(Ty::INT, counter.clone());
        let begin = StatementKind::Let(counter.clone(), Expr::int(0));
        scope.variables.push(Variable {
            name: counter.clone(),
            ty: Ty::INT,
            paths: paths(&Ty::INT),
            assignable: false,
            parts: false,
            // It is counted up first, so that it is at most the number of runs.
            below: Some(times as u32 + 1),
        });
        let step = StatementKind::Assign(name(), Some("+"), Expr::int(1));
        let form = self.chance.below(4);
        let body_first = matches!(form, 1 | 2);
        // How long a `do` goes on without asking its condition, which may be false all the while.
        let unasked = (body_first && self.chance.percent(40)).then(|| self.chance.within(1, times));
        let most = if unasked.is_some() { self.chance.within(0, times) } else { times };
        let mut condition = Expr::binary(Ty::Bool, "<", name(), Expr::int(most));
        if self.chance.percent(40) {
            let more = self.value(scope, &Ty::Bool, 2);
            condition = Expr::binary(Ty::Bool, "&&", condition, more);
        }
        let mut body = self.loop_body(scope, times as u64 + 1);
        body.statements.insert(0, step.into());
        let when = |condition: Expr, kind: StatementKind| {
            let then = Block::of(vec![kind.into()]);
            let branch = Expr::new(Ty::Unit, Kind::If(Box::new(condition), then, None));
            Statement::from(StatementKind::Expr(branch))
        };
        if body_first {
            // In Rhai, `continue` in a `do` goes on without asking the condition.
            let over = Expr::binary(Ty::Bool, ">", name(), Expr::int(times));
            body.statements.insert(1, when(over, StatementKind::Break));
            if let Some(unasked) = unasked {
                let still = Expr::binary(Ty::Bool, "<=", name(), Expr::int(unasked));
                body.statements.insert(2, when(still, StatementKind::Continue));
            }
        }
        let kind = match form {
            0 => StatementKind::While(condition, body),
            1 => StatementKind::Do(body, "while", condition),
            2 => {
                let end = Expr::unary(Ty::Bool, "!", condition);
                StatementKind::Do(body, "until", end)
            }
            _ => {
                let end = Expr::unary(Ty::Bool, "!", condition);
                body.statements.insert(0, when(end, StatementKind::Break));
                StatementKind::Loop(body)
            }
        };
        Some(vec![begin, kind])
    }

    /// Under a condition, out of the loop or of the function.
    fn leaving(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let kind = match self.chance.below(3) {
            0 if scope.loops > 0 => StatementKind::Break,
            1 if scope.loops > 0 => StatementKind::Continue,
            _ if scope.result == Ty::Unit => StatementKind::Return(None),
            _ => {
                let ty = scope.result.clone();
                StatementKind::Return(Some(self.value(scope, &ty, 2)))
            }
        };
        let condition = self.value(scope, &Ty::Bool, 2);
        let joined = self.chance.percent(50);
        let then = Block::of(vec![Statement { kind, joined }]);
        let leave = Expr::new(Ty::Unit, Kind::If(Box::new(condition), then, None));
        Some(vec![StatementKind::Expr(leave)])
    }

    /// A copy, then a change of one of the two: the other must not follow.
    fn copied_and_changed(&mut self, scope: &mut Scope) -> Option<Vec<StatementKind>> {
        let compound =
            |ty: &Ty| matches!(ty, Ty::Array(..) | Ty::Record(_)) && !ty.holds_block() && ty.leaves() < 20;
        let source = self.place(scope, Want::Read, &compound)?;
        let ty = source.ty.clone();
        let name = self.fresh("copy");
        scope.variables.push(Variable {
            name: name.clone(),
            ty: ty.clone(),
            paths: paths(&ty),
            assignable: true,
            parts: true,
            below: None,
        });
        let mut all = vec![StatementKind::Let(name.clone(), source)];
        all.extend(self.assignment(scope, 2)?);
        if let Some(target) = self.place(scope, Want::Write, &|other| *other == ty) {
            all.push(StatementKind::Assign(target, None, Expr::atom(ty, name)));
        }
        Some(all)
    }

    /// An array or record as a whole.
    fn whole_assignment(&mut self, scope: &mut Scope, depth: u8) -> Option<Vec<StatementKind>> {
        let compound =
            |ty: &Ty| matches!(ty, Ty::Array(..) | Ty::Record(_)) && !ty.holds_block() && ty.leaves() < 30;
        let place = self.place(scope, Want::Write, &compound)?;
        let ty = place.ty.clone();
        let value = self.value(scope, &ty, depth);
        Some(vec![StatementKind::Assign(place, None, value)])
    }

    /// To the unit, the alarms, jidoka, a model.
    fn request(&mut self, scope: &mut Scope) -> Vec<StatementKind> {
        let world = self.world;
        let mut calls: Vec<String> = Vec::new();
        if world.unit.is_some() {
            calls.extend(
                ["state_complete", "hold", "suspend", "unsuspend", "stop", "abort", "complete"]
                    .map(|name| format!("{name}()")),
            );
        }
        calls.extend(world.alarms.iter().map(|alarm| format!("alarm(\"{}\")", alarm.name)));
        calls.extend(world.jidoka.iter().map(|jidoka| format!("jidoka(\"{}\")", jidoka.name)));
        calls.extend(world.models.iter().map(|model| format!("ai.{}.request()", model.name)));
        if calls.is_empty() {
            return vec![self.let_statement(scope, 2)];
        }
        (scope.changes, scope.reads_cycle) = (true, true);
        scope.pay(3);
        if self.chance.percent(15) && !world.alarms.is_empty() {
            let (function, names) = match self.chance.below(2) {
                0 => ("alarm", ["oil_low", "hot"]),
                _ => ("jidoka", ["stroke", "timeout"]),
            };
            // A name that is computed; at a risk one that the cell does not have.
            let name = if self.risky() {
                self.value(scope, &Ty::TEXT, 2)
            } else {
                let condition = self.value(scope, &Ty::Bool, 1);
                let [then, otherwise] = names.map(|name| Block::value(Expr::text(name)));
                Expr::new(Ty::TEXT, Kind::If(Box::new(condition), then, Some(otherwise)))
            };
            let known = !matches!(&name.kind, Kind::Atom(text) if text.starts_with('"'));
            if known {
                return vec![StatementKind::Expr(Expr::call(Ty::Unit, function, vec![name]))];
            }
        }
        let call = self.chance.pick(&calls).clone();
        vec![StatementKind::Expr(Expr::atom(Ty::Unit, call))]
    }
}
