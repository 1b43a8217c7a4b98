//! Arguments of what measures.

use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// `sensai bench …`
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// How exactly cycles start, with the whole cell at work
    Jitter(BenchJitter),
    /// What a cycle costs, step by step
    Cycle(BenchCycle),
    /// What a model costs: the inline engine against ONNX Runtime, one thread each
    Ai(BenchAi),
    /// How long an editor waits for the language server
    Lsp(BenchLsp),
    /// What a cell program costs: compiled and interpreted, against Rust and against C as made from Structured Text
    Script(BenchScript),
}

/// `sensai bench ai`
#[derive(Debug, Args)]
pub struct BenchAi {
    /// Turns that the 10,000 samples are divided into
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Result as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Draw the distributions into this SVG file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plot: Option<PathBuf>,
}

/// `sensai bench lsp`
#[derive(Debug, Args)]
#[command(
    after_help = "A server of its own is started for each cell, and spoken to as an editor does. The cells are made from a seed\nin a temporary folder."
)]
pub struct BenchLsp {
    /// Keystrokes for each size
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub strokes: u32,
    /// Result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `sensai bench script`
#[derive(Debug, Args)]
#[command(
    after_help = "The columns in C are built by gcc when they are measured. Where it is not on the PATH they stay empty."
)]
pub struct BenchScript {
    /// Rounds in which all columns take turns
    #[arg(long, default_value_t = 41, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `sensai bench jitter`
#[derive(Debug, Args)]
pub struct BenchJitter {
    /// The cell's directory
    #[arg(default_value = "examples/pneumatic-press", value_hint = ValueHint::DirPath)]
    pub cell: PathBuf,
    /// Alternate with Debian's cyclictest and give the ratios
    #[arg(long)]
    pub against_cyclictest: bool,
    /// Rounds
    #[arg(long, default_value_t = 10)]
    pub rounds: u32,
    /// Seconds a round
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Result as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Draw the distributions into this SVG file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plot: Option<PathBuf>,
}

/// `sensai bench cycle`
#[derive(Debug, Args)]
pub struct BenchCycle {
    /// The cell's directory
    #[arg(default_value = "examples/pneumatic-press", value_hint = ValueHint::DirPath)]
    pub cell: PathBuf,
    /// Cycles to measure
    #[arg(long, default_value_t = 60_000)]
    pub cycles: u64,
    /// Result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}
