//! Keys and names in `cell.toml`.

use super::{Completion, Completions, Insert, Kind, word};
use crate::analysis::{Snapshot, written::Written};
use sensai_devices::Direction;
use sensai_model::config::schema::{SECTIONS, Section};
use sensai_scripts::uses::CURSOR;

/// What could be written at a byte.
pub fn completions(snapshot: &Snapshot, text: &str, at: usize) -> Option<Completions> {
    let item = |label: &str, kind: Kind| Completion {
        label: label.to_owned(),
        kind,
        detail: String::new(),
        doc: String::new(),
        insert: Insert::Label,
    };
    let written = &snapshot.written;
    if let Some(value) = written.value_at(at)
        && let Some(inner) = value.text.clone().filter(|inner| inner.start <= at && at <= inner.end)
    {
        let items = names(snapshot, &value.path).iter().map(|name| item(name, Kind::Text)).collect();
        return Some(Completions { replaces: inner, items, is_incomplete: false });
    }
    let word = word(text, at);
    // A key where the word is; what stands behind it may be its value already.
    let behind = text.get(word.end..)?;
    let has_value = behind.trim_start_matches([' ', '\t']).starts_with(['=', '.', ']']);
    let value = if has_value { "" } else { " = 0 " };
    let changed = format!("{}{CURSOR}{value}{behind}", text.get(..word.start)?);
    let asked = Written::of(&changed);
    let key = asked.keys.iter().find(|key| key.path.last().is_some_and(|last| last == CURSOR))?;
    let path = key.path.get(..key.path.len().saturating_sub(1))?;
    let section = section(path)?;
    let there = |name: &&&str| {
        let mut of = path.to_vec();
        of.push((**name).to_owned());
        !written.keys.iter().any(|key| key.path == of && key.span != word)
    };
    let items = section.keys.iter().filter(there).map(|name| item(name, Kind::Field)).collect();
    Some(Completions { replaces: word, items, is_incomplete: false })
}

/// The kind of table that a path leads to.
fn section(path: &[String]) -> Option<&'static Section> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let name = match parts.as_slice() {
        [] => "cell.toml".to_owned(),
        ["cell" | "bus" | "limits" | "operator" | "log" | "retain" | "simulation"] => {
            format!("[{}]", parts[0])
        }
        ["route"] => "[[route]]".to_owned(),
        ["simulation", "plant"] => "[simulation.plant]".to_owned(),
        ["alarms", _, "text" | "help"] => "[alarms.<name>] text, help".to_owned(),
        ["models", _, "inputs"] => "[models.<name>] inputs, window".to_owned(),
        ["tags" | "parameters", _, ..] => format!("[{}.<name>]", parts[0]),
        [table, _] => format!("[{table}.<name>]"),
        [table, _, key] => format!("[{table}.<name>] {key}"),
        _ => return None,
    };
    SECTIONS.iter().find(|section| section.name == name)
}

/// Names that a value may be.
fn names(snapshot: &Snapshot, path: &[String]) -> Vec<String> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let Some(cell) = snapshot.cell() else { return Vec::new() };
    let keys = |table: &str| -> Vec<String> {
        let named = snapshot.written.keys.iter().filter(|key| key.path.len() == 2 && key.path[0] == table);
        named.map(|key| key.path[1].clone()).collect()
    };
    let entries = |direction| -> Vec<String> {
        let of = |device: &sensai_model::cell::Device| {
            let entries = device.description.entries(direction);
            let name = |entry: &sensai_devices::description::EntryMatch| {
                format!("{}.{}", device.name, entry.short.as_ref().unwrap_or(&entry.path))
            };
            entries.iter().map(name).collect::<Vec<_>>()
        };
        cell.devices.iter().flat_map(of).collect()
    };
    let mut names = match parts.as_slice() {
        ["operator", _] | ["simulation", "plant", "tags", _] | ["alarms", _, "when"] => {
            cell.tags.iter().map(|tag| tag.name.clone()).collect()
        }
        ["models", _, "inputs", _] => cell.tags.iter().map(|tag| tag.name.clone()).collect(),
        ["tags", .., "input"] => entries(Direction::Input),
        ["tags", .., "output"] => entries(Direction::Output),
        ["alarms" | "jidoka", _, "unit"] => keys("units"),
        ["jidoka", _, "model"] => keys("models"),
        ["units", _, "jog"] => keys("axes"),
        ["axes", _, "drive"] => keys("devices"),
        ["units", _, "programs"] => cell.programs().map(|(_, program)| program.name.clone()).collect(),
        ["tasks", _, "programs"] | ["simulation", "twin"] => {
            let files = snapshot.texts.keys().filter(|path| path.ends_with(".rhai"));
            files.cloned().collect()
        }
        _ => Vec::new(),
    };
    names.sort();
    names.dedup();
    names
}
