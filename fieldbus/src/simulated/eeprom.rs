//! The SII EEPROM behind registers 0x0500 to 0x050F, ETG.1000.4 section 6.4.

use super::registers::{SII_ADDRESS, SII_CONFIGURATION, SII_CONTROL, SII_DATA};
use sensai_devices::sii;

/// Control and status bits of 0x0502.
mod bit {
    pub const WRITE_ENABLE: u16 = 1 << 0;
    pub const READS_EIGHT: u16 = 1 << 6;
    pub const TWO_ADDRESS_BYTES: u16 = 1 << 7;
    pub const COMMAND: u16 = 0b111 << 8;
    pub const READ: u16 = 0b001 << 8;
    pub const WRITE: u16 = 0b010 << 8;
    pub const RELOAD: u16 = 0b100 << 8;
    pub const CHECKSUM_ERROR: u16 = 1 << 11;
    pub const COMMAND_ERROR: u16 = 1 << 13;
    pub const WRITE_ENABLE_ERROR: u16 = 1 << 14;
    pub const BUSY: u16 = 1 << 15;
}

/// What the SII presets in the registers: the words of ETG.1000.6 table 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presets {
    /// PDI control (low byte: type of interface, high byte: ESC configuration).
    pub pdi_control: u16,
    /// PDI configuration.
    pub pdi_configuration: u16,
    /// SYNC pulse length in 10 ns.
    pub pulse_length: u16,
    /// Configured station alias.
    pub alias: u16,
}

/// Image and interface state.
#[derive(Clone, Debug)]
pub struct Eeprom {
    image: Vec<u8>,
    /// Error bits that stand in the status until the next command.
    errors: u16,
    /// Status reads that still see the interface busy. Counted in reads, not in time: a MainDevice that polls
    /// without letting time pass must get on as well.
    busy_reads: u8,
    /// Command bits that stand in the status while it is busy.
    running: u16,
    /// How many status reads one command keeps the interface busy.
    pub busy_reads_per_command: u8,
    /// Eight bytes a read instead of four.
    pub eight_bytes: bool,
}

impl Eeprom {
    /// An EEPROM with this content; what lies behind it reads 0xFF.
    pub fn new(image: Vec<u8>) -> Self {
        Self { image, errors: 0, busy_reads: 0, running: 0, busy_reads_per_command: 1, eight_bytes: true }
    }

    /// The content.
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// The content, to be changed: another identity, damage.
    pub fn image_mut(&mut self) -> &mut [u8] {
        &mut self.image
    }

    /// Word `address` of the content.
    pub fn word(&self, address: usize) -> u16 {
        let byte = |i: usize| self.image.get(i).copied().unwrap_or(0xff);
        u16::from_le_bytes([byte(2 * address), byte(2 * address + 1)])
    }

    /// Power-on: the interface is idle, and what the content presets is read if its checksum is right.
    pub fn power_on(&mut self) -> Option<Presets> {
        self.busy_reads = 0;
        self.errors = 0;
        self.load()
    }

    fn load(&mut self) -> Option<Presets> {
        let head = self.image.get(..14);
        let good = head.is_some_and(|head| self.image.get(14) == Some(&sii::checksum(head)))
            || self.word(7) == sii::CHECKSUM_IGNORED;
        self.errors &= !bit::CHECKSUM_ERROR;
        if !good {
            self.errors |= bit::CHECKSUM_ERROR;
            return None;
        }
        Some(Presets {
            pdi_control: self.word(0),
            pdi_configuration: self.word(1),
            pulse_length: self.word(2),
            alias: self.word(4),
        })
    }

    /// The status word as it stands.
    pub fn status(&self) -> u16 {
        let mut status = self.errors;
        if self.eight_bytes {
            status |= bit::READS_EIGHT;
        }
        if self.image.len() > 2048 {
            status |= bit::TWO_ADDRESS_BYTES;
        }
        if self.busy_reads > 0 {
            status |= bit::BUSY | self.running;
        }
        status
    }

    /// The status was read: one read less that sees it busy.
    pub fn status_was_read(&mut self) {
        self.busy_reads = self.busy_reads.saturating_sub(1);
    }

    /// EtherCAT wrote the control word: do what its command bits say. Registers are in `memory`.
    /// Returns presets if the command was a reload.
    pub fn command(&mut self, memory: &mut [u8], control: u16) -> Option<Presets> {
        let owned_by_pdi = memory.get(SII_CONFIGURATION).is_some_and(|byte| byte & 1 != 0);
        if self.busy_reads > 0 || owned_by_pdi {
            return None;
        }
        self.errors &= bit::CHECKSUM_ERROR;
        self.running = control & bit::COMMAND;
        let address = field::<4>(memory, SII_ADDRESS).map_or(0, u32::from_le_bytes) as usize;
        match control & bit::COMMAND {
            0 => return None,
            bit::READ => self.read(memory, address),
            bit::WRITE if control & bit::WRITE_ENABLE == 0 => self.errors |= bit::WRITE_ENABLE_ERROR,
            bit::WRITE => self.write(memory, address),
            bit::RELOAD => {
                self.busy_reads = self.busy_reads_per_command;
                return self.load();
            }
            _ => self.errors |= bit::COMMAND_ERROR,
        }
        self.busy_reads = self.busy_reads_per_command;
        None
    }

    fn read(&self, memory: &mut [u8], address: usize) {
        let words = if self.eight_bytes { 4 } else { 2 };
        for i in 0..words {
            let word = self.word(address.saturating_add(i).min(usize::MAX / 4));
            if let Some(place) = memory.get_mut(SII_DATA + 2 * i..SII_DATA + 2 * i + 2) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
    }

    fn write(&mut self, memory: &[u8], address: usize) {
        let at = address.min(usize::MAX / 4) * 2;
        match (self.image.get_mut(at..at + 2), field::<2>(memory, SII_DATA)) {
            (Some(place), Some(word)) => place.copy_from_slice(&word),
            _ => self.errors |= bit::COMMAND_ERROR,
        }
    }
}

/// True if a write of `range` touches the byte with the command bits.
pub fn is_command(range: &std::ops::Range<usize>) -> bool {
    range.contains(&(SII_CONTROL + 1))
}

fn field<const N: usize>(memory: &[u8], at: usize) -> Option<[u8; N]> {
    memory.get(at..)?.first_chunk::<N>().copied()
}
