//! Time travel over what the binary recorded, and the debug adapter as an editor starts it.

#[path = "../../ide-lsp/tests/common/dap_client.rs"]
mod dap_client;

use dap_client::Client;
use rt_tests::{
    cells::Scratch,
    clock::wait_for,
    harness::{Profile, RUN_LIMIT, count, example, output_in_background, output_of, sensai_command},
    seeded::Random,
};
use sensai::debug::{SharedProbe, Travel, Watching};
use sensai_log::LogReader;
use serde_json::json;
use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
};

/// Record an example; what goes wrong in it leads to faults.
fn record(scratch: &Scratch, cell: &str, cycles: u64, faults: &[&str]) -> PathBuf {
    let log = scratch.path("a.snlog");
    let mut command = sensai_command(Profile::Debug);
    command.arg("run").arg(example(cell)).args([
        "--virtual",
        "--quiet",
        "--cycles",
        &cycles.to_string(),
        "--log",
    ]);
    command.arg(&log).args(faults.iter().flat_map(|fault| ["--sim-fault", fault]));
    let output = output_of(&mut command, RUN_LIMIT);
    assert!(matches!(output.code, Some(0 | 1)), "{}\n{}", output.stdout, output.stderr);
    log
}

/// So many back, the same forward again: the state hash is the recorded one at both ends.
#[track_caller]
fn back_and_forth(log: &Path, seed: u64, ways: u64) {
    let log = LogReader::open_file(log).expect("a log");
    let records = log.records(0).map(|record| record.expect("a good record"));
    let hashes: BTreeMap<u64, u64> =
        records.map(|record| (record.view().cycle(), record.view().state_hash())).collect();
    let cycles: Vec<u64> = hashes.keys().copied().collect();
    let probe = SharedProbe::default();
    let shop = Watching(Arc::clone(&probe));
    let mut travel = Travel::new(&log, &shop).expect("a log that can be replayed");
    let mut random = Random::new(seed);
    let mut at = cycles.len() - 1;
    travel.go_to(cycles[at]).expect("the last cycle");
    for _ in 0..ways {
        let k = random.within(0..at as u64 + 1) as usize;
        travel.go_to(cycles[at - k]).expect("a recorded cycle");
        assert_eq!(travel.hash(), Some(hashes[&cycles[at - k]]), "{k} back from cycle {}", cycles[at]);
        travel.go_to(cycles[at]).expect("a recorded cycle");
        assert_eq!(travel.hash(), Some(hashes[&cycles[at]]), "{k} back and forth from cycle {}", cycles[at]);
        at = random.within(0..cycles.len() as u64) as usize;
        travel.go_to(cycles[at]).expect("a recorded cycle");
    }
}

#[test]
fn back_and_forth_over_keyframes_and_faults() {
    let scratch = Scratch::new();
    let log = record(&scratch, "press-cell", 6000, &["2s wire loss 60% for 200ms", "4s servo lost"]);
    back_and_forth(&log, 1, count(100, 1000));
}

/// The adapter, as an editor starts it.
struct Adapter {
    child: Child,
    client: Client<ChildStdin, ChildStdout>,
}

impl Deref for Adapter {
    type Target = Client<ChildStdin, ChildStdout>;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}

impl DerefMut for Adapter {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.client
    }
}

impl Adapter {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sensai starts");
        let client = Client::new(child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, client }
    }

    fn leave(mut self) {
        self.ask("disconnect", json!({}));
        self.client.close();
        assert!(self.child.wait().expect("the adapter ends").success());
    }
}

/// The program of the pneumatic press, and the line of its `cycle`.
fn cycle_of_press() -> (PathBuf, usize) {
    let program = std::fs::read_dir(example("pneumatic-press").join("programs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "rhai"))
        .expect("the example has a program");
    let text = std::fs::read_to_string(&program).unwrap();
    let line = 1 + text.lines().position(|line| line.starts_with("fn cycle()")).expect("it has a cycle");
    (program, line)
}

#[test]
fn a_recorded_press_is_debugged() {
    let scratch = Scratch::new();
    let log = record(&scratch, "pneumatic-press", 4000, &[]);
    let mut command = sensai_command(Profile::Debug);
    command.arg("replay").arg(&log).arg("--debug").arg("--cell").arg(example("pneumatic-press"));
    let mut adapter = Adapter::start(&mut command);
    adapter.ask("initialize", json!({}));
    adapter.ask("launch", json!({}));
    adapter.event("initialized");
    let (program, line) = cycle_of_press();
    let placed = adapter.ask(
        "setBreakpoints",
        json!({"source": {"path": program}, "breakpoints": [{"line": line, "condition": "sys.cycle == 777"}]}),
    );
    assert_eq!(placed["breakpoints"][0]["verified"], true, "{placed}");
    adapter.ask("configurationDone", json!({}));
    adapter.event("stopped");
    adapter.ask("continue", json!({"threadId": 1}));
    assert_eq!(adapter.event("stopped")["reason"], "breakpoint");
    let cycle = adapter.ask("evaluate", json!({"expression": "sys.cycle", "frameId": 1}));
    assert_eq!(cycle["result"], "777");
    let frames = adapter.ask("stackTrace", json!({"threadId": 1}));
    let path = frames["stackFrames"][0]["source"]["path"].as_str().expect("it is on disk").to_owned();
    assert_eq!(Path::new(&path).canonicalize().unwrap(), program.canonicalize().unwrap());
    adapter.ask("stepBack", json!({"threadId": 1}));
    adapter.event("stopped");
    let cycle = adapter.ask("evaluate", json!({"expression": "sys.cycle", "frameId": 1}));
    assert_eq!(cycle["result"], "776");
    adapter.leave();
}

/// Attached to while it runs: it is said why there is no halt, and logpoints are what there is.
#[test]
fn a_running_machine_is_followed() {
    let scratch = Scratch::new();
    let log = scratch.path("a.snlog");
    let mut run = sensai_command(Profile::Debug);
    run.arg("run")
        .arg(example("pneumatic-press"))
        .args(["--virtual", "--quiet", "--cycles", "300000", "--log"])
        .arg(&log);
    let machine = output_in_background(&mut run);
    let recorded = || LogReader::open_file(&log).ok().filter(|log| log.last_cycle() > 0);
    assert!(wait_for(RUN_LIMIT, recorded).is_some(), "the machine records");

    let mut adapter = Adapter::start(sensai_command(Profile::Debug).arg("debug-adapter"));
    adapter.ask("initialize", json!({}));
    let refused = adapter.request("attach", json!({}));
    assert_eq!(refused["success"], false);
    let why = refused["message"].as_str().unwrap();
    assert!(why.contains("never halted") && why.contains("`log`"), "{refused}");
    adapter.ask("attach", json!({"log": log, "cell": example("pneumatic-press")}));
    adapter.event("initialized");
    assert!(adapter.event("output")["output"].as_str().unwrap().contains("never halted"));
    let (program, line) = cycle_of_press();
    let said = json!({"line": line, "condition": "sys.cycle % 100 == 0", "logMessage": "at {sys.cycle}"});
    let placed = adapter
        .ask("setBreakpoints", json!({"source": {"path": program}, "breakpoints": [{"line": line}, said]}));
    assert_eq!(placed["breakpoints"][0]["verified"], false, "{placed}");
    assert_eq!(placed["breakpoints"][1]["verified"], true, "{placed}");
    adapter.ask("configurationDone", json!({}));
    let mut before = 0;
    for _ in 0..3 {
        let told = adapter.event("output")["output"].as_str().unwrap().to_owned();
        let cycle = told.trim().rsplit(' ').next().and_then(|word| word.parse::<u64>().ok());
        let cycle = cycle.unwrap_or_else(|| panic!("{told}"));
        assert_eq!(told.trim(), format!("cycle {cycle}: at {cycle}"));
        assert!(
            cycle.is_multiple_of(100) && (before == 0 || cycle == before + 100),
            "{cycle} after {before}"
        );
        before = cycle;
    }
    let refused = adapter.request("pause", json!({"threadId": 1}));
    assert!(refused["message"].as_str().unwrap().contains("never halted"), "{refused}");
    adapter.leave();
    machine.signal("INT");
    machine.wait(RUN_LIMIT).expect_code(0);
}

#[test]
fn a_simulation_is_debugged() {
    let mut command = sensai_command(Profile::Debug);
    command.arg("run").arg(example("pneumatic-press")).args(["--debug", "--cycles", "500"]);
    let mut adapter = Adapter::start(&mut command);
    adapter.ask("initialize", json!({}));
    adapter.ask("launch", json!({}));
    adapter.ask("configurationDone", json!({}));
    adapter.event("stopped");
    adapter.ask("goToCycle", json!({"cycle": 400}));
    let stopped = adapter.event("stopped");
    assert!(stopped["description"].as_str().unwrap().contains("cycle 400"), "{stopped}");
    adapter.leave();
}
