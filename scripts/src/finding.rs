//! What is wrong with a program, found before it runs.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something to think about.
    Hint,
    /// The program runs, but probably does not do what was meant.
    Warning,
    /// The program is refused.
    Error,
}

impl Severity {
    /// As findings are shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding. Code and place are stable; the texts may be reworded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptFinding {
    /// Stable code, see [`code`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Name of the program.
    pub program: String,
    /// Path of its file, as the cell gives it.
    pub path: String,
    /// Line from 1; 0 if it concerns the whole program.
    pub line: u32,
    /// Column from 1, counted in characters; 0 if unknown.
    pub column: u32,
    /// Characters from `column` on that it is about; 0 if unknown.
    pub len: u32,
    /// The same in bytes of the text: start.
    pub start: u32,
    /// End, behind the last byte.
    pub end: u32,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that have to do with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// A change of the text after which it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// Another place that has to do with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Path of its file, as the cell gives it.
    pub path: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1, counted in characters.
    pub column: u32,
    /// Characters from `column` on.
    pub len: u32,
    /// The same in bytes of the text: start.
    pub start: u32,
    /// End, behind the last byte.
    pub end: u32,
    /// What is there.
    pub message: String,
}

/// A change of the text that the finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What it does: lower case, no full stop.
    pub title: String,
    /// All of them together, ascending, none in another.
    pub edits: Vec<Edit>,
}

/// Text in place of other text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// First byte that is replaced.
    pub start: u32,
    /// End, behind the last byte; `start`: something is put in.
    pub end: u32,
    /// What stands there then.
    pub text: String,
}

impl Fix {
    /// The text after the change; as it was, if an edit does not fit into it.
    pub fn apply(&self, text: &str) -> String {
        let mut changed = String::with_capacity(text.len());
        let mut at = 0;
        for edit in &self.edits {
            let (Some(before), end) = (text.get(at..edit.start as usize), edit.end as usize) else {
                return text.to_owned();
            };
            if end < edit.start as usize || !text.is_char_boundary(end) {
                return text.to_owned();
            }
            changed.push_str(before);
            changed.push_str(&edit.text);
            at = end;
        }
        changed.push_str(text.get(at..).unwrap_or_default());
        changed
    }
}

impl std::fmt::Display for ScriptFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}[{}]: {}:{}:{}: {}",
            self.severity.name(),
            self.code,
            self.path,
            self.line,
            self.column,
            self.message
        )?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// The stable codes: 1xx text, 2xx language rules, 3xx state, 4xx what is allowed, but probably not meant.
pub mod code {
    /// The text is no program.
    pub const SYNTAX: &str = "S101";
    /// The text is too long, or an expression or block is nested too deeply.
    pub const TOO_LARGE: &str = "S102";
    /// Something else than `const`, `import` and `fn` at the top level.
    pub const TOP_LEVEL: &str = "S201";
    /// `init()` or `cycle()` is missing.
    pub const ENTRY: &str = "S202";
    /// A construct or function that cell programs do not have.
    pub const REFUSED: &str = "S203";
    /// No such function, or none with that many arguments.
    pub const UNKNOWN_FUNCTION: &str = "S204";
    /// No such tag.
    pub const UNKNOWN_TAG: &str = "S205";
    /// No such parameter or fact of the cycle.
    pub const UNKNOWN_FACT: &str = "S206";
    /// A write to something that cannot be written.
    pub const READ_ONLY: &str = "S207";
    /// A function calls itself, directly or through others.
    pub const RECURSION: &str = "S208";
    /// A function has the name and number of arguments of a library function or block method.
    pub const HIDES_LIBRARY: &str = "S209";
    /// A variable has the name of a root or a constant.
    pub const SHADOWS: &str = "S210";
    /// No such variable or constant.
    pub const UNKNOWN_VARIABLE: &str = "S211";
    /// `.valid` not directly behind an input tag.
    pub const QUALITY: &str = "S212";
    /// A block is made or copied where it may not be.
    pub const BLOCK: &str = "S213";
    /// `init` uses tags or facts of the cycle.
    pub const INIT: &str = "S214";
    /// A function that uses `this` is called without it.
    pub const UNBOUND_THIS: &str = "S215";
    /// A value of another type than what it is stored in or given to.
    pub const TYPE: &str = "S216";
    /// A loop without a bound.
    pub const UNBOUNDED_LOOP: &str = "S217";
    /// No such field, pin, element or method.
    pub const UNKNOWN_FIELD: &str = "S218";
    /// Functions call functions more deeply than `[limits] call_depth` allows.
    pub const CALL_DEPTH: &str = "S219";
    /// No such axis, model, alarm or jidoka rule in the cell.
    pub const UNKNOWN_NAMED: &str = "S220";
    /// A text that the value it is compared with, or the argument it is given for, can never be.
    pub const UNKNOWN_SYMBOL: &str = "S221";
    /// A call for the program's unit, and the program belongs to none.
    pub const NO_UNIT: &str = "S222";
    /// Branches, elements or returns of different types.
    pub const JOIN: &str = "S223";
    /// An operator between types that it does not take.
    pub const OPERATOR: &str = "S224";
    /// A value is used where there is none.
    pub const NO_VALUE: &str = "S225";
    /// The length of an array that is not known before the program runs.
    pub const LENGTH: &str = "S226";
    /// A `switch` over a type that has no cases, or a case that never fits.
    pub const SWITCH: &str = "S227";
    /// A name is given twice.
    pub const DUPLICATE: &str = "S228";
    /// No such library, or an import that is none.
    pub const IMPORT: &str = "S229";
    /// A constant could not be computed.
    pub const CONSTANT: &str = "S301";
    /// `init` failed.
    pub const INIT_FAILED: &str = "S302";
    /// What `init` returned cannot be a state.
    pub const STATE: &str = "S303";
    /// The data is so large that no cycle fits into `[limits] operations`.
    pub const WEIGHT: &str = "S304";
    /// Values of different units are added, compared or stored in each other's place.
    pub const UNIT: &str = "S401";
    /// A comment that gives a parameter its unit names no parameter, or no unit.
    pub const BAD_UNIT: &str = "S402";
    /// A text that the field or variable is never given.
    pub const NEVER_THIS_TEXT: &str = "S403";
    /// Something that never runs.
    pub const DEAD_CODE: &str = "S404";
    /// A condition that is always true, or never.
    pub const ALWAYS: &str = "S405";
    /// A variable or parameter that nothing reads.
    pub const UNUSED_VARIABLE: &str = "S406";
    /// A field of the state that no cycle uses.
    pub const UNUSED_FIELD: &str = "S407";
    /// A function that nothing calls.
    pub const UNUSED_FUNCTION: &str = "S408";
    /// A constant that nothing uses.
    pub const UNUSED_CONSTANT: &str = "S409";
    /// A block in which time passes is not called in every cycle.
    pub const EVERY_CYCLE: &str = "S410";
    /// A block in which time passes is called more than once in a cycle.
    pub const CALLED_TWICE: &str = "S411";
    /// Nothing asks whether an axis did what it was told.
    pub const OUTCOME: &str = "S412";
    /// An index that may be out of bounds.
    pub const INDEX: &str = "S413";
    /// A division whose divisor may be zero.
    pub const DIVISION: &str = "S414";
    /// A value outside of the range of its tag.
    pub const TAG_RANGE: &str = "S415";
    /// Two floats are compared for being exactly equal.
    pub const FLOAT_EQUALITY: &str = "S416";
    /// What was retained is of another type than before.
    pub const RETAINED: &str = "S417";
    /// An operation that fails whatever happens.
    pub const ALWAYS_FAILS: &str = "S418";
}
