//! Statusword, controlword, and which command leads from which state to which.

/// States of the power drive system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cia402 {
    /// Self-test and initialisation run; the drive leaves by itself.
    NotReadyToSwitchOn,
    /// No high voltage is expected; the drive function is disabled.
    SwitchOnDisabled,
    /// High voltage may be applied; the drive function is disabled.
    ReadyToSwitchOn,
    /// High voltage is applied; the power amplifier is ready; the drive function is disabled.
    SwitchedOn,
    /// The drive function is enabled, power is applied to the motor.
    OperationEnabled,
    /// The quick-stop ramp runs or has ended; power is applied to the motor.
    QuickStopActive,
    /// A fault was found and the fault reaction runs.
    FaultReactionActive,
    /// The fault reaction has ended; the drive function is disabled.
    Fault,
}

impl Cia402 {
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

    /// Mask and value of the statusword in this state.
    pub const fn pattern(self) -> (u16, u16) {
        match self {
            Self::NotReadyToSwitchOn => (0x004F, 0x0000),
            Self::SwitchOnDisabled => (0x004F, 0x0040),
            Self::ReadyToSwitchOn => (0x006F, 0x0021),
            Self::SwitchedOn => (0x006F, 0x0023),
            Self::OperationEnabled => (0x006F, 0x0027),
            Self::QuickStopActive => (0x006F, 0x0007),
            Self::FaultReactionActive => (0x004F, 0x000F),
            Self::Fault => (0x004F, 0x0008),
        }
    }

    /// The drive's own answer to a command; `None` where the standard has no transition and the state stays.
    ///
    /// `FaultReset` means the rising edge of its bit. Transitions 0, 1, 13 and 14, and 12 at the end of the quick-stop
    /// ramp, are the drive's own and have no command.
    pub const fn after(self, command: Command) -> Option<Transition> {
        use Command::{
            DisableOperation, DisableVoltage, EnableOperation, FaultReset, QuickStop, Shutdown, SwitchOn,
        };
        let (number, to) = match (self, command) {
            (Self::SwitchOnDisabled, Shutdown) => (2, Self::ReadyToSwitchOn),
            (Self::ReadyToSwitchOn, SwitchOn) => (3, Self::SwitchedOn),
            (Self::SwitchedOn, EnableOperation) => (4, Self::OperationEnabled),
            (Self::OperationEnabled, DisableOperation) => (5, Self::SwitchedOn),
            (Self::SwitchedOn, Shutdown) => (6, Self::ReadyToSwitchOn),
            (Self::ReadyToSwitchOn, QuickStop | DisableVoltage) => (7, Self::SwitchOnDisabled),
            (Self::OperationEnabled, Shutdown) => (8, Self::ReadyToSwitchOn),
            (Self::OperationEnabled, DisableVoltage) => (9, Self::SwitchOnDisabled),
            (Self::SwitchedOn, QuickStop | DisableVoltage) => (10, Self::SwitchOnDisabled),
            (Self::OperationEnabled, QuickStop) => (11, Self::QuickStopActive),
            (Self::QuickStopActive, DisableVoltage) => (12, Self::SwitchOnDisabled),
            (Self::Fault, FaultReset) => (15, Self::SwitchOnDisabled),
            (Self::QuickStopActive, EnableOperation) => (16, Self::OperationEnabled),
            _ => return None,
        };
        Some(Transition { number, to })
    }
}

/// An arrow of the state diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Its number in the standard.
    pub number: u8,
    /// Where it leads.
    pub to: Cia402,
}

/// Object 0x6041.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statusword(pub u16);

impl Statusword {
    /// The state it shows; `None` for a pattern that the standard does not have.
    pub const fn state(self) -> Option<Cia402> {
        let mut index = 0;
        while index < Cia402::ALL.len() {
            let (mask, value) = Cia402::ALL[index].pattern();
            if self.0 & mask == value {
                return Some(Cia402::ALL[index]);
            }
            index += 1;
        }
        None
    }

    /// Bit 4: high voltage is applied to the power drive system.
    pub const fn voltage_enabled(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    /// Bit 7: a warning is present; the state is not changed by it.
    pub const fn warning(self) -> bool {
        self.0 & 1 << 7 != 0
    }

    /// Bit 9: the controlword is processed. Clear when the drive is in local operation.
    pub const fn remote(self) -> bool {
        self.0 & 1 << 9 != 0
    }

    /// Bit 10: the set-point is reached, as the mode of operation defines it.
    pub const fn target_reached(self) -> bool {
        self.0 & 1 << 10 != 0
    }

    /// Bit 11: an internal limit is active, such as a position limit.
    pub const fn internal_limit_active(self) -> bool {
        self.0 & 1 << 11 != 0
    }
}

/// Object 0x6040.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controlword(pub u16);

impl Controlword {
    /// The bits that carry a [`Command`]: 0 switch on, 1 enable voltage, 2 quick stop (active low), 3 enable
    /// operation, 7 fault reset. All others belong to the mode of operation or the manufacturer.
    pub const COMMAND_MASK: u16 = 0x008F;

    /// With the bits of this command, and all other bits as they were.
    pub const fn with(self, command: Command) -> Self {
        Self(self.0 & !Self::COMMAND_MASK | command.bits())
    }

    /// The command it carries, as a drive reads it. The same bits mean `SwitchOn` and `DisableOperation`: which of the
    /// two it is depends on the state, see [`Controlword::command_in`].
    pub const fn command(self) -> Command {
        let bits = self.0;
        if bits & 0x80 != 0 {
            Command::FaultReset
        } else if bits & 0x02 == 0 {
            Command::DisableVoltage
        } else if bits & 0x04 == 0 {
            Command::QuickStop
        } else if bits & 0x01 == 0 {
            Command::Shutdown
        } else if bits & 0x08 == 0 {
            Command::SwitchOn
        } else {
            Command::EnableOperation
        }
    }

    /// The command it carries for a drive in this state.
    pub const fn command_in(self, state: Cia402) -> Command {
        match (self.command(), state) {
            (Command::SwitchOn, Cia402::OperationEnabled) => Command::DisableOperation,
            // "Switch on and enable operation": the drive enters SwitchedOn first.
            (Command::EnableOperation, Cia402::ReadyToSwitchOn) => Command::SwitchOn,
            (command, _) => command,
        }
    }
}

/// Commands of the controlword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Bits `0xxx x110`.
    Shutdown,
    /// Bits `0xxx 0111`.
    SwitchOn,
    /// Bits `0xxx xx0x`.
    DisableVoltage,
    /// Bits `0xxx x01x`.
    QuickStop,
    /// Bits `0xxx 0111`.
    DisableOperation,
    /// Bits `0xxx 1111`.
    EnableOperation,
    /// Rising edge of bit 7.
    FaultReset,
}

impl Command {
    /// All commands, in the standard's order.
    pub const ALL: [Self; 7] = [
        Self::Shutdown,
        Self::SwitchOn,
        Self::DisableVoltage,
        Self::QuickStop,
        Self::DisableOperation,
        Self::EnableOperation,
        Self::FaultReset,
    ];

    /// The command's bits, those that do not matter being 0.
    pub const fn bits(self) -> u16 {
        match self {
            Self::Shutdown => 0x06,
            Self::SwitchOn | Self::DisableOperation => 0x07,
            Self::DisableVoltage => 0x00,
            Self::QuickStop => 0x02,
            Self::EnableOperation => 0x0F,
            Self::FaultReset => 0x80,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mask and value of a pattern as the standard prints it, such as `x01x 0111`.
    fn pattern(text: &str) -> (u16, u16) {
        text.chars().filter(|c| *c != ' ').fold((0, 0), |(mask, value), c| match c {
            'x' => (mask << 1, value << 1),
            c => (mask << 1 | 1, value << 1 | u16::from(c == '1')),
        })
    }

    #[test]
    fn statuswords_as_the_standard_prints_them() {
        let table = [
            ("x0xx 0000", Cia402::NotReadyToSwitchOn),
            ("x1xx 0000", Cia402::SwitchOnDisabled),
            ("x01x 0001", Cia402::ReadyToSwitchOn),
            ("x01x 0011", Cia402::SwitchedOn),
            ("x01x 0111", Cia402::OperationEnabled),
            ("x00x 0111", Cia402::QuickStopActive),
            ("x0xx 1111", Cia402::FaultReactionActive),
            ("x0xx 1000", Cia402::Fault),
        ];
        assert_eq!(table.map(|(_, state)| state), Cia402::ALL);
        for word in 0..=u16::MAX {
            let matching: Vec<_> = table
                .iter()
                .filter(|(text, _)| {
                    let (mask, value) = pattern(text);
                    word & mask == value
                })
                .map(|(_, state)| *state)
                .collect();
            assert!(matching.len() <= 1, "{word:#06x} shows {matching:?}");
            assert_eq!(Statusword(word).state(), matching.first().copied(), "{word:#06x}");
        }
        assert_eq!(Statusword(0x0061).state(), None, "bit 6 with bit 0 is no state");
    }

    #[test]
    fn statusword_bits() {
        for word in 0..=u16::MAX {
            let status = Statusword(word);
            let bits = [
                (4, status.voltage_enabled()),
                (7, status.warning()),
                (9, status.remote()),
                (10, status.target_reached()),
                (11, status.internal_limit_active()),
            ];
            for (bit, value) in bits {
                assert_eq!(word >> bit & 1 == 1, value, "bit {bit} of {word:#06x}");
            }
        }
    }

    #[test]
    fn controlwords_as_the_standard_prints_them() {
        let table = [
            ("0xxx x110", Command::Shutdown),
            ("0xxx 0111", Command::SwitchOn),
            ("0xxx xx0x", Command::DisableVoltage),
            ("0xxx x01x", Command::QuickStop),
            ("0xxx 0111", Command::DisableOperation),
            ("0xxx 1111", Command::EnableOperation),
            ("1xxx xxxx", Command::FaultReset),
        ];
        assert_eq!(table.map(|(_, command)| command), Command::ALL);
        for (text, command) in table {
            let (mask, value) = pattern(text);
            assert_eq!(command.bits() & mask, value, "{command:?}");
            for word in (0..=u16::MAX).filter(|word| word & mask == value) {
                let same_bits =
                    [Controlword(word).command(), Controlword(word).command_in(Cia402::OperationEnabled)];
                assert!(
                    same_bits.contains(&command),
                    "{word:#06x} carries {same_bits:?}, expected {command:?}"
                );
            }
        }
    }

    #[test]
    fn a_command_leaves_the_other_bits_alone() {
        for command in Command::ALL {
            let word = Controlword(0xFFFF).with(command);
            assert_eq!(word.0, 0xFF70 | command.bits());
            assert_eq!(Controlword(0).with(command).0, command.bits());
        }
    }

    /// The state diagram, one row for each state, one column for each command in the order of `Command::ALL`.
    #[test]
    fn the_state_diagram() {
        use Cia402::{
            Fault, FaultReactionActive, NotReadyToSwitchOn, OperationEnabled, QuickStopActive,
            ReadyToSwitchOn, SwitchOnDisabled, SwitchedOn,
        };
        let to = |number, to| Some(Transition { number, to });
        #[rustfmt::skip]
        let diagram = [
            (NotReadyToSwitchOn, [None; 7]),
            (SwitchOnDisabled, [to(2, ReadyToSwitchOn), None, None, None, None, None, None]),
            (ReadyToSwitchOn, [None, to(3, SwitchedOn), to(7, SwitchOnDisabled), to(7, SwitchOnDisabled), None, None, None]),
            (SwitchedOn, [to(6, ReadyToSwitchOn), None, to(10, SwitchOnDisabled), to(10, SwitchOnDisabled), None,
                to(4, OperationEnabled), None]),
            (OperationEnabled, [to(8, ReadyToSwitchOn), None, to(9, SwitchOnDisabled), to(11, QuickStopActive),
                to(5, SwitchedOn), None, None]),
            (QuickStopActive, [None, None, to(12, SwitchOnDisabled), None, None, to(16, OperationEnabled), None]),
            (FaultReactionActive, [None; 7]),
            (Fault, [None, None, None, None, None, None, to(15, SwitchOnDisabled)]),
        ];
        assert_eq!(diagram.map(|(state, _)| state), Cia402::ALL);
        for (state, row) in diagram {
            assert_eq!(Command::ALL.map(|command| state.after(command)), row, "{state:?}");
        }
    }
}
