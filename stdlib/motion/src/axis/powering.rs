//! Power and brake.
//!
//! Up: the drive is enabled with its set-point at its own position, then the brake opens, and when the drive shows that it
//! follows set-points the axis may move: one that works its brake by itself ignores them until then. Down:
//! the axis rests, the brake closes, and only then the drive is disabled; except in stop category 0, where power goes
//! at once and the brake with it.

use super::moving::MODE_TIMEOUT_NS;
use super::{Axis, AxisError, DriveInputs, StopCategory};
use crate::cia402::{Cia402, Controlword, Goal, Progress, Statusword};

/// Bit 12 of the statusword.
const FOLLOWS: u16 = 1 << 12;
/// A drive that opens its brake by itself takes tenths of a second.
const FOLLOWING_TIMEOUT_NS: u64 = 5_000_000_000;

impl Axis {
    pub(super) fn supply(&mut self, inputs: &DriveInputs) -> Controlword {
        if !self.state.known {
            return Controlword::default();
        }
        let category = self.stop_category();
        if category == Some(StopCategory::Category0) {
            (self.state.coast, self.state.power_requested) = (true, false);
        }
        let leaving = category == Some(StopCategory::Category1) && self.is_resting();
        self.move_brake(leaving);
        if leaving && (!self.state.operating || self.is_brake_closed()) {
            self.state.power_requested = false;
        }
        let goal = self.power_goal(inputs);
        let statusword = Statusword(self.state.statusword);
        let faulted = statusword.state() == Some(Cia402::Fault);
        // Not in the command's own interval: each reset is to be an edge.
        let begun = self.state.now_ns > self.state.reset_since_ns;
        let reset = faulted && begun && self.state.facts.resetting != 0;
        let step = self.state.power.step(statusword, goal, reset, self.state.now_ns);
        if inputs.valid {
            self.judge(step.progress);
        }
        self.await_following(inputs);
        let ready = self.is_brake_open() && self.state.following;
        self.state.facts.powered = self.state.operating && self.state.power_requested && ready;
        step.controlword
    }

    fn judge(&mut self, progress: Progress) {
        match progress {
            Progress::TimedOut { .. } if self.state.power_requested => {
                self.fail(AxisError::DriveTimeout, StopCategory::Category0);
            }
            // It does not follow the way down that spares the load: it has to follow the short one.
            Progress::TimedOut { .. } => self.state.coast = true,
            Progress::Disarmed if self.state.power_requested => {
                self.fail(AxisError::Sto, StopCategory::Category0);
            }
            _ => {}
        }
    }

    /// Statusword bit 12 in the cyclic modes (ETG.6010, "drive follows the command value"). Once it was there since the drive
    /// came into operation: what it does later, the supervision of the following error sees.
    fn await_following(&mut self, inputs: &DriveInputs) {
        let waits = self.state.operating && self.state.power_requested;
        let mode = self.settings.drive_mode.mode_of_operation();
        let shown = inputs.mode_display.is_none_or(|display| display == mode);
        let follows = inputs.valid && shown && self.state.statusword & FOLLOWS != 0;
        self.state.following = self.state.operating && (self.state.following || follows);
        if waits && !self.state.following && inputs.valid && self.brake_since_ns() >= FOLLOWING_TIMEOUT_NS {
            self.fail(AxisError::DriveTimeout, StopCategory::Category0);
        }
    }

    fn power_goal(&mut self, inputs: &DriveInputs) -> Goal {
        if !self.state.power_requested {
            // Out of operation by "disable operation", with the drive's own brake control.
            let gently = self.state.operating && !self.state.coast;
            return if gently { Goal::SwitchedOn } else { Goal::SwitchOnDisabled };
        }
        let mode = self.settings.drive_mode.mode_of_operation();
        let in_mode = inputs.mode_display.is_none_or(|display| display == mode);
        if self.state.operating || in_mode {
            self.state.mode_since_ns = self.state.now_ns;
            return Goal::OperationEnabled;
        }
        if self.state.now_ns.saturating_sub(self.state.mode_since_ns) >= MODE_TIMEOUT_NS && inputs.valid {
            self.fail(AxisError::ModeNotTaken, StopCategory::Category0);
        }
        Goal::SwitchedOn
    }

    fn move_brake(&mut self, leaving: bool) {
        let open = self.state.operating && self.state.power_requested && !leaving;
        if self.state.brake_open != open {
            (self.state.brake_open, self.state.brake_since_ns) = (open, self.state.now_ns);
        }
    }

    const fn brake_since_ns(&self) -> u64 {
        self.state.now_ns.saturating_sub(self.state.brake_since_ns)
    }

    fn is_brake_open(&self) -> bool {
        let release_ns = self.settings.brake.map_or(0, |brake| brake.release_ns);
        self.state.brake_open && self.brake_since_ns() >= release_ns
    }

    fn is_brake_closed(&self) -> bool {
        let apply_ns = self.settings.brake.map_or(0, |brake| brake.apply_ns);
        !self.state.brake_open && self.brake_since_ns() >= apply_ns
    }
}
