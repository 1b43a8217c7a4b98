//! `cargo xtask fuzz`: the fuzz targets, for as long as one likes.
//!
//! They are laid out for `cargo fuzz`, which needs a nightly compiler for the address sanitizer. Coverage counters
//! need none, and the parsers here have no `unsafe` code to sanitize: so the targets are built with the compiler that
//! builds everything else, and libFuzzer drives them.

use crate::{Places, clock::Stopwatch, graph, report, report::StepResult, run, steps};
use clap::Args;
use std::{fs, path::Path, process::Command, time::Duration};

/// Where the workspaces of the targets lie.
const FOLDERS: [&str; 7] = [
    "fieldbus/devices/fuzz",
    "fieldbus/fuzz",
    "runtime/fuzz",
    "runtime/log/fuzz",
    "runtime/model/fuzz",
    "scripts/fuzz",
    "stdlib/inference/fuzz",
];

/// What libFuzzer has to see: edges, and what is compared with what. As `cargo fuzz` has them.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
];

/// An input that takes longer has found something.
const INPUT_LIMIT_SECONDS: u32 = 20;
/// For a build, and for ending.
const SPARE: Duration = Duration::from_secs(20 * 60);

#[derive(Args)]
pub struct FuzzArguments {
    /// Only these targets; all of them without a name
    targets: Vec<String>,
    /// How long each target looks for something
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    seconds: u32,
}

/// Targets one after the other. What they find lies beside their corpus, below `target/xtask/fuzz`.
///
/// # Errors
/// A target that does not exist, or something that keeps them from starting at all.
pub fn fuzz(places: &Places, arguments: &FuzzArguments) -> Result<bool, String> {
    let watch = Stopwatch::start();
    let mut all = Vec::new();
    for folder in FOLDERS {
        all.extend(targets(&places.workspace.join(folder))?.into_iter().map(|target| (folder, target)));
    }
    for wanted in &arguments.targets {
        if !all.iter().any(|(_, target)| target == wanted) {
            let names: Vec<&str> = all.iter().map(|(_, target)| target.as_str()).collect();
            return Err(format!("there is no target `{wanted}`; there are {}", names.join(", ")));
        }
    }
    all.retain(|(_, target)| arguments.targets.is_empty() || arguments.targets.contains(target));
    let triple = host()?;
    let mut results = Vec::new();
    for (folder, target) in &all {
        results.push(run_target(places, &triple, folder, target, arguments.seconds)?);
    }
    Ok(report::print(&results, watch.read()))
}

/// Names of the targets of one workspace.
fn targets(folder: &Path) -> Result<Vec<String>, String> {
    let metadata = graph::metadata(folder, &["--no-deps"])?;
    let found = metadata["packages"].as_array().into_iter().flatten();
    let found = found.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    Ok(found.filter_map(|target| target["name"].as_str().map(str::to_owned)).collect())
}

/// With a target named, flags are not used for build scripts and procedural macros.
fn host() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "host-tuple"]).output();
    let output = output.map_err(|error| format!("cannot start rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn run_target(
    places: &Places,
    triple: &str,
    folder: &str,
    target: &str,
    seconds: u32,
) -> Result<StepResult, String> {
    let scratch = places.scratch.join("fuzz").join(target);
    let corpus = scratch.join("corpus");
    fs::create_dir_all(&corpus).map_err(|error| format!("cannot create {}: {error}", corpus.display()))?;
    let mut command = steps::cargo(places);
    command.current_dir(places.workspace.join(folder)).env("RUSTFLAGS", FLAGS.join(" "));
    command.args(["run", "--quiet", "--release", "--target", triple, "--target-dir"]);
    command.arg(places.target.join("fuzz")).args(["--bin", target, "--"]);
    command.arg(&corpus).arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-timeout={INPUT_LIMIT_SECONDS}")).arg("-print_final_stats=1");
    command.arg(format!("-artifact_prefix={}/", scratch.display()));
    let log = scratch.join("log.txt");
    let ended = run::run(command, &log, Duration::from_secs(seconds.into()) + SPARE)?;
    let outcome =
        if ended.success { Ok(()) } else { Err(format!("it found something, see {}", log.display())) };
    Ok(StepResult::check(&format!("fuzz {target}"), ended.time, outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target in a folder that is not listed would never be run.
    #[test]
    fn every_fuzz_folder_is_listed() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let manifest: toml::Table =
            fs::read_to_string(workspace.join("Cargo.toml")).unwrap().parse().unwrap();
        let excluded = manifest["workspace"]["exclude"].as_array().unwrap().iter();
        assert_eq!(excluded.map(|folder| folder.as_str().unwrap()).collect::<Vec<_>>(), FOLDERS);
        for folder in FOLDERS {
            assert!(workspace.join(folder).join("fuzz_targets").is_dir(), "{folder}");
        }
    }
}
