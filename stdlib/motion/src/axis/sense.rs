//! What the drive says, and what is wrong with it.

use super::state::{Motion, StopCommand};
use super::{
    Axis, AxisError, AxisRequest, DriveInputs, DriveMode, Homing, Outcome, StopCategory, StopRequest,
};
use crate::cia402::{Cia402, Statusword};

impl Axis {
    pub(super) fn sense(&mut self, inputs: &DriveInputs, now_ns: u64) {
        let before_ns = self.state.now_ns;
        self.state.now_ns = now_ns;
        if !inputs.valid {
            if self.is_lost() && (self.state.operating || self.state.power_requested) {
                self.fail(AxisError::DriveLost, StopCategory::Category1);
            }
            return;
        }
        let silent = self.state.valid_ns < before_ns;
        let returned = self.state.known && silent && self.is_lost();
        let before = self.state.position;
        self.sense_position(inputs, now_ns.saturating_sub(before_ns));
        if returned {
            self.doubt_position(before);
        }
        self.state.known = true;
        self.state.valid_ns = now_ns;
        self.state.statusword = inputs.statusword;
        self.state.facts.torque = inputs.torque.unwrap_or(0) as f64 / 10.0 * self.direction();
        self.sense_power(inputs);
        self.state.facts.following_error = 0.0;
        if self.state.operating {
            self.sense_following(now_ns);
            self.sense_limit_switches(inputs);
            self.sense_overspeed();
        }
    }

    /// The drive's inputs have been invalid for longer than is tolerated, or always.
    pub(super) const fn is_lost(&self) -> bool {
        let silent_ns = self.state.now_ns.saturating_sub(self.state.valid_ns);
        !self.state.known || silent_ns > 0 && silent_ns >= self.settings.lost_after_ns
    }

    fn sense_position(&mut self, inputs: &DriveInputs, elapsed_ns: u64) {
        let (counts_before, scale) = (self.state.scale.counts, &mut self.state.scale);
        if self.state.known {
            scale.follow(inputs.position);
        } else {
            scale.take(inputs.position);
        }
        let counts_per_unit = self.settings.counts_per_unit;
        let moved = scale.counts.wrapping_sub(counts_before) as f64 / counts_per_unit;
        let position = scale.position(counts_per_unit);
        self.state.position = position;
        self.state.facts.velocity = match inputs.velocity {
            Some(velocity) => velocity as f64 / counts_per_unit,
            None if self.state.known && elapsed_ns > 0 => moved / (elapsed_ns as f64 * 1e-9),
            None => 0.0,
        };
        self.state.facts.homed |= matches!(self.settings.homing, Homing::Absolute { .. });
    }

    /// After a loss the drive stands where it was, or on the way that it was told, or else it was restarted and counts
    /// from somewhere else.
    fn doubt_position(&mut self, before: f64) {
        let told = self.state.generator.current().position;
        let window = self.settings.following_window;
        let way = before.min(told) - window..=before.max(told) + window;
        if !way.contains(&self.state.position) {
            self.state.facts.homed = matches!(self.settings.homing, Homing::Absolute { .. });
        }
    }

    /// Whether the drive is in `OperationEnabled`, and why it left.
    fn sense_power(&mut self, inputs: &DriveInputs) {
        let state = Statusword(inputs.statusword).state();
        let was_operating = self.state.operating;
        self.state.operating = match state {
            Some(state) => state == Cia402::OperationEnabled,
            None => was_operating,
        };
        match state {
            Some(Cia402::Fault | Cia402::FaultReactionActive) => {
                let code = inputs.error_code.unwrap_or(0);
                self.fail(AxisError::DriveFault { code }, StopCategory::Category0);
            }
            Some(state) if was_operating && !self.state.operating && self.state.power_requested => {
                let error =
                    if state == Cia402::SwitchOnDisabled { AxisError::Sto } else { AxisError::DriveDropped };
                self.fail(error, StopCategory::Category0);
            }
            _ => {}
        }
    }

    fn sense_following(&mut self, now_ns: u64) {
        if self.settings.drive_mode == DriveMode::Cst || self.state.motion.is_homing() {
            self.state.following_since_ns = None;
            return;
        }
        let following_error = self.state.previous - self.state.position;
        self.state.facts.following_error = following_error;
        if following_error.abs() <= self.settings.following_window {
            self.state.following_since_ns = None;
            return;
        }
        let since_ns = *self.state.following_since_ns.get_or_insert(now_ns);
        if now_ns.saturating_sub(since_ns) >= self.settings.following_time_ns {
            self.fail(AxisError::FollowingError, self.settings.stop_category);
        }
    }

    fn sense_limit_switches(&mut self, inputs: &DriveInputs) {
        let (negative, positive) = self.limit_switches(inputs);
        self.state.limit_switches = (negative, positive);
        if self.state.motion.is_homing() {
            // Homing methods use them.
            return;
        }
        let velocity = match self.settings.drive_mode {
            DriveMode::Cst => self.state.torque,
            DriveMode::Csp | DriveMode::Csv => self.state.generator.current().velocity,
        };
        for (active, towards, positive) in
            [(negative, velocity < 0.0, false), (positive, velocity > 0.0, true)]
        {
            if active && towards {
                self.fail(AxisError::LimitSwitch { positive }, self.settings.stop_category);
            }
        }
    }

    /// Negative and positive end of the axis; the drive's own ends, where it counts the other way, are swapped.
    fn limit_switches(&self, inputs: &DriveInputs) -> (bool, bool) {
        let bits = inputs.digital_inputs.unwrap_or(0);
        let (negative, positive) = (bits & 1 != 0, bits & 2 != 0);
        if self.settings.counts_per_unit < 0.0 { (positive, negative) } else { (negative, positive) }
    }

    /// 1, or -1 where the drive counts the other way.
    pub(super) const fn direction(&self) -> f64 {
        self.settings.counts_per_unit.signum()
    }

    fn sense_overspeed(&mut self) {
        if self.settings.drive_mode == DriveMode::Cst
            && self.state.facts.velocity.abs() > self.settings.limits.velocity
        {
            self.fail(AxisError::Overspeed, self.settings.stop_category);
        }
    }

    /// An error: the command in execution ends with it, and the axis stops in this category. The first error stays
    /// until it is reset; a later one can only make the stop more urgent.
    pub(super) fn fail(&mut self, error: AxisError, category: StopCategory) {
        let urgent = self.state.error_category.map_or(category, |before| more_urgent(before, category));
        self.state.error_category = Some(urgent);
        if self.state.facts.error.is_some() {
            return;
        }
        self.state.facts.error = Some(error);
        self.end_active(Outcome::Error(error));
        if self.state.powering_on {
            self.end_powering(Outcome::Error(error));
        }
    }

    /// The runtime's requests.
    pub(super) fn obey(&mut self, request: AxisRequest) {
        self.generator().set_override(request.override_factor);
        let asked = request.stop.map(|stop| match stop {
            StopRequest::Configured => self.settings.stop_category,
            StopRequest::Category(category) => category,
        });
        if let Some(asked) = asked {
            let before = self.state.stop_runtime.unwrap_or(asked);
            self.state.stop_runtime = Some(more_urgent(before, asked));
            self.end_active(Outcome::CommandAborted);
        }
        self.state.stop_requested = asked.is_some();
        self.state.enabled = request.enable;
        if !request.enable && self.state.power_requested {
            self.state.power_off = Some(more_urgent(self.settings.stop_category, StopCategory::Category1));
            self.end_active(Outcome::CommandAborted);
        }
    }

    /// Comes to rest before anything else may happen.
    pub(super) fn stop_category(&self) -> Option<StopCategory> {
        let state = &self.state;
        let by_command = (state.stop_command != StopCommand::None).then_some(StopCategory::Category2);
        [by_command, state.power_off, state.stop_runtime, state.error_category]
            .into_iter()
            .flatten()
            .min_by_key(rank)
    }

    /// Notes the time as well.
    pub(super) fn set_motion(&mut self, motion: Motion) {
        self.state.motion = motion;
        self.state.motion_since_ns = self.state.now_ns;
    }
}

const fn rank(category: &StopCategory) -> u8 {
    match category {
        StopCategory::Category0 => 0,
        StopCategory::Category1 => 1,
        StopCategory::Category2 => 2,
    }
}

const fn more_urgent(a: StopCategory, b: StopCategory) -> StopCategory {
    if rank(&a) <= rank(&b) { a } else { b }
}
