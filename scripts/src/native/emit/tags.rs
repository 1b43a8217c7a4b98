//! Tags: words of the store, reached by their slots.

use super::{Address, Emitter, Operand, constant_flags, places::Position};
use crate::{
    hir::{BinaryOperator, ExprId, TagPlace, Type},
    native::{context::at, shims::Shim, sites::SiteKind},
    proofs::Check,
};
use cranelift_codegen::ir::{
    AliasRegion, InstBuilder, MemFlags, Value as Ssa,
    condcodes::{FloatCC, IntCC},
    types,
};
use sensai_model::{ScalarType, Value, tag::Overflow};
use std::sync::Arc;

/// Tags are memory of their own: nothing else is stored there, and these stores change nothing else.
fn flags() -> MemFlags {
    MemFlags::trusted().with_alias_region(Some(AliasRegion::Table))
}

/// Several marks at once lie anywhere.
fn mark_flags() -> MemFlags {
    MemFlags::new().with_notrap().with_alias_region(Some(AliasRegion::Table))
}

/// Qualities are not changed by programs.
fn quality_flags() -> MemFlags {
    constant_flags()
}

/// An element of a tag.
struct Element {
    position: Position,
    slot: u32,
}

impl Element {
    fn known_slot(&self) -> Option<u32> {
        match self.position {
            Position::Known(position) => Some(self.slot.saturating_add(position)),
            Position::Computed(_) => None,
        }
    }
}

impl Emitter<'_, '_> {
    fn element_of(&mut self, place: &TagPlace) -> Option<Element> {
        let tag = self.unit.tags.get(place.tag as usize).copied();
        let (slot, len) = tag.map_or((0, 1), |tag| (tag.slot, tag.len()));
        let position = match place.index {
            None => Position::Known(0),
            Some(index) => {
                let value = self.scalar(index)?;
                let name = self.tag_name(place.tag);
                self.position_of(index, value, len, place.at, SiteKind::TagIndex { name, len })
            }
        };
        Some(Element { position, slot })
    }

    fn tag_name(&self, tag: u32) -> Arc<str> {
        self.unit.tag_names.get(tag as usize).cloned().unwrap_or_else(|| Arc::from(""))
    }

    fn tag_type(&self, tag: u32) -> Type {
        self.unit.tags.get(tag as usize).map_or(Type::Bool, |tag| Type::scalar(tag.scalar))
    }

    /// Address of an element in an array with so many bytes to each slot, which begins behind a pointer of the context.
    fn slot_address(&mut self, array: i32, element: &Element, stride: u32) -> Address {
        let base = self.b.ins().load(types::I64, constant_flags(), self.context, array);
        let first = Address::pointer(base).plus(element.slot.saturating_mul(stride));
        self.element(first, element.position, stride, 1)
    }

    pub(super) fn read_tag(&mut self, place: &TagPlace) -> Option<Ssa> {
        let element = self.element_of(place)?;
        let ty = self.tag_type(place.tag);
        Some(self.load_element(&ty, &element))
    }

    fn load_element(&mut self, ty: &Type, element: &Element) -> Ssa {
        let ssa = super::ssa_type(ty).unwrap_or(types::I64);
        if let Some(slot) = element.known_slot()
            && let Some(known) = self.recall_tag(ssa, slot)
        {
            return known;
        }
        let address = self.slot_address(at::VALUES, element, 8);
        let value = self.load_tag(ty, address);
        if let Some(slot) = element.known_slot() {
            self.remember_tag(ssa, slot, value);
        }
        value
    }

    /// Load the value of a tag from its word.
    pub(super) fn load_tag(&mut self, ty: &Type, address: Address) -> Ssa {
        let (base, offset) = self.base(address);
        let ssa = super::ssa_type(ty).unwrap_or(types::I64);
        let value = self.b.ins().load(ssa, flags(), base, offset);
        match ssa {
            types::F64 => self.canonical.insert(value),
            types::I8 => self.bits.insert(value),
            _ => false,
        };
        value
    }

    /// `.valid`
    pub(super) fn quality(&mut self, place: &TagPlace) -> Option<Ssa> {
        let len = self.unit.tags.get(place.tag as usize).map_or(1, |tag| tag.len());
        let element = self.element_of(place)?;
        let address = self.slot_address(at::VALID, &element, 1);
        if place.index.is_some() || len == 1 {
            let (base, offset) = self.base(address);
            return Some(self.b.ins().load(types::I8, quality_flags(), base, offset));
        }
        let (first, count) = (self.pointer(address), self.b.ins().iconst(types::I64, i64::from(len)));
        let all = self.call_shim(Shim::AllValid, &[first, count], Some(types::I32))?;
        Some(self.b.ins().ireduce(types::I8, all))
    }

    /// Address of the words of a tag; of a copy, if `changes`. And how many there are.
    pub(super) fn tag_values(&mut self, tag: u32, changes: bool) -> Option<(Ssa, u32)> {
        let (slot, len) = self.unit.tags.get(tag as usize).map_or((0, 1), |tag| (tag.slot, tag.len()));
        let address = self.slot_address(at::VALUES, &Element { position: Position::Known(0), slot }, 8);
        let from = self.pointer(address);
        if !changes {
            return Some((from, len));
        }
        let copy = self.room(len.saturating_mul(8));
        let to = self.pointer(copy);
        let bytes = self.b.ins().iconst(types::I64, i64::from(len) * 8);
        self.call_shim(Shim::Copy, &[to, from, bytes], None);
        Some((to, len))
    }

    pub(super) fn assign_tag(
        &mut self,
        place: &TagPlace,
        operator: Option<BinaryOperator>,
        value: ExprId,
        at: u32,
    ) -> Option<()> {
        let operand = self.expr(value)?;
        let element = self.element_of(place)?;
        let ty = self.tag_type(place.tag);
        let new = match (operator, operand) {
            (Some(operator), operand) => {
                let old = self.load_element(&ty, &element);
                self.combine(operator, at, (old, &ty), (operand, value))
            }
            (None, Operand::Scalar(new)) => new,
            (None, _) => return Some(()),
        };
        self.locate(at);
        let proven = self.proven(Check::Store(value));
        let constant = operator.is_none().then(|| self.constant(value)).flatten();
        let new = match constant {
            Some(constant) if self.fits(place.tag, constant) => new,
            _ => self.confine(place.tag, new, at, proven),
        };
        let word = match self.b.func.dfg.value_type(new) {
            types::I8 => self.b.ins().uextend(types::I64, new),
            _ => new,
        };
        let address = self.slot_address(at::VALUES, &element, 8);
        let (base, offset) = self.base(address);
        self.b.ins().store(flags(), word, base, offset);
        match element.known_slot() {
            Some(slot) => {
                let ssa = self.b.func.dfg.value_type(new);
                self.remember_tag(ssa, slot, new);
            }
            None => {
                let len = self.unit.tags.get(place.tag as usize).map_or(1, |tag| tag.len());
                self.forget_tags(element.slot, len);
            }
        }
        match element.known_slot() {
            Some(slot) => self.marks.push(slot),
            None => {
                let mark = self.slot_address(at::WRITTEN, &element, 1);
                let (base, offset) = self.base(mark);
                let written = self.b.ins().iconst(types::I8, 1);
                self.b.ins().store(flags(), written, base, offset);
            }
        }
        Some(())
    }

    /// Mark what was written since the last time: slots beside each other at once. A program that fails before that is rolled
    /// back, marks and all.
    pub(super) fn mark_written(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        let mut slots = std::mem::take(&mut self.marks);
        slots.sort_unstable();
        slots.dedup();
        let base = self.b.ins().load(types::I64, constant_flags(), self.context, at::WRITTEN);
        let mut rest = slots.as_slice();
        while let Some(first) = rest.first() {
            let beside = rest.iter().zip(*first..).take_while(|(slot, next)| **slot == *next).count();
            let (ty, count, marks) = match beside {
                8.. => (types::I64, 8, 0x0101_0101_0101_0101),
                4.. => (types::I32, 4, 0x0101_0101),
                2.. => (types::I16, 2, 0x0101),
                _ => (types::I8, 1, 1),
            };
            let marks = self.b.ins().iconst(ty, marks);
            self.b.ins().store(mark_flags(), marks, base, first.cast_signed());
            rest = rest.get(count..).unwrap_or_default();
        }
    }

    fn constant(&self, value: ExprId) -> Option<Value> {
        match self.expr_of(value).kind {
            crate::hir::ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// True if a known value needs no check.
    fn fits(&self, tag: u32, value: Value) -> bool {
        let range = self.unit.tags.get(tag as usize).and_then(|tag| tag.range);
        match (value, range) {
            (Value::F64(number), None) => number.is_finite(),
            (Value::F64(number), Some((Value::F64(low), Value::F64(high)))) => {
                number.is_finite() && low <= number && number <= high
            }
            (Value::I64(number), Some((Value::I64(low), Value::I64(high)))) => {
                low <= number && number <= high
            }
            (_, range) => range.is_none(),
        }
    }

    /// The value to be stored into a tag: finite, and in its range. One that never faults may have to be limited still.
    fn confine(&mut self, index: u32, value: Ssa, at: u32, proven: bool) -> Ssa {
        let Some(tag) = self.unit.tags.get(index as usize).copied() else { return value };
        let saturate = tag.overflow == Overflow::Saturate && tag.range.is_some();
        match (tag.scalar, tag.range) {
            _ if proven && !saturate => value,
            (ScalarType::F64, None) => {
                self.finite(index, value, at);
                value
            }
            (ScalarType::F64, Some((Value::F64(low), Value::F64(high)))) => {
                if (saturate && !proven) || !low.is_finite() || !high.is_finite() {
                    self.finite(index, value, at);
                }
                self.confine_float(index, value, at, (low, high), saturate)
            }
            (ScalarType::I64, Some((Value::I64(low), Value::I64(high)))) if saturate => {
                let (low, high) =
                    (self.b.ins().iconst(types::I64, low), self.b.ins().iconst(types::I64, high));
                let value = self.b.ins().smax(value, low);
                self.b.ins().smin(value, high)
            }
            (ScalarType::I64, Some((Value::I64(low), Value::I64(high)))) => {
                let from_low = self.b.ins().iadd_imm(value, low.wrapping_neg());
                let span = high.wrapping_sub(low);
                let outside = self.b.ins().icmp_imm(IntCC::UnsignedGreaterThan, from_low, span);
                self.out_of_range(index, outside, value, at);
                value
            }
            _ => value,
        }
    }

    fn out_of_range(&mut self, index: u32, outside: Ssa, value: Ssa, at: u32) {
        if let Some(tag) = self.unit.ranges.get(index as usize).cloned().flatten() {
            self.check(outside, at, SiteKind::TagRange { tag }, &[value]);
        }
    }

    fn finite(&mut self, index: u32, value: Ssa, at: u32) {
        let size = self.b.ins().fabs(value);
        let end = self.b.ins().f64const(f64::INFINITY);
        // False for NaN, too.
        let good = self.b.ins().fcmp(FloatCC::LessThan, size, end);
        let bad = self.b.ins().bxor_imm(good, 1);
        let name = self.tag_name(index);
        self.check(bad, at, SiteKind::TagNotFinite { name }, &[value]);
    }

    fn confine_float(
        &mut self,
        index: u32,
        value: Ssa,
        at: u32,
        (low, high): (f64, f64),
        saturate: bool,
    ) -> Ssa {
        let (low, high) = (self.b.ins().f64const(low), self.b.ins().f64const(high));
        let below = self.b.ins().fcmp(FloatCC::LessThan, value, low);
        let above = self.b.ins().fcmp(FloatCC::GreaterThan, value, high);
        if saturate {
            let value = self.b.ins().select(above, high, value);
            return self.b.ins().select(below, low, value);
        }
        if !self.unit.checks {
            return value;
        }
        let (odd, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        let from_low = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, value, low);
        let to_high = self.b.ins().fcmp(FloatCC::LessThanOrEqual, value, high);
        let good = self.b.ins().band(from_low, to_high);
        self.b.ins().brif(good, on, &[], odd, &[]);
        self.b.seal_block(odd);
        self.b.switch_to_block(odd);
        self.finite(index, value, at);
        if let Some(tag) = self.unit.ranges.get(index as usize).cloned().flatten() {
            self.fail(at, SiteKind::TagRange { tag }, &[value]);
        } else {
            self.b.ins().jump(on, &[]);
        }
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        value
    }
}
