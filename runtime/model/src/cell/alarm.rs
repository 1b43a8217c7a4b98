//! `[alarms.<name>]`: conditions people are told of (ISA-18.2).

use crate::ScalarType;

/// How urgent (ISA-18.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmPriority {
    /// Look when there is time.
    Low,
    /// Act within the hour.
    Medium,
    /// Act soon.
    High,
    /// Act now.
    Critical,
}

/// When the condition is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AlarmCondition {
    /// A `bool` slot has this level.
    Level {
        /// Store slot.
        slot: u32,
        /// The level that is the alarm.
        level: bool,
    },
    /// A number is above `limit`; it is gone below `limit - hysteresis`.
    Above {
        /// Store slot of an `i64` or `f64`.
        slot: u32,
        /// In the tag's unit.
        limit: f64,
        /// In the tag's unit, not negative.
        hysteresis: f64,
    },
    /// A number is below `limit`; it is gone above `limit + hysteresis`.
    Below {
        /// Store slot of an `i64` or `f64`.
        slot: u32,
        /// In the tag's unit.
        limit: f64,
        /// In the tag's unit, not negative.
        hysteresis: f64,
    },
    /// Only a program raises it, with `alarm("name")`.
    Program,
}

/// What the runtime does when the alarm comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmReaction {
    /// Tells people.
    None,
    /// Holds a unit (index into [`super::Cell::units`]; `u16::MAX`: all).
    Hold(u16),
    /// Stops a unit.
    Stop(u16),
    /// Aborts a unit.
    Abort(u16),
    /// Latches a runtime fault.
    Fault,
}

/// One alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// `[alarms.<name>]`.
    pub name: String,
    /// Stable number in the one space of ids of faults and alarms: 1000 to 9999.
    pub id: u16,
    /// When it is there.
    pub condition: AlarmCondition,
    /// How long the condition must last, ns.
    pub on_delay_ns: u64,
    /// How long it must be gone, ns.
    pub off_delay_ns: u64,
    /// How urgent.
    pub priority: AlarmPriority,
    /// What the runtime does.
    pub reaction: AlarmReaction,
    /// Stays until it is acknowledged.
    pub latched: bool,
    /// English.
    pub text_en: String,
    /// Japanese.
    pub text_ja: String,
    /// What the operator should do, English, then Japanese.
    pub help: (String, String),
    /// First-out group: in each, the first one is marked.
    pub group: u16,
}

/// Type of a tag that can be an alarm's.
pub const fn can_be_limited(scalar: ScalarType) -> bool {
    !matches!(scalar, ScalarType::Bool)
}
