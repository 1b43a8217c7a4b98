//! What a program asks of its PackML unit, of the alarms and of jidoka.

use super::{
    fault::{Raised, type_name},
    host::Host,
    reached::Names,
};
use crate::{environment::UNIT_CALLS, ports::Request};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};
use sensai_model::FaultCode;
use std::{any::TypeId, rc::Rc};

/// Register the functions.
pub(crate) fn register(engine: &mut Engine, host: &Rc<Host>) {
    for (name, request) in UNIT_CALLS {
        let at = Rc::clone(host);
        let none: [TypeId; 0] = [];
        engine.register_raw_fn(name, none, move |context, _| -> Result<(), Box<EvalAltResult>> {
            at.reached(context.call_position());
            at.cycle_only(name)?;
            Ok(at.reached.request(request)?)
        });
    }
    let (jidoka, alarm) = (("jidoka rule", "jidoka rules"), ("alarm", "alarms"));
    register_named(engine, host, "jidoka", jidoka, |host| &host.reached.jidoka, Request::Jidoka);
    register_named(engine, host, "alarm", alarm, |host| &host.reached.alarms, Request::Alarm);
}

/// `jidoka("name")` and `alarm("name")`.
fn register_named(
    engine: &mut Engine,
    host: &Rc<Host>,
    function: &'static str,
    (one, several): (&'static str, &'static str),
    names: fn(&Host) -> &Names,
    request: fn(u16) -> Request,
) {
    for argument in [TypeId::of::<ImmutableString>(), TypeId::of::<Dynamic>()] {
        let at = Rc::clone(host);
        engine.register_raw_fn(
            function,
            [argument],
            move |context, arguments| -> Result<(), Box<EvalAltResult>> {
                at.reached(context.call_position());
                at.cycle_only(function)?;
                let Some(name) = arguments.first() else { return Ok(()) };
                let Ok(name) = name.as_immutable_string_ref() else {
                    let text = format!("{function}(name) takes a name as a text, not {}", type_name(name));
                    return Err(Raised::new(FaultCode::TypeMismatch, text).into());
                };
                let names = names(&at);
                let Some(index) = names.find(&name) else {
                    let help = names.suggest(&name, several);
                    let text = format!("there is no {one} `{}`; {help}", name.as_str());
                    return Err(Raised::new(FaultCode::UnknownName, text).into());
                };
                Ok(at.reached.request(request(index))?)
            },
        );
    }
}
