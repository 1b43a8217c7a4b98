//! The `sensai` binary: command line in, exit code out. Everything else is in the library.

use clap::Parser;
use sensai::{cli::Cli, commands};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: sensai_alloc_count::CountingAllocator = sensai_alloc_count::CountingAllocator;

fn main() -> ExitCode {
    // Before any thread is made; without it the library is not loaded.
    sensai::inference::library::forbid_telemetry();
    match commands::dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, outermost first. A cause that the text before it ends with is not said twice.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[test]
fn causes_are_said_once() {
    let cause = std::io::Error::other("disk full");
    let inner = anyhow::Error::new(cause).context("writing x: disk full").context("cannot record");
    assert_eq!(sentence(&inner), "cannot record: writing x: disk full");
}
