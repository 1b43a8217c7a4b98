//! What a cell is, for those who look at it: told once, while [`crate::control::view`] is told again and again.

use sensai_model::{
    Cell, Value,
    cell::{AlarmPriority, AlarmReaction, ModelEngine},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Everything about a cell that does not change while it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// `[cell] name`.
    pub cell: String,
    /// SHA-256 over the cell's files: their names and bytes.
    pub hash: String,
    /// Interface, or `sim` for the embedded segment.
    pub interface: String,
    /// Interval of the base task, ns.
    pub interval_ns: u64,
    /// The base task's first.
    pub tasks: Vec<TaskInfo>,
    /// In bus order.
    pub devices: Vec<DeviceInfo>,
    /// In the order of the file.
    pub tags: Vec<TagInfo>,
    /// In the order of the file.
    pub parameters: Vec<ParameterInfo>,
    /// In the order of the file.
    pub axes: Vec<AxisInfo>,
    /// In the order of the file.
    pub units: Vec<UnitInfo>,
    /// In the order of the file.
    pub alarms: Vec<AlarmInfo>,
    /// In the order of the file.
    pub models: Vec<ModelInfo>,
    /// In the order of the file.
    pub jidoka: Vec<JidokaInfo>,
}

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskInfo {
    /// Name.
    pub name: String,
    /// Interval, ns.
    pub interval_ns: u64,
    /// `SCHED_FIFO` priority.
    pub priority: u8,
    /// Paths of its programs.
    pub programs: Vec<String>,
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// Name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of its sync unit.
    pub sync_unit: String,
}

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TagInfo {
    /// Dotted name.
    pub name: String,
    /// `input`, `output`, `memory` or `model`.
    pub kind: String,
    /// `bool`, `i64` or `f64`.
    #[serde(rename = "type")]
    pub scalar: String,
    /// Elements of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<u32>,
    /// UCUM unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A parameter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterInfo {
    /// Name.
    pub name: String,
    /// `bool`, `i64` or `f64`.
    #[serde(rename = "type")]
    pub scalar: String,
    /// Value until somebody sets another.
    pub default: Json,
    /// Least and greatest legal value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(Json, Json)>,
    /// UCUM unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AxisInfo {
    /// Name.
    pub name: String,
    /// Name of its drive.
    pub device: String,
    /// Unit of a position.
    pub unit: String,
    /// Units/s.
    pub velocity_max: f64,
    /// Largest following error, units.
    pub following_window: f64,
    /// Units in whose manual mode it can be jogged.
    pub jog: Vec<String>,
}

/// A PackML unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitInfo {
    /// Name.
    pub name: String,
    /// Its modes.
    pub modes: Vec<String>,
}

/// An alarm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlarmInfo {
    /// Name.
    pub name: String,
    /// Number, as it stands in the log.
    pub id: u16,
    /// `low`, `medium`, `high` or `critical`.
    pub priority: String,
    /// `none`, `hold`, `stop`, `abort` or `fault`.
    pub reaction: String,
    /// English.
    pub text_en: String,
    /// Japanese.
    pub text_ja: String,
    /// What to do, English.
    pub help_en: String,
    /// What to do, Japanese.
    pub help_ja: String,
}

/// A model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// SHA-256 of it.
    pub sha256: String,
    /// `inline` or `ort`.
    pub engine: String,
    /// Score above which a part is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Cycles after which a result is no longer valid.
    pub age_max_cycles: u32,
}

/// A jidoka rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JidokaInfo {
    /// Name.
    pub name: String,
    /// Model whose score is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Score over which a part is suspicious.
    pub limit: f64,
}

/// A value as JSON. What JSON has no numbers for is a text.
pub fn json(value: Value) -> Json {
    match value {
        Value::Bool(bit) => bit.into(),
        Value::I64(number) => number.into(),
        Value::F64(number) => float(number),
    }
}

/// A number as JSON; `NaN`, `inf` and `-inf` are texts.
pub fn float(number: f64) -> Json {
    serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Json::Number)
}

impl Description {
    /// Of a cell.
    pub fn of(cell: &Cell, hash: &str, interface: Option<&str>) -> Self {
        let names = |indices: &[u16]| -> Vec<String> {
            indices
                .iter()
                .filter_map(|index| Some(cell.units.get(usize::from(*index))?.name.clone()))
                .collect()
        };
        let jogging = |axis: usize| -> Vec<u16> {
            let units = cell.units.iter().enumerate();
            let of = units.filter(|(_, unit)| unit.jog.iter().any(|jog| usize::from(*jog) == axis));
            of.map(|(index, _)| index as u16).collect()
        };
        Self {
            cell: cell.name.clone(),
            hash: hash.into(),
            interface: interface.unwrap_or("sim").into(),
            interval_ns: cell.task.interval_ns,
            tasks: cell.tasks().map(TaskInfo::of).collect(),
            devices: cell.devices.iter().map(|device| DeviceInfo::of(cell, device)).collect(),
            tags: cell.tags.iter().map(TagInfo::of).collect(),
            parameters: cell.parameters.iter().map(ParameterInfo::of).collect(),
            axes: cell
                .axes
                .iter()
                .enumerate()
                .map(|(index, axis)| AxisInfo {
                    name: axis.name.clone(),
                    device: cell
                        .devices
                        .get(usize::from(axis.device))
                        .map_or(String::new(), |of| of.name.clone()),
                    unit: axis.unit.clone(),
                    velocity_max: axis.velocity_max,
                    following_window: axis.following_window,
                    jog: names(&jogging(index)),
                })
                .collect(),
            units: cell
                .units
                .iter()
                .map(|unit| UnitInfo {
                    name: unit.name.clone(),
                    modes: unit.modes.iter().map(|mode| mode.name().into()).collect(),
                })
                .collect(),
            alarms: cell.alarms.iter().map(AlarmInfo::of).collect(),
            models: cell.models.iter().map(ModelInfo::of).collect(),
            jidoka: cell
                .jidoka
                .iter()
                .map(|rule| JidokaInfo {
                    name: rule.name.clone(),
                    model: rule
                        .model
                        .and_then(|model| Some(cell.models.get(usize::from(model))?.name.clone())),
                    limit: rule.limit,
                })
                .collect(),
        }
    }
}

impl TaskInfo {
    fn of(task: &sensai_model::cell::Task) -> Self {
        Self {
            name: task.name.clone(),
            interval_ns: task.interval_ns,
            priority: task.priority,
            programs: task.programs.iter().map(|program| program.path.clone()).collect(),
        }
    }
}

impl DeviceInfo {
    fn of(cell: &Cell, device: &sensai_model::cell::Device) -> Self {
        let unit = cell.sync_units.get(usize::from(device.sync_unit));
        let has_data = !(device.inputs.is_empty() && device.outputs.is_empty());
        Self {
            name: device.name.clone(),
            kind: device.description.name.clone(),
            sync_unit: unit.filter(|_| has_data).map_or(String::new(), |unit| unit.name.clone()),
        }
    }
}

impl TagInfo {
    fn of(tag: &sensai_model::Tag) -> Self {
        use sensai_model::TagKind;
        let kind = match tag.kind {
            TagKind::Input => "input",
            TagKind::Output => "output",
            TagKind::Memory => "memory",
            TagKind::Model => "model",
        };
        Self {
            name: tag.name.clone(),
            kind: kind.into(),
            scalar: tag.scalar.name().into(),
            len: tag.array_len,
            unit: tag.unit.clone(),
            description: tag.description.clone(),
        }
    }
}

impl ParameterInfo {
    /// Of a parameter.
    pub fn of(parameter: &sensai_model::cell::Parameter) -> Self {
        Self {
            name: parameter.name.clone(),
            scalar: parameter.scalar.name().into(),
            default: json(parameter.default),
            range: parameter.range.map(|(low, high)| (json(low), json(high))),
            unit: parameter.unit.clone(),
            description: parameter.description.clone(),
        }
    }
}

impl AlarmInfo {
    fn of(alarm: &sensai_model::cell::Alarm) -> Self {
        let priority = match alarm.priority {
            AlarmPriority::Low => "low",
            AlarmPriority::Medium => "medium",
            AlarmPriority::High => "high",
            AlarmPriority::Critical => "critical",
        };
        let reaction = match alarm.reaction {
            AlarmReaction::None => "none",
            AlarmReaction::Hold(_) => "hold",
            AlarmReaction::Stop(_) => "stop",
            AlarmReaction::Abort(_) => "abort",
            AlarmReaction::Fault => "fault",
        };
        Self {
            name: alarm.name.clone(),
            id: alarm.id,
            priority: priority.into(),
            reaction: reaction.into(),
            text_en: alarm.text_en.clone(),
            text_ja: alarm.text_ja.clone(),
            help_en: alarm.help.0.clone(),
            help_ja: alarm.help.1.clone(),
        }
    }
}

impl ModelInfo {
    fn of(model: &sensai_model::cell::Model) -> Self {
        let engine = match model.engine {
            ModelEngine::Inline => "inline",
            ModelEngine::Ort => "ort",
        };
        Self {
            name: model.name.clone(),
            path: model.path.clone(),
            sha256: model.sha256.clone(),
            engine: engine.into(),
            threshold: model.threshold,
            age_max_cycles: model.age_max_cycles,
        }
    }
}
