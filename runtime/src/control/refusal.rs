//! Why the machine's state does not allow a command, and what it would allow: made from the state after the cycle that
//! ignored it.

use crate::{
    control::{
        force,
        method::Command,
        protocol::{Code, Failure},
        view::{UnitView, View},
    },
    machine::Mode,
};
use sensai_model::{
    Cell,
    packml::{Command as UnitCommand, Mode as UnitMode},
    record::InboxKind,
};

/// Say why `command` was ignored by a machine that is now as `view` shows it.
pub fn explain(cell: &Cell, view: &View, command: &Command) -> Failure {
    let [first, second, _] = command.entry.argument;
    match command.entry.kind {
        InboxKind::Start | InboxKind::Stop | InboxKind::Reset => runtime(view, command.method),
        InboxKind::UnitCommand => {
            let name =
                u8::try_from(second).ok().and_then(UnitCommand::from_number).map_or("?", UnitCommand::name);
            unit_command(cell, view, first, name)
        }
        InboxKind::UnitMode => {
            let name = u8::try_from(second).ok().and_then(UnitMode::from_number).map_or("?", UnitMode::name);
            let text = format!("cannot change to mode {name}: {}", units(cell, view, first));
            refused(text).help("a unit changes its mode while it is stopped, idle, complete or aborted")
        }
        InboxKind::Jog => jog(cell, view, first),
        InboxKind::Acknowledge => refused("no alarm waits to be acknowledged"),
        InboxKind::Verdict => verdict(view, first),
        InboxKind::Force | InboxKind::Unforce => force::not_done(cell, view, command.method, first),
        _ => refused(format!("`{}` did nothing", command.method)),
    }
}

fn refused(text: impl Into<String>) -> Failure {
    Failure::new(Code::Refused, text)
}

fn mode(view: &View) -> Option<Mode> {
    view.runtime.as_ref().and_then(|runtime| runtime.mode())
}

/// The runtime's state with its fault.
fn state(view: &View) -> String {
    let Some(runtime) = &view.runtime else { return "the runtime is starting".into() };
    let fault = runtime.fault.as_ref().map_or(String::new(), |fault| {
        let place = if fault.place.is_empty() { String::new() } else { format!(", {}", fault.place) };
        format!(" ({}: {}{place})", fault.id, fault.text)
    });
    format!("the runtime is in {}{fault}", runtime.state)
}

/// What the runtime would do now.
fn legal(mode: Option<Mode>, shutting_down: bool) -> &'static str {
    match mode {
        _ if shutting_down => "it is shutting down, nothing is legal any more",
        Some(Mode::Stop) => "legal now: start",
        Some(Mode::Run) => "legal now: stop",
        Some(Mode::Fault) => "legal now: reset",
        None => "wait until the bus is up",
    }
}

fn runtime(view: &View, method: &str) -> Failure {
    let shutting_down = view.runtime.as_ref().is_some_and(|runtime| runtime.shutting_down);
    refused(format!("cannot {method}: {}", state(view))).help(legal(mode(view), shutting_down))
}

/// The chosen units with their states.
fn chosen<'a>(cell: &'a Cell, view: &'a View, unit: i64) -> impl Iterator<Item = (&'a str, &'a UnitView)> {
    let all = cell.units.iter().enumerate().filter(move |(index, _)| unit < 0 || *index as i64 == unit);
    all.filter_map(|(_, unit)| Some((unit.name.as_str(), view.units.get(&unit.name)?)))
}

fn units(cell: &Cell, view: &View, unit: i64) -> String {
    let say = |(name, of): (&str, &UnitView)| format!("unit {name} is {} in mode {}", of.state, of.mode);
    chosen(cell, view, unit).map(say).collect::<Vec<_>>().join(", ")
}

fn unit_command(cell: &Cell, view: &View, unit: i64, command: &str) -> Failure {
    if mode(view) != Some(Mode::Run) {
        let help = match mode(view) {
            Some(Mode::Fault) => {
                "reset the runtime, then start it: `sensai ctl reset --runtime`, `sensai ctl start --runtime`"
            }
            _ => "start the runtime first: `sensai ctl start --runtime`",
        };
        return refused(format!("cannot {command}: {}", state(view))).help(help);
    }
    if command == "unhold" && chosen(cell, view, unit).any(|(_, of)| of.awaits_verdict) {
        let text = format!("cannot unhold: a jidoka event waits for a verdict; {}", units(cell, view, unit));
        return refused(text).help("judge it first: `sensai ctl verdict good|bad --why TEXT`");
    }
    let legal = chosen(cell, view, unit).map(|(name, of)| match of.legal.as_slice() {
        [] => format!("{name}: nothing, wait"),
        legal => format!("{name}: {}", legal.join(", ")),
    });
    let legal = legal.collect::<Vec<_>>().join("; ");
    refused(format!("cannot {command}: {}", units(cell, view, unit))).help(format!("legal now: {legal}"))
}

fn jog(cell: &Cell, view: &View, axis: i64) -> Failure {
    let name = usize::try_from(axis).ok().and_then(|axis| cell.axes.get(axis)).map_or("?", |axis| &axis.name);
    if mode(view) != Some(Mode::Run) {
        let text = format!("cannot jog {name}: {}", state(view));
        return refused(text).help("axes move only while the runtime is in run");
    }
    let may: Vec<&str> = cell
        .units
        .iter()
        .filter(|unit| unit.jog.iter().any(|jog| i64::from(*jog) == axis))
        .map(|unit| unit.name.as_str())
        .collect();
    let text = format!("cannot jog {name}: unit {} is not in manual mode", may.join(", "));
    refused(text).help("change it while it is stopped: `sensai ctl mode manual UNIT`")
}

fn verdict(view: &View, event: i64) -> Failure {
    let open: Vec<String> = view
        .jidoka
        .iter()
        .filter(|(_, event)| event.verdict == "open")
        .map(|(number, event)| format!("{number} ({}, cycle {})", event.rule, event.cycle))
        .collect();
    let what = if event > 0 { format!("event {event} does not wait") } else { "no event waits".into() };
    let failure = refused(format!("{what} for a verdict"));
    if open.is_empty() { failure } else { failure.help(format!("open: {}", open.join(", "))) }
}
