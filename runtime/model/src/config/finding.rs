//! What is wrong with a cell: where, which rule, what was found there, what to do.

use serde::Serialize;
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The cell does not run.
    Error,
    /// The cell runs, but probably not as meant.
    Warning,
    /// Something to think about.
    Hint,
}

macro_rules! rules {
    ($($name:ident = $code:literal $severity:ident $text:literal,)*) => {
        /// The rules a cell is checked by. Their codes are stable: tools and people may rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule { $(#[doc = $text] $name,)* }

        impl Rule {
            /// All rules, by ascending code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code, such as `C104`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Error or warning.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// The rule in one line.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

rules! {
    Unreadable = "C001" Error "a file of the cell cannot be read",
    NotUtf8 = "C002" Error "texts are UTF-8",
    Syntax = "C003" Error "the file is TOML 1.1",
    TooLarge = "C004" Error "files stay under their size limit",
    UnknownKey = "C101" Error "only known keys are taken",
    MissingKey = "C102" Error "keys without a default are given",
    WrongType = "C103" Error "a value has the type of its key",
    OutOfRange = "C104" Error "a value lies in the range of its key",
    DuplicateKey = "C105" Error "a key is given once",
    BadText = "C106" Error "durations, shares, sizes, addresses and units are written in their notation",
    NotAChoice = "C107" Error "a choice is one of the words offered",
    BadName = "C108" Error "names are identifiers that a script can write",
    NameTaken = "C109" Error "a name stands for one thing",
    Conflict = "C110" Error "keys that exclude each other, or mean nothing here, do not stand together",
    TooMany = "C111" Error "a table has no more entries than a cell can hold",
    UnknownDeviceType = "C201" Error "a device's type is in the catalogue",
    BadSii = "C202" Error "an SII image describes a device",
    WrongPosition = "C203" Error "devices stand in bus order",
    TooManySyncUnits = "C204" Error "a cell has at most 32 sync units",
    FrameTooLong = "C205" Error "a sync unit's process data fits into one EtherCAT frame",
    WatchdogOrder = "C206" Error "bus deadline < interval < SyncManager watchdog",
    WireTime = "C207" Error "the frames of a cycle fit into their time on the wire",
    NoMailbox = "C208" Error "start-up SDOs go to devices with a CoE mailbox",
    StartupMismatch = "C209" Error "a start-up SDO suits the device's object dictionary",
    UnusedSyncUnit = "C210" Warning "only devices with process data belong to a sync unit",
    WatchdogOff = "C211" Warning "a real segment runs with its SyncManager watchdogs on",
    UnknownDevice = "C301" Error "a binding names a device of the cell",
    UnknownEntry = "C302" Error "a binding names a process-data entry of its device",
    WrongDirection = "C303" Error "inputs bind what the device sends, outputs what it receives",
    EntryType = "C304" Error "a tag's type suits its entry",
    BitOutside = "C305" Error "a bit lies inside its word",
    TwoWriters = "C306" Error "an output bit has one writer",
    RangeUnreachable = "C307" Error "a tag's range lies inside what its entry can hold",
    ValueOutside = "C308" Error "initial, substitute and fault values lie in the tag's range",
    HoldRefused = "C309" Error "velocity and torque are not held on a fault",
    TooManyTags = "C310" Error "the tags of a cell have at most 65536 elements",
    UnknownTag = "C401" Error "a tag referred to exists",
    NotAnOperatorInput = "C402" Error "operator commands are bool inputs",
    SimulationOnly = "C404" Warning "simulation settings mean nothing on a real segment",
    TaskInterval = "C405" Error "one task is the fastest, and all other intervals are multiples of its",
    TaskPriority = "C406" Error "a slower task has a lower priority than a faster one on its core",
    NotADrive = "C501" Error "the device of an axis maps the objects of a CiA 402 drive",
    DriveMode = "C502" Error "a drive gets what the axis' mode of operation needs",
    DriveRange = "C503" Error "the positions and velocities of an axis fit into its drive's objects",
    OneAxis = "C504" Error "an axis of a drive belongs to one axis of the cell",
    VerticalAxis = "C505" Error "a vertical axis is held when its power goes",
    BrakeOutput = "C506" Error "a brake that the runtime works has an output",
    UnknownAxis = "C507" Error "an axis referred to exists",
    UnknownUnit = "C601" Error "a unit referred to exists",
    UnknownProgram = "C602" Error "a program referred to is run by a task",
    OneUnit = "C603" Error "a program and an axis belong to one unit",
    RouteLength = "C604" Error "source and target of a route have the same length",
    AlarmId = "C701" Error "an alarm's id is its own",
    AlarmCondition = "C702" Error "an alarm's condition asks of a tag what it can answer",
    ModelHash = "C801" Error "a model is the one that its description describes",
    ModelFile = "C802" Error "a model's description agrees with itself",
    ModelInput = "C803" Error "what a cell feeds into a model is what the model takes",
    ModelTiming = "C804" Error "a model's result is due before the next one and before it is too old",
    NoGolden = "C805" Warning "a model's description has inputs with the outputs that they must give",
    UnknownModel = "C806" Error "a model referred to exists",
}

/// Another place that has to do with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// File, relative to the cell's directory.
    pub path: String,
    /// Bytes in that file.
    pub span: Range<usize>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// What is there.
    pub message: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Stable code of the rule, see [`Rule`].
    pub code: &'static str,
    /// The rule in one line.
    pub rule: &'static str,
    /// File, relative to the cell's directory.
    pub path: String,
    /// Bytes in that file; empty where the whole file is meant.
    pub span: Range<usize>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// Dotted key, such as `tags.force.ram.scale`; empty where no key is meant.
    pub key: String,
    /// What is wrong here.
    pub message: String,
    /// The value found, as written.
    pub got: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Other places involved.
    pub related: Vec<Related>,
}

impl Finding {
    /// Say what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Say what to do about it, if there is something to say.
    pub(crate) fn maybe_help(&mut self, help: Option<String>) -> &mut Self {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    /// Name another place, see [`super::sink::Sink::place`].
    pub(crate) fn related(&mut self, place: Related) -> &mut Self {
        self.related.push(place);
        self
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {} {}", self.path, self.line, self.column, self.code, self.message)
    }
}

/// Texts of the files read, by path relative to the cell's directory: what findings point into.
#[derive(Clone, Debug, Default)]
pub struct Sources(BTreeMap<String, Arc<str>>);

impl Sources {
    /// The text of `path`, if it was read and is a text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(AsRef::as_ref)
    }

    /// Add or replace a text.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) {
        self.0.insert(path.into(), text.into());
    }
}
