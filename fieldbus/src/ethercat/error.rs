//! What can go wrong between an interface and OP, all findings at once.

use super::registers::{AlState, al_status_text};
use sensai_devices::{Direction, Identity};
use std::fmt;

/// Where start-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Counting the devices.
    Count,
    /// Reading every device's identity and comparing.
    Identify,
    /// INIT to PRE-OP, mailboxes set up.
    PreOp,
    /// Start-up SDOs and PDO assignment.
    Configure,
    /// SyncManagers, FMMUs and watchdogs.
    ProcessData,
    /// PRE-OP to SAFE-OP; cyclic frames begin.
    SafeOp,
    /// SAFE-OP to OP.
    Op,
    /// Working counters compared with what the mapping says.
    WorkingCounters,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "counting devices",
            Self::Identify => "reading identities",
            Self::PreOp => "INIT to PRE-OP",
            Self::Configure => "start-up SDOs and PDO assignment",
            Self::ProcessData => "process data configuration",
            Self::SafeOp => "PRE-OP to SAFE-OP",
            Self::Op => "SAFE-OP to OP",
            Self::WorkingCounters => "checking working counters",
        })
    }
}

/// Why a bus did not reach OP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartupError {
    /// Nothing came back.
    #[error(
        "no EtherCAT device answered: check the cable, that it is in the device's IN port, and the supply"
    )]
    NoDevices,
    /// More devices than this build can handle.
    #[error("{found} devices on the bus, at most {max} are supported")]
    TooManyDevices {
        /// On the bus, or in the cell.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// More process data than this build can handle.
    #[error("{bytes} bytes of process data, at most {max} are supported")]
    TooMuchProcessData {
        /// Inputs and outputs together.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Findings about devices.
    #[error("EtherCAT start-up stopped at {step}:{}", Lines(.findings))]
    Findings {
        /// The step.
        step: Step,
        /// At least one, in bus order.
        findings: Vec<Finding>,
    },
    /// The step was not done in its time; nothing is known about a single device.
    #[error("EtherCAT start-up stopped at {step}: not done within {limit_ns} ns")]
    Timeout {
        /// The step.
        step: Step,
        /// Its time limit.
        limit_ns: u64,
    },
    /// Something else that ethercrab reported, with what the devices say about themselves.
    #[error("EtherCAT start-up stopped at {step}: {reason}{}", Lines(.findings))]
    Protocol {
        /// The step.
        step: Step,
        /// ethercrab's text.
        reason: String,
        /// Devices in another state than asked for, if any.
        findings: Vec<Finding>,
    },
}

/// One thing that is not as the cell says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A configured device is not there.
    Missing {
        /// Its name in the cell.
        device: String,
        /// Its type's name.
        kind: String,
        /// Where it should be.
        position: u16,
    },
    /// A device that is not configured.
    Extra {
        /// Where it is.
        position: u16,
        /// What it says it is.
        found: Identity,
    },
    /// Another vendor or product.
    Another {
        /// Name in the cell.
        device: String,
        /// The configured type's name.
        kind: String,
        /// Position on the bus.
        position: u16,
        /// As configured.
        expected: Identity,
        /// As found.
        found: Identity,
    },
    /// The right product, but older than configured.
    Revision {
        /// Name in the cell.
        device: String,
        /// Position on the bus.
        position: u16,
        /// At least this was expected.
        expected: u32,
        /// As found.
        found: u32,
    },
    /// Another serial number than asked for.
    Serial {
        /// Name in the cell.
        device: String,
        /// Position on the bus.
        position: u16,
        /// As asked for.
        expected: u32,
        /// As found.
        found: u32,
    },
    /// The device's EEPROM could not be read.
    Eeprom {
        /// Name in the cell, or empty.
        device: String,
        /// Position on the bus.
        position: u16,
        /// What happened.
        reason: &'static str,
    },
    /// The device is not in the state asked for.
    State {
        /// Name in the cell, or empty.
        device: String,
        /// Position on the bus.
        position: u16,
        /// Asked for.
        expected: AlState,
        /// As it says.
        found: AlState,
        /// AL status code; 0 where it gives none.
        code: u16,
    },
    /// An SDO could not be written.
    Sdo {
        /// Name in the cell.
        device: String,
        /// Position on the bus.
        position: u16,
        /// Object index.
        index: u16,
        /// Subindex.
        subindex: u8,
        /// What happened.
        reason: String,
    },
    /// The device's process data has another size than its description says.
    Size {
        /// Name in the cell.
        device: String,
        /// Position on the bus.
        position: u16,
        /// Which side.
        direction: Direction,
        /// Bytes.
        expected: usize,
        /// Bytes.
        found: usize,
    },
    /// The device has fewer FMMUs than its process data needs.
    Fmmus {
        /// Name in the cell.
        device: String,
        /// Position on the bus.
        position: u16,
        /// Needed.
        expected: usize,
        /// There are.
        found: usize,
    },
    /// A register does not hold what was written to it.
    Register {
        /// Name in the cell.
        device: String,
        /// Position on the bus.
        position: u16,
        /// What it is for.
        purpose: &'static str,
        /// Its address.
        register: u16,
        /// As written.
        expected: u32,
        /// As read; `None` if the device does not answer there.
        found: Option<u32>,
    },
    /// In OP, a sync unit's working counter is not what its FMMUs promise.
    WorkingCounter {
        /// The sync unit.
        unit: String,
        /// From the FMMUs.
        expected: u16,
        /// On the wire.
        found: u16,
        /// Devices of the unit that do not answer to their own addresses.
        silent: Vec<String>,
    },
}

/// Not all devices went down in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("EtherCAT shutdown: {}", Lines(.findings))]
pub struct ShutdownError {
    /// [`Finding::State`], one for each device.
    pub findings: Vec<Finding>,
}

struct Lines<'a>(&'a [Finding]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

struct Named<'a>(&'a str, u16);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self("", position) => write!(f, "position {position}"),
            Self(name, position) => write!(f, "`{name}` (position {position})"),
        }
    }
}

struct Type<'a>(&'a Identity);

impl fmt::Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { vendor, product, revision, .. } = self.0;
        write!(f, "vendor {vendor:#010x} product {product:#010x} revision {revision:#010x}")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { device, kind, position } => {
                write!(f, "{} is missing: expected {kind} there", Named(device, *position))
            }
            Self::Extra { position, found } => {
                write!(
                    f,
                    "position {position}: unexpected device, {}; add it to [devices] or remove it",
                    Type(found)
                )
            }
            Self::Another { device, kind, position, expected, found } => write!(
                f,
                "{} is another device: expected {kind}, {}, got {}",
                Named(device, *position),
                Type(expected),
                Type(found)
            ),
            Self::Revision { device, position, expected, found } => write!(
                f,
                "{}: expected revision {expected:#010x} or later, got {found:#010x}",
                Named(device, *position)
            ),
            Self::Serial { device, position, expected, found } => {
                write!(f, "{}: expected serial number {expected}, got {found}", Named(device, *position))
            }
            Self::Eeprom { device, position, reason } => {
                write!(f, "{}: EEPROM not readable: {reason}", Named(device, *position))
            }
            Self::State { device, position, expected, found, code } => {
                write!(f, "{}: expected {expected}, got {found}", Named(device, *position))?;
                match code {
                    0 => Ok(()),
                    code => write!(f, ", AL status {code:#06x}: {}", al_status_text(*code)),
                }
            }
            Self::Sdo { device, position, index, subindex, reason } => {
                write!(f, "{}: SDO {index:#06x}:{subindex:02x}: {reason}", Named(device, *position))
            }
            Self::Size { device, position, direction, expected, found } => {
                let side = match direction {
                    Direction::Input => "inputs",
                    Direction::Output => "outputs",
                };
                write!(
                    f,
                    "{}: expected {expected} bytes of {side}, the device has {found}; is another PDO assigned?",
                    Named(device, *position)
                )
            }
            Self::Fmmus { device, position, expected, found } => {
                write!(f, "{}: {expected} FMMUs needed, the device has {found}", Named(device, *position))
            }
            Self::Register { device, position, purpose, register, expected, found } => {
                write!(f, "{}: {purpose} (register {register:#06x}): ", Named(device, *position))?;
                match found {
                    Some(found) => write!(f, "wrote {expected:#x}, read back {found:#x}"),
                    None => write!(f, "wrote {expected:#x}, no answer"),
                }
            }
            Self::WorkingCounter { unit, expected, found, silent } => {
                write!(f, "sync unit `{unit}`: expected working counter {expected}, got {found}")?;
                match silent.as_slice() {
                    [] => Ok(()),
                    names => write!(f, "; no process data from {}", names.join(", ")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_findings_stand_in_the_text_one_a_line() {
        let identity = Identity { vendor: 2, product: 0x07d8_3052, revision: 0x0011_0000, serial: 0 };
        let error = StartupError::Findings {
            step: Step::Identify,
            findings: vec![
                Finding::Missing { device: "valves".into(), kind: "EL2008".into(), position: 2 },
                Finding::Extra { position: 5, found: identity },
                Finding::State {
                    device: String::new(),
                    position: 1,
                    expected: AlState::Op,
                    found: AlState::SafeOp,
                    code: 0x1b,
                },
            ],
        };
        assert_eq!(
            error.to_string(),
            "EtherCAT start-up stopped at reading identities:\
             \n  `valves` (position 2) is missing: expected EL2008 there\
             \n  position 5: unexpected device, vendor 0x00000002 product 0x07d83052 revision 0x00110000; \
             add it to [devices] or remove it\
             \n  position 1: expected OP, got SAFE-OP, AL status 0x001b: SyncManager watchdog expired"
        );
    }
}
