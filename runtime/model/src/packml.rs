//! PackML modes and states (ISA-TR88.00.02-2015, ISO 22400 use the same numbers).

use serde::{Deserialize, Serialize};

macro_rules! numbered {
    ($(#[doc = $doc:literal])* $type:ident { $($(#[doc = $of:literal])* $name:ident = $id:literal $text:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $type { $($(#[doc = $of])* $name = $id,)* }

        impl $type {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The one with this number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($id => Some(Self::$name),)* _ => None }
            }

            /// As programs and commands write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

numbered! {
    /// Unit mode.
    Mode {
        /// Making parts.
        Production = 1 "production",
        /// By people who maintain it; programs run.
        Maintenance = 2 "maintenance",
        /// Jogging; programs run, and see it.
        Manual = 3 "manual",
    }
}

numbered! {
    /// Unit state.
    State {
        /// Acting: on the way from Aborted to Stopped.
        Clearing = 1 "clearing",
        /// Waiting.
        Stopped = 2 "stopped",
        /// Acting.
        Starting = 3 "starting",
        /// Waiting.
        Idle = 4 "idle",
        /// Waiting: a cause outside, such as no parts.
        Suspended = 5 "suspended",
        /// Making parts.
        Execute = 6 "execute",
        /// Acting.
        Stopping = 7 "stopping",
        /// Acting.
        Aborting = 8 "aborting",
        /// Waiting.
        Aborted = 9 "aborted",
        /// Acting.
        Holding = 10 "holding",
        /// Waiting: a cause inside, such as a suspicious part.
        Held = 11 "held",
        /// Acting.
        Unholding = 12 "unholding",
        /// Acting.
        Suspending = 13 "suspending",
        /// Acting.
        Unsuspending = 14 "unsuspending",
        /// Acting.
        Resetting = 15 "resetting",
        /// Acting.
        Completing = 16 "completing",
        /// Waiting.
        Complete = 17 "complete",
    }
}

numbered! {
    /// Unit command.
    Command {
        /// Stopped, Complete (and Held, for its own reset) to Resetting.
        Reset = 1 "reset",
        /// Idle to Starting.
        Start = 2 "start",
        /// To Stopping, from nearly everywhere.
        Stop = 3 "stop",
        /// Execute to Holding.
        Hold = 4 "hold",
        /// Held to Unholding.
        Unhold = 5 "unhold",
        /// Execute to Suspending.
        Suspend = 6 "suspend",
        /// Suspended to Unsuspending.
        Unsuspend = 7 "unsuspend",
        /// To Aborting, from everywhere.
        Abort = 8 "abort",
        /// Aborted to Clearing.
        Clear = 9 "clear",
        /// Execute to Completing.
        Complete = 10 "complete",
    }
}
