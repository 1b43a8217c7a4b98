//! `switch`, by the rules that `hir::Switch` tells.

use super::{Emitter, Operand, known::Known};
use crate::hir::{Arm, ExprId, Pattern, Switch, SymbolId, Type};
use cranelift_codegen::ir::{self, InstBuilder, Value as Ssa, condcodes::IntCC, types};
use cranelift_frontend::Switch as Jumps;
use sensai_model::Value;
use std::collections::BTreeMap;

impl Emitter<'_, '_> {
    pub(super) fn switch(&mut self, ty: &Type, switch: &Switch) -> Option<Operand> {
        let value = self.expr(switch.value)?;
        self.flush();
        let mut meeting = self.meeting(ty);
        let default = self.b.create_block();
        let bodies: Vec<ir::Block> = switch.arms.iter().map(|_| self.b.create_block()).collect();
        let known = self.known.clone();
        let mut arms = Arms { arms: &switch.arms, bodies: &bodies, default, chains: BTreeMap::new(), known };
        match value {
            Operand::Scalar(value) => self.jump_by_number(&mut arms, value),
            text => self.jump_by_text(&mut arms, text),
        }
        for (arm, block) in switch.arms.iter().zip(&bodies) {
            self.b.seal_block(*block);
            self.b.switch_to_block(*block);
            self.known.clone_from(&arms.known);
            self.arm_body(arm.body, &mut meeting);
        }
        self.b.seal_block(default);
        self.b.switch_to_block(default);
        self.known = arms.known;
        match switch.default {
            Some(body) => self.arm_body(body, &mut meeting),
            None => self.arrive(&mut meeting, Operand::Unit),
        }
        self.meet(meeting)
    }

    fn arm_body(&mut self, body: ExprId, meeting: &mut super::branches::Meeting) {
        if let Some(value) = self.expr(body) {
            self.arrive(meeting, value);
        }
    }

    fn jump_by_number(&mut self, arms: &mut Arms<'_>, value: Ssa) {
        let mut named: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        let mut ranges: Vec<(i64, i64, usize)> = Vec::new();
        for (place, arm) in arms.arms.iter().enumerate() {
            for pattern in &arm.patterns {
                match pattern {
                    Pattern::Scalar(Value::I64(number)) => named.entry(*number).or_default().push(place),
                    Pattern::Scalar(Value::Bool(bit)) => {
                        named.entry(i64::from(*bit)).or_default().push(place);
                    }
                    Pattern::Range(low, high) if low <= high => ranges.push((*low, *high, place)),
                    _ => {}
                }
            }
        }
        let wide = match self.b.func.dfg.value_type(value) {
            types::I64 => value,
            _ => self.b.ins().uextend(types::I64, value),
        };
        let other = if ranges.is_empty() { arms.default } else { self.b.create_block() };
        let mut jumps = Jumps::new();
        for (number, places) in named {
            let chain = arms.chain(self, places);
            jumps.set_entry(u128::from(number.cast_unsigned()), chain);
        }
        jumps.emit(&mut self.b, wide, other);
        self.guards(arms, other);
        if other == arms.default {
            return;
        }
        self.b.seal_block(other);
        self.b.switch_to_block(other);
        // Ranges are asked one after the other; a guard that does not hold leads on to the next.
        for (low, high, place) in ranges {
            let next = self.b.create_block();
            let inside = self.is_between(wide, low, high);
            let fits = arms.guard_or_body(self, place);
            self.b.ins().brif(inside, fits, &[], next, &[]);
            if fits != arms.body(place) {
                self.b.seal_block(fits);
                self.b.switch_to_block(fits);
                self.guard(arms, place, next);
            }
            self.b.seal_block(next);
            self.b.switch_to_block(next);
        }
        self.b.ins().jump(arms.default, &[]);
    }

    fn is_between(&mut self, value: Ssa, low: i64, high: i64) -> Ssa {
        let from_low = self.b.ins().iadd_imm(value, low.wrapping_neg());
        self.b.ins().icmp_imm(IntCC::UnsignedLessThanOrEqual, from_low, high.wrapping_sub(low))
    }

    fn jump_by_text(&mut self, arms: &mut Arms<'_>, text: Operand) {
        let mut named: BTreeMap<SymbolId, Vec<usize>> = BTreeMap::new();
        for (place, arm) in arms.arms.iter().enumerate() {
            for pattern in &arm.patterns {
                if let Pattern::Symbol(symbol) = pattern {
                    named.entry(*symbol).or_default().push(place);
                }
            }
        }
        if let Operand::Symbol(known) = text {
            let text = self.unit.hir.symbol(known);
            let places = named.into_iter().find(|(symbol, _)| self.unit.hir.symbol(*symbol) == text);
            let to = places.map_or(arms.default, |(_, places)| arms.chain(self, places));
            self.b.ins().jump(to, &[]);
            self.guards(arms, arms.default);
            return;
        }
        let address = self.in_memory(text).address;
        let mut by_word: BTreeMap<i64, Vec<(Vec<i64>, ir::Block)>> = BTreeMap::new();
        for (symbol, places) in named {
            let words = self.telling_words(symbol);
            let chain = arms.chain(self, places);
            by_word.entry(words.first().copied().unwrap_or(0)).or_default().push((words, chain));
        }
        let first = self.symbol_word(address, 0);
        let mut jumps = Jumps::new();
        let mut longer = Vec::new();
        for (word, texts) in by_word {
            let to = match texts.as_slice() {
                [(words, chain)] if words.len() == 1 => *chain,
                _ => {
                    let block = self.b.create_block();
                    longer.push((block, texts));
                    block
                }
            };
            jumps.set_entry(u128::from(word.cast_unsigned()), to);
        }
        jumps.emit(&mut self.b, first, arms.default);
        for (block, texts) in longer {
            self.b.seal_block(block);
            self.b.switch_to_block(block);
            self.known.clone_from(&arms.known);
            for (words, chain) in texts {
                let mut differ = self.b.ins().iconst(types::I64, 0);
                for (place, word) in (0..).zip(words).skip(1) {
                    let found = self.symbol_word(address, place);
                    let odd = self.b.ins().bxor_imm(found, word);
                    differ = self.b.ins().bor(differ, odd);
                }
                let next = self.b.create_block();
                self.b.ins().brif(differ, next, &[], chain, &[]);
                self.b.seal_block(next);
                self.b.switch_to_block(next);
            }
            self.b.ins().jump(arms.default, &[]);
        }
        self.guards(arms, arms.default);
    }

    /// The guards of arms that name a value: the first one that holds, else on to `otherwise`.
    fn guards(&mut self, arms: &mut Arms<'_>, otherwise: ir::Block) {
        for (places, start) in std::mem::take(&mut arms.chains) {
            self.b.seal_block(start);
            self.b.switch_to_block(start);
            let mut open = true;
            for place in places {
                let next = self.b.create_block();
                self.guard(arms, place, next);
                self.b.seal_block(next);
                self.b.switch_to_block(next);
                if arms.arms.get(place).is_none_or(|arm| arm.guard.is_none()) {
                    open = false;
                    break;
                }
            }
            let end = if open { otherwise } else { self.failed };
            self.b.ins().jump(end, &[]);
        }
    }

    /// To the body of an arm if its guard holds, else to `next`.
    fn guard(&mut self, arms: &mut Arms<'_>, place: usize, next: ir::Block) {
        let body = arms.body(place);
        match arms.arms.get(place).and_then(|arm| arm.guard) {
            Some(guard) => {
                self.known.clone_from(&arms.known);
                // A guard that does not come back has ended its block.
                let _ = self.branch(guard, body, next);
                // It may have been asked on the way to any of the bodies.
                arms.known.meet(&self.known);
            }
            None => {
                self.b.ins().jump(body, &[]);
            }
        }
    }
}

struct Arms<'a> {
    arms: &'a [Arm],
    bodies: &'a [ir::Block],
    default: ir::Block,
    /// Arms that name the same value, and the block where their guards are asked.
    chains: BTreeMap<Vec<usize>, ir::Block>,
    /// What is known whichever guards were asked.
    known: Known,
}

impl Arms<'_> {
    fn body(&self, place: usize) -> ir::Block {
        self.bodies.get(place).copied().unwrap_or(self.default)
    }

    /// Where to go for a value that these arms name.
    fn chain(&mut self, emitter: &mut Emitter<'_, '_>, places: Vec<usize>) -> ir::Block {
        if let Some(first) = places.first()
            && self.arms.get(*first).is_some_and(|arm| arm.guard.is_none())
        {
            return self.body(*first);
        }
        *self.chains.entry(places).or_insert_with(|| emitter.b.create_block())
    }

    /// Where to go for a value that is in the range of an arm.
    fn guard_or_body(&self, emitter: &mut Emitter<'_, '_>, place: usize) -> ir::Block {
        match self.arms.get(place).is_some_and(|arm| arm.guard.is_some()) {
            true => emitter.b.create_block(),
            false => self.body(place),
        }
    }
}
