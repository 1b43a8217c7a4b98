//! `cargo xtask test`: the steps, in the order in which a mistake shows soonest.

use crate::{
    Places,
    clock::{Seconds, Stopwatch},
    editors, graph, needs,
    report::{self, StepResult},
    run::{self, Ended},
    scripts,
};
use clap::{Args, ValueEnum};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

#[derive(Args)]
pub struct TestArguments {
    /// List the steps and stop
    #[arg(long)]
    list: bool,
    /// Run only this step; may be given more than once
    #[arg(long, value_name = "STEP", value_enum)]
    only: Vec<Step>,
    /// Install nothing: tests without what they need say so
    #[arg(long)]
    no_install: bool,
}

/// In running order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Install what the tests use and cargo does not bring
    Needs,
    /// `cargo fmt --all --check`
    Fmt,
    /// Licences, sources and features of the dependency graph
    Deps,
    /// `cargo deny check`, if it is installed
    Deny,
    /// `cargo clippy -D warnings`
    Clippy,
    /// `cargo doc -D warnings`
    Doc,
    /// Unit, integration and documentation tests of every crate but rt-tests
    Units,
    /// Generated programs in both script tiers, compared bit for bit
    Scripts,
    /// Build `sensai`, in release and in debug
    Build,
    /// The language server under other clients, the extension's checks; `cargo xtask editors` has the real VS Code
    Editors,
    /// rt-tests: the whole system, third-party peers, house rules
    System,
}

/// A build of `sensai` that the system tests run.
pub struct Profile {
    pub name: &'static str,
    pub flag: Option<&'static str>,
    /// Variable that tells the tests where it is.
    pub variable: &'static str,
}

pub const PROFILES: [Profile; 2] = [
    Profile { name: "release", flag: Some("--release"), variable: "SENSAI_BIN" },
    Profile { name: "debug", flag: None, variable: "SENSAI_BIN_DEBUG" },
];

/// No step may hang: three times what the slowest takes from cold on two cores.
const STEP_LIMIT: Duration = Duration::from_mins(40);

/// Run the steps; all of them, also after one that failed.
///
/// # Errors
/// Something that keeps the run from starting at all.
pub fn test(places: &Places, arguments: &TestArguments) -> Result<bool, String> {
    if arguments.list {
        for step in Step::value_variants() {
            if let Some(value) = step.to_possible_value() {
                let help = value.get_help().map(ToString::to_string).unwrap_or_default();
                println!("{:<8} {help}", value.get_name());
            }
        }
        return Ok(true);
    }
    let watch = Stopwatch::start();
    let selected = |step: Step| arguments.only.is_empty() || arguments.only.contains(&step);
    let mut bench = Bench { places, install: !arguments.no_install, environment: Vec::new() };
    if !selected(Step::Needs) {
        // A single step still uses what is there.
        bench.environment = needs::provide(places, false).environment;
    }
    let mut results = Vec::new();
    for step in Step::value_variants() {
        if selected(*step) {
            println!("\n── {}", name(*step));
            results.extend(bench.run(*step));
        }
    }
    Ok(report::print(&results, watch.read()))
}

fn name(step: Step) -> String {
    step.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

struct Bench<'a> {
    places: &'a Places,
    install: bool,
    /// For the tests, from [`Step::Needs`].
    environment: Vec<(&'static str, PathBuf)>,
}

impl Bench<'_> {
    fn run(&mut self, step: Step) -> Vec<StepResult> {
        match step {
            Step::Needs => vec![self.needs()],
            Step::Fmt => vec![self.check(step, self.cargo(&["fmt", "--all", "--check"]))],
            Step::Deps => self.deps(),
            Step::Deny => vec![self.deny()],
            Step::Clippy => {
                vec![self.check(
                    step,
                    self.cargo(&[
                        "clippy",
                        "--workspace",
                        "--all-targets",
                        "--keep-going",
                        "--",
                        "-Dwarnings",
                    ]),
                )]
            }
            Step::Doc => {
                let mut command = self.cargo(&["doc", "--workspace", "--no-deps", "--keep-going"]);
                command.env("RUSTDOCFLAGS", "-Dwarnings");
                vec![self.check(step, command)]
            }
            Step::Units => {
                let words =
                    ["test", "--workspace", "--exclude", "rt-tests", "--no-fail-fast", "--", "--show-output"];
                vec![self.tests(step, self.cargo(&words))]
            }
            Step::Scripts => vec![scripts::step(self.places, scripts::QUICK, STEP_LIMIT)],
            Step::Build => PROFILES.iter().map(|profile| build_binary(self.places, profile)).collect(),
            Step::Editors => editors::quick(self.places, self.install),
            Step::System => {
                let mut command =
                    self.cargo(&["test", "-p", "rt-tests", "--no-fail-fast", "--", "--show-output"]);
                command.envs(binaries(self.places));
                vec![self.tests(step, command)]
            }
        }
    }

    fn cargo(&self, words: &[&str]) -> Command {
        let mut command = cargo(self.places);
        command.args(words).envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    fn needs(&mut self) -> StepResult {
        let watch = Stopwatch::start();
        let provided = needs::provide(self.places, self.install);
        self.environment = provided.environment;
        provided.missing.iter().for_each(|line| println!("{line}"));
        // What is missing is counted by the tests that miss it.
        StepResult { passed: 0, ..StepResult::check(&name(Step::Needs), watch.read(), Ok(())) }
    }

    fn check(&self, step: Step, command: Command) -> StepResult {
        check(self.places, &name(step), command)
    }

    fn tests(&self, step: Step, command: Command) -> StepResult {
        let name = name(step);
        let log = self.places.scratch.join(format!("{name}.log"));
        match run::run(command, &log, STEP_LIMIT) {
            Ok(ended) => {
                let unaccounted = unaccounted(&ended, &log);
                StepResult::tests(&name, ended.time, ended.tally, unaccounted)
            }
            Err(why) => StepResult::check(&name, Seconds(0.0), Err(why)),
        }
    }

    fn deps(&self) -> Vec<StepResult> {
        let watch = Stopwatch::start();
        let file = self.places.workspace.join("deny.toml");
        let read = std::fs::read_to_string(&file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))
            .and_then(|text| graph::Rules::parse(&text))
            .and_then(|rules| Ok((rules, graph::metadata(&self.places.workspace, &["--locked"])?)));
        let (rules, metadata) = match read {
            Ok(read) => read,
            Err(why) => return vec![StepResult::check("deps", watch.read(), Err(why))],
        };
        [
            ("licences", graph::licence_findings(&metadata, &rules)),
            ("sources", graph::source_findings(&metadata)),
            ("features", graph::feature_findings(&metadata, &rules)),
        ]
        .into_iter()
        .map(|(name, findings)| {
            findings.iter().for_each(|finding| println!("{finding}"));
            let outcome = if findings.is_empty() { Ok(()) } else { Err(findings.join("; ")) };
            StepResult::check(name, watch.read(), outcome)
        })
        .collect()
    }

    fn deny(&self) -> StepResult {
        if needs::find("cargo-deny").is_none() {
            let why = "cargo-deny is not installed; the step deps checks licences, sources and features";
            return StepResult::skipped(&name(Step::Deny), Seconds(0.0), why);
        }
        // Advisories need their database from the network, so they are left to `cargo deny check advisories`.
        let words = ["deny", "--offline", "--workspace", "check", "licenses", "bans", "sources"];
        self.check(Step::Deny, self.cargo(&words))
    }
}

/// Cargo at the top of the workspace.
pub fn cargo(places: &Places) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&places.workspace).env("RUST_BACKTRACE", "0");
    command
}

fn check(places: &Places, name: &str, command: Command) -> StepResult {
    let log = places.scratch.join(format!("{name}.log"));
    match run::run(command, &log, STEP_LIMIT) {
        Ok(ended) => {
            let outcome = unaccounted(&ended, &log).map_or(Ok(()), Err);
            StepResult::check(name, ended.time, outcome)
        }
        Err(why) => StepResult::check(name, Seconds(0.0), Err(why)),
    }
}

/// Why a command failed as a whole.
pub fn unaccounted(ended: &Ended, log: &Path) -> Option<String> {
    if ended.timed_out {
        Some(format!("took too long and was killed, see {}", log.display()))
    } else {
        (!ended.success).then(|| format!("see {}", log.display()))
    }
}

/// Build `sensai` for the system tests.
pub fn build_binary(places: &Places, profile: &Profile) -> StepResult {
    let mut command = cargo(places);
    command.args(["build", "-p", "sensai", "--bin", "sensai"]).args(profile.flag);
    check(places, profile.name, command)
}

/// Where the builds are, for the tests.
pub fn binaries(places: &Places) -> impl Iterator<Item = (&'static str, PathBuf)> {
    PROFILES.iter().map(|profile| (profile.variable, places.target.join(profile.name).join("sensai")))
}
