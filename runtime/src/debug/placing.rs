//! Which statement of which program a breakpoint of an editor means, and where the editor finds the text.

use super::{
    point::{Breakpoint, Count, message},
    probe::Probe,
};
use sensai_lsp::dap::{Placed, Source, Wanted};
use sensai_scripts::{debug::Subject, hir::FileId};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Files and breakpoints, as an editor names them.
pub(super) struct Placing {
    /// The cell's directory, as the editor sees it.
    cell: Option<PathBuf>,
    /// Texts that the editor does not have: path and text.
    texts: Vec<(String, Arc<str>)>,
    /// By path.
    breakpoints: Vec<(String, Vec<Breakpoint>)>,
    last_id: i64,
    /// Why there is no stopping: then a breakpoint must have a message.
    never_stops: Option<&'static str>,
}

impl Placing {
    pub fn new(cell: Option<PathBuf>, never_stops: Option<&'static str>) -> Self {
        Self { cell, texts: Vec::new(), breakpoints: Vec::new(), last_id: 0, never_stops }
    }

    /// Path relative to the cell's directory of a file that the editor names.
    fn relative(&self, probe: &Probe, source: &Source) -> Option<String> {
        if source.source_reference > 0 {
            let index = usize::try_from(source.source_reference).ok()?.checked_sub(1)?;
            return self.texts.get(index).map(|(path, _)| path.clone());
        }
        let path = Path::new(source.path.as_deref()?);
        let cell = self.cell.as_deref();
        if let Some(relative) = cell.and_then(|cell| path.strip_prefix(cell).ok()) {
            return Some(relative.to_string_lossy().replace('\\', "/"));
        }
        // The editor's cell may be a copy: the file is the one whose path ends alike.
        let files = probe.subjects().flat_map(|(_, subject)| subject.files());
        let found = files.map(|file| &file.path).find(|known| path.ends_with(known.as_str()));
        found.cloned()
    }

    /// How the editor finds a file of a program: on disk, if what is there is what ran; else the text itself.
    pub fn source(&mut self, subject: &Subject, file: usize) -> Option<Source> {
        let file = subject.files().get(file)?;
        let name = Some(file.path.clone());
        let on_disk = self.cell.as_ref().map(|cell| cell.join(&file.path));
        let same = |path: &PathBuf| std::fs::read(path).is_ok_and(|text| text == file.text.as_bytes());
        if let Some(path) = on_disk.filter(same) {
            return Some(Source { name, path: Some(path.display().to_string()), source_reference: 0 });
        }
        let known = self.texts.iter().position(|(path, text)| *path == file.path && *text == file.text);
        let index = known.unwrap_or_else(|| {
            self.texts.push((file.path.clone(), Arc::clone(&file.text)));
            self.texts.len() - 1
        });
        let name = Some(format!("{} (as recorded)", file.path));
        Some(Source { name, path: Some(file.path.clone()), source_reference: index as i64 + 1 })
    }

    /// A text that the editor does not have.
    pub fn text(&self, reference: i64) -> Option<String> {
        let index = usize::try_from(reference).ok()?.checked_sub(1)?;
        self.texts.get(index).map(|(_, text)| text.to_string())
    }

    /// Lines of a file at which a breakpoint can be.
    pub fn lines(&self, probe: &Probe, source: &Source, from: u32, to: u32) -> Vec<u32> {
        let Some(path) = self.relative(probe, source) else { return Vec::new() };
        let mut lines: Vec<u32> = Vec::new();
        for (_, subject) in probe.subjects() {
            for (index, file) in (0_u32..).zip(subject.files()).filter(|(_, file)| file.path == path) {
                let stops = subject.stops(FileId(index));
                lines.extend(stops.iter().map(|stop| file.position(stop.span.start).line));
            }
        }
        lines.retain(|line| (from..=to).contains(line));
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// The breakpoints of a file, all at once; one answer for each.
    pub fn set(&mut self, probe: &mut Probe, source: &Source, wanted: &[Wanted]) -> Vec<Placed> {
        let path = self.relative(probe, source);
        let mut placed = Vec::with_capacity(wanted.len());
        let mut set = Vec::new();
        for one in wanted {
            let (answer, breakpoint) = self.place(probe, path.as_deref(), one);
            placed.push(answer);
            set.extend(breakpoint);
        }
        if let Some(path) = path {
            self.breakpoints.retain(|(known, _)| *known != path);
            self.breakpoints.push((path, set));
        }
        let all = self.breakpoints.iter().flat_map(|(_, of)| of.iter().cloned());
        probe.set_breakpoints(all.collect());
        placed
    }

    fn place(&mut self, probe: &Probe, path: Option<&str>, wanted: &Wanted) -> (Placed, Option<Breakpoint>) {
        self.last_id += 1;
        let id = self.last_id;
        let bad = |text: String| {
            let placed = Placed { id, line: wanted.line, message: Some(text), ..Placed::default() };
            (placed, None)
        };
        let message = wanted.log_message.as_deref().filter(|text| !text.is_empty()).map(message);
        if let (Some(why), None) = (self.never_stops, &message) {
            return bad(why.to_owned());
        }
        let Some(path) = path else { return bad("the file is none of the cell's programs".into()) };
        let count = match wanted.hit_condition.as_deref().filter(|text| !text.trim().is_empty()) {
            Some(text) => match Count::parse(text) {
                Ok(count) => Some(count),
                Err(why) => return bad(why),
            },
            None => None,
        };
        let tasks: Vec<&String> = probe.subjects().filter_map(|(at, _)| Some(&probe.task(at)?.1)).collect();
        if let Some(task) = wanted.task.as_ref().filter(|task| !tasks.contains(task)) {
            return bad(format!("there is no task `{task}`"));
        }
        let found = probe
            .subjects()
            .find_map(|(_, subject)| Some((subject, subject.find(path, wanted.line, wanted.column)?)));
        let Some((subject, stop)) = found else {
            return bad("no statement that runs in a cycle is there or below".into());
        };
        if let Some(condition) = &wanted.condition {
            let functions = subject.functions_at(stop);
            let asked = functions.first().map(|function| subject.understand_at(*function, stop, condition));
            match asked {
                Some(Err(why)) => return bad(why),
                Some(Ok(of)) if !of.is_condition() => {
                    return bad(format!("a condition is a bool, `{condition}` is {}", of.kind()));
                }
                _ => {}
            }
        }
        let at = subject.files().get(stop.file.index()).map(|file| file.position(stop.span.start));
        let (line, column) = at.map_or((wanted.line, 1), |at| (at.line, at.column));
        let placed = Placed { id, verified: true, line, column: Some(column), message: None };
        let breakpoint = Breakpoint {
            id,
            path: path.to_owned(),
            line: wanted.line,
            column: wanted.column,
            condition: wanted.condition.clone(),
            task: wanted.task.clone(),
            count,
            message,
            hits: 0,
            complained: false,
        };
        (placed, Some(breakpoint))
    }
}
