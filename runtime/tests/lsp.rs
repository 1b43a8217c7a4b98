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
        Self::of(&mut Command::new(env!("CARGO_BIN_EXE_sensai")))
    }

    fn of(command: &mut Command) -> Self {
        // As most clients start a server.
        let command = command.args(["lsp", "--stdio"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
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

/// Ended with the test, whatever happens.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// The answer to a request; what else is told meanwhile is passed over.
    fn ask(&mut self, id: u32, method: &str, params: &serde_json::Value) -> serde_json::Value {
        let request = serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&request.to_string());
        loop {
            let message = self.next();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    /// The next status of a running cell that is so.
    fn online(&mut self, is_so: impl Fn(&serde_json::Value) -> bool) {
        loop {
            let message = self.next();
            if message["method"] == "sensai/online" && is_so(&message["params"]) {
                return;
            }
        }
    }
}

#[test]
fn a_cell_that_runs_is_seen_forced_and_missed() {
    use serde_json::json;
    let cell =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/pneumatic-press").canonicalize().unwrap();
    let program = cell.join("programs/press.rhai");
    let text = std::fs::read_to_string(&program).unwrap();
    let uri = format!("file://{}", program.display());
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("cell.sock");
    let mut server = Server::start();
    server.ask(1, "initialize", &json!({ "capabilities": {} }));
    let document = json!({ "uri": uri, "languageId": "rhai", "version": 1, "text": format!("{text}\n") });
    let open =
        json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "textDocument": document } });
    server.send(&open.to_string());
    let attached = server.ask(2, "sensai/attach", &json!({ "cell": uri, "socket": socket }));
    assert_eq!(attached["result"]["cell"], format!("file://{}", cell.display()));
    // Attached before there is anything to see, it sees the cell when it comes.
    server.online(|status| status["state"] == "lost");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sensai"));
    command.arg("run").arg(&cell).arg("--quiet").arg("--control").arg(&socket);
    let run = Run(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    server.online(|status| status["mode"] == "run" && status["stale"] == json!([uri]));
    let force = json!({ "name": "lamp", "value": true, "why": "a test" });
    let forced = server.ask(
        3,
        "workspace/executeCommand",
        &json!({ "command": "sensai.online.force", "arguments": [force] }),
    );
    let said = forced["result"]["text"].as_str().unwrap();
    assert!(said.starts_with("lamp is forced to true: applied in cycle "), "{forced}");
    server.online(|status| status["forced"] == json!(["lamp"]));
    let (line, column) =
        text.lines().enumerate().find_map(|(line, text)| Some((line, text.find("io.lamp")? + 3))).unwrap();
    let place = json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": column } });
    let hover = server.ask(4, "textDocument/hover", &place);
    let said = hover["result"]["contents"]["value"].as_str().unwrap();
    assert!(said.contains("now: **true (forced)** (cycle "), "{said}");
    let lenses = server.ask(5, "textDocument/codeLens", &json!({ "textDocument": { "uri": uri } }));
    assert_eq!(lenses["result"][0]["command"]["command"], "sensai.online.reload");
    drop(run);
    server.online(|status| status["state"] == "lost");
    let hover = server.ask(6, "textDocument/hover", &place);
    assert!(!hover["result"].to_string().contains("now:"), "what was is not what is");
    server.ask(7, "shutdown", &json!(null));
    server.send(r#"{"jsonrpc":"2.0","method":"exit"}"#);
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_cell_in_a_network_is_seen_as_far_as_the_token_goes() {
    use serde_json::json;
    let cell =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/pneumatic-press").canonicalize().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sensai = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sensai"));
        command.env("XDG_CONFIG_HOME", folder.path());
        command
    };
    let done = |arguments: &[&str]| {
        let output = sensai().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    done(&["access", "init"]);
    let token = folder.path().join("token");
    done(&["access", "grant", "editor", "--right", "read", "--out", token.to_str().unwrap()]);
    let fingerprint: serde_json::Value = serde_json::from_str(&done(&["access", "show", "--json"])).unwrap();
    let mut command = sensai();
    command.arg("run").arg(&cell).args(["--quiet", "--listen", "127.0.0.1:0"]);
    command.arg("--control").arg(folder.path().join("cell.sock"));
    command.arg("--log").arg(folder.path().join("a.snlog"));
    let mut run = Run(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut told = BufReader::new(run.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = told
        .find_map(|line| Some(line.strip_prefix("control socket 127.0.0.1:")?.split_once(',')?.0.to_owned()))
        .expect("it listens");
    let (address, fingerprint) =
        (format!("127.0.0.1:{address}"), fingerprint["fingerprint"].as_str().unwrap());
    let file = token.to_str().unwrap();
    done(&["host", "add", "press", &address, "--fingerprint", fingerprint, "--token-file", file]);

    let mut server = Server::of(&mut sensai());
    server.ask(1, "initialize", &json!({ "capabilities": {} }));
    let uri = format!("file://{}", cell.join("cell.toml").display());
    server.ask(2, "sensai/attach", &json!({ "cell": uri, "host": "press" }));
    server.online(|status| status["state"] == "online");
    let force = json!({ "name": "lamp", "value": true });
    let arguments = json!({ "command": "sensai.online.force", "arguments": [force] });
    let forced = server.ask(3, "workspace/executeCommand", &arguments);
    let said = forced["error"]["message"].as_str().unwrap();
    assert!(said.starts_with("the token `editor` has the right `read`, `force` needs `operate`"), "{said}");
    done(&["access", "revoke", "editor"]);
    server.online(|status| {
        status["text"].as_str().is_some_and(|text| text.contains("the token `editor` was revoked at "))
    });
    // It stays, whoever has gone.
    drop(run);
    server.online(|status| {
        status["text"].as_str().is_some_and(|text| text.contains("nothing listens at press"))
    });
    server.ask(4, "shutdown", &json!(null));
    server.send(r#"{"jsonrpc":"2.0","method":"exit"}"#);
    assert!(server.child.wait().unwrap().success());
}
