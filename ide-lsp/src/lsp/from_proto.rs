//! What the editor says, in our words.

use super::{
    path_of,
    position::{Encoding, Lines},
};
use lsp_server::Notification;
use lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DidSaveTextDocumentParams, InitializeParams, PositionEncodingKind,
    TextDocumentContentChangeEvent, Uri,
};
use serde::de::DeserializeOwned;
use std::path::PathBuf;

/// What the editor can do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client {
    /// How it counts columns.
    pub encoding: Encoding,
    /// It takes text with places to be filled in.
    pub snippets: bool,
    /// It shows actions that cannot be done, with the reason.
    pub disabled_actions: bool,
    /// It can be asked to watch files.
    pub watches: bool,
    /// It can be told that inlay hints have changed.
    pub refreshes_hints: bool,
    /// It can be told that code lenses have changed.
    pub refreshes_lenses: bool,
}

/// What the editor says of itself.
pub fn client(params: serde_json::Value) -> Client {
    let Ok(params) = serde_json::from_value::<InitializeParams>(params) else { return Client::default() };
    let capabilities = params.capabilities;
    let encodings = capabilities.general.and_then(|general| general.position_encodings).unwrap_or_default();
    let utf8 = encodings.contains(&PositionEncodingKind::UTF8);
    let document = capabilities.text_document.unwrap_or_default();
    let item = document.completion.and_then(|completion| completion.completion_item);
    let actions = document.code_action;
    let workspace = capabilities.workspace.unwrap_or_default();
    let watched = workspace.did_change_watched_files;
    Client {
        encoding: if utf8 { Encoding::Utf8 } else { Encoding::Utf16 },
        snippets: item.and_then(|item| item.snippet_support).unwrap_or(false),
        disabled_actions: actions.and_then(|actions| actions.disabled_support).unwrap_or(false),
        watches: watched.and_then(|watched| watched.dynamic_registration).unwrap_or(false),
        refreshes_hints: workspace.inlay_hint.and_then(|of| of.refresh_support).unwrap_or(false),
        refreshes_lenses: workspace.code_lens.and_then(|of| of.refresh_support).unwrap_or(false),
    }
}

/// Something happened to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was opened.
    Opened { path: PathBuf, uri: String, version: i32, text: String },
    /// Its text changed.
    Changed { path: PathBuf, uri: String, version: i32, changes: Vec<TextDocumentContentChangeEvent> },
    /// It was written to disk.
    Saved(PathBuf),
    /// It is no longer open.
    Closed(PathBuf),
    /// Files changed on disk.
    OnDisk(Vec<PathBuf>),
}

/// `None` for what does not concern us: other messages, documents that are no files, and parameters that do not fit.
pub fn event(notification: Notification) -> Option<Event> {
    let path = |uri: &Uri| path_of(uri.as_str());
    match notification.method.as_str() {
        "textDocument/didOpen" => {
            let document = parse::<DidOpenTextDocumentParams>(notification)?.text_document;
            let (uri, version) = (document.uri.as_str().to_owned(), document.version);
            Some(Event::Opened { path: path(&document.uri)?, uri, version, text: document.text })
        }
        "textDocument/didChange" => {
            let params = parse::<DidChangeTextDocumentParams>(notification)?;
            let document = params.text_document;
            let (uri, version) = (document.uri.as_str().to_owned(), document.version);
            Some(Event::Changed { path: path(&document.uri)?, uri, version, changes: params.content_changes })
        }
        "textDocument/didSave" => {
            let params = parse::<DidSaveTextDocumentParams>(notification)?;
            Some(Event::Saved(path(&params.text_document.uri)?))
        }
        "textDocument/didClose" => {
            let params = parse::<DidCloseTextDocumentParams>(notification)?;
            Some(Event::Closed(path(&params.text_document.uri)?))
        }
        "workspace/didChangeWatchedFiles" => {
            let params = parse::<DidChangeWatchedFilesParams>(notification)?;
            Some(Event::OnDisk(params.changes.iter().filter_map(|change| path(&change.uri)).collect()))
        }
        _ => None,
    }
}

/// The text after changes, one after the other. Places beyond the text are its end.
pub fn changed(text: &str, changes: &[TextDocumentContentChangeEvent], encoding: Encoding) -> String {
    let mut text = text.to_owned();
    for change in changes {
        match change.range {
            None => text.clone_from(&change.text),
            Some(range) => {
                let bytes = Lines::new(&text, encoding).bytes(range);
                text.replace_range(bytes, &change.text);
            }
        }
    }
    text
}

fn parse<P: DeserializeOwned>(notification: Notification) -> Option<P> {
    serde_json::from_value(notification.params).ok()
}
