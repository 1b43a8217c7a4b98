//! What is known to be in memory, so that it need not be loaded again.
//!
//! Only places in the state, and tags. Cranelift finds some of this, too, but forgets everything at each store to another
//! place.

use super::{Address, Base, Emitter};
use crate::hir::{
    Block, ExprId, ExprKind, Place, Root, StatementKind, Step,
    walk::{self, Node},
};
use cranelift_codegen::ir::{self, InstructionData, Opcode, Value as Ssa};

/// More than this is not remembered: it would only fill registers.
const MOST: usize = 32;

/// How far back it is looked for where a bit comes from.
const BIT_DEPTH: u32 = 6;

/// A place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    /// Bytes from the state's start, and how many.
    State(i32, u32),
    /// Behind a computed pointer, which leads to somewhere in a part of the state: pointer, bytes from there, how many, part.
    Element(Ssa, i32, u32, (i32, i32)),
    /// Slot of a tag.
    Tag(u32),
}

/// What is in memory at one point of the program.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    values: Vec<(Key, ir::Type, Ssa)>,
    /// Pointers to elements: array, position, bytes of an element, and the pointer.
    pointers: Vec<(Ssa, Ssa, u32, Ssa)>,
}

/// What a part of a program may change.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    /// Anything in the state.
    all: bool,
    /// Parts of the state: from, to.
    ranges: Vec<(i32, i32)>,
    tags: bool,
}

impl Key {
    /// True if it may lie in a part of the state.
    fn overlaps(&self, from: i32, to: i32) -> bool {
        let (start, end) = match self {
            Self::State(start, len) => (*start, start.saturating_add_unsigned(*len)),
            Self::Element(.., within) => *within,
            Self::Tag(_) => return false,
        };
        start < to && from < end
    }
}

impl Known {
    fn get(&self, key: Key, ty: ir::Type) -> Option<Ssa> {
        self.values.iter().find(|(known, of, _)| *known == key && *of == ty).map(|(.., value)| *value)
    }

    fn put(&mut self, key: Key, ty: ir::Type, value: Ssa) {
        if self.values.len() >= MOST {
            self.values.remove(0);
        }
        self.values.push((key, ty, value));
    }

    fn forget(&mut self, from: i32, to: i32) {
        self.values.retain(|(key, ..)| !key.overlaps(from, to));
    }

    /// What holds on two paths.
    pub fn meet(&mut self, other: &Self) {
        self.values.retain(|entry| other.values.contains(entry));
        self.pointers.retain(|entry| other.pointers.contains(entry));
    }

    /// Forget what may have been changed.
    pub fn forget_all(&mut self, touched: &Touched) {
        if touched.all {
            self.forget(i32::MIN, i32::MAX);
        }
        if touched.tags {
            self.values.retain(|(key, ..)| !matches!(key, Key::Tag(_)));
        }
        for (from, to) in &touched.ranges {
            self.forget(*from, *to);
        }
    }

    /// The pointer to an element, if it was computed before.
    pub fn pointer(&self, array: Ssa, position: Ssa, stride: u32) -> Option<Ssa> {
        let same = |(a, b, c, _): &&(Ssa, Ssa, u32, Ssa)| (*a, *b, *c) == (array, position, stride);
        self.pointers.iter().find(same).map(|(.., pointer)| *pointer)
    }

    /// A pointer to an element was computed.
    pub fn point(&mut self, array: Ssa, position: Ssa, stride: u32, pointer: Ssa) {
        if self.pointers.len() >= MOST {
            self.pointers.remove(0);
        }
        self.pointers.push((array, position, stride, pointer));
    }
}

impl Emitter<'_, '_> {
    /// Where an address is in the state, if that is known.
    fn in_state(&self, address: Address) -> Option<i32> {
        (address.base == Base::Pointer(self.state?)).then_some(address.offset)
    }

    /// The part of the state that so many bytes from an address on are in, or that the address is somewhere in.
    pub(super) fn extent(&self, address: Address, bytes: u32) -> Option<(i32, i32)> {
        match (address.within, address.base) {
            (Some(within), _) => Some(within),
            (None, Base::Stack(_) | Base::Scratch | Base::Constants) => Some((0, 0)),
            (None, Base::Pointer(_)) => {
                self.in_state(address).map(|from| (from, from.saturating_add_unsigned(bytes)))
            }
        }
    }

    fn key(&self, ty: ir::Type, address: Address) -> Option<Key> {
        if let Some(offset) = self.in_state(address) {
            return Some(Key::State(offset, ty.bytes()));
        }
        match (address.base, address.within) {
            // What is in no part of the state is not seen to change.
            (Base::Pointer(pointer), Some((from, to))) if from < to => {
                Some(Key::Element(pointer, address.offset, ty.bytes(), (from, to)))
            }
            _ => None,
        }
    }

    /// What is known to be at an address.
    pub(super) fn recall(&self, ty: ir::Type, address: Address) -> Option<Ssa> {
        self.known.get(self.key(ty, address)?, ty)
    }

    /// A value was loaded from there, or stored.
    pub(super) fn remember(&mut self, ty: ir::Type, address: Address, value: Ssa) {
        if let Some(key) = self.key(ty, address) {
            self.known.put(key, ty, value);
        }
    }

    /// Something that large was, or may have been, stored there.
    pub(super) fn stored(&mut self, address: Address, bytes: u32) {
        match (address.base, address.within) {
            (Base::Stack(_) | Base::Scratch | Base::Constants, _) => {}
            (Base::Pointer(_), Some((from, to))) => self.known.forget(from, to),
            (Base::Pointer(_), None) => match self.in_state(address) {
                Some(from) => self.known.forget(from, from.saturating_add_unsigned(bytes)),
                // A pointer from elsewhere may lead anywhere.
                None => self.known.forget(i32::MIN, i32::MAX),
            },
        }
    }

    /// True for a byte that is known to be 0 or 1.
    pub(super) fn is_bit(&self, value: Ssa) -> bool {
        self.is_bit_within(value, BIT_DEPTH)
    }

    fn is_bit_within(&self, value: Ssa, depth: u32) -> bool {
        let dfg = &self.b.func.dfg;
        if self.bits.contains(&value) {
            return true;
        }
        let (Some(inst), Some(depth)) = (dfg.value_def(value).inst(), depth.checked_sub(1)) else {
            return false;
        };
        let operands = dfg.inst_args(inst);
        let all = |operands: &[Ssa]| operands.iter().all(|operand| self.is_bit_within(*operand, depth));
        if let InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } = dfg.insts[inst] {
            return matches!(imm.bits(), 0 | 1);
        }
        match dfg.insts[inst].opcode() {
            Opcode::Icmp | Opcode::Fcmp => true,
            Opcode::Band | Opcode::Bor | Opcode::Bxor => all(operands),
            Opcode::BandNot => operands.first().is_some_and(|first| self.is_bit_within(*first, depth)),
            Opcode::Select => operands.get(1..).is_some_and(all),
            _ => false,
        }
    }

    pub(super) fn recall_tag(&self, ty: ir::Type, slot: u32) -> Option<Ssa> {
        self.known.get(Key::Tag(slot), ty)
    }

    pub(super) fn remember_tag(&mut self, ty: ir::Type, slot: u32, value: Ssa) {
        self.forget_tags(slot, 1);
        self.known.put(Key::Tag(slot), ty, value);
    }

    /// Elements of a tag may have been written.
    pub(super) fn forget_tags(&mut self, slot: u32, len: u32) {
        self.known.values.retain(|(key, ..)| match key {
            Key::Tag(known) => !(slot..slot.saturating_add(len)).contains(known),
            Key::State(..) | Key::Element(..) => true,
        });
    }

    /// What running a block, or evaluating an expression, may change.
    pub(super) fn touched(&self, block: &Block, conditions: &[ExprId]) -> Touched {
        let function = self.frame.function;
        let mut touched = Touched::default();
        walk::block(function, block, &mut |node| self.touch(&node, &mut touched));
        for condition in conditions {
            walk::expr(function, *condition, &mut |node| self.touch(&node, &mut touched));
        }
        touched
    }

    fn touch(&self, node: &Node<'_>, touched: &mut Touched) {
        match node {
            Node::Statement(statement) => match &statement.kind {
                StatementKind::Assign { place, .. } => self.touch_place(place, touched),
                StatementKind::AssignTag { .. } => touched.tags = true,
                _ => {}
            },
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Call { function, receiver, .. } => {
                    let changes = self.unit.effects.get(function.index()).copied().unwrap_or_default();
                    touched.tags |= changes.tags;
                    if let Some(place) = receiver.as_ref().filter(|_| changes.memory || changes.blocks) {
                        self.touch_place(place, touched);
                    }
                }
                ExprKind::Method { block: place, .. }
                | ExprKind::AxisCommand { handle: place, .. }
                | ExprKind::AxisProperty { handle: place, .. } => self.touch_place(place, touched),
                _ => {}
            },
        }
    }

    fn touch_place(&self, place: &Place, touched: &mut Touched) {
        match place.root {
            Root::This => {}
            // Variables are not in the state.
            Root::Local(_) | Root::Constant(_) => return,
            // A value may be used where it lies.
            Root::Value(_) => {
                touched.all = true;
                return;
            }
        }
        let Some(super::This::Memory(this)) = self.frame.this else { return };
        let mut range = match (this.within, self.in_state(this)) {
            (Some(within), _) => {
                touched.ranges.push(within);
                return;
            }
            (None, Some(from)) => (from, from),
            (None, None) => {
                touched.all = true;
                return;
            }
        };
        let mut size = place.ty.size();
        for step in &place.path {
            match step {
                Step::Field { offset, .. } => range.0 = range.0.saturating_add_unsigned(*offset),
                Step::Index { len, stride, .. } => {
                    size = len.saturating_mul(*stride);
                    break;
                }
            }
        }
        range.1 = range.0.saturating_add_unsigned(size);
        touched.ranges.push(range);
    }
}
