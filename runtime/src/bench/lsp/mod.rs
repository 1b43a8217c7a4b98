//! `sensai bench lsp`: how long somebody who types waits for the language server.
//!
//! The server is this binary in a process of its own, and is spoken to over its standard input and output as an editor does. What is
//! measured is what an editor sees: from a change until the findings of that version have come, from a question until its
//! answer. The keystrokes are those of a random trace from a seed.

mod client;
mod scene;
mod trace;

use crate::cli::BenchLsp;
use anyhow::Context;
use client::{Client, Memory, uri};
use scene::Scene;
use serde::Serialize;
use serde_json::json;
use std::{fmt::Write, fs, path::Path, process::ExitCode};
use trace::{Typist, change};

const LINES: [usize; 3] = [100, 1000, 5000];
const TAGS: [usize; 3] = [10, 1000, 10_000];

/// What an ordinary keystroke may take at 5,000 lines, p99, ms: a picture of a screen that shows sixty a second.
const AIM_MS: f64 = 16.0;

/// Changes of each of the worst cases.
const WORST: u32 = 30;

/// Times of many, ms.
#[derive(Clone, Copy, Debug, Serialize)]
struct Times {
    p50: f64,
    p99: f64,
    longest: f64,
}

/// One size.
#[derive(Debug, Serialize)]
struct Row {
    lines: usize,
    tags: usize,
    /// From the start of the process to its greeting, ms.
    start_ms: f64,
    /// From opening the program to its findings, ms.
    open_ms: f64,
    /// From a keystroke to the findings of its version.
    diagnostics_ms: Times,
    completion_ms: Times,
    hover_ms: Times,
    memory: Memory,
}

/// A change after which much has to be looked at again.
#[derive(Debug, Serialize)]
struct Worst {
    what: &'static str,
    diagnostics_ms: Times,
}

#[derive(Debug, Serialize)]
struct Report {
    strokes: u32,
    aim_ms: f64,
    sizes: Vec<Row>,
    worst: Vec<Worst>,
}

/// Measure and print.
///
/// # Errors
/// The server does not do what it should, or the cells cannot be written.
pub fn run(arguments: &BenchLsp) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut sizes = Vec::new();
    for lines in LINES {
        for tags in TAGS {
            eprintln!("{lines} lines, {tags} tags");
            let cell = folder.path().join(format!("{lines}_{tags}"));
            Scene { lines, tags }.write(&cell)?;
            sizes.push(size(&cell, lines, tags, arguments.strokes)?);
        }
    }
    eprintln!("worst cases");
    let worst = vec![init(folder.path())?, renamed(folder.path())?, library(folder.path())?];
    let report = Report { strokes: arguments.strokes, aim_ms: AIM_MS, sizes, worst };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.table());
    }
    Ok(ExitCode::SUCCESS)
}

/// A document that is open.
struct Open {
    uri: String,
    version: i32,
}

impl Open {
    /// Open a file; how long its findings took, ms.
    fn file(client: &mut Client, path: &Path, language: &str) -> anyhow::Result<(Self, f64)> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let open = Self { uri: uri(path), version: 1 };
        let document = json!({ "uri": open.uri, "languageId": language, "version": 1, "text": text });
        let from = client.notify("textDocument/didOpen", json!({ "textDocument": document }))?;
        let (at, _) = client.findings(&open.uri, 1)?;
        Ok((open, ms(at - from)))
    }

    /// Change it; when that was, ns.
    fn change(&mut self, client: &mut Client, changes: &serde_json::Value) -> anyhow::Result<u64> {
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        client
            .notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }))
    }

    /// Change it and wait for its findings, ms.
    fn changed(&mut self, client: &mut Client, changes: &serde_json::Value) -> anyhow::Result<f64> {
        let from = self.change(client, changes)?;
        let (at, _) = client.findings(&self.uri, self.version)?;
        Ok(ms(at - from))
    }
}

fn size(cell: &Path, lines: usize, tags: usize, strokes: u32) -> anyhow::Result<Row> {
    let path = cell.join("programs/large.rhai");
    let (mut client, start) = Client::start(cell)?;
    let (mut open, open_ms) = Open::file(&mut client, &path, "rhai")?;
    let mut typist = Typist::new(&fs::read_to_string(&path)?, lines as u64);
    let (mut diagnostics, mut completion, mut hover) = (Vec::new(), Vec::new(), Vec::new());
    for stroke in 0..strokes {
        let edit = typist.stroke();
        diagnostics.push(open.changed(&mut client, &edit.changes)?);
        let document = json!({ "uri": open.uri });
        if stroke % 2 == 0 {
            let position = json!({ "line": edit.line, "character": edit.column });
            let asked = json!({ "textDocument": document, "position": position });
            completion.push(ms(client.request("textDocument/completion", asked)?.1));
        } else {
            let (line, character) = typist.a_name();
            let position = json!({ "line": line, "character": character });
            let asked = json!({ "textDocument": document, "position": position });
            hover.push(ms(client.request("textDocument/hover", asked)?.1));
        }
    }
    let memory = client.memory()?;
    client.stop()?;
    Ok(Row {
        lines,
        tags,
        start_ms: ms(start),
        open_ms,
        diagnostics_ms: times(diagnostics),
        completion_ms: times(completion),
        hover_ms: times(hover),
        memory,
    })
}

/// An edit in `init`, after which every field may be of another type.
fn init(folder: &Path) -> anyhow::Result<Worst> {
    let cell = folder.join("5000_1000");
    let path = cell.join("programs/large.rhai");
    let (line, column) = find(&path, "peak: 0.0")?;
    let (mut client, _) = Client::start(&cell)?;
    let (mut open, _) = Open::file(&mut client, &path, "rhai")?;
    // From a float to a whole number and back.
    let (from, to) = ((line, column + 6), (line, column + 9));
    let mut all = Vec::new();
    for number in 0..WORST {
        let changes = match number % 2 {
            0 => change(from, to, "0"),
            _ => change(from, (line, column + 7), "0.0"),
        };
        all.push(open.changed(&mut client, &changes)?);
    }
    client.stop()?;
    Ok(Worst { what: "an edit in `init`, 5,000 lines", diagnostics_ms: times(all) })
}

/// A tag gets another name in `cell.toml`: until the findings of the program that reads it.
fn renamed(folder: &Path) -> anyhow::Result<Worst> {
    let cell = folder.join("1000_10000");
    let (program, toml) = (cell.join("programs/large.rhai"), cell.join("cell.toml"));
    let text = fs::read_to_string(&program)?;
    let used = text.split("io.").nth(1).and_then(|rest| rest.split([',', ';', ' ']).next());
    let used = used.context("the program reads no tag")?;
    let (line, _) = find(&toml, &format!("{used} = "))?;
    let (mut client, _) = Client::start(&cell)?;
    let (shown, _) = Open::file(&mut client, &program, "rhai")?;
    let (mut open, _) = Open::file(&mut client, &toml, "toml")?;
    let column = used.len();
    let mut all = Vec::new();
    for number in 0..WORST {
        let changes = match number % 2 {
            0 => change((line, column), (line, column), "0"),
            _ => change((line, column), (line, column + 1), ""),
        };
        client.settle(&shown.uri)?;
        let from = open.change(&mut client, &changes)?;
        // Not before those of `cell.toml`, and with an error while the name is another one.
        let (at, _) = client.findings(&open.uri, open.version)?;
        let (program_at, found) = client.findings(&shown.uri, shown.version)?;
        anyhow::ensure!((found > 0) == (number % 2 == 0), "{found} findings after change {number} of a tag");
        all.push(ms(at.max(program_at) - from));
    }
    client.stop()?;
    Ok(Worst { what: "a tag renamed in `cell.toml`, 10,000 tags", diagnostics_ms: times(all) })
}

/// An edit of a library: until the findings of all programs that import it have come.
fn library(folder: &Path) -> anyhow::Result<Worst> {
    let cell = folder.join("library");
    Scene::library(&cell)?;
    let path = cell.join("lib/common.rhai");
    let (line, column) = find(&path, "value > most")?;
    let (mut client, _) = Client::start(&cell)?;
    let mut shown = Vec::new();
    for number in 0..scene::IMPORTERS {
        let program = cell.join(format!("programs/station_{number}.rhai"));
        shown.push(Open::file(&mut client, &program, "rhai")?.0);
    }
    let (mut open, _) = Open::file(&mut client, &path, "rhai")?;
    let place = ((line, column + 6), (line, column + 7));
    let mut all = Vec::new();
    for number in 0..WORST {
        client.settle(&open.uri)?;
        let from =
            open.change(&mut client, &change(place.0, place.1, if number % 2 == 0 { "<" } else { ">" }))?;
        let (mut at, _) = client.findings(&open.uri, open.version)?;
        for program in &shown {
            at = at.max(client.findings(&program.uri, program.version)?.0);
        }
        all.push(ms(at - from));
    }
    client.stop()?;
    Ok(Worst { what: "an edit of a library that 20 programs import", diagnostics_ms: times(all) })
}

/// Line and column of a text in a file; everything here is ASCII.
fn find(path: &Path, wanted: &str) -> anyhow::Result<(usize, usize)> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut lines = text.lines().enumerate();
    lines
        .find_map(|(line, text)| Some((line, text.find(wanted)?)))
        .with_context(|| format!("`{wanted}` is not in {}", path.display()))
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

fn times(mut all: Vec<f64>) -> Times {
    all.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (all.len() as f64 * share).ceil() as usize;
        all.get(place.clamp(1, all.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
    };
    Times { p50: at(0.5), p99: at(0.99), longest: at(1.0) }
}

impl Report {
    fn table(&self) -> String {
        let mut text = format!(
            "{} keystrokes for each size; ms, p50 / p99\n\n\
             | lines | tags | keystroke to findings | completion | hover | opened | started | memory, peak |\n\
             | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
            self.strokes
        );
        let two = |times: &Times| format!("{:.1} / {:.1}", times.p50, times.p99);
        for row in &self.sizes {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {:.0} | {:.0} | {:.0}, {:.0} MiB |",
                row.lines,
                row.tags,
                two(&row.diagnostics_ms),
                two(&row.completion_ms),
                two(&row.hover_ms),
                row.open_ms,
                row.start_ms,
                row.memory.resident as f64 / f64::from(1 << 20),
                row.memory.peak as f64 / f64::from(1 << 20),
            );
        }
        let _ = write!(text, "\n| worst cases | findings |\n| --- | ---: |\n");
        for row in &self.worst {
            let _ = writeln!(text, "| {} | {} |", row.what, two(&row.diagnostics_ms));
        }
        let ordinary = self.sizes.iter().filter(|row| row.lines == 5000);
        let most = ordinary.map(|row| row.diagnostics_ms.p99).fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "\naim: a keystroke at 5,000 lines in {} ms, p99; the slowest cell has {most:.1} ms",
            self.aim_ms
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_times_there_are() {
        let Times { p50, p99, longest } = times((1..=100).map(f64::from).rev().collect());
        assert_eq!((p50, p99, longest), (50.0, 99.0, 100.0));
        let Times { p50, p99, longest } = times(vec![7.0]);
        assert_eq!((p50, p99, longest), (7.0, 7.0, 7.0));
    }
}
