//! A selection becomes a function of its own, which stands behind the one that it is taken out of.
//!
//! Variables that it reads are parameters, the one that it gives on is the result. What cannot be moved so is refused with the
//! reason. Then the program is looked at as it would be: what the check did not find before, it must not find after.

mod flow;
mod selection;

use super::{Snapshot, TextEdit, apply, bytes, format};
use flow::Flow;
use selection::Selected;
use sensai_scripts::{
    hir::FileId,
    syntax::{
        SyntaxKind as K, SyntaxNode,
        ast::{self, AstNode},
    },
};
use std::{ops::Range, sync::Arc};

/// A selection that has become a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// Name of the new function.
    pub name: String,
    /// The call where the selection was, and the function.
    pub edits: Vec<TextEdit>,
}

/// Make a function of a part of a text. None: nothing is selected, or nothing in a function.
///
/// # Errors
/// Why it cannot be one.
pub fn extract(snapshot: &Snapshot, path: &str, within: Range<usize>) -> Option<Result<Extraction, String>> {
    let (unit, file) = snapshot.unit(path)?;
    let text = unit.text(file);
    let part = text.get(within.clone())?;
    let start = within.start + (part.len() - part.trim_start().len());
    let within = start..start + part.trim().len();
    if within.is_empty() {
        return None;
    }
    let tree = unit.analysed.trees.get(file.index())?;
    let function = tree.root().functions().find(|function| {
        let body = function.body().map(|body| span(body.syntax()));
        body.is_some_and(|body| body.start < within.end && within.start < body.end)
    })?;
    let task = Task { snapshot, path, text, file, function };
    Some(task.extract(within))
}

/// All of a node, in bytes.
fn span(node: &SyntaxNode) -> Range<usize> {
    bytes(node.text_range())
}

struct Task<'s> {
    snapshot: &'s Snapshot,
    path: &'s str,
    text: &'s str,
    file: FileId,
    /// The function that holds the selection.
    function: ast::Fn,
}

impl Task<'_> {
    fn extract(&self, within: Range<usize>) -> Result<Extraction, String> {
        let units: Vec<_> = self.snapshot.units_of(self.path).collect();
        if units.iter().any(|(unit, _)| unit.analysed.has_errors()) {
            return Err("there are errors in the program: mend them first".to_owned());
        }
        let selected = Selected::of(self.function.syntax(), within.clone())?;
        let flow = Flow::of(self.snapshot, self.path, self.function.syntax(), &selected)?;
        let name = self.free_name();
        let edits = self.edits(&selected, &flow, &name)?;
        let after: Arc<str> = apply(self.text, &edits).into();
        for (unit, _) in units {
            let changed = unit.with_texts(|path| (path == self.path).then(|| Arc::clone(&after)));
            let count = |of: &super::Unit, code: &str| {
                of.analysed.findings.iter().filter(|finding| finding.code == code).count()
            };
            let findings = &changed.analysed.findings;
            let new = findings.iter().find(|found| count(&changed, found.code) > count(unit, found.code));
            if let Some(new) = new {
                return Err(format!("the check would find: {} ({})", new.message, new.code));
            }
        }
        Ok(Extraction { name, edits })
    }

    /// A name that stands nowhere in the programs that the text belongs to.
    fn free_name(&self) -> String {
        let is_free = |name: &String| {
            self.snapshot.units_of(self.path).all(|(unit, _)| {
                let mut texts = std::iter::once(&unit.source.text)
                    .chain(unit.source.libraries.iter().map(|library| &library.text));
                texts.all(|text| !text.contains(name.as_str()))
            })
        };
        let first = "extracted".to_owned();
        let others = (2..).map(|number: u32| format!("extracted_{number}"));
        std::iter::once(first.clone()).chain(others).find(is_free).unwrap_or(first)
    }

    fn edits(&self, selected: &Selected, flow: &Flow, name: &str) -> Result<Vec<TextEdit>, String> {
        let parameters: Vec<&str> = flow.parameters.iter().map(|variable| variable.name.as_str()).collect();
        let parameters = parameters.join(", ");
        let receiver = if flow.uses_this { "this." } else { "" };
        let call = format!("{receiver}{name}({parameters})");
        let call = match (&flow.result, selected) {
            (Some(result), _) if result.is_new => format!("let {} = {call}", result.name),
            (Some(result), _) => format!("{} = {call}", result.name),
            (None, _) => call,
        };
        let end = if selected.needs_semicolon(flow.result.is_some()) { ";" } else { "" };
        let function = self.function_text(selected, flow, name, &parameters)?;
        let behind = span(self.function.syntax()).end;
        let mut function = format!("\n\n{}", function.trim_end());
        if self.text.contains("\r\n") {
            function = function.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        Ok(vec![
            TextEdit::new(self.path, selected.range(), format!("{call}{end}")),
            TextEdit::new(self.path, behind..behind, function),
        ])
    }

    /// The new function in the one style.
    fn function_text(
        &self,
        selected: &Selected,
        flow: &Flow,
        name: &str,
        parameters: &str,
    ) -> Result<String, String> {
        // What only this library needs is its own.
        let private = if self.file.0 > 0 { "private " } else { "" };
        let mut text = format!("{private}fn {name}({parameters}) {{\n");
        for variable in flow.parameters.iter().filter(|variable| variable.is_copied) {
            // Elements and fields of parameters cannot be written, those of variables can.
            text.push_str(&format!("let {0} = {0};\n", variable.name));
        }
        let all = selected.range();
        let inner = selected.code_end();
        text.push_str(self.text.get(all.start..inner).unwrap_or_default());
        if flow.result.is_some() && !selected.ends_closed() {
            text.push(';');
        }
        text.push_str(self.text.get(inner..all.end).unwrap_or_default());
        text.push('\n');
        if let Some(result) = &flow.result {
            text.push_str(&format!("{}\n", result.name));
        }
        text.push_str("}\n");
        let edits = format::format("", &text, 0..text.len());
        edits.map(|edits| apply(&text, &edits)).ok_or_else(|| "this is no part of a function".to_owned())
    }
}

/// True if a text over several lines is in a node: its value depends on the column that it begins in.
fn has_long_text(node: &SyntaxNode) -> bool {
    let tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    tokens.filter(|token| token.kind() == K::String).any(|token| token.text().contains('\n'))
}

/// The nodes of loops.
const LOOPS: [K; 4] = [K::WhileExpr, K::LoopExpr, K::DoExpr, K::ForExpr];

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
