//! Velocity and torque instead of positions.

use super::*;

#[test]
fn the_axis_closes_the_position_loop_of_a_velocity_drive() {
    let settings = AxisSettings { drive_mode: DriveMode::Csv, ..settings() };
    let mut cell = Cell::ready(settings);
    assert_eq!(cell.outputs.mode, 9);
    let mut worst = 0.0f64;
    let id = cell.give(to(120.0));
    while cell.facts().outcome(id) == Outcome::Busy {
        cell.run(1);
        worst = worst.max(cell.facts().following_error.abs());
        assert!(cell.outputs.target_velocity <= 1_000_000, "within the limit");
    }
    assert_eq!(cell.facts().outcome(id), Outcome::Done);
    assert!(worst < 1e-3, "{worst}");
    // Pushed away, it comes back.
    cell.drive.position += 300.0;
    cell.run(1_000);
    assert!((cell.facts().position - 120.0).abs() < 2e-3, "{}", cell.facts().position);
    cell.done(AxisCommand::Power(false));
    assert_eq!(cell.outputs.target_velocity, 0);
}

fn torque(torque: f64) -> AxisCommand {
    AxisCommand::Torque { torque, ramp: 200.0 }
}

#[test]
fn a_torque_is_ramped_and_halted() {
    let settings = AxisSettings { drive_mode: DriveMode::Cst, ..settings() };
    let mut cell = Cell::ready(settings);
    assert_eq!(cell.outputs.mode, 10);
    assert_eq!(cell.refused(to(1.0)), AxisError::WrongDriveMode);
    assert_eq!(cell.refused(torque(100.1)), AxisError::BadArgument);
    let id = cell.give(torque(-30.0));
    let mut before = 0;
    while cell.facts().outcome(id) == Outcome::Busy {
        assert!((0..=2).contains(&(before - cell.outputs.target_torque)), "200 %/s in 0.1 %");
        before = cell.outputs.target_torque;
        cell.run(1);
    }
    assert_eq!((cell.outputs.target_torque, cell.facts().state), (-300, AxisState::ContinuousMotion));
    cell.run(200);
    assert!(cell.facts().velocity < -1.0);
    assert_eq!(cell.facts().torque, -30.0);
    assert_eq!(cell.facts().error, None, "no following error under torque control");
    cell.done(AxisCommand::Halt);
    assert_eq!((cell.outputs.target_torque, cell.facts().state), (0, AxisState::Standstill));
    // A stop waits for the axis, then power goes.
    let id = cell.give(torque(50.0));
    cell.end(id);
    cell.run(100);
    cell.request.stop = Some(StopRequest::Configured);
    cell.run(1);
    assert_eq!(cell.facts().outcome(id), Outcome::CommandAborted);
    cell.run(3_000);
    assert_eq!((cell.facts().state, cell.outputs.target_torque), (AxisState::Disabled, 0));
}

#[test]
fn a_torque_axis_without_a_load_is_caught() {
    let settings = AxisSettings { drive_mode: DriveMode::Cst, ..settings() };
    let mut cell = Cell::ready(settings);
    cell.give(torque(100.0));
    for _ in 0..20_000 {
        cell.drive.velocity += 10_000.0;
        cell.run(1);
        if let Some(error) = cell.facts().error {
            assert_eq!(error, AxisError::Overspeed);
            assert!((100.0..110.0).contains(&cell.facts().velocity));
            return;
        }
    }
    panic!("never caught at {}", cell.facts().velocity);
}
