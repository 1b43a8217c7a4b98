//! Which tokens and rules the texts have that both parsers are given.

use sensai_scripts::syntax::{SyntaxKind, parse};
use std::collections::BTreeMap;

/// How often each has to be met.
const ENOUGH: usize = 50;

/// Only where something is wrong.
const WRONG: [SyntaxKind; 3] = [SyntaxKind::Error, SyntaxKind::ErrorToken, SyntaxKind::ReservedSymbol];

/// Counts tokens and nodes in texts that are accepted, and in others what only those have, and wants enough of each.
pub fn check(good: impl Iterator<Item = String>, bad: impl Iterator<Item = String>) {
    let mut counts: BTreeMap<SyntaxKind, usize> = BTreeMap::new();
    for (text, wrong) in good.map(|text| (text, false)).chain(bad.map(|text| (text, true))) {
        let parse = parse(&text);
        if parse.is_ok() != wrong {
            let kinds = parse.syntax().descendants_with_tokens().map(|element| element.kind());
            for kind in kinds.filter(|kind| WRONG.contains(kind) == wrong) {
                *counts.entry(kind).or_default() += 1;
            }
        }
    }
    let wanted = SyntaxKind::ALL.iter().copied().filter(|kind| *kind != SyntaxKind::Eof);
    let mut missing = Vec::new();
    let mut table = String::new();
    for (index, kind) in wanted.enumerate() {
        let count = counts.get(&kind).copied().unwrap_or(0);
        let end = if index % 4 == 3 { "\n" } else { "  " };
        table += &format!("{:<20}{count:>8}{end}", format!("{kind:?}"));
        if count < ENOUGH {
            missing.push(kind);
        }
    }
    println!("{table}");
    assert!(missing.is_empty(), "too few of {missing:?}");
}
