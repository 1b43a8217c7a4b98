//! What could be written here.
//!
//! A name that means nothing is put where the cursor is, and the program is looked at: so the check itself says what
//! stands before the point and which variables there are. What is offered is ordered by what fits: the type that is wanted,
//! what stands behind, what nobody uses yet, what was used nearby.

mod candidates;
mod configured;
mod context;
mod of_cell;
mod of_library;
mod texts;

use super::{Place, Snapshot, configuration, has_letters};
use context::Context;
use std::ops::Range;

/// What is offered at most.
const MOST: usize = 400;

/// Something that could be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// As it is shown, and typed.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// Type and unit.
    pub detail: String,
    /// Markdown.
    pub doc: String,
    /// What is written; with `$1` and the like where something is to be filled in.
    pub insert: Insert,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Insert {
    /// The label.
    Label,
    /// A text as it is.
    Text(String),
    /// A text with places to be filled in.
    Snippet(String),
}

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A variable or parameter of a function.
    Variable,
    /// A field, tag, or pin.
    Field,
    /// What is called on something.
    Method,
    /// A function.
    Function,
    /// A constant.
    Constant,
    /// A group of names.
    Group,
    /// A block.
    Block,
    /// A text.
    Text,
    /// A word of the language.
    Keyword,
    /// Several lines.
    Snippet,
}

/// What is offered at a place: the range that it replaces, and the completions, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Completions {
    /// The word at the cursor.
    pub replaces: Range<usize>,
    /// The best first.
    pub items: Vec<Completion>,
    /// There are more.
    pub is_incomplete: bool,
}

/// What could be written at a place.
pub fn completions(snapshot: &Snapshot, place: &Place) -> Option<Completions> {
    let text = snapshot.text(&place.path)?;
    let document = configuration::document(snapshot, &place.path);
    let mut found = if let Some(document) = document {
        let written = configuration::written(snapshot, &place.path)?;
        configured::completions(snapshot, document, &written, text, place.at)?
    } else if let Some(found) = texts::completions(snapshot, place) {
        found
    } else {
        let context = Context::new(snapshot, place)?;
        let replaces = context.word.clone();
        Completions { replaces, items: candidates::ordered(&context), is_incomplete: false }
    };
    let typed = text.get(found.replaces.start..place.at.max(found.replaces.start)).unwrap_or_default();
    found.items.retain(|item| has_letters(&item.label, typed));
    found.is_incomplete = found.items.len() > MOST;
    found.items.truncate(MOST);
    Some(found)
}

/// The word around a byte: letters, digits and `_`.
fn word(text: &str, at: usize) -> Range<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = text.get(..at).unwrap_or_default();
    let behind = text.get(at..).unwrap_or_default();
    let start = before.len() - before.chars().rev().take_while(|c| is_part(*c)).count();
    start..at + behind.chars().take_while(|c| is_part(*c)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    fn offered(text: &str) -> Vec<String> {
        let (fixture, place) = Fixture::with_cursor(text);
        let found = completions(&fixture.snapshot, &place);
        found.map(|found| found.items.into_iter().map(|item| item.label).collect()).unwrap_or_default()
    }

    fn cycle(line: &str) -> Vec<String> {
        offered(&format!(
            "import \"tools\" as tools;\nconst A = 2.0;\nfn init() {{ #{{ t: TON(), step: \"idle\", x: 0.0, n: 0 }} }}\nfn cycle() {{\n    let local = 1;\n    {line}\n    this.step = \"press\";\n}}\nfn helper(a) {{ a + 1 }}\n"
        ))
    }

    #[test]
    fn behind_a_point_is_what_there_is() {
        assert_eq!(cycle("io.$0")[..], ["count", "force", "lamp", "levels", "start"]);
        assert_eq!(cycle("io.lamp.g$0 = true;"), ["green"]);
        assert_eq!(cycle("this.x = param.$0;")[0], "depth");
        let mut fields = cycle("this.$0");
        fields.sort();
        assert_eq!(fields, ["n", "step", "t", "x"]);
        assert_eq!(cycle("this.t.$0")[0], "run");
        assert!(cycle("if this.t.$0 { }").iter().take(3).any(|label| label == "Q"));
        assert_eq!(cycle("this.n = tools::$0"), ["twice"]);
        assert!(cycle("this.x = sys.$0;").contains(&"dt".to_owned()));
    }

    #[test]
    fn what_fits_comes_first() {
        assert_eq!(cycle("this.x = this.$0;")[0], "x");
        assert_eq!(cycle("this.$0.run(io.start, 1.0);")[0], "t");
        assert_eq!(cycle("this.x = $0;")[0], "A");
        assert_eq!(cycle("this.n = $0;")[0], "local");
        assert!(cycle("io.lamp.$0 = true;").starts_with(&["green".to_owned(), "red".to_owned()]));
        let all = cycle("this.x = $0(1.0, 2.0);");
        assert!(all.iter().take(40).any(|label| label == "max"), "{all:?}");
    }

    #[test]
    fn texts_are_those_that_there_are() {
        assert_eq!(cycle("if this.step == \"$0\" { }"), ["idle", "press"]);
        assert!(cycle("if sys.state == \"$0\" { }").contains(&"execute".to_owned()));
        assert_eq!(cycle("switch this.step { \"$0\" => { } }"), ["idle", "press"]);
    }

    #[test]
    fn names_that_are_missing_are_offered_where_they_are_declared() {
        let text = "fn init() { #{ $0: 0 } }\nfn cycle() { this.total += 1; }\n";
        assert_eq!(offered(text), ["total"]);
        let text = "fn init() { #{ x: 0 } }\nfn cycle() { let $0 = 1; this.x = speed; }\n";
        assert_eq!(offered(text), ["speed"]);
        let text = "fn init() { #{ x: 0 } }\nfn cycle() { this.work(); }\nfn $0() { this.x += 1; }\n";
        assert_eq!(offered(text), ["work"]);
    }

    #[test]
    fn the_cell_knows_its_keys_and_names() {
        let cell = crate::analysis::testing::CELL;
        let with = |from: &str, to: &str| {
            let changed = cell.replacen(from, to, 1);
            offered(&format!("fn init() {{ #{{ x: 0 }} }}\nfn cycle() {{ }}\n//- cell.toml\n{changed}"))
        };
        assert!(
            with("lamp.green = { output", "lamp.green = { un$0 = 1, output").contains(&"unit".to_owned())
        );
        assert!(with("priority = 80", "prio$0 = 80").contains(&"priority".to_owned()));
    }
}
