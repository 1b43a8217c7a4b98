//! Every key the parser knows. The parser takes its list of known keys from here, and `docs/cell-toml.md` is tested
//! against it.

/// A kind of table in `cell.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// As the reference page heads it, such as `[tags.<name>]`.
    pub name: &'static str,
    /// The keys it takes.
    pub keys: &'static [&'static str],
}

/// The document itself.
pub const ROOT: Section = Section {
    name: "cell.toml",
    keys: &[
        "cell",
        "bus",
        "tasks",
        "devices",
        "tags",
        "axes",
        "units",
        "route",
        "alarms",
        "models",
        "jidoka",
        "parameters",
        "limits",
        "operator",
        "log",
        "retain",
        "simulation",
    ],
};
/// `[cell]`.
pub const CELL: Section = Section { name: "[cell]", keys: &["name"] };
/// `[bus]`.
pub const BUS: Section = Section {
    name: "[bus]",
    keys: &["interface", "deadline", "lost_frames_max", "watchdog", "acyclic_bytes_max"],
};
/// `[tasks.<name>]`.
pub const TASK: Section = Section {
    name: "[tasks.<name>]",
    keys: &["interval", "priority", "core", "spin", "on_overrun", "tier", "programs"],
};
/// `[devices.<name>]`.
pub const DEVICE: Section = Section {
    name: "[devices.<name>]",
    keys: &["type", "sii", "position", "serial", "revision", "sync_unit", "startup"],
};
/// An element of `startup`.
pub const STARTUP: Section = Section { name: "[devices.<name>] startup", keys: &["object", "type", "value"] };
/// `[tags.<name>]`.
pub const TAG: Section = Section {
    name: "[tags.<name>]",
    keys: &[
        "input",
        "output",
        "bit",
        "type",
        "array",
        "unit",
        "scale",
        "offset",
        "range",
        "initial",
        "on_invalid",
        "invalid_value",
        "on_fault",
        "fault_value",
        "overflow",
        "aliases",
        "description",
    ],
};
/// `[axes.<name>]`.
pub const AXIS: Section = Section {
    name: "[axes.<name>]",
    keys: &[
        "drive",
        "channel",
        "unit",
        "feed",
        "encoder",
        "gear",
        "counts_per_unit",
        "invert",
        "modulo",
        "mode",
        "position_gain",
        "homing",
        "limits",
        "following_window",
        "following_time",
        "in_position_window",
        "stop_category",
        "stop_deceleration",
        "stop_jerk",
        "vertical",
        "brake",
    ],
};
/// `limits` of an axis.
pub const AXIS_LIMITS: Section = Section {
    name: "[axes.<name>] limits",
    keys: &["position", "velocity", "acceleration", "deceleration", "jerk"],
};
/// `homing` of an axis.
pub const HOMING: Section =
    Section { name: "[axes.<name>] homing", keys: &["method", "position", "number", "timeout"] };
/// `brake` of an axis.
pub const BRAKE: Section = Section { name: "[axes.<name>] brake", keys: &["release", "apply"] };
/// `[units.<name>]`.
pub const UNIT: Section = Section { name: "[units.<name>]", keys: &["modes", "programs", "acting", "jog"] };
/// `[[route]]`.
pub const ROUTE: Section = Section { name: "[[route]]", keys: &["from", "to"] };
/// `[alarms.<name>]`.
pub const ALARM: Section = Section {
    name: "[alarms.<name>]",
    keys: &[
        "id",
        "when",
        "hysteresis",
        "delay",
        "off_delay",
        "priority",
        "reaction",
        "unit",
        "latched",
        "text",
        "help",
        "group",
    ],
};
/// `text` and `help` of an alarm.
pub const ALARM_TEXT: Section = Section { name: "[alarms.<name>] text, help", keys: &["en", "ja"] };
/// `[models.<name>]`.
pub const MODEL: Section = Section {
    name: "[models.<name>]",
    keys: &["file", "engine", "inputs", "trigger", "deadline", "age_max", "substitute", "score", "slice"],
};
/// `trigger` of a model.
pub const TRIGGER: Section = Section { name: "[models.<name>] trigger", keys: &["every"] };
/// An element of `inputs` that is a window.
pub const WINDOW: Section =
    Section { name: "[models.<name>] inputs, window", keys: &["window", "len", "every", "while"] };
/// An element of `inputs` that is a curve.
pub const CURVE: Section =
    Section { name: "[models.<name>] inputs, curve", keys: &["curve", "over", "from", "to", "len", "while"] };
/// `score` of a model.
pub const SCORE: Section = Section { name: "[models.<name>] score", keys: &["output", "element"] };
/// `[jidoka.<name>]`.
pub const JIDOKA: Section =
    Section { name: "[jidoka.<name>]", keys: &["model", "limit", "count", "unit", "before", "after"] };
/// A model's description.
pub const MODEL_FILE: Section = Section {
    name: "models/<name>.toml",
    keys: &["title", "sha256", "inputs", "outputs", "score", "threshold", "golden", "provenance"],
};
/// An element of `inputs` in a model's description.
pub const MODEL_FILE_INPUT: Section =
    Section { name: "models/<name>.toml [[inputs]]", keys: &["name", "shape", "unit", "mean", "scale"] };
/// An element of `outputs` in a model's description.
pub const MODEL_FILE_OUTPUT: Section =
    Section { name: "models/<name>.toml [[outputs]]", keys: &["name", "shape"] };
/// `golden` in a model's description.
pub const GOLDEN: Section =
    Section { name: "models/<name>.toml golden", keys: &["inputs", "outputs", "tolerance"] };
/// `[parameters.<name>]`.
pub const PARAMETER: Section =
    Section { name: "[parameters.<name>]", keys: &["default", "type", "range", "unit", "description"] };
/// `[limits]`.
pub const LIMITS: Section =
    Section { name: "[limits]", keys: &["operations", "call_depth", "text_len", "array_len", "record_len"] };
/// `[operator]`.
pub const OPERATOR: Section = Section { name: "[operator]", keys: &["start", "stop", "reset"] };
/// `[log]`.
pub const LOG: Section = Section { name: "[log]", keys: &["sync_interval", "keyframe_interval", "ring"] };
/// `[retain]`.
pub const RETAIN: Section = Section { name: "[retain]", keys: &["interval"] };
/// `[simulation]`.
pub const SIMULATION: Section = Section {
    name: "[simulation]",
    keys: &["auto_start", "stop_after", "seed", "plant", "twin", "twin_interval", "parameters"],
};
/// `plant` in `[simulation]`.
pub const PLANT: Section = Section { name: "[simulation.plant]", keys: &["kind", "tags", "constants"] };

/// All of them, in the order of the reference page.
pub const SECTIONS: &[Section] = &[
    ROOT,
    CELL,
    BUS,
    TASK,
    DEVICE,
    STARTUP,
    TAG,
    AXIS,
    AXIS_LIMITS,
    HOMING,
    BRAKE,
    UNIT,
    ROUTE,
    ALARM,
    ALARM_TEXT,
    MODEL,
    TRIGGER,
    WINDOW,
    CURVE,
    SCORE,
    JIDOKA,
    PARAMETER,
    LIMITS,
    OPERATOR,
    LOG,
    RETAIN,
    SIMULATION,
    PLANT,
    MODEL_FILE,
    MODEL_FILE_INPUT,
    MODEL_FILE_OUTPUT,
    GOLDEN,
];
