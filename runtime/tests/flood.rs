//! Clients of the control socket that flood, talk nonsense, force and look at everything, here and over a network, while the
//! cyclic thread may make no system call but those of a cycle: the kernel ends the process if it does. Nor does it use the heap.

use sensai::{
    control::{
        client::{Client, Target},
        place,
        remote::{
            dial::dial,
            directory::Directory,
            gate::{self, Gate},
            hosts::{Host, Trust},
            token::{Right, Secret},
        },
        server::{ControlServer, LogFacts, Wiring, files_hash},
    },
    cyclic::{self, Doors, Outcome, Plan},
    inbox::{Inbox, entry},
    recorder::LogSession,
    reload::SharedFacts,
    replay,
    run::Options,
    snapshot,
    source::{Files, Source},
    states::Editions,
    status::Status,
};
use sensai_alloc_count::CountingAllocator;
use sensai_fieldbus::clock;
use sensai_log::LogReader;
use sensai_model::record::{InboxKind, InboxSource};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    time::Duration,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const CELL: &str = r#"[cell]
name = "flooded"
[tasks.main]
interval = "1ms"
programs = ["programs/main.rhai"]
[devices]
inputs = { type = "EL1008" }
valves = { type = "EL2008" }
[tags]
button = { input = "inputs.channel_1" }
lamp = { output = "valves.channel_1" }
level = { type = "f64" }
[parameters]
level = { default = 1.0, range = [0.0, 10.0] }
[log]
ring = "30s"
"#;

const PROGRAM: &str = "fn init() { #{ n: 0, wait: TON(), curve: array(200, 0.0) } }
fn cycle() {
    this.n += 1;
    this.wait.run(io.button, 0.5);
    this.curve[this.n % 200] = param.level;
    io.level = param.level;
    io.lamp = io.button;
}
";

/// The others end with it, whatever happens.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Ask again and again, and read nothing.
fn deaf(socket: &Path, ended: &AtomicBool) {
    while !ended.load(Relaxed) {
        let Ok(mut stream) = UnixStream::connect(socket) else { continue };
        let _ = stream.set_write_timeout(Some(Duration::from_millis(20)));
        let request = b"{\"id\":1,\"method\":\"status\",\"params\":{\"sections\":[\"programs\",\"tags\"]}}\n"
            .repeat(64);
        while !ended.load(Relaxed) && stream.write_all(&request).is_ok() {}
    }
}

/// Whatever is no request.
fn nonsense(socket: &Path, ended: &AtomicBool) {
    let pieces: [&[u8]; 6] = [
        b"\n\n{}\n",
        &[0xff; 300],
        b"{\"id\":[],\"method\":7}\n",
        b"{\"id\":1,\"method\":\"force\",\"params\":{\"name\":\"lamp\",\"value\":[]}}\n",
        &[b'['; 70_000],
        b"{\"id\":1,\"method\":\"unforce\",\"params\":null}\n",
    ];
    while !ended.load(Relaxed) {
        let Ok(mut stream) = UnixStream::connect(socket) else { continue };
        let _ = stream.set_write_timeout(Some(Duration::from_millis(20)));
        for piece in pieces {
            let _ = stream.write_all(piece);
        }
    }
}

/// Handshakes that are begun and never ended, many at once; some are cut off, some just stay.
fn unfinished(address: SocketAddr, ended: &AtomicBool) {
    // The first record of a handshake, cut short: content type, version, a length, a client's hello, its length.
    let hello: [u8; 11] = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    let mut open: Vec<TcpStream> = Vec::new();
    while !ended.load(Relaxed) {
        for len in 0..=hello.len() {
            let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) else {
                break;
            };
            let _ = stream.write_all(&hello[..len]);
            if len % 3 == 0 {
                let _ = stream.shutdown(std::net::Shutdown::Write);
            }
            open.push(stream);
        }
        if open.len() > 64 {
            open.drain(..32);
        }
    }
}

/// Whatever is no TLS.
fn noise(address: SocketAddr, ended: &AtomicBool) {
    while !ended.load(Relaxed) {
        for piece in
            [&b"GET / HTTP/1.1\r\n\r\n"[..], &[22; 20_000], &[0xff; 300], b"{\"id\":1,\"method\":\"stop\"}\n"]
        {
            let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) else {
                continue;
            };
            let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
            let _ = stream.write_all(piece);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            // At most an alert, and never a word of the machine.
            assert!(answer.len() <= 7, "{answer:?}");
        }
    }
}

/// Whole handshakes, and then no token, or a wrong one, or no end of a line.
fn strangers(host: &Host, ended: &AtomicBool) {
    while !ended.load(Relaxed) {
        let wrong = format!(
            "{{\"method\":\"authenticate\",\"params\":{{\"token\":\"{}\"}}}}\n",
            host.secret.reveal()
        );
        for piece in [wrong.as_bytes(), b"{\"method\":\"stop\"}\n", &[b'['; 60_000]] {
            let Ok(mut stream) = dial(host) else { continue };
            let _ = stream.write_all(piece).and_then(|()| stream.flush());
        }
    }
}

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Look at everything, as often as may be.
fn watch(mut client: Client, ended: &AtomicBool) -> u64 {
    let sections = json!(["runtime", "tags", "programs", "forced", "tasks", "parameters"]);
    client.call("subscribe", json!({ "sections": sections, "hz": 50 })).expect("it may look");
    let mut states = 0;
    while !ended.load(Relaxed) {
        let patch = client.patch(Duration::from_millis(100)).ok().flatten().unwrap_or_default();
        states += u64::from(patch["programs"]["main"]["state"]["n"].is_u64());
    }
    states
}

#[test]
fn no_client_reaches_into_the_cycle() {
    let files: Files = [("cell.toml", CELL), ("programs/main.rhai", PROGRAM)]
        .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
        .into();
    let source = Source::from_files(&files);
    let cell = source.cell.clone().unwrap_or_else(|| panic!("{}", source.render(false)));
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("a.snlog");
    let options = Options { log: Some(log.clone()), files, ..Options::default() };
    let (session, producer) = LogSession::open(&cell, &options).expect("a log");
    let (mut commands, mut inbox) = Inbox::new();
    let editions = Editions::default();
    let (publisher, snapshots) = snapshot::channel(&cell, editions.clone());
    let status = Arc::new(Status::default());
    let wiring = Wiring {
        cell: Arc::clone(&cell),
        hash: files_hash(&options.files),
        interface: None,
        status: Arc::clone(&status),
        snapshots,
        commands: inbox.open_control(),
        audit: None,
        texts: mpsc::channel().0,
        reasons: None,
        reloads: None,
        reload: SharedFacts::default(),
        log: LogFacts::default(),
        editions,
        started_ns: clock::monotonic_ns(),
    };
    let socket = folder.path().join("cell.sock");
    let (place, listener) = place::claim(&socket, None).expect("a place");
    let directory = Directory::at(Some(&folder.path().join("access"))).expect("a folder");
    let fingerprint = directory.init(&["localhost".into()], false).expect("a key");
    let secret = directory.grant("watcher", Right::Operate, None).expect("a token");
    let network = gate::listen("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let opened = directory.open().expect("a key");
    let gate = Gate::new(network, opened.config, directory).expect("a thread");
    let server = ControlServer::start(place, listener, Some(gate), wiring, None).expect("a thread");
    let address = server.address().expect("it listens");
    let (host, port, trust) = ("127.0.0.1".to_owned(), address.port(), Trust::Fingerprint(fingerprint));
    let friend = Host { name: "cell".into(), host, port, trust, secret };
    let stranger = Host { secret: Secret::new([7; 32]), ..friend.clone() };
    let plan = Plan {
        cell: Arc::clone(&cell),
        cycles: None,
        virtual_time: true,
        no_spin: true,
        guard: true,
        first_index: session.first_cycle(),
        core: None,
        retained: None,
        sim_faults: Vec::new(),
    };
    let doors = Doors {
        inbox,
        log: producer,
        publisher: Some(publisher),
        retained: None,
        evidence: None,
        reload: None,
    };
    let outcome: Arc<Mutex<Option<anyhow::Result<Outcome>>>> = Arc::default();
    let (seen, left) = (Arc::clone(&status), Arc::clone(&outcome));
    // It never ends: under the guard it may not.
    std::thread::spawn(move || {
        let (errors, _texts) = rtrb::RingBuffer::new(16);
        cyclic::run(&plan, None, doors, errors, &seen, &left);
    });
    let mut client = Client::connect(&socket).expect("it listens");
    while client.call("status", json!({})).expect("it answers")["cycle"] == 0 {}
    client.call("start", json!({})).expect("it starts");

    let ended = AtomicBool::new(false);
    let watcher = Client::connect(&socket).expect("there is a place");
    let far = Client::open(&Target::Host(Box::new(friend))).expect("there is a place");
    let before = threads();
    let (near, far) = std::thread::scope(|scope| {
        let (socket, ended) = (&socket, &ended);
        scope.spawn(move || deaf(socket, ended));
        scope.spawn(move || nonsense(socket, ended));
        scope.spawn(move || unfinished(address, ended));
        scope.spawn(move || noise(address, ended));
        scope.spawn(|| strangers(&stranger, ended));
        let watching = scope.spawn(move || watch(watcher, ended));
        let far = scope.spawn(move || watch(far, ended));
        let end = End(ended);
        let mut call = |method: &str, params| {
            client.call(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
        };
        for turn in 0..40 {
            call("force", json!({ "name": "button", "value": turn % 2 == 0 }));
            call("force", json!({ "name": "lamp", "value": turn % 3 == 0 }));
            call("set-param", json!({ "name": "level", "value": f64::from(turn % 10) }));
            call("force", json!({ "name": "level", "value": f64::from(turn) }));
            call("unforce", json!({ "name": "button" }));
        }
        call("force", json!({ "name": "lamp", "value": true }));
        assert_eq!(threads(), before + 7, "nobody who comes gets a thread of his own");
        drop(end);
        (watching.join().expect("it watched"), far.join().expect("it watched"))
    });
    assert!(near > 3 && far > 3, "states of programs were seen: {near}, {far}");
    commands.push(entry(InboxKind::Shutdown, InboxSource::SIGNAL, [0; 3])).expect("there is room");
    while !status.finished.load(Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let outcome = outcome.lock().expect("nobody panicked").take().expect("an outcome").expect("a good run");
    assert!(outcome.guarded && outcome.measured > 1000, "{}", outcome.measured);
    assert!(outcome.allocations.is_quiet(), "{:?}", outcome.allocations);
    assert_eq!(
        outcome.forced,
        [("lamp".to_owned(), "true".to_owned()), ("level".to_owned(), "39".to_owned())]
    );
    drop(server);
    session.close(&cell).expect("a whole log");
    let reader = LogReader::open(std::fs::read(&log).expect("a log")).expect("a log");
    let report = replay::replay(&reader, &replay::Options::default(), &mut |_| ()).expect("it replays");
    assert!(report.difference.is_none(), "{report}");
}
