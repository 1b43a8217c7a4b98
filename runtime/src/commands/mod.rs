//! One file a command: arguments in, text and exit code out.

mod access;
mod check;
pub(crate) mod ctl;
mod debug;
mod doctor;
mod explain;
pub(crate) mod host;
mod log;
mod lsp;
mod lsp_online;
mod models;
mod new;
mod reload;
mod replay;
mod retained;
mod run;
mod scan;
mod setup;
mod sim;
mod test;
mod top;

use crate::{
    bench,
    cli::{Bench, Cli, Command, Setup},
    rt,
    source::Source,
};
use anyhow::Context;
use clap::CommandFactory;
use sensai_model::Cell;
use std::{io::IsTerminal, path::Path, process::ExitCode, sync::Arc};

/// Do what the command line says.
///
/// # Errors
/// What went wrong, in one text.
pub fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    // A socket whose other end is gone must not end a command that speaks through it.
    let speaks = matches!(command, Command::Ctl(_) | Command::Top(_) | Command::Reload(_) | Command::Lsp(_));
    if !(speaks || matches!(command, Command::Run(_) | Command::Sim(_) | Command::Bench(_))) {
        rt::end_on_closed_pipe();
    }
    match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Ctl(arguments) => ctl::run(&arguments),
        Command::Reload(arguments) => reload::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Access(arguments) => access::run(&arguments),
        Command::Host(command) => host::run(&command),
        Command::Sim(arguments) => sim::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Log(command) => log::run(&command),
        Command::Retained(arguments) => retained::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Models(arguments) => models::run(&arguments),
        Command::Setup(Setup::Onnxruntime(arguments)) => setup::onnxruntime(&arguments),
        Command::Bench(Bench::Jitter(arguments)) => bench::jitter::run(&arguments),
        Command::Bench(Bench::Cycle(arguments)) => bench::cycle::run(&arguments),
        Command::Bench(Bench::Ai(arguments)) => bench::ai::run(&arguments),
        Command::Bench(Bench::Lsp(arguments)) => bench::lsp::run(&arguments),
        Command::Bench(Bench::Script(arguments)) => bench::script::run(&arguments),
        Command::Lsp(_) => lsp::run(),
        Command::DebugAdapter => debug::run(&debug::Wanted::default()),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "sensai", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { directory } => {
            std::fs::create_dir_all(&directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
            clap_mangen::generate_to(Cli::command(), &directory)
                .with_context(|| format!("cannot write man pages into {}", directory.display()))?;
            println!("man pages written into {}", directory.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Print to standard output. If nobody listens any more, what happened is still told by the exit code.
pub(crate) fn say(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
}

/// The cell in `directory`, with its files. Findings go to standard error.
pub(crate) fn load(directory: &Path) -> anyhow::Result<(Arc<Cell>, Source)> {
    checked(directory, Source::from_directory(directory))
}

/// As [`load`], for a run on this computer.
pub(crate) fn load_to_run(directory: &Path) -> anyhow::Result<(Arc<Cell>, Source)> {
    let mut source = Source::from_directory(directory);
    source.check_host();
    checked(directory, source)
}

fn checked(directory: &Path, mut source: Source) -> anyhow::Result<(Arc<Cell>, Source)> {
    let errors = source.errors();
    match source.findings.len() {
        0 => {}
        // Who runs a cell wants to know that something is doubtful; who writes it asks for what.
        doubtful if errors == 0 => {
            let (plural, it) = if doubtful == 1 { ("", "it") } else { ("s", "them") };
            eprintln!("{doubtful} warning{plural}; `sensai check {}` shows {it}", directory.display());
        }
        _ => eprint!("{}", source.render(std::io::stderr().is_terminal())),
    }
    let cell = source.cell.take().with_context(|| {
        let plural = if errors == 1 { "" } else { "s" };
        format!("the cell in {} has {errors} error{plural}", directory.display())
    })?;
    Ok((cell, source))
}

/// The cell in `directory`.
pub(crate) fn load_cell(directory: &Path) -> anyhow::Result<Arc<Cell>> {
    Ok(load(directory)?.0)
}
