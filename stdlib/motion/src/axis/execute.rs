//! Commands: what they need, and what they begin.

use super::state::{Motion, StopCommand};
use super::{
    Axis, AxisCommand, AxisError, Commanded, Direction, DriveMode, Ended, Homing, Outcome, StopCategory,
};
use crate::profile::Goal;

/// Largest distance from the origin, in counts: beyond, an `f64` does not tell counts apart.
const COUNTS_MAX: f64 = 4.5e15;

impl Axis {
    pub(super) fn execute(&mut self, commanded: Commanded) {
        let Commanded { id, command } = commanded;
        if id <= self.state.facts.seen {
            return;
        }
        self.state.facts.seen = id;
        let begun = match command {
            AxisCommand::Power(on) => self.power(id, on),
            AxisCommand::Reset => self.reset(id),
            AxisCommand::Home => self.home(id),
            AxisCommand::MoveAbsolute { position, velocity, direction } => {
                self.move_absolute(id, position, velocity, direction)
            }
            AxisCommand::MoveRelative { distance, velocity } => self.move_relative(id, distance, velocity),
            AxisCommand::MoveVelocity { velocity } => self.move_velocity(id, velocity),
            AxisCommand::Torque { torque, ramp } => self.torque(id, torque, ramp),
            AxisCommand::Halt => self.halt(id),
            AxisCommand::Stop => self.stop(id),
            AxisCommand::ReleaseStop => self.release_stop(id),
        };
        if let Err(error) = begun {
            self.ended(id, Outcome::Error(error));
        }
    }

    /// A command that is over.
    pub(super) fn ended(&mut self, id: u64, outcome: Outcome) {
        if id == 0 {
            return;
        }
        let facts = &mut self.state.facts;
        match outcome {
            Outcome::Done => facts.done = id,
            Outcome::CommandAborted => facts.aborted = id,
            Outcome::Error(error) => (facts.failed, facts.failed_error) = (id, Some(error)),
            Outcome::Pending | Outcome::Busy => return,
        }
        facts.recent.rotate_right(1);
        if let Some(newest) = facts.recent.first_mut() {
            *newest = Ended { id, outcome };
        }
    }

    /// The motion command in execution is over; the set-point comes to rest or goes elsewhere.
    pub(super) fn end_active(&mut self, outcome: Outcome) {
        let active = std::mem::take(&mut self.state.facts.active);
        self.ended(active, outcome);
        match self.state.motion {
            Motion::HomingEnter | Motion::HomingRun => self.set_motion(Motion::HomingAbort),
            Motion::HomingLeave | Motion::HomingAbort => {}
            Motion::Idle | Motion::Discrete | Motion::Continuous => self.set_motion(Motion::Idle),
        }
    }

    /// The power command in execution is over.
    pub(super) fn end_powering(&mut self, outcome: Outcome) {
        let powering = std::mem::take(&mut self.state.facts.powering);
        self.ended(powering, outcome);
    }

    fn power(&mut self, id: u64, on: bool) -> Result<(), AxisError> {
        if on {
            self.may_be_powered()?;
        }
        self.end_powering(Outcome::CommandAborted);
        (self.state.facts.powering, self.state.powering_on) = (id, on);
        if on {
            if !self.state.power_requested {
                self.state.mode_since_ns = self.state.now_ns;
            }
            (self.state.power_requested, self.state.coast) = (true, false);
        } else {
            self.state.power_off.get_or_insert(StopCategory::Category1);
            self.end_active(Outcome::CommandAborted);
        }
        Ok(())
    }

    fn may_be_powered(&self) -> Result<(), AxisError> {
        if self.state.facts.error.is_some() {
            Err(AxisError::InErrorStop)
        } else if !self.state.enabled {
            Err(AxisError::NotEnabled)
        } else if self.state.stop_runtime.is_some() || self.state.power_off.is_some() {
            Err(AxisError::Stopping)
        } else if self.is_lost() {
            Err(AxisError::DriveLost)
        } else {
            Ok(())
        }
    }

    fn reset(&mut self, id: u64) -> Result<(), AxisError> {
        let resetting = std::mem::replace(&mut self.state.facts.resetting, id);
        self.ended(resetting, Outcome::CommandAborted);
        self.state.reset_since_ns = self.state.now_ns;
        Ok(())
    }

    /// Powered, and neither stopping nor in error.
    fn may_move(&self) -> Result<(), AxisError> {
        let facts = &self.state.facts;
        if facts.error.is_some() {
            Err(AxisError::InErrorStop)
        } else if self.stop_category().is_some() {
            Err(AxisError::Stopping)
        } else if !facts.powered {
            Err(AxisError::NotPowered)
        } else if self.state.motion.is_homing() {
            Err(AxisError::NotStandstill)
        } else {
            Ok(())
        }
    }

    fn may_move_to(&self, mode: bool, velocity: f64) -> Result<(), AxisError> {
        self.may_move()?;
        if !mode {
            Err(AxisError::WrongDriveMode)
        } else if !velocity.is_finite() || velocity <= 0.0 {
            Err(AxisError::BadArgument)
        } else {
            Ok(())
        }
    }

    fn positions(&self) -> bool {
        self.settings.drive_mode != DriveMode::Cst
    }

    fn home(&mut self, id: u64) -> Result<(), AxisError> {
        if self.state.facts.error.is_some() {
            return Err(AxisError::InErrorStop);
        }
        if self.stop_category().is_some() {
            return Err(AxisError::Stopping);
        }
        if self.is_lost() {
            return Err(AxisError::DriveLost);
        }
        if self.state.motion != Motion::Idle {
            return Err(AxisError::NotStandstill);
        }
        match self.settings.homing {
            Homing::Absolute { .. } => self.ended(id, Outcome::Done),
            Homing::CurrentPosition { position } => {
                self.call_set_point(position);
                self.state.facts.homed = true;
                self.ended(id, Outcome::Done);
            }
            Homing::Drive { .. } => {
                if !self.state.facts.powered {
                    return Err(AxisError::NotPowered);
                }
                self.state.facts.homed = false;
                self.state.facts.active = id;
                self.set_motion(Motion::HomingEnter);
            }
        }
        Ok(())
    }

    /// From now on the set-point is called `position`; on the wire nothing changes.
    fn call_set_point(&mut self, position: f64) {
        let counts_per_unit = self.settings.counts_per_unit;
        let set = self.state.generator.current().position;
        let counts = self.state.scale.counts_at(set, counts_per_unit);
        let moved = position - set;
        self.state.scale.refer(counts, position);
        self.state.generator.reset(position);
        self.state.previous += moved;
        self.state.position = self.state.scale.position(counts_per_unit);
    }

    fn move_absolute(
        &mut self,
        id: u64,
        position: f64,
        velocity: f64,
        direction: Direction,
    ) -> Result<(), AxisError> {
        self.may_move_to(self.positions(), velocity)?;
        if !self.state.facts.homed {
            return Err(AxisError::NotHomed);
        }
        let target = match self.settings.modulo {
            Some(turn) => {
                let stop = self.state.generator.stopping_position();
                modulo_target(position, stop, turn, direction)
            }
            None => position,
        };
        self.go(id, target, velocity)
    }

    fn move_relative(&mut self, id: u64, distance: f64, velocity: f64) -> Result<(), AxisError> {
        self.may_move_to(self.positions(), velocity)?;
        self.go(id, self.state.generator.current().position + distance, velocity)
    }

    fn go(&mut self, id: u64, position: f64, velocity: f64) -> Result<(), AxisError> {
        let counts = (position * self.settings.counts_per_unit).abs();
        if counts.is_nan() || counts >= COUNTS_MAX {
            return Err(AxisError::BadArgument);
        }
        if self.bounds().is_some_and(|(least, greatest)| position < least || position > greatest) {
            return Err(AxisError::SoftwareLimit);
        }
        self.may_leave_limit_switch(position - self.state.generator.current().position)?;
        self.begin(id, Motion::Discrete);
        let limits = self.limits;
        self.generator().retarget(Goal::Position { position, velocity }, limits);
        Ok(())
    }

    fn move_velocity(&mut self, id: u64, velocity: f64) -> Result<(), AxisError> {
        self.may_move()?;
        if !self.positions() {
            return Err(AxisError::WrongDriveMode);
        }
        if !velocity.is_finite() {
            return Err(AxisError::BadArgument);
        }
        let position = self.state.generator.current().position;
        let outwards = |(least, greatest): (f64, f64)| {
            velocity > 0.0 && position >= greatest || velocity < 0.0 && position <= least
        };
        if self.bounds().is_some_and(outwards) {
            return Err(AxisError::SoftwareLimit);
        }
        self.may_leave_limit_switch(velocity)?;
        self.begin(id, Motion::Continuous);
        let (limits, bounds) = (self.limits, self.bounds());
        self.generator().set_bounds(bounds);
        self.generator().retarget(Goal::Velocity(velocity), limits);
        Ok(())
    }

    /// Away from an active limit switch, never further into it.
    fn may_leave_limit_switch(&self, direction: f64) -> Result<(), AxisError> {
        let (negative, positive) = self.state.limit_switches;
        if positive && direction > 0.0 {
            Err(AxisError::LimitSwitch { positive: true })
        } else if negative && direction < 0.0 {
            Err(AxisError::LimitSwitch { positive: false })
        } else {
            Ok(())
        }
    }

    /// Software limits, where they are in force.
    fn bounds(&self) -> Option<(f64, f64)> {
        self.settings.software_limits.filter(|_| self.state.facts.homed)
    }

    fn torque(&mut self, id: u64, torque: f64, ramp: f64) -> Result<(), AxisError> {
        self.may_move_to(self.settings.drive_mode == DriveMode::Cst, ramp)?;
        if torque.is_nan() || torque.abs() > self.settings.torque_limit {
            return Err(AxisError::BadArgument);
        }
        self.may_leave_limit_switch(torque)?;
        self.begin(id, Motion::Continuous);
        (self.state.torque_target, self.state.torque_ramp) = (torque, ramp);
        Ok(())
    }

    fn halt(&mut self, id: u64) -> Result<(), AxisError> {
        self.may_move()?;
        self.begin(id, Motion::Discrete);
        self.state.torque_target = 0.0;
        let limits = self.limits;
        self.generator().retarget(Goal::Rest, limits);
        Ok(())
    }

    fn stop(&mut self, id: u64) -> Result<(), AxisError> {
        if self.state.facts.error.is_some() {
            return Err(AxisError::InErrorStop);
        }
        if !self.state.facts.powered {
            return Err(AxisError::NotPowered);
        }
        self.end_active(Outcome::CommandAborted);
        self.state.facts.active = id;
        self.state.stop_command = StopCommand::Held;
        Ok(())
    }

    fn release_stop(&mut self, id: u64) -> Result<(), AxisError> {
        if self.state.stop_command == StopCommand::Held {
            self.state.stop_command = StopCommand::Released;
        }
        self.ended(id, Outcome::Done);
        Ok(())
    }

    fn begin(&mut self, id: u64, motion: Motion) {
        self.end_active(Outcome::CommandAborted);
        self.state.facts.active = id;
        self.set_motion(motion);
    }
}

/// The position that is meant, counted through all turns: from where the axis could stop, the way asked for.
fn modulo_target(position: f64, stop: f64, turn: f64, direction: Direction) -> f64 {
    let ahead = (position - stop).rem_euclid(turn);
    // The target of a motion that is to be repeated is where it stands, up to rounding: no full turn for that.
    let here = turn * 1e-9;
    let way = match direction {
        _ if ahead < here || turn - ahead < here => {
            if ahead < here {
                ahead
            } else {
                ahead - turn
            }
        }
        Direction::Shortest if ahead <= turn / 2.0 => ahead,
        Direction::Positive => ahead,
        Direction::Shortest | Direction::Negative => ahead - turn,
    };
    // The same value for the same turn, whatever the way there.
    let turns = libm::rint((stop + way - position) / turn);
    position + turns * turn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_round() {
        use Direction::{Negative, Positive, Shortest};
        let table = [
            (10.0, 350.0, Shortest, 370.0),
            (350.0, 10.0, Shortest, -10.0),
            (180.0, 0.0, Shortest, 180.0),
            (350.0, 10.0, Positive, 350.0),
            (10.0, 350.0, Negative, 10.0),
            (10.0, 5.0, Negative, -350.0),
            (10.0, 10.0, Negative, 10.0),
            (10.0, 3_610.0 - 1e-9, Positive, 3_610.0),
            (10.0, 3_610.0 + 1e-9, Positive, 3_610.0),
            (370.0, 0.0, Positive, 10.0),
        ];
        for (position, stop, direction, expected) in table {
            assert_eq!(
                modulo_target(position, stop, 360.0, direction),
                expected,
                "{position} {stop} {direction:?}"
            );
        }
    }
}
