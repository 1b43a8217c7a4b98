//! `sensai check`: all findings at once.

use crate::{cli::Check, source::Source};
use std::{io::IsTerminal, process::ExitCode};

/// Exit code 1 if there is an error; warnings alone are fine.
pub fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let mut source = Source::from_directory(&arguments.cell);
    source.check_host();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&source.findings)?);
    } else {
        eprint!("{}", source.render(std::io::stderr().is_terminal()));
        match (&source.cell, source.findings.len()) {
            (Some(cell), warnings) => println!(
                "{}: {} devices, {} tags, {} programs; no errors, {warnings} warnings",
                cell.name,
                cell.devices.len(),
                cell.tags.len(),
                cell.programs().count()
            ),
            (None, findings) => {
                let errors = source.errors();
                let plural = if errors == 1 { "" } else { "s" };
                eprintln!(
                    "{}: {errors} error{plural}, {} warnings",
                    arguments.cell.display(),
                    findings - errors
                );
            }
        }
    }
    Ok(if source.cell.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
