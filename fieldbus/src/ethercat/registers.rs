//! The ESC registers we touch ourselves, and what their contents mean.
//!
//! Read first: ETG.1000.4 section 6 (registers), ETG.1000.6 tables 9 to 11 (AL control and status), the FMMU and
//! SyncManager tables 56 to 59.

use serde::Serialize;

/// Number of FMMUs (8 bit), then of SyncManagers (8 bit).
pub(crate) const FMMU_COUNT: u16 = 0x0004;
/// Configured station address.
pub(crate) const STATION_ADDRESS: u16 = 0x0010;
/// DL status: which ports have a link.
pub(crate) const DL_STATUS: u16 = 0x0110;
/// Requested state.
pub(crate) const AL_CONTROL: u16 = 0x0120;
/// State; two bytes, two reserved ones, then the status code.
pub(crate) const AL_STATUS: u16 = 0x0130;
/// Frame, forwarding, processing unit, PDI and lost-link counters, 20 bytes.
pub(crate) const ERROR_COUNTERS: u16 = 0x0300;
/// Watchdog divider, in (n + 2) × 40 ns.
pub(crate) const WATCHDOG_DIVIDER: u16 = 0x0400;
/// Process data watchdog, in units of the divider; 0 is off.
pub(crate) const WATCHDOG_TIME: u16 = 0x0420;
/// Who owns the EEPROM.
pub(crate) const EEPROM_CONFIG: u16 = 0x0500;
/// EEPROM control and status, then the word address.
pub(crate) const EEPROM_CONTROL: u16 = 0x0502;
/// EEPROM data, 4 or 8 bytes.
pub(crate) const EEPROM_DATA: u16 = 0x0508;

/// FMMU *n*.
pub(crate) const fn fmmu(n: u8) -> u16 {
    0x0600 + 16 * n as u16
}

/// SyncManager *n*.
pub(crate) const fn sync_manager(n: u8) -> u16 {
    0x0800 + 8 * n as u16
}

/// Address of the device at `position`, as ethercrab gives it out.
pub(crate) const fn station_address(position: u16) -> u16 {
    0x1000_u16.wrapping_add(position)
}

/// The state of one device's application layer, ETG.1000.6 table 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum AlState {
    /// The device did not answer.
    NoAnswer,
    /// No mailbox, no process data.
    Init,
    /// Mailbox only.
    PreOp,
    /// Firmware update.
    Bootstrap,
    /// Inputs are good, outputs are not applied.
    SafeOp,
    /// Inputs are good, outputs are applied.
    Op,
    /// A value the standard does not know.
    Unknown(u8),
}

impl AlState {
    /// From the low byte of register 0x0130; the error indication (bit 4) is not part of it.
    pub const fn from_status(status: u8) -> Self {
        match status & 0x0f {
            1 => Self::Init,
            2 => Self::PreOp,
            3 => Self::Bootstrap,
            4 => Self::SafeOp,
            8 => Self::Op,
            other => Self::Unknown(other),
        }
    }

    /// The value that requests it.
    pub(crate) const fn request(self) -> u8 {
        match self {
            Self::PreOp => 2,
            Self::Bootstrap => 3,
            Self::SafeOp => 4,
            Self::Op => 8,
            Self::Init | Self::NoAnswer | Self::Unknown(_) => 1,
        }
    }
}

impl std::fmt::Display for AlState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoAnswer => "no answer",
            Self::Init => "INIT",
            Self::PreOp => "PRE-OP",
            Self::Bootstrap => "BOOT",
            Self::SafeOp => "SAFE-OP",
            Self::Op => "OP",
            Self::Unknown(value) => return write!(f, "unknown state {value:#x}"),
        })
    }
}

/// What an AL status code means, ETG.1000.6 table 11 and ETG.1020 table 1.
pub fn al_status_text(code: u16) -> &'static str {
    match code {
        0x0000 => "no error",
        0x0001 => "unspecified error",
        0x0002 => "no memory",
        0x0003 => "invalid device setup",
        0x0005 => "reserved due to compatibility reasons",
        0x0006 => "SII/EEPROM information does not match the firmware",
        0x0007 => "firmware update not successful",
        0x000e => "licence error",
        0x0011 => "invalid requested state change",
        0x0012 => "unknown requested state",
        0x0013 => "bootstrap not supported",
        0x0014 => "no valid firmware",
        0x0015 | 0x0016 => "invalid mailbox configuration",
        0x0017 => "invalid SyncManager configuration",
        0x0018 => "no valid inputs available",
        0x0019 => "no valid outputs",
        0x001a => "synchronization error",
        0x001b => "SyncManager watchdog expired",
        0x001c => "invalid SyncManager types",
        0x001d => "invalid output configuration",
        0x001e => "invalid input configuration",
        0x001f => "invalid watchdog configuration",
        0x0020 => "device needs a cold start",
        0x0021 => "device needs INIT",
        0x0022 => "device needs PRE-OP",
        0x0023 => "device needs SAFE-OP",
        0x0024 => "invalid input mapping",
        0x0025 => "invalid output mapping",
        0x0026 => "inconsistent settings",
        0x0027 => "free run not supported",
        0x0028 => "synchronization mode not supported",
        0x0029 => "free run needs 3-buffer mode",
        0x002a => "background watchdog",
        0x002b => "no valid inputs and outputs",
        0x002c => "fatal sync error",
        0x002d => "no sync error",
        0x002e => "cycle time too small",
        0x0030 => "invalid DC SYNC configuration",
        0x0031 => "invalid DC latch configuration",
        0x0032 => "PLL error",
        0x0033 => "DC sync I/O error",
        0x0034 => "DC sync timeout",
        0x0035 => "invalid DC sync cycle time",
        0x0036 => "DC SYNC0 cycle time does not fit",
        0x0037 => "DC SYNC1 cycle time does not fit",
        0x0041 => "AoE mailbox error",
        0x0042 => "EoE mailbox error",
        0x0043 => "CoE mailbox error",
        0x0044 => "FoE mailbox error",
        0x0045 => "SoE mailbox error",
        0x004f => "VoE mailbox error",
        0x0050 => "EEPROM not assigned to the device",
        0x0051 => "EEPROM error",
        0x0052 => "external hardware not ready",
        0x0060 => "device restarted locally",
        0x0061 => "device identification value updated",
        0x0070 => "detected module list does not match",
        0x00f0 => "application controller available",
        0x8000..=0xffff => "vendor specific",
        _ => "reserved code",
    }
}

/// One SyncManager as its registers describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyncManagerRegisters {
    pub start: u16,
    pub length: u16,
    pub control: u8,
    pub enabled: bool,
}

impl SyncManagerRegisters {
    /// The bit of the control byte that lets writes to this SyncManager trigger the watchdog.
    pub const WATCHDOG_TRIGGER: u8 = 0x40;

    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self {
            start: u16::from_le_bytes([bytes[0], bytes[1]]),
            length: u16::from_le_bytes([bytes[2], bytes[3]]),
            control: bytes[4],
            enabled: bytes[6] & 1 != 0,
        }
    }
}

/// A byte-aligned FMMU: `length` bytes at `logical` are `length` bytes at `physical`.
pub(crate) fn fmmu_bytes(logical: u32, physical: u16, length: u16, write: bool) -> [u8; 16] {
    let (l, p, n) = (logical.to_le_bytes(), physical.to_le_bytes(), length.to_le_bytes());
    let kind = if write { 2 } else { 1 };
    // Start bit 0, end bit 7; physical start bit 0; type; active.
    [l[0], l[1], l[2], l[3], n[0], n[1], 0, 7, p[0], p[1], 0, kind, 1, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_round_trip() {
        for state in [AlState::Init, AlState::PreOp, AlState::Bootstrap, AlState::SafeOp, AlState::Op] {
            assert_eq!(AlState::from_status(state.request()), state);
            assert_eq!(AlState::from_status(state.request() | 0x10), state);
        }
    }

    /// An FMMU of a digital output terminal as a MainDevice writes it (public example of ETG.1000.4's table 56).
    #[test]
    fn an_fmmu_is_laid_out_as_the_standard_says() {
        let bytes = fmmu_bytes(0x0001_0203, 0x0f00, 1, true);
        assert_eq!(bytes, [0x03, 0x02, 0x01, 0, 1, 0, 0, 7, 0x00, 0x0f, 0, 2, 1, 0, 0, 0]);
    }
}
