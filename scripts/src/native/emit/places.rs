//! Places: paths below `this`, variables, constants and values.

use super::{Address, Base, Emitter, Memory, Operand, Slot, This};
use crate::{
    hir::{ExprId, Place, Root, Step, Type},
    native::{effects::Effects, sites::SiteKind},
    proofs::Check,
};
use cranelift_codegen::ir::{InstBuilder, Value as Ssa, condcodes::IntCC, types};
use cranelift_frontend::Variable;

impl Emitter<'_, '_> {
    /// A copy of what is at a place, or its address.
    pub(super) fn read(&mut self, place: &Place) -> Option<Operand> {
        if let Some(variable) = self.variable(place) {
            return Some(Operand::Scalar(self.b.use_var(variable)));
        }
        if let (Root::Local(local), []) = (&place.root, place.path.as_slice()) {
            return Some(match self.frame.locals.get(local.index()).copied().unwrap_or(Slot::Unset) {
                Slot::Unset | Slot::Scalar(_) => Operand::Unit,
                Slot::Symbol(symbol) => Operand::Symbol(symbol),
                Slot::Memory(memory) => Operand::Memory(memory),
            });
        }
        let memory = self.place(place)?;
        Some(match place.ty.as_scalar() {
            Some(_) => Operand::Scalar(self.load(&place.ty, memory.address)),
            None => Operand::Memory(memory),
        })
    }

    /// The variable that a place is, if it is not in memory.
    pub(super) fn variable(&self, place: &Place) -> Option<Variable> {
        if !place.path.is_empty() {
            return None;
        }
        match &place.root {
            Root::Local(local) => match self.frame.locals.get(local.index())? {
                Slot::Scalar(variable) => Some(*variable),
                _ => None,
            },
            Root::This => match self.frame.this? {
                This::Variable(variable) => Some(variable),
                This::Memory(_) => None,
            },
            _ => None,
        }
    }

    /// Address of a place that is in memory.
    pub(super) fn place(&mut self, place: &Place) -> Option<Memory> {
        let indices = self.indices(place)?;
        self.find(place, &indices)
    }

    /// Indices of a path, evaluated from left to right and not yet checked.
    pub(super) fn indices(&mut self, place: &Place) -> Option<Vec<Ssa>> {
        let mut indices = Vec::new();
        for step in &place.path {
            if let Step::Index { index, .. } = step {
                indices.push(self.scalar(*index)?);
            }
        }
        Some(indices)
    }

    /// Address of a place whose indices were evaluated.
    pub(super) fn find(&mut self, place: &Place, indices: &[Ssa]) -> Option<Memory> {
        let mut memory = self.root(place)?;
        let mut indices = indices.iter();
        for step in &place.path {
            match step {
                Step::Field { offset, .. } => memory.address = memory.address.plus(*offset),
                Step::Index { index, len, stride, at } => {
                    let Some(value) = indices.next().copied() else { continue };
                    let position = self.position_of(*index, value, *len, *at, SiteKind::Index { len: *len });
                    memory.address = self.element(memory.address, position, *stride, *len);
                }
            }
        }
        Some(memory)
    }

    fn root(&mut self, place: &Place) -> Option<Memory> {
        let nowhere = Memory { address: Address::new(Base::Constants, 0), stable: true };
        Some(match &place.root {
            Root::This => match self.frame.this {
                Some(This::Memory(address)) => Memory { address, stable: false },
                _ => nowhere,
            },
            Root::Local(local) => match self.frame.locals.get(local.index()).copied() {
                Some(Slot::Memory(memory)) => memory,
                Some(Slot::Symbol(symbol)) => self.in_memory(Operand::Symbol(symbol)),
                _ => nowhere,
            },
            Root::Constant(constant) => {
                let offset = self.unit.constants.get(constant.index()).copied().unwrap_or(0);
                Memory { address: Address::new(Base::Constants, offset.cast_signed()), stable: true }
            }
            Root::Value(value) => {
                let operand = self.expr(*value)?;
                self.in_memory(operand)
            }
        })
    }

    /// What evaluating the indices of a place may change.
    pub(super) fn path_effects(&self, place: &Place) -> Effects {
        let mut effects = Effects::default();
        for step in &place.path {
            if let Step::Index { index, .. } = step {
                let more = self.effects_of(*index);
                effects.memory |= more.memory;
                effects.blocks |= more.blocks;
                effects.tags |= more.tags;
            }
        }
        effects
    }

    /// What evaluating the value in which a place lies may change.
    pub(super) fn root_effects(&self, place: &Place) -> Effects {
        match place.root {
            Root::Value(value) => self.effects_of(value),
            _ => Effects::default(),
        }
    }

    /// Position of an element: checked, and counted from the end if it is negative.
    pub(super) fn position_of(
        &mut self,
        index: ExprId,
        value: Ssa,
        len: u32,
        at: u32,
        kind: SiteKind,
    ) -> Position {
        let range = self.integers(index);
        let elements = i64::from(len);
        if let Some((low, high)) = range {
            if low == high && (-elements..elements).contains(&low) {
                return Position::Known(if low < 0 { low + elements } else { low } as u32);
            }
            if low >= 0 && high < elements {
                return Position::Computed(value);
            }
        }
        if !self.unit.checks || self.proven(Check::Index(index)) && range.is_some_and(|(low, _)| low >= 0) {
            return Position::Computed(value);
        }
        let (good, odd, on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        self.b.append_block_param(on, types::I64);
        let inside = self.b.ins().icmp_imm(IntCC::UnsignedLessThan, value, elements);
        self.b.ins().brif(inside, good, &[], odd, &[]);
        self.b.seal_block(good);
        self.b.seal_block(odd);
        self.b.switch_to_block(odd);
        let from_end = self.b.ins().iadd_imm(value, elements);
        let outside = self.b.ins().icmp_imm(IntCC::UnsignedGreaterThanOrEqual, from_end, elements);
        self.locate(at);
        self.check(outside, at, kind, &[value]);
        self.b.ins().jump(on, &[from_end.into()]);
        self.b.switch_to_block(good);
        self.b.ins().jump(on, &[value.into()]);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        Position::Computed(self.b.block_params(on).first().copied().unwrap_or(value))
    }

    /// Address of an element.
    pub(super) fn element(&mut self, array: Address, position: Position, stride: u32, len: u32) -> Address {
        match position {
            Position::Known(position) => array.plus(position.saturating_mul(stride)),
            Position::Computed(position) => {
                let (base, offset) = self.base(array);
                let within = self.extent(array, len.saturating_mul(stride));
                let pointer = match self.known.pointer(base, position, stride) {
                    Some(pointer) => pointer,
                    None => {
                        let distance = match stride.is_power_of_two() {
                            true => self.b.ins().ishl_imm(position, i64::from(stride.trailing_zeros())),
                            false => self.b.ins().imul_imm(position, i64::from(stride)),
                        };
                        let pointer = self.b.ins().iadd(base, distance);
                        self.known.point(base, position, stride, pointer);
                        pointer
                    }
                };
                Address { base: Base::Pointer(pointer), offset, within }
            }
        }
    }

    /// Store a value at a place in memory.
    pub(super) fn store_at(&mut self, operand: Operand, ty: &Type, to: Address) {
        match operand {
            Operand::Unit => {}
            Operand::Scalar(value) => self.store(value, to),
            Operand::Symbol(symbol) => self.store_symbol(symbol, to),
            Operand::Memory(memory) => self.copy(ty, memory.address, to),
        }
    }
}

/// Position of an element within its array.
#[derive(Clone, Copy, Debug)]
pub(super) enum Position {
    Known(u32),
    Computed(Ssa),
}
