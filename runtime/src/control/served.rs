//! One client of the control socket: its lines in their order, its answers, what it subscribed to. Nothing here waits, and
//! nothing grows.

use crate::{
    control::{
        audit::utc_now,
        desk::{Desk, SHOWN_NS, document},
        method::{Call, Subscribe},
        patch,
        peer::Peer,
        protocol::{self, Code, Failure, LINE_MAX, OUTPUT_MAX, Request, VERSION, answer, event},
        remote::{
            gate::Admitted,
            keeper::Listed,
            token::{Right, Token},
        },
        stream::{Stream, wanted},
        view::Section,
    },
    reload::Applied,
};
use rustix::event::{PollFd, PollFlags};
use sensai_fieldbus::clock;
use serde_json::{Value as Json, json};
use std::{
    io::ErrorKind,
    os::unix::net::UnixStream,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
};

/// A client that takes nothing of what waits for it is dropped after this time.
const STUCK_NS: u64 = 5_000_000_000;
/// A subscriber hears something at least this often.
const ALIVE_NS: u64 = 1_000_000_000;
/// Between two looks whether a token's time is over.
const CHECK_NS: u64 = 1_000_000_000;

fn applied_document(applied: &Applied) -> Json {
    let mut document = document(applied);
    document["applied"] = true.into();
    document
}

/// A client that is being served.
pub struct Client {
    stream: Stream,
    peer: Peer,
    access: Access,
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
    /// Why it was ended from this side; empty otherwise.
    reason: String,
    /// The last method that its token did not allow and that nobody was told of yet.
    forbidden: Option<&'static str>,
}

/// What a client may do.
enum Access {
    /// The socket's own rights have let it in: everything.
    Local,
    /// Its token has.
    Remote {
        /// As it was when it was shown.
        token: Token,
        /// The list in which it was good last.
        listed: Option<Listed>,
        /// When it is to be looked at again, for its time.
        check_ns: u64,
    },
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

impl Client {
    /// A process of this computer.
    pub fn local(stream: UnixStream, peer: Peer) -> Self {
        Self::new(Stream::Local(stream), peer, Access::Local)
    }

    /// Somebody who has shown a good token, and is told so.
    pub fn remote(admitted: Admitted) -> Self {
        let Admitted { stream, peer, token, id, rest } = admitted;
        let told = json!({
            "protocol": VERSION, "version": env!("CARGO_PKG_VERSION"), "you": peer, "right": token.right
        });
        let mut client =
            Self::new(Stream::Remote(stream), peer, Access::Remote { token, listed: None, check_ns: 0 });
        client.input = rest;
        client.send(&answer(&id, Ok(told)));
        client
    }

    fn new(stream: Stream, peer: Peer, access: Access) -> Self {
        Self {
            stream,
            peer,
            access,
            input: Vec::new(),
            output: Vec::new(),
            waiting: None,
            subscription: None,
            moved_ns: clock::monotonic_ns(),
            ended: false,
            closing: false,
            gone: false,
            reason: String::new(),
            forbidden: None,
        }
    }

    /// Who it is.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// It has come over a network.
    pub const fn is_remote(&self) -> bool {
        matches!(self.access, Access::Remote { .. })
    }

    /// Why it was ended from this side; empty if it went by itself.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// A method that it asked for and may not, once.
    pub const fn forbidden(&mut self) -> Option<&'static str> {
        self.forbidden.take()
    }

    const fn right(&self) -> Right {
        match &self.access {
            Access::Local => Right::Operate,
            Access::Remote { token, .. } => token.right,
        }
    }

    /// What is waited for.
    pub fn polled(&self) -> PollFd<'_> {
        PollFd::new(&self.stream, wanted(self.reads(), self.is_sending()))
    }

    /// What has come of it.
    pub fn ready(&mut self, flags: PollFlags) {
        if flags.intersects(PollFlags::IN) || (self.reads() && self.stream.has_more()) {
            self.read();
        }
        if flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            self.gone = true;
        }
    }

    fn is_sending(&self) -> bool {
        !self.output.is_empty() || self.stream.is_sending()
    }

    /// It may send more: nothing of it is waiting to be looked at.
    fn reads(&self) -> bool {
        !self.ended && !self.closing && self.waiting.is_none() && !self.is_sending()
    }

    /// A request came with the one before it, and can be looked at now.
    pub fn has_more(&self) -> bool {
        let is_free = self.waiting.is_none() && !self.is_sending() && !self.closing;
        let decrypted = self.reads() && self.input.len() < LINE_MAX && self.stream.has_more();
        is_free && (decrypted || self.input.contains(&b'\n'))
    }

    /// It waits for something that comes with a cycle.
    pub const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// When it is to be told something.
    pub fn next_ns(&self) -> Option<u64> {
        self.subscription.as_ref().map(|subscription| subscription.next_ns)
    }

    /// End it if its token is not good any more.
    pub fn check(&mut self, now_listed: &Listed, now: u64) {
        let Access::Remote { token, listed, check_ns } = &mut self.access else { return };
        let is_same = listed.as_ref().is_some_and(|last| Arc::ptr_eq(last, now_listed));
        if self.closing || (is_same && now < *check_ns) {
            return;
        }
        *check_ns = now + CHECK_NS;
        *listed = Some(Arc::clone(now_listed));
        let closed = match &**now_listed {
            Ok(tokens) => tokens.still(token, &utc_now()).err().map(|closed| closed.to_string()),
            Err(_) => Some("this machine cannot read its list of tokens".to_owned()),
        };
        if let Some(reason) = closed {
            self.end(reason);
        }
    }

    /// It is told why it ends, and goes.
    pub fn end(&mut self, reason: impl Into<String>) {
        self.reason = reason.into();
        self.input.clear();
        (self.waiting, self.subscription) = (None, None);
        self.send(&event("closing", json!({ "reason": self.reason })));
        self.closing = true;
    }

    /// It is refused, and goes.
    pub fn refuse(&mut self, failure: Failure) {
        self.reason.clone_from(&failure.message);
        self.input.clear();
        self.send(&answer(&Json::Null, Err(failure)));
        self.closing = true;
    }

    /// The answer of the command that came under this number, if it was this client's.
    pub fn finish(&mut self, ticket: u64, result: Result<Json, Failure>) -> Option<Result<Json, Failure>> {
        if !matches!(&self.waiting, Some(Waiting::Command { ticket: own, .. }) if *own == ticket) {
            return Some(result);
        }
        if let Some(Waiting::Command { id, .. }) = self.waiting.take() {
            self.send(&answer(&id, result));
        }
        None
    }

    /// It looks at the state of programs.
    pub fn wants_states(&self) -> bool {
        let asks = matches!(&self.waiting, Some(Waiting::Look { call, .. }) if call.wants_states());
        let is_told =
            self.subscription.as_ref().is_some_and(|of| of.of.sections.contains(&Section::Programs));
        asks || is_told
    }

    /// Nothing more comes of it.
    pub fn is_over(&self) -> bool {
        let done = self.waiting.is_none() && !self.is_sending() && !self.has_more();
        self.gone || (done && (self.closing || (self.ended && self.subscription.is_none())))
    }

    fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        while self.input.len() < LINE_MAX {
            match self.stream.read(&mut buffer) {
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
    pub fn serve(&mut self, desk: &mut Desk, now: u64) {
        loop {
            if let Some(Waiting::Look { cycle, deadline_ns, call, .. }) = &self.waiting
                && (desk.is_fresh_for(call, *cycle) || now >= *deadline_ns)
                && let Some(Waiting::Look { id, call, .. }) = self.waiting.take()
            {
                let result = desk.look(&call, &self.peer, self.right());
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
            if self.waiting.is_some() || self.closing || self.is_sending() {
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
            Ok(call) if call.needs() > self.right() => {
                self.forbidden = Some(call.method());
                self.send(&answer(&id, Err(self.forbids(&call))));
            }
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

    fn forbids(&self, call: &Call) -> Failure {
        let (name, right, needs) = (self.peer.name(), self.right().name(), call.needs().name());
        let text = format!("the token `{name}` has the right `{right}`, `{}` needs `{needs}`", call.method());
        let help = format!("have one made at the machine: `sensai access grant NAME --right {needs}`");
        Failure::new(Code::Forbidden, text).help(help)
    }

    /// Tell a subscriber what has changed, if it is time and it has read what it was told before.
    pub fn tell(&mut self, desk: &Desk, now: u64) {
        let quiet = !self.is_sending();
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

    /// Send what waits; one that takes nothing of it for too long is gone.
    pub fn write(&mut self, now: u64) {
        let before = (self.output.len(), self.stream.sent());
        while !self.output.is_empty() && !self.gone {
            match self.stream.write(&self.output) {
                Ok(0) => self.gone = true,
                Ok(len) => drop(self.output.drain(..len)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.gone = true,
            }
        }
        let flushed = self.stream.flush();
        self.gone |= flushed.is_err_and(|error| error.kind() != ErrorKind::WouldBlock);
        let moved = (self.output.len(), self.stream.sent()) != before;
        if moved || !self.is_sending() {
            self.moved_ns = now;
        }
        self.gone |= now.saturating_sub(self.moved_ns) > STUCK_NS;
    }

    /// Say that nothing more comes, as far as that can be said at once.
    pub fn say_goodbye(&mut self) {
        self.stream.say_goodbye();
    }
}
