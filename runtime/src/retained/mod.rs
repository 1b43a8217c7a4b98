//! What outlives a restart: operator parameters, and the record `retain` of every program.
//!
//! By name and type, so that it survives a changed program: what no longer fits is told, and starts anew. Restarts as in
//! IEC 61131-3 and its tools: *warm* keeps all of it, *cold* keeps the parameters, *origin* keeps nothing.

mod copies;
mod keeper;

pub use copies::{Copies, CopyError, Found};
pub use keeper::{Announcer, Keeper, Tap, paths};

use crate::machine::Machine;
use sensai_model::{Cell, ScalarType, Value};
use sensai_scripts::{Layout, layout::Shape};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// Path under which a log's content store holds what the run began with.
pub const CONTENT: &str = "retained.json";

/// Number of the payload's form.
const FORM: u32 = 1;

/// How much of the retained data a start takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Restart {
    /// Parameters and the programs' `retain`.
    #[default]
    Warm,
    /// Parameters only.
    Cold,
    /// Nothing: as if it had never run.
    Origin,
}

impl Restart {
    /// Argument of a `Reset` entry.
    pub const fn number(self) -> i64 {
        match self {
            Self::Warm => 0,
            Self::Cold => 1,
            Self::Origin => 2,
        }
    }
}

/// Retained data, readable by people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retained {
    /// Number of the form.
    pub form: u32,
    /// Name of the cell.
    pub cell: String,
    /// Parameter → value.
    pub parameters: BTreeMap<String, Kept>,
    /// Program → path below `this` → value.
    pub programs: BTreeMap<String, BTreeMap<String, Kept>>,
}

/// One value with its type. Numbers are texts that lead back to the same bits; a block is its bytes in hexadecimal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// `bool`, `i64`, `f64`, `text`, or a block with its constructor's arguments.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value.
    pub value: String,
}

impl Retained {
    /// Read a payload.
    ///
    /// # Errors
    /// If it is no JSON of this form, in a sentence.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let parsed: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match parsed.form {
            FORM => Ok(parsed),
            other => Err(format!("its form is {other}, this version reads {FORM}")),
        }
    }

    /// The payload.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A map of texts always becomes JSON.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// From the plain bytes that [`save`] gave.
    pub fn from_saved(places: &Places, bytes: &[u8]) -> Self {
        let mut kept = Self {
            form: FORM,
            cell: places.cell.clone(),
            parameters: BTreeMap::new(),
            programs: BTreeMap::new(),
        };
        for (index, (name, scalar)) in places.parameters.iter().enumerate() {
            let Some(bits) = word(bytes, index * 8) else { continue };
            kept.parameters.insert(name.clone(), scalar_kept(Value::from_bits(*scalar, bits)));
        }
        for program in &places.programs {
            let arena = bytes.get(program.saved.clone()).unwrap_or_default();
            let mut values = BTreeMap::new();
            for leaf in &program.leaves {
                let Some(bytes) = arena.get(leaf.at..leaf.at + leaf.shape.size() as usize) else { continue };
                if let Some(value) = read(&leaf.shape, bytes) {
                    values.insert(leaf.path.clone(), value);
                }
            }
            kept.programs.insert(program.name.clone(), values);
        }
        kept
    }

    /// Without what `restart` does not keep.
    #[must_use]
    pub fn limited_to(mut self, restart: Restart) -> Self {
        match restart {
            Restart::Warm => {}
            Restart::Cold => self.programs.clear(),
            Restart::Origin => (self.parameters, self.programs) = (BTreeMap::new(), BTreeMap::new()),
        }
        self
    }

    /// Give it to a machine that has not run yet. What does not fit is left at its initial value and told, one sentence
    /// each.
    pub fn apply(&self, machine: &mut Machine) -> Vec<String> {
        let mut told = Vec::new();
        if self.cell != machine.cell().name {
            told.push(format!(
                "it is of the cell `{}`, this is `{}`: not used",
                self.cell,
                machine.cell().name
            ));
            return told;
        }
        for (name, kept) in &self.parameters {
            let Some(index) = machine.cell().parameters.iter().position(|parameter| parameter.name == *name)
            else {
                told.push(format!(
                    "parameter `{name}` no longer exists; its value {} is dropped",
                    kept.value
                ));
                continue;
            };
            let parameter = &machine.cell().parameters[index];
            match scalar(kept).filter(|value| parameter.admits(*value)) {
                Some(value) => machine.restore_parameter(index, value),
                None => told.push(format!(
                    "parameter `{name}`: {} {} is outside its type or range now; it starts at {}",
                    kept.kind, kept.value, parameter.default
                )),
            }
        }
        let names: Vec<String> = machine.programs().iter().map(|program| program.name().to_owned()).collect();
        for (name, values) in &self.programs {
            let Some(index) = names.iter().position(|other| other == name) else {
                if !values.is_empty() {
                    told.push(format!("program `{name}` no longer exists; what it retained is dropped"));
                }
                continue;
            };
            told.extend(apply_to_program(machine, index, values));
        }
        told
    }
}

fn apply_to_program(machine: &mut Machine, index: usize, values: &BTreeMap<String, Kept>) -> Vec<String> {
    let program = &machine.programs()[index];
    let name = program.name().to_owned();
    let leaves = retained_leaves(program.layout());
    let mut state = program.state().to_vec();
    let mut told = Vec::new();
    for (path, kept) in values {
        let Some(leaf) = leaves.iter().find(|leaf| leaf.path == *path) else {
            told.push(format!("{name}: `{path}` no longer exists; its value {} is dropped", kept.value));
            continue;
        };
        let place = leaf.at..leaf.at + leaf.shape.size() as usize;
        let written = state.get_mut(place).is_some_and(|bytes| write(&leaf.shape, kept, bytes));
        if !written {
            told.push(format!(
                "{name}: `{path}` was {} and is {} now; it starts anew",
                kept.kind,
                leaf.shape.describe()
            ));
        }
    }
    for leaf in &leaves {
        if !values.contains_key(&leaf.path) {
            told.push(format!("{name}: `{}` is new; it starts as `init` gives it", leaf.path));
        }
    }
    if let Err(error) = machine.restore_program(index, &state) {
        told.push(format!("{name}: {error}; all it retained starts anew"));
    }
    told
}

/// Where the retained data lies in the bytes of [`save`].
#[derive(Clone, Debug)]
pub struct Places {
    cell: String,
    parameters: Vec<(String, ScalarType)>,
    programs: Vec<ProgramPlaces>,
    len: usize,
}

#[derive(Clone, Debug)]
struct ProgramPlaces {
    name: String,
    /// The bytes of its `retain` record within the saved ones.
    saved: Range<usize>,
    /// Offsets are within the record.
    leaves: Vec<OwnedLeaf>,
}

#[derive(Clone, Debug)]
struct OwnedLeaf {
    path: String,
    at: usize,
    shape: Shape,
}

impl Places {
    /// Of a machine's cell and programs.
    pub fn new(machine: &Machine) -> Self {
        let layouts = machine.programs().iter().map(|program| (program.name(), program.layout()));
        Self::of(machine.cell(), layouts)
    }

    /// Of a cell whose programs have these names and layouts.
    pub fn of<'a>(cell: &Cell, programs_of: impl Iterator<Item = (&'a str, &'a Layout)>) -> Self {
        let parameters: Vec<_> =
            cell.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.scalar)).collect();
        let mut len = parameters.len() * 8;
        let mut programs = Vec::new();
        for (name, layout) in programs_of {
            let Some(arena) = layout.retained() else { continue };
            let saved = len..len + arena.len();
            len = saved.end;
            let mut leaves = retained_leaves(layout);
            leaves.iter_mut().for_each(|leaf| leaf.at -= arena.start);
            programs.push(ProgramPlaces { name: name.to_owned(), saved, leaves });
        }
        Self { cell: cell.name.clone(), parameters, programs, len }
    }

    /// Bytes that [`save`] writes.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(&self) -> usize {
        self.len
    }
}

/// Copy the retained data of a machine into `out`, as [`Places`] of its programs have it; its length, or `None` if there is not
/// room enough. For the cyclic path: copies, nothing else.
pub fn save(machine: &Machine, out: &mut [u8]) -> Option<usize> {
    let mut at = 0;
    for value in machine.parameters() {
        out.get_mut(at..at + 8)?.copy_from_slice(&value.to_bits().to_le_bytes());
        at += 8;
    }
    for program in machine.programs() {
        let Some(arena) = program.layout().retained() else { continue };
        let len = arena.len();
        out.get_mut(at..at + len)?.copy_from_slice(program.state().get(arena)?);
        at += len;
    }
    Some(at)
}

fn retained_leaves(layout: &Layout) -> Vec<OwnedLeaf> {
    let Some(range) = layout.retained() else { return Vec::new() };
    let inside = |leaf: &sensai_scripts::layout::Leaf<'_>| range.contains(&leaf.offset);
    let leaves = layout.leaves().into_iter().filter(inside);
    leaves.map(|leaf| OwnedLeaf { path: leaf.path, at: leaf.offset, shape: leaf.shape.clone() }).collect()
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn scalar_kept(value: Value) -> Kept {
    let text = match value {
        Value::Bool(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::F64(value) => format!("{value:?}"),
    };
    Kept { kind: value.scalar_type().name().into(), value: text }
}

fn scalar(kept: &Kept) -> Option<Value> {
    match kept.kind.as_str() {
        "bool" => kept.value.parse().ok().map(Value::Bool),
        "i64" => kept.value.parse().ok().map(Value::I64),
        "f64" => kept.value.parse().ok().map(|number| Value::F64(sensai_model::value::canonical(number))),
        _ => None,
    }
}

fn read(shape: &Shape, bytes: &[u8]) -> Option<Kept> {
    let eight = || Some(u64::from_le_bytes(bytes.try_into().ok()?));
    Some(match shape {
        Shape::Bool => scalar_kept(Value::Bool(*bytes.first()? != 0)),
        Shape::I64 => scalar_kept(Value::from_bits(ScalarType::I64, eight()?)),
        Shape::F64 => scalar_kept(Value::from_bits(ScalarType::F64, eight()?)),
        Shape::Symbol => {
            let (len, rest) = bytes.split_first()?;
            let text = str::from_utf8(rest.get(..usize::from(*len))?).ok()?;
            Kept { kind: "text".into(), value: text.into() }
        }
        Shape::Block(block) => Kept { kind: block.describe(), value: sensai_log::block::hex(bytes) },
        // What an axis was told last is of the run that told it.
        Shape::Array { .. } | Shape::Record { .. } | Shape::Axis => return None,
    })
}

/// False if the value is of another type, or none.
fn write(shape: &Shape, kept: &Kept, bytes: &mut [u8]) -> bool {
    let value = match shape {
        Shape::Bool | Shape::I64 | Shape::F64 => scalar(kept),
        Shape::Symbol if kept.kind == "text" => return write_symbol(&kept.value, bytes),
        Shape::Block(block) if block.describe() == kept.kind => return write_hex(&kept.value, bytes),
        _ => None,
    };
    match (shape, value) {
        (Shape::Bool, Some(Value::Bool(value))) => bytes.fill(u8::from(value)),
        (Shape::I64, Some(value @ Value::I64(_))) | (Shape::F64, Some(value @ Value::F64(_))) => {
            bytes.copy_from_slice(&value.to_bits().to_le_bytes());
        }
        _ => return false,
    }
    true
}

fn write_symbol(text: &str, bytes: &mut [u8]) -> bool {
    let Some((len, rest)) = bytes.split_first_mut() else { return false };
    let (Ok(count), Some(place)) = (u8::try_from(text.len()), rest.get_mut(..text.len())) else {
        return false;
    };
    place.copy_from_slice(text.as_bytes());
    rest[text.len()..].fill(0);
    *len = count;
    true
}

fn write_hex(text: &str, bytes: &mut [u8]) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let good = text.len() == 2 * bytes.len() && text.bytes().all(|byte| digit(byte).is_some());
    if good {
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = (digit(pair[0]).unwrap_or(0) << 4 | digit(pair[1]).unwrap_or(0)) as u8;
        }
    }
    good
}

/// What a run begins with, and how it is kept.
pub struct Session {
    /// Writes; to be finished at the end.
    pub keeper: Keeper,
    /// For the cyclic thread.
    pub tap: Tap,
    /// What the machine is to start with; `None` if there is nothing.
    pub start: Option<Vec<u8>>,
    /// What people should know, one sentence each.
    pub told: Vec<String>,
}

/// Open the copies in `directory`, and see what of them a start of `machine`'s cell takes over. `machine` is one of its kind,
/// not the one that runs.
///
/// # Errors
/// If the directory or the files cannot be used.
pub fn begin(
    machine: &mut Machine,
    directory: &std::path::Path,
    restart: Restart,
) -> anyhow::Result<Session> {
    let (copies, found) = keeper::open(directory)?;
    let mut told = Vec::new();
    if found.damaged > 0 {
        told.push(match found.payload {
            Some(_) => "one copy of the retained data was not whole; the other one is used".to_owned(),
            None => "no copy of the retained data is whole: everything retained starts anew".to_owned(),
        });
    }
    let mut start = None;
    if let Some(payload) = &found.payload {
        match Retained::parse(payload) {
            Err(why) => told
                .push(format!("the retained data cannot be read ({why}): everything retained starts anew")),
            Ok(retained) => {
                let retained = retained.limited_to(restart);
                told.extend(retained.apply(machine));
                start = Some(retained.to_bytes());
            }
        }
    }
    let cell = machine.cell();
    let every = cell.retain_interval_ns / cell.task.interval_ns.max(1);
    let (keeper, tap) = Keeper::start(copies, found.payload, cell, Places::new(machine), every)?;
    Ok(Session { keeper, tap, start, told })
}

/// Give a machine what its run begins with; what does not fit was told by [`begin`].
pub fn restore(machine: &mut Machine, start: &[u8]) {
    if let Ok(retained) = Retained::parse(start) {
        let _ = retained.apply(machine);
    }
}

#[cfg(test)]
mod tests;
