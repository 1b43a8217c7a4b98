//! The servo press with everything that it has, at real pace and under the guard: its model calls a part bad, the unit is
//! held, the cycles around the event are kept. Nothing of that shows on the cyclic thread, and what is kept replays.

use rt_tests::{
    cells::{Run, Scratch},
    harness::{count, example, exclusive, run_sensai},
};
use std::{fs, path::Path};

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).expect("it is there")).expect("it is JSON")
}

#[test]
fn evidence_of_a_part_that_the_model_calls_bad() {
    let _machine = exclusive();
    let scratch = Scratch::new();
    for file in [
        "programs/press.rhai",
        "programs/statistics.rhai",
        "twin/press.rhai",
        "models/stroke.onnx",
        "models/stroke.toml",
        "models/stroke.golden.json",
    ] {
        let bytes = fs::read(example("press-cell").join(file)).expect("the example is there");
        scratch.write(&format!("press-cell/{file}"), bytes);
    }
    let text = fs::read_to_string(example("press-cell").join("cell.toml")).expect("the example is there");
    // Every part is suspicious.
    let strict = "count = 1\nlimit = 0.0\nbefore = \"300ms\"\nafter = \"200ms\"\n";
    assert!(text.contains("count = 3\n"));
    scratch.write("press-cell/cell.toml", text.replace("count = 3\n", strict));
    let log = scratch.path("a.snlog");
    let cycles = count(4_000, 30_000).to_string();
    let log_text = log.display().to_string();
    let options = ["--cycles", &cycles, "--guard", "--log", &log_text];
    let run = Run::embedded(&scratch.path("press-cell"), &options);
    assert_eq!(run.output.code, Some(0), "{}", run.output.stderr);
    assert_eq!((run.text("/mode"), &run.summary["guarded"]), ("run", &true.into()));
    run.assert_quiet();

    // One event: the unit is held before it makes another part, and nobody is there to judge.
    let directory = scratch.path("a.snlog.jidoka");
    let names: Vec<_> = fs::read_dir(&directory).expect("events were kept").flatten().collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let path =
        names.iter().map(fs::DirEntry::path).find(|path| path.extension().is_some_and(|end| end == "json"));
    let document = json(&path.expect("the small file"));
    let number =
        |pointer: &str| document.pointer(pointer).and_then(serde_json::Value::as_u64).expect("a number");
    let cycle = number("/cycle");
    assert_eq!((document["rule"].as_str(), document.get("verdict")), (Some("stroke"), None));
    assert_eq!(document["model"]["path"], "models/stroke.onnx");
    assert!(document["model"]["score"].as_f64().is_some_and(|score| score > 0.0), "{document:#}");
    let (first, last) = (number("/log/first"), number("/log/last"));
    assert_eq!(last, cycle + 200);
    // It begins behind the keyframe before the range; there is one a second, and it takes some cycles to be written.
    assert!(first > 1 && (300..=1_600).contains(&(cycle - first)), "from {first} for an event in {cycle}");
    assert!(
        run.output.stderr.contains(&format!("cycles {first} to {last} are kept as")),
        "{}",
        run.output.stderr
    );

    let kept = directory.join(document["log"]["file"].as_str().expect("a name")).display().to_string();
    let verified = run_sensai(["log", "verify", &kept]).expect_code(0);
    assert!(
        verified.stdout.contains(&format!("cycles {first} to {last} without a gap")),
        "{}",
        verified.stdout
    );
    for log in [&kept, &log_text] {
        run_sensai(["replay", log]).expect_code(0);
    }
    let replayed = run_sensai(["replay", &kept]).expect_code(0);
    assert!(replayed.stdout.contains(&format!("equal: cycles {first} to {last}")), "{}", replayed.stdout);
    // A doctored one does not.
    let doctored = scratch.path("doctored.snlog").display().to_string();
    let middle = (cycle - 10).to_string();
    run_sensai(["log", "patch", &kept, "--cycle", &middle, "--output-bit", "3", "-o", &doctored])
        .expect_code(0);
    let found = run_sensai(["replay", &doctored]).expect_code(1);
    assert!(found.stdout.contains(&format!("different: cycle {middle}")), "{}", found.stdout);
}
