//! What the editor says, in our words.

use super::path_of;
use lsp_server::Notification;
use lsp_types::{
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, Uri,
    notification::{
        DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument,
        Notification as _,
    },
};
use serde::de::DeserializeOwned;
use std::path::PathBuf;

/// Something happened to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its file.
    pub path: PathBuf,
    /// How the editor writes the path; it wants to hear it written the same way.
    pub uri: String,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It was opened, or its text changed: the whole text, and the editor's number for it.
    Text { text: String, version: i32 },
    /// It was written to disk.
    Saved,
    /// It is no longer open.
    Closed,
}

/// `None` for what does not concern us: other messages, documents that are no files, and parameters that do not fit.
pub fn event(notification: Notification) -> Option<Event> {
    match notification.method.as_str() {
        DidOpenTextDocument::METHOD => {
            let params: DidOpenTextDocumentParams = parse(notification)?;
            let document = params.text_document;
            at(&document.uri, EventKind::Text { text: document.text, version: document.version })
        }
        DidChangeTextDocument::METHOD => {
            let params: DidChangeTextDocumentParams = parse(notification)?;
            let document = params.text_document;
            // Whole texts were agreed on; the last one counts.
            let last = params.content_changes.into_iter().rfind(|change| change.range.is_none())?;
            at(&document.uri, EventKind::Text { text: last.text, version: document.version })
        }
        DidSaveTextDocument::METHOD => {
            let params: DidSaveTextDocumentParams = parse(notification)?;
            at(&params.text_document.uri, EventKind::Saved)
        }
        DidCloseTextDocument::METHOD => {
            let params: DidCloseTextDocumentParams = parse(notification)?;
            at(&params.text_document.uri, EventKind::Closed)
        }
        _ => None,
    }
}

fn at(uri: &Uri, kind: EventKind) -> Option<Event> {
    Some(Event { path: path_of(uri.as_str())?, uri: uri.as_str().to_owned(), kind })
}

fn parse<P: DeserializeOwned>(notification: Notification) -> Option<P> {
    serde_json::from_value(notification.params).ok()
}
