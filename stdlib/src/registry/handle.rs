//! What a program holds on to without owning it: a handle to an object of the runtime.
//!
//! Only described here. What a call does is the tier's and the runtime's business; the description keeps the check, the
//! editor and the reference at one.

/// A handle: made in `init` like a block, and like a block never copied.
#[derive(Debug)]
pub struct HandleType {
    /// As scripts write it.
    pub name: &'static str,
    /// Markdown; the first paragraph is a summary.
    pub doc: &'static str,
    /// What it is made with.
    pub constructor: &'static [HandleArgument],
    /// What can be called on it.
    pub methods: &'static [HandleMethod],
    /// What can be read from it.
    pub properties: &'static [Property],
    /// Bytes of state in the program.
    pub size: usize,
}

/// An argument of a handle's constructor or method.
#[derive(Debug)]
pub struct HandleArgument {
    /// Name, for texts.
    pub name: &'static str,
    /// Type; never converted.
    pub kind: Kind,
    /// Unit; empty if it has none.
    pub unit: &'static str,
    /// May be left out; only the last one may.
    pub optional: bool,
    /// Texts that it takes; empty: any, or it is no text.
    pub words: &'static [&'static str],
    /// Markdown.
    pub doc: &'static str,
}

/// Types of a handle's arguments and properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// `i64`.
    I64,
    /// `f64`.
    F64,
    /// A symbol.
    Text,
}

/// Something that can be called on a handle. None gives a result.
#[derive(Debug)]
pub struct HandleMethod {
    /// Name.
    pub name: &'static str,
    /// In order.
    pub arguments: &'static [HandleArgument],
    /// Markdown.
    pub doc: &'static str,
}

/// Something that can be read from a handle.
#[derive(Debug)]
pub struct Property {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Unit; empty if it has none.
    pub unit: &'static str,
    /// Texts that it can be; empty: it is no text.
    pub words: &'static [&'static str],
    /// Markdown.
    pub doc: &'static str,
}

impl Kind {
    /// As the cell language calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I64 => "i64",
            Self::F64 => "f64",
            Self::Text => "text",
        }
    }
}

impl HandleType {
    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<&'static HandleMethod> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// The property of this name.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

impl HandleMethod {
    /// How many arguments it takes: each legal number, ascending.
    pub fn counts(&self) -> std::ops::RangeInclusive<usize> {
        let required = self.arguments.iter().filter(|argument| !argument.optional).count();
        required..=self.arguments.len()
    }

    /// As a program writes it: `move_relative(distance, velocity)`.
    pub fn usage(&self) -> String {
        let name = |argument: &HandleArgument| match argument.optional {
            true => format!("[{}]", argument.name),
            false => argument.name.to_owned(),
        };
        format!("{}({})", self.name, self.arguments.iter().map(name).collect::<Vec<_>>().join(", "))
    }
}

const fn number(name: &'static str, unit: &'static str, doc: &'static str) -> HandleArgument {
    HandleArgument { name, kind: Kind::F64, unit, optional: false, words: &[], doc }
}

const fn flag(name: &'static str, doc: &'static str) -> Property {
    Property { name, kind: Kind::Bool, unit: "", words: &[], doc }
}

const fn measure(name: &'static str, unit: &'static str, doc: &'static str) -> Property {
    Property { name, kind: Kind::F64, unit, words: &[], doc }
}

/// Ways to an absolute position on a modulo axis.
pub const DIRECTIONS: &[&str] = &["shortest", "positive", "negative"];

/// States of an axis, PLCopen Motion Control part 1.
pub const AXIS_STATES: &[&str] = &[
    "disabled",
    "standstill",
    "discrete_motion",
    "continuous_motion",
    "homing",
    "stopping",
    "error_stop",
    "synchronized_motion",
];

const VELOCITY: &str = "Speed, greater than 0; more than the axis's limit means the limit.";

/// The handle of an axis.
pub static AXIS: HandleType = HandleType {
    name: "Axis",
    doc: " Handle of an axis of `[axes]`: commands go to the axis with the task's commit, what it says is of its last step.

 A call *begins* a command if the run before had no such call on this handle, or if an argument differs from the last
 such call: so a call in one cycle is a pulse, and a call in every cycle begins one command and goes on with it. What
 ended, also by an error, does not begin again until a cycle has passed without the call. A new argument while the axis
 moves leads it to the new target from where it is. `done`, `busy`, `active`, `aborted` and `error` are of the command
 that this handle began last, and stay until it begins another. Another command for the axis, from whichever handle,
 aborts the one in execution (PLCopen Motion Control part 1).

 After a start, all calls count as new ones. All programs that command one axis belong to one task. A NaN or infinity as
 an argument is a fault of the program; a number that the axis cannot take is an error of the command.
",
    constructor: &[HandleArgument {
        name: "name",
        kind: Kind::Text,
        unit: "",
        optional: false,
        words: &[],
        doc: "Name of an axis of the cell.",
    }],
    methods: &[
        HandleMethod {
            name: "power",
            arguments: &[HandleArgument {
                name: "on",
                kind: Kind::Bool,
                unit: "",
                optional: false,
                words: &[],
                doc: "True: power, and open the brake. False: stop, close the brake, no power.",
            }],
            doc: "Power as a level: a change is a command, the same again is none. What the axis cannot \
                  follow at once, because of an error or a stop, it follows when that is over.",
        },
        HandleMethod {
            name: "reset",
            arguments: &[],
            doc: "Acknowledge the error of the axis and the fault of its drive.",
        },
        HandleMethod {
            name: "home",
            arguments: &[],
            doc: "Find the position, as `homing` of the axis says.",
        },
        HandleMethod {
            name: "move_absolute",
            arguments: &[
                number("position", "axis's", "Target."),
                number("velocity", "axis's/s", VELOCITY),
                HandleArgument {
                    name: "direction",
                    kind: Kind::Text,
                    unit: "",
                    optional: true,
                    words: DIRECTIONS,
                    doc: "On a modulo axis: `\"shortest\"` (if left out), `\"positive\"` or `\"negative\"`.",
                },
            ],
            doc: "Move to a position.",
        },
        HandleMethod {
            name: "move_relative",
            arguments: &[
                number("distance", "axis's", "Distance from where the set-point is."),
                number("velocity", "axis's/s", VELOCITY),
            ],
            doc: "Move by a distance.",
        },
        HandleMethod {
            name: "move_velocity",
            arguments: &[number("velocity", "axis's/s", "Signed, within the axis's limit.")],
            doc: "Move at a velocity until something else is asked. `done` when it is reached.",
        },
        HandleMethod {
            name: "torque",
            arguments: &[
                number("torque", "%", "In percent of the rated torque, signed."),
                number("ramp", "%/s", "How fast the torque changes, greater than 0."),
            ],
            doc: "Give a torque, on an axis with `mode = \"cst\"`. `done` when it is reached.",
        },
        HandleMethod {
            name: "halt",
            arguments: &[],
            doc: "Come to rest; any motion command may take over.",
        },
        HandleMethod {
            name: "stop",
            arguments: &[],
            doc: "Come to rest on the stop ramp, and refuse motion commands until `release_stop()`.",
        },
        HandleMethod { name: "release_stop", arguments: &[], doc: "End what `stop()` began." },
    ],
    properties: &[
        flag("done", "The command is done. Of a velocity or torque: it is reached."),
        flag("busy", "The command is not over: on its way to the axis, or in execution."),
        flag("active", "The axis executes the command."),
        flag("aborted", "Another command, or a stop by the runtime, took over."),
        flag("error", "The command was refused, or ended by an error."),
        Property {
            name: "error_id",
            kind: Kind::I64,
            unit: "",
            words: &[],
            doc: "Why the command failed, else the error that stopped the axis; 0: neither.",
        },
        measure("position", "axis's", "Actual position; on a modulo axis within one turn."),
        measure("velocity", "axis's/s", "Actual velocity."),
        measure("torque", "%", "Actual torque in percent of the rated torque; 0 where the drive does not tell."),
        measure("set_position", "axis's", "Set-point of the last interval."),
        measure("set_velocity", "axis's/s", "Velocity of the set-point."),
        measure("following_error", "axis's", "How far the axis is behind its set-point."),
        flag("powered", "The drive is in operation, and the brake is open."),
        flag("homed", "The position is known."),
        flag("in_position", "At rest, and the actual position is in the window around the set-point."),
        flag("standstill", "Powered, at rest, nothing in execution: the state is `\"standstill\"`."),
        Property {
            name: "state",
            kind: Kind::Text,
            unit: "",
            words: AXIS_STATES,
            doc: "`\"disabled\"`, `\"standstill\"`, `\"discrete_motion\"`, `\"continuous_motion\"`, `\"homing\"`, \
                  `\"stopping\"`, `\"error_stop\"`, `\"synchronized_motion\"`.",
        },
    ],
    size: 88,
};
