//! `sensai bench cycle`: what a cycle costs, step by step, on the embedded segment as fast as it goes.

use crate::{cli::BenchCycle, commands, cyclic, run};
use std::process::ExitCode;

/// Run and print.
pub fn run(arguments: &BenchCycle) -> anyhow::Result<ExitCode> {
    let cell = cyclic::without_interface(&commands::load_cell(&arguments.cell)?);
    let directory = std::env::temp_dir().join(format!("sensai-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let options = run::Options {
        cycles: Some(arguments.cycles),
        virtual_time: true,
        quiet: true,
        log: Some(directory.join("cycle.snlog")),
        ..run::Options::default()
    };
    let summary = run::run(&cell, &options);
    std::fs::remove_dir_all(&directory)?;
    let summary = summary?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        println!("{summary}");
    }
    Ok(if summary.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
