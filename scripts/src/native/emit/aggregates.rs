//! Arrays and records, made where they are wanted.

use super::{Address, Emitter, Operand};
use crate::{
    hir::{ExprId, ExprKind, RecordType, Type, walk},
    native::effects::in_memory,
};
use cranelift_codegen::ir::{InstBuilder, Value as Ssa, condcodes::IntCC, types};

/// Arrays up to this many elements are filled by one store after the other.
const UNROLLED_MAX: u32 = 16;
/// Records and arrays of scalars up to this many are computed before any of it is stored.
const SCALARS_MAX: usize = 16;

impl Emitter<'_, '_> {
    /// Evaluate into memory that nothing else knows of yet.
    pub(super) fn expr_into(&mut self, id: ExprId, to: Address) -> Option<()> {
        self.charged_expr(id, |emitter| emitter.parts_into(id, to))
    }

    fn parts_into(&mut self, id: ExprId, to: Address) -> Option<()> {
        let expr = self.expr_of(id);
        match (&expr.kind, &expr.ty) {
            (ExprKind::Array(elements), Type::Array(array)) => {
                let stride = array.element.size();
                for (place, element) in (0_u32..).zip(elements) {
                    self.part_into(*element, to.plus(place.saturating_mul(stride)))?;
                }
            }
            (ExprKind::Record(fields), Type::Record(record)) => {
                self.clear_padding(record, expr.ty.size(), to);
                for (field, value) in fields {
                    let offset = record.fields().get(*field as usize).map_or(0, |field| field.offset);
                    self.part_into(*value, to.plus(offset))?;
                }
            }
            (ExprKind::Fill { len, value }, Type::Array(array)) => {
                self.fill(*len, *value, &array.element, to)?
            }
            (ExprKind::If { condition, then, otherwise }, _) => {
                self.conditional_into(*condition, then, otherwise.as_ref(), Some(to))?;
            }
            (ExprKind::Block(block), _) => self.block_into(block, to)?,
            (ExprKind::Call { function, receiver, arguments }, _) => {
                self.call(id, *function, receiver.as_ref(), arguments, Some(to))?;
            }
            _ => {
                let operand = self.parts(id)?;
                self.store_at(operand, &expr.ty, to);
            }
        }
        Some(())
    }

    fn part_into(&mut self, id: ExprId, to: Address) -> Option<()> {
        if in_memory(self.type_of(id)) {
            return self.expr_into(id, to);
        }
        let operand = self.expr(id)?;
        self.store_at(operand, self.type_of(id), to);
        Some(())
    }

    fn fill(&mut self, len: u32, value: ExprId, element: &Type, to: Address) -> Option<()> {
        let stride = element.size();
        let operand = match self.expr(value)? {
            Operand::Scalar(value) => Operand::Scalar(self.canonical(value)),
            operand => operand,
        };
        if len <= UNROLLED_MAX {
            for place in 0..len {
                self.store_at(operand, element, to.plus(place.saturating_mul(stride)));
            }
            return Some(());
        }
        let (start, (turn, out)) = (self.pointer(to), (self.b.create_block(), self.b.create_block()));
        let end = self.b.ins().iadd_imm(start, i64::from(len) * i64::from(stride));
        let at = self.b.append_block_param(turn, types::I64);
        self.b.ins().jump(turn, &[start.into()]);
        self.b.switch_to_block(turn);
        let within = self.extent(to, len.saturating_mul(stride));
        self.store_at(operand, element, Address { within, ..Address::pointer(at) });
        let next = self.b.ins().iadd_imm(at, i64::from(stride));
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, next, end);
        self.b.ins().brif(more, turn, &[next.into()], out, &[]);
        self.b.seal_block(turn);
        self.b.seal_block(out);
        self.b.switch_to_block(out);
        Some(())
    }

    /// Zeros between the fields of a record.
    fn clear_padding(&mut self, record: &RecordType, size: u32, to: Address) {
        let mut end = 0;
        for field in record.fields() {
            self.clear(field.offset - end, to.plus(end));
            end = field.offset + field.ty.size();
        }
        self.clear(size - end, to.plus(end));
    }

    /// Evaluate an array or record straight into memory that is known elsewhere, if that cannot be told from making it
    /// first and copying it then. False: nothing was done.
    pub(super) fn expr_over(&mut self, id: ExprId, to: Address) -> Option<bool> {
        if self.is_apart(id) {
            self.expr_into(id, to)?;
            return Some(true);
        }
        let expr = self.expr_of(id);
        let parts: Vec<(u32, ExprId)> = match (&expr.kind, &expr.ty) {
            (ExprKind::Array(elements), Type::Array(array)) => {
                let stride = array.element.size();
                (0_u32..).zip(elements).map(|(place, part)| (place.saturating_mul(stride), *part)).collect()
            }
            (ExprKind::Record(fields), Type::Record(record)) => fields
                .iter()
                .filter_map(|(field, part)| Some((record.fields().get(*field as usize)?.offset, *part)))
                .collect(),
            _ => return Some(false),
        };
        if parts.len() > SCALARS_MAX || parts.iter().any(|(_, part)| in_memory(self.type_of(*part))) {
            return Some(false);
        }
        let mut values: Vec<(u32, Ssa)> = Vec::with_capacity(parts.len());
        for (offset, part) in parts {
            values.push((offset, self.scalar(part)?));
        }
        for (offset, value) in values {
            self.store(value, to.plus(offset));
        }
        Some(true)
    }

    /// True if an expression reads nothing but tags, scalars in variables and what is constant.
    fn is_apart(&self, id: ExprId) -> bool {
        let function = self.frame.function;
        let mut apart = true;
        walk::expr(function, id, &mut |node| {
            apart &= match node {
                walk::Node::Expr(expr) => match &expr.kind {
                    ExprKind::Literal(_)
                    | ExprKind::Symbol(_)
                    | ExprKind::Tag { .. }
                    | ExprKind::Parameter(_)
                    | ExprKind::Sys(_)
                    | ExprKind::Unary(..)
                    | ExprKind::Binary(..)
                    | ExprKind::Logic { .. }
                    | ExprKind::Library(..)
                    | ExprKind::Array(_)
                    | ExprKind::Fill { .. }
                    | ExprKind::Record(_) => true,
                    ExprKind::Read(place) => {
                        matches!(place.root, crate::hir::Root::Local(_))
                            && place.ty.as_scalar().is_some()
                            && place.path.is_empty()
                    }
                    _ => false,
                },
                walk::Node::Statement(_) => false,
            };
        });
        apart
    }
}
