//! `sensai lsp` as an editor starts it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sensai"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    fn send(&mut self, body: &str) {
        let input = self.child.stdin.as_mut().unwrap();
        write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        input.flush().unwrap();
    }

    /// The next message.
    fn next(&mut self) -> serde_json::Value {
        let mut len = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server ended");
            match line.trim().strip_prefix("Content-Length: ") {
                Some(number) => len = number.parse().unwrap(),
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; len];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

#[test]
fn an_editor_is_greeted_told_and_seen_off() {
    let cell = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/press-cell").canonicalize().unwrap();
    let program = cell.join("programs/press.rhai");
    let text = std::fs::read_to_string(&program).unwrap().replace("peak: 0.0", "peak: 0");
    let uri = format!("file://{}", program.display());
    let mut server = Server::start();
    server.send("this is no JSON");
    assert_eq!(server.next()["error"]["code"], -32700);
    server.send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#);
    assert_eq!(server.next()["result"]["capabilities"]["hoverProvider"], true);
    server.send(r#"{"jsonrpc":"2.0","method":"initialized","params":{}}"#);
    let document = serde_json::json!({ "uri": uri, "languageId": "rhai", "version": 7, "text": text });
    let open = serde_json::json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "textDocument": document } });
    server.send(&open.to_string());
    let told = loop {
        let message = server.next();
        if message["params"]["uri"] == uri.as_str() {
            break message;
        }
    };
    assert_eq!(told["params"]["version"], 7);
    let codes: Vec<&str> = told["params"]["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|found| found["code"].as_str())
        .collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| code.starts_with('S')), "{told}");
    let href = &told["params"]["diagnostics"][0]["codeDescription"]["href"];
    assert_eq!(href, &format!("sensai:/errors/{}.md", codes[0]));
    server.send(r#"{"jsonrpc":"2.0","id":2,"method":"shutdown"}"#);
    while server.next()["id"] != 2 {}
    server.send(r#"{"jsonrpc":"2.0","method":"exit"}"#);
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn an_editor_that_dies_ends_the_server() {
    let mut server = Server::start();
    server.send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#);
    let _ = server.next();
    drop(server.child.stdin.take());
    assert!(!server.child.wait().unwrap().success());
}
