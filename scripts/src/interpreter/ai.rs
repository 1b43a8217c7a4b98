//! `ai`: results of models, and requests for them.

use super::{
    fault::{Raised, type_name},
    host::{Host, TagArray, same},
    reached::Names,
};
use crate::{
    ScriptEnvironment,
    environment::{AI, MODEL_FACTS},
    names::suggest,
    ports::Request,
};
use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString, NativeCallContext};
use sensai_model::{FaultCode, TagKind, Value};
use std::{any::TypeId, rc::Rc};

type Rhai<T> = Result<T, Box<EvalAltResult>>;

/// `ai`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ai;

/// `ai.<model>`: its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModelRef(u16);

/// Facts that are tags, `ai.<model>.<fact>`.
const STORED: [&str; 6] = ["score", "age", "valid", "misses", "sequence", "output"];

/// Models by name, and where their facts are.
pub(crate) struct Models {
    names: Names,
    /// Indices of the tags, in the order of [`STORED`].
    tags: Box<[[Option<u32>; STORED.len()]]>,
}

impl Models {
    pub fn new(environment: &ScriptEnvironment<'_>) -> Self {
        let models = environment.reach.models;
        let tag = |model: &str, fact: &str| {
            let name = format!("{AI}.{model}.{fact}");
            let is_it = |tag: &sensai_model::Tag| tag.kind == TagKind::Model && tag.name == name;
            environment.tags.iter().position(is_it).map(|index| index as u32)
        };
        Self {
            names: Names::new(models.iter().map(|model| model.name.as_str())),
            tags: models.iter().map(|model| STORED.map(|fact| tag(&model.name, fact))).collect(),
        }
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    fn tag(&self, model: ModelRef, fact: &str) -> Option<u32> {
        let place = STORED.iter().position(|stored| *stored == fact)?;
        *self.tags.get(usize::from(model.0))?.get(place)?
    }
}

/// Register the root, the models and their facts.
pub(crate) fn register(engine: &mut Engine, host: &Rc<Host>, models: &[&str]) {
    for name in models {
        let (at, segment) = (Rc::clone(host), (*name).to_owned());
        let getter = move |context: NativeCallContext<'_>, _: &mut Ai| -> Rhai<Dynamic> {
            at.reached(context.call_position());
            model(&at, &segment)
        };
        FuncRegistration::new_getter(*name).register_into_engine(engine, getter);
        let (at, segment) = (Rc::clone(host), (*name).to_owned());
        let setter = move |_: &mut Ai, value: Dynamic| -> Rhai<()> { put_back(&at, &segment, &value) };
        FuncRegistration::new_setter(*name).with_purity(true).register_into_engine(engine, setter);
    }
    let at = Rc::clone(host);
    engine.register_indexer_get(move |_: &mut Ai, name: ImmutableString| model(&at, &name));
    let at = Rc::clone(host);
    FuncRegistration::new_index_setter()
        .with_purity(true)
        .register_into_engine(engine, move |_: &mut Ai, name: ImmutableString, value: Dynamic| {
            put_back(&at, &name, &value)
        });
    for name in MODEL_FACTS {
        let at = Rc::clone(host);
        let getter = move |context: NativeCallContext<'_>, model: &mut ModelRef| -> Rhai<Dynamic> {
            at.reached(context.call_position());
            fact(&at, *model, name)
        };
        FuncRegistration::new_getter(name).register_into_engine(engine, getter);
        let at = Rc::clone(host);
        let setter =
            move |model: &mut ModelRef, value: Dynamic| -> Rhai<()> { write(&at, *model, name, &value) };
        FuncRegistration::new_setter(name).with_purity(true).register_into_engine(engine, setter);
    }
    let at = Rc::clone(host);
    engine.register_indexer_get(move |model: &mut ModelRef, name: ImmutableString| fact(&at, *model, &name));
    let at = Rc::clone(host);
    FuncRegistration::new_index_setter()
        .with_purity(true)
        .register_into_engine(engine, move |model: &mut ModelRef, name: ImmutableString, value: Dynamic| {
            write(&at, *model, &name, &value)
        });
    let at = Rc::clone(host);
    engine.register_raw_fn("request", [TypeId::of::<ModelRef>()], move |context, arguments| {
        at.reached(context.call_position());
        let model = arguments.first().and_then(|model| model.read_lock::<ModelRef>().map(|model| *model));
        let Some(ModelRef(model)) = model else {
            return Err(Raised::new(FaultCode::TypeMismatch, "`request` is a method of models").into());
        };
        at.reached.request(Request::Model(model)).map_err(Into::<Box<EvalAltResult>>::into)
    });
}

fn model(host: &Host, name: &str) -> Rhai<Dynamic> {
    match host.reached.models.names.find(name) {
        Some(index) => Ok(Dynamic::from(ModelRef(index))),
        None => {
            let help = host.reached.models.names.suggest(name, "models");
            Err(Raised::new(FaultCode::UnknownName, format!("there is no model `{name}`; {help}")).into())
        }
    }
}

/// Rhai stores back what it read on the way to a fact.
fn put_back(host: &Host, name: &str, value: &Dynamic) -> Rhai<()> {
    let known = host.reached.models.names.find(name).map(ModelRef);
    if known.is_some() && value.read_lock::<ModelRef>().map(|given| *given) == known {
        return Ok(());
    }
    let text = format!("`{AI}.{name}` cannot be written; models write their results themselves");
    Err(Raised::new(FaultCode::ReadOnly, text).into())
}

fn fact(host: &Rc<Host>, model: ModelRef, name: &str) -> Rhai<Dynamic> {
    let models = &host.reached.models;
    if name == "fresh" {
        let tag = models.tag(model, "sequence");
        let sequence = match tag.map(|tag| host.value(tag)) {
            Some(Some(Value::I64(sequence))) => sequence,
            _ => 0,
        };
        let program = host.reached.program();
        return Ok(Dynamic::from(host.reached.ports(|ports| ports.fresh(program, model.0, sequence))));
    }
    let Some(tag) = models.tag(model, name) else {
        let text = format!("a model has no `{name}`; {}", suggest(name, &MODEL_FACTS, "facts"));
        return Err(Raised::new(FaultCode::UnknownName, text).into());
    };
    if host.is_array(tag) {
        return Ok(Dynamic::from(TagArray::new(host, tag)));
    }
    host.value(tag)
        .map(super::block::dynamic)
        .ok_or_else(|| Raised::new(FaultCode::UnknownName, format!("a model has no `{name}`")).into())
}

fn write(host: &Rc<Host>, model: ModelRef, name: &str, value: &Dynamic) -> Rhai<()> {
    // What was indexed, or had a function called on it, is stored back.
    if value.read_lock::<TagArray>().is_some() || same(&fact(host, model, name)?, value) {
        return Ok(());
    }
    let text = format!(
        "`{name}` of a model cannot be written with {}; models write their results themselves",
        type_name(value)
    );
    Err(Raised::new(FaultCode::ReadOnly, text).into())
}
