//! Requests about the hierarchy of calls.

use super::{Answer, Context, Refused, give, parse, path};
use crate::{
    analysis::{
        Location, Snapshot,
        calls::{self, Calls},
    },
    lsp::{position::Lines, to_proto},
};
use lsp_types as lsp;
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};

pub fn prepare(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::CallHierarchyPrepareParams = parse(params)?;
    let (path, _, at) = context.at(&params.text_document_position_params)?;
    let Some((snapshot, cell, place)) = context.state.place(&path, at) else { return Ok(Value::Null) };
    let Some(item) = calls::prepare(&snapshot, &place) else { return Ok(Value::Null) };
    give(to_proto::call_item(&item, &mut context.texts(&cell)).map(|item| vec![item]))
}

pub fn incoming(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::CallHierarchyIncomingCallsParams = parse(params)?;
    let calls = calls_of(context, &params.item, calls::incoming)?.into_iter();
    let calls = calls.map(|(from, from_ranges)| lsp::CallHierarchyIncomingCall { from, from_ranges });
    give(calls.collect::<Vec<_>>())
}

pub fn outgoing(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let params: lsp::CallHierarchyOutgoingCallsParams = parse(params)?;
    let calls = calls_of(context, &params.item, calls::outgoing)?.into_iter();
    let calls = calls.map(|(to, from_ranges)| lsp::CallHierarchyOutgoingCall { to, from_ranges });
    give(calls.collect::<Vec<_>>())
}

/// Calls of the function that an item is of, which the editor gives back as it was given.
fn calls_of(
    context: &mut Context<'_, '_>,
    item: &lsp::CallHierarchyItem,
    find: impl Fn(&Snapshot, &Location) -> Vec<Calls>,
) -> Result<Vec<(lsp::CallHierarchyItem, Vec<lsp::Range>)>, Refused> {
    let file = path(&lsp::TextDocumentIdentifier { uri: item.uri.clone() })?;
    let text = context.text(&file)?;
    let name = Lines::new(&text, context.client.encoding).bytes(item.selection_range);
    let found: Option<(Arc<Snapshot>, PathBuf, String)> = context.state.snapshot(&file);
    let Some((snapshot, cell, relative)) = found else { return Ok(Vec::new()) };
    let mut texts = context.texts(&cell);
    let calls = find(&snapshot, &Location::new(relative, name)).into_iter();
    Ok(calls.filter_map(|calls| to_proto::calls(&calls, &mut texts)).collect())
}
