//! What a program reaches beside tags: parameters, facts of the cycle, axes, models, requests, faults.

use super::{Address, Emitter, Memory, Operand, constant_flags};
use crate::{
    axis::AxisHandle,
    hir::{AxisCall, AxisDirection, ExprId, FaultName, NamedRequest, Place, SysFact, Type},
    native::{
        context::at,
        shims::{Shim, direction_number, request_numbers},
        sites::SiteKind,
    },
    ports::Request,
};
use cranelift_codegen::ir::{
    self, InstBuilder, MemFlags, Value as Ssa,
    condcodes::{FloatCC, IntCC},
    types,
};
use sensai_stdlib::registry::{
    AXIS,
    handle::{DIRECTIONS, Kind, Property},
};

impl Emitter<'_, '_> {
    pub(super) fn parameter(&mut self, index: u32, ty: &Type) -> Operand {
        let base = self.b.ins().load(types::I64, constant_flags(), self.context, at::PARAMETERS);
        let ssa = super::ssa_type(ty).unwrap_or(types::I64);
        let offset = i32::try_from(u64::from(index) * 8).unwrap_or(i32::MAX);
        let value = self.b.ins().load(ssa, constant_flags(), base, offset);
        if ssa == types::F64 {
            self.canonical.insert(value);
        }
        Operand::Scalar(value)
    }

    fn fact(&mut self, ty: ir::Type, offset: i32) -> Ssa {
        self.b.ins().load(ty, constant_flags(), self.context, offset)
    }

    pub(super) fn sys(&mut self, fact: SysFact) -> Operand {
        let text = |emitter: &mut Self, offset| {
            let address = Address::pointer(emitter.fact(types::I64, offset));
            Operand::Memory(Memory { address, stable: true })
        };
        Operand::Scalar(match fact {
            SysFact::Cycle => self.fact(types::I64, at::CYCLE),
            SysFact::Time => self.fact(types::I64, at::TIME_NS),
            SysFact::Dt => {
                let dt = self.fact(types::F64, at::DT_S);
                self.canonical.insert(dt);
                dt
            }
            SysFact::FirstCycle => self.fact(types::I8, at::FIRST_CYCLE),
            SysFact::Mode => return text(self, at::MODE),
            SysFact::State => return text(self, at::STATE),
            SysFact::Seed => self.b.ins().iconst(types::I64, self.unit.seed),
        })
    }

    /// The interval, as blocks count it.
    pub(super) fn interval(&mut self) -> Ssa {
        self.fact(types::I64, at::DT_NS)
    }

    pub(super) fn fresh(&mut self, model: u16) -> Ssa {
        let slot = self.unit.sequences.get(usize::from(model)).copied().flatten();
        let sequence = match slot {
            Some(slot) => {
                let base = self.b.ins().load(types::I64, constant_flags(), self.context, at::VALUES);
                self.load_tag(&Type::I64, Address::pointer(base).plus(slot.saturating_mul(8)))
            }
            None => self.b.ins().iconst(types::I64, 0),
        };
        let model = self.b.ins().iconst(types::I64, i64::from(model));
        let fresh = self.call_shim(Shim::Fresh, &[self.context, model, sequence], Some(types::I32));
        self.answered(fresh)
    }

    /// A bool from the answer of a function outside.
    fn answered(&mut self, answer: Option<Ssa>) -> Ssa {
        match answer {
            Some(answer) => self.b.ins().ireduce(types::I8, answer),
            None => self.b.ins().iconst(types::I8, 0),
        }
    }

    pub(super) fn request(&mut self, at: u32, request: Request) -> Operand {
        let (kind, index) = request_numbers(request);
        let (kind, index) = (self.b.ins().iconst(types::I64, kind), self.b.ins().iconst(types::I64, index));
        if let Some(full) = self.call_shim(Shim::Request, &[self.context, kind, index], Some(types::I32)) {
            self.locate(at);
            self.fail_if(full, at, SiteKind::RequestsFull, &[]);
        }
        Operand::Unit
    }

    pub(super) fn request_named(&mut self, at: u32, request: NamedRequest, name: ExprId) -> Option<Operand> {
        let text = self.expr(name)?;
        let address = self.in_memory(text).address;
        let kind = self.b.ins().iconst(types::I64, if request == NamedRequest::Jidoka { 0 } else { 1 });
        let pointer = self.pointer(address);
        let answer = self.call_shim(Shim::RequestNamed, &[self.context, kind, pointer], Some(types::I32))?;
        self.locate(at);
        let (odd, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        self.b.ins().brif(answer, odd, &[], on, &[]);
        self.b.seal_block(odd);
        self.b.switch_to_block(odd);
        let full = self.b.ins().icmp_imm(IntCC::Equal, answer, 1);
        self.fail_if(full, at, SiteKind::RequestsFull, &[]);
        self.fail_of(at, SiteKind::RequestUnknown(request), text);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        Some(Operand::Unit)
    }

    pub(super) fn raise(&mut self, at: u32, name: &FaultName) -> Option<Operand> {
        match name {
            FaultName::Text(symbol) => {
                let name = self.unit.hir.symbols.get(symbol.index()).cloned();
                self.fail(at, SiteKind::Raised(name.unwrap_or_else(|| "".into())), &[]);
            }
            FaultName::Value(text) => {
                let operand = self.expr(*text)?;
                self.fail_of(at, SiteKind::RaisedText, operand);
            }
        }
        // What was written before is undone, and nothing of it holds on other paths.
        self.marks.clear();
        None
    }

    /// Fail here, and leave a text.
    fn fail_of(&mut self, at: u32, kind: SiteKind, text: Operand) {
        let from = self.in_memory(text).address;
        self.copy(&Type::Symbol, from, Address { offset: at::OPERANDS, ..Address::apart(self.context) });
        self.fail(at, kind, &[]);
    }

    pub(super) fn axis_property(&mut self, handle: &Place, property: &Property) -> Option<Operand> {
        let address = self.place(handle)?.address;
        let handle = self.pointer(address);
        let number = AXIS.properties.iter().position(|one| one.name == property.name).unwrap_or(0);
        let number = self.b.ins().iconst(types::I64, number as i64);
        let word = self.call_shim(Shim::AxisProperty, &[self.context, handle, number], Some(types::I64))?;
        self.stored(address, AxisHandle::SIZE);
        Some(match property.kind {
            Kind::Bool => Operand::Scalar(self.b.ins().ireduce(types::I8, word)),
            Kind::I64 => Operand::Scalar(word),
            Kind::F64 => {
                let number = self.b.ins().bitcast(types::F64, MemFlags::new(), word);
                self.canonical.insert(number);
                Operand::Scalar(number)
            }
            Kind::Text => Operand::Memory(Memory { address: Address::pointer(word), stable: true }),
        })
    }

    pub(super) fn axis_command(&mut self, id: ExprId, handle: &Place, command: &AxisCall) -> Option<Operand> {
        let at = self.expr_of(id).at;
        let zero = |emitter: &mut Self| emitter.b.ins().f64const(0.0);
        let (kind, name, numbers, direction): (i64, &str, Vec<ExprId>, Option<&AxisDirection>) = match command
        {
            AxisCall::Power(on) => (0, "power", vec![*on], None),
            AxisCall::Reset => (1, "reset", Vec::new(), None),
            AxisCall::Home => (2, "home", Vec::new(), None),
            AxisCall::MoveAbsolute { position, velocity, direction } => {
                (3, "move_absolute", vec![*position, *velocity], Some(direction))
            }
            AxisCall::MoveRelative { distance, velocity } => {
                (4, "move_relative", vec![*distance, *velocity], None)
            }
            AxisCall::MoveVelocity(velocity) => (5, "move_velocity", vec![*velocity], None),
            AxisCall::Torque { torque, ramp } => (6, "torque", vec![*torque, *ramp], None),
            AxisCall::Halt => (7, "halt", Vec::new(), None),
            AxisCall::Stop => (8, "stop", Vec::new(), None),
            AxisCall::ReleaseStop => (9, "release_stop", Vec::new(), None),
        };
        let indices = self.indices(handle)?;
        let mut values = Vec::with_capacity(2);
        for number in numbers {
            values.push(self.scalar(number)?);
        }
        let direction = match direction {
            Some(AxisDirection::Text(text)) => {
                let operand = self.expr(*text)?;
                Some(Err(self.keep(operand, &Type::Symbol, self.root_effects(handle))))
            }
            Some(AxisDirection::Known(direction)) => Some(Ok(direction_number(*direction))),
            None => None,
        };
        let address = self.find(handle, &indices)?.address;
        self.locate(at);
        let mut arguments = Vec::with_capacity(2);
        for (place, value) in values.into_iter().enumerate() {
            if self.b.func.dfg.value_type(value) == types::F64 {
                self.finite_argument(at, name, place, value);
                arguments.push(value);
            } else {
                let wide = self.b.ins().uextend(types::I64, value);
                arguments.push(self.b.ins().fcvt_from_sint(types::F64, wide));
            }
        }
        let direction = match direction {
            None => self.b.ins().iconst(types::I64, 0),
            Some(Ok(number)) => self.b.ins().iconst(types::I64, number),
            Some(Err(text)) => self.direction(at, text)?,
        };
        let first = arguments.first().copied().unwrap_or_else(|| zero(self));
        let second = arguments.get(1).copied().unwrap_or_else(|| zero(self));
        let (kind, handle) = (self.b.ins().iconst(types::I64, kind), self.pointer(address));
        let given = [self.context, handle, kind, first, second, direction];
        let full = self.call_shim(Shim::AxisCommand, &given, Some(types::I32));
        self.stored(address, AxisHandle::SIZE);
        if let Some(full) = full {
            self.fail_if(full, at, SiteKind::AxisFull, &[]);
        }
        Some(Operand::Unit)
    }

    fn finite_argument(&mut self, at: u32, method: &str, place: usize, value: Ssa) {
        let described =
            AXIS.method(method).and_then(|method| Some((method.name, method.arguments.get(place)?.name)));
        let Some((method, argument)) = described else { return };
        let size = self.b.ins().fabs(value);
        let end = self.b.ins().f64const(f64::INFINITY);
        let good = self.b.ins().fcmp(FloatCC::LessThan, size, end);
        let bad = self.b.ins().bxor_imm(good, 1);
        self.check(bad, at, SiteKind::AxisNotFinite { method, argument }, &[value]);
    }

    fn direction(&mut self, at: u32, text: Operand) -> Option<Ssa> {
        let address = self.in_memory(text).address;
        let pointer = self.pointer(address);
        let number = self.call_shim(Shim::AxisDirection, &[pointer], Some(types::I32))?;
        let bad = self.b.ins().icmp_imm(IntCC::UnsignedGreaterThanOrEqual, number, DIRECTIONS.len() as i64);
        let (odd, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        self.b.ins().brif(bad, odd, &[], on, &[]);
        self.b.seal_block(odd);
        self.b.switch_to_block(odd);
        self.fail_of(at, SiteKind::AxisDirection, text);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        Some(self.b.ins().uextend(types::I64, number))
    }
}
