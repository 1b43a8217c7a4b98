//! Cycles of a program, for who looks on.

use super::{Datum, Evaluated, Evaluator, Exit, Fault, Frame, Raised, Reference, not_before_the_first_cycle};
use crate::{
    Ports, ScriptEnvironment, SysFacts,
    fault::refused,
    hir::{ExprId, FileId, Function, FunctionId, Hir, NamedRequest, Place, Span, SysFact},
    names::suggest,
    ports::{REQUESTS_MAX, Request},
};
use sensai_model::{FaultCode, TagKind, TagStore, Value, value::canonical};
use sensai_stdlib::{registry, time::seconds_from_ns};
use std::sync::Arc;

/// What a cycle works on.
pub(crate) struct World<'a> {
    pub tags: &'a mut TagStore,
    pub parameters: &'a [Value],
    pub ports: &'a mut Ports,
    pub sys: SysFacts,
}

/// A call that has not returned.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub function: Option<FunctionId>,
    pub file: FileId,
    /// Slot of its first variable.
    pub base: usize,
    pub this: Option<Reference>,
    /// What it arrived at last.
    pub kind: Kind,
    pub span: Span,
}

impl Active {
    pub fn new(function: Option<FunctionId>, of: &Function, base: usize, this: Option<Reference>) -> Self {
        Self { function, file: of.file, base, this, kind: Kind::Statement, span: of.span }
    }
}

/// What a program arrives at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A statement, which runs next.
    Statement,
    /// The value at the end of a block, or an arm of a `switch`.
    Value,
    /// Another turn of a loop.
    Turn,
}

/// Where a program is, and all that it has.
pub(crate) struct Arrival<'e> {
    /// The outermost first; the last one is where it is.
    pub calls: &'e [Active],
    pub slots: &'e [Datum],
    pub world: &'e World<'e>,
}

/// Looks on.
pub(crate) trait Observer {
    /// The program arrives somewhere.
    fn arrive(&mut self, arrival: &Arrival<'_>);
}

impl<'a> Evaluator<'a> {
    /// For a cycle of a program.
    pub fn of_cycle(
        hir: &'a Hir,
        constants: &'a [Datum],
        environment: &'a ScriptEnvironment<'a>,
        world: World<'a>,
        limit: u64,
    ) -> Self {
        let mut new = Self::new(&hir.functions, constants, &hir.symbols, environment);
        (new.world, new.limit) = (Some(world), limit);
        new
    }

    /// Run `cycle` on a state; the state behind it.
    pub fn cycle(
        mut self,
        id: FunctionId,
        state: Datum,
        observer: &'a mut dyn Observer,
    ) -> Result<Datum, Box<Fault>> {
        let functions = self.functions;
        let this = Reference { slot: 0, path: Vec::new() };
        self.slots.push(state);
        self.observer = Some(observer);
        let Some(function) = functions.get(id.index()) else {
            return Err(self.lost(FileId(0), 0));
        };
        match self.call(Some(id), function, Some(this), Vec::new()) {
            Ok(_) => {}
            Err(Exit::Fault(fault)) => return Err(fault),
            Err(_) => return Err(self.lost(function.file, function.span.start)),
        }
        let mut state = self.slots.into_iter().next().unwrap_or(Datum::Unit);
        if let Some(world) = &mut self.world {
            state.handles(&mut |handle| handle.settle(world.ports, world.sys.first_cycle));
        }
        Ok(state)
    }

    /// The value of an expression, with these variables and calls at hand.
    pub fn value(
        mut self,
        function: &Function,
        value: ExprId,
        mut slots: Vec<Datum>,
        (locals, this): (Vec<Datum>, Option<Reference>),
    ) -> Result<Datum, Box<Fault>> {
        let base = slots.len();
        slots.extend(locals);
        self.slots = slots;
        match self.expr(&Frame { function, base, this }, value) {
            Ok(value) => Ok(value),
            Err(Exit::Fault(fault)) => Err(fault),
            Err(_) => Err(self.lost(function.file, function.span.start)),
        }
    }

    fn lost(&self, file: FileId, at: u32) -> Box<Fault> {
        Box::new(Fault { raised: not_before_the_first_cycle(), file, at, calls: Vec::new() })
    }

    pub(super) fn arrive(&mut self, kind: Kind, span: Span) {
        let Some(observer) = self.observer.take() else { return };
        if let Some(call) = self.calls.last_mut() {
            (call.kind, call.span) = (kind, span);
        }
        if let Some(world) = &self.world {
            observer.arrive(&Arrival { calls: &self.calls, slots: &self.slots, world });
        }
        self.observer = Some(observer);
    }

    /// The slot behind a reference, and everything else that a call outside may need.
    pub(super) fn world(&mut self, frame: &Frame<'_>, at: u32) -> Evaluated<&mut World<'a>> {
        if self.world.is_none() {
            return self.stuck(frame, at);
        }
        match &mut self.world {
            Some(world) => Ok(world),
            None => Err(Exit::Break),
        }
    }

    pub(super) fn parameter(&self, index: u32) -> Option<Value> {
        match &self.world {
            Some(world) => world.parameters.get(index as usize).copied(),
            None => self.environment.parameters.get(index as usize).map(|parameter| parameter.default),
        }
    }

    pub(super) fn fact(&self, fact: SysFact) -> Option<Datum> {
        if let (SysFact::Seed, crate::Role::Twin { seed, .. }) = (fact, self.environment.role) {
            return Some(Datum::Scalar(Value::I64(seed)));
        }
        let world = self.world.as_ref()?;
        let sys = &world.sys;
        let unit = world.ports.unit(self.environment.program_index);
        Some(Datum::Scalar(match fact {
            SysFact::Cycle => Value::I64(i64::try_from(sys.cycle).unwrap_or(i64::MAX)),
            SysFact::Time => Value::I64(sys.time_ns),
            SysFact::Dt => Value::F64(seconds_from_ns(sys.dt_ns)),
            SysFact::FirstCycle => Value::Bool(sys.first_cycle),
            SysFact::Mode => return Some(Datum::Symbol(unit.mode.name().into())),
            SysFact::State => return Some(Datum::Symbol(unit.state.name().into())),
            SysFact::Seed => return None,
        }))
    }

    pub(super) fn method(
        &mut self,
        frame: &Frame<'_>,
        at: u32,
        block: &Place,
        method: &registry::Method,
        arguments: &[ExprId],
    ) -> Evaluated<Datum> {
        let indices = self.indices(frame, block)?;
        let mut given = self.scalars(frame, arguments)?;
        // A block may keep what it is given, and there is one NaN in a state.
        for value in &mut given {
            if let Value::F64(number) = value {
                *number = canonical(*number);
            }
        }
        let reference = self.checked(frame, block, &indices)?;
        let dt_ns = self.world(frame, at)?.sys.dt_ns;
        let Some(Datum::Block(block)) = self.get_mut(&reference) else { return self.stuck(frame, at) };
        match method.call(&mut block.bytes, &given, dt_ns) {
            Ok(value) => Ok(value.map_or(Datum::Unit, Datum::Scalar)),
            Err(error) => self.fault(frame, at, refused(error)),
        }
    }

    pub(super) fn fresh(&mut self, frame: &Frame<'_>, at: u32, model: u16) -> Evaluated<Datum> {
        let environment = self.environment;
        let name = environment.reach.models.get(usize::from(model)).map(|model| &model.name);
        let name = name.map_or(String::new(), |name| format!("ai.{name}.sequence"));
        let tag = environment.tags.iter().find(|tag| tag.kind == TagKind::Model && tag.name == name);
        let world = self.world(frame, at)?;
        let sequence = match tag.map(|tag| world.tags.value(tag.slot)) {
            Some(Value::I64(sequence)) => sequence,
            _ => 0,
        };
        let fresh = world.ports.fresh(environment.program_index, model, sequence);
        Ok(Datum::Scalar(Value::Bool(fresh)))
    }

    pub(super) fn request(&mut self, frame: &Frame<'_>, at: u32, request: Request) -> Evaluated<Datum> {
        let program = self.environment.program_index;
        match self.world(frame, at)?.ports.request(program, request) {
            Ok(()) => Ok(Datum::Unit),
            Err(_) => {
                let text = format!(
                    "more than {REQUESTS_MAX} calls such as hold(), jidoka() or alarm() in one run; make each only when it is \
                     needed"
                );
                self.fault(frame, at, Raised::new(FaultCode::TooLarge, text))
            }
        }
    }

    pub(super) fn request_named(
        &mut self,
        frame: &Frame<'_>,
        at: u32,
        request: NamedRequest,
        name: ExprId,
    ) -> Evaluated<Datum> {
        let name: Arc<str> = self.text(frame, name)?;
        let reach = self.environment.reach;
        let (one, several, names): (_, _, Vec<&str>) = match request {
            NamedRequest::Jidoka => {
                ("jidoka rule", "jidoka rules", reach.jidoka.iter().map(|rule| rule.name.as_str()).collect())
            }
            NamedRequest::Alarm => {
                ("alarm", "alarms", reach.alarms.iter().map(|alarm| alarm.name.as_str()).collect())
            }
        };
        let Some(index) = names.iter().position(|known| **known == *name) else {
            let text = format!("there is no {one} `{name}`; {}", suggest(&name, &names, several));
            return self.fault(frame, at, Raised::new(FaultCode::UnknownName, text));
        };
        let index = index as u16;
        self.request(
            frame,
            at,
            match request {
                NamedRequest::Jidoka => Request::Jidoka(index),
                NamedRequest::Alarm => Request::Alarm(index),
            },
        )
    }
}
