//! `sensai lsp`: the findings of `sensai check`, in the editor.

use crate::source::Source;
use sensai_lsp::{Diagnostic, Overlay, Severity};
use sensai_model::config;
use std::{fs, path::Path, process::ExitCode};

/// Serve until the editor says goodbye.
pub fn run() -> anyhow::Result<ExitCode> {
    sensai_lsp::run_stdio(check)?;
    Ok(ExitCode::SUCCESS)
}

fn check(directory: &Path, overlay: &Overlay) -> Vec<Diagnostic> {
    let source = Source::read(|path| {
        let file = directory.join(path);
        match overlay.get(&file) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => fs::read(file).map_err(|error| error.to_string()),
        }
    });
    source.findings.into_iter().map(|finding| convert(directory, finding)).collect()
}

fn convert(directory: &Path, finding: config::Finding) -> Diagnostic {
    Diagnostic {
        path: directory.join(&finding.path),
        range: finding.span,
        severity: match finding.severity {
            config::Severity::Error => Severity::Error,
            config::Severity::Warning => Severity::Warning,
            config::Severity::Hint => Severity::Information,
        },
        code: finding.code.to_owned(),
        message: finding.message,
        help: finding.help,
    }
}
