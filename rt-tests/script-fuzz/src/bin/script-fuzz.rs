//! Programs from seeds in both script tiers: `cargo xtask script-fuzz`.

use clap::Parser;
use script_fuzz::{
    campaign::{self, Found, Plan, Summary},
    clock::Stopwatch,
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
    /// Count what of the language was run in both tiers; what was not run at all is a failure
    #[arg(long, conflicts_with = "json")]
    coverage: bool,
    /// Only this seed: its program, every cycle, and a smaller program if the tiers differ
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "start", "jobs", "json"])]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let tiers = TIERS;
    // A panic of a tier is a difference, and told as one.
    panic::set_hook(Box::new(|_| {}));
    let good = match arguments.seed {
        Some(seed) => one(seed, tiers),
        None => many(&arguments, tiers),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, tiers: Tiers<'_>) -> bool {
    let told = campaign::run_seed(seed, tiers, true);
    for (number, line) in (1..).zip(told.text.lines()) {
        println!("{number:4} {line}");
    }
    told.run.trace.iter().for_each(|line| println!("{line}"));
    match told.run.verdict {
        Verdict::Equal => println!("equal in {} cycles", told.run.cycles),
        Verdict::Exhausted => println!("fuel or depth ran out after {} cycles", told.run.cycles),
        Verdict::Differs(difference) => {
            tell(&Found { seed, difference }, tiers);
            return false;
        }
    }
    true
}

/// A difference and a small program that shows it.
fn tell(found: &Found, tiers: Tiers<'_>) {
    let Found { seed, difference } = found;
    println!(
        "\nseed {seed} differs in cycle {} ({}):\n{}",
        difference.cycle, difference.kind, difference.text
    );
    if difference.kind == "refused" {
        return;
    }
    let (text, small) = campaign::minimised(*seed, difference, tiers);
    println!("\na small program that differs, in cycle {}:\n{}\n", small.cycle, small.text);
    for (number, line) in (1..).zip(text.lines()) {
        println!("{number:4} {line}");
    }
}

fn many(arguments: &Arguments, tiers: Tiers<'_>) -> bool {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let jobs = arguments.jobs.map_or(cores, NonZero::get);
    let watch = Stopwatch::start();
    let summary = campaign::run(Plan { start: arguments.start, seeds: arguments.seeds, jobs }, tiers);
    let seconds = watch.elapsed().as_secs_f64();
    let covered = !arguments.coverage || cover(arguments, jobs, &summary, tiers);
    if arguments.json {
        println!("{}", json(&summary, seconds, jobs));
    } else {
        print(&summary, seconds, jobs);
        summary.differences.iter().for_each(|found| tell(found, tiers));
    }
    summary.differences.is_empty() && covered
}

/// Count with every fourth program, and say what of the language and of the faults was not met.
fn cover(arguments: &Arguments, jobs: usize, summary: &Summary, tiers: Tiers<'_>) -> bool {
    let plan = Plan { start: arguments.start, seeds: arguments.seeds.div_ceil(4), jobs };
    let (coverage, differences) = campaign::cover(plan, tiers);
    println!("run in the interpreter / as machine code, in {} programs that count:", coverage.programs);
    println!("{}", coverage.table());
    let missing = coverage.missing();
    for label in &missing {
        println!("never run in both: {} {}", label.kind, label.types);
    }
    let seldom: Vec<&FaultCode> = campaign::FAULTS
        .iter()
        .filter(|code| summary.faults.get(&code.id()).is_none_or(|count| *count < 100))
        .collect();
    seldom.iter().for_each(|code| println!("fewer than 100 faults {code:?}"));
    differences.iter().for_each(|found| {
        println!(
            "seed {} differs when it counts ({}):\n{}",
            found.seed, found.difference.kind, found.difference.text
        );
    });
    missing.is_empty() && seldom.is_empty() && differences.is_empty()
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
        "{} programs faulted, {faults} cycles in all; the column differed in {}; {} programs ran out of fuel",
        summary.faulted, summary.columns, summary.exhausted
    );
    for (code, count) in &summary.faults {
        let text = FaultCode::from_id(*code).map_or("", FaultCode::text);
        let seed = summary.examples.get(code).copied().unwrap_or_default();
        println!("  F{code} {count:8}  {text}, as with seed {seed}");
    }
    println!("{} differences", summary.differences.len());
}

fn json(summary: &Summary, seconds: f64, jobs: usize) -> serde_json::Value {
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
        "exhausted": summary.exhausted,
        "differences": differences,
    })
}
