//! The drive of an axis on the test stand: it obeys at once and without error, unless a test jams or trips it.
//!
//! What it idealises: no inertia, no friction, no brake. In CSP and CSV the shaft is where it is told to be in the next
//! cycle, in CST it stays where it is and shows the torque it was told.

use sensai_model::{
    BitField,
    cell::{DriveEntries, DriveMode},
};
use sensai_motion::{Cia402, Command, Controlword};

/// Modes of operation, object 6060.
const HOMING: i8 = 6;
const CSP: i8 = 8;
const CSV: i8 = 9;
const CST: i8 = 10;

/// Statusword, bits beside those of the state.
const VOLTAGE_ENABLED: u16 = 1 << 4;
const REMOTE: u16 = 1 << 9;
const TARGET_REACHED: u16 = 1 << 10;
/// In CSP, CSV and CST: the drive follows; in homing: homing attained.
const FOLLOWS: u16 = 1 << 12;

/// Controlword, bit 4 in homing.
const HOMING_START: u16 = 1 << 4;

/// See the module.
#[derive(Clone, Debug)]
pub struct Drive {
    entries: DriveEntries,
    configured: i8,
    state: Cia402,
    mode: i8,
    /// Counts.
    position: i64,
    /// Counts a second.
    velocity: i64,
    /// 0.1 % of the rated torque.
    torque: i64,
    error_code: u16,
    reset_bit: bool,
    homed: bool,
    /// The shaft does not turn, whatever it is told.
    pub jammed: bool,
}

impl Drive {
    /// Without power, at `position` counts.
    pub fn new(entries: DriveEntries, mode: DriveMode, position: i64) -> Self {
        let configured = match mode {
            DriveMode::Csp => CSP,
            DriveMode::Csv => CSV,
            DriveMode::Cst => CST,
        };
        Self {
            entries,
            configured,
            state: Cia402::SwitchOnDisabled,
            mode: configured,
            position,
            velocity: 0,
            torque: 0,
            error_code: 0,
            reset_bit: false,
            homed: false,
            jammed: false,
        }
    }

    /// Turn the shaft by hand.
    pub fn turn(&mut self, counts: i64) {
        self.position = self.position.saturating_add(counts);
    }

    /// Put the shaft to this many counts.
    pub fn stand_at(&mut self, counts: i64) {
        self.position = counts;
    }

    /// The drive finds something wrong with itself.
    pub fn trip(&mut self, error_code: u16) {
        self.state = Cia402::Fault;
        self.error_code = error_code;
    }

    /// One interval: what the drive shows goes into the inputs, then it does what the outputs say.
    pub fn step(&mut self, outputs: &[u8], inputs: &mut [u8], interval_ns: u64) {
        self.show(inputs);
        let before = self.position;
        self.obey(outputs, interval_ns);
        let moved = self.position.saturating_sub(before) as f64;
        self.velocity = (moved * 1e9 / interval_ns.max(1) as f64) as i64;
    }

    fn show(&self, inputs: &mut [u8]) {
        let at = &self.entries;
        let follows = match self.mode {
            HOMING => self.homed,
            _ => self.state == Cia402::OperationEnabled,
        };
        let (_, pattern) = self.state.pattern();
        let bits = VOLTAGE_ENABLED | REMOTE | TARGET_REACHED | if follows { FOLLOWS } else { 0 };
        // Bit 5 is part of the pattern of the states that have it.
        at.statusword.write_bits(inputs, (pattern | bits).into());
        at.position_actual.write_bits(inputs, self.position.cast_unsigned());
        let mut write = |field: Option<BitField>, value: i64| {
            if let Some(field) = field {
                field.write_bits(inputs, value.cast_unsigned());
            }
        };
        write(at.mode_display, self.mode.into());
        write(at.velocity_actual, self.velocity);
        write(at.torque_actual, self.torque);
        write(at.error_code, self.error_code.into());
    }

    fn obey(&mut self, outputs: &[u8], interval_ns: u64) {
        let at = self.entries;
        let read = |field: Option<BitField>| field.map_or(0, |field| field.read_integer(outputs));
        let controlword = at.controlword.read_bits(outputs) as u16;
        self.mode = at.mode.map_or(self.configured, |field| field.read_integer(outputs) as i8);
        self.power(Controlword(controlword));
        self.torque = 0;
        self.homed &= self.mode == HOMING;
        if self.state != Cia402::OperationEnabled {
            return;
        }
        match self.mode {
            CSP if !self.jammed => {
                // The target wraps with the drive's own 32 bits; the axis follows that.
                self.position = at.target_position.map_or(self.position, |field| field.read_integer(outputs));
            }
            CSV if !self.jammed => {
                let counts = read(at.target_velocity) as f64 * interval_ns as f64 / 1e9;
                self.position = self.position.saturating_add(counts as i64);
            }
            CST => self.torque = read(at.target_torque),
            HOMING => self.homed |= controlword & HOMING_START != 0,
            _ => {}
        }
    }

    fn power(&mut self, controlword: Controlword) {
        let command = controlword.command_in(self.state);
        let reset = command == Command::FaultReset;
        let edge = reset && !self.reset_bit;
        self.reset_bit = reset;
        if reset && !edge {
            return;
        }
        if let Some(transition) = self.state.after(command) {
            self.state = transition.to;
        }
        if self.state != Cia402::Fault {
            self.error_code = 0;
        }
    }
}
