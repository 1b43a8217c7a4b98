//! `sensai run --perf-map`.

use rt_tests::{
    Profile,
    harness::{RUN_LIMIT, example, output_in_background, sensai_command},
};
use std::{fs, path::PathBuf};

/// One stretch of code: its bytes, and what they are called.
struct Stretch {
    start: u64,
    end: u64,
    name: String,
}

fn stretch(line: &str) -> Stretch {
    let mut parts = line.splitn(3, ' ');
    let mut number = || u64::from_str_radix(parts.next().expect("a number"), 16).expect("it is hexadecimal");
    let (start, len) = (number(), number());
    Stretch { start, end: start + len, name: parts.next().expect("a name").to_owned() }
}

/// What the map of a short run holds. `extra`: more arguments.
fn map(extra: &[&str]) -> Option<String> {
    let mut command = sensai_command(Profile::Release);
    command.arg("run").arg(example("pneumatic-press")).args(["--virtual", "--cycles", "200"]).args(extra);
    let running = output_in_background(&mut command);
    let path = PathBuf::from(format!("/tmp/perf-{}.map", running.id()));
    running.wait(RUN_LIMIT).expect_code(0);
    let text = fs::read_to_string(&path).ok();
    let _ = fs::remove_file(path);
    text
}

#[test]
fn perf_finds_functions_of_programs_and_their_lines() {
    let text = map(&["--perf-map"]).expect("there is a map");
    let mut stretches: Vec<Stretch> = text.lines().map(stretch).collect();
    stretches.sort_by_key(|stretch| stretch.start);
    for pair in stretches.windows(2) {
        // A program that was compiled twice may lie where the first one was.
        assert!(pair[0].end <= pair[1].start || pair[0].start == pair[1].start, "{}", pair[1].name);
    }
    let program =
        fs::read_to_string(example("pneumatic-press").join("programs/press.rhai")).expect("it is there");
    let begins =
        |line: usize, text: &str| program.lines().nth(line - 1).is_some_and(|line| line.contains(text));
    let mut lines: Vec<usize> = Vec::new();
    for Stretch { start, end, name } in &stretches {
        assert!(start < end, "{name} has no code");
        if let Some(place) = name.strip_prefix("press::cycle programs/press.rhai:") {
            lines.push(place.parse().expect("a line"));
        }
    }
    assert!(lines.len() > 5, "{text}");
    assert!(lines.iter().any(|line| begins(*line, "io.valve.down = ")), "{lines:?}");
}

#[test]
fn without_the_option_nothing_is_written() {
    assert_eq!(map(&[]), None);
}
