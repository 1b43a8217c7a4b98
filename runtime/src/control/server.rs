//! The thread behind the control socket: one `poll` over all clients, nothing that blocks, nothing that grows.
//!
//! A client that does not read is not waited for: changes are told as differences to what it was sent last, so that a
//! slow subscriber just sees fewer of them, and one that reads nothing at all is dropped.

pub use crate::control::desk::{LogFacts, Wiring};
use crate::{
    control::{
        desk::{Desk, SHOWN_NS, document},
        method::{Call, Subscribe},
        patch,
        peer::Peer,
        place::Place,
        protocol::{self, CLIENTS_MAX, Code, Failure, LINE_MAX, OUTPUT_MAX, Request, answer, event},
        view::Section,
    },
    reload::Applied,
    rt,
    source::Files,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use sensai_fieldbus::clock;
use sensai_log::block::hex;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::{
    io::{self, ErrorKind, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::mpsc::{Receiver, TryRecvError},
    thread::JoinHandle,
};

/// While something is waited for that comes with a cycle.
const SOON_NS: u64 = 2_000_000;
/// While there is nothing to do.
const IDLE_NS: u64 = 1_000_000_000;
/// A client that takes nothing of what waits for it is dropped after this time.
const STUCK_NS: u64 = 5_000_000_000;
/// A subscriber hears something at least this often.
const ALIVE_NS: u64 = 1_000_000_000;

fn applied_document(applied: &Applied) -> Json {
    let mut document = document(applied);
    document["applied"] = true.into();
    document
}

/// SHA-256 over the cell's files: of each its path and its bytes, with their lengths.
pub fn files_hash(files: &Files) -> String {
    let mut hash = Sha256::new();
    for (path, bytes) in files {
        for part in [path.as_bytes(), bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hex(&hash.finalize())
}

/// SHA-256 of bytes, hexadecimal.
pub fn hex_sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A control socket that is being served. Dropping it tells the clients, and takes the socket away.
pub struct ControlServer {
    place: Place,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Serve what comes to `listener`, on another core than the cyclic thread's if one is named.
    ///
    /// # Errors
    /// If the thread cannot be made.
    pub fn start(
        place: Place,
        listener: UnixListener,
        wiring: Wiring,
        core: Option<usize>,
    ) -> io::Result<Self> {
        let (wake, asleep) = UnixStream::pair()?;
        let mut server = Server { listener, asleep, clients: Vec::new(), next: 0, desk: Desk::new(wiring) };
        let thread = std::thread::Builder::new().name("control".into()).spawn(move || {
            rt::block_signals();
            // Off the cyclic core, where there is another one.
            let _ = core.map(rt::pin);
            while server.turn() {}
        })?;
        Ok(Self { place, wake: Some(wake), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        self.place.path()
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        drop(self.wake.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Server {
    listener: UnixListener,
    /// The other end is closed when the run has ended.
    asleep: UnixStream,
    clients: Vec<Client>,
    next: u64,
    desk: Desk,
}

struct Client {
    stream: UnixStream,
    peer: Peer,
    input: Vec<u8>,
    output: Vec<u8>,
    waiting: Option<Waiting>,
    subscription: Option<Subscription>,
    /// When it last took something, or had nothing to take.
    moved_ns: u64,
    /// It sends nothing any more.
    ended: bool,
    /// Nothing more is read; it goes when it has its answers.
    closing: bool,
    gone: bool,
}

/// A request whose answer comes with a cycle. Until then the client's next line is not looked at.
enum Waiting {
    Look { id: Json, call: Call, cycle: u64, deadline_ns: u64 },
    Command { id: Json, ticket: u64 },
    Reload { id: Json, answer: Receiver<Result<Applied, Failure>> },
    Tail { id: Json, answer: Receiver<Result<Json, Failure>> },
}

struct Subscription {
    of: Subscribe,
    /// What the client knows.
    sent: Json,
    next_ns: u64,
    last_ns: u64,
}

impl Server {
    /// Wait for something and do it; false when the run has ended.
    fn turn(&mut self) -> bool {
        let ready = self.wait();
        if !ready.awake {
            return self.close();
        }
        if ready.listener {
            self.accept();
        }
        for (client, flags) in self.clients.iter_mut().zip(ready.clients) {
            if flags.intersects(PollFlags::IN) {
                client.read();
            }
            if flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                client.gone = true;
            }
        }
        self.desk.refresh();
        while let Some(finished) = self.desk.finished() {
            let asked = |client: &&mut Client| matches!(&client.waiting, Some(Waiting::Command { ticket, .. }) if *ticket == finished.ticket);
            if let Some(client) = self.clients.iter_mut().find(asked)
                && let Some(Waiting::Command { id, .. }) = client.waiting.take()
            {
                client.send(&answer(&id, finished.result));
            }
        }
        let now = clock::monotonic_ns();
        for client in &mut self.clients {
            client.serve(&mut self.desk, now);
            client.tell(&self.desk, now);
            client.write(now);
        }
        self.clients.retain(|client| !client.is_over());
        self.desk.want_states(self.clients.iter().any(Client::wants_states));
        true
    }

    fn wait(&self) -> Ready {
        let wanted = |client: &Client| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, client.reads());
            flags.set(PollFlags::OUT, !client.output.is_empty());
            flags
        };
        let mut polled =
            vec![PollFd::new(&self.asleep, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        polled.extend(self.clients.iter().map(|client| PollFd::new(&client.stream, wanted(client))));
        let ns = self.timeout_ns();
        let timeout = Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ };
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            // Nothing is known then; without a pause this would be a busy loop.
            Err(_) => std::thread::sleep(std::time::Duration::from_nanos(SOON_NS)),
        }
        let mut flags = polled.iter().map(PollFd::revents);
        let awake = flags.next().is_some_and(|flags| flags.is_empty());
        let listener = flags.next().is_some_and(|flags| !flags.is_empty());
        Ready { awake, listener, clients: flags.collect() }
    }

    fn timeout_ns(&self) -> u64 {
        if self.desk.is_waiting() || self.clients.iter().any(|client| client.waiting.is_some()) {
            return SOON_NS;
        }
        if self.clients.iter().any(Client::has_more) {
            return 0;
        }
        let now = clock::monotonic_ns();
        let due = self.clients.iter().filter_map(|client| client.subscription.as_ref());
        due.map(|subscription| subscription.next_ns.saturating_sub(now)).min().unwrap_or(IDLE_NS).min(IDLE_NS)
    }

    fn accept(&mut self) {
        // As many as may be there at a time; whoever else waits is looked at in the next turn.
        for _ in 0..CLIENTS_MAX {
            let Ok((stream, _)) = self.listener.accept() else { return };
            let Ok(peer) = Peer::of(&stream) else { continue };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.clients.len() >= CLIENTS_MAX {
                let failure =
                    Failure::new(Code::Busy, format!("{CLIENTS_MAX} clients are connected already"));
                let line = answer(&Json::Null, Err(failure.help("end one of them, such as a `sensai top`")));
                let _ = (&stream).write(line.as_bytes());
                continue;
            }
            self.next += 1;
            self.clients.push(Client::new(stream, peer));
        }
    }

    /// Tell everybody that it is over.
    fn close(&mut self) -> bool {
        let now = clock::monotonic_ns();
        for client in &mut self.clients {
            client.send(&event("closing", json!({ "reason": "the run has ended" })));
            client.write(now);
        }
        false
    }
}

struct Ready {
    awake: bool,
    listener: bool,
    clients: Vec<PollFlags>,
}

impl Client {
    fn new(stream: UnixStream, peer: Peer) -> Self {
        Self {
            stream,
            peer,
            input: Vec::new(),
            output: Vec::new(),
            waiting: None,
            subscription: None,
            moved_ns: clock::monotonic_ns(),
            ended: false,
            closing: false,
            gone: false,
        }
    }

    /// It may send more: nothing of it is waiting to be looked at.
    fn reads(&self) -> bool {
        !self.ended && !self.closing && self.waiting.is_none() && self.output.is_empty()
    }

    /// A request came with the one before it, and can be looked at now.
    fn has_more(&self) -> bool {
        self.waiting.is_none() && self.output.is_empty() && !self.closing && self.input.contains(&b'\n')
    }

    /// It looks at the state of programs.
    fn wants_states(&self) -> bool {
        let asks = matches!(&self.waiting, Some(Waiting::Look { call, .. }) if call.wants_states());
        let is_told =
            self.subscription.as_ref().is_some_and(|of| of.of.sections.contains(&Section::Programs));
        asks || is_told
    }

    fn is_over(&self) -> bool {
        let done = self.waiting.is_none() && self.output.is_empty() && !self.has_more();
        self.gone || (done && (self.closing || (self.ended && self.subscription.is_none())))
    }

    fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        while self.input.len() < LINE_MAX {
            match (&self.stream).read(&mut buffer) {
                Ok(0) => {
                    self.ended = true;
                    return;
                }
                Ok(len) => self.input.extend_from_slice(buffer.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.gone |= error.kind() != ErrorKind::WouldBlock;
                    return;
                }
            }
        }
    }

    /// Answer what can be answered now.
    fn serve(&mut self, desk: &mut Desk, now: u64) {
        loop {
            if let Some(Waiting::Look { cycle, deadline_ns, call, .. }) = &self.waiting
                && (desk.is_fresh_for(call, *cycle) || now >= *deadline_ns)
                && let Some(Waiting::Look { id, call, .. }) = self.waiting.take()
            {
                let result = desk.look(&call, &self.peer);
                self.send(&answer(&id, Ok(result)));
            }
            if let Some(Waiting::Reload { answer, .. }) = &self.waiting {
                let result = match answer.try_recv() {
                    Ok(result) => result,
                    Err(TryRecvError::Empty) => return,
                    Err(TryRecvError::Disconnected) => Err(Failure::new(Code::Refused, "the run has ended")),
                };
                if let Some(Waiting::Reload { id, .. }) = self.waiting.take() {
                    self.send(&protocol::answer(&id, result.map(|applied| applied_document(&applied))));
                }
            }
            if let Some(Waiting::Tail { answer, .. }) = &self.waiting {
                let result = match answer.try_recv() {
                    Ok(result) => result,
                    Err(TryRecvError::Empty) => return,
                    Err(TryRecvError::Disconnected) => {
                        Err(Failure::new(Code::Refused, "the log could not be cut"))
                    }
                };
                if let Some(Waiting::Tail { id, .. }) = self.waiting.take() {
                    self.send(&protocol::answer(&id, result));
                }
            }
            if self.waiting.is_some() || self.closing || !self.output.is_empty() {
                return;
            }
            let Some(line) = self.line() else { return };
            self.request(&line, desk, now);
        }
    }

    /// The next line, without its end. One that is too long is the last one.
    fn line(&mut self) -> Option<Vec<u8>> {
        match self.input.iter().position(|byte| *byte == b'\n') {
            Some(end) if end < LINE_MAX => {
                let mut line: Vec<u8> = self.input.drain(..=end).collect();
                line.pop();
                Some(line)
            }
            None if self.input.len() < LINE_MAX => None,
            _ => {
                let text = format!("a line of more than {LINE_MAX} bytes");
                self.send(&answer(&Json::Null, Err(Failure::new(Code::BadRequest, text))));
                self.closing = true;
                None
            }
        }
    }

    fn request(&mut self, line: &[u8], desk: &mut Desk, now: u64) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let request = match Request::parse(line) {
            Ok(request) => request,
            Err((id, failure)) => return self.send(&answer(&id, Err(failure))),
        };
        let id = request.id.clone();
        match Call::parse(desk.cell(), request) {
            Err(failure) => self.send(&answer(&id, Err(failure))),
            Ok(Call::Command(command)) => match desk.submit(command, &self.peer) {
                Ok(ticket) => self.waiting = Some(Waiting::Command { id, ticket }),
                Err(failure) => self.send(&answer(&id, Err(failure))),
            },
            Ok(Call::Reload(of)) => match desk.reload(&of, &self.peer) {
                Ok(answer) => self.waiting = Some(Waiting::Reload { id, answer }),
                Err(failure) => self.send(&answer(&id, Err(failure))),
            },
            Ok(Call::LogTail(cycles)) => match desk.log_tail(cycles) {
                Ok(answer) => self.waiting = Some(Waiting::Tail { id, answer }),
                Err(failure) => self.send(&answer(&id, Err(failure))),
            },
            Ok(Call::Subscribe(of)) => {
                self.send(&answer(&id, Ok(json!({ "subscribed": true, "period_ns": of.period_ns }))));
                self.subscription = Some(Subscription { of, sent: json!({}), next_ns: now, last_ns: 0 });
            }
            Ok(Call::Unsubscribe) => {
                let subscribed = self.subscription.take().is_some();
                self.send(&answer(&id, Ok(json!({ "was_subscribed": subscribed }))));
            }
            Ok(call) => {
                let (cycle, deadline_ns) = (desk.present(), now + SHOWN_NS);
                self.waiting = Some(Waiting::Look { id, call, cycle, deadline_ns });
            }
        }
    }

    /// Tell a subscriber what has changed, if it is time and it has read what it was told before.
    fn tell(&mut self, desk: &Desk, now: u64) {
        let quiet = self.output.is_empty();
        let Some(subscription) = &mut self.subscription else { return };
        if now < subscription.next_ns {
            return;
        }
        subscription.next_ns = (subscription.next_ns + subscription.of.period_ns).max(now);
        if !quiet {
            return;
        }
        let view = document(&desk.view(&subscription.of.sections, &subscription.of.prefix));
        let change = patch::difference(&subscription.sent, &view);
        if change.is_none() && now.saturating_sub(subscription.last_ns) < ALIVE_NS {
            return;
        }
        subscription.sent = view;
        subscription.last_ns = now;
        self.send(&event("patch", json!({ "patch": change.unwrap_or_else(|| json!({})) })));
    }

    fn send(&mut self, line: &str) {
        if self.output.len() + line.len() > OUTPUT_MAX {
            self.gone = true;
            return;
        }
        self.output.extend_from_slice(line.as_bytes());
    }

    fn write(&mut self, now: u64) {
        if self.output.is_empty() {
            self.moved_ns = now;
            return;
        }
        while !self.output.is_empty() && !self.gone {
            match (&self.stream).write(&self.output) {
                Ok(0) => self.gone = true,
                Ok(len) => {
                    self.output.drain(..len);
                    self.moved_ns = now;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.gone |= now.saturating_sub(self.moved_ns) > STUCK_NS;
                    return;
                }
                Err(_) => self.gone = true,
            }
        }
    }
}
