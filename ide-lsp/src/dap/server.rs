//! Requests, one after the other; and the way on, as long as nobody says anything else.

use super::{
    Debuggee, Motion,
    message::{Progress, Source, Stopped, Wanted},
    wire::{self, WireError},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    io::{BufRead, Write},
    sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    thread,
    time::Duration,
};

/// Messages that wait; who sends more has to wait, too.
const WAITING_MAX: usize = 64;

/// How often a debuggee that has nothing to do is asked whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// Between the news that it went on and the news that it stands still. VS Code forgets why it stands still when it hears both
/// at once.
const APART: Duration = Duration::from_millis(50);

/// Frames in one answer, unless the client says fewer.
const FRAMES_MAX: usize = 256;

/// An editor.
pub struct Connection<W> {
    incoming: Receiver<Result<Value, WireError>>,
    to: W,
    sequence: i64,
}

/// How a session begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    request: Value,
    /// `attach`, not `launch`.
    pub attach: bool,
    /// What the editor was configured with.
    pub arguments: Value,
}

impl<W: Write> Connection<W> {
    /// Over a stream each way. Reads on a thread of its own, which ends with the stream.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn new(mut from: impl BufRead + Send + 'static, to: W) -> std::io::Result<Self> {
        let (send, incoming): (SyncSender<_>, _) = sync_channel(WAITING_MAX);
        thread::Builder::new().name("debug-adapter".into()).spawn(move || {
            loop {
                let message = match wire::read(&mut from) {
                    Ok(Some(message)) => Ok(message),
                    Ok(None) => break,
                    Err(error) => Err(error),
                };
                let goes_on = matches!(message, Ok(_) | Err(WireError::Json(_)));
                if send.send(message).is_err() || !goes_on {
                    break;
                }
            }
        })?;
        Ok(Self { incoming, to, sequence: 0 })
    }

    fn send(&mut self, mut message: Value) -> Result<(), WireError> {
        self.sequence += 1;
        if let Some(object) = message.as_object_mut() {
            object.insert("seq".into(), self.sequence.into());
        }
        wire::write(&mut self.to, &message)
    }

    fn answer(&mut self, request: &Value, result: Result<Value, String>) -> Result<(), WireError> {
        let mut response = json!({
            "type": "response",
            "request_seq": request.get("seq").and_then(Value::as_i64).unwrap_or(0),
            "command": command(request),
            "success": result.is_ok(),
        });
        if let Some(object) = response.as_object_mut() {
            match result {
                Ok(Value::Null) => {}
                Ok(body) => drop(object.insert("body".into(), body)),
                Err(text) => {
                    object.insert("message".into(), text.clone().into());
                    let error = json!({"error": {"id": 1, "format": text, "showUser": true}});
                    object.insert("body".into(), error);
                }
            }
        }
        self.send(response)
    }

    fn event(&mut self, name: &str, body: Value) -> Result<(), WireError> {
        self.send(json!({"type": "event", "event": name, "body": body}))
    }

    /// Tell the person in front of the editor.
    ///
    /// # Errors
    /// If the editor is gone.
    pub fn tell(&mut self, text: &str) -> Result<(), WireError> {
        self.event("output", json!({"category": "console", "output": format!("{text}\n")}))
    }

    /// Up to `launch` or `attach`; `None`: the editor went away before.
    ///
    /// # Errors
    /// If what comes is no protocol.
    pub fn begin(&mut self) -> Result<Option<Begun>, WireError> {
        loop {
            let message = match self.incoming.recv() {
                Err(_) => return Ok(None),
                Ok(Err(WireError::Json(error))) => {
                    self.tell(&WireError::Json(error).to_string())?;
                    continue;
                }
                Ok(message) => message?,
            };
            match command(&message) {
                "initialize" => self.answer(&message, Ok(capabilities()))?,
                name @ ("launch" | "attach") => {
                    let arguments = message.get("arguments").cloned().unwrap_or_default();
                    return Ok(Some(Begun { attach: name == "attach", arguments, request: message }));
                }
                "disconnect" | "terminate" => {
                    self.answer(&message, Ok(Value::Null))?;
                    return Ok(None);
                }
                _ => {
                    let text = "nothing is debugged yet: `launch` or `attach` comes first".to_owned();
                    self.answer(&message, Err(text))?;
                }
            }
        }
    }

    /// It does not begin; the editor may try again.
    ///
    /// # Errors
    /// If the editor is gone.
    pub fn refuse(&mut self, begun: &Begun, why: &str) -> Result<(), WireError> {
        self.answer(&begun.request, Err(why.to_owned()))
    }

    /// It begins.
    ///
    /// # Errors
    /// If the editor is gone.
    pub fn accept(&mut self, begun: &Begun) -> Result<(), WireError> {
        self.answer(&begun.request, Ok(Value::Null))?;
        self.event("initialized", Value::Null)
    }
}

fn command(message: &Value) -> &str {
    message.get("command").and_then(Value::as_str).unwrap_or_default()
}

fn capabilities() -> Value {
    json!({
        "supportsConfigurationDoneRequest": true,
        "supportsConditionalBreakpoints": true,
        "supportsHitConditionalBreakpoints": true,
        "supportsLogPoints": true,
        "supportsStepBack": true,
        "supportsEvaluateForHovers": true,
        "supportsDataBreakpoints": true,
        "supportsBreakpointLocationsRequest": true,
        "supportsExceptionInfoRequest": true,
        "supportsTerminateRequest": true,
        "exceptionBreakpointFilters": [{
            "filter": "faults",
            "label": "Faults",
            "description": "A program fails, or the machine comes into a fault",
            "default": true,
        }],
    })
}

/// What comes of a request, beside its answer.
enum Next {
    Nothing,
    /// The debuggee goes on.
    Go,
    /// It stands still, here.
    Stop(Stopped),
    /// From standing still elsewhere it stands still here: editors are told that it went on in between, otherwise they go on
    /// showing why it had stopped before.
    Jump(Stopped),
    /// The editor goes.
    Leave,
}

type Answer = Result<(Value, Next), String>;

/// Serve an editor until it goes.
///
/// # Errors
/// If what comes is no protocol, or the editor is gone in the middle of a message.
pub fn serve<W: Write>(connection: &mut Connection<W>, debuggee: &mut dyn Debuggee) -> Result<(), WireError> {
    let mut running = false;
    loop {
        let waited = match running {
            false => connection.incoming.recv().map_err(|_| TryRecvError::Disconnected),
            true => connection.incoming.try_recv(),
        };
        let next = match waited {
            Err(TryRecvError::Disconnected) => return Ok(()),
            Err(TryRecvError::Empty) => match debuggee.go_on() {
                Progress::Running => Next::Nothing,
                Progress::Waiting => {
                    thread::sleep(LOOK);
                    Next::Nothing
                }
                Progress::Stopped(stopped) => Next::Stop(stopped),
            },
            Ok(Err(WireError::Json(error))) => {
                connection.tell(&WireError::Json(error).to_string())?;
                Next::Nothing
            }
            Ok(message) => {
                let message = message?;
                let answer = request(debuggee, &message, running);
                let (result, next) = match answer {
                    Ok((body, next)) => (Ok(body), next),
                    Err(text) => (Err(text), Next::Nothing),
                };
                connection.answer(&message, result)?;
                next
            }
        };
        for text in debuggee.said() {
            connection.tell(&text)?;
        }
        match next {
            Next::Nothing => {}
            Next::Go => running = true,
            Next::Stop(stopped) => {
                running = false;
                connection.event("stopped", stopped.json())?;
            }
            Next::Jump(stopped) => {
                connection
                    .event("continued", json!({ "threadId": stopped.thread, "allThreadsContinued": true }))?;
                thread::sleep(APART);
                connection.event("stopped", stopped.json())?;
            }
            Next::Leave => {
                connection.event("terminated", Value::Null)?;
                return Ok(());
            }
        }
    }
}

fn request(debuggee: &mut dyn Debuggee, message: &Value, running: bool) -> Answer {
    if message.get("type").and_then(Value::as_str) != Some("request") {
        return Err("a message of the editor is a request".into());
    }
    let arguments = message.get("arguments").unwrap_or(&Value::Null);
    let name = command(message);
    match name {
        "configurationDone" => Ok(match debuggee.never_stops() {
            Some(_) => (Value::Null, Next::Go),
            None => (Value::Null, Next::Stop(debuggee.here())),
        }),
        "disconnect" | "terminate" => Ok((Value::Null, Next::Leave)),
        "setBreakpoints" => set_breakpoints(debuggee, arguments),
        "setFunctionBreakpoints" => Ok((json!({"breakpoints": []}), Next::Nothing)),
        "setExceptionBreakpoints" => {
            let filters: Vec<String> = field(arguments, "filters")?;
            debuggee.stop_at_faults(filters.iter().any(|filter| filter == "faults"));
            Ok((Value::Null, Next::Nothing))
        }
        "dataBreakpointInfo" => data_info(debuggee, arguments),
        "setDataBreakpoints" => set_data(debuggee, arguments),
        "breakpointLocations" => locations(debuggee, arguments),
        "threads" => {
            let threads = debuggee.threads();
            let threads: Vec<Value> =
                threads.iter().map(|(id, name)| json!({"id": id, "name": name})).collect();
            Ok((json!({"threads": threads}), Next::Nothing))
        }
        "pause" => match running {
            true => match debuggee.never_stops() {
                Some(why) => Err(why),
                None => Ok((Value::Null, Next::Stop(debuggee.pause()))),
            },
            false => Ok((Value::Null, Next::Nothing)),
        },
        _ if running => {
            let pause = || format!("`{name}` has no answer while it runs: pause first");
            Err(debuggee.never_stops().unwrap_or_else(pause))
        }
        _ => at_rest(debuggee, name, arguments),
    }
}

/// What can be asked for where it stands still.
fn at_rest(debuggee: &mut dyn Debuggee, name: &str, arguments: &Value) -> Answer {
    let go = |debuggee: &mut dyn Debuggee, motion| {
        debuggee.begin(motion)?;
        Ok((json!({"allThreadsContinued": true}), Next::Go))
    };
    match name {
        "continue" => go(debuggee, Motion::Run),
        "reverseContinue" => go(debuggee, Motion::RunBack),
        "next" => go(debuggee, Motion::Over),
        "stepIn" => go(debuggee, Motion::In),
        "stepOut" => go(debuggee, Motion::Out),
        "stepBack" => go(debuggee, Motion::Back),
        "goToCycle" => {
            let stopped = debuggee.go_to_cycle(field(arguments, "cycle")?)?;
            Ok((Value::Null, Next::Jump(stopped)))
        }
        "stackTrace" => {
            let frames = debuggee.frames(field(arguments, "threadId")?);
            let start = number(arguments, "startFrame").unwrap_or(0);
            let most = number(arguments, "levels").filter(|levels| *levels > 0).unwrap_or(FRAMES_MAX);
            let shown: Vec<Value> = frames.iter().skip(start).take(most).map(|frame| frame.json()).collect();
            Ok((json!({"stackFrames": shown, "totalFrames": frames.len()}), Next::Nothing))
        }
        "scopes" => {
            let scopes = debuggee.scopes(field(arguments, "frameId")?);
            let scopes: Vec<Value> = scopes.iter().map(|scope| scope.json()).collect();
            Ok((json!({"scopes": scopes}), Next::Nothing))
        }
        "variables" => {
            let all = debuggee.variables(field(arguments, "variablesReference")?)?;
            let start = number(arguments, "start").unwrap_or(0);
            let most = number(arguments, "count").filter(|count| *count > 0).unwrap_or(usize::MAX);
            let shown: Vec<Value> = all.iter().skip(start).take(most).map(|of| of.json()).collect();
            Ok((json!({"variables": shown}), Next::Nothing))
        }
        "evaluate" => evaluate(debuggee, arguments),
        "exceptionInfo" => {
            let here = debuggee.here();
            let body = json!({
                "exceptionId": "fault",
                "description": here.description,
                "breakMode": "always",
            });
            Ok((body, Next::Nothing))
        }
        "source" => {
            let reference = match arguments.get("source") {
                Some(source) => parse::<Source>(source)?.source_reference,
                None => field(arguments, "sourceReference")?,
            };
            let text = debuggee.text(reference).ok_or("there is no such text")?;
            Ok((json!({"content": text}), Next::Nothing))
        }
        _ => Err(format!("`{}` is not known here", name.chars().take(80).collect::<String>())),
    }
}

/// An expression; in the console also `cycle <number>`.
fn evaluate(debuggee: &mut dyn Debuggee, arguments: &Value) -> Answer {
    let expression: String = field(arguments, "expression")?;
    let in_console = arguments.get("context").and_then(Value::as_str) == Some("repl");
    let cycle = expression.trim().strip_prefix("cycle ").and_then(|number| number.trim().parse::<u64>().ok());
    if let Some(cycle) = cycle.filter(|_| in_console) {
        let stopped = debuggee.go_to_cycle(cycle)?;
        let body = json!({"result": stopped.description, "variablesReference": 0});
        return Ok((body, Next::Jump(stopped)));
    }
    let frame = arguments.get("frameId").and_then(Value::as_i64).unwrap_or(0);
    let value = debuggee.evaluate(&expression, frame)?;
    let body = json!({
        "result": value.value,
        "type": value.kind,
        "variablesReference": value.reference,
    });
    Ok((body, Next::Nothing))
}

fn set_breakpoints(debuggee: &mut dyn Debuggee, arguments: &Value) -> Answer {
    let source: Source = field(arguments, "source")?;
    let mut wanted: Vec<Wanted> = match arguments.get("breakpoints") {
        Some(breakpoints) => parse(breakpoints)?,
        None => Vec::new(),
    };
    for one in &mut wanted {
        take_task(one);
    }
    let placed = debuggee.set_breakpoints(&source, &wanted);
    let placed: Vec<Value> = placed.iter().map(|one| one.json()).collect();
    Ok((json!({"breakpoints": placed}), Next::Nothing))
}

/// The protocol has no breakpoints of one thread: `task main: x > 3` and `task main` as a condition are that.
fn take_task(wanted: &mut Wanted) {
    let Some(condition) = wanted.condition.take() else { return };
    let Some(rest) = condition.trim().strip_prefix("task ") else {
        wanted.condition = Some(condition).filter(|condition| !condition.trim().is_empty());
        return;
    };
    let (task, condition) = rest.split_once(':').unwrap_or((rest, ""));
    wanted.task = Some(task.trim().to_owned());
    wanted.condition = Some(condition.trim().to_owned()).filter(|condition| !condition.is_empty());
}

fn data_info(debuggee: &mut dyn Debuggee, arguments: &Value) -> Answer {
    let name: String = field(arguments, "name")?;
    let reference = arguments.get("variablesReference").and_then(Value::as_i64).unwrap_or(0);
    let body = match debuggee.data(&name, reference) {
        Ok(id) => json!({"dataId": id, "description": id, "accessTypes": ["write"], "canPersist": true}),
        Err(why) => json!({"dataId": null, "description": why}),
    };
    Ok((body, Next::Nothing))
}

fn set_data(debuggee: &mut dyn Debuggee, arguments: &Value) -> Answer {
    let wanted: Vec<Value> = field(arguments, "breakpoints")?;
    let id = |one: &Value| one.get("dataId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let ids: Vec<String> = wanted.iter().map(id).collect();
    let placed: Vec<Value> = debuggee
        .set_data(&ids)
        .into_iter()
        .map(|result| match result {
            Ok(()) => json!({"verified": true}),
            Err(why) => json!({"verified": false, "message": why}),
        })
        .collect();
    Ok((json!({"breakpoints": placed}), Next::Nothing))
}

fn locations(debuggee: &mut dyn Debuggee, arguments: &Value) -> Answer {
    let source: Source = field(arguments, "source")?;
    let from: u32 = field(arguments, "line")?;
    let to = arguments.get("endLine").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
    let lines = debuggee.lines(&source, from, to.unwrap_or(from));
    let lines: Vec<Value> = lines.iter().map(|line| json!({"line": line})).collect();
    Ok((json!({"breakpoints": lines}), Next::Nothing))
}

fn number(arguments: &Value, name: &str) -> Option<usize> {
    arguments.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
}

fn field<T: DeserializeOwned>(arguments: &Value, name: &str) -> Result<T, String> {
    let value = arguments.get(name).ok_or_else(|| format!("the request lacks `{name}`"))?;
    T::deserialize(value).map_err(|error| format!("`{name}`: {error}"))
}

fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}
