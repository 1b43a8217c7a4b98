//! An editor that looks at a cell that runs, which is a queue of states here.

use super::*;
use crate::online::{Command, Link, Live, LiveProgram, LiveTag, Online, Place};
use crossbeam::channel::{Receiver, Sender, unbounded};
use sensai_model::{Cell, cell::ProgramSource, config::Finding};
use sensai_scripts::Analysed;
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

/// Runs what it is given to run.
#[derive(Clone)]
struct Fake {
    states: Receiver<Result<Live, String>>,
    commands: Arc<Mutex<Vec<Command>>>,
    /// Why nobody is connected.
    refuses: Arc<Mutex<Option<String>>>,
}

impl Online for Fake {
    fn connect(&self, cell: &Path, place: Option<&Place>) -> Result<Box<dyn Link>, String> {
        assert!(cell.join("cell.toml").is_file());
        if let Some(Place::Host(host)) = place {
            return Err(format!("no machine is noted as `{host}`"));
        }
        match self.refuses.lock().unwrap().clone() {
            Some(why) => Err(why),
            None => Ok(Box::new(self.clone())),
        }
    }
}

impl Link for Fake {
    fn follow(&mut self, hz: f64) -> Result<(), String> {
        assert!(hz <= 5.0);
        Ok(())
    }

    fn next(&mut self, within: Duration) -> Result<Option<Live>, String> {
        self.states.recv_timeout(within).ok().transpose()
    }

    fn command(&mut self, command: &Command) -> Result<String, String> {
        self.commands.lock().unwrap().push(command.clone());
        match command {
            Command::Force { name, .. } if name == "start" => Err("`start` is an operator's button".into()),
            _ => Ok("applied in cycle 7".into()),
        }
    }
}

struct Running(Fake);

impl Host for Running {
    fn load(&self, read: &crate::Read<'_>) -> crate::Loaded {
        Rules.load(read)
    }
    fn attach(&self, program: &mut ProgramSource, read: &crate::Read<'_>) {
        Rules.attach(program, read);
    }
    fn across(&self, cell: &Cell, programs: &[(&crate::Subject, &Analysed)]) -> Vec<Finding> {
        Rules.across(cell, programs)
    }
    fn ns_per_unit(&self) -> Option<f64> {
        None
    }
    fn online(&self) -> Option<Arc<dyn Online>> {
        Some(Arc::new(self.0.clone()))
    }
}

struct Desk {
    editor: Editor,
    states: Sender<Result<Live, String>>,
    fake: Fake,
}

fn live(cycle: u64, force: f64) -> Live {
    let tag = LiveTag { value: json!(force), valid: true, forced: false };
    let hash =
        <sha2::Sha256 as sha2::Digest>::digest(GOOD).iter().map(|byte| format!("{byte:02x}")).collect();
    let program =
        LiveProgram { sha256: hash, libraries: Default::default(), state: json!({ "x": force + 1.0 }) };
    Live {
        cycle,
        mode: "run".into(),
        tags: [("force".to_owned(), tag)].into(),
        programs: [(PROGRAM.to_owned(), program)].into(),
        ..Live::default()
    }
}

impl Desk {
    fn new() -> Self {
        let (states, queue) = unbounded();
        let fake = Fake { states: queue, commands: Arc::default(), refuses: Arc::default() };
        let refresh = json!({ "refreshSupport": true });
        let editor = Editor::with(Running(fake.clone()))
            .greet(json!({ "workspace": { "inlayHint": refresh, "codeLens": refresh } }));
        editor.open(PROGRAM, GOOD);
        Self { editor, states, fake }
    }

    fn attach(&self) -> Response {
        self.editor.ask("sensai/attach", json!({ "cell": self.editor.uri(PROGRAM) }))
    }

    fn attached() -> Self {
        let desk = Self::new();
        let answer = desk.attach().result.unwrap();
        assert_eq!(answer["cell"], uri_of(desk.editor.folder.path()).as_str());
        desk
    }

    /// The next status in which the cell is said to be so.
    fn told(&self, state: &str) -> Value {
        loop {
            match self.editor.connection.receiver.recv_timeout(WAIT).unwrap() {
                Message::Notification(of) if of.method == "sensai/online" && of.params["state"] == state => {
                    return of.params;
                }
                _ => {}
            }
        }
    }

    fn hover(&self) -> String {
        let column = GOOD.lines().nth(1).unwrap().find("io.force").unwrap() as u32 + 4;
        let answer = self.editor.at("textDocument/hover", PROGRAM, 1, column);
        answer.result.unwrap()["contents"]["value"].as_str().unwrap().to_owned()
    }

    fn hints(&self) -> Vec<String> {
        let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
        let params = json!({ "textDocument": { "uri": self.editor.uri(PROGRAM) }, "range": all });
        let hints = self.editor.ask("textDocument/inlayHint", params).result.unwrap();
        hints.as_array().unwrap().iter().map(|hint| hint["label"].as_str().unwrap().to_owned()).collect()
    }

    fn lenses(&self) -> Vec<Value> {
        let params = json!({ "textDocument": { "uri": self.editor.uri(PROGRAM) } });
        let lenses = self.editor.ask("textDocument/codeLens", params).result.unwrap();
        lenses.as_array().unwrap().iter().map(|lens| lens["command"].clone()).collect()
    }

    fn execute(&self, command: &str, argument: Value) -> Response {
        self.editor.ask("workspace/executeCommand", json!({ "command": command, "arguments": [argument] }))
    }
}

#[test]
fn a_cell_that_runs_shows_its_values() {
    let desk = Desk::attached();
    assert!(!desk.hover().contains("now:"));
    desk.states.send(Ok(live(70, 12.5))).unwrap();
    let status = desk.told("online");
    assert_eq!(
        (&status["mode"], &status["cycle"], &status["stale"]),
        (&json!("run"), &json!(70), &json!([]))
    );
    assert!(desk.hover().ends_with("now: **12.5 N** (cycle 70)\n"), "{}", desk.hover());
    let hints = desk.hints();
    assert!(hints.contains(&" = 12.5 N".to_owned()) && hints.contains(&" = 13.5".to_owned()), "{hints:?}");
    assert!(!hints.contains(&" N".to_owned()), "the unit is said once: {hints:?}");
    // Another text than the one that runs.
    assert!(desk.lenses().iter().all(|command| command["command"] != "sensai.online.reload"));
    desk.editor.change(PROGRAM, 2, &json!([{ "text": format!("{GOOD}// more\n") }]));
    let mut forced = live(71, 13.0);
    forced.forced = vec!["lamp.red".into()];
    desk.states.send(Ok(forced)).unwrap();
    let status = loop {
        let status = desk.told("online");
        if status["forced"] == json!(["lamp.red"]) {
            break status;
        }
    };
    assert_eq!(status["stale"], json!([desk.editor.uri(PROGRAM)]));
    assert_eq!(desk.lenses()[0]["title"], "this text is not what runs: reload");
    assert_eq!(
        desk.editor.ask("sensai/detach", Value::Null).result.unwrap()["cells"].as_array().unwrap().len(),
        1
    );
    assert!(!desk.hover().contains("now:"));
    desk.editor.leave();
}

#[test]
fn a_runtime_that_goes_comes_back_and_nonsense_ends_nothing() {
    let desk = Desk::new();
    *desk.fake.refuses.lock().unwrap() = Some("it speaks version 9 of the control protocol".into());
    desk.attach();
    assert_eq!(desk.told("lost")["text"], "it speaks version 9 of the control protocol");
    *desk.fake.refuses.lock().unwrap() = None;
    desk.states.send(Ok(live(5, 1.0))).unwrap();
    desk.told("online");
    desk.states.send(Err("the runtime tells what this sensai does not know".into())).unwrap();
    assert!(desk.told("lost")["text"].as_str().unwrap().contains("does not know"));
    assert!(!desk.hover().contains("now:"), "what was is not what is");
    desk.states.send(Ok(live(6, 2.0))).unwrap();
    assert_eq!(desk.told("online")["cycle"], 6);
    assert!(desk.hover().contains("now: **2.0 N**"));
    // Attached again, it is another follower of the same cell.
    desk.attach();
    desk.states.send(Ok(live(7, 3.0))).unwrap();
    desk.told("online");
    desk.editor.leave();
}

#[test]
fn commands_go_to_the_cell_and_their_answers_come_back() {
    let desk = Desk::new();
    let refused = |response: Response| response.error.expect("it is refused").message;
    let force = json!({ "name": "force", "value": 3.5, "why": "test" });
    let text = refused(desk.execute("sensai.online.force", force.clone()));
    assert_eq!(text, "say which `cell`: not exactly one is attached");
    desk.attach();
    assert_eq!(desk.execute("sensai.online.force", force).result.unwrap()["text"], "applied in cycle 7");
    let text = refused(desk.execute("sensai.online.force", json!({ "name": "start", "value": true })));
    assert_eq!(text, "`start` is an operator's button");
    let set = json!({ "cell": desk.editor.uri("cell.toml"), "name": "depth", "value": 1.0 });
    desk.execute("sensai.online.setParameter", set).result.unwrap();
    desk.execute("sensai.online.unforce", json!({ "name": "force" })).result.unwrap();
    desk.execute("sensai.online.unforceAll", json!({})).result.unwrap();
    desk.execute("sensai.online.reload", json!({ "program": "main" })).result.unwrap();
    for (command, argument, expected) in [
        ("sensai.online.force", json!({ "name": "force" }), "needs `value`"),
        ("sensai.online.unforce", json!({}), "needs `name`"),
        ("sensai.online.reload", json!({ "nonsense": 1 }), "unknown field `nonsense`"),
        ("sensai.online.jump", json!({}), "there is no command"),
        ("sensai.online.unforceAll", json!({ "cell": "file:///nowhere/at/all" }), "there is no cell.toml"),
    ] {
        let text = refused(desk.execute(command, argument));
        assert!(text.contains(expected), "{text}");
    }
    // What is not saved is not what would be reloaded.
    desk.editor.change(PROGRAM, 2, &json!([{ "text": format!("{GOOD}// more\n") }]));
    let text = refused(desk.execute("sensai.online.reload", json!({})));
    assert!(text.starts_with("save ") && text.contains(PROGRAM), "{text}");
    let why = || String::new();
    assert_eq!(
        *desk.fake.commands.lock().unwrap(),
        [
            Command::Force { name: "force".into(), value: json!(3.5), why: "test".into() },
            Command::Force { name: "start".into(), value: json!(true), why: why() },
            Command::SetParameter { name: "depth".into(), value: json!(1.0), why: why() },
            Command::Unforce { name: Some("force".into()), why: why() },
            Command::Unforce { name: None, why: why() },
            Command::Reload { program: Some("main".into()), why: why() },
        ]
    );
    desk.editor.leave();
}

#[test]
fn a_flood_of_states_is_one_look_each_time() {
    let desk = Desk::attached();
    for cycle in 0..5_000 {
        desk.states.send(Ok(live(cycle, cycle as f64))).unwrap();
    }
    desk.told("online");
    // It answers meanwhile, and asks for a refresh once, as long as nobody answers that.
    let mut refreshes = 0;
    for _ in 0..20 {
        desk.hover();
        while let Ok(message) = desk.editor.connection.receiver.try_recv() {
            refreshes += u32::from(
                matches!(&message, Message::Request(of) if of.method.ends_with("inlayHint/refresh")),
            );
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(refreshes <= 1, "{refreshes}");
    assert!(
        desk.states.len() > 4_000,
        "it takes a state after the other, with a pause: {} are left",
        desk.states.len()
    );
    desk.editor.leave();
}

#[test]
fn a_machine_in_a_network_is_reached_by_its_name() {
    let desk = Desk::new();
    let ask = |params: Value| desk.editor.ask("sensai/attach", params);
    let cell = desk.editor.uri("cell.toml");
    let both = ask(json!({ "cell": cell, "host": "press", "socket": "/run/press.sock" })).error.unwrap();
    assert_eq!(both.message, "either `socket` or `host`, not both");
    ask(json!({ "cell": cell, "host": "press" })).result.unwrap();
    assert_eq!(desk.told("lost")["text"], "no machine is noted as `press`");
    desk.editor.leave();
}

#[test]
fn a_server_without_runtimes_says_so() {
    let editor = Editor::greeted();
    let refused = editor.ask("sensai/attach", json!({ "cell": editor.uri("cell.toml") })).error.unwrap();
    assert_eq!(refused.message, "this server does not reach running cells");
    let refused = editor.ask("sensai/attach", json!({ "cell": "/nowhere/at/all" })).error.unwrap();
    assert!(refused.message.contains("there is no cell.toml in `/nowhere/at/all`"), "{}", refused.message);
    editor.leave();
}
