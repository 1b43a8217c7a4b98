//! Forces and the state of programs, over the socket.

use super::*;
use crate::control::view::ForcedView;

fn view(client: &mut Client, sections: &[&str]) -> View {
    serde_json::from_value(client.call("status", json!({ "sections": sections })).unwrap()).unwrap()
}

#[test]
fn what_is_forced_is_seen_everywhere_and_replayed() {
    let rig = Rig::new();
    let client = &mut rig.client();
    client.call("start", json!({})).unwrap();
    assert!(view(client, &["forced"]).forced.is_empty());
    let nothing = refused(client.call("unforce", json!({ "name": "lamp" })));
    assert_eq!(nothing.to_string(), "`lamp` is not forced; nothing is forced");
    client.call("unforce-all", json!({})).unwrap();

    let forced =
        client.call("force", json!({ "name": "io.button", "value": true, "why": "no sensor yet" })).unwrap();
    assert_eq!(forced["state"]["forced"], json!({ "button": { "value": true, "unforced": false } }));
    // The program writes the lamp from the button: it sees the force, and its own value goes on under another one.
    client.call("force", json!({ "name": "lamp", "value": false })).unwrap();
    client.call("force", json!({ "name": "level", "value": -3.5 })).unwrap();
    let seen = until(client, "seen by the program", |view| {
        view.forced.get("lamp").is_some_and(|of| of.unforced == Some(json!(true)))
    });
    assert_eq!(seen.forced["level"], ForcedView { value: json!(-3.5), unforced: None });
    let tag = &seen.tags["button"];
    assert_eq!((&tag.value, tag.valid, tag.forced), (&json!(true), true, true));
    assert_eq!((&seen.tags["lamp"].value, seen.tags["lamp"].forced), (&json!(false), true));
    assert_eq!((&seen.tags["level"].value, seen.tags["hot"].forced), (&json!(-3.5), false));
    assert_eq!(client.call("get", json!({ "name": "lamp" })).unwrap()["forced"], true);
    assert!(client.call("get", json!({ "name": "hot" })).unwrap().get("forced").is_none());

    let failure = refused(client.call("unforce", json!({ "name": "hot" })));
    assert_eq!(failure.to_string(), "`hot` is not forced; forced now: button, lamp, level");
    let gone = client.call("unforce", json!({ "name": "lamp" })).unwrap();
    assert_eq!(gone["state"]["forced"].as_object().unwrap().len(), 2);
    until(client, "on", |view| view.tags["lamp"].value == true);
    // A reset leaves forces.
    client.call("stop", json!({})).unwrap();
    client.call("reset", json!({ "restart": "cold" })).unwrap();
    assert_eq!(view(client, &["forced"]).forced.len(), 2);
    client.call("unforce-all", json!({ "why": "done" })).unwrap();
    assert!(view(client, &["forced"]).forced.is_empty());

    let (folder, log, texts) = rig.end();
    assert!(
        texts.iter().any(|text| text.contains("force {") && text.ends_with(": no sensor yet")),
        "{texts:?}"
    );
    let chain = audit::verify(&folder.path().join("a.snlog.audit")).unwrap();
    let reader = LogReader::open(std::fs::read(&log).unwrap()).unwrap();
    let entries: Vec<(u64, InboxEntry)> = reader
        .records(0)
        .flat_map(|record| {
            let record = record.unwrap();
            let cycle = record.view().cycle();
            record.view().inbox().map(|entry| (cycle, entry)).collect::<Vec<_>>()
        })
        .collect();
    let commands = entries.iter().filter(|(_, entry)| entry.source == InboxSource::CONTROL).count();
    assert_eq!(commands as u64, chain.lines, "every entry has its line");
    let forces: Vec<u64> =
        entries.iter().filter(|(_, entry)| entry.kind == InboxKind::Force).map(|(cycle, _)| *cycle).collect();
    let report = replay::replay(&reader, &replay::Options::default(), &mut |_| ()).unwrap();
    assert!(report.is_proof(), "{report}");
    // With the forces in the keyframe that it begins with.
    let options = replay::Options { from: Some(forces[2] + 1), ..replay::Options::default() };
    let part = replay::replay(&reader, &options, &mut |_| ()).unwrap();
    assert!(part.is_proof() && part.last_hash == report.last_hash, "{part}");
}

#[test]
fn what_cannot_be_forced_is_said_with_the_reason() {
    let rig = Rig::new();
    let client = &mut rig.client();
    for (params, code, text) in [
        (
            json!({ "name": "lamb", "value": true }),
            Code::UnknownName,
            "no tag is called `lamb`; did you mean `lamp`?",
        ),
        (json!({ "name": "lamp", "value": 1 }), Code::OutOfRange, "`lamp` is bool, got 1"),
        (json!({ "name": "cycles", "value": 1.5 }), Code::OutOfRange, "`cycles` is i64, got 1.5"),
        (json!({ "name": "level", "value": "much" }), Code::OutOfRange, "`level` is f64 N, got \"much\""),
        (json!({ "name": "share", "value": 1.5 }), Code::OutOfRange, "`share` is f64 in 0.0 to 1.0, got 1.5"),
        (
            json!({ "name": "word", "value": 40000 }),
            Code::OutOfRange,
            "`word` is i64 that fits the 16 bits of the process data, got 40000",
        ),
        (
            json!({ "name": "shares", "value": 0.5 }),
            Code::BadParams,
            "`shares` is an array of 3; name an element, `shares[0]` to `shares[2]`",
        ),
        (
            json!({ "name": "shares[3]", "value": 0.5 }),
            Code::UnknownName,
            "`shares` is an array of 3, with elements 0 to 2, got `shares[3]`",
        ),
        (json!({ "name": "lamp[0]", "value": true }), Code::UnknownName, "`lamp` is no array, got `lamp[0]`"),
        (
            json!({ "name": "run_button", "value": true }),
            Code::Refused,
            "`run_button` is an operator's button, which cannot be forced; use `start`, `stop` and `reset`",
        ),
        (
            json!({ "name": "turned", "value": 1 }),
            Code::Refused,
            "`turned` is bound to the drive of axis ram, which cannot be forced; move the axis with `jog`, in manual mode of its unit",
        ),
        (json!({ "name": "lamp" }), Code::BadParams, "missing field `value`"),
    ] {
        let failure = refused(client.call("force", params.clone()));
        assert_eq!(failure.code, code, "{params}: {failure}");
        assert!(failure.to_string().contains(text), "{params}: {failure}");
    }
    client.call("force", json!({ "name": "shares[1]", "value": 0.5 })).unwrap();
    let tags: View =
        serde_json::from_value(client.call("tags", json!({ "prefix": "shares" })).unwrap()).unwrap();
    assert_eq!((&tags.tags["shares"].value, tags.tags["shares"].forced), (&json!([0.0, 0.5, 0.0]), true));
    assert_eq!(view(client, &["forced"]).forced.keys().collect::<Vec<_>>(), ["shares[1]"]);
    client.call("unforce", json!({ "name": "shares" })).unwrap();
    assert!(view(client, &["forced"]).forced.is_empty());
    // As many as there is room for; the next one is told what to do.
    for element in 0..64 {
        client.call("force", json!({ "name": format!("many[{element}]"), "value": element })).unwrap();
    }
    let failure = refused(client.call("force", json!({ "name": "many[64]", "value": 1 })));
    assert!(failure.to_string().starts_with("64 elements of tags are forced already"), "{failure}");
}

#[test]
fn the_state_of_programs_is_shown_to_who_asks() {
    let rig = Rig::new();
    let client = &mut rig.client();
    assert!(view(client, &["runtime", "tags"]).programs.is_empty());
    assert!(client.call("status", json!({})).unwrap().get("programs").is_none(), "only if it is asked for");
    client.call("start", json!({})).unwrap();
    client.call("set-param", json!({ "name": "suspect", "value": true })).unwrap();
    let seen = view(client, &["programs"]);
    let program = &seen.programs["main"];
    assert_eq!((program.path.as_str(), program.cut), ("programs/main.rhai", false));
    assert_eq!(program.sha256, sensai_log::block::hex(&<sha2::Sha256 as sha2::Digest>::digest(PROGRAM)));
    assert_eq!(program.state["suspected"], true);
    assert_eq!(program.state["ram"]["axis"], "ram");
    assert_eq!(program.state["wait"]["PT"], 0.5);
    assert_eq!(program.state["list"], json!([1, 2, 3]));
    assert_eq!(program.state["step"], "idle");
    assert_eq!(program.state["retain"], json!({ "good": 0 }));

    // A subscriber is told what changes.
    client.call("subscribe", json!({ "sections": ["programs"], "hz": 50 })).unwrap();
    let mut known = json!({});
    while known["programs"]["main"]["state"]["suspected"] != true {
        patch::apply(&mut known, &client.patch(Duration::from_secs(5)).unwrap().expect("a patch in time"));
    }
    rig.client().call("set-param", json!({ "name": "suspect", "value": false })).unwrap();
    let mut last = json!({});
    while known["programs"]["main"]["state"]["suspected"] != false {
        last = client.patch(Duration::from_secs(5)).unwrap().expect("a patch in time");
        patch::apply(&mut known, &last);
    }
    assert!(last["programs"]["main"].get("sha256").is_none(), "only what changed: {last}");
    // Commands in every cycle do not make the states come and go.
    let other = &mut rig.client();
    for turn in 0..50 {
        other.call("set-param", json!({ "name": "level", "value": f64::from(turn % 10) })).unwrap();
        let told = client.patch(Duration::from_secs(5)).unwrap().unwrap_or_default();
        assert!(!told["programs"].is_null() || told.get("programs").is_none(), "{told}");
        patch::apply(&mut known, &told);
        assert_eq!(known["programs"]["main"]["state"]["step"], "idle");
    }
}

#[test]
fn the_end_of_the_log_is_a_log() {
    let rig = Rig::new();
    let client = &mut rig.client();
    let none = refused(client.call("log-tail", json!({ "seconds": 1 })));
    assert_eq!(none.to_string(), "this run is not recorded; start it with `sensai run --log LOG`");
    assert_eq!(refused(client.call("log-tail", json!({ "seconds": 4000 }))).code, Code::OutOfRange);
    let path = rig.options.log.clone().unwrap().display().to_string();
    *rig.log.lock().unwrap() = Some((path.clone(), Default::default()));
    client.call("start", json!({})).unwrap();
    client.call("force", json!({ "name": "lamp", "value": true })).unwrap();
    until(client, "two seconds", |view| view.cycle > 4_000);
    let cut = client.call_within("log-tail", json!({ "seconds": 0.5 }), Duration::from_secs(60)).unwrap();
    assert_eq!(cut["path"], format!("{path}.tail.snlog"));
    let bytes = std::fs::read(cut["path"].as_str().unwrap()).unwrap();
    assert_eq!(cut["bytes"].as_u64(), Some(bytes.len() as u64));
    let part = LogReader::open(bytes).unwrap();
    assert!(part.verify().unwrap().is_good());
    let (first, last) = part.info().unwrap().cycles.unwrap();
    assert_eq!((cut["first"].as_u64(), cut["last"].as_u64()), (Some(first), Some(last)));
    assert!(last - first >= 499, "{cut}");
    let report = replay::replay(&part, &replay::Options::default(), &mut |_| ()).unwrap();
    assert!(report.difference.is_none(), "{report}");
    // Again, into the same file.
    let again = client.call_within("log-tail", json!({ "seconds": 0.5 }), Duration::from_secs(60)).unwrap();
    assert!(again["path"] == cut["path"] && again["last"].as_u64() >= Some(last));
    rig.end();
}
