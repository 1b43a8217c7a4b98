//! The thread behind the control socket: one `poll` over all clients, nothing that blocks, nothing that grows.
//!
//! A client that does not read is not waited for: changes are told as differences to what it was sent last, so that a
//! slow subscriber just sees fewer of them, and one that reads nothing at all is dropped.

pub use crate::control::desk::{LogFacts, Wiring};
use crate::{
    control::{
        desk::Desk,
        peer::Peer,
        place::Place,
        protocol::{CLIENTS_MAX, Code, Failure, REMOTE_MAX, answer},
        remote::{
            gate::{Admitted, Gate},
            keeper::Listed,
        },
        served::Client,
    },
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
    io::{self, Write},
    net::SocketAddr,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
};

/// While something is waited for that comes with a cycle.
const SOON_NS: u64 = 2_000_000;
/// While there is nothing to do.
const IDLE_NS: u64 = 1_000_000_000;

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
    address: Option<SocketAddr>,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Serve what comes to `listener`, and through `gate` from a network, on another core than the cyclic thread's if one is
    /// named.
    ///
    /// # Errors
    /// If the thread cannot be made.
    pub fn start(
        place: Place,
        listener: UnixListener,
        gate: Option<Gate>,
        wiring: Wiring,
        core: Option<usize>,
    ) -> io::Result<Self> {
        let (wake, asleep) = UnixStream::pair()?;
        let address = gate.as_ref().map(Gate::address).transpose()?;
        let mut server =
            Server { listener, gate, listed: None, asleep, clients: Vec::new(), desk: Desk::new(wiring) };
        let thread = std::thread::Builder::new().name("control".into()).spawn(move || {
            rt::block_signals();
            // Off the cyclic core, where there is another one.
            let _ = core.map(rt::pin);
            while server.turn() {}
        })?;
        Ok(Self { place, address, wake: Some(wake), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Where it listens in a network, if it does.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
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
    gate: Option<Gate>,
    /// The list of tokens that was looked at last.
    listed: Option<Listed>,
    /// The other end is closed when the run has ended.
    asleep: UnixStream,
    clients: Vec<Client>,
    desk: Desk,
}

struct Ready {
    awake: bool,
    listener: bool,
    gate: Vec<PollFlags>,
    clients: Vec<PollFlags>,
}

impl Server {
    /// Wait for something and do it; false when the run has ended.
    fn turn(&mut self) -> bool {
        let ready = self.wait();
        if !ready.awake {
            return self.close();
        }
        for (client, flags) in self.clients.iter_mut().zip(ready.clients) {
            client.ready(flags);
        }
        if ready.listener {
            self.accept();
        }
        let now = clock::monotonic_ns();
        self.admit(&ready.gate, now);
        self.desk.refresh();
        while let Some(finished) = self.desk.finished() {
            let mut result = Some(finished.result);
            for client in &mut self.clients {
                result = result.and_then(|result| client.finish(finished.ticket, result));
            }
        }
        let now = clock::monotonic_ns();
        for client in &mut self.clients {
            client.serve(&mut self.desk, now);
            client.tell(&self.desk, now);
            client.write(now);
        }
        self.note_refusals(now);
        let desk = &self.desk;
        self.clients.retain_mut(|client| {
            if client.is_over() {
                part(desk, client);
            }
            !client.is_over()
        });
        self.desk.want_states(self.clients.iter().any(Client::wants_states));
        true
    }

    fn wait(&self) -> Ready {
        let now = clock::monotonic_ns();
        let mut polled =
            vec![PollFd::new(&self.asleep, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        polled.extend(self.gate.iter().flat_map(|gate| gate.polled(now)));
        let of_gate = polled.len() - 2;
        polled.extend(self.clients.iter().map(Client::polled));
        let ns = self.timeout_ns(now);
        let timeout = Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ };
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            // Nothing is known then; without a pause this would be a busy loop.
            Err(_) => std::thread::sleep(std::time::Duration::from_nanos(SOON_NS)),
        }
        let mut flags = polled.iter().map(PollFd::revents);
        let awake = flags.next().is_some_and(|flags| flags.is_empty());
        let listener = flags.next().is_some_and(|flags| !flags.is_empty());
        let gate = flags.by_ref().take(of_gate).collect();
        Ready { awake, listener, gate, clients: flags.collect() }
    }

    fn timeout_ns(&self, now: u64) -> u64 {
        let looking = self.gate.as_ref().is_some_and(Gate::is_looking);
        if looking || self.desk.is_waiting() || self.clients.iter().any(Client::is_waiting) {
            return SOON_NS;
        }
        if self.clients.iter().any(Client::has_more) {
            return 0;
        }
        let due = self.gate.iter().filter_map(|gate| gate.due_ns(now));
        let due = due.chain(self.clients.iter().filter_map(Client::next_ns));
        due.map(|due_ns| due_ns.saturating_sub(now)).min().unwrap_or(IDLE_NS).min(IDLE_NS)
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
                let _ = (&stream).write(answer(&Json::Null, Err(busy(CLIENTS_MAX))).as_bytes());
                continue;
            }
            self.clients.push(Client::local(stream, peer));
        }
    }

    /// Take over who has shown a good token, and let go whose token is not good any more.
    fn admit(&mut self, flags: &[PollFlags], now: u64) {
        let Some(gate) = &mut self.gate else { return };
        let admitted = gate.turn(flags, now);
        let listed = gate.tokens();
        if !self.listed.as_ref().is_some_and(|last| Arc::ptr_eq(last, &listed)) {
            if let Err(error) = &*listed {
                self.desk.say(format!("nobody gets in over the network: {error}"));
            }
            self.listed = Some(Arc::clone(&listed));
        }
        for one in admitted {
            self.take(one, now);
        }
        for client in &mut self.clients {
            client.check(&listed, now);
        }
    }

    fn take(&mut self, admitted: Admitted, now: u64) {
        let right = admitted.token.right;
        let mut client = Client::remote(admitted);
        let remote = self.clients.iter().filter(|client| client.is_remote()).count();
        if remote < REMOTE_MAX && self.clients.len() < CLIENTS_MAX {
            self.desk.note(client.peer(), "connect", json!({ "right": right }), String::new(), "accepted");
            self.clients.push(client);
            return;
        }
        client.refuse(busy(self.clients.len()));
        // Nothing was sent to it before, so that there is room for this.
        client.write(now);
        client.say_goodbye();
        if let Some(gate) = &mut self.gate {
            gate.count("connect", "too many clients", client.peer());
        }
    }

    fn note_refusals(&mut self, now: u64) {
        let Some(gate) = &mut self.gate else { return };
        for client in &mut self.clients {
            if let Some(method) = client.forbidden() {
                gate.count(method, "forbidden", client.peer());
            }
        }
        for refused in gate.refused(now) {
            self.desk.note(&refused.who, refused.what, refused.params, String::new(), "refused");
        }
    }

    /// Tell everybody that it is over.
    fn close(&mut self) -> bool {
        let now = clock::monotonic_ns();
        for client in &mut self.clients {
            client.end("the run has ended");
            client.write(now);
            part(&self.desk, client);
        }
        for refused in self.gate.iter_mut().flat_map(Gate::last_refused) {
            self.desk.note(&refused.who, refused.what, refused.params, String::new(), "refused");
        }
        false
    }
}

/// A client goes.
fn part(desk: &Desk, client: &mut Client) {
    client.say_goodbye();
    if client.is_remote() {
        desk.note(client.peer(), "disconnect", json!({}), client.reason().to_owned(), "ended");
    }
}

fn busy(clients: usize) -> Failure {
    let failure = Failure::new(Code::Busy, format!("{clients} clients are connected already"));
    failure.help("end one of them, such as a `sensai top`")
}
