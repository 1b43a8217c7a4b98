//! Programs that people wrote.

use std::path::{Path, PathBuf};

/// A file and its text.
pub struct Program {
    pub path: PathBuf,
    pub text: String,
}

/// All programs of the examples, in the order of their paths.
pub fn examples() -> Vec<Program> {
    let mut paths = Vec::new();
    find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples"), &mut paths);
    paths.sort();
    assert!(paths.len() >= 4, "{paths:?}");
    let read = |path: PathBuf| Program { text: std::fs::read_to_string(&path).unwrap(), path };
    paths.into_iter().map(read).collect()
}

fn find(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rhai") {
            found.push(path);
        }
    }
}
