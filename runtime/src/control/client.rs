//! The other end: how `sensai ctl` and `sensai top` speak with a runtime.

use crate::control::{
    place,
    protocol::{Code, Failure, VERSION},
    remote::{
        dial::{Dialled, dial},
        hosts::Host,
    },
};
use anyhow::Context;
use serde_json::{Value as Json, json};
use std::{
    fmt,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long an answer may take. The server gives up on a command after two seconds.
const ANSWER: Duration = Duration::from_secs(5);
/// Bytes of a line that are read: a runtime sends no more than half of them.
const ANSWER_MAX: u64 = 16 << 20;

/// Where a runtime listens.
#[derive(Clone, Debug)]
pub enum Target {
    /// On this computer, at a path.
    Socket(PathBuf),
    /// In a network.
    Host(Box<Host>),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Host(host) => write!(f, "{host}"),
        }
    }
}

/// A connection, whichever way it goes. A read ends when its time is over.
#[derive(Debug)]
enum Wire {
    Local(UnixStream),
    Remote(Box<Dialled>),
}

impl Wire {
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Local(stream) => stream.set_read_timeout(Some(timeout)),
            Self::Remote(stream) => stream.sock.set_read_timeout(Some(timeout)),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(stream) => stream.read(buffer),
            // An end without the words for it is an end.
            Self::Remote(stream) => match stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            },
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Local(stream) => stream.write(bytes),
            Self::Remote(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Local(stream) => stream.flush(),
            Self::Remote(stream) => stream.flush(),
        }
    }
}

/// A connection to a runtime.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<Wire>,
    /// What came of a line before the time was over.
    partial: Vec<u8>,
    next: u64,
    /// What the runtime said to `hello`.
    pub hello: Json,
}

/// What came of a request or a wait.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The runtime did not do it.
    #[error("{0}")]
    Failure(#[from] Failure),
    /// The connection is gone.
    #[error("the runtime is gone{}", if .0.is_empty() { String::new() } else { format!(": {}", .0) })]
    Gone(String),
    /// Nothing came in time.
    #[error("the runtime does not answer")]
    Silent,
}

impl Client {
    /// Connect to the socket at `path` and say hello.
    ///
    /// # Errors
    /// In words that say what to do.
    pub fn connect(path: &Path) -> anyhow::Result<Self> {
        Self::open(&Target::Socket(path.into()))
    }

    /// Connect to the runtime at `target`, show the token if that is wanted there, and say hello.
    ///
    /// # Errors
    /// In words that say what to do.
    pub fn open(target: &Target) -> anyhow::Result<Self> {
        let wire = match target {
            Target::Socket(path) => {
                let stream = UnixStream::connect(path).map_err(|error| connect_error(path, &error))?;
                stream.set_write_timeout(Some(ANSWER))?;
                Wire::Local(stream)
            }
            Target::Host(host) => Wire::Remote(Box::new(dial(host)?)),
        };
        let mut client =
            Self { reader: BufReader::new(wire), partial: Vec::new(), next: 0, hello: Json::Null };
        if let Target::Host(host) = target {
            let shown = client.call("authenticate", json!({ "token": host.secret.reveal() }));
            shown.map_err(|error| anyhow::Error::from(error).context(target.to_string()))?;
        }
        client.hello = client.call("hello", json!({})).context(target.to_string())?;
        let version = client.hello["protocol"].as_u64();
        anyhow::ensure!(
            version == Some(u64::from(VERSION)),
            "the runtime at {target} speaks version {} of the control protocol, this sensai speaks {VERSION}; use the same \
             version of sensai for both",
            version.map_or("?".into(), |version| version.to_string()),
        );
        Ok(client)
    }

    /// The runtime's cell.
    pub fn cell(&self) -> &str {
        self.hello["cell"].as_str().unwrap_or_default()
    }

    /// Ask, and wait for the answer. Events that come meanwhile are passed over.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn call(&mut self, method: &str, params: Json) -> Result<Json, ClientError> {
        self.call_within(method, params, ANSWER)
    }

    /// [`Client::call`] with another limit than the usual one.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn call_within(&mut self, method: &str, params: Json, limit: Duration) -> Result<Json, ClientError> {
        self.next += 1;
        let id = self.next;
        let line = format!("{}\n", json!({ "id": id, "method": method, "params": params }));
        // A runtime that refuses a connection says so and closes: what it said may still be read.
        let sent =
            self.reader.get_mut().write_all(line.as_bytes()).and_then(|()| self.reader.get_mut().flush());
        loop {
            let answer = match self.read(limit) {
                Ok(Some(answer)) => answer,
                Ok(None) => return Err(ClientError::Silent),
                Err(gone) => {
                    return Err(sent.err().map_or(gone, |error| ClientError::Gone(error.to_string())));
                }
            };
            if let Some(reason) = closing(&answer) {
                return Err(ClientError::Gone(reason.into()));
            }
            if answer.get("event").is_some() || !(answer["id"] == id || answer["id"].is_null()) {
                continue;
            }
            if let Some(error) = answer.get("error") {
                let failure = serde_json::from_value(error.clone());
                return Err(failure
                    .unwrap_or_else(|_| Failure::new(Code::BadRequest, error.to_string()))
                    .into());
            }
            return Ok(answer["result"].clone());
        }
    }

    /// The next line, or nothing if none came in time.
    ///
    /// # Errors
    /// [`ClientError::Gone`].
    pub fn read(&mut self, timeout: Duration) -> Result<Option<Json>, ClientError> {
        let gone = |error: std::io::Error| ClientError::Gone(error.to_string());
        // Zero would mean for ever.
        let timeout = timeout.max(Duration::from_millis(1));
        self.reader.get_ref().set_read_timeout(timeout).map_err(gone)?;
        let room = (ANSWER_MAX + 1).saturating_sub(self.partial.len() as u64);
        match (&mut self.reader).take(room).read_until(b'\n', &mut self.partial) {
            _ if self.partial.len() as u64 > ANSWER_MAX => {
                Err(ClientError::Gone(format!("it sends a line of more than {ANSWER_MAX} bytes")))
            }
            Ok(_) if self.partial.ends_with(b"\n") => {
                let line = std::mem::take(&mut self.partial);
                serde_json::from_slice(&line).map(Some).map_err(|error| ClientError::Gone(error.to_string()))
            }
            Ok(_) => Err(ClientError::Gone(String::new())),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(gone(error)),
        }
    }

    /// The next patch of a subscription, or nothing if none came in time.
    ///
    /// # Errors
    /// [`ClientError::Gone`].
    pub fn patch(&mut self, timeout: Duration) -> Result<Option<Json>, ClientError> {
        let Some(mut line) = self.read(timeout)? else { return Ok(None) };
        if let Some(reason) = closing(&line) {
            return Err(ClientError::Gone(reason.into()));
        }
        Ok((line["event"] == "patch").then(|| line["patch"].take()))
    }
}

fn closing(line: &Json) -> Option<&str> {
    (line.get("event")? == "closing").then(|| line["reason"].as_str().unwrap_or_default())
}

fn connect_error(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let at = path.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            anyhow::anyhow!("no runtime is listening at {at}: start one with `sensai run CELL`")
        }
        ErrorKind::PermissionDenied => anyhow::anyhow!(
            "{at} belongs to another user: be that user, or let a group in with `sensai run --control-group GROUP`"
        ),
        _ => anyhow::anyhow!("cannot connect to {at}: {error}"),
    }
}

/// Which socket is meant: the one at `socket`, the one of the cell in `directory`, or the only one there is.
///
/// # Errors
/// If there is none, or more than one.
pub fn find(socket: Option<&Path>, directory: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = socket {
        return Ok(path.into());
    }
    let here = Path::new(".");
    let directory = directory.or_else(|| here.join("cell.toml").is_file().then_some(here));
    if let Some(directory) = directory {
        let name = cell_name(directory)?;
        let folders = place::folders();
        let found =
            folders.iter().map(|folder| folder.join(place::file_name(&name))).find(|path| path.exists());
        return Ok(found.unwrap_or_else(|| place::default_path(&name)));
    }
    let mut all = Vec::new();
    for folder in place::folders() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        all.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|end| end == "sock"))
                // A killed runtime leaves its socket behind.
                .filter(|path| std::os::unix::net::UnixStream::connect(path).is_ok()),
        );
    }
    all.sort();
    match all.as_slice() {
        [only] => Ok(only.clone()),
        [] => {
            let folders =
                place::folders().iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>();
            anyhow::bail!(
                "no runtime is listening in {}: start one with `sensai run CELL`, or name its socket with --socket PATH",
                folders.join(" or ")
            )
        }
        several => {
            let list = several.iter().map(|path| format!("\n  {}", path.display())).collect::<String>();
            anyhow::bail!(
                "several runtimes are listening; name a cell's directory, or one of these with --socket:{list}"
            )
        }
    }
}

/// The name of the cell in a directory, whatever else is wrong with the cell.
///
/// # Errors
/// If there is none.
pub fn cell_name(directory: &Path) -> anyhow::Result<String> {
    let path = directory.join("cell.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table = toml::from_str(&text).with_context(|| format!("{}", path.display()))?;
    let name = table.get("cell").and_then(|cell| cell.get("name")).and_then(toml::Value::as_str);
    name.map(str::to_owned).with_context(|| format!("{} has no `name` under [cell]", path.display()))
}
