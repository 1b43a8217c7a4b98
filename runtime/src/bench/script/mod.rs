//! `sensai bench script`: what a cell program costs, beside the same program in Rust and in C as compilers from Structured
//! Text write it.
//!
//! All columns get the same inputs, from a seed and made beforehand, and must give the same outputs to the bit; otherwise
//! there is no table. They take turns on one core. What a column does to bring its inputs in and its outputs out is
//! measured for itself, in the same round, and taken off: what is left is the program.

mod c;
pub mod cases;
pub mod pins;
pub mod reference;

mod subject;
#[cfg(test)]
mod tests;
mod tiers;

use super::bootstrap::{self, Ratio, median};
use crate::{cli::BenchScript, rt};
use anyhow::Context;
use c::Process;
use cases::{CYCLES, Case};
use serde::Serialize;
use std::process::ExitCode;
use subject::{Subject, Work, passes_for};
use tiers::{ScriptForm, Surroundings};

/// What a measurement lasts at least, ns.
const AT_LEAST_NS: u64 = 2_000_000;

/// Compilations of which the median is given.
const COMPILATIONS: u32 = 51;

/// Rounds of which one measures the interpreter: it is hundreds of times slower.
const INTERPRETED_ROUNDS: u32 = 8;

/// How one program did. Times are of one cycle, ns, without what goes in and out.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    title: &'static str,
    lines: usize,
    native_ns: f64,
    native_unchecked_ns: f64,
    interpreted_ns: f64,
    rust_ns: f64,
    c_o2_ns: Option<f64>,
    c_o3_ns: Option<f64>,
    /// That of `-O2`, which is what such compilers' users build with.
    c_ns: Option<f64>,
    native_over_c: Option<f64>,
    native_over_c_interval: Option<[f64; 2]>,
    native_over_rust: f64,
    native_over_rust_interval: [f64; 2],
    /// On the heap, per cycle.
    native_allocations: f64,
    interpreted_allocations: f64,
    /// From the text to code that can run.
    compile_ms: f64,
    code_bytes: usize,
    /// The same for all columns.
    checksum: String,
    /// What was taken off: inputs in and outputs out, ns.
    copies: Copies,
}

/// What bringing inputs in and outputs out costs in each column, ns a cycle.
#[derive(Debug, Serialize)]
struct Copies {
    native_ns: f64,
    rust_ns: f64,
    c_o2_ns: Option<f64>,
    c_o3_ns: Option<f64>,
}

/// All of it.
#[derive(Debug, Serialize)]
struct Report {
    rounds: u32,
    cycles: usize,
    /// `None`: there is no gcc, and so no column in C.
    compiler: Option<String>,
    programs: Vec<Row>,
}

/// One column.
struct Column {
    name: &'static str,
    subject: Box<dyn Subject>,
    /// Measured in one of so many rounds.
    every: u32,
    passes: u32,
    whole: Vec<f64>,
    copies: Vec<f64>,
    allocations: u64,
    runs: u64,
}

/// Run and print; exit code 1 if the compiled program allocates.
pub fn run(arguments: &BenchScript) -> anyhow::Result<ExitCode> {
    let compiler = c::compiler();
    if compiler.is_none() {
        eprintln!("there is no gcc on the PATH: the columns in C stay empty");
    }
    let mut programs = Vec::new();
    for case in cases::all()? {
        let (name, has_c) = (case.name, compiler.is_some());
        let measured = std::thread::scope(|scope| {
            // A thread for each: it becomes a real-time one, and ends as one.
            let measuring = scope.spawn(move || measure(case, arguments.rounds, has_c));
            measuring.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the measurement panicked")))
        });
        programs.push(measured.with_context(|| name)?);
    }
    let report = Report { rounds: arguments.rounds, cycles: CYCLES, compiler, programs };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.table());
    }
    let clean = report.programs.iter().all(|row| row.native_allocations == 0.0);
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Column {
    fn new(name: &'static str, subject: Box<dyn Subject>, every: u32) -> Self {
        Self {
            name,
            subject,
            every,
            passes: 1,
            whole: Vec::new(),
            copies: Vec::new(),
            allocations: 0,
            runs: 0,
        }
    }

    /// One round: the whole, then the copies, or the other way round.
    fn round(&mut self, round: u32, checksum: u64) -> anyhow::Result<()> {
        let mut works = [Work::Whole, Work::Copies];
        if round % 2 == 1 {
            works.reverse();
        }
        for work in works {
            let pass = self.subject.run(work, self.passes).with_context(|| self.name)?;
            let cycles = u64::from(self.passes) * CYCLES as u64;
            let of_one = pass.ns as f64 / cycles as f64;
            match work {
                Work::Whole => {
                    agree(self.name, pass.checksum, checksum)?;
                    self.whole.push(of_one);
                    self.allocations += pass.allocations;
                    self.runs += cycles;
                }
                Work::Copies => self.copies.push(of_one),
            }
        }
        Ok(())
    }

    /// The program alone, by rounds.
    fn programs(&self) -> Vec<f64> {
        self.whole.iter().zip(&self.copies).map(|(whole, copies)| whole - copies).collect()
    }

    fn ns(&self) -> f64 {
        median(self.programs())
    }

    fn copies_ns(&self) -> f64 {
        median(self.copies.clone())
    }

    fn allocations(&self) -> f64 {
        self.allocations as f64 / self.runs.max(1) as f64
    }
}

/// Columns that do something else are not compared.
fn agree(name: &str, checksum: u64, expected: u64) -> anyhow::Result<()> {
    anyhow::ensure!(
        checksum == expected,
        "{name} gives other outputs: checksum {checksum:016x}, expected that of Rust, {expected:016x}; there is nothing to compare"
    );
    Ok(())
}

fn measure(mut case: Case, rounds: u32, has_c: bool) -> anyhow::Result<Row> {
    let around = Surroundings::new(&case);
    let compile_ms = around.compile_ns(COMPILATIONS)? / 1e6;
    let (checked, unchecked) = (around.native(true)?, around.native(false)?);
    let code_bytes = checked.code_len();
    let script = |program| Box::new(ScriptForm::new(&around, program, &case.stream));
    let mut columns = vec![
        Column::new("native", script(Box::new(checked)), 1),
        Column::new("native, unchecked", script(Box::new(unchecked)), 1),
        Column::new("interpreter", script(around.interpreted()?), INTERPRETED_ROUNDS),
    ];
    // Processes are started where they are to run.
    if let Some(core) = rt::cores().last() {
        let _ = rt::pin(*core);
    }
    let _ = rt::fifo(40);
    let directory = Scratch::new(case.name)?;
    if has_c {
        for (name, level) in [("C -O2", "-O2"), ("C -O3", "-O3")] {
            columns.push(Column::new(name, Box::new(Process::start(&case, level, &directory.0)?), 1));
        }
    }
    let rust = std::mem::replace(&mut case.rust, Box::new(Nothing));
    columns.push(Column::new("Rust", rust, 1));
    for column in &mut columns {
        column.passes = passes_for(&mut *column.subject, AT_LEAST_NS).with_context(|| column.name)?;
    }
    for round in 0..rounds {
        let mut order: Vec<&mut Column> =
            columns.iter_mut().filter(|column| round % column.every == 0).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for column in order {
            column.round(round, case.checksum)?;
        }
    }
    row(&case, &columns, compile_ms, code_bytes)
}

fn row(case: &Case, columns: &[Column], compile_ms: f64, code_bytes: usize) -> anyhow::Result<Row> {
    let find = |name: &str| columns.iter().find(|column| column.name == name);
    let get = |name: &str| find(name).with_context(|| format!("no column {name}"));
    let (native, rust, interpreter) = (get("native")?, get("Rust")?, get("interpreter")?);
    let over = |peer: &Column| bootstrap::ratio(&native.programs(), &peer.programs());
    let (over_c, over_rust) = (find("C -O2").and_then(over), over(rust).context("no rounds")?);
    let interval = |ratio: &Ratio| [ratio.low, ratio.high];
    Ok(Row {
        name: case.name,
        title: case.title,
        lines: case.rhai.lines().count(),
        native_ns: native.ns(),
        native_unchecked_ns: get("native, unchecked")?.ns(),
        interpreted_ns: interpreter.ns(),
        rust_ns: rust.ns(),
        c_o2_ns: find("C -O2").map(Column::ns),
        c_o3_ns: find("C -O3").map(Column::ns),
        c_ns: find("C -O2").map(Column::ns),
        native_over_c: over_c.map(|ratio| ratio.ratio),
        native_over_c_interval: over_c.as_ref().map(interval),
        native_over_rust: over_rust.ratio,
        native_over_rust_interval: interval(&over_rust),
        native_allocations: native.allocations(),
        interpreted_allocations: interpreter.allocations(),
        compile_ms,
        code_bytes,
        checksum: format!("{:016x}", case.checksum),
        copies: Copies {
            native_ns: native.copies_ns(),
            rust_ns: rust.copies_ns(),
            c_o2_ns: find("C -O2").map(Column::copies_ns),
            c_o3_ns: find("C -O3").map(Column::copies_ns),
        },
    })
}

impl Report {
    fn table(&self) -> String {
        let ns = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ns| format!("{ns:.0}"));
        let ratio = |value: Option<f64>, interval: Option<[f64; 2]>| match value.zip(interval) {
            Some((ratio, [low, high])) => format!("{ratio:.2} ({low:.2} to {high:.2})"),
            None => "-".to_owned(),
        };
        let mut text = String::from(
            "| program | native | unchecked | Rust | C -O2 | C -O3 | interpreter | native / C -O2 (95 %) | \
             native / Rust (95 %) | allocations | compile ms | code bytes | lines |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for row in &self.programs {
            text += &format!(
                "| {}: {} | {} | {} | {} | {} | {} | {} | {} | {} | {} / {:.0} | {:.2} | {} | {} |\n",
                row.name,
                row.title,
                ns(Some(row.native_ns)),
                ns(Some(row.native_unchecked_ns)),
                ns(Some(row.rust_ns)),
                ns(row.c_o2_ns),
                ns(row.c_o3_ns),
                ns(Some(row.interpreted_ns)),
                ratio(row.native_over_c, row.native_over_c_interval),
                ratio(Some(row.native_over_rust), Some(row.native_over_rust_interval)),
                row.native_allocations,
                row.interpreted_allocations,
                row.compile_ms,
                row.code_bytes,
                row.lines,
            );
        }
        let compiler = self.compiler.as_deref().unwrap_or("no gcc");
        text += &format!(
            "\nns a cycle, medians of {} rounds over {} cycles each, without inputs and outputs; all outputs equal; {compiler}\n",
            self.rounds, self.cycles
        );
        text
    }
}

/// Where a subject was that is now in a column.
struct Nothing;

impl Subject for Nothing {
    fn run(&mut self, _work: Work, _passes: u32) -> anyhow::Result<subject::Pass> {
        anyhow::bail!("the program has been taken away")
    }
}

/// A directory that goes away.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir().join(format!("sensai-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(Self(directory))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
