//! Function blocks as script values.

use super::{
    fault::{Raised, refused, type_name},
    host::{Host, same},
};
use crate::names::suggest;
use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString, NativeCallContext};
use sensai_model::{FaultCode, ScalarType, Value};
use sensai_stdlib::{
    BlockError,
    registry::{self, BlockType},
};
use std::{any::TypeId, rc::Rc};

/// More arguments than any method and most constructors have; calls with more are matched by exact types only.
const ANY_ARGUMENTS_MAX: usize = 6;

/// An instance: its bytes inside the script value.
///
/// Rhai copies values silently, which for a timer means two timers. So a clone remembers that it is one, and every use
/// of it is a fault.
#[derive(Debug)]
pub(crate) struct Block {
    kind: &'static BlockType,
    arguments: Rc<[Value]>,
    bytes: Box<[u8]>,
    /// Which block of the state it is, from 1; 0 for one that a constructor just made.
    identity: u32,
    copied: bool,
}

impl Clone for Block {
    fn clone(&self) -> Self {
        Self { copied: true, ..self.duplicate() }
    }
}

impl Block {
    fn new(kind: &'static BlockType, arguments: &[Value]) -> Result<Self, BlockError> {
        let mut bytes = vec![0; kind.size].into_boxed_slice();
        kind.construct(&mut bytes, arguments)?;
        Ok(Self { kind, arguments: arguments.into(), bytes, identity: 0, copied: false })
    }

    /// An instance with these bytes, as number `identity` of the state. `None`: no such block, or another size.
    pub fn restored(name: &str, arguments: &[Value], bytes: &[u8], identity: u32) -> Option<Self> {
        let kind = registry::find(name).filter(|kind| kind.size == bytes.len())?;
        Some(Self { kind, arguments: arguments.into(), bytes: bytes.into(), identity, copied: false })
    }

    /// A legitimate second instance, for `array(n, TON())`.
    pub fn duplicate(&self) -> Self {
        Self {
            kind: self.kind,
            arguments: Rc::clone(&self.arguments),
            bytes: self.bytes.clone(),
            identity: 0,
            copied: self.copied,
        }
    }

    pub fn kind(&self) -> &'static BlockType {
        self.kind
    }

    pub fn arguments(&self) -> &[Value] {
        &self.arguments
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
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
            format!(
                "this {} is a copy, which has a time and a memory of its own; use the block where it stands, \
                 as in `this.timers[i].run(...)`",
                self.kind.name
            ),
        ))
    }
}

/// Register constructors, methods and pins of every block.
pub(crate) fn register(engine: &mut Engine, host: &Rc<Host>) {
    for kind in registry::blocks() {
        for count in kind.constructor.counts() {
            register_constructor(engine, host, kind, count);
        }
    }
    register_methods(engine, host);
    register_pins(engine, host);
}

fn register_constructor(engine: &mut Engine, host: &Rc<Host>, kind: &'static BlockType, count: usize) {
    let exact = (0..count)
        .filter_map(|index| kind.constructor.argument(index))
        .map(|argument| type_id(argument.scalar));
    let mut signatures = vec![exact.collect::<Vec<_>>()];
    if (1..=ANY_ARGUMENTS_MAX).contains(&count) {
        signatures.push(vec![TypeId::of::<Dynamic>(); count]);
    }
    for signature in signatures {
        let at = Rc::clone(host);
        engine.register_raw_fn(kind.name, signature, move |context, arguments| {
            at.reached(context.call_position());
            at.refuse_construction(kind.name)?;
            let mut values = Vec::with_capacity(arguments.len());
            for (index, argument) in arguments.iter().enumerate() {
                let name = kind.constructor.argument(index).map_or("", |argument| argument.name);
                values.push(scalar(argument).ok_or_else(|| not_scalar(kind.name, name, argument))?);
            }
            Block::new(kind, &values).map(Dynamic::from).map_err(|error| refused(error).into())
        });
    }
}

/// Methods are registered by name and signature, not by block: which block it is, the value knows.
fn register_methods(engine: &mut Engine, host: &Rc<Host>) {
    let mut signatures: Vec<(&str, Vec<TypeId>)> = Vec::new();
    for method in registry::blocks().iter().flat_map(|kind| kind.methods) {
        let exact = method.arguments.iter().map(|argument| type_id(argument.scalar)).collect();
        let any = vec![TypeId::of::<Dynamic>(); method.arguments.len()];
        for types in [exact, any] {
            if !signatures.contains(&(method.name, types.clone())) {
                signatures.push((method.name, types));
            }
        }
    }
    for (name, mut signature) in signatures {
        signature.insert(0, TypeId::of::<Block>());
        let at = Rc::clone(host);
        engine.register_raw_fn(name, signature, move |context, arguments| {
            at.reached(context.call_position());
            call(name, &context, arguments).map_err(Into::into)
        });
    }
}

/// Methods have few arguments; this many fit without a heap.
const INLINE: usize = 12;

fn call(
    name: &str,
    context: &NativeCallContext<'_>,
    arguments: &mut [&mut Dynamic],
) -> Result<Dynamic, Raised> {
    let dt_ns = context.tag().and_then(|tag| tag.as_int().ok()).unwrap_or(0);
    let Some((target, given)) = arguments.split_first_mut() else { return Err(no_block(name)) };
    let Some(mut block) = target.write_lock::<Block>() else { return Err(no_block(name)) };
    block.check_original()?;
    let kind = block.kind;
    let Some(method) = kind.method(name) else {
        let names: Vec<&str> = kind.methods.iter().map(|method| method.name).collect();
        let help = suggest(name, &names, "methods");
        return Err(Raised::new(
            FaultCode::UnknownName,
            format!("{} has no method `{name}`; {help}", kind.name),
        ));
    };
    let mut inline = [Value::Bool(false); INLINE];
    let mut spilled = Vec::new();
    let values = if given.len() <= INLINE {
        &mut inline[..given.len()]
    } else {
        spilled.resize(given.len(), Value::Bool(false));
        &mut spilled[..]
    };
    for (index, (value, argument)) in values.iter_mut().zip(given.iter()).enumerate() {
        let name = method.arguments.get(index).map_or("", |argument| argument.name);
        *value = scalar(argument).ok_or_else(|| not_scalar(method.path, name, argument))?;
    }
    let result = method.call(&mut block.bytes, values, dt_ns).map_err(refused)?;
    Ok(result.map_or(Dynamic::UNIT, dynamic))
}

fn no_block(name: &str) -> Raised {
    Raised::new(FaultCode::TypeMismatch, format!("`{name}` is a method of blocks; call it on one"))
}

fn register_pins(engine: &mut Engine, host: &Rc<Host>) {
    let mut names: Vec<&str> =
        registry::blocks().iter().flat_map(|kind| kind.pins).map(|pin| pin.name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let at = Rc::clone(host);
        let getter =
            move |context: NativeCallContext<'_>, block: &mut Block| -> Result<Dynamic, Box<EvalAltResult>> {
                at.reached(context.call_position());
                pin(block, name)
            };
        FuncRegistration::new_getter(name).register_into_engine(engine, getter);
        let at = Rc::clone(host);
        let setter = move |context: NativeCallContext<'_>,
                           block: &mut Block,
                           value: Dynamic|
              -> Result<(), Box<EvalAltResult>> {
            at.reached(context.call_position());
            // What had a function called on it is stored back.
            if same(&pin(block, name)?, &value) { Ok(()) } else { Err(read_only(block, name).into()) }
        };
        FuncRegistration::new_setter(name).with_purity(true).register_into_engine(engine, setter);
    }
    engine.register_indexer_get(|block: &mut Block, name: ImmutableString| pin(block, &name));
    FuncRegistration::new_index_setter().with_purity(true).register_into_engine(
        engine,
        |block: &mut Block, name: ImmutableString, _: Dynamic| -> Result<(), Box<EvalAltResult>> {
            Err(read_only(block, &name).into())
        },
    );
}

fn pin(block: &Block, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
    block.check_original()?;
    match block.kind.pin(name) {
        Some(pin) => Ok(dynamic(pin.get(&block.bytes))),
        None => Err(unknown_pin(block.kind, name).into()),
    }
}

fn unknown_pin(kind: &BlockType, name: &str) -> Raised {
    let names: Vec<&str> = kind.pins.iter().map(|pin| pin.name).collect();
    let help = suggest(name, &names, "pins");
    Raised::new(FaultCode::UnknownName, format!("{} has no pin `{name}`; {help}", kind.name))
}

fn read_only(block: &Block, name: &str) -> Raised {
    if block.kind.pin(name).is_none() {
        return unknown_pin(block.kind, name);
    }
    let methods: Vec<&str> = block.kind.methods.iter().map(|method| method.name).collect();
    let text = format!(
        "`{name}` of {} cannot be written; give it as an argument of `{}`",
        block.kind.name,
        methods.join("` or `")
    );
    Raised::new(FaultCode::ReadOnly, text)
}

fn type_id(scalar: ScalarType) -> TypeId {
    match scalar {
        ScalarType::Bool => TypeId::of::<bool>(),
        ScalarType::I64 => TypeId::of::<i64>(),
        ScalarType::F64 => TypeId::of::<f64>(),
    }
}

/// The scalar in a script value, if it is one.
pub(crate) fn scalar(value: &Dynamic) -> Option<Value> {
    if let Ok(value) = value.as_int() {
        return Some(Value::I64(value));
    }
    if let Ok(value) = value.as_float() {
        return Some(Value::F64(value));
    }
    value.as_bool().ok().map(Value::Bool)
}

/// The script value of a scalar.
pub(crate) fn dynamic(value: Value) -> Dynamic {
    match value {
        Value::Bool(value) => Dynamic::from(value),
        Value::I64(value) => Dynamic::from(value),
        Value::F64(value) => Dynamic::from(value),
    }
}

fn not_scalar(callee: &str, argument: &str, actual: &Dynamic) -> Raised {
    let text = format!("{callee}: argument {argument} is {}, expected a bool or a number", type_name(actual));
    Raised::new(FaultCode::TypeMismatch, text)
}
