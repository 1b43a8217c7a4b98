//! Keys and values in `cell.toml` and in the descriptions of models.

use super::{Completion, Completions, Insert, Kind, word};
use crate::analysis::{
    Snapshot, configuration, hover,
    symbol::{Symbol, Table},
    written::Written,
};
use sensai_devices::{Direction, catalogue};
use sensai_model::{
    TagKind,
    config::{
        reference,
        schema::Section,
        vocabulary::{self, Document, MEASURES, Takes},
    },
};
use sensai_scripts::uses::CURSOR;
use std::ops::Range;

/// Names of the cell up to which each brings its documentation along.
const DOCUMENTED_MAX: usize = 500;

/// What could be written at a byte.
pub fn completions(
    snapshot: &Snapshot,
    document: Document,
    written: &Written,
    text: &str,
    at: usize,
) -> Option<Completions> {
    if let Some(value) = written.value_at(at)
        && let Some(inner) = value.text.clone().filter(|inner| inner.start <= at && at <= inner.end)
    {
        let takes = takes(document, &value.path)?;
        let replaces = if takes == Takes::Condition { dotted(text, inner, at) } else { inner };
        let items = values(snapshot, takes, &value.path);
        return Some(Completions { replaces, items, is_incomplete: false });
    }
    let word = word(text, at);
    value(snapshot, document, text, &word).or_else(|| key(document, written, text, word))
}

fn takes(document: Document, path: &[String]) -> Option<Takes> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    vocabulary::takes(document, &path)
}

/// The part of a text around a byte that is one dotted name.
fn dotted(text: &str, inner: Range<usize>, at: usize) -> Range<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let before = text.get(inner.start..at).unwrap_or_default();
    let behind = text.get(at..inner.end).unwrap_or_default();
    let end = behind.find(|c| !is_part(c)).unwrap_or(behind.len());
    before.trim_end_matches(is_part).len() + inner.start..at + end
}

/// A value where the word is, which has no quotes yet, or only the first of them.
fn value(snapshot: &Snapshot, document: Document, text: &str, word: &Range<usize>) -> Option<Completions> {
    let (before, behind) = (text.get(..word.start)?, text.get(word.end..)?);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let is_open = line.matches('"').count() % 2 == 1;
    let quote = if is_open { "" } else { "\"" };
    let changed = Written::of(&format!("{before}{quote}{CURSOR}\"{behind}"));
    let at = before.len() + quote.len();
    let asked =
        changed.values.iter().find(|value| value.text.as_ref().is_some_and(|text| text.start == at))?;
    let mut items = values(snapshot, takes(document, &asked.path)?, &asked.path);
    for item in items.iter_mut().filter(|item| item.kind == Kind::Text) {
        item.insert = Insert::Text(format!("{quote}{}\"", item.label));
    }
    Some(Completions { replaces: word.clone(), items, is_incomplete: false })
}

/// A key where the word is; what stands behind it may be its value already.
fn key(document: Document, written: &Written, text: &str, word: Range<usize>) -> Option<Completions> {
    let behind = text.get(word.end..)?;
    let has_value = behind.trim_start_matches([' ', '\t']).starts_with(['=', '.', ']']);
    let value = if has_value { "" } else { " = 0 " };
    let changed = format!("{}{CURSOR}{value}{behind}", text.get(..word.start)?);
    let asked = Written::of(&changed);
    let key = asked.keys.iter().find(|key| key.path.last().is_some_and(|last| last == CURSOR))?;
    let table = key.path.get(..key.path.len().saturating_sub(1))?;
    let path: Vec<&str> = table.iter().map(String::as_str).collect();
    let element = element(written, text, table, word.start);
    let there = written.keys.iter().filter(|key| {
        let is_of_table = key.path.len() == table.len() + 1 && key.path.starts_with(table);
        is_of_table && key.span != word && element.contains(&key.span.start)
    });
    let there: Vec<&str> = there.filter_map(|key| key.path.last()).map(String::as_str).collect();
    let sections = vocabulary::sections(document, &path).into_iter();
    // A table that may be of several kinds is of those that have what is there.
    let (fitting, others): (Vec<&Section>, Vec<&Section>) =
        sections.partition(|section| there.iter().all(|key| section.keys.contains(key)));
    let mut items: Vec<Completion> = Vec::new();
    for section in if fitting.is_empty() { others } else { fitting } {
        for name in section.keys.iter().filter(|name| !there.contains(name)) {
            if items.iter().all(|item| item.label != *name) {
                items.push(of_key(section, name));
            }
        }
    }
    Some(Completions { replaces: word, items, is_incomplete: false })
}

/// The element of an array of tables that a place is in, whose keys say nothing of another one; of any other table all of the
/// text, where it may be written in several places.
fn element(written: &Written, text: &str, table: &[String], at: usize) -> Range<usize> {
    let is_element = |range: &&Range<usize>| {
        let header = text.get(range.start..).unwrap_or_default();
        range.start <= at && at <= range.end && header.starts_with("[[")
    };
    let mut blocks = written.tables.iter().filter(|(path, _)| path == table).map(|(_, range)| range);
    let block = blocks.rfind(is_element).cloned();
    block.or_else(|| inline_element(text, at)).unwrap_or(0..text.len())
}

/// The inline table around a place, if it is an element of an array.
fn inline_element(text: &str, at: usize) -> Option<Range<usize>> {
    let before = text.get(..at)?;
    let mut closed = 0_usize;
    let mut braces = before.rmatch_indices(['{', '}']);
    let (start, _) = braces.find(|(_, brace)| match *brace {
        "}" => {
            closed += 1;
            false
        }
        _ if closed > 0 => {
            closed -= 1;
            false
        }
        _ => true,
    })?;
    let end = text.get(at..)?.find('}').map_or(text.len(), |end| at + end);
    before.get(..start)?.trim_end().ends_with(['[', ',']).then_some(start..end)
}

fn of_key(section: &Section, name: &str) -> Completion {
    let row = reference::row(section, name);
    Completion {
        label: name.to_owned(),
        kind: Kind::Field,
        detail: row.map_or(String::new(), |row| row.kind.replace('`', "")),
        doc: row.map_or(String::new(), |row| configuration::shown(section, name, &row)),
        insert: Insert::Label,
    }
}

fn item(label: impl Into<String>, kind: Kind) -> Completion {
    Completion { label: label.into(), kind, detail: String::new(), doc: String::new(), insert: Insert::Label }
}

/// What a value may be, by the path to it.
fn values(snapshot: &Snapshot, takes: Takes, path: &[String]) -> Vec<Completion> {
    let texts = |names: Vec<String>| names.into_iter().map(|name| item(name, Kind::Text)).collect();
    match takes {
        Takes::Boolean => ["true", "false"].map(|word| item(word, Kind::Keyword)).into(),
        Takes::Words(words) => words.iter().map(|word| item(*word, Kind::Text)).collect(),
        Takes::DeviceType => {
            let title = |name: &str| catalogue::find(name).map_or(String::new(), |of| of.title.clone());
            let of = |name: &&str| Completion { detail: title(name), ..item(*name, Kind::Text) };
            catalogue::names().iter().map(of).collect()
        }
        Takes::Tag => {
            let mut tags = tags(snapshot, |kind| kind != TagKind::Model);
            let wants_bool = match path.last().map(String::as_str) {
                Some("start" | "stop" | "reset" | "while") => Some(true),
                Some("window" | "curve" | "over" | "inputs") => Some(false),
                _ => None,
            };
            if let Some(wants_bool) = wants_bool {
                tags.sort_by_key(|tag| tag.detail.starts_with("bool") != wants_bool);
            }
            tags
        }
        Takes::Condition => tags(snapshot, |_| true),
        Takes::Device => named(snapshot, Table::Devices),
        Takes::Axis => named(snapshot, Table::Axes),
        Takes::Unit => named(snapshot, Table::Units),
        Takes::Model => named(snapshot, Table::Models),
        Takes::InputEntry => entries(snapshot, Direction::Input),
        Takes::OutputEntry => entries(snapshot, Direction::Output),
        Takes::SyncUnit => texts(used(snapshot, "sync_unit")),
        Takes::Program => texts(programs(snapshot)),
        Takes::ProgramFile => texts(files(snapshot, ".rhai").collect()),
        Takes::ModelFile => {
            let models = files(snapshot, ".toml")
                .filter_map(|path| Some(format!("{}.onnx", path.strip_suffix(".toml")?)));
            texts(models.filter(|path| path != "cell.onnx").collect())
        }
        Takes::Measure => {
            let mut units = used(snapshot, "unit");
            units.retain(|unit| sensai_model::Unit::parse(unit).is_some());
            let others = MEASURES.iter().filter(|unit| !units.iter().any(|used| used == *unit));
            let others: Vec<String> = others.map(|unit| (*unit).to_owned()).collect();
            units.extend(others);
            texts(units)
        }
    }
}

fn tags(snapshot: &Snapshot, is_wanted: impl Fn(TagKind) -> bool) -> Vec<Completion> {
    let Some(cell) = snapshot.cell() else { return Vec::new() };
    let is_few = cell.tags.len() <= DOCUMENTED_MAX;
    let doc = |name: &str| hover::of_symbol(snapshot, &Symbol::Tag(name.to_owned())).filter(|_| is_few);
    let mut items: Vec<Completion> = cell
        .tags
        .iter()
        .filter(|tag| is_wanted(tag.kind))
        .map(|tag| {
            let unit = tag.unit.as_ref().map_or(String::new(), |unit| format!(" [{unit}]"));
            Completion {
                detail: format!("{}{unit}", tag.scalar.name()),
                doc: doc(&tag.name).unwrap_or_default(),
                ..item(&tag.name, Kind::Text)
            }
        })
        .collect();
    items.sort_by(|one, other| one.label.cmp(&other.label));
    items
}

/// The entries of a table, as they are written now.
fn named(snapshot: &Snapshot, table: Table) -> Vec<Completion> {
    let keys = snapshot.written.keys.iter();
    let names = keys.filter_map(|key| match key.path.as_slice() {
        [of, name] if of == table.key() => Some(name),
        _ => None,
    });
    let mut items: Vec<Completion> = Vec::new();
    for name in names {
        if items.iter().all(|item| item.label != *name) {
            let doc = hover::of_symbol(snapshot, &Symbol::Named(table, name.clone()));
            items.push(Completion { doc: doc.unwrap_or_default(), ..item(name, Kind::Text) });
        }
    }
    items
}

/// Entries of the devices, as bindings name them.
fn entries(snapshot: &Snapshot, direction: Direction) -> Vec<Completion> {
    let Some(cell) = snapshot.cell() else { return Vec::new() };
    let of = |device: &sensai_model::cell::Device| {
        let entries = device.description.entries(direction);
        let name = |entry: &sensai_devices::description::EntryMatch| {
            format!("{}.{}", device.name, entry.short.as_ref().unwrap_or(&entry.path))
        };
        entries.iter().map(name).collect::<Vec<_>>()
    };
    let mut names: Vec<String> = cell.devices.iter().flat_map(of).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| item(name, Kind::Text)).collect()
}

/// Texts that a key of `cell.toml` has anywhere.
fn used(snapshot: &Snapshot, key: &str) -> Vec<String> {
    let values =
        snapshot.written.values.iter().filter(|value| value.path.last().is_some_and(|last| last == key));
    let text = snapshot.text(crate::analysis::CELL_FILE).unwrap_or_default();
    let texts = values.filter_map(|value| text.get(value.text.clone()?));
    let mut texts: Vec<String> = texts.filter(|text| !text.is_empty()).map(str::to_owned).collect();
    texts.sort();
    texts.dedup();
    texts
}

/// Names of the programs that tasks run.
fn programs(snapshot: &Snapshot) -> Vec<String> {
    let own = snapshot.loaded.programs.iter().filter(|program| !program.is_twin());
    own.map(|program| program.source.name.clone()).collect()
}

fn files<'s>(snapshot: &'s Snapshot, end: &'s str) -> impl Iterator<Item = String> + 's {
    snapshot.texts.keys().filter(move |path| path.ends_with(end)).cloned()
}

#[cfg(test)]
mod tests {
    use crate::analysis::{completion, testing::Fixture};

    fn found(files: &str) -> Vec<(String, String)> {
        let (fixture, place) = Fixture::with_model(files);
        let text = fixture.snapshot.text(&place.path).unwrap_or_default();
        let Some(found) = completion::completions(&fixture.snapshot, &place) else { return Vec::new() };
        let written = |item: &completion::Completion| {
            let (before, behind) = (&text[..found.replaces.start], &text[found.replaces.end..]);
            let new = match &item.insert {
                completion::Insert::Label => item.label.clone(),
                completion::Insert::Text(text) | completion::Insert::Snippet(text) => text.clone(),
            };
            let line = before.matches('\n').count();
            format!("{before}{new}{behind}").lines().nth(line).unwrap_or_default().to_owned()
        };
        found.items.iter().map(|item| (item.label.clone(), written(item))).collect()
    }

    /// What is offered behind lines of `cell.toml`.
    fn offered(lines: &str) -> Vec<String> {
        found(&format!("//- more\n{lines}")).into_iter().map(|(label, _)| label).collect()
    }

    fn first(lines: &str) -> String {
        found(&format!("//- more\n{lines}")).into_iter().next().map_or(String::new(), |(_, line)| line)
    }

    #[test]
    fn values_are_words_of_their_key() {
        assert_eq!(offered("[axes.a]\nmode = \"$0\""), ["csp", "csv", "cst"]);
        assert_eq!(first("[axes.a]\nmode = $0"), "mode = \"csp\"");
        assert_eq!(first("[axes.a]\nmode = cs$0"), "mode = \"csp\"");
        assert_eq!(first("[axes.a]\nmode = \"cs$0"), "mode = \"csp\"");
        assert_eq!(offered("[axes.a]\nvertical = $0"), ["true", "false"]);
        assert_eq!(first("[axes.a]\nvertical = t$0"), "vertical = true");
        assert_eq!(offered("[units.a]\nmodes = [\"manual\", $0]"), ["production", "maintenance", "manual"]);
        assert_eq!(offered("[alarms.a]\nreaction = \"ho$0\""), ["hold"]);
    }

    #[test]
    fn values_are_names_of_the_cell() {
        assert_eq!(offered("[axes.a]\ndrive = \"$0\""), ["inputs", "outputs"]);
        assert!(offered("[devices.a]\ntype = \"$0\"").contains(&"EL3104".to_owned()));
        assert_eq!(offered("[[route]]\nto = \"ou$0\"")[0], "outputs.channel_1");
        assert_eq!(offered("[jidoka.a]\nmodel = \"$0\""), ["m"]);
        assert_eq!(first("[alarms.a]\nwhen = \"!lamp.g$0 \""), "when = \"!lamp.green \"");
        assert_eq!(offered("[alarms.a]\nwhen = \"ai.m.sc$0 > 1\""), ["ai.m.score", "ai.m.sequence"]);
        assert!(offered("[models.a]\ninputs = [{ window = \"$0\" }]").contains(&"force".to_owned()));
        assert_eq!(offered("[models.a]\ninputs = [{ while = \"$0\" }]")[..2], ["lamp.green", "lamp.red"]);
        assert_eq!(offered("[models.a]\ninputs = [{ curve = \"$0\" }]")[..2], ["count", "force"]);
        assert_eq!(offered("[models.a]\nfile = \"$0\""), ["models/m.onnx"]);
        assert_eq!(offered("[units.a]\nprograms = [\"$0\"]"), ["main"]);
        let units = offered("[axes.a]\nunit = \"$0\"");
        assert_eq!(units[..2], ["N", "mm"], "what the cell uses comes first");
        assert!(units.contains(&"deg/s".to_owned()));
    }

    #[test]
    fn keys_that_are_missing_are_offered() {
        let keys = offered("[axes.a]\nmode = \"csv\"\n$0");
        assert!(!keys.contains(&"mode".to_owned()) && keys.contains(&"drive".to_owned()), "{keys:?}");
        let window = offered("[models.a]\ninputs = [{ len = 3 }, { window = \"force\", $0 }]");
        assert!(window.contains(&"len".to_owned()) && !window.contains(&"window".to_owned()), "{window:?}");
        assert_eq!(window, ["len", "every", "while"], "it is no curve");
    }

    #[test]
    fn a_description_has_keys_and_values() {
        let of = |text: &str| -> Vec<String> {
            found(&format!("//- models/m.toml\n{text}")).into_iter().map(|(label, _)| label).collect()
        };
        assert_eq!(of("thr$0"), ["threshold"]);
        assert_eq!(of("score = $0"), ["reconstruction_error"]);
        assert_eq!(of("score = { $0 }"), ["output", "element"]);
        let keys = of("[[inputs]]\nname = \"a\"\nunit = \"N\"\n[[inputs]]\nname = \"b\"\n$0\n");
        assert_eq!(keys, ["shape", "unit", "mean", "scale"]);
        assert_eq!(of("[[inputs]]\nunit = \"kW$0\""), ["kW", "kW.h"]);
        assert_eq!(of("[provenance]\n$0"), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn any_place_of_any_text_is_survived(text in "[\\[\\]{}=\"'\n#, .a-c]{0,40}", at in 0_usize..40) {
            let at = text.floor_char_boundary(at.min(text.len()));
            let (before, behind) = text.split_at(at);
            let _ = found(&format!("//- models/m.toml\n{before}$0{behind}"));
            let _ = found(&format!("//- more\n[models.m]\n{before}$0{behind}"));
        }
    }
}
