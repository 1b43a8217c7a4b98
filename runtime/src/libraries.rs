//! Libraries of programs: files below `lib/` of the cell's folder.

use sensai_model::{
    Cell,
    cell::{Library, ProgramSource},
};
use std::sync::Arc;

/// Bytes of a library's text that are read.
pub const BYTES_MAX: usize = 1 << 20;

/// Folder of a cell's libraries.
pub const FOLDER: &str = "lib";

/// Path of the library of this name; `None`: no library can have it.
pub fn path_of(name: &str) -> Option<String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let good = name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(plain);
    good.then(|| format!("{FOLDER}/{name}.rhai"))
}

/// Give each program of a cell and its twin the libraries that its text imports. `read` gives the text of a path; one that
/// is not there is left out, and the check of the program says so.
pub fn attach(cell: &mut Cell, mut read: impl FnMut(&str) -> Option<Arc<str>>) {
    let slow = cell.slow_tasks.iter_mut().flat_map(|task| &mut task.programs);
    for program in cell.task.programs.iter_mut().chain(slow).chain(&mut cell.simulation.twin) {
        program.libraries = of_program(program, &mut read);
    }
}

/// Give one program the libraries that its text imports.
pub fn attach_one(program: &mut ProgramSource, mut read: impl FnMut(&str) -> Option<Arc<str>>) {
    program.libraries = of_program(program, &mut read);
}

fn of_program(program: &ProgramSource, read: &mut impl FnMut(&str) -> Option<Arc<str>>) -> Arc<[Library]> {
    let names = sensai_scripts::imports(&program.text).into_iter();
    let library = |name: String| {
        let path = path_of(&name)?;
        Some(Library { text: read(&path)?, name, path })
    };
    names.filter_map(library).collect()
}

/// Between the texts of a bundle; no text has it.
const SEPARATOR: char = '\0';

/// A program's text with those of its libraries, as a log keeps what a reload replaced: the text alone, if there are none;
/// else each library's path and text behind it, separated by zeros.
pub fn bundle(program: &ProgramSource) -> Vec<u8> {
    let mut all = program.text.to_string();
    for library in program.libraries.iter() {
        all.extend([SEPARATOR]);
        all.push_str(&library.path);
        all.extend([SEPARATOR]);
        all.push_str(&library.text);
    }
    all.into_bytes()
}

/// The texts of a bundle by their paths; `path` is the program's.
pub fn unbundle<'t>(path: &'t str, bundle: &'t str) -> Vec<(&'t str, &'t str)> {
    let mut parts = bundle.split(SEPARATOR);
    let mut texts = vec![(path, parts.next().unwrap_or_default())];
    while let (Some(path), Some(text)) = (parts.next(), parts.next()) {
        texts.push((path, text));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::{bundle, path_of, unbundle};
    use sensai_model::cell::{Library, ProgramSource};

    #[test]
    fn a_bundle_has_all_texts() {
        let library = |name: &str| Library {
            name: name.into(),
            path: format!("lib/{name}.rhai"),
            text: format!("// {name}\n").into(),
        };
        let mut program = ProgramSource {
            name: "p".into(),
            path: "programs/p.rhai".into(),
            text: "fn init() {}\n".into(),
            libraries: [library("a"), library("b")].into(),
        };
        let text = String::from_utf8(bundle(&program)).unwrap();
        let all = [("programs/p.rhai", "fn init() {}\n"), ("lib/a.rhai", "// a\n"), ("lib/b.rhai", "// b\n")];
        assert_eq!(unbundle(&program.path, &text), all);
        program.libraries = [].into();
        assert_eq!(bundle(&program), program.text.as_bytes());
        assert_eq!(unbundle(&program.path, &program.text), all[..1]);
    }

    #[test]
    fn a_library_is_in_its_folder() {
        assert_eq!(path_of("motion_2").as_deref(), Some("lib/motion_2.rhai"));
        for name in ["", "../x", "a/b", "2x", "a.b", "é"] {
            assert_eq!(path_of(name), None, "{name}");
        }
    }
}
