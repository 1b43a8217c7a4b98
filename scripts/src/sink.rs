//! Where findings are collected.

use crate::{
    ScriptFinding, Severity,
    finding::{Edit, Fix, Related},
    hir::{FileId, SourceFile, Span},
};
use std::collections::BTreeSet;

/// Findings about a program and the libraries it imports.
///
/// What is found in several instances of a function is kept once.
#[derive(Debug)]
pub struct Sink {
    files: Vec<SourceFile>,
    found: Vec<Found>,
    seen: BTreeSet<(u32, u32, u32, &'static str)>,
    errors: usize,
    /// Places of which nothing more is said.
    hushed: Vec<(FileId, Span)>,
}

/// A finding that is about to be reported.
#[derive(Clone, Debug)]
#[must_use]
pub struct Found {
    code: &'static str,
    severity: Severity,
    file: FileId,
    /// None: it is about the file as a whole.
    span: Option<Span>,
    message: String,
    help: String,
    related: Vec<(FileId, Span, String)>,
    fix: Option<Fix>,
}

impl Found {
    fn new(
        code: &'static str,
        severity: Severity,
        file: FileId,
        span: Option<Span>,
        message: impl Into<String>,
    ) -> Self {
        let (message, help) = (message.into(), String::new());
        Self { code, severity, file, span, message, help, related: Vec::new(), fix: None }
    }

    /// The program is refused.
    pub fn error(code: &'static str, file: FileId, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, file, Some(span), message)
    }

    /// The program runs, but probably does not do what was meant.
    pub fn warning(code: &'static str, file: FileId, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, file, Some(span), message)
    }

    /// Something to think about.
    pub fn hint(code: &'static str, file: FileId, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Hint, file, Some(span), message)
    }

    /// An error that is about a file as a whole.
    pub fn whole(code: &'static str, file: FileId, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, file, None, message)
    }

    /// What to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Another place that has to do with it.
    pub fn related(mut self, file: FileId, span: Span, message: impl Into<String>) -> Self {
        self.related.push((file, span, message.into()));
        self
    }

    /// A change of the same file after which it is gone.
    pub fn fix(mut self, title: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.fix = (!edits.is_empty()).then(|| Fix { title: title.into(), edits });
        self
    }

    /// The same, if it is one replacement.
    pub fn replace(self, span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        let title = if text.is_empty() { "leave it away".to_owned() } else { format!("write `{text}`") };
        self.fix(title, vec![Edit { start: span.start, end: span.end, text }])
    }
}

impl Sink {
    /// For these files: the program, then its libraries.
    pub fn new(files: Vec<SourceFile>) -> Self {
        Self { files, found: Vec::new(), seen: BTreeSet::new(), errors: 0, hushed: Vec::new() }
    }

    /// Say nothing more of these places: what is wrong there was said, and the rest may follow from it. It counts as an
    /// error nevertheless.
    pub(crate) fn hush(&mut self, places: Vec<(FileId, Span)>) {
        self.hushed = places;
    }

    /// Say everything again.
    pub(crate) fn speak(&mut self) {
        self.hushed.clear();
    }

    /// Report; what was said of the same place before is not said again.
    pub fn add(&mut self, found: Found) {
        let span = found.span.unwrap_or(Span::new(u32::MAX, found.message.len() as u32));
        if !self.seen.insert((found.file.0, span.start, span.end, found.code)) {
            return;
        }
        self.errors += usize::from(found.severity == Severity::Error);
        let hushed = found.span.is_some_and(|span| {
            let covers = |(file, place): &(FileId, Span)| {
                *file == found.file
                    && place.start <= span.start
                    && span.start < place.end.max(place.start + 1)
            };
            self.hushed.iter().any(covers)
        });
        if !hushed {
            self.found.push(found);
        }
    }

    /// True if something was said of a place, or of what is in it.
    pub(crate) fn is_told(&self, file: FileId, span: Span) -> bool {
        let overlaps = |other: Span| {
            other.start < span.end.max(span.start + 1) && span.start < other.end.max(other.start + 1)
        };
        self.found.iter().any(|found| found.file == file && found.span.is_some_and(overlaps))
    }

    /// Errors so far.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// True if the program is refused.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The files.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Text of a part of a file, as far as it is there.
    pub fn text(&self, file: FileId, span: Span) -> &str {
        let Some(text) = self.files.get(file.index()).map(|file| &file.text) else { return "" };
        text.get(span.start as usize..text.len().min(span.end as usize)).unwrap_or_default()
    }

    /// All findings, in the order of the texts.
    pub fn finish(self) -> Vec<ScriptFinding> {
        let Self { files, mut found, .. } = self;
        found.sort_by_key(|found| (found.file, found.span.map_or((0, 0), |span| (span.start, span.end))));
        found.into_iter().map(|found| finding(&files, found)).collect()
    }
}

fn finding(files: &[SourceFile], found: Found) -> ScriptFinding {
    let of = |id: FileId| files.get(id.index());
    let (name, path) =
        of(found.file).map_or((String::new(), String::new()), |file| (file.name.clone(), file.path.clone()));
    let place = found.span.zip(of(found.file)).map(|(span, file)| Place::new(file, span)).unwrap_or_default();
    let related = found.related.into_iter().filter_map(|(id, span, message)| {
        let file = of(id)?;
        let Place { line, column, len, start, end } = Place::new(file, span);
        Some(Related { path: file.path.clone(), line, column, len, start, end, message })
    });
    let related = related.collect();
    ScriptFinding {
        code: found.code,
        severity: found.severity,
        program: name,
        path,
        line: place.line,
        column: place.column,
        len: place.len,
        start: place.start,
        end: place.end,
        message: found.message,
        help: (!found.help.is_empty()).then_some(found.help),
        related,
        fix: found.fix,
    }
}

#[derive(Default)]
struct Place {
    line: u32,
    column: u32,
    len: u32,
    start: u32,
    end: u32,
}

impl Place {
    /// The length is that of the part in the first line.
    fn new(file: &SourceFile, span: Span) -> Self {
        let at = file.position(span.start);
        let text = file.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let len = text.lines().next().map_or(0, |line| line.chars().count()) as u32;
        Self { line: at.line, column: at.column, len, start: span.start, end: span.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_said_in_bytes_and_in_characters() {
        let file = SourceFile::new("a", "programs/a.rhai", "x;\nä = ö;\n".into());
        let mut sink = Sink::new(vec![file]);
        for _ in 0..2 {
            sink.add(
                Found::error("S216", FileId(0), Span::new(8, 10), "wrong").replace(Span::new(8, 10), "1"),
            );
        }
        assert_eq!((sink.errors(), sink.text(FileId(0), Span::new(8, 10))), (1, "ö"));
        let found = sink.finish();
        let [found] = &found[..] else { panic!("{found:?}") };
        assert_eq!((found.line, found.column, found.len, found.start, found.end), (2, 5, 1, 8, 10));
        assert_eq!(found.fix.as_ref().map(|fix| fix.apply("x;\nä = ö;\n")), Some("x;\nä = 1;\n".to_owned()));
    }

    #[test]
    fn an_edit_that_does_not_fit_changes_nothing() {
        let edit =
            |start, end| Fix { title: String::new(), edits: vec![Edit { start, end, text: "x".into() }] };
        assert_eq!(edit(1, 2).apply("aö"), "aö");
        assert_eq!(edit(2, 1).apply("abc"), "abc");
        assert_eq!(edit(9, 9).apply("abc"), "abc");
        assert_eq!(edit(3, 3).apply("abc"), "abcx");
    }
}
