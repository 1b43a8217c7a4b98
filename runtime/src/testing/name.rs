//! What a test can name: `io.nest.present`, `this.step`, `axis.ram.position` and so on.

use super::stand::Stand;
use crate::control::protocol::{shown, suggestion};
use sensai_model::{Cell, Tag, TagKind, Value};
use sensai_scripts::{
    Layout, Ports,
    axis::{AxisHandle, Property},
    layout::{self, Shape},
    ports::UnitFacts,
};
use sensai_stdlib::registry;

/// What is known of an axis without a program's handle.
const AXIS_FACTS: &[&str] = &[
    "position",
    "velocity",
    "torque",
    "set_position",
    "set_velocity",
    "following_error",
    "powered",
    "homed",
    "in_position",
    "standstill",
    "state",
    "error_id",
];

/// Facts behind `sys.`.
const SYSTEM_FACTS: &[&str] = &["mode", "state", "cycle", "time"];

/// Facts of a model that are no tag.
const REQUESTED: &str = "requested";

/// Roots of names, with an example of each.
const ROOTS: &str = "`io.tag`, `wire.output`, `param.name`, `this.field`, `ai.model.score`, `sys.state`, \
                     `axis.name.position`, `alarm.name`, `jidoka.name`";

/// A name that stands for something.
#[derive(Clone, Debug, PartialEq)]
pub enum Name {
    /// A tag, or one element of an array.
    Tag { tag: usize, element: Option<u32> },
    /// The quality of an input.
    Quality(usize),
    /// What an output puts on the wire.
    Wire { tag: usize, element: Option<u32> },
    /// A parameter.
    Parameter(usize),
    /// A field of the program's state.
    State(String),
    /// A model has been asked for a result that it has not given.
    Requested(usize),
    /// Mode of the program's unit.
    UnitMode,
    /// State of the program's unit.
    UnitState,
    /// Cycles of the program's task so far.
    Cycle,
    /// Nominal time, ns.
    Time,
    /// A fact of an axis.
    Axis { axis: usize, fact: &'static str },
    /// An alarm is there.
    Alarm(usize),
    /// Events of a jidoka rule that nobody has judged.
    Jidoka(usize),
}

/// What a name shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A scalar.
    One(Value),
    /// A text.
    Text(String),
    /// An array.
    Many(Vec<Value>),
}

/// A name that stands for nothing: what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    pub message: String,
    pub help: Option<String>,
}

impl Unknown {
    fn new(what: &str, name: &str, candidates: &[String]) -> Self {
        let help = match suggestion(name, candidates.iter().map(String::as_str)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if candidates.is_empty() => Some(format!("this cell has no {what} at all")),
            None if candidates.len() <= 12 => Some(format!("there is {}", candidates.join(", "))),
            None => None,
        };
        Self { message: format!("there is no {what} `{}`", shown(name)), help }
    }
}

impl Name {
    /// What `text` stands for on this stand.
    ///
    /// # Errors
    /// If it stands for nothing.
    pub fn resolve(stand: &Stand, text: &str) -> Result<Self, Unknown> {
        let cell = stand.cell();
        let (root, rest) = text.split_once('.').unwrap_or((text, ""));
        let indexed = |rest| element(rest).ok_or_else(|| malformed(text));
        match root {
            "io" => {
                if let Some(name) = rest.strip_suffix(".valid") {
                    return quality(cell, text, name);
                }
                let (name, element) = indexed(rest)?;
                let tag = tag(cell, "tag", text, name, |tag| tag.kind != TagKind::Model)?;
                within(cell, text, tag, element).map(|element| Self::Tag { tag, element })
            }
            "wire" => {
                let (name, element) = indexed(rest)?;
                let tag = tag(cell, "output", text, name, |tag| tag.kind == TagKind::Output)?;
                within(cell, text, tag, element).map(|element| Self::Wire { tag, element })
            }
            "ai" => model(cell, text, rest),
            "param" => {
                let known = cell.parameters.iter().position(|parameter| parameter.name == rest);
                let all =
                    || cell.parameters.iter().map(|parameter| format!("param.{}", parameter.name)).collect();
                known.map(Self::Parameter).ok_or_else(|| unknown("parameter", text, all))
            }
            "this" => state(stand, text, rest),
            "sys" => match rest {
                "mode" => Ok(Self::UnitMode),
                "state" => Ok(Self::UnitState),
                "cycle" => Ok(Self::Cycle),
                "time" => Ok(Self::Time),
                _ => {
                    let all = || SYSTEM_FACTS.iter().map(|fact| format!("sys.{fact}")).collect();
                    Err(unknown("fact", text, all))
                }
            },
            "axis" => axis_fact(cell, text, rest),
            "alarm" => {
                let known = cell.alarms.iter().position(|alarm| alarm.name == rest);
                let all = || cell.alarms.iter().map(|alarm| format!("alarm.{}", alarm.name)).collect();
                known.map(Self::Alarm).ok_or_else(|| unknown("alarm", text, all))
            }
            "jidoka" => {
                let known = cell.jidoka.iter().position(|rule| rule.name == rest);
                let all = || cell.jidoka.iter().map(|rule| format!("jidoka.{}", rule.name)).collect();
                known.map(Self::Jidoka).ok_or_else(|| unknown("jidoka rule", text, all))
            }
            _ => Err(Unknown {
                message: format!("`{}` names nothing", shown(text)),
                help: Some(match tag(cell, "tag", text, text, |_| true) {
                    Ok(_) => format!("write `io.{text}`"),
                    Err(_) => format!("names are {ROOTS}"),
                }),
            }),
        }
    }

    /// What it shows now. `None`: the field is no value (a record, a block).
    pub fn read(&self, stand: &Stand) -> Option<Reading> {
        let (machine, cell) = (stand.machine(), stand.cell());
        let (store, facts) = (machine.store(), || unit_facts(stand));
        let one = |value| Some(Reading::One(value));
        match self {
            Self::Tag { tag, element } => {
                let of = cell.tags.get(*tag)?;
                Some(read_elements(of, *element, |index, _| store.value(of.slot + index)))
            }
            Self::Quality(tag) => {
                let of = cell.tags.get(*tag)?;
                one(Value::Bool((of.slot..of.slot + of.len()).all(|slot| store.valid(slot))))
            }
            Self::Wire { tag, element } => {
                let of = cell.tags.get(*tag)?;
                let image = machine.outputs();
                Some(read_elements(of, *element, |_, field| {
                    field.and_then(|field| of.decode(field, image)).unwrap_or(of.initial)
                }))
            }
            Self::Parameter(index) => one(*machine.parameters().get(*index)?),
            Self::State(path) => {
                let program = machine.programs().get(stand.program())?;
                Some(match program.layout().read(program.state(), path)? {
                    layout::Reading::Scalar(value) => Reading::One(value),
                    layout::Reading::Symbol(text) => Reading::Text(text),
                })
            }
            Self::Requested(model) => one(Value::Bool(machine.awaits_model(*model))),
            Self::UnitMode => Some(Reading::Text(facts().mode.name().to_owned())),
            Self::UnitState => Some(Reading::Text(facts().state.name().to_owned())),
            Self::Cycle => one(Value::I64(stand.cycles().cast_signed())),
            Self::Time => one(Value::I64(machine.time_ns(stand.cycles()))),
            Self::Axis { axis, fact } => {
                let mut ports = Ports::new(cell.axes.len(), 0, 0);
                for (place, facts) in ports.axes.iter_mut().zip(machine.axes().facts()) {
                    *place = *facts;
                }
                Some(match AxisHandle::new(*axis as u16).property(fact, &ports)? {
                    Property::Scalar(value) => Reading::One(value),
                    Property::Symbol(text) => Reading::Text(text.to_owned()),
                })
            }
            Self::Alarm(index) => one(Value::Bool(machine.alarms().facts().get(*index)?.active)),
            Self::Jidoka(rule) => {
                let of_rule = machine.jidoka().events().filter(|event| usize::from(event.rule) == *rule);
                let open = of_rule.filter(|event| event.verdict == crate::machine::jidoka::Verdict::Open);
                one(Value::I64(open.count() as i64))
            }
        }
    }
}

fn unit_facts(stand: &Stand) -> UnitFacts {
    stand.machine().units().facts(stand.program())
}

fn read_elements(
    of: &Tag,
    element: Option<u32>,
    value: impl Fn(u32, Option<&sensai_model::BitField>) -> Value,
) -> Reading {
    let at = |index: u32| value(index, of.fields.get(index as usize));
    match (element, of.array_len) {
        (Some(element), _) => Reading::One(at(element)),
        (None, Some(len)) => Reading::Many((0..len).map(at).collect()),
        (None, None) => Reading::One(at(0)),
    }
}

fn malformed(text: &str) -> Unknown {
    Unknown {
        message: format!("`{}` is no name", shown(text)),
        help: Some("an element of an array is written as `io.name[0]`".to_owned()),
    }
}

fn unknown(what: &str, text: &str, all: impl Fn() -> Vec<String>) -> Unknown {
    Unknown::new(what, text, &all())
}

/// `kind[2]` as name and index.
fn element(text: &str) -> Option<(&str, Option<u32>)> {
    match text.split_once('[') {
        None => Some((text, None)),
        Some((name, rest)) => rest.strip_suffix(']')?.parse().ok().map(|index| (name, Some(index))),
    }
}

fn tag(
    cell: &Cell,
    what: &str,
    text: &str,
    name: &str,
    wanted: impl Fn(&Tag) -> bool,
) -> Result<usize, Unknown> {
    let found = cell.tag(name).filter(|tag| wanted(tag));
    let index = found.and_then(|found| cell.tags.iter().position(|tag| tag.slot == found.slot));
    let root = text.split('.').next().unwrap_or("io");
    let all = || {
        let tags = cell.tags.iter().filter(|tag| wanted(tag));
        tags.map(|tag| format!("{root}.{}", tag.name)).collect()
    };
    index.ok_or_else(|| unknown(what, text, all))
}

/// An index into an array, and into nothing else.
fn within(cell: &Cell, text: &str, tag: usize, element: Option<u32>) -> Result<Option<u32>, Unknown> {
    let len = cell.tags.get(tag).and_then(|tag| tag.array_len);
    let problem = |message: String, help: &str| Err(Unknown { message, help: Some(help.to_owned()) });
    match (element, len) {
        (Some(_), None) => problem(format!("`{text}` is no array"), "leave the index out"),
        (Some(index), Some(len)) if index >= len => {
            problem(format!("`{text}` has {len} elements"), "the first one has index 0")
        }
        _ => Ok(element),
    }
}

fn quality(cell: &Cell, text: &str, name: &str) -> Result<Name, Unknown> {
    tag(cell, "input", text, name, |tag| tag.kind == TagKind::Input).map(Name::Quality)
}

fn model(cell: &Cell, text: &str, rest: &str) -> Result<Name, Unknown> {
    if let Some(name) = rest.strip_suffix(REQUESTED).and_then(|name| name.strip_suffix('.'))
        && let Some(model) = cell.models.iter().position(|model| model.name == name)
    {
        return Ok(Name::Requested(model));
    }
    // Their tags are called `ai.model.fact`.
    let (name, element) = element(text).ok_or_else(|| malformed(text))?;
    let found = cell.tags.iter().position(|tag| tag.kind == TagKind::Model && tag.name == name);
    let Some(tag) = found else {
        let tags = cell.tags.iter().filter(|tag| tag.kind == TagKind::Model).map(|tag| tag.name.clone());
        let requests = cell.models.iter().map(|model| format!("ai.{}.{REQUESTED}", model.name));
        return Err(Unknown::new("fact of a model", text, &tags.chain(requests).collect::<Vec<_>>()));
    };
    within(cell, text, tag, element).map(|element| Name::Tag { tag, element })
}

fn state(stand: &Stand, text: &str, rest: &str) -> Result<Name, Unknown> {
    let Some(program) = stand.machine().programs().get(stand.program()) else { return Err(malformed(text)) };
    let layout = program.layout();
    if layout.lookup(rest).is_some() {
        return Ok(Name::State(rest.to_owned()));
    }
    Err(unknown("field of the state", text, || paths(layout)))
}

/// Everything that can be read of a state.
fn paths(layout: &Layout) -> Vec<String> {
    let mut all = Vec::new();
    for leaf in layout.leaves() {
        match leaf.shape {
            Shape::Block(block) => {
                let pins = registry::find(&block.block).map_or(&[][..], |block| block.pins);
                all.extend(pins.iter().map(|pin| format!("this.{}.{}", leaf.path, pin.name)));
            }
            Shape::Axis => {
                let stored = |name: &&str| AxisHandle::new(0).stored(name).is_some();
                let names = registry::AXIS.properties.iter().map(|property| property.name).filter(stored);
                all.extend(names.map(|name| format!("this.{}.{name}", leaf.path)));
            }
            _ => all.push(format!("this.{}", leaf.path)),
        }
    }
    all
}

fn axis_fact(cell: &Cell, text: &str, rest: &str) -> Result<Name, Unknown> {
    let (name, fact) = rest.split_once('.').unwrap_or((rest, ""));
    let axis = cell.axes.iter().position(|axis| axis.name == name);
    let fact = AXIS_FACTS.iter().find(|known| **known == fact);
    match (axis, fact) {
        (Some(axis), Some(fact)) => Ok(Name::Axis { axis, fact }),
        _ => {
            let of = |axis: &sensai_model::cell::Axis| {
                AXIS_FACTS.iter().map(|fact| format!("axis.{}.{fact}", axis.name)).collect::<Vec<_>>()
            };
            Err(unknown("fact of an axis", text, || cell.axes.iter().flat_map(of).collect()))
        }
    }
}
