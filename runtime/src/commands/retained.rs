//! `sensai retained`: what the next start begins with.

use crate::{
    cli::Retained,
    retained::{self, Kept},
};
use anyhow::Context;
use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

/// Print the newest whole copy; exit code 1 if there is none.
pub fn run(arguments: &Retained) -> anyhow::Result<ExitCode> {
    let Some((number, kept)) = newest(&arguments.directory)? else {
        eprintln!(
            "no retained data in {}; `sensai run CELL --retain {0}` keeps it there",
            arguments.directory.display()
        );
        return Ok(ExitCode::FAILURE);
    };
    if arguments.json {
        super::say(&format!("{}\n", serde_json::json!({ "sequence": number, "retained": kept })));
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("cell {}, written {number} times\n", kept.cell);
    list(&mut text, "param", &kept.parameters);
    for (program, values) in &kept.programs {
        list(&mut text, program, values);
    }
    super::say(&text);
    Ok(ExitCode::SUCCESS)
}

/// What a directory holds; none, and a word about it, if it holds nothing.
pub(super) fn read(directory: &Path) -> anyhow::Result<Option<retained::Retained>> {
    let newest = newest(directory)?;
    if newest.is_none() {
        eprintln!("no retained data in {}", directory.display());
    }
    Ok(newest.map(|(_, kept)| kept))
}

/// The newest whole copy, and how often it was written.
fn newest(directory: &Path) -> anyhow::Result<Option<(u64, retained::Retained)>> {
    let mut copies = Vec::new();
    for path in retained::paths(directory) {
        copies.push(match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        });
    }
    let [b, a] = [copies.pop().unwrap_or_default(), copies.pop().unwrap_or_default()];
    let (_, found) = retained::Copies::open([a, b])?;
    if found.damaged > 0 {
        let whole = if found.payload.is_some() { "the other one is shown" } else { "there is no other" };
        eprintln!("one copy in {} is not whole; {whole}", directory.display());
    }
    let Some(payload) = found.payload else { return Ok(None) };
    let kept = retained::Retained::parse(&payload).map_err(anyhow::Error::msg)?;
    Ok(Some((found.sequence, kept)))
}

fn list(text: &mut String, of: &str, values: &BTreeMap<String, Kept>) {
    for (name, kept) in values {
        text.push_str(&format!("{of}.{name} = {} ({})\n", kept.value, kept.kind));
    }
}
