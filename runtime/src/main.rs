//! The `sensai` binary: command line in, exit code out. Everything else is in the library.

use clap::Parser;
use sensai::{cli::Cli, commands};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: sensai_alloc_count::CountingAllocator = sensai_alloc_count::CountingAllocator;

fn main() -> ExitCode {
    match commands::dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
