//! A drive that answers each command after one exchange, on the standard's arrows, and follows at once.

use super::{AxisSettings, DriveMode, DriveOutputs, Homing};
use crate::axis::DriveInputs;
use crate::cia402::{Cia402, Command, Controlword};

pub struct Drive {
    pub state: Cia402,
    pub position: f64,
    /// Counts per second.
    pub velocity: f64,
    pub mode: i8,
    /// It does not take another mode.
    pub mode_stuck: bool,
    /// The process data arrives.
    pub connected: bool,
    /// The motor is held by something.
    pub jammed: bool,
    /// Its own brake is still closed: in operation, it ignores set-points and says so.
    pub braked: bool,
    pub error_code: u16,
    /// The cause of the fault is still there.
    pub fault_persists: bool,
    pub digital_inputs: u32,
    /// Exchanges until homing ends, and whether it succeeds.
    pub homing: (u32, bool),
    homing_left: Option<u32>,
    homed: bool,
    last: DriveOutputs,
    interval_s: f64,
    drive_mode: DriveMode,
    /// Counts/s² per percent of torque.
    per_torque: f64,
    /// Target in the exchange in which operation was enabled, and the position then.
    pub enabled_at: Option<(i32, i32)>,
}

impl Drive {
    pub fn new(settings: AxisSettings) -> Self {
        Self {
            state: Cia402::SwitchOnDisabled,
            position: 123_456.0,
            velocity: 0.0,
            mode: 0,
            mode_stuck: false,
            connected: true,
            jammed: false,
            braked: false,
            error_code: 0,
            fault_persists: false,
            digital_inputs: 0,
            homing: (200, true),
            homing_left: None,
            homed: !matches!(settings.homing, Homing::Drive { .. }),
            last: DriveOutputs::default(),
            interval_s: settings.interval_s(),
            drive_mode: settings.drive_mode,
            per_torque: 1e4,
            enabled_at: None,
        }
    }

    pub fn fault(&mut self, code: u16) {
        (self.state, self.error_code, self.fault_persists) = (Cia402::Fault, code, false);
    }

    fn counter(&self) -> i32 {
        // The real one overflows as well.
        libm::rint(self.position) as i64 as i32
    }

    pub fn exchange(&mut self, outputs: DriveOutputs) -> DriveInputs {
        if !self.connected {
            return DriveInputs { position: 77, statusword: 0x1234, ..DriveInputs::default() };
        }
        let inputs = self.measure();
        self.command(outputs);
        self.follow(outputs);
        self.last = outputs;
        inputs
    }

    fn measure(&self) -> DriveInputs {
        let homing = match (self.mode, self.homing_left) {
            (6, Some(0)) if self.homing.1 => 1 << 10 | 1 << 12,
            (6, Some(0)) => 1 << 13,
            (6, Some(_)) => 0,
            (6, None) if self.homed => 1 << 10 | 1 << 12,
            // In other modes the same bits mean other things.
            _ if self.braked => 0,
            _ => 1 << 12,
        };
        DriveInputs {
            valid: true,
            statusword: self.state.pattern().1 | 0x0210 | homing,
            position: i64::from(self.counter()),
            velocity: Some(self.velocity as i64),
            torque: Some(i64::from(self.last.target_torque)),
            mode_display: Some(self.mode),
            error_code: Some(self.error_code),
            digital_inputs: Some(self.digital_inputs),
        }
    }

    fn command(&mut self, outputs: DriveOutputs) {
        let word = Controlword(outputs.controlword);
        let command = word.command_in(self.state);
        let edge = outputs.controlword & 0x80 != 0 && self.last.controlword & 0x80 == 0;
        if command == Command::FaultReset && (!edge || self.fault_persists) {
            return;
        }
        let before = self.state;
        self.state = self.state.after(command).map_or(self.state, |transition| transition.to);
        if before != self.state && self.state == Cia402::OperationEnabled {
            self.enabled_at = Some((outputs.target_position, self.counter()));
        }
        if !self.mode_stuck {
            self.mode = outputs.mode;
        }
    }

    fn follow(&mut self, outputs: DriveOutputs) {
        let before = self.position;
        if self.state != Cia402::OperationEnabled || self.jammed || self.braked {
            self.velocity = 0.0;
            self.homing_left = None;
            return;
        }
        match (self.mode, self.drive_mode) {
            (6, _) => self.home(outputs),
            (_, DriveMode::Csp) => {
                let moved = outputs.target_position.wrapping_sub(self.counter());
                self.position = libm::rint(self.position) + f64::from(moved);
            }
            (_, DriveMode::Csv) => self.position += f64::from(outputs.target_velocity) * self.interval_s,
            (_, DriveMode::Cst) => {
                let acceleration = f64::from(outputs.target_torque) / 10.0 * self.per_torque;
                // Friction brings it to rest in the end.
                self.velocity += (acceleration - 5.0 * self.velocity) * self.interval_s;
                self.position += self.velocity * self.interval_s;
                return;
            }
        }
        self.velocity = (self.position - before) / self.interval_s;
    }

    fn home(&mut self, outputs: DriveOutputs) {
        if outputs.controlword & 1 << 4 == 0 || outputs.controlword & 1 << 8 != 0 {
            self.homing_left = None;
            return;
        }
        match self.homing_left {
            None => self.homing_left = Some(self.homing.0),
            Some(0) => {}
            Some(1) if self.homing.1 => {
                // The counter is set to what the drive calls home.
                (self.position, self.homing_left, self.homed) = (500.0, Some(0), true);
            }
            Some(left) => {
                self.homing_left = Some(left - 1);
                self.position -= 20.0;
            }
        }
    }
}
