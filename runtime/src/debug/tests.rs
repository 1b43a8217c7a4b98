//! A scripted editor debugs a log: over the protocol, and past it.

#[path = "../../../ide-lsp/tests/common/dap_client.rs"]
mod dap_client;

use super::{Session, SharedProbe, Travel, Watching, serve, serve_live};
use crate::{
    debug::{Breakpoint, Ended, Motion, message},
    replay::tests::{Start, reader, record, steps},
};
use dap_client::Client;
use sensai_log::LogReader;
use sensai_lsp::dap::{Begun, Connection};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufReader, PipeReader, PipeWriter, Write, pipe},
    ops::{Deref, DerefMut},
    sync::Arc,
    thread::{self, JoinHandle},
};

const PROGRAM: &str = "programs/count.rhai";

/// A log of a run that fails in cycle 21, and runs again later.
fn log() -> Vec<u8> {
    let mut steps = steps(200, |n| n % 5 == 0 || n == 199);
    // The operator lowers the limit below what was counted.
    (steps[20].command, steps[20].input) = (8, 5);
    record(Vec::new(), &Start { steps, late_writer: false, orderly: true, lie: None })
}

/// An editor.
struct Editor {
    client: Client<PipeWriter, PipeReader>,
    server: JoinHandle<()>,
}

impl Deref for Editor {
    type Target = Client<PipeWriter, PipeReader>;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}

impl DerefMut for Editor {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.client
    }
}

impl Editor {
    fn new(log: Vec<u8>) -> Self {
        Self::over("launch", move |connection, begun| {
            serve(connection, begun, &reader(&log), None, None).unwrap();
        })
    }

    fn over(begin: &str, serve: impl FnOnce(&mut Connection<PipeWriter>, &Begun) + Send + 'static) -> Self {
        let (from_client, to) = pipe().unwrap();
        let (from, to_client) = pipe().unwrap();
        let server = thread::spawn(move || {
            let mut connection = Connection::new(BufReader::new(from_client), to_client).unwrap();
            let begun = connection.begin().unwrap().unwrap();
            serve(&mut connection, &begun);
        });
        let mut new = Self { client: Client::new(to, from), server };
        new.ask("initialize", json!({"adapterID": "sensai"}));
        new.ask(begin, json!({}));
        new.event("initialized");
        new
    }

    /// Go on, and where it stops.
    #[track_caller]
    fn go(&mut self, command: &str) -> Value {
        self.ask(command, json!({"threadId": 1}));
        self.event("stopped")
    }

    fn value(&mut self, expression: &str) -> String {
        let body = self.ask("evaluate", json!({"expression": expression, "frameId": 1}));
        body["result"].as_str().unwrap().to_owned()
    }

    fn line(&mut self) -> (String, u64) {
        let body = self.ask("stackTrace", json!({"threadId": 1}));
        let frame = &body["stackFrames"][0];
        (frame["name"].as_str().unwrap().to_owned(), frame["line"].as_u64().unwrap())
    }

    #[track_caller]
    fn breakpoints(&mut self, breakpoints: Value) -> Value {
        let source = json!({"path": format!("/somewhere/cell/{PROGRAM}")});
        self.ask("setBreakpoints", json!({"source": source, "breakpoints": breakpoints}))["breakpoints"]
            .clone()
    }

    fn leave(mut self) {
        self.ask("disconnect", json!({}));
        self.client.close();
        self.server.join().unwrap();
    }
}

#[test]
fn an_editor_goes_through_a_log_and_back() {
    let mut editor = Editor::new(log());
    let placed = editor.breakpoints(json!([{"line": 8}]));
    assert_eq!((&placed[0]["verified"], &placed[0]["line"]), (&json!(true), &json!(8)), "{placed}");
    editor.ask("configurationDone", json!({}));
    assert_eq!(editor.event("stopped")["reason"], "entry");

    let stopped = editor.go("continue");
    assert_eq!(stopped["reason"], "breakpoint", "{stopped}");
    assert_eq!(stopped["hitBreakpointIds"], json!([placed[0]["id"]]));
    assert_eq!(editor.line(), ("count.cycle".into(), 8));
    let cycle: u64 = editor.value("sys.cycle").parse().unwrap();

    // Over statements, forward and back.
    editor.go("next");
    assert_eq!(editor.line().1, 9);
    editor.go("stepBack");
    assert_eq!(editor.line().1, 8);
    editor.go("stepBack");
    assert_eq!(editor.line().1, 7);
    assert_eq!(editor.value("sys.cycle"), cycle.to_string());

    // To the same place one cycle on, and back to it.
    editor.go("continue");
    editor.go("continue");
    let next: u64 = editor.value("sys.cycle").parse().unwrap();
    assert!(next > cycle);
    let stopped = editor.go("reverseContinue");
    assert_eq!((editor.value("sys.cycle"), editor.line().1), (cycle.to_string(), 8), "{stopped}");

    // What there is to see.
    let scopes = editor.ask("scopes", json!({"frameId": 1}))["scopes"].clone();
    let names: Vec<&str> =
        scopes.as_array().unwrap().iter().map(|scope| scope["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"State (this)") && names.contains(&"Cycle (sys)"), "{names:?}");
    let state = scopes.as_array().unwrap().iter().find(|scope| scope["name"] == "State (this)").unwrap();
    let reference = state["variablesReference"].clone();
    let state = editor.ask("variables", json!({"variablesReference": reference}));
    let slow = state["variables"].as_array().unwrap().iter().find(|of| of["name"] == "slow").unwrap().clone();
    assert_eq!((&slow["type"], &slow["evaluateName"]), (&json!("TON"), &json!("this.slow")));
    let pins = editor.ask("variables", json!({"variablesReference": slow["variablesReference"]}));
    assert!(pins["variables"].as_array().unwrap().iter().any(|pin| pin["name"] == "Q"), "{pins}");
    let wrong = editor.request("evaluate", json!({"expression": "this.nothing + 1", "frameId": 1}));
    assert_eq!(wrong["success"], false);
    assert!(wrong["message"].as_str().unwrap().contains("nothing"), "{wrong}");

    editor.leave();
}

#[test]
fn conditions_hits_and_logpoints() {
    let mut editor = Editor::new(log());
    let placed = editor.breakpoints(json!([
        {"line": 8, "condition": "this.n == 3 && io.level"},
        {"line": 9, "condition": "this.n +"},
        {"line": 9, "condition": "this.n"},
        {"line": 9, "condition": "task nowhere"},
        {"line": 99},
        {"line": 10, "logMessage": "n = {this.n}", "condition": "task main: this.n > 2"},
    ]));
    let verified: Vec<bool> =
        placed.as_array().unwrap().iter().map(|one| one["verified"].as_bool().unwrap()).collect();
    assert_eq!(verified, [true, false, false, false, false, true], "{placed}");
    editor.ask("configurationDone", json!({}));
    editor.event("stopped");
    assert_eq!(editor.go("continue")["reason"], "breakpoint");
    assert_eq!((editor.value("this.n"), editor.value("io.level")), ("3".into(), "true".into()));
    editor.breakpoints(json!([{"line": 10, "logMessage": "n = {this.n}"}, {"line": 8, "hitCondition": "5"}]));
    editor.go("continue");
    let said = editor.event("output")["output"].as_str().unwrap().to_owned();
    assert!(said.contains("n = 3"), "{said}");
    editor.leave();
}

#[test]
fn changes_faults_and_cycles() {
    let mut editor = Editor::new(log());
    editor.ask("configurationDone", json!({}));
    editor.event("stopped");
    let info = editor.ask("dataBreakpointInfo", json!({"name": "io.count"}));
    assert_eq!(info["dataId"], "io.count");
    let set = editor
        .ask("setDataBreakpoints", json!({"breakpoints": [{"dataId": "io.count"}, {"dataId": "io.x"}]}));
    assert_eq!(
        (&set["breakpoints"][0]["verified"], &set["breakpoints"][1]["verified"]),
        (&json!(true), &json!(false))
    );
    let stopped = editor.go("continue");
    assert_eq!(stopped["reason"], "data breakpoint", "{stopped}");
    editor.ask("setDataBreakpoints", json!({"breakpoints": []}));

    editor.ask("setExceptionBreakpoints", json!({"filters": ["faults"]}));
    let stopped = editor.go("continue");
    assert_eq!(stopped["reason"], "exception", "{stopped}");
    assert!(stopped["description"].as_str().unwrap().contains("enough"), "{stopped}");
    assert_eq!(editor.line().1, 7);

    editor.ask("goToCycle", json!({"cycle": 12}));
    assert_eq!(editor.event("stopped")["reason"], "goto");
    let there = editor.ask("evaluate", json!({"expression": "cycle 11", "context": "repl"}));
    assert!(there["result"].as_str().unwrap().contains("cycle 11"), "{there}");
    assert_eq!(editor.request("goToCycle", json!({"cycle": 100_000}))["success"], false);
    editor.leave();
}

/// What logpoints on the last line say in the whole log, with the cycle of each.
fn said_in(log: &[u8]) -> Vec<(u64, String)> {
    let log = reader(log);
    let probe = SharedProbe::default();
    let shop = Watching(Arc::clone(&probe));
    let mut session = Session::new(Travel::new(&log, &shop).unwrap(), probe).unwrap();
    let logpoint = Breakpoint {
        path: PROGRAM.into(),
        line: 10,
        message: Some(message("n = {this.n}")),
        ..Breakpoint::default()
    };
    session.probe().set_breakpoints(vec![logpoint]);
    session.begin(Motion::Run);
    while session.go_on().unwrap() == Ended::NotYet {}
    let said = session.probe().take_said();
    let cycle = |line: &String| line.strip_prefix("cycle ")?.split_once(':')?.0.parse().ok();
    said.into_iter().map(|line| (cycle(&line).expect("it says the cycle"), line)).collect()
}

#[test]
fn a_machine_that_runs_is_followed_and_never_halted() {
    let whole = log();
    // As far as the machine has come by now; the end is torn, as it may be at any moment.
    let good = |cut: &usize| LogReader::open(whole[..*cut].to_vec()).is_ok_and(|log| log.last_cycle() >= 40);
    let cut = 100 + (1..).map(|pages| pages * 4096).find(good).expect("a log with cycles");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &whole[..cut]).unwrap();
    let begun = LogReader::open_file(file.path()).unwrap().last_cycle();
    let expected: Vec<String> =
        said_in(&whole).into_iter().filter(|(cycle, _)| *cycle > begun).map(|(_, line)| line).collect();
    assert!(expected.len() > 20, "{begun}: {expected:?}");

    let path = file.path().to_owned();
    let mut editor = Editor::over("attach", move |connection, begun| {
        serve_live(connection, begun, &path, None).unwrap();
    });
    let why = editor.event("output")["output"].as_str().unwrap().to_owned();
    assert!(why.contains("never halted"), "{why}");
    let placed = editor.breakpoints(json!([{"line": 8}, {"line": 10, "logMessage": "n = {this.n}"}]));
    assert_eq!((&placed[0]["verified"], &placed[1]["verified"]), (&json!(false), &json!(true)), "{placed}");
    assert!(placed[0]["message"].as_str().unwrap().contains("never halted"), "{placed}");
    let data = editor.ask("setDataBreakpoints", json!({"breakpoints": [{"dataId": "io.count"}]}));
    assert_eq!(data["breakpoints"][0]["verified"], false);
    editor.ask("configurationDone", json!({}));
    for request in ["pause", "next", "stepBack", "stackTrace"] {
        let refused = editor.request(request, json!({"threadId": 1}));
        assert_eq!(refused["success"], false);
        assert!(refused["message"].as_str().unwrap().contains("never halted"), "{refused}");
    }

    // The machine goes on, in two parts.
    let half = cut + (whole.len() - cut) / 2;
    for part in [&whole[cut..half], &whole[half..]] {
        fs::OpenOptions::new().append(true).open(file.path()).unwrap().write_all(part).unwrap();
        thread::sleep(std::time::Duration::from_millis(120));
    }
    for line in expected {
        assert_eq!(editor.event("output")["output"], format!("{line}\n"));
    }
    assert!(!editor.events().iter().any(|event| event["event"] == "stopped"), "{:?}", editor.events());
    editor.leave();
}

/// Every place of every cycle, forward; then back over all of them: the same places in the other order.
#[test]
fn steps_back_are_the_steps_forward() {
    let bytes = log();
    let log = reader(&bytes);
    let probe = SharedProbe::default();
    let shop = Watching(Arc::clone(&probe));
    let mut session = Session::new(Travel::new(&log, &shop).unwrap(), probe).unwrap();
    let place = |session: &Session<'_, Vec<u8>>| {
        let capture = session.capture()?;
        Some((session.cycle(), capture.number, capture.program))
    };
    let step = |session: &mut Session<'_, Vec<u8>>, motion| {
        session.begin(motion);
        loop {
            match session.go_on().unwrap() {
                Ended::NotYet => {}
                ended => return ended,
            }
        }
    };
    let mut places = Vec::new();
    while places.len() < 150 && step(&mut session, Motion::In) == Ended::Step {
        places.push(place(&session));
    }
    assert!(places.len() > 100 && places.iter().all(Option::is_some), "{places:?}");
    while let Some(expected) = places.pop() {
        assert_eq!(place(&session), expected);
        step(&mut session, Motion::Back);
        // The rig's programs call no functions of their own, so that a step back is one place.
    }
    assert!(session.probe().take_said().is_empty());
}
