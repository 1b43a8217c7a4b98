//! The editor's side of a language server in a process of its own.

use anyhow::{Context, anyhow, bail};
use crossbeam::channel::{Receiver, unbounded};
use lsp_server::{Message, Notification, Request, RequestId, Response};
use sensai_fieldbus::clock;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    fs,
    io::{BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::Duration,
};

/// A server that says nothing for so long has hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server, and when each of its messages came.
pub struct Client {
    process: Child,
    input: ChildStdin,
    messages: Receiver<(u64, Message)>,
    /// Came while something else was waited for.
    kept: VecDeque<(u64, Message)>,
    next: i32,
}

/// Memory of a process, bytes.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// At most.
    pub peak: u64,
}

impl Client {
    /// Start this binary's server for a folder; what that took, ns.
    ///
    /// # Errors
    /// It does not start, or does not say hello.
    pub fn start(folder: &Path) -> anyhow::Result<(Self, u64)> {
        let from = clock::monotonic_ns();
        let mut process = Command::new(std::env::current_exe()?)
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the language server")?;
        let input = process.stdin.take().context("the server has no input")?;
        let output = process.stdout.take().context("the server has no output")?;
        let (sender, messages) = unbounded();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Ok(Some(message)) = Message::read(&mut output) {
                if sender.send((clock::monotonic_ns(), message)).is_err() {
                    return;
                }
            }
        });
        let mut client = Self { process, input, messages, kept: VecDeque::new(), next: 0 };
        let root = uri(folder);
        client.request("initialize", json!({ "processId": null, "rootUri": root, "capabilities": {} }))?;
        client.notify("initialized", json!({}))?;
        Ok((client, clock::monotonic_ns() - from))
    }

    /// Tell the server something; when that was, ns.
    ///
    /// # Errors
    /// The server is gone.
    pub fn notify(&mut self, method: &str, params: Value) -> anyhow::Result<u64> {
        let now = clock::monotonic_ns();
        self.send(&Message::Notification(Notification { method: method.to_owned(), params }))?;
        Ok(now)
    }

    /// Ask, and wait for the answer: it, and how long it took, ns.
    ///
    /// # Errors
    /// The server refuses, or is gone.
    pub fn request(&mut self, method: &str, params: Value) -> anyhow::Result<(Value, u64)> {
        self.next += 1;
        let id = RequestId::from(self.next);
        let from = clock::monotonic_ns();
        self.send(&Message::Request(Request { id: id.clone(), method: method.to_owned(), params }))?;
        let (at, answer) = self.wait(|message| match message {
            Message::Response(response) if response.id == id => Some(response.clone()),
            _ => None,
        })?;
        match answer {
            Response { error: Some(error), .. } => bail!("{method}: {}", error.message),
            Response { result, .. } => Ok((result.unwrap_or_default(), at - from)),
        }
    }

    /// When the findings of a file came, of this version or none, ns; and how many there are.
    ///
    /// # Errors
    /// The server is gone.
    pub fn findings(&mut self, uri: &str, version: i32) -> anyhow::Result<(u64, usize)> {
        self.wait(|message| match message {
            Message::Notification(of) if of.method == "textDocument/publishDiagnostics" => {
                let is_of = of.params["uri"] == uri && of.params["version"] == version;
                is_of.then(|| of.params["diagnostics"].as_array().map_or(0, Vec::len))
            }
            _ => None,
        })
    }

    /// Wait until the server has said all it has to say, and forget it.
    ///
    /// # Errors
    /// The server is gone.
    pub fn settle(&mut self, document: &str) -> anyhow::Result<()> {
        // It tells what it found before it takes in the next message; the first of these may have come in between.
        for _ in 0..2 {
            self.request("textDocument/foldingRange", json!({ "textDocument": { "uri": document } }))?;
        }
        self.kept.clear();
        while self.messages.try_recv().is_ok() {}
        Ok(())
    }

    /// What the process takes.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        let path = format!("/proc/{}/status", self.process.id());
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        let bytes =
            |name: &str| of(name).map(|kib| kib * 1024).with_context(|| format!("{path} has no {name}"));
        Ok(Memory { resident: bytes("VmRSS")?, peak: bytes("VmHWM")? })
    }

    /// Say goodbye.
    ///
    /// # Errors
    /// The server does not end as it should.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.request("shutdown", Value::Null)?;
        self.notify("exit", Value::Null)?;
        let status = self.process.wait()?;
        anyhow::ensure!(status.success(), "the language server ended with {status}");
        Ok(())
    }

    fn send(&mut self, message: &Message) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        message.clone().write(&mut bytes)?;
        self.input.write_all(&bytes).context("the language server is gone")
    }

    /// The first message that is the right one. What was kept before it is forgotten: findings that nobody waited for.
    fn wait<T>(&mut self, wanted: impl Fn(&Message) -> Option<T>) -> anyhow::Result<(u64, T)> {
        let kept = self.kept.iter().position(|(_, message)| wanted(message).is_some());
        if let Some((at, message)) = kept.and_then(|place| self.kept.drain(..=place).next_back())
            && let Some(found) = wanted(&message)
        {
            return Ok((at, found));
        }
        loop {
            let (at, message) = self
                .messages
                .recv_timeout(PATIENCE)
                .map_err(|error| anyhow!("the language server says nothing: {error}"))?;
            match wanted(&message) {
                Some(found) => return Ok((at, found)),
                None => self.kept.push_back((at, message)),
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // After an orderly end there is nothing left to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Of a file or folder.
pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}
