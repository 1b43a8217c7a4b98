//! Loops: what holds whenever one begins anew, and how often it does.

use super::{Around, Flow, counting::Ended};
use crate::{
    hir::{
        Block, Expr, ExprId, ExprKind, Items, LocalId, Type,
        walk::{self, Node},
    },
    ranges::{
        effects::Effects,
        facts::Turns,
        int::IntRange,
        paths::{Base, Part, Path},
        state::State,
        value::{Known, Shape, Thresholds},
    },
};

/// Rounds in which what holds may simply grow; then it is widened.
const PLAIN_ROUNDS: usize = 2;

/// Rounds in which it stops at numbers of the program.
const THRESHOLD_ROUNDS: usize = 3;

/// Rounds after which places that still change are given up.
const ROUNDS_MAX: usize = 10;

/// Rounds in which what was widened too far is taken back.
const NARROWING_ROUNDS: usize = 2;

/// A loop that was settled.
struct Settled {
    /// What holds whenever it begins anew.
    head: State,
    /// Where it was left by `break`.
    breaks: Option<State>,
    /// How often it turns at most.
    turns: Option<u64>,
}

impl Flow<'_, '_> {
    /// Settle a loop: find what holds whenever it begins anew, then follow it once more from there. `turn` follows the body
    /// from the point at hand; where it ends is where the loop begins anew. At the end the point at hand is that of the
    /// last turn's end.
    fn settle(&mut self, ended: Ended, body: &Block, turn: &mut dyn FnMut(&mut Self)) -> Settled {
        let entry = self.state.clone();
        let recording = std::mem::replace(&mut self.recording, false);
        let returned = self.returned.clone();
        let mut head = entry.clone();
        let mut turns = if let Ended::Counted { turns, .. } = ended { turns } else { None };
        if self.analysis.is_exhausted() {
            self.forget_changed(&mut head, ended, body);
        } else {
            let thresholds = self.numbers(ended, body);
            for round in 0.. {
                let (next, _) = self.round(&entry, &head, turn);
                if head.includes(&next) {
                    break;
                }
                if round >= ROUNDS_MAX {
                    head.join(&next);
                    self.forget_changed(&mut head, ended, body);
                    break;
                }
                if round < PLAIN_ROUNDS {
                    head.join(&next);
                } else {
                    let near = round < PLAIN_ROUNDS + THRESHOLD_ROUNDS;
                    head.widen(&next, if near { &thresholds } else { &self.analysis.ends });
                }
            }
            // What holds at the start of one turn and is kept by it holds at the start of the next.
            for _ in 0..NARROWING_ROUNDS {
                let (next, _) = self.round(&entry, &head, turn);
                if next == head {
                    break;
                }
                head = next;
            }
            // What was evaluated in the last round holds in every turn.
            let sums = self.sums(ended, body);
            turns = self.turns_of(ended, &entry, &sums).filter(|_| !self.goes_on_unasked(ended, body));
            if let Some(turns) = turns {
                let asked_first = matches!(ended, Ended::Asked { body_first: false, .. });
                let before = if asked_first { turns } else { turns.saturating_sub(1) };
                self.limit_sums(&mut head, &entry, &sums, before);
            }
        }
        self.recording = recording;
        self.returned = returned;
        self.loops.push(Around::default());
        self.resume(Some(head.clone()));
        turn(self);
        let around = self.loops.pop().unwrap_or_default();
        self.join(around.continues);
        Settled { head, breaks: around.breaks, turns }
    }

    /// One turn from `head`: what holds when the loop begins the next one, or the first.
    fn round(
        &mut self,
        entry: &State,
        head: &State,
        turn: &mut dyn FnMut(&mut Self),
    ) -> (State, Option<State>) {
        self.loops.push(Around::default());
        self.resume(Some(head.clone()));
        turn(self);
        let around = self.loops.pop().unwrap_or_default();
        self.join(around.continues);
        self.join(Some(entry.clone()));
        (std::mem::take(&mut self.state), around.breaks)
    }

    /// Numbers that stand in a loop.
    fn numbers(&self, ended: Ended, body: &Block) -> Thresholds {
        let mut numbers = Vec::new();
        let mut note = |node: Node<'_>| {
            if let Node::Expr(Expr { kind: ExprKind::Literal(value), .. }) = node {
                numbers.push(*value);
            }
        };
        if let Ended::Asked { condition: Some(condition), .. } = ended {
            walk::expr(self.function, condition, &mut note);
        }
        walk::block(self.function, body, &mut note);
        Thresholds::new(numbers.into_iter())
    }

    /// Forget what a loop may change, without following it.
    fn forget_changed(&mut self, head: &mut State, ended: Ended, body: &Block) {
        let mut effects = Effects::of_block(self.function, body, &self.analysis.effects);
        if let Ended::Asked { condition: Some(condition), .. } = ended {
            effects.add_expr(self.function, condition, &self.analysis.effects);
        }
        for path in effects.paths() {
            head.forget(&path, &self.analysis.paths);
            if let (Base::Local(local), true) = (path.base, path.parts.is_empty()) {
                head.forget_elements_by(local, &self.analysis.paths);
            }
        }
    }

    fn note_turns(&mut self, start: u32, turns: Turns) {
        if let Some(facts) = self.facts() {
            facts.turns(start, turns);
        }
    }

    pub(super) fn repeat_while(
        &mut self,
        start: u32,
        condition: Option<ExprId>,
        body_first: bool,
        until: bool,
        body: &Block,
    ) {
        // Where the condition ends the loop, in the turn followed last.
        let mut left = None;
        let mut turn = |flow: &mut Self| {
            left = None;
            if body_first {
                // As in Rhai 1.27: `continue` in a `do` goes on with its body, and does not ask.
                flow.block(body);
            }
            if let (true, Some(condition)) = (flow.alive, condition) {
                flow.scalar(condition);
                let asked = flow.point();
                flow.assume(condition, until);
                left = flow.point();
                flow.resume(asked);
                flow.assume(condition, !until);
            }
            if !body_first {
                flow.block(body);
            }
        };
        let ended = Ended::Asked { condition, body_first, until };
        let settled = self.settle(ended, body, &mut turn);
        self.note_turns(start, Turns { least: u64::from(body_first), most: settled.turns });
        self.resume(left);
        self.join(settled.breaks);
    }

    pub(super) fn repeat_for(
        &mut self,
        start: u32,
        variable: LocalId,
        counter: Option<LocalId>,
        items: &Items,
        body: &Block,
    ) {
        let (item, turns) = match items {
            Items::Range { start, end, inclusive } => {
                let (start, end) = (self.int(*start), self.int(*end));
                let (item, turns) = counted(start, end, *inclusive);
                (item.map(|item| Shape::Scalar(Known::Int(item))), turns)
            }
            Items::Array(array) => {
                let shape = self.expr(*array);
                let len = match &self.function.expr(*array).ty {
                    Type::Array(array) => Some(u64::from(array.len)),
                    _ => None,
                };
                let element = if let Shape::Array(element) = shape { *element } else { Shape::Any };
                (Some(element), Turns { least: len.unwrap_or(0), most: len })
            }
            Items::Tag(tag) => {
                let len = u64::from(self.analysis.outside.len(*tag));
                let ty = &self.function.local(variable).ty;
                let element = self.known(&Path::base(Base::Tag(*tag)).with(Part::Each), ty);
                (Some(element.map_or(Shape::Any, Shape::Scalar)), Turns { least: len, most: Some(len) })
            }
        };
        if !self.alive {
            return;
        }
        self.note_turns(start, turns);
        let Some(item) = item else { return };
        let last =
            turns.most.and_then(|most| i64::try_from(most).ok()).map_or(i64::MAX, |most| most.max(1) - 1);
        let mut turn = |flow: &mut Self| {
            flow.set_local(variable, &item);
            if let Some(counter) = counter {
                flow.set_local(counter, &Shape::Scalar(Known::Int(IntRange::between(0, last))));
            }
            flow.block(body);
        };
        let settled = self.settle(Ended::Counted { turns: turns.most, variable, counter }, body, &mut turn);
        if turns.least == 0 {
            self.join(Some(settled.head));
        }
        self.join(settled.breaks);
        let declared: Vec<LocalId> = [Some(variable), counter].into_iter().flatten().collect();
        self.state.end(&declared, &self.analysis.paths);
    }
}

/// Numbers that a range of numbers runs through, and how many.
pub(super) fn counted(start: IntRange, end: IntRange, inclusive: bool) -> (Option<IntRange>, Turns) {
    let count = |start: i64, end: i64| {
        let count = i128::from(end) - i128::from(start) + i128::from(inclusive);
        u64::try_from(count.max(0)).unwrap_or(u64::MAX)
    };
    let turns = Turns { least: count(start.high(), end.low()), most: Some(count(start.low(), end.high())) };
    let last = if inclusive { Some(end.high()) } else { end.high().checked_sub(1) };
    (last.and_then(|last| IntRange::new(start.low(), last)), turns)
}
