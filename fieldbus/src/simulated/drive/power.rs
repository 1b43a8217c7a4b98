//! The finite state automaton of a power drive system, IEC 61800-7-201 section 5.3 (CiA 402 part 2, ETG.6010 section 5).
//!
//! Pure: which transition a command leads to. What a transition does to the motor is the sequence's business.

/// States of the automaton.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PowerState {
    /// The drive tests itself after power-on.
    #[default]
    NotReadyToSwitchOn,
    /// Initialised; parameters can be set, high voltage may not be used.
    SwitchOnDisabled,
    /// High voltage may be switched on.
    ReadyToSwitchOn,
    /// The power stage is ready; no torque.
    SwitchedOn,
    /// Torque, and the mode's function.
    OperationEnabled,
    /// Stopping, or held at rest after it.
    QuickStopActive,
    /// The reaction to a fault is under way.
    FaultReactionActive,
    /// Nothing but a fault reset leads out.
    Fault,
}

impl PowerState {
    /// All states, in the standard's order.
    pub const ALL: [Self; 8] = [
        Self::NotReadyToSwitchOn,
        Self::SwitchOnDisabled,
        Self::ReadyToSwitchOn,
        Self::SwitchedOn,
        Self::OperationEnabled,
        Self::QuickStopActive,
        Self::FaultReactionActive,
        Self::Fault,
    ];

    /// Bits 0 to 3, 5 and 6 of the statusword, table "State coding". Where the standard leaves bit 5 open it is 0.
    pub const fn statusword(self) -> u16 {
        match self {
            Self::NotReadyToSwitchOn => 0x00,
            Self::SwitchOnDisabled => 0x40,
            Self::ReadyToSwitchOn => 0x21,
            Self::SwitchedOn => 0x23,
            Self::OperationEnabled => 0x27,
            Self::QuickStopActive => 0x07,
            Self::FaultReactionActive => 0x0f,
            Self::Fault => 0x08,
        }
    }

    /// The motor may make torque.
    pub const fn has_torque(self) -> bool {
        matches!(self, Self::OperationEnabled | Self::QuickStopActive | Self::FaultReactionActive)
    }
}

/// Bits of the controlword, object 0x6040.
pub mod controlword {
    /// Switch on.
    pub const SWITCH_ON: u16 = 1 << 0;
    /// Enable voltage.
    pub const ENABLE_VOLTAGE: u16 = 1 << 1;
    /// Quick stop, 0 stops.
    pub const QUICK_STOP: u16 = 1 << 2;
    /// Enable operation.
    pub const ENABLE_OPERATION: u16 = 1 << 3;
    /// In homing mode: start homing, as long as it is 1.
    pub const HOMING_START: u16 = 1 << 4;
    /// Fault reset, on a rising edge.
    pub const FAULT_RESET: u16 = 1 << 7;
    /// Halt.
    pub const HALT: u16 = 1 << 8;
}

/// Bits of the statusword, object 0x6041, besides those of the state.
pub mod statusword {
    /// High voltage is applied.
    pub const VOLTAGE_ENABLED: u16 = 1 << 4;
    /// A warning is present; the state is as it was.
    pub const WARNING: u16 = 1 << 7;
    /// Manufacturer specific: safe torque off is active.
    pub const STO_ACTIVE: u16 = 1 << 8;
    /// The controlword is obeyed.
    pub const REMOTE: u16 = 1 << 9;
    /// Target reached; at rest, when stopped by halt or quick stop.
    pub const TARGET_REACHED: u16 = 1 << 10;
    /// A limit of the drive acts on the motion.
    pub const INTERNAL_LIMIT: u16 = 1 << 11;
    /// CSP, CSV, CST: the drive follows the command value.
    pub const FOLLOWS_COMMAND: u16 = 1 << 12;
    /// HM: homing attained.
    pub const HOMING_ATTAINED: u16 = 1 << 12;
    /// CSP: following error.
    pub const FOLLOWING_ERROR: u16 = 1 << 13;
    /// HM: homing error.
    pub const HOMING_ERROR: u16 = 1 << 13;
    /// Manufacturer specific: the position refers to a home.
    pub const REFERENCED: u16 = 1 << 14;
}

/// What bits 0 to 3 of the controlword command, table "Command coding". Fault reset is an edge and stands apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// xx0x.
    DisableVoltage,
    /// x01x.
    QuickStop,
    /// x110.
    Shutdown,
    /// 0111: switch on, or disable operation, which is the same pattern.
    SwitchOn,
    /// 1111.
    EnableOperation,
}

impl Command {
    /// Every controlword is some command.
    pub const fn of(controlword: u16) -> Self {
        if controlword & controlword::ENABLE_VOLTAGE == 0 {
            Self::DisableVoltage
        } else if controlword & controlword::QUICK_STOP == 0 {
            Self::QuickStop
        } else if controlword & controlword::SWITCH_ON == 0 {
            Self::Shutdown
        } else if controlword & controlword::ENABLE_OPERATION == 0 {
            Self::SwitchOn
        } else {
            Self::EnableOperation
        }
    }
}

/// The transition that `command` causes in `state`, by the standard's number. `stays` says that the quick stop option
/// code is one of 5 to 8, with which the drive waits in quick stop active for transition 16.
pub const fn transition(state: PowerState, command: Command, stays: bool) -> Option<u8> {
    use Command::{DisableVoltage, EnableOperation, QuickStop, Shutdown, SwitchOn};
    use PowerState::{OperationEnabled, QuickStopActive, ReadyToSwitchOn, SwitchOnDisabled, SwitchedOn};
    match (state, command) {
        (SwitchOnDisabled, Shutdown) => Some(2),
        // Enable operation in ready to switch on passes through switched on.
        (ReadyToSwitchOn, SwitchOn | EnableOperation) => Some(3),
        (SwitchedOn, EnableOperation) => Some(4),
        (OperationEnabled, SwitchOn) => Some(5),
        (SwitchedOn, Shutdown) => Some(6),
        (ReadyToSwitchOn, QuickStop | DisableVoltage) => Some(7),
        (OperationEnabled, Shutdown) => Some(8),
        (OperationEnabled, DisableVoltage) => Some(9),
        (SwitchedOn, QuickStop | DisableVoltage) => Some(10),
        (OperationEnabled, QuickStop) => Some(11),
        (QuickStopActive, DisableVoltage) => Some(12),
        (QuickStopActive, EnableOperation) if stays => Some(16),
        _ => None,
    }
}

/// How a stop is made: object 0x605A and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// No torque: the motor coasts.
    Coast,
    /// On the slow-down ramp, 0x6084 (homing: 0x609A).
    SlowDown,
    /// On the quick-stop ramp, 0x6085.
    QuickStop,
    /// As hard as the torque limit allows.
    TorqueLimit,
}

impl Stop {
    /// By option code; 5 to 8 stop as 1 to 4 do. A code that is reserved or the manufacturer's own takes the
    /// quick-stop ramp.
    pub const fn of(option: i64) -> Self {
        match option {
            0 => Self::Coast,
            1 | 5 => Self::SlowDown,
            3 | 4 | 7 | 8 => Self::TorqueLimit,
            _ => Self::QuickStop,
        }
    }
}
