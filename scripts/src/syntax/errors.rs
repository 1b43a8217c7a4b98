//! The errors of lexer, grammar and validation in one order: that in which Rhai's parser would meet them.

use super::{SyntaxError, SyntaxKind, SyntaxNode, TextSize, lexer, validation};
use rowan::WalkEvent;
use std::collections::HashMap;

/// An error of lexer or grammar.
struct Found {
    error: SyntaxError,
    /// How many nodes were finished; `None` for one of the lexer.
    finished: Option<u32>,
}

/// All errors. `noticed`: those of the validation.
pub(super) fn ordered(
    root: &SyntaxNode,
    lexer: Vec<SyntaxError>,
    parser: Vec<SyntaxError>,
    finished: &[u32],
    noticed: Vec<validation::Noticed>,
) -> Vec<SyntaxError> {
    let mut found: Vec<Found> = lexer.into_iter().map(|error| Found { error, finished: None }).collect();
    found.extend(
        parser.into_iter().zip(finished).map(|(error, &finished)| Found { error, finished: Some(finished) }),
    );
    found.sort_by_key(|found| found.error.at);
    if noticed.is_empty() {
        return one_at_each_token(found).map(|found| found.error).collect();
    }
    // Rhai does not mind a comment that is not closed.
    let mut seen: Vec<&Found> =
        found.iter().filter(|found| found.error.message != lexer::UNCLOSED_COMMENT).collect();
    // At one token, that of the grammar says more about what it is in.
    seen.sort_by_key(|found| (found.error.at, found.finished.is_none()));
    let first = first_errors(root, &seen);
    let numbers = if found.is_empty() { HashMap::new() } else { numbers(root) };
    let mut errors: Vec<(TextSize, SyntaxError)> = Vec::new();
    for validation::Noticed { error, when, node, in_expression } in noticed {
        let item = first.partition_point(|(end, _)| *end < error.range.end());
        let number = node.as_ref().and_then(|node| numbers.get(node)).copied();
        let trusted = match first.get(item).and_then(|(_, found)| *found) {
            None => true,
            Some(first) if first.error.at < when => false,
            Some(first) => {
                let at_first = found.partition_point(|found| found.error.at < first.error.at);
                let at_first =
                    found.iter().skip(at_first).take_while(|found| found.error.at == first.error.at);
                let is_no_token = at_first.into_iter().any(|found| found.finished.is_none());
                is_after(first, is_no_token, when, node.as_ref(), number, in_expression)
            }
        };
        if trusted {
            errors.push((when, SyntaxError { is_rule: true, ..error }));
        }
    }
    // What is noticed at the end of a node comes before an error at the next token.
    errors.extend(one_at_each_token(found).map(|found| (found.error.at, found.error)));
    errors.sort_by_key(|(when, _)| *when);
    errors.into_iter().map(|(_, error)| error).collect()
}

/// Where a token is wrong in itself, that is all that there is to say: it comes before the error of the grammar.
fn one_at_each_token(mut found: Vec<Found>) -> impl Iterator<Item = Found> {
    found.dedup_by_key(|found| found.error.at);
    found.into_iter()
}

/// The end of each function or statement at the top level, and the first error in it: behind that, the rest may mean
/// something else than was meant. An error at the first token of the next one may belong to either.
fn first_errors<'f>(root: &SyntaxNode, found: &[&'f Found]) -> Vec<(TextSize, Option<&'f Found>)> {
    let items: Vec<_> = root.children().map(|item| item.text_range()).collect();
    let next = items.iter().skip(1).map(|range| range.start()).chain([root.text_range().end()]);
    let first = items.iter().zip(next).map(|(range, next)| {
        let index = found.partition_point(|found| found.error.at < range.start());
        (range.end(), found.get(index).copied().filter(|found| found.error.at <= next))
    });
    first.collect()
}

/// The place of each node in the order in which children come before their parents.
fn numbers(root: &SyntaxNode) -> HashMap<SyntaxNode, u32> {
    let left = root.preorder().filter_map(|event| match event {
        WalkEvent::Leave(node) => Some(node),
        WalkEvent::Enter(_) => None,
    });
    left.zip(0..).collect()
}

/// Is an error of lexer or grammar noticed after what is noticed at the end of a node? `is_no_token`: at its place is one of
/// the lexer.
fn is_after(
    found: &Found,
    is_no_token: bool,
    when: TextSize,
    node: Option<&SyntaxNode>,
    number: Option<u32>,
    in_expression: bool,
) -> bool {
    let Some(node) = node else { return true };
    let last = node.last_token();
    let next =
        std::iter::successors(last.as_ref().and_then(|last| last.next_token()), |token| token.next_token())
            .find(|token| !token.kind().is_trivia());
    if let Some(next) = &next
        && found.error.at > when.max(next.text_range().start())
    {
        return true;
    }
    // The rule for expressions looks whether a reserved sign is an operator.
    let reserved = next.filter(|next| next.kind() == SyntaxKind::ReservedSymbol);
    let is_mistaken = reserved.as_ref().is_none_or(|symbol| lexer::is_mistaken(symbol.text()));
    if in_expression && !is_mistaken {
        return false;
    }
    // Behind a case without a comma, the next token is looked at first.
    let looks_ahead =
        node.kind() == SyntaxKind::SwitchCase && last.is_none_or(|last| last.kind() != SyntaxKind::Comma);
    match found.finished {
        Some(_) if looks_ahead && is_no_token && is_mistaken => false,
        Some(finished) => number.is_some_and(|number| number < finished),
        None => !looks_ahead,
    }
}
