//! From the commands of the bus to a torque: arrival of set-points, modes of operation, limits.

use super::{
    DEFAULT_PERIOD_NS, Drive, Interpolator, Link, TICK_NS,
    control::{Aim, Effort, Ramp},
    homing::Senses,
    power::{PowerState, controlword},
    sequence::Motion,
};

/// Homing.
pub const HM: i8 = 6;
/// Cyclic synchronous position.
pub const CSP: i8 = 8;
/// Cyclic synchronous velocity.
pub const CSV: i8 = 9;
/// Cyclic synchronous torque.
pub const CST: i8 = 10;

/// Set-points that come less often are taken as if they came this often.
const LONGEST_PERIOD_NS: u64 = 1_000_000_000;

impl Drive {
    /// Take what has come since the last tick.
    pub(super) fn receive(&mut self, link: &Link, outputs: &[u8]) {
        let begins = link.is_operational && !self.link.is_operational;
        let has_come = link.is_operational && (begins || link.arrivals != self.link.arrivals);
        if has_come {
            self.measure_period(link, begins);
            self.commands = self.layout.read(outputs);
            let rising = self.commands.controlword & !self.last_controlword;
            if !begins && rising & controlword::FAULT_RESET != 0 {
                self.fault_reset = true;
            }
            self.last_controlword = self.commands.controlword;
            self.choose_mode();
            self.take_set_point();
        }
        self.has_lost_link = self.link.is_operational && !link.is_operational;
        self.link = *link;
    }

    /// What two intervals in a row agree on is the period, unless 0x60C2 has it.
    fn measure_period(&mut self, link: &Link, begins: bool) {
        if let Some(period_ns) = self.parameters.period_ns {
            self.period_ns = period_ns;
            return;
        }
        if begins {
            (self.period_ns, self.interval_ns) = (DEFAULT_PERIOD_NS, 0);
            return;
        }
        let interval_ns = link.arrival_ns.saturating_sub(self.link.arrival_ns);
        if interval_ns.abs_diff(self.interval_ns) <= interval_ns / 10 {
            let mean_ns = (interval_ns + self.interval_ns) / 2;
            self.period_ns = mean_ns.clamp(TICK_NS, LONGEST_PERIOD_NS);
        }
        self.interval_ns = interval_ns;
    }

    fn choose_mode(&mut self) {
        let wanted = self.commands.mode.unwrap_or(self.parameters.mode);
        let is_supported = matches!(wanted, HM | CSP | CSV | CST);
        if !is_supported || wanted == self.mode {
            return;
        }
        self.mode = wanted;
        self.homing = super::Homing::default();
        if self.motion == Motion::Follow {
            self.follow();
        }
    }

    /// Begin to follow the mode's targets from where the motor is, or where it is held.
    pub(super) fn follow(&mut self) {
        let seen = self.seen();
        let (position, velocity) = match self.demand {
            Some(position) => (position, self.ramp.velocity),
            None => (seen.position, seen.velocity),
        };
        self.motion = Motion::Follow;
        self.ramp = Ramp { position, velocity };
        let units = self.parameters.units;
        let second = if self.mode == CSV { velocity * units } else { 0.0 };
        // One tick ago: this one is about to be counted.
        let user = self.user_position(position - velocity * super::TICK_S);
        self.interpolator = Interpolator::at(user, velocity * units, second, self.period_ns);
    }

    fn take_set_point(&mut self) {
        if self.motion != Motion::Follow || !matches!(self.mode, CSP | CSV) {
            return;
        }
        self.watch.set_point_came();
        let commands = self.commands;
        let (position, second) = if self.mode == CSP {
            (self.unwrapped(commands.target_position), f64::from(commands.velocity_offset))
        } else {
            let velocity = i64::from(commands.target_velocity) + i64::from(commands.velocity_offset);
            (self.interpolator.target(), velocity as f64)
        };
        self.interpolator.take(position, second, self.period_ns);
    }

    /// The 32 bits of a target are the low ones of a position near the last target.
    fn unwrapped(&self, target: i32) -> f64 {
        let last = self.interpolator.target() as i64;
        (last + i64::from(target.wrapping_sub(last as i32))) as f64
    }

    /// One tick of the motor's control.
    pub(super) fn run_motion(&mut self) {
        if self.state == PowerState::OperationEnabled {
            self.run_halt();
        }
        if self.motion == Motion::Opening && self.brake.is_open {
            self.follow();
        }
        match self.motion {
            Motion::Off => self.rest(),
            Motion::Opening | Motion::Hold => self.hold(),
            Motion::Follow => self.run_mode(),
            Motion::Stopping { how, then, rest_ns } => {
                match self.parameters.deceleration(how) {
                    Some(deceleration) => {
                        let aim = self.ramp.approach(0.0, Some(deceleration));
                        self.drive_to(&aim);
                    }
                    None => self.drive_to(&Aim::default()),
                }
                self.run_stop(how, then, rest_ns);
            }
            Motion::Closing { next } => {
                self.hold();
                self.run_closing(next);
            }
        }
    }

    fn rest(&mut self) {
        self.effort = Effort::default();
        self.demand = None;
        self.watch_position(None);
    }

    fn hold(&mut self) {
        let aim = self.ramp.approach(0.0, None);
        self.drive_to(&aim);
    }

    /// Position or velocity control towards an aim.
    fn drive_to(&mut self, aim: &Aim) {
        self.demand = aim.position;
        self.effort = self.cascade.control(aim, &self.seen(), &self.parameters);
    }

    fn run_mode(&mut self) {
        if matches!(self.mode, CSP | CSV) && self.interpolator.advance(super::TICK_S) {
            self.watch.set_point_missed();
        }
        match self.mode {
            CSP => self.follow_position(),
            CSV => self.follow_velocity(),
            CST => self.follow_torque(),
            HM => self.run_homing(),
            _ => self.hold(),
        }
    }

    fn torque_offset(&self) -> f64 {
        f64::from(self.commands.torque_offset) * self.parameters.torque_unit
    }

    fn follow_position(&mut self) {
        let demand = self.interpolator.demand();
        let units = self.parameters.units;
        let (low, high) = self.parameters.software_limits.unwrap_or((f64::MIN, f64::MAX));
        let user = demand.position.clamp(low, high);
        let is_clamped = user != demand.position;
        let forward = if self.commands.velocity_offset != 0 {
            demand.second
        } else {
            demand.velocity * self.parameters.loops.velocity_feed_forward
        };
        let (velocity, acceleration) =
            if is_clamped { (0.0, 0.0) } else { (forward / units, demand.acceleration / units) };
        let position = Some(self.revolutions(user));
        self.ramp = Ramp { position: self.revolutions(user), velocity: demand.velocity / units };
        let torque = self.torque_offset();
        self.drive_to(&Aim { position, velocity, acceleration, torque });
        self.effort.is_limited |= is_clamped;
        let target = self.interpolator.target();
        self.watch_position(Some(target));
    }

    fn follow_velocity(&mut self) {
        let demand = self.interpolator.demand();
        let units = self.parameters.units;
        let velocity = demand.second / units;
        let aim = Aim {
            position: None,
            velocity,
            acceleration: demand.second_slope / units,
            torque: self.torque_offset(),
        };
        self.ramp = Ramp { position: self.seen().position, velocity };
        self.drive_to(&aim);
        self.watch_position(None);
    }

    fn follow_torque(&mut self) {
        let target = f64::from(self.commands.target_torque) * self.parameters.torque_unit;
        let torque = target + self.torque_offset();
        let seen = self.seen();
        self.ramp = Ramp { position: seen.position, velocity: seen.velocity };
        self.demand = None;
        self.effort = self.cascade.direct(torque, &seen, &self.parameters);
        self.watch_position(None);
    }

    fn run_homing(&mut self) {
        let wanted = self.commands.controlword & controlword::HOMING_START != 0;
        if wanted && !self.homing.is_requested {
            let (method, speeds) = (self.parameters.homing_method, self.parameters.homing_speeds);
            if self.homing.start(method, speeds) {
                self.set_home(self.seen().position);
            }
        } else if !wanted {
            self.homing.interrupt();
        }
        self.homing.is_requested = wanted;
        let senses = Senses {
            switches: self.switches,
            position: self.seen().position,
            index: self.passed_index(),
            is_at_rest: self.ramp.velocity == 0.0 && self.rotor.velocity.abs() < super::sequence::REST,
        };
        if let Some(home) = self.homing.step(&senses) {
            self.set_home(home);
        }
        let acceleration = self.parameters.homing_acceleration;
        let aim = self.ramp.approach(self.homing.velocity(), (acceleration > 0.0).then_some(acceleration));
        self.drive_to(&aim);
        self.watch_position(None);
    }

    /// From now on the encoder position `home` reads as the home offset.
    fn set_home(&mut self, home: f64) {
        let counted = (home * self.parameters.units).round() as i64;
        self.zero = i64::from(self.parameters.home_offset).saturating_sub(counted);
        self.is_referenced = true;
    }

    /// The encoder position of the index pulse, if it was passed since the last tick.
    fn passed_index(&mut self) -> Option<f64> {
        let index = self.parameters.motor.index;
        let count = (self.rotor.position - index).floor();
        let before = std::mem::replace(&mut self.index_count, count);
        let moved = count - before;
        let true_position = count.max(before) + index;
        let offset = self.count_offset as f64 / self.parameters.resolution;
        (moved.abs() == 1.0).then_some(true_position + offset)
    }
}
