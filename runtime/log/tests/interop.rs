//! A reader that was written from the document alone sees the same log.

mod common;
#[path = "common/simulated.rs"]
mod simulated;

use sensai_log::{LogReader, block::hex};
use sensai_model::record::RecordView;
use serde_json::{Value, json};
use std::process::Command;

fn as_json(view: &RecordView<'_>) -> Value {
    let fault = view.fault().map(|fault| json!([fault.code.id(), fault.source, fault.line, fault.column]));
    let inbox: Vec<Value> = view
        .inbox()
        .map(|e| json!([e.kind.id(), e.source, e.sequence, e.argument[0], e.argument[1], e.argument[2]]))
        .collect();
    json!({
        "cycle": view.cycle(), "time_ns": view.time_ns(), "flags": view.raw_flags(), "valid": view.valid(),
        "state_hash": view.state_hash(),
        "timings": [
            view.wake_latency_ns(), view.start_error_ns(), view.exchange_ns(), view.inbox_ns(),
            view.scripts_ns(), view.stage_ns(), view.record_ns(), view.execution_ns(),
        ],
        "late": view.late(), "stray": view.stray(), "devices": view.devices(), "al_states": view.al_states(),
        "fault": fault, "operations": view.operations(), "inbox": inbox,
        "working_counters": view.working_counters().collect::<Vec<_>>(),
        "inputs": hex(view.inputs()), "outputs": hex(view.outputs()),
    })
}

#[test]
fn python_sees_the_same_records_and_the_same_chain() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rt-tests/interop/read_cycle_log.py");
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: the independent reader (no python3)");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("python.snlog");
    let bytes = simulated::run(simulated::run(Vec::new(), 300, 1), 200, 2);
    std::fs::write(&path, &bytes).unwrap();
    let output = Command::new("python3").arg(script).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());

    let reader = LogReader::open(bytes.clone()).unwrap();
    let report = reader.verify().unwrap();
    let summary = lines.next().unwrap();
    assert_eq!(summary["chain"], report.chain);
    assert_eq!(summary["epochs"], report.epochs);
    assert_eq!(summary["contents"], report.contents);
    assert_eq!(summary["records"], report.records);
    assert_eq!(summary["keyframes"].as_array().unwrap().len() as u64, report.keyframes);
    assert_eq!(summary["tags"], json!(["start", "force.ram", "valve.down", "parts.good"]));
    let mut count = 0;
    for (record, line) in reader.records(0).zip(lines) {
        assert_eq!(line, as_json(&record.unwrap().view()));
        count += 1;
    }
    assert_eq!(count, 500);

    // It is no rubber stamp: it sees a change of any kind.
    for at in [20, 170, 300, 4090, bytes.len() / 2] {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        std::fs::write(&path, bad).unwrap();
        let output = Command::new("python3").arg(script).arg(&path).output().unwrap();
        assert!(!output.status.success(), "a change at {at} was not seen");
    }
}
