//! `sensai new`: an example under another name.

use crate::cli::{New, Template};
use anyhow::Context;
use std::{fs, process::ExitCode};

/// A template's files: path inside the cell, bytes.
type Files = &'static [(&'static str, &'static [u8])];

macro_rules! files {
    ($example:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../examples/", $example, "/", $path)).as_slice())),*]
    };
}

const PNEUMATIC: Files = files!("pneumatic-press": "cell.toml", "programs/press.rhai", "tests/press.rhai");
const SERVO: Files = files!("press-cell":
    "cell.toml",
    "programs/press.rhai",
    "programs/statistics.rhai",
    "tests/press.rhai",
    "tests/statistics.rhai",
    "twin/press.rhai",
    "models/stroke.onnx",
    "models/stroke.toml",
    "models/stroke.golden.json",
    "train/train.py",
);

impl Template {
    /// Its files, the example's own name, what it is.
    const fn parts(self) -> (Files, &'static str, &'static str) {
        match self {
            Self::PneumaticPress => (PNEUMATIC, "pneumatic-press", "a pneumatic press"),
            Self::PressCell => (SERVO, "press-cell", "a servo press with its twin and its model"),
        }
    }
}

/// Make the directory; refuse one that holds anything already.
pub fn run(arguments: &New) -> anyhow::Result<ExitCode> {
    let directory = &arguments.directory;
    let name = directory
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)))
        .with_context(|| {
            format!(
                "`{}` does not end in a cell name: expected letters, digits, `-` and `_`",
                directory.display()
            )
        })?;
    let occupied = fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some());
    anyhow::ensure!(!occupied, "{} exists and is not empty; choose a new directory", directory.display());
    let (files, own_name, what) = arguments.from.parts();
    for (path, bytes) in files {
        let file = directory.join(path);
        let parent = file.parent().unwrap_or(directory);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let renamed = match std::str::from_utf8(bytes) {
            Ok(text) if *path == "cell.toml" => own(text, own_name, name).into_bytes(),
            _ => bytes.to_vec(),
        };
        fs::write(&file, renamed).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let shown = directory.display();
    println!("made the cell {name} in {shown}: {what}, to be changed\n");
    println!("next:  sensai check {shown}\n       sensai test {shown}\n       sensai run {shown}");
    println!("and in another terminal, while it runs:  sensai top {shown}");
    Ok(ExitCode::SUCCESS)
}

/// The example's `cell.toml` as that of a cell of its own: with its name, and running until somebody stops it.
fn own(text: &str, example: &str, name: &str) -> String {
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("stop_after"));
    lines.collect::<String>().replace(&format!("name = \"{example}\""), &format!("name = \"{name}\""))
}
