//! A shift at the servo press: modes, jog, parameters, a hold, a jidoka stop and its verdict, three tasks at 1, 4 and
//! 20 ms, a model in the cycle and one beside it. All that people and engines did is in the log, and the replay of it is
//! equal, bit for bit.

use rt_tests::{
    Profile,
    cells::Scratch,
    clock::wait_for,
    harness::{Output, RUN_LIMIT, example, exclusive, output_in_background, output_of, sensai_command},
    skip,
    table::Table,
};
use std::{env, fs, path::Path, time::Duration};

const FILES: [&str; 7] = [
    "cell.toml",
    "programs/press.rhai",
    "programs/statistics.rhai",
    "twin/press.rhai",
    "models/stroke.onnx",
    "models/stroke.toml",
    "models/stroke.golden.json",
];

/// A program for the 4 ms task: watches the force, and counts what the model beside found.
const WATCH: &str = r#"
fn init() { #{ mean: MOVING(8), results: 0 } }
fn cycle() {
    this.mean.run(io.force.ram);
    io.watch.force = this.mean.MEAN;
    if ai.second.fresh { this.results += 1; }
    io.watch.results = this.results;
}
"#;

/// The example with a third task; with a second copy of its model beside the cycle, if there is a library for it.
fn cell(scratch: &Scratch, beside: bool) {
    for file in FILES {
        let bytes = fs::read(example("press-cell").join(file)).expect("the example is there");
        scratch.write(&format!("cell/{file}"), bytes);
    }
    let path = scratch.path("cell/cell.toml");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str(
        "\n[tasks.watch]\ninterval = \"4ms\"\npriority = 60\nprograms = [\"programs/watch.rhai\"]\n",
    );
    let watched =
        "[tags]\nwatch.force = { type = \"f64\", unit = \"N\" }\nwatch.results = { type = \"i64\" }\n";
    text = text.replacen("[tags]\n", watched, 1);
    let mut watch = WATCH.to_owned();
    if beside {
        text.push_str(
            "\n[models.second]\nfile = \"models/second.onnx\"\nengine = \"ort\"\ndeadline = \"200ms\"\n\
             trigger = { every = \"250ms\" }\n\
             inputs = [{ window = \"force.ram\", len = 64 }]\n",
        );
        for (from, to) in [("stroke.onnx", "second.onnx"), ("stroke.toml", "second.toml")] {
            fs::copy(
                scratch.path(&format!("cell/models/{from}")),
                scratch.path(&format!("cell/models/{to}")),
            )
            .unwrap();
        }
    } else {
        watch = watch.replace("    if ai.second.fresh { this.results += 1; }\n", "");
    }
    scratch.write("cell/programs/watch.rhai", watch);
    fs::write(path, text).unwrap();
}

fn has_onnxruntime() -> bool {
    env::var_os("SENSAI_ONNXRUNTIME").is_some()
}

fn sensai(words: &[&str]) -> Output {
    output_of(sensai_command(Profile::Release).args(words), RUN_LIMIT)
}

/// A command to the running cell that has to be obeyed.
#[track_caller]
fn ctl(socket: &str, words: &[&str]) -> Output {
    sensai(&[&["ctl", "--socket", socket], words].concat()).expect_code(0)
}

#[track_caller]
fn wait_for_status(socket: &str, part: &str) {
    let look = || {
        let output = sensai(&["ctl", "--socket", socket, "status"]);
        (output.code == Some(0) && output.stdout.contains(part)).then_some(())
    };
    let seen = wait_for(Duration::from_secs(40), look);
    assert!(seen.is_some(), "`{part}` never came: {:?}", sensai(&["ctl", "--socket", socket, "status"]));
}

#[test]
fn operator_shift_replays_equal() {
    shift(false);
}

#[test]
fn operator_shift_with_a_model_beside_replays_equal() {
    if !has_onnxruntime() {
        skip!("SENSAI_ONNXRUNTIME does not say where ONNX Runtime is");
    }
    shift(true);
}

fn shift(beside: bool) {
    let _machine = exclusive();
    let scratch = Scratch::new();
    cell(&scratch, beside);
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (cell, log, socket) =
        (text(&scratch.path("cell")), text(&scratch.path("shift.snlog")), text(&scratch.path("c.sock")));
    let mut command = sensai_command(Profile::Release);
    command.args(["run", &cell, "--quiet", "--log", &log, "--control", &socket, "--cycles", "600000"]);
    let running = output_in_background(&mut command);

    wait_for_status(&socket, "execute");
    ctl(&socket, &["param", "speed", "80", "--why", "softer"]);
    ctl(&socket, &["hold", "--why", "a look at the nest"]);
    wait_for_status(&socket, "held");
    ctl(&socket, &["unhold"]);
    wait_for_status(&socket, "execute");
    ctl(&socket, &["stop"]);
    wait_for_status(&socket, "stopped");
    ctl(&socket, &["mode", "manual"]);
    ctl(&socket, &["jog", "ram", "20", "--for", "300ms"]);
    std::thread::sleep(Duration::from_millis(600));
    ctl(&socket, &["mode", "production"]);
    ctl(&socket, &["reset"]);
    wait_for_status(&socket, "idle");
    ctl(&socket, &["override", "0.8"]);
    ctl(&socket, &["start"]);
    wait_for_status(&socket, "execute");
    // Every part is suspicious now: the third one in a row holds the unit until somebody has judged it.
    ctl(&socket, &["stop"]);
    wait_for_status(&socket, "stopped");
    ctl(&socket, &["param", "depth", "41.0", "--why", "too short a stroke: the curve breaks off"]);
    ctl(&socket, &["reset"]);
    wait_for_status(&socket, "idle");
    ctl(&socket, &["start"]);
    wait_for_status(&socket, "held");
    let early = sensai(&["ctl", "--socket", &socket, "unhold"]);
    assert_eq!(early.code, Some(1), "{early:?}");
    ctl(&socket, &["verdict", "good", "--why", "the stroke was shortened on purpose"]);
    ctl(&socket, &["param", "depth", "43.0"]);
    ctl(&socket, &["unhold"]);
    wait_for_status(&socket, "execute");
    std::thread::sleep(Duration::from_millis(500));
    running.signal("TERM");
    let ended = running.wait(RUN_LIMIT).expect_code(0);

    let replayed = sensai(&["replay", &log]).expect_code(0);
    assert!(replayed.stdout.starts_with("equal: "), "{replayed:?}");
    let middle = sensai(&["replay", &log, "--from", "5000"]).expect_code(0);
    assert!(middle.stdout.starts_with("equal: "), "{middle:?}");
    let inbox = Table::export(Path::new(&log), &[]).column("inbox").concat();
    for kind in ["Parameter", "UnitCommand", "UnitMode", "Jog", "Override", "Verdict", "Shutdown"] {
        assert!(inbox.contains(kind), "no {kind} in the log");
    }
    if beside {
        assert!(inbox.contains("ModelResult") && inbox.contains("ModelOutput"), "nothing came from beside");
        let results = ended.stdout.lines().find_map(|line| line.strip_prefix("io.watch.results = "));
        assert!(results.is_some_and(|count| count.parse::<u64>().is_ok_and(|count| count > 4)), "{ended:?}");
    }
    assert!(ended.stdout.contains("watch"), "the summary shows all three tasks: {ended:?}");
}

/// The same cell in virtual time gives the same hashes whatever the load, with the model beside too.
#[test]
fn operator_absent_virtual_time_gives_the_same_bits() {
    if !has_onnxruntime() {
        skip!("SENSAI_ONNXRUNTIME does not say where ONNX Runtime is");
    }
    let scratch = Scratch::new();
    cell(&scratch, true);
    let run = |name: &str| {
        let log = scratch.path(name);
        let (cell, log_text) = (scratch.path("cell"), log.to_str().expect("UTF-8").to_owned());
        let cell = cell.to_str().expect("UTF-8");
        sensai(&["run", cell, "--virtual", "--quiet", "--cycles", "12000", "--log", &log_text])
            .expect_code(0);
        let table = Table::export(&log, &[]);
        ["force.ram [N]", "ram.position [mm]", "pressing", "inbox"]
            .map(|column| table.column(column).join(" "))
    };
    assert_eq!(run("a.snlog"), run("b.snlog"));
}
