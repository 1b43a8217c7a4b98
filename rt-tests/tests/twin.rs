//! Cells whose machine is a program: run, recorded, replayed; and what happens when that program is wrong.

use rt_tests::{
    cells::{Run, Scratch},
    harness::{Output, Profile, RUN_LIMIT, output_of, sensai, sensai_command},
    namespace::Namespace,
    skip,
};
use std::path::PathBuf;

const CELL: &str = r#"
[cell]
name = "twin-cell"

[tasks.main]
interval = "1ms"
programs = ["programs/main.rhai"]

[devices]
coupler = { type = "EK1100" }
inputs  = { type = "EL1008" }
valves  = { type = "EL2008" }
force   = { type = "EL3104" }

[tags]
ram.up       = { input = "inputs.channel_1" }
ram.down     = { input = "inputs.channel_2" }
nest.present = { input = "inputs.channel_3" }
valve.down   = { output = "valves.channel_1" }
valve.up     = { output = "valves.channel_2" }
nest.eject   = { output = "valves.channel_3" }
force.ram    = { input = "force.channel_1.value", unit = "N", scale = 0.1 }
parts.good   = { type = "i64" }
parts.bad    = { type = "i64" }
peak         = { type = "f64", unit = "N" }

[simulation]
auto_start = true
seed = 11
twin = ["twin/press.rhai"]
parameters = { crack = 0.3 }
"#;

const PROGRAM: &str = r#"
fn init() { #{ step: "load", peak: 0.0, pause: TON() } }

fn cycle() {
    this.pause.run(this.step == "eject", 0.02);
    if io.force.ram > this.peak { this.peak = io.force.ram; }
    switch this.step {
        "load" => if io.nest.present && io.ram.up { this.peak = 0.0; this.step = "down"; },
        "down" => if io.ram.down { this.judge(); this.step = "up"; },
        "up" => if io.ram.up { this.step = "eject"; },
        "eject" => if this.pause.Q { this.step = "load"; }
    }
    io.valve.down = this.step == "down";
    io.valve.up = this.step == "up";
    io.nest.eject = this.step == "eject";
    io.peak = this.peak;
}

fn judge() {
    if this.peak > 1000.0 { io.parts.good += 1; } else { io.parts.bad += 1; }
}
"#;

const TWIN: &str = r#"
fn init() {
    #{
        ram: CYLINDER(50.0, 400.0, 400.0, 3000.0, 0.01),
        part: ELASTIC_PLASTIC(200.0, 1000.0, 20.0, 0.4),
        force: SENSOR(sys.seed, 1, 4.0),
        chance: NOISE(sys.seed, 2),
        feed: TON(),
        present: false,
    }
}

fn cycle() {
    if io.nest.eject { this.present = false; }
    this.feed.run(!this.present && !io.nest.eject, 0.05);
    if this.feed.Q {
        let crack = if this.chance.chance(param.crack) { 2.0 } else { 0.0 };
        this.part.renew(this.chance.gauss(1.0, 0.02), 1.0, crack);
        this.present = true;
    }
    let depth = if this.present { this.ram.POS - 40.0 } else { -1.0 };
    let force = this.part.run(depth);
    this.ram.run(io.valve.down, io.valve.up, force);
    io.ram.up = this.ram.RETRACTED;
    io.ram.down = this.ram.EXTENDED;
    io.nest.present = this.present;
    io.force.ram = this.force.run(force);
}
"#;

/// The cell in a folder of its own.
fn cell(scratch: &Scratch, twin: &str) -> PathBuf {
    scratch.write("cell/cell.toml", CELL);
    scratch.write("cell/programs/main.rhai", PROGRAM);
    scratch.write("cell/twin/press.rhai", twin);
    scratch.path("cell")
}

fn command(scratch: &Scratch, words: &[&str]) -> Output {
    output_of(sensai_command(Profile::Debug).current_dir(scratch.path("")).args(words), RUN_LIMIT)
}

fn run(scratch: &Scratch, options: &[&str]) -> Run {
    let fixed = ["run", "cell", "--virtual", "--cycles", "10000", "--json"];
    Run::from(command(scratch, &[&fixed[..], options].concat()))
}

/// The state hash of every 500th cycle.
fn hashes(scratch: &Scratch, log: &str) -> String {
    let replayed = command(scratch, &["replay", log, "--hashes", "500"]).expect_code(0);
    let lines = replayed.stdout.lines().filter(|line| line.starts_with("hash "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_machine_that_is_a_program_runs_and_its_log_replays_without_it() {
    let scratch = Scratch::new();
    cell(&scratch, TWIN);
    let checked = command(&scratch, &["check", "cell"]).expect_code(0);
    assert!(checked.stdout.contains("no errors, 0 warnings"), "{}", checked.stdout);

    let first = run(&scratch, &["--log", "a.snlog"]);
    first.output.clone().expect_code(0);
    let (good, bad) = (first.memory("parts.good"), first.memory("parts.bad"));
    assert!(good + bad >= 20.0 && good > bad && bad >= 2.0, "{good} good, {bad} bad");
    // Nowhere, and the interpreter has no part in it.
    for place in ["/allocations/rust", "/allocations/c", "/allocations/frees"] {
        assert_eq!(first.number(place), 0, "{place}\n{:#}", first.summary);
    }
    assert_eq!(first.number("/allocations/interpreter"), 0);

    let again = run(&scratch, &["--log", "b.snlog"]);
    assert_eq!((again.memory("parts.good"), again.memory("parts.bad")), (good, bad));
    let other = run(&scratch, &["--log", "c.snlog", "--seed", "12"]);
    other.output.clone().expect_code(0);
    let whole = run(&scratch, &["--sim-param", "crack=0", "--log", "d.snlog"]);
    assert_eq!(whole.memory("parts.bad"), 0.0);

    // The logs hold all they need: the cell is gone.
    std::fs::remove_dir_all(scratch.path("cell")).expect("it was there");
    let a = hashes(&scratch, "a.snlog");
    assert!(a.lines().count() >= 19, "{a}");
    assert_eq!(a, hashes(&scratch, "b.snlog"));
    assert_ne!(a, hashes(&scratch, "c.snlog"));
    assert_ne!(a, hashes(&scratch, "d.snlog"));
    let info = command(&scratch, &["log", "info", "d.snlog"]).expect_code(0);
    assert!(info.stdout.contains("twin/press.rhai"), "{}", info.stdout);
}

#[test]
fn a_twin_that_fails_ends_the_run_and_faults_nobody() {
    let scratch = Scratch::new();
    let broken = TWIN.replace(
        "    io.ram.up = this.ram.RETRACTED;",
        "    let list = [1, 2];\n    if sys.cycle > 3000 { this.present = list[sys.cycle] == 0; }\n    io.ram.up = this.ram.RETRACTED;",
    );
    cell(&scratch, &broken);
    let run = run(&scratch, &["--log", "a.snlog"]);
    let run = Run { output: run.output.expect_code(1), ..run };
    assert_eq!(
        run.text("/twin"),
        "twin/press.rhai:25:47: F303: index 3001 is out of bounds: the array has 2 elements, 0 to 1"
    );
    assert_eq!((run.fault(), run.text("/mode")), (String::new(), "run"));
    assert!(run.number("/cycles") < 4_000, "{:#}", run.summary);
    command(&scratch, &["replay", "a.snlog"]).expect_code(0);

    let told = command(&scratch, &["run", "cell", "--virtual", "--cycles", "10000"]).expect_code(1);
    assert!(
        told.stdout.contains("the twin stopped, and the run with it: twin/press.rhai:25:47: F303"),
        "{}\n{}",
        told.stdout,
        told.stderr
    );
}

#[test]
fn mistakes_in_a_twin_are_found_by_the_check() {
    let scratch = Scratch::new();
    cell(&scratch, &TWIN.replace("io.ram.up = ", "io.valve.up = ").replace("param.crack", "param.crock"));
    let checked = command(&scratch, &["check", "cell"]).expect_code(1);
    let text = checked.stdout + &checked.stderr;
    for part in ["twin/press.rhai:17", "did you mean `crack`?", "the controller drives it", "2 errors"] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    for (option, part) in [
        ("crock=1", "[simulation] has no parameter `crock`; it has crack"),
        ("crack=many", "`many` is no finite number"),
        ("crack", "expected a name, `=` and a number"),
    ] {
        cell(&scratch, TWIN);
        let refused = command(&scratch, &["run", "cell", "--virtual", "--sim-param", option]);
        assert!(refused.code == Some(1) || refused.code == Some(2), "{option}: {:?}", refused.code);
        assert!(refused.stderr.contains(part), "{option}: {}", refused.stderr);
    }
}

#[test]
fn a_simulator_ends_with_its_twin() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let scratch = Scratch::new();
    let broken = TWIN.replace("io.ram.up = ", "if sys.cycle > 200 { fault(\"jammed\"); }\n    io.ram.up = ");
    let directory = cell(&scratch, &broken);
    let mut command = namespace.command(sensai(Profile::Debug));
    command.arg("sim").arg(directory).args(["--interface", Namespace::SEGMENT, "--seconds", "60"]);
    let ended = output_of(&mut command, RUN_LIMIT).expect_code(1);
    assert!(
        ended.stderr.contains("the twin stopped, and the simulation with it: twin/press.rhai:24:"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("jammed"), "{}", ended.stderr);
}
