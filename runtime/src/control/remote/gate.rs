//! Connections that have shown no token yet: how many, how long, how much, how fast. Those that show a good one leave for the
//! clients.
//!
//! A connection has [`SHOWN_NS`] from its first byte to its token, [`BYTES_MAX`] bytes, and gets at most one line back. There are
//! [`GUESTS_MAX`] at a time; when one more comes the oldest goes, so that idle ones keep nobody out. Accepting is paced: a
//! handshake costs this thread a fraction of a millisecond, and whoever knocks faster waits in the kernel's queue.

use crate::control::{
    audit,
    peer::Peer,
    protocol::{Code, Failure, Request, refusal_line},
    remote::{
        directory::Directory,
        keeper::{Keeper, Listed},
        refusals::{Refusals, Refused},
        tls::Secured,
        token::{Secret, Token},
    },
    stream::wanted,
};
use rustix::{
    event::{PollFd, PollFlags},
    net::sockopt,
};
use rustls::ServerConfig;
use serde::Deserialize;
use serde_json::Value as Json;
use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

/// Connections without a token at a time.
pub const GUESTS_MAX: usize = 8;
/// Time for the handshake and the token.
pub const SHOWN_NS: u64 = 5_000_000_000;
/// Bytes that may come before a token, those of the handshake included.
pub const BYTES_MAX: usize = 16 * 1024;
/// Longest first line.
pub const LINE_MAX: usize = 1024;
/// How long the answer to a wrong token is kept back.
pub const WRONG_NS: u64 = 1_000_000_000;
/// Between two connections that are accepted, in the long run…
const PACE_NS: u64 = 1_000_000_000 / 16;
/// …and how many may come at once.
const BURST: u64 = 32;

/// Why nobody listens at an address.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else does.
    #[error("another process listens at {0}; end it, or take another port with --listen")]
    InUse(SocketAddr),
    /// It is not one of this computer's.
    #[error("this computer has no address {}; `ip address` lists those it has", .0.ip())]
    NotOurs(SocketAddr),
    /// The system refused something else.
    #[error("cannot listen at {address}: {error}")]
    System {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// Listen at `address`.
///
/// # Errors
/// See [`ListenError`].
pub fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => ListenError::InUse(address),
        ErrorKind::AddrNotAvailable => ListenError::NotOurs(address),
        _ => ListenError::System { address, error },
    })
}

/// The way in from a network.
pub struct Gate {
    listener: TcpListener,
    config: Arc<ServerConfig>,
    keeper: Keeper,
    guests: VecDeque<Guest>,
    refusals: Refusals,
    /// When the next connection would be accepted if all came at their pace.
    pace_ns: u64,
}

struct Guest {
    stream: Secured,
    address: SocketAddr,
    input: Vec<u8>,
    until_ns: u64,
    stage: Stage,
}

/// How far a connection has come.
enum Stage {
    /// The handshake, then the first line.
    Waits,
    /// It has shown a token; the list is read again first.
    Shown { id: Json, secret: Secret, look: u64 },
    /// The answer comes at that time, and then its end.
    Refused { line: String, at_ns: u64 },
    /// Nothing more comes from it, or it has its answer.
    Over,
}

/// A connection that has shown a good token.
pub struct Admitted {
    /// The connection.
    pub stream: Secured,
    /// Who.
    pub peer: Peer,
    /// What was shown.
    pub token: Token,
    /// Of the request that showed it.
    pub id: Json,
    /// What came behind that request.
    pub rest: Vec<u8>,
}

/// The first request, and the only one before its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Authenticate {
    token: String,
}

/// The token that a first line shows, and the request's id.
///
/// # Errors
/// What is to be answered; the texts hold nothing of the line.
pub fn first_request(line: &[u8]) -> Result<(Json, Secret), (Json, Failure)> {
    const HELP: &str =
        "the first request is {\"id\":1,\"method\":\"authenticate\",\"params\":{\"token\":\"…\"}}";
    let bad = |text: &str| Failure::new(Code::Unauthenticated, text).help(HELP);
    let Request { id, method, params } =
        Request::parse(line).map_err(|(id, _)| (id, bad("a line that is no request")))?;
    if method != "authenticate" {
        return Err((id, bad("no token was shown")));
    }
    let shown: Result<Authenticate, _> = serde_json::from_value(params);
    let secret = shown.ok().and_then(|shown| shown.token.parse().ok());
    secret.map_or_else(
        || Err((id.clone(), bad("what was shown is no token"))),
        |secret| Ok((id.clone(), secret)),
    )
}

impl Gate {
    /// Let in from `listener` who has a token of the list in `directory`.
    ///
    /// # Errors
    /// If the thread that reads the list cannot be made.
    pub fn new(listener: TcpListener, config: Arc<ServerConfig>, directory: Directory) -> io::Result<Self> {
        let keeper = Keeper::start(directory)?;
        let (guests, refusals) = (VecDeque::new(), Refusals::default());
        Ok(Self { listener, config, keeper, guests, refusals, pace_ns: 0 })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The list of tokens as it was read last.
    pub fn tokens(&self) -> Listed {
        self.keeper.last()
    }

    /// What to wait for: the listener, then the guests.
    pub fn polled(&self, now: u64) -> impl Iterator<Item = PollFd<'_>> {
        let listens = wanted(self.may_accept(now), false);
        let guests = self.guests.iter().map(|guest| {
            let reads = matches!(guest.stage, Stage::Waits);
            PollFd::new(guest.stream.socket(), wanted(reads, guest.stream.wants_write()))
        });
        std::iter::once(PollFd::new(&self.listener, listens)).chain(guests)
    }

    /// When something is to be done although nothing comes.
    pub fn due_ns(&self, now: u64) -> Option<u64> {
        let paced = (!self.may_accept(now)).then(|| self.pace_ns.saturating_sub(BURST * PACE_NS));
        let guests = self.guests.iter().map(|guest| match &guest.stage {
            Stage::Waits | Stage::Shown { .. } => guest.until_ns,
            Stage::Refused { at_ns, .. } => *at_ns,
            Stage::Over => now,
        });
        guests.chain(paced).min()
    }

    /// Somebody waits for the list to be read.
    pub fn is_looking(&self) -> bool {
        self.guests.iter().any(|guest| matches!(guest.stage, Stage::Shown { .. }))
    }

    fn may_accept(&self, now: u64) -> bool {
        self.pace_ns <= now + BURST * PACE_NS
    }

    /// Do what can be done; who has shown a good token comes back. `flags` are what [`Gate::polled`] came to.
    pub fn turn(&mut self, flags: &[PollFlags], now: u64) -> Vec<Admitted> {
        let (listener, guests) =
            flags.split_first().map_or((PollFlags::empty(), flags), |(first, rest)| (*first, rest));
        for (guest, flags) in self.guests.iter_mut().zip(guests) {
            if flags.intersects(PollFlags::IN) {
                guest.read(&mut self.refusals);
            }
            let is_gone = flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
            if is_gone || guest.stream.flush().is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
                guest.leave(&mut self.refusals, "gone without a token");
            }
        }
        if !listener.is_empty() {
            self.accept(now);
        }
        let mut admitted = Vec::new();
        for _ in 0..self.guests.len() {
            let Some(mut guest) = self.guests.pop_front() else { break };
            guest.serve(&self.keeper, &mut self.refusals, now);
            match guest.admit(&self.keeper, &mut self.refusals, now) {
                Ok(one) => admitted.push(one),
                Err(guest) if matches!(guest.stage, Stage::Over) => {}
                Err(guest) => self.guests.push_back(*guest),
            }
        }
        admitted
    }

    /// Count what was refused to somebody who had shown a good token.
    pub fn count(&mut self, what: &'static str, reason: &'static str, who: &Peer) {
        self.refusals.count_known(what, reason, who);
    }

    /// What is to be written down of those who were not let in.
    pub fn refused(&mut self, now: u64) -> Vec<Refused> {
        self.refusals.due(now)
    }

    /// The same, when nothing more comes.
    pub fn last_refused(&mut self) -> Vec<Refused> {
        self.refusals.rest()
    }

    fn accept(&mut self, now: u64) {
        while self.may_accept(now) {
            // Also one that fails counts: without a file left to open, there would be no end to trying.
            self.pace_ns = self.pace_ns.max(now) + PACE_NS;
            let Ok((socket, address)) = self.listener.accept() else { return };
            // Who pulls the cable does not keep a place for ever.
            let set = sockopt::set_socket_keepalive(&socket, true)
                .and_then(|()| sockopt::set_tcp_keepidle(&socket, Duration::from_secs(10)))
                .and_then(|()| sockopt::set_tcp_keepintvl(&socket, Duration::from_secs(5)))
                .and_then(|()| sockopt::set_tcp_keepcnt(&socket, 3))
                .and_then(|()| sockopt::set_tcp_user_timeout(&socket, 20_000));
            let stream = set.map_err(io::Error::from).and_then(|()| Secured::new(socket, &self.config));
            let Ok(stream) = stream else { continue };
            if self.guests.len() >= GUESTS_MAX
                && let Some(mut oldest) = self.guests.pop_front()
            {
                oldest.leave(&mut self.refusals, "too many without a token");
            }
            let (input, until_ns) = (Vec::new(), now + SHOWN_NS);
            self.guests.push_back(Guest { stream, address, input, until_ns, stage: Stage::Waits });
        }
    }
}

impl Guest {
    /// It ends here, and is counted.
    fn leave(&mut self, refusals: &mut Refusals, reason: &'static str) {
        if matches!(self.stage, Stage::Waits | Stage::Shown { .. }) {
            refusals.count(reason, None, self.address);
        }
        self.stage = Stage::Over;
    }

    fn read(&mut self, refusals: &mut Refusals) {
        let mut buffer = [0; 2048];
        while matches!(self.stage, Stage::Waits) && self.input.len() < LINE_MAX {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.leave(refusals, "gone without a token"),
                Ok(len) => self.input.extend_from_slice(buffer.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) if self.stream.received() == 0 => self.leave(refusals, "no TLS"),
                Err(_) if self.stream.is_handshaking() => self.leave(refusals, "handshake failed"),
                Err(_) => self.leave(refusals, "gone without a token"),
            }
        }
        let is_whole = self.input.contains(&b'\n');
        if self.stream.received() > BYTES_MAX && !is_whole {
            self.leave(refusals, "too many bytes before a token");
        }
    }

    /// As far as it can be served without the list.
    fn serve(&mut self, keeper: &Keeper, refusals: &mut Refusals, now: u64) {
        match &self.stage {
            Stage::Waits if self.input.contains(&b'\n') || self.input.len() >= LINE_MAX => {
                let end = self.input.iter().position(|byte| *byte == b'\n').filter(|end| *end < LINE_MAX);
                let line: Vec<u8> = end.map_or_else(Vec::new, |end| self.input.drain(..=end).collect());
                match first_request(line.trim_ascii_end()) {
                    Ok((id, secret)) => self.stage = Stage::Shown { id, secret, look: keeper.ask() },
                    Err((id, failure)) => {
                        refusals.count("no token", None, self.address);
                        self.refuse(&id, &failure, now);
                    }
                }
            }
            Stage::Waits if now >= self.until_ns => self.leave(refusals, "no token in time"),
            Stage::Refused { line, at_ns } if now >= *at_ns => {
                // One line of a few hundred bytes: it fits, or nobody takes it.
                let _ = self.stream.write(line.as_bytes());
                self.stream.say_goodbye();
                self.stage = Stage::Over;
            }
            Stage::Waits | Stage::Shown { .. } | Stage::Refused { .. } | Stage::Over => {}
        }
    }

    fn refuse(&mut self, id: &Json, failure: &Failure, at_ns: u64) {
        self.stage = Stage::Refused { line: refusal_line(id, failure), at_ns };
    }

    /// Judge the token that was shown, once the list has been read.
    fn admit(mut self, keeper: &Keeper, refusals: &mut Refusals, now: u64) -> Result<Admitted, Box<Self>> {
        let Stage::Shown { id, secret, look } = &self.stage else { return Err(Box::new(self)) };
        let Some(listed) = keeper.seen(*look) else {
            if now >= self.until_ns {
                self.leave(refusals, "the list of tokens could not be read in time");
            }
            return Err(Box::new(self));
        };
        let id = id.clone();
        let judged = match &*listed {
            Ok(tokens) => tokens.judge(secret, &audit::utc_now()).cloned(),
            Err(_) => {
                refusals.count("the list of tokens is of no use", None, self.address);
                let failure =
                    Failure::new(Code::Unauthenticated, "this machine cannot read its list of tokens");
                let help = "look with `sensai access list` at the machine";
                self.refuse(&id, &failure.help(help), now + WRONG_NS);
                return Err(Box::new(self));
            }
        };
        match judged {
            Ok(token) => {
                let peer = Peer::remote(Some(token.name.clone()), self.address);
                Ok(Admitted { stream: self.stream, peer, token, id, rest: self.input })
            }
            Err(closed) => {
                refusals.count(closed.reason(), closed.token(), self.address);
                let failure = Failure::new(Code::Unauthenticated, closed.to_string());
                let help = "have one made at the machine: `sensai access grant NAME --right read`";
                self.refuse(&id, &failure.help(help), now + WRONG_NS);
                Err(Box::new(self))
            }
        }
    }
}

const _: () = assert!(LINE_MAX < BYTES_MAX);
