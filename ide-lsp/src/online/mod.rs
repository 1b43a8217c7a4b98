//! Running cells: what the server wants to know of them, and what it may ask of them. How they are reached is the binary's
//! business.
//!
//! Whatever a runtime sends, or does not, the server lives: a thread of its own follows each cell and leaves the newest state
//! in one place ([`hub`]); the main loop looks there when it has time.

pub mod hub;
pub(crate) mod told;

use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where a runtime listens, if it is not where the cell's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a path of this computer.
    Socket(PathBuf),
    /// In a network: a machine by the name that its user has noted it under, or `HOST:PORT`.
    Host(String),
}

/// Reaches runtimes. Its methods wait, and are called on threads of their own.
pub trait Online: Send + Sync + 'static {
    /// Connect to the runtime of the cell in a directory, at `place` if that is given.
    ///
    /// # Errors
    /// Why there is none, or none that can be understood, in a sentence.
    fn connect(&self, cell: &Path, place: Option<&Place>) -> Result<Box<dyn Link>, String>;
}

/// A connection to a runtime.
pub trait Link: Send {
    /// Have what changes told, so many times a second at most.
    ///
    /// # Errors
    /// Why not, in a sentence; the connection is of no use then. So it is in the other methods but [`Link::command`].
    fn follow(&mut self, hz: f64) -> Result<(), String>;

    /// The cell as it is now; `None`: nothing came in time.
    ///
    /// # Errors
    /// As [`Link::follow`].
    fn next(&mut self, within: Duration) -> Result<Option<Live>, String>;

    /// Give a command, and say what came of it.
    ///
    /// # Errors
    /// Why it was refused, in a sentence.
    fn command(&mut self, command: &Command) -> Result<String, String>;
}

/// What may be asked of a running cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Set a parameter.
    SetParameter {
        /// Its name.
        name: String,
        /// Its value.
        value: Json,
        /// The reason.
        why: String,
    },
    /// Force a tag, or an element of one.
    Force {
        /// Its name.
        name: String,
        /// Its value.
        value: Json,
        /// The reason.
        why: String,
    },
    /// Let a tag go.
    Unforce {
        /// Its name; none: all of them.
        name: Option<String>,
        /// The reason.
        why: String,
    },
    /// Reload programs from their files.
    Reload {
        /// Only this one.
        program: Option<String>,
        /// The reason.
        why: String,
    },
}

/// A running cell after one of its cycles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// Which cycle.
    pub cycle: u64,
    /// `starting`, `stop`, `run` or `fault`.
    pub mode: String,
    /// The latched fault, for people; empty without one.
    pub fault: String,
    /// There are no new cycles.
    pub stalled: bool,
    /// By name.
    pub tags: BTreeMap<String, LiveTag>,
    /// By name.
    pub parameters: BTreeMap<String, Json>,
    /// Programs that run, by path.
    pub programs: BTreeMap<String, LiveProgram>,
    /// Names of what is forced.
    pub forced: Vec<String>,
}

/// A tag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveTag {
    /// Its value; a list for an array.
    pub value: Json,
    /// It is good.
    pub valid: bool,
    /// It is forced, or an element of it is.
    pub forced: bool,
}

/// A program that runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveProgram {
    /// SHA-256 of its text, hexadecimal.
    pub sha256: String,
    /// The same of its libraries, by path.
    pub libraries: BTreeMap<String, String>,
    /// The fields of `this`.
    pub state: Json,
}
