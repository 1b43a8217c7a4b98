//! Power and motion commands, as PLCopen has them.

use super::*;

#[test]
fn power_comes_with_the_target_where_the_drive_is() {
    let mut cell = Cell::new(settings());
    cell.run(3);
    assert_eq!(cell.facts().state, AxisState::Disabled);
    cell.drive.position = -987_654.0;
    let id = cell.give(AxisCommand::Power(true));
    assert_eq!((cell.facts().outcome(id), cell.facts().powering), (Outcome::Busy, id));
    assert_eq!(cell.end(id), Outcome::Done);
    assert_eq!(cell.drive.enabled_at, Some((-987_654, -987_654)));
    assert_eq!((cell.facts().state, cell.facts().powered), (AxisState::Standstill, true));
    cell.run(100);
    assert_eq!(cell.drive.position, -987_654.0);
    cell.done(AxisCommand::Power(false));
    assert_eq!((cell.facts().state, cell.facts().powered), (AxisState::Disabled, false));
}

#[test]
fn the_brake_opens_under_power_and_closes_before_it_goes() {
    let brake = BrakeSettings { release_ns: 30_000_000, apply_ns: 50_000_000 };
    let mut cell = Cell::new(AxisSettings { brake: Some(brake), ..settings() });
    cell.run(3);
    let id = cell.give(AxisCommand::Power(true));
    let mut opened = None;
    while cell.facts().outcome(id) == Outcome::Busy {
        let operating = cell.drive.state == crate::cia402::Cia402::OperationEnabled;
        assert!(operating || !cell.outputs.brake);
        if cell.outputs.brake {
            opened.get_or_insert(cell.now_ns);
        }
        assert_eq!(cell.refused(by(1.0)), AxisError::NotPowered);
    }
    assert_eq!(cell.now_ns - opened.expect("open"), 30_000_000);
    cell.done(by(1.0));
    let id = cell.give(by(100.0));
    cell.run(200);
    let off = cell.give(AxisCommand::Power(false));
    assert_eq!(cell.facts().outcome(id), Outcome::CommandAborted);
    while cell.outputs.brake {
        assert_eq!(cell.facts().state, AxisState::Stopping);
        cell.run(1);
    }
    assert_eq!(cell.facts().set_velocity, 0.0, "closes at rest");
    assert!((cell.facts().position - cell.facts().set_position).abs() <= 0.01);
    let closed_ns = cell.now_ns;
    while cell.drive.state == crate::cia402::Cia402::OperationEnabled {
        cell.run(1);
    }
    assert!(cell.now_ns - closed_ns >= 50_000_000);
    assert_eq!(cell.end(off), Outcome::Done);
}

#[test]
fn a_move_is_busy_then_done_at_its_target() {
    let mut cell = Cell::ready(settings());
    let id = cell.give(to(50.0));
    assert_eq!((cell.facts().outcome(id), cell.facts().active), (Outcome::Busy, id));
    assert_eq!(cell.facts().state, AxisState::DiscreteMotion);
    assert_eq!(cell.end(id), Outcome::Done);
    let facts = *cell.facts();
    assert_eq!((facts.state, facts.active, facts.done), (AxisState::Standstill, 0, id));
    assert_eq!((facts.set_position, facts.position), (50.0, 50.0));
    assert!(facts.in_position && facts.error.is_none());
    // Homed at 123456 counts.
    assert_eq!(cell.drive.position, 123_456.0 + 500_000.0);
    cell.done(by(-20.0));
    assert_eq!(cell.facts().position, 30.0);
    cell.done(to(30.0));
}

#[test]
fn the_next_command_takes_over_where_the_set_point_is() {
    let mut cell = Cell::ready(settings());
    let first = cell.give(to(200.0));
    cell.run(500);
    let before = *cell.facts();
    assert_eq!(before.set_velocity, 100.0);
    let second = cell.give(to(250.0));
    assert_eq!(cell.facts().set_velocity, 100.0, "no stop in between");
    assert_eq!(cell.facts().outcome(first), Outcome::CommandAborted);
    assert_eq!(cell.end(second), Outcome::Done);
    // Of two in one interval the first never moves anything.
    let ids = [cell.next_id, cell.next_id + 1];
    cell.next_id += 2;
    let commands = [(ids[0], to(-100.0)), (ids[1], to(251.0))].map(|(id, command)| Commanded { id, command });
    cell.step(&commands);
    assert_eq!(cell.facts().outcome(ids[0]), Outcome::CommandAborted);
    assert_eq!(cell.end(ids[1]), Outcome::Done);
    // A number that was seen is no new command.
    cell.step(&commands);
    assert_eq!((cell.facts().state, cell.facts().active), (AxisState::Standstill, 0));
}

#[test]
fn a_velocity_is_done_when_reached_and_stays_in_execution() {
    let mut cell = Cell::ready(settings());
    let id = cell.give(jog(-40.0));
    assert_eq!(cell.end(id), Outcome::Done);
    assert_eq!((cell.facts().set_velocity, cell.facts().active), (-40.0, id));
    assert_eq!(cell.facts().state, AxisState::ContinuousMotion);
    let halt = cell.give(AxisCommand::Halt);
    assert_eq!(cell.facts().outcome(id), Outcome::CommandAborted);
    assert_eq!(cell.end(halt), Outcome::Done);
    assert_eq!(cell.facts().state, AxisState::Standstill);
}

#[test]
fn a_velocity_ends_at_the_software_limit() {
    let mut cell = Cell::ready(settings());
    let id = cell.give(jog(80.0));
    let mut furthest = 0.0f64;
    while cell.facts().active == id {
        cell.run(1);
        furthest = furthest.max(cell.facts().set_position);
    }
    assert_eq!((furthest, cell.facts().set_position), (300.0, 300.0));
    assert_eq!(cell.facts().outcome(id), Outcome::Error(AxisError::SoftwareLimit));
    assert_eq!((cell.facts().state, cell.facts().error), (AxisState::Standstill, None));
    assert_eq!(cell.refused(jog(1.0)), AxisError::SoftwareLimit);
    assert_eq!(cell.refused(by(0.001)), AxisError::SoftwareLimit);
    assert_eq!(cell.refused(to(-200.5)), AxisError::SoftwareLimit);
    cell.done(to(299.0));
}

#[test]
fn commands_are_refused_with_their_reason() {
    let mut cell = Cell::new(settings());
    assert_eq!(cell.refused(AxisCommand::Stop), AxisError::NotPowered);
    cell.run(3);
    assert_eq!(cell.refused(by(1.0)), AxisError::NotPowered);
    assert_eq!(cell.refused(AxisCommand::Halt), AxisError::NotPowered);
    cell.request.enable = false;
    assert_eq!(cell.refused(AxisCommand::Power(true)), AxisError::NotEnabled);
    cell.request.enable = true;
    cell.done(AxisCommand::Power(true));
    assert_eq!(cell.refused(to(1.0)), AxisError::NotHomed);
    cell.done(by(1.0));
    cell.done(AxisCommand::Home);
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(cell.refused(to(number)), AxisError::BadArgument);
        assert_eq!(cell.refused(by(number)), AxisError::BadArgument);
        assert_eq!(cell.refused(jog(number)), AxisError::BadArgument);
    }
    for velocity in [0.0, -1.0, f64::NAN] {
        assert_eq!(
            cell.refused(AxisCommand::MoveRelative { distance: 1.0, velocity }),
            AxisError::BadArgument
        );
    }
    assert_eq!(cell.refused(AxisCommand::Torque { torque: 1.0, ramp: 1.0 }), AxisError::WrongDriveMode);
    cell.give(by(50.0));
    assert_eq!(cell.refused(AxisCommand::Home), AxisError::NotStandstill);
    cell.give(AxisCommand::Stop);
    assert_eq!(cell.refused(by(1.0)), AxisError::Stopping);
    cell.drive.fault(0x7305);
    cell.run(3);
    for command in [by(1.0), AxisCommand::Stop, AxisCommand::Power(true), AxisCommand::Home, jog(1.0)] {
        assert_eq!(cell.refused(command), AxisError::InErrorStop);
    }
    assert_eq!(cell.facts().failed, cell.next_id - 1);
    assert_eq!(cell.facts().failed_error, Some(AxisError::InErrorStop));
}

#[test]
fn a_stop_holds_until_it_is_released() {
    let mut cell = Cell::ready(settings());
    let id = cell.give(jog(100.0));
    cell.end(id);
    let stop = cell.give(AxisCommand::Stop);
    assert_eq!(
        (cell.facts().outcome(id), cell.facts().state),
        (Outcome::CommandAborted, AxisState::Stopping)
    );
    assert_eq!(cell.end(stop), Outcome::Done);
    cell.run(100);
    assert_eq!((cell.facts().state, cell.facts().powered), (AxisState::Stopping, true));
    cell.done(AxisCommand::ReleaseStop);
    cell.run(1);
    assert_eq!(cell.facts().state, AxisState::Standstill);
    // Released too early, it still comes to rest first.
    let id = cell.give(jog(100.0));
    cell.end(id);
    cell.give(AxisCommand::Stop);
    cell.give(AxisCommand::ReleaseStop);
    assert_eq!(cell.facts().state, AxisState::Stopping);
    cell.run_to_rest();
    cell.run(5);
    assert_eq!(cell.facts().state, AxisState::Standstill);
}

#[test]
fn the_override_scales_the_speed_and_holds() {
    let mut cell = Cell::ready(settings());
    let id = cell.give(AxisCommand::MoveAbsolute {
        position: 100.0,
        velocity: 40.0,
        direction: Direction::Shortest,
    });
    cell.run(300);
    assert_eq!(cell.facts().set_velocity, 40.0);
    cell.request.override_factor = 0.0;
    cell.run(400);
    assert_eq!((cell.facts().set_velocity, cell.facts().state), (0.0, AxisState::DiscreteMotion));
    assert_eq!(cell.facts().outcome(id), Outcome::Busy);
    cell.request.override_factor = 1.5;
    cell.run(300);
    assert_eq!(cell.facts().set_velocity, 60.0);
    assert_eq!(cell.end(id), Outcome::Done);
    assert_eq!(cell.facts().set_position, 100.0);
}

#[test]
fn a_modulo_axis_goes_the_way_asked_for() {
    let settings = AxisSettings { modulo: Some(360.0), software_limits: None, ..settings() };
    let mut cell = Cell::ready(settings);
    let turn = |position, direction| AxisCommand::MoveAbsolute { position, velocity: 100.0, direction };
    for (position, direction, travelled) in [
        (350.0, Direction::Shortest, -10.0),
        (20.0, Direction::Positive, 30.0),
        (30.0, Direction::Negative, -350.0),
        (30.0, Direction::Positive, 0.0),
        (750.0, Direction::Shortest, 0.0),
    ] {
        let before = cell.drive.position;
        cell.done(turn(position, direction));
        assert_eq!((cell.drive.position - before) / 10_000.0, travelled, "{position} {direction:?}");
        assert_eq!(cell.facts().position, position % 360.0);
    }
}

#[test]
fn the_drives_counter_may_overflow() {
    let mut drive = Drive::new(settings());
    drive.position = f64::from(i32::MAX) - 50.0;
    let mut cell = Cell::with_drive(AxisSettings { software_limits: None, ..settings() }, drive);
    cell.run(3);
    cell.done(AxisCommand::Power(true));
    cell.done(AxisCommand::Home);
    for _ in 0..3 {
        cell.done(by(100.0));
        cell.done(by(-100.0));
    }
    cell.done(by(100.0));
    assert_eq!(cell.facts().position, 100.0);
    assert!(cell.outputs.target_position < 0, "overflown");
    assert_eq!(cell.facts().error, None);
}
