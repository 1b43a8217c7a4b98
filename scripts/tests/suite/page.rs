//! The examples of the pages about findings, and the cell that they stand in.

use sensai_model::{Cell, cell::Library, config};
use std::fs;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What an example shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Wrong,
    Right,
    /// What a program was before.
    Old,
}

/// A block of a page.
#[derive(Clone, Debug)]
pub struct Example {
    pub kind: Kind,
    /// `toml` instead of `rhai`.
    pub is_cell: bool,
    /// What stands behind the kind.
    pub words: Vec<String>,
    pub text: String,
    pub marks: Vec<Mark>,
}

/// What `^` under a line point at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub len: u32,
    /// What stands behind them.
    pub code: String,
}

impl Example {
    /// `call_depth` of `call_depth=4`.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.words.iter().find_map(|word| match word.split_once('=') {
            Some((known, value)) => (known == name).then_some(value),
            None => (word == name).then_some(""),
        })
    }
}

/// All blocks of a page that say `wrong`, `right` or `old`.
pub fn examples(page: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(words) = line.strip_prefix("```") else { continue };
        let text: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        let mut words = words.split_whitespace().map(str::to_owned);
        let language = words.next().unwrap_or_default();
        let kind = match words.next().as_deref() {
            Some("wrong") => Kind::Wrong,
            Some("right") => Kind::Right,
            Some("old") => Kind::Old,
            _ => continue,
        };
        let marks = marks(&text);
        examples.push(Example { kind, is_cell: language == "toml", words: words.collect(), text, marks });
    }
    examples
}

/// A comment of blanks and `^` is about the line above it; a `<` in front of them says that it begins in the first
/// column, where a comment cannot have a `^`.
pub fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut above = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let comment = line.trim_start().strip_prefix("//").or(line.trim_start().strip_prefix('#'));
        let mark = comment.map(str::trim_start).filter(|rest| rest.starts_with(['^', '<']));
        let Some(mark) = mark else {
            above = number;
            continue;
        };
        let (carets, code) = mark.split_once(' ').unwrap_or((mark, ""));
        let end = line.len() - mark.len() + carets.len();
        let column = if carets.starts_with('<') { 1 } else { line.len() - mark.len() + 1 };
        marks.push(Mark {
            line: above,
            column: column as u32,
            len: (end + 1 - column) as u32,
            code: code.trim().to_owned(),
        });
    }
    marks
}

/// `cell.toml` of `scripts/errors/README.md`, changed as the words of an example say; `tables` are put in place of those
/// of the same name.
pub fn cell_text(examples: &[&Example], tables: &[&str]) -> String {
    let page = fs::read_to_string(format!("{ROOT}/scripts/errors/README.md")).unwrap();
    let mut text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    let mut limits = String::new();
    let mut paths: Vec<(String, Option<String>)> = Vec::new();
    let mut twins = Vec::new();
    for (index, example) in examples.iter().enumerate() {
        let path = path(examples, index);
        match (example.word("twin"), example.word("library")) {
            (Some(_), _) => twins.push(path),
            (None, None) => paths.push((path, example.word("task").map(str::to_owned))),
            _ => {}
        }
        for name in ["call_depth", "operations"] {
            limits += &example.word(name).map(|value| format!("{name} = {value}\n")).unwrap_or_default();
        }
        if let Some(tier) = example.word("tier") {
            text = text.replacen("interval =", &format!("tier = \"{tier}\"\ninterval ="), 1);
        }
        if example.word("unit") == Some("none") {
            text = text.replace("programs = [\"main\"]\n", "programs = []\n");
        }
    }
    let list =
        |paths: &[String]| paths.iter().map(|path| format!("\"{path}\"")).collect::<Vec<_>>().join(", ");
    let of = |task: Option<&str>| -> Vec<String> {
        paths.iter().filter(|(_, of)| of.as_deref() == task).map(|(path, _)| path.clone()).collect()
    };
    if !of(None).is_empty() {
        text = text.replace("[\"programs/main.rhai\"]", &format!("[{}]", list(&of(None))));
    }
    if !of(Some("slow")).is_empty() {
        let programs = list(&of(Some("slow")));
        text += &format!("[tasks.slow]\ninterval = \"10ms\"\npriority = 20\nprograms = [{programs}]\n");
    }
    if !twins.is_empty() {
        text += &format!("[simulation]\ntwin = [{}]\n", list(&twins));
    }
    if !limits.is_empty() {
        text += &format!("[limits]\n{limits}");
    }
    for table in tables {
        let header = table.lines().next().unwrap_or_default();
        if let Some(start) = text.find(&format!("{header}\n")) {
            let end = text[start + 1..].find("\n[").map_or(text.len(), |at| start + 1 + at + 1);
            text.replace_range(start..end, "");
        }
        text = format!("{text}\n{table}");
    }
    text
}

/// Where an example lies in the cell: the first one of its kind is `main`, the next one `other`.
pub fn path(examples: &[&Example], index: usize) -> String {
    let example = examples[index];
    if let Some(library) = example.word("library") {
        return format!("lib/{library}.rhai");
    }
    let folder = if example.word("twin").is_some() { "twin" } else { "programs" };
    let same =
        |other: &&&Example| other.word("twin") == example.word("twin") && other.word("library").is_none();
    let before = examples[..index].iter().filter(same);
    // The base task always has a program `main`.
    let main = example.word("task").is_some() && before.clone().all(|other| other.word("task").is_some());
    let name = match before.count() + usize::from(main) {
        0 => "main".to_owned(),
        1 => "other".to_owned(),
        count => format!("other_{count}"),
    };
    format!("{folder}/{name}.rhai")
}

/// A file of the cell that the examples make.
pub fn read(examples: &[&Example], tables: &[&str], path: &str) -> Result<Vec<u8>, String> {
    if path == config::FILE_NAME {
        return Ok(cell_text(examples, tables).into_bytes());
    }
    let texts = (0..examples.len()).find(|index| self::path(examples, *index) == path);
    if let Some(index) = texts {
        return Ok(examples[index].text.clone().into_bytes());
    }
    if path == "programs/main.rhai" {
        return Ok(b"fn init() {\n    #{ }\n}\n\nfn cycle() { }\n".to_vec());
    }
    fs::read(format!("{ROOT}/examples/press-cell/{path}")).map_err(|error| error.to_string())
}

/// The cell that the examples make.
pub fn cell(examples: &[&Example]) -> Cell {
    let report = config::load(|path| read(examples, &[], path));
    let shown = report.render(config::Style::Plain);
    let mut cell = report.cell.unwrap_or_else(|| panic!("{shown}"));
    let libraries = |name: String| {
        let index = examples.iter().position(|example| example.word("library") == Some(&name))?;
        Some(Library { path: path(examples, index), text: examples[index].text.as_str().into(), name })
    };
    let slow = cell.slow_tasks.iter_mut().flat_map(|task| &mut task.programs);
    for program in cell.task.programs.iter_mut().chain(slow) {
        program.libraries =
            sensai_scripts::imports(&program.text).into_iter().filter_map(libraries).collect();
    }
    cell
}
