//! What the drive watches, and what it does about it.

use super::{
    Drive,
    errors::code,
    power::PowerState,
    sequence::{Motion, Then},
};

/// Slower than this into a limit switch is no motion into it, in rev/s.
const CREEP: f64 = 0.1;
/// Above this share of its greatest velocity a motor is out of control.
const OVERSPEED: f64 = 1.3;
/// Counted for a set-point that fails to come, against 1 for one that comes; ETG.1020.
const SYNC_MISS: u32 = 3;

/// How a fault stops the motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    /// As option 0x605E says.
    Option,
    /// No torque.
    Coast,
}

/// Counters and times of the supervision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Since when the following error is outside its window.
    outside_ns: Option<u64>,
    /// It was for too long.
    pub is_following_error: bool,
    /// Since when the position is inside its window.
    inside_ns: Option<u64>,
    /// It has been for long enough.
    pub is_in_position: bool,
    /// Sync error counter of 0x10F1.
    pub sync_errors: u32,
}

impl Watch {
    /// Torque comes on.
    pub fn start(&mut self) {
        *self = Self::default();
    }

    /// The fault was reset.
    pub fn forget_following(&mut self) {
        (self.outside_ns, self.is_following_error) = (None, false);
    }

    /// A set-point came.
    pub fn set_point_came(&mut self) {
        self.sync_errors = self.sync_errors.saturating_sub(1);
    }

    /// A set-point failed to come.
    pub fn set_point_missed(&mut self) {
        self.sync_errors = self.sync_errors.saturating_add(SYNC_MISS);
    }
}

impl Drive {
    /// Everything that can be a fault; the first one that is.
    pub(super) fn supervise(&mut self) {
        self.watch_connection();
        if !self.state.has_torque() {
            return;
        }
        if self.sto {
            self.fail(code::STO, Reaction::Coast);
        } else if !self.has_mains {
            self.fail(code::UNDERVOLTAGE, Reaction::Coast);
        } else if self.rotor.velocity.abs() > OVERSPEED * self.parameters.velocity_max {
            self.fail(code::OVERSPEED, Reaction::Coast);
        } else if self.parameters.sync_limit > 0 && self.watch.sync_errors >= self.parameters.sync_limit {
            self.fail(code::SYNC, Reaction::Option);
        } else if self.runs_into_limit_switch() {
            self.fail(code::LIMIT_SWITCH, Reaction::Option);
        } else {
            self.watch_following();
        }
    }

    /// A fault from outside.
    pub(super) fn trip(&mut self, code: u16) {
        if self.is_powered {
            self.fail(code, Reaction::Option);
        }
    }

    /// Transition 13, and 14 where there is nothing to stop.
    fn fail(&mut self, code: u16, reaction: Reaction) {
        if matches!(self.state, PowerState::FaultReactionActive | PowerState::Fault) {
            if reaction == Reaction::Coast && self.state == PowerState::FaultReactionActive {
                self.stop(super::power::Stop::Coast, Then::Off(PowerState::Fault));
            }
            return;
        }
        self.errors.raise(code);
        if !self.state.has_torque() {
            return self.set_state(PowerState::Fault);
        }
        self.set_state(PowerState::FaultReactionActive);
        let how = match reaction {
            Reaction::Coast => super::power::Stop::Coast,
            Reaction::Option => self.parameters.fault_reaction,
        };
        self.stop(how, Then::Off(PowerState::Fault));
    }

    /// The MainDevice has taken the drive out of OP, or fell silent: option 0x6007.
    fn watch_connection(&mut self) {
        if !std::mem::take(&mut self.has_lost_link) {
            return;
        }
        if !self.state.has_torque() {
            if matches!(self.state, PowerState::ReadyToSwitchOn | PowerState::SwitchedOn) {
                self.set_state(PowerState::SwitchOnDisabled);
            }
            return;
        }
        match self.parameters.abort_connection {
            0 => {}
            2 => {
                self.torque_off();
                self.set_state(PowerState::SwitchOnDisabled);
            }
            3 if self.state == PowerState::OperationEnabled => self.quick_stop(),
            3 => {}
            _ if self.link.is_watchdog => self.fail(code::WATCHDOG, Reaction::Option),
            _ => self.fail(code::CONNECTION, Reaction::Option),
        }
    }

    fn watch_following(&mut self) {
        let inside = match (self.demand, self.parameters.following_window) {
            (Some(_), Some(window)) => self.following_error().abs() <= window,
            _ => true,
        };
        if inside {
            return self.watch.forget_following();
        }
        let since_ns = *self.watch.outside_ns.get_or_insert(self.now_ns);
        if self.now_ns.saturating_sub(since_ns) >= self.parameters.following_time_ns {
            self.watch.is_following_error = true;
            self.fail(code::FOLLOWING, Reaction::Option);
        }
    }

    /// Outside homing, which looks for them.
    fn runs_into_limit_switch(&self) -> bool {
        if !self.parameters.limit_switch_faults
            || self.motion != Motion::Follow
            || self.mode == super::demand::HM
        {
            return false;
        }
        let velocity = self.rotor.velocity;
        (self.switches.positive && velocity > CREEP) || (self.switches.negative && velocity < -CREEP)
    }

    /// Demand minus actual, in user units; 0 where no position is controlled.
    pub(super) fn following_error(&self) -> f64 {
        self.demand.map_or(0.0, |demand| (demand - self.seen().position) * self.parameters.units)
    }

    /// The motor has been within the position window around `target` (user units) for long enough.
    pub(super) fn watch_position(&mut self, target: Option<f64>) {
        let actual = self.user_position(self.seen().position);
        let inside = match (target, self.parameters.position_window) {
            (Some(target), Some(window)) => (target - actual).abs() <= window,
            _ => false,
        };
        if !inside {
            (self.watch.inside_ns, self.watch.is_in_position) = (None, false);
            return;
        }
        let since_ns = *self.watch.inside_ns.get_or_insert(self.now_ns);
        self.watch.is_in_position = self.now_ns.saturating_sub(since_ns) >= self.parameters.position_time_ns;
    }

    /// More than half the window is used, or set-points fail to come.
    pub(super) fn has_warning(&self) -> bool {
        let window = self.parameters.following_window;
        let far = window.is_some_and(|window| self.following_error().abs() > 0.5 * window);
        self.watch.sync_errors > 0 || (self.demand.is_some() && far) || self.at_limit_switch()
    }

    fn at_limit_switch(&self) -> bool {
        self.switches.positive || self.switches.negative
    }
}
