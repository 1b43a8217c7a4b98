//! What the reference page says of each key: the page itself is asked, so that there is one description of a key.

use super::schema::Section;
use std::{collections::BTreeMap, sync::OnceLock};

/// `docs/cell-toml.md`.
const PAGE: &str = include_str!("../../../../docs/cell-toml.md");

/// A row of the page, as Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What its value is.
    pub kind: &'static str,
    /// What it is where it is not written; empty: nothing.
    pub default: &'static str,
    /// What is taken; empty: everything of that kind.
    pub range: &'static str,
    /// How it is written.
    pub example: &'static str,
}

/// Heading and key → row.
type Rows = BTreeMap<(&'static str, &'static str), Row>;

/// What the page says of a key.
pub fn row(section: &Section, key: &str) -> Option<Row> {
    static ROWS: OnceLock<Rows> = OnceLock::new();
    ROWS.get_or_init(rows).get(&(section.name, key)).copied()
}

fn rows() -> Rows {
    let mut rows = Rows::new();
    let mut section = "";
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.trim_matches('`');
        }
        let Some(cells) = line.strip_prefix("| `").and_then(|row| row.strip_suffix('|')) else { continue };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        if let [key, kind, default, range, example] = cells.as_slice() {
            let row = Row { kind, default, range, example };
            rows.insert((section, key.trim_end_matches('`')), row);
        }
    }
    rows
}
