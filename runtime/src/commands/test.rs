//! `sensai test`: run the tests of a cell's programs.

use crate::{cli::Test, testing};
use anyhow::Context;
use sensai_model::config::Style;
use std::{fs, io::IsTerminal, process::ExitCode};

/// Exit code 1 if something failed, or if there was nothing to run.
pub fn run(arguments: &Test) -> anyhow::Result<ExitCode> {
    let cell = super::load_cell(&arguments.cell)?;
    let options = testing::Options {
        filter: arguments.filter.clone(),
        jobs: arguments.jobs.unwrap_or(0),
        tier: arguments.tier,
    };
    let style = if std::io::stdout().is_terminal() { Style::Colour } else { Style::Plain };
    if arguments.list {
        let listing = testing::list(&arguments.cell, &cell, &options)?;
        match arguments.json {
            true => super::say(&format!("{}\n", serde_json::to_string_pretty(&listing)?)),
            false => super::say(&listing.text(style)),
        }
        return Ok(if listing.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let report = testing::run(&arguments.cell, &cell, &options)?;
    if let Some(path) = &arguments.junit {
        fs::write(path, testing::junit::document(&report)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if arguments.json {
        super::say(&format!("{}\n", serde_json::to_string_pretty(&report)?));
    } else {
        super::say(&report.text(style));
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
