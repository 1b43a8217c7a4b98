//! An editor in memory.

use super::*;
use crate::Severity;
use lsp_server::Notification;
use serde_json::{Value, json};
use std::{path::PathBuf, thread, time::Duration};

/// Finds every `bad` in the cell's files, from the editor or from disk, and each open file that it has seen.
fn find_bad(cell: &Path, overlay: &Overlay) -> Vec<Diagnostic> {
    let text = |path: &Path| overlay.get(path).cloned().or_else(|| std::fs::read_to_string(path).ok());
    let files = [PathBuf::from("cell.toml"), PathBuf::from("programs/press.rhai")];
    let mut found = Vec::new();
    for path in files {
        for (at, word) in text(&cell.join(&path)).unwrap_or_default().match_indices("bad") {
            found.push(Diagnostic {
                path: path.clone(),
                range: at..at + word.len(),
                severity: Severity::Error,
                code: "T0001".into(),
                message: "this is bad".into(),
                help: None,
            });
        }
    }
    found
}

struct Editor {
    connection: Connection,
    server: thread::JoinHandle<Result<(), Error>>,
    folder: tempfile::TempDir,
}

const WAIT: Duration = Duration::from_secs(20);

impl Editor {
    /// With a cell on disk, not yet greeted.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("programs")).expect("a folder");
        std::fs::write(folder.path().join("cell.toml"), "# a cell\n").expect("a file");
        std::fs::write(folder.path().join("programs/press.rhai"), "// on disk: bad\n").expect("a file");
        let (ours, connection) = Connection::memory();
        let server = thread::spawn(move || serve(&ours, find_bad));
        Self { connection, server, folder }
    }

    fn greeted() -> Self {
        let editor = Self::new();
        let answer = editor.ask(1, "initialize", json!({ "capabilities": {} })).result.expect("an answer");
        assert_eq!(answer["capabilities"]["textDocumentSync"]["change"], 1, "whole texts");
        assert_eq!(answer["capabilities"].get("positionEncoding"), None, "UTF-16 is what is not said");
        editor.tell("initialized", json!({}));
        editor
    }

    fn uri(&self, file: &str) -> String {
        crate::lsp::uri_of(&self.folder.path().join(file))
    }

    fn tell(&self, method: &str, params: Value) {
        let message = Notification { method: method.into(), params };
        self.connection.sender.send(message.into()).expect("the server listens");
    }

    fn ask(&self, id: i32, method: &str, params: Value) -> Response {
        let request = Request { id: id.into(), method: method.into(), params };
        self.connection.sender.send(request.into()).expect("the server listens");
        match self.connection.receiver.recv_timeout(WAIT).expect("an answer") {
            Message::Response(response) => response,
            other => panic!("expected an answer to {method}, got {other:?}"),
        }
    }

    fn open(&self, file: &str, text: &str) {
        let document = json!({ "uri": self.uri(file), "languageId": "rhai", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    fn change(&self, file: &str, version: i32, text: &str) {
        let document = json!({ "uri": self.uri(file), "version": version });
        let changes = json!([{ "text": text }]);
        self.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    fn about(&self, method: &str, file: &str) {
        self.tell(method, json!({ "textDocument": { "uri": self.uri(file) } }));
    }

    /// The next findings: file, version, and start line, start column, end column of each.
    fn told(&self) -> (String, Option<i64>, Vec<[u64; 3]>) {
        let message = self.connection.receiver.recv_timeout(WAIT).expect("findings");
        let Message::Notification(notification) = message else {
            panic!("expected findings, got {message:?}")
        };
        assert_eq!(notification.method, "textDocument/publishDiagnostics");
        let params = notification.params;
        let ranges = params["diagnostics"].as_array().expect("a list").iter().map(|found| {
            assert_eq!((&found["code"], &found["source"]), (&json!("T0001"), &json!("sensai")));
            let number = |end: &str, part: &str| found["range"][end][part].as_u64().expect("a number");
            [number("start", "line"), number("start", "character"), number("end", "character")]
        });
        let uri = params["uri"].as_str().expect("a text");
        let file = uri.strip_prefix(&format!("{}/", self.uri(""))).or(uri.strip_prefix(&self.uri("")));
        (file.unwrap_or(uri).to_owned(), params["version"].as_i64(), ranges.collect())
    }

    fn leave(self) -> Result<(), Error> {
        assert_eq!(self.ask(99, "shutdown", Value::Null).error.map(|error| error.message), None);
        self.tell("exit", Value::Null);
        self.ended()
    }

    fn ended(self) -> Result<(), Error> {
        drop(self.connection);
        self.server.join().expect("the server does not panic")
    }
}

const PROGRAM: &str = "programs/press.rhai";

#[test]
fn findings_follow_the_text() {
    let editor = Editor::greeted();
    editor.open(PROGRAM, "é😀 bad");
    assert_eq!(editor.told(), (PROGRAM.into(), Some(1), vec![[0, 4, 7]]));
    editor.change(PROGRAM, 2, "fine\nbad and bad");
    assert_eq!(editor.told(), (PROGRAM.into(), Some(2), vec![[1, 0, 3], [1, 8, 11]]));
    editor.change(PROGRAM, 3, "fine");
    assert_eq!(editor.told(), (PROGRAM.into(), Some(3), vec![]));
    editor.about("textDocument/didSave", PROGRAM);
    assert_eq!(editor.told(), (PROGRAM.into(), Some(3), vec![]));
    assert!(editor.leave().is_ok());
}

#[test]
fn one_files_text_shows_in_another_and_the_cell_falls_silent_when_closed() {
    let editor = Editor::greeted();
    // The program is not open: its text comes from disk.
    editor.open("cell.toml", "ok\n");
    assert_eq!(editor.told(), ("cell.toml".into(), Some(1), vec![]));
    assert_eq!(editor.told(), (PROGRAM.into(), None, vec![[0, 12, 15]]));
    editor.open(PROGRAM, "ok");
    assert_eq!(editor.told(), ("cell.toml".into(), Some(1), vec![]));
    assert_eq!(editor.told(), (PROGRAM.into(), Some(1), vec![]));
    // Closed without saving: back to the text on disk.
    editor.about("textDocument/didClose", PROGRAM);
    assert_eq!(editor.told(), ("cell.toml".into(), Some(1), vec![]));
    assert_eq!(editor.told(), (PROGRAM.into(), None, vec![[0, 12, 15]]));
    editor.about("textDocument/didClose", "cell.toml");
    assert_eq!(editor.told(), (PROGRAM.into(), None, vec![]));
    assert!(editor.leave().is_ok());
}

#[test]
fn a_cell_may_exist_in_the_editor_only() {
    let editor = Editor::greeted();
    std::fs::create_dir(editor.folder.path().join("new")).expect("a folder");
    editor.open("new/cell.toml", "bad");
    assert_eq!(editor.told(), ("new/cell.toml".into(), Some(1), vec![[0, 0, 3]]));
    editor.about("textDocument/didClose", "new/cell.toml");
    // Now it belongs to the cell around it, where it is no file of interest.
    assert_eq!(editor.told(), ("new/cell.toml".into(), None, vec![]));
    assert!(editor.leave().is_ok());
}

#[test]
fn only_the_last_text_of_a_burst_is_checked() {
    let (server, connection) = Connection::memory();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let uri = crate::lsp::uri_of(&folder.path().join("cell.toml"));
    let tell = |method: &str, params| {
        let message = Notification { method: method.into(), params };
        connection.sender.send(message.into()).expect("the channel is open");
    };
    let request =
        Request { id: 1.into(), method: "initialize".into(), params: json!({ "capabilities": {} }) };
    connection.sender.send(request.into()).expect("the channel is open");
    tell("initialized", json!({}));
    tell(
        "textDocument/didOpen",
        json!({ "textDocument": { "uri": uri, "languageId": "toml", "version": 1, "text": "" } }),
    );
    for version in 2..100 {
        let changes = json!([{ "text": "bad ".repeat(version) }]);
        let document = json!({ "uri": uri, "version": version });
        tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }
    // Everything is there before the server starts to read, and the connection ends after it.
    drop(connection.sender);
    let checks = std::cell::Cell::new(0);
    let counted = |cell: &Path, overlay: &Overlay| {
        checks.set(checks.get() + 1);
        find_bad(cell, overlay)
    };
    assert!(matches!(serve(&server, counted), Err(Error::Disconnected)));
    assert_eq!(checks.get(), 1);
    let last = connection.receiver.try_iter().last();
    let Some(Message::Notification(told)) = last else { panic!("expected findings, got {last:?}") };
    assert_eq!(told.params["version"], 99);
    assert_eq!(told.params["diagnostics"].as_array().map(Vec::len), Some(99));
}

#[test]
fn other_documents_and_nonsense_are_ignored() {
    let editor = Editor::greeted();
    editor.open("README.md", "bad");
    let document = json!({ "uri": "untitled:one.rhai", "languageId": "rhai", "version": 1, "text": "bad" });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
    let document =
        json!({ "uri": "file:///nowhere/at/all.rhai", "languageId": "rhai", "version": 1, "text": "bad" });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
    editor.tell("textDocument/didOpen", json!({ "textDocument": 7 }));
    editor.tell("textDocument/didChange", json!([]));
    editor.tell("workspace/didChangeConfiguration", json!({}));
    // A change by parts was never agreed on.
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
    let document = json!({ "uri": editor.uri(PROGRAM), "version": 2 });
    let changes = json!([{ "range": range, "text": "bad" }]);
    editor.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    // The answer is the first thing that comes back.
    let answer = editor.ask(2, "textDocument/hover", json!({}));
    assert_eq!(answer.error.map(|error| error.code), Some(ErrorCode::MethodNotFound as i32));
    assert!(editor.leave().is_ok());
}

#[test]
fn after_shutdown_nothing_is_served() {
    let editor = Editor::greeted();
    assert!(editor.ask(2, "shutdown", Value::Null).error.is_none());
    editor.open(PROGRAM, "bad");
    let answer = editor.ask(3, "textDocument/hover", json!({}));
    assert_eq!(answer.error.map(|error| error.code), Some(ErrorCode::InvalidRequest as i32));
    editor.tell("exit", Value::Null);
    assert!(editor.ended().is_ok());
}

#[test]
fn disorderly_ends_are_errors() {
    let editor = Editor::greeted();
    editor.tell("exit", Value::Null);
    assert!(matches!(editor.ended(), Err(Error::ExitWithoutShutdown)));
    assert!(matches!(Editor::greeted().ended(), Err(Error::Disconnected)));
    let editor = Editor::new();
    let answer = editor.ask(1, "textDocument/hover", json!({}));
    assert_eq!(answer.error.map(|error| error.code), Some(ErrorCode::ServerNotInitialized as i32));
    editor.tell("exit", Value::Null);
    assert!(matches!(editor.ended(), Err(Error::Protocol(_))));
}
