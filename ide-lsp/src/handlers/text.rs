//! Requests that only look.

use super::{Answer, Context, Refused, give, parse, path};
use crate::{
    analysis::{
        Place, Snapshot, completion, definition, folding, hints, hover, lens, live, outline, selection,
        signature, symbol::Occurrence, tokens,
    },
    lsp::{position::Lines, to_proto, uri_of},
};
use lsp_types as lsp;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A place of a cell, and the text around it.
struct Asked {
    snapshot: Arc<Snapshot>,
    cell: PathBuf,
    place: Place,
    text: String,
}

fn asked(
    context: &mut Context<'_, '_>,
    params: &lsp::TextDocumentPositionParams,
) -> Result<Option<Asked>, Refused> {
    let (path, text, at) = context.at(params)?;
    let found = context.state.place(&path, at);
    Ok(found.map(|(snapshot, cell, place)| Asked { snapshot, cell, place, text }))
}

/// A file of a cell.
struct File {
    snapshot: Arc<Snapshot>,
    cell: PathBuf,
    path: String,
    text: String,
}

fn file(
    context: &mut Context<'_, '_>,
    document: &lsp::TextDocumentIdentifier,
) -> Result<Option<File>, Refused> {
    let path = path(document)?;
    let text = context.text(&path)?;
    let found = context.state.snapshot(&path);
    Ok(found.map(|(snapshot, cell, path)| File { snapshot, cell, path, text }))
}

pub fn hover(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::HoverParams = parse(params)?;
    let Some(asked) = asked(context, &params.text_document_position_params)? else { return Ok(Value::Null) };
    let lines = Lines::new(&asked.text, context.client.encoding);
    let mut found = hover::hover(&asked.snapshot, &asked.place);
    if let (Some((text, _)), Some(live)) = (&mut found, context.state.online.live(&asked.cell)) {
        text.push_str(&live::hover(&asked.snapshot, &asked.place, &live).unwrap_or_default());
    }
    give(found.map(|(text, at)| to_proto::hover(text, at.range(), &lines)))
}

pub fn completion(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::CompletionParams = parse(params)?;
    let Some(asked) = asked(context, &params.text_document_position)? else { return Ok(Value::Null) };
    let lines = Lines::new(&asked.text, context.client.encoding);
    let found = completion::completions(&asked.snapshot, &asked.place);
    give(found.map(|found| to_proto::completions(found, &lines, context.client.snippets)))
}

pub fn signature(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::SignatureHelpParams = parse(params)?;
    let Some(asked) = asked(context, &params.text_document_position_params)? else { return Ok(Value::Null) };
    give(signature::signature(&asked.snapshot, &asked.place).map(to_proto::signature))
}

fn locations<'l>(
    context: &mut Context<'_, '_>,
    cell: &Path,
    all: impl Iterator<Item = &'l crate::analysis::Location>,
) -> Vec<lsp::Location> {
    let mut texts = context.texts(cell);
    all.filter_map(|at| to_proto::location(at, &mut texts)).collect()
}

pub fn definition(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::GotoDefinitionParams = parse(params)?;
    let Some(asked) = asked(context, &params.text_document_position_params)? else { return Ok(Value::Null) };
    let found = definition::definition(&asked.snapshot, &asked.place);
    give(locations(context, &asked.cell, found.iter()))
}

pub fn references(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::ReferenceParams = parse(params)?;
    let Some(asked) = asked(context, &params.text_document_position)? else { return Ok(Value::Null) };
    let wanted = |found: &&Occurrence| params.context.include_declaration || !found.is_definition;
    let found = definition::references(&asked.snapshot, &asked.place);
    give(locations(context, &asked.cell, found.iter().filter(wanted).map(|found| &found.at)))
}

pub fn highlights(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::DocumentHighlightParams = parse(params)?;
    let Some(asked) = asked(context, &params.text_document_position_params)? else { return Ok(Value::Null) };
    let lines = Lines::new(&asked.text, context.client.encoding);
    let found = definition::highlights(&asked.snapshot, &asked.place);
    give(found.iter().map(|found| to_proto::highlight(found, &lines)).collect::<Vec<_>>())
}

pub fn document_symbols(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::DocumentSymbolParams = parse(params)?;
    let Some(file) = file(context, &params.text_document)? else { return Ok(Value::Null) };
    let lines = Lines::new(&file.text, context.client.encoding);
    let nodes = outline::outline(&file.snapshot, &file.path).into_iter();
    give(nodes.map(|node| to_proto::document_symbol(node, &lines)).collect::<Vec<_>>())
}

pub fn workspace_symbols(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::WorkspaceSymbolParams = parse(params)?;
    let mut symbols = Vec::new();
    for (snapshot, cell) in context.state.snapshots() {
        let mut texts = context.texts(&cell);
        for (node, at) in outline::search(&snapshot, &params.query) {
            if let Some(location) = to_proto::location(&at, &mut texts) {
                symbols.push(to_proto::workspace_symbol(node, location, at.path));
            }
        }
    }
    give(symbols)
}

pub fn tokens(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::SemanticTokensParams = parse(params)?;
    let Some(file) = file(context, &params.text_document)? else { return Ok(Value::Null) };
    let lines = Lines::new(&file.text, context.client.encoding);
    give(to_proto::semantic_tokens(&tokens::tokens(&file.snapshot, &file.path), &lines))
}

pub fn tokens_of_range(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::SemanticTokensRangeParams = parse(params)?;
    let Some(file) = file(context, &params.text_document)? else { return Ok(Value::Null) };
    let lines = Lines::new(&file.text, context.client.encoding);
    let within = lines.bytes(params.range);
    let mut all = tokens::tokens(&file.snapshot, &file.path);
    all.retain(|token| token.range.start < within.end && within.start < token.range.end);
    give(to_proto::semantic_tokens(&all, &lines))
}

pub fn folding(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::FoldingRangeParams = parse(params)?;
    let Some(file) = file(context, &params.text_document)? else { return Ok(Value::Null) };
    let lines = Lines::new(&file.text, context.client.encoding);
    let folds = folding::folds(&file.snapshot, &file.path);
    give(folds.iter().map(|fold| to_proto::fold(fold, &lines)).collect::<Vec<_>>())
}

pub fn selection(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::SelectionRangeParams = parse(params)?;
    let Some(file) = file(context, &params.text_document)? else { return Ok(Value::Null) };
    let lines = Lines::new(&file.text, context.client.encoding);
    let selections = params.positions.iter().map(|position| {
        let ranges = selection::ranges(&file.snapshot, &file.path, lines.byte(*position));
        to_proto::selection(&ranges, &lines)
    });
    give(selections.collect::<Vec<_>>())
}

pub fn hints(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::InlayHintParams = parse(params)?;
    let Some(file) = file(context, &params.text_document)? else { return Ok(Value::Null) };
    let lines = Lines::new(&file.text, context.client.encoding);
    let within = lines.bytes(params.range);
    let mut hints = hints::hints(&file.snapshot, &file.path, within.clone());
    if let Some(live) = context.state.online.live(&file.cell) {
        hints = live::merged(hints, &file.snapshot, &file.path, within, &live);
    }
    give(hints.iter().map(|hint| to_proto::hint(hint, &lines)).collect::<Vec<_>>())
}

pub fn lenses(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::CodeLensParams = parse(params)?;
    let Some(file) = file(context, &params.text_document)? else { return Ok(Value::Null) };
    let lines = Lines::new(&file.text, context.client.encoding);
    let lenses = lens::lenses(&file.snapshot, &file.path);
    let live = context.state.online.live(&file.cell);
    let stale = live.and_then(|live| live::stale(&file.snapshot, &file.path, &live));
    let stale = stale.map(|at| to_proto::stale_lens(at.range(), &uri_of(&file.cell), &lines));
    give(stale.into_iter().chain(lenses.iter().map(|lens| to_proto::lens(lens, &lines))).collect::<Vec<_>>())
}
