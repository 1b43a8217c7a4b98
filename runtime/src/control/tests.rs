//! A server and its clients in one process, with the real cyclic thread behind it: the embedded segment, in virtual time.

use super::{
    audit,
    client::{Client, ClientError},
    method::METHODS,
    protocol::{CLIENTS_MAX, Code, Failure, LINE_MAX},
    remote::gate::Gate,
    server::{ControlServer, LogFacts, Wiring, files_hash},
    view::{Section, View},
    *,
};
use crate::{
    cyclic::{self, Doors, Plan},
    evidence,
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
use proptest::{prelude::*, test_runner::TestRunner};
use sensai_fieldbus::clock;
use sensai_log::LogReader;
use sensai_model::record::{InboxEntry, InboxKind, InboxSource};
use serde_json::{Value as Json, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

mod live;
mod remote;

const CELL: &str = r#"[cell]
name = "control-test"
[tasks.main]
interval = "1ms"
programs = ["programs/main.rhai"]
[devices]
inputs = { type = "EL1008" }
valves = { type = "EL2008" }
servo = { type = "SN4020" }
probe = { type = "EL3104" }
[tags]
button = { input = "inputs.channel_1" }
lamp = { output = "valves.channel_1", description = "a lamp" }
run_button = { input = "inputs.channel_2" }
turned = { input = "servo.drive.position" }
word = { input = "probe.channel_1.value" }
share = { type = "f64", range = [0.0, 1.0] }
shares = { type = "f64", array = 3 }
many = { type = "i64", array = 65 }
hot = { type = "bool" }
level = { type = "f64", unit = "N" }
cycles = { type = "i64" }
[parameters]
heat = { default = false }
suspect = { default = false }
level = { default = 1.0, range = [0.0, 10.0], unit = "N" }
[axes.ram]
drive = "servo"
feed = "10 mm"
encoder = 1_048_576
homing = "absolute"
limits = { velocity = 200.0 }
[units.press]
[operator]
start = "run_button"
[alarms.hot]
id = 1001
when = "hot"
latched = true
text = { en = "it is hot", ja = "高温です" }
[jidoka.part]
[log]
ring = "30s"
[simulation]
auto_start = false
"#;

const PROGRAM: &str = r#"
fn init() {
    #{ ram: Axis("ram"), suspected: false, wait: TON(), list: [1, 2, 3], step: "idle", retain: #{ good: 0 } }
}
fn cycle() {
    this.wait.run(false, 0.5);
    if this.step == "other" { this.retain.good += this.list[0]; this.step = "idle"; }
    io.lamp = io.button;
    this.ram.power(true);
    io.hot = param.heat;
    io.level = param.level;
    io.cycles = sys.cycle;
    if param.suspect && !this.suspected { jidoka("part"); }
    this.suspected = param.suspect;
}
"#;

struct Rig {
    folder: tempfile::TempDir,
    server: Option<ControlServer>,
    commands: rtrb::Producer<InboxEntry>,
    cyclic: Option<JoinHandle<()>>,
    session: Option<LogSession>,
    log: LogFacts,
    texts: mpsc::Receiver<String>,
    keeper: Option<evidence::Keeper>,
    options: Options,
    cell: Arc<sensai_model::Cell>,
}

impl Rig {
    fn new() -> Self {
        Self::with(|_| None)
    }

    /// With a way in from a network, made in the rig's folder.
    fn with(gate: impl FnOnce(&std::path::Path) -> Option<Gate>) -> Self {
        let files: Files = [("cell.toml", CELL), ("programs/main.rhai", PROGRAM)]
            .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
            .into();
        let source = Source::from_files(&files);
        let cell = source.cell.clone().unwrap_or_else(|| panic!("{}", source.render(false)));
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.snlog");
        let options = Options { log: Some(log.clone()), files, ..Options::default() };
        let (session, producer) = LogSession::open(&cell, &options).unwrap();
        let (commands, mut inbox) = Inbox::new();
        let editions = Editions::default();
        let (publisher, snapshots) = snapshot::channel(&cell, editions.clone());
        let (sender, texts) = mpsc::channel();
        let status = Arc::new(Status::default());
        let shelf = evidence::Shelf::beside(&log);
        let evidence = evidence::Keeper::start(&cell, &log, shelf, &status).unwrap();
        let facts = LogFacts::default();
        let wiring = Wiring {
            cell: Arc::clone(&cell),
            hash: files_hash(&options.files),
            interface: None,
            status: Arc::clone(&status),
            snapshots,
            commands: inbox.open_control(),
            audit: Some(audit::Audit::open(&folder.path().join("a.snlog.audit")).unwrap().into()),
            texts: sender,
            reasons: Some(evidence.reasons),
            reloads: None,
            reload: SharedFacts::default(),
            log: Arc::clone(&facts),
            editions,
            started_ns: clock::monotonic_ns(),
        };
        let (place, listener) = place::claim(&folder.path().join("cell.sock"), None).unwrap();
        let server = ControlServer::start(place, listener, gate(folder.path()), wiring, None).unwrap();
        let plan = Plan {
            cell: Arc::clone(&cell),
            cycles: None,
            virtual_time: true,
            no_spin: true,
            guard: false,
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
            evidence: Some(evidence.tap),
            reload: None,
        };
        let seen = Arc::clone(&status);
        let cyclic = std::thread::spawn(move || {
            let (errors, _texts) = rtrb::RingBuffer::new(16);
            let outcome = Mutex::new(None);
            cyclic::run(&plan, None, doors, errors, &seen, &outcome);
            let outcome = outcome.into_inner().unwrap();
            outcome.expect("an outcome").expect("a good run");
        });
        let rig = Self {
            folder,
            server: Some(server),
            commands,
            cyclic: Some(cyclic),
            session: Some(session),
            log: facts,
            texts,
            keeper: Some(evidence.keeper),
            options,
            cell,
        };
        rig.up();
        rig
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cell.sock")
    }

    fn client(&self) -> Client {
        Client::connect(&self.path()).unwrap()
    }

    fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Wait until there are cycles.
    fn up(&self) {
        let mut client = self.client();
        while client.call("status", json!({})).unwrap()["cycle"] == 0 {
            assert!(!self.cyclic.as_ref().unwrap().is_finished(), "the cyclic thread came up");
        }
    }

    /// End the run, and give back the log.
    fn end(mut self) -> (tempfile::TempDir, PathBuf, Vec<String>) {
        self.commands.push(entry(InboxKind::Shutdown, InboxSource::SIGNAL, [0; 3])).unwrap();
        self.cyclic.take().unwrap().join().unwrap();
        drop(self.server.take());
        let texts: Vec<String> = self.texts.try_iter().collect();
        self.session.take().unwrap().close(&self.cell).unwrap();
        let told = self.keeper.take().unwrap().finish();
        assert!(told.iter().all(|text| text.contains(" are kept as ")), "{told:?}");
        (self.folder, self.options.log.clone().unwrap(), texts)
    }
}

fn refused(result: Result<Json, ClientError>) -> Failure {
    match result {
        Err(ClientError::Failure(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

/// Ask until it is so; the state that an acting state leads to comes a few cycles later.
fn until(client: &mut Client, what: &str, is_so: impl Fn(&View) -> bool) -> View {
    for _ in 0..2_000 {
        let status = client.call("status", json!({ "sections": Section::ALL })).unwrap();
        let view: View = serde_json::from_value(status).unwrap();
        if is_so(&view) {
            return view;
        }
    }
    panic!("never {what}");
}

/// The cycles around the event, which replay by themselves, and what was said of it.
fn assert_evidence(log: &std::path::Path, whole: &LogReader<Vec<u8>>) {
    let directory = evidence::Shelf::beside(log).directory().to_owned();
    let mut names: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let [json, snlog] = &names[..] else { panic!("{names:?}") };
    let document: evidence::Document =
        serde_json::from_slice(&std::fs::read(directory.join(json)).unwrap()).unwrap();
    assert_eq!(*json, format!("1-part-{}.json", document.cycle));
    assert_eq!((document.event, document.rule.as_str(), document.model), (1, "part", None));
    assert_eq!((&document.parameters["suspect"], &document.parameters["level"]), (&json!(true), &json!(7.5)));
    let verdict = document.verdict.expect("it was judged");
    assert_eq!((verdict.good, verdict.why.as_str()), (false, "a crack"));
    assert_eq!(verdict.why_hash, format!("{:016x}", super::method::reason_hash("a crack")));
    assert!(verdict.cycle > document.cycle && !verdict.who.is_empty() && verdict.utc.ends_with('Z'));
    let kept = document.log.expect("its cycles are kept");
    assert_eq!((&kept.file, document.trouble), (snlog, None));
    let bytes = std::fs::read(directory.join(snlog)).unwrap();
    assert_eq!(kept.sha256, sensai_log::block::hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
    let part = LogReader::open(bytes).unwrap();
    assert!(part.verify().unwrap().is_good());
    // Ten seconds before and two behind, a keyframe's distance more at the start, and no further than there are records.
    let (first, last) = part.info().unwrap().cycles.unwrap();
    assert_eq!((first, last), (kept.first, kept.last));
    assert_eq!(last, (document.cycle + 2_000).min(whole.last_cycle()));
    let wanted = document.cycle.saturating_sub(10_000).max(1);
    assert!(first <= wanted && wanted - first <= 10_000, "from {first}, wanted {wanted}");
    let report = replay::replay(&part, &replay::Options::default(), &mut |_| ()).unwrap();
    assert!(report.is_proof(), "{report}");
    assert_eq!(report.verified, [(first, last)]);
    for record in part.records(0) {
        let record = record.unwrap();
        assert_eq!(record.bytes(), whole.record(record.view().cycle()).unwrap().bytes());
    }
}

#[test]
fn every_method_does_what_it_says() {
    let rig = Rig::new();
    let mut client = rig.client();
    let mut asked = vec!["hello"];
    let mut call = |client: &mut Client, method: &'static str, params: Json| {
        asked.push(method);
        client.call(method, params)
    };
    assert_eq!(client.hello["cell"], "control-test");
    assert_eq!(client.hello["you"]["pid"], std::process::id());
    assert_eq!(client.hello["hash"], files_hash(&rig.options.files).as_str());

    let description: describe::Description =
        serde_json::from_value(call(&mut client, "describe", json!({})).unwrap()).unwrap();
    assert_eq!(description.axes[0].jog, ["press"]);
    assert_eq!(description.alarms[0].text_ja, "高温です");
    let status: View = serde_json::from_value(call(&mut client, "status", json!({})).unwrap()).unwrap();
    assert_eq!(status.runtime.as_ref().unwrap().state, "stop");
    assert_eq!(
        (status.bus.as_ref().unwrap().states.as_str(), status.devices["servo"].state.as_str()),
        ("OP", "OP")
    );
    assert!(status.tasks["main"].runs > 0 && status.tags.is_empty());
    let tags: View =
        serde_json::from_value(call(&mut client, "tags", json!({ "prefix": "l" })).unwrap()).unwrap();
    assert_eq!(tags.tags.keys().collect::<Vec<_>>(), ["lamp", "level"]);

    // Units do nothing while the runtime does not run, and it says what to do.
    let failure = refused(call(&mut client, "unit", json!({ "command": "start" })));
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (Code::Refused, "cannot start: the runtime is in stop")
    );
    assert!(failure.help.unwrap().contains("start the runtime first"));
    let failure = refused(call(&mut client, "reset", json!({})));
    assert_eq!(failure.to_string(), "cannot reset: the runtime is in stop; legal now: start");
    let before = client.call("status", json!({})).unwrap()["cycle"].as_u64().unwrap();
    let started = call(&mut client, "start", json!({ "why": "test" })).unwrap();
    assert_eq!(
        (started["applied"].as_bool(), started["state"]["runtime"]["state"].as_str()),
        (Some(true), Some("run"))
    );
    assert!(started["cycle"].as_u64().unwrap() > before);
    assert_eq!(refused(client.call("start", json!({}))).help.unwrap(), "legal now: stop");

    // Parameters: what is set is what the program sees.
    let set = call(&mut client, "set-param", json!({ "name": "level", "value": 7.5 })).unwrap();
    assert_eq!(set["state"]["parameters"]["level"], 7.5);
    assert_eq!(
        refused(client.call("set-param", json!({ "name": "level", "value": 11 }))).code,
        Code::OutOfRange
    );
    until(&mut client, "7.5", |view| view.tags["level"].value == 7.5);
    assert_eq!(call(&mut client, "get", json!({ "name": "level" })).unwrap()["unit"], "N");
    assert_eq!(client.call("get", json!({ "name": "param.level" })).unwrap()["value"], 7.5);
    assert_eq!(call(&mut client, "params", json!({})).unwrap()["parameters"][2]["range"], json!([0.0, 10.0]));

    // PackML, jog in manual mode only.
    let failure = refused(client.call("unit", json!({ "command": "hold", "unit": "press" })));
    assert_eq!(
        failure.to_string(),
        "cannot hold: unit press is stopped in mode production; legal now: press: reset, abort"
    );
    let failure = refused(call(&mut client, "jog", json!({ "axis": "ram", "velocity": 10.0, "for_ms": 50 })));
    assert!(failure.message.contains("unit press is not in manual mode"), "{failure}");
    call(&mut client, "mode", json!({ "mode": "manual" })).unwrap();
    let jogged = client.call("jog", json!({ "axis": "ram", "velocity": 10.0, "for_ms": 50 })).unwrap();
    assert!(jogged["state"]["axes"]["ram"]["state"].is_string());
    until(&mut client, "moved", |view| view.axes["ram"].position > 0.2 && view.axes["ram"].velocity == 0.0);
    assert_eq!(
        refused(client.call("jog", json!({ "axis": "ram", "velocity": 1e9, "for_ms": 50 }))).code,
        Code::OutOfRange
    );
    client.call("mode", json!({ "mode": "production", "unit": "press" })).unwrap();
    call(&mut client, "override", json!({ "factor": 0.5 })).unwrap();
    call(&mut client, "unit", json!({ "command": "start", "chain": true })).unwrap();
    until(&mut client, "executing", |view| view.units["press"].state == "execute");
    assert_eq!(refused(client.call("mode", json!({ "mode": "manual" }))).code, Code::Refused);

    // An alarm comes, is seen, and goes.
    client.call("set-param", json!({ "name": "heat", "value": true })).unwrap();
    until(&mut client, "hot", |view| {
        view.alarms["hot"].state == "unacknowledged" && view.alarms["hot"].first_out
    });
    call(&mut client, "ack", json!({})).unwrap();
    until(&mut client, "seen", |view| view.alarms["hot"].state == "acknowledged");
    assert_eq!(
        refused(client.call("ack", json!({ "alarm": "A1001" }))).message,
        "no alarm waits to be acknowledged"
    );
    call(&mut client, "shelve", json!({ "alarm": "hot", "for_s": 3600 })).unwrap();
    until(&mut client, "shelved", |view| view.alarms["hot"].state == "shelved");

    // Jidoka: held until somebody has judged.
    client.call("set-param", json!({ "name": "suspect", "value": true })).unwrap();
    let held = until(&mut client, "held", |view| view.units["press"].state == "held");
    assert!(held.units["press"].awaits_verdict && !held.units["press"].legal.contains(&"unhold".into()));
    let failure = refused(client.call("unit", json!({ "command": "unhold" })));
    assert!(failure.message.contains("waits for a verdict"), "{failure}");
    assert!(
        refused(client.call("verdict", json!({ "event": 9, "good": true, "why": "x" })))
            .help
            .unwrap()
            .contains("open: 1 (part")
    );
    let judged = call(&mut client, "verdict", json!({ "good": false, "why": "a crack" })).unwrap();
    assert_eq!(judged["state"]["jidoka"]["1"]["verdict"], "bad");
    client.call("unit", json!({ "command": "unhold" })).unwrap();
    until(&mut client, "executing again", |view| view.units["press"].state == "execute");

    // Nobody cuts logs or compiles programs beside this run.
    assert_eq!(refused(call(&mut client, "log-tail", json!({ "seconds": 1 }))).code, Code::Refused);
    let failure = refused(call(&mut client, "reload", json!({})));
    assert_eq!(failure.to_string(), "this run does not reload programs");
    call(&mut client, "force", json!({ "name": "hot", "value": false })).unwrap();
    call(&mut client, "unforce", json!({ "name": "hot" })).unwrap();
    call(&mut client, "unforce-all", json!({})).unwrap();
    call(&mut client, "clear-statistics", json!({})).unwrap();
    call(&mut client, "stop", json!({})).unwrap();
    assert_eq!(call(&mut client, "unsubscribe", json!({})).unwrap()["was_subscribed"], false);
    call(&mut client, "subscribe", json!({ "hz": 50 })).unwrap();
    for (method, _) in METHODS {
        assert!(asked.contains(method), "{method} is not tried");
    }
    // Everything that was commanded is replayed, with the same hash in every cycle.
    drop(client);
    let (folder, log, texts) = rig.end();
    let reader = LogReader::open(std::fs::read(&log).unwrap()).unwrap();
    let report = replay::replay(&reader, &replay::Options::default(), &mut |_| ()).unwrap();
    assert!(report.difference.is_none() && report.unverified.is_empty(), "{report}");
    let commands = reader.records(0).flat_map(|record| {
        let record = record.unwrap();
        let entries: Vec<InboxEntry> = record.view().inbox().collect();
        entries.into_iter().filter(|entry| entry.source == InboxSource::CONTROL)
    });
    let chain = audit::verify(&folder.path().join("a.snlog.audit")).unwrap();
    assert_eq!(commands.count() as u64, chain.lines, "every entry has its line");
    assert!(texts.iter().any(|text| text.contains("verdict") && text.ends_with(": a crack")), "{texts:?}");
    assert_evidence(&log, &reader);
}

#[test]
fn a_subscriber_is_told_what_changes_and_when_it_is_over() {
    let rig = Rig::new();
    let mut client = rig.client();
    client
        .call("subscribe", json!({ "sections": ["runtime", "tags"], "prefix": "level", "hz": 50 }))
        .unwrap();
    let next = |client: &mut Client| client.patch(Duration::from_secs(5)).unwrap().expect("a patch in time");
    let mut known = json!({});
    patch::apply(&mut known, &next(&mut client));
    assert_eq!(known["tags"], json!({ "level": { "value": 0.0, "valid": true } }));
    assert_eq!(known["runtime"]["state"], "stop");
    let other = &mut rig.client();
    other.call("start", json!({})).unwrap();
    other.call("set-param", json!({ "name": "level", "value": 3.0 })).unwrap();
    let mut patches = Vec::new();
    while known["tags"]["level"]["value"] != 3.0 {
        let change = next(&mut client);
        patch::apply(&mut known, &change);
        patches.push(change);
        assert!(patches.len() < 500);
    }
    assert!(
        patches.iter().filter(|patch| patch.get("tags").is_some()).count() <= 2,
        "only what changed: {patches:?}"
    );
    // A client that asks while it is subscribed gets its answer between the patches.
    assert_eq!(client.call("get", json!({ "name": "level" })).unwrap()["value"], 3.0);
    rig.end();
    let gone = std::iter::from_fn(|| Some(client.patch(Duration::from_secs(5)))).find_map(Result::err);
    assert_eq!(gone.unwrap().to_string(), "the runtime is gone: the run has ended");
}

/// The answers to some bytes, until the connection is closed or they are as many as asked for.
fn lines(stream: &UnixStream, count: usize) -> Vec<Json> {
    let reader = BufReader::new(stream);
    reader.lines().take(count).map(|line| serde_json::from_str(&line.unwrap()).expect("JSON")).collect()
}

#[test]
fn no_bytes_of_a_client_disturb_the_others() {
    let rig = Rig::new();
    let check = |bytes: &[u8]| {
        let mut stream = rig.stream();
        stream.write_all(bytes).unwrap();
        // Behind whatever it was, a good request is answered, if the line before has an end.
        stream.write_all(b"\n{\"id\":\"last\",\"method\":\"hello\"}\n").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let all = lines(&stream, usize::MAX);
        assert_eq!(all.last().map(|line| line["id"].clone()), Some(json!("last")), "{bytes:?}: {all:?}");
    };
    let piece = prop_oneof![
        "[ -~]{0,40}",
        Just("{\"id\":1,\"method\":\"status\"}\n".to_owned()),
        Just(
            "{\"id\":1,\"method\":\"unit\",\"params\":{\"command\":\"start\",\"unit\":\"press\"}}\n"
                .to_owned()
        ),
        Just("{\"id\":[],\"method\":\"status\"}\n".to_owned()),
        Just("\u{0}\u{1b}[2J\n".to_owned()),
        (0..300_usize).prop_map(|depth| format!("{}\n", "[".repeat(depth))),
        "\\{\"method\":\"(get|tags|set-param|jog)\",\"params\":\\{\"(name|prefix|value)\":[0-9a-z\"\\[\\]]{0,9}\\}\\}\n",
    ];
    let mut runner = TestRunner::new(ProptestConfig::with_cases(60));
    let texts = proptest::collection::vec(piece, 0..12);
    runner
        .run(&texts, |pieces| {
            check(pieces.concat().as_bytes());
            Ok(())
        })
        .unwrap();
    runner
        .run(&proptest::collection::vec(any::<u8>(), 0..400), |bytes| {
            check(&bytes);
            Ok(())
        })
        .unwrap();
    assert_eq!(rig.client().cell(), "control-test");
}

#[test]
fn a_line_without_an_end_is_cut_short() {
    let rig = Rig::new();
    let mut stream = rig.stream();
    // Longer than what may be, in one line; the rest may not find a reader any more.
    let _ = stream.write_all(&vec![b'x'; 2 * LINE_MAX]);
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert!(text.contains("a line of more than 65536 bytes"), "{text}");
}

#[test]
fn a_client_that_does_not_read_is_not_waited_for() {
    let rig = Rig::new();
    let mut deaf = rig.stream();
    // Asks again and again without taking a single answer.
    deaf.set_nonblocking(true).unwrap();
    let request = b"{\"id\":1,\"method\":\"describe\"}\n".repeat(64);
    for _ in 0..64 {
        if deaf.write(&request).is_err() {
            break;
        }
    }
    let mut other = rig.client();
    for _ in 0..20 {
        other.call("status", json!({})).unwrap();
    }
    other.call("start", json!({})).unwrap();
}

#[test]
fn the_ninth_client_is_told_to_wait() {
    let rig = Rig::new();
    let mut clients: Vec<Client> = (0..CLIENTS_MAX).map(|_| rig.client()).collect();
    let error = format!("{:#}", Client::connect(&rig.path()).unwrap_err());
    assert!(error.contains("8 clients are connected already; end one of them"), "{error}");
    clients.pop();
    let again = (0..1_000).find_map(|_| Client::connect(&rig.path()).ok());
    assert!(again.is_some(), "a place that was left is given again");
    assert_eq!(clients[0].call("get", json!({ "name": "hot" })).unwrap()["value"], false);
}

#[test]
fn many_requests_in_one_go_are_answered_in_their_order() {
    let rig = Rig::new();
    let mut stream = rig.stream();
    let requests: String = (0..40)
        .map(|id| match id % 4 {
            0 => format!("{{\"id\":{id},\"method\":\"start\"}}\n"),
            1 => format!("{{\"id\":{id},\"method\":\"get\",\"params\":{{\"name\":\"cycles\"}}}}\n"),
            2 => format!("{{\"id\":{id},\"method\":\"stop\"}}\n"),
            _ => format!("{{\"id\":{id},\"method\":\"nonsense\"}}\n"),
        })
        .collect();
    stream.write_all(requests.as_bytes()).unwrap();
    let answers = lines(&stream, 40);
    let ids: Vec<u64> = answers.iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..40).collect::<Vec<_>>());
    for four in answers.chunks(4) {
        assert_eq!(
            (four[0]["result"]["applied"].as_bool(), four[2]["result"]["applied"].as_bool()),
            (Some(true), Some(true))
        );
        assert_eq!(four[3]["error"]["code"], "unknown-method");
        // A look that was asked for behind a command is not older than what the command did.
        let (started, seen) = (four[0]["result"]["cycle"].as_u64(), four[1]["result"]["cycle"].as_u64());
        assert!(seen >= started, "{four:?}");
    }
}

#[test]
fn before_there_are_cycles_nothing_is_commanded() {
    let source = Source::from_directory(&crate::test_cell());
    let cell = source.cell.expect("the example is valid");
    let folder = tempfile::tempdir().unwrap();
    let (_publisher, snapshots) = snapshot::channel(&cell, Editions::default());
    let (_commands, mut inbox) = Inbox::new();
    let wiring = Wiring {
        cell: Arc::clone(&cell),
        hash: String::new(),
        interface: Some("enp3s0".into()),
        status: Arc::new(Status::default()),
        snapshots,
        commands: inbox.open_control(),
        audit: None,
        texts: mpsc::channel().0,
        reasons: None,
        reloads: None,
        reload: SharedFacts::default(),
        log: LogFacts::default(),
        editions: Editions::default(),
        started_ns: clock::monotonic_ns(),
    };
    let path = folder.path().join("cell.sock");
    let (place, listener) = place::claim(&path, None).unwrap();
    let server = ControlServer::start(place, listener, None, wiring, None).unwrap();
    let mut client = Client::connect(&path).unwrap();
    assert_eq!(client.call("status", json!({})).unwrap()["runtime"]["state"], "starting");
    assert_eq!(refused(client.call("stop", json!({}))).code, Code::Starting);
    drop(server);
    assert!(!path.exists(), "the socket goes with its runtime");
    let error = Client::connect(&path).unwrap_err().to_string();
    assert!(error.contains("no runtime is listening at") && error.contains("sensai run"), "{error}");
}
