//! What the transitions of the power state machine do to the motor, IEC 61800-7-201 table "Transition events and actions".

use super::{
    Drive, SELF_TEST_NS,
    control::Ramp,
    power::{Command, PowerState, Stop, controlword, transition},
};

/// Slower than this is at rest, in rev/s.
pub const REST: f64 = 0.02;
/// A stop whose demand is at rest this long is over, even if the machine keeps the shaft turning.
const PATIENCE_NS: u64 = 500_000_000;

/// Where a stop leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The position is held: after halt, and in quick stop active with options 5 to 8.
    Hold,
    /// Torque off, this state.
    Off(PowerState),
}

/// What the motor is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Motion {
    /// No torque.
    #[default]
    Off,
    /// The position is held until the brake is open.
    Opening,
    /// The mode's function is active.
    Follow,
    /// Coming to rest.
    Stopping {
        how: Stop,
        then: Then,
        /// When the demand came to rest; `None` before.
        rest_ns: Option<u64>,
    },
    /// At rest under position control.
    Hold,
    /// The position is held until the brake has closed.
    Closing { next: PowerState },
}

impl Motion {
    /// The brake gets its current.
    pub const fn wants_brake_open(self) -> bool {
        !matches!(self, Self::Off | Self::Closing { .. })
    }
}

impl Drive {
    /// Transitions that commands and time bring about.
    pub(super) fn run_power_states(&mut self) {
        let reset = std::mem::take(&mut self.fault_reset);
        match self.state {
            PowerState::NotReadyToSwitchOn => {
                let ready_ns = *self.ready_ns.get_or_insert(self.now_ns.saturating_add(SELF_TEST_NS));
                if self.now_ns >= ready_ns {
                    self.set_state(PowerState::SwitchOnDisabled);
                }
            }
            PowerState::Fault if reset => {
                self.errors.reset();
                self.watch.forget_following();
                self.set_state(PowerState::SwitchOnDisabled);
            }
            PowerState::ReadyToSwitchOn | PowerState::SwitchedOn if self.sto => {
                self.set_state(PowerState::SwitchOnDisabled);
            }
            _ => self.obey(),
        }
    }

    /// Follow bits 0 to 3 of the controlword.
    fn obey(&mut self) {
        if !self.link.is_operational {
            return;
        }
        let command = Command::of(self.commands.controlword);
        let Some(number) = transition(self.state, command, self.parameters.quick_stop_stays) else { return };
        // On its way out of operation enabled, the drive listens to what takes it out faster.
        let leaves =
            matches!(self.motion, Motion::Stopping { then: Then::Off(_), .. } | Motion::Closing { .. });
        if leaves && !matches!(number, 9 | 11 | 12) {
            return;
        }
        self.make_transition(number);
    }

    fn make_transition(&mut self, number: u8) {
        use PowerState::{OperationEnabled, ReadyToSwitchOn, SwitchOnDisabled, SwitchedOn};
        match number {
            2 if self.sto => {}
            3 if !self.has_mains => {}
            2 | 6 => self.set_state(ReadyToSwitchOn),
            3 => self.set_state(SwitchedOn),
            4 => self.enable_operation(),
            5 => self.stop(self.parameters.disable_operation, Then::Off(SwitchedOn)),
            8 => self.stop(self.parameters.shutdown, Then::Off(ReadyToSwitchOn)),
            7 | 9 | 10 | 12 => {
                self.torque_off();
                self.set_state(SwitchOnDisabled);
            }
            11 => self.quick_stop(),
            16 => {
                self.set_state(OperationEnabled);
                self.follow();
            }
            _ => {}
        }
    }

    /// Transition 11. With option code 0 the drive coasts, and quick stop active is over at once.
    pub(super) fn quick_stop(&mut self) {
        let stays = self.parameters.quick_stop_stays;
        self.set_state(PowerState::QuickStopActive);
        let then = if stays { Then::Hold } else { Then::Off(PowerState::SwitchOnDisabled) };
        self.stop(self.parameters.quick_stop, then);
    }

    /// Transition 4.
    fn enable_operation(&mut self) {
        self.cascade.reset();
        self.watch.start();
        self.set_state(PowerState::OperationEnabled);
        self.ramp = Ramp::at(self.seen().position);
        if self.has_brake() {
            self.motion = Motion::Opening;
        } else {
            self.follow();
        }
    }

    /// Come to rest, then go on. The ramp begins where the motor is: the demand may be far away, that is often why.
    pub(super) fn stop(&mut self, how: Stop, then: Then) {
        self.homing.interrupt();
        if how == Stop::Coast {
            return self.finish_coasting(then);
        }
        let seen = self.seen();
        self.ramp = Ramp { position: seen.position, velocity: seen.velocity };
        self.motion = Motion::Stopping { how, then, rest_ns: None };
    }

    fn finish_coasting(&mut self, then: Then) {
        self.torque_off();
        match then {
            Then::Off(next) => self.set_state(next),
            Then::Hold => self.set_state(PowerState::SwitchOnDisabled),
        }
    }

    /// A stop under way: is it over?
    pub(super) fn run_stop(&mut self, how: Stop, then: Then, rest_ns: Option<u64>) {
        let by_ramp = self.parameters.deceleration(how).is_some();
        let demand_rests = !by_ramp || self.ramp.velocity == 0.0;
        let rest_ns = rest_ns.or(demand_rests.then_some(self.now_ns));
        self.motion = Motion::Stopping { how, then, rest_ns };
        let Some(since_ns) = rest_ns else { return };
        let rests = self.rotor.velocity.abs() < REST;
        if !rests && self.now_ns.saturating_sub(since_ns) < PATIENCE_NS {
            return;
        }
        if !by_ramp {
            self.ramp = Ramp::at(self.seen().position);
        }
        match then {
            Then::Hold => self.motion = Motion::Hold,
            Then::Off(next) if self.has_brake() => self.motion = Motion::Closing { next },
            Then::Off(next) => {
                self.torque_off();
                self.set_state(next);
            }
        }
    }

    /// The brake is closing: has it?
    pub(super) fn run_closing(&mut self, next: PowerState) {
        if !self.brake.is_released && !self.brake.is_open {
            self.torque_off();
            self.set_state(next);
        }
    }

    /// Halt, bit 8: stop and stay in operation enabled, as long as it is set.
    pub(super) fn run_halt(&mut self) {
        let halt = self.commands.controlword & controlword::HALT != 0;
        let how = match self.parameters.halt {
            Stop::Coast => Stop::SlowDown,
            how => how,
        };
        match self.motion {
            Motion::Follow if halt => self.stop(how, Then::Hold),
            Motion::Hold | Motion::Stopping { then: Then::Hold, .. } if !halt => self.follow(),
            _ => {}
        }
    }

    pub(super) fn torque_off(&mut self) {
        self.motion = Motion::Off;
        self.effort = super::Effort::default();
        self.demand = None;
        self.homing.interrupt();
    }

    pub(super) fn set_state(&mut self, state: PowerState) {
        self.state = state;
    }
}
