//! Reloading programs of a running cell, outside of the cycle.
//!
//! A thread of its own, the [`Desk`], takes requests: it reads and checks the new texts, compiles them, plans how states
//! migrate, describes both outcomes in the log, and hands one complete box to the cyclic thread through a ring. What the
//! machine does with it is in [`crate::machine::reload`]; what comes back is told and freed here. A [`Watch`] makes
//! requests whenever a file changes.

mod desk;
mod plan;
mod port;
mod watch;

pub use desk::{Answer, Applied, Desk, Request, Wiring};
pub use plan::{Outlook, Planned, Running, Unfit, plan};
pub(crate) use plan::{assemble, with_texts};
pub use port::{Back, Delivery, Dock, Port, Told, channel};
pub use watch::Watch;

use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};

/// The last reload, as people see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadFacts {
    /// Number, from 1; 0 before the first one.
    pub number: u32,
    /// `probation`, `kept`, `undone`.
    pub state: String,
    /// Names of its programs.
    pub programs: Vec<String>,
    /// Cycle of the swap.
    pub cycle: u64,
    /// Runs for which it may be undone, when it was taken.
    pub probation: u64,
    /// Runs that are left of them, of the task that has most; 0 once they are over.
    #[serde(default)]
    pub left: u64,
    /// Cycle of the undo; 0 without one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub undone: u64,
    /// Why it was undone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why_undone: String,
}

/// The last reload, shared between who knows and who looks.
pub type SharedFacts = Arc<Mutex<ReloadFacts>>;

#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
