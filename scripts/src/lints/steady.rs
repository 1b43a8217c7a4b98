//! Blocks in which time passes are called once in every cycle.
//!
//! For every block of the state it is counted how often it is called on the way through a cycle: on the way with the
//! fewest calls, and on the one with the most. An element of an array counts where its index is known: a number, or the
//! variable of a `for` over a known range.

use super::{
    Program, calls,
    effects::{Count, Element, Flow, Site},
    paths,
};
use crate::{
    finding::code,
    hir::{FunctionId, Hir, Type},
    sink::{Found, Sink},
};
use std::cell::Cell;

pub(super) fn lint(program: &Program<'_>, sink: &mut Sink) {
    let hir = program.hir;
    let mut summaries: Vec<Flow> = Vec::with_capacity(hir.functions.len());
    let work = Cell::new(0);
    for index in 0..hir.functions.len() as u32 {
        let flow = calls::summary(program, FunctionId(index), &summaries, &work);
        summaries.push(flow);
        if work.get() > calls::WORK_MAX {
            return;
        }
    }
    let Some(cycle) = summaries.get(hir.cycle.index()).and_then(|flow| flow.through.as_ref()) else { return };
    for (path, count) in cycle.counts() {
        let name = name(hir, path);
        if count.min == 0 {
            skipped(&name, count, sink);
        }
        if count.max > 1 {
            twice(&name, count, sink);
        }
    }
}

fn skipped(name: &str, count: &Count, sink: &mut Sink) {
    let Some(Site { file, span, method, .. }) = count.sites.first() else { return };
    let message = format!("`{name}.{method}` is not called in every cycle: then no time passes for `{name}`");
    let help =
        "call it once in every cycle, outside of all conditions, and put the condition into an argument";
    let found = Found::warning(code::EVERY_CYCLE, *file, *span, message).help(help);
    sink.add(match count.because {
        Some((file, span, why)) => found.related(file, span, why),
        None => found,
    });
}

fn twice(name: &str, count: &Count, sink: &mut Sink) {
    let Some(first) = count.sites.first() else { return };
    let last = count.sites.last().unwrap_or(first);
    let method = last.method;
    let message = format!(
        "`{name}.{method}` is called more than once in a cycle: time passes for `{name}` in each call"
    );
    let help = "call it once in every cycle; a second block counts for itself";
    let found = Found::warning(code::CALLED_TWICE, last.file, last.span, message).help(help);
    let again = first.span == last.span && first.file == last.file;
    let why =
        if again { "this place is come to several times in a cycle" } else { "it is called here before" };
    sink.add(found.related(first.file, first.span, why));
}

/// `this.stations[2].settle`.
fn name(hir: &Hir, path: &[Element]) -> String {
    let mut text = "this".to_owned();
    let mut ty = &hir.state;
    for element in path {
        match element {
            Element::Field(index) => {
                let Some((name, of)) = paths::field(ty, *index) else { break };
                text.push('.');
                text.push_str(&name);
                ty = of;
            }
            Element::At(index) => {
                text.push_str(&format!("[{index}]"));
                if let Type::Array(array) = ty {
                    ty = &array.element;
                }
            }
            Element::Each(_) => text.push_str("[i]"),
        }
    }
    text
}
