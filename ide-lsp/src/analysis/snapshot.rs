//! A cell at one moment.

use super::written::Written;
use crate::host::{Host, Loaded, Subject};
use sensai_model::{Cell, cell::ProgramSource};
use sensai_scripts::{
    Analysed, Before, ScriptEnvironment,
    cost::CostReport,
    hir::{FileId, Span},
    syntax::{self, Parse},
};
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// The file that makes a directory a cell.
pub const CELL_FILE: &str = "cell.toml";

/// A cell at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Grows with every change.
    pub revision: u64,
    /// The cell as it was last without errors.
    pub loaded: Loaded,
    /// Its programs, looked at.
    pub units: Vec<Arc<Unit>>,
    /// Texts of the cell's files as they are now, by path.
    pub texts: BTreeMap<String, Arc<str>>,
    /// Keys and values of `cell.toml`.
    pub written: Arc<Written>,
    /// Nanoseconds that a work unit takes, if it is known.
    pub ns_per_unit: Option<f64>,
}

/// A program, looked at.
#[derive(Debug)]
pub struct Unit {
    /// What it sees.
    pub subject: Arc<Subject>,
    /// The cell it sees.
    pub cell: Arc<Cell>,
    /// Its text and those of its libraries.
    pub source: ProgramSource,
    /// What is known of it.
    pub analysed: Analysed,
    cost: OnceLock<Option<CostReport>>,
}

/// A byte of a file of the cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path relative to the cell's directory.
    pub path: String,
    /// The byte.
    pub at: usize,
}

impl Unit {
    /// Look at a program.
    pub fn new(subject: Arc<Subject>, cell: Arc<Cell>, source: ProgramSource) -> Self {
        let analysed = sensai_scripts::check(&source, &subject.environment(&cell), subject.tier);
        Self { subject, cell, source, analysed, cost: OnceLock::new() }
    }

    /// Look at a program again: most of its texts is as it was `before`, what it sees may be something else.
    pub fn again(before: &Self, subject: Arc<Subject>, cell: Arc<Cell>, source: ProgramSource) -> Self {
        let was = Before { source: &before.source, analysed: &before.analysed };
        let analysed = sensai_scripts::check_again(&source, &subject.environment(&cell), subject.tier, was);
        Self { subject, cell, source, analysed, cost: OnceLock::new() }
    }

    /// What a run costs at most; none: there are errors in the program. Computed when somebody asks for the first time.
    pub fn cost(&self) -> Option<&CostReport> {
        let report = || {
            let hir = self.analysed.hir.as_ref()?;
            Some(CostReport::of(hir, &self.environment()))
        };
        self.cost.get_or_init(report).as_ref()
    }

    /// What the program sees.
    pub fn environment(&self) -> ScriptEnvironment<'_> {
        self.subject.environment(&self.cell)
    }

    /// The number of a file in it.
    pub fn file(&self, path: &str) -> Option<FileId> {
        if self.source.path == path {
            return Some(FileId(0));
        }
        let library = self.source.libraries.iter().position(|library| library.path == path)?;
        Some(FileId(library as u32 + 1))
    }

    /// Path of a file.
    pub fn path(&self, file: FileId) -> &str {
        match file.index().checked_sub(1) {
            None => &self.source.path,
            Some(library) => self.source.libraries.get(library).map_or("", |library| &library.path),
        }
    }

    /// Text of a file.
    pub fn text(&self, file: FileId) -> &str {
        match file.index().checked_sub(1) {
            None => &self.source.text,
            Some(library) => self.source.libraries.get(library).map_or("", |library| &library.text),
        }
    }

    /// Part of a text.
    pub fn slice(&self, file: FileId, span: Span) -> &str {
        self.text(file).get(range(span)).unwrap_or_default()
    }

    /// The same program with other texts.
    pub fn with_texts(&self, text: impl Fn(&str) -> Option<Arc<str>>) -> Self {
        let mut source = self.source.clone();
        if let Some(text) = text(&source.path) {
            source.text = text;
        }
        let libraries = source.libraries.iter().cloned().map(|mut library| {
            if let Some(text) = text(&library.path) {
                library.text = text;
            }
            library
        });
        source.libraries = libraries.collect();
        Self::again(self, Arc::clone(&self.subject), Arc::clone(&self.cell), source)
    }

    /// True if it takes part in a file.
    pub fn has(&self, path: &str) -> bool {
        self.file(path).is_some()
    }
}

impl Snapshot {
    /// A cell of which all files are in memory: path relative to its directory, and bytes.
    pub fn of_files(host: &dyn Host, files: &BTreeMap<String, Vec<u8>>) -> Self {
        let read = |path: &str| files.get(path).cloned().ok_or_else(|| "it is not there".to_owned());
        let loaded = host.load(&read);
        let units = loaded.cell.iter().flat_map(|cell| {
            loaded.programs.iter().map(|subject| {
                let mut source = subject.source.clone();
                host.attach(&mut source, &read);
                Arc::new(Unit::new(Arc::clone(subject), Arc::clone(cell), source))
            })
        });
        let units = units.collect();
        let text = |(path, bytes): (&String, &Vec<u8>)| {
            let text = std::str::from_utf8(bytes).ok()?;
            Some((path.clone(), Arc::from(text)))
        };
        let texts: BTreeMap<String, Arc<str>> = files.iter().filter_map(text).collect();
        let written = texts.get(CELL_FILE).map(|text| Written::of(text)).unwrap_or_default();
        let ns_per_unit = host.ns_per_unit();
        Self { revision: 0, loaded, units, texts, written: Arc::new(written), ns_per_unit }
    }

    /// The cell, as it was last without errors.
    pub fn cell(&self) -> Option<&Arc<Cell>> {
        self.loaded.cell.as_ref()
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(AsRef::as_ref)
    }

    /// The first program that a file belongs to, and its number there.
    pub fn unit(&self, path: &str) -> Option<(&Arc<Unit>, FileId)> {
        self.units.iter().find_map(|unit| Some((unit, unit.file(path)?)))
    }

    /// All programs that a file belongs to.
    pub fn units_of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a Arc<Unit>, FileId)> {
        self.units.iter().filter_map(move |unit| Some((unit, unit.file(path)?)))
    }

    /// The tree of a program or library, also of one that nobody runs.
    pub fn tree(&self, path: &str) -> Option<Parse> {
        if !path.ends_with(".rhai") {
            return None;
        }
        let known = self.unit(path).and_then(|(unit, file)| unit.analysed.trees.get(file.index()));
        known.cloned().or_else(|| self.text(path).map(syntax::parse))
    }
}

/// A span as a range.
pub fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}
