//! `sensai replay`

use super::debug;
use crate::{cli::Replay, replay};
use anyhow::Context;
use sensai_log::LogReader;
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

/// Exit code 0 only if every cycle asked for was proven equal.
pub fn run(arguments: &Replay) -> anyhow::Result<ExitCode> {
    if arguments.debug {
        let (log, cell) = (Some(arguments.log.clone()), arguments.cell.clone());
        return debug::run(&debug::Wanted { log, cell, cycle: arguments.from, ..debug::Wanted::default() });
    }
    let log = LogReader::open_file(&arguments.log)
        .with_context(|| format!("cannot read {}", arguments.log.display()))?;
    // A replay reads what it needs. One of the whole log is also asked whether the log is what was written.
    let whole = arguments.from.is_none() && arguments.to.is_none();
    let altered = if whole { log.verify()?.bad } else { None };
    let options = replay::Options { from: arguments.from, to: arguments.to, hashes: arguments.hashes };
    let live = std::io::stderr().is_terminal();
    let mut progress = |cycle: u64| {
        if live {
            eprint!("\r\x1b[2Kcycle {cycle}");
            let _ = std::io::stderr().flush();
        }
    };
    let start = sensai_fieldbus::clock::monotonic_ns();
    let report = replay::replay(&log, &options, &mut progress);
    let seconds = (sensai_fieldbus::clock::monotonic_ns() - start) as f64 / 1e9;
    if live {
        eprint!("\r\x1b[2K");
    }
    let report = report?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
        if report.cycles > 0 {
            println!(
                "{} cycles in {seconds:.2} s, {:.0} a second",
                report.cycles,
                report.cycles as f64 / seconds
            );
        }
    }
    let torn = log.torn_bytes();
    if torn > 0 {
        eprintln!("{torn} bytes at the log's end are torn and were left out");
    }
    if let Some(bad) = &altered {
        eprintln!(
            "error: the log was altered at byte {}, after cycle {}: {}",
            bad.offset, bad.after_cycle, bad.what
        );
    }
    Ok(if report.is_proof() && altered.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
