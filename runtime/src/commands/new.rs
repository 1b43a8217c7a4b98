//! `sensai new`: the press example under another name.

use crate::cli::New;
use anyhow::Context;
use std::{fs, process::ExitCode};

/// The template's files: path inside the cell, text.
const TEMPLATE: [(&str, &str); 2] = [
    ("cell.toml", include_str!("../../../examples/pneumatic-press/cell.toml")),
    ("programs/press.rhai", include_str!("../../../examples/pneumatic-press/programs/press.rhai")),
];

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
    for (path, text) in TEMPLATE {
        let file = directory.join(path);
        let parent = file.parent().unwrap_or(directory);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let text = text.replace("name = \"pneumatic-press\"", &format!("name = \"{name}\""));
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let shown = directory.display();
    println!("made the cell {name} in {shown}: a pneumatic press, to be changed\n");
    println!("next:  sensai check {shown}\n       sensai run {shown}");
    Ok(ExitCode::SUCCESS)
}
