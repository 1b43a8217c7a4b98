//! The example cell as texts.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod drive;
pub mod models;

use sensai_model::config::{self, Report};
use std::{fs, path::PathBuf};

/// A path from the top of the workspace.
pub fn workspace(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// The example's `cell.toml`.
pub fn press_cell_text() -> String {
    fs::read_to_string(workspace("examples/pneumatic-press/cell.toml"))
        .expect("the example is part of the workspace")
}

/// The example's files, with `cell` as its `cell.toml`.
pub fn press_files(cell: &str) -> impl Fn(&str) -> Result<Vec<u8>, String> {
    files(cell.as_bytes())
}

/// A cell with just `cell.toml` and one program.
pub fn files(cell: &[u8]) -> impl Fn(&str) -> Result<Vec<u8>, String> {
    let cell = cell.to_vec();
    move |path| match path {
        "cell.toml" => Ok(cell.clone()),
        "programs/press.rhai" | "programs/main.rhai" => Ok(b"fn init() { #{} }\nfn cycle() {}\n".to_vec()),
        "programs/latin1.rhai" => Ok(b"// \xe9t\xe9\n".to_vec()),
        "programs/slow.rhai" | "programs/other.rhai" | "other/main.rhai" | "twin/press.rhai" => {
            Ok(b"fn init() { #{} }\nfn cycle() {}\n".to_vec())
        }
        path if path.starts_with("programs/task_") => Ok(b"fn init() { #{} }\nfn cycle() {}\n".to_vec()),
        "esi/cut.bin" => Ok(vec![0; 40]),
        _ => drive::image(path).or_else(|| models::file(path)).ok_or_else(|| "no such file".to_owned()),
    }
}

/// The example as it is.
pub fn load_press_cell() -> Report {
    config::load(press_files(&press_cell_text()))
}
