//! Over the loopback interface: TLS, tokens, and whoever has none.

use super::*;
use crate::control::{
    client::Target,
    peer::Peer,
    protocol::REMOTE_MAX,
    remote::{
        dial::{Dialled, dial},
        directory::Directory,
        fingerprint::Fingerprint,
        gate::{self, GUESTS_MAX, ListenError},
        hosts::{Host, Trust},
        token::{Right, Secret},
    },
};
use rustls::{ClientConnection, StreamOwned};
use std::{net::TcpStream, path::Path};

/// A cell that runs, and the folder that lets it be reached.
struct Remote {
    rig: Rig,
    directory: Directory,
    fingerprint: Fingerprint,
    port: u16,
}

impl Remote {
    fn new() -> Self {
        let mut made = None;
        let rig = Rig::with(|folder| {
            let directory = Directory::at(Some(&folder.join("access"))).unwrap();
            let fingerprint = directory.init(&["localhost".into()], false).unwrap();
            made = Some((directory.clone(), fingerprint));
            Some(open(directory))
        });
        let (directory, fingerprint) = made.unwrap();
        let port = rig.server.as_ref().unwrap().address().unwrap().port();
        Self { rig, directory, fingerprint, port }
    }

    fn grant(&self, name: &str, right: Right) -> Host {
        self.host(self.directory.grant(name, right, None).unwrap())
    }

    fn host(&self, secret: Secret) -> Host {
        let (host, trust) = ("127.0.0.1".to_owned(), Trust::Fingerprint(self.fingerprint));
        Host { name: "cell".into(), host, port: self.port, trust, secret }
    }

    fn stranger(&self) -> Host {
        self.host(Secret::new([9; 32]))
    }

    /// Secured, but without a token.
    fn guest(&self) -> Dialled {
        dial(&self.stranger()).unwrap()
    }

    fn plain(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// The run is over; the lines of the audit file.
    fn end(self) -> Vec<Json> {
        let (folder, ..) = self.rig.end();
        let path = folder.path().join("a.snlog.audit");
        audit::verify(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn open(directory: Directory) -> Gate {
    let listener = gate::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = directory.open().unwrap().config;
    Gate::new(listener, config, directory).unwrap()
}

fn client(host: &Host) -> Client {
    Client::open(&Target::Host(Box::new(host.clone()))).unwrap()
}

fn refusal(host: &Host) -> String {
    format!("{:#}", Client::open(&Target::Host(Box::new(host.clone()))).unwrap_err())
}

/// Everything that comes until the end, whichever way that comes.
fn rest(mut stream: impl Read) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        text.extend_from_slice(&buffer[..len]);
    }
    String::from_utf8(text).unwrap()
}

fn what(line: &Json) -> (&str, &str, &str) {
    let texts = [&line["what"], &line["who"]["token"], &line["result"]];
    let [what, token, result] = texts.map(|text| text.as_str().unwrap_or_default());
    (what, token, result)
}

#[test]
fn a_token_lets_in_as_far_as_its_right_goes_and_everything_is_written_down() {
    let remote = Remote::new();
    let mut looks = client(&remote.grant("wall-display", Right::Read));
    let mut operates = client(&remote.grant("maria", Right::Operate));
    assert_eq!((looks.cell(), &looks.hello["right"]), ("control-test", &json!("read")));
    assert_eq!(
        (&operates.hello["right"], &operates.hello["you"]["token"]),
        (&json!("operate"), &json!("maria"))
    );
    assert_eq!(
        remote.rig.client().hello["right"],
        "operate",
        "the socket's own rights are all that counts there"
    );

    operates.call("start", json!({ "why": "from afar" })).unwrap();
    operates.call("force", json!({ "name": "button", "value": true })).unwrap();
    until(&mut looks, "forced", |view| view.forced.contains_key("button"));
    assert_eq!(looks.call("get", json!({ "name": "button" })).unwrap()["value"], true);
    looks.call("subscribe", json!({ "sections": ["tags"], "hz": 50 })).unwrap();
    while looks.patch(Duration::from_secs(5)).unwrap().unwrap_or_default()["tags"]["lamp"]["value"] != true {}
    // Whatever changes something, on the machine or its disk, needs the other right.
    let described = looks.call("describe", json!({})).unwrap();
    assert!(described["tags"].is_array());
    let free = ["hello", "describe", "status", "tags", "get", "params", "subscribe", "unsubscribe"];
    for (method, _) in METHODS.iter().filter(|(method, _)| !free.contains(method)) {
        let params = match *method {
            "unit" => json!({ "command": "start" }),
            "mode" => json!({ "mode": "manual" }),
            "set-param" | "force" => json!({ "name": "level", "value": 1.0 }),
            "unforce" => json!({ "name": "button" }),
            "jog" => json!({ "axis": "ram", "velocity": 1.0, "for_ms": 10 }),
            "override" => json!({ "factor": 1.0 }),
            "shelve" => json!({ "alarm": "hot", "for_s": 1 }),
            "verdict" => json!({ "good": true, "why": "x" }),
            "log-tail" => json!({ "seconds": 1 }),
            _ => json!({}),
        };
        let failure = refused(looks.call(method, params));
        assert_eq!(failure.code, Code::Forbidden, "{method}: {failure}");
        let text = format!("the token `wall-display` has the right `read`, `{method}` needs `operate`");
        assert_eq!(failure.message, text);
    }
    drop((looks, operates));
    let lines = remote.end();
    let all: Vec<_> = lines.iter().map(what).collect();
    for wanted in [
        ("connect", "wall-display", "accepted"),
        ("connect", "maria", "accepted"),
        ("start", "maria", "applied"),
        ("force", "maria", "applied"),
        ("force", "wall-display", "refused"),
        ("disconnect", "maria", "ended"),
    ] {
        assert!(all.contains(&wanted), "{wanted:?}: {all:?}");
    }
    for line in lines.iter().filter(|line| line["who"]["user"].is_null()) {
        assert!(line["who"]["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
    assert!(!all.contains(&("force", "wall-display", "applied")));
}

#[test]
fn who_speaks_no_tls_gets_nothing_but_the_end() {
    let remote = Remote::new();
    for bytes in [
        &b"{\"id\":1,\"method\":\"hello\"}\n"[..],
        b"GET / HTTP/1.1\r\nHost: cell\r\n\r\n",
        b"\n",
        b"\x80\x2e\x01\x00\x02",
        &[0; 5000],
    ] {
        let mut stream = remote.plain();
        let _ = stream.write_all(bytes);
        assert_eq!(rest(&stream), "", "{bytes:?}");
    }
    // What looks like TLS and is none gets an alert at most: seven bytes, the first of them 21.
    let mut stream = remote.plain();
    let _ = stream.write_all(&[[22, 3, 1, 0, 100].as_slice(), &[7; 100]].concat());
    let (mut answer, mut buffer) = (Vec::new(), [0; 100]);
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..len]);
    }
    assert!(answer.len() <= 7 && answer.first().is_none_or(|first| *first == 21), "{answer:?}");
    assert_eq!(client(&remote.grant("maria", Right::Read)).cell(), "control-test");
    let lines = remote.end();
    assert!(lines.iter().any(|line| line["params"]["reason"] == "no TLS"), "{lines:?}");
    assert!(lines.iter().any(|line| line["params"]["reason"] == "handshake failed"), "{lines:?}");
}

#[test]
fn before_the_token_nothing_is_told_but_the_version() {
    let remote = Remote::new();
    let mut at_once = String::new();
    for line in [
        r#"{"id":7,"method":"hello"}"#,
        r#"{"id":7,"method":"status"}"#,
        r#"{"id":7,"method":"authenticate","params":{}}"#,
        r#"{"id":7,"method":"authenticate","params":{"token":"control-test"}}"#,
        r#"{"id":7,"method":"authenticate","params":{"token":["x"],"more":1}}"#,
        "",
        "no JSON",
        &"x".repeat(2000),
    ] {
        let mut guest = remote.guest();
        guest.write_all(format!("{line}\n").as_bytes()).unwrap();
        let _ = guest.flush();
        at_once = rest(guest);
        let answer: Json = serde_json::from_str(&at_once).unwrap();
        let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((members.as_slice(), &answer["protocol"]), (&["error", "id", "protocol"][..], &json!(1)));
        assert_eq!(answer["error"]["code"], "unauthenticated", "{line}");
        assert_eq!(at_once.lines().count(), 1);
        assert!(!at_once.contains("control-test"), "{at_once}");
    }
    // One that goes on is not read further.
    let mut guest = remote.guest();
    guest.write_all(b"{\"id\":1,\"method\":\"hello\"}\n{\"id\":2,\"method\":\"status\"}\n").unwrap();
    assert_eq!(rest(guest).lines().count(), 1);
    assert!(at_once.contains("authenticate"), "{at_once}");
}

#[test]
fn a_token_that_opens_nothing_is_told_why_and_written_down() {
    let remote = Remote::new();
    let stranger = refusal(&remote.stranger());
    assert!(
        stranger.starts_with(&format!("cell (127.0.0.1:{}): the token is not one", remote.port)),
        "{stranger}"
    );
    assert!(stranger.contains("sensai access grant NAME"), "{stranger}");
    let maria = remote.grant("maria", Right::Operate);
    let guest = remote.grant("guest", Right::Read);
    drop((client(&maria), client(&guest)));
    remote.directory.revoke("maria").unwrap();
    assert!(refusal(&maria).contains("the token `maria` was revoked at 2"), "{}", refusal(&maria));
    let path = remote.directory.tokens_path();
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, after) = text.split_once("name = \"guest\"\n").unwrap();
    let text = format!("{before}name = \"guest\"\nexpires = \"2020-01-01T00:00:00.000Z\"\n{after}");
    std::fs::write(&path, &text).unwrap();
    let expired = refusal(&guest);
    assert!(expired.contains("the token `guest` expired at 2020-01-01T00:00:00.000Z"), "{expired}");
    // What cannot be read lets nobody in.
    std::fs::write(&path, "[[token]").unwrap();
    assert!(refusal(&guest).contains("this machine cannot read its list of tokens"), "{}", refusal(&guest));
    std::fs::write(&path, text).unwrap();
    let lines = remote.end();
    let reasons: Vec<_> = lines
        .iter()
        .filter(|line| line["result"] == "refused")
        .map(|line| (line["params"]["reason"].as_str().unwrap(), line["who"]["token"].as_str()))
        .collect();
    for wanted in [("wrong token", None), ("revoked token", Some("maria")), ("expired token", Some("guest"))]
    {
        assert!(reasons.contains(&wanted), "{wanted:?}: {reasons:?}");
    }
}

#[test]
fn revoking_ends_who_is_connected() {
    let remote = Remote::new();
    let mut maria = client(&remote.grant("maria", Right::Operate));
    let mut other = client(&remote.grant("other", Right::Read));
    remote.directory.revoke("maria").unwrap();
    let gone = (0..100_000).find_map(|_| maria.call("status", json!({})).err()).expect("it ends");
    let text = gone.to_string();
    assert!(text.starts_with("the runtime is gone: the token `maria` was revoked at "), "{text}");
    other.call("status", json!({})).unwrap();
    // A list that is gone is one without tokens.
    std::fs::remove_file(remote.directory.tokens_path()).unwrap();
    let gone = (0..100_000).find_map(|_| other.call("status", json!({})).err()).expect("it ends");
    assert!(gone.to_string().contains("the token is not one that this machine knows"), "{gone}");
    let lines = remote.end();
    let ended = lines.iter().find(|line| what(line) == ("disconnect", "maria", "ended")).expect("a line");
    assert!(ended["why"].as_str().unwrap().contains("was revoked"), "{ended}");
}

#[test]
fn another_certificate_is_never_spoken_to() {
    let remote = Remote::new();
    let mut host = remote.grant("maria", Right::Read);
    let expected = Fingerprint::of(b"another one");
    host.trust = Trust::Fingerprint(expected);
    let error = refusal(&host);
    for part in
        [&format!("expected {expected}"), &format!("got      {}", remote.fingerprint), "sensai access show"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    // Somebody who has the certificate, but not its key, cannot even answer: the key signs the handshake.
    let thief = tempfile::tempdir().unwrap();
    let thief = Directory::at(Some(thief.path())).unwrap();
    thief.init(&["localhost".into()], false).unwrap();
    std::fs::copy(remote.directory.certificate_path(), thief.certificate_path()).unwrap();
    assert!(thief.open().is_err());
    // A plain listener is no machine of ours.
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    host.port = plain.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = plain.accept().unwrap();
        stream.write_all(b"220 mail.example ready\r\n").unwrap();
        rest_of_bytes(&mut stream);
    });
    assert!(refusal(&host).contains("speaks no TLS"), "{}", refusal(&host));
    answering.join().unwrap();
    assert!(refusal(&host).contains("nothing listens at cell (127.0.0.1:"), "{}", refusal(&host));
}

fn rest_of_bytes(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
}

#[test]
fn a_plants_own_authority_may_vouch_for_the_machine() {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let folder = tempfile::tempdir().unwrap();
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(&params, &authority_key);
    let own = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();

    let rig = Rig::with(|folder| {
        let directory = Directory::at(Some(&folder.join("access"))).unwrap();
        directory.init(&[], false).unwrap();
        std::fs::write(directory.key_path(), key.serialize_pem()).unwrap();
        std::fs::write(directory.certificate_path(), own.pem()).unwrap();
        Some(open(directory))
    });
    let directory = Directory::at(Some(&rig.folder.path().join("access"))).unwrap();
    let secret = directory.grant("maria", Right::Read, None).unwrap();
    let port = rig.server.as_ref().unwrap().address().unwrap().port();
    let host = |host: &str, ca: &Path| {
        let (host, trust) = (host.to_owned(), Trust::Authority(ca.into()));
        Host { name: "cell".into(), host, port, trust, secret: secret.clone() }
    };
    assert_eq!(client(&host("127.0.0.1", &ca)).cell(), "control-test");
    let error = refusal(&host("localhost", &ca));
    assert!(error.contains("is it made out for `localhost`?"), "{error}");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()).unwrap();
    let error = refusal(&host("127.0.0.1", &other));
    assert!(error.contains("vouches for the certificate"), "{error}");
}

#[test]
fn who_only_sits_there_keeps_nobody_out() {
    let remote = Remote::new();
    let maria = remote.grant("maria", Right::Operate);
    let mut first = client(&maria);
    // Before the handshake, in the middle of it, behind it.
    let mut idle: Vec<TcpStream> = Vec::new();
    let mut secured: Vec<Dialled> = Vec::new();
    for turn in 0..3 * GUESTS_MAX {
        let mut stream = remote.plain();
        if turn % 3 == 1 {
            let _ = stream.write_all(&[22, 3, 1, 2, 0, 1]);
        }
        idle.push(stream);
        if turn % 8 == 0 {
            secured.extend(dial(&remote.stranger()).ok());
        }
        first.call("status", json!({})).unwrap();
    }
    let mut second = client(&maria);
    second.call("status", json!({})).unwrap();
    remote.rig.client().call("start", json!({})).unwrap();
    drop((idle, secured));
    let lines = remote.end();
    let crowded = lines.iter().filter(|line| line["params"]["reason"] == "too many without a token");
    assert!(crowded.count() > 0, "{lines:?}");
}

#[test]
fn whoever_stands_at_the_machine_finds_a_place() {
    let remote = Remote::new();
    let maria = remote.grant("maria", Right::Operate);
    let mut clients: Vec<Client> = (0..REMOTE_MAX).map(|_| client(&maria)).collect();
    let error = refusal(&maria);
    assert!(error.contains("6 clients are connected already; end one of them"), "{error}");
    let local: Vec<Client> = (REMOTE_MAX..CLIENTS_MAX).map(|_| remote.rig.client()).collect();
    assert!(Client::connect(&remote.rig.path()).is_err());
    drop(local);
    clients.pop();
    let again = (0..1_000).find_map(|_| Client::open(&Target::Host(Box::new(maria.clone()))).ok());
    assert!(again.is_some(), "a place that was left is given again");
}

#[test]
fn long_answers_and_many_requests_arrive_whole() {
    let remote = Remote::new();
    let host = remote.grant("maria", Right::Operate);
    let mut stream = dial(&host).unwrap();
    let requests: String = (2..200)
        .map(|id| {
            format!("{{\"id\":{id},\"method\":\"{}\"}}\n", if id % 2 == 0 { "describe" } else { "status" })
        })
        .collect();
    let shown = format!(
        "{{\"id\":1,\"method\":\"authenticate\",\"params\":{{\"token\":\"{}\"}}}}\n",
        host.secret.reveal()
    );
    // The token and what comes behind it in one go; answers are only read when all of it is sent.
    let (sent, mut received) = ((shown + requests.as_str()).into_bytes(), String::new());
    let StreamOwned { conn, sock } = &mut stream;
    push(conn, sock, &sent);
    let mut reader = BufReader::new(stream);
    for id in 1..200 {
        received.clear();
        reader.read_line(&mut received).unwrap();
        let answer: Json = serde_json::from_str(&received).unwrap();
        assert_eq!(answer["id"], id, "{received}");
        assert!(answer.get("result").is_some(), "{received}");
    }
}

/// All of it, while nothing is read: the machine stops reading when it has answers that nobody takes.
fn push(tls: &mut ClientConnection, socket: &mut TcpStream, bytes: &[u8]) {
    tls.set_buffer_limit(None);
    tls.writer().write_all(bytes).unwrap();
    while tls.wants_write() {
        tls.write_tls(socket).unwrap();
    }
}

#[test]
fn whatever_comes_before_the_token_the_machine_goes_on() {
    let remote = Remote::new();
    let local = Mutex::new(remote.rig.client());
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..600),
        Just(b"{\"id\":1,\"method\":\"authenticate\",\"params\":{\"token\":\"sensai_".to_vec()),
        Just(b"\"}}\n".to_vec()),
        Just(b"{\"id\":1,\"method\":\"status\"}\n".to_vec()),
        (0..900_usize).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ];
    let mut runner = TestRunner::new(ProptestConfig::with_cases(40));
    let texts = proptest::collection::vec(piece, 0..6);
    let outcome = runner.run(&texts, |pieces| {
        let bytes = pieces.concat();
        let mut guest = remote.guest();
        let _ = guest.write_all(&bytes);
        let _ = guest.flush();
        let StreamOwned { conn, sock } = &mut guest;
        conn.send_close_notify();
        while conn.wants_write() && conn.write_tls(sock).is_ok() {}
        let text = rest(guest);
        prop_assert!(text.lines().count() <= 1 && !text.contains("\"result\""), "{}", text);
        // The same without TLS around it.
        let mut plain = remote.plain();
        let _ = plain.write_all(&bytes);
        let _ = plain.shutdown(std::net::Shutdown::Write);
        let text = rest(&plain);
        prop_assert!(bytes.first() == Some(&22) || text.is_empty(), "{}", text);
        local.lock().unwrap().call("status", json!({})).unwrap();
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn an_address_that_cannot_be_had_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = gate::listen(address).unwrap_err();
    assert!(matches!(error, ListenError::InUse(_)));
    assert!(error.to_string().contains("another process listens at 127.0.0.1:"), "{error}");
    // Of those that no interface ever has (RFC 5737).
    let error = gate::listen("192.0.2.1:7443".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("this computer has no address 192.0.2.1"), "{error}");
}

/// Time is an argument: nothing here waits for it.
#[test]
fn time_pace_and_number_are_bounded_before_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::at(Some(&folder.path().join("access"))).unwrap();
    directory.init(&["localhost".into()], false).unwrap();
    let mut gate = open(directory);
    let address = gate.address().unwrap();
    let reads = rustix::event::PollFlags::IN;
    let second = 1_000_000_000;
    let mut now = 1_000 * second;
    // More than may come at once: the rest waits in the kernel.
    let knocking: Vec<_> = (0..60).map(|_| TcpStream::connect(address).unwrap()).collect();
    gate.turn(&[reads], now);
    let accepted = |gate: &mut Gate| {
        let refused = gate.last_refused();
        let times = refused.iter().map(|refused| refused.params["times"].as_u64().unwrap());
        times.sum::<u64>()
    };
    assert_eq!(gate.polled(now).count(), 1 + GUESTS_MAX);
    let first = accepted(&mut gate) + GUESTS_MAX as u64;
    assert!((32..=34).contains(&first), "{first}");
    assert!(gate.due_ns(now).is_some_and(|due| due > now && due < now + second), "it listens again soon");
    now += second;
    gate.turn(&[reads], now);
    assert!((15..=17).contains(&accepted(&mut gate)), "some more every second");
    // None of them ever says anything.
    now += gate::SHOWN_NS;
    gate.turn(&[], now);
    assert_eq!(gate.polled(now).count(), 1);
    let late = gate.last_refused();
    assert_eq!(late[0].params, json!({ "reason": "no token in time", "times": GUESTS_MAX }));
    assert!(matches!(&late[0].who, Peer::Remote(remote) if remote.token.is_none()));
    drop(knocking);
}
