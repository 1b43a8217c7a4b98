//! Handles of axes as script values.

use super::{
    block::{dynamic, scalar},
    fault::{Raised, type_name},
    host::{Host, same},
};
use crate::{
    axis::{AxisHandle, Property},
    environment::property_help,
    names::suggest,
    ports::COMMANDS_MAX,
};
use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString, NativeCallContext};
use sensai_model::{FaultCode, Value};
use sensai_motion::{AxisCommand, Direction};
use sensai_stdlib::registry::{
    AXIS,
    handle::{DIRECTIONS, HandleArgument, HandleMethod, Kind},
};
use std::{any::TypeId, cell::Cell, rc::Rc};

/// A handle inside a script value; like a block it remembers that it is a copy.
#[derive(Debug)]
pub(crate) struct Handle {
    state: Cell<AxisHandle>,
    /// Its number among the blocks and handles of the state, from 1; 0 for one that was just made.
    identity: u32,
    copied: bool,
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self { copied: true, ..self.duplicate() }
    }
}

impl Handle {
    /// A handle with these bytes, as number `identity` of the state. `None`: the bytes are none.
    pub fn restored(bytes: &[u8], identity: u32) -> Option<Self> {
        Some(Self { state: Cell::new(AxisHandle::from_bytes(bytes)?), identity, copied: false })
    }

    /// A legitimate second handle, for `array(n, Axis("x"))`.
    pub fn duplicate(&self) -> Self {
        Self { state: self.state.clone(), identity: 0, copied: self.copied }
    }

    pub fn state(&self) -> &Cell<AxisHandle> {
        &self.state
    }

    pub fn identity(&self) -> u32 {
        self.identity
    }

    pub fn copied(&self) -> bool {
        self.copied
    }

    fn check_original(&self) -> Result<(), Raised> {
        if !self.copied {
            return Ok(());
        }
        Err(Raised::new(
            FaultCode::StateShape,
            "this Axis is a copy, which knows nothing of the commands of the original; use the handle where it stands, \
             as in `this.axes[i].halt()`",
        ))
    }
}

/// Register the constructor, the commands and the properties.
pub(crate) fn register(engine: &mut Engine, host: &Rc<Host>) {
    for argument in [TypeId::of::<ImmutableString>(), TypeId::of::<Dynamic>()] {
        let at = Rc::clone(host);
        engine.register_raw_fn(AXIS.name, [argument], move |context, arguments| {
            at.reached(context.call_position());
            at.refuse_construction(AXIS.name)?;
            let name = arguments.first().map(|name| &**name);
            construct(&at, name.unwrap_or(&Dynamic::UNIT)).map(Dynamic::from).map_err(Into::into)
        });
    }
    for method in AXIS.methods {
        for count in method.counts() {
            register_method(engine, host, method, count);
        }
    }
    for property in AXIS.properties {
        register_property(engine, host, property.name);
    }
    let at = Rc::clone(host);
    engine.register_indexer_get(move |handle: &mut Handle, name: ImmutableString| read(&at, handle, &name));
    FuncRegistration::new_index_setter().with_purity(true).register_into_engine(
        engine,
        |_: &mut Handle, name: ImmutableString, _: Dynamic| -> Result<(), Box<EvalAltResult>> {
            Err(read_only(&name).into())
        },
    );
}

fn construct(host: &Host, name: &Dynamic) -> Result<Handle, Raised> {
    let Ok(name) = name.as_immutable_string_ref() else {
        let text = format!("Axis(name) takes the name of an axis as a text, not {}", type_name(name));
        return Err(Raised::new(FaultCode::TypeMismatch, text));
    };
    let axes = &host.reached.axes;
    let Some(axis) = axes.find(&name) else {
        let text = format!("there is no axis `{}`; {}", name.as_str(), axes.suggest(&name, "axes"));
        return Err(Raised::new(FaultCode::UnknownName, text));
    };
    Ok(Handle { state: Cell::new(AxisHandle::new(axis)), identity: 0, copied: false })
}

fn register_method(engine: &mut Engine, host: &Rc<Host>, method: &'static HandleMethod, count: usize) {
    let exact: Vec<TypeId> =
        method.arguments.iter().take(count).map(|argument| type_id(argument.kind)).collect();
    let any = vec![TypeId::of::<Dynamic>(); count];
    let signatures = if count == 0 { vec![exact] } else { vec![exact, any] };
    for mut signature in signatures {
        signature.insert(0, TypeId::of::<Handle>());
        let at = Rc::clone(host);
        engine.register_raw_fn(method.name, signature, move |context, arguments| {
            at.reached(context.call_position());
            call(&at, method, arguments).map_err(Into::<Box<EvalAltResult>>::into)
        });
    }
}

fn type_id(kind: Kind) -> TypeId {
    match kind {
        Kind::Bool => TypeId::of::<bool>(),
        Kind::I64 => TypeId::of::<i64>(),
        Kind::F64 => TypeId::of::<f64>(),
        Kind::Text => TypeId::of::<ImmutableString>(),
    }
}

fn call(host: &Host, method: &'static HandleMethod, arguments: &mut [&mut Dynamic]) -> Result<(), Raised> {
    let (handle, given) = match arguments.split_first_mut() {
        Some((handle, given)) => (handle.read_lock::<Handle>(), given),
        None => (None, &mut [][..]),
    };
    let Some(handle) = handle else {
        let text = format!("`{}` is a command of axes; call it on one", method.name);
        return Err(Raised::new(FaultCode::TypeMismatch, text));
    };
    handle.check_original()?;
    host.cycle_only(method.name)?;
    let command = Given { method, given }.command()?;
    let mut state = handle.state.get();
    let first = host.first_cycle();
    host.reached.ports(|ports| {
        state.refresh(ports, first);
        state.call(command, ports, first)
    })
    .map_err(|_| {
        let text = format!(
            "more than {COMMANDS_MAX} axis commands in one run; begin fewer in one cycle, or command what moves alike by one axis"
        );
        Raised::new(FaultCode::TooLarge, text)
    })?;
    handle.state.set(state);
    Ok(())
}

/// Arguments of a call, to be made a command.
struct Given<'a, 'd> {
    method: &'static HandleMethod,
    given: &'a [&'d mut Dynamic],
}

impl Given<'_, '_> {
    fn command(&self) -> Result<AxisCommand, Raised> {
        Ok(match self.method.name {
            "power" => AxisCommand::Power(self.flag(0)?),
            "reset" => AxisCommand::Reset,
            "home" => AxisCommand::Home,
            "move_absolute" => AxisCommand::MoveAbsolute {
                position: self.number(0)?,
                velocity: self.number(1)?,
                direction: self.direction(2)?,
            },
            "move_relative" => {
                AxisCommand::MoveRelative { distance: self.number(0)?, velocity: self.number(1)? }
            }
            "move_velocity" => AxisCommand::MoveVelocity { velocity: self.number(0)? },
            "torque" => AxisCommand::Torque { torque: self.number(0)?, ramp: self.number(1)? },
            "halt" => AxisCommand::Halt,
            "stop" => AxisCommand::Stop,
            "release_stop" => AxisCommand::ReleaseStop,
            other => {
                return Err(Raised::new(FaultCode::Script, format!("`{other}` is no command of an axis")));
            }
        })
    }

    fn flag(&self, index: usize) -> Result<bool, Raised> {
        match self.given.get(index).and_then(|given| scalar(given)) {
            Some(Value::Bool(flag)) => Ok(flag),
            _ => Err(self.mismatch(index)),
        }
    }

    fn number(&self, index: usize) -> Result<f64, Raised> {
        match self.given.get(index).and_then(|given| scalar(given)) {
            Some(Value::F64(number)) if number.is_finite() => Ok(number),
            Some(Value::F64(number)) => {
                let text = format!(
                    "Axis.{}: argument {} cannot be {number}; check the calculation with is_finite()",
                    self.method.name,
                    self.name(index)
                );
                Err(Raised::new(FaultCode::NotFinite, text))
            }
            _ => Err(self.mismatch(index)),
        }
    }

    fn direction(&self, index: usize) -> Result<Direction, Raised> {
        let Some(given) = self.given.get(index) else { return Ok(Direction::Shortest) };
        let Ok(word) = given.as_immutable_string_ref() else { return Err(self.mismatch(index)) };
        match word.as_str() {
            "shortest" => Ok(Direction::Shortest),
            "positive" => Ok(Direction::Positive),
            "negative" => Ok(Direction::Negative),
            word => {
                let text = format!(
                    "Axis.{}: `{word}` is no direction; {}",
                    self.method.name,
                    suggest(word, DIRECTIONS, "directions")
                );
                Err(Raised::new(FaultCode::UnknownName, text))
            }
        }
    }

    fn argument(&self, index: usize) -> Option<&'static HandleArgument> {
        self.method.arguments.get(index)
    }

    fn name(&self, index: usize) -> &'static str {
        self.argument(index).map_or("", |argument| argument.name)
    }

    fn mismatch(&self, index: usize) -> Raised {
        let expected = self.argument(index).map_or("", |argument| argument.kind.name());
        let given = self.given.get(index);
        let actual = given.map_or("nothing".to_owned(), |given| type_name(given));
        let help = match (expected, actual.as_str()) {
            ("f64", "i64") => "; there is no conversion, write `7.0` instead of `7`, or to_float()",
            _ => "",
        };
        let (method, name) = (self.method.name, self.name(index));
        let text = format!("Axis.{method}: argument {name} is {actual}, expected {expected}{help}");
        Raised::new(FaultCode::TypeMismatch, text)
    }
}

fn register_property(engine: &mut Engine, host: &Rc<Host>, name: &'static str) {
    let at = Rc::clone(host);
    let getter =
        move |context: NativeCallContext<'_>, handle: &mut Handle| -> Result<Dynamic, Box<EvalAltResult>> {
            at.reached(context.call_position());
            read(&at, handle, name)
        };
    FuncRegistration::new_getter(name).register_into_engine(engine, getter);
    let at = Rc::clone(host);
    let setter = move |context: NativeCallContext<'_>,
                       handle: &mut Handle,
                       value: Dynamic|
          -> Result<(), Box<EvalAltResult>> {
        at.reached(context.call_position());
        // What had a function called on it is stored back.
        if same(&read(&at, handle, name)?, &value) { Ok(()) } else { Err(read_only(name).into()) }
    };
    FuncRegistration::new_setter(name).with_purity(true).register_into_engine(engine, setter);
}

fn read(host: &Host, handle: &Handle, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
    handle.check_original()?;
    if AXIS.property(name).is_none() {
        return Err(unknown_property(name).into());
    }
    host.cycle_only(name)?;
    let mut state = handle.state.get();
    let first = host.first_cycle();
    let property = host.reached.ports(|ports| {
        state.refresh(ports, first);
        state.property(name, ports)
    });
    handle.state.set(state);
    match property {
        Some(Property::Scalar(value)) => Ok(dynamic(value)),
        Some(Property::Symbol(text)) => Ok(Dynamic::from(ImmutableString::from(text))),
        None => Err(unknown_property(name).into()),
    }
}

fn unknown_property(name: &str) -> Raised {
    Raised::new(FaultCode::UnknownName, format!("Axis has no property `{name}`; {}", property_help(name)))
}

fn read_only(name: &str) -> Raised {
    if AXIS.property(name).is_none() {
        return unknown_property(name);
    }
    let text = format!("`{name}` of an Axis cannot be written; the axis says it");
    Raised::new(FaultCode::ReadOnly, text)
}
