//! `cargo xtask script-fuzz`: generated programs in both script tiers, by the release build of `rt-tests/script-fuzz`.

use crate::{Places, needs, report::StepResult, run, steps};
use clap::Args;
use std::{process::Command, time::Duration};

const AARCH64: &str = "aarch64-unknown-linux-gnu";
/// What programs for it are linked with, and where its libraries are (Debian).
const AARCH64_LINKER: &str = "aarch64-linux-gnu-gcc";
const AARCH64_EMULATOR: &str = "qemu-aarch64";
const AARCH64_ROOT: &str = "/usr/aarch64-linux-gnu";

/// Seeds that `cargo xtask test` runs.
pub const QUICK: u64 = 4000;
/// Seeds that `cargo xtask soak` runs.
pub const FULL: u64 = 100_000;

#[derive(Args)]
pub struct ScriptArguments {
    /// Build for aarch64 and run it under qemu-aarch64, some fifty times slower: take fewer seeds
    #[arg(long)]
    aarch64: bool,
    /// `--seeds N`, `--start S`, `--jobs J`, `--json`, or `--seed X` for one of them with all it does
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

fn command(places: &Places) -> Command {
    let mut command = steps::cargo(places);
    command.args(["run", "--quiet", "--release", "-p", "script-fuzz", "--bin", "script-fuzz", "--"]);
    command
}

/// With the screen for itself: what it says is the result.
///
/// # Errors
/// It cannot be started.
pub fn script_fuzz(places: &Places, arguments: &ScriptArguments) -> Result<bool, String> {
    let mut command = command(places);
    if arguments.aarch64 {
        command = for_aarch64(places)?;
    }
    let status = command.args(&arguments.arguments).status();
    status.map(|status| status.success()).map_err(|error| format!("cannot start cargo: {error}"))
}

/// The same, in which programs are compiled for another processor.
fn for_aarch64(places: &Places) -> Result<Command, String> {
    let absent: Vec<&str> = [
        (AARCH64_LINKER, "the Debian package gcc-aarch64-linux-gnu"),
        (AARCH64_EMULATOR, "the Debian package qemu-user"),
    ]
    .into_iter()
    .filter(|(program, _)| needs::find(program).is_none())
    .map(|(_, from)| from)
    .collect();
    if !absent.is_empty() {
        return Err(format!("programs for aarch64 also need {}", absent.join(" and ")));
    }
    let mut command = steps::cargo(places);
    let variable = |what: &str| format!("CARGO_TARGET_{}_{what}", AARCH64.replace('-', "_").to_uppercase());
    command
        .env(variable("LINKER"), AARCH64_LINKER)
        .env(variable("RUNNER"), format!("{AARCH64_EMULATOR} -L {AARCH64_ROOT}"))
        .args(["run", "--quiet", "--release", "--target", AARCH64])
        .args(["-p", "script-fuzz", "--bin", "script-fuzz", "--"]);
    Ok(command)
}

/// As a step of another chore.
pub fn step(places: &Places, seeds: u64, limit: Duration) -> StepResult {
    let log = places.scratch.join("scripts.log");
    let mut command = command(places);
    command.arg("--seeds").arg(seeds.to_string());
    match run::run(command, &log, limit) {
        Ok(ended) => {
            let outcome = steps::unaccounted(&ended, &log).map_or(Ok(()), Err);
            StepResult::check("scripts", ended.time, outcome)
        }
        Err(why) => StepResult::check("scripts", crate::clock::Seconds(0.0), Err(why)),
    }
}
