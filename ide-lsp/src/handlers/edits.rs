//! Requests that change texts.

use super::{Answer, Context, Refused, give, parse, path};
use crate::{
    analysis::{
        CELL_FILE, TextEdit, actions, apply, by_file, extract, format as style, rename as names, typing,
    },
    lsp::{capabilities, position::Lines, to_proto},
};
use lsp_types as lsp;
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

pub fn prepare_rename(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::TextDocumentPositionParams = parse(params)?;
    let (path, text, at) = context.at(&params)?;
    let Some((snapshot, _, place)) = context.state.place(&path, at) else { return Ok(Value::Null) };
    let at = names::prepare(&snapshot, &place).map_err(Refused::new)?;
    give(Lines::new(&text, context.client.encoding).range(at.range()))
}

pub fn rename(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::RenameParams = parse(params)?;
    let (path, _, at) = context.at(&params.text_document_position)?;
    let Some((snapshot, cell, place)) = context.state.place(&path, at) else { return Ok(Value::Null) };
    let edits = names::rename(&snapshot, &place, &params.new_name).map_err(Refused::new)?;
    if edits.iter().any(|edit| edit.at.path == CELL_FILE) {
        verify(context, &cell, &edits)?;
    }
    give(to_proto::workspace_edit(&edits, &mut context.texts(&cell)))
}

/// A name in `cell.toml` may be used where only the check of the whole cell knows: no error may be new.
fn verify(context: &mut Context<'_, '_>, cell: &Path, edits: &[TextEdit]) -> Result<(), Refused> {
    let mut changed = BTreeMap::new();
    for (file, edits) in by_file(edits) {
        let text = context.text(&cell.join(file))?;
        changed.insert(file.to_owned(), apply(&text, &edits));
    }
    let before = context.state.preview(cell, &BTreeMap::new());
    let after = context.state.preview(cell, &changed);
    if after.len() <= before.len() {
        return Ok(());
    }
    let is_new = |message: &str| !before.iter().any(|known| known.message == message);
    let why = after.iter().find(|finding| is_new(&finding.message));
    let why = why.map_or(String::new(), |finding| format!(": {}: {}", finding.at.path, finding.message));
    Err(Refused::new(format!("that would be an error{why}")))
}

pub fn actions(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::CodeActionParams = parse(params)?;
    let path = path(&params.text_document)?;
    let text = context.text(&path)?;
    let lines = Lines::new(&text, context.client.encoding);
    let can_say = context.client.disabled_actions;
    let within = lines.bytes(params.range);
    let selected = within.clone();
    let Some((snapshot, cell, relative)) = context.state.snapshot(&path) else { return Ok(Value::Null) };
    let found = context.state.findings(&cell);
    let found = found.get(&relative).map(Vec::as_slice).unwrap_or_default();
    let mut offered = Vec::new();
    let only = params.context.only.unwrap_or_default();
    let mut texts = context.texts(&cell);
    for action in actions::actions(&snapshot, &relative, within, found) {
        let mends = action.mends.as_ref();
        let mends = mends.map(|finding| to_proto::diagnostic(finding, &lines, &mut texts));
        if let Some(edit) = to_proto::workspace_edit(&action.edits, &mut texts) {
            offered.push(to_proto::action(&action, mends, edit));
        }
    }
    offered.retain(|action| action.kind.as_ref().is_none_or(|kind| is_wanted(&only, kind.as_str())));
    // It takes a look at the program as it would be, so it is done only where it was asked for.
    if is_wanted(&only, capabilities::EXTRACT_FUNCTION)
        && let Some(found) = extract::extract(&snapshot, &relative, selected)
    {
        let made = found.and_then(|found| {
            let edit = to_proto::workspace_edit(&found.edits, &mut texts);
            edit.map(|edit| (found.name, edit)).ok_or_else(|| "the file cannot be read".to_owned())
        });
        if made.is_ok() || can_say {
            offered.push(to_proto::extraction(made));
        }
    }
    give(offered)
}

/// True if actions of a kind were asked for: all, if none was named, and each with all that it is the beginning of.
fn is_wanted(only: &[lsp::CodeActionKind], kind: &str) -> bool {
    let is_below = |wanted: &lsp::CodeActionKind| {
        let rest = kind.strip_prefix(wanted.as_str());
        *wanted == lsp::CodeActionKind::EMPTY
            || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    only.is_empty() || only.iter().any(is_below)
}

pub fn format(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::DocumentFormattingParams = parse(params)?;
    formatted(context, &params.text_document, None)
}

pub fn format_range(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::DocumentRangeFormattingParams = parse(params)?;
    formatted(context, &params.text_document, Some(params.range))
}

pub fn format_typed(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::DocumentOnTypeFormattingParams = parse(params)?;
    let (path, text, at) = context.at(&params.text_document_position)?;
    if !is_program(&path) {
        return Ok(Value::Null);
    }
    let lines = Lines::new(&text, context.client.encoding);
    let edits = typing::typed("", &text, at, &params.ch);
    give(edits.iter().map(|edit| to_proto::text_edit(edit, &lines)).collect::<Vec<_>>())
}

fn is_program(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "rhai")
}

fn formatted(
    context: &mut Context<'_, '_>,
    document: &lsp::TextDocumentIdentifier,
    range: Option<lsp::Range>,
) -> Answer {
    let path = path(document)?;
    if !is_program(&path) {
        return Ok(Value::Null);
    }
    let text = context.text(&path)?;
    let lines = Lines::new(&text, context.client.encoding);
    let within = range.map_or(0..text.len(), |range| lines.bytes(range));
    let Some(edits) = style::format("", &text, within) else {
        return Err(Refused::new("what is no program stays as it is: mend its errors first"));
    };
    give(edits.iter().map(|edit| to_proto::text_edit(edit, &lines)).collect::<Vec<_>>())
}
