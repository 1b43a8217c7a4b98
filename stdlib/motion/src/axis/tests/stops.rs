//! Everything that brings an axis to rest against its will.

use super::*;
use crate::cia402::Cia402;
use crate::profile::{Limits, Plan, Setpoint};

/// Distance of the stop ramp from full speed.
fn ramp(settings: AxisSettings) -> f64 {
    let limits = Limits {
        velocity: settings.limits.velocity,
        acceleration: settings.limits.acceleration,
        deceleration: settings.stop_deceleration,
        jerk: settings.stop_jerk.unwrap_or(f64::INFINITY),
    };
    let from = Setpoint { velocity: settings.limits.velocity, ..Setpoint::default() };
    Plan::to_velocity(from, 0.0, &limits).end().position
}

/// At full speed in the middle of a move.
fn moving(settings: AxisSettings) -> (Cell, u64) {
    let mut cell = Cell::ready(settings);
    let id = cell.give(to(250.0));
    cell.run(800);
    assert_eq!((cell.facts().set_velocity, cell.facts().error), (100.0, None));
    (cell, id)
}

#[test]
fn the_runtimes_stop_follows_its_category() {
    for (stop, powered) in [
        (StopRequest::Configured, false),
        (StopRequest::Category(StopCategory::Category1), false),
        (StopRequest::Category(StopCategory::Category2), true),
    ] {
        let (mut cell, id) = moving(settings());
        cell.request.stop = Some(stop);
        let from = cell.facts().set_position;
        let mut worst = 0.0f64;
        cell.run(1);
        assert_eq!(
            (cell.facts().state, cell.facts().outcome(id)),
            (AxisState::Stopping, Outcome::CommandAborted)
        );
        while cell.facts().set_velocity != 0.0 {
            assert!(cell.facts().powered);
            worst = worst.max(cell.facts().following_error.abs());
            assert_eq!(cell.refused(by(1.0)), AxisError::Stopping);
        }
        let travelled = cell.facts().set_position - from;
        assert!((travelled - ramp(settings())).abs() < 1e-9, "{stop:?}: {travelled}");
        assert!(worst < 1e-3, "an ideal drive has no following error: {worst}");
        cell.run(100);
        let facts = *cell.facts();
        assert_eq!((facts.error, facts.powered), (None, powered), "{stop:?}");
        let state = if powered { AxisState::Stopping } else { AxisState::Disabled };
        assert_eq!(facts.state, state, "{stop:?}");
        assert_eq!(cell.refused(AxisCommand::Power(true)), AxisError::Stopping);
        // Power comes back only when it is asked for.
        cell.request.stop = None;
        cell.run(100);
        let state = if powered { AxisState::Standstill } else { AxisState::Disabled };
        assert_eq!(cell.facts().state, state, "{stop:?}");
        cell.done(AxisCommand::Power(true));
        cell.done(to(0.0));
    }
}

#[test]
fn category_0_drops_power_at_once() {
    let (mut cell, id) = moving(settings());
    cell.request.stop = Some(StopRequest::Category(StopCategory::Category0));
    cell.run(1);
    assert_eq!(cell.outputs.controlword & 0x02, 0, "disable voltage");
    assert!(!cell.outputs.brake);
    assert_eq!(cell.facts().outcome(id), Outcome::CommandAborted);
    cell.run(5);
    assert_eq!((cell.drive.state, cell.facts().state), (Cia402::SwitchOnDisabled, AxisState::Disabled));
    assert_eq!(cell.facts().error, None);
}

#[test]
fn a_stop_that_is_withdrawn_still_comes_to_rest() {
    let (mut cell, _) = moving(settings());
    cell.request.stop = Some(StopRequest::Category(StopCategory::Category2));
    cell.run(1);
    cell.request.stop = None;
    assert_eq!(cell.refused(to(0.0)), AxisError::Stopping);
    cell.run_to_rest();
    cell.run(5);
    assert_eq!(cell.facts().state, AxisState::Standstill);
}

#[test]
fn a_more_urgent_stop_takes_over() {
    let (mut cell, _) = moving(settings());
    cell.request.stop = Some(StopRequest::Category(StopCategory::Category2));
    cell.run(10);
    cell.request.stop = Some(StopRequest::Category(StopCategory::Category0));
    cell.run(1);
    assert_eq!(cell.outputs.controlword & 0x02, 0);
}

#[test]
fn power_that_is_not_allowed_any_more_ends_on_the_ramp() {
    let (mut cell, id) = moving(settings());
    cell.request.enable = false;
    cell.run(1);
    assert_eq!(
        (cell.facts().outcome(id), cell.facts().state),
        (Outcome::CommandAborted, AxisState::Stopping)
    );
    let from = cell.facts().set_position;
    cell.run_to_rest();
    assert!(cell.facts().set_position > from);
    cell.run(20);
    assert_eq!((cell.facts().state, cell.drive.state), (AxisState::Disabled, Cia402::SwitchOnDisabled));
    cell.request.enable = true;
    cell.run(20);
    assert_eq!(cell.facts().state, AxisState::Disabled, "power comes back only when it is asked for");
    cell.done(AxisCommand::Power(true));
}

#[test]
fn a_lost_drive_is_given_a_ramp_and_taken_back_without_a_jump() {
    let (mut cell, id) = moving(settings());
    // A lost frame or two are tolerated.
    for _ in 0..5 {
        cell.drive.connected = false;
        cell.run(2);
        cell.drive.connected = true;
        cell.run(2);
    }
    assert_eq!((cell.facts().error, cell.facts().outcome(id)), (None, Outcome::Busy));
    cell.drive.connected = false;
    cell.run(3);
    assert_eq!(cell.facts().error, Some(AxisError::DriveLost));
    assert_eq!(
        (cell.facts().outcome(id), cell.facts().state),
        (Outcome::Error(AxisError::DriveLost), AxisState::ErrorStop)
    );
    let travelled = cell.run_to_rest();
    assert!(travelled > 0.0 && travelled <= ramp(settings()) + 0.1, "{travelled}");
    let reset = cell.give(AxisCommand::Reset);
    assert_eq!(cell.end(reset), Outcome::Error(AxisError::DriveLost));
    // Its watchdog switched it off, and somebody moved it meanwhile.
    cell.drive.state = Cia402::SwitchOnDisabled;
    cell.drive.position += 123_456.0;
    cell.drive.connected = true;
    cell.run(3);
    assert_eq!(cell.outputs.target_position, cell.drive.position as i32);
    assert!(!cell.facts().homed, "it may have been restarted");
    cell.done(AxisCommand::Reset);
    assert_eq!(cell.facts().state, AxisState::Disabled);
    let at = cell.drive.position;
    cell.done(AxisCommand::Power(true));
    assert_eq!(cell.drive.position, at);
    assert_eq!(cell.drive.enabled_at, Some((at as i32, at as i32)));
}

#[test]
fn an_axis_without_power_may_be_moved_by_hand() {
    let mut cell = Cell::ready(AxisSettings { lost_after_ns: 0, ..settings() });
    cell.done(AxisCommand::Power(false));
    for _ in 0..10 {
        cell.drive.position += 5_000.0;
        cell.run(1);
    }
    cell.run(1);
    assert_eq!((cell.facts().homed, cell.facts().position), (true, 5.0));
    cell.drive.connected = false;
    cell.run(1);
    cell.drive.connected = true;
    cell.run(2);
    assert_eq!((cell.facts().homed, cell.facts().error), (true, None), "nobody needs it");
    let id = cell.give(AxisCommand::Power(true));
    cell.drive.connected = false;
    cell.run(1);
    assert_eq!(cell.facts().outcome(id), Outcome::Error(AxisError::DriveLost));
}

#[test]
fn a_drive_that_comes_back_enabled_is_disabled_first() {
    let (mut cell, _) = moving(settings());
    cell.drive.connected = false;
    cell.run(1_000);
    cell.drive.connected = true;
    cell.run(10);
    assert!(cell.facts().homed, "it stands where it could be");
    assert_eq!(cell.drive.state, Cia402::SwitchOnDisabled);
    assert_eq!(cell.facts().error, Some(AxisError::DriveLost), "the first error stays");
    cell.done(AxisCommand::Reset);
}

#[test]
fn a_drive_fault_shows_its_code_and_is_reset() {
    let (mut cell, id) = moving(settings());
    cell.drive.fault(0x7305);
    cell.drive.fault_persists = true;
    cell.run(2);
    let error = AxisError::DriveFault { code: 0x7305 };
    assert_eq!((cell.facts().error, cell.facts().outcome(id)), (Some(error), Outcome::Error(error)));
    let reset = cell.give(AxisCommand::Reset);
    assert_eq!(cell.end(reset), Outcome::Error(error), "the cause is still there");
    cell.drive.fault_persists = false;
    cell.done(AxisCommand::Reset);
    assert_eq!((cell.facts().state, cell.facts().error), (AxisState::Disabled, None));
    cell.run(50);
    assert_eq!(cell.drive.state, Cia402::SwitchOnDisabled, "no power by a reset alone");
    cell.done(AxisCommand::Power(true));
    cell.done(to(0.0));
}

#[test]
fn sto_is_told_from_a_fault() {
    let (mut cell, id) = moving(settings());
    cell.drive.state = Cia402::SwitchOnDisabled;
    cell.run(2);
    assert_eq!(
        (cell.facts().error, cell.facts().outcome(id)),
        (Some(AxisError::Sto), Outcome::Error(AxisError::Sto))
    );
    cell.done(AxisCommand::Reset);
    cell.done(AxisCommand::Power(true));
}

#[test]
fn a_jammed_axis_has_a_following_error_after_its_time() {
    for (category, powered) in
        [(StopCategory::Category0, false), (StopCategory::Category1, false), (StopCategory::Category2, true)]
    {
        let (mut cell, id) = moving(AxisSettings { stop_category: category, ..settings() });
        cell.drive.jammed = true;
        let mut beyond = 0;
        while cell.facts().error.is_none() {
            cell.run(1);
            beyond += u32::from(cell.facts().following_error.abs() > 0.05);
        }
        // The first of them starts the time.
        assert_eq!(beyond, 6);
        assert_eq!(cell.facts().outcome(id), Outcome::Error(AxisError::FollowingError));
        cell.run(2_000);
        assert_eq!(cell.drive.state == Cia402::OperationEnabled, powered, "{category:?}");
        cell.drive.jammed = false;
        cell.run(100);
        cell.done(AxisCommand::Reset);
        let state = if powered { AxisState::Standstill } else { AxisState::Disabled };
        assert_eq!(cell.facts().state, state);
    }
}

#[test]
fn a_limit_switch_stops_and_lets_back() {
    let (mut cell, id) = moving(AxisSettings { stop_category: StopCategory::Category2, ..settings() });
    cell.drive.digital_inputs = 1;
    cell.run(5);
    assert_eq!(cell.facts().error, None, "the other end's switch does not matter");
    cell.drive.digital_inputs = 2;
    cell.run(2);
    let error = AxisError::LimitSwitch { positive: true };
    assert_eq!((cell.facts().error, cell.facts().outcome(id)), (Some(error), Outcome::Error(error)));
    cell.run_to_rest();
    cell.done(AxisCommand::Reset);
    assert_eq!(cell.refused(by(1.0)), error);
    assert_eq!(cell.refused(jog(1.0)), error);
    cell.done(by(-10.0));
    // A drive that counts the other way has its ends the other way round.
    let mut cell = Cell::ready(AxisSettings { counts_per_unit: -10_000.0, ..settings() });
    cell.drive.digital_inputs = 2;
    cell.run(3);
    assert_eq!(cell.refused(by(-1.0)), AxisError::LimitSwitch { positive: false });
    let before = cell.drive.position;
    cell.done(by(1.0));
    assert_eq!(cell.drive.position - before, -10_000.0);
}

#[test]
fn a_drive_that_does_not_answer_is_an_error() {
    let mut cell = Cell::new(settings());
    cell.drive.state = Cia402::NotReadyToSwitchOn;
    cell.run(3);
    let id = cell.give(AxisCommand::Power(true));
    assert_eq!(cell.end(id), Outcome::Error(AxisError::DriveTimeout));
    assert_eq!(cell.facts().state, AxisState::ErrorStop);
}

#[test]
fn a_drive_that_leaves_operation_with_power_is_told_from_sto() {
    for state in [Cia402::QuickStopActive, Cia402::SwitchedOn, Cia402::ReadyToSwitchOn] {
        let (mut cell, id) = moving(settings());
        cell.drive.state = state;
        cell.run(2);
        assert_eq!(cell.facts().error, Some(AxisError::DriveDropped), "{state:?}");
        assert_eq!(cell.facts().outcome(id), Outcome::Error(AxisError::DriveDropped));
        cell.run(50);
        assert!(!cell.facts().powered);
    }
}

#[test]
fn a_drive_that_does_not_take_its_mode_is_not_enabled() {
    let mut cell = Cell::new(settings());
    (cell.drive.mode, cell.drive.mode_stuck) = (1, true);
    cell.run(3);
    let id = cell.give(AxisCommand::Power(true));
    assert_eq!(cell.end(id), Outcome::Error(AxisError::ModeNotTaken));
    assert!(cell.drive.enabled_at.is_none() && !cell.facts().powered);
    cell.drive.mode_stuck = false;
    // The drive is on its way down.
    cell.run(10);
    cell.done(AxisCommand::Reset);
    cell.done(AxisCommand::Power(true));
}

/// A drive that works its brake by itself is in operation before it follows: nothing may move until it does.
#[test]
fn an_axis_waits_for_a_drive_that_opens_its_brake_by_itself() {
    let mut cell = Cell::ready(settings());
    cell.done(AxisCommand::Power(false));
    cell.run(20);
    cell.drive.braked = true;
    let power = cell.give(AxisCommand::Power(true));
    cell.run(300);
    assert_eq!(cell.drive.state, crate::Cia402::OperationEnabled);
    assert!(!cell.facts().powered && cell.facts().outcome(power) == Outcome::Busy);
    assert_eq!(cell.refused(AxisCommand::Halt), AxisError::NotPowered);
    cell.drive.braked = false;
    assert_eq!(cell.end(power), Outcome::Done);
    cell.done(AxisCommand::MoveAbsolute { position: 20.0, velocity: 50.0, direction: Direction::default() });
}

#[test]
fn a_drive_that_never_follows_is_an_error() {
    let mut cell = Cell::ready(settings());
    cell.done(AxisCommand::Power(false));
    cell.run(20);
    cell.drive.braked = true;
    let power = cell.give(AxisCommand::Power(true));
    cell.run(5_100);
    assert_eq!(cell.facts().error, Some(AxisError::DriveTimeout));
    assert_eq!(cell.facts().outcome(power), Outcome::Error(AxisError::DriveTimeout));
}
