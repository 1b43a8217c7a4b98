//! What a client may send, and what it gets.

use super::{
    Connection, Debuggee, Frame, Motion, Placed, Progress, Scope, Source, Stopped, Variable, Wanted, serve,
    wire::{self, WireError},
};
use serde_json::{Value, json};
use std::io::Cursor;

/// Ten places in a row.
#[derive(Default)]
struct Row {
    at: i64,
    motion: Option<Motion>,
    wanted: Vec<Wanted>,
}

impl Debuggee for Row {
    fn set_breakpoints(&mut self, _: &Source, wanted: &[Wanted]) -> Vec<Placed> {
        self.wanted = wanted.to_vec();
        let placed = |one: &Wanted| Placed { verified: one.line < 10, line: one.line, ..Placed::default() };
        wanted.iter().map(placed).collect()
    }
    fn stop_at_faults(&mut self, _: bool) {}
    fn data(&mut self, name: &str, _: i64) -> Result<String, String> {
        Err(format!("`{name}` never changes"))
    }
    fn set_data(&mut self, names: &[String]) -> Vec<Result<(), String>> {
        names.iter().map(|_| Err("no".into())).collect()
    }
    fn lines(&mut self, _: &Source, from: u32, to: u32) -> Vec<u32> {
        (from..=to.min(10)).collect()
    }
    fn threads(&mut self) -> Vec<(i64, String)> {
        vec![(1, "main".into())]
    }
    fn frames(&mut self, _: i64) -> Vec<Frame> {
        vec![Frame { id: 1, name: format!("place {}", self.at), ..Frame::default() }]
    }
    fn scopes(&mut self, _: i64) -> Vec<Scope> {
        Vec::new()
    }
    fn variables(&mut self, reference: i64) -> Result<Vec<Variable>, String> {
        Err(format!("there is nothing with the number {reference}"))
    }
    fn evaluate(&mut self, expression: &str, _: i64) -> Result<Variable, String> {
        Ok(Variable { value: format!("{expression} = {}", self.at), ..Variable::default() })
    }
    fn text(&mut self, _: i64) -> Option<String> {
        None
    }
    fn go_to_cycle(&mut self, cycle: u64) -> Result<Stopped, String> {
        self.at = i64::try_from(cycle).ok().filter(|at| *at < 10).ok_or("there is no such cycle")?;
        Ok(self.here())
    }
    fn here(&mut self) -> Stopped {
        Stopped { reason: "step", description: format!("at {}", self.at), thread: 1, hits: Vec::new() }
    }
    fn begin(&mut self, motion: Motion) -> Result<(), String> {
        self.motion = Some(motion);
        Ok(())
    }
    fn go_on(&mut self) -> Progress {
        self.at += match self.motion {
            Some(Motion::Back | Motion::RunBack) => -1,
            _ => 1,
        };
        Progress::Stopped(self.here())
    }
    fn pause(&mut self) -> Stopped {
        self.here()
    }
    fn said(&mut self) -> Vec<String> {
        Vec::new()
    }
    fn never_stops(&self) -> Option<String> {
        None
    }
}

fn frames(messages: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        wire::write(&mut bytes, message).unwrap();
    }
    bytes
}

fn request(command: &str, arguments: Value) -> Value {
    json!({"seq": 7, "type": "request", "command": command, "arguments": arguments})
}

/// Everything that is said to a client that sends these bytes, and how it ended.
fn talk(bytes: Vec<u8>) -> (Vec<Value>, Result<(), WireError>) {
    let mut out = Vec::new();
    let mut connection = Connection::new(Cursor::new(bytes), &mut out).unwrap();
    let ended = (|| {
        let Some(begun) = connection.begin()? else { return Ok(()) };
        connection.accept(&begun)?;
        serve(&mut connection, &mut Row::default())
    })();
    drop(connection);
    let mut from = Cursor::new(out);
    let said = std::iter::from_fn(|| wire::read(&mut from).unwrap());
    (said.collect(), ended)
}

fn started(more: &[Value]) -> Vec<Value> {
    let mut messages = vec![request("initialize", json!({})), request("launch", json!({}))];
    messages.extend_from_slice(more);
    let (said, ended) = talk(frames(&messages));
    ended.unwrap();
    said
}

fn answers<'v>(said: &'v [Value], command: &str) -> Vec<&'v Value> {
    said.iter().filter(|message| message["type"] == "response" && message["command"] == command).collect()
}

#[test]
fn a_session_from_hello_to_goodbye() {
    let said = started(&[
        request(
            "setBreakpoints",
            json!({"source": {"path": "a"}, "breakpoints": [
                {"line": 3, "condition": "task main: x > 3"}, {"line": 12}
            ]}),
        ),
        request("configurationDone", Value::Null),
        request("evaluate", json!({"expression": "x"})),
        request("evaluate", json!({"expression": "cycle 5", "context": "repl"})),
        request("evaluate", json!({"expression": "cycle 50", "context": "repl"})),
        request("stackTrace", json!({"threadId": 1})),
        request("disconnect", json!({})),
    ]);
    assert_eq!(answers(&said, "initialize")[0]["body"]["supportsStepBack"], true);
    let placed = &answers(&said, "setBreakpoints")[0]["body"]["breakpoints"];
    assert_eq!((&placed[0]["verified"], &placed[1]["verified"]), (&json!(true), &json!(false)));
    let results: Vec<_> = answers(&said, "evaluate").iter().map(|of| of["success"].clone()).collect();
    assert_eq!(results, [true, true, false]);
    assert_eq!(answers(&said, "stackTrace")[0]["body"]["stackFrames"][0]["name"], "place 5");
    let stops = said.iter().filter(|message| message["event"] == "stopped").count();
    assert_eq!(stops, 2, "at the start, and in cycle 5");
    let events: Vec<_> = said.iter().filter_map(|message| message["event"].as_str()).collect();
    assert!(events.ends_with(&["stopped", "continued", "stopped", "terminated"]), "{events:?}");
    assert_eq!(said.last().unwrap()["event"], "terminated");
}

#[test]
fn a_step_is_answered_before_it_is_over() {
    let said = started(&[request("next", json!({"threadId": 1}))]);
    let next = said.iter().position(|message| message["command"] == "next").unwrap();
    assert_eq!(said[next]["success"], true);
    // The stream may end before the step is made; if it is, it is told behind the answer.
    if let Some(stopped) = said.iter().position(|message| message["event"] == "stopped") {
        assert!(next < stopped);
    }
}

#[test]
fn nonsense_is_answered_and_the_session_lives() {
    let mut bytes = frames(&[request("initialize", json!({})), request("launch", json!({}))]);
    bytes.extend_from_slice(b"Content-Length: 9\r\n\r\n{nonsense");
    bytes.extend(frames(&[
        json!([1, 2, 3]),
        json!({"type": "response"}),
        json!({"type": "request"}),
        json!({"type": "request", "command": 7}),
        request("makeCoffee", json!({})),
        request("variables", json!({})),
        request("variables", json!({"variablesReference": "x"})),
        request("variables", json!({"variablesReference": 99})),
        request("setBreakpoints", json!({"source": 3})),
        request("setBreakpoints", json!({"source": {}, "breakpoints": [{"line": -3}]})),
        request("goToCycle", json!({"cycle": 1e300})),
        request("threads", json!({})),
    ]));
    let (said, ended) = talk(bytes);
    ended.unwrap();
    let refused = said.iter().filter(|message| message["success"] == false).count();
    assert_eq!(refused, 11, "{said:#?}");
    assert!(said.iter().any(|message| message["event"] == "output"));
    assert_eq!(answers(&said, "threads")[0]["success"], true);
}

#[test]
fn frames_that_are_none_end_the_session_with_a_reason() {
    let ends = |tail: &[u8]| {
        let mut bytes = frames(&[request("initialize", json!({})), request("launch", json!({}))]);
        bytes.extend_from_slice(tail);
        talk(bytes).1.unwrap_err()
    };
    assert!(matches!(ends(b"hello\r\n\r\n"), WireError::Header(_)));
    assert!(matches!(ends(b"Content-Length: x\r\n\r\n"), WireError::Header(_)));
    assert!(matches!(ends(b"Content-Length: -4\r\n\r\n"), WireError::Header(_)));
    assert!(matches!(ends(b"\r\n"), WireError::Header(_)));
    assert!(matches!(ends(b"Content-Length: 99\r\n\r\n{}"), WireError::Torn));
    assert!(matches!(ends(b"Content-Len"), WireError::Torn));
    assert!(matches!(ends(b"Content-Length: 99999999999\r\n\r\n{}"), WireError::TooLong(_)));
    assert!(matches!(ends(&[b'x'; 9000]), WireError::Header(_)));
    assert!(matches!(ends(&b"A: b\r\n".repeat(99)), WireError::Header(_)));
}

#[test]
fn before_launch_nothing_but_hello_is_answered() {
    let (said, ended) = talk(frames(&[request("threads", json!({})), request("disconnect", json!({}))]));
    ended.unwrap();
    assert_eq!(answers(&said, "threads")[0]["success"], false);
    assert_eq!(answers(&said, "disconnect")[0]["success"], true);
    assert!(talk(Vec::new()).1.is_ok());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let mut all = frames(&[request("initialize", json!({})), request("launch", json!({}))]);
        all.extend_from_slice(&bytes);
        let _ = talk(all);
    }
}
