//! `cargo xtask script-fuzz`: generated programs in both script tiers, by the release build of `rt-tests/script-fuzz`.

use crate::{Places, report::StepResult, run, steps};
use clap::Args;
use std::{process::Command, time::Duration};

/// Seeds that `cargo xtask test` runs.
pub const QUICK: u64 = 4000;
/// Seeds that `cargo xtask soak` runs.
pub const FULL: u64 = 100_000;

#[derive(Args)]
pub struct ScriptArguments {
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
    let status = command(places).args(&arguments.arguments).status();
    status.map(|status| status.success()).map_err(|error| format!("cannot start cargo: {error}"))
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
