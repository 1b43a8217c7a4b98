//! What bad input gets: one clear text on standard error, exit code 1 (2 for wrong usage), and nothing lost.
//!
//! The most important texts stand in `tests/texts/`; `SENSAI_UPDATE_TEXTS=1` writes them anew.

use rt_tests::{
    Namespace,
    cells::{PROGRAM, PressCell, Scratch, Simulator},
    harness::{Output, Profile, RUN_LIMIT, example, output_of, sensai_command, tool, workspace},
    skip,
    table::Table,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One screen.
const LINES_MAX: usize = 40;

/// A text on standard error alone, that fits on a screen and names `words`.
#[track_caller]
fn assert_clear(output: &Output, code: i32, words: &[&str]) {
    let Output { stdout, stderr, .. } = output;
    assert_eq!(output.code, Some(code), "--- stdout\n{stdout}\n--- stderr\n{stderr}");
    assert_eq!(stdout, "", "standard output is for results; standard error says\n{stderr}");
    let lines = stderr.lines().count();
    assert!((1..=LINES_MAX).contains(&lines), "{lines} lines:\n{stderr}");
    for word in ["panicked", "backtrace", "RUST_BACKTRACE", "unwrap", "Os {", "Some(", "\x1b["] {
        assert!(!stderr.contains(word), "`{word}` in\n{stderr}");
    }
    for word in words {
        assert!(stderr.contains(word), "no `{word}` in\n{stderr}");
    }
    assert!(
        stderr.lines().all(|line| !line.starts_with("error") || !line.ends_with('.')),
        "full stop in\n{stderr}"
    );
}

/// The text is the one in `tests/texts/<name>.txt`, with `folder` written as `DIR`.
#[track_caller]
fn assert_text(name: &str, output: &Output, folder: &Path) {
    let text = output.stderr.replace(folder.display().to_string().trim_end_matches('/'), "DIR");
    let file = workspace().join("rt-tests/tests/texts").join(format!("{name}.txt"));
    if std::env::var_os("SENSAI_UPDATE_TEXTS").is_some_and(|value| value == "1") {
        fs::create_dir_all(file.parent().expect("it is in a folder")).expect("a folder can be made");
        fs::write(&file, &text).expect("it can be written");
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, expected, "{name}: if it is better now, run again with SENSAI_UPDATE_TEXTS=1");
}

fn sensai(words: &[&str]) -> Output {
    output_of(sensai_command(Profile::Release).args(words), RUN_LIMIT)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// `run` and `check` both refuse this cell with these words.
#[track_caller]
fn assert_cell_refused(name: &str, cell: &PressCell, words: &[&str]) {
    let directory = text(&cell.directory());
    let checked = sensai(&["check", &directory]);
    assert_clear(&checked, 1, words);
    assert_text(name, &checked, &cell.beside(""));
    let log = cell.beside("log.snlog");
    let run = sensai(&["run", &directory, "--virtual", "--cycles", "10", "--log", &text(&log)]);
    assert_clear(&run, 1, words);
    assert!(!log.exists(), "a log was made of a cell that never ran");
}

#[test]
fn bad_input_missing_cell() {
    let scratch = Scratch::new();
    for place in [scratch.path("nowhere"), scratch.path("")] {
        for command in ["check", "run"] {
            let output = sensai(&[command, &text(&place)]);
            assert_clear(&output, 1, &["cell.toml"]);
        }
    }
    let output = sensai(&["check", &text(&scratch.path("nowhere"))]);
    assert_text("missing_cell", &output, &scratch.path(""));
    let file = scratch.write("file", "");
    assert_clear(&sensai(&["run", &text(&file)]), 1, &["cell.toml"]);
    assert_clear(&sensai(&["scan", "sim", "--cell", &text(&scratch.path("nowhere"))]), 1, &["cell.toml"]);
    assert_clear(&sensai(&["sim", &text(&scratch.path("nowhere")), "--interface", "lo"]), 1, &["cell.toml"]);
}

/// Line, column, text and code of what a `^` is under.
fn marks(program: &str) -> Vec<(u64, u64, String, String)> {
    let mut marks = Vec::new();
    let mut marked = ("", 0);
    for (line, number) in program.lines().zip(1..) {
        let Some((_, code)) = line.rsplit_once("^ ") else {
            marked = (line, number);
            continue;
        };
        let column = line.find('^').unwrap_or_default();
        let len = line.matches('^').count();
        let text = marked.0.get(column..column + len).unwrap_or_default().to_owned();
        marks.push((marked.1, column as u64 + 1, text, code.to_owned()));
    }
    marks
}

#[test]
fn bad_input_ten_mistakes_are_ten_findings() {
    let program = include_str!("texts/ten_mistakes.rhai");
    let cell = PressCell::new().with_program(program);
    let directory = text(&cell.directory());
    let shown = sensai(&["check", &directory]);
    assert!(shown.code == Some(1) && shown.stderr.contains("10 errors"), "{shown:?}");
    let checked = sensai(&["check", "--json", &directory]);
    assert_eq!(checked.code, Some(1));
    let findings: Vec<serde_json::Value> = serde_json::from_str(&checked.stdout).expect("it is JSON");
    let found: Vec<_> = findings
        .iter()
        .map(|finding| {
            assert_eq!(finding["path"], PROGRAM, "{finding}");
            let number = |pointer: &str| finding.pointer(pointer).and_then(serde_json::Value::as_u64);
            let [line, column] = ["/line", "/column"].map(|place| number(place).expect("it has a place"));
            let [start, end] =
                ["/span/start", "/span/end"].map(|place| number(place).expect("it has a span") as usize);
            let code = finding["code"].as_str().expect("it has a code");
            (line, column, program[start..end].to_owned(), code.to_owned())
        })
        .collect();
    assert_eq!(found, marks(program));
    assert_eq!(found.len(), 10);
}

#[test]
fn bad_input_cell_that_is_no_text() {
    let cell = PressCell::new();
    fs::write(cell.directory().join("cell.toml"), [0xff, 0xfe, 0, 0x80]).expect("it can be written");
    assert_clear(&sensai(&["check", &text(&cell.directory())]), 1, &["cell.toml", "UTF-8"]);
    fs::write(cell.directory().join("cell.toml"), "").expect("it can be written");
    assert_clear(&sensai(&["check", &text(&cell.directory())]), 1, &["cell.toml", "[cell]"]);
}

#[test]
fn bad_input_tag_without_entry() {
    let cell = PressCell::new().with("cell.toml", "valves.channel_1\"", "valves.channel_9\"");
    assert_cell_refused(
        "tag_without_entry",
        &cell,
        &["C302", "cell.toml:", "channel_9", "valves", "EL2008", "did you mean"],
    );
}

#[test]
fn bad_input_tag_of_another_size() {
    let cell = PressCell::new().with(
        "cell.toml",
        "output = \"valves.channel_1\"",
        "output = \"valves.channel_1\", type = \"f64\"",
    );
    assert_cell_refused(
        "tag_of_another_size",
        &cell,
        &["C304", "cell.toml:", "valves.channel_1", "1 bit", "f64"],
    );
}

#[test]
fn bad_input_several_mistakes_at_once() {
    let cell = PressCell::new()
        .with("cell.toml", "EL1008", "EL1009")
        .with("cell.toml", "interval = \"1ms\"", "interval = \"1 parsec\"")
        .with("cell.toml", "lost_frames_max", "lost_frame_max")
        .with("cell.toml", "start = \"start\"", "start = \"strat\"");
    assert_cell_refused(
        "several_mistakes",
        &cell,
        &["EL1009", "parsec", "lost_frame_max", "lost_frames_max", "strat", "4 errors"],
    );
}

#[test]
fn bad_input_program_with_a_syntax_error() {
    let cell = PressCell::new().with(
        PROGRAM,
        "this.dwell.run(this.step == \"press\"",
        "this.dwell.run((this.step == \"press\"",
    );
    let line = fs::read_to_string(cell.directory().join(PROGRAM)).expect("it is there");
    let line = line.lines().position(|line| line.contains("run((this")).expect("it was put in") + 1;
    assert_cell_refused("syntax_error", &cell, &["S101", &format!("{PROGRAM}:{line}:")]);
}

#[test]
fn bad_input_program_that_is_not_there() {
    let cell = PressCell::new().with("cell.toml", "press.rhai\"]", "pres.rhai\"]");
    assert_cell_refused("program_not_there", &cell, &["C001", "cell.toml:", "programs/pres.rhai"]);
}

#[test]
fn bad_input_program_with_unknown_names() {
    let cell = PressCell::new().with(PROGRAM, "io.clamp =", "io.clmap =").with(
        PROGRAM,
        "param.timeout",
        "param.time_out",
    );
    assert_cell_refused(
        "unknown_names",
        &cell,
        &["S205", "io.clmap", "clamp", "S206", "param.time_out", "2 errors"],
    );
}

#[test]
fn bad_input_plant_that_does_not_fit() {
    let cell = PressCell::new().with("cell.toml", "valve_down = \"valve.down\", ", "");
    let output = sensai(&["run", &text(&cell.directory()), "--virtual", "--cycles", "10"]);
    assert_clear(&output, 1, &["plant", "valve_down"]);
    let cell = PressCell::new().with("cell.toml", "kind = \"pneumatic_press\"", "kind = \"hydraulic_press\"");
    let output = sensai(&["run", &text(&cell.directory()), "--virtual", "--cycles", "10"]);
    assert_clear(&output, 1, &["plant", "hydraulic_press", "pneumatic_press"]);
}

#[test]
fn bad_input_interface_that_is_not_there() {
    let cell = text(&example("pneumatic-press"));
    let none = Scratch::new();
    let run = sensai(&["run", &cell, "--interface", "bus99", "--cycles", "10"]);
    assert_clear(&run, 1, &["bus99"]);
    // Which interfaces there are is another computer's business.
    let (text, interfaces) = run.stderr.split_once("this host has: ").expect("it lists them");
    assert!(interfaces.contains("lo"), "{interfaces}");
    assert_text(
        "interface_not_there",
        &Output { stderr: format!("{text}this host has: …\n"), ..run },
        &none.path(""),
    );
    assert_clear(&sensai(&["sim", &cell, "--interface", "bus99"]), 1, &["bus99"]);
    assert_clear(&sensai(&["scan", "bus99"]), 1, &["bus99"]);
    assert_clear(&sensai(&["scan", "a-name-much-longer-than-the-kernel-takes"]), 1, &["a-name-much"]);
    assert_clear(&sensai(&["scan", ""]), 1, &[]);
}

/// `sensai` as somebody who may not open raw sockets.
fn without_privilege(words: &[&str]) -> Result<Output, String> {
    let mut command = Command::new(tool("setpriv")?);
    // The binary may lie in a folder that only root can enter; so only the privileges go, not the user.
    command.args(["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]);
    let probe =
        output_of(Command::new(command.get_program()).args(command.get_args()).arg("true"), RUN_LIMIT);
    if probe.code != Some(0) {
        return Err(format!("setpriv cannot take privileges away: {}", probe.stderr));
    }
    command.arg(rt_tests::harness::sensai(Profile::Release)).args(words);
    command.current_dir(workspace()).env_remove("RUST_BACKTRACE");
    command.env("XDG_RUNTIME_DIR", rt_tests::harness::place_for_sockets());
    Ok(output_of(&mut command, RUN_LIMIT))
}

#[test]
fn bad_input_interface_without_privilege() {
    let cell = text(&example("pneumatic-press"));
    for words in [
        &["run", &cell, "--interface", "lo", "--cycles", "10"][..],
        &["sim", &cell, "--interface", "lo"],
        &["scan", "lo"],
    ] {
        match without_privilege(words) {
            Ok(output) => assert_clear(&output, 1, &["lo", "CAP_NET_RAW"]),
            Err(why) => skip!("{why}"),
        }
    }
    if let Ok(output) = without_privilege(&["scan", "lo"]) {
        assert_text("interface_without_privilege", &output, Path::new("/no/such/folder"));
    }
}

/// Without a privilege the embedded segment runs all the same, and says what is missing.
#[test]
fn bad_input_no_privilege_at_all() {
    let cell = text(&example("pneumatic-press"));
    let output = match without_privilege(&["run", &cell, "--cycles", "500", "--json"]) {
        Ok(output) => output.expect_code(0),
        Err(why) => skip!("{why}"),
    };
    let summary: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    let missing = summary["missing"].as_array().expect("a list");
    assert!(!missing.is_empty(), "{summary:#}");
    for entry in missing {
        for key in ["what", "why", "help"] {
            assert!(entry[key].as_str().is_some_and(|text| !text.is_empty()), "{entry}");
        }
    }
}

/// `run` of one cell on a segment with the devices of another.
#[track_caller]
fn on_another_segment(namespace: &Namespace, cell: &PressCell, other: &PressCell) -> Output {
    let _simulator = Simulator::start(namespace, &other.directory(), &[]);
    let mut command = namespace.sensai(&["run"]);
    output_of(
        command.arg(cell.directory()).args([
            "--interface",
            Namespace::MAIN,
            "--no-control",
            "--cycles",
            "100",
        ]),
        RUN_LIMIT,
    )
}

/// A cell with these devices, and nothing that uses them.
fn segment_of(types: &[&str]) -> PressCell {
    let cell = PressCell::new().with_program("fn init() { #{ } }\nfn cycle() { }\n");
    let devices: String = types
        .iter()
        .enumerate()
        .map(|(at, kind)| format!("device_{at} = {{ type = \"{kind}\" }}\n"))
        .collect();
    let text = format!(
        "[cell]\nname = \"devices\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"{PROGRAM}\"]\n[devices]\n{devices}"
    );
    fs::write(cell.directory().join("cell.toml"), text).expect("it can be written");
    cell
}

#[test]
fn bad_input_other_devices_on_the_bus() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let press = PressCell::new();
    let types = ["EK1100", "EL1008", "EL2008", "EL3104", "EL5101", "SN7001"];
    let mut other = types;
    other[1] = "EL3104";
    let output = on_another_segment(&namespace, &press, &segment_of(&other));
    assert_clear(&output, 1, &["inputs", "position 1", "EL1008", "0x03f03052", "0x0c203052"]);
    assert_text("another_device", &output, Path::new("/no/such/folder"));

    let output = on_another_segment(&namespace, &press, &segment_of(&types[..5]));
    assert_clear(&output, 1, &["gauge", "position 5", "SN7001"]);
    assert_text("absent_device", &output, Path::new("/no/such/folder"));

    let output = on_another_segment(&namespace, &segment_of(&types[..5]), &press);
    assert_clear(&output, 1, &["position 5"]);
    assert_text("device_too_many", &output, Path::new("/no/such/folder"));

    let mut swapped = types;
    swapped.swap(3, 4);
    let output = on_another_segment(&namespace, &press, &segment_of(&swapped));
    assert_clear(&output, 1, &["force", "EL3104", "position 3"]);
}

#[test]
fn bad_input_nobody_on_the_bus() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let cell = text(&example("pneumatic-press"));
    let run = output_of(
        &mut namespace.sensai(&[
            "run",
            &cell,
            "--interface",
            Namespace::MAIN,
            "--cycles",
            "10",
            "--no-control",
        ]),
        RUN_LIMIT,
    );
    assert_clear(&run, 1, &["no EtherCAT device answered"]);
    assert_text("nobody_on_the_bus", &run, Path::new("/no/such/folder"));
    assert_clear(
        &output_of(&mut namespace.sensai(&["scan", Namespace::MAIN]), RUN_LIMIT),
        1,
        &["no EtherCAT device answered"],
    );
}

#[test]
fn bad_input_sii_images() {
    let scratch = Scratch::new();
    let garbage = scratch.write("garbage.bin", [0x5a; 300]);
    let empty = scratch.write("empty.bin", []);
    let nowhere = scratch.path("nowhere.bin");
    for file in [&garbage, &empty, &nowhere] {
        let name = file.file_name().and_then(|name| name.to_str()).expect("it has a name");
        assert_clear(&sensai(&["scan", "sim", "--sii", &text(file)]), 1, &[name]);
    }
    assert_clear(&sensai(&["scan", "sim"]), 1, &["--sii"]);
}

/// A sound log of a few hundred cycles.
fn good_log(scratch: &Scratch) -> PathBuf {
    let log = scratch.path("good.snlog");
    sensai(&[
        "run",
        &text(&example("pneumatic-press")),
        "--virtual",
        "--cycles",
        "1500",
        "--log",
        &text(&log),
    ])
    .expect_code(0);
    log
}

/// Every command that reads a log, with the words it takes.
fn readers(log: &Path, scratch: &Scratch) -> Vec<Vec<String>> {
    let (log, csv, out) = (text(log), text(&scratch.path("out.csv")), text(&scratch.path("patched.snlog")));
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    vec![
        words(&["log", "info", &log]),
        words(&["log", "verify", &log]),
        words(&["log", "recover", &log]),
        words(&["log", "export", &log, "--csv", &csv]),
        words(&["log", "patch", &log, "--cycle", "100", "--input-bit", "0", "--out", &out]),
        words(&["replay", &log]),
    ]
}

#[test]
fn bad_input_foreign_logs() {
    let scratch = Scratch::new();
    let foreign = [
        ("not there", None),
        ("a text", Some(b"This is no log.\n".repeat(1000))),
        ("a picture", Some([b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 9000]].concat())),
        ("zeros", Some(vec![0; 1 << 20])),
        ("one byte", Some(vec![b's'])),
    ];
    for (name, bytes) in foreign {
        let log = scratch.path(&format!("{}.snlog", name.replace(' ', "_")));
        if let Some(bytes) = &bytes {
            fs::write(&log, bytes).expect("it can be written");
        }
        for words in readers(&log, &scratch) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = sensai(&words);
            println!("{name}: {words:?}\n{}", output.stderr);
            assert_clear(&output, 1, &[&text(&log)]);
            assert_eq!(fs::read(&log).ok(), bytes, "{words:?} changed it");
        }
    }
    let output = sensai(&["replay", &text(&scratch.path("a_text.snlog"))]);
    assert_text("foreign_log", &output, &scratch.path(""));
    // A run leaves it alone too.
    let (cell, log) = (text(&example("pneumatic-press")), text(&scratch.path("a_text.snlog")));
    let run = sensai(&["run", &cell, "--virtual", "--cycles", "10", "--log", &log]);
    assert_clear(&run, 1, &[&log]);
    assert_eq!(fs::read(&log).expect("it is there"), b"This is no log.\n".repeat(1000));
}

#[test]
fn bad_input_log_of_another_cell() {
    let scratch = Scratch::new();
    let log = good_log(&scratch);
    let before = fs::read(&log).expect("it is there");
    let other = PressCell::new().with("cell.toml", "name = \"pneumatic-press\"", "name = \"other-cell\"");
    let run =
        sensai(&["run", &text(&other.directory()), "--virtual", "--cycles", "10", "--log", &text(&log)]);
    assert_clear(&run, 1, &[&text(&log), "pneumatic-press", "other-cell"]);
    assert_eq!(fs::read(&log).expect("it is there"), before, "it was changed");
}

/// Cut anywhere, a log says how far it goes; what is whole is read.
#[test]
fn bad_input_truncated_logs() {
    let scratch = Scratch::new();
    let bytes = fs::read(good_log(&scratch)).expect("it is there");
    for share in [99, 80, 50, 20, 3] {
        let len = bytes.len() * share / 100;
        let mut cut = scratch.write(&format!("cut{share}.snlog"), &bytes[..len]);
        let mut verify = sensai(&["log", "verify", &text(&cut)]);
        if verify.code == Some(0) {
            // By chance the cut was where a block ends, and nothing is torn.
            cut = scratch.write(&format!("cut{share}.snlog"), &bytes[..len - 1]);
            verify = sensai(&["log", "verify", &text(&cut)]);
        }
        assert_eq!(verify.code, Some(1), "{share} %: {}{}", verify.stdout, verify.stderr);
        let shown = format!("{}{}", verify.stdout, verify.stderr);
        assert!(shown.contains("torn") || shown.contains("cut") || shown.contains("end"), "{shown}");
        for words in [["log", "info"], ["log", "recover"]] {
            let output = sensai(&[words[0], words[1], &text(&cut)]);
            assert!(
                !output.stderr.contains("panicked") && output.code.is_some_and(|code| code < 2),
                "{output:?}"
            );
        }
        // What was torn is cut off now: it is a whole log again, and what is in it is true.
        let replay = sensai(&["replay", &text(&cut)]);
        let info = sensai(&["log", "info", &text(&cut)]);
        if info.stdout.contains("no cycles") {
            assert_eq!(replay.code, Some(1), "{share} %: {replay:?}");
        } else if share >= 20 {
            assert_eq!(replay.code, Some(0), "{share} %: {}{}", replay.stdout, replay.stderr);
            assert_eq!(sensai(&["log", "verify", &text(&cut)]).code, Some(0), "{share} %");
        }
    }
    let nothing = scratch.write("nothing.snlog", []);
    assert_clear(&sensai(&["replay", &text(&nothing)]), 1, &["nothing.snlog"]);
}

/// One changed byte is noticed by `verify` and `replay`, wherever it is.
#[test]
fn bad_input_altered_logs() {
    let scratch = Scratch::new();
    let good = good_log(&scratch);
    let whole = Table::export(&good, &["--timings"]);
    let bytes = fs::read(good).expect("it is there");
    let mut missed = Vec::new();
    let steps = 40;
    for step in 0..steps {
        let at = step * (bytes.len() - 1) / (steps - 1);
        let mut altered = bytes.clone();
        altered[at] ^= 0x10;
        let log = scratch.write("altered.snlog", &altered);
        let verify = sensai(&["log", "verify", &text(&log)]);
        let shown = format!("{}{}", verify.stdout, verify.stderr);
        if verify.code != Some(1) {
            missed.push(format!("byte {at}: verify ended with {:?}:\n{shown}", verify.code));
        }
        assert!(!shown.contains("panicked") && shown.lines().count() <= LINES_MAX, "byte {at}: {shown}");
        let replay = sensai(&["replay", &text(&log)]);
        assert!(
            !replay.stderr.contains("panicked") && replay.code.is_some_and(|code| code < 2),
            "byte {at}: {replay:?}"
        );
        // Every record was proven, or replay has to say so. A changed keyframe or end mark changes no record.
        if replay.code == Some(0) && Table::export(&log, &["--timings"]) != whole {
            missed.push(format!("byte {at}: replay calls it proven:\n{}", replay.stdout));
        }
    }
    assert!(missed.is_empty(), "of {} bytes:\n{}", bytes.len(), missed.join("\n"));
    let mut altered = bytes.clone();
    altered[bytes.len() / 2] ^= 0x10;
    let log = scratch.write("altered.snlog", &altered);
    let replay = sensai(&["replay", &text(&log)]);
    assert_eq!(replay.code, Some(1), "{replay:?}");
}

#[test]
fn bad_input_cycles_that_are_not_in_the_log() {
    let scratch = Scratch::new();
    let log = text(&good_log(&scratch));
    assert_clear(&sensai(&["replay", &log, "--from", "999999"]), 1, &["999999", "150"]);
    let out = text(&scratch.path("patched.snlog"));
    assert_clear(
        &sensai(&["log", "patch", &log, "--cycle", "999999", "--input-bit", "0", "--out", &out]),
        1,
        &["999999"],
    );
    assert!(!Path::new(&out).exists(), "a patched log was left behind");
    assert_clear(
        &sensai(&["log", "patch", &log, "--cycle", "100", "--input-bit", "99999", "--out", &out]),
        1,
        &["bit 99999", "312 bits"],
    );
    assert!(!Path::new(&out).exists(), "a patched log was left behind");
}

#[test]
fn bad_input_paths_that_cannot_be_written() {
    let scratch = Scratch::new();
    let cell = text(&example("pneumatic-press"));
    let run = |log: &str| sensai(&["run", &cell, "--virtual", "--cycles", "10", "--log", log]);
    let nowhere = text(&scratch.path("no/such/folder/log.snlog"));
    let output = run(&nowhere);
    assert_clear(&output, 1, &[&nowhere]);
    assert_text("log_in_no_folder", &output, &scratch.path(""));
    assert_clear(&run(&text(&scratch.path(""))), 1, &[&text(&scratch.path(""))]);
    assert_clear(&run("/proc/log.snlog"), 1, &["/proc/log.snlog"]);
    // A device or a pipe is not replaced by a log.
    let pipe = text(&scratch.path("pipe"));
    let made = output_of(Command::new("mkfifo").arg(&pipe), RUN_LIMIT);
    if made.code == Some(0) {
        assert_clear(&run(&pipe), 1, &[&pipe]);
        assert!(!Path::new(&pipe).is_file(), "the pipe is gone");
    }
    let log = text(&good_log(&scratch));
    let csv = text(&scratch.path("no/such/folder/log.csv"));
    assert_clear(&sensai(&["log", "export", &log, "--csv", &csv]), 1, &[&csv]);
    let run = |words: &[&str]| sensai(&[&["run", &cell, "--virtual", "--cycles", "10"], words].concat());
    for option in ["--plot", "--histograms"] {
        let file = text(&scratch.path("no/such/folder/file"));
        let output = run(&[option, &file, "--json"]);
        assert_eq!(output.code, Some(1), "{option}: {output:?}");
        assert!(output.stderr.contains(&file), "{option}: {}", output.stderr);
    }
    assert_clear(&sensai(&["man", "/proc/man"]), 1, &["/proc/man"]);
    assert_clear(&sensai(&["new", "/proc/mycell"]), 1, &["/proc/mycell"]);
    assert_clear(&sensai(&["new", &text(&scratch.path("a name with blanks"))]), 1, &["a name with blanks"]);
}

#[test]
fn bad_input_usage() {
    let cell = text(&example("pneumatic-press"));
    let usages: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["rnu"], "rnu"),
        (&["run", "--no-such-option"], "--no-such-option"),
        (&["run", &cell, "--cycles", "many"], "many"),
        (&["run", &cell, "--cycles", "-1"], "-1"),
        (&["run", &cell, "--virtual", "--interface", "bus0"], "--virtual"),
        (&["run", &cell, "--spin", "maybe"], "maybe"),
        (&["replay"], "<LOG>"),
        (&["log"], "Usage"),
        (&["log", "export", "x.snlog"], "--csv"),
        (&["log", "patch", "x.snlog", "--cycle", "1", "--out", "y"], "--input-bit"),
        (&["sim", &cell], "--interface"),
        (&["completions", "tcsh"], "tcsh"),
        (&["bench"], "Usage"),
    ];
    for (words, word) in usages {
        let output = sensai(words);
        println!("{words:?}");
        assert_clear(&output, 2, &[word]);
    }
    let none = Path::new("/no/such/folder");
    assert_text("usage_unknown_option", &sensai(&["run", "--no-such-option"]), none);
}
