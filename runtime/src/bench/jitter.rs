//! `sensai bench jitter`: how exactly cycles start while the whole cell is at work: press cell, real sockets over a
//! veth pair, simulated segment in another process, log on. With `--against-cyclictest`, rounds alternate with
//! cyclictest on the same core, at the same priority and interval.

use super::{
    bootstrap::{self, Ratio},
    cyclictest,
    namespace::{ENDS, Namespace},
};
use crate::{cli::BenchJitter, commands, plot, rt};
use anyhow::Context;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

/// Percentiles compared, the largest last.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// What is measured, in the order of the table. The first is the peer.
const SERIES: [&str; 5] = [
    "cyclictest wake latency",
    "wake latency, spin",
    "cycle start error, spin",
    "wake latency, no spin",
    "cycle start error, no spin",
];

#[derive(Debug, Serialize)]
struct Report {
    interval_ns: u64,
    rounds: u32,
    seconds: f64,
    series: Vec<Series>,
    overruns: u64,
    lost: u64,
    /// Rounds in which a fault stopped the programs: their cycles did less.
    faulted: u32,
}

#[derive(Debug, Serialize)]
struct Series {
    name: &'static str,
    /// By [`QUANTILES`]: median over the rounds, ns.
    quantiles_ns: Vec<(String, f64)>,
    /// To the peer, by [`QUANTILES`].
    ratios: Vec<(String, Option<Ratio>)>,
}

/// Measure and print; exit code 1 if a ratio of p50 or p99 with spin is above 1.
pub fn run(arguments: &BenchJitter) -> anyhow::Result<ExitCode> {
    let cell = commands::load_cell(&arguments.cell)?;
    let namespace = Namespace::new()?;
    let program = std::env::current_exe()?;
    let scratch = Scratch::new()?;
    let simulator = Simulator::start(&namespace, &program, &arguments.cell)?;
    let core = cell.task.core.or_else(|| rt::cores().last().copied()).unwrap_or(0);
    let cycles = (arguments.seconds * 1e9 / cell.task.interval_ns as f64) as u64;
    let mut rounds: [Vec<Histogram<u64>>; 5] = Default::default();
    let (mut overruns, mut lost, mut faulted) = (0, 0, 0);
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        if arguments.against_cyclictest {
            rounds[0].push(cyclictest::run(cell.task.interval_ns, cycles, cell.task.priority, core)?);
        }
        for (at, spin) in [(1, "auto"), (3, "off")] {
            let run = Round { namespace: &namespace, program: &program, cell: &arguments.cell, cycles, spin };
            let result = run.measure(&scratch.0)?;
            rounds[at].push(result.wake_latency);
            rounds[at + 1].push(result.start_error);
            overruns += result.overruns;
            lost += result.lost;
            faulted += u32::from(result.faulted);
        }
    }
    drop(simulator);
    let report = Report {
        interval_ns: cell.task.interval_ns,
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        series: series(&rounds),
        overruns,
        lost,
        faulted,
    };
    if let Some(path) = &arguments.plot {
        draw(path, &rounds)?;
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(if worse_than_peer(&report) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The verdict is on p50 and p99 of the cycle's start with spin; the rest is reported.
fn worse_than_peer(report: &Report) -> bool {
    let Some(series) = report.series.iter().find(|series| series.name == SERIES[2]) else { return false };
    series.ratios.iter().take(2).filter_map(|(_, ratio)| *ratio).any(|ratio| ratio.low > 1.0)
}

fn series(rounds: &[Vec<Histogram<u64>>; 5]) -> Vec<Series> {
    let values = |at: usize, quantile: f64| -> Vec<f64> {
        rounds[at].iter().map(|histogram| histogram.value_at_quantile(quantile) as f64).collect()
    };
    SERIES
        .iter()
        .enumerate()
        .filter(|(at, _)| !rounds[*at].is_empty())
        .map(|(at, name)| Series {
            name,
            quantiles_ns: QUANTILES
                .iter()
                .map(|(label, quantile)| ((*label).into(), bootstrap::median(values(at, *quantile))))
                .collect(),
            ratios: QUANTILES
                .iter()
                .map(|(label, quantile)| {
                    let ratio = bootstrap::ratio(&values(at, *quantile), &values(0, *quantile));
                    ((*label).into(), ratio.filter(|_| at > 0))
                })
                .collect(),
        })
        .collect()
}

fn print(report: &Report) {
    println!(
        "{} rounds of {} s at {} µs; in all rounds {} overruns, {} lost exchanges, {} runs that ended faulted\n",
        report.rounds,
        report.seconds,
        report.interval_ns as f64 / 1e3,
        report.overruns,
        report.lost,
        report.faulted
    );
    println!("{:<28}{:>10}{:>10}{:>10}{:>10}   (µs, median over rounds)", "", "p50", "p99", "p99.9", "max");
    for series in &report.series {
        let cells: String = series.quantiles_ns.iter().map(|(_, ns)| format!("{:>10.2}", ns / 1e3)).collect();
        println!("{:<28}{cells}", series.name);
    }
    println!("\nratio to cyclictest, with 95 % bootstrap interval");
    for series in report.series.iter().filter(|series| series.ratios.iter().any(|(_, ratio)| ratio.is_some()))
    {
        let cells: String = series
            .ratios
            .iter()
            .map(|(_, ratio)| {
                ratio.map_or(String::new(), |r| {
                    format!("{:>22}", format!("{:.3} [{:.3}, {:.3}]", r.ratio, r.low, r.high))
                })
            })
            .collect();
        println!("{:<28}{cells}", series.name);
    }
}

fn draw(path: &Path, rounds: &[Vec<Histogram<u64>>; 5]) -> anyhow::Result<()> {
    let sums: Vec<Option<Histogram<u64>>> = rounds.iter().map(|rounds| sum(rounds)).collect();
    let curves: Vec<plot::Curve<'_>> = SERIES
        .iter()
        .zip(&sums)
        .filter_map(|(name, sum)| Some(plot::Curve { name, histogram: sum.as_ref()? }))
        .collect();
    plot::distributions(path, "start of a cycle: press cell over a veth pair, log on", &curves)
}

fn sum(rounds: &[Histogram<u64>]) -> Option<Histogram<u64>> {
    let (first, rest) = rounds.split_first()?;
    rest.iter().try_fold(first.clone(), |mut sum, round| sum.add(round).is_ok().then_some(sum))
}

struct Measured {
    wake_latency: Histogram<u64>,
    start_error: Histogram<u64>,
    overruns: u64,
    lost: u64,
    faulted: bool,
}

struct Round<'a> {
    namespace: &'a Namespace,
    program: &'a Path,
    cell: &'a Path,
    cycles: u64,
    spin: &'a str,
}

impl Round<'_> {
    /// One run of the whole cell in its own process; its histograms come back in a file.
    fn measure(&self, scratch: &Path) -> anyhow::Result<Measured> {
        let (log, samples) = (scratch.join("round.snlog"), scratch.join("round.hdr.json"));
        let _ = std::fs::remove_file(&log);
        let output = self
            .namespace
            .command(self.program)
            .args(["run", "--interface", ENDS[0], "--start", "--quiet", "--json", "--spin", self.spin])
            .args(["--cycles", &self.cycles.to_string()])
            .arg("--log")
            .arg(&log)
            .arg("--histograms")
            .arg(&samples)
            .arg(self.cell)
            .output()?;
        // A run that ended in a fault has a summary too; one that never came up has only a text.
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|_| {
            anyhow::anyhow!("a round did not come up: {}", String::from_utf8_lossy(&output.stderr).trim())
        })?;
        let rows = crate::timing::read_rows(&samples)?;
        let row = |name: &str| {
            rows.iter()
                .find(|(row, _)| row == name)
                .map(|(_, histogram)| histogram.clone())
                .context("a row is missing")
        };
        Ok(Measured {
            wake_latency: row("wake latency")?,
            start_error: row("start error")?,
            overruns: summary["overruns"].as_u64().unwrap_or(0),
            lost: summary["exchange"]["lost"].as_u64().unwrap_or(0),
            faulted: summary["fault"].is_object(),
        })
    }
}

/// `sensai sim` on the other end of the pair; ended when dropped.
struct Simulator(Child);

impl Simulator {
    fn start(namespace: &Namespace, program: &Path, cell: &Path) -> anyhow::Result<Self> {
        let mut command: Command = namespace.command(program);
        command.arg("sim").arg(cell).args(["--interface", ENDS[1]]).stdout(Stdio::null());
        let child = command.spawn()?;
        std::thread::sleep(Duration::from_millis(300));
        Ok(Self(child))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory of our own, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("sensai-jitter-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
