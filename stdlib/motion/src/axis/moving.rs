//! The next set-point, homing by the drive, and when a motion is over.

use super::state::{Motion, StopCommand};
use super::{Axis, AxisError, AxisState, DriveInputs, DriveMode, Homing, Outcome, StopCategory};
use crate::cia402::{Cia402, Statusword};
use crate::profile::Goal;

/// Mode of operation "homing".
pub(super) const HOMING_MODE: i8 = 6;
/// How long a drive may take to show a mode of operation.
pub(super) const MODE_TIMEOUT_NS: u64 = 2_000_000_000;
/// How long a drive may take to come to rest when its homing is halted.
const HALT_TIMEOUT_NS: u64 = 2_000_000_000;
/// How long the actual position may take to come to the set-point at the end of a stop.
const SETTLE_TIMEOUT_NS: u64 = 500_000_000;
/// How long a reset may take.
const RESET_TIMEOUT_NS: u64 = 5_000_000_000;
/// Share of the greatest speed below which a drive that nobody gives positions counts as standing.
const STANDING: f64 = 1e-3;

impl Axis {
    pub(super) fn advance(&mut self, inputs: &DriveInputs) {
        self.state.previous = self.state.generator.current().position;
        if !self.state.operating {
            if self.state.motion != Motion::Idle {
                self.end_active(Outcome::CommandAborted);
                self.set_motion(Motion::Idle);
            }
            self.state.torque = 0.0;
            self.take_actual_position();
            return;
        }
        if self.state.motion.is_homing() && inputs.valid {
            self.advance_homing(inputs);
        }
        if self.settings.drive_mode == DriveMode::Cst {
            self.advance_torque();
        }
        if self.settings.drive_mode == DriveMode::Cst || self.state.motion.is_homing() {
            self.take_actual_position();
            return;
        }
        if self.stop_category().is_some() {
            let limits = self.stop_limits;
            self.generator().retarget(Goal::Rest, limits);
        } else if self.state.motion == Motion::Idle {
            let limits = self.limits;
            self.generator().retarget(Goal::Rest, limits);
        }
        let interval_ns = self.settings.interval_ns;
        self.generator().advance(interval_ns);
    }

    /// The drive does not follow set-points: the set-point follows the drive, so that nothing jumps when it does.
    fn take_actual_position(&mut self) {
        let position = self.state.position;
        self.generator().reset(position);
        self.state.previous = position;
    }

    fn advance_torque(&mut self) {
        let stopping = self.stop_category().is_some();
        let (target, ramp) = if stopping || self.state.motion == Motion::Idle {
            // A tenth of a second from the limit.
            (0.0, self.settings.torque_limit * 10.0)
        } else {
            (self.state.torque_target, self.state.torque_ramp)
        };
        let most = ramp * self.settings.interval_s();
        // Not `clamp`, which panics where a loaded ramp is not a number.
        self.state.torque += (target - self.state.torque).min(most).max(-most);
        self.state.torque_target = target;
    }

    /// A drive takes a moment to show bits of another mode; until then they mean something else.
    const fn settle_ns(&self) -> u64 {
        let four = self.settings.interval_ns.saturating_mul(4);
        if four > 10_000_000 { four } else { 10_000_000 }
    }

    fn advance_homing(&mut self, inputs: &DriveInputs) {
        let Homing::Drive { offset, timeout_ns, .. } = self.settings.homing else {
            self.set_motion(Motion::Idle);
            return;
        };
        let since_ns = self.state.now_ns.saturating_sub(self.state.motion_since_ns);
        let settled = since_ns >= self.settle_ns();
        let word = inputs.statusword;
        let (reached, attained, error) = (word & 1 << 10 != 0, word & 1 << 12 != 0, word & 1 << 13 != 0);
        let in_mode = |mode: i8| settled && inputs.mode_display.is_none_or(|display| display == mode);
        match self.state.motion {
            Motion::HomingEnter if in_mode(HOMING_MODE) => self.set_motion(Motion::HomingRun),
            Motion::HomingEnter | Motion::HomingLeave if since_ns >= MODE_TIMEOUT_NS => {
                self.fail(AxisError::ModeNotTaken, StopCategory::Category0);
            }
            Motion::HomingRun if settled && error || since_ns >= timeout_ns => {
                self.fail(AxisError::HomingFailed, self.settings.stop_category);
            }
            Motion::HomingRun if settled && reached && attained => {
                self.state.scale.take(inputs.position);
                self.state.scale.refer(0, offset);
                self.state.position = self.state.scale.position(self.settings.counts_per_unit);
                self.state.facts.homed = true;
                self.set_motion(Motion::HomingLeave);
            }
            Motion::HomingAbort if settled && self.is_standing() || since_ns >= HALT_TIMEOUT_NS => {
                self.set_motion(Motion::HomingLeave);
            }
            Motion::HomingLeave if in_mode(self.settings.drive_mode.mode_of_operation()) => {
                self.set_motion(Motion::Idle);
                let active = std::mem::take(&mut self.state.facts.active);
                self.ended(active, Outcome::Done);
            }
            _ => {}
        }
    }

    fn is_standing(&self) -> bool {
        self.state.facts.velocity.abs() <= self.settings.limits.velocity * STANDING
    }

    /// The set-point rests.
    fn is_set_at_rest(&self) -> bool {
        match self.settings.drive_mode {
            DriveMode::Cst => self.state.torque == 0.0,
            DriveMode::Csp | DriveMode::Csv => {
                let generator = &self.state.generator;
                generator.goal() == Goal::Rest && generator.is_at_goal()
            }
        }
    }

    /// A stop has ended: the set-point rests, and the drive has followed or had its time to.
    pub(super) fn is_resting(&mut self) -> bool {
        if !self.state.operating {
            return true;
        }
        if self.state.motion.is_homing() || !self.is_set_at_rest() {
            self.state.rest_since_ns = None;
            return false;
        }
        let since_ns = *self.state.rest_since_ns.get_or_insert(self.state.now_ns);
        let waited = self.state.now_ns.saturating_sub(since_ns) >= SETTLE_TIMEOUT_NS;
        let there = match self.settings.drive_mode {
            DriveMode::Cst => self.is_standing(),
            DriveMode::Csp | DriveMode::Csv => self.is_in_window(),
        };
        there || waited
    }

    fn is_in_window(&self) -> bool {
        let distance = self.state.generator.current().position - self.state.position;
        distance.abs() <= self.settings.in_position_window
    }

    /// What is over, and what the axis says of itself.
    pub(super) fn conclude(&mut self) {
        let resting = self.is_resting();
        self.conclude_motion(resting);
        self.conclude_stops(resting);
        self.conclude_power();
        self.conclude_reset(resting);
        let facts = &mut self.state.facts;
        let set = self.state.generator.current();
        let shown = |position: f64| self.settings.modulo.map_or(position, |turn| position.rem_euclid(turn));
        facts.set_position = shown(set.position);
        facts.position = shown(self.state.position);
        (facts.set_velocity, facts.set_acceleration) = (set.velocity, set.acceleration);
        if self.settings.drive_mode == DriveMode::Cst {
            facts.set_velocity = facts.velocity;
        }
        self.state.facts.in_position =
            self.state.operating && self.state.generator.current().is_at_rest() && self.is_in_window();
        self.state.facts.state = self.plcopen_state();
    }

    fn conclude_motion(&mut self, resting: bool) {
        let active = self.state.facts.active;
        if active == 0 || !self.state.operating {
            return;
        }
        let at_goal = match self.settings.drive_mode {
            DriveMode::Cst => self.state.torque == self.state.torque_target,
            DriveMode::Csp | DriveMode::Csv => self.state.generator.is_at_goal(),
        };
        let there = self.settings.drive_mode == DriveMode::Cst || self.is_in_window();
        match self.state.motion {
            Motion::Discrete if at_goal && there => self.end_active(Outcome::Done),
            Motion::Continuous if self.state.generator.is_at_bound() => {
                self.end_active(Outcome::Error(AxisError::SoftwareLimit));
            }
            Motion::Continuous if at_goal && self.state.facts.done != active => {
                self.ended(active, Outcome::Done);
            }
            Motion::Idle if resting && self.state.stop_command != StopCommand::None => {
                self.end_active(Outcome::Done);
            }
            _ => {}
        }
    }

    fn conclude_stops(&mut self, resting: bool) {
        if !resting {
            return;
        }
        if self.state.stop_command == StopCommand::Released || !self.state.operating {
            self.state.stop_command = StopCommand::None;
        }
        let held = self.state.stop_runtime == Some(StopCategory::Category2);
        if !self.state.stop_requested && (held || !self.state.operating) {
            self.state.stop_runtime = None;
        }
    }

    fn conclude_power(&mut self) {
        if self.state.power_requested {
            if self.state.facts.powered && self.state.powering_on {
                self.end_powering(Outcome::Done);
            }
        } else if !self.state.operating {
            self.state.power_off = None;
            let outcome = if self.state.powering_on { Outcome::CommandAborted } else { Outcome::Done };
            self.end_powering(outcome);
        }
    }

    fn conclude_reset(&mut self, resting: bool) {
        if self.state.facts.resetting == 0 {
            return;
        }
        let Some(error) = self.state.facts.error else {
            self.end_reset(Outcome::Done);
            return;
        };
        let state = Statusword(self.state.statusword).state();
        let faulted = matches!(state, Some(Cia402::Fault | Cia402::FaultReactionActive));
        let heard = self.state.valid_ns == self.state.now_ns;
        let held = self.state.error_category == Some(StopCategory::Category2);
        if heard && !faulted && resting && (held || !self.state.operating) {
            self.state.facts.error = None;
            self.state.error_category = None;
            self.state.following_since_ns = None;
            self.end_reset(Outcome::Done);
        } else if self.state.now_ns.saturating_sub(self.state.reset_since_ns) >= RESET_TIMEOUT_NS {
            self.end_reset(Outcome::Error(error));
        }
    }

    fn end_reset(&mut self, outcome: Outcome) {
        let resetting = std::mem::take(&mut self.state.facts.resetting);
        self.ended(resetting, outcome);
    }

    fn plcopen_state(&self) -> AxisState {
        let state = &self.state;
        if state.facts.error.is_some() {
            AxisState::ErrorStop
        } else if state.operating && self.stop_category().is_some() {
            AxisState::Stopping
        } else if !state.facts.powered {
            AxisState::Disabled
        } else {
            match state.motion {
                Motion::Idle => AxisState::Standstill,
                Motion::Discrete => AxisState::DiscreteMotion,
                Motion::Continuous => AxisState::ContinuousMotion,
                _ => AxisState::Homing,
            }
        }
    }
}
