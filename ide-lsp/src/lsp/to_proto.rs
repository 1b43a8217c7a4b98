//! What we say, in the editor's words.

use crate::{Diagnostic, Severity};
use lsp_server::Notification;
use lsp_types::{
    DiagnosticSeverity, InitializeResult, NumberOrString, Position, PublishDiagnosticsParams, Range,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
    notification::{Notification as _, PublishDiagnostics},
};
use std::str::FromStr;

/// The answer to `initialize`: whole texts, positions in UTF-16 (the protocol's default).
pub fn initialize_result() -> serde_json::Value {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::FULL),
        save: Some(TextDocumentSyncSaveOptions::Supported(true)),
        ..TextDocumentSyncOptions::default()
    };
    let capabilities = ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        ..ServerCapabilities::default()
    };
    let server_info = ServerInfo { name: "sensai".into(), version: Some(env!("CARGO_PKG_VERSION").into()) };
    // These types have no maps with odd keys and no failing serialisers, so there is always a value.
    serde_json::to_value(InitializeResult { capabilities, server_info: Some(server_info) })
        .unwrap_or_default()
}

/// All findings of one file, replacing those said before. `None` if the URI is none.
pub fn publish(uri: &str, text: &str, findings: &[Diagnostic], version: Option<i32>) -> Option<Notification> {
    let uri = lsp_types::Uri::from_str(uri).ok()?;
    let diagnostics = findings.iter().map(|finding| diagnostic(finding, text)).collect();
    let params = PublishDiagnosticsParams { uri, diagnostics, version };
    Some(Notification::new(PublishDiagnostics::METHOD.into(), params))
}

fn diagnostic(finding: &Diagnostic, text: &str) -> lsp_types::Diagnostic {
    let severity = match finding.severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Information => DiagnosticSeverity::INFORMATION,
    };
    let help = finding.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    let end = finding.range.end.max(finding.range.start);
    lsp_types::Diagnostic {
        range: Range::new(position(text, finding.range.start), position(text, end)),
        severity: Some(severity),
        code: Some(NumberOrString::String(finding.code.clone())),
        source: Some("sensai".into()),
        message: format!("{}{help}", finding.message),
        ..lsp_types::Diagnostic::default()
    }
}

/// Line and UTF-16 column of a byte. One inside a character counts as its start, one beyond the text as its end.
/// Lines end in `\n`, `\r\n` or `\r`.
fn position(text: &str, byte: usize) -> Position {
    let before = text.get(..text.floor_char_boundary(byte)).unwrap_or(text);
    // Between the two bytes of a line end is still the old line.
    let before = if text.get(before.len()..).is_some_and(|rest| rest.starts_with('\n')) {
        before.strip_suffix('\r').unwrap_or(before)
    } else {
        before
    };
    let mut line = 0_u32;
    let mut start = 0;
    let mut chars = before.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = c == '\n' || c == '\r' && chars.peek().is_none_or(|(_, next)| *next != '\n');
        if ends {
            line = line.saturating_add(1);
            start = at + 1;
        }
    }
    let column = before.get(start..).unwrap_or_default().encode_utf16().count();
    Position::new(line, u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str, byte: usize) -> (u32, u32) {
        let position = position(text, byte);
        (position.line, position.character)
    }

    #[test]
    fn columns_count_utf16_units() {
        let text = "aé😀b\nzwei";
        let expected =
            [(0, 0), (0, 1), (0, 1), (0, 2), (0, 2), (0, 2), (0, 2), (0, 4), (0, 5), (1, 0), (1, 1)];
        for (byte, expected) in expected.into_iter().enumerate() {
            assert_eq!(at(text, byte), expected, "byte {byte}");
        }
        assert_eq!(at(text, 1000), (1, 4));
        assert_eq!(at("", 0), (0, 0));
    }

    #[test]
    fn all_three_line_ends() {
        let text = "a\r\nb\rc\nd";
        let expected = [(0, 0), (0, 1), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)];
        for (byte, expected) in expected.into_iter().enumerate() {
            assert_eq!(at(text, byte), expected, "byte {byte}");
        }
    }

    #[test]
    fn a_finding_carries_all_it_says() {
        let finding = Diagnostic {
            path: "p".into(),
            range: 6..8,
            severity: Severity::Warning,
            code: "S0101".into(),
            message: "an integer is stored in a float".into(),
            help: Some("write 7.0".into()),
        };
        let got = diagnostic(&finding, "é\nx = 7;");
        assert_eq!(got.range, Range::new(Position::new(1, 3), Position::new(1, 5)));
        assert_eq!(got.severity, Some(DiagnosticSeverity::WARNING));
        assert_eq!(got.code, Some(NumberOrString::String("S0101".into())));
        assert_eq!(got.message, "an integer is stored in a float\nhelp: write 7.0");
        #[expect(
            clippy::reversed_empty_ranges,
            reason = "a checker's mistake must not become an editor's error"
        )]
        let backwards = diagnostic(&Diagnostic { range: 5..2, ..finding }, "abcdefgh");
        assert_eq!(backwards.range, Range::new(Position::new(0, 5), Position::new(0, 5)));
    }

    proptest! {
        /// Going back from a position to a byte, the way an editor does, leads to the same character.
        #[test]
        fn an_editor_finds_the_place(text in "[ab\u{e9}\u{1f600}\n]{0,40}", byte in 0_usize..120) {
            let position = position(&text, byte);
            let lines: Vec<&str> = text.split('\n').collect();
            let line = lines[position.line as usize];
            let units: Vec<u16> = line.encode_utf16().collect();
            let column = String::from_utf16(&units[..position.character as usize]).expect("no half of a pair");
            let before: usize = lines[..position.line as usize].iter().map(|line| line.len() + 1).sum();
            prop_assert_eq!(before + column.len(), text.floor_char_boundary(byte.min(text.len())));
        }
    }
}
