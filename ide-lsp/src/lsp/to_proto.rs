//! What we say, in the editor's words.

use super::{
    capabilities::MODIFIERS,
    position::{Encoding, Lines},
    uri_of,
};
use crate::{
    analysis::{
        Location, TextEdit,
        actions::Action,
        by_file,
        calls::{Calls, Item},
        completion::{Completion, Completions, Insert, Kind},
        definition::Highlight,
        diagnostics::Diagnostic,
        folding::Fold,
        hints::Hint,
        lens::Lens,
        outline,
        signature::Call,
        tokens::{self, Token},
    },
    state::Published,
};
use lsp_server::Notification;
use lsp_types as lsp;
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    path::Path,
    rc::Rc,
    str::FromStr,
};

/// Gives the text of a file.
type Read<'s> = dyn FnMut(&Path) -> Option<String> + 's;

/// The files of a cell, each read once for an answer, to count its lines.
pub struct Texts<'s> {
    cell: &'s Path,
    encoding: Encoding,
    read: Box<Read<'s>>,
    known: BTreeMap<String, Option<(lsp::Uri, Rc<Lines<'static>>)>>,
}

impl<'s> Texts<'s> {
    /// Of a cell: `read` gives the text of a file.
    pub fn new(cell: &'s Path, encoding: Encoding, read: impl FnMut(&Path) -> Option<String> + 's) -> Self {
        Self { cell, encoding, read: Box::new(read), known: BTreeMap::new() }
    }

    /// The URI of a file and its lines, if it can be read.
    fn file(&mut self, path: &str) -> Option<(lsp::Uri, Rc<Lines<'static>>)> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let file = self.cell.join(path);
        let uri = lsp::Uri::from_str(&uri_of(&file)).ok();
        let text = uri.and_then(|uri| Some((uri, (self.read)(&file)?)));
        let known = text.map(|(uri, text)| (uri, Rc::new(Lines::new(text, self.encoding))));
        self.known.insert(path.to_owned(), known.clone());
        known
    }
}

/// The place of the page about a code: a file beside the installation has none that an editor could open, so it is one of
/// our own scheme, whose text `sensai/page` gives.
fn page(code: &str) -> Option<lsp::CodeDescription> {
    sensai_scripts::pages::page(code)?;
    Some(lsp::CodeDescription { href: lsp::Uri::from_str(&format!("sensai:/errors/{code}.md")).ok()? })
}

/// All findings of one file, replacing those said before. `None` if the URI is none.
pub fn publish(of: &Published, encoding: Encoding, texts: &mut Texts<'_>) -> Option<Notification> {
    let uri = of.uri.clone().unwrap_or_else(|| uri_of(&of.path));
    let uri = lsp::Uri::from_str(&uri).ok()?;
    let lines = Lines::new(&of.text, encoding);
    let diagnostics = of.findings.iter().map(|finding| diagnostic(finding, &lines, texts)).collect();
    let params = lsp::PublishDiagnosticsParams { uri, diagnostics, version: of.version };
    Some(Notification::new("textDocument/publishDiagnostics".into(), params))
}

/// A finding.
pub fn diagnostic(finding: &Diagnostic, lines: &Lines<'_>, texts: &mut Texts<'_>) -> lsp::Diagnostic {
    use sensai_scripts::Severity;
    let severity = match finding.severity {
        Severity::Error => lsp::DiagnosticSeverity::ERROR,
        Severity::Warning => lsp::DiagnosticSeverity::WARNING,
        Severity::Hint => lsp::DiagnosticSeverity::HINT,
    };
    let help = finding.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    let related = finding.related.iter().filter_map(|(at, message)| {
        let location = location(at, texts)?;
        Some(lsp::DiagnosticRelatedInformation { location, message: message.clone() })
    });
    let related: Vec<lsp::DiagnosticRelatedInformation> = related.collect();
    lsp::Diagnostic {
        range: lines.range(finding.at.range()),
        severity: Some(severity),
        code: Some(lsp::NumberOrString::String(finding.code.to_owned())),
        code_description: page(finding.code),
        source: Some("sensai".into()),
        message: format!("{}{help}", finding.message),
        related_information: (!related.is_empty()).then_some(related),
        tags: finding.is_unnecessary.then(|| vec![lsp::DiagnosticTag::UNNECESSARY]),
        data: None,
    }
}

/// A part of a file of a cell.
pub fn location(at: &Location, texts: &mut Texts<'_>) -> Option<lsp::Location> {
    let (uri, lines) = texts.file(&at.path)?;
    Some(lsp::Location { uri, range: lines.range(at.range()) })
}

/// Changes of files.
pub fn workspace_edit(edits: &[TextEdit], texts: &mut Texts<'_>) -> Option<lsp::WorkspaceEdit> {
    #[expect(clippy::mutable_key_type, reason = "the protocol's own type, and nobody runs through it here")]
    let mut changes = HashMap::new();
    for (path, edits) in by_file(edits) {
        let (uri, lines) = texts.file(path)?;
        changes.insert(uri, edits.iter().map(|edit| text_edit(edit, &lines)).collect());
    }
    Some(lsp::WorkspaceEdit { changes: Some(changes), ..lsp::WorkspaceEdit::default() })
}

/// A change of a text.
pub fn text_edit(edit: &TextEdit, lines: &Lines<'_>) -> lsp::TextEdit {
    lsp::TextEdit { range: lines.range(edit.at.range()), new_text: edit.text.clone() }
}

/// Markdown.
pub fn hover(text: String, at: Range<usize>, lines: &Lines<'_>) -> lsp::Hover {
    let contents = lsp::HoverContents::Markup(markdown(text));
    lsp::Hover { contents, range: Some(lines.range(at)) }
}

fn markdown(value: String) -> lsp::MarkupContent {
    lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value }
}

/// What could be written; without snippets, where the editor takes none.
pub fn completions(found: Completions, lines: &Lines<'_>, snippets: bool) -> lsp::CompletionList {
    let range = lines.range(found.replaces.clone());
    let items = found.items.into_iter().enumerate();
    let items = items.map(|(index, item)| completion(item, index, range, snippets)).collect();
    lsp::CompletionList { is_incomplete: found.is_incomplete, items }
}

fn completion(item: Completion, index: usize, range: lsp::Range, snippets: bool) -> lsp::CompletionItem {
    let kind = match item.kind {
        Kind::Variable => lsp::CompletionItemKind::VARIABLE,
        Kind::Field => lsp::CompletionItemKind::FIELD,
        Kind::Method => lsp::CompletionItemKind::METHOD,
        Kind::Function => lsp::CompletionItemKind::FUNCTION,
        Kind::Constant => lsp::CompletionItemKind::CONSTANT,
        Kind::Group => lsp::CompletionItemKind::MODULE,
        Kind::Block => lsp::CompletionItemKind::CLASS,
        Kind::Text => lsp::CompletionItemKind::ENUM_MEMBER,
        Kind::Keyword => lsp::CompletionItemKind::KEYWORD,
        Kind::Snippet => lsp::CompletionItemKind::SNIPPET,
    };
    let (new_text, is_snippet) = match item.insert {
        Insert::Label => (item.label.clone(), false),
        Insert::Text(text) => (text, false),
        Insert::Snippet(text) if snippets => (text, true),
        Insert::Snippet(_) => (item.label.clone(), false),
    };
    let format = if is_snippet { lsp::InsertTextFormat::SNIPPET } else { lsp::InsertTextFormat::PLAIN_TEXT };
    lsp::CompletionItem {
        kind: Some(kind),
        detail: (!item.detail.is_empty()).then_some(item.detail),
        documentation: (!item.doc.is_empty()).then(|| lsp::Documentation::MarkupContent(markdown(item.doc))),
        sort_text: Some(format!("{index:05}")),
        filter_text: Some(item.label.clone()),
        label: item.label,
        insert_text_format: Some(format),
        text_edit: Some(lsp::CompletionTextEdit::Edit(lsp::TextEdit { range, new_text })),
        ..lsp::CompletionItem::default()
    }
}

/// The call at hand.
pub fn signature(call: Call) -> lsp::SignatureHelp {
    let active = u32::try_from(call.argument).ok();
    let signatures = call.signatures.into_iter().map(|signature| {
        let parameters = signature.arguments.iter().map(|range| lsp::ParameterInformation {
            label: lsp::ParameterLabel::Simple(
                signature.label.get(range.clone()).unwrap_or_default().to_owned(),
            ),
            documentation: None,
        });
        lsp::SignatureInformation {
            parameters: Some(parameters.collect()),
            documentation: (!signature.doc.is_empty())
                .then(|| lsp::Documentation::MarkupContent(markdown(signature.doc.clone()))),
            active_parameter: active,
            label: signature.label,
        }
    });
    lsp::SignatureHelp {
        signatures: signatures.collect(),
        active_signature: u32::try_from(call.active).ok(),
        active_parameter: active,
    }
}

/// A function in a hierarchy of calls.
pub fn call_item(item: &Item, texts: &mut Texts<'_>) -> Option<lsp::CallHierarchyItem> {
    let (uri, lines) = texts.file(&item.at.path)?;
    Some(lsp::CallHierarchyItem {
        name: item.name.clone(),
        kind: lsp::SymbolKind::FUNCTION,
        tags: None,
        detail: Some(item.at.path.clone()),
        uri,
        range: lines.range(item.whole.range()),
        selection_range: lines.range(item.at.range()),
        data: None,
    })
}

/// The other function of calls, and the ranges of the calls.
pub fn calls(calls: &Calls, texts: &mut Texts<'_>) -> Option<(lsp::CallHierarchyItem, Vec<lsp::Range>)> {
    let item = call_item(&calls.item, texts)?;
    let (_, lines) = texts.file(&calls.places.first()?.path)?;
    Some((item, calls.places.iter().map(|at| lines.range(at.range())).collect()))
}

/// A place that is marked.
pub fn highlight(found: &Highlight, lines: &Lines<'_>) -> lsp::DocumentHighlight {
    let kind = match found.is_write {
        true => lsp::DocumentHighlightKind::WRITE,
        false => lsp::DocumentHighlightKind::READ,
    };
    lsp::DocumentHighlight { range: lines.range(found.at.range()), kind: Some(kind) }
}

fn symbol_kind(kind: outline::Kind) -> lsp::SymbolKind {
    match kind {
        outline::Kind::Function => lsp::SymbolKind::FUNCTION,
        outline::Kind::Constant => lsp::SymbolKind::CONSTANT,
        outline::Kind::Import => lsp::SymbolKind::MODULE,
        outline::Kind::Field => lsp::SymbolKind::FIELD,
        outline::Kind::Table => lsp::SymbolKind::NAMESPACE,
        outline::Kind::Key => lsp::SymbolKind::PROPERTY,
    }
}

/// What a file consists of.
#[expect(deprecated, reason = "the type has a field that has to be given and is not used any more")]
pub fn document_symbol(node: outline::Node, lines: &Lines<'_>) -> lsp::DocumentSymbol {
    let children: Vec<lsp::DocumentSymbol> =
        node.children.into_iter().map(|child| document_symbol(child, lines)).collect();
    lsp::DocumentSymbol {
        name: node.name,
        detail: None,
        kind: symbol_kind(node.kind),
        tags: None,
        deprecated: None,
        range: lines.range(node.range),
        selection_range: lines.range(node.name_range),
        children: (!children.is_empty()).then_some(children),
    }
}

/// Something in the workspace.
#[expect(deprecated, reason = "the type has a field that has to be given and is not used any more")]
pub fn workspace_symbol(
    node: outline::Node,
    location: lsp::Location,
    container: String,
) -> lsp::SymbolInformation {
    lsp::SymbolInformation {
        name: node.name,
        kind: symbol_kind(node.kind),
        tags: None,
        deprecated: None,
        location,
        container_name: Some(container),
    }
}

/// Colours, each place relative to the one before.
pub fn semantic_tokens(tokens: &[Token], lines: &Lines<'_>) -> lsp::SemanticTokens {
    let mut data = Vec::with_capacity(tokens.len());
    let mut last = lsp::Position::new(0, 0);
    for token in tokens {
        let start = lines.position(token.range.start);
        let delta_line = start.line.saturating_sub(last.line);
        let delta_start =
            if delta_line == 0 { start.character.saturating_sub(last.character) } else { start.character };
        let kind = tokens::Kind::ALL.iter().position(|kind| *kind == token.kind).unwrap_or(0);
        let flags = [token.is_declaration, token.is_readonly, token.is_library];
        let bits = flags.iter().zip(0..MODIFIERS.len()).map(|(flag, bit)| u32::from(*flag) << bit).sum();
        data.push(lsp::SemanticToken {
            delta_line,
            delta_start,
            length: lines.width(token.range.clone()),
            token_type: kind as u32,
            token_modifiers_bitset: bits,
        });
        last = start;
    }
    lsp::SemanticTokens { result_id: None, data }
}

/// What can be folded.
pub fn fold(fold: &Fold, lines: &Lines<'_>) -> lsp::FoldingRange {
    let range = lines.range(fold.range.clone());
    lsp::FoldingRange {
        start_line: range.start.line,
        start_character: Some(range.start.character),
        end_line: range.end.line,
        end_character: Some(range.end.character),
        kind: fold.is_comment.then_some(lsp::FoldingRangeKind::Comment),
        collapsed_text: None,
    }
}

/// Growing selections, the smallest outside of the others as the protocol has it.
pub fn selection(ranges: &[Range<usize>], lines: &Lines<'_>) -> lsp::SelectionRange {
    let mut outer = None;
    for range in ranges.iter().rev() {
        outer = Some(Box::new(lsp::SelectionRange { range: lines.range(range.clone()), parent: outer }));
    }
    match outer {
        Some(selection) => *selection,
        None => lsp::SelectionRange { range: lines.range(0..0), parent: None },
    }
}

/// A word in between.
pub fn hint(hint: &Hint, lines: &Lines<'_>) -> lsp::InlayHint {
    lsp::InlayHint {
        position: lines.position(hint.at),
        label: lsp::InlayHintLabel::String(hint.label.clone()),
        kind: hint.is_type.then_some(lsp::InlayHintKind::TYPE),
        text_edits: None,
        tooltip: None,
        padding_left: None,
        padding_right: None,
        data: None,
    }
}

/// A line above a function; it does nothing when it is clicked.
pub fn lens(lens: &Lens, lines: &Lines<'_>) -> lsp::CodeLens {
    let command = lsp::Command { title: lens.title.clone(), command: String::new(), arguments: None };
    lsp::CodeLens { range: lines.range(lens.at.range()), command: Some(command), data: None }
}

/// What stands above a text that is not what runs.
pub fn stale_lens(at: Range<usize>, cell: &str, lines: &Lines<'_>) -> lsp::CodeLens {
    let command = lsp::Command {
        title: "this text is not what runs: reload".to_owned(),
        command: super::capabilities::RELOAD.to_owned(),
        arguments: Some(vec![serde_json::json!({ "cell": cell })]),
    };
    lsp::CodeLens { range: lines.range(at), command: Some(command), data: None }
}

/// A change that is offered.
pub fn action(action: &Action, mends: Option<lsp::Diagnostic>, edit: lsp::WorkspaceEdit) -> lsp::CodeAction {
    let is_fix = action.mends.is_some();
    lsp::CodeAction {
        title: action.title.clone(),
        kind: Some(if is_fix {
            lsp::CodeActionKind::QUICKFIX
        } else {
            lsp::CodeActionKind::REFACTOR_REWRITE
        }),
        diagnostics: mends.map(|mended| vec![mended]),
        edit: Some(edit),
        is_preferred: is_fix.then_some(true),
        ..lsp::CodeAction::default()
    }
}

/// A function that can be made of a selection; an error: why it cannot.
pub fn extraction(made: Result<(String, lsp::WorkspaceEdit), String>) -> lsp::CodeAction {
    let (title, edit, why) = match made {
        Ok((name, edit)) => (format!("extract into function `{name}`"), Some(edit), None),
        Err(why) => ("extract into a function".to_owned(), None, Some(why)),
    };
    lsp::CodeAction {
        title,
        kind: Some(lsp::CodeActionKind::from(super::capabilities::EXTRACT_FUNCTION)),
        edit,
        disabled: why.map(|reason| lsp::CodeActionDisabled { reason }),
        ..lsp::CodeAction::default()
    }
}
