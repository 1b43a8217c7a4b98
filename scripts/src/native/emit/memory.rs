//! Addresses, loads and stores, copies, and room for values that are not in the state.

use super::{Emitter, Memory, Operand, Slot, constant_flags};
use crate::{
    hir::{LocalId, SymbolId, Type},
    native::{context::at, effects::Effects, names::symbol_bytes, shims::Shim},
};
use cranelift_codegen::ir::{
    self, InstBuilder, MemFlags, StackSlot, StackSlotData, StackSlotKind, Value as Ssa, condcodes::FloatCC,
    types,
};
use sensai_model::value::CANONICAL_NAN;

/// Larger values are not kept on the stack.
const STACK_MAX: u32 = 512;
/// Longer copies are made by a call.
const UNROLLED_MAX: u32 = 256;

/// Where something lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Address {
    pub base: Base,
    pub offset: i32,
    /// Part of the state in which a computed address lies: from, to.
    pub within: Option<(i32, i32)>,
}

/// What an offset is from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Base {
    Pointer(Ssa),
    Stack(StackSlot),
    /// Texts and tables of the program.
    Constants,
    /// Room for what is large and not in the state.
    Scratch,
}

/// Stack slots for values that are used up by the end of a statement.
#[derive(Debug, Default)]
pub(super) struct Temporaries {
    free: Vec<(u32, StackSlot)>,
    used: Vec<(u32, StackSlot)>,
}

impl Address {
    pub fn new(base: Base, offset: i32) -> Self {
        Self { base, offset, within: None }
    }

    pub fn pointer(pointer: Ssa) -> Self {
        Self::new(Base::Pointer(pointer), 0)
    }

    /// A pointer to what is not in the state.
    pub fn apart(pointer: Ssa) -> Self {
        Self { within: Some((0, 0)), ..Self::pointer(pointer) }
    }

    pub fn plus(self, bytes: u32) -> Self {
        Self { offset: self.offset.saturating_add_unsigned(bytes), ..self }
    }
}

impl Emitter<'_, '_> {
    /// The address as a value and what is to be added to it.
    pub(super) fn base(&mut self, address: Address) -> (Ssa, i32) {
        match address.base {
            Base::Pointer(pointer) => (pointer, address.offset),
            Base::Stack(slot) => (self.b.ins().stack_addr(types::I64, slot, address.offset), 0),
            Base::Constants => {
                let base = self.b.ins().load(types::I64, constant_flags(), self.context, at::CONSTANTS);
                (base, address.offset)
            }
            Base::Scratch => {
                let base = self.b.ins().load(types::I64, constant_flags(), self.context, at::SCRATCH);
                (base, address.offset)
            }
        }
    }

    /// The address as a value.
    pub(super) fn pointer(&mut self, address: Address) -> Ssa {
        match self.base(address) {
            (base, 0) => base,
            (base, offset) => self.b.ins().iadd_imm(base, i64::from(offset)),
        }
    }

    /// Load bits of any type; `aligned` to its size.
    pub(super) fn load_bits(&mut self, ty: ir::Type, address: Address, aligned: bool) -> Ssa {
        if let Some(known) = self.recall(ty, address) {
            return known;
        }
        let value = self.load_part(ty, address, aligned);
        self.remember(ty, address, value);
        value
    }

    fn load_part(&mut self, ty: ir::Type, address: Address, aligned: bool) -> Ssa {
        let (base, offset) = self.base(address);
        let flags = match (address.base, aligned) {
            (Base::Constants, _) => constant_flags(),
            (_, true) => MemFlags::trusted(),
            (_, false) => MemFlags::new().with_notrap(),
        };
        self.b.ins().load(ty, flags, base, offset)
    }

    pub(super) fn store_bits(&mut self, value: Ssa, address: Address, aligned: bool) {
        let ty = self.b.func.dfg.value_type(value);
        self.store_part(value, address, aligned);
        self.stored(address, ty.bytes());
        self.remember(ty, address, value);
    }

    pub(super) fn store_part(&mut self, value: Ssa, address: Address, aligned: bool) {
        let (base, offset) = self.base(address);
        let flags = if aligned { MemFlags::trusted() } else { MemFlags::new().with_notrap() };
        self.b.ins().store(flags, value, base, offset);
    }

    /// Load a scalar from the state, or from an array or record elsewhere.
    pub(super) fn load(&mut self, ty: &Type, address: Address) -> Ssa {
        match ty {
            Type::Bool => {
                let value = self.load_bits(types::I8, address, true);
                self.bits.insert(value);
                value
            }
            Type::F64 => {
                let value = self.load_bits(types::F64, address, true);
                self.canonical.insert(value);
                value
            }
            _ => self.load_bits(types::I64, address, true),
        }
    }

    /// Store a scalar. There is one NaN in memory.
    pub(super) fn store(&mut self, value: Ssa, address: Address) {
        let value = self.canonical(value);
        self.store_bits(value, address, true);
    }

    /// The value with the canonical NaN.
    pub(super) fn canonical(&mut self, value: Ssa) -> Ssa {
        if self.b.func.dfg.value_type(value) != types::F64 || self.canonical.contains(&value) {
            return value;
        }
        let odd = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        let nan = self.b.ins().f64const(CANONICAL_NAN);
        let result = self.b.ins().select(odd, nan, value);
        self.canonical.insert(result);
        result
    }

    /// Where a known text is.
    pub(super) fn symbol_address(&mut self, symbol: SymbolId) -> Address {
        let constants = &mut self.out.constants;
        let text = self.unit.hir.symbol(symbol);
        let offset = *self.out.symbols.entry(symbol).or_insert_with(|| {
            let offset = constants.len() as u32;
            // `compile` has refused texts that are too long.
            constants.extend(symbol_bytes(text).unwrap_or([0; crate::layout::SYMBOL_SIZE as usize]));
            offset
        });
        Address::new(Base::Constants, offset.cast_signed())
    }

    /// A value in memory.
    pub(super) fn in_memory(&mut self, operand: Operand) -> Memory {
        match operand {
            Operand::Memory(memory) => memory,
            Operand::Symbol(symbol) => Memory { address: self.symbol_address(symbol), stable: true },
            // Types are checked, so this is not met; constants are there and do no harm.
            Operand::Unit | Operand::Scalar(_) => {
                Memory { address: Address::new(Base::Constants, 0), stable: true }
            }
        }
    }

    /// See to it that `operand` stays what it is while something with these effects is evaluated.
    pub(super) fn keep(&mut self, operand: Operand, ty: &Type, effects: Effects) -> Operand {
        match operand {
            Operand::Memory(memory) if !memory.stable && effects.memory => {
                let address = self.temporary(ty);
                self.copy(ty, memory.address, address);
                Operand::Memory(Memory { address, stable: true })
            }
            other => other,
        }
    }

    /// Copy a value from one place to another, which is the same or apart.
    pub(super) fn copy(&mut self, ty: &Type, from: Address, to: Address) {
        let bytes = ty.size();
        if from == to || bytes == 0 {
            return;
        }
        self.stored(to, bytes);
        if bytes > UNROLLED_MAX {
            let (from, to) = (self.pointer(from), self.pointer(to));
            let bytes = self.b.ins().iconst(types::I64, i64::from(bytes));
            self.call_shim(Shim::Copy, &[to, from, bytes], None);
            return;
        }
        // Fields are stored one by one: a processor that is to load two of them at once has to wait for its stores.
        let widest = if matches!(ty, Type::Symbol) { 16 } else { 8 };
        let mut at = 0;
        while at < bytes {
            let (ty, size) = match (bytes - at).min(widest) {
                16.. => (types::I8X16, 16),
                8.. => (types::I64, 8),
                4.. => (types::I32, 4),
                2.. => (types::I16, 2),
                _ => (types::I8, 1),
            };
            let part = self.load_part(ty, from.plus(at), false);
            self.store_part(part, to.plus(at), false);
            at += size;
        }
    }

    /// Fill with zeros.
    pub(super) fn clear(&mut self, bytes: u32, to: Address) {
        self.stored(to, bytes);
        let mut at = 0;
        while at < bytes {
            let (ty, size) = match bytes - at {
                8.. => (types::I64, 8),
                4.. => (types::I32, 4),
                2.. => (types::I16, 2),
                _ => (types::I8, 1),
            };
            let zero = self.b.ins().iconst(ty, 0);
            self.store_part(zero, to.plus(at), false);
            at += size;
        }
    }

    /// Room for a value until the statement at hand is over.
    pub(super) fn temporary(&mut self, ty: &Type) -> Address {
        let bytes = ty.size();
        if bytes > STACK_MAX {
            return self.scratch(bytes);
        }
        let free = &mut self.temporaries.free;
        let slot = match free.iter().position(|(size, _)| *size >= bytes && *size <= bytes.saturating_mul(2))
        {
            Some(place) => free.swap_remove(place),
            None => (bytes, self.stack(bytes)),
        };
        self.temporaries.used.push(slot);
        Address::new(Base::Stack(slot.1), 0)
    }

    /// Begin a statement: what it takes is free again after [`Emitter::release`].
    pub(super) fn mark(&self) -> usize {
        self.temporaries.used.len()
    }

    pub(super) fn release(&mut self, mark: usize) {
        let temporaries = &mut self.temporaries;
        temporaries.free.extend(temporaries.used.drain(mark.min(temporaries.used.len())..));
    }

    /// Room for a value for good.
    pub(super) fn room(&mut self, bytes: u32) -> Address {
        if bytes > STACK_MAX {
            return self.scratch(bytes);
        }
        Address::new(Base::Stack(self.stack(bytes)), 0)
    }

    fn stack(&mut self, bytes: u32) -> StackSlot {
        self.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes.max(1), 4))
    }

    /// There is no recursion, so that everything large has a place of its own.
    fn scratch(&mut self, bytes: u32) -> Address {
        let offset = self.out.scratch.next_multiple_of(16);
        self.out.scratch = offset.saturating_add(bytes);
        Address::new(Base::Scratch, offset.cast_signed())
    }

    /// Give a variable its first value. It is used where it lies only if that is known to last: behind a pointer may be
    /// what one of several paths made for the statement at hand, or a part of it.
    pub(super) fn bind(&mut self, local: LocalId, operand: Operand) {
        let operand = match operand {
            Operand::Memory(memory) if matches!(memory.address.base, Base::Pointer(_)) => {
                Operand::Memory(Memory { stable: false, ..memory })
            }
            operand => operand,
        };
        self.bind_lasting(local, operand);
    }

    /// The same with what lasts as long as the variable does.
    pub(super) fn bind_lasting(&mut self, local: LocalId, operand: Operand) {
        let mutable = self.is_mutable(local);
        let declared = self.frame.function.local(local);
        let slot = match operand {
            Operand::Unit => Slot::Unset,
            Operand::Scalar(value) => {
                let variable = match self.frame.locals.get(local.index()) {
                    Some(Slot::Scalar(variable)) => *variable,
                    _ => self.b.declare_var(self.b.func.dfg.value_type(value)),
                };
                self.b.def_var(variable, value);
                Slot::Scalar(variable)
            }
            Operand::Symbol(symbol) if !mutable => Slot::Symbol(symbol),
            Operand::Memory(memory) if !mutable && memory.stable && !self.is_temporary(memory.address) => {
                Slot::Memory(memory)
            }
            operand => {
                let address = self.own_room(local);
                let from = self.in_memory(operand).address;
                self.copy(&declared.ty, from, address);
                // What the function itself assigns to is changed under the feet of whoever uses it.
                Slot::Memory(Memory { address, stable: !mutable })
            }
        };
        if let Some(place) = self.frame.locals.get_mut(local.index()) {
            *place = slot;
        }
    }

    /// Room that belongs to a variable.
    pub(super) fn own_room(&mut self, local: LocalId) -> Address {
        let ty = &self.frame.function.local(local).ty;
        self.room(ty.size())
    }

    fn is_temporary(&self, address: Address) -> bool {
        match address.base {
            Base::Stack(slot) => self.temporaries.used.iter().any(|(_, used)| *used == slot),
            _ => false,
        }
    }
}
