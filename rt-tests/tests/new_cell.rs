//! From nothing to a replayed log, as the README says it, and what the command line says about itself.

use rt_tests::{
    cells::{Run, Scratch},
    harness::{Output, Profile, RUN_LIMIT, output_of, run_sensai, sensai_command},
    table::Table,
};
use serde_json::Value;
use std::fs;

#[test]
fn new_cell_runs_and_replays() {
    let scratch = Scratch::new();
    // Relative paths, as people type them.
    let sensai = |words: &[&str]| -> Output {
        let mut command = sensai_command(Profile::Release);
        output_of(command.current_dir(scratch.path("")).args(words), RUN_LIMIT)
    };
    let made = sensai(&["new", "mycell"]).expect_code(0);
    assert!(made.stdout.contains("sensai check mycell"), "{}", made.stdout);
    let checked = sensai(&["check", "mycell"]).expect_code(0);
    assert!(checked.stdout.starts_with("mycell:"), "{}", checked.stdout);
    assert!(checked.stdout.contains("no errors, 0 warnings"), "{}", checked.stdout);
    let config = fs::read_to_string(scratch.path("mycell/cell.toml")).expect("it was written");
    assert!(config.contains("name = \"mycell\"") && !config.contains("stop_after"), "{config}");

    let run = Run::from(
        sensai(&["run", "mycell", "--virtual", "--cycles", "2000", "--log", "press.snlog", "--json"])
            .expect_code(0),
    );
    assert_eq!((run.text("/cell"), run.text("/mode")), ("mycell", "run"));
    // The cycles of the shutdown come on top.
    let cycles = run.number("/cycles");
    assert!((2000..2010).contains(&cycles), "{cycles}");

    sensai(&["replay", "press.snlog"]).expect_code(0);
    sensai(&["replay", "press.snlog", "--from", "1500"]).expect_code(0);
    let info: Value =
        serde_json::from_str(&sensai(&["log", "info", "press.snlog", "--json"]).expect_code(0).stdout)
            .expect("JSON");
    assert!(info.to_string().contains("mycell"), "{info:#}");
    assert!(sensai(&["log", "info", "press.snlog"]).expect_code(0).stdout.contains("mycell"));
    sensai(&["log", "verify", "press.snlog"]).expect_code(0);
    sensai(&["log", "export", "press.snlog", "--csv", "press.csv"]).expect_code(0);
    let table = Table::parse(&fs::read_to_string(scratch.path("press.csv")).expect("it was written"));
    assert_eq!(table.rows.len() as u64, cycles);
    for tag in ["start", "ram.up", "ram.up.valid", "force.ram [N]", "valve.down", "flags", "fault"] {
        assert!(table.columns.iter().any(|column| column == tag), "no column {tag} in {:?}", table.columns);
    }
    let part =
        sensai(&["log", "export", "press.snlog", "--csv", "-", "--from", "10", "--to", "12"]).expect_code(0);
    assert_eq!(Table::parse(&part.stdout).numbers("cycle"), [10, 11, 12]);

    // A directory with something in it is left alone.
    let again = sensai(&["new", "mycell"]).expect_code(1);
    assert!(again.stderr.contains("mycell") && again.stderr.contains("not empty"), "{}", again.stderr);
}

#[test]
fn new_cell_with_an_axis_and_a_model_runs_and_replays() {
    let scratch = Scratch::new();
    let sensai = |words: &[&str]| -> Output {
        let mut command = sensai_command(Profile::Release);
        output_of(command.current_dir(scratch.path("")).args(words), RUN_LIMIT).expect_code(0)
    };
    sensai(&["new", "servo", "--from", "press-cell"]);
    let checked = sensai(&["check", "servo"]);
    assert!(checked.stdout.contains("no errors, 0 warnings"), "{}", checked.stdout);
    sensai(&["run", "servo", "--virtual", "--cycles", "5000", "--log", "servo.snlog"]);
    sensai(&["replay", "servo.snlog"]);
    let table = Table::export(&scratch.path("servo.snlog"), &[]);
    let positions = table.column("ram.position [mm]");
    let deepest = positions.iter().map(|text| text.parse().expect("a number")).fold(0.0, f64::max);
    assert!(deepest > 42.9, "the ram came to {deepest} mm only");
}

#[test]
fn new_cell_log_goes_on_where_it_ended() {
    let scratch = Scratch::new();
    let sensai = |words: &[&str]| {
        let mut command = sensai_command(Profile::Release);
        output_of(command.current_dir(scratch.path("")).args(words), RUN_LIMIT).expect_code(0)
    };
    sensai(&["new", "mycell"]);
    let run = ["run", "mycell", "--virtual", "--cycles", "500", "--log", "press.snlog"];
    sensai(&run);
    let first = Table::export(&scratch.path("press.snlog"), &[]).numbers("cycle");
    sensai(&run);
    let both = Table::export(&scratch.path("press.snlog"), &[]).numbers("cycle");
    assert_eq!(both[..first.len()], first);
    assert_eq!(both.len(), 2 * first.len());
    assert!(both.windows(2).all(|pair| pair[0] < pair[1]), "cycle numbers go back");
    sensai(&["log", "verify", "press.snlog"]);
    sensai(&["replay", "press.snlog"]);
}

#[test]
fn new_cell_completions_and_man_pages() {
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef sensai"), ("fish", "complete -c sensai")]
    {
        let script = run_sensai(["completions", shell]).expect_code(0).stdout;
        assert!(script.contains(word) && script.contains("replay"), "{shell}:\n{script}");
    }
    let scratch = Scratch::new();
    let folder = scratch.path("man");
    output_of(sensai_command(Profile::Release).arg("man").arg(&folder), RUN_LIMIT).expect_code(0);
    for command in
        ["sensai", "sensai-new", "sensai-run", "sensai-replay", "sensai-log-export", "sensai-bench-jitter"]
    {
        let page = fs::read_to_string(folder.join(format!("{command}.1"))).unwrap_or_default();
        assert!(page.contains(".TH ") && page.contains(".SH SYNOPSIS"), "{command}: {page:?}");
    }
}

#[test]
fn new_cell_help_and_version() {
    let help = run_sensai(["--help"]).expect_code(0).stdout;
    for command in ["new", "check", "run", "sim", "scan", "replay", "log", "doctor", "bench"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "no {command} in\n{help}");
    }
    let version = run_sensai(["--version"]).expect_code(0).stdout;
    assert!(version.starts_with("sensai 0."), "{version}");
}
