//! The files of a cell that are TOML: `cell.toml` and the descriptions of its models.

use super::{CELL_FILE, Location, Place, Snapshot, written::Written};
use sensai_model::config::{
    reference::{self, Row},
    schema::Section,
    vocabulary::{self, Document},
};
use std::{fmt::Write, sync::Arc};

/// What a file is; none: no TOML of this cell.
pub fn document(snapshot: &Snapshot, path: &str) -> Option<Document> {
    match path {
        CELL_FILE => Some(Document::Cell),
        _ if path.ends_with(".toml") && snapshot.texts.contains_key(path) => Some(Document::Description),
        _ => None,
    }
}

/// The keys and values of a file that is TOML.
pub fn written(snapshot: &Snapshot, path: &str) -> Option<Arc<Written>> {
    Some(match document(snapshot, path)? {
        Document::Cell => Arc::clone(&snapshot.written),
        Document::Description => Arc::new(Written::of(snapshot.text(path)?)),
    })
}

/// Path of the description beside the file of a model.
pub fn description_of(model: &str) -> String {
    format!("{}.toml", model.strip_suffix(".onnx").unwrap_or(model))
}

/// What the reference page says of the key at a place, or of the key of the value there.
pub fn key(snapshot: &Snapshot, document: Document, place: &Place) -> Option<(String, Location)> {
    let written = written(snapshot, &place.path)?;
    let (path, span) = match (written.key_at(place.at), written.value_at(place.at)) {
        (Some(key), _) => (&key.path, key.span.clone()),
        (None, Some(value)) => (&value.path, value.span.clone()),
        (None, None) => return None,
    };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (key, table) = path.split_last()?;
    let sections = vocabulary::sections(document, table);
    let (section, row) =
        sections.iter().find_map(|section| Some((section, reference::row(section, key)?)))?;
    Some((shown(section, key, &row), Location::new(&place.path, span)))
}

/// A row of the reference page, as Markdown.
pub fn shown(section: &Section, key: &str, row: &Row) -> String {
    let mut text = format!("`{key}` in `{}`: {}\n", section.name, row.kind);
    for (what, said) in [("default", row.default), ("range", row.range), ("example", row.example)] {
        if !said.is_empty() && said != "see below" {
            let _ = write!(text, "\n- {what}: {said}");
        }
    }
    text
}
