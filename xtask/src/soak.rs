//! `cargo xtask soak`: the tests with their full counts.

use crate::{
    Places,
    clock::Stopwatch,
    needs,
    report::{self, StepResult},
    run, scripts, steps,
};
use clap::Args;
use std::time::Duration;

/// For the generated programs: ten times what they take on two cores.
const SCRIPTS_LIMIT: Duration = Duration::from_hours(2);

#[derive(Args)]
pub struct SoakArguments {
    /// Only tests whose name contains one of these
    names: Vec<String>,
    /// How long a test that runs for a given time should run
    #[arg(long, value_name = "MINUTES", default_value_t = 10.0, value_parser = minutes)]
    minutes: f64,
    /// List the tests and stop
    #[arg(long)]
    list: bool,
    /// Install nothing: tests without what they need say so
    #[arg(long)]
    no_install: bool,
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.01..=10_000.0).contains(&minutes) => Ok(minutes),
        _ => Err("expected a number of minutes from 0.01 to 10000".into()),
    }
}

/// Tests run one at a time, so that a timing test has the machine to itself.
///
/// # Errors
/// Something that keeps the run from starting at all.
pub fn soak(places: &Places, arguments: &SoakArguments) -> Result<bool, String> {
    let watch = Stopwatch::start();
    let mut results = Vec::new();
    let mut command = steps::cargo(places);
    command.args(["test", "--workspace", "--tests", "--no-fail-fast", "--"]).args(&arguments.names);
    if arguments.list {
        command.arg("--list");
    } else {
        let provided = needs::provide(places, !arguments.no_install);
        provided.missing.iter().for_each(|line| println!("{line}"));
        results.push(StepResult::check("needs", watch.read(), Ok(())));
        for profile in &steps::PROFILES {
            results.push(steps::build_binary(places, profile));
        }
        command.envs(provided.environment).envs(steps::binaries(places));
        command.args(["--show-output", "--test-threads=1"]);
        command.env("SENSAI_SOAK", "1").env("SENSAI_SOAK_MINUTES", arguments.minutes.to_string());
    }
    let limit = Duration::from_secs_f64(24.0 * 3600.0 + 60.0 * arguments.minutes);
    // By name, or with all tests.
    let scripts = arguments.names.is_empty() || arguments.names.iter().any(|name| name == "script-fuzz");
    if scripts && !arguments.list {
        results.push(scripts::step(places, scripts::FULL, SCRIPTS_LIMIT));
    }
    let log = places.scratch.join("soak.log");
    let ended = run::run(command, &log, limit)?;
    if arguments.list {
        return Ok(ended.success);
    }
    let nothing = ended.tally.passed + ended.tally.failed + ended.tally.skipped == 0;
    let unaccounted = steps::unaccounted(&ended, &log).or_else(|| {
        nothing.then(|| "no test has such a name; `cargo xtask soak --list` shows them all".to_owned())
    });
    results.push(StepResult::tests("soak", ended.time, ended.tally, unaccounted));
    Ok(report::print(&results, watch.read()))
}
