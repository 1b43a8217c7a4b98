//! Findings as people read them: the line, what is wrong with it, what to do.

use super::finding::{Finding, Severity, Sources};
use annotate_snippets::{
    AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle,
};

/// With or without terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    Plain,
    /// ANSI colours.
    Colour,
}

/// Findings shown with their lines; who has more than these will correct some and look again.
const SHOWN_MAX: usize = 50;

/// The `findings` in the order given, with the lines of `sources` they point to, and a closing count of all.
pub fn render(findings: &[Finding], sources: &Sources, style: Style) -> String {
    let mut out = render_each(findings, sources, style);
    out.push_str(&summary(findings));
    out
}

/// As [`render`], without the count.
pub fn render_each(findings: &[Finding], sources: &Sources, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for finding in findings.iter().take(SHOWN_MAX) {
        out.push_str(&renderer.render(&[group(finding, sources)]));
        out.push_str("\n\n");
    }
    if findings.len() > SHOWN_MAX {
        out.push_str(&format!("... and {} more\n\n", findings.len() - SHOWN_MAX));
    }
    out
}

/// `3 errors, 1 warning`, with a line end; empty if there is nothing to count.
fn summary(findings: &[Finding]) -> String {
    let count = |severity: Severity, name: &str| {
        let n = findings.iter().filter(|finding| finding.severity == severity).count();
        (n > 0).then(|| format!("{n} {name}{}", if n == 1 { "" } else { "s" }))
    };
    let all =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Hint, "hint")].into_iter();
    let counts: Vec<String> = all.filter_map(|(severity, name)| count(severity, name)).collect();
    if counts.is_empty() { String::new() } else { format!("{}\n", counts.join(", ")) }
}

fn group<'f>(finding: &'f Finding, sources: &'f Sources) -> Group<'f> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::NOTE.with_name("hint"),
    };
    let title = level.primary_title(finding.message.as_str()).id(finding.code);
    let mut group = title.elements(place(finding, sources));
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

fn place<'f>(finding: &'f Finding, sources: &'f Sources) -> Vec<Element<'f>> {
    let Some(text) = sources.text(&finding.path).filter(|_| !finding.span.is_empty()) else {
        return vec![Origin::path(finding.path.as_str()).into()];
    };
    let here = finding.related.iter().filter(|related| related.path == finding.path);
    let snippet = Snippet::source(text)
        .path(finding.path.as_str())
        .annotation(AnnotationKind::Primary.span(finding.span.clone()))
        .annotations(here.map(|related| {
            AnnotationKind::Context.span(related.span.clone()).label(related.message.as_str())
        }));
    vec![snippet.into()]
}
