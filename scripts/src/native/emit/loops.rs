//! Loops. One whose turns are not paid for in advance charges each of them, and ends when the fuel does.

use super::{Emitter, LoopTargets, Memory, Operand, places::Position};
use crate::{
    hir::{Block, ExprId, Items, LocalId, Type},
    native::effects::{self, in_memory},
};
use cranelift_codegen::ir::{self, InstBuilder, Value as Ssa, condcodes::IntCC, types};

impl Emitter<'_, '_> {
    /// `while`, `loop`, `do`.
    pub(super) fn repeat(
        &mut self,
        at: u32,
        condition: Option<ExprId>,
        body_first: bool,
        until: bool,
        body: &Block,
    ) -> Option<()> {
        self.flush();
        let conditions: Vec<ExprId> = condition.into_iter().collect();
        let touched = self.touched(body, &conditions);
        self.known.forget_all(&touched);
        let known = self.known.clone();
        let (turn, ask, out) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.ins().jump(if body_first { turn } else { ask }, &[]);
        if condition.is_none() || body_first {
            // As in Rhai 1.27: `continue` in a `do` goes on with its body, whatever the condition is.
            let again = if condition.is_none() { ask } else { turn };
            self.turn(at, turn, LoopTargets { again, out }, ask, body);
            self.b.seal_block(ask);
            self.b.switch_to_block(ask);
            self.known.clone_from(&known);
            self.ask(condition, until, turn, out);
            self.b.seal_block(turn);
        } else {
            self.b.switch_to_block(ask);
            self.ask(condition, until, turn, out);
            self.b.seal_block(turn);
            self.turn(at, turn, LoopTargets { again: ask, out }, ask, body);
            self.b.seal_block(ask);
        }
        self.b.seal_block(out);
        self.b.switch_to_block(out);
        self.known = known;
        Some(())
    }

    fn ask(&mut self, condition: Option<ExprId>, until: bool, turn: ir::Block, out: ir::Block) {
        let Some(condition) = condition else {
            self.b.ins().jump(turn, &[]);
            return;
        };
        let (yes, no) = if until { (out, turn) } else { (turn, out) };
        // A condition that does not come back has ended its block.
        let _ = self.branch(condition, yes, no);
    }

    /// The body of a loop, from `turn` to `end`.
    fn turn(&mut self, at: u32, turn: ir::Block, targets: LoopTargets, end: ir::Block, body: &Block) {
        self.b.switch_to_block(turn);
        self.charge_turn(at);
        self.frame.loops.push(targets);
        if self.block(body).is_some() {
            self.flush();
            self.b.ins().jump(end, &[]);
        }
        self.frame.loops.pop();
    }

    /// Charge a turn with what was met in it before, and stop if nothing is left.
    fn charge_turn(&mut self, at: u32) {
        let Some(fuel) = self.fuel.filter(|_| !self.paid) else { return };
        self.pending = self.pending.saturating_add(1);
        self.flush();
        let left = self.b.use_var(fuel);
        self.out_of_fuel(left, at);
    }

    /// `for`.
    pub(super) fn each(
        &mut self,
        at: u32,
        variable: LocalId,
        counter: Option<LocalId>,
        items: &Items,
        body: &Block,
    ) -> Option<()> {
        match items {
            Items::Range { start, end, inclusive } => {
                let range = match (self.integers(*start), self.integers(*end)) {
                    (Some((low, _)), Some((_, high))) => high
                        .checked_sub(i64::from(!*inclusive))
                        .filter(|high| low <= *high)
                        .map(|high| (low, high)),
                    _ => None,
                };
                let short = self.short(variable, items, body);
                let first = self.scalar(*start)?;
                let end = self.scalar(*end)?;
                if let Some(numbers) = short {
                    return self.write_out(at, variable, counter, numbers, body);
                }
                if let Some(range) = range.filter(|_| !self.is_mutable(variable)) {
                    self.frame.ranges.insert(variable, range);
                }
                self.count(at, (first, end, *inclusive), counter, body, |emitter, number| {
                    emitter.bind(variable, Operand::Scalar(number));
                });
            }
            Items::Array(array) => {
                let Type::Array(of) = self.type_of(*array) else { return Some(()) };
                let operand = self.expr(*array)?;
                let changes = effects::of_block(self.frame.function, &self.unit.effects, body);
                let operand = self.keep(operand, self.type_of(*array), changes);
                let from = self.in_memory(operand).address;
                let base = self.pointer(from);
                let (stride, element) = (of.element.size(), of.element.clone());
                self.elements(at, of.len, counter, body, |emitter, position| {
                    let from = super::Address::pointer(base);
                    let from = emitter.element(from, Position::Computed(position), stride, of.len);
                    let operand = match in_memory(&element) {
                        true => Operand::Memory(Memory { address: from, stable: true }),
                        false => Operand::Scalar(emitter.load(&element, from)),
                    };
                    emitter.bind_lasting(variable, operand);
                });
            }
            Items::Tag(tag) => {
                let changes = effects::of_block(self.frame.function, &self.unit.effects, body);
                let (values, len) = self.tag_values(*tag, changes.tags)?;
                let scalar = self.frame.function.local(variable).ty.clone();
                self.elements(at, len, counter, body, |emitter, position| {
                    let from = emitter.element(
                        super::Address::pointer(values),
                        Position::Computed(position),
                        8,
                        len,
                    );
                    let value = emitter.load_tag(&scalar, from);
                    emitter.bind(variable, Operand::Scalar(value));
                });
            }
        }
        Some(())
    }

    /// A short loop, one turn after the other.
    fn write_out(
        &mut self,
        at: u32,
        variable: LocalId,
        counter: Option<LocalId>,
        (first, end): (i64, i64),
        body: &Block,
    ) -> Option<()> {
        // What is known of variables in one turn need not be so in another.
        let ranges = self.frame.ranges.clone();
        for number in first..end {
            self.frame.ranges.clone_from(&ranges);
            self.frame.ranges.insert(variable, (number, number));
            let value = self.b.ins().iconst(types::I64, number);
            self.bind(variable, Operand::Scalar(value));
            if let Some(counter) = counter {
                let count = number.saturating_sub(first);
                if !self.is_mutable(counter) {
                    self.frame.ranges.insert(counter, (count, count));
                }
                let turn = self.b.ins().iconst(types::I64, count);
                self.bind(counter, Operand::Scalar(turn));
            }
            self.charge_turn(at);
            self.block(body)?;
        }
        self.frame.ranges = ranges;
        Some(())
    }

    /// Run through the positions of an array.
    fn elements(
        &mut self,
        at: u32,
        len: u32,
        counter: Option<LocalId>,
        body: &Block,
        bind: impl FnMut(&mut Self, Ssa),
    ) {
        let (first, last) =
            (self.b.ins().iconst(types::I64, 0), self.b.ins().iconst(types::I64, i64::from(len)));
        if let Some(counter) = counter.filter(|counter| !self.is_mutable(*counter)) {
            self.frame.ranges.insert(counter, (0, i64::from(len.saturating_sub(1))));
        }
        self.count(at, (first, last, false), counter, body, bind);
    }

    /// Count from `first` to `end`.
    fn count(
        &mut self,
        at: u32,
        (first, end, inclusive): (Ssa, Ssa, bool),
        counter: Option<LocalId>,
        body: &Block,
        mut bind: impl FnMut(&mut Self, Ssa),
    ) {
        self.flush();
        let touched = self.touched(body, &[]);
        self.known.forget_all(&touched);
        let known = self.known.clone();
        let (turn, again, out) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let number = self.b.declare_var(types::I64);
        self.b.def_var(number, first);
        let turns = self.b.declare_var(types::I64);
        if counter.is_some() {
            let zero = self.b.ins().iconst(types::I64, 0);
            self.b.def_var(turns, zero);
        }
        let how = if inclusive { IntCC::SignedLessThanOrEqual } else { IntCC::SignedLessThan };
        let any = self.b.ins().icmp(how, first, end);
        self.b.ins().brif(any, turn, &[], out, &[]);
        self.b.switch_to_block(turn);
        let present = self.b.use_var(number);
        bind(self, present);
        if let Some(counter) = counter {
            let present = self.b.use_var(turns);
            self.bind(counter, Operand::Scalar(present));
        }
        self.turn_on(at, again, out, body);
        self.b.seal_block(again);
        self.b.switch_to_block(again);
        // The number at hand is below the end, so that one more is a number; with `..=` that is asked before.
        let present = self.b.use_var(number);
        let next = self.b.ins().iadd_imm(present, 1);
        self.b.def_var(number, next);
        if counter.is_some() {
            let present = self.b.use_var(turns);
            let next = self.b.ins().iadd_imm(present, 1);
            self.b.def_var(turns, next);
        }
        let last = if inclusive { present } else { next };
        let more = self.b.ins().icmp(IntCC::SignedLessThan, last, end);
        self.b.ins().brif(more, turn, &[], out, &[]);
        self.b.seal_block(turn);
        self.b.seal_block(out);
        self.b.switch_to_block(out);
        self.known = known;
    }

    /// [`Emitter::turn`] in a block that is open already.
    fn turn_on(&mut self, at: u32, again: ir::Block, out: ir::Block, body: &Block) {
        self.charge_turn(at);
        self.frame.loops.push(LoopTargets { again, out });
        if self.block(body).is_some() {
            self.flush();
            self.b.ins().jump(again, &[]);
        }
        self.frame.loops.pop();
    }
}
