//! What the editor asks, and what it is answered.
//!
//! Parameters that do not fit, places that are not there and files that are none of ours give an error or nothing; no
//! request ends the server.

mod calls;
mod edits;
pub mod online;
mod text;

use crate::{
    lsp::{from_proto::Client, path_of, position::Lines, to_proto::Texts},
    state::State,
};
use lsp_server::{ErrorCode, Request, Response};
use lsp_types::{TextDocumentIdentifier, TextDocumentPositionParams};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Why a request is not answered.
#[derive(Debug)]
pub struct Refused {
    pub code: ErrorCode,
    pub text: String,
}

impl Refused {
    pub fn new(text: impl Into<String>) -> Self {
        Self { code: ErrorCode::RequestFailed, text: text.into() }
    }
}

/// What a handler gives.
pub type Answer = Result<Value, Refused>;

/// What a handler may use.
pub struct Context<'c, 'h> {
    pub state: &'c mut State<'h>,
    pub client: Client,
}

/// Answer a request; `None`: the answer comes later.
pub fn answer(context: &mut Context<'_, '_>, request: Request) -> Option<Response> {
    let Request { id, method, params } = request;
    let answer = match method.as_str() {
        "textDocument/hover" => text::hover(context, params),
        "textDocument/completion" => text::completion(context, params),
        "textDocument/signatureHelp" => text::signature(context, params),
        "textDocument/definition" => text::definition(context, params),
        "textDocument/references" => text::references(context, params),
        "textDocument/documentHighlight" => text::highlights(context, params),
        "textDocument/prepareCallHierarchy" => calls::prepare(context, params),
        "callHierarchy/incomingCalls" => calls::incoming(context, params),
        "callHierarchy/outgoingCalls" => calls::outgoing(context, params),
        "textDocument/documentSymbol" => text::document_symbols(context, params),
        "workspace/symbol" => text::workspace_symbols(context, params),
        "textDocument/semanticTokens/full" => text::tokens(context, params),
        "textDocument/semanticTokens/range" => text::tokens_of_range(context, params),
        "textDocument/foldingRange" => text::folding(context, params),
        "textDocument/selectionRange" => text::selection(context, params),
        "textDocument/inlayHint" => text::hints(context, params),
        "textDocument/codeLens" => text::lenses(context, params),
        "textDocument/prepareRename" => edits::prepare_rename(context, params),
        "textDocument/rename" => edits::rename(context, params),
        "textDocument/codeAction" => edits::actions(context, params),
        "textDocument/formatting" => edits::format(context, params),
        "textDocument/rangeFormatting" => edits::format_range(context, params),
        "textDocument/onTypeFormatting" => edits::format_typed(context, params),
        "workspace/executeCommand" => match online::execute(context, &id, params) {
            Ok(()) => return None,
            Err(refused) => Err(refused),
        },
        "sensai/attach" => online::attach(context, params),
        "sensai/detach" => online::detach(context, params),
        "sensai/page" => page(params),
        _ => Err(Refused { code: ErrorCode::MethodNotFound, text: format!("{method} is not supported") }),
    };
    Some(match answer {
        Ok(value) => Response::new_ok(id, value),
        Err(refused) => Response::new_err(id, refused.code as i32, refused.text),
    })
}

/// The page about a code, as Markdown: the text behind the links of findings.
fn page(params: Value) -> Answer {
    let code = params.get("code").and_then(Value::as_str).unwrap_or_default();
    match sensai_scripts::pages::page(code) {
        Some(page) => Ok(page.into()),
        None => Err(Refused::new(format!("there is no page about `{code}`"))),
    }
}

/// The parameters of a request.
pub fn parse<P: DeserializeOwned>(params: Value) -> Result<P, Refused> {
    let wrong = |error| Refused { code: ErrorCode::InvalidParams, text: format!("parameters: {error}") };
    serde_json::from_value(params).map_err(wrong)
}

/// A result as the protocol has it.
pub fn give(value: impl Serialize) -> Answer {
    serde_json::to_value(value)
        .map_err(|error| Refused { code: ErrorCode::InternalError, text: error.to_string() })
}

/// The file of a document.
pub fn path(document: &TextDocumentIdentifier) -> Result<PathBuf, Refused> {
    let uri = document.uri.as_str();
    path_of(uri).ok_or_else(|| Refused::new(format!("`{uri}` is no file of this computer")))
}

impl Context<'_, '_> {
    /// The text of a file.
    pub fn text(&mut self, path: &Path) -> Result<String, Refused> {
        let none = || Refused::new(format!("`{}` cannot be read", path.display()));
        self.state.text(path).ok_or_else(none)
    }

    /// A file, its text and a byte of it.
    pub fn at(&mut self, params: &TextDocumentPositionParams) -> Result<(PathBuf, String, usize), Refused> {
        let path = path(&params.text_document)?;
        let text = self.text(&path)?;
        let at = Lines::new(&text, self.client.encoding).byte(params.position);
        Ok((path, text, at))
    }

    /// The files of a cell, to be shown.
    pub fn texts<'s>(&'s mut self, cell: &'s Path) -> Texts<'s> {
        let state = &mut *self.state;
        Texts::new(cell, self.client.encoding, move |path| state.text(path))
    }
}
