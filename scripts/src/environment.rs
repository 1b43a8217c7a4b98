//! What a program may see of its cell, and how much of everything it may have: the same for every tier.

use crate::{
    Reach, Role,
    names::{nearest, suggest},
    ports::Request,
};
use sensai_model::{
    Tag,
    cell::{Limits, Parameter},
    packml::Command,
};
use sensai_stdlib::registry::AXIS as AXIS_HANDLE;

/// What a program may see of its cell.
#[derive(Clone, Copy, Debug)]
pub struct ScriptEnvironment<'a> {
    /// Tags of the cell; their slots are those of the store that [`Program::cycle`](crate::Program::cycle) gets.
    pub tags: &'a [Tag],
    /// Parameters, in the order of the values that [`Program::cycle`](crate::Program::cycle) gets. `init` sees their defaults.
    pub parameters: &'a [Parameter],
    /// What one run may use.
    pub limits: Limits,
    /// Index of the program in the whole cell; the source of its faults and requests.
    pub program_index: u16,
    /// The cell's program, or the simulated machine's.
    pub role: Role<'a>,
    /// What it reaches beside tags and parameters. Nothing for a twin.
    pub reach: Reach<'a>,
}

/// The names that lead out of a program.
pub(crate) const ROOTS: [&str; 4] = ["io", "param", "sys", AI];

/// The root of the results of models.
pub(crate) const AI: &str = "ai";

/// The root that a twin has beside [`ROOTS`]: shafts of simulated drives.
pub(crate) const AXIS: &str = "axis";

/// Roots that the language has and no tier has yet.
pub(crate) const LATER_ROOTS: [&str; 1] = ["recipe"];

/// All facts of a model.
pub(crate) const MODEL_FACTS: [&str; 7] = ["score", "age", "valid", "misses", "sequence", "output", "fresh"];

/// The facts behind `sys.`.
const SYS: [&str; 4] = ["cycle", "time", "dt", "first_cycle"];

/// Facts of the unit behind `sys.`; a twin has none.
const UNIT_FACTS: [&str; 2] = ["mode", "state"];

/// The fact that a twin has beside them, and that its `init` may read.
pub(crate) const SEED: &str = "seed";

/// Functions without arguments, and what they ask for. Start, reset, clear and unhold are an operator's.
pub(crate) const UNIT_CALLS: [(&str, Request); 7] = [
    ("state_complete", Request::StateComplete),
    ("hold", Request::Command(Command::Hold)),
    ("suspend", Request::Command(Command::Suspend)),
    ("unsuspend", Request::Command(Command::Unsuspend)),
    ("stop", Request::Command(Command::Stop)),
    ("abort", Request::Command(Command::Abort)),
    ("complete", Request::Command(Command::Complete)),
];

/// Functions in one program.
pub(crate) const FUNCTIONS_MAX: usize = 512;

/// Variables in one call.
pub(crate) const VARIABLES_MAX: usize = 512;

/// Bytes of a program's text.
pub(crate) const TEXT_MAX: usize = 1 << 20;

/// Lines of a program's text.
pub(crate) const LINES_MAX: usize = 60_000;

/// Records and arrays in one another; deeper than any program needs, shallow enough for every stack.
pub(crate) const DEPTH_MAX: usize = 16;

/// Values in a state, blocks counting one each.
pub(crate) const VALUES_MAX: u64 = 65_536;

/// Bytes of an arena.
pub(crate) const SIZE_MAX: u32 = 4 << 20;

/// Facts behind `sys.` for a program of the controller, or of a twin.
pub(crate) fn sys_facts(twin: bool) -> Vec<&'static str> {
    let more: &[&str] = if twin { &[SEED] } else { &UNIT_FACTS };
    SYS.iter().chain(more).copied().collect()
}

/// Why a twin may not write an output of the cell, or what a shaft shows.
pub(crate) fn read_only_in_twin(name: &str) -> String {
    if name.starts_with("axis.") {
        format!("`{name}` cannot be written: the simulated drive moves the shaft")
    } else {
        format!("`{name}` is an output of the cell and cannot be written: the controller drives it")
    }
}

/// What may have been meant by a property that does not exist.
pub(crate) fn property_help(name: &str) -> String {
    let names: Vec<&str> = AXIS_HANDLE.properties.iter().map(|property| property.name).collect();
    if AXIS_HANDLE.method(name).is_some() {
        return format!("it is a command, write `{name}(...)`");
    }
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => suggest(name, &names, "properties"),
    }
}
