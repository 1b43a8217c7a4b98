//! An editor in memory.

use super::*;
use crate::{
    analysis::testing::{CELL, Rules, TOOLS},
    lsp::uri_of,
};
use serde_json::json;
use std::{fs, thread, time::Duration};

#[path = "server_tests/features.rs"]
mod features;
#[path = "server_tests/online.rs"]
mod online;

struct Editor {
    connection: Connection,
    server: thread::JoinHandle<Result<(), Error>>,
    folder: tempfile::TempDir,
    id: std::cell::Cell<i32>,
}

const WAIT: Duration = Duration::from_secs(60);
const PROGRAM: &str = "programs/main.rhai";
const GOOD: &str = "fn init() { #{ x: 0.0 } }\nfn cycle() { this.x = io.force; io.force = this.x; }\n";
const BAD: &str = "fn init() { #{ x: 0.0 } }\nfn cycle() { this.x = 7; io.force = this.x; }\n";

impl Editor {
    /// With a cell on disk, not yet greeted.
    fn new() -> Self {
        Self::with(Rules)
    }

    fn with(host: impl Host + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [("cell.toml", CELL), (PROGRAM, GOOD), ("lib/tools.rhai", TOOLS)] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let (ours, connection) = Connection::memory();
        let server = thread::spawn(move || serve(&ours, &host));
        Self { connection, server, folder, id: std::cell::Cell::new(1) }
    }

    fn greeted() -> Self {
        Self::new().greet(json!({}))
    }

    fn greet(self, capabilities: Value) -> Self {
        let editor = self;
        let answer = editor.ask("initialize", json!({ "capabilities": capabilities })).result.unwrap();
        assert_eq!(answer["capabilities"]["textDocumentSync"]["change"], 2, "changes by parts");
        assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
        editor.tell("initialized", json!({}));
        editor
    }

    fn uri(&self, file: &str) -> String {
        uri_of(&self.folder.path().join(file))
    }

    fn tell(&self, method: &str, params: Value) {
        let message = Notification { method: method.into(), params };
        self.connection.sender.send(message.into()).unwrap();
    }

    /// The answer; findings that come before it are dropped.
    fn ask(&self, method: &str, params: Value) -> Response {
        let number = self.id.replace(self.id.get() + 1);
        let request = Request { id: number.into(), method: method.into(), params };
        self.connection.sender.send(request.into()).unwrap();
        loop {
            if let Message::Response(response) = self.connection.receiver.recv_timeout(WAIT).unwrap() {
                assert_eq!(response.id, number.into());
                return response;
            }
        }
    }

    fn open(&self, file: &str, text: &str) {
        let document = json!({ "uri": self.uri(file), "languageId": "rhai", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    fn change(&self, file: &str, version: i32, changes: &Value) {
        let document = json!({ "uri": self.uri(file), "version": version });
        self.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    fn about(&self, method: &str, file: &str) {
        self.tell(method, json!({ "textDocument": { "uri": self.uri(file) } }));
    }

    fn at(&self, method: &str, file: &str, line: u32, character: u32) -> Response {
        let position = json!({ "line": line, "character": character });
        self.ask(method, json!({ "textDocument": { "uri": self.uri(file) }, "position": position }))
    }

    /// The next findings of a file: version, and code, start line, start and end column of each.
    fn told(&self, file: &str) -> (Option<i64>, Vec<(String, [u64; 3])>) {
        loop {
            let Message::Notification(notification) = self.connection.receiver.recv_timeout(WAIT).unwrap()
            else {
                continue;
            };
            let params = notification.params;
            if params["uri"] != self.uri(file).as_str() {
                continue;
            }
            let found = params["diagnostics"].as_array().unwrap().iter().map(|found| {
                let number = |end: &str, part: &str| found["range"][end][part].as_u64().unwrap();
                let code = found["code"].as_str().unwrap().to_owned();
                (code, [number("start", "line"), number("start", "character"), number("end", "character")])
            });
            return (params["version"].as_i64(), found.collect());
        }
    }

    fn leave(self) {
        assert!(self.ask("shutdown", Value::Null).error.is_none());
        self.tell("exit", Value::Null);
        assert!(self.ended().is_ok());
    }

    fn ended(self) -> Result<(), Error> {
        drop(self.connection);
        self.server.join().expect("the server does not panic")
    }
}

fn found(code: &str, place: [u64; 3]) -> (String, [u64; 3]) {
    (code.to_owned(), place)
}

#[test]
fn findings_follow_the_text() {
    let editor = Editor::greeted();
    editor.open(PROGRAM, BAD);
    assert_eq!(editor.told(PROGRAM), (Some(1), vec![found("S216", [1, 22, 23])]));
    let range = json!({ "start": { "line": 1, "character": 22 }, "end": { "line": 1, "character": 23 } });
    editor.change(PROGRAM, 2, &json!([{ "range": range, "text": "7.0" }]));
    assert_eq!(editor.told(PROGRAM), (Some(2), vec![]));
    // Two changes, the second one in the text that the first one made.
    let line = json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 1, "character": 0 } });
    let emoji = json!({ "range": line, "text": "/* 😀 */ " });
    let range = json!({ "start": { "line": 1, "character": 31 }, "end": { "line": 1, "character": 34 } });
    editor.change(PROGRAM, 3, &json!([emoji, { "range": range, "text": "8" }]));
    assert_eq!(editor.told(PROGRAM), (Some(3), vec![found("S216", [1, 31, 32])]));
    editor.leave();
}

#[test]
fn a_change_of_the_cell_shows_in_its_programs() {
    let editor = Editor::greeted();
    editor.open(PROGRAM, GOOD);
    assert_eq!(editor.told(PROGRAM), (Some(1), vec![]));
    editor.open("cell.toml", &CELL.replace("force = {", "power = {"));
    let expected = vec![found("S205", [1, 25, 30])];
    assert_eq!(editor.told(PROGRAM), (Some(1), expected));
    // While the cell is wrong, its programs are not looked at, and what was known of them still helps.
    editor.change("cell.toml", 2, &json!([{ "text": CELL.replace("[parameters]", "[parmeters]") }]));
    assert_eq!(editor.told("cell.toml").1.len(), 1);
    let answer = editor.at("textDocument/hover", PROGRAM, 1, 18).result.unwrap();
    assert!(answer["contents"]["value"].as_str().unwrap().contains("x: f64"));
    // Closed without saving: back to the text on disk.
    editor.about("textDocument/didClose", "cell.toml");
    assert_eq!(editor.told(PROGRAM), (Some(1), vec![]));
    editor.leave();
}

#[test]
fn several_cells_and_files_on_disk() {
    let editor = Editor::greeted();
    let other = editor.folder.path().join("other");
    fs::create_dir_all(other.join("programs")).unwrap();
    fs::write(other.join("cell.toml"), CELL).unwrap();
    fs::write(other.join(PROGRAM), BAD).unwrap();
    editor.open("other/cell.toml", CELL);
    assert_eq!(editor.told("other/programs/main.rhai"), (None, vec![found("S216", [1, 22, 23])]));
    fs::write(other.join(PROGRAM), GOOD).unwrap();
    let changes = json!([{ "uri": editor.uri("other/programs/main.rhai"), "type": 2 }]);
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    assert_eq!(editor.told("other/programs/main.rhai"), (None, vec![]));
    // A folder that vanishes takes its cell along.
    fs::remove_dir_all(&other).unwrap();
    editor.about("textDocument/didSave", "other/cell.toml");
    let (_, found) = editor.told("other/cell.toml");
    assert_eq!(found.len(), 1, "{found:?}");
    editor.about("textDocument/didClose", "other/cell.toml");
    assert_eq!(editor.told("other/cell.toml"), (None, vec![]));
    editor.leave();
}

#[test]
fn libraries_are_looked_at_with_the_programs_that_import_them() {
    let editor = Editor::greeted();
    let program = "import \"tools\" as tools;\nfn init() { #{ x: 0 } }\nfn cycle() { this.x = tools::twice(this.x); io.count = this.x; }\n";
    editor.open(PROGRAM, program);
    assert_eq!(editor.told(PROGRAM), (Some(1), vec![]));
    editor.open("lib/tools.rhai", "fn twice(x) { x * 2.0 }\n");
    let (_, found) = editor.told(PROGRAM);
    assert_eq!(found[0].0, "S216", "{found:?}");
    editor.leave();
}

#[test]
fn only_the_last_text_of_a_burst_is_told() {
    let editor = Editor::greeted();
    editor.open(PROGRAM, GOOD);
    assert_eq!(editor.told(PROGRAM), (Some(1), vec![]));
    for version in 2..200 {
        editor.change(PROGRAM, version, &json!([{ "text": BAD }]));
    }
    let mut times = 0;
    loop {
        times += 1;
        let (version, found) = editor.told(PROGRAM);
        assert_eq!(found.len(), 1);
        if version == Some(199) {
            break;
        }
    }
    assert!(times < 100, "{times} of 198 texts were checked");
    editor.leave();
}

#[test]
fn requests_that_nobody_waits_for_are_not_worked_on() {
    let (server, connection) = Connection::memory();
    let send = |message: Message| connection.sender.send(message).unwrap();
    let request = |id: i32, method: &str, params: Value| {
        send(Request { id: id.into(), method: method.into(), params }.into());
    };
    let notify = |method: &str, params: Value| send(Notification { method: method.into(), params }.into());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cell.toml"), CELL).unwrap();
    let uri = uri_of(&folder.path().join("cell.toml"));
    let document = json!({ "uri": uri, "languageId": "toml", "version": 1, "text": CELL });
    let position = json!({ "line": 8, "character": 1 });
    let here = json!({ "textDocument": { "uri": uri }, "position": position });
    request(1, "initialize", json!({ "capabilities": {} }));
    notify("initialized", json!({}));
    notify("textDocument/didOpen", json!({ "textDocument": document }));
    request(2, "textDocument/hover", here.clone());
    request(3, "textDocument/hover", here);
    notify("$/cancelRequest", json!({ "id": 2 }));
    let document = json!({ "uri": uri, "version": 2 });
    notify(
        "textDocument/didChange",
        json!({ "textDocument": document, "contentChanges": [{ "text": CELL }] }),
    );
    drop(connection.sender);
    assert!(matches!(serve(&server, &Rules), Err(Error::Disconnected)));
    let codes: Vec<Option<i32>> = connection
        .receiver
        .try_iter()
        .filter_map(|message| match message {
            Message::Response(response) => Some(response.error.map(|error| error.code)),
            _ => None,
        })
        .collect();
    assert_eq!(codes, [None, Some(-32800), Some(-32801)]);
}

#[test]
fn nonsense_gets_errors_and_the_server_lives() {
    let editor = Editor::greeted();
    editor.open("README.md", "bad");
    let document = json!({ "uri": "untitled:one.rhai", "languageId": "rhai", "version": 1, "text": "bad" });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
    editor.tell("textDocument/didOpen", json!({ "textDocument": 7 }));
    editor.tell("textDocument/didChange", json!([]));
    editor.tell("workspace/didChangeConfiguration", json!({}));
    let range = json!({ "start": { "line": 90, "character": 7 }, "end": { "line": 3, "character": 1 } });
    editor.change("programs/never_opened.rhai", 2, &json!([{ "range": range, "text": "bad" }]));
    editor.open(PROGRAM, GOOD);
    editor.change(PROGRAM, 2, &json!([{ "range": range, "text": "// end\n" }]));
    let answer = editor.ask("textDocument/nothing", json!({}));
    assert_eq!(answer.error.map(|error| error.code), Some(ErrorCode::MethodNotFound as i32));
    let methods = [
        "hover",
        "completion",
        "signatureHelp",
        "definition",
        "references",
        "documentHighlight",
        "documentSymbol",
        "semanticTokens/full",
        "semanticTokens/range",
        "foldingRange",
        "selectionRange",
        "inlayHint",
        "codeLens",
        "prepareRename",
        "rename",
        "codeAction",
        "formatting",
        "rangeFormatting",
        "onTypeFormatting",
        "prepareCallHierarchy",
    ];
    for method in methods {
        let method = format!("textDocument/{method}");
        for params in [json!(null), json!([]), json!({ "textDocument": { "uri": "nowhere" } })] {
            let answer = editor.ask(&method, params);
            assert!(answer.error.is_some(), "{method}");
        }
        // Beyond the text, and in a file that is not there.
        for file in [PROGRAM, "programs/gone.rhai", "cell.toml"] {
            let everything = json!({
                "textDocument": { "uri": editor.uri(file) },
                "position": { "line": 4_000_000_000_u32, "character": 4_000_000_000_u32 },
                "positions": [{ "line": 9, "character": 9 }],
                "range": { "start": { "line": 9, "character": 9 }, "end": { "line": 0, "character": 0 } },
                "context": { "includeDeclaration": true, "diagnostics": [] },
                "options": { "tabSize": 4, "insertSpaces": true },
                "newName": "x",
                "ch": "}",
            });
            let _ = editor.ask(&method, everything);
        }
    }
    editor.leave();
}

#[test]
fn large_and_broken_files_are_told_of() {
    let editor = Editor::greeted();
    fs::write(editor.folder.path().join(PROGRAM), b"fn init() { #{ x: 0 } } // \xff\n").unwrap();
    editor.open("cell.toml", CELL);
    let (_, found) = editor.told("cell.toml");
    assert_eq!(found.first().map(|(code, _)| code.as_str()), Some("C002"), "{found:?}");
    editor.open(PROGRAM, &"x".repeat(20 << 20));
    let (_, found) = editor.told("cell.toml");
    assert_eq!(found.first().map(|(code, _)| code.as_str()), Some("C001"), "{found:?}");
    editor.change(PROGRAM, 2, &json!([{ "text": GOOD }]));
    assert_eq!(editor.told("cell.toml").1, vec![]);
    editor.leave();
}

#[test]
fn features_answer_over_the_wire() {
    let editor = Editor::greeted();
    editor.open(PROGRAM, GOOD);
    let hover = editor.at("textDocument/hover", PROGRAM, 1, 26).result.unwrap();
    assert!(hover["contents"]["value"].as_str().unwrap().contains("io.force: f64 [N]"));
    let list = editor.at("textDocument/completion", PROGRAM, 1, 25).result.unwrap();
    assert!(list["items"].as_array().unwrap().iter().any(|item| item["label"] == "force"));
    let definition = editor.at("textDocument/definition", PROGRAM, 1, 26).result.unwrap();
    assert_eq!(definition[0]["uri"], editor.uri("cell.toml").as_str());
    let params = json!({
        "textDocument": { "uri": editor.uri(PROGRAM) },
        "position": { "line": 1, "character": 26 },
        "newName": "press",
    });
    let edit = editor.ask("textDocument/rename", params.clone()).result.unwrap();
    assert_eq!(edit["changes"][editor.uri("cell.toml")][0]["newText"], "press");
    assert_eq!(edit["changes"][editor.uri(PROGRAM)].as_array().map(Vec::len), Some(2));
    let mut taken = params;
    taken["newName"] = "count".into();
    let error = editor.ask("textDocument/rename", taken).error.unwrap();
    assert!(error.message.starts_with("that would be an error"), "{}", error.message);
    let document = json!({ "textDocument": { "uri": editor.uri(PROGRAM) } });
    let tokens = editor.ask("textDocument/semanticTokens/full", document).result.unwrap();
    assert_eq!(tokens["data"].as_array().map(|data| data.len() % 5), Some(0));
    let page = editor.ask("sensai/page", json!({ "code": "S216" })).result.unwrap();
    assert!(page.as_str().unwrap().starts_with("# S216"));
    editor.leave();
}

#[test]
fn disorderly_ends_are_errors() {
    let editor = Editor::greeted();
    assert!(editor.ask("shutdown", Value::Null).error.is_none());
    editor.open(PROGRAM, BAD);
    let answer = editor.ask("textDocument/hover", json!({}));
    assert_eq!(answer.error.map(|error| error.code), Some(ErrorCode::InvalidRequest as i32));
    editor.tell("exit", Value::Null);
    assert!(editor.ended().is_ok());
    let editor = Editor::greeted();
    editor.tell("exit", Value::Null);
    assert!(matches!(editor.ended(), Err(Error::ExitWithoutShutdown)));
    assert!(matches!(Editor::greeted().ended(), Err(Error::Disconnected)));
    let editor = Editor::new();
    let answer = editor.ask("textDocument/hover", json!({}));
    assert_eq!(answer.error.map(|error| error.code), Some(ErrorCode::ServerNotInitialized as i32));
    editor.tell("exit", Value::Null);
    assert!(matches!(editor.ended(), Err(Error::ExitWithoutShutdown)));
}
