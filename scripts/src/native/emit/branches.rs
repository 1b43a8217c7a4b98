//! `if`, and blocks with a value.

use super::{Address, Emitter, Memory, Operand, known::Known};
use crate::{
    hir::{Block, ExprId, ExprKind, Type, UnaryOperator},
    native::effects::in_memory,
};
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, types};

/// Where several paths come together again, perhaps with a value.
pub(super) struct Meeting {
    block: ir::Block,
    /// Type of the value, if it is a scalar.
    scalar: Option<ir::Type>,
    /// Values are addresses.
    memory: bool,
    /// Nothing changes what is there, on any path.
    stable: bool,
    /// What is known here; none: no path leads here.
    known: Option<Known>,
}

impl Emitter<'_, '_> {
    /// A meeting of paths that give a value of this type.
    pub(super) fn meeting(&mut self, ty: &Type) -> Meeting {
        let block = self.b.create_block();
        let memory = in_memory(ty);
        let scalar = ty.as_scalar().and_then(|_| super::ssa_type(ty));
        if let Some(ty) = scalar.or(memory.then_some(types::I64)) {
            self.b.append_block_param(block, ty);
        }
        Meeting { block, scalar, memory, stable: true, known: None }
    }

    /// End a path with its value.
    pub(super) fn arrive(&mut self, meeting: &mut Meeting, value: Operand) {
        self.flush();
        let argument = match value {
            Operand::Scalar(value) if meeting.scalar.is_some() => Some(value),
            value if meeting.memory => {
                let memory = self.in_memory(value);
                meeting.stable &= memory.stable;
                Some(self.pointer(memory.address))
            }
            _ => None,
        };
        let arguments: Vec<BlockArg> = argument.into_iter().map(BlockArg::from).collect();
        self.b.ins().jump(meeting.block, &arguments);
        match &mut meeting.known {
            Some(known) => known.meet(&self.known),
            none => *none = Some(self.known.clone()),
        }
    }

    /// Go on where the paths met.
    pub(super) fn meet(&mut self, meeting: Meeting) -> Option<Operand> {
        self.b.seal_block(meeting.block);
        self.known = meeting.known?;
        self.b.switch_to_block(meeting.block);
        let value = self.b.block_params(meeting.block).first().copied();
        Some(match value {
            Some(value) if meeting.scalar.is_some() => Operand::Scalar(value),
            Some(value) => {
                Operand::Memory(Memory { address: Address::pointer(value), stable: meeting.stable })
            }
            None => Operand::Unit,
        })
    }

    pub(super) fn conditional(
        &mut self,
        ty: &Type,
        condition: ExprId,
        then: &Block,
        otherwise: Option<&Block>,
    ) -> Option<Operand> {
        if let Some(otherwise) = otherwise
            && let Some(value) = self.selected(ty, condition, then, otherwise)
        {
            return value;
        }
        let mut meeting = self.meeting(ty);
        let (yes, no) = self.fork(condition)?;
        let known = self.known.clone();
        self.b.switch_to_block(yes);
        if let Some(value) = self.block(then) {
            self.arrive(&mut meeting, value);
        }
        self.known = known;
        self.b.switch_to_block(no);
        let value = match otherwise {
            Some(otherwise) => self.block(otherwise),
            None => Some(Operand::Unit),
        };
        if let Some(value) = value {
            self.arrive(&mut meeting, value);
        }
        self.meet(meeting)
    }

    /// The same with a value in memory that goes to a place that nothing else knows of.
    pub(super) fn conditional_into(
        &mut self,
        condition: ExprId,
        then: &Block,
        otherwise: Option<&Block>,
        to: Option<Address>,
    ) -> Option<()> {
        let mut meeting = self.meeting(&Type::Unit);
        let (yes, no) = self.fork(condition)?;
        let known = self.known.clone();
        for (start, block) in [(yes, Some(then)), (no, otherwise)] {
            self.known.clone_from(&known);
            self.b.switch_to_block(start);
            let done = match (block, to) {
                (Some(block), Some(to)) => self.block_into(block, to),
                (Some(block), None) => self.block(block).map(|_| ()),
                (None, _) => Some(()),
            };
            if done.is_some() {
                self.arrive(&mut meeting, Operand::Unit);
            }
        }
        self.meet(meeting).map(|_| ())
    }

    /// A choice between two integers or bools that are there anyway needs no branch.
    fn selected(
        &mut self,
        ty: &Type,
        condition: ExprId,
        then: &Block,
        otherwise: &Block,
    ) -> Option<Option<Operand>> {
        if !matches!(ty, Type::I64 | Type::Bool) {
            return None;
        }
        let plain = |block: &Block| match (block.statements.as_slice(), block.value) {
            ([], Some(value)) => self.is_cheap(value, 3).map(|_| value),
            _ => None,
        };
        let (then, otherwise) = (plain(then)?, plain(otherwise)?);
        Some(self.scalar(condition).and_then(|condition| {
            let (yes, no) = (self.scalar(then)?, self.scalar(otherwise)?);
            Some(Operand::Scalar(self.b.ins().select(condition, yes, no)))
        }))
    }

    /// Two ways, both sealed: one on which the condition holds, and one on which it does not.
    fn fork(&mut self, condition: ExprId) -> Option<(ir::Block, ir::Block)> {
        self.flush();
        let (yes, no) = (self.b.create_block(), self.b.create_block());
        let done = self.branch(condition, yes, no);
        self.b.seal_block(yes);
        self.b.seal_block(no);
        done.map(|()| (yes, no))
    }

    /// Go to `yes` if a condition holds, else to `no`; neither is sealed.
    pub(super) fn branch(&mut self, condition: ExprId, yes: ir::Block, no: ir::Block) -> Option<()> {
        match self.expr_of(condition).kind {
            ExprKind::Logic { and, left, right } if self.is_cheap(right, 6).is_none() => {
                let more = self.b.create_block();
                let decided = match and {
                    true => self.branch(left, more, no),
                    false => self.branch(left, yes, more),
                };
                self.b.seal_block(more);
                decided?;
                self.b.switch_to_block(more);
                let known = self.known.clone();
                // The left side may decide even if the right one does not come back.
                let _ = self.branch(right, yes, no);
                self.known.meet(&known);
                Some(())
            }
            ExprKind::Unary(UnaryOperator::Not, operand) => self.branch(operand, no, yes),
            _ => {
                let holds = self.scalar(condition)?;
                self.flush();
                self.b.ins().brif(holds, yes, &[], no, &[]);
                Some(())
            }
        }
    }

    /// A block, and its value.
    pub(super) fn block(&mut self, block: &Block) -> Option<Operand> {
        for statement in &block.statements {
            self.statement(statement)?;
        }
        match block.value {
            Some(value) => self.expr(value),
            None => Some(Operand::Unit),
        }
    }

    /// A block with a value in memory that goes to a place that nothing else knows of.
    pub(super) fn block_into(&mut self, block: &Block, to: Address) -> Option<()> {
        for statement in &block.statements {
            self.statement(statement)?;
        }
        match block.value {
            Some(value) => self.expr_into(value, to),
            None => Some(()),
        }
    }
}
