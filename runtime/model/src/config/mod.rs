//! `cell.toml` to [`crate::Cell`]: parsed with spans, walked by hand, all findings at once.
//!
//! Pure: the caller reads files. Start at [`load`]; every key is listed in [`schema`] and described in
//! `docs/cell-toml.md`, every rule in [`Rule`].

mod alarm;
mod axis;
mod axis_limits;
mod binding;
mod bus;
mod devices;
mod drive;
mod fields;
mod finding;
mod golden;
mod jidoka;
mod model;
mod model_file;
mod model_input;
mod names;
mod quantity;
pub mod reference;
mod render;
mod route;
pub mod schema;
mod settings;
mod simulation;
mod sink;
mod startup;
mod table;
mod tag;
mod tags;
mod task;
mod tree;
mod ucum;
mod unit;
mod values;
pub mod vocabulary;
mod when;
mod writers;

pub use finding::{Finding, Related, Rule, Severity, Sources};
pub use quantity::{duration_ns, share_ppm};
pub use render::{Style, render, render_each};

use crate::Cell;
use fields::{Fields, Item};
use sink::Sink;
use std::sync::Arc;

/// Name of the file in a cell's directory.
pub const FILE_NAME: &str = "cell.toml";
/// Bytes `cell.toml` may have.
const CELL_BYTES_MAX: usize = 1 << 20;
/// Bytes an SII image's file may have: EEPROMs have up to 1 MiB, and Intel HEX takes three characters a byte.
const SII_BYTES_MAX: usize = 4 << 20;

/// What came of a `cell.toml`.
#[derive(Clone, Debug)]
pub struct Report {
    /// The cell, if there is no finding of [`Severity::Error`].
    pub cell: Option<Cell>,
    /// All findings, in the order of the file.
    pub findings: Vec<Finding>,
    /// The texts that were read.
    pub sources: Sources,
}

impl Report {
    /// The findings as people read them; empty if there are none.
    pub fn render(&self, style: Style) -> String {
        render(&self.findings, &self.sources, style)
    }
}

/// Read and validate a cell. `read` gives the bytes of a file named relative to the cell's directory, with `/`, or says
/// why it cannot; it is asked for `cell.toml` first, then for what that names. Paths that leave the directory are
/// refused before `read` sees them.
pub fn load(read: impl Fn(&str) -> Result<Vec<u8>, String>) -> Report {
    let mut sources = Sources::default();
    let text = match read(FILE_NAME)
        .map_err(|error| (Rule::Unreadable, error))
        .and_then(|bytes| decode(bytes, CELL_BYTES_MAX))
    {
        Ok(text) => text,
        Err((rule, error)) => return unreadable(rule, &error, sources),
    };
    sources.insert(FILE_NAME, text.clone());
    let mut loader = Loader { sink: Sink::new(FILE_NAME, &text), read: &read, sources: &mut sources };
    let entries = tree::parse(&text, &mut loader.sink);
    let cell = walk(&mut loader, &entries);
    let cell = Some(cell).filter(|_| !loader.sink.has_errors());
    let findings = loader.sink.finish();
    Report { cell, findings, sources }
}

/// The file itself cannot be read: there is no text to point into.
fn unreadable(rule: Rule, error: &str, sources: Sources) -> Report {
    let mut sink = Sink::new(FILE_NAME, "");
    sink.push(rule, &(0..0), "", format!("`{FILE_NAME}` cannot be read: {error}"))
        .help("a cell is a directory with a `cell.toml` in it; `sensai new <name>` makes one");
    Report { cell: None, findings: sink.finish(), sources }
}

fn decode(bytes: Vec<u8>, most: usize) -> Result<Arc<str>, (Rule, String)> {
    if bytes.len() > most {
        return Err((Rule::TooLarge, format!("it has {} bytes, at most {most} are read", bytes.len())));
    }
    String::from_utf8(bytes).map(Arc::from).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        (Rule::NotUtf8, format!("it is no UTF-8 text: the byte at offset {at} belongs to no character"))
    })
}

/// Every part is read whatever is wrong with the others; what could not be read is filled in, and the cell thrown away.
fn walk(loader: &mut Loader<'_, '_>, entries: &[tree::Entry]) -> Cell {
    let root = Fields::root(&mut loader.sink, entries, schema::ROOT);
    let name = settings::read_name(&mut loader.sink, &root);
    let tasks = task::read(loader, &root);
    let mut devices = devices::read(loader, &root);
    let sink = &mut loader.sink;
    let bus = bus::read(sink, &root, &tasks, &devices);
    let mut tags = tags::read(sink, &root, &devices);
    let axes = axis::read(sink, &root, &devices, &tasks, &mut tags.writers);
    let units = unit::read(sink, &root, &tasks, &axes);
    let routes = route::read(sink, &root, &devices, &mut tags.writers);
    writers::check(sink, std::mem::take(&mut tags.writers));
    let parameters = settings::read_parameters(sink, &root);
    let operator = settings::read_operator(sink, &root, &tags);
    let log = settings::read_log(sink, &root, tasks.interval_ns);
    let retain_interval_ns = settings::read_retain(sink, &root);
    let simulation = simulation::read(loader, &root, &tags, bus.interface.is_some(), tasks.interval_ns);
    // Results of models are tags from here on: alarms may ask them, buttons, plants and models may not.
    let models = model::read(loader, &root, &mut tags, tasks.interval_ns);
    let sink = &mut loader.sink;
    let jidoka = jidoka::read(sink, &root, &models, &units);
    let alarms = alarm::read(sink, &root, &tags, &units);
    axis::tell_drives(&axes.list, &mut devices.list);
    Cell {
        name,
        bus,
        devices: devices.list,
        sync_units: devices.sync_units,
        tags: tags.list,
        task: tasks.task,
        slow_tasks: tasks.slow,
        axes: axes.list,
        units: units.list,
        routes,
        alarms,
        models: models.list,
        jidoka,
        parameters,
        image: devices.image,
        log,
        retain_interval_ns,
        operator,
        simulation,
    }
}

/// The findings so far, and the way to other files.
struct Loader<'a, 's> {
    sink: Sink<'s>,
    read: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    sources: &'a mut Sources,
}

impl Loader<'_, '_> {
    /// The bytes of the file `path`, which `item` names.
    fn read_file(&mut self, item: &Item<'_>, path: &str) -> Option<Vec<u8>> {
        self.read_bounded(item, path, SII_BYTES_MAX)
    }

    /// The text of the file `path`, which `item` names.
    fn read_text(&mut self, item: &Item<'_>, path: &str, most: usize) -> Option<Arc<str>> {
        let bytes = self.read_bounded(item, path, most)?;
        match decode(bytes, most) {
            Ok(text) => {
                self.sources.insert(path, text.clone());
                Some(text)
            }
            Err((rule, error)) => {
                item.find(&mut self.sink, rule, format!("`{path}` cannot be used: {error}"));
                None
            }
        }
    }

    fn read_bounded(&mut self, item: &Item<'_>, path: &str, most: usize) -> Option<Vec<u8>> {
        let read = self.read;
        fetch(read, &mut self.sink, item, path, most)
    }
}

/// The bytes of the file `path`, which `item` of the file of `sink` names.
fn fetch(
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    path: &str,
    most: usize,
) -> Option<Vec<u8>> {
    if !stays_inside(path) {
        item.find(sink, Rule::BadText, format!("`{path}` does not stay in the cell's directory"))
            .help("write the path relative to the cell's directory, with `/` and without `..`");
        return None;
    }
    match read(path) {
        Ok(bytes) if bytes.len() <= most => Some(bytes),
        Ok(bytes) => {
            let message = format!("`{path}` has {} bytes, at most {most} are read", bytes.len());
            item.find(sink, Rule::TooLarge, message);
            None
        }
        Err(error) => {
            item.find(sink, Rule::Unreadable, format!("`{path}` cannot be read: {error}"));
            None
        }
    }
}

/// A relative path of plain segments.
fn stays_inside(path: &str) -> bool {
    !path.contains(['\\', '\0'])
        && path.split('/').all(|segment| !segment.is_empty() && segment != "." && segment != "..")
}
