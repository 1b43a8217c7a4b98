//! An axis on a small model of a drive.
//!
//! The wire is as long as in a cell: what a step tells the drive arrives with the next exchange, and what is measured
//! there comes to the step after it.

mod commands;
mod drive;
mod homing;
mod laws;
mod modes;
mod saving;
mod stops;

use super::{
    Axis, AxisCommand, AxisError, AxisFacts, AxisRequest, AxisSettings, AxisState, BrakeSettings, Commanded,
    Direction, DriveMode, DriveOutputs, Homing, MotionLimits, Outcome, StopCategory, StopRequest,
};
use drive::Drive;

const INTERVAL_NS: u64 = 1_000_000;

fn settings() -> AxisSettings {
    AxisSettings {
        counts_per_unit: 10_000.0,
        modulo: None,
        limits: MotionLimits {
            velocity: 100.0,
            acceleration: 1_000.0,
            deceleration: 1_000.0,
            jerk: Some(2e4),
        },
        software_limits: Some((-200.0, 300.0)),
        following_window: 0.05,
        following_time_ns: 5_000_000,
        in_position_window: 0.01,
        drive_mode: DriveMode::Csp,
        homing: Homing::CurrentPosition { position: 0.0 },
        stop_category: StopCategory::Category1,
        stop_deceleration: 2_000.0,
        stop_jerk: Some(1e5),
        brake: None,
        velocity_gain: 20.0,
        torque_limit: 100.0,
        lost_after_ns: 3_000_000,
        interval_ns: INTERVAL_NS,
    }
}

/// An axis and its drive.
struct Cell {
    axis: Axis,
    drive: Drive,
    outputs: DriveOutputs,
    request: AxisRequest,
    now_ns: u64,
    next_id: u64,
}

impl Cell {
    fn new(settings: AxisSettings) -> Self {
        Self::with_drive(settings, Drive::new(settings))
    }

    fn with_drive(settings: AxisSettings, drive: Drive) -> Self {
        let axis = Axis::new(settings).expect("good settings");
        let request = AxisRequest::default();
        Self { axis, drive, outputs: DriveOutputs::default(), request, now_ns: 0, next_id: 1 }
    }

    /// Powered and homed.
    fn ready(settings: AxisSettings) -> Self {
        let mut cell = Self::new(settings);
        cell.run(5);
        cell.done(AxisCommand::Power(true));
        if !cell.facts().homed {
            cell.done(AxisCommand::Home);
        }
        assert_eq!(cell.facts().state, AxisState::Standstill);
        cell
    }

    fn facts(&self) -> &AxisFacts {
        self.axis.facts()
    }

    fn step(&mut self, commands: &[Commanded]) {
        let inputs = self.drive.exchange(self.outputs);
        self.now_ns += INTERVAL_NS;
        assert!(self.now_ns < 1_000_000_000_000, "the test never ends: {:?}", self.facts());
        self.outputs = self.axis.step(&inputs, commands, self.request, self.now_ns);
    }

    fn run(&mut self, intervals: usize) {
        for _ in 0..intervals {
            self.step(&[]);
        }
    }

    /// Gives a command, in one step.
    fn give(&mut self, command: AxisCommand) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.step(&[Commanded { id, command }]);
        id
    }

    /// Until the command has ended.
    fn end(&mut self, id: u64) -> Outcome {
        for _ in 0..20_000 {
            let outcome = self.facts().outcome(id);
            if outcome != Outcome::Busy {
                return outcome;
            }
            self.step(&[]);
        }
        panic!("command {id} never ends: {:?}", self.facts());
    }

    fn done(&mut self, command: AxisCommand) {
        let id = self.give(command);
        assert_eq!(self.end(id), Outcome::Done, "{command:?}: {:?}", self.facts());
    }

    fn refused(&mut self, command: AxisCommand) -> AxisError {
        let id = self.give(command);
        match self.facts().outcome(id) {
            Outcome::Error(error) => error,
            other => panic!("{command:?} is {other:?}"),
        }
    }

    /// Until the set-point rests; how far it went meanwhile.
    fn run_to_rest(&mut self) -> f64 {
        let from = self.facts().set_position;
        for _ in 0..20_000 {
            if self.facts().set_velocity == 0.0 && self.facts().set_acceleration == 0.0 {
                return self.facts().set_position - from;
            }
            self.step(&[]);
        }
        panic!("never rests: {:?}", self.facts());
    }
}

const fn to(position: f64) -> AxisCommand {
    AxisCommand::MoveAbsolute { position, velocity: 100.0, direction: Direction::Shortest }
}

const fn by(distance: f64) -> AxisCommand {
    AxisCommand::MoveRelative { distance, velocity: 100.0 }
}

const fn jog(velocity: f64) -> AxisCommand {
    AxisCommand::MoveVelocity { velocity }
}
