//! Functions: those of the library, and the few that only a tier can provide.

use super::{
    axis::Handle,
    block::{Block, dynamic, scalar},
    fault::{Raised, refused, type_name},
    host::Host,
    size,
};
use rhai::{Array, Dynamic, Engine, FuncRegistration, ImmutableString, Map, Module, NativeCallContext};
use sensai_model::{FaultCode, ScalarType};
use sensai_stdlib::registry;
use std::{any::TypeId, rc::Rc};

/// More arguments than any function has; the loop over their types must end.
const ARGUMENTS_MAX: usize = 6;

/// Register all functions.
pub(crate) fn register(engine: &mut Engine, host: &Rc<Host>) {
    register_library(engine, host);
    register_array(engine, host);
    register_fault(engine, host);
}

fn register_library(engine: &mut Engine, host: &Rc<Host>) {
    let mut names: Vec<(&str, usize)> = Vec::new();
    for function in registry::functions() {
        let signature: Vec<TypeId> = function.arguments.iter().map(|scalar| type_id(*scalar)).collect();
        if !names.contains(&(function.name, signature.len())) {
            names.push((function.name, signature.len()));
        }
        let at = Rc::clone(host);
        engine.register_raw_fn(function.name, signature, move |context, arguments| {
            at.reached(context.call_position());
            let mut values = [sensai_model::Value::Bool(false); ARGUMENTS_MAX];
            let Some(values) = values.get_mut(..arguments.len()) else {
                return Err(Raised::new(FaultCode::Script, "too many arguments").into());
            };
            for (value, argument) in values.iter_mut().zip(arguments.iter()) {
                *value = scalar(argument).unwrap_or(*value);
            }
            function.call(values).map(dynamic).map_err(|error| refused(error).into())
        });
    }
    for (name, count) in names {
        let at = Rc::clone(host);
        engine.register_raw_fn(name, vec![TypeId::of::<Dynamic>(); count], move |context, arguments| {
            at.reached(context.call_position());
            Err::<Dynamic, _>(no_overload(name, arguments).into())
        });
    }
}

fn no_overload(name: &str, arguments: &[&mut Dynamic]) -> Raised {
    let types: Vec<String> = arguments.iter().map(|argument| type_name(argument)).collect();
    let overloads: Vec<String> = registry::functions()
        .iter()
        .filter(|function| function.name == name && function.arguments.len() == arguments.len())
        .map(|function| {
            let types: Vec<&str> = function.arguments.iter().map(|scalar| scalar.name()).collect();
            format!("({})", types.join(", "))
        })
        .collect();
    let help = if types.iter().any(|name| name == "i64") && types.iter().any(|name| name == "f64") {
        "; there is no conversion, write `7.0` instead of `7`, or to_float()"
    } else {
        ""
    };
    let text = format!("`{name}` takes {}, not ({}){help}", overloads.join(" or "), types.join(", "));
    Raised::new(FaultCode::TypeMismatch, text)
}

fn type_id(scalar: ScalarType) -> TypeId {
    match scalar {
        ScalarType::Bool => TypeId::of::<bool>(),
        ScalarType::I64 => TypeId::of::<i64>(),
        ScalarType::F64 => TypeId::of::<f64>(),
    }
}

fn register_array(engine: &mut Engine, host: &Rc<Host>) {
    for count in [TypeId::of::<i64>(), TypeId::of::<Dynamic>()] {
        let at = Rc::clone(host);
        engine.register_raw_fn("array", [count, TypeId::of::<Dynamic>()], move |context, arguments| {
            at.reached(context.call_position());
            let [count, value] = arguments else {
                return Err(Raised::new(FaultCode::Script, "array(n, value)").into());
            };
            fill(&at, count, value).map_err(Into::into)
        });
    }
    let mut arrays = Module::new();
    arrays.set_iter(TypeId::of::<Array>(), |array| {
        let elements = array.try_cast::<Array>().unwrap_or_default().into_iter();
        // What stems from a constant is marked as one, also deep inside; the variable of a loop is a copy, and a clone
        // has no marks.
        let marked = |element: &Dynamic| element.is_read_only() || element.is_array() || element.is_map();
        Box::new(elements.map(move |element| if marked(&element) { element.clone() } else { element }))
    });
    engine.register_global_module(arrays.into());
    let at = Rc::clone(host);
    let len = move |context: NativeCallContext<'_>, array: &mut Array| {
        at.reached(context.call_position());
        i64::try_from(array.len()).unwrap_or(i64::MAX)
    };
    FuncRegistration::new_getter("len").register_into_engine(engine, len.clone());
    engine.register_fn("len", len);
}

/// `array(n, value)`: the value n times, blocks each with a state of its own.
fn fill(host: &Host, count: &Dynamic, value: &Dynamic) -> Result<Dynamic, Raised> {
    let Ok(count) = count.as_int() else {
        let text = format!("array(n, value) takes an i64 for n, not {}", type_name(count));
        return Err(Raised::new(FaultCode::TypeMismatch, text));
    };
    let limit = host.array_len();
    let count = usize::try_from(count).ok().filter(|count| (1..=limit).contains(count)).ok_or_else(|| {
        let text = format!(
            "array(n, value) with n = {count}, expected 1 to {limit}; [limits] array_len sets the most"
        );
        Raised::new(FaultCode::TooLarge, text)
    })?;
    let (values, most) = ((count as u64).saturating_mul(size(value)), host.values_max());
    if values > most {
        let text = format!(
            "the array has too many values in all: {values}, expected at most {most}; make it smaller"
        );
        return Err(Raised::new(FaultCode::TooLarge, text));
    }
    host.spend(values)?;
    Ok(Dynamic::from_array((0..count).map(|_| duplicate(value)).collect()))
}

fn duplicate(value: &Dynamic) -> Dynamic {
    if let Some(block) = value.read_lock::<Block>() {
        return Dynamic::from(block.duplicate());
    }
    if let Some(handle) = value.read_lock::<Handle>() {
        return Dynamic::from(handle.duplicate());
    }
    if let Some(array) = value.read_lock::<Array>() {
        return Dynamic::from_array(array.iter().map(duplicate).collect());
    }
    if let Some(map) = value.read_lock::<Map>() {
        let copies = map.iter().map(|(name, value)| (name.clone(), duplicate(value)));
        return Dynamic::from_map(copies.collect::<Map>());
    }
    value.clone()
}

fn register_fault(engine: &mut Engine, host: &Rc<Host>) {
    for argument in [TypeId::of::<ImmutableString>(), TypeId::of::<Dynamic>()] {
        let at = Rc::clone(host);
        engine.register_raw_fn("fault", [argument], move |context, arguments| {
            at.reached(context.call_position());
            let raised = match arguments.first().map(|argument| argument.as_immutable_string_ref()) {
                Some(Ok(name)) => Raised::new(
                    FaultCode::Raised,
                    format!("the program raised the fault `{}`", name.as_str()),
                ),
                _ => Raised::new(
                    FaultCode::TypeMismatch,
                    "fault() takes the fault's name as a text".to_owned(),
                ),
            };
            Err::<Dynamic, _>(raised.into())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_every_library_function_fit() {
        let most = registry::functions().iter().map(|function| function.arguments.len()).max();
        assert!(most.is_some_and(|most| most <= ARGUMENTS_MAX), "{most:?}");
    }
}
