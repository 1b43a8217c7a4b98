//! Texts: eight words, of which the first holds the length and seven bytes. Unused bytes are zero, so texts are equal
//! exactly when their words are, and a short one is told by its first.

use super::{Address, Emitter, Operand};
use crate::{hir::SymbolId, layout::SYMBOL_SIZE, native::names::symbol_bytes};
use cranelift_codegen::ir::{ConstantData, InstBuilder, Value as Ssa, condcodes::IntCC, types};

const WORDS: u32 = SYMBOL_SIZE / 8;

impl Emitter<'_, '_> {
    /// The words of a known text that tell it from all others.
    pub(super) fn telling_words(&self, symbol: SymbolId) -> Vec<i64> {
        let text = self.unit.hir.symbol(symbol);
        let bytes = symbol_bytes(text).unwrap_or([0; SYMBOL_SIZE as usize]);
        let words = (text.len() + 1).div_ceil(8);
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, i64::from_le_bytes);
        bytes.chunks_exact(8).take(words).map(word).collect()
    }

    /// A word of a text in memory.
    pub(super) fn symbol_word(&mut self, symbol: Address, word: u32) -> Ssa {
        self.load_bits(types::I64, symbol.plus(8 * word), false)
    }

    /// True if two texts are the same.
    pub(super) fn symbols_equal(&mut self, left: Operand, right: Operand) -> Ssa {
        match (left, right) {
            (Operand::Symbol(left), Operand::Symbol(right)) => {
                let same = self.unit.hir.symbol(left) == self.unit.hir.symbol(right);
                self.b.ins().iconst(types::I8, i64::from(same))
            }
            (Operand::Symbol(known), other) | (other, Operand::Symbol(known)) => {
                let address = self.in_memory(other).address;
                self.is_symbol(address, known)
            }
            (left, right) => {
                let (left, right) = (self.in_memory(left).address, self.in_memory(right).address);
                let mut differ = None;
                for word in 0..WORDS {
                    let (a, b) = (self.symbol_word(left, word), self.symbol_word(right, word));
                    let odd = self.b.ins().bxor(a, b);
                    differ = Some(match differ {
                        Some(before) => self.b.ins().bor(before, odd),
                        None => odd,
                    });
                }
                self.is_zero(differ)
            }
        }
    }

    /// True if a text in memory is a known one.
    pub(super) fn is_symbol(&mut self, address: Address, known: SymbolId) -> Ssa {
        let words = self.telling_words(known);
        if let [only] = words.as_slice() {
            let word = self.symbol_word(address, 0);
            return self.b.ins().icmp_imm(IntCC::Equal, word, *only);
        }
        let mut differ = None;
        for (place, expected) in (0..).zip(words) {
            let word = self.symbol_word(address, place);
            let odd = self.b.ins().bxor_imm(word, expected);
            differ = Some(match differ {
                Some(before) => self.b.ins().bor(before, odd),
                None => odd,
            });
        }
        self.is_zero(differ)
    }

    fn is_zero(&mut self, value: Option<Ssa>) -> Ssa {
        match value {
            Some(value) => self.b.ins().icmp_imm(IntCC::Equal, value, 0),
            None => self.b.ins().iconst(types::I8, 1),
        }
    }

    /// Store a known text.
    pub(super) fn store_symbol(&mut self, symbol: SymbolId, to: Address) {
        let bytes = symbol_bytes(self.unit.hir.symbol(symbol)).unwrap_or([0; SYMBOL_SIZE as usize]);
        self.stored(to, SYMBOL_SIZE);
        for (place, part) in (0..).zip(bytes.chunks_exact(16)) {
            let constant = self.b.func.dfg.constants.insert(ConstantData::from(part));
            let part = self.b.ins().vconst(types::I8X16, constant);
            self.store_part(part, to.plus(16 * place), false);
        }
        let first = self.telling_words(symbol).first().copied().unwrap_or(0);
        let first = self.b.ins().iconst(types::I64, first);
        self.remember(types::I64, to, first);
    }
}
