//! Cells of a size: what a server is measured with.

use crate::bench::random::Random;
use anyhow::Context;
use std::{fmt::Write, fs, path::Path};

/// Lines of a function of the large program, the empty one behind it included.
const FUNCTION_LINES: usize = 12;

/// Programs that import the library of [`Scene::library`].
pub const IMPORTERS: usize = 20;

/// A cell on disk.
pub struct Scene {
    /// Of the large program, about.
    pub lines: usize,
    /// Of the cell.
    pub tags: usize,
}

impl Scene {
    /// A cell with one program.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let programs = ["programs/large.rhai".to_owned()];
        put(folder, "cell.toml", &cell(self.tags, &programs))?;
        put(folder, "programs/large.rhai", &program(self.lines, self.tags))
    }

    /// A cell with a library that [`IMPORTERS`] programs of a hundred lines use.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn library(folder: &Path) -> anyhow::Result<()> {
        let name = |number: usize| format!("programs/station_{number}.rhai");
        let programs: Vec<String> = (0..IMPORTERS).map(name).collect();
        put(folder, "cell.toml", &cell(100, &programs))?;
        put(folder, "lib/common.rhai", LIBRARY)?;
        for path in &programs {
            let text = program(100, 100).replace("limited(", "common::limited(");
            put(folder, path, &format!("import \"common\" as common;\n\n{}", without_helper(&text)))?;
        }
        Ok(())
    }
}

const HELPER: &str = "fn limited(value, most) {\n    if value > most { most } else { value }\n}\n\n";
const LIBRARY: &str = "// Used by every station.\n\nfn limited(value, most) {\n    if value > most { most } else { value }\n}\n";

fn without_helper(text: &str) -> String {
    text.replace(&HELPER.replace("limited(", "common::limited("), "")
}

fn put(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Name of a tag; the first five of each ten are bools, the others floats.
pub fn tag(number: usize) -> String {
    format!("group_{}.tag_{}", number / 100, number % 100)
}

const fn is_bool(number: usize) -> bool {
    number % 10 < 5
}

fn cell(tags: usize, programs: &[String]) -> String {
    let programs: Vec<String> = programs.iter().map(|path| format!("\"{path}\"")).collect();
    let programs = programs.join(", ");
    let mut text = format!(
        "[cell]\nname = \"bench\"\n\n[tasks.main]\ninterval = \"10ms\"\nprograms = [{programs}]\n\n[tags]\n"
    );
    for number in 0..tags {
        let ty = match is_bool(number) {
            true => "type = \"bool\"",
            false => "type = \"f64\", unit = \"mm\"",
        };
        let _ = writeln!(text, "{} = {{ {ty}, description = \"signal {number}\" }}", tag(number));
    }
    text
}

/// A program of about so many lines: functions of the same form over other tags and fields.
fn program(lines: usize, tags: usize) -> String {
    let functions = (lines.saturating_sub(12) / (FUNCTION_LINES + 1)).max(1);
    let mut random = Random::new(lines as u64);
    let mut tag_of = |bool: bool| {
        let number = random.below(tags) / 10 * 10 + if bool { 1 } else { 6 };
        tag(number.min(tags - 1 - usize::from(bool) * 5))
    };
    let mut text = String::from("// Made for `sensai bench lsp`.\n\nfn init() {\n    #{ parts: array(");
    let _ = write!(
        text,
        "{functions}, #{{ delay: TON(), edge: R_TRIG(), count: 0, peak: 0.0, step: \"wait\" }}) }}\n}}\n\n"
    );
    text.push_str(HELPER);
    text.push_str("fn cycle() {\n    let sum = 0.0;\n");
    for number in 0..functions {
        let _ = writeln!(text, "    sum += this.parts[{number}].part_{number}(sum);");
    }
    text.push_str("}\n");
    for number in 0..functions {
        let (start, level) = (tag_of(true), tag_of(false));
        let _ = write!(
            text,
            "\n/// Part {number}.\nfn part_{number}(before) {{\n    this.delay.run(io.{start}, 0.{:02});\n    \
             this.edge.run(this.delay.Q);\n    let level = io.{level} + limited(before, 10.0);\n    \
             switch this.step {{\n        \"wait\" => if this.edge.Q {{ this.step = \"work\"; }}\n        \
             \"work\" => if level > 2.5 {{ this.count += 1; this.step = \"wait\"; }}\n    }}\n    \
             this.peak = max(this.peak, level);\n    this.peak - 0.5\n}}\n",
            number % 90 + 10,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn programs_have_the_lines_that_are_asked_for() {
        for lines in [100, 1000, 5000] {
            let got = program(lines, 1000).lines().count();
            assert!(got.abs_diff(lines) < lines / 8, "{got} lines instead of {lines}");
        }
    }

    #[test]
    fn cells_have_no_errors() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let large = folder.path().join("large");
        Scene { lines: 1000, tags: 1000 }.write(&large).expect("it can be written");
        let shared = folder.path().join("shared");
        Scene::library(&shared).expect("it can be written");
        for cell in [large, shared] {
            let source = Source::from_directory(&cell);
            assert!(source.findings.is_empty(), "{}", source.render(false));
        }
    }
}
