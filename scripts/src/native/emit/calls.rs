//! Calls: of functions of the program, of the library, and of blocks.

use super::{Address, Emitter, Frame, Memory, Operand, This};
use crate::{
    hir::{ExprId, FunctionId, LocalId, Place, Root, Step, Type},
    native::{
        context::OPERANDS,
        effects::{Effects, in_memory},
        sites::{Call, SiteKind},
    },
    proofs::Check,
};
use cranelift_codegen::ir::{InstBuilder, Value as Ssa, condcodes::IntCC, types};
use sensai_model::ScalarType;
use sensai_stdlib::registry::{self, BlockType};

impl<'a> Emitter<'a, '_> {
    /// A function of the program; `to`: where a result in memory goes, if the caller knows.
    pub(super) fn call(
        &mut self,
        id: ExprId,
        callee: FunctionId,
        receiver: Option<&'a Place>,
        arguments: &'a [ExprId],
        to: Option<Address>,
    ) -> Option<Operand> {
        let expr = self.expr_of(id);
        let changed = self.unit.effects.get(callee.index()).copied().unwrap_or_default();
        let indices = match receiver {
            Some(place) => self.indices(place)?,
            None => Vec::new(),
        };
        let operands = self.call_arguments(receiver, arguments, changed)?;
        let this = match receiver {
            Some(place) => Some(self.receiver(place, &indices, changed)?),
            None => None,
        };
        let to = match to {
            None if in_memory(&expr.ty) => Some(self.temporary(&expr.ty)),
            to => to,
        };
        self.locate(expr.at);
        let function = self.unit.hir.function(callee);
        let (line, _) = self.position(expr.at);
        let call = Call { function: function.name.as_str().into(), line };
        let result = match self.unit.inlined.get(callee.index()) {
            Some(true) => self.call_in_place(callee, call, this, operands, to)?,
            _ => self.call_apart(expr.at, callee, call, this, &operands, to)?,
        };
        Some(match to {
            Some(address) if in_memory(&expr.ty) => Operand::Memory(Memory { address, stable: true }),
            _ => result,
        })
    }

    /// What `this` of a callee is.
    fn receiver(&mut self, place: &Place, indices: &[Ssa], changed: Effects) -> Option<This> {
        if let Some(variable) = self.variable(place) {
            return Some(This::Variable(variable));
        }
        if let (Root::Value(value), []) = (&place.root, place.path.as_slice()) {
            let operand = self.expr(*value)?;
            if let Operand::Scalar(value) = operand {
                let variable = self.b.declare_var(self.b.func.dfg.value_type(value));
                self.b.def_var(variable, value);
                return Some(This::Variable(variable));
            }
            let mut address = self.in_memory(operand).address;
            if changed.memory {
                let own = self.temporary(&place.ty);
                self.copy(&place.ty, address, own);
                address = own;
            }
            return Some(This::Memory(address));
        }
        Some(This::Memory(self.find(place, indices)?.address))
    }

    /// Evaluate arguments, and see to it that the callee changes none of them.
    fn call_arguments(
        &mut self,
        receiver: Option<&Place>,
        arguments: &[ExprId],
        changed: Effects,
    ) -> Option<Vec<Operand>> {
        let later = receiver.map(|place| self.root_effects(place)).unwrap_or_default();
        let mut operands = Vec::with_capacity(arguments.len());
        for (place, argument) in arguments.iter().enumerate() {
            let operand = self.expr(*argument)?;
            let mut effects = later;
            effects.memory |= changed.memory && !self.is_apart_from(*argument, receiver);
            for next in arguments.get(place + 1..).unwrap_or_default() {
                effects.memory |= self.effects_of(*next).memory;
            }
            operands.push(self.keep(operand, self.type_of(*argument), effects));
        }
        Some(operands)
    }

    /// True if an argument is read from a place that no path through the receiver leads to.
    fn is_apart_from(&self, argument: ExprId, receiver: Option<&Place>) -> bool {
        let Some(receiver) = receiver else { return true };
        let crate::hir::ExprKind::Read(place) = &self.expr_of(argument).kind else { return false };
        match (&place.root, &receiver.root) {
            (Root::This, Root::This) => {}
            (Root::Local(a), Root::Local(b)) if a == b => {}
            (Root::Local(_) | Root::This, Root::Local(_) | Root::This) => return true,
            _ => return false,
        }
        for pair in place.path.iter().zip(&receiver.path) {
            match pair {
                (Step::Field { index: a, .. }, Step::Field { index: b, .. }) if a != b => return true,
                (Step::Field { .. }, Step::Field { .. }) => {}
                // Two indices may be the same.
                _ => return false,
            }
        }
        false
    }

    /// Compile a function where it is called.
    fn call_in_place(
        &mut self,
        callee: FunctionId,
        call: Call,
        this: Option<This>,
        operands: Vec<Operand>,
        to: Option<Address>,
    ) -> Option<Operand> {
        let function = self.unit.hir.function(callee);
        let mut frame = Frame::new(callee, function);
        frame.this = this;
        frame.called = Some(call);
        frame.result = to.filter(|_| in_memory(&function.result));
        let exit = self.b.create_block();
        let scalar = function.result.as_scalar().and_then(|_| super::ssa_type(&function.result));
        let result = scalar.map(|ty| self.b.append_block_param(exit, ty));
        frame.exit = Some(exit);
        self.callers.push(std::mem::replace(&mut self.frame, frame));
        for (index, operand) in (0..).zip(operands) {
            self.bind_lasting(LocalId(index), operand);
        }
        let bound = if self.paid { None } else { self.unit.costs.function(callee).ok() };
        let value = self.charged(bound, |emitter| match emitter.frame.result {
            Some(to) => emitter.block_into(&function.body, to).map(|()| Operand::Unit),
            None => emitter.block(&function.body),
        });
        if let Some(value) = value {
            self.flush();
            self.leave(value);
        }
        let left = self.frame.left.take();
        if let Some(caller) = self.callers.pop() {
            self.frame = caller;
        }
        self.b.seal_block(exit);
        self.known = left?;
        self.b.switch_to_block(exit);
        Some(result.map_or(Operand::Unit, Operand::Scalar))
    }

    /// Call a function that is compiled by itself.
    fn call_apart(
        &mut self,
        at: u32,
        callee: FunctionId,
        call: Call,
        this: Option<This>,
        operands: &[Operand],
        to: Option<Address>,
    ) -> Option<Operand> {
        if !self.paid
            && let Some(bound) = self.unit.prepaid(callee)
        {
            self.pending = self.pending.saturating_add(bound);
        }
        self.flush();
        let function = self.unit.hir.function(callee);
        let mut arguments = vec![self.context];
        if let Some(fuel) = self.fuel {
            arguments.push(self.b.use_var(fuel));
        }
        // A scalar that is in no memory is lent some.
        let mut lent = None;
        match this.filter(|_| function.this.is_some()) {
            None => {}
            Some(This::Memory(address)) => arguments.push(self.pointer(address)),
            Some(This::Variable(variable)) => {
                let value = self.b.use_var(variable);
                let ty = self.b.func.dfg.value_type(value);
                let room = self.room(8);
                self.store(value, room);
                arguments.push(self.pointer(room));
                lent = Some((variable, ty, room));
            }
        }
        for operand in operands {
            match operand {
                Operand::Unit => {}
                Operand::Scalar(value) => arguments.push(*value),
                other => {
                    let address = self.in_memory(*other).address;
                    arguments.push(self.pointer(address));
                }
            }
        }
        if let Some(to) = to.filter(|_| in_memory(&function.result)) {
            arguments.push(self.pointer(to));
        }
        let target = self.import(callee);
        let inst = self.b.ins().call(target, &arguments);
        let changed = self.unit.effects.get(callee.index()).copied().unwrap_or_default();
        if changed.tags {
            self.forget_tags(0, u32::MAX);
        }
        if let (Some(This::Memory(address)), Some(ty)) = (this, &function.this)
            && (changed.memory || changed.blocks)
        {
            self.stored(address, ty.size());
        }
        if let Some(to) = to.filter(|_| in_memory(&function.result)) {
            self.stored(to, function.result.size());
        }
        let results = self.b.inst_results(inst).to_vec();
        let left = results.first().copied()?;
        if matches!(function.result, Type::Never) {
            self.pass_on(at, call);
            return None;
        }
        let (odd, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        let failed = self.b.ins().icmp_imm(IntCC::SignedLessThan, left, 0);
        self.b.ins().brif(failed, odd, &[], on, &[]);
        self.b.seal_block(odd);
        self.b.switch_to_block(odd);
        self.pass_on(at, call);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        if let Some(fuel) = self.fuel {
            self.b.def_var(fuel, left);
        }
        if let Some((variable, ty, room)) = lent {
            let value = self.load_bits(ty, room, true);
            self.b.def_var(variable, value);
        }
        Some(results.get(1).map_or(Operand::Unit, |result| Operand::Scalar(*result)))
    }

    /// A function of the library.
    pub(super) fn library(
        &mut self,
        id: ExprId,
        function: &'static registry::Function,
        arguments: &[ExprId],
    ) -> Option<Ssa> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.scalar(*argument)?);
        }
        let at = self.expr_of(id).at;
        self.locate(at);
        if let Some(result) = self.library_in_place(id, function, arguments, &values) {
            return Some(result);
        }
        let word = self.word();
        let result = self.b.ins().stack_addr(types::I64, word, 0);
        let mut given = values.clone();
        given.push(result);
        let refused = self.call_out((function.native)(), &given, Some(types::I32))?;
        if super::library::can_refuse(function) && !self.proven(Check::Operation(id)) {
            self.check(refused, at, SiteKind::Library(function), &values);
        }
        Some(self.word_as(function.result))
    }

    /// What a call left in the word for its result.
    fn word_as(&mut self, scalar: ScalarType) -> Ssa {
        let word = self.word();
        match scalar {
            ScalarType::Bool => self.b.ins().stack_load(types::I8, word, 0),
            ScalarType::I64 => self.b.ins().stack_load(types::I64, word, 0),
            ScalarType::F64 => {
                let value = self.b.ins().stack_load(types::F64, word, 0);
                self.canonical.insert(value);
                value
            }
        }
    }

    /// A method of a block.
    pub(super) fn method(
        &mut self,
        id: ExprId,
        block: &Place,
        of: &'static BlockType,
        method: &'static registry::Method,
        arguments: &[ExprId],
    ) -> Option<Operand> {
        let indices = self.indices(block)?;
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.scalar(*argument)?);
        }
        let address = self.find(block, &indices)?.address;
        let at = self.expr_of(id).at;
        self.locate(at);
        if let Some(result) = self.method_in_place(of, method, address, arguments, &values) {
            return Some(result);
        }
        let state = self.pointer(address);
        let word = self.word();
        let result = self.b.ins().stack_addr(types::I64, word, 0);
        let mut given = vec![state];
        for value in &values {
            // A block may keep what it is given, and there is one NaN in a state.
            given.push(self.canonical(*value));
        }
        given.extend([self.interval(), result]);
        let refused = self.call_out((method.native)(), &given, Some(types::I32))?;
        self.stored(address, of.size as u32);
        if !self.proven(Check::Operation(id)) {
            let mut operands = vec![state];
            operands.extend(values.iter().take(OPERANDS - 1));
            self.check(refused, at, SiteKind::Method(of, method), &operands);
        }
        Some(match method.result {
            Some(scalar) => Operand::Scalar(self.word_as(scalar)),
            None => Operand::Unit,
        })
    }

    /// A pin of a block.
    pub(super) fn pin(
        &mut self,
        block: &Place,
        of: &'static BlockType,
        pin: &'static registry::Pin,
    ) -> Option<Ssa> {
        let address = self.place(block)?.address;
        if let Some(value) = self.pin_in_place(of, pin, address) {
            return Some(value);
        }
        let state = self.pointer(address);
        let word = self.call_out((pin.native)(), &[state], Some(types::I64))?;
        Some(match pin.scalar {
            ScalarType::Bool => self.b.ins().ireduce(types::I8, word),
            ScalarType::I64 => word,
            ScalarType::F64 => {
                let flags = cranelift_codegen::ir::MemFlags::new();
                let value = self.b.ins().bitcast(types::F64, flags, word);
                self.canonical.insert(value);
                value
            }
        })
    }
}
