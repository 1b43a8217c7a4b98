//! Where findings are collected, and byte offsets become lines and columns.

use super::finding::{Finding, Related, Rule, Severity};
use std::ops::Range;

/// Collects the findings of one file.
pub(crate) struct Sink<'s> {
    path: &'s str,
    text: &'s str,
    /// Byte offset of each line's start.
    lines: Vec<usize>,
    findings: Vec<Finding>,
    /// Of the files that this one names.
    others: Vec<Finding>,
}

/// Characters a message may have.
const MESSAGE_CHARS_MAX: usize = 400;

/// Names and texts of the file stand in messages: no escape sequence of theirs reaches a terminal, and no essay.
fn printable(message: &str) -> String {
    let mut out = String::with_capacity(message.len().min(4 * MESSAGE_CHARS_MAX));
    for c in message.chars().take(MESSAGE_CHARS_MAX) {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if message.chars().nth(MESSAGE_CHARS_MAX).is_some() {
        out.push_str(" ...");
    }
    out
}

impl<'s> Sink<'s> {
    /// For the file `path`, which holds `text`.
    pub(crate) fn new(path: &'s str, text: &'s str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self {
            path,
            text,
            lines: std::iter::once(0).chain(starts).collect(),
            findings: Vec::new(),
            others: Vec::new(),
        }
    }

    /// The text as written at `span`; empty if the span is not in the file.
    pub(crate) fn written(&self, span: &Range<usize>) -> &'s str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Record a finding; more can be said about it through the reference returned.
    pub(crate) fn push(
        &mut self,
        rule: Rule,
        span: &Range<usize>,
        key: &str,
        message: impl Into<String>,
    ) -> &mut Finding {
        let span = self.clip(span);
        let (line, column) = self.line_column(span.start);
        let written = self.written(&span);
        self.findings.push(Finding {
            severity: rule.severity(),
            code: rule.code(),
            rule: rule.text(),
            path: self.path.to_owned(),
            line,
            column,
            key: printable(key),
            message: printable(&message.into()),
            // A table is not a value somebody typed; its header or its braces would say nothing.
            got: (!written.is_empty() && written.len() <= 120 && !written.contains('\n'))
                .then(|| written.to_owned()),
            help: None,
            related: Vec::new(),
            span,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// A place in this file, for [`Finding::related`].
    pub(crate) fn place(&self, span: &Range<usize>, message: impl Into<String>) -> Related {
        let span = self.clip(span);
        let (line, column) = self.line_column(span.start);
        Related { path: self.path.to_owned(), line, column, message: message.into(), span }
    }

    /// True if something was found that stops the cell from running.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().chain(&self.others).any(|finding| finding.severity == Severity::Error)
    }

    /// Add the findings of a file that this one names.
    pub(crate) fn absorb(&mut self, other: Vec<Finding>) {
        self.others.extend(other);
    }

    /// All findings, in the order of the file; those of other files behind, in the order in which they were read.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.drop_echoes();
        self.findings.sort_by_key(|finding| (finding.span.start, finding.code));
        self.findings.append(&mut self.others);
        self.findings
    }

    /// After a syntax error the tree lacks what the parser could not read. What is only *absent* then, or stands on
    /// the broken line, is an echo of that error and not a mistake of its own.
    fn drop_echoes(&mut self) {
        let broken: Vec<u32> =
            self.findings.iter().filter(|f| f.code == Rule::Syntax.code()).map(|f| f.line).collect();
        if broken.is_empty() {
            return;
        }
        let absence = [Rule::MissingKey, Rule::UnknownDevice, Rule::UnknownTag, Rule::WrongPosition];
        let mut reported = Vec::new();
        self.findings.retain(|finding| {
            if finding.code == Rule::Syntax.code() {
                // One slip of the pen can upset the parser several times on its line; the first says it best.
                let first = !reported.contains(&finding.line);
                reported.push(finding.line);
                return first;
            }
            // A value that could not be read is replaced by one that stands nowhere.
            let nowhere = finding.span.is_empty();
            !nowhere
                && !broken.contains(&finding.line)
                && !absence.iter().any(|rule| rule.code() == finding.code)
        });
    }

    fn clip(&self, span: &Range<usize>) -> Range<usize> {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }

    fn line_column(&self, at: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count());
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column + 1).unwrap_or(u32::MAX))
    }
}
