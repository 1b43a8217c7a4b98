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

impl State {
    /// It ends by itself or when the programs are done with it; all others wait for a command.
    pub const fn is_acting(self) -> bool {
        self.completed().is_some()
    }

    /// Where `StateComplete` leads; `None` from a waiting state.
    pub const fn completed(self) -> Option<Self> {
        Some(match self {
            Self::Clearing | Self::Stopping => Self::Stopped,
            Self::Starting | Self::Unholding | Self::Unsuspending => Self::Execute,
            Self::Execute => Self::Completing,
            Self::Aborting => Self::Aborted,
            Self::Holding => Self::Held,
            Self::Suspending => Self::Suspended,
            Self::Resetting => Self::Idle,
            Self::Completing => Self::Complete,
            _ => return None,
        })
    }

    /// Where a command leads; `None` if it is not one for this state.
    pub const fn commanded(self, command: Command) -> Option<Self> {
        let ending = matches!(self, Self::Aborting | Self::Aborted);
        Some(match (command, self) {
            (Command::Reset, Self::Stopped | Self::Complete) => Self::Resetting,
            (Command::Start, Self::Idle) => Self::Starting,
            (Command::Hold, Self::Execute) => Self::Holding,
            (Command::Unhold, Self::Held) => Self::Unholding,
            (Command::Suspend, Self::Execute) => Self::Suspending,
            (Command::Unsuspend, Self::Suspended) => Self::Unsuspending,
            (Command::Complete, Self::Execute) => Self::Completing,
            (Command::Clear, Self::Aborted) => Self::Clearing,
            (Command::Abort, _) if !ending => Self::Aborting,
            (Command::Stop, _)
                if !ending && !matches!(self, Self::Stopped | Self::Stopping | Self::Clearing) =>
            {
                Self::Stopping
            }
            _ => return None,
        })
    }

    /// The mode may be changed here: nothing is moving, nothing is half done.
    pub const fn allows_mode_change(self) -> bool {
        matches!(self, Self::Stopped | Self::Idle | Self::Complete | Self::Aborted)
    }

    /// Commands that lead somewhere from here, by number.
    pub fn legal(self) -> impl Iterator<Item = Command> {
        Command::ALL.iter().copied().filter(move |command| self.commanded(*command).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for state in State::ALL {
            assert_eq!(State::from_number(*state as u8), Some(*state));
            assert_eq!(State::from_name(state.name()), Some(*state));
        }
        for (mode, command) in Mode::ALL.iter().zip(Command::ALL) {
            assert_eq!(Mode::from_name(mode.name()), Some(*mode));
            assert_eq!(Command::from_number(*command as u8), Some(*command));
        }
        assert_eq!((State::from_number(0), State::from_number(18), Mode::from_name("")), (None, None, None));
    }

    /// The whole table, as ISA-TR88.00.02-2015 draws it.
    #[test]
    fn every_state_and_command() {
        use Command::*;
        let ok = |state: State| state.legal().collect::<Vec<_>>();
        assert_eq!(ok(State::Clearing), [Abort]);
        assert_eq!(ok(State::Stopped), [Reset, Abort]);
        assert_eq!(ok(State::Starting), [Stop, Abort]);
        assert_eq!(ok(State::Idle), [Start, Stop, Abort]);
        assert_eq!(ok(State::Suspended), [Stop, Unsuspend, Abort]);
        assert_eq!(ok(State::Execute), [Stop, Hold, Suspend, Abort, Complete]);
        assert_eq!(ok(State::Stopping), [Abort]);
        assert_eq!(ok(State::Aborting), []);
        assert_eq!(ok(State::Aborted), [Clear]);
        assert_eq!(ok(State::Holding), [Stop, Abort]);
        assert_eq!(ok(State::Held), [Stop, Unhold, Abort]);
        assert_eq!(ok(State::Complete), [Reset, Stop, Abort]);
    }

    #[test]
    fn every_acting_state_ends_in_a_waiting_one_or_in_execute() {
        for state in State::ALL.iter().filter(|state| state.is_acting() && **state != State::Execute) {
            let next = state.completed().unwrap();
            assert!(next == State::Execute || !next.is_acting(), "{state:?} leads to {next:?}");
        }
    }

    /// From anywhere an operator gets back to Execute, with legal commands only.
    #[test]
    fn there_is_a_way_back_to_execute() {
        for start in State::ALL {
            let mut state = *start;
            for _ in 0..20 {
                if state == State::Execute {
                    break;
                }
                let order =
                    [Command::Clear, Command::Reset, Command::Start, Command::Unhold, Command::Unsuspend];
                let commanded = order.into_iter().find_map(|command| state.commanded(command));
                state = commanded.or(state.completed()).unwrap();
            }
            assert_eq!(state, State::Execute, "from {start:?}");
        }
    }
}
