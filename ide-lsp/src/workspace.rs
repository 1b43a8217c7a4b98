//! Open documents, the cells they belong to, and which files the editor shows findings for.

use crate::{
    Diagnostic, Overlay,
    lsp::{
        from_proto::{Event, EventKind},
        to_proto, uri_of,
    },
};
use lsp_server::Notification;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The file that makes a directory a cell.
const CELL_FILE: &str = "cell.toml";

/// Everything the server remembers.
#[derive(Debug, Default)]
pub struct Workspace {
    overlay: Overlay,
    /// Of open documents: how the editor writes the path, and its version of the text.
    open: BTreeMap<PathBuf, (String, i32)>,
    /// Cells that have to be checked again.
    stale: BTreeSet<PathBuf>,
    /// Cell → its files with findings on the screen.
    shown: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

impl Workspace {
    /// Take in an event; what follows from it comes out of [`Workspace::refresh`].
    pub fn apply(&mut self, event: Event) {
        if !is_ours(&event.path) {
            return;
        }
        // Before and after: closing an unsaved `cell.toml` may be the end of a cell.
        self.stale.extend(self.cell_of(&event.path));
        match event.kind {
            EventKind::Text { text, version } => {
                self.overlay.insert(event.path.clone(), text);
                self.open.insert(event.path.clone(), (event.uri, version));
            }
            EventKind::Saved => {}
            EventKind::Closed => {
                self.overlay.remove(&event.path);
                self.open.remove(&event.path);
            }
        }
        self.stale.extend(self.cell_of(&event.path));
    }

    /// Check what has changed and say what there is to say. A cell of which nothing is open any more falls silent.
    pub fn refresh(&mut self, check: impl Fn(&Path, &Overlay) -> Vec<Diagnostic>) -> Vec<Notification> {
        let mut messages = Vec::new();
        for cell in std::mem::take(&mut self.stale) {
            let live = self.open.keys().any(|path| self.cell_of(path).as_deref() == Some(cell.as_path()));
            let findings = if live { check(&cell, &self.overlay) } else { Vec::new() };
            let by_file = self.by_file(&cell, findings);
            let now =
                by_file.iter().filter(|(_, found)| !found.is_empty()).map(|(path, _)| path.clone()).collect();
            let before = self.shown.insert(cell, now).unwrap_or_default();
            let emptied =
                before.into_iter().filter(|path| !by_file.contains_key(path)).map(|path| (path, Vec::new()));
            let emptied: Vec<_> = emptied.collect();
            for (path, found) in by_file.into_iter().chain(emptied) {
                messages.extend(self.message(&path, &found));
            }
        }
        messages
    }

    /// Findings by file; the cell's open files are there also without any, so that the editor knows they were checked.
    fn by_file(&self, cell: &Path, findings: Vec<Diagnostic>) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
        let open = self.open.keys().filter(|path| self.cell_of(path).as_deref() == Some(cell));
        let mut by_file: BTreeMap<_, Vec<_>> = open.map(|path| (path.clone(), Vec::new())).collect();
        for finding in findings {
            by_file.entry(cell.join(&finding.path)).or_default().push(finding);
        }
        by_file
    }

    fn message(&self, path: &Path, findings: &[Diagnostic]) -> Option<Notification> {
        let (uri, version) = match self.open.get(path) {
            Some((uri, version)) => (uri.clone(), Some(*version)),
            None => (uri_of(path), None),
        };
        match self.overlay.get(path) {
            Some(text) => to_proto::publish(&uri, text, findings, version),
            // A file that cannot be read shows its findings at its start.
            None if findings.is_empty() => to_proto::publish(&uri, "", findings, version),
            None => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                to_proto::publish(&uri, &text, findings, version)
            }
        }
    }

    /// The nearest directory upwards that holds a `cell.toml`, on disk or in the editor.
    fn cell_of(&self, path: &Path) -> Option<PathBuf> {
        let holds = |folder: &&Path| {
            let file = folder.join(CELL_FILE);
            self.overlay.contains_key(&file) || file.is_file()
        };
        path.ancestors().skip(1).find(holds).map(Path::to_path_buf)
    }
}

fn is_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == CELL_FILE)
        || path.extension().is_some_and(|end| end == "rhai")
}
