//! The project's chores: `cargo xtask test`, `cargo xtask editors`, `cargo xtask soak`, `cargo xtask fuzz`, `cargo xtask
//! script-fuzz` and `cargo xtask script-mutants`.
//!
//! Deliberately absent: anything the product needs at build or run time; `cargo build` alone builds all of it.

mod clock;
mod editors;
mod fuzz;
mod graph;
mod libtest;
mod mutants;
mod needs;
mod report;
mod run;
mod scripts;
mod soak;
mod steps;

use clap::{Parser, Subcommand};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Chores of the Sensai workspace
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check everything that fits in 15 minutes: format, lints, documentation, dependencies, all tests
    Test(steps::TestArguments),
    /// Check and pack the extension for VS Code, and run it and the language server under real editors
    Editors(editors::EditorArguments),
    /// Run tests with their full counts, which takes hours
    Soak(soak::SoakArguments),
    /// Let fuzz targets look for inputs that break the parsers' laws
    Fuzz(fuzz::FuzzArguments),
    /// Run generated programs in both script tiers and compare all they do; `-- --help` shows the options
    ScriptFuzz(scripts::ScriptArguments),
    /// Make mistakes in the code generator, one at a time, and see whether generated programs find them
    ScriptMutants(mutants::MutantArguments),
}

/// Where things are.
pub struct Places {
    /// Top of the checkout.
    pub workspace: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// Logs and installed tools.
    pub scratch: PathBuf,
}

impl Places {
    fn find() -> Result<Self, String> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or("xtask does not lie inside the workspace")?
            .to_path_buf();
        let metadata = graph::metadata(&workspace, &["--no-deps"])?;
        let target =
            metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
        let target = PathBuf::from(target);
        let scratch = target.join("xtask");
        std::fs::create_dir_all(&scratch)
            .map_err(|error| format!("cannot create {}: {error}", scratch.display()))?;
        Ok(Self { workspace, target, scratch })
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Places::find().and_then(|places| match arguments.chore {
        Chore::Test(arguments) => steps::test(&places, &arguments),
        Chore::Editors(arguments) => editors::editors(&places, &arguments),
        Chore::Soak(arguments) => soak::soak(&places, &arguments),
        Chore::Fuzz(arguments) => fuzz::fuzz(&places, &arguments),
        Chore::ScriptFuzz(arguments) => scripts::script_fuzz(&places, &arguments),
        Chore::ScriptMutants(arguments) => mutants::script_mutants(&places, &arguments),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
