//! Programs from seeds in both script tiers: `cargo xtask script-fuzz`.

use clap::Parser;
use script_fuzz::{
    campaign::{self, Found, Plan, Summary},
    clock::Stopwatch,
    coverage::Coverage,
    drive::Verdict,
    tiers::{TIERS, Tiers},
};
use sensai_model::FaultCode;
use std::{num::NonZero, panic, process::ExitCode, thread};

/// Run generated programs in both script tiers and compare all they do, bit for bit
#[derive(Parser)]
#[command(name = "cargo xtask script-fuzz")]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first one
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Threads; one for each core if left out
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// Say it in JSON
    #[arg(long)]
    json: bool,
    /// Stop at the first difference, and say only that
    #[arg(long, conflicts_with = "json")]
    first: bool,
    /// Do not count what of the language was run in both tiers. From 2000 seeds on that is counted, and what was not run at
    /// all is a failure, and so is a fault that comes less than once in 200 programs
    #[arg(long)]
    no_coverage: bool,
    /// Only this seed: its program, every cycle, and a smaller program if the tiers differ
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "start", "jobs", "json", "first"])]
    seed: Option<u64>,
    /// With `--seed`: its program as it is run to count what of the language is
    #[arg(long, requires = "seed")]
    counted: bool,
}

/// Programs that are run once more with counters; fewer say nothing about what is not generated.
const COUNTED: u64 = 2000;

/// Programs to one of which each fault comes at least.
const PROGRAMS_TO_A_FAULT: u64 = 200;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let tiers = TIERS;
    // A panic of a tier is a difference, and told as one.
    panic::set_hook(Box::new(|_| {}));
    let good = match arguments.seed {
        Some(seed) => one(seed, tiers, arguments.counted),
        None => many(&arguments, tiers),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, tiers: Tiers<'_>, counted: bool) -> bool {
    let told = campaign::run_seed(seed, tiers, counted, true);
    for (number, line) in (1..).zip(told.text.lines()) {
        println!("{number:4} {line}");
    }
    told.run.trace.iter().for_each(|line| println!("{line}"));
    match told.run.verdict {
        Verdict::Equal => println!("equal in {} cycles", told.run.cycles),
        Verdict::Differs(difference) => {
            tell(&Found { seed, difference }, tiers, counted);
            return false;
        }
    }
    true
}

/// A difference and a small program that shows it.
fn tell(found: &Found, tiers: Tiers<'_>, counted: bool) {
    let Found { seed, difference } = found;
    println!(
        "\nseed {seed} differs in cycle {} ({}):\n{}",
        difference.cycle, difference.kind, difference.text
    );
    if difference.kind == "refused" {
        return;
    }
    let (text, small) = campaign::minimised(*seed, difference, tiers, counted);
    println!("\na small program that differs, in cycle {}:\n{}\n", small.cycle, small.text);
    for (number, line) in (1..).zip(text.lines()) {
        println!("{number:4} {line}");
    }
}

fn many(arguments: &Arguments, tiers: Tiers<'_>) -> bool {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let jobs = arguments.jobs.map_or(cores, NonZero::get);
    let watch = Stopwatch::start();
    let differences = if arguments.first { 1 } else { Plan::DIFFERENCES };
    let plan = Plan { start: arguments.start, seeds: arguments.seeds, jobs, differences, progress: true };
    let summary = campaign::run(plan, tiers);
    if arguments.first {
        if let Some(Found { seed, difference }) = summary.differences.first() {
            println!(
                "seed {seed} differs in cycle {} ({})\n{}",
                difference.cycle, difference.kind, difference.text
            );
        }
        return summary.differences.is_empty();
    }
    let seconds = watch.elapsed().as_secs_f64();
    let counted = !arguments.no_coverage && plan.seeds >= COUNTED && summary.differences.is_empty();
    let covered = counted.then(|| Covered::count(Plan { seeds: COUNTED, ..plan }, &summary, tiers));
    if arguments.json {
        println!("{}", json(&summary, covered.as_ref(), seconds, jobs));
    } else {
        print(&summary, seconds, jobs);
        summary.differences.iter().for_each(|found| tell(found, tiers, false));
        covered.iter().for_each(Covered::print);
    }
    summary.differences.is_empty() && covered.is_none_or(|covered| covered.lacks().is_empty())
}

/// What of the language was run, and what of the faults seldom comes.
struct Covered {
    coverage: Coverage,
    seldom: Vec<FaultCode>,
    differences: Vec<Found>,
}

impl Covered {
    fn count(plan: Plan, summary: &Summary, tiers: Tiers<'_>) -> Self {
        let (coverage, differences) = campaign::cover(plan, tiers);
        let fewest = summary.programs / PROGRAMS_TO_A_FAULT;
        let seldom = campaign::FAULTS.into_iter();
        let seldom = seldom
            .filter(|code| summary.faults.get(&code.id()).is_none_or(|count| *count < fewest))
            .collect();
        Self { coverage, seldom, differences }
    }

    /// What is missing, a line each.
    fn lacks(&self) -> Vec<String> {
        let missing = self.coverage.missing().into_iter();
        let missing = missing.map(|label| format!("never run in both: {} {}", label.kind, label.types));
        let seldom = self.seldom.iter().map(|code| format!("less than one fault in 200 programs: {code:?}"));
        let differences = self.differences.iter().map(|Found { seed, difference }| {
            format!("seed {seed} differs when it counts ({}):\n{}", difference.kind, difference.text)
        });
        missing.chain(seldom).chain(differences).collect()
    }

    fn print(&self) {
        println!("times run in the interpreter / as machine code, by {} programs:", self.coverage.programs);
        println!("{}", self.coverage.table());
        self.lacks().iter().for_each(|line| println!("{line}"));
    }
}

fn print(summary: &Summary, seconds: f64, jobs: usize) {
    let rate = summary.programs as f64 / seconds;
    println!(
        "{} programs of {} bytes on average, {} cycles, in {seconds:.1} s on {jobs} threads: {rate:.0} programs a second",
        summary.programs,
        summary.bytes / summary.programs.max(1),
        summary.cycles
    );
    let faults: u64 = summary.faults.values().sum();
    println!(
        "{} programs faulted, {faults} cycles in all; the column differed in {}",
        summary.faulted, summary.columns
    );
    for (code, count) in &summary.faults {
        let text = FaultCode::from_id(*code).map_or("", FaultCode::text);
        let seed = summary.examples.get(code).copied().unwrap_or_default();
        println!("  F{code} {count:8}  {text}, as with seed {seed}");
    }
    println!("{} differences", summary.differences.len());
}

fn json(summary: &Summary, covered: Option<&Covered>, seconds: f64, jobs: usize) -> serde_json::Value {
    let differences: Vec<serde_json::Value> = summary
        .differences
        .iter()
        .map(|found| {
            serde_json::json!({
                "seed": found.seed,
                "cycle": found.difference.cycle,
                "kind": found.difference.kind,
                "text": found.difference.text,
            })
        })
        .collect();
    serde_json::json!({
        "programs": summary.programs,
        "cycles": summary.cycles,
        "seconds": seconds,
        "jobs": jobs,
        "faulted": summary.faulted,
        "faults": summary.faults,
        "columns": summary.columns,
        "differences": differences,
        "lacks": covered.map(Covered::lacks),
    })
}
