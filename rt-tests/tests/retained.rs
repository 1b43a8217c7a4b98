//! What outlives a restart: after `kill -9` at any moment it is the old or the new, never a mixture, never older than what
//! was seen before; after an orderly end it is the last cycle's.

use rt_tests::{
    Profile,
    harness::{RUN_LIMIT, Running, count, exclusive, output_of, sensai_command},
    seeded::Random,
};
use serde_json::Value;
use std::{fs, path::Path, process::Stdio, time::Duration};

const CELL: &str = r#"
[cell]
name = "counter"
[tasks.main]
interval = "1ms"
programs = ["programs/count.rhai"]
[devices]
coupler = { type = "EK1100" }
lamps = { type = "EL2008" }
[tags]
lamp = { output = "lamps.channel_1" }
count = { type = "i64" }
[parameters]
step = { default = 1, range = [1, 100] }
[retain]
interval = "100ms"
[simulation]
auto_start = true
"#;

/// Every value follows from the first one: a mixture of two cycles cannot pass for one of them.
const PROGRAM: &str = r#"
fn init() {
    #{ even: TON(), retain: #{ count: 0, thrice: 0, half: 0.0, parity: "even", last: array(5, 0), timer: TON() } }
}
fn cycle() {
    this.retain.count += param.step;
    this.retain.thrice = this.retain.count * 3;
    this.retain.half = this.retain.count / 2.0;
    this.retain.parity = if this.retain.count % 2 == 0 { "even" } else { "odd" };
    for i in 0..5 { this.retain.last[i] = this.retain.count + i; }
    this.retain.timer.run(true, 1000.0);
    io.count = this.retain.count;
}
"#;

struct Cell(tempfile::TempDir);

impl Cell {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(directory.path().join("programs")).unwrap();
        fs::write(directory.path().join("cell.toml"), CELL).unwrap();
        fs::write(directory.path().join("programs/count.rhai"), PROGRAM).unwrap();
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self) -> std::process::Command {
        let mut command = sensai_command(Profile::Release);
        command.args(["run", "--quiet"]).arg(self.path()).arg("--retain").arg(self.path().join("kept"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Number of the newest copy and its count; `None` before there is any. Checks that all of it is of one cycle.
    #[track_caller]
    fn kept(&self) -> Option<(u64, i64)> {
        let mut command = sensai_command(Profile::Release);
        command.arg("retained").arg(self.path().join("kept")).arg("--json");
        let output = output_of(&mut command, RUN_LIMIT);
        if output.code != Some(0) {
            return None;
        }
        let json: Value = serde_json::from_str(&output.stdout).expect("JSON");
        let of = |path: &str| {
            let kept = &json["retained"]["programs"]["count"][path]["value"];
            kept.as_str().unwrap_or_else(|| panic!("no {path} in {json}")).to_owned()
        };
        let count: i64 = of("retain.count").parse().expect("a number");
        assert_eq!(of("retain.thrice"), (count * 3).to_string(), "{json}");
        assert_eq!(of("retain.half").parse(), Ok(count as f64 / 2.0), "{json}");
        assert_eq!(of("retain.parity"), if count % 2 == 0 { "even" } else { "odd" }, "{json}");
        for i in 0..5_i64 {
            let expected = if count == 0 { 0 } else { count + i };
            assert_eq!(of(&format!("retain.last[{i}]")), expected.to_string(), "{json}");
        }
        Some((json["sequence"].as_u64().expect("a number"), count))
    }
}

#[test]
fn retained_data_under_kills_is_old_or_new() {
    let _machine = exclusive();
    let cell = Cell::new();
    let mut random = Random::printed("retained");
    let (mut last, mut grown) = (None, 0);
    for kill in 0..count(12, 1_000) {
        let running = Running::start(&mut cell.run());
        std::thread::sleep(Duration::from_micros(random.within(0..900_000)));
        running.signal("KILL");
        drop(running);
        let kept = cell.kept();
        assert!(kept >= last, "kill {kill}: {kept:?} after {last:?}");
        grown += u32::from(kept > last);
        last = kept;
    }
    assert!(grown > 0, "nothing was ever written: the test shows nothing");
    println!("{last:?} after the last kill; new data after {grown} of them");
}

#[test]
fn retained_data_after_an_orderly_end_is_the_last_cycle_s() {
    let cell = Cell::new();
    let run = |cycles: u64, more: &[&str]| {
        let mut command = cell.run();
        command.args(["--cycles", &cycles.to_string(), "--json"]).args(more).stdout(Stdio::piped());
        let output = output_of(&mut command, RUN_LIMIT);
        assert!(output.code == Some(0), "{output:?}");
        cell.kept().expect("something was kept").1
    };
    // The last cycles, of the shutdown, do not run the program any more.
    let first = run(150, &["--virtual"]);
    assert!((140..=150).contains(&first), "{first}");
    assert_eq!(run(150, &["--virtual"]), 2 * first, "a warm start goes on");
    assert_eq!(run(150, &["--virtual", "--restart", "cold"]), first, "a cold start lets go of it");
    assert_eq!(run(150, &["--virtual", "--restart", "origin"]), first);
}

#[test]
fn retained_data_is_in_the_log_so_that_the_replay_begins_with_it() {
    let cell = Cell::new();
    let log = cell.path().join("a.snlog");
    for _ in 0..2 {
        let mut command = cell.run();
        command.args(["--cycles", "200", "--virtual", "--log"]).arg(&log);
        assert!(output_of(&mut command, RUN_LIMIT).code == Some(0));
    }
    let output = output_of(sensai_command(Profile::Release).arg("replay").arg(&log), RUN_LIMIT);
    assert!(output.code == Some(0), "{output:?}");
    assert!(output.stdout.contains("equal"), "{output:?}");
}

#[test]
fn retained_data_with_one_damaged_copy_is_the_other_one() {
    let cell = Cell::new();
    for _ in 0..2 {
        let mut command = cell.run();
        command.args(["--cycles", "300", "--virtual"]);
        assert!(output_of(&mut command, RUN_LIMIT).code == Some(0));
    }
    let (sequence, count) = cell.kept().expect("something was kept");
    let newest = ["retained.a", "retained.b"].map(|name| cell.path().join("kept").join(name));
    let number = |path: &Path| fs::read(path).map(|bytes| bytes.get(16).copied()).ok().flatten();
    let newest = newest.iter().max_by_key(|path| number(path)).expect("two");
    let mut bytes = fs::read(newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(newest, bytes).unwrap();
    let (older, fewer) = cell.kept().expect("the other copy");
    assert!(older == sequence - 1 && fewer <= count, "{older} of {sequence}, {fewer} of {count}");
    let mut command = cell.run();
    command.args(["--cycles", "100", "--virtual"]).stderr(Stdio::piped());
    let output = output_of(&mut command, RUN_LIMIT);
    assert!(output.stderr.contains("one copy of the retained data was not whole"), "{output:?}");
}
