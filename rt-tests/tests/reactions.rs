//! The table in `docs/reactions.md`: every row names tests that exist. And the tests of rows that have none elsewhere, on
//! the servo press as it is delivered, with faults ordered by `--sim-fault`.

use rt_tests::{
    Profile,
    cells::{Run, Scratch},
    clock::wait_for,
    harness::{
        RUN_LIMIT, example, exclusive, output_in_background, output_of, run_sensai, sensai_command, workspace,
    },
    named_tests,
    ring::Ring,
    table::Table,
};
use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

/// Cells of a row: id, cause, detection, reaction, told, way out, tests.
const CELLS: usize = 7;

fn rows() -> Vec<Vec<String>> {
    named_tests::rows("docs/reactions.md", "| R")
}

#[test]
fn every_row_of_the_reaction_table_has_its_tests() {
    let rows = rows();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    let mut mistakes = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let id = format!("R{:02}", number + 1);
        if row.len() != CELLS || row.iter().any(String::is_empty) || row[0] != id {
            mistakes.push(format!("{id}: {} cells, expected {CELLS} filled ones: {row:?}", row.len()));
            continue;
        }
        if named_tests::tests_of(&row[CELLS - 1]).is_empty() {
            mistakes.push(format!("{id}: names no test"));
        }
        let missing = named_tests::mistakes_of(&row[CELLS - 1]);
        mistakes.extend(missing.into_iter().map(|mistake| format!("{id}: {mistake}")));
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// A fault, or an error of an axis, that the table leaves out is a hole in it.
#[test]
fn every_fault_and_axis_error_has_its_row() {
    let rows = rows();
    let told: String = rows.iter().map(|row| format!("{} {}; ", row[1], row[4])).collect();
    let model = fs::read_to_string(workspace().join("runtime/model/src/fault.rs")).expect("it is there");
    let ids = model
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = ")?.1.parse::<u16>().ok());
    let ids: BTreeSet<u16> = ids.filter(|id| (101..=999).contains(id)).collect();
    assert!(ids.len() >= 20, "{ids:?}");
    // F104 is the start-up that fails, which ends the run with its own text; F399 is what has no number of its own.
    for id in ids.into_iter().filter(|id| ![104, 399].contains(id)) {
        let in_range = (301..=306).contains(&id) && told.contains("F301 to F306");
        assert!(in_range || told.contains(&format!("F{id}")), "F{id} has no row");
    }
    for number in 1..=19 {
        let named = told.contains(&format!("error {number}")) || told.contains(&format!("({number})"));
        assert!(named || number == 6 && told.contains("error 6"), "axis error {number} has no row");
    }
}

/// A copy of the example.
struct Press(Scratch);

impl Press {
    #[track_caller]
    fn new() -> Self {
        let press = Self(Scratch::new());
        for file in [
            "cell.toml",
            "programs/press.rhai",
            "programs/statistics.rhai",
            "twin/press.rhai",
            "models/stroke.onnx",
            "models/stroke.toml",
            "models/stroke.golden.json",
        ] {
            let bytes = fs::read(example("press-cell").join(file)).expect("the example is there");
            press.0.write(&format!("press-cell/{file}"), bytes);
        }
        // A disk that others keep busy must not cost records: they are to be replayed.
        press.with("sync_interval = \"100ms\"", "sync_interval = \"100ms\"\nring = \"20s\"")
    }

    fn directory(&self) -> PathBuf {
        self.0.path("press-cell")
    }

    #[track_caller]
    fn with(self, from: &str, to: &str) -> Self {
        let path = self.directory().join("cell.toml");
        let text = fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "`{from}` does not stand in cell.toml");
        fs::write(path, text.replacen(from, to, 1)).expect("the copy can be written");
        self
    }

    /// In virtual time, with its log.
    #[track_caller]
    fn run(&self, cycles: u64, options: &[&str]) -> (Run, Recorded) {
        let log = self.0.path("log.snlog");
        let mut command = sensai_command(Profile::Release);
        command.arg("run").arg(self.directory()).args(["--virtual", "--quiet", "--json", "--log"]).arg(&log);
        let run = Run::of(command.args(["--cycles", &cycles.to_string()]).args(options));
        let table = Table::export(&log, &[]);
        let mut replay = sensai_command(Profile::Release);
        output_of(replay.arg("replay").arg(&log), RUN_LIMIT).expect_code(0);
        (run, Recorded(table))
    }
}

struct Recorded(Table);

impl Recorded {
    fn positions(&self) -> Vec<f64> {
        self.0.column("ram.position [mm]").into_iter().map(|text| text.parse().expect("a number")).collect()
    }

    /// The first row with this fault.
    #[track_caller]
    fn fault(&self, id: &str) -> usize {
        let texts = self.0.column("fault");
        texts.iter().position(|text| text.contains(id)).unwrap_or_else(|| panic!("no {id} in the log"))
    }

    /// Outputs are at their fault values from `row` on, and the ram, as far as it is seen, is at rest soon.
    #[track_caller]
    fn assert_stopped(&self, row: usize) {
        for name in ["feeder.run", "feeder.push", "nest.eject", "nest.reject", "lamp.green", "pressing"] {
            assert!(self.0.column(name)[row..].iter().all(|text| *text == "false"), "{name}");
        }
        let positions = self.positions();
        let late = &positions[(row + 150).min(positions.len() - 1)..];
        assert!(late.len() > 500, "the log ends too early to tell");
        let (low, high) =
            late.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        assert!(high - low < 0.001, "the ram is not at rest: {low} to {high} mm");
    }
}

/// When the ram of the example is in its fast move down of the third stroke.
#[track_caller]
fn in_a_move() -> String {
    static MOMENT: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let ms = MOMENT.get_or_init(|| {
        let (_, plain) = Press::new().run(8_000, &[]);
        let positions = plain.positions();
        let mut passes =
            (1..positions.len()).filter(|row| positions[row - 1] < 20.0 && positions[*row] >= 20.0);
        passes.nth(2).expect("there are three strokes")
    });
    format!("{ms}ms")
}

#[track_caller]
fn assert_fault(run: &Run, id: &str, place: &str) {
    assert_eq!(run.output.code, Some(1), "{}\n{}", run.output.stdout, run.output.stderr);
    assert_eq!(
        (run.text("/mode"), run.fault().as_str()),
        ("fault", &*format!("{id}{place}")),
        "{:#}",
        run.summary
    );
}

/// The example, with `fault` in the middle of its third move down.
#[track_caller]
fn struck(fault: &str) -> (Run, Recorded) {
    Press::new().run(8_000, &["--sim-fault", &format!("{} {fault}", in_a_move())])
}

/// F501 at the ram, with this error of the axis.
#[track_caller]
fn assert_axis_error(run: &Run, recorded: &Recorded, errors: &[u64], text: &str) {
    assert_fault(run, "F501", " at axis ram");
    assert_eq!(run.text("/axes/0/name"), "ram", "{:#}", run.summary);
    assert!(errors.contains(&run.number("/axes/0/error")), "{:#}", run.summary["axes"]);
    assert!(run.text("/axes/0/text").contains(text), "{:#}", run.summary["axes"]);
    recorded.assert_stopped(recorded.fault("F501"));
}

#[test]
fn a_short_loss_of_frames_stops_nothing() {
    let (run, recorded) = struck("wire loss 100% for 2ms");
    assert_eq!((run.output.code, run.fault().as_str()), (Some(0), ""), "{}", run.output.stderr);
    assert_eq!(run.number("/exchange/lost"), 2);
    assert!(recorded.0.column("fault").iter().all(|text| text.is_empty()));
    assert_eq!(recorded.0.column("force.ram.valid").iter().filter(|text| **text == "0").count(), 2);
    // The stroke goes on as if nothing had been.
    let positions = recorded.positions();
    assert!(positions[positions.len() - 2_000..].iter().any(|position| *position > 40.0));
}

#[test]
fn a_wire_that_loses_everything_faults() {
    let (run, recorded) = struck("wire loss 100% for 60s");
    assert_fault(&run, "F101", "");
    let row = recorded.fault("F101");
    let flags = recorded.0.column("flags");
    let lost = flags.iter().position(|flags| flags.contains("EXCHANGE_LOST")).expect("it is in the log");
    assert_eq!(row - lost, 2, "lost_frames_max is 3");
    recorded.assert_stopped(row);
}

#[test]
fn a_device_with_outputs_that_is_lost_faults() {
    for fault in ["outputs lost", "outputs cut"] {
        let (run, recorded) = struck(fault);
        assert_fault(&run, "F103", " at sync unit main");
        recorded.assert_stopped(recorded.fault("F103"));
        let troubles = run.summary["troubles"].to_string();
        assert!(troubles.contains("outputs"), "{fault}: {troubles}");
    }
}

#[test]
fn a_drive_that_trips_stops_by_its_own_reaction() {
    let (run, recorded) = struck("servo trip 0x7500");
    assert_axis_error(&run, &recorded, &[2], "0x7500");
}

#[test]
fn an_encoder_that_jumps_is_a_following_error() {
    // 2 mm; by the runtime's window or by the drive's own, whichever is narrower.
    let (run, recorded) = struck("servo encoder 200000");
    assert_axis_error(&run, &recorded, &[1, 2], "");
    let text = run.text("/axes/0/text");
    assert!(text.contains("following error") || text.contains("0x8611"), "{text}");
}

#[test]
fn a_limit_switch_stops_the_motion_into_it() {
    let (run, recorded) = struck("servo switches positive");
    assert_axis_error(&run, &recorded, &[2, 5], "");
    let text = run.text("/axes/0/text");
    assert!(text.contains("limit switch") || text.contains("0x8612"), "{text}");
    // The other one is behind the ram, and stops nothing on its way down.
    let row = recorded.fault("F501");
    let (_, other) = struck("servo switches negative");
    assert!(other.fault("F501") > row + 50);
}

#[test]
fn sto_in_a_move_is_told() {
    let (run, recorded) = struck("servo sto on");
    assert_axis_error(&run, &recorded, &[2, 6], "");
}

#[test]
fn mains_that_goes_is_told() {
    let (run, recorded) = struck("servo mains off");
    assert_axis_error(&run, &recorded, &[2, 6], "");
}

/// An alarm that comes with the third stroke.
#[track_caller]
fn alarmed(reaction: &str) -> (Run, Recorded) {
    let press = Press::new()
        .with("when = \"parts.bad > 1000000\"", "when = \"stroke.number > 2\"")
        .with("reaction = \"hold\"", &format!("reaction = \"{reaction}\""));
    press.run(12_000, &["--seed", "3"])
}

#[test]
fn an_alarm_stops_its_unit_as_its_reaction_says() {
    for (reaction, held) in [("hold", true), ("stop", false), ("abort", false)] {
        let (run, recorded) = alarmed(reaction);
        assert_eq!(
            (run.output.code, run.fault().as_str()),
            (Some(0), ""),
            "{reaction}: {}",
            run.output.stderr
        );
        assert_eq!(run.memory("stroke.number"), 3.0, "{reaction}");
        let rows = recorded.0.rows.len();
        let at = |name: &str| recorded.0.column(name)[rows - 1_000] == "true";
        assert_eq!((at("lamp.red"), at("lamp.green"), at("feeder.run")), (held, false, false), "{reaction}");
        // The unit's programs have brought the ram up.
        let position = recorded.positions()[rows - 1_000];
        assert!((position - 10.0).abs() < 0.05, "{reaction}: {position} mm");
    }
}

#[test]
fn an_alarm_whose_reaction_is_a_fault_faults() {
    let press = Press::new()
        .with("when = \"parts.bad > 1000000\"", "when = \"stroke.number > 2\"")
        .with("reaction = \"hold\"\nunit = \"press\"", "reaction = \"fault\"");
    let (run, recorded) = press.run(12_000, &["--seed", "3"]);
    assert_fault(&run, "F400", " at alarm red_bin");
    recorded.assert_stopped(recorded.fault("F400"));
}

/// `sensai run` of the example at real pace.
fn at_real_pace(press: &Press, options: &[&str]) -> rt_tests::harness::Background {
    let mut command = sensai_command(Profile::Release);
    command.arg("run").arg(press.directory()).args(["--quiet"]).args(options);
    output_in_background(&mut command)
}

#[track_caller]
fn wait_until_it_runs(running: &rt_tests::harness::Background) {
    let runs = || Ring::peek(running.id()).filter(|record| record.cycle() > 300).map(|_| ());
    assert!(wait_for(Duration::from_secs(20), runs).is_some(), "it does not run");
}

#[test]
fn a_second_start_is_refused_and_disturbs_nothing() {
    let _machine = exclusive();
    let press = Press::new();
    let (log, socket) =
        (press.0.path("a.snlog").display().to_string(), press.0.path("a.sock").display().to_string());
    let first = at_real_pace(&press, &["--log", &log, "--control", &socket]);
    wait_until_it_runs(&first);
    let other = press.0.path("b.snlog").display().to_string();
    for (options, reason) in [
        (["--log", &log, "--no-control", "--quiet"], "is in use by another runtime"),
        (["--log", &other, "--control", &socket], "another runtime (process"),
    ] {
        let mut command = sensai_command(Profile::Release);
        command.arg("run").arg(press.directory()).args(options);
        let second = output_of(&mut command, RUN_LIMIT).expect_code(1);
        assert!(second.stderr.contains(reason), "{}", second.stderr);
    }
    first.signal("TERM");
    first.wait(RUN_LIMIT).expect_code(0);
    run_sensai(["log", "verify", &log]).expect_code(0);
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let _machine = exclusive();
    let press = Press::new();
    let log = press.0.path("a.snlog").display().to_string();
    let first = at_real_pace(&press, &["--log", &log, "--no-control"]);
    wait_until_it_runs(&first);
    first.signal("TERM");
    first.signal("TERM");
    // Where the first signal was quicker than the second, the run has ended in an orderly way.
    let output = first.wait(RUN_LIMIT);
    if output.code == Some(0) {
        println!("the shutdown was done before the second signal came");
        return;
    }
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    let again = run_sensai([
        "run",
        &press.directory().display().to_string(),
        "--virtual",
        "--cycles",
        "300",
        "--log",
        &log,
    ]);
    assert!(again.stderr.contains("did not end in an orderly way"), "{}", again.stderr);
}

#[test]
fn a_terminal_that_is_closed_ends_a_run_in_an_orderly_way() {
    let _machine = exclusive();
    let press = Press::new();
    let log = press.0.path("a.snlog").display().to_string();
    let run = at_real_pace(&press, &["--log", &log, "--no-control"]);
    wait_until_it_runs(&run);
    // A shell and the kernel may both say it.
    run.signal("HUP");
    run.signal("HUP");
    let output = run.wait(RUN_LIMIT);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let verified = run_sensai(["log", "verify", &log]);
    assert!(verified.stdout.contains("1 orderly ends"), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn retained_data_without_a_whole_copy_starts_anew_and_is_told() {
    let press = Press::new();
    let kept = press.0.path("kept").display().to_string();
    let cell = press.directory().display().to_string();
    let run = || {
        run_sensai(["run", &cell, "--virtual", "--quiet", "--cycles", "3000", "--retain", &kept])
            .expect_code(0)
    };
    run();
    run();
    for name in ["retained.a", "retained.b"] {
        let path = press.0.path("kept").join(name);
        let mut bytes = fs::read(&path).expect("the copy is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).expect("it can be written");
    }
    let output = run();
    assert!(output.stderr.contains("no copy of the retained data is whole: everything retained starts anew"));
    assert!(!run().stderr.contains("whole"), "both copies are whole again");
}

#[test]
fn retained_data_that_has_no_place_keeps_the_run_from_beginning() {
    let press = Press::new();
    // Also root cannot make a directory in a file.
    let file = press.0.write("file", "");
    let cell = press.directory().display().to_string();
    let kept = file.join("kept").display().to_string();
    let output = run_sensai(["run", &cell, "--virtual", "--cycles", "10", "--retain", &kept]).expect_code(1);
    assert!(output.stderr.contains(&format!("cannot make {kept}")), "{}", output.stderr);
}
