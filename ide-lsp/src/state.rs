//! Cells, their snapshots, and what of them is shown.

use crate::{
    analysis::{
        CELL_FILE, Place, Snapshot, Unit, configuration,
        diagnostics::{self, Diagnostic},
        written::Written,
    },
    files::Files,
    host::{Host, Loaded, Subject},
    online::hub::Hub,
};
use sensai_model::cell::ProgramSource;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Folders of a cell that texts are looked for in, and how their names end.
const FOLDERS: [(&str, &str); 4] =
    [("programs", ".rhai"), ("twin", ".rhai"), ("lib", ".rhai"), ("models", ".toml")];

/// Texts in one folder that are looked at.
const TEXTS_MAX: usize = 512;

/// Everything the server remembers.
pub struct State<'h> {
    pub files: Files,
    host: &'h dyn Host,
    cells: BTreeMap<PathBuf, Known>,
    /// Cells that have to be looked at again.
    stale: BTreeSet<PathBuf>,
    /// Cells whose findings have to be told again.
    untold: BTreeSet<PathBuf>,
    /// Cell → its files with findings on the screen.
    shown: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    revision: u64,
    /// A snapshot that nobody needs: to take it apart takes as long as some answers.
    spent: Option<Arc<Snapshot>>,
    /// Cells that run.
    pub online: Hub,
}

/// A cell as it was last looked at.
struct Known {
    snapshot: Arc<Snapshot>,
    /// What the cell was made of: a change of one of these is a change of the cell.
    inputs: BTreeMap<String, Stamp>,
    /// Findings of the snapshot, if somebody has asked.
    found: Option<Arc<BTreeMap<String, Vec<Diagnostic>>>>,
    /// What was wrong with `cell.toml` and what it names, as it is now.
    findings: Vec<sensai_model::config::Finding>,
}

/// What of a file matters to the cell: of programs only that they are there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stamp {
    Bytes(Arc<[u8]>),
    IsText,
    Error(String),
}

/// All findings of one file.
pub struct Published {
    pub path: PathBuf,
    pub uri: Option<String>,
    pub version: Option<i32>,
    pub text: String,
    pub cell: PathBuf,
    pub findings: Vec<Diagnostic>,
}

impl<'h> State<'h> {
    pub fn new(host: &'h dyn Host) -> Self {
        Self {
            files: Files::default(),
            host,
            cells: BTreeMap::new(),
            stale: BTreeSet::new(),
            untold: BTreeSet::new(),
            shown: BTreeMap::new(),
            revision: 0,
            spent: None,
            online: Hub::new(host.online()),
        }
    }

    /// Something about a file is no longer as it was.
    pub fn changed(&mut self, path: &Path) {
        self.revision += 1;
        if let Some(cell) = self.cell_of(path) {
            self.untold.insert(cell.clone());
            self.stale.insert(cell);
        }
    }

    /// Nobody waits just now.
    pub fn rest(&mut self) {
        self.spent = None;
    }

    /// True if there is something to be told.
    pub fn is_untold(&self) -> bool {
        !self.untold.is_empty()
    }

    /// The nearest directory upwards that holds a `cell.toml`, on disk or in the editor.
    pub fn cell_of(&self, path: &Path) -> Option<PathBuf> {
        let holds = |folder: &&Path| self.files.exists(&folder.join(CELL_FILE));
        path.ancestors().skip(1).find(holds).map(Path::to_path_buf)
    }

    /// The cell of a file as it is now, and the file's path in it.
    pub fn snapshot(&mut self, path: &Path) -> Option<(Arc<Snapshot>, PathBuf, String)> {
        let cell = self.cell_of(path)?;
        let relative = path.strip_prefix(&cell).ok()?.to_str()?.replace('\\', "/");
        let snapshot = self.look(&cell);
        Some((snapshot, cell, relative))
    }

    /// All cells that something is open of, as they are now.
    pub fn snapshots(&mut self) -> Vec<(Arc<Snapshot>, PathBuf)> {
        let open: BTreeSet<PathBuf> = self.files.open().filter_map(|(path, _)| self.cell_of(path)).collect();
        open.into_iter().map(|cell| (self.look(&cell), cell)).collect()
    }

    /// A place in a cell.
    pub fn place(&mut self, path: &Path, at: usize) -> Option<(Arc<Snapshot>, PathBuf, Place)> {
        let (snapshot, cell, path) = self.snapshot(path)?;
        Some((snapshot, cell, Place { path, at }))
    }

    /// Look at a cell again, if something has changed.
    fn look(&mut self, cell: &Path) -> Arc<Snapshot> {
        let is_stale = self.stale.remove(cell);
        if let Some(known) = self.cells.get(cell).filter(|_| !is_stale) {
            return Arc::clone(&known.snapshot);
        }
        let before = self.cells.remove(cell);
        let known = self.build(cell, before.as_ref());
        self.spent = before.map(|before| before.snapshot);
        let snapshot = Arc::clone(&known.snapshot);
        self.cells.insert(cell.to_owned(), known);
        snapshot
    }

    fn build(&mut self, cell: &Path, before: Option<&Known>) -> Known {
        let host = self.host;
        let files = RefCell::new(&mut self.files);
        let read = |path: &str| {
            let bytes = files.borrow_mut().read(&cell.join(path))?;
            Ok(bytes.to_vec())
        };
        let stamp = |path: &str| match files.borrow_mut().read(&cell.join(path)) {
            Err(error) => Stamp::Error(error),
            Ok(bytes) if path.ends_with(".rhai") && std::str::from_utf8(&bytes).is_ok() => Stamp::IsText,
            Ok(bytes) => Stamp::Bytes(bytes),
        };
        let is_same = |known: &Known| known.inputs.iter().all(|(path, old)| stamp(path) == *old);
        let (loaded, inputs, findings) = match before.filter(|known| is_same(known)) {
            Some(known) => (known.snapshot.loaded.clone(), known.inputs.clone(), known.findings.clone()),
            None => {
                let asked = RefCell::new(BTreeSet::new());
                let noted = |path: &str| {
                    asked.borrow_mut().insert(path.to_owned());
                    read(path)
                };
                let loaded = host.load(&noted);
                let inputs = asked.into_inner().into_iter().map(|path| {
                    let stamp = stamp(&path);
                    (path, stamp)
                });
                let inputs = inputs.collect();
                let findings = loaded.findings.clone();
                let loaded = match (loaded.cell.is_some(), before) {
                    // While `cell.toml` is wrong, programs are shown what it said last.
                    (false, Some(known)) => {
                        Loaded { findings: findings.clone(), ..known.snapshot.loaded.clone() }
                    }
                    _ => loaded,
                };
                (loaded, inputs, findings)
            }
        };
        let texts = texts(cell, &loaded, &read);
        let old = before.map(|known| &known.snapshot);
        let units = match &loaded.cell {
            Some(of) => loaded
                .programs
                .iter()
                .map(|subject| unit(host, subject, of, &texts, &read, old.map(|old| &old.units[..])))
                .collect(),
            None => Vec::new(),
        };
        let toml = texts.get(CELL_FILE).map_or("", |text| text);
        let written = match old {
            Some(old) if old.text(CELL_FILE) == Some(toml) => Arc::clone(&old.written),
            _ => Arc::new(Written::of(toml)),
        };
        let snapshot = Snapshot {
            revision: self.revision,
            loaded,
            units,
            texts,
            written,
            ns_per_unit: host.ns_per_unit(),
        };
        Known { snapshot: Arc::new(snapshot), inputs, found: None, findings }
    }

    /// Findings of a cell as it is now.
    pub fn findings(&mut self, cell: &Path) -> Arc<BTreeMap<String, Vec<Diagnostic>>> {
        let snapshot = self.look(cell);
        let host = self.host;
        let Some(known) = self.cells.get_mut(cell) else { return Arc::default() };
        if let Some(found) = &known.found {
            return Arc::clone(found);
        }
        let is_wrong =
            known.findings.iter().any(|finding| finding.severity == sensai_model::config::Severity::Error);
        let found = match is_wrong && known.snapshot.loaded.cell.is_some() {
            // `sensai check` looks at no program of a cell that is wrong.
            true => {
                diagnostics::diagnostics(&Snapshot { units: Vec::new(), ..without_cell(&snapshot) }, host)
            }
            false => diagnostics::diagnostics(&snapshot, host),
        };
        let found = Arc::new(found);
        known.found = Some(Arc::clone(&found));
        found
    }

    /// What there is to say of the cells that have changed. A cell of which nothing is open any more falls silent.
    /// `is_enough`: the editor goes on typing; what is not told yet stays untold.
    pub fn publish(&mut self, is_enough: &dyn Fn() -> bool) -> Vec<Published> {
        let mut all = Vec::new();
        while let Some(cell) = self.untold.first().cloned() {
            if is_enough() {
                break;
            }
            self.untold.remove(&cell);
            let open: Vec<PathBuf> = self.files.open().map(|(path, _)| path.clone()).collect();
            let live: Vec<PathBuf> =
                open.into_iter().filter(|path| self.cell_of(path).as_ref() == Some(&cell)).collect();
            let found = if live.is_empty() { Arc::default() } else { self.findings(&cell) };
            let mut by_file: BTreeMap<PathBuf, Vec<Diagnostic>> =
                live.iter().map(|path| (path.clone(), Vec::new())).collect();
            for (path, list) in found.iter() {
                by_file.entry(cell.join(path)).or_default().extend(list.iter().cloned());
            }
            let now = by_file.iter().filter(|(_, found)| !found.is_empty()).map(|(path, _)| path.clone());
            let before = self.shown.insert(cell.clone(), now.collect()).unwrap_or_default();
            for path in before {
                if let Entry::Vacant(entry) = by_file.entry(path) {
                    entry.insert(Vec::new());
                }
            }
            all.extend(by_file.into_iter().map(|(path, findings)| self.published(&cell, path, findings)));
            if live.is_empty() {
                self.cells.remove(&cell);
                self.shown.remove(&cell);
                self.files.forget(&cell);
            }
        }
        all
    }

    fn published(&mut self, cell: &Path, path: PathBuf, findings: Vec<Diagnostic>) -> Published {
        let document = self.files.document(&path);
        let (uri, version) = document.map(|of| (of.uri.clone(), of.version)).unzip();
        let text = if findings.is_empty() { String::new() } else { self.text(&path).unwrap_or_default() };
        Published { path, uri, version, text, cell: cell.to_owned(), findings }
    }

    /// The text of a file, if it is one.
    pub fn text(&mut self, path: &Path) -> Option<String> {
        String::from_utf8(self.files.read(path).ok()?.to_vec()).ok()
    }

    /// What would be wrong with a cell if files had other texts: errors only.
    pub fn preview(&mut self, cell: &Path, changed: &BTreeMap<String, String>) -> Vec<Diagnostic> {
        let host = self.host;
        let files = RefCell::new(&mut self.files);
        let read = |path: &str| match changed.get(path) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => files.borrow_mut().read(&cell.join(path)).map(|bytes| bytes.to_vec()),
        };
        let loaded = host.load(&read);
        let texts = texts(cell, &loaded, &read);
        let units = match &loaded.cell {
            Some(of) => {
                let programs = loaded.programs.iter();
                programs.map(|subject| unit(host, subject, of, &texts, &read, None)).collect()
            }
            None => Vec::new(),
        };
        let snapshot =
            Snapshot { revision: 0, loaded, units, texts, written: Arc::default(), ns_per_unit: None };
        let found = diagnostics::diagnostics(&snapshot, host);
        let all = found.into_values().flatten();
        all.filter(|finding| finding.severity == sensai_scripts::Severity::Error).collect()
    }
}

/// The snapshot of a cell that is wrong.
fn without_cell(snapshot: &Snapshot) -> Snapshot {
    let loaded = Loaded { cell: None, findings: snapshot.loaded.findings.clone(), programs: Vec::new() };
    Snapshot { loaded, ..snapshot.clone() }
}

/// Texts of a cell by path: the file itself, its programs, libraries and descriptions of models, also those that nobody uses.
fn texts(
    cell: &Path,
    loaded: &Loaded,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> BTreeMap<String, Arc<str>> {
    let mut paths: BTreeSet<String> = loaded.programs.iter().map(|of| of.source.path.clone()).collect();
    paths.insert(CELL_FILE.to_owned());
    paths.extend(
        loaded.cell.iter().flat_map(|of| &of.models).map(|model| configuration::description_of(&model.path)),
    );
    for (folder, end) in FOLDERS {
        let Ok(entries) = std::fs::read_dir(cell.join(folder)) else { continue };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let names = names.filter(|name| name.ends_with(end)).take(TEXTS_MAX);
        paths.extend(names.map(|name| format!("{folder}/{name}")));
    }
    let text = |path: String| Some((path.clone(), Arc::from(String::from_utf8(read(&path).ok()?).ok()?)));
    paths.into_iter().filter_map(text).collect()
}

/// A program, looked at; if nothing of it changed, as it was looked at before.
fn unit(
    host: &dyn Host,
    subject: &Arc<Subject>,
    cell: &Arc<sensai_model::Cell>,
    texts: &BTreeMap<String, Arc<str>>,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    old: Option<&[Arc<Unit>]>,
) -> Arc<Unit> {
    let mut source: ProgramSource = subject.source.clone();
    if let Some(text) = texts.get(&source.path) {
        source.text = Arc::clone(text);
    }
    host.attach(&mut source, read);
    let same = |unit: &&Arc<Unit>| {
        Arc::ptr_eq(&unit.subject, subject) && Arc::ptr_eq(&unit.cell, cell) && unit.source == source
    };
    let old = old.unwrap_or_default();
    if let Some(unit) = old.iter().find(same) {
        return Arc::clone(unit);
    }
    let (subject, cell) = (Arc::clone(subject), Arc::clone(cell));
    Arc::new(match old.iter().find(|unit| unit.source.path == source.path) {
        Some(before) => Unit::again(before, subject, cell, source),
        None => Unit::new(subject, cell, source),
    })
}
