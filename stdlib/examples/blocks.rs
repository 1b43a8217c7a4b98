//! Print the reference of all blocks and functions, or write it to `docs/blocks.md`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let page = sensai_stdlib::registry::markdown::page();
    match std::env::args().nth(1).as_deref() {
        None => print!("{page}"),
        Some("--write") => {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/blocks.md");
            if let Err(error) = std::fs::write(path, page) {
                eprintln!("{path}: {error}");
                return ExitCode::FAILURE;
            }
        }
        Some(other) => {
            eprintln!("`{other}` is no option; usage: blocks [--write]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
