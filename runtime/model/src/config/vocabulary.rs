//! What keys lead to and what values may be, for whoever helps to write them. The parser decides; tests hold this to it and
//! to the reference page.

use super::schema::{
    ALARM, AXIS, CURVE, DEVICE, HOMING, JIDOKA, MODEL, MODEL_FILE, MODEL_FILE_INPUT, OPERATOR, PARAMETER,
    PLANT, ROUTE, SECTIONS, SIMULATION, STARTUP, Section, TAG, TASK, UNIT, WINDOW,
};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// `cell.toml`.
    Cell,
    /// The description beside a model.
    Description,
}

/// What the values of a key are taken from, where that can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// `true` or `false`.
    Boolean,
    /// One of these texts; some keys take something else instead.
    Words(&'static [&'static str]),
    /// A type of the catalogue of devices.
    DeviceType,
    /// A device of the cell.
    Device,
    /// A sync unit of the cell: new names are made by using them.
    SyncUnit,
    /// An entry that a device sends.
    InputEntry,
    /// An entry that a device receives.
    OutputEntry,
    /// A tag.
    Tag,
    /// A text with a tag in it.
    Condition,
    /// An axis.
    Axis,
    /// A PackML unit of the cell.
    Unit,
    /// A model.
    Model,
    /// The name of a program.
    Program,
    /// The path of a program.
    ProgramFile,
    /// The path of an `.onnx` file, which has a description beside it.
    ModelFile,
    /// A unit of measure, as UCUM writes it.
    Measure,
}

/// Units of measure that machines have most, in the notation that the check takes.
pub const MEASURES: &[&str] = &[
    "mm",
    "m",
    "um",
    "mm/s",
    "m/s",
    "mm/s2",
    "deg",
    "deg/s",
    "rad",
    "{rev}/min",
    "s",
    "Hz",
    "N",
    "kN",
    "N.m",
    "N/mm",
    "Pa",
    "kPa",
    "bar",
    "mbar",
    "V",
    "mV",
    "A",
    "mA",
    "W",
    "kW",
    "kW.h",
    "Cel",
    "K",
    "%",
    "1",
    "g",
    "kg",
    "l",
    "l/min",
    "m3/h",
    "{pcs}",
    "1/min",
];

/// The kinds of tables that a path of keys leads to, from the root: several where the keys in the table decide. Elements of
/// arrays have no key of their own.
pub fn sections(document: Document, path: &[&str]) -> Vec<&'static Section> {
    let named = |name: String| SECTIONS.iter().filter(move |section| section.name == name);
    let name = match (document, path) {
        (Document::Description, []) => MODEL_FILE.name.to_owned(),
        (Document::Description, ["inputs" | "outputs"]) => format!("{} [[{}]]", MODEL_FILE.name, path[0]),
        (Document::Description, ["golden"]) => format!("{} golden", MODEL_FILE.name),
        (Document::Description, ["score"]) => "[models.<name>] score".to_owned(),
        (Document::Description, _) => return Vec::new(),
        (Document::Cell, []) => super::FILE_NAME.to_owned(),
        (Document::Cell, ["route"]) => ROUTE.name.to_owned(),
        (Document::Cell, [table]) => format!("[{table}]"),
        (Document::Cell, ["simulation", "plant"]) => PLANT.name.to_owned(),
        (Document::Cell, ["alarms", _, "text" | "help"]) => "[alarms.<name>] text, help".to_owned(),
        (Document::Cell, ["models", _, "inputs"]) => {
            return SECTIONS.iter().filter(|section| [WINDOW, CURVE].contains(section)).collect();
        }
        (Document::Cell, ["tags" | "parameters", _, ..]) => format!("[{}.<name>]", path[0]),
        (Document::Cell, [table, _]) => format!("[{table}.<name>]"),
        (Document::Cell, [table, _, key]) => format!("[{table}.<name>] {key}"),
        (Document::Cell, _) => return Vec::new(),
    };
    named(name).collect()
}

/// What the value of a key may be, by the path to it.
pub fn takes(document: Document, path: &[&str]) -> Option<Takes> {
    if let (Document::Cell, ["simulation", "plant", "tags", _]) = (document, path) {
        return Some(Takes::Tag);
    }
    let (key, table) = path.split_last()?;
    sections(document, table).iter().find_map(|section| of_key(section, key))
}

/// What the value of a key of a kind of table may be.
pub fn of_key(section: &Section, key: &str) -> Option<Takes> {
    of_machine(section, key).or_else(|| of_judgement(section, key))
}

/// Of tasks, devices, tags, axes, units and the simulation.
fn of_machine(section: &Section, key: &str) -> Option<Takes> {
    let is = |other: Section| section.name == other.name;
    Some(match key {
        "spin" if is(TASK) => Takes::Words(&["auto"]),
        "on_overrun" if is(TASK) => Takes::Words(&["skip", "stop"]),
        "tier" if is(TASK) => Takes::Words(&["native", "interpreter"]),
        "programs" if is(TASK) => Takes::ProgramFile,
        "twin" if is(SIMULATION) => Takes::ProgramFile,
        "auto_start" if is(SIMULATION) => Takes::Boolean,
        "type" if is(DEVICE) => Takes::DeviceType,
        "sync_unit" if is(DEVICE) => Takes::SyncUnit,
        "type" if is(STARTUP) => Takes::Words(&[
            "bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "text", "bytes",
        ]),
        "input" if is(TAG) => Takes::InputEntry,
        "output" if is(TAG) => Takes::OutputEntry,
        "from" if is(ROUTE) => Takes::InputEntry,
        "to" if is(ROUTE) => Takes::OutputEntry,
        "type" if is(TAG) => {
            Takes::Words(&["bool", "i64", "f64", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "f32"])
        }
        "type" if is(PARAMETER) => Takes::Words(&["bool", "i64", "f64"]),
        "unit" if is(TAG) || is(PARAMETER) || is(AXIS) || is(MODEL_FILE_INPUT) => Takes::Measure,
        "on_invalid" if is(TAG) => Takes::Words(&["hold", "value", "fault"]),
        "on_fault" if is(TAG) => Takes::Words(&["hold", "value", "stop"]),
        "overflow" if is(TAG) => Takes::Words(&["fault", "saturate"]),
        "drive" if is(AXIS) => Takes::Device,
        "mode" if is(AXIS) => Takes::Words(&["csp", "csv", "cst"]),
        "homing" if is(AXIS) => Takes::Words(&["absolute", "current_position"]),
        "method" if is(HOMING) => Takes::Words(&["absolute", "current_position", "drive"]),
        "brake" if is(AXIS) => Takes::Words(&["drive"]),
        "invert" | "vertical" if is(AXIS) => Takes::Boolean,
        "modes" if is(UNIT) => Takes::Words(&["production", "maintenance", "manual"]),
        "programs" if is(UNIT) => Takes::Program,
        "jog" if is(UNIT) => Takes::Axis,
        "acting" if is(UNIT) => Takes::Words(&[
            "clearing",
            "starting",
            "stopping",
            "aborting",
            "holding",
            "unholding",
            "suspending",
            "unsuspending",
            "resetting",
            "completing",
            "execute",
        ]),
        "start" | "stop" | "reset" if is(OPERATOR) => Takes::Tag,
        _ => return None,
    })
}

/// Of alarms, models and jidoka.
fn of_judgement(section: &Section, key: &str) -> Option<Takes> {
    let is = |other: Section| section.name == other.name;
    Some(match key {
        "when" if is(ALARM) => Takes::Condition,
        "priority" if is(ALARM) => Takes::Words(&["low", "medium", "high", "critical"]),
        "reaction" if is(ALARM) => Takes::Words(&["none", "hold", "stop", "abort", "fault"]),
        "latched" if is(ALARM) => Takes::Boolean,
        "unit" if is(ALARM) || is(JIDOKA) => Takes::Unit,
        "model" if is(JIDOKA) => Takes::Model,
        "file" if is(MODEL) => Takes::ModelFile,
        "engine" if is(MODEL) => Takes::Words(&["inline", "ort"]),
        "trigger" if is(MODEL) => Takes::Words(&["request"]),
        "inputs" if is(MODEL) => Takes::Tag,
        "window" if is(WINDOW) => Takes::Tag,
        "curve" | "over" if is(CURVE) => Takes::Tag,
        "while" if is(WINDOW) || is(CURVE) => Takes::Tag,
        "score" if is(MODEL) || is(MODEL_FILE) => Takes::Words(&["reconstruction_error"]),
        _ => return None,
    })
}
