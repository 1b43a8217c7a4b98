//! The examples, for whoever holds something against all of them.

use std::{collections::BTreeMap, fs, path::Path};

pub type Files = BTreeMap<String, Vec<u8>>;

/// The files of every example, without its tests.
pub fn examples() -> Vec<(String, Files)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut cells = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let cell = entry.unwrap().path();
        if cell.join("cell.toml").is_file() {
            let mut files = Files::new();
            collect(&cell, &cell, &mut files);
            cells.push((cell.file_name().unwrap().to_string_lossy().into_owned(), files));
        }
    }
    assert!(cells.len() >= 2);
    cells
}

fn collect(cell: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(cell, &path, files);
        } else if !path.starts_with(cell.join("tests")) {
            let name = path.strip_prefix(cell).unwrap().to_str().unwrap().replace('\\', "/");
            files.insert(name, fs::read(path).unwrap());
        }
    }
}
