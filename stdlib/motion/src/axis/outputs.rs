//! What the drive is told.

use super::moving::HOMING_MODE;
use super::scale::{to_i16, to_i32};
use super::state::Motion;
use super::{Axis, DriveMode, DriveOutputs};
use crate::cia402::Controlword;

/// Controlword bit 4 in the homing mode: start.
const HOMING_START: u16 = 1 << 4;
/// Controlword bit 8.
const HALT: u16 = 1 << 8;

impl Axis {
    pub(super) fn tell(&self, controlword: Controlword) -> DriveOutputs {
        let state = &self.state;
        let (mode, bits) = match state.motion {
            Motion::HomingEnter => (HOMING_MODE, 0),
            Motion::HomingRun => (HOMING_MODE, HOMING_START),
            Motion::HomingAbort => (HOMING_MODE, HALT),
            _ => (self.settings.drive_mode.mode_of_operation(), 0),
        };
        let mut outputs = DriveOutputs {
            controlword: controlword.0 | bits,
            target_position: self.target_position(),
            mode,
            brake: state.brake_open,
            ..DriveOutputs::default()
        };
        if !state.operating || state.motion.is_homing() {
            return outputs;
        }
        let set = state.generator.current();
        match self.settings.drive_mode {
            DriveMode::Csp => {
                outputs.velocity_offset = to_i32(set.velocity * self.settings.counts_per_unit);
            }
            DriveMode::Csv => outputs.target_velocity = self.velocity_of_position_loop(),
            DriveMode::Cst => outputs.target_torque = to_i16(state.torque * 10.0 * self.direction()),
        }
        outputs
    }

    /// In the drive's 32 bits, which overflow as its own position does.
    fn target_position(&self) -> i32 {
        let position = self.state.generator.current().position;
        self.state.scale.counts_at(position, self.settings.counts_per_unit) as i32
    }

    /// The set-point's velocity, and what brings the position back to where it should have been.
    fn velocity_of_position_loop(&self) -> i32 {
        let heard = self.state.valid_ns == self.state.now_ns;
        let correction =
            if heard { self.settings.velocity_gain * self.state.facts.following_error } else { 0.0 };
        // The mean of the interval, not its end: a drive that keeps this velocity for an interval goes as far.
        let moved = self.state.generator.current().position - self.state.previous;
        let limit = self.settings.limits.velocity;
        let velocity = (moved / self.settings.interval_s() + correction).clamp(-limit, limit);
        to_i32(velocity * self.settings.counts_per_unit)
    }
}
