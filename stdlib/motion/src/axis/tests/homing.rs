//! How the axis learns where it is.

use super::*;

fn by_drive() -> AxisSettings {
    let homing = Homing::Drive { method: 1, offset: 10.0, velocity: 5.0, timeout_ns: 2_000_000_000 };
    AxisSettings { homing, ..settings() }
}

fn powered(settings: AxisSettings) -> Cell {
    let mut cell = Cell::new(settings);
    cell.run(3);
    cell.done(AxisCommand::Power(true));
    cell
}

#[test]
fn the_current_position_gets_a_name_and_nothing_moves() {
    let settings = AxisSettings { homing: Homing::CurrentPosition { position: -7.25 }, ..settings() };
    let mut cell = powered(settings);
    cell.done(by(1.23456));
    let (target, at) = (cell.outputs.target_position, cell.drive.position);
    cell.done(AxisCommand::Home);
    cell.run(10);
    assert_eq!((cell.outputs.target_position, cell.drive.position), (target, at));
    let facts = *cell.facts();
    assert_eq!((facts.set_position, facts.homed, facts.following_error), (-7.25, true, 0.0));
    cell.done(to(-6.25));
    assert_eq!(cell.drive.position - at, 10_000.0);
}

#[test]
fn an_absolute_encoder_is_homed_from_the_first_input_on() {
    let settings = AxisSettings { homing: Homing::Absolute { offset: 3.0 }, ..settings() };
    let mut cell = Cell::new(settings);
    cell.run(2);
    assert!(cell.facts().homed);
    assert_eq!(cell.facts().position, 12.3456 + 3.0);
    cell.done(AxisCommand::Power(true));
    cell.done(to(20.0));
    assert_eq!(cell.drive.position, 170_000.0);
}

#[test]
fn the_drive_homes_and_takes_set_points_again() {
    let mut cell = powered(by_drive());
    assert_eq!(cell.refused(to(0.0)), AxisError::NotHomed);
    // Twice: the second time the drive still shows that it has homed before.
    for _ in 0..2 {
        let before = cell.drive.position;
        let id = cell.give(AxisCommand::Home);
        let mut modes = vec![cell.outputs.mode];
        let mut least = before;
        while cell.facts().outcome(id) == Outcome::Busy {
            assert_eq!(
                (cell.facts().state, cell.facts().homed && cell.outputs.mode == 6),
                (AxisState::Homing, false)
            );
            assert_eq!(cell.refused(by(1.0)), AxisError::NotStandstill);
            if modes.last() != Some(&cell.outputs.mode) {
                modes.push(cell.outputs.mode);
            }
            least = least.min(cell.drive.position);
        }
        assert_eq!(cell.facts().outcome(id), Outcome::Done);
        assert_eq!(modes, [6, 8]);
        assert!(least <= before - 199.0 * 20.0 || least == 500.0, "it went: {before} to {least}");
        cell.run(100);
        assert_eq!((cell.drive.position, cell.facts().set_position), (500.0, 10.05));
        assert_eq!((cell.facts().error, cell.facts().following_error), (None, 0.0));
        cell.done(to(11.05));
        assert_eq!(cell.drive.position, 10_500.0);
    }
}

#[test]
fn a_homing_that_fails_is_an_error() {
    for exchanges in [100, 1_000_000] {
        let mut cell = powered(by_drive());
        cell.drive.homing = (exchanges, false);
        let id = cell.give(AxisCommand::Home);
        assert_eq!(cell.end(id), Outcome::Error(AxisError::HomingFailed));
        let facts = *cell.facts();
        assert_eq!((facts.state, facts.homed), (AxisState::ErrorStop, false));
        cell.run(1_000);
        assert_eq!(cell.outputs.controlword & 1 << 4, 0);
        cell.done(AxisCommand::Reset);
        assert_eq!(cell.facts().state, AxisState::Disabled);
        assert_eq!(cell.outputs.mode, 8);
    }
}

#[test]
fn a_stop_halts_the_homing_drive() {
    let mut cell = powered(by_drive());
    let id = cell.give(AxisCommand::Home);
    cell.run(60);
    assert!(cell.drive.velocity < 0.0, "it homes");
    let stop = cell.give(AxisCommand::Stop);
    assert_eq!(cell.facts().outcome(id), Outcome::CommandAborted);
    assert_eq!(cell.outputs.controlword & (1 << 4 | 1 << 8), 1 << 8);
    assert_eq!(cell.end(stop), Outcome::Done);
    cell.done(AxisCommand::ReleaseStop);
    cell.run(2);
    let facts = *cell.facts();
    assert_eq!((facts.state, facts.homed, cell.outputs.mode), (AxisState::Standstill, false, 8));
    let at = cell.drive.position;
    cell.run(100);
    assert_eq!(cell.drive.position, at);
}
