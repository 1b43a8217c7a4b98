//! What the server can do.

use super::{from_proto::Client, position::Encoding};
use crate::analysis::tokens;
use lsp_types::{
    CallHierarchyServerCapability, CodeActionKind, CodeActionOptions, CodeActionProviderCapability,
    CodeLensOptions, CompletionOptions, DocumentOnTypeFormattingOptions, ExecuteCommandOptions,
    FoldingRangeProviderCapability, HoverProviderCapability, InitializeResult, OneOf, PositionEncodingKind,
    RenameOptions, SelectionRangeProviderCapability, SemanticTokenModifier, SemanticTokenType,
    SemanticTokensFullOptions, SemanticTokensLegend, SemanticTokensOptions, SemanticTokensServerCapabilities,
    ServerCapabilities, ServerInfo, SignatureHelpOptions, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
};
use serde_json::{Value, json};

/// Modifiers of semantic tokens, in the order of their bits.
pub const MODIFIERS: [SemanticTokenModifier; 3] = [
    SemanticTokenModifier::DECLARATION,
    SemanticTokenModifier::READONLY,
    SemanticTokenModifier::DEFAULT_LIBRARY,
];

/// The kind of the action that makes a function of a selection.
pub const EXTRACT_FUNCTION: &str = "refactor.extract.function";

/// Set a parameter of a running cell.
pub const SET_PARAMETER: &str = "sensai.online.setParameter";
/// Force a tag of a running cell.
pub const FORCE: &str = "sensai.online.force";
/// Let a tag go.
pub const UNFORCE: &str = "sensai.online.unforce";
/// Let everything go that is forced.
pub const UNFORCE_ALL: &str = "sensai.online.unforceAll";
/// Reload programs of a running cell.
pub const RELOAD: &str = "sensai.online.reload";

/// Commands that an editor may have executed.
pub const COMMANDS: [&str; 5] = [SET_PARAMETER, FORCE, UNFORCE, UNFORCE_ALL, RELOAD];

/// The answer to `initialize`.
pub fn initialize_result(client: &Client) -> Value {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(TextDocumentSyncSaveOptions::Supported(true)),
        ..TextDocumentSyncOptions::default()
    };
    let work = WorkDoneProgressOptions::default();
    let capabilities = ServerCapabilities {
        position_encoding: Some(match client.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".into(), "\"".into(), ":".into()]),
            ..CompletionOptions::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: Some(vec!["(".into(), ",".into()]),
            ..SignatureHelpOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: work,
        })),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(
            SemanticTokensOptions {
                legend: SemanticTokensLegend {
                    token_types: tokens::Kind::ALL
                        .iter()
                        .map(|kind| SemanticTokenType::new(kind.name()))
                        .collect(),
                    token_modifiers: MODIFIERS.to_vec(),
                },
                range: Some(true),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            },
        )),
        call_hierarchy_provider: Some(CallHierarchyServerCapability::Simple(true)),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: Some(SelectionRangeProviderCapability::Simple(true)),
        inlay_hint_provider: Some(OneOf::Left(true)),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![
                CodeActionKind::QUICKFIX,
                CodeActionKind::REFACTOR_REWRITE,
                CodeActionKind::REFACTOR_EXTRACT,
            ]),
            ..CodeActionOptions::default()
        })),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: COMMANDS.map(str::to_owned).into(),
            work_done_progress_options: work,
        }),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_range_formatting_provider: Some(OneOf::Left(true)),
        document_on_type_formatting_provider: Some(DocumentOnTypeFormattingOptions {
            first_trigger_character: "}".into(),
            more_trigger_character: Some(vec![";".into(), "\n".into()]),
        }),
        ..ServerCapabilities::default()
    };
    let server_info = ServerInfo { name: "sensai".into(), version: Some(env!("CARGO_PKG_VERSION").into()) };
    // These types have no maps with odd keys and no failing serialisers, so there is always a value.
    serde_json::to_value(InitializeResult { capabilities, server_info: Some(server_info) })
        .unwrap_or_default()
}

/// What is asked of an editor that can watch files.
pub fn watch() -> Value {
    // Also what a cell's files name: models, golden vectors, images of EEPROMs.
    let watchers: Vec<Value> = ["**/*.rhai", "**/*.toml", "**/*.onnx", "**/*.json", "**/*.bin"]
        .iter()
        .map(|pattern| json!({ "globPattern": pattern }))
        .collect();
    let options = json!({ "watchers": watchers });
    let registration =
        json!({ "id": "files", "method": "workspace/didChangeWatchedFiles", "registerOptions": options });
    json!({ "registrations": [registration] })
}
