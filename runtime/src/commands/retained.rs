//! `sensai retained`: what the next start begins with.

use crate::{
    cli::Retained,
    retained::{self, Kept},
};
use anyhow::Context;
use std::{collections::BTreeMap, fs, process::ExitCode};

/// Print the newest whole copy; exit code 1 if there is none.
pub fn run(arguments: &Retained) -> anyhow::Result<ExitCode> {
    let mut copies = Vec::new();
    for path in retained::paths(&arguments.directory) {
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
        eprintln!("one copy in {} is not whole; {whole}", arguments.directory.display());
    }
    let Some(payload) = found.payload else {
        eprintln!(
            "no retained data in {}; `sensai run CELL --retain {0}` keeps it there",
            arguments.directory.display()
        );
        return Ok(ExitCode::FAILURE);
    };
    let kept = retained::Retained::parse(&payload).map_err(anyhow::Error::msg)?;
    if arguments.json {
        let number = found.sequence;
        super::say(&format!("{}\n", serde_json::json!({ "sequence": number, "retained": kept })));
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("cell {}, written {} times\n", kept.cell, found.sequence);
    list(&mut text, "param", &kept.parameters);
    for (program, values) in &kept.programs {
        list(&mut text, program, values);
    }
    super::say(&text);
    Ok(ExitCode::SUCCESS)
}

fn list(text: &mut String, of: &str, values: &BTreeMap<String, Kept>) {
    for (name, kept) in values {
        text.push_str(&format!("{of}.{name} = {} ({})\n", kept.value, kept.kind));
    }
}
