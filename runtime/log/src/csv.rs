//! Export as comma-separated values (RFC 4180): one line a cycle, tags decoded as the programs saw them.
//!
//! Memory tags are no part of a record; a replay computes them.

use crate::{Epoch, LogError, reader::LogReader, storage::ReadAt};
use sensai_model::{
    Tag, TagKind, TagStore,
    record::{FIELDS, INBOX_OFFSET, RecordFlags, RecordView},
};
use std::{
    collections::HashSet,
    fmt::Write as _,
    io::{self, Write},
    ops::RangeInclusive,
    sync::Arc,
};

/// What to export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// Which cycles.
    pub cycles: RangeInclusive<u64>,
    /// Add the plain fields of the record: timings, counters, hash, and the working counter of each sync unit.
    pub record_fields: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { cycles: 0..=u64::MAX, record_fields: false }
    }
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The other end.
    #[error("writing the table: {0}")]
    Write(#[from] io::Error),
}

/// Export records; returns how many. Epochs with other tags share the table: columns are named by tag and unit, and a
/// cell is empty where the epoch has no such tag.
///
/// # Errors
/// At the first damaged block, or if `out` fails. What is before that is written.
pub fn export<R: ReadAt>(
    reader: &LogReader<R>,
    options: &CsvOptions,
    out: &mut impl Write,
) -> Result<u64, CsvError> {
    let mut epochs: Vec<Arc<Epoch>> = Vec::new();
    for (_, epoch) in reader.epochs()? {
        epochs.push(epoch);
    }
    let columns = Columns::of(&epochs);
    let mut line = String::new();
    columns.header(options, &mut line);
    out.write_all(line.as_bytes())?;
    let mut decoder: Option<Decoder> = None;
    let mut rows = 0;
    for record in reader.records(*options.cycles.start()) {
        let record = record?;
        let view = record.view();
        if view.cycle() > *options.cycles.end() {
            break;
        }
        let same = decoder.take_if(|decoder| Arc::ptr_eq(&decoder.epoch, &record.epoch));
        let decoder = decoder.insert(same.unwrap_or_else(|| Decoder::new(&record.epoch, &columns)));
        line.clear();
        decoder.row(&view, options, &mut line);
        out.write_all(line.as_bytes())?;
        rows += 1;
    }
    out.flush()?;
    Ok(rows)
}

/// Names of the columns over all epochs.
struct Columns {
    tags: Vec<String>,
    sync_units: Vec<String>,
}

impl Columns {
    fn of(epochs: &[Arc<Epoch>]) -> Self {
        Self {
            tags: unique(epochs.iter().flat_map(|epoch| &epoch.tags).flat_map(column_names)),
            sync_units: unique(epochs.iter().flat_map(|epoch| epoch.sync_units.iter().cloned())),
        }
    }

    fn header(&self, options: &CsvOptions, line: &mut String) {
        line.push_str("cycle,time [ns],flags,fault,inbox");
        if options.record_fields {
            for field in record_fields() {
                line.push(',');
                line.push_str(field.name);
            }
            for unit in &self.sync_units {
                line.push(',');
                quote(&format!("working_counter.{unit}"), line);
            }
        }
        for name in &self.tags {
            line.push(',');
            quote(name, line);
        }
        line.push_str("\r\n");
    }
}

/// Without repetitions, in the order of first mention.
fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// A tag's columns: each element, for inputs followed by whether it is valid.
fn column_names(tag: &Tag) -> Vec<String> {
    if matches!(tag.kind, TagKind::Memory | TagKind::Model) {
        return Vec::new();
    }
    let mut names = Vec::new();
    for element in 0..tag.len() {
        let name = match tag.array_len {
            Some(_) => format!("{}[{element}]", tag.name),
            None => tag.name.clone(),
        };
        names.push(match &tag.unit {
            Some(unit) => format!("{name} [{unit}]"),
            None => name.clone(),
        });
        if tag.kind == TagKind::Input {
            names.push(format!("{name}.valid"));
        }
    }
    names
}

/// The fields that have no column of their own anyway.
fn record_fields() -> impl Iterator<Item = &'static sensai_model::record::RecordField> {
    FIELDS.iter().filter(|field| {
        field.offset < INBOX_OFFSET && !["cycle", "time_ns", "raw_flags"].contains(&field.name)
    })
}

struct Decoder {
    epoch: Arc<Epoch>,
    store: TagStore,
    /// For each column the text of this row.
    cells: Vec<String>,
    /// For each tag its first column there, in the order of [`column_names`].
    places: Vec<Vec<usize>>,
    /// For each sync-unit column the unit's place in this epoch's records.
    sync_units: Vec<Option<usize>>,
}

impl Decoder {
    fn new(epoch: &Arc<Epoch>, columns: &Columns) -> Self {
        let place = |name: String| columns.tags.iter().position(|column| *column == name);
        Self {
            epoch: epoch.clone(),
            store: TagStore::new(&epoch.tags),
            cells: vec![String::new(); columns.tags.len()],
            sync_units: columns
                .sync_units
                .iter()
                .map(|column| epoch.sync_units.iter().position(|unit| unit == column))
                .collect(),
            places: epoch
                .tags
                .iter()
                .map(|tag| column_names(tag).into_iter().filter_map(place).collect())
                .collect(),
        }
    }

    fn row(&mut self, view: &RecordView<'_>, options: &CsvOptions, line: &mut String) {
        // Writing to a `String` cannot fail.
        let _ = write!(line, "{},{},{},", view.cycle(), view.time_ns(), flag_names(view.flags()));
        if let Some(fault) = view.fault() {
            let _ = write!(line, "F{} source {}", fault.code.id(), fault.source);
            if fault.line > 0 {
                let _ = write!(line, " line {}:{}", fault.line, fault.column);
            }
        }
        line.push(',');
        for (i, entry) in view.inbox().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            let [a, b, c] = entry.argument;
            let _ = write!(line, "{separator}{} {a} {b} {c}", entry.kind.name());
        }
        if options.record_fields {
            for field in record_fields() {
                let _ = write!(line, ",{}", view.field(field));
            }
            for unit in &self.sync_units {
                line.push(',');
                if let Some(counter) = unit.and_then(|unit| view.working_counters().nth(unit)) {
                    let _ = write!(line, "{counter}");
                }
            }
        }
        self.decode(view);
        for cell in &self.cells {
            line.push(',');
            line.push_str(cell);
        }
        line.push_str("\r\n");
    }

    fn decode(&mut self, view: &RecordView<'_>) {
        for (tag, places) in self.epoch.tags.iter().zip(&self.places) {
            let mut places = places.iter();
            let mut put = |text: &dyn std::fmt::Display| {
                if let Some(cell) = places.next().and_then(|place| self.cells.get_mut(*place)) {
                    cell.clear();
                    let _ = write!(cell, "{text}");
                }
            };
            match tag.kind {
                TagKind::Memory | TagKind::Model => {}
                TagKind::Input => {
                    self.store.load_input(tag, view.inputs(), view.valid());
                    for slot in tag.slot..tag.slot + tag.len() {
                        put(&self.store.value(slot));
                        put(&u8::from(self.store.valid(slot)));
                    }
                }
                TagKind::Output => {
                    for field in &tag.fields {
                        match tag.decode(field, view.outputs()) {
                            Some(value) => put(&value),
                            None => put(&"NaN"),
                        }
                    }
                }
            }
        }
    }
}

fn flag_names(flags: RecordFlags) -> String {
    let names: Vec<&str> = RecordFlags::ALL
        .iter()
        .filter(|(bit, ..)| flags.0 >> bit & 1 == 1)
        .map(|(_, name, _)| *name)
        .collect();
    names.join(" ")
}

fn quote(text: &str, line: &mut String) {
    if text.contains([',', '"', '\n', '\r']) {
        let _ = write!(line, "\"{}\"", text.replace('"', "\"\""));
    } else {
        line.push_str(text);
    }
}
