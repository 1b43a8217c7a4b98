//! From the typed tree to Cranelift's instructions.
//!
//! - Scalars are SSA values, variables among them. Texts, arrays and records are used by their address ([`Operand`]); one
//!   that lies in memory that may change before it is used is copied first ([`Emitter::keep`]).
//! - Functions return what is left of the fuel, below zero if they failed, and then their result if it is a scalar. A
//!   result in memory goes where the caller says.
//! - `None` from an emitting function means: control does not come back from there, and no block is open.
//! - All checks lead to cold blocks, which note the place and what was found there, and leave.

mod aggregates;
mod arithmetic;
mod blocks;
mod branches;
mod calls;
mod host;
mod known;
mod library;
mod loops;
mod memory;
mod places;
mod statements;
mod switch;
mod symbols;
mod tags;
mod unroll;

pub(super) use memory::{Address, Base};

use super::{
    context::{OPERANDS, TRACE, at},
    effects::{self, Effects, in_memory},
    shims::Shim,
    sites::{Call, Site, SiteKind, TagRange},
};
use crate::{
    cost::Costs,
    hir::{Expr, ExprId, ExprKind, FileId, Function, FunctionId, Hir, LocalId, SymbolId, Type},
    proofs::{Check, Proofs},
};
use cranelift_codegen::ir::{
    self, AbiParam, ExtFuncData, ExternalName, InstBuilder, MemFlags, Signature, SourceLoc, StackSlot,
    StackSlotData, StackSlotKind, UserExternalName, Value as Ssa, condcodes::IntCC, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use known::Known;
use memory::Temporaries;
use sensai_model::{Tag, Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What the code of all functions of a program is made from.
pub(super) struct Unit<'a> {
    pub hir: &'a Hir,
    /// Tags of the environment, then shafts of a twin.
    pub tags: Vec<&'a Tag>,
    /// As programs write them.
    pub tag_names: Vec<Arc<str>>,
    pub ranges: Vec<Option<Arc<TagRange>>>,
    pub proofs: &'a dyn Proofs,
    pub effects: Vec<Effects>,
    pub costs: Costs<'a>,
    /// Functions that are compiled where they are called.
    pub inlined: Vec<bool>,
    /// Work is counted while the program runs.
    pub fuel: bool,
    /// Work that a run may do.
    pub operations: u64,
    /// Slot of each model's sequence number.
    pub sequences: Vec<Option<u32>>,
    /// `sys.seed`.
    pub seed: i64,
    /// Check everything; false only to measure what checks cost.
    pub checks: bool,
    /// The processor rounds floats in one instruction.
    pub rounds: bool,
    pub convention: CallConv,
    /// Where each constant is in [`Output::constants`].
    pub constants: Vec<u32>,
}

impl Unit<'_> {
    /// Work that may be charged in one go: with more, a run that would not have done it might be refused.
    fn most_at_once(&self) -> u64 {
        (self.operations / 64).max(64)
    }

    /// Work of a function that its callers pay for; any other one charges for itself.
    fn prepaid(&self, function: FunctionId) -> Option<u64> {
        self.costs.function(function).ok().filter(|bound| *bound <= self.most_at_once())
    }
}

/// What comes out beside code.
#[derive(Default)]
pub(super) struct Output {
    pub sites: Vec<Site>,
    pub callees: Vec<usize>,
    /// Texts and tables; every one on a multiple of 16.
    pub constants: Vec<u8>,
    pub symbols: BTreeMap<SymbolId, u32>,
    /// What source locations of instructions mean.
    pub lines: Vec<(FileId, u32)>,
    /// Bytes of scratch memory that each function uses, those of functions in it included.
    pub scratch: u32,
}

/// What an expression gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    /// Nothing.
    Unit,
    /// A bool, a number.
    Scalar(Ssa),
    /// A text that is known.
    Symbol(SymbolId),
    /// A text, an array, a record.
    Memory(Memory),
}

/// A value in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub address: Address,
    /// Nothing changes it before it is used.
    pub stable: bool,
}

/// Where a variable is.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Unset,
    Scalar(Variable),
    Symbol(SymbolId),
    Memory(Memory),
}

/// What `this` is.
#[derive(Clone, Copy, Debug)]
enum This {
    Memory(Address),
    /// A scalar that is in no memory.
    Variable(Variable),
}

/// A function while it is compiled, perhaps inside of another.
struct Frame<'a> {
    id: FunctionId,
    function: &'a Function,
    this: Option<This>,
    locals: Vec<Slot>,
    /// Numbers that variables of loops are in.
    ranges: HashMap<LocalId, (i64, i64)>,
    /// Where `return` leads to; none: out of the code.
    exit: Option<ir::Block>,
    /// What is known there; none: nothing leads there.
    left: Option<Known>,
    /// Where a result in memory goes.
    result: Option<Address>,
    loops: Vec<LoopTargets>,
    /// The call that this is compiled for; none: a function of its own.
    called: Option<Call>,
}

#[derive(Clone, Copy)]
struct LoopTargets {
    again: ir::Block,
    out: ir::Block,
}

/// Makes the code of one function.
pub(super) struct Emitter<'a, 'f> {
    unit: &'a Unit<'a>,
    out: &'f mut Output,
    b: FunctionBuilder<'f>,
    context: Ssa,
    frame: Frame<'a>,
    /// Frames that are being compiled around this one.
    callers: Vec<Frame<'a>>,
    /// Leaves as failed; its parameter is the place.
    fail: ir::Block,
    /// Leaves as failed; the place is noted already.
    failed: ir::Block,
    /// Entered from outside of the program.
    entry: bool,
    fuel: Option<Variable>,
    /// Work that is not charged yet, and whether what is compiled now is charged for already.
    pending: u64,
    paid: bool,
    word: Option<StackSlot>,
    temporaries: Temporaries,
    /// `this` of the function that is compiled, by its address.
    state: Option<Ssa>,
    known: Known,
    /// Slots of tags that were written and are not marked yet.
    marks: Vec<u32>,
    /// Nodes of loops that were written out.
    written_out: usize,
    imported: HashMap<FunctionId, ir::FuncRef>,
    /// Floats that are not a NaN of an odd form.
    canonical: std::collections::HashSet<Ssa>,
    /// Bytes that are 0 or 1.
    bits: std::collections::HashSet<Ssa>,
}

/// Memory of the context that does not change while code runs.
pub(super) fn constant_flags() -> MemFlags {
    MemFlags::trusted().with_readonly().with_can_move()
}

/// Cranelift's type of a scalar; addresses for what is in memory.
pub(super) fn ssa_type(ty: &Type) -> Option<ir::Type> {
    match ty {
        Type::Bool => Some(types::I8),
        Type::I64 => Some(types::I64),
        Type::F64 => Some(types::F64),
        _ if in_memory(ty) => Some(types::I64),
        _ => None,
    }
}

/// How a function of the program is called from within.
pub(super) fn signature(unit: &Unit<'_>, function: &Function) -> Signature {
    let mut signature = Signature::new(unit.convention);
    signature.params.push(AbiParam::new(types::I64));
    if unit.fuel {
        signature.params.push(AbiParam::new(types::I64));
    }
    if function.this.is_some() {
        signature.params.push(AbiParam::new(types::I64));
    }
    for local in function.locals.iter().take(function.parameters as usize) {
        if let Some(ty) = ssa_type(&local.ty) {
            signature.params.push(AbiParam::new(ty));
        }
    }
    signature.returns.push(AbiParam::new(types::I64));
    match ssa_type(&function.result) {
        Some(_) if in_memory(&function.result) => signature.params.push(AbiParam::new(types::I64)),
        Some(ty) => signature.returns.push(AbiParam::new(ty)),
        None => {}
    }
    signature
}

/// How the entry is called from outside: context, state.
pub(super) fn entry_signature(unit: &Unit<'_>) -> Signature {
    let mut signature = Signature::new(unit.convention);
    signature.params = vec![AbiParam::new(types::I64); 2];
    signature.returns = vec![AbiParam::new(types::I64)];
    signature
}

/// Make the instructions of a function. `entry`: to be entered from outside.
pub(super) fn function(
    unit: &Unit<'_>,
    out: &mut Output,
    id: FunctionId,
    entry: bool,
    target: &mut ir::Function,
    scratch: &mut FunctionBuilderContext,
) {
    let function = unit.hir.function(id);
    target.signature = if entry { entry_signature(unit) } else { signature(unit, function) };
    let mut b = FunctionBuilder::new(target, scratch);
    let start = b.create_block();
    b.append_block_params_for_function_params(start);
    b.switch_to_block(start);
    b.seal_block(start);
    let (fail, failed) = (b.create_block(), b.create_block());
    b.set_cold_block(fail);
    b.set_cold_block(failed);
    b.append_block_param(fail, types::I32);
    let parameters: Vec<Ssa> = b.block_params(start).to_vec();
    let mut parameters = parameters.into_iter();
    let Some(context) = parameters.next() else { return };
    let mut emitter = Emitter {
        unit,
        out,
        b,
        context,
        frame: Frame::new(id, function),
        callers: Vec::new(),
        fail,
        failed,
        entry,
        fuel: None,
        pending: 0,
        paid: !unit.fuel || (!entry && unit.prepaid(id).is_some()),
        word: None,
        temporaries: Temporaries::default(),
        state: None,
        known: Known::default(),
        marks: Vec::new(),
        written_out: 0,
        imported: HashMap::new(),
        canonical: std::collections::HashSet::new(),
        bits: std::collections::HashSet::new(),
    };
    emitter.parameters(&mut parameters);
    emitter.whole();
    emitter.b.seal_all_blocks();
    emitter.b.finalize();
}

impl<'a> Frame<'a> {
    fn new(id: FunctionId, function: &'a Function) -> Self {
        Self {
            id,
            function,
            this: None,
            locals: vec![Slot::Unset; function.locals.len()],
            ranges: HashMap::new(),
            exit: None,
            left: None,
            result: None,
            loops: Vec::new(),
            called: None,
        }
    }
}

impl<'a> Emitter<'a, '_> {
    /// Take the parameters of a function that is compiled by itself.
    fn parameters(&mut self, given: &mut dyn Iterator<Item = Ssa>) {
        if self.unit.fuel {
            let left = match self.entry {
                true => Some(self.b.ins().load(types::I64, MemFlags::trusted(), self.context, at::FUEL)),
                false => given.next(),
            };
            let variable = self.b.declare_var(types::I64);
            if let Some(left) = left {
                self.b.def_var(variable, left);
            }
            self.fuel = Some(variable);
        }
        if self.frame.function.this.is_some() {
            self.state = given.next();
            self.frame.this = self.state.map(|this| This::Memory(Address::pointer(this)));
        }
        for index in 0..self.frame.function.parameters {
            let local = self.frame.function.local(LocalId(index));
            let ty = local.ty.clone();
            let operand = match ssa_type(&ty).and_then(|_| given.next()) {
                None => Operand::Unit,
                Some(value) if in_memory(&ty) => {
                    Operand::Memory(Memory { address: Address::pointer(value), stable: true })
                }
                Some(value) => Operand::Scalar(value),
            };
            self.bind_lasting(LocalId(index), operand);
        }
        if in_memory(&self.frame.function.result) {
            self.frame.result = given.next().map(Address::apart);
        }
    }

    /// The body, and all ends.
    fn whole(&mut self) {
        let function = self.frame.function;
        let bound = self.unit.costs.block(self.frame.id, function, &function.body).ok();
        self.charged(bound, |emitter| {
            let value = match emitter.frame.result {
                Some(to) => emitter.block_into(&function.body, to).map(|()| Operand::Unit),
                None => emitter.block(&function.body),
            };
            if let Some(value) = value {
                emitter.leave(value);
            }
            Some(())
        });
        self.ends();
    }

    /// The two ends of a failed function.
    fn ends(&mut self) {
        self.b.switch_to_block(self.fail);
        let place = self.b.block_params(self.fail).first().copied();
        if let Some(place) = place {
            self.b.ins().store(MemFlags::trusted(), place, self.context, at::SITE);
        }
        self.b.ins().jump(self.failed, &[]);
        self.b.switch_to_block(self.failed);
        if let Some(fuel) = self.fuel.filter(|_| self.entry) {
            let left = self.b.use_var(fuel);
            self.b.ins().store(MemFlags::trusted(), left, self.context, at::FUEL);
        }
        let mut results = vec![self.b.ins().iconst(types::I64, -1)];
        if !self.entry {
            match self.frame.function.result {
                Type::Bool => results.push(self.b.ins().iconst(types::I8, 0)),
                Type::I64 => results.push(self.b.ins().iconst(types::I64, 0)),
                Type::F64 => results.push(self.b.ins().f64const(0.0)),
                _ => {}
            }
        }
        self.b.ins().return_(&results);
    }

    /// Out of the function at hand, with its result.
    fn leave(&mut self, value: Operand) {
        if let Some(exit) = self.frame.exit {
            match &mut self.frame.left {
                Some(known) => known.meet(&self.known),
                none => *none = Some(self.known.clone()),
            }
            match value {
                Operand::Scalar(value) => self.b.ins().jump(exit, &[value.into()]),
                _ => self.b.ins().jump(exit, &[]),
            };
            return;
        }
        self.flush();
        let left = match self.fuel {
            Some(fuel) => {
                let left = self.b.use_var(fuel);
                self.out_of_fuel(left, self.frame.function.span.start);
                left
            }
            None => self.b.ins().iconst(types::I64, 0),
        };
        if self.entry {
            if self.fuel.is_some() {
                self.b.ins().store(MemFlags::trusted(), left, self.context, at::FUEL);
            }
            let done = self.b.ins().iconst(types::I64, 0);
            self.b.ins().return_(&[done]);
            return;
        }
        match value {
            Operand::Scalar(value) => self.b.ins().return_(&[left, value]),
            _ => self.b.ins().return_(&[left]),
        };
    }

    /// Emit something whose cost is known to be at most `bound`; without one, it charges for itself.
    fn charged<R>(&mut self, bound: Option<u64>, emit: impl FnOnce(&mut Self) -> R) -> R {
        match bound.filter(|bound| !self.paid && *bound <= self.unit.most_at_once()) {
            Some(bound) => {
                self.pending = self.pending.saturating_add(bound);
                self.paid = true;
                let result = emit(self);
                self.paid = false;
                result
            }
            None => emit(self),
        }
    }

    /// Before control goes several ways, or to where several come from: charge for what was met since the last time, and mark
    /// the tags that were written.
    fn flush(&mut self) {
        self.mark_written();
        let pending = std::mem::take(&mut self.pending);
        if let Some(fuel) = self.fuel
            && pending > 0
        {
            let left = self.b.use_var(fuel);
            let pending = i64::try_from(pending).unwrap_or(i64::MAX);
            let left = self.b.ins().iadd_imm(left, -pending);
            self.b.def_var(fuel, left);
        }
    }

    /// Fail if the fuel is used up.
    fn out_of_fuel(&mut self, left: Ssa, at: u32) {
        let empty = self.b.ins().icmp_imm(IntCC::SignedLessThan, left, 0);
        // Not a check of the program's own, so it is there whatever `checks` says.
        self.fail_if(empty, at, SiteKind::Fuel, &[]);
    }

    /// Go on only if `bad` is false.
    fn check(&mut self, bad: Ssa, at: u32, kind: SiteKind, operands: &[Ssa]) {
        if self.unit.checks {
            self.fail_if(bad, at, kind, operands);
        }
    }

    fn fail_if(&mut self, bad: Ssa, at: u32, kind: SiteKind, operands: &[Ssa]) {
        let on = self.b.create_block();
        let cold = self.b.create_block();
        self.b.set_cold_block(cold);
        self.b.ins().brif(bad, cold, &[], on, &[]);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        self.fail(at, kind, operands);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
    }

    /// Fail here.
    fn fail(&mut self, at: u32, kind: SiteKind, operands: &[Ssa]) {
        let site = self.site(at, kind);
        for (place, operand) in operands.iter().take(OPERANDS).enumerate() {
            let word = match self.b.func.dfg.value_type(*operand) {
                types::I8 | types::I32 => self.b.ins().uextend(types::I64, *operand),
                _ => *operand,
            };
            self.b.ins().store(MemFlags::trusted(), word, self.context, at::OPERANDS + 8 * place as i32);
        }
        let site = self.b.ins().iconst(types::I32, i64::from(site));
        self.b.ins().jump(self.fail, &[site.into()]);
    }

    /// Leave after a call that failed, and note it.
    fn pass_on(&mut self, at: u32, call: Call) {
        let site = self.site(at, SiteKind::Call(call));
        let calls = self.b.ins().load(types::I32, MemFlags::trusted(), self.context, at::CALLS);
        let more = self.b.ins().iadd_imm(calls, 1);
        let (note, full) = (self.b.create_block(), self.failed);
        self.b.set_cold_block(note);
        let room = self.b.ins().icmp_imm(IntCC::UnsignedLessThan, calls, TRACE as i64);
        self.b.ins().brif(room, note, &[], full, &[]);
        self.b.seal_block(note);
        self.b.switch_to_block(note);
        let wide = self.b.ins().uextend(types::I64, calls);
        let offset = self.b.ins().ishl_imm(wide, 2);
        let place = self.b.ins().iadd(self.context, offset);
        let site = self.b.ins().iconst(types::I32, i64::from(site));
        self.b.ins().store(MemFlags::trusted(), site, place, at::TRACE);
        self.b.ins().store(MemFlags::trusted(), more, self.context, at::CALLS);
        self.b.ins().jump(self.failed, &[]);
    }

    fn site(&mut self, at: u32, kind: SiteKind) -> u32 {
        let (line, column) = self.position(at);
        let frames = std::iter::once(&self.frame).chain(self.callers.iter().rev());
        let calls = frames.map_while(|frame| frame.called.clone()).collect();
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        let file = self.frame.function.file.index();
        let library =
            self.unit.hir.files.get(file).filter(|_| file > 0).map(|file| file.path.as_str().into());
        self.out.sites.push(Site { line, column, library, kind, calls });
        self.out.sites.len() as u32 - 1
    }

    fn position(&self, at: u32) -> (u32, u32) {
        let file = self.unit.hir.files.get(self.frame.function.file.index());
        file.map_or((0, 0), |file| {
            let position = file.position(at);
            (position.line, position.column)
        })
    }

    /// What is emitted from now on is for this place of the text.
    fn locate(&mut self, at: u32) {
        let line = (self.frame.function.file, at);
        if self.out.lines.last() != Some(&line) {
            self.out.lines.push(line);
        }
        self.b.set_srcloc(SourceLoc::new(self.out.lines.len() as u32 - 1));
    }

    /// True if a variable changes after its declaration.
    fn is_mutable(&self, local: LocalId) -> bool {
        self.frame.function.local(local).mutable
    }

    fn proven(&self, check: Check) -> bool {
        self.unit.proofs.holds(self.frame.id, check)
    }

    fn expr_of(&self, id: ExprId) -> &'a Expr {
        self.frame.function.expr(id)
    }

    fn type_of(&self, id: ExprId) -> &'a Type {
        &self.frame.function.expr(id).ty
    }

    fn effects_of(&self, id: ExprId) -> Effects {
        effects::of_expr(self.frame.function, &self.unit.effects, id)
    }

    /// An expression.
    pub(super) fn expr(&mut self, id: ExprId) -> Option<Operand> {
        self.charged_expr(id, |emitter| emitter.parts(id))
    }

    /// Emit an expression, and charge for it what is not charged yet.
    fn charged_expr<R>(&mut self, id: ExprId, emit: impl FnOnce(&mut Self) -> R) -> R {
        if self.paid {
            return emit(self);
        }
        let bound = self.unit.costs.expr(self.frame.id, self.frame.function, id).ok();
        self.charged(bound, |emitter| {
            if !emitter.paid {
                emitter.pending = emitter.pending.saturating_add(1);
            }
            emit(emitter)
        })
    }

    fn parts(&mut self, id: ExprId) -> Option<Operand> {
        let expr = self.expr_of(id);
        Some(match &expr.kind {
            ExprKind::Literal(value) => Operand::Scalar(self.literal(*value)),
            ExprKind::Symbol(symbol) => Operand::Symbol(*symbol),
            ExprKind::Read(place) => self.read(place)?,
            ExprKind::Tag { tag, quality: false } => Operand::Scalar(self.read_tag(tag)?),
            ExprKind::Tag { tag, quality: true } => Operand::Scalar(self.quality(tag)?),
            ExprKind::Parameter(index) => self.parameter(*index, &expr.ty),
            ExprKind::Sys(fact) => self.sys(*fact),
            ExprKind::Unary(operator, operand) => Operand::Scalar(self.unary(id, *operator, *operand)?),
            ExprKind::Binary(operator, left, right) => {
                Operand::Scalar(self.binary(id, *operator, *left, *right)?)
            }
            ExprKind::Logic { and, left, right } => Operand::Scalar(self.logic(*and, *left, *right)?),
            ExprKind::If { condition, then, otherwise } => {
                self.conditional(&expr.ty, *condition, then, otherwise.as_ref())?
            }
            ExprKind::Switch(switch) => self.switch(&expr.ty, switch)?,
            ExprKind::Block(block) => self.block(block)?,
            ExprKind::Library(function, arguments) => Operand::Scalar(self.library(id, function, arguments)?),
            ExprKind::Call { function, receiver, arguments } => {
                self.call(id, *function, receiver.as_ref(), arguments, None)?
            }
            ExprKind::Method { block, of, method, arguments } => {
                self.method(id, block, of, method, arguments)?
            }
            ExprKind::Pin { block, of, pin } => Operand::Scalar(self.pin(block, of, pin)?),
            ExprKind::AxisCommand { handle, command } => self.axis_command(id, handle, command)?,
            ExprKind::AxisProperty { handle, property } => self.axis_property(handle, property)?,
            ExprKind::Fresh(model) => Operand::Scalar(self.fresh(*model)),
            ExprKind::Request(request) => self.request(expr.at, *request),
            ExprKind::RequestNamed(request, name) => self.request_named(expr.at, *request, *name)?,
            ExprKind::Len(place) => {
                self.place(place)?;
                let len = if let Type::Array(array) = &place.ty { array.len } else { 0 };
                Operand::Scalar(self.b.ins().iconst(types::I64, i64::from(len)))
            }
            ExprKind::Fault(name) => self.raise(expr.at, name)?,
            ExprKind::Array(_) | ExprKind::Fill { .. } | ExprKind::Record(_) => {
                let address = self.temporary(&expr.ty);
                self.expr_into(id, address)?;
                Operand::Memory(Memory { address, stable: true })
            }
            ExprKind::MakeBlock { .. } | ExprKind::MakeAxis(_) => Operand::Unit,
        })
    }

    /// A scalar.
    fn scalar(&mut self, id: ExprId) -> Option<Ssa> {
        match self.expr(id)? {
            Operand::Scalar(value) => Some(value),
            // Types are checked, so this is not met; a zero does no harm.
            _ => Some(self.b.ins().iconst(types::I64, 0)),
        }
    }

    fn literal(&mut self, value: Value) -> Ssa {
        match value {
            Value::Bool(value) => self.b.ins().iconst(types::I8, i64::from(value)),
            Value::I64(value) => self.b.ins().iconst(types::I64, value),
            Value::F64(value) => {
                let value = self.b.ins().f64const(sensai_model::value::canonical(value));
                self.canonical.insert(value);
                value
            }
        }
    }

    /// A word on the stack for results of calls.
    fn word(&mut self) -> StackSlot {
        if let Some(word) = self.word {
            return word;
        }
        let word = self.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3));
        self.word = Some(word);
        word
    }

    /// Call a function outside of the program.
    fn call_out(&mut self, address: usize, arguments: &[Ssa], result: Option<ir::Type>) -> Option<Ssa> {
        let callees = &mut self.out.callees;
        let index = callees.iter().position(|known| *known == address).unwrap_or_else(|| {
            callees.push(address);
            callees.len() - 1
        });
        let mut signature = Signature::new(self.unit.convention);
        for argument in arguments {
            let ty = self.b.func.dfg.value_type(*argument);
            let parameter = AbiParam::new(ty);
            signature.params.push(if ty == types::I8 { parameter.uext() } else { parameter });
        }
        signature.returns.extend(result.map(AbiParam::new));
        let signature = self.b.import_signature(signature);
        let table = self.b.ins().load(types::I64, constant_flags(), self.context, at::CALLEES);
        let callee = self.b.ins().load(types::I64, constant_flags(), table, 8 * index as i32);
        let call = self.b.ins().call_indirect(signature, callee, arguments);
        self.b.inst_results(call).first().copied()
    }

    fn call_shim(&mut self, shim: Shim, arguments: &[Ssa], result: Option<ir::Type>) -> Option<Ssa> {
        self.call_out(shim.address(), arguments, result)
    }

    /// A function of the program that is compiled by itself.
    fn import(&mut self, id: FunctionId) -> ir::FuncRef {
        if let Some(known) = self.imported.get(&id) {
            return *known;
        }
        let signature = signature(self.unit, self.unit.hir.function(id));
        let signature = self.b.import_signature(signature);
        let name = self.b.func.declare_imported_user_function(UserExternalName::new(0, id.0));
        let function = self.b.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        self.imported.insert(id, function);
        function
    }
}
